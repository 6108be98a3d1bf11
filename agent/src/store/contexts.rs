//! Whose settings are where: the configuration contexts (`oma-cp.md` section 5).
//!
//! A document may change the settings of its own source only; objects that another source has set stay as they are, and a
//! document that names one of them is refused as a whole.

use minicbor::{Decode, Encode};

use super::records::cbor_record;
use super::{Key, Record, SETTINGS};
use crate::dispatch::Origin;

/// Who vouches for settings: each has a context of its own.
///
/// The fact sheet tells sources apart by network key or PIN. A PIN is made for one document, so it cannot tell two documents of
/// one sender from those of two; what a PIN proves is that the user wants the document, and so all of these are the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Source {
    /// The network: it knows the key of the card (NETWPIN, USERNETWPIN).
    Network = 0,
    /// The user: by a PIN, or by opening a file.
    User = 1,
    /// A server that has proved who it is.
    Server = 2,
}

impl Source {
    /// Who vouches for content that did not come by push.
    pub const fn of(origin: Origin) -> Self {
        match origin {
            Origin::Push | Origin::File => Self::User,
            Origin::Http { .. } | Origin::Tunnel { .. } => Self::Server,
        }
    }

    /// The source with this number in a record.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Network, Self::User, Self::Server].into_iter().find(|source| *source as u8 == number)
    }
}

/// The records of each context, one bit for each of [`SETTINGS`], the first the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Contexts {
    /// [`Source::Network`].
    #[n(0)]
    pub network: u32,
    /// [`Source::User`].
    #[n(1)]
    pub user: u32,
    /// [`Source::Server`].
    #[n(2)]
    pub server: u32,
}

impl Contexts {
    /// The record's largest size, in octets.
    pub const MAX: usize = 24;

    /// Whose record this is; `None`: an object that was stored before there were contexts, which every source may take over.
    pub fn owner(&self, key: u8) -> Option<Source> {
        let bit = bit(key);
        let all = [(self.network, Source::Network), (self.user, Source::User), (self.server, Source::Server)];
        all.into_iter().find(|(slots, _)| slots & bit != 0).map(|(_, source)| source)
    }

    /// Whether a source may see and change the record.
    pub fn is_open_to(&self, source: Source, key: u8) -> bool {
        self.owner(key).is_none_or(|owner| owner == source)
    }

    /// Whether a source has a context already.
    pub const fn has(&self, source: Source) -> bool {
        let slots = match source {
            Source::Network => self.network,
            Source::User => self.user,
            Source::Server => self.server,
        };
        slots != 0
    }

    /// Gives a record to a source.
    pub fn give(&mut self, source: Source, key: u8) {
        let slots = match source {
            Source::Network => &mut self.network,
            Source::User => &mut self.user,
            Source::Server => &mut self.server,
        };
        *slots |= bit(key);
    }
}

/// The bit of a record.
fn bit(key: u8) -> u32 {
    let place = u32::from(key.saturating_sub(*SETTINGS.start()));
    1_u32.checked_shl(place).unwrap_or(0)
}

cbor_record!(Contexts, Key::Contexts as u8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_belongs_to_one_source() {
        let (first, last) = (*SETTINGS.start(), *SETTINGS.end());
        let mut contexts = Contexts::default();
        assert!(contexts.is_open_to(Source::User, first) && !contexts.has(Source::User));
        contexts.give(Source::User, first);
        contexts.give(Source::Server, last);
        assert_eq!((contexts.owner(first), contexts.owner(last)), (Some(Source::User), Some(Source::Server)));
        assert!(contexts.is_open_to(Source::User, first) && !contexts.is_open_to(Source::Network, first));
        assert!(contexts.is_open_to(Source::Network, first + 1));
        let mut buf = [0; Contexts::MAX];
        let all = Contexts { network: u32::MAX, user: u32::MAX, server: u32::MAX };
        assert_eq!(Contexts::from_octets(all.to_octets(&mut buf).unwrap()), Some(all));
        for source in [Source::Network, Source::User, Source::Server] {
            assert_eq!(Source::from_number(source as u8), Some(source));
        }
        assert_eq!(Source::from_number(3), None);
    }
}
