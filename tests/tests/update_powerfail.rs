//! The power fails at every flash operation of an update, before it, inside it and after it, and again during the recovery:
//! at the end the new image runs, whole, its success was reported once, and the flash was never misused.
use kedge_generator::Layout::{self, InPlace, Slot};
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_tests::life::Life;
use kedge_tests::update::{Case, Content, image_pair};

fn factory<const WRITE: usize, const ERASE: usize>(
    case: &Case,
    seed: u64,
    ecc: bool,
) -> Life<Nor<WRITE, ERASE>> {
    let flash = case.device(seed);
    Life::new(if ecc { flash.with_ecc() } else { flash })
}

/// The cuts tried at each operation.
fn cuts(seed: u64) -> [Cut; 5] {
    [
        Cut::Before,
        Cut::Torn { seed },
        Cut::Torn { seed: seed.wrapping_mul(0x9E37_79B9) + 1 },
        Cut::TornAt { octet: u32::MAX, seed },
        Cut::After,
    ]
}

/// Each operation of an undisturbed life cut in each way; returns the number of cases.
fn sweep<const WRITE: usize, const ERASE: usize>(case: &Case, ecc: bool) -> u64 {
    let factory = factory::<WRITE, ERASE>(case, 1, ecc);
    let mut clean = factory.clone();
    let operations = clean.finish(case).unwrap();
    assert!(operations > 20, "an update has more than {operations} operations");
    let (mut cases, mut worst) = (0, 0);
    for at in 0..operations {
        for cut in cuts(at) {
            let mut life = factory.clone();
            let cut_off = life.cut(case, at, cut).unwrap_or_else(|e| panic!("{at} {cut:?}: {e}"));
            assert!(cut_off, "operation {at} exists");
            life.finish(case).unwrap_or_else(|e| panic!("after {at} {cut:?}: {e}"));
            worst = worst.max(life.extra_wear(&clean));
            cases += 1;
        }
    }
    // one cut costs the sector it hit one more erase, and the journal one bank for the new power session
    assert!(worst <= 2, "a cut cost {worst} erases of one sector");
    cases
}

fn geometry<const WRITE: usize, const ERASE: usize>(blocks: usize) -> u64 {
    let (old, new) = image_pair(blocks * ERASE - ERASE / 3, ERASE, 7);
    let mut cases = 0;
    for (content, layout) in [
        (Content::Delta, Slot),
        (Content::Delta, InPlace),
        (Content::Full, Slot),
        (Content::Full, InPlace),
        (Content::Streamed, Slot),
        (Content::StreamedFull, Slot),
    ] {
        let case = Case::new(&old, &new, content, layout, ERASE, ERASE);
        let n = sweep::<WRITE, ERASE>(&case, false) + sweep::<WRITE, ERASE>(&case, true);
        kedge_tests::figure!("write {WRITE}, erase {ERASE}, {content:?}, {layout:?}: {n} cuts");
        cases += n;
    }
    cases
}

#[test]
fn every_operation_of_two_geometries() {
    // two of many; a sample of all is in powerfail_matrix.rs, all of it in `cargo xtask powerfail --all`
    let cases = geometry::<4, 256>(4) + geometry::<32, 2048>(3);
    kedge_tests::figure!("power cuts at every operation: {cases} cases, 0 violations");
}

#[test]
fn blocks_of_several_sectors() {
    let (old, new) = image_pair(2300, 512, 9);
    let mut cases = 0;
    for layout in [Slot, InPlace] {
        let case = Case::new(&old, &new, Content::Delta, layout, 512, 256);
        cases += sweep::<8, 256>(&case, false);
    }
    kedge_tests::figure!("power cuts with blocks of two sectors: {cases} cases, 0 violations");
}

/// Every pair of a first cut and a second one in its recovery.
fn pairs(content: Content, layout: Layout) -> u64 {
    let (old, new) = image_pair(700, 256, 3);
    let case = Case::new(&old, &new, content, layout, 256, 256);
    let factory = factory::<8, 256>(&case, 1, false);
    let operations = factory.clone().finish(&case).unwrap();
    let mut cases = 0;
    for first in 0..operations {
        for first_cut in [Cut::Before, Cut::Torn { seed: first }, Cut::After] {
            let mut once = factory.clone();
            assert!(once.cut(&case, first, first_cut).unwrap());
            for second in 0.. {
                let mut more = false;
                for second_cut in [Cut::Before, Cut::Torn { seed: first ^ second << 8 }, Cut::After] {
                    let mut life = once.clone();
                    let told = |e| format!("{first} {first_cut:?}, {second} {second_cut:?}: {e}");
                    more = life.cut(&case, second, second_cut).map_err(told).unwrap();
                    if !more {
                        break;
                    }
                    life.finish(&case).map_err(told).unwrap();
                    cases += 1;
                }
                if !more {
                    break;
                }
            }
        }
    }
    cases
}

#[test]
fn every_pair_of_cuts_in_a_slot() {
    kedge_tests::figure!(
        "pairs of power cuts in a slot: {} cases, 0 violations",
        pairs(Content::Delta, Slot)
    );
}

#[test]
fn every_pair_of_cuts_in_place() {
    kedge_tests::figure!(
        "pairs of power cuts in place: {} cases, 0 violations",
        pairs(Content::Delta, InPlace)
    );
}

#[test]
fn every_pair_of_cuts_while_streaming() {
    let cases = pairs(Content::Streamed, Slot) + pairs(Content::StreamedFull, Slot);
    kedge_tests::figure!("pairs of power cuts while streaming: {cases} cases, 0 violations");
}

#[test]
fn many_cuts_in_a_row() {
    let (old, new) = image_pair(6000, 1024, 5);
    let mut noise = Seeded::new(0x00C0_FFEE);
    let mut cases = 0;
    for (content, layout) in [(Content::Delta, Slot), (Content::Delta, InPlace), (Content::Streamed, Slot)] {
        let case = Case::new(&old, &new, content, layout, 1024, 1024);
        for seed in 0..400 {
            let mut life = factory::<4, 1024>(&case, seed, seed % 2 == 1);
            for _ in 0..7 {
                let (at, tear) = (noise.below(90) as u64, noise.word());
                let cut = [Cut::Before, Cut::Torn { seed: tear }, Cut::After][noise.below(3)];
                life.cut(&case, at, cut).unwrap_or_else(|e| panic!("seed {seed}, {at} {cut:?}: {e}"));
            }
            life.finish(&case).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            cases += 1;
        }
    }
    kedge_tests::figure!("seven power cuts in a row: {cases} cases, 0 violations");
}
