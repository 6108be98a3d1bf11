use super::limits::MAX_DEPTH;
use super::quirk::{Quirk, Quirks};
use super::tag::Tag;
use crate::wap::{Coding, DocumentReader};
use crate::wbxml::{Event, Name, PublicId, Pull, Vocabulary, pages};
use crate::wire::{Error, ErrorKind};

/// Public identifier of SyncML 1.0, whose tokens are the beginning of those of 1.1.
const SYNCML_1_0: u32 = 0x0FD1;

/// Reads a message without what means nothing in it: attributes, processing instructions, the document type.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    inner: DocumentReader<'a, MAX_DEPTH>,
    quirks: Quirks,
}

impl<'a> Source<'a> {
    /// Opens a message; `Unsupported` for WBXML of another document type.
    pub(super) fn new(coding: Coding, bytes: &'a [u8]) -> Result<Self, Error> {
        // The tables of 1.2 hold those of 1.1; which version counts, VerProto tells.
        let inner = DocumentReader::new(coding, bytes, &pages::SYNCML_1_2)?;
        if let DocumentReader::Wbxml(reader) = &inner
            && !is_syncml(reader.header().public_id)
        {
            return Err(Error::new(ErrorKind::Unsupported, 1));
        }
        Ok(Self { inner, quirks: Quirks::NONE })
    }

    /// Opens a document of another type, whose tags are those of `vocabulary`.
    fn other(coding: Coding, bytes: &'a [u8], vocabulary: &'static Vocabulary) -> Result<Self, Error> {
        let inner = DocumentReader::new(coding, bytes, vocabulary)?;
        Ok(Self { inner, quirks: Quirks::NONE })
    }

    pub(super) const fn quirks(&self) -> Quirks {
        self.quirks
    }

    pub(super) const fn note(&mut self, quirk: Quirk) {
        self.quirks.note(quirk);
    }

    /// Hands each child of the innermost open element to `take`, which reads it to its end; then that element is over.
    /// Text between the children does not count.
    pub(super) fn children(
        &mut self,
        mut take: impl FnMut(&mut Self, Tag) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while let Some(tag) = self.next_tag()? {
            take(self, tag)?;
        }
        Ok(())
    }

    /// The next child of the innermost open element, which it opens; `None` at that element's end, which it consumes.
    pub(super) fn next_tag(&mut self) -> Result<Option<Tag>, Error> {
        self.child().map(|name| name.map(Tag::of))
    }
}

/// Whether a public identifier may stand on a message (`oma-dm.md` section 3.1); 1 is left to the media type.
fn is_syncml(public_id: PublicId<'_>) -> bool {
    matches!(public_id, PublicId::Number(SYNCML_1_0 | Vocabulary::UNREGISTERED))
        || public_id.is(&pages::SYNCML_1_1)
        || public_id.is(&pages::SYNCML_1_2)
}

impl<'a> Pull<'a> for Source<'a> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        let mut aside = false;
        loop {
            match self.inner.next()? {
                Some(Event::Attribute(_) | Event::Pi(_)) => aside = true,
                Some(Event::AttributeEnd | Event::PiEnd) => aside = false,
                Some(Event::Doctype(_)) => {}
                Some(_) if aside => {}
                event => return Ok(event),
            }
        }
    }

    fn at(&self) -> usize {
        self.inner.at()
    }

    fn skip_element(&mut self) -> Result<bool, Error> {
        self.inner.skip_element()
    }

    #[inline]
    fn child(&mut self) -> Result<Option<Name<'a>>, Error> {
        self.inner.child()
    }

    fn leaf(&mut self) -> Option<&'a str> {
        self.inner.leaf()
    }
}

/// Reads the elements inside a Data, without their attributes.
#[derive(Clone, Debug)]
pub struct Inline<'a> {
    source: Source<'a>,
    /// Open elements, Data included.
    depth: usize,
}

impl<'a> Inline<'a> {
    /// A sub-tree that is a document of its own.
    pub(crate) fn document(coding: Coding, bytes: &'a [u8]) -> Result<Self, Error> {
        Source::other(coding, bytes, &pages::DDF_1_2).map(Self::new)
    }

    /// `source` stands behind the start of Data.
    pub(super) const fn new(source: Source<'a>) -> Self {
        Self { source, depth: 1 }
    }
}

impl<'a> Pull<'a> for Inline<'a> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        if self.depth == 0 {
            return Ok(None);
        }
        let event = self.source.next()?;
        match event {
            Some(Event::Start(_)) => self.depth = self.depth.saturating_add(1),
            Some(Event::End) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(event.filter(|_| self.depth > 0))
    }

    fn at(&self) -> usize {
        self.source.at()
    }
}
