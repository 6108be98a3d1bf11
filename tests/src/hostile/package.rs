//! Packages: read, received, and applied by a device that takes any signature.
use std::sync::LazyLock;

use kedge_generator::{Layout as PackageLayout, RingSha256, Signer, suit};
use kedge_package::limits::{ENVELOPE_MAX, HEADER_LEN};
use kedge_package::{Base, Envelope, Header, Image, KeyId, Kind, Manifest, Payload, dump, emit_envelope};
use kedge_platform::crypto::{Crypto, Sha256};
use kedge_platform::flash::Region;
use kedge_platform_sim::nor::Nor;
use kedge_update_agent::{
    Applier, BootDecision, Device, Error, Key, Layout, Mode, Outcome, Progress, Update, UpdateResult,
};

use super::Depth;
use super::bounds;
use super::counted::{Counted, Work};
use super::take::Take;
use crate::update::{Case, Content, PRODUCT, Room, TRIAL_ATTEMPTS, holds, image_pair};

const SECTOR: u32 = 256;
pub(super) type Flash = Counted<Nor<8, { SECTOR as usize }>>;

/// Octets that a device of these tests has room for: of a package, with the decoder's state behind it.
const PACKAGE: u32 = 32 << 10;
/// Octets of the image region, of which the old image takes a part.
pub(super) const ROOM: u32 = 4096;
const OLD: usize = 2900;
/// Sectors of the spare region.
const SPARE: u32 = 3;
const JOURNAL: u32 = 8 * SECTOR;

/// Any signature is good.
pub(super) struct Trusting;

impl Crypto for Trusting {
    type Sha256 = RingSha256;

    fn verify_ed25519(&self, _: &[u8; 32], _: &[&[u8]], _: &[u8; 64]) -> bool {
        true
    }
}

/// The old image of all packages, and a new one.
pub(super) static IMAGES: LazyLock<(Vec<u8>, Vec<u8>)> =
    LazyLock::new(|| image_pair(OLD, SECTOR as usize, 11));

/// A device with slots, or one that overwrites its image.
pub(super) fn layout(in_place: bool) -> Layout {
    let mut end = 0;
    let mut region = |len| {
        let start = end;
        end += len;
        Region::new(start, len)
    };
    let image = region(ROOM);
    let mode = if in_place {
        Mode::InPlace { scratch: region(SPARE * SECTOR) }
    } else {
        Mode::Slot { standby: region(ROOM) }
    };
    Layout { image, mode, package: region(PACKAGE), journal: region(JOURNAL) }
}

/// A device with that layout and the old image.
pub(super) fn flash(layout: &Layout) -> Flash {
    let end = layout.journal.start + layout.journal.len;
    let mut flash = Nor::new((end / SECTOR) as usize);
    flash.load(layout.image.start, &IMAGES.0).unwrap_or_else(|error| panic!("{error}"));
    Counted::new(flash)
}

/// Lets `body` have what a package is measured against.
pub(super) fn with_device<R>(version: Option<&str>, body: impl FnOnce(&Device<'_>) -> R) -> R {
    let signer = Signer::test_key();
    body(&Device {
        product: PRODUCT,
        version,
        security_counter: 0,
        keys: &[Key { id: signer.id(), public: signer.public_key() }],
        trial_attempts: TRIAL_ATTEMPTS,
        memory: Room::MEMORY,
    })
}

/// Header, envelope and manifest of `octets`, and their text.
pub(super) fn read(octets: &[u8]) -> Depth {
    let mut text = String::new();
    if let Err(error) = dump(octets, &mut text) {
        assert!(error.at <= octets.len(), "{error}");
    }
    // a line is for a field, a block or an op, and the shortest of them takes some octets
    assert!(text.len() <= 200 * (octets.len() + 10), "{} octets of text for {}", text.len(), octets.len());
    let Some((head, rest)) = octets.split_first_chunk::<HEADER_LEN>() else { return Depth::Unread };
    let length = Header::parse(head).map(|header| usize::from(header.envelope));
    let envelope = rest.get(..length.unwrap_or(rest.len())).unwrap_or(rest);
    let Ok(envelope) = Envelope::parse(envelope) else { return Depth::Unread };
    match Manifest::parse(envelope.manifest, envelope.manifest_at) {
        Err(error) => {
            assert!(error.at <= octets.len(), "{error}");
            Depth::Refused
        }
        Ok(manifest) => {
            let mut again = [0; ENVELOPE_MAX];
            let len =
                manifest.emit(&mut again).unwrap_or_else(|error| panic!("what was read is written: {error}"));
            assert_eq!(Manifest::parse(&again[..len], 0), Ok(manifest));
            Depth::Taken
        }
    }
}

/// A package as it is.
pub(super) fn receive(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let layout = layout(take.octet() & 1 == 1);
    offered(&layout, take.0)
}

/// A manifest and a payload, in an envelope that is in order.
pub(super) fn apply(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let layout = layout(take.octet() & 1 == 1);
    let len = usize::from(u16::from_le_bytes([take.octet(), take.octet()]));
    let manifest = take.octets(len).to_vec();
    let payload = take.0;
    let manifest = put_right(&manifest, payload).unwrap_or(manifest);
    match wrapped(&manifest, payload) {
        Some(package) => offered(&layout, &package),
        None => Depth::Unread,
    }
}

/// The manifest with the sizes and hashes that fit; none if that cannot be.
fn put_right(manifest: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    let manifest = Manifest::parse(manifest, 0).ok()?;
    let sha256 = |octets: &[u8]| {
        let mut hash = RingSha256::default();
        hash.update(octets);
        hash.finish()
    };
    let image =
        |octets: &[u8]| Some(Image { size: u32::try_from(octets.len()).ok()?, sha256: sha256(octets) });
    let base = match manifest.base {
        None => None,
        Some(base) => {
            let old = IMAGES.0.get(..base.image.size as usize).unwrap_or(&IMAGES.0);
            Some(Base { image: image(old)?, ..base })
        }
    };
    let full = manifest.payload.kind == Kind::Full;
    let fitting = Manifest {
        base,
        image: if full { image(payload)? } else { manifest.image },
        payload: Payload {
            size: u32::try_from(payload.len()).ok()?,
            sha256: sha256(payload),
            ..manifest.payload
        },
        ..manifest
    };
    let mut out = [0; ENVELOPE_MAX];
    let len = fitting.emit(&mut out).ok()?;
    Some(out[..len].to_vec())
}

/// A package of these parts; none if the manifest is too long.
pub(super) fn wrapped(manifest: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    let mut envelope = [0; ENVELOPE_MAX];
    let signer = Signer::test_key();
    let key_id = KeyId::new(signer.id()).ok()?;
    let len = emit_envelope(key_id, manifest, |_| [0; 64], &mut envelope).ok()?;
    let header = Header { envelope: u16::try_from(len).ok()?, payload: u32::try_from(payload.len()).ok()? };
    Some([&header.emit(), &envelope[..len], payload].concat())
}

/// Offers a package to a device and lets it do what it does with it.
pub(super) fn offered(layout: &Layout, package: &[u8]) -> Depth {
    let manifest = manifest_of(package);
    let mut flash = flash(layout);
    let size = u32::try_from(package.len()).unwrap_or(u32::MAX);
    let mut update = Update::mount(&mut flash, *layout).unwrap_or_else(|error| panic!("{error:?}"));
    if update.begin(&mut flash, size).is_err() {
        return Depth::Unread;
    }
    update.write(&mut flash, package).unwrap_or_else(|error| panic!("{error:?}"));
    let most = manifest.map(|manifest| bounds::applying(layout, SECTOR, &manifest));
    // what no manifest could be read of costs what reading it costs; either way only the journal is written to
    let unread = Work { read: 1 << 20, ..Work::default() };
    flash.limit(Work { read: most.unwrap_or(unread).read, ..bounds::verdict(SECTOR) });
    let work = &mut [0; ENVELOPE_MAX];
    let verified = with_device(Some("1"), |device| update.verify(&mut flash, device, &Trusting, work));
    assert!(holds(&mut flash, layout.image.start, &IMAGES.0).is_ok_and(|holds| holds));
    if let Err(error) = verified {
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
        return Depth::Refused;
    }
    flash.limit(most.unwrap_or_default());
    update.order(&mut flash).unwrap_or_else(|error| panic!("{error:?}"));
    match update.boot(&mut flash) {
        Ok(BootDecision::Update) => {}
        other => panic!("it was ordered: {other:?}"),
    }
    let ended = finished(&mut update, &mut flash);
    assert_eq!(flash.inner.misuses(), []);
    judge(layout, &mut flash, ended)
}

/// The manifest of a package, if it can be read.
pub(super) fn manifest_of(package: &[u8]) -> Option<Manifest<'_>> {
    let (head, rest) = package.split_first_chunk::<HEADER_LEN>()?;
    let envelope = rest.get(..usize::from(Header::parse(head).ok()?.envelope))?;
    let envelope = Envelope::parse(envelope).ok()?;
    Manifest::parse(envelope.manifest, 0).ok()
}

/// Applies what is ordered to its end.
pub(super) fn finished(update: &mut Update, flash: &mut Flash) -> Progress {
    let mut room = Box::new(Room::new());
    let ended = with_device(None, |device| {
        let mut applier = Applier::resume(update, flash, device, &Trusting, room.lend())?;
        loop {
            let progress = applier.step(flash)?;
            if matches!(progress, Progress::Complete | Progress::Ended(_)) {
                return Ok(progress);
            }
        }
    });
    ended.unwrap_or_else(|error: Error<_>| panic!("on a flash without faults: {error:?}"))
}

/// Whether the old image is still there where it has to be.
fn judge(layout: &Layout, flash: &mut Flash, ended: Progress) -> Depth {
    let depth = match ended {
        Progress::Ended(Outcome { result: UpdateResult::Refused(_), .. }) => Depth::Refused,
        Progress::Ended(_) => Depth::Failed,
        _ => Depth::Taken,
    };
    let kept = depth == Depth::Refused || matches!(layout.mode, Mode::Slot { .. });
    assert!(!kept || holds(flash, layout.image.start, &IMAGES.0).is_ok_and(|holds| holds), "{ended:?}");
    depth
}

/// Good packages of every kind for both layouts, the second half with a SUIT envelope.
pub(super) fn whole() -> Vec<Vec<u8>> {
    static WHOLE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let (old, new) = &*IMAGES;
        let block = SECTOR as usize;
        let mut packages: Vec<Vec<u8>> = Vec::new();
        for content in [Content::Full, Content::Delta, Content::Plain] {
            for layout in [PackageLayout::Slot, PackageLayout::InPlace] {
                packages.push(Case::new(old, new, content, layout, block, block).package);
            }
        }
        let signer = Signer::test_key();
        let again =
            packages.iter().map(|package| suit(package, &signer).unwrap_or_else(|error| panic!("{error}")));
        let again: Vec<Vec<u8>> = again.collect();
        packages.extend(again);
        packages
    });
    WHOLE.clone()
}

/// The same as manifest and payload.
pub(super) fn parts() -> Vec<Vec<u8>> {
    let plain = whole().into_iter().take(6).enumerate();
    plain
        .map(|(n, package)| {
            let (head, rest) =
                package.split_first_chunk::<HEADER_LEN>().unwrap_or_else(|| panic!("a header"));
            let len = Header::parse(head).map_or(0, |header| usize::from(header.envelope));
            let (envelope, payload) = rest.split_at(len);
            let envelope = Envelope::parse(envelope).unwrap_or_else(|error| panic!("{error}"));
            let len = u16::try_from(envelope.manifest.len()).unwrap_or(u16::MAX);
            let layout = u8::from(n % 2 == 1);
            [&[layout], &len.to_le_bytes()[..], envelope.manifest, payload].concat()
        })
        .collect()
}
