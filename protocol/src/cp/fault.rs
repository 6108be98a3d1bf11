use super::{Kind, ParmName};
use crate::wire::{Error, ErrorKind};

/// Why a document is refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub why: Why,
    /// The octet of the document.
    pub at: usize,
}

/// Why a document is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The coding is broken, or a limit exceeded.
    Coding(ErrorKind),
    /// The document has another root element.
    OtherRoot,
    /// A characteristic without its key.
    NoKey(Kind, ParmName),
    /// A parm that may occur once occurs again.
    Repeated(ParmName),
    /// A value that the parm cannot have.
    BadValue(ParmName),
    /// An object of this kind with the same key came before.
    Duplicate(Kind),
    /// An object of this kind with the same key belongs to another source of settings.
    Foreign(Kind),
    /// A parm refers to an object that neither the document nor the store has.
    Unresolved(ParmName),
}

impl Fault {
    /// A fault at octet `at`.
    pub const fn new(why: Why, at: usize) -> Self {
        Self { why, at }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::new(Why::Coding(error.kind), error.at)
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.why {
            Why::Coding(kind) => kind.fmt(f)?,
            Why::OtherRoot => f.write_str("not a provisioning document")?,
            Why::NoKey(kind, parm) => write!(f, "{kind} without {parm}")?,
            Why::Repeated(parm) => write!(f, "{parm} occurs again")?,
            Why::BadValue(parm) => write!(f, "{parm} has a value that it cannot have")?,
            Why::Duplicate(kind) => write!(f, "another {kind} with the same key")?,
            Why::Foreign(kind) => write!(f, "the {kind} with this key belongs to another source")?,
            Why::Unresolved(parm) => write!(f, "{parm} refers to nothing")?,
        }
        write!(f, " at octet {}", self.at)
    }
}

impl core::error::Error for Fault {}
