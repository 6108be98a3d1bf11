//! The board's NOR flash: two 16-bit chips side by side, common flash interface, Intel command set (JEP137: 0x0001).
//!
//! Both chips get each command at once, one in each half of a 32-bit word. Between operations they are in read-array
//! mode, so reading is plain memory access. The driver is stricter than the chips of the emulator, whose programming can
//! set bits: it programs a word only if it is erased, and reads back what it programmed.
//!
//! Each operation (a write call, one sector of an erase) is noted in the [black box](crate::NOTED), and the power can be
//! made to fail in one of them ([`CfiNor::with_fuse`]): then a part of it is done, and the board stands still until the host
//! cuts the power. What such a part leaves is worse than a killed emulator would: a word between old and new, a sector that
//! is erased in half.

use crate::{NOTED, power, say};
use kedge_platform::flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use observed::black_box::Kind;
use observed::fuse::{Fuse, When, noise};

/// The second flash bank of the board; the first would hold boot code.
pub const BASE: usize = 0x2200_0000;
/// Octets of that bank.
const CAPACITY: usize = 32 << 20;
/// Octets erased at once.
const SECTOR: usize = crate::product::SECTOR as usize;
/// Octets of one word: both chips' data lines.
const WORD: usize = 4;
/// Octets the chips take in one buffered write; a write must not cross a multiple of it.
const BUFFER: usize = 512;
/// What an erased word reads.
const ERASED: u32 = u32::MAX;

/// Commands, as both chips get them.
mod command {
    pub const BUFFERED_WRITE: u32 = 0x00E8_00E8;
    pub const CONFIRM: u32 = 0x00D0_00D0;
    pub const ERASE: u32 = 0x0020_0020;
    pub const CLEAR_STATUS: u32 = 0x0050_0050;
    pub const READ_ARRAY: u32 = 0x00FF_00FF;
}

/// Status of both chips: ready, and the bits that tell of a failure (erase, program, voltage, protection).
const READY: u32 = 0x0080_0080;
const FAILED: u32 = 0x003A_003A;
/// Status reads until the chips count as broken: far more than the slowest erase takes.
const PATIENCE: u32 = 100_000_000;

/// Why the flash refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CfiError {
    /// Not whole words or sectors.
    NotAligned,
    /// Beyond the end.
    OutOfBounds,
    /// The word at this offset is not erased: it was programmed before.
    NotErased(u32),
    /// The word at this offset reads differently from what was programmed.
    ReadBack(u32),
    /// The chips report a failure, with this status.
    Failed(u32),
    /// The chips never became ready.
    TimedOut,
}

impl NorFlashError for CfiError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// The flash bank.
pub struct CfiNor {
    fuse: Fuse,
}

impl CfiNor {
    /// The flash bank, in read-array mode whatever happened before.
    ///
    /// # Safety
    /// Only one may exist: two would send commands into each other's operations.
    pub unsafe fn new() -> Self {
        let mut flash = Self { fuse: Fuse::default() };
        flash.write_word(0, command::READ_ARRAY);
        flash
    }

    /// Lets the power fail where the fuse blows.
    #[must_use]
    pub fn with_fuse(self, fuse: Fuse) -> Self {
        Self { fuse }
    }

    fn read_word(&self, offset: usize) -> u32 {
        debug_assert!(offset < CAPACITY && offset.is_multiple_of(WORD));
        // SAFETY: an aligned word inside the flash bank, which is mapped for reading at any time.
        unsafe { core::ptr::with_exposed_provenance::<u32>(BASE + offset).read_volatile() }
    }

    /// Sends a command, or data the chips expect.
    fn write_word(&mut self, offset: usize, word: u32) {
        debug_assert!(offset < CAPACITY && offset.is_multiple_of(WORD));
        // SAFETY: an aligned word inside the flash bank; the chips take it for a command, no Rust object lies there.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(BASE + offset).write_volatile(word) }
    }

    /// Waits for both chips, and puts them back into read-array mode.
    fn finish(&mut self, offset: usize) -> Result<(), CfiError> {
        let status = (0..PATIENCE).map(|_| self.read_word(offset)).find(|status| status & READY == READY);
        self.write_word(offset, command::CLEAR_STATUS);
        self.write_word(offset, command::READ_ARRAY);
        match status {
            None => Err(CfiError::TimedOut),
            Some(status) if status & FAILED != 0 => Err(CfiError::Failed(status)),
            Some(_) => Ok(()),
        }
    }

    /// Does one operation, or as much of it as the power lasts for.
    fn operate(
        &mut self,
        kind: Kind,
        offset: usize,
        whole: impl Fn(&mut Self) -> Result<(), CfiError>,
        part: impl Fn(&mut Self) -> Result<(), CfiError>,
    ) -> Result<(), CfiError> {
        self.fuse.operate(NOTED, (kind, offset as u32), self, (whole, part), power_fails)
    }

    fn erase_sector(&mut self, sector: usize) -> Result<(), CfiError> {
        self.write_word(sector, command::ERASE);
        self.write_word(sector, command::CONFIRM);
        self.finish(sector)
    }

    /// The first half of a sector erased, the second old, between them a write buffer that is neither. The emulator's chips
    /// set bits where they are told to, which here is a help.
    fn erase_in_half(&mut self, sector: usize) -> Result<(), CfiError> {
        let middle = sector + SECTOR / 2;
        for at in (sector..middle).step_by(BUFFER) {
            self.send_buffer(at, (0..BUFFER / WORD).map(|_| ERASED))?;
        }
        let old: [u32; BUFFER / WORD] = core::array::from_fn(|n| self.read_word(middle + n * WORD));
        let noise: [u32; BUFFER / WORD] = noise(sector as u32);
        self.send_buffer(middle, old.into_iter().zip(noise).map(|(old, noise)| old | noise))
    }

    /// Programs octets from `offset` on.
    fn write_all(&mut self, mut offset: usize, bytes: &[u8]) -> Result<(), CfiError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BUFFER - offset % BUFFER));
            self.program(offset, now)?;
            offset += now.len();
            rest = later;
        }
        Ok(())
    }

    /// Programs the first half of the words, and the one behind them to something between erased and wanted.
    fn write_in_half(&mut self, offset: usize, bytes: &[u8]) -> Result<(), CfiError> {
        let (done, rest) = bytes.split_at(bytes.len() / WORD / 2 * WORD);
        self.write_all(offset, done)?;
        let (at, wanted) =
            (offset + done.len(), rest.first_chunk().map_or(ERASED, |word| u32::from_le_bytes(*word)));
        let [noise] = noise(at as u32);
        self.send_buffer(at, core::iter::once(wanted | noise))
    }

    /// Programs words that lie in one write buffer, over whatever is there.
    fn send_buffer(
        &mut self,
        offset: usize,
        words: impl ExactSizeIterator<Item = u32>,
    ) -> Result<(), CfiError> {
        let count = (words.len() - 1) as u32;
        self.write_word(offset, command::BUFFERED_WRITE);
        self.write_word(offset, count << 16 | count);
        for (word, at) in words.zip((offset..).step_by(WORD)) {
            self.write_word(at, word);
        }
        self.write_word(offset, command::CONFIRM);
        self.finish(offset)
    }

    /// Programs words that lie in one write buffer and are erased.
    fn program(&mut self, offset: usize, octets: &[u8]) -> Result<(), CfiError> {
        let words = || octets.chunks_exact(WORD).map(word).zip((offset..).step_by(WORD));
        if let Some((_, at)) = words().find(|&(_, at)| self.read_word(at) != ERASED) {
            return Err(CfiError::NotErased(at as u32));
        }
        self.send_buffer(offset, octets.chunks_exact(WORD).map(word))?;
        match words().find(|&(word, at)| self.read_word(at) != word) {
            Some((_, at)) => Err(CfiError::ReadBack(at as u32)),
            None => Ok(()),
        }
    }
}

impl ErrorType for CfiNor {
    type Error = CfiError;
}

impl ReadNorFlash for CfiNor {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), CfiError> {
        let offset = within(offset, bytes.len())?;
        for (octet, at) in bytes.iter_mut().zip(offset..) {
            *octet = self.read_word(at & !(WORD - 1)).to_le_bytes()[at % WORD];
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

impl NorFlash for CfiNor {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), CfiError> {
        let len = to.checked_sub(from).ok_or(CfiError::OutOfBounds)? as usize;
        let from = within(from, len)?;
        if !from.is_multiple_of(SECTOR) || !len.is_multiple_of(SECTOR) {
            return Err(CfiError::NotAligned);
        }
        for sector in (from..from + len).step_by(SECTOR) {
            self.operate(
                Kind::Erase,
                sector,
                |nor| nor.erase_sector(sector),
                |nor| nor.erase_in_half(sector),
            )?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), CfiError> {
        let offset = within(offset, bytes.len())?;
        if !offset.is_multiple_of(WORD) || !bytes.len().is_multiple_of(WORD) {
            return Err(CfiError::NotAligned);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let (whole, part) = (
            |nor: &mut Self| nor.write_all(offset, bytes),
            |nor: &mut Self| nor.write_in_half(offset, bytes),
        );
        self.operate(Kind::Program, offset, whole, part)
    }
}

fn within(offset: u32, len: usize) -> Result<usize, CfiError> {
    let offset = offset as usize;
    if len <= CAPACITY && offset <= CAPACITY - len { Ok(offset) } else { Err(CfiError::OutOfBounds) }
}

fn word(octets: &[u8]) -> u32 {
    octets.iter().rev().fold(0, |word, octet| word << 8 | u32::from(*octet))
}

fn power_fails(operation: u32, when: When, done: Result<(), CfiError>) -> ! {
    say!("power fails in operation {operation}, {when:?}: {done:?}");
    power::stand_still()
}

/// Shows on a sector of its own that the driver keeps its promises; the sector is erased before and after.
pub fn check(flash: &mut CfiNor, sector: u32) -> Result<(), CfiError> {
    let pattern: [u8; BUFFER] = core::array::from_fn(|index| (index as u8).wrapping_mul(31));
    let end = sector + SECTOR as u32;
    let at = sector + BUFFER as u32 / 2; // so that the write crosses a buffer
    flash.erase(sector, end)?;
    flash.write(at, &pattern)?;
    let mut read = [0; BUFFER];
    flash.read(at, &mut read)?;
    if read != pattern {
        return Err(CfiError::ReadBack(at));
    }
    if flash.write(at, &[0; WORD]) != Err(CfiError::NotErased(at)) {
        return Err(CfiError::Failed(0));
    }
    if flash.write(at + 1, &[0; WORD]) != Err(CfiError::NotAligned) {
        return Err(CfiError::Failed(0));
    }
    flash.erase(sector, end)
}
