//! What reading SI, SL and MMC documents has in common.

use super::Date;
use super::coding::{Coding, DocumentWriter};
use super::values::{Values, Whole};
use crate::wbxml::{Event, Pull, Sink};
use crate::wire::{Error, ErrorKind, Writer};

/// Largest SI or SL document that is read, in octets (`wap-push.md` section 10).
pub const MAX_DOCUMENT: usize = 1024;
/// Octets that hold the texts of any SI or SL document of reasonable content: twice the longest URL and more.
pub const SCRATCH: usize = 1024;
/// Deepest SI documents: si, info, item, and one spare.
pub(crate) const DEPTH: usize = 4;

/// Refuses a document beyond the limit.
pub(crate) fn check_size(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > MAX_DOCUMENT { Err(Error::new(ErrorKind::LimitExceeded, MAX_DOCUMENT)) } else { Ok(()) }
}

/// Reads up to the start of the root element, which must be `name`. A document type declaration and processing
/// instructions before it are passed over.
pub(crate) fn root<'a>(pull: &mut impl Pull<'a>, name: &str) -> Result<(), Error> {
    loop {
        match pull.next()? {
            Some(Event::Start(found)) if found.text() == Some(name) => return Ok(()),
            Some(Event::Start(_)) | None => return Err(pull.error(ErrorKind::BadValue)),
            Some(_) => {}
        }
    }
}

/// Reads all attributes of the element that was just opened; returns the first event after them.
pub(crate) fn attribute_list<'a, 's>(
    pull: &mut impl Pull<'a>,
    values: &mut Values<'s>,
    mut take: impl FnMut(&str, Whole<'s>) -> Result<(), Error>,
) -> Result<Option<Event<'a>>, Error> {
    loop {
        match pull.next()? {
            Some(Event::Attribute(name)) => {
                let value = values.attribute(pull)?;
                take(name.text().unwrap_or_default(), value)?;
            }
            other => return Ok(other),
        }
    }
}

/// Reads the text of the innermost open element to its end; `first` is its first event, already taken.
pub(crate) fn content<'a, 's>(
    pull: &mut impl Pull<'a>,
    values: &mut Values<'s>,
    first: Option<Event<'a>>,
) -> Result<&'s str, Error> {
    let at = pull.at();
    let mut first = Ahead::new([first, None], pull);
    let whole = values.content(&mut first, at)?;
    whole.text()
}

/// Reads to the end of the document.
pub(crate) fn finish<'a>(pull: &mut impl Pull<'a>) -> Result<(), Error> {
    while pull.next()?.is_some() {}
    Ok(())
}

/// White space between elements.
pub(crate) fn is_ignorable(event: &Event<'_>) -> bool {
    match event {
        Event::Text(text) => text.bytes().all(|octet| octet.is_ascii_whitespace()),
        Event::Char(character) => character.is_ascii_whitespace(),
        _ => false,
    }
}

/// The value whose `text` is the attribute's.
pub(crate) fn one_of<T: Copy>(all: &[T], text: fn(T) -> &'static str, value: &Whole<'_>) -> Result<T, Error> {
    let found = value.text()?;
    all.iter().copied().find(|&one| text(one) == found).ok_or(Error::new(ErrorKind::BadValue, value.at))
}

/// A date, binary or as text.
pub(crate) fn date(value: &Whole<'_>) -> Result<Date, Error> {
    let date = if value.opaque { Date::from_binary(value.octets) } else { Date::from_text(value.text()?) };
    date.map_err(|e| Error::new(e.kind, value.at))
}

/// Writes a date: octets in WBXML, text in XML.
pub(crate) fn write_date(sink: &mut DocumentWriter<'_, DEPTH>, name: &str, date: Date) -> Result<(), Error> {
    match sink.coding() {
        Coding::Wbxml => {
            let mut octets = [0; Date::BINARY];
            let mut w = Writer::new(&mut octets);
            date.to_binary(&mut w)?;
            sink.attribute_opaque(name, w.finish())
        }
        Coding::Xml => sink.attribute(name, str::from_utf8(&date.to_text()).unwrap_or_default()),
    }
}

/// A reader with up to two events put back.
pub(crate) struct Ahead<'p, 'a, P> {
    events: [Option<Event<'a>>; 2],
    pull: &'p mut P,
}

impl<'p, 'a, P> Ahead<'p, 'a, P> {
    pub(crate) const fn new(events: [Option<Event<'a>>; 2], pull: &'p mut P) -> Self {
        Self { events, pull }
    }
}

impl<'a, P: Pull<'a>> Pull<'a> for Ahead<'_, 'a, P> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        let [first, second] = &mut self.events;
        match first.take().or_else(|| second.take()) {
            Some(event) => Ok(Some(event)),
            None => self.pull.next(),
        }
    }

    fn at(&self) -> usize {
        self.pull.at()
    }
}
