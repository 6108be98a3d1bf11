//! Whole flows with the power cut in every flash operation, and again during the recovery: the handset ends with the old or
//! the new state, whole, and the network has one report.

use kedge::scenario::find;
use kedge::world::{Pair, Prepared, Trouble};
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;
use kedge_tests::pair::small_pair;

fn prepared(name: &str, sector: usize) -> Prepared {
    let scenario = find(name).expect("the scenario exists");
    let sector = u32::try_from(sector).expect("a sector is small");
    let (old, new) = small_pair();
    Prepared::new(scenario, &Pair { old, new }, sector, 1).expect("it can be prepared")
}

/// Every operation, cut before, inside (with two sets of leftovers) and after it.
fn single<const W: usize, const E: usize>(name: &str) -> usize {
    let prepared = prepared(name, E);
    let clean =
        prepared.play::<W, E>(&Trouble::default(), &mut ()).expect("it plays without trouble").operations;
    let mut cases = 0;
    for at in 0..clean {
        for cut in [Cut::Before, Cut::Torn { seed: at }, Cut::Torn { seed: at ^ 0x5555 }, Cut::After] {
            let trouble = Trouble { cuts: vec![(at, cut)], ..Trouble::default() };
            if let Err(e) = prepared.play::<W, E>(&trouble, &mut ()) {
                panic!("{name} on {W}/{E}: {cut:?} in operation {at} of {clean}: {e:#}");
            }
            cases += 1;
        }
    }
    cases
}

/// Two to four cuts, each in the recovery from the one before, drawn from a seed.
fn nested<const W: usize, const E: usize>(name: &str, cases: usize) -> usize {
    let prepared = prepared(name, E);
    let clean =
        prepared.play::<W, E>(&Trouble::default(), &mut ()).expect("it plays without trouble").operations;
    let mut draw = Seeded::new(E as u64);
    for case in 0..cases {
        let mut cuts = vec![(draw.word() % clean, Cut::Torn { seed: draw.word() })];
        for _ in 0..=draw.word() % 3 {
            let kind = [Cut::Before, Cut::Torn { seed: draw.word() }, Cut::After];
            cuts.push((draw.word() % 12, kind[(draw.word() % 3) as usize]));
        }
        let trouble = Trouble { cuts, ..Trouble::default() };
        if let Err(e) = prepared.play::<W, E>(&trouble, &mut ()) {
            panic!("{name} on {W}/{E}: case {case}, {:?}: {e:#}", trouble.cuts);
        }
    }
    cases
}

fn report(what: &str, cases: usize, least: usize) {
    kedge_tests::figure!("power failures: {what}: {cases} cases, 0 violations");
    assert!(cases >= least, "the sweep shrank to {cases} cases");
}

#[test]
fn activation_survives_a_cut_in_every_operation() {
    let cases = single::<1, 4096>("one-button")
        + single::<8, 512>("one-button")
        + single::<32, 512>("one-button/multipart");
    report("one-button, single", cases, 150);
    let cases = nested::<4, 512>("one-button", 400) + nested::<16, 1024>("one-button/spc-locked", 400);
    report("one-button, nested", cases, 800);
}

#[test]
fn update_into_the_other_slot_survives_a_cut_in_every_operation() {
    let cases = single::<4, 512>("fota-client") + single::<16, 1024>("fota-client/full-image");
    report("fota-client, single", cases, 800);
    report("fota-client, nested", nested::<8, 512>("fota-client", 400), 400);
}

#[test]
fn update_in_place_survives_a_cut_in_every_operation() {
    let cases = single::<4, 512>("fota-client/in-place") + single::<1, 256>("fota-client/in-place");
    report("fota-client/in-place, single", cases, 800);
    report("fota-client/in-place, nested", nested::<8, 512>("fota-client/in-place", 400), 400);
}
