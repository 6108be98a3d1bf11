//! Any push, decoded as far as it goes: what `kedge inspect` shows.

use core::fmt::{self, Write};

use super::content_type::{ContentType, ParameterName};
use super::header::{Header, HeaderName, HeaderReader};
use super::{ApplicationCode, HeaderCode, MediaCode, Packet, ParameterCode, SecurityMethod, Value};
use crate::wbxml::{self, pages};
use crate::wire::Error;

/// Writes one line per field with its offset in hexadecimal; then the body, with offsets of its own, if its media type
/// is a WBXML one, else its length. The first fault ends the listing: it is written and returned.
pub fn dump(bytes: &[u8], out: &mut impl Write) -> Result<Option<Error>, fmt::Error> {
    let packet = match Packet::new(bytes) {
        Ok(packet) => packet,
        Err(fault) => return tell(fault, out),
    };
    writeln!(out, "0000  transaction {}", packet.tid)?;
    writeln!(out, "0001  PDU type {:#04x} {}", packet.pdu_type.0, packet.pdu_type)?;
    writeln!(out, "0002  {} octets of headers", packet.headers.left())?;
    let mut headers = packet.headers;
    let at = headers.at();
    let content_type = match ContentType::read(&mut headers) {
        Ok(content_type) => content_type,
        Err(fault) => return tell(fault, out),
    };
    writeln!(out, "{at:04X}  content type {}", content_type.media)?;
    for parameter in content_type.parameters.iter() {
        match parameter.name {
            ParameterName::Code(code) => tell_parameter(code, parameter.value, out)?,
            ParameterName::Text(name) => {
                writeln!(out, "        {} = {}", name.escape_ascii(), parameter.value)?;
            }
        }
    }
    let mut page = 1;
    for (at, header) in HeaderReader::new(headers) {
        write!(out, "{at:04X}  ")?;
        match header {
            Ok(Header::Page(to)) => {
                page = to;
                writeln!(out, "header code page {to}")?;
            }
            Ok(Header::Field(HeaderName::Text(name), value)) => {
                writeln!(out, "{}: {value}", name.escape_ascii())?;
            }
            Ok(Header::Field(HeaderName::Code(code), value)) if page == 1 => tell_header(code, value, out)?,
            Ok(Header::Field(HeaderName::Code(code), value)) => {
                writeln!(out, "header {:#04x} of page {page}: {value}", code.0)?;
            }
            Err(fault) => {
                writeln!(out, "header cut short")?;
                return tell(fault, out);
            }
        }
    }
    body(&content_type, &packet, out)
}

fn body(
    content_type: &ContentType<'_>,
    packet: &Packet<'_>,
    out: &mut impl Write,
) -> Result<Option<Error>, fmt::Error> {
    let (base, octets) = (packet.body.at(), packet.body());
    writeln!(out, "{base:04X}  body of {} octets", octets.len())?;
    let documents = [
        (MediaCode::SI, Some(&pages::SI)),
        (MediaCode::SL, Some(&pages::SL)),
        (MediaCode::CO, Some(&pages::CO)),
        (MediaCode::EMN, Some(&pages::EMN)),
        (MediaCode::CONNECTIVITY, Some(&pages::PROV)),
        (MediaCode::MMC, Some(&pages::MMC)),
        (MediaCode::DM, None),
    ];
    match documents.into_iter().find(|(code, _)| content_type.media.is(*code)) {
        Some((_, vocabulary)) => {
            writeln!(out, "      offsets from here count from the body's first octet")?;
            let fault = wbxml::dump(octets, vocabulary, out)?;
            Ok(fault.map(|fault| Error::new(fault.kind, base.saturating_add(fault.at))))
        }
        None => Ok(None),
    }
}

fn tell_parameter(code: ParameterCode, value: Value<'_>, out: &mut impl Write) -> fmt::Result {
    let method = value.integer().and_then(|number| u8::try_from(number).ok()).map(SecurityMethod);
    match method {
        Some(method) if code == ParameterCode::SEC => writeln!(out, "        {code} = {method}"),
        _ => writeln!(out, "        {code} = {value}"),
    }
}

fn tell_header(code: HeaderCode, value: Value<'_>, out: &mut impl Write) -> fmt::Result {
    match value.integer() {
        Some(number) if code == HeaderCode::APPLICATION_ID => {
            writeln!(out, "{code}: {} ({number:#x})", ApplicationCode(number))
        }
        _ => writeln!(out, "{code}: {value}"),
    }
}

fn tell(fault: Error, out: &mut impl Write) -> Result<Option<Error>, fmt::Error> {
    writeln!(out, "{:04X}  FAULT: {}", fault.at, fault.kind)?;
    Ok(Some(fault))
}
