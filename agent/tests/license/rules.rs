//! What the cache keeps and what it does not, without power cuts.

use std::time::Duration;

use kedge_agent::license::{Boot, LicenseError, Now, Verdict};
use kedge_protocol::license::limits::STORAGE_GRACE;
use kedge_protocol::license::verdict::{Denial, Grace};
use kedge_protocol::license::{Code, Level, License, Op, Reason, Serial, State};

use super::bench::{Bench, DAY, Order, START, at, configuration};

const LEVELS: [Level; 3] = [Level::Identity, Level::Key, Level::Counter];

fn activated(level: Level) -> Bench<4> {
    let mut bench = Bench::new(level);
    assert_eq!(bench.start(Some(START)), Ok(Boot::Nothing));
    assert_eq!(bench.licensing().refresh_due(at(START, 0)), Some(Op::ACTIVATE));
    assert_eq!(bench.contact(&Order::trial(1, START), at(START, 5)), Ok(State::Trial));
    bench
}

#[test]
fn a_license_survives_a_start() {
    for level in LEVELS {
        let mut bench = activated(level);
        assert_eq!(bench.verdict(at(START, 10)), Verdict::Allowed);
        assert_eq!(bench.licensing().features(at(START, 10)), 0b10);
        assert_eq!(bench.start(Some(START + DAY + 1)), Ok(Boot::Whole));
        assert_eq!(bench.verdict(at(START + DAY + 1, 0)), Verdict::RefreshDue);
        assert_eq!(bench.start(Some(START + 14 * DAY)), Ok(Boot::Whole));
        assert_eq!(bench.verdict(at(START + 14 * DAY, 0)), Verdict::Denied(Denial::Expired));
        assert_eq!(bench.licensing().features(at(START + 14 * DAY, 0)), 0);
        assert_eq!(
            bench.contact(&Order::full(2, START + 14 * DAY), at(START + 14 * DAY, 5)),
            Ok(State::Full)
        );
        assert_eq!(bench.verdict(at(START + 9999 * DAY, 5)), Verdict::Allowed);
        assert_eq!(bench.applied.0, configuration(2));
    }
}

#[test]
fn budgets_are_counted_over_starts() {
    let mut bench = activated(Level::Key);
    for start in 0..279 {
        assert!(bench.verdict(Now { uptime: Duration::ZERO, rtc: None }).permits(), "start {start}");
        bench.start(None).expect("starts");
    }
    bench.start(None).expect("starts");
    assert_eq!(bench.verdict(Now::default()), Verdict::Denied(Denial::Budget));
    let mut bench = activated(Level::Key);
    for hour in 0..14 * 24 {
        let now = Now { uptime: Duration::from_secs(hour * 3600), rtc: None };
        assert!(bench.verdict(now).permits(), "hour {hour}");
        bench.tick(now).expect("kept");
    }
    let now = Now { uptime: Duration::from_secs(14 * DAY + 5), rtc: None };
    assert_eq!(bench.verdict(now), Verdict::Denied(Denial::Budget));
    // without a last save at most six hours are gained
    bench.start(None).expect("starts");
    let now = Now { uptime: Duration::from_secs(6 * 3600 + 5), rtc: None };
    assert_eq!(bench.verdict(now), Verdict::Denied(Denial::Budget));
}

#[test]
fn the_report_is_due_until_it_is_delivered_once() {
    let mut bench = activated(Level::Key);
    let report = bench.licensing().report().expect("due");
    assert_eq!((report.result, report.serial), (0, Serial::new(1, 1)));
    bench.start(Some(START)).expect("starts");
    assert_eq!(bench.licensing().report(), Some(report), "over a start too");
    bench.reported().expect("kept");
    assert_eq!(bench.licensing().report(), None);
    bench.start(Some(START)).expect("starts");
    assert_eq!(bench.licensing().report(), None);
}

#[test]
fn a_refused_document_changes_nothing() {
    let mut bench = activated(Level::Key);
    let before = bench.flash().dump();
    let cases = [
        (Order::trial(1, START), Code::Replayed),
        (Order { expires: Some(START), ..Order::trial(2, START) }, Code::BadTime),
        (Order { issued_at: 1, ..Order::full(2, START) }, Code::BadTime),
    ];
    for (order, code) in cases {
        match bench.contact(&order, at(START, 20)) {
            Err(LicenseError::Refused(refusal)) => assert_eq!(refusal.code, code),
            other => panic!("{other:?}"),
        }
    }
    let document = bench.document(&Order::full(2, START), [9; 16]);
    let nonces = bench.install(&document, [8; 16], at(START, 20));
    assert!(matches!(nonces, Err(LicenseError::Refused(refusal)) if refusal.code == Code::StaleNonce));
    assert_eq!(bench.flash().dump(), before, "not one bit of flash");
    assert_eq!(bench.verdict(at(START, 30)), Verdict::Allowed);
}

#[test]
fn a_nonce_is_good_for_half_an_hour_and_one_start() {
    let mut bench = activated(Level::Key);
    let document = bench.document(&Order::full(2, START), [9; 16]);
    // asked at 10 s, used too late: `install` asks anew, so the old nonce must be asked for by hand
    bench.licensing.as_mut().expect("started").restore_nonce([9; 16], at(START, 10));
    let late = at(START, 10 + 1800);
    let reading = bench.licensing().reading(late);
    assert_eq!(reading.doubt, None);
    let refused = bench.install_unasked(&document, late);
    assert!(matches!(refused, Err(LicenseError::Refused(refusal)) if refusal.code == Code::StaleNonce));
    bench.start(Some(START)).expect("starts");
    let refused = bench.install_unasked(&document, at(START, 1));
    assert!(matches!(refused, Err(LicenseError::Refused(refusal)) if refusal.code == Code::StaleNonce));
    assert_eq!(bench.install(&document, [9; 16], at(START, 20)), Ok(State::Full));
}

#[test]
fn storage_of_another_device_is_unknown_and_kept() {
    for level in LEVELS {
        let mut bench = activated(level);
        let documents = bench.flash().dump()[..2 * 4096].to_vec();
        bench.become_another();
        assert_eq!(bench.start(Some(START)), Ok(Boot::Foreign));
        assert_eq!(bench.verdict(at(START, 0)), Verdict::Denied(Denial::Unknown));
        assert_eq!(bench.licensing().refresh_due(at(START, 0)), Some(Op::ACTIVATE));
        assert_eq!(bench.licensing().report(), None);
        assert_eq!(bench.flash().dump()[..2 * 4096], documents, "for diagnosis");
        let seq = bench.licensing().floor().seq + 1;
        assert_eq!(bench.contact(&Order::full(seq, START), at(START, 5)), Ok(State::Full));
    }
}

#[test]
fn an_older_image_of_the_same_device_is_noticed_with_a_counter_only() {
    for level in LEVELS {
        let mut bench = activated(level);
        let image = bench.flash().dump();
        let refund =
            License { state: State::Unknown, reason: Some(Reason::REFUND), ..Order::full(3, START).license };
        bench.contact(&Order::full(2, START), at(START, 10)).expect("paid");
        bench
            .contact(&Order { license: refund, ..Order::full(3, START + 60) }, at(START, 60))
            .expect("refunded");
        assert_eq!(bench.verdict(at(START, 61)), Verdict::Denied(Denial::Unknown));
        bench.load(&image);
        bench.start(Some(START + 100)).expect("starts");
        if level == Level::Counter {
            // the old journal does not count: only its document is left, below nothing
            assert_eq!(bench.licensing().boots(), 1);
        } else {
            assert!(bench.licensing().boots() > 1);
            assert!(bench.verdict(at(START + 100, 0)).permits(), "L1, L2: until the server sees it");
        }
    }
}

#[test]
fn factory_reset_keeps_floor_boots_and_time() {
    for level in LEVELS {
        let mut bench = activated(level);
        bench.contact(&Order::full(7, START + DAY), at(START, DAY)).expect("paid");
        let boots = bench.licensing().boots();
        bench.factory_reset(at(START, DAY + 5)).expect("kept");
        for _ in 0..2 {
            assert_eq!(bench.verdict(at(START, DAY + 5)), Verdict::Denied(Denial::Unknown));
            assert_eq!(bench.licensing().floor(), Serial::new(1, 7));
            assert!(bench.licensing().reading(Now::default()).now >= START + DAY);
            bench.start(None).expect("starts");
            assert!(bench.licensing().boots() > boots);
        }
        // the old document does not come back, a newer one does
        let old = bench.contact(&Order::full(7, START + DAY), at(START + DAY, 5));
        assert!(matches!(old, Err(LicenseError::Refused(refusal)) if refusal.code == Code::Replayed));
        assert_eq!(bench.contact(&Order::full(8, START + DAY), at(START + DAY, 5)), Ok(State::Full));
    }
}

#[test]
fn an_older_document_stands_in_for_a_damaged_one_for_72_hours_once() {
    let mut bench = activated(Level::Key);
    bench.contact(&Order::full(2, START), at(START, 10)).expect("paid");
    bench.reported().expect("kept");
    let mut image = bench.flash().dump();
    image[4096 + 100] ^= 0x10;
    bench.load(&image);
    let allowance = u64::from(STORAGE_GRACE);
    let mut on = 0;
    // over several starts, six hours saved each time
    for _ in 0..12 {
        assert_eq!(bench.start(Some(START)), Ok(Boot::StandIn));
        assert_eq!(bench.applied.0, configuration(1), "the older configuration is used");
        let now = |uptime| at(START, uptime);
        assert_eq!(bench.verdict(now(0)), Verdict::Grace(Grace::Storage));
        assert_eq!(bench.licensing().refresh_due(now(0)), Some(Op::REFRESH));
        bench.tick(now(6 * 3600)).expect("kept");
        on += 6 * 3600;
    }
    assert!(on >= allowance);
    assert_eq!(bench.start(Some(START)), Ok(Boot::StandIn));
    assert_eq!(bench.verdict(at(START, 0)), Verdict::Denied(Denial::Unknown), "the allowance is used up");
    assert_eq!(bench.contact(&Order::full(3, START), at(START, 10)), Ok(State::Full));
    assert_eq!(bench.verdict(at(START, 11)), Verdict::Allowed, "one contact repairs it");
    assert_eq!(bench.start(Some(START)), Ok(Boot::Whole));
}

#[test]
fn a_flipped_bit_anywhere_grants_nothing() {
    let mut bench = activated(Level::Key);
    bench.reported().expect("kept");
    let image = bench.flash().dump();
    for bit in (0..4 * 4096 * 8).filter(|bit| image[bit / 8] != 0xFF || bit % 97 == 0) {
        let mut damaged = image.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let mut device = Bench::<4>::new(Level::Key);
        device.load(&damaged);
        device.start(Some(START + 100)).expect("starts");
        let terms = device.licensing().terms();
        let same = terms.features == 0b10 && terms.expires == Some(START + 14 * DAY);
        assert!(terms.state == State::Unknown || same, "bit {bit}");
    }
}
