//! DevInf 1.1 and 1.2, the device document of SyncML data synchronisation (device management does not use it).

use super::super::{Page, Tag, Vocabulary};

/// DevInf 1.1.
pub static DEVINF_1_1: Vocabulary = Vocabulary {
    name: "DevInf 1.1",
    number: 0x0FD4,
    text: "-//SYNCML//DTD DevInf 1.1//EN",
    tags: &[Page { number: 0, entries: DEVINF }, Page { number: 0, entries: ONLY_1_1 }],
    starts: &[],
    values: &[],
    newer: Some(&DEVINF_1_2),
};

/// DevInf 1.2.
pub static DEVINF_1_2: Vocabulary = Vocabulary {
    name: "DevInf 1.2",
    number: 0x1203,
    text: "-//SYNCML//DTD DevInf 1.2//EN",
    tags: &[Page { number: 0, entries: DEVINF }, Page { number: 0, entries: SINCE_1_2 }],
    starts: &[],
    values: &[],
    newer: None,
};

const DEVINF: &[Tag] = &[
    Tag(0x05, "CTCap"),
    Tag(0x06, "CTType"),
    Tag(0x07, "DataStore"),
    Tag(0x08, "DataType"),
    Tag(0x09, "DevID"),
    Tag(0x0A, "DevInf"),
    Tag(0x0B, "DevTyp"),
    Tag(0x0C, "DisplayName"),
    Tag(0x0D, "DSMem"),
    Tag(0x0E, "Ext"),
    Tag(0x0F, "FwV"),
    Tag(0x10, "HwV"),
    Tag(0x11, "Man"),
    Tag(0x12, "MaxGUIDSize"),
    Tag(0x13, "MaxID"),
    Tag(0x14, "MaxMem"),
    Tag(0x15, "Mod"),
    Tag(0x16, "OEM"),
    Tag(0x17, "ParamName"),
    Tag(0x18, "PropName"),
    Tag(0x19, "Rx"),
    Tag(0x1A, "Rx-Pref"),
    Tag(0x1B, "SharedMem"),
    Tag(0x1D, "SourceRef"),
    Tag(0x1E, "SwV"),
    Tag(0x1F, "SyncCap"),
    Tag(0x20, "SyncType"),
    Tag(0x21, "Tx"),
    Tag(0x22, "Tx-Pref"),
    Tag(0x23, "ValEnum"),
    Tag(0x24, "VerCT"),
    Tag(0x25, "VerDTD"),
    Tag(0x26, "XNam"),
    Tag(0x27, "XVal"),
    Tag(0x28, "UTC"),
    Tag(0x29, "SupportNumberOfChanges"),
    Tag(0x2A, "SupportLargeObjs"),
];

/// 1.2 renamed this one to `MaxSize`.
const ONLY_1_1: &[Tag] = &[Tag(0x1C, "Size")];

/// Token 0x2F is unassigned.
const SINCE_1_2: &[Tag] = &[
    Tag(0x1C, "MaxSize"),
    Tag(0x2B, "Property"),
    Tag(0x2C, "PropParam"),
    Tag(0x2D, "MaxOccur"),
    Tag(0x2E, "NoTruncate"),
    Tag(0x30, "Filter-Rx"),
    Tag(0x31, "FilterCap"),
    Tag(0x32, "FilterKeyword"),
    Tag(0x33, "FieldLevel"),
    Tag(0x34, "SupportHierarchicalSync"),
];
