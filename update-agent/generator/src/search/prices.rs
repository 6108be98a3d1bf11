//! What the coder pays, as far as the search needs to know.

/// Parts of a bit: all prices count in 1/256 bit.
pub(super) const BIT: u32 = 256;

/// Prices in 1/[`BIT`] bit. They need not be exact, only in proportion: which of two ways is cheaper must come out right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prices {
    /// An octet of a literal.
    pub(crate) literal: u32,
    /// The start of a literal.
    pub(crate) literal_start: u32,
    /// A copy from one of the last four shifts.
    pub(crate) copy_recent: u32,
    /// A copy from another shift ...
    pub(crate) copy_new: u32,
    /// ... and for each bit of how far its source is from the end of the last copy.
    pub(crate) copy_distance: u32,
    /// A copy each time that it has doubled its length, from 16 octets on.
    pub(crate) copy_double: u32,
    /// A unit as predicted, by how many before it were: 0, 1, 2 or 3, 4 to 7, 8 and more.
    pub(crate) hit: [u32; 5],
    /// The first octet of a unit that is not as it was.
    pub(crate) miss: u32,
    /// Each further one.
    pub(crate) miss_more: u32,
    /// A unit that changes as it does in other places.
    pub(crate) again: u32,
    /// An address that is neither as predicted nor near it ...
    pub(crate) reference: u32,
    /// ... and for each bit of the difference.
    pub(crate) reference_distance: u32,
    /// An address that is off by as much as the one before it.
    pub(crate) same_off: u32,
    /// A pointer a little above the one before it.
    pub(crate) ascent: u32,
    /// An address that did not go along, where the map says that it should.
    pub(crate) unchanged: u32,
    /// An address that the map has wrong, but in the same way as in another place.
    pub(crate) learned: u32,
    /// In the first pass, without a map: an address that moved less than 64 KiB.
    pub(crate) guess_near: u32,
    /// Likewise, another one ...
    pub(crate) guess_far: u32,
    /// ... and for each bit of the difference.
    pub(crate) guess_distance: u32,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            literal: 6 * BIT,
            literal_start: 6 * BIT,
            copy_recent: 13 * BIT / 2,
            copy_new: 21 * BIT / 2,
            copy_distance: 9 * BIT / 10,
            copy_double: 6 * BIT / 5,
            hit: [BIT / 3, BIT / 4, BIT / 5, BIT / 8, BIT / 40],
            miss: 11 * BIT,
            miss_more: 7 * BIT,
            again: 5 * BIT,
            reference: 8 * BIT,
            reference_distance: 6 * BIT / 5,
            same_off: 5 * BIT,
            ascent: 8 * BIT,
            unchanged: 2 * BIT,
            learned: 4 * BIT,
            guess_near: 3 * BIT,
            guess_far: 8 * BIT,
            guess_distance: BIT / 2,
        }
    }
}

/// How many bits a number has.
pub(super) const fn size(n: u32) -> u32 {
    u32::BITS - n.leading_zeros()
}
