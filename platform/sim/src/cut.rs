//! Power cuts: when they come, and what they leave behind.

use std::collections::VecDeque;

use crate::random::Seeded;

/// Where in an operation the power fails. All but [`Cut::Before`] leave traces; each returns `PowerLost` to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before it took effect: the flash is as it was.
    Before,
    /// Inside it, at a place and with leftovers chosen by the seed.
    Torn {
        /// Chooses the place, the bits changed and the bits left unstable.
        seed: u64,
    },
    /// Inside it, when `octet` was at work (counted from the start of the operation, taken modulo its length).
    TornAt {
        /// The octet at work.
        octet: u32,
        /// Chooses the bits changed and the bits left unstable.
        seed: u64,
    },
    /// After it took full effect, but before the call returned.
    After,
}

/// Whether the power is on, and the cuts to come, in order; each counts operations from the power-on before it.
#[derive(Clone, Debug)]
pub(super) struct Power {
    on: bool,
    /// Operations since it was switched on.
    operations: u64,
    waiting: VecDeque<(u64, Cut)>,
}

impl Power {
    /// Switched on, without cuts.
    pub(super) const fn new() -> Self {
        Self { on: true, operations: 0, waiting: VecDeque::new() }
    }

    pub(super) fn cut_at(&mut self, operation: u64, cut: Cut) {
        self.waiting.push_back((operation, cut));
    }

    pub(super) fn clear_cuts(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn cuts_left(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn switch_off(&mut self) {
        self.on = false;
    }

    /// Ends a power cut, and counts operations from 0 again.
    pub(super) const fn switch_on(&mut self) {
        self.on = true;
        self.operations = 0;
    }

    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    pub(super) const fn operations(&self) -> u64 {
        self.operations
    }

    /// Counts an operation. The cut that strikes it, if one does, is used up, and the power is off then.
    pub(super) fn spend(&mut self) -> Option<Cut> {
        let strikes = self.waiting.front().is_some_and(|(due, _)| *due <= self.operations);
        let due = if strikes { self.waiting.pop_front() } else { None };
        self.operations += 1;
        self.on = due.is_none();
        due.map(|(_, cut)| cut)
    }
}

/// How far a cut operation of `len` octets got, and the noise for the rest.
pub(super) struct Tear {
    /// The octet at work; below the operation's length.
    pub(super) octet: usize,
    /// Whether the caller named the octet, so that the change must look like progress up to there.
    pub(super) named: bool,
    pub(super) noise: Seeded,
}

impl Tear {
    /// The tear that `cut` means for an operation of `len` octets; `None` when it is not inside the operation.
    pub(super) fn new(cut: Cut, len: usize) -> Option<Self> {
        match cut {
            Cut::Before | Cut::After => None,
            Cut::Torn { seed } => {
                let mut noise = Seeded::new(seed);
                Some(Self { octet: noise.below(len), named: false, noise })
            }
            Cut::TornAt { octet, seed } => {
                let octet = (octet as usize).checked_rem(len).unwrap_or(0);
                Some(Self { octet, named: true, noise: Seeded::new(seed) })
            }
        }
    }

    /// A density for unstable bits: none, few, half or all of those that can be unstable.
    pub(super) fn density(&mut self) -> Density {
        match self.noise.below(4) {
            0 => Density::None,
            1 => Density::Few,
            2 => Density::Half,
            _ => Density::All,
        }
    }
}

/// How many of some bits are chosen.
#[derive(Clone, Copy)]
pub(super) enum Density {
    None,
    Few,
    Half,
    All,
}

impl Density {
    /// A random octet with this share of its bits set.
    pub(super) fn mask(self, noise: &mut Seeded) -> u8 {
        match self {
            Self::None => 0,
            Self::Few => noise.octet() & noise.octet() & noise.octet(),
            Self::Half => noise.octet(),
            Self::All => 0xFF,
        }
    }
}
