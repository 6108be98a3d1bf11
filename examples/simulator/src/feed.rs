//! What a run shows, as one owned stream: terminal, JSON lines, JUnit and the HTML page are all made from it.
//!
//! A run plays flows one after the other; each flow's items stand between its [`Feed::FlowStarted`] and its
//! [`Feed::FlowEnded`]. All times are the simulated device's uptime in milliseconds, so the same seed gives the same
//! stream. Texts may come from the network: every presenter must take them for hostile.

use serde::{Deserialize, Serialize};

/// A party of a sequence diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// The person who holds the device.
    User,
    /// The device with the agent.
    Handset,
    /// The update agent, which runs alone between two restarts.
    UpdateAgent,
    /// The operator's servers and its radio network.
    Network,
    /// Where packages are downloaded from.
    Repository,
}

impl Lane {
    /// All of them, from left to right.
    pub const ALL: [Self; 5] =
        [Self::User, Self::Handset, Self::UpdateAgent, Self::Network, Self::Repository];

    /// What stands above the lane.
    pub const fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Handset => "Handset",
            Self::UpdateAgent => "Update agent",
            Self::Network => "Network",
            Self::Repository => "Repository",
        }
    }

    /// Its place from the left, from 0.
    pub const fn index(self) -> usize {
        match self {
            Self::User => 0,
            Self::Handset => 1,
            Self::UpdateAgent => 2,
            Self::Network => 3,
            Self::Repository => 4,
        }
    }
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Detail.
    Debug,
    /// Normal course.
    Info,
    /// Refused, lost, tried again.
    Warning,
    /// Something is broken.
    Error,
}

impl Level {
    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One message from one party to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrow {
    /// When, in milliseconds of uptime.
    pub at_ms: u64,
    /// Who sent it.
    pub from: Lane,
    /// To whom.
    pub to: Lane,
    /// The number of the flow's step or steps in `flows.md`, like `5` or `2, 4`.
    pub step: Option<String>,
    /// What it means, in plain words.
    pub text: String,
    /// What it is on the wire, like `POST /iota`; empty for what has no wire.
    pub title: String,
    /// Its content decoded, several lines; empty: it has none.
    pub decoded: String,
    /// Its octets in lower-case hexadecimal without spaces; empty: it has none.
    pub hex: String,
}

/// Something that happened inside one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When, in milliseconds of uptime.
    pub at_ms: u64,
    /// Where.
    pub lane: Lane,
    /// The number of the flow's step, as in [`Arrow::step`].
    pub step: Option<String>,
    /// What, in plain words.
    pub text: String,
}

/// How far a long step is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// When, in milliseconds of uptime.
    pub at_ms: u64,
    /// Which step, like `download`. The same task goes on until `have` equals `total`.
    pub task: String,
    /// What is counted, like `octets`.
    pub unit: String,
    /// Done.
    pub have: u64,
    /// In all.
    pub total: u64,
}

/// The state of a flash device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Octets of an erase sector.
    pub sector_size: u32,
    /// How often each sector was erased, from the first one on.
    pub wear: Vec<u32>,
    /// What lies where; regions do not overlap.
    pub regions: Vec<FlashRegion>,
}

/// A named part of a flash device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlashRegion {
    /// What it holds.
    pub name: String,
    /// Offset of its first octet.
    pub start: u32,
    /// Its length in octets.
    pub len: u32,
}

/// What a flow cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Messages over the air, both ways.
    pub messages: u64,
    /// Octets of their bodies, packages included.
    pub octets: u64,
    /// Sectors erased.
    pub erases: u64,
    /// The simulated device's time from start to end, in milliseconds.
    pub took_ms: u64,
    /// Anything else worth a line: name and value.
    pub more: Vec<(String, String)>,
}

/// How a flow ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowEnded {
    /// The scenario's name.
    pub name: String,
    /// Whether it ended as its description says.
    pub passed: bool,
    /// Why not; for a flow that passed, optionally what its end state is.
    pub reason: Option<String>,
    /// What it cost.
    pub figures: Figures,
    /// The command line that plays exactly this again.
    pub replay: String,
}

/// One item of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Feed {
    /// A flow begins.
    FlowStarted {
        /// The scenario's name.
        name: String,
        /// What happens in it, in one line.
        title: String,
        /// The seed everything random comes from.
        seed: u64,
    },
    /// A message.
    Arrow(Arrow),
    /// Something inside one party.
    Note(Note),
    /// A long step goes on.
    Progress(Progress),
    /// The flash, whenever it is worth showing; the last one of a flow is its end state.
    Flash(Flash),
    /// A line of the log.
    Log {
        /// When, in milliseconds of uptime.
        at_ms: u64,
        /// How much it matters.
        level: Level,
        /// What.
        text: String,
    },
    /// The power failed.
    PowerCut {
        /// When, in milliseconds of uptime.
        at_ms: u64,
        /// The number of the flash operation it hit.
        operation: u64,
    },
    /// A flow has ended.
    FlowEnded(FlowEnded),
}

/// Who watches a run.
pub trait Observer {
    /// Takes one item.
    fn feed(&mut self, feed: &Feed);
}

/// Several watchers; each gets every item, in this order.
impl Observer for [&mut dyn Observer] {
    fn feed(&mut self, feed: &Feed) {
        for observer in self {
            observer.feed(feed);
        }
    }
}

/// A plain collection of everything.
impl Observer for Vec<Feed> {
    fn feed(&mut self, feed: &Feed) {
        self.push(feed.clone());
    }
}
