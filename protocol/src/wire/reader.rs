use super::{Error, ErrorKind};

/// Reads octets front to back; never panics, never reads past the end.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at octet 0 of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// A reader of a part whose first octet has offset `at` in the whole.
    pub const fn with_base(bytes: &'a [u8], at: usize) -> Self {
        Self { rest: bytes, at }
    }

    /// The offset of the next octet.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// How many octets are left.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left, without consuming it.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// An error of `kind` at the next octet.
    pub const fn error(&self, kind: ErrorKind) -> Error {
        Error { kind, at: self.at }
    }

    /// The next octet, without consuming it.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next `n` octets.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(self.error(ErrorKind::Truncated))?;
        self.rest = rest;
        self.at = self.at.wrapping_add(n);
        Ok(head)
    }

    /// Everything that is left.
    pub fn take_rest(&mut self) -> &'a [u8] {
        let head = self.rest;
        self.rest = &[];
        self.at = self.at.wrapping_add(head.len());
        head
    }

    /// The octets before the next `stop`, which is consumed too.
    pub fn take_until(&mut self, stop: u8) -> Result<&'a [u8], Error> {
        let n = position(self.rest, stop).ok_or(self.error(ErrorKind::Truncated))?;
        let head = self.take(n)?;
        self.u8()?;
        Ok(head)
    }

    /// A reader over the next `n` octets, which keeps counting offsets of the whole.
    pub fn sub(&mut self, n: usize) -> Result<Reader<'a>, Error> {
        let at = self.at;
        self.take(n).map(|bytes| Reader { rest: bytes, at })
    }

    /// The next `N` octets as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(self.error(ErrorKind::Truncated))?;
        self.rest = rest;
        self.at = self.at.wrapping_add(N);
        Ok(*head)
    }

    /// One octet.
    pub fn u8(&mut self) -> Result<u8, Error> {
        let [b] = self.array()?;
        Ok(b)
    }

    /// Two octets, big-endian.
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four octets, big-endian.
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    /// A multi-octet integer: groups of 7 bits, most significant first, high bit set on all but the last; at most
    /// five octets and 32 bits (`mb_u_int32` of WBXML, `uintvar` of WSP).
    pub fn mb_u32(&mut self) -> Result<u32, Error> {
        let start = self.at;
        let mut value: u32 = 0;
        for _ in 0..5 {
            let b = self.u8()?;
            if value > u32::MAX >> 7 {
                return Err(Error::new(ErrorKind::BadValue, start));
            }
            value = value << 7 | u32::from(b & 0x7F);
            if b & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::new(ErrorKind::BadValue, start))
    }

    /// Refuses what is left over.
    pub fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(ErrorKind::Trailing)) }
    }
}

/// Where `octet` first stands in `bytes`: eight at a time, as strings are most of what is read.
pub(crate) fn position(bytes: &[u8], octet: u8) -> Option<usize> {
    /// The lowest and the highest bit of each octet of a word.
    const LOW: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let (words, tail) = bytes.as_chunks::<8>();
    let sought = u64::from_le_bytes([octet; 8]);
    for (word, start) in words.iter().zip((0_usize..).step_by(8)) {
        // Zero where the octet stands; a borrow out of an octet that is not zero comes from one below that is.
        let differs = u64::from_le_bytes(*word) ^ sought;
        let zeros = differs.wrapping_sub(LOW) & !differs & HIGH;
        if zeros != 0 {
            return Some(start.saturating_add(zeros.trailing_zeros() as usize / 8));
        }
    }
    let start = bytes.len().saturating_sub(tail.len());
    tail.iter().position(|&other| other == octet).map(|further| start.saturating_add(further))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_offsets_through_sub_readers() {
        let mut r = Reader::new(&[1, 2, 3, 4, 5]);
        r.u8().unwrap();
        let mut sub = r.sub(2).unwrap();
        assert_eq!(sub.u16(), Ok(0x0203));
        assert_eq!(sub.u8(), Err(Error::new(ErrorKind::Truncated, 3)));
        assert_eq!(r.finish(), Err(Error::new(ErrorKind::Trailing, 3)));
    }

    #[test]
    fn finds_the_first_of_any_octet_at_any_place() {
        for octet in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
            for other in
                [0x00, 0x01, 0x02, 0x7F, 0x80, 0x81, 0xFE, 0xFF].into_iter().filter(|&one| one != octet)
            {
                for len in 0..20 {
                    assert_eq!(position(&[other; 20][..len], octet), None, "{octet} in {len} of {other}");
                    for place in 0..len {
                        let mut bytes = [other; 20];
                        let bytes = &mut bytes[..len];
                        bytes[place..].fill(octet);
                        assert_eq!(position(bytes, octet), Some(place), "{octet} in {bytes:x?}");
                        bytes[place + 1..].fill(other);
                        assert_eq!(position(bytes, octet), Some(place), "{octet} in {bytes:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn mb_u32_takes_32_bits_and_no_more() {
        assert_eq!(Reader::new(&[0x81, 0x20]).mb_u32(), Ok(0xA0));
        assert_eq!(Reader::new(&[0x8F, 0xFF, 0xFF, 0xFF, 0x7F]).mb_u32(), Ok(u32::MAX));
        for bad in [&[0x9F, 0xFF, 0xFF, 0xFF, 0x7F][..], &[0x80; 6], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]] {
            assert_eq!(Reader::new(bad).mb_u32(), Err(Error::new(ErrorKind::BadValue, 0)), "{bad:x?}");
        }
        assert_eq!(Reader::new(&[0x81]).mb_u32(), Err(Error::new(ErrorKind::Truncated, 1)));
    }
}
