//! What was programmed by IS-683, when, and by which session: the last eight commits, for quality assurance.
//!
//! A record is written by the commit that it is about, so it tells of nothing that did not happen. There is no wall clock here:
//! commits have numbers, from 1 on, in the order they were made over the device's life.

use core::fmt;
use core::ops::RangeInclusive;

use kedge_platform::flash::NorFlash;
use minicbor::{Decode, Encode};

use super::records::cbor_record;
use super::{BLOCKS, Record, SYSTEM_TAG, Store, StoreError};
use crate::trigger::Kind;

/// Keys of the history; the newest commit takes the place of the oldest.
pub const HISTORY: RangeInclusive<u8> = 168..=175;

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
}

cbor_record!(Past<'b>, *HISTORY.start());

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
    let mut buf = [0; 96];
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
        let session = match self.kind.map(Kind::from_number) {
            None => "legacy bearer",
            Some(Some(Kind::Activation)) => "activation",
            Some(Some(Kind::Push)) => "push",
            Some(Some(Kind::Invited)) => "push that the user waited for",
            Some(_) => "other session",
        };
        let by = if self.silent { "network" } else { "user" };
        write!(f, "{}: {session}, begun by the {by}:", self.number)?;
        for key in self.keys {
            let place = key.wrapping_sub(BLOCKS);
            match place {
                _ if *key == SYSTEM_TAG => f.write_str(" home system tag")?,
                0..=3 => write!(f, " NAM block {place}")?,
                4..=16 => write!(f, " 3GPD block {}", place.wrapping_sub(4))?,
                17 => f.write_str(" MMD")?,
                18 => f.write_str(" MMS")?,
                _ => write!(f, " PUZL block {}", place.wrapping_sub(19))?,
            }
        }
        if let Some(id) = self.prl {
            write!(f, " PRL {id}")?;
        }
        if self.spc { f.write_str(" SPC") } else { Ok(()) }
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
        };
        assert_eq!(Past::from_octets(past.to_octets(&mut buf).unwrap()), Some(past));
        assert_eq!(
            past.to_string(),
            "12: activation, begun by the user: NAM block 0 NAM block 1 3GPD block 0 PUZL block 0 home system tag \
             PRL 4711 SPC"
        );
        let silent = Past { kind: None, silent: true, keys: &[], spc: false, ..past };
        assert_eq!(silent.to_string(), "12: legacy bearer, begun by the network: PRL 4711");
    }

    #[test]
    fn eight_places_are_used_in_turn() {
        assert_eq!(
            (1..=9).map(history_key).collect::<std::vec::Vec<_>>(),
            [169, 170, 171, 172, 173, 174, 175, 168, 169]
        );
    }
}
