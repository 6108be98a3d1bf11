//! Puts the fragments of one value together.

use super::{Event, Pull};
use crate::wire::{Error, ErrorKind, Writer};

/// A whole value, copied from its fragments into the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined<'b> {
    /// The value: characters as UTF-8, octets as they are.
    pub octets: &'b [u8],
    /// Whether any fragment was `Opaque`, so that `octets` need not be text.
    pub opaque: bool,
}

impl<'b> Joined<'b> {
    /// Reads the value of the attribute that was just handed out, [`Event::AttributeEnd`] included.
    ///
    /// Errors of the reader, `NoRoom` when the value is longer than `buf`, `Unsupported` for extensions and unknown
    /// value tokens; all with the offset in the input.
    pub fn attribute<'a>(pull: &mut impl Pull<'a>, buf: &'b mut [u8]) -> Result<Self, Error> {
        Self::until(pull, buf, Event::AttributeEnd)
    }

    /// Reads the content of the innermost open element, its [`Event::End`] included. Errors as
    /// [`Self::attribute`]; a child element or processing instruction is `BadValue`.
    pub fn content<'a>(pull: &mut impl Pull<'a>, buf: &'b mut [u8]) -> Result<Self, Error> {
        Self::until(pull, buf, Event::End)
    }

    /// The value as text, if it is UTF-8.
    pub fn text(&self) -> Option<&'b str> {
        str::from_utf8(self.octets).ok()
    }

    fn until<'a>(pull: &mut impl Pull<'a>, buf: &'b mut [u8], stop: Event<'_>) -> Result<Self, Error> {
        let mut out = Writer::new(buf);
        let mut opaque = false;
        while let Some(event) = pull.next()? {
            let put = match event {
                Event::Text(text) => out.put(text.as_bytes()),
                Event::Char(character) => out.put(character.encode_utf8(&mut [0; 4]).as_bytes()),
                Event::Opaque(octets) => {
                    opaque = true;
                    out.put(octets)
                }
                Event::Extension(_) | Event::UnknownValue(_) => {
                    return Err(pull.error(ErrorKind::Unsupported));
                }
                _ if event == stop => return Ok(Self { octets: out.finish(), opaque }),
                _ => return Err(pull.error(ErrorKind::BadValue)),
            };
            put.map_err(|fault| pull.error(fault.kind))?;
        }
        Err(pull.error(ErrorKind::Truncated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::{Reader, pages};

    /// si, action token, href in four fragments (prefix, inline, value token, entity), then content with an opaque.
    const BYTES: [u8; 26] = [
        0x03, 0x05, 0x6A, 0, 0xC6, 0x0D, 3, b'a', 0, 0x85, 2, 0x81, 0x64, 0x01, 3, b'h', b'i', 0, 0xC3, 2,
        0xFF, 0, 2, 0x21, 0x45, 0x01,
    ];

    #[test]
    fn fragments_become_one_value() {
        let mut reader: Reader<2> = Reader::new(&BYTES, &pages::SI).unwrap();
        let mut buf = [0; 32];
        reader.next().unwrap();
        reader.next().unwrap();
        let value = Joined::attribute(&mut reader, &mut buf).unwrap();
        assert_eq!((value.text(), value.opaque), (Some("http://www.a.com/\u{e4}"), false));
        assert_eq!(Joined::content(&mut reader, &mut buf), Err(Error::new(ErrorKind::BadValue, 24)));
    }

    #[test]
    fn octets_are_told_from_text_and_limits_name_the_input_offset() {
        let mut bytes = BYTES;
        bytes[24] = 0x01;
        let mut reader: Reader<2> = Reader::new(&bytes[..25], &pages::SI).unwrap();
        while reader.next().unwrap() != Some(Event::AttributeEnd) {}
        let mut twin = reader.clone();
        let mut buf = [0; 5];
        let value = Joined::content(&mut reader, &mut buf).unwrap();
        assert_eq!((value.octets, value.opaque, value.text()), (&b"hi\xFF\0!"[..], true, None));
        assert_eq!(Joined::content(&mut twin, &mut [0; 3]), Err(Error::new(ErrorKind::NoRoom, 18)));
    }
}
