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
//! 6. `Ok` says that it was done: what was programmed reads as it was given, from the part and not from a cache. A driver that
//!    cannot know it from the part's status reads it back. What is not whole units or sectors, or beyond the end, is refused
//!    with the kind that says so, before anything is changed.
//!
//! So Kedge never trusts a unit that may have been the last one touched before a power failure: what it decides at start
//! from such a unit it writes afresh elsewhere before it acts on the decision.
//!
//! # Sectors of different sizes
//!
//! [`NorFlash`] has one `ERASE_SIZE`. A part with several (boot sectors, STM32F4) gives the smallest there, takes an `erase`
//! of any range that is whole sectors, and refuses every other. Which sectors a region has is then the region's own
//! property: [`Sectors::region`] makes it from the table of the part, in a constant:
//! ```
//! use kedge_platform::flash::{Region, Run, Sectors};
//!
//! /// STM32F405: 1 MiB.
//! const PART: Sectors<'_> =
//!     Sectors(&[Run::new(4, 16 << 10), Run::new(1, 64 << 10), Run::new(7, 128 << 10)]);
//! const JOURNAL: Option<Region> = PART.region(0x4000, 0x8000);
//! const IMAGE: Option<Region> = PART.region(0x2_0000, 0x6_0000);
//! assert_eq!(JOURNAL, Some(Region::new(0x4000, 0x8000).in_sectors(16 << 10)));
//! assert_eq!(IMAGE.map(|image| image.sector), Some(128 << 10));
//! assert_eq!(PART.region(0x1_0000, 0x4000), None, "a piece of the sector of 64 KiB");
//! ```
//! The update agent erases in a region by its sectors: journal and store belong into the small ones, images, scratch and
//! package into the large ones. Blocks of packages for such a device are whole sectors of its images. In place, the decoder's
//! state takes two more sectors of the package's region: where large sectors are few, two slots may fit better.

pub use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// A part of a flash device: whole sectors, in octets from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Offset of the first octet; a multiple of the sector size.
    pub start: u32,
    /// Length in octets; a multiple of the sector size.
    pub len: u32,
    /// What is erased at once in it, in octets; 0 means the device's `ERASE_SIZE`. A power of two, and at each of its
    /// multiples within the region a sector ends.
    pub sector: u32,
}

impl Region {
    /// The region of `len` octets from `start`, in the device's sectors.
    pub const fn new(start: u32, len: u32) -> Self {
        Self { start, len, sector: 0 }
    }

    /// The same octets in sectors of `sector` octets.
    #[must_use]
    pub const fn in_sectors(self, sector: u32) -> Self {
        Self { sector, ..self }
    }

    /// What is erased at once in it on device `F`, in octets.
    pub fn sector_on<F: NorFlash>(self) -> u32 {
        match self.sector {
            0 => u32::try_from(F::ERASE_SIZE).unwrap_or(u32::MAX),
            sector => sector,
        }
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

/// So many sectors of one size, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many.
    pub count: u32,
    /// Octets of each: a power of two.
    pub size: u32,
}

impl Run {
    /// `count` sectors of `size` octets.
    pub const fn new(count: u32, size: u32) -> Self {
        Self { count, size }
    }

    /// Octets of all.
    pub const fn octets(self) -> u32 {
        self.count.saturating_mul(self.size)
    }
}

/// The sectors of a part, from its first octet on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sectors<'a>(pub &'a [Run]);

impl Sectors<'_> {
    /// Octets of the part.
    pub const fn octets(self) -> u32 {
        let (mut octets, mut runs) = (0u32, self.0);
        while let [run, behind @ ..] = runs {
            octets = octets.saturating_add(run.octets());
            runs = behind;
        }
        octets
    }

    /// The sector that octet `at` is in: its offset and its length; none behind the part.
    pub const fn sector_at(self, at: u32) -> Option<(u32, u32)> {
        let (mut start, mut runs) = (0u32, self.0);
        while let [run, behind @ ..] = runs {
            let end = start.saturating_add(run.octets());
            if at >= start && at < end {
                let Some(skip) = at.saturating_sub(start).checked_rem(run.size) else { return None };
                return Some((at.saturating_sub(skip), run.size));
            }
            start = end;
            runs = behind;
        }
        None
    }

    /// Whether a sector begins at `at`, or the part ends there.
    pub const fn is_border(self, at: u32) -> bool {
        match self.sector_at(at) {
            Some((start, _)) => start == at,
            None => at == self.octets(),
        }
    }

    /// The region of `len` octets from `start`, in the largest sectors it touches; none if it is not whole sectors, or if
    /// multiples of the largest do not begin sectors too.
    pub const fn region(self, start: u32, len: u32) -> Option<Region> {
        let end = start.saturating_add(len);
        let (mut at, mut largest) = (start, 0u32);
        while at < end {
            let Some((begin, size)) = self.sector_at(at) else { return None };
            if begin != at || size == 0 {
                return None;
            }
            if size > largest {
                largest = size;
            }
            at = at.saturating_add(size);
        }
        if at != end || !largest.is_power_of_two() {
            return None;
        }
        at = start;
        while at < end {
            let aligned = matches!(at.checked_rem(largest), Some(0));
            if !aligned || !self.is_border(at) {
                return None;
            }
            at = at.saturating_add(largest);
        }
        if at == end { Some(Region::new(start, len).in_sectors(largest)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u32 = 1 << 10;
    /// STM32F405.
    const MCU: Sectors<'_> = Sectors(&[Run::new(4, 16 * KIB), Run::new(1, 64 * KIB), Run::new(7, 128 * KIB)]);
    /// A parallel part with boot sectors at the bottom.
    const BOOT: Sectors<'_> = Sectors(&[
        Run::new(1, 16 * KIB),
        Run::new(2, 8 * KIB),
        Run::new(1, 32 * KIB),
        Run::new(15, 64 * KIB),
    ]);

    #[test]
    fn sectors_are_found() {
        assert_eq!((MCU.octets(), BOOT.octets()), (1024 * KIB, 1024 * KIB));
        assert_eq!(BOOT.sector_at(0), Some((0, 16 * KIB)));
        assert_eq!(BOOT.sector_at(0x5FFF), Some((0x4000, 8 * KIB)));
        assert_eq!(BOOT.sector_at(0x6000), Some((0x6000, 8 * KIB)));
        assert_eq!(BOOT.sector_at(0xFFFF), Some((0x8000, 32 * KIB)));
        assert_eq!(BOOT.sector_at(0xF_FFFF), Some((0xF_0000, 64 * KIB)));
        assert_eq!(BOOT.sector_at(0x10_0000), None);
        assert!(BOOT.is_border(0x10_0000) && BOOT.is_border(0x6000) && !BOOT.is_border(0x9000));
        assert_eq!(Sectors(&[]).region(0, 4), None);
        assert_eq!(Sectors(&[Run::new(3, 0)]).sector_at(0), None);
    }

    #[test]
    fn regions_are_whole_sectors() {
        let of = |start, len, sector| Some(Region { start, len, sector });
        assert_eq!(MCU.region(0x8000, 0x8000), of(0x8000, 0x8000, 16 * KIB));
        assert_eq!(MCU.region(0x1_0000, 0x1_0000), of(0x1_0000, 0x1_0000, 64 * KIB));
        assert_eq!(MCU.region(0x2_0000, 0xE_0000), of(0x2_0000, 0xE_0000, 128 * KIB));
        assert_eq!(
            MCU.region(0, 0x10_0000),
            of(0, 0x10_0000, 128 * KIB),
            "the small ones make up a large one"
        );
        assert_eq!(MCU.region(0, 0x2_0000), of(0, 0x2_0000, 64 * KIB));
        assert_eq!(MCU.region(0x4000, 0x1_C000), None, "three small ones and the one of 64 KiB");
        assert_eq!(MCU.region(0x1_0000, 0x3_0000), None, "half of what a block of 128 KiB needs");
        assert_eq!(MCU.region(0x1000, 0x4000), None);
        assert_eq!(MCU.region(0x8000, 0x4001), None);
        assert_eq!(MCU.region(0xE_0000, 0x4_0000), None, "beyond the part");
        assert_eq!(MCU.region(0, 0), None);
        assert_eq!(BOOT.region(0x4000, 0x4000), of(0x4000, 0x4000, 8 * KIB));
    }
}
