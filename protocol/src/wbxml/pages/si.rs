//! Service indication.

use super::super::{AttributeStart, Page, Tag, Vocabulary};
use super::DOMAINS;

/// SI 1.0 (WAP-167). `created` and `si-expires` are opaque: decimal digits packed two per octet, `YYYY MM DD hh mm ss`
/// in UTC without trailing zero octets.
pub static SI: Vocabulary = Vocabulary {
    name: "SI 1.0",
    number: 0x05,
    text: "-//WAPFORUM//DTD SI 1.0//EN",
    tags: &[Page { number: 0, entries: TAGS }],
    starts: &[Page { number: 0, entries: STARTS }],
    values: &[Page { number: 0, entries: DOMAINS }],
    newer: None,
};

const TAGS: &[Tag] = &[Tag(0x05, "si"), Tag(0x06, "indication"), Tag(0x07, "info"), Tag(0x08, "item")];

const STARTS: &[AttributeStart] = &[
    AttributeStart(0x05, "action", "signal-none"),
    AttributeStart(0x06, "action", "signal-low"),
    AttributeStart(0x07, "action", "signal-medium"),
    AttributeStart(0x08, "action", "signal-high"),
    AttributeStart(0x09, "action", "delete"),
    AttributeStart(0x0A, "created", ""),
    AttributeStart(0x0B, "href", ""),
    AttributeStart(0x0C, "href", "http://"),
    AttributeStart(0x0D, "href", "http://www."),
    AttributeStart(0x0E, "href", "https://"),
    AttributeStart(0x0F, "href", "https://www."),
    AttributeStart(0x10, "si-expires", ""),
    AttributeStart(0x11, "si-id", ""),
    AttributeStart(0x12, "class", ""),
];
