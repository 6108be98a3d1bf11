//! MetInf, the meta information of SyncML: page 1, there as well as in a document of its own.

use super::super::{Page, Tag, Vocabulary};

/// MetInf 1.2 as a document.
pub static METINF_1_2: Vocabulary = Vocabulary {
    name: "MetInf 1.2",
    number: 0x1202,
    text: "-//SYNCML//DTD MetInf 1.2//EN",
    tags: &[Page { number: 1, entries: METINF }, Page { number: 1, entries: SINCE_1_2 }],
    starts: &[],
    values: &[],
    newer: None,
};

pub(super) const METINF: &[Tag] = &[
    Tag(0x05, "Anchor"),
    Tag(0x06, "EMI"),
    Tag(0x07, "Format"),
    Tag(0x08, "FreeID"),
    Tag(0x09, "FreeMem"),
    Tag(0x0A, "Last"),
    Tag(0x0B, "Mark"),
    Tag(0x0C, "MaxMsgSize"),
    Tag(0x0D, "Mem"),
    Tag(0x0E, "MetInf"),
    Tag(0x0F, "Next"),
    Tag(0x10, "NextNonce"),
    Tag(0x11, "SharedMem"),
    Tag(0x12, "Size"),
    Tag(0x13, "Type"),
    Tag(0x14, "Version"),
    Tag(0x15, "MaxObjSize"),
];

pub(super) const SINCE_1_2: &[Tag] = &[Tag(0x16, "FieldLevel")];
