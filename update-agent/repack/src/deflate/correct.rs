//! Corrections: where an encoder did not do what was foreseen.
//!
//! One walk serves both directions: who encodes knows what really comes and codes whether it was foreseen; who decodes
//! learns it. What is always right costs next to nothing.
use kedge_delta::bits::Bits;
use kedge_delta::numbers::Numbers;
use kedge_delta::predict::fine;

use super::chains::Chains;
use super::header::{Header, ORDER, Run, SENT};
use super::tree::Forest;
use super::{COPY, Coding, Fault, LENGTHS, Manner, Token, at, put};

/// The coder of the corrections, with what belongs to it. Only who encodes knows the facts; who decodes is asked for them
/// too, and gives anything.
pub trait Side: Bits {
    /// The next octets of the plain content.
    fn plain(&mut self, out: &mut [u8]) -> Result<(), Self::Error>;

    /// What the next block is like.
    fn block(&mut self) -> Facts {
        Facts::default()
    }

    /// The token at hand, and whether it is the last of its block; `foreseen` if nobody knows, as in a stored block.
    fn token(&mut self, foreseen: Token) -> Token {
        foreseen
    }

    /// A block that was foreseen with tokens is stored, and has so many octets.
    fn stored(&mut self, _octets: u32) {}

    /// How the code of the block is sent.
    fn header(&mut self) -> Option<&Header<'_>> {
        None
    }
}

/// What a block is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How it is coded.
    pub coding: Coding,
    /// Whether it is the last.
    pub last: bool,
    /// It is stored without tokens being looked for: so many octets.
    pub raw: Option<u32>,
    /// It ends behind another token than foreseen: so many.
    pub tokens: Option<u32>,
}

/// Words of memory that a model takes.
pub const WORDS: usize = FLAGS + NUMBERS / 2;
const FLAGS: usize = 48;
const NUMBERS: usize = 512;
/// The memory of a flag.
const LIMIT: u32 = 31;
/// What flags expect at first.
const HOPE: u16 = 65000;

/// Flags; those of tokens and of lengths stand behind these, in groups.
#[derive(Clone, Copy)]
enum Flag {
    Raw = 0,
    RawSame = 1,
    End = 2,
    Coding = 3,
    Last = 4,
    Header = 5,
    Runs = 6,
    Run = 7,
    Code = 8,
    Sent = 9,
    Counts = 10,
    Length = 12,
    Token = 16,
    Copy = 40,
    SameLength = 42,
    SameDistance = 44,
    Ranked = 46,
}

/// What numbers mean; each meaning has 16 contexts.
#[derive(Clone, Copy)]
enum Meaning {
    Raw,
    Tokens,
    Coding,
    Counts,
    Length,
    Run,
    RunCount,
    Code,
    Sent,
    CopyLength,
    Rank,
    Distance,
    Other,
}

/// The memory of what was right so far.
#[derive(Debug)]
pub struct Model<'m> {
    flags: &'m mut [u32],
    numbers: Numbers<'m>,
    /// Whether the last two tokens were foreseen, a bit each.
    right: u8,
    /// The last stored block without tokens.
    raw: u32,
}

impl<'m> Model<'m> {
    /// A model in these words, [`WORDS`] of them, that knows nothing.
    pub fn new(words: &'m mut [u32]) -> Option<Self> {
        let (flags, rest) = words.split_at_mut_checked(FLAGS)?;
        let (numbers, _) = rest.split_at_mut_checked(NUMBERS / 2)?;
        let numbers = Numbers::new(bytemuck::try_cast_slice_mut(numbers).ok()?);
        let mut model = Self { flags, numbers, right: 3, raw: 0 };
        model.reset();
        Some(model)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.flags.fill(fine::new(HOPE));
        self.numbers.reset();
        self.right = 3;
        self.raw = 0;
    }

    /// Codes a flag that is mostly set.
    fn flag<B: Bits>(&mut self, bits: &mut B, flag: Flag, group: u32, value: bool) -> Result<bool, B::Error> {
        let place = usize::try_from((flag as u32).wrapping_add(group)).unwrap_or(0);
        let Some(cell) = self.flags.get_mut(place) else { return Ok(true) };
        let value = bits.bit(fine::p(*cell), value)?;
        fine::learn(cell, value, LIMIT);
        Ok(value)
    }

    /// Codes a number.
    fn known<B: Bits>(&mut self, bits: &mut B, what: (Meaning, u32), value: u32) -> Result<u32, B::Error> {
        let (meaning, detail) = what;
        self.numbers.number(bits, (meaning as u32) << 4 | detail & 15, value)
    }

    /// Codes a number of the caller's, one of 16 sorts: those below 8 are used for the parameters of encoders.
    pub fn number<B: Bits>(&mut self, bits: &mut B, sort: u32, value: u32) -> Result<u32, B::Error> {
        self.known(bits, (Meaning::Other, sort), value)
    }

    /// Codes the parameters of an encoder.
    pub fn manner<B: Bits>(&mut self, bits: &mut B, manner: Manner) -> Result<Manner, B::Error> {
        let narrow = |n: u32| u8::try_from(n).unwrap_or(u8::MAX);
        let level = narrow(self.number(bits, 0, manner.level.into())?);
        let kind = u32::from(manner.filtered) | u32::from(manner.gzip) << 1;
        let kind = self.number(bits, 1, kind)?;
        let window = u32::from(15u8.wrapping_sub(manner.window_bits));
        let window_bits = 15u8.wrapping_sub(narrow(self.number(bits, 2, window)?));
        let hash_bits = narrow(self.number(bits, 3, manner.hash_bits.into())?);
        let limit = self.number(bits, 4, manner.limit)?;
        let tokens = self.number(bits, 5, manner.tokens)?;
        let stored = self.number(bits, 6, manner.stored)?;
        let (filtered, gzip) = (kind & 1 == 1, kind & 2 == 2);
        Ok(Manner { level, filtered, gzip, window_bits, hash_bits, limit, tokens, stored })
    }

    /// Codes what has to be known before a block: whether it is raw, or how many tokens it has if not as many as foreseen.
    pub fn start<B: Bits>(&mut self, bits: &mut B, facts: Facts) -> Result<Facts, B::Error> {
        if !self.flag(bits, Flag::Raw, 0, facts.raw.is_none())? {
            let octets = facts.raw.unwrap_or(0);
            if !self.flag(bits, Flag::RawSame, 0, octets == self.raw)? {
                self.raw = self.known(bits, (Meaning::Raw, 0), octets)?;
            }
            let last = !self.flag(bits, Flag::Last, 1, !facts.last)?;
            return Ok(Facts { coding: Coding::Stored, last, raw: Some(self.raw), tokens: None });
        }
        let tokens = if self.flag(bits, Flag::End, 0, facts.tokens.is_none())? {
            None
        } else {
            Some(self.known(bits, (Meaning::Tokens, 0), facts.tokens.unwrap_or(0))?)
        };
        Ok(Facts { raw: None, tokens, ..facts })
    }

    /// Codes what was foreseen behind the tokens of a block: how it is coded, and whether it is the last.
    pub fn end<B: Bits>(&mut self, bits: &mut B, foreseen: Facts, facts: Facts) -> Result<Facts, B::Error> {
        let number = |coding| match coding {
            Coding::Stored => 0,
            Coding::Fixed => 1,
            Coding::Dynamic => 2,
        };
        let coding = if self.flag(bits, Flag::Coding, 0, facts.coding == foreseen.coding)? {
            foreseen.coding
        } else {
            match self.known(bits, (Meaning::Coding, number(foreseen.coding)), number(facts.coding))? {
                0 => Coding::Stored,
                1 => Coding::Fixed,
                _ => Coding::Dynamic,
            }
        };
        let last = self.flag(bits, Flag::Last, 0, facts.last == foreseen.last)? == foreseen.last;
        Ok(Facts { coding, last, raw: None, tokens: None })
    }

    /// Codes a token at `position`.
    pub fn token<B: Bits>(
        &mut self,
        bits: &mut B,
        chains: &Chains<'_>,
        position: u32,
        foreseen: Token,
        token: Token,
    ) -> Result<Token, super::Error<B::Error>> {
        let kind = match foreseen.length() {
            _ if foreseen.is_literal() => 0,
            3 => 1,
            4..=6 => 2,
            7..=16 => 3,
            17..=257 => 4,
            _ => 5,
        };
        let group = kind << 2 | u32::from(self.right & 3);
        let right = self.flag(bits, Flag::Token, group, token == foreseen).map_err(super::Error::Input)?;
        self.right = self.right << 1 | u8::from(right);
        if right {
            return Ok(foreseen);
        }
        let token = self.other(bits, chains, position, foreseen, token).map_err(super::Error::Input)?;
        let fits = token.length() <= chains.left(position) && u32::from(token.distance) <= position;
        if fits { Ok(token) } else { Err(Fault::Distance.into()) }
    }

    fn other<B: Bits>(
        &mut self,
        bits: &mut B,
        chains: &Chains<'_>,
        position: u32,
        foreseen: Token,
        token: Token,
    ) -> Result<Token, B::Error> {
        let was_copy = !foreseen.is_literal();
        if was_copy && !self.flag(bits, Flag::Copy, 0, !token.is_literal())? {
            return Ok(Token::literal(chains.octet(position)));
        }
        let same = |one: u32, other: u32| was_copy && one == other;
        let group = u32::from(was_copy);
        let length =
            if was_copy && self.flag(bits, Flag::SameLength, 0, same(token.length(), foreseen.length()))? {
                foreseen.length()
            } else {
                let value = self.known(bits, (Meaning::CopyLength, group), token.value.into())?;
                value.min(255).wrapping_add(COPY.0)
            };
        let distance = u32::from(token.distance);
        if was_copy && self.flag(bits, Flag::SameDistance, 0, same(distance, foreseen.distance.into()))? {
            return Ok(Token::copy(length, foreseen.distance.into()));
        }
        let rank = chains.ranked(position, length, |_, place| place == distance).map(|(rank, _)| rank);
        let context = length.min(6).wrapping_shl(1) | group;
        if self.flag(bits, Flag::Ranked, 0, rank.is_some())? {
            let rank = self.known(bits, (Meaning::Rank, context), rank.unwrap_or(0))?;
            let found = chains.ranked(position, length, |number, _| number == rank);
            return Ok(Token::copy(length, found.map_or(1, |(_, distance)| distance)));
        }
        let distance = self.known(bits, (Meaning::Distance, context), distance.wrapping_sub(1))?;
        Ok(Token::copy(length, distance.min(0x7FFF).wrapping_add(1)))
    }

    /// Codes how the code of a block is sent. `header` is what was foreseen, and becomes what is.
    pub fn header<S: Side>(
        &mut self,
        side: &mut S,
        header: &mut Header<'_>,
        forest: &mut Forest<'_>,
    ) -> Result<(), S::Error> {
        let right = side.header().is_none_or(|real| same(real, header));
        if self.flag(side, Flag::Header, 0, right)? {
            return Ok(());
        }
        self.lengths(side, header)?;
        self.runs(side, header)?;
        header.predict_code(forest);
        self.code(side, header)
    }

    fn lengths<S: Side>(&mut self, side: &mut S, header: &mut Header<'_>) -> Result<(), S::Error> {
        let foreseen = (header.literals, header.distances);
        let real = side.header().map_or(foreseen, |real| (real.literals, real.distances));
        for (group, (place, real, least)) in
            (0u32..).zip([(&mut header.literals, real.0, 257usize), (&mut header.distances, real.1, 1)])
        {
            if !self.flag(side, Flag::Counts, group, *place == real)? {
                let value = u32::try_from(real.saturating_sub(least)).unwrap_or(0);
                let value = self.known(side, (Meaning::Counts, group), value)?;
                *place = usize::try_from(value & 31).unwrap_or(0).wrapping_add(least);
            }
        }
        header.trim();
        for n in 0..header.len() {
            let foreseen = header.length(n);
            let real = side.header().map_or(foreseen, |real| real.length(n));
            let group = u32::from(foreseen == 0) << 1 | u32::from(n >= header.literals);
            let value = if self.flag(side, Flag::Length, group, real == foreseen)? {
                foreseen
            } else {
                let off = u32::from(real).wrapping_sub(foreseen.into());
                let off = self.numbers.signed(side, (Meaning::Length as u32) << 4 | group, off)?;
                u8::try_from(u32::from(foreseen).wrapping_add(off) & 15).unwrap_or(0)
            };
            header.set_length(n, value);
        }
        Ok(())
    }

    fn runs<S: Side>(&mut self, side: &mut S, header: &mut Header<'_>) -> Result<(), S::Error> {
        header.predict_runs();
        let right = side.header().is_none_or(|real| real.runs().eq(header.runs()));
        if self.flag(side, Flag::Runs, 0, right)? {
            return Ok(());
        }
        header.clear_runs();
        let (mut n, mut number) = (0usize, 0usize);
        while n < header.len() {
            let foreseen = header.next_run(n);
            let real = side.header().and_then(|real| real.run(number)).unwrap_or(foreseen);
            let run = if self.flag(side, Flag::Run, 0, real == foreseen)? {
                foreseen
            } else {
                let symbol = u32::from(real.symbol).saturating_sub(15);
                let symbol = self.known(side, (Meaning::Run, 0), symbol)?.min(3);
                let symbol = match u8::try_from(symbol) {
                    Ok(far @ 1..) => far.wrapping_add(15),
                    _ => header.length(n),
                };
                let (least, most) = Run::range(symbol);
                let more = u32::from(real.count.saturating_sub(least));
                let more = self.known(side, (Meaning::RunCount, u32::from(symbol & 3)), more)?;
                let more = u8::try_from(more).unwrap_or(u8::MAX);
                Run { symbol, count: least.saturating_add(more).min(most) }
            };
            header.push_run(run);
            n = n.wrapping_add(usize::from(run.count.max(1)));
            number = number.wrapping_add(1);
        }
        Ok(())
    }

    fn code<S: Side>(&mut self, side: &mut S, header: &mut Header<'_>) -> Result<(), S::Error> {
        let real = side.header().map(|real| real.of_lengths);
        if !self.flag(side, Flag::Code, 0, real.is_none_or(|real| real == header.of_lengths))? {
            let real = real.unwrap_or([0; LENGTHS]);
            for symbol in ORDER {
                let value = u32::from(at::<u8>(&real, symbol));
                let foreseen = u32::from(at::<u8>(&header.of_lengths, symbol));
                let value = self.known(side, (Meaning::Code, foreseen), value)? & 7;
                put(&mut header.of_lengths, symbol, u8::try_from(value).unwrap_or(0));
            }
        }
        header.sent = header.least_sent();
        let real = side.header().map_or(header.sent, |real| real.sent);
        if !self.flag(side, Flag::Sent, 0, real == header.sent)? {
            let value = u32::try_from(real.saturating_sub(SENT)).unwrap_or(0);
            let value = self.known(side, (Meaning::Sent, 0), value)? & 15;
            header.sent = usize::try_from(value).unwrap_or(0).wrapping_add(SENT).min(LENGTHS);
        }
        Ok(())
    }
}

/// Whether two codes are the same and sent alike.
fn same(one: &Header<'_>, other: &Header<'_>) -> bool {
    let counts = |header: &Header<'_>| (header.literals, header.distances, header.sent, header.of_lengths);
    counts(one) == counts(other)
        && (0..one.len()).all(|n| one.length(n) == other.length(n))
        && one.runs().eq(other.runs())
}
