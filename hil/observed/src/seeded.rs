//! Octets that follow from a seed.

use kedge_platform::entropy::Entropy;

/// An emulated board has no source of noise: octets follow from the seed (a linear congruential generator). Good enough for
/// pauses between tries and numbers used once, which is all that these boards draw; a product takes its processor's generator.
#[derive(Clone, Copy, Debug)]
pub struct Seeded(u32);

impl Seeded {
    /// Starts from `seed`.
    pub const fn new(seed: u32) -> Self {
        Self(seed)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, buf: &mut [u8]) {
        for octet in buf {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *octet = self.0.to_be_bytes()[0];
        }
    }
}
