//! How deep the stack got: what lies below it is filled with a pattern, and later looked at.

use core::ptr::with_exposed_provenance_mut;

/// Octets that are filled, more than anything here takes.
const FILLED: usize = 48 << 10;
/// Octets next to the caller's frame that are left alone.
const GAP: usize = 256;
const PATTERN: u32 = 0x5AFE_57AC;

/// A mark on the stack.
pub struct Mark {
    top: usize,
}

impl Mark {
    /// Fills what lies below.
    #[inline(never)]
    pub fn set() -> Self {
        let here = 0_u32;
        let top = (&raw const here).expose_provenance() & !3;
        for at in (top - FILLED..top - GAP).step_by(4) {
            // SAFETY: RAM below the stack pointer, of which interrupts would be the only users, and there are none.
            unsafe { with_exposed_provenance_mut::<u32>(at).write_volatile(PATTERN) };
        }
        Self { top }
    }

    /// The deepest use since, in octets.
    #[inline(never)]
    pub fn depth(&self) -> usize {
        let words = (self.top - FILLED..self.top - GAP).step_by(4);
        // SAFETY: as above.
        let used = |at: &usize| unsafe { with_exposed_provenance_mut::<u32>(*at).read_volatile() } != PATTERN;
        words.into_iter().find(used).map_or(GAP, |deepest| self.top - deepest)
    }
}
