use super::coding::{Coding, DocumentReader, DocumentWriter};
use super::document::{self, DEPTH, attribute_list, root};
use super::values::Values;
use crate::wbxml::{Event, Pull, Sink, Version, pages};
use crate::wire::{Error, ErrorKind};

/// When a service is to be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Urgency {
    /// When it does not disturb. The default.
    #[default]
    Low,
    /// At once.
    High,
    /// Only into a cache, for later.
    Cache,
}

impl Urgency {
    const ALL: [Self; 3] = [Self::Low, Self::High, Self::Cache];

    const fn text(self) -> &'static str {
        match self {
            Self::Low => "execute-low",
            Self::High => "execute-high",
            Self::Cache => "cache",
        }
    }
}

/// A service loading (SL 1.0): a URL to go to without asking the user (`wap-push.md` section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loading<'s> {
    /// Where to go.
    pub href: &'s str,
    /// When.
    pub action: Urgency,
}

impl<'s> Loading<'s> {
    /// Reads a document; `scratch` takes its texts and should have [`super::SCRATCH`] octets.
    ///
    /// Errors of the coding; `BadValue` for another structure or a missing URL, `LimitExceeded` beyond
    /// [`super::MAX_DOCUMENT`] octets, `NoRoom` if the URL is longer than `scratch`. Unknown attributes are ignored.
    pub fn read(coding: Coding, bytes: &[u8], scratch: &'s mut [u8]) -> Result<Self, Error> {
        document::check_size(bytes)?;
        let mut pull = DocumentReader::<DEPTH>::new(coding, bytes, &pages::SL)?;
        root(&mut pull, "sl")?;
        let (mut href, mut action) = (None, Urgency::Low);
        let mut after = attribute_list(&mut pull, &mut Values::new(scratch), |name, value| {
            match name {
                "href" => href = Some(value.text()?),
                "action" => action = document::one_of(&Urgency::ALL, Urgency::text, &value)?,
                _ => {}
            }
            Ok(())
        })?;
        while after.as_ref().is_some_and(document::is_ignorable) {
            after = pull.next()?;
        }
        if after != Some(Event::End) {
            return Err(pull.error(ErrorKind::BadValue));
        }
        document::finish(&mut pull)?;
        let href = href.ok_or(pull.error(ErrorKind::BadValue))?;
        Ok(Self { href, action })
    }

    /// Writes the document.
    pub fn write<'b>(&self, coding: Coding, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut sink = DocumentWriter::<DEPTH>::new(coding, out, &pages::SL, Version::V1_2)?;
        sink.start("sl")?;
        if self.action != Urgency::Low {
            sink.attribute("action", self.action.text())?;
        }
        sink.attribute("href", self.href)?;
        sink.end()?;
        sink.finish()
    }
}
