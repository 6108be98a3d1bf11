//! `kedge delta apply --stream`: the package is used while it is read, by the device's own code on the flash model, whose
//! package region holds no more than streaming takes.

use std::io::Read;

use anyhow::Context;
use kedge_delta::map::Region as Understood;
use kedge_delta::rebuild::{LENGTH_MAX, plan_end};
use kedge_generator::image::MOST_REGIONS;
use kedge_generator::{NEEDS_MOST, RingCrypto};
use kedge_package::limits::{ENVELOPE_MAX, HEADER_LEN};
use kedge_package::{Envelope, Header, Kind, Layout as PackageLayout, Manifest};
use kedge_platform::flash::{NorFlash, Region};
use kedge_platform_sim::nor::Nor;
use kedge_update_agent::streaming::SHARE;
use kedge_update_agent::{
    BootDecision, Device, Error, Key, Layout, Memory, Mode, Progress, Site, Streaming, Update, UpdateResult,
};

use crate::command::signing::Trust;

/// Octets read in one go: what a segment of TCP carries over Ethernet.
const PIECE: usize = 1460;
/// Sectors of the model. A package for smaller blocks gets smaller ones.
const SECTOR: usize = 4096;
const SMALL_SECTOR: usize = 256;

/// The new image, and what it took.
pub(super) struct Streamed {
    pub(super) new: Vec<u8>,
    /// Octets of the package.
    pub(super) package: u32,
    /// Octets of flash that took the place of storing it.
    pub(super) stash: u32,
    /// Sectors erased.
    pub(super) erases: u64,
}

/// What stands at the front of a package, read ahead to know what the device must be like. Nothing of it is believed: the
/// device on the model checks it again.
struct Front {
    octets: Vec<u8>,
    header: Header,
    /// Where in the payload the plan ends.
    plan_end: u32,
}

/// Applies the package that `source` gives; why not, in words.
pub(super) fn streamed(
    source: &mut impl Read,
    old: &[u8],
    trust: &Trust,
) -> anyhow::Result<Result<Streamed, String>> {
    let Some(front) = Front::read(source).context("reading the package")? else {
        return Ok(Err("broken update package: its front is none".into()));
    };
    let envelope = front.octets.get(HEADER_LEN..).and_then(|rest| rest.get(..front.header.envelope.into()));
    let Ok(envelope) = Envelope::parse(envelope.unwrap_or_default()) else {
        return Ok(Err("broken update package: its envelope is none".into()));
    };
    let manifest = match Manifest::parse(envelope.manifest, envelope.manifest_at) {
        Ok(manifest) => manifest,
        Err(error) => return Ok(Err(format!("broken update package: {error}"))),
    };
    if manifest.payload.layout != PackageLayout::Slot || manifest.payload.kind == Kind::Delta {
        return Ok(Err("only coded deltas and full images for a slot can be streamed".into()));
    }
    if manifest.payload.needs.memory > NEEDS_MOST {
        return Ok(Err("it needs more than 64 MiB of RAM".into()));
    }
    let public = trust.public_key(envelope.key_id.octets())?;
    let keys: Vec<Key<'_>> =
        public.into_iter().map(|public| Key { id: envelope.key_id.octets(), public }).collect();
    if manifest.payload.block_size as usize >= SECTOR {
        on_model::<SECTOR>(source, &front, &manifest, &keys, old)
    } else {
        on_model::<SMALL_SECTOR>(source, &front, &manifest, &keys, old)
    }
}

impl Front {
    /// None if the octets are no front of a package.
    fn read(source: &mut impl Read) -> std::io::Result<Option<Self>> {
        let mut octets = Vec::new();
        source.by_ref().take(HEADER_LEN as u64).read_to_end(&mut octets)?;
        let Some(Ok(header)) = octets.first_chunk().map(Header::parse) else { return Ok(None) };
        let rest = u64::from(header.envelope) + LENGTH_MAX as u64;
        source.by_ref().take(rest).read_to_end(&mut octets)?;
        let payload = octets.get(header.payload_at() as usize..).unwrap_or_default();
        // a full image has no plan, its octets may mean anything
        let plan_end = plan_end(payload, header.payload).ok().flatten().unwrap_or(0);
        Ok(Some(Self { octets, header, plan_end }))
    }
}

fn on_model<const ERASE: usize>(
    source: &mut impl Read,
    front: &Front,
    manifest: &Manifest<'_>,
    keys: &[Key<'_>],
    old: &[u8],
) -> anyhow::Result<Result<Streamed, String>> {
    let needs = manifest.payload.needs;
    let plan_end = if manifest.payload.kind == Kind::Coded { front.plan_end } else { 0 };
    // packages of earlier generators do not say how large the state is: it is smaller than the tables
    let state = if needs.state > 0 { needs.state } else { needs.memory };
    let mut end = 0;
    let mut region = |octets: usize| {
        let start = end;
        end += octets.next_multiple_of(ERASE);
        Ok::<_, anyhow::Error>(Region::new(start.try_into()?, (end - start).try_into()?))
    };
    let stash = (front.header.payload_at() as usize + plan_end as usize).next_multiple_of(ERASE)
        + 2 * (state as usize).next_multiple_of(ERASE);
    let image = region(old.len().max(manifest.image.size as usize))?;
    let standby = region(manifest.image.size as usize)?;
    let layout = Layout {
        image,
        mode: Mode::Slot { standby },
        package: region(stash)?,
        journal: region((8 * ERASE).max(SECTOR))?,
    };
    let mut flash = Nor::<16, ERASE>::new(end / ERASE);
    flash.load(0, old).context("the flash model")?;
    let device = Device {
        product: manifest.product,
        version: manifest.base.map(|base| base.version),
        security_counter: 0,
        keys,
        trial_attempts: 1,
        memory: needs.memory,
    };
    let made = match run(&mut flash, layout, &device, &mut front.octets.as_slice().chain(source))? {
        Ok(made) => made.start as usize,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(misuse) = flash.misuses().first() {
        return Ok(Err(format!("misuse of the flash: {misuse:?}")));
    }
    let new = flash
        .dump()
        .get(made..)
        .and_then(|rest| rest.get(..manifest.image.size as usize))
        .map(<[u8]>::to_vec);
    Ok(Ok(Streamed {
        new: new.context("the slot is smaller than the image")?,
        package: front.header.total().unwrap_or_default(),
        stash: layout.package.len,
        erases: flash.work().erases,
    }))
}

/// Takes the package through a device; where the image stands that then starts, or why there is none.
fn run<const ERASE: usize>(
    flash: &mut Nor<16, ERASE>,
    layout: Layout,
    device: &Device<'_>,
    source: &mut impl Read,
) -> anyhow::Result<Result<Region, String>> {
    let mut words = vec![0; (device.memory as usize).max(ENVELOPE_MAX).div_ceil(4)];
    let mut regions = [Understood::BLANK; MOST_REGIONS];
    let memory = Memory { words: &mut words, regions: &mut regions };
    let mut update = match Update::mount(flash, layout) {
        Ok(update) => update,
        Err(error) => return Ok(Err(format!("{error}"))),
    };
    let mut site = Site { update: &mut update, flash, device, crypto: &RingCrypto, share: SHARE };
    if let Err(why) = push(&mut site, memory, source)? {
        return Ok(Err(why));
    }
    if let Some(outcome) = site.update.outcome() {
        return Ok(Err(format!("{} (result {})", outcome.result, outcome.result.code())));
    }
    match site.update.boot(site.flash) {
        Ok(BootDecision::Run(slot)) if slot != site.update.active() => Ok(Ok(layout.slot(slot))),
        Ok(_) => Ok(Err("the package ends too early".into())),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Hands the package in, piece by piece.
fn push<F: NorFlash>(
    site: &mut Site<'_, F, RingCrypto>,
    memory: Memory<'_>,
    source: &mut impl Read,
) -> std::io::Result<Result<(), String>> {
    let text = |error: Error<F::Error>| match error {
        Error::Refused(refusal) => {
            let result = UpdateResult::Refused(refusal);
            format!("{result} (result {})", result.code())
        }
        error => error.to_string(),
    };
    let mut streaming = match Streaming::begin(site, memory) {
        Ok(streaming) => streaming,
        Err(error) => return Ok(Err(text(error))),
    };
    let mut buffer = [0; PIECE];
    let mut octets = &[][..];
    loop {
        if streaming.needs_from().is_some() && octets.is_empty() {
            let n = source.read(&mut buffer)?;
            if n == 0 {
                return Ok(Ok(()));
            }
            octets = &buffer[..n];
        }
        match streaming.push(site, &mut octets) {
            Ok(Progress::Ended(_)) => return Ok(Ok(())),
            Ok(Progress::Complete) if octets.is_empty() && source.read(&mut [0])? == 0 => return Ok(Ok(())),
            Ok(Progress::Complete) => return Ok(Err("octets behind the end of the package".into())),
            Ok(_) => {}
            Err(error) => return Ok(Err(text(error))),
        }
    }
}
