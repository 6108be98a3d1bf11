//! Each rule is refused, torn states are as unkind as promised but no worse than the contract, and all is repeatable.

use std::collections::HashSet;

use kedge_platform::nand::{Ecc, Geometry, NandError, NandErrorKind, NandFlash, PageAddress};

use super::{Cut, Error, Misuse, Nand, Operation, Work};

const GEOMETRY: Geometry = Geometry { page: 1024, spare: 8, pages_per_block: 4, blocks: 6 };
const NEW: [u8; 1024] = [0x5A; 1024];
const OLD: [u8; 1024] = [0xC3; 1024];
const BLANK: [u8; 1024] = [0xFF; 1024];

const fn at(block: u32, page: u32) -> PageAddress {
    PageAddress { block, page }
}

fn read(flash: &mut Nand, place: PageAddress) -> Result<(Vec<u8>, Ecc), Error> {
    let mut data = vec![0; 1024];
    let ecc = flash.read_page(place, &mut data, &mut [])?;
    Ok((data, ecc))
}

#[test]
fn what_is_programmed_is_read_with_its_spare() {
    let mut flash = Nand::new(GEOMETRY);
    flash.program_page(at(1, 0), &NEW, b"one").unwrap();
    flash.program_page(at(1, 3), &OLD, b"").unwrap();
    let mut spare = [0; 8];
    assert_eq!(flash.read_page(at(1, 0), &mut [], &mut spare), Ok(Ecc::Clean));
    assert_eq!(&spare, b"one\xFF\xFF\xFF\xFF\xFF");
    assert_eq!(read(&mut flash, at(1, 3)), Ok((OLD.to_vec(), Ecc::Clean)));
    assert_eq!(read(&mut flash, at(1, 1)), Ok((BLANK.to_vec(), Ecc::Clean)));
    flash.erase_block(1).unwrap();
    assert_eq!(read(&mut flash, at(1, 0)), Ok((BLANK.to_vec(), Ecc::Clean)));
    assert_eq!(flash.wear(), [0, 1, 0, 0, 0, 0]);
    assert_eq!(flash.work(), Work { reads: 4, programs: 2, erases: 1, marks: 0 });
    assert!(flash.misuses().is_empty());
}

#[test]
fn order_limits_bounds_and_lengths_are_refused_and_remembered() {
    let mut flash = Nand::new(GEOMETRY).with_bad_block(5);
    flash.program_page(at(0, 2), &NEW, b"").unwrap();
    let refused = [
        (flash.program_page(at(0, 1), &NEW, b""), Error::Order(at(0, 1))),
        (flash.program_page(at(0, 2), &NEW, b""), Error::TooOften(at(0, 2))),
        (flash.program_page(at(0, 3), &NEW[1..], b""), Error::Length),
        (flash.program_page(at(0, 3), &NEW, &[0; 9]), Error::Length),
        (flash.program_page(at(6, 0), &NEW, b""), Error::OutOfBounds),
        (flash.program_page(at(0, 4), &NEW, b""), Error::OutOfBounds),
        (flash.program_page(at(5, 0), &NEW, b""), Error::MarkedBad(5)),
        (flash.erase_block(5), Error::MarkedBad(5)),
        (flash.erase_block(6), Error::OutOfBounds),
        (flash.mark_bad(6), Error::OutOfBounds),
        (flash.is_bad(6).map(drop), Error::OutOfBounds),
        (flash.read_page(at(6, 0), &mut [], &mut []).map(drop), Error::OutOfBounds),
        (flash.read_page(at(0, 0), &mut [0; 5], &mut []).map(drop), Error::Length),
    ];
    for (answer, error) in &refused {
        assert_eq!(*answer, Err(*error));
        assert_eq!(error.kind(), NandErrorKind::Misuse);
    }
    assert_eq!(flash.misuses().len(), refused.len());
    let first = Misuse { operation: Operation::Program(at(0, 1)), error: Error::Order(at(0, 1)), after: 1 };
    assert_eq!(flash.misuses()[0], first);
    assert_eq!(flash.work().operations(), 1, "refused operations do not count");
}

#[test]
fn a_page_takes_as_many_programs_as_allowed_in_codewords_of_their_own() {
    let mut flash = Nand::new(GEOMETRY).with_partial_programs(2);
    let (mut first, mut second) = (BLANK, BLANK);
    first[..512].fill(0x12);
    second[512..].fill(0x34);
    flash.program_page(at(0, 0), &first, b"").unwrap();
    assert_eq!(flash.program_page(at(0, 0), &first, b""), Err(Error::Codeword(at(0, 0))));
    flash.program_page(at(0, 0), &second, b"tag").unwrap();
    let whole = [[0x12; 512], [0x34; 512]].concat();
    assert_eq!(read(&mut flash, at(0, 0)), Ok((whole, Ecc::Clean)));
    assert_eq!(flash.program_page(at(0, 0), &BLANK, b""), Err(Error::TooOften(at(0, 0))));
}

#[test]
fn wrong_bits_are_corrected_up_to_the_strength_of_the_code() {
    let mut flash = Nand::new(GEOMETRY).with_ecc_strength(2);
    flash.program_page(at(3, 0), &NEW, b"tag").unwrap();
    for (bit, expected) in [(3, 1), (5000, 1), (4, 2), (6000, 2)] {
        flash.flip(at(3, 0), bit);
        assert_eq!(read(&mut flash, at(3, 0)), Ok((NEW.to_vec(), Ecc::Corrected(expected))));
    }
    flash.flip(at(3, 0), 100);
    assert_eq!(read(&mut flash, at(3, 0)), Err(Error::Uncorrectable(at(3, 0))));
    flash.flip(at(3, 0), 100);
    assert!(read(&mut flash, at(3, 0)).is_ok());
    flash.flip(at(3, 0), 1024 * 8);
    let mut spare = [0; 3];
    flash.read_page(at(3, 0), &mut [], &mut spare).unwrap();
    assert_eq!(&spare, b"uag", "the spare octets are as they are");
    flash.erase_block(3).unwrap();
    assert_eq!(read(&mut flash, at(3, 0)), Ok((BLANK.to_vec(), Ecc::Clean)));
    assert!(flash.misuses().is_empty(), "a rotten page is nobody's mistake");
}

#[test]
fn reading_flips_bits_in_the_block_that_is_read() {
    let mut flash = Nand::new(GEOMETRY).with_read_disturb(10);
    flash.program_page(at(0, 0), &NEW, b"").unwrap();
    flash.program_page(at(1, 0), &NEW, b"").unwrap();
    let (mut reads, mut most) = (0, 0);
    while let Ok((data, ecc)) = read(&mut flash, at(0, 0)) {
        assert_eq!(data, NEW);
        most = most.max(ecc.bits());
        reads += 1;
    }
    assert!(reads > 30 && most == 4, "{reads} reads, {most} bits");
    assert_eq!(read(&mut flash, at(1, 0)), Ok((NEW.to_vec(), Ecc::Clean)));
}

#[test]
fn a_failed_program_loses_its_page_only() {
    let mut flash = Nand::new(GEOMETRY);
    flash.program_page(at(2, 0), &OLD, b"").unwrap();
    flash.fail_at(1);
    assert_eq!(flash.program_page(at(2, 1), &NEW, b""), Err(Error::ProgramFailed(at(2, 1))));
    assert_eq!((flash.failures_left(), flash.bad_blocks()), (0, 1));
    assert_eq!(read(&mut flash, at(2, 0)), Ok((OLD.to_vec(), Ecc::Clean)));
    assert_eq!(read(&mut flash, at(2, 1)), Err(Error::Uncorrectable(at(2, 1))));
    assert_eq!(flash.misuses(), []);
    assert_eq!(flash.program_page(at(2, 2), &NEW, b""), Err(Error::GoneBad(2)));
    assert_eq!(flash.erase_block(2), Err(Error::EraseFailed(2)), "for good");
    flash.mark_bad(2).unwrap();
    assert_eq!(flash.is_bad(2), Ok(true));
    assert_eq!(flash.misuses().len(), 1);
}

#[test]
fn blocks_fail_in_the_erase_named_and_when_worn_out() {
    let mut flash = Nand::new(GEOMETRY).with_endurance(3);
    flash.fail_at(1);
    flash.erase_block(0).unwrap();
    assert_eq!(flash.erase_block(1), Err(Error::EraseFailed(1)));
    assert_eq!(flash.program_page(at(1, 0), &NEW, b""), Err(Error::GoneBad(1)));
    for _ in 0..2 {
        flash.erase_block(0).unwrap();
    }
    assert_eq!(flash.erase_block(0), Err(Error::EraseFailed(0)));
    assert_eq!(Error::EraseFailed(0).kind(), NandErrorKind::EraseFailed);
}

#[test]
fn a_cut_before_changes_nothing_and_one_after_changes_all() {
    for (cut, programmed, erased) in [(Cut::Before, BLANK, NEW), (Cut::After, NEW, BLANK)] {
        let mut flash = Nand::new(GEOMETRY);
        flash.cut_at(0, cut);
        assert_eq!(flash.program_page(at(0, 0), &NEW, b""), Err(Error::PowerLost));
        assert_eq!(read(&mut flash, at(0, 0)), Err(Error::PowerLost));
        assert_eq!(flash.is_bad(0), Err(Error::PowerLost));
        flash.power_on();
        assert_eq!(read(&mut flash, at(0, 0)), Ok((programmed.to_vec(), Ecc::Clean)));
        let mut flash = Nand::new(GEOMETRY);
        flash.program_page(at(0, 0), &NEW, b"").unwrap();
        flash.cut_at(1, cut);
        assert_eq!(flash.erase_block(0), Err(Error::PowerLost));
        flash.power_on();
        assert_eq!(read(&mut flash, at(0, 0)), Ok((erased.to_vec(), Ecc::Clean)));
        assert_eq!(flash.program_page(at(0, 0), &NEW, b"").is_ok(), cut == Cut::After);
        flash.cut_at(flash.operations_since_power_on(), cut);
        assert_eq!(flash.mark_bad(1), Err(Error::PowerLost));
        flash.power_on();
        assert_eq!(flash.is_bad(1), Ok(cut == Cut::After));
    }
}

/// What a page can read like after a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Look {
    Old,
    Blank,
    New,
    Lost,
    Other,
}

fn look(flash: &mut Nand, place: PageAddress) -> Look {
    match read(flash, place) {
        Err(Error::Uncorrectable(_)) => Look::Lost,
        Err(error) => panic!("{error}"),
        Ok((data, _)) if data == OLD => Look::Old,
        Ok((data, _)) if data == NEW => Look::New,
        Ok((data, _)) if data == BLANK => Look::Blank,
        Ok(_) => Look::Other,
    }
}

/// All looks over several reads: more than one for an unsteady page.
fn looks(flash: &mut Nand, place: PageAddress) -> Vec<Look> {
    let looks: HashSet<Look> = (0..30).map(|_| look(flash, place)).collect();
    let mut looks: Vec<Look> = looks.into_iter().collect();
    looks.sort_by_key(|look| *look as u8);
    looks
}

#[test]
fn a_torn_program_keeps_to_the_contract_and_uses_all_of_it() {
    use Look::{Blank, Lost, New, Other};
    let mut seen = HashSet::new();
    for seed in 0..300 {
        let mut flash = Nand::new(GEOMETRY).with_seed(seed);
        flash.program_page(at(1, 0), &OLD, b"").unwrap();
        flash.cut_at(1, Cut::Torn { seed });
        assert_eq!(flash.program_page(at(1, 1), &NEW, b""), Err(Error::PowerLost));
        flash.power_on();
        assert_eq!(looks(&mut flash, at(1, 0)), [Look::Old], "other pages keep their content");
        assert_eq!(looks(&mut flash, at(1, 2)), [Look::Blank]);
        seen.insert(looks(&mut flash, at(1, 1)));
        let again = flash.program_page(at(1, 1), &NEW, b"");
        assert_eq!(again, Err(Error::TooOften(at(1, 1))), "whatever it looks like");
        flash.erase_block(1).unwrap();
        flash.program_page(at(1, 1), &NEW, b"").unwrap();
        assert_eq!(looks(&mut flash, at(1, 1)), [Look::New]);
    }
    for wanted in [&[Blank][..], &[New], &[Lost], &[Other], &[New, Lost], &[Blank, New]] {
        assert!(seen.contains(wanted), "{wanted:?} never came");
    }
    assert!(seen.contains(&vec![Blank, New, Lost, Other]));
}

#[test]
fn a_torn_erase_keeps_to_the_contract_and_uses_all_of_it() {
    let mut seen = HashSet::new();
    let mut whole_but_torn = 0;
    for seed in 0..300 {
        let mut flash = Nand::new(GEOMETRY).with_seed(seed);
        for page in 0..3 {
            flash.program_page(at(1, page), &OLD, b"").unwrap();
        }
        flash.program_page(at(2, 0), &OLD, b"").unwrap();
        flash.cut_at(4, Cut::Torn { seed });
        assert_eq!(flash.erase_block(1), Err(Error::PowerLost));
        flash.power_on();
        assert_eq!(looks(&mut flash, at(2, 0)), [Look::Old], "other blocks keep their content");
        let pages: Vec<_> = (0..4).map(|page| looks(&mut flash, at(1, page))).collect();
        whole_but_torn += usize::from(pages.iter().all(|looks| *looks == [Look::Blank]));
        seen.extend(pages);
        assert_eq!(flash.program_page(at(1, 3), &NEW, b""), Err(Error::HalfErased(1)));
        flash.erase_block(1).unwrap();
        flash.program_page(at(1, 0), &NEW, b"").unwrap();
        assert_eq!(looks(&mut flash, at(1, 0)), [Look::New]);
    }
    for wanted in [vec![Look::Old], vec![Look::Blank], vec![Look::Lost], vec![Look::Other]] {
        assert!(seen.contains(&wanted), "{wanted:?} never came");
    }
    assert!(seen.contains(&vec![Look::Old, Look::Blank, Look::Lost, Look::Other]));
    assert!(whole_but_torn > 10, "a torn erase may look like a whole one");
}

#[test]
fn a_torn_mark_is_there_or_not() {
    let mut flash = Nand::new(GEOMETRY).with_seed(4);
    flash.cut_at(0, Cut::Torn { seed: 1 });
    assert_eq!(flash.mark_bad(3), Err(Error::PowerLost));
    flash.power_on();
    let answers: HashSet<bool> = (0..30).map(|_| flash.is_bad(3).unwrap()).collect();
    assert_eq!(answers.len(), 2);
    flash.erase_block(3).unwrap();
    flash.mark_bad(3).unwrap();
    assert!((0..30).all(|_| flash.is_bad(3) == Ok(true)));
}

#[test]
fn clones_used_alike_behave_alike_and_go_their_own_way() {
    let mut flash = Nand::new(GEOMETRY).with_seed(8).with_read_disturb(3);
    flash.program_page(at(0, 0), &NEW, b"").unwrap();
    flash.cut_at(1, Cut::Torn { seed: 5 });
    let mut copy = flash.clone();
    let script = |flash: &mut Nand| {
        let cut = flash.program_page(at(0, 1), &OLD, b"");
        flash.power_on();
        let reads: Vec<_> = (0..40).map(|n| read(flash, at(0, n % 2)).ok()).collect();
        (cut, reads)
    };
    assert_eq!(script(&mut flash), script(&mut copy));
    copy.erase_block(0).unwrap();
    assert_eq!(look(&mut copy, at(0, 0)), Look::Blank);
    assert_ne!(look(&mut flash, at(0, 0)), Look::Blank);
}
