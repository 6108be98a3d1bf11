//! SyncML 1.1 and 1.2, the representation of OMA device management.
//!
//! Page 0 is SyncML, page 1 MetInf (below `Meta`), page 2 the device description (below `Data`, inline). The 1.1 tables
//! are the beginning of the 1.2 tables.

use super::super::{Name, Page, Tag, Token, Vocabulary};
use super::{ddf, metinf};

/// SyncML 1.1, DM 1.1.
pub static SYNCML_1_1: Vocabulary = Vocabulary {
    name: "SyncML 1.1",
    number: 0x0FD3,
    text: "-//SYNCML//DTD SyncML 1.1//EN",
    tags: &[Page { number: 0, entries: SYNCML }, Page { number: 1, entries: metinf::METINF }],
    starts: &[],
    values: &[],
    newer: Some(&SYNCML_1_2),
};

/// SyncML 1.2, DM 1.2.
pub static SYNCML_1_2: Vocabulary = Vocabulary {
    name: "SyncML 1.2",
    number: 0x1201,
    text: "-//SYNCML//DTD SyncML 1.2//EN",
    tags: &[
        Page { number: 0, entries: SYNCML },
        Page { number: 0, entries: SINCE_1_2 },
        Page { number: 1, entries: metinf::METINF },
        Page { number: 1, entries: metinf::SINCE_1_2 },
        Page { number: 2, entries: ddf::DDF },
    ],
    starts: &[],
    values: &[],
    newer: None,
};

/// The element of a message that is called `text`, with its token: for a writer, which then has nothing to look up. What no page
/// but that of the device description has comes without.
pub(crate) const fn element(text: &'static str) -> Name<'static> {
    let mut pages: &[(u8, &[Tag])] = &[(0, SYNCML), (0, SINCE_1_2), (1, metinf::METINF)];
    while let [first, rest @ ..] = pages {
        let (page, mut tags) = *first;
        while let [Tag(code, name), others @ ..] = tags {
            if is_same(name.as_bytes(), text.as_bytes()) {
                return Name::Known(Token { page, code: *code }, name);
            }
            tags = others;
        }
        pages = rest;
    }
    Name::Literal(text)
}

/// Whether two names are the same. (`==` of slices is not for constants.)
const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, one_rest @ ..], [b, other_rest @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (one_rest, other_rest);
    }
    one.is_empty() && other.is_empty()
}

/// Token 0x30 is reserved.
const SYNCML: &[Tag] = &[
    Tag(0x05, "Add"),
    Tag(0x06, "Alert"),
    Tag(0x07, "Archive"),
    Tag(0x08, "Atomic"),
    Tag(0x09, "Chal"),
    Tag(0x0A, "Cmd"),
    Tag(0x0B, "CmdID"),
    Tag(0x0C, "CmdRef"),
    Tag(0x0D, "Copy"),
    Tag(0x0E, "Cred"),
    Tag(0x0F, "Data"),
    Tag(0x10, "Delete"),
    Tag(0x11, "Exec"),
    Tag(0x12, "Final"),
    Tag(0x13, "Get"),
    Tag(0x14, "Item"),
    Tag(0x15, "Lang"),
    Tag(0x16, "LocName"),
    Tag(0x17, "LocURI"),
    Tag(0x18, "Map"),
    Tag(0x19, "MapItem"),
    Tag(0x1A, "Meta"),
    Tag(0x1B, "MsgID"),
    Tag(0x1C, "MsgRef"),
    Tag(0x1D, "NoResp"),
    Tag(0x1E, "NoResults"),
    Tag(0x1F, "Put"),
    Tag(0x20, "Replace"),
    Tag(0x21, "RespURI"),
    Tag(0x22, "Results"),
    Tag(0x23, "Search"),
    Tag(0x24, "Sequence"),
    Tag(0x25, "SessionID"),
    Tag(0x26, "SftDel"),
    Tag(0x27, "Source"),
    Tag(0x28, "SourceRef"),
    Tag(0x29, "Status"),
    Tag(0x2A, "Sync"),
    Tag(0x2B, "SyncBody"),
    Tag(0x2C, "SyncHdr"),
    Tag(0x2D, "SyncML"),
    Tag(0x2E, "Target"),
    Tag(0x2F, "TargetRef"),
    Tag(0x31, "VerDTD"),
    Tag(0x32, "VerProto"),
    Tag(0x33, "NumberOfChanges"),
    Tag(0x34, "MoreData"),
];

const SINCE_1_2: &[Tag] = &[
    Tag(0x35, "Field"),
    Tag(0x36, "Filter"),
    Tag(0x37, "Record"),
    Tag(0x38, "FilterType"),
    Tag(0x39, "SourceParent"),
    Tag(0x3A, "TargetParent"),
    Tag(0x3B, "Move"),
    Tag(0x3C, "Correlator"),
];
