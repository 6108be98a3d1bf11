//! What every architecture must keep, as checks for the tests of the modules.
use core::fmt;
use core::ops::Range;
use std::path::PathBuf;
use std::vec::Vec;

use super::{AHEAD, BEHIND, CLASSES, Form, Unit, Window};

/// The functions of an architecture.
pub(super) struct Laws {
    pub(super) unit: fn(&Window<'_>) -> Unit,
    pub(super) emit: fn(Form, &mut [u8], u32, u32) -> bool,
    pub(super) read: fn(Form, &[u8], u32, u32) -> Option<u32>,
    pub(super) scale: fn(Form) -> u8,
}

/// A part of an image, and the address at which it runs.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) place: Range<usize>,
    pub(super) address: u32,
}

/// What a walk over real code found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) units: usize,
    /// References by kind: all, and those whose target lies in a region.
    pub(super) references: [(usize, usize); 16],
    pub(super) classes: [usize; CLASSES as usize],
}

impl Tally {
    /// How many references there are of `kinds`.
    pub(super) fn count(&self, kinds: &[u8]) -> usize {
        kinds.iter().map(|kind| self.references[usize::from(*kind)].0).sum()
    }

    /// The share, in per mille, of the references of `kinds` whose target lies in a region.
    pub(super) fn plausible(&self, kinds: &[u8]) -> usize {
        let inside: usize = kinds.iter().map(|kind| self.references[usize::from(*kind)].1).sum();
        inside * 1000 / self.count(kinds).max(1)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} units, by class: {:?}", self.units, self.classes)?;
        for (kind, (all, inside)) in self.references.iter().enumerate().filter(|(_, (all, _))| *all > 0) {
            writeln!(f, "kind {kind}: {all} references, {inside} into the walked regions")?;
        }
        Ok(())
    }
}

impl Laws {
    /// The same for an instruction of 32 bits without neighbours.
    pub(super) fn alone(&self, code: u32, address: u32) -> Unit {
        self.check(&Window { behind: &[], ahead: &code.to_le_bytes(), address })
    }

    /// The unit at the place of `window`, having checked that it is well formed and that its reference is what its operand
    /// codes: coding it again changes nothing, and reading gives it back.
    pub(super) fn check(&self, window: &Window<'_>) -> Unit {
        let unit = (self.unit)(window);
        let len = usize::from(unit.len);
        assert!(
            unit.class < CLASSES && (1..=window.ahead.len().min(8)).contains(&len),
            "{window:02x?} {unit:?}"
        );
        if let Some(reference) = unit.reference {
            assert!(reference.form.kind < 16, "{unit:?}");
            let mut octets = window.ahead[..len].to_vec();
            assert!(
                (self.emit)(reference.form, &mut octets, window.address, reference.target),
                "{window:02x?} {unit:?}"
            );
            assert_eq!(octets, window.ahead[..len], "{unit:?}");
            let read = (self.read)(reference.form, &octets, window.address, reference.target);
            assert_eq!(read, Some(reference.target), "{window:02x?} {unit:?}");
        }
        unit
    }

    /// Whether `target` can be coded at `address` in the unit of `window`, having checked that reading it gives it back
    /// and that a refusal changes nothing. Near any other address, reading gives one that is coded the same.
    pub(super) fn check_other(&self, window: &Window<'_>, address: u32, target: u32, near: u32) -> bool {
        let unit = self.check(window);
        let Some(reference) = unit.reference else { return false };
        let old = &window.ahead[..usize::from(unit.len)];
        let mut octets = old.to_vec();
        let coded = (self.emit)(reference.form, &mut octets, address, target);
        if coded {
            assert_eq!(
                (self.read)(reference.form, &octets, address, target),
                Some(target),
                "{unit:?} {octets:02x?}"
            );
            let other = (self.read)(reference.form, &octets, address, near).expect("of this form");
            let mut again = old.to_vec();
            assert!((self.emit)(reference.form, &mut again, address, other), "{unit:?} {other:x}");
            assert_eq!(again, octets, "{unit:?} {other:x}");
            let moved = other.wrapping_sub(near) & ((1 << (self.scale)(reference.form)) - 1);
            assert!(moved == 0 || other == target, "{unit:?}: {other:x} from {near:x}");
        } else {
            assert_eq!(octets, old);
        }
        coded
    }

    /// Walks over the regions of an image, checking every unit.
    pub(super) fn walk(&self, image: &[u8], regions: &[Region]) -> Tally {
        let mut tally = Tally::default();
        for region in regions {
            let end = region.place.end;
            let mut at = region.place.start;
            while at < end {
                let address = region.address.wrapping_add(u32::try_from(at - region.place.start).unwrap());
                let window = Window {
                    behind: &image[at.saturating_sub(BEHIND).max(region.place.start)..at],
                    ahead: &image[at..end.min(at + AHEAD)],
                    address,
                };
                let unit = self.check(&window);
                tally.units += 1;
                tally.classes[usize::from(unit.class)] += 1;
                if let Some(reference) = unit.reference {
                    let inside = regions.iter().any(|region| {
                        usize::try_from(reference.target.wrapping_sub(region.address)).unwrap()
                            < region.place.len()
                    });
                    let (all, in_region) = &mut tally.references[usize::from(reference.form.kind)];
                    *all += 1;
                    *in_region += usize::from(inside);
                }
                at += usize::from(unit.len);
            }
            assert_eq!(at, end, "{region:?}");
        }
        tally
    }
}

/// An image of the corpus; `None`, with the reason printed, where it is absent.
pub(super) fn corpus_image(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus/firmware")
        .join(name)
        .join("old.bin");
    match std::fs::read(&path) {
        Ok(image) => Some(image),
        Err(error) => {
            std::println!("skipped: {}: {error}", path.display());
            None
        }
    }
}

/// The segments of an ESP image whose first segment's header stands at `at`: load address, length, octets.
pub(super) fn esp_segments(image: &[u8], mut at: usize, count: usize) -> Vec<Region> {
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    let mut regions = Vec::new();
    for _ in 0..count {
        let start = at + 8;
        let end = start + usize::try_from(word(at + 4)).unwrap();
        regions.push(Region { place: start..end, address: word(at) });
        at = end;
    }
    regions
}
