//! Making blocks from a coded delta ([`kedge_delta`]), so that a power cut costs at most a few blocks' work.
//!
//! In a slot the old image stays, so after a cut the delta is gone through again from its start, without writing, up to
//! where the journal stands. In place the old octets are gone; how that is done is told in [`beside`](crate::beside).
use kedge_delta::map::Region as Understood;
use kedge_delta::model::Sizes;
use kedge_delta::plan::{Segment, Step};
use kedge_delta::rebuild::{self, Fault, Input, Outline, Rebuild};
use kedge_package::limits::ENVELOPE_MAX;
use kedge_package::{BLOCK_CHECK, Layout, Payload};
use kedge_platform::flash::{NorFlash, ReadNorFlash, Region};

use crate::banklog::MAX_UNIT;
use crate::beside::{Batch, Beside};
use crate::flash_io::{CHUNK, check, erase, read, write_padded};
use crate::streaming::Arrived;
use crate::{Error, Failure, Refusal};

/// The memory that an [`Applier`](crate::Applier) works with, lent for its life. The envelope of a package is read into it
/// too, so `words` must hold [`ENVELOPE_MAX`](kedge_package::limits::ENVELOPE_MAX) octets, and as much as a coded delta
/// says it needs.
#[derive(Debug)]
pub struct Memory<'m> {
    /// For tables.
    pub words: &'m mut [u32],
    /// For the parts that an image has; a package with more is refused.
    pub regions: &'m mut [Understood],
}

/// Words of [`Memory`] that the smallest deltas take, with up to 1024 blocks. With the [`Applier`](crate::Applier) and the
/// stack that is more than 4 KiB: the crate's documentation adds it up.
pub const WORDS_TINY: usize = words(Sizes::TINY);
/// Words of [`Memory`] that ordinary deltas take, with up to 1024 blocks.
pub const WORDS_SMALL: usize = words(Sizes::SMALL);
/// Words of [`Memory`] that the deltas for Linux devices take, with up to 1024 blocks.
pub const WORDS_LARGE: usize = words(Sizes::LARGE);

const fn words(sizes: Sizes) -> usize {
    let tables = sizes.words().saturating_add(sizes.plan() / 2).saturating_add(1024 / 32);
    let envelope = ENVELOPE_MAX / 4;
    if tables > envelope { tables } else { envelope }
}

/// Memory to lend.
#[derive(Debug)]
pub struct Workspace<const WORDS: usize, const REGIONS: usize> {
    words: [u32; WORDS],
    regions: [Understood; REGIONS],
}

impl<const WORDS: usize, const REGIONS: usize> Workspace<WORDS, REGIONS> {
    /// Fresh memory.
    pub const fn new() -> Self {
        Self { words: [0; WORDS], regions: [Understood::BLANK; REGIONS] }
    }

    /// Its octets of words, for [`Device::memory`](crate::Device).
    #[allow(clippy::cast_possible_truncation, reason = "device memory is far below 4 GiB")]
    pub const MEMORY: u32 = (WORDS * 4) as u32;

    /// Lends it.
    pub const fn lend(&mut self) -> Memory<'_> {
        Memory { words: &mut self.words, regions: &mut self.regions }
    }
}

impl<const WORDS: usize, const REGIONS: usize> Default for Workspace<WORDS, REGIONS> {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory<'_> {
    /// The same memory, for a shorter time.
    pub(crate) fn lend(&mut self) -> Memory<'_> {
        Memory { words: self.words, regions: self.regions }
    }

    /// The memory as octets.
    pub(crate) fn octets(&mut self) -> &mut [u8] {
        bytemuck::try_cast_slice_mut(self.words).unwrap_or_default()
    }
}

/// Where everything stands that a coded delta works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground {
    /// Offset of the payload on the device.
    pub(crate) payload: u32,
    /// The old image.
    pub(crate) old: Region,
    /// Where the new image is made.
    pub(crate) new: Region,
    /// The spare region, in place.
    pub(crate) spare: Option<Region>,
    /// Where the state is kept, in place: two places of so many octets.
    pub(crate) state: (u32, u32),
    /// Where blocks are made before they are put into place.
    pub(crate) beside: Beside,
    /// Octets of a block.
    pub(crate) block: u32,
}

impl Ground {
    /// What is saved stands behind the block that is made.
    pub(crate) fn saves(&self) -> Option<Region> {
        let behind = |spare: Region| {
            let start = spare.start.saturating_add(self.block);
            Region { start, len: spare.len.saturating_sub(self.block), ..spare }
        };
        self.spare.map(behind)
    }

    /// What a delta reads.
    pub(crate) fn input<'f, F>(&self, flash: &'f mut F) -> Source<'f, F> {
        Source { flash, payload: self.payload, old: self.old, saves: self.saves(), arrived: None }
    }
}

/// The flash as a delta reads it.
pub(crate) struct Source<'f, F> {
    pub(crate) flash: &'f mut F,
    pub(crate) payload: u32,
    pub(crate) old: Region,
    /// None: nothing is overwritten yet, what is saved is still in its place.
    pub(crate) saves: Option<Region>,
    /// None: all of the payload is stored. One type for both, so that a device has one decoder.
    pub(crate) arrived: Option<Arrived<'f>>,
}

impl<F: ReadNorFlash> Input for Source<'_, F> {
    type Error = F::Error;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), F::Error> {
        if let Some(arrived) = &self.arrived
            && at >= arrived.plan_end
        {
            arrived.read(at, out);
            return Ok(());
        }
        read(self.flash, self.payload.saturating_add(at), out)
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), F::Error> {
        read(self.flash, self.old.start.saturating_add(at), out)
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), F::Error> {
        let Some(saves) = self.saves else { return self.old(at, out) };
        let (mut at, mut rest) = (at, out);
        while !rest.is_empty() {
            let (place, len) = self.find(saves, at)?;
            let n = usize::try_from(len).unwrap_or(usize::MAX).min(rest.len());
            let (front, behind) = rest.split_at_mut_checked(n).unwrap_or_default();
            read(self.flash, place, front)?;
            rest = behind;
            at = at.saturating_add(len);
        }
        Ok(())
    }
}

/// Octets of a list entry.
pub(crate) const ENTRY: u32 = rebuild::PIECE;
/// Octets before the list.
pub(crate) const COUNT: u32 = 4;
/// Entries that are read at a time.
const LOOK: usize = 8;

/// Octets of a list of so many pieces.
pub(crate) fn list_len(pieces: u32) -> u32 {
    let unit = u32::try_from(MAX_UNIT).unwrap_or(u32::MAX);
    pieces.saturating_mul(ENTRY).saturating_add(COUNT).checked_next_multiple_of(unit).unwrap_or(u32::MAX)
}

impl<F: ReadNorFlash> Source<'_, F> {
    /// Where the old octet at `at` was saved, and how many from there on. What was never saved reads as something: the
    /// image's hash will tell.
    fn find(&mut self, saves: Region, at: u32) -> Result<(u32, u32), F::Error> {
        let mut count = [0; 4];
        read(self.flash, saves.start, &mut count)?;
        // the list was written here, but storage may change
        let count = u32::from_le_bytes(count).min(saves.len.saturating_sub(COUNT) >> 3);
        let mut place = list_len(count);
        let mut entry_at = saves.start.saturating_add(COUNT);
        let mut left = usize::try_from(count).unwrap_or(0);
        // several entries at a time: what a read costs beside its octets is much on many parts
        let mut octets = [[0; 8]; LOOK];
        while left > 0 {
            let entries = octets.get_mut(..left.min(LOOK)).unwrap_or_default();
            left = left.saturating_sub(LOOK);
            read(self.flash, entry_at, entries.as_flattened_mut())?;
            for [s0, s1, s2, s3, l0, l1, l2, l3] in entries.iter().copied() {
                let start = u32::from_le_bytes([s0, s1, s2, s3]);
                let len = u32::from_le_bytes([l0, l1, l2, l3]);
                let inside = at.wrapping_sub(start);
                let there = place.saturating_add(len) <= saves.len;
                if inside < len && there {
                    let place = saves.start.saturating_add(place).saturating_add(inside);
                    return Ok((place, len.saturating_sub(inside)));
                }
                place = place.saturating_add(len);
                entry_at = entry_at.saturating_add(ENTRY);
            }
        }
        Ok((saves.start, saves.len))
    }
}

/// Octets on their way to the flash, in whole units.
pub(crate) struct Appender {
    start: u32,
    at: u32,
    buffer: [u8; CHUNK],
    held: usize,
    crc: crc::Digest<'static, u32, crc::Table<1>>,
}

impl Appender {
    pub(crate) fn new(start: u32) -> Self {
        Self { start, at: start, buffer: [0; CHUNK], held: 0, crc: BLOCK_CHECK.digest() }
    }

    pub(crate) fn put<F: NorFlash>(&mut self, flash: &mut F, octets: &[u8]) -> Result<(), F::Error> {
        self.crc.update(octets);
        let mut rest = octets;
        while !rest.is_empty() {
            let free = self.buffer.get_mut(self.held..).unwrap_or_default();
            let n = free.iter_mut().zip(rest).map(|(to, from)| *to = *from).count();
            self.held = self.held.saturating_add(n);
            rest = rest.get(n..).unwrap_or_default();
            if self.held == CHUNK {
                self.flush(flash)?;
            }
        }
        Ok(())
    }

    /// Writes what is held, filled up to a whole unit.
    fn flush<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), F::Error> {
        if self.held > 0 {
            write_padded(flash, self.at, &mut self.buffer, self.held)?;
            self.at = self.at.saturating_add(u32::try_from(self.held).unwrap_or(u32::MAX));
            self.held = 0;
        }
        Ok(())
    }

    /// Writes the rest, and reads everything back.
    pub(crate) fn finish<F: NorFlash>(mut self, flash: &mut F) -> Made<(), F> {
        self.flush(flash).map_err(Error::Flash)?;
        let len = self.at.saturating_sub(self.start);
        let kept = check(flash, self.start, len).map_err(Error::Flash)?;
        if kept == self.crc.finalize() { Ok(()) } else { Err(BlockError::Storage(self.start)) }
    }
}

/// Why a block could not be made.
pub(crate) enum BlockError<E> {
    Flash(E),
    Failure(Failure),
    Storage(u32),
}

impl<E> From<E> for BlockError<E> {
    fn from(error: E) -> Self {
        Self::Flash(error)
    }
}

/// What making a block gives, or why it could not be made.
pub(crate) type Made<T, F> = Result<T, BlockError<Error<<F as kedge_platform::flash::ErrorType>::Error>>>;

/// What making a block led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in place, or stands beside the image and waits for others.
    Placed,
    /// Blocks stand beside the image, and the state is kept: they may be placed.
    Ready,
}

/// A coded delta at work.
pub(crate) struct Coded<'m> {
    pub(crate) rebuild: Rebuild<'m>,
    pub(crate) ground: Ground,
    /// What was made and not placed yet.
    pub(crate) batch: Batch,
    /// Which place holds the state that was kept last, from 1; 0: none.
    pub(crate) kept: u8,
}

/// What is wrong with a delta before anything is erased.
pub(crate) fn refusal<E>(error: rebuild::Error<E>, at: u32) -> Error<E> {
    match error {
        rebuild::Error::Input(error) => Error::Flash(error),
        rebuild::Error::Fault(Fault::Memory { words }) => Error::Refused(Refusal::Memory {
            missing: u32::try_from(words.saturating_mul(4)).unwrap_or(u32::MAX),
        }),
        rebuild::Error::Fault(_) => Error::Refused(Refusal::Malformed { at }),
    }
}

/// The same when it was accepted before.
pub(crate) fn failure<E>(error: rebuild::Error<E>) -> BlockError<Error<E>> {
    match error {
        rebuild::Error::Input(error) => BlockError::Flash(Error::Flash(error)),
        rebuild::Error::Fault(_) => BlockError::Failure(Failure::BadBlock),
    }
}

impl<'m> Coded<'m> {
    /// Goes through the plan of a delta.
    pub(crate) fn open<F: NorFlash>(
        flash: &mut F,
        payload: &Payload,
        sizes: (u32, u32),
        ground: Ground,
        memory: Memory<'m>,
    ) -> Result<Self, rebuild::Error<F::Error>> {
        let outline = Outline {
            payload: payload.forward(),
            old_size: sizes.0,
            new_size: sizes.1,
            block: payload.block_size,
            in_place: payload.layout == Layout::InPlace,
        };
        let mut input = ground.input(flash);
        let Memory { words, regions } = memory;
        let rebuild = Rebuild::open(outline, words, regions, &mut input)?;
        let coded = Self { rebuild, ground, batch: Batch::EMPTY, kept: 0 };
        coded.spare_check()?;
        Ok(coded)
    }

    /// What the plan saves must fit, whatever the manifest says.
    fn spare_check<E>(&self) -> Result<(), rebuild::Error<E>> {
        let needs = self.rebuild.needs();
        let saved = match needs.saves {
            0 => 0,
            _ => list_len(0).saturating_add(needs.octets),
        };
        let room = self.ground.spare.map_or(0, |spare| spare.len.saturating_sub(self.ground.block));
        if saved > room || self.kept_octets() > self.ground.state.1 {
            return Err(Fault::Save.into());
        }
        Ok(())
    }

    /// Octets of the state that is kept with every block; none in a slot.
    pub(crate) fn kept_octets(&self) -> u32 {
        let words =
            if self.rebuild.outline().in_place { Rebuild::kept_words(self.rebuild.sizes()) } else { 0 };
        u32::try_from(words.saturating_mul(4)).unwrap_or(u32::MAX)
    }

    /// Goes back to the start.
    pub(crate) fn restart(&mut self) {
        (self.batch, self.kept) = (Batch::EMPTY, 0);
        self.rebuild.restart();
    }

    /// Makes a block without writing it; nothing may be overwritten yet, or the delta makes a slot.
    #[inline(never)]
    pub(crate) fn rehearse<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), rebuild::Error<F::Error>> {
        let mut input = Source { saves: None, ..self.ground.input(flash) };
        loop {
            match self.rebuild.step(&mut input)? {
                Step::Save(_) => while self.rebuild.piece(&mut input)?.is_some() {},
                Step::Keep(_) => return Ok(()),
                Step::Make(block) => {
                    let mut buffer = [0; CHUNK];
                    while self.rebuild.fill(&mut input, &mut buffer)? == CHUNK {}
                    self.rebuild.placed(block);
                    return Ok(());
                }
            }
        }
    }

    /// Tells `each` what every step of the plan does and to how many octets, without doing it, and about how many octets of
    /// the old image it looks at. The plan must be at its start, and has to be [restarted](Self::restart) afterwards.
    pub(crate) fn steps<F: NorFlash>(
        &mut self,
        flash: &mut F,
        mut each: impl FnMut(Step, u32, u32),
    ) -> Result<(), rebuild::Error<F::Error>> {
        let mut input = self.ground.input(flash);
        let mut left = self.rebuild.outline().blocks();
        while left > 0 {
            let step = self.rebuild.step(&mut input)?;
            let mut looks = 0u32;
            let octets = match step {
                Step::Make(block) | Step::Keep(block) => {
                    left = left.saturating_sub(1);
                    let mut add = |segment: &Segment| looks = looks.saturating_add(looks_at(segment));
                    self.rebuild.pass(&mut input, &mut add)?;
                    self.rebuild.outline().extent(block).1
                }
                Step::Save(_) => {
                    let mut octets = 0u32;
                    while let Some((_, len)) = self.rebuild.piece(&mut input)? {
                        octets = octets.saturating_add(len);
                    }
                    octets
                }
            };
            each(step, octets, looks);
        }
        Ok(())
    }

    /// Does what the next block needs, and makes it: in a slot in its place, in place beside the image.
    pub(crate) fn make<F: NorFlash>(&mut self, flash: &mut F) -> Made<Outcome, F> {
        if let Some(spare) = self.ground.spare {
            return self.make_beside(flash, spare);
        }
        let step = self.rebuild.step(&mut self.ground.input(flash)).map_err(failure)?;
        let (Step::Make(block) | Step::Keep(block)) = step else {
            return Err(BlockError::Failure(Failure::BadBlock));
        };
        let (start, len) = self.extent(block);
        let (new, target) = (self.ground.new, self.at(start));
        if let Step::Make(_) = step {
            self.write(flash, new, target, len)?;
        } else {
            copy(flash, self.ground.old.start.saturating_add(start), new, target, len)?;
        }
        Ok(Outcome::Placed)
    }

    /// Where offset `start` of the new image is on the device.
    pub(crate) const fn at(&self, start: u32) -> u32 {
        self.ground.new.start.saturating_add(start)
    }

    pub(crate) fn extent(&self, block: u32) -> (u32, u32) {
        self.rebuild.outline().extent(block)
    }

    /// Writes the block that is next to `target` in `region`, and reads it back.
    #[inline(never)]
    pub(crate) fn write<F: NorFlash>(
        &mut self,
        flash: &mut F,
        region: Region,
        target: u32,
        len: u32,
    ) -> Made<(), F> {
        let Self { rebuild, ground, .. } = self;
        write_block(flash, region, target, len, |flash, out| rebuild.fill(&mut ground.input(flash), out))
    }
}

/// About how many octets of the old image the decoder looks at for a segment: those beside a literal, from both sides; a
/// window of 96 octets around the place in a copy, which is read anew about every 34 octets.
fn looks_at(segment: &Segment) -> u32 {
    let Segment { literal, copy, .. } = *segment;
    let beside = if copy > 0 { literal.saturating_mul(2) } else { literal };
    let windows = copy.saturating_sub(96).div_ceil(34);
    beside.saturating_add(copy.min(96)).saturating_add(windows.saturating_mul(96))
}

/// Writes `len` octets that `fill` gives to `target` in `region`, and reads them back.
pub(crate) fn write_block<F: NorFlash>(
    flash: &mut F,
    region: Region,
    target: u32,
    len: u32,
    mut fill: impl FnMut(&mut F, &mut [u8]) -> Result<usize, rebuild::Error<F::Error>>,
) -> Made<(), F> {
    let mut crc = BLOCK_CHECK.digest();
    let mut buffer = [0; CHUNK];
    let mut done = 0u32;
    erase(flash, region, target, len).map_err(Error::Flash)?;
    while done < len {
        let n = usize::try_from(len.saturating_sub(done)).unwrap_or(CHUNK).min(CHUNK);
        let out = buffer.get_mut(..n).unwrap_or_default();
        if fill(flash, out).map_err(failure)? != n {
            return Err(BlockError::Failure(Failure::BadBlock));
        }
        crc.update(out);
        write_padded(flash, target.saturating_add(done), &mut buffer, n).map_err(Error::Flash)?;
        done = done.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    }
    let kept = check(flash, target, len).map_err(Error::Flash)?;
    if kept == crc.finalize() { Ok(()) } else { Err(BlockError::Storage(target)) }
}

/// Copies `len` octets to `target` in `region`, and reads them back.
#[inline(never)]
pub(crate) fn copy<F: NorFlash>(
    flash: &mut F,
    from: u32,
    region: Region,
    target: u32,
    len: u32,
) -> Made<(), F> {
    let mut crc = BLOCK_CHECK.digest();
    erase(flash, region, target, len).map_err(Error::Flash)?;
    crate::flash_io::for_each_piece(flash, from, len, |flash, at, buffer, n| {
        crc.update(buffer.get(..n).unwrap_or_default());
        write_padded(flash, target.saturating_add(at), buffer, n)
    })
    .map_err(Error::Flash)?;
    let kept = check(flash, target, len).map_err(Error::Flash)?;
    if kept == crc.finalize() { Ok(()) } else { Err(BlockError::Storage(target)) }
}
