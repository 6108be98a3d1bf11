//! Numbers: their size in unary, then their digits, the first and the last of them with memory.
use crate::bits::Bits;
use crate::predict::coarse;

/// Counters of the bits of numbers. Every length works.
#[derive(Debug)]
pub struct Numbers<'m> {
    cells: &'m mut [u16],
}

/// The memory of a counter, in bits.
const LIMIT: u16 = 14;
/// A place in the contexts apart from all others, for the sign.
const SIGN: u32 = 255;

impl<'m> Numbers<'m> {
    /// Numbers with these counters, as they are.
    pub const fn new(cells: &'m mut [u16]) -> Self {
        Self { cells }
    }

    /// The counters.
    pub const fn cells(&mut self) -> &mut [u16] {
        self.cells
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.cells.fill(coarse::FRESH);
    }

    fn bit<B: Bits>(&mut self, bits: &mut B, context: u32, bit: bool) -> Result<bool, B::Error> {
        let place = crate::slot(crate::hash(context, 77), self.cells.len());
        let Some(cell) = self.cells.get_mut(place) else { return bits.bit(1 << 15, bit) };
        let bit = bits.bit(coarse::p(*cell), bit)?;
        coarse::learn(cell, bit, LIMIT);
        Ok(bit)
    }

    /// Codes a number; `context`, below 2^24, names what it means.
    pub fn number<B: Bits>(&mut self, bits: &mut B, context: u32, value: u32) -> Result<u32, B::Error> {
        let context = context << 8;
        let actual = u64::from(value).wrapping_add(1);
        let size = 63u32.wrapping_sub(actual.leading_zeros());
        let mut digits = 0u32;
        while digits < 32 && self.bit(bits, context | digits, size > digits)? {
            digits = digits.wrapping_add(1);
        }
        let mut made = 1u64;
        for at in (0..digits).rev() {
            let bit = actual >> at & 1 == 1;
            let known = digits.wrapping_sub(at);
            let bit = if at < 2 {
                self.bit(bits, context | 128 | at << 3 | digits.min(7), bit)?
            } else if known <= 2 {
                self.bit(bits, context | 64 | (digits << 1 & 31) | known.wrapping_sub(1), bit)?
            } else {
                bits.bit(1 << 15, bit)?
            };
            made = made << 1 | u64::from(bit);
        }
        // At most 2^33 - 1 - 1 can have been made: what a hostile stream puts above 32 bits is cut off.
        Ok(u32::try_from(made.wrapping_sub(1) & u64::from(u32::MAX)).unwrap_or(0))
    }

    /// Codes a number that may be negative, as the 32 bits of its two's complement.
    pub fn signed<B: Bits>(&mut self, bits: &mut B, context: u32, value: u32) -> Result<u32, B::Error> {
        let value = value.cast_signed();
        let negative = self.bit(bits, context << 8 | SIGN, value < 0)?;
        let magnitude = self.number(bits, context, value.unsigned_abs())?;
        Ok(if negative { magnitude.wrapping_neg() } else { magnitude })
    }

    /// Codes a number that likely ends in many zero bits, as addresses do.
    pub fn round<B: Bits>(&mut self, bits: &mut B, context: u32, value: u32) -> Result<u32, B::Error> {
        let zeros = self.number(bits, context, value.trailing_zeros())?;
        if zeros >= 32 {
            return Ok(0);
        }
        let rest = self.number(bits, context | 1 << 23, value.wrapping_shr(zeros) >> 1)?;
        Ok((rest << 1 | 1).wrapping_shl(zeros))
    }
}
