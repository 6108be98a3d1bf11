//! Each rule is refused, torn states are as unkind as promised but no worse than the contract, and all is repeatable.

use std::collections::HashSet;

use kedge_platform::flash::{NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, Run, Sectors};

use proptest::prelude::*;

use super::{Cut, Error, Kind, Nor, Operation, Work};

/// Small sectors keep the sweeps quick: 4 sectors of 32 units of 8 octets.
type Flash = Nor<8, 256>;
const SECTORS: usize = 4;
const UNIT: usize = 8;
const SECTOR: u32 = 256;

fn flash() -> Flash {
    Flash::new(SECTORS).with_seed(1)
}

fn read<const W: usize, const E: usize>(flash: &mut Nor<W, E>, offset: u32, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    flash.read(offset, &mut bytes).expect("readable");
    bytes
}

/// Octets that differ from each other, from 0xFF and from 0x00.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| u8::try_from(index % 251).unwrap_or(0) ^ 0x5A).collect()
}

#[test]
fn what_is_written_is_read_across_sectors() {
    let mut flash = flash();
    let bytes = pattern(3 * 256);
    flash.write(128, &bytes).unwrap();
    assert_eq!(read(&mut flash, 128, bytes.len()), bytes);
    assert_eq!(read(&mut flash, 131, 5), bytes[3..8], "any octet can be read");
    assert_eq!(read(&mut flash, 0, 128), [0xFF; 128]);
    assert_eq!(read(&mut flash, 896, 128), [0xFF; 128]);
    flash.erase(256, 768).unwrap();
    assert_eq!(read(&mut flash, 256, 512), [0xFF; 512]);
    assert_eq!(read(&mut flash, 128, 128), bytes[..128]);
    assert_eq!(flash.wear(), [0, 1, 1, 0]);
    assert_eq!(flash.work(), Work { programs: 1, units: 96, erases: 2 });
    assert!(flash.misuses().is_empty());
}

#[test]
fn a_unit_is_programmed_once_per_erase() {
    let mut flash = flash();
    flash.write(8, &[0xF0; UNIT]).unwrap();
    let again = flash.write(8, &[0xF0; UNIT]);
    assert_eq!(again, Err(Error::Reprogrammed { at: 8 }), "even with the same content");
    assert_eq!(flash.write(0, &[0x30; 16]), Err(Error::Reprogrammed { at: 8 }));
    assert_eq!(flash.write(8, &[0x0F; UNIT]), Err(Error::WouldSetBits { at: 8 }));
    assert_eq!(read(&mut flash, 0, 24), [[0xFF; 8], [0xF0; 8], [0xFF; 8]].concat(), "nothing changed");
    assert_eq!(flash.misuses().len(), 3);
    assert_eq!(flash.misuses()[1].operation, Operation { kind: Kind::Program, offset: 0, len: 16 });
    assert_eq!(flash.misuses()[1].after, 1);
    flash.erase(0, SECTOR).unwrap();
    flash.write(8, &[0x0F; UNIT]).unwrap();
    assert_eq!(flash.misuses().len(), 3);
}

#[test]
fn a_unit_written_as_blank_is_programmed_too() {
    let mut flash = flash();
    flash.write(0, &[0xFF; UNIT]).unwrap();
    assert_eq!(flash.write(0, &[0; UNIT]), Err(Error::Reprogrammed { at: 0 }));
}

#[test]
fn bounds_and_alignment_are_refused_and_remembered() {
    let mut flash = flash();
    let end = SECTOR * 4;
    assert_eq!(flash.write(4, &[0; UNIT]), Err(Error::NotAligned));
    assert_eq!(flash.write(0, &[0; 7]), Err(Error::NotAligned));
    assert_eq!(flash.erase(8, SECTOR), Err(Error::NotAligned));
    assert_eq!(flash.erase(0, 8), Err(Error::NotAligned));
    assert_eq!(flash.write(end, &[0; UNIT]), Err(Error::OutOfBounds));
    assert_eq!(flash.erase(0, end + SECTOR), Err(Error::OutOfBounds));
    assert_eq!(flash.erase(SECTOR, 0), Err(Error::OutOfBounds));
    assert_eq!(flash.read(end - 1, &mut [0; 2]), Err(Error::OutOfBounds));
    assert_eq!(flash.read(u32::MAX, &mut [0; 1]), Err(Error::OutOfBounds));
    assert_eq!(flash.misuses().len(), 9);
    assert_eq!(flash.work(), Work::default(), "refused operations do not count");
    assert_eq!(Error::OutOfBounds.kind(), NorFlashErrorKind::OutOfBounds);
    assert_eq!(Error::NotAligned.kind(), NorFlashErrorKind::NotAligned);
    assert_eq!(Error::PowerLost.kind(), NorFlashErrorKind::Other);
}

#[test]
fn empty_operations_do_nothing() {
    let mut flash = flash();
    flash.write(8, &[]).unwrap();
    flash.erase(SECTOR, SECTOR).unwrap();
    flash.read(SECTOR * 4, &mut []).unwrap();
    assert_eq!(flash.work().operations(), 0);
}

#[test]
fn a_cut_before_changes_nothing_and_one_after_changes_all() {
    for (cut, expected) in [(Cut::Before, 0xFF), (Cut::After, 0x11)] {
        let mut flash = flash();
        flash.cut_at(0, cut);
        assert_eq!(flash.write(0, &[0x11; 16]), Err(Error::PowerLost));
        assert!(!flash.is_on());
        assert_eq!(flash.read(0, &mut [0; 1]), Err(Error::PowerLost));
        assert_eq!(flash.write(16, &[0; 8]), Err(Error::PowerLost));
        assert_eq!(flash.erase(0, SECTOR), Err(Error::PowerLost));
        assert!(flash.misuses().is_empty(), "a lost supply is nobody's mistake");
        flash.power_on();
        assert_eq!(read(&mut flash, 0, 16), [expected; 16]);
        assert!(!flash.is_scarred(0));
    }
    for (cut, expected) in [(Cut::Before, 0x11), (Cut::After, 0xFF)] {
        let mut flash = flash();
        flash.write(0, &[0x11; 16]).unwrap();
        flash.cut_at(1, cut);
        assert_eq!(flash.erase(0, SECTOR), Err(Error::PowerLost));
        flash.power_on();
        assert_eq!(read(&mut flash, 0, 16), [expected; 16]);
        assert_eq!(flash.write(0, &[1; 8]).is_ok(), cut == Cut::After);
    }
}

#[test]
fn a_torn_program_keeps_to_the_contract_and_uses_all_of_it() {
    let new = pattern(5 * UNIT);
    let mut looks = HashSet::new();
    let mut places = HashSet::new();
    let (mut unsteady, mut whole_but_suspect) = (0, 0);
    for seed in 0..2_000 {
        let mut flash = flash();
        flash.write(0, &[0x77; UNIT]).unwrap();
        flash.cut_at(1, Cut::Torn { seed });
        assert_eq!(flash.write(248, &new), Err(Error::PowerLost), "over a sector border");
        flash.power_on();
        let units_begun = usize::try_from(flash.work().units).unwrap() - 1;
        let (done, at_work) = ((units_begun - 1) * UNIT, units_begun * UNIT);
        places.insert(units_begun);
        let reads: Vec<_> = (0..4).map(|_| read(&mut flash, 248, new.len())).collect();
        for bytes in &reads {
            assert_eq!(bytes[..done], new[..done], "units before the tear are programmed");
            assert!(bytes[at_work..].iter().all(|octet| *octet == 0xFF), "units behind it are untouched");
            for (octet, new) in bytes[done..at_work].iter().zip(&new[done..]) {
                assert_eq!(octet & new, *new, "no bit is lower than its new value");
            }
        }
        unsteady += usize::from(reads.iter().any(|bytes| *bytes != reads[0]));
        whole_but_suspect += usize::from(reads.iter().all(|bytes| bytes[done..at_work] == [0xFF; UNIT]));
        assert_eq!(read(&mut flash, 0, UNIT), [0x77; UNIT], "nothing else changes");
        assert!(
            flash.write(248 + u32::try_from(done).unwrap(), &[0; UNIT]).is_err(),
            "the torn unit is used up"
        );
        if let Ok(behind) = u32::try_from(248 + at_work)
            && at_work < new.len()
        {
            flash.write(behind, &[0; UNIT]).expect("the unit behind is not");
        }
        looks.insert(reads[0][done..at_work].to_vec());
    }
    assert_eq!(places, HashSet::from([1, 2, 3, 4, 5]));
    assert!(looks.len() > 500, "only {} different leftovers", looks.len());
    assert!(unsteady > 500, "only {unsteady} unstable ones");
    assert!(whole_but_suspect > 20, "only {whole_but_suspect} that look untouched");
}

#[test]
fn the_octet_at_work_can_be_named() {
    for octet in 0..24 {
        let mut flash = flash();
        flash.cut_at(0, Cut::TornAt { octet, seed: u64::from(octet) });
        assert_eq!(flash.write(0, &[0; 24]), Err(Error::PowerLost));
        flash.power_on();
        let whole = octet as usize / UNIT * UNIT;
        assert_eq!(flash.work().units, u64::from(octet) / 8 + 1);
        let dump = flash.dump();
        assert!(dump[..octet as usize].iter().all(|cell| *cell == 0), "progress up to octet {octet}");
        assert!(dump[octet as usize + 1..].iter().all(|cell| *cell == 0xFF), "none behind octet {octet}");
        assert_eq!(read(&mut flash, 0, whole), vec![0; whole], "whole units are stable");
    }
}

#[test]
fn a_half_done_erase_leaves_nothing_to_trust() {
    let old = pattern(256);
    let (mut looks_old, mut looks_erased, mut unsteady, mut programmed) = (0, 0, 0, 0);
    for seed in 0..400 {
        let mut flash = flash();
        flash.write(0, &[0x77; UNIT]).unwrap();
        flash.write(SECTOR, &old).unwrap();
        flash.cut_at(2, Cut::Torn { seed });
        assert_eq!(flash.erase(SECTOR, 2 * SECTOR), Err(Error::PowerLost));
        flash.power_on();
        let (first, second) = (read(&mut flash, SECTOR, 256), read(&mut flash, SECTOR, 256));
        unsteady += usize::from(first != second);
        looks_old += usize::from(first == old && second == old);
        looks_erased += usize::from(first == [0xFF; 256] && second == first);
        programmed += usize::from(flash.dump()[256..512].windows(16).any(|cells| *cells == [0; 16]));
        assert_eq!(read(&mut flash, 0, 256)[..UNIT], [0x77; UNIT], "other sectors do not change");
        assert_eq!(flash.write(SECTOR + 8, &[0; 8]), Err(Error::HalfErased { at: SECTOR + 8 }));
        assert_eq!(flash.wear()[1], 1);
        assert!(flash.is_scarred(1) && !flash.is_scarred(0));
        flash.erase(SECTOR, 2 * SECTOR).unwrap();
        assert!(!flash.is_scarred(1));
        flash.write(SECTOR, &old).unwrap();
        assert_eq!(read(&mut flash, SECTOR, 256), old, "one whole erase heals it");
    }
    for (count, what) in
        [(looks_old, "old"), (looks_erased, "erased"), (unsteady, "unstable"), (programmed, "cleared")]
    {
        assert!(count > 4, "only {count} half-erased sectors read as {what}");
    }
}

#[test]
fn an_erase_of_several_sectors_can_be_cut_at_each() {
    for struck in 0..3 {
        let mut flash = flash();
        flash.write(0, &[0; 1024]).unwrap();
        flash.cut_at(1 + struck, Cut::Before);
        assert_eq!(flash.erase(0, 3 * SECTOR), Err(Error::PowerLost));
        flash.power_on();
        let erased: Vec<_> =
            (0..SECTORS).map(|sector| flash.dump()[sector * 256..][..256] == [0xFF; 256]).collect();
        let expected: Vec<_> = (0..4).map(|sector| sector < struck).collect();
        assert_eq!(erased, expected);
    }
}

#[test]
fn with_ecc_a_torn_unit_is_an_error_until_erased() {
    let (mut broken, mut lucky) = (0, 0);
    for seed in 0..300 {
        let mut flash = flash().with_ecc();
        flash.cut_at(0, Cut::Torn { seed });
        assert_eq!(flash.write(16, &[0x3C; 8]), Err(Error::PowerLost));
        flash.power_on();
        let mut bytes = [0; 8];
        if let Err(error) = flash.read(16, &mut bytes) {
            assert_eq!(error, Error::Unreadable { at: 16 });
            assert_eq!(flash.read(23, &mut [0; 3]), Err(error), "any octet of it");
            broken += 1;
        } else {
            assert!(bytes == [0xFF; 8] || bytes == [0x3C; 8]);
            lucky += 1;
        }
        flash.read(0, &mut [0; 16]).expect("the units before");
        flash.read(24, &mut [0; 16]).expect("the units behind");
        flash.erase(0, SECTOR).unwrap();
        flash.read(16, &mut bytes).expect("healed");
        assert!(flash.misuses().is_empty(), "reading a broken unit is no mistake");
    }
    assert!(broken > 100 && lucky > 10, "{broken} broken, {lucky} lucky");
}

#[test]
fn with_ecc_a_half_erased_sector_fails_somewhere() {
    let mut broken = 0;
    for seed in 0..100 {
        let mut flash = flash().with_ecc();
        flash.write(0, &pattern(256)).unwrap();
        flash.cut_at(1, Cut::Torn { seed });
        assert_eq!(flash.erase(0, SECTOR), Err(Error::PowerLost));
        flash.power_on();
        broken += usize::from(flash.read(0, &mut [0; 256]).is_err());
    }
    assert!(broken > 50, "only {broken} of 100");
}

#[test]
fn cuts_nest_into_the_recovery() {
    let mut flash = flash();
    flash.cut_at(1, Cut::Before);
    flash.cut_at(0, Cut::After);
    flash.cut_at(2, Cut::Before);
    flash.write(0, &[1; 8]).unwrap();
    assert_eq!(flash.write(8, &[2; 8]), Err(Error::PowerLost));
    assert_eq!(flash.cuts_left(), 2);
    flash.power_on();
    assert_eq!(flash.write(8, &[3; 8]), Err(Error::PowerLost), "took effect all the same");
    flash.power_on();
    assert_eq!(flash.operations_since_power_on(), 0);
    flash.write(16, &[4; 8]).unwrap();
    flash.write(24, &[5; 8]).unwrap();
    assert_eq!(flash.write(32, &[6; 8]), Err(Error::PowerLost));
    flash.power_on();
    assert_eq!(flash.cuts_left(), 0);
    flash.write(32, &[7; 8]).unwrap();
    let firsts: Vec<_> = flash.dump().chunks(8).take(6).map(|unit| unit[0]).collect();
    assert_eq!(firsts, [1, 3, 4, 5, 7, 0xFF]);
    assert_eq!(flash.work().operations(), 7, "cut operations count");
}

#[test]
fn a_late_cut_strikes_the_next_operation_and_cuts_can_be_cleared() {
    let mut flash = flash();
    flash.write(0, &[1; 8]).unwrap();
    flash.write(8, &[1; 8]).unwrap();
    flash.cut_at(0, Cut::Before);
    assert_eq!(flash.write(16, &[1; 8]), Err(Error::PowerLost));
    flash.power_on();
    flash.cut_at(0, Cut::Before);
    flash.clear_cuts();
    flash.write(16, &[1; 8]).unwrap();
}

#[test]
fn power_can_be_switched_off_between_operations() {
    let mut flash = flash();
    flash.power_off();
    assert_eq!(flash.write(0, &[1; 8]), Err(Error::PowerLost));
    flash.power_on();
    flash.write(0, &[1; 8]).unwrap();
}

#[test]
fn alike_devices_used_alike_are_alike_and_clones_are_apart() {
    let run = |noise| {
        let mut flash = Flash::new(SECTORS).with_seed(noise).with_trace();
        flash.write(0, &pattern(512)).unwrap();
        flash.cut_at(1, Cut::TornAt { octet: 100, seed: 3 });
        flash.erase(0, SECTOR).unwrap_err();
        flash.power_on();
        flash
    };
    let (mut one, mut two, mut other) = (run(5), run(5), run(6));
    let mut copy = one.clone();
    let first: Vec<_> = (0..8).map(|_| read(&mut one, 0, 256)).collect();
    assert_eq!(first, (0..8).map(|_| read(&mut two, 0, 256)).collect::<Vec<_>>());
    assert_eq!(first, (0..8).map(|_| read(&mut copy, 0, 256)).collect::<Vec<_>>());
    assert_ne!(first, (0..8).map(|_| read(&mut other, 0, 256)).collect::<Vec<_>>());
    copy.erase(0, 2 * SECTOR).unwrap();
    assert_eq!(read(&mut one, SECTOR, 256), pattern(512)[256..], "the original keeps its sectors");
    assert_eq!(one.wear(), [1, 0, 0, 0]);
    assert_eq!(copy.wear(), [2, 1, 0, 0]);
    let kinds: Vec<_> = copy.trace().iter().map(|operation| (operation.kind, operation.offset)).collect();
    assert_eq!(kinds, [(Kind::Program, 0), (Kind::Erase, 0), (Kind::Erase, 0), (Kind::Erase, SECTOR)]);
    assert_eq!(one.trace().len(), 2);
}

#[test]
fn loaded_content_is_programmed_content() {
    let mut flash = flash();
    let mut image = pattern(300);
    image[264..272].fill(0xFF);
    flash.load(SECTOR, &image).unwrap();
    assert_eq!(flash.dump()[256..556], image);
    assert_eq!(flash.dump()[556..], [0xFF; 468]);
    assert_eq!(flash.work(), Work::default());
    assert!(flash.write(SECTOR, &[0; 8]).is_err());
    assert!(flash.write(552, &[0; 8]).is_err(), "the unit that the image ends in");
    flash.write(520, &[0; 8]).expect("blank units of an image can be programmed");
    flash.write(560, &[0; 8]).expect("so can those behind it");
    assert_eq!(flash.load(8, &image), Err(Error::NotAligned));
    assert_eq!(flash.load(768, &image), Err(Error::OutOfBounds));
    assert_eq!(flash.load(2048, &image), Err(Error::OutOfBounds));
    let mut copy = Flash::new(SECTORS);
    copy.load(0, &flash.dump()).unwrap();
    assert_eq!(copy.dump(), flash.dump());
}

#[test]
fn cells_may_be_erased_to_zeros() {
    let mut flash = flash().with_erased(0);
    assert_eq!(read(&mut flash, 0, 8), [0; 8]);
    flash.write(0, &[0x0F; 8]).unwrap();
    assert_eq!(flash.write(0, &[0x1F; 8]), Err(Error::Reprogrammed { at: 0 }));
    assert_eq!(flash.write(0, &[0x07; 8]), Err(Error::WouldSetBits { at: 0 }), "back to the erased value");
    flash.erase(0, SECTOR).unwrap();
    assert_eq!(read(&mut flash, 0, 8), [0; 8]);
}

#[test]
fn units_of_one_octet_and_of_a_whole_sector_work() {
    let mut octets = Nor::<1, 16>::new(2);
    octets.cut_at(0, Cut::TornAt { octet: 17, seed: 4 });
    octets.write(3, &[0xA5; 20][..13]).unwrap_err();
    octets.power_on();
    assert_eq!(octets.work().units, 5, "17 modulo 13 octets");
    assert_eq!(octets.dump()[3..7], [0xA5; 4]);
    let mut pages = Nor::<16, 16>::new(2);
    pages.cut_at(0, Cut::Torn { seed: 4 });
    pages.write(0, &[0xA5; 32]).unwrap_err();
    pages.power_on();
    let begun = pages.work().units;
    pages.write(0, &[0; 16]).expect_err("programmed or torn");
    assert_eq!(pages.write(16, &[0; 16]).is_ok(), begun == 1);
}

/// Flash as simple as can be: cells, and whether each unit is programmed.
#[derive(Debug)]
struct Plain {
    cells: Vec<u8>,
    programmed: Vec<bool>,
}

impl Plain {
    fn write(&mut self, offset: usize, bytes: &[u8]) -> bool {
        let aligned = offset.is_multiple_of(UNIT) && bytes.len().is_multiple_of(UNIT);
        if !aligned || offset + bytes.len() > self.cells.len() {
            return false;
        }
        let units = offset / UNIT..(offset + bytes.len()) / UNIT;
        if self.programmed[units.clone()].contains(&true) {
            return false;
        }
        self.programmed[units].fill(true);
        self.cells[offset..offset + bytes.len()].copy_from_slice(bytes);
        true
    }

    fn erase(&mut self, from: usize, to: usize) -> bool {
        if from > to || to > self.cells.len() || !from.is_multiple_of(256) || !to.is_multiple_of(256) {
            return false;
        }
        self.cells[from..to].fill(0xFF);
        self.programmed[from / UNIT..to / UNIT].fill(false);
        true
    }
}

/// Mostly aligned offsets and lengths; sometimes not, sometimes too great.
fn octets(align: usize) -> impl Strategy<Value = usize> {
    prop_oneof![9 => (0..=1024 / align).prop_map(move |count| count * align), 1 => 0..1100_usize]
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, usize, u8),
    Erase(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (octets(UNIT), octets(UNIT), any::<u8>()).prop_map(|(at, len, fill)| Step::Write(at, len / 4 / UNIT * UNIT, fill)),
        1 => (octets(256), octets(256)).prop_map(|(from, to)| Step::Erase(from, to)),
    ]
}

proptest! {
    #[test]
    fn without_cuts_it_is_plain_write_once_flash(steps in proptest::collection::vec(step(), 1..60)) {
        let mut flash = flash();
        let mut plain = Plain { cells: vec![0xFF; 1024], programmed: vec![false; 1024 / UNIT] };
        let mut refused = 0;
        for step in steps {
            let (done, expected) = match step {
                Step::Write(at, len, fill) => {
                    let bytes = vec![fill; len];
                    (flash.write(u32::try_from(at).unwrap(), &bytes).is_ok(), plain.write(at, &bytes))
                }
                Step::Erase(from, to) => {
                    let (low, high) = (u32::try_from(from).unwrap(), u32::try_from(to).unwrap());
                    (flash.erase(low, high).is_ok(), plain.erase(from, to))
                }
            };
            prop_assert_eq!(done, expected);
            refused += usize::from(!done);
        }
        prop_assert_eq!(flash.dump(), plain.cells.clone());
        prop_assert_eq!(read(&mut flash, 0, 1024), plain.cells);
        prop_assert_eq!(flash.misuses().len(), refused);
    }
}

#[test]
fn sweeps_can_use_all_processors() {
    fn shared_and_sent<T: Send + Sync>(_: &T) {}
    shared_and_sent(&flash());
}

/// Two sectors of 256 octets, one of 512, two of 1024.
const MIXED: [Run; 3] = [Run::new(2, 256), Run::new(1, 512), Run::new(2, 1024)];

fn mixed() -> Flash {
    Flash::mixed(Sectors(&MIXED)).with_seed(1)
}

#[test]
fn sectors_of_different_sizes_are_erased_whole() {
    let mut flash = mixed();
    assert_eq!(flash.capacity(), 3 * 1024);
    let bytes = pattern(3 * 1024);
    flash.write(0, &bytes).unwrap();
    flash.erase(256, 1024).unwrap();
    let expected = [&bytes[..256], &[0xFF; 768], &bytes[1024..]].concat();
    assert_eq!(read(&mut flash, 0, 3 * 1024), expected);
    assert_eq!((flash.wear(), flash.work().erases), (&[0, 1, 1, 0, 0][..], 2));
    assert_eq!(flash.misuses(), []);
    for (from, to) in [(512, 768), (1024, 1536), (1280, 2048), (0, 128)] {
        assert_eq!(flash.erase(from, to), Err(Error::NotAligned), "{from}..{to} is no whole sector");
    }
    assert_eq!(flash.erase(2048, 4096), Err(Error::OutOfBounds));
    assert_eq!(read(&mut flash, 0, 3 * 1024), expected, "nothing changed");
    assert_eq!(flash.misuses().len(), 5);
    flash.load(1024, &[7; 1500]).unwrap();
    assert_eq!(flash.load(1280, &[7]), Err(Error::NotAligned));
    assert_eq!(read(&mut flash, 1024, 1504), [&[7; 1500][..], &[0xFF; 4]].concat());
}

#[test]
fn a_cut_tears_the_sector_it_strikes_whatever_its_size() {
    for (at, cut) in [(0, 0..256), (1, 256..512), (2, 512..1024), (3, 1024..2048)] {
        let mut flash = mixed();
        flash.write(0, &pattern(3 * 1024)).unwrap();
        flash.cut_at(1 + at, Cut::Torn { seed: at });
        assert_eq!(flash.erase(0, 3 * 1024), Err(Error::PowerLost));
        flash.power_on();
        let scarred: Vec<usize> = (0..5).filter(|sector| flash.is_scarred(*sector)).collect();
        assert_eq!(scarred, [usize::try_from(at).unwrap()]);
        assert_eq!(read(&mut flash, 0, cut.start), vec![0xFF; cut.start]);
        let behind = u32::try_from(cut.end).unwrap();
        assert_eq!(read(&mut flash, behind, 3 * 1024 - cut.end), pattern(3 * 1024)[cut.end..]);
        let last = behind - 8;
        assert_eq!(flash.write(last, &[0; 8]), Err(Error::HalfErased { at: last }));
    }
}

#[test]
#[should_panic(expected = "the smallest sector")]
fn a_table_for_another_smallest_sector_is_refused() {
    drop(Flash::mixed(Sectors(&[Run::new(2, 512)])));
}
