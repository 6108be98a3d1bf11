//! `kedge inspect` on the vectors of the fact sheets: whole, and cut short at every octet.

mod sample;

use kedge::command::Exit;
use kedge_protocol::syncml::{Dialect, Head, Header, Item, Location, Verb, Writer};
use kedge_protocol::wap::Coding;
use sample::kedge;

/// Name, arguments before the bytes, the bytes, what must be in the text.
type Case = (&'static str, &'static [&'static str], &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "service indication (wap-push.md 9.5)",
        &["wbxml"],
        "02056a0045c60b03687474703a2f2f70726f762e6578616d706c652e636f6d2f696f74613f733d34320011033432406578616d70\
         6c652e636f6d000801034e65772073657474696e6773000101",
        &["WBXML 1.2", "element indication", "\"New settings\""],
    ),
    (
        "push with a service loading (wap-push.md 9.4)",
        &["wsp"],
        "020605b0af02801002066a0085060803687474703a2f2f70726f762e6578616d706c652e636f6d2f696f74613f733d34320001",
        &["application/vnd.wap.slc", "http://prov.example.com/iota?s=42"],
    ),
    (
        "MMC document 1 (iota.md B9)",
        &["mmc"],
        "03016a00c505070341310008033100 01c90d0331000f014fc30106010101",
        &["document 1 of session A1", "exec is683/msg"],
    ),
    (
        "answer to MMC document 3 (iota.md B9)",
        &["mmc"],
        "03016a00c505070341310009033300018e0d03310014018e0d03320014018e0d03330014100341636d653b4465764b6974313b312e\
         342e32000101",
        &["answer to document 3", "Acme;DevKit1;1.4.2"],
    ),
    (
        "NAM download (is683.md 13)",
        &["is683", "--forward"],
        "0101001123640ac068e36f00c4721dc04815ffff8000",
        &["Download Request", "FIRSTCHP", "283"],
    ),
    (
        "SSPR download response (is683.md 13)",
        &["is683", "--reverse"],
        "080009000a08",
        &["SSPR Download Response", "CRC error"],
    ),
];

/// The answer to `inspect` with these arguments and bytes.
fn inspect(arguments: &[&str], bytes: &str) -> sample::Answer {
    let mut all = vec!["inspect"];
    all.extend(arguments.first());
    all.push(bytes);
    all.extend(arguments.iter().skip(1));
    kedge(&all)
}

/// Whether a vector of `whole` octets may end after `octets` and still be whole: a push has a body of any length, and
/// old handsets leave the last octet of a download, the FRESH trailer, out.
fn may_end(name: &str, octets: usize, whole: usize) -> bool {
    const PUSH_HEADERS: usize = 8;
    match name {
        _ if name.starts_with("push") => octets >= PUSH_HEADERS,
        _ if name.starts_with("NAM") => octets == whole - 1,
        _ => false,
    }
}

#[test]
fn whole_vectors_are_explained() {
    for (name, arguments, bytes, expected) in CASES {
        let answer = inspect(arguments, &bytes.replace(' ', ""));
        assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""), "{name}");
        for text in *expected {
            assert!(answer.out.contains(text), "{name}: {text:?} is not in\n{}", answer.out);
        }
    }
}

#[test]
fn vectors_cut_short_are_shown_up_to_the_fault_which_is_named() {
    let mut broken = 0;
    for (name, arguments, bytes, _) in CASES {
        let bytes = bytes.replace(' ', "");
        for octets in 1..bytes.len() / 2 {
            let answer = inspect(arguments, &bytes[..octets * 2]);
            match answer.exit {
                Exit::Failed => {
                    broken += 1;
                    let at = answer.err.split("at octet ").nth(1).and_then(|rest| rest.split(' ').next());
                    let at: usize =
                        at.and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("{}", answer.err));
                    assert!(at <= octets, "{name} of {octets} octets: {}", answer.err);
                    assert!(answer.err.ends_with(&format!("of {octets}\n")), "{}", answer.err);
                }
                Exit::Passed => assert!(may_end(name, octets, bytes.len() / 2), "{name} of {octets} octets"),
                Exit::Usage => panic!("{name} of {octets} octets: {}", answer.err),
            }
        }
    }
    println!("{broken} truncations named");
    assert!(broken > 200, "{broken}");
}

#[test]
fn a_file_and_xml_are_taken_too() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("document.xml");
    std::fs::write(
        &path,
        "<mmc version=\"1.0\" session=\"A1\" doc=\"4\"><disconnect id=\"1\" reboot=\"1\"/></mmc>",
    )
    .unwrap();
    let path = path.to_str().unwrap();
    let xml = kedge(&["inspect", "xml", path]);
    assert_eq!((xml.exit, xml.err.as_str()), (Exit::Passed, ""));
    assert!(xml.out.contains("element disconnect"), "{}", xml.out);
    let mmc = kedge(&["inspect", "mmc", path]);
    assert_eq!(mmc.exit, Exit::Passed, "{}", mmc.err);
    assert!(mmc.out.contains("disconnect and restart"), "{}", mmc.out);
}

#[test]
fn a_fault_is_named_with_its_offset() {
    let answer = kedge(&["inspect", "wbxml", "02056a00 45 c6 0b 03 6874"]);
    assert_eq!(answer.exit, Exit::Failed);
    assert!(answer.out.contains("element indication"), "what stands before it is shown: {}", answer.out);
    assert_eq!(
        answer.err,
        "kedge: broken WBXML document: input ends inside a field at octet 8 (0x8) of 10\n"
    );
}

/// A message of a server with one Get, as hexadecimal digits.
fn message(coding: Coding) -> String {
    let mut out = [0; 1024];
    let (device, server) = (Location::new("IMEI:490154203237518"), Location::new("https://dm.example/"));
    let header = Header::new(Dialect::V1_2, "7F", "3", device, server);
    let mut writer = Writer::new(coding, &mut out, &header).unwrap();
    let item = Item::target("./DevInfo/Man?prop=ACL");
    writer.command(&Head::new(Verb::Get, "4")).unwrap().item(&item).unwrap().end().unwrap();
    writer.finish(true).unwrap().iter().fold(String::new(), |hex, octet| hex + &format!("{octet:02x}"))
}

#[test]
fn a_syncml_message_of_either_coding_is_explained_and_its_cuts_are_named() {
    for coding in [Coding::Wbxml, Coding::Xml] {
        let whole = message(coding);
        let answer = inspect(&["syncml"], &whole);
        assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""), "{coding:?}");
        for text in [
            "element SyncHdr",
            "DM/1.2 session 7F message 3 from https://dm.example/ to IMEI:490154203237518",
            "Get 4",
            "item ./DevInfo/Man?prop=ACL",
            "final",
        ] {
            assert!(answer.out.contains(text), "{coding:?}: {text:?} is not in\n{}", answer.out);
        }
        for octets in 1..whole.len() / 2 {
            let answer = inspect(&["syncml"], &whole[..octets * 2]);
            assert_eq!(answer.exit, Exit::Failed, "{coding:?}, {octets} octets");
            assert!(answer.err.ends_with(&format!("of {octets}\n")), "{}", answer.err);
        }
    }
}
