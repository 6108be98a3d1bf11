//! Where the body of an answer ends (RFC 9112 §6): by its length, by its last chunk, or with the connection.

/// Longest line of a chunk's size or of a trailer, without its end. Extensions and trailers are skipped.
const LINE: usize = 256;

/// What is to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many octets.
    Octets(u64),
    /// Chunks.
    Chunks(Chunks),
    /// All until the connection ends.
    ToTheEnd,
}

/// Where a body in chunks stands (RFC 9112 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// A chunk's size is next.
    Size,
    /// So many octets of this chunk are to come, and the end of its line.
    Data(u64),
    /// Trailers are next.
    Trailers,
    /// That was all.
    Over,
}

/// A body in chunks that keeps to no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Lines, read octet by octet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    octets: [u8; LINE],
    len: usize,
}

impl Line {
    /// Nothing of it yet.
    pub(crate) const EMPTY: Self = Self { octets: [0; LINE], len: 0 };

    /// Takes an octet; true when the line is whole, without its CR LF.
    pub(crate) fn take(&mut self, octet: u8) -> Result<bool, Unreadable> {
        if octet == b'\n' {
            let so_far = self.octets.get(..self.len).unwrap_or_default();
            self.len = so_far.strip_suffix(b"\r").ok_or(Unreadable)?.len();
            return Ok(true);
        }
        *self.octets.get_mut(self.len).ok_or(Unreadable)? = octet;
        self.len = self.len.saturating_add(1);
        Ok(false)
    }

    /// The line.
    pub(crate) fn get(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

impl Chunks {
    /// What follows on a whole line.
    pub(crate) fn line(self, line: &[u8]) -> Result<Self, Unreadable> {
        match self {
            Self::Size => match size(line)? {
                0 => Ok(Self::Trailers),
                size => Ok(Self::Data(size)),
            },
            Self::Data(0) if line.is_empty() => Ok(Self::Size),
            Self::Trailers if line.is_empty() => Ok(Self::Over),
            Self::Trailers => Ok(self),
            Self::Data(_) | Self::Over => Err(Unreadable),
        }
    }
}

/// The size in `chunk-size [chunk-ext]`: at most sixteen hexadecimal digits.
fn size(line: &[u8]) -> Result<u64, Unreadable> {
    let end = line.iter().position(|octet| matches!(octet, b';' | b' ' | b'\t')).unwrap_or(line.len());
    let digits = line.get(..end).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let digits = digits.and_then(|digits| core::str::from_utf8(digits).ok()).ok_or(Unreadable)?;
    u64::from_str_radix(digits, 16).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_hexadecimal() {
        assert_eq!(size(b"1aF"), Ok(0x1AF));
        assert_eq!(size(b"10;name=\"value\""), Ok(16));
        assert_eq!(size(b"ffffffffffffffff"), Ok(u64::MAX));
        for wrong in [&b""[..], b"+1", b"0x10", b" 1", b"10000000000000000", b";1", b"\xB1"] {
            assert_eq!(size(wrong), Err(Unreadable), "{wrong:?}");
        }
    }

    #[test]
    fn lines_end_with_both_octets_and_are_bounded() {
        let mut line = Line::EMPTY;
        let taken: Result<Vec<bool>, _> = b"1a\r\n".iter().map(|octet| line.take(*octet)).collect();
        assert_eq!((taken, line.get()), (Ok(vec![false, false, false, true]), &b"1a"[..]));
        let mut bare = Line::EMPTY;
        assert_eq!(bare.take(b'\n'), Err(Unreadable));
        let mut long = Line::EMPTY;
        assert!((0..LINE).all(|_| long.take(b'x') == Ok(false)));
        assert_eq!(long.take(b'x'), Err(Unreadable));
    }

    #[test]
    fn chunks_follow_each_other() {
        use Chunks::{Data, Over, Size, Trailers};
        assert_eq!(Size.line(b"5"), Ok(Data(5)));
        assert_eq!(Data(0).line(b""), Ok(Size));
        assert_eq!(Data(0).line(b"x"), Err(Unreadable));
        assert_eq!(Size.line(b"000"), Ok(Trailers));
        assert_eq!(Trailers.line(b"Digest: x"), Ok(Trailers));
        assert_eq!(Trailers.line(b""), Ok(Over));
        assert_eq!(Over.line(b""), Err(Unreadable));
    }
    extern crate std;
    use std::{vec, vec::Vec};
}
