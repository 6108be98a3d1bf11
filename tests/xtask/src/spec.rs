//! `cargo xtask spec`: which client requirements of OMA device management have a test.
//!
//! The requirements are those of the fact sheet (`oma-dm.md` section 15), derived from the text of the specifications: the
//! numbers are the project's, since the official tables are not public. A test belongs to requirement NN if its name
//! begins with `dm_NN_`, and to row N of the sheet's list of what servers get wrong (section 16) if it begins with `row_N_`.

use crate::places;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A client requirement: number, level (M must, S should, O may), what, where it is implemented below the root.
struct Requirement(u32, &'static str, &'static str, &'static str);

/// Where requirements are tested, below the root.
const TESTS: [&str; 4] = ["protocol/tests", "agent/tests", "platform/linux/tests", "tests/tests"];

/// What this table says of a requirement that nothing implements.
const NOWHERE: &str = "-";

const REQUIREMENTS: [Requirement; 32] = [
    Requirement(
        1,
        "M",
        "versions, session, message, target, source in every header",
        "protocol/src/dm/session/link.rs",
    ),
    Requirement(2, "M", "package 1 with Alert 1200/1201 and DevInfo", "protocol/src/dm/session/mod.rs"),
    Requirement(3, "M", "SessionID as upper-case hexadecimal", "protocol/src/dm/session/link.rs"),
    Requirement(4, "M", "Final at the end of a package only", "protocol/src/dm/session/mod.rs"),
    Requirement(5, "M", "a Status for every command, none for Status", "protocol/src/dm/session/run.rs"),
    Requirement(
        6,
        "M",
        "Results after their Status, with source and meta",
        "protocol/src/dm/session/value.rs",
    ),
    Requirement(7, "M", "Add, Replace, Delete, Get, Sequence", "protocol/src/dm/tree/change.rs"),
    Requirement(8, "S", "Atomic with roll-back", "protocol/src/dm/session/run.rs"),
    Requirement(9, "O", "Copy, Exec", "protocol/src/dm/tree/change.rs"),
    Requirement(10, "M", "user alerts 1100 to 1104", "protocol/src/dm/session/prompt.rs"),
    Requirement(11, "M", "alerts 1222, 1223, 1225", "protocol/src/dm/session/run.rs"),
    Requirement(12, "M", "RespURI", "protocol/src/dm/session/mod.rs"),
    Requirement(13, "S", "large objects in both directions", "protocol/src/dm/session/value.rs"),
    Requirement(14, "M", "MaxMsgSize and MaxObjSize in both directions", "protocol/src/dm/session/run.rs"),
    Requirement(15, "M", "md5 with challenge, retry, nonces", "protocol/src/dm/auth.rs"),
    Requirement(16, "O", "basic", "protocol/src/dm/auth.rs"),
    Requirement(17, "O", "MAC header with a nonce per message", "protocol/src/dm/auth.rs"),
    Requirement(
        18,
        "M",
        "nothing without authentication, no needless package",
        "protocol/src/dm/session/mod.rs",
    ),
    Requirement(19, "M", "DevInfo, DevDetail, DMAcc", "protocol/src/dm/objects"),
    Requirement(
        20,
        "M",
        "ACL, Format, Name, Type and the optional properties",
        "protocol/src/dm/tree/mod.rs",
    ),
    Requirement(21, "M", "ACL inheritance and rights", "protocol/src/dm/tree/acl.rs"),
    Requirement(22, "M", "limits of addresses", "protocol/src/dm/tree/uri.rs"),
    Requirement(23, "S", "list=Struct, list=StructData", "protocol/src/dm/session/value.rs"),
    Requirement(24, "O", "TNDS in and out", "protocol/src/dm/tnds.rs"),
    Requirement(25, "O", "Inbox", "protocol/src/dm/objects/inbox.rs"),
    Requirement(26, "O", "notification", "protocol/src/dm/notification.rs"),
    Requirement(27, "O", "bootstrap by the DM profile", "protocol/src/dm/bootstrap/document.rs"),
    Requirement(28, "O", "generic alerts", "protocol/src/dm/session/link.rs"),
    Requirement(29, "M", "media types", "protocol/src/syncml/mod.rs"),
    Requirement(30, "M", "markup in data is escaped", "protocol/src/xml/writer.rs"),
    Requirement(31, "M", "only Replace, Results, Alert, Status are sent", "protocol/src/dm/session/mod.rs"),
    Requirement(32, "M", "TLS", "platform/linux/src/http/mod.rs"),
];

/// What servers get wrong, row by row of the fact sheet's section 16.
const ROWS: [&str; 7] = [
    "deep nesting, entities and CDATA, repeated Meta, empty items, Status with items",
    "markup in what a user types",
    "a server that accepts everything and never shows itself",
    "the session's number used again",
    "nodes that vanish between two commands",
    "results larger than a message",
    "Exec in Atomic, plain lists of which a part fails",
];

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let root = places::root();
    let mut tests = BTreeMap::<u32, Vec<String>>::new();
    let mut rows = BTreeMap::new();
    for folder in TESTS {
        collect("fn dm_", &root.join(folder), root, &mut tests)?;
        collect("fn row_", &root.join(folder), root, &mut rows)?;
    }
    if let Some(stray) = tests.keys().find(|number| REQUIREMENTS.iter().all(|known| known.0 != **number)) {
        bail!("there is no requirement DM-{stray:02}, but a test for it");
    }
    println!("| # | level | requirement | implemented in | tests |\n|---|---|---|---|---|");
    for Requirement(number, level, what, place) in &REQUIREMENTS {
        let place = if root.join(place).exists() { place } else { NOWHERE };
        let tests = tests.get(number).map_or(NOWHERE.to_owned(), |tests| tests.join(", "));
        println!("| DM-{number:02} | {level} | {what} | {place} | {tests} |");
    }
    for (level, name) in [("M", "mandatory"), ("S", "recommended"), ("O", "optional")] {
        let of_level = || REQUIREMENTS.iter().filter(|requirement| requirement.1 == level);
        let tested = of_level().filter(|requirement| tests.contains_key(&requirement.0)).count();
        println!("{name}: {tested} of {} tested", of_level().count());
    }
    println!("\n| row | what servers get wrong | tests |\n|---|---|---|");
    for (number, what) in (1..).zip(ROWS) {
        let tests = rows.get(&number).map_or(NOWHERE.to_owned(), |tests| tests.join(", "));
        println!("| {number} | {what} | {tests} |");
    }
    println!("robustness: {} of {} rows tested", rows.len().min(ROWS.len()), ROWS.len());
    Ok(())
}

/// Finds the tests that begin with `start` and a number in all sources below `folder`: number, and file with how many.
fn collect(start: &str, folder: &Path, root: &Path, into: &mut BTreeMap<u32, Vec<String>>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(start, &path, root, into)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            let source = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            for (number, count) in numbers(start, &source) {
                into.entry(number).or_default().push(format!("{name} ({count})"));
            }
        }
    }
    Ok(())
}

/// The numbers that the tests of a source are named by, with how many tests each has.
fn numbers(start: &str, source: &str) -> BTreeMap<u32, usize> {
    let mut found = BTreeMap::new();
    for line in source.lines() {
        let number = line.trim().strip_prefix(start).and_then(|rest| rest.split('_').next()?.parse().ok());
        if let Some(number) = number {
            *found.entry(number).or_insert(0) += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_their_names() {
        let source = "fn dm_07_a() {}\n    fn dm_07_b() {}\nfn dm_32_c() {}\nfn dm_x() {}\n// fn dm_01_no\n";
        assert_eq!(numbers("fn dm_", source), BTreeMap::from([(7, 2), (32, 1)]));
        assert_eq!(numbers("fn row_", "fn row_3_d() {}\n"), BTreeMap::from([(3, 1)]));
        let mut sorted: Vec<u32> = REQUIREMENTS.iter().map(|requirement| requirement.0).collect();
        sorted.dedup();
        assert_eq!(sorted, (1..=32).collect::<Vec<_>>());
    }
}
