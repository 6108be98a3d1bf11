//! The time of day jumps at each message of a flow, years forwards or backwards: the flow ends as without, with one report.
//!
//! `cargo test` plays some messages of each flow; the long run, all: `KEDGE_JUMPS=all cargo test -p kedge-agentd --test service
//! clocks`. A library between the service and the system's shifts what the clock shows; it takes a C compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::field::Field;
use crate::relay::{Fate, Relay};

/// Seconds of about ten years.
const TEN_YEARS: i64 = 10 * 365 * 86_400;
/// Every so many messages the clock jumps in the sample.
const STEP: usize = 4;
/// Flows at once.
const AT_ONCE: usize = 4;
/// How long a flow may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The library, made once; none, and why, without a compiler.
fn library(folder: &Path) -> Result<PathBuf, String> {
    fs::create_dir_all(folder).unwrap();
    let library = folder.join("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/clock.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source);
    match compiler.status() {
        Ok(status) => {
            assert!(status.success(), "the library is not made: {status}");
            let shift = folder.join("shift");
            fs::write(&shift, TEN_YEARS.to_string()).unwrap();
            let shifted = shown(&library, &shift) - shown(Path::new(""), &shift);
            assert!(shifted > TEN_YEARS / 2, "the library shifts nothing");
            Ok(library)
        }
        Err(error) => Err(format!("skipped: no C compiler (cc): {error}")),
    }
}

/// What the clock shows behind this library, with the shift in this file.
fn shown(library: &Path, shift: &Path) -> i64 {
    let mut date = Command::new("date");
    let output = date.arg("+%s").env("LD_PRELOAD", library).env("KEDGE_CLOCK", shift).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Plays a flow in which the clock jumps by so many seconds at this message; how many messages there were, at most `message`,
/// and one more if it jumped.
fn play(library: &Path, button: &str, (message, by): (i64, i64), over: fn(&Field) -> bool) -> i64 {
    let shown = library.with_file_name(format!("{button}-{message}-{by}"));
    fs::write(&shown, "0").unwrap();
    let jumping = shown.clone();
    let relay = Relay::new(message, move || {
        fs::write(&jumping, by.to_string()).unwrap();
        Fate::Passes
    });
    let mut field = Field::with("clocks", "always", |server| relay.before(server));
    field.environment = vec![("LD_PRELOAD", library.to_owned()), ("KEDGE_CLOCK", shown)];
    field.start();
    field.play(button, PATIENCE, &over);
    message - relay.left()
}

fn play_all(button: &str, over: fn(&Field) -> bool) {
    let folder = std::env::temp_dir().join(format!("kedge-clocks-{button}-{}", std::process::id()));
    let library = match library(&folder) {
        Ok(library) => library,
        Err(why) => return println!("{why}"),
    };
    let all = play(&library, button, (i64::MAX, 0), over);
    let step = if std::env::var("KEDGE_JUMPS").is_ok_and(|word| word == "all") { 1 } else { STEP };
    let jumps = (0..all).step_by(step).flat_map(|message| [(message, TEN_YEARS), (message, -TEN_YEARS)]);
    let jumps: Vec<_> = jumps.collect();
    let mut jumped = 0;
    for at_once in jumps.chunks(AT_ONCE) {
        thread::scope(|scope| {
            let library = &library;
            let plays = at_once.iter().map(|jump| scope.spawn(move || play(library, button, *jump, over)));
            let plays: Vec<_> = plays.collect();
            for (play, (message, _)) in plays.into_iter().zip(at_once) {
                jumped += usize::from(play.join().unwrap() > *message);
            }
        });
    }
    drop(fs::remove_dir_all(&folder));
    // what arrives at once is one message, so a flow may have a few less than the first had
    assert!(2 * jumped >= jumps.len(), "of {} jumps {jumped} came at all", jumps.len());
    println!("{button}: the clock jumped in {jumped} flows of {all} messages");
}

#[test]
fn an_update_survives_a_clock_that_jumps() {
    play_all("check-update", Field::is_updated);
}

#[test]
fn an_activation_survives_a_clock_that_jumps() {
    play_all("activate", Field::is_activated);
}
