//! WAP Binary XML 1.1 to 1.3 (WAP-192): pull reader, writer, code pages as tables.
//!
//! ```text
//!  octets ──► Reader ──┐                     ┌── document codecs: SI, SL, CP, MMC, SyncML
//!                      ├─ Pull: Event, Name ─┤   (written once for both codings)
//!  text ──► xml::Reader┘                     └─ Sink ──► Writer | xml::Writer
//! ```
//! A document codec takes [`Event`]s from any [`Pull`] and writes to any [`Sink`]; names are text on both sides
//! ([`Name::text`]), tokens are the business of the tables in [`pages`]. [`Joined`] puts the fragments of a value
//! together. [`dump`] shows any octets, also broken ones up to the fault.
//!
//! Not taken: charsets other than UTF-8, US-ASCII and ISO-8859-1, and WBXML 1.0 (whose header has no charset). Both
//! are `Unsupported`. Tolerated deviations are each a [`Quirk`].

mod dump;
mod event;
mod header;
mod join;
pub mod pages;
mod quirk;
mod reader;
mod sink;
mod token;
mod vocabulary;
mod writer;

pub use dump::dump;
pub(crate) use dump::{DUMP_DEPTH, conclude, events as dump_events, tell_fault};
pub use event::{Event, Extension, Name, Pull, Token};
pub(crate) use header::utf8_text;
pub use header::{Charset, Header, PublicId, StringTable, Version};
pub use join::Joined;
pub use quirk::{Quirk, Quirks};
pub use reader::Reader;
pub use sink::Sink;
pub use vocabulary::{AttributeStart, AttributeValue, Page, Tag, Vocabulary};
pub(crate) use writer::Mark;
pub use writer::Writer;

#[cfg(test)]
mod tests;
