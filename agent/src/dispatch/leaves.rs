//! Content inside content: what a body holds, each with its handler.

use kedge_protocol::mime::{Contents, MAX_PARTS, MediaType, TransferEncoding};
use kedge_protocol::wap::Multipart;
use kedge_protocol::wire::{Error, ErrorKind};

use super::{Content, Handler, Origin, Refusal, handler, is_readable_push};

/// Framings inside each other: a multipart of WSP in one of the Internet, or the other way round. Of the Internet's own framing
/// each holds [`kedge_protocol::mime::MAX_DEPTH`].
const FRAMINGS: usize = 2;

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
    /// The multiparts that are open, each with the offset of its body.
    open: [Option<(Framing<'a>, usize)>; FRAMINGS],
    parts: usize,
}

/// A multipart that is being taken apart.
#[derive(Clone, Debug)]
enum Framing<'a> {
    /// With boundaries of text (RFC 2046), and those inside it.
    Text(Contents<'a>),
    /// With lengths, as WSP has it.
    Wsp(Multipart<'a>),
}

impl<'a> Leaves<'a> {
    /// The contents of `content`; refuses what has no media type, and multiparts without a boundary or from where none are
    /// taken.
    pub fn new(content: &Content<'a>) -> Result<Self, Refusal> {
        let Content { origin, body, .. } = *content;
        let media_type = MediaType::parse(content.media_type).map_err(|_| Refusal::UnknownType)?;
        let handler = handler(&media_type, origin);
        let mut leaves = Self { origin, whole: None, open: [const { None }; FRAMINGS], parts: 0 };
        if handler == Ok(Handler::Parts) {
            leaves.enter(&media_type, body, 0).map_err(Refusal::Multipart)?;
        } else {
            leaves.whole = Some(Leaf { media_type: Some(media_type), handler, body, at: 0 });
        }
        Ok(leaves)
    }

    /// Opens a multipart whose body begins at `at`.
    fn enter(&mut self, media_type: &MediaType<'a>, body: &'a [u8], at: usize) -> Result<(), Error> {
        let placed = |error: Error| Error::new(error.kind, at.saturating_add(error.at));
        let framing = if Multipart::is_type(media_type) {
            Framing::Wsp(Multipart::new(body).map_err(placed)?)
        } else {
            Framing::Text(Contents::new(media_type, body).map_err(placed)?)
        };
        let free = self.open.iter_mut().find(|place| place.is_none());
        *free.ok_or(Error::new(ErrorKind::LimitExceeded, at))? = Some((framing, at));
        Ok(())
    }

    /// The next content that is no multipart itself.
    fn leaf(&mut self) -> Result<Option<Leaf<'a>>, Error> {
        loop {
            let Some(innermost) = self.open.iter_mut().rev().find(|place| place.is_some()) else {
                return Ok(None);
            };
            let Some((framing, base)) = innermost else { return Ok(None) };
            let base = *base;
            let Some(part) = framing.part(self.origin) else {
                *innermost = None;
                continue;
            };
            let part = part.map_err(|error| Error::new(error.kind, base.saturating_add(error.at)))?;
            let part = Leaf { at: base.saturating_add(part.at), ..part };
            match (part.media_type, part.handler) {
                (Some(media_type), Ok(Handler::Parts)) => self.enter(&media_type, part.body, part.at)?,
                _ if self.parts >= MAX_PARTS => return Err(Error::new(ErrorKind::LimitExceeded, part.at)),
                _ => {
                    self.parts = self.parts.saturating_add(1);
                    return Ok(Some(part));
                }
            }
        }
    }
}

impl<'a> Framing<'a> {
    /// The next part; offsets are those of this multipart.
    fn part(&mut self, origin: Origin) -> Option<Result<Leaf<'a>, Error>> {
        match self {
            Self::Text(contents) => Some(contents.next()?.and_then(|part| match part.encoding {
                TransferEncoding::Binary => {
                    let handler = handler_of(part.media_type.as_ref(), origin);
                    Ok(Leaf { media_type: part.media_type, handler, body: part.content, at: part.at })
                }
                // HTTP carries octets as they are; so do files.
                TransferEncoding::Base64 => Err(Error::new(ErrorKind::Unsupported, part.at)),
            })),
            Self::Wsp(parts) => Some(parts.next()?.map(|(at, part)| {
                let name = part.content_type.media.name();
                let media_type = name.and_then(|name| MediaType::parse(name).ok());
                let handler = match handler_of(media_type.as_ref(), origin) {
                    Ok(handler) if handler != Handler::Page && !is_readable_push(&part.content_type) => {
                        Err(Refusal::Charset)
                    }
                    found => found,
                };
                Leaf { media_type, handler, body: part.body, at }
            })),
        }
    }
}

fn handler_of(media_type: Option<&MediaType<'_>>, origin: Origin) -> Result<Handler, Refusal> {
    media_type.map_or(Err(Refusal::UnknownType), |media_type| handler(media_type, origin))
}

impl<'a> Iterator for Leaves<'a> {
    type Item = Result<Leaf<'a>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(whole) = self.whole.take() {
            return Some(Ok(whole));
        }
        let next = self.leaf().map_err(Refusal::Multipart);
        if next.is_err() {
            self.open = [const { None }; FRAMINGS];
        }
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kedge_protocol::wap::{
        ContentType, Headers, Media, MediaCode, Parameter, ParameterCode, ParameterName, Parameters, Part,
        Value,
    };
    use kedge_protocol::wire::Writer;
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

    /// A part in WSP's framing.
    fn part<'p>(content_type: ContentType<'p>, body: &'p [u8]) -> Part<'p> {
        Part { content_type, headers: Headers::default(), body }
    }

    const WSP: &str = "application/vnd.wap.multipart.mixed";

    #[test]
    fn parts_in_wsps_framing_too() {
        let mut room = [0; 8];
        let mut w = Writer::new(&mut room);
        let name = ParameterName::Code(ParameterCode::CHARSET);
        Parameter { name, value: Value::Short(4) }.write(&mut w).unwrap();
        let media = Media::Code(MediaCode::CONNECTIVITY_XML);
        let latin = ContentType { media, parameters: Parameters::new(w.finish()).unwrap() };
        let all = [
            part(ContentType { media: Media::Text("text/html"), parameters: Parameters::default() }, b"<p/>"),
            part(latin, b"<x/>"),
            part(ContentType::code(MediaCode::CONNECTIVITY_XML), b"<y/>"),
            part(ContentType::code(MediaCode(0x7F)), b"?"),
        ];
        let mut out = [0; 128];
        let body = Multipart::write(&all, &mut out).unwrap();
        let leaves = |media_type, origin, body| -> Vec<_> {
            Leaves::new(&Content { media_type, origin, body }).unwrap().collect()
        };
        let secure = Origin::Http { authenticated: true };
        let found = leaves(WSP, secure, body);
        let handlers: Vec<_> = found.iter().map(|leaf| leaf.as_ref().unwrap().handler).collect();
        let [page, provisioning] = [Handler::Page, Handler::Provisioning].map(Ok);
        let expected = [page, Err(Refusal::Charset), provisioning, Err(Refusal::UnknownType)];
        assert_eq!(handlers, expected);
        for leaf in found.iter().flatten() {
            assert!(body[leaf.at..].starts_with(leaf.body));
        }
        assert_eq!(leaves(WSP, Origin::Push, body)[0].as_ref().unwrap().handler, Err(Refusal::Origin));

        // one framing in the other, and no deeper
        let mut outer = [0; 256];
        let inner = [part(ContentType::code(MediaCode::MULTIPART_RELATED), body)];
        let nested = Multipart::write(&inner, &mut outer).unwrap();
        assert_eq!(leaves(WSP, secure, nested).len(), 4);
        let mut outermost = [0; 512];
        let deep = Multipart::write(&[part(inner[0].content_type, nested)], &mut outermost).unwrap();
        let refused = leaves(WSP, secure, deep);
        assert!(matches!(refused[..], [Err(Refusal::Multipart(e))] if e.kind == ErrorKind::LimitExceeded));
        let mixed =
            [&b"--b\r\nContent-Type: application/vnd.wap.multipart.mixed\r\n\r\n"[..], body, b"\r\n--b--"];
        let mixed = mixed.concat();
        let found = leaves("multipart/mixed; boundary=b", secure, &mixed);
        assert_eq!(found.len(), 4);
        assert!(found.iter().flatten().all(|leaf| mixed[leaf.at..].starts_with(leaf.body)));
    }

    #[test]
    fn parts_are_counted_in_all() {
        let one = [part(ContentType::code(MediaCode::CONNECTIVITY), b"x"); MAX_PARTS];
        let (mut inner, mut outer) = ([0; 256], [0; 1024]);
        let inner = Multipart::write(&one, &mut inner).unwrap();
        let multipart = part(ContentType::code(MediaCode::MULTIPART_MIXED), inner);
        let body = Multipart::write(&[multipart, multipart], &mut outer).unwrap();
        let found: Vec<_> =
            Leaves::new(&Content { media_type: WSP, origin: Origin::File, body }).unwrap().collect();
        assert_eq!(
            (found.len(), found.iter().filter(|leaf| leaf.is_ok()).count()),
            (MAX_PARTS + 1, MAX_PARTS)
        );
    }

    #[test]
    fn what_is_no_multipart_is_itself() {
        assert_eq!(found("text/plain", Origin::File), Ok([Err(Refusal::UnknownType)].into()));
        assert_eq!(found("plain", Origin::File), Err(Refusal::UnknownType));
        assert!(matches!(found("multipart/mixed", Origin::File), Err(Refusal::Multipart(_))));
        assert!(matches!(found("multipart/mixed; boundary=c", Origin::File), Err(Refusal::Multipart(_))));
    }
}
