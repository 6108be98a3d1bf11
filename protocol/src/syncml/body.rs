use super::fields;
use super::limits::MAX_NESTING;
use super::source::Source;
use super::{Data, Head, Inline, Item, Quirks, Verb};
use crate::wap::values::Values;
use crate::wbxml::{Event, Pull};
use crate::wire::{Error, ErrorKind};

/// What a body consists of.
#[derive(Clone, Debug)]
pub enum Element<'s> {
    /// A command; what repeats in it is read from its [`Parts`]. A container that is nested too deep comes as one.
    Command(Head<'s>, Parts<'s>),
    /// A container opens; its commands follow until its [`Element::End`].
    Begin(Head<'s>),
    /// The innermost open container is over.
    End(Verb),
}

/// Reads SyncBody, one element at a time.
#[derive(Clone, Debug)]
pub struct Body<'a> {
    source: Source<'a>,
    open: [Verb; MAX_NESTING],
    depth: usize,
    is_final: bool,
    over: bool,
}

impl<'a> Body<'a> {
    /// `source` stands behind the start of SyncBody.
    pub(super) const fn new(source: Source<'a>) -> Self {
        Self { source, open: [Verb::Unknown; MAX_NESTING], depth: 0, is_final: false, over: false }
    }

    /// Whether Final was read; certain once the body is over.
    pub const fn is_final(&self) -> bool {
        self.is_final
    }

    /// The deviations of the heads so far.
    pub const fn quirks(&self) -> Quirks {
        self.source.quirks()
    }

    /// The next element; `None` behind the last.
    ///
    /// Errors as those of [`super::Message::check`], after which nothing more can be read. `scratch` is lent for the
    /// texts of one head, and must have [`super::limits::SCRATCH`] octets.
    pub fn next<'s>(&mut self, scratch: &'s mut [u8]) -> Result<Option<Element<'s>>, Error>
    where
        'a: 's,
    {
        while !self.over {
            match self.source.next()? {
                Some(Event::Start(name)) => {
                    let name = name.text().unwrap_or_default();
                    if !self.is_aside(name)? {
                        return self.command(name, scratch).map(Some);
                    }
                }
                Some(Event::End) => match self.leave() {
                    Some(verb) => return Ok(Some(Element::End(verb))),
                    None => self.over = true,
                },
                Some(_) => {}
                None => return Err(self.source.error(ErrorKind::Truncated)),
            }
        }
        Ok(None)
    }

    /// Reads the rest of the document, of which nothing may be left but ends.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        while let Some(event) = self.source.next()? {
            if matches!(event, Event::Start(_)) {
                return Err(self.source.error(ErrorKind::BadValue));
            }
        }
        Ok(())
    }

    /// Passes over a child that is no command: Final, and what [`fields::head`] has read of a container.
    fn is_aside(&mut self, name: &str) -> Result<bool, Error> {
        let aside = match name {
            "Final" if self.depth == 0 => {
                self.is_final = true;
                true
            }
            "CmdID" | "NoResp" | "Cred" | "Meta" => self.depth > 0,
            _ => false,
        };
        if aside {
            fields::skip(&mut self.source)?;
        }
        Ok(aside)
    }

    fn command<'s>(&mut self, name: &'a str, scratch: &'s mut [u8]) -> Result<Element<'s>, Error>
    where
        'a: 's,
    {
        let verb = Verb::from_name(name);
        let inside = self.source.clone();
        let head = fields::head(&mut self.source, &mut Values::new(scratch), verb, name)?;
        match self.open.get_mut(self.depth) {
            Some(slot) if verb.is_container() => {
                *slot = verb;
                self.depth = self.depth.saturating_add(1);
                let quirks = self.source.quirks();
                self.source = inside;
                for quirk in quirks.iter() {
                    self.source.note(quirk);
                }
                Ok(Element::Begin(head))
            }
            _ => Ok(Element::Command(head, Parts { source: inside, last: None })),
        }
    }

    fn leave(&mut self) -> Option<Verb> {
        self.depth = self.depth.checked_sub(1)?;
        self.open.get(self.depth).copied()
    }
}

/// What repeats in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'s> {
    /// Status, Results: a target of the command that is answered.
    TargetRef(&'s str),
    /// Status, Results: a source of it.
    SourceRef(&'s str),
    /// An item.
    Item(Item<'s>),
}

/// Reads what repeats in a command, one at a time.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    source: Source<'a>,
    /// The item that was handed out last, if it has markup.
    last: Option<Source<'a>>,
}

impl<'a> Parts<'a> {
    /// The next part; `None` behind the last. `NoRoom` if `scratch` does not hold the texts that the document has in
    /// several pieces: for XML as much as the longest Data may be needed.
    pub fn next<'s>(&mut self, scratch: &'s mut [u8]) -> Result<Option<Part<'s>>, Error>
    where
        'a: 's,
    {
        self.step(scratch, true)
    }

    /// The next item; references are passed over. Errors as [`Self::next`].
    pub fn item<'s>(&mut self, scratch: &'s mut [u8]) -> Result<Option<Item<'s>>, Error>
    where
        'a: 's,
    {
        match self.step(scratch, false)? {
            Some(Part::Item(item)) => Ok(Some(item)),
            _ => Ok(None),
        }
    }

    fn step<'s>(&mut self, scratch: &'s mut [u8], references: bool) -> Result<Option<Part<'s>>, Error>
    where
        'a: 's,
    {
        self.last = None;
        while let Some(event) = self.source.next()? {
            let name = match event {
                Event::Start(name) => name.text().unwrap_or_default(),
                Event::End => return Ok(None),
                _ => continue,
            };
            match name {
                "TargetRef" if references => return self.reference(scratch).map(Part::TargetRef).map(Some),
                "SourceRef" if references => return self.reference(scratch).map(Part::SourceRef).map(Some),
                "Item" => return self.read_item(scratch).map(Part::Item).map(Some),
                _ => fields::skip(&mut self.source)?,
            }
        }
        Ok(None)
    }

    fn reference<'s>(&mut self, scratch: &'s mut [u8]) -> Result<&'s str, Error>
    where
        'a: 's,
    {
        fields::text(&mut self.source, &mut Values::new(scratch))
    }

    fn read_item<'s>(&mut self, scratch: &'s mut [u8]) -> Result<Item<'s>, Error>
    where
        'a: 's,
    {
        let start = self.source.clone();
        let item = fields::item(&mut self.source, &mut Values::new(scratch))?;
        if item.data == Some(Data::Markup) {
            self.last = Some(start);
        }
        Ok(item)
    }

    /// The elements in the Data of the item that was handed out last, if it is [`Data::Markup`].
    pub fn inline(&self) -> Option<Inline<'a>> {
        let mut source = self.last.clone()?;
        loop {
            match source.next().ok()?? {
                Event::Start(name) if name.text() == Some("Data") => return Some(Inline::new(source)),
                Event::Start(_) => fields::skip(&mut source).ok()?,
                Event::End => return None,
                _ => {}
            }
        }
    }

    /// The deviations of the parts so far.
    pub const fn quirks(&self) -> Quirks {
        self.source.quirks()
    }
}
