//! Random octets that are the same on every host.

use kedge_platform::entropy::Entropy;

/// The step of the SplitMix64 sequence: 2^64 divided by the golden ratio, odd.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A seeded generator (SplitMix64): fast, small, one word of state; good noise, useless for secrets.
///
/// It serves the flash model for unstable cells, and a simulated device as its [`Entropy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeded {
    state: u64,
}

impl Seeded {
    /// The generator for `seed`; any value will do.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator for a purpose of its own: the same `seed` with another `purpose` gives unrelated octets.
    pub fn for_purpose(seed: u64, purpose: u64) -> Self {
        let mut mixed = Self::new(seed ^ Self::new(purpose).word());
        Self::new(mixed.word())
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next octet.
    pub fn octet(&mut self) -> u8 {
        self.word().to_be_bytes()[0]
    }

    /// A number below `limit`; 0 when `limit` is 0. The bias is below `limit / 2^64`.
    pub fn below(&mut self, limit: usize) -> usize {
        let scaled = (u128::from(self.word()) * limit as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(8) {
            let word = self.word().to_le_bytes();
            for (octet, random) in chunk.iter_mut().zip(word) {
                *octet = random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_fixed() {
        // First outputs of SplitMix64 for seed 1234567, as published with the algorithm.
        let mut generator = Seeded::new(1_234_567);
        let words: Vec<u64> = (0..3).map(|_| generator.word()).collect();
        assert_eq!(words, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn filling_is_deterministic_and_depends_on_the_seed() {
        let fill = |seed| {
            let mut octets = [0_u8; 21];
            Seeded::new(seed).fill(&mut octets);
            octets
        };
        assert_eq!(fill(5), fill(5));
        assert_ne!(fill(5), fill(6));
    }

    #[test]
    fn purposes_are_unrelated() {
        assert_ne!(Seeded::for_purpose(1, 2).word(), Seeded::for_purpose(1, 3).word());
        assert_ne!(Seeded::for_purpose(1, 2).word(), Seeded::for_purpose(2, 2).word());
    }

    #[test]
    fn numbers_stay_below_the_limit_and_reach_all_of_it() {
        let mut generator = Seeded::new(9);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[generator.below(5)] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(generator.below(0), 0);
    }
}
