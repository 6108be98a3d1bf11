//! The bounds of documents and sessions. Where no other reason stands here, the number is that of `iota.md` B1, the
//! conformance minimum of profile 1.

/// Largest HTTP body, in octets. A smaller receive buffer lowers it.
pub const MAX_BODY: usize = 128 * 1024;
/// Largest MMC document, in octets.
pub const MAX_DOCUMENT: usize = 8 * 1024;
/// Most commands, or results, in a document.
pub const MAX_COMMANDS: usize = 64;
/// Largest IS-683 message, in octets.
pub const MAX_IS683: usize = 2048;
/// Longest attribute value, in octets of UTF-8.
pub const MAX_VALUE: usize = 1024;
/// Most attributes of an element.
pub const MAX_ATTRIBUTES: usize = 16;
/// Deepest element.
pub const MAX_DEPTH: usize = 4;
/// Largest WBXML string table, in octets (`iota.md` B5).
pub const MAX_TABLE: usize = 1024;
/// Longest session token, in characters (`iota.md` B2).
pub const MAX_SESSION: usize = 32;
/// Longest object name, in characters (`iota.md` B4).
pub const MAX_OBJECT: usize = 48;
/// Longest URL of a session, in octets: that of the longest URL object, `fota/package-url` (`iota.md` B4).
pub const MAX_URL: usize = 255;
/// Longest trusted domain, in octets (`iota.md` B4).
pub const MAX_DOMAIN: usize = 64;
/// Longest of make, model and version, in octets (`iota.md` B4).
pub const MAX_IDENTITY: usize = 64;
/// Redirects followed from one request (`iota.md` B6.2).
pub const MAX_REDIRECTS: u8 = 5;
/// How often a POST is repeated after its answer was lost (`iota.md` B6.5).
pub const MAX_REPEATS: u8 = 2;
/// Longest Retry-After that is waited for, in seconds (`iota.md` B6.3).
pub const MAX_RETRY_AFTER: u32 = 60;
/// How often in a row a server may repeat a document that was answered. Not in `iota.md`, which leaves it to the
/// session timeout; without a bound a broken server and the device would exchange messages at full speed until then.
pub const MAX_ECHOES: u8 = 5;
