//! What happens, for logs and displays: the parts of [`kedge_agent::event`] that an application acts on. Secrets are never in it.

use core::ffi::c_void;
use core::time::Duration;

use kedge_agent::event::{Event, Events};

use crate::ports::milliseconds;
use crate::text::KedgeText;

/// What happened.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedgeEventKind {
    /// The agent started.
    Started = 0,
    /// A trigger arrived; `text` is the URL.
    Triggered = 1,
    /// Content was refused or is malformed; `text` is its media type.
    ContentRefused = 2,
    /// The data call was opened (`number` 1) or not (0).
    DataCall = 3,
    /// The data call was closed.
    DataCallClosed = 4,
    /// A session began; `text` is its URL.
    SessionStarted = 5,
    /// A request goes out: `text` is the URL, `more` the body.
    Request = 6,
    /// The network answered: `number` is the HTTP status, `text` the media type, `more` the body.
    Reply = 7,
    /// An exchange failed.
    LinkDown = 8,
    /// Staged data is now permanent.
    Committed = 9,
    /// A session ended; `number` is the session-end reason, `total` the code behind it.
    SessionEnded = 10,
    /// The session is tried again after `number` milliseconds.
    RetryIn = 11,
    /// The agent gave up on a session; numbers as for a session that ended.
    GaveUp = 12,
    /// A package download progresses: `number` of `total` octets are there.
    Downloading = 13,
    /// The package is complete and verified; `text` is the version it leads to, `number` its octets.
    PackageVerified = 14,
    /// The package was refused before anything was erased.
    PackageRefused = 15,
    /// The radio has registered (`number` 1) or not (0).
    Registered = 16,
    /// A result was reported; `number` is the state.
    Reported = 17,
    /// An IS-683 message was processed: `text` from the network, `more` the answer.
    Is683 = 18,
    /// The device restarts.
    Restarting = 19,
    /// Something else; nothing to act on.
    Other = 20,
}

/// What happened.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeEvent {
    /// What it is about.
    pub kind: KedgeEventKind,
    /// See the kind.
    pub text: KedgeText,
    /// See the kind.
    pub more: KedgeText,
    /// See the kind.
    pub number: u32,
    /// See the kind.
    pub total: u32,
}

impl KedgeEvent {
    const fn new(kind: KedgeEventKind) -> Self {
        Self { kind, text: KedgeText::EMPTY, more: KedgeText::EMPTY, number: 0, total: 0 }
    }

    fn text(self, text: &str) -> Self {
        Self { text: text.into(), ..self }
    }

    const fn more(self, more: &[u8]) -> Self {
        Self { more: KedgeText::of(more), ..self }
    }

    const fn numbers(self, number: u32, total: u32) -> Self {
        Self { number, total, ..self }
    }
}

impl From<&Event<'_>> for KedgeEvent {
    fn from(event: &Event<'_>) -> Self {
        use KedgeEventKind as Kind;
        match *event {
            Event::Started { .. } => Self::new(Kind::Started),
            Event::Triggered { url, .. } => Self::new(Kind::Triggered).text(url),
            Event::ContentRefused { media_type, .. } | Event::ContentMalformed { media_type, .. } => {
                Self::new(Kind::ContentRefused).text(media_type)
            }
            Event::DataCall(result) => Self::new(Kind::DataCall).numbers(result.is_ok().into(), 0),
            Event::DataCallClosed => Self::new(Kind::DataCallClosed),
            Event::SessionStarted { url, .. } => Self::new(Kind::SessionStarted).text(url),
            Event::Request { url, body, .. } => Self::new(Kind::Request).text(url).more(body),
            Event::Reply { status, content_type, body, .. } => {
                Self::new(Kind::Reply).text(content_type).more(body).numbers(status.into(), 0)
            }
            Event::LinkDown(_) => Self::new(Kind::LinkDown),
            Event::Committed(_) => Self::new(Kind::Committed),
            Event::SessionEnded { reason, error } => {
                Self::new(Kind::SessionEnded).numbers(reason.0.into(), error.into())
            }
            Event::RetryIn(pause) => {
                let pause = u32::try_from(milliseconds(pause)).unwrap_or(u32::MAX);
                Self::new(Kind::RetryIn).numbers(pause, 0)
            }
            Event::GaveUp { reason, error } => Self::new(Kind::GaveUp).numbers(reason.0.into(), error.into()),
            Event::Downloading { have, total } => Self::new(Kind::Downloading).numbers(have, total),
            Event::PackageVerified { version, len } => {
                Self::new(Kind::PackageVerified).text(version).numbers(len, 0)
            }
            Event::PackageRefused(_) => Self::new(Kind::PackageRefused),
            Event::Registered(result) => Self::new(Kind::Registered).numbers(result.is_ok().into(), 0),
            Event::Reported { state } => Self::new(Kind::Reported).numbers(state.into(), 0),
            Event::Is683 { forward, reverse } => {
                let event = Self::new(Kind::Is683).more(reverse.unwrap_or_default());
                Self { text: KedgeText::of(forward), ..event }
            }
            Event::Restarting(_) => Self::new(Kind::Restarting),
            _ => Self::new(Kind::Other),
        }
    }
}

/// Where events go.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeEvents {
    /// For the functions.
    pub context: *mut c_void,
    /// Optional: takes an event, which happened at this uptime. May not call the agent.
    pub event: Option<unsafe extern "C" fn(context: *mut c_void, uptime_ms: u64, event: *const KedgeEvent)>,
}

impl Events for KedgeEvents {
    fn event(&mut self, now: Duration, event: &Event<'_>) {
        let Some(take) = self.event else { return };
        let event = KedgeEvent::from(event);
        // SAFETY: the event is there during the call.
        unsafe { take(self.context, milliseconds(now), &raw const event) }
    }
}
