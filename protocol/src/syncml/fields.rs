//! Reads what stands in several places: texts, Meta, Cred, Chal, Target and Source, Item, and a command's head.

use super::quirk::Quirk;
use super::source::Source;
use super::tag::Tag;
use super::{Chal, Cred, Data, Head, Item, Location, Meta, Verb};
use crate::wap::document::{Ahead, is_ignorable};
use crate::wap::values::Values;
use crate::wbxml::{Event, Pull};
use crate::wire::{Decimal, Error, ErrorKind};

/// The text of the innermost open element, to its end; `BadText` for octets that are no text.
pub(super) fn text<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<&'s str, Error> {
    if let Some(text) = source.leaf() {
        return Ok(text);
    }
    let at = source.at();
    let whole = values.lend(source, at)?;
    if whole.opaque {
        source.note(Quirk::OpaqueText);
    }
    str::from_utf8(whole.octets).map_err(|_| Error::new(ErrorKind::BadText, at))
}

/// The number that the innermost open element holds; `None` for another text.
fn number<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Option<u32>, Error> {
    Ok(Decimal::parse(text(source, values)?.trim_ascii()))
}

/// `Target = LocURI LocName? Filter?`, `Source = LocURI LocName?`
pub(super) fn location<'a: 's, 's>(
    source: &mut Source<'a>,
    values: &mut Values<'s>,
) -> Result<Location<'s>, Error> {
    let mut location = Location::default();
    source.children(|source, tag| {
        match tag {
            Tag::LocURI => location.uri = text(source, values)?,
            Tag::LocName => location.name = Some(text(source, values)?),
            _ => skip(source)?,
        }
        Ok(())
    })?;
    Ok(location)
}

/// `Meta = MetInf | its children`
pub(super) fn meta<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Meta<'s>, Error> {
    let mut meta = Meta::EMPTY;
    source.children(|source, tag| match tag {
        Tag::MetInf => source.children(|source, tag| meta_child(&mut meta, source, values, tag)),
        _ => meta_child(&mut meta, source, values, tag),
    })?;
    Ok(meta)
}

fn meta_child<'a: 's, 's>(
    meta: &mut Meta<'s>,
    source: &mut Source<'a>,
    values: &mut Values<'s>,
    tag: Tag,
) -> Result<(), Error> {
    match tag {
        Tag::Format => meta.format = Some(text(source, values)?),
        Tag::Type => meta.media_type = Some(text(source, values)?),
        Tag::Mark => meta.mark = Some(text(source, values)?),
        Tag::Size => meta.size = number(source, values)?,
        Tag::Version => meta.version = Some(text(source, values)?),
        Tag::NextNonce => meta.next_nonce = Some(text(source, values)?),
        Tag::MaxMsgSize => meta.max_message = number(source, values)?,
        Tag::MaxObjSize => meta.max_object = number(source, values)?,
        Tag::EMI => meta.experimental = Some(text(source, values)?),
        _ => skip(source)?,
    }
    Ok(())
}

/// `Cred = Meta? Data`
pub(super) fn cred<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Cred<'s>, Error> {
    let mut cred = Cred { scheme: "", format: None, data: Data::Text("") };
    source.children(|source, tag| {
        match tag {
            Tag::Meta => {
                let meta = meta(source, values)?;
                (cred.scheme, cred.format) = (meta.media_type.unwrap_or_default(), meta.format);
            }
            Tag::Data => cred.data = data(source, values, &mut None)?,
            _ => skip(source)?,
        }
        Ok(())
    })?;
    Ok(cred)
}

/// `Chal = Meta`
fn chal<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Chal<'s>, Error> {
    let mut chal = Chal { scheme: "", format: None, next_nonce: None };
    source.children(|source, tag| {
        if tag != Tag::Meta {
            return skip(source);
        }
        let meta = meta(source, values)?;
        let scheme = meta.media_type.unwrap_or_default();
        chal = Chal { scheme, format: meta.format, next_nonce: meta.next_nonce };
        Ok(())
    })?;
    Ok(chal)
}

/// The content of Data, which was just opened; `markup` becomes its beginning, if it has elements.
fn data<'a: 's, 's>(
    source: &mut Source<'a>,
    values: &mut Values<'s>,
    markup: &mut Option<Source<'a>>,
) -> Result<Data<'s>, Error> {
    if let Some(text) = source.leaf() {
        return Ok(Data::Text(text));
    }
    let inside = source.clone();
    let at = source.at();
    let first = source.next()?;
    let second = match first {
        Some(event) if is_ignorable(&event) => source.next()?,
        _ => None,
    };
    if let (Some(Event::Start(_)), _) | (_, Some(Event::Start(_))) = (first, second) {
        skip(source)?;
        skip(source)?;
        *markup = Some(inside);
        return Ok(Data::Markup);
    }
    let whole = values.lend(&mut Ahead::new([first, second], source), at)?;
    if whole.opaque {
        return Ok(Data::Octets(whole.octets));
    }
    whole.text().map(Data::Text)
}

/// Passes over the element that was just opened.
pub(super) fn skip(source: &mut Source<'_>) -> Result<(), Error> {
    source.skip_element().map(drop)
}

/// `Item = Target? Source? SourceParent? TargetParent? Meta? Data? MoreData?`; `markup` becomes the beginning of Data's
/// content, if that has elements.
pub(super) fn item<'a: 's, 's>(
    source: &mut Source<'a>,
    values: &mut Values<'s>,
    markup: &mut Option<Source<'a>>,
) -> Result<Item<'s>, Error> {
    let mut item = Item::EMPTY;
    let mut order = Order::default();
    source.children(|source, tag| {
        order.see(source, ITEM, tag);
        match tag {
            Tag::Target => item.target = Some(location(source, values)?),
            Tag::Source => item.source = Some(location(source, values)?),
            Tag::SourceParent => item.source_parent = Some(location(source, values)?.uri),
            Tag::TargetParent => item.target_parent = Some(location(source, values)?.uri),
            // Some write one for each of its children.
            Tag::Meta => item.meta = meta(source, values)?.or(&item.meta),
            Tag::Data => item.data = Some(data(source, values, markup)?),
            Tag::MoreData => {
                item.more_data = true;
                skip(source)?;
            }
            _ => skip(source)?,
        }
        Ok(())
    })?;
    Ok(item)
}

/// Where in a command the first of what repeats was just opened, and what it is.
pub(super) type Repeats<'a> = Option<(Source<'a>, Tag)>;

/// Everything of the command `verb`, which was just opened, but what repeats; that is passed over, and `repeats` becomes the
/// first of it.
pub(super) fn head<'a: 's, 's>(
    source: &mut Source<'a>,
    values: &mut Values<'s>,
    (verb, name): (Verb, &'a str),
    repeats: &mut Repeats<'a>,
) -> Result<Head<'s>, Error> {
    let mut head = Head { name, ..Head::new(verb, "") };
    let mut order = Order::default();
    source.children(|source, tag| {
        order.see(source, children_of(verb), tag);
        match tag {
            Tag::CmdID => head.id = text(source, values)?,
            Tag::NoResp => {
                head.no_resp = true;
                skip(source)?;
            }
            Tag::Cred if verb == Verb::Status => head.cred = Some(cred(source, values)?),
            Tag::Meta => head.meta = meta(source, values)?.or(&head.meta),
            Tag::Data if matches!(verb, Verb::Status | Verb::Alert) => {
                head.number = number(source, values)?.and_then(|number| u16::try_from(number).ok());
            }
            Tag::Correlator => head.correlator = Some(text(source, values)?),
            Tag::MsgRef => head.msg_ref = Some(text(source, values)?),
            Tag::CmdRef => head.cmd_ref = Some(text(source, values)?),
            Tag::Cmd if verb == Verb::Status => head.cmd = Some(text(source, values)?),
            Tag::Chal if verb == Verb::Status => head.chal = Some(chal(source, values)?),
            Tag::TargetRef | Tag::SourceRef | Tag::Item if repeats.is_none() => {
                *repeats = Some((source.clone(), tag));
                skip(source)?;
            }
            _ => skip(source)?,
        }
        Ok(())
    })?;
    Ok(head)
}

const ITEM: &[Tag] =
    &[Tag::Target, Tag::Source, Tag::SourceParent, Tag::TargetParent, Tag::Meta, Tag::Data, Tag::MoreData];

/// The children of a command in their order (`oma-dm.md` section 2.1); none for what is not looked into.
const fn children_of(verb: Verb) -> &'static [Tag] {
    match verb {
        Verb::Add | Verb::Copy | Verb::Replace => &[Tag::CmdID, Tag::NoResp, Tag::Cred, Tag::Meta, Tag::Item],
        Verb::Delete => {
            &[Tag::CmdID, Tag::NoResp, Tag::Archive, Tag::SftDel, Tag::Cred, Tag::Meta, Tag::Item]
        }
        Verb::Get => &[Tag::CmdID, Tag::NoResp, Tag::Lang, Tag::Cred, Tag::Meta, Tag::Item],
        Verb::Exec => &[Tag::CmdID, Tag::NoResp, Tag::Cred, Tag::Meta, Tag::Correlator, Tag::Item],
        Verb::Alert => &[Tag::CmdID, Tag::NoResp, Tag::Cred, Tag::Data, Tag::Correlator, Tag::Item],
        Verb::Results => {
            &[Tag::CmdID, Tag::MsgRef, Tag::CmdRef, Tag::Meta, Tag::TargetRef, Tag::SourceRef, Tag::Item]
        }
        Verb::Status => &[
            Tag::CmdID,
            Tag::MsgRef,
            Tag::CmdRef,
            Tag::Cmd,
            Tag::TargetRef,
            Tag::SourceRef,
            Tag::Cred,
            Tag::Chal,
            Tag::Data,
            Tag::Item,
        ],
        Verb::Atomic | Verb::Sequence | Verb::Foreign | Verb::Unknown => &[],
    }
}

/// Notices children out of order and children that do not belong there.
#[derive(Default)]
struct Order {
    last: usize,
}

impl Order {
    fn see(&mut self, source: &mut Source<'_>, children: &[Tag], tag: Tag) {
        if children.is_empty() {
            return;
        }
        let (before, rest) = children.split_at_checked(self.last).unwrap_or((children, &[]));
        match rest.iter().position(|&child| child == tag) {
            Some(further) => self.last = self.last.saturating_add(further),
            None if before.contains(&tag) => source.note(Quirk::Order),
            None => source.note(Quirk::ForeignChild),
        }
    }
}
