//! A place in XML text, and the character classes of its grammar (XML 1.0 §2.2, §2.3).

use crate::wbxml::utf8_text;
use crate::wire::{self, Error, ErrorKind};

/// Walks over text front to back; never panics.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
    at: usize,
    /// What is wrong behind the end of the text.
    end: ErrorKind,
}

impl<'a> Cursor<'a> {
    /// The longest valid UTF-8 beginning of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        match utf8_text(bytes, 0) {
            Ok(rest) => Self { rest, at: 0, end: ErrorKind::Truncated },
            Err(fault) => {
                let valid = bytes.get(..fault.at).unwrap_or_default();
                Self { rest: utf8_text(valid, 0).unwrap_or_default(), at: 0, end: fault.kind }
            }
        }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Whether nothing is left, and nothing that is not text follows.
    pub(super) fn is_finished(&self) -> bool {
        self.rest.is_empty() && self.end == ErrorKind::Truncated
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) const fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.at)
    }

    /// The fault of needing more than there is.
    pub(super) fn ended(&self) -> Error {
        Error::new(self.end, self.at.saturating_add(self.rest.len()))
    }

    /// Refuses what stands here: the end of the input, or a character that may not.
    pub(super) fn forbidden(&self) -> Error {
        if self.rest.is_empty() { self.ended() } else { self.error(ErrorKind::BadValue) }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// Takes `n` octets, which end at a character boundary.
    fn advance(&mut self, n: usize) -> &'a str {
        let Some((head, rest)) = self.rest.split_at_checked(n) else {
            return "";
        };
        self.rest = rest;
        self.at = self.at.saturating_add(n);
        head
    }

    /// Consumes `text` if it stands here.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let here = self.starts_with(text);
        if here {
            self.advance(text.len());
        }
        here
    }

    /// Consumes `text`, which must stand here.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), Error> {
        if self.eat(text) {
            Ok(())
        } else if text.starts_with(self.rest) {
            Err(self.ended())
        } else {
            Err(self.forbidden())
        }
    }

    /// Takes the octets in front of the first that `stop` holds for, or all. `stop` holds for no octet inside a character.
    pub(super) fn take_to(&mut self, stop: impl Fn(u8) -> bool) -> &'a str {
        self.advance(self.rest.bytes().position(stop).unwrap_or(self.rest.len()))
    }

    /// The same up to the next `octet`, which is one of US-ASCII.
    pub(super) fn take_to_octet(&mut self, octet: u8) -> &'a str {
        self.advance(wire::position(self.rest.as_bytes(), octet).unwrap_or(self.rest.len()))
    }

    /// What stands from `n` octets on up to `other`, a place further on in the same text.
    pub(super) fn between(self, n: usize, other: &Self) -> &'a str {
        self.behind(n).advance(other.at.saturating_sub(n))
    }

    /// Whether `name` stands `n` octets further on, and ends there.
    pub(super) fn has_name(self, n: usize, name: &str) -> bool {
        let Some(behind) = self.behind(n).rest.strip_prefix(name) else { return false };
        match behind.as_bytes().first() {
            Some(octet) if octet.is_ascii() => !is_ascii_name(*octet),
            _ => !behind.starts_with(is_name_character),
        }
    }

    /// The same text from `n` octets further on.
    pub(super) fn behind(mut self, n: usize) -> Self {
        self.advance(n);
        self
    }

    /// A cursor over what stands before `stop`, both of which are consumed.
    pub(super) fn before(&mut self, stop: &str) -> Result<Self, Error> {
        let n = find(self.rest, stop).ok_or(self.ended())?;
        let inside = Self { at: self.at, rest: self.advance(n), end: ErrorKind::BadValue };
        self.advance(stop.len());
        Ok(inside)
    }

    /// What is left of the text.
    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    /// Skips white space; returns whether there was any.
    pub(super) fn space(&mut self) -> bool {
        !self.take_to(|octet| !is_space(char::from(octet))).is_empty()
    }

    /// `Name = NameStartChar (NameChar)*`
    pub(super) fn name(&mut self) -> Result<&'a str, Error> {
        let first = self.rest.as_bytes().first();
        if !first.is_some_and(u8::is_ascii_alphabetic) && !self.peek().is_some_and(is_name_start) {
            return Err(self.forbidden());
        }
        let ascii = self.rest.bytes().position(|octet| !is_ascii_name(octet)).unwrap_or(self.rest.len());
        let len = match self.rest.as_bytes().get(ascii) {
            Some(octet) if !octet.is_ascii() => self.rest.find(|c| !is_name_character(c)),
            _ => Some(ascii),
        };
        Ok(self.advance(len.unwrap_or(self.rest.len())))
    }

    /// A quoted literal, `"..."` or `'...'`.
    pub(super) fn quoted(&mut self) -> Result<Self, Error> {
        for quote in ["\"", "'"] {
            if self.eat(quote) {
                return self.before(quote);
            }
        }
        Err(self.forbidden())
    }

    /// `S? '=' S? quoted`
    pub(super) fn equals_quoted(&mut self) -> Result<Self, Error> {
        self.space();
        self.expect("=")?;
        self.space();
        self.quoted()
    }

    /// Whether an ampersand, a name or number, and a semicolon stand here, whatever the name.
    pub(super) fn at_reference(mut self) -> bool {
        self.eat("&") && !self.reference_body().is_empty() && self.eat(";")
    }

    fn reference_body(&mut self) -> &'a str {
        self.take_to(|octet| !octet.is_ascii_alphanumeric() && octet != b'#')
    }

    /// The character of a reference, `&` included: one of the five predefined entities, or a number.
    pub(super) fn reference(&mut self) -> Result<char, Error> {
        let fault = self.error(ErrorKind::BadValue);
        self.expect("&")?;
        let body = self.reference_body();
        self.expect(";")?;
        let number = match body {
            "amp" => return Ok('&'),
            "lt" => return Ok('<'),
            "gt" => return Ok('>'),
            "quot" => return Ok('"'),
            "apos" => return Ok('\''),
            _ => match body.strip_prefix("#x") {
                Some(digits) => number(digits, 16),
                None => body.strip_prefix('#').and_then(|digits| number(digits, 10)),
            },
        };
        number.and_then(char::from_u32).filter(|&c| is_character(c)).ok_or(fault)
    }
}

/// Where `what` first stands in `text`. (`str::find` of a string has panics that the optimiser cannot remove.)
pub(super) fn find(text: &str, what: &str) -> Option<usize> {
    let (text, what) = (text.as_bytes(), what.as_bytes());
    let begins = |i: &usize| text.get(*i..).is_some_and(|tail| tail.starts_with(what));
    text.iter().zip(0..).filter(|&(octet, _)| Some(octet) == what.first()).map(|(_, i)| i).find(begins)
}

/// Whether a character that XML text may not hold can begin with `octet`. U+FFFE and U+FFFF begin with 0xEF.
pub(super) const fn is_suspect(octet: u8) -> bool {
    octet < b' ' && !matches!(octet, b'\t' | b'\n' | b'\r') || octet == 0xEF
}

/// Where the first character stands that XML text may not hold.
pub(super) fn find_illegal(text: &str) -> Option<usize> {
    // One quick look at every octet: hardly any text has a suspect.
    if text.bytes().fold(false, |found, octet| found | is_suspect(octet)) {
        text.find(|c| !is_character(c))
    } else {
        None
    }
}

/// A number of digits only: `from_str_radix` alone would take a sign.
fn number(digits: &str, radix: u32) -> Option<u32> {
    if digits.chars().all(|c| c.is_digit(radix)) { u32::from_str_radix(digits, radix).ok() } else { None }
}

/// `Char`: what XML text may hold.
pub(super) const fn is_character(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}')
}

/// `S`
pub(super) const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// `NameStartChar`
const fn is_name_start(c: char) -> bool {
    matches!(c,
        ':' | 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// `NameChar`
const fn is_name_character(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// `NameChar` of ASCII. Every octet of every name is asked for: a table answers at once.
fn is_ascii_name(octet: u8) -> bool {
    #[expect(clippy::indexing_slicing, reason = "while it compiles: what is out of range would not")]
    const TABLE: [bool; 128] = {
        let mut table = [false; 128];
        let mut octet = 0_u8;
        while octet < 128 {
            table[octet as usize] = is_name_character(octet as char);
            octet += 1;
        }
        table
    };
    TABLE.get(usize::from(octet)).copied().unwrap_or(false)
}

/// Whether `text` is a `Name`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(is_name_start)
        && (text.bytes().all(is_ascii_name) || text.chars().all(is_name_character))
}
