//! The table at the end of a run.

use std::fmt::Write;

use super::canvas::{Tone, paint};
use super::recording::{FlowRecord, Recording};
use super::text::{grouped, one_line, seconds, width};

/// Column heads; all but the first two columns are numbers and stand to the right.
const HEADS: [&str; 6] = ["flow", "result", "messages", "octets", "erases", "device time"];

/// One row per flow: result, messages, octets, erases, the simulated device's time; then the further figures, and how
/// many flows passed. Coloured if `colour`.
pub fn summary(recording: &Recording, colour: bool) -> String {
    let rows: Vec<[String; 6]> = recording.flows().iter().map(cells).collect();
    let mut widths = HEADS.map(width);
    for row in &rows {
        for (known, cell) in widths.iter_mut().zip(row) {
            *known = (*known).max(width(cell));
        }
    }
    let mut text = paint(&line(&HEADS.map(String::from), &widths), Tone::Strong, colour);
    text.push('\n');
    for (flow, row) in recording.flows().iter().zip(&rows) {
        let tone = if flow.passed() { Tone::Plain } else { Tone::Bad };
        let _ = writeln!(text, "{}", paint(&line(row, &widths), tone, colour));
        for (name, value) in flow.end.iter().flat_map(|end| &end.figures.more) {
            let _ = writeln!(text, "  {}: {}", one_line(name), one_line(value));
        }
        if let Some(reason) = flow.reason().filter(|_| !flow.passed()) {
            let _ = writeln!(text, "  {}", one_line(reason));
        }
    }
    let (passed, all) = (recording.flows().iter().filter(|flow| flow.passed()).count(), rows.len());
    let tone = if recording.passed() { Tone::Good } else { Tone::Bad };
    let _ = writeln!(text, "{}", paint(&format!("{passed} of {all} flows passed"), tone, colour));
    text
}

fn cells(flow: &FlowRecord) -> [String; 6] {
    let figures = flow.end.as_ref().map(|end| &end.figures);
    let number = |value: Option<u64>| value.map_or_else(|| "-".into(), grouped);
    let result = match (flow.passed(), flow.aborted.is_some()) {
        (true, _) => "passed",
        (false, true) => "not played",
        (false, false) => "FAILED",
    };
    [
        one_line(&flow.name),
        result.into(),
        number(figures.map(|figures| figures.messages)),
        number(figures.map(|figures| figures.octets)),
        number(figures.map(|figures| figures.erases)),
        figures.map_or_else(|| "-".into(), |figures| seconds(figures.took_ms)),
    ]
}

fn line(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let mut line = String::new();
    for (place, (cell, columns)) in cells.iter().zip(widths).enumerate() {
        let gap = " ".repeat(columns - width(cell));
        let _ = if place < 2 { write!(line, "{cell}{gap}  ") } else { write!(line, "{gap}{cell}  ") };
    }
    line.truncate(line.trim_end().len());
    line
}
