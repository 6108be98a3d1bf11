use super::{Error, ErrorKind};

/// Writes octets front to back into the caller's buffer; never panics.
#[derive(Debug)]
pub struct Writer<'b> {
    buf: &'b mut [u8],
    at: usize,
}

impl<'b> Writer<'b> {
    /// A writer at octet 0 of `buf`.
    pub const fn new(buf: &'b mut [u8]) -> Self {
        Self { buf, at: 0 }
    }

    /// A writer behind the first `at` octets of `buf`, which were written before; `NoRoom` if it has not so many.
    pub const fn resume(buf: &'b mut [u8], at: usize) -> Result<Self, Error> {
        if at > buf.len() {
            return Err(Error::new(ErrorKind::NoRoom, buf.len()));
        }
        Ok(Self { buf, at })
    }

    /// How many octets were written.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// How many octets still fit.
    pub const fn room(&self) -> usize {
        self.buf.len().saturating_sub(self.at)
    }

    /// Appends `bytes`, or nothing if they do not fit.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let no_room = Error::new(ErrorKind::NoRoom, self.at);
        let (_, free) = self.buf.split_at_mut_checked(self.at).ok_or(no_room)?;
        let (target, _) = free.split_at_mut_checked(bytes.len()).ok_or(no_room)?;
        for (to, from) in target.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.at = self.at.wrapping_add(bytes.len());
        Ok(())
    }

    /// Appends one octet.
    pub fn u8(&mut self, value: u8) -> Result<(), Error> {
        self.put(&[value])
    }

    /// Appends two octets, big-endian.
    pub fn u16(&mut self, value: u16) -> Result<(), Error> {
        self.put(&value.to_be_bytes())
    }

    /// Appends four octets, big-endian.
    pub fn u32(&mut self, value: u32) -> Result<(), Error> {
        self.put(&value.to_be_bytes())
    }

    /// Appends a multi-octet integer in its shortest form; the inverse of [`super::Reader::mb_u32`].
    pub fn mb_u32(&mut self, value: u32) -> Result<(), Error> {
        for shift in [28, 21, 14, 7] {
            if value >> shift != 0 {
                self.u8(((value >> shift) & 0x7F) as u8 | 0x80)?;
            }
        }
        self.u8((value & 0x7F) as u8)
    }

    /// Appends the `len` octets from `start` on once more, which were written before.
    pub fn again(&mut self, start: usize, len: usize) -> Result<(), Error> {
        let no_room = Error::new(ErrorKind::NoRoom, self.at);
        let (written, free) = self.buf.split_at_mut_checked(self.at).ok_or(no_room)?;
        let (_, tail) = written.split_at_checked(start).ok_or(no_room)?;
        let (source, _) = tail.split_at_checked(len).ok_or(no_room)?;
        let (target, _) = free.split_at_mut_checked(len).ok_or(no_room)?;
        for (to, from) in target.iter_mut().zip(source) {
            *to = *from;
        }
        self.at = self.at.wrapping_add(len);
        Ok(())
    }

    /// What was written so far.
    pub fn written(&self) -> &[u8] {
        self.buf.get(..self.at).unwrap_or_default()
    }

    /// Overwrites one octet that was already written (a length known only afterwards).
    pub fn patch(&mut self, at: usize, value: u8) -> Result<(), Error> {
        match self.buf.get_mut(at) {
            Some(b) if at < self.at => {
                *b = value;
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::NoRoom, at)),
        }
    }

    /// Gives up what was written behind `at`; nothing happens if that is not behind it.
    pub fn truncate(&mut self, at: usize) {
        self.at = self.at.min(at);
    }

    /// The written part of the buffer.
    pub fn finish(self) -> &'b [u8] {
        self.buf.get(..self.at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reader;

    #[test]
    fn mb_u32_is_the_inverse_of_reading() {
        for value in
            [0, 1, 0x7F, 0x80, 0x3FFF, 0x4000, 0x001F_FFFF, 0x0020_0000, 0x0FFF_FFFF, 0x1000_0000, u32::MAX]
        {
            let mut buf = [0; 5];
            let mut w = Writer::new(&mut buf);
            w.mb_u32(value).unwrap();
            assert_eq!(Reader::new(w.finish()).mb_u32(), Ok(value));
        }
    }

    #[test]
    fn what_was_written_is_written_again() {
        let mut buf = [0; 5];
        let mut w = Writer::new(&mut buf);
        w.put(&[1, 2, 3]).unwrap();
        assert!(w.again(2, 2).is_err() && w.again(4, 0).is_err());
        w.again(1, 2).unwrap();
        assert_eq!(w.finish(), [1, 2, 3, 2, 3]);
    }

    #[test]
    fn refuses_to_overrun() {
        let mut buf = [0; 3];
        let mut w = Writer::new(&mut buf);
        w.u16(0x0102).unwrap();
        assert_eq!(w.u16(0x0304), Err(Error::new(ErrorKind::NoRoom, 2)));
        assert_eq!(w.patch(2, 9), Err(Error::new(ErrorKind::NoRoom, 2)));
        assert_eq!(w.again(0, 2), Err(Error::new(ErrorKind::NoRoom, 2)));
        w.patch(0, 9).unwrap();
        w.truncate(3);
        assert_eq!(w.written(), [9, 2]);
        w.truncate(1);
        assert_eq!(w.finish(), [9]);
    }
}
