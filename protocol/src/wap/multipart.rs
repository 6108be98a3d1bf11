use super::content_type::ContentType;
use super::header::Headers;
use super::value::uintvar_len;
use super::{MULTIPARTS, MediaCode};
use crate::mime::{MAX_PARTS, MediaType};
use crate::wire::{Error, ErrorKind, Reader, Writer};

/// A multipart in WSP's own framing, read in place: what a gateway makes of a `multipart/...` of the Internet (WSP section
/// 8.5 \[memory\]; tshark reads it the same, see `tests/tests/wap_oracle.rs`).
///
/// `Count(uintvar) *( HeadersLen(uintvar) DataLen(uintvar) ContentType Headers Data )`, where `HeadersLen` counts content type
/// and headers together.
///
/// Iterates over the parts, each for itself; a multipart inside is a part like any other. Ends after the first error: a part
/// that is cut short (`Truncated`), a broken header, octets behind the last part (`Trailing`).
#[derive(Clone, Debug)]
pub struct Multipart<'a> {
    rest: Reader<'a>,
    left: u32,
}

/// One part of a [`Multipart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The type of its content.
    pub content_type: ContentType<'a>,
    /// Its other headers.
    pub headers: Headers<'a>,
    /// Its content.
    pub body: &'a [u8],
}

impl<'a> Multipart<'a> {
    /// The parts of `body`. Refuses more than [`MAX_PARTS`] (`LimitExceeded`).
    pub fn new(body: &'a [u8]) -> Result<Self, Error> {
        let mut rest = Reader::new(body);
        let start = rest;
        let left = rest.mb_u32()?;
        match usize::try_from(left) {
            Ok(..=MAX_PARTS) => Ok(Self { rest, left }),
            _ => Err(start.error(ErrorKind::LimitExceeded)),
        }
    }

    /// Whether this is a multipart in WSP's framing.
    pub fn is_type(media: &MediaType<'_>) -> bool {
        MULTIPARTS.into_iter().filter_map(MediaCode::name).any(|name| media.is(name))
    }

    /// Writes parts, and nothing more, into `out`; `LimitExceeded` beyond [`MAX_PARTS`].
    pub fn write<'b>(parts: &[Part<'_>], out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        if parts.len() > MAX_PARTS {
            return Err(Error::new(ErrorKind::LimitExceeded, 0));
        }
        let mut w = Writer::new(out);
        number(parts.len(), &mut w)?;
        for part in parts {
            part.write(&mut w)?;
        }
        Ok(w.finish())
    }

    /// How many octets [`Self::write`] writes.
    pub fn buffer_len(parts: &[Part<'_>]) -> usize {
        let count = uintvar_len(parts.len());
        parts.iter().fold(count, |len, part| len.saturating_add(part.buffer_len()))
    }

    fn part(&mut self) -> Result<(usize, Part<'a>), Error> {
        let headers = length(&mut self.rest)?;
        let data = length(&mut self.rest)?;
        let mut headers = self.rest.sub(headers)?;
        let content_type = ContentType::read(&mut headers)?;
        let headers = Headers::read(headers)?;
        let at = self.rest.at();
        Ok((at, Part { content_type, headers, body: self.rest.take(data)? }))
    }
}

impl<'a> Iterator for Multipart<'a> {
    /// Where the part's body begins, and the part.
    type Item = Result<(usize, Part<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.part()
            }
            None if self.rest.is_empty() => return None,
            None => Err(self.rest.error(ErrorKind::Trailing)),
        };
        if next.is_err() {
            self.left = 0;
            self.rest.take_rest();
        }
        Some(next)
    }
}

impl Part<'_> {
    fn headers_len(&self) -> usize {
        self.content_type.buffer_len().saturating_add(self.headers.octets().len())
    }

    fn buffer_len(&self) -> usize {
        let (headers, data) = (self.headers_len(), self.body.len());
        [uintvar_len(headers), uintvar_len(data), headers, data].into_iter().fold(0, usize::saturating_add)
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        number(self.headers_len(), out)?;
        number(self.body.len(), out)?;
        self.content_type.write(out)?;
        out.put(self.headers.octets())?;
        out.put(self.body)
    }
}

fn length(input: &mut Reader<'_>) -> Result<usize, Error> {
    let start = *input;
    usize::try_from(input.mb_u32()?).map_err(|_| start.error(ErrorKind::BadLength))
}

fn number(number: usize, out: &mut Writer<'_>) -> Result<(), Error> {
    let number = u32::try_from(number).map_err(|_| Error::new(ErrorKind::LimitExceeded, out.at()))?;
    out.mb_u32(number)
}

#[cfg(test)]
mod tests {
    use super::super::{Header, HeaderCode, HeaderName, Value};
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// Two parts, octet by octet: a service loading with a header of its own, and an empty text.
    const TWO: &[u8] = b"\x02\x03\x02\xB0\x8D\x82ab\x0B\x00text/plain\0";

    fn parts(body: &[u8]) -> Result<Vec<(usize, Part<'_>)>, Error> {
        Multipart::new(body)?.collect()
    }

    #[test]
    fn parts_stand_where_they_are() {
        let found = parts(TWO).unwrap();
        let [(first, one), (second, other)] = found[..] else { panic!("{found:?}") };
        assert_eq!((first, one.body), (6, &b"ab"[..]));
        assert!(one.content_type.media.is(MediaCode::SL));
        assert_eq!(one.headers.get(HeaderCode::CONTENT_LENGTH).unwrap().integer(), Some(2));
        assert_eq!((second, other.body, other.content_type.media.name()), (21, &b""[..], Some("text/plain")));
        let mut out = [0; 32];
        assert_eq!(Multipart::write(&[one, other], &mut out), Ok(TWO));
        assert_eq!(Multipart::buffer_len(&[one, other]), TWO.len());
        assert_eq!(parts(b"\0"), Ok(vec![]));
    }

    #[test]
    fn what_is_broken_is_told_with_its_place() {
        for cut in 1..TWO.len() {
            let error = parts(&TWO[..cut]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Truncated, "{cut}");
        }
        let trailing = [TWO, b"x"].concat();
        assert_eq!(parts(&trailing), Err(Error::new(ErrorKind::Trailing, TWO.len())));
        assert_eq!(parts(b"\x21"), Err(Error::new(ErrorKind::LimitExceeded, 0)));
        // the headers are longer than the part
        assert_eq!(parts(b"\x01\x09\x00\xB0").unwrap_err(), Error::new(ErrorKind::Truncated, 3));
        let mut after = Multipart::new(&trailing).unwrap();
        assert_eq!(after.by_ref().count(), 3);
        assert!(after.next().is_none(), "an error is the last");
        let one = parts(TWO).unwrap()[0].1;
        let mut room = [0; 512];
        let refused = Multipart::write(&[one; MAX_PARTS + 1], &mut room);
        assert_eq!(refused, Err(Error::new(ErrorKind::LimitExceeded, 0)));
        assert_eq!(Multipart::write(&[one], &mut [0; 4]).unwrap_err().kind, ErrorKind::NoRoom);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(all in proptest::collection::vec((0_u32..0x400, 0_u8..4, any::<Vec<u8>>()), 0..6)) {
            let (mut room, mut headers) = ([0; 8], Vec::new());
            for (_, count, _) in &all {
                let mut w = Writer::new(&mut room);
                for number in 0..*count {
                    let field = Header::Field(HeaderName::Code(HeaderCode(number)), Value::Short(number));
                    field.write(&mut w).unwrap();
                }
                headers.push(w.finish().to_vec());
            }
            let written: Vec<_> = all.iter().zip(&headers).map(|((code, _, body), headers)| Part {
                content_type: ContentType::code(MediaCode(*code)),
                headers: Headers::new(headers).unwrap(),
                body,
            }).collect();
            let mut out = vec![0; Multipart::buffer_len(&written)];
            let octets = Multipart::write(&written, &mut out).unwrap();
            let read: Vec<_> = parts(octets).unwrap().into_iter().map(|(_, part)| part).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn any_octets_return(octets: Vec<u8>) {
            for part in Multipart::new(&octets).into_iter().flatten().flatten() {
                prop_assert!(octets[part.0..].starts_with(part.1.body));
            }
        }
    }
}
