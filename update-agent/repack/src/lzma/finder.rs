//! Where the octets that come next stood before.
//!
//! Chains of places whose four octets have the same hash, the latest first, and the latest place for two and three octets:
//! what the match finders of LZMA encoders know, so that the nearest place that holds a match is nearly always the one they
//! took.
use super::token::LONGEST;

/// What stands for no place.
const NOWHERE: u32 = u32::MAX;
/// Octets of a chain's hash.
const CHAINED: usize = 4;
/// Places that are looked at for the longest match: enough to know what an encoder had to choose from.
const GLANCE: usize = 64;
/// Places that are looked at for a match of a known length. It bounds the work for runs and tables.
const DEPTH: usize = 4096;

/// The longest match at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Longest {
    /// Its length; 0 if there is none of two octets.
    pub(super) len: u32,
    /// Its distance, less one.
    pub(super) distance: u32,
    /// The length of the longest that is nearer.
    pub(super) second: u32,
}

/// The places so far.
#[derive(Debug)]
pub(super) struct Finder<'m> {
    pairs: &'m mut [u32],
    threes: &'m mut [u32],
    heads: &'m mut [u32],
    /// For each place the one before in its chain.
    chain: &'m mut [u32],
    /// The next place to take up.
    at: usize,
}

/// Words for pairs and for three octets.
const PAIRS: usize = 1 << 16;

/// Heads of chains for streams of `plain` octets.
fn heads(plain: u32) -> usize {
    let wanted = plain.checked_ilog2().unwrap_or(0).saturating_sub(3).clamp(8, 20);
    1usize.wrapping_shl(wanted)
}

impl<'m> Finder<'m> {
    /// Words that are needed for a stream of `plain` octets.
    pub(super) fn words(plain: u32) -> usize {
        let fixed = (2 * PAIRS).saturating_add(heads(plain));
        fixed.saturating_add(usize::try_from(plain).unwrap_or(usize::MAX))
    }

    /// A finder that knows no place yet, for streams of at most `plain` octets; `None` if `words` are less than
    /// [`words`](Self::words), unless there are no streams.
    pub(super) fn new(words: &'m mut [u32], plain: u32) -> Option<Self> {
        let part = |len: usize| if plain == 0 { 0 } else { len };
        let (pairs, rest) = words.split_at_mut_checked(part(PAIRS))?;
        let (threes, rest) = rest.split_at_mut_checked(part(PAIRS))?;
        let (heads, rest) = rest.split_at_mut_checked(part(heads(plain)))?;
        let (chain, _) = rest.split_at_mut_checked(usize::try_from(plain).ok()?)?;
        let mut finder = Self { pairs, threes, heads, chain, at: 0 };
        finder.forget();
        Some(finder)
    }

    /// Whether there is room for a stream of `plain` octets.
    pub(super) fn has_room(&self, plain: u32) -> bool {
        usize::try_from(plain).is_ok_and(|plain| plain <= self.chain.len())
    }

    /// Forgets all places; the next one is the first.
    pub(super) fn forget(&mut self) {
        self.at = 0;
        self.pairs.fill(NOWHERE);
        self.threes.fill(NOWHERE);
        self.heads.fill(NOWHERE);
    }

    /// Takes up the places before `end`.
    pub(super) fn advance(&mut self, plain: &[u8], end: usize) {
        while self.at < end {
            let now = u32::try_from(self.at).unwrap_or(NOWHERE);
            let door = plain
                .get(self.at..)
                .and_then(<[u8]>::first_chunk)
                .map(|octets| Door::of(*octets, self.heads.len()));
            if let Some(Door { pair, three, head }) = door {
                put(self.pairs, pair, now);
                put(self.threes, three, now);
                let before = put(self.heads, head, now);
                put(self.chain, self.at, before);
            }
            self.at = self.at.wrapping_add(1);
        }
    }

    /// The longest match of at most `most` octets for the place that comes next.
    pub(super) fn longest(&self, plain: &[u8], most: u32) -> Longest {
        let mut longest = Longest::default();
        let Some(octets) = plain.get(self.at..).and_then(<[u8]>::first_chunk) else { return longest };
        let door = Door::of(*octets, self.heads.len());
        let near = [get(self.pairs, door.pair), get(self.threes, door.three)];
        let chain = Chain { links: self.chain, next: get(self.heads, door.head) }.take(GLANCE);
        for place in near.into_iter().flatten().chain(chain) {
            let len = alike(plain, place, self.at, longest.len, most);
            if len > longest.len.max(1) {
                let distance = self.at.wrapping_sub(place).wrapping_sub(1);
                let distance = u32::try_from(distance).unwrap_or(NOWHERE);
                longest = Longest { len, distance, second: longest.len };
            }
            if longest.len == most {
                break;
            }
        }
        longest
    }

    /// The distances, each less one, at which `len` octets stand that come next, the nearest first.
    pub(super) fn places(&self, plain: &[u8], len: u32) -> impl Iterator<Item = u32> {
        let door = plain
            .get(self.at..)
            .and_then(<[u8]>::first_chunk)
            .map(|octets| Door::of(*octets, self.heads.len()));
        let (near, head) = match (len, door) {
            (_, None) => (None, None),
            (0..=2, Some(door)) => (get(self.pairs, door.pair), None),
            (3, Some(door)) => (get(self.threes, door.three), get(self.heads, door.head)),
            (_, Some(door)) => (None, get(self.heads, door.head)),
        };
        let chain =
            Chain { links: self.chain, next: head }.take(DEPTH).filter(move |place| Some(*place) != near);
        near.into_iter().chain(chain).filter_map(move |place| {
            let there = alike(plain, place, self.at, len.saturating_sub(1), len) == len;
            let distance = self.at.checked_sub(place)?.checked_sub(1)?;
            if there { u32::try_from(distance).ok() } else { None }
        })
    }
}

/// Where to look for octets.
struct Door {
    pair: usize,
    three: usize,
    head: usize,
}

impl Door {
    fn of(octets: [u8; CHAINED], heads: usize) -> Self {
        let [a, b, c, _] = octets;
        let spread = |octets: [u8; 4], among: usize| {
            let hash = u32::from_le_bytes(octets).wrapping_mul(0x9E37_79B1);
            usize::try_from(u64::from(hash).wrapping_mul(among as u64) >> 32).unwrap_or(0)
        };
        Self {
            pair: usize::from(u16::from_le_bytes([a, b])),
            three: spread([a, b, c, 0], PAIRS),
            head: spread(octets, heads),
        }
    }
}

/// The places of a chain.
struct Chain<'c> {
    links: &'c [u32],
    next: Option<usize>,
}

impl Iterator for Chain<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let place = self.next?;
        // links lead back; anything else ends the chain
        self.next = get(self.links, place).filter(|next| *next < place);
        Some(place)
    }
}

fn get(table: &[u32], at: usize) -> Option<usize> {
    let place = table.get(at).copied().filter(|place| *place != NOWHERE)?;
    usize::try_from(place).ok()
}

/// Puts a place into a table and returns what was there.
fn put(table: &mut [u32], at: usize, place: u32) -> u32 {
    table.get_mut(at).map_or(NOWHERE, |entry| core::mem::replace(entry, place))
}

/// How many octets at `from` and at `at` are alike, up to `most`; anything up to `known` if they are not more than that.
pub(super) fn alike(plain: &[u8], from: usize, at: usize, known: u32, most: u32) -> u32 {
    let most = usize::try_from(most.min(LONGEST)).unwrap_or(0);
    let known = usize::try_from(known).unwrap_or(0);
    let (Some(from), Some(at)) = (plain.get(from..), plain.get(at..)) else { return 0 };
    if from.get(known) != at.get(known) {
        return 0;
    }
    let alike = from.iter().zip(at).take(most).take_while(|(from, at)| from == at).count();
    u32::try_from(alike).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Finder, Longest, alike};
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn the_longest_and_the_nearest() {
        let plain = b"abcdefgh..abcdef..abc..ab..abcdefg!";
        let size = u32::try_from(plain.len()).unwrap();
        let mut words = vec![0; Finder::words(size)];
        assert!(Finder::new(&mut words[1..], size).is_none());
        let mut finder = Finder::new(&mut words, size).unwrap();
        finder.advance(plain, 27);
        assert_eq!(finder.longest(plain, 273), Longest { len: 7, distance: 26, second: 6 });
        assert_eq!(finder.longest(plain, 6), Longest { len: 6, distance: 16, second: 3 });
        let places = |len| finder.places(plain, len).collect::<Vec<_>>();
        assert_eq!(places(2), [3]);
        assert_eq!(places(3), [8, 16, 26]);
        assert_eq!(places(4), [16, 26]);
        assert_eq!(places(6), [16, 26]);
        assert_eq!(places(7), [26]);
        assert_eq!(places(8), []);
        finder.forget();
        assert_eq!(finder.longest(plain, 273), Longest::default());
        assert_eq!(finder.places(plain, 2).count(), 0);
    }

    #[test]
    fn the_end_of_the_octets_is_no_place() {
        let plain = [5; 40];
        let mut words = vec![0; Finder::words(40)];
        let mut finder = Finder::new(&mut words, 40).unwrap();
        for at in 0..50 {
            finder.advance(&plain, at);
            let most = 40usize.saturating_sub(at);
            let expected = if at > 0 && most >= 4 { most } else { 0 };
            assert_eq!(finder.longest(&plain, 273).len as usize, expected, "{at}");
        }
        assert_eq!(alike(&plain, 0, 30, 0, 273), 10);
        assert_eq!(alike(&plain, 0, 41, 0, 273), 0);
    }
}
