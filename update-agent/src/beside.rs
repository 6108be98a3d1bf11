//! Making blocks in place: beside the image first, several of them, then over the old ones.
//!
//! The old octets of a block are gone once the new ones stand there, so what follows could not be made again from the start.
//! The decoder's state is therefore kept on the flash, behind the package, in two places in turn, before anything is
//! overwritten. That costs more erases than the block itself. So as many blocks as there is room for are made in a row, the
//! state is kept once, and all of them are put into their places:
//! ```text
//!                  image            beside    saved        state 1  state 2   journal
//!  save            old old old old  ..  ..    old pieces   ..       ..        applying, 0 done
//!  make block 2    old old old old  new ..    old pieces   ..       ..        applying, 0 done
//!  make block 3    old old old old  new new   old pieces   ..       ..        applying, 0 done
//!  keep the state  old old old old  new new   old pieces   after 3  ..        applying, 0 done, 2 ready, state 1
//!  place both      old new new old  new new   old pieces   after 3  ..        applying, 2 done, state 1
//!  save            old new new old  new new   old pieces   after 3  ..        applying, 2 done, state 1
//! ```
//! The first place is the scratch block. The others are what the package region has left behind package and states; a
//! region that has nothing left makes one block at a time. A batch also ends before something is saved, as what was saved
//! before is overwritten then, and at the last block. A block of a batch counts as overwritten while the next are made, as
//! the plan says.
//!
//! What is read of these places was vouched for by the record written after it; until then it is made again. The saved
//! pieces stand behind a list of where they come from: their number, then offset and length of each (32 bits each,
//! little-endian), filled up to [`MAX_UNIT`] octets, then their octets.
use kedge_delta::plan::Step;
use kedge_delta::rebuild::{self, Fault};
use kedge_platform::flash::{NorFlash, Region};

use crate::banklog::MAX_UNIT;
use crate::coded::{
    Appender, BlockError, COUNT, Coded, ENTRY, Ground, Made, Outcome, copy, failure, list_len,
};
use crate::flash_io::{erase, read};
use crate::record::READY_MAX;
use crate::{Error, Failure};

/// Most blocks that are made in a row. More would hardly save erases: the state's count for each block is divided by this.
pub(crate) const BATCH_MAX: u8 = 16;
const _: () = assert!(BATCH_MAX <= READY_MAX, "the record counts them");

/// Blocks that stand complete beside the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    /// The blocks, in the order of their places.
    blocks: [u32; BATCH_MAX as usize],
    len: u8,
    /// Blocks of the plan that were passed before the first of them.
    first: u32,
}

impl Batch {
    pub(crate) const EMPTY: Self = Self { blocks: [0; BATCH_MAX as usize], len: 0, first: 0 };

    /// Notes a block that `passed` others of the plan stand before; false if there is no room.
    fn push(&mut self, block: u32, passed: u32) -> bool {
        let Some(place) = self.blocks.get_mut(usize::from(self.len)) else { return false };
        if self.len == 0 {
            self.first = passed;
        }
        *place = block;
        self.len = self.len.saturating_add(1);
        true
    }
}

/// Where the blocks of a batch are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    /// What the package region has left.
    pub(crate) rest: Region,
    /// Octets of a place in it: a block, whole sectors.
    pub(crate) each: u32,
}

impl Beside {
    /// How many blocks there is room for.
    pub(crate) fn places(&self) -> u8 {
        let more = self.rest.len.checked_div(self.each).unwrap_or(0);
        u8::try_from(more.saturating_add(1)).unwrap_or(BATCH_MAX).min(BATCH_MAX)
    }

    /// The region and the offset of place `n`, counted from 0.
    fn place(&self, spare: Region, n: u8) -> (Region, u32) {
        let Some(more) = n.checked_sub(1) else { return (spare, spare.start) };
        (self.rest, self.rest.start.saturating_add(u32::from(more).saturating_mul(self.each)))
    }
}

/// What the journal has to say of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Blocks that are in place.
    pub(crate) done: u32,
    /// Blocks that stand ready.
    pub(crate) ready: u8,
    /// Which place holds the state, from 1; 0: none.
    pub(crate) kept: u8,
}

impl Coded<'_> {
    /// Goes on in place where the journal stands. What stands ready then waits to be placed.
    #[inline(never)]
    pub(crate) fn go_on<F: NorFlash>(
        &mut self,
        flash: &mut F,
        standing: Standing,
    ) -> Result<(), rebuild::Error<F::Error>> {
        let Standing { done, ready, kept } = standing;
        let mut input = self.ground.input(flash);
        let mut batch = Batch { first: done, ..Batch::EMPTY };
        let mut fits = ready <= self.ground.beside.places();
        let each = |block| fits &= batch.push(block, done);
        self.rebuild.skip(&mut input, done, u32::from(ready), each)?;
        // the first record of a batch names a place of the state
        if !fits || (kept == 0 && (done > 0 || ready > 0)) {
            return Err(Fault::Order.into());
        }
        self.kept = kept;
        self.batch = batch;
        if kept == 0 {
            self.rebuild.restart();
            return Ok(());
        }
        let mut at = state_at(&self.ground, kept);
        let state = self.rebuild.go_on(&mut input, |input, words| {
            let octets = bytemuck::try_cast_slice_mut(words).unwrap_or_default();
            let place = at;
            at = at.saturating_add(u32::try_from(octets.len()).unwrap_or(u32::MAX));
            read(input.flash, place, octets)?;
            for word in words {
                *word = u32::from_le(*word);
            }
            Ok(())
        });
        state?;
        // blocks that stay as they are may follow a batch
        let blocks = done.saturating_add(u32::from(ready));
        let passed = self.rebuild.passed();
        if passed < blocks || (ready == 0 && passed > blocks) { Err(Fault::Order.into()) } else { Ok(()) }
    }

    /// What the journal has to say: with blocks that stand ready before a batch is placed, without after it.
    pub(crate) fn standing(&self) -> Standing {
        let Batch { len, first, .. } = self.batch;
        let done = if len > 0 { first } else { self.rebuild.passed() };
        Standing { done, ready: len, kept: self.kept }
    }

    /// Makes the next block beside the image, or ends the batch.
    pub(crate) fn make_beside<F: NorFlash>(&mut self, flash: &mut F, spare: Region) -> Made<Outcome, F> {
        // a save may have been met when the batch before ended
        match self.rebuild.owed() {
            0 => {}
            pieces => self.save(flash, pieces)?,
        }
        let total = self.rebuild.outline().blocks();
        loop {
            let before = self.rebuild.passed();
            let step = self.rebuild.step(&mut self.ground.input(flash)).map_err(failure)?;
            let held = self.batch.len;
            match step {
                Step::Save(_) if held > 0 => return self.end_batch(flash),
                Step::Save(pieces) => self.save(flash, pieces)?,
                Step::Keep(_) if held > 0 && self.rebuild.passed() >= total => return self.end_batch(flash),
                Step::Keep(_) => return Ok(Outcome::Placed),
                Step::Make(block) => {
                    let (_, len) = self.extent(block);
                    let (region, target) = self.ground.beside.place(spare, held);
                    self.write(flash, region, target, len)?;
                    self.rebuild.placed(block);
                    self.batch.push(block, before);
                    let full = self.batch.len >= self.ground.beside.places();
                    if full || self.rebuild.passed() >= total {
                        return self.end_batch(flash);
                    }
                    return Ok(Outcome::Placed);
                }
            }
        }
    }

    /// Keeps the state, in the place where the last one is not.
    #[inline(never)]
    fn end_batch<F: NorFlash>(&mut self, flash: &mut F) -> Made<Outcome, F> {
        let kept = if self.kept == 1 { 2 } else { 1 };
        let (at, len) = (state_at(&self.ground, kept), self.ground.state.1);
        flash.erase(at, at.saturating_add(len)).map_err(Error::Flash)?;
        let mut to = Appender::new(at);
        self.rebuild
            .keep(|words| words.iter().try_for_each(|word| to.put(flash, &word.to_le_bytes())))
            .map_err(Error::Flash)?;
        to.finish(flash)?;
        self.kept = kept;
        Ok(Outcome::Ready)
    }

    /// Puts block `n` of the batch into its place; true if it was the last, then the batch is over.
    pub(crate) fn place<F: NorFlash>(&mut self, flash: &mut F, n: u8) -> Made<bool, F> {
        let block = self.batch.blocks.get(usize::from(n)).filter(|_| n < self.batch.len);
        let (Some(spare), Some(block)) = (self.ground.spare, block) else {
            return Err(BlockError::Failure(Failure::BadBlock));
        };
        let (start, len) = self.extent(*block);
        let (_, from) = self.ground.beside.place(spare, n);
        copy(flash, from, self.ground.new, self.at(start), len)?;
        let last = n.saturating_add(1) >= self.batch.len;
        if last {
            self.batch = Batch::EMPTY;
        }
        Ok(last)
    }

    /// Saves pieces of the old image.
    #[inline(never)]
    fn save<F: NorFlash>(&mut self, flash: &mut F, pieces: u32) -> Made<(), F> {
        let Some(saves) = self.ground.saves().filter(|saves| saves.len >= list_len(pieces)) else {
            return Err(BlockError::Failure(Failure::BadBlock));
        };
        erase(flash, saves, saves.start, saves.len).map_err(Error::Flash)?;
        let mut to = Appender::new(saves.start);
        to.put(flash, &pieces.to_le_bytes()).map_err(Error::Flash)?;
        while let Some((at, len)) = self.rebuild.piece(&mut self.ground.input(flash)).map_err(failure)? {
            to.put(flash, &at.to_le_bytes()).map_err(Error::Flash)?;
            to.put(flash, &len.to_le_bytes()).map_err(Error::Flash)?;
        }
        // filled up: on NAND a gap would take a page of its own
        for _ in pieces.saturating_mul(ENTRY).saturating_add(COUNT)..list_len(pieces) {
            to.put(flash, &[0xFF]).map_err(Error::Flash)?;
        }
        to.finish(flash)?;
        let mut to = Appender::new(saves.start.saturating_add(list_len(pieces)));
        // what is read back was written here, but storage may change
        let mut room = saves.len.saturating_sub(list_len(pieces));
        for piece in 0..pieces {
            let mut entry = [0; 8];
            let entry_at = saves.start.saturating_add(COUNT).saturating_add(piece.saturating_mul(ENTRY));
            read(flash, entry_at, &mut entry).map_err(Error::Flash)?;
            let [s0, s1, s2, s3, l0, l1, l2, l3] = entry;
            let start = u32::from_le_bytes([s0, s1, s2, s3]);
            let mut left = u32::from_le_bytes([l0, l1, l2, l3]);
            let inside = start.checked_add(left).is_some_and(|end| end <= self.ground.old.len);
            room = room.checked_sub(left).filter(|_| inside).ok_or(BlockError::Failure(Failure::BadBlock))?;
            let mut from = self.ground.old.start.saturating_add(start);
            let mut buffer = [0; MAX_UNIT];
            while left > 0 {
                let n = usize::try_from(left).unwrap_or(MAX_UNIT).min(MAX_UNIT);
                let octets = buffer.get_mut(..n).unwrap_or_default();
                read(flash, from, octets).map_err(Error::Flash)?;
                to.put(flash, octets).map_err(Error::Flash)?;
                let n = u32::try_from(n).unwrap_or(left);
                from = from.saturating_add(n);
                left = left.saturating_sub(n);
            }
        }
        to.finish(flash)
    }
}

/// Where place `kept` for the state is, counted from 1.
fn state_at(ground: &Ground, kept: u8) -> u32 {
    let (start, len) = ground.state;
    if kept == 1 { start } else { start.saturating_add(len) }
}
