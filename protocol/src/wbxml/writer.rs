//! The writer: tokens where the vocabulary has them, literals where the string table has them.

use super::token::{
    ATTRIBUTES, CONTENT, END, ENTITY, EXT, EXT_I, EXT_T, LITERAL, OPAQUE, PI, STR_I, STR_T, SWITCH_PAGE,
};
use super::{Charset, Event, Extension, Name, Sink, Token, Version, Vocabulary};
use crate::wire::{self, Error, ErrorKind};

/// A value token inside other text must replace at least so many octets: breaking a string costs its terminator, the
/// token, and the STR_I of the next string.
const MIN_INSIDE: usize = 4;

/// Writes a WBXML document of at most `DEPTH` nested elements into the caller's buffer, in UTF-8.
///
/// Names become tags and attribute starts of the vocabulary (of attribute starts the one with the longest matching
/// value prefix), values are cut into value tokens and inline strings; page switches are written where needed. A name
/// without a token must stand in the string table given to [`Writer::new`], or it is `Unsupported`; a text that equals
/// an entry is written as a reference.
///
/// ```
/// use kedge_protocol::wbxml::{Sink, Version, Writer, pages};
///
/// let mut buf = [0; 64];
/// let mut writer: Writer<4> = Writer::new(&mut buf, &pages::SL, Version::V1_2, &[])?;
/// writer.start("sl")?;
/// writer.attribute("action", "execute-high")?;
/// writer.attribute("href", "http://a.b")?;
/// writer.end()?;
/// assert_eq!(writer.finish()?, [0x02, 0x06, 0x6A, 0, 0x85, 0x06, 0x09, 0x03, b'a', b'.', b'b', 0, 0x01]);
/// # Ok::<(), kedge_protocol::wire::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b, const DEPTH: usize> {
    out: wire::Writer<'b>,
    vocabulary: &'static Vocabulary,
    /// Where the string table stands in the output, and its length.
    table: (usize, usize),
    tag_page: u8,
    attribute_page: u8,
    /// The tag page of each open element: its children are looked up there first.
    pages: [u8; DEPTH],
    depth: usize,
    root_seen: bool,
    /// The start tag whose flags are not settled yet.
    open: Option<OpenTag>,
}

/// A place in a document to which its writer can go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark<const DEPTH: usize> {
    at: usize,
    vocabulary: &'static Vocabulary,
    table: (usize, usize),
    tag_page: u8,
    attribute_page: u8,
    pages: [u8; DEPTH],
    depth: usize,
    root_seen: bool,
    open: Option<OpenTag>,
}

#[derive(Clone, Copy, Debug)]
struct OpenTag {
    at: usize,
    octet: u8,
}

impl<'b, const DEPTH: usize> Writer<'b, DEPTH> {
    /// Writes the header. `table` becomes the string table, behind the public identifier if that has no number.
    ///
    /// `Unsupported` for an unknown version, `BadText` for a zero character in an entry.
    pub fn new(
        buf: &'b mut [u8],
        vocabulary: &'static Vocabulary,
        version: Version,
        table: &[&str],
    ) -> Result<Self, Error> {
        let mut out = wire::Writer::new(buf);
        if version.name().is_none() {
            return Err(Error::new(ErrorKind::Unsupported, 0));
        }
        let literal = vocabulary.number == Vocabulary::UNREGISTERED && !vocabulary.text.is_empty();
        let identifier = literal.then_some(vocabulary.text);
        let entries = || identifier.iter().chain(table);
        let len = entries().fold(0_usize, |sum, entry| sum.saturating_add(entry.len()).saturating_add(1));
        out.u8(version.0)?;
        out.mb_u32(if literal { 0 } else { vocabulary.number })?;
        if literal {
            out.mb_u32(0)?;
        }
        out.mb_u32(Charset::UTF_8.0)?;
        out.mb_u32(length(len, out.at())?)?;
        let table = (out.at(), len);
        for entry in entries() {
            terminated(&mut out, entry)?;
        }
        let (tag_page, attribute_page, depth, root_seen, open) = (0, 0, 0, false, None);
        Ok(Self {
            out,
            vocabulary,
            table,
            tag_page,
            attribute_page,
            pages: [0; DEPTH],
            depth,
            root_seen,
            open,
        })
    }

    /// Opens an element; like [`Sink::start`], and takes a token without a name as it is.
    pub fn start_named(&mut self, name: Name<'_>) -> Result<(), Error> {
        if self.depth == 0 && self.root_seen {
            return Err(self.misplaced());
        }
        self.begin_content()?;
        let inside = self.depth.checked_sub(1).and_then(|i| self.pages.get(i)).copied().unwrap_or(0);
        let token = match name {
            Name::Known(token, text) if self.vocabulary.tag(token) == Some(text) => Ok(token),
            Name::Known(_, text) | Name::Literal(text) => self.vocabulary.find_tag(text, inside).ok_or(text),
            Name::Unknown(token) => Ok(token),
        };
        let limit = Error::new(ErrorKind::LimitExceeded, self.out.at());
        *self.pages.get_mut(self.depth).ok_or(limit)? = token.map_or(inside, |token| token.page);
        if let Ok(Token { page, .. }) = token
            && page != self.tag_page
        {
            self.out.put(&[SWITCH_PAGE, page])?;
            self.tag_page = page;
        }
        let octet = token.map_or(LITERAL, |token| token.code);
        self.open = Some(OpenTag { at: self.out.at(), octet });
        self.out.u8(octet)?;
        if let Err(text) = token {
            self.reference(text)?;
        }
        self.depth = self.depth.saturating_add(1);
        self.root_seen = true;
        Ok(())
    }

    /// Adds an attribute whose value is given in fragments.
    pub fn attribute_named(&mut self, name: Name<'_>, value: &[Event<'_>]) -> Result<(), Error> {
        let Some(mut open) = self.open else {
            return Err(self.misplaced());
        };
        open.octet |= ATTRIBUTES;
        self.out.patch(open.at, open.octet)?;
        self.open = Some(open);
        self.start_and_value(name, value)
    }

    /// Writes a processing instruction: before or after the root element, or as content.
    pub fn instruction(&mut self, target: Name<'_>, data: &[Event<'_>]) -> Result<(), Error> {
        self.begin_content()?;
        self.out.u8(PI)?;
        self.start_and_value(target, data)?;
        self.out.u8(END)
    }

    /// Adds a fragment to the content; other events are `BadValue`.
    pub fn piece(&mut self, piece: Event<'_>) -> Result<(), Error> {
        if self.depth == 0 {
            return Err(self.misplaced());
        }
        match piece {
            Event::Text("") => Ok(()),
            Event::Text(text) => {
                self.begin_content()?;
                self.string(text)
            }
            // A value token belongs to the attribute code space.
            Event::UnknownValue(_) => Err(self.misplaced()),
            _ => {
                self.begin_content()?;
                self.fragment(piece)
            }
        }
    }

    /// How many octets were written.
    pub(crate) const fn at(&self) -> usize {
        self.out.at()
    }

    /// How many octets still fit.
    pub(crate) const fn room(&self) -> usize {
        self.out.room()
    }

    /// This place.
    pub(crate) const fn mark(&self) -> Mark<DEPTH> {
        let Self { vocabulary, table, tag_page, attribute_page, pages, depth, root_seen, open, .. } = *self;
        let at = self.out.at();
        Mark { at, vocabulary, table, tag_page, attribute_page, pages, depth, root_seen, open }
    }

    /// Goes on at `mark` in the document whose octets `buf` holds; what was written behind it is given up.
    pub(crate) fn resume(buf: &'b mut [u8], mark: &Mark<DEPTH>) -> Result<Self, Error> {
        let Mark { at, vocabulary, table, tag_page, attribute_page, pages, depth, root_seen, open } = *mark;
        let mut out = wire::Writer::resume(buf, at)?;
        if let Some(open) = open {
            out.patch(open.at, open.octet)?;
        }
        Ok(Self { out, vocabulary, table, tag_page, attribute_page, pages, depth, root_seen, open })
    }

    /// The document; `Truncated` while an element is open or none was written.
    pub fn finish(self) -> Result<&'b [u8], Error> {
        if self.depth == 0 && self.root_seen {
            Ok(self.out.finish())
        } else {
            Err(Error::new(ErrorKind::Truncated, self.out.at()))
        }
    }

    /// Settles the flags of the open start tag: content follows.
    fn begin_content(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        self.out.patch(open.at, open.octet | CONTENT)?;
        if open.octet & ATTRIBUTES != 0 { self.out.u8(END) } else { Ok(()) }
    }

    fn start_and_value(&mut self, name: Name<'_>, value: &[Event<'_>]) -> Result<(), Error> {
        let (first, rest) = match value {
            [Event::Text(text), rest @ ..] => (*text, rest),
            rest => ("", rest),
        };
        let start = match name {
            Name::Known(_, text) | Name::Literal(text) => {
                self.vocabulary.find_attribute(text, first, self.attribute_page).ok_or(text)
            }
            Name::Unknown(token) => Ok((token, 0)),
        };
        let prefix = match start {
            Ok((token, prefix)) => {
                self.attribute_token(token)?;
                prefix
            }
            Err(text) => {
                self.out.u8(LITERAL)?;
                self.reference(text)?;
                0
            }
        };
        self.value_text(first.get(prefix..).unwrap_or_default())?;
        for piece in rest {
            match *piece {
                Event::Text(text) => self.value_text(text)?,
                piece => self.fragment(piece)?,
            }
        }
        Ok(())
    }

    /// A part of an attribute value as value tokens and strings.
    fn value_text(&mut self, text: &str) -> Result<(), Error> {
        if let Some((token, len)) = self.vocabulary.find_value(text, self.attribute_page)
            && len == text.len()
        {
            return self.attribute_token(token);
        }
        let mut rest = text;
        while let Some((before, token, after)) = self.next_value_token(rest) {
            self.string(before)?;
            self.attribute_token(token)?;
            rest = after;
        }
        self.string(rest)
    }

    /// The first place in `text` where a value token pays: what stands before, the token, what stands behind it.
    fn next_value_token<'t>(&self, text: &'t str) -> Option<(&'t str, Token, &'t str)> {
        text.char_indices().find_map(|(i, _)| {
            let (before, tail) = text.split_at_checked(i)?;
            let (token, len) = self.vocabulary.find_value(tail, self.attribute_page)?;
            let (_, after) = tail.split_at_checked(len)?;
            (len >= MIN_INSIDE).then_some((before, token, after))
        })
    }

    fn attribute_token(&mut self, token: Token) -> Result<(), Error> {
        if token.page != self.attribute_page {
            self.out.put(&[SWITCH_PAGE, token.page])?;
            self.attribute_page = token.page;
        }
        self.out.u8(token.code)
    }

    fn string(&mut self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        if let Some(offset) = self.table_offset(text) {
            self.out.u8(STR_T)?;
            return self.out.mb_u32(offset);
        }
        self.out.u8(STR_I)?;
        terminated(&mut self.out, text)
    }

    fn fragment(&mut self, piece: Event<'_>) -> Result<(), Error> {
        match piece {
            Event::Text(text) => self.string(text),
            Event::Char('\0') => Err(Error::new(ErrorKind::BadText, self.out.at())),
            Event::Char(character) => {
                self.out.u8(ENTITY)?;
                self.out.mb_u32(u32::from(character))
            }
            Event::Opaque(octets) => {
                self.out.u8(OPAQUE)?;
                self.out.mb_u32(length(octets.len(), self.out.at())?)?;
                self.out.put(octets)
            }
            Event::Extension(extension) => self.extension(extension),
            Event::UnknownValue(token) => self.attribute_token(token),
            _ => Err(self.misplaced()),
        }
    }

    fn extension(&mut self, extension: Extension<'_>) -> Result<(), Error> {
        let (Extension::Inline(index, _) | Extension::Number(index, _) | Extension::Bare(index)) = extension;
        if index > 2 {
            return Err(self.misplaced());
        }
        match extension {
            Extension::Inline(_, text) => {
                self.out.u8(EXT_I | index)?;
                terminated(&mut self.out, text)
            }
            Extension::Number(_, number) => {
                self.out.u8(EXT_T | index)?;
                self.out.mb_u32(number)
            }
            Extension::Bare(_) => self.out.u8(EXT | index),
        }
    }

    /// The index of a literal name.
    fn reference(&mut self, name: &str) -> Result<(), Error> {
        let offset = self.table_offset(name).ok_or(Error::new(ErrorKind::Unsupported, self.out.at()))?;
        self.out.mb_u32(offset)
    }

    /// Where `text` stands as a whole entry of the string table.
    fn table_offset(&self, text: &str) -> Option<u32> {
        let (start, len) = self.table;
        let (_, tail) = self.out.written().split_at_checked(start)?;
        let (table, _) = tail.split_at_checked(len)?;
        let mut offset = 0_usize;
        for entry in table.split(|&octet| octet == 0) {
            if entry == text.as_bytes() && offset < len {
                return u32::try_from(offset).ok();
            }
            offset = offset.saturating_add(entry.len()).saturating_add(1);
        }
        None
    }

    fn misplaced(&self) -> Error {
        Error::new(ErrorKind::BadValue, self.out.at())
    }
}

/// A string and its terminating zero; a zero inside is `BadText`.
fn terminated(out: &mut wire::Writer<'_>, text: &str) -> Result<(), Error> {
    if text.as_bytes().contains(&0) {
        return Err(Error::new(ErrorKind::BadText, out.at()));
    }
    out.put(text.as_bytes())?;
    out.u8(0)
}

fn length(len: usize, at: usize) -> Result<u32, Error> {
    u32::try_from(len).map_err(|_| Error::new(ErrorKind::LimitExceeded, at))
}

impl<const DEPTH: usize> Sink for Writer<'_, DEPTH> {
    fn start(&mut self, name: &str) -> Result<(), Error> {
        self.start_named(Name::Literal(name))
    }

    fn start_tag(&mut self, name: Name<'_>) -> Result<(), Error> {
        self.start_named(name)
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.attribute_named(Name::Literal(name), &[Event::Text(value)])
    }

    fn attribute_opaque(&mut self, name: &str, octets: &[u8]) -> Result<(), Error> {
        self.attribute_named(Name::Literal(name), &[Event::Opaque(octets)])
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        self.piece(Event::Text(text))
    }

    fn opaque(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.piece(Event::Opaque(octets))
    }

    fn end(&mut self) -> Result<(), Error> {
        let depth = self.depth.checked_sub(1).ok_or(self.misplaced())?;
        match self.open.take() {
            Some(open) if open.octet & ATTRIBUTES == 0 => {}
            _ => self.out.u8(END)?,
        }
        self.depth = depth;
        Ok(())
    }
}
