//! Single changes under power cuts: what is decided after a cut before, inside and after every flash operation.
use std::collections::BTreeSet;
use std::fmt::Write;
use std::format;
use std::string::String;
use std::vec::Vec;

use kedge_platform_sim::nor::{Cut, Kind};

use super::{Flash, OTADATA, SLOTS, changed, device, foreign, record, trial};
use crate::handover::Loader;
use crate::handover::mcuboot::{MaxAlign, McuBoot, Trailer, next_swap};
use crate::handover::otadata::{Entry, ImageState, OtaData};
use crate::{Slot, Update};

/// Seeds for the noise of a torn operation.
const SEEDS: u64 = 64;

pub(super) fn tables() -> String {
    let mut text = String::from(
        "# Changes, cut off\n\nEach flash operation of a change was cut before it, inside it (64 kinds of noise: bits that \
         changed, did not, or read differently each time) and after it. *old* and *new* are the decisions without the \
         change and with it. A decision is read twice after the cut; where torn cells let the two readings differ, that \
         is said.\n\n",
    );
    text.push_str(&journal());
    text.push_str(&mcuboot());
    text.push_str(&otadata());
    text
}

/// Cuts `change` of `start` everywhere; `decide` reads the decision.
fn table(
    title: &str,
    start: &Flash,
    change: impl Fn(&mut Flash) -> bool,
    decide: impl Fn(&mut Flash) -> String,
) -> String {
    let old = decide(&mut start.clone());
    let mut clean = start.clone().with_trace();
    assert!(change(&mut clean), "without a cut it works");
    let operations = clean.trace().to_vec();
    assert!(!operations.is_empty(), "the sweep is not empty");
    let new = decide(&mut clean);
    assert_ne!(old, new, "the change changes something");
    let name = |decision: &String| match decision {
        found if *found == old => "old",
        found if *found == new => "new",
        other => panic!("{title}: {other} is neither the old decision nor the new one"),
    };
    let found = |operation: u64, cut: Cut| {
        let mut flash = start.clone().with_seed(operation);
        flash.power_on();
        flash.cut_at(operation, cut);
        assert!(!change(&mut flash), "the cut strikes");
        let mut read = || {
            flash.power_on();
            decide(&mut flash)
        };
        let (first, second) = (read(), read());
        assert!(flash.misuses().is_empty());
        match (name(&first), name(&second)) {
            (first, second) if first == second => first.into(),
            (first, second) => format!("{first}, then {second}"),
        }
    };
    let mut text = format!(
        "## {title}\n\n*old*: {old}. *new*: {new}.\n\n| operation | cut before | cut inside | cut after |\n|---|---|---|---|\n"
    );
    for (n, operation) in (0..).zip(&operations) {
        let verb = if operation.kind == Kind::Erase { "erase a sector" } else { "program" };
        let torn = (0..SEEDS).map(|seed| found(n, Cut::Torn { seed })).collect::<BTreeSet<_>>();
        let torn = torn.into_iter().collect::<Vec<_>>().join(" / ");
        let (before, after) = (found(n, Cut::Before), found(n, Cut::After));
        let _ = writeln!(text, "| {} {verb} | {before} | {torn} | {after} |", n + 1);
    }
    text.push('\n');
    text
}

/// The first change of a power session, which moves the journal to its other bank.
fn journal() -> String {
    let before = record(Slot::First, true, trial(3));
    let start = device(SLOTS, before);
    let change =
        |flash: &mut Flash| Update::mount(flash, SLOTS).is_ok_and(|mut update| update.boot(flash).is_ok());
    table("Kedge's journal: a start uses up an attempt", &start, change, |flash| {
        // a mount makes certain what it says: the second one must say the same
        let read = |flash: &mut Flash| Update::mount(flash, SLOTS).expect("no cut damages it").record();
        let (first, second) = (read(flash), read(flash));
        assert_eq!(first, second, "what was read does not stay true");
        changed(&before, &first)
    })
}

fn mcuboot() -> String {
    let standby = SLOTS.slot(Slot::Second);
    let loader = McuBoot {
        primary: SLOTS.image,
        secondary: standby,
        align: MaxAlign::A8,
        max_sectors: 4,
        image_len: 600,
        permanent: false,
    };
    let decide = |flash: &mut Flash| {
        let [primary, secondary] =
            [SLOTS.image, standby].map(|slot| Trailer::read(flash, slot, MaxAlign::A8));
        format!("{:?}", next_swap(&primary, &secondary)).to_lowercase()
    };
    let mut settled = Flash::new(super::SECTORS);
    settled.load(standby.start, &[7; 600]).unwrap();
    let mut on_trial = settled.clone();
    on_trial.load(SLOTS.image.end() - 256, &foreign::trailer(1, 0, 1)).unwrap();
    let mut text = table("MCUboot: stage", &settled, |flash| loader.clone().stage(flash).is_ok(), decide);
    for (title, again) in [("MCUboot: confirm", false), ("MCUboot: confirm again (seal)", true)] {
        text.push_str(&table(title, &on_trial, |flash| loader.clone().confirm(flash, again).is_ok(), decide));
    }
    text
}

fn otadata() -> String {
    let loader = OtaData { partition: OTADATA, slots: 2, target: 1 };
    let decide = |flash: &mut Flash| {
        let (first, second) = loader.entries(flash).unwrap();
        let mut entries = [first, second];
        // what the next start chooses, and whether the start after it would still
        let slot = foreign::idf_start(&mut entries, 2);
        let stays = foreign::idf_start(&mut entries, 2) == slot;
        let slot = slot.map_or("default".into(), |slot| format!("slot {slot}"));
        if stays { slot } else { format!("{slot} on trial") }
    };
    let with = |state| {
        let mut flash = Flash::new(super::SECTORS);
        flash.load(OTADATA.start, &Entry::new(1, ImageState::VALID).emit()).unwrap();
        if let Some(state) = state {
            flash.load(OTADATA.start + 256, &Entry::new(2, state).emit()).unwrap();
        }
        flash
    };
    let pending = with(Some(ImageState::PENDING_VERIFY));
    let mut text = table("ESP-IDF: stage", &with(None), |flash| loader.clone().stage(flash).is_ok(), decide);
    text.push_str(&table(
        "ESP-IDF: confirm",
        &pending,
        |flash| loader.clone().confirm(flash, false).is_ok(),
        decide,
    ));
    text
}
