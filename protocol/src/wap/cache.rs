use super::coding::{Coding, DocumentReader, DocumentWriter};
use super::document::{self, DEPTH, root};
use super::values::Values;
use crate::wbxml::{Event, Pull, Sink, Version, pages};
use crate::wire::{Error, ErrorKind};

/// What of a cache is out of date (CO 1.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidation<'s> {
    /// What was loaded from this URL.
    Object(&'s str),
    /// Everything whose URL begins so.
    Service(&'s str),
}

impl Invalidation<'_> {
    const fn element(&self) -> &'static str {
        match self {
            Self::Object(_) => "invalidate-object",
            Self::Service(_) => "invalidate-service",
        }
    }

    const fn uri(&self) -> &str {
        match self {
            Self::Object(uri) | Self::Service(uri) => uri,
        }
    }
}

/// A cache operation (CO 1.0): removes what is out of date, and never makes the device load anything.
#[derive(Clone, Copy, Debug)]
pub struct CacheOperation;

impl CacheOperation {
    /// Reads a document and hands out what it invalidates, in order; `scratch` takes one URL at a time. Nothing is handed out
    /// before the whole document was found sound.
    ///
    /// Errors of the coding; `BadValue` for another structure or a missing URL, `LimitExceeded` beyond
    /// [`super::MAX_DOCUMENT`] octets, `NoRoom` if a URL is longer than `scratch`.
    pub fn read(
        coding: Coding,
        bytes: &[u8],
        scratch: &mut [u8],
        mut each: impl FnMut(Invalidation<'_>),
    ) -> Result<(), Error> {
        document::check_size(bytes)?;
        Self::pass(coding, bytes, scratch, |_| {})?;
        Self::pass(coding, bytes, scratch, &mut each)
    }

    /// Writes a document.
    pub fn write<'b>(
        coding: Coding,
        invalidations: &[Invalidation<'_>],
        out: &'b mut [u8],
    ) -> Result<&'b [u8], Error> {
        let mut sink = DocumentWriter::<DEPTH>::new(coding, out, &pages::CO, Version::V1_2)?;
        sink.start("co")?;
        for invalidation in invalidations {
            sink.start(invalidation.element())?;
            sink.attribute("uri", invalidation.uri())?;
            sink.end()?;
        }
        sink.end()?;
        sink.finish()
    }

    fn pass(
        coding: Coding,
        bytes: &[u8],
        scratch: &mut [u8],
        mut each: impl FnMut(Invalidation<'_>),
    ) -> Result<(), Error> {
        let mut pull = DocumentReader::<DEPTH>::new(coding, bytes, &pages::CO)?;
        root(&mut pull, "co")?;
        loop {
            match pull.next()? {
                Some(Event::Start(name)) => {
                    let is_object = match name.text() {
                        Some("invalidate-object") => true,
                        Some("invalidate-service") => false,
                        _ => return Err(pull.error(ErrorKind::BadValue)),
                    };
                    let mut uri = None;
                    let mut values = Values::new(scratch);
                    let after = document::attribute_list(&mut pull, &mut values, |name, value| {
                        if name == "uri" {
                            uri = Some(value.text()?);
                        }
                        Ok(())
                    })?;
                    let (Some(uri), Some(Event::End)) = (uri, after) else {
                        return Err(pull.error(ErrorKind::BadValue));
                    };
                    each(if is_object { Invalidation::Object(uri) } else { Invalidation::Service(uri) });
                }
                Some(Event::End) => return document::finish(&mut pull),
                Some(event) if document::is_ignorable(&event) => {}
                _ => return Err(pull.error(ErrorKind::BadValue)),
            }
        }
    }
}
