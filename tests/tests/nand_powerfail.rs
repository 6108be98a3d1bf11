//! A whole update on NAND flash, with the power failing and blocks going bad at every operation: at the end the new image
//! runs, whole, its success was reported once, and the flash was never misused.
use kedge_generator::Layout::{self, InPlace, Slot};
use kedge_platform::flash::{NorFlash, Region};
use kedge_platform::nand::Geometry;
use kedge_platform_linux::nand::FileNand;
use kedge_platform_sim::nand::Cut;
use kedge_platform_sim::random::Seeded;
use kedge_tests::life::{Life, NandDevice, RESERVE};
use kedge_tests::update::{Case, Content, holds, image_pair};
use kedge_update_agent::nand::{Options, Volume};

/// An update and the shape of the part it is done on.
struct Setting<const PAGE: usize, const BLOCK: usize> {
    case: Case,
}

impl<const PAGE: usize, const BLOCK: usize> Setting<PAGE, BLOCK> {
    fn new(content: Content, layout: Layout, blocks: usize) -> Self {
        let (old, new) = image_pair(blocks * BLOCK - BLOCK / 3, BLOCK, 7);
        let case = Case::new(&old, &new, content, layout, BLOCK, BLOCK);
        Self { case }
    }

    fn factory(&self, seed: u64) -> Life<NandDevice<PAGE, BLOCK>> {
        Life::new(NandDevice::new(&self.case, seed))
    }

    /// Each operation cut in each way.
    fn sweep_cuts(&self) -> u64 {
        let factory = self.factory(1);
        let operations = factory.clone().finish(&self.case).unwrap();
        assert!(operations > 60, "an update has more than {operations} operations");
        let mut cases = 0;
        for at in 0..operations {
            for cut in cuts(at) {
                let mut life = factory.clone();
                let cut_off = life.cut(&self.case, at, cut).unwrap_or_else(|e| panic!("{at} {cut:?}: {e}"));
                assert!(cut_off, "operation {at} exists");
                life.finish(&self.case).unwrap_or_else(|e| panic!("after {at} {cut:?}: {e}"));
                cases += 1;
            }
        }
        cases
    }

    /// Each operation failing in turn, alone and with the power failing soon after.
    fn sweep_failures(&self) -> u64 {
        let factory = self.factory(2);
        let before = factory.device.flash.work().operations();
        let operations = factory.clone().finish(&self.case).unwrap();
        let mut cases = 0;
        for at in 0..operations {
            let mut failing = factory.clone();
            failing.device.flash.fail_at(before + at);
            failing.clone().finish(&self.case).unwrap_or_else(|e| panic!("failure at {at}: {e}"));
            cases += 1;
            for later in [1, 2, 3, 4, 6, 9] {
                let way = usize::try_from((at + later) % 5).unwrap();
                let (mut life, cut) = (failing.clone(), cuts(at ^ later << 20)[way]);
                let told = |e| format!("failure at {at}, {cut:?} {later} later: {e}");
                life.cut(&self.case, at + later, cut).map_err(told).unwrap();
                life.finish(&self.case).map_err(told).unwrap();
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
            let before = life.device.flash.work().operations();
            life.device.flash = life.device.flash.with_read_disturb(2_000);
            life.device.flash.fail_at(before + noise.below(300) as u64);
            for _ in 0..7 {
                let at = noise.below(150) as u64;
                let cut = cuts(noise.word())[noise.below(5)];
                life.cut(&self.case, at, cut).unwrap_or_else(|e| panic!("seed {seed}, {at} {cut:?}: {e}"));
            }
            life.finish(&self.case).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        }
        lives
    }
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
fn every_operation_of_two_geometries() {
    // two of several; a sample of all is in powerfail_matrix.rs
    let cases = geometry::<512, 2048>(4) + geometry::<2048, 16384>(2);
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
