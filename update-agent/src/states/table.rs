//! A complete decision table, printed without repetition.
use std::fmt::Write;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// A column: its heading and the names of its values.
pub(super) struct Column<'a> {
    pub(super) name: &'a str,
    pub(super) values: Vec<&'a str>,
}

pub(super) fn column<'a>(name: &'a str, values: impl IntoIterator<Item = &'a str>) -> Column<'a> {
    Column { name, values: values.into_iter().collect() }
}

/// Calls `result` with the indices of every combination of values and prints a table, in which values that all lead to the
/// same rows share one.
pub(super) fn table(
    columns: &[Column<'_>],
    heading: &str,
    mut result: impl FnMut(&[usize]) -> String,
) -> String {
    let mut results = Vec::new();
    let count: usize = columns.iter().map(|column| column.values.len()).product();
    for n in 0..count {
        let mut rest = n;
        let mut indices: Vec<usize> = columns
            .iter()
            .rev()
            .map(|column| {
                let index = rest % column.values.len();
                rest /= column.values.len();
                index
            })
            .collect();
        indices.reverse();
        results.push(result(&indices));
    }
    let names = columns.iter().map(|column| column.name).chain([heading]).collect::<Vec<_>>();
    let rules = names.iter().map(|_| "---").collect::<Vec<_>>();
    let mut out = format!("| {} |\n|{}|\n", names.join(" | "), rules.join("|"));
    rows(columns, &results, &mut Vec::new(), &mut out);
    let _ = writeln!(out, "\n{count} combinations.\n");
    out
}

fn rows(columns: &[Column<'_>], results: &[String], before: &mut Vec<String>, out: &mut String) {
    let Some((column, rest)) = columns.split_first() else {
        let _ = writeln!(out, "| {} | {} |", before.join(" | "), results[0]);
        return;
    };
    let share = results.len() / column.values.len();
    let parts: Vec<&[String]> = results.chunks(share).collect();
    let mut done = Vec::new();
    for part in &parts {
        if done.contains(part) {
            continue;
        }
        done.push(*part);
        let same = parts.iter().zip(&column.values).filter(|(other, _)| *other == part);
        let names = same.map(|(_, name)| *name).collect::<Vec<_>>();
        let whole = names.len() == column.values.len() && names.len() > 1;
        before.push(if whole { "*any*".to_string() } else { names.join(" / ") });
        rows(rest, part, before, out);
        before.pop();
    }
}
