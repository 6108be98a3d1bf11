//! What arrived of a payload and is not used up.
use kedge_delta::rebuild::AHEAD;

/// What cannot be used before more arrives is less than this.
const LEN: usize = AHEAD as usize;

/// Octets kept from before; those that are being handed in stand behind them.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The offset in the payload of the first octet.
    start: u32,
    octets: [u8; LEN],
    held: usize,
}

impl Window {
    /// Nothing, at an offset of the payload.
    pub(super) const fn at(start: u32) -> Self {
        Self { start, octets: [0; LEN], held: 0 }
    }

    /// The offset behind the octets that are kept.
    pub(super) fn end(&self) -> u32 {
        self.start.saturating_add(u32::try_from(self.held).unwrap_or(u32::MAX))
    }

    /// Fills `out` with the octets from the offset `at` on, `fresh` standing behind those that are kept; false if not all
    /// of them are there.
    pub(super) fn read(&self, fresh: &[u8], at: u32, out: &mut [u8]) -> bool {
        let Some(skip) = at.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok()) else {
            return false;
        };
        let there = self.octets.iter().take(self.held).chain(fresh).skip(skip);
        let n = out.iter_mut().zip(there).map(|(to, from)| *to = *from).count();
        n == out.len()
    }

    /// Forgets what stands before the offset `used`, also at the front of `fresh`.
    pub(super) fn advance(&mut self, used: u32, fresh: &mut &[u8]) {
        let used = used.max(self.start);
        let gone = usize::try_from(used.saturating_sub(self.start)).unwrap_or(usize::MAX);
        *fresh = fresh.get(gone.saturating_sub(self.held)..).unwrap_or_default();
        let before = self.octets;
        let rest = before.get(gone..self.held).unwrap_or_default();
        self.held = self.octets.iter_mut().zip(rest).map(|(to, from)| *to = *from).count();
        self.start = used;
    }

    /// Keeps what is `fresh`, as much as there is room for.
    pub(super) fn keep(&mut self, fresh: &mut &[u8]) {
        super::fill(&mut self.octets, &mut self.held, fresh);
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However octets come and go, those that are there are the right ones.
        #[test]
        fn a_window_goes_over_all_octets(moves in proptest::collection::vec((0usize..300, 0u32..200), 1..60)) {
            let all: Vec<u8> = (0..20_000u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
            let mut window = Window::at(100);
            let mut used = 100;
            for (piece, step) in moves {
                let from = window.end() as usize;
                let mut fresh = &all[from..from + piece];
                let there = from + piece;
                let mut out = [0; 40];
                for at in [used, used + 1, used + step] {
                    let end = at as usize + out.len();
                    prop_assert_eq!(window.read(fresh, at, &mut out), end <= there, "{} of {}", end, there);
                    if end <= there {
                        prop_assert_eq!(&out[..], &all[at as usize..end]);
                    }
                }
                used = (used + step).min(u32::try_from(there).unwrap());
                window.advance(used, &mut fresh);
                if there - (used as usize) < LEN {
                    window.keep(&mut fresh);
                    prop_assert_eq!((fresh.len(), window.end() as usize), (0, there), "nothing is lost");
                } else {
                    prop_assert_eq!(window.end() as usize + fresh.len(), there.max(window.end() as usize));
                }
            }
            prop_assert!(!window.read(&[], 99, &mut [0]), "what was before is gone");
        }
    }
}
