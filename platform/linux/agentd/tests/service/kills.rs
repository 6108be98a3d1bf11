//! SIGKILL at random moments of a flow: the old or the new state, and one report.
//!
//! `cargo test` plays a sample. The long run: `KEDGE_KILLS=200 cargo test --release -p kedge-agentd --test service kills`.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use kedge_agentd::protocol::Doing;
use kedge_network::{AccountState, TransactionState};

use crate::field::{Field, NEW};

/// Kills in all, of each of the two flows, without a word in the environment.
const SAMPLE: u32 = 8;
/// Kills while one flow is played.
const IN_ONE: u32 = 4;
/// A kill comes this long after the start, at most: a flow takes about as long.
const WINDOW: u64 = 700;
/// How long a flow may take with all its kills.
const PATIENCE: Duration = Duration::from_secs(180);

/// How many kills are wanted.
fn kills() -> u32 {
    match std::env::var("KEDGE_KILLS") {
        Ok(number) => number.parse().expect("KEDGE_KILLS is a number"),
        Err(_) => SAMPLE,
    }
}

/// Random numbers that are the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// How often each line of the log was the last one before a kill.
type Histogram = BTreeMap<String, u32>;

/// The last thing that the service did, without numbers and addresses.
fn last_line(field: &Field) -> String {
    let log = field.read("log");
    let line = log.lines().last().unwrap_or("nothing").trim_start_matches("kedge-agentd: ");
    let end = line.find(['{', '(', ',', ':']).unwrap_or(line.len());
    let words = line[..end].split_ascii_whitespace().filter(|word| !word.contains('/'));
    words.take(4).collect::<Vec<_>>().join(" ").replace(|c: char| c.is_ascii_digit(), "")
}

fn show(what: &str, histogram: &Histogram) {
    let kills: u32 = histogram.values().sum();
    println!("{what}: {kills} kills, after these lines of the log:");
    for (line, count) in histogram {
        println!("{count:>6}  {line}");
    }
}

/// Plays a flow: presses `button`, kills now and then, until it is `over`.
fn play(seed: u64, button: &str, histogram: &mut Histogram, over: impl Fn(&Field) -> bool) -> Field {
    let mut draw = Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut field = Field::new("kills", "ask");
    let until = Instant::now() + PATIENCE;
    for _ in 0..IN_ONE {
        field.start();
        let moment = Instant::now() + Duration::from_millis(draw.below(WINDOW));
        let mut pressed = false;
        while Instant::now() < moment {
            pressed = pressed || field.kedgectl(&[button]).status.success();
            field.attend();
        }
        field.kill();
        *histogram.entry(last_line(&field)).or_default() += 1;
        field.assert_bootable();
    }
    field.start();
    while !over(&field) {
        assert!(Instant::now() < until, "seed {seed}: it is never over\n{}", field.read("log"));
        field.attend();
        // a press that was killed before it was kept is pressed again
        if field.status().is_some_and(|status| status.doing == Doing::Idle && status.acts_in.is_none())
            && !over(&field)
        {
            field.kedgectl(&[button]);
        }
        thread::sleep(Duration::from_millis(5));
    }
    field.assert_bootable();
    field.assert_lawful();
    field
}

#[test]
fn an_update_that_is_killed_ends_with_the_new_firmware_and_one_report() {
    let mut histogram = Histogram::new();
    for case in 0..kills().div_ceil(IN_ONE) {
        let field = play(u64::from(case) + 1, "check-update", &mut histogram, |field| {
            let at_rest = |status: &kedge_agentd::protocol::Status| {
                status.version == NEW
                    && status.reports == 0
                    && status.doing == Doing::Idle
                    && status.update == "idle"
            };
            field.status().as_ref().is_some_and(at_rest) && field.reports().0 > 0
        });
        assert_eq!(
            field.reports(),
            (1, TransactionState::Reported(100)),
            "case {case}\n{}",
            field.read("log")
        );
        assert_eq!(field.read("record").trim(), "settled");
    }
    show("update", &histogram);
}

#[test]
fn an_activation_that_is_killed_is_whole_in_the_end() {
    let mut histogram = Histogram::new();
    for case in 0..kills().div_ceil(IN_ONE) {
        let field = play(u64::from(case) + 1001, "activate", &mut histogram, |field| {
            let idle = field.status().is_some_and(|s| s.activation.confirmed && s.doing == Doing::Idle);
            idle && field.account() == AccountState::Activated
        });
        let status = field.status().unwrap();
        assert!(status.activation.committed && status.activation.registered, "case {case}");
    }
    show("activation", &histogram);
}
