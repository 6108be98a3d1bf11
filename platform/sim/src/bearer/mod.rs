//! HTTP without sockets: a strict in-process connection to a simulated server, and faults on any connection.
//!
//! [`Bearer`] implements the [`Connection`] port over a [`Server`] in the same process, so that flows run in virtual time.
//! It is stricter than HTTP libraries: it checks URL, headers and length of each request and refuses calls out of order;
//! refusals are remembered in [`Bearer::misuses`]. [`Faulty`] loses requests and replies of any [`Connection`], this
//! one or a real one, at chosen exchanges.
//!
//! ```text
//! Idle ── initiate_request ──► Writing ── write* ── initiate_response ──► Reading ── read* ──► (Reading)
//!   ▲            from every state: a new request abandons what is left           │
//!   └────────────────────────────── any error ◄──────────────────────────────────┘
//! ```

mod error;
mod fault;
mod message;
mod reply;
#[cfg(test)]
mod tests;

use core::time::Duration;

pub use error::Error;
pub use fault::{Fault, Faulty, FaultyError};
use kedge_platform::http::{Connection, ErrorType, Headers, Method, Read, Status, Write};
pub use message::{Request, Response, Server};
pub use reply::{Body, Head};

use self::message::find;
use crate::clock::Clock;

/// Headers that belong to the transport.
const TRANSPORT: [&str; 3] = ["Host", "Connection", "Transfer-Encoding"];

/// A strict connection to `S`; see the [module](self).
#[derive(Clone, Debug)]
pub struct Bearer<S> {
    server: S,
    phase: Phase,
    head: Head,
    body: Body<Error>,
    exchanges: u64,
    misuses: Vec<Error>,
    latency: Option<(Clock, Duration)>,
}

#[derive(Clone, Debug)]
enum Phase {
    Idle,
    Writing { request: Request, length: usize },
    Reading,
}

impl<S: Server> Bearer<S> {
    /// A connection to `server` that takes no time.
    pub fn new(server: S) -> Self {
        Self {
            server,
            phase: Phase::Idle,
            head: Head::default(),
            body: Body::failed(Error::OutOfOrder),
            exchanges: 0,
            misuses: Vec::new(),
            latency: None,
        }
    }

    /// Lets each exchange take `latency` on `clock`; it passes before the server sees the request.
    #[must_use]
    pub fn with_latency(mut self, clock: Clock, latency: Duration) -> Self {
        self.latency = Some((clock, latency));
        self
    }

    /// This connection with faults at chosen exchanges.
    pub fn with_faults(self, faults: impl IntoIterator<Item = (u64, Fault)>) -> Faulty<Self> {
        Faulty::new(self, faults)
    }

    /// The server.
    pub fn server(&mut self) -> &mut S {
        &mut self.server
    }

    /// The server, without the connection.
    pub fn into_server(self) -> S {
        self.server
    }

    /// How many requests the server has seen.
    pub fn exchanges(&self) -> u64 {
        self.exchanges
    }

    /// Everything that was refused as a mistake of the caller; a right program leaves this empty.
    pub fn misuses(&self) -> &[Error] {
        &self.misuses
    }

    /// Ends the exchange with `error`.
    fn refuse(&mut self, error: Error) -> Error {
        self.reset(Phase::Idle);
        if error.is_misuse() {
            self.misuses.push(error);
        }
        error
    }

    fn reset(&mut self, phase: Phase) {
        self.phase = phase;
        self.head = Head::default();
        self.body = Body::failed(Error::OutOfOrder);
    }
}

impl<S: Server> Connection for Bearer<S> {
    type Headers = Head;
    type Read = Body<Error>;
    type RawConnectionError = Error;
    type RawConnection = Self;

    fn initiate_request<'a>(
        &'a mut self,
        method: Method,
        uri: &'a str,
        headers: &'a [(&'a str, &'a str)],
    ) -> Result<(), Error> {
        let checked = request(method, uri, headers);
        let (request, length) = checked.map_err(|error| self.refuse(error))?;
        self.reset(Phase::Writing { request, length });
        Ok(())
    }

    fn is_request_initiated(&self) -> bool {
        matches!(self.phase, Phase::Writing { .. })
    }

    fn initiate_response(&mut self) -> Result<(), Error> {
        let Phase::Writing { request, length } = core::mem::replace(&mut self.phase, Phase::Idle) else {
            return Err(self.refuse(Error::OutOfOrder));
        };
        if request.body.len() != length {
            return Err(self.refuse(Error::Length));
        }
        if let Some((clock, latency)) = &self.latency {
            clock.advance(*latency);
        }
        self.exchanges += 1;
        let response = self.server.exchange(&request);
        (self.head, self.body) = reply::receive(response, request.method != "HEAD");
        self.phase = Phase::Reading;
        Ok(())
    }

    fn is_response_initiated(&self) -> bool {
        matches!(self.phase, Phase::Reading)
    }

    fn split(&mut self) -> (&Head, &mut Body<Error>) {
        (&self.head, &mut self.body)
    }

    fn raw_connection(&mut self) -> Result<&mut Self, Error> {
        Err(self.refuse(Error::Raw))
    }
}

impl<S> ErrorType for Bearer<S> {
    type Error = Error;
}

impl<S: Server> Read for Bearer<S> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        // After an early end the head can still be looked at.
        self.body.read(buf).map_err(|error| if error.is_misuse() { self.refuse(error) } else { error })
    }
}

impl<S: Server> Write for Bearer<S> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Error> {
        match &mut self.phase {
            Phase::Writing { request, length } if request.body.len() + buf.len() <= *length => {
                request.body.extend_from_slice(buf);
                Ok(buf.len())
            }
            Phase::Writing { .. } => Err(self.refuse(Error::Length)),
            _ => Err(self.refuse(Error::OutOfOrder)),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.is_request_initiated() { Ok(()) } else { Err(self.refuse(Error::OutOfOrder)) }
    }
}

impl<S> Status for Bearer<S> {
    fn status(&self) -> u16 {
        self.head.status()
    }

    fn status_message(&self) -> Option<&str> {
        self.head.status_message()
    }
}

impl<S> Headers for Bearer<S> {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }
}

/// The request without its body, and how long that will be.
fn request(method: Method, url: &str, headers: &[(&str, &str)]) -> Result<(Request, usize), Error> {
    let (method, has_body) = match method {
        Method::Get => ("GET", false),
        Method::Head => ("HEAD", false),
        Method::Post => ("POST", true),
        Method::Put => ("PUT", true),
        _ => return Err(Error::Method),
    };
    if !is_absolute(url) {
        return Err(Error::Url);
    }
    if !headers.iter().all(|(name, value)| is_header(name, value)) {
        return Err(Error::Header);
    }
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let lengths = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Content-Length")).count();
    let length = match (lengths, find(&headers, "Content-Length")) {
        (0, _) if !has_body => 0,
        (1, Some(value)) => value.parse().map_err(|_| Error::Length)?,
        (0, _) => return Err(Error::Length),
        _ => return Err(Error::Header),
    };
    if length > 0 && !has_body {
        return Err(Error::Length);
    }
    let request = Request { method: method.to_owned(), url: url.to_owned(), headers, body: Vec::new() };
    Ok((request, length))
}

/// RFC 9110 §4.2: an absolute `http` or `https` URI, with a host, without user information and fragment.
fn is_absolute(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
        && !host.is_empty()
        && !authority.contains('@')
        && rest.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'#')
}

/// RFC 9110 §5: a name that is a token, a value of printable ASCII, and not the transport's business.
fn is_header(name: &str, value: &str) -> bool {
    let token = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    !name.is_empty()
        && name.bytes().all(token)
        && value.bytes().all(|octet| matches!(octet, b' '..=b'~'))
        && value.trim_matches(' ') == value
        && !TRANSPORT.iter().any(|header| header.eq_ignore_ascii_case(name))
}
