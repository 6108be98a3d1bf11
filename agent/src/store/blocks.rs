//! Where what IS-683 programs is kept: the parameter blocks, those of the number assignment twice, and what belongs to it.

use core::fmt;

use kedge_platform::flash::NorFlash;
use kedge_protocol::is683::Family;
use kedge_protocol::is683::engine::Shelf;
use minicbor::{Decode, Encode};

use super::records::cbor_record;
use super::{Key, Record, Store, StoreError};

/// First key of the parameter blocks.
pub const BLOCKS: u8 = 16;

/// Key of the home system tag, which has no place among the other blocks.
pub const SYSTEM_TAG: u8 = 161;

/// Keys of the A-keys: one for each number assignment.
const A_KEYS: u8 = 162;
/// Keys of the IMSIs for eHRPD: one for each number assignment.
const EHRPD: u8 = 164;
/// First key of the second number assignment's blocks.
const SECOND_NAM: u8 = 176;
/// First key of the MMSS blocks.
const MMSS: u8 = 180;

/// Which of the phone's two number assignments. Each has its NAM blocks, its A-key and its protection; roaming list, packet data
/// and the programming lock are the phone's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Nam {
    /// The one that a phone begins with.
    #[default]
    First = 0,
    /// The other.
    Second = 1,
}

impl Nam {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];

    const fn bit(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// Key of its A-key.
    pub(crate) const fn a_key(self) -> u8 {
        A_KEYS.saturating_add(self as u8)
    }

    /// Whether anything was programmed for it.
    pub(crate) fn is_programmed(self, store: &Store) -> bool {
        let mut keys = (0..=4).filter_map(|id| block_key(self, Family::Nam, id));
        keys.any(|key| store.len(key).is_some())
    }
}

/// Which number assignment is used, and who may change it. No record: the first, and nothing is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Nams {
    /// The second one is used.
    #[n(0)]
    pub second: bool,
    /// NAM_LOCK of each: bit 0 of the first, bit 1 of the second.
    #[n(1)]
    pub locked: u8,
    /// The user does not let the network begin parameter administration (OTAPA).
    #[n(2)]
    pub otapa_off: bool,
}

cbor_record!(Nams, Key::Nams as u8);

impl Nams {
    /// What the store says.
    pub fn load<F: NorFlash>(store: &Store, flash: &mut F) -> Result<Self, StoreError<F::Error>> {
        Ok(store.get::<Self, F>(flash, &mut [0; 16])?.unwrap_or_default())
    }

    /// The one that is used.
    pub const fn active(self) -> Nam {
        if self.second { Nam::Second } else { Nam::First }
    }

    /// The same with another one in use.
    #[must_use]
    pub const fn with_active(self, nam: Nam) -> Self {
        Self { second: matches!(nam, Nam::Second), ..self }
    }

    /// Whether SPASM protects the active one.
    pub const fn is_locked(self) -> bool {
        self.locked & self.active().bit() != 0
    }

    /// The same with another NAM_LOCK of the active one.
    #[must_use]
    pub const fn with_lock(self, lock: bool) -> Self {
        let bit = self.active().bit();
        Self { locked: if lock { self.locked | bit } else { self.locked & !bit }, ..self }
    }
}

/// The key of a parameter block; `None` if blocks of that kind are not kept. Only NAM blocks differ by `nam`.
pub(crate) fn block_key(nam: Nam, shelf: impl Into<Shelf>, id: u8) -> Option<u8> {
    let (base, place) = match (shelf.into(), id) {
        (Shelf::Family(Family::Nam), 0..=3) if nam == Nam::Second => (SECOND_NAM, id),
        (Shelf::Family(Family::Nam), 0..=3) => (BLOCKS, id),
        (Shelf::Family(Family::Nam), 4) => (EHRPD, nam as u8),
        (Shelf::Family(Family::PacketData), 0..=12) => (BLOCKS, id.checked_add(4)?),
        (Shelf::Family(Family::Mmd), 0) => (BLOCKS, 17),
        (Shelf::Family(Family::Mms), 0) => (BLOCKS, 18),
        (Shelf::Family(Family::Mmss), 0..=3) => (MMSS, id),
        (Shelf::Puzl, 0..=4) => (BLOCKS, id.checked_add(19)?),
        (Shelf::SystemTag, 0) => (SYSTEM_TAG, 0),
        _ => return None,
    };
    base.checked_add(place)
}

/// PARAM_DATA of a committed parameter block, by its download number, at the front of `out`: of the number assignment that is
/// used, where there are two.
pub fn block<'o, F: NorFlash>(
    store: &Store,
    flash: &mut F,
    (shelf, id): (Shelf, u8),
    out: &'o mut [u8],
) -> Option<&'o [u8]> {
    let active = Nams::load(store, flash).ok()?.active();
    store.bytes(flash, block_key(active, shelf, id)?, out).ok()?
}

/// The committed blocks of the number assignment that is used, each as `BLOCK_ID BLOCK_LEN PARAM_DATA`, at the front of `out`.
pub fn nam<'o, F: NorFlash>(store: &Store, flash: &mut F, out: &'o mut [u8]) -> Option<&'o [u8]> {
    let active = Nams::load(store, flash).ok()?.active();
    nam_blocks(store, flash, active, out)
}

/// The committed blocks of either number assignment, in the same form.
pub fn nam_blocks<'o, F: NorFlash>(
    store: &Store,
    flash: &mut F,
    nam: Nam,
    out: &'o mut [u8],
) -> Option<&'o [u8]> {
    let mut used = 0_usize;
    for id in 0..=4_u8 {
        let key = block_key(nam, Family::Nam, id)?;
        let Some(len) = store.len(key) else { continue };
        let (head, data) = out.get_mut(used..)?.split_at_mut_checked(2)?;
        store.bytes(flash, key, data).ok()??;
        head.first_chunk_mut::<2>().map(|head| *head = [id, u8::try_from(len).unwrap_or(u8::MAX)])?;
        used = used.checked_add(2)?.checked_add(len)?;
    }
    out.get(..used)
}

/// The committed A-key of a number assignment: for the modem, which authenticates with it.
pub fn a_key<F: NorFlash>(store: &Store, flash: &mut F, nam: Nam) -> Option<[u8; 8]> {
    let mut key = [0; 8];
    store.bytes(flash, nam.a_key(), &mut key).ok()??.try_into().ok()
}

/// What people call the block with this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockName(pub(super) u8);

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.0;
        match key {
            BLOCKS..=19 => write!(f, "NAM block {}", key.wrapping_sub(BLOCKS)),
            20..=32 => write!(f, "3GPD block {}", key.wrapping_sub(20)),
            33 => f.write_str("MMD"),
            34 => f.write_str("MMS"),
            35..=39 => write!(f, "PUZL block {}", key.wrapping_sub(35)),
            SYSTEM_TAG => f.write_str("home system tag"),
            EHRPD => f.write_str("NAM block 4"),
            165 => f.write_str("second NAM block 4"),
            SECOND_NAM..=179 => write!(f, "second NAM block {}", key.wrapping_sub(SECOND_NAM)),
            MMSS..=183 => write!(f, "MMSS block {}", key.wrapping_sub(MMSS)),
            _ => write!(f, "record {key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::string::ToString;

    #[test]
    fn every_block_has_a_key_and_a_name_of_its_own() {
        let families = [Family::Nam, Family::PacketData, Family::Mmd, Family::Mms, Family::Mmss];
        let shelves = families.map(Shelf::Family).into_iter().chain([Shelf::Puzl, Shelf::SystemTag]);
        let (mut keys, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (shelf, id) in shelves.flat_map(|shelf| (0..=u8::MAX).map(move |id| (shelf, id))) {
            let of = Nam::ALL.map(|nam| block_key(nam, shelf, id));
            assert_eq!(
                of[0] == of[1],
                of[0].is_none() || shelf != Shelf::Family(Family::Nam),
                "{shelf:?} {id}"
            );
            for key in of.into_iter().flatten() {
                keys.insert(key);
                names.insert(BlockName(key).to_string());
            }
        }
        // Five NAM blocks twice, 13 of 3GPD, MMD, MMS, 4 of MMSS, 5 of PUZL, the tag.
        assert_eq!((keys.len(), names.len()), (35, 35));
        assert!(!names.iter().any(|name| name.starts_with("record")), "{names:?}");
        let others = Nam::ALL.map(Nam::a_key).into_iter().chain([Key::Nams as u8, Key::Dialled as u8]);
        assert!(others.chain(super::super::HISTORY).all(|key| !keys.contains(&key)));
    }

    #[test]
    fn each_number_assignment_has_its_own_protection() {
        let nams = Nams::default().with_lock(true).with_active(Nam::Second);
        assert!(!nams.is_locked() && nams.with_active(Nam::First).is_locked());
        assert_eq!(nams.with_lock(true).with_active(Nam::First).with_lock(false).locked, 2);
        let mut buf = [0; 16];
        assert_eq!(Nams::from_octets(nams.to_octets(&mut buf).unwrap()), Some(nams));
    }
}
