//! Coded deltas whose plans are well-formed and absurd: every number in them is what the input says, so that all of them
//! come past the decoder to the checks behind it.
use std::collections::BTreeSet;
use std::convert::Infallible;

use kedge_delta::arch::Arch;
use kedge_delta::bits::Bits;
use kedge_delta::map::Region;
use kedge_delta::model::Sizes;
use kedge_delta::numbers::Numbers;
use kedge_delta::plan::{self, Cursor, HEAD_COUNTERS, Head, Segment, Step};
use kedge_delta::rebuild::{Outline, Rebuild};
use kedge_generator::{Encoder, Layout as PackageLayout, RingSha256};
use kedge_package::limits::ENVELOPE_MAX;
use kedge_package::{Base, Image, Kind, Manifest, Needs, Payload};
use kedge_platform::crypto::Sha256;
use kedge_platform_sim::random::Seeded;

use super::Depth;
use super::package::{IMAGES, ROOM, layout, offered, wrapped};
use super::take::Take;
use crate::update::PRODUCT;

const BLOCK: u32 = 256;
/// Steps after which a script is cut off: more than any plan for these images can need.
const STEPS: usize = 400;

/// Applies the plan that the octets describe.
pub(super) fn apply(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let flags = take.octet();
    let in_place = flags & 1 == 1;
    let likely = u32::try_from(IMAGES.1.len()).unwrap_or(ROOM);
    let new_size = take.around(likely).clamp(1, ROOM);
    let len = usize::from(take.octet());
    let content = take.octets(len).to_vec();
    let sizes = match flags >> 1 & 3 {
        0 | 1 => Sizes::TINY,
        2 => Sizes::SMALL,
        _ => odd_sizes(&mut take),
    };
    let old_size = u32::try_from(IMAGES.0.len()).unwrap_or(ROOM);
    let outline = Outline { payload: 0, old_size, new_size, block: BLOCK, in_place };
    let plan = Script { take: &mut take, outline, sizes }.written();
    let mut payload = varint(plan.len());
    payload.extend(plan);
    payload.extend(content);
    let manifest = manifest(&outline, sizes, &payload);
    let mut out = [0; ENVELOPE_MAX];
    let len = manifest.emit(&mut out).unwrap_or_else(|error| panic!("{error}"));
    let package = wrapped(&out[..len], &payload).unwrap_or_else(|| panic!("a manifest fits"));
    offered(&layout(in_place), &package)
}

/// Tables of sizes that no profile has.
fn odd_sizes(take: &mut Take<'_>) -> Sizes {
    let mut size = |most: u32| u16::try_from(take.below(most)).unwrap_or(0);
    Sizes { flags: size(700), octets: size(2000), numbers: size(200), learned: size(100), pieces: size(200) }
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    while number > 0x7F {
        octets.push(u8::try_from(number & 0x7F).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    octets.push(u8::try_from(number).unwrap_or(0));
    octets
}

fn manifest(outline: &Outline, sizes: Sizes, payload: &[u8]) -> Manifest<'static> {
    let hashed = |octets: &[u8]| {
        let mut hash = RingSha256::default();
        hash.update(octets);
        hash.finish()
    };
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let needs = Needs {
        memory: small(outline.words(sizes) * 4),
        spare: if outline.in_place { 3 * BLOCK } else { 0 },
        state: if outline.in_place { small(Rebuild::kept_words(sizes) * 4) } else { 0 },
    };
    Manifest {
        product: PRODUCT,
        base: Some(Base { version: "1", image: Image { size: outline.old_size, sha256: hashed(&IMAGES.0) } }),
        version: "2",
        image: Image { size: outline.new_size, sha256: hashed(&IMAGES.1) },
        security_counter: 2,
        payload: Payload {
            kind: Kind::Coded,
            layout: if outline.in_place { PackageLayout::InPlace } else { PackageLayout::Slot },
            block_size: BLOCK,
            size: small(payload.len()),
            sha256: hashed(payload),
            needs,
            reverse: 0,
        },
        description: "",
        notes: "",
    }
}

/// What a plan is written from.
struct Script<'t, 'a> {
    take: &'t mut Take<'a>,
    outline: Outline,
    sizes: Sizes,
}

/// A plan that is being written.
struct Pen<'m> {
    bits: Encoder,
    numbers: Numbers<'m>,
    cursor: Cursor,
    least: u32,
}

fn sure<T>(result: Result<T, Infallible>) -> T {
    let Ok(value) = result;
    value
}

impl Script<'_, '_> {
    fn written(mut self) -> Vec<u8> {
        let mut bits = Encoder::new();
        let mut cells = [0; HEAD_COUNTERS];
        let mut numbers = Numbers::new(&mut cells);
        numbers.reset();
        let least = self.take.around(10);
        let regions = self.take.around(1);
        let ram = (self.take.around(0x2000_0000), self.take.around(0x1000));
        sure(plan::head(&mut numbers, &mut bits, Head { sizes: self.sizes, least, ram, regions }));
        let mut before = None;
        for n in 0..regions.min(20) {
            let region = Region {
                old_start: if n == 0 { 0 } else { self.take.around(n * 200) },
                new_start: if n == 0 { 0 } else { self.take.around(n * 200) },
                old_address: self.take.around(0x800_0000),
                new_address: self.take.around(0x800_0000),
                high: 0,
                arch: Arch::from_number(u32::from(self.take.octet() & 15)),
            };
            sure(plan::region(&mut numbers, &mut bits, before.as_ref(), region));
            before = Some(region);
        }
        let mut cells = vec![0; self.sizes.plan()];
        let mut numbers = Numbers::new(&mut cells);
        numbers.reset();
        let mut pen = Pen { bits, numbers, cursor: Cursor::START, least };
        self.steps(&mut pen);
        pen.bits.finish()
    }

    fn steps(&mut self, pen: &mut Pen<'_>) {
        let mut left: BTreeSet<u32> = (0..self.outline.blocks()).collect();
        for _ in 0..STEPS {
            let Some(next) = left.first().copied() else { break };
            let block = match self.take.octet() {
                0..=127 => {
                    self.make(pen, next);
                    next
                }
                128..=175 => {
                    pen.step(Step::Keep(next));
                    next
                }
                176..=207 if self.outline.in_place => {
                    self.save(pen);
                    self.make(pen, next);
                    next
                }
                176..=223 => {
                    let block = self.take.around(left.last().copied().unwrap_or(next));
                    self.make(pen, block);
                    block
                }
                224..=239 => {
                    let block = self.take.around(next);
                    pen.step(Step::Keep(block));
                    block
                }
                240..=247 => {
                    self.save(pen);
                    continue;
                }
                _ => {
                    sure(pen.bits.bit(1 << 15, self.take.octet() & 1 == 1));
                    continue;
                }
            };
            left.remove(&block);
        }
    }

    fn make(&mut self, pen: &mut Pen<'_>, block: u32) {
        pen.step(Step::Make(block));
        let (start, len) = self.outline.extent(block);
        let (mut at, mut left) = (start, len);
        while left > 0 {
            let literal = self.take.around(0);
            let room = left.saturating_sub(literal);
            let copy = self.take.around(room);
            let likely = at.min(self.outline.old_size.saturating_sub(copy));
            let segment = Segment {
                literal,
                copy,
                source: self.take.around(likely),
                mapped: self.take.octet() & 1 == 0,
                early: self.take.around(2),
            };
            let made = segment.literal.saturating_add(segment.copy);
            let Pen { bits, numbers, cursor, least } = pen;
            sure(cursor.segment(numbers, bits, BLOCK, left, *least, segment));
            at = at.wrapping_add(made);
            left = left.saturating_sub(made.max(1));
        }
    }

    fn save(&mut self, pen: &mut Pen<'_>) {
        let pieces = self.take.around(3);
        pen.step(Step::Save(pieces));
        let mut end = self.take.below(self.outline.old_size);
        for _ in 0..pieces.min(200) {
            let piece = (self.take.around(end), self.take.around(20));
            sure(Cursor::piece(&mut pen.numbers, &mut pen.bits, end, piece));
            end = piece.0.wrapping_add(piece.1);
        }
    }
}

impl Pen<'_> {
    fn step(&mut self, step: Step) {
        sure(self.cursor.step(&mut self.numbers, &mut self.bits, BLOCK, step));
    }
}

/// Scripts: the plainest for each layout, and some with a bit of everything.
pub(super) fn scripts() -> Vec<Vec<u8>> {
    let plain = [0, 1].map(|layout| vec![layout; 1]);
    let mut noise = Seeded::new(0x9_1A4);
    let mixed = (0..40_u8).map(|n| {
        // mostly the likely numbers, then others in range, the last scripts anything
        let mut octet = || match noise.octet() {
            octet if n >= 36 => octet,
            0..=199 => noise.octet() % 96,
            _ => noise.octet() % 192,
        };
        let mut script: Vec<u8> = (0..300).map(|_| octet()).collect();
        script[0] = n & 7;
        script[1] = 0;
        script
    });
    plain.into_iter().chain(mixed).collect()
}
