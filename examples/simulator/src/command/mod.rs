//! The command line of `kedge`.
//!
//! Exit codes: 0, everything asked for is done and all flows passed; 1, a flow failed, the bytes to inspect are
//! broken, or a package does not make what it should; 2, it could not be done as asked (unknown names, unreadable files, nothing decodable named).

mod air;
mod delta;
mod device;
mod explain;
mod input;
mod inspect;
mod license;
mod nam;
mod open;
mod package;
mod prl;
mod register;
mod scenario;
mod serve;
mod signing;
mod simulate;
mod tree;

use std::ffi::OsString;
use std::io::Write;

use clap::{Parser, Subcommand};

use crate::play::Play;

/// Exit codes of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and all is well.
    Passed,
    /// Done, and something is wrong: a flow failed, the bytes are broken, a package makes something else.
    Failed,
    /// It could not be done as asked.
    Usage,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Passed => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
        })
    }
}

/// Where the command writes, and how.
pub struct Surroundings<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Everything else.
    pub err: &'a mut dyn Write,
    /// Where progress bars are drawn; `None`: nowhere, and flows are told in plain lines.
    pub term: Option<console::Term>,
    /// Whether to colour.
    pub colour: bool,
}

/// A handset-side device-management client, played on a simulated device against a simulated operator network.
///
/// Without a command, it plays every flow once.
#[derive(Debug, Parser)]
#[command(name = "kedge", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "Examples:
  kedge                                          play the default flows
  kedge simulate --list                          name everything that can be played
  kedge simulate one-button --report run.html    and write one page about it
  kedge simulate fota-client --power-cut every   cut the power at every flash operation
  kedge inspect is683 --forward 0101001123640ac068e36f00c4721dc04815ffff8000
  kedge inspect wbxml push.bin
  kedge inspect syncml message.wbxml
  kedge prl show roaming.prl
  kedge nam history state
  kedge open settings.provbin
  kedge scenario check my-flow.toml
  kedge explain fumo 404
  kedge serve                                    the network as real servers, with pages
  kedge license request                          a license for the device in ./kedge-device
  kedge tree get tree.bin ./DMAcc/1/ServerID
  kedge device --server https://dm.example/dm --user NAME --password PASSWORD
  kedge delta create old.bin new.bin -o update.kdg --stats
  kedge delta verify update.kdg --old old.bin --new new.bin

Exit codes: 0 all is well, 1 a flow failed or bytes are broken or wrong, 2 it could not be done as asked.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Play call flows and show every message
    Simulate(simulate::Simulate),
    /// Show bytes decoded, with offsets, up to their fault
    Inspect(inspect::Inspect),
    /// Be a device: hold a management session with any OMA-DM server
    Device(device::Device),
    /// Show what a device makes of a downloaded file
    Open(open::Open),
    /// Make, show, apply, check and compare delta packages
    Delta(delta::Delta),
    /// Make update packages, also such as hold a whole image
    Package(package::Package),
    /// Say what a code means that a device, a log or a server shows
    Explain(explain::Explain),
    /// Show, check and make preferred roaming lists
    Prl(prl::Arguments),
    /// Show what was programmed into a device over the air: number assignments, history
    Nam(nam::Arguments),
    /// Show what the CDMA flows cost on the air, by coding
    Air(air::Air),
    /// Ask for, show, install and explain the license of a device in a directory
    License(license::License),
    /// Start the simulated network as real servers, until Ctrl-C
    Serve(serve::Serve),
    /// Check scenario files
    Scenario(scenario::Arguments),
    /// Show, read and change a management tree in a file
    Tree(tree::Arguments),
}

/// Runs the command with these arguments, the program's name first.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    player: &dyn Play,
    surroundings: &mut Surroundings<'_>,
) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(message) => return tell(&message, surroundings),
    };
    let done = match cli.command {
        None => simulate::run(&simulate::Simulate::default(), player, surroundings),
        Some(Command::Simulate(arguments)) => simulate::run(&arguments, player, surroundings),
        Some(Command::Inspect(arguments)) => inspect::run(&arguments, surroundings),
        Some(Command::Device(arguments)) => device::run(&arguments, surroundings),
        Some(Command::Open(arguments)) => open::run(&arguments, surroundings),
        Some(Command::Delta(arguments)) => delta::run(&arguments, surroundings),
        Some(Command::Package(arguments)) => package::run(&arguments, surroundings),
        Some(Command::Explain(arguments)) => explain::run(&arguments, surroundings),
        Some(Command::Prl(arguments)) => prl::run(&arguments, surroundings),
        Some(Command::Nam(arguments)) => nam::run(&arguments, surroundings),
        Some(Command::Air(arguments)) => air::run(&arguments, surroundings),
        Some(Command::License(arguments)) => license::run(&arguments, surroundings),
        Some(Command::Serve(arguments)) => serve::run(&arguments, surroundings),
        Some(Command::Scenario(arguments)) => scenario::run(&arguments, surroundings),
        Some(Command::Tree(arguments)) => tree::run(&arguments, surroundings),
    };
    done.unwrap_or_else(|error| {
        if is_broken_pipe(&error) {
            // Whoever read the output has seen enough.
            return Exit::Passed;
        }
        let _ = writeln!(surroundings.err, "kedge: {error:#}");
        Exit::Usage
    })
}

/// Help and version are asked for and no error; everything else is a wrong use.
fn tell(message: &clap::Error, surroundings: &mut Surroundings<'_>) -> Exit {
    let text = message.render();
    let text = if surroundings.colour { text.ansi().to_string() } else { text.to_string() };
    if message.use_stderr() {
        let _ = write!(surroundings.err, "{text}");
        return Exit::Usage;
    }
    let _ = write!(surroundings.out, "{text}");
    Exit::Passed
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
