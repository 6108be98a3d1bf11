//! Plays license flows for the desktop command: over real HTTP, or in process with the power cut.

use anyhow::{Context as _, anyhow};
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;

use super::flows::Flow;
use super::stage::{Link, Profiles, Stage, Trouble};
use crate::feed::{Feed, Figures, Flash, FlashRegion, FlowEnded, Level, Observer, Progress};
use crate::play::{Options, PowerCut, Verdict};

/// Octets of an erase sector.
const SECTOR: u32 = 4096;
/// What the four sectors hold.
const SECTORS: [&str; 4] = ["document 1", "document 2", "journal 1", "journal 2"];

/// Plays `flow` and tells `observer` everything from its start to its end.
pub fn play(flow: &Flow, options: &Options, observer: &mut dyn Observer) -> Verdict {
    let (name, title) = (flow.name.to_owned(), flow.title.to_owned());
    observer.feed(&Feed::FlowStarted { name, title, seed: options.seed });
    let cuts = options.power_cut.or(flow.cuts().map(|_| PowerCut::Every));
    let played = match cuts {
        None => undisturbed(flow, options.seed, observer),
        Some(PowerCut::At(operation)) => {
            let cut = Some((operation, Cut::Torn { seed: options.seed }));
            once(flow, &Trouble { cut, ..Trouble::default() }, options.seed, observer)
        }
        Some(PowerCut::Every) => sweep(flow, None, options.seed, observer),
        Some(PowerCut::Random(count)) => sweep(flow, Some(count), options.seed, observer),
    };
    let (result, figures) = match played {
        Ok(figures) => (Ok(()), figures),
        Err(error) => (Err(error), Figures::default()),
    };
    let verdict = Verdict { passed: result.is_ok(), reason: result.err().map(|e| format!("{e:#}")) };
    observer.feed(&Feed::FlowEnded(FlowEnded {
        name: flow.name.to_owned(),
        passed: verdict.passed,
        reason: verdict.reason.clone(),
        figures,
        replay: options.replay(flow.name),
    }));
    verdict
}

/// Without trouble: over loopback, where the flow can be played there.
fn undisturbed(flow: &Flow, seed: u64, observer: &mut dyn Observer) -> anyhow::Result<Figures> {
    if flow.in_process() {
        return once(flow, &Trouble::default(), seed, observer);
    }
    let profiles = Profiles::new(flow.browser());
    let mut stage = Stage::over_http(flow.policy(), &profiles, observer, seed).context("no servers")?;
    flow.play(&mut stage)?;
    close(&mut stage)
}

/// In process, with this trouble.
pub fn once(
    flow: &Flow,
    trouble: &Trouble,
    seed: u64,
    observer: &mut dyn Observer,
) -> anyhow::Result<Figures> {
    let profiles = Profiles::new(flow.browser());
    let mut stage = Stage::in_process(flow.policy(), &profiles, trouble, observer, seed)?;
    flow.play(&mut stage)?;
    close(&mut stage)
}

/// Shows the end state; what the flow has cost.
fn close<C: Link>(stage: &mut Stage<'_, '_, C>) -> anyhow::Result<Figures> {
    let (operations, erases, wear, took) = stage.costs()?;
    let starts = (0..).map(|n| n * SECTOR);
    let regions = SECTORS.iter().zip(starts).map(|(name, start)| FlashRegion {
        name: (*name).to_owned(),
        start,
        len: SECTOR,
    });
    stage.picture.feed(&Feed::Flash(Flash { sector_size: SECTOR, wear, regions: regions.collect() }));
    let more = [("exchanges", stage.exchanges()), ("flash operations", operations)];
    Ok(Figures {
        messages: stage.picture.messages,
        octets: stage.picture.octets,
        erases,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        more: more.into_iter().map(|(name, count)| (name.to_owned(), count.to_string())).collect(),
    })
}

/// Again and again: before, inside and after every flash operation of device A, or at some drawn from the seed.
fn sweep(
    flow: &Flow,
    random: Option<u32>,
    seed: u64,
    observer: &mut dyn Observer,
) -> anyhow::Result<Figures> {
    let parts = flow.cuts().map_or_else(|| vec![flow], |parts| parts.to_vec());
    let mut cases = Vec::new();
    let mut draw = Seeded::new(seed);
    let mut figures = Figures::default();
    for part in parts {
        let clean = once(part, &Trouble::default(), seed, &mut Nobody)?;
        let operations = operations(&clean).context("no count of flash operations")?;
        let torn = |at: u64| Cut::Torn { seed: seed ^ at };
        if let Some(count) = random {
            cases.extend((0..count).map(|_| (part, draw.word() % operations.max(1), torn(draw.word()))));
        } else {
            let kinds = |at: u64| [Cut::Before, torn(at), Cut::After];
            cases.extend((0..operations).flat_map(|at| kinds(at).map(|cut| (part, at, cut))));
        }
        figures = clean;
    }
    let total = cases.len() as u64;
    let mut violations = Vec::new();
    for (done, (part, at, cut)) in (1..).zip(cases) {
        let trouble = Trouble { cut: Some((at, cut)), ..Trouble::default() };
        if let Err(error) = once(part, &trouble, seed, &mut Nobody) {
            violations.push(format!("{}, {cut:?} operation {at}: {error:#}", part.name));
        }
        let (task, unit) = ("power cuts".to_owned(), "cases".to_owned());
        observer.feed(&Feed::Progress(Progress { at_ms: 0, task, unit, have: done, total }));
    }
    let text = format!("{total} cases with the power cut, {} violations", violations.len());
    let level = if violations.is_empty() { Level::Info } else { Level::Error };
    observer.feed(&Feed::Log { at_ms: 0, level, text });
    if let Some(first) = violations.first() {
        return Err(anyhow!("{} violations, the first: {first}", violations.len()));
    }
    figures.more.push(("power cuts".to_owned(), total.to_string()));
    figures.more.push(("violations".to_owned(), "0".to_owned()));
    Ok(figures)
}

fn operations(figures: &Figures) -> Option<u64> {
    let (_, count) = figures.more.iter().find(|(name, _)| name == "flash operations")?;
    count.parse().ok()
}

/// Nobody watches.
struct Nobody;

impl Observer for Nobody {
    fn feed(&mut self, _: &Feed) {}
}
