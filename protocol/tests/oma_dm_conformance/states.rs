//! Every state of a session with every input: what is taken, what changes nothing, what is refused.

use core::time::Duration;

use crate::desk::*;
use kedge_protocol::dm::auth::{Nonce, Scheme};
use kedge_protocol::dm::session::{
    Account, Answer, Config, Conversation, End, Initiator, Input, Output, Reply, Session, SessionError,
};
use kedge_protocol::dm::{Caller, New, Object, Tree, UriLimits};
use kedge_protocol::syncml::{Dialect, XML};
use kedge_protocol::wap::Coding;

const NOW: Duration = Duration::from_secs(1);

/// How far a session is driven before the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// A request waits to be handed out, or was.
    ToSend,
    Sent,
    /// The same for a question.
    ToAsk,
    Asked,
    /// The same for an abort.
    ToPart,
    Parted,
    Over,
}

const STATES: [State; 8] = [
    State::Idle,
    State::ToSend,
    State::Sent,
    State::ToAsk,
    State::Asked,
    State::ToPart,
    State::Parted,
    State::Over,
];

const CONFIRM: &str = "<SyncML><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1F</SessionID>\
    <MsgID>1</MsgID><Target><LocURI>d</LocURI></Target><Source><LocURI>s</LocURI></Source></SyncHdr><SyncBody><Alert>\
    <CmdID>1</CmdID><Data>1101</Data><Item/><Item><Data>?</Data></Item></Alert><Final/></SyncBody></SyncML>";

/// What an input leads to, in words.
fn outcome(state: State, input: usize) -> String {
    let (mut rx, mut tx, mut work) = (vec![0; 4096], vec![0; 2048], vec![0; 2048]);
    let account = Account {
        server_id: "srv",
        url: "http://dm.example.test/",
        client: None,
        scheme: None,
        client_nonce: Nonce::EMPTY,
        nonce_is_text: false,
        server: None,
        server_scheme: Scheme::Md5,
        server_nonce: Nonce::EMPTY,
    };
    let config = Config {
        account,
        device: "d",
        session_id: 0x1F,
        initiator: Initiator::Client,
        dialect: Dialect::V1_2,
        coding: Coding::Xml,
        notices: &[],
        has_user: true,
        max_object: 0,
        exchange_timeout: Duration::from_secs(30),
        prompt_timeout: Duration::from_secs(60),
        session_timeout: Duration::from_secs(3600),
    };
    let mut own = Conversation::NONE;
    let mut session = Session::new(&config, &mut own, &mut rx, &mut tx, &mut work).unwrap();
    let (mut dev_info, mut lamp, mut memory) = (DevInfo, Lamp::default(), Memory::default());
    let mut image = vec![0; 1024];
    let objects: &mut [&mut dyn Object] = &mut [&mut dev_info, &mut lamp];
    let mut tree = Tree::open(&mut image, objects, &mut memory, UriLimits::OWN).unwrap();
    tree.replace(Caller::Device, "./Lamp/Colour", &New::value(b"red")).unwrap();
    let mut crypto = TestCrypto(0);
    let confirm = Reply { status: 200, content_type: Some(XML), mac: None, len: CONFIRM.len() };
    let mut drive = |session: &mut Session<'_>, input| session.handle(NOW, input, &mut tree, &mut crypto);
    if state != State::Idle {
        drive(&mut session, Input::Start).unwrap();
    }
    if !matches!(state, State::Idle | State::ToSend) {
        assert!(matches!(session.poll(), Output::Send(_)));
    }
    if matches!(state, State::ToAsk | State::Asked) {
        session.receive_buffer()[..CONFIRM.len()].copy_from_slice(CONFIRM.as_bytes());
        drive(&mut session, Input::Reply(confirm)).unwrap();
    }
    if state == State::Asked {
        assert!(matches!(session.poll(), Output::Ask(_)));
    }
    if matches!(state, State::ToPart | State::Parted) {
        drive(&mut session, Input::Abort).unwrap();
    }
    if state == State::Parted {
        assert!(matches!(session.poll(), Output::Send(_)));
    }
    if state == State::Over {
        let reply = Reply { status: 404, content_type: None, mac: None, len: 0 };
        drive(&mut session, Input::Reply(reply)).unwrap();
    }
    let input = match input {
        0 => Input::Start,
        1 => Input::Reply(Reply { status: 500, content_type: None, mac: None, len: 0 }),
        2 => Input::LinkDown,
        3 => Input::Tick,
        4 => Input::Answered(Answer::Accepted),
        _ => Input::Abort,
    };
    match drive(&mut session, input) {
        Err(SessionError::Misuse) => "misuse".into(),
        Err(other) => format!("{other:?}"),
        Ok(()) => match session.poll() {
            Output::Send(_) => "send".into(),
            Output::Ask(_) => "ask".into(),
            Output::Wait(_) => "wait".into(),
            Output::End(outcome) => format!("{:?}", outcome.end),
        },
    }
}

#[test]
fn every_input_in_every_state_is_taken_or_refused_as_documented() {
    let http = format!("{:?}", End::Http(500));
    let table: [(State, [&str; 6]); 8] = [
        // Start, Reply, LinkDown, Tick, Answered, Abort
        (State::Idle, ["send", "misuse", "wait", "wait", "misuse", "ClientAborted"]),
        (State::ToSend, ["misuse", "misuse", "send", "send", "misuse", "send"]),
        (State::Sent, ["misuse", &http, "send", "wait", "misuse", "send"]),
        (State::ToAsk, ["misuse", "misuse", "ask", "ask", "misuse", "send"]),
        (State::Asked, ["misuse", "misuse", "wait", "wait", "send", "send"]),
        (State::ToPart, ["misuse", "misuse", "send", "send", "misuse", "send"]),
        (State::Parted, ["misuse", "ClientAborted", "ClientAborted", "wait", "misuse", "wait"]),
        (State::Over, ["misuse", "misuse", "Http(404)", "Http(404)", "misuse", "Http(404)"]),
    ];
    assert_eq!(table.map(|(state, _)| state), STATES);
    for (state, expected) in table {
        for (input, expected) in expected.into_iter().enumerate() {
            assert_eq!(outcome(state, input), expected, "{state:?}, input {input}");
        }
    }
}
