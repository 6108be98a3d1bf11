//! The contract of the agent: what it asks for in which state, and that it takes no answer to anything else.

use core::time::Duration;

use kedge_agent::agent::{Agent, Buffers, Context, Done, Head, Memory, Messages, Output};
use kedge_agent::error::AgentError;
use kedge_agent::event::{Event, Events, LinkError};
use kedge_agent::feature::{Feature, Service, ServiceError};
use kedge_agent::limits;
use kedge_agent::store::LastSession;
use kedge_agent::trigger::{Accepted, Kind};
use kedge_platform::identity::HardwareId;
use kedge_platform::radio::RadioError;
use kedge_platform::ui::Answer;
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::{Error, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::iota::EndReason;
use kedge_protocol::is683::engine::Engine;
use kedge_protocol::wap::{
    ApplicationCode, CacheOperation, Coding, ContentType, Date, Header, HeaderCode, HeaderName, Headers,
    Invalidation, MailNotification, MediaCode, Push, Value,
};
use kedge_protocol::wire::Writer;

use crate::phone::{Flash, config};

/// Every answer there is.
const ANSWERS: [Done; 9] = [
    Done::CallOpened(Ok(())),
    Done::CallOpened(Err(RadioError::NoService)),
    Done::CallClosed,
    Done::HttpEnded(Ok(())),
    Done::Answered(Answer::Yes),
    Done::Answered(Answer::No),
    Done::Registered(Ok(())),
    Done::Browsed,
    Done::Waited,
];

/// The service loading of `spec/wap-push.md` 9.4, and the service indication of 9.5, both for IOTA.
const LOADING: &str =
    "020605b0af02801002066a0085060803687474703a2f2f70726f762e6578616d706c652e636f6d2f696f74613f733d34320001";
const INDICATION: &str = "010605aeaf02801002056a0045c60b03687474703a2f2f70726f762e6578616d706c652e636f6d2f696f74613f733d34320011033432406578616d706c652e636f6d000801034e65772073657474696e6773000101";

#[derive(Default)]
struct Names(Vec<String>);

impl Events for Names {
    fn event(&mut self, _: Duration, event: &Event<'_>) {
        let text = format!("{event:?}");
        self.0.push(text.split([' ', '(']).next().unwrap_or_default().to_owned());
    }
}

/// An agent's memory.
struct Room {
    receive: Vec<u8>,
    send: Vec<u8>,
    engine: Engine<1024>,
}

impl Room {
    fn new() -> Self {
        Self { receive: vec![0; 8192], send: vec![0; 8192], engine: Engine::new() }
    }
}

/// A device around an agent.
struct Bench<'b> {
    flash: Flash,
    identity: Identity,
    entropy: Seeded,
    events: Names,
    now: Duration,
    agent: Option<Agent<'b, 1024>>,
}

impl<'b> Bench<'b> {
    fn new(room: &'b mut Room, domain: &'b [(&'static str, &'b str)]) -> Self {
        let Room { receive, send, engine } = room;
        let mut bench = Self {
            flash: Nor::new(16),
            identity: Identity::new(HardwareId::Esn(1), "Make", "Model", "1").unwrap(),
            entropy: Seeded::new(1),
            events: Names::default(),
            now: Duration::from_secs(1),
            agent: None,
        };
        let messages = Box::leak(Box::default());
        let memory =
            Memory { buffers: Buffers { receive, send }, engine, messages: Messages::cdma(messages) };
        let agent = Agent::start(config((4096, 8), domain, 1024), memory, &mut bench.context().0);
        bench.agent = Some(agent.unwrap());
        bench
    }

    fn context(&mut self) -> (Context<'_, Flash, SoftCrypto>, &mut Option<Agent<'b, 1024>>) {
        let Self { flash, identity, entropy, events, now, agent } = self;
        let crypto = &SoftCrypto;
        (Context { now: *now, flash, crypto, identity, entropy, events }, agent)
    }

    /// What the agent asks for, by name.
    fn asks(&mut self) -> String {
        let (mut context, agent) = self.context();
        let output = agent.as_mut().unwrap().poll(&mut context).unwrap();
        format!("{output:?}").split([' ', '(']).next().unwrap_or_default().to_owned()
    }

    fn done(&mut self, done: Done) -> Result<(), AgentError<Error>> {
        let (mut context, agent) = self.context();
        agent.as_mut().unwrap().done(&mut context, done)
    }

    fn push(&mut self, hex: &str) {
        let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let pdu: Vec<u8> = (0..hex.len()).step_by(2).map(octet).collect();
        self.push_octets(&pdu);
    }

    fn push_octets(&mut self, pdu: &[u8]) {
        let (mut context, agent) = self.context();
        agent.as_mut().unwrap().push(&mut context, pdu).unwrap();
    }

    /// Offers every answer but those that fit; each must be refused and change nothing.
    fn takes_only(&mut self, fitting: impl Fn(&Done) -> bool) {
        let asked = self.asks();
        for answer in ANSWERS.into_iter().filter(|answer| !fitting(answer)) {
            assert_eq!(self.done(answer), Err(AgentError::Misuse), "{answer:?} while {asked}");
            assert_eq!(self.asks(), asked, "after {answer:?}");
        }
    }
}

const PRI: [(&str, &str); 3] = [
    ("iota/boot-url", "http://prov.example.com/boot"),
    ("iota/boot-nai", "a@b"),
    ("iota/trusted-domain", "example.com"),
];

#[test]
fn no_state_takes_an_answer_to_what_it_did_not_ask() {
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    assert_eq!(bench.asks(), "Idle");
    bench.takes_only(|_| false);
    {
        let (mut context, agent) = bench.context();
        agent.as_mut().unwrap().activate(&mut context).unwrap();
        let head = agent.as_mut().unwrap().reply_head(&mut context, &Head::default());
        assert_eq!(head, Err(AgentError::Misuse));
        assert_eq!(agent.as_mut().unwrap().reply_body(&mut context, b"x"), Err(AgentError::Misuse));
    }
    assert_eq!(bench.asks(), "OpenCall");
    bench.takes_only(|done| matches!(done, Done::CallOpened(_)));
    bench.done(Done::CallOpened(Ok(()))).unwrap();
    assert_eq!(bench.asks(), "Http");
    bench.takes_only(|done| matches!(done, Done::HttpEnded(_) | Done::Waited));
    // An answer that ends the session: 204.
    {
        let (mut context, agent) = bench.context();
        let head = Head { status: 204, ..Head::default() };
        agent.as_mut().unwrap().reply_head(&mut context, &head).unwrap().unwrap();
    }
    bench.done(Done::HttpEnded(Ok(()))).unwrap();
    assert_eq!(bench.asks(), "CloseCall");
    bench.takes_only(|done| matches!(done, Done::CallClosed));
    bench.done(Done::CallClosed).unwrap();
    assert_eq!(bench.asks(), "Idle");
}

#[test]
fn a_service_loading_starts_a_session_and_an_indication_asks_first() {
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    bench.push(INDICATION);
    assert_eq!(bench.asks(), "Ask");
    bench.done(Done::Answered(Answer::No)).unwrap();
    assert_eq!(bench.asks(), "Idle");
    bench.push(INDICATION);
    assert_eq!(bench.asks(), "Ask");
    bench.done(Done::Answered(Answer::Yes)).unwrap();
    assert_eq!(bench.asks(), "OpenCall");
    // Another of its id without a date takes its place; how it is announced is told each time.
    bench.push(&INDICATION.replace("00080103", "00060103"));
    assert_eq!(bench.events.0.iter().filter(|name| *name == "Indicated").count(), 3);
    // A withdrawal (action 09, `delete`, instead of 08) takes the question back; another id's does not.
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    let withdrawal = INDICATION.replace("00080103", "00090103");
    bench.push(INDICATION);
    bench.push(&withdrawal.replace("033432", "033433"));
    assert_eq!(bench.asks(), "Ask");
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    bench.push(INDICATION);
    bench.push(&withdrawal);
    assert_eq!(bench.asks(), "Idle");
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    bench.push(LOADING);
    assert_eq!(bench.asks(), "OpenCall");
}

#[test]
fn pushes_that_are_broken_foreign_or_from_elsewhere_change_nothing() {
    let elsewhere = [PRI[0], PRI[1], ("iota/trusted-domain", "elsewhere.example")];
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &elsewhere);
    bench.push(LOADING);
    bench.push(&LOADING.replace("b0af028010", "beaf028010"));
    for len in (0..LOADING.len()).step_by(2) {
        bench.push(&LOADING[..len]);
    }
    assert_eq!(bench.asks(), "Idle");
    let refused = bench.events.0.iter().filter(|name| name.starts_with("Content")).count();
    assert_eq!(refused, 2 + LOADING.len() / 2);
}

/// Why the last session was held, where, when, and how it ended, for quality assurance (`iota.md` B10).
#[test]
fn the_last_session_is_kept() {
    for (status, reason, error) in [(204, EndReason::SUCCESS, 0), (404, EndReason::HTTP, 404)] {
        let mut room = Room::new();
        let mut bench = Bench::new(&mut room, &PRI);
        bench.now = Duration::from_millis(42_900);
        bench.push(LOADING);
        assert_eq!(bench.asks(), "OpenCall");
        bench.done(Done::CallOpened(Ok(()))).unwrap();
        assert_eq!(bench.asks(), "Http");
        {
            let (mut context, agent) = bench.context();
            let head = Head { status, ..Head::default() };
            agent.as_mut().unwrap().reply_head(&mut context, &head).unwrap().unwrap();
        }
        bench.now += Duration::from_secs(1);
        bench.done(Done::HttpEnded(Ok(()))).unwrap();
        assert_eq!(bench.asks(), "CloseCall");
        let mut buf = [0; 512];
        let (context, agent) = bench.context();
        let store = agent.as_ref().unwrap().store();
        let last = store.get::<LastSession<'_>, _>(context.flash, &mut buf).unwrap().unwrap();
        let expected = LastSession {
            kind: Kind::Push as u8,
            url: "http://prov.example.com/iota?s=42",
            last_doc: 0,
            reason: reason.0,
            error,
            is683_committed: false,
            mmc_committed: false,
            began: Some(42),
        };
        assert_eq!(last, expected);
    }
}

/// One page of an activation, then the result; in each state only the answer to what was asked is taken.
#[test]
fn an_activation_takes_only_what_it_asked_for() {
    let mut room = Room::new();
    let pri = [PRI[0], PRI[1], PRI[2], ("x/kedge/mobile-web-url", "https://s.example.com/web")];
    let mut bench = Bench::new(&mut room, &pri);
    let error = ServiceError { service: Service::GsmPacket, code: 33 };
    let failed = |bench: &mut Bench<'_>, feature, error| {
        let (mut context, agent) = bench.context();
        agent.as_mut().unwrap().service_failed(&mut context, feature, error).unwrap()
    };
    let follow = |bench: &mut Bench<'_>, link| {
        let (mut context, agent) = bench.context();
        agent.as_mut().unwrap().follow(&mut context, link)
    };
    let answer = |bench: &mut Bench<'_>, result, body: &[u8]| {
        let (mut context, agent) = bench.context();
        let agent = agent.as_mut().unwrap();
        let head = Head { status: 200, content_type: Some("text/html"), result, ..Head::default() };
        agent.reply_head(&mut context, &head).unwrap().unwrap();
        agent.reply_body(&mut context, body).unwrap().unwrap();
        agent.done(&mut context, Done::HttpEnded(Ok(()))).unwrap();
    };
    assert_eq!(failed(&mut bench, Feature::MobileWeb, ServiceError { code: 34, ..error }), None);
    assert_eq!(bench.asks(), "Idle");
    assert_eq!(failed(&mut bench, Feature::MobileWeb, error), Some(Accepted::Queued));
    assert_eq!(failed(&mut bench, Feature::MobileWeb, error), Some(Accepted::Merged));
    assert_eq!(failed(&mut bench, Feature::Touch2Talk, error), Some(Accepted::Refused));
    assert_eq!(bench.asks(), "Ask");
    bench.takes_only(|done| matches!(done, Done::Answered(_)));
    bench.done(Done::Answered(Answer::Yes)).unwrap();
    assert_eq!(bench.asks(), "OpenCall");
    bench.takes_only(|done| matches!(done, Done::CallOpened(_)));
    bench.done(Done::CallOpened(Ok(()))).unwrap();
    assert_eq!(bench.asks(), "Http");
    bench.takes_only(|done| matches!(done, Done::HttpEnded(_)));
    assert_eq!(follow(&mut bench, "/next"), Err(AgentError::Misuse), "no page is shown");
    answer(&mut bench, None, b"<a href='/next'>");
    assert_eq!(bench.asks(), "Browse");
    bench.takes_only(|done| matches!(done, Done::Browsed));
    follow(&mut bench, "/next").unwrap();
    bench.done(Done::Browsed).unwrap();
    assert_eq!(bench.asks(), "Http");
    answer(&mut bench, Some(0), b"<p>Done");
    assert_eq!(bench.asks(), "Browse");
    bench.done(Done::Browsed).unwrap();
    assert_eq!(bench.asks(), "CloseCall");
    bench.takes_only(|done| matches!(done, Done::CallClosed));
    bench.done(Done::CallClosed).unwrap();
    assert_eq!(bench.asks(), "OpenCall", "with the NAI of the feature");
    bench.done(Done::CallOpened(Ok(()))).unwrap();
    assert_eq!(bench.asks(), "CloseCall");
    bench.done(Done::CallClosed).unwrap();
    assert_eq!(bench.asks(), "Ask");
    bench.done(Done::Answered(Answer::Yes)).unwrap();
    assert_eq!(bench.asks(), "Idle");
}

/// Pages lead nowhere but into the trusted domain, and bodies that are no pages are refused.
#[test]
fn an_activation_does_not_leave_the_trusted_domain() {
    let pages: [(&str, &str, Option<&str>); 4] = [
        ("text/html", "https://elsewhere.example/", None),
        ("text/html", "javascript:alert(1)", None),
        ("text/plain", "/next", None),
        ("text/html", "", Some("https://elsewhere.example/")),
    ];
    for (content_type, link, location) in pages {
        let mut room = Room::new();
        let pri = [PRI[0], PRI[1], PRI[2], ("x/kedge/touch2talk-url", "https://s.example.com/")];
        let mut bench = Bench::new(&mut room, &pri);
        let error = ServiceError { service: Service::Local, code: 0 };
        {
            let (mut context, agent) = bench.context();
            agent.as_mut().unwrap().service_failed(&mut context, Feature::Touch2Talk, error).unwrap();
        }
        assert_eq!(bench.asks(), "Ask");
        bench.done(Done::Answered(Answer::Yes)).unwrap();
        assert_eq!(bench.asks(), "OpenCall");
        bench.done(Done::CallOpened(Ok(()))).unwrap();
        assert_eq!(bench.asks(), "Http");
        {
            let (mut context, agent) = bench.context();
            let agent = agent.as_mut().unwrap();
            let status = if location.is_some() { 302 } else { 200 };
            let head = Head { status, content_type: Some(content_type), location, ..Head::default() };
            agent.reply_head(&mut context, &head).unwrap().unwrap();
            agent.reply_body(&mut context, b"<p>").unwrap().unwrap();
            agent.done(&mut context, Done::HttpEnded(Ok(()))).unwrap();
        }
        if bench.asks() == "Browse" {
            let (mut context, agent) = bench.context();
            agent.as_mut().unwrap().follow(&mut context, link).unwrap();
            bench.done(Done::Browsed).unwrap();
        }
        assert_eq!(bench.asks(), "CloseCall", "{content_type} {link}");
        bench.done(Done::CallClosed).unwrap();
        assert_eq!(bench.asks(), "Ask");
        assert!(bench.events.0.iter().all(|name| name != "FeatureResult"));
    }
}

/// A flood is not looked at, and each push of it is told as refused; after a pause there is room for one more.
#[test]
fn a_flood_of_pushes_is_limited_and_counted() {
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    for _ in 0..200 {
        bench.push(LOADING);
    }
    let count = |bench: &Bench<'_>, what: &str| bench.events.0.iter().filter(|name| *name == what).count();
    assert_eq!(count(&bench, "Triggered"), usize::from(limits::PUSHES));
    assert_eq!(count(&bench, "ContentRefused"), 200 - usize::from(limits::PUSHES));
    bench.now += limits::PUSH_PAUSE;
    bench.push(LOADING);
    bench.push(LOADING);
    assert_eq!(count(&bench, "Triggered"), usize::from(limits::PUSHES) + 1);
}

#[test]
fn an_indication_expires_when_the_time_of_day_is_known() {
    // The same indication with si-expires (10) 2026-11-23.
    let expiring = INDICATION.replace("00080103", "000810c3042026112301 03".replace(' ', "").as_str());
    let date = |day| Date::new(2026, 11, day, 0, 0, 0).unwrap();
    for (told_before, told_after, asks) in [
        (None, None, "Ask"),
        (Some(22), None, "Ask"),
        (Some(23), None, "Idle"),
        (None, Some(22), "Ask"),
        (None, Some(24), "Idle"),
    ] {
        let mut room = Room::new();
        let mut bench = Bench::new(&mut room, &PRI);
        let tell = |bench: &mut Bench<'_>, day: Option<u8>| {
            if let Some(day) = day {
                bench.agent.as_mut().unwrap().time_of_day(date(day));
            }
        };
        tell(&mut bench, told_before);
        bench.push(&expiring);
        tell(&mut bench, told_after);
        assert_eq!(bench.asks(), asks, "{told_before:?} {told_after:?}");
    }
}

/// A push as it comes by short message.
fn pdu(media: MediaCode, application: Option<Value<'_>>, body: &[u8]) -> Vec<u8> {
    let mut headers = [0; 16];
    let mut w = Writer::new(&mut headers);
    if let Some(id) = application {
        Header::Field(HeaderName::Code(HeaderCode::APPLICATION_ID), id).write(&mut w).unwrap();
    }
    let headers = Headers::new(w.finish()).unwrap();
    let push = Push { tid: 1, content_type: ContentType::code(media), headers, body };
    let mut pdu = vec![0; push.buffer_len()];
    push.emit(&mut pdu).unwrap();
    pdu
}

/// The document of a push for IOTA, whose answer goes to `next`.
fn pushed_document(next: &str, commands: &str) -> Vec<u8> {
    let document = format!("<mmc version='1.0' session='S' doc='1' next='{next}'>{commands}</mmc>");
    pdu(MediaCode::MMC_XML, Some(Value::Octets(&[0x80, 0x10])), document.as_bytes())
}

/// The agent's request: where it goes, and its body as text.
fn request(bench: &mut Bench<'_>) -> (String, String) {
    let (mut context, agent) = bench.context();
    let Output::Http(request) = agent.as_mut().unwrap().poll(&mut context).unwrap() else {
        panic!("no request")
    };
    assert!(request.post);
    (request.url.to_owned(), String::from_utf8_lossy(request.body).into_owned())
}

/// Answers a request: with a document, or with the end of the session.
fn reply(bench: &mut Bench<'_>, document: Option<&str>) {
    let (mut context, agent) = bench.context();
    let agent = agent.as_mut().unwrap();
    let content_type = document.map(|_| "application/iota.mmc-xml");
    let status = if document.is_some() { 200 } else { 204 };
    let head = Head { status, content_type, ..Head::default() };
    agent.reply_head(&mut context, &head).unwrap().unwrap();
    agent.reply_body(&mut context, document.unwrap_or_default().as_bytes()).unwrap().unwrap();
    agent.done(&mut context, Done::HttpEnded(Ok(()))).unwrap();
}

const NEXT: &str = "http://prov.example.com/next";

/// What a pushed document may do: read, check, stage. The rest needs a document of the server that its answer goes to.
#[test]
fn a_pushed_document_is_the_first_of_a_session() {
    let write = "<write id='1' object='phn/brew-url' value='http://brew.example.com/'/>";
    let all = format!(
        "{write}<commit id='2' onerror='continue'/><exec id='3' object='dev/reboot' onerror='continue'/>\
         <display id='4' value='Hello' onerror='continue'/><read id='5' object='phn/brew-url'/>"
    );
    for (second, committed) in [
        (Some("<mmc version='1.0' session='S' doc='2'><commit id='1'/></mmc>"), 1),
        (Some("<mmc version='1.0' session='S' doc='2'/>"), 0),
        (None, 0),
    ] {
        let mut room = Room::new();
        let mut bench = Bench::new(&mut room, &PRI);
        bench.push_octets(&pushed_document(NEXT, &all));
        assert_eq!(bench.asks(), "OpenCall");
        bench.done(Done::CallOpened(Ok(()))).unwrap();
        let (url, answer) = request(&mut bench);
        assert_eq!(url, NEXT);
        for result in [
            "id=\"1\" code=\"0\"",
            "id=\"2\" code=\"134\"",
            "id=\"3\" code=\"134\"",
            "id=\"4\" code=\"134\"",
            "id=\"5\" code=\"0\" value=\"http://brew.example.com/\"",
        ] {
            assert!(answer.contains(result), "{result}: {answer}");
        }
        reply(&mut bench, second);
        if second.is_some() {
            request(&mut bench);
            reply(&mut bench, None);
        }
        assert_eq!(bench.asks(), "CloseCall");
        bench.done(Done::CallClosed).unwrap();
        assert_eq!(bench.asks(), "Idle");
        let count = bench.events.0.iter().filter(|name| *name == "Committed").count();
        assert_eq!(count, committed, "{second:?}");
    }
}

#[test]
fn a_pushed_document_whose_answer_would_leave_the_domain_does_nothing() {
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    bench.push_octets(&pushed_document("http://elsewhere.test/", "<read id='1' object='dev/esn'/>"));
    assert_eq!(bench.asks(), "OpenCall");
    bench.done(Done::CallOpened(Ok(()))).unwrap();
    assert_eq!(bench.asks(), "CloseCall");
    assert!(bench.events.0.iter().all(|name| name != "Command" && name != "Request"), "{:?}", bench.events.0);
}

/// Its only place is the session's buffer: it neither waits nor survives, and the network pushes again.
#[test]
fn a_pushed_document_does_not_wait() {
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    let document = pushed_document(NEXT, "<read id='1' object='dev/esn'/>");
    let refused = |bench: &Bench<'_>| bench.events.0.iter().filter(|name| *name == "ContentRefused").count();
    bench.push(LOADING);
    bench.push_octets(&document);
    assert_eq!(refused(&bench), 1, "a session waits");
    assert_eq!(bench.asks(), "OpenCall");
    bench.push_octets(&document);
    assert_eq!(refused(&bench), 2, "a session is held");

    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    bench.push_octets(&document);
    assert_eq!(bench.asks(), "OpenCall");
    bench.done(Done::CallOpened(Err(RadioError::NoService))).unwrap();
    assert_eq!(bench.asks(), "Idle");
    assert_eq!(bench.events.0.last().map(String::as_str), Some("GaveUp"));
    bench.push(LOADING);
    assert_eq!(bench.asks(), "OpenCall");
    bench.done(Done::CallOpened(Ok(()))).unwrap();
    let (mut context, agent) = bench.context();
    let Output::Http(request) = agent.as_mut().unwrap().poll(&mut context).unwrap() else {
        panic!("no request")
    };
    assert!(!request.post, "the other session begins as usual");
}

/// What is for other programs is told as an event and leads to nothing else.
#[test]
fn mail_and_cache_operations_are_told_to_the_device() {
    let mut buf = [0; 256];
    let mail = MailNotification { mailbox: "imap://mail.example.com/", timestamp: None };
    let mail = mail.write(Coding::Wbxml, &mut buf).unwrap().to_vec();
    let stale = [Invalidation::Object("http://a/1"), Invalidation::Service("http://b/")];
    let cache = CacheOperation::write(Coding::Xml, &stale, &mut buf).unwrap().to_vec();
    let pushes = [
        (MediaCode::EMN, Some(ApplicationCode::EMN), &mail, "MailArrived"),
        (MediaCode::EMN, None, &mail, "ContentRefused"),
        (MediaCode::EMN, Some(ApplicationCode::EMN), &cache, "ContentMalformed"),
        (MediaCode::CO_XML, None, &cache, "CacheOutOfDate"),
        (MediaCode::CO_XML, Some(ApplicationCode::WML), &cache, "CacheOutOfDate"),
        (MediaCode::CO_XML, Some(ApplicationCode::MMS), &cache, "ContentRefused"),
        (MediaCode::CO, None, &cache, "ContentMalformed"),
    ];
    for (media, application, body, told) in pushes {
        let mut room = Room::new();
        let mut bench = Bench::new(&mut room, &PRI);
        bench.events.0.clear();
        let application = application.map(|code| Value::Short(u8::try_from(code.0).unwrap()));
        bench.push_octets(&pdu(media, application, body));
        assert!(bench.events.0.iter().all(|name| name == told), "{media:?}: {:?}", bench.events.0);
        let times = if told == "CacheOutOfDate" { stale.len() } else { 1 };
        assert_eq!((bench.events.0.len(), bench.asks().as_str()), (times, "Idle"));
    }
}

#[test]
fn the_output_of_an_idle_agent_has_no_deadline() {
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    let (mut context, agent) = bench.context();
    assert!(matches!(agent.as_mut().unwrap().poll(&mut context), Ok(Output::Idle(None))));
}

#[test]
fn a_user_is_told_when_the_network_never_answers() {
    let mut room = Room::new();
    let mut bench = Bench::new(&mut room, &PRI);
    {
        let (mut context, agent) = bench.context();
        agent.as_mut().unwrap().activate(&mut context).unwrap();
    }
    for _ in 0..limits::SESSION_TRIES {
        bench.now += Duration::from_secs(3600);
        assert_eq!(bench.asks(), "OpenCall");
        bench.done(Done::CallOpened(Ok(()))).unwrap();
        assert_eq!(bench.asks(), "Http");
        bench.done(Done::HttpEnded(Err(LinkError::Broken))).unwrap();
        assert_eq!(bench.asks(), "CloseCall");
        bench.done(Done::CallClosed).unwrap();
    }
    assert_eq!(bench.asks(), "Ask");
    bench.done(Done::Answered(Answer::Yes)).unwrap();
    assert_eq!(bench.asks(), "Idle");
}
