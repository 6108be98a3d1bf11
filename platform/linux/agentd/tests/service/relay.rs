//! A relay between device and servers, where something happens at a message of a chosen number.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

/// What becomes of the message whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Half of it arrives, and its connection ends.
    Lost,
    /// Nothing: something else has happened meanwhile.
    Passes,
}

/// What stands between the device and a server: messages pass until it is the turn of one.
#[derive(Clone)]
pub(crate) struct Relay {
    /// Messages that pass before.
    left: Arc<AtomicI64>,
    turn: Arc<dyn Fn() -> Fate + Send + Sync>,
}

impl Relay {
    /// When this many messages have passed, it is the next one's turn.
    pub(crate) fn new(message: i64, turn: impl Fn() -> Fate + Send + Sync + 'static) -> Self {
        Self { left: Arc::new(AtomicI64::new(message)), turn: Arc::new(turn) }
    }

    /// Messages that are to pass yet; below zero when the turn has come.
    pub(crate) fn left(&self) -> i64 {
        self.left.load(Ordering::SeqCst)
    }

    /// Where the server can be reached through it.
    pub(crate) fn before(&self, server: SocketAddr) -> SocketAddr {
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
            if self.left.fetch_sub(1, Ordering::SeqCst) == 0 && (self.turn)() == Fate::Lost {
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
