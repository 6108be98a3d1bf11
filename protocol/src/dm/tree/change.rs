//! The commands that change the tree.

use super::nodes::Field;
use super::place::{Place, is_permanent, join};
use super::uri::{is_within, name_of, parent_of};
use super::{Acl, Caller, Property, Query, Right, Tree, Uri, copy_of, path_in};
use crate::dm::limits::{MAX_ACL, MAX_SEGMENT, MAX_TITLE, MAX_TYPE, MAX_URI};
use crate::dm::{Access, Call, Chunk, Value};
use crate::syncml::{Code, Format, Verb};
use crate::wire::Writer;

/// Where a value in pieces is put together; no node can have this name.
pub(super) const PARTIAL: &str = "\u{1}";

/// What a node is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct New<'a> {
    /// The format, if one was given: many servers leave it out and mean that of the node.
    pub format: Option<Format>,
    /// The media type or object identifier, if one was given.
    pub media_type: Option<&'a str>,
    /// The value, decoded.
    pub octets: &'a [u8],
}

impl<'a> New<'a> {
    /// A value of the format and type that the node has.
    pub const fn value(octets: &'a [u8]) -> Self {
        Self { format: None, media_type: None, octets }
    }

    /// An interior node.
    pub const INTERIOR: New<'static> = New { format: Some(Format::Node), media_type: None, octets: &[] };
}

impl Tree<'_, '_> {
    /// Creates a node. Interior nodes that are missing above it are created too, if their rules allow it.
    pub fn add(&mut self, by: Caller<'_>, uri: &str, new: &New<'_>) -> Result<(), Code> {
        let uri = plain(Uri::parse(uri, self.limits())?)?;
        let place = self.addable(by, uri.path, new)?;
        self.add_parents(by, uri.path)?;
        self.create(by, &place, new)
    }

    /// Overwrites the value of a leaf, or a property.
    pub fn replace(&mut self, by: Caller<'_>, uri: &str, new: &New<'_>) -> Result<(), Code> {
        let uri = Uri::parse(uri, self.limits())?;
        match uri.query {
            Query::Value => {
                let place = self.replaceable(by, uri.path, new)?;
                self.assign(&place, new)
            }
            Query::Property(property) => {
                let text = str::from_utf8(new.octets).map_err(|_| Code::BAD_REQUEST)?;
                self.replace_property(by, uri.path, property, text)
            }
            Query::Struct { .. } | Query::Tnds(_) => Err(Code::NOT_ALLOWED),
        }
    }

    /// Removes a node with all below it.
    pub fn delete(&mut self, by: Caller<'_>, uri: &str) -> Result<(), Code> {
        let uri = plain(Uri::parse(uri, self.limits())?)?;
        let place = self.place(uri.path)?;
        if is_permanent(place.rule) {
            return Err(Code::NOT_ALLOWED);
        }
        self.permit(by, &place, Access::DELETE, Right::Delete)?;
        self.dirty = true;
        self.nodes.remove(uri.path);
        Ok(())
    }

    /// Overwrites the leaf `to` with the value of the leaf `from`, which goes through `scratch`.
    pub fn copy(&mut self, by: Caller<'_>, from: &str, to: &str, scratch: &mut [u8]) -> Result<(), Code> {
        let source = plain(Uri::parse(from, self.limits())?)?;
        let place = self.readable(by, source.path)?;
        self.permit(by, &place, Access::COPY, Right::Get)?;
        let mut out = Writer::new(scratch);
        let format = self.write_value(&place, &mut out)?;
        if format == Format::Node {
            return Err(Code::NOT_ALLOWED);
        }
        self.replace(by, to, &New { format: Some(format), media_type: None, octets: out.written() })
    }

    /// Runs the process behind a node. What `argument` has no format for may be anything.
    pub fn exec(
        &mut self,
        by: Caller<'_>,
        uri: &str,
        argument: &New<'_>,
        correlator: Option<&str>,
    ) -> Result<Code, Code> {
        let uri = plain(Uri::parse(uri, self.limits())?)?;
        let place = self.place(uri.path)?;
        self.permit(by, &place, Access::EXEC, Right::Exec)?;
        let server = match by {
            Caller::Device => "",
            Caller::Server(server) => server,
        };
        let New { octets, media_type, .. } = *argument;
        let call = Call { path: place.path, argument: octets, media_type, correlator, server };
        let object = self.objects.get_mut(place.object).ok_or(Code::NOT_ALLOWED)?;
        // What an object stages while it runs is committed with the rest.
        self.dirty = true;
        object.exec(&call, &self.nodes)
    }

    /// Takes a piece of the value that an Add or Replace brings in several. The command is judged at the first piece and
    /// has its effect with the last; another first piece, or [`Self::drop_pieces`], gives up what came before.
    pub fn piece(
        &mut self,
        by: Caller<'_>,
        verb: Verb,
        uri: &str,
        new: &New<'_>,
        chunk: &Chunk<'_>,
    ) -> Result<(), Code> {
        let uri = plain(Uri::parse(uri, self.limits())?)?;
        let empty = New { octets: &[], ..*new };
        let place = match verb {
            Verb::Add => self.addable(by, uri.path, &empty)?,
            Verb::Replace => self.replaceable(by, uri.path, &empty)?,
            _ => return Err(Code::NOT_ALLOWED),
        };
        if chunk.offset == 0 {
            self.nodes.remove(PARTIAL);
        }
        let end = usize::try_from(chunk.offset).unwrap_or(usize::MAX).saturating_add(chunk.octets.len());
        fits_len(&place, end)?;
        // Nothing of it is worth a transaction before the last.
        self.dirty |= chunk.last;
        let object = self.objects.get_mut(place.object).ok_or(Code::FAILED)?;
        if place.rule.value == Value::Object && !place.rule.comes_whole() {
            return object.put(place.path, &Chunk { media_type: new.media_type, ..*chunk });
        }
        self.nodes.append(PARTIAL, chunk.octets)?;
        if !chunk.last {
            return Ok(());
        }
        let whole = self.nodes.value(PARTIAL).unwrap_or_default();
        judge(self.format_for(&place, new), whole)?;
        let object = self.objects.get_mut(place.object).ok_or(Code::FAILED)?;
        if place.rule.value == Value::Object {
            object.put(place.path, &Chunk { media_type: new.media_type, ..Chunk::whole(whole) })?;
            self.nodes.remove(PARTIAL);
            return self.mark_changed(place.path);
        }
        object.check(place.path, whole, &self.nodes)?;
        if verb == Verb::Add {
            self.add_parents(by, uri.path)?;
        }
        self.mark_changed(place.path)?;
        self.describe(&place, new)?;
        self.nodes.adopt(place.path, PARTIAL)
    }

    /// Gives up the pieces of a value that did not come to its end.
    pub fn drop_pieces(&mut self) {
        self.nodes.remove(PARTIAL);
    }

    /// Strikes a server from every access control list, for when its account is removed (`oma-dm.md` section 9.4).
    pub fn forget_server(&mut self, server: &str) -> Result<(), Code> {
        let mut path = [0; MAX_URI];
        let count = self.nodes.paths().count();
        for number in 0..count {
            let at = copy_of(self.nodes.paths().nth(number).unwrap_or_default(), &mut path);
            let Some(acl) = self.nodes.text_field(at, Field::Acl).map(Acl::new) else { continue };
            let mut buffer = [0; MAX_ACL];
            let rest = acl.without(server, &mut buffer)?;
            if rest.as_str().len() == acl.as_str().len() {
                continue;
            }
            // On the root a command that loses its last server goes to everybody.
            let mut opened = [0; MAX_ACL];
            let rest = if at.is_empty() { acl.opened(&rest, &mut opened)? } else { rest };
            self.dirty = true;
            if rest.as_str().is_empty() {
                self.nodes.clear(at, Field::Acl);
            } else {
                self.nodes.set(at, Field::Acl, rest.as_str().as_bytes())?;
            }
        }
        Ok(())
    }

    /// The place of a node that `by` may add.
    fn addable<'p>(&self, by: Caller<'_>, path: &'p str, new: &New<'_>) -> Result<Place<'p>, Code> {
        if self.place(path).is_ok() {
            return Err(Code::ALREADY_EXISTS);
        }
        let parent = self.existing_parent(path)?;
        if self.format_of(&parent) != Format::Node {
            return Err(Code::NOT_ALLOWED);
        }
        let place = self.rule(path).filter(|place| !is_permanent(place.rule)).ok_or(Code::NOT_ALLOWED)?;
        if by != Caller::Device && !place.rule.access.has(Access::ADD) {
            return Err(Code::NOT_ALLOWED);
        }
        if !self.has_right(by, parent.path, Right::Add) {
            return Err(Code::PERMISSION_DENIED);
        }
        self.acceptable(&place, new)?;
        Ok(place)
    }

    fn replaceable<'p>(&self, by: Caller<'_>, path: &'p str, new: &New<'_>) -> Result<Place<'p>, Code> {
        let place = self.place(path)?;
        self.permit(by, &place, Access::REPLACE, Right::Replace)?;
        if self.format_of(&place) == Format::Node {
            return Err(Code::NOT_ALLOWED);
        }
        self.acceptable(&place, new)?;
        Ok(place)
    }

    /// The nearest node above `path` that exists; `NOT_FOUND` if what is missing in between cannot be created.
    fn existing_parent<'p>(&self, path: &'p str) -> Result<Place<'p>, Code> {
        let mut at = parent_of(path).ok_or(Code::NOT_ALLOWED)?;
        loop {
            if let Ok(place) = self.place(at) {
                return Ok(place);
            }
            let creatable = self.rule(at).is_some_and(|place| {
                place.rule.format == Format::Node
                    && !is_permanent(place.rule)
                    && place.rule.access.has(Access::ADD)
            });
            at = parent_of(at).filter(|_| creatable).ok_or(Code::NOT_FOUND)?;
        }
    }

    /// Creates the interior nodes that are missing above `path`.
    fn add_parents(&mut self, by: Caller<'_>, path: &str) -> Result<(), Code> {
        let above = path.char_indices().filter(|(_, c)| *c == '/').map(|(i, _)| i);
        for end in above {
            let Some(parent) = path.get(..end) else { continue };
            if self.place(parent).is_err()
                && let Some(place) = self.rule(parent)
                && !is_permanent(place.rule)
            {
                self.create(by, &place, &New::INTERIOR)?;
            }
        }
        Ok(())
    }

    fn create(&mut self, by: Caller<'_>, place: &Place<'_>, new: &New<'_>) -> Result<(), Code> {
        if place.rule.format != Format::Node {
            return self.assign(place, new);
        }
        self.mark_changed(place.path)?;
        self.describe(place, new)?;
        self.own(by, place.path)
    }

    /// A server that adds an interior node below one that it may not replace gets its rights there.
    fn own(&mut self, by: Caller<'_>, path: &str) -> Result<(), Code> {
        let (Caller::Server(server), Some(parent)) = (by, parent_of(path)) else { return Ok(()) };
        if self.has_right(by, parent, Right::Replace) {
            return Ok(());
        }
        // A list of its own ends inheritance, so a right to read that it had must stand in it.
        let may_read = self.has_right(by, parent, Right::Get);
        let mut acl = [0; MAX_ACL];
        let mut w = Writer::new(&mut acl);
        for right in [Right::Add, Right::Delete, Right::Get, Right::Replace] {
            if right == Right::Get && !may_read {
                continue;
            }
            let between = if w.at() > 0 { "&" } else { "" };
            for text in [between, right.name(), "=", server] {
                w.put(text.as_bytes()).map_err(|_| Code::DEVICE_FULL)?;
            }
        }
        self.nodes.set(path, Field::Acl, w.written())
    }

    /// Gives a leaf its value.
    fn assign(&mut self, place: &Place<'_>, new: &New<'_>) -> Result<(), Code> {
        let object = self.objects.get_mut(place.object).ok_or(Code::FAILED)?;
        if place.rule.value == Value::Object {
            object.put(place.path, &Chunk { media_type: new.media_type, ..Chunk::whole(new.octets) })?;
            return self.mark_changed(place.path);
        }
        object.check(place.path, new.octets, &self.nodes)?;
        self.mark_changed(place.path)?;
        self.describe(place, new)?;
        self.nodes.set(place.path, Field::Value, new.octets)
    }

    /// Keeps the format and type of a node where they differ from its rule's.
    fn describe(&mut self, place: &Place<'_>, new: &New<'_>) -> Result<(), Code> {
        match new.media_type.filter(|text| !text.is_empty()) {
            Some(text) if text != place.rule.media_type => {
                self.nodes.set(place.path, Field::Type, text.as_bytes())
            }
            Some(_) => {
                self.nodes.clear(place.path, Field::Type);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The node is in the image from now on, with one more change.
    fn mark_changed(&mut self, path: &str) -> Result<(), Code> {
        self.dirty = true;
        let version = self.version(path).wrapping_add(1);
        self.nodes.set(path, Field::Version, &version.to_be_bytes())?;
        if let Some(stamp) = self.stamp {
            return self.nodes.set(path, Field::Stamp, &stamp);
        }
        self.nodes.clear(path, Field::Stamp);
        Ok(())
    }

    fn format_for(&self, place: &Place<'_>, new: &New<'_>) -> Format {
        let own = self.format_of(place);
        match (own, new.format) {
            (Format::Null, Some(format)) => format,
            _ => own,
        }
    }

    /// Refuses a format that the node has not, a value that its format has not, and what is too long.
    fn acceptable(&self, place: &Place<'_>, new: &New<'_>) -> Result<(), Code> {
        let own = self.format_of(place);
        // Text may happen to be markup.
        let fits = match (own, new.format) {
            (_, None)
            | (Format::Bin | Format::B64, Some(Format::Bin | Format::B64))
            | (Format::Xml | Format::Chr, Some(Format::Xml | Format::Chr)) => true,
            (Format::Node, Some(given)) => given == Format::Node,
            (_, Some(Format::Null)) => new.octets.is_empty(),
            (own, Some(given)) => own == given,
        };
        if !fits || new.media_type.is_some_and(|text| text.len() > MAX_TYPE) {
            return Err(Code::UNSUPPORTED_FORMAT);
        }
        fits_len(place, new.octets.len())?;
        judge(own, new.octets)
    }

    fn replace_property(
        &mut self,
        by: Caller<'_>,
        path: &str,
        property: Property,
        text: &str,
    ) -> Result<(), Code> {
        let place = self.place(path)?;
        match property {
            Property::Acl => self.replace_acl(by, &place, text),
            Property::Title => {
                self.may_replace(by, path)?;
                if text.len() > MAX_TITLE {
                    return Err(Code::TOO_LARGE);
                }
                self.dirty = true;
                self.nodes.set(path, Field::Title, text.as_bytes())
            }
            Property::Name => self.rename(by, &place, text),
            _ => Err(Code::NOT_ALLOWED),
        }
    }

    /// Removes everything added below `path`, and what was set there, if `by` may replace it.
    pub(in crate::dm) fn clear_below(&mut self, by: Caller<'_>, path: &str) -> Result<(), Code> {
        let place = self.place(path)?;
        self.permit(by, &place, Access::REPLACE, Right::Replace)?;
        if self.format_of(&place) != Format::Node {
            return Err(Code::NOT_ALLOWED);
        }
        self.dirty = true;
        self.nodes.remove_below(path);
        Ok(())
    }

    /// Whether `path` is that of an inbox, or would be in one.
    pub(in crate::dm) fn inbox(&self, path: &str) -> bool {
        let root = path.split_once(|c| c == '/').map_or(path, |(root, _)| root);
        self.rule(root).is_some_and(|place| place.rule.is_inbox())
    }

    /// Whether `by` may put something into the inbox at or above `path`.
    pub(in crate::dm) fn may_add(&self, by: Caller<'_>, path: &str) -> Result<(), Code> {
        if self.has_right(by, path, Right::Add) { Ok(()) } else { Err(Code::PERMISSION_DENIED) }
    }

    /// The node below which objects with this identifier are added; `None` if this device has none of them.
    pub(in crate::dm) fn home(&self, identifier: &str) -> Option<&'static str> {
        if identifier.is_empty() {
            return None;
        }
        let mut rules = self.objects.iter().flat_map(|object| object.rules());
        rules.find(|rule| rule.media_type == identifier)?.path.strip_suffix("/*")
    }

    /// Whether the node at `path` is a leaf whose object takes documents as they are.
    pub(in crate::dm) fn takes_documents(&self, path: &str) -> bool {
        self.rule(path)
            .is_some_and(|place| place.rule.format != Format::Node && place.rule.value == Value::Object)
    }

    /// Whether `by` may read the node at `path`.
    pub(in crate::dm) fn may_get(&self, by: Caller<'_>, path: &str) -> Result<(), Code> {
        self.readable(by, path).map(drop)
    }

    fn may_replace(&self, by: Caller<'_>, path: &str) -> Result<(), Code> {
        if self.has_right(by, path, Right::Replace) { Ok(()) } else { Err(Code::PERMISSION_DENIED) }
    }

    /// Whoever may replace an interior node may change its list; that of a leaf, and of any node, whoever may replace its
    /// parent. The root's must give Add to everybody.
    fn replace_acl(&mut self, by: Caller<'_>, place: &Place<'_>, text: &str) -> Result<(), Code> {
        let own = self.format_of(place) == Format::Node && self.has_right(by, place.path, Right::Replace);
        let by_parent =
            parent_of(place.path).is_some_and(|parent| self.has_right(by, parent, Right::Replace));
        if !own && !by_parent {
            return Err(Code::PERMISSION_DENIED);
        }
        let mut buffer = [0; MAX_ACL];
        let acl = Acl::new(text).normalised(&mut buffer)?;
        if place.path.is_empty() && !acl.allows(Right::Add, "*") {
            return Err(Code::NOT_ALLOWED);
        }
        self.dirty = true;
        if acl.as_str().is_empty() {
            self.nodes.clear(place.path, Field::Acl);
            return Ok(());
        }
        self.nodes.set(place.path, Field::Acl, acl.as_str().as_bytes())
    }

    fn rename(&mut self, by: Caller<'_>, place: &Place<'_>, name: &str) -> Result<(), Code> {
        self.may_replace(by, place.path)?;
        if is_permanent(place.rule) || name_of(place.rule.path) != "*" {
            return Err(Code::NOT_ALLOWED);
        }
        if name.is_empty() || name.contains(|c| c == '/' || c == '?') || name.len() > MAX_SEGMENT {
            return Err(Code::BAD_REQUEST);
        }
        let parent = parent_of(place.path).unwrap_or_default();
        let mut buffer = [0; MAX_URI];
        let len = join(parent, name, &mut buffer).ok_or(Code::URI_TOO_LONG)?;
        let path = path_in(&buffer, len);
        let path = Uri::parse(path, self.limits())?.path;
        if self.place(path).is_ok() {
            return Err(Code::ALREADY_EXISTS);
        }
        let longest = self.nodes.paths().filter(|known| is_within(known, place.path)).map(str::len).max();
        let grown = longest.unwrap_or(0).saturating_sub(place.path.len()).saturating_add(path.len());
        if grown > MAX_URI {
            return Err(Code::URI_TOO_LONG);
        }
        self.dirty = true;
        self.nodes.rename(place.path, path)
    }
}

/// An address without a query: what a property does not take is `NOT_ALLOWED`.
fn plain(uri: Uri<'_>) -> Result<Uri<'_>, Code> {
    if uri.query == Query::Value { Ok(uri) } else { Err(Code::NOT_ALLOWED) }
}

fn fits_len(place: &Place<'_>, len: usize) -> Result<(), Code> {
    let limit = usize::try_from(place.rule.max_len).unwrap_or(usize::MAX);
    if limit > 0 && len > limit { Err(Code::TOO_LARGE) } else { Ok(()) }
}

/// Refuses a value that its format has not; an empty one is none, and always allowed.
fn judge(format: Format, octets: &[u8]) -> Result<(), Code> {
    if octets.is_empty() || matches!(format, Format::Bin | Format::B64) {
        return Ok(());
    }
    let text = str::from_utf8(octets).map_err(|_| Code::BAD_REQUEST)?;
    let good = match format {
        Format::Bool => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        Format::Int => text.parse::<i32>().is_ok(),
        Format::Float => {
            text.bytes()
                .all(|octet| octet.is_ascii_digit() || matches!(octet, b'+' | b'-' | b'.' | b'e' | b'E'))
                || matches!(text, "INF" | "-INF" | "NaN")
        }
        Format::Date | Format::Time => text
            .bytes()
            .all(|octet| octet.is_ascii_digit() || matches!(octet, b'-' | b':' | b'+' | b'.' | b'T' | b'Z')),
        Format::Node | Format::Null => false,
        Format::Chr | Format::Xml | Format::Bin | Format::B64 => true,
    };
    if good { Ok(()) } else { Err(Code::BAD_REQUEST) }
}
