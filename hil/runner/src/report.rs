//! What is told of a run: lines as it goes, JUnit and the HTML page of the simulator at the end.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use kedge::feed::{Feed, Figures, FlowEnded, Level, Observer as _};
use kedge::present::{Recording, junit, report};
use kedge::scenario::Script;

use crate::bench::{Bench, Played};
use crate::cuts::{Campaign, End, Life, figures};

/// A run, kept.
#[derive(Default)]
pub(crate) struct Report(Recording);

impl Report {
    /// Plays a scenario without power failures, and tells of it. Whether it passed.
    pub(crate) fn play(
        &mut self,
        bench: &mut Bench<'_>,
        scenario: &'static Script,
        verbose: bool,
    ) -> anyhow::Result<bool> {
        let Played { facts, whole, log, took, course, .. } = bench.play(scenario, &[])?;
        let (name, title) = (scenario.name.to_owned(), scenario.title.to_owned());
        self.0.feed(&Feed::FlowStarted { name, title, seed: bench.seed });
        for feed in &course {
            self.0.feed(feed);
        }
        for line in log.lines() {
            self.0.feed(&Feed::Log { at_ms: 0, level: Level::Info, text: line.to_owned() });
        }
        let judged = facts.and_then(|facts| bench.judge(scenario, facts));
        let judged = judged.and_then(|facts| {
            anyhow::ensure!(whole, "no whole image of version {} lies in flash", facts.version);
            Ok(facts)
        });
        let mut numbers = Figures { took_ms: u64::try_from(took.as_millis())?, ..Figures::default() };
        if let Ok(facts) = &judged {
            numbers.erases = facts.erases;
            numbers.more = vec![("flash operations".to_owned(), facts.operations.to_string())];
            self.0.feed(&Feed::Flash(Bench::flash(facts, scenario.setup().in_place)));
        }
        let seconds = took.as_secs_f64();
        match &judged {
            Ok(facts) => {
                println!("{}: passed, {seconds:.1} s, {} flash operations", scenario.name, facts.operations);
            }
            Err(why) => println!("{}: FAILED: {why:#}", scenario.name),
        }
        if verbose || judged.is_err() {
            print!("{log}");
        }
        self.end(scenario.name, judged.as_ref().err().map(|why| format!("{why:#}")), numbers);
        Ok(judged.is_ok())
    }

    /// Tells of a scenario of the Cortex-M board, without power failures. Whether it passed.
    pub(crate) fn life(&mut self, (name, title): (&str, &str), life: &Life, verbose: bool) -> bool {
        let Life { end, operations, log, took, measured, .. } = life;
        self.0.feed(&Feed::FlowStarted { name: name.to_owned(), title: title.to_owned(), seed: 0 });
        for line in log.lines() {
            self.0.feed(&Feed::Log { at_ms: 0, level: Level::Info, text: line.to_owned() });
        }
        let reason = end.as_ref().err().map(|why| format!("{why:#}"));
        let seconds = took.as_secs_f64();
        match end {
            Ok(End::AsWithout) => println!("{name}: passed, {seconds:.1} s, {operations} flash operations"),
            Ok(End::RolledBack) => {
                println!("{name}: passed, rolled back, {seconds:.1} s, {operations} flash operations");
            }
            Err(why) => println!("{name}: FAILED: {why:#}"),
        }
        for (what, most) in measured {
            println!("  {what:<24} {most:>12}");
        }
        if verbose || reason.is_some() {
            print!("{log}");
        }
        let mut numbers =
            Figures { took_ms: took.as_millis().try_into().unwrap_or(u64::MAX), ..Figures::default() };
        numbers.more = vec![("flash operations".to_owned(), operations.to_string())];
        numbers.more.extend(measured.iter().map(|(what, most)| (what.clone(), most.to_string())));
        let passed = reason.is_none();
        self.end(name, reason, numbers);
        passed
    }

    /// Tells of the power cuts. Whether all lives ended well.
    pub(crate) fn cuts(&mut self, campaign: &Campaign, seed: u64) -> bool {
        let Campaign { lives, cuts, rolled_back, failures, .. } = campaign;
        campaign.histogram.lines().iter().for_each(|line| println!("{line}"));
        println!(
            "{cuts} power cuts in {lives} lives: {} failures; {rolled_back} updates were rolled back, the rest is as without",
            failures.len()
        );
        let (name, title) = ("power-cuts".to_owned(), "the power fails, again and again".to_owned());
        self.0.feed(&Feed::FlowStarted { name, title, seed });
        let numbers = Figures { more: figures(campaign), ..Figures::default() };
        self.end("power-cuts", failures.first().cloned(), numbers);
        failures.is_empty()
    }

    /// Writes the files that are wanted.
    pub(crate) fn write(&self, junit_file: Option<&Path>, page: Option<&Path>) -> anyhow::Result<()> {
        let write =
            |path: &Path, text: String| fs::write(path, text).with_context(|| format!("{}", path.display()));
        if let Some(path) = junit_file {
            write(path, junit(&self.0)?)?;
        }
        page.map_or(Ok(()), |path| write(path, report(&self.0)))
    }

    fn end(&mut self, name: &str, reason: Option<String>, figures: Figures) {
        let replay = format!("cargo xtask hil {name}");
        let passed = reason.is_none();
        self.0.feed(&Feed::FlowEnded(FlowEnded { name: name.to_owned(), passed, reason, figures, replay }));
    }
}
