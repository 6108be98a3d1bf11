//! The general value encoding of WSP headers (`wap-push.md` section 2).

use crate::wire::{Error, ErrorKind, Reader, Writer};

/// First octet that announces a length in the octets after it instead of being one.
const LENGTH_QUOTE: u8 = 0x1F;
/// Quotes a text whose first character is 0x80 or above.
const QUOTE: u8 = 0x7F;

/// One value, told apart by its first octet. Any header's value can be read, and so skipped, without knowing the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number 0..=127 in one octet.
    Short(u8),
    /// A text up to its NUL, which is not included, nor is the quote octet 0x7F. Any octets but NUL.
    Text(&'a [u8]),
    /// Octets under a length: a long integer, or a structure that the header defines.
    Octets(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Reads the next value.
    pub fn read(input: &mut Reader<'a>) -> Result<Self, Error> {
        match input.peek() {
            Some(short @ 0x80..) => {
                input.u8()?;
                Ok(Self::Short(short & 0x7F))
            }
            Some(0x20..QUOTE) => input.take_until(0).map(Self::Text),
            Some(QUOTE) => {
                input.u8()?;
                input.take_until(0).map(Self::Text)
            }
            Some(_) | None => {
                let length = read_length(input)?;
                input.take(length).map(Self::Octets)
            }
        }
    }

    /// How many octets [`Self::write`] writes.
    pub fn buffer_len(&self) -> usize {
        match self {
            Self::Short(_) => 1,
            Self::Text(text) => usize::from(needs_quote(text)).saturating_add(text.len()).saturating_add(1),
            Self::Octets(octets) => length_len(octets.len()).saturating_add(octets.len()),
        }
    }

    /// Writes the value in its shortest form; refuses a short integer above 127 and a text with a NUL (`BadValue`).
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        let bad = Error::new(ErrorKind::BadValue, out.at());
        match *self {
            Self::Short(short @ ..0x80) => out.u8(short | 0x80),
            Self::Short(_) => Err(bad),
            Self::Text(text) if text.contains(&0) => Err(bad),
            Self::Text(text) => {
                if needs_quote(text) {
                    out.u8(QUOTE)?;
                }
                out.put(text)?;
                out.u8(0)
            }
            Self::Octets(octets) => {
                write_length(octets.len(), out)?;
                out.put(octets)
            }
        }
    }

    /// The value as an Integer-value: short, or long with 1 to 4 significant octets.
    pub fn integer(&self) -> Option<u32> {
        match *self {
            Self::Short(short) => Some(u32::from(short)),
            Self::Octets(octets) if (1..=30).contains(&octets.len()) => {
                octets.iter().try_fold(0_u32, |n, &octet| n.checked_mul(0x100).map(|n| n | u32::from(octet)))
            }
            _ => None,
        }
    }

    /// The value as text without the mark of a quoted string, if it is UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        match *self {
            Self::Text(text) => core::str::from_utf8(text.strip_prefix(b"\"").unwrap_or(text)).ok(),
            _ => None,
        }
    }
}

impl core::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self, self.text(), self.integer()) {
            (_, Some(text), _) => write!(f, "\"{}\"", text.escape_debug()),
            (_, _, Some(number)) => write!(f, "{number}"),
            (Self::Text(octets) | Self::Octets(octets), ..) => {
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            (Self::Short(_), ..) => Ok(()),
        }
    }
}

/// A number in the shortest Integer-value form: a short one below 128, else a long one in `storage`.
pub fn integer_value(number: u32, storage: &mut [u8; 4]) -> Value<'_> {
    if let Ok(short @ ..0x80) = u8::try_from(number) {
        return Value::Short(short);
    }
    *storage = number.to_be_bytes();
    let zeros = storage.iter().take_while(|&&octet| octet == 0).count();
    Value::Octets(storage.get(zeros..).unwrap_or_default())
}

/// `Value-length = Short-length | (Length-quote Length)`: 0..=30 in one octet, or 0x1F and a uintvar.
pub(super) fn read_length(input: &mut Reader<'_>) -> Result<usize, Error> {
    let start = *input;
    match input.u8()? {
        short @ ..LENGTH_QUOTE => Ok(usize::from(short)),
        LENGTH_QUOTE => {
            let length = input.mb_u32()?;
            usize::try_from(length).map_err(|_| start.error(ErrorKind::LimitExceeded))
        }
        _ => Err(start.error(ErrorKind::BadLength)),
    }
}

/// The inverse of [`read_length`], in the shortest form.
pub(super) fn write_length(length: usize, out: &mut Writer<'_>) -> Result<(), Error> {
    if let Ok(short @ ..LENGTH_QUOTE) = u8::try_from(length) {
        return out.u8(short);
    }
    let long = u32::try_from(length).map_err(|_| Error::new(ErrorKind::LimitExceeded, out.at()))?;
    out.u8(LENGTH_QUOTE)?;
    out.mb_u32(long)
}

/// How many octets [`write_length`] writes.
pub(super) fn length_len(length: usize) -> usize {
    if length < usize::from(LENGTH_QUOTE) { 1 } else { uintvar_len(length).saturating_add(1) }
}

/// How many octets `number` takes as a uintvar.
pub(super) fn uintvar_len(number: usize) -> usize {
    [7, 14, 21, 28].into_iter().fold(1, |n, shift| if number >> shift == 0 { n } else { n.saturating_add(1) })
}

/// A text must be quoted when its first octet would be taken for another form, and when it is 0x7F itself.
fn needs_quote(text: &[u8]) -> bool {
    text.first().is_none_or(|&first| !(0x20..QUOTE).contains(&first))
}
