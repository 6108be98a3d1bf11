//! What the operator takes away when nobody comes: sessions that wait for a device, and sessions that do not go on.

mod support;

use core::time::Duration;
use kedge_network::{ACTIVATION_URL, Config, ErrandState, QUEUED, Rule, Task};
use support::{Device, ESN, Value, contains, profile};

const SECOND: Duration = Duration::from_secs(1);
/// A device gives its session up after this time, and the operator with it (profile B6.6).
const PATIENCE: Duration = Duration::from_secs(900);
const ERRAND_URL: &str = "http://boot.operator.example/setting/1";

/// A device that the network has called for a setting, for the first time at 0.
fn called() -> Device {
    let mut device = Device::new(Config::default(), profile(ESN));
    let task = Task::BrewUrl("http://brew.operator.example/new".to_owned());
    assert_eq!(device.operator.send_for(ESN, task), 1);
    assert!(!device.operator.messages(Duration::ZERO, ESN).is_empty());
    device
}

#[test]
fn a_waiting_session_is_there_until_its_time_is_over() {
    let mut device = called();
    device.now = QUEUED.saturating_sub(SECOND);
    assert!(!device.operator.messages(device.now, ESN).is_empty(), "called again");
    assert_eq!(device.get(ERRAND_URL, "push").status, 200);
    device.answer(&[(0, Value::None), (0, Value::None)]);
    device.assert_clean();
    assert_eq!(device.operator.errand(1).unwrap().state, ErrandState::Done);
}

#[test]
fn who_comes_too_late_gets_nothing_and_is_not_called_again() {
    let mut device = called();
    device.now = QUEUED;
    let late = device.get(ERRAND_URL, "push");
    assert_eq!((late.status, late.body.len()), (410, 0));
    assert!(device.operator.messages(device.now, ESN).is_empty());
    let errand = device.operator.errand(1).unwrap();
    assert!(errand.is_expired(device.now));
    assert_eq!((errand.state, errand.pages, errand.completions), (ErrandState::Waiting, 1, 0));
    // It is nobody's fault.
    device.assert_clean();
}

#[test]
fn a_roaming_list_does_not_go_by_the_legacy_bearer_when_its_time_is_over() {
    let mut device = Device::new(Config { lost_pages: 3, ..Config::default() }, profile(ESN));
    device.operator.send_for(ESN, Task::RoamingList(support::hex(support::PRL)));
    for _ in 0..4 {
        device.operator.messages(Duration::ZERO, ESN);
    }
    assert!(device.operator.errand(1).unwrap().legacy);
    let mut in_time = device.operator.clone();
    assert!(in_time.burst(QUEUED, ESN).is_some());
    assert!(device.operator.burst(QUEUED + SECOND, ESN).is_none());
}

/// What may be committed is no longer taken away: the device's answer was lost, and the network has to learn of it.
#[test]
fn a_session_whose_commit_is_out_does_not_expire() {
    let mut device = called();
    device.get(ERRAND_URL, "push");
    assert_eq!(device.operator.errand(1).unwrap().state, ErrandState::CommitSent);
    device.now = 2 * QUEUED;
    assert_eq!(device.get(ERRAND_URL, "push").status, 200);
}

#[test]
fn the_call_of_a_customer_who_has_dialled_ends_too() {
    let mut device = Device::new(Config::default(), profile(ESN));
    device.operator.dial(Duration::ZERO, ESN, "*228").unwrap();
    device.operator.heard(Duration::ZERO, Some(&support::hex("0601022a05000202010203030104010160")));
    assert!(!device.operator.messages(QUEUED, ESN).is_empty());
    assert!(device.operator.messages(QUEUED + SECOND, ESN).is_empty());
}

#[test]
fn an_answer_after_the_session_timeout_is_refused() {
    let mut device = Device::new(Config::default(), profile(ESN));
    device.get(ACTIVATION_URL, "user");
    let begun = device.now;
    device.now = (begun + PATIENCE).saturating_sub(SECOND);
    assert!(contains(&device.reverse("01010000"), support::PRL_DOWNLOAD), "in time");
    device.now = begun + PATIENCE;
    assert_eq!(device.reverse("080000000012").status, 410);
    let rules: Vec<Rule> = device.operator.violations().iter().map(|fault| fault.rule).collect();
    assert_eq!(rules, [Rule::Session]);
}
