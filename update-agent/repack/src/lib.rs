//! Compressed content of firmware images: unpacked for a delta, and made again octet for octet.
//!
//! ```text
//!  old image ─► inflate ─► plain ┐
//!                                ├─ delta ─► plain of the new image ─► deflate::make ─► new image
//!                                                                          ▲
//!                                    recipe: which encoder, where it differs from what is predicted
//! ```
//! One changed octet changes a compressed stream to its end, so a delta of compressed streams is as large as the streams. A
//! delta of what they hold is small, but then the device has to compress again, exactly as the release did. The encoder is
//! imitated; wherever the imitation would decide otherwise, the recipe says so. Any stream can be made again; the recipe's
//! size tells whether it pays. That is [`deflate`]; of [`lzma`], which nobody imitates, the encoder's decisions are sent.
//!
//! Everything works in memory that the caller lends; nothing panics, whatever a recipe or a stream says.
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

pub mod deflate;
pub mod lzma;
pub mod recipe;
pub mod remake;
