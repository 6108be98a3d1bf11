//! Reading decisions from octets: whatever they are, they mean something.

/// Octets from which decisions are taken; behind the end there are zeros.
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl Take<'_> {
    /// Whether there is nothing left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next octet.
    pub(super) fn octet(&mut self) -> u8 {
        let (octet, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *octet
    }

    /// The next octet; `end` behind the end.
    pub(super) fn octet_or(&mut self, end: u8) -> u8 {
        if self.is_empty() { end } else { self.octet() }
    }

    /// A number below a limit, two octets long; 0 if the limit is 0.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        let number = u32::from(u16::from_le_bytes([self.octet(), self.octet()]));
        number.checked_rem(limit).unwrap_or(0)
    }

    /// Mostly a number around `likely`, sometimes an absurd one.
    pub(super) fn around(&mut self, likely: u32) -> u32 {
        match self.octet() {
            0..=95 => likely,
            96..=159 => self.below(likely.saturating_add(1)),
            160..=191 => likely.wrapping_add(u32::from(self.octet())),
            192..=223 => likely.wrapping_sub(u32::from(self.octet())),
            224..=239 => u32::from_le_bytes([self.octet(), self.octet(), self.octet(), self.octet()]),
            240..=247 => u32::MAX,
            _ => 0,
        }
    }

    /// The next so many octets, as far as there are.
    pub(super) fn octets(&mut self, len: usize) -> &[u8] {
        let (octets, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        octets
    }
}
