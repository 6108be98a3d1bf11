//! TLS 1.3 on a stream, by embedded-tls, with certificates checked by rustls's own verifier.
//!
//! # What was chosen, and why
//!
//! | | rustls 0.23 and ring | mbedtls-rs | embedded-tls and rustls-webpki (here) |
//! |---|---|---|---|
//! | needs | a C compiler, C headers, a target with atomics, a heap | a C compiler, CMake, a heap | nothing but Rust |
//! | protocol | 1.2 and 1.3 | 1.2 and 1.3 | 1.3 |
//! | certificates | ECDSA, RSA, Ed25519 | ECDSA, RSA | ECDSA with P-256, Ed25519 |
//!
//! embedded-tls comes with verifiers of its own; they walk up the chain the server sent and do not ask whether what signs may do
//! so, so every certificate of an authority could vouch for any name. Here rustls-webpki builds and judges the path (basic
//! constraints, key usage, name constraints, names, times), and P-256 and the [`Crypto`] port verify the signatures.
//!
//! # What it does not do
//!
//! - TLS 1.2; certificates with RSA or P-384 anywhere in the path: servers are the operator's, who chooses.
//! - Certificates of clients, revocation lists.
//! - A server that asks for new keys in the middle of a connection (`KeyUpdate`) stops embedded-tls by a panic, which restarts the
//!   device; only a server whose certificate was accepted can do that.

mod trust;

use core::fmt;
use core::ptr::NonNull;

use embedded_tls::blocking::TlsConnection;
use embedded_tls::{Aes128GcmSha256, CryptoProvider, TlsConfig, TlsContext, TlsVerifier};
use kedge_platform::clock::TimeOfDay;
use kedge_platform::crypto::Crypto;
use kedge_platform::entropy::Entropy;
use kedge_platform::http::{Error, ErrorKind};
pub use trust::{Distrust, Roots};
use trust::{Judge, Verifier};

use crate::stream::{Stream, Target};

/// Octets of the largest record that a server may send (RFC 8446 §5.2), and of what is sent at once.
const RECORD: usize = 16640;
const SENT: usize = 2048;

/// Memory of a connection.
#[derive(Debug)]
pub struct Memory {
    received: [u8; RECORD],
    sent: [u8; SENT],
}

impl Memory {
    /// Fresh memory, for a static.
    #[allow(clippy::large_stack_arrays, reason = "a constant")]
    pub const fn new() -> Self {
        Self { received: [0; RECORD], sent: [0; SENT] }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError<E> {
    /// The stream below.
    Stream(E),
    /// The server's certificate; nothing of the request was sent.
    Distrust(Distrust),
    /// The server wants no connection of this kind: it does not speak TLS 1.3, or has no certificate that is understood here.
    Refused,
    /// What the server said is no TLS 1.3, or its octets were changed on the way.
    Protocol,
    /// The connection ended without being announced: something may be missing.
    Truncated,
    /// There is no connection.
    NotConnected,
}

impl<E: fmt::Debug> fmt::Display for TlsError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(why) => write!(f, "{why:?}"),
            Self::Distrust(why) => write!(f, "the server's certificate: {why}"),
            Self::Refused => f.write_str("the server refused the connection"),
            Self::Protocol => f.write_str("what the server said is no TLS 1.3"),
            Self::Truncated => f.write_str("the connection ended without announcement"),
            Self::NotConnected => f.write_str("there is no connection"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for TlsError<E> {}

impl<E: Error> Error for TlsError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stream(why) => why.kind(),
            Self::Distrust(_) | Self::Refused => ErrorKind::PermissionDenied,
            Self::Protocol => ErrorKind::InvalidData,
            Self::Truncated => ErrorKind::ConnectionAborted,
            Self::NotConnected => ErrorKind::NotConnected,
        }
    }
}

/// What TLS takes of a device, besides the stream.
#[derive(Debug)]
pub struct Means<C, R, T> {
    /// Signatures.
    pub crypto: C,
    /// Random octets, which must be fit for keys.
    pub entropy: R,
    /// The time, by which certificates are judged.
    pub time: T,
    /// Who vouches for servers.
    pub roots: Roots,
}

type Connection<S> = TlsConnection<'static, Socket<S>, Aes128GcmSha256>;

/// What there is of a connection.
enum State<S: Stream + 'static> {
    /// None, or one that is not encrypted.
    Plain(Socket<S>),
    /// An encrypted one.
    Secure(Connection<S>),
    /// The stream is on its way between the two.
    Moving,
}

/// A stream that is encrypted for `https`.
pub struct Tls<S: Stream + 'static, C, R, T> {
    state: State<S>,
    means: Means<C, R, T>,
    memory: NonNull<Memory>,
}

impl<S: Stream + 'static, C, R, T> fmt::Debug for Tls<S, C, R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Plain(_) => "plain",
            State::Secure(_) => "secure",
            State::Moving => "moving",
        };
        f.debug_tuple("Tls").field(&state).finish()
    }
}

impl<S: Stream + 'static, C: Crypto + Sync, R: Entropy, T: TimeOfDay> Tls<S, C, R, T> {
    /// TLS on this stream.
    pub fn new(stream: S, memory: &'static mut Memory, means: Means<C, R, T>) -> Self {
        Self { state: State::Plain(Socket { stream, broken: None }), means, memory: NonNull::from(memory) }
    }

    /// Ends what there is of an encrypted connection, and gives the stream back to the plain state.
    fn calm(&mut self) -> Option<&mut Socket<S>> {
        self.state = match core::mem::replace(&mut self.state, State::Moving) {
            State::Secure(connection) => {
                // the far end learns that this was all, if it still listens
                let (Ok(mut socket) | Err((mut socket, _))) = connection.close();
                socket.broken = None;
                State::Plain(socket)
            }
            state => state,
        };
        match &mut self.state {
            State::Plain(socket) => Some(socket),
            State::Secure(_) | State::Moving => None,
        }
    }

    /// The handshake, on a stream that is connected.
    fn secure(&mut self, host: &str) -> Result<(), TlsError<S::Error>> {
        let State::Plain(socket) = core::mem::replace(&mut self.state, State::Moving) else {
            return Err(TlsError::NotConnected);
        };
        // SAFETY: it came from a reference for ever. The only other user was the connection before, which is gone: there is
        // one at a time, and it was in the state that has just been replaced.
        #[allow(unsafe_code, reason = "embedded-tls does not give the memory of a connection back")]
        let memory = unsafe { self.memory.as_mut() };
        let mut connection = Connection::new(socket, &mut memory.received, &mut memory.sent);
        let Means { crypto, entropy, time, roots } = &mut self.means;
        let verifier = Verifier::new(Judge { crypto, roots, now: time.seconds(), host });
        let mut provider = Provider { random: Random(entropy), verifier };
        let config = TlsConfig::new().with_server_name(host);
        let opened = connection.open(TlsContext::new(&config, &mut provider));
        let distrust = provider.verifier.distrust();
        self.state = State::Secure(connection);
        match (opened, distrust) {
            (Ok(()), None) => Ok(()),
            (_, Some(why)) => Err(TlsError::Distrust(why)),
            (Err(error), None) => Err(self.why(error)),
        }
    }

    /// What an error of embedded-tls means.
    fn why(&mut self, error: embedded_tls::TlsError) -> TlsError<S::Error> {
        let State::Secure(connection) = core::mem::replace(&mut self.state, State::Moving) else {
            return TlsError::NotConnected;
        };
        let (Ok(mut socket) | Err((mut socket, _))) = connection.close();
        let broken = socket.broken.take();
        self.state = State::Plain(socket);
        match (error, broken) {
            (_, Some(End::Failed(why))) => TlsError::Stream(why),
            (_, Some(End::Unannounced)) => TlsError::Truncated,
            (
                embedded_tls::TlsError::HandshakeAborted(..)
                | embedded_tls::TlsError::InvalidSupportedVersions,
                _,
            ) => TlsError::Refused,
            _ => TlsError::Protocol,
        }
    }
}

impl<S: Stream + 'static, C: Crypto + Sync, R: Entropy, T: TimeOfDay> Stream for Tls<S, C, R, T> {
    type Error = TlsError<S::Error>;

    fn connect(&mut self, target: &Target<'_>) -> Result<(), Self::Error> {
        let socket = self.calm().ok_or(TlsError::NotConnected)?;
        socket.stream.connect(target).map_err(TlsError::Stream)?;
        if target.secure { self.secure(target.host) } else { Ok(()) }
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), Self::Error> {
        let mut rest = octets;
        while !rest.is_empty() {
            let sent = match &mut self.state {
                State::Plain(socket) => {
                    return socket.stream.send(rest).map_err(TlsError::Stream);
                }
                State::Secure(connection) => connection.write(rest),
                State::Moving => return Err(TlsError::NotConnected),
            };
            let sent = sent.map_err(|error| self.why(error))?;
            rest = rest.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        match &mut self.state {
            State::Plain(socket) => socket.stream.flush().map_err(TlsError::Stream),
            State::Secure(connection) => connection.flush().map_err(|error| self.why(error)),
            State::Moving => Err(TlsError::NotConnected),
        }
    }

    fn receive(&mut self, octets: &mut [u8]) -> Result<usize, Self::Error> {
        match &mut self.state {
            State::Plain(socket) => socket.stream.receive(octets).map_err(TlsError::Stream),
            State::Secure(connection) => match connection.read(octets) {
                Err(embedded_tls::TlsError::ConnectionClosed) => Ok(0),
                Err(error) => Err(self.why(error)),
                Ok(n) => Ok(n),
            },
            State::Moving => Err(TlsError::NotConnected),
        }
    }
}

/// How the stream below ended.
#[derive(Clone, Copy, Debug)]
enum End<E> {
    Failed(E),
    Unannounced,
}

/// The stream as embedded-tls wants it. It keeps the error, of which embedded-tls passes on the kind alone.
struct Socket<S: Stream> {
    stream: S,
    broken: Option<End<S::Error>>,
}

/// The kind of every error; the error itself is in [`Socket::broken`].
#[derive(Clone, Copy, Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream broke")
    }
}

impl core::error::Error for Broken {}

impl embedded_io::Error for Broken {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::Other
    }
}

impl<S: Stream> embedded_io::ErrorType for Socket<S> {
    type Error = Broken;
}

impl<S: Stream> Socket<S> {
    fn note<N>(&mut self, done: Result<N, S::Error>) -> Result<N, Broken> {
        done.map_err(|why| {
            self.broken = Some(End::Failed(why));
            Broken
        })
    }
}

impl<S: Stream> embedded_io::Read for Socket<S> {
    fn read(&mut self, octets: &mut [u8]) -> Result<usize, Broken> {
        let done = self.stream.receive(octets);
        match self.note(done)? {
            0 => {
                self.broken = Some(End::Unannounced);
                Err(Broken)
            }
            n => Ok(n),
        }
    }
}

impl<S: Stream> embedded_io::Write for Socket<S> {
    fn write(&mut self, octets: &[u8]) -> Result<usize, Broken> {
        if self.broken.is_some() {
            return Err(Broken);
        }
        let done = self.stream.send(octets);
        self.note(done).map(|()| octets.len())
    }

    fn flush(&mut self) -> Result<(), Broken> {
        let done = self.stream.flush();
        self.note(done)
    }
}

/// What embedded-tls asks for.
struct Provider<'a, C, R> {
    random: Random<'a, R>,
    verifier: Verifier<'a, C>,
}

impl<C: Crypto + Sync, R: Entropy> CryptoProvider for Provider<'_, C, R> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = [u8; 0];

    fn rng(&mut self) -> impl embedded_tls::CryptoRngCore {
        Random(self.random.0)
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, embedded_tls::TlsError> {
        Ok(&mut self.verifier)
    }
}

/// The entropy port as embedded-tls wants it.
struct Random<'a, R>(&'a mut R);

impl<R: Entropy> rand_core::RngCore for Random<'_, R> {
    fn next_u32(&mut self) -> u32 {
        let mut octets = [0; 4];
        self.0.fill(&mut octets);
        u32::from_le_bytes(octets)
    }

    fn next_u64(&mut self) -> u64 {
        let mut octets = [0; 8];
        self.0.fill(&mut octets);
        u64::from_le_bytes(octets)
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        self.0.fill(octets);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(octets);
        Ok(())
    }
}

impl<R: Entropy> rand_core::CryptoRng for Random<'_, R> {}
