//! What is foretold of an update is what happens: on strict flash models of several geometries, in both layouts, for every
//! kind of package and both ways of a revertible one.
use kedge_generator::Layout::{self, InPlace, Slot};
use kedge_generator::RingCrypto;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_tests::powerfail::PAIRS;
use kedge_tests::update::{Case, Content, Fate, Room, Shape, image_pair};
use kedge_update_agent::{Error, Forecast, Job, Metered, Mode, Progress, Speed, Tally, Update, Work};

fn forecast<const WRITE: usize, const ERASE: usize>(
    case: &Case,
    flash: &mut Metered<Nor<WRITE, ERASE>>,
) -> Forecast {
    let update = Update::mount(flash, case.layout).unwrap();
    let mut room = Box::new(Room::new());
    update.forecast::<_, RingCrypto>(flash, room.lend()).unwrap()
}

/// One start from a mount on, with what was foretold and what was counted.
fn go<const WRITE: usize, const ERASE: usize>(
    case: &Case,
    flash: &mut Metered<Nor<WRITE, ERASE>>,
) -> (Forecast, Tally) {
    let foretold = forecast(case, flash);
    let mut update = Update::mount(flash, case.layout).unwrap();
    flash.reset();
    let ended = case.apply(&mut update, flash).unwrap();
    assert!(matches!(ended, Progress::Complete | Progress::Ended(_)), "{ended:?}");
    (foretold, flash.tally())
}

/// What is read may be off by a third, and by what headers, the starts of streams and the plan's passes take.
fn near(foretold: Work, counted: Work) -> bool {
    foretold.read.abs_diff(counted.read) <= counted.read / 3 + 4096
}

/// Judges a way; returns how much of what was read was foretold, in percent.
fn compare(what: &str, foretold: &Forecast, counted: &Tally, wear: u32) -> u32 {
    let exact = |name: &str, foretold: Work, counted: Work| {
        let (foretold, counted) =
            ((foretold.erases, foretold.programmed), (counted.erases, counted.programmed));
        assert_eq!(foretold, counted, "{what}: {name}: erases, octets programmed");
    };
    exact("image", foretold.image, counted.image);
    exact("spare", foretold.scratch.and(foretold.saved), counted.spare);
    exact("package", foretold.package, counted.package);
    exact("journal", foretold.journal, counted.journal);
    let (all, done) = (foretold.total(), counted.total());
    assert!(near(all, done), "{what}: {} foretold, {} read; {foretold:?} {counted:?}", all.read, done.read);
    assert!(foretold.most_worn >= wear, "{what}: a sector was erased {wear} times");
    all.read * 100 / done.read
}

/// What was erased most since `before`, the journal left out.
fn most_worn<const WRITE: usize, const ERASE: usize>(
    case: &Case,
    flash: &Nor<WRITE, ERASE>,
    before: &[u32],
) -> u32 {
    let journal = case.layout.journal;
    let sectors = flash.wear().iter().zip(before).enumerate();
    let outside =
        sectors.filter(|(n, _)| !(journal.start as usize..journal.end() as usize).contains(&(n * ERASE)));
    outside.map(|(_, (after, before))| after - before).max().unwrap_or_default()
}

/// What an update is foretold, there and back; tells `reads` how much of what was read was foretold.
fn check<const WRITE: usize, const ERASE: usize>(what: &str, case: &Case, reads: &mut Vec<u32>) {
    let mut flash = Metered::new(case.device::<WRITE, ERASE>(1), case.layout);
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    case.receive(&mut update, &mut flash, 200).unwrap();
    let before = flash.flash().wear().to_vec();
    let (foretold, counted) = go(case, &mut flash);
    let wear = most_worn(case, flash.flash(), &before);
    reads.push(compare(what, &foretold, &counted, wear));
    if let Job::Trial { way_back: 1.., .. } = Update::mount(&mut flash, case.layout).unwrap().job() {
        let mut update = Update::mount(&mut flash, case.layout).unwrap();
        update.roll_back(&mut flash).unwrap();
        let (foretold, counted) = go(case, &mut flash);
        reads.push(compare(&format!("{what}, back"), &foretold, &counted, 0));
        assert!(flash.flash().dump().starts_with(&case.old));
    }
}

fn geometry<const WRITE: usize, const ERASE: usize>(
    (block, spare, beside): (usize, usize, usize),
    reads: &mut Vec<u32>,
) {
    let shape = Shape { erase: ERASE, block, spare, beside };
    let kinds = [Content::Full, Content::Plain, Content::Delta];
    let all = [Slot, InPlace].into_iter().flat_map(|layout| kinds.map(|content| (layout, content)));
    for (layout, content) in all.chain([(InPlace, Content::Revertible)]) {
        for pair in PAIRS {
            let firmware = matches!(pair, kedge_tests::powerfail::Pair::Firmware(_));
            if firmware && !matches!(content, Content::Delta | Content::Revertible) {
                continue;
            }
            let Some((old, new)) = pair.images(block) else { continue };
            let case = Case::shaped(&old, &new, content, layout, shape).with_fate(Fate::Rejected);
            let what = format!("{WRITE}/{ERASE}/{block}, {content:?}, {layout:?}, {}", pair.name());
            check::<WRITE, ERASE>(&what, &case, reads);
        }
    }
}

#[test]
fn an_undisturbed_update_does_what_was_foretold() {
    let mut reads = Vec::new();
    geometry::<4, 256>((256, 2, 0), &mut reads);
    geometry::<1, 1024>((2048, 3, 1), &mut reads);
    geometry::<32, 2048>((2048, 2, 40), &mut reads);
    geometry::<16, 512>((512, 4, 4), &mut reads);
    let (least, most) = (reads.iter().min().unwrap(), reads.iter().max().unwrap());
    kedge_tests::figure!(
        "forecasts: {} ways, all erases and octets programmed exact; octets read: {least} to {most} % of what is read",
        reads.len()
    );
}

fn small(layout: Layout) -> Case {
    let (old, new) = image_pair(1200, 256, 11);
    Case::new(&old, &new, Content::Delta, layout, 256, 256)
}

#[test]
fn there_is_a_forecast_as_soon_as_the_package_is_there() {
    let case = small(InPlace);
    let mut flash = Metered::new(case.device::<8, 256>(1), case.layout);
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    let mut room = Box::new(Room::new());
    let early = update.forecast::<_, RingCrypto>(&mut flash, room.lend());
    assert_eq!(early, Err(Error::NotNow));
    update.begin(&mut flash, u32::try_from(case.package.len()).unwrap()).unwrap();
    let (front, rest) = case.package.split_at(100);
    update.write(&mut flash, front).unwrap();
    assert_eq!(update.forecast::<_, RingCrypto>(&mut flash, room.lend()), Err(Error::NotNow));
    update.write(&mut flash, rest).unwrap();
    let foretold = update.forecast::<_, RingCrypto>(&mut flash, room.lend()).unwrap();
    assert_eq!(foretold.blocks, u32::try_from(case.new.len().div_ceil(256)).unwrap());
    assert!(foretold.written > 0 && foretold.written < foretold.blocks);
}

#[test]
fn after_a_power_cut_counting_begins_anew() {
    let case = small(InPlace);
    let mut flash = Metered::new(case.device::<8, 256>(1), case.layout);
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    case.receive(&mut update, &mut flash, 1000).unwrap();
    flash.flash().power_on();
    let mut undisturbed = Metered::new(flash.flash().clone(), case.layout);
    let whole = go(&case, &mut undisturbed).1.total();
    let operations = undisturbed.flash().operations_since_power_on();
    flash.flash().cut_at(operations * 3 / 4, Cut::Torn { seed: 1 });
    assert!(case.apply(&mut update, &mut flash).is_err());
    flash.flash().power_on();
    let mut after = Metered::new(flash.free(), case.layout);
    let mut update = Update::mount(&mut after, case.layout).unwrap();
    assert_eq!(case.apply(&mut update, &mut after), Ok(Progress::Complete));
    let rest = after.tally().total();
    assert!(rest.erases < whole.erases && rest.programmed < whole.programmed, "{rest:?} of {whole:?}");
}

#[test]
fn what_is_outside_of_the_layout_is_not_counted() {
    use kedge_platform::flash::NorFlash as _;
    let case = small(Slot);
    let Mode::Slot { standby } = case.layout.mode else { panic!() };
    let mut flash = Metered::new(Nor::<4, 256>::new(case.sectors + 1), case.layout);
    let outside = u32::try_from(case.sectors * 256).unwrap();
    flash.erase(outside, outside + 256).unwrap();
    assert_eq!(flash.tally(), Tally::default());
    flash.erase(standby.start, standby.start + 512).unwrap();
    flash.write(standby.start, &[0; 8]).unwrap();
    assert!(flash.write(standby.start, &[0; 8]).is_err(), "the model takes a unit once");
    assert_eq!(flash.tally().image, Work { erases: 2, programmed: 8, read: 0 });
    assert_eq!(flash.tally().total(), flash.tally().image);
}

#[test]
fn time_follows_from_speeds() {
    let image = Work { erases: 10, programmed: 2048, read: 1024 };
    let forecast = Forecast { image, hashed: 3072, decoded: 512, ..Forecast::default() };
    let speed = Speed { erase: 100, program: 20, read: 3, hash: 5, decode: 40 };
    assert_eq!(forecast.micros(&speed), 1000 + 40 + 3 + 15 + 20);
    assert!(forecast.micros(&Speed::TYPICAL) > 450_000);
}
