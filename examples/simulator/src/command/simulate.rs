//! `kedge simulate`.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use super::{Exit, Surroundings};
use crate::feed::Observer;
use crate::play::{Options, Play, PowerCut, ScenarioInfo};
use crate::present::{Json, Live, Plain, Recording, Terminal, junit, report, summary};
use crate::scenario::is_file;

/// The name that stands for every scenario.
const ALL: &str = "all";

/// The default seed.
const SEED: u64 = 1;

#[derive(Args, Clone, Debug)]
pub(super) struct Simulate {
    /// Flows to play, by name, or scenario files (.toml); `all`: every flow [default: one-button fota-client]
    flows: Vec<String>,
    /// Name all flows and their variants, and play none
    #[arg(long)]
    list: bool,
    /// Where everything random comes from: the same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
    /// The firmware image that is installed [default: built-in]
    #[arg(long, value_name = "FILE", requires = "new")]
    old: Option<PathBuf>,
    /// The firmware image to update to [default: built-in]
    #[arg(long, value_name = "FILE", requires = "old")]
    new: Option<PathBuf>,
    /// Cut the power: at `every` flash operation, at K `random:K` ones, or at operation N
    #[arg(long, value_name = "every|random:K|N")]
    power_cut: Option<PowerCut>,
    /// Print each event as a line of JSON instead of the diagram
    #[arg(long)]
    json: bool,
    /// Write a JUnit XML file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write one self-contained HTML page: diagram, content of each message, flash map, log
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

impl Default for Simulate {
    fn default() -> Self {
        Self {
            flows: Vec::new(),
            list: false,
            seed: SEED,
            old: None,
            new: None,
            power_cut: None,
            json: false,
            junit: None,
            report: None,
        }
    }
}

pub(super) fn run(
    arguments: &Simulate,
    player: &dyn Play,
    surroundings: &mut Surroundings<'_>,
) -> anyhow::Result<Exit> {
    let scenarios = player.scenarios();
    if arguments.list {
        list(&scenarios, surroundings.out)?;
        return Ok(Exit::Passed);
    }
    let names = chosen(&arguments.flows, &scenarios)?;
    let options = Options {
        flows: names.clone(),
        seed: arguments.seed,
        pair: pair(arguments)?,
        power_cut: arguments.power_cut,
    };
    // Opened first: nobody wants to learn after a long run that its result has no place.
    let mut junit_file = arguments.junit.as_deref().map(create).transpose()?;
    let mut report_file = arguments.report.as_deref().map(create).transpose()?;

    let mut recording = Recording::default();
    let played = play(arguments.json, player, &names, &options, &mut recording, surroundings);
    if let Some(file) = &mut junit_file {
        file.write_all(junit(&recording)?.as_bytes()).context("the JUnit file cannot be written")?;
    }
    if let Some(file) = &mut report_file {
        file.write_all(report(&recording).as_bytes()).context("the report cannot be written")?;
    }
    played?;
    if !arguments.json {
        write!(surroundings.out, "{}", summary(&recording, surroundings.colour))?;
    }
    Ok(exit(&recording))
}

/// Plays the flows by name; those after one that could not be played are played nevertheless.
fn play(
    json: bool,
    player: &dyn Play,
    names: &[String],
    options: &Options,
    recording: &mut Recording,
    surroundings: &mut Surroundings<'_>,
) -> io::Result<()> {
    let Surroundings { out, err, term, colour } = surroundings;
    let mut live: Box<dyn Live + '_> = match term {
        _ if json => Box::new(Json::new(out)),
        Some(term) => Box::new(Terminal::new(out, *colour, Some(term.clone()))),
        None => Box::new(Plain::new(out)),
    };
    for name in names {
        let mut both: [&mut dyn Observer; 2] = [&mut *live, &mut *recording];
        let mut observer = Both(&mut both);
        if let Err(error) = player.play(name, options, &mut observer) {
            writeln!(err, "kedge: {name} cannot be played: {error:#}")?;
            recording.abort(name, options.seed, format!("{error:#}"));
        }
    }
    live.finish()
}

/// The two watchers of a run as one.
struct Both<'a, 'b>(&'a mut [&'b mut dyn Observer; 2]);

impl Observer for Both<'_, '_> {
    fn feed(&mut self, feed: &crate::feed::Feed) {
        self.0.as_mut_slice().feed(feed);
    }
}

/// A flow that could not be played is a wrong use; one that failed is a failure.
fn exit(recording: &Recording) -> Exit {
    if recording.flows().iter().any(|flow| flow.aborted.is_some()) {
        Exit::Usage
    } else if recording.passed() {
        Exit::Passed
    } else {
        Exit::Failed
    }
}

fn list(scenarios: &[ScenarioInfo], out: &mut dyn Write) -> io::Result<()> {
    let widest = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    for ScenarioInfo { name, title, by_default, .. } in scenarios {
        let sign = if *by_default { '*' } else { ' ' };
        writeln!(out, "{sign} {name:<widest$}  {title}")?;
    }
    writeln!(out, "\n* played when no flow is named")
}

fn chosen(wanted: &[String], scenarios: &[ScenarioInfo]) -> anyhow::Result<Vec<String>> {
    let all = wanted.iter().any(|name| name == ALL);
    if wanted.is_empty() || all {
        let names: Vec<_> =
            scenarios.iter().filter(|one| all || one.by_default).map(|one| one.name.clone()).collect();
        if names.is_empty() {
            bail!("there are no flows to play");
        }
        return Ok(names);
    }
    for name in wanted {
        if !is_file(name) && !scenarios.iter().any(|scenario| scenario.name == *name) {
            bail!("there is no flow {name:?}; `kedge simulate --list` names all there are");
        }
    }
    Ok(wanted.to_vec())
}

/// The firmware pair, if one is named: both must be files that can be read.
fn pair(arguments: &Simulate) -> anyhow::Result<Option<(PathBuf, PathBuf)>> {
    let (Some(old), Some(new)) = (&arguments.old, &arguments.new) else { return Ok(None) };
    for path in [old, new] {
        let file = File::open(path).with_context(|| format!("firmware image {}", path.display()))?;
        let metadata = file.metadata().with_context(|| format!("firmware image {}", path.display()))?;
        if !metadata.is_file() || metadata.len() == 0 {
            bail!("firmware image {}: not a file with content", path.display());
        }
    }
    Ok(Some((old.clone(), new.clone())))
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("{} cannot be written", path.display()))
}
