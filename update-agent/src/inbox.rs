//! Receiving a package in pieces.
//!
//! ```text
//!            package region                                     journal
//!            ┌────────┬────────┬────────┬────────┐
//!  before    │ (anything)                        │              idle
//!  begin     │ (anything)                        │              receiving, 0 safe
//!  write     │ stored │ stored │ part │ ~~~~~~~~ │              receiving, 2 sectors safe
//!  cut       │ stored │ stored │ torn │ ~~~~~~~~ │              receiving, 2 sectors safe: go on there
//!  verify    │ stored │ stored │ stored │ end ~~ │              verified, package id
//!            └────────┴────────┴────────┴────────┘
//! ```
//! A sector is erased when its first octet arrives, and counts as safe once all of it is programmed; what was begun of
//! the sector after it is erased and fetched again, so no unit is programmed twice and none is trusted that was torn.
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;

use crate::banklog::MAX_UNIT;
use crate::flash_io::write_padded;
use crate::record::Job;
use crate::verify::{Verifier, Way};
use crate::{Device, Error, Update};

/// How far a package has come in, in this power session.
#[derive(Debug)]
pub(crate) struct Intake {
    /// Octets taken so far, those in `carry` included.
    at: u32,
    /// The beginning of a unit that is not complete.
    carry: [u8; MAX_UNIT],
    held: usize,
}

impl Intake {
    /// Where to go on with `job`.
    pub(crate) const fn at(job: Job) -> Self {
        let at = match job {
            Job::Receiving { received, .. } | Job::Opening { received, .. } => received,
            _ => 0,
        };
        Self { at, carry: [0; MAX_UNIT], held: 0 }
    }
}

impl Update {
    /// Makes ready for a package of `size` octets; one that came in before is forgotten.
    pub fn begin<F: NorFlash>(&mut self, flash: &mut F, size: u32) -> Result<(), Error<F::Error>> {
        self.receives_check()?;
        let room = self.layout.package.len;
        if size > room {
            return Err(Error::TooLarge { room });
        }
        self.set_job(flash, Job::Receiving { size, received: 0 })?;
        self.intake = Intake::at(self.job());
        Ok(())
    }

    /// Whether a package may come in now.
    pub(crate) const fn receives_check<E>(&self) -> Result<(), Error<E>> {
        match self.job() {
            _ if self.outcome().is_some() => Err(Error::OutcomePending),
            Job::Idle | Job::Receiving { .. } | Job::Opening { .. } | Job::Verified { .. } => Ok(()),
            _ => Err(Error::NotNow),
        }
    }

    /// The offset in the package of the next octet that [`write`](Self::write) takes, and the size announced; none when no
    /// package is coming in. After a restart or an error this may be less than what was written before.
    pub const fn resume(&self) -> Option<(u32, u32)> {
        match self.job() {
            Job::Receiving { size, .. } => Some((self.intake.at, size)),
            _ => None,
        }
    }

    /// Takes the next octets of the package.
    pub fn write<F: NorFlash>(&mut self, flash: &mut F, octets: &[u8]) -> Result<(), Error<F::Error>> {
        let Job::Receiving { size, .. } = self.job() else { return Err(Error::NotNow) };
        let room = size.saturating_sub(self.intake.at);
        if u32::try_from(octets.len()).map_or(true, |n| n > room) {
            return Err(Error::TooLarge { room });
        }
        let written = self.take(flash, size, octets);
        if written.is_err() {
            // what was begun is in doubt: go on from what is safe
            self.intake = Intake::at(self.job());
        }
        written
    }

    /// The package ends here, with fewer octets than were announced: for who does not know its length beforehand.
    pub fn close<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), Error<F::Error>> {
        let Job::Receiving { .. } = self.job() else { return Err(Error::NotNow) };
        let (size, held) = (self.intake.at, self.intake.held);
        if held > 0 {
            let behind = self.layout.package.start.saturating_add(size);
            let unit_at = behind.saturating_sub(u32::try_from(held).unwrap_or_default());
            write_padded(flash, unit_at, &mut self.intake.carry, held).map_err(Error::Flash)?;
            self.intake.held = 0;
        }
        self.set_job(flash, Job::Receiving { size, received: size })
    }

    /// Stores the next octets; those that are stored end at offset `end` of the package.
    pub(crate) fn take<F: NorFlash>(
        &mut self,
        flash: &mut F,
        end: u32,
        octets: &[u8],
    ) -> Result<(), Error<F::Error>> {
        let sector = self.layout.package.sector_on::<F>();
        let mut rest = octets;
        while !rest.is_empty() {
            let at = self.intake.at;
            let in_sector = at.checked_rem(sector).unwrap_or_default();
            if in_sector == 0 {
                let start = self.layout.package.start.saturating_add(at);
                flash.erase(start, start.saturating_add(sector)).map_err(Error::Flash)?;
            }
            let room = end.saturating_sub(at).min(sector.saturating_sub(in_sector));
            let n = usize::try_from(room).unwrap_or(usize::MAX).min(rest.len());
            let (piece, behind) = rest.split_at_checked(n).unwrap_or((rest, &[]));
            rest = behind;
            self.store(flash, end, piece)?;
            let at = self.intake.at;
            if at == end || at.checked_rem(sector) == Some(0) {
                let job = match self.job() {
                    Job::Opening { size, .. } => Job::Opening { size, received: at },
                    _ => Job::Receiving { size: end, received: at },
                };
                self.set_job(flash, job)?;
            }
        }
        Ok(())
    }

    /// Programs `piece`, which does not cross a sector's end; an incomplete unit is kept back unless it ends what is stored.
    fn store<F: NorFlash>(&mut self, flash: &mut F, end: u32, piece: &[u8]) -> Result<(), Error<F::Error>> {
        let mut rest = piece;
        while !rest.is_empty() {
            let held = self.intake.held;
            let whole =
                rest.len().checked_div(F::WRITE_SIZE).unwrap_or_default().saturating_mul(F::WRITE_SIZE);
            let unit_at = self.layout.package.start.saturating_add(self.intake.at);
            let n = if held == 0 && whole > 0 {
                flash.write(unit_at, rest.get(..whole).unwrap_or_default()).map_err(Error::Flash)?;
                whole
            } else {
                let free = self.intake.carry.get_mut(held..F::WRITE_SIZE).unwrap_or_default();
                let n = free.iter_mut().zip(rest).map(|(to, from)| *to = *from).count();
                self.intake.held = held.saturating_add(n);
                n
            };
            rest = rest.get(n..).unwrap_or_default();
            self.intake.at = self.intake.at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
            let held = self.intake.held;
            if held == F::WRITE_SIZE || (held > 0 && self.intake.at == end) {
                let behind = self.layout.package.start.saturating_add(self.intake.at);
                let unit_at = behind.saturating_sub(u32::try_from(held).unwrap_or_default());
                write_padded(flash, unit_at, &mut self.intake.carry, held).map_err(Error::Flash)?;
                self.intake.held = 0;
            }
        }
        Ok(())
    }

    /// Verifies the package that came in, all of it: on success it waits for [`order`](Self::order), on a refusal it is
    /// forgotten and the reason returned. `work` must hold the package's envelope
    /// ([`ENVELOPE_MAX`](kedge_package::limits::ENVELOPE_MAX) octets always do). Writes nothing but the journal.
    ///
    /// The [`Applier`](crate::Applier) verifies again before it erases anything; this is to refuse before the user is
    /// asked.
    pub fn verify<F: NorFlash, C: Crypto>(
        &mut self,
        flash: &mut F,
        device: &Device<'_>,
        crypto: &C,
        work: &mut [u8],
    ) -> Result<(), Error<F::Error>> {
        let size = match self.job() {
            Job::Receiving { size, received } if size == received => size,
            _ => return Err(Error::NotNow),
        };
        match self.verify_all(flash, device, crypto, work, size) {
            Ok(package) => self.set_job(flash, Job::Verified { package, size }),
            Err(Error::Refused(refusal)) => {
                self.set_job(flash, Job::Idle)?;
                Err(Error::Refused(refusal))
            }
            Err(error) => Err(error),
        }
    }

    fn verify_all<F: NorFlash, C: Crypto>(
        &self,
        flash: &mut F,
        device: &Device<'_>,
        crypto: &C,
        work: &mut [u8],
        size: u32,
    ) -> Result<crate::PackageId, Error<F::Error>> {
        let mut verifier = Verifier::<C>::open(self, flash, device, crypto, work, size, Way::There)?;
        while !verifier.step(flash)? {}
        Ok(verifier.accepted().id)
    }
}
