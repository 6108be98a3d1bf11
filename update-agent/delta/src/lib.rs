//! The delta coding of firmware images: the model that the device and the generator share.
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
pub mod walk;

fn hash(a: u32, b: u32) -> u32 {
    let h = a.wrapping_mul(0x9E37_79B1) ^ b.wrapping_mul(0x85EB_CA77).rotate_left(15);
    h.wrapping_mul(0xC2B2_AE3D) ^ (h >> 15)
}

/// The place of `hash` among `len`: its share of 2^32, without a division.
fn slot(hash: u32, len: usize) -> usize {
    usize::try_from(u64::from(hash).wrapping_mul(len as u64) >> 32).unwrap_or(0)
}
