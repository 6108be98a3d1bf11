//! What an OEM writes to put something into the management tree.
//!
//! An object says by [`Rule`]s which nodes it has and what may be done with them; existence, access types, access
//! control lists, properties, limits, listing, roll-back and storage are the tree's business. Most leaves need nothing
//! more than their rule. This is a whole object:
//!
//! ```
//! use kedge_protocol::dm::{Access, Nodes, Object, Rule};
//! use kedge_protocol::syncml::{Code, Format};
//! use kedge_protocol::wire::Writer;
//!
//! struct Lamp { celsius: u8 }
//!
//! impl Object for Lamp {
//!     fn rules(&self) -> &'static [Rule] {
//!         const RULES: &[Rule] = &[
//!             Rule::interior("Lamp", "org.example.lamp:1.0"),
//!             Rule::kept("Lamp/Colour", Format::Chr, Access::GET.and(Access::REPLACE)),
//!             Rule::computed("Lamp/Temperature", Format::Int, Access::GET),
//!         ];
//!         RULES
//!     }
//!
//!     fn get(&mut self, _path: &str, _nodes: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
//!         let digits = kedge_protocol::wire::Decimal::new(self.celsius.into());
//!         out.put(digits.as_str().as_bytes()).map_err(|_| Code::TOO_LARGE)
//!     }
//! }
//! ```
//! And this is how a server sees it:
//!
//! ```
//! # use kedge_protocol::dm::{Access, Nodes, Object, Rule, Store, StoreError};
//! # use kedge_protocol::syncml::{Code, Format};
//! # struct Lamp { celsius: u8 }
//! # impl Object for Lamp {
//! #     fn rules(&self) -> &'static [Rule] {
//! #         const RULES: &[Rule] = &[
//! #             Rule::interior("Lamp", "org.example.lamp:1.0"),
//! #             Rule::kept("Lamp/Colour", Format::Chr, Access::GET.and(Access::REPLACE)),
//! #             Rule::computed("Lamp/Temperature", Format::Int, Access::GET),
//! #         ];
//! #         RULES
//! #     }
//! #     fn get(&mut self, _: &str, _: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
//! #         let digits = kedge_protocol::wire::Decimal::new(self.celsius.into());
//! #         out.put(digits.as_str().as_bytes()).map_err(|_| Code::TOO_LARGE)
//! #     }
//! # }
//! # struct NoFlash;
//! # impl Store for NoFlash {
//! #     fn load(&mut self, _: &mut [u8]) -> Result<usize, StoreError> { Ok(0) }
//! #     fn save(&mut self, _: &[u8]) -> Result<(), StoreError> { Ok(()) }
//! # }
//! use kedge_protocol::dm::{Caller, New, Tree, UriLimits};
//! use kedge_protocol::wire::Writer;
//!
//! # fn main() -> Result<(), Code> {
//! let (mut lamp, mut flash, mut image) = (Lamp { celsius: 41 }, NoFlash, [0; 256]);
//! let mut objects: [&mut dyn Object; 1] = [&mut lamp];
//! let mut tree = Tree::open(&mut image, &mut objects, &mut flash, UriLimits::OWN).unwrap();
//! let server = Caller::Server("dms");
//! let mut told = [0; 64];
//! let mut out = Writer::new(&mut told);
//! tree.get(server, "./Lamp", &mut out)?;
//! tree.get(server, "./Lamp/Temperature", &mut out)?;
//! assert_eq!(out.written(), b"Colour/Temperature41");
//! // The temperature takes no Replace; the colour does, but nobody has given this server the right to it.
//! let red = New::value(b"red");
//! assert_eq!(tree.replace(server, "./Lamp/Temperature", &red), Err(Code::NOT_ALLOWED));
//! assert_eq!(tree.replace(server, "./Lamp/Colour", &red), Err(Code::PERMISSION_DENIED));
//! tree.replace(Caller::Device, "./Lamp?prop=ACL", &New::value(b"Get=*&Replace=dms"))?;
//! tree.replace(server, "./Lamp/Colour", &red)?;
//! # tree.commit()
//! # }
//! ```
//! Paths are those of the tree without the leading `./`. All calls run to completion; what takes time is begun, reported
//! as [`Code::ACCEPTED`], and ended by a generic alert.

use super::Nodes;
use crate::syncml::{Code, Format};

/// Longest value, in octets, that the tree puts together for an object: the longest URL of a server.
pub const MAX_WHOLE: u32 = 255;

/// Which commands a node takes (`oma-dm.md` section 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Access(u8);

impl Access {
    /// None.
    pub const NONE: Self = Self(0);
    /// Add, below an interior node of a name that a rule has as `*`; on the node that is added.
    pub const ADD: Self = Self(1);
    /// Copy from this node.
    pub const COPY: Self = Self(2);
    /// Delete.
    pub const DELETE: Self = Self(4);
    /// Exec.
    pub const EXEC: Self = Self(8);
    /// Get.
    pub const GET: Self = Self(16);
    /// Replace.
    pub const REPLACE: Self = Self(32);
    /// Get, Add, Replace, Delete, Copy: a setting that a server may have or not have.
    pub const FULL: Self = Self(1 | 2 | 4 | 16 | 32);

    /// Those of both.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether all of `some` are among these.
    pub const fn has(self, some: Self) -> bool {
        self.0 & some.0 == some.0
    }
}

/// Whose a leaf's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The tree's: kept in its image, committed and rolled back with it.
    Kept,
    /// The object's: told by [`Object::get`], taken by [`Object::put`].
    Object,
    /// The tree's, but what [`Object::get`] tells covers it, unless that is `NOT_FOUND`: for what a process that is under way
    /// shows until it ends.
    Covered,
}

/// A node of an object, or with a `*` in its path any number of them.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Where: segments joined by `/`, without a leading one; the segment `*` stands for any name.
    pub path: &'static str,
    /// [`Format::Node`] for an interior node, else a leaf's.
    pub format: Format,
    /// A leaf's media type, an interior node's management object identifier (may be empty).
    pub media_type: &'static str,
    /// What may be done with the node.
    pub access: Access,
    /// Whether the node is always there. One that is not comes by Add and goes by Delete. A path with a `*` is never
    /// permanent itself; what stands below is permanent once that is there.
    pub permanent: bool,
    /// Whose the value of a leaf is.
    pub value: Value,
    /// The value of a permanent kept leaf that was never set.
    pub default: &'static str,
    /// Longest value, in octets; 0: as long as the tree has room.
    pub max_len: u32,
}

impl Rule {
    /// A permanent interior node that may be read.
    pub const fn interior(path: &'static str, identifier: &'static str) -> Self {
        Self { media_type: identifier, ..Self::leaf(path, Format::Node, Access::GET, Value::Kept) }
    }

    /// An interior node that a server may add and delete, below a path that ends with `*` or at a fixed name.
    pub const fn dynamic(path: &'static str, identifier: &'static str) -> Self {
        let access = Access::GET.and(Access::ADD).and(Access::DELETE).and(Access::REPLACE);
        Self {
            media_type: identifier,
            permanent: false,
            ..Self::leaf(path, Format::Node, access, Value::Kept)
        }
    }

    /// A permanent leaf whose value the tree keeps; empty at first.
    pub const fn kept(path: &'static str, format: Format, access: Access) -> Self {
        Self::leaf(path, format, access, Value::Kept)
    }

    /// A leaf that a server may add and delete; the tree keeps its value.
    pub const fn optional(path: &'static str, format: Format, access: Access) -> Self {
        Self { permanent: false, ..Self::leaf(path, format, access, Value::Kept) }
    }

    /// A permanent leaf whose value the object tells and takes.
    pub const fn computed(path: &'static str, format: Format, access: Access) -> Self {
        Self::leaf(path, format, access, Value::Object)
    }

    /// An interior node into which servers put whole objects, as sub-trees: the device decides by their identifiers where
    /// they go. Nothing stays in it, and nothing of it can be read.
    pub const fn inbox(path: &'static str, identifier: &'static str) -> Self {
        Self { access: Access::ADD, ..Self::interior(path, identifier) }
    }

    /// The same with a value that the object may cover.
    #[must_use]
    pub const fn covered(self) -> Self {
        Self { value: Value::Covered, ..self }
    }

    /// The same of another media type.
    #[must_use]
    pub const fn typed(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    /// The same with a value from the beginning on.
    #[must_use]
    pub const fn preset(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// The same with a longest value.
    #[must_use]
    pub const fn limited(self, max_len: u32) -> Self {
        Self { max_len, ..self }
    }

    const fn leaf(path: &'static str, format: Format, access: Access, value: Value) -> Self {
        Self {
            path,
            format,
            media_type: "text/plain",
            access,
            permanent: true,
            value,
            default: "",
            max_len: 0,
        }
    }

    /// Whether the node is an [`Self::inbox`].
    pub(super) fn is_inbox(&self) -> bool {
        self.format == Format::Node && self.permanent && self.access == Access::ADD
    }

    /// Whether [`Object::put`] gets the values in one piece, however they came: those that are short by rule.
    pub(super) const fn comes_whole(&self) -> bool {
        self.max_len > 0 && self.max_len <= MAX_WHOLE
    }

    /// Whether the rule is that of `path`.
    pub fn covers(&self, path: &str) -> bool {
        covers(self.path, path)
    }
}

/// Whether `path` has the segments of `pattern`, in which `*` is any name.
pub(super) fn covers(pattern: &str, path: &str) -> bool {
    let mut names = path.split(|c| c == '/');
    let mut patterns = pattern.split(|c| c == '/');
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some("*"), Some(name)) if !name.is_empty() => {}
            (Some(pattern), Some(name)) if pattern == name => {}
            _ => return false,
        }
    }
}

/// A value, or a part of one, on its way to a node: decoded, whatever the transport had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The octets.
    pub octets: &'a [u8],
    /// How many came before.
    pub offset: u32,
    /// Whether these are the last; what is put together then must not count before [`Object::commit`].
    pub last: bool,
    /// The media type that came with them, if one did: many servers leave it out and mean that of the node.
    pub media_type: Option<&'a str>,
}

impl<'a> Chunk<'a> {
    /// A value in one piece, of the type that the node has.
    pub const fn whole(octets: &'a [u8]) -> Self {
        Self { octets, offset: 0, last: true, media_type: None }
    }
}

/// An Exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The node.
    pub path: &'a str,
    /// The argument; empty if there is none.
    pub argument: &'a [u8],
    /// Its media type, if one came with it.
    pub media_type: Option<&'a str>,
    /// What a generic alert about it must give back.
    pub correlator: Option<&'a str>,
    /// Who calls; empty for the device itself.
    pub server: &'a str,
}

/// A part of the tree.
///
/// A handler never checks rights or existence: the tree has. The codes that it returns travel in the Status.
pub trait Object {
    /// The nodes, parents before children; paths of all objects of a tree differ.
    fn rules(&self) -> &'static [Rule];

    /// Writes the value of a leaf of [`Value::Object`] or [`Value::Covered`]; what does not fit is `TOO_LARGE`.
    fn get(&mut self, path: &str, nodes: &Nodes<'_>, out: &mut crate::wire::Writer<'_>) -> Result<(), Code> {
        let _ = (path, nodes, out);
        Err(Code::NOT_FOUND)
    }

    /// Judges the value that a kept leaf is about to get: its format was already looked at.
    fn check(&mut self, path: &str, value: &[u8], nodes: &Nodes<'_>) -> Result<(), Code> {
        let _ = (path, value, nodes);
        Ok(())
    }

    /// Takes a value of a leaf of [`Value::Object`], maybe in several pieces, unless its rule says that it has at most
    /// [`MAX_WHOLE`] octets. It counts from [`Self::commit`] on; a piece with offset 0 begins anew.
    fn put(&mut self, path: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        let _ = (path, chunk);
        Err(Code::NOT_ALLOWED)
    }

    /// Runs the process behind a node: `OK` for done, `ACCEPTED` for begun.
    fn exec(&mut self, call: &Call<'_>, nodes: &Nodes<'_>) -> Result<Code, Code> {
        let _ = (call, nodes);
        Err(Code::NOT_ALLOWED)
    }

    /// What was put, and what was changed in the tree, counts from now on. Called once for every transaction of the
    /// tree, after its image is on flash; what this writes itself must survive a power cut in between by itself.
    fn commit(&mut self, nodes: &Nodes<'_>) -> Result<(), Code> {
        let _ = nodes;
        Ok(())
    }

    /// What was put since the last commit is given up.
    fn roll_back(&mut self) {}
}

/// Where the tree's image is kept: one record, replaced as a whole or not at all, also across a power cut.
///
/// The update agent's record store (`banklog`) is one that keeps this promise.
pub trait Store {
    /// Reads the image into `buffer` and returns its length, 0 if there is none yet.
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError>;

    /// Replaces the image.
    fn save(&mut self, image: &[u8]) -> Result<(), StoreError>;
}

/// Why the image could not be read or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The storage failed; the image is the one it was.
    Failed,
    /// The image does not fit: by how many octets.
    NoRoom(usize),
}

impl core::fmt::Display for StoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Failed => f.write_str("storage failed"),
            Self::NoRoom(missing) => write!(f, "{missing} octets too few"),
        }
    }
}

impl core::error::Error for StoreError {}
