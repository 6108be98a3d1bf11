use super::fields;
use super::limits::MAX_NESTING;
use super::source::Source;
use super::tag::Tag;
use super::{Head, Inline, Item, Quirks, Verb};
use crate::wap::values::Values;
use crate::wbxml::{Event, Name, Pull};
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
            let Some(name) = self.source.child()? else {
                match self.leave() {
                    Some(verb) => return Ok(Some(Element::End(verb))),
                    None => self.over = true,
                }
                continue;
            };
            let tag = Tag::of(name);
            if !self.is_aside(tag)? {
                return self.command(tag, name, scratch).map(Some);
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
    fn is_aside(&mut self, tag: Tag) -> Result<bool, Error> {
        let aside = match tag {
            Tag::Final if self.depth == 0 => {
                self.is_final = true;
                true
            }
            Tag::CmdID | Tag::NoResp | Tag::Cred | Tag::Meta => self.depth > 0,
            _ => false,
        };
        if aside {
            fields::skip(&mut self.source)?;
        }
        Ok(aside)
    }

    fn command<'s>(&mut self, tag: Tag, name: Name<'a>, scratch: &'s mut [u8]) -> Result<Element<'s>, Error>
    where
        'a: 's,
    {
        let verb = Verb::of(tag);
        let named = (verb, name.text().unwrap_or_default());
        let inside = verb.is_container().then(|| self.source.clone());
        let mut repeats = None;
        let head = fields::head(&mut self.source, &mut Values::new(scratch), named, &mut repeats)?;
        if let (Some(inside), Some(slot)) = (inside, self.open.get_mut(self.depth)) {
            *slot = verb;
            self.depth = self.depth.saturating_add(1);
            let quirks = self.source.quirks();
            self.source = inside;
            for quirk in quirks.iter() {
                self.source.note(quirk);
            }
            return Ok(Element::Begin(head));
        }
        let (source, opened) = repeats.unzip();
        Ok(Element::Command(head, Parts { source, opened, markup: None }))
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
    /// Stands in the command; `None` behind its end.
    source: Option<Source<'a>>,
    /// What was just opened there, if it is not read yet.
    opened: Option<Tag>,
    /// The elements in the item that was handed out last, if it has any.
    markup: Option<Source<'a>>,
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
        self.markup = None;
        let wanted = |tag| tag == Tag::Item || references && matches!(tag, Tag::TargetRef | Tag::SourceRef);
        let Some(source) = &mut self.source else { return Ok(None) };
        let mut opened = self.opened.take();
        loop {
            match opened {
                Some(tag) if wanted(tag) => break,
                Some(_) => fields::skip(source)?,
                None => {}
            }
            opened = source.next_tag()?;
            if opened.is_none() {
                self.source = None;
                return Ok(None);
            }
        }
        let values = &mut Values::new(scratch);
        Ok(Some(match opened {
            Some(Tag::TargetRef) => Part::TargetRef(fields::text(source, values)?),
            Some(Tag::SourceRef) => Part::SourceRef(fields::text(source, values)?),
            _ => Part::Item(fields::item(source, values, &mut self.markup)?),
        }))
    }

    /// The elements in the Data of the item that was handed out last, if it is [`super::Data::Markup`].
    pub fn inline(&self) -> Option<Inline<'a>> {
        self.markup.clone().map(Inline::new)
    }
}
