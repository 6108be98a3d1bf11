//! What holds for every input: the table of states, and random conversations.

use super::*;
use crate::wap::Coding;
use proptest::prelude::*;

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
        let mut answers = Answers::new(mmc::Mmc(coding), values.len());
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
