//! Updates on a device whose boot loader stays the OEM's.
//!
//! Kedge makes the new image in the second slot while the old one runs, hands it over, and from then on the boot loader
//! decides what starts. The journal and the loader's own record are two truths that a power cut can catch between two
//! writes; [`Update::follow`] reads both at every start and says what is to be done until they agree:
//!
//! ```text
//!  start ─► follow ─┬─ Run      nothing to do
//!                   ├─ Update   step an Applier to its end, follow again
//!                   ├─ Restart  restart: the loader has to act
//!                   └─ Prove    this is the new image on trial: test it, then prove(), or restart to go back
//! ```
//! | loader | adapter | how it takes an image |
//! |---|---|---|
//! | MCUboot, swap modes | [`mcuboot`] | trailers of two slots; it swaps them, the running image is always in the first |
//! | ESP-IDF | [`otadata`] | two entries with a sequence number; it selects one of 2 to 16 slots |
//! | Linux (RAUC, SWUpdate, U-Boot) | `kedge-platform-linux`, `handover` | a program of the OEM, called with a verb |
//!
//! # Order of writes
//!
//! The order is fixed so that every cut leaves the old or the new decision, never neither:
//!
//! 1. *Stage*: an attempt is taken off the journal's trial, then the loader is told. A cut between the two costs the
//!    attempt and nothing else; a trial without attempts ends as rolled back.
//! 2. *Confirm*: the journal notes that confirmation was begun ([`CONFIRMING`]), the loader is told, then the journal ends
//!    the trial and raises the security counter. So the counter never locks out an image that the loader may go back to.
//!    After a cut in between, what the loader's record reads proves nothing: its word may have been torn and read
//!    otherwise at the next start. So the loader is first told *again*, in a way that does not rest on that word.
//!
//! All combinations of journal, loader and running image, and what follows, are in `BOOT-STATES.md`.
//!
//! What a torn write can do to the *foreign* record is that format's affair; each adapter's documentation says what it
//! gives.
pub mod mcuboot;
pub mod otadata;
#[cfg(test)]
mod tests;

use core::fmt;

use kedge_package::Image;
use kedge_platform::crypto::{Crypto, Sha256 as _};
use kedge_platform::flash::{NorFlash, Region};
pub use kedge_platform::loader::{Loader, Standing};

use crate::flash_io::for_each_piece;
use crate::record::Job;
use crate::{Error, Mode, Update, UpdateResult};

/// The attempts of a trial whose confirmation was begun; no trial is given that many.
pub const CONFIRMING: u8 = 255;
/// Most attempts that a trial is given.
pub const ATTEMPTS_MAX: u8 = 254;

/// Which image runs. A firmware knows it by its own version: [`Runs::New`] if that is the version the package installs;
/// [`holds`] finds out by hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// The image that was there before the update.
    Old,
    /// The image that the update made.
    New,
}

/// What the firmware has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing; work as usual.
    Run,
    /// Make the new image ([`Applier`](crate::Applier)), then follow again.
    Update,
    /// Restart: the loader has to act.
    Restart,
    /// This image is on trial: test it, then [`Update::prove`]; to refuse it, [`Loader::reject`] and restart.
    Prove,
}

/// Why journal and loader could not be brought together. The call can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault<L, F> {
    /// The loader's record.
    Loader(L),
    /// The journal.
    Journal(Error<F>),
}

impl<L, F> From<Error<F>> for Fault<L, F> {
    fn from(error: Error<F>) -> Self {
        Self::Journal(error)
    }
}

impl<L: fmt::Display, F: fmt::Debug> fmt::Display for Fault<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loader(error) => write!(f, "boot loader's record: {error}"),
            Self::Journal(error) => write!(f, "update journal: {error}"),
        }
    }
}

impl<L: fmt::Debug + fmt::Display, F: fmt::Debug> core::error::Error for Fault<L, F> {}

impl Update {
    /// Brings journal and loader together; call it once per start, and again after an [`Applier`](crate::Applier) ended.
    /// Refused with [`Error::NotNow`] on an in-place layout, where there is nothing to hand over.
    pub fn follow<F: NorFlash, L: Loader<F>>(
        &mut self,
        flash: &mut F,
        loader: &mut L,
        runs: Runs,
    ) -> Result<Next, Fault<L::Error, F::Error>> {
        if let Mode::InPlace { .. } = self.layout.mode {
            return Err(Error::NotNow.into());
        }
        let standing = loader.standing(flash).map_err(Fault::Loader)?;
        match (self.job(), standing, runs) {
            (Job::Trial { .. } | Job::Ordered { .. } | Job::Applying { .. }, Standing::Pending, _) => {
                Ok(Next::Restart)
            }
            (Job::Trial { attempts: CONFIRMING, .. }, Standing::OnTrial, Runs::New)
            | (Job::Trial { .. }, Standing::Settled, Runs::New) => {
                self.confirm_with(flash, loader, true)?;
                Ok(Next::Run)
            }
            (_, Standing::OnTrial, _) => Ok(Next::Prove),
            (Job::Trial { package, attempts: 0 | CONFIRMING, .. }, Standing::Settled, Runs::Old) => {
                self.end(flash, package, UpdateResult::RolledBack)?;
                Ok(Next::Run)
            }
            (Job::Trial { package, way_back, counter, attempts }, Standing::Settled, Runs::Old) => {
                let attempts = attempts.saturating_sub(1);
                self.set_job(flash, Job::Trial { package, way_back, counter, attempts })?;
                loader.stage(flash).map_err(Fault::Loader)?;
                Ok(Next::Restart)
            }
            (Job::Ordered { .. } | Job::Applying { .. }, Standing::Settled, _) => Ok(Next::Update),
            _ => Ok(Next::Run),
        }
    }

    /// The image on trial works: tells the loader, then ends the trial in the journal. For [`Next::Prove`] only.
    pub fn prove<F: NorFlash, L: Loader<F>>(
        &mut self,
        flash: &mut F,
        loader: &mut L,
    ) -> Result<(), Fault<L::Error, F::Error>> {
        let again = match self.job() {
            Job::Trial { attempts: CONFIRMING, .. } => true,
            Job::Trial { package, way_back, counter, .. } => {
                self.set_job(flash, Job::Trial { package, way_back, counter, attempts: CONFIRMING })?;
                false
            }
            _ => false,
        };
        self.confirm_with(flash, loader, again)
    }

    fn confirm_with<F: NorFlash, L: Loader<F>>(
        &mut self,
        flash: &mut F,
        loader: &mut L,
        again: bool,
    ) -> Result<(), Fault<L::Error, F::Error>> {
        loader.confirm(flash, again).map_err(Fault::Loader)?;
        let active = if L::SWAPS { self.active() } else { self.active().other() };
        Ok(self.settle(flash, active)?)
    }
}

/// Whether `image` stands at the start of `slot`, by its SHA-256. Reads the whole image.
pub fn holds<F: NorFlash, C: Crypto>(flash: &mut F, slot: Region, image: &Image) -> Result<bool, F::Error> {
    if image.size > slot.len {
        return Ok(false);
    }
    let mut hash = C::Sha256::default();
    for_each_piece::<F, F::Error>(flash, slot.start, image.size, |_, _, buffer, n| {
        hash.update(buffer.get(..n).unwrap_or_default());
        Ok(())
    })?;
    Ok(hash.finish() == image.sha256)
}

/// The next `N` octets of a fixed record; zeros behind its end, which no caller reaches.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (first, behind) = rest.split_first_chunk::<N>().unwrap_or((&[0; N], &[]));
    *rest = behind;
    *first
}
