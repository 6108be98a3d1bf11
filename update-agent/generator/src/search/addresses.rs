//! Where the addresses in the old image are expected to point after the update.
use std::collections::BTreeMap;

use kedge_delta::arch::{self, Form, Place};
use kedge_delta::map::{Map, Regions};

use super::prices::{Prices, size};
use super::sweep::{FORMS_OF_WORDS, Reference};
use super::{Segment, small};

/// What is expected of one address of the old image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected {
    /// Where the map says it goes.
    target: u32,
    /// Where it went most often, if that is something else.
    learned: u32,
}

/// The addresses of the old image with what is expected of them.
pub(super) struct Addresses<'a> {
    pub(super) references: &'a [Reference],
    old: &'a [u8],
    new: &'a [u8],
    pub(super) regions: &'a Regions<'a>,
    /// For each of the references; none in the first pass.
    expected: Vec<Expected>,
}

impl<'a> Addresses<'a> {
    /// Of the first pass, or of one with what the last gave.
    pub(super) fn new(
        references: &'a [Reference],
        old: &'a [u8],
        new: &'a [u8],
        regions: &'a Regions<'a>,
        last: Option<(&Map<'_>, &[Segment])>,
    ) -> Self {
        let mut addresses = Self { references, old, new, regions, expected: Vec::new() };
        if let Some((map, segments)) = last {
            addresses.expect(map, segments);
        }
        addresses
    }

    fn expect(&mut self, map: &Map<'_>, segments: &[Segment]) {
        let mapped = |target| match self.regions.old_offset(target).and_then(|offset| map.new_offset(offset))
        {
            Some((offset, _)) => self.regions.new_address(offset),
            None => target,
        };
        let targets: Vec<u32> = self.references.iter().map(|reference| mapped(reference.target)).collect();
        let mut votes: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        self.walk(segments, |n, at| {
            if let Some(real) = self.read(n, at, targets[n]).filter(|real| *real != targets[n]) {
                *votes.entry((self.references[n].target, real)).or_default() += 1;
            }
        });
        let mut winners: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for ((target, real), count) in votes {
            let winner = winners.entry(target).or_default();
            if count >= 2 && count > winner.0 {
                *winner = (count, real);
            }
        }
        let learned = |n: usize, target| match winners.get(&self.references[n].target) {
            Some((count, real)) if *count > 0 => *real,
            _ => target,
        };
        self.expected = targets
            .iter()
            .enumerate()
            .map(|(n, target)| Expected { target: *target, learned: learned(n, *target) })
            .collect();
    }

    /// Calls `each` with the number and the new offset of every reference that is copied whole.
    pub(super) fn walk(&self, segments: &[Segment], mut each: impl FnMut(usize, u32)) {
        let mut at = 0;
        for segment in segments {
            at += segment.literal;
            let first = self.first_from(segment.source);
            for (n, reference) in self.references.iter().enumerate().skip(first) {
                let inside = reference.at - segment.source;
                if inside + u32::from(reference.len) > segment.copy {
                    break;
                }
                each(n, at + inside);
            }
            at += segment.copy;
        }
    }

    fn read(&self, n: usize, at: u32, near: u32) -> Option<u32> {
        let reference = &self.references[n];
        let actual = &self.new[at as usize..][..usize::from(reference.len)];
        arch::read(&self.place(reference, at), reference.form, actual, near)
    }

    /// Whether reference `n`, copied to `at`, is right if what it refers to went by `shift`; without a shift, if the address
    /// stays.
    pub(super) fn right(&self, n: usize, at: u32, shift: Option<u32>) -> bool {
        let reference = &self.references[n];
        let target = match (shift, self.regions.old_offset(reference.target)) {
            (Some(shift), Some(offset)) => self.regions.new_address(offset.wrapping_add(shift)),
            _ => reference.target,
        };
        self.gives(reference, at, &self.place(reference, at), target)
    }

    /// Whether `target` in the operand of a reference makes what really stands at `at`.
    fn gives(&self, reference: &Reference, at: u32, place: &Place, target: u32) -> bool {
        let len = usize::from(reference.len);
        self.made(reference, place, target)[..len] == self.new[at as usize..][..len]
    }

    /// The octets of a reference with `target` in the operand.
    fn made(&self, reference: &Reference, place: &Place, target: u32) -> [u8; 8] {
        let len = usize::from(reference.len);
        let mut made = [0; 8];
        made[..len].copy_from_slice(&self.old[reference.at as usize..][..len]);
        arch::emit(place, reference.form, &mut made[..len], target);
        made
    }

    /// The first reference at `old` or behind.
    pub(super) fn first_from(&self, old: u32) -> usize {
        self.references.partition_point(|reference| reference.at < old)
    }

    fn place(&self, reference: &Reference, at: u32) -> Place {
        let arch =
            self.regions.at_old(reference.at).map_or(kedge_delta::arch::Arch::Data, |region| region.arch);
        Place { arch, ..self.regions.new_place(at) }
    }

    /// What it costs beside a hit's price that reference `n` is copied to `at`; nothing if it is as predicted. `trail` is what
    /// the references before it in the same copy left.
    pub(super) fn price(&self, n: usize, at: u32, trail: &mut Trail, prices: &Prices) -> u32 {
        let reference = &self.references[n];
        let len = usize::from(reference.len);
        let actual = &self.new[at as usize..][..len];
        let as_was = &self.old[reference.at as usize..][..len] == actual;
        let place = self.place(reference, at);
        let (target, learned) = match self.expected.get(n) {
            Some(expected) => (expected.target, expected.learned),
            None if as_was => return 0,
            None => (reference.target, reference.target),
        };
        if self.gives(reference, at, &place, target) {
            trail.pass(reference.form, target);
            return 0;
        }
        if learned != target && self.gives(reference, at, &place, learned) {
            trail.pass(reference.form, learned);
            return prices.learned;
        }
        let real = arch::read(&place, reference.form, actual, target);
        let Some(real) = real.filter(|real| self.gives(reference, at, &place, *real)) else {
            let made = self.made(reference, &place, target);
            return octets(made.iter().zip(actual).filter(|(made, actual)| made != actual).count(), prices);
        };
        let ascent = real.wrapping_sub(trail.pointer);
        let off = real.wrapping_sub(target);
        let as_before = off == trail.off;
        trail.off = off;
        trail.pass(reference.form, real);
        if as_was {
            prices.unchanged
        } else if self.expected.is_empty() {
            guess(real.abs_diff(target), prices)
        } else if as_before {
            prices.same_off
        } else if is_word(reference.form) && ascent < ASCENT_MAX {
            prices.ascent
        } else {
            prices.reference + prices.reference_distance * size(real.abs_diff(target))
        }
    }
}

/// What it costs that so many octets of a unit are not as predicted.
fn octets(count: usize, prices: &Prices) -> u32 {
    prices.miss + prices.miss_more * small(count).saturating_sub(1)
}

/// What the last references of a copy left behind, which helps to code the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trail {
    /// The last address that was a word of its own.
    pointer: u32,
    /// By how much the last address was off.
    off: u32,
}

impl Trail {
    fn pass(&mut self, form: Form, address: u32) {
        if is_word(form) {
            self.pointer = address;
        }
    }
}

/// How far above the last pointer one may be to be cheap.
const ASCENT_MAX: u32 = 512;

/// Whether an address is a word of its own.
const fn is_word(form: Form) -> bool {
    form.kind >= FORMS_OF_WORDS
}

/// What an address may cost of which it is not yet known where it goes.
const fn guess(distance: u32, prices: &Prices) -> u32 {
    if distance < 1 << 16 {
        prices.guess_near
    } else {
        prices.guess_far + prices.guess_distance * size(distance)
    }
}
