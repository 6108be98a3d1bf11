//! Walks every state that a start can find, of the journal and of the loaders' records, executes what is decided there on
//! a simulated flash, holds it against the rules below, and writes what it saw to `BOOT-STATES.md`.
//!
//! `KEDGE_BLESS=1 cargo test -p kedge-update-agent states` writes the file; without it the test fails when the file says
//! anything else.
mod cuts;
pub(crate) mod foreign;
mod journal;
mod table;

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use kedge_platform::flash::Region;
use kedge_platform_sim::nor::Nor;

use crate::record::{Job, Record};
use crate::{Layout, Mode, PackageId, Slot, Update};

/// The flash of all these devices: write units of 4 octets, sectors of 256.
pub(crate) type Flash = Nor<4, 256>;
/// Sectors of a device.
pub(crate) const SECTORS: usize = 20;

const fn sectors(first: u32, n: u32) -> Region {
    Region::new(first * 256, n * 256)
}

pub(crate) const SLOTS: Layout = Layout {
    image: sectors(0, 4),
    mode: Mode::Slot { standby: sectors(4, 4) },
    package: sectors(8, 2),
    journal: sectors(10, 8),
};
const IN_PLACE: Layout = Layout { mode: Mode::InPlace { scratch: sectors(4, 2) }, ..SLOTS };
/// The partition of the two loader entries.
pub(crate) const OTADATA: Region = sectors(18, 2);

const PACKAGE: PackageId = PackageId([7; 16]);
/// The security counter in the journal, and that of the package.
pub(crate) const COUNTER: u32 = 5;
pub(crate) const PACKAGE_COUNTER: u32 = 6;

/// Every job, with the name it has in the tables; those of revertible packages come last.
const JOBS: [(&str, Job); 17] = [
    ("idle", Job::Idle),
    ("receiving", Job::Receiving { size: 300, received: 256 }),
    ("verified", Job::Verified { package: PACKAGE, size: 300 }),
    ("ordered", Job::Ordered { package: PACKAGE, size: 300 }),
    ("applying, untouched", Job::Applying { package: PACKAGE, size: 300, done: 0, ready: 0, kept: 0 }),
    ("applying, begun", Job::Applying { package: PACKAGE, size: 300, done: 1, ready: 1, kept: 1 }),
    ("opening", Job::Opening { size: 300, received: 256 }),
    ("streaming", Job::Streaming { package: PACKAGE, size: 300, done: 1, kept: 1 }),
    ("trial, attempts used up", trial(0)),
    ("trial, 1 attempt", trial(1)),
    ("trial, more attempts", trial(3)),
    ("trial, confirmation begun", trial(crate::handover::CONFIRMING)),
    ("trial with a way back, attempts used up", way_back(0)),
    ("trial with a way back, 1 attempt", way_back(1)),
    ("trial with a way back, more attempts", way_back(3)),
    ("reverting, untouched", Job::Reverting { package: PACKAGE, size: 300, done: 0, ready: 0, kept: 0 }),
    ("reverting, begun", Job::Reverting { package: PACKAGE, size: 300, done: 1, ready: 1, kept: 1 }),
];
/// How many of them a device with slots can have: there is nothing to revert.
const SLOT_JOBS: usize = 12;

const fn way_back(attempts: u8) -> Job {
    Job::Trial { package: PACKAGE, way_back: 300, counter: PACKAGE_COUNTER, attempts }
}

pub(crate) const fn trial(attempts: u8) -> Job {
    Job::Trial { package: PACKAGE, way_back: 0, counter: PACKAGE_COUNTER, attempts }
}

pub(crate) const fn record(active: Slot, sound: bool, job: Job) -> Record {
    Record { active, sound, security_counter: COUNTER, job, outcome: None }
}

/// A device whose journal says `record`.
pub(crate) fn device(layout: Layout, record: Record) -> Flash {
    let mut flash = Flash::new(SECTORS);
    let mut update = Update::mount(&mut flash, layout).unwrap();
    update.commit(&mut flash, record).unwrap();
    flash
}

/// What a record has become, in words.
fn changed(before: &Record, after: &Record) -> String {
    let mut said = Vec::new();
    if before.job != after.job {
        said.push(match after.job {
            Job::Trial { attempts: crate::handover::CONFIRMING, .. } => "confirmation begun".to_string(),
            Job::Trial { .. } => "one attempt fewer".to_string(),
            Job::Reverting { .. } => "reverting".to_string(),
            Job::Idle => "idle".to_string(),
            other => panic!("a decision begins no {other:?}"),
        });
    }
    if before.active != after.active {
        said.push("other slot active".to_string());
    }
    if before.security_counter != after.security_counter {
        assert!(after.security_counter > before.security_counter, "a counter fell");
        said.push("counter raised".to_string());
    }
    assert_eq!(before.sound, after.sound, "a decision changes no image");
    if let Some(outcome) = after.outcome {
        assert_eq!(outcome.package, PACKAGE);
        said.push(format!("outcome: {}", outcome.result));
    }
    if said.is_empty() { "unchanged".to_string() } else { said.join(", ") }
}

const HEAD: &str = "\
# What every state makes of a start

Written by the test that executes every row on a simulated flash (`src/states`); do not edit. *any* means that each value
was executed and all gave the same. The code is `src/boot.rs` (Kedge's own boot stage) and `src/handover` (an OEM's boot
loader).

";

#[test]
fn every_state_is_in_the_file() {
    let mut text = String::from(HEAD);
    text.push_str(&journal::tables());
    text.push_str(&foreign::tables());
    text.push_str(&cuts::tables());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/BOOT-STATES.md");
    if std::env::var_os("KEDGE_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let file = std::fs::read_to_string(path).unwrap_or_default();
    for (n, (file, made)) in file.lines().zip(text.lines()).enumerate() {
        assert_eq!(file, made, "line {} of BOOT-STATES.md is not what the code does", n + 1);
    }
    assert_eq!(file, text, "BOOT-STATES.md is not what the code does");
}
