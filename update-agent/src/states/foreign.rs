//! An OEM's boot loader: every state of its record, and every meeting of that with the journal.
use std::convert::Infallible;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::table::{column, table};
use super::{Flash, JOBS, OTADATA, SECTORS, SLOT_JOBS, SLOTS, changed, device, record};
use crate::handover::mcuboot::{Flag, Magic, MaxAlign, McuBoot, SwapType, Trailer, next_swap};
use crate::handover::otadata::{Entry, ImageState, OtaData};
use crate::handover::{CONFIRMING, Loader, Next, Runs, Standing};
use crate::record::Job;
use crate::{Slot, Update, UpdateResult};

pub(super) fn tables() -> String {
    let mut text = String::from("## MCUboot: what the trailers make of the next start\n\n");
    text.push_str(&mcuboot());
    text.push_str(
        "## ESP-IDF: what the two entries make of the next start\n\nWith roll-back enabled. *default* is the factory \
         application, or the first slot that verifies; two slots, the first entry means slot 0 and the second slot 1.\n\n",
    );
    text.push_str(&otadata());
    text.push_str("## Journal and boot loader together: `Update::follow`\n\n");
    text.push_str(&follow());
    text
}

const OCTETS: [(&str, u8); 4] = [("unset", 0xFF), ("set", 1), ("torn (00)", 0), ("torn (FD)", 0xFD)];

/// The trailer of a slot of four sectors at alignment 8, as octets at its end.
pub(super) fn trailer(magic: usize, image_ok: usize, copy_done: usize) -> [u8; 256] {
    let good =
        [0x77, 0xC2, 0x95, 0xF3, 0x60, 0xD2, 0xEF, 0x7F, 0x35, 0x52, 0x50, 0x0F, 0x2C, 0xB6, 0x79, 0x80];
    let mut octets = [0xFF; 256];
    match magic {
        0 => {}
        1 => octets[240..].copy_from_slice(&good),
        // half of the magic: what a cut between two units of 8 octets leaves
        _ => octets[240..248].copy_from_slice(&good[..8]),
    }
    octets[232] = OCTETS[image_ok].1;
    octets[224] = OCTETS[copy_done].1;
    octets
}

fn mcuboot() -> String {
    let magics = ["unset", "good", "bad"];
    let flags = || OCTETS.iter().map(|(name, _)| *name);
    let columns = [
        column("secondary magic", magics),
        column("secondary image ok", flags()),
        column("primary magic", magics),
        column("primary copy done", flags()),
        column("primary image ok", flags()),
        column("secondary copy done", flags()),
    ];
    table(&columns, "swap; standing", |indices| {
        let [magic_2, ok_2, magic_1, done_1, ok_1, done_2] = indices else { panic!("six columns") };
        let mut flash = Flash::new(SECTORS);
        flash.load(SLOTS.image.end() - 256, &trailer(*magic_1, *ok_1, *done_1)).unwrap();
        let standby = SLOTS.slot(Slot::Second);
        flash.load(standby.end() - 256, &trailer(*magic_2, *ok_2, *done_2)).unwrap();
        let align = MaxAlign::A8;
        let [primary, secondary] = [SLOTS.image, standby].map(|slot| Trailer::read(&mut flash, slot, align));
        let swap = next_swap(&primary, &secondary);
        // The three states of MCUboot's design document, as predicates in its order.
        let states = [
            (secondary.magic == Magic::Good && secondary.image_ok == Flag::Unset, SwapType::Test),
            (secondary.magic == Magic::Good && secondary.image_ok == Flag::Set, SwapType::Permanent),
            (
                primary.magic == Magic::Good
                    && secondary.magic == Magic::Unset
                    && primary.image_ok == Flag::Unset
                    && primary.copy_done == Flag::Set,
                SwapType::Revert,
            ),
        ];
        let expected = states.iter().find(|(holds, _)| *holds).map_or(SwapType::None, |(_, swap)| *swap);
        assert_eq!(swap, expected, "{indices:?}");
        let mut loader = McuBoot {
            primary: SLOTS.image,
            secondary: standby,
            align,
            max_sectors: 4,
            image_len: 0,
            permanent: false,
        };
        let standing = loader.standing(&mut flash).unwrap();
        format!("{}; {}", format!("{swap:?}").to_lowercase(), name(standing))
    })
}

fn name(standing: Standing) -> &'static str {
    match standing {
        Standing::Settled => "settled",
        Standing::Pending => "pending",
        Standing::OnTrial => "on trial",
    }
}

/// What ESP-IDF's loader does at a start with roll-back enabled, on the entries as values: the slot, none for the default.
/// It is written from ESP-IDF's documentation, apart from the adapter.
pub(crate) fn idf_start(entries: &mut [Entry; 2], slots: u32) -> Option<u32> {
    for entry in entries.iter_mut() {
        if entry.state == ImageState::PENDING_VERIFY {
            entry.state = ImageState::ABORTED;
        }
    }
    let usable = |entry: &Entry| {
        let right = Entry::new(entry.sequence, entry.state).crc == entry.crc;
        let refused = entry.state == ImageState::INVALID || entry.state == ImageState::ABORTED;
        entry.sequence != u32::MAX && right && !refused
    };
    let [first, second] = [usable(&entries[0]), usable(&entries[1])];
    let chosen = match (first, second) {
        (true, true) => usize::from(entries[1].sequence > entries[0].sequence),
        (true, false) => 0,
        (false, true) => 1,
        (false, false) => return None,
    };
    let entry = &mut entries[chosen];
    if entry.state == ImageState::NEW {
        entry.state = ImageState::PENDING_VERIFY;
    }
    Some(entry.sequence.wrapping_sub(1) % slots)
}

fn otadata() -> String {
    let states = [
        ("blank", None),
        ("wrong CRC", None),
        ("new", Some(ImageState::NEW)),
        ("pending verify", Some(ImageState::PENDING_VERIFY)),
        ("valid", Some(ImageState::VALID)),
        ("undefined", Some(ImageState::UNDEFINED)),
        ("other value", Some(ImageState(0x00FF_00FF))),
        ("invalid", Some(ImageState::INVALID)),
        ("aborted", Some(ImageState::ABORTED)),
    ];
    let names = || states.iter().map(|(name, _)| *name);
    let columns = [
        column("first entry", names()),
        column("second entry", names()),
        column("numbers", ["first lower", "first higher"]),
    ];
    let loader = OtaData { partition: OTADATA, slots: 2, target: 1 };
    table(&columns, "starts; standing afterwards", |indices| {
        let [first, second, order] = indices else { panic!("three columns") };
        let entry = |which: usize, sequence: u32| match states[which] {
            ("blank", _) => Entry::parse(&[0xFF; 32]),
            (_, None) => Entry { crc: 1, ..Entry::new(sequence, ImageState::VALID) },
            (_, Some(state)) => Entry::new(sequence, state),
        };
        let numbers = [(5, 6), (7, 6)][*order];
        let mut entries = [entry(*first, numbers.0), entry(*second, numbers.1)];
        let mut flash = Flash::new(SECTORS);
        // the adapter must see what the loader is going to choose, but for images whose one start is over
        let adapter = slot_in(&mut flash, &entries, &loader);
        let pending = entries.iter().any(|entry| entry.state == ImageState::PENDING_VERIFY);
        let start = idf_start(&mut entries, 2);
        assert!(pending || adapter == start, "{indices:?}: {adapter:?} is not {start:?}");
        assert_eq!(slot_in(&mut flash, &entries, &loader), start, "{indices:?}");
        let standing = loader.clone().standing(&mut flash).unwrap();
        let slot = start.map_or("default".to_string(), |slot| format!("slot {slot}"));
        format!("{slot}; {}", name(standing))
    })
}

fn slot_in(flash: &mut Flash, entries: &[Entry; 2], loader: &OtaData) -> Option<u32> {
    for (entry, at) in entries.iter().zip([OTADATA.start, OTADATA.start + 256]) {
        flash.load(at, &entry.emit()).unwrap();
    }
    loader.slot(flash).unwrap().map(u32::from)
}

/// A loader that says what it is told to and counts what it is asked.
struct Told {
    standing: Standing,
    asked: Vec<&'static str>,
}

impl<F> Loader<F> for Told {
    type Error = Infallible;
    const SWAPS: bool = false;

    fn standing(&mut self, _flash: &mut F) -> Result<Standing, Infallible> {
        Ok(self.standing)
    }

    fn stage(&mut self, _flash: &mut F) -> Result<(), Infallible> {
        self.asked.push("stage");
        Ok(())
    }

    fn confirm(&mut self, _flash: &mut F, again: bool) -> Result<(), Infallible> {
        self.asked.push(if again { "confirm again" } else { "confirm" });
        Ok(())
    }

    fn reject(&mut self, _flash: &mut F) -> Result<(), Infallible> {
        self.asked.push("reject");
        Ok(())
    }
}

fn follow() -> String {
    let standings = [Standing::Settled, Standing::Pending, Standing::OnTrial];
    let columns = [
        column("job", JOBS.iter().take(SLOT_JOBS).map(|(name, _)| *name)),
        column("loader", standings.map(name)),
        column("runs", ["old", "new"]),
    ];
    table(&columns, "next; loader is told; journal afterwards", |indices| {
        let [job, standing, runs] = indices else { panic!("three columns") };
        let before = record(Slot::First, true, JOBS[*job].1);
        let mut flash = device(SLOTS, before);
        let mut update = Update::mount(&mut flash, SLOTS).unwrap();
        let mut loader = Told { standing: standings[*standing], asked: Vec::new() };
        let runs = [Runs::Old, Runs::New][*runs];
        let next = update.follow(&mut flash, &mut loader, runs).unwrap();
        let after = Update::mount(&mut flash, SLOTS).unwrap().record();
        assert_eq!(after, update.record());
        // the laws: a counter rises and a slot changes only when the loader was told again to keep the new image, an attempt is the price of
        // staging, nothing is staged but over an old image that stays, and a report says what runs
        let settled = standings[*standing] == Standing::Settled;
        let counter = after.security_counter > before.security_counter;
        assert_eq!(counter, loader.asked == ["confirm again"]);
        assert!(!counter || runs == Runs::New);
        assert_eq!(after.active != before.active, counter);
        if loader.asked == ["stage"] {
            let (Job::Trial { attempts: had, .. }, Job::Trial { attempts: left, .. }) =
                (before.job, after.job)
            else {
                panic!("staged without a trial")
            };
            assert!(left < had && had != CONFIRMING && settled && runs == Runs::Old && next == Next::Restart);
        } else {
            assert!(loader.asked.is_empty() || counter);
        }
        match after.outcome.map(|outcome| outcome.result) {
            Some(UpdateResult::Installed) => assert_eq!(runs, Runs::New),
            Some(result) => assert_eq!((result, runs), (UpdateResult::RolledBack, Runs::Old)),
            None => {}
        }
        let told = loader.asked.first().copied().unwrap_or("nothing");
        format!("{}; {told}; {}", format!("{next:?}").to_lowercase(), changed(&before, &after))
    })
}
