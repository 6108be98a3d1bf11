//! Trying many cases on many threads, and adding up.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use kedge_platform_sim::random::Seeded;

use super::number::{DEPTH, Number, Strike, Way};
use super::scenario::Scenario;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A chain for each way of cutting each operation.
    All,
    /// About so many cases, spread evenly over scenarios, operations and ways; the same ones each time.
    Cases(usize),
}

/// What came out for some scenarios.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Scenarios tried.
    pub scenarios: u64,
    /// Operations of their undisturbed lives.
    pub operations: u64,
    /// Cases with one cut, with two, and with three.
    pub cases: [u64; DEPTH],
    /// What went wrong.
    pub violations: u64,
}

impl Totals {
    /// All cases.
    pub fn all(&self) -> u64 {
        self.cases.iter().sum()
    }

    fn add(&mut self, other: &Self) {
        self.scenarios += other.scenarios;
        self.operations += other.operations;
        self.violations += other.violations;
        for (sum, more) in self.cases.iter_mut().zip(other.cases) {
            *sum += more;
        }
    }
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// For each kind of flash, by its place in [`FLASHES`](super::FLASHES).
    pub flashes: BTreeMap<usize, Totals>,
    /// For each setting, by its place in [`SETTINGS`](super::SETTINGS).
    pub settings: BTreeMap<usize, Totals>,
    /// Everything.
    pub total: Totals,
    /// The first few violations, with the number that replays each; scenarios that did not even work undisturbed.
    pub violations: Vec<(Number, String)>,
    /// Scenarios left out because the firmware they are about is not there.
    pub left_out: u64,
}

/// Violations kept with their words; a broken rule breaks in thousands of cases.
const KEPT: usize = 50;

/// Tries `scenarios` on so many threads; `progress` is told after each how many are through, and what came out so far.
pub fn sweep(
    scenarios: &[Scenario],
    extent: Extent,
    threads: usize,
    mut progress: impl FnMut(usize, &Report),
) -> Report {
    let next = AtomicUsize::new(0);
    let quota = match extent {
        Extent::All => None,
        Extent::Cases(cases) => Some(cases.div_ceil(scenarios.len().max(1))),
    };
    let mut report = Report::default();
    std::thread::scope(|scope| {
        let (results, collected) = mpsc::channel();
        for _ in 0..threads {
            let (results, next) = (results.clone(), &next);
            scope.spawn(move || {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if results.send((*scenario, one(*scenario, quota))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        for (through, (scenario, outcome)) in (1..).zip(collected) {
            match outcome {
                Some((totals, violations)) => {
                    report.flashes.entry(scenario.flash).or_default().add(&totals);
                    report.settings.entry(scenario.setting).or_default().add(&totals);
                    report.total.add(&totals);
                    let room = KEPT.saturating_sub(report.violations.len());
                    report.violations.extend(violations.into_iter().take(room));
                }
                None => report.left_out += 1,
            }
            progress(through, &report);
        }
    });
    report
}

type Found = (Totals, Vec<(Number, String)>);

/// The cases of one scenario, about `quota` of them. None without the firmware that it is about.
fn one(scenario: Scenario, quota: Option<usize>) -> Option<Found> {
    let mut totals = Totals { scenarios: 1, ..Totals::default() };
    let mut violations = Vec::new();
    let bench = match scenario.prepare() {
        Ok(bench) => bench?,
        Err(what) => {
            totals.violations = 1;
            return Some((totals, vec![(Number::undisturbed(scenario), what)]));
        }
    };
    totals.operations = bench.operations();
    for first in firsts(bench.operations(), quota) {
        bench.chain(scenario, first, &mut |number, result| {
            if let Some(count) = totals.cases.get_mut(number.strikes().count().saturating_sub(1)) {
                *count += 1;
            }
            if let Err(what) = result {
                totals.violations += 1;
                if violations.len() < KEPT {
                    violations.push((number, what));
                }
            }
        });
    }
    Some((totals, violations))
}

/// The first cuts of the chains: all, or one drawn from each of as many equal parts as the quota has chains.
fn firsts(operations: u64, quota: Option<usize>) -> impl Iterator<Item = Strike> {
    let all = usize::try_from(operations).unwrap_or(usize::MAX).saturating_mul(Way::ALL.len());
    let chains = quota.map_or(all, |quota| quota.div_ceil(DEPTH).min(all));
    let mut noise = Seeded::new(operations);
    (0..chains).map(move |n| {
        let (from, to) = (n * all / chains, (n + 1) * all / chains);
        let at = from + noise.below(to - from);
        Strike { at: (at / Way::ALL.len()) as u64, way: Way::ALL[at % Way::ALL.len()] }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_means_each_way_at_each_operation() {
        let all: Vec<Strike> = firsts(7, None).collect();
        assert_eq!(all.len(), 7 * Way::ALL.len());
        for at in 0..7 {
            for way in Way::ALL {
                assert!(all.contains(&Strike { at, way }));
            }
        }
        assert_eq!(firsts(7, Some(1_000_000)).collect::<Vec<_>>(), all);
    }

    #[test]
    fn a_sample_is_spread() {
        let some: Vec<Strike> = firsts(100, Some(30)).collect();
        assert_eq!(some.len(), 10);
        for (n, strike) in (0..).zip(some) {
            assert!((n * 10..n * 10 + 10).contains(&strike.at));
        }
    }
}
