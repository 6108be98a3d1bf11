//! What servers get wrong (`oma-dm.md` section 16, whose rows the names count), and lost messages.

use crate::desk::*;
use kedge_protocol::dm::session::{Answer, End};
use kedge_protocol::wap::Coding;

#[test]
fn a_lost_answer_is_fetched_by_the_same_message() {
    let talk =
        Desk::new().step(Step::Lost).step(Step::Lost).say(&replace(4, "./Lamp/Colour", "x")).end().talk();
    assert_eq!((talk.raw[0] == talk.raw[1], talk.raw[1] == talk.raw[2]), (true, true));
    assert_eq!(talk.outcome.end, End::Done);
    let talk = Desk::new().step(Step::Lost).step(Step::Lost).step(Step::Lost).talk();
    assert_eq!((talk.sent.len(), talk.outcome.end), (3, End::NoLink));
}

#[test]
fn a_message_that_comes_again_is_answered_again_and_not_executed_again() {
    let exec = command("Exec", 4, "./Lamp/Switch", "");
    let talk = Desk::new().say(&exec).step(Step::Again).step(Step::Again).end().talk();
    assert_eq!((talk.raw[1] == talk.raw[2], talk.raw[2] == talk.raw[3]), (true, true));
    assert_eq!((talk.lamp.runs.len(), talk.outcome.end), (1, End::Done));
    let mut desk = Desk::new().say(&exec);
    for _ in 0..10 {
        desk = desk.step(Step::Again);
    }
    let talk = desk.talk();
    assert_eq!((talk.lamp.runs.len(), talk.outcome.end), (1, End::Loop));
}

#[test]
fn what_is_no_message_of_this_session_ends_it() {
    let unreadable = |octets: &[u8]| Desk::new().step(Step::Octets(octets.to_vec())).talk().outcome.end;
    for octets in [&b""[..], b"<html>", b"<SyncML/>", b"\x02\xA4\x01\x6A\0", &[0xFF; 64]] {
        assert!(matches!(unreadable(octets), End::Unreadable(_)), "{octets:x?}");
    }
    let foreign = "<SyncML><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>20</SessionID><MsgID>1</MsgID>\
                   <Target><LocURI>a</LocURI></Target><Source><LocURI>b</LocURI></Source></SyncHdr><SyncBody><Final/>\
                   </SyncBody></SyncML>";
    assert_eq!(unreadable(foreign.as_bytes()), End::Stranger);
    for code in [204, 302, 404, 500] {
        assert_eq!(Desk::new().step(Step::Http(code)).talk().outcome.end, End::Http(code));
    }
}

#[test]
fn row_1_malformed_and_foreign_commands_are_answered_and_the_rest_is_done() {
    let commands = "<Get><Item><Target><LocURI>.</LocURI></Target></Item></Get>".to_string()
        + "<Get><CmdID>2</CmdID></Get>"
        + "<Get><CmdID>3</CmdID><Item/></Get>"
        + "<Put><CmdID>4</CmdID><Item/></Put>"
        + "<Sync><CmdID>5</CmdID></Sync>"
        + "<Nonsense><CmdID>6</CmdID></Nonsense>"
        + &replace(7, "/Lamp/Colour", "x")
        + &replace(8, "./Lamp/Colour", "done");
    let talk = Desk::new().say(&commands).end().talk();
    assert_eq!(
        codes(&talk.sent[1]),
        [
            "Get 400",
            "Get 412",
            "Get 412",
            "Put 406",
            "Sync 406",
            "Nonsense 400",
            "Replace 400",
            "Replace 200"
        ]
    );
    assert_eq!(stored(&talk.memory, "Lamp/Colour").unwrap(), b"done");
}

#[test]
fn row_1_containers_nested_too_deep_are_refused() {
    let deep =
        "<Sequence><CmdID>1</CmdID><Atomic><CmdID>2</CmdID><Sequence><CmdID>3</CmdID><Atomic><CmdID>4</CmdID>"
            .to_string()
            + &replace(5, "./Lamp/Colour", "x") + "</Atomic></Sequence></Atomic></Sequence>";
    let talk = Desk::new().say(&deep).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Sequence 200", "Atomic 507", "Sequence 216", "Atomic 500"]);
    assert_eq!(stored(&talk.memory, "Lamp/Colour"), None);
}

#[test]
fn noresp_is_ignored_and_everything_is_answered() {
    let quiet = replace(4, "./Lamp/Colour", "x").replace("</CmdID>", "</CmdID><NoResp/>");
    assert_eq!(answered(&quiet), ["Replace 200"]);
}

/// The words of a server that counts its CmdIDs twice and puts children in another order.
#[test]
fn the_real_sessions_of_the_corpus_are_answered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/syncml");
    let read = |name: &str| std::fs::read(folder.join(name)).ok();
    let (Some(first), Some(second), Some(third)) = (
        read("quirky-server/server-1.xml"),
        read("quirky-server/server-2.xml"),
        read("quirky-server/server-3.xml"),
    ) else {
        println!("SKIPPED: no ../shared/corpus/syncml");
        return;
    };
    let own = |octets: Vec<u8>| {
        let text = String::from_utf8(octets).unwrap();
        Step::Octets(text.replace("<SessionID>2A<", "<SessionID>1F<").into_bytes())
    };
    let talk = Desk::new().step(own(first)).step(own(second)).step(own(third)).talk();
    assert_eq!(
        codes(&talk.sent[1]),
        ["Get 200", "Get 200", "Get 200", "Get 404", "Get 404", "Get 404", "Get 404"]
    );
    assert_eq!(
        codes(&talk.sent[2]),
        ["Replace 404", "Replace 404", "Replace 404", "Replace 404", "Replace 404", "Exec 404"]
    );
    assert_eq!((talk.sent.len(), talk.outcome.end), (3, End::Done));
    let lib = String::from_utf8(read("libdmclient-session/server-1.xml").unwrap()).unwrap();
    let talk = Desk::new().step(Step::Octets(lib.into_bytes())).step(Step::Http(0)).talk();
    // Its session has another number.
    assert_eq!(talk.outcome.end, End::Stranger);
    let lib = String::from_utf8(read("libdmclient-session/server-1.xml").unwrap()).unwrap();
    let lib = lib.replace("<SessionID>1<", "<SessionID>1F<");
    let talk = Desk::new().step(Step::Octets(lib.into_bytes())).step(Step::Http(0)).talk();
    assert_eq!(
        codes(&talk.sent[1]),
        [
            "Get 200",
            "Get 404",
            "Get 200",
            "Get 200",
            "Replace 405",
            "Get 404",
            "Alert 200",
            "Atomic 507",
            "Replace 405",
            "Copy 404",
            "Exec 405"
        ]
    );
}

/// Every message of a server, cut and with octets changed: the session ends or goes on, within its buffers.
#[test]
fn mutated_messages_end_within_bounds() {
    let commands = replace(4, "./Lamp/Colour", "red")
        + &command("Get", 5, "./Lamp?list=StructData", "")
        + &format!("<Atomic><CmdID>6</CmdID>{}</Atomic>", replace(7, "./Lamp/Count", "2"))
        + "<Alert><CmdID>8</CmdID><Data>1101</Data><Item/><Item><Data>?</Data></Item></Alert>";
    for coding in [Coding::Xml, Coding::Wbxml] {
        let whole = Desk::new().with(|desk| desk.coding = coding).say(&commands);
        let server = whole.bytes_of_first();
        let mut ended = 0;
        for seed in 0..400_usize {
            let mut bytes = server.clone();
            let at = seed.wrapping_mul(7919) % bytes.len();
            match seed % 4 {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 1 << (seed / 4 % 8),
                2 => bytes[at] = u8::try_from(seed % 256).unwrap(),
                _ => drop(bytes.remove(at)),
            }
            let talk = Desk::new()
                .with(|desk| desk.coding = coding)
                .step(Step::Octets(bytes))
                .step(Step::Http(0))
                .talk();
            ended += usize::from(talk.sent.len() == 1);
            assert!(talk.sent.len() <= 2);
        }
        assert!(ended > 50, "{ended}");
    }
}

#[test]
fn row_1_entities_and_cdata_may_mix_in_one_value() {
    let value = replace(4, "./Lamp/Colour", "a&amp;<![CDATA[<b>]]>&#x63;&lt;<![CDATA[&]]>");
    let talk = Desk::new().say(&value).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 200"]);
    assert_eq!(stored(&talk.memory, "Lamp/Colour").unwrap(), b"a&<b>c<&");
}

#[test]
fn row_1_a_meta_that_comes_twice_is_taken_together() {
    let twice = "<Meta><Format>chr</Format></Meta><Meta><Type>text/plain</Type></Meta><Data>red</Data>";
    let talk = Desk::new().say(&command("Replace", 4, "./Lamp/Colour", twice)).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 200"]);
    assert_eq!(stored(&talk.memory, "Lamp/Colour").unwrap(), b"red");
}

/// Some servers answer with items in their Status, as devices do after a question.
#[test]
fn row_1_a_status_with_an_item_is_a_status() {
    let item = "<Item><Source><LocURI>./DevInfo</LocURI></Source><Data>thanks</Data></Item></Status>";
    let told = status(2, "Replace", 200).replace("</Status>", item);
    let talk = Desk::new().say(&(told + &replace(4, "./Lamp/Colour", "red"))).end().talk();
    assert_eq!((codes(&talk.sent[1]), talk.outcome.end), (vec!["Replace 200".to_owned()], End::Done));
}

/// A server that uses the number of the session before once more, and goes on counting its messages.
#[test]
fn row_4_message_numbers_may_begin_anywhere() {
    let talk = Desk::new().with(|desk| desk.msg_id = 6).say(&replace(4, "./Lamp/Colour", "red")).end().talk();
    assert_eq!((codes(&talk.sent[1]), talk.outcome.end), (vec!["Replace 200".to_owned()], End::Done));
    assert!(talk.sent[1].contains(" of 7.4 Replace"), "{}", talk.sent[1]);
}

#[test]
fn row_5_a_node_that_went_between_two_commands_is_not_found() {
    let commands = command("Add", 1, "./Set/a/Name", "<Data>n</Data>")
        + &command("Get", 2, "./Set/a/Name", "")
        + &command("Delete", 3, "./Set/a", "")
        + &replace(4, "./Set/a/Name", "m")
        + &command("Get", 5, "./Set/a/Fixed", "")
        + &replace(6, "./Lamp/Colour", "done");
    let talk = Desk::new().say(&commands).end().talk();
    assert_eq!(
        codes(&talk.sent[1]),
        ["Add 200", "Get 200", "Delete 200", "Replace 404", "Get 404", "Replace 200"]
    );
}

/// A profile as deployed servers send it since they gave up Atomic: what one node does not support does not keep the others out.
#[test]
fn row_7_a_plain_list_is_done_as_far_as_it_goes() {
    let commands = replace(1, "./Lamp/Colour", "red")
        + &replace(2, "./Vendor/MSFT/Unsupported", "1")
        + &command("Exec", 3, "./Lamp/Nothing", "")
        + &replace(4, "./Lamp/Count", "2");
    let talk = Desk::new().say(&commands).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 200", "Replace 404", "Exec 404", "Replace 200"]);
    assert_eq!(stored(&talk.memory, "Lamp/Count").unwrap(), b"2");
}

/// Whatever a user types is data: no server is confused by markup in it.
#[test]
fn row_2_what_a_user_types_is_escaped() {
    let question = "<Alert><CmdID>4</CmdID><Data>1102</Data><Item/><Item><Data>Name?</Data></Item></Alert>";
    let typed = "</Data><Final/>&<![CDATA[";
    let talk = Desk::new().with(|desk| desk.answers = vec![Answer::Text(typed)]).say(question).end().talk();
    assert_eq!((codes(&talk.sent[1]), talk.outcome.end), (vec!["Alert 200".to_owned()], End::Done));
    assert!(talk.sent[1].contains(&format!("item = {typed:?}\n")), "{}", talk.sent[1]);
}

/// A server that says 212 to everything and never shows itself: taken where the account asks nothing of it, else not.
#[test]
fn row_3_a_server_that_never_shows_itself_is_taken_where_the_account_lets_it() {
    let desk = || Desk::new().say(&replace(4, "./Lamp/Colour", "red")).step(Step::Http(0));
    let talk = desk().talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 200"]);
    let talk = desk().with(|desk| desk.server = Some(SERVER)).talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 407"]);
    assert_eq!(stored(&talk.memory, "Lamp/Colour"), None);
}

/// A result that no message has room for goes in pieces, and nothing larger than the server takes is ever sent.
#[test]
fn row_6_results_larger_than_a_message_go_in_pieces() {
    let limit = "<Meta><MaxMsgSize>1400</MaxMsgSize></Meta>|||";
    let get = header_status(212) + &command("Get", 5, "./Lamp/Blob", "") + "<Final/>";
    let blob = format!("<Meta><Format>b64</Format></Meta><Data>{}</Data>", "QUFB".repeat(500));
    let mut desk = Desk::new()
        .say(&command("Replace", 4, "./Lamp/Blob", &blob))
        .step(Step::Say(format!("{limit}{get}")));
    for _ in 0..12 {
        desk = desk.say("<Alert><CmdID>7</CmdID><Data>1222</Data></Alert>");
    }
    let talk = desk.talk();
    assert!(talk.raw.len() > 4 && talk.raw[2..].iter().all(|raw| raw.len() <= 1400), "{}", talk.raw.len());
    assert!(talk.sent[2].contains(" ..\n") && !talk.sent[2].contains("final"), "{}", talk.sent[2]);
}

#[test]
fn row_7_an_exec_in_an_atomic_makes_it_fail() {
    let atomic = format!(
        "<Atomic><CmdID>1</CmdID>{}{}</Atomic>",
        replace(2, "./Lamp/Colour", "red"),
        command("Exec", 3, "./Lamp/Switch", "")
    );
    let talk = Desk::new().say(&(atomic + &replace(4, "./Lamp/Count", "2"))).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Atomic 507", "Replace 216", "Exec 500", "Replace 200"]);
    assert_eq!((talk.lamp.runs.len(), stored(&talk.memory, "Lamp/Colour")), (0, None));
}
