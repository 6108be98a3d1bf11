//! Cache operation.

use super::super::{AttributeStart, Page, Tag, Vocabulary};
use super::DOMAINS;

/// CO 1.0 (WAP-175).
pub static CO: Vocabulary = Vocabulary {
    name: "CO 1.0",
    number: 0x07,
    text: "-//WAPFORUM//DTD CO 1.0//EN",
    tags: &[Page { number: 0, entries: TAGS }],
    starts: &[Page { number: 0, entries: STARTS }],
    values: &[Page { number: 0, entries: DOMAINS }],
    newer: None,
};

const TAGS: &[Tag] = &[Tag(0x05, "co"), Tag(0x06, "invalidate-object"), Tag(0x07, "invalidate-service")];

const STARTS: &[AttributeStart] = &[
    AttributeStart(0x05, "uri", ""),
    AttributeStart(0x06, "uri", "http://"),
    AttributeStart(0x07, "uri", "http://www."),
    AttributeStart(0x08, "uri", "https://"),
    AttributeStart(0x09, "uri", "https://www."),
];
