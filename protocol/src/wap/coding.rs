//! Both codings of a document behind one reader and one writer.

use crate::wbxml::{self, Event, Pull, Sink, Version, Vocabulary};
use crate::wire::{Error, ErrorKind};
use crate::xml;

/// How a document is coded; its media type tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// WAP Binary XML.
    Wbxml,
    /// XML text in UTF-8.
    Xml,
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
    /// Starts to read `bytes`, a document of the type `vocabulary`; errors of the coding's header.
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
}

/// A place in a document to which its writer can go back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DocumentMark {
    Wbxml(wbxml::Mark),
    Xml(xml::Mark),
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
    /// Starts a document of the type `vocabulary` in `out`; `version` matters for WBXML only.
    pub fn new(
        coding: Coding,
        out: &'b mut [u8],
        vocabulary: &'static Vocabulary,
        version: Version,
    ) -> Result<Self, Error> {
        match coding {
            Coding::Wbxml => wbxml::Writer::new(out, vocabulary, version, &[]).map(Self::Wbxml),
            Coding::Xml => Ok(Self::Xml(xml::Writer::new(out, xml::Octets::Base64))),
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

    /// This place, in the element that is open now.
    pub(crate) const fn mark(&self) -> DocumentMark {
        match self {
            Self::Wbxml(writer) => DocumentMark::Wbxml(writer.mark()),
            Self::Xml(writer) => DocumentMark::Xml(writer.mark()),
        }
    }

    /// Gives up everything behind `mark`. The element that was open there must still be; `BadValue` if it is not, or if
    /// the mark is another writer's.
    pub(crate) fn rewind(&mut self, mark: &DocumentMark) -> Result<(), Error> {
        match (self, mark) {
            (Self::Wbxml(writer), DocumentMark::Wbxml(mark)) => writer.rewind(mark),
            (Self::Xml(writer), DocumentMark::Xml(mark)) => writer.rewind(mark),
            (writer, _) => Err(Error::new(ErrorKind::BadValue, writer.at())),
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

impl<const DEPTH: usize> DocumentWriter<'_, DEPTH> {
    fn sink(&mut self) -> &mut dyn Sink {
        match self {
            Self::Wbxml(writer) => writer,
            Self::Xml(writer) => writer,
        }
    }
}

impl<const DEPTH: usize> Sink for DocumentWriter<'_, DEPTH> {
    fn start(&mut self, name: &str) -> Result<(), Error> {
        self.sink().start(name)
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.sink().attribute(name, value)
    }

    fn attribute_opaque(&mut self, name: &str, octets: &[u8]) -> Result<(), Error> {
        self.sink().attribute_opaque(name, octets)
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        self.sink().text(text)
    }

    fn opaque(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.sink().opaque(octets)
    }

    fn end(&mut self) -> Result<(), Error> {
        self.sink().end()
    }
}
