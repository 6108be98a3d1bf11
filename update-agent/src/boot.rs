//! Which image to start, and whether it may stay, where Kedge's own boot stage decides it. Where the boot loader is the
//! OEM's, [`handover`](crate::handover) does the same together with it.
//!
//! ```text
//!  slots              first     second    journal
//!  applied            old ✓     new       trial, 3 attempts        boot: 2 attempts, run second
//!  not confirmed      old ✓     new       trial, 0 attempts        boot: idle, rolled back, run first
//!  confirmed          old       new ✓     idle, installed, counter raised
//!
//!  in place           image               journal
//!  applied            new ✓               trial, installed         boot: run; no way back, the old image is gone
//!  confirmed          new ✓               idle, counter raised
//!
//!  in place with a revertible package
//!  applied            new ✓               trial, 3 attempts        boot: 2 attempts, run
//!  not confirmed      new ✓               trial, 0 attempts        boot: reverting; update, then ask again
//!  going back         old ✓ old ~~ new    reverting, 2 done        boot: go on with the update
//!  gone back          old ✓               idle, rolled back        boot: run
//!  confirmed          new ✓               idle, installed, counter raised; the package region is free
//! ```
//! What every state of the journal makes of a start, of a confirmation and of a roll-back is in `BOOT-STATES.md` beside
//! this crate; the test that executes all of them writes that file.
//!
//! # Commit words that a torn write cannot fake
//!
//! The decision hangs on one record of the journal. A record counts only when the `Commit` entry behind it reads well,
//! with a CRC-32 over its bank's sequence number, and a commit that was the last thing before a power failure is first
//! written afresh to the other bank, before [`Update::mount`] returns and so before anybody acts on it
//! ([`banklog`](crate::banklog), rules 2 and 3). So a start sees the state before a change or the state after it, and
//! what it saw stays true at the next start, however the torn cells read by then.
use kedge_platform::flash::NorFlash;

use crate::record::{Job, Record};
use crate::{Error, Mode, Outcome, Slot, Update, UpdateResult};

/// What a start has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootDecision {
    /// Start the image in this slot.
    Run(Slot),
    /// Go on with the update ([`Applier`](crate::Applier)), then ask again.
    Update,
    /// There is no whole image: an in-place update failed half-way. Only a full package without a base helps.
    Broken,
}

impl Update {
    /// Decides what this start does; call it once per start, before anything else. A start of an image on trial uses up
    /// one of its attempts, which is on the flash before this returns.
    pub fn boot<F: NorFlash>(&mut self, flash: &mut F) -> Result<BootDecision, Error<F::Error>> {
        match (self.job(), self.layout.mode) {
            (Job::Ordered { .. } | Job::Applying { .. } | Job::Reverting { .. }, _) => {
                Ok(BootDecision::Update)
            }
            (Job::Trial { attempts: 0, .. }, Mode::Slot { .. }) => {
                self.roll_back(flash)?;
                Ok(BootDecision::Run(self.active()))
            }
            (Job::Trial { attempts: 0, way_back: 1.., .. }, Mode::InPlace { .. }) => {
                self.roll_back(flash)?;
                Ok(BootDecision::Update)
            }
            (Job::Trial { package, way_back, counter, attempts }, mode)
                if matches!(mode, Mode::Slot { .. }) || (way_back > 0 && self.is_sound()) =>
            {
                let attempts = attempts.saturating_sub(1);
                self.set_job(flash, Job::Trial { package, way_back, counter, attempts })?;
                let in_place = matches!(mode, Mode::InPlace { .. });
                Ok(BootDecision::Run(if in_place { self.active() } else { self.active().other() }))
            }
            _ if !self.is_sound() => Ok(BootDecision::Broken),
            _ => Ok(BootDecision::Run(self.active())),
        }
    }

    /// The new image works: it becomes the one that is started, and its security counter the least that is taken. Without
    /// a trial this does nothing, so every start of a healthy firmware may call it.
    pub fn confirm<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), Error<F::Error>> {
        let active = match self.layout.mode {
            Mode::Slot { .. } => self.active().other(),
            Mode::InPlace { .. } => self.active(),
        };
        self.settle(flash, active)
    }

    /// Ends a trial well, with the image in `active`.
    pub(crate) fn settle<F: NorFlash>(&mut self, flash: &mut F, active: Slot) -> Result<(), Error<F::Error>> {
        let Job::Trial { package, counter, way_back, .. } = self.job() else { return Ok(()) };
        let record = self.record();
        let outcome = match self.layout.mode {
            // reported since the image was found whole
            Mode::InPlace { .. } if way_back == 0 => record.outcome,
            _ => Some(Outcome { package, result: UpdateResult::Installed }),
        };
        let security_counter = record.security_counter.max(counter);
        self.commit(flash, Record { active, outcome, security_counter, job: Job::Idle, ..record })
    }

    /// The new image does not work: the next start runs the old one. Only during a trial in a slot, or in place with a
    /// revertible package: there the next [`boot`](Self::boot) makes the old image again, and what comes of that is the
    /// outcome.
    pub fn roll_back<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), Error<F::Error>> {
        match (self.job(), self.layout.mode) {
            (Job::Trial { package, .. }, Mode::Slot { .. }) => {
                self.end(flash, package, UpdateResult::RolledBack)
            }
            (Job::Trial { package, way_back: size @ 1.., .. }, Mode::InPlace { .. }) => {
                self.set_job(flash, Job::Reverting { package, size, done: 0, ready: 0, kept: 0 })
            }
            (Job::Reverting { .. }, Mode::InPlace { .. }) => Ok(()),
            _ => Err(Error::NotNow),
        }
    }
}
