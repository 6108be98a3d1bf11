use super::Date;
use super::coding::{Coding, DocumentReader, DocumentWriter};
use super::document::{self, DEPTH, attribute_list, root};
use super::values::Values;
use crate::wbxml::{Event, Pull, Sink, Version, pages};
use crate::wire::{Error, ErrorKind};

/// An e-mail notification (EMN 1.0): there is new mail in a mailbox. It names the mailbox and nothing of the mail; what it
/// leads to is at most that the device's own mail program looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailNotification<'s> {
    /// The mailbox as a URL: `mailat:`, `pop://`, `imap://`, `http://`, ...
    pub mailbox: &'s str,
    /// When the mail came; an older notification than the last one of the mailbox says nothing new.
    pub timestamp: Option<Date>,
}

impl<'s> MailNotification<'s> {
    /// Reads a document; `scratch` takes its texts and should have [`super::SCRATCH`] octets.
    ///
    /// Errors of the coding; `BadValue` for another structure or a missing mailbox, `LimitExceeded` beyond
    /// [`super::MAX_DOCUMENT`] octets, `NoRoom` if the mailbox is longer than `scratch`. Unknown attributes are ignored.
    pub fn read(coding: Coding, bytes: &[u8], scratch: &'s mut [u8]) -> Result<Self, Error> {
        document::check_size(bytes)?;
        let mut pull = DocumentReader::<DEPTH>::new(coding, bytes, &pages::EMN)?;
        root(&mut pull, "emn")?;
        let (mut mailbox, mut timestamp) = (None, None);
        let mut after = attribute_list(&mut pull, &mut Values::new(scratch), |name, value| {
            match name {
                "mailbox" => mailbox = Some(value.text()?),
                "timestamp" => timestamp = Some(document::date(&value)?),
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
        let mailbox = mailbox.ok_or(pull.error(ErrorKind::BadValue))?;
        Ok(Self { mailbox, timestamp })
    }

    /// Writes the document.
    pub fn write<'b>(&self, coding: Coding, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut sink = DocumentWriter::<DEPTH>::new(coding, out, &pages::EMN, Version::V1_2)?;
        sink.start("emn")?;
        if let Some(date) = self.timestamp {
            document::write_date(&mut sink, "timestamp", date)?;
        }
        sink.attribute("mailbox", self.mailbox)?;
        sink.end()?;
        sink.finish()
    }
}
