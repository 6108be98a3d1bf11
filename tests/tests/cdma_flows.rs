//! The CDMA flows with the power cut in every flash operation, the link in every exchange, every message of the radio lost; and
//! what they cost on the air.
use kedge::command::{Exit, Surroundings, run};
use kedge::handset::{Fading, Lost};
use kedge::player::Player;
use kedge::scenario::find;
use kedge::traffic::Traffic;
use kedge::world::{Facts, Pair, Prepared, Trouble};
use kedge_platform_sim::bearer::Fault;
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

/// The CDMA flows with their variants, and the update by IOTA.
const FLOWS: [&str; 15] = [
    "one-button",
    "one-button/more-blocks",
    "one-button/spc-locked",
    "one-button/a-key",
    "one-button/second-number",
    "star-code",
    "star-code/indication",
    "prl-update",
    "prl-update/spasm",
    "prl-update/legacy",
    "prl-update/otapa-off",
    "brew-url",
    "esn-change",
    "esn-change/cloned-storage",
    "fota-client",
];

/// Before, inside and after every operation of the flow: it still ends as it should, and everything that is counted is counted
/// once.
#[test]
fn the_power_may_fail_in_every_operation() {
    // The update has a sweep of its own, over more than its first power session.
    for name in FLOWS.into_iter().filter(|name| *name != "fota-client") {
        let prepared = prepared(name);
        let operations = clean(name, &prepared).operations;
        let mut cases = 0;
        for at in 0..operations {
            for cut in [Cut::Before, Cut::Torn { seed: at }, Cut::After] {
                let trouble = Trouble { cuts: vec![(at, cut)], ..Trouble::default() };
                let played = prepared.play::<8, SECTOR>(&trouble, &mut ());
                played.unwrap_or_else(|e| panic!("{name}: {cut:?} in operation {at}: {e:#}"));
                cases += 1;
            }
        }
        kedge_tests::figure!("{name}: {cases} power cuts in {operations} flash operations, 0 violations");
        assert!(cases > 30 || name == "prl-update/otapa-off", "{name}: the sweep shrank to {cases} cases");
    }
}

/// Every exchange without connection, without its request, without its answer, with a part of its answer.
#[test]
fn the_link_may_fail_in_every_exchange() {
    for name in FLOWS {
        let prepared = prepared(name);
        let exchanges = clean(name, &prepared).exchanges;
        let mut cases = 0;
        for at in 0..exchanges {
            for fault in
                [Fault::NoConnection, Fault::RequestLost, Fault::ReplyLost, Fault::ReplyTruncated(20)]
            {
                let trouble = Trouble { link: vec![(at, fault)], ..Trouble::default() };
                let played = prepared.play::<8, SECTOR>(&trouble, &mut ());
                played.unwrap_or_else(|e| panic!("{name}: {fault:?} at exchange {at}: {e:#}"));
                cases += 1;
            }
        }
        kedge_tests::figure!("{name}: {cases} link faults in {exchanges} exchanges, 0 violations");
        assert!(cases > 0 || name == "prl-update/legacy", "{name}: nothing was exchanged");
    }
}

/// Every short message lost, every message of a call and every data burst, and every answer to one, which comes twice then.
#[test]
fn every_message_of_the_radio_may_be_lost() {
    let mut cases = 0;
    // Without a welcome text: nobody sends that again.
    for name in
        ["star-code/no-welcome", "star-code/indication", "prl-update", "prl-update/legacy", "brew-url"]
    {
        let prepared = prepared(name);
        let Fading { short_messages, exchanges, .. } = clean(name, &prepared).fading;
        let short_messages = (0..short_messages).map(Lost::ShortMessage);
        let bursts = (0..exchanges).flat_map(|at| [Lost::Forward(at), Lost::Reverse(at)]);
        let mut lost_here = 0;
        for lost in short_messages.chain(bursts) {
            let trouble = Trouble { radio: vec![lost], ..Trouble::default() };
            let played = prepared.play::<8, SECTOR>(&trouble, &mut ());
            played.unwrap_or_else(|e| panic!("{name}: {lost:?}: {e:#}"));
            lost_here += 1;
        }
        kedge_tests::figure!("{name}: {lost_here} messages of the radio lost, 0 violations");
        assert!(lost_here > 0, "{name}: the radio is silent");
        cases += lost_here;
    }
    assert!(cases > 20, "only {cases} messages were lost");
}

fn clean(name: &str, prepared: &Prepared) -> Facts {
    let played = prepared.play::<8, SECTOR>(&Trouble::default(), &mut ());
    played.unwrap_or_else(|e| panic!("{name}: {e:#}"))
}

/// What goes over the air in one play.
fn air(name: &str) -> Traffic {
    let mut air = Traffic::default();
    let played = prepared(name).play::<8, SECTOR>(&Trouble::default(), &mut air);
    played.unwrap_or_else(|e| panic!("{name}: {e:#}"));
    air
}

/// Each flow in binary documents, in text, and as the messages alone, as `kedge air` tells it: what the documents add is known.
#[test]
fn octets_on_the_air() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut surroundings = Surroundings { out: &mut out, err: &mut err, term: None, colour: false };
    let exit = run(["kedge", "air"].map(Into::into), &Player, &mut surroundings);
    assert_eq!((exit, String::from_utf8_lossy(&err).as_ref()), (Exit::Passed, ""));
    let table = String::from_utf8(out).expect("text");
    kedge_tests::figure!("{table}");
    let mut rows = 0;
    for row in table.lines().skip(2) {
        let cells = row.split('|').filter_map(|cell| cell.trim().parse::<u64>().ok()).collect::<Vec<_>>();
        let [exchanges, binary, text, is683, _] = cells[..] else { panic!("{row}") };
        assert!(exchanges > 0 && is683 < binary && binary < text, "{row}");
        rows += 1;
    }
    assert_eq!(rows, 5, "{table}");
    // The list comes by data bursts alone: no document at all.
    let legacy = air("prl-update/legacy");
    assert_eq!((legacy.bodies, legacy.exchanges), (0, 0));
    assert_eq!(legacy.is683, air("prl-update").is683, "the same messages by either bearer");
}

/// What was programmed, by which session, is still known afterwards.
#[test]
fn the_handset_remembers_who_programmed_it() {
    let history = |name: &str| {
        let played = prepared(name).play::<8, SECTOR>(&Trouble::default(), &mut ());
        played.unwrap_or_else(|e| panic!("{name}: {e:#}")).history
    };
    let told = |history: &[String], at: usize, session: &str, what: &str| {
        let line = &history[at];
        assert!(line.starts_with(&format!("{}: {session}", at + 1)) && line.contains(what), "{history:?}");
    };
    let lines = history("one-button/more-blocks");
    told(
        &lines,
        0,
        "activation, begun by the user",
        "NAM block 0 NAM block 1 3GPD block 0 3GPD block 1 PUZL block 0",
    );
    let lines = history("star-code");
    told(&lines, 0, "push that the user waited for, begun by the user", "NAM block 0 NAM block 1 PRL ");
    for (name, session) in [("prl-update", "push"), ("prl-update/legacy", "legacy bearer")] {
        let lines = history(name);
        assert_eq!(lines.len(), 2, "{lines:?}");
        told(&lines, 0, "activation, begun by the user", "NAM block 0");
        told(&lines, 1, &format!("{session}, begun by the network: PRL "), "PRL");
    }
}
