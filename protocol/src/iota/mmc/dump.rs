//! Any document, decoded as far as it goes: what `kedge inspect` shows.

use core::fmt::{self, Write};

use super::{Coding, Content, Document, Element, Fault, Head, OnError};
use crate::wbxml::{self, pages};
use crate::wire::Error;
use crate::xml;

/// Longest text and octet string that a line shows in full.
const SHOWN: usize = 64;

/// Writes the document as its coding shows it, with offsets, then what it means, one line per element.
///
/// The first fault, be it of the coding or of the grammar, is written and returned. `coding` as
/// [`super::coding_of`] tells it; without a media type [`guess`] helps. `scratch` as for [`Document::element`].
pub fn dump(
    coding: Coding,
    bytes: &[u8],
    scratch: &mut [u8],
    out: &mut impl Write,
) -> Result<Option<Error>, fmt::Error> {
    let broken = match coding {
        Coding::Wbxml => wbxml::dump(bytes, Some(&pages::MMC), out)?,
        Coding::Xml => xml::dump(bytes, out)?,
    };
    if broken.is_some() {
        return Ok(broken);
    }
    match meaning(coding, bytes, scratch, out)? {
        Ok(()) => Ok(None),
        Err(fault) => {
            let error = fault.error();
            writeln!(out, "{:04X}  FAULT: {fault}", error.at)?;
            Ok(Some(error))
        }
    }
}

/// The coding that the first octet suggests: XML text starts with white space, `<` or a byte order mark.
pub fn guess(bytes: &[u8]) -> Coding {
    match bytes.first() {
        Some(b'<' | b' ' | b'\t' | b'\r' | b'\n' | 0xEF) => Coding::Xml,
        _ => Coding::Wbxml,
    }
}

fn meaning(
    coding: Coding,
    bytes: &[u8],
    scratch: &mut [u8],
    out: &mut impl Write,
) -> Result<Result<(), Fault>, fmt::Error> {
    let document = match Document::check(coding, bytes, scratch) {
        Ok(document) => document,
        Err(fault) => return Ok(Err(fault)),
    };
    match document.head(scratch) {
        Ok(Head::Server { session, doc, next }) => {
            write!(out, "      document {doc} of session {session}")?;
            writeln!(out, ", answer to {}", next.unwrap_or("the same URL"))?;
        }
        Ok(Head::Device { session, re }) => {
            writeln!(out, "      answer to document {re} of session {session}")?;
        }
        Err(fault) => return Ok(Err(fault)),
    }
    for number in 0..document.len() {
        match document.element(number, scratch) {
            Ok(Some(element)) => tell(&element, out)?,
            Ok(None) => break,
            Err(fault) => return Ok(Err(fault)),
        }
    }
    Ok(Ok(()))
}

fn tell(element: &Element<'_>, out: &mut impl Write) -> fmt::Result {
    write!(out, "      {}. ", element.id())?;
    let value = match element {
        Element::Command(command) => {
            write!(out, "{}", command.verb)?;
            if let Some(object) = command.object {
                write!(out, " {object}")?;
            }
            if command.on_error == OnError::Continue {
                write!(out, " (an error does not stop)")?;
            }
            if command.reboot {
                write!(out, " and restart")?;
            }
            command.value
        }
        Element::Answer(answer) => {
            write!(out, "result {} {}", answer.code.0, answer.code)?;
            answer.value
        }
    };
    match value {
        Some(Content::Text(text)) => writeln!(out, ": {text:?}"),
        Some(Content::Reference(reference)) => writeln!(out, ": {reference}"),
        Some(Content::Data(octets)) => {
            write!(out, ": {} octets ", octets.len())?;
            octets.iter().take(SHOWN).try_for_each(|octet| write!(out, "{octet:02x}"))?;
            writeln!(out, "{}", if octets.len() > SHOWN { ".." } else { "" })
        }
        None => writeln!(out),
    }
}
