use std::fmt::Debug;

use kedge_delta::map::Region;
use kedge_package::limits::{ENVELOPE_MAX, HEADER_LEN};
use kedge_package::{Envelope, Header, Manifest};
use kedge_platform::flash::{NorFlash, Region as Place};
use kedge_platform_sim::nor::Nor;
use kedge_update_agent::{Applier, BootDecision, Device, Key, Layout, Memory, Mode, Progress, Update};

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
}

/// More octets than any device gives a decoder, of RAM, of spare flash or for its state. A package that says it needs more is
/// not tried: it must not fill the memory of a desk either.
pub const NEEDS_MOST: u32 = 64 << 20;

/// Receives and applies `package` on a flash model that holds `old`, with the device's own code, and compares the result
/// with `new`.
///
/// # Errors
///
/// [`Error::Rehearsal`] with what went wrong, or if it needs more than [`NEEDS_MOST`]; [`Error::Format`] if `package` is
/// none.
pub fn rehearse(package: &[u8], old: &[u8], new: &[u8], signer: &Signer) -> Result<Rehearsal, Error> {
    let manifest = read_manifest(package)?;
    let needs = manifest.payload.needs;
    let most = needs.memory.max(needs.spare).max(needs.state);
    if most > NEEDS_MOST {
        return Err(Error::Rehearsal(format!("it needs {most} octets: no device has that")));
    }
    // a device of the target's kind with sectors as small as the block size allows
    if manifest.payload.block_size < 4096 {
        on_model::<16, 256>(&manifest, package, old, new, signer)
    } else {
        on_model::<16, 4096>(&manifest, package, old, new, signer)
    }
}

pub(crate) fn read_manifest(package: &[u8]) -> Result<Manifest<'_>, Error> {
    let truncated = |at| kedge_package::Error::new(kedge_package::ErrorKind::Truncated, at);
    let header = Header::parse(package.first_chunk().ok_or(truncated(0))?)?;
    let envelope = package.get(HEADER_LEN..HEADER_LEN + usize::from(header.envelope));
    let envelope = Envelope::parse(envelope.ok_or(truncated(HEADER_LEN))?)?;
    Ok(Manifest::parse(envelope.manifest, envelope.manifest_at)?)
}

fn on_model<const WRITE: usize, const ERASE: usize>(
    manifest: &Manifest<'_>,
    package: &[u8],
    old: &[u8],
    new: &[u8],
    signer: &Signer,
) -> Result<Rehearsal, Error> {
    let block = manifest.payload.block_size as usize;
    let needs = manifest.payload.needs;
    let mut end = 0;
    let mut region = |octets: usize| {
        let start = end;
        end += octets.next_multiple_of(block);
        let offset = |n: usize| u32::try_from(n).map_err(|_| Error::ImageSize);
        Ok::<_, Error>(Place::new(offset(start)?, offset(end - start)?))
    };
    let image = region(old.len().max(new.len()))?;
    let mode = match manifest.payload.layout {
        kedge_package::Layout::Slot => Mode::Slot { standby: region(new.len())? },
        kedge_package::Layout::InPlace => {
            Mode::InPlace { scratch: region((needs.spare as usize).max(2 * block))? }
        }
    };
    let state = 2 * (needs.state as usize).next_multiple_of(ERASE);
    let layout = Layout {
        image,
        mode,
        package: region(package.len().next_multiple_of(ERASE) + state)?,
        journal: region((8 * ERASE).max(block))?,
    };
    let mut flash = Nor::<WRITE, ERASE>::new(end / ERASE);
    flash.load(0, old).map_err(rehearsal)?;
    let key = Key { id: signer.id(), public: signer.public_key() };
    let device = Device {
        product: manifest.product,
        version: manifest.base.map(|base| base.version),
        security_counter: 0,
        keys: &[key],
        trial_attempts: 1,
        memory: needs.memory,
    };
    let mut words = vec![0; (needs.memory as usize).max(ENVELOPE_MAX).div_ceil(4)];
    let mut regions = [Region::BLANK; MOST_REGIONS];
    let memory = Memory { words: &mut words, regions: &mut regions };
    let made = apply(&mut flash, layout, &device, package, memory).map_err(Error::Rehearsal)? as usize;
    if flash.dump().get(made..made + new.len()) != Some(new) {
        return Err(Error::Rehearsal("the image that was made is another".into()));
    }
    if let Some(misuse) = flash.misuses().first() {
        return Err(Error::Rehearsal(format!("misuse of the flash: {misuse:?}")));
    }
    let work = flash.work();
    let most_worn = flash.wear().iter().copied().max().unwrap_or_default();
    Ok(Rehearsal { erases: work.erases, programs: work.programs, most_worn })
}

/// Takes a package through a device's life; returns the offset of the slot that then runs.
fn apply<F: NorFlash>(
    flash: &mut F,
    layout: Layout,
    device: &Device<'_>,
    package: &[u8],
    memory: Memory<'_>,
) -> Result<u32, String> {
    let work = &mut [0; ENVELOPE_MAX];
    let mut update = Update::mount(flash, layout).map_err(text)?;
    update.begin(flash, u32::try_from(package.len()).map_err(text)?).map_err(text)?;
    update.write(flash, package).map_err(text)?;
    update.verify(flash, device, &RingCrypto, work).map_err(text)?;
    update.order(flash).map_err(text)?;
    let mut applier = Applier::resume(&mut update, flash, device, &RingCrypto, memory).map_err(text)?;
    loop {
        match applier.step(flash).map_err(text)? {
            Progress::Complete => break,
            Progress::Ended(outcome) => return Err(format!("it ended with {}", outcome.result)),
            _ => {}
        }
    }
    match update.boot(flash).map_err(text)? {
        BootDecision::Run(slot) => {
            update.confirm(flash).map_err(text)?;
            Ok(layout.slot(slot).start)
        }
        other => Err(format!("the start decided on {other:?}")),
    }
}

fn text(error: impl Debug) -> String {
    format!("{error:?}")
}

fn rehearsal(error: impl Debug) -> Error {
    Error::Rehearsal(text(error))
}
