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

/// The content of a payload as far as it is there; the plan before it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived<'a> {
    /// Where in the payload the content starts.
    pub(crate) plan_end: u32,
    pub(super) window: &'a Window,
    pub(super) fresh: &'a [u8],
}

impl Arrived<'_> {
    /// Fills `out` with the content from the offset `at` on. A decoder that knows what arrived asks for no more; zeros
    /// would make another image, which its hash tells.
    pub(crate) fn read(&self, at: u32, out: &mut [u8]) {
        if !self.window.read(self.fresh, at, out) {
            out.fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use kedge_platform_sim::random::Seeded;

    use super::*;

    /// However octets come and go, those that are there are the right ones.
    #[test]
    fn a_window_goes_over_all_octets() {
        let all: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for seed in 0..200 {
            let mut noise = Seeded::new(seed);
            let mut window = Window::at(100);
            let mut used = 100;
            for _ in 0..100 {
                let from = window.end() as usize;
                let there = from + noise.below(300);
                let mut fresh = &all[from..there];
                let step = noise.below(200);
                for at in [used, used + 1, used + step] {
                    let mut out = [0; 40];
                    let is_there = at + out.len() <= there;
                    assert_eq!(window.read(fresh, u32::try_from(at).unwrap(), &mut out), is_there);
                    assert!(!is_there || out[..] == all[at..at + out.len()], "{seed}: octets at {at}");
                }
                used = (used + step).min(there);
                window.advance(u32::try_from(used).unwrap(), &mut fresh);
                assert_eq!(window.end() as usize + fresh.len(), there, "{seed}: nothing is lost");
                if there - used < LEN {
                    window.keep(&mut fresh);
                    assert_eq!((fresh.len(), window.end() as usize), (0, there), "{seed}: there is room");
                }
            }
            assert!(!window.read(&[], 99, &mut [0]), "{seed}: what was before is gone");
        }
    }
}
