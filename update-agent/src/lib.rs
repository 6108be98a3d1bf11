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
//!   │      │ ◄─ attempts used up: rolled back (slots) ────────────────────┤
//!   └──────┘ ◄─ old image whole: rolled back ──── reverting ◄─────────────┘ attempts used up (in place, revertible)
//! ```
//! The agent calls [`Update::begin`], [`Update::write`], [`Update::verify`] and, when the user agrees, [`Update::order`], and
//! restarts. The boot stage calls [`Update::boot`], on [`BootDecision::Update`] steps an [`Applier`] to its end, asks
//! `boot` again, and starts the image. The new firmware calls [`Update::confirm`] when it finds itself working, puts
//! [`Update::outcome`] into its outbox and then calls [`Update::clear_outcome`].
//!
//! A package can also be used while it comes in, where it goes into a slot and there is no room to store it:
//! [`Streaming`] takes the place of `begin`, `write`, `verify`, `order` and the applier, and runs in the firmware
//! ([`streaming`] has its states).
//!
//! Where the boot loader stays the OEM's (MCUboot, ESP-IDF, Linux), [`handover`] takes the place of `boot` and `confirm`:
//! the applier runs in the firmware and makes the image in the other slot, the loader does the rest.
//!
//! Images that are kept encrypted are read and written through [`encrypted`]; deltas are made between plain ones.
//!
//! # Rules
//!
//! - No step begins before the journal record that allows it is safe; every step can be repeated.
//! - No unit of the flash is read that a power cut may have left half programmed or half erased: what a record does not
//!   vouch for is erased first. The contract is that of [`kedge_platform::flash`].
//! - All that can be checked is checked before the first sector of an image is erased, signature first; a coded delta is gone
//!   through to its end once, without writing. Streamed, what the manifest and the plan tell is checked before the slot is
//!   touched, the payload's hash at its end if all of it came in one session, and the new image's hash always, before the
//!   slot may start.
//! - In slot mode there is a bootable old image until the new one is confirmed. In place there is none while the update is
//!   at work, only a journal to go on from; and no way back unless the package is revertible: then it stays in its region
//!   during the trial, and what leads back is applied like any package, verified again before the first erase.
//! - The security counter rises when an image is confirmed, not before: a roll-back must not lock the old image out.
//!
//! # What a package can cost at most
//!
//! Whatever a signed package says, applying it ends, and takes no more than this, for a payload of *P* octets, images of *O*
//! and *N*, blocks of *B*, decoder state of *S* (`Needs::state`, whole sectors), and *R* octets for saved pieces (the spare
//! region less a block); per power cut one block more, in a slot also going through the delta again:
//!
//! | | in a slot | in place |
//! |---|---|---|
//! | octets erased | *N* + journal | (*N* / *B*) × (2 *B* + *S* + *R*) + journal |
//! | octets written | *N* + journal | (*N* / *B*) × (2 *B* + *S* + 96) + 4 (*O* + *N*) + journal |
//! | octets read | 512 (*P* + *O* + *N*) | the same |
//! | journal | 2 (*N* / *B*) + 32 records, of 128 octets each; as many sectors | the same |
//!
//! *N* / *B* is rounded up. Plans that save more than the 4 (*O* + *N*) octets or would have saved pieces looked for more often
//! than reading allows ([`kedge_delta::rebuild::SAVED_MOST`], [`SEARCHED_MOST`](kedge_delta::rebuild::SEARCHED_MOST)) are
//! refused, as is everything that needs more memory than is lent. Memory is what the caller lends. What packages cost in
//! fact is a tenth of that; the bounds are asserted for hostile ones (`tests/src/hostile`, `cargo xtask fuzz`).
//!
//! What an update is going to take of flash and time, [`Update::forecast`] tells before; what it took, [`Metered`] counts.
//!
//! RAM: [`Update`] at most 280 octets, [`Applier`] at most 1200 (with `repack` 2000, with `lzma` 2600) and the
//! hash, [`Streaming`] at most 1700 and two hashes; the tables of coded deltas are lent ([`Memory`]); no buffer on the stack is larger than 256; the caller lends one buffer
//! for the envelope. Below all that a boot stage's stack takes 1.5 KiB once the first sector is erased, measured on emulated
//! boards (`cargo xtask instructions`); before that it is the signature's, 9 to 12 KiB with Ed25519 in software. By static
//! analysis (`cargo xtask size`) it is 8.3 KB at most without cryptography, the [`Applier`] in it. So beside the tables of
//! 2.6, 12.7 or 114 KiB there have to be some 3 KiB, and what the cryptography takes.
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
mod beside;
mod boot;
mod coded;
mod decoder;
pub mod encrypted;
mod error;
mod flash_io;
mod forecast;
pub mod handover;
mod inbox;
mod layout;
mod meter;
pub mod nand;
mod outcome;
mod record;
#[cfg(test)]
mod states;
pub mod streaming;
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
pub use forecast::{Forecast, Speed};
pub use layout::{Layout, LayoutError, Mode, Slot};
pub use meter::{Metered, Tally, Work};
pub use outcome::{Failure, Outcome, PackageId, Refusal, UpdateResult};
pub use record::Job;
pub use streaming::{Site, Streaming};
pub use update::Update;
pub use verify::{Device, Key};
