//! The records and their form: CBOR maps with numbered fields. A reader skips fields it does not know; a writer never
//! changes the meaning of a number, so an older agent can read what a newer one wrote within one schema version.

use kedge_platform::identity::HardwareId;
use kedge_protocol::dlota::session::Memo;
use minicbor::{Decode, Encode};

use super::{Key, OUTBOX};

/// A value with a place in the store and a form in octets.
pub trait Record<'b>: Sized {
    /// Where it is kept (the first place, where there are several).
    const KEY: u8;
    /// Writes it to the front of `buf`; `None` if it does not fit.
    fn to_octets<'o>(&self, buf: &'o mut [u8]) -> Option<&'o [u8]>;
    /// Reads it; `None` if the octets mean nothing.
    fn from_octets(bytes: &'b [u8]) -> Option<Self>;
}

macro_rules! cbor_record {
    ($name:ident $(<$lt:lifetime>)?, $key:expr) => {
        impl<'b> Record<'b> for $name $(<$lt>)? $(where 'b: $lt, $lt: 'b)? {
            const KEY: u8 = $key;

            fn to_octets<'o>(&self, buf: &'o mut [u8]) -> Option<&'o [u8]> {
                let room = buf.len();
                let mut rest = &mut *buf;
                minicbor::encode(self, &mut rest).ok()?;
                let used = room.checked_sub(rest.len())?;
                buf.get(..used)
            }

            fn from_octets(bytes: &'b [u8]) -> Option<Self> {
                minicbor::decode(bytes).ok()
            }
        }
    };
}

pub(super) use cbor_record;

/// What the store itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Meta {
    /// Version of the records.
    #[n(0)]
    pub schema: u16,
    /// The hardware identity the records belong to.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub binding: [u8; 8],
}

impl Meta {
    /// The form of a hardware identity that records are bound to: one octet for the kind, then the number.
    pub fn binding_of(id: HardwareId) -> [u8; 8] {
        match id {
            HardwareId::Esn(esn) => (1 << 56 | u64::from(esn)).to_be_bytes(),
            HardwareId::Meid(meid) => {
                let number = meid.iter().fold(0, |number, octet| number << 8 | u64::from(*octet));
                (2 << 56 | number).to_be_bytes()
            }
        }
    }
}

/// How far activation came. No record: not activated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Activation {
    /// NAM (and PRL) of an activation session are committed.
    #[n(0)]
    pub committed: bool,
    /// The network has ended that session properly: it knows the result.
    #[n(1)]
    pub confirmed: bool,
    /// The radio has registered with what is committed.
    #[n(2)]
    pub registered: bool,
    /// The network began the last change by itself: the user is not told of it.
    #[n(3)]
    pub silent: Option<bool>,
}

/// The session that is running, so that it can be started again after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Resume<'a> {
    /// The reason that the session states (`X-IOTA-Reason`), as in [`crate::trigger::Kind`].
    #[n(0)]
    pub kind: u8,
    /// The URL it starts at.
    #[cbor(b(1))]
    pub url: &'a str,
    /// How often it was started without coming to its end.
    #[n(2)]
    pub tries: u8,
}

/// What the user said about the update that waits in flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Consent {
    /// How often "later".
    #[n(0)]
    pub deferrals: u16,
}

/// What the stored preferred roaming list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Prl {
    /// PR_LIST_ID.
    #[n(0)]
    pub id: u16,
    /// Octets.
    #[n(1)]
    pub size: u16,
    /// Number of acquisition records.
    #[n(2)]
    pub acquisition: u16,
    /// Number of system records.
    #[n(3)]
    pub system: u16,
    /// Number of common subnet records; `None` in a classic list.
    #[n(4)]
    pub subnet: Option<u16>,
}

/// The package that is being downloaded, or was last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Fetch<'a> {
    /// Where from.
    #[cbor(b(0))]
    pub url: &'a str,
    /// Its entity tag; empty: the server gave none that can be relied on.
    #[cbor(b(1))]
    pub etag: &'a str,
    /// Where the package itself is, if a descriptor named it.
    #[cbor(b(2))]
    pub object: Option<&'a str>,
    /// Where to report what became of the download.
    #[cbor(b(3))]
    pub notify: Option<&'a str>,
    /// The media types that the package may have, with one space between two.
    #[cbor(b(4))]
    pub types: Option<&'a str>,
    /// Its size by the descriptor.
    #[n(5)]
    pub size: Option<u32>,
    /// When it was changed last, where the entity tag is empty.
    #[cbor(b(6))]
    pub modified: Option<&'a str>,
    /// The status that is still to be reported (OMA Download).
    #[n(7)]
    pub status: Option<u16>,
}

impl<'a> Fetch<'a> {
    /// The record of a download.
    pub fn of(memo: &Memo<'a>) -> Self {
        let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        Self {
            url: memo.url,
            etag: memo.etag,
            object: some(memo.object),
            notify: some(memo.notify),
            types: some(memo.types),
            size: memo.size,
            modified: some(memo.modified),
            status: Some(memo.status).filter(|status| *status != 0),
        }
    }

    /// What the download goes on with.
    pub fn memo(&self) -> Memo<'a> {
        Memo {
            url: self.url,
            object: self.object.unwrap_or_default(),
            notify: self.notify.unwrap_or_default(),
            types: self.types.unwrap_or_default(),
            size: self.size,
            etag: self.etag,
            modified: self.modified.unwrap_or_default(),
            status: self.status.unwrap_or_default(),
        }
    }
}

/// A result that the network has not confirmed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Report<'a> {
    /// Where to report.
    #[cbor(b(0))]
    pub url: &'a str,
    /// The state to report, `fota/state` (OMA-TS-DM_FUMO: 20, 70..100).
    #[n(1)]
    pub state: u8,
    /// The package it is about.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub package: [u8; 16],
    /// How often reporting was tried.
    #[n(3)]
    pub tries: u8,
}

/// A provisioning document that waits: for its PIN, or for the user's consent. It outlives restarts, and so do the tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Pending {
    /// The document is XML, else WBXML.
    #[n(0)]
    pub xml: bool,
    /// Its sender is proved, or needs no proof.
    #[n(1)]
    pub proven: bool,
    /// The security method (parameter SEC).
    #[n(2)]
    pub method: u8,
    /// The MAC, with the methods that have one.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub mac: Option<[u8; 20]>,
    /// How many PINs were tried.
    #[n(4)]
    pub tries: u8,
    /// Who vouches for it, as in [`super::Source`], where the security method does not tell.
    #[n(5)]
    pub source: Option<u8>,
    /// It is a bootstrap by the DM profile, and the method one of [`kedge_protocol::dm::bootstrap`].
    #[n(6)]
    pub bootstrap: Option<bool>,
}

/// A feature that is being activated, from the user's "yes" on. It outlives restarts: the activation goes on where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Enrolment<'a> {
    /// The feature's number.
    #[n(0)]
    pub feature: u8,
    /// The page to go on with; empty: the settings are committed, and the new NAI is to be used.
    #[cbor(b(1))]
    pub url: &'a str,
    /// How often it was tried without coming further.
    #[n(2)]
    pub tries: u8,
}

cbor_record!(Meta, Key::Meta as u8);
cbor_record!(Activation, Key::Activation as u8);
cbor_record!(Resume<'b>, Key::Resume as u8);
cbor_record!(Consent, Key::Consent as u8);
cbor_record!(Prl, Key::PrlInfo as u8);
cbor_record!(Fetch<'b>, Key::Fetch as u8);
cbor_record!(Report<'b>, *OUTBOX.start());
cbor_record!(Pending, Key::Pending as u8);
cbor_record!(Enrolment<'b>, Key::Enrolment as u8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_skip_what_they_do_not_know() {
        let mut buf = [0; 128];
        let resume = Resume { kind: 3, url: "http://boot.example/", tries: 2 };
        assert_eq!(Resume::from_octets(resume.to_octets(&mut buf).unwrap()), Some(resume));
        let report = Report { url: "https://s.example/1", state: 90, package: [7; 16], tries: 0 };
        assert_eq!(Report::from_octets(report.to_octets(&mut buf).unwrap()), Some(report));
        // {0: true, 1: false, 2: true, 9: "later"}
        let newer = [0xA4, 0, 0xF5, 1, 0xF4, 2, 0xF5, 9, 0x65, b'l', b'a', b't', b'e', b'r'];
        let expected = Activation { committed: true, confirmed: false, registered: true, silent: None };
        assert_eq!(Activation::from_octets(&newer), Some(expected));
        assert_eq!(Prl::from_octets(&[0xA1, 0, 9]), None);
        // A download that an older agent began: {0: "u", 1: "e"}
        let memo = Fetch::from_octets(&[0xA2, 0, 0x61, b'u', 1, 0x61, b'e']).unwrap().memo();
        assert_eq!(memo, Memo { url: "u", etag: "e", ..Memo::default() });
        let memo = Memo {
            object: "o",
            notify: "n",
            types: "a/b",
            size: Some(7),
            modified: "m",
            status: 900,
            ..memo
        };
        assert_eq!(Fetch::from_octets(Fetch::of(&memo).to_octets(&mut buf).unwrap()).unwrap().memo(), memo);
        assert_eq!(resume.to_octets(&mut [0; 8]), None);
    }
}
