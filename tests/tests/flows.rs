//! Every scenario of the desktop command, in process, and with the link cut at every message.

use kedge::scenario::{SCENARIOS, Scenario};
use kedge::world::{Pair, Prepared, Trouble};
use kedge_platform_sim::bearer::Fault;
use kedge_tests::pair::small_pair;

const SECTOR: usize = 512;
const SECTOR_OCTETS: u32 = 512;

fn prepared(scenario: &'static Scenario) -> Prepared {
    let (old, new) = small_pair();
    Prepared::new(scenario, &Pair { old, new }, SECTOR_OCTETS, 1)
        .unwrap_or_else(|e| panic!("{}: {e:#}", scenario.name))
}

#[test]
fn every_scenario_ends_as_it_should() {
    for scenario in SCENARIOS {
        let played = prepared(scenario).play::<8, SECTOR>(&Trouble::default(), &mut ());
        played.unwrap_or_else(|e| panic!("{}: {e:#}", scenario.name));
    }
}

/// The same over real HTTP and TLS on loopback, with the HTTP client of Linux devices.
#[test]
fn every_scenario_ends_as_it_should_over_http() {
    for scenario in SCENARIOS {
        let played = prepared(scenario).play_over_http::<8, SECTOR>(&mut ());
        played.unwrap_or_else(|e| panic!("{}: {e:#}", scenario.name));
    }
}

#[test]
fn the_link_may_fail_at_every_message() {
    let mut cases = 0;
    for scenario in SCENARIOS {
        let prepared = prepared(scenario);
        let clean =
            prepared.play::<8, SECTOR>(&Trouble::default(), &mut ()).expect("it plays without trouble");
        for at in 0..clean.exchanges {
            for fault in
                [Fault::NoConnection, Fault::RequestLost, Fault::ReplyLost, Fault::ReplyTruncated(20)]
            {
                let trouble = Trouble { link: vec![(at, fault)], ..Trouble::default() };
                let played = prepared.play::<8, SECTOR>(&trouble, &mut ());
                played.unwrap_or_else(|e| panic!("{}: {fault:?} at exchange {at}: {e:#}", scenario.name));
                cases += 1;
            }
        }
    }
    kedge_tests::figure!("link: {cases} cases with one fault, 0 violations");
    assert!(cases > 500, "the sweep shrank to {cases} cases");
}

/// Three answers in a row are lost right after the download, which ends the session: the next one finds the package in flash.
#[test]
fn a_session_lost_after_the_download_does_not_cost_another_one() {
    let scenario = kedge::scenario::find("fota-client").expect("the scenario exists");
    let link = (4..7).map(|exchange| (exchange, Fault::ReplyLost)).collect();
    let trouble = Trouble { link, ..Trouble::default() };
    let facts = prepared(scenario).play::<8, SECTOR>(&trouble, &mut ()).expect("it ends as it should");
    assert!(facts.exchanges > 10, "there was only one session: {} exchanges", facts.exchanges);
    assert_eq!(facts.package_requests, 1);
}
