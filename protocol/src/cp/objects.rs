use super::shape::Shape;
use super::{
    Fault, Kind, MAX_DOCUMENT, MAX_NAME, MAX_OBJECTS, MAX_VALUE, Object, ObjectWriter, ParmName, Why,
};
use crate::wap::values::Values;
use crate::wap::{Coding, DocumentReader};
use crate::wbxml::{self, Event, Pull, pages};
use crate::wire::{Error, ErrorKind};

/// Deepest documents: root, three characteristics, parm, and as much again of what is unknown and passed over.
pub const DEPTH: usize = 10;

/// A document that can be read from its beginning, any number of times.
pub trait Source<'a>: Copy {
    /// The reader of its coding.
    type Pull: Pull<'a>;

    /// The document's octets.
    fn octets(&self) -> &'a [u8];

    /// A reader at the beginning; errors of the coding's header.
    fn pull(&self) -> Result<Self::Pull, Error>;
}

/// A document in WBXML.
#[derive(Clone, Copy, Debug)]
pub struct Wbxml<'a>(pub &'a [u8]);

impl<'a> Source<'a> for Wbxml<'a> {
    type Pull = wbxml::Reader<'a, DEPTH>;

    fn octets(&self) -> &'a [u8] {
        self.0
    }

    fn pull(&self) -> Result<Self::Pull, Error> {
        wbxml::Reader::new(self.0, &pages::PROV)
    }
}

/// A document in the coding that its media type tells.
#[derive(Clone, Copy, Debug)]
pub struct Coded<'a> {
    /// The coding.
    pub coding: Coding,
    /// The document.
    pub bytes: &'a [u8],
}

impl<'a> Source<'a> for Coded<'a> {
    type Pull = DocumentReader<'a, DEPTH>;

    fn octets(&self) -> &'a [u8] {
        self.bytes
    }

    fn pull(&self) -> Result<Self::Pull, Error> {
        DocumentReader::new(self.coding, self.bytes, &pages::PROV)
    }
}

/// The objects of a document, in order, one at a time.
///
/// Passed over: characteristics and parms that are unknown or stand where they have no meaning. Refused: what is known and
/// wrong (see [`Why`]); then the whole document is of no use.
#[derive(Debug)]
pub struct Objects<'a, S: Source<'a>> {
    pull: S::Pull,
    count: usize,
    over: bool,
    at: usize,
}

impl<'a, S: Source<'a>> Objects<'a, S> {
    /// Begins to read; errors of the header, another root element, a document beyond [`MAX_DOCUMENT`].
    pub fn new(source: &S) -> Result<Self, Fault> {
        if source.octets().len() > MAX_DOCUMENT {
            return Err(Error::new(ErrorKind::LimitExceeded, MAX_DOCUMENT).into());
        }
        let mut pull = source.pull()?;
        loop {
            match pull.next()? {
                Some(Event::Start(root)) if root.text() == Some("wap-provisioningdoc") => break,
                Some(Event::Start(_)) | None => return Err(Fault::new(Why::OtherRoot, pull.at())),
                Some(_) => {}
            }
        }
        Ok(Self { pull, count: 0, over: false, at: 0 })
    }

    /// The offset of the object that was handed out last.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// The next object, made in `scratch`, which should have [`super::OBJECT`] octets; `None` at the end of the document.
    pub fn next<'s>(&mut self, scratch: &'s mut [u8]) -> Result<Option<Object<'s>>, Fault> {
        while !self.over {
            match self.pull.next()? {
                Some(Event::Start(name)) if name.text() == Some("characteristic") => {
                    self.at = self.pull.at();
                    let Some(kind) = self.kind(None)? else { continue };
                    self.count = self.count.saturating_add(1);
                    if self.count > MAX_OBJECTS {
                        return Err(Error::new(ErrorKind::LimitExceeded, self.at).into());
                    }
                    return self.object(ObjectWriter::new(scratch, kind)).map(Some);
                }
                Some(Event::Start(_)) => {
                    self.pull.skip_element()?;
                }
                Some(_) => {}
                None => self.over = true,
            }
        }
        Ok(None)
    }

    /// The object whose characteristic was just opened, to its end.
    fn object<'s>(&mut self, mut out: ObjectWriter<'s>) -> Result<Object<'s>, Fault> {
        let mut scratch = [0; MAX_NAME + MAX_VALUE];
        loop {
            match self.pull.next()? {
                Some(Event::Start(name)) if name.text() == Some("characteristic") => {
                    let parent = out.innermost().kind();
                    if let Some(kind) = self.kind(Some(parent))? {
                        out.open(kind).map_err(|error| self.pull.error(error.kind))?;
                    }
                }
                Some(Event::Start(name)) if name.text() == Some("parm") => {
                    self.parm(&mut out, &mut scratch)?;
                }
                Some(Event::Start(_)) => {
                    self.pull.skip_element()?;
                }
                Some(Event::End) => {
                    self.has_key(&out)?;
                    if out.is_outermost() {
                        return Ok(out.finish()?);
                    }
                    out.close().map_err(|error| self.pull.error(error.kind))?;
                }
                Some(_) => {}
                None => return Err(self.pull.error(ErrorKind::Truncated).into()),
            }
        }
    }

    /// The kind of the characteristic that was just opened, if it is known and may stand in `parent`; else it is passed
    /// over. Its attributes come before anything else of it.
    fn kind(&mut self, parent: Option<Kind>) -> Result<Option<Kind>, Fault> {
        let mut name = [0; MAX_NAME];
        let mut kind = None;
        // The attribute `type` is the only one; what follows it is left for the caller.
        if let Some(Event::Attribute(attribute)) = self.pull.next()? {
            if attribute.text() == Some("type") {
                kind = Kind::find(text(&mut Values::new(&mut name), &mut self.pull, MAX_NAME)?);
            }
        } else {
            return Err(self.pull.error(ErrorKind::BadValue).into());
        }
        let known = kind.filter(|kind| Shape::of(*kind).fits(parent));
        if known.is_none() {
            self.pull.skip_element()?;
        }
        Ok(known)
    }

    /// The parm that was just opened, to its end.
    fn parm(&mut self, out: &mut ObjectWriter<'_>, scratch: &mut [u8]) -> Result<(), Fault> {
        let at = self.pull.at();
        let mut values = Values::new(scratch);
        let (mut own, mut value) = (None, "");
        loop {
            match self.pull.next()? {
                Some(Event::Attribute(attribute)) => match attribute.text() {
                    Some("name") => own = Some(text(&mut values, &mut self.pull, MAX_NAME)?),
                    Some("value") => value = text(&mut values, &mut self.pull, MAX_VALUE)?,
                    _ => {}
                },
                Some(Event::End) => break,
                Some(Event::Start(_)) => {
                    self.pull.skip_element()?;
                }
                Some(_) => {}
                None => return Err(self.pull.error(ErrorKind::Truncated).into()),
            }
        }
        let Some(own) = own else { return Ok(()) };
        keep(out, own, value, at)
    }

    /// Whether a characteristic that ends has the parm that it cannot be without.
    fn has_key(&self, out: &ObjectWriter<'_>) -> Result<(), Fault> {
        let kind = out.innermost().kind();
        match Shape::of(kind).key {
            Some(key) if !out.has_value(key) => Err(Fault::new(Why::NoKey(kind, key), self.pull.at())),
            _ => Ok(()),
        }
    }
}

/// Adds a parm to an object, if it belongs there.
fn keep(out: &mut ObjectWriter<'_>, own: &str, text: &str, at: usize) -> Result<(), Fault> {
    let placed = |error: Error| Fault::new(Why::Coding(error.kind), at);
    let kind = out.innermost().kind();
    let known = ParmName::find(own).and_then(|name| Some((name, Shape::of(kind).takes(name)?)));
    let Some((name, may_be_repeated)) = known else {
        if kind == Kind::VendorConfig {
            out.free(own, text).map_err(placed)?;
        }
        return Ok(());
    };
    if !may_be_repeated && out.has(name) {
        return Err(Fault::new(Why::Repeated(name), at));
    }
    let legal = match name {
        ParmName::PortNbr => text.parse::<u16>().is_ok(),
        _ if name.is_number() => text.parse::<u32>().is_ok(),
        _ => true,
    };
    if !legal {
        return Err(Fault::new(Why::BadValue(name), at));
    }
    out.parm(name, text).map_err(placed)?;
    Ok(())
}

/// The value of the attribute that was just handed out, of at most `limit` octets, whatever fragments it came in.
fn text<'a: 's, 's>(
    values: &mut Values<'s>,
    pull: &mut impl Pull<'a>,
    limit: usize,
) -> Result<&'s str, Error> {
    let at = pull.at();
    let beyond = Error::new(ErrorKind::LimitExceeded, at);
    let text = if let Some(text) = pull.value() {
        text
    } else {
        let whole = values.attribute(pull);
        let whole = whole.map_err(|error| if error.kind == ErrorKind::NoRoom { beyond } else { error })?;
        core::str::from_utf8(whole.octets).map_err(|_| Error::new(ErrorKind::BadText, at))?
    };
    if text.len() > limit { Err(beyond) } else { Ok(text) }
}
