//! Flash of unknown content whose every operation may fail.

use crate::opaque::{any, used};
use kedge_platform::flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// The flash.
pub struct Flash;

/// Its error: any number.
#[derive(Debug)]
pub struct Failed(#[allow(dead_code, reason = "so that errors carry something")] pub u8);

impl NorFlashError for Failed {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl ErrorType for Flash {
    type Error = Failed;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    #[inline(never)]
    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Failed> {
        used((offset, bytes));
        any(Ok(()))
    }

    fn capacity(&self) -> usize {
        any(1 << 20)
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    #[inline(never)]
    fn erase(&mut self, from: u32, to: u32) -> Result<(), Failed> {
        used((from, to));
        any(Ok(()))
    }

    #[inline(never)]
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Failed> {
        used((offset, bytes));
        any(Ok(()))
    }
}
