//! Our WBXML against two independent decoders, libwbxml (`wbxml2xml`) and tshark.
//!
//! Every document of the corpus is compared twice with each: as it is (do they read what we read?) and written anew by us
//! (do they read what we wrote?). Documents are compared item by item; each unequal pair must be explained by a
//! [`Rule`], and every rule must still be needed.

use std::collections::BTreeMap;

use kedge_protocol::wbxml::{PublicId, Reader, Version, Vocabulary, pages};
use kedge_protocol::xml;
use kedge_tests::oracle_wbxml::{
    Item, Reading, Sample, comparable, dissect, installed, read, samples, skeleton, to_wbxml, vocabulary_of,
    wbxml2xml, with_packed_dates,
};

const DEPTH: usize = 32;

/// MMC documents of the project's profile (iota.md B9): no other tool names their tokens, but tshark checks the
/// structure.
const MMC: [&str; 4] = [
    "03016a00c505070341310008033100 01c90d0331000f014fc3010601 0101",
    "03016a00c50507034131000803320001890d0331000f120366310001890d0332000f12036632000101",
    "03016a00c50507034131000803330001870d0331000e0370686e2f686f6d6570616765001903686f6d652e6578616d706c6500018c0d03320001860d0333000e036465762f6d6d76000101",
    "03016a00c5050703413100080334 00018d0d033100170101",
];

/// A document in WBXML, by the corpus or by us, and what it says.
struct Document {
    name: String,
    vocabulary: &'static Vocabulary,
    bytes: Vec<u8>,
    items: Vec<Item>,
}

/// A known difference between a tool and us.
#[derive(Clone, Copy)]
struct Rule {
    reason: &'static str,
    /// Whether it explains this pair (ours, theirs) in a document of that vocabulary.
    explains: fn(&Vocabulary, &str, &str) -> bool,
}

const LIBWBXML_RULES: &[Rule] = &[Rule {
    reason: "libwbxml expands a nested WBXML document and renames its media type from +wbxml to +xml",
    explains: |_, ours, theirs| ours.contains("+wbxml") && ours.replace("+wbxml", "+xml") == theirs,
}];

const TSHARK_RULES: &[Rule] = &[
    Rule {
        reason: "EMN value tokens 85..88: tshark ends them with a slash like those of SI; libwbxml does not",
        explains: |v, ours, theirs| v.name == pages::EMN.name && format!("{ours}/") == theirs,
    },
    Rule {
        reason: "PROV attribute page 1 has 06 = value (real operator documents and libwbxml use it); tshark lacks it",
        explains: |v, ours, theirs| {
            v.name == pages::PROV.name && ours == "@value" && theirs == format!("@{UNDEFINED}")
        },
    },
    Rule {
        reason: "PROV values E0 = AAA, E1 = HA (since 1.1; libwbxml has them); tshark lacks them",
        explains: |v, ours, theirs| {
            v.name == pages::PROV.name && matches!(ours, "=AAA" | "=HA") && theirs == UNDEFINED
        },
    },
    Rule {
        reason: "PROV value BA: tshark spells CDMA2000-IX-MOBILE-IP with the letter I; libwbxml with the digit 1",
        explains: |v, ours, theirs| {
            v.name == pages::PROV.name
                && ours.replace("CDMA2000-1X-MOBILE-IP", "CDMA2000-IX-MOBILE-IP") == theirs
        },
    },
];

/// Only for what we write: the corpus has no WBXML document with such a text.
const LONG_TEXT: Rule = Rule {
    reason: "tshark cuts its lines (indentation, token and text) at about 240 characters",
    explains: |_, ours, theirs| theirs.len() > 120 && ours.len() > theirs.len() && ours.starts_with(theirs),
};

/// What tshark renders for a token that its table of the document type lacks.
const UNDEFINED: &str = "(Requested token not defined for this content type)";

/// What tshark says of documents whose tokens it has no table for.
const NO_TABLE: &str = "Rendering of this content type not (yet) supported";

/// What tshark says of a literal public identifier that is not the first entry of the string table.
const STRAY: &str = "Trailing stray characters";

/// The WBXML documents of the corpus as they are.
fn originals() -> Vec<Document> {
    let wbxml = samples().into_iter().filter(|sample| !sample.is_xml());
    wbxml
        .map(|sample| {
            let mut reader: Reader<DEPTH> = Reader::detect(&sample.bytes, pages::ALL).unwrap();
            let (vocabulary, items) = (reader.vocabulary(), read(&mut reader).unwrap());
            Document { name: sample.name, vocabulary, items, bytes: sample.bytes }
        })
        .collect()
}

/// All documents of the corpus, WBXML and XML, as WBXML that we wrote.
fn written() -> Vec<Document> {
    let from_wbxml = originals().into_iter().map(|original| {
        let bytes = to_wbxml(&original.items, original.vocabulary, Version::V1_2).unwrap();
        Document { bytes, ..original }
    });
    let from_xml = samples().into_iter().filter(Sample::is_xml).map(|sample| {
        let items = read(&mut xml::Reader::<DEPTH>::new(&sample.bytes).unwrap()).unwrap();
        let vocabulary = vocabulary_of(&items);
        // Indentation and namespaces are no content of these document types.
        let items = with_packed_dates(&comparable(&items));
        let bytes = to_wbxml(&items, vocabulary, Version::V1_3).unwrap();
        Document { name: sample.name, vocabulary, bytes, items }
    });
    from_wbxml.chain(from_xml).collect()
}

/// The MMC vectors, written anew; that gives the same octets.
fn mmc() -> Vec<Document> {
    MMC.iter()
        .enumerate()
        .map(|(i, hex)| {
            let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
            let octet = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
            let vector: Vec<u8> = digits.chunks(2).map(octet).collect();
            let items = read(&mut Reader::<DEPTH>::new(&vector, &pages::MMC).unwrap()).unwrap();
            let bytes = to_wbxml(&items, &pages::MMC, Version::V1_3).unwrap();
            assert_eq!(bytes, vector, "MMC document {i}");
            Document { name: format!("MMC document {i}"), vocabulary: &pages::MMC, bytes, items }
        })
        .collect()
}

/// Pairs that rules explained, by reason.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, Vec<String>>);

impl Tally {
    /// Compares two lists item by item; every unequal pair must be explained.
    fn compare(&mut self, document: &Document, ours: &[String], theirs: &[String], rules: &[Rule]) {
        for (i, (ours, theirs)) in
            ours.iter().zip(theirs).enumerate().filter(|(_, (ours, theirs))| ours != theirs)
        {
            let rule = rules.iter().find(|rule| (rule.explains)(document.vocabulary, ours, theirs));
            let rule =
                rule.unwrap_or_else(|| panic!("{} item {i}: ours {ours}, theirs {theirs}", document.name));
            self.note(rule.reason, document);
        }
        assert_eq!(ours.len(), theirs.len(), "{}: number of items", document.name);
    }

    fn note(&mut self, reason: &'static str, document: &Document) {
        let names = self.0.entry(reason).or_default();
        if names.last() != Some(&document.name) {
            names.push(document.name.clone());
        }
    }

    /// Prints the figures; every rule must have been needed.
    fn conclude(&self, what: &str, compared: usize, needed: &[Rule]) {
        kedge_tests::figure!("{what}: {compared} documents compared");
        for (reason, names) in &self.0 {
            kedge_tests::figure!("  {} differ, explained: {reason}", names.len());
        }
        for rule in needed {
            assert!(self.0.contains_key(rule.reason), "{what}: no longer needed: {}", rule.reason);
        }
    }
}

fn ask_libwbxml(what: &str, documents: &[Document]) {
    let mut tally = Tally::default();
    let mut refused = 0;
    for document in documents {
        let text = match wbxml2xml(&document.bytes) {
            Ok(text) => text,
            Err(Some(64)) if document.vocabulary.name == pages::NONE.name => {
                refused += 1;
                continue;
            }
            Err(status) => panic!("{}: wbxml2xml ends with {status:?}", document.name),
        };
        let theirs = read(&mut xml::Reader::<DEPTH>::new(&text).unwrap()).unwrap();
        let told =
            |items: &[Item]| comparable(items).iter().map(|item| format!("{item:?}")).collect::<Vec<_>>();
        let (ours, theirs) = (told(&document.items), told(&theirs));
        assert!(
            !theirs.iter().any(|item| item.contains("unknown")),
            "{}: a token unknown to libwbxml",
            document.name
        );
        tally.compare(document, &ours, &theirs, LIBWBXML_RULES);
    }
    kedge_tests::figure!(
        "{what}: {refused} OTA settings not compared: no public identifier, libwbxml does not guess (exit 64)"
    );
    tally.conclude(what, documents.len() - refused, LIBWBXML_RULES);
}

#[test]
fn libwbxml_reads_the_corpus_as_we_do() {
    let documents = originals();
    if installed("wbxml2xml") && !documents.is_empty() {
        ask_libwbxml("libwbxml, corpus as it is", &documents);
    }
}

#[test]
fn libwbxml_reads_what_we_write() {
    let documents = written();
    if installed("wbxml2xml") && !documents.is_empty() {
        ask_libwbxml("libwbxml, written by us", &documents);
    }
}

/// Whether tshark has no names for the tokens: no table for the type, or (in the corpus) a literal identifier without
/// its final zero, which it does not recognise.
fn is_anonymous_to_tshark(document: &Document) -> bool {
    let header = *Reader::<DEPTH>::new(&document.bytes, document.vocabulary).unwrap().header();
    let table = [pages::DDF_1_2.name, pages::DEVINF_1_1.name, pages::MMC.name, pages::NONE.name];
    table.contains(&document.vocabulary.name) || matches!(header.public_id, PublicId::Literal(_))
}

fn ask_tshark(what: &str, documents: &[Document], rules: &[Rule]) {
    let mut tally = Tally::default();
    let bytes: Vec<_> = documents.iter().map(|document| document.bytes.as_slice()).collect();
    for (document, Reading { skeleton: theirs, complaints, has_body, .. }) in
        documents.iter().zip(dissect(&bytes))
    {
        assert!(has_body, "{}: no body", document.name);
        let ours = if is_anonymous_to_tshark(document) {
            tally.note("no table in tshark for this type or identifier: compared by token numbers", document);
            skeleton(&read(&mut Reader::<DEPTH>::new(&document.bytes, &pages::NONE).unwrap()).unwrap())
        } else {
            assert_eq!(complaints, [""; 0], "{}", document.name);
            skeleton(&document.items)
        };
        for complaint in &complaints {
            assert!(
                complaint.contains(NO_TABLE) || complaint.contains(STRAY),
                "{}: {complaint}",
                document.name
            );
        }
        tally.compare(document, &ours, &theirs, rules);
    }
    tally.conclude(what, documents.len(), rules);
}

#[test]
fn tshark_reads_the_corpus_as_we_do() {
    let documents = originals();
    if installed("tshark") && !documents.is_empty() {
        ask_tshark("tshark, corpus as it is", &documents, TSHARK_RULES);
    }
}

#[test]
fn tshark_reads_what_we_write() {
    let documents = written();
    if installed("tshark") && !documents.is_empty() {
        ask_tshark("tshark, written by us", &documents, &[TSHARK_RULES, &[LONG_TEXT]].concat());
    }
}

#[test]
fn tshark_takes_the_structure_of_mmc_documents() {
    let documents = mmc();
    if installed("tshark") {
        ask_tshark("tshark, MMC documents", &documents, &[]);
    }
}
