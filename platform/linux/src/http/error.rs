//! What can go wrong with an exchange, and how ureq's errors become that.

use core::fmt;
use std::io;

use kedge_platform::http;

use super::ending::NOT_ANNOUNCED;

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
    /// The server's certificate has expired or is not valid yet, or one above it; perhaps the machine's clock is wrong.
    Expired,
    /// The server's certificate is for another host.
    WrongHost,
    /// Nobody that is trusted vouches for the server's certificate.
    UnknownRoot,
    /// The server has no protocol version or cipher that is strong enough: TLS 1.2 is the least.
    WeakProtocol,
    /// The server wants a certificate of the client, or another one than it was shown.
    NotAdmitted,
    /// Any other failure of TLS: what came back is not TLS, a certificate is malformed or revoked, a signature is wrong.
    Tls,
    /// The TLS connection ended without saying so: what was received may have been cut off by anybody.
    Truncated,
    /// The proxy refused, or did not answer as one.
    Proxy,
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
            Self::Expired => "server's certificate has expired, or is not valid yet by this machine's clock",
            Self::WrongHost => "server's certificate is for another host",
            Self::UnknownRoot => "nobody that is trusted vouches for the server's certificate",
            Self::WeakProtocol => "server offers no TLS that is strong enough",
            Self::NotAdmitted => "server does not admit this client's certificate",
            Self::Tls => "TLS failed",
            Self::Truncated => "TLS connection ended without its end being announced",
            Self::Proxy => "proxy refused",
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
            Self::Expired
            | Self::WrongHost
            | Self::UnknownRoot
            | Self::WeakProtocol
            | Self::NotAdmitted
            | Self::Tls
            | Self::Proxy => Kind::PermissionDenied,
            Self::TimedOut => Kind::TimedOut,
            Self::Closed | Self::Truncated => Kind::ConnectionAborted,
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
            Cause::Rustls(error) => from_tls(&error),
            Cause::Tls(NOT_ANNOUNCED) => Self::Truncated,
            Cause::Tls(_) | Cause::TlsRequired | Cause::Pem(_) => Self::Tls,
            Cause::ConnectProxyFailed(_) => Self::Proxy,
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
    // This is how rustls reports through a stream that it rejects what the peer sent.
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return from_tls(error);
    }
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
        Kind::InvalidData => Error::Tls,
        _ => Error::Other,
    }
}

fn from_tls(error: &rustls::Error) -> Error {
    use rustls::{AlertDescription as Alert, CertificateError as Bad};
    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                Error::Expired
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Error::WrongHost,
            // one that has the name of a trusted one, and another key
            Bad::UnknownIssuer | Bad::BadSignature => Error::UnknownRoot,
            _ => Error::Tls,
        },
        rustls::Error::PeerIncompatible(_) => Error::WeakProtocol,
        rustls::Error::AlertReceived(alert) => match alert {
            Alert::ProtocolVersion | Alert::InsufficientSecurity | Alert::HandshakeFailure => {
                Error::WeakProtocol
            }
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied => Error::NotAdmitted,
            _ => Error::Tls,
        },
        _ => Error::Tls,
    }
}
