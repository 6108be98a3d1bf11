//! `cargo xtask hil`: the firmware on an emulated board.
//!
//! QEMU stands for the board, this command for its ROM: it starts the boot stage after every power-on, and the image in
//! flash when the boot stage says so. The flash chips are a file, which keeps what was written when QEMU is killed; so a
//! kill is a power cut. Shown are: the self-check of both releases, the flash driver, an update from v1 to v2, and the
//! same update with kills at random times until it is through.

use crate::firmware::{self, Release};
use crate::places;
use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How hard to try.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Updates in which the power fails
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Power failures in each of them
    #[arg(long, default_value_t = 4)]
    kills: u32,
    /// Where the kills begin; the times they hit still depend on the machine
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print everything the board says
    #[arg(long)]
    verbose: bool,
}

const EMULATOR: &str = "qemu-system-riscv32";
/// Octets of a flash bank of the board.
const NOR: usize = 32 << 20;
/// Octets that the ROM loads from the start of flash.
const LOADED: usize = 512 << 10;
/// Where the firmware looks for a package.
const PACKAGE_FILE: &str = "update.kedge";
/// Longest run of one program.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most starts of one update; it takes four without power failures, and each of those costs two more.
const STARTS: u32 = 100;

/// Exit codes of the firmware, see its `Exit`.
mod exit {
    pub(super) const DONE: i32 = 0;
    pub(super) const RESTART: i32 = 10;
    pub(super) const START_IMAGE: i32 = 11;
}

/// What the ROM starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Boot,
    Image,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    if Command::new(EMULATOR).arg("--version").stdout(Stdio::null()).status().is_err() {
        bail!("{EMULATOR} is not installed; on Debian: apt-get install qemu-system-misc");
    }
    let folder = places::bare_target_dir()?.join("hil");
    std::fs::create_dir_all(&folder)?;
    let [v1, v2] = [firmware::build(Release::V1)?.image, firmware::build(Release::V2)?.image];
    println!("hil: v1 has {} octets, v2 {}", v1.len(), v2.len());
    std::fs::write(folder.join("boot.bin"), &v1)?;
    let board = Board { folder, verbose: options.verbose };

    for (image, release, answer) in
        [(&v1, Release::V1, "kedge-virt 1.0"), (&v2, Release::V2, "kedge-virt 2.0")]
    {
        board.factory(image)?;
        let text = board.finish(Stage::Image, "version\nflash\nexit\n")?;
        ensure!(text.contains(answer) && text.contains("flash: ok"), "{} says:\n{text}", release.name());
        println!("hil: {} runs, codecs and flash driver are checked", release.name());
    }

    board.pack(&v1, &v2)?;
    let clean = board.update(&v1, &v2, &mut PowerFailures::none())?;
    println!("hil: update v1 to v2 without power failure: {} starts", clean.starts);
    let mut failures = PowerFailures { left: 0, within: clean.longest, random: options.seed.max(1) };
    let mut sum = Trace::default();
    for _ in 0..options.rounds {
        failures.left = options.kills;
        let trace = board.update(&v1, &v2, &mut failures)?;
        sum.starts += trace.starts;
        sum.kills += trace.kills;
        sum.half += trace.half;
    }
    let Trace { starts, kills, half, .. } = sum;
    println!(
        "hil: {} updates, {kills} power failures, {starts} starts: each ended with v2, whole",
        options.rounds
    );
    println!("hil: {half} of the failures left an image that was neither v1 nor v2");
    Ok(())
}

/// When the power fails.
struct PowerFailures {
    /// How often, in the update at hand.
    left: u32,
    /// Longest time from a start to the failure.
    within: Duration,
    random: u64,
}

impl PowerFailures {
    const fn none() -> Self {
        Self { left: 0, within: Duration::ZERO, random: 1 }
    }

    /// How long the power stays on after the next start, if it is to fail.
    fn next(&mut self) -> Option<Duration> {
        (self.left > 0).then(|| self.within.mul_f64(next(&mut self.random)))
    }
}

/// A number from 0 to 1 (xorshift).
fn next(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    #[allow(clippy::cast_precision_loss, reason = "a random time needs no 53 bits")]
    let fraction = (*state >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}

/// What an update took.
#[derive(Clone, Copy, Debug, Default)]
struct Trace {
    starts: u32,
    kills: u32,
    /// Kills that left an image that was neither the old nor the new one.
    half: u32,
    /// The longest run of one program.
    longest: Duration,
}

struct Board {
    folder: PathBuf,
    verbose: bool,
}

impl Board {
    /// A new board: flash with an image and nothing else.
    fn factory(&self, image: &[u8]) -> Result<()> {
        let mut nor = vec![0xFF; NOR];
        nor.get_mut(..image.len()).context("the image is larger than the flash")?.copy_from_slice(image);
        self.withdraw_package()?;
        Ok(std::fs::write(self.folder.join("nor.img"), nor)?)
    }

    /// The server has nothing for the board.
    fn withdraw_package(&self) -> Result<()> {
        let package = self.folder.join(PACKAGE_FILE);
        if package.exists() {
            std::fs::remove_file(package)?;
        }
        Ok(())
    }

    /// Makes the package from one release to the next, signed with the test key.
    fn pack(&self, old: &[u8], new: &[u8]) -> Result<()> {
        for (name, octets) in [("old.bin", old), ("new.bin", new)] {
            std::fs::write(self.folder.join(name), octets)?;
        }
        let status = places::cargo()
            .args(["run", "--quiet", "--release", "--manifest-path", "hil/package/Cargo.toml", "--"])
            .args(["old.bin", "new.bin", "package.kedge"].map(|name| self.folder.join(name)))
            .status()?;
        ensure!(status.success(), "the package could not be made");
        Ok(())
    }

    /// Updates a new board from `old` to `new`, through power failures.
    fn update(&self, old: &[u8], new: &[u8], failures: &mut PowerFailures) -> Result<Trace> {
        self.factory(old)?;
        std::fs::copy(self.folder.join("package.kedge"), self.folder.join(PACKAGE_FILE))?;
        let mut trace = Trace::default();
        let mut stage = Stage::Boot;
        let mut log = String::new();
        while trace.starts < STARTS {
            trace.starts += 1;
            let start = Instant::now();
            let board = self.start(stage, "exit\n")?;
            let (text, code) = match failures.next() {
                Some(delay) => board.cut(delay)?,
                None => board.finish()?,
            };
            trace.longest = trace.longest.max(start.elapsed());
            self.show(&text);
            log.push_str(&text);
            stage = match code {
                None => {
                    failures.left -= 1;
                    trace.kills += 1;
                    trace.half += u32::from(!self.holds(old)? && !self.holds(new)?);
                    if log.contains("installed") {
                        // The result was reported, only the end of the program was cut: nobody offers that package again.
                        self.withdraw_package()?;
                    }
                    Stage::Boot
                }
                Some(exit::RESTART) => Stage::Boot,
                Some(exit::START_IMAGE) => Stage::Image,
                Some(exit::DONE) if self.holds(new)? => {
                    ensure!(text.contains("firmware 2.0"), "the new image did not start:\n{log}");
                    ensure!(log.contains("installed"), "no result was reported:\n{log}");
                    return Ok(trace);
                }
                Some(code) => bail!("ended with {code} without v2:\n{log}"),
            };
        }
        bail!("no end after {STARTS} starts:\n{log}")
    }

    /// Whether the flash begins with `image`.
    fn holds(&self, image: &[u8]) -> Result<bool> {
        Ok(self.loaded()?.starts_with(image))
    }

    /// What the ROM loads.
    fn loaded(&self) -> Result<Vec<u8>> {
        let mut octets = vec![0; LOADED];
        File::open(self.folder.join("nor.img"))?.read_exact(&mut octets)?;
        Ok(octets)
    }

    /// Runs one program to its end, which must be a good one; what it said.
    fn finish(&self, stage: Stage, input: &str) -> Result<String> {
        let (text, code) = self.start(stage, input)?.finish()?;
        self.show(&text);
        ensure!(code == Some(exit::DONE), "ended with {code:?}:\n{text}");
        Ok(text)
    }

    fn start(&self, stage: Stage, input: &str) -> Result<Running> {
        let (program, argument) = match stage {
            Stage::Boot => (self.folder.join("boot.bin"), "arg=boot"),
            Stage::Image => (self.load_image()?, "arg=image"),
        };
        Running::start(&self.folder, &program, argument, input)
    }

    /// What the ROM does before it starts the image: copy it out of flash.
    fn load_image(&self) -> Result<PathBuf> {
        let path = self.folder.join("image.bin");
        std::fs::write(&path, self.loaded()?)?;
        Ok(path)
    }

    fn show(&self, text: &str) {
        if self.verbose {
            print!("{text}");
        }
    }
}

/// The emulator at work.
struct Running {
    child: Child,
    output: thread::JoinHandle<std::io::Result<String>>,
}

impl Running {
    fn start(folder: &Path, program: &Path, argument: &str, input: &str) -> Result<Self> {
        let mut child = Command::new(EMULATOR)
            .current_dir(folder)
            .args(["-M", "virt", "-cpu", "rv32,a=off,f=off,d=off", "-m", "16M"])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
            .args(["-semihosting-config", &format!("enable=on,target=native,arg=kedge,{argument}")])
            .args(["-drive", "if=pflash,format=raw,unit=1,file=nor.img", "-bios"])
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context(EMULATOR)?;
        // the emulator may end before it reads all of it
        _ = child.stdin.as_mut().context("no standard input")?.write_all(input.as_bytes());
        let mut stdout = child.stdout.take().context("no standard output")?;
        let output = thread::spawn(move || {
            let mut octets = Vec::new();
            stdout.read_to_end(&mut octets)?;
            Ok(String::from_utf8_lossy(&octets).into_owned())
        });
        Ok(Self { child, output })
    }

    /// Waits for the end: what was said, and the exit code.
    fn finish(self) -> Result<(String, Option<i32>)> {
        match self.cut(PATIENCE)? {
            (text, None) => bail!("no end after {} s:\n{text}", PATIENCE.as_secs()),
            ended => Ok(ended),
        }
    }

    /// Cuts the power after `delay`; no exit code if it was still running.
    fn cut(mut self, delay: Duration) -> Result<(String, Option<i32>)> {
        let end = Instant::now() + delay;
        let mut code = None;
        while Instant::now() < end && code.is_none() {
            code = self.child.try_wait()?.map(|status| status.code().unwrap_or(-1));
            thread::sleep(Duration::from_millis(1));
        }
        if code.is_none() {
            self.child.kill()?;
            self.child.wait()?;
        }
        let text = self.output.join().map_err(|_| anyhow::anyhow!("the reader of the output failed"))??;
        Ok((text, code))
    }
}
