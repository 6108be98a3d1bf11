//! NAND flash: pages, blocks, a spare area, bad blocks; and what may happen to it when the power fails.
//!
//! Words are those of ONFI 5.1: a *block* is erased, a *page* is programmed, each page has a *spare* area beside its data.
//! ```text
//!          data (512 .. 4096 octets)               spare: what the driver leaves to its user
//!         ┌──────────────────────────────────────┬───────┐
//!  page 0 │                                      │       │ ─┐
//!  page 1 │                                      │       │  │ programmed in this order,
//!   ...   │                                      │       │  │ erased together
//!  page n │                                      │       │ ─┘
//!         └──────────────────────────────────────┴───────┘
//! ```
//! The bad-block mark and the error-correcting code also live in the spare area of the part; they are the driver's, and the
//! `spare` of this trait is only what is left. There is no common trait for such parts on the crate registry, so this is
//! Kedge's own.
//!
//! # What Kedge relies on
//!
//! The flash model of `kedge-platform-sim` is at least as unkind:
//!
//! 1. A block is programmed page by page, in ascending order; Kedge programs each page once between two erases, data and
//!    spare together, so a part with any partial-page limit works.
//! 2. Reading returns corrected data, or [`NandErrorKind::Uncorrectable`]. The code covers the data; where it does not
//!    cover `spare`, the user must check that itself. A page that was never programmed reads as octets FF.
//! 3. A program or erase that the part reports as failed is [`NandErrorKind::ProgramFailed`] or
//!    [`NandErrorKind::EraseFailed`]. The block is then only fit to be read: pages programmed before still hold their
//!    content. Its user moves them away and calls [`NandFlash::mark_bad`].
//! 4. If the power fails *during* [`NandFlash::program_page`], that page may read as uncorrectable, blank, its new content,
//!    or octets that were never written, differently on each read, until its block is erased. Other pages keep their content.
//! 5. If the power fails *during* [`NandFlash::erase_block`], each page of the block may read as any of these, or as what it
//!    held before, differently on each read, until the block is erased again. It may look erased and is not.
//! 6. If the power fails during [`NandFlash::mark_bad`], the block may be marked or not.
//! 7. Operations take effect in the order they are called, and are finished when the call returns.

use core::fmt;

/// The shape of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Octets of data in a page: a power of two, 512 to 4096.
    pub page: usize,
    /// Octets of the spare area of a page that are the user's.
    pub spare: usize,
    /// Pages in a block.
    pub pages_per_block: u32,
    /// Blocks in the part, bad ones included.
    pub blocks: u32,
}

impl Geometry {
    /// Octets of data in a block.
    pub const fn block(&self) -> usize {
        self.page.saturating_mul(self.pages_per_block as usize)
    }
}

/// The place of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageAddress {
    /// The block.
    pub block: u32,
    /// The page in the block.
    pub page: u32,
}

impl fmt::Display for PageAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {} of block {}", self.page, self.block)
    }
}

/// What the error-correcting code said about a page that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ecc {
    /// Nothing had to be corrected.
    Clean,
    /// Bits were corrected: at most this many in one codeword, or, where the controller only tells a sum, in the page.
    Corrected(u32),
}

impl Ecc {
    /// Corrected bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Clean => 0,
            Self::Corrected(bits) => bits,
        }
    }
}

/// What kind of thing went wrong, the same for every driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NandErrorKind {
    /// The page has more wrong bits than the code corrects.
    Uncorrectable,
    /// The part reports that programming failed: the block has gone bad.
    ProgramFailed,
    /// The part reports that erasing failed: the block has gone bad.
    EraseFailed,
    /// The driver was used against its rules: place, lengths, order, or a bad block.
    Misuse,
    /// Anything else: bus, controller, power.
    Other,
}

/// An error of a driver.
pub trait NandError: fmt::Debug {
    /// Its kind.
    fn kind(&self) -> NandErrorKind;
}

/// A NAND part with error correction, behind whatever controller. The contract is in the [module documentation](self).
pub trait NandFlash {
    /// Why a call can fail.
    type Error: NandError;

    /// The shape of the part; it never changes.
    fn geometry(&self) -> Geometry;

    /// Reads a page: its data into `data`, which is one page long or empty, and the beginning of its spare area into `spare`,
    /// which may be shorter than the area. Returns what had to be corrected in what was read.
    fn read_page(&mut self, at: PageAddress, data: &mut [u8], spare: &mut [u8]) -> Result<Ecc, Self::Error>;

    /// Programs a page: `data`, one page long, and the beginning of its spare area; the rest of that stays erased.
    fn program_page(&mut self, at: PageAddress, data: &[u8], spare: &[u8]) -> Result<(), Self::Error>;

    /// Erases a block; refused for a bad one, since that would destroy the maker's mark.
    fn erase_block(&mut self, block: u32) -> Result<(), Self::Error>;

    /// Whether the block is marked bad, by the maker or since.
    fn is_bad(&mut self, block: u32) -> Result<bool, Self::Error>;

    /// Marks the block bad, for good.
    fn mark_bad(&mut self, block: u32) -> Result<(), Self::Error>;
}

impl<N: NandFlash> NandFlash for &mut N {
    type Error = N::Error;

    fn geometry(&self) -> Geometry {
        N::geometry(self)
    }

    fn read_page(&mut self, at: PageAddress, data: &mut [u8], spare: &mut [u8]) -> Result<Ecc, N::Error> {
        N::read_page(self, at, data, spare)
    }

    fn program_page(&mut self, at: PageAddress, data: &[u8], spare: &[u8]) -> Result<(), N::Error> {
        N::program_page(self, at, data, spare)
    }

    fn erase_block(&mut self, block: u32) -> Result<(), N::Error> {
        N::erase_block(self, block)
    }

    fn is_bad(&mut self, block: u32) -> Result<bool, N::Error> {
        N::is_bad(self, block)
    }

    fn mark_bad(&mut self, block: u32) -> Result<(), N::Error> {
        N::mark_bad(self, block)
    }
}
