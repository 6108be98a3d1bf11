//! What goes wrong outside: full disks, files that cannot be written, sockets that are taken, signals, nonsense.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use kedge_agentd::protocol::{Doing, LINE_MAX};
use kedge_network::AccountState;
use rustix::process::{Resource, Rlimit, Signal, prlimit};

use crate::field::Field;

/// Lets the service write files of at most so many octets from now on.
fn limit(field: &Field, octets: Option<u64>) {
    let limit = Rlimit { current: octets, maximum: None };
    prlimit(Some(field.pid()), Resource::Fsize, limit).unwrap();
}

#[test]
fn writes_that_fail_are_trouble_and_nothing_is_lost_by_them() {
    let mut field = Field::new("limit", "ask");
    field.start();
    field.until("idle", |_, status| status.is_some_and(|s| s.doing == Doing::Idle));
    let before = fs::read(field.folder.join("state")).unwrap();
    limit(&field, Some(0));
    field.tell("activate");
    field.until("trouble", |_, status| status.is_some_and(|s| s.doing == Doing::InTrouble));
    let trouble = field.status().unwrap().trouble.unwrap();
    assert!(trouble.contains("System(27)"), "{trouble}");
    assert_eq!(fs::read(field.folder.join("state")).unwrap(), before, "nothing was half written");
    // the disk is back: an order ends the wait, and the press counts
    limit(&field, None);
    field.tell("activate");
    field.until("activation", |_, status| {
        status.is_some_and(|s| s.activation.registered && s.doing == Doing::Idle)
    });
    field.attend();
    assert_eq!(field.account(), AccountState::Activated);
    field.assert_lawful();
}

#[test]
fn a_disk_without_room_is_noticed_at_the_start_and_leaves_nothing_half_made() {
    let mut field = Field::new("full", "ask");
    field.start();
    field.until("listening", |_, status| status.is_some());
    field.kill();
    for file in ["package", "state"] {
        fs::remove_file(field.folder.join(file)).unwrap();
        // the limit is there before the program starts: a quarter of what the state takes
        let config = field.folder.join("agentd.toml");
        let script = "ulimit -f 80 && exec \"$0\" --config \"$1\"";
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_kedge-agentd")])
            .arg(&config)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(&format!("{file} file ")) && told.contains("File too large"), "{told}");
        assert!(!field.folder.join(file).exists(), "{file} is not there before it is whole");
    }
    field.start();
    field.until("idle", |_, status| status.is_some_and(|s| s.doing == Doing::Idle));
}

#[test]
fn what_cannot_be_written_at_all_is_told_by_name() {
    let mut field = Field::new("read-only", "ask");
    // nobody, not even root, makes files there
    let text = field
        .read("agentd.toml")
        .replace(&format!("directory = \"{}\"", field.folder.display()), "directory = \"/proc/self\"");
    fs::write(field.folder.join("agentd.toml"), text).unwrap();
    field.start();
    assert_eq!(field.ended().code(), Some(1));
    assert!(field.read("log").contains("state file /proc/self/state: "), "{}", field.read("log"));
}

#[test]
fn signals_stop_it_at_once_also_in_a_session_and_leave_no_socket() {
    for (signal, busy) in [(Signal::TERM, false), (Signal::INT, false), (Signal::TERM, true)] {
        let mut field = Field::new("signals", "ask");
        field.start();
        field.until("idle", |_, status| status.is_some_and(|s| s.doing == Doing::Idle));
        if busy {
            // the server does not answer while somebody holds the operator
            let operator = std::sync::Arc::clone(&field.network.operator);
            let held = operator.lock().unwrap();
            field.tell("activate");
            field.until("session", |_, status| status.is_some_and(|s| s.doing == Doing::Session));
            assert_eq!(field.signal(signal), Some(0), "{}", field.read("log"));
            drop(held);
        } else {
            assert_eq!(field.signal(signal), Some(0), "{}", field.read("log"));
        }
        assert!(!field.folder.join("sock").exists());
        assert!(field.read("log").ends_with("kedge-agentd: stopped: signal\n"), "{}", field.read("log"));
    }
}

#[test]
fn one_machine_has_one_service() {
    let mut field = Field::new("twice", "ask");
    field.start();
    field.until("idle", |_, status| status.is_some_and(|s| s.doing == Doing::Idle));
    let second = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kedge-agentd"));
        let output = command.arg("--config").arg(field.folder.join("agentd.toml")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = second();
    assert_eq!(code, Some(1));
    assert!(told.contains("state: another process has it open"), "{told}");
    // another state, but the same socket
    let other = field.folder.join("other");
    fs::create_dir(&other).unwrap();
    let folder = field.folder.display();
    let text = field.read("agentd.toml");
    let text = text.replace(&format!("directory = \"{folder}\""), &format!("directory = \"{folder}/other\""));
    let (begin, _) = text.split_once("[update]").unwrap();
    let (_, end) = text.split_once("[control]").unwrap();
    fs::write(field.folder.join("agentd.toml"), format!("{begin}[control]{end}")).unwrap();
    let (code, told) = second();
    assert_eq!(code, Some(1));
    assert!(told.contains("sock: another service listens there"), "{told}");
    field.tell("stop");
    assert_eq!(field.ended().code(), Some(0));
    // what a killed service left behind is no obstacle
    field.start();
    field.until("idle", |_, status| status.is_some_and(|s| s.doing == Doing::Idle));
    field.kill();
    assert!(field.folder.join("sock").exists());
    field.start();
    field.until("idle", |_, status| status.is_some_and(|s| s.doing == Doing::Idle));
}

#[test]
fn nonsense_on_the_socket_is_answered_or_shut_out() {
    let mut field = Field::new("nonsense", "ask");
    field.start();
    field.until("idle", |_, status| status.is_some_and(|s| s.doing == Doing::Idle));
    let connect = || UnixStream::connect(field.folder.join("sock")).unwrap();
    let mut stream = connect();
    stream.write_all(b"{\"do\":\"status\"}\n\xFF\xFE\n{\"do\":\"fly\"}\n{\"do\":\"sta").unwrap();
    stream.write_all(b"tus\"}\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    let replies: Vec<_> = told.lines().map(|line| line.starts_with("{\"ok\":true")).collect();
    assert_eq!(replies, [true, false, false, true], "{told}");
    let mut stream = connect();
    told.clear();
    // the rest of the line may meet a closed socket
    let _ = stream.write_all(&vec![b'x'; LINE_MAX + 512]);
    let _ = stream.read_to_string(&mut told);
    assert!(told.is_empty() || told.contains("the line is too long"), "{told}");
    // more connections than it keeps: the oldest goes, the newest is heard
    let crowd: Vec<_> = (0..20).map(|_| connect()).collect();
    field.until("still heard", |_, status| status.is_some());
    drop(crowd);
    let output = field.kedgectl(&["fly"]);
    assert_eq!(output.status.code(), Some(2));
    field.kill();
    let output = field.kedgectl(&["status"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("fix: start it"));
}
