//! Plays license flows for the desktop command: over real HTTP, or in process with the power cut.

use std::time::Duration;

use anyhow::Context as _;
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;

use super::flows::Flow;
use super::stage::{Costs, Link, Plan, SECTOR, Stage, Trouble};
use crate::feed::{Feed, Figures, Observer};
use crate::handset::Watch;
use crate::play::{Options, PowerCut, Verdict};
use crate::screen::{Screen, cuts, figures, verdict_of};
use crate::traffic::Traffic;

/// Plays `flow` and tells `observer` everything from its start to its end.
pub fn play(flow: &Flow, options: &Options, observer: &mut dyn Observer) -> Verdict {
    let (name, title) = (flow.name.to_owned(), flow.title.to_owned());
    observer.feed(&Feed::FlowStarted { name, title, seed: options.seed });
    let mut screen = Screen::new(flow.name, observer);
    let seed = options.seed;
    let ended = match options.power_cut.or(flow.cuts().map(|_| PowerCut::Every)) {
        None => shown(&mut screen, |screen| undisturbed(flow, seed, screen)),
        Some(PowerCut::At(operation)) => {
            let trouble = Trouble { cut: Some((operation, Cut::Torn { seed })), ..Trouble::default() };
            shown(&mut screen, |screen| once(flow, &trouble, seed, screen))
        }
        Some(PowerCut::Every) => sweep(flow, None, seed, &mut screen),
        Some(PowerCut::Random(count)) => sweep(flow, Some(count), seed, &mut screen),
    };
    screen.end(flow.name, options, ended)
}

/// Without trouble: over loopback, where the flow can be played there.
fn undisturbed(flow: &Flow, seed: u64, watch: &mut dyn Watch) -> anyhow::Result<Costs> {
    let trouble = Trouble::default();
    if flow.in_process() {
        return once(flow, &trouble, seed, watch);
    }
    let plan = Plan { policy: flow.policy(), browser: flow.browser(), trouble: &trouble, seed };
    to_the_end(flow, Stage::over_http(&plan, watch).context("no servers")?)
}

/// In process, with this trouble.
pub fn once(flow: &Flow, trouble: &Trouble, seed: u64, watch: &mut dyn Watch) -> anyhow::Result<Costs> {
    let plan = Plan { policy: flow.policy(), browser: flow.browser(), trouble, seed };
    to_the_end(flow, Stage::in_process(&plan, watch)?)
}

fn to_the_end<C: Link>(flow: &Flow, mut stage: Stage<'_, C>) -> anyhow::Result<Costs> {
    flow.play(&mut stage)?;
    Ok(stage.costs())
}

/// Shows a play and its end state; its figures.
fn shown(
    screen: &mut Screen<'_>,
    play: impl FnOnce(&mut Screen<'_>) -> anyhow::Result<Costs>,
) -> (anyhow::Result<()>, Figures) {
    let costs = match play(screen) {
        Ok(costs) => costs,
        Err(error) => return (Err(error), Figures::default()),
    };
    let Costs { operations, erases, wear, regions, exchanges, took } = costs;
    screen.flash(SECTOR, wear, regions.into_iter());
    let more = [("exchanges", exchanges), ("flash operations", operations)];
    let more = more.map(|(name, count)| (name.to_owned(), count.to_string()));
    (Ok(()), figures(screen.traffic(), erases, took, more.to_vec()))
}

/// Again and again: before, inside and after every flash operation of device A, or at some drawn from the seed.
fn sweep(
    flow: &Flow,
    random: Option<u32>,
    seed: u64,
    screen: &mut Screen<'_>,
) -> (anyhow::Result<()>, Figures) {
    let parts = flow.cuts().map_or_else(|| vec![flow], |parts| parts.to_vec());
    let mut draw = Seeded::new(seed);
    let (mut cases, mut operations, mut erases) = (Vec::new(), 0, 0);
    let (mut traffic, mut took) = (Traffic::default(), Duration::ZERO);
    for part in parts {
        let clean = match once(part, &Trouble::default(), seed, &mut traffic) {
            Ok(clean) => clean,
            Err(error) => return (Err(error.context("without any cut")), Figures::default()),
        };
        (operations, erases, took) =
            (operations + clean.operations, erases + clean.erases, took + clean.took);
        let points = cuts(clean.operations, random, seed, &mut draw);
        cases.extend(points.into_iter().map(|(at, cut)| (part, at, cut)));
    }
    let (total, violations) = screen.each_case(cases, |(part, at, cut)| {
        let trouble = Trouble { cut: Some((at, cut)), ..Trouble::default() };
        let played = once(part, &trouble, seed, &mut ());
        played.map(drop).with_context(|| format!("{}, {cut:?} operation {at}", part.name))
    });
    let count = violations.as_ref().map_or(0, |(count, _)| *count);
    let more = [("flash operations", operations), ("power cuts", total), ("violations", count)];
    let more = more.map(|(name, count)| (name.to_owned(), count.to_string()));
    // What the flow costs is that of the run without a cut.
    (verdict_of(violations), figures(traffic, erases, took, more.to_vec()))
}
