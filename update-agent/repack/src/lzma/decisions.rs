//! What the encoder of the old stream decided, to be asked by place.
//!
//! ```text
//!  words:  a bit for each octet: a token starts │ tokens before each 256 octets │ tokens, two to a word
//! ```
//! A token takes two octets and its place one bit: distances are not kept, as the new stream's are found by what stands
//! there.
use super::stream::{Chunk, Witness};
use super::token::{Kind, Rank, Token};

/// Octets of which the tokens before are counted.
const SPAN: u32 = 256;
/// Words of places in a span.
const SPAN_WORDS: usize = 8;

/// The token at a place, and its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What sort.
    pub kind: Kind,
    /// How many of its octets stand before the place.
    pub past: u32,
    /// How many of its octets stand there and behind.
    pub left: u32,
    /// The sort of the token before.
    pub previous: Option<Kind>,
    /// The sort of the token behind.
    pub next: Option<Kind>,
}

/// The decisions of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Decisions<'m> {
    starts: &'m [u32],
    before: &'m [u32],
    tokens: &'m [u16],
    plain: u32,
}

/// Notes the decisions of a stream: a [`Witness`] of its unpacking.
#[derive(Debug)]
pub struct Noting<'m> {
    starts: &'m mut [u32],
    before: &'m mut [u32],
    tokens: &'m mut [u16],
    held: usize,
    /// A token did not fit.
    lost: bool,
}

/// How many spans there are.
fn spans(plain: u32) -> usize {
    usize::try_from(plain.div_ceil(SPAN)).unwrap_or(usize::MAX)
}

/// The place of a word or span.
fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<'m> Noting<'m> {
    /// Room for the decisions of a stream of `plain` octets and `tokens` tokens, none noted yet; `None` if `words` are less
    /// than [`Decisions::words`].
    pub fn new(words: &'m mut [u32], plain: u32, tokens: u32) -> Option<Self> {
        let spans = spans(plain);
        let (starts, rest) = words.split_at_mut_checked(spans.checked_mul(SPAN_WORDS)?)?;
        let (before, rest) = rest.split_at_mut_checked(spans)?;
        let (pairs, _) = rest.split_at_mut_checked(place(tokens.div_ceil(2)))?;
        starts.fill(0);
        let tokens = bytemuck::try_cast_slice_mut(pairs).ok()?.get_mut(..place(tokens))?;
        Some(Self { starts, before, tokens, held: 0, lost: false })
    }

    /// Ends the noting; `None` if there was not room for all tokens, or room for more.
    pub fn finish(self) -> Option<()> {
        let mut sum = 0u32;
        for (before, starts) in self.before.iter_mut().zip(self.starts.chunks_exact(SPAN_WORDS)) {
            *before = sum;
            sum = starts.iter().fold(sum, |sum, word| sum.wrapping_add(word.count_ones()));
        }
        (!self.lost && self.held == self.tokens.len()).then_some(())
    }
}

impl<'m> Decisions<'m> {
    /// The decisions that were noted in `words`, for so many octets and tokens.
    pub fn new(words: &'m [u32], plain: u32, tokens: u32) -> Option<Self> {
        let spans = spans(plain);
        let (starts, rest) = words.split_at_checked(spans.checked_mul(SPAN_WORDS)?)?;
        let (before, rest) = rest.split_at_checked(spans)?;
        let (pairs, _) = rest.split_at_checked(place(tokens.div_ceil(2)))?;
        let tokens = bytemuck::try_cast_slice(pairs).ok()?.get(..place(tokens))?;
        Some(Self { starts, before, tokens, plain })
    }

    /// Words that are needed for a stream of `plain` octets and `tokens` tokens.
    pub fn words(plain: u32, tokens: u32) -> usize {
        spans(plain).saturating_mul(SPAN_WORDS.wrapping_add(1)).saturating_add(place(tokens.div_ceil(2)))
    }

    /// What was decided for the octet at `at`; `None` if it is in no token.
    pub fn at(&self, at: u32) -> Option<Decision> {
        if at >= self.plain {
            return None;
        }
        let start = self.start(at)?;
        let past = at.wrapping_sub(start);
        let number = self.number(start)?;
        let (kind, len) = self.entry(number)?;
        let left = len.checked_sub(past).filter(|left| *left > 0)?;
        let previous = number.checked_sub(1).and_then(|number| self.entry(number));
        let next = self.entry(number.wrapping_add(1));
        let kind_of = |token: Option<(Kind, u32)>| token.map(|(kind, _)| kind);
        Some(Decision { kind, past, left, previous: kind_of(previous), next: kind_of(next) })
    }

    /// The last place up to `at`, as far as a token reaches, at which one starts.
    fn start(&self, at: u32) -> Option<u32> {
        let mut word = at >> 5;
        // not behind `at`
        let mut starts = self.starts.get(place(word))? & u32::MAX.wrapping_shr(!at & 31);
        for _ in 0..=super::token::LONGEST >> 5 {
            if let Some(bit) = starts.checked_ilog2() {
                return Some(word << 5 | bit);
            }
            word = word.checked_sub(1)?;
            starts = *self.starts.get(place(word))?;
        }
        starts.checked_ilog2().map(|bit| word << 5 | bit)
    }

    /// How many tokens start before `start`.
    fn number(&self, start: u32) -> Option<u32> {
        let span = start / SPAN;
        let word = start >> 5;
        let first = place(span).checked_mul(SPAN_WORDS)?;
        let whole = self.starts.get(first..place(word))?.iter();
        let part = self.starts.get(place(word))? & !u32::MAX.wrapping_shl(start & 31);
        let in_span = whole.fold(part.count_ones(), |sum, word| sum.wrapping_add(word.count_ones()));
        Some(self.before.get(place(span))?.wrapping_add(in_span))
    }

    fn entry(&self, number: u32) -> Option<(Kind, u32)> {
        let word = self.tokens.get(place(number))?;
        Some((kind_of(word >> LEN_BITS), u32::from(word & LEN_MASK)))
    }
}

/// Bits of a length.
const LEN_BITS: u32 = 9;
const LEN_MASK: u16 = (1 << LEN_BITS) - 1;

const fn kind_of(code: u16) -> Kind {
    match code {
        0 => Kind::Literal,
        1 => Kind::Match,
        2 => Kind::Again(Rank::First),
        3 => Kind::Again(Rank::Second),
        4 => Kind::Again(Rank::Third),
        5 => Kind::Again(Rank::Fourth),
        _ => Kind::Short,
    }
}

/// A number for a sort of token, 0 to 6.
pub(super) const fn code_of(kind: Kind) -> u8 {
    match kind {
        Kind::Literal => 0,
        Kind::Match => 1,
        Kind::Again(Rank::First) => 2,
        Kind::Again(Rank::Second) => 3,
        Kind::Again(Rank::Third) => 4,
        Kind::Again(Rank::Fourth) => 5,
        Kind::Short => 6,
    }
}

impl Witness for Noting<'_> {
    fn chunk(&mut self, _: Chunk) {}

    fn token(&mut self, at: u32, token: Token) {
        let len = u16::try_from(token.len).unwrap_or(LEN_MASK).min(LEN_MASK);
        let room = self.tokens.get_mut(self.held);
        let start = self.starts.get_mut(place(at >> 5));
        let (Some(room), Some(start)) = (room, start) else {
            self.lost = true;
            return;
        };
        *room = u16::from(code_of(token.kind)) << LEN_BITS | len;
        *start |= 1 << (at & 31);
        self.held = self.held.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Decisions, Noting, code_of, kind_of};
    use crate::lzma::stream::Witness;
    use crate::lzma::token::{Kind, Token};
    use proptest::prelude::*;
    use std::vec;

    #[test]
    fn kinds_are_numbers() {
        for code in 0..7 {
            assert_eq!(u16::from(code_of(kind_of(code))), code);
        }
    }

    proptest! {
        /// Every place knows its token and the two beside it; places in raw chunks have none.
        #[test]
        fn each_place_is_found(tokens in prop::collection::vec((0u16..7, 1u32..=273, any::<bool>()), 1..300), gap in 274u32..3000) {
            let mut at = 0;
            let mut placed = vec![];
            for (code, len, jump) in tokens {
                at += if jump { gap } else { 0 };
                placed.push((at, kind_of(code), len));
                at += len;
            }
            let count = u32::try_from(placed.len()).unwrap();
            let mut words = vec![7; Decisions::words(at, count)];
            let mut short = words.clone();
            prop_assert!(Noting::new(&mut short[1..], at, count).is_none());
            let mut noting = Noting::new(&mut words, at, count).unwrap();
            for (at, kind, len) in &placed {
                noting.token(*at, Token { kind: *kind, len: *len, distance: 1 });
            }
            noting.finish().unwrap();
            let decisions = Decisions::new(&words, at, count).unwrap();
            let mut found = 0;
            for (n, (start, kind, len)) in placed.iter().enumerate() {
                let previous = n.checked_sub(1).map(|n| placed[n].1);
                let next = placed.get(n + 1).map(|token| token.1);
                for past in 0..*len {
                    let expected = Decision { kind: *kind, past, left: len - past, previous, next };
                    prop_assert_eq!(decisions.at(start + past), Some(expected));
                    found += 1;
                }
            }
            let all = (0..at + 9).filter(|at| decisions.at(*at).is_some()).count();
            prop_assert_eq!(all, found);
        }
    }

    #[test]
    fn other_numbers_of_tokens_are_told() {
        for (room, tokens) in [(2, 3), (3, 3), (4, 3), (3, 0)] {
            let mut words = [0; 20];
            let mut noting = Noting::new(&mut words, 8, room).unwrap();
            for at in 0..tokens {
                noting.token(at, Token { kind: Kind::Literal, len: 1, distance: 0 });
            }
            assert_eq!(noting.finish().is_some(), room == tokens);
        }
    }
}
