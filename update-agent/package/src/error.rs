/// Why octets are not a package of format version 1, and where.
///
/// The same shape as the codec error of the protocol crate, which this crate must not depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Octets from the start of the package (reading) or of the output (writing).
    pub at: usize,
}

/// What is wrong with the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input ends inside a field.
    Truncated,
    /// The structure is complete, but octets follow it.
    Trailing,
    /// It does not begin with the magic number.
    NotAPackage,
    /// A format version, algorithm, payload kind or critical key that this implementation does not take.
    Unsupported,
    /// Well-formed, but not in the one deterministic encoding.
    NotDeterministic,
    /// A field is missing.
    Missing,
    /// A field holds a value that the format forbids.
    BadValue,
    /// A length or offset contradicts what it measures.
    BadLength,
    /// A copy reaches outside the octets of the old image that it may use.
    BadSource,
    /// A documented limit is exceeded.
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
            Self::NotAPackage => "not an update package",
            Self::Unsupported => "not supported",
            Self::NotDeterministic => "not deterministic CBOR",
            Self::Missing => "a required field is missing",
            Self::BadValue => "forbidden value",
            Self::BadLength => "length contradicts content",
            Self::BadSource => "copy from outside the old image",
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

/// Why a payload could not be read: the octets are wrong, or could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The [`Input`](crate::Input) failed; the same call may succeed later.
    Input(E),
    /// The octets are wrong and stay wrong.
    Format(Error),
}

impl<E> From<Error> for ReadError<E> {
    fn from(error: Error) -> Self {
        Self::Format(error)
    }
}

impl<E: core::fmt::Display> core::fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Input(error) => write!(f, "package could not be read: {error}"),
            Self::Format(error) => write!(f, "package is damaged: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Input(error) => Some(error),
            Self::Format(error) => Some(error),
        }
    }
}
