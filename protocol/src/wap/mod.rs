//! Connectionless WSP push, and the documents it carries to a handset: service indication, service loading.
//!
//! ```text
//! TID(1) TYPE(1) HEADERS_LEN(uintvar) CONTENT_TYPE HEADERS DATA
//!                                     └ ContentType ┘ └ Headers ┘ └ Indication | Loading | anything by media type
//! ```
//! | item | what |
//! |---|---|
//! | [`Packet`], [`Push`] | the PDU as view and as value |
//! | [`ContentType`], [`Headers`], [`Value`] | the header grammar; unknown headers are skipped by their value's encoding |
//! | [`MediaCode`], [`HeaderCode`], [`ParameterCode`], [`ApplicationCode`] | assigned numbers, open |
//! | [`Indication`], [`Loading`] | SI and SL in both codings |
//! | [`MailNotification`], [`CacheOperation`] | EMN and CO in both codings |
//! | [`Multipart`] | several parts in WSP's own framing |
//! | [`Shelf`] | which indications are kept: replacement, withdrawal, expiry |
//! | [`dump`] | any push with offsets, up to its fault |
//!
//! How a push arrives in short messages is not known here; whether it may start anything is decided elsewhere (a push
//! is no proof of who sent it).

mod cache;
mod codes;
mod coding;
mod content_type;
mod date;
pub(crate) mod document;
mod dump;
mod header;
mod indication;
mod loading;
mod mail;
mod multipart;
mod push;
mod shelf;
#[cfg(test)]
mod tests;
mod value;
pub(crate) mod values;

pub use cache::{CacheOperation, Invalidation};
pub use codes::{
    ApplicationCode, HeaderCode, IOTA_TEXT, MULTIPARTS, MediaCode, ParameterCode, SecurityMethod,
};
pub(crate) use coding::DocumentMark;
pub use coding::{Coding, DocumentReader, DocumentWriter};
pub use content_type::{ContentType, Media, Parameter, ParameterName, Parameters};
pub use date::Date;
pub use document::{MAX_DOCUMENT, SCRATCH};
pub use dump::dump;
pub use header::{ApplicationId, Header, HeaderName, Headers, PushFlag};
pub use indication::{Indication, Signal};
pub use loading::{Loading, Urgency};
pub use mail::MailNotification;
pub use multipart::{Multipart, Part};
pub use push::{Packet, PduType, Push};
pub use shelf::{Shelf, Shelved};
pub use value::{Value, integer_value};
