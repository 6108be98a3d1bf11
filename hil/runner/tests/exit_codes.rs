//! The runner's exit codes, with programs in the emulator's place. 0, that all passed, is what `cargo xtask hil` itself shows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    /// With firmware files of a few octets, and a program named like the emulator that does `script`, if there is one.
    fn new(name: &str, script: Option<&str>) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exit-codes").join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(folder.join("bin")).unwrap();
        for file in ["boot.bin", "v1.bin", "v2.bin"] {
            // images that a package can be made of
            fs::write(folder.join(file), file.repeat(2000)).unwrap();
        }
        if let Some(script) = script {
            let program = folder.join("bin/qemu-system-riscv32");
            fs::write(&program, format!("#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kedge-hil"));
        for (option, file) in
            [("--boot", "boot.bin"), ("--old", "v1.bin"), ("--new", "v2.bin"), ("--folder", "board")]
        {
            command.arg(option).arg(self.0.join(file));
        }
        let path = format!("{}:/bin:/usr/bin", self.0.join("bin").display());
        // without the stand-in there is no emulator, whatever this machine has
        let path = if self.0.join("bin/qemu-system-riscv32").exists() { path } else { String::new() };
        command.args(arguments).env("PATH", path).output().unwrap()
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn one_is_a_scenario_that_failed() {
    let output = Folder::new("failed", Some("echo 'exit Failed'; exec cat")).run(&["one-button"]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("one-button: FAILED: the firmware gave up"), "{told}");
}

#[test]
fn one_is_also_a_board_that_went_off() {
    let output = Folder::new("off", Some("echo 'boot: no whole image'")).run(&["one-button"]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("the board went off by itself"), "{told}");
}

#[test]
fn two_is_what_cannot_be_played_as_asked() {
    let folder = Folder::new("script", Some("exec cat"));
    for arguments in
        [&["no-such-flow"][..], &["one-button/link-lost"], &["--cuts", "many"], &["--replay", "1", "x.toml"]]
    {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", told(&output));
    }
    let missing = folder.run(&["--boot", "/nowhere/boot.bin"]);
    assert_eq!(missing.status.code(), Some(2), "{}", told(&missing));
}

#[test]
fn three_is_a_board_that_is_not_there() {
    let output = Folder::new("unreachable", None).run(&["one-button"]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("qemu-system-riscv32 is not installed"), "{told}");
}

#[test]
fn four_is_a_board_that_fell_silent() {
    let output = Folder::new("silent", Some("echo 'kedge firmware 1.0 (kedge-virt)'; exec cat")).run(&[
        "one-button",
        "--patience",
        "1",
    ]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("the board is silent, last heard: kedge firmware 1.0"), "{told}");
}
