//! Media types with parameters (RFC 2045 section 5.1).

use crate::wire::{Error, ErrorKind};

/// Most parameters that are accepted; real types have at most four.
const MAX_PARAMETERS: usize = 8;

/// A checked media type such as `multipart/related; boundary=b; type="a/b"`, borrowed from its text.
///
/// Names compare without regard to case. `Display` shows `type/subtype` only.
#[derive(Clone, Copy, Debug)]
pub struct MediaType<'a> {
    essence: &'a str,
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    /// Checks the whole of `text`, white space around it ignored.
    ///
    /// Errors count octets of `text`: `BadValue` where the grammar is broken or a parameter is repeated,
    /// `Truncated` inside a quoted string, `LimitExceeded` beyond eight parameters.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let mut cursor = Cursor { rest: text, at: 0 };
        cursor.skip_space();
        let start = cursor;
        cursor.token()?;
        cursor.expect('/')?;
        cursor.token()?;
        let essence = start.until(&cursor);
        let media = Self { essence, parameters: cursor.rest };
        let all = Parameters { cursor };
        let mut seen = 0_usize;
        for parameter in all.clone() {
            let (name, _) = parameter?;
            let error = |kind| Error::new(kind, offset_in(text, name));
            if all.clone().take(seen).flatten().any(|(earlier, _)| earlier.eq_ignore_ascii_case(name)) {
                return Err(error(ErrorKind::BadValue));
            }
            seen = seen.saturating_add(1);
            if seen > MAX_PARAMETERS {
                return Err(error(ErrorKind::LimitExceeded));
            }
        }
        Ok(media)
    }

    /// `type/subtype` as written.
    pub const fn essence(&self) -> &'a str {
        self.essence
    }

    /// Whether this is `essence` (`type/subtype`), whatever the parameters.
    pub const fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// Whether the type (the part before the slash) is `name`.
    pub fn is_type(&self, name: &str) -> bool {
        split_at_octet(self.essence, b'/').is_some_and(|(kind, _)| kind.eq_ignore_ascii_case(name))
    }

    /// The parameter `name`, if present.
    pub fn parameter(&self, name: &str) -> Option<ParameterValue<'a>> {
        self.parameters().flatten().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All parameters in order; each is `Ok`, because [`Self::parse`] has checked them.
    pub const fn parameters(&self) -> Parameters<'a> {
        Parameters { cursor: Cursor { rest: self.parameters, at: self.essence.len() } }
    }
}

impl core::fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.essence)
    }
}

/// A parameter's value: a token, or what stands between the quotes.
#[derive(Clone, Copy, Debug)]
pub struct ParameterValue<'a> {
    raw: &'a str,
    quoted: bool,
}

impl<'a> ParameterValue<'a> {
    /// The characters, with the backslashes of quoted pairs removed.
    pub fn chars(&self) -> impl Iterator<Item = char> + Clone + 'a {
        let mut chars = self.raw.chars();
        let quoted = self.quoted;
        core::iter::from_fn(move || match chars.next() {
            Some('\\') if quoted => chars.next(),
            other => other,
        })
    }

    /// The value in place; `None` if it contains quoted pairs.
    pub fn plain(&self) -> Option<&'a str> {
        if self.quoted && self.raw.contains('\\') { None } else { Some(self.raw) }
    }

    /// Whether the value is exactly `text`.
    pub fn is(&self, text: &str) -> bool {
        self.chars().eq(text.chars())
    }
}

/// Iterates over `; name=value`, ending after the first error.
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Parameters<'a> {
    /// `*( ";" name "=" ( token / quoted-string ) )`, white space allowed around the semicolon.
    fn parameter(&mut self) -> Result<Option<(&'a str, ParameterValue<'a>)>, Error> {
        self.cursor.skip_space();
        if self.cursor.rest.is_empty() {
            return Ok(None);
        }
        self.cursor.expect(';')?;
        self.cursor.skip_space();
        let name = self.cursor.token()?;
        self.cursor.expect('=')?;
        let value = if self.cursor.rest.starts_with('"') {
            ParameterValue { raw: self.cursor.quoted()?, quoted: true }
        } else {
            ParameterValue { raw: self.cursor.token()?, quoted: false }
        };
        Ok(Some((name, value)))
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<(&'a str, ParameterValue<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.parameter();
        if next.is_err() {
            self.cursor.rest = "";
        }
        next.transpose()
    }
}

/// A position in a header's text.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    const fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.at)
    }

    /// Takes `n` octets; `n` must be a character boundary, as the callers' searches ensure.
    fn take(&mut self, n: usize) -> &'a str {
        match self.rest.split_at_checked(n) {
            Some((head, rest)) => {
                self.rest = rest;
                self.at = self.at.saturating_add(n);
                head
            }
            None => "",
        }
    }

    /// What lies between this position and a later one of the same text.
    fn until(&self, later: &Self) -> &'a str {
        self.rest.get(..later.at.saturating_sub(self.at)).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let n = self.rest.len().saturating_sub(self.rest.trim_start_matches([' ', '\t', '\r', '\n']).len());
        self.take(n);
    }

    fn expect(&mut self, wanted: char) -> Result<(), Error> {
        match self.rest.strip_prefix(wanted) {
            Some(_) => {
                self.take(wanted.len_utf8());
                Ok(())
            }
            None => Err(self.error(ErrorKind::BadValue)),
        }
    }

    /// One or more token characters.
    fn token(&mut self) -> Result<&'a str, Error> {
        let n = self.rest.find(|c| !is_token_character(c)).unwrap_or(self.rest.len());
        if n == 0 { Err(self.error(ErrorKind::BadValue)) } else { Ok(self.take(n)) }
    }

    /// A quoted string; returns what stands between the quotes, with its backslashes.
    fn quoted(&mut self) -> Result<&'a str, Error> {
        self.expect('"')?;
        let mut escaped = false;
        let end = self.rest.char_indices().find_map(|(n, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes.then_some(n)
        });
        let n = end.ok_or(self.error(ErrorKind::Truncated))?;
        let raw = self.take(n);
        self.expect('"')?;
        Ok(raw)
    }
}

/// RFC 2045: any ASCII character except space, controls and tspecials.
fn is_token_character(c: char) -> bool {
    let special =
        matches!(c, '(' | ')' | '<' | '>' | '@' | ',' | ';' | ':' | '\\' | '"' | '/' | '[' | ']' | '?' | '=');
    c.is_ascii_graphic() && !special
}

/// What stands before and behind the first `octet`, an ASCII character. Unlike `str::split_once` it provably cannot
/// panic.
pub(crate) fn split_at_octet(text: &str, octet: u8) -> Option<(&str, &str)> {
    let (head, tail) = text.split_at_checked(text.bytes().position(|one| one == octet)?)?;
    Some((head, tail.get(1..)?))
}

/// Where `part`, a slice of `whole`, starts in it.
fn offset_in(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}
