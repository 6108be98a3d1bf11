//! The bounds of a message. None of them stands in the specification.

/// Largest message, in octets: what one octet-counted MaxMsgSize of 64 KiB allows; servers announce 20,000 at most.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Deepest element: SyncML, SyncBody, [`MAX_NESTING`] containers, a command, Item and Data are 8; a sub-tree of 16 nodes
/// inside Data has 20 more.
pub const MAX_DEPTH: usize = 28;
/// Deepest nesting of Atomic and Sequence that is entered. The specification allows an Atomic in a Sequence or the other
/// way round; deeper ones come out unentered, to be refused.
pub const MAX_NESTING: usize = 3;
/// Octets of scratch space that hold the texts of any header or command head that is not made of references only:
/// two addresses of 255 octets, two credentials, names and types.
pub const SCRATCH: usize = 1024;
