//! The bounds of downloads. None of them is in the specification; they are what servers in the field stay under.

/// Longest URL, in octets; as that of a package in other protocols ([`crate::iota::limits::MAX_URL`]).
pub const MAX_URL: usize = 255;
/// Most types in a descriptor.
pub const MAX_TYPES: usize = 8;
/// Octets that the accepted types of a descriptor take, with a space between two.
pub const MAX_ACCEPTED: usize = 128;
/// Longest entity tag that is kept; an entity with a longer one is not resumed.
pub const MAX_ETAG: usize = 64;
/// Longest date of a change that is kept: an HTTP date has 29 octets.
pub const MAX_DATE: usize = 32;
/// How much of a name or vendor the user is shown, in octets.
pub const MAX_NAME: usize = 64;
/// How much of a description the user is shown, in octets.
pub const MAX_DESCRIPTION: usize = 160;
/// Deepest element of a descriptor; its own elements are on level 2, unknown ones may nest.
pub const MAX_DEPTH: usize = 6;
/// Redirects followed from one request.
pub const MAX_REDIRECTS: u8 = 5;
/// How often the status report is sent before it counts as undeliverable. Not in the fact sheet, which asks for a limit.
pub const REPORT_TRIES: u8 = 3;
/// Longest Retry-After that is waited for within a download, in seconds. A server that wants more gets another download
/// later, which goes on where this one stopped.
pub const MAX_RETRY_AFTER: u32 = 300;
