//! What can go wrong on the simulated bearer.

use core::fmt;

use kedge_platform::http;

/// Why the bearer refused or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Called in a state that does not allow it: a write without a request, a read without a response.
    OutOfOrder,
    /// Not an absolute `http` or `https` URL with a host and without user information, fragment, blanks and controls.
    Url,
    /// A method that no flow uses; the bearer knows GET, HEAD, POST and PUT.
    Method,
    /// A header whose name is not a token, whose value is not printable ASCII, or that belongs to the transport (`Host`,
    /// `Connection`, `Transfer-Encoding`), or a second `Content-Length`.
    Header,
    /// The body is not as long as `Content-Length` says, a POST or PUT has no `Content-Length`, or a GET or HEAD has a body.
    Length,
    /// The server closed the connection before the end of the response.
    Truncated,
    /// Raw connections are not simulated.
    Raw,
}

impl Error {
    /// Whether the caller is to blame.
    pub fn is_misuse(self) -> bool {
        self != Self::Truncated
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfOrder => "called out of order",
            Self::Url => "not an absolute http or https URL",
            Self::Method => "method not simulated",
            Self::Header => "header not allowed",
            Self::Length => "body length is not the Content-Length",
            Self::Truncated => "response ended early",
            Self::Raw => "no raw connection",
        })
    }
}

impl core::error::Error for Error {}

impl http::Error for Error {
    fn kind(&self) -> http::ErrorKind {
        match self {
            Self::Truncated => http::ErrorKind::ConnectionAborted,
            Self::Raw | Self::Method => http::ErrorKind::Unsupported,
            _ => http::ErrorKind::InvalidInput,
        }
    }
}
