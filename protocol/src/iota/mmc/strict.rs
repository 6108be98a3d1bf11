use crate::iota::limits::{MAX_DEPTH, MAX_DOCUMENT, MAX_TABLE};
use crate::wap::{Coding, DocumentReader};
use crate::wbxml::{Charset, Event, Name, PublicId, Pull, Version, pages};
use crate::wire::{Error, ErrorKind};

/// The number registered for the 3GPP2 document type, whose tokens are not ours.
const IOTA_PUBLIC_ID: u32 = 0x1200;

/// Reads what profile 1 allows of either coding; the rest is `Unsupported`.
///
/// Refused are: document type declarations, processing instructions, literal tags, other code pages than 0, extension
/// tokens, WBXML versions other than 1.3, charsets other than UTF-8, other public identifiers (B2, B5).
#[derive(Clone, Debug)]
pub(super) struct Strict<'a> {
    inner: DocumentReader<'a, MAX_DEPTH>,
}

impl<'a> Strict<'a> {
    pub(super) fn new(coding: Coding, bytes: &'a [u8]) -> Result<Self, Error> {
        let inner = DocumentReader::new(coding, bytes, &pages::MMC)?;
        if let DocumentReader::Wbxml(reader) = &inner {
            let header = reader.header();
            let known = match header.public_id {
                PublicId::Number(number) => number == pages::MMC.number || number == IOTA_PUBLIC_ID,
                PublicId::Literal(_) => true,
            };
            if !known || header.version != Version::V1_3 || header.charset != Charset::UTF_8 {
                return Err(Error::new(ErrorKind::Unsupported, 0));
            }
            if header.table.octets.len() > MAX_TABLE {
                return Err(Error::new(ErrorKind::LimitExceeded, header.table.at));
            }
        }
        Ok(Self { inner })
    }

    pub(super) const fn coding(&self) -> Coding {
        self.inner.coding()
    }

    /// Whether the document announces the registered 3GPP2 type.
    pub(super) fn claims_iota(&self) -> bool {
        match &self.inner {
            DocumentReader::Wbxml(reader) => reader.header().public_id == PublicId::Number(IOTA_PUBLIC_ID),
            DocumentReader::Xml(_) => false,
        }
    }
}

impl<'a> Pull<'a> for Strict<'a> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        let event = self.inner.next()?;
        let allowed = match event {
            Some(Event::Start(Name::Literal(_))) => self.coding() == Coding::Xml,
            Some(Event::Start(Name::Unknown(token)) | Event::Attribute(Name::Unknown(token))) => {
                token.page == 0
            }
            Some(
                Event::Doctype(_)
                | Event::Pi(_)
                | Event::PiEnd
                | Event::Extension(_)
                | Event::UnknownValue(_),
            ) => false,
            _ => true,
        };
        if allowed { Ok(event) } else { Err(self.error(ErrorKind::Unsupported)) }
    }

    fn at(&self) -> usize {
        self.inner.at()
    }
}

/// Refuses a document beyond the limit.
pub(super) fn check_size(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > MAX_DOCUMENT { Err(Error::new(ErrorKind::LimitExceeded, MAX_DOCUMENT)) } else { Ok(()) }
}
