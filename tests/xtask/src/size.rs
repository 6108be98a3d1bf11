//! `cargo xtask size`: flash, RAM and worst stack of each part, against `budgets.toml`.
//!
//! Measured on the probe of `no-panic`, that is: everything a part offers, called once, without a device's drivers and
//! with fake cryptography (one part, which is measured only, has the real one). *Flash* is code, constants and initial values; *RAM* is what is there all the time, that is
//! the buffers and sessions a device would own, as large as the probe makes them; *stack* is the deepest chain of frames
//! below the entry, from the compiler's own frame sizes and the linker's references, no measurement. Calls through
//! pointers are taken to reach every function whose address is used, but for those that would close a circle, which are
//! counted. Frames of precompiled functions count as 0 and are named.

use crate::call_graph::{Depth, deepest};
use crate::elf::Program;
use crate::instructions;
use crate::places;
use crate::probe::{MEASURED_ONLY, PARTS, Probe};
use crate::target::{Target, Toolchain};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How to show the figures.
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command")]
pub(crate) struct Options {
    /// Print a Markdown table
    #[arg(long)]
    markdown: bool,
    /// Only these parts
    #[arg(long)]
    part: Vec<String>,
    /// Only this processor
    #[arg(long)]
    target: Option<Target>,
    /// Another opt-level than the one that ships, without budgets: s or z
    #[arg(long, default_value = SHIPPED)]
    level: String,
    /// Show the functions on the deepest path
    #[arg(long)]
    path: bool,
    /// Show the functions, the largest first, and what each takes
    #[arg(long)]
    map: bool,
    /// Show what the functions of each module take together, and the statics that lie in flash and in RAM
    #[arg(long = "where")]
    places: bool,
}

/// The level that ships; budgets hold for it.
const SHIPPED: &str = "s";

/// Octets; a limit in `budgets.toml` or a measurement.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Figures {
    flash: u64,
    ram: u64,
    stack: u64,
}

/// Part, then target.
type Budgets = BTreeMap<String, BTreeMap<String, Figures>>;

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let budgets = budgets()?;
    let (level, mut faults) = (options.level.as_str(), Vec::new());
    print_head(options.markdown);
    let wanted = |target: &Target| options.target.is_none_or(|only| only == *target);
    for target in Target::ALL.into_iter().filter(wanted) {
        let wanted = |name: &str| options.part.is_empty() || options.part.iter().any(|part| part == name);
        for (part, _) in PARTS.iter().chain(MEASURED_ONLY).filter(|(name, _)| wanted(name)) {
            let place = format!("{part} on {} at {level}", target.triple());
            let (program, depth) = match measure(part, target, level) {
                Ok(measured) => measured,
                Err(error) => {
                    faults.push(format!("{place}: {error:#}"));
                    continue;
                }
            };
            let figures = Figures { flash: program.flash, ram: program.ram, stack: depth.octets };
            let budget = budgets.get(*part).and_then(|targets| targets.get(target.triple()));
            let budget = budget.filter(|_| level == SHIPPED);
            print_row(options.markdown, &[part, target.triple(), level], figures, budget);
            if level == SHIPPED {
                faults.extend(over_budget(&place, figures, budget));
            }
            print_remarks(&program, &depth, options.path);
            if options.map {
                print_map(&program);
            }
            if options.places {
                print_places(&program);
            }
        }
    }
    if options.part.is_empty() && level == SHIPPED {
        faults.extend(count_instructions(options.target));
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{}", faults.join("; "))
}

/// Counts the instructions of the applier too, where the emulators are there; what is wrong with them.
fn count_instructions(target: Option<Target>) -> Option<String> {
    let options = instructions::Options::of(target);
    let mut targets = Target::ALL.into_iter().filter(|one| target.is_none_or(|only| only == *one));
    if let Some(missing) = targets.find_map(instructions::missing_emulator) {
        eprintln!("instructions: not counted, {missing}");
        return None;
    }
    instructions::run(&options).err().map(|error| format!("{error:#}"))
}

fn budgets() -> Result<Budgets> {
    let path = places::root().join("tests/xtask/budgets.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    toml::from_str(&text).context("budgets.toml")
}

fn measure(part: &str, target: Target, opt_level: &str) -> Result<(Program, Depth)> {
    let probe = Probe { features: &[part], target, opt_level };
    let elf = if MEASURED_ONLY.iter().any(|(name, _)| *name == part) {
        probe.link_anyway()?
    } else {
        probe.link()?.context("not measured, it can panic (cargo xtask no-panic)")?
    };
    let program = Program::load(&elf)?;
    let entry = program.find("_start").context("the probe has no _start")?;
    let depth = deepest(&program, entry).context("stack not measured")?;
    Ok((program, depth))
}

/// What exceeds the budget, or that there is none.
fn over_budget(place: &str, measured: Figures, budget: Option<&Figures>) -> Vec<String> {
    let Some(budget) = budget else { return vec![format!("{place} has no budget")] };
    let rows = [
        ("flash", measured.flash, budget.flash),
        ("RAM", measured.ram, budget.ram),
        ("stack", measured.stack, budget.stack),
    ];
    let over = rows.iter().filter(|(_, measured, budget)| measured > budget);
    over.map(|(what, measured, budget)| format!("{place} needs {measured} octets of {what}, budget {budget}"))
        .collect()
}

fn print_head(markdown: bool) {
    if markdown {
        println!(
            "| part | processor | opt-level | flash | RAM | stack | budget |\n|---|---|---|--:|--:|--:|---|"
        );
    } else {
        for target in Target::ALL {
            if let Ok(toolchain) = Toolchain::find(target).and_then(|toolchain| toolchain.describe()) {
                println!("{}: {toolchain}", target.triple());
            }
        }
        println!("part       processor                   o    flash      RAM    stack  budget");
    }
}

fn print_row(markdown: bool, [part, triple, level]: &[&str; 3], figures: Figures, budget: Option<&Figures>) {
    let Figures { flash, ram, stack } = figures;
    let budget = budget.map_or("-".to_owned(), |b| format!("{} / {} / {}", b.flash, b.ram, b.stack));
    if markdown {
        println!("| {part} | {triple} | {level} | {flash} | {ram} | {stack} | {budget} |");
    } else {
        println!("{part:<10} {triple:<27} {level} {flash:>8} {ram:>8} {stack:>8}  {budget}");
    }
}

/// To standard error, so that the table stays a table.
fn print_remarks(program: &Program, depth: &Depth, path: bool) {
    let names = |functions: &mut dyn Iterator<Item = usize>| {
        functions.map(|function| program.functions[function].name.as_str()).collect::<Vec<_>>().join(", ")
    };
    if !depth.unknown.is_empty() {
        eprintln!("    frames not recorded, counted as 0: {}", names(&mut depth.unknown.iter().copied()));
    }
    if !depth.pointer_callers.is_empty() {
        let (callers, targets) = (depth.pointer_callers.len(), program.address_taken.len());
        let left_out = depth.left_out;
        eprintln!(
            "    calls through pointers in {callers} functions, to any of {targets}; circles left out: {left_out}"
        );
    }
    if path {
        for &function in &depth.path {
            let function = &program.functions[function];
            eprintln!("    {:>6}  {}", function.frame.unwrap_or(0), function.name);
        }
    }
}

/// What the flash holds: functions, and all that is none.
fn print_map(program: &Program) {
    let mut functions: Vec<_> = program.functions.iter().filter(|function| function.size > 0).collect();
    functions.sort_by_key(|function| std::cmp::Reverse(function.size));
    let code: u64 = functions.iter().map(|function| function.size).sum();
    eprintln!(
        "    {:>6}  not functions: constants, literals between them, padding",
        program.flash.saturating_sub(code)
    );
    for function in functions {
        eprintln!("    {:>6}  {}", function.size, function.name);
    }
}

/// What each module takes, the largest first: octets, functions, name.
fn print_places(program: &Program) {
    let mut modules: BTreeMap<String, (u64, usize)> = BTreeMap::new();
    for function in &program.functions {
        let (octets, count) = modules.entry(module(&function.name)).or_default();
        (*octets, *count) = (*octets + function.size, *count + 1);
    }
    let mut modules: Vec<_> = modules.into_iter().collect();
    modules.sort_by_key(|(_, (octets, _))| std::cmp::Reverse(*octets));
    for (name, (octets, count)) in modules {
        eprintln!("    {octets:>6}  {count:>4}  {name}");
    }
    if program.initial > 0 {
        eprintln!("    {:>6}        initial values of statics that are not zeros", program.initial);
    }
}

/// The module of a function, at most three names deep: `<a::b::Type<c>>::function` and `a::b::function` are in `a::b`.
fn module(name: &str) -> String {
    let is_module =
        |part: &&str| part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let of_type = name.starts_with('<');
    let path = name.trim_start_matches(['<', '&']);
    let mut parts: Vec<_> = path.split("::").take_while(is_module).collect();
    if !of_type && parts.len() > 1 {
        parts.pop(); // the function itself
    }
    parts.truncate(3);
    if parts.is_empty() { "others".to_owned() } else { parts.join("::") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_told_by_their_modules() {
        for (name, expected) in [
            ("<kedge_protocol::dm::tree::acl::Acl>::allows", "kedge_protocol::dm::tree"),
            ("<&kedge_protocol::wire::Error as core::fmt::Debug>::fmt", "kedge_protocol::wire"),
            ("kedge_protocol::cp::check::check::<a::B>", "kedge_protocol::cp::check"),
            ("memcpy", "memcpy"),
            ("_start", "_start"),
        ] {
            assert_eq!(module(name), expected);
        }
    }

    #[test]
    fn every_part_has_a_budget_for_every_target() {
        let budgets = budgets().unwrap();
        for (part, _) in PARTS.iter().chain(MEASURED_ONLY) {
            for target in Target::ALL {
                assert!(
                    budgets.get(*part).is_some_and(|targets| targets.contains_key(target.triple())),
                    "{part}"
                );
            }
        }
        assert_eq!(budgets.len(), PARTS.len() + MEASURED_ONLY.len(), "a budget for a part that is gone");
    }

    #[test]
    fn each_excess_is_named() {
        let budget = Figures { flash: 10, ram: 10, stack: 10 };
        assert!(over_budget("x", budget, Some(&budget)).is_empty());
        let measured = Figures { flash: 11, ram: 10, stack: 12 };
        let faults = over_budget("x", measured, Some(&budget));
        assert_eq!(
            faults,
            ["x needs 11 octets of flash, budget 10", "x needs 12 octets of stack, budget 10"]
        );
        assert_eq!(over_budget("x", measured, None), ["x has no budget"]);
    }
}
