//! `cargo xtask ci`: every check, in the order in which a fault is cheapest to find, tests last so that their figures
//! stand at the end. Each step is a command that a person can call.

use crate::places;
use crate::target::{Target, Toolchain};
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Which steps to run.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Only these steps
    #[arg(long)]
    only: Vec<String>,
    /// List the steps
    #[arg(long)]
    list: bool,
}

/// A step: its name, and the commands it runs, each an argument list of cargo.
type Step = (&'static str, &'static [&'static [&'static str]]);

const STEPS: &[Step] = &[
    (
        "fmt",
        &[
            &["fmt", "--all", "--check"],
            &["fmt", "--check", "--manifest-path", "hil/firmware/Cargo.toml"],
            &["fmt", "--check", "--manifest-path", "hil/boot/Cargo.toml"],
            &["fmt", "--check", "--manifest-path", "hil/cortexm/Cargo.toml"],
            &["fmt", "--check", "--manifest-path", "hil/esp32c3/Cargo.toml"],
            &["fmt", "--check", "--manifest-path", "platform/esp32/Cargo.toml"],
            &["fmt", "--check", "--manifest-path", "tests/probes/no-panic/Cargo.toml"],
            &["fmt", "--check", "--manifest-path", "tests/fuzz/Cargo.toml"],
        ],
    ),
    ("deps", &[&["xtask", "deps"]]),
    ("clippy", &[&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]]),
    ("doc", &[&["doc", "--workspace", "--no-deps", "--quiet"]]),
    ("deny", &[&["deny", "check", "bans", "licenses", "sources"]]),
    ("no-std", &[]),
    // The proof of each part is a by-product of its size: a part that can panic is not measured, and fails. These are the parts
    // that hold the others, for one processor; `firmware` builds the whole agent for the other. All of them, for both, take long.
    ("no-panic", &[&["xtask", "no-panic", "--self-test", "--target", "thumbv7em"]]),
    ("size", &[LARGE_PARTS]),
    ("firmware", &[&["xtask", "firmware", "--check"]]),
    ("capi", &[&["xtask", "capi", "--check", "--board"]]),
    (
        "hil",
        &[&["xtask", "hil", "--cuts", "200"], &["xtask", "hil", "--board", "qemu-cortexm", "--cuts", "40"]],
    ),
    (
        "flows",
        &[
            &["run", "--release"],
            &["run", "--release", "--", "simulate", "fota-client", "--power-cut", "random:300"],
        ],
    ),
    ("test", &[&["test", "--workspace", "--no-fail-fast"]]),
];

/// Measures the parts that hold the others.
#[rustfmt::skip]
const LARGE_PARTS: &[&str] = &[
    "xtask", "size", "--target", "thumbv7em",
    "--part", "cp", "--part", "cdma", "--part", "handset", "--part", "dm", "--part", "download",
    "--part", "agent", "--part", "licensing", "--part", "license-document-signed",
    "--part", "applier-signed", "--part", "streaming", "--part", "handover", "--part", "lzma",
    "--part", "nand", "--part", "encrypted",
];

/// The library crates that a device links.
const DEVICE_CRATES: [&str; 6] = [
    "kedge-protocol",
    "kedge-platform",
    "kedge-platform-crypto",
    "kedge-package",
    "kedge-update-agent",
    "kedge-agent",
];

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(unknown) = options.only.iter().find(|only| STEPS.iter().all(|(name, _)| name != only)) {
        bail!("there is no step {unknown}; see --list");
    }
    let mut figures = Vec::new();
    for (name, commands) in
        STEPS.iter().filter(|(name, _)| options.only.is_empty() || options.only.iter().any(|o| o == name))
    {
        if options.list {
            println!("{name}");
            continue;
        }
        println!("\n==> {name}");
        let start = Instant::now();
        let result = step(name, commands, &mut figures);
        let seconds = start.elapsed().as_secs();
        match result {
            Ok(Outcome::Passed) => println!("==> {name}: passed, {seconds} s"),
            Ok(Outcome::Skipped(reason)) => println!("==> {name}: SKIPPED, {reason}"),
            Err(error) => bail!("step {name} failed after {seconds} s: {error:#}"),
        }
    }
    if !options.list {
        println!("{}", figures.join("\n"));
        println!("ci: all steps passed");
    }
    Ok(())
}

enum Outcome {
    Passed,
    Skipped(&'static str),
}

fn step(name: &str, commands: &[&[&str]], figures: &mut Vec<String>) -> Result<Outcome> {
    match name {
        "deny" if !is_installed("cargo-deny") => {
            return Ok(Outcome::Skipped("cargo-deny is not installed (cargo install cargo-deny)"));
        }
        "no-std" => return no_std(),
        "test" => return test(commands, figures),
        _ => {}
    }
    for command in commands {
        println!("$ cargo {}", command.join(" "));
        let status = places::cargo().args(*command).env("RUSTDOCFLAGS", "-D warnings").status()?;
        if !status.success() {
            bail!("cargo {} failed", command.join(" "));
        }
    }
    Ok(Outcome::Passed)
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The device's crates compile where there is no operating system, with all their features. `size` and `firmware` make machine
/// code of what ships.
fn no_std() -> Result<Outcome> {
    for target in Target::ALL {
        for package in DEVICE_CRATES {
            if let Err(messages) = Toolchain::find(target)?.check_library(package)? {
                bail!("{package} does not compile for {}:\n{messages}", target.triple());
            }
            println!("{package} compiles for {}", target.triple());
        }
    }
    Ok(Outcome::Passed)
}

/// Runs the tests, shows what they print, and adds up their figures.
fn test(commands: &[&[&str]], figures: &mut Vec<String>) -> Result<Outcome> {
    let mut total = Tally::default();
    for command in commands {
        println!("$ cargo {}", command.join(" "));
        let mut child = places::cargo().args(*command).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("no standard output")?;
        for line in std::io::BufRead::lines(std::io::BufReader::new(output)) {
            let line = line?;
            println!("{line}");
            total.add(&line);
        }
        let status = child.wait()?;
        figures.push(format!(
            "cargo test: {} passed, {} failed, {} ignored",
            total.passed, total.failed, total.ignored
        ));
        if !status.success() {
            bail!(
                "cargo {} failed: {} tests passed, {} failed",
                command.join(" "),
                total.passed,
                total.failed
            );
        }
    }
    Ok(Outcome::Passed)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Adds a line `test result: ok. 3 passed; 0 failed; 0 ignored; ...`.
    fn add(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        for part in rest.split([';', '.']) {
            let Some((number, what)) = part.trim().split_once(' ') else { continue };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_add_up() {
        let mut tally = Tally::default();
        tally.add("running 3 tests");
        tally.add(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        );
        tally.add("test result: FAILED. 40 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s");
        assert_eq!(tally, Tally { passed: 43, failed: 2, ignored: 1 });
    }
}
