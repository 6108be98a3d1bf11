//! Every row of section 4.4, timers, polling, and the report.

use std::time::Duration;

use kedge_protocol::cbor::Encoder;
use kedge_protocol::license::answer::ProblemCode;
use kedge_protocol::license::session::{
    Input, Method, Outcome, Output, Reply, Session, SessionError, URL_BUFFER,
};
use kedge_protocol::license::{Refusal, State};

use super::redirects::{CONFIG, ENTRY, NOTHING};
use super::support::TYPE;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Runs `script` on a session that waits for its first answer.
fn asked<T>(script: impl FnOnce(&mut Session<'_>) -> T) -> T {
    let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
    let mut session = Session::request(CONFIG, ENTRY, at(0), &mut rx, &mut urls).expect("good");
    assert!(matches!(session.poll(at(0)), Output::Send(request) if request.url == ENTRY));
    script(&mut session)
}

fn give(session: &mut Session<'_>, now: u64, status: u16, content_type: Option<&str>, body: &[u8]) {
    session.receive_buffer()[..body.len()].copy_from_slice(body);
    let reply = Reply { status, content_type, len: body.len(), ..NOTHING };
    session.handle(at(now), Input::Reply(reply)).expect("in order");
}

fn end(session: &mut Session<'_>, now: u64) -> Option<Outcome> {
    match session.poll(at(now)) {
        Output::End(outcome) => Some(outcome),
        _ => None,
    }
}

/// How a session ends on one answer.
fn answered(status: u16, content_type: Option<&str>, body: &[u8]) -> Option<Outcome> {
    asked(|session| {
        give(session, 1, status, content_type, body);
        end(session, 1)
    })
}

#[test]
fn the_request_says_what_is_wanted() {
    let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
    let mut session = Session::request(CONFIG, ENTRY, at(0), &mut rx, &mut urls).expect("good");
    let Output::Send(request) = session.poll(at(0)) else { panic!("no request") };
    assert_eq!(
        request.accept,
        "application/vnd.example.provisioning+cbor, application/vnd.example.user-action+cbor;q=0.9, \
         application/concise-problem-details+cbor;q=0.8"
    );
    assert_eq!((request.language, request.user_agent), (Some("en"), "example-client/1.4.2"));
    assert_eq!((request.method, request.body, request.content_type), (Method::Get, &b""[..], None));
}

#[test]
fn a_document_is_installed_and_reported() {
    asked(|session| {
        give(session, 1, 200, Some(TYPE), b"document");
        match session.poll(at(1)) {
            Output::Install { media_type, document } => {
                assert_eq!((media_type, document), (TYPE, &b"document"[..]));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(session.poll(at(500)), Output::Wait(_)), "installing takes the time it takes");
        let installed = Input::Installed { state: State::Trial, report: b"report" };
        session.handle(at(500), installed).expect("in order");
        match session.poll(at(500)) {
            Output::Send(request) => {
                assert_eq!(request.url, "https://prov.example/v1/entry/ack");
                assert_eq!((request.method, request.body), (Method::Post, &b"report"[..]));
                assert!(request.content_type.is_some());
            }
            other => panic!("{other:?}"),
        }
        give(session, 501, 200, None, b"");
        assert_eq!(end(session, 501), Some(Outcome::Installed { state: State::Trial, reported: true }));
    });
}

#[test]
fn what_is_installed_stays_so_whatever_becomes_of_the_report() {
    type Trouble = fn(&mut Session<'_>);
    let troubles: [Trouble; 5] = [
        |session| give(session, 2, 500, None, b""),
        |session| session.handle(at(2), Input::LinkDown).expect("in order"),
        |session| session.handle(at(2), Input::Abort).expect("in order"),
        |session| session.handle(at(1000), Input::Tick).expect("in order"),
        |session| {
            let reply = Reply { status: 302, location: Some("https://evil.example/"), ..NOTHING };
            session.handle(at(2), Input::Reply(reply)).expect("in order");
        },
    ];
    for trouble in troubles {
        asked(|session| {
            give(session, 1, 200, Some(TYPE), b"document");
            assert!(matches!(session.poll(at(1)), Output::Install { .. }));
            let installed = Input::Installed { state: State::Full, report: b"report" };
            session.handle(at(1), installed).expect("in order");
            assert!(matches!(session.poll(at(1)), Output::Send(_)));
            trouble(session);
            assert_eq!(end(session, 2), Some(Outcome::Installed { state: State::Full, reported: false }));
        });
    }
}

#[test]
fn a_refused_document_ends_the_session() {
    asked(|session| {
        give(session, 1, 200, Some(TYPE), b"document");
        assert!(matches!(session.poll(at(1)), Output::Install { .. }));
        session.handle(at(1), Input::Refused(Refusal::STORAGE)).expect("in order");
        assert_eq!(end(session, 1), Some(Outcome::Refused(Refusal::STORAGE)));
    });
}

#[test]
fn other_answers_end_as_the_table_says() {
    assert_eq!(answered(204, None, b""), Some(Outcome::NothingToDo));
    assert_eq!(answered(200, Some("text/html; charset=utf-8"), b"<p>"), Some(Outcome::NeedsBrowser));
    assert_eq!(answered(200, None, b"x"), Some(Outcome::BadAnswer));
    assert_eq!(answered(200, Some("application/octet-stream"), b"x"), Some(Outcome::BadAnswer));
    assert_eq!(answered(200, Some("no type"), b"x"), Some(Outcome::BadAnswer));
    assert_eq!(answered(202, Some(TYPE), b"x"), Some(Outcome::Http { status: 202, retry_after: None }));
    assert_eq!(
        answered(404, Some("text/html"), b"x"),
        Some(Outcome::Http { status: 404, retry_after: None })
    );
    assert_eq!(answered(100, None, b""), Some(Outcome::Http { status: 100, retry_after: None }));
    let coded = asked(|session| {
        let reply = Reply { status: 200, content_type: Some(TYPE), encoded: true, len: 4, ..NOTHING };
        session.handle(at(1), Input::Reply(reply)).expect("in order");
        end(session, 1)
    });
    assert_eq!(coded, Some(Outcome::BadAnswer));
    let large = asked(|session| {
        let reply = Reply { status: 200, content_type: Some(TYPE), len: 1025, ..NOTHING };
        session.handle(at(1), Input::Reply(reply)).expect("in order");
        end(session, 1)
    });
    assert_eq!(large, Some(Outcome::TooBig));
}

#[test]
fn a_device_with_a_browser_hands_pages_to_it() {
    let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
    let config = kedge_protocol::license::session::Config { browser: true, ..CONFIG };
    let mut session = Session::request(config, ENTRY, at(0), &mut rx, &mut urls).expect("good");
    assert!(
        matches!(session.poll(at(0)), Output::Send(request) if request.accept.ends_with("text/html;q=0.5"))
    );
    give(&mut session, 1, 200, Some("text/html"), b"");
    assert!(matches!(session.poll(at(1)), Output::Browse(url) if url == ENTRY));
    assert_eq!(end(&mut session, 1), Some(Outcome::HandedOver));
}

#[test]
fn client_provisioning_goes_to_the_dispatcher() {
    asked(|session| {
        give(session, 1, 200, Some("application/vnd.wap.connectivity-wbxml"), b"\x03\x0B");
        assert!(matches!(session.poll(at(1)), Output::Dispatch { body: b"\x03\x0B", .. }));
        assert_eq!(end(session, 1), Some(Outcome::Dispatched));
    });
}

#[test]
fn sealed_documents_are_opened_first() {
    asked(|session| {
        give(session, 1, 200, Some("application/vnd.example.sealed+cbor"), b"sealed");
        assert!(matches!(session.poll(at(1)), Output::Unseal { sealed: b"sealed" }));
        let installed = Input::Installed { state: State::Full, report: b"" };
        session.handle(at(1), installed).expect("in order");
        assert_eq!(end(session, 1), Some(Outcome::Installed { state: State::Full, reported: false }));
    });
}

#[test]
fn problems_are_told_and_retry_after_is_clamped_to_a_day() {
    let mut room = [0; 64];
    let mut e = Encoder::new(&mut room);
    let body = (|| {
        e.map(2)?.integer(-1)?.text("No more trials")?.integer(-70_003)?.unsigned(1)?;
        Ok::<_, kedge_protocol::wire::Error>(())
    })();
    body.expect("room");
    let body = e.finish().to_vec();
    for (given, obeyed) in [(None, None), (Some(60), Some(at(60))), (Some(900_000), Some(at(86_400)))] {
        let outcome = asked(|session| {
            session.receive_buffer()[..body.len()].copy_from_slice(&body);
            let reply = Reply {
                status: 403,
                content_type: Some("application/concise-problem-details+cbor"),
                retry_after: given,
                len: body.len(),
                ..NOTHING
            };
            session.handle(at(1), Input::Reply(reply)).expect("in order");
            end(session, 1)
        });
        let code = Some(ProblemCode::TRIAL_USED);
        assert_eq!(outcome, Some(Outcome::Problem { code, status: 403, retry_after: obeyed }));
    }
    // one that cannot be read is a status
    let broken = answered(500, Some("application/concise-problem-details+cbor"), b"\xFF");
    assert_eq!(broken, Some(Outcome::Http { status: 500, retry_after: None }));
}

/// `{1: url, 2: code, 3: interval, 4: lifetime, 5: poll URL}`
fn user_action(interval: u64, lifetime: u64, poll: &str) -> Vec<u8> {
    let mut room = [0; 256];
    let mut e = Encoder::new(&mut room);
    let written = (|| {
        e.map(5)?.unsigned(1)?.text("https://prov.example/device")?.unsigned(2)?.text("WDJB-MJHT")?;
        e.unsigned(3)?.unsigned(interval)?.unsigned(4)?.unsigned(lifetime)?.unsigned(5)?.text(poll)?;
        Ok::<_, kedge_protocol::wire::Error>(())
    })();
    written.expect("room");
    e.finish().to_vec()
}

const ACTION: &str = "application/vnd.example.user-action+cbor";

#[test]
fn a_user_without_a_browser_gets_a_code_and_the_device_polls() {
    asked(|session| {
        give(session, 1, 200, Some(ACTION), &user_action(1, 600, "/poll?c=1"));
        match session.poll(at(1)) {
            Output::Show(action) => assert_eq!((action.code, action.interval), ("WDJB-MJHT", at(5))),
            other => panic!("{other:?}"),
        }
        assert!(matches!(session.poll(at(1)), Output::Wait(until) if until == at(6)));
        // 202, a lost link, no answer: it goes on
        for (now, trouble) in [(6, 0), (20, 1), (40, 2)] {
            match session.poll(at(now)) {
                Output::Send(request) => assert_eq!(request.url, "https://prov.example/poll?c=1"),
                other => panic!("{now}: {other:?}"),
            }
            match trouble {
                0 => give(session, now, 202, None, b""),
                1 => session.handle(at(now), Input::LinkDown).expect("in order"),
                _ => session.handle(at(now + 30), Input::Tick).expect("in order"),
            }
        }
        assert!(matches!(session.poll(at(80)), Output::Send(_)));
        give(session, 80, 200, Some(TYPE), b"document");
        assert!(matches!(session.poll(at(80)), Output::Install { .. }));
    });
}

#[test]
fn polling_ends_with_the_code_a_refusal_or_the_user_session() {
    let outcome = asked(|session| {
        give(session, 1, 200, Some(ACTION), &user_action(5, 60, "/poll"));
        assert!(matches!(session.poll(at(1)), Output::Show(_)));
        end(session, 61)
    });
    assert_eq!(outcome, Some(Outcome::TimedOut));
    let outcome = asked(|session| {
        give(session, 1, 200, Some(ACTION), &user_action(5, 90_000, "/poll"));
        assert!(matches!(session.poll(at(1)), Output::Show(_)));
        assert!(!matches!(session.poll(at(1799)), Output::End(_)));
        end(session, 1800)
    });
    assert_eq!(outcome, Some(Outcome::TimedOut), "half an hour");
    let outcome = asked(|session| {
        give(session, 1, 200, Some(ACTION), &user_action(5, 60, "/poll"));
        assert!(matches!(session.poll(at(1)), Output::Show(_)));
        assert!(matches!(session.poll(at(6)), Output::Send(_)));
        give(session, 6, 410, None, b"");
        end(session, 6)
    });
    assert_eq!(outcome, Some(Outcome::Http { status: 410, retry_after: None }));
    for bad in ["https://evil.example/poll", "http://prov.example/poll"] {
        let outcome = answered(200, Some(ACTION), &user_action(5, 60, bad));
        assert!(matches!(outcome, Some(Outcome::Url(_))), "{bad}");
    }
    assert_eq!(answered(200, Some(ACTION), b"\xA0"), Some(Outcome::BadAnswer));
}

#[test]
fn time_limits_hold() {
    assert_eq!(asked(|session| end(session, 30)), Some(Outcome::TimedOut), "no head in 30 s");
    let outcome = asked(|session| {
        for hop in 0..6_u64 {
            let location = format!("/{hop}");
            let reply = Reply { status: 302, location: Some(&location), ..NOTHING };
            session.handle(at(25 * (hop + 1)), Input::Reply(reply)).expect("in order");
            if let Some(outcome) = end(session, 25 * (hop + 1)) {
                return Some((hop, outcome));
            }
        }
        None
    });
    assert_eq!(outcome, Some((4, Outcome::TimedOut)), "120 s in all");
    assert_eq!(
        asked(|session| {
            session.handle(at(1), Input::LinkDown).expect("in order");
            end(session, 1)
        }),
        Some(Outcome::LinkDown)
    );
}

#[test]
fn what_makes_no_sense_is_misuse_and_changes_nothing() {
    let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
    let mut session = Session::request(CONFIG, ENTRY, at(0), &mut rx, &mut urls).expect("good");
    let reply = Input::Reply(Reply { status: 204, ..NOTHING });
    assert_eq!(session.handle(at(0), reply), Err(SessionError::Misuse), "not sent yet");
    assert!(matches!(session.poll(at(0)), Output::Send(_)));
    assert_eq!(session.handle(at(0), Input::Refused(Refusal::STORAGE)), Err(SessionError::Misuse));
    session.handle(at(0), reply).expect("in order");
    assert_eq!(session.handle(at(0), reply), Err(SessionError::Misuse), "it is over");
    assert_eq!(session.handle(at(0), Input::Abort), Ok(()));
    assert_eq!(end(&mut session, 0), Some(Outcome::NothingToDo));
    let mut small = [0; 100];
    let refused = Session::request(CONFIG, ENTRY, at(0), &mut rx, &mut small).err();
    let error = refused.map(|(error, _)| error);
    assert_eq!(error, Some(SessionError::NoRoom { needed: URL_BUFFER }));
}
