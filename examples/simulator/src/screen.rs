//! Shows a play as it goes, and counts what goes over the air.

use std::time::Duration;

use kedge_agent::event::{Event, Events};
use kedge_platform::flash::Region;
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;
use kedge_update_agent::{Progress, Slot};

use crate::feed::{
    Feed, Figures, Flash, FlashRegion, FlowEnded, Lane, Level, Note, Observer, Progress as FeedProgress,
};
use crate::handset::Watch;
use crate::play::{Options, Verdict};
use crate::traffic::Traffic;
use crate::translate::Translator;

/// Shows a play, and counts what goes over the air.
pub struct Screen<'o> {
    translator: Translator<'o>,
    traffic: Traffic,
    /// The long step of the update agent that goes on: name, unit, total.
    task: Option<(&'static str, &'static str, u32)>,
}

impl<'o> Screen<'o> {
    /// For the flow `name`.
    pub fn new(name: &str, observer: &'o mut dyn Observer) -> Self {
        Self { translator: Translator::new(name, observer), traffic: Traffic::default(), task: None }
    }

    /// How far a long step is.
    pub fn progress(&mut self, now: Duration, task: &str, unit: &str, have: u64, total: u64) {
        let (task, unit) = (task.to_owned(), unit.to_owned());
        self.translator.feed(&Feed::Progress(FeedProgress { at_ms: ms(now), task, unit, have, total }));
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

    /// Shows the flash as it is at the end.
    pub fn flash(
        &mut self,
        sector_size: u32,
        wear: Vec<u32>,
        regions: impl Iterator<Item = (&'static str, Region)>,
    ) {
        let regions =
            regions.map(|(name, r)| FlashRegion { name: name.to_owned(), start: r.start, len: r.len });
        self.translator.feed(&Feed::Flash(Flash { sector_size, wear, regions: regions.collect() }));
    }

    /// What went over the air.
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Plays every case and shows how far that is; how many there were, and which went wrong.
    pub fn each_case<T>(
        &mut self,
        cases: Vec<T>,
        mut play: impl FnMut(T) -> anyhow::Result<()>,
    ) -> (u64, Violations) {
        let total = cases.len() as u64;
        let mut violations: Violations = None;
        for (done, case) in (1..).zip(cases) {
            if let Err(error) = play(case) {
                let (count, _) = violations.get_or_insert((0, error));
                *count += 1;
            }
            self.progress(Duration::ZERO, "power cuts", "cases", done, total);
        }
        let count = violations.as_ref().map_or(0, |(count, _)| *count);
        let level = if count == 0 { Level::Info } else { Level::Error };
        let text = format!("{total} cases with the power cut, {count} violations");
        self.translator.feed(&Feed::Log { at_ms: 0, level, text });
        (total, violations)
    }

    /// Tells how the flow `name` ended.
    pub fn end(
        &mut self,
        name: &str,
        options: &Options,
        (result, figures): (anyhow::Result<()>, Figures),
    ) -> Verdict {
        let verdict = Verdict { passed: result.is_ok(), reason: result.err().map(|e| format!("{e:#}")) };
        self.translator.feed(&Feed::FlowEnded(FlowEnded {
            name: name.to_owned(),
            passed: verdict.passed,
            reason: verdict.reason.clone(),
            figures,
            replay: options.replay(name),
        }));
        verdict
    }
}

/// How many cases went wrong, if any did, and the first one's error.
pub type Violations = Option<(u64, anyhow::Error)>;

/// An error unless there are none.
pub fn verdict_of(violations: Violations) -> anyhow::Result<()> {
    match violations {
        None => Ok(()),
        Some((count, first)) => Err(first.context(format!("{count} violations, the first"))),
    }
}

/// Where the power is to fail in a flow of `operations` flash operations: before, inside and after each, or at `random` ones
/// drawn from `draw`.
pub fn cuts(operations: u64, random: Option<u32>, seed: u64, draw: &mut Seeded) -> Vec<(u64, Cut)> {
    let Some(count) = random else {
        let kinds = |at: u64| [Cut::Before, Cut::Torn { seed: seed ^ at }, Cut::After];
        return (0..operations).flat_map(|at| kinds(at).map(|cut| (at, cut))).collect();
    };
    (0..count).map(|_| (draw.word() % operations.max(1), Cut::Torn { seed: draw.word() })).collect()
}

/// What a play cost.
pub fn figures(traffic: Traffic, erases: u64, took: Duration, mut more: Vec<(String, String)>) -> Figures {
    let named =
        [("octets of IS-683 messages", traffic.is683), ("octets of short messages", traffic.short_messages)];
    more.extend(named.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n.to_string())));
    Figures {
        messages: traffic.messages,
        octets: traffic.bodies + traffic.packages,
        erases,
        took_ms: ms(took),
        more,
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

    fn aside(&mut self, feed: &Feed) {
        self.translator.feed(feed);
    }
}

fn ms(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
