//! What a plan says is read as it was written.
use super::{Cursor, HEAD_COUNTERS, Head, Segment, Step, head, region};
use crate::arch::Arch;
use crate::bits::tests::{Encoder, Feed};
use crate::bits::{Bits, Decoder, Position};
use crate::map::Region;
use crate::model::Sizes;
use crate::numbers::Numbers;
use core::fmt::Debug;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// Octets of a block.
const BLOCK: u32 = 512;
/// Octets of the shortest copy that enters the map.
const LEAST: u32 = 10;

/// One thing that a plan says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Saying {
    Step(Step),
    /// Octets that are left in the block, and the segment.
    Segment(u32, Segment),
    /// The end of the piece before, and the piece.
    Piece(u32, (u32, u32)),
}

/// Codes all of it; what a decoder is given says only what is known before.
fn code<B: Bits<Error: Debug>>(bits: &mut B, sayings: &[Saying]) -> Vec<Saying> {
    let mut cells = [0; HEAD_COUNTERS];
    let mut numbers = Numbers::new(&mut cells);
    numbers.reset();
    let mut cursor = Cursor::START;
    let mut made = vec![];
    for saying in sayings {
        // it can be interrupted anywhere
        cursor = Cursor::from_words(cursor.to_words());
        made.push(match saying {
            Saying::Step(step) => Saying::Step(cursor.step(&mut numbers, bits, BLOCK, *step).unwrap()),
            Saying::Segment(left, segment) => {
                let segment = cursor.segment(&mut numbers, bits, BLOCK, *left, LEAST, *segment).unwrap();
                if segment.copy > 0 {
                    assert_eq!(cursor.expected(), segment.source + segment.copy);
                }
                Saying::Segment(*left, segment)
            }
            Saying::Piece(end, piece) => {
                Saying::Piece(*end, Cursor::piece(&mut numbers, bits, *end, *piece).unwrap())
            }
        });
    }
    made
}

/// The same without what a decoder does not know.
fn blank(sayings: &[Saying]) -> Vec<Saying> {
    let blank = |saying: &Saying| match saying {
        Saying::Step(_) => Saying::Step(Step::Save(0)),
        Saying::Segment(left, _) => Saying::Segment(*left, Segment::default()),
        Saying::Piece(end, _) => Saying::Piece(*end, (0, 0)),
    };
    sayings.iter().map(blank).collect()
}

fn decoder<'p, 'o>(position: &'p mut Position, octets: &'o [u8]) -> Decoder<'p, Feed<'o>> {
    let mut feed = Feed(octets);
    *position = Position::start(&mut feed).unwrap();
    Decoder::new(position, feed)
}

prop_compose! {
    /// The segments of a whole block; sources are far apart, go on where the last copy ended, or come again.
    fn segments()(of in prop::collection::vec((0u32..40, 1u32..200, 0u32..1 << 20, 0u8..4, any::<bool>()), 1..30)) -> Vec<Saying> {
        let (mut left, mut sayings) = (BLOCK, vec![]);
        let mut end = 0;
        for (literal, copy, source, way, mapped) in of {
            let literal = literal.min(left);
            let copy = copy.min(left - literal);
            let source = if way == 0 { source } else { end + u32::from(way - 1) * literal };
            let mapped = mapped && copy >= LEAST;
            let early = 0;
            let segment = if copy == 0 { Segment { literal, ..Segment::default() } } else { Segment { literal, copy, source, mapped, early } };
            if left > 0 {
                sayings.push(Saying::Segment(left, segment));
            }
            left -= literal + copy;
            end = source + copy;
        }
        if left > 0 {
            sayings.push(Saying::Segment(left, Segment { literal: left, ..Segment::default() }));
        }
        sayings
    }
}

prop_compose! {
    fn pieces()(of in prop::collection::vec((0u32..1 << 24, 1u32..5000), 0..6)) -> Vec<Saying> {
        let mut end = 0;
        let steps = [Saying::Step(Step::Save(u32::try_from(of.len()).unwrap()))];
        steps.into_iter().chain(of.into_iter().map(|(at, len)| {
            let saying = Saying::Piece(end, (at, len));
            end = at + len;
            saying
        })).collect()
    }
}

prop_compose! {
    /// Blocks upwards, downwards and at random, made, kept and with saves between them.
    fn sayings()(of in prop::collection::vec((0u8..3, 0u32..4000, 0u8..5, segments(), pieces()), 0..12)) -> Vec<Saying> {
        let mut sayings = vec![];
        let mut block: u32 = 5000;
        for (way, far, what, segments, pieces) in of {
            block = match way {
                0 => block.wrapping_add(1),
                1 => block.saturating_sub(1),
                _ => far,
            };
            match what {
                0 => sayings.extend(pieces),
                1 => sayings.push(Saying::Step(Step::Keep(block))),
                _ => {
                    sayings.push(Saying::Step(Step::Make(block)));
                    sayings.extend(segments);
                }
            }
        }
        sayings
    }
}

prop_compose! {
    /// Numbers of every size.
    fn number()(value: u32, zeros in 0u32..32, shift in 0u32..32) -> u32 {
        value >> shift << zeros
    }
}

prop_compose! {
    fn any_head()(profile in 0usize..4, of in any::<[u16; 5]>(), least in number(), ram in (number(), number())) -> (Sizes, u32, (u32, u32)) {
        let [flags, octets, numbers, learned, pieces] = of;
        let own = Sizes { flags, octets, numbers, learned, pieces };
        ([Sizes::TINY, Sizes::SMALL, Sizes::LARGE, own][profile], least, ram)
    }
}

prop_compose! {
    fn any_regions()(of in prop::collection::vec((0u32..12, [number(), number(), number(), number(), number()]), 1..9)) -> Vec<Region> {
        let mut regions: Vec<Region> = vec![];
        for (arch, [old, new, old_address, new_address, high]) in of {
            // the first starts at the start of both images, the others behind those before
            let start = regions.last().map_or((0, 0), |last| (last.old_start.saturating_add(old >> 8), last.new_start.saturating_add(new >> 8)));
            regions.push(Region { old_start: start.0, new_start: start.1, old_address, new_address, high, arch: Arch::from_number(arch) });
        }
        regions
    }
}

fn code_head<B: Bits<Error: Debug>>(bits: &mut B, given: Head, list: &[Region]) -> (Head, Vec<Region>) {
    let mut cells = [0; HEAD_COUNTERS];
    let mut numbers = Numbers::new(&mut cells);
    numbers.reset();
    let made = head(&mut numbers, bits, given).unwrap();
    let mut regions: Vec<Region> = vec![];
    for given in list {
        regions.push(region(&mut numbers, bits, regions.last(), *given).unwrap());
    }
    (made, regions)
}

const BLANK: Head = Head { sizes: Sizes::NONE, least: 0, ram: (0, 0), regions: 0 };

proptest! {
    #[test]
    fn a_plan_is_read_as_it_was_written(sayings in sayings()) {
        let mut encoder = Encoder::new();
        prop_assert_eq!(&code(&mut encoder, &sayings), &sayings);
        let octets = encoder.finish();
        let mut position = Position::BLANK;
        prop_assert_eq!(&code(&mut decoder(&mut position, &octets), &blank(&sayings)), &sayings);
    }

    #[test]
    fn a_head_and_its_regions_are_read_as_they_were_written((sizes, least, ram) in any_head(), list in any_regions()) {
        let given = Head { sizes, least, ram, regions: u32::try_from(list.len()).unwrap() };
        let mut encoder = Encoder::new();
        prop_assert_eq!(&code_head(&mut encoder, given, &list), &(given, list.clone()));
        let octets = encoder.finish();
        let mut position = Position::BLANK;
        let blank = vec![Region::BLANK; list.len()];
        prop_assert_eq!(code_head(&mut decoder(&mut position, &octets), BLANK, &blank), (given, list));
    }
}

/// An image that moved as a whole is said in a few octets, however many blocks it has.
#[test]
fn what_is_regular_costs_little() {
    let block = |n: u32| {
        let segment = Segment { literal: 0, copy: BLOCK, source: n * BLOCK + 100, mapped: true, early: 0 };
        [Saying::Step(Step::Make(n)), Saying::Segment(BLOCK, segment)]
    };
    for blocks in [(0..300).collect::<Vec<u32>>(), (0..300).rev().collect()] {
        let mut encoder = Encoder::new();
        code(&mut encoder, &blocks.into_iter().flat_map(block).collect::<Vec<_>>());
        let octets = encoder.finish();
        assert!(octets.len() < 40, "{}", octets.len());
    }
}
