//! Alerts of the server.

use crate::desk::*;
use kedge_protocol::dm::session::{Answer, End};

fn alert(id: u32, code: u32, items: &[&str]) -> String {
    let items = items.iter().fold(String::new(), |all, item| all + "<Item><Data>" + item + "</Data></Item>");
    format!("<Alert><CmdID>{id}</CmdID><Data>{code}</Data>{items}</Alert>")
}

fn asked(commands: &str, answers: &[Answer<'static>]) -> Talk {
    Desk::new().with(|desk| desk.answers = answers.to_vec()).say(commands).end().talk()
}

#[test]
fn dm_10_questions_are_asked_in_order_and_answered() {
    let commands = alert(1, 1100, &["MINDT=3", "Hello &amp; welcome"])
        + &alert(2, 1101, &["MAXDT=20", "Go on?"])
        + &alert(3, 1102, &["MAXLEN=9&amp;IT=A", "Name?"])
        + &alert(4, 1103, &["", "One of", "red", "green"])
        + &alert(5, 1104, &["", "Any of", "a", "b", "c"]);
    let answers = [
        Answer::Shown,
        Answer::Accepted,
        Answer::Text("me <too>"),
        Answer::Choices(0b10),
        Answer::Choices(0b101),
    ];
    let talk = asked(&commands, &answers);
    assert_eq!(
        talk.prompts,
        [
            "1100 Hello & welcome []",
            "1101 Go on? []",
            "1102 Name? []",
            "1103 One of [\"red\", \"green\"]",
            "1104 Any of [\"a\", \"b\", \"c\"]"
        ]
    );
    assert_eq!(codes(&talk.sent[1]), ["Alert 200"; 5]);
    for (id, data) in [("3", "\"me <too>\""), ("4", "\"2\""), ("5", "\"1\"\n    item = \"3\"")] {
        assert!(talk.sent[1].contains(&format!("of 1.{id} Alert: 200 ok\n    item = {data}\n")), "{id}");
    }
}

#[test]
fn dm_10_no_cancelled_and_no_answer_have_their_codes() {
    let confirm = alert(1, 1101, &["", "Go on?"]);
    for (answer, code) in [(Answer::Rejected, "304"), (Answer::TimedOut, "408")] {
        let talk = asked(&(confirm.clone() + &replace(2, "./Lamp/Colour", "red")), &[answer]);
        // Outside of a container it is only an answer.
        assert_eq!(codes(&talk.sent[1]), [format!("Alert {code}"), "Replace 200".into()]);
    }
    let commands = confirm.clone() + &replace(2, "./Lamp/Colour", "red") + &replace(3, "./Lamp/Count", "2");
    let talk = asked(&commands, &[Answer::Cancelled]);
    assert_eq!(codes(&talk.sent[1]), ["Alert 214", "Replace 215", "Replace 215"]);
    let default = alert(1, 1101, &["MAXDT=5&amp;DR=1", "Go on?"]);
    assert_eq!(codes(&asked(&default, &[Answer::TimedOut]).sent[1]), ["Alert 200"]);
}

#[test]
fn dm_10_no_skips_a_sequence_and_undoes_an_atomic() {
    let inner = replace(2, "./Lamp/Colour", "red")
        + &alert(3, 1101, &["", "Go on?"])
        + &replace(4, "./Lamp/Count", "2");
    let talk = asked(&format!("<Sequence><CmdID>1</CmdID>{inner}</Sequence>"), &[Answer::Rejected]);
    assert_eq!(codes(&talk.sent[1]), ["Sequence 200", "Replace 200", "Alert 304", "Replace 215"]);
    let atomic = format!("<Atomic><CmdID>1</CmdID>{inner}</Atomic>");
    let talk = asked(&atomic, &[Answer::Rejected]);
    assert_eq!(codes(&talk.sent[1]), ["Atomic 507", "Replace 216", "Alert 304", "Replace 215"]);
    assert_eq!(stored(&talk.memory, "Lamp/Colour"), None);
    let talk = asked(&atomic, &[Answer::Accepted]);
    assert_eq!(codes(&talk.sent[1]), ["Atomic 200", "Replace 200", "Alert 200", "Replace 200"]);
}

#[test]
fn dm_10_what_cannot_be_asked_is_refused() {
    let talk = Desk::new().with(|desk| desk.has_user = false).say(&alert(1, 1101, &["", "?"])).end().talk();
    assert_eq!((codes(&talk.sent[1]), talk.prompts.len()), (vec!["Alert 406".to_string()], 0));
    let many: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let many: Vec<&str> = ["", "text"].into_iter().chain(many.iter().map(String::as_str)).collect();
    let commands = alert(1, 1101, &[""])
        + &alert(2, 1103, &["", "One of"])
        + &alert(3, 1104, &many)
        + &alert(4, 1199, &["", "x"])
        + &alert(5, 1200, &[])
        + "<Alert><CmdID>6</CmdID></Alert>";
    assert_eq!(
        answered(&commands),
        ["Alert 412", "Alert 412", "Alert 416", "Alert 406", "Alert 406", "Alert 400"]
    );
}

#[test]
fn dm_11_next_message_is_answered_and_asked_for() {
    let talk = Desk::new().part("").end().talk();
    assert!(talk.sent[1].contains("Alert 2: 1222 next message") && !talk.sent[1].contains("final"));
    assert_eq!(answered(&alert(1, 1222, &[])), ["Alert 200"]);
}

#[test]
fn dm_11_an_abort_is_not_answered() {
    let talk = Desk::new().say(&(replace(1, "./Lamp/Colour", "red") + &alert(2, 1223, &[]))).talk();
    assert_eq!((talk.sent.len(), talk.outcome.end), (1, End::ServerAborted));
    assert_eq!(stored(&talk.memory, "Lamp/Colour"), None);
}

#[test]
fn dm_11_the_device_can_abort() {
    let talk = Desk::new().with(|desk| desk.abort_after = Some(1)).end().talk();
    assert_eq!(
        (talk.sent[1].as_str(), talk.outcome.end),
        ("  Alert 1: 1223 session abort\n  final\n", End::ClientAborted)
    );
}
