use super::Fault;
use super::attributes::Attributes;
use super::element::Element;
use super::strict::{Strict, check_size};
use crate::iota::command::{Command, Verb};
use crate::iota::limits::{MAX_COMMANDS, MAX_VALUE};
use crate::wap::Coding;
use crate::wap::document::{self, is_ignorable};
use crate::wap::values::Values;
use crate::wbxml::{Event, Name, Pull};
use crate::wire::ErrorKind;

/// Octets of scratch space that hold the texts of any legal element: object, value, and one that is ignored.
/// For an XML `data` element its text and what it decodes to come on top.
pub const SCRATCH: usize = 3 * MAX_VALUE;

/// The root element's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head<'s> {
    /// A document of the server.
    Server {
        /// The session's token, 1 to 32 characters `[A-Za-z0-9._-]`.
        session: &'s str,
        /// The document's number, 1..=65535.
        doc: u16,
        /// Where to POST the answer; the URL this came from if absent.
        next: Option<&'s str>,
    },
    /// A document of the device.
    Device {
        /// The session's token.
        session: &'s str,
        /// The number of the document that is answered.
        re: u16,
    },
}

/// A document that was checked as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    coding: Coding,
    bytes: &'a [u8],
    len: usize,
    claims_iota: bool,
}

impl<'a> Document<'a> {
    /// Reads all of `bytes`: the coding, the grammar, all limits, that ids are unique and `disconnect` is last. Only
    /// whether base64 text is legal is left to [`Self::element`]: one bad value does not make a bad document.
    ///
    /// `scratch` must have [`SCRATCH`] octets; nothing of it is needed afterwards.
    pub fn check(coding: Coding, bytes: &'a [u8], scratch: &mut [u8]) -> Result<Self, Fault> {
        let (_, mut elements) = Elements::open(coding, bytes, scratch)?;
        let claims_iota = elements.pull.claims_iota();
        let mut ids = [0_u16; MAX_COMMANDS];
        let mut len = 0_usize;
        let mut over = false;
        while let Some(element) = elements.read(scratch, Data::Skip)? {
            let fault = |kind| Err(Fault::Ungrammatical(elements.pull.error(kind)));
            let id = element.id();
            if over || ids.contains(&id) {
                return fault(ErrorKind::BadValue);
            }
            match ids.get_mut(len) {
                Some(slot) => *slot = id,
                None => return fault(ErrorKind::LimitExceeded),
            }
            len = len.saturating_add(1);
            over = matches!(element, Element::Command(Command { verb: Verb::Disconnect, .. }));
        }
        Ok(Self { coding, bytes, len, claims_iota })
    }

    /// A document that passed [`Self::check`] before; its length is not known then and [`Self::claims_iota`] not told.
    pub(super) const fn of_checked(coding: Coding, bytes: &'a [u8]) -> Self {
        Self { coding, bytes, len: 0, claims_iota: false }
    }

    /// How the document is coded; an answer uses the same.
    pub const fn coding(&self) -> Coding {
        self.coding
    }

    /// How many elements stand below the root.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing stands below the root.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the document announces the registered 3GPP2 type, so that its sender may speak the real C.S0040, whose
    /// vocabulary this is not (`iota.md` B5).
    pub const fn claims_iota(&self) -> bool {
        self.claims_iota
    }

    /// The root's attributes.
    pub fn head<'s>(&self, scratch: &'s mut [u8]) -> Result<Head<'s>, Fault> {
        Elements::open(self.coding, self.bytes, scratch).map(|(head, _)| head)
    }

    /// The elements below the root, from the first on; `scratch` is only lent for this call.
    pub fn elements(&self, scratch: &mut [u8]) -> Result<Elements<'a>, Fault> {
        Elements::open(self.coding, self.bytes, scratch).map(|(_, elements)| elements)
    }

    /// The element `number`, counted from 0; `None` behind the last. Faults as [`Elements::next`].
    pub fn element<'s>(&self, number: usize, scratch: &'s mut [u8]) -> Result<Option<Element<'s>>, Fault>
    where
        'a: 's,
    {
        self.from(number, scratch)?.next(scratch)
    }

    /// The same with all octets in `data` elements left out: shows what an element is also when they are illegal.
    pub fn outline<'s>(&self, number: usize, scratch: &'s mut [u8]) -> Result<Option<Element<'s>>, Fault>
    where
        'a: 's,
    {
        self.from(number, scratch)?.read(scratch, Data::Skip)
    }

    fn from(&self, number: usize, scratch: &mut [u8]) -> Result<Elements<'a>, Fault> {
        let mut elements = self.elements(scratch)?;
        for _ in 0..number {
            elements.skip()?;
        }
        Ok(elements)
    }
}

/// Reads the elements of a document, one at a time.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    pull: Strict<'a>,
    pending: Option<Event<'a>>,
    server: bool,
}

impl<'a> Elements<'a> {
    fn open<'s>(coding: Coding, bytes: &'a [u8], scratch: &'s mut [u8]) -> Result<(Head<'s>, Self), Fault> {
        check_size(bytes).map_err(Fault::Ungrammatical)?;
        let mut pull = Strict::new(coding, bytes)?;
        let fault = |pull: &Strict<'_>| Fault::Ungrammatical(pull.error(ErrorKind::BadValue));
        match pull.next()? {
            Some(Event::Start(name)) if name.text() == Some("mmc") => {}
            _ => return Err(fault(&pull)),
        }
        let mut values = Values::limited(scratch, MAX_VALUE);
        let (raw, pending) = Attributes::read(&mut pull, &mut values, Attributes::ROOT)?;
        let head = raw.head().ok_or(fault(&pull))?;
        let server = matches!(head, Head::Server { .. });
        Ok((head, Self { pull, pending, server }))
    }

    /// The next element; `None` behind the last, after which the document ends properly.
    ///
    /// `scratch` must have [`SCRATCH`] octets, plus room for the text of an XML `data` element and what it decodes to.
    /// Faults of a document that passed [`Document::check`] are `NoRoom` for too little of it, and those of base64.
    pub fn next<'s>(&mut self, scratch: &'s mut [u8]) -> Result<Option<Element<'s>>, Fault>
    where
        'a: 's,
    {
        self.read(scratch, Data::Take)
    }

    /// Passes over the next element; returns whether there was one.
    pub fn skip(&mut self) -> Result<bool, Fault> {
        match self.start()? {
            Some(_) => Ok(self.pull.skip_element()?),
            None => Ok(false),
        }
    }

    /// Reads up to the start of the next element, or to the end of the document.
    fn start(&mut self) -> Result<Option<Name<'a>>, Fault> {
        loop {
            let event = match self.pending.take() {
                Some(event) => Some(event),
                None => self.pull.next()?,
            };
            match event {
                Some(Event::Start(name)) => return Ok(Some(name)),
                Some(Event::End) => {}
                None => return Ok(None),
                Some(event) if is_ignorable(&event) => {}
                Some(_) => return Err(Fault::Ungrammatical(self.pull.error(ErrorKind::BadValue))),
            }
        }
    }

    fn read<'s>(&mut self, scratch: &'s mut [u8], data: Data) -> Result<Option<Element<'s>>, Fault>
    where
        'a: 's,
    {
        let Some(name) = self.start()? else { return Ok(None) };
        let bad = Fault::Ungrammatical(self.pull.error(ErrorKind::BadValue));
        let name = name.text().unwrap_or_default();
        let verb = Verb::from_name(name);
        let known = if self.server { verb != Verb::Unknown } else { name == "result" };
        if !known && (!self.server || name == "result") {
            return Err(bad);
        }
        let mut values = Values::limited(scratch, MAX_VALUE);
        let names = if known { Attributes::ELEMENT } else { Attributes::UNKNOWN };
        let (mut attributes, event) = Attributes::read(&mut self.pull, &mut values, names)?;
        if known {
            attributes.data = content(&mut self.pull, event, &mut values, data)?;
        } else {
            rest(&mut self.pull, event)?;
        }
        let element = if self.server {
            attributes.command(verb).map(Element::Command)
        } else {
            attributes.answer().map(Element::Answer)
        };
        element.map(Some).ok_or(bad)
    }
}

/// What to do with the octets of `data`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    /// Leave them out.
    Skip,
    /// Hand them out, decoded.
    Take,
}

/// The content of an element that the profile knows, up to its end: at most one `data` element. `event` is the first
/// event in it.
fn content<'a: 's, 's>(
    pull: &mut Strict<'a>,
    mut event: Option<Event<'a>>,
    values: &mut Values<'s>,
    data: Data,
) -> Result<Option<&'s [u8]>, Fault> {
    let mut found = None;
    loop {
        match event {
            Some(Event::End) => return Ok(found),
            Some(Event::Start(name)) if name.text() == Some("data") && found.is_none() => {
                found = Some(octets(pull, values, data)?);
            }
            Some(event) if is_ignorable(&event) => {}
            _ => return Err(Fault::Ungrammatical(pull.error(ErrorKind::BadValue))),
        }
        event = pull.next()?;
    }
}

/// The octets of the `data` element that was just opened: at most one OPAQUE in WBXML, base64 text in XML.
fn octets<'a: 's, 's>(pull: &mut Strict<'a>, values: &mut Values<'s>, data: Data) -> Result<&'s [u8], Fault> {
    let at = pull.at();
    let (_, first) = Attributes::read(pull, values, Attributes::DATA)?;
    if pull.coding() == Coding::Xml && data == Data::Take {
        let text = document::content(pull, values, first).map_err(Fault::Ungrammatical)?;
        return values.base64(text.as_bytes(), at).map_err(Fault::Ungrammatical);
    }
    let mut octets: Option<&[u8]> = None;
    let mut event = first;
    loop {
        match event {
            Some(Event::Opaque(inline)) if octets.is_none() && pull.coding() == Coding::Wbxml => {
                octets = Some(inline);
            }
            Some(Event::Text(_) | Event::Char(_)) if pull.coding() == Coding::Xml => {}
            Some(Event::End) => break,
            _ => return Err(Fault::Ungrammatical(pull.error(ErrorKind::BadValue))),
        }
        event = pull.next()?;
    }
    Ok(octets.filter(|_| data == Data::Take).unwrap_or_default())
}

/// Passes over the rest of the innermost open element, of which `event` was already taken.
fn rest<'a>(pull: &mut Strict<'a>, event: Option<Event<'a>>) -> Result<(), Fault> {
    match event {
        Some(Event::End) => return Ok(()),
        Some(Event::Start(_)) => {
            pull.skip_element()?;
        }
        _ => {}
    }
    pull.skip_element()?;
    Ok(())
}
