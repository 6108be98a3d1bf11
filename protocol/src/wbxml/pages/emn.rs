//! E-mail notification.

use super::super::{AttributeStart, AttributeValue, Page, Tag, Vocabulary};

/// EMN 1.0. `timestamp` is opaque, coded like the dates of SI.
pub static EMN: Vocabulary = Vocabulary {
    name: "EMN 1.0",
    number: 0x0D,
    text: "-//WAPFORUM//DTD EMN 1.0//EN",
    tags: &[Page { number: 0, entries: TAGS }],
    starts: &[Page { number: 0, entries: STARTS }],
    values: &[Page { number: 0, entries: VALUES }],
    newer: None,
};

const TAGS: &[Tag] = &[Tag(0x05, "emn")];

const STARTS: &[AttributeStart] = &[
    AttributeStart(0x05, "timestamp", ""),
    AttributeStart(0x06, "mailbox", ""),
    AttributeStart(0x07, "mailbox", "mailat:"),
    AttributeStart(0x08, "mailbox", "pop://"),
    AttributeStart(0x09, "mailbox", "imap://"),
    AttributeStart(0x0A, "mailbox", "http://"),
    AttributeStart(0x0B, "mailbox", "http://www."),
    AttributeStart(0x0C, "mailbox", "https://"),
    AttributeStart(0x0D, "mailbox", "https://www."),
];

const VALUES: &[AttributeValue] = &[
    AttributeValue(0x85, ".com"),
    AttributeValue(0x86, ".edu"),
    AttributeValue(0x87, ".net"),
    AttributeValue(0x88, ".org"),
];
