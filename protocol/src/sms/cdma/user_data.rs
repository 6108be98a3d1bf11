use super::Encoding;
use crate::wire::{BitReader, BitWriter, Error, ErrorKind, Writer};

/// User data: `MSG_ENCODING 5, [MESSAGE_TYPE 8,] NUM_FIELDS 8, CHAR..`, padded to whole octets.
#[derive(Clone, Copy, Debug)]
pub struct UserData<'a> {
    /// How the fields are coded.
    pub encoding: Encoding,
    bits: BitReader<'a>,
    fields: u8,
}

/// Encoding 1 is the extended protocol message, the only one with a message type of its own in between.
const EXTENDED_PROTOCOL: u8 = 1;

impl<'a> UserData<'a> {
    /// Reads the value of the parameter; `at` is its offset in the whole.
    pub(super) fn parse(value: &'a [u8], at: usize) -> Result<Self, Error> {
        let mut bits = BitReader::new(value, at);
        let encoding = Encoding(bits.u8(5)?);
        if encoding.0 == EXTENDED_PROTOCOL {
            bits.take(8)?;
        }
        let fields = bits.u8(8)?;
        let short = bits.error(ErrorKind::Truncated);
        let needed = width(encoding).checked_mul(usize::from(fields)).ok_or(short)?;
        // Fields of unknown width are not read, so they may be as many as they like.
        if needed > bits.left() { Err(short) } else { Ok(Self { encoding, bits, fields }) }
    }

    /// How many characters or octets.
    pub const fn fields(&self) -> u8 {
        self.fields
    }

    /// The octets of [`Encoding::OCTET`]; those of other encodings mean nothing by themselves.
    pub fn octets(&self) -> impl Iterator<Item = u8> + use<'a> {
        let mut bits = self.bits;
        (0..self.fields).map_while(move |_| bits.u8(8).ok())
    }

    /// Writes the text as UTF-8 into `out`; what does not fit is cut at a character. `None` for an encoding that is not
    /// read here. Characters that are none become U+FFFD.
    pub fn text<'o>(&self, out: &'o mut [u8]) -> Option<&'o str> {
        let mut bits = self.bits;
        let mut utf8 = Writer::new(out);
        let units =
            (0..self.fields).map_while(move |_| bits.u16(u32::try_from(width(self.encoding)).ok()?).ok());
        match self.encoding {
            Encoding::ASCII | Encoding::IA5 | Encoding::LATIN => {
                units.take_while(|unit| put(&mut utf8, char::from_u32((*unit).into()))).for_each(drop);
            }
            Encoding::UTF16 => {
                char::decode_utf16(units).take_while(|c| put(&mut utf8, c.clone().ok())).for_each(drop);
            }
            _ => return None,
        }
        core::str::from_utf8(utf8.finish()).ok()
    }

    /// Writes the value of the parameter with octets.
    pub(super) fn emit(octets: impl ExactSizeIterator<Item = u8>, out: &mut [u8]) -> Result<&[u8], Error> {
        let count = u8::try_from(octets.len()).map_err(|_| Error::new(ErrorKind::LimitExceeded, 0))?;
        write(Encoding::OCTET, count, octets.map(u64::from), 8, out)
    }

    /// Writes the value of the parameter with a text: ASCII if it is, else UTF-16.
    pub(super) fn emit_text<'b>(text: &str, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let too_long = Error::new(ErrorKind::LimitExceeded, 0);
        if text.is_ascii() {
            let count = u8::try_from(text.len()).map_err(|_| too_long)?;
            return write(Encoding::ASCII, count, text.bytes().map(u64::from), 7, out);
        }
        let count = u8::try_from(text.encode_utf16().count()).map_err(|_| too_long)?;
        write(Encoding::UTF16, count, text.encode_utf16().map(u64::from), 16, out)
    }
}

/// Bits of a field; 0 for encodings that are not read here.
const fn width(encoding: Encoding) -> usize {
    match encoding {
        Encoding::OCTET | Encoding::LATIN => 8,
        Encoding::ASCII | Encoding::IA5 => 7,
        Encoding::UTF16 => 16,
        _ => 0,
    }
}

/// Appends a character; whether it fitted.
fn put(utf8: &mut Writer<'_>, c: Option<char>) -> bool {
    let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
    utf8.put(c.encode_utf8(&mut [0; 4]).as_bytes()).is_ok()
}

fn write(
    encoding: Encoding,
    count: u8,
    mut fields: impl Iterator<Item = u64>,
    width: u32,
    out: &mut [u8],
) -> Result<&[u8], Error> {
    let mut bits = BitWriter::new(out);
    bits.put(encoding.0.into(), 5)?;
    bits.put(count.into(), 8)?;
    fields.try_for_each(|field| bits.put(field, width))?;
    bits.finish()
}
