use core::fmt;

use crate::banklog::LogError;
use crate::{LayoutError, Refusal};

/// Why a call of the update agent did not do what it was asked. The flash holds what it held before, or a state from
/// which the same call can be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The flash driver failed.
    Flash(E),
    /// The layout does not suit the device.
    Layout(LayoutError),
    /// The journal cannot be read; nothing may be assumed about the image.
    JournalDamaged,
    /// The journal region is too small.
    JournalTooSmall {
        /// Octets that half of it would need.
        needed: u32,
    },
    /// The call does not suit the state of the update.
    NotNow,
    /// The result of the last update is still to be reported and cleared.
    OutcomePending,
    /// The package does not fit its region, or has more octets than announced.
    TooLarge {
        /// Octets there is room for.
        room: u32,
    },
    /// The caller's buffer is too small.
    NoRoom {
        /// Octets it must have.
        needed: usize,
    },
    /// The package is not for this device.
    Refused(Refusal),
    /// The flash did not keep what was written; the step can be tried again.
    Storage {
        /// Offset of the block in the device.
        at: u32,
    },
}

impl<E> From<LogError<E>> for Error<E> {
    fn from(error: LogError<E>) -> Self {
        match error {
            LogError::Flash(error) => Self::Flash(error),
            LogError::NoRoom { needed } => Self::JournalTooSmall { needed },
            LogError::Geometry => Self::Layout(LayoutError::Geometry),
            LogError::Buffer { .. } | LogError::Key(_) | LogError::Damaged(_) | LogError::DamagedBank => {
                Self::JournalDamaged
            }
        }
    }
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "flash: {error:?}"),
            Self::Layout(error) => error.fmt(f),
            Self::JournalDamaged => f.write_str("the journal cannot be read"),
            Self::JournalTooSmall { needed } => write!(f, "half of the journal would need {needed} octets"),
            Self::NotNow => f.write_str("not possible in this state of the update"),
            Self::OutcomePending => f.write_str("the last result was not reported yet"),
            Self::TooLarge { room } => write!(f, "package too large, there is room for {room} octets"),
            Self::NoRoom { needed } => write!(f, "buffer too small, {needed} octets are needed"),
            Self::Refused(refusal) => write!(f, "package refused: {refusal}"),
            Self::Storage { at } => write!(f, "flash at {at:#x} does not keep what is written"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}
