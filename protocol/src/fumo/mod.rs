//! The firmware update management object (OMA-TS-DM_FUMO 1.0; `fumo-dlota.md` section 1).
//!
//! | item | what |
//! |---|---|
//! | [`Machine`] | one update package from the server's command to the result: what is allowed when, what comes next |
//! | [`Fumo`], [`Staged`], [`Port`] | the object in the management tree, what it was told, and what it needs of the device |
//! | [`Completion`] | the generic alert that ends an operation |
//! | [`State`], [`ResultCode`], [`Operation`] | the codes and names of the object |
//!
//! The machine has no time and no flash. What it is told comes from the server (through the object's nodes) or from the
//! device (download, check, update); what it answers is the next [`Action`]. Its [`Memo`] is kept in flash after each event,
//! together with the [`Completion`] that the event brought; so an operation that was accepted has exactly one result, also
//! after a power cut.

mod codes;
mod machine;
mod object;
#[cfg(test)]
mod tests;

pub use codes::{DEVICE_REQUEST, Operation, ResultCode, State, USER_REQUEST, download_failed};
pub use machine::{Action, Completion, Event, Machine, Memo, Refused};
pub use object::{Fumo, MAX_DEFERRALS, Port, Staged};

/// The object's identifier, the Type property of its root.
pub const IDENTIFIER: &str = "urn:oma:mo:oma-fumo:1.0";

/// Longest package URL, in octets; that of [`crate::dlota`].
pub const MAX_URL: usize = crate::dlota::limits::MAX_URL;
/// Longest correlator, in octets. It must be returned unchanged, so an Exec with a longer one is refused.
pub const MAX_CORRELATOR: usize = 64;
/// Longest identifier of a server, in octets (`oma-dm.md` section 12: one implementation has 23).
pub const MAX_SERVER: usize = 64;
