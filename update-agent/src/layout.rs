use core::fmt;

use kedge_platform::flash::{NorFlash, Region};

use crate::banklog::MAX_UNIT;

/// Where on the flash device everything has its place. All regions are whole sectors and none overlap. On a part with
/// sectors of different sizes each region says which it has ([`kedge_platform::flash::Sectors`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The firmware image; in slot mode the first slot.
    pub image: Region,
    /// How a new image gets there.
    pub mode: Mode,
    /// The package, as it is received. In place the state of a coded delta's decoder stands behind it, twice; each block more
    /// that there is room for, up to fifteen, saves erases: so many blocks are made for one state that is kept. They hold octets
    /// of the image: where images are [encrypted](crate::encrypted), this region has to be too.
    pub package: Region,
    /// The journal: an even number of sectors, each half large enough for a few records (see
    /// [`banklog`](crate::banklog)); 512 octets a half do for every write unit.
    pub journal: Region,
}

/// How a new image gets into place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Two slots, of which one runs and the other is written.
    Slot {
        /// The second slot.
        standby: Region,
    },
    /// One slot, rewritten block by block.
    InPlace {
        /// At least one block of the packages; each further one spreads the wear.
        scratch: Region,
    },
}

/// One of the slots of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// [`Layout::image`]; the only one in place.
    First,
    /// [`Mode::Slot`]'s `standby`.
    Second,
}

impl Slot {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What is wrong with a [`Layout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// A region is empty, not whole sectors of its own size, or reaches beyond the device.
    Region(Region),
    /// Two regions share octets.
    Overlap(Region, Region),
    /// Sectors are not a power of two, or write or read units not at most 64 octets and a power of two.
    Geometry,
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(r) => {
                write!(f, "region {:#x} +{:#x} is not whole sectors of the device", r.start, r.len)
            }
            Self::Overlap(a, b) => write!(f, "regions at {:#x} and {:#x} overlap", a.start, b.start),
            Self::Geometry => f.write_str("sector or unit sizes are not supported"),
        }
    }
}

impl core::error::Error for LayoutError {}

impl Layout {
    /// Checks the layout against the device.
    pub fn check<F: NorFlash>(&self, flash: &F) -> Result<(), LayoutError> {
        let unit = |n: usize| n.is_power_of_two() && n <= MAX_UNIT;
        if !unit(F::WRITE_SIZE) || !unit(F::READ_SIZE) {
            return Err(LayoutError::Geometry);
        }
        let capacity = u32::try_from(flash.capacity()).unwrap_or(u32::MAX);
        let extra = match self.mode {
            Mode::Slot { standby } => standby,
            Mode::InPlace { scratch } => scratch,
        };
        let regions = [self.image, extra, self.package, self.journal];
        for (n, region) in regions.iter().enumerate() {
            let sector = region.sector_on::<F>();
            if !sector.is_power_of_two() || usize::try_from(sector).is_ok_and(|sector| sector < F::WRITE_SIZE)
            {
                return Err(LayoutError::Geometry);
            }
            let whole = |n: u32| n.checked_rem(sector) == Some(0);
            let end = region.start.checked_add(region.len);
            if region.len == 0
                || !whole(region.start)
                || !whole(region.len)
                || end.is_none_or(|end| end > capacity)
            {
                return Err(LayoutError::Region(*region));
            }
            if let Some(other) = regions.iter().take(n).find(|other| other.overlaps(*region)) {
                return Err(LayoutError::Overlap(*other, *region));
            }
        }
        Ok(())
    }

    /// The region of a slot.
    pub const fn slot(&self, slot: Slot) -> Region {
        match (slot, self.mode) {
            (Slot::Second, Mode::Slot { standby }) => standby,
            _ => self.image,
        }
    }
}

#[cfg(test)]
mod tests {
    use kedge_platform_sim::nor::Nor;

    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let flash = Nor::<4, 256>::new(64);
        let region = |sector: u32, sectors: u32| Region::new(sector * 256, sectors * 256);
        let good = Layout {
            image: region(0, 16),
            mode: Mode::InPlace { scratch: region(16, 1) },
            package: region(17, 16),
            journal: region(33, 4),
        };
        assert_eq!(good.check(&flash), Ok(()));
        let bad = |layout: Layout| layout.check(&flash).unwrap_err();
        assert_eq!(bad(Layout { image: region(0, 0), ..good }), LayoutError::Region(region(0, 0)));
        let odd = Region::new(0, 300);
        assert_eq!(bad(Layout { image: odd, ..good }), LayoutError::Region(odd));
        assert_eq!(bad(Layout { journal: region(62, 4), ..good }), LayoutError::Region(region(62, 4)));
        let wrap = Region::new(0xFFFF_FF00, 0x200);
        assert_eq!(bad(Layout { journal: wrap, ..good }), LayoutError::Region(wrap));
        let mode = Mode::Slot { standby: region(15, 2) };
        assert_eq!(bad(Layout { mode, ..good }), LayoutError::Overlap(region(0, 16), region(15, 2)));
        let large = Region::new(33 * 256, 4 * 256).in_sectors(512);
        assert_eq!(bad(Layout { journal: large, ..good }), LayoutError::Region(large));
        let large = Region::new(34 * 256, 4 * 256);
        assert_eq!(Layout { journal: large.in_sectors(512), ..good }.check(&flash), Ok(()));
        for sector in [384, 2] {
            assert_eq!(bad(Layout { journal: large.in_sectors(sector), ..good }), LayoutError::Geometry);
        }
        assert_eq!(good.check(&Nor::<128, 256>::new(64)), Err(LayoutError::Geometry));
        assert_eq!(good.check(&Nor::<3, 384>::new(64)), Err(LayoutError::Geometry));
    }
}
