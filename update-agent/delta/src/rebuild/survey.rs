//! The first way through a plan: what it says must make sense, and what it needs is told, before anything is done.
use super::{Error, Fault, Input, Needs, Outline, PIECE, SAVED_MOST, SEARCHED_MOST, Stream, fits};
use crate::map::Map;
use crate::numbers::Numbers;
use crate::plan::{Cursor, Segment, Step};
use crate::walk::Done;

/// The first way through a plan.
pub(super) struct Survey<'m> {
    pub(super) outline: Outline,
    pub(super) cursor: Cursor,
    pub(super) needs: Needs,
    pub(super) map: Map<'m>,
    pub(super) done: Done<'m>,
    pub(super) least: u32,
    /// Pieces that are saved at this step.
    pub(super) listed: u32,
    /// Octets of all saves so far, and how often a saved piece may be looked at.
    pub(super) saved: u64,
    pub(super) searched: u64,
}

impl Survey<'_> {
    /// So much for each octet of both images.
    fn most(&self, each: u64) -> u64 {
        let Outline { old_size, new_size, .. } = self.outline;
        u64::from(old_size).saturating_add(u64::from(new_size)).saturating_mul(each)
    }

    pub(super) fn run<I: Input>(
        &mut self,
        numbers: &mut Numbers<'_>,
        plan: &mut Stream,
        input: &mut I,
    ) -> Result<(), Error<I::Error>> {
        let outline = self.outline;
        let mut left = outline.blocks();
        let mut next = 0u32;
        let mut saving = false;
        while left > 0 {
            let step = self.cursor.step(numbers, &mut plan.reader(input), outline.block, Step::Save(0));
            let step = step.map_err(Error::Input)?;
            let (Step::Make(block) | Step::Keep(block)) = step else {
                if !outline.in_place || saving {
                    return Err(Fault::Order.into());
                }
                saving = true;
                self.save(step, numbers, plan, input)?;
                continue;
            };
            saving = false;
            let fresh = if outline.in_place {
                block < outline.blocks() && self.done.set(block)
            } else {
                block == next
            };
            if !fresh {
                return Err(Fault::Order.into());
            }
            next = next.wrapping_add(1);
            left = left.saturating_sub(1);
            match step {
                Step::Make(_) => self.make(block, numbers, plan, input)?,
                _ => self.kept(block)?,
            }
        }
        Ok(())
    }

    fn make<I: Input>(
        &mut self,
        block: u32,
        numbers: &mut Numbers<'_>,
        plan: &mut Stream,
        input: &mut I,
    ) -> Result<(), Error<I::Error>> {
        let (start, len) = self.outline.extent(block);
        let (mut at, mut left) = (start, len);
        self.needs.made = self.needs.made.saturating_add(1);
        while left > 0 {
            let mut reader = plan.reader(input);
            let segment = self.cursor.segment(
                numbers,
                &mut reader,
                self.outline.block,
                left,
                self.least,
                Segment::default(),
            );
            let segment = segment.map_err(Error::Input)?;
            left = fits(&self.outline, &segment, left)?;
            let searches = u64::from(segment.copy >> 5).saturating_add(1);
            self.searched = self.searched.saturating_add(searches.saturating_mul(u64::from(self.listed)));
            if self.searched > self.most(SEARCHED_MOST) {
                return Err(Fault::Work.into());
            }
            at = at.wrapping_add(segment.literal);
            if segment.mapped && !self.map.add(segment.source, segment.copy, at) {
                return Err(Fault::Map.into());
            }
            at = at.wrapping_add(segment.copy);
        }
        Ok(())
    }

    fn kept(&mut self, block: u32) -> Result<(), Fault> {
        let (start, len) = self.outline.extent(block);
        if start.saturating_add(len) > self.outline.old_size {
            return Err(Fault::Segment);
        }
        if len >= self.least.max(1) && !self.map.add(start, len, start) {
            return Err(Fault::Map);
        }
        Ok(())
    }

    fn save<I: Input>(
        &mut self,
        step: Step,
        numbers: &mut Numbers<'_>,
        plan: &mut Stream,
        input: &mut I,
    ) -> Result<(), Error<I::Error>> {
        let Step::Save(pieces) = step else { return Ok(()) };
        let (mut end, mut octets, mut listed) = (0u32, 0u32, 0u32);
        // every piece takes some octets, so there are not endlessly many
        for _ in 0..pieces {
            let (at, len) =
                Cursor::piece(numbers, &mut plan.reader(input), end, (0, 0)).map_err(Error::Input)?;
            end = at.checked_add(len).filter(|end| *end <= self.outline.old_size).ok_or(Fault::Save)?;
            octets = octets.checked_add(len).filter(|_| len > 0).ok_or(Fault::Save)?;
            if octets > self.outline.old_size {
                return Err(Fault::Save.into());
            }
            listed = listed.saturating_add(len).saturating_add(PIECE);
            self.saved = self.saved.saturating_add(u64::from(len)).saturating_add(u64::from(PIECE));
            if self.saved > self.most(SAVED_MOST) {
                return Err(Fault::Work.into());
            }
        }
        self.listed = pieces;
        let needs = &mut self.needs;
        needs.saves = needs.saves.saturating_add(1);
        needs.pieces = needs.pieces.max(pieces);
        needs.octets = needs.octets.max(listed);
        Ok(())
    }
}
