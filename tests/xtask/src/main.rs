//! The developer commands: `cargo xtask <command>`.
//!
//! | command | what it proves or makes |
//! |---|---|
//! | `deps` | dependencies between our crates go one way; core crates keep their source rules |
//! | `no-panic` | nothing the core crates offer can reach a panic: linked without a panic handler |
//! | `size` | flash, RAM and worst stack of each feature set, against `budgets.toml` |
//! | `instructions` | what applying an update takes on emulated boards: instructions, stack, time |
//! | `firmware` | the bare-metal images under `tests/data/firmware`, or that they can be rebuilt |
//! | `powerfail` | updates survive a power cut at every flash operation, nested too |
//! | `fuzz` | no hostile package, plan or flash content makes the update agent panic or run on: libFuzzer |
//! | `capi` | the C header is up to date; static libraries for C projects |
//! | `spec` | which client requirements of OMA device management have a test |
//! | `hil` | scenarios on an emulated board, and its power cut |
//! | `ci` | all of it, and the tests, as continuous integration does |
//!
//! Each command is one file. Which compiler, flags and linker a bare-metal build uses is decided in `target.rs` only.

mod call_graph;
mod capi;
mod ci;
mod deps;
mod elf;
mod esp32c3;
mod firmware;
mod fuzz;
mod hil;
mod instructions;
mod no_panic;
mod places;
mod powerfail;
mod probe;
mod size;
mod source_lines;
mod source_rules;
mod spec;
mod target;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The developer commands of Kedge.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check that dependencies go one way, and the source rules of the core crates
    Deps,
    /// Prove at link time that the core crates cannot panic
    NoPanic(no_panic::Options),
    /// Measure flash, RAM and worst stack, and compare with the budgets
    Size(size::Options),
    /// Count the instructions of the applier on emulated boards
    Instructions(instructions::Options),
    /// Build the firmware images that are test data, or check that they can be rebuilt
    Firmware(firmware::Options),
    /// Build the firmware of the ESP32-C3, and make files of it that can be flashed
    Esp32c3(esp32c3::Options),
    /// Play scenarios on a board, and cut its power
    Hil(hil::Options),
    /// Cut the power at every flash operation of updates
    Powerfail(powerfail::Options),
    /// Give hostile input to everything that reads packages and flash
    Fuzz(fuzz::Options),
    /// Make the C header, or check it; make the static library for C projects
    Capi(capi::Options),
    /// Print which client requirements of OMA device management have a test
    Spec,
    /// Run every check that continuous integration runs
    Ci(ci::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Deps => deps::run(),
        Command::NoPanic(options) => no_panic::run(&options),
        Command::Size(options) => size::run(&options),
        Command::Instructions(options) => instructions::run(&options),
        Command::Firmware(options) => firmware::run(&options),
        Command::Esp32c3(options) => esp32c3::run(&options),
        Command::Hil(options) => match hil::run(&options) {
            Ok(code) => return ExitCode::from(code),
            Err(error) => Err(error),
        },
        Command::Powerfail(options) => powerfail::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Capi(options) => capi::run(&options),
        Command::Spec => spec::run(),
        Command::Ci(options) => ci::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
