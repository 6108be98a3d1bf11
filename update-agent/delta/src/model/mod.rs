//! The coding model: what it remembers, and what it says about the next bit.
//!
//! The new image is made of copies of the old one and of octets between them. Both ends hold the same model and tell it the
//! same; it gives the probability of each bit, [`Bits`](crate::bits::Bits) codes the bit with it, and the model learns the
//! bit. So all that is coded costs as much as it surprises.
//!
//! - **A unit of a copy** ([`Model::unit`]) is an instruction or a word. The model predicts what it becomes: an address in
//!   it goes where the map says, or where the same address was seen to go; a unit without an address becomes
//!   what the same unit became last time it was changed, else it stays. Then one flag says whether it is so: in firmware of
//!   the next release it nearly always is, and the flag costs a hundredth of a bit.
//! - **A unit that is not as predicted** is, in this order, its old self, a pointer just above the last one, an address
//!   that is off by a number (often by the same as the last), or a list of octets, each with a flag "as predicted".
//! - **An octet** that nothing predicts ([`Model::literal`], and those of such units) is coded bit by bit.
//!
//! A flag is mixed ([`predict`](crate::predict)) from four counters, each chosen by another context: what sort of unit it is,
//! and for how long all was right (a disturbed stretch has more misses); the very old octets (some instructions always
//! change); the last outcomes with the sort of the unit before; the distance to the ends of the copy (near them more is
//! wrong). Two more were measured and gave nothing for a third more work. The mixer has a set of weights for each way of
//! predicting, before and after a run of right ones. An octet has five counters per bit, in tables of 16 bits, and a set of
//! weights for each place in a word.
//!
//! Counters are found by a hash of their context, without a check: in a small table strangers share a counter. Every size
//! of table works ([`Sizes`]), and more memory makes smaller deltas.
mod bound;
mod flag;
mod learned;
mod memory;
mod octet;
#[cfg(test)]
mod tests;
mod unit;

pub use bound::UNIT_OCTETS;
pub use memory::{Sizes, State};
pub use octet::Literal;
pub use unit::{Known, Spot};

use learned::Learned;

use crate::map::Map;
use crate::numbers::Numbers;

/// Octets that were coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// The octets, the first [`len`](Self::len) of them.
    pub octets: [u8; 8],
    /// How many, 1 to 8.
    pub len: u8,
}

impl Made {
    /// No octets at all.
    pub(crate) const NONE: Self = Self { octets: [0; 8], len: 0 };

    /// The octets that were made.
    pub fn as_slice(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// What the model remembers. All of it changes while coding.
#[derive(Debug)]
pub struct Model<'m> {
    /// The scalars: to be kept beside the words.
    pub state: State,
    flag_weights: &'m mut [[i32; flag::INPUTS]],
    octet_weights: &'m mut [[i32; octet::INPUTS]],
    /// The last outcomes of each class of units.
    history: &'m mut [u8],
    /// Counters of "as predicted".
    hits: &'m mut [u32],
    /// Counters of the other flags.
    misses: &'m mut [u32],
    octets: &'m mut [u16],
    numbers: Numbers<'m>,
    /// What did not become what the map says.
    learned: Learned<'m>,
}

impl<'m> Model<'m> {
    /// A model that knows nothing yet, and an empty map, in `words`; `None` if they are less than
    /// [`Sizes::words`].
    pub fn new(words: &'m mut [u32], sizes: Sizes) -> Option<(Self, Map<'m>)> {
        memory::fresh(words, sizes)
    }

    /// Goes on with `words` as they were when `state` was, the map holding `pieces`; `None` if they are less than
    /// [`Sizes::words`], or more pieces than the sizes say.
    pub fn resume(
        words: &'m mut [u32],
        sizes: Sizes,
        state: State,
        pieces: usize,
    ) -> Option<(Self, Map<'m>)> {
        memory::kept(words, sizes, state, pieces)
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        memory::forget(self);
    }

    /// The words of all that adapts, to be kept and given back: in this order, with [`state`](Self::state).
    pub fn tables(&mut self) -> [&mut [u32]; 9] {
        [
            bytemuck::try_cast_slice_mut(self.flag_weights).unwrap_or_default(),
            bytemuck::try_cast_slice_mut(self.octet_weights).unwrap_or_default(),
            bytemuck::try_cast_slice_mut(self.history).unwrap_or_default(),
            self.hits,
            self.misses,
            bytemuck::try_cast_slice_mut(self.octets).unwrap_or_default(),
            bytemuck::try_cast_slice_mut(self.numbers.cells()).unwrap_or_default(),
            bytemuck::try_cast_slice_mut(self.learned.entries).unwrap_or_default(),
            bytemuck::try_cast_slice_mut(self.learned.sure).unwrap_or_default(),
        ]
    }

    /// Notes what was coded last.
    fn note(&mut self, made: &Made) {
        for octet in made.as_slice() {
            self.state.recent = self.state.recent << 8 | u32::from(*octet);
        }
    }
}
