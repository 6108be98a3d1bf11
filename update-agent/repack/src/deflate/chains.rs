//! The window, and where in it the same three octets stood before.
//!
//! zlib keeps the positions with the same hash in a chain, the latest first, and gives up after so many of them. To find
//! what it finds, the chain must hold the same positions: those of the same hash, not just of the same octets. The table
//! of the latest positions may be smaller than zlib's, though: its lists then mix several hashes, and the others are passed
//! over without being counted, for each position's hash can be computed from its octets.
use super::{COPY, Fault, Manner, at, put};

/// How far ahead of a position its octets have to be there: the longest copy at the next position, and three more for its
/// hash.
const AHEAD: u32 = COPY.1 + COPY.0 + 1;
/// How many earlier places are looked at to name one of them.
const RANKS: u32 = 4096;

/// The window and its chains.
#[derive(Debug)]
pub struct Chains<'m> {
    ring: &'m mut [u8],
    /// Per position of the window: how far before it the last of its list was; 0: there is none.
    before: &'m mut [u16],
    /// Per list: one more than its latest position; 0: there is none.
    latest: &'m mut [u32],
    room: Room,
    /// How much of it the stream at hand uses.
    used: Room,
    hash_bits: u32,
    /// The longest distance.
    reach: u32,
    /// Octets of the stream.
    end: u32,
    /// Octets that are or were in the window.
    filled: u32,
    /// The first position that is in no list and does not have to stay out.
    listed: u32,
}

/// How far a search goes: zlib's parameters of a level.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// From copies of this length on a quarter of the chain is enough.
    pub good: u32,
    /// A copy of this length is not waited with; at the fast levels, its octets are not listed.
    pub lazy: u32,
    /// A copy of this length is not bettered.
    pub nice: u32,
    /// How many places are looked at.
    pub chain: u32,
}

/// What memory windows and chains need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Octets of the window; a power of two.
    pub ring: u32,
    /// Its positions that can be listed; a power of two, or 0.
    pub positions: u32,
    /// Lists.
    pub lists: u32,
}

impl Room {
    /// For a stream of so many octets.
    pub fn new(manner: &Manner, plain: u32) -> Self {
        let whole = plain.max(1 << 8).checked_next_power_of_two().unwrap_or(u32::MAX);
        let kept = manner.stored.saturating_add(AHEAD).checked_next_power_of_two().unwrap_or(u32::MAX);
        let ring = manner.window().max(kept).min(whole);
        if manner.level == 0 {
            return Self { ring: ring.min(1 << 9), positions: 0, lists: 0 };
        }
        let positions = manner.window().min(whole);
        let lists = (positions >> 2).min(1u32.wrapping_shl(u32::from(manner.hash_bits))).max(1 << 6);
        Self { ring, positions, lists }
    }

    /// What serves both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            ring: self.ring.max(other.ring),
            positions: self.positions.max(other.positions),
            lists: self.lists.max(other.lists),
        }
    }

    /// Words of memory.
    pub fn words(&self) -> usize {
        let words =
            self.ring.div_ceil(4).saturating_add(self.positions.div_ceil(2)).saturating_add(self.lists);
        usize::try_from(words).unwrap_or(usize::MAX)
    }
}

impl<'m> Chains<'m> {
    /// Windows and chains in these words.
    pub fn new(room: Room, words: &'m mut [u32]) -> Result<Self, Fault> {
        let short = Fault::Memory { words: room.words() };
        let part = |octets: u32| usize::try_from(octets.div_ceil(4)).unwrap_or(usize::MAX);
        let (ring, rest) = words.split_at_mut_checked(part(room.ring)).ok_or(short)?;
        let (before, rest) =
            rest.split_at_mut_checked(part(room.positions.saturating_mul(2))).ok_or(short)?;
        let lists = usize::try_from(room.lists).unwrap_or(usize::MAX);
        Ok(Self {
            ring: bytemuck::try_cast_slice_mut(ring).unwrap_or_default(),
            before: bytemuck::try_cast_slice_mut(before).unwrap_or_default(),
            latest: rest.get_mut(..lists).ok_or(short)?,
            room,
            used: Room::default(),
            hash_bits: 8,
            reach: 0,
            end: 0,
            filled: 0,
            listed: 0,
        })
    }

    /// Begins with a stream of so many octets.
    pub fn start(&mut self, manner: &Manner, plain: u32) -> Result<(), Fault> {
        self.used = Room::new(manner, plain);
        if self.used.or(self.room) != self.room {
            return Err(Fault::Memory { words: self.used.words() });
        }
        self.latest.fill(0);
        self.hash_bits = u32::from(manner.hash_bits);
        self.reach = manner.window().saturating_sub(AHEAD);
        self.end = plain;
        self.filled = 0;
        self.listed = 0;
        Ok(())
    }

    /// How many octets of the stream stand at `at` and behind.
    pub const fn left(&self, at: u32) -> u32 {
        self.end.saturating_sub(at)
    }

    const fn mask(&self) -> u32 {
        self.used.ring.wrapping_sub(1)
    }

    /// The octet at a position of the window.
    pub fn octet(&self, position: u32) -> u8 {
        at(self.ring, usize::try_from(position & self.mask()).unwrap_or(0))
    }

    /// Gets octets until there are enough to decide what is at `position`.
    pub fn fill<E>(
        &mut self,
        position: u32,
        mut get: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let wanted = position.saturating_add(AHEAD).min(self.end);
        while self.filled < wanted {
            let start = self.filled & self.mask();
            let len = wanted.wrapping_sub(self.filled).min(self.used.ring.saturating_sub(start));
            let (from, count) = (usize::try_from(start).unwrap_or(0), usize::try_from(len).unwrap_or(0));
            let place = self.ring.get_mut(from..).and_then(|place| place.get_mut(..count));
            get(place.unwrap_or_default())?;
            self.filled = self.filled.wrapping_add(len.max(1));
        }
        Ok(())
    }

    /// zlib's hash of the three octets at a position.
    fn hash(&self, position: u32) -> u32 {
        let shift = self.hash_bits.wrapping_add(2) / 3;
        let octet = |n: u32| u32::from(self.octet(position.wrapping_add(n)));
        let hash = octet(0).wrapping_shl(shift << 1) ^ octet(1).wrapping_shl(shift) ^ octet(2);
        hash & 1u32.wrapping_shl(self.hash_bits).wrapping_sub(1)
    }

    fn place(&self, position: u32) -> usize {
        usize::try_from(position & self.used.positions.wrapping_sub(1)).unwrap_or(0)
    }

    /// Lists all positions before `position` that have three octets.
    pub fn list(&mut self, position: u32) {
        while self.listed < position {
            let at = self.listed;
            self.listed = at.wrapping_add(1);
            if self.left(at) < COPY.0 {
                continue;
            }
            let spread = u64::from(self.hash(at).wrapping_mul(0x9E37_79B1));
            let list = usize::try_from(spread.wrapping_mul(self.used.lists.into()) >> 32).unwrap_or(0);
            let place = self.place(at);
            if let Some(latest) = self.latest.get_mut(list) {
                let before = at.wrapping_add(1).wrapping_sub(*latest);
                put(self.before, place, if *latest == 0 { 0 } else { u16::try_from(before).unwrap_or(0) });
                *latest = at.wrapping_add(1);
            }
        }
    }

    /// Leaves all positions before `position` out that are not listed yet.
    pub fn pass(&mut self, position: u32) {
        self.listed = self.listed.max(position);
    }

    /// The next earlier position of the same list.
    fn earlier(&self, position: u32) -> Option<u32> {
        match at(self.before, self.place(position)) {
            0 => None,
            before => position.checked_sub(u32::from(before)),
        }
    }

    /// The earlier positions with the hash of `position`, which is listed, the latest first, as far as zlib sees them.
    fn candidates(&self, position: u32) -> impl Iterator<Item = u32> {
        let wanted = self.hash(position);
        let listed = self.left(position) >= COPY.0;
        let mut next = if listed { self.earlier(position) } else { None };
        let mut reach = self.reach;
        core::iter::from_fn(move || {
            loop {
                // position 0 cannot be told from none
                let candidate = next.filter(|candidate| *candidate > 0)?;
                if position.wrapping_sub(candidate) > reach {
                    return None;
                }
                next = self.earlier(candidate);
                if self.hash(candidate) == wanted {
                    // all but the first have to be nearer
                    reach = self.reach.wrapping_sub(1);
                    return Some(candidate);
                }
            }
        })
    }

    /// How many octets are the same at both, at most as many as a copy can have.
    fn common(&self, one: u32, other: u32) -> u32 {
        let most = self.left(other).min(COPY.1);
        let mut len = 0u32;
        while len < most && self.octet(one.wrapping_add(len)) == self.octet(other.wrapping_add(len)) {
            len = len.wrapping_add(1);
        }
        len
    }

    /// The copy that zlib finds at `position`, which is listed, when it has one of `best` octets before; its length and
    /// distance.
    pub fn search(&self, position: u32, best: u32, effort: &Effort) -> Option<(u32, u32)> {
        let mut best = best;
        let nice = effort.nice.min(self.left(position));
        let mut chain = if best >= effort.good { effort.chain >> 2 } else { effort.chain };
        let mut found = None;
        if best >= self.left(position) {
            return None;
        }
        for candidate in self.candidates(position) {
            if self.octet(candidate.wrapping_add(best)) == self.octet(position.wrapping_add(best)) {
                let len = self.common(candidate, position);
                if len > best {
                    best = len;
                    found = Some((len, position.wrapping_sub(candidate)));
                    if len >= nice {
                        break;
                    }
                }
            }
            chain = chain.wrapping_sub(1);
            if chain == 0 {
                break;
            }
        }
        found
    }

    /// The earlier places of the octets that a copy of `len` at `position` makes, the latest first: the distance that
    /// `wanted` chooses by number and distance, and its number.
    pub fn ranked(
        &self,
        position: u32,
        len: u32,
        mut wanted: impl FnMut(u32, u32) -> bool,
    ) -> Option<(u32, u32)> {
        let places = self.candidates(position).zip(0..RANKS).map(|(candidate, _)| candidate);
        let fitting = places.filter(|candidate| self.common(*candidate, position) >= len);
        (0u32..)
            .zip(fitting)
            .map(|(rank, candidate)| (rank, position.wrapping_sub(candidate)))
            .find(|(rank, distance)| wanted(*rank, *distance))
    }
}
