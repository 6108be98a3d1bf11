//! What is really done to the flash: a driver around the driver, that counts.
use kedge_platform::flash::{ErrorType, NorFlash, ReadNorFlash, Region};

use crate::flash_io::sectors;
use crate::{Layout, Mode};

/// What is done to a part of the flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Sectors erased.
    pub erases: u32,
    /// Octets programmed, what fills up the last unit included.
    pub programmed: u32,
    /// Octets read.
    pub read: u32,
}

impl Work {
    /// Both together.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            erases: self.erases.saturating_add(more.erases),
            programmed: self.programmed.saturating_add(more.programmed),
            read: self.read.saturating_add(more.read),
        }
    }
}

/// What was done to the parts of a [`Layout`] since counting began; after a power cut it begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// [`Layout::image`], and the other slot.
    pub image: Work,
    /// The scratch block and what is saved behind it.
    pub spare: Work,
    /// The package, and behind it the decoder's state.
    pub package: Work,
    /// [`Layout::journal`].
    pub journal: Work,
}

impl Tally {
    /// All parts together.
    #[must_use]
    pub const fn total(&self) -> Work {
        self.image.and(self.spare).and(self.package).and(self.journal)
    }
}

/// A flash device whose work is counted: beside the total of a [`Forecast`](crate::Forecast) it tells how far an update is,
/// in octets and erases, and at its end what was really done. It goes wherever the device goes; what reaches outside of the layout is done and
/// not counted. Operations that fail are not counted either.
///
/// Wrap the driver once and use nothing else beside it: each type of driver makes a copy of the update agent's code.
#[derive(Debug)]
pub struct Metered<F> {
    flash: F,
    layout: Layout,
    tally: Tally,
}

impl<F> Metered<F> {
    /// Begins to count.
    pub const fn new(flash: F, layout: Layout) -> Self {
        const NOTHING: Work = Work { erases: 0, programmed: 0, read: 0 };
        let tally = Tally { image: NOTHING, spare: NOTHING, package: NOTHING, journal: NOTHING };
        Self { flash, layout, tally }
    }

    /// What was done so far.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Begins to count anew.
    pub fn reset(&mut self) {
        self.tally = Tally::default();
    }

    /// The device itself, whose work then is not counted.
    pub const fn flash(&mut self) -> &mut F {
        &mut self.flash
    }

    /// Gives the device back.
    pub fn free(self) -> F {
        self.flash
    }

    /// Adds what `work` says of the region to the part in which `at` lies.
    fn count(&mut self, at: u32, work: impl FnOnce(Region) -> Work) {
        let Layout { image, mode, package, journal } = self.layout;
        let (extra, other) = match mode {
            Mode::Slot { standby } => (standby, &mut self.tally.image),
            Mode::InPlace { scratch } => (scratch, &mut self.tally.spare),
        };
        let holds = |region: Region| (region.start..region.end()).contains(&at);
        let (region, part) = if holds(extra) {
            (extra, other)
        } else if holds(image) {
            (image, &mut self.tally.image)
        } else if holds(package) {
            (package, &mut self.tally.package)
        } else if holds(journal) {
            (journal, &mut self.tally.journal)
        } else {
            return;
        };
        *part = part.and(work(region));
    }
}

impl<F: ErrorType> ErrorType for Metered<F> {
    type Error = F::Error;
}

impl<F: ReadNorFlash> ReadNorFlash for Metered<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), F::Error> {
        self.flash.read(offset, octets)?;
        self.count(offset, |_| Work { read: octets_of(octets), ..Work::default() });
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl<F: NorFlash> NorFlash for Metered<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), F::Error> {
        self.flash.erase(from, to)?;
        let erases = |region| sectors::<F>(region, to.saturating_sub(from));
        self.count(from, |region| Work { erases: erases(region), ..Work::default() });
        Ok(())
    }

    fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), F::Error> {
        self.flash.write(offset, octets)?;
        self.count(offset, |_| Work { programmed: octets_of(octets), ..Work::default() });
        Ok(())
    }
}

fn octets_of(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}
