use kedge_platform::flash::NorFlash;

use crate::banklog::{BankLog, Change};
use crate::inbox::Intake;
use crate::record::{AtWork, Job, RECORD_LEN, Record};
use crate::{Error, Failure, Layout, Mode, Outcome, PackageId, Slot, UpdateResult};

/// The journal has one record.
const KEY: u8 = 0;

/// The update agent: its layout and what its journal says. Made afresh at every start; every change of state is on the
/// flash before the call that makes it returns.
#[derive(Debug)]
pub struct Update {
    pub(crate) layout: Layout,
    log: BankLog<1>,
    record: Record,
    pub(crate) intake: Intake,
}

impl Update {
    /// Checks the layout and reads the journal; blank flash is a device that never updated.
    pub fn mount<F: NorFlash>(flash: &mut F, layout: Layout) -> Result<Self, Error<F::Error>> {
        layout.check(flash).map_err(Error::Layout)?;
        let (log, _) = BankLog::mount(flash, layout.journal)?;
        let mut buffer = [0; RECORD_LEN];
        let record = match log.read(flash, KEY, &mut buffer)? {
            Some(octets) => Record::parse(octets).ok_or(Error::JournalDamaged)?,
            None => Record::FACTORY,
        };
        let impossible = match layout.mode {
            Mode::InPlace { .. } => record.active == Slot::Second,
            Mode::Slot { .. } => record.job.is_reverting(),
        };
        if impossible {
            return Err(Error::JournalDamaged);
        }
        let intake = Intake::at(record.job);
        Ok(Self { layout, log, record, intake })
    }

    /// Gives up a damaged journal and starts with an empty one: first slot active, nothing pending, security counter 0 (so
    /// the floor in [`Device`](crate::Device) counts). The caller vouches for the image in the first slot.
    pub fn format<F: NorFlash>(flash: &mut F, layout: Layout) -> Result<Self, Error<F::Error>> {
        layout.check(flash).map_err(Error::Layout)?;
        let log = BankLog::format(flash, layout.journal)?;
        Ok(Self { layout, log, record: Record::FACTORY, intake: Intake::at(Job::Idle) })
    }

    /// What is going on.
    pub const fn job(&self) -> Job {
        self.record.job
    }

    /// The slot whose image is known to be good; during a trial still the old one.
    pub const fn active(&self) -> Slot {
        self.record.active
    }

    /// False when an in-place update failed half-way: there is no image to run. A full package without a base can still
    /// be received and applied.
    pub const fn is_sound(&self) -> bool {
        self.record.sound
    }

    /// The highest security counter that was confirmed.
    pub const fn security_counter(&self) -> u32 {
        self.record.security_counter
    }

    /// The layout it was mounted with.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How the last update ended, until it is cleared.
    pub const fn outcome(&self) -> Option<Outcome> {
        self.record.outcome
    }

    /// Forgets the outcome. The agent calls this once the result is safe in its own outbox: if the power fails between the
    /// two, it sees the same package id again and puts nothing twice.
    pub fn clear_outcome<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), Error<F::Error>> {
        self.commit(flash, Record { outcome: None, ..self.record })
    }

    /// Lets the next start apply the verified package.
    pub fn order<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), Error<F::Error>> {
        match self.record.job {
            Job::Ordered { .. } => Ok(()),
            Job::Verified { package, size } => self.set_job(flash, Job::Ordered { package, size }),
            _ => Err(Error::NotNow),
        }
    }

    /// Gives up what is going on, if the old image is still whole: a package that comes in or waits is forgotten; one that
    /// is being applied, streamed or not, ends as [`Failure::Abandoned`]. Refused in place once the first block was begun, in
    /// a trial, and on the way back.
    pub fn abandon<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), Error<F::Error>> {
        match self.record.job {
            Job::Idle => Ok(()),
            Job::Receiving { .. } | Job::Opening { .. } | Job::Verified { .. } => {
                self.set_job(flash, Job::Idle)
            }
            Job::Streaming { package, .. } => {
                self.end(flash, package, UpdateResult::Failed(Failure::Abandoned))
            }
            Job::Ordered { package, .. } | Job::Applying { package, .. } if !self.is_image_touched() => {
                self.end(flash, package, UpdateResult::Failed(Failure::Abandoned))
            }
            _ => Err(Error::NotNow),
        }
    }

    /// Whether the running image may have been changed by the job.
    pub(crate) const fn is_image_touched(&self) -> bool {
        match (self.layout.mode, self.record.job.work()) {
            (Mode::InPlace { .. }, Some(AtWork { done, ready, .. })) => done > 0 || ready > 0,
            _ => false,
        }
    }

    /// Ends the job with a result.
    pub(crate) fn end<F: NorFlash>(
        &mut self,
        flash: &mut F,
        package: PackageId,
        result: UpdateResult,
    ) -> Result<(), Error<F::Error>> {
        let sound = self.record.sound && !self.is_image_touched();
        let outcome = Some(Outcome { package, result });
        self.commit(flash, Record { job: Job::Idle, sound, outcome, ..self.record })
    }

    pub(crate) fn set_job<F: NorFlash>(&mut self, flash: &mut F, job: Job) -> Result<(), Error<F::Error>> {
        self.commit(flash, Record { job, ..self.record })
    }

    /// What so many changes of the record take from now on: sectors erased and octets programmed.
    pub(crate) fn journal_work<F: NorFlash>(&self, commits: u32, len: usize) -> (u32, u32) {
        self.log.work::<F>(commits, len)
    }

    pub(crate) const fn record(&self) -> Record {
        self.record
    }

    /// Makes `record` the truth.
    pub(crate) fn commit<F: NorFlash>(
        &mut self,
        flash: &mut F,
        record: Record,
    ) -> Result<(), Error<F::Error>> {
        let octets = record.emit();
        if octets != self.record.emit() {
            self.log.commit(flash, &[Change::put(KEY, &octets)])?;
            self.record = record;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the crate documentation promises.
    #[test]
    fn ram_is_small() {
        assert!(size_of::<Update>() <= 280, "{}", size_of::<Update>());
    }
}
