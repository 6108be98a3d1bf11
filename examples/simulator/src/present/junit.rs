//! JUnit XML: one test case per flow, with its transcript.

use std::time::Duration;

use anyhow::Context;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::plain::{arrow_line, log_line, note_line, power_cut_line};
use super::recording::{FlowRecord, Recording};
use crate::feed::Feed;

/// The file's text. A flow that went wrong is a failure, one that could not be played an error; times are the
/// simulated device's.
pub fn junit(recording: &Recording) -> anyhow::Result<String> {
    let mut suite = TestSuite::new("flows");
    for flow in recording.flows() {
        suite.add_test_case(case(flow));
    }
    let mut report = Report::new("kedge");
    report.add_test_suite(suite);
    report.to_string().context("the run has no JUnit form")
}

fn case(flow: &FlowRecord) -> TestCase {
    let mut case = TestCase::new(flow.name.as_str(), status(flow));
    case.set_classname(flow.name.split('/').next().unwrap_or_default());
    case.set_system_out(transcript(flow));
    case.add_property(Property::new("title", flow.title.as_str()));
    case.add_property(Property::new("seed", flow.seed.to_string()));
    if let Some(end) = &flow.end {
        let figures = &end.figures;
        case.set_time(Duration::from_millis(figures.took_ms));
        case.add_property(Property::new("replay", end.replay.as_str()));
        let numbers =
            [("messages", figures.messages), ("octets", figures.octets), ("erases", figures.erases)];
        for (name, number) in numbers {
            case.add_property(Property::new(name, number.to_string()));
        }
        for (name, value) in &figures.more {
            case.add_property(Property::new(name.as_str(), value.as_str()));
        }
    }
    case
}

fn status(flow: &FlowRecord) -> TestCaseStatus {
    if flow.passed() {
        return TestCaseStatus::success();
    }
    let kind = if flow.aborted.is_some() { NonSuccessKind::Error } else { NonSuccessKind::Failure };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(flow.reason().unwrap_or("no reason given"));
    status
}

/// The course of the flow in plain lines, then the log.
fn transcript(flow: &FlowRecord) -> String {
    let course = flow.course.iter().filter_map(|item| match item {
        Feed::Arrow(arrow) => Some(arrow_line(arrow)),
        Feed::Note(note) => Some(note_line(note)),
        Feed::PowerCut { at_ms, operation } => Some(power_cut_line(*at_ms, *operation)),
        _ => None,
    });
    let log = flow.log.iter().map(|line| log_line(line.at_ms, line.level, &line.text));
    course.chain(log).flat_map(|line| [line, "\n".into()]).collect()
}
