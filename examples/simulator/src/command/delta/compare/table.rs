//! Results as a table and as JSON.

use std::fmt::Write;

use serde_json::{Value, json as object};

use super::ours::WAYS;
use super::results::{Cell, Mean, Results, Row, ratio};

/// Columns narrower than this are hard to read.
const NARROWEST: usize = 9;
/// What the last row is called.
const SHARE: &str = "in-place small / best";

/// The table, then what follows from it.
pub(super) fn text(results: &Results) -> String {
    let mut text = String::new();
    let names = results.rows.iter().map(|row| row.name.len());
    let first = names.max().unwrap_or(0).max(SHARE.len());
    let widths: Vec<usize> = results.pairs.iter().map(|pair| pair.name.len().max(NARROWEST)).collect();
    let mut line = |name: &str, cells: Vec<String>, behind: [String; 4]| {
        let _ = write!(text, "{name:first$}");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "  {cell:>width$}");
        }
        let [total, to_best, to_main, seconds] = behind;
        let _ = writeln!(text, "  {total:>9}  {to_best:>10}  {to_main:>10}  {seconds:>8}");
    };
    let blank = || [(); 4].map(|()| String::new());
    let pairs = &results.pairs;
    line(
        "bytes",
        pairs.iter().map(|pair| pair.name.clone()).collect(),
        ["sum", "x best", "small / it", "seconds"].map(String::from),
    );
    line("old image", pairs.iter().map(|pair| pair.old.to_string()).collect(), blank());
    line("new image", pairs.iter().map(|pair| pair.new.to_string()).collect(), blank());
    for row in &results.rows {
        line(&row.name, row.cells.iter().map(|result| cell(result.as_ref())).collect(), behind(results, row));
    }
    let best = |pair| results.best(pair).map_or("-".to_owned(), |(_, bytes)| bytes.to_string());
    line("best peer", (0..pairs.len()).map(best).collect(), blank());
    if let Some(main) = results.main() {
        let share = |pair| match (main.bytes(pair), results.best(pair)) {
            (Some(bytes), Some((_, best))) => format!("{:.3}", ratio(bytes, best)),
            _ => "-".to_owned(),
        };
        line(SHARE, (0..pairs.len()).map(share).collect(), blank());
    }
    text.push('\n');
    summary(results, &mut text);
    text
}

/// What stands in the table for a result.
pub(super) fn cell(cell: Option<&Cell>) -> String {
    match cell {
        Some(Cell::Made { bytes, .. }) => bytes.to_string(),
        Some(Cell::NotHere(_)) | None => "-".to_owned(),
        Some(Cell::Failed(_)) => "failed".to_owned(),
    }
}

/// The sum, the mean against the best peer, that of ours against this one, and the seconds.
fn behind(results: &Results, row: &Row) -> [String; 4] {
    let total = row.total().map_or("-".to_owned(), |total| total.to_string());
    let to_main = results.main().and_then(|main| results.to_row(main, row));
    [total, mean(results, results.to_best(row)), mean(results, to_main), format!("{:.1}", row.seconds())]
}

/// A mean; how many pairs it goes over, if not all that there are.
fn mean(results: &Results, mean: Option<Mean>) -> String {
    let Some(Mean { ratio, pairs }) = mean else { return "-".to_owned() };
    let all = (0..results.pairs.len()).filter(|pair| results.is_compressed(*pair) != Some(true)).count();
    if pairs == all { format!("{ratio:.3}") } else { format!("{ratio:.3} ({pairs})") }
}

fn summary(results: &Results, text: &mut String) {
    for (pair, size) in results.pairs.iter().enumerate() {
        if let Some((peer, bytes)) = results.best(pair) {
            let remark = if results.is_compressed(pair) == Some(true) {
                ", compressed already: not in the means"
            } else {
                ""
            };
            let _ = writeln!(text, "{}: the best peer is {peer} with {bytes}{remark}", size.name);
        }
    }
    for way in WAYS {
        let Some(row) = results.row(way.name) else { continue };
        if let (Some(mean), Some((pair, worst))) = (results.to_best(row), results.worst(row)) {
            let Mean { ratio, pairs } = mean;
            let _ = writeln!(
                text,
                "{}: {ratio:.3} of the best peer (geometric mean over {pairs}), at worst {worst:.3} ({pair})",
                row.name
            );
        }
    }
    for way in WAYS {
        let rows = (results.row(way.name), way.slot.and_then(|slot| results.row(slot)));
        if let (Some(in_place), Some(slot)) = rows
            && let Some(Mean { ratio, .. }) = results.to_row(in_place, slot)
        {
            let _ = writeln!(text, "{} is {ratio:.4} of {}", in_place.name, slot.name);
        }
    }
    for (name, peers) in ALONE {
        if let Some(line) = alone(results, name, peers) {
            let _ = writeln!(text, "{line}");
        }
    }
    for row in &results.rows {
        for (cell, pair) in row.cells.iter().zip(&results.pairs) {
            let (what, why) = match cell {
                Some(Cell::NotHere(why)) => ("not run", why),
                Some(Cell::Failed(why)) => ("FAILED", why),
                _ => continue,
            };
            let _ = writeln!(text, "{what}: {} on {}: {why}", row.name, pair.name);
        }
    }
    for missing in &results.missing {
        let _ = writeln!(text, "not installed: {} ({})", missing.name, missing.install);
    }
    if !results.missing.is_empty() {
        let _ = writeln!(text, "tests/peers/install.sh installs what an archive has");
    }
}

/// The tools that are told about one by one, each in its best variants: what they are called, and their rows.
const ALONE: [(&str, &[&str]); 7] = [
    ("bsdiff", &["bsdiff"]),
    ("detools, LZMA", &["dt-seq-lzma", "dt-seq-lzma-df", "dt-hdiff-lzma"]),
    ("detools, heatshrink", &["dt-seq-heatshrink", "dt-seq-heatshrink-df"]),
    ("detools, in place", &["dt-inpl-100-lzma", "dt-inpl-112-lzma", "dt-inpl-125-lzma"]),
    ("HDiffPatch", &["hdiff13-lzma2", "hdiff13-zstd"]),
    ("HPatchLite", &["lite-lzma", "lite-lzma-4k", "lite-tuz-32k"]),
    ("zucchini+xz", &["rs-zucchini+xz"]),
];

/// Every way of ours against the smallest of some rows on each pair.
fn alone(results: &Results, name: &str, peers: &[&str]) -> Option<String> {
    let rows: Vec<&Row> = peers.iter().filter_map(|peer| results.row(peer)).collect();
    let mut text = format!("against {name} alone:");
    let mut over = None;
    for way in WAYS {
        let Some(row) = results.row(way.name) else { continue };
        if let Some(Mean { ratio, pairs }) = results.to_smallest(row, &rows) {
            let short = way.name.trim_start_matches("kedge ");
            let _ = write!(text, "{} {short} {ratio:.3}", if over.is_some() { ";" } else { "" });
            over = Some(pairs);
        }
    }
    over.map(|pairs| format!("{text} (over {pairs} pairs)"))
}

/// The same as JSON; its keys stay as they are.
pub(super) fn json(results: &Results) -> Value {
    let pairs = results.pairs.iter().enumerate().map(|(n, pair)| {
        let best = results.best(n).map(|(name, bytes)| object!({ "name": name, "bytes": bytes }));
        object!({
            "name": pair.name,
            "old_bytes": pair.old,
            "new_bytes": pair.new,
            "compressed": results.is_compressed(n),
            "best_peer": best,
        })
    });
    let rows = results.rows.iter().map(|row| {
        object!({
            "name": row.name,
            "ours": row.ours,
            "results": row.cells.iter().map(|cell| json_cell(cell.as_ref())).collect::<Vec<_>>(),
            "sum_bytes": row.total(),
            "seconds": row.seconds(),
            "to_best_peer": results.to_best(row).map(|mean| mean.ratio),
            "in_place_small_to_it": results.main().and_then(|main| results.to_row(main, row)).map(|mean| mean.ratio),
        })
    });
    let worst = results.main().and_then(|main| results.worst(main));
    object!({
        "pairs": pairs.collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
        "worst": worst.map(|(pair, ratio)| object!({ "pair": pair, "ratio": ratio })),
        "missing": results.missing,
    })
}

fn json_cell(cell: Option<&Cell>) -> Value {
    match cell {
        Some(Cell::Made { bytes, seconds }) => object!({ "bytes": bytes, "seconds": seconds }),
        Some(Cell::NotHere(why)) => object!({ "not_run": why }),
        Some(Cell::Failed(why)) => object!({ "failed": why }),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::example;
    use super::*;

    #[test]
    fn the_table_says_who_is_best_and_what_is_missing() {
        let text = text(&example());
        for expected in [
            "b: the best peer is other with 80\n",
            "c: the best peer is full-one with 999, compressed already: not in the means\n",
            "kedge in-place small: 0.354 of the best peer (geometric mean over 2), at worst 0.500 (b)\n",
            "not run: peer on b: too large\n",
            "FAILED: other on c: crash\n",
            "not installed: two (pip install two)\n",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
        let lines: Vec<&str> = text.lines().take(9).collect();
        assert!(lines.windows(2).all(|pair| pair[0].len() == pair[1].len()), "{}", lines.join("\n"));
    }

    #[test]
    fn json_holds_every_result() {
        let json = json(&example());
        assert_eq!(json["pairs"][1]["best_peer"]["name"], "other");
        assert_eq!(json["pairs"][2]["compressed"], true);
        assert_eq!(json["rows"][0]["results"][1]["bytes"], 40);
        assert_eq!(json["rows"][2]["results"][1]["not_run"], "too large");
        assert_eq!(json["rows"][3]["sum_bytes"], Value::Null);
        assert_eq!(json["worst"]["pair"], "b");
        assert_eq!(json["missing"][0]["install"], "pip install two");
    }
}
