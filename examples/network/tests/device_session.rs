//! The device's IOTA session and the operator, without sockets: no violation in either coding, and the same end when
//! any one message is lost. What the commands do is played here; the flows with the whole agent are tested elsewhere.

mod support;

use core::time::Duration;
use kedge_network::{
    ACTIVATION_URL, AccountState, Coding, Config, FOTA_URL, Offer, Operator, Profile, STATUS_HOST,
    Subscriber, TRUSTED_DOMAIN, TransactionState, package_url,
};
use kedge_platform_sim::bearer;
use kedge_protocol::iota::mmc::Session;
use kedge_protocol::iota::session::{self, CommandResult, Input, Method, Output, Reason, Reply, Value};
use kedge_protocol::iota::{EndReason, ResultCode};
use support::{ESN, PRL, hex};

/// Which exchange is lost, and whether the operator has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Nothing,
    Request(usize),
    Reply(usize),
}

/// What a command gives back.
fn execute(
    object: Option<&str>,
    value: Option<Value<'_>>,
) -> (ResultCode, Option<Vec<u8>>, Option<&'static str>) {
    let reverse = |octets: Vec<u8>| (ResultCode::SUCCESS, Some(octets), None);
    match (object, value) {
        (Some("is683/msg"), Some(Value::Data(forward))) => match *forward {
            [0x06] => reverse(hex("0601022a05000202010203030104010160")),
            [0x01, 2, ..] => reverse(hex("010200000100")),
            [0x07, 0] => reverse(hex("0700000920000000000000400100")),
            [0x08, block, _, _, high, low, size, ..] => reverse(vec![0x08, block, 0, high, low, size]),
            [0x05] => reverse(hex("0500")),
            _ => panic!("an unexpected message: {forward:02x?}"),
        },
        (Some("dev/mmv"), None) => (ResultCode::SUCCESS, None, Some("Acme;DevKit;1.4.2")),
        (Some("fota/state"), None) => (ResultCode::SUCCESS, None, Some("80")),
        _ => (ResultCode::SUCCESS, None, None),
    }
}

/// Runs one session to its end; returns why it ended, and how many exchanges there were.
fn run(
    operator: &mut Operator,
    now: &mut Duration,
    url: &str,
    reason: Reason,
    lost: Lost,
) -> (EndReason, usize) {
    let config = session::Config {
        start_url: url,
        reason,
        make: "Acme",
        model: "DevKit",
        version: "1.4.2",
        esn: Some(0xDEAD_BEEF),
        meid: None,
        trusted_domain: TRUSTED_DOMAIN,
        boot_url: ACTIVATION_URL,
        connection_timeout: Duration::from_secs(30),
        session_timeout: Duration::from_secs(900),
    };
    let (mut rx, mut tx) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let mut session = Session::new(&config, &mut rx, &mut tx).unwrap();
    session.handle(*now, Input::Start).unwrap();
    let mut exchanges = 0;
    loop {
        *now += Duration::from_millis(10);
        match session.poll(*now) {
            Output::Send(request) => {
                let mut headers: Vec<(String, String)> = Vec::new();
                for (name, value) in request.headers.as_slice() {
                    headers.push(((*name).to_owned(), (*value).to_owned()));
                }
                let method = if request.method == Method::Get { "GET" } else { "POST" };
                if request.method == Method::Post {
                    headers.push(("Content-Length".to_owned(), request.body.len().to_string()));
                }
                let (url, body) = (request.url.to_owned(), request.body.to_vec());
                let request = bearer::Request { method: method.to_owned(), url, headers, body };
                exchanges += 1;
                if lost == Lost::Request(exchanges) {
                    session.handle(*now, Input::LinkDown).unwrap();
                    continue;
                }
                let response = operator.exchange(*now, request.url.starts_with("https:"), &request);
                if lost == Lost::Reply(exchanges) {
                    session.handle(*now, Input::LinkDown).unwrap();
                    continue;
                }
                session.receive_buffer()[..response.body.len()].copy_from_slice(&response.body);
                let reply = Reply {
                    status: response.status,
                    content_type: response.header("Content-Type"),
                    location: response.header("Location"),
                    retry_after: response.header("Retry-After").and_then(|seconds| seconds.parse().ok()),
                    len: response.body.len(),
                };
                session.handle(*now, Input::Reply(reply)).unwrap();
            }
            Output::Execute(command) => {
                let (code, octets, text) = execute(command.object, command.value);
                let value = octets.as_deref().map(Value::Data).or(text.map(Value::Text));
                session.handle(*now, Input::Done(CommandResult { code, value })).unwrap();
            }
            Output::Wait(until) => {
                *now = until;
                session.handle(*now, Input::Tick).unwrap();
            }
            Output::End(outcome) => return (outcome.reason, exchanges),
        }
    }
}

/// As [`run`]; a session that ends by a lost message is begun again, as a user would.
fn run_again(operator: &mut Operator, now: &mut Duration, url: &str, reason: Reason, lost: Lost) -> usize {
    let (end, exchanges) = run(operator, now, url, reason, lost);
    if end != EndReason::DISCONNECT {
        assert_ne!(lost, Lost::Nothing, "{end:?}: {:#?}", operator.violations());
        let (end, _) = run(operator, now, url, reason, Lost::Nothing);
        assert_eq!(end, EndReason::DISCONNECT, "{lost:?}: {:#?}", operator.violations());
    }
    exchanges
}

/// Every message lost once, before and after the operator has seen it.
fn every_loss(exchanges: usize) -> impl Iterator<Item = Lost> {
    (1..=exchanges).flat_map(|n| [Lost::Request(n), Lost::Reply(n)])
}

fn activate(coding: Coding, messages_per_document: usize, lost: Lost) -> usize {
    let mut operator = Operator::new(Config { coding, ..Config::default() });
    let profile = Profile {
        ask_capability: true,
        compare_prl: true,
        segment: 5,
        messages_per_document,
        ..Profile::new(ESN, Subscriber::sample(), hex(PRL))
    };
    operator.subscribe(profile, AccountState::Pending).unwrap();
    let mut now = Duration::ZERO;
    let exchanges = run_again(&mut operator, &mut now, ACTIVATION_URL, Reason::User, lost);
    let nam = operator.account(ESN).unwrap().nam_blocks().to_vec();
    operator.register(now, ESN, &nam, &hex(PRL));
    let account = operator.account(ESN).unwrap();
    assert_eq!((account.state, account.activations), (AccountState::Activated, 1), "{lost:?}");
    assert_eq!(operator.violations(), [], "{coding:?}, {messages_per_document} messages, {lost:?}");
    exchanges
}

#[test]
fn activation_with_any_message_lost() {
    let mut cases = 0;
    for coding in [Coding::Wbxml, Coding::Xml] {
        for messages in [1, 3, 31] {
            let exchanges = activate(coding, messages, Lost::Nothing);
            for lost in every_loss(exchanges) {
                activate(coding, messages, lost);
                cases += 1;
            }
        }
    }
    println!("activations with one message lost: {cases}");
}

fn update(coding: Coding, lost: Lost, lost_in_report: Lost) -> (usize, usize) {
    let mut operator = Operator::new(Config { coding, ..Config::default() });
    let text = str::to_owned;
    let offer = Offer {
        hardware: ESN,
        make: text("Acme"),
        model: text("DevKit"),
        from: text("1.4.2"),
        to: text("1.5.0"),
        package_url: package_url("p1"),
    };
    operator.offer_update(offer).unwrap();
    let mut now = Duration::ZERO;
    let offered = run_again(&mut operator, &mut now, FOTA_URL, Reason::Fota, lost);
    assert_eq!(operator.transaction(1).unwrap().state, TransactionState::Delivered, "{lost:?}");
    let url = format!("https://{STATUS_HOST}/report/1");
    let reported = run_again(&mut operator, &mut now, &url, Reason::Status, lost_in_report);
    let transaction = operator.transaction(1).unwrap();
    assert_eq!(
        (transaction.state, transaction.reports),
        (TransactionState::Reported(80), 1),
        "{lost_in_report:?}"
    );
    assert_eq!(operator.violations(), [], "{coding:?} {lost:?} {lost_in_report:?}");
    (offered, reported)
}

#[test]
fn update_with_any_message_lost() {
    let mut cases = 0;
    for coding in [Coding::Wbxml, Coding::Xml] {
        let (offered, reported) = update(coding, Lost::Nothing, Lost::Nothing);
        for lost in every_loss(offered) {
            update(coding, lost, Lost::Nothing);
            cases += 1;
        }
        for lost in every_loss(reported) {
            update(coding, Lost::Nothing, lost);
            cases += 1;
        }
    }
    println!("updates with one message lost: {cases}");
}

#[test]
fn an_activated_device_is_told_so() {
    let mut operator = Operator::default();
    let profile = Profile::new(ESN, Subscriber::sample(), hex(PRL));
    operator.subscribe(profile, AccountState::Activated).unwrap();
    let mut now = Duration::ZERO;
    let (end, _) = run(&mut operator, &mut now, ACTIVATION_URL, Reason::User, Lost::Nothing);
    assert_eq!(end, EndReason::DISCONNECT);
    assert_eq!(operator.violations(), []);
    assert_eq!(operator.account(ESN).unwrap().activations, 0);
}
