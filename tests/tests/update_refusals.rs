//! What is refused is refused before the first sector of an image is touched: every altered bit, every truncation, and each
//! way in which a sound package is for another device.
use kedge_generator::{
    Coding, Installed, Layout as PackageLayout, Release, RingCrypto, Signer, Target, create, full, suit,
};
use kedge_package::limits::ENVELOPE_MAX;
use kedge_platform::flash::Region;
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::nor::Nor;
use kedge_tests::life::Life;
use kedge_tests::update::{Case, Content, Fault, PRODUCT, Room, image_pair};
use kedge_update_agent::{
    Applier, BootDecision, Device, Error, Failure, Job, Key, Mode, Progress, Refusal, Update, UpdateResult,
};

type Flash = Nor<8, 256>;

fn small_case(layout: PackageLayout) -> Case {
    let (old, new) = image_pair(900, 256, 11);
    Case::new(&old, &new, Content::Delta, layout, 256, 256)
}

/// Packages of every kind, for both layouts, with both envelopes.
fn every_kind() -> Vec<Case> {
    let (old, new) = image_pair(900, 256, 11);
    let mut cases = Vec::new();
    for content in [Content::Full, Content::Plain, Content::Delta] {
        for layout in [PackageLayout::Slot, PackageLayout::InPlace] {
            let case = Case::new(&old, &new, content, layout, 256, 256);
            let package = suit(&case.package, &Signer::test_key()).unwrap();
            cases.push(Case::with_package(&old, &new, package, layout, 256, 256));
            cases.push(case);
        }
    }
    cases
}

/// Whether an operation since the trace began touched an image, or where one is made.
fn touched_image(flash: &Flash, case: &Case) -> bool {
    let extra = match case.layout.mode {
        Mode::Slot { standby } => standby,
        Mode::InPlace { scratch } => scratch,
    };
    let touches =
        |region: Region| flash.trace().iter().any(|op| region.overlaps(Region::new(op.offset, op.len)));
    touches(case.layout.image) || touches(extra)
}

/// Receives `package` on a new device and verifies it as the agent does.
fn verified(case: &Case, package: &[u8]) -> (Flash, Result<Update, Fault>) {
    let mut flash = case.device(1).with_trace();
    let mut receive = || {
        let mut update = Update::mount(&mut flash, case.layout)?;
        update.begin(&mut flash, u32::try_from(package.len()).unwrap())?;
        update.write(&mut flash, package)?;
        case.with_measure(Some("1"), |device| {
            update.verify(&mut flash, device, &RingCrypto, &mut [0; ENVELOPE_MAX])
        })?;
        Ok(update)
    };
    let update = receive();
    (flash, update)
}

/// Replaces the package of a device that was told to apply it, and lets it try.
fn applied(ordered: &Flash, case: &Case, package: &[u8]) -> (Flash, UpdateResult) {
    let mut flash = ordered.clone();
    flash.load(case.layout.package.start, package).unwrap();
    let mut flash = flash.with_trace();
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Update));
    let Ok(Progress::Ended(outcome)) = case.apply(&mut update, &mut flash) else {
        panic!("an altered package was applied")
    };
    assert_eq!(update.outcome(), Some(outcome));
    assert!(matches!(update.boot(&mut flash), Ok(BootDecision::Run(_))), "the old image still runs");
    (flash, outcome.result)
}

#[test]
fn every_altered_bit_is_refused_before_the_first_erase() {
    let mut cases = 0;
    for layout in [PackageLayout::Slot, PackageLayout::InPlace] {
        let case = small_case(layout);
        let (mut ordered, update) = verified(&case, &case.package);
        update.unwrap().order(&mut ordered).unwrap();
        for bit in 0..case.package.len() * 8 {
            let mut package = case.package.clone();
            package[bit / 8] ^= 1 << (bit % 8);
            let (flash, update) = verified(&case, &package);
            assert!(matches!(update, Err(Error::Refused(_))), "bit {bit}: {:?}", update.map(|u| u.job()));
            assert!(!touched_image(&flash, &case), "bit {bit}");
            let (flash, result) = applied(&ordered, &case, &package);
            assert!(
                matches!(result, UpdateResult::Refused(_) | UpdateResult::Failed(Failure::PackageChanged)),
                "bit {bit}: {result}"
            );
            assert!(!touched_image(&flash, &case), "bit {bit}");
            cases += 2;
        }
    }
    kedge_tests::figure!("altered bits refused: {cases} cases");
}

#[test]
fn every_truncation_is_refused_before_the_first_erase() {
    let mut cases = 0;
    for case in every_kind() {
        for len in 0..case.package.len() {
            let (flash, update) = verified(&case, &case.package[..len]);
            assert!(matches!(update, Err(Error::Refused(_))), "{len}");
            assert!(!touched_image(&flash, &case), "{len}");
            cases += 1;
        }
        let longer = [&case.package[..], &[0]].concat();
        assert_eq!(verified(&case, &longer).1.map(|u| u.job()), Err(Error::Refused(Refusal::WrongSize)));
    }
    assert!(cases >= 12 * 300, "{cases} cases");
    kedge_tests::figure!("truncated packages refused: {cases} cases");
}

#[test]
fn every_altered_octet_of_every_kind_of_package_is_refused_before_the_first_erase() {
    let mut cases = 0;
    for case in every_kind() {
        for at in 0..case.package.len() {
            let mut package = case.package.clone();
            package[at] = package[at].wrapping_add(1 + u8::try_from(at % 255).unwrap());
            let (flash, update) = verified(&case, &package);
            assert!(matches!(update, Err(Error::Refused(_))), "octet {at}: {:?}", update.map(|u| u.job()));
            assert!(!touched_image(&flash, &case), "octet {at}");
            cases += 1;
        }
    }
    assert!(cases >= 12 * 300, "{cases} cases");
    kedge_tests::figure!(
        "altered octets refused in packages of every kind, layout and envelope: {cases} cases"
    );
}

/// A package for blocks of 256 octets in place, changed by the caller in what it is for.
struct Offer<'a> {
    release: Release<'a>,
    installed: Installed<'a>,
    target: Target,
    signer: Signer,
}

fn refusal(change: impl FnOnce(&mut Offer<'_>)) -> Option<Refusal> {
    let (old, new) = image_pair(900, 256, 11);
    let mut offer = Offer {
        release: Release {
            product: PRODUCT,
            version: "2",
            security_counter: 2,
            description: "",
            notes: "",
            image: &new,
        },
        installed: Installed { version: "1", image: &old },
        target: Target { layout: PackageLayout::InPlace, block_size: 256 },
        signer: Signer::test_key(),
    };
    change(&mut offer);
    let coding = Coding { ram: 4096, ..Coding::default() };
    let made = create(&offer.release, &offer.installed, offer.target, &coding, &offer.signer).unwrap();
    let package = made.package;
    let case = Case::with_package(&old, &new, package, PackageLayout::InPlace, 256, 256);
    // once with each implementation of the crypto port
    let (flash, update) = verified(&case, &case.package);
    assert!(!touched_image(&flash, &case));
    let mut flash: Flash = case.device(1);
    let mut again = Update::mount(&mut flash, case.layout).unwrap();
    again.begin(&mut flash, u32::try_from(case.package.len()).unwrap()).unwrap();
    again.write(&mut flash, &case.package).unwrap();
    let soft = case.with_measure(Some("1"), |device| {
        again.verify(&mut flash, device, &SoftCrypto, &mut [0; ENVELOPE_MAX])
    });
    assert_eq!(soft, update.map(|_| ()), "the two implementations agree");
    match soft {
        Ok(()) => None,
        Err(Error::Refused(refusal)) => Some(refusal),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn packages_for_other_devices_are_refused_with_their_reason() {
    assert_eq!(refusal(|_| {}), None);
    assert_eq!(
        refusal(|offer| offer.signer = Signer::from_seed(&[1; 32], b"stranger").unwrap()),
        Some(Refusal::UnknownKey)
    );
    assert_eq!(
        refusal(|offer| offer.signer = Signer::from_seed(&[1; 32], b"kedge-test").unwrap()),
        Some(Refusal::BadSignature)
    );
    assert_eq!(refusal(|offer| offer.release.product = "toaster"), Some(Refusal::OtherProduct));
    assert_eq!(refusal(|offer| offer.installed.version = "1.5"), Some(Refusal::OtherVersion));
    assert_eq!(refusal(|offer| offer.installed.image = b"something else"), Some(Refusal::OtherImage));
    assert_eq!(refusal(|offer| offer.target.layout = PackageLayout::Slot), Some(Refusal::OtherLayout));
    assert_eq!(refusal(|offer| offer.target.block_size = 1024), Some(Refusal::BlockSize));
    assert_eq!(refusal(|offer| offer.release.image = &[7; 3000]), Some(Refusal::ImageTooLarge));
}

#[test]
fn a_downgrade_is_refused_by_the_journal_and_by_the_firmwares_own_floor() {
    let (old, new) = image_pair(900, 256, 11);
    let case = Case::new(&old, &new, Content::Full, PackageLayout::Slot, 256, 256);
    let mut life = Life::<Flash>::new(case.device(1));
    life.finish(&case).unwrap();
    let mut flash = life.device;
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    assert_eq!(update.security_counter(), 2);
    let signer = Signer::test_key();
    let keys = [Key { id: signer.id(), public: signer.public_key() }];
    let mut offered = |floor, security_counter| {
        let release = Release {
            product: PRODUCT,
            version: "1",
            security_counter,
            description: "",
            notes: "",
            image: &old,
        };
        let target = Target { layout: PackageLayout::Slot, block_size: 256 };
        let package = full(&release, None, target, &signer).unwrap();
        update.begin(&mut flash, u32::try_from(package.len()).unwrap()).unwrap();
        update.write(&mut flash, &package).unwrap();
        let device = Device {
            product: PRODUCT,
            version: Some("2"),
            security_counter: floor,
            keys: &keys,
            trial_attempts: 1,
            memory: 0,
        };
        update.verify(&mut flash, &device, &RingCrypto, &mut [0; ENVELOPE_MAX])
    };
    assert_eq!(offered(0, 1), Err(Error::Refused(Refusal::Downgrade)));
    assert_eq!(offered(3, 2), Err(Error::Refused(Refusal::Downgrade)));
    assert_eq!(offered(0, 2), Ok(()));
    assert_eq!(offered(3, 3), Ok(()));
}

#[test]
fn small_buffers_and_wrong_moments_are_told() {
    let case = small_case(PackageLayout::Slot);
    let mut flash: Flash = case.device(1);
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    let room = case.layout.package.len;
    assert_eq!(update.begin(&mut flash, room + 1), Err(Error::TooLarge { room }));
    assert_eq!(update.write(&mut flash, b"x"), Err(Error::NotNow));
    assert_eq!(update.order(&mut flash), Err(Error::NotNow));
    assert_eq!(update.resume(), None);
    let size = u32::try_from(case.package.len()).unwrap();
    update.begin(&mut flash, size).unwrap();
    assert_eq!(
        update.write(&mut flash, &vec![0; case.package.len() + 1]),
        Err(Error::TooLarge { room: size })
    );
    update.write(&mut flash, &case.package[..300]).unwrap();
    assert_eq!(update.resume(), Some((300, size)));
    let verify = |update: &mut Update, flash: &mut Flash, work: &mut [u8]| {
        case.with_measure(None, |device| update.verify(flash, device, &RingCrypto, work))
    };
    assert_eq!(verify(&mut update, &mut flash, &mut [0; ENVELOPE_MAX]), Err(Error::NotNow));
    // a restart forgets the sector that was not full
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    assert_eq!(update.resume(), Some((256, size)));
    update.write(&mut flash, &case.package[256..]).unwrap();
    let needed = usize::from(u16::from_be_bytes([case.package[6], case.package[7]]));
    assert_eq!(verify(&mut update, &mut flash, &mut [0; 64]), Err(Error::NoRoom { needed }));
    verify(&mut update, &mut flash, &mut [0; ENVELOPE_MAX]).unwrap();
    assert_eq!(update.manifest(&mut flash, &mut [0; ENVELOPE_MAX]).unwrap().description, "Test");
    let mut room = Box::new(Room::new());
    let early = case.with_measure(None, |device| {
        Applier::resume(&mut update, &mut flash, device, &RingCrypto, room.lend()).map(|_| ())
    });
    assert_eq!(early, Err(Error::NotNow), "nobody ordered it");
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(kedge_update_agent::Slot::First)));
    update.order(&mut flash).unwrap();
    assert_eq!(update.begin(&mut flash, 100), Err(Error::NotNow));
    assert!(matches!(update.job(), Job::Ordered { .. }));
    update.abandon(&mut flash).unwrap();
    assert_eq!(update.outcome().map(|o| o.result), Some(UpdateResult::Failed(Failure::Abandoned)));
    assert_eq!(update.begin(&mut flash, 100), Err(Error::OutcomePending));
    update.clear_outcome(&mut flash).unwrap();
    assert_eq!(update.begin(&mut flash, 100), Ok(()));
    assert!(flash.misuses().is_empty());
}

/// On a part with sectors of different sizes it is those of the image and of scratch that blocks are made of.
#[test]
fn blocks_that_are_no_whole_sectors_of_the_image_are_refused() {
    for layout in [PackageLayout::Slot, PackageLayout::InPlace] {
        let small = small_case(layout);
        let mut case = Case::with_package(&small.old, &small.new, small.package, layout, 1024, 1024);
        let large = |region: Region| region.in_sectors(1024);
        case.layout.image = large(case.layout.image);
        case.layout.mode = match case.layout.mode {
            Mode::Slot { standby } => Mode::Slot { standby: large(standby) },
            Mode::InPlace { scratch } => Mode::InPlace { scratch: large(scratch) },
        };
        case.sectors *= 1024 / 256;
        let (flash, result) = verified(&case, &case.package);
        assert_eq!(result.err(), Some(Error::Refused(Refusal::BlockSize)), "{layout:?}");
        assert!(!touched_image(&flash, &case));
    }
}
