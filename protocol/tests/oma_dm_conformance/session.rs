//! Packages, headers, identifiers.

use crate::desk::*;
use kedge_protocol::dm::session::{End, Initiator, Notice};
use kedge_protocol::syncml::{AlertCode, Dialect, Format, media_type};
use kedge_protocol::wap::Coding;

const DEVINFO: &str = "    item ./DevInfo/DevId = \"IMEI:490154203237518\"\n    item ./DevInfo/Man = \"Maker & Sons\"\n    \
                       item ./DevInfo/Mod = \"One\"\n    item ./DevInfo/DmV = \"1.2\"\n    item ./DevInfo/Lang = \"en\"\n";

#[test]
fn dm_01_every_header_has_versions_session_message_target_source() {
    let talk = Desk::new().say(&command("Get", 4, ".", "")).end().talk();
    for (i, raw) in talk.raw.iter().enumerate() {
        with_header(Coding::Xml, raw, |header| {
            assert_eq!((header.dtd, header.protocol, header.session), ("1.2", "DM/1.2", "1F"));
            assert_eq!(header.message, (i + 1).to_string());
            assert_eq!(header.target.uri, "http://dm.example.test/start");
            assert_eq!(header.source.uri, "IMEI:490154203237518");
            assert_eq!(header.meta.max_message, Some(6000 - 1024));
        });
    }
    assert_eq!((talk.raw.len(), talk.outcome.end), (2, End::Done));
}

#[test]
fn dm_02_package_1_has_the_alert_and_devinfo() {
    for (initiator, alert) in [
        (Initiator::Client, "1201 client-initiated management"),
        (Initiator::Server, "1200 server-initiated management"),
    ] {
        let talk = Desk::new().with(|desk| desk.initiator = initiator).end().talk();
        assert_eq!(talk.sent, [format!("  Alert 1: {alert}\n  Replace 2\n{DEVINFO}  final\n")]);
    }
}

#[test]
fn dm_03_the_session_id_is_upper_case_hexadecimal() {
    // The desk starts session 0x1F; what the text of other numbers is, the session's own tests tell.
    let talk = Desk::new().end().talk();
    with_header(Coding::Xml, &talk.raw[0], |header| assert_eq!(header.session, "1F"));
}

#[test]
fn dm_04_final_stands_at_the_end_of_a_package_and_not_before_the_servers() {
    let talk = Desk::new()
        .part(&command("Get", 4, "./Lamp/Kelvin", ""))
        .say(&command("Get", 5, "./Lamp/Kelvin", ""))
        .end()
        .talk();
    assert!(talk.sent[0].ends_with("final\n"));
    assert!(!talk.sent[1].contains("final") && talk.sent[1].ends_with("Alert 4: 1222 next message\n"));
    assert!(talk.sent[2].ends_with("final\n") && !talk.sent[2].contains("1222"));
}

#[test]
fn dm_05_every_command_has_a_status_and_no_status_has_one() {
    let commands = status(2, "Replace", 200)
        + &command("Get", 4, "./Lamp/Kelvin", "")
        + &replace(5, "./Lamp/Colour", "red")
        + &command("Delete", 6, "./Lamp/Colour", "");
    let talk = Desk::new().say(&commands).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Get 200", "Replace 200", "Delete 405"]);
    assert!(talk.sent[1].starts_with("  Status 1 of 1.0 SyncHdr: 200 ok\n    target IMEI:490154203237518\n"));
    // One for every item, each with its target.
    let items = "<Item><Target><LocURI>./Lamp/Kelvin</LocURI></Target></Item><Item><Target><LocURI>./No</LocURI></Target></Item>";
    let talk = Desk::new().say(&format!("<Get><CmdID>4</CmdID>{items}</Get>")).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Get 200", "Get 404"]);
    assert!(talk.sent[1].contains("    target ./No\n"));
}

#[test]
fn dm_06_results_follow_their_status_with_source_and_meta() {
    let talk = Desk::new()
        .say(&(command("Get", 4, "./Lamp/Kelvin", "") + &command("Get", 5, "./Lamp/Colour", "")))
        .end()
        .talk();
    let expected = "  Status 2 of 1.4 Get: 200 ok\n    target ./Lamp/Kelvin\n  Results 3 of 1.4\n    item ./Lamp/Kelvin int \
                    = \"2700\"\n  Status 4 of 1.5 Get: 200 ok\n    target ./Lamp/Colour\n  Results 5 of 1.5\n    item \
                    ./Lamp/Colour = \"\"\n  final\n";
    assert!(talk.sent[1].ends_with(expected), "{}", talk.sent[1]);
}

#[test]
fn dm_12_the_next_message_goes_to_respuri() {
    let body = header_status(212) + &command("Get", 4, ".", "") + "<Final/>";
    let respond = "<RespURI>http://dm.example.test/s?id=7&amp;x=1</RespURI>|||";
    let talk = Desk::new().step(Step::Say(format!("{respond}{body}"))).end().talk();
    assert_eq!(talk.urls, ["http://dm.example.test/start", "http://dm.example.test/s?id=7&x=1"]);
}

#[test]
fn dm_18_a_package_that_needs_no_answer_is_not_answered() {
    let talk = Desk::new().end().talk();
    assert_eq!((talk.sent.len(), talk.outcome.end), (1, End::Done));
    let talk = Desk::new().say(&status(2, "Replace", 200)).talk();
    assert_eq!((talk.sent.len(), talk.outcome.end), (1, End::Done));
}

#[test]
fn dm_28_notices_are_told_in_package_1_and_acknowledged_once() {
    let notice = Notice {
        code: AlertCode::GENERIC,
        correlator: Some("corr-1"),
        source: Some("./Lamp"),
        kind: "org.openmobilealliance.dm.firmwareupdate.update",
        format: Format::Int,
        mark: Some("critical"),
        data: "200",
    };
    let event = Notice { code: AlertCode::CLIENT_EVENT, correlator: None, ..notice };
    let desk = || Desk::new().with(|desk| desk.notices = vec![notice, event]);
    let talk = desk().say(&(status(2, "Alert", 200) + &status(3, "Alert", 406))).talk();
    assert!(talk.sent[0].contains(
        "  Alert 2: 1226 generic alert correlator corr-1\n    item ./Lamp int \
         org.openmobilealliance.dm.firmwareupdate.update = \"200\"\n  Alert 3: 1224 client event\n"
    ));
    assert!(String::from_utf8_lossy(&talk.raw[0]).contains(">critical</Mark>"));
    assert_eq!(talk.outcome.acknowledged, 0b01);
    let talk = desk().say(&(status(2, "Alert", 202) + &status(3, "Alert", 200))).talk();
    assert_eq!(talk.outcome.acknowledged, 0b11);
    // A Status for something else, or of another message, acknowledges nothing.
    let stray = status(3, "Alert", 200).replace("{m}", "7") + &status(9, "Alert", 200);
    assert_eq!(desk().say(&stray).talk().outcome.acknowledged, 0);
    let talk = desk().with(|desk| desk.dialect = Dialect::V1_1).say("").talk();
    assert!(!talk.sent[0].contains("1226") && !talk.sent[0].contains("correlator"));
}

#[test]
fn dm_29_media_types_are_those_of_the_coding() {
    assert_eq!(media_type(Coding::Wbxml), "application/vnd.syncml.dm+wbxml");
    assert_eq!(media_type(Coding::Xml), "application/vnd.syncml.dm+xml");
    let commands = command("Get", 4, "./Lamp/Kelvin", "") + &replace(5, "./Lamp/Colour", "red");
    let xml = Desk::new().say(&commands).end().talk();
    let wbxml = Desk::new().with(|desk| desk.coding = Coding::Wbxml).say(&commands).end().talk();
    assert_eq!(xml.sent, wbxml.sent);
    assert_eq!(wbxml.raw[1][..5], [0x02, 0xA4, 0x01, 0x6A, 0x00]);
    let old = Desk::new()
        .with(|desk| (desk.coding, desk.dialect) = (Coding::Wbxml, Dialect::V1_1))
        .say(&commands)
        .end()
        .talk();
    assert_eq!(old.raw[1][..5], [0x02, 0x9F, 0x53, 0x6A, 0x00]);
    assert_eq!(old.outcome.end, End::Done);
}

#[test]
fn dm_30_markup_in_data_is_escaped() {
    let talk = Desk::new()
        .say(&(replace(4, "./Lamp/Colour", "a &lt;b&gt; &amp; c") + &command("Get", 5, "./Lamp/Colour", "")))
        .end()
        .talk();
    assert!(String::from_utf8_lossy(&talk.raw[1]).contains("<Data>a &lt;b&gt; &amp; c</Data>"));
    assert!(String::from_utf8_lossy(&talk.raw[0]).contains("Maker &amp; Sons"));
}

#[test]
fn dm_31_the_client_sends_only_replace_results_alert_and_status() {
    let commands = command("Get", 4, "./Lamp?list=StructData", "")
        + &command("Exec", 5, "./Lamp/Switch", "")
        + "<Alert><CmdID>6</CmdID><Data>1100</Data><Item/><Item><Data>x</Data></Item></Alert>";
    let talk = Desk::new().part(&commands).say(&command("Get", 4, ".", "")).end().talk();
    for line in talk.sent.iter().flat_map(|sent| sent.lines()).filter(|line| !line.starts_with("   ")) {
        let verb = line.trim_start().split(' ').next().unwrap();
        assert!(["Alert", "Replace", "Results", "Status", "final"].contains(&verb), "{line}");
    }
}

/// Not of the table: a server that does not know 1.2 is asked once more in 1.1.
#[test]
fn a_server_of_1_1_is_spoken_to_in_1_1() {
    for code in [513, 406, 400] {
        let talk = Desk::new().step(Step::Say(header_status(code) + "<Final/>")).step(Step::Http(404)).talk();
        with_header(Coding::Xml, &talk.raw[1], |header| assert_eq!(header.protocol, "DM/1.1"));
        assert_eq!(talk.outcome.end, End::Http(404));
    }
    let talk = Desk::new().step(Step::Say(header_status(503) + "<Final/>")).talk();
    assert_eq!(
        (talk.sent.len(), format!("{:?}", talk.outcome.end)),
        (1, "Refused(Code(service unavailable))".into())
    );
}
