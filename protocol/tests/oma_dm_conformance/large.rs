//! Large objects and message sizes.

use crate::desk::*;
use kedge_protocol::dm::session::End;
use kedge_protocol::wap::Coding;

fn chunk(id: u32, verb: &str, target: &str, meta: &str, data: &str, more: bool) -> String {
    let more = if more { "<MoreData/>" } else { "" };
    command(verb, id, target, &format!("<Meta>{meta}</Meta><Data>{data}</Data>{more}"))
}

#[test]
fn dm_13_chunks_are_put_together_and_count_with_the_last() {
    let desk = || {
        Desk::new().part(&chunk(4, "Add", "./Set/a/Name", "<Size>9</Size>", "one", true)).part(&chunk(
            4,
            "Add",
            "./Set/a/Name",
            "",
            " two",
            true,
        ))
    };
    let talk = desk().say(&chunk(4, "Add", "./Set/a/Name", "", " 3", false)).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Add 213"]);
    assert!(talk.sent[1].contains("Alert 3: 1222 next message"));
    assert_eq!(
        (codes(&talk.sent[2]), codes(&talk.sent[3])),
        (vec!["Add 213".into()], vec!["Add 200".into()])
    );
    assert_eq!(stored(&talk.memory, "Set/a/Name").unwrap(), b"one two 3");
    // Cut off in between: as if nothing had come.
    let talk = desk().step(Step::Http(500)).talk();
    assert_eq!(stored(&talk.memory, "Set/a/Name"), None);
}

#[test]
fn dm_13_a_wrong_size_is_424_and_nothing_is_kept() {
    let talk = Desk::new()
        .part(&chunk(4, "Replace", "./Lamp/Colour", "<Size>9</Size>", "one", true))
        .say(&chunk(4, "Replace", "./Lamp/Colour", "", " two", false))
        .end()
        .talk();
    assert_eq!(
        (codes(&talk.sent[2]), stored(&talk.memory, "Lamp/Colour")),
        (vec!["Replace 424".into()], None)
    );
}

#[test]
fn dm_13_base64_may_be_cut_anywhere() {
    let text = "AAECAwQFBgcICQoLDA0ODw==";
    for cut in 1..text.len() {
        let meta = "<Format>b64</Format>";
        let talk = Desk::new()
            .part(&chunk(4, "Replace", "./Lamp/Sink", &format!("{meta}<Size>24</Size>"), &text[..cut], true))
            .say(&chunk(4, "Replace", "./Lamp/Sink", meta, &text[cut..], false))
            .end()
            .talk();
        assert_eq!(codes(&talk.sent[2]), ["Replace 200"], "{cut}");
        assert_eq!(talk.lamp.sunk, (0..16).collect::<Vec<u8>>(), "{cut}");
    }
}

#[test]
fn dm_13_an_interrupted_object_is_dropped_with_alert_1225() {
    let talk = Desk::new()
        .part(&chunk(4, "Replace", "./Lamp/Colour", "<Size>9</Size>", "one", true))
        .say(&replace(5, "./Lamp/Count", "2"))
        .end()
        .talk();
    assert!(talk.sent[2].contains("Alert 2: 1225 no end of data\n    item ./Lamp/Colour\n"));
    assert_eq!(codes(&talk.sent[2]), ["Replace 200"]);
    assert_eq!(stored(&talk.memory, "Lamp/Colour"), None);
}

#[test]
fn dm_14_objects_beyond_maxobjsize_are_refused_and_it_is_announced() {
    let desk = || Desk::new().with(|desk| desk.max_object = 8);
    let talk = desk().say(&replace(4, "./Lamp/Colour", "123456789")).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 413"]);
    with_header(Coding::Xml, &talk.raw[0], |header| assert_eq!(header.meta.max_object, Some(8)));
    let talk = desk()
        .part(&chunk(4, "Replace", "./Lamp/Colour", "<Size>9</Size>", "12", true))
        .step(Step::Http(0))
        .talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 413"]);
    // The server's own limit holds for what it is told.
    let limit = "<Meta><MaxObjSize>3</MaxObjSize></Meta>|||";
    let body = header_status(212) + &command("Get", 4, "./Lamp/Kelvin", "") + "<Final/>";
    let talk = Desk::new().step(Step::Say(format!("{limit}{body}"))).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Get 413"]);
}

/// A value that no message of the server's size could carry comes in chunks that make it up.
#[test]
fn dm_13_large_results_are_sent_in_chunks() {
    let value: Vec<u8> = (0..=255).cycle().take(1500).collect();
    let text = base64(&value);
    for coding in [Coding::Xml, Coding::Wbxml] {
        let limit = "<Meta><MaxMsgSize>1400</MaxMsgSize></Meta>|||";
        let body = header_status(212) + &command("Get", 5, "./Lamp/Blob", "") + "<Final/>";
        let blob = format!("<Meta><Format>b64</Format></Meta><Data>{text}</Data>");
        let mut desk = Desk::new()
            .with(|desk| desk.coding = coding)
            .say(&command("Replace", 4, "./Lamp/Blob", &blob))
            .step(Step::Say(format!("{limit}{body}")));
        for _ in 0..12 {
            desk = desk.say("<Alert><CmdID>7</CmdID><Data>1222</Data></Alert>");
        }
        let talk = desk.talk();
        let mut got = Vec::new();
        let mut finals = 0;
        for (sent, raw) in talk.sent.iter().zip(&talk.raw).skip(2) {
            assert!(raw.len() <= 1400);
            if let Some(data) = data_of(coding, raw) {
                got.extend(if coding == Coding::Xml { unbase64(&data) } else { data });
                assert_eq!(sent.contains("final"), !sent.contains(" ..\n"));
                finals += usize::from(sent.contains("final"));
            }
            if finals > 0 {
                break;
            }
        }
        assert_eq!((got == value, finals), (true, 1), "{coding:?}: {} octets", got.len());
        assert!(String::from_utf8_lossy(&talk.raw[2]).contains(if coding == Coding::Xml {
            "2000"
        } else {
            "1500"
        }));
    }
}

/// An answer that does not fit one message is cut between commands, and goes on when it is asked for.
#[test]
fn dm_14_messages_are_cut_at_the_border_of_commands() {
    let gets: String = (10..60).map(|id| command("Get", id, "./Lamp/Kelvin", "")).collect();
    let mut desk = Desk::new().with(|desk| (desk.tx, desk.rx) = (1500, 12_000)).say(&gets);
    for _ in 0..40 {
        desk = desk.say("<Alert><CmdID>7</CmdID><Data>1222</Data></Alert>");
    }
    let talk = desk.talk();
    let last = talk.sent.iter().skip(1).position(|sent| sent.contains("final")).unwrap() + 1;
    assert!(last > 5, "{last}");
    let mut told = Vec::new();
    for sent in &talk.sent[1..=last] {
        told.extend(
            sent.lines()
                .filter(|line| line.contains("Results"))
                .map(|line| line.rsplit('.').next().unwrap().to_string()),
        );
    }
    assert_eq!(told, (10..60).map(|id| id.to_string()).collect::<Vec<_>>());
    assert!(talk.sent[2].contains("Status 2 of 2.7 Alert: 200"));
}

/// Commands in a message in between are not executed.
#[test]
fn dm_14_commands_while_an_answer_is_under_way_are_refused() {
    let gets: String = (10..40).map(|id| command("Get", id, "./Lamp/Kelvin", "")).collect();
    let talk = Desk::new()
        .with(|desk| (desk.tx, desk.rx) = (1500, 12_000))
        .say(&gets)
        .say(&replace(7, "./Lamp/Colour", "red"))
        .step(Step::Http(0))
        .talk();
    assert!(talk.sent[2].contains("Status 2 of 2.7 Replace: 500"));
    assert_eq!(stored(&talk.memory, "Lamp/Colour"), None);
}

#[test]
fn dm_14_a_server_whose_messages_hold_nothing_ends_the_session() {
    let limit = "<Meta><MaxMsgSize>40</MaxMsgSize></Meta>|||";
    let body = header_status(212) + &command("Get", 4, ".", "") + "<Final/>";
    let talk = Desk::new().step(Step::Say(format!("{limit}{body}"))).talk();
    assert_eq!(talk.outcome.end, End::NoRoom);
}

fn base64(octets: &[u8]) -> String {
    let mut out = vec![0; octets.len() * 2];
    let mut w = kedge_protocol::wire::Writer::new(&mut out);
    kedge_protocol::xml::base64::encode(octets, &mut w).unwrap();
    String::from_utf8(w.written().to_vec()).unwrap()
}

fn unbase64(text: &[u8]) -> Vec<u8> {
    kedge_protocol::xml::base64::decode(text, &mut vec![0; text.len()]).unwrap().to_vec()
}

/// The data of the only item in Results.
fn data_of(coding: Coding, raw: &[u8]) -> Option<Vec<u8>> {
    use kedge_protocol::syncml::{Element, Message, Verb};
    let (mut scratch, mut more) = (vec![0; 4096], vec![0; 4096]);
    let mut body = Message::of_checked(coding, raw).body().unwrap();
    while let Some(element) = body.next(&mut scratch).unwrap() {
        if let Element::Command(head, mut parts) = element
            && head.verb == Verb::Results
        {
            return parts.item(&mut more).unwrap()?.data.map(|data| data.octets().to_vec());
        }
    }
    None
}
