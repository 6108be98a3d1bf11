//! A plan as text, for whoever wants to know what a delta does, or where it is broken.
use core::fmt::{self, Write};

use super::{Error, Fault, Input, Outline, Stream, fits, parts};
use crate::map::Region;
use crate::numbers::Numbers;
use crate::plan::{self, Cursor, HEAD_COUNTERS, Head, Segment, Step};

/// What a plan amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Octets of the plan, coded.
    pub plan: u32,
    /// Octets of the content, coded.
    pub content: u32,
    /// Regions.
    pub regions: u32,
    /// Blocks that are made from segments.
    pub made: u32,
    /// Blocks that stay as they are.
    pub kept: u32,
    /// Segments of all blocks.
    pub segments: u32,
    /// Octets of literals: those that are sent one by one.
    pub literals: u32,
    /// Octets of copies.
    pub copied: u32,
    /// Copies that enter the map.
    pub mapped: u32,
    /// How often something is saved.
    pub saves: u32,
    /// Pieces of all saves.
    pub pieces: u32,
    /// Octets of all saves.
    pub saved: u32,
}

/// Counters that the steps of the largest tables have.
const STEP_COUNTERS: usize = 768;

/// More regions than any device has room for.
const REGIONS_MOST: u32 = 4096;

/// Why showing stops.
enum Stop<E> {
    Output,
    Delta(Error<E>),
}

impl<E> From<fmt::Error> for Stop<E> {
    fn from(_: fmt::Error) -> Self {
        Self::Output
    }
}

impl<E> From<Error<E>> for Stop<E> {
    fn from(error: Error<E>) -> Self {
        Self::Delta(error)
    }
}

impl<E> From<Fault> for Stop<E> {
    fn from(fault: Fault) -> Self {
        Self::Delta(fault.into())
    }
}

/// Writes all of a delta's plan, a line for each region, step and segment; only the payload is read. A broken plan is shown
/// up to where it is broken: the inner error says why. The outer one is the output's. That a block comes twice, that the map
/// is too small and that too much is saved is for [`Rebuild::open`](super::Rebuild::open) to find.
pub fn dump<I: Input>(
    outline: &Outline,
    input: &mut I,
    out: &mut impl Write,
) -> Result<Result<Summary, Error<I::Error>>, fmt::Error> {
    match show(outline, input, out) {
        Ok(summary) => Ok(Ok(summary)),
        Err(Stop::Delta(error)) => Ok(Err(error)),
        Err(Stop::Output) => Err(fmt::Error),
    }
}

fn show<I: Input>(outline: &Outline, input: &mut I, out: &mut impl Write) -> Result<Summary, Stop<I::Error>> {
    let (plan_at, content_at) = parts(outline, input)?;
    let mut summary = Summary {
        plan: content_at.saturating_sub(plan_at),
        content: outline.payload.saturating_sub(content_at),
        ..Summary::default()
    };
    writeln!(out, "plan: {} octets, content: {} octets", summary.plan, summary.content)?;
    let mut plan = Stream::start(input, plan_at, content_at).map_err(Error::Input)?;
    let head = show_head(&mut plan, outline, input, out)?;
    summary.regions = head.regions;
    let mut cells = [0; STEP_COUNTERS];
    let cells = cells.get_mut(..head.sizes.plan()).unwrap_or_default();
    let mut numbers = Numbers::new(cells);
    numbers.reset();
    let (mut shower, mut left) = (Shower { outline, head, cursor: Cursor::START, summary }, outline.blocks());
    let mut saving = false;
    while left > 0 {
        let mut reader = plan.reader(input);
        let step = shower.cursor.step(&mut numbers, &mut reader, outline.block, Step::Save(0));
        let step = step.map_err(Error::Input)?;
        match step {
            Step::Save(_) if saving || !outline.in_place => return Err(Fault::Order.into()),
            Step::Save(pieces) => shower.save(pieces, &mut numbers, &mut plan, input, out)?,
            Step::Make(block) | Step::Keep(block) if block >= outline.blocks() => {
                return Err(Fault::Order.into());
            }
            Step::Make(block) => shower.make(block, &mut numbers, &mut plan, input, out)?,
            Step::Keep(block) => {
                let (start, len) = outline.extent(block);
                writeln!(out, "  keep block {block}: image {start:#x} +{len}")?;
                shower.summary.kept = shower.summary.kept.saturating_add(1);
            }
        }
        saving = matches!(step, Step::Save(_));
        left = left.saturating_sub(u32::from(!saving));
    }
    Ok(shower.summary)
}

/// Shows the head and the regions.
fn show_head<I: Input>(
    plan: &mut Stream,
    outline: &Outline,
    input: &mut I,
    out: &mut impl Write,
) -> Result<Head, Stop<I::Error>> {
    let mut cells = [0; HEAD_COUNTERS];
    let mut numbers = Numbers::new(&mut cells);
    numbers.reset();
    let head = plan::head(&mut numbers, &mut plan.reader(input), super::BLANK_HEAD).map_err(Error::Input)?;
    let Head { sizes, least, ram, regions } = head;
    writeln!(
        out,
        "  tables: flags {}, octets {}, numbers {}, learned {}, map {}: {} octets",
        sizes.flags,
        sizes.octets,
        sizes.numbers,
        sizes.learned,
        sizes.pieces,
        outline.words(sizes).saturating_mul(4)
    )?;
    writeln!(out, "  copies of {least} octets and more may enter the map; RAM {:#x} +{:#x}", ram.0, ram.1)?;
    if regions == 0 || regions > REGIONS_MOST {
        return Err(Fault::Regions.into());
    }
    let mut before: Option<Region> = None;
    for _ in 0..regions {
        let region = plan::region(&mut numbers, &mut plan.reader(input), before.as_ref(), Region::BLANK);
        let region = region.map_err(Error::Input)?;
        writeln!(
            out,
            "  region: old {:#x} at {:#x}, new {:#x} at {:#x}, upper half {:#x}: {:?}",
            region.old_start,
            region.old_address,
            region.new_start,
            region.new_address,
            region.high,
            region.arch
        )?;
        let ascends =
            before.is_none_or(|b| b.old_start <= region.old_start && b.new_start <= region.new_start);
        let inside = region.old_start <= outline.old_size && region.new_start <= outline.new_size;
        if !ascends || !inside {
            return Err(Fault::Regions.into());
        }
        before = Some(region);
    }
    Ok(head)
}

/// A plan that is being shown.
struct Shower<'o> {
    outline: &'o Outline,
    head: Head,
    cursor: Cursor,
    summary: Summary,
}

impl Shower<'_> {
    fn make<I: Input>(
        &mut self,
        block: u32,
        numbers: &mut Numbers<'_>,
        plan: &mut Stream,
        input: &mut I,
        out: &mut impl Write,
    ) -> Result<(), Stop<I::Error>> {
        let (start, len) = self.outline.extent(block);
        writeln!(out, "  make block {block}: image {start:#x} +{len}")?;
        self.summary.made = self.summary.made.saturating_add(1);
        let (mut at, mut left) = (start, len);
        while left > 0 {
            let (size, least) = (self.outline.block, self.head.least);
            let mut reader = plan.reader(input);
            let segment = self.cursor.segment(numbers, &mut reader, size, left, least, Segment::default());
            let segment = segment.map_err(Error::Input)?;
            let Segment { literal, copy, source, mapped, early } = segment;
            if literal > 0 {
                writeln!(out, "    {at:#x} literal {literal}")?;
            }
            at = at.wrapping_add(literal);
            if copy > 0 {
                let mark = if mapped { "" } else { ", not mapped" };
                write!(out, "    {at:#x} copy {copy} from {source:#x}{mark}")?;
                if early > 0 {
                    write!(out, ", with {early} before")?;
                }
                writeln!(out)?;
            }
            at = at.wrapping_add(copy);
            left = fits(self.outline, &segment, left)?;
            let summary = &mut self.summary;
            summary.segments = summary.segments.saturating_add(1);
            summary.literals = summary.literals.saturating_add(literal);
            summary.copied = summary.copied.saturating_add(copy);
            summary.mapped = summary.mapped.saturating_add(u32::from(mapped));
        }
        Ok(())
    }

    fn save<I: Input>(
        &mut self,
        pieces: u32,
        numbers: &mut Numbers<'_>,
        plan: &mut Stream,
        input: &mut I,
        out: &mut impl Write,
    ) -> Result<(), Stop<I::Error>> {
        writeln!(out, "  save {pieces} pieces")?;
        let (mut end, mut saved) = (0u32, 0u32);
        for _ in 0..pieces {
            let piece = Cursor::piece(numbers, &mut plan.reader(input), end, (0, 0));
            let (at, len) = piece.map_err(Error::Input)?;
            writeln!(out, "    {at:#x} +{len}")?;
            end = at.checked_add(len).filter(|end| *end <= self.outline.old_size).ok_or(Fault::Save)?;
            // every piece takes some octets, so there are not endlessly many
            saved = saved.saturating_add(len);
            if len == 0 || saved > self.outline.old_size {
                return Err(Fault::Save.into());
            }
        }
        let summary = &mut self.summary;
        summary.saves = summary.saves.saturating_add(1);
        summary.pieces = summary.pieces.saturating_add(pieces);
        summary.saved = summary.saved.saturating_add(saved);
        Ok(())
    }
}
