//! A stream of this machine, and clients on it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use kedge_platform::clock::TimeOfDay;
use kedge_platform::entropy::Entropy;
use kedge_platform::http::{Connection, Error, ErrorKind, Method, Read, Status};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_net::tls::{Means, Memory, Roots, Tls, TlsError};
use kedge_platform_net::{Http, HttpError, Stream, Target};

/// Where names lead, and the connection.
#[derive(Debug)]
pub(crate) struct Socket {
    hosts: Vec<(&'static str, SocketAddr)>,
    patience: Duration,
    stream: Option<TcpStream>,
}

impl Socket {
    pub(crate) fn new(hosts: Vec<(&'static str, SocketAddr)>, patience: Duration) -> Self {
        Self { hosts, patience, stream: None }
    }

    fn stream(&mut self) -> Result<&mut TcpStream, Gone> {
        self.stream.as_mut().ok_or(Gone(ErrorKind::NotConnected))
    }
}

/// Why the socket failed: what the system says, as the ports tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone(pub(crate) ErrorKind);

impl From<std::io::Error> for Gone {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Of;
        Self(match error.kind() {
            Of::TimedOut | Of::WouldBlock => ErrorKind::TimedOut,
            Of::ConnectionReset | Of::BrokenPipe => ErrorKind::ConnectionReset,
            _ => ErrorKind::Other,
        })
    }
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Gone {}

impl Error for Gone {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

impl Stream for Socket {
    type Error = Gone;

    fn connect(&mut self, target: &Target<'_>) -> Result<(), Gone> {
        if let Some(before) = self.stream.take() {
            drop(before.shutdown(Shutdown::Both));
        }
        let known = self.hosts.iter().find(|(host, _)| *host == target.host);
        let (_, address) = known.ok_or(Gone(ErrorKind::NotFound))?;
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(self.patience))?;
        self.stream = Some(stream);
        Ok(())
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), Gone> {
        Ok(self.stream()?.write_all(octets)?)
    }

    fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    fn receive(&mut self, octets: &mut [u8]) -> Result<usize, Gone> {
        Ok(self.stream()?.read(octets)?)
    }
}

/// This time, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(pub(crate) Option<u64>);

impl TimeOfDay for At {
    fn seconds(&self) -> Option<u64> {
        self.0
    }
}

/// 2030-01-01.
pub(crate) const NOW: At = At(Some(1_893_456_000));

/// The system's randomness.
#[derive(Debug)]
pub(crate) struct Random;

impl Entropy for Random {
    fn fill(&mut self, buf: &mut [u8]) {
        let mut source = std::fs::File::open("/dev/urandom").expect("a source of random octets");
        source.read_exact(buf).expect("random octets");
    }
}

pub(crate) type Secure = Tls<Socket, SoftCrypto, Random, At>;
pub(crate) type Client = Http<Secure>;
pub(crate) type Fault = HttpError<TlsError<Gone>>;

/// A client that trusts these roots.
pub(crate) fn client(socket: Socket, roots: &[Vec<u8>], time: At) -> Client {
    // what a device has once and for ever, a test process has as often as it has tests
    let roots = roots.iter().map(|root| &*root.clone().leak()).collect::<Vec<_>>().leak();
    let means = Means { crypto: SoftCrypto, entropy: Random, time, roots: Roots(roots) };
    Http::new(Tls::new(socket, Box::leak(Box::new(Memory::new())), means))
}

/// Gets what lies there.
pub(crate) fn get(client: &mut Client, url: &str) -> Result<(u16, Vec<u8>), Fault> {
    client.initiate_request(Method::Get, url, &[])?;
    client.initiate_response()?;
    let mut octets = Vec::new();
    let mut chunk = [0; 16];
    loop {
        match client.read(&mut chunk)? {
            0 => return Ok((client.status(), octets)),
            len => octets.extend_from_slice(&chunk[..len]),
        }
    }
}
