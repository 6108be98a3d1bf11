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
use std::ops::Range;

use kedge_delta::bits::Bits;
use kedge_delta::map::{Map, Region, Regions};
use kedge_delta::model::{Model, Sizes};
use kedge_delta::numbers::Numbers;
use kedge_delta::plan::{self, COUNTERS, Cursor, Head, Step};
use kedge_delta::walk::{Done, Old, Walk};

use crate::coder::Encoder;
use crate::image::{self, Hint};
use crate::order::{self, Needs};
use crate::search::{Last, Prices, Search, Segment};

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
    /// Octets in literals.
    pub(crate) literals: u64,
    /// Octets that could not be copied because their place was overwritten.
    pub(crate) lost: usize,
    /// How often something is saved.
    pub(crate) saves: usize,
}

/// The shortest copy that may enter the map.
const LEAST: u32 = 10;
/// Passes of the search that know the addresses.
const PASSES: usize = 2;

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
    let search = Search::new(old, new, &regions, progress);
    let prices = Prices::default();
    let room = usize::from(options.sizes.pieces);
    let mut segments = search.segments(None, &prices, &|_, _| true);
    let mut mapped = search.worthy(None, &segments, room);
    for _ in 0..PASSES {
        let mut storage = Storage::new(room).filled(&segments, &mapped);
        let map = storage.map();
        let last = Last { map: &map, segments: &segments };
        let next = search.segments(Some(last), &prices, &|_, _| true);
        mapped = search.worthy(Some(last), &next, room);
        segments = next;
    }
    let kept = kept_blocks(old, new, options.block);
    let mut steps: Vec<order::Step> = (0..kept.len()).map(order::Step::Make).collect();
    let mut lost = 0;
    if options.in_place {
        let (plan, octets) = needs(&segments, &kept, options.block).plan(options.room);
        (steps, lost) = (plan, octets);
        let still = Still::new(&steps, &kept, options.block);
        let mut storage = Storage::new(room).filled(&segments, &mapped);
        let map = storage.map();
        let last = Last { map: &map, segments: &segments };
        let next = search.segments(Some(last), &prices, &|at, from| still.has(at, from));
        mapped = search.worthy(Some(last), &next, room);
        segments = next;
    }
    let blocks = clipped(&segments, &mapped, options.block, new.len());
    let mut job = Job { old, new, options, regions, blocks, kept, steps };
    // put together in the order of the steps, the map may need more room for a while
    for room in (0..room).rev().step_by(room / 16 + 1) {
        let mut pieces = vec![[0; 3]; usize::from(options.sizes.pieces)];
        if job.survey(&mut Map::new(&mut pieces)) {
            break;
        }
        let last = None;
        mapped = search.worthy(last, &segments, room);
        job.blocks = clipped(&segments, &mapped, options.block, new.len());
    }
    let (plan, content) = job.streams();
    let mut payload = varint(plan.len());
    payload.extend(&plan);
    payload.extend(&content);
    let made = job.kept.iter().filter(|kept| !**kept).count();
    let saves = job.steps.iter().filter(|step| matches!(step, order::Step::Save(_))).count();
    let blocks = (made, job.kept.len());
    let literals = segments.iter().map(|segment| u64::from(segment.literal)).sum();
    Coded {
        payload,
        parts: (plan.len(), content.len()),
        regions: list.clone(),
        blocks,
        literals,
        lost,
        saves,
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

fn varint(mut n: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    while n >= 0x80 {
        octets.push((n & 0x7F) as u8 | 0x80);
        n >>= 7;
    }
    octets.push(n as u8);
    octets
}

/// The memory of a map.
struct Storage {
    pieces: Vec<[u32; 3]>,
    len: usize,
}

impl Storage {
    fn new(room: usize) -> Self {
        Self { pieces: vec![[0; 3]; room], len: 0 }
    }

    /// The map of the copies that are in it.
    fn filled(mut self, segments: &[Segment], mapped: &[bool]) -> Self {
        let mut map = Map::new(&mut self.pieces);
        let mut at = 0;
        for (segment, mapped) in segments.iter().zip(mapped) {
            at += segment.literal;
            if *mapped {
                map.add(segment.source, segment.copy, at);
            }
            at += segment.copy;
        }
        self.len = map.len();
        self
    }

    fn map(&mut self) -> Map<'_> {
        Map::resume(&mut self.pieces, self.len).expect("it was made here")
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
            });
            literal -= some;
            copy -= more;
            source += small(more);
            at += some + more;
        }
    }
    blocks
}

/// Everything that is decided before coding.
struct Job<'a> {
    old: &'a [u8],
    new: &'a [u8],
    options: &'a Options,
    regions: Regions<'a>,
    blocks: Vec<Vec<plan::Segment>>,
    kept: Vec<bool>,
    steps: Vec<order::Step>,
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
fn sure<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

impl Job<'_> {
    /// The plan and the content.
    fn streams(&self) -> (Vec<u8>, Vec<u8>) {
        let mut memory = vec![0; self.options.sizes.words()];
        let (model, mut map) =
            Model::new(&mut memory, self.options.sizes).expect("the memory is as large as it says");
        assert!(self.survey(&mut map), "the map is too small");
        let mut counters = [0; COUNTERS];
        let mut numbers = Numbers::new(&mut counters);
        numbers.reset();
        let mut plan = Encoder::new();
        self.head(&mut numbers, &mut plan);
        let block = small(self.options.block);
        let mut bits = vec![0; Done::words(small(self.kept.len()))];
        let done = Done::new(&mut bits, if self.options.in_place { block } else { 0 });
        let mut walk = Walk::new(model, map, self.regions, done);
        let mut content = Writer { bits: Encoder::new(), old: self.old };
        let mut cursor = Cursor::START;
        for step in &self.steps {
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
            let start = index * self.options.block;
            let (mut at, end) = (start, self.new.len().min(start + self.options.block));
            walk.enter(small(start));
            let mut left = small(end - start);
            for segment in &self.blocks[index] {
                let expected = cursor.expected();
                sure(cursor.segment(&mut numbers, &mut plan, block, left, LEAST, *segment));
                left -= segment.literal + segment.copy;
                walk.start(*segment, expected);
                loop {
                    let mut actual = [0; 8];
                    let n = (self.new.len() - at).min(8);
                    actual[..n].copy_from_slice(&self.new[at..at + n]);
                    let Some(made) = sure(walk.code(&mut content, actual)) else { break };
                    at += made.as_slice().len();
                }
            }
            debug_assert_eq!(at, end);
            if self.options.in_place {
                walk.done.set(small(index));
            }
        }
        (plan.finish(), content.bits.finish())
    }

    fn head(&self, numbers: &mut Numbers<'_>, plan: &mut Encoder) {
        let regions = self.regions.list;
        let head = Head {
            sizes: self.options.sizes,
            least: LEAST,
            ram: self.regions.ram,
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
                let len = small(self.options.block.min(self.new.len() - index * self.options.block));
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
mod tests {
    use kedge_delta::rebuild::{Input, Outline, Rebuild};

    use super::*;

    /// A device that overwrites its image.
    struct Flash<'a> {
        payload: &'a [u8],
        image: Vec<u8>,
        saved: Vec<(u32, Vec<u8>)>,
    }

    impl Input for Flash<'_> {
        type Error = &'static str;

        fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
            out.copy_from_slice(
                self.payload.get(at as usize..at as usize + out.len()).ok_or("beyond the payload")?,
            );
            Ok(())
        }

        fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
            out.copy_from_slice(
                self.image.get(at as usize..at as usize + out.len()).ok_or("beyond the image")?,
            );
            Ok(())
        }

        fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
            for (octet, at) in out.iter_mut().zip(at..) {
                let piece =
                    self.saved.iter().find(|(start, piece)| at.wrapping_sub(*start) < small(piece.len()));
                let (start, piece) = piece.ok_or("not saved")?;
                *octet = piece[(at - start) as usize];
            }
            Ok(())
        }
    }

    fn rebuilt(old: &[u8], new: &[u8], options: &Options, coded: &Coded) -> Vec<u8> {
        let outline = Outline {
            payload: small(coded.payload.len()),
            old_size: small(old.len()),
            new_size: small(new.len()),
            block: small(options.block),
            in_place: options.in_place,
        };
        let mut image = old.to_vec();
        image.resize(old.len().max(new.len()), 0xFF);
        let mut flash = Flash { payload: &coded.payload, image, saved: Vec::new() };
        let mut words = vec![0; outline.words(options.sizes)];
        let mut regions = vec![coded.regions[0]; coded.regions.len()];
        let mut rebuild = Rebuild::open(outline, &mut words, &mut regions, &mut flash).unwrap();
        let mut made = vec![0; new.len()];
        for _ in 0..outline.blocks() {
            let block = loop {
                match rebuild.step(&mut flash).unwrap() {
                    Step::Save(_) => {
                        let mut saved = Vec::new();
                        while let Some((at, len)) = rebuild.piece(&mut flash).unwrap() {
                            saved.push((at, flash.image[at as usize..(at + len) as usize].to_vec()));
                        }
                        flash.saved = saved;
                    }
                    step => break step,
                }
            };
            let (Step::Make(index) | Step::Keep(index)) = block else { panic!() };
            let (start, len) = outline.extent(index);
            let place = start as usize..(start + len) as usize;
            if block == Step::Make(index) {
                let mut octets = vec![0; len as usize + 1];
                for piece in octets.chunks_mut(100) {
                    if rebuild.fill(&mut flash, piece).unwrap() < piece.len() {
                        break;
                    }
                }
                made[place.clone()].copy_from_slice(&octets[..len as usize]);
                if options.in_place {
                    flash.image[place].copy_from_slice(&octets[..len as usize]);
                    rebuild.placed(index);
                }
            } else {
                made[place.clone()].copy_from_slice(&old[place]);
            }
        }
        made
    }

    #[test]
    fn corpus() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/firmware");
        let best = [
            ("simba-sam3x", 925),
            ("mpy-microbit-dot", 3255),
            ("mpy-microbit", 120512),
            ("seabios-x86", 25328),
            ("mpy-stm32f4", 32233),
            ("mpy-esp8266", 65588),
            ("uboot-rpi4", 92216),
            ("st7789-esp32c3", 23764),
            ("st7789-esp32", 29812),
            ("libcrypto-arm64", 114013),
        ];
        let only = std::env::var("PAIR").unwrap_or_default();
        let mut means = [0f64; 2];
        let mut n = 0f64;
        for (name, best) in best.into_iter().filter(|(name, _)| name.contains(&only)) {
            let old = std::fs::read(dir.join(name).join("old.bin")).unwrap();
            let new = std::fs::read(dir.join(name).join("new.bin")).unwrap();
            let mut sizes = [0; 2];
            for (i, in_place) in [false, true].into_iter().enumerate() {
                let options = Options {
                    in_place,
                    block: if in_place { 4096 } else { 65536 },
                    room: 4096 - 32,
                    sizes: Sizes::SMALL,
                    hint: Hint::default(),
                };
                let start = std::time::Instant::now();
                let coded = encode(&old, &new, &options, &|_, _| {});
                let time = start.elapsed();
                assert!(rebuilt(&old, &new, &options, &coded) == new, "{name}");
                println!(
                    "{name} in_place {in_place}: {} plan {} content {} regions {} literals {} lost {} saves {} blocks {:?} {:.1?} {:.3}",
                    coded.payload.len(),
                    coded.parts.0,
                    coded.parts.1,
                    coded.regions.len(),
                    coded.literals,
                    coded.lost,
                    coded.saves,
                    coded.blocks,
                    time,
                    coded.payload.len() as f64 / best as f64
                );
                sizes[i] = coded.payload.len();
                means[i] += (coded.payload.len() as f64 / best as f64).ln();
            }
            n += 1.0;
        }
        println!("slot {:.4} in place {:.4}", (means[0] / n).exp(), (means[1] / n).exp());
    }
}
