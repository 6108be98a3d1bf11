//! What the flash is doing, in a page of RAM that survives restarts and that nobody else uses.
//!
//! The host keeps the emulator's RAM in a file, so after a power cut it can still be read there which operation was under
//! way: a cut at a random time becomes one that can be made again. At power-on the page is zero.

use crate::page::{START, word};

/// What is done to the flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A write call.
    Program = 1,
    /// One sector.
    Erase = 2,
}

/// Which program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// The boot stage.
    Boot = 1,
    /// The image.
    Image = 2,
}

/// The page of a board.
#[derive(Clone, Copy, Debug)]
pub struct BlackBox {
    page: usize,
    sector: u32,
}

impl BlackBox {
    /// The page in the RAM that begins at address `ram`; the flash has sectors of `sector` octets.
    ///
    /// # Safety
    /// 16 MiB of RAM are there, and the last 4 KiB of them are used for nothing else.
    pub const unsafe fn new(ram: usize, sector: u32) -> Self {
        Self { page: ram + START, sector }
    }

    /// An operation begins; its number since power-on, from 0.
    pub fn begin(self, kind: Kind, offset: u32) -> u32 {
        let number = self.get(word::OPERATIONS);
        self.set(word::OFFSET, offset);
        self.set(word::KIND, kind as u32);
        self.set(word::OPERATIONS, number.wrapping_add(1));
        let erases = word::WEAR + (offset / self.sector) as usize;
        if kind == Kind::Erase && erases < word::END {
            self.set(erases, self.get(erases).wrapping_add(1));
        }
        number
    }

    /// The operation is over.
    pub fn end(self) {
        self.set(word::KIND, 0);
    }

    /// Tells which program runs.
    pub fn enter(self, stage: Stage) {
        self.set(word::STAGE, stage as u32);
    }

    fn get(self, word: usize) -> u32 {
        // SAFETY: an aligned word of RAM that no Rust object lies in.
        unsafe { self.place(word).read_volatile() }
    }

    fn set(self, word: usize, value: u32) {
        // SAFETY: as above.
        unsafe { self.place(word).write_volatile(value) }
    }

    fn place(self, word: usize) -> *mut u32 {
        core::ptr::with_exposed_provenance_mut(self.page + 4 * word)
    }
}
