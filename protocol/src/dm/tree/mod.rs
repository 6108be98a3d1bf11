//! The management tree (`oma-dm.md` section 9): what exists, who may do what with it, and the commands on it.
//!
//! A command is judged in this order: address (400, 406, 414), existence (404, 418), access type (405), access control
//! list (425), format and size (413, 415, 400), then whatever the object says. A command that fails changes nothing,
//! but one that brings a whole sub-tree: that is rolled back by whoever runs it (see [`Tree::commit`]).

mod acl;
mod change;
mod nodes;
mod place;
mod uri;

pub use acl::{Acl, Right};
pub use change::New;
pub use nodes::Nodes;
pub use uri::{Property, Query, Uri, UriLimits};

use self::nodes::Field;
use self::place::Place;
pub(in crate::dm) use self::uri::{is_within, name_of};
use super::{Access, Object, Store, StoreError, Value};
use crate::syncml::{Code, Format};
use crate::wire::{Decimal, Writer};

/// Who gives a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'a> {
    /// The device itself: no access type and no list stands in its way, only the rules do.
    Device,
    /// A server, by the ServerID of its account; never by its address.
    Server(&'a str),
}

/// Why a tree could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeError {
    /// The image could not be read, or is none.
    Store(StoreError),
    /// Two objects have a rule for the same path, or one whose parent no rule has: the place of the object among the
    /// others, and the place of the rule in it.
    BadRule(usize, usize),
}

impl core::fmt::Display for TreeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "tree image: {error}"),
            Self::BadRule(object, rule) => {
                write!(f, "rule {rule} of object {object} collides or has no parent")
            }
        }
    }
}

impl core::error::Error for TreeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::BadRule(..) => None,
        }
    }
}

/// What a tree knows besides what is in its buffer, its objects and its storage: enough to go on with it, also in the middle
/// of a transaction, where it is made anew for every input of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    len: usize,
    stamp: Option<[u8; 16]>,
    dirty: bool,
}

impl Paused {
    /// A tree without nodes of its own: nothing was read yet.
    pub const EMPTY: Self = Self { len: 0, stamp: None, dirty: false };
}

/// The tree of a device: its objects, the values it keeps for them, and the storage behind it.
pub struct Tree<'t, 'o> {
    nodes: Nodes<'t>,
    objects: &'t mut [&'o mut (dyn Object + 'o)],
    store: &'t mut (dyn Store + 't),
    limits: UriLimits,
    stamp: Option<[u8; 16]>,
    /// Whether the image differs from the stored one, or an object was given something.
    dirty: bool,
}

impl core::fmt::Debug for Tree<'_, '_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tree").field("nodes", &self.nodes.image().len()).field("dirty", &self.dirty).finish()
    }
}

impl<'t, 'o> Tree<'t, 'o> {
    /// Reads the stored image into `buffer`, which bounds everything the tree can keep.
    pub fn open(
        buffer: &'t mut [u8],
        objects: &'t mut [&'o mut (dyn Object + 'o)],
        store: &'t mut (dyn Store + 't),
        limits: UriLimits,
    ) -> Result<Self, TreeError> {
        let mut nodes = Nodes::new(buffer);
        nodes.load(store).map_err(TreeError::Store)?;
        // Of a value that did not come to its end before the power went.
        nodes.remove(change::PARTIAL);
        let tree = Self { nodes, objects, store, limits, stamp: None, dirty: false };
        match tree.bad_rule() {
            Some((object, rule)) => Err(TreeError::BadRule(object, rule)),
            None => Ok(tree),
        }
    }

    /// Goes on with the tree that was [paused](Self::pause): with the same buffer, which nobody touched, and the same objects
    /// as they were then.
    pub fn resume(
        buffer: &'t mut [u8],
        paused: Paused,
        objects: &'t mut [&'o mut (dyn Object + 'o)],
        store: &'t mut (dyn Store + 't),
        limits: UriLimits,
    ) -> Self {
        let Paused { len, stamp, dirty } = paused;
        Self { nodes: Nodes::resume(buffer, len), objects, store, limits, stamp, dirty }
    }

    /// What [`Self::resume`] needs.
    pub fn pause(&self) -> Paused {
        Paused { len: self.nodes.image().len(), stamp: self.stamp, dirty: self.dirty }
    }

    /// The time with which changed nodes are stamped from now on, as `20010711T163817Z`; `None` if the device does not
    /// know it. A text of another length counts as none.
    pub fn set_time(&mut self, now: Option<&str>) {
        self.stamp = now.and_then(|now| now.as_bytes().first_chunk::<16>().copied());
    }

    /// What the tree keeps.
    pub const fn nodes(&self) -> &Nodes<'t> {
        &self.nodes
    }

    /// The bounds of addresses.
    pub const fn limits(&self) -> &UriLimits {
        &self.limits
    }

    /// Writes what `uri` asks for, but lists, to `out`: a value (decoded), the names of an interior node's children, or
    /// a property. Returns the format; [`Self::media_type`] tells the type.
    pub fn get(&mut self, by: Caller<'_>, uri: &str, out: &mut Writer<'_>) -> Result<Format, Code> {
        let uri = Uri::parse(uri, &self.limits)?;
        let place = self.readable(by, uri.path)?;
        match uri.query {
            Query::Value => self.write_value(&place, out),
            Query::Property(property) => self.write_property(&place, property, out).map(|()| Format::Chr),
            Query::Struct { .. } | Query::Tnds(_) => Err(Code::NOT_SUPPORTED),
        }
    }

    /// The media type of a leaf, or the object identifier of an interior node; empty for a node that is not there.
    pub fn media_type(&self, path: &str) -> &str {
        match self.place(path) {
            Ok(place) => self.nodes.text_field(path, Field::Type).unwrap_or(place.rule.media_type),
            Err(_) => "",
        }
    }

    /// The format of a node; `None` for one that is not there.
    pub fn format(&self, path: &str) -> Option<Format> {
        self.place(path).ok().map(|place| self.format_of(&place))
    }

    /// The node after `current` in the sub-tree of `root`, parents first, among those that `by` may read; its path is
    /// written to `buffer`. Begin with `root` itself.
    pub fn following<'b>(
        &self,
        by: Caller<'_>,
        root: &str,
        current: &str,
        buffer: &'b mut [u8],
    ) -> Option<&'b str> {
        let mut at = self.step(root, current, true, &mut *buffer)?;
        while self.readable(by, path_in(buffer, at)).is_err() {
            // What may not be read is passed over; what is below it may have a list of its own.
            let mut copy = [0; super::limits::MAX_URI];
            let path = copy_of(path_in(buffer, at), &mut copy);
            at = self.step(root, path, true, &mut *buffer)?;
        }
        buffer.get(..at).and_then(|octets| str::from_utf8(octets).ok())
    }

    /// Makes everything since the last transaction permanent: the image first, then the objects.
    pub fn commit(&mut self) -> Result<(), Code> {
        if !self.dirty {
            return Ok(());
        }
        let saved = self.store.save(self.nodes.image());
        saved.map_err(|error| match error {
            StoreError::NoRoom(_) => Code::DEVICE_FULL,
            StoreError::Failed => Code::STORE_FAILURE,
        })?;
        self.dirty = false;
        let mut outcome = Ok(());
        for object in self.objects.iter_mut() {
            outcome = outcome.and(object.commit(&self.nodes));
        }
        outcome
    }

    /// Gives up everything since the last transaction.
    pub fn roll_back(&mut self) -> Result<(), Code> {
        for object in self.objects.iter_mut() {
            object.roll_back();
        }
        self.dirty = false;
        self.nodes.load(self.store).map_err(|_| Code::ROLL_BACK_FAILED)
    }

    /// Whether something waits for [`Self::commit`].
    pub const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Writes a property, whoever asks.
    pub(in crate::dm) fn property(
        &mut self,
        path: &str,
        property: Property,
        out: &mut Writer<'_>,
    ) -> Result<(), Code> {
        let place = self.place(path)?;
        self.write_property(&place, property, out)
    }

    /// Writes a value that `by` may read.
    pub(in crate::dm) fn value_of(
        &mut self,
        by: Caller<'_>,
        path: &str,
        out: &mut Writer<'_>,
    ) -> Result<Format, Code> {
        let place = self.readable(by, path)?;
        self.write_value(&place, out)
    }

    /// The node at `path`, which `by` may read.
    fn readable<'p>(&self, by: Caller<'_>, path: &'p str) -> Result<Place<'p>, Code> {
        let place = match self.place(path) {
            // Nothing below an inbox can be read, whether it was ever there or not.
            Err(Code::NOT_FOUND) if self.inbox(path) => return Err(Code::NOT_ALLOWED),
            place => place?,
        };
        self.permit(by, &place, Access::GET, Right::Get)?;
        Ok(place)
    }

    fn write_value(&mut self, place: &Place<'_>, out: &mut Writer<'_>) -> Result<Format, Code> {
        let format = self.format_of(place);
        let too_large = |_| Code::TOO_LARGE;
        if format == Format::Node {
            let mut name = self.child_after(place.path, None);
            while let Some(child) = name {
                out.put(child.as_bytes()).map_err(too_large)?;
                name = self.child_after(place.path, Some(child));
                if name.is_some() {
                    out.u8(b'/').map_err(too_large)?;
                }
            }
        } else if place.rule.value != Value::Kept {
            let object = self.objects.get_mut(place.object).ok_or(Code::FAILED)?;
            match object.get(place.path, &self.nodes, out) {
                Err(Code::NOT_FOUND) if place.rule.value == Value::Covered => self.write_kept(place, out)?,
                told => told?,
            }
        } else {
            self.write_kept(place, out)?;
        }
        Ok(format)
    }

    fn write_kept(&self, place: &Place<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        let value = self.nodes.value(place.path).unwrap_or(place.rule.default.as_bytes());
        out.put(value).map_err(|_| Code::TOO_LARGE)
    }

    fn write_property(
        &mut self,
        place: &Place<'_>,
        property: Property,
        out: &mut Writer<'_>,
    ) -> Result<(), Code> {
        let field = |kind| self.nodes.field(place.path, kind).unwrap_or_default();
        let text = match property {
            Property::Acl if place.path.is_empty() => self.root_acl().as_str().as_bytes(),
            Property::Acl => field(Field::Acl),
            Property::Format => self.format_of(place).name().as_bytes(),
            Property::Name => name_of(place.path).as_bytes(),
            Property::Title => field(Field::Title),
            Property::Stamp => field(Field::Stamp),
            Property::Type => self.media_type(place.path).as_bytes(),
            Property::Size => return self.write_size(place, out),
            Property::Version => {
                let number = Decimal::new(self.version(place.path).into());
                return out.put(number.as_str().as_bytes()).map_err(|_| Code::TOO_LARGE);
            }
        };
        out.put(text).map_err(|_| Code::TOO_LARGE)
    }

    /// The size of a leaf's value, which is written behind `out` for that, and given up.
    fn write_size(&mut self, place: &Place<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        if self.format_of(place) == Format::Node {
            return Err(Code::NOT_ALLOWED);
        }
        let start = out.at();
        let written = self.write_value(place, out);
        let len = out.at().saturating_sub(start);
        out.truncate(start);
        written?;
        let number = Decimal::new(u32::try_from(len).unwrap_or(u32::MAX));
        out.put(number.as_str().as_bytes()).map_err(|_| Code::TOO_LARGE)
    }

    fn format_of(&self, place: &Place<'_>) -> Format {
        self.nodes.format(place.path).unwrap_or(place.rule.format)
    }

    fn version(&self, path: &str) -> u16 {
        match self.nodes.field(path, Field::Version) {
            Some(&[high, low]) => u16::from_be_bytes([high, low]),
            _ => 0,
        }
    }
}

/// The path that was written to the first `len` octets of `buffer`.
fn path_in(buffer: &[u8], len: usize) -> &str {
    buffer.get(..len).and_then(|octets| str::from_utf8(octets).ok()).unwrap_or_default()
}

/// A copy of `text` in `buffer`, which is as long as the longest path.
fn copy_of<'b>(text: &str, buffer: &'b mut [u8]) -> &'b str {
    let mut w = Writer::new(buffer);
    // Longer texts are no paths of the tree.
    let _ = w.put(text.as_bytes());
    str::from_utf8(w.finish()).unwrap_or_default()
}
