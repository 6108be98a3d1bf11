//! What a start runs: trial, confirmation, roll-back, a broken image and the way out of it, and flash full of nonsense.
use kedge_generator::{Layout as PackageLayout, RingCrypto};
use kedge_package::limits::ENVELOPE_MAX;
use kedge_platform::flash::NorFlash;
use kedge_platform_sim::nor::Nor;
use kedge_platform_sim::random::Seeded;
use kedge_tests::update::{Case, Content, Room, TRIAL_ATTEMPTS, image_pair};
use kedge_update_agent::{
    Applier, BootDecision, Error, Failure, Job, Outcome, Progress, Refusal, Slot, Update, UpdateResult,
};

type Flash = Nor<8, 256>;

fn case(content: Content, layout: PackageLayout) -> Case {
    sized(1200, content, layout)
}

fn sized(octets: usize, content: Content, layout: PackageLayout) -> Case {
    let (old, new) = image_pair(octets, 256, 11);
    Case::new(&old, &new, content, layout, 256, 256)
}

/// A device whose new image was just made.
fn on_trial(case: &Case) -> (Flash, Update) {
    let mut flash = case.device(1);
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    case.receive(&mut update, &mut flash, 1000).unwrap();
    assert_eq!(case.apply(&mut update, &mut flash), Ok(Progress::Complete));
    let update = Update::mount(&mut flash, case.layout).unwrap();
    (flash, update)
}

fn holds(flash: &Flash, case: &Case, slot: Slot, image: &[u8]) -> bool {
    flash.dump()[case.layout.slot(slot).start as usize..].starts_with(image)
}

#[test]
fn an_image_that_nobody_confirms_is_rolled_back() {
    let case = case(Content::Delta, PackageLayout::Slot);
    let (mut flash, _) = on_trial(&case);
    for start in 0..TRIAL_ATTEMPTS {
        let mut update = Update::mount(&mut flash, case.layout).unwrap();
        assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::Second)), "start {start}");
        assert_eq!((update.active(), update.outcome()), (Slot::First, None));
    }
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)));
    assert_eq!(update.outcome().map(|o| o.result), Some(UpdateResult::RolledBack));
    assert_eq!(update.security_counter(), 0, "a roll-back must not lock the old image out");
    assert!(holds(&flash, &case, Slot::First, &case.old));
    update.clear_outcome(&mut flash).unwrap();
    // and the same package can be tried again
    case.receive(&mut update, &mut flash, 1000).unwrap();
    assert_eq!(case.apply(&mut update, &mut flash), Ok(Progress::Complete));
}

#[test]
fn a_confirmed_image_stays_and_the_next_update_goes_to_the_other_slot() {
    let case = case(Content::Full, PackageLayout::Slot);
    let (mut flash, mut update) = on_trial(&case);
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::Second)));
    update.confirm(&mut flash).unwrap();
    update.confirm(&mut flash).unwrap();
    assert_eq!(update.roll_back(&mut flash), Err(Error::NotNow));
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::Second)));
    assert_eq!((update.active(), update.security_counter(), update.job()), (Slot::Second, 2, Job::Idle));
    let Some(Outcome { package, result: UpdateResult::Installed }) = update.outcome() else { panic!() };
    assert_eq!(package.to_string().len(), 32);
    update.clear_outcome(&mut flash).unwrap();
    update.begin(&mut flash, u32::try_from(case.package.len()).unwrap()).unwrap();
    update.write(&mut flash, &case.package).unwrap();
    case.with_measure(Some("2"), |device| {
        update.verify(&mut flash, device, &RingCrypto, &mut [0; ENVELOPE_MAX])
    })
    .unwrap();
    update.order(&mut flash).unwrap();
    assert_eq!(case.apply(&mut update, &mut flash), Ok(Progress::Complete));
    assert!(holds(&flash, &case, Slot::First, &case.new));
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)));
    update.roll_back(&mut flash).unwrap();
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::Second)));
}

#[test]
fn in_place_there_is_no_way_back_and_the_counter_waits_for_confirmation() {
    let case = case(Content::Delta, PackageLayout::InPlace);
    let (mut flash, mut update) = on_trial(&case);
    for _ in 0..2 * TRIAL_ATTEMPTS {
        assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)));
    }
    assert_eq!(update.roll_back(&mut flash), Err(Error::NotNow));
    assert_eq!(update.outcome().map(|o| o.result), Some(UpdateResult::Installed));
    assert_eq!(update.security_counter(), 0);
    update.clear_outcome(&mut flash).unwrap();
    update.confirm(&mut flash).unwrap();
    assert_eq!((update.security_counter(), update.outcome(), update.job()), (2, None, Job::Idle));
}

/// Makes `blocks` blocks of an ordered update.
fn begin_applying(case: &Case, flash: &mut Flash, blocks: u32) -> Update {
    let mut update = Update::mount(flash, case.layout).unwrap();
    case.receive(&mut update, flash, 1000).unwrap();
    case.with_measure(None, |device| {
        let mut room = Box::new(Room::new());
        let mut applier = Applier::resume(&mut update, flash, device, &RingCrypto, room.lend()).unwrap();
        while !matches!(applier.step(flash).unwrap(), Progress::Applying { done, .. } if done >= blocks) {}
    });
    update
}

#[test]
fn a_package_that_changes_under_way_costs_the_image_only_in_place() {
    for (layout, expected) in [
        (PackageLayout::Slot, BootDecision::Run(Slot::First)),
        (PackageLayout::InPlace, BootDecision::Broken),
    ] {
        let case = case(Content::Delta, layout);
        let mut flash = case.device(1);
        let update = begin_applying(&case, &mut flash, 3);
        assert!(matches!(update.job(), Job::Applying { done: 1.., .. } | Job::Applying { ready: 1.., .. }));
        let mut other = case.package.clone();
        other[100] ^= 1;
        flash.load(case.layout.package.start, &other).unwrap();
        let mut update = Update::mount(&mut flash, case.layout).unwrap();
        assert_eq!(update.boot(&mut flash), Ok(BootDecision::Update));
        let Ok(Progress::Ended(outcome)) = case.apply(&mut update, &mut flash) else { panic!("it went on") };
        assert_eq!(outcome.result, UpdateResult::Failed(Failure::PackageChanged));
        let mut update = Update::mount(&mut flash, case.layout).unwrap();
        assert_eq!(update.boot(&mut flash), Ok(expected), "{layout:?}");
        assert_eq!(update.outcome(), Some(outcome));
    }
}

#[test]
fn a_full_package_mends_a_broken_image() {
    // room for the larger package: one device, two packages
    let full = sized(6000, Content::Full, PackageLayout::InPlace);
    let layout = full.layout;
    let mut delta = sized(6000, Content::Delta, PackageLayout::InPlace);
    delta.layout = layout;
    let mut flash = full.device(1);
    begin_applying(&delta, &mut flash, 3);
    // everything moves back, so the blocks at the start are changed last: one of their sectors loses its content
    let late = layout.image.start + 512;
    flash.erase(late, late + 256).unwrap();
    let mut update = Update::mount(&mut flash, layout).unwrap();
    let end = delta.apply(&mut update, &mut flash);
    let Ok(Progress::Ended(outcome)) = end else { panic!("it went on: {end:?}") };
    assert!(
        matches!(outcome.result, UpdateResult::Failed(Failure::WrongBlock | Failure::WrongImage)),
        "{outcome:?}"
    );
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Broken));
    assert!(!update.is_sound());
    update.clear_outcome(&mut flash).unwrap();
    // the same delta no longer fits, and says so
    assert_eq!(delta.receive(&mut update, &mut flash, 1000), Err(Error::Refused(Refusal::OtherImage)));
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Broken));
    full.receive(&mut update, &mut flash, 1000).unwrap();
    assert_eq!(full.apply(&mut update, &mut flash), Ok(Progress::Complete));
    assert_eq!(update.boot(&mut flash), Ok(BootDecision::Run(Slot::First)));
    assert!(update.is_sound() && holds(&flash, &full, Slot::First, &full.new));
}

#[test]
fn abandoning_is_refused_once_the_image_in_place_was_touched() {
    for (layout, expected) in [(PackageLayout::Slot, Ok(())), (PackageLayout::InPlace, Err(Error::NotNow))] {
        let case = case(Content::Delta, layout);
        let mut flash = case.device(1);
        let mut update = begin_applying(&case, &mut flash, 3);
        assert_eq!(update.abandon(&mut flash), expected, "{layout:?}");
    }
}

#[test]
fn a_damaged_journal_is_told_and_can_be_given_up() {
    let case = case(Content::Delta, PackageLayout::Slot);
    let (mut flash, _) = on_trial(&case);
    let journal = case.layout.journal;
    let mut octets = flash.dump()[journal.start as usize..journal.end() as usize].to_vec();
    let at = octets.windows(4).position(|w| w == [1, 0, 5, TRIAL_ATTEMPTS]).expect("the record is there");
    octets[at] = 2;
    flash.load(journal.start, &octets).unwrap();
    // the record before it, or none: never the damaged one
    let mounted = Update::mount(&mut flash, case.layout).map(|update| update.job());
    assert!(matches!(mounted, Ok(Job::Applying { .. }) | Err(Error::JournalDamaged)), "{mounted:?}");
    let update = Update::format(&mut flash, case.layout).unwrap();
    assert_eq!((update.job(), update.active(), update.outcome()), (Job::Idle, Slot::First, None));
    assert_eq!(Update::mount(&mut flash, case.layout).unwrap().job(), Job::Idle);
}

/// Octets of the flash change between any two steps, anywhere: nothing panics, everything ends, the flash is used
/// rightly, and what is called complete is the new image.
#[test]
fn flash_that_changes_by_itself_never_passes_for_the_new_image() {
    let (mut complete, mut ended, mut refused) = (0, 0, 0);
    for layout in [PackageLayout::Slot, PackageLayout::InPlace] {
        let case = case(Content::Delta, layout);
        let mut ordered: Flash = case.device(1);
        let mut update = Update::mount(&mut ordered, case.layout).unwrap();
        case.receive(&mut update, &mut ordered, 1000).unwrap();
        for seed in 0..3000 {
            let mut noise = Seeded::new(seed);
            let mut flash = ordered.clone();
            let until = noise.below(30);
            match haunted(&case, &mut flash, &mut noise, until) {
                Ok(Progress::Complete) => {
                    complete += 1;
                    let mut update = Update::mount(&mut flash, case.layout).unwrap();
                    let Ok(BootDecision::Run(slot)) = update.boot(&mut flash) else { panic!("seed {seed}") };
                    assert!(holds(&flash, &case, slot, &case.new), "seed {seed}");
                }
                Ok(_) => ended += 1,
                Err(_) => refused += 1,
            }
            assert!(flash.misuses().is_empty(), "seed {seed}: {:?}", flash.misuses());
        }
    }
    kedge_tests::figure!(
        "haunted flash: {complete} complete and right, {ended} ended, {refused} told as errors"
    );
    assert!(complete > 100 && ended > 100 && refused > 10, "the noise is neither harmless nor deadly");
}

/// Applies with an octet changed after `until` steps, and the journal read afresh.
fn haunted(
    case: &Case,
    flash: &mut Flash,
    noise: &mut Seeded,
    until: usize,
) -> Result<Progress, kedge_tests::update::Fault> {
    let mut room = Box::new(Room::new());
    let mut left = until;
    for _ in 0..3 {
        let mut update = Update::mount(flash, case.layout)?;
        let progress = case.with_measure(None, |device| {
            let mut applier = Applier::resume(&mut update, flash, device, &RingCrypto, room.lend())?;
            for _ in 0..1000 {
                let progress = applier.step(flash)?;
                if matches!(progress, Progress::Complete | Progress::Ended(_)) {
                    return Ok::<_, kedge_tests::update::Fault>(Some(progress));
                }
                match left {
                    0 => {}
                    1 => {
                        left = 0;
                        return Ok(None);
                    }
                    _ => left -= 1,
                }
            }
            panic!("it does not end")
        })?;
        match progress {
            Some(progress) => return Ok(progress),
            None => change_octet(flash, noise),
        }
    }
    panic!("it starts over and over")
}

fn change_octet(flash: &mut Flash, noise: &mut Seeded) {
    let dump = flash.dump();
    let sector = noise.below(dump.len() / 256) * 256;
    let mut octets = dump[sector..sector + 256].to_vec();
    octets[noise.below(256)] ^= 1 << noise.below(8);
    flash.load(u32::try_from(sector).unwrap(), &octets).unwrap();
}
