//! What the agent tells of the license.

use kedge_platform::license::StoreFailed;
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::{Op, State};

use super::{Boot, Change, LicenseError};

/// Something happened to the license, or for it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LicenseEvent<'a> {
    /// The agent has taken it up.
    Found(Boot),
    /// What it permits, or what is thought of the clock, is new.
    Changed(Change),
    /// The server is asked.
    Asked {
        /// For what.
        op: Op,
    },
    /// The report of what became of a document goes out.
    Reporting,
    /// The user has to open an address, and to enter a code there.
    Elsewhere {
        /// The address.
        url: &'a str,
        /// The code; empty: none.
        code: &'a str,
    },
    /// A document came: the state that is held now, or why it was not taken.
    Document(Result<State, LicenseError<StoreFailed>>),
    /// The conversation with the server has ended.
    Ended(Outcome),
    /// The agent could not do what the license needed. Everything else goes on.
    Trouble(LicenseError<StoreFailed>),
}
