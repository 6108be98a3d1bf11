//! A whole update on NAND flash, with the power failing and blocks going bad at every operation: at the end the new image
//! runs, whole, its success was reported once, and the flash was never misused.
use kedge_generator::Layout::{self, InPlace, Slot};
use kedge_platform::flash::{NorFlash, ReadNorFlash, Region};
use kedge_platform::nand::Geometry;
use kedge_platform_linux::nand::FileNand;
use kedge_platform_sim::nand::{Cut, Error as NandError, Nand};
use kedge_platform_sim::random::Seeded;
use kedge_tests::update::{Case, Content, image_pair};
use kedge_update_agent::nand::{Error as VolumeError, Options, RING_BLOCKS, Volume};
use kedge_update_agent::{BootDecision, Error, Mode, Outcome, Update, UpdateResult};

/// Blocks that stand by: two are bad from the factory, the rest for what goes bad in a case and for packing.
const RESERVE: usize = 6;

type Part<'n, const BLOCK: usize> = Volume<'n, &'n mut Nand, BLOCK, RESERVE>;

/// Why a device's life stopped.
#[derive(Debug)]
enum Stop {
    PowerCut,
    Violation(String),
}

impl From<VolumeError<NandError>> for Stop {
    fn from(error: VolumeError<NandError>) -> Self {
        match error {
            VolumeError::Nand(NandError::PowerLost) => Self::PowerCut,
            other => Self::Violation(other.to_string()),
        }
    }
}

impl From<Error<VolumeError<NandError>>> for Stop {
    fn from(error: Error<VolumeError<NandError>>) -> Self {
        match error {
            Error::Flash(error) => error.into(),
            other => Self::Violation(other.to_string()),
        }
    }
}

/// An update and the shape of the part it is done on.
struct Setting<const PAGE: usize, const BLOCK: usize> {
    case: Case,
    streams: [Region; 3],
}

/// A device in the middle of its life.
#[derive(Clone)]
struct Life {
    flash: Nand,
    outbox: Vec<Outcome>,
}

impl<const PAGE: usize, const BLOCK: usize> Setting<PAGE, BLOCK> {
    fn new(content: Content, layout: Layout, blocks: usize) -> Self {
        let (old, new) = image_pair(blocks * BLOCK - BLOCK / 3, BLOCK, 7);
        let case = Case::new(&old, &new, content, layout, BLOCK, BLOCK);
        let other = match case.layout.mode {
            Mode::Slot { standby } => standby,
            Mode::InPlace { scratch } => scratch,
        };
        let streams = [case.layout.image, other, case.layout.package];
        Self { case, streams }
    }

    fn options(&self) -> Options<'_> {
        Options { streams: &self.streams, refresh_from: 3 }
    }

    /// A device as it leaves the factory: formatted around bad blocks, the old image in place.
    fn factory(&self, seed: u64) -> Life {
        let blocks = RING_BLOCKS as usize + self.case.sectors + RESERVE;
        let geometry = Geometry {
            page: PAGE,
            spare: 16,
            pages_per_block: u32::try_from(BLOCK / PAGE).unwrap(),
            blocks: u32::try_from(blocks).unwrap(),
        };
        let bad_home = RING_BLOCKS + 1;
        let mut flash = Nand::new(geometry).with_seed(seed).with_bad_block(2).with_bad_block(bad_home);
        flash = flash.with_bad_block(u32::try_from(blocks).unwrap() - 2);
        let mut buffer = vec![0; 2 * PAGE];
        let mut volume = Part::<BLOCK>::format(&mut flash, self.options(), &mut buffer).unwrap();
        let mut old = self.case.old.clone();
        old.resize(old.len().next_multiple_of(16), 0xFF);
        volume.write(self.case.layout.image.start, &old).unwrap();
        volume.flush().unwrap();
        flash.power_on();
        Life { flash, outbox: Vec::new() }
    }

    /// From a power-on until the update is done and reported: the boot stage's life, then the firmware's, and again after
    /// each restart of its own.
    fn live(&self, life: &mut Life) -> Result<(), Stop> {
        let case = &self.case;
        let mut buffer = vec![0; 2 * PAGE];
        for _ in 0..8 {
            let flash = &mut Part::<BLOCK>::mount(&mut life.flash, self.options(), &mut buffer)?;
            let mut update = Update::mount(flash, case.layout)?;
            let slot = match update.boot(flash)? {
                BootDecision::Run(slot) => slot,
                BootDecision::Update => {
                    case.apply(&mut update, flash)?;
                    continue;
                }
                BootDecision::Broken => return Err(Stop::Violation("no image is left".into())),
            };
            let start = case.layout.slot(slot).start;
            let runs_new = holds(flash, start, &case.new)?;
            if !runs_new && !holds(flash, start, &case.old)? {
                return Err(Stop::Violation(format!("{slot:?} is started and holds neither image")));
            }
            if runs_new {
                update.confirm(flash)?;
            }
            if let Some(outcome) = update.outcome() {
                if !life.outbox.contains(&outcome) {
                    life.outbox.push(outcome);
                }
                update.clear_outcome(flash)?;
            }
            if runs_new {
                return Ok(());
            }
            case.receive(&mut update, flash, 200)?;
        }
        Err(Stop::Violation("the device starts over and over".into()))
    }

    /// Lives on, with the power failing as said in operation `at` from now on. True if it failed.
    fn cut(&self, life: &mut Life, at: u64, cut: Cut) -> Result<bool, String> {
        life.flash.power_on();
        life.flash.cut_at(at, cut);
        match self.live(life) {
            Ok(()) => {
                life.flash.clear_cuts();
                Ok(false)
            }
            Err(Stop::PowerCut) => Ok(true),
            Err(Stop::Violation(what)) => Err(what),
        }
    }

    /// Lives to the end undisturbed, and judges. Returns how many operations that took.
    fn finish(&self, life: &mut Life) -> Result<u64, String> {
        life.flash.power_on();
        self.live(life).map_err(|stop| format!("{stop:?}"))?;
        match life.outbox[..] {
            [Outcome { result: UpdateResult::Installed, .. }] => {}
            ref other => return Err(format!("reported {other:?}")),
        }
        match life.flash.misuses().first() {
            Some(misuse) => Err(format!("{misuse:?}")),
            None => Ok(life.flash.operations_since_power_on()),
        }
    }

    /// Each operation cut in each way.
    fn sweep_cuts(&self) -> u64 {
        let factory = self.factory(1);
        let operations = self.finish(&mut factory.clone()).unwrap();
        assert!(operations > 60, "an update has more than {operations} operations");
        let mut cases = 0;
        for at in 0..operations {
            for cut in cuts(at) {
                let mut life = factory.clone();
                let cut_off = self.cut(&mut life, at, cut).unwrap_or_else(|e| panic!("{at} {cut:?}: {e}"));
                assert!(cut_off, "operation {at} exists");
                self.finish(&mut life).unwrap_or_else(|e| panic!("after {at} {cut:?}: {e}"));
                cases += 1;
            }
        }
        cases
    }

    /// Each operation failing in turn, alone and with the power failing soon after.
    fn sweep_failures(&self) -> u64 {
        let factory = self.factory(2);
        let before = factory.flash.work().operations();
        let operations = self.finish(&mut factory.clone()).unwrap();
        let mut cases = 0;
        for at in 0..operations {
            let mut failing = factory.clone();
            failing.flash.fail_at(before + at);
            self.finish(&mut failing.clone()).unwrap_or_else(|e| panic!("failure at {at}: {e}"));
            cases += 1;
            for later in [1, 2, 3, 4, 6, 9] {
                let way = usize::try_from((at + later) % 5).unwrap();
                let (mut life, cut) = (failing.clone(), cuts(at ^ later << 20)[way]);
                let told = |e| format!("failure at {at}, {cut:?} {later} later: {e}");
                self.cut(&mut life, at + later, cut).map_err(told).unwrap();
                self.finish(&mut life).map_err(told).unwrap();
                cases += 1;
            }
        }
        cases
    }

    /// Rows of cuts, with blocks going bad and bits flipping by reading.
    fn many(&self, lives: u64) -> u64 {
        let mut noise = Seeded::new(0xB10C);
        for seed in 0..lives {
            let mut life = self.factory(seed);
            let before = life.flash.work().operations();
            life.flash = life.flash.with_read_disturb(2_000);
            life.flash.fail_at(before + noise.below(300) as u64);
            for _ in 0..7 {
                let at = noise.below(150) as u64;
                let cut = cuts(noise.word())[noise.below(5)];
                self.cut(&mut life, at, cut).unwrap_or_else(|e| panic!("seed {seed}, {at} {cut:?}: {e}"));
            }
            self.finish(&mut life).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        }
        lives
    }
}

/// Whether `image` stands at `start`.
fn holds<F: ReadNorFlash>(flash: &mut F, start: u32, image: &[u8]) -> Result<bool, F::Error> {
    let mut found = vec![0; image.len()];
    flash.read(start, &mut found)?;
    Ok(found == image)
}

fn cuts(seed: u64) -> [Cut; 5] {
    let torn = |n: u64| Cut::Torn { seed: seed.wrapping_mul(0x9E37_79B9) + n };
    [Cut::Before, torn(0), torn(1), torn(2), Cut::After]
}

fn geometry<const PAGE: usize, const BLOCK: usize>(blocks: usize) -> u64 {
    let mut cases = 0;
    for (content, layout) in [(Content::Delta, Slot), (Content::Delta, InPlace), (Content::Full, InPlace)] {
        let n = Setting::<PAGE, BLOCK>::new(content, layout, blocks).sweep_cuts();
        kedge_tests::figure!("NAND, pages of {PAGE}, blocks of {BLOCK}, {content:?}, {layout:?}: {n} cuts");
        cases += n;
    }
    cases
}

#[test]
fn every_operation_of_every_geometry() {
    let cases = geometry::<512, 2048>(4) + geometry::<512, 8192>(3) + geometry::<2048, 16384>(2);
    kedge_tests::figure!("NAND, power cuts at every operation: {cases} cases, 0 violations");
}

#[test]
fn a_block_goes_bad_at_every_operation() {
    let mut cases = 0;
    for layout in [Slot, InPlace] {
        cases += Setting::<512, 2048>::new(Content::Delta, layout, 3).sweep_failures();
    }
    kedge_tests::figure!(
        "NAND, a block going bad at every operation, and a cut: {cases} cases, 0 violations"
    );
}

#[test]
fn many_cuts_in_a_row_on_a_wearing_part() {
    let mut cases = 0;
    for layout in [Slot, InPlace] {
        cases += Setting::<512, 4096>::new(Content::Delta, layout, 3).many(300);
    }
    kedge_tests::figure!("NAND, seven cuts in a row, a bad block, read disturb: {cases} cases, 0 violations");
}

/// The Linux driver under the same volume: a part in a file, opened anew for each session.
#[test]
fn a_volume_in_a_file_outlives_its_process() {
    type InFile<'a> = Volume<'a, FileNand, 8192, RESERVE>;
    let geometry = Geometry { page: 2048, spare: 24, pages_per_block: 4, blocks: 24 };
    let path = std::env::temp_dir().join(format!("kedge-nand-volume-{}", std::process::id()));
    drop(std::fs::remove_file(&path));
    let streams = [Region::new(0, 4 * 8192)];
    let options = Options { streams: &streams, refresh_from: 3 };
    let mut buffer = [0; 4096];
    let file = FileNand::create(&path, geometry).unwrap();
    drop(InFile::format(file, options, &mut buffer).unwrap());
    for session in 0..20_u8 {
        let file = FileNand::open(&path, geometry).unwrap();
        let mut volume = InFile::mount(file, options, &mut buffer).unwrap();
        let start = u32::from(session % 5) * 8192;
        if let Some(before) = session.checked_sub(5) {
            assert!(holds(&mut volume, start, &[before; 5008]).unwrap(), "session {before} is gone");
        }
        volume.erase(start, start + 8192).unwrap();
        for at in (0..5008).step_by(16) {
            volume.write(start + at, &[session; 16]).unwrap();
        }
        volume.flush().unwrap();
    }
    std::fs::remove_file(&path).unwrap();
}
