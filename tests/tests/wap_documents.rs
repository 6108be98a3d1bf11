//! Service indications, service loadings, mail notifications and cache operations: put together by hand from the token tables of
//! `wap-push.md` section 5 and `oma-cp.md` section 8.1, and those of the corpus. What they mean is written here from the tables;
//! libwbxml, where it is installed, reads the same in them.

use kedge_protocol::wap::{
    CacheOperation, Coding, Date, Indication, Invalidation, Loading, MailNotification, SCRATCH, Signal,
    Urgency,
};
use kedge_protocol::wire::Error;
use kedge_tests::oracle_wbxml::{installed, samples, wbxml2xml};

/// Octets of a document in hexadecimal digits, in which texts stand between quotes.
fn assembled(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for (place, piece) in text.split('\'').enumerate() {
        if place % 2 == 1 {
            octets.extend(piece.bytes());
        } else {
            octets.extend(piece.split_whitespace().map(|hex| u8::from_str_radix(hex, 16).unwrap()));
        }
    }
    octets
}

/// What a document says, in a form that outlives the reader's memory.
fn told<T: core::fmt::Debug>(read: Result<T, Error>) -> String {
    read.map_or_else(|e| format!("{e}"), |value| format!("{value:?}"))
}

type Reader = fn(Coding, &[u8]) -> String;

/// Without the white space around the text, which libwbxml trims.
fn indication(coding: Coding, bytes: &[u8]) -> String {
    let mut scratch = [0; SCRATCH];
    let read = Indication::read(coding, bytes, &mut scratch);
    told(read.map(|indication| Indication { text: indication.text.trim(), ..indication }))
}

fn loading(coding: Coding, bytes: &[u8]) -> String {
    told(Loading::read(coding, bytes, &mut [0; SCRATCH]))
}

fn mail(coding: Coding, bytes: &[u8]) -> String {
    told(MailNotification::read(coding, bytes, &mut [0; SCRATCH]))
}

fn cache(coding: Coding, bytes: &[u8]) -> String {
    let mut all = Vec::new();
    let read = CacheOperation::read(coding, bytes, &mut [0; SCRATCH], |one| all.push(format!("{one:?}")));
    told(read.map(|()| all))
}

/// Reads each document, compares it with what it should say, cuts it everywhere, and lets libwbxml read it too.
fn check(reader: Reader, documents: &[(&str, String)]) {
    let oracle = installed("wbxml2xml");
    for (hex, expected) in documents {
        let bytes = assembled(hex);
        assert_eq!(reader(Coding::Wbxml, &bytes), *expected, "{hex}");
        for cut in 0..bytes.len() {
            let read = reader(Coding::Wbxml, &bytes[..cut]);
            assert!(read.contains(" at octet "), "{hex} cut to {cut}: {read}");
        }
        if oracle {
            let text = wbxml2xml(&bytes).unwrap_or_else(|status| panic!("{hex}: wbxml2xml {status:?}"));
            assert_eq!(reader(Coding::Xml, &text), *expected, "{hex}: libwbxml");
        }
    }
    kedge_tests::figure!(
        "{} documents read{}",
        documents.len(),
        if oracle { ", by libwbxml too" } else { "" }
    );
}

const NOTHING: Indication<'static> =
    Indication { href: None, si_id: None, action: Signal::Medium, created: None, expires: None, text: "" };

#[test]
fn indications() {
    let date = |day, hour, minute| Date::new(2026, 11, day, hour, minute, 0);
    let to = |href| Indication { href: Some(href), ..NOTHING };
    let documents = [
        ("02 05 6A 00 45 46 03 'Hi' 00 01 01", Indication { text: "Hi", ..NOTHING }),
        ("02 05 6A 00 45 06 01", NOTHING),
        // href by each of its prefixes, with each of the endings
        ("02 05 6A 00 45 86 0B 03 'x:y' 00 01 01", to("x:y")),
        ("02 05 6A 00 45 86 0C 03 'a' 00 85 03 'x' 00 01 01", to("http://a.com/x")),
        ("02 05 6A 00 45 86 0D 03 'a' 00 86 01 01", to("http://www.a.edu/")),
        ("03 05 6A 00 45 86 0E 03 'a' 00 87 01 01", to("https://a.net/")),
        ("03 05 6A 00 45 86 0F 03 'a' 00 88 01 01", to("https://www.a.org/")),
        // every action
        ("02 05 6A 00 45 86 05 01 01", Indication { action: Signal::None, ..NOTHING }),
        ("02 05 6A 00 45 86 06 01 01", Indication { action: Signal::Low, ..NOTHING }),
        ("02 05 6A 00 45 86 07 01 01", NOTHING),
        ("02 05 6A 00 45 86 08 01 01", Indication { action: Signal::High, ..NOTHING }),
        (
            "02 05 6A 00 45 86 09 11 03 '1' 00 01 01",
            Indication { action: Signal::Delete, si_id: Some("1"), ..NOTHING },
        ),
        // dates without the zeros at their ends
        ("02 05 6A 00 45 86 0A C3 04 20 26 11 22 01 01", Indication { created: date(22, 0, 0), ..NOTHING }),
        (
            "02 05 6A 00 45 86 0A C3 05 20 26 11 22 15 01 01",
            Indication { created: date(22, 15, 0), ..NOTHING },
        ),
        (
            "02 05 6A 00 45 86 10 C3 06 20 26 11 23 15 30 01 01",
            Indication { expires: date(23, 15, 30), ..NOTHING },
        ),
        (
            "02 05 6A 00 45 86 0A C3 07 20 26 11 22 15 30 59 10 C3 04 20 26 12 31 01 01",
            Indication {
                created: Date::new(2026, 11, 22, 15, 30, 59),
                expires: Date::new(2026, 12, 31, 0, 0, 0),
                ..NOTHING
            },
        ),
        // texts from the string table, from the middle of an entry too
        (
            "03 05 6A 0A 'http://a/' 00 45 86 0B 83 00 11 83 07 01 01",
            Indication { si_id: Some("a/"), ..to("http://a/") },
        ),
        // class and info are passed over
        (
            "02 05 6A 00 45 46 03 'x' 00 01 47 C8 12 03 'k' 00 01 03 'v' 00 01 01 01",
            Indication { text: "x", ..NOTHING },
        ),
        // US-ASCII
        (
            "02 05 03 00 45 C6 08 0B 03 'y:' 00 01 03 'x' 00 01 01",
            Indication { action: Signal::High, text: "x", ..to("y:") },
        ),
    ];
    check(indication, &documents.map(|(hex, expected)| (hex, format!("{expected:?}"))));
}

#[test]
fn loadings() {
    let to = |href, action| Loading { href, action };
    let documents = [
        ("02 06 6A 00 85 08 03 'http://a/' 00 01", to("http://a/", Urgency::Low)),
        ("02 06 6A 00 85 05 09 03 'a' 00 85 01", to("http://a.com/", Urgency::Low)),
        ("02 06 6A 00 85 06 0A 03 'a' 00 86 01", to("http://www.a.edu/", Urgency::High)),
        ("03 06 6A 00 85 07 0B 03 'a' 00 87 01", to("https://a.net/", Urgency::Cache)),
        ("02 06 6A 00 85 0C 03 'a' 00 88 06 01", to("https://www.a.org/", Urgency::High)),
        ("03 06 6A 04 '//b' 00 85 08 03 'x:' 00 83 00 01", to("x://b", Urgency::Low)),
    ];
    check(loading, &documents.map(|(hex, expected)| (hex, format!("{expected:?}"))));
}

#[test]
fn mail_notifications() {
    let at = |mailbox, timestamp| MailNotification { mailbox, timestamp };
    let (noon, second) = (Date::new(2026, 11, 22, 12, 0, 0), Date::new(2026, 11, 22, 15, 30, 1));
    let documents = [
        ("02 0D 6A 00 85 06 03 'x:y' 00 01", at("x:y", None)),
        ("02 0D 6A 00 85 05 C3 07 20 26 11 22 15 30 01 07 03 'u@m' 00 85 01", at("mailat:u@m.com", second)),
        ("02 0D 6A 00 85 08 03 'u@m' 00 86 05 C3 05 20 26 11 22 12 01", at("pop://u@m.edu", noon)),
        ("03 0D 6A 00 85 09 03 'u@m' 00 87 03 '/inbox' 00 01", at("imap://u@m.net/inbox", None)),
        ("02 0D 6A 00 85 0A 03 'a' 00 88 01", at("http://a.org", None)),
        ("02 0D 6A 00 85 0B 03 'a' 00 85 01", at("http://www.a.com", None)),
        ("02 0D 6A 00 85 0C 03 'a' 00 85 01", at("https://a.com", None)),
        ("02 0D 6A 00 85 0D 03 'a' 00 85 01", at("https://www.a.com", None)),
    ];
    check(mail, &documents.map(|(hex, expected)| (hex, format!("{expected:?}"))));
}

#[test]
fn cache_operations() {
    use Invalidation::{Object, Service};
    let documents = [
        ("02 07 6A 00 45 86 05 03 'http://a/1' 00 01 01", vec![Object("http://a/1")]),
        (
            "02 07 6A 00 45 86 06 03 'a' 00 85 01 86 07 03 'a' 00 86 01 01",
            vec![Object("http://a.com/"), Object("http://www.a.edu/")],
        ),
        (
            "03 07 6A 00 45 87 08 03 'a' 00 87 03 'x' 00 01 86 05 03 'y:' 00 01 87 09 03 'b' 00 88 01 01",
            vec![Service("https://a.net/x"), Object("y:"), Service("https://www.b.org/")],
        ),
    ];
    let expected = |all: Vec<Invalidation<'_>>| {
        format!("{:?}", all.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>())
    };
    check(cache, &documents.map(|(hex, all)| (hex, expected(all))));
}

/// What is broken is refused at the octet where it breaks.
#[test]
fn broken_documents() {
    let cases: [(Reader, &str, &str, usize); 12] = [
        // a date of a month that is none, of half a year, of more than seven octets
        (indication, "02 05 6A 00 45 86 0A C3 04 20 26 13 01 01 01", "forbidden value", 6),
        (indication, "02 05 6A 00 45 86 0A C3 01 20 01 01", "forbidden value", 6),
        (
            indication,
            "02 05 6A 00 45 86 0A C3 08 20 26 11 22 15 30 59 00 01 01",
            "length contradicts content",
            6,
        ),
        // a text where a date belongs; octets where a text belongs
        (indication, "02 05 6A 00 45 86 0A 03 'soon' 00 01 01", "forbidden value", 6),
        (loading, "02 06 6A 00 85 08 C3 02 61 62 01", "text not in its character set", 5),
        // a reference behind the string table, an unterminated text, a length of more than 32 bits
        (loading, "03 06 6A 02 'a' 00 85 08 83 05 01", "forbidden value", 9),
        (loading, "02 06 6A 00 85 08 03 'http://a/'", "input ends inside a field", 7),
        (loading, "02 06 6A 00 85 08 C3 FF FF FF FF 7F 01", "forbidden value", 7),
        // a loading without a URL, mail without a mailbox, an invalidation of nothing
        (loading, "02 06 6A 00 85 06 01", "forbidden value", 7),
        (mail, "02 0D 6A 00 85 05 C3 04 20 26 11 22 01", "forbidden value", 13),
        (cache, "02 07 6A 00 45 06 01", "forbidden value", 6),
        // another document type
        (indication, "02 06 6A 00 85 08 03 'http://a/' 00 01", "forbidden value", 5),
    ];
    for (reader, hex, why, at) in cases {
        assert_eq!(reader(Coding::Wbxml, &assembled(hex)), format!("{why} at octet {at}"), "{hex}");
    }
}

/// Each document of the corpus says the same as XML and in both flavours of WBXML that libwbxml made of it.
#[test]
fn documents_of_the_corpus_say_the_same_in_every_coding() {
    let samples = samples();
    let (mut documents, mut compared, mut empty_dates) = (0, 0, 0);
    for (folder, reader) in
        [("libwbxml/si/", indication as Reader), ("libwbxml/sl/", loading), ("libwbxml/emn/", mail)]
    {
        for sample in samples.iter().filter(|sample| sample.name.contains(folder) && sample.is_xml()) {
            let said = reader(Coding::Xml, &sample.bytes);
            let refused = said.contains(" at octet ");
            documents += 1;
            empty_dates += usize::from(refused);
            for flavour in ["default", "inline12"] {
                let name = format!("{}.{flavour}.wbxml", sample.name);
                let Some(coded) = samples.iter().find(|sample| sample.name == name) else { continue };
                let coded = reader(Coding::Wbxml, &coded.bytes);
                assert!(coded == said || refused && coded.contains(" at octet "), "{name}: {coded}, {said}");
                compared += 1;
            }
        }
    }
    if samples.is_empty() {
        return;
    }
    kedge_tests::figure!(
        "{documents} documents of the corpus, {compared} comparisons of codings, 0 differ; {empty_dates} refused for a date without digits"
    );
    assert!(empty_dates <= 3, "{empty_dates} documents are refused");
    assert!(documents > 30 && compared == 2 * documents, "{documents} documents, {compared} comparisons");
}
