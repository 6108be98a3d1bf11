//! The conformance kit finds the mistakes that ports are made with, says so in words, and finds nothing in the models.
//!
//! Each mistake is put into a driver over the strict flash model, or, where that would refuse at once what a real part takes,
//! over plain cells whose programming clears bits.

use kedge_platform::conformance::{Call, Evidence, Fault, Finding, Report, Tally};
use kedge_platform::conformance::{
    clock, entropy, identity, nand, nor, nor_find, nor_leave, nor_twice, radio,
};
use kedge_platform::entropy::Entropy;
use kedge_platform::flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, Region, Run, Sectors};
use kedge_platform::identity::HardwareId;
use kedge_platform::nand::Geometry;
use kedge_platform_sim::clock::Clock;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nand::Nand;
use kedge_platform_sim::nor::{Error, Nor};
use kedge_platform_sim::radio::Radio;
use kedge_platform_sim::random::Seeded;

/// Keeps every line.
#[derive(Default)]
struct Lines {
    found: Vec<Finding>,
    passed: Vec<&'static str>,
}

impl Report for Lines {
    fn passed(&mut self, _: &'static str, check: &'static str) {
        self.passed.push(check);
    }

    fn found(&mut self, finding: &Finding) {
        self.found.push(*finding);
    }
}

impl Lines {
    fn faults(&self) -> Vec<Fault> {
        self.found.iter().map(|finding| finding.fault).collect()
    }
}

/// Real sectors of the faulty drivers.
const SECTOR: usize = 1024;
/// Octets of their parts.
const PART: usize = 64 * SECTOR;
/// Write units.
const UNIT: usize = 4;

/// The mistake of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// None; the cells alone are as lax as many parts.
    Lax,
    /// An erase takes two sectors.
    ErasesMore,
    /// An erase takes half of a sector.
    ErasesLess,
    /// A write that is not whole units begins at the unit before.
    Unaligned,
    /// A write programs the page around it again.
    WholePage,
    /// A write that needs bits set erases the sector and puts all of it back.
    ErasesInWrite,
    /// What was read once is remembered over an erase.
    StaleOverErase,
    /// What was read once is remembered over a program.
    StaleOverProgram,
    /// A long write begins its page again, as serial parts do.
    PageWraps,
    /// The part has half the octets that the driver says.
    HalfTheSize,
    /// The end of the part is not looked at.
    Endless,
}

/// A driver with a mistake.
struct Ported {
    cells: Vec<u8>,
    programmed: Vec<bool>,
    bug: Bug,
    /// The line that was read last.
    cache: Option<(usize, Vec<u8>)>,
}

/// Octets of a cache line.
const LINE: usize = 64;
/// Octets of a program page.
const PAGE: usize = 256;

impl Ported {
    fn new(bug: Bug) -> Self {
        Self { cells: vec![0xFF; PART], programmed: vec![false; PART / UNIT], bug, cache: None }
    }

    /// Where an octet really is.
    fn cell(&self, at: usize) -> usize {
        if self.bug == Bug::HalfTheSize { at % (PART / 2) } else { at % PART }
    }

    fn clear(&mut self, from: usize, to: usize) {
        for at in from..to.min(PART) {
            let cell = self.cell(at);
            self.cells[cell] = 0xFF;
            self.programmed[cell / UNIT] = false;
        }
    }

    fn program(&mut self, offset: usize, octets: &[u8]) {
        for (n, octet) in octets.iter().enumerate() {
            let at = match self.bug {
                Bug::PageWraps => offset / PAGE * PAGE + (offset + n) % PAGE,
                _ => offset + n,
            };
            let cell = self.cell(at);
            self.cells[cell] &= octet;
            self.programmed[cell / UNIT] = true;
        }
    }
}

impl ErrorType for Ported {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Ported {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let offset = offset as usize;
        if offset + bytes.len() > PART && self.bug != Bug::Endless {
            return Err(NorFlashErrorKind::OutOfBounds);
        }
        for (n, octet) in bytes.iter_mut().enumerate() {
            let at = offset + n;
            *octet = self.cells[self.cell(at)];
            if matches!(self.bug, Bug::StaleOverErase | Bug::StaleOverProgram) {
                let start = at / LINE * LINE;
                if self.cache.as_ref().is_none_or(|(cached, _)| *cached != start) {
                    self.cache = Some((start, self.cells[start..start + LINE].to_vec()));
                }
                *octet = self.cache.as_ref().unwrap().1[at % LINE];
            }
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        PART
    }
}

impl NorFlash for Ported {
    const WRITE_SIZE: usize = UNIT;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let (from, to) = (from as usize, to as usize);
        if from > to || to > PART {
            return Err(NorFlashErrorKind::OutOfBounds);
        }
        if !from.is_multiple_of(SECTOR) || !to.is_multiple_of(SECTOR) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        if self.bug != Bug::StaleOverErase {
            self.cache = None;
        }
        match self.bug {
            Bug::ErasesMore => self.clear(from / 2048 * 2048, to.next_multiple_of(2048)),
            Bug::ErasesLess => (from..to).step_by(SECTOR).for_each(|at| self.clear(at, at + SECTOR / 2)),
            _ => self.clear(from, to),
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let mut offset = offset as usize;
        if offset + bytes.len() > PART && self.bug != Bug::Endless {
            return Err(NorFlashErrorKind::OutOfBounds);
        }
        if !offset.is_multiple_of(UNIT) || !bytes.len().is_multiple_of(UNIT) {
            if self.bug != Bug::Unaligned {
                return Err(NorFlashErrorKind::NotAligned);
            }
            offset = offset / UNIT * UNIT;
        }
        if self.bug != Bug::StaleOverProgram {
            self.cache = None;
        }
        if self.bug == Bug::WholePage {
            // a part with error-correcting codes refuses the units that were programmed before
            let page = offset / PAGE * PAGE / UNIT;
            if self.programmed[page..page + PAGE / UNIT].contains(&true) {
                return Err(NorFlashErrorKind::Other);
            }
        }
        if self.bug == Bug::ErasesInWrite {
            let start = offset / SECTOR * SECTOR;
            let mut sector = self.cells[start..start + SECTOR].to_vec();
            let within = offset - start;
            let len = bytes.len().min(SECTOR - within);
            sector[within..within + len].copy_from_slice(&bytes[..len]);
            self.clear(start, start + SECTOR);
            self.program(start, &sector);
            self.program(start + SECTOR, &bytes[len..]);
            return Ok(());
        }
        self.program(offset, bytes);
        Ok(())
    }
}

/// What is lent of a faulty part.
const LENT: Region = Region::new(8 * 1024, 4 * 1024);

fn run(bug: Bug) -> Lines {
    let (mut lines, mut flash) = (Lines::default(), Ported::new(bug));
    nor(&mut flash, LENT, 7, &mut lines);
    nor_twice(&mut flash, LENT, 7, &mut lines);
    lines
}

/// The first finding of a driver, in words.
fn first(bug: Bug) -> String {
    run(bug).found.first().map_or_else(|| format!("{bug:?} was not found"), ToString::to_string)
}

#[test]
fn a_wrong_erase_size_is_found() {
    assert_eq!(
        first(Bug::ErasesMore),
        "NOR flash, erasing: wrong erase size: erasing also changed what lies beside it, so the part erases more at once than \
         the driver says (erase of 0x2400..0x2800; octet at 0x2000: expected 60, read ff)"
    );
    assert!(first(Bug::ErasesLess).starts_with(
        "NOR flash, erasing: wrong erase size: something in what was erased is not erased, so the part erases less at once \
         than the driver says, or is still at it (erase of 0x2400..0x2800; octet at 0x2600: expected ff, read "
    ));
}

#[test]
fn an_unaligned_program_is_found() {
    assert_eq!(
        first(Bug::Unaligned),
        "NOR flash, alignment: a call that must be refused, and change nothing, was accepted (write of 4 octets at 0x2001)"
    );
}

#[test]
fn writing_twice_is_found() {
    assert_eq!(
        first(Bug::WholePage),
        "NOR flash, erasing: writing twice: an erased unit could not be programmed after the one beside it, so the driver \
         programs more than the call says (write of 4 octets at 0x2004: an error of the driver's own)"
    );
    assert_eq!(
        first(Bug::ErasesInWrite),
        "NOR flash, read-back: writing twice: a second write set bits again, so the driver erases in write, and a power cut \
         there loses the sector (write of 4 octets at 0x2000)"
    );
}

#[test]
fn a_stale_cache_is_found() {
    for bug in [Bug::StaleOverErase, Bug::StaleOverProgram] {
        assert!(run(bug).faults().contains(&Fault::Stale), "{bug:?}: {:?}", run(bug).found);
    }
    let lines = run(Bug::StaleOverProgram);
    let stale = lines.found.iter().find(|finding| finding.fault == Fault::Stale).unwrap();
    assert_eq!(
        stale.to_string(),
        "NOR flash, fresh reads: stale cache: this was there before the last erase or program, so the driver reads from a copy \
         it has not dropped (write of 64 octets at 0x2000; octet at 0x2000: expected 13, read ff)"
    );
}

#[test]
fn missing_read_back_is_found() {
    assert_eq!(
        first(Bug::Lax),
        "NOR flash, read-back: missing read-back: write returned Ok, but the octets are not what it was given (write of 4 \
         octets at 0x2000; octet at 0x2000: expected 9f, read 00)"
    );
    assert_eq!(run(Bug::Lax).passed.len(), 8, "and nothing else is wrong with it");
}

#[test]
fn a_bad_geometry_is_found() {
    assert_eq!(
        first(Bug::HalfTheSize),
        "NOR flash, size of the part: bad geometry: another place shows what was programmed here, so the part is smaller than \
         the driver says (write of 16 octets at 0x2000; octet at 0xa000: expected ff, read 60)"
    );
    assert!(run(Bug::Endless).faults().contains(&Fault::Accepted));
    assert!(
        run(Bug::PageWraps).faults().iter().any(|fault| matches!(fault, Fault::NotKept | Fault::Spilled))
    );

    let geometry = |flash: &mut Sized| {
        let mut tally = Tally::default();
        nor(flash, LENT, 1, &mut tally);
        tally.first.map(|finding| finding.fault)
    };
    assert_eq!(geometry(&mut Sized(PART + 1)), Some(Fault::Capacity));
    assert_eq!(geometry(&mut Sized(0)), Some(Fault::Capacity));
    assert_eq!(geometry(&mut Sized(LENT.start as usize)), Some(Fault::Lent));
}

/// A device of any size.
struct Sized(usize);

impl ErrorType for Sized {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Sized {
    const READ_SIZE: usize = 1;

    fn read(&mut self, _: u32, _: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        Err(NorFlashErrorKind::Other)
    }

    fn capacity(&self) -> usize {
        self.0
    }
}

impl NorFlash for Sized {
    const WRITE_SIZE: usize = UNIT;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, _: u32, _: u32) -> Result<(), NorFlashErrorKind> {
        Err(NorFlashErrorKind::Other)
    }

    fn write(&mut self, _: u32, _: &[u8]) -> Result<(), NorFlashErrorKind> {
        Err(NorFlashErrorKind::Other)
    }
}

/// All that the kit has for a NOR part, a restart included; nothing may be found.
fn passes<const W: usize, const E: usize>(blank: &Nor<W, E>, lent: Region) {
    for seed in [0, 1, u32::MAX] {
        let mut flash = blank.clone();
        let mut lines = Lines::default();
        nor(&mut flash, lent, seed, &mut lines);
        nor_leave(&mut flash, lent, seed, &mut lines);
        flash.power_off();
        flash.power_on();
        nor_find(&mut flash, lent, seed, &mut lines);
        nor_find(&mut flash, lent, seed, &mut lines);
        assert!(lines.found.is_empty(), "units {W}, sectors {E}: {}", lines.found[0]);
        assert_eq!(lines.passed.len(), 11);
        // what the model remembers is what the kit asked for on purpose
        let mut misuses = flash.misuses().iter().map(|misuse| misuse.error);
        assert!(misuses.all(|error| matches!(error, Error::OutOfBounds | Error::NotAligned)));
        let mut tally = Tally::default();
        nor_twice(&mut flash, lent, seed, &mut tally);
        assert_eq!((tally.found, tally.passed), (0, 1), "{:?}", tally.first);
    }
}

#[test]
fn the_nor_model_passes() {
    passes(&Nor::<1, 4096>::new(16), Region::new(0, 3 * 4096));
    passes(&Nor::<4, 4096>::new(16), Region::new(13 * 4096, 3 * 4096));
    passes(&Nor::<8, 256>::new(64), Region::new(256, 1024));
    passes(&Nor::<16, 512>::new(32), Region::new(512, 5 * 512));
    passes(&Nor::<32, 128>::new(8), Region::new(128, 3 * 128));
    passes(&Nor::<64, 64>::new(8), Region::new(64, 3 * 64));
}

#[test]
fn a_part_with_sectors_of_different_sizes_passes_in_each() {
    let part = Sectors(&[Run::new(4, 1024), Run::new(1, 4096), Run::new(6, 8192)]);
    for lent in [Region::new(0, 3 * 1024), Region::new(8192, 3 * 8192).in_sectors(8192)] {
        let mut lines = Lines::default();
        nor(&mut Nor::<4, 1024>::mixed(part), lent, 3, &mut lines);
        assert!(lines.found.is_empty(), "{}", lines.found[0]);
    }
}

#[test]
fn what_is_forgotten_over_a_restart_is_found() {
    let (mut lines, mut flash) = (Lines::default(), Nor::<4, 1024>::new(8));
    nor_leave(&mut flash, LENT_OF_MODEL, 5, &mut lines);
    // a write cache that was never flushed
    let mut before = Nor::<4, 1024>::new(8);
    nor_find(&mut before, LENT_OF_MODEL, 5, &mut lines);
    // another sign is not this sign
    nor_find(&mut flash, LENT_OF_MODEL, 6, &mut lines);
    assert_eq!(lines.faults(), [Fault::Forgotten; 2]);
    let after = Call::Write { at: 1024, len: 512 };
    assert!(
        matches!(lines.found[0].evidence, Evidence::Octet { after: call, at: 1024, read: 0xFF, .. } if call == after)
    );
}

const LENT_OF_MODEL: Region = Region::new(1024, 3 * 1024);

#[test]
fn the_nand_model_passes() {
    for (page, spare, pages_per_block) in [(512, 16, 32), (2048, 64, 64), (4096, 200, 3), (1024, 1, 1)] {
        let mut part = Nand::new(Geometry { page, spare, pages_per_block, blocks: 8 }).with_bad_block(6);
        let mut lines = Lines::default();
        let mut buffer = vec![0; 2 * page];
        nand(&mut part, 2, &mut buffer, 9, &mut lines);
        assert!(lines.found.is_empty(), "{}", lines.found[0]);
        assert_eq!(lines.passed.len(), 7);
        let mut tally = Tally::default();
        nand(&mut part, 2, &mut buffer[1..], 9, &mut tally);
        assert_eq!(tally.first.map(|finding| finding.fault), Some(Fault::Lent), "a page short");
        nand(&mut part, 5, &mut buffer, 9, &mut lines);
        assert!(lines.faults().iter().all(|fault| matches!(fault, Fault::Failed | Fault::Lent)));
        assert!(!lines.found.is_empty(), "block 6 is bad");
    }
}

#[test]
fn the_small_models_pass() {
    let mut tally = Tally::default();
    clock(&mut Clock::new(), &mut tally);
    entropy(&mut Seeded::new(1), &mut tally);
    identity(&Identity::new(HardwareId::Esn(0x8000_0001), "Kedge", "Sim-1", "1.0.0").unwrap(), &mut tally);
    radio(&mut Radio::new(), "user@operator.example", &mut tally);
    assert_eq!((tally.found, tally.passed), (0, 8), "{:?}", tally.first);
}

/// A source that always gives the same, or leaves something out.
struct Poor(fn(usize, &mut [u8]), usize);

impl Entropy for Poor {
    fn fill(&mut self, buf: &mut [u8]) {
        self.1 += 1;
        (self.0)(self.1, buf);
    }
}

#[test]
fn poor_random_octets_are_found() {
    let fault = |fill| {
        let mut tally = Tally::default();
        entropy(&mut Poor(fill, 0), &mut tally);
        tally.first.map(|finding| (finding.fault, finding.evidence))
    };
    assert_eq!(fault(|_, buf| buf.fill(0x5A)), Some((Fault::Repeats, Evidence::None)));
    let last = Evidence::Place { octet: 127, read: 0 };
    assert_eq!(
        fault(|n, buf| {
            let len = buf.len().saturating_sub(1);
            Seeded::new(n as u64).fill(&mut buf[..len]);
        }),
        Some((Fault::NotFilled, last))
    );
    let biased = fault(|n, buf| buf.iter_mut().for_each(|octet| *octet = 1 << (n % 8)));
    assert_eq!(biased.map(|(fault, _)| fault), Some(Fault::Biased));
}

/// A clock with a mistake: what it is told to sleep, it makes something else of.
struct Odd {
    now: core::cell::Cell<i64>,
    step: i64,
    sleep: i64,
}

impl kedge_platform::clock::Clock for Odd {
    fn uptime(&self) -> core::time::Duration {
        self.now.set(self.now.get() + self.step);
        core::time::Duration::from_millis(u64::try_from(self.now.get()).unwrap())
    }

    fn sleep_until(&mut self, deadline: core::time::Duration) {
        let deadline = i64::try_from(deadline.as_millis()).unwrap();
        self.now.set(self.now.get().max(deadline + self.sleep));
    }
}

#[test]
fn odd_clocks_are_found() {
    for (step, sleep, fault) in [
        (-1, 0, Fault::ClockWentBack),
        (0, -150, Fault::ClockStands),
        (0, -30, Fault::WokeEarly),
        (0, 1500, Fault::WokeLate),
    ] {
        let mut tally = Tally::default();
        clock(&mut Odd { now: core::cell::Cell::new(1_000_000), step, sleep }, &mut tally);
        assert_eq!(tally.first.map(|finding| finding.fault), Some(fault));
    }
}
