//! SyncML as device management uses it: representation 1.1.2 and 1.2.1 (`oma-dm.md` sections 1 to 7).
//!
//! ```text
//! message  = header body
//! body     = (command | container)* final?           container = atomic|sequence: (command | container)*
//! command  = head (target-ref | source-ref | item)*
//! ```
//! | item | what |
//! |---|---|
//! | [`Message`] | a document, read through once before anything of it is executed |
//! | [`Header`] | SyncHdr as a value |
//! | [`Body`] | hands out one [`Element`] of SyncBody at a time |
//! | [`Head`], [`Parts`], [`Item`] | a command without what repeats in it; what repeats, one at a time |
//! | [`Writer`] | the way back, in the order of the document type and no other |
//! | [`Code`], [`AlertCode`], [`Verb`], [`Format`] | the numbers and words |
//! | [`limits`] | every bound, with its reason |
//!
//! One codec serves WBXML and XML, servers and clients. Reading follows the fact sheet's *reader rule*: children in any
//! order, unknown elements passed over; of a child that may stand once the last counts. Not read are the elements that
//! device management never uses (section 2.2): their commands come out with their verb and are to be refused.
//! Writing follows the *writer rule*: CmdID first, the order of the document type, nothing that 1.1 lacks in a message
//! of 1.1.
//!
//! Texts are lent from the document where it has them in one piece; others are put together in the caller's scratch
//! space. What is tolerated of coding is a [`crate::wbxml::Quirk`], what is tolerated of SyncML a [`Quirk`].

mod body;
mod codes;
mod command;
mod dump;
mod fields;
mod header;
pub mod limits;
mod message;
mod quirk;
mod source;
mod tag;
#[cfg(test)]
mod tests;
mod writer;

pub use body::{Body, Element, Part, Parts};
pub use codes::{AlertCode, Code, Format, Verb};
pub use command::{Chal, Cred, Data, Head, Item, Location, Meta};
pub use dump::dump;
pub use header::{Dialect, Header};
pub use message::Message;
pub use quirk::{Quirk, Quirks};
pub use source::Inline;
pub use writer::{CommandWriter, Mark, Writer};

use crate::mime::MediaType;
use crate::wap::Coding;

/// Media type of a message as WBXML.
pub const WBXML: &str = "application/vnd.syncml.dm+wbxml";
/// Media type of a message as XML.
pub const XML: &str = "application/vnd.syncml.dm+xml";

/// The coding that a media type tells; `None` if it is not that of a device-management message.
pub const fn coding_of(media: &MediaType<'_>) -> Option<Coding> {
    if media.is(WBXML) {
        Some(Coding::Wbxml)
    } else if media.is(XML) {
        Some(Coding::Xml)
    } else {
        None
    }
}

/// The media type of a message in `coding`.
pub const fn media_type(coding: Coding) -> &'static str {
    match coding {
        Coding::Wbxml => WBXML,
        Coding::Xml => XML,
    }
}
