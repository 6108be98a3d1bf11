//! What was programmed by IS-683, when, and by which session: the last eight commits, for quality assurance.
//!
//! A record is written by the commit that it is about, so it tells of nothing that did not happen. There is no wall clock here:
//! commits have numbers, from 1 on, in the order they were made over the device's life.

use core::fmt;
use core::ops::RangeInclusive;

use kedge_platform::flash::NorFlash;
use kedge_protocol::iota::EndReason;
use minicbor::{Decode, Encode};

use super::blocks::BlockName;
use super::records::cbor_record;
use super::{Key, Record, Store, StoreError};
use crate::trigger::Kind;

/// Keys of the history; the newest commit takes the place of the oldest.
pub const HISTORY: RangeInclusive<u8> = 168..=175;

/// Octets of the longest record: every block there is, and what CBOR adds.
pub const PAST: usize = 96;

/// One commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Past<'a> {
    /// Its number, from 1.
    #[n(0)]
    pub number: u32,
    /// Why the session was held, as in [`Kind`]; `None`: it came over the legacy bearer.
    #[n(1)]
    pub kind: Option<u8>,
    /// The network began it, and the user was not told.
    #[n(2)]
    pub silent: bool,
    /// The keys of the parameter blocks that were set.
    #[cbor(b(3), with = "minicbor::bytes")]
    pub keys: &'a [u8],
    /// The identity of the roaming list, if one was set.
    #[n(4)]
    pub prl: Option<u16>,
    /// The service programming code was set.
    #[n(5)]
    pub spc: bool,
    /// NAM_LOCK of the number assignment that was used, if it was set.
    #[n(6)]
    pub nam_lock: Option<bool>,
    /// The A-key was set; `None` in records of older software.
    #[n(7)]
    pub a_key: Option<bool>,
}

cbor_record!(Past<'b>, *HISTORY.start());

/// The last IOTA session, as real modems show it to quality assurance (`spec/iota.md` B10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LastSession<'a> {
    /// Why it was held, as in [`Kind`].
    #[n(0)]
    pub kind: u8,
    /// The URL it started at.
    #[cbor(b(1))]
    pub url: &'a str,
    /// Number of the last document.
    #[n(2)]
    pub last_doc: u16,
    /// Why it ended, as in [`kedge_protocol::iota::EndReason`].
    #[n(3)]
    pub reason: u8,
    /// HTTP status or MMC result code of that.
    #[n(4)]
    pub error: u16,
    /// Something was committed by IS-683.
    #[n(5)]
    pub is683_committed: bool,
    /// Objects were committed.
    #[n(6)]
    pub mmc_committed: bool,
    /// When it began, in seconds since the device was switched on: there is no wall clock here. `None` in records of older
    /// software.
    #[n(7)]
    pub began: Option<u32>,
}

cbor_record!(LastSession<'b>, Key::LastSession as u8);

/// One line; of the URL only its host.
impl fmt::Display for LastSession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.split('/').nth(2).unwrap_or_default();
        let (doc, reason) = (self.last_doc, EndReason(self.reason));
        write!(f, "{} with {host}, document {doc}: {reason}, code {}", kind_name(self.kind), self.error)?;
        if self.is683_committed {
            f.write_str(", IS-683 committed")?;
        }
        if self.mmc_committed {
            f.write_str(", objects committed")?;
        }
        self.began.map_or(Ok(()), |began| write!(f, ", begun {began} s after the start"))
    }
}

const fn kind_name(kind: u8) -> &'static str {
    match Kind::from_number(kind) {
        Some(Kind::Activation) => "activation",
        Some(Kind::Push) => "push",
        Some(Kind::Document) => "pushed document",
        Some(Kind::Invited) => "push that the user waited for",
        Some(Kind::UpdateCheck) => "update check",
        Some(Kind::Status) => "report",
        None => "other session",
    }
}

/// The place of a commit in the history.
pub(crate) const fn history_key(number: u32) -> u8 {
    // Eight places.
    HISTORY.start().saturating_add((number & 7) as u8)
}

/// Gives the commits that are still known to `tell`, oldest first. Their `Display` is the text for people.
pub fn history<F: NorFlash>(
    store: &Store,
    flash: &mut F,
    mut tell: impl FnMut(&Past<'_>),
) -> Result<(), StoreError<F::Error>> {
    let mut buf = [0; PAST];
    let mut newest = 0;
    for key in HISTORY {
        newest =
            store.get_at::<Past<'_>, F>(flash, key, &mut buf)?.map_or(newest, |past| newest.max(past.number));
    }
    for number in newest.saturating_sub(7).max(1)..=newest {
        if let Some(past) = store.get_at::<Past<'_>, F>(flash, history_key(number), &mut buf)? {
            tell(&past);
        }
    }
    Ok(())
}

/// One line: number, session, what was set.
impl fmt::Display for Past<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = self.kind.map_or("legacy bearer", kind_name);
        let by = if self.silent { "network" } else { "user" };
        write!(f, "{}: {session}, begun by the {by}:", self.number)?;
        for key in self.keys {
            write!(f, " {}", BlockName(*key))?;
        }
        if let Some(id) = self.prl {
            write!(f, " PRL {id}")?;
        }
        if self.spc {
            f.write_str(" SPC")?;
        }
        if let Some(lock) = self.nam_lock {
            f.write_str(if lock { " NAM lock on" } else { " NAM lock off" })?;
        }
        if self.a_key == Some(true) { f.write_str(" A-key") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_commit_is_told_in_one_line() {
        let mut buf = [0; 96];
        let past = Past {
            number: 12,
            kind: Some(Kind::Activation as u8),
            silent: false,
            keys: &[16, 17, 20, 35, 161],
            prl: Some(4711),
            spc: true,
            nam_lock: None,
            a_key: None,
        };
        assert_eq!(Past::from_octets(past.to_octets(&mut buf).unwrap()), Some(past));
        assert_eq!(
            past.to_string(),
            "12: activation, begun by the user: NAM block 0 NAM block 1 3GPD block 0 PUZL block 0 home system tag \
             PRL 4711 SPC"
        );
        let silent = Past { kind: None, silent: true, keys: &[], spc: false, ..past };
        assert_eq!(silent.to_string(), "12: legacy bearer, begun by the network: PRL 4711");
        let keys = Past { keys: &[178], prl: None, nam_lock: Some(true), a_key: Some(true), ..silent };
        assert_eq!(
            keys.to_string(),
            "12: legacy bearer, begun by the network: second NAM block 2 NAM lock on A-key"
        );
    }

    #[test]
    fn a_session_is_told_in_one_line() {
        let session = LastSession {
            kind: Kind::Push as u8,
            url: "http://boot.example/otapa/1",
            last_doc: 9,
            reason: 10,
            error: 8,
            is683_committed: true,
            mmc_committed: false,
            began: Some(75),
        };
        let mut buf = [0; 96];
        assert_eq!(LastSession::from_octets(session.to_octets(&mut buf).unwrap()), Some(session));
        let older = LastSession { began: None, ..session };
        assert_eq!(LastSession::from_octets(older.to_octets(&mut buf).unwrap()), Some(older));
        let text = session.to_string();
        assert!(
            text.starts_with("push with boot.example, document 9: ")
                && text.ends_with(", code 8, IS-683 committed, begun 75 s after the start"),
            "{text}"
        );
    }

    #[test]
    fn eight_places_are_used_in_turn() {
        assert_eq!(
            (1..=9).map(history_key).collect::<std::vec::Vec<_>>(),
            [169, 170, 171, 172, 173, 174, 175, 168, 169]
        );
    }
}
