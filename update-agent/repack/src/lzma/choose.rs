//! Coding an encoder's decisions as far as they surprise.
//!
//! The octets are known, and so are the places where they stood before, and what the encoder of the old stream decided where
//! the same octets were. From that a token follows nearly always:
//!
//! - **its sort**: what the old encoder took there, if it is still possible
//! - **its length**: the old one, else the longest there is, else a number
//! - **its distance**: the nearest place that holds so many octets, for that is cheapest to code; else one of those
//!   behind it, else a number
//!
//! Each of these is a yes or no, mixed from six counters with different contexts.
use kedge_delta::bits::Bits;
use kedge_delta::numbers::Numbers;
use kedge_delta::predict::{fine, logit, mix, probability, train};
use kedge_delta::{hash, slot};

use super::decisions::{Decision, code_of};
use super::finder::{Finder, Longest, alike};
use super::token::{Kind, LONGEST, Lzma, Rank, Token, back};

/// Contexts of a decision.
const INPUTS: usize = 6;
/// Weight sets: one for each sort of decision.
const SETS: usize = 10;
/// What a fresh counter expects.
const START: u16 = 1 << 15;
/// What a fresh weight is: the six together a little more than one, as contexts that agree are surer than each alone.
const WEIGHT: i32 = 20_000;
/// How fast weights move.
const RATE: i32 = 40;
/// The memory of the counters.
const LIMIT: u32 = 30;
/// Counters of numbers.
const NUMBERS: usize = 256;
/// How many places that hold a match are numbered; what is further is told by its distance.
const RANKS: u32 = 255;

/// The sorts of yes or no.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Literal,
    Short,
    Again,
    First,
    Second,
    Third,
    OldLen,
    Longest,
    Digit,
    Nearest,
}

/// What numbers mean.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// Tokens until the shift changes.
    Run = 1,
    /// By how much it changes.
    Shift,
    /// Which of the places that hold a match.
    Place,
    /// A distance.
    Distance,
    /// What sort of chunk.
    Control,
    /// Its parameters.
    Props,
    /// Octets of a chunk.
    Plain,
}

/// The model of decisions.
#[derive(Debug)]
pub(super) struct Chooser<'m> {
    cells: &'m mut [u32],
    numbers: Numbers<'m>,
    weights: [[i32; INPUTS]; SETS],
    /// Which of the last tokens were as in the old stream, the latest lowest.
    history: u32,
}

/// Where a token stands.
pub(super) struct Spot<'a> {
    /// All octets since distances end, those that come too.
    pub(super) plain: &'a [u8],
    /// The next octet.
    pub(super) at: usize,
    /// How many octets the token may have.
    pub(super) most: u32,
    /// What the old encoder decided.
    pub(super) old: Option<Decision>,
}

/// What is possible at a spot, and what is to be expected.
struct Sight {
    /// How many octets stand at each of the last distances.
    again: [u32; 4],
    best: Longest,
    /// The sort in the old stream; 7 inside of a token, 8 if there is none.
    old: u32,
    /// The length that the old token suggests: its own, or to its end.
    old_len: u32,
    contexts: [u32; INPUTS],
}

impl<'m> Chooser<'m> {
    /// Words that are needed for a stream of so many tokens. More than these counters are hardly used.
    pub(super) fn words(tokens: u32) -> usize {
        let wanted = tokens.checked_ilog2().unwrap_or(0).clamp(9, 18);
        1usize.wrapping_shl(wanted).saturating_add(NUMBERS / 2)
    }

    /// A model in `words`, to be [`reset`](Self::reset); `None` is never returned for words.
    pub(super) fn new(words: &'m mut [u32]) -> Option<Self> {
        let (numbers, cells) = words.split_at_mut_checked(words.len().min(NUMBERS / 2))?;
        let numbers = Numbers::new(bytemuck::try_cast_slice_mut(numbers).ok()?);
        Some(Self { cells, numbers, weights: [[WEIGHT; INPUTS]; SETS], history: 0 })
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.cells.fill(fine::new(START));
        self.numbers.reset();
        self.weights = [[WEIGHT; INPUTS]; SETS];
        self.history = 0;
    }

    /// Codes a number.
    pub(super) fn number<B: Bits>(
        &mut self,
        bits: &mut B,
        what: Number,
        value: u32,
    ) -> Result<u32, B::Error> {
        self.numbers.number(bits, what as u32, value)
    }

    /// Codes a number that may be negative, as the 32 bits of its two's complement.
    pub(super) fn signed<B: Bits>(
        &mut self,
        bits: &mut B,
        what: Number,
        value: u32,
    ) -> Result<u32, B::Error> {
        self.numbers.signed(bits, what as u32, value)
    }

    /// Codes a token: an encoder is given it, a decoder a blank one. `finder` has taken up what is before.
    pub(super) fn token<B: Bits>(
        &mut self,
        bits: &mut B,
        spot: &Spot<'_>,
        lzma: &Lzma<'_>,
        finder: &Finder<'_>,
        token: Token,
    ) -> Result<Token, B::Error> {
        let sight = self.look(spot, lzma, finder);
        let kind = self.kind(bits, &sight, token.kind)?;
        let chosen = match kind {
            Kind::Literal => Token::LITERAL,
            Kind::Short => {
                let [distance, ..] = *lzma.distances();
                Token { kind, len: 1, distance }
            }
            Kind::Again(rank) => {
                let most = of(&sight.again, rank);
                let len = self.len(bits, &sight, most, (kind, token.len))?.clamp(2, spot.most.max(2));
                Token { kind, len, distance: of(lzma.distances(), rank) }
            }
            Kind::Match => {
                let len =
                    self.len(bits, &sight, sight.best.len, (kind, token.len))?.clamp(2, spot.most.max(2));
                let distance = self.distance(bits, &sight, finder, spot.plain, (len, token.distance))?;
                Token { kind, len, distance }
            }
        };
        let as_before =
            spot.old.is_some_and(|old| old.past == 0 && old.kind == chosen.kind && old.left == chosen.len);
        self.history = self.history << 1 | u32::from(as_before);
        Ok(chosen)
    }

    fn look(&self, spot: &Spot<'_>, lzma: &Lzma<'_>, finder: &Finder<'_>) -> Sight {
        let again = lzma.distances().map(|distance| {
            back(spot.at, distance).map_or(0, |from| alike(spot.plain, from, spot.at, 0, spot.most))
        });
        let best = finder.longest(spot.plain, spot.most);
        let (old, old_len, fits) = match spot.old {
            None => (8, 0, 1),
            Some(Decision { past: 1.., left, .. }) => (7, left, 1),
            Some(Decision { kind, left, .. }) => {
                let there = match kind {
                    Kind::Literal => left,
                    Kind::Short => of(&again, Rank::First).min(left),
                    Kind::Again(rank) => of(&again, rank),
                    Kind::Match => best.len,
                };
                let fits = u32::from(there >= left).wrapping_add(u32::from(there == left));
                (u32::from(code_of(kind)), left, fits)
            }
        };
        let neighbour = |kind: Option<Kind>| kind.map_or(7, |kind| u32::from(code_of(kind)));
        let next = neighbour(spot.old.and_then(|old| old.next));
        let previous = neighbour(spot.old.and_then(|old| old.previous));
        let (rank, most) = longest_of(&again);
        let octet = |at: Option<usize>| u32::from(at.and_then(|at| spot.plain.get(at)).copied().unwrap_or(0));
        let short = u32::from(of(&again, Rank::First) >= 1);
        let far = size_of(best.distance);
        let state = u32::from(lzma.state());
        let contexts = [
            old | fits << 4 | class(old_len) << 6 | (self.history & 7) << 12,
            class(best.len) | class(most) << 5 | rank << 10 | state << 12 | short << 16,
            old | fits << 4 | class(best.len) << 6 | class(most) << 11 | (self.history & 1) << 16,
            class(best.len) | far << 5 | class(most) << 11 | old << 16,
            octet(Some(spot.at)) | octet(spot.at.checked_sub(1)) << 8 | old << 16,
            old | next << 4 | class(old_len) << 8 | (self.history & 0xFF) << 13 | previous << 21,
        ];
        Sight { again, best, old, old_len, contexts }
    }

    fn kind<B: Bits>(&mut self, bits: &mut B, sight: &Sight, kind: Kind) -> Result<Kind, B::Error> {
        if self.ask(bits, Ask::Literal, &sight.contexts, kind == Kind::Literal)? {
            return Ok(Kind::Literal);
        }
        let [first, ..] = sight.again;
        if first >= 1 && self.ask(bits, Ask::Short, &sight.contexts, kind == Kind::Short)? {
            return Ok(Kind::Short);
        }
        let (_, most) = longest_of(&sight.again);
        let again = matches!(kind, Kind::Again(_));
        if most < 2 || !self.ask(bits, Ask::Again, &sight.contexts, again)? {
            return Ok(Kind::Match);
        }
        let mut left = sight.again.iter().filter(|len| **len >= 2).count();
        let asks = [Ask::First, Ask::Second, Ask::Third, Ask::Third];
        for ((rank, len), ask) in Rank::ALL.into_iter().zip(sight.again).zip(asks) {
            if len < 2 {
                continue;
            }
            left = left.wrapping_sub(1);
            let [with_old, of_again, of_both, ..] = sight.contexts;
            let contexts = [
                sight.old | class(len) << 4 | (self.history & 7) << 9,
                class(len) | class(most) << 5,
                with_old,
                of_again,
                of_both,
                class(len) | class(sight.old_len) << 5 | sight.old << 10,
            ];
            if left == 0 || self.ask(bits, ask, &contexts, kind == Kind::Again(rank))? {
                return Ok(Kind::Again(rank));
            }
        }
        // not reached: one of them has two octets
        Ok(Kind::Match)
    }

    /// Codes the length of a token of which `there` octets are known to be possible.
    fn len<B: Bits>(
        &mut self,
        bits: &mut B,
        sight: &Sight,
        there: u32,
        (kind, len): (Kind, u32),
    ) -> Result<u32, B::Error> {
        let sort = u32::from(code_of(kind));
        let expected = sight.old_len;
        let is_all = u32::from(expected == there);
        let [.., of_octets, of_old] = sight.contexts;
        let contexts = [
            sight.old | sort << 4 | class(there) << 7 | class(expected) << 12 | (self.history & 3) << 17,
            class(there) | sort << 5 | is_all << 8 | sight.old << 9 | (self.history & 1) << 13,
            class(sight.best.second) | class(there) << 5 | sort << 10,
            class(expected) | is_all << 5 | sort << 6,
            of_octets | sort << 24,
            of_old | sort << 24,
        ];
        if (2..there).contains(&expected) && self.ask(bits, Ask::OldLen, &contexts, len == expected)? {
            return Ok(expected);
        }
        if there >= 2 && self.ask(bits, Ask::Longest, &contexts, len == there)? {
            return Ok(there);
        }
        let mut node = 1u32;
        for at in (0..9u32).rev() {
            let contexts = [
                node | class(there) << 9 | sort << 14,
                node | class(sight.best.second) << 9 | sort << 14,
                node | class(expected) << 9 | sort << 14,
                node | (self.history & 7) << 9,
                node | class(there) << 9 | class(sight.best.second) << 14,
                node,
            ];
            let bit = self.ask(bits, Ask::Digit, &contexts, len >> at & 1 == 1)?;
            node = node << 1 | u32::from(bit);
        }
        Ok((node & 0x1FF).min(LONGEST))
    }

    /// Codes the distance of a match.
    fn distance<B: Bits>(
        &mut self,
        bits: &mut B,
        sight: &Sight,
        finder: &Finder<'_>,
        plain: &[u8],
        (len, distance): (u32, u32),
    ) -> Result<u32, B::Error> {
        let mut places = finder.places(plain, len);
        if let Some(nearest) = places.next() {
            let far = size_of(nearest);
            let contexts = [
                class(len) | sight.old << 5,
                class(len) | far << 5,
                (self.history & 15) | sight.old << 4,
                far | u32::from(len == sight.best.len) << 6,
                class(len) | class(sight.best.len) << 5,
                0,
            ];
            if self.ask(bits, Ask::Nearest, &contexts, distance == nearest)? {
                return Ok(nearest);
            }
            let place =
                (1..=RANKS).zip(finder.places(plain, len).skip(1)).find(|(_, place)| *place == distance);
            let number = self.number(bits, Number::Place, place.map_or(0, |(number, _)| number))?;
            let at = usize::try_from(number).unwrap_or(usize::MAX);
            if number > 0 {
                // a hostile number is of no place
                return Ok(finder.places(plain, len).take(RANKS as usize).nth(at).unwrap_or(nearest));
            }
        }
        self.number(bits, Number::Distance, distance)
    }

    fn ask<B: Bits>(
        &mut self,
        bits: &mut B,
        ask: Ask,
        contexts: &[u32; INPUTS],
        bit: bool,
    ) -> Result<bool, B::Error> {
        let mut places = [0; INPUTS];
        let mut logits = [0; INPUTS];
        for (((place, logit_of), context), salt) in
            places.iter_mut().zip(&mut logits).zip(contexts).zip((ask as u32) << 3..)
        {
            *place = slot(hash(*context, salt), self.cells.len());
            *logit_of = logit(fine::p(self.cells.get(*place).copied().unwrap_or(fine::new(START))));
        }
        let weights = self.weights.get_mut(ask as usize).map_or(&mut [][..], |set| set.as_mut_slice());
        let p = probability(mix(weights, &logits));
        let bit = bits.bit(p, bit)?;
        train(weights, &logits, p, bit, RATE);
        for place in places {
            if let Some(cell) = self.cells.get_mut(place) {
                fine::learn(cell, bit, LIMIT);
            }
        }
        Ok(bit)
    }
}

/// What belongs to a rank.
const fn of(all: &[u32; 4], rank: Rank) -> u32 {
    let [first, second, third, fourth] = *all;
    match rank {
        Rank::First => first,
        Rank::Second => second,
        Rank::Third => third,
        Rank::Fourth => fourth,
    }
}

/// The rank of the longest, the first of them, and how long it is.
fn longest_of(again: &[u32; 4]) -> (u32, u32) {
    (0..).zip(again).fold((0, 0), |(rank, most), (n, len)| if *len > most { (n, *len) } else { (rank, most) })
}

/// How many bits a distance has.
const fn size_of(distance: u32) -> u32 {
    u32::BITS.wrapping_sub(distance.leading_zeros())
}

/// Lengths that are told apart, 0 to 20.
const fn class(len: u32) -> u32 {
    match len {
        0..=16 => len,
        17..=32 => 17,
        33..=64 => 18,
        65..LONGEST => 19,
        LONGEST.. => 20,
    }
}
