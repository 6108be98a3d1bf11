//! Laws of the WBXML and XML codecs, over generated documents and over any octets.

use kedge_protocol::wbxml::{self, Reader, Token, Version, Vocabulary, pages};
use kedge_protocol::xml;
use kedge_tests::oracle_wbxml::{Item, Label, OwnedExtension, read, to_wbxml, to_xml};
use proptest::prelude::*;

const DEPTH: usize = 16;

/// Which fragments a generated document has.
#[derive(Clone, Copy)]
enum Kind {
    /// Text alone, in names and characters that XML has too.
    Xml,
    /// Everything that WBXML has.
    Wbxml,
}

fn vocabularies() -> impl Strategy<Value = &'static Vocabulary> {
    let all: Vec<_> = pages::ALL.iter().copied().chain([&pages::MMC, &pages::NONE]).collect();
    proptest::sample::select(all)
}

/// A name of the vocabulary, or a new one, or (WBXML) a token without a name.
fn label(kind: Kind, names: Vec<&'static str>) -> BoxedStrategy<Label> {
    // Not "xml", which is no target of an instruction.
    let new = "[a-w_][a-z0-9.-]{0,6}".prop_map(Label::Named).boxed();
    let named = if names.is_empty() {
        new
    } else {
        let table = proptest::sample::select(names).prop_map(|name| Label::Named(name.to_owned()));
        prop_oneof![3 => table, 1 => new].boxed()
    };
    match kind {
        Kind::Xml => named,
        Kind::Wbxml => {
            // No vocabulary has more than three pages.
            let token = (3_u8..6, 0x05_u8..0x40).prop_map(|(page, code)| Token { page, code });
            prop_oneof![9 => named, 1 => token.prop_map(Label::Unknown)].boxed()
        }
    }
}

/// Text; sometimes such as the tables have tokens for.
fn text(vocabulary: &'static Vocabulary) -> BoxedStrategy<String> {
    let values: Vec<_> =
        vocabulary.values.iter().flat_map(|page| page.entries.iter().map(|value| value.1)).collect();
    let prefixes = vocabulary.starts.iter().flat_map(|page| page.entries.iter().map(|start| start.2));
    let known: Vec<_> = values.into_iter().chain(prefixes).filter(|text| !text.is_empty()).collect();
    let free = "[ -~\\t\\n\u{e4}\u{20ac}\u{10348}]{1,12}".boxed();
    if known.is_empty() {
        return free;
    }
    let one = proptest::sample::select(known).prop_map(str::to_owned);
    proptest::collection::vec(prop_oneof![one, free], 1..4).prop_map(|parts| parts.concat()).boxed()
}

fn fragment(kind: Kind, vocabulary: &'static Vocabulary, in_attribute: bool) -> BoxedStrategy<Item> {
    let text = text(vocabulary).prop_map(Item::Text).boxed();
    if matches!(kind, Kind::Xml) {
        return text;
    }
    let octets = proptest::collection::vec(any::<u8>(), 0..200).prop_map(Item::Octets);
    let extension = prop_oneof![
        (0_u8..3, "[a-z]{0,4}").prop_map(|(n, text)| OwnedExtension::Inline(n, text)),
        (0_u8..3, any::<u32>()).prop_map(|(n, value)| OwnedExtension::Number(n, value)),
        (0_u8..3).prop_map(OwnedExtension::Bare),
    ];
    let rest = prop_oneof![octets, extension.prop_map(Item::Extension)];
    if !in_attribute {
        return prop_oneof![2 => text, 1 => rest].boxed();
    }
    let unknown = (3_u8..6, 0x85_u8..0xC0).prop_map(|(page, code)| Item::UnknownValue(Token { page, code }));
    prop_oneof![4 => text, 1 => rest, 1 => unknown].boxed()
}

/// An attribute or processing instruction: opened, fragments, closed.
fn valued(
    kind: Kind,
    vocabulary: &'static Vocabulary,
    open: fn(Label) -> Item,
    close: Item,
) -> BoxedStrategy<Vec<Item>> {
    let names = vocabulary.starts.iter().flat_map(|page| page.entries.iter().map(|start| start.1)).collect();
    let most = if matches!(kind, Kind::Xml) { 1 } else { 3 };
    let value = proptest::collection::vec(fragment(kind, vocabulary, true), 0..=most);
    (label(kind, names), value)
        .prop_map(move |(label, value)| [vec![open(label)], value, vec![close.clone()]].concat())
        .boxed()
}

/// In XML the data of an instruction neither begins with white space nor holds what ends it.
fn xml_instruction() -> BoxedStrategy<Vec<Item>> {
    (label(Kind::Xml, Vec::new()), "([!-=@-~][ -=@-~]{0,8})?")
        .prop_map(|(label, data)| {
            let data = (!data.is_empty()).then_some(Item::Text(data));
            [vec![Item::Pi(label)], data.into_iter().collect(), vec![Item::PiEnd]].concat()
        })
        .boxed()
}

fn element(kind: Kind, vocabulary: &'static Vocabulary) -> BoxedStrategy<Vec<Item>> {
    let names: Vec<_> =
        vocabulary.tags.iter().flat_map(|page| page.entries.iter().map(|tag| tag.1)).collect();
    let shell = move || {
        let attributes =
            proptest::collection::vec(valued(kind, vocabulary, Item::Attribute, Item::AttributeEnd), 0..3);
        (label(kind, names.clone()), attributes).prop_map(move |(label, attributes)| {
            // XML has no two attributes of one name.
            let mut seen: Vec<Item> = Vec::new();
            let attributes: Vec<Vec<Item>> = attributes
                .into_iter()
                .filter(|attribute| {
                    let new = !seen.contains(&attribute[0]);
                    seen.push(attribute[0].clone());
                    new
                })
                .collect();
            [vec![Item::Start(label)], attributes.concat()].concat()
        })
    };
    let leaf = shell().prop_map(|open| [open, vec![Item::End]].concat());
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let piece = fragment(kind, vocabulary, false).prop_map(|item| vec![item]);
        let instruction = match kind {
            Kind::Wbxml => valued(kind, vocabulary, Item::Pi, Item::PiEnd),
            Kind::Xml => xml_instruction(),
        };
        let content = proptest::collection::vec(prop_oneof![4 => inner, 4 => piece, 1 => instruction], 0..4);
        (shell(), content).prop_map(|(open, content)| [open, content.concat(), vec![Item::End]].concat())
    })
    .boxed()
}

/// A document with its vocabulary, in the form that [`read`] gives: neighbouring texts are one.
fn document(kind: Kind) -> impl Strategy<Value = (&'static Vocabulary, Vec<Item>)> {
    vocabularies().prop_flat_map(move |vocabulary| {
        element(kind, vocabulary).prop_map(move |items| (vocabulary, joined(items)))
    })
}

fn joined(items: Vec<Item>) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::new();
    for item in items {
        match (out.last_mut(), item) {
            (Some(Item::Text(before)), Item::Text(text)) => before.push_str(&text),
            (_, item) => out.push(item),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wbxml_written_is_read_back((vocabulary, items) in document(Kind::Wbxml), version in 1_u8..=3) {
        let bytes = to_wbxml(&items, vocabulary, Version(version)).unwrap();
        let mut reader: Reader<DEPTH> = Reader::new(&bytes, vocabulary).unwrap();
        prop_assert_eq!(read(&mut reader), Ok(items));
        prop_assert!(reader.quirks().is_empty());
    }

    #[test]
    fn every_truncation_of_wbxml_is_refused((vocabulary, items) in document(Kind::Wbxml), cut in any::<prop::sample::Index>()) {
        let bytes = to_wbxml(&items, vocabulary, Version::V1_3).unwrap();
        let short = &bytes[..cut.index(bytes.len())];
        prop_assert!(Reader::<DEPTH>::new(short, vocabulary).and_then(|mut reader| read(&mut reader)).is_err());
    }

    #[test]
    fn xml_written_is_read_back((_, items) in document(Kind::Xml)) {
        let text = to_xml(&items).unwrap();
        let mut reader: xml::Reader<DEPTH> = xml::Reader::new(&text).unwrap();
        prop_assert_eq!(read(&mut reader), Ok(items));
        prop_assert!(reader.quirks().is_empty());
    }

    #[test]
    fn every_truncation_of_xml_is_refused((_, items) in document(Kind::Xml), cut in any::<prop::sample::Index>()) {
        let text = to_xml(&items).unwrap();
        let short = &text[..cut.index(text.len())];
        prop_assert!(xml::Reader::<DEPTH>::new(short).and_then(|mut reader| read(&mut reader)).is_err());
    }

    /// The same document, whichever way it goes.
    #[test]
    fn both_codings_say_the_same((vocabulary, items) in document(Kind::Xml)) {
        let bytes = to_wbxml(&items, vocabulary, Version::V1_2).unwrap();
        let through_wbxml = read(&mut Reader::<DEPTH>::new(&bytes, vocabulary).unwrap()).unwrap();
        let text = to_xml(&through_wbxml).unwrap();
        prop_assert_eq!(read(&mut xml::Reader::<DEPTH>::new(&text).unwrap()), Ok(items));
    }

    /// Any octets: reading ends, at a place inside, and the dump names the same fault.
    #[test]
    fn any_octets_end_as_wbxml(
        start in prop_oneof![Just(vec![]), Just(vec![3, 5, 0x6A, 0]), Just(vec![2, 0x0B, 4, 3, b'a', 0, b'b'])],
        body in proptest::collection::vec(prop_oneof![any::<u8>(), 0_u8..6, Just(1)], 0..120),
    ) {
        let bytes = [start, body].concat();
        let fault = Reader::<64>::detect(&bytes, pages::ALL).and_then(|mut reader| read(&mut reader)).err();
        prop_assert!(fault.is_none_or(|fault| fault.at <= bytes.len()));
        prop_assert_eq!(wbxml::dump(&bytes, None, &mut String::new()), Ok(fault));
    }

    #[test]
    fn any_octets_end_as_xml(
        parts in proptest::collection::vec(prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..4),
            proptest::sample::select(vec![
                "<a>", "</a>", "<b", " c='", "'", ">", "/>", "&amp;", "&", ";", "<![CDATA[", "]]>", "<!--", "-->", "<?x ",
                "?>", "<!DOCTYPE a ", "SYSTEM ", "\"", "x", " ", "\r\n", "<?xml version='1.0'?>",
            ]).prop_map(|text| text.as_bytes().to_vec()),
        ], 0..30),
    ) {
        let bytes = parts.concat();
        let fault = xml::Reader::<64>::new(&bytes).and_then(|mut reader| read(&mut reader)).err();
        prop_assert!(fault.is_none_or(|fault| fault.at <= bytes.len()));
        prop_assert_eq!(xml::dump(&bytes, &mut String::new()), Ok(fault));
    }

    #[test]
    fn one_changed_octet_never_hangs_or_panics((vocabulary, items) in document(Kind::Wbxml), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = to_wbxml(&items, vocabulary, Version::V1_3).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let fault = Reader::<64>::new(&bytes, vocabulary).and_then(|mut reader| read(&mut reader)).err();
        prop_assert!(fault.is_none_or(|fault| fault.at <= bytes.len()));
    }

    #[test]
    fn base64_comes_back(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut coded = vec![0; xml::base64::encoded_len(octets.len())];
        let mut out = kedge_protocol::wire::Writer::new(&mut coded);
        xml::base64::encode(&octets, &mut out).unwrap();
        let mut buf = [0; 100];
        prop_assert_eq!(xml::base64::decode(out.finish(), &mut buf), Ok(&octets[..]));
    }
}
