//! The plan: in which order blocks are made, and from which pieces.
//!
//! The new image is cut in blocks. The plan is a stream of its own, so that a device can go through all of it before it
//! makes the first octet: it learns where every piece of the old image goes ([`Map`](crate::map::Map)). Everything in it is
//! a number ([`Numbers`]):
//!
//! ```text
//! head    sizes of the tables, the least copy that enters the map, RAM range, regions
//! step*   make a block: segments until it is full
//!         keep a block: it is as it was
//!         save pieces of the old image (in place only), for when they are overwritten
//! ```
//! A segment is a literal run, then a copy from the old image, unless the block is full. The source of a copy is mostly one
//! of the last four distances between new and old place; else it counts from where one of the last copies ended: code that
//! was put in from elsewhere is followed by what followed before. Where blocks go down, a copy at the start of a block says
//! how many octets of its first unit lie before the border ([`seam`](crate::seam)).
use core::mem;

use crate::arch::Arch;
use crate::bits::Bits;
use crate::map::Region;
use crate::model::Sizes;
use crate::numbers::Numbers;

/// What the numbers of a plan mean: their contexts.
mod meaning {
    pub(super) const PROFILE: u32 = 1;
    pub(super) const SIZE: u32 = 2;
    pub(super) const LEAST: u32 = 3;
    pub(super) const RAM: u32 = 4;
    pub(super) const REGIONS: u32 = 6;
    pub(super) const ARCH: u32 = 7;
    pub(super) const START: u32 = 8;
    pub(super) const MOVED: u32 = 9;
    pub(super) const ADDRESS: u32 = 10;
    pub(super) const HIGH: u32 = 12;
    pub(super) const STEP: u32 = 16;
    pub(super) const JUMP: u32 = 17;
    pub(super) const PIECES: u32 = 18;
    pub(super) const PIECE: u32 = 19;
    pub(super) const PIECE_LEN: u32 = 20;
    /// The first segment of a block, and the others.
    pub(super) const LITERAL: u32 = 24;
    /// By whether a literal came before.
    pub(super) const COPY: u32 = 28;
    /// By the size of the literal before.
    pub(super) const SOURCE: u32 = 32;
    pub(super) const FAR: u32 = 40;
    /// By the size of the copy.
    pub(super) const MAPPED: u32 = 48;
    pub(super) const EARLY: u32 = 64;
}

/// What a plan starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The sizes of the model's tables.
    pub sizes: Sizes,
    /// The octets of the shortest copy that enters the map.
    pub least: u32,
    /// The first address of the RAM and its octets.
    pub ram: (u32, u32),
    /// How many regions follow.
    pub regions: u32,
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A block is made from segments.
    Make(u32),
    /// A block is as it was.
    Keep(u32),
    /// So many pieces of the old image are saved.
    Save(u32),
}

/// A literal run and a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Octets that are coded one by one.
    pub literal: u32,
    /// Octets that stand in the old image; none only at the end of a block.
    pub copy: u32,
    /// Where.
    pub source: u32,
    /// Whether the copy enters the map. Copies shorter than the plan's least never do.
    pub mapped: bool,
    /// The octets before the source that are copied with it, to the end of the block before: less than
    /// [`seam::MAX`](crate::seam::MAX).
    /// Only where a block starts with a copy, and blocks go down.
    pub early: u32,
}

/// Counters that the head of a plan and its regions are coded with; the steps have [`Sizes::plan`].
pub const HEAD_COUNTERS: usize = 64;

/// How far the coding of a plan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The block made last, all ones before the first.
    block: u32,
    /// Blocks go down.
    down: bool,
    /// The last distances from the new to the old place (modulo 2^32), the last first.
    shifts: [u32; 4],
    /// The distance at the first octet of the last block.
    first: u32,
    /// Where in the block the next octet stands.
    at: u32,
    /// Where in the old image the octets would stand that follow.
    end: u32,
    /// The ends of the last copies in the old image, the last first.
    ends: [u32; 4],
}

impl Cursor {
    /// Words that it is kept in.
    pub const WORDS: usize = 13;
    /// Before the first step.
    pub const START: Self =
        Self { block: u32::MAX, down: false, shifts: [0; 4], first: 0, at: 0, end: 0, ends: [0; 4] };

    /// The words to keep.
    pub fn to_words(&self) -> [u32; Self::WORDS] {
        let scalars = [self.block, u32::from(self.down), self.first, self.at, self.end];
        let mut words = [0; Self::WORDS];
        for (word, value) in words.iter_mut().zip(scalars.into_iter().chain(self.shifts).chain(self.ends)) {
            *word = value;
        }
        words
    }

    /// The cursor that gave these words.
    pub fn from_words(words: [u32; Self::WORDS]) -> Self {
        let [block, down, first, at, end, lists @ ..] = words;
        let lists = lists.split_first_chunk::<4>();
        let shifts = lists.map_or([0; 4], |(shifts, _)| *shifts);
        let ends = lists.and_then(|(_, ends)| ends.first_chunk()).copied().unwrap_or_default();
        Self { block, down: down != 0, shifts, first, at, end, ends }
    }

    /// Where in the old image the octets would stand that follow what was coded last.
    pub const fn expected(&self) -> u32 {
        self.end
    }

    /// Whether the block that was entered last stands before the one that was entered before it.
    pub const fn goes_down(&self) -> bool {
        self.down
    }

    /// Codes what is done next, blocks being of `size` octets.
    pub fn step<B: Bits>(
        &mut self,
        numbers: &mut Numbers<'_>,
        bits: &mut B,
        size: u32,
        step: Step,
    ) -> Result<Step, B::Error> {
        let onward = if self.down { self.block.wrapping_sub(1) } else { self.block.wrapping_add(1) };
        let code = match step {
            Step::Make(block) => {
                if block == onward {
                    0
                } else {
                    2
                }
            }
            Step::Keep(block) => {
                if block == onward {
                    1
                } else {
                    3
                }
            }
            Step::Save(_) => 4,
        };
        let code = numbers.number(bits, meaning::STEP, code)?;
        if code >= 4 {
            let pieces = if let Step::Save(pieces) = step { pieces } else { 0 };
            return numbers.number(bits, meaning::PIECES, pieces).map(Step::Save);
        }
        let block = if code >= 2 {
            let block = if let Step::Make(block) | Step::Keep(block) = step { block } else { 0 };
            let jump = numbers.signed(bits, meaning::JUMP, block.wrapping_sub(self.block))?;
            self.block.wrapping_add(jump)
        } else {
            onward
        };
        let made = code & 1 == 0;
        self.enter(block, size, made);
        Ok(if made { Step::Make(block) } else { Step::Keep(block) })
    }

    /// Goes to the start of a block.
    fn enter(&mut self, block: u32, size: u32, made: bool) {
        let before = self.block;
        self.down = block.wrapping_add(1) == before || (block < before && before != u32::MAX);
        self.block = block;
        if block.wrapping_add(1) == before {
            recall(&mut self.shifts, self.first, None);
        }
        if !made {
            recall(&mut self.shifts, 0, None);
        }
        let [shift, ..] = self.shifts;
        self.first = shift;
        self.at = 0;
        self.end = block.wrapping_mul(size).wrapping_add(shift);
        if !made {
            self.end = self.end.wrapping_add(size);
        }
    }

    /// Codes the next segment of the block, of which `left` octets are left, copies of `least` octets and more
    /// entering the map. What comes out may be larger: the caller checks it.
    pub fn segment<B: Bits>(
        &mut self,
        numbers: &mut Numbers<'_>,
        bits: &mut B,
        size: u32,
        left: u32,
        least: u32,
        segment: Segment,
    ) -> Result<Segment, B::Error> {
        let fresh = u32::from(self.at == 0);
        let literal = numbers.number(bits, meaning::LITERAL | fresh, segment.literal)?;
        let Some(room) = left.checked_sub(literal).filter(|room| *room > 0) else {
            return Ok(Segment { literal, ..Segment::default() });
        };
        let run = 32u32.wrapping_sub(literal.leading_zeros()).min(6);
        // 0: to the end of the block
        let copy = if segment.copy == room { 0 } else { segment.copy };
        let copy = match numbers.number(bits, meaning::COPY | fresh | u32::from(literal > 0) << 1, copy)? {
            0 => room,
            copy => copy,
        };
        let bucket = 32u32.wrapping_sub(copy.leading_zeros()).min(15);
        let mapped =
            copy >= least && numbers.number(bits, meaning::MAPPED | bucket, u32::from(!segment.mapped))? == 0;
        let at = self.block.wrapping_mul(size).wrapping_add(self.at).wrapping_add(literal);
        let source = self.source(numbers, bits, run, at, segment.source)?;
        let early = if self.down && self.at == 0 && literal == 0 {
            numbers.number(bits, meaning::EARLY, segment.early)?
        } else {
            0
        };
        let shift = source.wrapping_sub(at);
        recall(&mut self.shifts, shift, None);
        if self.at == 0 && literal == 0 {
            self.first = shift;
        }
        self.at = self.at.wrapping_add(literal).wrapping_add(copy);
        self.end = source.wrapping_add(copy);
        // the copy goes on from one of the ends if it is near, else it is one more
        let near = nearest(&self.ends, source).filter(|(_, far)| *far < NEAR_END);
        recall(&mut self.ends, self.end, near.map(|(place, _)| place));
        Ok(Segment { literal, copy, source, mapped, early })
    }

    /// Codes where a copy comes from that goes to `at`: one of the last distances, or else so far from the end of one of the
    /// last copies. `run` is the size of the literal before.
    fn source<B: Bits>(
        &self,
        numbers: &mut Numbers<'_>,
        bits: &mut B,
        run: u32,
        at: u32,
        source: u32,
    ) -> Result<u32, B::Error> {
        let shift = source.wrapping_sub(at);
        let known = (0..).zip(self.shifts).find(|(_, known)| *known == shift).map(|(code, _)| code);
        let end = || nearest(&self.ends, source).map_or(0, |(place, _)| place);
        let code = known.unwrap_or_else(|| LAST.wrapping_add(u32::try_from(end()).unwrap_or(0)));
        let code = numbers.number(bits, meaning::SOURCE | run, code)?;
        if let Some(shift) = usize::try_from(code).ok().and_then(|code| self.shifts.get(code)) {
            return Ok(at.wrapping_add(*shift));
        }
        let place = code.wrapping_sub(LAST).min(LAST.wrapping_sub(1));
        let end = usize::try_from(place).ok().and_then(|place| self.ends.get(place)).copied().unwrap_or(0);
        let context = meaning::FAR | run.min(2) | if place > 0 { 4 } else { 0 };
        let far = numbers.signed(bits, context, source.wrapping_sub(end))?;
        Ok(far.wrapping_add(end))
    }

    /// Codes a piece that is saved: its place in the old image and its octets. `end` is the end of the piece before.
    pub fn piece<B: Bits>(
        numbers: &mut Numbers<'_>,
        bits: &mut B,
        end: u32,
        piece: (u32, u32),
    ) -> Result<(u32, u32), B::Error> {
        let from = numbers.signed(bits, meaning::PIECE, piece.0.wrapping_sub(end))?;
        let len = numbers.number(bits, meaning::PIECE_LEN, piece.1)?;
        Ok((end.wrapping_add(from), len))
    }
}

/// How many distances and ends are remembered.
const LAST: u32 = 4;
/// A copy that starts nearer than this to the end of another goes on from it.
const NEAR_END: u32 = 512;

/// The end that is nearest to `source`, and how far it is.
fn nearest(ends: &[u32; 4], source: u32) -> Option<(usize, u32)> {
    let far = |end: u32| source.wrapping_sub(end).cast_signed().unsigned_abs();
    ends.iter().map(|end| far(*end)).enumerate().min_by_key(|(_, far)| *far)
}

/// Brings `value` to the front, in the place of an equal one, of the one at `place`, or of the last.
fn recall(list: &mut [u32; 4], value: u32, place: Option<usize>) {
    let equal = if place.is_none() { list.iter().position(|known| *known == value) } else { place };
    let mut moved = value;
    for slot in list.iter_mut().take(equal.unwrap_or(3).saturating_add(1)) {
        moved = mem::replace(slot, moved);
    }
}

/// The profiles that have a number of their own.
const PROFILES: [Sizes; 3] = [Sizes::TINY, Sizes::SMALL, Sizes::LARGE];

/// Codes what a plan starts with.
pub fn head<B: Bits>(numbers: &mut Numbers<'_>, bits: &mut B, head: Head) -> Result<Head, B::Error> {
    let known = PROFILES.iter().position(|sizes| *sizes == head.sizes);
    let code = known.and_then(|place| u32::try_from(place).ok()).unwrap_or(3);
    let sizes = match PROFILES.get(numbers.number(bits, meaning::PROFILE, code)? as usize) {
        Some(sizes) => *sizes,
        None => sizes(numbers, bits, head.sizes)?,
    };
    let least = numbers.number(bits, meaning::LEAST, head.least)?;
    let start = numbers.round(bits, meaning::RAM, head.ram.0)?;
    let len = numbers.round(bits, meaning::RAM | 1, head.ram.1)?;
    let regions = numbers.number(bits, meaning::REGIONS, head.regions)?;
    Ok(Head { sizes, least, ram: (start, len), regions })
}

fn sizes<B: Bits>(numbers: &mut Numbers<'_>, bits: &mut B, sizes: Sizes) -> Result<Sizes, B::Error> {
    let mut size = |value: u16| {
        let value = numbers.number(bits, meaning::SIZE, u32::from(value))?;
        Ok(u16::try_from(value).unwrap_or(u16::MAX))
    };
    Ok(Sizes {
        flags: size(sizes.flags)?,
        octets: size(sizes.octets)?,
        numbers: size(sizes.numbers)?,
        learned: size(sizes.learned)?,
        pieces: size(sizes.pieces)?,
    })
}

/// Codes a region that follows `before`; the first starts at the start of both images, whatever it says.
pub fn region<B: Bits>(
    numbers: &mut Numbers<'_>,
    bits: &mut B,
    before: Option<&Region>,
    region: Region,
) -> Result<Region, B::Error> {
    let arch = numbers.number(bits, meaning::ARCH, region.arch as u32)?;
    let (old_start, new_start) = match before {
        None => (0, 0),
        Some(before) => {
            let len =
                numbers.number(bits, meaning::START, region.old_start.wrapping_sub(before.old_start))?;
            let old_start = before.old_start.wrapping_add(len);
            let expected = before.new_start.wrapping_add(len);
            let moved = numbers.signed(bits, meaning::MOVED, region.new_start.wrapping_sub(expected))?;
            (old_start, expected.wrapping_add(moved))
        }
    };
    // most images stand at one place as a whole: then the base is the same
    let base = before.map_or(0, |before| before.old_address.wrapping_sub(before.old_start));
    let old_base = numbers.round(
        bits,
        meaning::ADDRESS,
        region.old_address.wrapping_sub(old_start).wrapping_sub(base),
    )?;
    let old_address = old_base.wrapping_add(base).wrapping_add(old_start);
    let moved =
        numbers.signed(bits, meaning::ADDRESS | 1, region.new_address.wrapping_sub(region.old_address))?;
    let high = numbers.round(bits, meaning::HIGH, region.high)?;
    Ok(Region {
        old_start,
        new_start,
        old_address,
        new_address: old_address.wrapping_add(moved),
        high,
        arch: Arch::from_number(arch),
    })
}

#[cfg(test)]
mod tests;
