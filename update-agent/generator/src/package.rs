use kedge_delta::map::Region;
use kedge_delta::model::Sizes;
use kedge_delta::rebuild::{Outline, Rebuild};
use kedge_package::limits::{ENVELOPE_MAX, IMAGE_MAX};
use kedge_package::{Base, Header, Image, KeyId, Kind, Layout, Manifest, Needs, Payload, emit_envelope};

use crate::check::{Rehearsal, rehearse};
use crate::crypto::sha256;
use crate::encode::{Coded, Options, encode};
use crate::image::Hint;
use crate::matcher::Matcher;
use crate::unpack::{Carried, Stream, Streams};
use crate::{Error, Signer};

/// What a package brings.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// Product, 1 to 32 printable ASCII characters.
    pub product: &'a str,
    /// Version, likewise.
    pub version: &'a str,
    /// Devices refuse packages with a smaller one than they have confirmed: raise it when a release closes a hole.
    pub security_counter: u32,
    /// One line for the prompt, at most 128 octets.
    pub description: &'a str,
    /// Release notes, at most 1024 octets.
    pub notes: &'a str,
    /// The firmware image.
    pub image: &'a [u8],
}

/// What must be installed for a package to apply.
#[derive(Clone, Copy, Debug)]
pub struct Installed<'a> {
    /// Its version.
    pub version: &'a str,
    /// Its firmware image, as it stands on the flash.
    pub image: &'a [u8],
}

/// What the devices are like.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// How they get an image into place.
    pub layout: Layout,
    /// Octets written in one go: a power of two from 256 on, a multiple of the erase sector, in place no more than the
    /// scratch region.
    pub block_size: u32,
}

/// How a delta is coded.
#[derive(Clone, Copy)]
pub struct Coding<'a> {
    /// Octets of RAM that the device has for it: the largest of the profiles (4 KiB, 16 KiB, 128 KiB) that fits is taken.
    pub ram: u32,
    /// Spare blocks that the device has, in place: one for the block that is made, the others to save what is needed later.
    pub spare: u32,
    /// What is known of the images.
    pub hint: Hint,
    /// In place, the package also holds the delta that leads back to what is installed.
    pub reverse: bool,
    /// Is told what is done of what.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl Default for Coding<'_> {
    /// For a device with 16 KiB and two spare blocks.
    fn default() -> Self {
        Self { ram: 16 << 10, spare: 2, hint: Hint::default(), reverse: false, progress: &|_, _| () }
    }
}

/// A package and how it came out.
#[derive(Clone, Debug)]
pub struct Made {
    /// The package.
    pub package: Vec<u8>,
    /// What it is made of.
    pub report: Report,
}

/// What a coded delta is made of; of a revertible package's two, the one that leads to the new image.
#[derive(Clone, Debug)]
pub struct Report {
    /// Octets of the payload, both deltas.
    pub payload: usize,
    /// How many of them, the last ones, lead back; 0: there is no way back.
    pub reverse: usize,
    /// Octets of its plan and of its content.
    pub parts: (usize, usize),
    /// What the device needs, whichever way.
    pub needs: Needs,
    /// What was found in the images.
    pub regions: Vec<Region>,
    /// Blocks that are made, and all blocks.
    pub blocks: (usize, usize),
    /// Octets that are sent one by one, and what that takes of the content.
    pub literals: (u64, u64),
    /// Octets that could not be copied because their place was overwritten.
    pub lost: usize,
    /// How often something is saved.
    pub saves: usize,
    /// Compressed streams of both images, and how they are carried.
    pub streams: Vec<Stream>,
    /// What applying it costs.
    pub rehearsal: Rehearsal,
}

/// Streams that hold more are not unpacked: who makes a package has no use for a stream that fills his memory either.
const UNPACKED_MAX: usize = 256 << 20;

/// A package that holds how the release differs from what is installed.
///
/// # Errors
///
/// See [`Error`].
pub fn delta(
    release: &Release<'_>,
    installed: &Installed<'_>,
    target: Target,
    signer: &Signer,
) -> Result<Vec<u8>, Error> {
    create(release, installed, target, &Coding::default(), signer).map(|made| made.package)
}

/// The same, coded as it is asked for.
///
/// # Errors
///
/// See [`Error`].
pub fn create(
    release: &Release<'_>,
    installed: &Installed<'_>,
    target: Target,
    coding: &Coding<'_>,
    signer: &Signer,
) -> Result<Made, Error> {
    if coding.reverse && target.layout == Layout::Slot {
        return Err(Error::Reverse);
    }
    let (old, new) = (installed.image, release.image);
    image(old)?;
    image(new)?;
    let progress = |done, all| (coding.progress)(done, if coding.reverse { 2 * all } else { all });
    let (there, mut needs) = code(old, new, target, coding, &progress)?;
    let Best { kind, coded: there, streams, .. } = there;
    let mut payload = there.payload;
    let forward = payload.len();
    if coding.reverse {
        let progress = |done, all| (coding.progress)(all + done, 2 * all);
        let (back, more) = code(new, old, target, coding, &progress)?;
        payload.extend(back.coded.payload);
        needs = Needs {
            memory: needs.memory.max(more.memory),
            spare: needs.spare.max(more.spare),
            state: needs.state.max(more.state),
        };
    }
    let reverse = payload.len() - forward;
    let content = Content { kind, octets: &payload, needs, reverse };
    let (package, rehearsal) = assemble(release, Some(installed), target, content, signer)?;
    let report = Report {
        payload: payload.len(),
        reverse,
        parts: there.parts,
        needs,
        regions: there.regions,
        blocks: there.blocks,
        literals: there.literals,
        lost: there.lost,
        saves: there.saves,
        streams,
        rehearsal,
    };
    Ok(Made { package, report })
}

/// A delta that makes `new` from `old`, and what it needs.
fn code(
    old: &[u8],
    new: &[u8],
    target: Target,
    coding: &Coding<'_>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(Best, Needs), Error> {
    let small = |len: usize| u32::try_from(len).map_err(|_| Error::ImageSize);
    let block = usize::try_from(target.block_size).ok().filter(|n| *n > 0).ok_or(BAD_BLOCK_SIZE)?;
    let in_place = target.layout == Layout::InPlace;
    let sizes = sizes(coding.ram)?;
    let room = block * usize::try_from(coding.spare.saturating_sub(1)).map_err(|_| Error::ImageSize)?;
    let options = Options { in_place, block, room, sizes, hint: coding.hint };
    let outline = Outline {
        payload: 0,
        old_size: small(old.len())?,
        new_size: small(new.len())?,
        block: target.block_size,
        in_place,
    };
    let tables = outline.words(sizes) * 4;
    let best = best((old, new), &options, coding, tables, progress);
    let coded = &best.coded;
    let needs = Needs {
        memory: small(tables + best.memory)?.max(small(ENVELOPE_MAX)?),
        spare: if in_place { target.block_size * if coded.saves > 0 { coding.spare } else { 1 } } else { 0 },
        // streams that are made again have more state than is worth keeping
        state: if best.kind == Kind::Unpacked { 0 } else { small(Rebuild::kept_words(sizes) * 4)? },
    };
    Ok((best, needs))
}

/// The smallest payload that was found.
struct Best {
    kind: Kind,
    coded: Coded,
    streams: Vec<Stream>,
    /// Octets of memory beside the coder's tables.
    memory: usize,
}

/// Codes the delta between the images as they are, and between the images with streams unpacked; keeps the smaller.
fn best(
    (old, new): (&[u8], &[u8]),
    options: &Options,
    coding: &Coding<'_>,
    tables: usize,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Best {
    let room = usize::try_from(coding.ram).unwrap_or(usize::MAX).saturating_sub(tables);
    let found = Streams::find(old, new, UNPACKED_MAX);
    let coded = encode(old, new, options, progress);
    let others = if options.in_place { Carried::InPlace } else { Carried::NoGain };
    let mut best = Best { kind: Kind::Coded, coded, streams: found.report(None, others), memory: 0 };
    if options.in_place || found.is_empty() {
        return best;
    }
    let mut tried = Vec::new();
    for alone in [false, true] {
        let choice = found.choose(room, alone);
        let others =
            if choice == found.choose(usize::MAX, alone) { Carried::NoGain } else { Carried::Memory };
        if choice.is_empty() {
            if best.kind == Kind::Coded && tried.is_empty() {
                best.streams = found.report(None, others);
            }
            continue;
        }
        if tried.contains(&choice) {
            continue;
        }
        let expanded = found.expand(old, new, &choice);
        let mut coded = encode(&expanded.old, &expanded.new, options, progress);
        let recipe = [crate::encode::varint(expanded.recipe.len()), expanded.recipe].concat();
        coded.payload.splice(0..0, recipe);
        if coded.payload.len() < best.coded.payload.len() {
            let streams = found.report(Some((&choice, &expanded.spent)), others);
            best = Best { kind: Kind::Unpacked, coded, streams, memory: expanded.memory };
        }
        tried.push(choice);
    }
    best
}

/// The tables for a device with so many octets of RAM.
fn sizes(ram: u32) -> Result<Sizes, Error> {
    match ram {
        ..0x1000 => Err(Error::Memory { least: 0x1000 }),
        0x1000..0x4000 => Ok(Sizes::TINY),
        0x4000..0x2_0000 => Ok(Sizes::SMALL),
        _ => Ok(Sizes::LARGE),
    }
}

/// A package with a delta that is not entropy coded, for devices that decode nothing else: kind 1 of the format.
///
/// # Errors
///
/// See [`Error`].
pub fn plain(
    release: &Release<'_>,
    installed: &Installed<'_>,
    target: Target,
    signer: &Signer,
) -> Result<Vec<u8>, Error> {
    image(installed.image)?;
    image(release.image)?;
    let matcher = Matcher::new(installed.image);
    let block_size = usize::try_from(target.block_size).ok().filter(|n| *n > 0).ok_or(BAD_BLOCK_SIZE)?;
    let payload = crate::delta::payload(&matcher, release.image, target.layout, block_size);
    let content = Content { kind: Kind::Delta, octets: &payload, needs: Needs::default(), reverse: 0 };
    assemble(release, Some(installed), target, content, signer).map(|(package, _)| package)
}

/// A package that holds the whole image; if `installed` is given, it applies only there.
///
/// # Errors
///
/// See [`Error`].
pub fn full(
    release: &Release<'_>,
    installed: Option<&Installed<'_>>,
    target: Target,
    signer: &Signer,
) -> Result<Vec<u8>, Error> {
    let content = Content { kind: Kind::Full, octets: release.image, needs: Needs::default(), reverse: 0 };
    assemble(release, installed, target, content, signer).map(|(package, _)| package)
}

const BAD_BLOCK_SIZE: Error = Error::Format(kedge_package::Error::new(kedge_package::ErrorKind::BadValue, 0));

/// What stands behind the envelope.
#[derive(Clone, Copy)]
struct Content<'a> {
    kind: Kind,
    octets: &'a [u8],
    needs: Needs,
    /// Octets of the second delta.
    reverse: usize,
}

fn assemble(
    release: &Release<'_>,
    installed: Option<&Installed<'_>>,
    target: Target,
    content: Content<'_>,
    signer: &Signer,
) -> Result<(Vec<u8>, Rehearsal), Error> {
    let payload = content.octets;
    let base = match installed {
        Some(installed) => Some(Base { version: installed.version, image: image(installed.image)? }),
        None => None,
    };
    let manifest = Manifest {
        product: release.product,
        base,
        version: release.version,
        image: image(release.image)?,
        security_counter: release.security_counter,
        payload: Payload {
            kind: content.kind,
            layout: target.layout,
            block_size: target.block_size,
            size: u32::try_from(payload.len()).map_err(|_| Error::ImageSize)?,
            sha256: sha256(payload),
            needs: content.needs,
            reverse: u32::try_from(content.reverse).map_err(|_| Error::ImageSize)?,
        },
        description: release.description,
        notes: release.notes,
    };
    let mut buffer = [0; ENVELOPE_MAX];
    let len = manifest.emit(&mut buffer)?;
    let mut envelope = [0; ENVELOPE_MAX];
    let key_id = KeyId::new(signer.id())?;
    let sign = |signed: &kedge_package::SigStructure<'_>| signer.sign(&signed.parts().concat());
    let envelope_len = emit_envelope(key_id, &buffer[..len], sign, &mut envelope)?;
    let header = Header {
        envelope: u16::try_from(envelope_len).map_err(|_| Error::ImageSize)?,
        payload: manifest.payload.size,
    };
    let package = [&header.emit(), &envelope[..envelope_len], payload].concat();
    let rehearsal =
        rehearse(&package, installed.map_or(&[], |installed| installed.image), release.image, signer, 0)?;
    Ok((package, rehearsal))
}

fn image(octets: &[u8]) -> Result<Image, Error> {
    match u32::try_from(octets.len()) {
        Ok(size) if (1..=IMAGE_MAX).contains(&size) => Ok(Image { size, sha256: sha256(octets) }),
        _ => Err(Error::ImageSize),
    }
}
