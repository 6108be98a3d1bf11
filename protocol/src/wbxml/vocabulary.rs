//! A document type's tokens, as tables with look-ups in both directions.

use super::Token;

/// The tokens of one document type.
///
/// A page may be given in several parts (several [`Page`]s of one number): so versions of a document type share what
/// they have in common.
#[derive(Debug)]
pub struct Vocabulary {
    /// Short name for people: "SI 1.0".
    pub name: &'static str,
    /// The registered public identifier number, or [`Vocabulary::UNREGISTERED`].
    pub number: u32,
    /// The formal public identifier, empty if the document type has none.
    pub text: &'static str,
    /// The tags.
    pub tags: &'static [Page<Tag>],
    /// The attribute starts.
    pub starts: &'static [Page<AttributeStart>],
    /// The attribute values.
    pub values: &'static [Page<AttributeValue>],
    /// The next version of the document type, of whose tokens the reader tells the names
    /// (see [`super::Quirk::NewerToken`]).
    pub newer: Option<&'static Vocabulary>,
}

/// One code page, or a part of one.
#[derive(Debug)]
pub struct Page<T: 'static> {
    /// The page's number.
    pub number: u8,
    /// Its tokens, with rising codes.
    pub entries: &'static [T],
}

/// A tag: identity (0x05..=0x3F) and name.
#[derive(Clone, Copy, Debug)]
pub struct Tag(pub u8, pub &'static str);

/// An attribute start (0x05..=0x7F): token, attribute name, and the beginning of the value that the token implies,
/// often empty.
#[derive(Clone, Copy, Debug)]
pub struct AttributeStart(pub u8, pub &'static str, pub &'static str);

/// An attribute value (0x85..=0xFF): token and text.
#[derive(Clone, Copy, Debug)]
pub struct AttributeValue(pub u8, pub &'static str);

/// An entry of a page.
pub(super) trait Entry {
    /// Its number on the page.
    fn code(&self) -> u8;
}

impl Entry for Tag {
    fn code(&self) -> u8 {
        self.0
    }
}

impl Entry for AttributeStart {
    fn code(&self) -> u8 {
        self.0
    }
}

impl Entry for AttributeValue {
    fn code(&self) -> u8 {
        self.0
    }
}

/// What `pages` have of a code page, or the first part of it.
pub(super) fn first_part<T>(pages: &'static [Page<T>], page: u8) -> &'static [T] {
    pages.iter().find(|part| part.number == page).map_or(&[], |part| part.entries)
}

/// The entry that stands as far from the first as the codes are apart, if it is that of `code`: without gaps it is.
#[inline]
pub(super) fn at_distance<T: Entry>(entries: &'static [T], code: u8) -> Option<&'static T> {
    let distance = code.checked_sub(entries.first()?.code())?;
    entries.get(usize::from(distance)).filter(|entry| entry.code() == code)
}

/// The entry of `token`. Codes rise within a page, most of them without gaps: the place to look first is as far from the
/// page's first entry as the codes are apart, and where there are gaps, the entry stands before it.
fn entry<T: Entry>(pages: &'static [Page<T>], token: Token) -> Option<&'static T> {
    pages.iter().filter(|page| page.number == token.page).find_map(|page| {
        let distance = token.code.checked_sub(page.entries.first()?.code())?;
        let count = usize::from(distance).saturating_add(1);
        let entries = page.entries.split_at_checked(count).map_or(page.entries, |(up_to, _)| up_to);
        entries
            .iter()
            .rev()
            .find(|entry| entry.code() <= token.code)
            .filter(|entry| entry.code() == token.code)
    })
}

/// Whether `text` begins with `start`; most do not, and their first octets tell.
fn begins(text: &str, start: &str) -> bool {
    start.is_empty() || text.bytes().next() == start.bytes().next() && text.starts_with(start)
}

/// All entries with their tokens' pages.
fn all<T>(pages: &'static [Page<T>]) -> impl Iterator<Item = (u8, &'static T)> {
    pages.iter().flat_map(|page| page.entries.iter().map(|entry| (page.number, entry)))
}

/// Keeps the longer of two matches; of equal ones that on the `current` page, then the earlier.
fn better(best: Option<(Token, usize)>, new: (Token, usize), current: u8) -> Option<(Token, usize)> {
    match best {
        Some((token, len))
            if len > new.1 || len == new.1 && (token.page == current || new.0.page != current) =>
        {
            best
        }
        _ => Some(new),
    }
}

impl Vocabulary {
    /// The public identifier number 1, "unknown or missing": for a document type that has none of its own.
    pub const UNREGISTERED: u32 = 1;

    /// The name of the tag `token`.
    pub fn tag(&self, token: Token) -> Option<&'static str> {
        entry(self.tags, token).map(|tag| tag.1)
    }

    /// The attribute's name and the value prefix that the start `token` stands for.
    pub fn attribute(&self, token: Token) -> Option<(&'static str, &'static str)> {
        entry(self.starts, token).map(|start| (start.1, start.2))
    }

    /// The text of the attribute value `token`.
    pub fn value(&self, token: Token) -> Option<&'static str> {
        entry(self.values, token).map(|value| value.1)
    }

    /// The tag called `name`. A name that several pages have (`Add` is a SyncML command and a DDF access type) is
    /// that of the enclosing element's page, `inside`, if it has it, else that of the first page.
    pub fn find_tag(&self, name: &str, inside: u8) -> Option<Token> {
        let mut found = None;
        for (page, tag) in all(self.tags).filter(|(_, tag)| tag.1.len() == name.len() && begins(tag.1, name))
        {
            let token = Token { page, code: tag.0 };
            if page == inside {
                return Some(token);
            }
            found = found.or(Some(token));
        }
        found
    }

    /// The attribute start for `name` whose prefix is the longest that `value` begins with, and the prefix's length
    /// in octets; of equal ones that on the page `current`.
    pub fn find_attribute(&self, name: &str, value: &str, current: u8) -> Option<(Token, usize)> {
        all(self.starts)
            .filter(|(_, start)| start.1 == name && begins(value, start.2))
            .fold(None, |best, (page, start)| {
                better(best, (Token { page, code: start.0 }, start.2.len()), current)
            })
    }

    /// The longest attribute value that `text` begins with, and its length in octets; of equal ones that on the
    /// page `current`.
    pub fn find_value(&self, text: &str, current: u8) -> Option<(Token, usize)> {
        all(self.values).filter(|(_, value)| begins(text, value.1)).fold(None, |best, (page, value)| {
            better(best, (Token { page, code: value.0 }, value.1.len()), current)
        })
    }
}
