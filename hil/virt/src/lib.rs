//! QEMU's machine `virt` (RV32) as a device: drivers, and where everything lies.
//!
//! ```text
//!  0x2000_0000  flash bank 0   the boot stage, executed where it lies
//!  0x2200_0000  flash bank 1   slots, package, journal, store           [`CfiNor`], [`product`]
//!  0x8000_0000  RAM            the image that the boot stage loads, its data and stack
//!  0x8080_0000                 data and stack of the boot stage
//!  0x80ff_f000                 what the flash is doing, for whoever cuts the power  [`NOTED`]
//! ```
//! After power-on and after every restart the processor starts in bank 0; so boot stage and image follow each other
//! without the host. What differs from run to run comes as arguments of the emulator: [`Straps`].
#![no_std]

pub mod cfi_nor;
pub mod clock;
#[cfg(feature = "network")]
pub mod network;
pub mod power;
pub mod product;
pub mod straps;
pub mod uart;

pub use cfi_nor::CfiNor;
pub use straps::Straps;

use observed::black_box::BlackBox;

/// Where RAM begins.
const RAM: usize = 0x8000_0000;
/// What the board notes for the host.
// SAFETY: the board has 16 MiB of RAM, and the linker scripts leave the last page alone.
pub const NOTED: BlackBox = unsafe { BlackBox::new(RAM, product::SECTOR) };
