//! Units that lie over the border of two blocks.
//!
//! ```text
//!  up      │ block 4      ┌──unit──┐        blocks are made one after the other, their borders are where they are:
//!                         │   │    │        the octets of a unit that lie behind the border are kept until the block
//!  down          ┌──unit──┐   block 5 │     there is made; those before it likewise, if blocks go down
//! ```
//! So no unit is cut in two whose halves would mean something else.
use crate::model::Made;

/// The octets of a unit on either side of a border are less than this.
pub const MAX: u32 = 8;

/// The octets that the block made last had for a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seam {
    /// The neighbour.
    block: u32,
    /// They stand at its end.
    end: bool,
    octets: Made,
}

impl Seam {
    /// Words that it is kept in.
    pub const WORDS: usize = 4;
    /// No octets for anyone.
    pub const NONE: Self = Self { block: u32::MAX, end: false, octets: Made::NONE };

    /// The words to keep.
    pub fn to_words(&self) -> [u32; Self::WORDS] {
        let octets = u64::from_le_bytes(self.octets.octets);
        let word = |shift: u32| u32::try_from(octets >> shift & u64::from(u32::MAX)).unwrap_or(0);
        let what = u32::from(self.octets.len) << 1 | u32::from(self.end);
        [self.block, what, word(0), word(32)]
    }

    /// The seam that gave these words.
    pub fn from_words([block, what, low, high]: [u32; Self::WORDS]) -> Self {
        let octets = (u64::from(low) | u64::from(high) << 32).to_le_bytes();
        let len = u8::try_from(what >> 1).unwrap_or(0).min(8);
        Self { block, end: what & 1 == 1, octets: Made { octets, len } }
    }

    /// The octets that a block starts with.
    pub fn lead(&self, block: u32) -> Made {
        if block == self.block && !self.end { self.octets } else { Self::NONE.octets }
    }

    /// The octets that a block ends with.
    pub fn tail(&self, block: u32) -> Made {
        if block == self.block && self.end { self.octets } else { Self::NONE.octets }
    }

    /// Adds octets for the `end` of `block`, or for its start.
    pub fn add(&mut self, block: u32, end: bool, octets: &[u8]) {
        if (self.block, self.end) != (block, end) {
            *self = Self { block, end, ..Self::NONE };
        }
        let held = usize::from(self.octets.len);
        let room = self.octets.octets.get_mut(held..).unwrap_or_default();
        let added = room.iter_mut().zip(octets).map(|(to, from)| *to = *from).count();
        self.octets.len = u8::try_from(held.saturating_add(added)).unwrap_or(8);
    }
}
