use super::{Coding, Document, Element, Head, SCRATCH, Writer, coding_of, media_type};
use crate::iota::codec::{Checked, Codec, ResultWriter};
use crate::iota::command::{Answer, Command};
use crate::iota::fault::Fault;
use crate::mime::MediaType;
use crate::wire::{Error, ErrorKind};
use crate::xml::base64;

/// MMC profile 1, in the coding given: what sessions of this project speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mmc(pub Coding);

/// A session that speaks MMC profile 1.
pub type Session<'b> = crate::iota::session::Session<'b, Mmc>;

impl Codec for Mmc {
    /// `iota.md` B6.1
    const ACCEPT: &'static str = if Coding::Xml.is_supported() {
        "application/iota.mmc-wbxml, application/iota.mmc-xml, multipart/related"
    } else {
        "application/iota.mmc-wbxml, multipart/related"
    };
    const SCRATCH: usize = SCRATCH;
    const ROOT_ID: &'static str = "mmc";
    /// Header, root element with the longest session token.
    const EMPTY: usize = 128;
    /// The longest form: `<result id="65535" code="255" valueref="cid:r64"></result>`.
    const RESULT: usize = 64;
    type Writer<'b> = Writer<'b>;

    fn of(media: &MediaType<'_>) -> Option<Self> {
        coding_of(media).map(Self)
    }

    fn media_type(self) -> &'static str {
        media_type(self.0)
    }

    fn check<'s>(self, bytes: &'s [u8], scratch: &'s mut [u8]) -> Result<Checked<'s>, Fault> {
        let document = Document::check(self.0, bytes, scratch)?;
        let (commands, foreign) = (document.len(), document.claims_iota());
        match document.head(scratch)? {
            Head::Server { session, doc, next } => Ok(Checked { session, doc, next, commands, foreign }),
            Head::Device { .. } => Err(Fault::Ungrammatical(Error::new(ErrorKind::BadValue, 0))),
        }
    }

    fn command<'s>(
        self,
        bytes: &'s [u8],
        number: usize,
        scratch: &'s mut [u8],
    ) -> Result<Option<Command<'s>>, Fault> {
        Document::of_checked(self.0, bytes).element(number, scratch).map(command)
    }

    fn outline<'s>(
        self,
        bytes: &'s [u8],
        number: usize,
        scratch: &'s mut [u8],
    ) -> Result<Option<Command<'s>>, Fault> {
        Document::of_checked(self.0, bytes).outline(number, scratch).map(command)
    }

    fn writer<'b>(self, out: &'b mut [u8], session: &str, re: u16) -> Result<Writer<'b>, Error> {
        Writer::new(self.0, out, &Head::Device { session, re })
    }

    fn text_cost(self, text: &str) -> Option<usize> {
        super::writer::is_text(text).then(|| match self.0 {
            // Start token, STR_I, text, zero: value tokens are used only where they save octets.
            Coding::Wbxml => text.len().saturating_add(8),
            // `&quot;` is the longest replacement.
            Coding::Xml => text.bytes().fold(0_usize, |sum, octet| {
                let plain = !octet.is_ascii_control() && !matches!(octet, b'<' | b'>' | b'&' | b'"' | b'\'');
                sum.saturating_add(if plain { 1 } else { 6 })
            }),
        })
    }

    fn octets_cost(self, len: usize) -> usize {
        match self.0 {
            Coding::Wbxml => len.saturating_add(8),
            Coding::Xml => base64::encoded_len(len).saturating_add(16),
        }
    }
}

impl<'b> ResultWriter<'b> for Writer<'b> {
    fn answer(&mut self, answer: &Answer<'_>) -> Result<(), Error> {
        Self::answer(self, answer)
    }

    fn finish(self) -> Result<&'b [u8], Error> {
        Self::finish(self)
    }
}

/// The command that an element is; a document that was checked has no others.
fn command(element: Option<Element<'_>>) -> Option<Command<'_>> {
    match element {
        Some(Element::Command(command)) => Some(command),
        _ => None,
    }
}
