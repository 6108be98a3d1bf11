//! Plays scenarios for the desktop command, alone or with the power cut.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use kedge_agent::event::{Event, Events};
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;
use kedge_update_agent::{Progress, Slot};

use crate::feed::{
    Feed, Figures, Flash, FlashRegion, FlowEnded, Lane, Level, Note, Observer, Progress as FeedProgress,
};
use crate::handset::Watch;
use crate::license;
use crate::license::flows::{FLOWS, Flow};
use crate::play::{Options, Play, PowerCut, ScenarioInfo, Verdict};
use crate::scenario::{Script, named, scripts};
use crate::traffic::Traffic;
use crate::translate::Translator;
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
        let mut screen = Screen {
            translator: Translator::new(scenario.name, observer),
            traffic: Traffic::default(),
            task: None,
        };
        let (result, figures) = match options.power_cut {
            None => once(&prepared, &mut screen),
            Some(PowerCut::At(operation)) => cut_once(&prepared, operation, options.seed, &mut screen),
            Some(PowerCut::Every) => sweep(&prepared, None, options.seed, &mut screen),
            Some(PowerCut::Random(count)) => sweep(&prepared, Some(count), options.seed, &mut screen),
        };
        let verdict = Verdict { passed: result.is_ok(), reason: result.err().map(|e| format!("{e:#}")) };
        observer.feed(&Feed::FlowEnded(FlowEnded {
            name: scenario.name.to_owned(),
            passed: verdict.passed,
            reason: verdict.reason.clone(),
            figures,
            replay: options.replay(scenario.name),
        }));
        Ok(verdict)
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
    screen.close(prepared, played)
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
    screen.close(prepared, played)
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
    let mut draw = Seeded::new(seed);
    let cases: Vec<(u64, Cut)> = if let Some(count) = random {
        (0..count).map(|_| (draw.word() % clean, Cut::Torn { seed: draw.word() })).collect()
    } else {
        let kinds = |at: u64| [Cut::Before, Cut::Torn { seed: seed ^ at }, Cut::After];
        (0..clean).flat_map(|at| kinds(at).map(|cut| (at, cut))).collect()
    };
    let total = cases.len() as u64;
    let mut violations = Vec::new();
    for (done, (at, cut)) in cases.into_iter().enumerate() {
        let trouble = Trouble { cuts: vec![(at, cut)], ..Trouble::default() };
        if let Err(e) = prepared.play::<UNIT, SECTOR>(&trouble, &mut ()) {
            violations.push(format!("{cut:?} operation {at}: {e:#}"));
        }
        screen.progress(Duration::ZERO, "power cuts", "cases", done as u64 + 1, total);
    }
    let more = vec![
        ("flash operations".to_owned(), clean.to_string()),
        ("power cuts".to_owned(), total.to_string()),
        ("violations".to_owned(), violations.len().to_string()),
    ];
    let text = format!(
        "{total} cases with the power cut in {clean} flash operations, {} violations",
        violations.len()
    );
    screen.log(Duration::ZERO, if violations.is_empty() { Level::Info } else { Level::Error }, text);
    let result = violations.first().map_or(Ok(()), |first| Err(anyhow!("{first}")));
    // What the flow costs is that of the run without a cut.
    (result, figures(traffic, &facts, more))
}

/// What a play cost.
fn figures(traffic: Traffic, facts: &Facts, mut more: Vec<(String, String)>) -> Figures {
    let named =
        [("octets of IS-683 messages", traffic.is683), ("octets of short messages", traffic.short_messages)];
    more.extend(named.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n.to_string())));
    Figures {
        messages: traffic.messages,
        octets: traffic.bodies + traffic.packages,
        erases: facts.erases,
        took_ms: ms(facts.took),
        more,
    }
}

/// Shows a play, and counts what goes over the air.
struct Screen<'o> {
    translator: Translator<'o>,
    traffic: Traffic,
    /// The long step of the update agent that goes on: name, unit, total.
    task: Option<(&'static str, &'static str, u32)>,
}

impl Screen<'_> {
    fn progress(&mut self, now: Duration, task: &str, unit: &str, have: u64, total: u64) {
        let (task, unit) = (task.to_owned(), unit.to_owned());
        self.translator.feed(&Feed::Progress(FeedProgress { at_ms: ms(now), task, unit, have, total }));
    }

    fn log(&mut self, now: Duration, level: Level, text: String) {
        self.translator.feed(&Feed::Log { at_ms: ms(now), level, text });
    }

    fn note(&mut self, now: Duration, lane: Lane, text: String) {
        self.translator.feed(&Feed::Note(Note { at_ms: ms(now), lane, step: None, text }));
    }

    /// The long step under way is done, whatever its last report said.
    fn finish_task(&mut self, now: Duration) {
        if let Some((task, unit, total)) = self.task.take() {
            self.progress(now, task, unit, total.into(), total.into());
        }
    }

    /// Shows the end state; the figures of the play.
    fn close(&mut self, prepared: &Prepared, played: anyhow::Result<Facts>) -> (anyhow::Result<()>, Figures) {
        let facts = match played {
            Ok(facts) => facts,
            Err(e) => return (Err(e), Figures::default()),
        };
        let regions = prepared.model().map.regions();
        let regions = regions.into_iter().map(|(name, r)| FlashRegion {
            name: name.to_owned(),
            start: r.start,
            len: r.len,
        });
        self.translator.feed(&Feed::Flash(Flash {
            sector_size: SECTOR_OCTETS,
            wear: facts.wear.clone(),
            regions: regions.collect(),
        }));
        let mut more = vec![("exchanges".to_owned(), facts.exchanges.to_string())];
        if prepared.package_len > 0 {
            more.push(("package octets".to_owned(), prepared.package_len.to_string()));
        }
        (Ok(()), figures(self.traffic, &facts, more))
    }
}

impl Events for Screen<'_> {
    fn event(&mut self, now: Duration, event: &Event<'_>) {
        self.traffic.event(now, event);
        self.translator.event(now, event);
    }
}

impl Watch for Screen<'_> {
    fn updating(&mut self, now: Duration, progress: Progress) {
        let (task, unit, done, total) = match progress {
            Progress::Verifying { done, total } => ("verify package", "octets", done, total),
            Progress::Applying { done, total } => ("apply blocks", "blocks", done, total),
            Progress::Checking { done, total } => ("check new image", "octets", done, total),
            Progress::Complete => {
                self.finish_task(now);
                return self.note(now, Lane::UpdateAgent, "the new image is whole".to_owned());
            }
            Progress::Ended(outcome) => {
                return self.note(now, Lane::UpdateAgent, format!("the update ended: {:?}", outcome.result));
            }
        };
        if self.task.is_some_and(|(known, ..)| known != task) {
            self.finish_task(now);
        }
        self.task = Some((task, unit, total));
        self.progress(now, task, unit, done.into(), total.into());
    }

    fn booted(&mut self, now: Duration, slot: Slot, version: &str) {
        let slot = match slot {
            Slot::First => "first",
            Slot::Second => "second",
        };
        self.note(now, Lane::Handset, format!("starts version {version} from the {slot} slot"));
    }

    fn power_failed(&mut self, now: Duration, operation: u64) {
        self.translator.feed(&Feed::PowerCut { at_ms: ms(now), operation });
    }
}

fn ms(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
