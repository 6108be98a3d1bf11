//! Numbers in the headers of image files.

/// Two octets, the low one first.
pub(super) fn le16(octets: &[u8], at: usize) -> Option<u16> {
    field(octets, at).map(u16::from_le_bytes)
}

/// Four octets, the lowest first.
pub(super) fn le32(octets: &[u8], at: usize) -> Option<u32> {
    field(octets, at).map(u32::from_le_bytes)
}

/// Four octets, the highest first.
pub(super) fn be32(octets: &[u8], at: usize) -> Option<u32> {
    field(octets, at).map(u32::from_be_bytes)
}

/// A length or an offset of a header, as an index.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn field<const N: usize>(octets: &[u8], at: usize) -> Option<[u8; N]> {
    octets.get(at..)?.first_chunk().copied()
}
