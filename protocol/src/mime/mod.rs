//! Media types and multipart/related bodies (RFC 2045, 2046, 2387), as far as HTTP bodies of the profile
//! in `iota.md` B1 need them.
//!
//! | item | what |
//! |---|---|
//! | [`MediaType`] | `type/subtype; name=value`, compared without regard to case |
//! | [`Related`], [`Parts`], [`Part`] | reads a multipart/related body in place |
//! | [`Contents`] | the leaves of multiparts in multiparts, to a limited depth |
//! | [`RelatedWriter`], [`Boundary`] | writes one into the caller's buffer |
//!
//! Headers of the message itself (Content-Type, Location, ...) arrive as text from the HTTP layer; only the headers
//! *inside* a multipart body are parsed here.

mod boundary;
mod contents;
mod media_type;
mod related;
mod related_writer;
#[cfg(test)]
mod tests;

pub use boundary::{Boundary, MAX_BOUNDARY, OWN_BOUNDARY};
pub use contents::{Contents, MAX_DEPTH};
pub(crate) use media_type::split_at_octet;
pub use media_type::{MediaType, ParameterValue, Parameters};
pub use related::{MAX_PARTS, Part, Parts, Related, Shape, TransferEncoding, is_content_token};
pub use related_writer::{Piece, RelatedWriter};

/// Media type of a body of several parts that belong together (RFC 2387).
pub const MULTIPART_RELATED: &str = "multipart/related";
/// Media type of a body of several parts, each for itself (RFC 2046 section 5.1.3).
pub const MULTIPART_MIXED: &str = "multipart/mixed";
/// Media type of octets without further meaning (RFC 2046 section 4.5.1).
pub const OCTET_STREAM: &str = "application/octet-stream";
