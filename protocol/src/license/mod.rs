//! Provisioning and licensing: signed documents fetched by http(s) redirects, and what they permit.
//!
//! ```text
//!  entry request ──► redirects ──► answer ──► acceptance, 15 steps ──► cache ──► verdict
//!   token, nonce      session       by type     accept                  (agent)    verdict, time
//! ```
//!
//! | item | what | section |
//! |---|---|---|
//! | [`session`] | the conversation: entry request, redirects, answers, polling, the report | 4 |
//! | [`token`], [`report`] | what the device signs | 4.2, 4.5 |
//! | [`envelope`], [`Claims`], [`Configuration`] | the document | 5 |
//! | [`sealed`] | a document that only the device can read | 4.4 |
//! | [`accept`] | the first fourteen steps of acceptance; the last one is the cache's | 6 |
//! | [`verdict`], [`time`] | what a license permits now: pure functions | 7 |
//! | [`retry`] | when to ask again | 4.4 |
//! | [`answer`], [`url`] | what servers answer; where redirects may lead | 4.3, 4.4 |
//! | [`limits`] | every bound, with its reason | |
//!
//! Sections are those of the project's specification of provisioning and licensing. The license never gates emergency
//! calls, provisioning, device management, firmware updates or license requests: nothing in those asks for a verdict.

pub mod accept;
pub mod answer;
mod claims;
mod code;
mod configuration;
pub mod envelope;
pub mod limits;
mod media;
pub mod report;
pub mod retry;
pub mod sealed;
pub mod session;
pub mod time;
pub mod token;
pub mod url;
pub mod verdict;

pub use claims::{Claims, License};
pub use code::{Code, Refusal};
pub use configuration::{
    Configuration, Embedded, Endpoint, Part, ServiceIdentity, TrustChange, TrustUpdate, Value,
};
pub use envelope::{KeyId, Verifier};
pub use media::{Kind, MediaName};

use crate::wire::open_code;

/// The stored states, as in the seed: everything else is a verdict, computed and never stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// No license.
    #[default]
    Unknown = 0,
    /// A trial, bound to the service it came with.
    Trial = 1,
    /// A full license.
    Full = 2,
}

impl State {
    /// The state of that number.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Unknown),
            1 => Some(Self::Trial),
            2 => Some(Self::Full),
            _ => None,
        }
    }
}

impl core::fmt::Display for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Trial => "trial",
            Self::Full => "full",
        })
    }
}

/// The number of a license: greater ones replace smaller ones. A server that lost its memory goes on with the next epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Serial {
    /// Counts the memories of the server.
    pub epoch: u16,
    /// Counts licenses.
    pub seq: u32,
}

impl Serial {
    /// Before the first license.
    pub const NONE: Self = Self { epoch: 0, seq: 0 };

    /// The serial `[epoch, seq]`.
    pub const fn new(epoch: u16, seq: u32) -> Self {
        Self { epoch, seq }
    }
}

impl core::fmt::Display for Serial {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

open_code! {
    /// Why a license was issued.
    pub struct Reason(u8) {
        /// The first trial of the device.
        FIRST_TRIAL = 1, "first trial";
        /// It was paid.
        PAID = 2, "paid";
        /// The device asked again.
        REACTIVATION = 3, "re-activation";
        /// It was moved from another device.
        TRANSFER = 4, "transfer";
        /// It goes on.
        RENEWAL = 5, "renewal";
        /// The money was given back.
        REFUND = 6, "refund";
        /// It was taken away, or given back.
        WITHDRAWN = 7, "withdrawn";
    }
}

open_code! {
    /// What a device asks for.
    pub struct Op(u8) {
        /// It has no valid configuration.
        ACTIVATE = 1, "activate";
        /// The user opened "My Account".
        MY_ACCOUNT = 2, "my account";
        /// The state of the license calls for it.
        REFRESH = 3, "refresh";
        /// It gives its license back.
        RELEASE = 4, "release";
    }
}

/// What an issuer's key may sign, as bits.
pub mod roles {
    /// Licenses.
    pub const LICENSE: u8 = 1;
    /// Configurations.
    pub const CONFIGURATION: u8 = 2;
    /// Changes of the keys that are trusted.
    pub const TRUST: u8 = 4;
}

/// How well a device can keep a license to itself (section 3): a property of its build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// L0: signatures and serials are checked; anything can be copied.
    #[default]
    Open,
    /// L1: bound to a hardware identity that can be read.
    Identity,
    /// L2: bound to a key that cannot be read; requests are signed, journal records carry a MAC.
    Key,
    /// L3: that, and a counter that only goes up is part of the MAC.
    Counter,
}

impl core::fmt::Display for Level {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Open => "L0",
            Self::Identity => "L1",
            Self::Key => "L2",
            Self::Counter => "L3",
        })
    }
}
