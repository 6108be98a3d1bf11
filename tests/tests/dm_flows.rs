//! The flows over OMA device management with the power cut in every flash operation.

use kedge::scenario::find;
use kedge::world::{Pair, Prepared, Trouble};
use kedge_platform_sim::nor::Cut;
use kedge_tests::pair::small_pair;

const SECTOR: usize = 512;
const SECTOR_OCTETS: u32 = 512;

fn prepared(name: &str) -> Prepared {
    let scenario = find(name).unwrap_or_else(|| panic!("no scenario {name}"));
    let (old, new) = small_pair();
    let prepared = Prepared::new(scenario, &Pair { old, new }, SECTOR_OCTETS, 1);
    prepared.unwrap_or_else(|e| panic!("{name}: {e:#}"))
}

/// Before, inside and after every operation of the flow: it still ends as it should, and the server is told the result once.
fn sweep(name: &str) {
    let prepared = prepared(name);
    let clean = prepared.play::<8, SECTOR>(&Trouble::default(), &mut ());
    let operations = clean.unwrap_or_else(|e| panic!("{name}: {e:#}")).operations;
    let (mut cases, mut wrong) = (0, Vec::new());
    for at in 0..operations {
        for cut in [Cut::Before, Cut::Torn { seed: at }, Cut::After] {
            let trouble = Trouble { cuts: vec![(at, cut)], ..Trouble::default() };
            if let Err(e) = prepared.play::<8, SECTOR>(&trouble, &mut ()) {
                wrong.push(format!("{name}: {cut:?} in operation {at}: {e:#}"));
            }
            cases += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}, the first: {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    kedge_tests::figure!("{name}: {cases} power cuts in {operations} flash operations, 0 violations");
    assert!(cases > 100, "{name}: the sweep shrank to {cases} cases");
}

#[test]
fn the_power_may_fail_in_every_operation_of_an_update() {
    for name in [
        "fota-network",
        "fota-network/in-place",
        "fota-network/declined",
        "fota-network/post-provisioning",
        "fota-network/wrong-signature",
        "fota-network/direct",
        "fota-client/oma-dm",
    ] {
        sweep(name);
    }
}

#[test]
fn the_power_may_fail_in_every_operation_on_a_component() {
    for name in [
        "fota-network/component",
        "fota-network/component-declined",
        "fota-network/component-wrong-signature",
    ] {
        sweep(name);
    }
}

#[test]
fn the_power_may_fail_in_every_operation_of_a_change_of_settings() {
    for name in [
        "brew-url/oma-dm",
        "tunnel",
        "tunnel/declined",
        "tunnel/unknown-type",
        "tunnel/questions",
        "prl-update/oma-dm",
    ] {
        sweep(name);
    }
}
