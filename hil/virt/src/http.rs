//! HTTP/1.1 over the network: the bearer port, one exchange a connection.
//!
//! Bodies have a length or end with the connection; an answer in chunks is refused, as is a head of more than 2 KiB. `https`
//! URLs go to a port of their own, behind which the host stands for a modem that ends TLS: the board has none. Names are not
//! looked up, the host answers for all of them.

use crate::network::{Broken, Network};
use core::fmt::{self, Write as _};
use core::time::Duration;
use kedge_platform::http::{Connection, Error, ErrorKind, ErrorType, Headers, Method, Read, Status, Write};

/// How long the other side may be silent.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest head of an answer, and of a request.
const HEAD: usize = 2048;
/// Most headers of an answer.
const HEADERS: usize = 32;

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// The connection.
    Broken(Broken),
    /// Not an absolute URL, or its scheme has no port.
    Url,
    /// A head larger than its limit, or one that is none.
    Head,
    /// An answer in chunks.
    Chunked,
    /// A call that is not due.
    OutOfOrder,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(why) => write!(f, "connection: {why:?}"),
            Self::Url => f.write_str("no URL for this board"),
            Self::Head => f.write_str("no head, or too long a one"),
            Self::Chunked => f.write_str("an answer in chunks"),
            Self::OutOfOrder => f.write_str("not now"),
        }
    }
}

impl core::error::Error for HttpError {}

impl Error for HttpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Broken(Broken::TimedOut) => ErrorKind::TimedOut,
            Self::Broken(_) => ErrorKind::ConnectionReset,
            _ => ErrorKind::Other,
        }
    }
}

impl From<Broken> for HttpError {
    fn from(why: Broken) -> Self {
        Self::Broken(why)
    }
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Writing,
    Reading,
}

/// The client.
pub struct Http {
    ports: (Option<u16>, Option<u16>),
    phase: Phase,
    head: Head,
    body: Body,
}

/// The head of an answer.
pub struct Head {
    octets: [u8; HEAD],
    len: usize,
    status: u16,
}

/// The body of an answer, and the network it comes from.
pub struct Body {
    network: Network,
    /// What came with the head: the part of its octets.
    first: ([u8; HEAD], core::ops::Range<usize>),
    /// Octets that are still to come; `None`: until the connection ends.
    rest: Option<u64>,
}

impl Http {
    /// A client that finds the host at these ports, for `http` and `https`.
    pub fn new(network: Network, ports: (Option<u16>, Option<u16>)) -> Self {
        let head = Head { octets: [0; HEAD], len: 0, status: 0 };
        let body = Body { network, first: ([0; HEAD], 0..0), rest: Some(0) };
        Self { ports, phase: Phase::Idle, head, body }
    }

    /// Connects, and sends the head of a request; the agent's are GET and POST.
    fn begin(&mut self, method: Method, url: &str, headers: &[(&str, &str)]) -> Result<(), HttpError> {
        let (scheme, rest) = url.split_once("://").ok_or(HttpError::Url)?;
        let port = match scheme {
            "http" => self.ports.0,
            "https" => self.ports.1,
            _ => None,
        };
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        let mut head = Text { octets: &mut self.head.octets, len: 0 };
        let method = if method == Method::Post { "POST" } else { "GET" };
        let mut write = || {
            write!(head, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n")?;
            headers.iter().try_for_each(|(name, value)| write!(head, "{name}: {value}\r\n"))?;
            write!(head, "\r\n")
        };
        write().map_err(|_| HttpError::Head)?;
        let len = head.len;
        self.body.network.connect(port.ok_or(HttpError::Url)?, PATIENCE)?;
        self.body.network.send(&self.head.octets[..len], PATIENCE)?;
        Ok(())
    }

    /// Reads the head of the answer, and whatever of the body comes with it.
    fn answer(&mut self) -> Result<(), HttpError> {
        let (mut len, head) = (0, &mut self.head);
        let end = loop {
            let room = head.octets.get_mut(len..).filter(|room| !room.is_empty()).ok_or(HttpError::Head)?;
            match self.body.network.receive(room, PATIENCE)? {
                0 => return Err(Broken::Closed.into()),
                n => len += n,
            }
            if let Some(end) =
                parse(&head.octets[..len], |answer| head.status = answer.code.unwrap_or_default())?
            {
                break end;
            }
        };
        head.len = end;
        if head.header("Transfer-Encoding").is_some() {
            return Err(HttpError::Chunked);
        }
        let bodiless = matches!(head.status, 204 | 304);
        self.body.rest = if bodiless { Some(0) } else { head.content_len() };
        let (first, range) = &mut self.body.first;
        first[end..len].copy_from_slice(&head.octets[end..len]);
        *range = end..len;
        Ok(())
    }

    fn reset(&mut self) {
        self.phase = Phase::Idle;
        (self.head.len, self.head.status) = (0, 0);
        (self.body.first.1, self.body.rest) = (0..0, Some(0));
    }
}

/// Where the head ends, if it is whole; `see` looks at it.
fn parse(octets: &[u8], see: impl FnOnce(&httparse::Response<'_, '_>)) -> Result<Option<usize>, HttpError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    match answer.parse(octets).map_err(|_| HttpError::Head)? {
        httparse::Status::Partial => Ok(None),
        httparse::Status::Complete(end) => {
            see(&answer);
            Ok(Some(end))
        }
    }
}

impl Connection for Http {
    type Headers = Head;
    type Read = Body;
    type RawConnectionError = HttpError;
    type RawConnection = Self;

    fn initiate_request<'a>(
        &'a mut self,
        method: Method,
        url: &'a str,
        headers: &'a [(&'a str, &'a str)],
    ) -> Result<(), HttpError> {
        self.reset();
        self.begin(method, url, headers)?;
        self.phase = Phase::Writing;
        Ok(())
    }

    fn is_request_initiated(&self) -> bool {
        self.phase == Phase::Writing
    }

    fn initiate_response(&mut self) -> Result<(), HttpError> {
        if self.phase != Phase::Writing {
            return Err(HttpError::OutOfOrder);
        }
        self.phase = Phase::Idle;
        self.answer()?;
        self.phase = Phase::Reading;
        Ok(())
    }

    fn is_response_initiated(&self) -> bool {
        self.phase == Phase::Reading
    }

    fn split(&mut self) -> (&Head, &mut Body) {
        (&self.head, &mut self.body)
    }

    fn raw_connection(&mut self) -> Result<&mut Self, HttpError> {
        Err(HttpError::OutOfOrder)
    }
}

impl ErrorType for Http {
    type Error = HttpError;
}

impl ErrorType for Body {
    type Error = HttpError;
}

impl Read for Body {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, HttpError> {
        let wanted = self
            .rest
            .map_or(buf.len(), |rest| usize::try_from(rest).map_or(buf.len(), |rest| rest.min(buf.len())));
        let buf = &mut buf[..wanted];
        if buf.is_empty() {
            return Ok(0);
        }
        let (first, range) = &mut self.first;
        let n = if range.len() == 0 {
            self.network.receive(buf, PATIENCE)?
        } else {
            let n = range.len().min(buf.len());
            buf[..n].copy_from_slice(&first[range.start..range.start + n]);
            range.start += n;
            n
        };
        match &mut self.rest {
            Some(_) if n == 0 => return Err(Broken::Closed.into()),
            Some(rest) => *rest -= n as u64,
            None => {}
        }
        Ok(n)
    }
}

impl Read for Http {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, HttpError> {
        self.body.read(buf)
    }
}

impl Write for Http {
    fn write(&mut self, buf: &[u8]) -> Result<usize, HttpError> {
        if self.phase != Phase::Writing {
            return Err(HttpError::OutOfOrder);
        }
        self.body.network.send(buf, PATIENCE)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), HttpError> {
        Ok(())
    }
}

impl Headers for Head {
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        answer.parse(self.octets.get(..self.len)?).ok()?;
        let header = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        core::str::from_utf8(header.value).ok()
    }
}

impl Status for Head {
    fn status(&self) -> u16 {
        self.status
    }

    fn status_message(&self) -> Option<&str> {
        None
    }
}

impl Headers for Http {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }
}

impl Status for Http {
    fn status(&self) -> u16 {
        self.head.status
    }

    fn status_message(&self) -> Option<&str> {
        None
    }
}

/// Text in a buffer.
struct Text<'o> {
    octets: &'o mut [u8],
    len: usize,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.octets.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}
