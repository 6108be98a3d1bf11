//! Documents as octets: MMC in both codings, parts in multipart bodies (profile B1, B2, B5).
//!
//! The operator writes its documents and reads the device's by the grammar itself, on the readers and writers of WBXML,
//! XML and multipart; the device's document codec is not used here, so a mistake in it cannot hide itself.

use crate::http::Request;
use crate::log::Rule;
use crate::order::{Answer, DeviceDocument, Order, Payload, ServerDocument, Verb};
use kedge_protocol::mime::{Boundary, MULTIPART_RELATED, MediaType, Piece, Related, RelatedWriter};
use kedge_protocol::wbxml::{self, Event, Joined, Name, Pull, Sink, Version, pages};
use kedge_protocol::xml::{self, base64};
use kedge_protocol::wire;

/// Coding of MMC documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    /// Binary.
    #[default]
    Wbxml,
    /// Text.
    Xml,
}

impl Coding {
    /// The media type of a document in this coding.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Wbxml => "application/iota.mmc-wbxml",
            Self::Xml => "application/iota.mmc-xml",
        }
    }
}

/// Media type of a body part with a forward message.
const FORWARD_TYPE: &str = "application/x-is683";
/// Content-ID of the document among body parts.
const ROOT: &str = "mmc";
/// Boundary of the operator's multipart bodies; another is made when it occurs in a part.
const BOUNDARY: &str = "mmcB";
/// A single message up to this size travels inside the document instead of beside it.
const INLINE: usize = 64;
/// Largest document (profile B1).
const DOCUMENT_LIMIT: usize = 8 * 1024;
/// Largest attribute value (profile B1).
const VALUE_LIMIT: usize = 1024;
/// Largest IS-683 message, the largest octet value that a device sends here (profile B1).
const OCTETS_LIMIT: usize = 2048;
/// Deepest nesting (profile B1); the vocabulary needs 3.
const DEPTH: usize = 4;
/// The only header a device writes: version 1.3, public id unknown, UTF-8, no string table (profile B5).
const WBXML_HEADER: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];

type Coded<T> = Result<T, String>;
type Read<T> = Result<T, (Rule, String)>;

/// The Content-Type of a response, and its body; refuses what is larger than a device has to accept.
pub(crate) fn encode(document: &ServerDocument<'_>, coding: Coding) -> Result<(String, Vec<u8>), wire::Error> {
    let octets: Vec<&[u8]> = document
        .orders
        .iter()
        .filter_map(|order| match &order.payload {
            Payload::Octets(octets) => Some(&**octets),
            _ => None,
        })
        .collect();
    let inline = document.orders.len() == 1 && octets.iter().all(|octets| octets.len() <= INLINE);
    let root = write_document(document, coding, inline)?;
    if inline || octets.is_empty() {
        return Ok((coding.media_type().to_owned(), root));
    }
    multipart(&root, coding, &octets)
}

fn multipart(root: &[u8], coding: Coding, octets: &[&[u8]]) -> Result<(String, Vec<u8>), wire::Error> {
    let names: Vec<String> = (1..=octets.len()).map(|number| format!("f{number}")).collect();
    let mut pieces = vec![Piece { media_type: coding.media_type(), content_id: ROOT, content: root }];
    for (content, content_id) in octets.iter().zip(&names) {
        pieces.push(Piece { media_type: FORWARD_TYPE, content_id, content });
    }
    let mut storage = Default::default();
    let taken = pieces.iter().any(|piece| occurs(BOUNDARY.as_bytes(), piece.content));
    let boundary = if taken {
        Boundary::avoiding(pieces.iter().map(|piece| piece.content), &mut storage)?
    } else {
        Boundary::new(BOUNDARY)?
    };
    let room = pieces.iter().map(|piece| piece.content.len() + 256).sum::<usize>() + 256;
    let mut body = vec![0; room];
    let mut writer = RelatedWriter::new(&mut body, boundary);
    for piece in &pieces {
        writer.piece(piece)?;
    }
    let len = writer.finish()?.len();
    body.truncate(len);
    let mut header = [0; 256];
    let mut content_type = wire::Writer::new(&mut header);
    boundary.content_type(&pieces[0], &mut content_type)?;
    Ok((String::from_utf8_lossy(content_type.finish()).into_owned(), body))
}

fn occurs(needle: &[u8], hay: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

fn write_document(document: &ServerDocument<'_>, coding: Coding, inline: bool) -> Result<Vec<u8>, wire::Error> {
    let mut buf = vec![0; DOCUMENT_LIMIT];
    let len = match coding {
        Coding::Wbxml => {
            let mut out: wbxml::Writer<'_, DEPTH> = wbxml::Writer::new(&mut buf, &pages::MMC, Version::V1_3, &[])?;
            write_elements(document, inline, &mut out)?;
            out.finish()?.len()
        }
        Coding::Xml => {
            let mut out: xml::Writer<'_, DEPTH> = xml::Writer::new(&mut buf, xml::Octets::Base64);
            write_elements(document, inline, &mut out)?;
            out.finish()?.len()
        }
    };
    buf.truncate(len);
    Ok(buf)
}

/// `mmc = version session doc next? command*`
fn write_elements(document: &ServerDocument<'_>, inline: bool, out: &mut impl Sink) -> Result<(), wire::Error> {
    out.start("mmc")?;
    out.attribute("version", "1.0")?;
    out.attribute("session", document.session)?;
    out.attribute("doc", &document.number.to_string())?;
    if let Some(next) = document.next {
        out.attribute("next", next)?;
    }
    let mut part = 0;
    for (id, order) in (1_u16..).zip(document.orders) {
        write_order(id, order, inline, &mut part, out)?;
    }
    out.end()
}

fn write_order(
    id: u16,
    order: &Order,
    inline: bool,
    part: &mut u16,
    out: &mut impl Sink,
) -> Result<(), wire::Error> {
    out.start(order.verb.element())?;
    out.attribute("id", &id.to_string())?;
    if let Some(object) = order.object {
        out.attribute("object", object)?;
    }
    match &order.payload {
        Payload::None => {}
        Payload::Text(text) => out.attribute("value", text)?,
        Payload::Octets(octets) if inline => {
            out.start("data")?;
            out.opaque(octets)?;
            out.end()?;
        }
        Payload::Octets(_) => {
            *part += 1;
            out.attribute("valueref", &format!("cid:f{part}"))?;
        }
    }
    if order.verb == Verb::Disconnect && order.reboot {
        out.attribute("reboot", "1")?;
    }
    out.end()
}

/// Reads the body of a POST, which answers a document in `coding`.
pub(crate) fn decode(request: &Request, coding: Coding) -> Read<DeviceDocument> {
    let framing = |fault: String| (Rule::Framing, fault);
    let header = request.header("Content-Type").ok_or_else(|| framing("no Content-Type".to_owned()))?;
    let media = MediaType::parse(header).map_err(|e| framing(format!("Content-Type {header:?}: {e}")))?;
    if !media.is(MULTIPART_RELATED) {
        if !media.is(coding.media_type()) {
            return Err(framing(format!("{header:?} answers {:?}", coding.media_type())));
        }
        return read_document(&request.body, coding, Vec::new());
    }
    let (root, parts) = unpack(&media, &request.body, coding).map_err(framing)?;
    read_document(&root, coding, parts)
}

/// A body part beside the document.
struct Part {
    name: String,
    media_type: String,
    octets: Vec<u8>,
    used: bool,
}

/// Takes a multipart body apart: the document, the other parts.
fn unpack(media: &MediaType<'_>, body: &[u8], coding: Coding) -> Coded<(Vec<u8>, Vec<Part>)> {
    let text = |e: wire::Error| format!("multipart: {e}");
    let related = Related::new(media, body).map_err(text)?;
    let shape = related.check().map_err(text)?;
    let stated = media.parameter("type").ok_or("multipart/related without type")?;
    if !stated.is(coding.media_type()) {
        return Err(format!("type is not {:?}", coding.media_type()));
    }
    media.parameter("start").ok_or("multipart/related without start")?;
    let mut root = None;
    let mut parts = Vec::new();
    for (number, part) in related.parts().enumerate() {
        let part = part.map_err(text)?;
        let mut scratch = vec![0; part.content.len()];
        let octets = part.decode(&mut scratch).map_err(text)?.to_vec();
        let media_type = part.media_type.map(|media| media.essence().to_ascii_lowercase()).unwrap_or_default();
        if number == shape.root {
            if media_type != coding.media_type() {
                return Err(format!("the root part is {media_type:?}"));
            }
            root = Some(octets);
        } else {
            let name = part.content_id.unwrap_or_default().to_owned();
            parts.push(Part { name, media_type, octets, used: false });
        }
    }
    if parts.is_empty() {
        return Err("a multipart of one part".to_owned());
    }
    Ok((root.ok_or("no root part")?, parts))
}

fn read_document(octets: &[u8], coding: Coding, mut parts: Vec<Part>) -> Read<DeviceDocument> {
    let fault = |fault: String| (Rule::Document, fault);
    if octets.len() > DOCUMENT_LIMIT {
        return Err(fault(format!("a document of {} octets", octets.len())));
    }
    let raw = match coding {
        Coding::Wbxml => {
            if !octets.starts_with(&WBXML_HEADER) {
                return Err(fault(format!("WBXML header other than {WBXML_HEADER:02x?}")));
            }
            let reader: Result<wbxml::Reader<'_, DEPTH>, _> = wbxml::Reader::new(octets, &pages::MMC);
            read_root(&mut reader.map_err(|e| fault(e.to_string()))?, coding)
        }
        Coding::Xml => {
            let reader: Result<xml::Reader<'_, DEPTH>, _> = xml::Reader::new(octets);
            read_root(&mut reader.map_err(|e| fault(e.to_string()))?, coding)
        }
    };
    let raw = raw.map_err(fault)?;
    let mut answers = Vec::new();
    for result in raw.results {
        answers.push(result.resolve(&mut parts).map_err(|e| (Rule::Results, e))?);
    }
    if let Some(part) = parts.iter().find(|part| !part.used) {
        return Err((Rule::Framing, format!("part {:?} is not referred to", part.name)));
    }
    Ok(DeviceDocument { session: raw.session, re: raw.re, answers })
}

/// A device document before its references are followed.
struct Raw {
    session: String,
    re: u16,
    results: Vec<RawResult>,
}

/// `result = id code (value | valueref | data)?`
struct RawResult {
    id: u16,
    code: u16,
    value: Option<String>,
    valueref: Option<String>,
    data: Option<Vec<u8>>,
}

impl RawResult {
    fn resolve(self, parts: &mut [Part]) -> Coded<Answer> {
        let Self { id, code, .. } = self;
        let (payload, part_type) = match (self.value, self.valueref, self.data) {
            (None, None, None) => (Payload::None, None),
            (Some(text), None, None) => (Payload::Text(text), None),
            (None, None, Some(octets)) => (Payload::Octets(octets), None),
            (None, Some(reference), None) => {
                let name = reference.strip_prefix("cid:").ok_or(format!("valueref {reference:?}"))?;
                let part = parts.iter_mut().find(|part| part.name == name);
                let part = part.ok_or(format!("no part {name:?}"))?;
                if core::mem::replace(&mut part.used, true) {
                    return Err(format!("part {name:?} is referred to twice"));
                }
                (Payload::Octets(part.octets.clone()), Some(part.media_type.clone()))
            }
            _ => return Err(format!("result {id} has more than one value")),
        };
        Ok(Answer { id, code, payload, part_type })
    }
}

/// `mmc = version session re result*`
fn read_root<'a>(pull: &mut impl Pull<'a>, coding: Coding) -> Coded<Raw> {
    match pull.next().map_err(at)? {
        Some(Event::Start(name)) if name.text() == Some("mmc") => {}
        other => return Err(format!("{other:?} where <mmc> is due")),
    }
    let (mut version, mut session, mut re) = (None, None, None);
    let mut results = Vec::new();
    loop {
        match pull.next().map_err(at)? {
            Some(Event::Attribute(name)) => {
                let value = attribute(pull)?;
                match name.text() {
                    Some("version") => version = Some(value),
                    Some("session") => session = Some(value),
                    Some("re") => re = Some(number(&value)?),
                    _ => return Err(out_of_place("attribute", name, "mmc")),
                }
            }
            Some(Event::Start(name)) if name.text() == Some("result") => results.push(read_result(pull, coding)?),
            Some(Event::Start(name)) => return Err(out_of_place("element", name, "mmc")),
            Some(Event::Text(text)) if text.trim().is_empty() => {}
            Some(Event::End) => break,
            other => return Err(format!("{other:?} in <mmc>")),
        }
    }
    if pull.next().map_err(at)?.is_some() {
        return Err("more behind the root element".to_owned());
    }
    if version.as_deref() != Some("1.0") {
        return Err(format!("version {version:?}"));
    }
    let session = session.filter(|session| kedge_protocol::mime::is_content_token(session));
    Ok(Raw { session: session.ok_or("no session name, or no good one")?, re: re.ok_or("no re")?, results })
}

fn read_result<'a>(pull: &mut impl Pull<'a>, coding: Coding) -> Coded<RawResult> {
    let (mut id, mut code) = (None, None);
    let (mut value, mut valueref, mut data) = (None, None, None);
    loop {
        match pull.next().map_err(at)? {
            Some(Event::Attribute(name)) => {
                let text = attribute(pull)?;
                match name.text() {
                    Some("id") => id = Some(number(&text)?),
                    Some("code") => code = Some(number(&text)?),
                    Some("value") => value = Some(text),
                    Some("valueref") => valueref = Some(text),
                    _ => return Err(out_of_place("attribute", name, "result")),
                }
            }
            Some(Event::Start(name)) if name.text() == Some("data") && data.is_none() => data = Some(octets(pull, coding)?),
            Some(Event::Start(name)) => return Err(out_of_place("element", name, "result")),
            Some(Event::Text(text)) if text.trim().is_empty() => {}
            Some(Event::End) => break,
            other => return Err(format!("{other:?} in <result>")),
        }
    }
    let id = id.filter(|id| *id > 0).ok_or("a result without id")?;
    Ok(RawResult { id, code: code.ok_or("a result without code")?, value, valueref, data })
}

fn attribute<'a>(pull: &mut impl Pull<'a>) -> Coded<String> {
    let mut buf = [0; VALUE_LIMIT];
    let joined = Joined::attribute(pull, &mut buf).map_err(at)?;
    joined.text().filter(|_| !joined.opaque).map(str::to_owned).ok_or("octets as an attribute's value".to_owned())
}

/// The content of `<data>`: octets in WBXML, base64 in XML.
fn octets<'a>(pull: &mut impl Pull<'a>, coding: Coding) -> Coded<Vec<u8>> {
    let mut buf = [0; 2 * OCTETS_LIMIT];
    let joined = Joined::content(pull, &mut buf).map_err(at)?;
    if coding == Coding::Wbxml {
        return if joined.opaque { Ok(joined.octets.to_vec()) } else { Err("text as <data>".to_owned()) };
    }
    let mut decoded = vec![0; joined.octets.len()];
    base64::decode(joined.octets, &mut decoded).map(<[u8]>::to_vec).map_err(at)
}

/// A decimal number as the profile writes it: no sign, no leading zero.
fn number(text: &str) -> Coded<u16> {
    let value: u16 = text.parse().map_err(|_| format!("not a number: {text:?}"))?;
    if value.to_string() == text { Ok(value) } else { Err(format!("not a plain decimal number: {text:?}")) }
}

fn out_of_place(kind: &str, name: Name<'_>, element: &str) -> String {
    format!("{kind} {name:?} in <{element}>")
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function in map_err")]
fn at(error: wire::Error) -> String {
    error.to_string()
}
