//! The document type declaration.

use super::cursor::Cursor;
use crate::wire::{Error, ErrorKind};

/// A document type declaration: the root's name and the identifiers of the DTD, which is never fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doctype<'a> {
    /// The name of the root element, as declared.
    pub name: &'a str,
    /// The public identifier, as it stands between its quotes.
    pub public: Option<&'a str>,
    /// The system identifier.
    pub system: Option<&'a str>,
}

impl<'a> Doctype<'a> {
    /// Takes apart what [`crate::wbxml::Event::Doctype`] hands out; of other text also the errors of the reader, in octets
    /// of `text`.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let mut c = Cursor::new(text.as_bytes());
        let doctype = identifiers(&mut c)?;
        if c.is_empty() { Ok(doctype) } else { Err(c.error(ErrorKind::Trailing)) }
    }
}

/// `doctypedecl = '<!DOCTYPE' S Name (S ExternalID)? S? '>'`, of which the first word was read; what stands between that
/// and the end.
///
/// An internal subset is `Unsupported`.
pub(super) fn read<'a>(c: &mut Cursor<'a>) -> Result<&'a str, Error> {
    let start = *c;
    identifiers(c)?;
    if c.starts_with("[") {
        return Err(c.error(ErrorKind::Unsupported));
    }
    let len = c.at().saturating_sub(start.at());
    c.expect(">")?;
    Ok(start.rest().split_at_checked(len).map_or("", |(text, _)| text))
}

fn identifiers<'a>(c: &mut Cursor<'a>) -> Result<Doctype<'a>, Error> {
    separator(c)?;
    let mut doctype = Doctype { name: c.name()?, public: None, system: None };
    let spaced = c.space();
    if spaced && c.eat("PUBLIC") {
        separator(c)?;
        doctype.public = Some(c.quoted()?.rest());
        separator(c)?;
        doctype.system = Some(c.quoted()?.rest());
    } else if spaced && c.eat("SYSTEM") {
        separator(c)?;
        doctype.system = Some(c.quoted()?.rest());
    }
    c.space();
    Ok(doctype)
}

fn separator(c: &mut Cursor<'_>) -> Result<(), Error> {
    if c.space() { Ok(()) } else { Err(c.forbidden()) }
}
