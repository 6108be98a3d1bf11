//! `cargo xtask powerfail`: the matrix of power failures, as a release build.

use crate::places;
use anyhow::{Result, bail};

/// What to try; the program says what there is with `--help`.
#[derive(clap::Args, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// `--all`, `--cases N`, `--replay NUMBER`, `--threads N`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = ["run", "--release", "--quiet", "--package", "kedge-tests", "--bin", "powerfail", "--"];
    let status = places::cargo().args(program).args(&options.arguments).status()?;
    if !status.success() {
        bail!("the power-fail matrix failed: {status}");
    }
    Ok(())
}
