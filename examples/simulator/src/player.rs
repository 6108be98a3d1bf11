//! Plays scenarios for the desktop command, alone or with the power cut.

use anyhow::{Context as _, bail};
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;

use crate::feed::{Feed, Figures, Observer};
use crate::license;
use crate::license::flows::{FLOWS, Flow};
use crate::play::{Options, Play, PowerCut, ScenarioInfo, Verdict};
use crate::scenario::{Script, named, scripts};
use crate::screen::{Screen, cuts, figures, verdict_of};
use crate::traffic::Traffic;
use crate::world::{Facts, Pair, Prepared, Trouble};

/// Erase sector and write unit of the handset's flash, in octets.
pub(crate) const SECTOR: usize = 4096;
const SECTOR_OCTETS: u32 = 4096;
pub(crate) const UNIT: usize = 4;

/// The firmware pair that is used when none is named: two images of the project's own board firmware.
static OLD: &[u8] = include_bytes!("../../../tests/data/firmware/v1.bin");
static NEW: &[u8] = include_bytes!("../../../tests/data/firmware/v2.bin");

/// Largest image taken, in octets; the simulated flash holds three of them.
const MOST_IMAGE: u64 = 64 << 20;

/// The built-in firmware pair.
pub fn built_in_pair() -> Pair {
    Pair { old: OLD.to_vec(), new: NEW.to_vec() }
}

/// Plays everything of [`scripts`], and the license [`FLOWS`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Player;

impl Play for Player {
    fn scenarios(&self) -> Vec<ScenarioInfo> {
        let info = |s: &Script| ScenarioInfo {
            name: s.name.to_owned(),
            title: s.title.to_owned(),
            flow: s.flow().to_owned(),
            by_default: s.is_main(),
        };
        let license = |flow: &Flow| ScenarioInfo {
            name: flow.name.to_owned(),
            title: flow.title.to_owned(),
            flow: flow.flow().to_owned(),
            by_default: flow.flow() == flow.name,
        };
        scripts().iter().map(info).chain(FLOWS.iter().map(license)).collect()
    }

    fn play(&self, name: &str, options: &Options, observer: &mut dyn Observer) -> anyhow::Result<Verdict> {
        if let Some(flow) = license::flows::find(name) {
            return Ok(license::play::play(flow, options, observer));
        }
        let scenario = named(name)?;
        let pair = pair(options)?;
        let (name, title) = (scenario.name.to_owned(), scenario.title.to_owned());
        observer.feed(&Feed::FlowStarted { name, title, seed: options.seed });
        let prepared =
            Prepared::new(scenario, &pair, SECTOR_OCTETS, options.seed).context("cannot prepare the flow")?;
        let mut screen = Screen::new(scenario.name, observer);
        let ended = match options.power_cut {
            None => once(&prepared, &mut screen),
            Some(PowerCut::At(operation)) => cut_once(&prepared, operation, options.seed, &mut screen),
            Some(PowerCut::Every) => sweep(&prepared, None, options.seed, &mut screen),
            Some(PowerCut::Random(count)) => sweep(&prepared, Some(count), options.seed, &mut screen),
        };
        Ok(screen.end(scenario.name, options, ended))
    }
}

/// The firmware pair that the options name, or the built-in one.
fn pair(options: &Options) -> anyhow::Result<Pair> {
    let Some((old, new)) = &options.pair else { return Ok(built_in_pair()) };
    let read = |path: &std::path::Path| -> anyhow::Result<Vec<u8>> {
        let len = std::fs::metadata(path).with_context(|| format!("{}", path.display()))?.len();
        if len == 0 || len > MOST_IMAGE {
            bail!("{}: {len} octets are no firmware image (1 to {MOST_IMAGE})", path.display());
        }
        std::fs::read(path).with_context(|| format!("{}", path.display()))
    };
    let pair = Pair { old: read(old)?, new: read(new)? };
    if pair.old == pair.new {
        bail!("{} and {} are the same image", old.display(), new.display());
    }
    Ok(pair)
}

/// Plays without cuts, over real HTTP.
fn once(prepared: &Prepared, screen: &mut Screen<'_>) -> (anyhow::Result<()>, Figures) {
    let played = prepared.play_over_http::<UNIT, SECTOR>(screen);
    close(screen, prepared, played)
}

/// Plays in process with one cut, and shows everything.
fn cut_once(
    prepared: &Prepared,
    operation: u64,
    seed: u64,
    screen: &mut Screen<'_>,
) -> (anyhow::Result<()>, Figures) {
    let trouble = Trouble { cuts: vec![(operation, Cut::Torn { seed })], ..Trouble::default() };
    let played = prepared.play::<UNIT, SECTOR>(&trouble, screen);
    close(screen, prepared, played)
}

/// Plays in process again and again: before, inside and after every flash operation, or at some drawn from the seed.
fn sweep(
    prepared: &Prepared,
    random: Option<u32>,
    seed: u64,
    screen: &mut Screen<'_>,
) -> (anyhow::Result<()>, Figures) {
    let mut traffic = Traffic::default();
    let facts = match prepared.play::<UNIT, SECTOR>(&Trouble::default(), &mut traffic) {
        Ok(facts) => facts,
        Err(e) => return (Err(e.context("without any cut")), Figures::default()),
    };
    let clean = facts.operations;
    let cases = cuts(clean, random, seed, &mut Seeded::new(seed));
    let (total, violations) = screen.each_case(cases, |(at, cut)| {
        let trouble = Trouble { cuts: vec![(at, cut)], ..Trouble::default() };
        let played = prepared.play::<UNIT, SECTOR>(&trouble, &mut ());
        played.map(drop).with_context(|| format!("{cut:?} operation {at}"))
    });
    let more = vec![
        ("flash operations".to_owned(), clean.to_string()),
        ("power cuts".to_owned(), total.to_string()),
        ("violations".to_owned(), violations.as_ref().map_or(0, |(count, _)| *count).to_string()),
    ];
    // What the flow costs is that of the run without a cut.
    (verdict_of(violations), figures(traffic, facts.erases, facts.took, more))
}

/// The end state of a play; its figures.
fn close(
    screen: &mut Screen<'_>,
    prepared: &Prepared,
    played: anyhow::Result<Facts>,
) -> (anyhow::Result<()>, Figures) {
    let facts = match played {
        Ok(facts) => facts,
        Err(e) => return (Err(e), Figures::default()),
    };
    screen.flash(SECTOR_OCTETS, facts.wear, prepared.model().map.regions().into_iter());
    let mut more = vec![("exchanges".to_owned(), facts.exchanges.to_string())];
    if prepared.package_len > 0 {
        more.push(("package octets".to_owned(), prepared.package_len.to_string()));
    }
    (Ok(()), figures(screen.traffic(), facts.erases, facts.took, more))
}
