//! The sequence diagram as SVG; each arrow is a link to its message.

use maud::{Markup, html};

use super::anchor;
use crate::feed::{Arrow, Feed, Lane, Note};
use crate::present::recording::FlowRecord;
use crate::present::text::{one_line, shorten, width, wrap};

/// Width of the drawing; all lengths are its user units.
const WIDTH: usize = 1000;
const FIRST_LANE: usize = 100;
const LANE_STEP: usize = 200;
/// Where the first item starts: below the lanes' titles.
const TOP: usize = 56;
/// Height of a line of text.
const LINE: usize = 20;
/// Estimated width of a character of a label, and of the fixed-width title.
const CHARACTER: usize = 8;
/// A label is broken after so many columns.
const LABEL_COLUMNS: usize = 90;
/// Space between items.
const GAP: usize = 14;

/// The diagram of the flow with this number on the page.
pub(super) fn diagram(number: usize, flow: &FlowRecord) -> Markup {
    let mut y = TOP;
    let mut items = Vec::new();
    for (place, item) in flow.course.iter().enumerate() {
        let Some((drawn, height)) = draw(&anchor(number, place), item, y) else { continue };
        items.push(drawn);
        y += height;
    }
    let height = y + GAP;
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height) } role="group" aria-label={ "Sequence diagram of " (flow.name) } {
            @for lane in Lane::ALL {
                line.lane x1=(column(lane)) y1="40" x2=(column(lane)) y2=(height - 4) {}
                rect.head x=(column(lane) - 62) y="8" width="124" height="30" rx="6" {}
                text.head x=(column(lane)) y="28" { (lane.title()) }
            }
            @for item in items { (item) }
        }
    }
}

/// An item drawn from `y` on, and its height; `None`: it is not part of the diagram.
fn draw(anchor: &str, item: &Feed, y: usize) -> Option<(Markup, usize)> {
    match item {
        Feed::Arrow(arrow) => Some(message(anchor, arrow, y)),
        Feed::Note(note) => Some(self::note(note, y)),
        Feed::PowerCut { operation, .. } => Some((power_cut(*operation, y), LINE + GAP)),
        _ => None,
    }
}

fn message(anchor: &str, arrow: &Arrow, y: usize) -> (Markup, usize) {
    let (from, to) = (column(arrow.from), column(arrow.to));
    let (left, right) = (from.min(to), from.max(to));
    let lines = wrap(&one_line(&arrow.text), LABEL_COLUMNS);
    let x = start(left + 10, &lines);
    let wire = y + lines.len() * LINE + 8;
    let height = wire - y + LINE + GAP;
    let title = shorten(&one_line(&arrow.title), (right - left).saturating_sub(12) / CHARACTER);
    let drawn = html! {
        a.message href={ "#" (anchor) } data-message=(anchor) {
            rect.hit x="0" y=(y) width=(WIDTH) height=(height - 4) {}
            (step(arrow.step.as_deref(), y))
            (label(&lines, x, y, "label"))
            line.wire x1=(from) y1=(wire) x2=(to) y2=(wire) {}
            path.head d=(head(from, to, wire)) {}
            text.title x=(usize::midpoint(left, right)) y=(wire + 14) { (title) }
        }
    };
    (drawn, height)
}

fn note(note: &Note, y: usize) -> (Markup, usize) {
    let lines = wrap(&one_line(&note.text), LABEL_COLUMNS);
    let lane = column(note.lane);
    let drawn = html! {
        g.note {
            (step(note.step.as_deref(), y))
            circle cx=(lane) cy=(y + 9) r="5" {}
            (label(&lines, start(lane + 12, &lines), y, "note"))
        }
    };
    (drawn, lines.len() * LINE + GAP)
}

fn power_cut(operation: u64, y: usize) -> Markup {
    html! {
        g.cut {
            line x1="20" y1=(y + 9) x2=(WIDTH - 20) y2=(y + 9) {}
            text x=(WIDTH / 2) y=(y + 14) { "power cut at flash operation " (operation) }
        }
    }
}

fn step(step: Option<&str>, y: usize) -> Markup {
    html! {
        @if let Some(step) = step { text.step x="8" y=(y + 14) { (shorten(&one_line(step), 6)) } }
    }
}

fn label(lines: &[String], x: usize, y: usize, class: &str) -> Markup {
    html! {
        @for (number, line) in lines.iter().enumerate() {
            text class=(class) x=(x) y=(y + 14 + number * LINE) { (line) }
        }
    }
}

/// The tip of an arrow.
fn head(from: usize, to: usize, y: usize) -> String {
    let back = if from < to { to.saturating_sub(9) } else { to + 9 };
    format!("M{to} {y} L{back} {} L{back} {} Z", y - 5, y + 5)
}

/// Where lines of text start so that the longest still ends inside the drawing.
fn start(wanted: usize, lines: &[String]) -> usize {
    let longest = lines.iter().map(|line| width(line)).max().unwrap_or(0) * CHARACTER;
    wanted.min(WIDTH.saturating_sub(longest + 10)).max(50)
}

const fn column(lane: Lane) -> usize {
    FIRST_LANE + lane.index() * LANE_STEP
}
