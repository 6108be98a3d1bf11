//! What goes into a session and comes out of it.

use core::time::Duration;

use crate::iota::{EndReason, ResultCode, Verb};

/// What started a session; travels as `X-IOTA-Reason` in the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The device was not activated yet.
    Boot,
    /// A push.
    Push,
    /// The user.
    User,
    /// The user asked for a firmware update.
    Fota,
    /// The status of a firmware update is to be reported.
    Status,
}

impl Reason {
    /// The header's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Push => "push",
            Self::User => "user",
            Self::Fota => "fota",
            Self::Status => "status",
        }
    }
}

/// What a session needs to know beforehand; copied.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// Where the first GET goes: boot URL or call-back URL. Empty for a session that starts with a pushed document.
    pub start_url: &'a str,
    /// What started the session.
    pub reason: Reason,
    /// The device's make, at most 64 printable ASCII characters; the same holds for model and version.
    pub make: &'a str,
    /// The device's model.
    pub model: &'a str,
    /// The firmware's version.
    pub version: &'a str,
    /// The ESN, if the device has one.
    pub esn: Option<u32>,
    /// The MEID, if the device has one.
    pub meid: Option<[u8; 7]>,
    /// `iota/trusted-domain`, at most 64 octets, may be empty.
    pub trusted_domain: &'a str,
    /// `iota/boot-url`; its host is what is trusted without a trusted domain.
    pub boot_url: &'a str,
    /// How long one request may take.
    pub connection_timeout: Duration,
    /// How long the session may take.
    pub session_timeout: Duration,
}

/// What happened outside.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Start with a GET.
    Start,
    /// Start with a document that was pushed: its Content-Type and length; the octets are in the receive buffer.
    Pushed {
        /// As the push tells it.
        content_type: &'a str,
        /// Octets in the receive buffer.
        len: usize,
    },
    /// The request was answered.
    Reply(Reply<'a>),
    /// The request failed, or the link to the network is gone.
    LinkDown,
    /// Time has passed.
    Tick,
    /// The command that was handed out is done.
    Done(CommandResult<'a>),
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
    /// Header Location.
    pub location: Option<&'a str>,
    /// Header Retry-After, if it is a number of seconds.
    pub retry_after: Option<u32>,
    /// Octets of the body. If they do not fit the receive buffer, they need not be read: give the announced length, or
    /// any that is greater than the buffer's, and the session ends for it.
    pub len: usize,
}

/// A value, in place or resolved from the body part that a document referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// Octets.
    Data(&'a [u8]),
}

/// A command to execute. Never `disconnect` and never unknown: the session sees to these itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'s> {
    /// Its id in the document.
    pub id: u16,
    /// What to do.
    pub verb: Verb,
    /// To what; a well-formed object name.
    pub object: Option<&'s str>,
    /// With what.
    pub value: Option<Value<'s>>,
}

/// How a command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandResult<'a> {
    /// The code to report; anything but `SUCCESS` is a failure.
    pub code: ResultCode,
    /// What to return.
    pub value: Option<Value<'a>>,
}

/// What to do outside.
#[derive(Clone, Copy, Debug)]
pub enum Output<'s> {
    /// Send this request, then give its [`Input::Reply`] or [`Input::LinkDown`].
    Send(Request<'s>),
    /// Execute this command, then give its [`Input::Done`].
    Execute(Command<'s>),
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
    /// Its headers but Host and Content-Length, which follow from URL and body.
    pub headers: Headers<'s>,
    /// Its body.
    pub body: &'s [u8],
    /// The uptime at which it has failed.
    pub deadline: Duration,
}

/// Most headers of a request: Accept, User-Agent, version, ESN, MEID, and reason or Content-Type.
const MAX_HEADERS: usize = 6;

/// The headers of a request.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'s> {
    pairs: [(&'s str, &'s str); MAX_HEADERS],
    len: usize,
}

impl<'s> Headers<'s> {
    /// Those of `pairs` that have a value.
    pub(super) fn new(pairs: [(&'s str, Option<&'s str>); MAX_HEADERS]) -> Self {
        let mut all = Self { pairs: [("", ""); MAX_HEADERS], len: 0 };
        let present = pairs.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        for (slot, pair) in all.pairs.iter_mut().zip(present) {
            *slot = pair;
            all.len = all.len.saturating_add(1);
        }
        all
    }

    /// Names and values.
    pub fn as_slice(&self) -> &[(&'s str, &'s str)] {
        self.pairs.get(..self.len).unwrap_or_default()
    }
}

/// How a session ended (`iota.md` B10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why.
    pub reason: EndReason,
    /// More about it: for [`EndReason::HTTP`] the HTTP status, 0 if there was no answer in time; else a [`ResultCode`].
    pub error: u16,
    /// The number of the last document that was executed, 0 if none was.
    pub last_doc: u16,
    /// Whether an MMC `commit` succeeded.
    pub mmc_committed: bool,
    /// Whether the server asked for a restart.
    pub reboot: bool,
}

/// Why a call to a session is refused; its state is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// A text of the configuration is too long or has characters that cannot stand in a header.
    BadConfig,
    /// A buffer is too small.
    NoRoom {
        /// The octets it must have at least.
        needed: usize,
    },
    /// The input makes no sense in this state: a reply without request, a result without command.
    Misuse,
}

impl core::fmt::Display for SessionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BadConfig => f.write_str("configuration text too long or illegal"),
            Self::NoRoom { needed } => write!(f, "buffer too small, {needed} octets needed"),
            Self::Misuse => f.write_str("input out of order"),
        }
    }
}

impl core::error::Error for SessionError {}
