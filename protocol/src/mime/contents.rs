//! Content inside content: the leaves of nested multipart bodies.

use super::related::boundary_of;
use super::{MAX_PARTS, MediaType, Part, Parts, Related, TransferEncoding};
use crate::wire::{Error, ErrorKind};

/// How deep multiparts may be nested: a page and its settings are one body, forwarded they are two.
pub const MAX_DEPTH: usize = 3;

/// What a body holds that is not a multipart itself: the parts of multiparts (mixed, related, or of a subtype that counts as
/// mixed, RFC 2046 section 5.1.7), in the order of the octets, however deep they stand; [`MAX_PARTS`] at most in all.
///
/// Ends after the first error: a broken boundary or header, `LimitExceeded` beyond [`MAX_DEPTH`] or [`MAX_PARTS`],
/// `Unsupported` for a multipart that is encoded as base64 (RFC 2046 section 5.1 forbids it). Offsets are those of the body.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// The multiparts that are open, each with the offset of its body.
    open: [Option<(Parts<'a>, usize)>; MAX_DEPTH],
    leaves: usize,
}

impl<'a> Contents<'a> {
    /// The contents of `body`, whose media type is the multipart `media`. `Unsupported` for other types, `BadValue` for a
    /// missing or bad boundary; both at octet 0.
    pub fn new(media: &MediaType<'a>, body: &'a [u8]) -> Result<Self, Error> {
        if !media.is_type("multipart") {
            return Err(Error::new(ErrorKind::Unsupported, 0));
        }
        let mut contents = Self { open: [const { None }; MAX_DEPTH], leaves: 0 };
        contents.enter(media, body, 0)?;
        Ok(contents)
    }

    /// Opens a multipart.
    fn enter(&mut self, media: &MediaType<'a>, body: &'a [u8], at: usize) -> Result<(), Error> {
        let error = |kind| Error::new(kind, at);
        let boundary = boundary_of(media).map_err(|e| error(e.kind))?;
        let free = self.open.iter_mut().find(|place| place.is_none());
        let free = free.ok_or(error(ErrorKind::LimitExceeded))?;
        *free = Some((Related::with_boundary(boundary, body).parts(), at));
        Ok(())
    }

    fn leaf(&mut self) -> Result<Option<Part<'a>>, Error> {
        loop {
            let Some(innermost) = self.open.iter_mut().rev().find(|place| place.is_some()) else {
                return Ok(None);
            };
            let Some((parts, base)) = innermost else { return Ok(None) };
            let base = *base;
            let Some(part) = parts.next() else {
                *innermost = None;
                continue;
            };
            let mut part = part.map_err(|e| Error::new(e.kind, base.saturating_add(e.at)))?;
            part.at = base.saturating_add(part.at);
            let error = |kind| Error::new(kind, part.at);
            match part.media_type {
                Some(media) if media.is_type("multipart") => {
                    if part.encoding != TransferEncoding::Binary {
                        return Err(error(ErrorKind::Unsupported));
                    }
                    self.enter(&media, part.content, part.at)?;
                }
                _ if self.leaves >= MAX_PARTS => return Err(error(ErrorKind::LimitExceeded)),
                _ => {
                    self.leaves = self.leaves.saturating_add(1);
                    return Ok(Some(part));
                }
            }
        }
    }
}

impl<'a> Iterator for Contents<'a> {
    type Item = Result<Part<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.leaf();
        if next.is_err() {
            self.open = [const { None }; MAX_DEPTH];
        }
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    /// A multipart of these parts, each with its headers.
    fn multipart(boundary: &str, parts: &[&str]) -> String {
        let parts =
            parts.iter().fold(String::new(), |all, part| all + &format!("--{boundary}\r\n{part}\r\n"));
        format!("{parts}--{boundary}--")
    }

    fn leaves(media: &str, body: &str) -> Vec<Result<(String, usize), Error>> {
        match Contents::new(&MediaType::parse(media).unwrap(), body.as_bytes()) {
            Ok(contents) => contents
                .map(|leaf| {
                    let leaf = leaf?;
                    assert_eq!(&body.as_bytes()[leaf.at..leaf.at + leaf.content.len()], leaf.content);
                    Ok((leaf.media_type.map_or(String::new(), |media| media.to_string()), leaf.content.len()))
                })
                .collect(),
            Err(e) => [Err(e)].into(),
        }
    }

    #[test]
    fn leaves_come_in_order_from_every_level() {
        let inner = multipart("i", &["Content-Type: c/d\r\n\r\nsecond", "\r\nno type"]);
        let inner = format!("Content-Type: multipart/related; boundary=i\r\n\r\n{inner}");
        let body = multipart("o", &["Content-Type: a/b\r\n\r\nfirst", &inner, "Content-Type: e/f\r\n\r\n"]);
        let found: Vec<_> = leaves("multipart/mixed; boundary=o", &body).into_iter().flatten().collect();
        let expected = [("a/b", 5), ("c/d", 6), ("", 7), ("e/f", 0)];
        assert_eq!(found, expected.map(|(media, len)| (media.to_string(), len)));
    }

    #[test]
    fn depth_count_and_form_are_bounded() {
        let nested = |depth: usize| {
            (0..depth).fold("\r\nx".to_string(), |part, level| {
                let body = multipart(&level.to_string(), &[&part]);
                format!("Content-Type: multipart/mixed; boundary={level}\r\n\r\n{body}")
            })
        };
        let media = "multipart/mixed; boundary=o";
        let kinds = |body: &str| -> Vec<_> {
            leaves(media, body).into_iter().map(|leaf| leaf.map(|_| ()).map_err(|e| e.kind)).collect()
        };
        assert_eq!(kinds(&multipart("o", &[&nested(MAX_DEPTH - 1)])), [Ok(())]);
        assert_eq!(kinds(&multipart("o", &[&nested(MAX_DEPTH)])), [Err(ErrorKind::LimitExceeded)]);
        let many = kinds(&multipart("o", &["\r\n"; MAX_PARTS + 1]));
        assert_eq!((many.len(), many[MAX_PARTS]), (MAX_PARTS + 1, Err(ErrorKind::LimitExceeded)));
        let coded = "Content-Type: multipart/mixed; boundary=i\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        assert_eq!(kinds(&multipart("o", &[coded, "\r\n"])), [Err(ErrorKind::Unsupported)]);
        assert_eq!(
            kinds(&multipart("o", &["Content-Type: multipart/mixed\r\n\r\n"])),
            [Err(ErrorKind::BadValue)]
        );
        assert_eq!(leaves("text/plain", ""), [Err(Error::new(ErrorKind::Unsupported, 0))]);
        assert_eq!(leaves("multipart/mixed", ""), [Err(Error::new(ErrorKind::BadValue, 0))]);
        assert!(leaves(media, "--o\r\n\r\nno end")[0].is_err());
    }
}
