//! `cargo xtask firmware`: the two releases of the bare-metal firmware, as images under `tests/data/firmware`.
//!
//! The images are test data: a firmware pair as a real release makes it. Beside them stands what they were made from and
//! with: digests of the images and of the sources, and the toolchain. `--check` builds again and compares. The same
//! sources and toolchain must give the same octets; with others there is nothing to compare, and it says so.

use crate::elf;
use crate::places;
use crate::target::{Build, Target, Toolchain};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What to do with the images.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Compare with the committed images, and change nothing
    #[arg(long)]
    check: bool,
}

/// The package of the firmware, below the root.
const PACKAGE: &str = "hil/firmware";
/// The package of the boot stage.
const BOOT: &str = "hil/boot";
/// The package of the Cortex-M board, boot stage and images.
const CORTEXM: &str = "hil/cortexm";
/// Where the images are.
const FOLDER: &str = "tests/data/firmware";
/// What they were made from and with.
const RECORD: &str = "made.toml";

/// A release of the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// The one that is installed.
    V1,
    /// The update.
    V2,
}

impl Release {
    /// Both, in order.
    pub(crate) const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// Its name in file names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }

    const fn features(self) -> &'static [&'static str] {
        match self {
            Self::V1 => &[],
            Self::V2 => &["v2"],
        }
    }
}

/// A release, built.
#[derive(Debug)]
pub(crate) struct Built {
    /// The octets that are programmed into flash.
    pub(crate) image: Vec<u8>,
    /// Its sources, relative to the root.
    sources: BTreeSet<PathBuf>,
}

/// What the images were made from and with.
#[derive(Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Record {
    toolchain: String,
    sources: String,
    folder: String,
    v1: String,
    v2: String,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let built = [build(Release::V1)?, build(Release::V2)?];
    let made = record(&built)?;
    let folder = places::root().join(FOLDER);
    if options.check {
        return check(&folder, &built, &made);
    }
    std::fs::create_dir_all(&folder)?;
    for (release, built) in Release::ALL.iter().zip(&built) {
        let path = folder.join(release.name()).with_extension("bin");
        std::fs::write(&path, &built.image).with_context(|| format!("{}", path.display()))?;
        println!("{FOLDER}/{}.bin: {} octets", release.name(), built.image.len());
    }
    std::fs::write(folder.join(RECORD), toml::to_string(&made)?)?;
    Ok(())
}

/// Builds a release.
pub(crate) fn build(release: Release) -> Result<Built> {
    let toolchain = Toolchain::find(Target::Riscv32imc)?;
    let build = Build { package: PACKAGE, features: release.features(), opt_level: "s", ..Build::default() };
    let elf = match toolchain.build(&build)? {
        Ok(elf) => elf,
        Err(messages) => bail!("the firmware does not build:\n{messages}"),
    };
    Ok(Built { image: elf::image(&elf)?, sources: sources(&elf.with_extension("d"))? })
}

/// Builds the boot stage: what is programmed into the board's first flash bank.
pub(crate) fn boot_stage() -> Result<Vec<u8>> {
    let build = Build { package: BOOT, opt_level: "s", ..Build::default() };
    match Toolchain::find(Target::Riscv32imc)?.build(&build)? {
        Ok(elf) => elf::image(&elf),
        Err(messages) => bail!("the boot stage does not build:\n{messages}"),
    }
}

/// Builds the program of the Cortex-M board that these features make of it: its octets from where it is linked to.
pub(crate) fn cortexm(features: &[&str]) -> Result<Vec<u8>> {
    let build = Build { package: CORTEXM, features, opt_level: "s", ..Build::default() };
    match Toolchain::find(Target::Thumbv7em)?.build(&build)? {
        Ok(elf) => elf::image(&elf),
        Err(messages) => bail!("the program of the Cortex-M board does not build:\n{messages}"),
    }
}

/// The files that cargo lists as sources; what a build makes for itself is left out.
fn sources(dep_info: &Path) -> Result<BTreeSet<PathBuf>> {
    let text = std::fs::read_to_string(dep_info).with_context(|| format!("{}", dep_info.display()))?;
    let (_, list) = text.split_once(": ").context("dependency file without a list")?;
    let files = list.split_whitespace().filter_map(|file| Path::new(file).strip_prefix(places::root()).ok());
    let target = places::bare_target_dir()?;
    let own = files.filter(|file| !places::root().join(file).starts_with(&target)).map(Path::to_path_buf);
    Ok(own.chain([Path::new(PACKAGE).join("Cargo.lock")]).collect())
}

fn record(built: &[Built; 2]) -> Result<Record> {
    let mut sources = Sha256::new();
    for file in built.iter().flat_map(|built| &built.sources).collect::<BTreeSet<_>>() {
        let content =
            std::fs::read(places::root().join(file)).with_context(|| format!("{}", file.display()))?;
        sources.update(format!("{}\n", file.display()));
        sources.update(Sha256::digest(content));
    }
    let [v1, v2] = built.each_ref().map(|built| hex(&Sha256::digest(&built.image)));
    let toolchain = Toolchain::find(Target::Riscv32imc)?.describe()?;
    let mut folder = hex(&Sha256::digest(places::root().as_os_str().as_encoded_bytes()));
    folder.truncate(16);
    Ok(Record { toolchain, sources: hex(&sources.finalize()), folder, v1, v2 })
}

fn check(folder: &Path, built: &[Built; 2], made: &Record) -> Result<()> {
    let text = std::fs::read_to_string(folder.join(RECORD)).with_context(|| format!("{FOLDER}/{RECORD}"))?;
    let committed: Record = toml::from_str(&text).with_context(|| format!("{FOLDER}/{RECORD}"))?;
    for (release, digest) in Release::ALL.iter().zip([&committed.v1, &committed.v2]) {
        let image = std::fs::read(folder.join(release.name()).with_extension("bin"))?;
        if hex(&Sha256::digest(&image)) != *digest {
            bail!("{FOLDER}/{}.bin is not the image that {RECORD} tells of", release.name());
        }
    }
    if committed.toolchain != made.toolchain {
        println!(
            "not compared: the images were made with {}; here is {}",
            committed.toolchain, made.toolchain
        );
    } else if committed.sources != made.sources {
        println!("not compared: the sources have changed since the images were made");
    } else if committed.folder != made.folder {
        println!("not compared: the images were made in another folder");
    } else if committed != *made {
        bail!("the same sources and toolchain gave other images: the build is not reproducible");
    } else {
        let [v1, v2] = built.each_ref().map(|built| built.image.len());
        println!("firmware: both images rebuilt octet by octet ({v1} and {v2})");
    }
    Ok(())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        _ = write!(text, "{octet:02x}"); // writing to a String cannot fail
        text
    })
}
