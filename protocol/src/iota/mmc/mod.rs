//! MMC documents as values (`iota.md` B2, B3, B5): one codec for WBXML and XML.
//!
//! ```text
//! mmc      = version session (doc next? command* | re result*)
//! command  = read|write|delete|check|display|exec|commit|disconnect
//! write    = id object (value|valueref|data) onerror?      check = same
//! read     = id object onerror?                            delete = same
//! exec     = id object (value|valueref|data)? onerror?
//! display  = id object? value onerror?
//! commit   = id onerror?        disconnect = id reboot?
//! result   = id code (value|valueref|data)?
//! ```
//! [`Document::check`] reads a document as a whole, so that nothing is executed of a malformed one; then
//! [`Document::elements`] hands out one element at a time. Texts that WBXML cuts into fragments are put together in the
//! caller's scratch space. [`Writer`] is the way back. [`Mmc`] is both of them as a session uses them.
//!
//! Unknown elements are commands that fail ([`Verb::Unknown`]); unknown attributes are ignored; a known attribute on an
//! element that does not take it is against the grammar.

mod attributes;
mod codec;
mod document;
mod dump;
mod element;
mod strict;
#[cfg(test)]
mod tests;
mod writer;

pub use super::command::{Answer, Command, Content, OnError, Verb};
pub use super::fault::Fault;
pub use codec::{Mmc, Session};
pub use document::{Document, Elements, Head, SCRATCH};
pub use dump::{dump, guess};
pub use element::Element;
pub use writer::Writer;

use crate::mime::MediaType;
use crate::wap::Coding;

/// Media type of a document as WBXML.
pub const WBXML: &str = "application/iota.mmc-wbxml";
/// Media type of a document as XML.
pub const XML: &str = "application/iota.mmc-xml";

/// The coding that a media type tells; `None` if it is not that of an MMC document, or this build does without it.
pub const fn coding_of(media: &MediaType<'_>) -> Option<Coding> {
    if media.is(WBXML) {
        Some(Coding::Wbxml)
    } else if Coding::Xml.is_supported() && media.is(XML) {
        Some(Coding::Xml)
    } else {
        None
    }
}

/// The media type of a document in `coding`.
pub const fn media_type(coding: Coding) -> &'static str {
    match coding {
        Coding::Wbxml => WBXML,
        Coding::Xml => XML,
    }
}
