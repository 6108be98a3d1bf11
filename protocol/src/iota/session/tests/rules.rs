//! The rules of B6 and B7, one by one.

use super::*;
use crate::iota::mmc::{Answer, Head, SCRATCH};
use crate::mime::OCTET_STREAM;
use crate::wap::Coding;

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

/// Buffers of a small handset: an IS-683 message at a time, the largest parameter block included; what does not fit is refused
/// before anything is executed.
#[test]
fn small_buffers_take_less() {
    let small = || {
        let mut talk = Talk::with(&config(), 2048, 1024);
        talk.input(Input::Start);
        talk
    };
    let segment: Vec<u8> = (0..=255).chain([8, 0]).collect();
    let data = |document: &mut [u8]| {
        let mut writer =
            mmc::Writer::new(Coding::Wbxml, document, &Head::Server { session: "S", doc: 1, next: None })
                .unwrap();
        let exec = mmc::Command::new(1, Verb::Exec).on(IS683_OBJECT).with(mmc::Content::Data(&segment));
        writer.command(&exec).unwrap();
        writer.finish().unwrap().to_vec()
    };
    let mut talk = small();
    let want = talk.body(mmc::WBXML, &data(&mut [0; 1000]));
    let Want::Execute(1, Verb::Exec, _, Some(Owned::Data(octets))) = want else { panic!("{want:?}") };
    assert_eq!(octets, segment);
    let post = talk.done(ResultCode::SUCCESS, Some(Value::Data(&segment)));
    assert_eq!(post.results(), [(1, ResultCode::SUCCESS, Some(Owned::Data(segment.clone())))]);

    let too_big = end(EndReason::MMC, ResultCode::TOO_BIG);
    let commits =
        |count: usize| (1..=count).fold(String::new(), |all, id| format!("{all}<commit id='{id}'/>"));
    assert!(matches!(small().xml(1, &commits(12)), Want::Execute(..)));
    assert_eq!(small().xml(1, &commits(13)).ending(), too_big);
    // A body that may be this large, with a text that is larger than half the buffer.
    let write = |len| format!("<write id='1' object='a' value='{}'/>", "x".repeat(len));
    assert!(matches!(small().xml(1, &write(900)), Want::Execute(..)));
    let long = format!("<check id='1' object='{0}' value='{0}'/>", "x".repeat(490));
    let mut talk = Talk::with(&config(), 1900, 1024);
    talk.input(Input::Start);
    let len = document(1, "", &long).len();
    assert!((951..1900).contains(&len), "{len}");
    assert_eq!(talk.xml(1, &long).ending(), end(EndReason::MIME, ResultCode::TOO_BIG));
}

#[test]
fn configurations_and_buffers_are_checked() {
    let fails = |config: Config<'_>, rx: usize, tx: usize| {
        Session::new(&config, &mut vec![0; rx], &mut vec![0; tx]).map(|_| ()).unwrap_err()
    };
    assert_eq!(fails(config(), 1023, 8000), SessionError::NoRoom { needed: 1024 });
    assert_eq!(fails(config(), 8000, 703), SessionError::NoRoom { needed: 704 });
    assert_eq!(MIN_ROOM, 4736);
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
fn a_document_of_the_registered_type_is_noticed() {
    let mut talk = Talk::started();
    assert!(!talk.session.is_foreign());
    let bytes = [3, 0xA4, 0, 0x6A, 0, 0x85, 5, 7, 3, b'S', 0, 8, 3, b'1', 0, 1];
    let post = talk.body(mmc::WBXML, &bytes);
    assert_eq!(post.header("Content-Type"), Some(mmc::WBXML));
    assert!(talk.session.is_foreign());
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
