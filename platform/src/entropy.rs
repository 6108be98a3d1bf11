//! Random octets.

/// A source of random octets, good enough for nonces and back-off; keys are made elsewhere.
pub trait Entropy {
    /// Fills `buf`, all of it and each time anew; there is no error, so a source that can fail is tried before it is handed out.
    fn fill(&mut self, buf: &mut [u8]);
}
