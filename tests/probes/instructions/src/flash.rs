//! Flash in RAM: sectors of 4 KiB, units of 4 octets, any octet readable. It counts what is moved.

use crate::board;
use core::convert::Infallible;
use core::ptr::with_exposed_provenance_mut;
use kedge_platform::flash::{ErrorType, NorFlash, ReadNorFlash};

/// Octets of a sector.
pub const SECTOR: u32 = 4096;

/// Octets that were moved.
#[derive(Clone, Copy, Default)]
pub struct Moved {
    pub read: u32,
    pub written: u32,
    pub erased: u32,
}

pub struct Ram {
    octets: &'static mut [u8],
    pub moved: Moved,
}

impl Ram {
    /// The flash, erased.
    ///
    /// # Safety
    /// There must be only one.
    pub unsafe fn new() -> Self {
        let (start, len) = board::FLASH;
        // SAFETY: the board's RAM from there on is used for nothing else.
        let octets = unsafe { core::slice::from_raw_parts_mut(with_exposed_provenance_mut(start), len) };
        octets.fill(0xFF);
        Self { octets, moved: Moved::default() }
    }

    /// Puts `octets` into the flash as it is before the update.
    pub fn load(&mut self, octets: &[u8]) {
        self.octets[..octets.len()].copy_from_slice(octets);
    }
}

impl ErrorType for Ram {
    type Error = Infallible;
}

impl ReadNorFlash for Ram {
    const READ_SIZE: usize = 1;

    fn read(&mut self, at: u32, out: &mut [u8]) -> Result<(), Infallible> {
        let at = at as usize;
        out.copy_from_slice(&self.octets[at..at + out.len()]);
        self.moved.read += out.len() as u32;
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.octets.len()
    }
}

impl NorFlash for Ram {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        self.octets[from as usize..to as usize].fill(0xFF);
        self.moved.erased += to - from;
        Ok(())
    }

    fn write(&mut self, at: u32, octets: &[u8]) -> Result<(), Infallible> {
        let at = at as usize;
        self.octets[at..at + octets.len()].copy_from_slice(octets);
        self.moved.written += octets.len() as u32;
        Ok(())
    }
}
