//! The power is cut in every flash operation of a license's life, before it, inside it at each octet, and after it; then
//! again during the recovery. Section 8: a cut leaves old or new, whole; never unknown if the old one was valid; never more
//! rights than either; going on from the start is safe at any point.

use kedge_agent::license::Verdict;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_protocol::license::{Level, Serial, State};

use super::bench::{Bench, Order, SECTOR, START, at, configuration};

/// Steps of a life, in order. Each is safe to begin anew.
const STEPS: [u32; 5] = [0, 7, 8, 9, 10];

/// What a life has reached: the serial of the last license that was installed for certain.
fn order(seq: u32) -> Order {
    if seq < 8 { Order::trial(seq, START) } else { Order::full(seq, START + u64::from(seq)) }
}

/// Lives on from wherever the flash is, until the last step is done. `Err` when the power fails.
fn live<const UNIT: usize>(bench: &mut Bench<UNIT>, saves: u32, certain: &mut u32) -> Result<(), ()> {
    bench.licensing = None;
    let started = bench.start(Some(START)).map_err(drop);
    if bench.licensing.is_some() {
        check(bench, *certain);
    }
    started?;
    *certain = (*certain).max(bench.licensing().terms().serial.seq);
    for seq in STEPS {
        if seq <= bench.licensing().floor().seq {
            continue;
        }
        let now = at(START, u64::from(seq));
        bench.contact(&order(seq), now).map_err(drop)?;
        *certain = seq;
        bench.reported().map_err(drop)?;
        // fills the journal, so that it turns over
        for n in 0..saves {
            bench.save(at(START, u64::from(seq * saves + n))).map_err(drop)?;
        }
    }
    Ok(())
}

/// What must hold after every start.
fn check<const UNIT: usize>(bench: &mut Bench<UNIT>, certain: u32) {
    let (licensing, now) = (bench.licensing(), at(START, 0));
    let terms = licensing.terms();
    let seq = terms.serial.seq;
    assert!(STEPS.contains(&seq), "a license of the life: {seq}");
    assert!(seq >= certain, "{seq}: what was installed for certain ({certain}) is not lost");
    assert!(licensing.floor() >= Serial::new(u16::from(certain > 0), certain), "nor is its floor");
    let next = STEPS.iter().find(|step| **step > certain).copied().unwrap_or(certain);
    assert!(seq <= next, "{seq}: old or new, nothing else ({certain})");
    let verdict = licensing.verdict(now);
    let expected = if seq == 0 { State::Unknown } else { order(seq).license.state };
    assert_eq!(terms.state, expected);
    assert_eq!(verdict.permits(), seq > 0, "{verdict}");
    assert!(!matches!(verdict, Verdict::Grace(_)), "no cut damages a document: {verdict}");
    if seq > 0 {
        let number = order(seq).configuration.expect("one");
        assert_eq!(bench.applied.0, configuration(number), "license and configuration belong together");
    }
    let misuses = bench.flash().misuses();
    assert!(misuses.is_empty(), "{misuses:?}");
}

/// The cuts that are tried in an operation.
fn cuts(at: u64) -> impl Iterator<Item = Cut> {
    let inside = (0..8_u32).map(move |n| Cut::TornAt { octet: n * 9 + 1, seed: at * 31 + u64::from(n) });
    let random = (0..4).map(move |n| Cut::Torn { seed: at * 131 + n });
    [Cut::Before, Cut::After].into_iter().chain(inside).chain(random)
}

/// One device: a cut, and with `again` a second one some operations after the restart.
fn one<const UNIT: usize>(
    flash: &Nor<UNIT, SECTOR>,
    level: Level,
    saves: u32,
    cut: (u64, Cut),
    again: Option<(u64, Cut)>,
) {
    let mut bench = Bench::on(flash.clone(), level);
    bench.flash().cut_at(cut.0, cut.1);
    if let Some((at, cut)) = again {
        bench.flash().cut_at(at, cut);
    }
    let mut certain = 0;
    for _ in 0..8 {
        if live(&mut bench, saves, &mut certain).is_ok() {
            assert_eq!(bench.licensing().terms().serial.seq, 10, "it got there: {cut:?} {again:?}");
            // twice more: what was decided stays so, whatever torn units read
            bench.flash().clear_cuts();
            for _ in 0..2 {
                live(&mut bench, 0, &mut certain).expect("no cut is left");
            }
            return;
        }
        assert!(!bench.flash().is_on(), "only a cut stops it: {cut:?} {again:?}");
        bench.flash().power_on();
    }
    panic!("no end: {cut:?} {again:?}");
}

fn sweep<const UNIT: usize>((level, sectors): (Level, usize), ecc: bool, saves: u32, stride: usize) -> usize {
    let flash = Nor::<UNIT, SECTOR>::new(sectors).with_seed(u64::from(saves));
    let flash = if ecc { flash.with_ecc() } else { flash };
    let mut clean = Bench::on(flash.clone(), level);
    live(&mut clean, saves, &mut 0).expect("no cut");
    let operations = clean.flash().work().operations();
    let mut cases = 0;
    for at in (0..operations).step_by(stride) {
        for cut in cuts(at) {
            one(&flash, level, saves, (at, cut), None);
            cases += 1;
            let second = Cut::Torn { seed: at ^ 0x55 };
            one(&flash, level, saves, (at, cut), Some((at % 7, second)));
            cases += 1;
        }
    }
    cases
}

#[test]
fn no_cut_loses_a_license_or_gives_one_away() {
    let mut cases = 0;
    cases += sweep::<4>((Level::Identity, 4), false, 0, 1);
    cases += sweep::<4>((Level::Key, 4), true, 0, 1);
    cases += sweep::<4>((Level::Counter, 7), false, 0, 1);
    cases += sweep::<1>((Level::Key, 5), false, 0, 1);
    cases += sweep::<8>((Level::Counter, 4), true, 0, 1);
    cases += sweep::<32>((Level::Identity, 4), true, 0, 1);
    cases += sweep::<64>((Level::Key, 4), false, 0, 1);
    println!("{cases} cases with the power cut, 0 violations");
    assert!(cases >= 10_000, "{cases}");
}

#[test]
fn nor_while_a_half_of_the_journal_fills_up() {
    let cases = sweep::<16>((Level::Key, 4), false, 60, 3) + sweep::<4>((Level::Counter, 5), true, 60, 5);
    println!("{cases} cases with the power cut around turning over, 0 violations");
    assert!(cases >= 1000, "{cases}");
}
