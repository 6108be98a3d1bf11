use super::*;
use crate::iota::limits::{MAX_COMMANDS, MAX_VALUE};
use crate::iota::{EndReason, ResultCode};
use crate::wire::{Error, ErrorKind};
use proptest::prelude::*;
use std::format;
use std::string::String;
use std::vec::Vec;

type Scratch = [u8; 16384];

fn checked(coding: Coding, bytes: &[u8]) -> Result<Document<'_>, Fault> {
    Document::check(coding, bytes, &mut [0; SCRATCH])
}

fn xml(text: &str) -> Result<Document<'_>, Fault> {
    checked(Coding::Xml, text.as_bytes())
}

/// A document with this content, as text.
fn server(content: &str) -> String {
    format!(r#"<mmc version="1.0" session="S" doc="1">{content}</mmc>"#)
}

#[test]
fn white_space_unknown_attributes_and_comments_are_ignored() {
    let text = "\u{feff}<?xml version=\"1.0\"?>\n<!-- c --><mmc x=\"1\" version=\"1.0\" session=\"S.-_9\" doc=\"7\" next='https://a/?b&amp;c'>\r\n \
        <exec id=\"1\" y=\"&lt;\" object=\"is683/msg\"> <data z=\"\">\r\n Bg<!-- -->\r\n== </data>\n</exec> </mmc>\n";
    let document = xml(text).unwrap();
    assert_eq!((document.len(), document.claims_iota(), document.coding()), (1, false, Coding::Xml));
    let mut scratch: Scratch = [0; 16384];
    let head = Head::Server { session: "S.-_9", doc: 7, next: Some("https://a/?b&c") };
    assert_eq!(document.head(&mut scratch).unwrap(), head);
    let exec = Command::new(1, Verb::Exec).on("is683/msg").with(Content::Data(&[6]));
    assert_eq!(document.element(0, &mut scratch).unwrap(), Some(Element::Command(exec)));
    let empty = exec.with(Content::Data(&[]));
    assert_eq!(document.outline(0, &mut scratch).unwrap(), Some(Element::Command(empty)));
    assert_eq!(document.element(1, &mut scratch).unwrap(), None);
}

#[test]
fn unknown_elements_are_commands_that_fail() {
    let text = server(
        "<format id=\"3\" version=\"9\" onerror=\"continue\">x<deep id=\"0\"/>y</format><commit id=\"4\"/>",
    );
    let document = xml(&text).unwrap();
    let mut scratch: Scratch = [0; 16384];
    let Some(Element::Command(unknown)) = document.element(0, &mut scratch).unwrap() else { panic!() };
    assert_eq!((unknown.id, unknown.verb, unknown.on_error), (3, Verb::Unknown, OnError::Continue));
    let Some(Element::Command(next)) = document.element(1, &mut scratch).unwrap() else { panic!() };
    assert_eq!(next, Command::new(4, Verb::Commit));
    // The same in WBXML: tag 0x10 of page 0, with an id.
    let bytes = [3, 1, 0x6A, 0, 0xC5, 5, 7, 3, b'S', 0, 8, 3, b'1', 0, 1, 0x90, 0x0D, 3, b'3', 0, 1, 1];
    let document = checked(Coding::Wbxml, &bytes).unwrap();
    let Some(Element::Command(unknown)) = document.element(0, &mut scratch).unwrap() else { panic!() };
    assert_eq!((unknown.id, unknown.verb), (3, Verb::Unknown));
}

#[test]
fn a_bad_octet_makes_a_bad_value_not_a_bad_document() {
    let text = server("<write id='1' object='a'><data>Zg=</data></write><commit id='2'/>");
    let document = xml(&text).unwrap();
    let mut scratch: Scratch = [0; 16384];
    assert!(matches!(document.element(0, &mut scratch), Err(Fault::Ungrammatical(_))));
    assert!(document.outline(0, &mut scratch).is_ok());
    assert!(document.element(1, &mut scratch).is_ok());
    let good = server("<write id='1' object='a'><data>Zg==</data></write>");
    let fault = xml(&good).unwrap().element(0, &mut scratch[..5]).unwrap_err();
    assert_eq!(fault.error().kind, ErrorKind::NoRoom);
}

#[test]
fn what_the_grammar_forbids_is_refused() {
    let bad = [
        "<read id='1'/>",
        "<read object='a'/>",
        "<read id='0' object='a'/>",
        "<read id='01' object='a'/>",
        "<read id='65536' object='a'/>",
        "<read id='1' object='a' value='x'/>",
        "<write id='1' object='a'/>",
        "<write id='1' value='a'/>",
        "<write id='1' object='a' value='b' valueref='cid:c'/>",
        "<write id='1' object='a' value='b'><data/></write>",
        "<write id='1' object='a'><data/><data/></write>",
        "<write id='1' object='a'><x/></write>",
        "<write id='1' object='a'><data><x/></data></write>",
        "<write id='1' object='a' value='b'>text</write>",
        "<write id='1' object='a' value='b' code='0'/>",
        "<display id='1'/>",
        "<display id='1' valueref='cid:a'/>",
        "<commit id='1' object='a'/>",
        "<commit id='1' onerror='never'/>",
        "<commit id='1' reboot='1'/>",
        "<disconnect id='1' reboot='0'/>",
        "<disconnect id='1' onerror='continue'/>",
        "<disconnect id='1'/><commit id='2'/>",
        "<commit id='1'/><commit id='1'/>",
        "<result id='1' code='0'/>",
        "<unknown/>",
        "text",
    ];
    for content in bad {
        let text = server(content);
        let fault = xml(&text).expect_err(content);
        assert_eq!((fault.reason(), fault.code()), (EndReason::MMC, ResultCode::BAD_VALUE), "{content}");
    }
    let roots = [
        "<mcc version='1.0' session='S' doc='1'/>",
        "<mmc session='S' doc='1'/>",
        "<mmc version='1.1' session='S' doc='1'/>",
        "<mmc version='1.0' doc='1'/>",
        "<mmc version='1.0' session='a b' doc='1'/>",
        "<mmc version='1.0' session='' doc='1'/>",
        "<mmc version='1.0' session='123456789012345678901234567890123' doc='1'/>",
        "<mmc version='1.0' session='S'/>",
        "<mmc version='1.0' session='S' doc='1' re='1'/>",
        "<mmc version='1.0' session='S' re='1' next='http://a/'/>",
        "<mmc version='1.0' session='S' re='1'><commit id='1'/></mmc>",
        "<mmc version='1.0' session='S' re='1'><result id='1'/></mmc>",
        "<mmc version='1.0' session='S' re='1'><result id='1' code='256'/></mmc>",
        "<mmc version='1.0' session='S' re='1'><other id='1' code='0'/></mmc>",
    ];
    for text in roots {
        assert_eq!(xml(text).expect_err(text).reason(), EndReason::MMC, "{text}");
    }
}

#[test]
fn what_the_codings_forbid_is_refused() {
    let texts = [
        "",
        "<mmc",
        "<!DOCTYPE mmc><mmc version='1.0' session='S' doc='1'/>",
        "<?x y?><mmc version='1.0' session='S' doc='1'/>",
        "<mmc version='1.0' session='S' doc='1'><?x y?></mmc>",
        "<mmc version='1.0' session='S' doc='1'/><?x y?>",
        "<mmc version='1.0' session='&S;' doc='1'/>",
        "<mmc version='1.0' session='S' doc='1'/>x",
        "<mmc version='1.0' session='S' doc='1'><a id='1'><b><c><d/></c></b></a></mmc>",
    ];
    for text in texts {
        let fault = xml(text).expect_err(text);
        assert_eq!((fault.reason(), fault.code()), (EndReason::XML, ResultCode::INVALID_CONTENT), "{text}");
    }
    // The head of a good document, then one thing that the profile forbids.
    let head = [5, 7, 3, b'S', 0, 8, 3, b'1', 0, 1];
    let bodies: [&[u8]; 8] = [
        &[0x04, 0, 0x01],                      // literal tag
        &[0x43, 0x07, 0x01],                   // processing instruction
        &[0x00, 0x01, 0x0C, 0x00, 0x00],       // page 1
        &[0x80, 0x00],                         // extension
        &[0xC0],                               // extension
        &[0x8C, 0x0D, 3, b'1', 0, 0xC0, 0x01], // extension in a value
        &[0x8C, 0x0D, 0x89, 0x01],             // unknown value token
        &[0x8C, 0x0D, 0xC3, 1, b'1', 0x01],    // octets for a text
    ];
    for body in bodies {
        let bytes = [&[3, 1, 0x6A, 2, b'x', 0, 0xC5][..], &head, body, &[1]].concat();
        assert_eq!(
            checked(Coding::Wbxml, &bytes).expect_err("forbidden").reason(),
            EndReason::XML,
            "{body:x?}"
        );
    }
    let headers: [(&[u8], bool); 8] = [
        (&[3, 1, 0x6A, 0], true),
        (&[3, 0xA4, 0x00, 0x6A, 0], true),
        (&[3, 0, 0, 0x6A, 2, b'x', 0], true),
        (&[2, 1, 0x6A, 0], false),
        (&[3, 5, 0x6A, 0], false),
        (&[3, 1, 3, 0], false),
        (&[3, 1, 0, 0], false),
        (&[3, 1], false),
    ];
    for (header, good) in headers {
        let bytes = [header, &[0x85], &head].concat();
        assert_eq!(checked(Coding::Wbxml, &bytes).is_ok(), good, "{header:x?}");
    }
    let claims = [&[3, 0xA4, 0x00, 0x6A, 0, 0x85][..], &head].concat();
    assert!(checked(Coding::Wbxml, &claims).unwrap().claims_iota());
    let table = [&[3, 1, 0x6A, 0x88, 0x01][..], &[b'x'; 1024], &[0, 0x85], &head].concat();
    assert_eq!(checked(Coding::Wbxml, &table).unwrap_err().error().kind, ErrorKind::LimitExceeded);
}

#[test]
fn limits_hold() {
    let too_big = |text: &str| {
        let fault = xml(text).expect_err("over the limit");
        assert_eq!((fault.reason(), fault.code()), (EndReason::MMC, ResultCode::TOO_BIG));
    };
    let value = |n: usize| server(&format!("<display id='1' value='{}'/>", "x".repeat(n)));
    assert!(xml(&value(MAX_VALUE)).is_ok());
    too_big(&value(MAX_VALUE + 1));
    too_big(&server(&format!("<commit id='1' other='{}'/>", "x".repeat(MAX_VALUE + 1))));
    let commands =
        |n: usize| server(&(1..=n).map(|id| format!("<commit id='{id}'/>")).collect::<Vec<_>>().concat());
    assert_eq!(xml(&commands(MAX_COMMANDS)).unwrap().len(), MAX_COMMANDS);
    too_big(&commands(MAX_COMMANDS + 1));
    let size = |n: usize| server(&" ".repeat(n - server("").len()));
    assert!(xml(&size(8192)).is_ok());
    too_big(&size(8193));
    // Seventeen attributes: XML has the same limit below the grammar; here in WBXML, with unknown starts 0x20...
    let attributes = |n: u8| {
        let extra: Vec<u8> = (0..n).map(|i| 0x20 + i).collect();
        [
            &[3, 1, 0x6A, 0, 0xC5, 5, 7, 3, b'S', 0, 8, 3, b'1', 0, 1, 0x8C, 0x0D, 3, b'1', 0][..],
            &extra,
            &[1, 1],
        ]
        .concat()
    };
    assert!(checked(Coding::Wbxml, &attributes(15)).is_ok());
    assert_eq!(checked(Coding::Wbxml, &attributes(16)).unwrap_err().code(), ResultCode::TOO_BIG);
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let head = Head::Server { session: "S", doc: 1, next: None };
    let mut out = [0; 4096];
    for coding in [Coding::Wbxml, Coding::Xml] {
        let mut try_command = |command: Command<'_>| {
            Writer::new(coding, &mut out, &head).and_then(|mut w| w.command(&command)).map_err(|e| e.kind)
        };
        let long = "x".repeat(MAX_VALUE + 1);
        assert_eq!(try_command(Command::new(1, Verb::Read)), Err(ErrorKind::BadValue));
        assert_eq!(try_command(Command::new(1, Verb::Unknown)), Err(ErrorKind::BadValue));
        assert_eq!(try_command(Command::new(0, Verb::Commit)), Err(ErrorKind::BadValue));
        let display = Command::new(1, Verb::Display);
        assert_eq!(try_command(display.with(Content::Text(&long))), Err(ErrorKind::LimitExceeded));
        assert_eq!(try_command(display.with(Content::Text("a\0"))), Err(ErrorKind::BadText));
        assert_eq!(try_command(display.with(Content::Text("\u{1}"))), Err(ErrorKind::BadText));
        let mut w = Writer::new(coding, &mut out, &head).unwrap();
        w.command(&Command::new(1, Verb::Disconnect)).unwrap();
        assert!(w.command(&Command::new(2, Verb::Commit)).is_err());
        let answer = Answer { id: 1, code: ResultCode::SUCCESS, value: None };
        assert!(Writer::new(coding, &mut out, &head).unwrap().answer(&answer).is_err());
        let bad = Head::Device { session: "a b", re: 1 };
        assert_eq!(Writer::new(coding, &mut out, &bad).map(|_| ()), Err(Error::new(ErrorKind::BadValue, 0)));
    }
}

/// A value in owned form.
#[derive(Clone, Debug)]
enum Owned {
    Text(String),
    Reference(String),
    Data(Vec<u8>),
}

impl Owned {
    fn content(&self) -> Content<'_> {
        match self {
            Self::Text(text) => Content::Text(text),
            Self::Reference(text) => Content::Reference(text),
            Self::Data(octets) => Content::Data(octets),
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,20}",
        "https?://[a-z]{1,8}\\.(com|edu|net|org)/[a-z&<\"']{0,5}",
        any::<String>().prop_filter("XML text", |text| super::writer::is_text(text)),
    ]
}

fn value() -> impl Strategy<Value = Owned> {
    prop_oneof![
        text().prop_map(Owned::Text),
        "cid:[A-Za-z0-9._-]{1,32}".prop_map(Owned::Reference),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Owned::Data),
    ]
}

type Spec = (u8, bool, bool, Option<Owned>, String);

fn spec() -> impl Strategy<Value = Spec> {
    (0_u8..8, any::<bool>(), any::<bool>(), proptest::option::of(value()), text())
}

/// A legal command made of arbitrary parts; ids count up.
fn command(id: u16, spec: &Spec) -> Command<'_> {
    let (verb, flag, stop, value, object) = spec;
    let value = value.as_ref().map(Owned::content);
    let present = Some(value.unwrap_or(Content::Text("")));
    let command = |verb, object, value| Command { object, value, ..Command::new(id, verb) };
    let mut made = match verb {
        0 => command(Verb::Read, Some(object.as_str()), None),
        1 => command(Verb::Write, Some(object), present),
        2 => command(Verb::Delete, Some(object), None),
        3 => command(Verb::Exec, Some(object), value),
        4 => command(Verb::Check, Some(object), present),
        5 => command(Verb::Display, flag.then_some(object.as_str()), Some(Content::Text(object))),
        6 => command(Verb::Commit, None, None),
        _ => return Command { reboot: *flag, ..Command::new(id, Verb::Disconnect) },
    };
    made.on_error = if *stop { OnError::Stop } else { OnError::Continue };
    made
}

proptest! {
    #[test]
    fn reading_undoes_writing(
        specs in proptest::collection::vec(spec(), 0..8),
        coding in prop_oneof![Just(Coding::Wbxml), Just(Coding::Xml)],
        session in "[A-Za-z0-9._-]{1,32}", doc in 1_u16.., next in proptest::option::of(text()),
    ) {
        let specs: Vec<&Spec> = specs.iter().enumerate()
            .filter(|(n, spec)| spec.0 != 7 || n + 1 == specs.len()).map(|(_, spec)| spec).collect();
        let commands: Vec<Command<'_>> = (1..).zip(&specs).map(|(id, spec)| command(id, spec)).collect();
        let head = Head::Server { session: &session, doc, next: next.as_deref() };
        let mut out = [0; 8192];
        let mut writer = Writer::new(coding, &mut out, &head).unwrap();
        for command in &commands {
            writer.command(command).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let document = checked(coding, bytes).unwrap();
        let mut scratch: Scratch = [0; 16384];
        prop_assert_eq!(document.head(&mut scratch).unwrap(), head);
        prop_assert_eq!(document.len(), commands.len());
        for (number, command) in commands.iter().enumerate() {
            prop_assert_eq!(document.element(number, &mut scratch).unwrap(), Some(Element::Command(*command)));
        }
        for cut in 0..bytes.len() {
            prop_assert!(checked(coding, &bytes[..cut]).is_err());
        }
    }

    #[test]
    fn answers_survive(
        values in proptest::collection::vec((any::<u8>(), proptest::option::of(value())), 0..8),
        coding in prop_oneof![Just(Coding::Wbxml), Just(Coding::Xml)], re in 1_u16..,
    ) {
        let head = Head::Device { session: "s", re };
        let mut out = [0; 8192];
        let mut writer = Writer::new(coding, &mut out, &head).unwrap();
        let answers: Vec<Answer<'_>> = (1..).zip(&values)
            .map(|(id, (code, value))| Answer { id, code: ResultCode(*code), value: value.as_ref().map(Owned::content) })
            .collect();
        for answer in &answers {
            writer.answer(answer).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let document = checked(coding, bytes).unwrap();
        let mut scratch: Scratch = [0; 16384];
        prop_assert_eq!(document.head(&mut scratch).unwrap(), head);
        let mut elements = document.elements(&mut scratch).unwrap();
        for answer in &answers {
            prop_assert_eq!(elements.next(&mut scratch).unwrap(), Some(Element::Answer(*answer)));
        }
        prop_assert_eq!(elements.next(&mut scratch).unwrap(), None);
    }

    #[test]
    fn reading_anything_returns(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..60), good in any::<bool>(), is_xml in any::<bool>(),
    ) {
        let coding = if is_xml { Coding::Xml } else { Coding::Wbxml };
        if good {
            bytes.splice(0..0, [3, 1, 0x6A, 0, 0xC5, 5, 7, 3, b'S', 0, 8, 3, b'1', 0, 1]);
        }
        let mut scratch: Scratch = [0; 16384];
        if let Ok(document) = checked(coding, &bytes) {
            for number in 0..=document.len() {
                let _ = document.element(number, &mut scratch);
            }
        }
        let _ = dump(coding, &bytes, &mut scratch, &mut String::new());
    }
}
