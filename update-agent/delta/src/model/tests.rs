//! Both directions agree, on everything, with every size of memory, and over an interruption.
use proptest::prelude::*;
use std::path::Path;
use std::vec::Vec;
use std::{println, vec};

use super::{Known, Literal, Made, Model, Sizes, Spot, State};
use crate::arch::{AHEAD, Arch, BEHIND, Place, Window};
use crate::bits::tests::{Encoder, Feed};
use crate::bits::{Bits, Decoder, Position};
use crate::map::{Region, Regions};

const ARCHS: [Arch; 12] = [
    Arch::Data,
    Arch::Thumb,
    Arch::RiscV,
    Arch::Xtensa,
    Arch::AArch64,
    Arch::Arm,
    Arch::X86,
    Arch::X86_64,
    Arch::X86_16,
    Arch::Data64,
    Arch::Offsets,
    Arch::Relative,
];

/// Where the images stand.
const BASE: u32 = 0x0800_0000;

/// A copy of `len` old octets from `from` on, after `literal` octets.
#[derive(Clone, Copy, Debug)]
struct Step {
    literal: usize,
    from: usize,
    len: usize,
}

/// An old and a new image, and how the one comes from the other.
#[derive(Clone, Debug)]
struct Case {
    arch: Arch,
    old: Vec<u8>,
    new: Vec<u8>,
    steps: Vec<Step>,
}

/// Where a run is interrupted: what was kept there.
struct Kept {
    words: Vec<u32>,
    state: [u32; State::WORDS],
}

impl Case {
    /// A new image out of `old` by `steps`; `noise` says what is not copied right, and what stands between the copies.
    fn new(arch: Arch, old: &[u8], steps: &[Step], noise: &[u8]) -> Self {
        let mut noise = noise.iter().copied().chain([0]).cycle();
        let mut noisy = |octet: u8| match noise.next() {
            Some(change @ 0..24) => octet.wrapping_add(change),
            _ => octet,
        };
        let mut new = vec![];
        for step in steps {
            new.extend((0..step.literal).map(|i| noisy(0x40) ^ u8::try_from(i & 0xFF).unwrap_or(0)));
            new.extend(old[step.from..][..step.len].iter().map(|octet| noisy(*octet)));
        }
        Self { arch, old: old.to_vec(), new, steps: steps.to_vec() }
    }

    fn region(&self) -> Region {
        Region {
            old_start: 0,
            new_start: 0,
            old_address: BASE,
            new_address: BASE + 0x100,
            high: 0,
            arch: self.arch,
        }
    }

    /// Codes all steps with a fresh model. `stop` is a number of calls after which the model is kept, dropped and taken up
    /// again, and `known` are the new octets, for an encoder.
    fn run<B: Bits>(&self, bits: &mut B, sizes: Sizes, stop: usize, known: Option<&[u8]>) -> Vec<u8>
    where
        B::Error: core::fmt::Debug,
    {
        let list = [self.region()];
        let size = |octets: &[u8]| u32::try_from(octets.len()).unwrap();
        let regions = Regions {
            list: &list,
            old_size: size(&self.old),
            new_size: size(&self.new),
            ram: (0x2000_0000, 0x1000),
        };
        let mut words = vec![0xDEAD_BEEF; sizes.words()];
        let (mut model, mut map) = Model::new(&mut words, sizes).unwrap();
        let mut to = 0;
        for step in &self.steps {
            let at = |n: usize| u32::try_from(n).unwrap();
            to += step.literal;
            map.add(at(step.from), at(step.len), at(to));
            to += step.len;
        }
        let mut kept: Option<Kept> = None;
        let mut calls = 0;
        let mut out: Vec<u8> = vec![];
        for step in &self.steps {
            let (start, literal_end) = (out.len(), out.len() + step.literal);
            let end = literal_end + step.len;
            while out.len() < end {
                if calls == stop {
                    kept = Some(Kept {
                        words: model.tables().iter().flat_map(|t| t.iter().copied()).collect(),
                        state: model.state.to_words(),
                    });
                }
                calls += 1;
                if let Some(Kept { words, state }) = kept.take() {
                    // Forgets, and puts back what was kept.
                    let mut words = words.into_iter();
                    for table in model.tables() {
                        table.fill(0x5555_5555);
                        for word in table {
                            *word = words.next().unwrap();
                        }
                    }
                    model.state = State::from_words(state);
                }
                let mut actual = [0; 8];
                for (slot, octet) in actual.iter_mut().zip(known.iter().flat_map(|known| &known[out.len()..]))
                {
                    *slot = *octet;
                }
                let made = if out.len() < literal_end {
                    self.literal(&mut model, bits, step, out.len() - start, &regions, out.len(), actual)
                } else {
                    self.unit(
                        &mut model,
                        bits,
                        step,
                        out.len() - literal_end,
                        &Known { regions: &regions, map: &map },
                        out.len(),
                        actual,
                    )
                };
                out.extend(made.as_slice());
            }
        }
        out
    }

    #[allow(clippy::too_many_arguments, reason = "a step of the loop above, taken out to be read")]
    fn literal<B: Bits>(
        &self,
        model: &mut Model<'_>,
        bits: &mut B,
        step: &Step,
        done: usize,
        regions: &Regions<'_>,
        at: usize,
        actual: [u8; 8],
    ) -> Made
    where
        B::Error: core::fmt::Debug,
    {
        let n = (step.literal - done).min(4);
        let around: Vec<u8> =
            (0..n).map(|i| self.old.get(step.from + done + i).copied().unwrap_or(0)).collect();
        let address = regions.new_address(u32::try_from(at).unwrap());
        let literal = Literal { arch: self.arch, address, left: &around, right: &around };
        model.literal(bits, &literal, actual).unwrap()
    }

    #[allow(clippy::too_many_arguments, reason = "a step of the loop above, taken out to be read")]
    fn unit<B: Bits>(
        &self,
        model: &mut Model<'_>,
        bits: &mut B,
        step: &Step,
        done: usize,
        known: &Known<'_>,
        at: usize,
        actual: [u8; 8],
    ) -> Made
    where
        B::Error: core::fmt::Debug,
    {
        let (from, end) = (step.from + done, step.from + step.len);
        let old = known.regions.old_place(u32::try_from(from).unwrap());
        let window = Window {
            behind: &self.old[from.saturating_sub(BEHIND).max(step.from)..from],
            ahead: &self.old[from..end.min(from + AHEAD)],
            address: old.address,
        };
        let new = Place { arch: old.arch, ..known.regions.new_place(u32::try_from(at).unwrap()) };
        let edge = (u32::try_from(done).unwrap(), u32::try_from(end - from).unwrap());
        model.unit(bits, &Spot { window, old, new, edge }, known, actual).unwrap()
    }

    fn encoded(&self, sizes: Sizes, stop: usize) -> Vec<u8> {
        let mut encoder = Encoder::new();
        assert_eq!(self.run(&mut encoder, sizes, stop, Some(&self.new)), self.new);
        encoder.finish()
    }

    fn decoded(&self, octets: &[u8], sizes: Sizes, stop: usize) -> Vec<u8> {
        let mut feed = Feed(octets);
        let mut position = Position::start(&mut feed).unwrap();
        self.run(&mut Decoder::new(&mut position, feed), sizes, stop, None)
    }
}

const NEVER: usize = usize::MAX;

prop_compose! {
    fn sizes()(flags in 0u16..300, octets in 0u16..1500, numbers in 0u16..99, learned in 0u16..30, pieces in 0u16..9) -> Sizes {
        Sizes { flags, octets, numbers, learned, pieces }
    }
}

prop_compose! {
    /// Random octets, half of them from few values, so that there is something to learn.
    fn octets()(few in prop::collection::vec(any::<u8>(), 1..8), of in prop::collection::vec(any::<(bool, u8)>(), 48..400)) -> Vec<u8> {
        of.into_iter().map(|(plain, octet)| if plain { octet } else { few[usize::from(octet) % few.len()] }).collect()
    }
}

prop_compose! {
    fn case()(arch in prop::sample::select(&ARCHS[..]), old in octets(), noise in prop::collection::vec(any::<u8>(), 0..99),
        steps in prop::collection::vec((0usize..9, any::<u16>(), any::<u16>()), 1..5)) -> Case {
        let steps: Vec<Step> = steps.into_iter().map(|(literal, from, len)| {
            let from = (usize::from(from) % old.len()) & !3;
            Step { literal, from, len: usize::from(len) % (old.len() - from) + 1 }
        }).collect();
        Case::new(arch, &old, &steps, &noise)
    }
}

proptest! {
    #[test]
    fn the_decoder_makes_what_was_encoded(case in case(), sizes in sizes()) {
        let coded = case.encoded(sizes, NEVER);
        prop_assert_eq!(case.decoded(&coded, sizes, NEVER), &case.new[..]);
    }

    #[test]
    fn kept_and_taken_up_again_it_goes_on_the_same(case in case(), sizes in sizes(), stop in 0usize..200) {
        let coded = case.encoded(sizes, NEVER);
        prop_assert_eq!(&case.encoded(sizes, stop), &coded);
        prop_assert_eq!(case.decoded(&coded, sizes, stop), &case.new[..]);
    }

    #[test]
    fn hostile_octets_make_an_image_of_the_same_size(case in case(), sizes in sizes(), hostile in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(case.decoded(&hostile, sizes, NEVER).len(), case.new.len());
    }

    #[test]
    fn words_that_are_kept_may_be_anything(words in prop::collection::vec(any::<u32>(), Sizes::TINY.words()), state in any::<[u32; State::WORDS]>(), octets in octets()) {
        let sizes = Sizes { pieces: 0, ..Sizes::TINY };
        let mut words = words;
        let (mut model, map) = Model::resume(&mut words, sizes, State::from_words(state), 0).unwrap();
        prop_assert_eq!(model.state.to_words(), state);
        let case = Case::new(Arch::Thumb, &octets, &[Step { literal: 0, from: 0, len: octets.len() }], &[]);
        let list = [case.region()];
        let regions = Regions { list: &list, old_size: 4096, new_size: 4096, ram: (0, 0) };
        let known = Known { regions: &regions, map: &map };
        let mut encoder = Encoder::new();
        let mut done = 0;
        while done < octets.len() {
            let made = case.unit(&mut model, &mut encoder, &case.steps[0], done, &known, done, [7; 8]);
            done += usize::from(made.len);
        }
        prop_assert_eq!(done, octets.len());
    }
}

/// The profiles must leave the rest of their memory to the applier.
#[test]
fn the_profiles_fit_their_devices() {
    for (sizes, octets) in [(Sizes::TINY, 2_300), (Sizes::SMALL, 12_800), (Sizes::LARGE, 118_000)] {
        assert!(sizes.words() * 4 <= octets, "{sizes:?}: {}", sizes.words() * 4);
    }
}

#[test]
fn too_few_words_and_too_many_pieces_are_refused() {
    let sizes = Sizes::TINY;
    let mut words = vec![0; sizes.words()];
    assert!(Model::new(&mut words, sizes).is_some());
    assert!(
        Model::resume(&mut words, sizes, State::from_words([0; State::WORDS]), usize::from(sizes.pieces))
            .is_some()
    );
    let many = usize::from(sizes.pieces) + 1;
    assert!(Model::resume(&mut words, sizes, State::from_words([0; State::WORDS]), many).is_none());
    words.pop();
    assert!(Model::new(&mut words, sizes).is_none());
}

/// An image that did not change costs next to nothing.
#[test]
fn what_does_not_change_costs_little() {
    let old: Vec<u8> =
        (0..40_000u32).flat_map(|n| (n.wrapping_mul(0x9E37_79B1) >> 7).to_le_bytes()).collect();
    let case = Case::new(Arch::Data, &old, &[Step { literal: 0, from: 0, len: old.len() }], &[255]);
    assert_eq!(case.new, old);
    let coded = case.encoded(Sizes::SMALL, NEVER);
    assert!(coded.len() < 40, "{} octets", coded.len());
}

/// Real firmware: the old image copied in place, wrong in many places.
#[test]
fn both_directions_agree_on_real_firmware() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/firmware");
    let Ok(pairs) = std::fs::read_dir(&corpus) else {
        println!("skipped: no firmware at {}", corpus.display());
        return;
    };
    let mut tried = 0;
    for pair in pairs.flatten() {
        let read = |name| std::fs::read(pair.path().join(name)).ok();
        let (Some(mut old), Some(mut new)) = (read("old.bin"), read("new.bin")) else { continue };
        let len = old.len().min(new.len()).min(24 << 10);
        old.truncate(len);
        new.truncate(len);
        for arch in ARCHS {
            let steps = vec![Step { literal: 0, from: 0, len }];
            let case = Case { arch, old: old.clone(), new: new.clone(), steps };
            let coded = case.encoded(Sizes::SMALL, NEVER);
            assert!(case.decoded(&coded, Sizes::SMALL, NEVER) == new, "{arch:?}, {}", pair.path().display());
        }
        tried += 1;
    }
    println!("{tried} pairs, each as every architecture");
}
