//! The way back of a revertible package: a new image that is not confirmed in place is turned into the old one again, with
//! the power failing at every operation of the way there, the trial and the way back.
use kedge_generator::Layout::InPlace;
use kedge_generator::{
    Coding, Error as GeneratorError, Installed, Release, RingCrypto, Signer, Target, create,
};
use kedge_package::limits::ENVELOPE_MAX;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_tests::life::Life;
use kedge_tests::powerfail::PAIRS;
use kedge_tests::update::{Case, Content, Fate, TRIAL_ATTEMPTS, image_pair};
use kedge_update_agent::{
    BootDecision, Error, Failure, Job, Mode, Progress, Refusal, Slot, Update, UpdateResult,
};

type Flash = Nor<8, 256>;

fn case() -> Case {
    let (old, new) = image_pair(1200, 256, 11);
    Case::new(&old, &new, Content::Revertible, InPlace, 256, 256)
}

fn holds(flash: &Flash, image: &[u8]) -> bool {
    flash.dump().starts_with(image)
}

fn mount(flash: &mut Flash, case: &Case) -> Update {
    Update::mount(flash, case.layout).unwrap()
}

/// A device whose new image was just made.
fn on_trial(case: &Case) -> (Flash, Update) {
    let mut flash = case.device(1);
    let mut update = mount(&mut flash, case);
    case.receive(&mut update, &mut flash, 1000).unwrap();
    assert_eq!(case.apply(&mut update, &mut flash), Ok(Progress::Complete));
    let update = mount(&mut flash, case);
    (flash, update)
}

#[test]
fn an_image_that_nobody_confirms_is_turned_back() {
    let case = case();
    let (mut flash, update) = on_trial(&case);
    assert_eq!(update.outcome(), None, "nothing is said before the trial ended");
    for start in 0..TRIAL_ATTEMPTS {
        let mut update = mount(&mut flash, &case);
        assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)), "start {start}");
        assert_eq!(update.begin(&mut flash, 100), Err(Error::NotNow), "the package is kept");
    }
    let mut update = mount(&mut flash, &case);
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Update));
    let Ok(Progress::Ended(outcome)) = case.apply(&mut update, &mut flash) else { panic!() };
    assert_eq!(outcome.result, UpdateResult::RolledBack);
    assert_eq!((update.job(), update.outcome(), update.is_sound()), (Job::Idle, Some(outcome), true));
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)));
    assert_eq!(update.security_counter(), 0, "a way back must not lock the old image out");
    assert!(holds(&flash, &case.old));
    update.clear_outcome(&mut flash).unwrap();
    // and the same package can be tried again
    case.receive(&mut update, &mut flash, 1000).unwrap();
    assert_eq!(case.apply(&mut update, &mut flash), Ok(Progress::Complete));
    assert!(holds(&flash, &case.new));
}

#[test]
fn a_confirmed_image_stays_and_the_package_is_given_up() {
    let case = case();
    let (mut flash, mut update) = on_trial(&case);
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)));
    update.confirm(&mut flash).unwrap();
    assert_eq!((update.security_counter(), update.job()), (2, Job::Idle));
    assert_eq!(update.outcome().map(|outcome| outcome.result), Some(UpdateResult::Installed));
    assert_eq!(update.roll_back(&mut flash), Err(Error::NotNow));
    update.clear_outcome(&mut flash).unwrap();
    assert_eq!(update.begin(&mut flash, 100), Ok(()), "its region is free");
}

#[test]
fn a_firmware_may_ask_for_the_old_one_while_it_is_tried() {
    let case = case();
    let (mut flash, mut update) = on_trial(&case);
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)));
    update.roll_back(&mut flash).unwrap();
    update.roll_back(&mut flash).unwrap();
    assert!(matches!(update.job(), Job::Reverting { done: 0, ready: 0, .. }), "{:?}", update.job());
    update.confirm(&mut flash).unwrap();
    assert_eq!((update.security_counter(), update.abandon(&mut flash)), (0, Err(Error::NotNow)));
    let mut update = mount(&mut flash, &case);
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Update));
    assert!(matches!(case.apply(&mut update, &mut flash), Ok(Progress::Ended(_))));
    assert!(holds(&flash, &case.old));
}

#[test]
fn what_leads_back_is_verified_before_the_new_image_is_touched() {
    let case = case();
    let package = case.layout.package.start;
    // an octet of the manifest, one of the way there, one of the way back
    let len = case.package.len();
    for at in [100, len - 150, len - 20] {
        let (mut flash, mut update) = on_trial(&case);
        update.roll_back(&mut flash).unwrap();
        let mut other = case.package.clone();
        other[at] ^= 1;
        flash.load(package, &other).unwrap();
        let Ok(Progress::Ended(outcome)) = case.apply(&mut update, &mut flash) else { panic!("octet {at}") };
        assert_eq!(outcome.result, UpdateResult::Failed(Failure::NoWayBack), "octet {at}");
        assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)), "the new image stays");
        assert!(holds(&flash, &case.new), "octet {at}");
    }
    // an image that is not the new one any more is not taken for it
    let (mut flash, mut update) = on_trial(&case);
    update.roll_back(&mut flash).unwrap();
    let mut other = case.new.clone();
    other[700] ^= 1;
    flash.load(0, &other).unwrap();
    let Ok(Progress::Ended(outcome)) = case.apply(&mut update, &mut flash) else { panic!() };
    assert_eq!(outcome.result, UpdateResult::Failed(Failure::NoWayBack));
    assert!(holds(&flash, &other));
}

#[test]
fn a_package_that_changes_on_the_way_back_costs_the_image() {
    let case = case();
    let (mut flash, mut update) = on_trial(&case);
    update.roll_back(&mut flash).unwrap();
    case.with_measure(None, |device| {
        let mut room = Box::new(kedge_tests::update::Room::new());
        let mut applier =
            kedge_update_agent::Applier::resume(&mut update, &mut flash, device, &RingCrypto, room.lend())
                .unwrap();
        while !matches!(applier.step(&mut flash).unwrap(), Progress::Applying { done: 2.., .. }) {}
    });
    let mut other = case.package.clone();
    other[100] ^= 1;
    flash.load(case.layout.package.start, &other).unwrap();
    let mut update = mount(&mut flash, &case);
    let Ok(Progress::Ended(outcome)) = case.apply(&mut update, &mut flash) else { panic!() };
    assert_eq!(outcome.result, UpdateResult::Failed(Failure::PackageChanged));
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Broken));
}

#[test]
fn a_device_without_room_for_the_way_back_refuses_with_the_missing_amount() {
    // functions in another order: much has to be saved
    let (old, new) = PAIRS[1].images(256).unwrap();
    let case = Case::new(&old, &new, Content::Revertible, InPlace, 256, 256);
    let refusal = |case: &Case| {
        let mut flash: Flash = case.device(1);
        let mut update = mount(&mut flash, case);
        match case.receive(&mut update, &mut flash, 1000) {
            Err(Error::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    };
    let mut tight = case.clone();
    let Mode::InPlace { scratch } = &mut tight.layout.mode else { panic!() };
    assert_eq!(scratch.len, 512);
    scratch.len = 256;
    assert_eq!(refusal(&tight), Refusal::Spare { missing: 256 });
    let mut tight = case.clone();
    tight.layout.package.len -= 2560;
    assert!(matches!(refusal(&tight), Refusal::State { missing: 1..=2560 }), "{:?}", refusal(&tight));
    // the larger image is the old one: the plan of the way back takes more blocks
    let grown = Case::new(&case.new, &case.old, Content::Revertible, InPlace, 256, 256);
    let mut flash: Flash = grown.device(1);
    let mut update = mount(&mut flash, &grown);
    update.begin(&mut flash, u32::try_from(grown.package.len()).unwrap()).unwrap();
    update.write(&mut flash, &grown.package).unwrap();
    let refused = grown.with_measure(Some("1"), |device| {
        let device = kedge_update_agent::Device { memory: 1000, ..*device };
        update.verify(&mut flash, &device, &RingCrypto, &mut [0; ENVELOPE_MAX])
    });
    assert!(matches!(refused, Err(Error::Refused(Refusal::Memory { missing: 1.. }))), "{refused:?}");
}

#[test]
fn a_slot_needs_no_way_back() {
    let (old, new) = image_pair(1200, 256, 11);
    let release =
        Release { product: "p", version: "2", security_counter: 0, description: "", notes: "", image: &new };
    let target = Target { layout: kedge_generator::Layout::Slot, block_size: 256 };
    let coding = Coding { reverse: true, ..Coding::default() };
    let installed = Installed { version: "1", image: &old };
    let made = create(&release, &installed, target, &coding, &Signer::test_key());
    assert!(matches!(made, Err(GeneratorError::Reverse)), "{made:?}");
}

fn factory<const WRITE: usize, const ERASE: usize>(
    case: &Case,
    seed: u64,
    ecc: bool,
) -> Life<Nor<WRITE, ERASE>> {
    let flash = case.device(seed);
    Life::new(if ecc { flash.with_ecc() } else { flash })
}

/// Each operation of a life there and back cut in each way; returns the number of cases.
fn sweep<const WRITE: usize, const ERASE: usize>(case: &Case, ecc: bool) -> u64 {
    let factory = factory::<WRITE, ERASE>(case, 1, ecc);
    let mut clean = factory.clone();
    let operations = clean.finish(case).unwrap();
    let (mut cases, mut worst) = (0, 0);
    for at in 0..operations {
        for cut in
            [Cut::Before, Cut::Torn { seed: at }, Cut::TornAt { octet: u32::MAX, seed: at }, Cut::After]
        {
            let mut life = factory.clone();
            let cut_off = life.cut(case, at, cut).unwrap_or_else(|e| panic!("{at} {cut:?}: {e}"));
            assert!(cut_off, "operation {at} exists");
            life.finish(case).unwrap_or_else(|e| panic!("after {at} {cut:?}: {e}"));
            worst = worst.max(life.extra_wear(&clean));
            cases += 1;
        }
    }
    // one cut costs the sector it hit one more erase, and the journal one bank for the new power session
    assert!(worst <= 2, "a cut cost {worst} erases of one sector");
    cases
}

#[test]
fn every_operation_there_and_back() {
    let mut cases = 0;
    for fate in [Fate::Unconfirmed, Fate::Rejected] {
        for (from, to) in [(0, 1), (1, 0)] {
            let (old, new) = image_pair(4 * 256 - 80, 256, 7);
            let images = [old, new];
            let small = Case::new(&images[from], &images[to], Content::Revertible, InPlace, 256, 256);
            cases += sweep::<4, 256>(&small.with_fate(fate), fate == Fate::Rejected);
        }
        let (old, new) = image_pair(3 * 2048 - 700, 2048, 7);
        let large = Case::new(&old, &new, Content::Revertible, InPlace, 2048, 2048);
        cases += sweep::<32, 2048>(&large.with_fate(fate), fate == Fate::Unconfirmed);
    }
    // what is confirmed in spite of a way back
    cases += sweep::<8, 256>(&case(), false);
    kedge_tests::figure!("power cuts at every operation, there and back: {cases} cases, 0 violations");
}

#[test]
fn every_pair_of_cuts_there_and_back() {
    let (old, new) = image_pair(600, 256, 3);
    let case = Case::new(&old, &new, Content::Revertible, InPlace, 256, 256).with_fate(Fate::Rejected);
    let factory = factory::<8, 256>(&case, 1, false);
    let operations = factory.clone().finish(&case).unwrap();
    let mut cases = 0;
    for first in 0..operations {
        let mut once = factory.clone();
        assert!(once.cut(&case, first, Cut::Torn { seed: first }).unwrap());
        for second in 0.. {
            let mut life = once.clone();
            let told = |e| format!("{first}, {second}: {e}");
            if !life.cut(&case, second, Cut::Torn { seed: first ^ second << 8 }).map_err(told).unwrap() {
                break;
            }
            life.finish(&case).map_err(told).unwrap();
            cases += 1;
        }
    }
    kedge_tests::figure!("pairs of power cuts there and back: {cases} cases, 0 violations");
}

#[test]
fn many_cuts_in_a_row() {
    let (old, new) = image_pair(6000, 1024, 5);
    let mut noise = Seeded::new(0x0BAC_C0DE);
    let case = Case::new(&old, &new, Content::Revertible, InPlace, 1024, 1024).with_fate(Fate::Unconfirmed);
    for seed in 0..200 {
        let mut life = factory::<4, 1024>(&case, seed, seed % 2 == 1);
        for _ in 0..7 {
            let (at, tear) = (noise.below(150) as u64, noise.word());
            let cut = [Cut::Before, Cut::Torn { seed: tear }, Cut::After][noise.below(3)];
            life.cut(&case, at, cut).unwrap_or_else(|e| panic!("seed {seed}, {at} {cut:?}: {e}"));
        }
        life.finish(&case).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    }
    kedge_tests::figure!("seven power cuts in a row, there and back: 200 cases, 0 violations");
}
