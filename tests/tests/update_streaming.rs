//! Packages used while they come in: in pieces of any size, over connections that drop and devices that restart anywhere,
//! through power failures, and when what comes in is not what was signed.
use std::cell::Cell;
use std::path::Path;

use kedge_generator::Layout::{self, InPlace, Slot};
use kedge_generator::{Coding, Installed, Release, RingCrypto, RingSha256, Signer, Target, create};
use kedge_package::limits::ENVELOPE_MAX;
use kedge_package::{
    Base, Header, Image, KeyId, Kind, Layout as Where, Manifest, Needs, Payload, emit_envelope,
};
use kedge_platform::crypto::{Crypto, Sha256};
use kedge_platform::flash::NorFlash;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_tests::life::Life;
use kedge_tests::update::{Case, Content, Fault, Front, PRODUCT, Room, holds, image_pair};
use kedge_update_agent::streaming::SHARE;
use kedge_update_agent::{
    BootDecision, Device, Error, Failure, Job, Progress, Refusal, Site, Slot as Place, Streaming, Update,
    UpdateResult,
};
use proptest::prelude::*;

type Flash = Nor<8, 256>;

fn case(content: Content) -> Case {
    let (old, new) = image_pair(3000, 256, 11);
    Case::new(&old, &new, content, Slot, 256, 256)
}

fn payload_at(package: &[u8]) -> usize {
    Header::parse(package.first_chunk().unwrap()).unwrap().payload_at() as usize
}

/// How the package comes in.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// Octets of a piece.
    piece: usize,
    /// After so many octets the connection drops, and what was handed in but not taken is lost.
    drops: usize,
    /// With the connection the device goes down.
    restarts: bool,
    share: u32,
}

const STEADY: Link = Link { piece: 1500, drops: usize::MAX, restarts: false, share: SHARE };

/// Octets that came over the link, in all connections; where each began.
#[derive(Clone, Debug, Default)]
struct Traffic {
    octets: usize,
    connections: Vec<usize>,
}

/// Takes the package over the link to the end of the update.
fn fetched<F: NorFlash>(
    case: &Case,
    flash: &mut F,
    link: Link,
    package: &[u8],
) -> Result<(Progress, Traffic), Error<F::Error>> {
    fetched_with(case, flash, link, package, &RingCrypto)
}

fn fetched_with<F: NorFlash, C: Crypto>(
    case: &Case,
    flash: &mut F,
    link: Link,
    package: &[u8],
    crypto: &C,
) -> Result<(Progress, Traffic), Error<F::Error>> {
    let mut traffic = Traffic::default();
    let mut update = Update::mount(flash, case.layout)?;
    loop {
        assert!(traffic.connections.len() < 10_000, "it gets on");
        let session = Cell::new(0);
        let ended = case.with_measure(Some("1"), |device| {
            let mut room = Box::new(Room::new());
            let mut site = Site { update: &mut update, flash, device, crypto, share: link.share };
            let mut streaming = match site.update.job() {
                Job::Idle => Streaming::begin(&mut site, room.lend())?,
                _ => Streaming::resume(&mut site, room.lend())?,
            };
            let mut octets = &[][..];
            let mut progress = streaming.push(&mut site, &mut octets)?;
            while !matches!(progress, Progress::Complete | Progress::Ended(_)) {
                if session.get() >= link.drops {
                    session.set(0);
                    octets = &[];
                    if link.restarts {
                        return Ok::<_, Error<F::Error>>(None);
                    }
                }
                if let (Some(at), true) = (streaming.needs_from(), octets.is_empty()) {
                    let at = at as usize;
                    if session.get() == 0 {
                        traffic.connections.push(at);
                    }
                    let piece = link.piece.min(link.drops.saturating_sub(session.get()));
                    octets = &package[at..package.len().min(at + piece)];
                    assert!(!octets.is_empty(), "asks for what there is");
                    session.set(session.get() + octets.len());
                    traffic.octets += octets.len();
                }
                progress = streaming.push(&mut site, &mut octets)?;
            }
            Ok(Some(progress))
        })?;
        if let Some(progress) = ended {
            return Ok((progress, traffic));
        }
        update = Update::mount(flash, case.layout)?;
    }
}

/// The new image is there and is tried next, the old one is as it was, and the flash was used as it must be.
fn is_on_trial(case: &Case, flash: &mut Flash) {
    let mut update = Update::mount(flash, case.layout).unwrap();
    assert_eq!(update.boot(flash), Ok(BootDecision::Run(Place::Second)));
    assert!(holds(flash, case.layout.slot(Place::Second).start, &case.new).unwrap());
    assert!(holds(flash, case.layout.image.start, &case.old).unwrap());
    update.confirm(flash).unwrap();
    assert_eq!(update.outcome().map(|outcome| outcome.result), Some(UpdateResult::Installed));
    assert!(flash.misuses().is_empty(), "{:?}", flash.misuses().first());
}

#[test]
fn pieces_of_any_size_make_the_image() {
    for content in [Content::Streamed, Content::StreamedFull] {
        let case = case(content);
        for piece in [1, 7, 64, 1500, usize::MAX] {
            let mut flash: Flash = case.device(1);
            let (progress, traffic) =
                fetched(&case, &mut flash, Link { piece, ..STEADY }, &case.package).unwrap();
            assert_eq!(progress, Progress::Complete);
            assert_eq!(traffic.octets, case.package.len(), "every octet once, in pieces of {piece}");
            is_on_trial(&case, &mut flash);
        }
    }
}

/// While the device runs, a connection that drops costs what was under way and nothing else.
#[test]
fn a_connection_that_drops_anywhere_costs_nothing() {
    for content in [Content::Streamed, Content::StreamedFull] {
        let case = case(content);
        let mut connections = 0;
        for drops in (1..60).chain([100, 333, 1000]) {
            let link = Link { piece: 50, drops, ..STEADY };
            let mut flash: Flash = case.device(1);
            let (progress, traffic) = fetched(&case, &mut flash, link, &case.package).unwrap();
            assert_eq!(progress, Progress::Complete);
            assert!(traffic.connections.is_sorted(), "it never goes back");
            connections += traffic.connections.len();
            is_on_trial(&case, &mut flash);
        }
        kedge_tests::figure!("{content:?}: {connections} connections dropped");
    }
}

/// A device that restarts goes on where the journal stands: at a sector of the front, at the last block that was kept.
#[test]
fn a_restart_anywhere_goes_back_to_what_was_kept() {
    let mut restarts = 0;
    for (content, share) in [(Content::Streamed, 0), (Content::Streamed, 1), (Content::StreamedFull, 0)] {
        let case = case(content);
        let front = Front::of(&case.package).len;
        for drops in (front + 200..case.package.len()).step_by(7).chain([usize::MAX]) {
            let link = Link { piece: 100, drops, restarts: true, share };
            let mut flash: Flash = case.device(1);
            let (progress, traffic) = fetched(&case, &mut flash, link, &case.package).unwrap();
            assert_eq!(progress, Progress::Complete);
            // the front was safe
            assert!(traffic.connections.iter().skip(1).all(|at| *at >= front), "{traffic:?}");
            restarts += traffic.connections.len() - 1;
            is_on_trial(&case, &mut flash);
        }
    }
    kedge_tests::figure!("restarts while a package streams in: {restarts}");
}

/// A package refused in its front, or whose image is not the signed one.
fn refused(case: &Case, link: Link, package: &[u8]) -> (Flash, Option<UpdateResult>) {
    let mut flash: Flash = case.device(1).with_trace();
    let ended = match fetched(case, &mut flash, link, package) {
        Ok((Progress::Ended(outcome), _)) => outcome.result,
        Ok((Progress::Complete, _)) => return (flash, None),
        Ok((other, _)) => panic!("{other:?} is no end"),
        Err(Fault::Refused(refusal)) => {
            let slot = case.layout.slot(Place::Second);
            let touched = flash
                .trace()
                .iter()
                .any(|op| op.offset < slot.start + slot.len && slot.start < op.offset + op.len);
            assert!(!touched, "{refusal}: the slot was touched");
            UpdateResult::Refused(refusal)
        }
        Err(other) => panic!("{other}"),
    };
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Place::First)));
    assert!(holds(&mut flash, case.layout.image.start, &case.old).unwrap());
    (flash, Some(ended))
}

#[test]
fn every_altered_octet_ends_with_the_old_image() {
    let mut cases = 0;
    for content in [Content::Streamed, Content::StreamedFull] {
        let case = case(content);
        let front = Front::of(&case.package).len;
        let payload_at = payload_at(&case.package);
        for at in 0..case.package.len() {
            let mut package = case.package.clone();
            package[at] ^= 0x11;
            let (flash, result) = refused(&case, STEADY, &package);
            assert!(flash.misuses().is_empty(), "{:?}", flash.misuses().first());
            match result {
                Some(UpdateResult::Refused(Refusal::BadPayload) | UpdateResult::Failed(_)) => {
                    assert!(at >= payload_at, "octet {at}");
                }
                Some(UpdateResult::Refused(_)) => assert!(at < front, "octet {at}"),
                other => panic!("octet {at}: {other:?}"),
            }
            cases += 1;
        }
    }
    kedge_tests::figure!("altered octets in a stream: {cases} cases");
}

/// After a restart the payload's hash is not known; the image's decides: what is tried is what was signed.
#[test]
fn an_altered_octet_and_restarts_end_with_the_signed_image_or_the_old_one() {
    let case = case(Content::Streamed);
    let front = Front::of(&case.package).len;
    let link = Link { piece: 100, drops: front.max(257) + 100, restarts: true, share: 0 };
    let mut right = 0;
    for at in 0..case.package.len() {
        let mut package = case.package.clone();
        package[at] ^= 0x40;
        let (mut flash, result) = refused(&case, link, &package);
        if result.is_none() {
            is_on_trial(&case, &mut flash);
            right += 1;
        }
    }
    kedge_tests::figure!("altered octets and restarts: {right} changed nothing of the image");
}

/// Streams `octets` until it asks for what is not there.
fn begun(case: &Case, flash: &mut Flash, octets: &[u8]) -> Update {
    let mut update = Update::mount(flash, case.layout).unwrap();
    case.with_measure(Some("1"), |device| {
        let mut room = Box::new(Room::new());
        let mut site = Site { update: &mut update, flash, device, crypto: &RingCrypto, share: 0 };
        let mut streaming = Streaming::begin(&mut site, room.lend()).unwrap();
        while streaming.needs_from() != Some(u32::try_from(octets.len()).unwrap()) {
            let mut rest = streaming.needs_from().map_or(&[][..], |at| &octets[at as usize..]);
            let progress = streaming.push(&mut site, &mut rest).unwrap();
            assert!(!matches!(progress, Progress::Complete | Progress::Ended(_)), "not all is there");
        }
    });
    update
}

#[test]
fn a_truncated_package_waits_and_can_be_given_up() {
    let case = case(Content::Streamed);
    for len in (0..case.package.len()).step_by(23).chain([case.package.len() - 1]) {
        let mut flash: Flash = case.device(1);
        let mut update = begun(&case, &mut flash, &case.package[..len]);
        assert_eq!(
            update.boot(&mut flash),
            Ok(BootDecision::Run(Place::First)),
            "the old image runs meanwhile"
        );
        let streaming = matches!(update.job(), Job::Streaming { .. });
        if streaming {
            assert_eq!(update.begin(&mut flash, 100), Err(Error::NotNow));
            assert_eq!(update.order(&mut flash), Err(Error::NotNow));
            assert_eq!(update.write(&mut flash, b"x"), Err(Error::NotNow));
            assert_eq!(update.manifest(&mut flash, &mut [0; ENVELOPE_MAX]).unwrap().description, "Test");
        }
        update.abandon(&mut flash).unwrap();
        let result = update.outcome().map(|outcome| outcome.result);
        assert_eq!(result, streaming.then_some(UpdateResult::Failed(Failure::Abandoned)), "{len}");
        update.clear_outcome(&mut flash).unwrap();
        assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Place::First)));
        let (progress, _) = fetched(&case, &mut flash, STEADY, &case.package).unwrap();
        assert_eq!(progress, Progress::Complete, "after {len} octets and a fresh start");
        is_on_trial(&case, &mut flash);
    }
}

/// Why the package is refused on a device that differs from what it is for.
fn refusal(case: &Case, flash: &mut Flash, change: impl FnOnce(&mut Device<'_>)) -> Refusal {
    let mut update = Update::mount(flash, case.layout).unwrap();
    let refused: Result<(), Fault> = case.with_measure(Some("1"), |device| {
        let mut device = *device;
        change(&mut device);
        let mut room = Box::new(Room::new());
        let mut site = Site { update: &mut update, flash, device: &device, crypto: &RingCrypto, share: 0 };
        let mut streaming = Streaming::begin(&mut site, room.lend())?;
        let mut octets = &case.package[..];
        loop {
            assert!(!octets.is_empty(), "all of it is taken");
            let progress = streaming.push(&mut site, &mut octets)?;
            assert!(!matches!(progress, Progress::Complete | Progress::Ended(_)), "{progress:?}");
        }
    });
    let Err(Error::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(update.job(), Job::Idle, "{refusal}: it is forgotten");
    refusal
}

#[test]
fn what_a_device_lacks_is_told_before_the_slot_is_touched() {
    let case = case(Content::Streamed);
    let needed = case.layout.package.len;
    // the stash: the missing amount is enough, first for what the manifest tells, then for the plan too
    let mut smaller = case.clone();
    smaller.layout.package.len = 256;
    let mut told = 0;
    while smaller.layout.package.len < needed {
        let Refusal::State { missing } = refusal(&smaller, &mut smaller.device(1), |_| ()) else {
            panic!("another refusal")
        };
        smaller.layout.package.len += missing;
        told += 1;
    }
    assert_eq!(smaller.layout.package.len, needed, "not more than needed was said to be missing");
    assert!(told <= 2, "{told} steps");
    let missing = refusal(&case, &mut case.device(1), |device| device.memory = 1000);
    assert!(matches!(missing, Refusal::Memory { missing } if missing >= 1048), "{missing:?}");
    assert_eq!(
        refusal(&case, &mut case.device(1), |device| device.product = "toaster"),
        Refusal::OtherProduct
    );
    assert_eq!(
        refusal(&case, &mut case.device(1), |device| device.version = Some("9")),
        Refusal::OtherVersion
    );
    let mut other = case.device(1);
    other.load(case.layout.image.start, &vec![7; case.old.len()]).unwrap();
    assert_eq!(refusal(&case, &mut other, |_| ()), Refusal::OtherImage);
    // what cannot be streamed: ops without entropy coding, packages for in place, devices that update in place
    for (content, layout) in [(Content::Plain, Slot), (Content::Delta, InPlace)] {
        let (old, new) = (&case.old, &case.new);
        let package = Case::new(old, new, content, layout, 256, 256).package;
        let stored = Case::with_package(old, new, package, Slot, 256, 256);
        assert_eq!(refusal(&stored, &mut stored.device(1), |_| ()), Refusal::OtherLayout, "{content:?}");
    }
    let in_place = Case::new(&case.old, &case.new, Content::Delta, InPlace, 256, 256);
    assert_eq!(refusal(&in_place, &mut in_place.device(1), |_| ()), Refusal::OtherLayout);
}

/// Takes every signature for good.
struct Credulous;

impl Crypto for Credulous {
    type Sha256 = RingSha256;

    fn verify_ed25519(&self, _: &[u8; 32], _: &[&[u8]], _: &[u8; 64]) -> bool {
        true
    }
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut hash = RingSha256::default();
    hash.update(octets);
    hash.finish()
}

/// A package that somebody with a key made of any payload.
fn hostile(old: &[u8], new: &[u8], payload: &[u8]) -> Vec<u8> {
    let size = |octets: &[u8]| u32::try_from(octets.len()).unwrap();
    let image = |octets: &[u8]| Image { size: size(octets), sha256: sha256(octets) };
    let needs = Needs { memory: Room::MEMORY, spare: 0, state: 256 };
    let manifest = Manifest {
        product: PRODUCT,
        base: Some(Base { version: "1", image: image(old) }),
        version: "2",
        image: image(new),
        security_counter: 2,
        payload: Payload {
            kind: Kind::Coded,
            layout: Where::Slot,
            block_size: 256,
            size: size(payload),
            sha256: sha256(payload),
            needs,
        },
        description: "",
        notes: "",
    };
    let (mut octets, mut envelope) = ([0; ENVELOPE_MAX], [0; ENVELOPE_MAX]);
    let len = manifest.emit(&mut octets).unwrap();
    let key_id = KeyId::new(Signer::test_key().id()).map(|id| id.octets().to_vec()).unwrap();
    let key_id = KeyId::new(&key_id).unwrap();
    let len = emit_envelope(key_id, &octets[..len], |_| [0; 64], &mut envelope).unwrap();
    let header = Header { envelope: u16::try_from(len).unwrap(), payload: size(payload) };
    [&header.emit(), &envelope[..len], payload].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A payload that somebody with a key made of anything ends, after bounded writing, with the old image, or with the one
    /// that was signed.
    #[test]
    fn hostile_payloads_end(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in 0usize..60,
        random in prop::option::weighted(0.2, prop::collection::vec(any::<u8>(), 1..400)),
    ) {
        let sound = case(Content::Streamed);
        let mut payload = sound.package[payload_at(&sound.package)..].to_vec();
        for (at, value) in damage {
            let at = at.index(payload.len());
            payload[at] = value;
        }
        payload.truncate(payload.len() - cut);
        let payload = random.unwrap_or(payload);
        let package = hostile(&sound.old, &sound.new, &payload);
        let case = Case::with_package(&sound.old, &sound.new, package.clone(), Slot, 256, 256);
        let mut flash: Flash = case.device(1);
        match fetched_with(&case, &mut flash, Link { share: 0, ..STEADY }, &package, &Credulous) {
            Ok((Progress::Complete, _)) => is_on_trial(&case, &mut flash),
            Ok(_) | Err(Error::Refused(_)) => {
                let mut update = Update::mount(&mut flash, case.layout).unwrap();
                prop_assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Place::First)));
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
        // each block, and its state, once; the front once; the journal now and then
        let most = 12 * (case.new.len() / 256 + 1) + payload.len() / 256 + 60;
        prop_assert!(flash.work().erases <= most as u64, "{} erases", flash.work().erases);
        prop_assert!(flash.misuses().is_empty(), "{:?}", flash.misuses().first());
    }
}

/// A pair of the corpus as a package for tables of 12.7 KiB.
fn firmware(name: &str) -> Option<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/firmware").join(name);
    let read = |file| std::fs::read(folder.join(file)).ok();
    let (Some(old), Some(new)) = (read("old.bin"), read("new.bin")) else {
        kedge_tests::figure!("skipped: no {name} in ../shared/corpus/firmware beside the workspace");
        return None;
    };
    let release = Release {
        product: PRODUCT,
        version: "2",
        security_counter: 2,
        description: "",
        notes: "",
        image: &new,
    };
    let installed = Installed { version: "1", image: &old };
    let target = Target { layout: Layout::Slot, block_size: 4096 };
    let made = create(&release, &installed, target, &Coding::default(), &Signer::test_key()).unwrap();
    let case = Case::with_package(&old, &new, made.package, Slot, 4096, 4096);
    Some(case.streaming(4096, SHARE))
}

#[test]
fn firmware_streams_over_connections_that_drop_and_devices_that_restart() {
    for name in ["mpy-microbit", "mpy-stm32f4", "simba-sam3x", "st7789-esp32c3"] {
        let Some(case) = firmware(name) else { return };
        let front = Front::of(&case.package);
        let blocks = front.state.next_multiple_of(4096) * SHARE as usize / 4096;
        let link = Link {
            piece: 1460,
            drops: (case.package.len() * 2 / 3).max(front.len + 2000),
            restarts: true,
            share: SHARE,
        };
        let mut flash: Nor<16, 4096> = case.device(1);
        let (progress, traffic) = fetched(&case, &mut flash, link, &case.package).unwrap();
        assert_eq!(progress, Progress::Complete);
        let again = traffic.octets - case.package.len();
        let changed = case.new.len().div_ceil(4096);
        let erases = flash.work().erases;
        kedge_tests::figure!(
            "{name}: package {}, front {}, stash {}, image {} in {changed} blocks; {erases} erases, {} restarts, {again} octets fetched again; kept every {blocks} blocks",
            case.package.len(),
            front.len,
            case.layout.package.len,
            case.new.len(),
            traffic.connections.len() - 1,
        );
        let mut update = Update::mount(&mut flash, case.layout).unwrap();
        assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Place::Second)));
        assert!(holds(&mut flash, case.layout.slot(Place::Second).start, &case.new).unwrap());
        // the slot, an eighth of it for the states, and what the restarts cost
        let restarts = traffic.connections.len();
        let most = changed + changed / 8 + restarts * (blocks + 4) + front.len / 4096 + 16;
        assert!(erases as usize <= most, "{erases} erases, {most} are enough");
    }
}

#[test]
fn firmware_streams_through_power_failures() {
    let Some(case) = firmware("mpy-microbit") else { return };
    let factory = Life::new(case.device::<16, 4096>(1));
    let mut clean = factory.clone();
    let operations = clean.finish(&case).unwrap();
    let mut cases = 0;
    for at in (0..operations).step_by(usize::try_from(operations / 25).unwrap()) {
        for cut in [Cut::Torn { seed: at }, Cut::After] {
            let mut life = factory.clone();
            assert!(life.cut(&case, at, cut).unwrap(), "operation {at} exists");
            // and once more in the recovery
            life.cut(&case, at / 2, Cut::Torn { seed: at + 1 }).unwrap();
            life.finish(&case).unwrap_or_else(|error| panic!("{at} {cut:?}: {error}"));
            assert!(
                life.extra_wear(&clean) <= 4,
                "two cuts cost {} erases of one sector",
                life.extra_wear(&clean)
            );
            cases += 1;
        }
    }
    kedge_tests::figure!("power cuts while firmware streams in: {cases} cases of two cuts, 0 violations");
}
