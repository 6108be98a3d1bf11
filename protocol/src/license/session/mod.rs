//! The conversation with a provisioning server (section 4): one request, redirects, an answer by its type, and the report.
//!
//! ```text
//!              redirect, 8 at most            202
//!             ┌──────────┐              ┌──────────┐
//!             ▼          │  user-action │          ▼
//!  new ──► Exchange ─────┴────────────► Polling ──► Exchange (poll)
//!             │ document                                │ document
//!             ▼                                         ▼
//!          Installing ── Installed ──► Exchange (report) ──► Over
//!             │ ▲ Unsealed: once more, with what was inside
//!             │ Refused                     any other answer, timers, LinkDown, Abort ──► Over, from every state
//!             └──────────────────────────────────────────────────────────────────────────►
//! ```
//! Nothing here does I/O. Contract: one [`Session::handle`], then [`Session::poll`] until it returns [`Output::Wait`] or
//! [`Output::End`]. `now` is the device's uptime. Whatever the server sends ends at worst the session; no answer but a
//! document that was accepted changes the license. An error of `handle` means that the *caller* broke the order.
//!
//! The receive buffer takes answers: its length is the largest document. The URL buffer holds the URL at hand, the one that
//! follows, and where reports go.
//! Cookies are kept if there is memory for them ([`Session::keep_cookies`]).

mod cookies;
mod io;

use core::time::Duration;

use self::cookies::Jar;
pub use self::cookies::{COOKIE_OCTETS, MAX_COOKIES};
pub use self::io::{Config, Input, Method, NotBegun, Outcome, Output, Reply, Request, SessionError};
use super::answer::{PROBLEM, Problem, UserAction};
use super::limits::{ANSWER, MAX_HOPS, MAX_URL, TRANSACTION, USER_SESSION};
use super::report::REPORT_MAX;
use super::retry::retry_after;
use super::url::{hash, resolve};
use super::{Kind, MediaName, State};
use crate::mime::MediaType;
use crate::wire::Text;

/// Octets of the URL buffer: the URL at hand, the next one, and the entry URL without its query.
pub const URL_BUFFER: usize = 2 * MAX_URL + ENTRY_MAX;
/// Longest entry URL without its query.
const ENTRY_MAX: usize = 256;
/// Smallest receive buffer: holds a report, and small documents.
const MIN_RECEIVE: usize = 512;
/// Longest Accept: three types and a page for people.
const MAX_ACCEPT: usize = 256;
/// Longest media type that is handed out.
const MAX_KIND: usize = 80;
/// Media types of a page for people.
const PAGES: [&str; 4] =
    ["text/html", "application/xhtml+xml", "text/vnd.wap.wml", "application/vnd.wap.wmlc"];
/// Media types of OMA Client Provisioning.
const CLIENT_PROVISIONING: [&str; 2] =
    ["text/vnd.wap.connectivity-xml", "application/vnd.wap.connectivity-wbxml"];

/// A session in progress; see the [module](self).
#[derive(Debug)]
pub struct Session<'b> {
    config: Config<'b>,
    rx: &'b mut [u8],
    /// The URL at hand, and behind it the place where the next one is made, which begins with where reports go.
    urls: &'b mut [u8],
    url_len: usize,
    entry_len: usize,
    accept: Text<MAX_ACCEPT>,
    cookies: Option<Jar<'b>>,
    /// Media type of what is handed out.
    kind: Text<MAX_KIND>,
    /// When the session ends, and when a session with a user would.
    end: Duration,
    user_end: Duration,
    /// What was asked in this chain of redirects.
    seen: [u64; MAX_HOPS + 1],
    state: StateOf,
}

/// One variant per state of the diagram.
#[derive(Clone, Copy, Debug)]
enum StateOf {
    Exchange(Exchange),
    Polling { until: Duration, interval: Duration, to_show: Option<usize> },
    Installing(Installing),
    Handing { browse: bool, len: usize, handed: bool },
    Over(Outcome),
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    purpose: Purpose,
    method: Method,
    to_send: bool,
    due: Duration,
    hops: usize,
    /// Octets of a POST's body, at the front of the receive buffer.
    body: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Entry,
    Poll {
        interval: Duration,
    },
    /// The state that the document brought; `None`: a report that was left from another session.
    Report(Option<State>),
}

/// A document that was handed out.
#[derive(Clone, Copy, Debug)]
struct Installing {
    /// Where it stands in the receive buffer.
    at: usize,
    len: usize,
    sealed: bool,
    handed: bool,
}

impl<'b> Session<'b> {
    /// A session that asks at `entry`, the entry URL with its token, and reports to the same path with `/ack` behind it.
    ///
    /// `rx` takes answers, `urls` must have [`URL_BUFFER`] octets.
    pub fn request(
        config: Config<'b>,
        entry: &str,
        now: Duration,
        rx: &'b mut [u8],
        urls: &'b mut [u8],
    ) -> Result<Self, NotBegun<'b>> {
        Self::new(config, entry, Purpose::Entry, Method::Get, 0, now, rx, urls)
    }

    /// A session that only delivers `report`, to the `/ack` of the entry URL `entry`: one that an earlier session could not.
    pub fn report(
        config: Config<'b>,
        entry: &str,
        report: &[u8],
        now: Duration,
        rx: &'b mut [u8],
        urls: &'b mut [u8],
    ) -> Result<Self, NotBegun<'b>> {
        let len = report.len();
        if len > rx.len() {
            return Err((SessionError::NoRoom { needed: REPORT_MAX }, (rx, urls)));
        }
        for (to, from) in rx.iter_mut().zip(report) {
            *to = *from;
        }
        let mut session = Self::new(config, entry, Purpose::Report(None), Method::Post, len, now, rx, urls)?;
        match session.turn_to_ack() {
            Some(()) => Ok(session),
            None => Err((SessionError::BadConfig, session.into_buffers())),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "private: what the two public ones differ in")]
    fn new(
        config: Config<'b>,
        entry: &str,
        purpose: Purpose,
        method: Method,
        body: usize,
        now: Duration,
        rx: &'b mut [u8],
        urls: &'b mut [u8],
    ) -> Result<Self, NotBegun<'b>> {
        let accept = match check(&config, entry, (rx.len(), urls.len())) {
            Ok(accept) => accept,
            Err(error) => return Err((error, (rx, urls))),
        };
        let end = now.saturating_add(TRANSACTION);
        let user_end = now.saturating_add(USER_SESSION);
        let due = now.saturating_add(ANSWER);
        let exchange = Exchange { purpose, method, to_send: true, due, hops: 0, body };
        let state = StateOf::Exchange(exchange);
        let (url_len, seen) = (entry.len(), [0; MAX_HOPS + 1]);
        for (to, from) in urls.iter_mut().zip(entry.bytes()) {
            *to = from;
        }
        let mut session = Self {
            config,
            rx,
            urls,
            url_len,
            entry_len: 0,
            accept,
            cookies: None,
            kind: Text::EMPTY,
            end,
            user_end,
            seen,
            state,
        };
        if session.keep_entry().is_none() {
            return Err((SessionError::BadConfig, session.into_buffers()));
        }
        session.note(&exchange);
        Ok(session)
    }

    /// Keeps the cookies of this transaction in `room`, [`COOKIE_OCTETS`] of it at most. Without memory none are kept.
    pub const fn keep_cookies(&mut self, room: &'b mut [u8]) {
        self.cookies = Some(Jar::new(room));
    }

    /// Ends the keeping of cookies: their memory back, if any was lent.
    pub fn forget_cookies(&mut self) -> Option<&'b mut [u8]> {
        self.cookies.take().map(Jar::into_room)
    }

    /// The answer that is coming in has this header Set-Cookie; each of them is told by itself, before [`Input::Reply`].
    pub fn cookie(&mut self, set_cookie: &str) {
        if let (StateOf::Exchange(_), Some(jar)) = (&self.state, &mut self.cookies) {
            jar.hear(text(self.urls, self.url_len), set_cookie);
        }
    }

    /// The buffers back.
    pub fn into_buffers(self) -> (&'b mut [u8], &'b mut [u8]) {
        (self.rx, self.urls)
    }

    /// Where the body of an answer goes before it is announced by [`Input::Reply`]. Its length is the largest body that is
    /// taken. While a report is sent it is what the report leaves, for a redirect may ask for it again.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        let kept = if let StateOf::Exchange(exchange) = &self.state { exchange.body } else { 0 };
        self.rx.get_mut(kept..).unwrap_or_default()
    }

    /// Takes what happened. `Misuse` if it makes no sense in this state, which then is unchanged.
    pub fn handle(&mut self, now: Duration, input: Input<'_>) -> Result<(), SessionError> {
        let next = match (self.state, input) {
            (StateOf::Over(_), Input::Tick | Input::LinkDown | Input::Abort) => return Ok(()),
            (StateOf::Exchange(Exchange { to_send: false, .. }), Input::Reply(_))
            | (
                StateOf::Installing(Installing { handed: true, .. }),
                Input::Installed { .. } | Input::Refused(_),
            )
            | (StateOf::Installing(Installing { sealed: true, handed: true, .. }), Input::Unsealed { .. })
            | (StateOf::Exchange(_), Input::LinkDown)
            | (_, Input::Tick | Input::Abort) => self.take(now, input),
            (_, Input::LinkDown) => return Ok(()),
            _ => return Err(SessionError::Misuse),
        };
        self.state = next.unwrap_or_else(StateOf::Over);
        Ok(())
    }

    /// What to do now. Before anything else it does what [`Input::Tick`] does.
    pub fn poll(&mut self, now: Duration) -> Output<'_> {
        // In no state is a tick misuse.
        let _ = self.handle(now, Input::Tick);
        if let (StateOf::Handing { handed: true, .. }, Output::End(outcome)) = (self.state, self.peek()) {
            self.state = StateOf::Over(outcome);
        }
        let state = self.state;
        match &mut self.state {
            StateOf::Exchange(exchange) => exchange.to_send = false,
            StateOf::Polling { to_show, .. } => *to_show = None,
            StateOf::Installing(Installing { handed, .. }) | StateOf::Handing { handed, .. } => {
                *handed = true;
            }
            StateOf::Over(_) => {}
        }
        self.output(&state)
    }

    /// What [`Self::poll`] would say if no time had passed. Nothing counts as done by it.
    pub fn peek(&self) -> Output<'_> {
        self.output(&self.state)
    }

    /// What to do in `state`, which is that before the call.
    fn output(&self, state: &StateOf) -> Output<'_> {
        let body = |len: usize| self.rx.get(..len).unwrap_or_default();
        match state {
            StateOf::Exchange(exchange) if exchange.to_send => Output::Send(self.outgoing(exchange)),
            StateOf::Exchange(exchange) => Output::Wait(exchange.due.min(self.end)),
            StateOf::Polling { until, to_show, .. } => {
                // it was read before, when it came
                let action = to_show.and_then(|len| UserAction::parse(body(len)).ok());
                action.map_or(Output::Wait((*until).min(self.end)), Output::Show)
            }
            StateOf::Installing(Installing { handed: true, .. }) => Output::Wait(Duration::MAX),
            StateOf::Installing(Installing { len, sealed: true, .. }) => {
                Output::Unseal { sealed: body(*len) }
            }
            StateOf::Installing(Installing { at, len, .. }) => {
                let document = self.rx.get(*at..).and_then(|rest| rest.get(..*len)).unwrap_or_default();
                Output::Install { media_type: self.kind.as_str(), document }
            }
            StateOf::Handing { browse, handed: true, .. } => {
                Output::End(if *browse { Outcome::HandedOver } else { Outcome::Dispatched })
            }
            StateOf::Handing { browse: true, .. } => Output::Browse(text(self.urls, self.url_len)),
            StateOf::Handing { len, .. } => {
                Output::Dispatch { media_type: self.kind.as_str(), body: body(*len) }
            }
            StateOf::Over(outcome) => Output::End(*outcome),
        }
    }

    /// The next state, after an input that the state takes; an error is the end.
    fn take(&mut self, now: Duration, input: Input<'_>) -> Result<StateOf, Outcome> {
        let installed = |state| Outcome::Installed { state, reported: false };
        // what is installed stays installed, whatever becomes of its report
        let failed = |purpose, outcome| match (purpose, outcome) {
            (_, Outcome::Installed { .. }) => outcome,
            (Purpose::Report(Some(state)), _) => installed(state),
            _ => outcome,
        };
        match (self.state, input) {
            (StateOf::Exchange(exchange), Input::Abort) => Err(failed(exchange.purpose, Outcome::Aborted)),
            (_, Input::Abort) => Err(Outcome::Aborted),
            (StateOf::Exchange(exchange), Input::LinkDown) => lost(now, &exchange),
            (StateOf::Exchange(exchange), Input::Reply(reply)) => {
                self.reply(now, &exchange, &reply).map_err(|outcome| failed(exchange.purpose, outcome))
            }
            (StateOf::Installing(_), Input::Installed { state, report }) => {
                self.begin_report(now, state, report).ok_or(installed(state))
            }
            (StateOf::Installing(_), Input::Unsealed { at, len }) => {
                let name: Option<MediaName> = Kind::Provisioning.name(self.config.vendor);
                let kind = name.and_then(|name| Text::of(&[name.as_str()]));
                self.kind = kind.ok_or(Outcome::BadAnswer)?;
                Ok(StateOf::Installing(Installing { at, len, sealed: false, handed: false }))
            }
            (StateOf::Installing(_), Input::Refused(refusal)) => Err(Outcome::Refused(refusal)),
            (StateOf::Exchange(exchange), _) if now >= exchange.due.min(self.end) => {
                if matches!(exchange.purpose, Purpose::Poll { .. }) && now < self.end {
                    return lost(now, &exchange);
                }
                Err(failed(exchange.purpose, Outcome::TimedOut))
            }
            (StateOf::Polling { .. }, _) if now >= self.end => Err(Outcome::TimedOut),
            (StateOf::Polling { until, interval, .. }, _) if now >= until => Ok(self.ask(now, interval)),
            (state, _) => Ok(state),
        }
    }

    /// An answer, by its status.
    fn reply(&mut self, now: Duration, exchange: &Exchange, reply: &Reply<'_>) -> Result<StateOf, Outcome> {
        match reply.status {
            301 | 302 | 303 | 307 | 308 => return self.redirect(now, exchange, reply),
            _ => {}
        }
        if let Purpose::Report(state) = exchange.purpose {
            return match (reply.status, state) {
                (200..=299, Some(state)) => Err(Outcome::Installed { state, reported: true }),
                (200..=299, None) => Err(Outcome::Reported),
                (status, _) => Err(Outcome::Http { status, retry_after: reply.retry_after.map(retry_after) }),
            };
        }
        match (reply.status, exchange.purpose) {
            (202, Purpose::Poll { interval }) => {
                Ok(StateOf::Polling { until: now.saturating_add(interval), interval, to_show: None })
            }
            (204, _) => Err(Outcome::NothingToDo),
            (200 | 400.., _) => self.body(now, reply),
            (status, _) => Err(Outcome::Http { status, retry_after: None }),
        }
    }

    /// An answer with a body, by its type.
    fn body(&mut self, now: Duration, reply: &Reply<'_>) -> Result<StateOf, Outcome> {
        let after = reply.retry_after.map(retry_after);
        let http = Outcome::Http { status: reply.status, retry_after: after };
        let kind = reply.content_type.and_then(|text| MediaType::parse(text).ok()).filter(|_| !reply.encoded);
        if reply.status != 200 {
            let body = self.rx.get(..reply.len).filter(|_| kind.is_some_and(|kind| kind.is(PROBLEM)));
            let problem = body.and_then(|body| Problem::parse(body).ok());
            return Err(problem.map_or(http, |problem| Outcome::Problem {
                code: problem.code,
                status: reply.status,
                retry_after: after,
            }));
        }
        let kind = kind.ok_or(Outcome::BadAnswer)?;
        if PAGES.iter().any(|page| kind.is(page)) {
            // the browser fetches it itself
            let handing = StateOf::Handing { browse: true, len: 0, handed: false };
            return if self.config.browser { Ok(handing) } else { Err(Outcome::NeedsBrowser) };
        }
        if reply.len > self.rx.len() {
            return Err(Outcome::TooBig);
        }
        self.kind = Text::of(&[kind.essence()]).ok_or(Outcome::BadAnswer)?;
        let vendor = self.config.vendor;
        if CLIENT_PROVISIONING.iter().any(|page| kind.is(page)) {
            return Ok(StateOf::Handing { browse: false, len: reply.len, handed: false });
        }
        if Kind::UserAction.is_type(vendor, &kind) {
            return self.user_action(now, reply.len);
        }
        let sealed = Kind::Sealed.is_type(vendor, &kind);
        if sealed || Kind::Provisioning.is_type(vendor, &kind) {
            return Ok(StateOf::Installing(Installing { at: 0, len: reply.len, sealed, handed: false }));
        }
        Err(Outcome::BadAnswer)
    }

    /// The user has to do something elsewhere: show it, and ask from time to time.
    fn user_action(&mut self, now: Duration, len: usize) -> Result<StateOf, Outcome> {
        let body = self.rx.get(..len).unwrap_or_default();
        let action = UserAction::parse(body).map_err(|_| Outcome::BadAnswer)?;
        let (interval, lifetime) = (action.interval, action.lifetime);
        let (url, room) = halves(self.urls, self.entry_len);
        let base = text(url, self.url_len);
        let poll = resolve(base, action.poll_url, room).ok_or(Outcome::BadAnswer)?;
        self.config.allowed.check(poll, Some(base)).map_err(Outcome::Url)?;
        self.url_len = poll.len();
        copy(room, self.url_len, url);
        self.end = now.saturating_add(lifetime).min(self.user_end);
        Ok(StateOf::Polling { until: now.saturating_add(interval), interval, to_show: Some(len) })
    }

    fn ask(&mut self, now: Duration, interval: Duration) -> StateOf {
        let exchange = Exchange {
            purpose: Purpose::Poll { interval },
            method: Method::Get,
            to_send: true,
            due: now.saturating_add(ANSWER),
            hops: 0,
            body: 0,
        };
        self.note(&exchange);
        StateOf::Exchange(exchange)
    }

    /// Section 4.3.
    fn redirect(
        &mut self,
        now: Duration,
        exchange: &Exchange,
        reply: &Reply<'_>,
    ) -> Result<StateOf, Outcome> {
        let hops = exchange.hops.saturating_add(1);
        let location = reply.location.filter(|location| location.len() <= MAX_URL);
        let location = location.filter(|_| hops <= MAX_HOPS).ok_or(Outcome::BadRedirect)?;
        let (url, room) = halves(self.urls, self.entry_len);
        let base = text(url, self.url_len);
        let next = resolve(base, location, room).ok_or(Outcome::BadRedirect)?;
        self.config.allowed.check(next, Some(base)).map_err(Outcome::Url)?;
        self.url_len = next.len();
        copy(room, self.url_len, url);
        let method = if matches!(reply.status, 307 | 308) { exchange.method } else { Method::Get };
        let due = now.saturating_add(ANSWER);
        let next = Exchange { method, to_send: true, due, hops, ..*exchange };
        if !self.note(&next) {
            return Err(Outcome::RedirectLoop);
        }
        Ok(StateOf::Exchange(next))
    }

    /// A document was installed: its report, if one is due and it can be sent.
    fn begin_report(&mut self, now: Duration, state: State, report: &[u8]) -> Option<StateOf> {
        let place = self.rx.get_mut(..report.len()).filter(|place| !place.is_empty())?;
        for (to, from) in place.iter_mut().zip(report) {
            *to = *from;
        }
        self.turn_to_ack()?;
        self.end = self.end.max(now.saturating_add(ANSWER));
        let exchange = Exchange {
            purpose: Purpose::Report(Some(state)),
            method: Method::Post,
            to_send: true,
            due: now.saturating_add(ANSWER),
            hops: 0,
            body: report.len(),
        };
        self.note(&exchange);
        Some(StateOf::Exchange(exchange))
    }

    /// Keeps the entry URL without its query, for the report.
    fn keep_entry(&mut self) -> Option<()> {
        let end = self.urls.iter().take(self.url_len).position(|octet| *octet == b'?');
        self.entry_len = end.or(Some(self.url_len)).filter(|len| *len <= ENTRY_MAX)?;
        let (url, kept) = halves(self.urls, 0);
        copy(url, self.entry_len, kept);
        Some(())
    }

    /// Makes the URL at hand the one for reports.
    fn turn_to_ack(&mut self) -> Option<()> {
        let (url, kept) = halves(self.urls, 0);
        copy(kept, self.entry_len, url);
        let place = url.get_mut(self.entry_len..)?.first_chunk_mut::<{ ACK.len() }>()?;
        *place = *ACK;
        self.url_len = self.entry_len.saturating_add(ACK.len());
        Some(())
    }

    /// Remembers a request; whether it is a new one in its chain of redirects.
    fn note(&mut self, exchange: &Exchange) -> bool {
        let hash = hash(exchange.method as u8, text(self.urls, self.url_len));
        let known = self.seen.iter().take(exchange.hops).any(|seen| *seen == hash);
        if let Some(place) = self.seen.get_mut(exchange.hops) {
            *place = hash;
        }
        !known
    }

    fn outgoing(&self, exchange: &Exchange) -> Request<'_> {
        let post = exchange.method == Method::Post;
        let body = if post { exchange.body } else { 0 };
        Request {
            method: exchange.method,
            url: text(self.urls, self.url_len),
            accept: self.accept.as_str(),
            language: self.config.language,
            user_agent: self.config.user_agent,
            cookies: self.cookies.as_ref().and_then(|jar| jar.header(text(self.urls, self.url_len))),
            content_type: post.then_some(COSE),
            body: self.rx.get(..body).unwrap_or_default(),
            deadline: exchange.due.min(self.end),
        }
    }
}

/// Whether a session can be made of this; its `Accept`.
fn check(
    config: &Config<'_>,
    entry: &str,
    (receive, urls): (usize, usize),
) -> Result<Text<MAX_ACCEPT>, SessionError> {
    if receive < MIN_RECEIVE {
        return Err(SessionError::NoRoom { needed: MIN_RECEIVE });
    }
    if urls < URL_BUFFER {
        return Err(SessionError::NoRoom { needed: URL_BUFFER });
    }
    config.allowed.check(entry, None).map_err(|_| SessionError::BadConfig)?;
    let graphic = |text: &str| text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    if !graphic(config.user_agent) || !config.language.is_none_or(graphic) {
        return Err(SessionError::BadConfig);
    }
    accept(config).ok_or(SessionError::BadConfig)
}

/// The link failed: a poll is tried again after its interval, everything else ends.
fn lost(now: Duration, exchange: &Exchange) -> Result<StateOf, Outcome> {
    match exchange.purpose {
        Purpose::Poll { interval } => {
            Ok(StateOf::Polling { until: now.saturating_add(interval), interval, to_show: None })
        }
        Purpose::Report(Some(state)) => Err(Outcome::Installed { state, reported: false }),
        _ => Err(Outcome::LinkDown),
    }
}

/// What stands behind the entry path for reports.
const ACK: &[u8; 4] = b"/ack";
/// Media type of a report's frame (RFC 9052 §2).
const COSE: &str = "application/cose; cose-type=\"cose-sign1\"";

fn text(octets: &[u8], len: usize) -> &str {
    octets.get(..len).and_then(|octets| str::from_utf8(octets).ok()).unwrap_or_default()
}

/// The place of the URL at hand, and what of the rest lies behind `from`.
fn halves(urls: &mut [u8], from: usize) -> (&mut [u8], &mut [u8]) {
    let (url, rest) = urls.split_at_mut_checked(MAX_URL).unwrap_or_default();
    (url, rest.get_mut(from..).unwrap_or_default())
}

fn copy(from: &[u8], len: usize, to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from.iter().take(len)) {
        *to = *from;
    }
}

/// What answers are wanted (section 4.1).
fn accept(config: &Config<'_>) -> Option<Text<MAX_ACCEPT>> {
    let name = |kind: Kind| kind.name(config.vendor);
    let (document, action): (MediaName, MediaName) = (name(Kind::Provisioning)?, name(Kind::UserAction)?);
    let page = if config.browser { ", text/html;q=0.5" } else { "" };
    Text::of(&[document.as_str(), ", ", action.as_str(), ";q=0.9, ", PROBLEM, ";q=0.8", page])
}
