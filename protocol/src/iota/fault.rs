use super::{EndReason, ResultCode};
use crate::wire::{Error, ErrorKind};

/// Why a document is refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not well-formed in its coding, WBXML or XML, or uses what the profile forbids there (B2 last paragraph, B5).
    Unreadable(Error),
    /// It is well-formed, but against the grammar or a limit.
    Ungrammatical(Error),
}

impl Fault {
    /// What and where.
    pub const fn error(self) -> Error {
        match self {
            Self::Unreadable(error) | Self::Ungrammatical(error) => error,
        }
    }

    /// The reason with which a session ends on it.
    pub const fn reason(self) -> EndReason {
        match self {
            Self::Unreadable(_) => EndReason::XML,
            Self::Ungrammatical(_) => EndReason::MMC,
        }
    }

    /// The error code that goes with the reason.
    pub const fn code(self) -> ResultCode {
        match self {
            Self::Unreadable(_) => ResultCode::INVALID_CONTENT,
            Self::Ungrammatical(Error { kind: ErrorKind::LimitExceeded, .. }) => ResultCode::TOO_BIG,
            Self::Ungrammatical(_) => ResultCode::BAD_VALUE,
        }
    }
}

impl From<Error> for Fault {
    /// What a reader reports is a matter of well-formedness.
    fn from(error: Error) -> Self {
        Self::Unreadable(error)
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "unreadable document: {error}"),
            Self::Ungrammatical(error) => write!(f, "document against the grammar: {error}"),
        }
    }
}

impl core::error::Error for Fault {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable(error) | Self::Ungrammatical(error) => Some(error),
        }
    }
}
