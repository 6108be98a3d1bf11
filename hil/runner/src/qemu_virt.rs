//! QEMU's machine `virt` as a board: a kill is a power cut, files are its flash and RAM.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::Context as _;

use crate::board::{Board, Console, Moment, Trouble, is_installed};
use crate::page::{self, word};

const EMULATOR: &str = "qemu-system-riscv32";
/// Octets of a flash bank, and of RAM.
const BANK: usize = 32 << 20;
const RAM: u64 = 16 << 20;
/// Sectors whose erases are told.
const SECTORS: usize = 32;

/// The board.
pub(crate) struct QemuVirt {
    folder: PathBuf,
    running: Option<Child>,
}

impl QemuVirt {
    /// A board in `folder`, whose first bank holds the boot stage.
    pub(crate) fn new(folder: &Path, boot: &[u8]) -> anyhow::Result<Self> {
        if !is_installed(Path::new(EMULATOR)) {
            let how = format!("{EMULATOR} is not installed; on Debian: apt-get install qemu-system-misc");
            return Err(Trouble::Unreachable(how).into());
        }
        std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        let board = Self { folder: folder.to_owned(), running: None };
        for (bank, content) in [("boot.img", boot), ("nor.img", &vec![0xFF; BANK])] {
            let mut file = File::create(board.path(bank))?;
            file.write_all(content)?;
            file.set_len(BANK as u64)?;
        }
        Ok(board)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the board noted in its RAM.
    fn moment(&self) -> anyhow::Result<Moment> {
        let mut octets = [0; 4 * (word::WEAR + SECTORS)];
        let mut ram = File::open(self.path("ram.img"))?;
        ram.seek(std::io::SeekFrom::Start(page::START as u64))?;
        ram.read_exact(&mut octets)?;
        let words: Vec<u32> =
            octets.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
        let kind = words[word::KIND];
        Ok(Moment {
            operations: words[word::OPERATIONS],
            under_way: (kind != 0).then_some((words[word::OFFSET], kind == 2)),
            boot_stage: words[word::STAGE] == 1,
            wear: words[word::WEAR..].to_vec(),
        })
    }
}

impl Board for QemuVirt {
    fn power_on(&mut self, straps: &[String]) -> anyhow::Result<Console> {
        File::create(self.path("ram.img"))?.set_len(RAM)?; // zero, as the board expects it
        let straps: String = straps.iter().fold(String::new(), |all, strap| all + ",arg=" + strap);
        let mut child = Command::new(EMULATOR)
            .current_dir(&self.folder)
            .args(["-M", "virt,memory-backend=ram", "-cpu", "rv32,a=off,f=off,d=off", "-m", "16M"])
            .args(["-object", "memory-backend-file,id=ram,size=16M,mem-path=ram.img,share=on"])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-bios", "none"])
            .args(["-semihosting-config", &format!("enable=on,target=native,arg=kedge{straps}")])
            .args(["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=boot.img"])
            .args(["-drive", "if=pflash,format=raw,unit=1,file=nor.img"])
            .args(["-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| Trouble::Unreachable(format!("{EMULATOR}: {error}")))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        self.running = Some(child);
        let (sender, lines) = mpsc::channel();
        // ends with the emulator, or when nobody listens any more
        thread::spawn(move || {
            let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
            lines
                .map(|line| String::from_utf8_lossy(&line).into_owned())
                .all(|line| sender.send(line).is_ok())
        });
        Ok(Console { lines, input: Box::new(input) })
    }

    fn power_off(&mut self) -> anyhow::Result<Option<Moment>> {
        let Some(mut child) = self.running.take() else { return Ok(None) };
        child.kill()?;
        child.wait()?;
        self.moment().map(Some)
    }

    fn read_flash(&mut self, len: usize) -> anyhow::Result<Vec<u8>> {
        let mut octets = vec![0; len];
        File::open(self.path("nor.img"))?.read_exact(&mut octets)?;
        Ok(octets)
    }

    fn write_flash(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        Ok(File::options().write(true).open(self.path("nor.img"))?.write_all(octets)?)
    }
}

impl Drop for QemuVirt {
    fn drop(&mut self) {
        // nothing to be done if it fails: the emulator ends when its console closes
        let _ = self.power_off();
    }
}
