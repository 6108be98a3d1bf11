//! The text form behind the same events as WBXML: a small strict reader and a writer.
//!
//! What is taken of XML 1.0: UTF-8 (US-ASCII included), the XML declaration, elements, attributes, CDATA, comments
//! (skipped), processing instructions, the five predefined entities, numeric character references, and a document
//! type declaration without internal subset, which is reported as an event: the document codec decides whether it
//! may stand there. Namespace declarations are plain attributes. Anything else, so all entity definitions, is refused:
//! the readers cannot be made to expand anything.
//!
//! [`Reader`] implements [`crate::wbxml::Pull`], [`Writer`] implements [`crate::wbxml::Sink`].

pub mod base64;
mod cursor;
mod doctype;
mod dump;
mod reader;
mod writer;

pub use doctype::Doctype;
pub use dump::dump;
pub use reader::Reader;
#[cfg(feature = "xml")]
pub(crate) use writer::{Mark, SUPPORTED};
pub use writer::{Octets, Writer};

/// Attributes of one element, the namespace declarations included: the limit of the MMC profile, and more than any
/// SyncML or provisioning document has.
pub const MAX_ATTRIBUTES: usize = 16;

#[cfg(test)]
mod tests;
