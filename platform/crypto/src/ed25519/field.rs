//! The field of the curve: numbers modulo 2^255 - 19.

/// A number modulo 2^255 - 19 as eight words, least first. Any of the up to three values below 2^256 that stand for the same
/// number; [`Self::canonical`] is the one below the prime.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field(pub(super) [u32; 8]);

/// What 2^256 is modulo the prime.
const FOLD: i64 = 38;
/// The bit 2^255 in the last word.
const TOP: u32 = 1 << 31;

impl Field {
    pub(super) const ZERO: Self = Self([0; 8]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0, 0, 0, 0, 0]);

    /// A number below 2^255, least octet first; the last bit is not looked at.
    pub(super) fn from_octets(octets: &[u8; 32]) -> Self {
        let mut words = [0; 8];
        for (word, octets) in words.iter_mut().zip(octets.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*octets);
        }
        without_top(words)
    }

    /// The canonical form, least octet first.
    pub(super) fn to_octets(self) -> [u8; 32] {
        let mut octets = [0; 32];
        let Self(words) = self.canonical();
        for (octets, word) in octets.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *octets = word.to_le_bytes();
        }
        octets
    }

    /// The value below the prime.
    fn canonical(self) -> Self {
        // below 2^255 + 19 after the first step
        let below = without_top(self.0).plus(if is_top(&self.0) { 19 } else { 0 });
        // at or above the prime, adding 19 reaches 2^255
        let beyond = below.plus(19);
        if is_top(&beyond.0) { without_top(beyond.0) } else { below }
    }

    pub(super) fn is(self, other: Self) -> bool {
        self.to_octets() == other.to_octets()
    }

    pub(super) fn is_odd(self) -> bool {
        let [first, ..] = self.canonical().0;
        first & 1 == 1
    }

    pub(super) fn add(self, other: Self) -> Self {
        self.combine(other, i64::wrapping_add)
    }

    pub(super) fn sub(self, other: Self) -> Self {
        self.combine(other, i64::wrapping_sub)
    }

    pub(super) fn neg(self) -> Self {
        Self::ZERO.sub(self)
    }

    pub(super) fn mul(self, other: Self) -> Self {
        let wide = product(&self.0, &other.0);
        let (Some(low), Some(high)) = (wide.first_chunk::<8>(), wide.last_chunk::<8>()) else {
            return Self::ZERO;
        };
        Self(*low).combine(Self(*high), |low, high| low.wrapping_add(high.wrapping_mul(FOLD)))
    }

    pub(super) fn square(self) -> Self {
        self.mul(self)
    }

    /// The inverse; of 0 it is 0. The power `p - 2`, by Fermat.
    pub(super) fn inverse(self) -> Self {
        self.power(PRIME_MINUS_2)
    }

    /// The power `(p - 5) / 8`, of which square roots are made (RFC 8032 §5.1.3).
    pub(super) fn root(self) -> Self {
        self.power(PRIME_MINUS_5_OVER_8)
    }

    /// The power of this exponent: its last octet, all others 0xff but the first.
    fn power(self, (first, last): (u8, u8)) -> Self {
        let octets = core::iter::once(first).chain([0xff; 30]).chain([last]);
        let bits = octets.flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1));
        bits.fold(Self::ONE, |power, bit| if bit { power.square().mul(self) } else { power.square() })
    }

    fn plus(self, small: i64) -> Self {
        Self(carried(self.0, small).0)
    }

    /// Combines the words one by one, and folds what goes over.
    fn combine(self, other: Self, with: impl Fn(i64, i64) -> i64) -> Self {
        let mut words = self.0;
        let mut carry = 0_i64;
        for (word, other) in words.iter_mut().zip(other.0) {
            carry = carry.wrapping_add(with(i64::from(*word), i64::from(other)));
            *word = low(carry);
            carry >>= 32;
        }
        // what goes over, or lacks, is below 40; the second time it is 1 at most, and the third time nothing
        let (words, over) = carried(words, carry.wrapping_mul(FOLD));
        Self(carried(words, over.wrapping_mul(FOLD)).0)
    }
}

/// Exponents as their first and last octets, the greatest first: all between are 0xff.
const PRIME_MINUS_2: (u8, u8) = (0x7f, 0xeb);
const PRIME_MINUS_5_OVER_8: (u8, u8) = (0x0f, 0xfd);

/// Adds a small number, maybe a negative one; what goes over 2^256 comes back.
fn carried(mut words: [u32; 8], small: i64) -> ([u32; 8], i64) {
    let mut carry = small;
    for word in &mut words {
        carry = carry.wrapping_add(i64::from(*word));
        *word = low(carry);
        carry >>= 32;
    }
    (words, carry)
}

/// All sixteen words of a product.
fn product(a: &[u32; 8], b: &[u32; 8]) -> [u32; 16] {
    let mut wide = [0_u32; 16];
    for (at, a) in a.iter().enumerate() {
        let mut carry = 0_u64;
        // the ninth place is new: the carry goes there
        for (b, place) in b.iter().chain(&[0]).zip(wide.iter_mut().skip(at)) {
            let part = u64::from(*a).wrapping_mul(u64::from(*b));
            carry = carry.wrapping_add(part).wrapping_add(u64::from(*place));
            *place = (carry & 0xffff_ffff) as u32;
            carry >>= 32;
        }
    }
    wide
}

/// The low word of a number.
fn low(number: i64) -> u32 {
    (number.cast_unsigned() & 0xffff_ffff) as u32
}

fn is_top(words: &[u32; 8]) -> bool {
    let [.., last] = words;
    last & TOP != 0
}

fn without_top(mut words: [u32; 8]) -> Field {
    let [.., last] = &mut words;
    *last &= !TOP;
    Field(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The prime, and numbers around the borders of the representation.
    fn borders() -> [[u32; 8]; 9] {
        let prime = [0xffff_ffed, u32::MAX, u32::MAX, u32::MAX, u32::MAX, u32::MAX, u32::MAX, 0x7fff_ffff];
        let near = |by: i64| carried(prime, by).0;
        let top = {
            let mut words = [0; 8];
            words[7] = TOP;
            words
        };
        [[0; 8], [1, 0, 0, 0, 0, 0, 0, 0], near(-1), prime, near(1), near(18), top, near(19), [u32::MAX; 8]]
    }

    /// The same number by subtraction alone, from the words as one number.
    fn reduced(words: [u32; 8]) -> [u32; 8] {
        let prime = borders()[3];
        let mut words = words;
        while words.iter().rev().cmp(prime.iter().rev()) != core::cmp::Ordering::Less {
            let mut borrow = 0_i64;
            for (word, prime) in words.iter_mut().zip(prime) {
                let difference = i64::from(*word) - i64::from(prime) + borrow;
                *word = low(difference);
                borrow = difference >> 32;
            }
        }
        words
    }

    #[test]
    fn numbers_have_one_canonical_form() {
        for words in borders() {
            assert_eq!(Field(words).canonical().0, reduced(words), "{words:x?}");
            assert!(Field(words).is(Field(reduced(words))));
        }
    }

    #[test]
    fn the_borders_keep_the_laws() {
        for a in borders().map(Field) {
            for b in borders().map(Field) {
                assert!(a.add(b).sub(b).is(a) && a.sub(b).add(b).is(a), "{a:x?} {b:x?}");
                assert!(a.mul(b).is(b.mul(a)));
                assert!(a.add(b).mul(a.sub(b)).is(a.square().sub(b.square())));
            }
            assert!(a.add(a.neg()).is(Field::ZERO) && a.mul(Field::ONE).is(a));
        }
    }

    proptest! {
        #[test]
        fn it_is_a_field(a: [u32; 8], b: [u32; 8], c: [u32; 8]) {
            let [a, b, c] = [a, b, c].map(Field);
            prop_assert!(a.add(b).add(c).is(c.add(b).add(a)));
            prop_assert!(a.mul(b).mul(c).is(c.mul(b).mul(a)));
            prop_assert!(a.add(b).mul(c).is(a.mul(c).add(b.mul(c))));
            prop_assert!(a.sub(b).neg().is(b.sub(a)));
            let one = if a.is(Field::ZERO) { Field::ZERO } else { Field::ONE };
            prop_assert!(a.mul(a.inverse()).is(one));
            // the eighth power of the root's, times the fourth, is that of Fermat
            let eight = a.root().square().square().square();
            prop_assert!(eight.mul(a.square().square()).is(one));
            prop_assert_eq!(a.canonical().0, reduced(a.0));
            prop_assert!(Field::from_octets(&a.to_octets()).is(a));
        }
    }
}
