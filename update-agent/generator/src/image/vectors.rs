use super::fields::le32;
use std::ops::RangeInclusive;

/// The exception vectors of a Cortex-M (Arm ARM v7-M §B1.5.2): the initial stack pointer, then the addresses of handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vectors {
    /// Where they stand in the image.
    pub(super) at: usize,
    /// The initial stack pointer: the end of some RAM, mostly.
    pub(super) stack: u32,
    /// The lowest and the highest handler.
    handlers: (u32, u32),
}

/// Vectors stand within so many octets of the start, behind a header or a first boot stage (RP2040: 256 octets), at a multiple
/// of [`STEP`].
const WITHIN: usize = 0x1000;
const STEP: usize = 0x100;
/// The vectors of the system: the sixteen that all Cortex-M have.
const SYSTEM: usize = 16;

impl Vectors {
    /// The first ones in an image.
    pub(super) fn find(octets: &[u8]) -> Option<Self> {
        (0..=WITHIN).step_by(STEP).find_map(|at| Self::read(octets, at))
    }

    /// The addresses at which the image can stand so that all handlers are inside.
    pub(super) fn addresses(&self, len: usize) -> RangeInclusive<u32> {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.handlers.1.saturating_sub(len.saturating_sub(1))..=self.handlers.0 & !1
    }

    fn read(octets: &[u8], at: usize) -> Option<Self> {
        let stack = le32(octets, at)?;
        if stack % 4 != 0 || !matches!(stack, 0x1000_0001..0x1100_0000 | 0x2000_0001..0x4000_0000) {
            return None;
        }
        let mut handlers = (u32::MAX, 0);
        for number in 1..SYSTEM {
            let handler = le32(octets, at + 4 * number)?;
            let required = number <= 3; // reset, NMI, hard fault
            if handler % 2 == 1 {
                handlers = (handlers.0.min(handler), handlers.1.max(handler));
            } else if handler != 0 || required {
                return None;
            }
        }
        let near = usize::try_from(handlers.1 - handlers.0).is_ok_and(|distance| distance < octets.len());
        near.then_some(Self { at, stack, handlers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_bound_the_address() {
        let mut words = vec![0x2000_4000_u32, 0x0800_5001, 0x0800_5101, 0x0800_5101];
        words.resize(16, 0);
        words[15] = 0x0800_4101;
        let mut octets = vec![0; STEP];
        octets.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        assert_eq!(Vectors::find(&octets), None);
        octets.resize(0x2000, 0);
        let vectors = Vectors::find(&octets).unwrap();
        assert_eq!((vectors.at, vectors.stack), (STEP, 0x2000_4000));
        assert_eq!(vectors.addresses(octets.len()), 0x0800_3102..=0x0800_4100);
        octets[STEP + 4] = 0;
        assert_eq!(Vectors::find(&octets), None);
    }
}
