//! HTTP/1.1 on a stream: the bearer port, one exchange a connection.
//!
//! Redirects are not followed and interim answers (1xx) are skipped. A head of more than 2 KiB or 32 headers is refused, in either
//! direction. Bodies end as RFC 9112 §6.3 says; one that ends early is an error, never a short body.

use core::fmt::{self, Write as _};
use core::ops::Range;

use kedge_platform::http::{Connection, Error, ErrorKind, ErrorType, Headers, Method, Read, Status, Write};

use crate::framing::{Chunks, Framing, Line};
use crate::stream::{Stream, Target};

/// Longest head of an answer, and of a request: the longest URL and every header of the agent's fit.
const HEAD: usize = 2048;
/// Most headers of an answer.
const HEADERS: usize = 32;

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError<E> {
    /// The stream.
    Stream(E),
    /// The connection ended before the answer did.
    Ended,
    /// Not an absolute `http` or `https` URL.
    Url,
    /// A method that is neither GET nor POST.
    Method,
    /// A head larger than its limit, or one that is none.
    Head,
    /// A body in chunks that are none, or in a coding that is not known.
    Coding,
    /// A call that is not due.
    OutOfOrder,
}

impl<E: fmt::Debug> fmt::Display for HttpError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(why) => write!(f, "connection: {why:?}"),
            Self::Ended => f.write_str("the connection ended within the answer"),
            Self::Url => f.write_str("no absolute URL of http or https"),
            Self::Method => f.write_str("neither GET nor POST"),
            Self::Head => f.write_str("no head, or too long a one"),
            Self::Coding => f.write_str("a body whose end cannot be told"),
            Self::OutOfOrder => f.write_str("a call that is not due"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for HttpError<E> {}

impl<E: Error> Error for HttpError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stream(why) => why.kind(),
            Self::Ended => ErrorKind::ConnectionReset,
            Self::Url | Self::Method | Self::OutOfOrder => ErrorKind::InvalidInput,
            Self::Head | Self::Coding => ErrorKind::InvalidData,
        }
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
#[derive(Debug)]
pub struct Http<S> {
    phase: Phase,
    head: Head,
    body: Body<S>,
}

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    octets: [u8; HEAD],
    len: usize,
    status: u16,
}

/// The body of an answer, and the stream it comes from.
#[derive(Debug)]
pub struct Body<S> {
    stream: S,
    /// What came with the head: the part of its octets.
    first: ([u8; HEAD], Range<usize>),
    framing: Framing,
}

impl<S: Stream> Http<S> {
    /// A client on this stream.
    pub const fn new(stream: S) -> Self {
        let head = Head { octets: [0; HEAD], len: 0, status: 0 };
        let body = Body { stream, first: ([0; HEAD], 0..0), framing: Framing::Octets(0) };
        Self { phase: Phase::Idle, head, body }
    }

    /// The stream, for what is the device's own; nothing of an exchange may be read or written there.
    pub const fn stream(&mut self) -> &mut S {
        &mut self.body.stream
    }

    /// Connects, and sends the head of a request.
    fn begin(
        &mut self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<(), HttpError<S::Error>> {
        let (target, path) = Target::of(url).ok_or(HttpError::Url)?;
        let method = match method {
            Method::Get => "GET",
            Method::Post => "POST",
            _ => return Err(HttpError::Method),
        };
        let mut head = Text { octets: &mut self.head.octets, len: 0 };
        let mut write = || {
            write!(head, "{method} {}{path} HTTP/1.1\r\n", if path.starts_with('/') { "" } else { "/" })?;
            match (target.secure, target.port) {
                (false, 80) | (true, 443) => write!(head, "Host: {}\r\n", target.host)?,
                (_, port) => write!(head, "Host: {}:{port}\r\n", target.host)?,
            }
            write!(head, "Connection: close\r\n")?;
            for (name, value) in headers {
                if [*name, *value].iter().any(|text| text.bytes().any(|c| matches!(c, b'\r' | b'\n'))) {
                    return Err(fmt::Error);
                }
                write!(head, "{name}: {value}\r\n")?;
            }
            write!(head, "\r\n")
        };
        write().map_err(|_| HttpError::Head)?;
        let len = head.len;
        let stream = &mut self.body.stream;
        stream.connect(&target).map_err(HttpError::Stream)?;
        let head = self.head.octets.get(..len).unwrap_or_default();
        stream.send(head).map_err(HttpError::Stream)
    }

    /// Reads the head of the answer, and whatever of the body comes with it.
    fn answer(&mut self) -> Result<(), HttpError<S::Error>> {
        self.body.stream.flush().map_err(HttpError::Stream)?;
        let head = &mut self.head;
        let mut len = 0_usize;
        let end = loop {
            let room = head.octets.get_mut(len..).filter(|room| !room.is_empty()).ok_or(HttpError::Head)?;
            match self.body.stream.receive(room).map_err(HttpError::Stream)? {
                0 => return Err(HttpError::Ended),
                n => len = len.saturating_add(n).min(HEAD),
            }
            if let Some(end) = head.whole(&mut len)? {
                break end;
            }
        };
        head.len = end;
        self.body.framing = head.framing().ok_or(HttpError::Coding)?;
        let (first, range) = &mut self.body.first;
        for (to, from) in first.iter_mut().zip(head.octets.iter()).take(len).skip(end) {
            *to = *from;
        }
        *range = end..len;
        Ok(())
    }

    fn reset(&mut self) {
        self.phase = Phase::Idle;
        (self.head.len, self.head.status) = (0, 0);
        (self.body.first.1, self.body.framing) = (0..0, Framing::Octets(0));
    }
}

impl Head {
    /// Where the head ends, if it is whole in the first `len` octets; interim ones before it are thrown away.
    fn whole<E>(&mut self, len: &mut usize) -> Result<Option<usize>, HttpError<E>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut answer = httparse::Response::new(&mut headers);
            let octets = self.octets.get(..*len).unwrap_or_default();
            let end = match answer.parse(octets).map_err(|_| HttpError::Head)? {
                httparse::Status::Partial => return Ok(None),
                httparse::Status::Complete(end) => end,
            };
            self.status = answer.code.unwrap_or_default();
            // 101 would change the protocol, which nobody asked for
            if !(100..200).contains(&self.status) || self.status == 101 {
                return Ok(Some(end));
            }
            self.octets.copy_within(end..*len, 0);
            *len = len.saturating_sub(end);
        }
    }

    /// How the body ends; `None` if that cannot be told.
    fn framing(&self) -> Option<Framing> {
        if matches!(self.status, 204 | 304) {
            return Some(Framing::Octets(0));
        }
        match self.header("Transfer-Encoding") {
            Some(coding) if coding.eq_ignore_ascii_case("chunked") => Some(Framing::Chunks(Chunks::Size)),
            Some(_) => None,
            None => match self.header("Content-Length") {
                Some(digits) => digits.trim().parse().ok().map(Framing::Octets),
                None => Some(Framing::ToTheEnd),
            },
        }
    }
}

impl<S: Stream> Body<S> {
    /// Octets as they come, those first that came with the head.
    fn next(&mut self, buf: &mut [u8]) -> Result<usize, HttpError<S::Error>> {
        let (first, range) = &mut self.first;
        if range.start >= range.end {
            return self.stream.receive(buf).map_err(HttpError::Stream);
        }
        let mut n = 0_usize;
        for (to, from) in buf.iter_mut().zip(first.get(range.clone()).unwrap_or_default()) {
            *to = *from;
            n = n.saturating_add(1);
        }
        range.start = range.start.saturating_add(n);
        Ok(n)
    }

    /// At most `rest` octets, at least one.
    fn some_of(&mut self, rest: u64, buf: &mut [u8]) -> Result<usize, HttpError<S::Error>> {
        let most = usize::try_from(rest).map_or(buf.len(), |rest| rest.min(buf.len()));
        match self.next(buf.get_mut(..most).unwrap_or_default())? {
            0 => Err(HttpError::Ended),
            n => Ok(n),
        }
    }

    /// A line between chunks.
    fn line(&mut self) -> Result<Line, HttpError<S::Error>> {
        let mut line = Line::EMPTY;
        loop {
            let mut octet = [0];
            if self.next(&mut octet)? == 0 {
                return Err(HttpError::Ended);
            }
            let [octet] = octet;
            if line.take(octet).map_err(|_| HttpError::Coding)? {
                return Ok(line);
            }
        }
    }

    /// Most lines of trailers, and of sizes between two octets.
    const LINES: usize = 16;

    /// Reads lines until there are octets of a chunk, or no more of them.
    fn chunk(&mut self, mut at: Chunks) -> Result<Chunks, HttpError<S::Error>> {
        for _ in 0..Self::LINES {
            match at {
                Chunks::Data(1..) | Chunks::Over => return Ok(at),
                _ => at = at.line(self.line()?.get()).map_err(|_| HttpError::Coding)?,
            }
        }
        if at == Chunks::Over { Ok(at) } else { Err(HttpError::Coding) }
    }
}

impl<S: Stream> Connection for Http<S> {
    type Headers = Head;
    type Read = Body<S>;
    type RawConnectionError = HttpError<S::Error>;
    type RawConnection = Self;

    fn initiate_request<'a>(
        &'a mut self,
        method: Method,
        url: &'a str,
        headers: &'a [(&'a str, &'a str)],
    ) -> Result<(), HttpError<S::Error>> {
        self.reset();
        self.begin(method, url, headers)?;
        self.phase = Phase::Writing;
        Ok(())
    }

    fn is_request_initiated(&self) -> bool {
        self.phase == Phase::Writing
    }

    fn initiate_response(&mut self) -> Result<(), HttpError<S::Error>> {
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

    fn split(&mut self) -> (&Head, &mut Body<S>) {
        (&self.head, &mut self.body)
    }

    fn raw_connection(&mut self) -> Result<&mut Self, HttpError<S::Error>> {
        Err(HttpError::OutOfOrder)
    }
}

impl<S: Stream> ErrorType for Http<S> {
    type Error = HttpError<S::Error>;
}

impl<S: Stream> ErrorType for Body<S> {
    type Error = HttpError<S::Error>;
}

impl<S: Stream> Read for Body<S> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, HttpError<S::Error>> {
        if buf.is_empty() {
            return Ok(0);
        }
        match self.framing {
            Framing::Octets(0) => Ok(0),
            Framing::Octets(rest) => {
                let n = self.some_of(rest, buf)?;
                self.framing = Framing::Octets(rest.saturating_sub(n as u64));
                Ok(n)
            }
            Framing::Chunks(at) => {
                let mut at = self.chunk(at)?;
                let mut n = 0;
                if let Chunks::Data(rest) = &mut at {
                    n = self.some_of(*rest, buf)?;
                    *rest = rest.saturating_sub(n as u64);
                }
                self.framing = Framing::Chunks(at);
                Ok(n)
            }
            Framing::ToTheEnd => self.next(buf),
        }
    }
}

impl<S: Stream> Read for Http<S> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, HttpError<S::Error>> {
        self.body.read(buf)
    }
}

impl<S: Stream> Write for Http<S> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, HttpError<S::Error>> {
        if self.phase != Phase::Writing {
            return Err(HttpError::OutOfOrder);
        }
        self.body.stream.send(buf).map_err(HttpError::Stream)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), HttpError<S::Error>> {
        self.body.stream.flush().map_err(HttpError::Stream)
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

impl<S> Headers for Http<S> {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }
}

impl<S> Status for Http<S> {
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
        let room = self.octets.get_mut(self.len..).unwrap_or_default();
        if room.len() < text.len() {
            return Err(fmt::Error);
        }
        for (to, from) in room.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        self.len = self.len.saturating_add(text.len());
        Ok(())
    }
}
