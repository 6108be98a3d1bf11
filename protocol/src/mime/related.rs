//! Reading multipart/related (RFC 2046 section 5.1, RFC 2387) by the rules of `iota.md` B1.

use super::{Boundary, MULTIPART_RELATED, MediaType, split_at_octet};
use crate::wire::{Error, ErrorKind, Reader};
use crate::xml::base64;

/// Most parts in a body (`iota.md` B1).
pub const MAX_PARTS: usize = 32;
/// Longest Content-ID token (`iota.md` B1).
const MAX_CONTENT_TOKEN: usize = 32;

/// Whether `text` may be a Content-ID token of the profile: 1 to 32 characters `[A-Za-z0-9._-]`.
pub fn is_content_token(text: &str) -> bool {
    (1..=MAX_CONTENT_TOKEN).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// A multipart/related body, read in place.
///
/// [`Self::new`] looks only at the media type; [`Self::check`] at the whole body. [`Self::parts`] may be used without
/// `check`, for showing what can be read of a broken body.
#[derive(Clone, Copy, Debug)]
pub struct Related<'a> {
    body: &'a [u8],
    boundary: Boundary<'a>,
    start: Option<&'a str>,
}

/// What [`Related::check`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many parts there are, 1..=32.
    pub parts: usize,
    /// Which of them is the root, counted from 0.
    pub root: usize,
}

/// How a part's content is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferEncoding {
    /// As it is.
    Binary,
    /// As base64 text.
    Base64,
}

/// One part.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its Content-Type, if it has one.
    pub media_type: Option<MediaType<'a>>,
    /// Its Content-ID without the angle brackets.
    pub content_id: Option<&'a str>,
    /// How `content` is encoded.
    pub encoding: TransferEncoding,
    /// The content as it stands in the body.
    pub content: &'a [u8],
    /// The offset of `content` in the body.
    pub at: usize,
}

impl<'a> Part<'a> {
    /// The content decoded: in place if binary, else to `scratch`. Errors count octets of the whole body.
    pub fn decode<'s>(&self, scratch: &'s mut [u8]) -> Result<&'s [u8], Error>
    where
        'a: 's,
    {
        match self.encoding {
            TransferEncoding::Binary => Ok(self.content),
            TransferEncoding::Base64 => base64::decode(self.content, scratch)
                .map_err(|e| Error::new(e.kind, self.at.saturating_add(e.at))),
        }
    }
}

impl<'a> Related<'a> {
    /// Prepares to read `body`, whose Content-Type is `media`.
    ///
    /// Refuses other media types (`Unsupported`), a missing or bad boundary and a `start` that is not a Content-ID
    /// in angle brackets (`BadValue`). These errors are at octet 0.
    pub fn new(media: &MediaType<'a>, body: &'a [u8]) -> Result<Self, Error> {
        if !media.is(MULTIPART_RELATED) {
            return Err(Error::new(ErrorKind::Unsupported, 0));
        }
        let boundary = boundary_of(media)?;
        let start = match media.parameter("start") {
            Some(value) => Some(value.plain().and_then(content_token).ok_or(BAD_TYPE)?),
            None => None,
        };
        Ok(Self { body, boundary, start })
    }

    /// A body whose boundary is known, but not its `start`: only for its parts.
    pub(crate) const fn with_boundary(boundary: Boundary<'a>, body: &'a [u8]) -> Self {
        Self { body, boundary, start: None }
    }

    /// What separates the parts.
    pub const fn boundary(&self) -> Boundary<'a> {
        self.boundary
    }

    /// The parts in order; ends after the closing delimiter or the first error.
    pub const fn parts(&self) -> Parts<'a> {
        Parts { rest: Reader::new(self.body), boundary: self.boundary, state: PartsState::Preamble }
    }

    /// Reads the whole body: at least one part and at most 32, none of them a multipart, each but the root with a
    /// Content-ID of its own. The root is the part named by `start`, else the first.
    pub fn check(&self) -> Result<Shape, Error> {
        let mut root = None;
        let mut count = 0_usize;
        for part in self.parts() {
            let part = part?;
            let error = |kind| Error::new(kind, part.at);
            if count >= MAX_PARTS {
                return Err(error(ErrorKind::LimitExceeded));
            }
            if part.media_type.is_some_and(|media| media.is_type("multipart")) {
                return Err(error(ErrorKind::Unsupported));
            }
            if part.content_id.is_some() {
                if self.parts().take(count).flatten().any(|earlier| earlier.content_id == part.content_id) {
                    return Err(error(ErrorKind::BadValue));
                }
                if part.content_id == self.start {
                    root = Some(count);
                }
            }
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(Error::new(ErrorKind::BadLength, 0));
        }
        let root = root.unwrap_or(0);
        for (number, part) in self.parts().flatten().enumerate() {
            if number != root && part.content_id.is_none() {
                return Err(Error::new(ErrorKind::BadValue, part.at));
            }
        }
        Ok(Shape { parts: count, root })
    }
}

/// Iterates over the parts of a [`Related`] body.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    rest: Reader<'a>,
    boundary: Boundary<'a>,
    state: PartsState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartsState {
    Preamble,
    Inside,
    Done,
}

impl<'a> Parts<'a> {
    /// `preamble *( delimiter part ) close-delimiter epilogue`
    fn part(&mut self) -> Result<Option<Part<'a>>, Error> {
        if self.state == PartsState::Preamble {
            self.content_before_delimiter()?;
        }
        if self.state == PartsState::Done {
            return Ok(None);
        }
        let content = self.content_before_delimiter()?;
        part(content).map(Some)
    }

    /// What stands before the next delimiter, which is consumed; its kind becomes the state.
    fn content_before_delimiter(&mut self) -> Result<Reader<'a>, Error> {
        let whole = self.rest;
        let mut length = 0_usize;
        loop {
            // Here a line begins; `length` octets of content stand before it (without the line end before it).
            if let Some(closing) = self.delimiter()? {
                self.state = if closing { PartsState::Done } else { PartsState::Inside };
                return { whole }.sub(length);
            }
            let line = self.rest.rest();
            let end = line
                .windows(2)
                .position(|pair| pair == b"\r\n")
                .ok_or_else(|| Error::new(ErrorKind::Truncated, self.rest.at().saturating_add(line.len())))?;
            self.rest.take(end)?;
            length = self.rest.at().saturating_sub(whole.at());
            self.rest.take(2)?;
        }
    }

    /// Consumes `"--" boundary ( "--" | *space CRLF )` if it stands here; returns whether it is the closing one.
    fn delimiter(&mut self) -> Result<Option<bool>, Error> {
        let Some(tail) = self.rest.rest().strip_prefix(b"--") else { return Ok(None) };
        if !tail.starts_with(self.boundary.as_str().as_bytes()) {
            return Ok(None);
        }
        self.rest.take(self.boundary.as_str().len().saturating_add(2))?;
        if self.rest.rest().starts_with(b"--") {
            return Ok(Some(true));
        }
        while matches!(self.rest.peek(), Some(b' ' | b'\t')) {
            self.rest.u8()?;
        }
        let at = self.rest;
        if self.rest.array()? == *b"\r\n" { Ok(Some(false)) } else { Err(at.error(ErrorKind::BadValue)) }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<Part<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.part();
        if next.is_err() {
            self.state = PartsState::Done;
        }
        next.transpose()
    }
}

/// `*header [ CRLF content ]`; headers other than the three below are ignored.
fn part(mut rest: Reader<'_>) -> Result<Part<'_>, Error> {
    let mut media_type = None;
    let mut content_id = None;
    let mut encoding = None;
    while let Some((name, value, at)) = header(&mut rest)? {
        let bad = Error::new(ErrorKind::BadValue, at);
        let repeated = if name.eq_ignore_ascii_case("Content-Type") {
            let media = MediaType::parse(value).map_err(|e| Error::new(e.kind, at.saturating_add(e.at)))?;
            media_type.replace(media).is_some()
        } else if name.eq_ignore_ascii_case("Content-ID") {
            content_id.replace(content_token(value).ok_or(bad)?).is_some()
        } else if name.eq_ignore_ascii_case("Content-Transfer-Encoding") {
            encoding.replace(transfer_encoding(value, at)?).is_some()
        } else {
            false
        };
        if repeated {
            return Err(bad);
        }
    }
    let at = rest.at();
    let encoding = encoding.unwrap_or(TransferEncoding::Binary);
    Ok(Part { media_type, content_id, encoding, content: rest.take_rest(), at })
}

/// A media type that lacks what its body needs.
const BAD_TYPE: Error = Error::new(ErrorKind::BadValue, 0);

/// What separates the parts of a multipart of this type.
pub(super) fn boundary_of<'a>(media: &MediaType<'a>) -> Result<Boundary<'a>, Error> {
    let text = media.parameter("boundary").and_then(|value| value.plain()).ok_or(BAD_TYPE)?;
    Boundary::new(text).map_err(|_| BAD_TYPE)
}

/// One header with its continuation lines: name, value and the value's offset; `None` after the empty line.
fn header<'a>(rest: &mut Reader<'a>) -> Result<Option<(&'a str, &'a str, usize)>, Error> {
    let start = *rest;
    let length = loop {
        let Some(end) = rest.rest().windows(2).position(|pair| pair == b"\r\n") else {
            // The line end of the last header belongs to the delimiter.
            rest.take_rest();
            break rest.at().saturating_sub(start.at());
        };
        rest.take(end)?;
        let length = rest.at().saturating_sub(start.at());
        rest.take(2)?;
        if length == 0 || !matches!(rest.peek(), Some(b' ' | b'\t')) {
            break length;
        }
    };
    if length == 0 {
        return Ok(None);
    }
    let text = { start }.take(length)?;
    let text = core::str::from_utf8(text)
        .map_err(|e| Error::new(ErrorKind::BadText, start.at().saturating_add(e.valid_up_to())))?;
    let (name, value) = split_at_octet(text, b':').ok_or(start.error(ErrorKind::BadValue))?;
    let at = start.at().saturating_add(name.len()).saturating_add(1);
    Ok(Some((name, value, at)))
}

/// `"<" token ">"`
fn content_token(text: &str) -> Option<&str> {
    let token = text.trim().strip_prefix('<')?.strip_suffix('>')?;
    is_content_token(token).then_some(token)
}

fn transfer_encoding(value: &str, at: usize) -> Result<TransferEncoding, Error> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("binary") {
        Ok(TransferEncoding::Binary)
    } else if value.eq_ignore_ascii_case("base64") {
        Ok(TransferEncoding::Base64)
    } else {
        Err(Error::new(ErrorKind::Unsupported, at))
    }
}
