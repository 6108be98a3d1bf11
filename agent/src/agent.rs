//! The agent: what to do next, and what follows from it.
//!
//! Contract: [`Agent::poll`] says what the device must do; the caller does it and answers with [`Agent::done`]; and so on
//! until [`Output::Idle`]. Between `poll` and `done` of an HTTP exchange the answer is handed in by [`Agent::reply_head`] and
//! [`Agent::reply_body`]. Every answer to something that was not asked is [`AgentError::Misuse`].
//!
//! ```text
//!          trigger ─┐                    ┌──────────── Done ◄──────────┐
//!  Idle ────────────┴► Calling ─► Talking ─► Send / Execute / Download ─┘
//!   ▲  ▲                             │ End
//!   │  └── Registering ◄── Hanging ◄─┘          Asking ─► Restarting (into the update agent)
//!   └───────────────────────┴───────────────────┘
//! ```
//! What survives a restart is in the store, not here: the session to resume, the activation's progress, the update that
//! waits, the outbox. After a restart the idle agent finds them and goes on.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::entropy::Entropy;
use kedge_platform::flash::NorFlash;
use kedge_platform::http::Headers;
use kedge_platform::identity::Identity;
use kedge_platform::power::Restart;
use kedge_platform::radio::RadioError;
use kedge_platform::ui::{Answer, Prompt};

use crate::config::Config;
use crate::error::AgentError;
use crate::event::{Events, LinkError};

/// The fast local ports and the time, lent to the agent for one call.
#[allow(missing_docs, reason = "each field is the port of its type")]
pub struct Context<'c, F, C> {
    /// Uptime.
    pub now: Duration,
    pub flash: &'c mut F,
    pub crypto: &'c C,
    pub identity: &'c dyn Identity,
    pub entropy: &'c mut dyn Entropy,
    pub events: &'c mut dyn Events,
}

/// An HTTP request to be sent.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// POST, else GET.
    pub post: bool,
    /// Absolute URL.
    pub url: &'a str,
    /// Header names and values, without `Content-Length`.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty for a GET.
    pub body: &'a [u8],
}

/// What of an answer's head the agent looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'h> {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<&'h str>,
    /// `Content-Length`.
    pub content_length: Option<u64>,
    /// `Content-Range`.
    pub content_range: Option<&'h str>,
    /// `ETag`.
    pub etag: Option<&'h str>,
    /// `Location`.
    pub location: Option<&'h str>,
    /// `Retry-After` in seconds; dates are not understood.
    pub retry_after: Option<u32>,
}

impl<'h> Head<'h> {
    /// Reads the head of an answer.
    pub fn read(status: u16, headers: &'h impl Headers) -> Self {
        let number = |name| headers.header(name).and_then(|text| text.trim().parse().ok());
        Self {
            status,
            content_type: headers.header("Content-Type"),
            content_length: number("Content-Length"),
            content_range: headers.header("Content-Range"),
            etag: headers.header("ETag"),
            location: headers.header("Location"),
            retry_after: number("Retry-After").and_then(|n| u32::try_from(n).ok()),
        }
    }
}

/// What the device must do now.
#[derive(Debug)]
pub enum Output<'a> {
    /// Open the data call with this network access identifier.
    OpenCall {
        /// The identifier.
        nai: &'a str,
    },
    /// Close the data call.
    CloseCall,
    /// Send this and hand in the answer.
    Http(HttpRequest<'a>),
    /// Show or ask this.
    Ask(Prompt<'a>),
    /// Register with this number assignment and roaming list.
    Register {
        /// See [`kedge_platform::radio::Radio::register`].
        nam: &'a [u8],
        /// The preferred roaming list; empty: none.
        prl: &'a [u8],
    },
    /// Restart the device.
    Restart(Restart),
    /// Wait until this uptime, then answer [`Done::Waited`].
    Wait(Duration),
    /// Nothing to do before a trigger, or before this uptime, if any.
    Idle(Option<Duration>),
}

/// The device has done what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The data call.
    CallOpened(Result<(), RadioError>),
    /// The data call.
    CallClosed,
    /// The exchange: the answer was handed in to its end, or the link failed.
    HttpEnded(Result<(), LinkError>),
    /// The prompt.
    Answered(Answer),
    /// The registration.
    Registered(Result<(), RadioError>),
    /// The time has come.
    Waited,
}
