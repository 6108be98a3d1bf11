//! OMA Client Provisioning 1.1: access points, proxies and applications, as an operator sends them (`oma-cp.md`).
//!
//! ```text
//! push ─► Protection (SEC, MAC) ─► verify: PIN, network key
//! body ─► Source: WBXML | XML ─► Objects ─► Object ─► Napdef, PxLogical, Application, ...
//!                                    └─► check: keys unique, references resolved ─► settings, staged and committed whole
//! ```
//! | item | what |
//! |---|---|
//! | [`Wbxml`], [`Coded`], [`Source`] | a document in one coding or both; a device that takes WBXML only links no XML |
//! | [`Objects`] | its top-level characteristics, one at a time, in the caller's buffer |
//! | [`Object`] | one of them in a compact form, which is also the form it is stored in |
//! | [`model`] | typed views: access point, proxy, application, ... |
//! | [`check()`] | the rules of the whole document, against what is stored |
//! | [`security`] | SEC and MAC, all four methods |
//! | [`ObjectWriter`], [`write()`] | the operator's side |
//! | [`access`] | which networks programs may use |
//! | [`account`] | from `w7` to a DM account |
//!
//! What is unknown is passed over, as the standard asks for; what is known must be right, or the whole document is refused
//! with its reason and place, and nothing of it counts.

pub mod access;
pub mod account;
mod check;
mod fault;
pub mod model;
mod names;
mod object;
mod objects;
pub mod security;
mod shape;
#[cfg(test)]
mod tests;
mod writer;

pub use check::{Known, Nothing, Summary, check};
pub use fault::{Fault, Why};
pub use names::{Kind, ParmName};
pub use object::{Item, Items, Key, Object, ObjectWriter};
pub use objects::{Coded, DEPTH, Objects, Source, Wbxml};
pub use writer::write;

/// Largest document that is read, in octets (`wap-push.md` section 10, item 8).
pub const MAX_DOCUMENT: usize = 8 * 1024;
/// Most objects in one document: a real one has four; a device of many accounts gets several documents.
pub const MAX_OBJECTS: usize = 32;
/// Longest value, in octets (`oma-cp.md` section 1 proposes 256; one octet tells the length).
pub const MAX_VALUE: usize = 255;
/// Longest name of a characteristic or parm that is compared or, in VENDORCONFIG, kept.
pub const MAX_NAME: usize = 64;
/// Octets that hold any object of reasonable content.
pub const OBJECT: usize = 1024;
