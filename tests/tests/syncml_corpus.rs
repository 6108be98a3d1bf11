//! Real device-management messages: read, written anew in both codings, read again; and what we wrote, read by libwbxml.

use std::fmt::Write as _;

use kedge_protocol::syncml::{Message, Quirk, dump};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::ErrorKind;
use kedge_tests::oracle_wbxml::{Sample, installed, samples, wbxml2xml};
use kedge_tests::syncml::{ROOM, rewritten};

/// Documents with the name of SyncML that are no device-management messages.
fn is_foreign(name: &str) -> bool {
    // Data synchronisation; from libwbxml's own tests.
    name.starts_with("wbxml/libwbxml/")
}

/// The messages of the corpus and their coding. Renderings of libwbxml are left out: they are made from their neighbours.
fn messages() -> Vec<(Sample, Coding)> {
    let mine = |sample: &Sample| {
        let folder = sample.name.starts_with("syncml/") || sample.name.contains("aosp-dmlib");
        folder && !is_foreign(&sample.name) && !sample.name.ends_with("libwbxml.xml")
    };
    let coding = |sample: &Sample| if sample.is_xml() { Coding::Xml } else { Coding::Wbxml };
    samples().into_iter().filter(mine).map(|sample| (coding(&sample), sample)).map(|(c, s)| (s, c)).collect()
}

/// Everything that a message says.
fn told(coding: Coding, bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut scratch = vec![0; ROOM];
    let message = Message::check(coding, bytes, &mut scratch).unwrap();
    write!(text, "{:?} {}", message.header(&mut scratch).unwrap(), message.is_final()).unwrap();
    dump(coding, bytes, &mut text).unwrap();
    text
}

#[test]
fn every_message_of_the_corpus_comes_back_the_same() {
    let (mut read, mut out_of_order, mut foreign_children) = (0, 0, 0);
    for (sample, coding) in messages() {
        let message = Message::check(coding, &sample.bytes, &mut vec![0; ROOM])
            .unwrap_or_else(|fault| panic!("{}: {fault}", sample.name));
        let (quirks, said) = (message.quirks(), told(coding, &sample.bytes));
        out_of_order += usize::from(quirks.contains(Quirk::Order));
        foreign_children += usize::from(quirks.contains(Quirk::ForeignChild));
        for to in [Coding::Wbxml, Coding::Xml] {
            let bytes = rewritten(coding, &sample.bytes, to)
                .unwrap_or_else(|fault| panic!("{} to {to:?}: {fault}", sample.name));
            assert_eq!(told(to, &bytes), said, "{} to {to:?}", sample.name);
            assert_eq!(rewritten(to, &bytes, to).unwrap(), bytes, "{}: a fixed point", sample.name);
        }
        read += 1;
    }
    println!("{read} messages; quirks: {out_of_order} out of order, {foreign_children} with a foreign child");
    if read > 0 {
        assert!(read >= 40 && out_of_order >= 3 && foreign_children >= 1);
    }
}

/// libdmclient's own WBXML is what our writer makes of it, octet by octet, but for the Quirks of its Results.
#[test]
fn libdmclient_writes_the_same_octets() {
    let mut same = 0;
    for (sample, coding) in messages() {
        if sample.name.contains("libdmclient-session/client") && coding == Coding::Wbxml {
            assert_eq!(rewritten(coding, &sample.bytes, coding).unwrap(), sample.bytes, "{}", sample.name);
            same += 1;
        }
    }
    println!("{same} messages are the same octets");
}

#[test]
fn libwbxml_reads_what_we_write_as_we_do() {
    if !installed("wbxml2xml") {
        println!("SKIPPED: wbxml2xml is not installed");
        return;
    }
    let mut compared = 0;
    for (sample, coding) in messages() {
        let bytes = rewritten(coding, &sample.bytes, Coding::Wbxml).unwrap();
        let text = wbxml2xml(&bytes).unwrap_or_else(|code| panic!("{}: wbxml2xml: {code:?}", sample.name));
        assert!(!String::from_utf8_lossy(&text).contains("unknown"), "{}", sample.name);
        assert_eq!(told(Coding::Xml, &text), told(Coding::Wbxml, &bytes), "{}", sample.name);
        compared += 1;
    }
    println!("{compared} messages are read the same by libwbxml");
}

/// Truncated anywhere, a real message is refused or read; never is anything of a truncated one called complete.
#[test]
fn truncated_messages_are_refused() {
    let mut scratch = vec![0; ROOM];
    for (sample, coding) in messages() {
        let end = sample.bytes.trim_ascii_end().len();
        for len in 0..end {
            let fault = Message::check(coding, &sample.bytes[..len], &mut scratch).map(drop).unwrap_err();
            assert_ne!(fault.kind, ErrorKind::NoRoom, "{} cut to {len}", sample.name);
        }
    }
}
