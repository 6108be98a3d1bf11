use core::fmt;

/// The first 16 octets of the SHA-256 of the signed octets of a package: which package it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackageId(pub [u8; 16]);

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// How an update ended; kept in the journal until it is cleared, so that it can be reported exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which package.
    pub package: PackageId,
    /// What became of it.
    pub result: UpdateResult,
}

/// What became of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateResult {
    /// The new image runs.
    Installed,
    /// The new image was tried, but not confirmed; the old one runs. In place it was made again.
    RolledBack,
    /// The package was refused before anything of the image was erased; a streamed one ([`Refusal::BadPayload`]) after it
    /// was written to the slot that is not running.
    Refused(Refusal),
    /// The new image could not be made.
    Failed(Failure),
}

/// Why a package was refused. Nothing of the image was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is not a package of a format version that is understood.
    Malformed {
        /// Offset of the fault in the package.
        at: u32,
    },
    /// Its parts do not add up to what was received.
    WrongSize,
    /// It is signed with a key that the device does not have.
    UnknownKey,
    /// The signature is not right.
    BadSignature,
    /// It is for another product.
    OtherProduct,
    /// It is for another installed version.
    OtherVersion,
    /// The installed image is not the one it changes.
    OtherImage,
    /// Its security counter is lower than the device's.
    Downgrade,
    /// It is for a device with another way to get images into place; or of a kind that cannot be streamed.
    OtherLayout,
    /// Its blocks are no whole sectors, or larger than the scratch region.
    BlockSize,
    /// An image is larger than the place for it.
    ImageTooLarge,
    /// The payload is not the one that was signed.
    BadPayload,
    /// Decoding takes more RAM than there is.
    Memory {
        /// How many octets are missing.
        missing: u32,
    },
    /// It needs more spare flash than there is.
    Spare {
        /// How many octets are missing.
        missing: u32,
    },
    /// Behind the package, or behind the plan of one that is streamed, there is no room for the decoder's state.
    State {
        /// How many octets are missing.
        missing: u32,
    },
}

/// Why an image could not be made although its package was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The stored package is not the one that was accepted.
    PackageChanged,
    /// A block of the package no longer decodes.
    BadBlock,
    /// A block came out other than the package says.
    WrongBlock,
    /// The finished image is not the one that the package promised.
    WrongImage,
    /// The flash does not keep what is written to it.
    Storage,
    /// The device gave up on it.
    Abandoned,
    /// The new image was not confirmed, but what leads back does not hold any more; the new image stays.
    NoWayBack,
}

impl UpdateResult {
    /// The stable number of the result, for reports and records; 0 is success.
    pub const fn code(self) -> u16 {
        match self {
            Self::Installed => 0,
            Self::RolledBack => 1,
            Self::Refused(refusal) => refusal.code(),
            Self::Failed(failure) => failure.code(),
        }
    }

    /// What belongs to the code: the offset in a malformed package, what is missing, else 0.
    pub(crate) const fn detail(self) -> u32 {
        match self {
            Self::Refused(Refusal::Malformed { at }) => at,
            Self::Refused(
                Refusal::Memory { missing } | Refusal::Spare { missing } | Refusal::State { missing },
            ) => missing,
            _ => 0,
        }
    }

    /// The result with this number; `detail` is the offset in a malformed package, or what is missing, else 0.
    pub fn from_code(code: u16, detail: u32) -> Option<Self> {
        let all = [Self::Installed, Self::RolledBack]
            .into_iter()
            .chain(Refusal::all(detail).into_iter().map(Self::Refused))
            .chain(Failure::ALL.into_iter().map(Self::Failed));
        all.into_iter().find(|result| result.code() == code)
    }
}

impl Refusal {
    const fn all(at: u32) -> [Self; 15] {
        [
            Self::Malformed { at },
            Self::WrongSize,
            Self::UnknownKey,
            Self::BadSignature,
            Self::OtherProduct,
            Self::OtherVersion,
            Self::OtherImage,
            Self::Downgrade,
            Self::OtherLayout,
            Self::BlockSize,
            Self::ImageTooLarge,
            Self::BadPayload,
            Self::Memory { missing: at },
            Self::Spare { missing: at },
            Self::State { missing: at },
        ]
    }

    /// The stable number of the reason: 16 to 31.
    pub const fn code(self) -> u16 {
        match self {
            Self::Malformed { .. } => 16,
            Self::WrongSize => 17,
            Self::UnknownKey => 18,
            Self::BadSignature => 19,
            Self::OtherProduct => 20,
            Self::OtherVersion => 21,
            Self::OtherImage => 22,
            Self::Downgrade => 23,
            Self::OtherLayout => 24,
            Self::BlockSize => 25,
            Self::ImageTooLarge => 26,
            Self::BadPayload => 27,
            Self::Memory { .. } => 28,
            Self::Spare { .. } => 29,
            Self::State { .. } => 30,
        }
    }
}

impl Failure {
    const ALL: [Self; 7] = [
        Self::PackageChanged,
        Self::BadBlock,
        Self::WrongBlock,
        Self::WrongImage,
        Self::Storage,
        Self::Abandoned,
        Self::NoWayBack,
    ];

    /// The stable number of the reason: 32 and up.
    pub const fn code(self) -> u16 {
        match self {
            Self::PackageChanged => 32,
            Self::BadBlock => 33,
            Self::WrongBlock => 34,
            Self::WrongImage => 35,
            Self::Storage => 36,
            Self::Abandoned => 37,
            Self::NoWayBack => 38,
        }
    }
}

impl fmt::Display for UpdateResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => f.write_str("installed"),
            Self::RolledBack => f.write_str("rolled back"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Failed(failure) => write!(f, "failed: {failure}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed { at } => return write!(f, "malformed at octet {at}"),
            Self::WrongSize => "size is not what was received",
            Self::UnknownKey => "unknown signing key",
            Self::BadSignature => "wrong signature",
            Self::OtherProduct => "for another product",
            Self::OtherVersion => "for another installed version",
            Self::OtherImage => "for another installed image",
            Self::Downgrade => "security counter too low",
            Self::OtherLayout => "for another flash layout",
            Self::BlockSize => "block size does not suit the flash",
            Self::ImageTooLarge => "image too large",
            Self::BadPayload => "payload is not what was signed",
            Self::Memory { missing } => return write!(f, "decoding takes {missing} octets more RAM"),
            Self::Spare { missing } => return write!(f, "it needs {missing} octets more spare flash"),
            Self::State { missing } => {
                return write!(f, "the package region is {missing} octets too small for the decoder's state");
            }
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PackageChanged => "stored package changed",
            Self::BadBlock => "a block does not decode",
            Self::WrongBlock => "a block came out wrong",
            Self::WrongImage => "the new image came out wrong",
            Self::Storage => "flash does not keep what is written",
            Self::Abandoned => "abandoned",
            Self::NoWayBack => "the way back is not sound, the new image stays",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stable_and_distinct() {
        for code in 0..200 {
            let Some(result) = UpdateResult::from_code(code, 7) else {
                assert!(!matches!(code, 0 | 1 | 16..=30 | 32..=38), "{code} is lost");
                continue;
            };
            assert_eq!(result.code(), code);
            assert_eq!(result.detail(), if matches!(code, 16 | 28..=30) { 7 } else { 0 });
        }
    }
}
