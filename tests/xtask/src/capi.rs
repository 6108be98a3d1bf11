//! `cargo xtask capi`: the C header from the crate, and the static libraries for C projects.

use crate::places;
use crate::target::{Target, Toolchain};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// What to make.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Only compare the header with the crate
    #[arg(long)]
    check: bool,
    /// Make the static library too, for the host or for a processor
    #[arg(long, value_name = "host | TRIPLE")]
    library: Option<String>,
    /// Run the example for a board without an operating system on an emulated Cortex-M4
    #[arg(long)]
    board: bool,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    header(options.check)?;
    if let Some(target) = &options.library {
        println!("{}", library(target)?.display());
    }
    if options.board {
        board()?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    places::root().join("agent/capi")
}

/// Writes the header, or compares it.
fn header(check: bool) -> Result<()> {
    let folder = folder();
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).map_err(anyhow::Error::msg)?;
    let mut made = Vec::new();
    // it finds the modules by itself
    let builder = cbindgen::Builder::new().with_config(config).with_src(folder.join("src/lib.rs"));
    builder.generate().context("the header")?.write(&mut made);
    let path = folder.join("include/kedge.h");
    let kept = std::fs::read(&path).unwrap_or_default();
    if kept == made {
        println!("agent/capi/include/kedge.h is up to date, {} octets", made.len());
        return Ok(());
    }
    if check {
        bail!("agent/capi/include/kedge.h is out of date; `cargo xtask capi` makes it");
    }
    std::fs::write(&path, &made).with_context(|| format!("{}", path.display()))?;
    println!("agent/capi/include/kedge.h was made, {} octets", made.len());
    Ok(())
}

/// Makes the static library; where it is.
fn library(target: &str) -> Result<PathBuf> {
    const PACKAGE: &str = "kedge-capi";
    if target == "host" {
        let mut cargo = places::cargo();
        let status =
            cargo.args(["rustc", "--release", "--package", PACKAGE, "--crate-type", "staticlib"]).status()?;
        if !status.success() {
            bail!("the static library does not build");
        }
        return Ok(places::target_dir()?.join("release").join(ARCHIVE));
    }
    let known = Target::ALL.into_iter().find(|known| known.triple() == target);
    let known = known.with_context(|| format!("{target} is neither host nor one of {}", triples()))?;
    match Toolchain::find(known)?.build_static(PACKAGE)? {
        Ok(folder) => Ok(folder.join(ARCHIVE)),
        Err(messages) => bail!("the static library does not build:\n{messages}"),
    }
}

/// What the static library is called.
const ARCHIVE: &str = "libkedge_capi.a";

fn triples() -> String {
    Target::ALL.map(Target::triple).join(", ")
}

/// Builds the bare-metal example and runs it.
fn board() -> Result<()> {
    let archive = library(Target::Thumbv7em.triple())?;
    let (folder, made) = (folder(), places::bare_target_dir()?.join("capi"));
    std::fs::create_dir_all(&made)?;
    let mut objects = Vec::new();
    for name in ["bare", "device"] {
        let object = made.join(name).with_extension("o");
        let mut clang = Command::new("clang");
        clang.args([
            "--target=thumbv7em-none-eabihf",
            "-mcpu=cortex-m4",
            "-mfloat-abi=hard",
            "-ffreestanding",
        ]);
        clang.args([
            "-std=c11",
            "-Os",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-ffunction-sections",
            "-fdata-sections",
            "-c",
        ]);
        clang.arg("-I").arg(folder.join("include")).arg("-o").arg(&object);
        succeed(clang.arg(folder.join("examples").join(name).with_extension("c")))?;
        objects.push(object);
    }
    let program = made.join("bare.elf");
    let script = folder.join("examples/board.ld");
    let mut lld = Command::new("ld.lld");
    lld.args(["--gc-sections", "-T"]).arg(script).arg("-o").arg(&program).args(objects).arg(archive);
    succeed(&mut lld)?;
    let mut qemu = Command::new("qemu-system-arm");
    qemu.args(["-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(&program);
    succeed(&mut qemu)
}

/// Runs a command, and fails as it does.
fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{name} is not installed"))?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    Ok(())
}
