//! Going through the new image, octet by octet of literals and unit by unit of copies.
//!
//! The device and the generator walk the same way; only the [`Bits`] they walk with differ.
use crate::arch::{self, Window};
use crate::bits::Bits;
use crate::map::{Map, Regions};
use crate::model::{Known, Literal, Made, Model, Spot};
use crate::plan::Segment;
use crate::seam::{self, Seam};

/// Bits, and the old image beside them.
pub trait Old: Bits {
    /// Fills `out` with octets of the old image that stand in their place.
    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error>;
    /// Fills `out` with octets of the old image whose place was overwritten; they were saved.
    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error>;
}

/// Which blocks are in place.
#[derive(Debug)]
pub struct Done<'m> {
    words: &'m mut [u32],
    /// Octets of a block; none in a slot, where nothing is overwritten.
    block: u32,
}

impl<'m> Done<'m> {
    /// Words for so many blocks.
    pub fn words(blocks: u32) -> usize {
        usize::try_from(blocks.div_ceil(32)).unwrap_or(usize::MAX)
    }

    /// Nothing is done.
    pub fn new(words: &'m mut [u32], block: u32) -> Self {
        words.fill(0);
        Self { words, block }
    }

    /// Nothing is done, again.
    pub fn reset(&mut self) {
        self.words.fill(0);
    }

    /// Notes that a block is done; false if it was already, or does not exist.
    pub fn set(&mut self, block: u32) -> bool {
        let Some(word) = usize::try_from(block >> 5).ok().and_then(|at| self.words.get_mut(at)) else {
            return false;
        };
        let bit = 1 << (block & 31);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    /// Whether a block is done.
    pub fn has(&self, block: u32) -> bool {
        let word = usize::try_from(block >> 5).ok().and_then(|at| self.words.get(at));
        word.is_some_and(|word| word >> (block & 31) & 1 == 1)
    }

    /// Whether the octet at an offset of the old image is overwritten, and up to which offset that holds.
    fn overwritten(&self, at: u32) -> (bool, u32) {
        let Some(block) = at.checked_div(self.block) else { return (false, u32::MAX) };
        (self.has(block), block.saturating_add(1).saturating_mul(self.block))
    }
}

/// Octets of the old image around the place of a copy.
#[derive(Debug)]
struct Near {
    start: u32,
    len: usize,
    octets: [u8; NEAR],
}

/// Enough for a window at any place of the second third.
const NEAR: usize = arch::BEHIND + 2 * arch::AHEAD;

/// Octets of the old image beside a literal.
#[derive(Debug)]
struct Beside {
    start: u32,
    len: usize,
    octets: [u8; BESIDE],
}

const BESIDE: usize = 16;
/// Octets of a literal that are coded in one go.
const LITERAL: usize = 4;

/// The state of a walk through a block.
#[derive(Debug)]
pub struct Walk<'m> {
    /// The model.
    pub model: Model<'m>,
    /// Where everything went.
    pub map: Map<'m>,
    /// What stands where.
    pub regions: Regions<'m>,
    /// What is overwritten.
    pub done: Done<'m>,
    /// What the block made last had for a neighbour, and from then on what this one has.
    pub seam: Seam,
    block: u32,
    /// The first octet of the block and the end of it, in the new image.
    start: u32,
    end: u32,
    /// Octets of the block that its neighbours had, those at the start not yet passed.
    lead: u32,
    tail: u32,
    /// Offset of the next octet in the new image.
    at: u32,
    segment: Segment,
    /// The octets of the copy that lie behind the end of the block, if a unit takes them.
    beyond: u32,
    /// The first octet of the copy.
    from: u32,
    /// The old octets that stand beside the literal.
    left: u32,
    near: Near,
    beside: [Beside; 2],
}

const NOTHING: Segment = Segment { literal: 0, copy: 0, source: 0, mapped: false, early: 0 };

impl<'m> Walk<'m> {
    /// A walk at the start.
    pub const fn new(model: Model<'m>, map: Map<'m>, regions: Regions<'m>, done: Done<'m>) -> Self {
        let near = Near { start: 0, len: 0, octets: [0; NEAR] };
        let beside = [const { Beside { start: 0, len: 0, octets: [0; BESIDE] } }; 2];
        Self {
            model,
            map,
            regions,
            done,
            seam: Seam::NONE,
            block: 0,
            start: 0,
            end: 0,
            lead: 0,
            tail: 0,
            at: 0,
            segment: NOTHING,
            beyond: 0,
            from: 0,
            left: 0,
            near,
            beside,
        }
    }

    /// Goes back to the start, with nothing done.
    pub fn reset(&mut self) {
        self.model.forget();
        self.done.reset();
        self.seam = Seam::NONE;
        self.segment = NOTHING;
    }

    /// Takes up a block, which has the octets of the new image from `start` to `end`; returns those that are there already:
    /// at its start and at its end.
    pub fn enter(&mut self, block: u32, (start, end): (u32, u32)) -> (Made, Made) {
        let (lead, tail) = (self.seam.lead(block), self.seam.tail(block));
        self.seam = Seam::NONE;
        self.block = block;
        self.start = start;
        self.end = end;
        self.lead = u32::from(lead.len);
        self.tail = u32::from(tail.len);
        self.at = start;
        self.segment = NOTHING;
        (lead, tail)
    }

    /// Offset in the new image of the octet that is coded next.
    pub const fn at(&self) -> u32 {
        self.at
    }

    /// Takes up a segment, maybe the `last` of the block; `left` is where in the old image the octets would stand that
    /// follow the last copy.
    pub fn start(&mut self, segment: Segment, left: u32, last: bool) {
        let Segment { mut literal, mut copy, mut source, mapped, early } = segment;
        let lead = self.lead.min(literal.saturating_add(copy));
        let skipped = lead.min(literal);
        literal = literal.wrapping_sub(skipped);
        copy = copy.wrapping_sub(lead.wrapping_sub(skipped));
        source = source.wrapping_add(lead.wrapping_sub(skipped)).wrapping_sub(early);
        copy = copy.wrapping_add(early);
        self.lead = self.lead.wrapping_sub(lead);
        self.at = self.at.wrapping_add(lead).wrapping_sub(early);
        self.left = left.wrapping_add(skipped);
        self.beyond = 0;
        if last {
            let cut = self.tail.min(copy);
            copy = copy.wrapping_sub(cut);
            literal = literal.saturating_sub(self.tail.wrapping_sub(cut));
            if copy > 0 && self.tail == 0 {
                self.beyond = self.available(source.wrapping_add(copy));
            }
        }
        copy = copy.wrapping_add(self.beyond);
        self.segment = Segment { literal, copy, source, mapped, early };
        self.from = source;
        self.near.len = 0;
        let [one, other] = &mut self.beside;
        one.len = 0;
        other.len = 0;
    }

    /// How many of the octets of the old image at `at` may be read, and made behind the end of the block.
    fn available(&self, at: u32) -> u32 {
        let (overwritten, border) = self.done.overwritten(at);
        let behind = self.regions.new_size.saturating_sub(self.end);
        if overwritten || behind == 0 || self.done.has(self.block.wrapping_add(1)) {
            return 0;
        }
        let there = border.min(self.regions.old_size).saturating_sub(at);
        there.min(behind).min(seam::MAX.wrapping_sub(1))
    }

    /// Codes the next octets of the segment, none when it is used up; returns those that belong to the block and are new.
    /// `actual` are the octets of the new image from [`at`](Self::at) on, as far as there are; a decoder gives what it
    /// likes.
    pub fn code<C: Old>(&mut self, coder: &mut C, actual: [u8; 8]) -> Result<Option<Made>, C::Error> {
        let made = if self.segment.literal > 0 {
            self.literal(coder, actual)?
        } else if self.segment.copy > self.beyond {
            self.unit(coder, actual)?
        } else {
            return Ok(None);
        };
        let at = self.at;
        self.at = at.wrapping_add(u32::from(made.len));
        Ok(Some(if at >= self.start && self.at <= self.end { made } else { self.part(at, &made) }))
    }

    /// Keeps the octets of a unit at `at` that belong to a neighbour, and returns the others.
    fn part(&mut self, at: u32, made: &Made) -> Made {
        let octets = made.as_slice();
        let place =
            |offset: u32| usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX).min(octets.len());
        let (before, rest) = octets.split_at_checked(place(self.start)).unwrap_or_default();
        let inside = place(self.end).saturating_sub(before.len());
        let (inside, behind) = rest.split_at_checked(inside).unwrap_or_default();
        if !before.is_empty() {
            self.seam.add(self.block.wrapping_sub(1), true, before);
        }
        if !behind.is_empty() {
            self.seam.add(self.block.wrapping_add(1), false, behind);
        }
        let mut part = Made { octets: [0; 8], len: u8::try_from(inside.len()).unwrap_or(0) };
        for (to, from) in part.octets.iter_mut().zip(inside) {
            *to = *from;
        }
        part
    }

    fn literal<C: Old>(&mut self, coder: &mut C, actual: [u8; 8]) -> Result<Made, C::Error> {
        let segment = self.segment;
        let n = usize::try_from(segment.literal).unwrap_or(LITERAL).min(LITERAL);
        let (mut left, mut right) = ([0; LITERAL], [0; LITERAL]);
        let (left, right) = (left.get_mut(..n).unwrap_or_default(), right.get_mut(..n).unwrap_or_default());
        let (old_size, done) = (self.regions.old_size, &self.done);
        let [one, other] = &mut self.beside;
        one.get(coder, done, old_size, self.left, left)?;
        if segment.copy > 0 {
            other.get(coder, done, old_size, segment.source.wrapping_sub(segment.literal), right)?;
        }
        let place = self.regions.new_place(self.at);
        let literal = Literal { arch: place.arch, address: place.address, left, right };
        let made = self.model.literal(coder, &literal, actual)?;
        self.segment.literal = segment.literal.saturating_sub(u32::from(made.len));
        self.left = self.left.wrapping_add(u32::from(made.len));
        Ok(made)
    }

    fn unit<C: Old>(&mut self, coder: &mut C, actual: [u8; 8]) -> Result<Made, C::Error> {
        let Segment { copy, source, .. } = self.segment;
        let end = source.wrapping_add(copy);
        let old = self.regions.old_place(source);
        let new = arch::Place { arch: old.arch, ..self.regions.new_place(self.at) };
        let (behind, ahead) = self.near.window(coder, &self.done, self.from, source, end)?;
        let window = Window { behind, ahead, address: old.address };
        let spot = Spot { window, old, new, edge: (source.wrapping_sub(self.from), copy) };
        let known = Known { regions: &self.regions, map: &self.map };
        let made = self.model.unit(coder, &spot, &known, actual)?;
        self.segment.copy = copy.saturating_sub(u32::from(made.len));
        self.segment.source = source.wrapping_add(u32::from(made.len));
        Ok(made)
    }
}

impl Near {
    /// The octets before and behind `at`, all of them within the copy.
    fn window<C: Old>(
        &mut self,
        coder: &mut C,
        done: &Done<'_>,
        from: u32,
        at: u32,
        end: u32,
    ) -> Result<(&[u8], &[u8]), C::Error> {
        let first = at.saturating_sub(BEHIND).max(from);
        let last = at.saturating_add(AHEAD).min(end);
        let known = self.start <= first && last.wrapping_sub(self.start) <= self.len_u32();
        if !known || self.len == 0 {
            let wanted = usize::try_from(end.wrapping_sub(first)).unwrap_or(NEAR).min(NEAR);
            self.start = first;
            self.len = wanted;
            fetch(coder, done, first, self.octets.get_mut(..wanted).unwrap_or_default())?;
        }
        let octets = self.octets.get(..self.len).unwrap_or_default();
        let place = |offset: u32| usize::try_from(offset.wrapping_sub(self.start)).unwrap_or(0);
        let octets = octets.get(..place(last)).unwrap_or_default();
        let (behind, ahead) = octets.split_at_checked(place(at)).unwrap_or_default();
        Ok((behind.get(place(first)..).unwrap_or_default(), ahead))
    }

    fn len_u32(&self) -> u32 {
        u32::try_from(self.len).unwrap_or(0)
    }
}

/// The sizes of a window as offsets.
const BEHIND: u32 = 32;
const AHEAD: u32 = 32;
const _: () = assert!(BEHIND as usize == arch::BEHIND && AHEAD as usize == arch::AHEAD);

/// Reads octets of the old image that are needed, from their place or from where they were saved.
fn fetch<C: Old>(coder: &mut C, done: &Done<'_>, at: u32, out: &mut [u8]) -> Result<(), C::Error> {
    let (mut at, mut rest) = (at, out);
    while !rest.is_empty() {
        let (overwritten, border) = done.overwritten(at);
        let n = usize::try_from(border.wrapping_sub(at)).unwrap_or(usize::MAX).min(rest.len());
        let (front, behind) = rest.split_at_mut_checked(n).unwrap_or_default();
        if overwritten {
            coder.saved(at, front)?;
        } else {
            coder.old(at, front)?;
        }
        rest = behind;
        at = border;
    }
    Ok(())
}

impl Beside {
    /// The octets at `at`; zeros where there are none any more.
    fn get<C: Old>(
        &mut self,
        coder: &mut C,
        done: &Done<'_>,
        old_size: u32,
        at: u32,
        out: &mut [u8],
    ) -> Result<(), C::Error> {
        for (octet, offset) in out.iter_mut().zip(0..) {
            let at = at.wrapping_add(offset);
            let place = usize::try_from(at.wrapping_sub(self.start)).unwrap_or(usize::MAX);
            *octet = match self.octets.get(..self.len).and_then(|octets| octets.get(place)) {
                Some(octet) => *octet,
                None => self.refill(coder, done, old_size, at)?,
            };
        }
        Ok(())
    }

    /// Reads on from `at`, whose octet is returned.
    fn refill<C: Old>(
        &mut self,
        coder: &mut C,
        done: &Done<'_>,
        old_size: u32,
        at: u32,
    ) -> Result<u8, C::Error> {
        let (overwritten, border) = done.overwritten(at);
        let border = border.min(old_size);
        self.start = at;
        self.len = usize::try_from(border.saturating_sub(at)).unwrap_or(BESIDE).min(BESIDE);
        if overwritten || self.len == 0 {
            self.len = 0;
            return Ok(0);
        }
        coder.old(at, self.octets.get_mut(..self.len).unwrap_or_default())?;
        Ok(self.octets.first().copied().unwrap_or(0))
    }
}
