//! Making blocks from content that arrives, and keeping the decoder's state.
use kedge_delta::plan::Step;
use kedge_delta::rebuild::{Outline, Rebuild};
use kedge_package::Kind;
use kedge_platform::crypto::{Crypto, Sha256};
use kedge_platform::flash::{NorFlash, Region};

use super::Site;
use super::window::{Arrived, Window};
use crate::banklog::MAX_UNIT;
use crate::coded::{self, Appender, BlockError, Memory, Source, copy};
use crate::flash_io::{erase, for_each_piece, read};
use crate::record::{Job, PLACES_MAX};
use crate::verify::Accepted;
use crate::{Error, Failure, Refusal};

/// What came of handing in octets.
pub(super) enum Made {
    /// So many blocks are in place.
    Some(u32),
    /// All blocks are in place, and all octets came.
    All,
    /// It cannot be made.
    Failed(Failure),
}

/// Where everything stands.
#[derive(Clone, Copy, Debug)]
struct Ground {
    /// Offset of the payload's front on the device.
    payload: u32,
    /// Octets of it.
    plan_end: u32,
    old: Region,
    new: Region,
    /// Octets of the payload, of a block, and of the new image; blocks of that.
    size: u32,
    block: u32,
    image: u32,
    blocks: u32,
}

/// Where the state is kept.
#[derive(Clone, Copy, Debug)]
struct Places {
    /// Offset of the first on the device.
    start: u32,
    /// Octets of each.
    len: u32,
    /// How many there are.
    count: u8,
    /// Blocks from one keep to the next.
    every: u32,
    /// The place used last, from 1 on, and the blocks that were done then.
    last: (u8, u32),
}

/// A delta at work.
struct Decoder<'m> {
    rebuild: Rebuild<'m>,
    places: Places,
}

/// Blocks being made.
pub(super) struct Making<'m> {
    ground: Ground,
    /// None: the content is the image.
    decoder: Option<Decoder<'m>>,
    window: Window,
    done: u32,
    /// The block at work, and how many of its octets are missing.
    block: Option<(Appender, u32)>,
    /// Nothing can be done without more octets.
    waits: bool,
}

impl<'m> Making<'m> {
    /// For a full image.
    pub(super) fn full<F, C>(site: &Site<'_, F, C>, accepted: &Accepted) -> Self {
        Self::new(Ground::new(site, accepted, 0), None)
    }

    /// For a delta whose front is stored: goes through its plan.
    pub(super) fn coded<F: NorFlash, C>(
        site: &mut Site<'_, F, C>,
        accepted: &Accepted,
        plan_end: u32,
        memory: Memory<'m>,
    ) -> Result<Self, Error<F::Error>> {
        let ground = Ground::new(site, accepted, plan_end);
        let outline = Outline {
            payload: ground.size,
            old_size: accepted.base.map_or(0, |base| base.size),
            new_size: ground.image,
            block: ground.block,
            in_place: false,
        };
        let Memory { words, regions } = memory;
        let nothing = Window::at(plan_end);
        let mut source = ground.source(site.flash, &nothing, &[]);
        let rebuild = Rebuild::open(outline, words, regions, &mut source);
        let rebuild = rebuild.map_err(|error| coded::refusal(error, accepted.payload_at))?;
        let state = u32::try_from(Rebuild::kept_words(rebuild.sizes()).saturating_mul(4)).unwrap_or(u32::MAX);
        let front_end = accepted.payload_at.saturating_add(plan_end);
        let package = site.update.layout.package;
        let places = Places::behind(front_end, state, package, package.sector_on::<F>());
        let mut places = places.map_err(|missing| Error::Refused(Refusal::State { missing }))?;
        places.every = places.len.saturating_mul(site.share).div_ceil(ground.block.max(1)).max(1);
        Ok(Self::new(ground, Some(Decoder { rebuild, places })))
    }

    const fn new(ground: Ground, decoder: Option<Decoder<'m>>) -> Self {
        let window = Window::at(ground.plan_end);
        Self { ground, decoder, window, done: 0, block: None, waits: false }
    }

    /// Goes on after `done` blocks, the state after which was `kept` in this place. A state that cannot be one is a
    /// malformed package.
    pub(super) fn go_on<F: NorFlash, C>(
        &mut self,
        site: &mut Site<'_, F, C>,
        done: u32,
        kept: u8,
    ) -> Result<(), Error<F::Error>> {
        let wrong = Error::Refused(Refusal::Malformed { at: 0 });
        self.done = done;
        let Some(Decoder { rebuild, places }) = &mut self.decoder else {
            self.window = Window::at(done.saturating_mul(self.ground.block));
            return Ok(());
        };
        match kept {
            0 if done == 0 => return Ok(()),
            1.. if kept <= places.count => {}
            _ => return Err(wrong),
        }
        places.last = (kept, done);
        let mut at = places.start_of(kept);
        let nothing = Window::at(self.ground.plan_end);
        let mut source = self.ground.source(site.flash, &nothing, &[]);
        let got = rebuild.go_on(&mut source, |source, words| {
            let octets = bytemuck::try_cast_slice_mut(words).unwrap_or_default();
            let place = at;
            at = at.saturating_add(u32::try_from(octets.len()).unwrap_or(u32::MAX));
            read(source.flash, place, octets)?;
            for word in words {
                *word = u32::from_le(*word);
            }
            Ok(())
        });
        got.map_err(|error| coded::refusal(error, 0))?;
        let content_at = rebuild.content_at();
        if !(self.ground.plan_end..=self.ground.size).contains(&content_at) {
            return Err(wrong);
        }
        self.window = Window::at(content_at);
        Ok(())
    }

    /// The hash of the payload up to the first octet that will be handed in; none if that is not the first of the content.
    pub(super) fn hash_front<F: NorFlash, S: Sha256>(
        &self,
        flash: &mut F,
        accepted: &Accepted,
    ) -> Result<Option<S>, Error<F::Error>> {
        if self.window.end() != self.ground.plan_end {
            return Ok(None);
        }
        let mut hash = S::default();
        if accepted.payload.kind != Kind::Full {
            for_each_piece::<F, F::Error>(
                flash,
                self.ground.payload,
                self.ground.plan_end,
                |_, _, buffer, n| {
                    hash.update(buffer.get(..n).unwrap_or_default());
                    Ok(())
                },
            )
            .map_err(Error::Flash)?;
        }
        Ok(Some(hash))
    }

    /// The offset in the payload of the next octet, if nothing can be done without it.
    pub(super) fn needs_from(&self) -> Option<u32> {
        self.waits.then(|| self.window.end())
    }

    /// Takes octets from the front of `octets`, and works on a block, or begins one.
    pub(super) fn push<F: NorFlash, C: Crypto>(
        &mut self,
        site: &mut Site<'_, F, C>,
        octets: &mut &[u8],
    ) -> Result<Made, Error<F::Error>> {
        self.waits = false;
        let missing = self.ground.size.saturating_sub(self.window.end());
        let usable = usize::try_from(missing).unwrap_or(usize::MAX).min(octets.len());
        let (mut fresh, behind) = octets.split_at_checked(usable).unwrap_or((octets, &[]));
        let worked = if self.done < self.ground.blocks {
            self.work(site, &mut fresh)
        } else {
            // what no block needed belongs to the payload all the same
            self.window
                .advance(self.ground.size.saturating_sub(missing).saturating_add(len(fresh)), &mut fresh);
            self.waits = self.window.end() < self.ground.size;
            Ok(!self.waits)
        };
        let left = behind.len().saturating_add(fresh.len());
        *octets = octets.get(octets.len().saturating_sub(left)..).unwrap_or_default();
        match worked {
            Ok(true) => Ok(Made::All),
            Ok(false) => Ok(Made::Some(self.done)),
            Err(BlockError::Flash(error)) => Err(error),
            Err(BlockError::Storage(at)) => Err(Error::Storage { at }),
            Err(BlockError::Failure(failure)) => Ok(Made::Failed(failure)),
        }
    }

    /// Works on a block; when it is in place, what is due is kept.
    fn work<F: NorFlash, C: Crypto>(
        &mut self,
        site: &mut Site<'_, F, C>,
        fresh: &mut &[u8],
    ) -> Result<bool, BlockError<Error<F::Error>>> {
        if self.block.is_none() && self.begin(site)? {
            self.placed(site)?;
            return Ok(false);
        }
        let Some((mut to, mut left)) = self.block.take() else { return Ok(false) };
        let mut buffer = [0; MAX_UNIT];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(MAX_UNIT).min(MAX_UNIT);
            let out = buffer.get_mut(..wanted).unwrap_or_default();
            let n = self.make(site, fresh, out)?;
            to.put(site.flash, out.get(..n).unwrap_or_default()).map_err(Error::Flash)?;
            left = left.saturating_sub(u32::try_from(n).unwrap_or(left));
            if n < wanted {
                self.waits = true;
                self.block = Some((to, left));
                self.settle(fresh);
                self.window.keep(fresh);
                return Ok(false);
            }
        }
        self.settle(fresh);
        to.finish(site.flash)?;
        self.placed(site)?;
        Ok(false)
    }

    /// Makes octets of the block at work; fewer than `out` holds only if more have to arrive.
    fn make<F: NorFlash, C>(
        &mut self,
        site: &mut Site<'_, F, C>,
        fresh: &mut &[u8],
        out: &mut [u8],
    ) -> Result<usize, BlockError<Error<F::Error>>> {
        let Some(Decoder { rebuild, .. }) = &mut self.decoder else {
            let n = out.iter_mut().zip(*fresh).map(|(to, from)| *to = *from).count();
            let used = self.window.end().saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
            self.window.advance(used, fresh);
            return Ok(n);
        };
        rebuild.arrived(self.window.end().saturating_add(len(fresh)));
        let mut source = self.ground.source(site.flash, &self.window, fresh);
        rebuild.fill(&mut source, out).map_err(coded::failure)
    }

    /// Forgets the content that was used up.
    fn settle(&mut self, fresh: &mut &[u8]) {
        if let Some(Decoder { rebuild, .. }) = &self.decoder {
            self.window.advance(rebuild.content_at(), fresh);
        }
    }

    /// Begins the next block; true if that is all, because it stays as it was.
    fn begin<F: NorFlash, C>(
        &mut self,
        site: &mut Site<'_, F, C>,
    ) -> Result<bool, BlockError<Error<F::Error>>> {
        let Ground { old, new, block, image, .. } = self.ground;
        let start = self.done.saturating_mul(block);
        let len = image.saturating_sub(start).min(block);
        let target = new.start.saturating_add(start);
        if let Some(Decoder { rebuild, .. }) = &mut self.decoder {
            let mut source = self.ground.source(site.flash, &self.window, &[]);
            match rebuild.step(&mut source).map_err(coded::failure)? {
                Step::Make(at) if at == self.done => {}
                Step::Keep(at) if at == self.done => {
                    copy(site.flash, old.start.saturating_add(start), new, target, len)?;
                    return Ok(true);
                }
                // the plan was good when it was opened, but storage may change
                _ => return Err(BlockError::Failure(Failure::BadBlock)),
            }
        }
        erase(site.flash, new, target, len).map_err(Error::Flash)?;
        self.block = Some((Appender::new(target), len));
        Ok(false)
    }

    /// Counts a block, and keeps what is due. Behind the last nothing is kept: the judgement on the payload comes first.
    fn placed<F: NorFlash, C: Crypto>(
        &mut self,
        site: &mut Site<'_, F, C>,
    ) -> Result<(), BlockError<Error<F::Error>>> {
        self.done = self.done.saturating_add(1);
        if self.done >= self.ground.blocks {
            return Ok(());
        }
        let Some(Decoder { rebuild, places }) = &mut self.decoder else {
            return note(site, self.done, 0).map_err(BlockError::Flash);
        };
        let (place, since) = places.last;
        if self.done.saturating_sub(since) < places.every {
            return Ok(());
        }
        let place = if place < places.count { place.saturating_add(1) } else { 1 };
        let at = places.start_of(place);
        erase(site.flash, site.update.layout.package, at, places.len).map_err(Error::Flash)?;
        let mut to = Appender::new(at);
        rebuild
            .keep(|words| words.iter().try_for_each(|word| to.put(site.flash, &word.to_le_bytes())))
            .map_err(Error::Flash)?;
        to.finish(site.flash)?;
        places.last = (place, self.done);
        note(site, self.done, place).map_err(BlockError::Flash)
    }
}

impl Ground {
    fn new<F, C>(site: &Site<'_, F, C>, accepted: &Accepted, plan_end: u32) -> Self {
        Self {
            payload: site.update.layout.package.start.saturating_add(accepted.payload_at),
            plan_end,
            old: site.update.old_region(),
            new: site.update.new_region(),
            size: accepted.payload.size,
            block: accepted.payload.block_size,
            image: accepted.image.size,
            blocks: accepted.plan.blocks(),
        }
    }

    /// The plan and the old image on the flash, and the content that arrived.
    fn source<'a, F>(&self, flash: &'a mut F, window: &'a Window, fresh: &'a [u8]) -> Source<'a, F> {
        let arrived = Some(Arrived { plan_end: self.plan_end, window, fresh });
        Source { flash, payload: self.payload, old: self.old, saves: None, arrived }
    }
}

impl Places {
    /// Places for states of `state` octets behind the front in the package region; or how many octets are missing for two.
    fn behind(front_end: u32, state: u32, package: Region, sector: u32) -> Result<Self, u32> {
        let whole = |n: u32| n.checked_next_multiple_of(sector).unwrap_or(u32::MAX);
        let (from, len) = (whole(front_end), whole(state));
        let needed = from.saturating_add(len.saturating_mul(2));
        if let Some(missing) = needed.checked_sub(package.len).filter(|missing| *missing > 0) {
            return Err(missing);
        }
        let count = package.len.saturating_sub(from).checked_div(len).unwrap_or(u32::MAX);
        Ok(Self {
            start: package.start.saturating_add(from),
            len,
            count: u8::try_from(count).unwrap_or(PLACES_MAX).min(PLACES_MAX),
            every: 1,
            last: (0, 0),
        })
    }

    /// Where a place starts on the device.
    fn start_of(&self, place: u8) -> u32 {
        self.start.saturating_add(self.len.saturating_mul(u32::from(place).saturating_sub(1)))
    }
}

/// Writes down how far the blocks are, and which place holds the state.
pub(super) fn note<F: NorFlash, C>(
    site: &mut Site<'_, F, C>,
    done: u32,
    kept: u8,
) -> Result<(), Error<F::Error>> {
    let Job::Streaming { package, size, .. } = site.update.job() else { return Err(Error::NotNow) };
    site.update.set_job(site.flash, Job::Streaming { package, size, done, kept })
}

fn len(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}
