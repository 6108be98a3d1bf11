//! NAND flash on Linux: an MTD character device, and a plain file that stands for a part.
//!
//! | type | stands on | error correction, bad blocks |
//! |---|---|---|
//! | [`MtdNand`] | `/dev/mtdX` of a raw NAND part, Linux 6.1 or later | the kernel's |
//! | [`FileNand`] | a file: pages with their spare area, one after the other | none needed; marks as parts have them |
//!
//! [`FileNand`] refuses what a part could not do, so that what was tried on a file works on a device; for faults on demand
//! there is the model in `kedge-platform-sim`.

mod file;
mod ioctl;
mod mtd;

use core::fmt;
use std::io;

pub use file::FileNand;
use kedge_platform::nand::{Geometry, NandError, NandErrorKind, PageAddress};
pub use mtd::MtdNand;

/// Why a driver did not do as told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The system refused.
    Io(io::Error),
    /// The device is no raw NAND, or the file has not the length of the part.
    NotNand,
    /// More wrong bits than can be corrected.
    Uncorrectable(PageAddress),
    /// The part reports that programming failed.
    ProgramFailed(PageAddress),
    /// The part reports that erasing this block failed.
    EraseFailed(u32),
    /// No such page or block, data that is not a page, or too many spare octets.
    OutOfBounds,
    /// The page, or one behind it in its block, is programmed already.
    Order(PageAddress),
    /// The block is marked bad.
    MarkedBad(u32),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl NandError for Error {
    fn kind(&self) -> NandErrorKind {
        match self {
            Self::Io(_) | Self::NotNand => NandErrorKind::Other,
            Self::Uncorrectable(_) => NandErrorKind::Uncorrectable,
            Self::ProgramFailed(_) => NandErrorKind::ProgramFailed,
            Self::EraseFailed(_) => NandErrorKind::EraseFailed,
            Self::OutOfBounds | Self::Order(_) | Self::MarkedBad(_) => NandErrorKind::Misuse,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NotNand => f.write_str("not a raw NAND device, or a file of another length"),
            Self::Uncorrectable(at) => write!(f, "{at} has more wrong bits than can be corrected"),
            Self::ProgramFailed(at) => write!(f, "programming {at} failed"),
            Self::EraseFailed(block) => write!(f, "erasing block {block} failed"),
            Self::OutOfBounds => f.write_str("outside the flash, or not a page"),
            Self::Order(at) => write!(f, "{at}, or one behind it, is programmed already"),
            Self::MarkedBad(block) => write!(f, "block {block} is marked bad"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// Whether the part has this page, and the buffers fit it.
fn admit(geometry: &Geometry, at: PageAddress, data: usize, spare: usize) -> Result<(), Error> {
    let inside = at.block < geometry.blocks && at.page < geometry.pages_per_block;
    let fits = (data == geometry.page || data == 0) && spare <= geometry.spare;
    if inside && fits { Ok(()) } else { Err(Error::OutOfBounds) }
}
