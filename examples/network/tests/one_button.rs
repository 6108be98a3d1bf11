//! The operator's side of `one-button`, played against hand-written octets.

mod support;

use kedge_network::{
    ACTIVATION_URL, AccountState, BOOT_HOST, Coding, Config, Direction, Flow, Profile, Rule, Subscriber,
};
use support::{
    Device, ESN, MEID, PRL, PRL_DOWNLOAD, Value, WBXML, XML, commit_and_release, contains, finish_from_nam,
    hex, parts_request, profile, text,
};

/// Messages of `is683.md` §13.
const NAM_DOWNLOAD: &str = "0101001123640ac068e36f00c4721dc04815ffff8000";
const CAPABILITY: &str = "0601022a05000202010203030104010160";

fn device(profile: Profile) -> Device {
    Device::new(Config::default(), profile)
}

#[test]
fn the_documents_are_those_of_the_profile() {
    let config = Config { unnamed_next: true, ..Config::default() };
    let profile = Profile { ask_capability: true, messages_per_document: 2, ..profile(ESN) };
    let mut device = Device::new(config, profile);

    let first = device.get(ACTIVATION_URL, "user");
    assert_eq!(first.header("Content-Type"), Some(WBXML));
    let document = hex("03016a00 c505 07 03413100 08 033100 01  c9 0d 033100 0f 01 4f c3 01 06 01 01 01");
    assert_eq!(first.body, document, "iota.md B9, doc 1");

    let answer =
        hex("03016a00c50507034131000903310001ce0d03310014014fc3110601022a05000202010203030104010160010101");
    assert_eq!(device.document(&[(0, Value::Data(CAPABILITY))]), answer, "iota.md B9, answer 1");
    let second = device.answer(&[(0, Value::Data(CAPABILITY))]);
    let related = "multipart/related; type=\"application/iota.mmc-wbxml\"; start=\"<mmc>\"; boundary=mmcB";
    assert_eq!(second.header("Content-Type"), Some(related));
    let head = |media: &str, name: &str| {
        format!(
            "--mmcB\r\nContent-Type: {media}\r\nContent-ID: <{name}>\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        )
        .into_bytes()
    };
    let document = hex("03016a00c50507034131000803320001890d0331000f120366310001890d0332000f12036632000101");
    let expected = [
        head(WBXML, "mmc"),
        document,
        b"\r\n".to_vec(),
        head("application/x-is683", "f1"),
        hex(NAM_DOWNLOAD),
        b"\r\n".to_vec(),
        head("application/x-is683", "f2"),
        hex(PRL_DOWNLOAD),
        b"\r\n--mmcB--\r\n".to_vec(),
    ]
    .concat();
    assert_eq!(second.body, expected, "iota.md B9, body of step 4");

    let answer = hex("03016a00c505070341310009033200018e0d033100141203723100018e0d0332001412037232000101");
    assert_eq!(
        device.document(&[(0, Value::Ref("r1")), (0, Value::Ref("r2"))]),
        answer,
        "iota.md B9, answer 2"
    );
    let third = post_parts(&mut device, &["01010000", "080000000012"]);
    assert!(contains(&third, "c9 0d 033100 0f 01 4f c3 01 05 01 01 01"), "Commit Request");
    let fourth = device.reverse("0500");
    assert_eq!(fourth.body, hex("03016a00c505070341310008033400018d0d033100170101"), "iota.md B9, doc 4");
    device.assert_clean();
    assert_eq!(device.operator.account(ESN).unwrap().activations, 1);
}

/// Answers with each reverse message in a part of its own.
fn post_parts(device: &mut Device, messages: &[&str]) -> kedge_network::Response {
    let request = parts_request(device, messages, "application/x-is683-response");
    let response = device.send(&request);
    device.told(&response);
    response
}

#[test]
fn activation_to_registration() {
    let mut device = device(profile(ESN));
    let first = device.get(ACTIVATION_URL, "user");
    assert!(contains(&first, NAM_DOWNLOAD));
    assert!(device.next.starts_with(&format!("http://{BOOT_HOST}/session/")));
    finish_from_nam(&mut device);
    let account = device.operator.account(ESN).unwrap();
    assert_eq!((account.state, account.activations), (AccountState::Committed, 1));
    // The NAM block of the download, as the device now has it.
    let nam = hex(NAM_DOWNLOAD)[2..21].to_vec();
    device.operator.register(device.now, ESN, &[], &[]);
    assert_eq!(device.faults().len(), 1, "committed, but registers as before");
    device.operator.register(device.now, ESN, &nam, &hex(PRL));
    let account = device.operator.account(ESN).unwrap();
    assert_eq!((account.state, account.activations), (AccountState::Activated, 1));
    assert_eq!((device.operator.vlr().len(), device.operator.vlr().replaced()), (1, 1));
    assert_eq!(device.operator.vlr().entry(ESN).unwrap().nam, nam);
    assert_eq!(device.faults().len(), 1);
}

#[test]
fn steps_and_directions_are_recorded() {
    let mut device = device(profile(ESN));
    device.get(ACTIVATION_URL, "user");
    finish_from_nam(&mut device);
    let steps: Vec<(u8, Direction)> =
        device.operator.records().iter().map(|record| (record.step.number, record.direction)).collect();
    let (up, down) = (Direction::ToNetwork, Direction::ToDevice);
    assert_eq!(steps, [(1, up), (2, down), (3, up), (4, down), (4, up), (5, down), (5, up), (6, down)]);
    assert!(device.operator.records().iter().all(|record| record.step.flow == Flow::OneButton));
    let told: Vec<&str> = device.operator.records().iter().map(|record| &*record.meaning).collect();
    assert_eq!(told[0], "activation asked for by ESN DEADBEEF");
    assert_eq!(told[2], "Download Request, NAM: accepted");
    assert_eq!(told[7], "end of session, restart");
}

#[test]
fn the_same_seed_says_the_same() {
    let play = |seed| {
        let mut device = Device::new(Config { seed, ..Config::default() }, profile(ESN));
        let first = device.get(ACTIVATION_URL, "user");
        finish_from_nam(&mut device);
        (first, device.session.clone(), device.operator.records().to_vec())
    };
    assert_eq!(play(27), play(27));
    assert_eq!(play(27).1, "BB1");
    assert_ne!(play(27).2, play(28).2);
}

#[test]
fn xml_is_answered_in_xml() {
    let mut device = Device::new(Config { coding: Coding::Xml, ..Config::default() }, profile(ESN));
    let first = device.get(ACTIVATION_URL, "user");
    assert_eq!(first.header("Content-Type"), Some(XML));
    let expected = format!(
        "<mmc version=\"1.0\" session=\"A1\" doc=\"1\" next=\"http://{BOOT_HOST}/session/A1\">\
         <exec id=\"1\" object=\"is683/msg\"><data>AQEAESNkCsBo428AxHIdwEgV//+AAA==</data></exec></mmc>"
    );
    assert_eq!(text(&first), expected);
    device.reverse("01010000");
    device.reverse("080000000012");
    assert!(text(&device.reverse("0500")).contains("<disconnect id=\"1\" reboot=\"1\"/>"));
    device.assert_clean();
    // WBXML in answer to XML is refused.
    device.get(ACTIVATION_URL, "user");
    let request = device.post_request(WBXML, device.document(&[(0, Value::Data("01010000"))]));
    assert_eq!(device.send(&request).status, 400);
    assert_eq!(device.operator.violations()[0].rule, Rule::Framing);
}

#[test]
fn already_activated() {
    let mut operator_side = device(profile(MEID));
    operator_side.operator.subscribe(profile(ESN), AccountState::Activated).unwrap();
    operator_side.set_header("X-IOTA-ESN", "DEADBEEF");
    operator_side.headers.retain(|(name, _)| name != "X-IOTA-MEID");
    let first = operator_side.get(ACTIVATION_URL, "user");
    assert!(text(&first).contains("was activated already"));
    // display id value, disconnect id: no reboot
    assert!(first.body.ends_with(&hex("8d0d033200 01 01")), "{}", text(&first));
    // The text's result may be posted or not.
    assert_eq!(operator_side.answer(&[(0, Value::None)]).status, 204);
    operator_side.assert_clean();
    assert_eq!(operator_side.operator.account(ESN).unwrap().activations, 0);
}

#[test]
fn unknown_device() {
    let mut device = device(profile(ESN));
    device.set_header("X-IOTA-ESN", "00000001");
    assert!(text(&device.get(ACTIVATION_URL, "user")).contains("not known"));
    device.assert_clean();
}

#[test]
fn spc_locked() {
    let locked = Profile { spc: kedge_protocol::is683::Spc::new("123456"), ..profile(ESN) };
    let mut unlocked = device(locked.clone());
    let first = unlocked.get(ACTIVATION_URL, "user");
    assert!(contains(&first, "09 01 00 03 123456"), "{}", text(&first));
    assert!(contains(&unlocked.reverse("09010000"), NAM_DOWNLOAD));
    finish_from_nam(&mut unlocked);
    unlocked.assert_clean();

    let mut refused = device(locked);
    refused.get(ACTIVATION_URL, "user");
    let end = refused.reverse("0901000b");
    assert!(text(&end).contains("Nothing was changed"));
    refused.assert_clean();
    let account = refused.operator.account(ESN).unwrap();
    assert_eq!((account.state, account.activations), (AccountState::Pending, 0));
    assert_eq!((account.refusals[0].message, account.refusals[0].code), (0x09, 0x0B));
}

#[test]
fn list_current_or_not() {
    let comparing = Profile { compare_prl: true, ..profile(ESN) };
    let mut same = device(comparing.clone());
    same.get(ACTIVATION_URL, "user");
    assert!(contains(&same.reverse("01010000"), "4f c3 02 0700"), "dimensions are asked for");
    let commit = same.reverse("0700000920000012000000400100");
    assert!(contains(&commit, "4fc3010501"), "nothing to download: {}", text(&commit));
    same.reverse("0500");
    assert!(same.operator.account(ESN).unwrap().prl_current);
    same.assert_clean();

    for (answer, why) in
        [("0700000920000012000100400100", "another id"), ("0700000920000000000000400100", "no list")]
    {
        let mut other = device(comparing.clone());
        other.get(ACTIVATION_URL, "user");
        other.reverse("01010000");
        assert!(contains(&other.reverse(answer), PRL_DOWNLOAD), "{why}");
        commit_and_release(&mut other, "080000000012");
        other.assert_clean();
    }
    // A device with an extended list says so and is asked in the other form.
    let mut extended = device(comparing);
    extended.get(ACTIVATION_URL, "user");
    extended.reverse("01010000");
    assert!(contains(&extended.reverse("0700230000"), "4f c3 02 0702"));
    let commit = extended.reverse("0702000b20000012000003 00400001 00");
    assert!(contains(&commit, "4fc3010501"), "the same list: {}", text(&commit));
    extended.assert_clean();
}

#[test]
fn list_in_segments() {
    let mut device = device(Profile { segment: 10, ..profile(ESN) });
    device.get(ACTIVATION_URL, "user");
    assert!(contains(&device.reverse("01010000"), "08000e0000000a0012000080004001210000"), "is683.md §13");
    assert!(contains(&device.reverse("08000000000a"), "08000c01000a080280005000006edb00"), "is683.md §13");
    commit_and_release(&mut device, "080000000a08");
    device.assert_clean();
}

#[test]
fn a_refused_segment_ends_the_session_without_commit() {
    let mut device = device(Profile { segment: 10, ..profile(ESN) });
    device.get(ACTIVATION_URL, "user");
    device.reverse("01010000");
    device.reverse("08000000000a");
    let end = device.reverse("080009000a08");
    assert!(
        text(&end).contains("Nothing was changed") && !contains(&end, "17"),
        "no restart: {}",
        text(&end)
    );
    device.assert_clean();
    assert_eq!(device.operator.account(ESN).unwrap().state, AccountState::Pending);
}

#[test]
fn meid_device() {
    let mut device = device(Profile { subscriber: Subscriber::sample(), ..profile(MEID) });
    let first = device.get(ACTIVATION_URL, "boot");
    // NAM and MDN in one request: two blocks, the second `01 06 A5 55 12 34 56 70`.
    assert!(contains(&first, "01 02 00 11 23640ac068e36f00c4721dc04815ffff80 01 06 a55512345670 00"));
    assert!(contains(&device.reverse("010200000100"), PRL_DOWNLOAD));
    commit_and_release(&mut device, "080000000012");
    device.assert_clean();
    assert_eq!(device.operator.account(MEID).unwrap().activations, 1);
}

#[test]
fn a_gateway_takes_the_identity_away() {
    let config = Config { strip_identity: true, ..Config::default() };
    let mut device = Device::new(config.clone(), profile(MEID));
    let first = device.get(ACTIVATION_URL, "user");
    assert!(contains(&first, "4f c3 04 06 04 01 02"), "asks for the MEID record: {}", text(&first));
    let reverse = "100401022a020002020302000280000207a1000000deadbe";
    assert!(contains(&device.reverse(reverse), NAM_DOWNLOAD));
    finish_from_nam(&mut device);
    device.assert_clean();
    assert_eq!(device.operator.account(MEID).unwrap().activations, 1);

    // An MEID nobody has bought.
    let mut stranger = Device::new(config, profile(MEID));
    stranger.get(ACTIVATION_URL, "user");
    assert!(
        text(&stranger.reverse("100401022a020002020302000280000207a1000000000001")).contains("not known")
    );
    stranger.assert_clean();
}

#[test]
fn a_lost_reply_is_given_again() {
    let mut device = device(profile(ESN));
    device.get(ACTIVATION_URL, "user");
    let request = device.post_request(WBXML, device.document(&[(0, Value::Data("01010000"))]));
    let reply = device.send(&request);
    assert_eq!(device.send(&request), reply);
    assert_eq!(device.send(&request), reply);
    device.assert_clean();
    assert_eq!(device.send(&request), reply);
    assert_eq!(device.operator.violations()[0].rule, Rule::Numbering, "a third repeat");
    device.told(&reply);
    commit_and_release(&mut device, "080000000012");
    assert_eq!(device.operator.account(ESN).unwrap().activations, 1);
}

#[test]
fn a_lost_commit_response_is_made_good() {
    // The device has committed, its answer never arrives, and it begins again.
    let mut device = device(profile(ESN));
    device.get(ACTIVATION_URL, "user");
    device.reverse("01010000");
    device.reverse("080000000012");
    assert_eq!(device.operator.account(ESN).unwrap().state, AccountState::CommitSent);
    device.get(ACTIVATION_URL, "user");
    finish_from_nam(&mut device);
    assert_eq!(device.operator.account(ESN).unwrap().activations, 1);
    // Again, before it registers: the answer to its last document was lost for good.
    device.get(ACTIVATION_URL, "user");
    finish_from_nam(&mut device);
    assert_eq!(device.operator.account(ESN).unwrap().activations, 1);
    let nam = hex(NAM_DOWNLOAD)[2..21].to_vec();
    device.operator.register(device.now, ESN, &nam, &hex(PRL));
    assert!(text(&device.get(ACTIVATION_URL, "user")).contains("was activated already"));
    device.assert_clean();
}

#[test]
fn a_registration_proves_a_commit_and_must_be_whole() {
    let nam = hex(NAM_DOWNLOAD)[2..21].to_vec();
    let mut device = device(profile(ESN));
    device.operator.register(device.now, ESN, &nam, &hex(PRL));
    assert_eq!(device.operator.violations()[0].rule, Rule::Atomicity, "before any commit");
    device.get(ACTIVATION_URL, "user");
    device.reverse("01010000");
    device.reverse("080000000012");
    device.operator.register(device.now, ESN, &nam, &[]);
    assert_eq!(device.operator.violations()[1].rule, Rule::Atomicity, "new numbers, old list");
    device.operator.register(device.now, ESN, &nam, &hex(PRL));
    let account = device.operator.account(ESN).unwrap();
    assert_eq!((account.state, account.activations), (AccountState::Activated, 1));
    assert_eq!(device.faults().len(), 2);
}

#[test]
fn busy_for_once() {
    let mut device = Device::new(Config { busy: vec![1], ..Config::default() }, profile(ESN));
    let first = device.get(ACTIVATION_URL, "user");
    assert_eq!((first.status, first.header("Retry-After")), (503, Some("1")));
    assert!(contains(&device.get(ACTIVATION_URL, "user"), NAM_DOWNLOAD));
    device.assert_clean();
}

#[test]
fn a_profile_that_cannot_be_coded_is_refused() {
    let mut operator = kedge_network::Operator::default();
    let bad = Subscriber { min: "555123".to_owned(), ..Subscriber::sample() };
    let outcome = operator.subscribe(Profile::new(ESN, bad, hex(PRL)), AccountState::Pending);
    assert_eq!(outcome, Err(kedge_network::ProfileError::Number));
}
