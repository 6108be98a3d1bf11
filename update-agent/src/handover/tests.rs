//! Whole lives of an update under an OEM's boot loader, cut at every operation of Kedge and of the loader's record, and
//! again while it recovers.
use kedge_platform_sim::nor::{Cut, Error as NorError};
use std::vec::Vec;

use super::mcuboot::{MaxAlign, McuBoot, SwapType, Trailer, next_swap};
use super::otadata::{Entry, ImageState, OtaData};
use super::*;
use crate::states::foreign::idf_start;
use crate::states::{COUNTER, Flash, OTADATA, PACKAGE_COUNTER, SLOTS, device, record, trial};
use crate::{Slot, flash_io};
use kedge_platform::flash::ReadNorFlash;

/// Starts that any life must end within.
const STARTS: usize = 60;
/// Octets by which the images are told apart.
const OLD: u8 = b'O';
const NEW: u8 = b'N';

/// A boot loader with its images: what it does at a start.
trait Model: Loader<Flash, Error: core::fmt::Debug> + Clone {
    /// Acts on its record; returns what runs, or nothing if the power failed.
    fn start(&mut self, flash: &mut Flash) -> Option<Runs>;
}

const MCUBOOT: McuBoot = McuBoot {
    primary: SLOTS.image,
    secondary: SLOTS.slot(Slot::Second),
    align: MaxAlign::A8,
    max_sectors: 4,
    image_len: 600,
    permanent: false,
};

impl Model for McuBoot {
    /// The swap itself is MCUboot's affair and whole here; images and trailers change places as its design says.
    fn start(&mut self, flash: &mut Flash) -> Option<Runs> {
        let primary = Trailer::read(flash, self.primary, self.align);
        // MCUboot takes a secondary trailer that it cannot read as empty
        let readable = flash.read(self.secondary.end() - 40, &mut [0; 40]).is_ok();
        let secondary =
            if readable { Trailer::read(flash, self.secondary, self.align) } else { Trailer::BLANK };
        let swap = next_swap(&primary, &secondary);
        if swap != SwapType::None {
            let mut images = [self.secondary, self.primary].map(|slot| {
                let mut octets = [0; 1024];
                flash.read(slot.start, &mut octets).unwrap();
                octets[864..].fill(0xFF);
                octets
            });
            images[0][1008..]
                .copy_from_slice(b"\x77\xC2\x95\xF3\x60\xD2\xEF\x7F\x35\x52\x50\x0F\x2C\xB6\x79\x80");
            images[0][992] = 1;
            if swap == SwapType::Revert {
                images[0][1000] = 1;
            }
            flash.load(self.primary.start, &images[0]).unwrap();
            flash.load(self.secondary.start, &images[1]).unwrap();
        }
        let mut octet = [0];
        flash.read(self.primary.start, &mut octet).ok()?;
        Some(if octet == [NEW] { Runs::New } else { Runs::Old })
    }
}

const OTA: OtaData = OtaData { partition: OTADATA, slots: 2, target: 1 };

impl Model for OtaData {
    fn start(&mut self, flash: &mut Flash) -> Option<Runs> {
        let (first, second) = self.entries(flash).ok()?;
        let mut entries = [first, second];
        let slot = idf_start(&mut entries, 2);
        for (at, before, after) in
            [(OTADATA.start, first, entries[0]), (OTADATA.start + 256, second, entries[1])]
        {
            if before != after {
                flash_io::erase(flash, OTADATA, at, 256).ok()?;
                flash.write(at, &after.emit()).ok()?;
            }
        }
        // no slot: the factory application, or slot 0, which is the old image in both cases
        Some(if slot == Some(1) { Runs::New } else { Runs::Old })
    }
}

/// What a firmware does at its start; nothing if it has to restart.
fn firmware<L: Model>(
    flash: &mut Flash,
    loader: &mut L,
    runs: Runs,
    healthy: bool,
) -> Result<bool, Fault<L::Error, NorError>> {
    let mut update = Update::mount(flash, SLOTS)?;
    match update.follow(flash, loader, runs)? {
        Next::Run => Ok(true),
        Next::Restart => Ok(false),
        Next::Update => panic!("no update is ordered"),
        Next::Prove if healthy || runs == Runs::Old => update.prove(flash, loader).map(|()| true),
        Next::Prove => loader.reject(flash).map(|()| false).map_err(Fault::Loader),
    }
}

/// Lets the device start until it is at rest; returns what runs then.
fn live<L: Model>(flash: &mut Flash, loader: &mut L, healthy: bool) -> Runs {
    for _ in 0..STARTS {
        flash.power_on();
        let Some(runs) = loader.start(flash) else { continue };
        if let Ok(true) = firmware(flash, loader, runs, healthy) {
            return runs;
        }
    }
    panic!("it does not come to rest");
}

/// What journal and image say at the end must be one of two whole things.
fn judge(flash: &mut Flash, runs: Runs) -> UpdateResult {
    flash.clear_cuts();
    flash.power_on();
    let update = Update::mount(flash, SLOTS).unwrap();
    let result = update.outcome().expect("every life ends with a report").result;
    let counter = update.security_counter();
    match runs {
        Runs::New => assert_eq!((result, counter), (UpdateResult::Installed, PACKAGE_COUNTER)),
        Runs::Old => assert_eq!((result, counter), (UpdateResult::RolledBack, COUNTER)),
    }
    assert_eq!(update.job(), Job::Idle);
    assert!(flash.misuses().is_empty(), "{:?}", flash.misuses());
    result
}

/// Cuts the life that begins on `start` at every operation, and again during recovery; returns how many lives were lived
/// and how many of them ended with the new image.
fn sweep<L: Model>(start: &Flash, loader: &L, healthy: bool) -> (u32, u32) {
    let (mut lives, mut installed) = (0, 0);
    let mut second_cuts = Vec::from([None]);
    second_cuts.extend((0..5).map(|n| Some((n, Cut::Torn { seed: n }))));
    for operation in 0.. {
        let mut cuts = Vec::from([Cut::Before, Cut::After]);
        cuts.extend((0..6).map(|seed| Cut::Torn { seed: seed + operation * 100 }));
        let mut struck = false;
        for cut in cuts {
            for second in &second_cuts {
                let mut flash = start.clone().with_seed(operation);
                // operations count from a power-on; the life is one long session but for the cuts
                struck |= cut_life(&mut flash, loader, healthy, operation, cut, *second);
                let mut loader = loader.clone();
                let runs = live(&mut flash, &mut loader, healthy);
                lives += 1;
                installed += u32::from(judge(&mut flash, runs) == UpdateResult::Installed);
                for _ in 0..3 {
                    assert_eq!(loader.start(&mut flash), Some(runs), "what was reported does not stay true");
                }
            }
        }
        if !struck {
            return (lives, installed);
        }
    }
    unreachable!("a life has an end");
}

/// Lives until the `operation`th flash operation over all starts, which is cut; true if there was one.
fn cut_life<L: Model>(
    flash: &mut Flash,
    loader: &L,
    healthy: bool,
    operation: u64,
    cut: Cut,
    second: Option<(u64, Cut)>,
) -> bool {
    let mut loader = loader.clone();
    let mut left = operation;
    for _ in 0..STARTS {
        flash.power_on();
        flash.clear_cuts();
        flash.cut_at(left, cut);
        if let Some((operation, cut)) = second {
            flash.cut_at(operation, cut);
        }
        let waiting = flash.cuts_left();
        let rest = match loader.start(flash) {
            Some(runs) => firmware(flash, &mut loader, runs, healthy).unwrap_or(false),
            None => false,
        };
        if flash.cuts_left() < waiting {
            return true;
        }
        if rest {
            flash.clear_cuts();
            return false;
        }
        left -= flash.operations_since_power_on();
    }
    panic!("it does not come to rest");
}

fn mcuboot_device() -> Flash {
    let mut flash = device(SLOTS, record(Slot::First, true, trial(9)));
    flash.load(SLOTS.image.start, &[OLD; 600]).unwrap();
    flash.load(SLOTS.slot(Slot::Second).start, &[NEW; 600]).unwrap();
    flash
}

fn ota_device(entry: Option<Entry>) -> Flash {
    let mut flash = device(SLOTS, record(Slot::First, true, trial(9)));
    if let Some(entry) = entry {
        flash.load(OTADATA.start, &entry.emit()).unwrap();
    }
    flash
}

#[test]
fn an_mcuboot_device_ends_old_or_new_whatever_is_cut() {
    let (lives, installed) = sweep(&mcuboot_device(), &MCUBOOT, true);
    assert!(lives > 500 && installed > lives / 2, "{installed} of {lives}");
    let mut all = lives;
    let (lives, installed) = sweep(&mcuboot_device(), &MCUBOOT, false);
    assert!(lives > 500, "{lives}");
    all += lives;
    assert_eq!(installed, 0, "a firmware that never confirms is not installed");
    let (lives, installed) = sweep(&mcuboot_device().with_ecc(), &MCUBOOT, true);
    assert!(installed > 0);
    figure("MCUboot", all + lives);
}

#[test]
fn an_esp_device_ends_old_or_new_whatever_is_cut() {
    let mut all = 0;
    for entry in [None, Some(Entry::new(1, ImageState::VALID)), Some(Entry::new(7, ImageState::UNDEFINED))] {
        let (lives, installed) = sweep(&ota_device(entry), &OTA, true);
        assert!(lives > 500 && installed > lives / 2, "{installed} of {lives}");
        all += lives;
        let (lives, installed) = sweep(&ota_device(entry), &OTA, false);
        assert_eq!(installed, 0);
        all += lives;
        let (lives, installed) = sweep(&ota_device(entry).with_ecc(), &OTA, true);
        assert!(installed > 0);
        all += lives;
    }
    figure("ESP-IDF", all);
}

fn figure(loader: &str, lives: u32) {
    std::println!("hand-over to {loader}: {lives} lives with one or two power cuts, 0 violations");
}

#[test]
fn the_slots_stay_or_change_as_the_loader_moves_images() {
    let mut flash = mcuboot_device();
    assert_eq!(live(&mut flash, &mut MCUBOOT.clone(), true), Runs::New);
    assert_eq!(Update::mount(&mut flash, SLOTS).unwrap().active(), Slot::First);
    let mut flash = ota_device(None);
    assert_eq!(live(&mut flash, &mut OTA.clone(), true), Runs::New);
    assert_eq!(Update::mount(&mut flash, SLOTS).unwrap().active(), Slot::Second);
    // and both stay there
    assert_eq!(OTA.clone().start(&mut flash), Some(Runs::New));
    assert_eq!(OTA.slot(&mut flash), Ok(Some(1)));
}

#[test]
fn in_place_there_is_nothing_to_hand_over() {
    let layout = crate::Layout { mode: crate::Mode::InPlace { scratch: SLOTS.slot(Slot::Second) }, ..SLOTS };
    let mut flash = device(layout, record(Slot::First, true, trial(3)));
    let mut update = Update::mount(&mut flash, layout).unwrap();
    let refused = update.follow(&mut flash, &mut OTA.clone(), Runs::New);
    assert_eq!(refused, Err(Fault::Journal(crate::Error::NotNow)));
}

#[test]
fn mcuboot_trailers_have_the_layout_of_each_alignment() {
    let constant = b"\x2D\xE1\x5D\x29\x41\x0B\x8D\x77\x67\x9C\x11\x0F\x1F\x8A";
    let good = b"\x77\xC2\x95\xF3\x60\xD2\xEF\x7F\x35\x52\x50\x0F\x2C\xB6\x79\x80".to_vec();
    let large = |align: u8| [&[align, 0][..], constant].concat();
    // alignment, magic, and how far before the slot's end image ok and swap info stand
    for (align, magic, image_ok, swap_info) in [
        (MaxAlign::A8, good, 24, 40),
        (MaxAlign::A16, large(16), 32, 64),
        (MaxAlign::A32, large(32), 64, 128),
    ] {
        let mut flash = mcuboot_device();
        let mut loader = McuBoot { align, permanent: true, ..MCUBOOT };
        assert_eq!(loader.standing(&mut flash), Ok(Standing::Settled));
        loader.stage(&mut flash).unwrap();
        loader.stage(&mut flash).unwrap();
        assert!(flash.misuses().is_empty());
        let end = loader.secondary.end() as usize;
        let dump = flash.dump();
        assert_eq!(dump[end - 16..end], magic);
        assert_eq!((dump[end - image_ok], dump[end - swap_info]), (1, 3));
        let trailer = Trailer::read(&mut flash, loader.secondary, align);
        assert_eq!(next_swap(&Trailer::BLANK, &trailer), SwapType::Permanent);
        assert_eq!(loader.standing(&mut flash), Ok(Standing::Pending));
        for other in [MaxAlign::A8, MaxAlign::A16, MaxAlign::A32] {
            let trailer = Trailer::read(&mut flash, loader.secondary, other);
            assert_eq!(trailer.magic == super::mcuboot::Magic::Good, other == align);
        }
    }
}

#[test]
fn what_does_not_suit_mcuboot_is_refused() {
    let mut flash = mcuboot_device();
    let mut stage = |loader: McuBoot| Loader::stage(&mut { loader }, &mut flash);
    assert_eq!(
        stage(McuBoot { image_len: 769, ..MCUBOOT }),
        Err(super::mcuboot::Error::NoRoom { room: 768 })
    );
    let odd = Region::new(3, 1024);
    assert_eq!(stage(McuBoot { secondary: odd, ..MCUBOOT }), Err(super::mcuboot::Error::Geometry));
    assert_eq!(stage(McuBoot { max_sectors: 100, ..MCUBOOT }), Err(super::mcuboot::Error::Geometry));
    assert_eq!(stage(McuBoot { image_len: 768, ..MCUBOOT }), Ok(()));
}

#[test]
fn otadata_has_the_octets_of_esp_idf() {
    // number 1: the CRC that ESP-IDF's tools write (zlib's crc32 continued from FFFFFFFF)
    let mut expected = Vec::from([1, 0, 0, 0]);
    expected.extend([0xFF; 20]);
    expected.extend([0, 0, 0, 0, 0x9A, 0x98, 0x43, 0x47]);
    let entry = Entry::new(1, ImageState::NEW);
    assert_eq!(entry.emit()[..], expected);
    assert_eq!(Entry::parse(&entry.emit()), entry);
    assert!(entry.counts() && !Entry { crc: 0, ..entry }.counts());
    assert!(!Entry::new(u32::MAX, ImageState::NEW).counts());
}

#[test]
fn otadata_numbers_reach_every_slot() {
    for slots in 2..=16 {
        for floor in [1, 2, 15, 16, 17, u32::MAX - 40] {
            for target in 0..slots {
                let mut loader = OtaData { partition: OTADATA, slots, target };
                let mut flash = ota_device(Some(Entry::new(floor, ImageState::VALID)));
                let running = loader.slot(&mut flash).unwrap().unwrap();
                let staged = loader.stage(&mut flash);
                if running == target {
                    assert_eq!(staged, Err(super::otadata::Error::InForce));
                    continue;
                }
                staged.unwrap();
                loader.stage(&mut flash).unwrap();
                assert_eq!(loader.slot(&mut flash), Ok(Some(target)), "{slots} slots, above {floor}");
                let (_, second) = loader.entries(&mut flash).unwrap();
                assert!(second.sequence > floor && second.sequence - floor < u32::from(slots));
            }
        }
    }
    let mut loader = OTA;
    let mut flash = ota_device(Some(Entry::new(u32::MAX - 2, ImageState::VALID)));
    assert_eq!(loader.slot(&mut flash), Ok(Some(0)));
    assert_eq!(loader.stage(&mut flash), Ok(()));
    let mut flash = ota_device(Some(Entry::new(u32::MAX - 1, ImageState::VALID)));
    let mut loader = OtaData { target: 0, ..OTA };
    assert_eq!(loader.stage(&mut flash), Err(super::otadata::Error::Exhausted));
    assert_eq!(
        OtaData { slots: 1, target: 0, ..OTA }.entries(&mut flash),
        Err(super::otadata::Error::Geometry)
    );
}
