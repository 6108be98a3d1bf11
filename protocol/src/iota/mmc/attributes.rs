use super::strict::Strict;
use super::{Answer, Command, Content, Fault, Head, OnError, Verb};
use crate::iota::ResultCode;
use crate::iota::limits::MAX_ATTRIBUTES;
use crate::mime::is_content_token;
use crate::wap::values::{Values, Whole};
use crate::wbxml::{Event, Pull};
use crate::wire::{Decimal, Error, ErrorKind};

/// All that can be said about an element by its attributes, and its octets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes<'s> {
    version: Option<()>,
    session: Option<&'s str>,
    doc: Option<u16>,
    re: Option<u16>,
    next: Option<&'s str>,
    id: Option<u16>,
    object: Option<&'s str>,
    value: Option<&'s str>,
    reference: Option<&'s str>,
    code: Option<ResultCode>,
    on_error: Option<OnError>,
    reboot: Option<()>,
    /// Those of the child element `data`.
    pub(super) data: Option<&'s [u8]>,
}

impl<'s> Attributes<'s> {
    /// The attributes of the root element.
    pub(super) const ROOT: &'static [&'static str] = &["version", "session", "doc", "re", "next"];
    /// Those of commands and results.
    pub(super) const ELEMENT: &'static [&'static str] =
        &["id", "object", "value", "valueref", "code", "onerror", "reboot"];
    /// Those that count on an unknown command.
    pub(super) const UNKNOWN: &'static [&'static str] = &["id", "onerror"];
    /// Those of `data`.
    pub(super) const DATA: &'static [&'static str] = &[];

    /// Reads the attributes of the element that was just opened, and the first event after them. All but the `known`
    /// ones are passed over.
    pub(super) fn read<'a>(
        pull: &mut Strict<'a>,
        values: &mut Values<'s>,
        known: &[&str],
    ) -> Result<(Self, Option<Event<'a>>), Fault> {
        let mut all = Self::default();
        for _ in 0..=MAX_ATTRIBUTES {
            match pull.next()? {
                Some(Event::Attribute(name)) => {
                    let name = name.text().filter(|name| known.contains(name)).unwrap_or_default();
                    all.take(name, pull, values)?;
                }
                other => return Ok((all, other)),
            }
        }
        Err(Fault::Ungrammatical(pull.error(ErrorKind::LimitExceeded)))
    }

    /// One attribute; each of them at most once. The texts of numbers and keywords need not be kept.
    fn take<'a>(&mut self, name: &str, pull: &mut Strict<'a>, values: &mut Values<'s>) -> Result<(), Fault> {
        let at = pull.at();
        let fresh = match name {
            "session" => set(&mut self.session, token(text(pull, values)?)),
            "next" => set(&mut self.next, Some(text(pull, values)?)),
            "object" => set(&mut self.object, Some(text(pull, values)?)),
            "value" => set(&mut self.value, Some(text(pull, values)?)),
            "valueref" => set(&mut self.reference, Some(text(pull, values)?)),
            "version" => set(&mut self.version, short(pull, values, |text| (text == "1.0").then_some(()))?),
            "doc" => set(&mut self.doc, short(pull, values, positive)?),
            "re" => set(&mut self.re, short(pull, values, positive)?),
            "id" => set(&mut self.id, short(pull, values, positive)?),
            "code" => set(&mut self.code, short(pull, values, code)?),
            "onerror" => set(&mut self.on_error, short(pull, values, on_error)?),
            "reboot" => set(&mut self.reboot, short(pull, values, |text| (text == "1").then_some(()))?),
            _ => {
                values.skip_attribute(pull).map_err(limit)?;
                true
            }
        };
        if fresh { Ok(()) } else { Err(Fault::Ungrammatical(Error::new(ErrorKind::BadValue, at))) }
    }

    /// `mmc = version session (doc next? | re)`
    pub(super) fn head(&self) -> Option<Head<'s>> {
        self.version?;
        let session = self.session?;
        match (self.doc, self.re) {
            (Some(doc), None) => Some(Head::Server { session, doc, next: self.next }),
            (None, Some(re)) if self.next.is_none() => Some(Head::Device { session, re }),
            _ => None,
        }
    }

    /// The command, if the grammar allows it.
    pub(super) fn command(&self, verb: Verb) -> Option<Command<'s>> {
        let id = self.id?;
        let on_error = self.on_error.unwrap_or_default();
        if verb == Verb::Unknown {
            return Some(Command { on_error, ..Command::new(id, verb) });
        }
        let (value, single) = self.content();
        let reboot = self.reboot.is_some();
        let command = Command { id, verb, object: self.object, value, on_error, reboot };
        (single && command.is_legal() && self.code.is_none()).then_some(command)
    }

    /// The result, if the grammar allows it.
    pub(super) fn answer(&self) -> Option<Answer<'s>> {
        let (value, single) = self.content();
        let answer = Answer { id: self.id?, code: self.code?, value };
        let others = self.object.is_some() || self.on_error.is_some() || self.reboot.is_some();
        (single && !others).then_some(answer)
    }

    /// The value, in whichever form; whether it stands there in one form at most.
    fn content(&self) -> (Option<Content<'s>>, bool) {
        let forms = [
            self.value.map(Content::Text),
            self.reference.map(Content::Reference),
            self.data.map(Content::Data),
        ];
        (forms.into_iter().flatten().next(), forms.into_iter().flatten().count() <= 1)
    }
}

/// Puts a legal value into a slot that is still empty.
fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let empty = slot.is_none();
    *slot = value;
    empty && slot.is_some()
}

/// A text that is kept.
fn text<'s>(pull: &mut Strict<'_>, values: &mut Values<'s>) -> Result<&'s str, Fault> {
    let whole = values.attribute(pull).map_err(limit)?;
    Ok(whole.text()?)
}

/// A text that is judged and given up.
fn short<T>(
    pull: &mut Strict<'_>,
    values: &mut Values<'_>,
    judge: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    values.with_attribute(pull, |whole: Whole<'_>| whole.text().map(judge)).map_err(limit)
}

fn token(text: &str) -> Option<&str> {
    is_content_token(text).then_some(text)
}

fn positive(text: &str) -> Option<u16> {
    Decimal::parse(text).and_then(|number| u16::try_from(number).ok()).filter(|&number| number > 0)
}

fn code(text: &str) -> Option<ResultCode> {
    Decimal::parse(text).and_then(|number| u8::try_from(number).ok()).map(ResultCode)
}

fn on_error(text: &str) -> Option<OnError> {
    match text {
        "stop" => Some(OnError::Stop),
        "continue" => Some(OnError::Continue),
        _ => None,
    }
}

/// A value beyond the limit is against the grammar; what else is wrong with one is a matter of the coding.
pub(super) fn limit(error: Error) -> Fault {
    match error.kind {
        ErrorKind::NoRoom => Fault::Ungrammatical(Error::new(ErrorKind::LimitExceeded, error.at)),
        _ => Fault::Unreadable(error),
    }
}
