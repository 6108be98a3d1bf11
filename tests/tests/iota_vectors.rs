//! Every MMC vector of the fact sheet (B9): read, written back octet by octet, explained; and the session that they are
//! taken from (B8), message by message.

use core::time::Duration;

use kedge_protocol::iota::mmc::{self, Document, Element, Head, SCRATCH, Session, Verb};
use kedge_protocol::iota::session::{CommandResult, Config, Input, Method, Output, Reason, Reply, Value};
use kedge_protocol::iota::{EndReason, IS683, ResultCode};
use kedge_protocol::mime::{Boundary, MediaType, Piece, Related, RelatedWriter, Shape};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::Writer;
use kedge_tests::oracle_iota::{Vector, unhex};

/// The download requests of step 4 (parts f1, f2) and their responses (r1, r2).
const F1: &str = "0101001123640ac068e36f00c4721dc04815ffff8000";
const F2: &str = "08001601000012001200008000400121000280005000006edb00";
const R1: &str = "01010000";
const R2: &str = "080000000012";
/// The Protocol Capability Response of step 3.
const CAPABILITY: &str = "0601022a05000202010203030104010160";

/// Writes a document again, element by element, in either coding.
fn rewritten(document: &Document<'_>, coding: Coding) -> Vec<u8> {
    let (mut scratch, mut out) = (vec![0; SCRATCH + 16_000], vec![0; 8192]);
    let head = document.head(&mut scratch).unwrap();
    let mut writer = mmc::Writer::new(coding, &mut out, &head).unwrap();
    for number in 0..document.len() {
        match document.element(number, &mut scratch).unwrap().unwrap() {
            Element::Command(command) => writer.command(&command).unwrap(),
            Element::Answer(answer) => writer.answer(&answer).unwrap(),
        }
    }
    writer.finish().unwrap().to_vec()
}

#[test]
fn documents_round_trip_and_explain_themselves() {
    let vectors = Vector::all("iota");
    assert_eq!(vectors.len(), 7, "vectors are missing");
    for vector in &vectors {
        let mut scratch = [0; SCRATCH];
        let document = Document::check(Coding::Wbxml, &vector.bytes, &mut scratch).unwrap();
        assert_eq!(rewritten(&document, Coding::Wbxml), vector.bytes, "{}", vector.name());
        // Through XML and back it is the same document.
        let text = rewritten(&document, Coding::Xml);
        let twin = Document::check(Coding::Xml, &text, &mut scratch).unwrap();
        assert_eq!(rewritten(&twin, Coding::Wbxml), vector.bytes, "{}", vector.name());
        let mut explanation = String::new();
        assert_eq!(mmc::dump(Coding::Wbxml, &vector.bytes, &mut scratch, &mut explanation).unwrap(), None);
        vector.explain(&explanation);
    }
    kedge_tests::figure!("{} MMC vectors round-trip octet by octet", vectors.len());
}

#[test]
fn the_text_of_the_first_document_is_the_one_of_the_fact_sheet() {
    let text = br#"<mmc version="1.0" session="A1" doc="1"><exec id="1" object="is683/msg"><data>Bg==</data></exec></mmc>"#;
    let document = Document::check(Coding::Xml, text, &mut [0; SCRATCH]).unwrap();
    assert_eq!(rewritten(&document, Coding::Wbxml), Vector::named("iota", "doc1-inline").bytes);
    assert_eq!(rewritten(&document, Coding::Xml), text);
}

/// The HTTP body of step 4.
fn step4() -> (String, Vec<u8>) {
    let document = Vector::named("iota", "doc2-references").bytes;
    let (f1, f2) = (unhex(F1), unhex(F2));
    let boundary = Boundary::new("mmcB").unwrap();
    let (mut out, mut header) = ([0; 1024], [0; 128]);
    let mut writer = RelatedWriter::new(&mut out, boundary);
    let root = Piece { media_type: mmc::WBXML, content_id: "mmc", content: &document };
    writer.piece(&root).unwrap();
    writer.piece(&Piece { media_type: IS683, content_id: "f1", content: &f1 }).unwrap();
    writer.piece(&Piece { media_type: IS683, content_id: "f2", content: &f2 }).unwrap();
    let body = writer.finish().unwrap().to_vec();
    let mut w = Writer::new(&mut header);
    boundary.content_type(&root, &mut w).unwrap();
    (String::from_utf8(w.finish().to_vec()).unwrap(), body)
}

#[test]
fn the_body_of_several_parts_is_the_one_of_the_fact_sheet() {
    let part = |kind: &str, id: &str, content: &[u8]| {
        let head = format!(
            "--mmcB\r\nContent-Type: {kind}\r\nContent-ID: <{id}>\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        );
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    let document = Vector::named("iota", "doc2-references").bytes;
    let (f1, f2) = (unhex(F1), unhex(F2));
    let expected = [
        part("application/iota.mmc-wbxml", "mmc", &document),
        part("application/x-is683", "f1", &f1),
        part("application/x-is683", "f2", &f2),
        b"--mmcB--\r\n".to_vec(),
    ];
    let (content_type, body) = step4();
    assert_eq!(body, expected.concat());
    assert_eq!(
        content_type,
        r#"multipart/related; type="application/iota.mmc-wbxml"; start="<mmc>"; boundary=mmcB"#
    );
    let related = Related::new(&MediaType::parse(&content_type).unwrap(), &body).unwrap();
    assert_eq!(related.check(), Ok(Shape { parts: 3, root: 0 }));
}

/// A session with one step of its conversation after the other.
struct Caller<'b> {
    session: Session<'b>,
}

impl Caller<'_> {
    fn reply(&mut self, content_type: &str, body: &[u8]) {
        self.session.receive_buffer()[..body.len()].copy_from_slice(body);
        let content_type = Some(content_type);
        let reply = Reply { status: 200, content_type, location: None, retry_after: None, len: body.len() };
        self.session.handle(Duration::ZERO, Input::Reply(reply)).unwrap();
    }

    fn document(&mut self, name: &str) {
        self.reply(mmc::WBXML, &Vector::named("iota", name).bytes);
    }

    /// Expects a command and gives its result.
    fn execute(
        &mut self,
        verb: Verb,
        object: Option<&str>,
        value: Option<Value<'_>>,
        returned: Option<Value<'_>>,
    ) {
        let Output::Execute(command) = self.session.poll(Duration::ZERO) else { panic!("no {verb}") };
        assert_eq!((command.verb, command.object, command.value), (verb, object, value));
        let result = CommandResult { code: ResultCode::SUCCESS, value: returned };
        self.session.handle(Duration::ZERO, Input::Done(result)).unwrap();
    }

    fn message(&mut self, forward: &str, reverse: &str) {
        let (forward, reverse) = (unhex(forward), unhex(reverse));
        let (value, returned) = (Some(Value::Data(&forward)), Some(Value::Data(&reverse)));
        self.execute(Verb::Exec, Some("is683/msg"), value, returned);
    }

    fn post(&mut self) -> (String, Vec<u8>) {
        let Output::Send(request) = self.session.poll(Duration::ZERO) else { panic!("no request") };
        assert_eq!((request.method, request.url), (Method::Post, "http://boot.example.com/"));
        let (name, content_type) = *request.headers.as_slice().last().unwrap();
        assert_eq!(name, "Content-Type");
        (content_type.to_owned(), request.body.to_vec())
    }

    fn expect_post(&mut self, name: &str) {
        assert_eq!(self.post(), (mmc::WBXML.to_owned(), Vector::named("iota", name).bytes));
    }
}

#[test]
fn the_session_of_the_fact_sheet() {
    let config = Config {
        start_url: "http://boot.example.com/",
        reason: Reason::Boot,
        make: "Acme",
        model: "DevKit1",
        version: "1.4.2",
        esn: Some(0x8012_3456),
        meid: None,
        trusted_domain: "example.com",
        boot_url: "http://boot.example.com/",
        connection_timeout: Duration::from_secs(30),
        session_timeout: Duration::from_secs(900),
    };
    let (mut rx, mut tx) = ([0; 8192], [0; 8192]);
    let mut caller = Caller { session: Session::new(&config, &mut rx, &mut tx).unwrap() };
    caller.session.handle(Duration::ZERO, Input::Start).unwrap();
    let Output::Send(get) = caller.session.poll(Duration::ZERO) else { panic!("no request") };
    assert_eq!((get.method, get.url), (Method::Get, "http://boot.example.com/"));

    caller.document("doc1-inline");
    caller.message("06", CAPABILITY);
    caller.expect_post("re1-inline");

    let (content_type, body) = step4();
    caller.reply(&content_type, &body);
    caller.message(F1, R1);
    caller.message(F2, R2);
    let (content_type, body) = caller.post();
    let related = Related::new(&MediaType::parse(&content_type).unwrap(), &body).unwrap();
    let parts: Vec<_> = related.parts().map(Result::unwrap).collect();
    assert_eq!(parts[0].content, Vector::named("iota", "re2-references").bytes);
    for (part, (id, message)) in parts[1..].iter().zip([("r1", R1), ("r2", R2)]) {
        assert_eq!((part.content_id, part.content), (Some(id), &unhex(message)[..]));
        assert_eq!(part.media_type.unwrap().essence(), "application/x-is683-response");
    }

    caller.document("doc3-write-commit-read");
    caller.execute(Verb::Write, Some("phn/homepage"), Some(Value::Text("http://home.example")), None);
    caller.execute(Verb::Commit, None, None, None);
    caller.execute(Verb::Read, Some("dev/mmv"), None, Some(Value::Text("Acme;DevKit1;1.4.2")));
    caller.expect_post("re3-values");

    caller.document("doc4-disconnect");
    let Output::End(outcome) = caller.session.poll(Duration::ZERO) else { panic!("no end") };
    assert_eq!((outcome.reason, outcome.error, outcome.last_doc), (EndReason::DISCONNECT, 0, 4));
    assert!(outcome.reboot && outcome.mmc_committed);
}

#[test]
fn a_cut_document_is_shown_up_to_the_cut() {
    let mut scratch = [0; SCRATCH];
    for vector in Vector::all("iota") {
        for cut in 0..vector.bytes.len() {
            let mut text = String::new();
            let fault = mmc::dump(Coding::Wbxml, &vector.bytes[..cut], &mut scratch, &mut text).unwrap();
            let fault = fault.expect("a cut is a fault");
            assert!(fault.at <= cut, "{fault} in {cut}");
            assert!(text.lines().last().unwrap().contains("FAULT"), "{text}");
        }
    }
}

#[test]
fn heads_tell_who_speaks() {
    let mut scratch = [0; SCRATCH];
    let bytes = Vector::named("iota", "re1-inline").bytes;
    let document = Document::check(Coding::Wbxml, &bytes, &mut scratch).unwrap();
    assert_eq!(document.head(&mut scratch).unwrap(), Head::Device { session: "A1", re: 1 });
}
