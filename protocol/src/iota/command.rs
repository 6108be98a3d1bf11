//! Commands and their results, as a session knows them: the same in every vocabulary.

use super::ResultCode;
use super::limits::MAX_OBJECT;
use crate::mime::is_content_token;

/// What a command does (`iota.md` B2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Returns the object's value.
    Read,
    /// Stages a value.
    Write,
    /// Stages the removal of the value.
    Delete,
    /// Runs the object.
    Exec,
    /// Compares the value.
    Check,
    /// Shows a text, or asks.
    Display,
    /// Makes what is staged permanent.
    Commit,
    /// Ends the session.
    Disconnect,
    /// What the vocabulary does not know: a command that fails. Cannot be written.
    Unknown,
}

impl Verb {
    /// Those that have a name.
    const NAMED: [Self; 8] = [
        Self::Read,
        Self::Write,
        Self::Delete,
        Self::Exec,
        Self::Check,
        Self::Display,
        Self::Commit,
        Self::Disconnect,
    ];

    /// What the verb is called, `iota.md` B2; an unknown one has no name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Exec => "exec",
            Self::Check => "check",
            Self::Display => "display",
            Self::Commit => "commit",
            Self::Disconnect => "disconnect",
            Self::Unknown => "",
        }
    }

    pub(in crate::iota) fn from_name(name: &str) -> Self {
        Self::NAMED.into_iter().find(|verb| verb.name() == name).unwrap_or(Self::Unknown)
    }
}

impl core::fmt::Display for Verb {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if *self == Self::Unknown { "unknown" } else { self.name() })
    }
}

/// What happens to the commands after one that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnError {
    /// They are not executed.
    #[default]
    Stop,
    /// They are.
    Continue,
}

/// A value as a document gives it; the names are those of MMC profile 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'s> {
    /// Attribute `value`.
    Text(&'s str),
    /// Attribute `valueref`, as it stands there; see [`Content::part`].
    Reference(&'s str),
    /// Child element `data`.
    Data(&'s [u8]),
}

impl<'s> Content<'s> {
    /// The Content-ID of the part that a reference `cid:<token>` points to; `INVALID_VALUEREF` for one of another
    /// form, `None` for content that is no reference.
    pub fn part(&self) -> Option<Result<&'s str, ResultCode>> {
        match *self {
            Self::Reference(reference) => {
                let token = reference.strip_prefix("cid:").filter(|token| is_content_token(token));
                Some(token.ok_or(ResultCode::INVALID_VALUEREF))
            }
            _ => None,
        }
    }
}

/// A command of a server document. The grammar in [`super::mmc`] says which verb takes what; others cannot be read or
/// written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'s> {
    /// Unique in the document, 1..=65535.
    pub id: u16,
    /// What to do.
    pub verb: Verb,
    /// To what; a well-formed name if `has_object_name` says so.
    pub object: Option<&'s str>,
    /// With what.
    pub value: Option<Content<'s>>,
    /// What a failure means for the rest.
    pub on_error: OnError,
    /// Disconnect only: restart after the session.
    pub reboot: bool,
}

impl<'s> Command<'s> {
    /// A command without object and value, which stops on error.
    pub const fn new(id: u16, verb: Verb) -> Self {
        Self { id, verb, object: None, value: None, on_error: OnError::Stop, reboot: false }
    }

    /// The same with an object.
    #[must_use]
    pub const fn on(self, object: &'s str) -> Self {
        Self { object: Some(object), ..self }
    }

    /// The same with a value.
    #[must_use]
    pub const fn with(self, value: Content<'s>) -> Self {
        Self { value: Some(value), ..self }
    }

    /// Whether the grammar allows the command.
    pub(in crate::iota) fn is_legal(&self) -> bool {
        let object = self.object.is_some();
        let fits = match self.verb {
            Verb::Read | Verb::Delete => object && self.value.is_none(),
            Verb::Write | Verb::Check => object && self.value.is_some(),
            Verb::Exec => object,
            Verb::Display => matches!(self.value, Some(Content::Text(_))),
            Verb::Commit => !object && self.value.is_none(),
            Verb::Disconnect => !object && self.value.is_none() && self.on_error == OnError::Stop,
            Verb::Unknown => return true,
        };
        fits && self.id > 0 && (self.verb == Verb::Disconnect || !self.reboot)
    }

    /// Whether the object, if any, has a well-formed name: `[a-z0-9-]+(/[a-z0-9-]+)*`, at most 48 characters
    /// (`iota.md` B4). Others exist nowhere.
    pub fn has_object_name(&self) -> bool {
        self.object.is_none_or(is_object_name)
    }
}

fn is_object_name(name: &str) -> bool {
    let legal = |octet: &u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || *octet == b'-';
    name.len() <= MAX_OBJECT
        && name
            .as_bytes()
            .split(|&octet| octet == b'/')
            .all(|step| !step.is_empty() && step.iter().all(legal))
}

/// A `result` of a device document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'s> {
    /// The command's id.
    pub id: u16,
    /// How it went.
    pub code: ResultCode,
    /// What it returned.
    pub value: Option<Content<'s>>,
}
