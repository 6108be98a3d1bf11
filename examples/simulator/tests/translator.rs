//! What the translator makes of an agent's events: meanings and steps, found in real messages.

mod sample;

use std::time::Duration;

use kedge::feed::{Arrow, Feed, Observer};
use kedge::hex;
use kedge::present::{Live, Plain};
use kedge::translate::Translator;
use kedge_agent::event::{Committed, Event, Events, LinkError};
use kedge_agent::trigger::{Accepted, Kind};
use kedge_platform::power::Restart;
use kedge_platform::ui::{Answer, Prompt};
use kedge_protocol::iota::EndReason;
use kedge_update_agent::Refusal;

const WBXML: &str = "application/iota.mmc-wbxml";
const XML: &str = "application/iota.mmc-xml";
const MULTIPART: &str =
    "multipart/related; type=\"application/iota.mmc-wbxml\"; start=\"<mmc>\"; boundary=mmcB";

/// Plays events with a millisecond between them.
struct Play<'o> {
    translator: Translator<'o>,
    now: Duration,
}

impl Play<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.translator.event(self.now, event);
        self.now += Duration::from_millis(1);
    }

    fn get(&mut self, url: &str) {
        let headers = [("X-IOTA-Version", "1"), ("X-IOTA-ESN", "80123456")];
        self.event(&Event::Request { method: "GET", url, headers: &headers, body: &[] });
    }

    fn post(&mut self, content_type: &str, body: &[u8]) {
        let headers = [("X-IOTA-Version", "1"), ("Content-Type", content_type)];
        self.event(&Event::Request {
            method: "POST",
            url: "http://boot.operator.example/iota?s=A1",
            headers: &headers,
            body,
        });
    }

    fn reply(&mut self, content_type: &str, body: &[u8]) {
        self.event(&Event::Reply { status: 200, content_type, location: "", body });
    }
}

/// The feed of these events.
fn feed(flow: &str, events: impl FnOnce(&mut Play<'_>)) -> Vec<Feed> {
    let mut feed = Vec::new();
    events(&mut Play { translator: Translator::new(flow, &mut feed), now: Duration::ZERO });
    feed
}

/// The feed as plain lines.
fn told(feed: &[Feed]) -> String {
    let mut out = Vec::new();
    let mut plain = Box::new(Plain::new(&mut out));
    for item in feed {
        plain.feed(item);
    }
    plain.finish().unwrap();
    String::from_utf8(out).unwrap()
}

fn arrows(feed: &[Feed]) -> Vec<&Arrow> {
    feed.iter().filter_map(|item| if let Feed::Arrow(arrow) = item { Some(arrow) } else { None }).collect()
}

fn octets(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

/// A multipart body as in `iota.md` B9, from document and IS-683 parts.
fn multipart(document: &str, media: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |id: &str, media: &str, content: &[u8]| {
        body.extend(format!("--mmcB\r\nContent-Type: {media}\r\nContent-ID: <{id}>\r\n\r\n").bytes());
        body.extend(content);
        body.extend(b"\r\n");
    };
    part("mmc", WBXML, &octets(document));
    for (id, content) in parts {
        part(id, media, &octets(content));
    }
    body.extend(b"--mmcB--\r\n");
    body
}

/// An answer of the device in XML.
fn answer(re: u16, results: &str) -> Vec<u8> {
    format!("<mmc version=\"1.0\" session=\"A1\" re=\"{re}\">{results}</mmc>").into_bytes()
}

/// A document of the server in XML.
fn document(doc: u16, commands: &str) -> Vec<u8> {
    format!("<mmc version=\"1.0\" session=\"A1\" doc=\"{doc}\">{commands}</mmc>").into_bytes()
}

fn activation() -> Vec<Feed> {
    let url = "http://boot.operator.example/iota";
    feed("one-button", |play| {
        play.event(&Event::Triggered { kind: Kind::Activation, url, accepted: Accepted::Queued });
        play.event(&Event::SessionStarted { kind: Kind::Activation, url });
        play.event(&Event::DataCall(Ok(())));
        play.get(url);
        play.reply(WBXML, &octets("03016a00c5050703413100 0803310001 c90d0331000f014fc30106010101"));
        play.post(WBXML, &octets("03016a00c50507034131000903310001ce0d03310014014fc3110601022a05000202010203030104010160010101"));
        play.reply(
            MULTIPART,
            &multipart(
                "03016a00c50507034131000803320001890d0331000f120366310001890d0332000f12036632000101",
                "application/x-is683",
                &[
                    ("f1", "0101001123640ac068e36f00c4721dc04815ffff8000"),
                    ("f2", "08001601000012001200008000400121000280005000006edb00"),
                ],
            ),
        );
        play.post(
            MULTIPART,
            &multipart(
                "03016a00c505070341310009033200018e0d033100141203723100018e0d0332001412037232000101",
                "application/x-is683-response",
                &[("r1", "01010000"), ("r2", "080009000a08")],
            ),
        );
        play.event(&Event::LinkDown(LinkError::TimedOut));
        play.reply(XML, &document(3, "<exec id=\"1\" object=\"is683/msg\"><data>BQ==</data></exec>"));
        play.event(&Event::Committed(Committed::Is683));
        play.post(XML, &answer(3, "<result id=\"1\" code=\"0\"><data>BQA=</data></result>"));
        play.reply(WBXML, &octets("03016a00c50507034131000803340001 8d0d033100170101"));
        play.event(&Event::SessionEnded { reason: EndReason::DISCONNECT, error: 0 });
        play.event(&Event::DataCallClosed);
        play.event(&Event::Restarting(Restart::Settings));
        play.event(&Event::Registered(Ok(())));
        play.event(&Event::Prompted(Prompt::Activated));
        play.event(&Event::Answered(Answer::Yes));
    })
}

fn update() -> Vec<Feed> {
    let url = "https://fota.operator.example/check";
    feed("fota-client/resumed", |play| {
        play.event(&Event::Triggered { kind: Kind::UpdateCheck, url, accepted: Accepted::Queued });
        play.event(&Event::SessionStarted { kind: Kind::UpdateCheck, url });
        play.event(&Event::DataCall(Ok(())));
        play.get(url);
        let location = "https://fota.operator.example/pending/7";
        play.event(&Event::Reply { status: 302, content_type: "", location, body: &[] });
        play.get(location);
        play.reply(XML, &document(1, "<read id=\"1\" object=\"dev/mmv\"/>"));
        play.post(XML, &answer(1, "<result id=\"1\" code=\"0\" value=\"Acme;Kit;1.0\"/>"));
        play.reply(XML, &document(2, "<write id=\"1\" object=\"fota/package-url\" value=\"http://x/\"/><commit id=\"2\"/><exec id=\"3\" object=\"fota/download\"/>"));
        play.event(&Event::Committed(Committed::Objects));
        play.event(&Event::Request {
            method: "GET",
            url: "http://repo.operator.example/packages/p",
            headers: &[],
            body: &[],
        });
        play.event(&Event::Reply {
            status: 200,
            content_type: "application/octet-stream",
            location: "",
            body: &[],
        });
        play.event(&Event::Downloading { have: 100, total: 200 });
        play.event(&Event::LinkDown(LinkError::Broken));
        play.event(&Event::Request {
            method: "GET",
            url: "http://repo.operator.example/packages/p",
            headers: &[("Range", "bytes=100-")],
            body: &[],
        });
        play.event(&Event::Reply {
            status: 206,
            content_type: "application/octet-stream",
            location: "",
            body: &[],
        });
        play.event(&Event::Downloading { have: 200, total: 200 });
        play.event(&Event::PackageVerified { version: "2.0", len: 200 });
        play.post(
            XML,
            &answer(
                2,
                "<result id=\"1\" code=\"0\"/><result id=\"2\" code=\"0\"/><result id=\"3\" code=\"3\"/>",
            ),
        );
        play.reply(
            XML,
            &document(
                3,
                "<write id=\"1\" object=\"fota/status-url\" value=\"http://x/\"/><disconnect id=\"2\"/>",
            ),
        );
        play.event(&Event::DataCallClosed);
        play.event(&Event::Prompted(Prompt::InstallUpdate { version: "2.0" }));
        play.event(&Event::Answered(Answer::Later));
        play.event(&Event::Prompted(Prompt::Disclaimer));
        play.event(&Event::Answered(Answer::Yes));
        play.event(&Event::Restarting(Restart::UpdateAgent));
        play.event(&Event::PackageRefused(Refusal::BadSignature));
        play.event(&Event::ReportQueued { state: 100 });
        play.event(&Event::SessionStarted { kind: Kind::Status, url: "https://status.operator.example/7" });
        play.event(&Event::DataCall(Ok(())));
        play.get("https://status.operator.example/7");
        play.reply(XML, &document(1, "<read id=\"1\" object=\"fota/state\"/>"));
        play.post(XML, &answer(1, "<result id=\"1\" code=\"0\" value=\"100\"/>"));
        play.event(&Event::Reply { status: 204, content_type: "", location: "", body: &[] });
        play.event(&Event::Reported { state: 100 });
        play.event(&Event::DataCallClosed);
    })
}

#[test]
fn an_activation_is_told_as_agreed() {
    sample::golden("one-button.txt", &told(&activation()));
}

#[test]
fn an_update_is_told_as_agreed() {
    sample::golden("fota-client.txt", &told(&update()));
}

#[test]
fn messages_carry_their_octets_and_what_they_decode_to() {
    let feed = activation();
    let with_list = arrows(&feed).into_iter().find(|arrow| arrow.text.contains("roaming list")).unwrap();
    assert_eq!(with_list.step.as_deref(), Some("2, 4"));
    for expected in
        ["Content-Type: multipart/related", "<f1> application/x-is683", "FIRSTCHP", "SSPR Download Request"]
    {
        assert!(with_list.decoded.contains(expected), "{expected} is not in\n{}", with_list.decoded);
    }
    assert!(with_list.hex.contains("0101001123640ac068e36f00c4721dc04815ffff8000"));
}

#[test]
fn nonsense_from_the_network_is_shown_and_harms_nothing() {
    let feed = feed("one-button", |play| {
        for content_type in ["", "nonsense", WBXML, XML, MULTIPART, "multipart/related"] {
            for body in [&b"\x03\x01\x6a"[..], b"<mmc", b"--mmcB\r\n\r\n", &[0xFF; 40]] {
                play.reply(content_type, body);
                play.post(content_type, body);
            }
        }
    });
    let arrows = arrows(&feed);
    assert_eq!(arrows.len(), 6 * 4 * 2);
    assert!(arrows.iter().all(|arrow| !arrow.decoded.is_empty() && !arrow.hex.is_empty()));
}

#[test]
fn every_event_has_a_line_of_log() {
    let feed = update();
    let logs = feed.iter().filter(|item| matches!(item, Feed::Log { .. })).count();
    assert_eq!(logs, 36);
}
