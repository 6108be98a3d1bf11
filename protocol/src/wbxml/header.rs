//! What stands before the body: version, public identifier, charset, string table (WAP-192 §5.4 to §5.7).

use super::{Quirk, Quirks, Vocabulary};
use crate::wire::{Error, ErrorKind, Reader, open_code};

open_code! {
    /// The version octet: (major - 1) in the high half, minor in the low half.
    pub struct Version(u8) {
        /// WBXML 1.1.
        V1_1 = 0x01, "1.1";
        /// WBXML 1.2.
        V1_2 = 0x02, "1.2";
        /// WBXML 1.3.
        V1_3 = 0x03, "1.3";
    }
}

open_code! {
    /// The character set of all strings, as IANA MIBenum number.
    pub struct Charset(u32) {
        /// Not told; read as UTF-8, see [`Quirk::UnknownCharset`].
        UNKNOWN = 0, "unknown";
        /// US-ASCII: seven bits.
        US_ASCII = 3, "US-ASCII";
        /// ISO-8859-1: one octet per character, the first 256 of Unicode.
        ISO_8859_1 = 4, "ISO-8859-1";
        /// UTF-8, what the writer always writes.
        UTF_8 = 106, "UTF-8";
    }
}

/// The document type as the header states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicId<'a> {
    /// A registered number; 1 is "unknown or missing".
    Number(u32),
    /// The formal public identifier, spelled out in the string table.
    Literal(&'a str),
}

impl PublicId<'_> {
    /// Whether this names the document type of `vocabulary`: by number, or by text without regard to case.
    pub fn is(&self, vocabulary: &Vocabulary) -> bool {
        match self {
            Self::Number(number) => *number == vocabulary.number && *number != Vocabulary::UNREGISTERED,
            Self::Literal(text) => !text.is_empty() && text.eq_ignore_ascii_case(vocabulary.text),
        }
    }
}

/// The header of a WBXML document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// WBXML 1.1, 1.2 or 1.3.
    pub version: Version,
    /// The document type.
    pub public_id: PublicId<'a>,
    /// One of the four of [`Charset`].
    pub charset: Charset,
    /// The string table: its octets and where they stand in the document.
    pub table: StringTable<'a>,
}

/// The string table: entries that end at a zero octet, addressed by offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StringTable<'a> {
    /// The octets.
    pub octets: &'a [u8],
    /// The offset of the first of them in the document.
    pub at: usize,
}

impl<'a> StringTable<'a> {
    /// The string from `offset` to the next zero or the end of the table, with its place in the document. The
    /// offset may point into the middle of an entry. `None`: outside the table.
    pub(super) fn get(&self, offset: u32) -> Option<(&'a [u8], usize)> {
        let offset = usize::try_from(offset).ok()?;
        let (_, tail) = self.octets.split_at_checked(offset)?;
        let string = tail.split(|&octet| octet == 0).next()?;
        (!tail.is_empty()).then_some((string, self.at.saturating_add(offset)))
    }
}

/// Decodes a name or identifier. In the single-octet charsets only ASCII is taken: no registered name has more, and
/// other characters could not be lent from the input.
pub(super) fn name_text(octets: &[u8], charset: Charset, at: usize) -> Result<&str, Error> {
    let utf8 = charset == Charset::UTF_8 || charset == Charset::UNKNOWN;
    match octets.iter().position(|octet| !octet.is_ascii()) {
        Some(i) if charset == Charset::US_ASCII => Err(Error::new(ErrorKind::BadText, at.saturating_add(i))),
        Some(i) if !utf8 => Err(Error::new(ErrorKind::Unsupported, at.saturating_add(i))),
        _ => utf8_text(octets, at),
    }
}

/// Decodes UTF-8 whose first octet stands at `at`.
pub(crate) fn utf8_text(octets: &[u8], at: usize) -> Result<&str, Error> {
    str::from_utf8(octets)
        .map_err(|fault| Error::new(ErrorKind::BadText, at.saturating_add(fault.valid_up_to())))
}

/// Reads the header and leaves `r` at the body.
///
/// `start = version publicid charset strtbl body`
///
/// Refuses versions other than 1.1 to 1.3 and charsets other than those of [`Charset`] as `Unsupported`.
pub(super) fn read<'a>(r: &mut Reader<'a>, quirks: &mut Quirks) -> Result<Header<'a>, Error> {
    let at = r.at();
    let version = Version(r.u8()?);
    if version.name().is_none() {
        return Err(Error::new(ErrorKind::Unsupported, at));
    }
    let id_at = r.at();
    let number = r.mb_u32()?;
    let literal = if number == 0 { Some(r.mb_u32()?) } else { None };
    let at = r.at();
    let charset = Charset(r.mb_u32()?);
    match charset.name() {
        None => return Err(Error::new(ErrorKind::Unsupported, at)),
        Some(_) if charset == Charset::UNKNOWN => quirks.note(Quirk::UnknownCharset),
        Some(_) => {}
    }
    let at = r.at();
    let len = usize::try_from(r.mb_u32()?).map_err(|_| Error::new(ErrorKind::BadLength, at))?;
    let table = StringTable { at: r.at(), octets: r.take(len)? };
    if table.octets.last().is_some_and(|&last| last != 0) {
        quirks.note(Quirk::UnterminatedTable);
    }
    let public_id = match literal {
        None => PublicId::Number(number),
        Some(offset) => {
            let (octets, at) = table.get(offset).ok_or(Error::new(ErrorKind::BadValue, id_at))?;
            PublicId::Literal(name_text(octets, charset, at)?)
        }
    };
    Ok(Header { version, public_id, charset, table })
}
