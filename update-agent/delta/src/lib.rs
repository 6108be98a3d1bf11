//! The delta coding of firmware images: what the device and the generator share.
//!
//! ```text
//!  payload ─► plan ──► steps, segments ──► which old octets make the new block, and what is sent instead
//!              │                                         │
//!              └─► map: where every old piece went       ▼
//!                            │            old code ─► units ─► prediction: the same, its addresses moved by the map
//!                            └───────────────────────────────►   │
//!  payload ─► content ─► bits ─► was it right? if not: the address, the octets ◄─┘      ─► new octets
//! ```
//! In a new release most code is the same with other operands, because something before it grew. The plan tells where
//! everything went; with that the device decodes the operand of an old instruction, moves its target and codes it again at
//! the new place, and is mostly right. What is sent is whether it was right ([`model`]), coded with probabilities that
//! adapt on both sides alike ([`predict`], [`bits`]).
//!
//! - [`arch`]: instructions and words, and the addresses in them
//! - [`map`]: regions of both images, and the map
//! - [`plan`]: order of the blocks, segments; [`numbers`] codes it
//! - [`seam`]: units over the border of two blocks
//! - [`walk`]: through a block, the same way in both directions
//! - [`rebuild`]: the device's side, to be interrupted and resumed at every block
//!
//! Everything works in memory that the caller lends ([`model::Sizes`]); nothing panics, whatever a payload says. Not meant
//! for payloads that nobody vouches for: what comes out is checked by its hash, by whoever uses this.
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

pub mod arch;
pub mod bits;
pub mod map;
pub mod model;
pub mod numbers;
pub mod plan;
pub mod predict;
pub mod rebuild;
pub mod seam;
pub mod walk;

/// Spreads two numbers over 32 bits: for tables that a context chooses a place in.
pub fn hash(a: u32, b: u32) -> u32 {
    salted(a, salt(b))
}

/// What `b` adds to a hash: for those that are known when compiling.
const fn salt(b: u32) -> u32 {
    b.wrapping_mul(0x85EB_CA77).rotate_left(15)
}

const fn salted(a: u32, salt: u32) -> u32 {
    let h = a.wrapping_mul(0x9E37_79B1) ^ salt;
    h.wrapping_mul(0xC2B2_AE3D) ^ (h >> 15)
}

/// The place of `hash` among `len`: its share of 2^32, without a division.
pub fn slot(hash: u32, len: usize) -> usize {
    usize::try_from(u64::from(hash).wrapping_mul(len as u64) >> 32).unwrap_or(0)
}
