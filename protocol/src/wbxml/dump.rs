//! Any octets, decoded as far as they go: what `kedge inspect` shows.

use core::fmt::{self, Write};

use super::{Event, Extension, Name, Pull, Quirks, Reader, Vocabulary, pages};
use crate::wire::Error;
use crate::xml::Doctype;

/// Deeper documents than any real one, so that a dump does not stop early.
pub(crate) const DUMP_DEPTH: usize = 64;

/// Octets of an opaque value that a line shows.
const SHOWN: usize = 64;

/// Writes one line per event, with the offset of its first octet in hexadecimal, indented by depth; then the
/// tolerated deviations; then the fault, if the octets are broken, which is returned too.
///
/// `assumed` is the document type to take when the public identifier names none that is known.
///
/// ```
/// use kedge_protocol::{wbxml::dump, wire::ErrorKind};
///
/// let mut text = String::new();
/// let fault = dump(&[0x02, 0x06, 0x6A, 0x00, 0x85, 0x07, 0x08, 0x03, b'x'], None, &mut text)?;
/// assert_eq!(fault.map(|fault| (fault.kind, fault.at)), Some((ErrorKind::Truncated, 8)));
/// assert!(text.ends_with("0008  FAULT: input ends inside a field\n"));
/// # Ok::<(), core::fmt::Error>(())
/// ```
pub fn dump(
    bytes: &[u8],
    assumed: Option<&'static Vocabulary>,
    out: &mut impl Write,
) -> Result<Option<Error>, fmt::Error> {
    let reader = Reader::<DUMP_DEPTH>::detect(bytes, pages::ALL).map(|reader| match assumed {
        Some(assumed) if core::ptr::eq(reader.vocabulary(), &raw const pages::NONE) => reader.assume(assumed),
        _ => reader,
    });
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(fault) => return tell_fault(fault, out),
    };
    header(&reader, out)?;
    let fault = events(&mut reader, out)?;
    conclude(reader.quirks(), fault, out)
}

/// Writes one line per event until the end or the fault, which is returned and not written.
pub(crate) fn events<'a>(
    pull: &mut impl Pull<'a>,
    out: &mut impl Write,
) -> Result<Option<Error>, fmt::Error> {
    let mut indent = 0_usize;
    loop {
        let event = match pull.next() {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(None),
            Err(fault) => return Ok(Some(fault)),
        };
        if matches!(event, Event::End | Event::AttributeEnd | Event::PiEnd) {
            indent = indent.saturating_sub(2);
        }
        write!(out, "{:04X}  {:indent$}", pull.at(), "")?;
        line(event, out)?;
        if matches!(event, Event::Start(_) | Event::Attribute(_) | Event::Pi(_)) {
            indent = indent.saturating_add(2);
        }
    }
}

/// Writes what was tolerated and the fault, and returns the fault.
pub(crate) fn conclude(
    quirks: Quirks,
    fault: Option<Error>,
    out: &mut impl Write,
) -> Result<Option<Error>, fmt::Error> {
    for quirk in quirks.iter() {
        writeln!(out, "      tolerated: {quirk}")?;
    }
    fault.map_or(Ok(None), |fault| tell_fault(fault, out))
}

/// Writes the fault and returns it.
pub(crate) fn tell_fault(fault: Error, out: &mut impl Write) -> Result<Option<Error>, fmt::Error> {
    writeln!(out, "{:04X}  FAULT: {}", fault.at, fault.kind)?;
    Ok(Some(fault))
}

fn header<const DEPTH: usize>(reader: &Reader<'_, DEPTH>, out: &mut impl Write) -> fmt::Result {
    let header = reader.header();
    write!(out, "0000  WBXML {}, public id ", header.version)?;
    match header.public_id {
        super::PublicId::Number(number) => write!(out, "{number:#X}")?,
        super::PublicId::Literal(text) => write!(out, "{text:?}")?,
    }
    writeln!(out, ", read as {}, charset {}", reader.vocabulary().name, header.charset)?;
    let mut at = header.table.at;
    for entry in header.table.octets.split_inclusive(|&octet| octet == 0) {
        let text = entry.strip_suffix(&[0]).unwrap_or(entry).escape_ascii();
        writeln!(out, "{at:04X}  string table +{}: \"{text}\"", at.saturating_sub(header.table.at))?;
        at = at.saturating_add(entry.len());
    }
    Ok(())
}

fn line(event: Event<'_>, out: &mut impl Write) -> fmt::Result {
    match event {
        Event::Start(name) => {
            write!(out, "element ")?;
            tell_name(name, out)
        }
        Event::Attribute(name) => {
            write!(out, "attribute ")?;
            tell_name(name, out)
        }
        Event::Pi(name) => {
            write!(out, "processing instruction ")?;
            tell_name(name, out)
        }
        Event::AttributeEnd => writeln!(out, "end of attribute"),
        Event::PiEnd => writeln!(out, "end of instruction"),
        Event::End => writeln!(out, "end"),
        Event::Text(text) => writeln!(out, "text {text:?}"),
        Event::Char(character) => writeln!(out, "character U+{:04X} {character:?}", u32::from(character)),
        Event::Opaque(octets) => {
            write!(out, "{} octets", octets.len())?;
            for octet in octets.iter().take(SHOWN) {
                write!(out, " {octet:02X}")?;
            }
            writeln!(out, "{}", if octets.len() > SHOWN { " .." } else { "" })
        }
        Event::Extension(Extension::Inline(index, text)) => writeln!(out, "extension EXT_I_{index} {text:?}"),
        Event::Extension(Extension::Number(index, number)) => {
            writeln!(out, "extension EXT_T_{index} {number}")
        }
        Event::Extension(Extension::Bare(index)) => writeln!(out, "extension EXT_{index}"),
        Event::UnknownValue(token) => writeln!(out, "unknown value {}:{:02X}", token.page, token.code),
        Event::Doctype(text) => {
            let Ok(doctype) = Doctype::parse(text) else { return writeln!(out, "document type {text:?}") };
            let (public, system) = (doctype.public.unwrap_or_default(), doctype.system.unwrap_or_default());
            writeln!(out, "document type {} {public:?} {system:?}", doctype.name)
        }
    }
}

fn tell_name(name: Name<'_>, out: &mut impl Write) -> fmt::Result {
    match name {
        Name::Known(token, text) => writeln!(out, "{text} ({}:{:02X})", token.page, token.code),
        Name::Literal(text) => writeln!(out, "{text}"),
        Name::Unknown(token) => writeln!(out, "unknown {}:{:02X}", token.page, token.code),
    }
}
