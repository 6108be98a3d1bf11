//! Probabilities: counters, and mixing them.
//!
//! A probability of a set bit is a number of 16 bits. Its *logit*, log2(p / (1 - p)) in 1/256, is what is mixed: several
//! contexts each give a logit, their weighted sum is the logit of the answer, and after the bit is known the weights move
//! towards those who were right.
//!
//! All of it is integer arithmetic of 32 bits (one product of 64) that wraps or saturates, without division, so both ends
//! get the same numbers on every machine.

/// The largest logit: one bit to 2^15.
pub const LOGIT_MAX: i32 = (15 << 8) - 1;
/// The largest weight, 4.0, and the smallest, -4.0: a product with a logit stays within 32 bits.
pub const WEIGHT_MAX: i32 = (1 << 18) - 1;

/// Steps in which [`LOGITS`] divides each doubling of a probability.
const STEPS: usize = 16;

/// The logits of 1/65536 to 1/2, negated, sixteen for each doubling.
static LOGITS: [u16; 16 * STEPS] = logits();

/// log2(x / 2^30) in 1/2^16, for `x` from 2^30 on.
#[allow(clippy::arithmetic_side_effects, reason = "runs when compiling")]
const fn log2(x: u64) -> u64 {
    let mut x = x;
    let mut whole = 0;
    while x >= 2 << 30 {
        x >>= 1;
        whole += 1;
    }
    let mut digits = 0;
    while digits < 16 {
        x = (x * x) >> 30;
        whole <<= 1;
        if x >= 2 << 30 {
            x >>= 1;
            whole |= 1;
        }
        digits += 1;
    }
    whole
}

#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "runs when compiling"
)]
const fn logits() -> [u16; 16 * STEPS] {
    let mut table = [0; 16 * STEPS];
    let mut index = 0;
    while index < table.len() {
        // The middle of the probabilities that share this place, in 1/2^22.
        let (doublings, step) = (index / STEPS, index % STEPS);
        let middle = ((2 * (STEPS + step) + 1) << doublings) as u64 * (1 << 6) / (2 * STEPS as u64);
        let odds = ((1 << 22) - middle) * (1 << 30) / middle;
        table[index] = if odds < 1 << 30 { 0 } else { (log2(odds) >> 8) as u16 };
        index += 1;
    }
    table
}

fn at<T: Copy + Default, const N: usize>(table: &[T; N], index: u32) -> T {
    table.get(index as usize).copied().unwrap_or_default()
}

/// The logit of a probability of 16 bits, to 1/16 of a doubling.
pub fn logit(p: u32) -> i32 {
    let rare = p.min(65536u32.wrapping_sub(p)).max(1);
    let zeros = rare.leading_zeros();
    let step = rare.wrapping_shl(zeros).wrapping_shl(1) >> 28;
    let size = i32::from(at(&LOGITS, (31u32.wrapping_sub(zeros) << 4).wrapping_add(step)));
    if p > HALF { size } else { size.wrapping_neg() }
}

/// One half.
const HALF: u32 = 1 << 15;

/// 65536 / (1 + 2^-x) for x = 0, 1/4 .. 15.
static PROBABILITIES: [u16; 61] = [
    32768, 35600, 38390, 41099, 43691, 46138, 48418, 50517, 52429, 54152, 55691, 57055, 58254, 59303, 60214,
    61002, 61681, 62264, 62762, 63188, 63550, 63858, 64119, 64340, 64528, 64686, 64820, 64933, 65028, 65108,
    65176, 65233, 65281, 65321, 65355, 65384, 65408, 65429, 65446, 65460, 65472, 65482, 65491, 65498, 65504,
    65509, 65513, 65517, 65520, 65523, 65525, 65526, 65528, 65529, 65530, 65531, 65532, 65533, 65533, 65534,
    65534,
];

/// The least that [`probability`] gives.
pub const P_MIN: u32 = 2;

/// The probability of a logit, 2 to 65534.
pub fn probability(logit: i32) -> u32 {
    let size = logit.unsigned_abs().min(LOGIT_MAX.unsigned_abs());
    let (step, between) = (size >> 6, size & 0x3F);
    let from = u32::from(at(&PROBABILITIES, step));
    let to = u32::from(at(&PROBABILITIES, step.wrapping_add(1)));
    let p = from.wrapping_add(to.wrapping_sub(from).wrapping_mul(between) >> 6);
    if logit < 0 { 65536u32.wrapping_sub(p) } else { p }
}

/// 65536 / (n + 1.5): how far a counter moves that has seen `n` bits.
static RATES: [u16; 32] = rates();

#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "runs when compiling"
)]
const fn rates() -> [u16; 32] {
    let mut rates = [0; 32];
    let mut n = 0;
    while n < rates.len() {
        rates[n] = (131_072 / (2 * n + 3)) as u16;
        n += 1;
    }
    rates
}

/// Counters of 32 bits: a probability of 22 bits above the number of bits seen. For what is nearly certain.
pub mod fine {
    use super::{RATES, at};

    /// A counter that expects a set bit with `p` / 65536.
    pub const fn new(p: u16) -> u32 {
        (p as u32) << 16
    }

    /// The probability of 16 bits, 1 to 65535.
    pub const fn p(cell: u32) -> u32 {
        let p = cell >> 16;
        if p == 0 { 1 } else { p }
    }

    /// Learns `bit`; `limit`, at most 31, bounds the memory.
    pub fn learn(cell: &mut u32, bit: bool, limit: u32) {
        let (p, seen) = ((*cell >> 10).cast_signed(), *cell & 0x3FF);
        let goal: i32 = if bit { (1 << 22) - 1 } else { 0 };
        let rate = i64::from(at(&RATES, seen & 31));
        let step = i64::from(goal.wrapping_sub(p)).wrapping_mul(rate) >> 16;
        // The step is shorter than the way to the goal, 23 bits.
        let p = p.wrapping_add(i32::try_from(step).unwrap_or(0)).cast_unsigned();
        *cell = p << 10 | seen.wrapping_add(u32::from(seen < limit));
    }
}

/// Counters of 16 bits: a probability of 12 bits above the number of bits seen.
pub mod coarse {
    use super::{RATES, at};

    /// A counter that expects nothing.
    pub const FRESH: u16 = 1 << 15;

    /// The least that [`p`] gives.
    pub const P_MIN: u32 = 8;

    /// The probability of 16 bits, 8 to 65528.
    pub fn p(cell: u16) -> u32 {
        u32::from(cell & 0xFFF0) | P_MIN
    }

    /// How many bits it has seen, up to 15.
    pub fn seen(cell: u16) -> u32 {
        u32::from(cell & 15)
    }

    /// Learns `bit`; `limit`, at most 15, bounds the memory.
    pub fn learn(cell: &mut u16, bit: bool, limit: u16) {
        let (p, seen) = (i32::from(*cell >> 4), *cell & 15);
        let goal = if bit { 4095i32 } else { 0 };
        let rate = i32::from(at(&RATES, u32::from(seen)));
        // Rounded, so that a counter comes near its goal.
        let step = goal.wrapping_sub(p).wrapping_mul(rate).wrapping_add(1 << 15) >> 16;
        let p = u16::try_from(p.wrapping_add(step)).unwrap_or(0).min(4095);
        *cell = p << 4 | seen.wrapping_add(u16::from(seen < limit));
    }
}

/// The weighted sum of logits; a weight of 65536 is one.
pub fn mix(weights: &[i32], logits: &[i32]) -> i32 {
    let sum = weights
        .iter()
        .zip(logits)
        .fold(0i32, |sum, (weight, logit)| sum.wrapping_add(weight.wrapping_mul(*logit) >> 8));
    (sum >> 8).clamp(-LOGIT_MAX, LOGIT_MAX)
}

/// Moves the weights that gave `p` towards the logits that were right about `bit`.
pub fn train(weights: &mut [i32], logits: &[i32], p: u32, bit: bool, rate: i32) {
    let error = (i32::from(bit) << 16).wrapping_sub(p.cast_signed());
    let error = error.wrapping_mul(rate) >> 8;
    for (weight, logit) in weights.iter_mut().zip(logits) {
        let step = logit.wrapping_mul(error).wrapping_add(1 << 13) >> 14;
        *weight = weight.wrapping_add(step).clamp(-WEIGHT_MAX - 1, WEIGHT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::{LOGIT_MAX, WEIGHT_MAX, coarse, fine, logit, mix, probability, train};
    use proptest::prelude::*;

    #[test]
    fn logits_and_probabilities_rise_and_are_symmetric() {
        let mut last = -LOGIT_MAX - 256;
        for p in 1..=65535 {
            let now = logit(p);
            assert!(now >= last, "{p}");
            assert!((now + logit(65536 - p)).abs() <= 24, "{p}");
            last = now;
        }
        let mut last = 1;
        for logit in -LOGIT_MAX - 300..LOGIT_MAX + 300 {
            let p = probability(logit);
            assert!((2..=65534).contains(&p) && p >= last, "{logit}");
            assert_eq!(p + probability(-logit), 65536);
            last = p;
        }
    }

    #[test]
    fn logits_are_those_of_their_probability() {
        for p in 16..=65520u32 {
            let exact = (f64::from(p) / f64::from(65536 - p)).log2() * 256.0;
            assert!((f64::from(logit(p)) - exact).abs() < 24.0, "{p}: {} for {exact}", logit(p));
            let back = f64::from(probability(logit(p)));
            assert!((back - f64::from(p)).abs() <= 0.07 * f64::from(p.min(65536 - p)) + 2.0, "{p}: {back}");
        }
    }

    #[test]
    fn counters_come_near_what_they_see() {
        let (mut small, mut large) = (coarse::FRESH, fine::new(1 << 15));
        for _ in 0..2000 {
            coarse::learn(&mut small, true, 9);
            fine::learn(&mut large, true, 30);
        }
        assert!(coarse::p(small) > 64_000, "{}", coarse::p(small));
        assert!(fine::p(large) > 65_500, "{}", fine::p(large));
        assert_eq!(coarse::seen(small), 9);
    }

    #[test]
    fn weights_learn_who_is_right() {
        let mut weights = [20_000; 2];
        for n in 0..1000 {
            let bit = n % 3 != 0;
            let logits = [if bit { 500 } else { -500 }, if n % 2 == 0 { 300 } else { -300 }];
            let p = probability(mix(&weights, &logits));
            train(&mut weights, &logits, p, bit, 30);
        }
        assert!(weights[0] > 3 * weights[1].abs(), "{weights:?}");
    }

    proptest! {
        #[test]
        fn a_counter_moves_towards_its_bit_and_stays_one(cell: u32, octets: u16, bit: bool, limit in 1u32..=31) {
            let mut fine = cell & !0x3FF | cell & 31;
            fine::learn(&mut fine, bit, limit);
            let (from, to) = (cell >> 10, fine >> 10);
            prop_assert!(from == to || bit == (from < to));
            prop_assert!((1..=65535).contains(&fine::p(fine)));
            let mut coarse = octets;
            coarse::learn(&mut coarse, bit, 15);
            let (from, to) = (octets >> 4, coarse >> 4);
            prop_assert!(from == to || bit == (from < to));
            prop_assert!((8..=65528).contains(&coarse::p(coarse)));
        }

        #[test]
        fn extreme_weights_stay_within_bounds(
            weights in prop::collection::vec(-WEIGHT_MAX - 1..=WEIGHT_MAX, 1..8),
            logits in prop::collection::vec(-LOGIT_MAX..=LOGIT_MAX, 8),
            bit: bool,
        ) {
            let mut weights = weights;
            let exact: i64 = weights.iter().zip(&logits).map(|(w, l)| (i64::from(*w) * i64::from(*l)) >> 8).sum();
            let mixed = mix(&weights, &logits);
            prop_assert_eq!(i64::from(mixed), (exact >> 8).clamp(-i64::from(LOGIT_MAX), i64::from(LOGIT_MAX)));
            for _ in 0..100 {
                train(&mut weights, &logits, probability(mixed), bit, 70);
            }
            prop_assert!(weights.iter().all(|weight| (-WEIGHT_MAX - 1..=WEIGHT_MAX).contains(weight)));
        }
    }
}
