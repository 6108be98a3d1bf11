//! What the flash is doing, in a page of RAM that survives restarts and that nobody else uses.
//!
//! The host keeps the emulator's RAM in a file, so after a power cut it can still be read there which operation was under
//! way: a cut at a random time becomes one that can be made again. At power-on the page is zero.

use crate::page::{RAM, START, word};

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

/// An operation begins; its number since power-on, from 0.
pub fn begin(kind: Kind, offset: u32) -> u32 {
    let number = get(word::OPERATIONS);
    set(word::OFFSET, offset);
    set(word::KIND, kind as u32);
    set(word::OPERATIONS, number.wrapping_add(1));
    if kind == Kind::Erase {
        let erases = word::WEAR + (offset / crate::product::SECTOR) as usize;
        set(erases, get(erases).wrapping_add(1));
    }
    number
}

/// The operation is over.
pub fn end() {
    set(word::KIND, 0);
}

/// Tells which program runs.
pub fn enter(stage: Stage) {
    set(word::STAGE, stage as u32);
}

fn get(word: usize) -> u32 {
    // SAFETY: an aligned word of RAM that no Rust object lies in.
    unsafe { place(word).read_volatile() }
}

fn set(word: usize, value: u32) {
    // SAFETY: as above.
    unsafe { place(word).write_volatile(value) }
}

fn place(word: usize) -> *mut u32 {
    core::ptr::with_exposed_provenance_mut(RAM + START + 4 * word)
}
