//! Which compiler, which flags, which linker: the only place that knows how bare-metal code is built here.
//!
//! Two ways, tried in this order for each target:
//!
//! 1. Debian's compiler for bare metal, `rustc-web` with the library sources of `rust-web-src`: the core library is
//!    built along (`-Z build-std`), and Debian's `ld.lld` (package `lld`) links;
//! 2. the active toolchain, if it has the target installed (`rustup target add ...`).
//!
//! Sizes depend on which of them it is: a precompiled core library brings `memcpy` and `memset` made for speed, some 700
//! octets in every part that uses them. What continuous integration has comes first, so that its budgets hold here too.

use crate::places;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian puts its compiler.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What Debian's way needs.
pub(crate) const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "lld"];

/// The processors the core is proven and measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Target {
    /// RV32IMC without an operating system: the class of an ESP32-C3
    Riscv32imc,
    /// ARMv7E-M with an FPU, without an operating system: Cortex-M4F and M7
    Thumbv7em,
}

impl Target {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Riscv32imc, Self::Thumbv7em];

    /// The name rustc knows it by.
    pub(crate) const fn triple(self) -> &'static str {
        match self {
            Self::Riscv32imc => "riscv32imc-unknown-none-elf",
            Self::Thumbv7em => "thumbv7em-none-eabihf",
        }
    }
}

/// How to build for one target.
#[derive(Debug)]
pub(crate) struct Toolchain {
    target: Target,
    rustc: PathBuf,
    /// Build the core library along, and link with this.
    debian: Option<PathBuf>,
}

/// One build of one package.
#[derive(Debug, Default)]
pub(crate) struct Build<'a> {
    /// The folder of the package's own workspace, below the root.
    pub(crate) package: &'a str,
    /// Its features.
    pub(crate) features: &'a [&'a str],
    /// `s`, `z`, `3`.
    pub(crate) opt_level: &'a str,
    /// More arguments for the linker.
    pub(crate) link_args: &'a [String],
    /// Record the stack frame of each function in section `.stack_sizes`.
    pub(crate) stack_sizes: bool,
}

impl Toolchain {
    /// The way that works on this machine.
    pub(crate) fn find(target: Target) -> Result<Self> {
        let debian = PathBuf::from(DEBIAN_RUSTC);
        if let (Some(linker), true) = (find_lld(), has_library_source(&debian)) {
            return Ok(Self { target, rustc: debian, debian: Some(linker) });
        }
        let active = PathBuf::from(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        if has_target(&active, target) {
            return Ok(Self { target, rustc: active, debian: None });
        }
        bail!(
            "nothing here builds for {0}. Either `rustup target add {0}`, or on Debian `apt-get install {1}`",
            target.triple(),
            DEBIAN_PACKAGES.join(" ")
        )
    }

    /// Names and versions of compiler and linker, for reports.
    pub(crate) fn describe(&self) -> Result<String> {
        let rustc = output_of(Command::new(&self.rustc).arg("--version"))?;
        let how = match &self.debian {
            Some(linker) => {
                format!("core library built along, {}", output_of(Command::new(linker).arg("--version"))?)
            }
            None => "target installed".to_owned(),
        };
        Ok(format!("{}, {}", rustc.trim(), how.trim()))
    }

    /// Builds a program; its path, or the compiler's messages.
    pub(crate) fn build(&self, build: &Build<'_>) -> Result<Result<PathBuf, String>> {
        let target_dir = places::bare_target_dir()?;
        let mut command = self.cargo("rustc", &target_dir, &rust_flags(build));
        command
            .current_dir(places::root().join(build.package))
            .args(["--features", &build.features.join(",")])
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", build.opt_level);
        command.arg("--").args(build.link_args.iter().map(|arg| format!("-Clink-arg={arg}")));
        let name = Path::new(build.package).file_name().context("package folder without a name")?;
        let program = target_dir.join(self.target.triple()).join("release").join(name);
        Ok(messages(&mut command)?.map_or(Ok(program), Err))
    }

    /// Compiles a library of the workspace with all its features as far as there can be faults, without machine code; or the
    /// compiler's messages.
    pub(crate) fn check_library(&self, package: &str) -> Result<Result<(), String>> {
        let mut command = self.cargo("check", &places::bare_target_dir()?, &[]);
        command.args(["--lib", "--all-features", "--package", package]);
        Ok(messages(&mut command)?.map_or(Ok(()), Err))
    }

    /// Builds a library of the workspace as an archive for C linkers, for size; the folder it is in, or the compiler's messages.
    pub(crate) fn build_static(&self, package: &str) -> Result<Result<PathBuf, String>> {
        let target_dir = places::bare_target_dir()?;
        let mut command = self.cargo("rustc", &target_dir, &rust_flags(&Build::default()));
        command.args(["--lib", "--package", package, "--crate-type", "staticlib"]);
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s").env("CARGO_PROFILE_RELEASE_LTO", "fat");
        let folder = target_dir.join(self.target.triple()).join("release");
        Ok(messages(&mut command)?.map_or(Ok(folder), Err))
    }

    /// A cargo that builds for the target.
    fn cargo(&self, command: &str, target_dir: &Path, flags: &[String]) -> Command {
        let triple = self.target.triple();
        let mut cargo = places::cargo();
        cargo
            .args([command, "--release", "--color", "never", "--target", triple])
            .env("RUSTC", &self.rustc)
            .env("CARGO_TARGET_DIR", target_dir)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env_remove("RUSTFLAGS");
        if self.debian.is_some() || flags.iter().any(|flag| flag.starts_with("-Z")) {
            // -Z options on a stable compiler; the code itself uses no unstable feature
            cargo.env("RUSTC_BOOTSTRAP", "1");
        }
        if let Some(linker) = &self.debian {
            cargo.args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"]);
            cargo.env(format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace('-', "_")), linker);
        }
        cargo
    }
}

/// Runs a build; the compiler's messages if it failed.
fn messages(command: &mut Command) -> Result<Option<String>> {
    let output = command.output().context("cargo")?;
    Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Flags for every crate of a build; machine paths are mapped away, so that images do not depend on them.
fn rust_flags(build: &Build<'_>) -> Vec<String> {
    let mut flags = vec![format!("--remap-path-prefix={}=kedge", places::root().display())];
    // SHA-2 without unrolled rounds, as a device without an accelerator wants it (crate kedge-platform-crypto)
    flags.extend(["--cfg".to_owned(), "sha2_backend_soft=\"compact\"".to_owned()]);
    if let Some(home) = cargo_home() {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
    }
    if build.stack_sizes {
        flags.push("-Zemit-stack-sizes".to_owned());
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
}

fn has_target(rustc: &Path, target: Target) -> bool {
    output_of(Command::new(rustc).args(["--print", "target-libdir", "--target", target.triple()]))
        .is_ok_and(|dir| Path::new(dir.trim()).is_dir())
}

fn has_library_source(rustc: &Path) -> bool {
    output_of(Command::new(rustc).args(["--print", "sysroot"]))
        .is_ok_and(|dir| Path::new(dir.trim()).join("lib/rustlib/src/rust/library/core").is_dir())
}

fn find_lld() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join("ld.lld")).find(|file| file.is_file())
}

fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{} failed", command.get_program().display());
    }
    String::from_utf8(output.stdout).context("output is not text")
}
