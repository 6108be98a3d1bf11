//! Coding a delta: from two images to the payload of a package.
//!
//! ```text
//!  regions of both images, paired ─► search: what is like what ─► map ─► search again, addresses known (twice)
//!                                                                  │
//!         in place: order of the blocks, what is saved, what is lost; search again with what is left
//!                                                                  │
//!  blocks of segments ─► plan stream (numbers)  ┐
//!                     ─► content stream (model) ┴► payload
//! ```
use std::convert::Infallible;
use std::iter;
use std::ops::Range;

use kedge_delta::bits::Bits;
use kedge_delta::map::{Map, Region, Regions};
use kedge_delta::model::{Model, Sizes};
use kedge_delta::numbers::Numbers;
use kedge_delta::plan::{self, Cursor, HEAD_COUNTERS, Head, Step};
use kedge_delta::seam;
use kedge_delta::walk::{Done, Old, Walk};

use crate::coder::{COST, Encoder};
use crate::image::{self, Hint};
use crate::order::{self, Needs};
use crate::search::{Last, Prices, Search, Segment, both};

/// How a delta is to be coded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The old image is overwritten.
    pub(crate) in_place: bool,
    /// Octets of a block.
    pub(crate) block: usize,
    /// Octets that can be saved at a time.
    pub(crate) room: usize,
    /// The model's tables.
    pub(crate) sizes: Sizes,
    /// What is known of the images.
    pub(crate) hint: Hint,
}

/// A coded delta.
#[derive(Clone, Debug)]
pub(crate) struct Coded {
    /// The payload.
    pub(crate) payload: Vec<u8>,
    /// Octets of its parts: the plan and the content.
    pub(crate) parts: (usize, usize),
    /// The regions.
    pub(crate) regions: Vec<Region>,
    /// Blocks that are made, and all blocks.
    pub(crate) blocks: (usize, usize),
    /// Octets in literals, and what coding them took of the content.
    pub(crate) literals: (u64, u64),
    /// Octets that could not be copied because their place was overwritten.
    pub(crate) lost: usize,
    /// How often something is saved.
    pub(crate) saves: usize,
}

/// The shortest copy that may enter the map.
const LEAST: u32 = 10;
/// Passes of the search that know the addresses.
const PASSES: usize = 2;
/// Rounds of order and search in place.
const ROUNDS: usize = 2;
/// The octets from which on a piece of the old image is saved: saving less takes more of the plan. Both are tried.
const LEAST_SAVED: [usize; 2] = [24, 10];

/// The octets of a payload below which what an order takes is not estimated well: then the one before the climb is tried too.
const LITTLE: usize = 2048;

/// Codes how `new` differs from `old`; `progress` is told what is done of what.
pub(crate) fn encode(
    old: &[u8],
    new: &[u8],
    options: &Options,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Coded {
    let old_regions = image::regions(old, options.hint);
    let new_regions = image::regions(new, options.hint);
    let ram = image::ram(old, &old_regions).unwrap_or_default();
    let list: Vec<Region> = image::pairs(&old_regions, &new_regions).into_iter().map(region).collect();
    let regions = Regions { list: &list, old_size: small(old.len()), new_size: small(new.len()), ram };
    let kept = kept_blocks(old, new, options.block);
    let search = Search::new(old, new, &regions, progress);
    let mut draft = Draft::new(&search, usize::from(options.sizes.pieces));
    for _ in 0..PASSES {
        draft.search(&|_, _| true);
    }
    let images = Images { old, new, regions };
    if !options.in_place {
        let steps = (0..kept.len()).map(order::Step::Make).collect();
        return Job::new(images, options, &draft, &kept, (steps, 0)).coded();
    }
    let coded = |least: usize, climbs: bool| {
        let mut draft = draft.clone();
        let mut steps = (Vec::new(), 0);
        // what cannot be copied any more makes place for another order, once
        for _ in 0..ROUNDS {
            steps = needs(&draft.segments, &kept, options.block).plan(options.room, least, climbs);
            let still = Still::new(&steps.0, &kept, options.block);
            draft.search(&|at, from| still.has(at, from));
        }
        Job::new(images, options, &draft, &kept, steps).coded()
    };
    let [one, other] = LEAST_SAVED;
    let smaller =
        |one: Coded, other: Coded| if other.payload.len() < one.payload.len() { other } else { one };
    let best = both(|| coded(one, true), || coded(other, true));
    let best = smaller(best.0, best.1);
    if best.payload.len() >= LITTLE {
        return best;
    }
    let plain = both(|| coded(one, false), || coded(other, false));
    smaller(best, smaller(plain.0, plain.1))
}

/// What the search has found so far.
#[derive(Clone)]
struct Draft<'a> {
    search: &'a Search<'a>,
    prices: Prices,
    segments: Vec<Segment>,
    /// Which copies are in the map, which has room for so many pieces.
    mapped: Vec<bool>,
    room: usize,
}

impl<'a> Draft<'a> {
    /// The first pass, without a map.
    fn new(search: &'a Search<'a>, room: usize) -> Self {
        let prices = Prices::default();
        let segments = search.segments(None, &prices, &|_, _| true);
        let mapped = search.worthy(&segments, room);
        Self { search, prices, segments, mapped, room }
    }

    /// One more pass with the map of the last.
    fn search(&mut self, allowed: &(dyn Fn(u32, u32) -> bool + Sync)) {
        let mut pieces = vec![[0; 3]; self.room];
        let mut map = Map::new(&mut pieces);
        let mut at = 0;
        for (segment, mapped) in self.segments.iter().zip(&self.mapped) {
            at += segment.literal;
            if *mapped {
                map.add(segment.source, segment.copy, at);
            }
            at += segment.copy;
        }
        let last = Last { map: &map, segments: &self.segments };
        let next = self.search.segments(Some(last), &self.prices, allowed);
        self.mapped = self.search.worthy(&next, self.room);
        self.segments = next;
    }
}

fn region((old, new): (image::Region, image::Region)) -> Region {
    Region {
        old_start: old.start,
        new_start: new.start,
        old_address: old.address,
        new_address: new.address,
        high: old.high,
        arch: old.arch,
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).expect("images are below 1 GiB")
}

/// Seven bits to an octet, the lowest first, the high bit set on all but the last.
pub(crate) fn varint(n: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = n;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        octets.push(low & 0x7F | if rest > 0 { 0x80 } else { 0 });
        if rest == 0 {
            return octets;
        }
    }
}

/// Which blocks are the same in both images.
fn kept_blocks(old: &[u8], new: &[u8], block: usize) -> Vec<bool> {
    let starts = (0..new.len()).step_by(block);
    starts
        .map(|at| old.get(at..new.len().min(at + block)) == Some(&new[at..new.len().min(at + block)]))
        .collect()
}

/// What the blocks that are made need of each other's place.
fn needs(segments: &[Segment], kept: &[bool], block: usize) -> Needs {
    let mut needs = Needs::new(kept.len());
    let mut at = 0;
    for segment in segments {
        at += segment.literal as usize;
        let (end, source) = (at + segment.copy as usize, segment.source as usize);
        needs.add(at..end, source, block, |reader, place| !kept[reader] && !kept[place]);
        at = end;
    }
    needs
}

/// What of the old image is still there when a block is made.
struct Still<'a> {
    block: usize,
    kept: &'a [bool],
    /// Per block: at which step it is put into its place.
    placed: Vec<usize>,
    /// Per block: what of it is saved, from which step to which.
    saved: Vec<Vec<(Range<usize>, Range<usize>)>>,
}

impl<'a> Still<'a> {
    fn new(steps: &[order::Step], kept: &'a [bool], size: usize) -> Self {
        let mut placed = vec![usize::MAX; kept.len()];
        let mut saved = vec![Vec::new(); kept.len() + 1];
        let saves: Vec<usize> = (0..steps.len())
            .filter(|at| matches!(steps[*at], order::Step::Save(_)))
            .chain([usize::MAX])
            .collect();
        let mut ends = saves.iter().skip(1);
        for (at, step) in steps.iter().enumerate() {
            match step {
                order::Step::Make(block) => placed[*block] = at,
                order::Step::Save(pieces) => {
                    let end = *ends.next().unwrap_or(&usize::MAX);
                    for piece in pieces {
                        saved[piece.start / size].push((piece.clone(), at..end));
                    }
                }
            }
        }
        Self { block: size, kept, placed, saved }
    }

    /// Whether the old octet at `from` can be copied to `at`.
    fn has(&self, at: u32, from: u32) -> bool {
        let (reader, from) = (at as usize / self.block, from as usize);
        let place = from / self.block;
        if place >= self.placed.len() || place == reader || self.kept[place] {
            return true;
        }
        let now = self.placed[reader];
        self.placed[place] > now
            || self.saved[place].iter().any(|(piece, time)| piece.contains(&from) && time.contains(&now))
    }
}

/// The segments of each block.
fn clipped(segments: &[Segment], mapped: &[bool], block: usize, len: usize) -> Vec<Vec<plan::Segment>> {
    let mut blocks: Vec<Vec<plan::Segment>> = vec![Vec::new(); len.div_ceil(block)];
    let mut at = 0;
    for (segment, mapped) in segments.iter().zip(mapped) {
        let (mut literal, mut copy, mut source) =
            (segment.literal as usize, segment.copy as usize, segment.source);
        while literal + copy > 0 {
            let left = block - at % block;
            let some = literal.min(left);
            let more = copy.min(left - some);
            blocks[at / block].push(plan::Segment {
                literal: small(some),
                copy: small(more),
                source: if more > 0 { source } else { 0 },
                mapped: *mapped && small(more) >= LEAST,
                early: 0,
            });
            literal -= some;
            copy -= more;
            source += small(more);
            at += some + more;
        }
    }
    blocks
}

/// Both images, and what stands where.
#[derive(Clone, Copy)]
struct Images<'a> {
    old: &'a [u8],
    new: &'a [u8],
    regions: Regions<'a>,
}

/// Everything that is decided before coding.
struct Job<'a> {
    images: Images<'a>,
    options: &'a Options,
    blocks: Vec<Vec<plan::Segment>>,
    kept: &'a [bool],
    steps: Vec<order::Step>,
    /// Octets that cannot be copied because their place was overwritten.
    lost: usize,
    segments: &'a [Segment],
    search: &'a Search<'a>,
}

/// An encoder with the old image beside it.
struct Writer<'a> {
    bits: Encoder,
    old: &'a [u8],
}

impl Bits for Writer<'_> {
    type Error = Infallible;

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Infallible> {
        self.bits.bit(p, bit)
    }
}

impl Old for Writer<'_> {
    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), Infallible> {
        let at = at as usize;
        out.copy_from_slice(&self.old[at..at + out.len()]);
        Ok(())
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), Infallible> {
        self.old(at, out)
    }
}

/// The value of a result that cannot be an error.
pub(crate) fn sure<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// The streams of a payload.
struct Streams {
    plan: Vec<u8>,
    content: Vec<u8>,
    /// Octets of the content that are literals.
    literals: u64,
}

impl<'a> Job<'a> {
    /// Cuts the draft in blocks. Put together in the order of the steps, the map may need more room for a while: then fewer
    /// copies enter it.
    fn new(
        images: Images<'a>,
        options: &'a Options,
        draft: &'a Draft<'a>,
        kept: &'a [bool],
        (steps, lost): (Vec<order::Step>, usize),
    ) -> Self {
        let clip = |mapped: &[bool]| clipped(&draft.segments, mapped, options.block, images.new.len());
        let mut job = Self {
            images,
            options,
            blocks: clip(&draft.mapped),
            kept,
            steps,
            lost,
            segments: &draft.segments,
            search: draft.search,
        };
        for room in (0..draft.room).rev().step_by(draft.room / 16 + 1) {
            if job.survey(&mut Map::new(&mut vec![[0; 3]; draft.room])) {
                break;
            }
            job.blocks = clip(&draft.search.worthy(&draft.segments, room));
        }
        job
    }

    /// Codes everything, and tells what came out.
    fn coded(&self) -> Coded {
        let Streams { plan, content, literals } = self.streams();
        let payload = [&varint(plan.len()), &plan, &content].into_iter().flatten().copied().collect();
        let sent = self.segments.iter().map(|segment| u64::from(segment.literal)).sum();
        Coded {
            payload,
            parts: (plan.len(), content.len()),
            regions: self.images.regions.list.to_vec(),
            blocks: (self.kept.iter().filter(|kept| !**kept).count(), self.kept.len()),
            literals: (sent, literals),
            lost: self.lost,
            saves: self.steps.iter().filter(|step| matches!(step, order::Step::Save(_))).count(),
        }
    }

    /// Codes everything.
    fn streams(&self) -> Streams {
        let mut memory = vec![0; self.options.sizes.words()];
        let (model, mut map) =
            Model::new(&mut memory, self.options.sizes).expect("the memory is as large as it says");
        assert!(self.survey(&mut map), "the map is too small");
        let mut plan = Encoder::new();
        self.head(&mut plan);
        let mut counters = vec![0; self.options.sizes.plan()];
        let mut numbers = Numbers::new(&mut counters);
        numbers.reset();
        let block = small(self.options.block);
        let mut bits = vec![0; Done::words(small(self.kept.len()))];
        let done = Done::new(&mut bits, if self.options.in_place { block } else { 0 });
        let mut walk = Walk::new(model, map, self.images.regions, done);
        let mut content = Writer { bits: Encoder::new(), old: self.images.old };
        let mut cursor = Cursor::START;
        let mut literals = 0;
        for (step, next) in self.steps.iter().zip(self.nexts()) {
            let index = match step {
                order::Step::Save(pieces) => {
                    sure(cursor.step(&mut numbers, &mut plan, block, Step::Save(small(pieces.len()))));
                    let mut end = 0;
                    for piece in pieces {
                        let piece = (small(piece.start), small(piece.len()));
                        sure(Cursor::piece(&mut numbers, &mut plan, end, piece));
                        end = piece.0 + piece.1;
                    }
                    continue;
                }
                order::Step::Make(index) if self.kept[*index] => {
                    sure(cursor.step(&mut numbers, &mut plan, block, Step::Keep(small(*index))));
                    continue;
                }
                order::Step::Make(index) => *index,
            };
            sure(cursor.step(&mut numbers, &mut plan, block, Step::Make(small(index))));
            let (start, end) = self.extent(index);
            let (lead, _) = walk.enter(small(index), (start, end));
            let early = if cursor.goes_down() && lead.len == 0 { self.early(index, next) } else { 0 };
            let mut left = end - start;
            for (segment, early) in self.blocks[index].iter().zip([early].into_iter().chain(iter::repeat(0)))
            {
                let expected = cursor.expected();
                let segment = plan::Segment { early, ..*segment };
                sure(cursor.segment(&mut numbers, &mut plan, block, left, LEAST, segment));
                left -= segment.literal + segment.copy;
                walk.start(segment, expected, left == 0);
                let before = content.bits.cost();
                let mut literal = segment.literal > 0;
                while sure(walk.code(&mut content, self.octets(walk.at()))).is_some() {
                    if literal && walk.at() >= end - left - segment.copy {
                        literals += content.bits.cost() - before;
                        literal = false;
                    }
                }
            }
            if self.options.in_place {
                walk.done.set(small(index));
            }
        }
        Streams { plan: plan.finish(), content: content.bits.finish(), literals: literals / (8 * COST) }
    }

    /// The octets of the new image from an offset on.
    fn octets(&self, at: u32) -> [u8; 8] {
        let mut octets = [0; 8];
        let there = self.images.new.get(at as usize..).unwrap_or_default();
        for (to, from) in octets.iter_mut().zip(there) {
            *to = *from;
        }
        octets
    }

    /// The octets of a block.
    fn extent(&self, index: usize) -> (u32, u32) {
        let start = index * self.options.block;
        (small(start), small(self.images.new.len().min(start + self.options.block)))
    }

    /// For each step the block that is made after it.
    fn nexts(&self) -> Vec<Option<usize>> {
        let mut next = None;
        let mut nexts: Vec<_> = self
            .steps
            .iter()
            .rev()
            .map(|step| match step {
                order::Step::Make(index) => next.replace(*index),
                order::Step::Save(_) => next,
            })
            .collect();
        nexts.reverse();
        nexts
    }

    /// How many octets of the block before are made with the first unit of a block, if that block is the `next` and what is
    /// copied there goes on here.
    fn early(&self, index: usize, next: Option<usize>) -> u32 {
        let before = index.checked_sub(1).filter(|before| next == Some(*before) && !self.kept[*before]);
        let last = before.and_then(|before| self.blocks[before].last());
        let (Some(last), Some(first)) = (last, self.blocks[index].first()) else { return 0 };
        if first.literal > 0 || first.copy == 0 || last.source + last.copy != first.source {
            return 0;
        }
        let early = self.search.unit_offset(first.source);
        if early < seam::MAX && early <= last.copy { early } else { 0 }
    }

    fn head(&self, plan: &mut Encoder) {
        let mut counters = [0; HEAD_COUNTERS];
        let numbers = &mut Numbers::new(&mut counters);
        numbers.reset();
        let regions = self.images.regions.list;
        let head = Head {
            sizes: self.options.sizes,
            least: LEAST,
            ram: self.images.regions.ram,
            regions: small(regions.len()),
        };
        sure(plan::head(numbers, plan, head));
        let mut before = None;
        for region in regions {
            before = Some(sure(plan::region(numbers, plan, before.as_ref(), *region)));
        }
    }

    /// Fills the map as the device does: in the order of the steps. False if it has not enough room.
    fn survey(&self, map: &mut Map<'_>) -> bool {
        self.steps.iter().all(|step| {
            let order::Step::Make(index) = step else { return true };
            let mut at = small(index * self.options.block);
            if self.kept[*index] {
                let len = small(self.options.block.min(self.images.new.len() - index * self.options.block));
                return len < LEAST || map.add(at, len, at);
            }
            self.blocks[*index].iter().all(|segment| {
                let start = at + segment.literal;
                at = start + segment.copy;
                !segment.mapped || map.add(segment.source, segment.copy, start)
            })
        })
    }
}

#[cfg(test)]
mod tests;
