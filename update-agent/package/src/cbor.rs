//! The strict half of CBOR: `minicbor` reads and writes the items, this module refuses every encoding of them but the
//! deterministic one (RFC 8949 §4.2.1: shortest lengths, nothing indefinite; the order of keys is the caller's to check).
use minicbor::data::{Tag, Type};
use minicbor::decode::Decoder;
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

/// Reads items front to back; offsets in errors count from `base`.
pub(crate) struct Reader<'b> {
    decoder: Decoder<'b>,
    base: usize,
    len: usize,
}

impl<'b> Reader<'b> {
    pub(crate) fn new(octets: &'b [u8], base: usize) -> Self {
        Self { decoder: Decoder::new(octets), base, len: octets.len() }
    }

    /// The offset of the next item.
    pub(crate) fn at(&self) -> usize {
        self.base.saturating_add(self.decoder.position())
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.at())
    }

    pub(crate) fn tag(&mut self, expected: u64) -> Result<(), Error> {
        let at = self.at();
        let tag = self.item(|d| d.tag().map(Tag::as_u64), |tag| head_len(*tag))?;
        if tag == expected { Ok(()) } else { Err(Error::new(ErrorKind::BadValue, at)) }
    }

    /// Whether a tag `expected` comes next, however it is encoded.
    pub(crate) fn is_tag(&mut self, expected: u64) -> bool {
        self.decoder.probe().tag().is_ok_and(|tag| tag.as_u64() == expected)
    }

    /// The number of items of an array.
    fn array(&mut self) -> Result<u64, Error> {
        let at = self.at();
        let n = self.item(Decoder::array, |n| n.map_or(1, head_len))?;
        n.ok_or(Error::new(ErrorKind::NotDeterministic, at))
    }

    /// The number of pairs of a map.
    pub(crate) fn map(&mut self) -> Result<u64, Error> {
        let at = self.at();
        let n = self.item(Decoder::map, |n| n.map_or(1, head_len))?;
        n.ok_or(Error::new(ErrorKind::NotDeterministic, at))
    }

    /// Begins an array of so many items.
    pub(crate) fn array_of_items(&mut self, expected: u64) -> Result<(), Error> {
        let n = self.array()?;
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
            self.decoder.set_position(self.decoder.position().saturating_add(expected.len()));
            Ok(())
        } else {
            Err(self.error(ErrorKind::Unsupported))
        }
    }

    /// Goes back by `n` octets; returns where it was.
    pub(crate) fn back(&mut self, n: usize) -> usize {
        let at = self.at();
        self.decoder.set_position(self.decoder.position().saturating_sub(n));
        at
    }

    /// The octets not read yet.
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.decoder.input().get(self.decoder.position()..).unwrap_or_default()
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        let at = self.at();
        let value = self.item(Decoder::u64, |v| head_len(*v))?;
        u32::try_from(value).map_err(|_| Error::new(ErrorKind::LimitExceeded, at))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Error> {
        self.item(Decoder::i64, |v| head_len(v.unsigned_abs().saturating_sub(u64::from(*v < 0))))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Error> {
        self.item(Decoder::bytes, |b| string_len(b))
    }

    pub(crate) fn array_of<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let at = self.at();
        self.bytes()?.try_into().map_err(|_| Error::new(ErrorKind::BadLength, at))
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, Error> {
        self.item(Decoder::str, |s| string_len(s.as_bytes()))
    }

    /// An integer, string or boolean; anything else is refused.
    pub(crate) fn simple(&mut self) -> Result<Item<'b>, Error> {
        match self.decoder.datatype().map_err(|_| self.error(ErrorKind::Truncated))? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                self.item(Decoder::u64, |v| head_len(*v)).map(|v| Item::Integer(v.into()))
            }
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => self.i64().map(|v| Item::Integer(v.into())),
            Type::Bytes => self.bytes().map(Item::Bytes),
            Type::String => self.text().map(Item::Text),
            Type::Bool => self.item(Decoder::bool, |_| 1).map(Item::Bool),
            _ => Err(self.error(ErrorKind::Unsupported)),
        }
    }

    /// Refuses what is left over.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.decoder.position() == self.len { Ok(()) } else { Err(self.error(ErrorKind::Trailing)) }
    }

    /// Reads one item with `read` and requires that it took `expected` octets, its deterministic length.
    fn item<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
        expected: impl FnOnce(&T) -> usize,
    ) -> Result<T, Error> {
        let (start, at) = (self.decoder.position(), self.at());
        let item = read(&mut self.decoder).map_err(|error| {
            let kind = if error.is_end_of_input() { ErrorKind::Truncated } else { ErrorKind::BadValue };
            Error::new(kind, at)
        })?;
        if self.decoder.position().saturating_sub(start) == expected(&item) {
            Ok(item)
        } else {
            Err(Error::new(ErrorKind::NotDeterministic, at))
        }
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

fn string_len(octets: &[u8]) -> usize {
    u64::try_from(octets.len()).map_or(9, head_len).saturating_add(octets.len())
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
