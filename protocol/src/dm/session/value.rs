//! Values on their way in and out: decoding, large objects, lists.

use super::io::End;
use super::link::{Link, Refs};
use super::run::{Hands, write_no_end};
use crate::dm::limits::{MAX_TYPE, MAX_URI};
use crate::dm::{Caller, Chunk, New, Query, Uri, tnds};
use crate::syncml::Writer;
use crate::syncml::{Code, Data, Format, Head, Item, Location, Meta, Parts, Verb};
use crate::wap::Coding;
use crate::wire::{self, Error, ErrorKind, Text};
use crate::xml::base64;

/// Smallest chunk of a result, in octets; a message with less room is full.
const MIN_CHUNK: usize = 15;

/// Work space of a run.
#[derive(Debug)]
pub(super) struct Work<'x> {
    /// For the texts of a command's head.
    pub(super) head: &'x mut [u8],
    /// For those of an item.
    pub(super) item: &'x mut [u8],
    /// For a value that is decoded or told.
    pub(super) value: &'x mut [u8],
}

impl<'x> Work<'x> {
    /// A quarter for heads, a quarter for items, the rest for values.
    pub(super) fn split(work: &'x mut [u8]) -> Self {
        let quarter = work.len() / 4;
        let (head, rest) = work.split_at_mut_checked(quarter).unwrap_or_default();
        let (item, value) = rest.split_at_mut_checked(quarter).unwrap_or_default();
        Self { head, item, value }
    }
}

/// A value to be told in Results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'v> {
    pub(super) format: Format,
    pub(super) media_type: &'v str,
    pub(super) octets: Option<&'v [u8]>,
    /// Of the whole object, as transported; in its first chunk only.
    pub(super) size: Option<u32>,
    pub(super) more: bool,
}

/// An object that comes in several chunks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    verb: Verb,
    uri: Text<MAX_URI>,
    /// Octets that came, as transported and decoded.
    transported: u32,
    decoded: u32,
    size: Option<u32>,
    /// Characters of base64 that do not make a group yet.
    carry: [u8; 4],
    carried: usize,
}

impl Hands<'_, '_, '_> {
    /// Executes one item of a command that changes something. The end of the session if the storage fails.
    pub(super) fn apply(&mut self, head: &Head<'_>, item: &Item<'_>, parts: &Parts<'_>) -> Result<Code, End> {
        let by = Caller::Server(self.config.account.server_id);
        let Some(target) = item.target.map(|location| location.uri) else { return Ok(Code::INCOMPLETE) };
        let done = match head.verb {
            Verb::Add | Verb::Replace => self.set(head.verb, target, item, parts),
            Verb::Delete => self.tree.delete(by, target).map(|()| Code::OK),
            Verb::Copy => match item.source {
                Some(source) => self.tree.copy(by, source.uri, target, self.work.value).map(|()| Code::OK),
                None => Err(Code::INCOMPLETE),
            },
            Verb::Exec => self.exec(target, head, item),
            _ => Err(Code::NOT_SUPPORTED),
        };
        match done {
            Err(code @ (Code::STORE_FAILURE | Code::ROLL_BACK_FAILED)) => Err(End::Storage(code)),
            Ok(code) | Err(code) => Ok(code),
        }
    }

    fn exec(&mut self, target: &str, head: &Head<'_>, item: &Item<'_>) -> Result<Code, Code> {
        let by = Caller::Server(self.config.account.server_id);
        let octets = item.data.map_or(&[][..], |data| data.octets());
        let format = format_of(item)?;
        let octets = if format == Some(Format::B64) { decode(octets, self.work.value)? } else { octets };
        let argument = New { format, media_type: item.meta.media_type, octets };
        self.tree.exec(by, target, &argument, head.correlator)
    }

    /// Add or Replace.
    fn set(&mut self, verb: Verb, target: &str, item: &Item<'_>, parts: &Parts<'_>) -> Result<Code, Code> {
        let by = Caller::Server(self.config.account.server_id);
        let format = format_of(item)?;
        if item.more_data || self.incoming.is_some() {
            return self.chunk(verb, target, format, item);
        }
        let octets = item.data.map_or(&[][..], |data| data.octets());
        self.bear(octets.len())?;
        if let Some(coding) = item.meta.media_type.and_then(tnds::coding_of)
            && !self.tree.takes_documents(Uri::parse(target, self.tree.limits())?.path)
        {
            return self.sub_tree(verb, target, coding, item, parts);
        }
        if item.data == Some(Data::Markup) {
            return Err(Code::UNSUPPORTED_FORMAT);
        }
        let octets = if format == Some(Format::B64) { decode(octets, self.work.value)? } else { octets };
        let new = New { format, media_type: item.meta.media_type, octets };
        match verb {
            Verb::Add => self.tree.add(by, target, &new)?,
            _ => self.tree.replace(by, target, &new)?,
        }
        Ok(Code::OK)
    }

    /// A whole sub-tree, all or nothing: a transaction of its own, unless an Atomic is one already.
    fn sub_tree(
        &mut self,
        verb: Verb,
        target: &str,
        coding: Coding,
        item: &Item<'_>,
        parts: &Parts<'_>,
    ) -> Result<Code, Code> {
        let by = Caller::Server(self.config.account.server_id);
        if !self.in_atomic {
            self.tree.commit()?;
        }
        format_of(item)?;
        let done = tnds::of_item(coding, item, parts, self.work.value)
            .and_then(|(mut document, rest)| tnds::apply(self.tree, by, verb, target, &mut document, rest));
        if done.is_err() && !self.in_atomic {
            self.tree.roll_back()?;
        }
        done.map(|()| Code::OK)
    }

    /// Refuses an object that is larger than was announced to be taken.
    fn bear(&self, len: usize) -> Result<(), Code> {
        let max = self.config.max_object;
        let fits = max == 0 || u32::try_from(len).is_ok_and(|len| len <= max);
        if fits { Ok(()) } else { Err(Code::TOO_LARGE) }
    }

    /// A chunk of a large object (`oma-dm.md` section 14).
    fn chunk(
        &mut self,
        verb: Verb,
        target: &str,
        format: Option<Format>,
        item: &Item<'_>,
    ) -> Result<Code, Code> {
        let fresh = Incoming {
            verb,
            uri: Text::of(&[target]).ok_or(Code::URI_TOO_LONG)?,
            transported: 0,
            decoded: 0,
            size: item.meta.size,
            carry: [0; 4],
            carried: 0,
        };
        let mut object = self.incoming.take().unwrap_or(fresh);
        let taken = self.take_chunk(&mut object, target, format, item);
        match taken {
            Ok(()) if item.more_data => {
                *self.incoming = Some(object);
                Ok(Code::CHUNK_ACCEPTED)
            }
            Ok(()) => Ok(Code::OK),
            Err(code) => {
                self.tree.drop_pieces();
                Err(code)
            }
        }
    }

    fn take_chunk(
        &mut self,
        object: &mut Incoming,
        target: &str,
        format: Option<Format>,
        item: &Item<'_>,
    ) -> Result<(), Code> {
        let octets = item.data.map_or(&[][..], |data| data.octets());
        let len = u32::try_from(octets.len()).map_err(|_| Code::TOO_LARGE)?;
        object.transported = object.transported.checked_add(len).ok_or(Code::TOO_LARGE)?;
        let expected = object.size.unwrap_or(0).max(object.transported);
        self.bear(usize::try_from(expected).unwrap_or(usize::MAX))?;
        let last = !item.more_data;
        if last && object.size.is_some_and(|size| size != object.transported) {
            return Err(Code::SIZE_MISMATCH);
        }
        let new = New { format, media_type: item.meta.media_type, octets: &[] };
        if format != Some(Format::B64) {
            return self.piece(object, target, &new, octets, last);
        }
        let mut rest = octets;
        while object.carried > 0 && object.carried < 4 {
            let Some((first, tail)) = rest.split_first() else { break };
            if let Some(slot) = object.carry.get_mut(object.carried) {
                *slot = *first;
            }
            object.carried = object.carried.saturating_add(1);
            rest = tail;
        }
        let mut told_last = false;
        if object.carried == 4 {
            let group = object.carry;
            object.carried = 0;
            told_last = last && rest.is_empty();
            self.encoded_piece(object, target, &new, &group, told_last)?;
        }
        let whole = rest.len().saturating_sub(rest.len() % 4);
        let (groups, tail) = rest.split_at_checked(whole).unwrap_or((rest, &[]));
        for (slot, octet) in object.carry.iter_mut().zip(tail) {
            *slot = *octet;
            object.carried = object.carried.saturating_add(1);
        }
        if last && object.carried > 0 {
            return Err(Code::BAD_REQUEST);
        }
        let step = (self.work.value.len() / 3).saturating_mul(4).max(4);
        let mut groups = groups.chunks(step).peekable();
        if groups.peek().is_none() && last && !told_last {
            return self.piece(object, target, &new, &[], true);
        }
        while let Some(group) = groups.next() {
            self.encoded_piece(object, target, &new, group, last && groups.peek().is_none())?;
        }
        Ok(())
    }

    /// A piece whose base64 is `text`; it is short enough for the work space.
    fn encoded_piece(
        &mut self,
        object: &mut Incoming,
        target: &str,
        new: &New<'_>,
        text: &[u8],
        last: bool,
    ) -> Result<(), Code> {
        let value = core::mem::take(&mut self.work.value);
        let taken = decode(text, value).and_then(|octets| self.piece(object, target, new, octets, last));
        self.work.value = value;
        taken
    }

    fn piece(
        &mut self,
        object: &mut Incoming,
        target: &str,
        new: &New<'_>,
        octets: &[u8],
        last: bool,
    ) -> Result<(), Code> {
        let by = Caller::Server(self.config.account.server_id);
        let chunk = Chunk { offset: object.decoded, last, ..Chunk::whole(octets) };
        let len = u32::try_from(octets.len()).map_err(|_| Code::TOO_LARGE)?;
        object.decoded = object.decoded.checked_add(len).ok_or(Code::TOO_LARGE)?;
        self.tree.piece(by, object.verb, target, new, &chunk)
    }

    /// A command that is not the next chunk of the object that is coming in: that is given up, with an Alert 1225.
    pub(super) fn interrupt_large(
        &mut self,
        head: &Head<'_>,
        mut parts: Parts<'_>,
        at: u32,
    ) -> Result<(), End> {
        let Some(object) = *self.incoming else { return Ok(()) };
        let follows = at == 0
            && head.verb == object.verb
            && parts
                .item(self.work.item)
                .ok()
                .flatten()
                .is_some_and(|item| item.target.is_some_and(|target| target.uri == object.uri.as_str()));
        if follows {
            return Ok(());
        }
        self.drop_large();
        // If it does not fit the server finds out by the Status of the command that follows.
        self.write(|link, writer| write_no_end(link, writer, object.uri.as_str()))
            .map(drop)
            .map_err(End::Unreadable)
    }

    /// Gives up the object that is coming in.
    pub(super) fn drop_large(&mut self) {
        *self.incoming = None;
        self.tree.drop_pieces();
    }

    /// Whether `uri` asks for a list of nodes, and with their data.
    pub(super) fn list_of(&self, uri: &str) -> Result<Option<bool>, Code> {
        match Uri::parse(uri, self.tree.limits())?.query {
            Query::Struct { data } => Ok(Some(data)),
            _ => Ok(None),
        }
    }

    /// Writes a value with its Status; `false` if there is more of it, for the next message.
    pub(super) fn value(&mut self, refs: &Refs<'_>, uri: &str, sent: &mut usize) -> Result<bool, End> {
        let value = core::mem::take(&mut self.work.value);
        let done = self.tell(refs, uri, &mut *value, sent);
        self.work.value = value;
        done
    }

    fn tell(&mut self, refs: &Refs<'_>, uri: &str, value: &mut [u8], sent: &mut usize) -> Result<bool, End> {
        let by = Caller::Server(self.config.account.server_id);
        let (format, media_type, octets) = match self.ask(by, uri, value) {
            Ok(found) => found,
            Err(code) => return self.status(refs, code, Some(uri)),
        };
        let told =
            Told { format, media_type: media_type.as_str(), octets: Some(octets), size: None, more: false };
        let size = transported(octets.len(), &told, self.config.coding);
        if self.link.max_object.is_some_and(|max| size > max) {
            return self.status(refs, Code::TOO_LARGE, Some(uri));
        }
        if *sent == 0 {
            match self.results(refs, uri, uri, &told, true) {
                Ok(true) => return Ok(true),
                Ok(false) if self.link.command() != self.fresh => return Ok(false),
                Ok(false) => {}
                // A text that the coding has no characters for.
                Err(_) => return self.status(refs, Code::FAILED, Some(uri)),
            }
        }
        self.tell_chunk(refs, uri, &told, size, sent)
    }

    /// As much of a value as the message has room for.
    fn tell_chunk(
        &mut self,
        refs: &Refs<'_>,
        uri: &str,
        told: &Told<'_>,
        size: u32,
        sent: &mut usize,
    ) -> Result<bool, End> {
        let rest = told.octets.and_then(|octets| octets.get(*sent..)).unwrap_or_default();
        let first = *sent == 0;
        let mut len = rest.len();
        while len >= MIN_CHUNK || len == rest.len() {
            let chunk = cut(rest, len, told.format);
            let more = chunk.len() < rest.len();
            let part = Told { octets: Some(chunk), size: Some(size).filter(|_| first), more, ..*told };
            if self.results(refs, uri, uri, &part, first).map_err(End::Unreadable)? {
                *sent = sent.saturating_add(chunk.len());
                return Ok(!more);
            }
            len = len.saturating_sub(len / 4).min(len.saturating_sub(1));
        }
        if self.link.command() != self.fresh {
            return Ok(false);
        }
        self.status(refs, Code::TOO_LARGE, Some(uri))
    }

    /// What `uri` asks for, its format, its type.
    fn ask<'v>(
        &mut self,
        by: Caller<'_>,
        uri: &str,
        value: &'v mut [u8],
    ) -> Result<(Format, Text<MAX_TYPE>, &'v [u8]), Code> {
        let parsed = Uri::parse(uri, self.tree.limits())?;
        if let Query::Tnds(properties) = parsed.query {
            let document = tnds::write(self.tree, by, parsed.path, properties, value)?;
            return Ok((Format::Xml, Text::of(&[tnds::XML]).unwrap_or(Text::EMPTY), document));
        }
        let mut out = wire::Writer::new(value);
        let format = self.tree.get(by, uri, &mut out)?;
        let typed = parsed.query == Query::Value && format != Format::Node;
        let media_type = if typed { self.tree.media_type(parsed.path) } else { "" };
        Ok((format, Text::of(&[media_type]).unwrap_or(Text::EMPTY), out.finish()))
    }

    /// Writes a list, one Results for each node; `false` if there is more of it, for the next message.
    pub(super) fn list(
        &mut self,
        refs: &Refs<'_>,
        uri: &str,
        data: bool,
        listed: &mut Option<Text<MAX_URI>>,
    ) -> Result<bool, End> {
        let value = core::mem::take(&mut self.work.value);
        let done = self.list_nodes(refs, uri, data, listed, &mut *value);
        self.work.value = value;
        done
    }

    fn list_nodes(
        &mut self,
        refs: &Refs<'_>,
        uri: &str,
        data: bool,
        listed: &mut Option<Text<MAX_URI>>,
        value: &mut [u8],
    ) -> Result<bool, End> {
        let by = Caller::Server(self.config.account.server_id);
        let root = Uri::parse(uri, self.tree.limits()).map_or("", |uri| uri.path);
        if let Err(code) = self.tree.may_get(by, root) {
            return self.status(refs, code, Some(uri));
        }
        loop {
            let mut buffer = [0; MAX_URI];
            let path = match listed {
                None => Some(root),
                Some(last) => self.tree.following(by, root, last.as_str(), &mut buffer),
            };
            let Some(path) = path else { return Ok(true) };
            let format = self.tree.format(path).unwrap_or_default();
            let media_type = Text::<MAX_TYPE>::of(&[self.tree.media_type(path)]).unwrap_or(Text::EMPTY);
            let mut out = wire::Writer::new(&mut *value);
            let leaf = data && format != Format::Node;
            // A leaf whose value cannot be told is listed without it.
            let octets = leaf && self.tree.get(by, path, &mut out).is_ok();
            let octets = octets.then(|| out.finish());
            let told = Told { format, media_type: media_type.as_str(), octets, size: None, more: false };
            let source = Text::<{ MAX_URI + 2 }>::of(&["./", path]).unwrap_or(Text::EMPTY);
            let source = if path.is_empty() { "." } else { source.as_str() };
            let bare = Told { octets: None, ..told };
            let with_status = listed.is_none();
            let fits = match self.results(refs, uri, source, &told, with_status) {
                Ok(false) if self.link.command() == self.fresh => {
                    self.results(refs, uri, source, &bare, with_status)
                }
                Err(_) => self.results(refs, uri, source, &bare, with_status),
                other => other,
            };
            if !fits.map_err(End::Unreadable)? {
                return Ok(false);
            }
            *listed = Text::of(&[path]);
        }
    }
}

/// The Format of an item, if it has one: 415 for a word that is none.
fn format_of(item: &Item<'_>) -> Result<Option<Format>, Code> {
    match item.meta.format {
        None => Ok(None),
        Some(word) => Format::from_name(word).map(Some).ok_or(Code::UNSUPPORTED_FORMAT),
    }
}

/// The octets that base64 text stands for.
fn decode<'v>(text: &[u8], value: &'v mut [u8]) -> Result<&'v [u8], Code> {
    base64::decode(text, value).map_err(|fault| match fault.kind {
        ErrorKind::NoRoom => Code::TOO_LARGE,
        _ => Code::BAD_REQUEST,
    })
}

const fn is_binary(format: Format) -> bool {
    matches!(format, Format::Bin | Format::B64)
}

/// At most `len` octets of a value, cut where text and base64 may be cut.
fn cut(rest: &[u8], len: usize, format: Format) -> &[u8] {
    if len >= rest.len() {
        return rest;
    }
    let len = if is_binary(format) { len.saturating_sub(len % 3) } else { len };
    let chunk = rest.get(..len).unwrap_or_default();
    match str::from_utf8(chunk) {
        Err(fault) if !is_binary(format) => chunk.get(..fault.valid_up_to()).unwrap_or_default(),
        _ => chunk,
    }
}

/// How many octets a value is on its way.
fn transported(len: usize, told: &Told<'_>, coding: Coding) -> u32 {
    let len = if is_binary(told.format) && coding == Coding::Xml { base64::encoded_len(len) } else { len };
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Writes Results of one item.
pub(super) fn write_told(
    link: &mut Link,
    writer: &mut Writer<'_>,
    refs: &Refs<'_>,
    source: &str,
    told: &Told<'_>,
) -> Result<(), Error> {
    let id = link.next_id();
    let head = Head::results(id.as_str(), refs.message, refs.id);
    // Octets are `bin` in WBXML, where they travel as they are, and base64 in XML.
    let format = match (told.format, writer.coding()) {
        (Format::Bin | Format::B64, Coding::Wbxml) => Some(Format::Bin),
        (Format::Bin | Format::B64, Coding::Xml) => Some(Format::B64),
        (Format::Chr, _) => None,
        (format, _) => Some(format),
    };
    let meta = Meta {
        format: format.map(Format::name),
        media_type: Some(told.media_type).filter(|text| !matches!(*text, "" | "text/plain")),
        size: told.size,
        ..Meta::EMPTY
    };
    let data = told.octets.map(|octets| match str::from_utf8(octets) {
        Ok(text) if !is_binary(told.format) => Data::Text(text),
        _ => Data::Octets(octets),
    });
    let item = Item { source: Some(Location::new(source)), meta, data, more_data: told.more, ..Item::EMPTY };
    writer.command(&head)?.item(&item)?.end()
}
