//! Blocks that are appended to, replaced, packed and refreshed.
//!
//! Each move is the same: erase a block that stands for nothing, copy, store the table; only then is the old block free or
//! marked bad. Until the table is stored, the old block counts and is whole.

use kedge_platform::nand::{NandFlash, PageAddress};

use super::media::Found;
use super::table::Table;
use super::tag::{Run, Tag};
use super::{Error, Open, Volume};

/// How the octets of a block are copied to another.
#[derive(Clone, Copy, Debug)]
pub(super) enum How<'a> {
    /// Each page as it is.
    PageByPage,
    /// Runs that follow each other in common pages, and with them octets that are new: when all pages are in use, there is
    /// no other place for them. Needs `gather`, so nothing may be pending.
    Packed {
        /// Where in the block the new octets go; nothing was written there.
        start: u32,
        /// The new octets, within the block.
        octets: &'a [u8],
    },
}

impl<N: NandFlash, const ERASE: usize, const RESERVE: usize> Volume<'_, N, ERASE, RESERVE> {
    /// The block as one that can be appended to; one that was not erased since the volume was mounted is moved first.
    pub(super) fn open(&mut self, logical: u16) -> Result<Open, Error<N::Error>> {
        if let Some(open) = self.opened(logical) {
            return Ok(open);
        }
        let from = self.as_found(logical)?;
        self.relocate(from, How::PageByPage)
    }

    pub(super) fn opened(&self, logical: u16) -> Option<Open> {
        self.open.iter().flatten().find(|open| open.logical == logical).copied()
    }

    /// What is to be moved of a block about which nothing is known.
    pub(super) fn as_found(&mut self, logical: u16) -> Result<Open, Error<N::Error>> {
        let block = self.table.block_of(logical);
        let next = self.media.programmed(block, logical)?;
        Ok(Open { logical, block, next, high: 0 })
    }

    /// Forgets that a block can be appended to: until an operation on it has succeeded, that is not certain.
    pub(super) fn close(&mut self, logical: u16) {
        for place in &mut self.open {
            if place.is_some_and(|open| open.logical == logical) {
                *place = None;
            }
        }
    }

    pub(super) fn reopen_as(&mut self, open: Open) {
        self.close(open.logical);
        if let Some(free) = self.open.iter_mut().find(|place| place.is_none()) {
            *free = Some(open);
            return;
        }
        if let Some(place) = self.open.get_mut(self.eldest) {
            *place = Some(open);
        }
        self.eldest = self.eldest.saturating_add(1).checked_rem(self.open.len()).unwrap_or_default();
    }

    /// Erases a logical block; if its block has gone bad, it gets another.
    pub(super) fn erase_block(&mut self, logical: u16) -> Result<(), Error<N::Error>> {
        let old = self.table.block_of(logical);
        self.close(logical);
        let mut block = old;
        if !self.media.erase(old)? {
            block = self.fresh(logical)?;
            self.assign(logical, block, Some(old))?;
        }
        self.reopen_as(Open { logical, block, next: 0, high: 0 });
        Ok(())
    }

    /// Moves a block that has gone bad in a program.
    pub(super) fn replace(&mut self, from: Open) -> Result<Open, Error<N::Error>> {
        self.relocate_and(from, How::PageByPage, Some(from.block))
    }

    /// Moves the first `from.next` pages of a block to a fresh one, which can be appended to then.
    pub(super) fn relocate(&mut self, from: Open, how: How<'_>) -> Result<Open, Error<N::Error>> {
        self.relocate_and(from, how, None)
    }

    fn relocate_and(&mut self, from: Open, how: How<'_>, bad: Option<u32>) -> Result<Open, Error<N::Error>> {
        loop {
            let target = self.fresh(from.logical)?;
            let copied = match how {
                How::PageByPage => self.copy_pages(from, target)?,
                How::Packed { start, octets } => self.pack(from, target, start, octets)?,
            };
            if let Some(open) = copied {
                self.assign(from.logical, target, bad)?;
                self.reopen_as(open);
                return Ok(open);
            }
            self.give_up(target)?;
        }
    }

    /// Copies page by page; none if the target has gone bad. The last page may be one that the power failed on: then it
    /// need not be readable.
    fn copy_pages(&mut self, from: Open, target: u32) -> Result<Option<Open>, Error<N::Error>> {
        let mut open = Open { block: target, next: 0, high: 0, ..from };
        for page in 0..from.next {
            let at = PageAddress { block: from.block, page };
            let last = page.saturating_add(1) == from.next;
            match self.media.load(at, from.logical)? {
                Tag::Run(run, _) => {
                    let to = PageAddress { block: target, page: open.next };
                    if !self.media.program_loaded(to, from.logical, run)? {
                        return Ok(None);
                    }
                    open.high = open.high.max(run.end());
                    open.next = open.next.saturating_add(1);
                }
                Tag::Blank | Tag::Unreadable if last => {}
                Tag::Blank | Tag::Unreadable => return Err(Error::Uncorrectable(at)),
            }
        }
        Ok(Some(open))
    }

    /// Copies run by run into full pages, `octets` at `start` among them; none if the target has gone bad.
    fn pack(
        &mut self,
        from: Open,
        target: u32,
        start: u32,
        octets: &[u8],
    ) -> Result<Option<Open>, Error<N::Error>> {
        let new = Run { start, len: u32::try_from(octets.len()).unwrap_or(u32::MAX) };
        let mut open = Open { block: target, next: 0, high: from.high.max(new.end()), ..from };
        let mut run = Run { start: 0, len: 0 };
        while run.end() < Self::BLOCK {
            let at = run.end();
            let source = if new.covers(at) {
                Found::Run(new)
            } else {
                self.media.find(from.searched(Self::BLOCK), at)?
            };
            let next = match source {
                Found::Run(found) => {
                    let page = if found == new { octets } else { self.media.page() };
                    let skip = usize::try_from(at.saturating_sub(found.start)).unwrap_or(usize::MAX);
                    let len = usize::try_from(found.end().saturating_sub(at)).unwrap_or_default();
                    let free = self.gather.iter_mut().skip(usize::try_from(run.len).unwrap_or(usize::MAX));
                    let copied = free.zip(page.iter().skip(skip).take(len)).map(|(to, from)| *to = *from);
                    run.len = run.len.saturating_add(u32::try_from(copied.count()).unwrap_or(u32::MAX));
                    if usize::try_from(run.len).is_ok_and(|len| len < self.gather.len()) {
                        continue;
                    }
                    run.end()
                }
                Found::Blank { until } if at < new.start => until.min(new.start),
                Found::Blank { until } => until,
            };
            if !self.append_packed(&mut open, run)? {
                return Ok(None);
            }
            run = Run { start: next, len: 0 };
        }
        Ok(self.append_packed(&mut open, run)?.then_some(open))
    }

    /// Programs the run in `gather` as the next page of a block that is being packed; false if that has gone bad.
    fn append_packed(&mut self, open: &mut Open, run: Run) -> Result<bool, Error<N::Error>> {
        if run.len == 0 {
            return Ok(true);
        }
        if open.next >= self.media.geometry.pages_per_block {
            return Err(Error::Scattered { at: Self::offset(open.logical, 0) });
        }
        self.pad(run.len);
        let at = PageAddress { block: open.block, page: open.next };
        open.next = open.next.saturating_add(1);
        self.media.program(at, open.logical, run, self.gather)
    }

    /// An erased block that may stand for `logical`: its home if it is good and not in use, else the next free one of the
    /// reserve, else one of the reserve whose guest can go home.
    fn fresh(&mut self, logical: u16) -> Result<u32, Error<N::Error>> {
        if let Some(home) = self.free_home(logical)? {
            return Ok(home);
        }
        loop {
            if let Some(block) = self.free_reserve()? {
                return Ok(block);
            }
            if !self.send_one_home()? {
                return Err(Error::NoSpare);
            }
        }
    }

    /// The home of a block that is elsewhere, erased; none if it is bad.
    fn free_home(&mut self, logical: u16) -> Result<Option<u32>, Error<N::Error>> {
        let home = Table::<RESERVE>::home(logical);
        if self.table.block_of(logical) == home || self.media.is_bad(home)? {
            return Ok(None);
        }
        if self.media.erase(home)? {
            return Ok(Some(home));
        }
        self.give_up(home)?;
        Ok(None)
    }

    /// Moves a block from the reserve to its home; false if there is none whose home is good.
    fn send_one_home(&mut self) -> Result<bool, Error<N::Error>> {
        for slot in 0..RESERVE {
            let Some(logical) = self.table.guest(slot) else { continue };
            let Some(home) = self.free_home(logical)? else { continue };
            let from = match self.opened(logical) {
                Some(open) => open,
                None => self.as_found(logical)?,
            };
            match self.copy_pages(from, home) {
                Ok(Some(open)) => {
                    self.assign(logical, home, None)?;
                    self.reopen_as(open);
                    return Ok(true);
                }
                Ok(None) => self.give_up(home)?,
                // half erased, or rotten: not to be moved, and no reason to stop others
                Err(Error::Uncorrectable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// The next free block of the reserve, erased.
    fn free_reserve(&mut self) -> Result<Option<u32>, Error<N::Error>> {
        for _ in 0..RESERVE {
            let slot = self.rotor;
            self.rotor = slot.saturating_add(1).checked_rem(RESERVE).unwrap_or_default();
            if !self.table.is_free(slot) {
                continue;
            }
            let block = self.table.block_at(slot);
            if self.media.is_bad(block)? {
                self.table.retire(block);
            } else if self.media.erase(block)? {
                return Ok(Some(block));
            } else {
                self.give_up(block)?;
            }
        }
        Ok(None)
    }

    /// Never uses a block again, which stands for nothing any more. The table is stored with the next change of it; until
    /// then the mark says it.
    fn give_up(&mut self, block: u32) -> Result<(), Error<N::Error>> {
        self.table.retire(block);
        self.media.mark_bad(block)
    }

    /// Lets `block` stand for `logical`; what did before is free, or `bad`.
    fn assign(&mut self, logical: u16, block: u32, bad: Option<u32>) -> Result<(), Error<N::Error>> {
        self.table.assign(logical, block);
        if let Some(bad) = bad {
            self.table.retire(bad);
        }
        self.media.forget_worn(logical);
        self.store_table()?;
        bad.map_or(Ok(()), |bad| self.media.mark_bad(bad))
    }

    pub(super) fn store_table(&mut self) -> Result<(), Error<N::Error>> {
        self.in_doubt = true;
        self.ring.store(&mut self.media, &self.table)?;
        self.in_doubt = false;
        Ok(())
    }
}
