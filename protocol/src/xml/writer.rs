//! The writer: escapes what needs it, indents nothing.

#[cfg(feature = "xml")]
mod twofold;

use super::cursor::{find, find_illegal, is_name, is_space};
use super::{Doctype, base64};
use crate::wbxml::Sink;
use crate::wire::{self, Error, ErrorKind};
#[cfg(feature = "xml")]
pub(crate) use twofold::{Mark, SUPPORTED};

/// What to do with octets, for which XML has no form of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Octets {
    /// Write them as base64; the document type says that they are.
    Base64,
    /// Refuse them as `Unsupported`.
    Refuse,
}

/// Writes an XML document of at most `DEPTH` nested elements into the caller's buffer, in UTF-8.
///
/// ```
/// use kedge_protocol::wbxml::Sink;
/// use kedge_protocol::xml::{Octets, Writer};
///
/// let mut buf = [0; 64];
/// let mut writer: Writer<4> = Writer::new(&mut buf, Octets::Base64);
/// writer.start("data")?;
/// writer.attribute("of", "\"me\" & you")?;
/// writer.opaque(&[6])?;
/// writer.end()?;
/// assert_eq!(writer.finish()?, b"<data of=\"&quot;me&quot; &amp; you\">Bg==</data>");
/// # Ok::<(), kedge_protocol::wire::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b, const DEPTH: usize> {
    out: wire::Writer<'b>,
    octets: Octets,
    /// Where in the output the names of the open elements stand, and how long they are.
    stack: [(usize, usize); DEPTH],
    depth: usize,
    root_seen: bool,
    /// Whether the start tag of the innermost element is not closed yet.
    open: bool,
}

impl<'b, const DEPTH: usize> Writer<'b, DEPTH> {
    /// A writer at the beginning of `buf`.
    pub const fn new(buf: &'b mut [u8], octets: Octets) -> Self {
        let out = wire::Writer::new(buf);
        Self { out, octets, stack: [(0, 0); DEPTH], depth: 0, root_seen: false, open: false }
    }

    /// Writes the XML declaration; `BadValue` unless nothing was written before.
    pub fn declaration(&mut self) -> Result<(), Error> {
        if self.out.at() > 0 {
            return Err(self.misplaced());
        }
        self.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
    }

    /// Writes a document type declaration; `BadValue` behind the root element's start, for a public identifier without a
    /// system identifier, and for an identifier that cannot be quoted.
    pub fn doctype(&mut self, doctype: &Doctype<'_>) -> Result<(), Error> {
        if self.root_seen || doctype.public.is_some() && doctype.system.is_none() {
            return Err(self.misplaced());
        }
        self.put("<!DOCTYPE ")?;
        self.name(doctype.name)?;
        match doctype.public {
            Some(public) => {
                self.put(" PUBLIC ")?;
                self.quoted(public)?;
                self.put(" ")?;
            }
            None if doctype.system.is_some() => self.put(" SYSTEM ")?,
            None => {}
        }
        if let Some(system) = doctype.system {
            self.quoted(system)?;
        }
        self.put(">")
    }

    /// Writes a processing instruction; `BadValue` for a target that may not be, or data that holds `?>`.
    pub fn instruction(&mut self, target: &str, data: &str) -> Result<(), Error> {
        self.begin_content()?;
        if target.eq_ignore_ascii_case("xml") || find(data, "?>").is_some() || data.starts_with(is_space) {
            return Err(self.misplaced());
        }
        self.put("<?")?;
        self.name(target)?;
        if !data.is_empty() {
            self.put(" ")?;
        }
        self.legal(data)?;
        self.put(data)?;
        self.put("?>")
    }

    /// The document; `Truncated` while an element is open or none was written.
    pub fn finish(self) -> Result<&'b [u8], Error> {
        if self.depth == 0 && self.root_seen {
            Ok(self.out.finish())
        } else {
            Err(Error::new(ErrorKind::Truncated, self.out.at()))
        }
    }

    fn put(&mut self, text: &str) -> Result<(), Error> {
        self.out.put(text.as_bytes())
    }

    fn name(&mut self, name: &str) -> Result<(), Error> {
        if is_name(name) { self.put(name) } else { Err(self.misplaced()) }
    }

    fn legal(&self, text: &str) -> Result<(), Error> {
        match find_illegal(text) {
            Some(_) => Err(Error::new(ErrorKind::BadText, self.out.at())),
            None => Ok(()),
        }
    }

    /// An identifier between whichever quotes it does not hold.
    fn quoted(&mut self, text: &str) -> Result<(), Error> {
        let quote = match (text.contains('"'), text.contains('\'')) {
            (false, _) => "\"",
            (true, false) => "'",
            (true, true) => return Err(self.misplaced()),
        };
        self.legal(text)?;
        self.put(quote)?;
        self.put(text)?;
        self.put(quote)
    }

    /// Text in which markup, and line ends a reader would normalise, are references.
    fn escaped(&mut self, text: &str, in_attribute: bool) -> Result<(), Error> {
        self.legal(text)?;
        let special = |octet| match octet {
            b'&' | b'<' | b'>' | b'\r' => true,
            b'"' | b'\n' | b'\t' => in_attribute,
            _ => false,
        };
        let mut rest = text;
        while let Some(n) = rest.bytes().position(special)
            && let Some((plain, tail)) = rest.split_at_checked(n)
        {
            self.put(plain)?;
            let mut characters = tail.chars();
            self.put(match characters.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('\r') => "&#13;",
                Some('"') => "&quot;",
                Some('\n') => "&#10;",
                _ => "&#9;",
            })?;
            rest = characters.as_str();
        }
        self.put(rest)
    }

    fn begin_content(&mut self) -> Result<(), Error> {
        if core::mem::take(&mut self.open) { self.put(">") } else { Ok(()) }
    }

    fn begin_text(&mut self) -> Result<(), Error> {
        if self.depth == 0 { Err(self.misplaced()) } else { self.begin_content() }
    }

    fn base64(&mut self, octets: &[u8]) -> Result<(), Error> {
        match self.octets {
            Octets::Base64 => base64::encode(octets, &mut self.out),
            Octets::Refuse => Err(Error::new(ErrorKind::Unsupported, self.out.at())),
        }
    }

    fn begin_attribute(&mut self, name: &str) -> Result<(), Error> {
        if !self.open {
            return Err(self.misplaced());
        }
        self.put(" ")?;
        self.name(name)?;
        self.put("=\"")
    }

    fn misplaced(&self) -> Error {
        Error::new(ErrorKind::BadValue, self.out.at())
    }
}

impl<const DEPTH: usize> Sink for Writer<'_, DEPTH> {
    fn start(&mut self, name: &str) -> Result<(), Error> {
        if self.depth == 0 && self.root_seen {
            return Err(self.misplaced());
        }
        self.begin_content()?;
        let limit = Error::new(ErrorKind::LimitExceeded, self.out.at());
        self.put("<")?;
        *self.stack.get_mut(self.depth).ok_or(limit)? = (self.out.at(), name.len());
        self.name(name)?;
        self.depth = self.depth.saturating_add(1);
        self.root_seen = true;
        self.open = true;
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.begin_attribute(name)?;
        self.escaped(value, true)?;
        self.put("\"")
    }

    fn attribute_opaque(&mut self, name: &str, octets: &[u8]) -> Result<(), Error> {
        self.begin_attribute(name)?;
        self.base64(octets)?;
        self.put("\"")
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.begin_text()?;
        self.escaped(text, false)
    }

    fn opaque(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.begin_text()?;
        self.base64(octets)
    }

    fn end(&mut self) -> Result<(), Error> {
        let depth = self.depth.checked_sub(1).ok_or(self.misplaced())?;
        self.depth = depth;
        if core::mem::take(&mut self.open) {
            return self.put("/>");
        }
        self.put("</")?;
        let (start, len) = self.stack.get(depth).copied().ok_or(self.misplaced())?;
        self.out.again(start, len)?;
        self.put(">")
    }
}
