/// A short text of its own, at most `N` octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<const N: usize> {
    octets: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    pub(crate) const EMPTY: Self = Self { octets: [0; N], len: 0 };

    /// The concatenation of `parts`; `None` if it is too long.
    pub(crate) fn of(parts: &[&str]) -> Option<Self> {
        let mut octets = [0; N];
        let mut out = crate::wire::Writer::new(&mut octets);
        parts.iter().try_for_each(|part| out.put(part.as_bytes())).ok()?;
        let len = out.at();
        Some(Self { octets, len })
    }

    pub(crate) fn as_str(&self) -> &str {
        self.octets.get(..self.len).and_then(|octets| str::from_utf8(octets).ok()).unwrap_or_default()
    }

    /// The text, unless it is empty.
    pub(crate) fn non_empty(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| !text.is_empty())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The upper-case hexadecimal digits of `octets`, of which there are at most `N / 2`.
pub(crate) fn hex<const N: usize>(octets: &[u8]) -> Text<N> {
    let mut digits = [0; N];
    let nibbles = octets.iter().flat_map(|octet| [octet >> 4, octet & 0xF]);
    let mut len = 0_usize;
    for (digit, nibble) in digits.iter_mut().zip(nibbles) {
        *digit =
            if nibble < 10 { nibble.wrapping_add(b'0') } else { nibble.wrapping_sub(10).wrapping_add(b'A') };
        len = len.saturating_add(1);
    }
    Text { octets: digits, len }
}
