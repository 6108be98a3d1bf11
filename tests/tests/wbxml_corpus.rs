//! Every WBXML and XML document of the corpus reads, and re-encodes to an equal document.

use kedge_protocol::wbxml::{Quirk, Reader, pages};
use kedge_protocol::xml;
use kedge_tests::oracle_wbxml::{Item, read, samples, to_wbxml, to_xml, vocabulary_of};

const DEPTH: usize = 32;

#[test]
fn wbxml_documents_read_and_re_encode_to_equal_documents() {
    let mut counts = [0; 3];
    let mut quirky = Vec::new();
    for sample in samples().iter().filter(|sample| !sample.is_xml()) {
        let mut reader: Reader<DEPTH> = Reader::detect(&sample.bytes, pages::ALL).unwrap();
        let (vocabulary, version) = (reader.vocabulary(), reader.header().version);
        let items = read(&mut reader).unwrap_or_else(|fault| panic!("{}: {fault}", sample.name));
        if !reader.quirks().is_empty() {
            quirky.push((sample.name.clone(), reader.quirks().iter().collect::<Vec<_>>()));
        }
        let bytes =
            to_wbxml(&items, vocabulary, version).unwrap_or_else(|fault| panic!("{}: {fault}", sample.name));
        let mut again: Reader<DEPTH> = Reader::new(&bytes, vocabulary).unwrap();
        assert_eq!(read(&mut again).as_ref(), Ok(&items), "{}", sample.name);
        assert!(again.quirks().is_empty(), "{}: what we write is strict", sample.name);
        counts[0] += 1;
        counts[1] += items.len();
        let plain =
            |item: &Item| !matches!(item, Item::Octets(_) | Item::UnknownValue(_) | Item::Extension(_));
        let named = vocabulary.name != pages::NONE.name;
        if named && items.iter().all(plain) {
            let text = to_xml(&items).unwrap_or_else(|fault| panic!("{}: {fault}", sample.name));
            let through_xml = read(&mut xml::Reader::<DEPTH>::new(&text).unwrap());
            assert_eq!(through_xml.as_ref(), Ok(&items), "{}", sample.name);
            counts[2] += 1;
        }
    }
    if counts[0] == 0 {
        return;
    }
    kedge_tests::figure!(
        "{} WBXML documents, {} items, equal after re-encoding; {} also through XML",
        counts[0],
        counts[1],
        counts[2]
    );
    for (name, quirks) in &quirky {
        kedge_tests::figure!("tolerated in {name}: {quirks:?}");
    }
    assert!(quirky.iter().filter(|(_, quirks)| quirks.contains(&Quirk::UnterminatedTable)).count() >= 3);
}

#[test]
fn xml_documents_read_and_re_encode_to_equal_documents() {
    let mut counts = [0; 3];
    for sample in samples().iter().filter(|sample| sample.is_xml()) {
        let told = |fault| -> Vec<Item> { panic!("{}: {fault}", sample.name) };
        let items = read(&mut xml::Reader::<DEPTH>::new(&sample.bytes).unwrap()).unwrap_or_else(told);
        let text = to_xml(&items).unwrap();
        assert_eq!(
            read(&mut xml::Reader::<DEPTH>::new(&text).unwrap()).as_ref(),
            Ok(&items),
            "{}",
            sample.name
        );
        counts[0] += 1;
        counts[1] += items.len();
        let vocabulary = vocabulary_of(&items);
        let bytes = to_wbxml(&items, vocabulary, kedge_protocol::wbxml::Version::V1_3).unwrap();
        let through_wbxml = read(&mut Reader::<DEPTH>::new(&bytes, vocabulary).unwrap()).unwrap();
        let body: Vec<_> = items.into_iter().filter(|item| !matches!(item, Item::Doctype(..))).collect();
        assert_eq!(through_wbxml, body, "{}", sample.name);
        counts[2] += 1;
    }
    kedge_tests::figure!(
        "{} XML documents, {} items, equal after re-encoding; {} also through WBXML",
        counts[0],
        counts[1],
        counts[2]
    );
}

#[test]
fn every_truncation_of_every_document_is_refused() {
    let (mut cuts, mut documents) = (0, 0);
    for sample in samples() {
        let read_all = |bytes: &[u8]| -> bool {
            if sample.is_xml() {
                xml::Reader::<DEPTH>::new(bytes).and_then(|mut reader| read(&mut reader)).is_ok()
            } else {
                Reader::<DEPTH>::detect(bytes, pages::ALL).and_then(|mut reader| read(&mut reader)).is_ok()
            }
        };
        // White space and comments may follow a root element, so only cuts inside of it count.
        let end = if sample.is_xml() {
            sample.bytes.iter().rposition(|&octet| octet == b'>').unwrap()
        } else {
            sample.bytes.len()
        };
        for n in (0..end).step_by(1 + end / 200) {
            assert!(!read_all(&sample.bytes[..n]), "{} cut to {n}", sample.name);
            cuts += 1;
        }
        documents += 1;
    }
    kedge_tests::figure!("{cuts} truncations of {documents} documents, all refused");
}
