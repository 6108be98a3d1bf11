//! Binary arithmetic coding, 32 bits, no division, no carry.
//!
//! Both directions keep the interval `[low, high]`; a bit splits it in proportion to its probability, and octets that the
//! two ends share are done with. The model asks [`Bits::bit`] for each bit and does not know the direction, so the device
//! and the generator cannot disagree about the model.

/// Codes one bit after the other.
pub trait Bits {
    /// Why it can fail.
    type Error;
    /// Codes a bit whose probability to be set is `p` / 65536, 1 to 65535. An encoder codes `bit` and returns it; a decoder
    /// ignores it and returns the bit that was coded.
    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Self::Error>;
}

/// The interval both directions keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its first number.
    pub low: u32,
    /// Its last number.
    pub high: u32,
}

impl Interval {
    /// What both directions start with.
    pub const FULL: Self = Self { low: 0, high: u32::MAX };

    /// The last number of the part that stands for a set bit of probability `p` / 65536.
    pub fn split(self, p: u32) -> u32 {
        let width = u64::from(self.high.wrapping_sub(self.low));
        // less than the width, as p is below 65536
        let part = width.wrapping_mul(u64::from(p)) >> 16 & u64::from(u32::MAX);
        self.low.wrapping_add(u32::try_from(part).unwrap_or(0))
    }

    /// The interval after `bit`, of which [`split`](Self::split) gave `at`.
    #[must_use]
    pub const fn narrowed(self, at: u32, bit: bool) -> Self {
        if bit { Self { low: self.low, high: at } } else { Self { low: at.wrapping_add(1), high: self.high } }
    }

    /// Takes the first octet of the interval off, if it is settled.
    pub fn settled(&mut self) -> Option<u8> {
        if (self.low ^ self.high) >> 24 != 0 {
            return None;
        }
        let [octet, ..] = self.high.to_be_bytes();
        self.low <<= 8;
        self.high = self.high << 8 | 0xFF;
        Some(octet)
    }
}

/// Where a decoder gets its octets.
pub trait Octets {
    /// Why it can fail.
    type Error;
    /// The next octet; zeros behind the last: an encoder leaves them out.
    fn next(&mut self) -> Result<u8, Self::Error>;
}

/// The decoder's part that has to be kept to go on later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The interval.
    pub interval: Interval,
    /// The octets of the stream at the interval's precision.
    pub value: u32,
}

/// Reads bits from octets.
#[derive(Debug)]
pub struct Decoder<'p, O> {
    position: &'p mut Position,
    octets: O,
}

impl Position {
    /// Before the start of a stream.
    pub const BLANK: Self = Self { interval: Interval::FULL, value: 0 };

    /// The start of a stream.
    pub fn start<O: Octets>(octets: &mut O) -> Result<Self, O::Error> {
        let mut value = 0;
        for _ in 0..4 {
            value = value << 8 | u32::from(octets.next()?);
        }
        Ok(Self { interval: Interval::FULL, value })
    }
}

impl<'p, O: Octets> Decoder<'p, O> {
    /// Goes on at `position`; `octets` stand behind what was read.
    pub const fn new(position: &'p mut Position, octets: O) -> Self {
        Self { position, octets }
    }

    /// Where it gets its octets.
    pub const fn octets(&mut self) -> &mut O {
        &mut self.octets
    }
}

impl<O: Octets> Bits for Decoder<'_, O> {
    type Error = O::Error;

    fn bit(&mut self, p: u32, _: bool) -> Result<bool, O::Error> {
        let Position { interval, value } = &mut *self.position;
        let at = interval.split(p);
        let bit = *value <= at;
        *interval = interval.narrowed(at, bit);
        while interval.settled().is_some() {
            *value = *value << 8 | u32::from(self.octets.next()?);
        }
        Ok(bit)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Bits, Decoder, Interval, Octets, Position};
    use proptest::prelude::*;
    use std::vec::Vec;

    /// The other direction, as plain as possible.
    pub(crate) struct Encoder {
        interval: Interval,
        out: Vec<u8>,
    }

    impl Encoder {
        pub(crate) const fn new() -> Self {
            Self { interval: Interval::FULL, out: Vec::new() }
        }

        pub(crate) fn finish(mut self) -> Vec<u8> {
            self.out.extend(self.interval.high.to_be_bytes());
            self.out
        }
    }

    impl Bits for Encoder {
        type Error = ();

        fn bit(&mut self, p: u32, bit: bool) -> Result<bool, ()> {
            assert!((1..=65535).contains(&p), "{p}");
            self.interval = self.interval.narrowed(self.interval.split(p), bit);
            while let Some(octet) = self.interval.settled() {
                self.out.push(octet);
            }
            Ok(bit)
        }
    }

    /// Octets, and zeros behind them.
    #[derive(Clone, Copy)]
    pub(crate) struct Feed<'a>(pub(crate) &'a [u8]);

    impl Octets for Feed<'_> {
        type Error = ();

        fn next(&mut self) -> Result<u8, ()> {
            let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
            self.0 = rest;
            Ok(first)
        }
    }

    proptest! {
        #[test]
        fn the_decoder_reads_what_was_encoded_and_goes_on_anywhere(
            bits in prop::collection::vec((1u32..=65535, any::<bool>()), 0..600),
        ) {
            let mut encoder = Encoder::new();
            for (p, bit) in &bits {
                encoder.bit(*p, *bit).unwrap();
            }
            let octets = encoder.finish();
            let mut feed = Feed(&octets);
            let mut position = Position::start(&mut feed).unwrap();
            for (n, (p, bit)) in bits.iter().enumerate() {
                // a fresh decoder for each bit: the position is all that has to be kept
                let mut decoder = Decoder::new(&mut position, feed);
                // a decoder does not look at what it is given
                prop_assert_eq!(decoder.bit(*p, !bit), Ok(*bit), "bit {}", n);
                feed = *decoder.octets();
            }
        }

        #[test]
        fn both_parts_of_an_interval_hold_something(low: u32, high: u32, p in 1u32..=65535) {
            let mut interval = Interval { low: low.min(high), high: low.max(high) };
            while interval.settled().is_some() {}
            let at = interval.split(p);
            prop_assert!((interval.low..interval.high).contains(&at));
        }
    }
}
