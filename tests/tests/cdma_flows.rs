//! The CDMA flows with the power cut in every flash operation, and what they cost on the air.
use kedge::handset::Watch;
use kedge::scenario::{Script, find};
use kedge::world::{Pair, Prepared, Trouble};
use kedge_agent::event::{Event, Events};
use kedge_platform_sim::nor::Cut;
use kedge_tests::pair::small_pair;
use std::time::Duration;

const SECTOR: usize = 512;
const SECTOR_OCTETS: u32 = 512;

fn prepared(name: &str) -> (&'static Script, Prepared) {
    let scenario = find(name).unwrap_or_else(|| panic!("no scenario {name}"));
    let (old, new) = small_pair();
    let prepared = Prepared::new(scenario, &Pair { old, new }, SECTOR_OCTETS, 1);
    (scenario, prepared.unwrap_or_else(|e| panic!("{name}: {e:#}")))
}

/// Before, inside and after every operation of the flow: it still ends as it should, and everything that is counted is counted
/// once.
#[test]
fn the_power_may_fail_in_every_operation() {
    for name in [
        "one-button",
        "one-button/more-blocks",
        "one-button/spc-locked",
        "star-code",
        "star-code/indication",
        "prl-update",
        "prl-update/legacy",
        "brew-url",
        "esn-change",
        "esn-change/cloned-storage",
    ] {
        let (scenario, prepared) = prepared(name);
        let clean = prepared.play::<8, SECTOR>(&Trouble::default(), &mut ());
        let operations = clean.unwrap_or_else(|e| panic!("{name}: {e:#}")).operations;
        let mut cases = 0;
        for at in 0..operations {
            for cut in [Cut::Before, Cut::Torn { seed: at }, Cut::After] {
                let trouble = Trouble { cuts: vec![(at, cut)], ..Trouble::default() };
                let played = prepared.play::<8, SECTOR>(&trouble, &mut ());
                played.unwrap_or_else(|e| panic!("{}: {cut:?} in operation {at}: {e:#}", scenario.name));
                cases += 1;
            }
        }
        kedge_tests::figure!("{name}: {cases} power cuts in {operations} flash operations, 0 violations");
        assert!(cases > 30, "{name}: the sweep shrank to {cases} cases");
    }
}

/// What goes over the air in one play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Air {
    /// Bodies of HTTP requests and answers.
    http: usize,
    exchanges: usize,
    /// IS-683 messages by themselves, both ways, however they travel.
    is683: usize,
    short_messages: usize,
}

impl Events for Air {
    fn event(&mut self, _: Duration, event: &Event<'_>) {
        match event {
            Event::Request { body, .. } => {
                self.http += body.len();
                self.exchanges += 1;
            }
            Event::Reply { body, .. } => self.http += body.len(),
            Event::Is683 { forward, reverse } => {
                self.is683 += forward.len() + reverse.map_or(0, <[u8]>::len);
            }
            Event::ShortMessage { octets, .. } => self.short_messages += octets.len(),
            _ => {}
        }
    }
}

impl Watch for Air {}

fn air(name: &str) -> Air {
    let mut air = Air::default();
    let played = prepared(name).1.play::<8, SECTOR>(&Trouble::default(), &mut air);
    played.unwrap_or_else(|e| panic!("{name}: {e:#}"));
    air
}

/// The same activation in binary documents, in text, and as the messages alone: what the documents add is known.
#[test]
fn octets_on_the_air() {
    let names = [
        "one-button",
        "one-button/xml",
        "one-button/multipart",
        "star-code",
        "prl-update",
        "brew-url",
        "brew-url/xml",
        "esn-change",
    ];
    for name in names {
        let Air { http, exchanges, is683, short_messages } = air(name);
        kedge_tests::figure!(
            "{name}: {http} octets of HTTP bodies in {exchanges} exchanges, {is683} of IS-683 messages, \
             {short_messages} of short messages"
        );
    }
    let (binary, text) = (air("one-button"), air("one-button/xml"));
    assert_eq!((binary.is683, binary.exchanges), (text.is683, text.exchanges), "the same messages");
    assert!(binary.is683 < binary.http && binary.http < text.http, "{binary:?} {text:?}");
    // The list comes by data bursts alone: no document at all.
    let legacy = air("prl-update/legacy");
    assert_eq!((legacy.http, legacy.exchanges), (0, 0));
    assert_eq!(legacy.is683, air("prl-update").is683, "the same messages by either bearer");
}

/// What was programmed, by which session, is still known afterwards.
#[test]
fn the_handset_remembers_who_programmed_it() {
    let history = |name: &str| {
        let played = prepared(name).1.play::<8, SECTOR>(&Trouble::default(), &mut ());
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
