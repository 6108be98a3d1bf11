//! Sub-trees as documents: the Tree and Description Serialisation (`oma-dm.md` sections 3.4, 9.5, 9.6).
//!
//! ```text
//! MgmtTree = VerDTD Man? Mod? Node*
//! Node     = NodeName Path? RTProperties? Value? Node*
//! ```
//! Read are both codings, as documents of their own and as elements inside Data; written is XML, which every message can
//! carry. A Node on the first level that is named as the target of the command is the target itself, others are
//! below it: real documents have both. A node without a name gets one that is free.
//!
//! What an Add may do below a node that is there already is judged command by command; a node that the document itself
//! brings is brought with all that is in it. In an inbox ([`super::Rule::inbox`]) every node of the first level is a whole
//! object: it goes where its identifier belongs, by the rights that hold there. One that no object of the device has is
//! refused with 415; the device itself, in a bootstrap, passes it over.

use super::limits::{MAX_ACL, MAX_DEPTH, MAX_TITLE, MAX_TYPE, MAX_URI};
use super::tree::{is_within, name_of};
use super::{Caller, New, Property, Tree};
use crate::mime::MediaType;
use crate::syncml::{Code, Data, Format, Inline, Item, Parts, Verb};
use crate::wap::Coding;
use crate::wbxml::{Event, Joined, Pull, Sink};
use crate::wire::{self, Decimal, Error, ErrorKind, Text};
use crate::xml::{Octets, Writer, base64};

/// Media type of a sub-tree as XML.
pub const XML: &str = "application/vnd.syncml.dmtnds+xml";
/// Media type of a sub-tree as WBXML.
pub const WBXML: &str = "application/vnd.syncml.dmtnds+wbxml";

/// Deepest element that is written: MgmtTree, nodes, RTProperties, Format, the format's name.
const DEPTH: usize = MAX_DEPTH + 5;
/// The bit of the value among those of the properties.
const VALUE: u16 = 1 << Property::ALL.len();
/// How many names are tried for a node that has none.
const MAX_NAMES: u32 = 64;

/// The coding that a media type tells; `None` if it is not that of a sub-tree.
pub fn coding_of(media_type: &str) -> Option<Coding> {
    let media = MediaType::parse(media_type).ok()?;
    if media.is(XML) {
        Some(Coding::Xml)
    } else if media.is(WBXML) {
        Some(Coding::Wbxml)
    } else {
        None
    }
}

/// Writes what `by` may read of the sub-tree `root`, as XML, to the front of `buffer`, whose last quarter is work space.
///
/// `properties` chooses: empty for all, `+Value+ACL` for only these, `-Format` for all but these; Type is always
/// there. `NOT_SUPPORTED` for a property that there is not, or a mixture; `TOO_LARGE` for too little room.
pub fn write<'v>(
    tree: &mut Tree<'_, '_>,
    by: Caller<'_>,
    root: &str,
    properties: &str,
    buffer: &'v mut [u8],
) -> Result<&'v [u8], Code> {
    let wanted = selection(properties)?;
    tree.may_get(by, root)?;
    let three_quarters = buffer.len().saturating_sub(buffer.len() / 4);
    let (document, value) = buffer.split_at_mut_checked(three_quarters).ok_or(Code::TOO_LARGE)?;
    let mut out: Writer<'_, DEPTH> = Writer::new(document, Octets::Base64);
    out.start("MgmtTree").map_err(code_of)?;
    out.attribute("xmlns", "syncml:dmddf1.2").map_err(code_of)?;
    leaf(&mut out, "VerDTD", "1.2").map_err(code_of)?;
    // Open nodes are the last one and ancestors of it: the lengths of their paths.
    let mut last = path_text(root)?;
    let mut open = [0_usize; MAX_DEPTH + 1];
    let mut count = 0_usize;
    loop {
        let path = last;
        let broken = broken_nesting(path.as_str(), root, &open, count);
        node(tree, by, &mut out, path.as_str(), broken, wanted, &mut *value)?;
        *open.get_mut(count).ok_or(Code::FAILED)? = path.as_str().len();
        count = count.saturating_add(1);
        let mut buffer = [0; MAX_URI];
        let Some(next) = tree.following(by, root, path.as_str(), &mut buffer) else { break };
        while let Some(above) = count.checked_sub(1) {
            let len = open.get(above).copied().unwrap_or(0);
            if is_within(next, path.as_str().get(..len).unwrap_or_default()) {
                break;
            }
            out.end().map_err(code_of)?;
            count = above;
        }
        last = path_text(next)?;
    }
    for _ in 0..count {
        out.end().map_err(code_of)?;
    }
    out.end().map_err(code_of)?;
    out.finish().map_err(code_of)
}

/// The parent of `path` below `root`, if it is not the node that is open: it may not be read.
fn broken_nesting<'p>(path: &'p str, root: &str, open: &[usize], count: usize) -> Option<&'p str> {
    let parent = path.rsplit_once(|c| c == '/').map_or("", |(parent, _)| parent);
    let innermost = count.checked_sub(1).and_then(|i| open.get(i)).copied()?;
    let below = parent.get(root.len()..).map(|below| below.strip_prefix('/').unwrap_or(below));
    below.filter(|_| innermost != parent.len())
}

/// Opens a node and writes everything of it but the nodes below.
fn node(
    tree: &mut Tree<'_, '_>,
    by: Caller<'_>,
    out: &mut Writer<'_, DEPTH>,
    path: &str,
    broken: Option<&str>,
    wanted: u16,
    value: &mut [u8],
) -> Result<(), Code> {
    let format = tree.format(path).ok_or(Code::NOT_FOUND)?;
    out.start("Node").map_err(code_of)?;
    leaf(out, "NodeName", name_of(path)).map_err(code_of)?;
    if let Some(parent) = broken {
        leaf(out, "Path", parent).map_err(code_of)?;
    }
    out.start("RTProperties").map_err(code_of)?;
    for (i, property) in Property::ALL.into_iter().enumerate() {
        let is_type = property == Property::Type;
        if wanted >> i & 1 == 0 && !is_type || property == Property::Size && format == Format::Node {
            continue;
        }
        let mut told = wire::Writer::new(&mut *value);
        tree.property(path, property, &mut told)?;
        let told = str::from_utf8(told.finish()).map_err(|_| Code::FAILED)?;
        if !told.is_empty() || is_type {
            write_property(out, property, format, told).map_err(code_of)?;
        }
    }
    out.end().map_err(code_of)?;
    if format == Format::Node || wanted & VALUE == 0 {
        return Ok(());
    }
    let mut told = wire::Writer::new(value);
    if tree.value_of(by, path, &mut told).is_err() {
        return Ok(());
    }
    out.start("Value").map_err(code_of)?;
    let octets = told.finish();
    match str::from_utf8(octets) {
        Ok(text) if !matches!(format, Format::Bin | Format::B64) => out.text(text),
        _ => out.opaque(octets),
    }
    .map_err(code_of)?;
    out.end().map_err(code_of)
}

fn write_property(
    out: &mut Writer<'_, DEPTH>,
    property: Property,
    format: Format,
    told: &str,
) -> Result<(), Error> {
    out.start(property.name())?;
    match property {
        Property::Format => {
            out.start(told)?;
            out.end()?;
        }
        Property::Type => leaf(out, if format == Format::Node { "DDFName" } else { "MIME" }, told)?,
        _ => out.text(told)?,
    }
    out.end()
}

fn leaf(out: &mut impl Sink, name: &str, text: &str) -> Result<(), Error> {
    out.start(name)?;
    out.text(text)?;
    out.end()
}

/// Which properties are wanted, one bit each in the order of [`Property::ALL`], then the value.
fn selection(text: &str) -> Result<u16, Code> {
    let all = VALUE | VALUE.wrapping_sub(1);
    let adding = text.starts_with(|c| c == '+');
    if text.is_empty() {
        return Ok(all);
    }
    let (sign, other) = if adding { ('+', '-') } else { ('-', '+') };
    let list = text.strip_prefix(sign).ok_or(Code::NOT_SUPPORTED)?;
    if list.contains(|c| c == other) {
        return Err(Code::NOT_SUPPORTED);
    }
    let mut named = 0_u16;
    for name in list.split(|c| c == sign) {
        let place = Property::ALL.iter().position(|property| property.name() == name);
        named |= match (place.and_then(|place| u32::try_from(place).ok()), name) {
            (Some(place), _) => 1_u16.checked_shl(place).unwrap_or(0),
            (None, "Value") => VALUE,
            (None, _) => return Err(Code::NOT_SUPPORTED),
        };
    }
    Ok(if adding { named } else { all & !named })
}

/// What a node of a document says of itself.
struct Described {
    format: Option<Format>,
    media_type: Text<MAX_TYPE>,
    acl: Option<Text<MAX_ACL>>,
    title: Option<Text<MAX_TITLE>>,
    /// Octets of the value in the work space.
    value: usize,
    done: bool,
}

impl Described {
    const NOTHING: Self =
        Self { format: None, media_type: Text::EMPTY, acl: None, title: None, value: 0, done: false };
}

/// Makes a document's sub-tree that of `target`: Add creates its nodes, Replace also removes what is not in it.
///
/// The first fault ends it with nodes changed: whoever calls must roll back. `work` takes values: half of it each as they
/// stand in the document and decoded.
pub fn read(
    tree: &mut Tree<'_, '_>,
    by: Caller<'_>,
    verb: Verb,
    target: &str,
    coding: Coding,
    document: &[u8],
    work: &mut [u8],
) -> Result<(), Code> {
    let mut inline = Inline::document(coding, document).map_err(code_of)?;
    apply(tree, by, verb, target, &mut inline, work)
}

/// The document that an item of this coding brings, and what its base64 leaves of the work space.
pub(super) fn of_item<'d>(
    coding: Coding,
    item: &Item<'d>,
    parts: &Parts<'d>,
    work: &'d mut [u8],
) -> Result<(Inline<'d>, &'d mut [u8]), Code> {
    let octets = item.data.map_or(&[][..], |data| data.octets());
    let encoded = item.meta.format.and_then(Format::from_name) == Some(Format::B64);
    let (document, rest) = match (item.data, parts.inline()) {
        (Some(Data::Markup), Some(inline)) => return Ok((inline, work)),
        _ if encoded => {
            let half = work.len() / 2;
            let (document, rest) = work.split_at_mut_checked(half).ok_or(Code::TOO_LARGE)?;
            (base64::decode(octets, document).map_err(code_of)?, rest)
        }
        _ => (octets, work),
    };
    Ok((Inline::document(coding, document).map_err(code_of)?, rest))
}

/// The same of elements inside Data.
pub fn apply<'a>(
    tree: &mut Tree<'_, '_>,
    by: Caller<'_>,
    verb: Verb,
    target: &str,
    pull: &mut impl Pull<'a>,
    work: &mut [u8],
) -> Result<(), Code> {
    let target = super::Uri::parse(target, tree.limits())?.path;
    let by = if verb == Verb::Replace {
        tree.clear_below(by, target)?;
        // The right to replace the sub-tree is that to everything in it.
        Caller::Device
    } else {
        by
    };
    let inbox = tree.inbox(target);
    if inbox {
        tree.may_add(by, target)?;
    }
    let mut reading = Reading {
        tree,
        by,
        verb,
        target,
        inbox,
        path: path_text(target)?,
        bases: [0; MAX_DEPTH],
        depth: 0,
        moved: false,
        brought: None,
        passed: None,
        node: Described::NOTHING,
        work,
    };
    while let Some(event) = pull.next().map_err(code_of)? {
        match event {
            Event::Start(name) => reading.start(name.text().unwrap_or_default(), pull)?,
            Event::End => reading.end()?,
            _ => {}
        }
    }
    Ok(())
}

struct Reading<'r, 't, 'o> {
    tree: &'r mut Tree<'t, 'o>,
    by: Caller<'r>,
    verb: Verb,
    target: &'r str,
    /// The target is an inbox, or in one.
    inbox: bool,
    path: Text<MAX_URI>,
    /// How long the path was outside of each open node.
    bases: [usize; MAX_DEPTH],
    depth: usize,
    /// Whether the node that is open stands where a `Path` put it.
    moved: bool,
    /// How deep the outermost open node stands that this document has created: what is in it comes with it.
    brought: Option<usize>,
    /// How deep the node stands that is passed over with all that is in it.
    passed: Option<usize>,
    node: Described,
    work: &'r mut [u8],
}

impl Reading<'_, '_, '_> {
    /// An element that is not below one of a node's other children.
    fn start<'a>(&mut self, name: &str, pull: &mut impl Pull<'a>) -> Result<(), Code> {
        match name {
            "MgmtTree" => return Ok(()),
            "Node" => {
                self.flush()?;
                let base = self.path.as_str().len();
                *self.bases.get_mut(self.depth).ok_or(Code::URI_TOO_LONG)? = base;
                self.depth = self.depth.saturating_add(1);
                (self.node, self.moved) = (Described::NOTHING, false);
                return Ok(());
            }
            "NodeName" => {
                let Joined { octets, .. } = Joined::content(pull, self.work).map_err(code_of)?;
                let name = path_text(str::from_utf8(octets).map_err(|_| Code::BAD_REQUEST)?)?;
                return self.enter(name.as_str());
            }
            "Path" => {
                let joined = Joined::content(pull, self.work).map_err(code_of)?;
                let place = path_text(joined.text().ok_or(Code::BAD_REQUEST)?)?;
                return self.relocate(place.as_str());
            }
            "RTProperties" => return self.properties(pull),
            "Value" => {
                let half = self.work.len() / 2;
                let room = self.work.get_mut(..half).unwrap_or_default();
                self.node.value = Joined::content(pull, room).map_err(code_of)?.octets.len();
                return Ok(());
            }
            _ => {}
        }
        pull.skip_element().map(drop).map_err(code_of)
    }

    /// MgmtTree, or a node, is over.
    fn end(&mut self) -> Result<(), Code> {
        let Some(depth) = self.depth.checked_sub(1) else { return Ok(()) };
        self.flush()?;
        self.brought = self.brought.filter(|brought| *brought != self.depth);
        self.passed = self.passed.filter(|passed| *passed != self.depth);
        self.depth = depth;
        let base = self.bases.get(depth).copied().unwrap_or(0);
        // A node of an inbox went somewhere else.
        let path = if depth == 0 { self.target } else { self.path.as_str().get(..base).unwrap_or_default() };
        self.path = path_text(path)?;
        // What encloses it was made before it.
        self.node = Described { done: true, ..Described::NOTHING };
        Ok(())
    }

    /// The name of the node that is open.
    fn enter(&mut self, name: &str) -> Result<(), Code> {
        if name.contains(|c| c == '/') {
            return Err(Code::BAD_REQUEST);
        }
        let outermost = self.depth == 1 && self.path.as_str() == self.target;
        if name.is_empty() || outermost && name_of(self.target) == name {
            return Ok(());
        }
        self.path = joined(self.path.as_str(), name)?;
        Ok(())
    }

    /// The node does not stand where it is nested, but below `place`, which is relative to the target.
    fn relocate(&mut self, place: &str) -> Result<(), Code> {
        let name = path_text(name_of(self.path.as_str()))?;
        let place = place.strip_prefix("./").unwrap_or(place);
        let place = if place == "." { "" } else { place };
        let parent = if place.is_empty() { path_text(self.target)? } else { joined(self.target, place)? };
        self.path = joined(parent.as_str(), name.as_str())?;
        self.moved = true;
        Ok(())
    }

    fn properties<'a>(&mut self, pull: &mut impl Pull<'a>) -> Result<(), Code> {
        while let Some(event) = pull.next().map_err(code_of)? {
            let name = match event {
                Event::Start(name) => name.text().unwrap_or_default(),
                Event::End => return Ok(()),
                _ => continue,
            };
            match name {
                "Format" => self.node.format = format(pull)?,
                "Type" => self.node.media_type = self.inner_text(pull)?,
                "ACL" => self.node.acl = Some(self.text(pull)?),
                "Title" => self.node.title = Some(self.text(pull)?),
                _ => drop(pull.skip_element().map_err(code_of)?),
            }
        }
        Err(Code::BAD_REQUEST)
    }

    fn text<'a, const N: usize>(&mut self, pull: &mut impl Pull<'a>) -> Result<Text<N>, Code> {
        let tail = self.work.len() / 2;
        let room = self.work.get_mut(tail..).unwrap_or_default();
        let joined = Joined::content(pull, room).map_err(code_of)?;
        let text = joined.text().ok_or(Code::BAD_REQUEST)?;
        Text::of(&[text]).ok_or(Code::TOO_LARGE)
    }

    /// `Type = MIME | DDFName`
    fn inner_text<'a, const N: usize>(&mut self, pull: &mut impl Pull<'a>) -> Result<Text<N>, Code> {
        let mut found = Text::EMPTY;
        while let Some(event) = pull.next().map_err(code_of)? {
            match event {
                Event::Start(_) => found = self.text(pull)?,
                Event::End => return Ok(found),
                _ => {}
            }
        }
        Err(Code::BAD_REQUEST)
    }

    /// Makes the node that is open, unless that was done.
    fn flush(&mut self) -> Result<(), Code> {
        if self.depth == 0 || self.node.done {
            return Ok(());
        }
        self.node.done = true;
        if self.passed.is_some() {
            return Ok(());
        }
        let base = self.depth.checked_sub(1).and_then(|i| self.bases.get(i)).copied().unwrap_or(0);
        let unnamed = self.path.as_str().len() == base;
        if self.inbox && self.depth == 1 {
            match self.home()? {
                Some(home) => self.path = home,
                None => return Ok(()),
            }
        } else if unnamed && (self.depth > 1 || self.path.as_str() != self.target) {
            self.path = self.free_name(self.path.as_str())?;
        }
        let half = self.work.len() / 2;
        let (text, decoded) = self.work.split_at_mut_checked(half).ok_or(Code::TOO_LARGE)?;
        let text = text.get(..self.node.value).unwrap_or_default();
        let octets = match self.node.format {
            Some(Format::B64 | Format::Bin) => {
                base64::decode(text, decoded).map_err(|_| Code::BAD_REQUEST)?
            }
            _ => text,
        };
        let media_type = Some(self.node.media_type.as_str()).filter(|text| !text.is_empty());
        let new = New { format: self.node.format, media_type, octets };
        let path = self.path.as_str();
        // The right to bring a node is that to bring what is in it, whatever list it brings along.
        let by = if self.brought.is_some() && !self.moved { Caller::Device } else { self.by };
        let exists = self.tree.format(path);
        match exists {
            Some(Format::Node) => {}
            Some(_) if self.verb == Verb::Add && by != Caller::Device => return Err(Code::ALREADY_EXISTS),
            Some(_) => self.tree.replace(by, path, &new)?,
            None => self.tree.add(by, path, &new)?,
        }
        let by = if exists.is_none() { Caller::Device } else { by };
        if exists.is_none() && self.brought.is_none() {
            self.brought = Some(self.depth);
        }
        for (query, text) in [
            ("?prop=ACL", self.node.acl.as_ref().map(Text::as_str)),
            ("?prop=Title", self.node.title.as_ref().map(Text::as_str)),
        ] {
            if let Some(text) = text {
                let uri: Text<{ MAX_URI + 16 }> = Text::of(&[path, query]).ok_or(Code::URI_TOO_LONG)?;
                self.tree.replace(by, uri.as_str(), &New::value(text.as_bytes()))?;
            }
        }
        Ok(())
    }

    /// Where the object belongs that an inbox got; `None` if it is passed over.
    fn home(&mut self) -> Result<Option<Text<MAX_URI>>, Code> {
        let Some(root) = self.tree.home(self.node.media_type.as_str()) else {
            if self.by != Caller::Device {
                return Err(Code::UNSUPPORTED_FORMAT);
            }
            self.passed = Some(self.depth);
            return Ok(None);
        };
        // It is named by itself, or by the target of the command.
        let named = self.path.as_str().len() > self.target.len() || self.target.contains(|c| c == '/');
        let path = if named { joined(root, name_of(self.path.as_str()))? } else { self.free_name(root)? };
        match (self.tree.format(path.as_str()), self.by) {
            (None, _) => Ok(Some(path)),
            // Who sends a bootstrap cannot know what there is.
            (Some(_), Caller::Device) => self.free_name(root).map(Some),
            (Some(_), Caller::Server(_)) => Err(Code::ALREADY_EXISTS),
        }
    }

    /// A name that nothing has, for a node that brought none.
    fn free_name(&self, parent: &str) -> Result<Text<MAX_URI>, Code> {
        for number in 1..=MAX_NAMES {
            let name: Text<11> = Text::of(&["x", Decimal::new(number).as_str()]).ok_or(Code::FAILED)?;
            let path = joined(parent, name.as_str())?;
            if self.tree.format(path.as_str()).is_none() {
                return Ok(path);
            }
        }
        Err(Code::DEVICE_FULL)
    }
}

/// `Format = b64 | bin | bool | ..`, one empty element; or its name as text, as some write it.
fn format<'a>(pull: &mut impl Pull<'a>) -> Result<Option<Format>, Code> {
    let mut found = None;
    while let Some(event) = pull.next().map_err(code_of)? {
        match event {
            Event::Start(name) => {
                let word = name.text().unwrap_or_default();
                found = Some(Format::from_name(word).ok_or(Code::UNSUPPORTED_FORMAT)?);
                pull.skip_element().map_err(code_of)?;
            }
            Event::Text(text) if !text.trim_ascii().is_empty() => {
                found = Some(Format::from_name(text.trim_ascii()).ok_or(Code::UNSUPPORTED_FORMAT)?);
            }
            Event::End => return Ok(found),
            _ => {}
        }
    }
    Err(Code::BAD_REQUEST)
}

fn path_text(path: &str) -> Result<Text<MAX_URI>, Code> {
    Text::of(&[path]).ok_or(Code::URI_TOO_LONG)
}

fn joined(parent: &str, name: &str) -> Result<Text<MAX_URI>, Code> {
    let between = if parent.is_empty() { "" } else { "/" };
    Text::of(&[parent, between, name]).ok_or(Code::URI_TOO_LONG)
}

/// What a fault of a document means for its command.
pub(super) fn code_of(error: Error) -> Code {
    match error.kind {
        ErrorKind::NoRoom | ErrorKind::LimitExceeded => Code::TOO_LARGE,
        ErrorKind::BadText => Code::FAILED,
        _ => Code::BAD_REQUEST,
    }
}
