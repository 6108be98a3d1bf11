//! A package used while it comes in: nothing of its content is stored, so the package region holds little more than the
//! delta's plan, however large the update is. Into a slot only: the old image stays whole, and runs meanwhile.
//!
//! ```text
//!             package region: the stash                       other slot         journal
//!             ┌──────────────────┬─────────┬─────────┬───┐
//!  header,    │ (anything)       │         │         │   │    (anything)         idle; in RAM, checked there
//!  envelope   │                  │         │         │   │
//!  plan       │ front ~~         │         │         │   │    (anything)         opening, octets safe
//!  content    │ front: header,   │         │         │   │    new ~~ .. ..       streaming, 0 done
//!  keep       │ envelope, plan   │ after 8 │         │   │    new new .. ..      streaming, 8 done, place 1
//!  (cut)      │                  │ after 8 │ torn    │   │    new new new ~~     streaming, 8 done: go on there
//!  keep       │                  │ after 8 │ after 16│   │    new new new ..     streaming, 16 done, place 2
//!  all made   │                  │         │         │   │    new new new new    streaming, all done
//!  checked    └──────────────────┴─────────┴─────────┴───┘    new new new new    trial
//! ```
//! # What is checked, and when
//!
//! 1. Signature and everything in the manifest, before an octet is written anywhere.
//! 2. The old image's hash, before an octet of the plan is stored; all of the plan before the slot is touched.
//! 3. The payload's hash cannot be known before its end. It is checked there if all of the content came in one session; a
//!    state of the hash is not kept, so after a restart this check is gone.
//! 4. The new image's hash, over the slot as it reads back: always, last, and the manifest with it is signed. Before that
//!    nothing makes the slot start. So whatever comes in, a device starts the image that was signed, or the old one.
//!
//! Steps 3 and 4 come after the slot was written: the image for going back to is the running one, as in every update into a
//! slot, but the *previous* one, if the slot still held it, is gone even when the package turns out bad.
//!
//! # Going on after a cut or a lost link
//!
//! [`Streaming::needs_from`] says which octet of the package is wanted: with HTTP, the start of a `Range`. While the device
//! keeps running nothing is fetched twice. After a restart the front goes on at the last whole sector, and the content
//! where the decoder's state was kept last: behind the plan there are two places or more, used in turn, and with each keep
//! so many blocks are written that the stash is erased for a set share of what the slot is ([`Site::share`]). A full image has no
//! state; it goes on with the block that was cut.
//!
//! # RAM
//!
//! [`Memory`] as for an [`Applier`](crate::Applier), and a [`Streaming`]: at most 1700 octets and two hashes. No buffer for
//! content: what the decoder cannot use yet, at most [`AHEAD`] octets, waits in it.
mod front;
mod making;
mod window;

use kedge_delta::rebuild::AHEAD;
use kedge_package::limits::HEADER_LEN;
use kedge_package::{Header, Kind};
use kedge_platform::crypto::{Crypto, Sha256};
use kedge_platform::flash::NorFlash;

use self::front::Front;
use self::making::{Made, Making};
pub(crate) use self::window::Arrived;
use crate::coded::Memory;
use crate::flash_io::Hashing;
use crate::handover::ATTEMPTS_MAX;
use crate::record::Job;
use crate::verify::{self, Accepted, Way, malformed};
use crate::{Device, Error, Failure, Mode, Outcome, Progress, Refusal, Update, UpdateResult};

/// A good [`Site::share`]: an eighth more erases, and a cut costs the blocks of less than eight states.
pub const SHARE: u32 = 8;

const _: () = assert!(AHEAD <= 256);

/// Where a streamed update is made, lent for one call: always the same update agent, flash and device.
#[derive(Debug)]
pub struct Site<'a, F, C> {
    /// The update agent.
    pub update: &'a mut Update,
    /// The flash.
    pub flash: &'a mut F,
    /// What the package is measured against.
    pub device: &'a Device<'a>,
    /// Cryptography.
    pub crypto: &'a C,
    /// So many times as much as the decoder's state takes is written to the slot before the state is kept again: the more,
    /// the less wear, and the more is fetched again after a restart. 0 keeps it with every block. [`SHARE`] is a good one.
    pub share: u32,
}

/// A package that is used while it comes in; see the [module](self).
///
/// ```text
/// begin, or resume ─► push ◄─────────────────┐
///                      │ needs_from = octet n ┼─► fetch from octet n on
///                      │ needs_from = none ───┘
///                      └─► Complete: restart, boot() tries the image │ Ended: the old image stays
/// ```
pub struct Streaming<'m, C: Crypto> {
    stage: Stage<C>,
    /// Lent until a delta works with it.
    memory: Option<Memory<'m>>,
    making: Option<Making<'m>>,
    /// The payload so far, as long as all of it can be known.
    hash: Option<C::Sha256>,
}

enum Stage<C: Crypto> {
    /// The header comes in, so many of its octets.
    Header([u8; HEADER_LEN], usize),
    /// The envelope comes in, into the memory.
    Envelope(Header, usize),
    /// The old image is checked.
    Base(Accepted, Hashing<C::Sha256>),
    /// The envelope is stored, and the plan comes in.
    Front(Accepted, Front),
    /// Blocks are made.
    Blocks(Accepted),
    /// The new image is checked.
    Check(Accepted, Hashing<C::Sha256>),
    Over(Progress),
    /// An error: it has to be taken up again.
    Broken,
}

impl<'m, C: Crypto> Streaming<'m, C> {
    /// Makes ready for a package; one that came in before is forgotten. Refused on a device that updates in place.
    pub fn begin<F: NorFlash>(
        site: &mut Site<'_, F, C>,
        memory: Memory<'m>,
    ) -> Result<Self, Error<F::Error>> {
        site.update.receives_check()?;
        if let Mode::InPlace { .. } = site.update.layout.mode {
            return Err(Error::Refused(Refusal::OtherLayout));
        }
        site.update.set_job(site.flash, Job::Idle)?;
        Ok(Self::at(Stage::Header([0; HEADER_LEN], 0), memory))
    }

    /// Takes up a package that [`Job::Opening`] or [`Job::Streaming`] tells of, from wherever a restart or an error left
    /// it; [`Error::NotNow`] if there is none.
    pub fn resume<F: NorFlash>(
        site: &mut Site<'_, F, C>,
        memory: Memory<'m>,
    ) -> Result<Self, Error<F::Error>> {
        match site.update.job() {
            Job::Opening { .. } => {
                let reopened = Self::reopen(site, memory);
                if let Err(Error::Refused(_)) = &reopened {
                    site.update.set_job(site.flash, Job::Idle)?;
                }
                reopened
            }
            Job::Streaming { .. } => Self::go_on(site, memory),
            _ => Err(Error::NotNow),
        }
    }

    const fn at(stage: Stage<C>, memory: Memory<'m>) -> Self {
        Self { stage, memory: Some(memory), making: None, hash: None }
    }

    /// The offset in the package of the next octet, if nothing can be done without it; none while there is something to do,
    /// and when it is over.
    pub fn needs_from(&self) -> Option<u32> {
        match &self.stage {
            Stage::Header(_, held) => u32::try_from(*held).ok(),
            Stage::Envelope(_, held) => u32::try_from(held.saturating_add(HEADER_LEN)).ok(),
            Stage::Front(_, front) => front.needs_from(),
            Stage::Blocks(accepted) => {
                let at = self.making.as_ref().and_then(Making::needs_from);
                at.map(|at| accepted.payload_at.saturating_add(at))
            }
            Stage::Base(..) | Stage::Check(..) | Stage::Over(_) | Stage::Broken => None,
        }
    }

    /// Takes octets from the front of `octets`, which stand where the last call stopped or where
    /// [`needs_from`](Self::needs_from) says, and does a bounded piece of work: about a block. What is left is for the next
    /// call.
    ///
    /// A package that is refused before the slot is touched is forgotten, and the refusal returned. After that the update
    /// ends with an outcome. After any error it must be taken up again with [`resume`](Self::resume); after
    /// [`Progress::Complete`] or [`Progress::Ended`] nothing more happens.
    pub fn push<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        octets: &mut &[u8],
    ) -> Result<Progress, Error<F::Error>> {
        let pushed = self.work(site, octets);
        if let Err(error) = &pushed {
            self.stage = Stage::Broken;
            if let (Error::Refused(_), Job::Opening { .. }) = (error, site.update.job()) {
                site.update.set_job(site.flash, Job::Idle)?;
            }
        }
        pushed
    }

    fn work<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        octets: &mut &[u8],
    ) -> Result<Progress, Error<F::Error>> {
        match &mut self.stage {
            Stage::Header(header, held) => {
                fill(header, held, octets);
                if *held == HEADER_LEN {
                    self.stage = Stage::Envelope(Header::parse(header).map_err(malformed)?, 0);
                }
                Ok(OPENING)
            }
            Stage::Envelope(..) => self.envelope(site, octets),
            Stage::Base(..) => self.base(site),
            Stage::Front(..) => self.front(site, octets),
            Stage::Blocks(accepted) => {
                let accepted = *accepted;
                self.blocks(site, octets, accepted)
            }
            Stage::Check(..) => self.check(site),
            Stage::Over(progress) => Ok(*progress),
            Stage::Broken => Err(Error::NotNow),
        }
    }

    /// Takes octets of the envelope; when it is whole, all that it says is checked.
    fn envelope<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        octets: &mut &[u8],
    ) -> Result<Progress, Error<F::Error>> {
        let Stage::Envelope(header, held) = &mut self.stage else { return Err(Error::NotNow) };
        let (header, needed) = (*header, usize::from(header.envelope));
        let Some(memory) = &mut self.memory else { return Err(Error::NotNow) };
        let room = memory.octets().get_mut(..needed).ok_or(Error::NoRoom { needed })?;
        fill(room, held, octets);
        if *held == needed {
            let accepted = verify::front(site.update, site.flash, site.device, site.crypto, header, room)?;
            self.accept(site, accepted)?;
        }
        Ok(OPENING)
    }

    /// Goes on with a package whose manifest is good: its old image is checked.
    pub(super) fn accept<F: NorFlash>(
        &mut self,
        site: &Site<'_, F, C>,
        accepted: Accepted,
    ) -> Result<(), Error<F::Error>> {
        front::room_check(site, &accepted, accepted.payload_at)?;
        let base = accepted.base.map_or(0, |base| base.size);
        self.stage = Stage::Base(accepted, Hashing::new(site.update.old_region().start, base));
        Ok(())
    }

    /// Checks some more of the old image.
    fn base<F: NorFlash>(&mut self, site: &mut Site<'_, F, C>) -> Result<Progress, Error<F::Error>> {
        let Stage::Base(accepted, hashing) = &mut self.stage else { return Err(Error::NotNow) };
        let accepted = *accepted;
        let total = accepted.base.map_or(0, |base| base.size);
        if !hashing.step(site.flash).map_err(Error::Flash)? {
            return Ok(Progress::Verifying { done: total.saturating_sub(hashing.left()), total });
        }
        let Stage::Base(_, hashing) = core::mem::replace(&mut self.stage, Stage::Broken) else {
            return Err(Error::NotNow);
        };
        let hash = hashing.finish();
        if accepted.base.is_some_and(|base| base.sha256 != hash) {
            return Err(Error::Refused(Refusal::OtherImage));
        }
        let front = match site.update.job() {
            Job::Opening { .. } => Front::stored(site, &accepted)?,
            _ => self.store_envelope(site, &accepted)?,
        };
        self.stage = Stage::Front(accepted, front);
        Ok(Progress::Verifying { done: total, total })
    }

    /// Takes octets of the plan; when it is whole, the blocks can begin.
    fn front<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        octets: &mut &[u8],
    ) -> Result<Progress, Error<F::Error>> {
        let Stage::Front(accepted, front) = &mut self.stage else { return Err(Error::NotNow) };
        let accepted = *accepted;
        front.push(site, &accepted, octets)?;
        let Some(plan_end) = front.whole() else { return Ok(OPENING) };
        let making = self.open(site, &accepted, plan_end)?;
        let package = accepted.id;
        let job = Job::Streaming { package, size: accepted.size, done: 0, kept: 0 };
        site.update.set_job(site.flash, job)?;
        self.start(site, accepted, making)?;
        Ok(Progress::Applying { done: 0, total: accepted.plan.blocks() })
    }

    /// Takes up a delta whose front is stored, or a full image.
    fn open<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        accepted: &Accepted,
        plan_end: u32,
    ) -> Result<Making<'m>, Error<F::Error>> {
        let Some(memory) = self.memory.take() else { return Err(Error::NotNow) };
        match accepted.payload.kind {
            Kind::Full => Ok(Making::full(site, accepted)),
            _ => Making::coded(site, accepted, plan_end, memory),
        }
    }

    /// Begins with the blocks, at the first or where the state was kept.
    fn start<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        accepted: Accepted,
        making: Making<'m>,
    ) -> Result<(), Error<F::Error>> {
        self.hash = making.hash_front::<F, C::Sha256>(site.flash, &accepted)?;
        self.making = Some(making);
        self.stage = Stage::Blocks(accepted);
        Ok(())
    }

    /// Takes up the making of blocks where the journal stands.
    fn go_on<F: NorFlash>(
        site: &mut Site<'_, F, C>,
        mut memory: Memory<'m>,
    ) -> Result<Self, Error<F::Error>> {
        let Job::Streaming { package, size, done, kept } = site.update.job() else {
            return Err(Error::NotNow);
        };
        let accepted = site.update.reopen::<F, C>(site.flash, memory.octets(), size, package, Way::There)?;
        let mut this = Self::at(Stage::Broken, memory);
        let Some(accepted) = accepted else {
            this.end(site, UpdateResult::Failed(Failure::PackageChanged))?;
            return Ok(this);
        };
        if done >= accepted.plan.blocks() {
            this.start_check(site, accepted);
            return Ok(this);
        }
        let taken_up = Front::plan_end(site, &accepted)
            .and_then(|plan_end| this.open(site, &accepted, plan_end))
            .and_then(|mut making| making.go_on(site, done, kept).map(|()| making));
        match taken_up {
            Ok(making) => this.start(site, accepted, making)?,
            Err(Error::Refused(_)) => {
                this.end(site, UpdateResult::Failed(Failure::BadBlock))?;
            }
            Err(error) => return Err(error),
        }
        Ok(this)
    }

    /// Goes on with the block at work; behind the last, the payload is judged.
    fn blocks<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        octets: &mut &[u8],
        accepted: Accepted,
    ) -> Result<Progress, Error<F::Error>> {
        let Some(making) = &mut self.making else { return Err(Error::NotNow) };
        let before = *octets;
        let made = making.push(site, octets)?;
        let taken = before.len().saturating_sub(octets.len());
        if let Some(hash) = &mut self.hash {
            hash.update(before.get(..taken).unwrap_or_default());
        }
        match made {
            Made::Some(done) => Ok(Progress::Applying { done, total: accepted.plan.blocks() }),
            Made::Failed(failure) => self.end(site, UpdateResult::Failed(failure)),
            Made::All => {
                let total = accepted.plan.blocks();
                let hash = self.hash.take().map(Sha256::finish);
                if hash.is_some_and(|hash| hash != accepted.payload.sha256) {
                    return self.end(site, UpdateResult::Refused(Refusal::BadPayload));
                }
                making::note(site, total, 0)?;
                self.making = None;
                Ok(self.start_check(site, accepted))
            }
        }
    }

    fn start_check<F>(&mut self, site: &Site<'_, F, C>, accepted: Accepted) -> Progress {
        let total = accepted.image.size;
        self.stage = Stage::Check(accepted, Hashing::new(site.update.new_region().start, total));
        Progress::Checking { done: 0, total }
    }

    /// Checks some more of the new image; when it is whole, it goes on trial.
    fn check<F: NorFlash>(&mut self, site: &mut Site<'_, F, C>) -> Result<Progress, Error<F::Error>> {
        let Stage::Check(accepted, hashing) = &mut self.stage else { return Err(Error::NotNow) };
        let accepted = *accepted;
        let total = accepted.image.size;
        if !hashing.step(site.flash).map_err(Error::Flash)? {
            return Ok(Progress::Checking { done: total.saturating_sub(hashing.left()), total });
        }
        let Stage::Check(_, hashing) = core::mem::replace(&mut self.stage, Stage::Broken) else {
            return Err(Error::NotNow);
        };
        if hashing.finish() != accepted.image.sha256 {
            return self.end(site, UpdateResult::Failed(Failure::WrongImage));
        }
        let attempts = site.device.trial_attempts.clamp(1, ATTEMPTS_MAX);
        let (package, counter) = (accepted.id, accepted.security_counter);
        site.update.set_job(site.flash, Job::Trial { package, way_back: 0, counter, attempts })?;
        self.stage = Stage::Over(Progress::Complete);
        Ok(Progress::Complete)
    }

    fn end<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        result: UpdateResult,
    ) -> Result<Progress, Error<F::Error>> {
        let Job::Streaming { package, .. } = site.update.job() else { return Err(Error::NotNow) };
        site.update.end(site.flash, package, result)?;
        self.making = None;
        let progress = Progress::Ended(Outcome { package, result });
        self.stage = Stage::Over(progress);
        Ok(progress)
    }
}

/// What is said while the front comes in: how much will have to be verified is not known yet.
const OPENING: Progress = Progress::Verifying { done: 0, total: 0 };

/// Moves octets from the front of `octets` to what is still free behind the first `held` of `room`.
fn fill(room: &mut [u8], held: &mut usize, octets: &mut &[u8]) {
    let free = room.get_mut(*held..).unwrap_or_default();
    let n = free.iter_mut().zip(*octets).map(|(to, from)| *to = *from).count();
    *held = held.saturating_add(n);
    *octets = octets.get(n..).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::applier::tests::NoCrypto;

    /// What the module documentation promises, the hashes not counted.
    #[test]
    fn ram_is_small() {
        assert!(size_of::<Streaming<'_, NoCrypto>>() <= 1700, "{}", size_of::<Streaming<'_, NoCrypto>>());
    }
}
