//! Op streams: how one block is made from the old image.
//!
//! A stream is a list of ops until the block is full. Numbers are *varints*: groups of 7 bits, least significant first,
//! high bit set on all but the last, at most 32 bits; signed ones are zigzag-mapped (0, -1, 1, -2, ...).
//! An op is a varint `(n - 1) << 2 | code`, where `n` is how many octets of the block it makes, and its operands:
//!
//! | code | op | operands |
//! |---:|---|---|
//! | 0 | [`Op::Literal`] | `n` octets |
//! | 1 | [`Op::Fill`] | one octet, repeated |
//! | 2 | [`Op::Copy`] | signed varint *d*: copy `n` octets of the old image |
//! | 3 | [`Op::Differ`] | signed varint *d*, then runs: copy `n` octets of the old image and add differences to some |
//!
//! The source of a copy is *expected* + *d*. Expected is, at the start of the block, the block's own offset; every op
//! moves it `n` on, after a copy it is the end of the source. So the frequent "go on as before" costs one zero octet.
//!
//! A run is an octet `u << 3 | c`: `u` octets are unchanged (31: and as many more as the varint behind says), then
//! differences to be added (modulo 256) to the following octets:
//!
//! | c | differences |
//! |---:|---|
//! | 0 | the same as in the run before (if that had 1 to 8), or none if the op ends here |
//! | 1..6 | `c`; they follow |
//! | 7 | 7 and as many more as the next varint says; they follow |
//!
//! Repeated differences are what moved code has many of: each reference to something that moved changed by as much.
mod read;
mod write;

pub use read::{Op, OpReader, Run};
pub use write::{put_copy, put_differ, put_fill, put_literal};

/// The op codes.
mod code {
    pub(super) const LITERAL: u32 = 0;
    pub(super) const FILL: u32 = 1;
    pub(super) const COPY: u32 = 2;
    pub(super) const DIFFER: u32 = 3;
}

/// The largest number of unchanged octets that fits the octet of a run; more go into a varint.
const UNCHANGED_MAX: u8 = 31;
/// The number of differences from which on a varint holds the number.
const DIFFERENCES_MAX: u8 = 7;
