//! `cargo xtask hil`: boards. Builds boot stage and both releases of the firmware, and hands them to the runner
//! (`hil/runner`), which plays scenarios on a board and cuts its power; everything it is told goes on to it.

use crate::firmware::{self, Release};
use crate::places;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// What the runner is told.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Take boot stage and firmware as they were built last
    #[arg(long)]
    no_build: bool,
    /// Arguments of the runner: scenarios, --cuts N, --replay NUMBER, --junit FILE, ...; --help names them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the command; the exit code of the runner.
pub(crate) fn run(options: &Options) -> Result<u8> {
    let folder = places::bare_target_dir()?.join("hil");
    std::fs::create_dir_all(&folder)?;
    let files = ["boot.bin", "v1.bin", "v2.bin"].map(|name| folder.join(name));
    if !options.no_build {
        build(&files)?;
    }
    let [boot, old, new] = &files;
    let mut command = places::cargo();
    command.args(["run", "--quiet", "--release", "--package", "kedge-hil", "--"]);
    for (option, path) in [("--boot", boot), ("--old", old), ("--new", new), ("--folder", &folder)] {
        command.arg(option).arg(path);
    }
    let status = command.args(&options.arguments).status().context("cargo run")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn build([boot, old, new]: &[PathBuf; 3]) -> Result<()> {
    std::fs::write(boot, firmware::boot_stage()?)?;
    for (path, release) in [(old, Release::V1), (new, Release::V2)] {
        std::fs::write(path, firmware::build(release)?.image)?;
    }
    Ok(())
}
