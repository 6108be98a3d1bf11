use super::Date;
use super::coding::{Coding, DocumentReader, DocumentWriter};
use super::document::{self, DEPTH, attribute_list, root};
use super::values::Values;
use crate::wbxml::{Event, Pull, Sink, Version, pages};
use crate::wire::{Error, ErrorKind};

/// How a service indication is announced to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Signal {
    /// Not at all.
    None,
    /// When it does not disturb.
    Low,
    /// As soon as it does not interrupt. The default.
    #[default]
    Medium,
    /// At once.
    High,
    /// Not an indication: withdraws those with the same id.
    Delete,
}

impl Signal {
    const ALL: [Self; 5] = [Self::None, Self::Low, Self::Medium, Self::High, Self::Delete];

    const fn text(self) -> &'static str {
        match self {
            Self::None => "signal-none",
            Self::Low => "signal-low",
            Self::Medium => "signal-medium",
            Self::High => "signal-high",
            Self::Delete => "delete",
        }
    }
}

/// A service indication (SI 1.0): a message for the user with a URL to go to (`wap-push.md` section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indication<'s> {
    /// Where to go; without it the indication only informs.
    pub href: Option<&'s str>,
    /// Names the indication, so that a later one can replace or withdraw it.
    pub si_id: Option<&'s str>,
    /// How to announce it.
    pub action: Signal,
    /// When it was made; the newer of two with the same id counts.
    pub created: Option<Date>,
    /// When it is to be dropped.
    pub expires: Option<Date>,
    /// The message.
    pub text: &'s str,
}

impl<'s> Indication<'s> {
    /// Reads a document; `scratch` takes its texts and should have [`super::SCRATCH`] octets.
    ///
    /// Errors of the coding; `BadValue` for another structure, `LimitExceeded` beyond [`super::MAX_DOCUMENT`] octets,
    /// `NoRoom` if the texts are longer than `scratch`. An `info` element and unknown attributes are ignored.
    pub fn read(coding: Coding, bytes: &[u8], scratch: &'s mut [u8]) -> Result<Self, Error> {
        document::check_size(bytes)?;
        let mut pull = DocumentReader::<DEPTH>::new(coding, bytes, &pages::SI)?;
        root(&mut pull, "si")?;
        let mut values = Values::new(scratch);
        let mut found = None;
        loop {
            match pull.next()? {
                Some(Event::Start(name)) if name.text() == Some("indication") && found.is_none() => {
                    found = Some(indication(&mut pull, &mut values)?);
                }
                Some(Event::Start(name)) if name.text() == Some("info") => {
                    pull.skip_element()?;
                }
                Some(Event::End) => break,
                Some(event) if document::is_ignorable(&event) => {}
                _ => return Err(pull.error(ErrorKind::BadValue)),
            }
        }
        document::finish(&mut pull)?;
        found.ok_or(pull.error(ErrorKind::BadValue))
    }

    /// The id that counts: `si_id`, else the URL.
    pub fn id(&self) -> Option<&'s str> {
        self.si_id.or(self.href)
    }

    /// Writes the document.
    pub fn write<'b>(&self, coding: Coding, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut sink = DocumentWriter::<DEPTH>::new(coding, out, &pages::SI, Version::V1_2)?;
        sink.start("si")?;
        sink.start("indication")?;
        for (name, value) in [("href", self.href), ("si-id", self.si_id)] {
            if let Some(value) = value {
                sink.attribute(name, value)?;
            }
        }
        if self.action != Signal::Medium {
            sink.attribute("action", self.action.text())?;
        }
        for (name, date) in [("created", self.created), ("si-expires", self.expires)] {
            if let Some(date) = date {
                document::write_date(&mut sink, name, date)?;
            }
        }
        if !self.text.is_empty() {
            sink.text(self.text)?;
        }
        sink.end()?;
        sink.end()?;
        sink.finish()
    }
}

/// The `indication` element that was just opened, to its end.
fn indication<'s>(
    pull: &mut DocumentReader<'_, DEPTH>,
    values: &mut Values<'s>,
) -> Result<Indication<'s>, Error> {
    let mut si = Indication {
        href: None,
        si_id: None,
        action: Signal::Medium,
        created: None,
        expires: None,
        text: "",
    };
    let after = attribute_list(pull, values, |name, value| {
        match name {
            "href" => si.href = Some(value.text()?),
            "si-id" => si.si_id = Some(value.text()?),
            "action" => si.action = document::one_of(&Signal::ALL, Signal::text, &value)?,
            "created" => si.created = Some(document::date(&value)?),
            "si-expires" => si.expires = Some(document::date(&value)?),
            _ => {}
        }
        Ok(())
    })?;
    si.text = document::content(pull, values, after)?;
    Ok(si)
}
