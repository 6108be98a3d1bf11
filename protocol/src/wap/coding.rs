//! Both codings of a document behind one reader and one writer. In a build without feature `xml` there is only WBXML.

#[cfg(not(feature = "xml"))]
use super::absent as xml;
use crate::wbxml::{self, Event, Name, Pull, Sink, Version, Vocabulary};
use crate::wire::Error;
#[cfg(feature = "xml")]
use crate::xml;

/// How a document is coded; its media type tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// WAP Binary XML.
    Wbxml,
    /// XML text in UTF-8.
    Xml,
}

impl Coding {
    /// Whether this build reads and writes documents in the coding: WBXML always, XML with feature `xml`.
    pub const fn is_supported(self) -> bool {
        match self {
            Self::Wbxml => true,
            Self::Xml => xml::SUPPORTED,
        }
    }
}

/// Reads a document in either coding, at most `DEPTH` elements deep.
#[derive(Clone, Debug)]
pub enum DocumentReader<'a, const DEPTH: usize> {
    /// WAP Binary XML.
    Wbxml(wbxml::Reader<'a, DEPTH>),
    /// XML text.
    Xml(xml::Reader<'a, DEPTH>),
}

impl<'a, const DEPTH: usize> DocumentReader<'a, DEPTH> {
    /// Starts to read `bytes`, a document of the type `vocabulary`; errors of the coding's header, `Unsupported` for a coding
    /// that this build does without.
    pub fn new(coding: Coding, bytes: &'a [u8], vocabulary: &'static Vocabulary) -> Result<Self, Error> {
        match coding {
            Coding::Wbxml => wbxml::Reader::new(bytes, vocabulary).map(Self::Wbxml),
            Coding::Xml => xml::Reader::new(bytes).map(Self::Xml),
        }
    }

    /// Which coding it is.
    pub const fn coding(&self) -> Coding {
        match self {
            Self::Wbxml(_) => Coding::Wbxml,
            Self::Xml(_) => Coding::Xml,
        }
    }
}

impl<'a, const DEPTH: usize> Pull<'a> for DocumentReader<'a, DEPTH> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        match self {
            Self::Wbxml(reader) => reader.next(),
            Self::Xml(reader) => reader.next(),
        }
    }

    fn at(&self) -> usize {
        match self {
            Self::Wbxml(reader) => reader.at(),
            Self::Xml(reader) => reader.at(),
        }
    }

    fn skip_element(&mut self) -> Result<bool, Error> {
        match self {
            Self::Wbxml(reader) => reader.skip_element(),
            Self::Xml(reader) => reader.skip_element(),
        }
    }

    #[inline]
    fn child(&mut self) -> Result<Option<Name<'a>>, Error> {
        match self {
            Self::Wbxml(reader) => reader.child(),
            Self::Xml(reader) => reader.child(),
        }
    }

    fn leaf(&mut self) -> Option<&'a str> {
        match self {
            Self::Wbxml(reader) => reader.leaf(),
            Self::Xml(reader) => reader.leaf(),
        }
    }

    fn value(&mut self) -> Option<&'a str> {
        match self {
            Self::Wbxml(reader) => reader.value(),
            Self::Xml(reader) => reader.value(),
        }
    }
}

/// A place in a document to which its writer can go back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DocumentMark<const DEPTH: usize> {
    Wbxml(wbxml::Mark<DEPTH>),
    Xml(xml::Mark<DEPTH>),
}

/// Writes a document in either coding, at most `DEPTH` elements deep. XML carries octets as base64.
#[derive(Debug)]
pub enum DocumentWriter<'b, const DEPTH: usize> {
    /// WAP Binary XML.
    Wbxml(wbxml::Writer<'b, DEPTH>),
    /// XML text.
    Xml(xml::Writer<'b, DEPTH>),
}

impl<'b, const DEPTH: usize> DocumentWriter<'b, DEPTH> {
    /// Starts a document of the type `vocabulary` in `out`; `version` matters for WBXML only. `Unsupported` for a coding that
    /// this build does without.
    pub fn new(
        coding: Coding,
        out: &'b mut [u8],
        vocabulary: &'static Vocabulary,
        version: Version,
    ) -> Result<Self, Error> {
        match coding {
            Coding::Wbxml => wbxml::Writer::new(out, vocabulary, version, &[]).map(Self::Wbxml),
            Coding::Xml => xml::Writer::with_base64(out).map(Self::Xml),
        }
    }

    /// Which coding it is.
    pub const fn coding(&self) -> Coding {
        match self {
            Self::Wbxml(_) => Coding::Wbxml,
            Self::Xml(_) => Coding::Xml,
        }
    }

    /// How many octets were written.
    pub(crate) const fn at(&self) -> usize {
        match self {
            Self::Wbxml(writer) => writer.at(),
            Self::Xml(writer) => writer.at(),
        }
    }

    /// How many octets still fit.
    pub(crate) const fn room(&self) -> usize {
        match self {
            Self::Wbxml(writer) => writer.room(),
            Self::Xml(writer) => writer.room(),
        }
    }

    /// This place.
    pub(crate) const fn mark(&self) -> DocumentMark<DEPTH> {
        match self {
            Self::Wbxml(writer) => DocumentMark::Wbxml(writer.mark()),
            Self::Xml(writer) => DocumentMark::Xml(writer.mark()),
        }
    }

    /// Goes on at `mark` in the document whose octets `out` holds; what was written behind it is given up.
    pub(crate) fn resume(out: &'b mut [u8], mark: &DocumentMark<DEPTH>) -> Result<Self, Error> {
        match mark {
            DocumentMark::Wbxml(mark) => wbxml::Writer::resume(out, mark).map(Self::Wbxml),
            DocumentMark::Xml(mark) => xml::Writer::resume(out, mark).map(Self::Xml),
        }
    }

    /// Ends the document and returns it; all elements must be closed.
    pub fn finish(self) -> Result<&'b [u8], Error> {
        match self {
            Self::Wbxml(writer) => writer.finish(),
            Self::Xml(writer) => writer.finish(),
        }
    }
}

/// What the writer of the coding in use does. (A trait object would hide from the analysis of the stack what is called.)
macro_rules! either {
    ($self:ident, $writer:ident => $call:expr) => {
        match $self {
            DocumentWriter::Wbxml($writer) => $call,
            DocumentWriter::Xml($writer) => $call,
        }
    };
}

impl<const DEPTH: usize> Sink for DocumentWriter<'_, DEPTH> {
    fn start(&mut self, name: &str) -> Result<(), Error> {
        either!(self, writer => writer.start(name))
    }

    fn start_tag(&mut self, name: Name<'_>) -> Result<(), Error> {
        either!(self, writer => writer.start_tag(name))
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Error> {
        either!(self, writer => writer.attribute(name, value))
    }

    fn attribute_opaque(&mut self, name: &str, octets: &[u8]) -> Result<(), Error> {
        either!(self, writer => writer.attribute_opaque(name, octets))
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        either!(self, writer => writer.text(text))
    }

    fn opaque(&mut self, octets: &[u8]) -> Result<(), Error> {
        either!(self, writer => writer.opaque(octets))
    }

    fn end(&mut self) -> Result<(), Error> {
        either!(self, writer => writer.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::pages;
    use crate::wire::ErrorKind;
    use proptest::prelude::*;
    use std::string::String;
    use std::vec::Vec;

    /// A reader that has no short cuts.
    struct Plain<'a>(DocumentReader<'a, 6>);

    impl<'a> Pull<'a> for Plain<'a> {
        fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
            self.0.next()
        }

        fn at(&self) -> usize {
            self.0.at()
        }
    }

    /// The text up to `end`, which is consumed; attributes of an element are passed over.
    fn text_to<'a>(plain: &mut impl Pull<'a>, end: Event<'_>) -> Result<String, Error> {
        let mut text = String::new();
        loop {
            match plain.next()? {
                Some(Event::Text(more)) => text.push_str(more),
                Some(Event::Char(more)) => text.push(more),
                Some(Event::Attribute(_)) if end == Event::End => _ = text_to(plain, Event::AttributeEnd)?,
                other => {
                    assert_eq!(other, Some(end));
                    return Ok(text);
                }
            }
        }
    }

    /// Goes through a document by the short cuts as `steps` say, and beside it by nothing but [`Pull::next`].
    fn compare(coding: Coding, bytes: &[u8], steps: &[u8]) -> Result<(), TestCaseError> {
        let open = || DocumentReader::<6>::new(coding, bytes, &pages::PROV);
        let (Ok(mut quick), Ok(plain)) = (open(), open()) else { return Ok(()) };
        let mut plain = Plain(plain);
        for step in steps {
            match step % 8 {
                0..=2 => prop_assert_eq!(quick.next(), plain.next()),
                3..=4 => prop_assert_eq!(quick.child(), plain.child()),
                5 => {
                    if let Some(text) = quick.leaf() {
                        prop_assert_eq!(text_to(&mut plain, Event::End), Ok(text.into()));
                    }
                }
                6 => {
                    if let Some(text) = quick.value() {
                        prop_assert_eq!(text_to(&mut plain, Event::AttributeEnd), Ok(text.into()));
                        // A page switch behind the value belongs to it, or to what follows.
                        continue;
                    }
                }
                _ => match (quick.skip_element(), plain.skip_element()) {
                    // No element is open, or none any more that is well formed.
                    (Ok(false), _) | (Err(_), Err(_)) => return Ok(()),
                    // Texts that are passed over need not be legal.
                    (Ok(_), Err(fault)) => {
                        let of_text = matches!(fault.kind, ErrorKind::BadText | ErrorKind::BadValue);
                        prop_assert!(of_text, "{fault:?}");
                        return Ok(());
                    }
                    (quick, plain) => prop_assert_eq!(quick, plain),
                },
            }
            prop_assert_eq!(quick.at(), plain.at());
        }
        Ok(())
    }

    const XML: &str = "<?xml version='1.0'?><a b='c'><d>text</d> <e f=\"g&amp;h\" i=\"j\">k&lt;l</e>\n<m n=\"o\">p</m><q/>\
        <r>]]&gt;<!-- s --></r><t u=\"v>w\"><x>\r\n</x><y ></y ></t><z>\u{e4}\u{ffe0}</z></a>";

    /// Characteristics and parms with prefixes, strings, tokens, table strings, page switches, entities, content.
    const WBXML: [u8; 65] = [
        0x03, 0x0B, 0x6A, 0x05, b't', b'a', b'b', 0xC3, 0x00, 0x45, 0xC6, 0x55, 0x01, 0x87, 0x07, 0x06, 0x03,
        b'I', b'S', b'P', 0x00, 0x01, 0x87, 0x10, 0x06, 0xAB, 0x01, 0x87, 0x13, 0x06, 0x83, 0x00, 0x01, 0x87,
        0x00, 0x01, 0x06, 0x03, b'x', 0x00, 0x02, 0x21, 0x00, 0x00, 0x01, 0x01, 0x46, 0x03, b't', b'e', b'x',
        b't', 0x00, 0x01, 0x46, 0x03, 0x00, 0x01, 0x46, 0xC3, 0x02, 0xFF, 0x41, 0x01, 0x01,
    ];

    /// A document with some octets replaced.
    fn damaged(bytes: &[u8], damage: &[(usize, u8)]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (place, octet) in damage {
            let place = place % bytes.len();
            bytes[place] = *octet;
        }
        bytes
    }

    proptest! {
        #[test]
        fn the_short_cuts_lead_where_the_long_way_does(
            steps in proptest::collection::vec(any::<u8>(), 0..60),
            damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..3),
            charset in prop_oneof![Just(0x6A), Just(0x03), Just(0x04)],
        ) {
            compare(Coding::Xml, &damaged(XML.as_bytes(), &damage), &steps)?;
            compare(Coding::Wbxml, &damaged(&WBXML, &damage), &steps)?;
            compare(Coding::Wbxml, &damaged(&damaged(&WBXML, &[(2, charset)]), &damage), &steps)?;
        }
    }
}
