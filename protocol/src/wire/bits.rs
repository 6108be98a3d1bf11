use super::{Error, ErrorKind};

/// Reads fields that are not octet-aligned, most significant bit first (IS-683, IS-637).
#[derive(Clone, Copy, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    bit: usize,
    base: usize,
}

impl<'a> BitReader<'a> {
    /// A reader at bit 0 of `bytes`, whose first octet has offset `base` in the whole.
    pub const fn new(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, bit: 0, base }
    }

    /// The offset of the octet that holds the next bit.
    pub const fn at(&self) -> usize {
        self.base.wrapping_add(self.bit >> 3)
    }

    /// How many bits are left.
    pub const fn left(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.bit)
    }

    /// An error of `kind` at the octet that holds the next bit.
    pub const fn error(&self, kind: ErrorKind) -> Error {
        Error { kind, at: self.at() }
    }

    /// The next `n` bits (0..=64) as a number.
    #[expect(clippy::cast_possible_truncation, reason = "three bits remain")]
    pub fn take(&mut self, n: u32) -> Result<u64, Error> {
        if n > 64 || self.left() < n as usize {
            return Err(self.error(ErrorKind::Truncated));
        }
        let mut value: u64 = 0;
        for _ in 0..n {
            let octet = self.bytes.get(self.bit >> 3).copied().unwrap_or(0);
            let shift = 7_u32.wrapping_sub((self.bit & 7) as u32) & 7;
            value = value << 1 | u64::from(octet >> shift & 1);
            self.bit = self.bit.wrapping_add(1);
        }
        Ok(value)
    }

    /// The next bit as a flag.
    pub fn flag(&mut self) -> Result<bool, Error> {
        self.take(1).map(|b| b == 1)
    }

    /// The next `n` bits (at most 8).
    pub fn u8(&mut self, n: u32) -> Result<u8, Error> {
        let v = self.take(n)?;
        u8::try_from(v).map_err(|_| self.error(ErrorKind::BadValue))
    }

    /// The next `n` bits (at most 16).
    pub fn u16(&mut self, n: u32) -> Result<u16, Error> {
        let v = self.take(n)?;
        u16::try_from(v).map_err(|_| self.error(ErrorKind::BadValue))
    }

    /// The next `n` bits (at most 32).
    pub fn u32(&mut self, n: u32) -> Result<u32, Error> {
        let v = self.take(n)?;
        u32::try_from(v).map_err(|_| self.error(ErrorKind::BadValue))
    }

    /// Skips padding to the end; refuses a whole octet or more of it. Padding bits are ignored on receipt.
    pub fn finish_padded(self) -> Result<(), Error> {
        if self.left() < 8 { Ok(()) } else { Err(self.error(ErrorKind::Trailing)) }
    }
}

/// Writes fields that are not octet-aligned, most significant bit first.
#[derive(Debug)]
pub struct BitWriter<'b> {
    buf: &'b mut [u8],
    bit: usize,
}

impl<'b> BitWriter<'b> {
    /// A writer at bit 0 of `buf`.
    pub const fn new(buf: &'b mut [u8]) -> Self {
        Self { buf, bit: 0 }
    }

    /// How many bits were written.
    pub const fn bits(&self) -> usize {
        self.bit
    }

    /// Appends the low `n` bits (0..=64) of `value`; refuses a value that needs more.
    pub fn put(&mut self, value: u64, n: u32) -> Result<(), Error> {
        let at = self.bit >> 3;
        if n > 64 || (n < 64 && value >> n != 0) {
            return Err(Error::new(ErrorKind::BadValue, at));
        }
        if self.buf.len().saturating_mul(8).saturating_sub(self.bit) < n as usize {
            return Err(Error::new(ErrorKind::NoRoom, at));
        }
        for i in (0..n).rev() {
            let one = value >> (i & 63) & 1 == 1;
            let mask = 0x80_u8 >> (self.bit & 7);
            if let Some(octet) = self.buf.get_mut(self.bit >> 3) {
                *octet = if one { *octet | mask } else { *octet & !mask };
            }
            self.bit = self.bit.wrapping_add(1);
        }
        Ok(())
    }

    /// Appends one flag.
    pub fn flag(&mut self, value: bool) -> Result<(), Error> {
        self.put(u64::from(value), 1)
    }

    /// Pads with zero bits to a whole octet and returns what was written.
    pub fn finish(mut self) -> Result<&'b [u8], Error> {
        while self.bit & 7 != 0 {
            self.put(0, 1)?;
        }
        Ok(self.buf.get(..self.bit >> 3).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cross_octets() {
        let mut buf = [0xFF; 4];
        let mut w = BitWriter::new(&mut buf);
        w.put(0b101, 3).unwrap();
        w.put(0x2AB, 10).unwrap();
        w.flag(true).unwrap();
        assert_eq!(w.put(4, 2), Err(Error::new(ErrorKind::BadValue, 1)));
        let bytes = w.finish().unwrap();
        assert_eq!(bytes, [0b1011_0101, 0b0101_1100]);
        let mut r = BitReader::new(bytes, 10);
        assert_eq!((r.take(3), r.take(10), r.flag()), (Ok(5), Ok(0x2AB), Ok(true)));
        assert_eq!(r.take(3), Err(Error::new(ErrorKind::Truncated, 11)));
        r.finish_padded().unwrap();
    }

    #[test]
    fn whole_words() {
        let mut buf = [0; 8];
        let mut w = BitWriter::new(&mut buf);
        w.put(u64::MAX - 5, 64).unwrap();
        assert_eq!(BitReader::new(w.finish().unwrap(), 0).take(64), Ok(u64::MAX - 5));
    }
}
