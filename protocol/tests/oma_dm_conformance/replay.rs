//! Recorded sessions of real servers, played again octet for octet, in both codings.

use crate::desk::*;
use kedge_protocol::dm::session::End;
use kedge_protocol::wap::Coding;

/// A session of the corpus: folder, its number in XML and in WBXML, how many messages the server said, and the codes of every answer.
struct Recorded {
    folder: &'static str,
    sessions: [u16; 2],
    messages: usize,
    answers: &'static [&'static [&'static str]],
    end: End,
}

/// What the server of libdmclient's session asks, twice.
const TOUR: &[&str] = &[
    "Get 200",
    "Get 200",
    "Get 200",
    "Get 200",
    "Replace 405",
    "Get 404",
    "Alert 200",
    "Atomic 507",
    "Replace 405",
    "Copy 404",
    "Exec 405",
];

const SESSIONS: [Recorded; 2] = [
    Recorded {
        folder: "quirky-server",
        sessions: [0x2A, 0x2B],
        messages: 3,
        answers: &[
            &["Get 200", "Get 200", "Get 200", "Get 404", "Get 404", "Get 404", "Get 404"],
            &["Replace 404", "Replace 404", "Replace 404", "Replace 404", "Replace 404", "Exec 404"],
        ],
        end: End::Done,
    },
    Recorded {
        folder: "libdmclient-session",
        sessions: [1, 1],
        messages: 2,
        answers: &[TOUR, TOUR],
        // Its server stops there.
        end: End::Http(0),
    },
];

#[test]
fn recorded_sessions_are_answered_the_same_in_both_codings() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/syncml");
    if !corpus.is_dir() {
        println!("SKIPPED: no ../shared/corpus/syncml");
        return;
    }
    for Recorded { folder, sessions, messages, answers, end } in SESSIONS {
        let mut transcripts = Vec::new();
        let codings = [(Coding::Xml, "xml"), (Coding::Wbxml, "wbxml")];
        for ((coding, ending), session) in codings.into_iter().zip(sessions) {
            let mut desk = Desk::new().with(|desk| {
                (desk.session, desk.standard, desk.coding) = (session, true, coding);
            });
            for number in 1..=messages {
                let name = format!("{folder}/server-{number}.{ending}");
                desk = desk.step(Step::Octets(std::fs::read(corpus.join(&name)).expect(&name)));
            }
            let talk = desk.step(Step::Http(0)).talk();
            assert_eq!(talk.outcome.end, end, "{folder} {coding:?}");
            let told: Vec<Vec<String>> = talk.sent[1..].iter().map(|sent| codes(sent)).collect();
            assert_eq!(told, answers, "{folder} {coding:?}");
            transcripts.push(talk.sent);
        }
        assert_eq!(transcripts[0], transcripts[1], "{folder}: one transcript");
        println!(
            "{folder}: {messages} messages of the server, in both codings\n{}",
            transcripts[0].join("--\n")
        );
    }
}
