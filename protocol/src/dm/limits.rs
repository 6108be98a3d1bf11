//! The bounds of the tree and of sessions. The specification has none of them; servers read those of addresses from
//! DevDetail.

/// Longest address of a node, in octets: MaxTotLen of the only tree of a CDMA handset that is known
/// (`oma-dm.md` section 11.1).
pub const MAX_URI: usize = 255;
/// Deepest node; MaxDepth of the same tree.
pub const MAX_DEPTH: usize = 16;
/// Longest name of a node, in octets: twice MaxSegLen of the same tree, since server ids serve as names.
pub const MAX_SEGMENT: usize = 63;
/// Longest access control list, in octets: five commands for three servers of 16 characters.
pub const MAX_ACL: usize = 255;
/// Longest title, in octets (`oma-dm.md` section 9.3).
pub const MAX_TITLE: usize = 255;
/// Longest media type or management object identifier of a node, in octets.
pub const MAX_TYPE: usize = 127;
/// Longest text that a user types for a server, in octets: the longest value of DMAcc that somebody might be asked for.
pub const MAX_INPUT: usize = 128;
/// Most choices of a question: what a set of bits holds.
pub const MAX_CHOICES: u32 = 32;
/// Longest address of a server, in octets; that of the MMC profile.
pub const MAX_URL: usize = 255;
/// How often a request is repeated after its answer was lost.
pub const MAX_REPEATS: u8 = 2;
/// How often in a row a server may repeat a message that was answered.
pub const MAX_ECHOES: u8 = 5;
/// How often a side may ask for credentials: once for missing ones, once for a stale nonce (`oma-dm.md` section 8).
pub const MAX_CHALLENGES: u8 = 2;
/// Longest MsgID and CmdID that are given back, in octets: numbers of 32 bits and some room.
pub const MAX_ID: usize = 16;
/// Octets of the receive buffer that stay free for a message in between, which only asks for the next part of an
/// answer: header, a Status, an Alert, with addresses of the usual length.
pub const INTERIM: usize = 1024;
