//! A tiny HTTP server on loopback whose every octet is chosen by the test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What to do about one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Send these octets and wait for the next request.
    Send(Vec<u8>),
    /// Send these octets and close the connection.
    SendAndClose(Vec<u8>),
    /// Send these octets and close the connection as TLS does, with an announcement.
    SendAndBye(Vec<u8>),
    /// Send these octets and nothing more for a while.
    SendAndStall(Vec<u8>),
}

/// One request as it arrived: everything up to the empty line, and the body.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A running server; its threads end with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    seen: Receiver<Seen>,
}

/// How long a stalling server stays silent: longer than any timeout in the tests.
const STALL: Duration = Duration::from_secs(5);

impl Server {
    /// Answers the requests, over all connections, with these acts in turn.
    pub(crate) fn start(acts: Vec<Act>) -> Self {
        Self::start_with(acts, None)
    }

    /// The same over TLS.
    pub(crate) fn start_tls(acts: Vec<Act>, config: Arc<ServerConfig>) -> Self {
        Self::start_with(acts, Some(config))
    }

    fn start_with(acts: Vec<Act>, config: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
        let address = listener.local_addr().expect("its address");
        let connections = Arc::new(AtomicUsize::new(0));
        let (report, seen) = channel();
        let acts = Arc::new(Mutex::new(acts.into_iter()));
        let counter = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let (acts, report, config) = (Arc::clone(&acts), report.clone(), config.clone());
                let next = move || acts.lock().ok()?.next();
                let report = move |seen| report.send(seen).is_ok();
                thread::spawn(move || match config {
                    None => converse(stream, next, report),
                    Some(config) => {
                        if let Ok(tls) = ServerConnection::new(config) {
                            converse(StreamOwned::new(tls, stream), next, report);
                        }
                    }
                });
            }
        });
        Self { address, connections, seen }
    }

    /// The next request that arrived.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.recv_timeout(Duration::from_secs(5)).expect("a request")
    }

    /// Whether no request arrived that was not asked for by [`Server::seen`].
    pub(crate) fn saw_nothing_else(&self) -> bool {
        self.seen.recv_timeout(Duration::from_millis(50)).is_err()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A response with this status line, these header lines and this body, its length added.
pub(crate) fn reply(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut octets = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        octets.push_str(header);
        octets.push_str("\r\n");
    }
    [octets.as_bytes(), b"\r\n", body].concat()
}

fn converse(
    mut stream: impl Read + Write + Shut,
    next: impl Fn() -> Option<Act>,
    report: impl Fn(Seen) -> bool,
) {
    while let Some(seen) = receive(&mut stream) {
        if !report(seen) {
            return;
        }
        let (octets, close, stall, bye) = match next() {
            Some(Act::Send(octets)) => (octets, false, false, false),
            Some(Act::SendAndClose(octets)) => (octets, true, false, false),
            Some(Act::SendAndBye(octets)) => (octets, true, false, true),
            Some(Act::SendAndStall(octets)) => (octets, true, true, false),
            None => return,
        };
        let sent = stream.write_all(&octets).and_then(|()| stream.flush());
        if stall {
            thread::sleep(STALL);
        }
        if bye {
            stream.say_bye();
        }
        if close || sent.is_err() {
            stream.shut();
            return;
        }
    }
}

/// Ends the connection.
trait Shut {
    /// Announces the end, where there is TLS.
    fn say_bye(&mut self) {}
    /// Ends both sides, with TLS without announcing it.
    fn shut(&mut self);
}

impl Shut for TcpStream {
    fn shut(&mut self) {
        drop(self.shutdown(std::net::Shutdown::Both));
    }
}

impl Shut for StreamOwned<ServerConnection, TcpStream> {
    fn say_bye(&mut self) {
        self.conn.send_close_notify();
        drop(self.flush());
    }

    fn shut(&mut self) {
        self.sock.shut();
    }
}

/// Reads one request; `None` when the peer is gone.
fn receive(stream: &mut impl Read) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        if stream.read(&mut octet).ok()? == 0 {
            return None;
        }
        head.push(octet[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Seen { head, body })
}
