//! The MMC documents of an IOTA session: project profile 1, not the 3GPP2 vocabulary.

use super::super::{AttributeStart, Page, Tag, Vocabulary};
use super::DOMAINS;

/// MMC profile 1. It is written without an identifier of its own (1): 0x1200 is registered for a document type with
/// other tokens. Readers take it by its media type.
pub static MMC: Vocabulary = Vocabulary {
    name: "MMC profile 1",
    number: Vocabulary::UNREGISTERED,
    text: "",
    tags: &[Page { number: 0, entries: TAGS }],
    starts: &[Page { number: 0, entries: STARTS }],
    values: &[Page { number: 0, entries: DOMAINS }],
    newer: None,
};

const TAGS: &[Tag] = &[
    Tag(0x05, "mmc"),
    Tag(0x06, "read"),
    Tag(0x07, "write"),
    Tag(0x08, "delete"),
    Tag(0x09, "exec"),
    Tag(0x0A, "check"),
    Tag(0x0B, "display"),
    Tag(0x0C, "commit"),
    Tag(0x0D, "disconnect"),
    Tag(0x0E, "result"),
    Tag(0x0F, "data"),
];

const STARTS: &[AttributeStart] = &[
    AttributeStart(0x05, "version", "1.0"),
    AttributeStart(0x06, "version", ""),
    AttributeStart(0x07, "session", ""),
    AttributeStart(0x08, "doc", ""),
    AttributeStart(0x09, "re", ""),
    AttributeStart(0x0A, "next", ""),
    AttributeStart(0x0B, "next", "https://"),
    AttributeStart(0x0C, "next", "http://"),
    AttributeStart(0x0D, "id", ""),
    AttributeStart(0x0E, "object", ""),
    AttributeStart(0x0F, "object", "is683/msg"),
    AttributeStart(0x10, "value", ""),
    AttributeStart(0x11, "valueref", ""),
    AttributeStart(0x12, "valueref", "cid:"),
    AttributeStart(0x13, "code", ""),
    AttributeStart(0x14, "code", "0"),
    AttributeStart(0x15, "onerror", "continue"),
    AttributeStart(0x16, "onerror", "stop"),
    AttributeStart(0x17, "reboot", "1"),
    AttributeStart(0x18, "value", "https://"),
    AttributeStart(0x19, "value", "http://"),
];
