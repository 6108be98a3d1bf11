//! The license flows: over real HTTP, with every message lost, and with the power cut in every flash operation.

use kedge::feed::{Feed, Lane, Observer};
use kedge::license::flows::{FLOWS, Flow, find};
use kedge::license::play::{once, play};
use kedge::license::stage::Trouble;
use kedge::play::{Options, PowerCut};
use kedge::screen::Screen;
use kedge_platform_sim::bearer::Fault;

struct Nobody;

impl Observer for Nobody {
    fn feed(&mut self, _: &Feed) {}
}

fn options(power_cut: Option<PowerCut>) -> Options {
    Options { flows: Vec::new(), seed: 1, pair: None, power_cut }
}

/// What a flow shows in process, without trouble.
fn shown(name: &str, seed: u64) -> Vec<Feed> {
    let mut feed: Vec<Feed> = Vec::new();
    let mut screen = Screen::new(name, &mut feed);
    once(flow(name), &Trouble::default(), seed, &mut screen).unwrap();
    drop(screen);
    feed
}

fn flow(name: &str) -> &'static Flow {
    find(name).unwrap_or_else(|| panic!("no flow {name}"))
}

#[test]
fn every_flow_ends_as_it_says() {
    for flow in FLOWS.iter().filter(|flow| flow.cuts().is_none()) {
        let mut feed: Vec<Feed> = Vec::new();
        let verdict = play(flow, &options(None), &mut feed);
        assert!(verdict.passed, "{}: {:?}", flow.name, verdict.reason);
        let arrows = feed.iter().filter(|item| matches!(item, Feed::Arrow(_))).count();
        assert!(arrows > 3, "{}: {arrows} arrows", flow.name);
    }
}

#[test]
fn the_same_seed_gives_the_same_feed() {
    assert_eq!(shown("license-purchase", 7), shown("license-purchase", 7));
}

#[test]
fn messages_are_drawn_with_what_is_in_them() {
    let feed = shown("license-trial", 1);
    let arrows: Vec<_> = feed
        .iter()
        .filter_map(|item| if let Feed::Arrow(arrow) = item { Some(arrow) } else { None })
        .collect();
    let request = arrows.iter().find(|arrow| arrow.text == "asks the server: activate").unwrap();
    assert_eq!(
        (request.from, request.to, request.title.as_str()),
        (Lane::Handset, Lane::Network, "GET /v1/entry")
    );
    let signed =
        arrows.iter().find(|arrow| arrow.text.starts_with("signs a license: trial, serial 1.1")).unwrap();
    assert!(
        signed.decoded.contains("claim 256 ueid") && signed.hex.starts_with("d284"),
        "{}",
        signed.decoded
    );
    assert!(arrows.iter().any(|arrow| arrow.text == "reports that the document is installed"));
}

/// Flows whose end counts the server's answers, or that change them, are not played with a link that loses them.
fn is_repeatable(flow: &Flow) -> bool {
    flow.cuts().is_none() && !["license-clone", "license-forged", "license-abuse"].contains(&flow.flow())
}

#[test]
fn every_message_may_be_lost() {
    let mut cases = 0;
    for flow in FLOWS.iter().filter(|flow| is_repeatable(flow) && flow.name != "license-purchase/declined") {
        let exchanges = once(flow, &Trouble::default(), 1, &mut ()).unwrap().exchanges;
        assert!(exchanges > 2, "{}: {exchanges} exchanges", flow.name);
        for number in 0..exchanges {
            for fault in [Fault::NoConnection, Fault::RequestLost, Fault::ReplyLost, Fault::ReplyTruncated(9)]
            {
                let trouble = Trouble { link: vec![(number, fault)], ..Trouble::default() };
                if let Err(error) = once(flow, &trouble, 1, &mut ()) {
                    panic!("{}, {fault:?} in exchange {number}: {error:#}", flow.name);
                }
                cases += 1;
            }
        }
    }
    println!("{cases} lost messages, each flow to its end");
    assert!(cases > 100);
}

#[test]
fn the_power_may_fail_everywhere() {
    let mut observer: Vec<Feed> = Vec::new();
    let verdict = play(flow("license-powercut"), &options(None), &mut observer);
    assert!(verdict.passed, "{:?}", verdict.reason);
    let told = observer
        .iter()
        .rev()
        .find_map(|item| if let Feed::Log { text, .. } = item { Some(text) } else { None });
    println!("{}", told.unwrap());
    for name in
        ["license-reinstall", "license-transfer", "license-offline", "my-account", "license-trial/browser"]
    {
        // `kedge simulate NAME --power-cut every` plays all of them
        let verdict = play(flow(name), &options(Some(PowerCut::Random(80))), &mut Nobody);
        assert!(verdict.passed, "{name}: {:?}", verdict.reason);
    }
}
