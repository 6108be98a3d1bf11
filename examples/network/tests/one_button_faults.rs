//! What a device may not do in `one-button`: each fault is written down under its rule.

mod support;

use kedge_network::{ACTIVATION_URL, BOOT_HOST, Config, Profile, Rule};
use support::{Device, ESN, Value, WBXML, finish_from_nam, parts_request, profile};

fn device(profile: Profile) -> Device {
    Device::new(Config::default(), profile)
}

/// One fault of the device, each in a session of its own: it is written down under its rule, and nothing is activated.
#[test]
fn every_fault_is_written_down() {
    type Fault = (&'static str, Rule, fn(&mut Device));
    let faults: [Fault; 17] = [
        ("wrong session", Rule::Numbering, |d| {
            let body = d.document_for("Z9", 1, &[(0, Value::Data("01010000"))]);
            let request = d.post_request(WBXML, body);
            d.send(&request);
        }),
        ("document number ahead", Rule::Numbering, |d| {
            let body = d.document_for(&d.session, 2, &[(0, Value::Data("01010000"))]);
            let request = d.post_request(WBXML, body);
            d.send(&request);
        }),
        ("document number behind", Rule::Numbering, |d| {
            d.reverse("01010000");
            d.reverse("080000000012");
            let body = d.document_for(&d.session, 1, &[(0, Value::Data("01010000"))]);
            let request = d.post_request(WBXML, body);
            d.send(&request);
        }),
        ("repeated with other octets", Rule::Numbering, |d| {
            d.reverse("01010000");
            let body = d.document_for(&d.session, 1, &[(0, Value::Data("01010004"))]);
            let request = d.post_request(WBXML, body);
            d.send(&request);
        }),
        ("a result too many", Rule::Results, |d| {
            d.answer(&[(0, Value::Data("01010000")), (0, Value::None)]);
        }),
        ("no result", Rule::Results, |d| {
            d.answer(&[]);
        }),
        ("not executed without a failure", Rule::Results, |d| {
            d.answer(&[(129, Value::None)]);
        }),
        ("success without a message", Rule::Results, |d| {
            d.answer(&[(0, Value::None)]);
        }),
        ("a message with an error code", Rule::Results, |d| {
            d.answer(&[(5, Value::Data("01010000"))]);
        }),
        ("a part that is not there", Rule::Results, |d| {
            d.answer(&[(0, Value::Ref("r1"))]);
        }),
        ("another block id", Rule::Is683, |d| {
            d.reverse("01010200");
        }),
        ("trailing octets", Rule::Is683, |d| {
            d.reverse("0101000000");
        }),
        ("not WBXML", Rule::Document, |d| {
            let request = d.post_request(WBXML, b"<mmc/>".to_vec());
            d.send(&request);
        }),
        ("cut document", Rule::Document, |d| {
            let mut body = d.document(&[(0, Value::Data("01010000"))]);
            body.truncate(body.len() - 3);
            let request = d.post_request(WBXML, body);
            d.send(&request);
        }),
        ("wrong media type of a part", Rule::Framing, |d| {
            let request = parts_request(d, &["01010000"], "application/x-is683");
            d.send(&request);
        }),
        ("unnamed media type", Rule::Framing, |d| {
            let request = d.post_request("text/plain", Vec::new());
            d.send(&request);
        }),
        ("another address", Rule::Url, |d| {
            d.next = format!("http://{BOOT_HOST}/session/other");
            d.reverse("01010000");
        }),
    ];
    for (what, rule, play) in faults {
        let mut device = device(profile(ESN));
        device.get(ACTIVATION_URL, "user");
        device.assert_clean();
        play(&mut device);
        let rules: Vec<Rule> = device.operator.violations().iter().map(|fault| fault.rule).collect();
        assert_eq!(rules, [rule], "{what}: {:?}", device.faults());
        assert_eq!(device.operator.account(ESN).unwrap().activations, 0, "{what}");
    }
}

#[test]
fn a_session_that_is_over_takes_nothing() {
    let mut device = device(profile(ESN));
    device.get(ACTIVATION_URL, "user");
    finish_from_nam(&mut device);
    assert_eq!(device.answer(&[]).status, 410, "a disconnect is not answered");
    assert_eq!(device.operator.violations()[0].rule, Rule::Results);
    // A second session ends the first.
    device.get(ACTIVATION_URL, "user");
    let (next, session) = (device.next.clone(), device.session.clone());
    device.get(ACTIVATION_URL, "user");
    (device.next, device.session) = (next, session);
    assert_eq!(device.reverse("01010000").status, 410);
    assert_eq!(device.operator.violations()[1].rule, Rule::Session);
    // Not even to repeat an answer.
    device.get(ACTIVATION_URL, "user");
    let repeated = device.post_request(WBXML, device.document(&[(0, Value::Data("01010000"))]));
    device.reverse("01010000");
    device.get(ACTIVATION_URL, "user");
    assert_eq!(device.send(&repeated).status, 410);
    assert_eq!(device.operator.violations()[2].rule, Rule::Session);
    // And time ends it.
    device.get(ACTIVATION_URL, "user");
    device.now += core::time::Duration::from_secs(901);
    assert_eq!(device.reverse("01010000").status, 410);
    assert_eq!(device.operator.violations()[3].rule, Rule::Session);
}

#[test]
fn strays_are_refused() {
    let mut device = device(profile(ESN));
    for (method, url, status) in [
        ("GET", "http://elsewhere.example/", 404),
        ("GET", "http://boot.operator.example/other", 404),
        ("PUT", ACTIVATION_URL, 404),
        ("POST", "http://boot.operator.example/activate", 404),
        ("GET", "/activate", 400),
    ] {
        let request = device.request(method, url);
        assert_eq!(device.send(&request).status, status, "{method} {url}");
    }
    assert!(device.operator.violations().iter().all(|fault| fault.rule == Rule::Url));
    assert_eq!(device.operator.violations().len(), 5);
    let mut large = device.request("POST", ACTIVATION_URL);
    large.body = vec![0; 128 * 1024 + 1];
    assert_eq!(device.send(&large).status, 413);
}
