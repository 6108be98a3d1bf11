//! The fault-tolerant firmware update agent: it takes a package, makes sure of it, changes the firmware image so that a
//! power cut at any moment leaves something to go on from, and decides what a start runs.
//!
//! ```text
//!              begin            all written           verify            order
//!   ┌──────┐ ────────► receiving ────────► (complete) ───────► verified ──────► ordered ─┐
//!   │ idle │ ◄─────────────────────────────────┴─ refused                              │ restart, boot() = Update
//!   │      │ ◄─ refused ───────────────────────────────────────────────────────────────┤ verify again
//!   │      │ ◄─ failed ──────────────────────────────────────────────────────────────── applying ◄─┐ cut: again
//!   │      │                                                                             │    └──┘
//!   │      │ ◄─ confirm: installed ─────────────────────────────────── trial ◄───────────┘ image whole
//!   └──────┘ ◄─ attempts used up: rolled back (slots) ────────────────────┘
//! ```
//! The agent calls [`Update::begin`], [`Update::write`], [`Update::verify`] and, when the user agrees, [`Update::order`], and
//! restarts. The boot stage calls [`Update::boot`], on [`BootDecision::Update`] steps an [`Applier`] to its end, asks
//! `boot` again, and starts the image. The new firmware calls [`Update::confirm`] when it finds itself working, puts
//! [`Update::outcome`] into its outbox and then calls [`Update::clear_outcome`].
//!
//! Where the boot loader stays the OEM's (MCUboot, ESP-IDF, Linux), [`handover`] takes the place of `boot` and `confirm`:
//! the applier runs in the firmware and makes the image in the other slot, the loader does the rest.
//!
//! # Rules
//!
//! - No step begins before the journal record that allows it is safe; every step can be repeated.
//! - No unit of the flash is read that a power cut may have left half programmed or half erased: what a record does not
//!   vouch for is erased first. The contract is that of [`kedge_platform::flash`].
//! - All that can be checked is checked before the first sector of an image is erased, signature first; a coded delta is gone
//!   through to its end once, without writing.
//! - In slot mode there is a bootable old image until the new one is confirmed. In place there is none while the update is
//!   at work, only a journal to go on from; and no way back.
//! - The security counter rises when an image is confirmed, not before: a roll-back must not lock the old image out.
//!
//! RAM: [`Update`] at most 280 octets, [`Applier`] at most 1200 and the hash; the tables of coded deltas are lent
//! ([`Memory`]); no buffer on the stack is larger than 256; the caller lends one buffer for the envelope. Whole stack
//! depths: `cargo xtask size`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

#[cfg(test)]
extern crate std;

mod applier;
pub mod banklog;
mod boot;
mod coded;
mod decoder;
mod error;
mod flash_io;
pub mod handover;
mod inbox;
mod layout;
pub mod nand;
mod outcome;
mod record;
#[cfg(test)]
mod states;
#[cfg(feature = "repack")]
mod unpacked;
#[cfg(not(feature = "repack"))]
mod unpacked_absent;
mod update;
mod verify;

#[cfg(not(feature = "repack"))]
use unpacked_absent as unpacked;

pub use applier::{Applier, Progress};
pub use boot::BootDecision;
pub use coded::{Memory, WORDS_LARGE, WORDS_SMALL, WORDS_TINY, Workspace};
pub use error::Error;
pub use layout::{Layout, LayoutError, Mode, Slot};
pub use outcome::{Failure, Outcome, PackageId, Refusal, UpdateResult};
pub use record::Job;
pub use update::Update;
pub use verify::{Device, Key};
