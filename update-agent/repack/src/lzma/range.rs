//! LZMA's range coder, both directions.
//!
//! A probability is a number of 11 bits that a clear bit is expected; it moves a 32nd of the way towards each bit seen.
//! The coder of a stream starts with an octet that is always zero and four more; it ends with five octets, of which a
//! decoder has no need, so that it has read the whole stream when it has read the last bit.
use kedge_delta::bits::Octets;

/// A probability that expects nothing.
pub(super) const FRESH: u16 = 1 << 10;
/// How fast a probability moves: by this part of the way, as a power of two.
const RATE: u32 = 5;
/// The bits of a probability.
const SCALE: u32 = 11;
/// Below this range there is an octet to shift out.
const TOP: u32 = 1 << 24;
/// Octets before the first bit: zero, and the first of the code.
const HEAD: u32 = 5;

/// Codes one bit after the other.
pub(super) trait Coins {
    /// Why it can fail.
    type Error;
    /// Codes a bit with a probability, which learns. An encoder codes `bit` and returns it; a decoder ignores it and returns
    /// the bit that was coded.
    fn bit(&mut self, cell: &mut u16, bit: bool) -> Result<bool, Self::Error>;
    /// Codes a bit that may be either.
    fn even(&mut self, bit: bool) -> Result<bool, Self::Error>;
}

/// Moves a probability towards `bit`.
const fn learn(cell: &mut u16, bit: bool) {
    *cell = if bit {
        cell.wrapping_sub(*cell >> RATE)
    } else {
        cell.wrapping_add((1u16 << SCALE).wrapping_sub(*cell) >> RATE)
    };
}

/// The part of `range` that stands for a clear bit.
fn bound(range: u32, cell: u16) -> u32 {
    (range >> SCALE).wrapping_mul(u32::from(cell))
}

/// Reads bits.
#[derive(Debug)]
pub(super) struct Decoder<'o, O> {
    octets: &'o mut O,
    range: u32,
    code: u32,
    read: u32,
}

impl<'o, O: Octets> Decoder<'o, O> {
    /// Reads the head of a stream; `None` if it does not start with zero.
    pub(super) fn start(octets: &'o mut O) -> Result<Option<Self>, O::Error> {
        let first = octets.next()?;
        let mut code = 0;
        for _ in 1..HEAD {
            code = code << 8 | u32::from(octets.next()?);
        }
        Ok((first == 0).then_some(Self { octets, range: u32::MAX, code, read: HEAD }))
    }

    /// Ends the stream: how many octets it has, or `None` if it does not end as an encoder would end it.
    pub(super) fn finish(mut self) -> Result<Option<u32>, O::Error> {
        self.shift()?;
        Ok((self.code == 0).then_some(self.read))
    }

    fn shift(&mut self) -> Result<(), O::Error> {
        if self.range < TOP {
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(self.octets.next()?);
            self.read = self.read.saturating_add(1);
        }
        Ok(())
    }
}

impl<O: Octets> Coins for Decoder<'_, O> {
    type Error = O::Error;

    fn bit(&mut self, cell: &mut u16, _: bool) -> Result<bool, O::Error> {
        self.shift()?;
        let bound = bound(self.range, *cell);
        let bit = self.code >= bound;
        if bit {
            self.range = self.range.wrapping_sub(bound);
            self.code = self.code.wrapping_sub(bound);
        } else {
            self.range = bound;
        }
        learn(cell, bit);
        Ok(bit)
    }

    fn even(&mut self, _: bool) -> Result<bool, O::Error> {
        self.shift()?;
        self.range >>= 1;
        let bit = self.code >= self.range;
        if bit {
            self.code = self.code.wrapping_sub(self.range);
        }
        Ok(bit)
    }
}

/// The octets that an encoder made do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The state of an encoder, without the octets it made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoder {
    low: u64,
    range: u32,
    /// The octet that may still get a carry, and how many octets of ones follow it, itself counted.
    last: u8,
    waiting: u32,
}

impl Encoder {
    /// The start of a stream.
    pub(super) const fn start() -> Self {
        Self { low: 0, range: u32::MAX, last: 0, waiting: 1 }
    }

    /// How many octets are made but not given out, as a carry may change them.
    pub(super) const fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Ends the stream.
    pub(super) fn finish(&mut self, out: &mut Output<'_>) -> Result<(), Full> {
        self.shift(out)?;
        for _ in 0..HEAD {
            self.give(out)?;
        }
        Ok(())
    }

    fn shift(&mut self, out: &mut Output<'_>) -> Result<(), Full> {
        if self.range < TOP {
            self.range <<= 8;
            self.give(out)?;
        }
        Ok(())
    }

    /// Moves the first octet of `low` out, or lets it wait for a carry.
    fn give(&mut self, out: &mut Output<'_>) -> Result<(), Full> {
        let [.., carry, first, _, _, _] = self.low.to_be_bytes();
        if carry != 0 || first != 0xFF {
            let mut octet = self.last;
            while self.waiting > 0 {
                out.put(octet.wrapping_add(carry))?;
                octet = 0xFF;
                self.waiting = self.waiting.wrapping_sub(1);
            }
            self.last = first;
        }
        self.waiting = self.waiting.saturating_add(1);
        self.low = (self.low & 0x00FF_FFFF) << 8;
        Ok(())
    }
}

/// Where an encoder's octets go.
#[derive(Debug)]
pub(super) struct Output<'m> {
    octets: &'m mut [u8],
    held: usize,
}

impl<'m> Output<'m> {
    /// Room behind the `held` octets that are there already.
    pub(super) const fn behind(octets: &'m mut [u8], held: usize) -> Self {
        Self { octets, held }
    }

    /// How many octets are there.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    fn put(&mut self, octet: u8) -> Result<(), Full> {
        *self.octets.get_mut(self.held).ok_or(Full)? = octet;
        self.held = self.held.wrapping_add(1);
        Ok(())
    }
}

/// An encoder with the room it fills.
#[derive(Debug)]
pub(super) struct Writer<'w, 'm> {
    pub(super) encoder: &'w mut Encoder,
    pub(super) output: &'w mut Output<'m>,
}

impl Coins for Writer<'_, '_> {
    type Error = Full;

    fn bit(&mut self, cell: &mut u16, bit: bool) -> Result<bool, Full> {
        self.encoder.shift(self.output)?;
        let bound = bound(self.encoder.range, *cell);
        if bit {
            self.encoder.low = self.encoder.low.wrapping_add(u64::from(bound));
            self.encoder.range = self.encoder.range.wrapping_sub(bound);
        } else {
            self.encoder.range = bound;
        }
        learn(cell, bit);
        Ok(bit)
    }

    fn even(&mut self, bit: bool) -> Result<bool, Full> {
        self.encoder.shift(self.output)?;
        self.encoder.range >>= 1;
        if bit {
            self.encoder.low = self.encoder.low.wrapping_add(u64::from(self.encoder.range));
        }
        Ok(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::{Coins, Decoder, Encoder, FRESH, Full, Output, Writer};
    use crate::lzma::tests::Feed;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// Each bit by one of a few probabilities, or by none.
    fn encoded(bits: &[(u8, bool)], out: &mut [u8]) -> Result<usize, Full> {
        let mut cells = [FRESH; 8];
        let mut encoder = Encoder::start();
        let mut output = Output::behind(out, 0);
        for (cell, bit) in bits {
            let mut writer = Writer { encoder: &mut encoder, output: &mut output };
            match cells.get_mut(usize::from(*cell)) {
                Some(cell) => writer.bit(cell, *bit)?,
                None => writer.even(*bit)?,
            };
        }
        encoder.finish(&mut output)?;
        Ok(output.held())
    }

    proptest! {
        #[test]
        fn bits_come_back_and_the_end_is_known(
            bits in prop::collection::vec((0u8..9, prop::bool::weighted(0.9)), 0..2000),
        ) {
            let mut out = vec![0; 2000];
            let len = encoded(&bits, &mut out).unwrap();
            let mut feed = Feed::new(&out[..len]);
            let mut cells = [FRESH; 8];
            let mut decoder = Decoder::start(&mut feed).unwrap().unwrap();
            for (cell, bit) in &bits {
                let found = match cells.get_mut(usize::from(*cell)) {
                    Some(cell) => decoder.bit(cell, !bit),
                    None => decoder.even(!bit),
                };
                prop_assert_eq!(found, Ok(*bit));
            }
            prop_assert_eq!(decoder.finish(), Ok(Some(u32::try_from(len).unwrap())));
            // one octet less of room is refused
            prop_assert_eq!(encoded(&bits, &mut out[..len - 1]), Err(Full));
        }
    }

    /// A run of ones that waits for its carry is given out in one go.
    #[test]
    fn a_carry_goes_through_all_that_waits() {
        let bits: Vec<(u8, bool)> = (0..400).map(|n| (8, n != 0)).chain([(0, true); 40]).collect();
        let mut out = [0; 100];
        let len = encoded(&bits, &mut out).unwrap();
        let mut feed = Feed::new(&out[..len]);
        let mut cell = FRESH;
        let mut decoder = Decoder::start(&mut feed).unwrap().unwrap();
        for (which, bit) in bits {
            let found = if which == 8 { decoder.even(false) } else { decoder.bit(&mut cell, false) };
            assert_eq!(found, Ok(bit));
        }
    }
}
