//! A run, kept for what is written at its end.

use crate::feed::{Feed, Flash, FlowEnded, Level, Observer};

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When, in milliseconds of uptime.
    pub at_ms: u64,
    /// How much it matters.
    pub level: Level,
    /// What.
    pub text: String,
}

/// One flow of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowRecord {
    /// The scenario's name.
    pub name: String,
    /// What happens in it.
    pub title: String,
    /// What everything random came from.
    pub seed: u64,
    /// Messages, notes and power cuts, in order.
    pub course: Vec<Feed>,
    /// The log.
    pub log: Vec<LogLine>,
    /// The flash at its end.
    pub flash: Option<Flash>,
    /// How it ended.
    pub end: Option<FlowEnded>,
    /// Why it could not be played to its end.
    pub aborted: Option<String>,
}

impl FlowRecord {
    /// Whether it ended as its description says.
    pub fn passed(&self) -> bool {
        self.aborted.is_none() && self.end.as_ref().is_some_and(|end| end.passed)
    }

    /// Why it did not pass, or what its end says.
    pub fn reason(&self) -> Option<&str> {
        match (&self.aborted, &self.end) {
            (Some(aborted), _) => Some(aborted),
            (None, Some(end)) => end.reason.as_deref(),
            (None, None) => Some("it has no end"),
        }
    }
}

/// All flows of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    flows: Vec<FlowRecord>,
}

impl Recording {
    /// The flows, in order.
    pub fn flows(&self) -> &[FlowRecord] {
        &self.flows
    }

    /// Whether there are flows and all passed.
    pub fn passed(&self) -> bool {
        !self.flows.is_empty() && self.flows.iter().all(FlowRecord::passed)
    }

    /// Notes that the flow `name` could not be played to its end.
    pub fn abort(&mut self, name: &str, seed: u64, reason: String) {
        let open = self.flows.last().is_some_and(|flow| flow.name == name && flow.end.is_none());
        if !open {
            self.flows.push(FlowRecord { name: name.into(), seed, ..FlowRecord::default() });
        }
        if let Some(flow) = self.flows.last_mut() {
            flow.aborted = Some(reason);
        }
    }
}

impl Observer for Recording {
    fn feed(&mut self, feed: &Feed) {
        if let Feed::FlowStarted { name, title, seed } = feed {
            let (name, title) = (name.clone(), title.clone());
            self.flows.push(FlowRecord { name, title, seed: *seed, ..FlowRecord::default() });
        }
        let Some(flow) = self.flows.last_mut() else { return };
        match feed {
            Feed::FlowStarted { .. } | Feed::Progress(_) => {}
            Feed::Arrow(_) | Feed::Note(_) | Feed::PowerCut { .. } => flow.course.push(feed.clone()),
            Feed::Flash(flash) => flow.flash = Some(flash.clone()),
            Feed::Log { at_ms, level, text } => {
                flow.log.push(LogLine { at_ms: *at_ms, level: *level, text: text.clone() });
            }
            Feed::FlowEnded(end) => flow.end = Some(end.clone()),
        }
    }
}
