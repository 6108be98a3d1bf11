//! Short texts that are kept rather than borrowed.

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

    /// As much of `text` as fits, cut between two characters.
    pub(crate) fn cut(text: &str) -> Self {
        let mut end = text.len().min(N);
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        text.get(..end).and_then(|text| Self::of(&[text])).unwrap_or(Self::EMPTY)
    }

    /// Appends `part`, or nothing if it does not fit.
    pub(crate) fn push(&mut self, part: &str) -> Option<()> {
        *self = Self::of(&[self.as_str(), part])?;
        Some(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_as_digits() {
        assert_eq!(hex::<4>(&[0x0A, 0xF5]).as_str(), "0AF5");
    }

    #[test]
    fn what_is_too_long_is_no_text() {
        assert_eq!(Text::<4>::of(&["ab", "cd"]).map(|text| text.as_str().len()), Some(4));
        assert!(Text::<4>::of(&["ab", "cde"]).is_none());
        assert_eq!(Text::<4>::cut("abc\u{e9}").as_str(), "abc");
        let mut text = Text::<4>::cut("ab");
        assert_eq!((text.push("cde"), text.push("cd")), (None, Some(())));
        assert_eq!(text.as_str(), "abcd");
        assert!(Text::<4>::EMPTY.is_empty() && Text::<4>::EMPTY.non_empty().is_none());
    }
}
