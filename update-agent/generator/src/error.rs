use std::fmt;

/// Why no package was made.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The key is not an Ed25519 key in PKCS #8, or its name is not 1 to 16 octets.
    Key,
    /// An image is empty or larger than 1 GiB.
    ImageSize,
    /// A field does not fit the format, or the block size is not one of the format's.
    Format(kedge_package::Error),
    /// A way back was asked for where the old image stays in its slot.
    Reverse,
    /// There is no profile for so little RAM.
    Memory {
        /// Octets of the smallest.
        least: u32,
    },
    /// The device's own code did not accept the package or made something else of it: a defect of this crate.
    Rehearsal(String),
}

impl From<kedge_package::Error> for Error {
    fn from(error: kedge_package::Error) -> Self {
        Self::Format(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("not an Ed25519 key in PKCS #8, or a key name not of 1 to 16 octets"),
            Self::ImageSize => f.write_str("an image is empty or larger than 1 GiB"),
            Self::Format(error) => write!(f, "a field does not fit the package format: {error}"),
            Self::Reverse => {
                f.write_str("in a slot the old image stays: a way back is for packages in place")
            }
            Self::Memory { least } => write!(f, "the smallest decoder takes {least} octets of RAM"),
            Self::Rehearsal(what) => write!(f, "the package failed its rehearsal: {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Format(error) => Some(error),
            _ => None,
        }
    }
}
