//! The page of RAM in which a board notes what it does; the host, which includes this file too, reads it after a power cut.

/// Where the page is in RAM: the last one of 16 MiB. The linker scripts leave it alone.
pub const START: usize = 0x00FF_F000;

/// Its words, of 32 bits.
pub mod word {
    /// Flash operations that were begun since power-on.
    pub const OPERATIONS: usize = 0;
    /// What is under way: 0 nothing, 1 a write call, 2 the erase of a sector.
    pub const KIND: usize = 1;
    /// Where.
    pub const OFFSET: usize = 2;
    /// Which program runs: 1 the boot stage, 2 the image.
    pub const STAGE: usize = 3;
    /// From here on: how often each sector was erased since power-on.
    pub const WEAR: usize = 16;
    /// Behind the last word of the page.
    pub const END: usize = 1024;
}
