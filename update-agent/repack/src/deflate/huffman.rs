//! Canonical codes: from lengths to codes, and from bits to symbols.
use super::{CODE_MAX, Fault, at, change, put};

/// The lengths of the fixed literal and length code.
pub fn fixed(symbol: usize) -> u8 {
    match symbol {
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

/// The length of every fixed distance code.
pub const FIXED_DISTANCE: u8 = 5;

/// How many codes have which length.
type Counts = [u16; CODE_MAX as usize + 1];

fn counts(lengths: &[u8]) -> Counts {
    let mut counts = [0; CODE_MAX as usize + 1];
    for length in lengths.iter().filter(|length| **length > 0) {
        let place = usize::from(*length);
        change(&mut counts, place, |count: u16| count.wrapping_add(1));
    }
    counts
}

/// The codes of symbols with these lengths, their first bit lowest, as they are written.
pub fn codes(lengths: &[u8], codes: &mut [u16]) {
    let counts = counts(lengths);
    let mut next: Counts = [0; CODE_MAX as usize + 1];
    let mut code = 0u16;
    for (place, before) in next.iter_mut().skip(1).zip(&counts) {
        code = code.wrapping_add(*before) << 1;
        *place = code;
    }
    for (length, code) in lengths.iter().zip(codes) {
        let place = usize::from(*length);
        let straight = at::<u16>(&next, place);
        put(&mut next, place, straight.wrapping_add(1));
        let unused = 16u32.wrapping_sub(u32::from(*length));
        *code = if *length == 0 { 0 } else { straight.reverse_bits().wrapping_shr(unused) };
    }
}

/// A code to be read.
#[derive(Debug)]
pub struct Huffman<'m> {
    counts: Counts,
    symbols: &'m [u16],
}

impl<'m> Huffman<'m> {
    /// The code of symbols with these lengths; `symbols` has room for all of them. Refuses lengths of which there are too
    /// many; if codes are left over, they are no symbol's.
    pub fn new(lengths: &[u8], symbols: &'m mut [u16]) -> Result<Self, Fault> {
        let counts = counts(lengths);
        let mut left = 1i32;
        let mut starts: Counts = [0; CODE_MAX as usize + 1];
        let mut start = 0u16;
        for (place, count) in starts.iter_mut().zip(&counts).skip(1) {
            *place = start;
            start = start.wrapping_add(*count);
            left = left.wrapping_shl(1).wrapping_sub(i32::from(*count));
            if left < 0 {
                return Err(Fault::Code);
            }
        }
        for (symbol, length) in (0u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let place = usize::from(*length);
            let start = at::<u16>(&starts, place);
            put(symbols, usize::from(start), symbol);
            put(&mut starts, place, start.wrapping_add(1));
        }
        Ok(Self { counts, symbols })
    }

    /// The next symbol of the bits that `bit` gives.
    pub fn symbol<E>(
        &self,
        mut bit: impl FnMut() -> Result<u32, super::Error<E>>,
    ) -> Result<usize, super::Error<E>> {
        let (mut code, mut first, mut index) = (0u32, 0u32, 0u32);
        for count in self.counts.iter().skip(1) {
            let count = u32::from(*count);
            code |= bit()?;
            let beyond = code.wrapping_sub(first);
            if beyond < count {
                let place = usize::try_from(index.wrapping_add(beyond)).unwrap_or(usize::MAX);
                return Ok(usize::from(at::<u16>(self.symbols, place)));
            }
            index = index.wrapping_add(count);
            first = first.wrapping_add(count) << 1;
            code <<= 1;
        }
        Err(Fault::Code.into())
    }
}
