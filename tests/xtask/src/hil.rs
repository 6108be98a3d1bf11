//! `cargo xtask hil`: boards. Builds boot stage and both releases of the firmware of the board that is named, and hands them to
//! the runner (`hil/runner`), which plays scenarios on it and cuts its power; everything it is told goes on to it.

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
    /// Arguments of the runner: scenarios, --board BOARD, --cuts N, --replay NUMBER, --junit FILE, ...; --help names them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the command; the exit code of the runner.
pub(crate) fn run(options: &Options) -> Result<u8> {
    let board = Board::of(&options.arguments);
    let folder = places::bare_target_dir()?.join(board.folder());
    std::fs::create_dir_all(&folder)?;
    let files = ["boot.bin", "v1.bin", "v2.bin"].map(|name| folder.join(name));
    if !options.no_build {
        build(board, &files)?;
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

/// A board, as far as building for it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Board {
    Virt,
    Cortexm,
}

impl Board {
    /// The one that the runner's arguments name; which there are, the runner tells.
    fn of(arguments: &[String]) -> Self {
        let mut arguments = arguments.iter().skip_while(|argument| !argument.starts_with("--board"));
        let named = arguments.next().map(|board| board.split_once('=').map_or("", |(_, name)| name));
        let name = named.filter(|name| !name.is_empty()).or(arguments.next().map(String::as_str));
        if name == Some("qemu-cortexm") { Self::Cortexm } else { Self::Virt }
    }

    /// Where its files are, in the folder of bare-metal builds.
    const fn folder(self) -> &'static str {
        match self {
            Self::Virt => "hil",
            Self::Cortexm => "hil-cortexm",
        }
    }
}

fn build(board: Board, [boot, old, new]: &[PathBuf; 3]) -> Result<()> {
    match board {
        Board::Virt => {
            std::fs::write(boot, firmware::boot_stage()?)?;
            for (path, release) in [(old, Release::V1), (new, Release::V2)] {
                std::fs::write(path, firmware::build(release)?.image)?;
            }
        }
        Board::Cortexm => {
            for (path, features) in [(boot, &[][..]), (old, &["image"]), (new, &["v2"])] {
                std::fs::write(path, firmware::cortexm(features)?)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_is_the_one_that_the_runner_is_told() {
        let of = |words: &str| Board::of(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(of(""), Board::Virt);
        assert_eq!(of("fota-client --cuts 3"), Board::Virt);
        assert_eq!(of("update --board qemu-cortexm --cuts 3"), Board::Cortexm);
        assert_eq!(of("--board=qemu-cortexm"), Board::Cortexm);
        assert_eq!(of("--board qemu-virt"), Board::Virt);
        assert_eq!(of("--board"), Board::Virt);
    }
}
