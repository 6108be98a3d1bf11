//! Random octets.

/// A source of random octets, good enough for nonces and back-off; keys are made elsewhere.
pub trait Entropy {
    /// Fills `buf`.
    fn fill(&mut self, buf: &mut [u8]);
}
