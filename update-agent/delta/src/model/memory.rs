//! The memory of the model and of the map, carved from one slice of words.
use super::learned::Learned;
use super::{Model, flag, octet};
use crate::map::Map;
use crate::numbers::Numbers;
use crate::predict::{coarse, fine};

/// Classes of units that have a history: those of an architecture and two of words.
const CLASSES: usize = 36;

/// How large the tables are. The generator chooses, the package says; every size works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Counters of flags, 4 octets each.
    pub flags: u16,
    /// Counters of the bits of octets, 2 octets each.
    pub octets: u16,
    /// Counters of the bits of numbers, 2 octets each.
    pub numbers: u16,
    /// Addresses that are learned, 9 octets each.
    pub learned: u16,
    /// Pieces of the map, 12 octets each.
    pub pieces: u16,
}

/// The lengths of the parts, in words.
struct Lengths {
    flag_weights: usize,
    octet_weights: usize,
    history: usize,
    hits: usize,
    misses: usize,
    octets: usize,
    numbers: usize,
    learned: usize,
    sure: usize,
    pieces: usize,
}

impl Sizes {
    /// For a device with 4 KiB: 2,300 octets.
    pub const TINY: Self = Self { flags: 112, octets: 166, numbers: 62, learned: 23, pieces: 62 };
    /// For a device with 16 KiB: 12,100 octets.
    pub const SMALL: Self = Self { flags: 700, octets: 2400, numbers: 220, learned: 100, pieces: 200 };
    /// For a device with 128 KiB: 118,000 octets.
    pub const LARGE: Self = Self { flags: 6400, octets: 30000, numbers: 1000, learned: 300, pieces: 2000 };

    /// No tables at all.
    pub const NONE: Self = Self { flags: 0, octets: 0, numbers: 0, learned: 0, pieces: 0 };

    /// Fewer counters than these are not worth a weight set for every place of an octet.
    const FEW_OCTETS: u16 = 1000;

    const fn lengths(&self) -> Lengths {
        // u16 to usize: `From` is not const.
        let (flags, octets, numbers) = (self.flags as usize, self.octets as usize, self.numbers as usize);
        let (learned, pieces) = (self.learned as usize, self.pieces as usize);
        let hits = flags.saturating_mul(5) / 8;
        let octet_sets = if self.octets < Self::FEW_OCTETS { octet::LITERAL_SETS } else { octet::SETS };
        Lengths {
            flag_weights: flag::SETS * flag::INPUTS,
            octet_weights: octet_sets.saturating_mul(octet::INPUTS),
            history: CLASSES / 4,
            hits,
            misses: flags.saturating_sub(hits),
            octets: octets.div_ceil(2),
            numbers: numbers.div_ceil(2),
            learned: learned.saturating_mul(2),
            sure: learned.div_ceil(4),
            pieces: pieces.saturating_mul(3),
        }
    }

    /// Counters of the numbers in a plan, a multiple of 2; 2 octets each.
    pub const fn plan(&self) -> usize {
        match self.flags {
            0 => 0,
            1..256 => 96,
            256..2048 => 384,
            _ => 768,
        }
    }

    /// Words of these that the map has.
    pub const fn map_words(&self) -> usize {
        self.lengths().pieces
    }

    /// Words of 32 bits that the model and the map need.
    pub const fn words(&self) -> usize {
        let l = self.lengths();
        l.flag_weights
            .saturating_add(l.octet_weights)
            .saturating_add(l.history)
            .saturating_add(l.hits)
            .saturating_add(l.misses)
            .saturating_add(l.octets)
            .saturating_add(l.numbers)
            .saturating_add(l.learned)
            .saturating_add(l.sure)
            .saturating_add(l.pieces)
    }
}

/// The scalars of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The last outcomes of all units, the last lowest; a set bit was as predicted.
    pub(super) outcomes: u32,
    /// Units as predicted since the last that was not.
    pub(super) run: u32,
    /// By how much the last address was off.
    pub(super) last_shift: u32,
    /// The last pointer.
    pub(super) last_pointer: u32,
    /// The octets made last, the last lowest.
    pub(super) recent: u32,
    /// Which octets of the last unit were not as predicted.
    pub(super) mask: u32,
    /// The class of the last unit.
    pub(super) last_class: u32,
}

impl State {
    /// Words that it is kept in.
    pub const WORDS: usize = 7;

    /// Before the first unit.
    const FRESH: Self = Self {
        outcomes: u32::MAX,
        run: 4,
        last_shift: 0,
        last_pointer: 0,
        recent: 0,
        mask: 0,
        last_class: 0,
    };

    /// The words to keep.
    pub const fn to_words(&self) -> [u32; Self::WORDS] {
        [self.outcomes, self.run, self.last_shift, self.last_pointer, self.recent, self.mask, self.last_class]
    }

    /// The state that gave these words.
    pub const fn from_words(words: [u32; Self::WORDS]) -> Self {
        let [outcomes, run, last_shift, last_pointer, recent, mask, last_class] = words;
        Self { outcomes, run, last_shift, last_pointer, recent, mask, last_class }
    }
}

/// A model and a map that know nothing.
pub(super) fn fresh(words: &mut [u32], sizes: Sizes) -> Option<(Model<'_>, Map<'_>)> {
    words.get_mut(..sizes.words())?.fill(0);
    let (mut model, map) = kept(words, sizes, State::FRESH, 0)?;
    forget(&mut model);
    Some((model, map))
}

/// Makes a model know nothing.
pub(super) fn forget(model: &mut Model<'_>) {
    model.state = State::FRESH;
    model.learned.entries.fill([0; 2]);
    model.learned.sure.fill(0);
    model.flag_weights.fill([flag::WEIGHT; flag::INPUTS]);
    model.octet_weights.fill([octet::WEIGHT; octet::INPUTS]);
    model.history.fill(u8::MAX);
    model.hits.fill(fine::new(flag::START));
    model.misses.fill(fine::new(flag::START));
    model.octets.fill(coarse::FRESH);
    model.numbers.reset();
}

/// A model and a map of what `words` hold.
pub(super) fn kept(
    words: &mut [u32],
    sizes: Sizes,
    state: State,
    pieces: usize,
) -> Option<(Model<'_>, Map<'_>)> {
    let l = sizes.lengths();
    let mut rest = words;
    let mut part = |len: usize| rest.split_off_mut(..len);
    let model = Model {
        state,
        flag_weights: bytemuck::try_cast_slice_mut(part(l.flag_weights)?).ok()?,
        octet_weights: bytemuck::try_cast_slice_mut(part(l.octet_weights)?).ok()?,
        history: bytemuck::try_cast_slice_mut(part(l.history)?).ok()?,
        hits: part(l.hits)?,
        misses: part(l.misses)?,
        octets: bytemuck::try_cast_slice_mut(part(l.octets)?).ok()?,
        numbers: Numbers::new(bytemuck::try_cast_slice_mut(part(l.numbers)?).ok()?),
        learned: Learned {
            entries: bytemuck::try_cast_slice_mut(part(l.learned)?).ok()?,
            sure: bytemuck::try_cast_slice_mut(part(l.sure)?).ok()?,
        },
    };
    let pieces_at = bytemuck::try_cast_slice_mut(part(l.pieces)?).ok()?;
    Some((model, Map::resume(pieces_at, pieces)?))
}
