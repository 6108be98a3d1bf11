//! The curve -x² + y² = 1 + d x² y², and the sum of its points (RFC 8032 §5.1).

use super::field::Field;

/// d, which is -121665 / 121666.
const D: Field = Field([
    0x1359_78a3,
    0x75eb_4dca,
    0x4141_d8ab,
    0x0070_0a4d,
    0x7779_e898,
    0x8cc7_4079,
    0x2b6f_fe73,
    0x5203_6cee,
]);
/// A square root of -1.
const ROOT_OF_MINUS_1: Field = Field([
    0x4a0e_a0b0,
    0xc4ee_1b27,
    0xad2f_e478,
    0x2f43_1806,
    0x3dfb_d7a7,
    0x2b4d_0099,
    0x4fc1_df0b,
    0x2b83_2480,
]);
/// The base point's x and y.
const BASE: (Field, Field) = (
    Field([
        0x8f25_d51a,
        0xc956_2d60,
        0x9525_a7b2,
        0x692c_c760,
        0xfdd6_dc5c,
        0xc0a4_e231,
        0xcd6e_53fe,
        0x2169_36d3,
    ]),
    Field([
        0x6666_6658,
        0x6666_6666,
        0x6666_6666,
        0x6666_6666,
        0x6666_6666,
        0x6666_6666,
        0x6666_6666,
        0x6666_6666,
    ]),
);

/// A point: x = X / Z, y = Y / Z, x y = T / Z.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    x: Field,
    y: Field,
    z: Field,
    t: Field,
}

impl Point {
    /// The neutral element.
    pub(super) const NEUTRAL: Self = Self { x: Field::ZERO, y: Field::ONE, z: Field::ONE, t: Field::ZERO };

    /// The base point.
    pub(super) fn base() -> Self {
        let (x, y) = BASE;
        Self::of(x, y)
    }

    fn of(x: Field, y: Field) -> Self {
        Self { x, y, z: Field::ONE, t: x.mul(y) }
    }

    /// The point that these octets encode: `y`, and the last bit of `x` (RFC 8032 §5.1.3). `None` if it is none.
    pub(super) fn decode(octets: &[u8; 32]) -> Option<Self> {
        let [.., last] = octets;
        let y = Field::from_octets(octets);
        let (u, v) = (y.square().sub(Field::ONE), y.square().mul(D).add(Field::ONE));
        // a root of u / v, if it has one: u v³ (u v⁷)^((p - 5) / 8), or that times the root of -1
        let cube = v.square().mul(v);
        let x = u.mul(cube).mul(u.mul(cube.square().mul(v)).root());
        let square = x.square().mul(v);
        let x = if square.is(u) {
            x
        } else if square.is(u.neg()) {
            x.mul(ROOT_OF_MINUS_1)
        } else {
            return None;
        };
        Some(Self::of(if x.is_odd() == (last >> 7 == 1) { x } else { x.neg() }, y))
    }

    /// The encoding.
    pub(super) fn encode(&self) -> [u8; 32] {
        let inverse = self.z.inverse();
        let mut octets = self.y.mul(inverse).to_octets();
        let [.., last] = &mut octets;
        *last |= u8::from(self.x.mul(inverse).is_odd()) << 7;
        octets
    }

    /// The sum; the same formula for all points, equal ones too (RFC 8032 §5.1.4).
    #[allow(clippy::many_single_char_names, reason = "the names of the RFC")]
    pub(super) fn add(&self, other: &Self) -> Self {
        let a = self.y.sub(self.x).mul(other.y.sub(other.x));
        let b = self.y.add(self.x).mul(other.y.add(other.x));
        let c = self.t.mul(other.t).mul(D.add(D));
        let d = self.z.mul(other.z);
        let d = d.add(d);
        let (e, f, g, h) = (b.sub(a), d.sub(c), d.add(c), b.add(a));
        Self { x: e.mul(f), y: g.mul(h), z: f.mul(g), t: e.mul(h) }
    }

    pub(super) fn double(&self) -> Self {
        self.add(self)
    }

    pub(super) fn neg(&self) -> Self {
        Self { x: self.x.neg(), t: self.t.neg(), ..*self }
    }

    /// `a * self + b * other`, the factors least octet first; with one doubling for both factors' bits: half the work of two
    /// products.
    pub(super) fn sum_of_products(&self, a: &[u8; 32], other: &Self, b: &[u8; 32]) -> Self {
        let both = self.add(other);
        let mut sum = Self::NEUTRAL;
        for (a, b) in a.iter().zip(b).rev() {
            for bit in (0..8).rev() {
                let next = match (a >> bit & 1, b >> bit & 1) {
                    (0, 0) => None,
                    (_, 0) => Some(self),
                    (0, _) => Some(other),
                    _ => Some(&both),
                };
                sum = sum.double();
                if let Some(next) = next {
                    sum = sum.add(next);
                }
            }
        }
        sum
    }

    /// Whether eight times the point is the neutral element.
    pub(super) fn is_small_order(&self) -> bool {
        let eight_times = self.double().double().double();
        eight_times.x.is(Field::ZERO) && eight_times.y.is(eight_times.z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::{EdwardsPoint, Scalar};
    use proptest::prelude::*;

    #[test]
    fn the_constants_are_what_they_are_called() {
        let small = |number: u32| Field([number, 0, 0, 0, 0, 0, 0, 0]);
        assert!(D.mul(small(121_666)).is(small(121_665).neg()));
        assert!(ROOT_OF_MINUS_1.square().is(Field::ONE.neg()));
        // y = 4 / 5, and x is even and on the curve
        let (x, y) = BASE;
        assert!(y.mul(small(5)).is(small(4)) && !x.is_odd());
        let (x, y) = (x.square(), y.square());
        assert!(y.sub(x).is(Field::ONE.add(D.mul(x).mul(y))));
    }

    proptest! {
        /// Against another implementation, for products of the base point and sums of them.
        #[test]
        fn sums_are_those_of_dalek(a: [u8; 32], b: [u8; 32], c: [u8; 32]) {
            let [a, b, c] = [a, b, c].map(Scalar::from_bytes_mod_order);
            let other = EdwardsPoint::mul_base(&c);
            let ours = Point::decode(&other.compress().to_bytes()).expect("a point");
            prop_assert_eq!(ours.encode(), other.compress().to_bytes());
            let sum = Point::base().sum_of_products(a.as_bytes(), &ours, b.as_bytes());
            let theirs = EdwardsPoint::mul_base(&a) + b * other;
            prop_assert_eq!(sum.encode(), theirs.compress().to_bytes());
            prop_assert_eq!(sum.neg().encode(), (-theirs).compress().to_bytes());
            prop_assert_eq!(sum.add(&sum.neg()).encode(), Point::NEUTRAL.encode());
            prop_assert_eq!(sum.is_small_order(), theirs.is_small_order());
        }

        /// The same octets are points for both.
        #[test]
        fn what_is_a_point_is_one_for_dalek(octets: [u8; 32]) {
            let theirs = curve25519_dalek::edwards::CompressedEdwardsY(octets).decompress();
            let ours = Point::decode(&octets);
            prop_assert_eq!(ours.is_some(), theirs.is_some());
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours.encode(), theirs.compress().to_bytes());
            }
        }
    }
}
