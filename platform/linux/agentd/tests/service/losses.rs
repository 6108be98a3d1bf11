//! The network is lost at each message, on the way there or back: the flow ends well all the same, with one report.
//!
//! `cargo test` plays every ninth; the long run, all: `KEDGE_LOSSES=all cargo test -p kedge-agentd --test service losses`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::field::Field;
use crate::relay::{Fate, Relay};

/// Every so many messages one is lost in the sample; those of a TLS handshake are messages too.
const STEP: usize = 9;
/// Flows at once: most of the time each waits for its next try.
const AT_ONCE: usize = 6;
/// How long a flow may take with one message lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// Plays a flow with this message lost; how many were begun.
fn play(button: &str, message: i64, over: &impl Fn(&Field) -> bool) -> i64 {
    let relay = Relay::new(message, || Fate::Lost);
    let mut field = Field::with("losses", "always", |server| relay.before(server));
    field.start();
    field.play(button, PATIENCE, over);
    message - relay.left()
}

/// Plays a flow once for each message of it that is to be lost.
fn play_all(button: &str, over: impl Fn(&Field) -> bool + Sync) {
    let all = play(button, i64::MAX, &over);
    let step = if std::env::var("KEDGE_LOSSES").is_ok_and(|word| word == "all") { 1 } else { STEP };
    let messages: Vec<_> = (0..all).step_by(step).collect();
    // What arrives at once is one message here, so a flow may have a few less than the first had.
    let lost = AtomicUsize::new(0);
    for at_once in messages.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for message in at_once.iter().copied() {
                let (over, lost) = (&over, &lost);
                scope.spawn(move || {
                    if play(button, message, over) > message {
                        lost.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }
    let lost = lost.into_inner();
    assert!(2 * lost >= messages.len(), "of {} messages to be lost, {lost} came at all", messages.len());
    println!("{button}: {lost} of {all} messages lost, one in each flow");
}

#[test]
fn an_update_survives_the_loss_of_each_message() {
    play_all("check-update", Field::is_updated);
}

#[test]
fn an_activation_survives_the_loss_of_each_message() {
    play_all("activate", Field::is_activated);
}
