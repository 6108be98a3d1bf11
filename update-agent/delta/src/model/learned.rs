//! What was seen to change: the exceptions to the map, by their old value.
use crate::{hash, slot};

/// A small table from an old value to the new one that it became. A value has one place; what comes later takes it.
#[derive(Debug)]
pub(super) struct Learned<'m> {
    /// Old and new; an old value of 0 is none.
    pub(super) entries: &'m mut [[u32; 2]],
    /// How often each was right in a row, up to [`SURE_MAX`].
    pub(super) sure: &'m mut [u8],
}

/// How sure an entry gets: so many times it may be wrong before it is replaced.
const SURE_MAX: u8 = 3;
/// How far an address may be from a learned one to be moved like it.
const NEIGHBOURS: u32 = 4096;

impl Learned<'_> {
    fn place(&self, old: u32) -> usize {
        slot(hash(old, 3), self.entries.len())
    }

    /// What `old` became, and how sure that is.
    pub(super) fn get(&self, old: u32) -> Option<(u32, u8)> {
        let place = self.place(old);
        let [at, new] = self.entries.get(place)?;
        (*at == old && old != 0).then_some((*new, self.sure.get(place).copied().unwrap_or(0)))
    }

    /// How far the nearest of the neighbours moved.
    pub(super) fn near(&self, old: u32) -> Option<u32> {
        let distance = |[at, _]: &&[u32; 2]| at.abs_diff(old);
        let nearest = self.entries.iter().filter(|[at, _]| *at != 0).min_by_key(distance);
        nearest.filter(|entry| distance(entry) < NEIGHBOURS).map(|[at, new]| new.wrapping_sub(*at))
    }

    /// Notes that `old` became `new`; what is not in the table yet only if it is `worth` a place.
    pub(super) fn note(&mut self, old: u32, new: u32, worth: bool) {
        let place = self.place(old);
        let (Some(entry), Some(sure)) = (self.entries.get_mut(place), self.sure.get_mut(place)) else {
            return;
        };
        let [at, known] = *entry;
        if at == old && old != 0 {
            if known == new {
                *sure = sure.saturating_add(1).min(SURE_MAX);
            } else if *sure > 0 {
                *sure = sure.saturating_sub(1);
            } else {
                *entry = [old, new];
            }
        } else if worth {
            (*entry, *sure) = ([old, new], 0);
        }
    }
}
