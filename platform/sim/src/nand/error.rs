//! What the NAND model answers when it does not do as told, and its memory of having been misused.

use core::fmt;

use kedge_platform::nand::{NandError, NandErrorKind, PageAddress};

/// Why an operation failed or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The power is off, or went off during this very operation.
    PowerLost,
    /// More wrong bits than the code corrects.
    Uncorrectable(PageAddress),
    /// Programming failed; the block has gone bad.
    ProgramFailed(PageAddress),
    /// Erasing failed; the block has gone bad.
    EraseFailed(u32),
    /// Misuse: no such block or page.
    OutOfBounds,
    /// Misuse: data is not a page, or the spare octets are more than there are.
    Length,
    /// Misuse: the block is marked bad.
    MarkedBad(u32),
    /// Misuse: an earlier program or erase of the block failed already.
    GoneBad(u32),
    /// Misuse: a later page of the block is programmed already.
    Order(PageAddress),
    /// Misuse: the page was programmed as often as the part allows between two erases.
    TooOften(PageAddress),
    /// Misuse: a codeword of the page was programmed before, and its code cannot be changed without erasing.
    Codeword(PageAddress),
    /// Misuse: the last erase of the block was cut off, whatever it reads like.
    HalfErased(u32),
}

impl Error {
    /// Whether the caller is to blame.
    pub fn is_misuse(self) -> bool {
        self.kind() == NandErrorKind::Misuse
    }
}

impl NandError for Error {
    fn kind(&self) -> NandErrorKind {
        match self {
            Self::PowerLost => NandErrorKind::Other,
            Self::Uncorrectable(_) => NandErrorKind::Uncorrectable,
            Self::ProgramFailed(_) => NandErrorKind::ProgramFailed,
            Self::EraseFailed(_) => NandErrorKind::EraseFailed,
            Self::OutOfBounds
            | Self::Length
            | Self::MarkedBad(_)
            | Self::GoneBad(_)
            | Self::Order(_)
            | Self::TooOften(_)
            | Self::Codeword(_)
            | Self::HalfErased(_) => NandErrorKind::Misuse,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerLost => f.write_str("power lost"),
            Self::Uncorrectable(at) => write!(f, "{at} has more wrong bits than can be corrected"),
            Self::ProgramFailed(at) => write!(f, "programming {at} failed"),
            Self::EraseFailed(block) => write!(f, "erasing block {block} failed"),
            Self::OutOfBounds => f.write_str("outside the flash"),
            Self::Length => f.write_str("not a page of data, or too many spare octets"),
            Self::MarkedBad(block) => write!(f, "block {block} is marked bad"),
            Self::GoneBad(block) => write!(f, "block {block} has gone bad"),
            Self::Order(at) => write!(f, "{at} comes before one that is programmed"),
            Self::TooOften(at) => write!(f, "{at} was programmed too often"),
            Self::Codeword(at) => write!(f, "a codeword in {at} was programmed before"),
            Self::HalfErased(block) => write!(f, "block {block} is only half erased"),
        }
    }
}

impl core::error::Error for Error {}

/// One operation, as called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reads a page; not counted, and so only seen in a [`Misuse`].
    Read(PageAddress),
    /// Programs a page.
    Program(PageAddress),
    /// Erases a block.
    Erase(u32),
    /// Marks a block bad.
    Mark(u32),
    /// Looks for the mark of a block; not counted.
    LookAtMark(u32),
}

/// A refused operation. Code under test may swallow the error, so tests look here too: a right program has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse {
    /// What was tried.
    pub operation: Operation,
    /// How it was refused.
    pub error: Error,
    /// How many operations had been carried out before, since the device was made.
    pub after: u64,
}
