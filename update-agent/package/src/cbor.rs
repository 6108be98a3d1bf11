//! The strict half of CBOR: reading takes the deterministic encoding and refuses every other (RFC 8949 §4.2.1: shortest
//! lengths, nothing indefinite; the order of keys is the caller's to check). `minicbor` writes.

use minicbor::encode::write::{Cursor, EndOfSlice};
use minicbor::encode::{self, Encoder};

use crate::{Error, ErrorKind};

/// An item without parts.
pub(crate) enum Item<'b> {
    Integer(i128),
    Bytes(&'b [u8]),
    Text(&'b str),
    Bool(bool),
}

/// Major types (RFC 8949 §3.1).
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// The simple values that are known.
const FALSE: u64 = 20;
const TRUE: u64 = 21;
/// The additional information of an item without a length.
const INDEFINITE: u8 = 31;

/// Reads items front to back; offsets in errors count from `base`.
pub(crate) struct Reader<'b> {
    octets: &'b [u8],
    position: usize,
    base: usize,
}

impl<'b> Reader<'b> {
    pub(crate) fn new(octets: &'b [u8], base: usize) -> Self {
        Self { octets, position: 0, base }
    }

    /// The offset of the next item.
    pub(crate) fn at(&self) -> usize {
        self.base.saturating_add(self.position)
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.at())
    }

    pub(crate) fn tag(&mut self, expected: u64) -> Result<(), Error> {
        let at = self.at();
        let tag = self.head(major::TAG)?;
        if tag == expected { Ok(()) } else { Err(Error::new(ErrorKind::BadValue, at)) }
    }

    /// Whether a tag `expected` comes next, however it is encoded.
    pub(crate) fn is_tag(&mut self, expected: u64) -> bool {
        self.next_head(major::TAG).is_ok_and(|(tag, _)| tag == expected)
    }

    /// The number of pairs of a map.
    pub(crate) fn map(&mut self) -> Result<u64, Error> {
        self.head(major::MAP)
    }

    /// Begins an array of so many items.
    pub(crate) fn array_of_items(&mut self, expected: u64) -> Result<(), Error> {
        let n = self.head(major::ARRAY)?;
        if n == expected { Ok(()) } else { Err(self.error(ErrorKind::BadLength)) }
    }

    /// Begins a map of so many pairs.
    pub(crate) fn map_of(&mut self, expected: u64) -> Result<(), Error> {
        let n = self.map()?;
        if n == expected { Ok(()) } else { Err(self.error(ErrorKind::BadLength)) }
    }

    /// Refuses any other octets.
    pub(crate) fn literal(&mut self, expected: &[u8]) -> Result<(), Error> {
        if self.rest().starts_with(expected) {
            self.position = self.position.saturating_add(expected.len());
            Ok(())
        } else {
            Err(self.error(ErrorKind::Unsupported))
        }
    }

    /// Goes back by `n` octets; returns where it was.
    pub(crate) fn back(&mut self, n: usize) -> usize {
        let at = self.at();
        self.position = self.position.saturating_sub(n);
        at
    }

    /// The octets not read yet.
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.octets.get(self.position..).unwrap_or_default()
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        let at = self.at();
        let value = self.head(major::UNSIGNED)?;
        u32::try_from(value).map_err(|_| Error::new(ErrorKind::LimitExceeded, at))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Error> {
        let at = self.at();
        let negative = self.is_next(major::NEGATIVE);
        let value = self.head(if negative { major::NEGATIVE } else { major::UNSIGNED })?;
        let value = i64::try_from(value).map_err(|_| Error::new(ErrorKind::BadValue, at))?;
        Ok(if negative { !value } else { value })
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Error> {
        self.string(major::BYTES)
    }

    pub(crate) fn array_of<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let at = self.at();
        self.bytes()?.try_into().map_err(|_| Error::new(ErrorKind::BadLength, at))
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, Error> {
        let at = self.at();
        core::str::from_utf8(self.string(major::TEXT)?).map_err(|_| Error::new(ErrorKind::BadValue, at))
    }

    /// An integer, string or boolean; anything else is refused.
    pub(crate) fn simple(&mut self) -> Result<Item<'b>, Error> {
        let unsupported = self.error(ErrorKind::Unsupported);
        let Some(initial) = self.rest().first() else { return Err(self.error(ErrorKind::Truncated)) };
        match initial >> 5 {
            _ if initial & INDEFINITE == INDEFINITE => Err(unsupported),
            major::UNSIGNED => self.head(major::UNSIGNED).map(|value| Item::Integer(value.into())),
            major::NEGATIVE => self.head(major::NEGATIVE).map(|value| Item::Integer(!i128::from(value))),
            major::BYTES => self.bytes().map(Item::Bytes),
            major::TEXT => self.text().map(Item::Text),
            major::SIMPLE => match self.head(major::SIMPLE)? {
                value @ (FALSE | TRUE) => Ok(Item::Bool(value == TRUE)),
                _ => Err(unsupported),
            },
            _ => Err(unsupported),
        }
    }

    /// Refuses what is left over.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.error(ErrorKind::Trailing)) }
    }

    fn is_next(&self, major: u8) -> bool {
        self.rest().first().is_some_and(|initial| initial >> 5 == major)
    }

    /// The octets of a string.
    fn string(&mut self, major: u8) -> Result<&'b [u8], Error> {
        let start = self.position;
        let len = self.head(major)?;
        let string = usize::try_from(len).ok().and_then(|len| self.rest().get(..len));
        if let Some(string) = string {
            self.position = self.position.saturating_add(string.len());
            return Ok(string);
        }
        Err(Error::new(ErrorKind::Truncated, self.base.saturating_add(start)))
    }

    /// Reads the head of an item of this type: its argument, which must be as short as it can be.
    #[inline(never)]
    fn head(&mut self, major: u8) -> Result<u64, Error> {
        let (value, len) = self.next_head(major).map_err(|kind| self.error(kind))?;
        if len != head_len(value) {
            return Err(self.error(ErrorKind::NotDeterministic));
        }
        self.position = self.position.saturating_add(len);
        Ok(value)
    }

    /// The argument of the next head, which must be of this type, and the octets that it takes.
    fn next_head(&self, major: u8) -> Result<(u64, usize), ErrorKind> {
        let (initial, rest) = self.rest().split_first().ok_or(ErrorKind::Truncated)?;
        if initial >> 5 != major {
            return Err(ErrorKind::BadValue);
        }
        let octets = match initial & INDEFINITE {
            short @ 0..=23 => return Ok((short.into(), 1)),
            long @ 24..=27 => 1_usize.wrapping_shl(u32::from(long & 3)),
            INDEFINITE if matches!(major, major::ARRAY | major::MAP) => {
                return Err(ErrorKind::NotDeterministic);
            }
            _ => return Err(ErrorKind::BadValue),
        };
        let argument = rest.get(..octets).ok_or(ErrorKind::Truncated)?;
        let value = argument.iter().fold(0, |value, octet| value << 8 | u64::from(*octet));
        Ok((value, octets.saturating_add(1)))
    }
}

/// Octets of the shortest head (initial octet and argument) with argument `value`.
fn head_len(value: u64) -> usize {
    match value {
        0..=23 => 1,
        24..=0xFF => 2,
        0x100..=0xFFFF => 3,
        0x1_0000..=0xFFFF_FFFF => 5,
        _ => 9,
    }
}

/// Writes items with `write` into `out`; returns what was written.
pub(crate) fn write(
    out: &mut [u8],
    write: impl FnOnce(&mut Encoder<Cursor<&mut [u8]>>) -> Result<(), encode::Error<EndOfSlice>>,
) -> Result<usize, Error> {
    let len = out.len();
    let mut encoder = Encoder::new(Cursor::new(out));
    write(&mut encoder).map_err(|_| Error::new(ErrorKind::NoRoom, len))?;
    Ok(encoder.writer().position())
}
