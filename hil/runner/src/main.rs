//! Plays the scenarios of the simulator, unchanged, on boards: real firmware, real flash commands, real power cuts.
//!
//! ```text
//!  scenarios ──► bench ──► phone: the host as modem and user ──► board: flash, power, console
//!                  │          └─ the operator's servers on loopback ◄── HTTP ──┘
//!                  └──► facts, judged as in the simulator ──► lines, JUnit, HTML
//! ```
//! Exit codes: 0 all passed; 1 a scenario failed; 2 it cannot be played as asked; 3 the board is not there; 4 it fell silent.

mod bench;
mod board;
mod cuts;
mod flash;
#[cfg(test)]
#[path = "../../firmware/src/management.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the board's own file: compared with the operator's"
)]
mod management;
#[path = "../../virt/src/page.rs"]
#[allow(dead_code, unreachable_pub, reason = "as for `product`")]
mod page;
mod phone;
#[path = "../../virt/src/product.rs"]
#[allow(dead_code, unreachable_pub, reason = "the board's own file: the host uses a part of it")]
mod product;
mod qemu_virt;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use kedge::scenario::{Script, named, scripts};
use kedge::world::Pair;

use crate::bench::{Bench, needs_simulator};
use crate::board::{Board, Trouble};
use crate::qemu_virt::QemuVirt;
use crate::report::Report;

/// Plays the scenarios of the simulator on boards, and cuts their power.
#[derive(Debug, Parser)]
#[command(name = "kedge-hil")]
struct Arguments {
    /// Scenarios, by name, or scenario files (.toml); `all`: every one that can be played on a board [default: one-button fota-client prl-update]
    scenarios: Vec<String>,
    /// Which board
    #[arg(long, value_enum, default_value_t = Kind::QemuVirt)]
    board: Kind,
    /// The boot stage, as it lies in flash
    #[arg(long, value_name = "FILE")]
    boot: PathBuf,
    /// The firmware that the board is sold with
    #[arg(long, value_name = "FILE")]
    old: PathBuf,
    /// The firmware to update to
    #[arg(long, value_name = "FILE")]
    new: PathBuf,
    /// Where the emulator's files are kept
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Afterwards, cut the power so often
    #[arg(long, value_name = "N", default_value_t = 0)]
    cuts: u64,
    /// Live only the life of this number, as it was printed
    #[arg(long, value_name = "NUMBER")]
    replay: Option<u64>,
    /// And then the same in the simulator, with the cuts that it had
    #[arg(long, requires = "replay")]
    simulated: bool,
    /// How long the board may be silent, in seconds: an update in place takes some, a pause between tries half a minute
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    patience: u64,
    /// Where everything random comes from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Write a JUnit XML file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write one self-contained HTML page
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Print everything the board says
    #[arg(long)]
    verbose: bool,
}

/// The boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// QEMU's `virt`, RV32IMC, the whole agent
    QemuVirt,
}

/// What is played when nothing is named.
const BY_DEFAULT: [&str; 3] = ["one-button", "fota-client", "prl-update"];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("hil: {error:#}");
            ExitCode::from(match error.downcast_ref::<Trouble>() {
                Some(Trouble::Unreachable(_)) => 3,
                Some(Trouble::TimedOut(_)) => 4,
                Some(Trouble::Script(_)) | None => 2,
            })
        }
    }
}

/// Whether all passed.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let scenarios = chosen(&arguments.scenarios)?;
    let read = |path: &Path| fs::read(path).with_context(|| format!("{}", path.display()));
    let pair = Pair { old: read(&arguments.old)?, new: read(&arguments.new)? };
    println!("firmware: {} octets, update to {}", pair.old.len(), pair.new.len());
    let mut board: Box<dyn Board> = match arguments.board {
        Kind::QemuVirt => Box::new(QemuVirt::new(&arguments.folder, &read(&arguments.boot)?)?),
    };
    let patience = Duration::from_secs(arguments.patience);
    let mut bench = Bench::new(board.as_mut(), pair, (arguments.seed, patience));
    let mut report = Report::default();
    let mut passed = true;
    if arguments.replay.is_none() {
        for scenario in scenarios {
            passed &= report.play(&mut bench, scenario, arguments.verbose)?;
        }
    }
    if arguments.cuts > 0 || arguments.replay.is_some() {
        let campaign = cuts::run(&mut bench, arguments.cuts, arguments.replay, arguments.simulated)?;
        passed &= report.cuts(&campaign, arguments.seed);
    }
    report.write(arguments.junit.as_deref(), arguments.report.as_deref())?;
    Ok(passed)
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Script>> {
    if names.iter().any(|name| name == "all") {
        return Ok(scripts()
            .iter()
            .filter(|scenario| needs_simulator(&scenario.setup()).is_none())
            .collect());
    }
    let names: Vec<&str> =
        if names.is_empty() { BY_DEFAULT.to_vec() } else { names.iter().map(String::as_str).collect() };
    let script = |name: &&str| named(name).map_err(|why| Trouble::Script(format!("{why:#}")).into());
    names.iter().map(script).collect()
}
