//! NOR flash, and what may happen to it when the power fails.
//!
//! The trait is [`embedded_storage::nor_flash::NorFlash`]. On top of its own documentation, Kedge relies on exactly
//! this, and the flash model of `kedge-platform-sim` is at least as unkind:
//!
//! 1. Programming only clears bits. Kedge programs each write unit (`WRITE_SIZE`) at most once between two erases, so
//!    parts with error-correcting codes work.
//! 2. Operations take effect in the order they are called, and are finished when the call returns `Ok`.
//! 3. If the power fails *during* `write`, the units before the point of failure are programmed, the units after it are
//!    untouched, and the one being programmed may read as anything between its old and its new content, differently on
//!    each read, until its sector is erased.
//! 4. If the power fails *during* `erase`, every cell of the sector may read as anything, differently on each read, until
//!    the sector is erased again.
//!    In both cases the driver may report such a unit or sector as a read error instead (error-correcting parts do).
//! 5. Nothing outside the units being written or the sector being erased changes.
//!
//! So Kedge never trusts a unit that may have been the last one touched before a power failure: what it decides at start
//! from such a unit it writes afresh elsewhere before it acts on the decision.

pub use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// A part of a flash device: whole sectors, in octets from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Offset of the first octet; a multiple of the sector size.
    pub start: u32,
    /// Length in octets; a multiple of the sector size.
    pub len: u32,
}

impl Region {
    /// The region of `len` octets from `start`.
    pub const fn new(start: u32, len: u32) -> Self {
        Self { start, len }
    }

    /// The offset just behind the region.
    pub const fn end(self) -> u32 {
        self.start.saturating_add(self.len)
    }

    /// Whether the two share an octet.
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end() && other.start < self.end()
    }
}
