//! Service loading.

use super::super::{AttributeStart, Page, Tag, Vocabulary};
use super::DOMAINS;

/// SL 1.0 (WAP-168).
pub static SL: Vocabulary = Vocabulary {
    name: "SL 1.0",
    number: 0x06,
    text: "-//WAPFORUM//DTD SL 1.0//EN",
    tags: &[Page { number: 0, entries: TAGS }],
    starts: &[Page { number: 0, entries: STARTS }],
    values: &[Page { number: 0, entries: DOMAINS }],
    newer: None,
};

const TAGS: &[Tag] = &[Tag(0x05, "sl")];

const STARTS: &[AttributeStart] = &[
    AttributeStart(0x05, "action", "execute-low"),
    AttributeStart(0x06, "action", "execute-high"),
    AttributeStart(0x07, "action", "cache"),
    AttributeStart(0x08, "href", ""),
    AttributeStart(0x09, "href", "http://"),
    AttributeStart(0x0A, "href", "http://www."),
    AttributeStart(0x0B, "href", "https://"),
    AttributeStart(0x0C, "href", "https://www."),
];
