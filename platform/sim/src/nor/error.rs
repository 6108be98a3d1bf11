//! What the flash model refuses, and its memory of having refused it.

use core::fmt;

use kedge_platform::flash::{NorFlashError, NorFlashErrorKind};

/// Why an operation was refused. Offsets are octets from the start of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The power is off, or went off during this very operation.
    PowerLost,
    /// The range reaches beyond the device, or ends before it starts.
    OutOfBounds,
    /// Offset or length is not a multiple of the write unit (or, for erase, of the sector).
    NotAligned,
    /// This unit was programmed since its last erase, and the new content would only clear more bits.
    Reprogrammed {
        /// Start of the unit.
        at: u32,
    },
    /// This unit was programmed since its last erase, and the new content would need bits set, which only erasing does.
    WouldSetBits {
        /// Start of the unit.
        at: u32,
    },
    /// The last erase of this unit's sector was cut off, whatever the unit reads like.
    HalfErased {
        /// Start of the unit.
        at: u32,
    },
    /// The error-correcting code does not fit the content: the unit was torn by a power cut.
    Unreadable {
        /// Start of the unit.
        at: u32,
    },
}

impl Error {
    /// Whether the caller is to blame: everything but a lost power supply and what it left behind.
    pub fn is_misuse(self) -> bool {
        !matches!(self, Self::PowerLost | Self::Unreadable { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerLost => f.write_str("power lost"),
            Self::OutOfBounds => f.write_str("outside the flash"),
            Self::NotAligned => f.write_str("not aligned to the write unit or sector"),
            Self::Reprogrammed { at } => write!(f, "unit at {at:#x} is programmed already"),
            Self::WouldSetBits { at } => {
                write!(f, "unit at {at:#x} is programmed already and needs bits set")
            }
            Self::HalfErased { at } => write!(f, "sector of the unit at {at:#x} is only half erased"),
            Self::Unreadable { at } => write!(f, "unit at {at:#x} fails its error-correcting code"),
        }
    }
}

impl core::error::Error for Error {}

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads; not counted as an operation, and so only seen in a [`Misuse`].
    Read,
    /// Programs the units of one `write` call.
    Program,
    /// Erases one sector; an `erase` call over several sectors is several operations.
    Erase,
}

/// One operation, as called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it does.
    pub kind: Kind,
    /// First octet.
    pub offset: u32,
    /// Length in octets; what was asked for, even if it is refused.
    pub len: u32,
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
