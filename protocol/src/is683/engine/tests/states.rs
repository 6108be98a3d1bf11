//! Every state against every message type, and any sequence of messages.
use super::*;
use proptest::prelude::*;

/// A request of each type, and how the answer of a state that lets it pass begins; `None` where there is no answer.
const REQUESTS: [(&str, Option<&str>); 27] = [
    ("000101", Some("0001010001")),
    (NAM, Some("01010000")),
    ("0203", Some("0203")),
    ("030101", Some("030300")),
    ("0401020304", None),
    ("05", Some("0500")),
    ("06", Some("0601022a")),
    ("0700", Some("070000")),
    (PRL_WHOLE, Some("080000")),
    ("09010003000000", Some("0901000")),
    ("0a80", Some("0a00")),
    ("0b00", Some("0b0007")),
    ("0c01000000", Some("0c010007")),
    ("0d0105", Some("0d01050001")),
    ("0e0100018000", Some("0e010000")),
    ("0f00", Some("0f03")),
    ("10", None),
    ("110100", Some("1101000007")),
    ("1201000000", Some("12010007")),
    ("1300", Some("130007")),
    ("14000700000000000000", Some("140007")),
    ("158000", Some("1503")),
    ("160100", Some("1601000007")),
    ("1701000000", Some("17010007")),
    ("180100", Some("1801000007")),
    ("1901000000", Some("19010007")),
    ("1a", None),
];

/// Where the RESULT_CODE stands in the answers to [`REQUESTS`]; `None` where the answer has none.
fn result_of(answer: &str) -> Option<u8> {
    let bytes = unhex(answer);
    let at = match bytes[0] {
        0x00 | 0x0D | 0x11 | 0x16 | 0x18 => 4,
        0x01 | 0x09 | 0x0C | 0x0E | 0x12 | 0x17 | 0x19 => 3,
        0x07 | 0x08 | 0x0B | 0x13 | 0x14 => 2,
        0x06 => return None,
        _ => 1,
    };
    Some(bytes[at])
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    User,
    UserLocked,
    Waiting,
    Started,
    StartedLocked,
    Unproven,
    Stopped,
}

fn session_in(state: State) -> Session {
    let spc = if matches!(state, State::UserLocked | State::StartedLocked) { "123456" } else { "000000" };
    let mut phone = Handset::locked(spc);
    (phone.spasm, phone.nam_lock) = (true, state == State::Unproven);
    let mut session = match state {
        State::User | State::UserLocked => Session::new(phone),
        _ => Session::network_initiated(phone),
    };
    match state {
        State::Started | State::StartedLocked | State::Unproven => drop(session.send("0a80")),
        State::Stopped => {
            session.send("0a80");
            session.send("0a00");
        }
        _ => {}
    }
    session
}

/// The code with which `state` refuses a message of `msg_type`; `None` if it lets it pass.
fn refused_in(state: State, msg_type: u8) -> Option<u8> {
    let locked = matches!(state, State::UserLocked | State::StartedLocked);
    match (state, msg_type) {
        (State::User | State::UserLocked | State::Stopped, 0x0A) => Some(0x06),
        (_, 0x06 | 0x0A) => None,
        (State::Waiting | State::Stopped, _) => Some(0x06),
        (_, 0x09) => locked.then_some(0x0B),
        _ => (locked || state == State::Unproven).then_some(0x0A),
    }
}

#[test]
fn every_state_meets_every_message_type() {
    let states = [
        State::User,
        State::UserLocked,
        State::Waiting,
        State::Started,
        State::StartedLocked,
        State::Unproven,
        State::Stopped,
    ];
    let mut pairs = 0;
    for state in states {
        for (msg_type, (request, passed)) in REQUESTS.iter().enumerate() {
            let msg_type = u8::try_from(msg_type).unwrap();
            assert_eq!(unhex(request)[0], msg_type, "the table has one request per type, in order");
            let mut session = session_in(state);
            let before = session.phone.clone();
            let answer = session.try_send(request);
            match (passed, refused_in(state, msg_type)) {
                (None, _) => assert!(answer.is_err(), "{state:?} {request}: {answer:?}"),
                (Some(_), Some(code)) => {
                    let answer = answer.unwrap();
                    assert_eq!(result_of(&answer), Some(code), "{state:?} {request}: {answer}");
                    let progress = session.engine.progress();
                    assert!(!progress.nam_staged && !progress.prl_staged && !progress.committed);
                    assert_eq!(session.phone.blocks, before.blocks);
                }
                (Some(begin), None) => {
                    let answer = answer.unwrap();
                    assert!(
                        answer.starts_with(begin),
                        "{state:?} {request}: {answer} should begin with {begin}"
                    );
                }
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, 7 * 27);
}

proptest! {
    /// Whatever comes, in whatever order: no panic, answers can be read, and nothing is stored but by a Commit.
    #[test]
    fn any_sequence_of_requests(
        picks in proptest::collection::vec((0..REQUESTS.len(), any::<u16>(), 0..4_u8, any::<u8>()), 1..40),
        network: bool, locked: bool,
    ) {
        let phone = if locked { Handset::locked("123456") } else { Handset::new() };
        let mut session = if network { Session::network_initiated(phone) } else { Session::new(phone) };
        for (pick, place, change, value) in picks {
            let mut request = unhex(REQUESTS[pick].0);
            let at = usize::from(place) % request.len();
            match change {
                0 => request[at] = value,
                1 => request.truncate(at),
                2 => request.insert(at, value),
                _ => {}
            }
            let before = session.phone.clone();
            let is_commit = request == [0x05];
            let mut out = [0; MAX_MESSAGE];
            if let Ok(response) = session.engine.handle(&mut session.phone, &request, &mut out) {
                let extended = (request[0], response[0]) == (0x06, 0x10);
                prop_assert!(extended || response[0] == request[0], "request and response share their type");
                let packet = Packet::new_checked(Direction::Reverse, response).unwrap();
                prop_assert!(Message::parse(&packet).is_ok(), "{:02x?} answered {:02x?}", request, response);
            }
            let failures = session.phone.failures;
            if !is_commit {
                prop_assert_eq!(&session.phone, &Handset { failures, ..before });
            }
        }
    }
}
