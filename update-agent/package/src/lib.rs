//! The update package, format version 1: what the generator writes and the device reads.
//!
//! ```text
//!  ┌────────┬──────────────────────────────────────────────┬─────────────────────────────┐
//!  │ header │ envelope: COSE_Sign1, payload = the manifest │ payload: the image, or a    │
//!  │ 12     │ at most 2048 octets                          │ delta (block table and ops) │
//!  └────────┴──────────────────────────────────────────────┴─────────────────────────────┘
//! ```
//! The signature covers the manifest; the manifest holds size and SHA-256 of the payload; every bit of the header is
//! checked against a constant or against what the manifest says. So no bit of a package can change unnoticed.
//!
//! # Header ([`Header`]; integers big-endian)
//!
//! | offset | octets | field |
//! |---:|---:|---|
//! | 0 | 4 | magic, `4B 44 47 50` ("KDGP") |
//! | 4 | 1 | format version, 1 |
//! | 5 | 1 | reserved, 0 |
//! | 6 | 2 | length of the envelope |
//! | 8 | 4 | length of the payload |
//!
//! # Envelope ([`Envelope`]; RFC 9052 §4.2, RFC 8949 §4.2 deterministic encoding, nothing else is taken)
//!
//! `18([ protected: bstr .cbor {1: -8, 4: key id}, unprotected: {}, payload: bstr .cbor manifest, signature: bstr 64 ])`
//! with Ed25519 (algorithm -8, EdDSA) and a key id of 1 to 16 octets. The signed octets are the COSE
//! `Sig_structure ["Signature1", protected, h'', payload]`; the first 16 octets of their SHA-256 are the *package id*.
//!
//! Or a SUIT envelope around the same manifest, which other tools can read: [`suit`]. Devices take either, unless they leave
//! the feature `suit` out; so with deltas of kind 1 and the feature `ops`. What is left out is refused.
//!
//! # Manifest ([`Manifest`]): a map with these integer keys, ascending
//!
//! | key | value | meaning |
//! |---:|---|---|
//! | 1 | text 1..32 | product the package is for |
//! | 2 | text 1..32 | version that must be installed; keys 2, 4 and 6 come together, and always with a delta |
//! | 3 | text 1..32 | version it installs |
//! | 4 | uint | size of the old image in octets |
//! | 5 | uint | size of the new image in octets, at least 1 |
//! | 6 | bytes 32 | SHA-256 of the old image |
//! | 7 | bytes 32 | SHA-256 of the new image |
//! | 8 | uint | security counter: a device refuses packages with a smaller one than it has confirmed |
//! | 9 | uint | payload kind: 0 full image, 1 delta, 2 coded delta, 3 the same with compressed streams unpacked |
//! | 10 | uint | layout: 0 into the other slot, 1 in place |
//! | 11 | uint | block size: a power of two, 256 to 1 MiB, a multiple of the device's erase sector |
//! | 12 | uint | size of the payload in octets |
//! | 13 | bytes 32 | SHA-256 of the payload |
//! | 14 | text 0..128 | description, one line |
//! | 15 | text 0..1024 | release notes, lines ended by U+000A |
//! | 16 | uint | octets of RAM that decoding takes; keys 16 to 18 come with payload kinds 2 and 3 |
//! | 17 | uint | octets of spare flash, in place: a block, and what is saved |
//! | 18 | uint | octets of the decoder's state: kept twice, in place behind the package, streamed behind the plan |
//! | -1 | uint | *revertible package*: how many of the payload's octets, the last ones, lead back to the old image; with payload kind 2 in place only |
//!
//! Versions and the product are printable ASCII. Keys above 18 are skipped when their value is an integer, a byte or
//! text string or a boolean; anything nested, and any other negative key ("critical": must be understood), is refused.
//!
//! A revertible package holds two coded deltas, the one that leads to the new image and the one back; keys 12 and 13 cover
//! both, keys 16 to 18 are the larger needs of the two. Its key is a critical one: a device that passed over it would take
//! the second delta for the end of the first, whose decoder reads on where an encoder left out zeros, and would find out
//! only when the image is made. It refuses before anything is erased instead.
//!
//! # Payload
//!
//! Kind 0: the new image. Kind 2: see `kedge_delta`; two of them in a revertible package. Kind 1, a delta ([`Plan`]; integers big-endian): the new image is cut in blocks of the block
//! size (the last may be shorter), which are made one after the other and each from nothing but the old image:
//!
//! | offset | octets | field |
//! |---:|---:|---|
//! | 0 | 1 | order: 0 first block first, 1 last block first |
//! | 1 | 3 | reserved, 0 |
//! | 4 | 8 × blocks | per block, in image order: offset of its op stream behind the table, CRC-32 of the block |
//! | | 4 | offset behind the last op stream |
//! | | | op streams, in image order |
//!
//! A block with an empty stream equals the old image at the same place. In place, a block may copy from what is not
//! overwritten yet: from its own start on (order 0), or up to its own end (order 1). Op streams: see [`ops`].
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

mod block;
mod cbor;
mod dump;
mod envelope;
mod error;
mod header;
pub mod limits;
mod manifest;
pub mod ops;
mod plan;
pub mod suit;

pub use block::BlockReader;
pub use dump::dump;
pub use envelope::{Envelope, KeyId, SigStructure, emit_envelope};
pub use error::{Error, ErrorKind, ReadError};
pub use header::Header;
pub use manifest::{Base, Image, Kind, Layout, Manifest, Needs, Payload};
pub use plan::{Block, Content, Order, Plan, write_table};

/// The check of a block: CRC-32 as in IEEE 802.3. It finds a block that was made from wrong octets before the old ones are
/// given up; who made the package is the signature's affair.
pub const BLOCK_CHECK: crc::Crc<u32, crc::Table<1>> =
    crc::Crc::<u32, crc::Table<1>>::new(&crc::CRC_32_ISO_HDLC);

/// Whether this build reads SUIT envelopes.
const SUIT: bool = cfg!(feature = "suit");

/// Where the octets come from: the stored package and the image it changes. On a device both are flash.
pub trait Input {
    /// Why reading can fail.
    type Error;
    /// Fills `out` with the package's octets from offset `at` on.
    fn package(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error>;
    /// Fills `out` with the old image's octets from offset `at` on.
    fn image(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error>;
}
