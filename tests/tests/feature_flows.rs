//! The activation of features, with the link cut and the power cut everywhere.

use kedge::scenario::{Script, scripts};
use kedge::world::{Pair, Prepared, Trouble};
use kedge_platform_sim::bearer::Fault;
use kedge_platform_sim::nor::Cut;
use kedge_tests::pair::small_pair;

const SECTOR: usize = 512;
const SECTOR_OCTETS: u32 = 512;

fn scenarios() -> impl Iterator<Item = &'static Script> {
    scripts().iter().filter(|scenario| scenario.flow() == "feature-activation")
}

fn prepared(scenario: &'static Script) -> Prepared {
    let (old, new) = small_pair();
    let prepared = Prepared::new(scenario, &Pair { old, new }, SECTOR_OCTETS, 1);
    prepared.unwrap_or_else(|e| panic!("{}: {e:#}", scenario.name))
}

#[test]
fn every_feature_has_every_variant() {
    let features = ["mobile-web", "text-messaging", "picture-messaging", "video-messaging", "touch2talk"];
    let variants =
        ["", "/declined", "/refused", "/terms-lost", "/legal-lost", "/result-lost", "/other-error"];
    for (feature, variant) in features.iter().flat_map(|f| variants.map(|v| (f, v))) {
        let name = format!("feature-activation/{feature}{variant}");
        assert!(scenarios().any(|scenario| scenario.name == name), "{name}");
    }
}

#[test]
fn they_end_as_they_should_and_bear_two_lost_answers() {
    let mut cases = 0;
    for scenario in scenarios() {
        let prepared = prepared(scenario);
        let played = prepared.play::<8, SECTOR>(&Trouble::default(), &mut ());
        let clean = played.unwrap_or_else(|e| panic!("{}: {e:#}", scenario.name));
        for first in 0..clean.exchanges {
            for second in [first + 1, first + 2] {
                let link = vec![(first, Fault::ReplyLost), (second, Fault::ReplyTruncated(40))];
                let played = prepared.play::<8, SECTOR>(&Trouble { link, ..Trouble::default() }, &mut ());
                played.unwrap_or_else(|e| panic!("{}: exchanges {first}, {second}: {e:#}", scenario.name));
                cases += 1;
            }
        }
    }
    kedge_tests::figure!("feature-activation: {cases} cases with two link faults, 0 violations");
    assert!(cases > 100, "the sweep shrank to {cases} cases");
}

/// Before, inside and after every operation of the flow (of the other features, which take the same way, inside): it still ends
/// as it should, and the consent counts once.
#[test]
fn the_power_may_fail_in_every_operation() {
    let (mut cases, mut flows) = (0, 0);
    for scenario in scenarios() {
        let prepared = prepared(scenario);
        let played = prepared.play::<8, SECTOR>(&Trouble::default(), &mut ());
        let operations = played.unwrap_or_else(|e| panic!("{}: {e:#}", scenario.name)).operations;
        let name = scenario.name;
        let other = name.contains("messaging") || name.contains("touch2talk");
        for at in 0..operations {
            let kinds = [Cut::Torn { seed: at }, Cut::Before, Cut::After];
            for cut in kinds.into_iter().take(if other { 1 } else { 3 }) {
                let trouble = Trouble { cuts: vec![(at, cut)], ..Trouble::default() };
                let played = prepared.play::<8, SECTOR>(&trouble, &mut ());
                played.unwrap_or_else(|e| panic!("{}: {cut:?} in operation {at}: {e:#}", scenario.name));
                cases += 1;
            }
        }
        flows += 1;
    }
    kedge_tests::figure!("feature-activation: {cases} power cuts in {flows} flows, 0 violations");
    assert!(cases > 1000, "the sweep shrank to {cases} cases");
}
