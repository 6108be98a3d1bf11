//! `cargo xtask fuzz`: hostile input for everything that reads packages, plans and flash, found by libFuzzer.
//!
//! Needs a C++ compiler for libFuzzer, and no nightly toolchain: the code under test is safe Rust, so coverage is enough and
//! sanitizers would find nothing. Seeds are made by the generator; what is found is kept between runs.
//!
//! ```text
//!  target/fuzz/corpus/NAME    seeds, and all that reached something new
//!  target/fuzz/found/NAME     inputs that broke something; run again by: cargo xtask fuzz --replay NAME FILE
//!  target/fuzz/build          the build with coverage
//! ```

use crate::places;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to fuzz.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// How long, for each target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only these targets; all of them are listed by --list
    #[arg(long)]
    target: Vec<String>,
    /// List the targets
    #[arg(long)]
    list: bool,
    /// Run this input of a target again
    #[arg(long, num_args = 2, value_names = ["TARGET", "FILE"])]
    replay: Vec<String>,
}

/// What makes rustc count the edges that are run, as libFuzzer wants it.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// A package of the tests' device and more; longer ones only repeat themselves.
const LENGTH: &str = "-max_len=16384";
/// No input may take longer: seconds.
const PATIENCE: &str = "-timeout=10";
/// No input may take more memory: MiB.
const MEMORY: &str = "-rss_limit_mb=1024";

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let known = targets()?;
    if options.list {
        println!("{}", known.join("\n"));
        return Ok(());
    }
    if let [target, file] = &options.replay[..] {
        let file = std::path::absolute(file)?;
        let build = build(std::slice::from_ref(target))?;
        return fuzz(&build.join(target), &[file.display().to_string()]);
    }
    let chosen = if options.target.is_empty() { known.clone() } else { options.target.clone() };
    if let Some(unknown) = chosen.iter().find(|target| !known.contains(target)) {
        bail!("there is no target {unknown}; see --list");
    }
    let build = build(&chosen)?;
    let place = place()?;
    let mut broken = Vec::new();
    for target in &chosen {
        println!("fuzz: {target}, {} s", options.seconds);
        let (corpus, found) = (place.join("corpus").join(target), place.join("found").join(target));
        std::fs::create_dir_all(&found)?;
        hostile(&["seeds", target, &corpus.display().to_string()])?;
        let arguments = [
            corpus.display().to_string(),
            format!("-max_total_time={}", options.seconds),
            format!("-artifact_prefix={}/", found.display()),
            "-print_final_stats=1".to_owned(),
            "-verbosity=0".to_owned(),
        ];
        if let Err(error) = fuzz(&build.join(target), &arguments) {
            broken.push(format!("{target}: {error:#}; see {}", found.display()));
        }
    }
    if broken.is_empty() {
        println!("fuzz: nothing broke in {} targets", chosen.len());
        return Ok(());
    }
    bail!("{}", broken.join("\n"))
}

fn fuzz(program: &Path, arguments: &[String]) -> Result<()> {
    let mut command = Command::new(program);
    let status = command.args(arguments).args([LENGTH, PATIENCE, MEMORY]).status().context("libFuzzer")?;
    if status.success() { Ok(()) } else { bail!("{status}") }
}

fn place() -> Result<PathBuf> {
    let metadata = places::metadata()?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target_directory")?;
    Ok(Path::new(target).join("fuzz"))
}

/// Builds the targets with coverage; where they are then.
fn build(targets: &[String]) -> Result<PathBuf> {
    let host = host()?;
    let folder = place()?.join("build");
    let mut command = places::cargo();
    command.args(["build", "--release", "--manifest-path", "tests/fuzz/Cargo.toml", "--target", &host]);
    for target in targets {
        command.args(["--bin", target]);
    }
    command.env("CARGO_TARGET_DIR", &folder).env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    let status = command.status().context("cargo build")?;
    if !status.success() {
        bail!("the fuzz targets could not be built: {status}; libFuzzer needs a C++ compiler");
    }
    Ok(folder.join(host).join("release"))
}

/// The machine's own target: flags that are for a named target are not used on build scripts.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().context("rustc -vV")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not tell its host")
}

/// The names of the targets.
fn targets() -> Result<Vec<String>> {
    Ok(hostile(&["list"])?.lines().map(str::to_owned).collect())
}

/// Runs the program that knows the targets; what it prints.
fn hostile(arguments: &[&str]) -> Result<String> {
    let program = ["run", "--release", "--quiet", "--package", "kedge-tests", "--bin", "hostile", "--"];
    let output = places::cargo().args(program).args(arguments).output().context("hostile")?;
    if !output.status.success() {
        bail!("hostile: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
