//! What every codec stands on: an octet reader and writer, a bit reader and writer, decimal numbers, open codes, one error.
//!
//! Nothing outside this module slices a buffer. All positions in errors count octets from the start of the buffer
//! that the *outermost* reader was made on: a sub-reader knows its base.

mod bits;
mod codes;
mod decimal;
mod names;
mod reader;
mod slot;
mod text;
mod writer;

pub use bits::{BitReader, BitWriter};
pub use codes::open_code;
pub use decimal::Decimal;
pub(crate) use names::Names;
pub use reader::Reader;
pub(crate) use reader::position;
pub use slot::Slot;
pub(crate) use text::{Text, hex};
pub use writer::Writer;

/// Why bytes could not be read or written, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Octets from the start of the input (reading) or of the output (writing).
    pub at: usize,
}

/// What is wrong with the bytes; the variant says what a sender would have to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input ends inside a field.
    Truncated,
    /// The structure is complete, but octets follow it.
    Trailing,
    /// A length field contradicts what it measures.
    BadLength,
    /// A field holds a value that its specification forbids.
    BadValue,
    /// A well-formed construct that this implementation does not take (unknown version, page, charset, ...).
    Unsupported,
    /// Text is not in the character set it claims.
    BadText,
    /// A documented limit (size, count, depth) is exceeded.
    LimitExceeded,
    /// The caller's output buffer is too small.
    NoRoom,
}

impl Error {
    /// An error of `kind` at octet `at`.
    pub const fn new(kind: ErrorKind, at: usize) -> Self {
        Self { kind, at }
    }
}

impl core::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Truncated => "input ends inside a field",
            Self::Trailing => "octets after the end",
            Self::BadLength => "length contradicts content",
            Self::BadValue => "forbidden value",
            Self::Unsupported => "not supported",
            Self::BadText => "text not in its character set",
            Self::LimitExceeded => "limit exceeded",
            Self::NoRoom => "output buffer too small",
        })
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} at octet {}", self.kind, self.at)
    }
}

impl core::error::Error for Error {}
