//! Content inside content: what a body holds, each with its handler.

use kedge_protocol::mime::{Contents, MediaType, TransferEncoding};
use kedge_protocol::wire::{Error, ErrorKind};

use super::{Content, Handler, Origin, Refusal, handler};

/// One content of a body: the whole of it, or a part of a multipart.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// Its media type; a part without one is unknown.
    pub media_type: Option<MediaType<'a>>,
    /// What handles it, looked up with the origin of the body: it gains no rights by being wrapped.
    pub handler: Result<Handler, Refusal>,
    /// Its octets.
    pub body: &'a [u8],
    /// Where they begin in the body.
    pub at: usize,
}

/// The contents of a body, in order. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Leaves<'a> {
    origin: Origin,
    /// The body, if it is no multipart.
    whole: Option<Leaf<'a>>,
    parts: Option<Contents<'a>>,
}

impl<'a> Leaves<'a> {
    /// The contents of `content`; refuses what has no media type, and multiparts without a boundary or from where none are
    /// taken.
    pub fn new(content: &Content<'a>) -> Result<Self, Refusal> {
        let Content { origin, body, .. } = *content;
        let media_type = MediaType::parse(content.media_type).map_err(|_| Refusal::UnknownType)?;
        let handler = handler(&media_type, origin);
        if handler == Ok(Handler::Parts) {
            let parts = Contents::new(&media_type, body).map_err(Refusal::Multipart)?;
            return Ok(Self { origin, whole: None, parts: Some(parts) });
        }
        let whole = Leaf { media_type: Some(media_type), handler, body, at: 0 };
        Ok(Self { origin, whole: Some(whole), parts: None })
    }
}

impl<'a> Iterator for Leaves<'a> {
    type Item = Result<Leaf<'a>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(whole) = self.whole.take() {
            return Some(Ok(whole));
        }
        let part = match self.parts.as_mut()?.next()? {
            Ok(part) if part.encoding == TransferEncoding::Binary => part,
            // HTTP carries octets as they are; so do files.
            Ok(part) => return Some(Err(Refusal::Multipart(Error::new(ErrorKind::Unsupported, part.at)))),
            Err(error) => return Some(Err(Refusal::Multipart(error))),
        };
        let media_type = part.media_type;
        let handler = match &media_type {
            Some(media_type) => handler(media_type, self.origin),
            None => Err(Refusal::UnknownType),
        };
        Some(Ok(Leaf { media_type, handler, body: part.content, at: part.at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const BODY: &[u8] = b"--b\r\nContent-Type: text/html\r\n\r\n<p/>\r\n--b\r\n\
        Content-Type: text/vnd.wap.connectivity-xml; charset=latin1\r\n\r\n<x/>\r\n--b\r\n\
        Content-Type: text/vnd.wap.connectivity-xml\r\n\r\n<y/>\r\n--b\r\n\r\n?\r\n--b--";

    fn found(media_type: &str, origin: Origin) -> Result<Vec<Result<Handler, Refusal>>, Refusal> {
        let leaves = Leaves::new(&Content { media_type, origin, body: BODY })?;
        leaves.map(|leaf| leaf.map(|leaf| leaf.handler)).collect()
    }

    #[test]
    fn parts_have_the_rights_of_the_whole() {
        let mixed = "multipart/mixed; boundary=b";
        let handlers =
            |page, provisioning| [page, Err(Refusal::Charset), provisioning, Err(Refusal::UnknownType)];
        let secure = found(mixed, Origin::Http { authenticated: true }).unwrap();
        assert_eq!(secure, handlers(Ok(Handler::Page), Ok(Handler::Provisioning)));
        let plain = found(mixed, Origin::Http { authenticated: false }).unwrap();
        assert_eq!((plain[0], plain[2]), (Ok(Handler::Page), Err(Refusal::Origin)));
        let file = found("multipart/related; boundary=b", Origin::File).unwrap();
        assert_eq!((file[0], file[2]), (Err(Refusal::Origin), Ok(Handler::Provisioning)));
        assert_eq!(found(mixed, Origin::Push), Ok([Err(Refusal::Origin)].into()), "no multiparts by push");
    }

    #[test]
    fn what_is_no_multipart_is_itself() {
        assert_eq!(found("text/plain", Origin::File), Ok([Err(Refusal::UnknownType)].into()));
        assert_eq!(found("plain", Origin::File), Err(Refusal::UnknownType));
        assert!(matches!(found("multipart/mixed", Origin::File), Err(Refusal::Multipart(_))));
        assert!(matches!(found("multipart/mixed; boundary=c", Origin::File), Err(Refusal::Multipart(_))));
    }
}
