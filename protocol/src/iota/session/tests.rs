use super::*;
use crate::iota::mmc::{self, Answer, Content, Document, Element};
use crate::mime::{Boundary, MediaType, OCTET_STREAM, Piece, Related, RelatedWriter};
use crate::wap::Coding;
use proptest::prelude::*;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const URL: &str = "http://boot.example.com/start";
const SECOND: Duration = Duration::from_secs(1);

fn config() -> Config<'static> {
    Config {
        start_url: URL,
        reason: Reason::User,
        make: "Acme",
        model: "DevKit",
        version: "1.4.2",
        esn: Some(0x8012_ABCD),
        meid: None,
        trusted_domain: "example.com",
        boot_url: URL,
        connection_timeout: 30 * SECOND,
        session_timeout: 900 * SECOND,
    }
}

/// What a session wants, in owned form.
#[derive(Clone, Debug, PartialEq)]
enum Want {
    Send(Method, String, Vec<(String, String)>, Vec<u8>),
    Execute(u16, Verb, Option<String>, Option<Owned>),
    Wait(Duration),
    End(Outcome),
}

#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Text(String),
    Data(Vec<u8>),
}

impl Want {
    fn of(output: &Output<'_>) -> Self {
        match output {
            Output::Send(request) => {
                let headers = request.headers.as_slice().iter();
                let headers = headers.map(|(name, value)| (name.to_string(), value.to_string())).collect();
                Self::Send(request.method, request.url.to_string(), headers, request.body.to_vec())
            }
            Output::Execute(command) => {
                let value = command.value.map(|value| match value {
                    Value::Text(text) => Owned::Text(text.to_string()),
                    Value::Data(octets) => Owned::Data(octets.to_vec()),
                });
                Self::Execute(command.id, command.verb, command.object.map(str::to_string), value)
            }
            Output::Wait(until) => Self::Wait(*until),
            Output::End(outcome) => Self::End(*outcome),
        }
    }

    fn ending(&self) -> (EndReason, u16) {
        match self {
            Self::End(outcome) => (outcome.reason, outcome.error),
            other => panic!("no end but {other:?}"),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let Self::Send(_, _, headers, _) = self else { panic!("no request but {self:?}") };
        headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn url(&self) -> &str {
        let Self::Send(_, url, ..) = self else { panic!("no request but {self:?}") };
        url
    }

    /// Codes and values of the answer in a POST, values of parts resolved.
    fn results(&self) -> Vec<(u16, ResultCode, Option<Owned>)> {
        let Self::Send(Method::Post, _, _, body) = self else { panic!("no POST but {self:?}") };
        results(self.header("Content-Type").unwrap(), body)
    }
}

fn results(content_type: &str, body: &[u8]) -> Vec<(u16, ResultCode, Option<Owned>)> {
    let media = MediaType::parse(content_type).unwrap();
    let parts: Vec<_> = match Related::new(&media, body) {
        Ok(related) => {
            related.check().unwrap();
            related.parts().map(Result::unwrap).collect()
        }
        Err(_) => Vec::new(),
    };
    let (media, document) =
        parts.first().map_or((media, body), |root| (root.media_type.unwrap(), root.content));
    let mut scratch = vec![0; 40_000];
    let document = Document::check(mmc::coding_of(&media).unwrap(), document, &mut scratch).unwrap();
    assert!(matches!(document.head(&mut scratch).unwrap(), Head::Device { session: "S", .. }));
    let mut all = Vec::new();
    for number in 0..document.len() {
        let Some(Element::Answer(answer)) = document.element(number, &mut scratch).unwrap() else { panic!() };
        let value = answer.value.map(|value| match value {
            Content::Text(text) => Owned::Text(text.to_string()),
            Content::Data(octets) => Owned::Data(octets.to_vec()),
            reference @ Content::Reference(_) => {
                let id = reference.part().unwrap().unwrap();
                Owned::Data(parts.iter().find(|part| part.content_id == Some(id)).unwrap().content.to_vec())
            }
        });
        all.push((answer.id, answer.code, value));
    }
    all
}

/// A session with its caller.
struct Talk {
    session: Session<'static>,
    now: Duration,
}

impl Talk {
    fn with(config: &Config<'_>, rx: usize, tx: usize) -> Self {
        let (rx, tx) = (vec![0; rx].leak(), vec![0; tx].leak());
        Self { session: Session::new(config, rx, tx).unwrap(), now: 10 * SECOND }
    }

    fn new() -> Self {
        Self::with(&config(), 64 * 1024, 16 * 1024)
    }

    /// A session whose GET is out.
    fn started() -> Self {
        let mut talk = Self::new();
        talk.input(Input::Start);
        talk.wait();
        talk
    }

    fn input(&mut self, input: Input<'_>) -> Want {
        self.session.handle(self.now, input).unwrap();
        self.poll()
    }

    fn poll(&mut self) -> Want {
        Want::of(&self.session.poll(self.now))
    }

    fn wait(&mut self) -> Duration {
        match self.poll() {
            Want::Wait(until) => until,
            other => panic!("no wait but {other:?}"),
        }
    }

    fn status(&mut self, status: u16, location: Option<&str>, retry_after: Option<u32>) -> Want {
        self.input(Input::Reply(Reply { status, content_type: None, location, retry_after, len: 0 }))
    }

    fn body(&mut self, content_type: &str, body: &[u8]) -> Want {
        let buffer = self.session.receive_buffer();
        if let Some(target) = buffer.get_mut(..body.len()) {
            target.copy_from_slice(body);
        }
        let content_type = Some(content_type);
        self.input(Input::Reply(Reply {
            status: 200,
            content_type,
            location: None,
            retry_after: None,
            len: body.len(),
        }))
    }

    fn xml(&mut self, doc: u16, content: &str) -> Want {
        self.body("application/iota.mmc-xml", document(doc, "", content).as_bytes())
    }

    fn done(&mut self, code: ResultCode, value: Option<Value<'_>>) -> Want {
        self.input(Input::Done(CommandResult { code, value }))
    }

    fn ok(&mut self) -> Want {
        self.done(ResultCode::SUCCESS, None)
    }
}

fn document(doc: u16, attributes: &str, content: &str) -> String {
    format!("<mmc version='1.0' session='S' doc='{doc}' {attributes}>{content}</mmc>")
}

const fn end(reason: EndReason, code: ResultCode) -> (EndReason, u16) {
    ending(reason, code)
}

#[test]
fn the_first_request_says_who_and_why() {
    let mut talk = Talk::new();
    let get = talk.input(Input::Start);
    let headers = [
        ("Accept", "application/iota.mmc-wbxml, application/iota.mmc-xml, multipart/related"),
        ("User-Agent", "Acme DevKit/1.4.2"),
        ("X-IOTA-Version", "1"),
        ("X-IOTA-ESN", "8012ABCD"),
        ("X-IOTA-Reason", "user"),
    ];
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_string())).to_vec();
    assert_eq!(get, Want::Send(Method::Get, URL.to_string(), headers, Vec::new()));
    let meid = Some([0xA1, 0, 0, 2, 3, 4, 0xFF]);
    let mut talk = Talk::with(&Config { esn: None, meid, reason: Reason::Boot, ..config() }, 4096, MIN_ROOM);
    let get = talk.input(Input::Start);
    assert_eq!(
        (get.header("X-IOTA-ESN"), get.header("X-IOTA-MEID")),
        (None, Some("A1000002030 4FF".replace(' ', "").as_str()))
    );
    let post = {
        talk.wait();
        talk.xml(1, "")
    };
    assert_eq!((post.header("X-IOTA-Reason"), post.header("X-IOTA-Version")), (None, Some("1")));
    assert_eq!(post.results(), []);
}

#[test]
fn configurations_and_buffers_are_checked() {
    let fails = |config: Config<'_>, rx: usize, tx: usize| {
        Session::new(&config, &mut vec![0; rx], &mut vec![0; tx]).map(|_| ()).unwrap_err()
    };
    assert_eq!(fails(config(), 4095, 8000), SessionError::NoRoom { needed: 4096 });
    assert_eq!(fails(config(), 8000, 4735), SessionError::NoRoom { needed: 4736 });
    let long = "x".repeat(300);
    for bad in [
        Config { make: "a\r\nX-Evil: 1", ..config() },
        Config { version: &long[..65], ..config() },
        Config { trusted_domain: &long[..65], ..config() },
        Config { start_url: &long, ..config() },
    ] {
        assert_eq!(fails(bad, 8000, 8000), SessionError::BadConfig);
    }
}

#[test]
fn commands_come_in_order_and_are_answered_in_order() {
    let mut talk = Talk::started();
    let next = document(
        1,
        "next='https://a.example.com/n'",
        "<write id='7' object='phn/homepage' value='http://x'/>\
        <read id='8' object='dev/mmv'/><exec id='9' object='is683/msg'><data>Bg==</data></exec><commit id='3'/>",
    );
    let first = talk.body("application/iota.mmc-xml; charset=utf-8", next.as_bytes());
    let text = |text: &str| Some(Owned::Text(text.to_string()));
    assert_eq!(first, Want::Execute(7, Verb::Write, Some("phn/homepage".to_string()), text("http://x")));
    assert_eq!(talk.wait(), 910 * SECOND);
    assert_eq!(talk.ok(), Want::Execute(8, Verb::Read, Some("dev/mmv".to_string()), None));
    let third = talk.done(ResultCode::SUCCESS, Some(Value::Text("Acme;<\"&'\r\n")));
    assert_eq!(
        third,
        Want::Execute(9, Verb::Exec, Some("is683/msg".to_string()), Some(Owned::Data(vec![6])))
    );
    let fourth = talk.done(ResultCode::SUCCESS, Some(Value::Data(&[6, 0])));
    assert_eq!(fourth, Want::Execute(3, Verb::Commit, None, None));
    let post = talk.ok();
    assert_eq!(post.url(), "https://a.example.com/n");
    assert_eq!(post.header("Content-Type"), Some("application/iota.mmc-xml"));
    let ok = ResultCode::SUCCESS;
    let octets = Some(Owned::Data(vec![6, 0]));
    assert_eq!(
        post.results(),
        [(7, ok, None), (8, ok, text("Acme;<\"&'\r\n")), (9, ok, octets), (3, ok, None)]
    );
    // Without `next` the answer goes where the document came from; a disconnect ends the session.
    talk.wait();
    let post = talk.xml(2, "");
    assert_eq!(post.url(), "https://a.example.com/n");
    talk.wait();
    let Want::End(outcome) = talk.xml(3, "<disconnect id='1' reboot='1'/>") else { panic!() };
    let (reason, error) = end(EndReason::DISCONNECT, ResultCode::SUCCESS);
    assert!(reason.is_normal());
    assert_eq!(outcome, Outcome { reason, error, last_doc: 3, mmc_committed: true, reboot: true });
}

#[test]
fn a_failure_stops_the_rest_unless_told_otherwise() {
    let mut talk = Talk::started();
    talk.xml(1, "<unknown id='1' onerror='continue'/><write id='2' object='Bad' value='' onerror='continue'/>\
        <read id='3' object='a' onerror='continue'/><read id='4' object='b'/><commit id='5'/><x id='6'/><disconnect id='7'/>");
    talk.done(ResultCode::WRITE_ONLY, None);
    let post = talk.done(ResultCode::BAD_OBJECT, None);
    let codes: Vec<(u16, u8)> = post.results().iter().map(|(id, code, _)| (*id, code.0)).collect();
    assert_eq!(codes, [(1, 128), (2, 16), (3, 13), (4, 16), (5, 129), (6, 129)]);
    talk.wait();
    let Want::End(outcome) = talk.status(204, None, None) else { panic!() };
    assert!(!outcome.mmc_committed);
}

/// A body of several parts: the document, and parts of the given types and contents under p0, p1, ...
fn multipart(root: &str, parts: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let boundary = Boundary::new("=b").unwrap();
    let mut out = vec![0; 100_000];
    let mut header = [0; 128];
    let mut writer = RelatedWriter::new(&mut out, boundary);
    let root = Piece { media_type: mmc::XML, content_id: "mmc", content: root.as_bytes() };
    writer.piece(&root).unwrap();
    for (number, (media_type, content)) in parts.iter().enumerate() {
        writer.piece(&Piece { media_type, content_id: &format!("p{number}"), content }).unwrap();
    }
    let body = writer.finish().unwrap().to_vec();
    let mut w = crate::wire::Writer::new(&mut header);
    boundary.content_type(&root, &mut w).unwrap();
    (String::from_utf8(w.finish().to_vec()).unwrap(), body)
}

#[test]
fn references_are_resolved_and_answered_by_parts() {
    let exec = |id: u16, reference: &str| {
        format!("<exec id='{id}' object='is683/msg' valueref='{reference}' onerror='continue'/>")
    };
    let content: String = [
        exec(1, "cid:p0"), exec(2, "p0"), exec(3, "cid:"), exec(4, "cid:nope"), exec(5, "cid:mmc"), exec(6, "cid:p1"), exec(7, "cid:p2"),
        "<write id='8' object='tls/root/1' valueref='cid:p1' onerror='continue'/><exec id='9' object='is683/msg' value='06' onerror='continue'/>\
        <exec id='10' object='is683/msg' onerror='continue'/><exec id='11' object='fota/x' valueref='cid:p1'/>".to_string(),
    ].concat();
    let (content_type, body) = multipart(
        &document(1, "", &content),
        &[(crate::iota::IS683, b"\x06"), (OCTET_STREAM, b"der"), (crate::iota::IS683, &[7; 2049])],
    );
    let mut talk = Talk::started();
    let object = Some("is683/msg".to_string());
    assert_eq!(
        talk.body(&content_type, &body),
        Want::Execute(1, Verb::Exec, object, Some(Owned::Data(vec![6])))
    );
    let write = talk.done(ResultCode::SUCCESS, Some(Value::Data(b"\x06\x01")));
    assert_eq!(
        write,
        Want::Execute(8, Verb::Write, Some("tls/root/1".to_string()), Some(Owned::Data(b"der".to_vec())))
    );
    assert!(matches!(talk.ok(), Want::Execute(11, ..)));
    let post = talk.done(ResultCode::SUCCESS, Some(Value::Data(b"--kedge-0000")));
    let codes: Vec<u8> = post.results().iter().map(|(_, code, _)| code.0).collect();
    assert_eq!(codes, [0, 1, 1, 2, 2, 5, 131, 0, 5, 5, 0]);
    assert_eq!(post.results()[0].2, Some(Owned::Data(b"\x06\x01".to_vec())));
    assert_eq!(post.results()[10].2, Some(Owned::Data(b"--kedge-0000".to_vec())));
    let content_type = post.header("Content-Type").unwrap();
    assert_eq!(
        content_type,
        r#"multipart/related; type="application/iota.mmc-xml"; start="<mmc>"; boundary=kedge-0001"#
    );
    let Want::Send(_, _, _, body) = &post else { panic!() };
    let media = MediaType::parse(content_type).unwrap();
    let types: Vec<String> = Related::new(&media, body)
        .unwrap()
        .parts()
        .map(|part| part.unwrap().media_type.unwrap().essence().to_string())
        .collect();
    assert_eq!(
        types,
        ["application/iota.mmc-xml", "application/x-is683-response", "application/octet-stream"]
    );
}

#[test]
fn parts_and_the_document_may_travel_as_base64() {
    let document = document(
        1,
        "",
        "<exec id='1' object='is683/msg' valueref='cid:a'/><write id='2' object='b' valueref='cid:b' onerror='continue'/>",
    );
    let mut text = [0; 400];
    let mut w = crate::wire::Writer::new(&mut text);
    crate::xml::base64::encode(document.as_bytes(), &mut w).unwrap();
    let encoded = String::from_utf8(w.finish().to_vec()).unwrap();
    let body = format!(
        "--b\r\nContent-Type: application/x-is683\r\nContent-ID: <a>\r\nContent-Transfer-Encoding: base64\r\n\r\nBg\r\n==\r\n\
        --b\r\nContent-Type: application/iota.mmc-xml\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <m>\r\n\r\n{encoded}\r\n\
        --b\r\nContent-ID: <b>\r\nContent-Transfer-Encoding: base64\r\n\r\n?\r\n--b--"
    );
    let mut talk = Talk::started();
    let first = talk.body("multipart/related; boundary=b; start=\"<m>\"", body.as_bytes());
    assert_eq!(
        first,
        Want::Execute(1, Verb::Exec, Some("is683/msg".to_string()), Some(Owned::Data(vec![6])))
    );
    let codes: Vec<u8> = talk.ok().results().iter().map(|(_, code, _)| code.0).collect();
    assert_eq!(codes, [0, 11]);
}

#[test]
fn bad_inline_octets_fail_their_command_only() {
    let mut talk = Talk::started();
    let first = talk.xml(
        1,
        "<write id='1' object='a' onerror='continue'><data>Zg=</data></write><read id='2' object='b'/>",
    );
    assert_eq!(first, Want::Execute(2, Verb::Read, Some("b".to_string()), None));
    let codes: Vec<u8> = talk.ok().results().iter().map(|(_, code, _)| code.0).collect();
    assert_eq!(codes, [11, 0]);
}

#[test]
fn bodies_of_the_wrong_kind_end_the_session() {
    let good = document(1, "", "");
    let (related, body) = multipart(&good, &[]);
    let cases: [(&str, &[u8], (EndReason, u16)); 10] = [
        ("text/html", b"<p>", end(EndReason::MIME, ResultCode::INVALID_CONTENT)),
        ("", b"<p>", end(EndReason::MIME, ResultCode::INVALID_CONTENT)),
        ("multipart/mixed; boundary==b", &body, end(EndReason::MIME, ResultCode::INVALID_CONTENT)),
        (&related, &body[..body.len() - 6], end(EndReason::MIME, ResultCode::INVALID_CONTENT)),
        (
            "multipart/related; boundary=b",
            b"--b\r\nContent-Type: text/html\r\n\r\n\r\n--b--",
            end(EndReason::MIME, ResultCode::INVALID_CONTENT),
        ),
        (mmc::XML, b"<mmc", end(EndReason::XML, ResultCode::INVALID_CONTENT)),
        (mmc::WBXML, good.as_bytes(), end(EndReason::XML, ResultCode::INVALID_CONTENT)),
        (
            mmc::XML,
            b"<!DOCTYPE mmc><mmc version='1.0' session='S' doc='1'/>",
            end(EndReason::XML, ResultCode::INVALID_CONTENT),
        ),
        (mmc::XML, b"<mmc version='1.0' session='S' re='1'/>", end(EndReason::MMC, ResultCode::BAD_VALUE)),
        (mmc::XML, &[b' '; 8193], end(EndReason::MMC, ResultCode::TOO_BIG)),
    ];
    for (content_type, body, ending) in cases {
        assert_eq!(Talk::started().body(content_type, body).ending(), ending, "{content_type}");
    }
    let mut talk = Talk::started();
    let len = talk.session.receive_buffer().len() + 1;
    assert_eq!(len, 64 * 1024 - SCRATCH + 1);
    let reply = Reply { status: 200, content_type: Some(mmc::XML), location: None, retry_after: None, len };
    assert_eq!(talk.input(Input::Reply(reply)).ending(), end(EndReason::MIME, ResultCode::TOO_BIG));
}

#[test]
fn nothing_of_a_malformed_document_is_executed() {
    let end_of = Talk::started().xml(1, "<write id='1' object='a' value='b'/><read id='2'/>").ending();
    assert_eq!(end_of, end(EndReason::MMC, ResultCode::BAD_VALUE));
}

#[test]
fn statuses_end_or_continue() {
    for (status, ending) in [
        (204, end(EndReason::SUCCESS, ResultCode::SUCCESS)),
        (200, end(EndReason::SUCCESS, ResultCode::SUCCESS)),
        (201, (EndReason::HTTP, 201)),
        (302, (EndReason::HTTP, 302)),
        (404, (EndReason::HTTP, 404)),
        (503, (EndReason::HTTP, 503)),
    ] {
        assert_eq!(Talk::started().status(status, None, None).ending(), ending);
    }
}

#[test]
fn redirects_are_followed_five_times() {
    for status in [301, 302, 303, 307, 308] {
        let mut talk = Talk::started();
        for hop in 0..5 {
            let get = talk.status(status, Some(&format!("https://h{hop}.example.com/")), None);
            assert_eq!(get.url(), format!("https://h{hop}.example.com/"));
            assert_eq!(get.header("X-IOTA-Reason"), Some("user"));
            talk.wait();
        }
        assert_eq!(
            talk.status(status, Some("https://a.example.com/"), None).ending(),
            (EndReason::HTTP, status)
        );
    }
    let mut talk = Talk::started();
    assert_eq!(talk.status(302, Some("/other?x"), None).url(), "http://boot.example.com/other?x");
    // A document without `next` is answered where the redirects led.
    talk.wait();
    assert_eq!(talk.xml(1, "").url(), "http://boot.example.com/other?x");
}

#[test]
fn a_post_is_redirected_with_its_body_only() {
    for (status, followed) in [(301, false), (302, false), (303, false), (307, true), (308, true)] {
        let mut talk = Talk::started();
        let post = talk.xml(1, "<x id='1'/>");
        talk.wait();
        let again = talk.status(status, Some("http://b.example.com/"), None);
        if followed {
            let (Want::Send(_, _, headers, body), Want::Send(method, url, h, b)) = (post, again) else {
                panic!()
            };
            assert_eq!((method, url.as_str(), h, b), (Method::Post, "http://b.example.com/", headers, body));
        } else {
            assert_eq!(again.ending(), (EndReason::HTTP, status));
        }
    }
}

#[test]
fn every_url_must_be_trusted() {
    let untrusted = end(EndReason::NOT_TRUSTED_DOMAIN, ResultCode::NOT_TRUSTED);
    let mut talk = Talk::with(&Config { start_url: "http://example.org/", ..config() }, 8192, 8192);
    assert_eq!(talk.input(Input::Start).ending(), untrusted);
    assert_eq!(Talk::started().status(302, Some("http://example.org/"), None).ending(), untrusted);
    let text = document(1, "next='http://example.org/'", "<write id='1' object='a' value='b'/>");
    assert_eq!(Talk::started().body(mmc::XML, text.as_bytes()).ending(), untrusted);
    // Without a trusted domain only the boot URL's host is trusted.
    let boot_only = Config { trusted_domain: "", ..config() };
    let mut talk = Talk::with(&boot_only, 8192, 8192);
    talk.input(Input::Start);
    talk.wait();
    assert_eq!(talk.status(302, Some("http://a.boot.example.com/"), None).ending(), untrusted);
    let long = document(1, &format!("next='http://example.com/{}'", "x".repeat(300)), "");
    assert_eq!(
        Talk::started().body(mmc::XML, long.as_bytes()).ending(),
        end(EndReason::MMC, ResultCode::TOO_BIG)
    );
}

#[test]
fn a_busy_server_is_asked_once_more() {
    let mut talk = Talk::started();
    assert_eq!(talk.status(503, None, Some(60)), Want::Wait(70 * SECOND));
    talk.now = 69 * SECOND;
    assert_eq!(talk.input(Input::Tick), Want::Wait(70 * SECOND));
    talk.now = 70 * SECOND;
    assert!(matches!(talk.input(Input::Tick), Want::Send(Method::Get, ..)));
    assert_eq!(talk.wait(), 100 * SECOND);
    assert_eq!(talk.status(503, None, Some(1)).ending(), (EndReason::HTTP, 503));
    assert_eq!(Talk::started().status(503, None, Some(61)).ending(), (EndReason::HTTP, 503));
}

#[test]
fn a_lost_post_is_repeated_twice_as_it_was() {
    let lose: [fn(&mut Talk) -> Want; 2] = [
        |talk| talk.input(Input::LinkDown),
        |talk| {
            talk.now += 30 * SECOND;
            talk.input(Input::Tick)
        },
    ];
    let endings = [end(EndReason::NO_SERVICE, ResultCode::SUCCESS), (EndReason::HTTP, 0)];
    for (lose, ending) in lose.into_iter().zip(endings) {
        let mut talk = Talk::started();
        let first = talk.xml(1, "<x id='1'/>");
        for _ in 0..2 {
            talk.wait();
            assert_eq!(lose(&mut talk), first);
        }
        talk.wait();
        assert_eq!(lose(&mut talk).ending(), ending);
        // A GET is not repeated.
        assert_eq!(lose(&mut Talk::started()).ending(), ending);
    }
}

#[test]
fn a_repeated_document_is_answered_from_memory() {
    let mut talk = Talk::started();
    let read = "<read id='1' object='a'/>";
    talk.xml(1, read);
    let post = talk.done(ResultCode::SUCCESS, Some(Value::Text("once")));
    for _ in 0..MAX_ECHOES {
        talk.wait();
        assert_eq!(talk.xml(1, read), post);
    }
    talk.wait();
    assert_eq!(talk.xml(1, read).ending(), end(EndReason::MMC, ResultCode::ABORT));
    let mut talk = Talk::started();
    talk.xml(1, "");
    talk.wait();
    talk.xml(1, "");
    talk.wait();
    talk.xml(2, "");
    talk.wait();
    assert_eq!(talk.xml(1, "").ending(), end(EndReason::MMC, ResultCode::NEW_DOC_ARRIVED));
}

#[test]
fn documents_out_of_order_end_the_session() {
    let wrong = end(EndReason::MMC, ResultCode::NEW_DOC_ARRIVED);
    assert_eq!(Talk::started().xml(2, "").ending(), wrong);
    let mut talk = Talk::started();
    talk.xml(1, "");
    talk.wait();
    assert_eq!(talk.xml(3, "").ending(), wrong);
    let mut talk = Talk::started();
    talk.xml(1, "");
    talk.wait();
    assert_eq!(talk.body(mmc::XML, b"<mmc version='1.0' session='T' doc='2'/>").ending(), wrong);
}

#[test]
fn the_session_timeout_rules_over_all() {
    let late = end(EndReason::SESSION_TIMEOUT, ResultCode::TIMEOUT);
    let mut talk = Talk::started();
    talk.now = 910 * SECOND;
    assert_eq!(talk.xml(1, "").ending(), late);
    let mut talk = Talk::started();
    talk.xml(1, "<commit id='1'/><read id='2' object='a'/>");
    talk.now = 910 * SECOND;
    let Want::End(outcome) = talk.ok() else { panic!() };
    assert_eq!(((outcome.reason, outcome.error), outcome.mmc_committed), (late, true));
    // Polling late is as good as a tick; no wait goes beyond the end.
    let mut talk = Talk::with(&Config { session_timeout: 20 * SECOND, ..config() }, 8192, 8192);
    talk.input(Input::Start);
    assert_eq!(talk.wait(), 30 * SECOND);
    talk.now = 30 * SECOND;
    assert_eq!(talk.poll().ending(), late);
}

#[test]
fn a_pushed_document_is_the_first() {
    let pushed = |attributes: &str| {
        let mut talk = Talk::with(&Config { start_url: "", reason: Reason::Push, ..config() }, 8192, 8192);
        let text = document(1, attributes, "<x id='1'/>");
        talk.session.receive_buffer()[..text.len()].copy_from_slice(text.as_bytes());
        talk.input(Input::Pushed { content_type: mmc::XML, len: text.len() })
    };
    let post = pushed("next='http://example.com/p'");
    assert_eq!((post.url(), post.header("X-IOTA-Reason")), ("http://example.com/p", None));
    assert_eq!(pushed("").ending(), end(EndReason::MMC, ResultCode::BAD_VALUE));
}

#[test]
fn results_that_do_not_fit_are_left_out() {
    let read = |id| format!("<read id='{id}' object='a' onerror='continue'/>");
    let reads = (1..=63).map(read).collect::<Vec<_>>().concat();
    let text = "x".repeat(1024);
    for tx in [MIN_ROOM, 6000, 16 * 1024, 256 * 1024] {
        for value in [
            Value::Text(&text),
            Value::Text("\u{1}"),
            Value::Data(text.as_bytes()),
            Value::Data(&[0; 9000]),
            Value::Text("&<>\"'\r"),
        ] {
            let mut talk = Talk::with(&config(), 64 * 1024, tx);
            talk.input(Input::Start);
            talk.wait();
            talk.xml(1, &format!("{reads}<x id='64'/>"));
            let mut want = Want::Wait(SECOND);
            for _ in 1..=63 {
                want = talk.done(ResultCode::SUCCESS, Some(value));
            }
            let results = want.results();
            assert_eq!(results.len(), 64);
            for (id, code, returned) in &results[..63] {
                match returned {
                    Some(Owned::Text(text)) => assert_eq!(Value::Text(text), value),
                    Some(Owned::Data(octets)) => assert_eq!(Value::Data(octets), value),
                    None => {
                        assert!(matches!(*code, ResultCode::TOO_BIG | ResultCode::BAD_VALUE), "{id} {code}");
                    }
                }
            }
            assert_eq!(results[63].1, ResultCode::UNKNOWN_COMMAND);
        }
    }
}

#[test]
fn too_long_a_text_is_left_out() {
    let mut talk = Talk::started();
    talk.xml(1, "<read id='1' object='a'/>");
    let post = talk.done(ResultCode::SUCCESS, Some(Value::Text(&"x".repeat(1025))));
    assert_eq!(post.results(), [(1, ResultCode::TOO_BIG, None)]);
}

#[test]
fn what_is_outstanding_can_be_asked_for_again() {
    for (state, handed_out) in
        [("idle", false), ("to send", false), ("sent", true), ("pause", false), ("over", false)]
    {
        assert_eq!(in_state(state).session.outstanding().is_some(), handed_out, "{state}");
    }
    let mut talk = Talk::new();
    let get = talk.input(Input::Start);
    assert_eq!(talk.session.outstanding().map(|output| Want::of(&output)), Some(get));
    assert!(in_state("to issue").session.outstanding().is_none());
    let mut talk = in_state("issued");
    let commit = Want::Execute(1, Verb::Commit, None, None);
    assert_eq!(talk.session.outstanding().map(|output| Want::of(&output)), Some(commit));
}

#[test]
fn a_document_of_the_registered_type_is_noticed() {
    let mut talk = Talk::started();
    assert!(!talk.session.claims_iota());
    let bytes = [3, 0xA4, 0, 0x6A, 0, 0x85, 5, 7, 3, b'S', 0, 8, 3, b'1', 0, 1];
    let post = talk.body(mmc::WBXML, &bytes);
    assert_eq!(post.header("Content-Type"), Some(mmc::WBXML));
    assert!(talk.session.claims_iota());
}

/// The states of the diagram, those with a request or command both before and after it was handed out.
fn in_state(state: &str) -> Talk {
    let mut talk = Talk::new();
    match state {
        "idle" => {}
        "to send" => talk.session.handle(talk.now, Input::Start).unwrap(),
        "sent" => drop(talk.input(Input::Start)),
        "pause" => {
            talk = Talk::started();
            talk.status(503, None, Some(5));
        }
        "to issue" | "issued" => {
            talk = Talk::started();
            let text = document(1, "", "<commit id='1'/>");
            talk.session.receive_buffer()[..text.len()].copy_from_slice(text.as_bytes());
            let reply = Reply {
                status: 200,
                content_type: Some(mmc::XML),
                location: None,
                retry_after: None,
                len: text.len(),
            };
            talk.session.handle(talk.now, Input::Reply(reply)).unwrap();
            if state == "issued" {
                talk.poll();
            }
        }
        "over" => drop(talk.input(Input::Abort)),
        other => panic!("{other}"),
    }
    talk
}

#[test]
fn every_state_meets_every_input() {
    let text = document(1, "next='http://example.com/'", "");
    let reply = Reply { status: 204, content_type: None, location: None, retry_after: None, len: 0 };
    let inputs = [
        ("start", Input::Start),
        ("pushed", Input::Pushed { content_type: mmc::XML, len: text.len() }),
        ("reply", Input::Reply(reply)),
        ("link down", Input::LinkDown),
        ("tick", Input::Tick),
        ("done", Input::Done(CommandResult { code: ResultCode::SUCCESS, value: None })),
        ("abort", Input::Abort),
    ];
    // What becomes of it: the kind of the next output, "-" if the input is refused and nothing changes.
    let table = [
        //            start     pushed    reply     down      tick      done      abort
        ("idle", ["send", "send", "-", "wait", "wait", "-", "end"]),
        ("to send", ["-", "-", "-", "end", "send", "-", "end"]),
        ("sent", ["-", "-", "end", "end", "wait", "-", "end"]),
        ("pause", ["-", "-", "-", "wait", "wait", "-", "end"]),
        ("to issue", ["-", "-", "-", "execute", "execute", "-", "end"]),
        ("issued", ["-", "-", "-", "wait", "wait", "send", "end"]),
        ("over", ["-", "-", "-", "end", "end", "-", "end"]),
    ];
    for (state, row) in table {
        for ((name, input), expected) in inputs.iter().zip(row) {
            let mut talk = in_state(state);
            if *name == "pushed" && state == "idle" {
                talk.session.receive_buffer()[..text.len()].copy_from_slice(text.as_bytes());
            }
            let before = format!("{:?}", talk.session.state);
            let result = talk.session.handle(talk.now, *input);
            let found = if result.is_ok() {
                match talk.poll() {
                    Want::Send(..) => "send",
                    Want::Execute(..) => "execute",
                    Want::Wait(_) => "wait",
                    Want::End(_) => "end",
                }
            } else {
                assert_eq!(result, Err(SessionError::Misuse));
                assert_eq!(format!("{:?}", talk.session.state), before);
                "-"
            };
            assert_eq!(found, expected, "{name} in {state}");
        }
    }
}

/// One step of a random conversation.
#[derive(Clone, Debug)]
enum Step {
    Start,
    Reply { status: u16, body: usize, mutate: Option<(usize, u8)>, cut: usize, location: bool },
    LinkDown,
    Tick(u64),
    Done(u8, Vec<u8>),
    Abort,
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    let status =
        prop_oneof![8 => Just(200_u16), 1 => Just(204), 1 => Just(307), 1 => Just(503), 1 => any::<u16>()];
    let reply =
        (status, 0_usize..6, proptest::option::of((any::<usize>(), any::<u8>())), 0_usize..20, any::<bool>());
    prop_oneof![
        6 => reply.prop_map(|(status, body, mutate, cut, location)| Step::Reply { status, body, mutate, cut: cut.saturating_sub(17), location }),
        6 => (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..50)).prop_map(|(code, value)| Step::Done(code, value)),
        1 => Just(Step::Start),
        1 => Just(Step::LinkDown),
        1 => (0_u64..40).prop_map(Step::Tick),
        1 => Just(Step::Poll),
        1 => prop_oneof![20 => Just(Step::Poll), 1 => Just(Step::Abort)],
    ]
}

fn bodies() -> [(String, Vec<u8>); 6] {
    let exec = "<exec id='1' object='is683/msg' valueref='cid:p0'/><write id='2' object='a' value='b'/><commit id='3'/>";
    let wbxml = [
        3, 1, 0x6A, 0, 0xC5, 5, 7, 3, b'S', 0, 8, 3, b'1', 0, 1, 0xC9, 0x0D, 3, b'1', 0, 0x0F, 1, 0x4F, 0xC3,
        1, 6, 1, 1, 1,
    ];
    [
        (mmc::XML.to_string(), document(1, "", "<read id='1' object='a'/><x id='2'/>").into_bytes()),
        (
            mmc::XML.to_string(),
            document(2, "", "<exec id='1' object='is683/msg'><data>Bg==</data></exec>").into_bytes(),
        ),
        (mmc::WBXML.to_string(), wbxml.to_vec()),
        multipart(&document(1, "", exec), &[(crate::iota::IS683, b"\x06")]),
        multipart(&document(2, "", exec), &[(crate::iota::IS683, b"\x06")]),
        multipart(&document(3, "next='http://b.example.com/'", exec), &[(crate::iota::IS683, b"\x06")]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_conversation_breaks_it(steps in proptest::collection::vec(step(), 1..40), tx in MIN_ROOM..6000_usize) {
        let bodies = bodies();
        let (mut rx, mut tx) = (vec![0; 6000], vec![0; tx]);
        let mut session = Session::new(&config(), &mut rx, &mut tx).unwrap();
        let mut now = Duration::ZERO;
        let mut over = None;
        for step in steps {
            let handled = match step {
                Step::Start => session.handle(now, Input::Start),
                Step::LinkDown => session.handle(now, Input::LinkDown),
                Step::Abort => session.handle(now, Input::Abort),
                Step::Poll => Ok(()),
                Step::Tick(seconds) => {
                    now += SECOND * u32::try_from(seconds).unwrap();
                    session.handle(now, Input::Tick)
                }
                Step::Done(code, value) => {
                    let value = String::from_utf8(value.clone()).is_ok_and(|_| code % 2 == 0)
                        .then(|| Value::Data(&value)).or(Some(Value::Text("text")));
                    session.handle(now, Input::Done(CommandResult { code: ResultCode(code % 3), value }))
                }
                Step::Reply { status, body, mutate, cut, location } => {
                    let (content_type, mut body) = bodies[body].clone();
                    if let Some((at, octet)) = mutate {
                        let len = body.len();
                        body[at % len] = octet;
                    }
                    body.truncate(body.len() - cut);
                    let buffer = session.receive_buffer();
                    buffer[..body.len()].copy_from_slice(&body);
                    let location = location.then_some("http://c.example.com/");
                    let reply = Reply { status, content_type: Some(&content_type), location, retry_after: Some(3), len: body.len() };
                    session.handle(now, Input::Reply(reply))
                }
            };
            prop_assert!(matches!(handled, Ok(()) | Err(SessionError::Misuse)));
            for round in 0.. {
                prop_assert!(round < 4, "poll does not settle");
                match session.poll(now) {
                    Output::Wait(until) => {
                        prop_assert!(until > now || until == Duration::MAX);
                        prop_assert!(over.is_none());
                        break;
                    }
                    Output::End(outcome) => {
                        prop_assert!(over.is_none_or(|over| over == outcome));
                        over = Some(outcome);
                        break;
                    }
                    Output::Send(request) => {
                        prop_assert!(request.deadline > now);
                        if request.method == Method::Post {
                            let content_type = request.headers.as_slice().last().unwrap().1;
                            results(content_type, request.body);
                        }
                    }
                    Output::Execute(command) => prop_assert!(command.verb != Verb::Unknown),
                }
            }
        }
    }

    #[test]
    fn every_answer_fits_and_reads_back(
        values in proptest::collection::vec((0_u8..4, any::<bool>(), "[ -~\u{80}-\u{2FF}]{0,400}"), 1..64),
        tx in MIN_ROOM..20_000_usize, wbxml in any::<bool>(),
    ) {
        let coding = if wbxml { Coding::Wbxml } else { Coding::Xml };
        let mut tx = vec![0; tx];
        let mut answers = Answers::new(coding, values.len());
        for (id, (kind, by_reference, text)) in (1..).zip(&values) {
            let value = match kind {
                0 => None,
                1 => Some(Value::Text(text)),
                _ => Some(Value::Data(text.as_bytes())),
            };
            let form = Form { by_reference: *by_reference, is683: *kind == 3 };
            answers.push(&mut tx, id, ResultCode::SUCCESS, value, form).unwrap();
        }
        let body = answers.compose(&mut tx, "S", 1).unwrap();
        let read = results(body.content_type.as_str(), &tx[body.start..body.end]);
        prop_assert_eq!(read.len(), values.len());
        for ((_, code, returned), (kind, _, text)) in read.iter().zip(&values) {
            match (kind, returned) {
                (0, returned) => prop_assert!(returned.is_none() && *code == ResultCode::SUCCESS),
                (1, Some(Owned::Text(returned))) => prop_assert_eq!(returned, text),
                (_, Some(Owned::Data(returned))) => prop_assert_eq!(&returned[..], text.as_bytes()),
                (_, returned) => prop_assert!(returned.is_none() && *code == ResultCode::TOO_BIG),
            }
        }
    }
}

/// `Answer` is what the server side writes; here only so that the grammar's two halves meet.
#[test]
fn an_answer_is_no_server_document() {
    let mut out = [0; 200];
    let mut writer =
        mmc::Writer::new(Coding::Wbxml, &mut out, &Head::Device { session: "S", re: 1 }).unwrap();
    writer.answer(&Answer { id: 1, code: ResultCode::SUCCESS, value: None }).unwrap();
    let bytes = writer.finish().unwrap().to_vec();
    assert_eq!(Talk::started().body(mmc::WBXML, &bytes).ending(), end(EndReason::MMC, ResultCode::BAD_VALUE));
}
