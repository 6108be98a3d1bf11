use super::limits::SCRATCH;
use super::*;
use crate::wap::Coding;
use crate::wbxml::Pull;
use crate::wire::{Error, ErrorKind};
use proptest::option;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const CODINGS: [Coding; 2] = [Coding::Wbxml, Coding::Xml];
const ALL_VERBS: [Verb; 11] = [
    Verb::Add,
    Verb::Alert,
    Verb::Atomic,
    Verb::Copy,
    Verb::Delete,
    Verb::Exec,
    Verb::Get,
    Verb::Replace,
    Verb::Results,
    Verb::Sequence,
    Verb::Status,
];

fn header(dialect: Dialect) -> Header<'static> {
    Header::new(dialect, "7", "1", Location::new("IMEI:1"), Location::new("http://a/?b&c"))
}

/// Texts of a head and its parts, from which values are lent.
#[derive(Clone, Debug)]
struct Texts {
    id: String,
    optional: Vec<Option<String>>,
    number: u16,
    size: Option<u32>,
    flag: bool,
}

fn texts() -> impl Strategy<Value = Texts> {
    let text = || "[ -~<&\\r\u{e9}\u{20ac}]{1,12}";
    (
        "[1-9][0-9]{0,4}",
        prop::collection::vec(option::of(text()), 12),
        any::<u16>(),
        option::of(any::<u32>()),
        any::<bool>(),
    )
        .prop_map(|(id, optional, number, size, flag)| Texts { id, optional, number, size, flag })
}

impl Texts {
    fn get(&self, i: usize) -> Option<&str> {
        self.optional[i].as_deref()
    }

    fn word(&self, i: usize) -> &str {
        self.get(i).unwrap_or("x")
    }

    fn meta(&self) -> Meta<'_> {
        Meta {
            format: self.get(0),
            media_type: self.get(1),
            mark: self.get(2),
            size: self.size,
            version: self.get(3),
            next_nonce: self.get(4),
            max_message: self.size.map(|size| size / 2),
            max_object: self.size.map(|size| size / 3),
            experimental: self.get(5),
        }
    }

    fn cred(&self) -> Option<Cred<'_>> {
        self.get(6).map(|scheme| Cred { scheme, format: self.get(0), data: Data::Text(self.word(7)) })
    }

    fn head(&self, verb: Verb) -> Head<'_> {
        let head = Head::new(verb, &self.id);
        match verb {
            Verb::Alert => {
                Head { number: Some(self.number), correlator: self.get(8), no_resp: self.flag, ..head }
            }
            Verb::Exec => Head { meta: self.meta(), correlator: self.get(8), no_resp: self.flag, ..head },
            Verb::Results => {
                Head { msg_ref: self.get(9), cmd_ref: Some(self.word(10)), meta: self.meta(), ..head }
            }
            Verb::Status => Head {
                msg_ref: Some(self.word(9)),
                cmd_ref: Some(self.word(10)),
                cmd: Some(self.word(11)),
                cred: self.cred(),
                chal: self.get(8).map(|scheme| Chal { scheme, format: self.get(0), next_nonce: self.get(4) }),
                number: Some(self.number),
                ..head
            },
            _ => Head { meta: self.meta(), no_resp: self.flag, ..head },
        }
    }

    fn item(&self) -> Item<'_> {
        Item {
            target: self.get(6).map(|uri| Location { uri, name: self.get(7) }),
            source: self.get(8).map(|uri| Location { uri, name: self.get(9) }),
            source_parent: self.get(10),
            target_parent: self.get(11),
            meta: self.meta(),
            data: self.get(3).map(Data::Text),
            more_data: self.flag,
        }
    }

    fn header(&self) -> Header<'_> {
        let header = Header::new(
            Dialect::V1_2,
            self.word(0),
            &self.id,
            Location { uri: self.word(1), name: self.get(2) },
            Location { uri: self.word(3), name: self.get(4) },
        );
        Header { respond_to: self.get(5), no_resp: self.flag, cred: self.cred(), meta: self.meta(), ..header }
    }
}

/// The first command of a message, its parts shown as text.
fn first(coding: Coding, bytes: &[u8]) -> Result<(Verb, Vec<String>), Error> {
    let mut scratch = [0; SCRATCH];
    let mut more = [0; SCRATCH];
    let mut body = Message::check(coding, bytes, &mut scratch)?.body()?;
    match body.next(&mut scratch)? {
        Some(Element::Command(head, mut parts)) => {
            let mut shown = vec![std::format!("{head:?}")];
            while let Some(part) = parts.next(&mut more)? {
                shown.push(std::format!("{part:?}"));
            }
            Ok((head.verb, shown))
        }
        Some(Element::Begin(head)) => Ok((head.verb, vec![std::format!("{head:?}")])),
        other => panic!("{other:?}"),
    }
}

proptest! {
    /// The law of codecs: what was written reads as what it was, in both codings.
    #[test]
    fn what_is_written_reads_the_same(all in texts(), more in texts(), which in 0..ALL_VERBS.len()) {
        let verb = ALL_VERBS[which];
        let (head, items) = (all.head(verb), [all.item(), more.item()]);
        for coding in CODINGS {
            let mut out = [0; 8192];
            let mut writer = Writer::new(coding, &mut out, &all.header()).unwrap();
            let mut shown = vec![std::format!("{head:?}")];
            if verb.is_container() {
                writer.begin(&head).unwrap();
                let get = Head::new(Verb::Get, "9");
                writer.command(&get).unwrap().item(&items[0]).unwrap().end().unwrap();
                writer.end().unwrap();
            } else {
                let mut command = writer.command(&head).unwrap();
                if matches!(verb, Verb::Status | Verb::Results) {
                    command = command.target_ref("a&b").unwrap().source_ref("c").unwrap();
                    shown.push(std::format!("{:?}", Part::TargetRef("a&b")));
                    shown.push(std::format!("{:?}", Part::SourceRef("c")));
                }
                for item in items.iter().take(if verb == Verb::Exec { 1 } else { 2 }) {
                    command = command.item(item).unwrap();
                    shown.push(std::format!("{:?}", Part::Item(*item)));
                }
                command.end().unwrap();
            }
            let bytes = writer.finish(all.flag).unwrap();
            let message = Message::check(coding, bytes, &mut [0; SCRATCH]).unwrap();
            let mut scratch = [0; SCRATCH];
            prop_assert_eq!(message.header(&mut scratch).unwrap(), all.header());
            prop_assert_eq!((message.is_final(), message.quirks()), (all.flag, Quirks::NONE));
            prop_assert_eq!(first(coding, bytes), Ok((verb, shown)));
        }
    }

    /// Reading any octets returns.
    #[test]
    fn any_octets_are_read_to_an_end(mut bytes in prop::collection::vec(any::<u8>(), 0..96), wbxml: bool) {
        let coding = if wbxml { Coding::Wbxml } else { Coding::Xml };
        if wbxml {
            bytes.splice(0..0, [0x02, 0xA4, 0x01, 0x6A, 0x00, 0x6D, 0x6C]);
        }
        let mut text = String::new();
        dump(coding, &bytes, &mut text).unwrap();
        prop_assert!(!text.is_empty());
    }
}

/// The first octets that the fact sheet gives (section 3.6).
#[test]
fn a_message_begins_as_the_fact_sheet_says() {
    let mut out = [0; 256];
    let mut writer = Writer::new(Coding::Wbxml, &mut out, &header(Dialect::V1_2)).unwrap();
    writer.command(&Head::alert("1", AlertCode::CLIENT_INITIATED)).unwrap().end().unwrap();
    let bytes = writer.finish(true).unwrap();
    assert!(bytes.starts_with(&[
        0x02, 0xA4, 0x01, 0x6A, 0x00, 0x6D, 0x6C, 0x71, 0x03, 0x31, 0x2E, 0x32, 0x00, 0x01, 0x72, 0x03, 0x44,
        0x4D, 0x2F, 0x31, 0x2E, 0x32, 0x00, 0x01
    ]));
    assert!(bytes.ends_with(b"\x46\x4B\x031\0\x01\x4F\x031201\0\x01\x01\x12\x01\x01"));
    let mut writer = Writer::new(Coding::Wbxml, &mut out, &header(Dialect::V1_1)).unwrap();
    writer.command(&Head::alert("1", AlertCode::CLIENT_INITIATED)).unwrap().end().unwrap();
    assert!(writer.finish(true).unwrap().starts_with(&[0x02, 0x9F, 0x53, 0x6A, 0x00, 0x6D, 0x6C]));
}

#[test]
fn what_the_document_type_forbids_is_not_written() {
    let bad = |head: &Head<'_>, item: Option<&Item<'_>>| {
        let mut out = [0; 512];
        let mut writer = Writer::new(Coding::Xml, &mut out, &header(Dialect::V1_2)).unwrap();
        let written = match item {
            Some(item) => writer.command(head).and_then(|c| c.item(item)?.end()),
            None => writer.command(head).and_then(super::writer::CommandWriter::end),
        };
        written.map_err(|fault| fault.kind)
    };
    let item = Item::target("./A");
    for (head, item) in [
        (Head::new(Verb::Get, ""), Some(&item)),
        (Head::new(Verb::Get, "0"), Some(&item)),
        (Head::new(Verb::Get, "1"), None),
        (Head::new(Verb::Get, "1"), Some(&Item::target(""))),
        (Head::new(Verb::Alert, "1"), None),
        (Head::new(Verb::Status, "1"), None),
        (Head { cmd: None, ..Head::status("1", "1", "1", "Get", Code::OK) }, None),
        (Head { correlator: Some("c"), ..Head::new(Verb::Get, "1") }, Some(&item)),
        (Head { meta: Meta::of(Format::Chr), ..Head::alert("1", AlertCode::ABORT) }, None),
        (Head::new(Verb::Foreign, "1"), Some(&item)),
        (Head::new(Verb::Unknown, "1"), Some(&item)),
        (Head::new(Verb::Atomic, "1"), None),
        (Head::new(Verb::Replace, "1"), Some(&Item { data: Some(Data::Markup), ..item })),
    ] {
        assert_eq!(bad(&head, item), Err(ErrorKind::BadValue), "{head:?}");
    }
    let mut out = [0; 512];
    let mut writer = Writer::new(Coding::Wbxml, &mut out, &header(Dialect::V1_1)).unwrap();
    let mark = writer.mark();
    let exec = Head { correlator: Some("c"), ..Head::new(Verb::Exec, "1") };
    let fault = writer.command(&exec).map(drop).map_err(|fault| fault.kind);
    assert_eq!(fault, Err(ErrorKind::Unsupported));
    let writer = Writer::resume(&mut out, &mark).unwrap();
    assert!(writer.is_empty());
    assert_eq!(writer.finish(true).map_err(|fault| fault.kind), Err(ErrorKind::BadValue));
}

#[test]
fn references_stand_before_items_and_containers_hold_commands() {
    let mut out = [0; 512];
    let mut writer = Writer::new(Coding::Xml, &mut out, &header(Dialect::V1_2)).unwrap();
    let status = Head::status("1", "1", "2", "Alert", Code::OK);
    let item = Item::EMPTY.text("1");
    assert!(writer.command(&status).unwrap().item(&item).unwrap().target_ref("x").is_err());
    let mut out = [0; 512];
    let mut writer = Writer::new(Coding::Xml, &mut out, &header(Dialect::V1_2)).unwrap();
    writer.begin(&Head::new(Verb::Sequence, "1")).unwrap();
    assert!(writer.begin(&Head::new(Verb::Sequence, "2")).is_err());
    assert!(writer.end().is_err());
    writer.begin(&Head::new(Verb::Atomic, "2")).unwrap();
    let delete = Head::new(Verb::Delete, "3");
    writer.command(&delete).unwrap().item(&Item::target("./A")).unwrap().end().unwrap();
    writer.end().unwrap();
    writer.end().unwrap();
    let bytes = writer.finish(true).unwrap();
    let mut shown = String::new();
    dump(Coding::Xml, bytes, &mut shown).unwrap();
    let expected = "DM/1.2 session 7 message 1 from http://a/?b&c to IMEI:1\n  Sequence 1\n    Atomic 2\n      \
                    Delete 3\n        item ./A\n  final\n";
    assert_eq!(shown, expected);
}

/// Every buffer too small for a command leaves a message that can still be ended.
#[test]
fn a_full_message_keeps_room_for_its_end() {
    for coding in CODINGS {
        let mut refused = 0;
        for room in 0..1200 {
            let mut out = vec![0; room];
            let Ok(mut writer) = Writer::new(coding, &mut out, &header(Dialect::V1_2)) else { continue };
            let first = Head::alert("1", AlertCode::NEXT_MESSAGE);
            if writer.command(&first).and_then(CommandWriter::end).is_err() {
                continue;
            }
            let mark = writer.mark();
            let results = Head::results("2", "1", "4");
            let item = Item::source("./DevInfo/Man").meta(Meta::of(Format::Chr)).text("somebody & sons");
            let fits = writer.command(&results).and_then(|c| c.item(&item)?.end()).is_ok();
            if !fits {
                refused += 1;
                writer = Writer::resume(&mut out, &mark).unwrap();
            }
            let len = writer.len();
            let bytes = writer.finish(true).unwrap();
            assert!(bytes.len() <= len && bytes.len() <= room);
            let mut shown = String::new();
            dump(coding, bytes, &mut shown).unwrap();
            assert_eq!(shown.contains("Results 2 of 1.4"), fits);
            assert!(shown.ends_with("final\n"), "{shown}");
        }
        assert!(refused > 40, "{refused}");
    }
}

fn xml(body: &str) -> String {
    std::format!(
        "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1\
         </SessionID><MsgID>1</MsgID><Target><LocURI>d</LocURI></Target><Source><LocURI>s</LocURI></Source></SyncHdr>\
         <SyncBody>{body}</SyncBody></SyncML>"
    )
}

#[test]
fn quirks_are_noticed() {
    let quirks = |body: &str| {
        let text = xml(body);
        let quirks = Message::check(Coding::Xml, text.as_bytes(), &mut [0; SCRATCH]).unwrap().quirks();
        quirks.iter().collect::<Vec<_>>()
    };
    let status = "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>";
    assert_eq!(quirks(&std::format!("{status}<TargetRef>a</TargetRef><Data>212</Data></Status>")), []);
    assert_eq!(
        quirks(&std::format!("{status}<Data>212</Data><TargetRef>a</TargetRef></Status>")),
        [Quirk::Order]
    );
    assert_eq!(
        quirks("<Results><CmdID>1</CmdID><CmdRef>5</CmdRef><Cmd>Get</Cmd><Item/></Results>"),
        [Quirk::ForeignChild]
    );
    let cmd_id: &[u8] = b"\x6B\x46\x4B\xC3\x011\x01\x4F\x031222\0\x01\x01";
    let mut message = Vec::from(&b"\x02\xA4\x01\x6A\0\x6D\x6C\x71\x031.2\0\x01\x72\x03DM/1.2\0\x01"[..]);
    message.extend(b"\x65\x031\0\x01\x5B\x031\0\x01\x6E\x57\x03d\0\x01\x01\x67\x57\x03s\0\x01\x01\x01");
    message.extend(cmd_id);
    message.extend(b"\x01\x01");
    let quirks = Message::check(Coding::Wbxml, &message, &mut [0; SCRATCH]).unwrap().quirks();
    assert_eq!(quirks.iter().collect::<Vec<_>>(), [Quirk::OpaqueText]);
    for quirk in Quirk::ALL {
        assert!(!quirk.to_string().is_empty());
    }
}

#[test]
fn unknown_and_foreign_commands_come_out_to_be_refused() {
    let text = xml("<Put><CmdID>1</CmdID></Put><Nonsense a='b'>x<y/></Nonsense><Final/>");
    let mut scratch = [0; SCRATCH];
    let mut body = Message::check(Coding::Xml, text.as_bytes(), &mut scratch).unwrap().body().unwrap();
    let mut verbs = Vec::new();
    while let Some(Element::Command(head, _)) = body.next(&mut scratch).unwrap() {
        verbs.push((head.verb, head.name.to_string(), head.id.to_string()));
    }
    assert_eq!(
        verbs,
        [
            (Verb::Foreign, "Put".to_string(), "1".to_string()),
            (Verb::Unknown, "Nonsense".to_string(), String::new())
        ]
    );
    assert!(body.is_final());
}

/// Containers beyond the limit are not entered, and reading them returns.
#[test]
fn deep_nesting_is_not_entered() {
    let depth = limits::MAX_NESTING + 2;
    let open = "<Atomic><CmdID>1</CmdID>".repeat(depth);
    let text = xml(&std::format!("{open}<Get><CmdID>2</CmdID></Get>{}", "</Atomic>".repeat(depth)));
    let mut scratch = [0; SCRATCH];
    let mut body = Message::check(Coding::Xml, text.as_bytes(), &mut scratch).unwrap().body().unwrap();
    for _ in 0..limits::MAX_NESTING {
        assert!(matches!(body.next(&mut scratch), Ok(Some(Element::Begin(_)))));
    }
    let inner = body.next(&mut scratch).unwrap();
    assert!(matches!(inner, Some(Element::Command(head, _)) if head.verb == Verb::Atomic));
    for _ in 0..limits::MAX_NESTING {
        assert!(matches!(body.next(&mut scratch), Ok(Some(Element::End(Verb::Atomic)))));
    }
    assert!(matches!(body.next(&mut scratch), Ok(None)));
    let bombs = xml(&"<Atomic>".repeat(100));
    let fault = Message::check(Coding::Xml, bombs.as_bytes(), &mut scratch).map(drop).unwrap_err();
    assert_eq!(fault.kind, ErrorKind::LimitExceeded);
}

/// Markup in Data is not lost: its elements can be read, in both codings.
#[test]
fn markup_in_data_is_read_as_elements() {
    let text = xml(
        "<Add><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target><Data> <MgmtTree xmlns='syncml:dmddf1.2'>\
         <VerDTD>1.2</VerDTD></MgmtTree></Data></Item><Item><Data>plain</Data></Item></Add>",
    );
    let (mut scratch, mut more) = ([0; SCRATCH], [0; SCRATCH]);
    let mut body = Message::check(Coding::Xml, text.as_bytes(), &mut scratch).unwrap().body().unwrap();
    let Some(Element::Command(_, mut parts)) = body.next(&mut scratch).unwrap() else { panic!() };
    let item = parts.item(&mut more).unwrap().unwrap();
    assert_eq!(item.data, Some(Data::Markup));
    let mut inline = parts.inline().unwrap();
    let mut events = Vec::new();
    while let Some(event) = inline.next().unwrap() {
        events.push(std::format!("{event:?}"));
    }
    assert_eq!(events.len(), 6, "{events:?}");
    assert!(events[1].contains("MgmtTree") && events[3].contains("1.2"), "{events:?}");
    let item = parts.item(&mut more).unwrap().unwrap();
    assert_eq!((item.data, parts.inline().is_none()), (Some(Data::Text("plain")), true));
    assert_eq!(parts.item(&mut more).unwrap(), None);
}

#[test]
fn a_header_that_lacks_something_is_no_message() {
    let whole = xml("<Final/>");
    for element in ["VerDTD", "VerProto", "SessionID", "MsgID", "Target", "Source"] {
        let renamed = whole.replace(&std::format!("<{element}>"), "<x>");
        let broken = renamed.replace(&std::format!("</{element}>"), "</x>");
        let fault = Message::check(Coding::Xml, broken.as_bytes(), &mut [0; SCRATCH]).map(drop);
        assert_eq!(fault.unwrap_err().kind, ErrorKind::BadValue, "{element}");
    }
    assert!(Message::check(Coding::Xml, whole.as_bytes(), &mut [0; SCRATCH]).unwrap().is_final());
}

#[test]
fn codes_and_words_have_names() {
    assert_eq!(Code(212).to_string(), "authenticated for the session");
    assert_eq!(AlertCode(1299).to_string(), "unknown(1299)");
    assert!(Code::ACCEPTED.is_success() && !Code::NOT_EXECUTED.is_success() && !Code(199).is_success());
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
    }
    assert_eq!(Meta::of(Format::Bin).or(&Meta::of(Format::Chr)).format(), Some(Format::Bin));
    assert_eq!((Meta::EMPTY.format(), Meta::EMPTY.media_type()), (Some(Format::Chr), "text/plain"));
}
