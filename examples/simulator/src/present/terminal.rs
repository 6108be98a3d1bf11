//! The live sequence diagram on a terminal of 80 columns, with a bar for each long step.
//!
//! ```text
//!  step   User         Handset      Update agent      Network       Repository
//!          │               │               │               │               │
//!    1     │               │ asks for its settings         │               │
//!          │               ├───────── GET /iota ──────────►│               │
//! ```

use std::io::{self, Write};
use std::time::Duration;

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::canvas::{Row, Tone, paint};
use super::lines::{Lines, Live};
use super::text::{grouped, one_line, shorten, width, wrap};
use crate::feed::{Arrow, Feed, FlowEnded, Lane, Level, Note, Observer, Progress};

/// The smallest terminal in use.
const COLUMNS: usize = 80;
/// The column of the first lane; left of it stands the step.
const FIRST_LANE: usize = 8;
/// Columns from lane to lane.
const LANE_STEP: usize = 16;
/// A label starts no further right than here, so that at least half the width is left for it.
const LAST_LABEL: usize = 42;
/// Beats of a bar that does not advance, so that it never looks frozen.
const HEARTBEAT: Duration = Duration::from_millis(200);

/// Draws the diagram to `W`, and bars to a terminal.
#[derive(Debug)]
pub struct Terminal<W> {
    lines: Lines<W>,
    colour: bool,
    bars: MultiProgress,
    bar: Option<(String, ProgressBar)>,
}

impl<W: Write> Terminal<W> {
    /// A presenter that draws the diagram to `out`, coloured if `colour`, and bars to `term` if there is one.
    pub fn new(out: W, colour: bool, term: Option<Term>) -> Self {
        let target = term.map_or_else(ProgressDrawTarget::hidden, |term| ProgressDrawTarget::term(term, 10));
        Self { lines: Lines::new(out), colour, bars: MultiProgress::with_draw_target(target), bar: None }
    }

    fn line(&mut self, line: &str) {
        let Self { bars, lines, .. } = self;
        bars.suspend(|| lines.line(line));
    }

    fn row(&mut self, row: &Row) {
        self.line(&row.draw(self.colour));
    }

    fn started(&mut self, name: &str, title: &str, seed: u64) {
        let head = paint(&one_line(name), Tone::Strong, self.colour);
        self.line(&format!("{head}: {} (seed {seed})", one_line(title)));
        self.line("");
        let mut row = Row::new(COLUMNS);
        row.put(0, "step", Tone::Faint);
        for lane in Lane::ALL {
            row.put(column(lane) - width(lane.title()) / 2, lane.title(), Tone::Strong);
        }
        self.row(&row);
        self.row(&lanes());
    }

    fn arrow(&mut self, arrow: &Arrow) {
        let (from, to) = (column(arrow.from), column(arrow.to));
        let (left, right) = (from.min(to), from.max(to));
        self.label(left.min(LAST_LABEL - 2) + 2, arrow.step.as_deref(), &arrow.text, Tone::Plain);
        let mut row = lanes();
        row.fill(left + 1..right, '─', Tone::Wire);
        if from < to {
            row.put(left, "├", Tone::Wire);
            row.put(right.saturating_sub(1), "►", Tone::Wire);
        } else if from > to {
            row.put(right, "┤", Tone::Wire);
            row.put(left + 1, "◄", Tone::Wire);
        }
        let room = (right - left).saturating_sub(7);
        let title = shorten(&one_line(&arrow.title), room);
        if !title.is_empty() {
            let start = left + (right - left - width(&title)) / 2;
            row.put(start - 1, &format!(" {title} "), Tone::Wire);
        }
        self.row(&row);
    }

    fn note(&mut self, note: &Note) {
        let text = format!("● {}", note.text);
        self.label(column(note.lane).min(LAST_LABEL), note.step.as_deref(), &text, Tone::Plain);
    }

    /// Rows with text from `start` on, the step in the first one.
    fn label(&mut self, start: usize, step: Option<&str>, text: &str, tone: Tone) {
        for (number, line) in wrap(&one_line(text), COLUMNS - start - 1).iter().enumerate() {
            let mut row = lanes();
            if let Some(step) = step.filter(|_| number == 0) {
                row.put(2, &shorten(&one_line(step), FIRST_LANE - 3), Tone::Step);
            }
            row.put(start, &format!("{line} "), tone);
            self.row(&row);
        }
    }

    fn power_cut(&mut self, operation: u64) {
        let mut row = lanes();
        row.fill(FIRST_LANE..column(Lane::Repository) + 1, '╳', Tone::Bad);
        let text = format!(" power cut at flash operation {operation} ");
        row.put((COLUMNS - width(&text)) / 2, &text, Tone::Bad);
        self.row(&row);
    }

    fn progress(&mut self, progress: &Progress) {
        let task = one_line(&progress.task);
        if self.bar.as_ref().is_none_or(|(known, _)| *known != task) {
            self.clear();
            let bar = self.bars.add(ProgressBar::new(progress.total).with_style(style(progress)));
            bar.set_message(task.clone());
            bar.enable_steady_tick(HEARTBEAT);
            self.bar = Some((task, bar));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_length(progress.total);
            bar.set_position(progress.have);
        }
        if progress.have >= progress.total {
            self.clear();
            let (total, unit) = (grouped(progress.total), one_line(&progress.unit));
            let text = format!("✓ {}: {total} {unit}", progress.task);
            self.label(column(Lane::Handset) + 2, None, &text, Tone::Good);
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn ended(&mut self, end: &FlowEnded) {
        self.clear();
        self.row(&lanes());
        let (sign, verdict, tone) =
            if end.passed { ("✓", "passed", Tone::Good) } else { ("✗", "FAILED", Tone::Bad) };
        let verdict = paint(&format!("{sign} {} {verdict}", one_line(&end.name)), tone, self.colour);
        self.line(&verdict);
        if let Some(reason) = &end.reason {
            for line in wrap(&one_line(reason), COLUMNS - 2) {
                self.line(&format!("  {line}"));
            }
        }
        let replay = paint(&format!("  replay: {}", one_line(&end.replay)), Tone::Faint, self.colour);
        self.line(&replay);
        self.line("");
    }
}

impl<W: Write> Observer for Terminal<W> {
    fn feed(&mut self, feed: &Feed) {
        if matches!(feed, Feed::Arrow(_) | Feed::Note(_) | Feed::PowerCut { .. }) {
            // Something else goes on: a bar that stays would only look frozen. It comes back with its next progress.
            self.clear();
        }
        match feed {
            Feed::FlowStarted { name, title, seed } => self.started(name, title, *seed),
            Feed::Arrow(arrow) => self.arrow(arrow),
            Feed::Note(note) => self.note(note),
            Feed::Progress(progress) => self.progress(progress),
            Feed::PowerCut { operation, .. } => self.power_cut(*operation),
            Feed::Log { level, text, .. } if *level >= Level::Warning => {
                let text = format!("! {}: {text}", level.name());
                self.label(column(Lane::Handset) + 2, None, &text, Tone::Bad);
            }
            Feed::Log { .. } | Feed::Flash(_) => {}
            Feed::FlowEnded(end) => self.ended(end),
        }
    }
}

impl<W: Write> Live for Terminal<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.clear();
        self.lines.finish()
    }
}

const fn column(lane: Lane) -> usize {
    FIRST_LANE + lane.index() * LANE_STEP
}

/// A row with nothing but the lanes.
fn lanes() -> Row {
    let mut row = Row::new(COLUMNS);
    for lane in Lane::ALL {
        row.put(column(lane), "│", Tone::Faint);
    }
    row
}

fn style(progress: &Progress) -> ProgressStyle {
    let template = if progress.unit == "octets" {
        "  {spinner} {msg:<16} {bar:28} {binary_bytes:>10}/{binary_total_bytes} {eta:>4}"
    } else {
        "  {spinner} {msg:<16} {bar:28} {pos:>8}/{len} {eta:>4}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
