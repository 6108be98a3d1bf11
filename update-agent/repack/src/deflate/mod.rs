//! DEFLATE (RFC 1951), as zlib (RFC 1950), gzip (RFC 1952), ZIP and PNG hold it.
//!
//! ```text
//!  compressed ─ inflate ─► tokens, blocks, codes ─► plain
//!                                 ▲
//!  plain ─► chains ─► predict ─► tokens ─► tree, header ─► blocks ─ make ─► compressed
//!                         ▲                    ▲
//!                         └── correct (recipe) ┘
//! ```
//! Nearly all streams come from zlib, from its relatives that decide as it does, or from gzip. Their decisions follow from
//! the plain octets and a few parameters ([`Manner`]): which earlier octets are repeated, where a block ends, which code
//! lengths it gets. [`make::Maker`] decides likewise. What another encoder decided otherwise is a correction.
pub mod chains;
pub mod correct;
pub mod header;
pub mod huffman;
pub mod inflate;
pub mod make;
pub mod predict;
pub mod tree;

use core::fmt;

/// The shortest and the longest copy.
pub const COPY: (u32, u32) = (3, 258);
/// Symbols of the literal and length code, two of which no stream uses.
pub const LITERALS: usize = 288;
/// Symbols of the distance code, two of which no stream uses.
pub const DISTANCES: usize = 32;
/// Symbols of the code for code lengths.
pub const LENGTHS: usize = 19;
/// Symbols of both.
const CODES: usize = LITERALS + DISTANCES;
/// The symbol that ends a block.
pub const END: usize = 256;
/// The longest code of a literal, length or distance.
pub const CODE_MAX: u8 = 15;

/// A literal, or a copy of earlier octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// The literal, or the length of the copy less 3.
    pub value: u8,
    /// How far back the copied octets are, 1 to 32768; 0: a literal.
    pub distance: u16,
}

impl Token {
    /// A literal.
    pub const fn literal(value: u8) -> Self {
        Self { value, distance: 0 }
    }

    /// A copy of `length` octets, 3 to 258.
    pub fn copy(length: u32, distance: u32) -> Self {
        let value = u8::try_from(length.saturating_sub(COPY.0)).unwrap_or(u8::MAX);
        Self { value, distance: u16::try_from(distance).unwrap_or(0) }
    }

    /// Whether it is a literal.
    pub const fn is_literal(self) -> bool {
        self.distance == 0
    }

    /// How many octets it makes.
    pub fn length(self) -> u32 {
        if self.is_literal() { 1 } else { u32::from(self.value).wrapping_add(COPY.0) }
    }

    /// Its symbol in the literal and length code, and its extra bits.
    pub fn symbol(self) -> Symbol {
        if self.is_literal() {
            return Symbol { code: usize::from(self.value), count: 0, bits: 0 };
        }
        let value = u32::from(self.value);
        let (code, count) = match value {
            255 => (28, 0),
            0..8 => (value, 0),
            _ => {
                let count = value.ilog2().wrapping_sub(2);
                ((count << 2).wrapping_add(value.wrapping_shr(count)), count)
            }
        };
        Symbol::new(code.wrapping_add(257), count, value)
    }

    /// The symbol of its distance, and its extra bits; nothing in a literal.
    pub fn distance_symbol(self) -> Option<Symbol> {
        let value = u32::from(self.distance).checked_sub(1)?;
        if value < 4 {
            return Some(Symbol::new(value, 0, 0));
        }
        let count = value.ilog2().wrapping_sub(1);
        Some(Symbol::new((count << 1).wrapping_add(value.wrapping_shr(count)), count, value))
    }

    const fn to_octets(self) -> [u8; 3] {
        let [low, high] = self.distance.to_le_bytes();
        [self.value, low, high]
    }

    const fn from_octets([value, low, high]: [u8; 3]) -> Self {
        Self { value, distance: u16::from_le_bytes([low, high]) }
    }
}

/// A symbol of a code, and the bits that stand behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The symbol.
    pub code: usize,
    /// How many extra bits there are.
    pub count: u32,
    /// The extra bits.
    pub bits: u32,
}

impl Symbol {
    fn new(code: u32, count: u32, value: u32) -> Self {
        let mask = 1u32.wrapping_shl(count).wrapping_sub(1);
        Self { code: usize::try_from(code).unwrap_or(0), count, bits: value & mask }
    }
}

/// How many extra bits stand behind a symbol of the literal and length code.
pub fn length_extra(code: usize) -> u32 {
    match u32::try_from(code) {
        Ok(code @ 265..=284) => (code.wrapping_sub(257) >> 2).wrapping_sub(1),
        _ => 0,
    }
}

/// How many extra bits stand behind a symbol of the distance code.
pub fn distance_extra(code: usize) -> u32 {
    match u32::try_from(code) {
        Ok(code @ 4..=29) => (code >> 1).wrapping_sub(1),
        _ => 0,
    }
}

/// How a block is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    #[default]
    Stored,
    /// By the code that the RFC lists.
    Fixed,
    /// By a code that stands at the start of the block.
    Dynamic,
}

/// The parameters of an encoder of zlib's family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// The level, 1 to 9; at 0 nothing is predicted.
    pub level: u8,
    /// Copies of up to five octets are left alone (zlib's `Z_FILTERED`).
    pub filtered: bool,
    /// Blocks end where the program gzip thinks it pays.
    pub gzip: bool,
    /// The window has 2^this octets, 9 to 15.
    pub window_bits: u8,
    /// The hash of three octets has so many bits, 8 to 16; zlib's `memLevel` and 7.
    pub hash_bits: u8,
    /// Tokens after which a block ends.
    pub limit: u32,
    /// The most tokens that a block has: what room is needed for.
    pub tokens: u32,
    /// The most octets of a block that was first tried with tokens and then stored.
    pub stored: u32,
}

impl Manner {
    /// What zlib does at a level with its `memLevel` of 1 to 9.
    pub fn zlib(level: u8, memory: u8) -> Self {
        let limit = 1u32.wrapping_shl(u32::from(memory.min(9)).wrapping_add(6)).wrapping_sub(1);
        Self {
            level,
            filtered: false,
            gzip: false,
            window_bits: 15,
            hash_bits: memory.min(9).saturating_add(7),
            limit,
            tokens: limit,
            stored: 0,
        }
    }

    /// What the program gzip does at a level.
    pub fn gzip(level: u8) -> Self {
        Self { gzip: true, hash_bits: 15, ..Self::zlib(level, 9) }
    }

    /// Whether the ranges are kept that the fields tell.
    pub const fn is_sound(&self) -> bool {
        self.level <= 9
            && self.window_bits >= 9
            && self.window_bits <= 15
            && self.hash_bits >= 8
            && self.hash_bits <= 16
            && self.limit > 0
            && self.stored <= 1 << 16
    }

    /// Octets of the window.
    const fn window(&self) -> u32 {
        1u32.wrapping_shl(self.window_bits as u32)
    }
}

/// What is wrong with a stream or a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// More words of memory are needed than were lent.
    Memory {
        /// How many in all.
        words: usize,
    },
    /// The stream ends too early.
    Truncated,
    /// A block of a type that does not exist, or whose lengths contradict each other.
    Block,
    /// A code that is none, or a symbol that is none.
    Code,
    /// A copy from before the start.
    Distance,
    /// More or fewer plain octets than were announced.
    Size,
    /// A decision that cannot be told: a length coded the long way, or padding that is not zero.
    Unusual,
    /// Parameters out of their range.
    Manner,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory { words } => return write!(f, "{words} words of memory are needed"),
            Self::Truncated => "the stream ends too early",
            Self::Block => "a block that is none",
            Self::Code => "a code that is none",
            Self::Distance => "a copy from before the start",
            Self::Size => "another number of octets than announced",
            Self::Unusual => "a decision that cannot be told",
            Self::Manner => "parameters out of their range",
        })
    }
}

impl core::error::Error for Fault {}

/// Why a stream cannot be read or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// Octets could not be got.
    Input(E),
    /// They are not what they should be.
    Fault(Fault),
}

impl<E> From<Fault> for Error<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => write!(f, "octets could not be got: {error}"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Input(error) => Some(error),
            Self::Fault(_) => None,
        }
    }
}

/// The element at `at`, or nothing of it.
fn at<T: Copy + Default>(list: &[T], at: usize) -> T {
    list.get(at).copied().unwrap_or_default()
}

/// Puts `value` at `at`, if there is such a place.
fn put<T>(list: &mut [T], at: usize, value: T) {
    if let Some(place) = list.get_mut(at) {
        *place = value;
    }
}

/// Changes the element at `at`, if there is one.
fn change<T: Copy>(list: &mut [T], at: usize, how: impl FnOnce(T) -> T) {
    if let Some(place) = list.get_mut(at) {
        *place = how(*place);
    }
}
