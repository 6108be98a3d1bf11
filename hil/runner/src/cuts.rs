//! Power cuts by the hundred: scenarios played again and again, each life with some cuts, half of them in flash operations and
//! half at random moments.
//!
//! Everything of a life follows from one number: its scenario, and when the power fails. A cut at a random moment hits what it
//! hits, so what it hit is read from the board's RAM, counted, and written down: with `--replay NUMBER` the life is lived again,
//! and a failure prints the operation in which it can be made to fail for sure.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{anyhow, bail};
use kedge::scenario::Script;
use kedge::world::Facts;
use kedge_network::TransactionState;
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;

use crate::bench::{Bench, Played};
use crate::board::Moment;
use crate::phone::Kill;
use crate::product;

/// The scenarios that are cut: an activation, an update into a slot, one in place, a list that the network sends.
const SCENARIOS: [&str; 4] = ["one-button", "fota-client", "fota-client/in-place", "prl-update"];
/// Cuts in one life that are planned, at least; less than twice as many at most. A life that ends before them ends.
const LEAST_IN_A_LIFE: u64 = 6;

/// What a scenario takes without cuts.
struct Clean {
    scenario: &'static Script,
    operations: u64,
    took: Duration,
}

/// How often what was hit.
#[derive(Default)]
pub(crate) struct Histogram(BTreeMap<(&'static str, &'static str), u32>);

/// What came of a campaign.
#[derive(Default)]
pub(crate) struct Campaign {
    pub(crate) lives: u64,
    pub(crate) cuts: u64,
    pub(crate) rolled_back: u32,
    pub(crate) histogram: Histogram,
    pub(crate) failures: Vec<String>,
}

/// Lives until `wanted` cuts have come, or exactly the life of this number; that one again in the simulator if `simulated`.
pub(crate) fn run(
    bench: &mut Bench<'_>,
    wanted: u64,
    replay: Option<u64>,
    simulated: bool,
) -> anyhow::Result<Campaign> {
    let clean = clean(bench)?;
    let mut campaign = Campaign::default();
    let numbers = replay.map_or(0..u64::MAX, |number| number..number.saturating_add(1));
    for number in numbers {
        if replay.is_none() && campaign.cuts >= wanted {
            break;
        }
        let killed = live(bench, &clean, number, &mut campaign)?;
        if campaign.lives % 10 == 0 {
            println!(
                "{} power cuts in {} lives, {} failures",
                campaign.cuts,
                campaign.lives,
                campaign.failures.len()
            );
        }
        if simulated {
            let scenario = clean[usize::try_from(number)? % clean.len()].scenario;
            match bench.simulate(scenario, &killed) {
                Ok(_) => println!("the simulator, with the same cuts: ended as without"),
                Err(why) => println!("the simulator, with the same cuts: {why:#}"),
            }
        }
    }
    Ok(campaign)
}

fn clean(bench: &mut Bench<'_>) -> anyhow::Result<Vec<Clean>> {
    SCENARIOS
        .iter()
        .map(|name| {
            let scenario = kedge::scenario::find(name).ok_or_else(|| anyhow!("no scenario {name}"))?;
            let played = bench.play(scenario, &[])?;
            let facts = played.facts.map_err(|why| why.context(format!("{name} without any cut")))?;
            println!("{name}: {} flash operations, {:.1} s", facts.operations, played.took.as_secs_f64());
            Ok(Clean { scenario, operations: facts.operations.max(1), took: played.took })
        })
        .collect()
}

/// The life of this number.
fn live(
    bench: &mut Bench<'_>,
    clean: &[Clean],
    number: u64,
    campaign: &mut Campaign,
) -> anyhow::Result<Vec<(Kill, Moment)>> {
    let mut draw = Seeded::new(bench.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let of = usize::try_from(number)? % clean.len();
    let Clean { scenario, operations, took } = &clean[of];
    let kills: Vec<Kill> = (0..LEAST_IN_A_LIFE + draw.word() % LEAST_IN_A_LIFE)
        .map(|_| kill(&mut draw, *operations, *took))
        .collect();
    let Played { facts, killed, log, whole, .. } = bench.play(scenario, &kills)?;
    campaign.lives += 1;
    campaign.cuts += killed.len() as u64;
    for (_, moment) in &killed {
        campaign.histogram.count(moment);
    }
    match facts.and_then(|facts| end(scenario, &facts, whole)) {
        Ok(End::AsWithout) => {}
        Ok(End::RolledBack) => campaign.rolled_back += 1,
        Err(why) => {
            let hit: Vec<_> = killed.iter().map(|(kill, moment)| kill.in_operation(moment)).collect();
            let failure = format!("life {number}, {}: {why:#}; cut in {hit:?}", scenario.name);
            println!("{failure}\n{log}");
            campaign.failures.push(failure);
        }
    }
    Ok(killed)
}

/// When the power fails next: anywhere in what the scenario takes, or, as a time with power gets ever further that way, more
/// likely near its beginning.
fn kill(draw: &mut Seeded, operations: u64, took: Duration) -> Kill {
    let nearer = draw.word() % 6;
    if draw.word().is_multiple_of(2) {
        let cut = [Cut::Before, Cut::Torn { seed: 0 }, Cut::After][(draw.word() % 3) as usize];
        Kill::In(draw.word() % (operations >> nearer).max(1), cut)
    } else {
        let per_mille = u32::try_from(draw.word() % 1000).unwrap_or_default();
        Kill::After(took * per_mille / (1000 << nearer))
    }
}

/// How a life with cuts ended well.
enum End {
    /// As without them.
    AsWithout,
    /// With the old firmware: the new one was started more often than it has tries to be confirmed. The network knows.
    RolledBack,
}

/// Old or new, whole, and one report.
fn end(scenario: &Script, facts: &Facts, whole: bool) -> anyhow::Result<End> {
    if let Some(violation) = facts.violations.first() {
        bail!("{} violations, the first: {violation}", facts.violations.len());
    }
    if !whole {
        bail!("the image that is started is neither the old nor the new one");
    }
    let Err(why) = scenario.check(facts) else { return Ok(End::AsWithout) };
    let Some(transaction) = &facts.transaction else { bail!("{why}") };
    let failed = u16::from(kedge_agent::state::FAILED);
    let told = transaction.state == TransactionState::Reported(failed) && transaction.reports == 1;
    if told && facts.version == facts.versions[0] && facts.reports_left == 0 && facts.confirmed {
        return Ok(End::RolledBack);
    }
    bail!("{why}")
}

impl Histogram {
    fn count(&mut self, moment: &Moment) {
        let who = if moment.boot_stage { "boot stage" } else { "image" };
        let what = moment.under_way.map_or("between operations", |(offset, erases)| place(offset, erases));
        *self.0.entry((who, what)).or_default() += 1;
    }

    /// A bar for each place, scaled to the most frequent.
    pub(crate) fn lines(&self) -> Vec<String> {
        const WIDTH: u32 = 40;
        let most = self.0.values().copied().max().unwrap_or(1).max(1);
        let bar = |count: u32| "#".repeat((count * WIDTH).div_ceil(most) as usize);
        self.0
            .iter()
            .map(|((who, what), count)| format!("{who:<10}  {what:<18}  {count:>5}  {}", bar(*count)))
            .collect()
    }
}

/// What lies there, and what is done to it.
fn place(offset: u32, erases: bool) -> &'static str {
    let layout = product::layout(false);
    let (package, journal) = (layout.package, layout.journal);
    match (offset, erases) {
        _ if offset < product::IMAGE.end() && erases => "image erased",
        _ if offset < product::IMAGE.end() => "image written",
        _ if offset < package.start && erases => "slot erased",
        _ if offset < package.start => "slot written",
        _ if offset < package.end() && erases => "package erased",
        _ if offset < package.end() => "package written",
        _ if offset < journal.end() && erases => "journal erased",
        _ if offset < journal.end() => "journal written",
        (_, true) => "store erased",
        (_, false) => "store written",
    }
}

/// The same as items of a report.
pub(crate) fn figures(campaign: &Campaign) -> Vec<(String, String)> {
    let count = |name: &str, number: u64| (name.to_owned(), number.to_string());
    let mut figures = vec![
        count("lives", campaign.lives),
        count("power cuts", campaign.cuts),
        count("rolled back", campaign.rolled_back.into()),
        count("failures", campaign.failures.len() as u64),
    ];
    figures.extend(
        campaign.histogram.0.iter().map(|((who, what), n)| (format!("cut: {who}, {what}"), n.to_string())),
    );
    figures
}
