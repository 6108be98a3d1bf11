//! The conformance kit: what an OEM runs on his port before anything of Kedge is built on it.
//!
//! Plain functions over the ports' traits, without heap, so that they run on the device itself. Each takes a port and what
//! it may use, goes through its checks, and tells a [`Report`] of every check: passed, or a [`Finding`] that says in words
//! what is wrong and where. A check ends at its first finding; the others are made all the same.
//!
//! | port | function | what is lent, and lost |
//! |---|---|---|
//! | [`flash`](crate::flash) | [`nor()`] | three sectors |
//! | | [`nor_twice`] | one sector; not for parts on which reading a unit that was programmed twice is a bus fault |
//! | | [`nor_leave`], [`nor_find`] | one sector, before and after a restart or a loss of power |
//! | [`nand`](crate::nand) | [`nand()`] | two good blocks, one behind the other |
//! | [`http`](crate::http) | [`http()`] | a server that answers as [`Site`] says |
//! | [`clock`](crate::clock) | [`clock()`] | a fifth of a second |
//! | [`entropy`](crate::entropy) | [`entropy()`] | 4 KiB of random octets |
//! | [`identity`](crate::identity) | [`identity()`] | |
//! | [`radio`](crate::radio) | [`radio()`] | a data call |
//!
//! What cannot be told by calls has no function: that a restart restarts, that the user sees what is shown, and that a push
//! reaches the agent. Those are three looks at the device.
//!
//! ```
//! use kedge_platform::conformance::{Tally, identity};
//! use kedge_platform::identity::{HardwareId, Identity};
//!
//! struct Board;
//! impl Identity for Board {
//!     fn hardware_id(&self) -> HardwareId {
//!         HardwareId::Esn(0x8012_3456)
//!     }
//!     fn make(&self) -> &str {
//!         "Acme"
//!     }
//!     fn model(&self) -> &str {
//!         "A1;rev 2" // `;` separates make, model and version on the wire
//!     }
//!     fn version(&self) -> &str {
//!         "1.0"
//!     }
//! }
//!
//! let mut tally = Tally::default();
//! identity(&Board, &mut tally);
//! assert_eq!(tally.found, 1);
//! let finding = tally.first.unwrap();
//! assert_eq!(finding.to_string(), "identity, model: an octet that is not printable ASCII, or `;` (octet 2: read 3b)");
//! ```

mod finding;
mod http;
mod local;
mod nand;
mod nor;
mod pattern;

pub use finding::{Call, Evidence, Fault, Finding, Kind};
pub use http::{Site, http};
pub use local::{clock, entropy, identity, radio};
pub use nand::nand;
pub use nor::{nor, nor_find, nor_leave, nor_twice};

/// Where results go: a console, a log, a test.
pub trait Report {
    /// A check of a port passed.
    fn passed(&mut self, port: &'static str, check: &'static str);
    /// A check found something; it went no further.
    fn found(&mut self, finding: &Finding);
}

/// Counts, and keeps the first finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Checks that passed.
    pub passed: u32,
    /// Checks that found something.
    pub found: u32,
    /// What the first of them found.
    pub first: Option<Finding>,
}

impl Report for Tally {
    fn passed(&mut self, _: &'static str, _: &'static str) {
        self.passed = self.passed.saturating_add(1);
    }

    fn found(&mut self, finding: &Finding) {
        self.found = self.found.saturating_add(1);
        self.first = self.first.or(Some(*finding));
    }
}

/// What a check comes to before it is known which one it is.
type Checked = Result<(), (Fault, Evidence)>;

/// Makes one check of `port` and reports it.
fn make(report: &mut impl Report, port: &'static str, check: &'static str, made: Checked) {
    match made {
        Ok(()) => report.passed(port, check),
        Err((fault, evidence)) => report.found(&Finding { port, check, fault, evidence }),
    }
}
