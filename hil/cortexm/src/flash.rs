//! The board's NOR flash: memory that the host keeps in a file, behind the rules of a part.
//!
//! Sectors of 4 KiB, units of 4 octets. The memory would take any write; the driver programs a unit only if it is erased,
//! changes nothing else, and reads back what it wrote. A killed emulator leaves an operation between two words of it. A fuse
//! leaves what is worse: a unit between old and new, a sector that is erased in half.

use crate::board::{LARGE, NOTED};
use crate::product::{self, SECTOR};
use crate::say;
use kedge_platform::flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use observed::black_box::Kind;
use observed::fuse::{Fuse, When, noise};

/// Octets of a write unit.
const WORD: u32 = 4;
/// What an erased unit reads.
const ERASED: u32 = u32::MAX;
/// Units in the middle of a torn erase that are neither old nor erased.
const TORN: usize = 64;

/// Why the flash refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    /// Not whole units or sectors.
    NotAligned,
    /// Beyond the end.
    OutOfBounds,
    /// The unit at this offset was programmed before.
    NotErased(u32),
    /// The unit at this offset reads differently from what was programmed.
    ReadBack(u32),
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotErased(_) | Self::ReadBack(_) => NorFlashErrorKind::Other,
        }
    }
}

/// The flash. An operation is over when its call returns, so that update agent and license have a handle each.
#[derive(Clone, Copy, Debug)]
pub struct Nor(Fuse);

impl Nor {
    /// The flash; the power fails where `fuse` blows.
    pub const fn new(fuse: Fuse) -> Self {
        Self(fuse)
    }

    fn get(self, offset: u32) -> u32 {
        // SAFETY: an aligned word of the large RAM, in which no Rust object lies; callers stay inside the flash.
        unsafe { core::ptr::with_exposed_provenance::<u32>(LARGE + offset as usize).read_volatile() }
    }

    fn set(&mut self, offset: u32, word: u32) {
        // SAFETY: as above.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(LARGE + offset as usize).write_volatile(word) }
    }

    fn erase_units(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        (from..to).step_by(WORD as usize).for_each(|at| self.set(at, ERASED));
        Ok(())
    }

    /// The first half of a sector erased, the second old, between them units that are neither.
    fn erase_in_half(&mut self, sector: u32) -> Result<(), FlashError> {
        let middle = sector + SECTOR / 2;
        self.erase_units(sector, middle)?;
        for (noise, at) in noise::<TORN>(sector).into_iter().zip((middle..).step_by(WORD as usize)) {
            self.set(at, self.get(at) | noise);
        }
        Ok(())
    }

    /// Programs units that are erased.
    fn program(&mut self, offset: u32, octets: &[u8]) -> Result<(), FlashError> {
        for (word, at) in octets.chunks_exact(WORD as usize).map(word).zip((offset..).step_by(WORD as usize))
        {
            if self.get(at) != ERASED {
                return Err(FlashError::NotErased(at));
            }
            self.set(at, word);
            if self.get(at) != word {
                return Err(FlashError::ReadBack(at));
            }
        }
        Ok(())
    }

    /// Programs the first half of the units, and the one behind them to something between erased and wanted.
    fn program_in_half(&mut self, offset: u32, octets: &[u8]) -> Result<(), FlashError> {
        let (done, rest) = octets.split_at(octets.len() / 8 * WORD as usize);
        self.program(offset, done)?;
        let at = offset + done.len() as u32;
        let [noise] = noise(at);
        self.set(at, word(rest) | noise);
        Ok(())
    }
}

impl ErrorType for Nor {
    type Error = FlashError;
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), FlashError> {
        within(offset, octets.len())?;
        for (octet, at) in octets.iter_mut().zip(offset..) {
            *octet = self.get(at & !(WORD - 1)).to_le_bytes()[(at % WORD) as usize];
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        product::FLASH as usize
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = WORD as usize;
    const ERASE_SIZE: usize = SECTOR as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        within(from, to.checked_sub(from).ok_or(FlashError::OutOfBounds)? as usize)?;
        if !from.is_multiple_of(SECTOR) || !to.is_multiple_of(SECTOR) {
            return Err(FlashError::NotAligned);
        }
        for sector in (from..to).step_by(SECTOR as usize) {
            let whole = |nor: &mut Self| nor.erase_units(sector, sector + SECTOR);
            let part = |nor: &mut Self| nor.erase_in_half(sector);
            self.0.operate(NOTED, (Kind::Erase, sector), self, (whole, part), power_fails)?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), FlashError> {
        within(offset, octets.len())?;
        if !offset.is_multiple_of(WORD) || !octets.len().is_multiple_of(WORD as usize) {
            return Err(FlashError::NotAligned);
        }
        if octets.is_empty() {
            return Ok(());
        }
        let whole = |nor: &mut Self| nor.program(offset, octets);
        let part = |nor: &mut Self| nor.program_in_half(offset, octets);
        self.0.operate(NOTED, (Kind::Program, offset), self, (whole, part), power_fails)
    }
}

fn power_fails(operation: u32, when: When, done: Result<(), FlashError>) -> ! {
    say!("power fails in operation {operation}, {when:?}: {done:?}");
    loop {
        core::hint::spin_loop();
    }
}

fn within(offset: u32, len: usize) -> Result<(), FlashError> {
    let end = u32::try_from(len).ok().and_then(|len| offset.checked_add(len));
    end.filter(|end| *end <= product::FLASH).map(|_| ()).ok_or(FlashError::OutOfBounds)
}

/// The word that four octets make.
fn word(octets: &[u8]) -> u32 {
    octets.iter().take(WORD as usize).rev().fold(0, |word, octet| word << 8 | u32::from(*octet))
}
