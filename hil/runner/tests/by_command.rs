//! A board that is reached by commands, with stand-ins for all of them: the power switch, the console, the flash.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of a test's own, with firmware files that a package can be made of, and programs.
fn folder(name: &str, programs: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("by-command").join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(folder.join("bin")).unwrap();
    for file in ["boot.bin", "v1.bin", "v2.bin"] {
        fs::write(folder.join(file), file.repeat(2000)).unwrap();
    }
    for (program, script) in programs {
        let path = folder.join("bin").join(program);
        fs::write(&path, format!("#!/bin/sh\ncd '{}'\n{script}\n", folder.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kedge-hil"));
    command.args(["one-button", "--board", "by-command"]);
    for (option, file) in
        [("--boot", "boot.bin"), ("--old", "v1.bin"), ("--new", "v2.bin"), ("--folder", "board")]
    {
        command.arg(option).arg(folder.join(file));
    }
    let path = format!("{}:/bin:/usr/bin", folder.join("bin").display());
    let Output { status, stdout, stderr } = command.args(arguments).env("PATH", path).output().unwrap();
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

const SWITCH: (&str, &str) = ("uhubctl", "echo switch \"$@\" >>calls");
const FLASHER: (&str, &str) = ("flasher", "echo flash $1 >>calls; [ $1 = write ] && cp \"$2\" chip");
const CONSOLE: (&str, &str) =
    ("terminal", "echo console \"$KEDGE_STRAPS\" >>calls; echo 'exit Failed'; exec cat");
const PROGRAMS: [&str; 4] = ["--console", "terminal", "--flasher", "flasher"];

#[test]
fn the_power_is_off_while_the_flash_is_written_and_in_the_end() {
    let folder = folder("usb-hub", &[SWITCH, FLASHER, CONSOLE]);
    let (code, told) = run(&folder, &[&PROGRAMS[..], &["--usb-hub", "1-1.4:2"]].concat());
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("one-button: FAILED: the firmware gave up"), "{told}");
    let calls = fs::read_to_string(folder.join("calls")).unwrap();
    let mut calls: Vec<_> = calls.lines().collect();
    // the console is listened to before the power is on, at the same time
    let console = calls.iter().position(|call| call.starts_with("console")).expect("a console");
    assert!(calls[console].contains("hardware=") && calls[console].contains("http="), "{calls:?}");
    calls.remove(console);
    let [on, off] = ["on", "off"].map(|what| format!("switch -l 1-1.4 -p 2 -a {what}"));
    assert_eq!(calls[..4], [&off[..], "flash write", &on, &off], "{calls:?}");
    assert_eq!(calls.last(), Some(&&off[..]), "{calls:?}");
    assert!(fs::read(folder.join("chip")).unwrap().starts_with(&fs::read(folder.join("v1.bin")).unwrap()));
}

#[test]
fn a_relay_is_switched_by_its_commands() {
    let folder = folder("relay", &[FLASHER, CONSOLE]);
    let calls = folder.join("calls").display().to_string();
    let (on, off) = (format!("echo relay on >>'{calls}'"), format!("echo relay off >>'{calls}'"));
    let (code, told) = run(&folder, &[&PROGRAMS[..], &["--relay-on", &on, "--relay-off", &off]].concat());
    assert_eq!(code, Some(1), "{told}");
    let calls = fs::read_to_string(calls).unwrap();
    let relay: Vec<_> = calls.lines().filter_map(|call| call.strip_prefix("relay ")).collect();
    assert_eq!(relay[..3], ["off", "on", "off"], "{calls}");
}

#[test]
fn what_does_not_obey_is_not_reachable() {
    let broken = ("uhubctl", "exit 1");
    let told = |code: Option<i32>, told: String| {
        assert_eq!(code, Some(3), "{told}");
        told
    };
    let hub = [&PROGRAMS[..], &["--usb-hub", "1-1:2"]].concat();
    let (code, said) = run(&folder("broken-switch", &[broken, FLASHER, CONSOLE]), &hub);
    assert!(told(code, said).contains("\"uhubctl\" \"-l\" \"1-1\""));
    let (code, said) = run(&folder("broken-flasher", &[SWITCH, ("flasher", "exit 1"), CONSOLE]), &hub);
    assert!(told(code, said).contains("flasher write"));
}

#[test]
fn what_is_missing_is_named() {
    let folder = folder("missing", &[SWITCH, FLASHER, CONSOLE]);
    for (arguments, what) in [
        (&["--usb-hub", "1-1:2"][..], "--console"),
        (&["--usb-hub", "nowhere"], "LOCATION:PORT"),
        (&["--relay-on", "true"], "--relay-off"),
    ] {
        let (code, told) = run(&folder, arguments);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(what), "{told}");
    }
}
