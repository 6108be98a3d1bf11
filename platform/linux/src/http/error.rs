//! What can go wrong with an exchange, and how ureq's errors become that.

use core::fmt;
use std::io;

use kedge_platform::http;

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Called in a state that does not allow it: a write without a request, a read without a response.
    OutOfOrder,
    /// Not an absolute `http` or `https` URL with a host.
    Url,
    /// A method that no flow uses; the client knows GET, HEAD, POST and PUT.
    Method,
    /// A header that is malformed, or that belongs to the transport.
    Header,
    /// The request's body is not as long as `Content-Length` says, or a POST or PUT has no `Content-Length`.
    Length,
    /// The request's body is longer than [`super::MAX_REQUEST_BODY`].
    TooLong,
    /// The host has no address.
    UnknownHost,
    /// No connection to the host.
    Unreachable,
    /// The server's certificate was not accepted, or there is no common TLS.
    Tls,
    /// The time allowed for this step has passed.
    TimedOut,
    /// The connection ended before the response was complete.
    Closed,
    /// What came back is not HTTP, or its head is longer than [`super::MAX_RESPONSE_HEAD`].
    Response,
    /// Raw connections are not offered.
    Raw,
    /// Anything else; the log has it.
    Other,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfOrder => "called out of order",
            Self::Url => "not an absolute http or https URL",
            Self::Method => "method not supported",
            Self::Header => "header not allowed",
            Self::Length => "body length is not the Content-Length",
            Self::TooLong => "request body too long",
            Self::UnknownHost => "host has no address",
            Self::Unreachable => "no connection to the host",
            Self::Tls => "no trust in the server's TLS",
            Self::TimedOut => "timed out",
            Self::Closed => "connection ended early",
            Self::Response => "response is not acceptable HTTP",
            Self::Raw => "no raw connection",
            Self::Other => "transport failed",
        })
    }
}

impl core::error::Error for Error {}

impl http::Error for Error {
    fn kind(&self) -> http::ErrorKind {
        use http::ErrorKind as Kind;
        match self {
            Self::OutOfOrder | Self::Url | Self::Header | Self::Length => Kind::InvalidInput,
            Self::Method | Self::Raw => Kind::Unsupported,
            Self::TooLong => Kind::OutOfMemory,
            Self::UnknownHost => Kind::NotFound,
            Self::Unreachable => Kind::ConnectionRefused,
            Self::Tls => Kind::PermissionDenied,
            Self::TimedOut => Kind::TimedOut,
            Self::Closed => Kind::ConnectionAborted,
            Self::Response => Kind::InvalidData,
            Self::Other => Kind::Other,
        }
    }
}

impl From<ureq::Error> for Error {
    fn from(error: ureq::Error) -> Self {
        use ureq::Error as Cause;
        log::debug!("exchange failed: {error}");
        match error {
            Cause::Io(error) => from_io(&error),
            Cause::Timeout(_) => Self::TimedOut,
            Cause::HostNotFound => Self::UnknownHost,
            Cause::ConnectionFailed => Self::Unreachable,
            Cause::BadUri(_) => Self::Url,
            Cause::Http(_) => Self::Header,
            Cause::Protocol(_) | Cause::LargeResponseHeader(..) => Self::Response,
            Cause::Tls(_) | Cause::TlsRequired | Cause::Rustls(_) | Cause::Pem(_) => Self::Tls,
            Cause::BodyStalled => Self::Closed,
            _ => Self::Other,
        }
    }
}

impl From<io::Error> for Error {
    /// Errors of a body's reader, which may have one of ureq's inside.
    fn from(error: io::Error) -> Self {
        Self::from(ureq::Error::from(error))
    }
}

fn from_io(error: &io::Error) -> Error {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::TimedOut | Kind::WouldBlock => Error::TimedOut,
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
            Error::Closed
        }
        Kind::ConnectionRefused
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable => Error::Unreachable,
        // This is how rustls reports through a stream that it rejects what the peer sent.
        Kind::InvalidData => Error::Tls,
        _ => Error::Other,
    }
}
