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
mod by_command;
mod cortexm;
#[path = "../../cortexm/src/product.rs"]
#[allow(dead_code, unreachable_pub, reason = "as for `product`")]
mod cortexm_product;
mod cuts;
mod emulator;
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
mod owner;
#[path = "../../observed/src/page.rs"]
#[allow(dead_code, unreachable_pub, reason = "as for `product`")]
mod page;
mod phone;
#[path = "../../virt/src/product.rs"]
#[allow(dead_code, unreachable_pub, reason = "the board's own file: the host uses a part of it")]
mod product;
mod qemu_cortexm;
mod qemu_virt;
mod report;
mod switch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use kedge::scenario::{Script, named, scripts};
use kedge::world::Pair;

use crate::bench::{Bench, TRIAL, needs_simulator};
use crate::board::{Board, Trouble};
use crate::by_command::ByCommand;
use crate::cortexm::Cortexm;
use crate::cuts::Lives;
use crate::qemu_cortexm::QemuCortexm;
use crate::qemu_virt::QemuVirt;
use crate::report::Report;
use crate::switch::Switch;

/// Plays the scenarios of the simulator on boards, and cuts their power.
#[derive(Debug, Parser)]
#[command(name = "kedge-hil")]
struct Arguments {
    /// Scenarios, by name, or scenario files (.toml); `all`: every one that can be played on a board [default: one-button fota-client fota-client/oma-dm prl-update license-trial]
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
    /// The power switch of a board by command: a port of a USB hub, by uhubctl
    #[arg(long, value_name = "LOCATION:PORT", value_parser = Switch::usb_hub, conflicts_with = "relay_on")]
    usb_hub: Option<Switch>,
    /// The power switch of a board by command: what switches it on, and what switches it off
    #[arg(long, value_name = "COMMAND", requires = "relay_off")]
    relay_on: Option<String>,
    /// See --relay-on
    #[arg(long, value_name = "COMMAND", requires = "relay_on")]
    relay_off: Option<String>,
    /// The console of a board by command: a program that speaks with it
    #[arg(long, value_name = "COMMAND")]
    console: Option<String>,
    /// The flash of a board by command: called with `read FILE LENGTH` and `write FILE`
    #[arg(long, value_name = "COMMAND")]
    flasher: Option<String>,
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

impl Arguments {
    /// The board that is reached by commands.
    fn by_command(&self) -> anyhow::Result<ByCommand> {
        let relay = self.relay_on.clone().zip(self.relay_off.clone());
        let switch = self.usb_hub.clone().or(relay.map(|(on, off)| Switch::Relay(on, off)));
        let programs = self.console.clone().zip(self.flasher.clone());
        let missing =
            || Trouble::Script("wanted: --console, --flasher, and --usb-hub or --relay-on".to_owned());
        let (switch, programs) = switch.zip(programs).ok_or_else(missing)?;
        fs::create_dir_all(&self.folder)?;
        ByCommand::new(switch, programs, self.folder.join("flash.img"))
    }

    /// Where everything random comes from, and how long a board may be silent.
    fn for_bench(&self) -> (u64, Duration) {
        (self.seed, Duration::from_secs(self.patience))
    }
}

/// The boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// QEMU's `virt`, RV32IMC, the whole agent
    QemuVirt,
    /// A real one with the firmware of `qemu-virt`, reached by commands: --console, --flasher, and a power switch
    ByCommand,
    /// QEMU's `mps2-an386`, Cortex-M4: update agent and license cache, with scenarios of its own: license, update, update/in-place, update/faulty
    QemuCortexm,
}

/// What is played when nothing is named.
const BY_DEFAULT: [&str; 4] = ["one-button", "fota-client", "fota-client/oma-dm", "prl-update"];

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
    let read = |path: &Path| fs::read(path).with_context(|| format!("{}", path.display()));
    let pair = Pair { old: read(&arguments.old)?, new: read(&arguments.new)? };
    println!("firmware: {} octets, update to {}", pair.old.len(), pair.new.len());
    let boot = read(&arguments.boot)?;
    let mut report = Report::default();
    let passed = match arguments.board {
        Kind::QemuVirt => {
            on_phone(arguments, pair, &mut QemuVirt::new(&arguments.folder, &boot)?, &mut report)?
        }
        Kind::ByCommand => on_phone(arguments, pair, &mut arguments.by_command()?, &mut report)?,
        Kind::QemuCortexm => on_cortexm(arguments, pair, &boot, &mut report)?,
    };
    report.write(arguments.junit.as_deref(), arguments.report.as_deref())?;
    Ok(passed)
}

/// A board with the whole agent.
fn on_phone(
    arguments: &Arguments,
    pair: Pair,
    board: &mut dyn Board,
    report: &mut Report,
) -> anyhow::Result<bool> {
    let named = |name: &str| arguments.scenarios.iter().any(|scenario| scenario == name);
    let trial = arguments.scenarios.is_empty() || named("all") || named(TRIAL);
    let scenarios = chosen(&arguments.scenarios)?;
    let mut bench = Bench::new(board, pair, arguments.for_bench());
    let mut passed = true;
    if arguments.replay.is_none() {
        for scenario in scenarios {
            passed &= report.play(&mut bench, scenario, arguments.verbose)?;
        }
        if trial {
            let life = bench.live(TRIAL, &[])?;
            passed &= report.life((TRIAL, "a new device gets a trial"), &life, arguments.verbose);
        }
    }
    Ok(passed & cut(arguments, &mut bench, report)?)
}

fn on_cortexm(arguments: &Arguments, pair: Pair, boot: &[u8], report: &mut Report) -> anyhow::Result<bool> {
    let mut board = QemuCortexm::new(&arguments.folder, boot)?;
    let mut bench = Cortexm::new(&mut board, &arguments.folder, pair, arguments.for_bench())?;
    let all = arguments.scenarios.is_empty() || arguments.scenarios.iter().any(|name| name == "all");
    let wanted = |name: &&str| all || arguments.scenarios.iter().any(|wanted| wanted == name);
    for name in &arguments.scenarios {
        cortexm::title(name).map(drop).or_else(|error| if name == "all" { Ok(()) } else { Err(error) })?;
    }
    let mut passed = true;
    if arguments.replay.is_none() {
        for name in bench.scenarios().iter().copied().filter(wanted) {
            let life = bench.live(name, &[])?;
            passed &= report.life((name, cortexm::title(name)?), &life, arguments.verbose);
        }
    }
    Ok(passed & cut(arguments, &mut bench, report)?)
}

/// The power cuts that are asked for. Whether all lives ended well.
fn cut(arguments: &Arguments, bench: &mut dyn Lives, report: &mut Report) -> anyhow::Result<bool> {
    let Arguments { cuts, replay, simulated, seed, .. } = *arguments;
    if cuts == 0 && replay.is_none() {
        return Ok(true);
    }
    let campaign = cuts::run(bench, cuts, replay, simulated)?;
    Ok(report.cuts(&campaign, seed))
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
    names.iter().filter(|name| **name != TRIAL).map(script).collect()
}
