//! A QEMU process as a board: a kill is a power cut, files are its flash and RAM, its serial port is the console.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::board::{Console, Moment, Trouble, is_installed};
use crate::page::{self, word};

/// Octets of the RAM whose last page tells what the board does.
pub(crate) const RAM: u64 = 16 << 20;

/// A machine of one kind, in a folder of its own.
pub(crate) struct Emulator {
    program: &'static str,
    folder: PathBuf,
    running: Option<Child>,
}

impl Emulator {
    /// A machine that is off; `package` is what Debian calls the package of the program.
    pub(crate) fn new(program: &'static str, package: &str, folder: &Path) -> anyhow::Result<Self> {
        if !is_installed(Path::new(program)) {
            let how = format!("{program} is not installed; on Debian: apt-get install {package}");
            return Err(Trouble::Unreachable(how).into());
        }
        std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        Ok(Self { program, folder: folder.to_owned(), running: None })
    }

    /// A file of the machine.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts it; `straps` reach the program as arguments behind the name `kedge`.
    pub(crate) fn start(&mut self, arguments: &[&str], straps: &[String]) -> anyhow::Result<Console> {
        let straps: String = straps.iter().fold(String::new(), |all, strap| all + ",arg=" + strap);
        let mut child = Command::new(self.program)
            .current_dir(&self.folder)
            .args(arguments)
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
            .args(["-semihosting-config", &format!("enable=on,target=native,arg=kedge{straps}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| Trouble::Unreachable(format!("{}: {error}", self.program)))?;
        let console = Console::of(&mut child)?;
        self.running = Some(child);
        Ok(console)
    }

    /// Kills it, if it runs; what the board noted in its RAM about `sectors` sectors and all else.
    pub(crate) fn kill(&mut self, ram: &str, sectors: usize) -> anyhow::Result<Option<Moment>> {
        let Some(mut child) = self.running.take() else { return Ok(None) };
        child.kill()?;
        child.wait()?;
        let mut octets = vec![0; 4 * (word::WEAR + sectors)];
        let mut ram = File::open(self.path(ram))?;
        ram.seek(SeekFrom::Start(page::START as u64))?;
        ram.read_exact(&mut octets)?;
        let words: Vec<u32> =
            octets.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
        let kind = words[word::KIND];
        Ok(Some(Moment {
            operations: words[word::OPERATIONS],
            under_way: (kind != 0).then_some((words[word::OFFSET], kind == 2)),
            boot_stage: words[word::STAGE] == 1,
            wear: words[word::WEAR..].to_vec(),
        }))
    }

    /// The first octets of a file.
    pub(crate) fn read(&self, name: &str, len: usize) -> anyhow::Result<Vec<u8>> {
        let mut octets = vec![0; len];
        File::open(self.path(name))?.read_exact(&mut octets)?;
        Ok(octets)
    }

    /// Writes into a file, and leaves the rest of it as it is.
    pub(crate) fn write(&self, name: &str, offset: usize, octets: &[u8]) -> anyhow::Result<()> {
        let mut file = File::options().write(true).open(self.path(name))?;
        file.seek(SeekFrom::Start(offset as u64))?;
        Ok(file.write_all(octets)?)
    }

    /// Makes a file of `len` octets that begins with `octets`.
    pub(crate) fn make(&self, name: &str, octets: &[u8], len: u64) -> anyhow::Result<()> {
        let mut file = File::create(self.path(name))?;
        file.write_all(octets)?;
        Ok(file.set_len(len)?)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(child) = &mut self.running {
            // nothing to be done if it fails: the emulator ends when its console closes
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}
