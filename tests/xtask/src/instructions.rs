//! `cargo xtask instructions`: what applying an update takes, counted on emulated boards.
//!
//! `tests/probes/instructions` is a boot stage whose flash is RAM. It runs on QEMU's `virt` as RV32IMC and on `mps2-an386`, a
//! Cortex-M4, with `-icount shift=0`: then a counter of the board counts instructions, to one on the first and to 40 on the
//! second. The packages are made by `kedge delta create`, in place, for the small profile.
//!
//! - *decoder*: the plan gone through, then all of the new image decoded from memory to memory
//! - *verify*: everything before the first erase, a rehearsal with the decoder among it
//! - *apply*: blocks made, checked, copied, the decoder's state kept, the journal written; the RAM driver is in it
//! - *hash* and *signature* are counted apart: SHA-256 and Ed25519 in software
//! - *stack*: the deepest use, before the first erase (with the cryptography) and after
//!
//! - before that, a start of a device with a license (the trial of its specification's section 15) on RAM flash: *boot*,
//!   with the cryptography apart, and the *verdict* after it
//!
//! Then the time that would take on a core of 100 MHz at one instruction per cycle, beside that of a flash that takes
//! 100 KiB each second, erasing included. The committed pair is held against `instructions.toml`.

use crate::places;
use crate::target::{Build, Target, Toolchain};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What to count.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Only this processor
    #[arg(long)]
    target: Option<Target>,
    /// Also the pairs in this folder, each a folder with old.bin and new.bin, of Thumb or RISC-V code
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// How the applier is compiled
    #[arg(long, default_value = SHIPPED)]
    level: String,
}

impl Options {
    /// The committed pair, as it ships.
    pub(crate) fn of(target: Option<Target>) -> Self {
        Self { target, corpus: None, level: SHIPPED.to_owned() }
    }
}

/// The level that ships.
const SHIPPED: &str = "s";
/// The package of the program, below the root.
const PACKAGE: &str = "tests/probes/instructions";
/// The committed pair: RISC-V code.
const FIRMWARE: &str = "tests/data/firmware";
/// The pairs of a corpus that are for processors like these.
const PAIRS: [&str; 5] = ["simba-sam3x", "mpy-microbit-dot", "mpy-microbit", "mpy-stm32f4", "st7789-esp32c3"];
/// Longest run of the emulator.
const PATIENCE: Duration = Duration::from_secs(300);
/// Instructions that the core of the time split does each second.
const CORE_SPEED: f64 = 100e6;
/// Octets that its flash takes each second.
const FLASH_SPEED: f64 = 100.0 * 1024.0;

/// Limits in `instructions.toml`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    decoder: f64,
    applier: f64,
    stack: f64,
}

/// An update to count.
struct Pair {
    name: String,
    /// Old image, new image, package behind a head of four words, as the program takes them.
    file: PathBuf,
}

/// What the program printed.
struct Counts(BTreeMap<String, f64>);

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let targets =
        || Target::ALL.into_iter().filter(|target| options.target.is_none_or(|only| only == *target));
    for target in targets() {
        if let Some(missing) = missing_emulator(target) {
            bail!("{missing}");
        }
    }
    let folder = places::bare_target_dir()?.join("instructions");
    std::fs::create_dir_all(&folder)?;
    let pairs = pairs(options, &folder)?;
    let limits = limits()?;
    let mut faults = Vec::new();
    println!(
        "instructions per octet of the new image   pair                 octets  decoder   verify    apply   hash  \
         signature    stack  core s  flash s"
    );
    for target in targets() {
        let program = build(target, &options.level)?;
        for (at, pair) in pairs.iter().enumerate() {
            let counts = Counts::parse(&emulate(target, &program, &pair.file)?)
                .with_context(|| format!("{} on {}", pair.name, target.triple()))?;
            print_row(target, &pair.name, &counts)?;
            if at == 0 {
                print_license(target, &counts)?;
            }
            if at == 0 && options.level == SHIPPED {
                let limits = limits.get(target.triple()).context("no limits in instructions.toml")?;
                faults.extend(counts.over(limits, target.triple())?);
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("; ")) }
}

/// Says which emulator is missing, if one is.
pub(crate) fn missing_emulator(target: Target) -> Option<String> {
    let (emulator, package) = emulator(target);
    let there = Command::new(emulator).arg("--version").stdout(Stdio::null()).status().is_ok();
    (!there).then(|| format!("{emulator} is not installed; on Debian: apt-get install {package}"))
}

const fn emulator(target: Target) -> (&'static str, &'static str) {
    match target {
        Target::Riscv32imc => ("qemu-system-riscv32", "qemu-system-misc"),
        Target::Thumbv7em => ("qemu-system-arm", "qemu-system-arm"),
    }
}

fn limits() -> Result<BTreeMap<String, Limits>> {
    let path = places::root().join("tests/xtask/instructions.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    toml::from_str(&text).context("instructions.toml")
}

fn build(target: Target, opt_level: &str) -> Result<PathBuf> {
    let build = Build { package: PACKAGE, opt_level, ..Build::default() };
    match Toolchain::find(target)?.build(&build)? {
        Ok(elf) => Ok(elf),
        Err(messages) => bail!("the program does not build:\n{messages}"),
    }
}

/// The committed pair, then those of the corpus that are there.
fn pairs(options: &Options, folder: &Path) -> Result<Vec<Pair>> {
    let firmware = places::root().join(FIRMWARE);
    let mut pairs = vec![pair("firmware", &firmware.join("v1.bin"), &firmware.join("v2.bin"), folder)?];
    let Some(corpus) = &options.corpus else { return Ok(pairs) };
    for name in PAIRS {
        let [old, new] = ["old.bin", "new.bin"].map(|file| corpus.join(name).join(file));
        if old.is_file() && new.is_file() {
            pairs.push(pair(name, &old, &new, folder)?);
        } else {
            eprintln!("skipped: no pair {name} in {}", corpus.display());
        }
    }
    Ok(pairs)
}

/// Makes the package, and the file that the program takes.
fn pair(name: &str, old: &Path, new: &Path, folder: &Path) -> Result<Pair> {
    let package = folder.join(name).with_extension("kdg");
    let status = places::cargo()
        .args(["run", "--quiet", "--release", "--package", "kedge", "--", "delta", "create"])
        .args([old, new])
        .arg("-o")
        .arg(&package)
        .args(["--ram", "16KiB"])
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "no package could be made of {name}");
    let [old, new, package] =
        [old, new, &package].map(|path| std::fs::read(path).with_context(|| format!("{}", path.display())));
    let (old, new, package) = (old?, new?, package?);
    let mut octets = Vec::new();
    for word in [old.len(), package.len(), old.len().max(new.len()), 0] {
        octets.extend(u32::try_from(word)?.to_le_bytes());
    }
    octets.extend(old);
    octets.extend(package);
    let file = folder.join(name).with_extension("update");
    std::fs::write(&file, octets)?;
    Ok(Pair { name: name.to_owned(), file })
}

/// Runs the program; what it said.
fn emulate(target: Target, program: &Path, update: &Path) -> Result<String> {
    let (board, boot): (&[&str], _) = match target {
        Target::Riscv32imc => (&["-M", "virt", "-cpu", "rv32,a=off,f=off,d=off", "-m", "32M"], "-bios"),
        Target::Thumbv7em => (&["-M", "mps2-an386"], "-kernel"),
    };
    // where the program looks for it: `LOADED` of its boards
    let at = match target {
        Target::Riscv32imc => "0x80400000",
        Target::Thumbv7em => "0x21000000",
    };
    let mut child = Command::new(emulator(target).0)
        .args(board)
        .args(["-icount", "shift=0", "-display", "none", "-monitor", "none", "-serial", "none"])
        .args(["-semihosting-config", "enable=on,target=native", "-device"])
        .arg(format!("loader,file={},addr={at},force-raw=on", update.display()))
        .arg(boot)
        .arg(program)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context(emulator(target).0)?;
    let end = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() > end {
            child.kill()?;
            child.wait()?;
            bail!("no end after {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "the update failed: {text}");
    Ok(text)
}

impl Counts {
    /// Reads a line of `name=value` pairs.
    fn parse(text: &str) -> Result<Self> {
        let pairs = text.split_whitespace().map(|pair| {
            let (name, value) = pair.split_once('=').with_context(|| format!("not a count: {pair}"))?;
            Ok((name.to_owned(), value.parse()?))
        });
        Ok(Self(pairs.collect::<Result<_>>()?))
    }

    fn get(&self, name: &str) -> Result<f64> {
        self.0.get(name).copied().with_context(|| format!("{name} was not counted"))
    }

    /// Instructions per octet of the new image.
    fn per_octet(&self, name: &str) -> Result<f64> {
        Ok(self.get(name)? / self.get("octets")?.max(1.0))
    }

    /// The deepest use of the stack.
    fn stack(&self) -> Result<f64> {
        Ok(self.get("stack_verify")?.max(self.get("stack_apply")?))
    }

    /// What exceeds the limits.
    fn over(&self, limits: &Limits, place: &str) -> Result<Vec<String>> {
        let rows = [
            ("instructions per octet in the decoder", self.per_octet("decoder")?, limits.decoder),
            ("instructions per octet after the first erase", self.per_octet("apply")?, limits.applier),
            ("octets of stack", self.stack()?, limits.stack),
        ];
        let over = rows.into_iter().filter(|(_, counted, limit)| counted > limit);
        Ok(over
            .map(|(what, counted, limit)| format!("{place}: {counted:.0} {what}, limit {limit:.0}"))
            .collect())
    }

    /// Seconds of the core, and of the flash.
    fn seconds(&self) -> Result<(f64, f64)> {
        let mut instructions = 0.0;
        for name in ["verify", "apply", "check", "hash", "signature"] {
            instructions += self.get(name)?;
        }
        Ok((instructions / CORE_SPEED, self.get("written")? / FLASH_SPEED))
    }
}

fn print_row(target: Target, name: &str, counts: &Counts) -> Result<()> {
    let (core, flash) = counts.seconds()?;
    println!(
        "{:<41} {name:<18} {:>8} {:>8.0} {:>8.0} {:>8.0} {:>6.0} {:>10.0} {:>4}/{:<5} {core:>6.1} {flash:>8.1}",
        target.triple(),
        counts.get("octets")?,
        counts.per_octet("decoder")?,
        counts.per_octet("verify")?,
        counts.per_octet("apply")?,
        counts.per_octet("hash")?,
        counts.per_octet("signature")?,
        counts.get("stack_verify")?,
        counts.get("stack_apply")?,
    );
    Ok(())
}

/// What a start with a license takes.
fn print_license(target: Target, counts: &Counts) -> Result<()> {
    println!(
        "{:<41} license: {:.0} instructions to boot and {:.0} of cryptography, {:.0} for the verdict, {:.0} octets of stack",
        target.triple(),
        counts.get("license_boot")?,
        counts.get("license_cryptography")?,
        counts.get("license_verdict")?,
        counts.get("license_stack")?,
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "octets=1000 decoder=2000 verify=1500 apply=3000 check=500 hash=100000 signature=1000000 \
                        read=1 written=204800 erased=4096 stack_verify=900 stack_apply=1200";

    #[test]
    fn counts_are_read_and_held_against_limits() {
        let counts = Counts::parse(LINE).unwrap();
        let limits = |decoder, applier, stack| Limits { decoder, applier, stack };
        assert!(counts.over(&limits(2.0, 3.0, 1200.0), "x").unwrap().is_empty());
        let faults = counts.over(&limits(1.9, 2.9, 1199.0), "x").unwrap();
        assert_eq!(faults.len(), 3);
        assert_eq!(faults[0], "x: 2 instructions per octet in the decoder, limit 2");
    }

    #[test]
    fn the_time_split_counts_everything_the_core_does() {
        let (core, flash) = Counts::parse(LINE).unwrap().seconds().unwrap();
        assert!((core - 1_105_000.0 / 100e6).abs() < 1e-9, "{core}");
        assert!((flash - 2.0).abs() < 1e-9, "{flash}");
    }

    #[test]
    fn what_is_no_count_is_refused() {
        assert!(Counts::parse("failed").is_err());
        assert!(Counts::parse("octets=x").is_err());
        assert!(Counts::parse("octets=1").unwrap().get("decoder").is_err());
    }

    #[test]
    fn every_processor_has_limits() {
        let limits = limits().unwrap();
        assert!(Target::ALL.iter().all(|target| limits.contains_key(target.triple())));
    }
}
