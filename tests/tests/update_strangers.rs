//! Packages for real firmware that meet another image, or come altered or cut off: all are refused before the first octet of
//! an image, or of what is made beside it, is erased.
use std::path::{Path, PathBuf};

use kedge_generator::{Installed, Layout, Release, RingCrypto, Signer, Target, delta, suit};
use kedge_package::limits::{ENVELOPE_MAX, HEADER_LEN};
use kedge_package::{Envelope, Header, Manifest, Needs};
use kedge_platform::flash::Region;
use kedge_platform_sim::nor::{Kind, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_update_agent::{Device, Error, Key, Layout as Places, Mode, Refusal, Update};

const SECTOR: u32 = 4096;
type Flash = Nor<16, { SECTOR as usize }>;

/// Pairs up to this size have packages made; the old images of all pairs are strangers to them.
const LARGEST: u64 = 300 << 10;
/// Octets altered, and lengths cut off at, of each package.
const ALTERED: usize = 120;
const CUT: usize = 40;

const PRODUCT: &str = "corpus";

/// A package, and what it has to be offered to.
struct Offer {
    name: String,
    old: Vec<u8>,
    package: Vec<u8>,
    places: Places,
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

/// The pairs of the corpus that stands beside the workspace: name and folder.
fn corpus() -> Option<Vec<(String, PathBuf)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/firmware");
    let entries = std::fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
    let pairs = entries.filter(|path| path.join("old.bin").exists());
    let mut pairs: Vec<_> =
        pairs.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path)).collect();
    pairs.sort();
    Some(pairs)
}

impl Offer {
    fn new(name: &str, folder: &Path, layout: Layout) -> Self {
        let (old, new) =
            (std::fs::read(folder.join("old.bin")).unwrap(), std::fs::read(folder.join("new.bin")).unwrap());
        let release = Release {
            product: PRODUCT,
            version: "2",
            security_counter: 0,
            description: "",
            notes: "",
            image: &new,
        };
        let target = Target { layout, block_size: SECTOR };
        let signer = Signer::test_key();
        let package = delta(&release, &Installed { version: "1", image: &old }, target, &signer).unwrap();
        let needs = needs(&package);
        Self { name: format!("{name} {layout:?}"), old, package, places: places(layout, needs) }
    }

    /// What a device says that holds `image`; panics if it touched more than its journal and where packages are stored.
    fn answer(&self, image: &[u8], package: &[u8]) -> Result<(), Refusal> {
        let places = self.places;
        let end = places.journal.start + places.journal.len;
        let mut flash = Flash::new((end / SECTOR) as usize);
        flash.load(places.image.start, image).unwrap();
        let mut flash = flash.with_trace();
        let mut update = Update::mount(&mut flash, places).unwrap();
        update.begin(&mut flash, small(package.len())).unwrap();
        update.write(&mut flash, package).unwrap();
        let signer = Signer::test_key();
        let device = Device {
            product: PRODUCT,
            version: None,
            security_counter: 0,
            keys: &[Key { id: signer.id(), public: signer.public_key() }],
            trial_attempts: 1,
            memory: 1 << 20,
        };
        let answer = update.verify(&mut flash, &device, &RingCrypto, &mut [0; ENVELOPE_MAX]);
        let kept = [places.package, places.journal];
        for op in flash.trace().iter().filter(|op| op.kind != Kind::Read) {
            assert!(
                kept.iter().any(|kept| kept.overlaps(Region::new(op.offset, op.len))),
                "{}: {op:?}",
                self.name
            );
        }
        answer.map_err(|error| match error {
            Error::Refused(refusal) => refusal,
            other => panic!("{}: {other:?}", self.name),
        })
    }
}

fn needs(package: &[u8]) -> Needs {
    let (head, rest) = package.split_first_chunk::<HEADER_LEN>().unwrap();
    let envelope = Envelope::parse(&rest[..usize::from(Header::parse(head).unwrap().envelope)]).unwrap();
    Manifest::parse(envelope.manifest, 0).unwrap().payload.needs
}

/// A device on which every image of the corpus has room.
fn places(layout: Layout, needs: Needs) -> Places {
    const IMAGE: u32 = 5 << 20;
    let mut end = 0;
    let mut region = |len: u32| {
        let start = end;
        end += len.next_multiple_of(SECTOR);
        Region::new(start, end - start)
    };
    let image = region(IMAGE);
    let mode = match layout {
        Layout::Slot => Mode::Slot { standby: region(IMAGE) },
        Layout::InPlace => Mode::InPlace { scratch: region(needs.spare.max(2 * SECTOR)) },
    };
    let package = region((1 << 20) + 2 * needs.state.next_multiple_of(SECTOR));
    Places { image, mode, package, journal: region(8 * SECTOR) }
}

#[test]
fn packages_for_real_firmware_are_refused_by_strangers_and_when_altered() {
    let Some(pairs) = corpus() else {
        kedge_tests::figure!("skipped: no firmware corpus at ../shared/corpus/firmware beside the workspace");
        return;
    };
    let images: Vec<_> =
        pairs.iter().map(|(name, path)| (name, std::fs::read(path.join("old.bin")).unwrap())).collect();
    let short = |path: &Path| std::fs::metadata(path.join("new.bin")).unwrap().len() <= LARGEST;
    let (mut strangers, mut altered, mut cut) = (0, 0, 0);
    let mut noise = Seeded::new(0x57A6);
    for (name, path) in pairs.iter().filter(|(_, path)| short(path)) {
        for layout in [Layout::Slot, Layout::InPlace] {
            let offer = Offer::new(name, path, layout);
            assert_eq!(offer.answer(&offer.old, &offer.package), Ok(()), "{}", offer.name);
            for (stranger, image) in images.iter().filter(|(_, image)| *image != offer.old) {
                let answer = offer.answer(image, &offer.package);
                assert_eq!(answer, Err(Refusal::OtherImage), "{} on {stranger}", offer.name);
                strangers += 1;
            }
            let in_suit = suit(&offer.package, &Signer::test_key()).unwrap();
            for package in [&offer.package, &in_suit] {
                for _ in 0..ALTERED / 2 {
                    let at = noise.below(package.len());
                    let mut other = package.clone();
                    other[at] ^= 1 << noise.below(8);
                    let answer = offer.answer(&offer.old, &other);
                    assert!(answer.is_err(), "{}: octet {at} altered", offer.name);
                    altered += 1;
                }
                for _ in 0..CUT / 2 {
                    let len = noise.below(package.len());
                    let answer = offer.answer(&offer.old, &package[..len]);
                    assert!(answer.is_err(), "{}: cut off at {len}", offer.name);
                    cut += 1;
                }
            }
        }
    }
    assert!(strangers >= 50, "{strangers} strangers");
    assert_eq!(altered / cut, ALTERED / CUT);
    kedge_tests::figure!("refused: {strangers} other images, {altered} altered packages, {cut} cut off");
}
