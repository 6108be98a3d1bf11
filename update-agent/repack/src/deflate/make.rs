//! Making a stream again.
//!
//! ```text
//!  plain ─► window ─ predict, correct ─► tokens of a block ─► counts ─► code lengths, correct ─► bits ─► compressed
//! ```
//! A block's tokens are gathered before the first bit of it is written, for its code depends on all of them.
use super::chains::{self, Chains};
use super::correct::{Facts, Model, Side};
use super::header::{self, Header};
use super::huffman::{FIXED_DISTANCE, codes, fixed};
use super::predict::{Extent, Predictor};
use super::tree::{self, Forest};
use super::{
    CODE_MAX, CODES, Coding, DISTANCES, END, Error, Fault, LITERALS, Manner, Token, at, change,
    distance_extra, length_extra,
};

/// Words of memory apart from window and tokens.
const FIXED_WORDS: usize = tree::WORDS + header::WORDS + CODES + CODES / 2 + CODES / 4;

/// Makes a stream.
#[derive(Debug)]
pub struct Maker<'m> {
    manner: Manner,
    room: Room,
    chains: Chains<'m>,
    predictor: Predictor,
    forest: Forest<'m>,
    header: Header<'m>,
    /// How often each literal and length comes, and behind them each distance.
    counts: &'m mut [u32],
    /// The codes, in the same order, and their lengths.
    codes: &'m mut [u16],
    lengths: &'m mut [u8],
    /// Three octets for each token of the block.
    tokens: &'m mut [u8],
    held: usize,
    /// Octets of the stream that have become tokens.
    at: u32,
    last: bool,
    part: Part,
    bits: Bits,
}

/// What is written next.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Nothing: the next block has to be gathered.
    Gather,
    /// The length of the code for a code length, by its place in the order.
    Lengths(usize),
    /// A run of code lengths.
    Runs(usize),
    /// A token.
    Tokens(usize),
    /// The length of a stored block that starts at a position, in a raw one with the octets that were not looked at yet.
    Stored { at: u32, len: u32, raw: bool },
    /// An octet of it, and how many are left.
    Octets { at: u32, left: u32, raw: bool },
    /// Everything is written.
    Over,
}

/// Bits that are not whole octets yet, the first lowest.
#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    held: u64,
    count: u32,
}

impl Bits {
    /// Adds bits; at most 48 are added before they are taken.
    const fn put(&mut self, bits: u32, count: u32) {
        self.held |= (bits as u64).wrapping_shl(self.count);
        self.count = self.count.wrapping_add(count);
    }

    /// Fills the last octet up.
    const fn align(&mut self) {
        self.count = self.count.wrapping_add(7) & !7;
    }

    fn take(&mut self) -> Option<u8> {
        self.count = self.count.checked_sub(8)?;
        let [octet, ..] = self.held.to_le_bytes();
        self.held >>= 8;
        Some(octet)
    }
}

/// What memory making streams needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Tokens of a block.
    pub tokens: u32,
    /// Window and chains.
    pub window: chains::Room,
}

impl Room {
    /// For a stream of so many octets.
    pub fn new(manner: &Manner, plain: u32) -> Self {
        Self { tokens: manner.tokens.min(plain), window: chains::Room::new(manner, plain) }
    }

    /// What serves both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { tokens: self.tokens.max(other.tokens), window: self.window.or(other.window) }
    }

    /// Words of memory.
    pub fn words(&self) -> usize {
        FIXED_WORDS.saturating_add(self.token_words()).saturating_add(self.window.words())
    }

    fn token_words(&self) -> usize {
        usize::try_from(self.tokens.saturating_mul(3).div_ceil(4)).unwrap_or(usize::MAX)
    }
}

impl<'m> Maker<'m> {
    /// Makes streams in these words.
    pub fn new(room: Room, words: &'m mut [u32]) -> Result<Self, Fault> {
        let short = Fault::Memory { words: room.words() };
        let (part, rest) = words.split_at_mut_checked(tree::WORDS).ok_or(short)?;
        let forest = Forest::new(part).ok_or(short)?;
        let (part, rest) = rest.split_at_mut_checked(header::WORDS).ok_or(short)?;
        let header = Header::new(part).ok_or(short)?;
        let (counts, rest) = rest.split_at_mut_checked(CODES).ok_or(short)?;
        let (codes, rest) = rest.split_at_mut_checked(CODES / 2).ok_or(short)?;
        let (lengths, rest) = rest.split_at_mut_checked(CODES / 4).ok_or(short)?;
        let (tokens, rest) = rest.split_at_mut_checked(room.token_words()).ok_or(short)?;
        let manner = Manner::zlib(0, 1);
        Ok(Self {
            manner,
            room,
            chains: Chains::new(room.window, rest)?,
            predictor: Predictor::new(&manner),
            forest,
            header,
            counts,
            codes: bytemuck::try_cast_slice_mut(codes).unwrap_or_default(),
            lengths: bytemuck::try_cast_slice_mut(lengths).unwrap_or_default(),
            tokens: bytemuck::try_cast_slice_mut(tokens).unwrap_or_default(),
            held: 0,
            at: 0,
            last: true,
            part: Part::Over,
            bits: Bits::default(),
        })
    }

    /// Begins with a stream of so many plain octets.
    pub fn start(&mut self, manner: Manner, plain: u32) -> Result<(), Fault> {
        if !manner.is_sound() {
            return Err(Fault::Manner);
        }
        let room = Room::new(&manner, plain);
        if room.or(self.room) != self.room {
            return Err(Fault::Memory { words: room.words() });
        }
        self.chains.start(&manner, plain)?;
        self.predictor = Predictor::new(&manner);
        self.manner = manner;
        self.held = 0;
        self.at = 0;
        self.last = false;
        self.part = Part::Gather;
        self.bits = Bits::default();
        Ok(())
    }

    /// Plain octets that have been decided on.
    pub const fn done(&self) -> u32 {
        self.at
    }

    /// Whether everything is written.
    pub const fn is_over(&self) -> bool {
        matches!(self.part, Part::Over) && self.bits.count < 8
    }

    /// Fills the front of `out` with the next octets of the stream and returns how many: less than `out` holds only at its
    /// end.
    pub fn fill<S: Side>(
        &mut self,
        side: &mut S,
        model: &mut Model<'_>,
        out: &mut [u8],
    ) -> Result<usize, Error<S::Error>> {
        let mut made = 0usize;
        let mut places = out.iter_mut();
        while places.len() > 0 {
            if let Some(octet) = self.bits.take() {
                if let Some(place) = places.next() {
                    *place = octet;
                    made = made.wrapping_add(1);
                }
            } else if matches!(self.part, Part::Over) {
                break;
            } else {
                self.part = self.write(side, model)?;
            }
        }
        Ok(made)
    }

    /// Writes some bits; returns what comes next.
    fn write<S: Side>(&mut self, side: &mut S, model: &mut Model<'_>) -> Result<Part, Error<S::Error>> {
        Ok(match self.part {
            Part::Gather => {
                if self.last {
                    if self.chains.left(self.at) > 0 {
                        return Err(Fault::Size.into());
                    }
                    self.bits.align();
                    return Ok(Part::Over);
                }
                self.block(side, model)?
            }
            Part::Lengths(n) => {
                let symbol = header::ORDER.get(n).filter(|_| n < self.header.sent);
                let Some(symbol) = symbol else {
                    let lengths = self.header.of_lengths;
                    self.code(0, &lengths);
                    return Ok(Part::Runs(0));
                };
                let length = at::<u8>(&self.header.of_lengths, *symbol);
                self.bits.put(length.into(), 3);
                Part::Lengths(n.wrapping_add(1))
            }
            Part::Runs(n) => {
                let Some(run) = self.header.run(n) else {
                    self.own_code();
                    return Ok(Part::Tokens(0));
                };
                self.symbol(run.symbol.into());
                let (count, bits) = run.extra();
                self.bits.put(bits, count);
                Part::Runs(n.wrapping_add(1))
            }
            Part::Tokens(n) => {
                let Some(token) = self.token(n) else {
                    self.symbol(END);
                    return Ok(Part::Gather);
                };
                let symbol = token.symbol();
                self.symbol(symbol.code);
                self.bits.put(symbol.bits, symbol.count);
                if let Some(symbol) = token.distance_symbol() {
                    self.symbol(symbol.code.wrapping_add(LITERALS));
                    self.bits.put(symbol.bits, symbol.count);
                }
                Part::Tokens(n.wrapping_add(1))
            }
            Part::Stored { at, len, raw } => {
                self.bits.align();
                self.bits.put(len & 0xFFFF | len.wrapping_shl(16) ^ 0xFFFF_0000, 32);
                Part::Octets { at, left: len, raw }
            }
            Part::Octets { at, left, raw } => {
                let Some(left) = left.checked_sub(1) else { return Ok(Part::Gather) };
                let next = at.wrapping_add(1);
                if raw {
                    self.get(side, at)?;
                    self.predictor.pass(&mut self.chains, at, Token::literal(0));
                    self.chains.list(if self.manner.level == 0 { 0 } else { next });
                    self.at = next;
                }
                self.bits.put(self.chains.octet(at).into(), 8);
                Part::Octets { at: next, left, raw }
            }
            Part::Over => Part::Over,
        })
    }

    /// The token number `n` of the block.
    fn token(&self, n: usize) -> Option<Token> {
        let octets = self.tokens.as_chunks::<3>().0.get(n).filter(|_| n < self.held)?;
        Some(Token::from_octets(*octets))
    }

    /// Writes a symbol of the code.
    fn symbol(&mut self, symbol: usize) {
        self.bits.put(at::<u16>(self.codes, symbol).into(), at::<u8>(self.lengths, symbol).into());
    }

    /// Makes the code of these lengths that of the symbols from `first` on.
    fn code(&mut self, first: usize, lengths: &[u8]) {
        for (place, length) in self.lengths.iter_mut().skip(first).zip(lengths) {
            *place = *length;
        }
        codes(lengths, self.codes.get_mut(first..).unwrap_or_default());
    }

    /// Makes the code of the block that of its tokens.
    fn own_code(&mut self) {
        let (literals, distances) = self.header.lengths();
        for (place, length) in self.lengths.iter_mut().zip(literals.iter().chain(distances)) {
            *place = *length;
        }
        let (left, right) = self.codes.split_at_mut_checked(LITERALS).unwrap_or_default();
        codes(literals, left);
        codes(distances, right);
    }

    /// Gets the plain octets that are needed to decide on the one at `position`.
    fn get<S: Side>(&mut self, side: &mut S, position: u32) -> Result<(), Error<S::Error>> {
        self.chains.fill(position, |out| side.plain(out)).map_err(Error::Input)
    }

    /// Takes up the next block.
    fn block<S: Side>(&mut self, side: &mut S, model: &mut Model<'_>) -> Result<Part, Error<S::Error>> {
        let facts = side.block();
        let start = model.start(side, facts).map_err(Error::Input)?;
        let from = self.at;
        if let Some(len) = start.raw {
            if len > self.chains.left(from) || len > 0xFFFF {
                return Err(Fault::Size.into());
            }
            self.predictor.corrected();
            self.begin(start);
            return Ok(Part::Stored { at: from, len, raw: true });
        }
        let octets = self.gather(side, model, start.tokens)?;
        let foreseen = self.foresee(octets);
        let facts = model.end(side, foreseen, facts).map_err(Error::Input)?;
        self.begin(facts);
        match facts.coding {
            Coding::Stored => {
                side.stored(octets);
                if octets > self.manner.stored || octets > 0xFFFF {
                    return Err(Fault::Size.into());
                }
                Ok(Part::Stored { at: from, len: octets, raw: false })
            }
            Coding::Fixed => {
                let mut lengths = [0; LITERALS];
                for (symbol, length) in lengths.iter_mut().enumerate() {
                    *length = fixed(symbol);
                }
                self.code(0, &lengths);
                self.code(LITERALS, &[FIXED_DISTANCE; DISTANCES]);
                Ok(Part::Tokens(0))
            }
            Coding::Dynamic => {
                model.header(side, &mut self.header, &mut self.forest).map_err(Error::Input)?;
                let count = |n: usize, least| u32::try_from(n).unwrap_or(0).wrapping_sub(least);
                self.bits.put(count(self.header.literals, 257) & 31, 5);
                self.bits.put(count(self.header.distances, 1) & 31, 5);
                self.bits.put(count(self.header.sent, 4) & 15, 4);
                Ok(Part::Lengths(0))
            }
        }
    }

    /// Writes the first bits of a block.
    fn begin(&mut self, facts: Facts) {
        let coding = match facts.coding {
            Coding::Stored => 0,
            Coding::Fixed => 1,
            Coding::Dynamic => 2,
        };
        self.last = facts.last;
        self.bits.put(u32::from(facts.last) | coding << 1, 3);
    }

    /// Gathers the tokens of a block, of which there are so many if the number was not foreseen; returns its octets.
    fn gather<S: Side>(
        &mut self,
        side: &mut S,
        model: &mut Model<'_>,
        tokens: Option<u32>,
    ) -> Result<u32, Error<S::Error>> {
        self.counts.fill(0);
        self.held = 0;
        let mut extent = Extent::new(&self.manner);
        let mut ended = tokens == Some(0);
        while !ended && self.chains.left(self.at) > 0 {
            let position = self.at;
            self.get(side, position)?;
            let foreseen = self.predictor.token(&mut self.chains, position);
            let real = side.token(foreseen);
            let token = model.token(side, &self.chains, position, foreseen, real)?;
            if token != foreseen {
                self.predictor.corrected();
            }
            self.predictor.pass(&mut self.chains, position, token);
            let short = Fault::Memory { words: self.room.words() };
            let place = self.tokens.as_chunks_mut::<3>().0.get_mut(self.held).ok_or(short)?;
            *place = token.to_octets();
            self.held = self.held.wrapping_add(1);
            self.at = position.wrapping_add(token.length());
            self.count(token.symbol().code);
            if let Some(symbol) = token.distance_symbol() {
                self.count(symbol.code.wrapping_add(LITERALS));
            }
            ended = extent.push(token);
            if let Some(tokens) = tokens {
                ended = extent.tokens() >= tokens;
            }
        }
        if tokens.is_some_and(|tokens| tokens != extent.tokens()) {
            return Err(Fault::Size.into());
        }
        self.count(END);
        Ok(extent.octets())
    }

    fn count(&mut self, symbol: usize) {
        change(self.counts, symbol, |count| count.wrapping_add(1));
    }

    /// What zlib makes of the tokens: whichever coding takes the fewest octets.
    fn foresee(&mut self, octets: u32) -> Facts {
        let (literals, distances) = self.counts.split_at_checked(LITERALS).unwrap_or_default();
        let (of_literals, of_distances) = self.header.lengths_mut();
        let sent = self.forest.lengths(literals.get(..286).unwrap_or_default(), CODE_MAX, of_literals);
        let sent_distances =
            self.forest.lengths(distances.get(..30).unwrap_or_default(), CODE_MAX, of_distances);
        self.header.literals = sent;
        self.header.distances = sent_distances;
        self.header.predict_runs();
        self.header.predict_code(&mut self.forest);
        let (own, by_rfc) = self.tokens_bits();
        let whole = |bits: u32| bits.saturating_add(3 + 7) >> 3;
        let own = whole(own.saturating_add(self.header.bits()));
        let by_rfc = whole(by_rfc);
        let coding = if octets.saturating_add(4) <= own.min(by_rfc) {
            Coding::Stored
        } else if by_rfc <= own {
            Coding::Fixed
        } else {
            Coding::Dynamic
        };
        Facts { coding, last: self.chains.left(self.at) == 0, raw: None, tokens: None }
    }

    /// Bits that the tokens take in their own code, and in the fixed one.
    fn tokens_bits(&self) -> (u32, u32) {
        let (literals, distances) = self.counts.split_at_checked(LITERALS).unwrap_or_default();
        let (of_literals, of_distances) = self.header.lengths();
        let (mut own, mut by_rfc) = (0u32, 0u32);
        let mut add = |count: u32, length: u8, other: u8, extra: u32| {
            let bits = |length: u8| count.wrapping_mul(extra.wrapping_add(length.into()));
            own = own.wrapping_add(bits(length));
            by_rfc = by_rfc.wrapping_add(bits(other));
        };
        for (symbol, (count, length)) in literals.iter().zip(of_literals).enumerate() {
            add(*count, *length, fixed(symbol), length_extra(symbol));
        }
        for (symbol, (count, length)) in distances.iter().zip(of_distances).enumerate() {
            add(*count, *length, FIXED_DISTANCE, distance_extra(symbol));
        }
        (own, by_rfc)
    }
}
