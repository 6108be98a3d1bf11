//! What a board's flash holds, read out while the board is off.

use anyhow::Context as _;
use kedge_platform::flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

use crate::product::SECTOR;

/// The content. What is changed here goes back to the board before it is switched on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) octets: Vec<u8>,
    pub(crate) changed: bool,
}

/// A flash of `len` octets as a board is sold with it: this image at its front, the rest erased.
pub(crate) fn sold_with(image: &[u8], len: usize) -> anyhow::Result<Vec<u8>> {
    let mut octets = vec![0xFF; len];
    let front = octets.get_mut(..image.len()).context("the image is larger than the flash")?;
    front.copy_from_slice(image);
    Ok(octets)
}

/// An access that no flash takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfBounds;

impl core::fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("beyond the end of the flash")
    }
}

impl core::error::Error for OutOfBounds {}

impl NorFlashError for OutOfBounds {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::OutOfBounds
    }
}

impl Content {
    fn part(&mut self, offset: u32, len: usize) -> Result<&mut [u8], OutOfBounds> {
        let start = offset as usize;
        self.octets.get_mut(start..).and_then(|rest| rest.get_mut(..len)).ok_or(OutOfBounds)
    }
}

impl ErrorType for Content {
    type Error = OutOfBounds;
}

impl ReadNorFlash for Content {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), OutOfBounds> {
        bytes.copy_from_slice(self.part(offset, bytes.len())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.octets.len()
    }
}

impl NorFlash for Content {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), OutOfBounds> {
        self.changed = true;
        self.part(from, to.checked_sub(from).ok_or(OutOfBounds)? as usize)?.fill(0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        self.changed = true;
        let cells = self.part(offset, bytes.len())?;
        cells.iter_mut().zip(bytes).for_each(|(cell, octet)| *cell &= octet);
        Ok(())
    }
}
