//! A board that is reached by commands: a power switch, a program for its console, and one for its flash.
//!
//! The console's program (`picocom`, a telnet to a terminal server) gets `KEDGE_STRAPS`, what an emulated board is told at
//! power-on; a board with fuses has them already. The flash's program is called as `PROGRAM read FILE LENGTH` and `PROGRAM write
//! FILE` while the power is off.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::board::{Board, Console, Moment, Trouble};
use crate::switch::Switch;

/// The board.
pub(crate) struct ByCommand {
    switch: Switch,
    console: String,
    flasher: String,
    /// Where flash contents pass through.
    file: PathBuf,
    listening: Option<Child>,
}

impl ByCommand {
    /// A board that is off. `console` and `flasher` are commands as a shell takes them.
    pub(crate) fn new(
        switch: Switch,
        (console, flasher): (String, String),
        file: PathBuf,
    ) -> anyhow::Result<Self> {
        let mut board = Self { switch, console, flasher, file, listening: None };
        board.power_off()?;
        Ok(board)
    }

    fn flash(&self, words: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{} \"$@\"", self.flasher), "sh"]).args(words);
        let status = command.status().context("sh")?;
        let unreachable = || Trouble::Unreachable(format!("{} {}: {status}", self.flasher, words.join(" ")));
        if status.success() { Ok(()) } else { Err(unreachable().into()) }
    }
}

impl Board for ByCommand {
    fn power_on(&mut self, straps: &[String]) -> anyhow::Result<Console> {
        // listening before it speaks
        let mut listening = Command::new("sh");
        listening.args(["-c", &format!("exec {}", self.console)]).env("KEDGE_STRAPS", straps.join(" "));
        let mut child = listening.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let console = Console::of(&mut child)?;
        self.listening = Some(child);
        self.switch.set(true)?;
        Ok(console)
    }

    fn power_off(&mut self) -> anyhow::Result<Option<Moment>> {
        self.switch.set(false)?;
        if let Some(mut child) = self.listening.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(None)
    }

    fn read_flash(&mut self, len: usize) -> anyhow::Result<Vec<u8>> {
        let file = self.file.display().to_string();
        self.flash(&["read", &file, &len.to_string()])?;
        let octets = std::fs::read(&self.file).with_context(|| file.clone())?;
        let short =
            || Trouble::Unreachable(format!("{} reads {} of {len} octets", self.flasher, octets.len()));
        Ok(octets.get(..len).ok_or_else(short)?.to_vec())
    }

    fn write_flash(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        std::fs::write(&self.file, octets)?;
        self.flash(&["write", &self.file.display().to_string()])
    }
}

impl Drop for ByCommand {
    fn drop(&mut self) {
        // nothing to be done if the switch does not obey
        let _ = self.power_off();
    }
}
