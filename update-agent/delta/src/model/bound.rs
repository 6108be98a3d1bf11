//! How many octets of a stream a unit may use: a decoder that is fed piecewise goes on when so many are there.
//!
//! The decoder keeps an interval of *w* + 1 numbers, 2 to 2^32 of them (an interval of one number would have been settled,
//! [`bits`](crate::bits)). A bit of probability *q* leaves a part with at least *wq* numbers, so at least the share *q* / 2;
//! each octet that is read makes the interval 256 times as large. So bits whose probabilities are *q* each read together
//! at most (31 + the sum of 1 - log2 *q*) / 8 octets. The model never gives a probability below the floors named here, and
//! no path through [`Model::unit`](super::Model::unit) or [`Model::literal`](super::Model::literal) codes more bits than
//! the longest one below.
use super::octet;
use crate::predict::{self, coarse};

/// Bits by which a coded bit narrows the interval at most, if its probability is at least `least` / 65536.
const fn narrows(least: u32) -> u32 {
    17u32.saturating_sub(least.ilog2())
}

/// A flag.
const FLAG: u32 = narrows(predict::P_MIN);
/// An octet, bit by bit.
const OCTET: u32 = narrows(octet::P_MIN).saturating_mul(8);
/// A counted bit of a number, and one whose probability is a half.
const DIGIT: u32 = narrows(coarse::P_MIN);
const PLAIN: u32 = narrows(1 << 15);
/// A number and its sign: 32 bits of its size, 32 digits, of which the last two are counted.
const NUMBER: u32 = (33 + 2u32).saturating_mul(DIGIT).saturating_add(PLAIN.saturating_mul(30));

/// Octets of a unit, at most.
const OCTETS: u32 = 8;

/// A unit whose octets are coded one by one: as predicted? as it was? above the last pointer? near? then each octet: as
/// predicted? which?
const BY_OCTETS: u32 =
    FLAG.saturating_mul(4).saturating_add(FLAG.saturating_add(OCTET).saturating_mul(OCTETS));
/// A unit whose address is near the predicted one, and not off by as much as the last.
const BY_ADDRESS: u32 = FLAG.saturating_mul(5).saturating_add(NUMBER);
/// Octets of a literal.
const LITERAL: u32 = OCTET.saturating_mul(4);

const LONGEST: u32 = {
    let unit = if BY_OCTETS > BY_ADDRESS { BY_OCTETS } else { BY_ADDRESS };
    if unit > LITERAL { unit } else { LITERAL }
};

/// The most octets of content that coding a unit or a piece of a literal uses.
pub const UNIT_OCTETS: u32 = LONGEST.saturating_add(31) / 8;

#[cfg(test)]
mod tests {
    use core::convert::Infallible;
    use std::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::arch::{AHEAD, Arch, BEHIND, Place, Window};
    use crate::bits::{Bits, Interval};
    use crate::map::{Region, Regions};
    use crate::model::{Known, Literal, Model, Sizes, Spot};

    /// A stream that is as the model expects it, until it is turned against it: then every bit is the unlikely one.
    struct Adversary {
        interval: Interval,
        read: u32,
        /// Bits of this unit so far.
        bits: u32,
        turned: bool,
        /// Every octet is said to be another, all zeros until it is turned, then all ones.
        by_octets: bool,
    }

    impl Bits for Adversary {
        type Error = Infallible;

        fn bit(&mut self, p: u32, _: bool) -> Result<bool, Infallible> {
            let bit = match self.bits {
                _ if !self.by_octets => (p >= 1 << 15) != self.turned,
                // as predicted, and as it was
                0 | 1 => false,
                n => n % 9 != 2 && self.turned,
            };
            self.bits += 1;
            self.interval = self.interval.narrowed(self.interval.split(p), bit);
            while self.interval.settled().is_some() {
                self.read += 1;
            }
            Ok(bit)
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum How {
        Literal,
        Unit,
        UnitByOctets,
    }

    /// Octets that one unit or literal uses when all that was expected before does not come.
    fn used(arch: Arch, old: &[u8; BEHIND + AHEAD], quiet: usize, how: How) -> u32 {
        let region = Region { arch, old_address: 0x800_0000, new_address: 0x800_0100, ..Region::BLANK };
        let (list, size) = ([region], 1 << 20);
        let regions = Regions { list: &list, old_size: size, new_size: size, ram: (0x2000_0000, 0x1000) };
        let mut words = vec![0; Sizes::SMALL.words()];
        let (mut model, map) = Model::new(&mut words, Sizes::SMALL).unwrap();
        let known = Known { regions: &regions, map: &map };
        let place = |address| Place { arch, address, origin: 0x800_0000, high: 0 };
        let by_octets = how == How::UnitByOctets;
        let mut bits = Adversary { interval: Interval::FULL, read: 0, bits: 0, turned: false, by_octets };
        let (behind, ahead) = old.split_at(BEHIND);
        let window = Window { behind, ahead, address: 0x800_0020 };
        let spot = Spot { window, old: place(0x800_0020), new: place(0x800_0124), edge: (32, 32) };
        let literal_of = Literal {
            arch,
            address: 0x800_0124,
            left: ahead.get(..4).unwrap(),
            right: behind.get(..4).unwrap(),
        };
        for n in 0..=quiet {
            bits.turned = n == quiet;
            (bits.read, bits.bits) = (0, 0);
            let Ok(_) = if how == How::Literal {
                model.literal(&mut bits, &literal_of, [0; 8])
            } else {
                model.unit(&mut bits, &spot, &known, [0; 8])
            };
        }
        bits.read
    }

    proptest! {
        #[test]
        fn no_unit_uses_more(
            arch in 0u32..12,
            old in any::<[u8; BEHIND]>(),
            ahead in any::<[u8; AHEAD]>(),
            quiet in 0usize..400,
            how in prop::sample::select(vec![How::Literal, How::Unit, How::UnitByOctets]),
        ) {
            let mut window = [0; BEHIND + AHEAD];
            window[..BEHIND].copy_from_slice(&old);
            window[BEHIND..].copy_from_slice(&ahead);
            let used = used(Arch::from_number(arch), &window, quiet, how);
            prop_assert!(used <= UNIT_OCTETS, "{used}");
        }
    }

    /// The adversary is one: it makes a word of four octets, of which the model was sure, take eleven. The bound is for
    /// streams that also prepared the ways of the model that no firmware ever went.
    #[test]
    fn surprises_are_dear() {
        let used = used(Arch::Data, &[0x5A; BEHIND + AHEAD], 300, How::UnitByOctets);
        assert!(used >= 10, "{used}");
        assert_eq!(UNIT_OCTETS, 123);
    }
}
