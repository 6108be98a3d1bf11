//! Making the new image, block by block, so that a power cut costs at most one block's work.
//!
//! In a slot: each block is made in its place; the old image is not touched.
//! ```text
//!                 active slot       other slot                journal
//!  verify         old old old old   .. .. .. ..               ordered
//!  block 1        old old old old   new ~~ .. ..              applying, 1 done
//!  (cut)          old old old old   new torn .. ..            applying, 1 done: make block 1 again
//!  check          old old old old   new new new new           applying, 4 done
//!  end            old old old old   new new new new           trial
//! ```
//! In place: each block is first made in the scratch region, then copied over the old one.
//! ```text
//!                 image             scratch (two blocks)      journal
//!  verify         old old old old   .. ..                     ordered
//!  make block 1   new old old old   .. new                    applying, 1 done
//!  ready          new old old old   .. new                    applying, 1 done, ready
//!  copy           new torn old old  .. new                    applying, 1 done, ready: copy again
//!  done           new new old old   .. new                    applying, 2 done
//! ```
//! A step begins only when the record that allows it is safe, and gives the same octets however often it is repeated:
//! making a block reads what no step since has changed, and copying reads the scratch block that was read back before
//! `ready` was written. What is equal in both images is neither erased nor written in place. Coded deltas make several
//! blocks before they copy them ([`beside`](crate::beside)).
//!
//! The way back of a revertible package is the same with the images exchanged, and the journal says `reverting`. The
//! package has lain there during the trial, so all of it is verified again, and the new image too, as long as no block was
//! begun. Before the way there is begun, the plan of the way back is gone through, so that what does not fit is found then.
use kedge_package::{BLOCK_CHECK, Block, BlockReader, Content, ReadError};
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::{NorFlash, Region};

use crate::beside::Standing;
use crate::coded::{self, BlockError, Memory, copy};
use crate::decoder::Decoder;
use crate::flash_io::{CHUNK, Hashing, Stored, check, erase, write_padded};
use crate::handover::ATTEMPTS_MAX;
use crate::record::{AtWork, Job, Record};
use crate::verify::{Accepted, Verifier, Way};
use crate::{Device, Error, Failure, Mode, Outcome, Refusal, Update, UpdateResult};

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The package is being verified; octets looked at.
    Verifying {
        /// So far.
        done: u32,
        /// Of how many.
        total: u32,
    },
    /// Blocks are being made.
    Applying {
        /// In place so far.
        done: u32,
        /// Of how many.
        total: u32,
    },
    /// The new image is being verified; octets looked at.
    Checking {
        /// So far.
        done: u32,
        /// Of how many.
        total: u32,
    },
    /// The new image is whole; [`Update::boot`] starts it.
    Complete,
    /// The update ended without a new image, or the old one is there again; [`Update::boot`] says what is left.
    Ended(Outcome),
}

/// Applies the package that was ordered, from wherever a power cut left it.
pub struct Applier<'u, 'm, C: Crypto> {
    update: &'u mut Update,
    trial_attempts: u8,
    stage: Stage<C>,
    /// Lent until a delta works with it.
    memory: Option<Memory<'m>>,
    coded: Option<Decoder<'m>>,
}

enum Stage<C: Crypto> {
    Verify(Verifier<C>),
    /// A coded delta is taken up after so many blocks.
    TakeUp(Accepted, u32),
    /// A coded delta is gone through without writing: how far.
    Rehearse(Accepted, u32),
    /// The same in a slot after a power cut: how far, and up to where.
    Replay(Accepted, u32, u32),
    /// Blocks stand ready beside the image; this one is the next to be placed.
    Place(Accepted, u8),
    /// The number of the block to be made, in the package's order.
    Build(Accepted, u32),
    Check(Accepted, Hashing<C::Sha256>),
    Over(Progress),
}

impl<'u, 'm, C: Crypto> Applier<'u, 'm, C> {
    /// Takes up the update that [`Update::boot`] asked for; [`Error::NotNow`] if there is none.
    pub fn resume<F: NorFlash>(
        update: &'u mut Update,
        flash: &mut F,
        device: &Device<'_>,
        crypto: &C,
        mut memory: Memory<'m>,
    ) -> Result<Self, Error<F::Error>> {
        let stage = start(update, flash, device, crypto, memory.octets())?;
        let trial_attempts = device.trial_attempts.clamp(1, ATTEMPTS_MAX);
        Ok(Self { update, trial_attempts, stage, memory: Some(memory), coded: None })
    }

    /// Takes up a coded delta, whose package was accepted.
    fn open_coded<F: NorFlash>(&mut self, flash: &mut F, accepted: &Accepted) -> Result<(), Error<F::Error>> {
        let Some(memory) = self.memory.take() else { return Err(Error::NotNow) };
        let ground = self.update.ground::<F>(accepted);
        let coded = Decoder::open(flash, &accepted.payload, accepted.sizes(), ground, memory);
        self.coded = Some(coded.map_err(|error| coded::refusal(error, accepted.payload_at))?);
        Ok(())
    }

    /// Goes through the plan of the way back, if there is one.
    fn look_back<F: NorFlash>(&mut self, flash: &mut F, accepted: &Accepted) -> Result<(), Error<F::Error>> {
        if accepted.payload.reverse == 0 {
            return Ok(());
        }
        let Some(memory) = &mut self.memory else { return Err(Error::NotNow) };
        let (size, id) = (accepted.size, accepted.id);
        let back = self.update.reopen::<F, C>(flash, memory.octets(), size, id, Way::Back)?;
        let Some(back) = back else { return Err(Error::Refused(Refusal::BadPayload)) };
        let ground = self.update.ground::<F>(&back);
        match Decoder::open(flash, &back.payload, back.sizes(), ground, memory.lend()) {
            Ok(_) => Ok(()),
            Err(error) => Err(coded::refusal(error, back.payload_at)),
        }
    }

    /// The stage in which a coded delta is after `done` blocks.
    #[inline(never)]
    fn go_on<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: Accepted,
        done: u32,
    ) -> Result<Stage<C>, Error<F::Error>> {
        let Some(AtWork { ready, kept, .. }) = self.update.job().work() else { return Err(Error::NotNow) };
        let opened = self.open_coded(flash, &accepted).and_then(|()| {
            let Some(coded) = &mut self.coded else { return Err(Error::NotNow) };
            if accepted.payload.layout == kedge_package::Layout::Slot {
                return Ok(Stage::Replay(accepted, 0, done));
            }
            let gone_on = coded.go_on(flash, Standing { done, ready, kept });
            gone_on.map_err(|error| coded::refusal(error, accepted.payload_at))?;
            Ok(if ready > 0 { Stage::Place(accepted, 0) } else { Stage::Build(accepted, done) })
        });
        match opened {
            Err(Error::Refused(_)) => {
                end(self.update, flash, UpdateResult::Failed(Failure::BadBlock)).map(Stage::Over)
            }
            other => other,
        }
    }

    /// Does a bounded piece of work: about a block. After an error the applier must be made afresh; it goes on where the
    /// journal stands. After [`Progress::Complete`] or [`Progress::Ended`] nothing more happens.
    pub fn step<F: NorFlash>(&mut self, flash: &mut F) -> Result<Progress, Error<F::Error>> {
        match &mut self.stage {
            Stage::Verify(_) => self.verify(flash),
            Stage::TakeUp(accepted, done) => {
                let (accepted, done) = (*accepted, *done);
                self.stage = self.go_on(flash, accepted, done)?;
                Ok(match self.stage {
                    Stage::Over(progress) => progress,
                    _ => Progress::Applying { done, total: accepted.plan.blocks() },
                })
            }
            Stage::Rehearse(accepted, step) => {
                let (accepted, step) = (*accepted, *step);
                self.rehearse(flash, accepted, step)
            }
            Stage::Replay(accepted, step, done) => {
                let (accepted, step, done) = (*accepted, *step, *done);
                self.replay(flash, accepted, step, done)
            }
            Stage::Place(accepted, n) => {
                let (accepted, n) = (*accepted, *n);
                self.place(flash, accepted, n)
            }
            Stage::Build(accepted, step) => {
                let (accepted, step) = (*accepted, *step);
                if step >= accepted.plan.blocks() {
                    return Ok(self.start_check(accepted));
                }
                if accepted.payload.kind.is_coded() {
                    self.make(flash, accepted, step)
                } else {
                    self.build(flash, accepted, step)
                }
            }
            Stage::Check(..) => self.check(flash),
            Stage::Over(progress) => Ok(*progress),
        }
    }

    /// One block more without writing; when all are through, the update begins.
    #[inline(never)]
    fn rehearse<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: Accepted,
        step: u32,
    ) -> Result<Progress, Error<F::Error>> {
        let total = accepted.plan.blocks();
        let Some(coded) = &mut self.coded else { return Err(Error::NotNow) };
        let rehearsed = if step < total { coded.rehearse(flash) } else { coded.restart(flash) };
        match rehearsed.map_err(|error| coded::refusal(error, accepted.payload_at)) {
            Ok(()) if step >= total => self.begin(flash, accepted),
            Ok(()) => {
                self.stage = Stage::Rehearse(accepted, step.saturating_add(1));
                let done = step.saturating_mul(accepted.payload.block_size);
                Ok(Progress::Verifying { done, total: accepted.image.size })
            }
            Err(Error::Refused(refusal)) => self.end(flash, UpdateResult::Refused(refusal)),
            Err(error) => Err(error),
        }
    }

    fn begin<F: NorFlash>(&mut self, flash: &mut F, accepted: Accepted) -> Result<Progress, Error<F::Error>> {
        // the way back has its record since it was ordered
        if let Job::Ordered { package, size } = self.update.job() {
            self.update.set_job(flash, Job::Applying { package, size, done: 0, ready: 0, kept: 0 })?;
        }
        self.stage = Stage::Build(accepted, 0);
        Ok(Progress::Applying { done: 0, total: accepted.plan.blocks() })
    }

    #[inline(never)]
    fn replay<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: Accepted,
        step: u32,
        done: u32,
    ) -> Result<Progress, Error<F::Error>> {
        let progress = Progress::Applying { done: step, total: accepted.plan.blocks() };
        if step >= done {
            self.stage = Stage::Build(accepted, done);
            return Ok(progress);
        }
        let Some(coded) = &mut self.coded else { return Err(Error::NotNow) };
        match coded.rehearse(flash).map_err(|error| coded::refusal(error, accepted.payload_at)) {
            Ok(()) => {
                self.stage = Stage::Replay(accepted, step.saturating_add(1), done);
                Ok(progress)
            }
            Err(Error::Refused(_)) => self.end(flash, UpdateResult::Failed(Failure::BadBlock)),
            Err(error) => Err(error),
        }
    }

    /// Makes the next block of a coded delta.
    #[inline(never)]
    fn make<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: Accepted,
        step: u32,
    ) -> Result<Progress, Error<F::Error>> {
        let made = match &mut self.coded {
            Some(coded) => coded.make(flash),
            None => Err(BlockError::Flash(Error::NotNow)),
        };
        let finished = made.and_then(|outcome| match outcome {
            coded::Outcome::Ready => {
                let done = self.note_standing(flash)?;
                self.stage = Stage::Place(accepted, 0);
                Ok(Some(done))
            }
            // in place the record of the batch counts this one too
            coded::Outcome::Placed if accepted.payload.layout == kedge_package::Layout::InPlace => Ok(None),
            coded::Outcome::Placed => {
                self.note(flash, Standing { done: step.saturating_add(1), ..Standing::default() })?;
                Ok(None)
            }
        });
        match finished {
            Ok(Some(done)) => Ok(Progress::Applying { done, total: accepted.plan.blocks() }),
            other => self.built(flash, accepted, step, other.map(|_| true)),
        }
    }

    /// Puts block `n` of those that stand ready into its place.
    #[inline(never)]
    fn place<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: Accepted,
        n: u8,
    ) -> Result<Progress, Error<F::Error>> {
        let Some(coded) = &mut self.coded else { return Err(Error::NotNow) };
        let first = coded.standing().map_or(0, |standing| standing.done);
        let finished = match coded.place(flash, n) {
            Ok(true) => self.note_standing(flash).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        match finished {
            Ok(None) => {
                let placed = n.saturating_add(1);
                self.stage = Stage::Place(accepted, placed);
                let done = first.saturating_add(u32::from(placed));
                Ok(Progress::Applying { done, total: accepted.plan.blocks() })
            }
            Ok(Some(done)) => self.built(flash, accepted, done, Ok(false)),
            Err(error) => self.built(flash, accepted, first, Err(error)),
        }
    }

    /// Writes down what the decoder says; returns how many blocks are in place.
    fn note_standing<F: NorFlash>(&mut self, flash: &mut F) -> Result<u32, BlockError<Error<F::Error>>> {
        let standing = self.coded.as_ref().and_then(Decoder::standing);
        let standing = standing.ok_or(BlockError::Flash(Error::NotNow))?;
        self.note(flash, standing)?;
        Ok(standing.done)
    }

    /// Writes down how far the blocks are.
    fn note<F: NorFlash>(
        &mut self,
        flash: &mut F,
        standing: Standing,
    ) -> Result<(), BlockError<Error<F::Error>>> {
        let job = self.update.job().at(standing);
        self.update.set_job(flash, job).map_err(BlockError::Flash)
    }

    #[inline(never)]
    fn verify<F: NorFlash>(&mut self, flash: &mut F) -> Result<Progress, Error<F::Error>> {
        let Stage::Verify(verifier) = &mut self.stage else { return Err(Error::NotNow) };
        match verifier.step(flash) {
            Ok(false) => {
                let (done, total) = verifier.progress();
                Ok(Progress::Verifying { done, total })
            }
            Ok(true) => {
                let accepted = *verifier.accepted();
                if !accepted.payload.kind.is_coded() {
                    return self.begin(flash, accepted);
                }
                match self.look_back(flash, &accepted).and_then(|()| self.open_coded(flash, &accepted)) {
                    Ok(()) => {
                        self.stage = Stage::Rehearse(accepted, 0);
                        Ok(Progress::Verifying { done: 0, total: accepted.image.size })
                    }
                    Err(Error::Refused(refusal)) => self.end(flash, UpdateResult::Refused(refusal)),
                    Err(error) => Err(error),
                }
            }
            Err(Error::Refused(refusal)) => self.end(flash, UpdateResult::Refused(refusal)),
            Err(error) => Err(error),
        }
    }

    #[inline(never)]
    fn build<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: Accepted,
        step: u32,
    ) -> Result<Progress, Error<F::Error>> {
        let finished = self.block(flash, &accepted, step);
        self.built(flash, accepted, step, finished)
    }

    /// Goes on after a block.
    fn built<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: Accepted,
        step: u32,
        finished: Result<bool, BlockError<Error<F::Error>>>,
    ) -> Result<Progress, Error<F::Error>> {
        let total = accepted.plan.blocks();
        match finished {
            Ok(finished) => {
                let done = step.saturating_add(u32::from(finished));
                self.stage = Stage::Build(accepted, done);
                // what stands beside the image is not in place
                let standing = self.coded.as_ref().and_then(Decoder::standing);
                Ok(Progress::Applying { done: standing.map_or(done, |standing| standing.done), total })
            }
            Err(BlockError::Flash(error)) => Err(error),
            Err(BlockError::Storage(at)) => Err(Error::Storage { at }),
            Err(BlockError::Failure(failure)) => self.end(flash, UpdateResult::Failed(failure)),
        }
    }

    /// One step with block number `step`; true when it is in place.
    fn block<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: &Accepted,
        step: u32,
    ) -> Result<bool, BlockError<Error<F::Error>>> {
        let Some(AtWork { ready, .. }) = self.update.job().work() else {
            return Err(BlockError::Flash(Error::NotNow));
        };
        let mut input =
            Stored { flash, package: self.update.layout.package, image: Some(self.update.old_region()) };
        let block = accepted.plan.block(step, &mut input).map_err(block_error)?;
        let new = self.update.new_region();
        let target = new.start.saturating_add(block.start);
        let ready = match self.update.layout.mode {
            Mode::Slot { .. } => {
                make(&mut input, &block, new, target)?;
                false
            }
            Mode::InPlace { .. } if block.content == Content::Unchanged => return Ok(true),
            Mode::InPlace { scratch } => {
                let place = scratch_block(scratch, accepted.plan.block_size(), step);
                if ready > 0 {
                    copy(flash, place, new, target, block.len)?;
                } else {
                    make(&mut input, &block, scratch, place)?;
                }
                ready == 0
            }
        };
        let done = step.saturating_add(u32::from(!ready));
        self.note(flash, Standing { done, ready: u8::from(ready), kept: 0 })?;
        Ok(!ready)
    }

    fn start_check(&mut self, accepted: Accepted) -> Progress {
        let (start, total) = (self.update.new_region().start, accepted.image.size);
        self.stage = Stage::Check(accepted, Hashing::new(start, total));
        Progress::Checking { done: 0, total }
    }

    #[inline(never)]
    fn check<F: NorFlash>(&mut self, flash: &mut F) -> Result<Progress, Error<F::Error>> {
        let Stage::Check(accepted, hashing) = &mut self.stage else { return Err(Error::NotNow) };
        let accepted = *accepted;
        let total = accepted.image.size;
        let finished = match hashing.step(flash) {
            Ok(finished) => finished,
            Err(error) => {
                self.stage = Stage::Build(accepted, accepted.plan.blocks());
                return Err(Error::Flash(error));
            }
        };
        if !finished {
            return Ok(Progress::Checking { done: total.saturating_sub(hashing.left()), total });
        }
        let Stage::Check(_, hashing) =
            core::mem::replace(&mut self.stage, Stage::Build(accepted, accepted.plan.blocks()))
        else {
            return Err(Error::NotNow);
        };
        if hashing.finish() == accepted.image.sha256 {
            self.complete(flash, &accepted)
        } else {
            self.end(flash, UpdateResult::Failed(Failure::WrongImage))
        }
    }

    /// The image is whole: a new one goes on trial, an old one is there again.
    #[inline(never)]
    fn complete<F: NorFlash>(
        &mut self,
        flash: &mut F,
        accepted: &Accepted,
    ) -> Result<Progress, Error<F::Error>> {
        let record = self.update.record();
        let package = accepted.id;
        let ended = |result| Outcome { package, result };
        let way_back = if accepted.payload.reverse > 0 { accepted.size } else { 0 };
        let (counter, attempts) = (accepted.security_counter, self.trial_attempts);
        let job = Job::Trial { package, way_back, counter, attempts };
        let (record, progress) = match self.update.layout.mode {
            Mode::Slot { .. } => (Record { job, ..record }, Progress::Complete),
            Mode::InPlace { .. } if record.job.is_reverting() => {
                let outcome = ended(UpdateResult::RolledBack);
                let record = Record { job: Job::Idle, outcome: Some(outcome), sound: true, ..record };
                (record, Progress::Ended(outcome))
            }
            Mode::InPlace { .. } if way_back > 0 => {
                (Record { job, sound: true, ..record }, Progress::Complete)
            }
            Mode::InPlace { .. } => {
                let outcome = Some(ended(UpdateResult::Installed));
                (Record { job, outcome, sound: true, ..record }, Progress::Complete)
            }
        };
        self.update.commit(flash, record)?;
        self.stage = Stage::Over(progress);
        Ok(progress)
    }

    fn end<F: NorFlash>(&mut self, flash: &mut F, result: UpdateResult) -> Result<Progress, Error<F::Error>> {
        let progress = end(self.update, flash, result)?;
        self.stage = Stage::Over(progress);
        Ok(progress)
    }
}

/// Where the journal says to begin.
#[inline(never)]
fn start<F: NorFlash, C: Crypto>(
    update: &mut Update,
    flash: &mut F,
    device: &Device<'_>,
    crypto: &C,
    work: &mut [u8],
) -> Result<Stage<C>, Error<F::Error>> {
    let job = update.job();
    let way = Way::of(job);
    match (job, job.work()) {
        (Job::Ordered { package, size } | Job::Reverting { package, size, done: 0, ready: 0, .. }, _) => {
            match Verifier::open(update, flash, device, crypto, work, size, way) {
                Ok(verifier) if verifier.accepted().id == package => Ok(Stage::Verify(verifier)),
                Ok(_) => end(update, flash, UpdateResult::Failed(Failure::PackageChanged)).map(Stage::Over),
                Err(Error::Refused(refusal)) => {
                    end(update, flash, UpdateResult::Refused(refusal)).map(Stage::Over)
                }
                Err(error) => Err(error),
            }
        }
        (_, Some(AtWork { package, size, done, .. })) => {
            match update.reopen::<F, C>(flash, work, size, package, way)? {
                Some(accepted) if accepted.payload.kind.is_coded() => Ok(Stage::TakeUp(accepted, done)),
                Some(accepted) => Ok(Stage::Build(accepted, done)),
                None => end(update, flash, UpdateResult::Failed(Failure::PackageChanged)).map(Stage::Over),
            }
        }
        _ => Err(Error::NotNow),
    }
}

/// Ends the job of `update` with `result`. A way back that ends before it was begun leaves the new image.
#[inline(never)]
fn end<F: NorFlash>(
    update: &mut Update,
    flash: &mut F,
    result: UpdateResult,
) -> Result<Progress, Error<F::Error>> {
    let job = update.job();
    let package = match job {
        Job::Ordered { package, .. } => Some(package),
        _ => job.work().map(|work| work.package),
    };
    let Some(package) = package else { return Err(Error::NotNow) };
    let stays = job.is_reverting() && !update.is_image_touched();
    let result = if stays { UpdateResult::Failed(Failure::NoWayBack) } else { result };
    update.end(flash, package, result)?;
    Ok(Progress::Ended(Outcome { package, result }))
}

/// Where block number `step` is made: all of the scratch region in turn.
fn scratch_block(scratch: Region, block_size: u32, step: u32) -> u32 {
    let places = scratch.len.checked_div(block_size).unwrap_or(1);
    let place = step.checked_rem(places).unwrap_or_default();
    scratch.start.saturating_add(place.saturating_mul(block_size))
}

/// Makes `block` at offset `target` of the device, in `region`, and reads it back.
fn make<F: NorFlash>(
    input: &mut Stored<'_, F>,
    block: &Block,
    region: Region,
    target: u32,
) -> Result<(), BlockError<Error<F::Error>>> {
    let mut reader = BlockReader::new(block);
    let mut crc = BLOCK_CHECK.digest();
    let mut buffer = [0; CHUNK];
    let mut done = 0u32;
    erase(input.flash, region, target, block.len).map_err(Error::Flash)?;
    while done < block.len {
        let n = reader.fill(input, &mut buffer).map_err(block_error)?;
        crc.update(buffer.get(..n).unwrap_or_default());
        write_padded(input.flash, target.saturating_add(done), &mut buffer, n).map_err(Error::Flash)?;
        done = done.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    }
    let crc = crc.finalize();
    if block.check.is_some_and(|expected| expected != crc) {
        return Err(BlockError::Failure(Failure::WrongBlock));
    }
    let kept = check(input.flash, target, block.len).map_err(Error::Flash)?;
    if kept == crc { Ok(()) } else { Err(BlockError::Storage(target)) }
}

fn block_error<E>(error: ReadError<E>) -> BlockError<Error<E>> {
    match error {
        ReadError::Input(error) => BlockError::Flash(Error::Flash(error)),
        _ => BlockError::Failure(Failure::BadBlock),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kedge_platform::crypto::Sha256;

    use super::*;

    #[derive(Default)]
    pub(crate) struct NoHash;

    impl Sha256 for NoHash {
        fn update(&mut self, _: &[u8]) {}

        fn finish(self) -> [u8; 32] {
            [0; 32]
        }
    }

    pub(crate) struct NoCrypto;

    impl Crypto for NoCrypto {
        type Sha256 = NoHash;

        fn verify_ed25519(&self, _: &[u8; 32], _: &[&[u8]], _: &[u8; 64]) -> bool {
            false
        }
    }

    /// What the crate documentation promises, the hash not counted.
    #[test]
    fn ram_is_small() {
        let size = size_of::<Applier<'_, '_, NoCrypto>>();
        let most = match (cfg!(feature = "repack"), cfg!(feature = "lzma")) {
            (false, _) => 1200,
            (true, false) => 2000,
            (true, true) => 2600,
        };
        assert!(size <= most, "{size}");
    }
}
