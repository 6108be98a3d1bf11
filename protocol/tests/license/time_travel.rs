//! Every row of section 7.2, in virtual time, with and without a contact afterwards.

use std::time::Duration;

use kedge_protocol::license::limits::DAY;
use kedge_protocol::license::time::{Doubt, Floors, Timekeeper};

use super::support::{BUILT, NOW};

const YEAR: u64 = 365 * DAY;

fn up(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A device that had a contact at `NOW`, a day ago, and saved its time since.
fn device() -> Timekeeper {
    let mut keeper = Timekeeper::new(Floors { auth: BUILT, soft: BUILT, refuted: false }, up(0));
    keeper.confirm(up(0), Some(NOW), NOW);
    let floors = keeper.save(up(DAY), Some(NOW + DAY));
    assert_eq!((floors.soft, floors.auth), (NOW + DAY, NOW));
    Timekeeper::new(floors, up(0))
}

#[test]
fn a_clock_in_order_is_the_time() {
    let keeper = device();
    let reading = keeper.read(up(10), Some(NOW + 2 * DAY));
    assert_eq!((reading.now, reading.doubt), (NOW + 2 * DAY, None));
    // five minutes are nothing to speak of, but nothing is gained by them either
    let reading = keeper.read(up(10), Some(NOW + DAY - 300));
    assert_eq!((reading.now, reading.doubt), (NOW + DAY + 10, None));
}

#[test]
fn a_clock_set_back_gains_nothing() {
    for back in [301, 30 * DAY, 10 * YEAR] {
        let mut keeper = device();
        let rtc = NOW + DAY - back;
        for hour in 0..48 {
            let reading = keeper.read(up(hour * 3600), Some(rtc + hour * 3600));
            assert_eq!(reading.now, NOW + DAY + hour * 3600, "time goes on with the uptime");
            let behind = rtc + hour * 3600 < NOW + DAY - 300;
            assert_eq!(reading.doubt == Some(Doubt::Behind), behind, "{back} {hour}");
        }
        // a restart gains nothing either
        let floors = keeper.save(up(48 * 3600), Some(rtc));
        let keeper = Timekeeper::new(floors, up(0));
        assert!(keeper.read(up(0), Some(rtc)).now >= NOW + 3 * DAY);
        // a contact tells the time, and the clock stays doubted until it is right
        let mut keeper = keeper;
        keeper.confirm(up(5), Some(rtc), NOW + 3 * DAY);
        assert_eq!(keeper.read(up(10), Some(rtc)).now, NOW + 3 * DAY + 5);
    }
}

#[test]
fn a_clock_set_back_while_off_and_right_again_is_not_seen() {
    let keeper = device();
    let reading = keeper.read(up(0), Some(NOW + 20 * DAY));
    assert_eq!((reading.now, reading.doubt), (NOW + 20 * DAY, None));
}

#[test]
fn a_clock_that_stood_in_2038_is_repaired_by_one_contact() {
    let future = NOW + 8 * YEAR;
    let mut keeper = device();
    let reading = keeper.read(up(60), Some(future));
    assert_eq!((reading.now, reading.doubt), (future, Some(Doubt::Ahead)), "evaluated");
    let floors = keeper.save(up(60), Some(future));
    assert_eq!(floors.soft, NOW + DAY + 60, "but not written down");
    // without a contact it is over as soon as the clock is right
    let reading = Timekeeper::new(floors, up(0)).read(up(0), Some(NOW + DAY + 100));
    assert_eq!((reading.now, reading.doubt), (NOW + DAY + 100, None));
    // with a contact it is over even while the clock is wrong
    let floors = keeper.confirm(up(100), Some(future), NOW + DAY + 100);
    assert!(floors.refuted);
    for (seconds, keeper) in [(200, keeper), (100, Timekeeper::new(floors, up(0)))] {
        let reading = keeper.read(up(seconds), Some(future + seconds));
        assert_eq!((reading.now, reading.doubt), (NOW + DAY + 200, Some(Doubt::Refuted)));
    }
    // and the clock is believed again when it is right
    let mut keeper = Timekeeper::new(floors, up(0));
    let floors = keeper.save(up(DAY), Some(NOW + 2 * DAY));
    assert!(!floors.refuted);
    assert_eq!(floors.soft, NOW + 2 * DAY + 100);
}

#[test]
fn a_clock_set_forward_by_less_is_believed_until_a_contact() {
    let future = NOW + YEAR;
    let mut keeper = device();
    let floors = keeper.save(up(60), Some(future));
    assert_eq!(floors.soft, future, "an attacker may have it so");
    let mut keeper = Timekeeper::new(floors, up(0));
    assert_eq!(keeper.read(up(0), Some(NOW + 2 * DAY)).now, future);
    keeper.confirm(up(10), Some(NOW + 2 * DAY), NOW + 2 * DAY);
    assert_eq!(
        keeper.read(up(20), Some(NOW + 2 * DAY + 10)).now,
        NOW + 2 * DAY + 10,
        "one contact repairs it"
    );
}

#[test]
fn no_clock_is_the_floor_and_the_uptime() {
    let mut keeper = device();
    let reading = keeper.read(up(3600), None);
    assert_eq!((reading.now, reading.doubt), (NOW + DAY + 3600, None));
    assert_eq!(keeper.save(up(3600), None).soft, NOW + DAY + 3600);
}

#[test]
fn the_signed_floor_never_goes_down() {
    let mut keeper = device();
    let mut before = 0;
    for issued in [NOW + 5, NOW - YEAR, NOW + 9, 0] {
        let floors = keeper.confirm(up(1), None, issued);
        assert!(floors.auth >= before);
        before = floors.auth;
        assert!(keeper.read(up(1), None).now >= before, "it bounds every time from below");
    }
    assert_eq!(before, NOW + 9);
}
