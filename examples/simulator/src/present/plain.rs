//! One line per item: for pipes, log files and screen readers.

use std::io::{self, Write};

use super::lines::{Lines, Live};
use super::text::{grouped, one_line, seconds};
use crate::feed::{Arrow, Feed, Level, Note, Observer, Progress};

/// Every so many hundredths a long step gets a line.
const PROGRESS_STEP: u64 = 25;

/// Writes lines without colours, bars and box characters.
#[derive(Debug)]
pub struct Plain<W> {
    lines: Lines<W>,
    /// The long step that goes on, and the part of it that has been told.
    told: Option<(String, u64)>,
}

impl<W: Write> Plain<W> {
    /// A presenter that writes to `out`.
    pub fn new(out: W) -> Self {
        Self { lines: Lines::new(out), told: None }
    }

    fn progress(&mut self, progress: &Progress) {
        let part =
            progress.have.saturating_mul(100).checked_div(progress.total).unwrap_or(100) / PROGRESS_STEP;
        let known = self.told.as_ref().is_some_and(|(task, told)| *task == progress.task && *told >= part);
        if known {
            return;
        }
        self.told = Some((progress.task.clone(), part));
        let (task, unit) = (one_line(&progress.task), one_line(&progress.unit));
        let (have, total) = (grouped(progress.have), grouped(progress.total));
        self.lines.line(&format!("{}      {task}: {have} of {total} {unit}", clock(progress.at_ms)));
    }
}

impl<W: Write> Observer for Plain<W> {
    fn feed(&mut self, feed: &Feed) {
        match feed {
            Feed::FlowStarted { name, title, seed } => {
                self.told = None;
                self.lines.line(&format!("{}: {} (seed {seed})", one_line(name), one_line(title)));
            }
            Feed::Arrow(arrow) => self.lines.line(&arrow_line(arrow)),
            Feed::Note(note) => self.lines.line(&note_line(note)),
            Feed::Progress(progress) => self.progress(progress),
            Feed::PowerCut { at_ms, operation } => {
                self.lines.line(&power_cut_line(*at_ms, *operation));
            }
            Feed::Log { at_ms, level, text } if *level >= Level::Warning => {
                self.lines.line(&log_line(*at_ms, *level, text));
            }
            Feed::Log { .. } | Feed::Flash(_) => {}
            Feed::FlowEnded(end) => {
                let verdict = if end.passed { "passed" } else { "FAILED" };
                let reason = end.reason.as_deref().map(|reason| format!(": {}", one_line(reason)));
                self.lines.line(&format!("{} {verdict}{}", one_line(&end.name), reason.unwrap_or_default()));
                self.lines.line(&format!("replay: {}", one_line(&end.replay)));
                self.lines.line("");
            }
        }
    }
}

impl<W: Write> Live for Plain<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.lines.finish()
    }
}

/// The line of a message; the transcript of a JUnit file is made of these too.
pub(super) fn arrow_line(arrow: &Arrow) -> String {
    let title = if arrow.title.is_empty() { String::new() } else { format!(" ({})", one_line(&arrow.title)) };
    let (from, to, text) = (arrow.from.title(), arrow.to.title(), one_line(&arrow.text));
    format!("{}{} {from} -> {to}: {text}{title}", clock(arrow.at_ms), step(arrow.step.as_deref()))
}

/// The line of a note.
pub(super) fn note_line(note: &Note) -> String {
    let text = one_line(&note.text);
    format!("{}{} {}: {text}", clock(note.at_ms), step(note.step.as_deref()), note.lane.title())
}

/// The line of a power cut.
pub(super) fn power_cut_line(at_ms: u64, operation: u64) -> String {
    format!("{}{} POWER CUT at flash operation {operation}", clock(at_ms), step(None))
}

/// A line of the log.
pub(super) fn log_line(at_ms: u64, level: Level, text: &str) -> String {
    format!("{}{} {}: {}", clock(at_ms), step(None), level.name(), one_line(text))
}

fn clock(ms: u64) -> String {
    format!("{:>11}", seconds(ms))
}

fn step(step: Option<&str>) -> String {
    step.map_or_else(|| " ".repeat(5), |step| format!(" {:<4}", format!("[{}]", one_line(step))))
}
