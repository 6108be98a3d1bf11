//! The network is lost at each message, on the way there or back: the flow ends well all the same, with one report.
//!
//! `cargo test` plays every ninth; the long run, all: `KEDGE_LOSSES=all cargo test -p kedge-agentd --test service losses`.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kedge_agentd::protocol::Doing;
use kedge_network::{AccountState, TransactionState};

use crate::field::{Field, NEW};

/// Every so many messages one is lost in the sample; those of a TLS handshake are messages too.
const STEP: usize = 9;
/// Flows at once: most of the time each waits for its next try.
const AT_ONCE: usize = 6;
/// How long a flow may take with one message lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// What stands between the device and a server: messages pass until it is the turn of one to be lost, with its connection.
#[derive(Clone)]
struct Relay {
    /// Messages that pass before.
    left: Arc<AtomicI64>,
}

impl Relay {
    fn losing(message: i64) -> Self {
        Self { left: Arc::new(AtomicI64::new(message)) }
    }

    /// Where the server can be reached through it.
    fn before(&self, server: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let relay = self.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let relay = relay.clone();
                    thread::spawn(move || relay.carry(from, to));
                }
            }
        });
        address
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut octets = [0; 16 << 10];
        loop {
            let n = from.read(&mut octets).unwrap_or_default();
            if n == 0 {
                drop(to.shutdown(Shutdown::Write));
                return;
            }
            if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
                // half of it arrives
                drop(to.write_all(&octets[..n / 2]));
                drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
                return;
            }
            if to.write_all(&octets[..n]).is_err() {
                return;
            }
        }
    }
}

/// Plays a flow with this message lost; how many were begun.
fn play(button: &str, message: i64, over: &(impl Fn(&Field) -> bool + Sync)) -> i64 {
    let relay = Relay::losing(message);
    let mut field = Field::with("losses", "always", |server| relay.before(server));
    field.start();
    field.tell(button);
    let until = Instant::now() + PATIENCE;
    while !over(&field) {
        assert!(
            Instant::now() < until,
            "{button}, message {message}: it is never over\n{}",
            field.read("log")
        );
        field.attend();
        thread::sleep(Duration::from_millis(20));
    }
    field.assert_lawful();
    field.assert_bootable();
    message - relay.left.load(Ordering::SeqCst)
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
    play_all("check-update", |field| {
        let done = |status: &kedge_agentd::protocol::Status| {
            status.version == NEW && status.reports == 0 && status.doing == Doing::Idle
        };
        field.status().as_ref().is_some_and(done) && field.reports() == (1, TransactionState::Reported(100))
    });
}

#[test]
fn an_activation_survives_the_loss_of_each_message() {
    play_all("activate", |field| {
        let done =
            field.status().is_some_and(|status| status.activation.confirmed && status.doing == Doing::Idle);
        done && field.account() == AccountState::Activated
    });
}
