//! The chip's SPI flash as the flash port wants it.
//!
//! esp-storage does the work. What is added is what [`kedge_platform::flash`] promises beyond it: an erase goes sector by sector
//! (blocks of 64 KiB are faster, and a power failure would hit sixteen sectors at once), a unit is programmed only if it is
//! erased, and what was programmed is read back.

use core::fmt;

use esp_storage::{FlashStorage, FlashStorageError};
use kedge_platform::flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// Octets of a sector.
pub const SECTOR: u32 = FlashStorage::SECTOR_SIZE;
/// Octets that are compared at once.
const PIECE: usize = 64;

/// Why the flash refused.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum FlashError {
    /// The driver: not aligned, out of bounds, or the part failed.
    Driver(FlashStorageError),
    /// A unit in the 64 octets from here on is not erased.
    NotErased(u32),
    /// What was programmed or erased here reads otherwise.
    ReadBack(u32),
}

impl fmt::Display for FlashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver(error) => write!(f, "{error:?}"),
            Self::NotErased(at) => write!(f, "not erased at {at:#x}"),
            Self::ReadBack(at) => write!(f, "reads otherwise than written at {at:#x}"),
        }
    }
}

impl core::error::Error for FlashError {}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Driver(FlashStorageError::NotAligned) => NorFlashErrorKind::NotAligned,
            Self::Driver(FlashStorageError::OutOfBounds) => NorFlashErrorKind::OutOfBounds,
            _ => NorFlashErrorKind::Other,
        }
    }
}

impl From<FlashStorageError> for FlashError {
    fn from(error: FlashStorageError) -> Self {
        Self::Driver(error)
    }
}

/// The flash, all of it: offsets are those of the part.
pub struct Flash(FlashStorage<'static>);

impl Flash {
    /// The flash behind this driver.
    pub const fn new(storage: FlashStorage<'static>) -> Self {
        Self(storage)
    }

    /// The driver, for the partition table.
    pub(crate) const fn driver(&mut self) -> &mut FlashStorage<'static> {
        &mut self.0
    }

    /// Whether the flash reads `wanted` from `at` on; else where it does not.
    fn reads(
        &mut self,
        at: u32,
        len: usize,
        wanted: impl Fn(usize) -> u8,
    ) -> Result<Result<(), u32>, FlashError> {
        let mut piece = [0; PIECE];
        for start in (0..len).step_by(PIECE) {
            let octets = &mut piece[..PIECE.min(len - start)];
            let from = at + start as u32;
            self.0.read_nor(from, octets)?;
            if octets.iter().enumerate().any(|(n, octet)| *octet != wanted(start + n)) {
                return Ok(Err(from));
            }
        }
        Ok(Ok(()))
    }
}

impl ErrorType for Flash {
    type Error = FlashError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        Ok(self.0.read_nor(offset, bytes)?)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = FlashStorage::WRITE_SIZE;
    const ERASE_SIZE: usize = SECTOR as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        if from > to || to as usize > self.capacity() {
            return Err(FlashStorageError::OutOfBounds.into());
        }
        if !from.is_multiple_of(SECTOR) || !to.is_multiple_of(SECTOR) {
            return Err(FlashStorageError::NotAligned.into());
        }
        for sector in (from..to).step_by(SECTOR as usize) {
            self.0.erase(sector, sector + SECTOR)?;
            self.reads(sector, SECTOR as usize, |_| 0xFF)?.map_err(FlashError::ReadBack)?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        // the driver's own checks come first: nothing may be changed by a call that is refused
        if !(offset as usize).is_multiple_of(Self::WRITE_SIZE)
            || !bytes.len().is_multiple_of(Self::WRITE_SIZE)
        {
            return Err(FlashStorageError::NotAligned.into());
        }
        if bytes.len() > self.capacity() || offset as usize > self.capacity() - bytes.len() {
            return Err(FlashStorageError::OutOfBounds.into());
        }
        self.reads(offset, bytes.len(), |_| 0xFF)?.map_err(FlashError::NotErased)?;
        self.0.write_nor(offset, bytes)?;
        self.reads(offset, bytes.len(), |n| bytes[n])?.map_err(FlashError::ReadBack)
    }
}
