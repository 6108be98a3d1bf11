use core::fmt;

use kedge_platform::flash::{NorFlashError, NorFlashErrorKind};
use kedge_platform::nand::PageAddress;

/// Why a [`Volume`](super::Volume) did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The driver failed, other than by a bad block or wrong bits: those are dealt with.
    Nand(E),
    /// The part does not suit the volume's constants: page size, block size, spare octets, number of blocks.
    Geometry,
    /// The lent buffer is too small.
    Buffer {
        /// Octets it must have.
        needed: usize,
    },
    /// There is no table of blocks: the part was never formatted, or for other constants.
    NoTable,
    /// Too many blocks are bad: nothing is left to replace one more.
    NoSpare,
    /// A page has more wrong bits than can be corrected, and may have held what was asked for.
    Uncorrectable(PageAddress),
    /// The range reaches beyond the volume, or ends before it starts.
    OutOfBounds,
    /// Offset or length is not a multiple of the write unit (or, for erase, of the block).
    NotAligned,
    /// These octets were written since the last erase.
    Written {
        /// Offset in the volume.
        at: u32,
    },
    /// The block was written in so many scattered pieces that its pages do not suffice.
    Scattered {
        /// Offset of the block in the volume.
        at: u32,
    },
    /// Writing failed before in a way that leaves it open what the flash holds; the next mount tells.
    MountAgain,
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nand(error) => write!(f, "NAND: {error:?}"),
            Self::Geometry => f.write_str("the NAND part does not suit the volume"),
            Self::Buffer { needed } => write!(f, "buffer too small, {needed} octets are needed"),
            Self::NoTable => f.write_str("the NAND part was not formatted"),
            Self::NoSpare => f.write_str("too many bad blocks, none is left to replace one"),
            Self::Uncorrectable(at) => write!(f, "{at} cannot be read"),
            Self::OutOfBounds => f.write_str("outside the volume"),
            Self::NotAligned => f.write_str("not aligned to the write unit or block"),
            Self::Written { at } => write!(f, "octets at {at:#x} are written already"),
            Self::Scattered { at } => write!(f, "block at {at:#x} was written in too many pieces"),
            Self::MountAgain => f.write_str("the volume must be mounted again"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

impl<E: fmt::Debug> NorFlashError for Error<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            _ => NorFlashErrorKind::Other,
        }
    }
}
