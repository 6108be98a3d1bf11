//! A fixed sample of the matrix of power failures (`cargo xtask powerfail --all` tries everything), and the proof that it
//! notices: updates on flash that forgets one operation do not pass.
use kedge_generator::Layout::{InPlace, Slot};
use kedge_platform::flash::{ErrorType, NorFlash, ReadNorFlash, Region};
use kedge_platform_sim::nor::{Cut, Error, Nor};
use kedge_tests::life::Device;
use kedge_tests::powerfail::{Bench, Extent, FLASHES, Prepared, SETTINGS, Scenario, Strike, Way, sweep};
use kedge_tests::update::{Case, Content, Stop, image_pair};
use kedge_update_agent::Outcome;

/// Cases of the sample, at least.
const SAMPLE: usize = 20_000;

#[test]
fn a_sample_of_the_matrix() {
    // a fifth of the scenarios, others for each kind of flash: most of the time goes into cases, not into making packages
    let scenarios: Vec<Scenario> = Scenario::all().step_by(5).collect();
    // a chain may be shorter than three cases
    let report = sweep(&scenarios, Extent::Cases(SAMPLE + SAMPLE / 20), 2, |_, _| ());
    for (number, what) in &report.violations {
        kedge_tests::figure!("VIOLATION {number}: {what} ({})", number.scenario);
    }
    kedge_tests::figure!(
        "power-fail matrix: {} scenarios, {} cases, {} violations, {} scenarios without their firmware",
        report.total.scenarios,
        report.total.all(),
        report.total.violations,
        report.left_out
    );
    assert_eq!(report.total.violations, 0, "see `cargo xtask powerfail --replay`");
    assert_eq!(report.flashes.len(), FLASHES.len());
    assert_eq!(report.settings.len(), SETTINGS.len());
    let firmware_is_there = report.left_out == 0;
    assert!(!firmware_is_there || report.total.all() >= SAMPLE as u64, "{:?}", report.total);
    assert!(report.total.cases.iter().all(|cases| *cases > 0), "{:?}", report.total);
}

#[test]
fn a_case_is_replayed_by_its_number() {
    let scenario = Scenario { flash: 0, setting: 1, pair: 1 };
    let bench = scenario.prepare().unwrap().unwrap();
    let again = scenario.prepare().unwrap().unwrap();
    let mut cases = 0;
    for at in 0..bench.operations() {
        bench.chain(scenario, Strike { at, way: Way::Torn }, &mut |number, result| {
            let number = number.to_string().parse().unwrap();
            assert_eq!(again.replay(number).map(|_| ()), result, "{number}");
            cases += 1;
        });
    }
    assert!(cases > bench.operations(), "chains are longer than one");
    let behind = Strike { at: bench.operations(), way: Way::Torn };
    bench.chain(scenario, behind, &mut |number, result| {
        assert!(result.is_err(), "{number} cuts what does not happen");
    });
}

/// What a flash does not do although it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forgets {
    Program,
    Erase,
}

/// Flash that forgets one operation on one region, which is not noticed at once.
#[derive(Clone, Debug)]
struct Forgetful {
    flash: Nor<8, 256>,
    what: Forgets,
    region: Region,
    /// How many such operations are still remembered.
    left: u32,
}

impl Forgetful {
    /// Whether this one is forgotten.
    fn forgets(&mut self, what: Forgets, at: u32) -> bool {
        if what != self.what || !(self.region.start..self.region.start + self.region.len).contains(&at) {
            return false;
        }
        let forgets = self.left == 0;
        self.left = self.left.wrapping_sub(1);
        forgets
    }
}

impl ErrorType for Forgetful {
    type Error = Error;
}

impl ReadNorFlash for Forgetful {
    const READ_SIZE: usize = Nor::<8, 256>::READ_SIZE;

    fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), Error> {
        self.flash.read(offset, octets)
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl NorFlash for Forgetful {
    const WRITE_SIZE: usize = Nor::<8, 256>::WRITE_SIZE;
    const ERASE_SIZE: usize = Nor::<8, 256>::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        if self.forgets(Forgets::Erase, from) { Ok(()) } else { self.flash.erase(from, to) }
    }

    fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), Error> {
        if self.forgets(Forgets::Program, offset) { Ok(()) } else { self.flash.write(offset, octets) }
    }
}

impl Device for Forgetful {
    fn power_on(&mut self) {
        self.flash.power_on();
    }

    fn cut_at(&mut self, operation: u64, cut: Cut) {
        self.flash.cut_at(operation, cut);
    }

    fn clear_cuts(&mut self) {
        self.flash.clear_cuts();
    }

    fn operations(&self) -> u64 {
        self.flash.operations_since_power_on()
    }

    fn misuse(&self) -> Option<String> {
        Device::misuse(&self.flash)
    }

    fn wear(&self) -> &[u32] {
        self.flash.wear()
    }

    fn start(&mut self, case: &Case, outbox: &mut Vec<Outcome>) -> Result<bool, Stop> {
        case.start(self, outbox)
    }
}

/// How many faults of a kind, on a region, show without a cut; and how many only by one.
fn noticed(case: &Case, what: Forgets, region: Region, faults: u32) -> (u32, u32) {
    let scenario = Scenario { flash: 0, setting: 0, pair: 0 };
    let (mut at_once, mut by_cuts) = (0, 0);
    for left in 0..faults {
        let device = Forgetful { flash: case.device(1), what, region, left };
        let Ok(bench) = Prepared::new(case.clone(), device) else {
            at_once += 1;
            continue;
        };
        let firsts = (0..bench.operations()).flat_map(|at| Way::ALL.map(|way| Strike { at, way }));
        let mut violations = 0;
        for first in firsts {
            bench.chain(scenario, first, &mut |_, result| violations += u32::from(result.is_err()));
            if violations > 0 {
                by_cuts += 1;
                break;
            }
        }
    }
    (at_once, by_cuts)
}

#[test]
fn a_forgotten_operation_is_a_violation() {
    let (old, new) = image_pair(900, 256, 3);
    for layout in [Slot, InPlace] {
        let case = Case::new(&old, &new, Content::Delta, layout, 256, 256);
        let (image, journal) = (case.layout.image, case.layout.journal);
        if layout == InPlace {
            // the blocks of the image are erased in turn
            let (at_once, _) = noticed(&case, Forgets::Erase, image, 2);
            assert_eq!(at_once, 2, "what is programmed without an erase");
        }
        let faults = 12;
        let (at_once, by_cuts) = noticed(&case, Forgets::Program, journal, faults);
        kedge_tests::figure!(
            "{layout:?}: of {faults} forgotten journal records {at_once} are noticed at once, {by_cuts} by cuts"
        );
        assert!(by_cuts > 0, "a journal that forgets shows in a cut only");
    }
}
