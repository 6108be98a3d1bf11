use std::sync::atomic::{AtomicU64, Ordering};

use kedge_delta::arch::Arch;
use kedge_delta::map::{Map, Region, Regions};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What an octet may cost in a pass: a literal and a few copies side by side.
const STEPS: u64 = 5;
/// Where everything looks like everything else, copies are followed as long as there is room.
const STEPS_AT_WORST: u64 = 25;

fn numbers(mut seed: u64) -> impl FnMut() -> u32 {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 33).unwrap()
    }
}

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut number = numbers(seed);
    (0..len).map(|_| number().to_le_bytes()[1]).collect()
}

fn region(arch: Arch) -> Region {
    Region { old_start: 0, new_start: 0, old_address: 0x0800_0000, new_address: 0x0800_0000, high: 0, arch }
}

fn regions<'a>(list: &'a [Region], old: &[u8], new: &[u8]) -> Regions<'a> {
    Regions { list, old_size: small(old.len()), new_size: small(new.len()), ram: (0x2000_0000, 0x1_0000) }
}

type Allowed = fn(u32, u32) -> bool;

/// Both passes, the second with a map of 64 pieces; the steps of both.
fn passes(old: &[u8], new: &[u8], arch: Arch, allowed: Allowed) -> ([Vec<Segment>; 2], u64) {
    let list = [region(arch)];
    let regions = regions(&list, old, new);
    let search = Search::new(old, new, &regions, &|_, _| ());
    let candidates = search.candidates.len();
    assert!(candidates <= new.len(), "{candidates} candidates for {} octets", new.len());
    let prices = Prices::default();
    let mut steps = 0;
    let first = search.counted(None, &prices, &allowed, &mut steps);
    let mut pieces = [[0; 3]; 64];
    let mut map = Map::new(&mut pieces);
    let worthy = search.worthy(&first, 64);
    assert_eq!(worthy.len(), first.len());
    let mut at = 0;
    for (segment, worthy) in first.iter().zip(worthy) {
        at += segment.literal;
        assert!(!worthy || map.add(segment.source, segment.copy, at));
        at += segment.copy;
    }
    let last = Last { map: &map, segments: &first };
    let second = search.counted(Some(last), &prices, &allowed, &mut steps);
    ([first, second], steps)
}

/// Checks that segments make up the new image, and from what they may; how many octets are literal.
fn check(old: &[u8], new: &[u8], segments: &[Segment], allowed: Allowed) -> usize {
    let (mut at, mut literal) = (0, 0);
    for (n, segment) in segments.iter().enumerate() {
        assert!(segment.copy > 0 || segment.literal > 0 && n + 1 == segments.len(), "{segment:?}");
        at += segment.literal;
        literal += segment.literal;
        assert!(u64::from(segment.source) + u64::from(segment.copy) <= old.len() as u64, "{segment:?}");
        for n in 0..segment.copy {
            assert!(allowed(at + n, segment.source + n), "{segment:?} at {at}");
        }
        at += segment.copy;
    }
    assert_eq!(at as usize, new.len());
    literal as usize
}

const ANY: Allowed = |_, _| true;

fn checked(old: &[u8], new: &[u8], arch: Arch, allowed: Allowed) -> usize {
    let (both, steps) = passes(old, new, arch, allowed);
    assert!(steps <= 2 * STEPS_AT_WORST * new.len() as u64, "{steps} steps for {} octets", new.len());
    both.map(|segments| check(old, new, &segments, allowed))[1]
}

#[test]
fn an_unchanged_image_is_one_copy() {
    let old = noise(1, 10_000);
    for arch in [Arch::Data, Arch::Thumb, Arch::Xtensa, Arch::RiscV, Arch::AArch64, Arch::X86] {
        let ([first, second], steps) = passes(&old, &old, arch, ANY);
        assert!(steps <= 2 * STEPS * 10_000, "{arch:?}: {steps}");
        let whole = Segment { literal: 0, copy: 10_000, source: 0 };
        assert_eq!((first, second), (vec![whole], vec![whole]), "{arch:?}");
    }
}

#[test]
fn moved_and_inserted_pieces_are_found() {
    let old = noise(2, 20_000);
    let new = [&old[12_000..], &noise(3, 100)[..], &old[..12_000]].concat();
    let ([_, second], _) = passes(&old, &new, Arch::Data, ANY);
    let expected = [
        Segment { literal: 0, copy: 8000, source: 12_000 },
        Segment { literal: 100, copy: 12_000, source: 0 },
    ];
    assert_eq!(second, expected);
}

/// Thumb code: functions of plain instructions that call one another.
fn functions(count: u32, gap_before: u32, gap: u32) -> Vec<u8> {
    let start = |n: u32| n * 64 + if n >= gap_before { gap } else { 0 };
    let mut image = vec![0xFF; start(count) as usize];
    let mut number = numbers(7);
    for n in 0..count {
        for at in (0..60).step_by(4) {
            let here = start(n) + at;
            let callee = start(number() % count);
            let code = if at % 8 == 0 {
                let distance = callee.wrapping_sub(here + 4);
                let sign = distance >> 24 & 1;
                let (j1, j2) = (!(distance >> 23 ^ sign) & 1, !(distance >> 22 ^ sign) & 1);
                let upper = 0xF000 | sign << 10 | distance >> 12 & 0x3FF;
                let lower = 0xD000 | j1 << 13 | j2 << 11 | distance >> 1 & 0x7FF;
                upper | lower << 16
            } else {
                // a move and an addition, with registers of this function
                0x2000 | (number() & 0x7FF) | (0x1800 | number() & 0x1FF) << 16
            };
            image[here as usize..][..4].copy_from_slice(&code.to_le_bytes());
        }
        image[start(n) as usize + 60..][..4].copy_from_slice(&[0x70, 0x47, 0, 0xBF]);
    }
    image
}

#[test]
fn calls_that_moved_do_not_interrupt_a_copy() {
    let old = functions(200, u32::MAX, 0);
    let new = functions(200, 100, 40);
    let ([_, second], steps) = passes(&old, &new, Arch::Thumb, ANY);
    assert!(steps <= 2 * STEPS * new.len() as u64, "{steps} steps for {} octets", new.len());
    assert_eq!(check(&old, &new, &second, ANY), 40, "{second:?}");
    assert_eq!(second.len(), 2);
}

#[test]
fn the_map_knows_where_functions_went_and_nothing_misleading() {
    let old = functions(200, u32::MAX, 0);
    let new = functions(200, 100, 40);
    let list = [region(Arch::Thumb)];
    let regions = regions(&list, &old, &new);
    let search = Search::new(&old, &new, &regions, &|_, _| ());
    let segments = [
        Segment { literal: 0, copy: 6400, source: 0 },
        // a copy of something that only looks alike
        Segment { literal: 20, copy: 20, source: 700 },
        Segment { literal: 0, copy: 6400, source: 6400 },
    ];
    assert_eq!(search.worthy(&segments, 64), [true, false, true]);
    // with room for one, the first stands for the more
    assert_eq!(search.worthy(&segments, 1).iter().filter(|worthy| **worthy).count(), 1);
    assert_eq!(search.worthy(&segments, 0), [false; 3]);
    assert_eq!(search.worthy(&[], 64), []);
}

#[test]
fn only_what_is_still_there_is_copied() {
    let old = noise(4, 30_000);
    let new = [&noise(5, 500)[..], &old[..]].concat();
    // made from the front to the back, in place, with a spare sector: 4096 octets behind is gone
    let ascending: Allowed = |at, from| from + 4096 > at;
    assert_eq!(checked(&old, &new, Arch::Data, ascending), 500);
    let ahead: Allowed = |at, from| from > at + 100;
    assert!(checked(&old, &new, Arch::Data, ahead) > 29_000);
    let none: Allowed = |_, _| false;
    assert_eq!(checked(&old, &new, Arch::Data, none), new.len());
    let holes: Allowed = |_, from| from % 1000 < 900;
    let literal = checked(&old, &new, Arch::Data, holes);
    assert!((500 + 2900..500 + 3200).contains(&literal), "{literal}");
}

#[test]
fn degenerate_images_cost_no_more_work() {
    let zeros = vec![0; 50_000];
    let erased = vec![0xFF; 50_000];
    let period: Vec<u8> = (0..50_000).map(|n: u32| n.to_le_bytes()[0] % 6).collect();
    let words: Vec<u8> = (0..12_500u32).flat_map(|n| (0x0800_0000 + n % 3).to_le_bytes()).collect();
    let random = noise(6, 50_000);
    let images = [&zeros[..], &erased, &period, &words, &random, &[], &[7]];
    for arch in [Arch::Data, Arch::Thumb, Arch::Xtensa] {
        for old in images {
            for new in images {
                checked(old, new, arch, ANY);
            }
        }
    }
    assert_eq!(checked(&zeros, &zeros[..20_000], Arch::Data, ANY), 0);
    assert!(checked(&period, &period[1..], Arch::Data, ANY) <= 8);
    assert_eq!(checked(&[], &random, Arch::Data, ANY), random.len());
}

#[test]
fn the_same_images_give_the_same_segments_and_all_progress_is_told() {
    let old = noise(8, 400_000);
    let mut new = old.clone();
    let mut number = numbers(9);
    for _ in 0..300 {
        let at = number() as usize % new.len();
        new.splice(at..at, noise(u64::from(number()), 12));
    }
    let list = [region(Arch::Xtensa)];
    let regions = regions(&list, &old, &new);
    let mut results = Vec::new();
    for _ in 0..3 {
        let (calls, total) = (AtomicU64::new(0), AtomicU64::new(0));
        let search = Search::new(&old, &new, &regions, &|done, all| {
            assert!((1..=all).contains(&done));
            calls.fetch_add(1, Ordering::Relaxed);
            total.store(all, Ordering::Relaxed);
        });
        assert_eq!(calls.into_inner(), total.into_inner());
        results.push(search.segments(None, &Prices::default(), &ANY));
    }
    assert!(results[0].len() > 250);
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

fn edits() -> impl Strategy<Value = Vec<(u16, u8, Vec<u8>)>> {
    vec((any::<u16>(), any::<u8>(), vec(any::<u8>(), 0..20)), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn small_edits_leave_little_to_send(seed in any::<u64>(), edits in edits(), arch in 0..6usize) {
        let arch = [Arch::Data, Arch::Thumb, Arch::Xtensa, Arch::RiscV, Arch::AArch64, Arch::Arm][arch];
        let old = noise(seed, 5000);
        let mut new = old.clone();
        let mut inserted = 0;
        for (at, removed, octets) in edits {
            let at = usize::from(at) % (new.len() + 1);
            let end = new.len().min(at + usize::from(removed));
            inserted += octets.len() + 16;
            new.splice(at..end, octets);
        }
        prop_assert!(checked(&old, &new, arch, ANY) <= inserted);
    }

    #[test]
    fn unrelated_images_are_covered_too(old in vec(0..4u8, 0..600), new in vec(0..4u8, 0..600)) {
        checked(&old, &new, Arch::Data, ANY);
        checked(&old, &new, Arch::Thumb, |at, from| from >= at);
    }
}
