//! `cargo xtask no-panic`: a panic that can be reached does not link.
//!
//! The probe's panic handler calls a function that exists nowhere. Link-time optimisation removes what cannot be
//! reached, and the linker drops unused code; so the program links only if no input, however opaque, leads to a panic.
//! Cryptography stands behind a port and is a fake here: its panics, if any, are not covered.

use crate::call_graph::leading_to;
use crate::elf::Program;
use crate::probe::{MUST_NOT_PANIC, PARTS, Probe};
use crate::source_lines::SourceLines;
use crate::target::{Target, Toolchain};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;

/// What to prove.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Only for this processor
    #[arg(long)]
    target: Option<Target>,
    /// Only these parts
    #[arg(long)]
    part: Vec<String>,
    /// Prove that the check can fail: add one index and one out-of-range copy, and see both refused
    #[arg(long)]
    self_test: bool,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    for target in
        Target::ALL.into_iter().filter(|target| options.target.is_none_or(|wanted| wanted == *target))
    {
        println!("{}: {}", target.triple(), Toolchain::find(target)?.describe()?);
        if options.self_test {
            self_test(target)?;
        } else {
            prove(target, &options.part)?;
        }
    }
    if !options.self_test {
        println!("cryptography is a fake behind its port: not covered");
    }
    Ok(())
}

fn prove(target: Target, wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|part| PARTS.iter().all(|(name, _)| name != part)) {
        bail!(
            "there is no part {unknown}; there are {}",
            PARTS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        );
    }
    let mut culprits = Vec::new();
    for (part, covers) in
        PARTS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name))
    {
        let probe = Probe { features: &[part], target, opt_level: "s" };
        if let Some(elf) = probe.link()? {
            println!("  {part:<10} {:>7} octets  cannot panic   {covers}", Program::load(&elf)?.flash);
        } else {
            println!("  {part:<10}                 CAN PANIC      {covers}");
            print!("{}", explain(&probe)?);
            culprits.push(*part);
        }
    }
    if culprits.is_empty() { Ok(()) } else { bail!("can panic: {}", culprits.join(", ")) }
}

/// The check is worth something only if it fails when it should.
fn self_test(target: Target) -> Result<()> {
    for fault in ["fault-index", "fault-copy"] {
        let probe = Probe { features: &["wire", fault], target, opt_level: "s" };
        if probe.link()?.is_some() {
            bail!("{fault} was not noticed");
        }
        let explanation = explain(&probe)?;
        if !explanation.contains("faults.rs") {
            bail!("{fault} was noticed, but its place was not found:\n{explanation}");
        }
        print!("  {fault}: refused, as it must be\n{explanation}");
    }
    Ok(())
}

/// Who leads to a panic: the calls from code that is not the core library's.
fn explain(probe: &Probe<'_>) -> Result<String> {
    let elf = probe.link_anyway()?;
    let program = Program::load(&elf)?;
    let handler = program
        .functions
        .iter()
        .position(|function| function.name.ends_with("rust_begin_unwind") || function.name == MUST_NOT_PANIC)
        .context("the linked probe has no panic handler")?;
    let core_library =
        |name: &str| ["core::", "<core::", "alloc::"].iter().any(|start| name.starts_with(start));
    let ours = |name: &str| ["kedge_", "no_panic::"].iter().any(|part| name.contains(part));
    let machinery = |name: &str| core_library(name) || !ours(name);
    let data = std::fs::read(&elf)?;
    let source = SourceLines::read(&data)?;
    let mut lines = BTreeSet::new();
    for (function, call) in leading_to(&program, handler, machinery) {
        lines.insert(format!("      {} at {}\n", program.functions[function].name, source.of(call.site)));
    }
    Ok(lines.into_iter().collect())
}
