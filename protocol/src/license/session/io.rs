//! What goes into a session and comes out of it.

use core::time::Duration;

use crate::license::answer::{ProblemCode, UserAction};
use crate::license::url::{Allowed, UrlFault};
use crate::license::{Refusal, State};

/// What a session needs to know beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// The vendor in the media types.
    pub vendor: &'a str,
    /// `User-Agent`: product and version, printable ASCII.
    pub user_agent: &'a str,
    /// `Accept-Language`, if the device has one.
    pub language: Option<&'a str>,
    /// Where requests may go.
    pub allowed: Allowed<'a>,
    /// Whether the device has a browser.
    pub browser: bool,
}

/// What happened outside.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The request was answered; its body is in the receive buffer.
    Reply(Reply<'a>),
    /// The request failed, or the link to the network is gone.
    LinkDown,
    /// Time has passed.
    Tick,
    /// The document that was handed out is installed: the report about it. The same for one that was installed already.
    Installed {
        /// The state that is held now.
        state: State,
        /// The signed report (see [`crate::license::report`]); empty: none is due.
        report: &'a [u8],
    },
    /// The sealed document that was handed out is open: the document stands here in the receive buffer.
    Unsealed {
        /// Its first octet.
        at: usize,
        /// Its octets.
        len: usize,
    },
    /// The document that was handed out was refused.
    Refused(Refusal),
    /// End the session from this side.
    Abort,
}

/// An HTTP response, its body in the receive buffer.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The status code.
    pub status: u16,
    /// Header Content-Type.
    pub content_type: Option<&'a str>,
    /// Whether there is a Content-Encoding: none is taken.
    pub encoded: bool,
    /// Header Location.
    pub location: Option<&'a str>,
    /// Header Retry-After, if it is a number of seconds.
    pub retry_after: Option<u32>,
    /// Octets of the body. If they do not fit the receive buffer, they need not be read: give the announced length, or any
    /// that is greater than the buffer's, and the session ends for it.
    pub len: usize,
}

/// What to do outside.
#[derive(Clone, Copy, Debug)]
pub enum Output<'s> {
    /// Send this request, then give its [`Input::Reply`] or [`Input::LinkDown`].
    Send(Request<'s>),
    /// Accept and install this document, then give [`Input::Installed`] or [`Input::Refused`].
    Install {
        /// As the server names it.
        media_type: &'s str,
        /// Its octets.
        document: &'s [u8],
    },
    /// Open this document with the key of the request's token, in its place ([`Session::receive_buffer`]); then give
    /// [`Input::Unsealed`] or [`Input::Refused`].
    ///
    /// [`Session::receive_buffer`]: super::Session::receive_buffer
    Unseal {
        /// Its octets, at the front of the receive buffer.
        sealed: &'s [u8],
    },
    /// Show this to the user. Polling goes on by itself.
    Show(UserAction<'s>),
    /// Open this address in the browser, which goes on alone: the document comes back as a file.
    Browse(&'s str),
    /// Hand this to the content dispatcher. The license is not concerned.
    Dispatch {
        /// As the server names it.
        media_type: &'s str,
        /// Its octets.
        body: &'s [u8],
    },
    /// Nothing until an input; at this uptime at the latest [`Input::Tick`].
    Wait(Duration),
    /// It is over.
    End(Outcome),
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET, without body.
    Get,
    /// POST.
    Post,
}

/// An HTTP request. Redirects must not be followed: the session does.
#[derive(Clone, Copy, Debug)]
pub struct Request<'s> {
    /// Its method.
    pub method: Method,
    /// Its absolute URL.
    pub url: &'s str,
    /// Header Accept.
    pub accept: &'s str,
    /// Header Accept-Language.
    pub language: Option<&'s str>,
    /// Header User-Agent.
    pub user_agent: &'s str,
    /// Header Cookie, if the server has set some.
    pub cookies: Option<&'s str>,
    /// Header Content-Type, of a POST.
    pub content_type: Option<&'s str>,
    /// Its body.
    pub body: &'s [u8],
    /// The uptime at which it has failed.
    pub deadline: Duration,
}

/// How a session ended. None of these but an installation changes the license.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A document was installed.
    Installed {
        /// The state that is held now.
        state: State,
        /// Whether the server knows; if not, the report is still due.
        reported: bool,
    },
    /// The report is delivered; nothing else was asked.
    Reported,
    /// A document came and was refused.
    Refused(Refusal),
    /// The server has nothing to do.
    NothingToDo,
    /// The browser goes on.
    HandedOver,
    /// A document of another protocol was handed to the dispatcher.
    Dispatched,
    /// The server says what is wrong.
    Problem {
        /// What; `None` if it says so in words only.
        code: Option<ProblemCode>,
        /// The HTTP status.
        status: u16,
        /// When to ask again at the earliest.
        retry_after: Option<Duration>,
    },
    /// Another status.
    Http {
        /// The status.
        status: u16,
        /// When to ask again at the earliest.
        retry_after: Option<Duration>,
    },
    /// A redirect or an address leads where it may not.
    Url(UrlFault),
    /// A redirect leads to where the session was (`redirect-loop`).
    RedirectLoop,
    /// Too many redirects, or one without a Location.
    BadRedirect,
    /// A page for people, on a device without a browser (`needs-browser`).
    NeedsBrowser,
    /// An answer without a type, of a type that is not known, or with a content coding.
    BadAnswer,
    /// The answer does not fit the receive buffer.
    TooBig,
    /// No connection, or it broke.
    LinkDown,
    /// No answer in time, or the user took too long.
    TimedOut,
    /// It was ended from this side.
    Aborted,
}

/// Why a call to a session is refused; its state is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// A text of the configuration is too long, or the first URL may not be used.
    BadConfig,
    /// A buffer is too small.
    NoRoom {
        /// The octets it must have at least.
        needed: usize,
    },
    /// The input makes no sense in this state.
    Misuse,
}

/// Why a session was not begun, and the two buffers that were meant for it: receive, and URLs.
pub type NotBegun<'b> = (SessionError, (&'b mut [u8], &'b mut [u8]));

impl core::fmt::Display for SessionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BadConfig => f.write_str("configuration text too long, or URL not allowed"),
            Self::NoRoom { needed } => write!(f, "buffer too small, {needed} octets needed"),
            Self::Misuse => f.write_str("input out of order"),
        }
    }
}

impl core::error::Error for SessionError {}
