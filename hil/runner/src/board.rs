//! What the runner needs of a board, whatever it is: flash, power, console.

use core::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

/// Why a scenario could not be played to its end on a board. Everything else that goes wrong is a failure of the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The scenario does not fit: unknown, or not playable on this board.
    Script(String),
    /// The board, or what drives it, is not there.
    Unreachable(String),
    /// Nothing came from the board for too long.
    TimedOut(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(why) => f.write_str(why),
            Self::Unreachable(why) => write!(f, "the board is not reachable: {why}"),
            Self::TimedOut(after) => write!(f, "the board is silent, last heard: {after}"),
        }
    }
}

impl core::error::Error for Trouble {}

/// A board. Flash is read and written while the power is off.
pub(crate) trait Board {
    /// Switches the power on; `straps` are what it is told at power-on, `name=value`.
    fn power_on(&mut self, straps: &[String]) -> anyhow::Result<Console>;
    /// Takes the power away at once, and tells what the board was doing, where that can be seen.
    fn power_off(&mut self) -> anyhow::Result<Option<Moment>>;
    /// The first `len` octets of its flash.
    fn read_flash(&mut self, len: usize) -> anyhow::Result<Vec<u8>>;
    /// Writes its flash, from the first octet on.
    fn write_flash(&mut self, octets: &[u8]) -> anyhow::Result<()>;
}

/// What a board was doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Flash operations that were begun since power-on.
    pub(crate) operations: u32,
    /// The one under way: where, and whether it erases.
    pub(crate) under_way: Option<(u32, bool)>,
    /// Whether the boot stage ran.
    pub(crate) boot_stage: bool,
    /// How often each sector was erased since power-on.
    pub(crate) wear: Vec<u32>,
}

/// The console of a board that is on.
pub(crate) struct Console {
    /// Lines that the board says; closed when it is gone.
    pub(crate) lines: Receiver<String>,
    /// Where lines for the board go.
    pub(crate) input: Box<dyn Write>,
}

/// What came from the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A line.
    Line(String),
    /// Nothing in the time given.
    Silence,
    /// The board is off.
    Gone,
}

impl Console {
    /// The console that is at the other end of a program's standard streams.
    pub(crate) fn of(program: &mut Child) -> anyhow::Result<Self> {
        let input = program.stdin.take().context("no standard input")?;
        let output = program.stdout.take().context("no standard output")?;
        let (sender, lines) = mpsc::channel();
        // ends with the program, or when nobody listens any more
        thread::spawn(move || {
            let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
            lines
                .map(|line| String::from_utf8_lossy(&line).into_owned())
                .all(|line| sender.send(line).is_ok())
        });
        Ok(Self { lines, input: Box::new(input) })
    }

    /// The next line.
    pub(crate) fn listen(&self, patience: Duration) -> Heard {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Heard::Line(line),
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
            Err(RecvTimeoutError::Disconnected) => Heard::Gone,
        }
    }

    /// Says a line. A board that went away meanwhile is noticed when it is listened to.
    pub(crate) fn say(&mut self, line: &str) {
        let _ = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
    }
}

/// Whether a program can be started at all.
pub(crate) fn is_installed(program: &Path) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}
