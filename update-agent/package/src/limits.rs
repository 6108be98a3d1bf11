//! Every bound of the format in one place.

/// Octets of the header.
pub const HEADER_LEN: usize = 12;
/// Longest envelope: all manifest fields at their longest take 1,600 octets; the rest is for keys of later versions.
/// A device holds one envelope in RAM.
pub const ENVELOPE_MAX: usize = 2048;
/// Longest product name and version: what a settings screen shows on a line.
pub const NAME_MAX: usize = 32;
/// Longest description: one line of a prompt.
pub const DESCRIPTION_MAX: usize = 128;
/// Longest release notes: a few screens of a phone.
pub const NOTES_MAX: usize = 1024;
/// Longest key id: a truncated hash or a short name.
pub const KEY_ID_MAX: usize = 16;
/// Smallest block: the smallest erase sector we know of.
pub const BLOCK_MIN: u32 = 256;
/// Largest block: no NOR part has a larger erase sector.
pub const BLOCK_MAX: u32 = 1 << 20;
/// Largest image: offsets must stay positive in 32-bit arithmetic with differences.
pub const IMAGE_MAX: u32 = 1 << 30;
/// Longest run of differences that the next run can repeat: a 64-bit pointer.
pub const REPEAT_MAX: usize = 8;
