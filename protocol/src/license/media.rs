//! The media types of the protocol: `application/vnd.<vendor>.<kind>+cbor`. The vendor is the product owner's choice.

use crate::mime::MediaType;
use crate::wire::Text;

/// Longest name: the vendor may have 32 octets.
const NAME_MAX: usize = 80;
const BEFORE: &str = "application/vnd.";

/// What a body or a signed thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A document.
    Provisioning,
    /// A request token.
    Request,
    /// A report of what became of a document. Ours: the specification signs it but does not name its type.
    Report,
    /// A document for one receiver's eyes.
    Sealed,
    /// The user has to do something elsewhere.
    UserAction,
}

impl Kind {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Provisioning => ".provisioning+cbor",
            Self::Request => ".provreq+cbor",
            Self::Report => ".provack+cbor",
            Self::Sealed => ".sealed+cbor",
            Self::UserAction => ".user-action+cbor",
        }
    }

    /// Whether `text` is exactly the name of this kind, as in the signed header.
    pub fn is_named(self, vendor: &str, text: &str) -> bool {
        let middle = text.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(self.suffix()));
        middle == Some(vendor)
    }

    /// Whether a Content-Type is of this kind: parameters and case do not matter.
    pub fn is_type(self, vendor: &str, media_type: &MediaType<'_>) -> bool {
        self.name(vendor).is_some_and(|name| media_type.is(name.as_str()))
    }

    /// The name; `None` if the vendor's is too long.
    pub fn name(self, vendor: &str) -> Option<MediaName> {
        Text::of(&[BEFORE, vendor, self.suffix()]).map(MediaName)
    }
}

/// The name of a media type.
#[derive(Clone, Copy, Debug)]
pub struct MediaName(Text<NAME_MAX>);

impl MediaName {
    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
