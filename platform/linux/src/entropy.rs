//! Random octets from the kernel.

use core::fmt;

use kedge_platform::entropy::Entropy;
use ring::rand::{SecureRandom, SystemRandom};

/// The kernel's generator (`getrandom`), by way of ring.
#[derive(Clone, Debug)]
pub struct SystemEntropy {
    source: SystemRandom,
}

/// The system has no random source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system has no random source")
    }
}

impl core::error::Error for NoEntropy {}

impl SystemEntropy {
    /// Opens the source and draws from it once, so that a system without one is noticed here.
    pub fn open() -> Result<Self, NoEntropy> {
        let source = SystemRandom::new();
        source.fill(&mut [0; 32]).map_err(|_| NoEntropy)?;
        Ok(Self { source })
    }
}

impl Entropy for SystemEntropy {
    /// # Panics
    ///
    /// If the source fails after it has worked, which Linux rules out: anything else to do here would hand out octets that
    /// are not random.
    fn fill(&mut self, buf: &mut [u8]) {
        self.source.fill(buf).expect("the kernel's random source works once it has worked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_draw_is_new_and_fills_everything() {
        let mut entropy = SystemEntropy::open().expect("a random source");
        let mut draws = [[0_u8; 64]; 2];
        for draw in &mut draws {
            entropy.fill(draw);
        }
        assert_ne!(draws[0], draws[1]);
        assert!(draws.iter().all(|draw| draw[..32] != [0; 32] && draw[32..] != [0; 32]));
    }
}
