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
