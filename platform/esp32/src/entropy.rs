//! Random octets from the chip's generator, fit for keys as long as the radio is on: it feeds the generator with noise.

use esp_hal::rng::{Trng, TrngError};
use kedge_platform::entropy::Entropy;

/// The entropy port.
pub struct Noise(Trng);

impl Noise {
    /// The generator; refused while nothing feeds it.
    pub fn new() -> Result<Self, TrngError> {
        Trng::try_new().map(Self)
    }
}

impl Entropy for Noise {
    fn fill(&mut self, buf: &mut [u8]) {
        self.0.read(buf);
    }
}
