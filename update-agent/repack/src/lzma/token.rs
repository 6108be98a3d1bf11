//! LZMA's tokens, and how the range coder's probabilities are chosen for them.
//!
//! | token | bits before its length and distance |
//! |---|---|
//! | literal | 0 |
//! | match | 1 0 |
//! | one octet, last distance | 1 1 0 0 |
//! | last distance | 1 1 0 1 |
//! | the one before, two before, three before | 1 1 1 0, 1 1 1 1 0, 1 1 1 1 1 |
//!
//! The same code reads and writes ([`Coins`]): a writer is given the token, a reader gets a blank one and returns what it
//! read.
use super::range::{Coins, FRESH};

/// The longest match.
pub const LONGEST: u32 = 273;
/// The distance that marks the end of a stream.
pub(super) const END_MARK: u32 = u32::MAX;

/// What sort of token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// An octet.
    #[default]
    Literal,
    /// Octets from a new distance.
    Match,
    /// Octets from one of the last four distances.
    Again(Rank),
    /// One octet from the last distance.
    Short,
}

/// Which of the last distances, the latest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The last.
    First,
    /// The one before.
    Second,
    /// Two before.
    Third,
    /// Three before.
    Fourth,
}

impl Rank {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::Third, Self::Fourth];
}

/// One decision of an encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// What sort.
    pub kind: Kind,
    /// How many octets: 1 for literals, 2 to [`LONGEST`] for matches.
    pub len: u32,
    /// How far back a match starts, less one; nothing for literals.
    pub distance: u32,
}

impl Token {
    /// A literal.
    pub const LITERAL: Self = Self { kind: Kind::Literal, len: 1, distance: 0 };
    /// What marks the end of a stream whose size is not told.
    pub const END: Self = Self { kind: Kind::Match, len: 2, distance: END_MARK };
}

/// The parameters that a stream's header tells: how many bits of the octet before, of the place for literals, and of the
/// place for other tokens choose the probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Props {
    /// Bits of the octet before, for literals.
    pub lc: u8,
    /// Bits of the place, for literals.
    pub lp: u8,
    /// Bits of the place, for other decisions.
    pub pb: u8,
}

impl Props {
    /// The most `lc` and `lp` together: what LZMA2 allows.
    pub const LITERAL_BITS: u8 = 4;

    /// The parameters in a header's octet; `None` if there are none like that, or more bits than [`Self::LITERAL_BITS`].
    pub const fn from_octet(octet: u8) -> Option<Self> {
        let props = Self { lc: octet % 9, lp: octet / 9 % 5, pb: octet / 45 };
        // at most 8 and 4, no overflow
        if octet < 225 && props.lc.wrapping_add(props.lp) <= Self::LITERAL_BITS { Some(props) } else { None }
    }

    /// A header's octet.
    pub const fn to_octet(self) -> u8 {
        self.pb.wrapping_mul(5).wrapping_add(self.lp).wrapping_mul(9).wrapping_add(self.lc)
    }
}

// Where the probabilities of each sort start.
const IS_MATCH: usize = 0;
const IS_AGAIN: usize = IS_MATCH + STATES * PLACES;
const IS_NOT_FIRST: usize = IS_AGAIN + STATES;
const IS_NOT_SECOND: usize = IS_NOT_FIRST + STATES;
const IS_NOT_THIRD: usize = IS_NOT_SECOND + STATES;
const IS_LONG: usize = IS_NOT_THIRD + STATES;
const SLOT: usize = IS_LONG + STATES * PLACES;
const SPECIAL: usize = SLOT + 4 * 64;
const ALIGN: usize = SPECIAL + 128;
const MATCH_LEN: usize = ALIGN + 16;
const AGAIN_LEN: usize = MATCH_LEN + LEN_CELLS;
const LITERAL: usize = AGAIN_LEN + LEN_CELLS;

const STATES: usize = 12;
const PLACES: usize = 16;
// Parts of a length's probabilities.
const LOW: usize = 2;
const MID: usize = LOW + PLACES * 8;
const HIGH: usize = MID + PLACES * 8;
const LEN_CELLS: usize = HIGH + 256;
/// Probabilities of a literal in one context.
const LITERAL_CELLS: usize = 0x300;

/// Probabilities that are needed for streams of at most [`Props::LITERAL_BITS`], each 16 bits.
pub const CELLS: usize = LITERAL + (LITERAL_CELLS << Props::LITERAL_BITS);

/// What an LZMA coder remembers.
#[derive(Debug)]
pub(super) struct Lzma<'m> {
    cells: &'m mut [u16],
    /// Stands in for what is outside of `cells`; nothing of a legal stream is.
    nowhere: u16,
    props: Props,
    /// What the last tokens were, 0 to 11.
    state: usize,
    /// The last distances, each less one.
    distances: [u32; 4],
}

impl<'m> Lzma<'m> {
    /// A coder with these probabilities, [`CELLS`] of them, to be [`reset`](Self::reset).
    pub(super) fn new(cells: &'m mut [u16]) -> Self {
        Self { cells, nowhere: FRESH, props: Props::default(), state: 0, distances: [0; 4] }
    }

    /// Forgets everything; other parameters, if given.
    pub(super) fn reset(&mut self, props: Option<Props>) {
        self.cells.fill(FRESH);
        self.props = props.unwrap_or(self.props);
        self.state = 0;
        self.distances = [0; 4];
    }

    /// The last distances, each less one.
    pub(super) const fn distances(&self) -> &[u32; 4] {
        &self.distances
    }

    /// What the last tokens were, 0 to 11; from 7 on the last one was no literal.
    pub(super) fn state(&self) -> u8 {
        u8::try_from(self.state).unwrap_or(0)
    }

    /// Codes a token that stands behind the octets `before`, and its octet if it is a literal.
    pub(super) fn token<C: Coins>(
        &mut self,
        coins: &mut C,
        before: &[u8],
        token: Token,
        octet: u8,
    ) -> Result<(Token, u8), C::Error> {
        let place = before.len() & 15 & (1usize << self.props.pb.min(4)).wrapping_sub(1);
        let spot = self.state.wrapping_mul(PLACES).wrapping_add(place);
        if !self.bit(coins, IS_MATCH.wrapping_add(spot), token.kind != Kind::Literal)? {
            let octet = self.literal(coins, before, octet)?;
            self.state = match self.state {
                0..4 => 0,
                4..10 => self.state.wrapping_sub(3),
                _ => self.state.wrapping_sub(6),
            };
            return Ok((Token::LITERAL, octet));
        }
        let kind = self.kind(coins, spot, token.kind)?;
        let after_literal = self.state < 7;
        let len = match kind {
            Kind::Literal | Kind::Short => 1,
            Kind::Match => self.len(coins, MATCH_LEN, place, token.len)?,
            Kind::Again(_) => self.len(coins, AGAIN_LEN, place, token.len)?,
        };
        let new = if kind == Kind::Match { self.distance(coins, len, token.distance)? } else { 0 };
        self.pass(kind, new);
        self.state = match (kind, after_literal) {
            (Kind::Match, true) => 7,
            (Kind::Match, false) => 10,
            (Kind::Short, true) => 9,
            (_, true) => 8,
            (_, false) => 11,
        };
        let [distance, ..] = self.distances;
        Ok((Token { kind, len, distance }, 0))
    }

    /// Notes the distance of a token, `new` if it is a match.
    fn pass(&mut self, kind: Kind, new: u32) {
        let [first, second, third, fourth] = self.distances;
        self.distances = match kind {
            Kind::Literal | Kind::Short | Kind::Again(Rank::First) => return,
            Kind::Match => [new, first, second, third],
            Kind::Again(Rank::Second) => [second, first, third, fourth],
            Kind::Again(Rank::Third) => [third, first, second, fourth],
            Kind::Again(Rank::Fourth) => [fourth, first, second, third],
        };
    }

    fn bit<C: Coins>(&mut self, coins: &mut C, at: usize, bit: bool) -> Result<bool, C::Error> {
        let cell = self.cells.get_mut(at).unwrap_or(&mut self.nowhere);
        coins.bit(cell, bit)
    }

    /// Codes a number of `bits` bits, the highest first.
    fn tree<C: Coins>(
        &mut self,
        coins: &mut C,
        start: usize,
        bits: u32,
        value: u32,
    ) -> Result<u32, C::Error> {
        let mut node = 1u32;
        for at in (0..bits).rev() {
            let bit = self.bit(coins, start.wrapping_add(node as usize), value >> at & 1 == 1)?;
            node = node << 1 | u32::from(bit);
        }
        Ok(node.wrapping_sub(1 << bits))
    }

    /// Codes a number of `bits` bits, the lowest first.
    fn reverse<C: Coins>(
        &mut self,
        coins: &mut C,
        start: usize,
        bits: u32,
        value: u32,
    ) -> Result<u32, C::Error> {
        let (mut node, mut made) = (1u32, 0);
        for at in 0..bits {
            let bit = self.bit(coins, start.wrapping_add(node as usize), value >> at & 1 == 1)?;
            node = node << 1 | u32::from(bit);
            made |= u32::from(bit) << at;
        }
        Ok(made)
    }

    /// Codes which token it is that is no literal.
    fn kind<C: Coins>(&mut self, coins: &mut C, spot: usize, kind: Kind) -> Result<Kind, C::Error> {
        let state = self.state;
        if !self.bit(coins, IS_AGAIN.wrapping_add(state), kind != Kind::Match)? {
            return Ok(Kind::Match);
        }
        let first = matches!(kind, Kind::Short | Kind::Again(Rank::First));
        if !self.bit(coins, IS_NOT_FIRST.wrapping_add(state), !first)? {
            let long = self.bit(coins, IS_LONG.wrapping_add(spot), kind != Kind::Short)?;
            return Ok(if long { Kind::Again(Rank::First) } else { Kind::Short });
        }
        if !self.bit(coins, IS_NOT_SECOND.wrapping_add(state), kind != Kind::Again(Rank::Second))? {
            return Ok(Kind::Again(Rank::Second));
        }
        let fourth = self.bit(coins, IS_NOT_THIRD.wrapping_add(state), kind != Kind::Again(Rank::Third))?;
        Ok(Kind::Again(if fourth { Rank::Fourth } else { Rank::Third }))
    }

    fn literal<C: Coins>(&mut self, coins: &mut C, before: &[u8], octet: u8) -> Result<u8, C::Error> {
        let Props { lc, lp, .. } = self.props;
        let last = usize::from(before.last().copied().unwrap_or(0));
        let of_place = before.len() & (1usize << lp.min(4)).wrapping_sub(1);
        let context = of_place << lc.min(8) | last.wrapping_shr(8u32.saturating_sub(u32::from(lc)));
        let start = LITERAL.wrapping_add(context.wrapping_mul(LITERAL_CELLS));
        // What stands at the last distance is known to be another octet, as long as the two are alike.
        let mut other = if self.state < 7 { None } else { Some(usize::from(self.at_distance(before))) };
        let mut node = 1usize;
        for at in (0..8u32).rev() {
            let expected = other.map(|other| other >> at & 1);
            let part = expected.map_or(0, |bit| bit.wrapping_add(1) << 8);
            let bit = self.bit(coins, start.wrapping_add(part).wrapping_add(node), octet >> at & 1 == 1)?;
            node = node << 1 | usize::from(bit);
            if expected != Some(usize::from(bit)) {
                other = None;
            }
        }
        let [octet, ..] = node.to_le_bytes();
        Ok(octet)
    }

    /// The octet at the last distance.
    fn at_distance(&self, before: &[u8]) -> u8 {
        let [distance, ..] = self.distances;
        back(before.len(), distance).and_then(|at| before.get(at)).copied().unwrap_or(0)
    }

    fn len<C: Coins>(
        &mut self,
        coins: &mut C,
        start: usize,
        place: usize,
        len: u32,
    ) -> Result<u32, C::Error> {
        let more = len.wrapping_sub(2);
        if !self.bit(coins, start, more >= 8)? {
            let low = self.tree(coins, start.wrapping_add(LOW).wrapping_add(place << 3), 3, more)?;
            return Ok(low.wrapping_add(2));
        }
        if !self.bit(coins, start.wrapping_add(1), more >= 16)? {
            let mid = start.wrapping_add(MID).wrapping_add(place << 3);
            return Ok(self.tree(coins, mid, 3, more.wrapping_sub(8))?.wrapping_add(10));
        }
        Ok(self.tree(coins, start.wrapping_add(HIGH), 8, more.wrapping_sub(16))?.wrapping_add(18))
    }

    /// Codes a distance less one: how many bits it has and the one behind the highest, then the others.
    fn distance<C: Coins>(&mut self, coins: &mut C, len: u32, distance: u32) -> Result<u32, C::Error> {
        let of_len = len.saturating_sub(2).min(3) as usize;
        let slot = self.tree(coins, SLOT.wrapping_add(of_len << 6), 6, slot(distance))?;
        if slot < 4 {
            return Ok(slot);
        }
        let digits = (slot >> 1).wrapping_sub(1);
        let base = (2 | slot & 1) << digits;
        let rest = distance.wrapping_sub(base);
        if slot < 14 {
            // each slot's tree follows the one before
            let start = SPECIAL.wrapping_add(base.wrapping_sub(slot) as usize);
            return Ok(base.wrapping_add(self.reverse(coins, start, digits, rest)?));
        }
        let mut high = 0;
        for at in (4..digits).rev() {
            high = high << 1 | u32::from(coins.even(rest >> at & 1 == 1)?);
        }
        let low = self.reverse(coins, ALIGN, 4, rest)?;
        Ok(base.wrapping_add(high << 4).wrapping_add(low))
    }
}

/// The slot of a distance less one: twice its size in bits, and the bit behind the highest.
const fn slot(distance: u32) -> u32 {
    match distance.checked_ilog2() {
        None | Some(0) => distance,
        Some(bits) => bits << 1 | distance >> bits.wrapping_sub(1) & 1,
    }
}

/// The place `distance` + 1 before `at`.
pub(super) fn back(at: usize, distance: u32) -> Option<usize> {
    at.checked_sub(1)?.checked_sub(usize::try_from(distance).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{Props, back, slot};

    #[test]
    fn props_are_one_octet() {
        for octet in 0..=255 {
            match Props::from_octet(octet) {
                Some(props) => assert_eq!(props.to_octet(), octet),
                None => assert!(octet >= 225 || octet % 9 + octet / 9 % 5 > 4, "{octet}"),
            }
        }
        assert_eq!(Props::from_octet(0x5D), Some(Props { lc: 3, lp: 0, pb: 2 }));
    }

    #[test]
    fn slots_are_two_to_a_size() {
        let starts = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];
        for (number, start) in (0..).zip(starts) {
            assert_eq!(slot(start), number);
            if start > 0 {
                assert_eq!(slot(start - 1), number - 1);
            }
        }
        assert_eq!(slot(u32::MAX), 63);
    }

    #[test]
    fn distances_end_at_the_start() {
        assert_eq!(back(5, 0), Some(4));
        assert_eq!(back(5, 4), Some(0));
        assert_eq!(back(5, 5), None);
        assert_eq!(back(0, 0), None);
    }
}
