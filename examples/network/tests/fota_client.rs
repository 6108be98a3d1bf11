//! The operator's side of `fota-client`, played against hand-written octets.

mod support;

use kedge_network::{
    Config, Direction, FOTA_HOST, FOTA_URL, NoUpdate, Offer, REPOSITORY_HOST, RepositoryFault, Response,
    Rule, STATUS_HOST, TransactionState, package_url, state,
};
use support::{Device, ESN, Value, contains, profile, text};

fn offer() -> Offer {
    Offer {
        hardware: ESN,
        make: "Acme".to_owned(),
        model: "DevKit".to_owned(),
        from: "1.4.2".to_owned(),
        to: "1.5.0".to_owned(),
        package_url: package_url("p1"),
    }
}

fn device(config: Config) -> Device {
    let mut device = Device::new(config, profile(ESN));
    assert_eq!(device.operator.offer_update(offer()), Ok(1));
    device.operator.repository().offer("p1", (0..200).collect());
    device
}

/// Asks for an update and follows the redirection.
fn ask(device: &mut Device) -> Response {
    let redirect = device.get(FOTA_URL, "fota");
    assert_eq!(redirect.status, 302);
    let location = redirect.header("Location").unwrap().to_owned();
    assert!(location.starts_with(&format!("https://{FOTA_HOST}/transaction/")));
    device.get(&location, "fota")
}

const VERSION: &[(u16, Value<'_>)] = &[(0, Value::Text("Acme;DevKit;1.4.2"))];
const DONE: &[(u16, Value<'_>)] = &[(0, Value::None), (0, Value::None), (0, Value::None)];

/// From asking to the end of the first session.
fn deliver(device: &mut Device) {
    // read object="dev/mmv"
    assert!(contains(&ask(device), "86 0d 03 3100 0e 03 6465762f6d6d7600 01"));
    let orders = device.answer(VERSION);
    let order = text(&orders);
    assert!(order.contains("fota/package-url") && order.contains("fota/download"), "{order}");
    assert!(order.contains("repo.operator.example/packages/p1"), "{order}");
    let status = device.answer(DONE);
    assert!(text(&status).contains("status.operator.example/report/1"), "{}", text(&status));
    let end = device.answer(&DONE[..2]);
    assert!(contains(&end, "8d 0d 03 3100 01 01"), "disconnect without restart: {}", text(&end));
}

/// The final report; the device is what it says it is.
fn report(device: &mut Device, version: &str, state: &str) -> Response {
    device.set_header("User-Agent", &format!("Acme DevKit/{version}"));
    let first = device.get(&format!("https://{STATUS_HOST}/report/1"), "status");
    assert!(text(&first).contains("fota/state"), "{}", text(&first));
    device.answer(&[(0, Value::Text(state))])
}

#[test]
fn update_to_the_report() {
    let mut device = device(Config::default());
    deliver(&mut device);
    assert_eq!(device.operator.transaction(1).unwrap().state, TransactionState::Delivered);
    assert!(contains(&report(&mut device, "1.5.0", "100"), "8d 0d 03 3100 01 01"));
    let transaction = device.operator.transaction(1).unwrap();
    assert_eq!(transaction.state, TransactionState::Reported(state::SUCCESSFUL_NO_DATA));
    assert_eq!(
        (transaction.reports, transaction.repeated_reports, &*transaction.downloads),
        (1, 0, &[0][..])
    );
    device.assert_clean();
    let steps: Vec<(u8, Direction)> =
        device.operator.records().iter().map(|record| (record.step.number, record.direction)).collect();
    let (up, down) = (Direction::ToNetwork, Direction::ToDevice);
    let expected = [
        [(1, up), (2, down)],
        [(2, up), (3, down)],
        [(3, up), (4, down)],
        [(5, up), (6, down)],
        [(6, up), (6, down)],
        [(8, up), (8, down)],
        [(8, up), (8, down)],
    ];
    assert_eq!(steps, expected.concat());
}

#[test]
fn no_update_is_told_in_three_ways() {
    for (no_update, answers, ends_with_text) in
        [(NoUpdate::Display, 0, true), (NoUpdate::DisplayAfterQuery, 1, true), (NoUpdate::PlainEnd, 1, false)]
    {
        let mut device = Device::new(Config { no_update, ..Config::default() }, profile(ESN));
        let mut last = if answers == 0 { device.get(FOTA_URL, "fota") } else { ask(&mut device) };
        if answers == 1 {
            last = device.answer(VERSION);
        }
        assert_eq!(last.status, if ends_with_text { 200 } else { 204 }, "{no_update:?}");
        assert_eq!(text(&last).contains("up to date"), ends_with_text, "{no_update:?}");
        device.assert_clean();
    }
}

#[test]
fn an_update_for_another_version_is_no_update() {
    let mut device = device(Config::default());
    device.set_header("User-Agent", "Acme DevKit/1.5.0");
    ask(&mut device);
    assert!(text(&device.answer(&[(0, Value::Text("Acme;DevKit;1.5.0"))])).contains("up to date"));
    device.assert_clean();
    assert_eq!(device.operator.transaction(1).unwrap().state, TransactionState::Pending);
}

#[test]
fn a_failed_download_leaves_the_transaction_open() {
    for (results, code) in [
        ([(0, Value::None), (0, Value::None), (3, Value::None)], 3),
        ([(134, Value::None), (129, Value::None), (129, Value::None)], 129),
    ] {
        let mut device = device(Config::default());
        ask(&mut device);
        device.answer(VERSION);
        assert!(text(&device.answer(&results)).contains("download failed"));
        assert_eq!(device.operator.transaction(1).unwrap().downloads, [code]);
        deliver(&mut device);
        assert_eq!(device.operator.transaction(1).unwrap().downloads, [code, 0]);
        device.assert_clean();
    }
}

#[test]
fn a_device_may_begin_again_at_any_point_before_its_report() {
    let mut device = device(Config::default());
    device.get(FOTA_URL, "fota");
    ask(&mut device);
    ask(&mut device);
    device.answer(VERSION);
    ask(&mut device);
    device.answer(VERSION);
    device.answer(DONE);
    deliver(&mut device);
    report(&mut device, "1.5.0", "100");
    device.assert_clean();
    assert_eq!(device.operator.transaction(1).unwrap().reports, 1);
}

#[test]
fn a_report_whose_answer_was_lost_comes_again() {
    let mut device = device(Config::default());
    deliver(&mut device);
    device.get(&format!("https://{STATUS_HOST}/report/1"), "status");
    device.set_header("User-Agent", "Acme DevKit/1.5.0");
    report(&mut device, "1.5.0", "90");
    // In the same session: the identical answer again.
    let request =
        device.post_request(support::WBXML, device.document_for("A3", 1, &[(0, Value::Text("90"))]));
    let again = device.send(&request);
    assert!(contains(&again, "8d 0d 03 3100 01 01"));
    assert_eq!(device.operator.transaction(1).unwrap().repeated_reports, 0);
    // In a new one.
    report(&mut device, "1.5.0", "90");
    let transaction = device.operator.transaction(1).unwrap();
    assert_eq!((transaction.reports, transaction.repeated_reports), (1, 1));
    device.assert_clean();
}

#[test]
fn reports_that_cannot_be() {
    for (version, value, delivered, rule) in [
        ("1.5.0", "100", false, Rule::Report),
        ("1.4.2", "100", true, Rule::Report),
        ("1.5.0", "80", true, Rule::Report),
        ("1.5.0", "60", true, Rule::Report),
        ("1.5.0", "0100", true, Rule::Value),
        ("1.5.0", "done", true, Rule::Value),
    ] {
        let mut device = device(Config::default());
        if delivered {
            deliver(&mut device);
        }
        report(&mut device, version, value);
        let rules: Vec<Rule> = device.operator.violations().iter().map(|fault| fault.rule).collect();
        assert_eq!(rules, [rule], "{version} {value} {:?}", device.faults());
        assert_eq!(device.operator.transaction(1).unwrap().reports, 0);
    }
    let mut device = device(Config::default());
    deliver(&mut device);
    report(&mut device, "1.4.2", "80");
    device.assert_clean();
    report(&mut device, "1.5.0", "100");
    assert_eq!(device.operator.violations()[0].rule, Rule::Report, "another result after the first");
}

#[test]
fn the_version_must_be_the_one_of_the_headers() {
    for (value, code) in [("Acme;DevKit;1.4.3", 0), ("Acme DevKit 1.4.2", 0)] {
        let mut device = device(Config::default());
        ask(&mut device);
        assert!(text(&device.answer(&[(code, Value::Text(value))])).contains("up to date"));
        assert_eq!(device.operator.violations()[0].rule, Rule::Value, "{value}");
    }
    let mut device = device(Config::default());
    ask(&mut device);
    device.answer(&[(0, Value::None)]);
    assert_eq!(device.operator.violations()[0].rule, Rule::Results, "a read without a value");
}

#[test]
fn what_needs_tls_is_only_there_with_tls() {
    let mut device = device(Config::default());
    let moved = device.get(&FOTA_URL.replace("https", "http"), "fota");
    assert_eq!((moved.status, moved.header("Location")), (301, Some(FOTA_URL)));
    device.assert_clean();
    let request = device.request("GET", FOTA_URL);
    assert_eq!(device.operator.exchange(device.now, false, &request).status, 421);
    assert_eq!(device.operator.violations()[0].rule, Rule::Transport);
    // A session begun with TLS cannot be gone on with without.
    ask(&mut device);
    device.next = device.next.replace("https", "http");
    assert_eq!(device.answer(VERSION).status, 404);
    assert_eq!(device.operator.violations()[1].rule, Rule::Url);
}

#[test]
fn transactions_belong_to_their_device() {
    let mut device = device(Config::default());
    for (url, reason) in [
        (format!("https://{FOTA_HOST}/transaction/2"), "fota"),
        (format!("https://{STATUS_HOST}/report/2"), "status"),
        (format!("https://{STATUS_HOST}/report/0"), "status"),
    ] {
        assert_eq!(device.get(&url, reason).status, 404, "{url}");
    }
    device.set_header("X-IOTA-ESN", "00000001");
    assert_eq!(device.get(&format!("https://{STATUS_HOST}/report/1"), "status").status, 404);
    assert_eq!(device.operator.violations().iter().filter(|fault| fault.rule == Rule::Url).count(), 4);
    assert_eq!(
        device.get(FOTA_URL, "fota").header("Location").unwrap(),
        format!("https://{FOTA_HOST}/transaction/0")
    );
}

#[test]
fn reasons_are_checked() {
    let mut device = device(Config::default());
    device.get(FOTA_URL, "user");
    assert_eq!(device.operator.violations()[0].rule, Rule::Header);
}

#[test]
fn packages_come_over_both_transports() {
    let mut device = device(Config::default());
    for scheme in ["http", "https"] {
        let request = device.request("GET", &format!("{scheme}://{REPOSITORY_HOST}/packages/p1"));
        assert_eq!(device.send(&request).body.len(), 200);
    }
    device.operator.repository().play([RepositoryFault::CutAfter(50)]);
    let mut request = device.request("GET", &package_url("p1"));
    let cut = device.send(&request);
    assert_eq!((cut.header("Content-Length"), cut.body.len()), (Some("200"), 50));
    request.headers.push(("Range".to_owned(), "bytes=50-".to_owned()));
    let rest = device.send(&request);
    assert_eq!((rest.status, rest.body.len()), (206, 150));
    assert!(device.operator.records().iter().all(|record| record.body.is_empty() && record.step.number == 5));
    device.assert_clean();
}

#[test]
fn an_address_that_no_object_can_hold_is_not_offered() {
    let mut device = device(Config::default());
    let long = Offer { package_url: format!("https://{REPOSITORY_HOST}/{}", "x".repeat(255)), ..offer() };
    assert!(device.operator.offer_update(long).is_err());
}
