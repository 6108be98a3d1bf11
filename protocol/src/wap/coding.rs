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
