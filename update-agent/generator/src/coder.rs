//! The encoding direction of the arithmetic coder that `kedge_delta` decodes.
use std::convert::Infallible;

use kedge_delta::bits::{Bits, Interval};

/// Writes bits to octets, and counts what they cost.
#[derive(Clone, Debug)]
pub struct Encoder {
    interval: Interval,
    octets: Vec<u8>,
    cost: u64,
}

/// Parts of a bit in which [`Encoder::cost`] counts.
pub(crate) const COST: u64 = 1 << 16;

impl Encoder {
    /// The start of a stream.
    pub const fn new() -> Self {
        Self { interval: Interval::FULL, octets: Vec::new(), cost: 0 }
    }

    /// What the bits so far cost, in 1/[`COST`] bit. The same on every machine.
    pub(crate) const fn cost(&self) -> u64 {
        self.cost
    }

    /// Ends the stream with as few octets as tell the last bits, given that a decoder reads zeros behind the end.
    pub fn finish(mut self) -> Vec<u8> {
        let tail = shortest_between(self.interval).to_be_bytes();
        self.octets.extend(tail);
        while self.octets.last() == Some(&0) {
            self.octets.pop();
        }
        self.octets
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// The number in the interval that ends with the most zero octets.
fn shortest_between(interval: Interval) -> u32 {
    let Interval { low, high } = interval;
    let up = |zeros: u32| low.checked_next_multiple_of(1 << zeros).filter(|number| *number <= high);
    [24, 16, 8].into_iter().find_map(up).unwrap_or(if low == 0 { 0 } else { low })
}

impl Bits for Encoder {
    type Error = Infallible;

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Infallible> {
        self.cost += price(if bit { p } else { (1 << 16) - p });
        let at = self.interval.split(p);
        self.interval = self.interval.narrowed(at, bit);
        while let Some(octet) = self.interval.settled() {
            self.octets.push(octet);
        }
        Ok(bit)
    }
}

/// What a bit of probability `p` / 65536 costs, in 1/[`COST`] bit: 16 - log2(p), the fraction found by squaring.
fn price(p: u32) -> u64 {
    let p = u64::from(p.max(1));
    let whole = p.ilog2();
    // 1.0 to 2.0, with 31 bits behind the point
    let mut mantissa = p << (31 - whole);
    let mut log = u64::from(whole);
    for _ in 0..16 {
        mantissa = (mantissa * mantissa) >> 31;
        let carry = mantissa >> 32;
        mantissa >>= carry;
        log = log << 1 | carry;
    }
    (16 << 16) - log
}

#[cfg(test)]
mod tests {
    use kedge_delta::bits::{Decoder, Octets, Position};

    use super::*;

    /// Octets with zeros behind them.
    struct Stream<'a>(&'a [u8]);

    impl Octets for Stream<'_> {
        type Error = Infallible;

        fn next(&mut self) -> Result<u8, Infallible> {
            let (octet, rest) = self.0.split_first().unwrap_or((&0, &[]));
            self.0 = rest;
            Ok(*octet)
        }
    }

    fn numbers(mut seed: u64) -> impl FnMut() -> u32 {
        move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(seed >> 33).unwrap()
        }
    }

    fn round_trip(bits: &[(u32, bool)]) -> (usize, u64) {
        let mut encoder = Encoder::new();
        for (p, bit) in bits {
            assert_eq!(encoder.bit(*p, *bit), Ok(*bit));
        }
        let cost = encoder.cost();
        let octets = encoder.finish();
        let mut stream = Stream(&octets);
        let mut position = Position::start(&mut stream).unwrap();
        let mut decoder = Decoder::new(&mut position, stream);
        for (n, (p, bit)) in bits.iter().enumerate() {
            assert_eq!(decoder.bit(*p, !bit), Ok(*bit), "bit {n} of {}", bits.len());
        }
        (octets.len(), cost)
    }

    #[test]
    fn what_was_encoded_is_decoded_whatever_the_probabilities() {
        let extremes = [1, 2, 3, 255, 256, 257, 32767, 32768, 32769, 65279, 65280, 65534, 65535];
        for seed in 0..200 {
            let mut number = numbers(seed);
            let bits: Vec<(u32, bool)> = (0..2000)
                .map(|_| {
                    let p = if number() & 1 == 0 {
                        extremes[number() as usize % extremes.len()]
                    } else {
                        1 + number() % 65535
                    };
                    // against the odds, with them, or at random
                    let bit = match seed % 3 {
                        0 => p < 32768,
                        1 => p >= 32768,
                        _ => number() & 1 == 0,
                    };
                    (p, bit)
                })
                .collect();
            for len in [0, 1, 2, 3, 17, 100, bits.len()] {
                round_trip(&bits[..len]);
            }
        }
    }

    #[test]
    fn the_stream_is_as_long_as_its_cost_says() {
        for seed in 0..20 {
            let mut number = numbers(seed);
            let bits: Vec<(u32, bool)> = (0..50_000)
                .map(|_| {
                    let p = 1 + number() % 65535;
                    (p, number() % 65536 < p)
                })
                .collect();
            let (octets, cost) = round_trip(&bits);
            let expected = usize::try_from(cost / COST / 8).unwrap();
            // the interval loses a little where it becomes narrow
            assert!((expected..=expected + expected / 1000 + 4).contains(&octets), "{octets} for {expected}");
        }
    }

    #[test]
    fn the_tail_is_as_short_as_possible() {
        assert_eq!(Encoder::new().finish(), []);
        for (low, high, tail) in [
            (0, u32::MAX, 0),
            (1, u32::MAX, 0x0100_0000),
            (0x1234_5678, 0x12FF_FFFF, 0x1235_0000),
            (0x1234_5678, 0x1234_FFFF, 0x1234_5700),
            (0x1234_5678, 0x1234_56FF, 0x1234_5678),
            (0xFF00_0001, u32::MAX, 0xFF01_0000),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert_eq!(shortest_between(Interval { low, high }), tail, "{low:x} to {high:x}");
        }
    }

    #[test]
    fn prices_are_logarithms() {
        for p in 1..=65536 {
            let exact = (16.0 - f64::from(p).log2()) * 65536.0;
            let price = price(p);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let off = (price as f64 - exact).abs();
            assert!(off < 2.0, "{p}: {price} for {exact}");
        }
    }
}
