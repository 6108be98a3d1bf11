//! Packages on a flash model, with the device's own code.
use std::fmt::Debug;

use kedge_delta::map::Region;
use kedge_package::limits::{ENVELOPE_MAX, HEADER_LEN};
use kedge_package::{Envelope, Header, Manifest};
use kedge_platform::flash::{NorFlash, Region as Place};
use kedge_platform_sim::nor::Nor;
use kedge_update_agent::{
    Applier, BootDecision, Device, Forecast, Key, Layout, Memory, Metered, Mode, Progress, Tally, Update,
    UpdateResult,
};

use crate::image::MOST_REGIONS;
use crate::{Error, RingCrypto, Signer};

/// What applying a package costs a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Sectors erased, receiving included.
    pub erases: u64,
    /// Write calls.
    pub programs: u64,
    /// Erases of the sector erased most often.
    pub most_worn: u32,
    /// Sectors that the new image has otherwise than the old one.
    pub changed: u32,
    /// What the way to the new image took, from the order to the trial.
    pub there: Trip,
    /// What the way back to the old image took; none if the package holds none.
    pub back: Option<Trip>,
}

/// One way, as it was foreseen and as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trip {
    /// Before.
    pub forecast: Forecast,
    /// Afterwards.
    pub tally: Tally,
}

/// More octets than any device gives a decoder, of RAM, of spare flash or for its state. A package that says it needs more is
/// not tried: it must not fill the memory of a desk either.
pub const NEEDS_MOST: u32 = 64 << 20;

/// Receives and applies `package` on a flash model that holds `old`, with the device's own code, and compares the result
/// with `new`. A revertible package is also taken back to `old`, without a confirmation in between. In place the device has
/// room for `beside` blocks more than it must have, behind the package; with more it makes more of them in a row.
///
/// # Errors
///
/// [`Error::Rehearsal`] with what went wrong, or if it needs more than [`NEEDS_MOST`]; [`Error::Format`] if `package` is
/// none.
pub fn rehearse(
    package: &[u8],
    old: &[u8],
    new: &[u8],
    signer: &Signer,
    beside: u32,
) -> Result<Rehearsal, Error> {
    let manifest = read_manifest(package)?;
    // a device of the target's kind with sectors as small as the block size allows
    if manifest.payload.block_size < SMALL_SECTORS_BELOW {
        Bench::<16, 256>::new(&manifest, package, beside)?.rehearse(old, new, signer)
    } else {
        Bench::<16, 4096>::new(&manifest, package, beside)?.rehearse(old, new, signer)
    }
}

/// What applying `package` is going to cost, on the flash that [`rehearse`] takes with `beside`. Neither the images nor the key are
/// needed.
///
/// # Errors
///
/// [`Error::Format`] if `package` is none, [`Error::Rehearsal`] if the device's code makes nothing of it, or if it needs
/// more than [`NEEDS_MOST`].
pub fn forecast(package: &[u8], beside: u32) -> Result<Forecast, Error> {
    let manifest = read_manifest(package)?;
    if manifest.payload.block_size < SMALL_SECTORS_BELOW {
        Bench::<16, 256>::new(&manifest, package, beside)?.forecast()
    } else {
        Bench::<16, 4096>::new(&manifest, package, beside)?.forecast()
    }
}

/// Blocks below this size stand for sectors of 256 octets, others for sectors of 4096.
const SMALL_SECTORS_BELOW: u32 = 4096;

pub(crate) fn read_manifest(package: &[u8]) -> Result<Manifest<'_>, Error> {
    let truncated = |at| kedge_package::Error::new(kedge_package::ErrorKind::Truncated, at);
    let header = Header::parse(package.first_chunk().ok_or(truncated(0))?)?;
    let envelope = package.get(HEADER_LEN..HEADER_LEN + usize::from(header.envelope));
    let envelope = Envelope::parse(envelope.ok_or(truncated(HEADER_LEN))?)?;
    Ok(Manifest::parse(envelope.manifest, envelope.manifest_at)?)
}

/// A device for a package: just as much flash and RAM as that needs, and room for some blocks more.
struct Bench<'p, const WRITE: usize, const ERASE: usize> {
    package: &'p [u8],
    manifest: &'p Manifest<'p>,
    layout: Layout,
    flash: Nor<WRITE, ERASE>,
    words: Vec<u32>,
    regions: Vec<Region>,
}

type Flash<const WRITE: usize, const ERASE: usize> = Metered<Nor<WRITE, ERASE>>;

impl<'p, const WRITE: usize, const ERASE: usize> Bench<'p, WRITE, ERASE> {
    fn new(manifest: &'p Manifest<'p>, package: &'p [u8], beside: u32) -> Result<Self, Error> {
        let payload = manifest.payload;
        let (block, needs) = (payload.block_size as usize, payload.needs);
        let beside = u64::from(beside) * u64::from(payload.block_size);
        let beside = u32::try_from(beside).unwrap_or(u32::MAX);
        let most = needs.memory.max(needs.spare).max(needs.state).max(beside);
        if most > NEEDS_MOST {
            return Err(Error::Rehearsal(format!("it needs {most} octets: no device has that")));
        }
        let mut end = 0_usize;
        let mut region = |octets: usize| {
            let start = end;
            end += octets.next_multiple_of(block);
            let offset = |n: usize| u32::try_from(n).map_err(|_| Error::ImageSize);
            Ok::<_, Error>(Place::new(offset(start)?, offset(end - start)?))
        };
        let new = manifest.image.size as usize;
        let image = region(manifest.base.map_or(0, |base| base.image.size as usize).max(new))?;
        let mode = match payload.layout {
            kedge_package::Layout::Slot => Mode::Slot { standby: region(new)? },
            kedge_package::Layout::InPlace => {
                Mode::InPlace { scratch: region((needs.spare as usize).max(2 * block))? }
            }
        };
        let state = 2 * (needs.state as usize).next_multiple_of(ERASE);
        let layout = Layout {
            image,
            mode,
            package: region(package.len().next_multiple_of(ERASE) + state + beside as usize)?,
            journal: region((8 * ERASE).max(block))?,
        };
        u32::try_from(end).map_err(|_| Error::ImageSize)?;
        Ok(Self {
            package,
            manifest,
            layout,
            flash: Nor::new(end / ERASE),
            words: vec![0; (needs.memory as usize).max(ENVELOPE_MAX).div_ceil(4)],
            regions: vec![Region::BLANK; MOST_REGIONS],
        })
    }

    fn memory(&mut self) -> Memory<'_> {
        Memory { words: &mut self.words, regions: &mut self.regions }
    }

    fn forecast(mut self) -> Result<Forecast, Error> {
        let mut flash = self.flash.clone();
        let update = self.receive(&mut flash).map_err(Error::Rehearsal)?;
        let memory = self.memory();
        update.forecast::<_, RingCrypto>(&mut flash, memory).map_err(rehearsal)
    }

    fn rehearse(mut self, old: &[u8], new: &[u8], signer: &Signer) -> Result<Rehearsal, Error> {
        let mut flash = Metered::new(self.flash.clone(), self.layout);
        flash.flash().load(0, old).map_err(rehearsal)?;
        let key = Key { id: signer.id(), public: signer.public_key() };
        let device = |version| Device {
            product: self.manifest.product,
            version,
            security_counter: 0,
            keys: std::slice::from_ref(&key),
            trial_attempts: 1,
            memory: self.manifest.payload.needs.memory,
        };
        let from = device(self.manifest.base.map(|base| base.version));
        let (from, to) = (from, device(Some(self.manifest.version)));
        let there = self.there(&mut flash, &from).map_err(Error::Rehearsal)?;
        let mut on_trial = Metered::new(flash.flash().clone(), self.layout);
        let made = self.confirm(&mut flash).map_err(Error::Rehearsal)?;
        judge(flash.flash(), made, new)?;
        let back = if self.manifest.payload.reverse > 0 {
            let trip = self.back(&mut on_trial, &to).map_err(Error::Rehearsal)?;
            judge(on_trial.flash(), 0, old)?;
            Some(trip)
        } else {
            None
        };
        let flash = flash.free();
        let work = flash.work();
        let most_worn = flash.wear().iter().copied().max().unwrap_or_default();
        let changed = changed(old, new, ERASE);
        Ok(Rehearsal { erases: work.erases, programs: work.programs, most_worn, changed, there, back })
    }

    fn receive<F: NorFlash>(&self, flash: &mut F) -> Result<Update, String> {
        let mut update = Update::mount(flash, self.layout).map_err(text)?;
        update.begin(flash, u32::try_from(self.package.len()).map_err(text)?).map_err(text)?;
        update.write(flash, self.package).map_err(text)?;
        Ok(update)
    }

    /// Takes the package up to the trial.
    fn there(&mut self, flash: &mut Flash<WRITE, ERASE>, device: &Device<'_>) -> Result<Trip, String> {
        let mut update = self.receive(flash)?;
        update.verify(flash, device, &RingCrypto, &mut [0; ENVELOPE_MAX]).map_err(text)?;
        update.order(flash).map_err(text)?;
        match self.go(&mut update, flash, device)? {
            (Progress::Complete, trip) => Ok(trip),
            (other, _) => Err(format!("it ended with {other:?}")),
        }
    }

    /// Takes the new image back.
    fn back(&mut self, flash: &mut Flash<WRITE, ERASE>, device: &Device<'_>) -> Result<Trip, String> {
        let mut update = Update::mount(flash, self.layout).map_err(text)?;
        update.roll_back(flash).map_err(text)?;
        match self.go(&mut update, flash, device)? {
            (Progress::Ended(outcome), trip) if outcome.result == UpdateResult::RolledBack => Ok(trip),
            (other, _) => Err(format!("the way back ended with {other:?}")),
        }
    }

    /// Goes one way, in a power session of its own.
    fn go(
        &mut self,
        update: &mut Update,
        flash: &mut Flash<WRITE, ERASE>,
        device: &Device<'_>,
    ) -> Result<(Progress, Trip), String> {
        *update = Update::mount(flash, self.layout).map_err(text)?;
        let forecast = update.forecast::<_, RingCrypto>(flash, self.memory()).map_err(text)?;
        flash.reset();
        let memory = self.memory();
        let mut applier = Applier::resume(update, flash, device, &RingCrypto, memory).map_err(text)?;
        loop {
            let progress = applier.step(flash).map_err(text)?;
            if matches!(progress, Progress::Complete | Progress::Ended(_)) {
                return Ok((progress, Trip { forecast, tally: flash.tally() }));
            }
        }
    }

    /// Starts the new image and confirms it; returns the offset of its slot.
    fn confirm<F: NorFlash>(&self, flash: &mut F) -> Result<usize, String> {
        let mut update = Update::mount(flash, self.layout).map_err(text)?;
        match update.boot(flash).map_err(text)? {
            BootDecision::Run(slot) => {
                update.confirm(flash).map_err(text)?;
                Ok(self.layout.slot(slot).start as usize)
            }
            other => Err(format!("the start decided on {other:?}")),
        }
    }
}

/// How many sectors of `size` octets `new` has otherwise.
fn changed(old: &[u8], new: &[u8], size: usize) -> u32 {
    let sectors = new.chunks(size).enumerate();
    let differs =
        |(n, sector): &(usize, &[u8])| old.get(n * size..).is_none_or(|there| !there.starts_with(sector));
    sectors.filter(differs).fold(0, |count, _| count + 1)
}

/// The image must stand at `at`, and the flash must have been used well.
fn judge<const WRITE: usize, const ERASE: usize>(
    flash: &Nor<WRITE, ERASE>,
    at: usize,
    image: &[u8],
) -> Result<(), Error> {
    if flash.dump().get(at..at + image.len()) != Some(image) {
        return Err(Error::Rehearsal("the image that was made is another".into()));
    }
    match flash.misuses().first() {
        Some(misuse) => Err(Error::Rehearsal(format!("misuse of the flash: {misuse:?}"))),
        None => Ok(()),
    }
}

fn text(error: impl Debug) -> String {
    format!("{error:?}")
}

fn rehearsal(error: impl Debug) -> Error {
    Error::Rehearsal(text(error))
}
