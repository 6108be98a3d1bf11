//! What both readers hand out, one at a time: the events of a document, whichever coding it came in.

use crate::wire::{Error, ErrorKind};

/// A tag, attribute start or attribute value token: its number within a code page.
///
/// For tags `code` is the identity alone, without the content (0x40) and attribute (0x80) flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The code page, 0..=255. Tags and attributes count their pages separately.
    pub page: u8,
    /// The number on that page.
    pub code: u8,
}

/// How an element, attribute or processing instruction is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// A token and its name in the reader's [`super::Vocabulary`].
    Known(Token, &'a str),
    /// A name spelled out: always in XML, by string table in WBXML.
    Literal(&'a str),
    /// A token without a name in the reader's vocabulary.
    Unknown(Token),
}

impl<'a> Name<'a> {
    /// The name in text, the same in both codings; `None` for [`Name::Unknown`]. Document codecs compare this.
    pub const fn text(self) -> Option<&'a str> {
        match self {
            Self::Known(_, text) | Self::Literal(text) => Some(text),
            Self::Unknown(_) => None,
        }
    }
}

/// An application-defined token of WBXML (`EXT_I_n`, `EXT_T_n`, `EXT_n`); the number `n` is 0..=2.
///
/// None of the vocabularies here gives one a meaning; they are handed out so that nothing is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension<'a> {
    /// `EXT_I_n` with its inline string.
    Inline(u8, &'a str),
    /// `EXT_T_n` with its number (by document type an offset into the string table, or just a number).
    Number(u8, u32),
    /// `EXT_n`, one octet, nothing more.
    Bare(u8),
}

/// One step through a document.
///
/// Order: `(Doctype | Pi)* element Pi*`, where an element is `Start attribute* (element | fragment | Pi)* End`, an
/// attribute `Attribute fragment* AttributeEnd`, and a processing instruction `Pi fragment* PiEnd`. Every `Start` has
/// its `End`, also that of an empty element. *Fragments* are `Text`, `Char`, `Opaque`, `Extension` and `UnknownValue`:
/// one value may come in any number of them and only their concatenation counts (see [`super::Joined`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An element opens; its attributes follow directly.
    Start(Name<'a>),
    /// An attribute opens; its value follows as fragments until [`Event::AttributeEnd`]. The value prefix of a WBXML
    /// attribute start token is the first of them.
    Attribute(Name<'a>),
    /// The attribute is complete.
    AttributeEnd,
    /// Fragment: characters.
    Text(&'a str),
    /// Fragment: one character (an entity or character reference, or one outside US-ASCII in ISO-8859-1).
    Char(char),
    /// Fragment: octets that are not text (WBXML `OPAQUE`).
    Opaque(&'a [u8]),
    /// Fragment: an application-defined token.
    Extension(Extension<'a>),
    /// Fragment: an attribute value token without a text in the vocabulary.
    UnknownValue(Token),
    /// A processing instruction opens, named by its target; its data follows as fragments until [`Event::PiEnd`].
    Pi(Name<'a>),
    /// The processing instruction is complete.
    PiEnd,
    /// The document type declaration (XML only, before the root element), what stands between `<!DOCTYPE` and `>`;
    /// [`crate::xml::Doctype::parse`] takes it apart. Hardly anybody needs that, so it makes no other event larger.
    Doctype(&'a str),
    /// The innermost open element closes.
    End,
}

/// A pull reader: the interface that a document codec is written against, once for both codings.
pub trait Pull<'a> {
    /// The next event; `None` once the document is complete. After an error, the same error again.
    fn next(&mut self) -> Result<Option<Event<'a>>, Error>;

    /// The offset of the first octet of the event that was handed out last.
    fn at(&self) -> usize;

    /// Consumes the rest of the innermost open element, its `End` included; returns whether an element was open. What is
    /// passed over must be well formed; whether its texts are legal, a reader need not look.
    fn skip_element(&mut self) -> Result<bool, Error> {
        let mut open: usize = 1;
        while let Some(event) = self.next()? {
            match event {
                Event::Start(_) => open = open.saturating_add(1),
                Event::End => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Goes on to the next child of the innermost open element, which it opens, or to that element's end, which it consumes:
    /// `None`. Attributes, text and processing instructions before that are passed over; they must be legal.
    fn child(&mut self) -> Result<Option<Name<'a>>, Error> {
        while let Some(event) = self.next()? {
            match event {
                Event::Start(name) => return Ok(Some(name)),
                Event::End => return Ok(None),
                _ => {}
            }
        }
        Err(self.error(ErrorKind::Truncated))
    }

    /// The content of the innermost open element, if it was just opened and nothing but one text and the end follow: then both
    /// are consumed, as are attributes before it. `None`, and nothing is, for anything else, also for text that is not legal: [`Self::next`] tells.
    ///
    /// Most elements of a document are of this kind, and a reader knows them at a glance.
    fn leaf(&mut self) -> Option<&'a str> {
        None
    }

    /// The value of the attribute that was just handed out, if it is one text or none: then it is consumed, with its
    /// [`Event::AttributeEnd`]. `None`, and nothing is, for anything else, as of [`Self::leaf`].
    fn value(&mut self) -> Option<&'a str> {
        None
    }

    /// An error of `kind` at the event that was handed out last: for what a document codec refuses.
    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.at())
    }
}
