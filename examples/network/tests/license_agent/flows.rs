//! Trial, purchase, reports, servers that are down, and power cuts.

use std::time::Duration;

use kedge_agent::license::{Boot, Verdict};
use kedge_agent::runner::{Pause, run};
use kedge_agent::trigger::{Accepted, Kind, Trigger};
use kedge_platform::clock::Clock as _;
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::radio::Event as Air;
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::verdict::Denial;
use kedge_protocol::license::{Op, State};

use super::handset::{DAY, Handset, Log, Net, POLL, go};

#[test]
fn a_device_gets_its_trial_by_itself_and_then_buys() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Trial)));
    let Log { lines, outcomes } = core::mem::take(&mut handset.log);
    assert_eq!(lines[0], format!("Found({:?})", Boot::Nothing));
    assert!(lines.iter().any(|line| line.starts_with("Elsewhere")), "the user signed up: {lines:?}");
    assert_eq!(outcomes, [Outcome::Installed { state: State::Trial, reported: true }]);
    assert_eq!(net.server.borrow().reports(), (vec![1], 1));
    let calls: Vec<_> =
        handset.ports.radio.events().iter().map(|air| matches!(air, Air::Opened(_))).collect();
    assert_eq!(calls, [true, false], "one call, opened and closed");

    // the refresh date comes; nobody touches the device
    let reached = handset.start(|agent, ports, log| {
        for _ in 0..200 {
            let Some(until) = go(agent, ports, log)? else { return Some(agent.verdict(Duration::MAX)) };
            ports.clock.sleep_until(until);
            if net.clock.uptime() > 15 * DAY {
                break;
            }
        }
        go(agent, ports, log)?;
        Some(agent.verdict(ports.clock.uptime()))
    });
    assert_eq!(reached, Some(Some(Some(Verdict::Allowed))), "paid when the trial was over");
    let last = handset.log.outcomes.last().copied();
    assert_eq!(last, Some(Outcome::Installed { state: State::Full, reported: true }));
    assert!(handset.log.outcomes.len() < 24 * 15, "not more often than once an hour");
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Full)), "after a restart too");
}

#[test]
fn a_report_that_was_lost_is_delivered_later_and_once() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    net.down.borrow_mut().1 = true;
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Trial)));
    assert_eq!(net.server.borrow().reports(), (vec![], 1));
    assert!(
        handset.start(|agent, _, _| agent.license_status(Duration::ZERO).is_some_and(|s| s.report_due))
            == Some(true)
    );
    net.down.borrow_mut().1 = false;
    handset.live().expect("power");
    assert_eq!(net.server.borrow().reports(), (vec![1], 1));
    handset.live().expect("power");
    assert_eq!(net.count("/ack"), 2, "one that was lost, one that was not");
}

#[test]
fn a_server_that_is_down_is_not_flooded_and_takes_nothing_away() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    net.down.borrow_mut().0 = true;
    let asked = handset.start(|agent, ports, log| {
        for _ in 0..200 {
            let until = go(agent, ports, log)??;
            ports.clock.sleep_until(until);
            if net.clock.uptime() > 2 * DAY {
                break;
            }
        }
        Some(net.asked.borrow().len())
    });
    let asked = asked.flatten().expect("power");
    assert!((10..=48).contains(&asked), "{asked} requests in two days");
    net.down.borrow_mut().0 = false;
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Trial)));
    net.down.borrow_mut().0 = true;
    let still = handset.start(|agent, ports, log| {
        assert!(agent.license_request(ports.clock.uptime(), Op::MY_ACCOUNT));
        assert!(!agent.license_request(ports.clock.uptime(), Op::MY_ACCOUNT), "once in two seconds");
        go(agent, ports, log)?;
        agent.verdict(ports.clock.uptime())
    });
    assert_eq!(still, Some(Some(Verdict::Allowed)));
    assert!(matches!(handset.log.outcomes.last(), Some(Outcome::Http { status: 503, .. })));
}

#[test]
fn who_does_not_pay_is_denied_and_may_pay_later() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    handset.live().expect("power");
    handset.ports.ui.pays = false;
    net.clock.advance(15 * DAY);
    assert_eq!(handset.live(), Some((Verdict::Denied(Denial::Expired), State::Trial)));
    assert_eq!(handset.log.outcomes.last(), Some(&Outcome::TimedOut));
    handset.ports.ui.pays = true;
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Full)));
}

/// While the user takes his time elsewhere, the device does what else is wanted, and then asks again.
#[test]
fn a_license_that_waits_for_its_user_holds_up_nothing() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    handset.ports.ui.idle = true;
    let live = handset.start(|agent, ports, log| {
        let shown = run(agent, ports, log).ok()?;
        let Pause::Idle(Some(poll)) = shown else { panic!("it waits for the user: {shown:?}") };
        assert!(poll <= ports.clock.uptime() + POLL);
        let trigger = Trigger::new(Kind::Push, "http://iota.example.com/push").expect("short");
        assert_eq!(agent.trigger(&mut ports.context(log), trigger), Accepted::Queued);
        assert_eq!(net.count("iota.example.com"), 0);
        run(agent, ports, log).ok()?;
        assert!(net.count("iota.example.com") > 0, "the push's session is held");
        Some(())
    });
    assert_eq!(live, Some(Some(())));
    assert_eq!(handset.log.outcomes, [Outcome::Aborted]);
    handset.ports.ui.idle = false;
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Trial)));
}

/// The power is cut in flash operation after flash operation of the first start, at several places inside each: the device
/// always ends with one trial, reported once.
/// Requests for a license that came while the device was on for three days.
fn asked_in_three_days(net: &Net, handset: &mut Handset) -> usize {
    let before = net.count("/entry?");
    let on = handset.start(|agent, ports, log| {
        let end = net.clock.uptime() + 3 * DAY;
        while net.clock.uptime() < end {
            let until = go(agent, ports, log)?.unwrap_or(end);
            ports.clock.sleep_until(until.min(end));
        }
        Some(())
    });
    assert_eq!(on, Some(Some(())), "power");
    net.count("/entry?") - before
}

#[test]
fn a_clock_that_stays_wrong_is_worth_one_contact_a_day() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    handset.live().expect("power");
    let month = 30 * 86_400;
    // set back, so far ahead that it is not believed, and right again
    for (wrong, expected) in [(-month, 3..=4), (14 * month, 3..=4), (0, 0..=0)] {
        net.wrong.set(wrong);
        let asked = asked_in_three_days(&net, &mut handset);
        assert!(expected.contains(&asked), "{wrong} s: {asked} requests");
    }
}

#[test]
fn what_was_given_back_is_not_asked_for_again() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Trial)));
    let wants = |handset: &mut Handset, op| {
        handset.start(|agent, ports, log| {
            assert!(agent.license_request(ports.clock.uptime(), op));
            go(agent, ports, log)?;
            let status = agent.license_status(ports.clock.uptime())?;
            Some((status.terms.state, status.due, status.report_due))
        })?
    };
    assert_eq!(wants(&mut handset, Op::RELEASE), Some((State::Unknown, None, false)));
    assert_eq!(asked_in_three_days(&net, &mut handset), 0, "nor after a start");
    assert_eq!(wants(&mut handset, Op::ACTIVATE), Some((State::Trial, None, false)), "the user may");
}

#[test]
fn the_power_may_fail_anywhere() {
    let clean = {
        let mut handset = Handset::new(&Net::new(), 2);
        handset.live().expect("power");
        handset.ports.flash.work().operations()
    };
    let mut cases = 0;
    for at in 0..clean {
        let cuts = [Cut::Before, Cut::After, Cut::Torn { seed: at }, Cut::TornAt { octet: 5, seed: at }];
        for cut in cuts {
            let net = Net::new();
            let mut handset = Handset::new(&net, 2);
            handset.ports.flash.cut_at(at, cut);
            let ended = (0..4).find_map(|_| handset.live());
            assert_eq!(ended, Some((Verdict::Allowed, State::Trial)), "{at} {cut:?}");
            // what was left to report is reported by the next start at the latest
            handset.live().expect("power");
            let server = net.server.borrow();
            let (reported, issued) = server.reports();
            assert!(
                !reported.is_empty() && reported.len() <= issued,
                "{at} {cut:?}: {reported:?} of {issued}"
            );
            assert!(handset.ports.flash.misuses().is_empty(), "{:?}", handset.ports.flash.misuses());
            cases += 1;
        }
    }
    println!("{cases} cases with the power cut, 0 violations");
    assert!(cases > 100, "{cases}");
}
