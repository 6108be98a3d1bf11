//! Power cuts by the hundred: scenarios played again and again, each life with some cuts, half of them in flash operations and
//! half at random moments.
//!
//! Everything of a life follows from one number: its scenario, and when the power fails. A cut at a random moment hits what it
//! hits, so what it hit is read from the board's RAM, counted, and written down: with `--replay NUMBER` the life is lived again,
//! and a failure prints the operation in which it can be made to fail for sure.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;

use crate::board::Moment;
use crate::phone::Kill;

/// Cuts in one life that are planned, at least; less than twice as many at most. A life that ends before them ends.
const LEAST_IN_A_LIFE: u64 = 6;

/// A board, with what it takes to live lives on it.
pub(crate) trait Lives {
    /// What is played, in turn.
    fn scenarios(&self) -> &'static [&'static str];
    /// Where everything random comes from.
    fn seed(&self) -> u64;
    /// What lies at this offset of the flash.
    fn place(&self, offset: u32) -> &'static str;
    /// Plays a scenario on a board from the factory, with these power failures. The error says that it could not be played.
    fn live(&mut self, scenario: &'static str, kills: &[Kill]) -> anyhow::Result<Life>;
    /// Plays it in the simulator, where this board has one, with the power cuts that it had.
    fn simulate(&mut self, _: &'static str, _: &[(Kill, Moment)]) -> anyhow::Result<()> {
        anyhow::bail!("this board has none")
    }
}

/// A scenario that was played.
pub(crate) struct Life {
    /// How it ended: old or new, whole, and one report; an error if not.
    pub(crate) end: anyhow::Result<End>,
    /// Flash operations.
    pub(crate) operations: u64,
    /// The power failures that came.
    pub(crate) killed: Vec<(Kill, Moment)>,
    /// What the board said.
    pub(crate) log: String,
    /// How long it took.
    pub(crate) took: Duration,
    /// What the board counted: name and value.
    pub(crate) measured: Vec<(String, u64)>,
}

/// How a life ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As without power failures.
    AsWithout,
    /// With the old firmware: the new one was started more often than it has tries to be confirmed. The network knows.
    RolledBack,
}

/// What a scenario takes without cuts.
struct Clean {
    scenario: &'static str,
    operations: u64,
    took: Duration,
}

/// How often what was hit: who ran, what lies there, what was done to it.
#[derive(Default)]
pub(crate) struct Histogram(BTreeMap<(&'static str, &'static str, &'static str), u32>);

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
    board: &mut dyn Lives,
    wanted: u64,
    replay: Option<u64>,
    simulated: bool,
) -> anyhow::Result<Campaign> {
    let clean = clean(board)?;
    let mut campaign = Campaign::default();
    let numbers = replay.map_or(0..u64::MAX, |number| number..number.saturating_add(1));
    for number in numbers {
        if replay.is_none() && campaign.cuts >= wanted {
            break;
        }
        let of = &clean[usize::try_from(number)? % clean.len()];
        let killed = live(board, of, number, &mut campaign)?;
        if campaign.lives % 10 == 0 {
            println!(
                "{} power cuts in {} lives, {} failures",
                campaign.cuts,
                campaign.lives,
                campaign.failures.len()
            );
        }
        if simulated {
            match board.simulate(of.scenario, &killed) {
                Ok(()) => println!("the simulator, with the same cuts: ended as without"),
                Err(why) => println!("the simulator, with the same cuts: {why:#}"),
            }
        }
    }
    Ok(campaign)
}

fn clean(board: &mut dyn Lives) -> anyhow::Result<Vec<Clean>> {
    board
        .scenarios()
        .iter()
        .map(|scenario| {
            let Life { end, operations, took, .. } = board.live(scenario, &[])?;
            end.with_context(|| format!("{scenario} without any cut"))?;
            println!("{scenario}: {operations} flash operations, {:.1} s", took.as_secs_f64());
            Ok(Clean { scenario, operations: operations.max(1), took })
        })
        .collect()
}

/// The life of this number.
fn live(
    board: &mut dyn Lives,
    Clean { scenario, operations, took }: &Clean,
    number: u64,
    campaign: &mut Campaign,
) -> anyhow::Result<Vec<(Kill, Moment)>> {
    let mut draw = Seeded::new(board.seed() ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let kills: Vec<Kill> = (0..LEAST_IN_A_LIFE + draw.word() % LEAST_IN_A_LIFE)
        .map(|_| kill(&mut draw, *operations, *took))
        .collect();
    let Life { end, killed, log, .. } = board.live(scenario, &kills)?;
    campaign.lives += 1;
    campaign.cuts += killed.len() as u64;
    for (_, moment) in &killed {
        campaign.histogram.count(moment, |offset| board.place(offset));
    }
    match end {
        Ok(End::AsWithout) => {}
        Ok(End::RolledBack) => campaign.rolled_back += 1,
        Err(why) => {
            let hit: Vec<_> = killed.iter().map(|(kill, moment)| kill.in_operation(moment)).collect();
            let failure = format!("life {number}, {scenario}: {why:#}; cut in {hit:?}");
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

impl Histogram {
    fn count(&mut self, moment: &Moment, place: impl Fn(u32) -> &'static str) {
        let who = if moment.boot_stage { "boot stage" } else { "image" };
        let (what, done) = match moment.under_way {
            None => ("between", "operations"),
            Some((offset, true)) => (place(offset), "erased"),
            Some((offset, false)) => (place(offset), "written"),
        };
        *self.0.entry((who, what, done)).or_default() += 1;
    }

    /// A bar for each place, scaled to the most frequent.
    pub(crate) fn lines(&self) -> Vec<String> {
        const WIDTH: u32 = 40;
        let most = self.0.values().copied().max().unwrap_or(1).max(1);
        let bar = |count: u32| "#".repeat((count * WIDTH).div_ceil(most) as usize);
        self.0
            .iter()
            .map(|((who, what, done), count)| {
                format!("{who:<10}  {what:<8} {done:<10}  {count:>5}  {}", bar(*count))
            })
            .collect()
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
        campaign
            .histogram
            .0
            .iter()
            .map(|((who, what, done), n)| (format!("cut: {who}, {what} {done}"), n.to_string())),
    );
    figures
}
