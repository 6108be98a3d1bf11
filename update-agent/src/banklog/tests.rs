//! The log against its model, with the power cut in every operation, and again during every recovery.

use std::vec::Vec;
use std::{println, vec};

use kedge_platform::flash::{NorFlash, ReadNorFlash, Region};
use kedge_platform_sim::nor::{Cut, Error, Nor};

use super::{BankLog, Change, LogError, Mounted};

const KEYS: usize = 4;
type State = [Option<Vec<u8>>; KEYS];

/// Commits that replace, remove, combine, and overflow a bank of 256 octets several times.
fn script() -> Vec<Vec<(u8, Option<Vec<u8>>)>> {
    let value = |seed: u8, len: u8| Some((0..len).map(|i| seed.wrapping_mul(31).wrapping_add(i)).collect());
    vec![
        vec![(0, value(1, 5)), (1, value(2, 0))],
        vec![(2, value(3, 40))],
        vec![(0, None), (3, value(4, 9))],
        vec![(2, value(5, 33)), (1, value(6, 17)), (0, value(7, 1))],
        vec![(3, None), (2, None)],
        vec![(1, value(8, 50)), (3, value(9, 12))],
    ]
}

fn observe<F: NorFlash>(log: &BankLog<KEYS>, flash: &mut F) -> Result<State, LogError<F::Error>> {
    let mut state = State::default();
    for (key, slot) in (0..).zip(&mut state) {
        let mut buf = [0; 64];
        *slot = log.read(flash, key, &mut buf)?.map(<[u8]>::to_vec);
        assert_eq!(slot.as_ref().map(Vec::len), log.len(key));
        let whole = slot.as_deref().unwrap_or_default();
        let (skip, mut part) = (whole.len() / 3, [0; 7]);
        let n = log.read_part(flash, key, skip, &mut part)?;
        assert_eq!(&part[..n], &whole[skip..whole.len().min(skip + 7)]);
    }
    Ok(state)
}

fn apply(state: &State, changes: &[(u8, Option<Vec<u8>>)]) -> State {
    let mut next = state.clone();
    for (key, value) in changes {
        next[usize::from(*key)].clone_from(value);
    }
    next
}

/// Plays the script from `truth` on; true if it came to its end. Updates `truth` as soon as an answer was given, and checks
/// every answer against it: `maybe` is the state of a commit that was interrupted.
fn session<const W: usize, const E: usize>(
    flash: &mut Nor<W, E>,
    region: Region,
    truth: &mut State,
    maybe: &mut Option<State>,
    step: &mut usize,
) -> bool {
    let mut log = match BankLog::<KEYS>::mount(flash, region) {
        Ok((log, _)) => log,
        Err(LogError::Flash(Error::PowerLost)) => return false,
        Err(e) => panic!("mount: {e}"),
    };
    let seen = observe(&log, flash).expect("what was mounted can be read");
    if maybe.as_ref() == Some(&seen) {
        *truth = seen.clone();
        *step += 1;
    }
    assert_eq!(seen, *truth, "neither the old nor the new state");
    *maybe = None;
    let script = script();
    while let Some(changes) = script.get(*step) {
        let next = apply(truth, changes);
        let borrowed: Vec<Change<'_>> =
            changes.iter().map(|(key, value)| Change { key: *key, value: value.as_deref() }).collect();
        match log.commit(flash, &borrowed) {
            Ok(()) => {
                assert_eq!(observe(&log, flash).unwrap(), next);
                *truth = next;
                *step += 1;
            }
            Err(LogError::Flash(Error::PowerLost)) => {
                *maybe = Some(next);
                return false;
            }
            Err(e) => panic!("commit {step}: {e}"),
        }
    }
    true
}

/// One device's life: sessions until the script is done, power on after each cut, two mounts at the end that must agree.
fn life<const W: usize, const E: usize>(mut flash: Nor<W, E>) -> Nor<W, E> {
    let region = Region::new(0, u32::try_from(flash.capacity()).unwrap());
    let (mut truth, mut maybe, mut step) = (State::default(), None, 0);
    while !session(&mut flash, region, &mut truth, &mut maybe, &mut step) {
        assert!(!flash.is_on(), "a session ended early without a power cut");
        flash.power_on();
    }
    assert_eq!(step, script().len());
    for _ in 0..2 {
        let (log, _) = BankLog::<KEYS>::mount(&mut flash, region).unwrap();
        assert_eq!(observe(&log, &mut flash).unwrap(), truth);
    }
    assert_eq!(flash.misuses(), []);
    flash
}

fn cuts(seeds: u64) -> Vec<Cut> {
    let mut cuts = vec![Cut::Before, Cut::After];
    cuts.extend((0..seeds).map(|seed| Cut::Torn { seed }));
    cuts
}

/// Every single cut and, for every one, every second cut; returns the number of lives.
fn sweep<const W: usize, const E: usize>(sectors: usize, ecc: bool, seeds: u64) -> usize {
    let blank = |seed| {
        let flash = Nor::<W, E>::new(sectors).with_seed(seed);
        if ecc { flash.with_ecc() } else { flash }
    };
    let clean = life(blank(0)).work().operations();
    let mut lives = 1;
    for at in 0..clean {
        for (seed, first) in (0..).zip(cuts(seeds)) {
            let mut once = blank(seed);
            once.cut_at(at, first);
            life(once.clone());
            lives += 1;
            for again in 0..24 {
                for second in cuts(2) {
                    let mut twice = once.clone();
                    twice.cut_at(again, second);
                    twice.cut_at(again / 2, Cut::Torn { seed: at ^ again });
                    life(twice);
                    lives += 1;
                }
            }
        }
    }
    lives
}

#[test]
fn survives_cuts_in_every_operation_and_in_every_recovery() {
    let mut lives = 0;
    lives += sweep::<1, 256>(2, false, 3);
    lives += sweep::<4, 128>(4, false, 3);
    lives += sweep::<8, 256>(2, true, 3);
    lives += sweep::<16, 256>(4, true, 2);
    lives += sweep::<32, 512>(2, false, 2);
    println!("bank log: {lives} lives with one to three power cuts, 0 violations");
    assert!(lives > 20_000, "the sweep shrank to {lives} lives");
}

#[test]
fn blank_and_foreign_flash_is_empty() {
    let mut flash = Nor::<4, 256>::new(2);
    let region = Region::new(0, 512);
    assert_eq!(BankLog::<KEYS>::mount(&mut flash, region).unwrap().1, Mounted::Empty);
    for seed in 0..200_u64 {
        let noise: Vec<u8> =
            (0..512_u64).map(|i| (i * i * (seed + 3) * 2_654_435_761).to_le_bytes()[2]).collect();
        flash.load(0, &noise).unwrap();
        let (mut log, mounted) = BankLog::<KEYS>::mount(&mut flash, region).unwrap();
        assert_eq!((mounted, log.is_empty()), (Mounted::Empty, true));
        log.commit(&mut flash, &[Change::put(1, b"x")]).unwrap();
        assert_eq!(BankLog::<KEYS>::mount(&mut flash, region).unwrap().1, Mounted::Clean);
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut flash = Nor::<4, 256>::new(2);
    let region = Region::new(0, 512);
    let (mut log, _) = BankLog::<KEYS>::mount(&mut flash, region).unwrap();
    log.commit(&mut flash, &[Change::put(0, &[7; 100])]).unwrap();
    assert_eq!(log.commit(&mut flash, &[Change::put(1, &[8; 120])]), Err(LogError::NoRoom { needed: 284 }));
    assert_eq!(log.commit(&mut flash, &[Change::put(4, b"")]), Err(LogError::Key(4)));
    assert_eq!(log.commit(&mut flash, &[Change::put(2, b""), Change::remove(2)]), Err(LogError::Key(2)));
    assert_eq!(log.read(&mut flash, 0, &mut [0; 99]), Err(LogError::Buffer { needed: 100 }));
    assert_eq!((log.len(0), log.len(1)), (Some(100), None));
    let (log, mounted) = BankLog::<KEYS>::mount(&mut flash, region).unwrap();
    assert_eq!((log.len(0), mounted), (Some(100), Mounted::Clean));
}

#[test]
fn a_damaged_snapshot_is_reported_and_formatting_starts_afresh() {
    let mut flash = Nor::<4, 256>::new(2);
    let region = Region::new(0, 512);
    let (mut log, _) = BankLog::<KEYS>::mount(&mut flash, region).unwrap();
    log.commit(&mut flash, &[Change::put(0, b"precious")]).unwrap();
    let (mut log, _) = BankLog::<KEYS>::mount(&mut flash, region).unwrap();
    log.commit(&mut flash, &[Change::put(1, b"more")]).unwrap();
    let mut image = flash.dump();
    image[20] ^= 0x10;
    flash.load(0, &image).unwrap();
    assert_eq!(BankLog::<KEYS>::mount(&mut flash, region).unwrap_err(), LogError::DamagedBank);
    let mut log = BankLog::<KEYS>::format(&mut flash, region).unwrap();
    log.commit(&mut flash, &[Change::put(0, b"new")]).unwrap();
    let (log, mounted) = BankLog::<KEYS>::mount(&mut flash, region).unwrap();
    assert_eq!((log.len(0), log.len(1), mounted), (Some(3), None, Mounted::Clean));
}

#[test]
fn geometry_is_checked() {
    let mut flash = Nor::<4, 256>::new(4);
    for (start, len) in [(0, 256), (0, 768), (128, 512), (512, 1024), (0, 0)] {
        let mounted = BankLog::<KEYS>::mount(&mut flash, Region::new(start, len));
        assert_eq!(mounted.unwrap_err(), LogError::Geometry, "{start} {len}");
    }
    let mut coarse = Nor::<128, 256>::new(2);
    assert_eq!(BankLog::<KEYS>::mount(&mut coarse, Region::new(0, 512)).unwrap_err(), LogError::Geometry);
}
