//! Numbers: their size in unary, then their digits, the last two of them with memory.
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
            let bit = if at < 2 {
                self.bit(bits, context | 128 | at << 2 | digits.min(3), bit)?
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

#[cfg(test)]
mod tests {
    use super::Numbers;
    use crate::bits::tests::{Encoder, Feed};
    use crate::bits::{Bits, Decoder, Position};
    use core::fmt::Debug;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// How a number is coded.
    #[derive(Clone, Copy, Debug)]
    enum Way {
        Number,
        Signed,
        Round,
    }

    fn code<B: Bits<Error: Debug>>(
        numbers: &mut Numbers<'_>,
        bits: &mut B,
        item: (Way, u32),
        value: u32,
    ) -> u32 {
        let (way, context) = item;
        match way {
            Way::Number => numbers.number(bits, context, value),
            Way::Signed => numbers.signed(bits, context, value),
            Way::Round => numbers.round(bits, context, value),
        }
        .unwrap()
    }

    fn encoded(cells: usize, items: &[((Way, u32), u32)]) -> Vec<u8> {
        let mut cells = vec![7; cells];
        let mut numbers = Numbers::new(&mut cells);
        numbers.reset();
        let mut encoder = Encoder::new();
        for (item, value) in items {
            assert_eq!(code(&mut numbers, &mut encoder, *item, *value), *value);
        }
        encoder.finish()
    }

    fn decoded(cells: usize, items: &[((Way, u32), u32)], octets: &[u8]) -> Vec<u32> {
        let mut cells = vec![9; cells];
        let mut numbers = Numbers::new(&mut cells);
        numbers.reset();
        let mut feed = Feed(octets);
        let mut position = Position::start(&mut feed).unwrap();
        let mut decoder = Decoder::new(&mut position, feed);
        items.iter().map(|(item, _)| code(&mut numbers, &mut decoder, *item, 0)).collect()
    }

    prop_compose! {
        /// Numbers of every size, the extremes among them.
        fn items()(of in prop::collection::vec((0u8..3, 0u32..1 << 14, any::<u32>(), 0u32..=32), 0..200)) -> Vec<((Way, u32), u32)> {
            of.into_iter().map(|(way, context, value, shift)| {
                let way = [Way::Number, Way::Signed, Way::Round][usize::from(way)];
                let value = value.checked_shr(shift).unwrap_or(u32::MAX);
                ((way, context), if shift % 5 == 1 { value.wrapping_neg() } else { value })
            }).collect()
        }
    }

    proptest! {
        #[test]
        fn numbers_are_decoded_as_they_were_encoded(items in items(), cells in 0usize..300) {
            let values: Vec<u32> = items.iter().map(|(_, value)| *value).collect();
            prop_assert_eq!(decoded(cells, &items, &encoded(cells, &items)), values);
        }

        #[test]
        fn hostile_octets_are_some_numbers(items in items(), cells in 0usize..300, octets in prop::collection::vec(any::<u8>(), 0..500)) {
            prop_assert_eq!(decoded(cells, &items, &octets).len(), items.len());
        }
    }

    #[test]
    fn the_extremes_of_every_way() {
        let values = [0, 1, 2, 3, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, u32::MAX - 1, u32::MAX];
        let items: Vec<_> = [Way::Number, Way::Signed, Way::Round]
            .iter()
            .flat_map(|way| values.map(|value| ((*way, 5), value)))
            .collect();
        assert_eq!(decoded(64, &items, &encoded(64, &items)), [values, values, values].concat());
    }

    /// What repeats costs next to nothing, and a round address less than one that is not.
    #[test]
    fn numbers_are_learned() {
        let small = encoded(256, &[((Way::Number, 3), 2); 500]);
        assert!(small.len() < 20, "{}", small.len());
        // its size and four of its nine digits are learned, five are not
        let large = encoded(256, &[((Way::Number, 3), 1000); 500]);
        assert!(large.len() < 500, "{}", large.len());
        let round = encoded(64, &[((Way::Round, 3), 0x2000_0000)]);
        let plain = encoded(64, &[((Way::Number, 3), 0x2000_0000)]);
        assert!(round.len() < plain.len());
    }
}
