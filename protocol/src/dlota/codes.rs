//! What is reported of a download, and why it failed.

use crate::wire::{Decimal, Error, Writer, open_code};

open_code! {
    /// What a device reports to the `installNotifyURI` (`fumo-dlota.md` 2.3).
    pub struct Status(u16) {
        /// The object is here and accepted.
        SUCCESS = 900, "Success";
        /// No room for it.
        INSUFFICIENT_MEMORY = 901, "Insufficient memory";
        /// The user said no.
        USER_CANCELLED = 902, "User Cancelled";
        /// The connection was lost and could not be taken up again.
        LOSS_OF_SERVICE = 903, "Loss of Service";
        /// The object is not what the descriptor says.
        ATTRIBUTE_MISMATCH = 905, "Attribute mismatch";
        /// The descriptor is malformed or incomplete.
        INVALID_DESCRIPTOR = 906, "Invalid descriptor";
        /// A version of the descriptor that is not understood.
        INVALID_VERSION = 951, "Invalid DDVersion";
        /// The device stopped.
        DEVICE_ABORTED = 952, "Device Aborted";
        /// None of the types is one the device takes, or the content was refused.
        NON_ACCEPTABLE_CONTENT = 953, "Non-Acceptable Content";
        /// The object could not be loaded from its place.
        LOADER_ERROR = 954, "Loader Error";
    }
}

impl Status {
    /// The status of content that was complete and then refused by the device's own checks. The fact sheet leaves 905 or
    /// 953 (from memory); the object does agree with its descriptor then, so it is not 905.
    pub const REFUSED: Self = Self::NON_ACCEPTABLE_CONTENT;

    /// Writes the body of a report: the code, a space, the phrase, CR LF.
    pub fn report(self, out: &mut [u8]) -> Result<&[u8], Error> {
        let mut w = Writer::new(out);
        w.put(Decimal::new(u32::from(self.0)).as_str().as_bytes())?;
        w.put(b" ")?;
        w.put(self.name().unwrap_or("Unknown").as_bytes())?;
        w.put(b"\r\n")?;
        Ok(w.finish())
    }
}

/// Why a download came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The descriptor is malformed, incomplete or larger than is taken.
    Descriptor,
    /// The descriptor's version is not understood.
    Version,
    /// The object is larger than the device has room for.
    NoRoom,
    /// None of the types is one that the device takes.
    Type,
    /// The user said no.
    UserCancelled,
    /// The link broke too often.
    LinkDown,
    /// No answer came in time, too often.
    TimedOut,
    /// The URL is none, leaves https for http, or redirects too often.
    Url,
    /// The server answered with this HTTP status.
    Http(u16),
    /// Size or type of the object differ from the descriptor.
    Mismatch,
    /// The content is complete, and the device refuses it.
    Refused,
    /// The device stopped the download.
    Aborted,
}

impl Failure {
    /// What is reported of it.
    pub const fn status(self) -> Status {
        match self {
            Self::Descriptor => Status::INVALID_DESCRIPTOR,
            Self::Version => Status::INVALID_VERSION,
            Self::NoRoom => Status::INSUFFICIENT_MEMORY,
            Self::Type => Status::NON_ACCEPTABLE_CONTENT,
            Self::Refused => Status::REFUSED,
            Self::UserCancelled => Status::USER_CANCELLED,
            Self::LinkDown | Self::TimedOut => Status::LOSS_OF_SERVICE,
            Self::Url | Self::Http(_) => Status::LOADER_ERROR,
            Self::Mismatch => Status::ATTRIBUTE_MISMATCH,
            Self::Aborted => Status::DEVICE_ABORTED,
        }
    }

    /// The failure behind a status whose report is still to be sent; `None` for success. What a status does not tell
    /// apart is lost: 903 is a broken link, 953 refused content, 954 an HTTP status of 0.
    pub const fn of_status(status: Status) -> Option<Self> {
        Some(match status {
            Status::SUCCESS => return None,
            Status::INSUFFICIENT_MEMORY => Self::NoRoom,
            Status::USER_CANCELLED => Self::UserCancelled,
            Status::LOSS_OF_SERVICE => Self::LinkDown,
            Status::ATTRIBUTE_MISMATCH => Self::Mismatch,
            Status::INVALID_DESCRIPTOR => Self::Descriptor,
            Status::INVALID_VERSION => Self::Version,
            Status::DEVICE_ABORTED => Self::Aborted,
            Status::NON_ACCEPTABLE_CONTENT => Self::Refused,
            _ => Self::Http(0),
        })
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Descriptor => "descriptor malformed or incomplete",
            Self::Version => "descriptor of another version",
            Self::NoRoom => "no room for the object",
            Self::Type => "no type that the device takes",
            Self::UserCancelled => "the user said no",
            Self::LinkDown => "link broken",
            Self::TimedOut => "no answer in time",
            Self::Url => "not a URL to follow",
            Self::Http(status) => return write!(f, "answered with HTTP status {status}"),
            Self::Mismatch => "object differs from its descriptor",
            Self::Refused => "content refused",
            Self::Aborted => "stopped by the device",
        })
    }
}

impl core::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_code_phrase_and_line_end() {
        assert_eq!(Status::SUCCESS.report(&mut [0; 32]), Ok(&b"900 Success\r\n"[..]));
        assert_eq!(Status(904).report(&mut [0; 32]), Ok(&b"904 Unknown\r\n"[..]));
        assert!(Status::INVALID_DESCRIPTOR.report(&mut [0; 8]).is_err());
    }
}
