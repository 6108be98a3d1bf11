//! The code pages, one file per document type (or two versions of one).

mod co;
mod ddf;
mod devinf;
mod emn;
mod metinf;
mod mmc;
mod prov;
mod si;
mod sl;
mod syncml;

use super::{AttributeValue, Vocabulary};

pub use co::CO;
pub use ddf::DDF_1_2;
pub use devinf::{DEVINF_1_1, DEVINF_1_2};
pub use emn::EMN;
pub use metinf::METINF_1_2;
pub use mmc::MMC;
pub use prov::PROV;
pub(crate) use prov::value_on_page_0 as prov_value;
pub use si::SI;
pub use sl::SL;
pub(crate) use syncml::element as syncml_element;
pub use syncml::{SYNCML_1_1, SYNCML_1_2};

/// Every vocabulary with a public identifier: for tools that take any document. A product links only what it names.
pub static ALL: &[&Vocabulary] =
    &[&SI, &SL, &CO, &EMN, &PROV, &SYNCML_1_1, &SYNCML_1_2, &METINF_1_2, &DEVINF_1_1, &DEVINF_1_2, &DDF_1_2];

/// No tokens at all: for documents of an unknown type.
pub static NONE: Vocabulary = Vocabulary {
    name: "unknown",
    number: Vocabulary::UNREGISTERED,
    text: "",
    tags: &[],
    starts: &[],
    values: &[],
    newer: None,
};

/// The endings of host names that SI, SL, CO and MMC share.
const DOMAINS: &[AttributeValue] = &[
    AttributeValue(0x85, ".com/"),
    AttributeValue(0x86, ".edu/"),
    AttributeValue(0x87, ".net/"),
    AttributeValue(0x88, ".org/"),
];

#[cfg(test)]
mod tests {
    use super::super::token::is_global;
    use super::*;
    use std::collections::BTreeSet;

    fn vocabularies() -> impl Iterator<Item = &'static Vocabulary> {
        ALL.iter().copied().chain([&MMC])
    }

    #[test]
    fn no_token_is_given_twice_or_collides_with_a_global_one() {
        let mut tokens = 0;
        for vocabulary in vocabularies() {
            let mut seen = BTreeSet::new();
            for (page, tag) in
                vocabulary.tags.iter().flat_map(|p| p.entries.iter().map(move |e| (p.number, e)))
            {
                assert!((5..=0x3F).contains(&tag.0), "{} {tag:?}", vocabulary.name);
                assert!(seen.insert(("tag", page, tag.0)), "{} {page} {tag:?}", vocabulary.name);
            }
            for (page, start) in
                vocabulary.starts.iter().flat_map(|p| p.entries.iter().map(move |e| (p.number, e)))
            {
                assert!(start.0 < 0x80 && !is_global(start.0), "{} {start:?}", vocabulary.name);
                assert!(seen.insert(("attribute", page, start.0)), "{} {page} {start:?}", vocabulary.name);
            }
            for (page, value) in
                vocabulary.values.iter().flat_map(|p| p.entries.iter().map(move |e| (p.number, e)))
            {
                assert!(value.0 >= 0x80 && !is_global(value.0), "{} {value:?}", vocabulary.name);
                assert!(seen.insert(("attribute", page, value.0)), "{} {page} {value:?}", vocabulary.name);
            }
            tokens += seen.len();
        }
        assert!(tokens > 400, "{tokens}");
    }

    #[test]
    fn every_token_is_found_again() {
        use super::super::{Page, Token};
        fn rising<T>(pages: &[Page<T>], code: fn(&T) -> u8) -> bool {
            pages.iter().all(|page| page.entries.is_sorted_by(|one, next| code(one) < code(next)))
        }
        for vocabulary in vocabularies() {
            assert!(rising(vocabulary.tags, |tag| tag.0), "{}", vocabulary.name);
            assert!(rising(vocabulary.starts, |start| start.0), "{}", vocabulary.name);
            assert!(rising(vocabulary.values, |value| value.0), "{}", vocabulary.name);
            for (page, tag) in
                vocabulary.tags.iter().flat_map(|p| p.entries.iter().map(move |e| (p.number, e)))
            {
                assert_eq!(vocabulary.tag(Token { page, code: tag.0 }), Some(tag.1), "{}", vocabulary.name);
            }
        }
        let unknown = [0x04, 0x44, 0x4D, 0x5C, 0x7F].map(|code| PROV.attribute(Token { page: 0, code }));
        assert_eq!(unknown, [None; 5]);
        assert_eq!(SYNCML_1_2.tag(Token { page: 0, code: 0x30 }), None);
    }

    #[test]
    fn public_identifiers_are_distinct() {
        let numbers: BTreeSet<_> =
            ALL.iter().map(|v| v.number).filter(|&n| n != Vocabulary::UNREGISTERED).collect();
        let texts: BTreeSet<_> = ALL.iter().map(|v| v.text).collect();
        assert_eq!((numbers.len(), texts.len()), (ALL.len() - 1, ALL.len()));
    }

    /// The corner tokens of each table, and totals, against counts made from the fact sheets by hand.
    #[test]
    fn look_up_both_ways() {
        use super::super::Token;
        for (vocabulary, page, code, name) in [
            (&SI, 0, 0x08, "item"),
            (&SL, 0, 0x05, "sl"),
            (&CO, 0, 0x07, "invalidate-service"),
            (&EMN, 0, 0x05, "emn"),
            (&PROV, 1, 0x07, "parm"),
            (&SYNCML_1_1, 0, 0x34, "MoreData"),
            (&SYNCML_1_1, 1, 0x15, "MaxObjSize"),
            (&SYNCML_1_2, 0, 0x3C, "Correlator"),
            (&SYNCML_1_2, 1, 0x16, "FieldLevel"),
            (&SYNCML_1_2, 2, 0x3C, "ZeroOrOne"),
            (&DEVINF_1_1, 0, 0x2A, "SupportLargeObjs"),
            (&DEVINF_1_2, 0, 0x34, "SupportHierarchicalSync"),
            (&METINF_1_2, 1, 0x05, "Anchor"),
            (&DDF_1_2, 2, 0x08, "b64"),
            (&MMC, 0, 0x0F, "data"),
        ] {
            let token = Token { page, code };
            assert_eq!(vocabulary.tag(token), Some(name));
            assert_eq!(vocabulary.find_tag(name, page), Some(token));
        }
        assert_eq!(SYNCML_1_1.tag(Token { page: 0, code: 0x3C }), None);
        assert_eq!(DEVINF_1_1.find_tag("Size", 0), DEVINF_1_2.find_tag("MaxSize", 0));
        let count = |v: &Vocabulary| v.tags.iter().map(|p| p.entries.len()).sum::<usize>();
        assert_eq!(
            [&SYNCML_1_1, &SYNCML_1_2, &DEVINF_1_2, &DDF_1_2].map(count),
            [47 + 17, 55 + 18 + 56, 47, 56]
        );
    }

    #[test]
    fn the_longest_prefix_wins_and_the_current_page_breaks_ties() {
        use super::super::Token;
        let at = |page, code, len| Some((Token { page, code }, len));
        assert_eq!(SI.find_attribute("href", "http://www.a.b", 0), at(0, 0x0D, 11));
        assert_eq!(SI.find_attribute("href", "http://wxw.a.b", 0), at(0, 0x0C, 7));
        assert_eq!(SI.find_attribute("href", "ftp://a.b", 0), at(0, 0x0B, 0));
        assert_eq!(SI.find_attribute("action", "never", 0), None);
        assert_eq!(PROV.find_attribute("type", "PORT", 0), at(0, 0x53, 4));
        assert_eq!(PROV.find_attribute("type", "PORT", 1), at(1, 0x53, 4));
        assert_eq!(PROV.find_attribute("type", "APPLICATION", 0), at(1, 0x55, 11));
        assert_eq!(PROV.find_attribute("name", "NAPID", 1), at(0, 0x11, 5));
        assert_eq!(PROV.find_attribute("value", "x", 1), at(1, 0x06, 0));
        assert_eq!(PROV.find_value("HTTP-BASIC", 1), at(0, 0x9C, 10));
        assert_eq!(PROV.find_value("IPV6", 1), at(1, 0x86, 4));
        assert_eq!(SYNCML_1_2.find_tag("Add", 2), Some(Token { page: 2, code: 0x07 }));
        assert_eq!(SYNCML_1_2.find_tag("Add", 1), Some(Token { page: 0, code: 0x05 }));
    }
}
