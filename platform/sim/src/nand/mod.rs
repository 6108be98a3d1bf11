//! NAND flash, stricter than any real part, with bad blocks, wrong bits and power cuts inside operations.
//!
//! [`Nand`] implements [`NandFlash`] and holds its user to the contract in [`kedge_platform::nand`]:
//!
//! - Pages of a block are programmed in ascending order, each at most as often as the part allows (once, without
//!   [`Nand::with_partial_programs`]) and each codeword of 512 octets once; anything else is refused, changes nothing and is
//!   remembered in [`Nand::misuses`]. So is any use of a bad block but reading it, and programming what was half erased.
//! - Blocks are bad from the factory ([`Nand::with_bad_block`]) or go bad: in the operation named by [`Nand::fail_at`], or
//!   worn out ([`Nand::with_endurance`]). The operation reports it, the page at work is lost, the others stay readable.
//! - Bits flip by [`Nand::flip`] and by reading ([`Nand::with_read_disturb`]); up to the strength of the code they are
//!   corrected and counted in the answer, beyond it the page is uncorrectable. The code does not cover the spare octets.
//! - A [`Cut`] strikes before, inside or after an operation. A torn page may read as blank, new, uncorrectable or a mixture
//!   that the code lets pass; every page of a torn erase as any of these or as before; all of that steadily or drawn anew on
//!   each read; a torn mark is there or not. After a cut every call fails with [`Error::PowerLost`] until
//!   [`Nand::power_on`].
//!
//! A clone is a snapshot and shares blocks with its original until one of them changes. Clones of one device that are used
//! alike behave alike.
//!
//! ```
//! use kedge_platform::nand::{Ecc, Geometry, NandFlash, PageAddress};
//! use kedge_platform_sim::nand::{Cut, Error, Nand};
//!
//! let mut flash = Nand::new(Geometry { page: 512, spare: 8, pages_per_block: 16, blocks: 8 });
//! let at = PageAddress { block: 2, page: 0 };
//! flash.program_page(at, &[0x5A; 512], b"tag").unwrap();
//! flash.flip(at, 77);
//! let mut data = [0; 512];
//! assert_eq!(flash.read_page(at, &mut data, &mut []), Ok(Ecc::Corrected(1)));
//! assert_eq!(data, [0x5A; 512]);
//! flash.cut_at(1, Cut::Torn { seed: 3 });
//! assert_eq!(flash.erase_block(2), Err(Error::PowerLost));
//! ```

mod block;
mod error;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

pub use error::{Error, Misuse, Operation};
use kedge_platform::nand::{Ecc, Geometry, NandFlash, PageAddress};

use self::block::{Block, Refusal};
pub use crate::cut::Cut;
use crate::cut::{Power, Tear};
use crate::random::Seeded;

/// How much a device has done since it was made. Cut operations count, refused ones do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Pages read, also when only the spare area was asked for.
    pub reads: u64,
    /// Pages programmed.
    pub programs: u64,
    /// Blocks erased.
    pub erases: u64,
    /// Blocks marked bad.
    pub marks: u64,
}

impl Work {
    /// What cuts are counted in: all but the reads.
    pub const fn operations(self) -> u64 {
        self.programs + self.erases + self.marks
    }
}

/// Whether a block carries the bad-block mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Good,
    Bad,
    /// The power failed while it was written: reads differently each time.
    Torn,
}

/// A simulated NAND flash device. See the [module](self) for the rules.
#[derive(Clone, Debug)]
pub struct Nand {
    geometry: Geometry,
    blocks: Vec<Arc<Block>>,
    blank: Arc<Block>,
    marks: Vec<Mark>,
    wear: Vec<u32>,
    partial_programs: u32,
    strength: u32,
    endurance: u32,
    disturb_every: u64,
    failures: VecDeque<u64>,
    power: Power,
    noise: Seeded,
    work: Work,
    misuses: Vec<Misuse>,
}

impl Nand {
    /// An erased, unworn device without bad blocks, switched on; its code corrects 4 bits in 512 octets.
    pub fn new(geometry: Geometry) -> Self {
        let blank = Arc::new(Block::erased(geometry.pages_per_block));
        let blocks = geometry.blocks as usize;
        Self {
            geometry,
            blocks: vec![blank.clone(); blocks],
            blank,
            marks: vec![Mark::Good; blocks],
            wear: vec![0; blocks],
            partial_programs: 1,
            strength: 4,
            endurance: u32::MAX,
            disturb_every: u64::MAX,
            failures: VecDeque::new(),
            power: Power::new(),
            noise: Seeded::new(0),
            work: Work::default(),
            misuses: Vec::new(),
        }
    }

    /// Draws all noise from this seed; 0 without it.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.noise = Seeded::new(seed);
        self
    }

    /// Corrects up to `bits` wrong bits in 512 octets.
    #[must_use]
    pub fn with_ecc_strength(mut self, bits: u32) -> Self {
        self.strength = bits;
        self
    }

    /// Allows `limit` programs of a page between two erases.
    #[must_use]
    pub fn with_partial_programs(mut self, limit: u32) -> Self {
        self.partial_programs = limit;
        self
    }

    /// Marks a block bad as its maker does. No such block: nothing.
    #[must_use]
    pub fn with_bad_block(mut self, block: u32) -> Self {
        if let Some(mark) = self.marks.get_mut(block as usize) {
            *mark = Mark::Bad;
        }
        self
    }

    /// Lets a block fail in the erase after its `erases`th.
    #[must_use]
    pub fn with_endurance(mut self, erases: u32) -> Self {
        self.endurance = erases;
        self
    }

    /// Flips one bit of a page in the block at every `reads`th page read in it since its erase.
    #[must_use]
    pub fn with_read_disturb(mut self, reads: u64) -> Self {
        self.disturb_every = reads.max(1);
        self
    }

    /// Lets the program or erase with this number fail and its block go bad. Numbers count all operations since the device
    /// was made, as [`Work::operations`] does; one that has passed, or that marks a block, strikes the next program or erase.
    /// Numbers must be added in ascending order.
    pub fn fail_at(&mut self, operation: u64) {
        self.failures.push_back(operation);
    }

    /// Failures that have not struck yet.
    pub fn failures_left(&self) -> usize {
        self.failures.len()
    }

    /// Lets the power fail in the operation with this number, counted from 0 at a power-on.
    ///
    /// Cuts are used up in the order they were added. The first counts from the last power-on (or from the making of the
    /// device); each further one from the [`Nand::power_on`] that follows the cut before it, so that it strikes during the
    /// recovery. A cut whose operation has passed already strikes the next one.
    pub fn cut_at(&mut self, operation: u64, cut: Cut) {
        self.power.cut_at(operation, cut);
    }

    /// Forgets the cuts that have not struck.
    pub fn clear_cuts(&mut self) {
        self.power.clear_cuts();
    }

    /// Switches the power off between operations.
    pub fn power_off(&mut self) {
        self.power.switch_off();
    }

    /// Switches the power on and counts operations from 0 again; it ends a power cut.
    pub fn power_on(&mut self) {
        self.power.switch_on();
    }

    /// Whether the power is on.
    pub fn is_on(&self) -> bool {
        self.power.is_on()
    }

    /// What was done since the device was made.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Operations since the last power-on: the number a cut needs to strike the next one.
    pub fn operations_since_power_on(&self) -> u64 {
        self.power.operations()
    }

    /// Erases of each block since the device was made, cut ones included.
    pub fn wear(&self) -> &[u32] {
        &self.wear
    }

    /// How many blocks cannot be used: marked, or gone bad.
    pub fn bad_blocks(&self) -> usize {
        let bad = self.marks.iter().zip(&self.blocks).filter(|(mark, b)| **mark != Mark::Good || b.gone_bad);
        bad.count()
    }

    /// Everything that was refused as a mistake of the caller; a right program leaves this empty.
    pub fn misuses(&self) -> &[Misuse] {
        &self.misuses
    }

    /// Flips a bit of a page, counted from the first of its data on into the spare octets; flipped again, it is right again.
    /// No such place: nothing.
    pub fn flip(&mut self, at: PageAddress, bit: usize) {
        let inside = bit / 8 < self.geometry.page + self.geometry.spare;
        if inside
            && at.page < self.geometry.pages_per_block
            && let Some(block) = self.blocks.get_mut(at.block as usize)
        {
            Arc::make_mut(block).flip(at.page as usize, bit);
        }
    }

    /// Remembers a refusal that the caller is to blame for.
    fn refuse<T>(&mut self, operation: Operation, error: Error) -> Result<T, Error> {
        if error.is_misuse() {
            self.misuses.push(Misuse { operation, error, after: self.work.operations() });
        }
        Err(error)
    }

    /// Power, bounds, and for what changes the block: that it is good.
    fn admit(&mut self, operation: Operation) -> Result<(), Error> {
        let (block, page) = match operation {
            Operation::Read(at) | Operation::Program(at) => (at.block, at.page),
            Operation::Erase(block) | Operation::Mark(block) | Operation::LookAtMark(block) => (block, 0),
        };
        if !self.power.is_on() {
            return Err(Error::PowerLost);
        }
        if block >= self.geometry.blocks || page >= self.geometry.pages_per_block {
            return self.refuse(operation, Error::OutOfBounds);
        }
        if matches!(operation, Operation::Program(_) | Operation::Erase(_)) {
            // a torn mark may be seen or not, so the caller cannot know: only a whole one forbids
            if self.marks[block as usize] == Mark::Bad {
                return self.refuse(operation, Error::MarkedBad(block));
            }
        }
        Ok(())
    }

    /// Counts an operation; tells whether the power fails in it, and whether the block does.
    fn begin(&mut self, operation: Operation) -> (Option<Cut>, bool) {
        let number = self.work.operations();
        match operation {
            Operation::Read(_) | Operation::LookAtMark(_) => {}
            Operation::Program(_) => self.work.programs += 1,
            Operation::Erase(_) => self.work.erases += 1,
            Operation::Mark(_) => self.work.marks += 1,
        }
        let cut = self.power.spend();
        let can_fail = matches!(operation, Operation::Program(_) | Operation::Erase(_));
        let due = self.failures.front().is_some_and(|at| *at <= number);
        let fails = can_fail && due && cut.is_none();
        if fails {
            self.failures.pop_front();
        }
        (cut, fails)
    }

    /// A page read wears on the block it is in.
    fn disturb(&mut self, block: usize) {
        if self.disturb_every == u64::MAX {
            return;
        }
        let cells = Arc::make_mut(&mut self.blocks[block]);
        cells.reads += 1;
        if cells.reads.is_multiple_of(self.disturb_every)
            && let Some(page) = cells.programmed(self.noise.below(usize::MAX))
        {
            cells.flip(page, self.noise.below(self.geometry.page * 8));
        }
    }
}

impl NandFlash for Nand {
    type Error = Error;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read_page(&mut self, at: PageAddress, data: &mut [u8], spare: &mut [u8]) -> Result<Ecc, Error> {
        self.admit(Operation::Read(at))?;
        let fits = data.is_empty() || data.len() == self.geometry.page;
        if !fits || spare.len() > self.geometry.spare {
            return self.refuse(Operation::Read(at), Error::Length);
        }
        self.work.reads += 1;
        let block = &self.blocks[at.block as usize];
        let (page, len) = (at.page as usize, self.geometry.page);
        let read = block.read(page, data, spare, len, self.strength, &mut self.noise);
        self.disturb(at.block as usize);
        read.ok_or(Error::Uncorrectable(at))
    }

    fn program_page(&mut self, at: PageAddress, data: &[u8], spare: &[u8]) -> Result<(), Error> {
        let operation = Operation::Program(at);
        self.admit(operation)?;
        if data.len() != self.geometry.page || spare.len() > self.geometry.spare {
            return self.refuse(operation, Error::Length);
        }
        let (number, page) = (at.block as usize, at.page as usize);
        let block = &self.blocks[number];
        if block.gone_bad {
            return self.refuse(operation, Error::GoneBad(at.block));
        }
        if block.half_erased {
            return self.refuse(operation, Error::HalfErased(at.block));
        }
        match block.may_program(page, data, spare, self.partial_programs) {
            Ok(()) => {}
            Err(Refusal::Order) => return self.refuse(operation, Error::Order(at)),
            Err(Refusal::TooOften) => return self.refuse(operation, Error::TooOften(at)),
            Err(Refusal::Codeword) => return self.refuse(operation, Error::Codeword(at)),
        }
        let (cut, fails) = self.begin(operation);
        let block = Arc::make_mut(&mut self.blocks[number]);
        if fails {
            block.fail_program(page);
            return Err(Error::ProgramFailed(at));
        }
        match cut.and_then(|cut| Tear::new(cut, data.len())) {
            Some(mut tear) => {
                block.tear_program(page, data, spare, self.geometry.spare, tear.octet, &mut tear.noise);
            }
            None if cut == Some(Cut::Before) => {}
            None => block.program(page, data, spare, self.geometry.spare),
        }
        cut.map_or(Ok(()), |_| Err(Error::PowerLost))
    }

    fn erase_block(&mut self, block: u32) -> Result<(), Error> {
        let operation = Operation::Erase(block);
        self.admit(operation)?;
        let number = block as usize;
        // erasing a block once more that has failed is no mistake after a power cut: it fails again
        let (cut, fails) = self.begin(operation);
        if cut == Some(Cut::Before) {
            return Err(Error::PowerLost);
        }
        self.wear[number] = self.wear[number].saturating_add(1);
        let worn_out = self.wear[number] > self.endurance;
        let cells = Arc::make_mut(&mut self.blocks[number]);
        if let Some(mut tear) = cut.and_then(|cut| Tear::new(cut, self.geometry.page)) {
            cells.tear_erase(self.geometry.page, &mut tear.noise);
            return Err(Error::PowerLost);
        }
        if fails || worn_out || cells.gone_bad {
            cells.gone_bad = true;
            cells.tear_erase(self.geometry.page, &mut self.noise);
            return Err(if cut.is_some() { Error::PowerLost } else { Error::EraseFailed(block) });
        }
        self.blocks[number] = self.blank.clone();
        cut.map_or(Ok(()), |_| Err(Error::PowerLost))
    }

    fn is_bad(&mut self, block: u32) -> Result<bool, Error> {
        self.admit(Operation::LookAtMark(block))?;
        Ok(match self.marks[block as usize] {
            Mark::Good => false,
            Mark::Bad => true,
            Mark::Torn => self.noise.below(2) == 0,
        })
    }

    fn mark_bad(&mut self, block: u32) -> Result<(), Error> {
        let operation = Operation::Mark(block);
        self.admit(operation)?;
        let (cut, _) = self.begin(operation);
        let mark = &mut self.marks[block as usize];
        *mark = match cut {
            Some(Cut::After) | None => Mark::Bad,
            Some(Cut::Torn { .. } | Cut::TornAt { .. }) if *mark == Mark::Good => Mark::Torn,
            Some(_) => *mark,
        };
        cut.map_or(Ok(()), |_| Err(Error::PowerLost))
    }
}
