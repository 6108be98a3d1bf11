//! What goes into a session and comes out of it.

use core::time::Duration;

use super::prompt::{Answer, Prompt};
use crate::dm::auth::{Credentials, Nonce, Scheme};
use crate::syncml::{AlertCode, Code, Dialect, Format};
use crate::wap::Coding;
use crate::wire::Error;

/// Who wanted the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Initiator {
    /// The user, a timer, the device's own need: Alert 1201.
    #[default]
    Client,
    /// A notification, whatever its initiator bit says: Alert 1200 (`oma-dm.md` section 6.1).
    Server,
}

/// How the two sides know each other: a DMAcc node, read by whoever starts the session.
#[derive(Clone, Copy, Debug)]
pub struct Account<'b> {
    /// ServerID: whom access control lists name.
    pub server_id: &'b str,
    /// Where the first message goes.
    pub url: &'b str,
    /// CLCRED: what the device shows; `None` shows nothing.
    pub client: Option<Credentials<'b>>,
    /// The scheme to begin with; `None` waits for a challenge.
    pub scheme: Option<Scheme>,
    /// The nonce that the server told last.
    pub client_nonce: Nonce,
    /// Whether the server takes the base64 text of a nonce for the nonce: some do (`oma-dm.md` section 8).
    pub nonce_is_text: bool,
    /// SRVCRED: what the server must show; `None` takes any server, which then TLS must have authenticated.
    pub server: Option<Credentials<'b>>,
    /// How it must show it.
    pub server_scheme: Scheme,
    /// The nonce that the server was told last.
    pub server_nonce: Nonce,
}

/// An event for the server, sent with the first package (`oma-dm.md` section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice<'b> {
    /// [`AlertCode::GENERIC`], or [`AlertCode::CLIENT_EVENT`]; a session of 1.1 sends every one as the latter.
    pub code: AlertCode,
    /// What the Exec gave that this is about.
    pub correlator: Option<&'b str>,
    /// The node that this is about.
    pub source: Option<&'b str>,
    /// Type, without a prefix.
    pub kind: &'b str,
    /// Format of the data.
    pub format: Format,
    /// How important it is.
    pub mark: Option<&'b str>,
    /// The data, may be empty.
    pub data: &'b str,
}

/// What a session needs to know beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Config<'b> {
    /// The server.
    pub account: Account<'b>,
    /// DevId of the device.
    pub device: &'b str,
    /// The session's number, 1..=65535: that of the notification, or any new one.
    pub session_id: u16,
    /// Who wanted it.
    pub initiator: Initiator,
    /// The version to begin with; from 1.2 a server that does not know it is asked once more in 1.1.
    pub dialect: Dialect,
    /// How messages are coded, in both directions.
    pub coding: Coding,
    /// Events to tell, at most 32.
    pub notices: &'b [Notice<'b>],
    /// Whether somebody can be asked; without, all user alerts but none are 406.
    pub has_user: bool,
    /// Largest object that is taken, in octets; 0: as the tree has room.
    pub max_object: u32,
    /// How long one request may take.
    pub exchange_timeout: Duration,
    /// How long the user may take where the server does not say.
    pub prompt_timeout: Duration,
    /// How long the session may take.
    pub session_timeout: Duration,
}

/// What happened outside.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Start with package 1.
    Start,
    /// The request was answered.
    Reply(Reply<'a>),
    /// The request failed, or the link to the network is gone.
    LinkDown,
    /// Time has passed.
    Tick,
    /// The user answered what was asked.
    Answered(Answer<'a>),
    /// End the session from this side, with an Alert 1223.
    Abort,
}

/// An HTTP response, its body in the receive buffer.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The status code.
    pub status: u16,
    /// Header Content-Type.
    pub content_type: Option<&'a str>,
    /// Header [`crate::dm::auth::MAC_HEADER`].
    pub mac: Option<&'a str>,
    /// Octets of the body. If they do not fit the receive buffer, they need not be read: give any length that is
    /// greater than the buffer's, and the session ends for it.
    pub len: usize,
}

/// What to do outside.
#[derive(Debug)]
pub enum Output<'s> {
    /// POST this, then give its [`Input::Reply`] or [`Input::LinkDown`].
    Send(Request<'s>),
    /// Ask the user, then give the [`Input::Answered`].
    Ask(Prompt<'s>),
    /// Nothing until an input; at this uptime at the latest [`Input::Tick`].
    Wait(Duration),
    /// It is over.
    End(Outcome),
}

/// An HTTP POST (`oma-dm.md` section 1.1). Accept is [`Self::content_type`] too, Accept-Charset `utf-8`.
#[derive(Clone, Copy, Debug)]
pub struct Request<'s> {
    /// Its absolute URL.
    pub url: &'s str,
    /// Content-Type, and what is accepted.
    pub content_type: &'static str,
    /// The value of the header [`crate::dm::auth::MAC_HEADER`] without the user name and the digest, if the header is to
    /// be sent: `algorithm=MD5, username="name", mac=digest`.
    pub mac: Option<(&'s str, &'s str)>,
    /// Its body.
    pub body: &'s [u8],
    /// The uptime at which it has failed.
    pub deadline: Duration,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The server had nothing more to say.
    Done,
    /// The server aborted it.
    ServerAborted,
    /// The device aborted it.
    ClientAborted,
    /// The server refuses the device's credentials, or wants them in a way that the account has not.
    NotAuthenticated,
    /// The server did not show the credentials that the account asks of it.
    ServerNotAuthenticated,
    /// The server refused the header of a message.
    Refused(Code),
    /// The answer was another HTTP status than 200; 0: there was none in time.
    Http(u16),
    /// There is no link.
    NoLink,
    /// The body is no message of this session: another type, unreadable, or too large.
    Unreadable(Error),
    /// The message belongs to another session.
    Stranger,
    /// The server repeats itself without an end.
    Loop,
    /// The storage failed; what the last message asked for was not done.
    Storage(Code),
    /// The message does not fit its buffer.
    NoRoom,
    /// The session's time was up.
    Timeout,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why.
    pub end: End,
    /// Notices that the server took, one bit each from the lowest on: they must not be sent again.
    pub acknowledged: u32,
    /// The nonce to begin the next session with; to be kept in the account.
    pub client_nonce: Nonce,
    /// The nonce that the server will begin the next session with, if it was authenticated; to be kept in the account.
    pub server_nonce: Nonce,
    /// The scheme that the server asked for last; worth beginning with the next time.
    pub scheme: Option<Scheme>,
}

/// Why a call to a session is refused; its state is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// A text of the configuration is too long, there are too many notices, or the session's number is 0.
    BadConfig,
    /// A buffer is too small.
    NoRoom {
        /// The octets it must have at least.
        needed: usize,
    },
    /// The input makes no sense in this state: a reply without request, an answer without question.
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
