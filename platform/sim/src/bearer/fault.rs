//! Faults on any connection: what was sent is lost, or what was answered.

use core::fmt;
use std::collections::BTreeMap;

use kedge_platform::http::{self, Connection, ErrorKind, ErrorType, Headers, Method, Read, Status, Write};

use super::reply::Body;

/// What goes wrong in one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no connection: `initiate_request` fails, the server sees nothing.
    NoConnection,
    /// The request is lost on the way: the server sees nothing, `initiate_response` fails.
    RequestLost,
    /// The server has done what was asked, but its reply is lost: `initiate_response` fails.
    ReplyLost,
    /// The head of the reply arrives and so many octets of its body; reading on fails, even if the body is shorter.
    ReplyTruncated(usize),
}

/// A failure by fault, or one of the connection itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultyError<E> {
    /// The fault of this exchange.
    Fault(Fault),
    /// The connection failed by itself.
    Connection(E),
    /// Called in a state that does not allow it.
    OutOfOrder,
}

impl<E: fmt::Display> fmt::Display for FaultyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(Fault::NoConnection) => f.write_str("no connection"),
            Self::Fault(Fault::RequestLost) => f.write_str("request lost"),
            Self::Fault(Fault::ReplyLost) => f.write_str("reply lost"),
            Self::Fault(Fault::ReplyTruncated(len)) => {
                write!(f, "connection lost after {len} octets of the reply")
            }
            Self::Connection(error) => error.fmt(f),
            Self::OutOfOrder => f.write_str("called out of order"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for FaultyError<E> {}

impl<E: http::Error> http::Error for FaultyError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Fault(Fault::NoConnection) => ErrorKind::ConnectionRefused,
            Self::Fault(Fault::RequestLost) => ErrorKind::TimedOut,
            Self::Fault(Fault::ReplyLost) => ErrorKind::ConnectionReset,
            Self::Fault(Fault::ReplyTruncated(_)) => ErrorKind::ConnectionAborted,
            Self::Connection(error) => error.kind(),
            Self::OutOfOrder => ErrorKind::InvalidInput,
        }
    }
}

/// A connection with faults at chosen exchanges.
///
/// Exchanges are counted from 0, one for each call of `initiate_request`, also a failing one, over the whole life of the
/// connection. A reply is read from the inner connection as a whole when it begins.
#[derive(Clone, Debug)]
pub struct Faulty<C: Connection> {
    connection: C,
    faults: BTreeMap<u64, Fault>,
    started: u64,
    /// `Some` between `initiate_request` and `initiate_response`.
    writing: Option<Plan>,
    replied: bool,
    reply: Body<FaultyError<C::Error>>,
}

/// What is to happen to the exchange under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Pass,
    LoseRequest,
    LoseReply,
    Truncate(usize),
}

impl<C: Connection<Error: Clone>> Faulty<C> {
    /// `connection` with these faults: the number of the exchange, and what goes wrong in it.
    pub fn new(connection: C, faults: impl IntoIterator<Item = (u64, Fault)>) -> Self {
        let faults = faults.into_iter().collect();
        Self {
            connection,
            faults,
            started: 0,
            writing: None,
            replied: false,
            reply: Body::failed(FaultyError::OutOfOrder),
        }
    }

    /// The connection behind the faults.
    pub fn inner(&mut self) -> &mut C {
        &mut self.connection
    }

    /// The connection, rid of faults.
    pub fn into_inner(self) -> C {
        self.connection
    }

    /// How many exchanges were started: the number a fault needs to strike the next one.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// How many faults have not struck yet.
    pub fn faults_left(&self) -> usize {
        self.faults.len()
    }

    /// Reads the whole reply of the inner connection.
    fn receive(&mut self) -> (Vec<u8>, Option<FaultyError<C::Error>>) {
        let mut octets = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            match self.connection.read(&mut chunk) {
                Ok(0) => return (octets, None),
                Ok(len) => octets.extend_from_slice(&chunk[..len]),
                Err(error) => return (octets, Some(FaultyError::Connection(error))),
            }
        }
    }
}

impl<C: Connection<Error: Clone>> Connection for Faulty<C> {
    type Headers = C;
    type Read = Body<FaultyError<C::Error>>;
    type RawConnectionError = C::RawConnectionError;
    type RawConnection = C::RawConnection;

    fn initiate_request<'a>(
        &'a mut self,
        method: Method,
        uri: &'a str,
        headers: &'a [(&'a str, &'a str)],
    ) -> Result<(), Self::Error> {
        self.reply = Body::failed(FaultyError::OutOfOrder);
        self.replied = false;
        self.writing = None;
        let fault = self.faults.remove(&self.started);
        self.started += 1;
        let plan = match fault {
            Some(Fault::NoConnection) => return Err(FaultyError::Fault(Fault::NoConnection)),
            Some(Fault::RequestLost) => Plan::LoseRequest,
            Some(Fault::ReplyLost) => Plan::LoseReply,
            Some(Fault::ReplyTruncated(limit)) => Plan::Truncate(limit),
            None => Plan::Pass,
        };
        if plan != Plan::LoseRequest {
            self.connection.initiate_request(method, uri, headers).map_err(FaultyError::Connection)?;
        }
        self.writing = Some(plan);
        Ok(())
    }

    fn is_request_initiated(&self) -> bool {
        self.writing.is_some()
    }

    fn initiate_response(&mut self) -> Result<(), Self::Error> {
        let plan = self.writing.take().ok_or(FaultyError::OutOfOrder)?;
        if plan == Plan::LoseRequest {
            return Err(FaultyError::Fault(Fault::RequestLost));
        }
        self.connection.initiate_response().map_err(FaultyError::Connection)?;
        let (mut octets, mut failure) = self.receive();
        match plan {
            Plan::LoseReply => return Err(FaultyError::Fault(Fault::ReplyLost)),
            Plan::Truncate(limit) => {
                octets.truncate(limit);
                failure = Some(FaultyError::Fault(Fault::ReplyTruncated(limit)));
            }
            Plan::Pass | Plan::LoseRequest => {}
        }
        self.reply = Body::new(octets, failure);
        self.replied = true;
        Ok(())
    }

    fn is_response_initiated(&self) -> bool {
        self.replied
    }

    fn split(&mut self) -> (&C, &mut Body<FaultyError<C::Error>>) {
        (&self.connection, &mut self.reply)
    }

    fn raw_connection(&mut self) -> Result<&mut Self::RawConnection, Self::Error> {
        self.connection.raw_connection().map_err(FaultyError::Connection)
    }
}

impl<C: Connection> ErrorType for Faulty<C> {
    type Error = FaultyError<C::Error>;
}

impl<C: Connection<Error: Clone>> Read for Faulty<C> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        self.reply.read(buf)
    }
}

impl<C: Connection<Error: Clone>> Write for Faulty<C> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        match self.writing {
            None => Err(FaultyError::OutOfOrder),
            Some(Plan::LoseRequest) => Ok(buf.len()),
            Some(_) => self.connection.write(buf).map_err(FaultyError::Connection),
        }
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        match self.writing {
            None => Err(FaultyError::OutOfOrder),
            Some(Plan::LoseRequest) => Ok(()),
            Some(_) => self.connection.flush().map_err(FaultyError::Connection),
        }
    }
}

impl<C: Connection<Error: Clone>> Status for Faulty<C> {
    /// The status of the reply; 0 while there is none.
    fn status(&self) -> u16 {
        if self.is_response_initiated() { self.connection.status() } else { 0 }
    }

    fn status_message(&self) -> Option<&str> {
        self.connection.status_message().filter(|_| self.is_response_initiated())
    }
}

impl<C: Connection<Error: Clone>> Headers for Faulty<C> {
    fn header(&self, name: &str) -> Option<&str> {
        self.connection.header(name).filter(|_| self.is_response_initiated())
    }
}
