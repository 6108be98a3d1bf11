use super::{Answer, Command, Content, Head, OnError, Verb};
use crate::iota::limits::{MAX_DEPTH, MAX_DOCUMENT, MAX_VALUE};
use crate::mime::is_content_token;
use crate::wap::{Coding, DocumentWriter};
use crate::wbxml::{Sink, Version, pages};
use crate::wire::{Decimal, Error, ErrorKind};

/// Writes a document into the caller's buffer.
///
/// What the grammar forbids cannot be written (`BadValue`), nor values over the limit (`LimitExceeded`) or with
/// characters that XML has no form for (`BadText`); after an error the document is of no use.
#[derive(Debug)]
pub struct Writer<'b> {
    sink: DocumentWriter<'b, MAX_DEPTH>,
    server: bool,
    disconnected: bool,
}

impl<'b> Writer<'b> {
    /// Starts a document with these attributes of the root.
    pub fn new(coding: Coding, out: &'b mut [u8], head: &Head<'_>) -> Result<Self, Error> {
        let sink = DocumentWriter::new(coding, out, &pages::MMC, Version::V1_3)?;
        let mut writer = Self { sink, server: matches!(head, Head::Server { .. }), disconnected: false };
        let (Head::Server { session, doc: number, .. } | Head::Device { session, re: number }) = *head;
        if !is_content_token(session) || number == 0 {
            return Err(Error::new(ErrorKind::BadValue, 0));
        }
        writer.sink.start("mmc")?;
        writer.text("version", "1.0")?;
        writer.text("session", session)?;
        writer.text(if writer.server { "doc" } else { "re" }, Decimal::new(number.into()).as_str())?;
        if let Head::Server { next: Some(next), .. } = head {
            writer.text("next", next)?;
        }
        Ok(writer)
    }

    /// Appends a command, to a server document only and not behind `disconnect`.
    pub fn command(&mut self, command: &Command<'_>) -> Result<(), Error> {
        if !self.server || self.disconnected || command.verb == Verb::Unknown || !command.is_legal() {
            return Err(Error::new(ErrorKind::BadValue, 0));
        }
        self.disconnected = command.verb == Verb::Disconnect;
        self.sink.start(command.verb.name())?;
        self.text("id", Decimal::new(command.id.into()).as_str())?;
        if let Some(object) = command.object {
            self.text("object", object)?;
        }
        self.value(command.value)?;
        if command.on_error == OnError::Continue {
            self.text("onerror", "continue")?;
        }
        if command.reboot {
            self.text("reboot", "1")?;
        }
        self.data(command.value)?;
        self.sink.end()
    }

    /// Appends a result, to a device document only.
    pub fn answer(&mut self, answer: &Answer<'_>) -> Result<(), Error> {
        if self.server || answer.id == 0 {
            return Err(Error::new(ErrorKind::BadValue, 0));
        }
        self.sink.start("result")?;
        self.text("id", Decimal::new(answer.id.into()).as_str())?;
        self.text("code", Decimal::new(u32::from(answer.code.0)).as_str())?;
        self.value(answer.value)?;
        self.data(answer.value)?;
        self.sink.end()
    }

    /// Ends the document and returns it.
    pub fn finish(mut self) -> Result<&'b [u8], Error> {
        self.sink.end()?;
        let document = self.sink.finish()?;
        if document.len() > MAX_DOCUMENT {
            return Err(Error::new(ErrorKind::LimitExceeded, MAX_DOCUMENT));
        }
        Ok(document)
    }

    fn text(&mut self, name: &str, value: &str) -> Result<(), Error> {
        if value.len() > MAX_VALUE {
            return Err(Error::new(ErrorKind::LimitExceeded, 0));
        }
        if !is_text(value) {
            return Err(Error::new(ErrorKind::BadText, 0));
        }
        self.sink.attribute(name, value)
    }

    fn value(&mut self, value: Option<Content<'_>>) -> Result<(), Error> {
        match value {
            Some(Content::Text(text)) => self.text("value", text),
            Some(Content::Reference(reference)) => self.text("valueref", reference),
            Some(Content::Data(_)) | None => Ok(()),
        }
    }

    fn data(&mut self, value: Option<Content<'_>>) -> Result<(), Error> {
        if let Some(Content::Data(octets)) = value {
            self.sink.start("data")?;
            self.sink.opaque(octets)?;
            self.sink.end()?;
        }
        Ok(())
    }
}

/// Whether `text` can stand in both codings: characters that XML 1.0 allows (section 2.2).
pub(super) fn is_text(text: &str) -> bool {
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    text.chars().all(legal)
}
