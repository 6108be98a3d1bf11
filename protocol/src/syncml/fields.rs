//! Reads what stands in several places: texts, Meta, Cred, Chal, Target and Source, Item, and a command's head.

use super::quirk::Quirk;
use super::source::Source;
use super::{Chal, Cred, Data, Head, Item, Location, Meta, Verb};
use crate::wap::document::{Ahead, is_ignorable};
use crate::wap::values::Values;
use crate::wbxml::{Event, Pull};
use crate::wire::{Decimal, Error, ErrorKind};

/// The text of the innermost open element, to its end; `BadText` for octets that are no text.
pub(super) fn text<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<&'s str, Error> {
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
    source.children(|source, name| {
        match name {
            "LocURI" => location.uri = text(source, values)?,
            "LocName" => location.name = Some(text(source, values)?),
            _ => skip(source)?,
        }
        Ok(())
    })?;
    Ok(location)
}

/// `Meta = MetInf | its children`
pub(super) fn meta<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Meta<'s>, Error> {
    let mut meta = Meta::EMPTY;
    source.children(|source, name| match name {
        "MetInf" => source.children(|source, name| meta_child(&mut meta, source, values, name)),
        _ => meta_child(&mut meta, source, values, name),
    })?;
    Ok(meta)
}

fn meta_child<'a: 's, 's>(
    meta: &mut Meta<'s>,
    source: &mut Source<'a>,
    values: &mut Values<'s>,
    name: &str,
) -> Result<(), Error> {
    match name {
        "Format" => meta.format = Some(text(source, values)?),
        "Type" => meta.media_type = Some(text(source, values)?),
        "Mark" => meta.mark = Some(text(source, values)?),
        "Size" => meta.size = number(source, values)?,
        "Version" => meta.version = Some(text(source, values)?),
        "NextNonce" => meta.next_nonce = Some(text(source, values)?),
        "MaxMsgSize" => meta.max_message = number(source, values)?,
        "MaxObjSize" => meta.max_object = number(source, values)?,
        "EMI" => meta.experimental = Some(text(source, values)?),
        _ => skip(source)?,
    }
    Ok(())
}

/// `Cred = Meta? Data`
pub(super) fn cred<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Cred<'s>, Error> {
    let mut cred = Cred { scheme: "", format: None, data: Data::Text("") };
    source.children(|source, name| {
        match name {
            "Meta" => {
                let meta = meta(source, values)?;
                (cred.scheme, cred.format) = (meta.media_type.unwrap_or_default(), meta.format);
            }
            "Data" => cred.data = data(source, values)?,
            _ => skip(source)?,
        }
        Ok(())
    })?;
    Ok(cred)
}

/// `Chal = Meta`
fn chal<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Chal<'s>, Error> {
    let mut chal = Chal { scheme: "", format: None, next_nonce: None };
    source.children(|source, name| {
        if name != "Meta" {
            return skip(source);
        }
        let meta = meta(source, values)?;
        let scheme = meta.media_type.unwrap_or_default();
        chal = Chal { scheme, format: meta.format, next_nonce: meta.next_nonce };
        Ok(())
    })?;
    Ok(chal)
}

/// The content of Data, which was just opened.
fn data<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Data<'s>, Error> {
    let at = source.at();
    let first = source.next()?;
    let second = match first {
        Some(event) if is_ignorable(&event) => source.next()?,
        _ => None,
    };
    if let (Some(Event::Start(_)), _) | (_, Some(Event::Start(_))) = (first, second) {
        skip(source)?;
        skip(source)?;
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

/// `Item = Target? Source? SourceParent? TargetParent? Meta? Data? MoreData?`
pub(super) fn item<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Item<'s>, Error> {
    let mut item = Item::EMPTY;
    let mut order = Order::default();
    source.children(|source, name| {
        order.see(source, ITEM, name);
        match name {
            "Target" => item.target = Some(location(source, values)?),
            "Source" => item.source = Some(location(source, values)?),
            "SourceParent" => item.source_parent = Some(location(source, values)?.uri),
            "TargetParent" => item.target_parent = Some(location(source, values)?.uri),
            // Some write one for each of its children.
            "Meta" => item.meta = meta(source, values)?.or(&item.meta),
            "Data" => item.data = Some(data(source, values)?),
            "MoreData" => {
                item.more_data = true;
                skip(source)?;
            }
            _ => skip(source)?,
        }
        Ok(())
    })?;
    Ok(item)
}

/// Everything of the command `verb`, which was just opened, but what repeats; that is passed over.
pub(super) fn head<'a: 's, 's>(
    source: &mut Source<'a>,
    values: &mut Values<'s>,
    verb: Verb,
    name: &'a str,
) -> Result<Head<'s>, Error> {
    let mut head = Head { name, ..Head::new(verb, "") };
    let mut order = Order::default();
    source.children(|source, name| {
        order.see(source, children_of(verb), name);
        match name {
            "CmdID" => head.id = text(source, values)?,
            "NoResp" => {
                head.no_resp = true;
                skip(source)?;
            }
            "Cred" if verb == Verb::Status => head.cred = Some(cred(source, values)?),
            "Meta" => head.meta = meta(source, values)?.or(&head.meta),
            "Data" if matches!(verb, Verb::Status | Verb::Alert) => {
                head.number = number(source, values)?.and_then(|number| u16::try_from(number).ok());
            }
            "Correlator" => head.correlator = Some(text(source, values)?),
            "MsgRef" => head.msg_ref = Some(text(source, values)?),
            "CmdRef" => head.cmd_ref = Some(text(source, values)?),
            "Cmd" if verb == Verb::Status => head.cmd = Some(text(source, values)?),
            "Chal" if verb == Verb::Status => head.chal = Some(chal(source, values)?),
            _ => skip(source)?,
        }
        Ok(())
    })?;
    Ok(head)
}

const ITEM: &[&str] = &["Target", "Source", "SourceParent", "TargetParent", "Meta", "Data", "MoreData"];

/// The children of a command in their order (`oma-dm.md` section 2.1); none for what is not looked into.
const fn children_of(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Add | Verb::Copy | Verb::Replace => &["CmdID", "NoResp", "Cred", "Meta", "Item"],
        Verb::Delete => &["CmdID", "NoResp", "Archive", "SftDel", "Cred", "Meta", "Item"],
        Verb::Get => &["CmdID", "NoResp", "Lang", "Cred", "Meta", "Item"],
        Verb::Exec => &["CmdID", "NoResp", "Cred", "Meta", "Correlator", "Item"],
        Verb::Alert => &["CmdID", "NoResp", "Cred", "Data", "Correlator", "Item"],
        Verb::Results => &["CmdID", "MsgRef", "CmdRef", "Meta", "TargetRef", "SourceRef", "Item"],
        Verb::Status => {
            &["CmdID", "MsgRef", "CmdRef", "Cmd", "TargetRef", "SourceRef", "Cred", "Chal", "Data", "Item"]
        }
        Verb::Atomic | Verb::Sequence | Verb::Foreign | Verb::Unknown => &[],
    }
}

/// Notices children out of order and children that do not belong there.
#[derive(Default)]
struct Order {
    last: usize,
}

impl Order {
    fn see(&mut self, source: &mut Source<'_>, children: &[&str], name: &str) {
        if children.is_empty() {
            return;
        }
        let (before, rest) = children.split_at_checked(self.last).unwrap_or((children, &[]));
        match rest.iter().position(|&child| child == name) {
            Some(further) => self.last = self.last.saturating_add(further),
            None if before.contains(&name) => source.note(Quirk::Order),
            None => source.note(Quirk::ForeignChild),
        }
    }
}
