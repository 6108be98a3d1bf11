//! Documents as octets: MMC in both codings, parts in multipart bodies (profile B1, B2, B5).
//!
//! The operator writes its documents and reads the device's by the grammar itself, on the readers and writers of WBXML,
//! XML and multipart; the device's document codec is not used here, so a mistake in it cannot hide itself.

mod decode;

use crate::order::{Order, Payload, ServerDocument, Verb};
pub(crate) use decode::decode;
use kedge_protocol::mime::{Boundary, Piece, RelatedWriter};
use kedge_protocol::wbxml::{self, Sink, Version, pages};
use kedge_protocol::{wire, xml};

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
/// Deepest nesting (profile B1); the vocabulary needs 3.
const DEPTH: usize = 4;

/// The Content-Type of a response, and its body; refuses what is larger than a device has to accept.
pub(crate) fn encode(
    document: &ServerDocument<'_>,
    coding: Coding,
) -> Result<(String, Vec<u8>), wire::Error> {
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

fn write_document(
    document: &ServerDocument<'_>,
    coding: Coding,
    inline: bool,
) -> Result<Vec<u8>, wire::Error> {
    let mut buf = vec![0; DOCUMENT_LIMIT];
    let len = match coding {
        Coding::Wbxml => {
            let mut out: wbxml::Writer<'_, DEPTH> =
                wbxml::Writer::new(&mut buf, &pages::MMC, Version::V1_3, &[])?;
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
fn write_elements(
    document: &ServerDocument<'_>,
    inline: bool,
    out: &mut impl Sink,
) -> Result<(), wire::Error> {
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
