//! What zlib would do next.
//!
//! At the fast levels it takes the first copy it finds. At the others it looks at the next position too, and if there is a
//! longer copy, the octet before it stays a literal.
use super::chains::{Chains, Effort};
use super::{COPY, Manner, Token, distance_extra};

/// A copy of three octets from farther away is no gain, zlib thinks.
const FAR: u32 = 4096;
/// Levels up to this one take the first copy.
const FAST: u8 = 3;
/// How often gzip asks whether to end a block, in tokens.
const GZIP_ASKS: u32 = 0xFFF;
/// From this level on gzip asks.
const GZIP_LEVEL: u8 = 3;

/// The effort of a level.
fn effort(level: u8) -> Effort {
    let (good, lazy, nice, chain) = match level {
        0 | 1 => (4, 4, 8, 4),
        2 => (4, 5, 16, 8),
        3 => (4, 6, 32, 32),
        4 => (4, 4, 16, 16),
        5 => (8, 16, 32, 32),
        6 => (8, 16, 128, 128),
        7 => (8, 32, 128, 256),
        8 => (32, 128, 258, 1024),
        _ => (32, 258, 258, 4096),
    };
    Effort { good, lazy, nice, chain }
}

/// Foresees one token after the other.
#[derive(Clone, Copy, Debug)]
pub struct Predictor {
    effort: Effort,
    level: u8,
    filtered: bool,
    /// The copy at the next position that made the last token a literal.
    waiting: Option<(u32, u32)>,
}

impl Predictor {
    /// At the start of a stream.
    pub fn new(manner: &Manner) -> Self {
        Self { effort: effort(manner.level), level: manner.level, filtered: manner.filtered, waiting: None }
    }

    /// The token at `position`, from where on there are octets.
    pub fn token(&mut self, chains: &mut Chains<'_>, position: u32) -> Token {
        let literal = Token::literal(chains.octet(position));
        let waiting = self.waiting.take();
        if self.level == 0 {
            return literal;
        }
        let next = position.wrapping_add(1);
        chains.list(next);
        if self.level <= FAST {
            let copy = chains.search(position, COPY.0.wrapping_sub(1), &self.effort);
            return copy.map_or(literal, |(length, distance)| Token::copy(length, distance));
        }
        let copy = waiting.or_else(|| self.worthy(chains, position, COPY.0.wrapping_sub(1)));
        let Some((length, distance)) = copy else { return literal };
        chains.list(next.wrapping_add(1));
        if length < self.effort.lazy {
            self.waiting = self.worthy(chains, next, length);
        }
        if self.waiting.is_some() { literal } else { Token::copy(length, distance) }
    }

    /// A longer copy than one of `best` octets that is worth it.
    fn worthy(&self, chains: &Chains<'_>, position: u32, best: u32) -> Option<(u32, u32)> {
        let (length, distance) = chains.search(position, best, &self.effort)?;
        let poor = length <= 5 && (self.filtered || length == COPY.0 && distance > FAR);
        if poor { None } else { Some((length, distance)) }
    }

    /// Notes that another token than the one foreseen was taken.
    pub const fn corrected(&mut self) {
        self.waiting = None;
    }

    /// Goes past a token at `position`.
    pub fn pass(&self, chains: &mut Chains<'_>, position: u32, token: Token) {
        let length = token.length();
        let next = position.wrapping_add(length);
        let fast = self.level <= FAST && !token.is_literal();
        if self.level == 0 || fast && (length > self.effort.lazy || chains.left(next) < COPY.0) {
            chains.pass(next);
        }
    }
}

/// How far a block is, and when it ends.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    limit: u32,
    /// Ends where gzip thinks it pays.
    asks: bool,
    /// Whether the position that gzip reckons with is one too far.
    lazy: bool,
    tokens: u32,
    copies: u32,
    /// Octets of the block.
    octets: u32,
    /// Bits of the distances, five for each symbol.
    bits: u32,
}

impl Extent {
    /// At the start of a block.
    pub fn new(manner: &Manner) -> Self {
        Self {
            limit: manner.limit,
            asks: manner.gzip && manner.level >= GZIP_LEVEL,
            lazy: manner.level > FAST,
            tokens: 0,
            copies: 0,
            octets: 0,
            bits: 0,
        }
    }

    /// Tokens so far.
    pub const fn tokens(&self) -> u32 {
        self.tokens
    }

    /// Octets so far.
    pub const fn octets(&self) -> u32 {
        self.octets
    }

    /// One token more; true when the block ends behind it.
    pub fn push(&mut self, token: Token) -> bool {
        let before = self.octets;
        self.tokens = self.tokens.saturating_add(1);
        self.octets = before.saturating_add(token.length());
        if let Some(symbol) = token.distance_symbol() {
            self.copies = self.copies.saturating_add(1);
            self.bits = self.bits.saturating_add(distance_extra(symbol.code)).saturating_add(5);
        }
        if self.asks && self.tokens & GZIP_ASKS == 0 {
            let made = self.tokens.saturating_mul(8).saturating_add(self.bits) >> 3;
            let plain = before.saturating_add(u32::from(self.lazy));
            if self.copies < self.tokens / 2 && made < plain / 2 {
                return true;
            }
        }
        self.tokens >= self.limit
    }
}
