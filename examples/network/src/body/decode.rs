//! The device's documents, read and checked.

use super::{Coding, DEPTH, DOCUMENT_LIMIT};
use crate::http::Request;
use crate::log::Rule;
use crate::order::{Answer, DeviceDocument, Payload};
use kedge_protocol::mime::{MULTIPART_RELATED, MediaType, Related, is_content_token};
use kedge_protocol::wbxml::{self, Event, Joined, Name, Pull, pages};
use kedge_protocol::wire;
use kedge_protocol::xml::{self, base64};

/// Largest attribute value (profile B1).
const VALUE_LIMIT: usize = 1024;
/// Largest IS-683 message, the largest octet value that a device sends here (profile B1).
const OCTETS_LIMIT: usize = 2048;
/// The only header a device writes: version 1.3, public id unknown, UTF-8, no string table (profile B5).
const WBXML_HEADER: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];

type Coded<T> = Result<T, String>;
type Read<T> = Result<T, (Rule, String)>;

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
        let media_type =
            part.media_type.map(|media| media.essence().to_ascii_lowercase()).unwrap_or_default();
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
            Some(Event::Start(name)) if name.text() == Some("result") => {
                results.push(read_result(pull, coding)?);
            }
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
    let session = session.filter(|session| is_content_token(session));
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
            Some(Event::Start(name)) if name.text() == Some("data") && data.is_none() => {
                data = Some(octets(pull, coding)?);
            }
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
    joined
        .text()
        .filter(|_| !joined.opaque)
        .map(str::to_owned)
        .ok_or("octets as an attribute's value".to_owned())
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

fn at(error: wire::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(content_type: &str, body: &[u8]) -> Request {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Request { method: "POST".to_owned(), url: String::new(), headers, body: body.to_vec() }
    }

    fn xml(document: &str) -> Read<DeviceDocument> {
        decode(&posted(Coding::Xml.media_type(), document.as_bytes()), Coding::Xml)
    }

    #[test]
    fn values_of_every_kind() {
        let document =
            xml("<?xml version='1.0' encoding='UTF-8'?>\n<mmc version='1.0' session='A1' re='3'>\n \
             <result id='1' code='0' value='Acme;DevKit;1.4.2'/>\
             <result id='2' code='0'><data> BQ\nA= </data></result><result id='3' code='129'/>\n</mmc>");
        let payloads =
            [Payload::Text("Acme;DevKit;1.4.2".to_owned()), Payload::Octets(vec![5, 0]), Payload::None];
        let answers = (1..).zip([0, 0, 129]).zip(payloads);
        let answers =
            answers.map(|((id, code), payload)| Answer { id, code, payload, part_type: None }).collect();
        assert_eq!(document, Ok(DeviceDocument { session: "A1".to_owned(), re: 3, answers }));
    }

    #[test]
    fn documents_outside_the_grammar() {
        let result = "<result id='1' code='0'/>";
        for document in [
            format!("<!DOCTYPE mmc><mmc version='1.0' session='A1' re='1'>{result}</mmc>"),
            format!("<mmc session='A1' re='1'>{result}</mmc>"),
            format!("<mmc version='1.1' session='A1' re='1'>{result}</mmc>"),
            format!("<mmc version='1.0' session='' re='1'>{result}</mmc>"),
            format!("<mmc version='1.0' session='A 1' re='1'>{result}</mmc>"),
            format!("<mmc version='1.0' session='A1'>{result}</mmc>"),
            format!("<mmc version='1.0' session='A1' re='01'>{result}</mmc>"),
            format!("<mmc version='1.0' session='A1' re='65536'>{result}</mmc>"),
            format!("<mmc version='1.0' session='A1' re='1' doc='1'>{result}</mmc>"),
            format!("<mmc version='1.0' session='A1' re='1'>text{result}</mmc>"),
            format!("<mmc version='1.0' session='A1' re='1'>{result}</mmc>{result}"),
            "<mmc version='1.0' session='A1' re='1'><read id='1'/></mmc>".to_owned(),
            "<mmc version='1.0' session='A1' re='1'><result code='0'/></mmc>".to_owned(),
            "<mmc version='1.0' session='A1' re='1'><result id='0' code='0'/></mmc>".to_owned(),
            "<mmc version='1.0' session='A1' re='1'><result id='1'/></mmc>".to_owned(),
            "<mmc version='1.0' session='A1' re='1'><result id='1' code='-1'/></mmc>".to_owned(),
            "<mmc version='1.0' session='A1' re='1'><result id='1' code='0'><data>!</data></result></mmc>"
                .to_owned(),
            format!("<mmc version='1.0' session='A1' re='1'>{}</mmc>", result.repeat(400)),
        ] {
            assert_eq!(xml(&document).map_err(|(rule, _)| rule), Err(Rule::Document), "{document}");
        }
        let two = "<mmc version='1.0' session='A1' re='1'><result id='1' code='0' value='a' valueref='cid:b'/></mmc>";
        assert_eq!(xml(two).map_err(|(rule, _)| rule), Err(Rule::Results));
    }

    fn related(parts: &[(&str, &str, &str)], parameters: &str) -> Result<DeviceDocument, Rule> {
        let mut body = String::new();
        for (kind, id, content) in parts {
            let part = ["--b\r\nContent-Type: ", kind, "\r\nContent-ID: <", id, ">\r\n\r\n", content, "\r\n"];
            body += &part.concat();
        }
        body += "--b--\r\n";
        let content_type = format!("multipart/related; boundary=b{parameters}");
        decode(&posted(&content_type, body.as_bytes()), Coding::Xml).map_err(|(rule, _)| rule)
    }

    #[test]
    fn parts_belong_together() {
        const GOOD: &str = "; type=\"application/iota.mmc-xml\"; start=\"<m>\"";
        let one = "<mmc version='1.0' session='A1' re='1'><result id='1' code='0' valueref='cid:r1'/></mmc>";
        let none = "<mmc version='1.0' session='A1' re='1'><result id='1' code='0'/></mmc>";
        let root = |document| ("application/iota.mmc-xml", "m", document);
        let part = ("application/x-is683-response", "r1", "xy");
        let read = related(&[root(one), part], GOOD).unwrap();
        assert_eq!(read.answers[0].payload, Payload::Octets(b"xy".to_vec()));
        assert_eq!(read.answers[0].part_type.as_deref(), Some("application/x-is683-response"));
        assert!(related(&[part, root(one)], GOOD).is_ok(), "the root is where start says");
        for (why, outcome, rule) in [
            ("not referred to", related(&[root(none), part], GOOD), Rule::Framing),
            ("one part", related(&[root(none)], GOOD), Rule::Framing),
            ("twice the same id", related(&[root(one), part, part], GOOD), Rule::Framing),
            ("no type", related(&[root(one), part], "; start=\"<m>\""), Rule::Framing),
            ("no start", related(&[root(one), part], "; type=\"application/iota.mmc-xml\""), Rule::Framing),
            ("root of another type", related(&[("text/xml", "m", one), part], GOOD), Rule::Framing),
            ("no such part", related(&[root(one), ("text/plain", "r2", "")], GOOD), Rule::Results),
        ] {
            assert_eq!(outcome, Err(rule), "{why}");
        }
    }

    /// Any alteration of a good answer is read or refused, never more.
    #[test]
    fn altered_octets_are_read_or_refused() {
        let good = [
            &WBXML_HEADER[..],
            b"\xC5\x05\x07\x03A1\0\x09\x031\0\x01\xCE\x0D\x031\0\x14\x01\x4F\xC3\x02\x05\0\x01\x01\x01",
        ]
        .concat();
        let read = |octets: &[u8]| decode(&posted(Coding::Wbxml.media_type(), octets), Coding::Wbxml);
        let whole = read(&good).unwrap();
        assert_eq!(whole.answers[0].payload, Payload::Octets(vec![5, 0]));
        for n in 0..good.len() {
            assert!(read(&good[..n]).is_err(), "cut to {n}");
            for value in 0..=u8::MAX {
                let mut altered = good.clone();
                altered[n] = value;
                if n < WBXML_HEADER.len() && value != good[n] {
                    assert!(read(&altered).is_err(), "octet {n} is {value:#04x}");
                } else {
                    drop(read(&altered));
                }
            }
        }
    }
}
