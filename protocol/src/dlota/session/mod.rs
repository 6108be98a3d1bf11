//! A download: the URL, behind it a descriptor or the object itself, the user's consent, the object by ranges, the check, and
//! the report (`fumo-dlota.md` 2.1).
//!
//! ```text
//!            Start            descriptor            Yes
//!   Idle ───────────► First ──────────────► Confirm ─────► Object ──┐ whole
//!     │                │ ▲ the object itself: it is at the URL ▲    ▼
//!     │ memo knows     │ └── Pause ◄── link down, 5xx ─────────┘  Check
//!     │ the object ────┼───────────────────────────────────────┘    │
//!     │                │ refused, No, tries used up                 │ accepted or not
//!     │ memo has a     ▼                                            ▼
//!     └ status ─────► Report ◄────────────────────────── with an installNotifyURI
//!                        │ 2xx, or three tries                      │ without
//!                        └──────────────────► Over ◄────────────────┘
//! ```
//! Nothing here does I/O. Contract: one [`Session::handle`] (or [`Session::head`], [`Session::descriptor`]), then, if
//! [`Session::unsaved`] says so, [`Session::memo`] to flash, then [`Session::poll`] until it returns [`Output::Wait`] or
//! [`Output::End`]. `now` is the device's uptime.
//!
//! Points that the facts leave open are decided so:
//! - A `206` goes on only if it starts exactly where the stored octets end, and belongs to the same entity: `If-Range` with
//!   its strong tag, or, without one, with its date of change, which counts only if the answer's own date is another (RFC
//!   9110 8.8.2.2). Everything else starts over.
//! - The stored octets must be dropped before the memo of the new entity is kept, never after: a power cut between the two
//!   then costs a download, and cannot mix two entities.
//! - A redirect never leads from https to http. The `objectURI` of a descriptor may: the descriptor is authentic then, and
//!   the object has to prove itself by its signature.
//! - The check comes before the report, the report before the use (`fumo-dlota.md` 2.1 step 5). A report that cannot be
//!   delivered does not undo the download: [`Outcome::reported`] tells.
//! - What the user wants to be asked about later is fetched anew then, from the descriptor on.

mod head;
mod io;
#[cfg(test)]
mod tests;

use core::time::Duration;

pub use self::io::{
    Choice, Config, End, Head, Input, Memo, Offer, Outcome, Output, Request, SessionError, Stored, Take,
};
use super::limits::{MAX_ACCEPTED, MAX_DATE, MAX_DESCRIPTION, MAX_ETAG, MAX_NAME, MAX_URL, REPORT_TRIES};
use super::{DESCRIPTOR, Descriptor, Failure, REPORT, Status};
use crate::iota::resolve;
use crate::wire::{Decimal, Text};

/// What is accepted as the first answer: a descriptor, or the object itself.
const ACCEPT: &str = "application/vnd.oma.dd+xml, */*";
const _: () = assert!(DESCRIPTOR.len() < ACCEPT.len());

/// Octets of the longest report: `906 Invalid descriptor` and the line's end.
const REPORT_LEN: usize = 32;

/// A download in progress; see the [module](self) for its states.
#[derive(Debug)]
pub struct Session<'c> {
    config: Config<'c>,
    url: Text<MAX_URL>,
    /// Where the exchange at hand goes, after redirects.
    target: Text<MAX_URL>,
    object: Text<MAX_URL>,
    notify: Text<MAX_URL>,
    types: Text<MAX_ACCEPTED>,
    size: Option<u32>,
    etag: Text<MAX_ETAG>,
    modified: Text<MAX_DATE>,
    name: Text<MAX_NAME>,
    vendor: Text<MAX_NAME>,
    description: Text<MAX_DESCRIPTION>,
    range: Text<32>,
    report: Text<REPORT_LEN>,
    stored: Option<Stored>,
    /// The user has agreed, or need not be asked.
    agreed: bool,
    /// What is to be reported.
    end: Option<End>,
    failures: u8,
    random: u8,
    unsaved: bool,
    state: State,
}

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The URL the download begins at.
    First,
    /// The object behind a descriptor.
    Object,
    /// The report.
    Report,
}

/// One variant per state of the diagram.
#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    Exchange(Exchange),
    Pause { purpose: Purpose, until: Duration },
    Confirm { to_ask: bool },
    Check { to_ask: bool },
    Over(Outcome),
}

/// A request and what is known of its answer.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    purpose: Purpose,
    /// Whether it is still to be handed out.
    to_send: bool,
    /// When the head of the answer must be there.
    due: Duration,
    redirects: u8,
    verdict: Verdict,
}

/// What the head of an answer leads to, when the exchange has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// There was none.
    Silent,
    /// The body is a descriptor.
    Descriptor,
    /// The body is the object, or its rest.
    Object,
    /// The target is another one now.
    Redirected,
    /// The same once more, if a failure at all this one, after so many seconds at least.
    Again(Failure, u32),
    /// No use.
    Failed(Failure),
    /// The report has arrived.
    Reported,
}

/// What becomes of an input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reception {
    Take,
    Ignore,
    Misuse,
}

impl<'c> Session<'c> {
    /// A download from `url`.
    pub fn new(config: &Config<'c>, url: &str) -> Result<Self, SessionError> {
        Self::resume(config, &Memo { url, ..Memo::default() }, None)
    }

    /// The download that `memo` tells of, of whose object `stored` is there.
    pub fn resume(
        config: &Config<'c>,
        memo: &Memo<'_>,
        stored: Option<Stored>,
    ) -> Result<Self, SessionError> {
        Ok(Self {
            config: *config,
            url: kept(memo.url)?,
            target: kept(memo.url)?,
            object: kept(memo.object)?,
            notify: kept(memo.notify)?,
            types: kept(memo.types)?,
            size: memo.size,
            etag: kept(memo.etag)?,
            modified: kept(memo.modified)?,
            name: Text::EMPTY,
            vendor: Text::EMPTY,
            description: Text::EMPTY,
            range: Text::EMPTY,
            report: Text::EMPTY,
            stored,
            agreed: !memo.object.is_empty(),
            end: match memo.status {
                0 => None,
                status => Some(Failure::of_status(Status(status)).map_or(End::Complete, End::Failed)),
            },
            failures: 0,
            random: 0,
            unsaved: false,
            state: State::Idle,
        })
    }

    /// What must survive a restart.
    pub fn memo(&self) -> Memo<'_> {
        let agreed = |text| if self.agreed { text } else { "" };
        let status = match (self.end, &self.state) {
            (Some(end), State::Exchange(_) | State::Pause { .. }) => status_of(end).0,
            _ => 0,
        };
        Memo {
            url: self.url.as_str(),
            object: agreed(self.object.as_str()),
            notify: if status == 0 { agreed(self.notify.as_str()) } else { self.notify.as_str() },
            types: agreed(self.types.as_str()),
            size: self.size.filter(|_| self.agreed),
            etag: self.etag.as_str(),
            modified: self.modified.as_str(),
            status,
        }
    }

    /// Whether the memo has changed since this was asked last.
    pub const fn unsaved(&mut self) -> bool {
        core::mem::replace(&mut self.unsaved, false)
    }

    /// Takes what happened. `Misuse` if it makes no sense in this state, which then is unchanged.
    pub fn handle(&mut self, now: Duration, input: Input) -> Result<(), SessionError> {
        match self.reception(input) {
            Reception::Take => {
                self.state = self.take(now, input);
                Ok(())
            }
            Reception::Ignore => Ok(()),
            Reception::Misuse => Err(SessionError::Misuse),
        }
    }

    /// Which inputs each state takes.
    const fn reception(&self, input: Input) -> Reception {
        match (&self.state, input) {
            (State::Over(_), Input::Tick | Input::Abort | Input::Ended { .. })
            // An exchange that was too late ends all the same.
            | (State::Pause { .. }, Input::Ended { .. }) => Reception::Ignore,
            (State::Over(_), _) => Reception::Misuse,
            (_, Input::Tick | Input::Abort)
            | (State::Idle, Input::Start)
            | (State::Exchange(Exchange { to_send: false, .. }), Input::Ended { .. })
            | (State::Exchange(Exchange { verdict: Verdict::Object, .. }), Input::NotStored(_))
            | (State::Confirm { to_ask: false }, Input::Answered(_))
            | (State::Check { to_ask: false }, Input::Checked(_)) => Reception::Take,
            _ => Reception::Misuse,
        }
    }

    /// The next state, after an input that the state takes.
    fn take(&mut self, now: Duration, input: Input) -> State {
        match (self.state, input) {
            (State::Idle, Input::Start) => self.start(now),
            (State::Exchange(exchange), Input::Ended { stored, random }) => {
                self.random = random;
                if exchange.verdict == Verdict::Object {
                    self.stored = stored;
                }
                self.ended(now, exchange)
            }
            (State::Exchange(exchange), Input::NotStored(failure)) => {
                State::Exchange(Exchange { verdict: Verdict::Failed(failure), ..exchange })
            }
            (_, Input::Answered(choice)) => self.answered(now, choice),
            (_, Input::Checked(accepted)) => {
                self.finish(now, if accepted { End::Complete } else { End::Failed(Failure::Refused) })
            }
            // What was decided is reported another time.
            (
                State::Exchange(Exchange { purpose: Purpose::Report, .. })
                | State::Pause { purpose: Purpose::Report, .. },
                Input::Abort,
            ) => self.over(Some(false)),
            (_, Input::Abort) => self.finish(now, End::Failed(Failure::Aborted)),
            (state, _) => self.tick(now, state),
        }
    }

    /// What to do now. Before anything else it does what [`Input::Tick`] does.
    pub fn poll(&mut self, now: Duration) -> Output<'_> {
        // In no state is a tick misuse.
        let _ = self.handle(now, Input::Tick);
        match &mut self.state {
            State::Exchange(Exchange { to_send: to_issue, .. })
            | State::Confirm { to_ask: to_issue }
            | State::Check { to_ask: to_issue }
                if *to_issue =>
            {
                *to_issue = false;
                self.issue()
            }
            State::Exchange(exchange) => Output::Wait(exchange.due),
            State::Pause { until, .. } => Output::Wait(*until),
            State::Idle | State::Confirm { .. } | State::Check { .. } => Output::Wait(Duration::MAX),
            State::Over(outcome) => Output::End(*outcome),
        }
    }

    /// What [`Session::poll`] handed out and still waits for, once more: for callers that could not keep the borrow.
    pub fn outstanding(&mut self) -> Option<Output<'_>> {
        match self.state {
            State::Exchange(Exchange { to_send: false, verdict: Verdict::Silent, .. })
            | State::Confirm { to_ask: false }
            | State::Check { to_ask: false } => Some(self.issue()),
            _ => None,
        }
    }

    /// What the state wants done outside.
    fn issue(&mut self) -> Output<'_> {
        match self.state {
            State::Exchange(exchange) => Output::Send(self.request(exchange.purpose)),
            State::Confirm { .. } => Output::Confirm(Offer {
                name: self.name.as_str(),
                vendor: self.vendor.as_str(),
                description: self.description.as_str(),
                size: self.size.unwrap_or_default(),
            }),
            _ => Output::Check,
        }
    }

    /// The whole body that [`Take::Descriptor`] announced, in place of [`Input::Ended`]. `scratch` should be as large.
    pub fn descriptor(&mut self, now: Duration, body: &[u8], scratch: &mut [u8]) -> Result<(), SessionError> {
        let State::Exchange(Exchange { verdict: Verdict::Descriptor, .. }) = self.state else {
            return Err(SessionError::Misuse);
        };
        let read = match Descriptor::read(body, scratch) {
            Ok(descriptor) => self.offered(&descriptor),
            Err(fault) => {
                self.notify = fault.install_notify_uri.and_then(|url| self.place(url)).unwrap_or(Text::EMPTY);
                Err(fault.kind.failure())
            }
        };
        self.failures = 0;
        self.state = match read {
            Ok(()) if self.config.confirm => State::Confirm { to_ask: true },
            Ok(()) => self.answered(now, Choice::Yes),
            Err(failure) => self.finish(now, End::Failed(failure)),
        };
        Ok(())
    }

    /// Keeps what of a descriptor matters, and judges whether the device can take its object.
    fn offered(&mut self, descriptor: &Descriptor<'_>) -> Result<(), Failure> {
        let notify = descriptor.install_notify_uri.map(|url| self.place(url).ok_or(Failure::Descriptor));
        self.notify = notify.transpose()?.unwrap_or(Text::EMPTY);
        self.object = self.place(descriptor.object_uri).ok_or(Failure::Url)?;
        self.name = Text::cut(descriptor.name.unwrap_or_default());
        self.vendor = Text::cut(descriptor.vendor.unwrap_or_default());
        self.description = Text::cut(descriptor.description.unwrap_or_default());
        self.types = Text::EMPTY;
        for name in descriptor.types.as_slice() {
            let accepted = self.config.accepts.iter().any(|known| known.eq_ignore_ascii_case(name));
            let mut longer = self.types;
            if accepted && longer.push(if longer.is_empty() { "" } else { " " }).is_some() {
                self.types = longer.push(name).map_or(self.types, |()| longer);
            }
        }
        if self.types.is_empty() {
            return Err(Failure::Type);
        }
        let size = u32::try_from(descriptor.size).ok().filter(|size| *size <= self.config.room);
        self.size = Some(size.ok_or(Failure::NoRoom)?);
        // What may be stored belongs to another download.
        self.stored = None;
        self.etag = Text::EMPTY;
        self.modified = Text::EMPTY;
        Ok(())
    }

    /// The absolute URL that a descriptor from the target means.
    fn place(&self, url: &str) -> Option<Text<MAX_URL>> {
        let mut absolute = [0; MAX_URL];
        let url = resolve(self.target.as_str(), url, &mut absolute).filter(|url| is_http(url))?;
        Text::of(&[url])
    }

    fn start(&mut self, now: Duration) -> State {
        match (self.end, self.stored) {
            (Some(_), _) if !self.notify.is_empty() => self.exchange(now, Purpose::Report),
            (Some(_), _) => self.over(None),
            (None, Some(Stored { have, total })) if have == total => State::Check { to_ask: true },
            (None, _) if self.agreed => self.exchange(now, Purpose::Object),
            (None, _) => self.exchange(now, Purpose::First),
        }
    }

    fn answered(&mut self, now: Duration, choice: Choice) -> State {
        match choice {
            Choice::Yes => {
                self.agreed = true;
                self.unsaved = true;
                self.exchange(now, Purpose::Object)
            }
            Choice::No => self.finish(now, End::Failed(Failure::UserCancelled)),
            Choice::Later => {
                self.end = Some(End::Deferred);
                self.over(None)
            }
        }
    }

    /// A new exchange, from the beginning of its redirects.
    fn exchange(&mut self, now: Duration, purpose: Purpose) -> State {
        self.target = match purpose {
            Purpose::First => self.url,
            Purpose::Object => self.object,
            Purpose::Report => self.notify,
        };
        self.send(now, purpose, 0)
    }

    fn send(&self, now: Duration, purpose: Purpose, redirects: u8) -> State {
        let due = now.saturating_add(self.config.patience);
        State::Exchange(Exchange { purpose, to_send: true, due, redirects, verdict: Verdict::Silent })
    }

    fn tick(&mut self, now: Duration, state: State) -> State {
        match state {
            State::Exchange(exchange) if exchange.verdict == Verdict::Silent && now >= exchange.due => {
                self.again(now, exchange.purpose, Failure::TimedOut, 0)
            }
            State::Pause { purpose, until } if now >= until => self.exchange(now, purpose),
            _ => state,
        }
    }

    /// The exchange has ended.
    fn ended(&mut self, now: Duration, exchange: Exchange) -> State {
        match exchange.verdict {
            Verdict::Object if self.stored.is_some_and(|stored| stored.have == stored.total) => {
                State::Check { to_ask: true }
            }
            Verdict::Silent | Verdict::Descriptor | Verdict::Object => {
                self.again(now, exchange.purpose, Failure::LinkDown, 0)
            }
            Verdict::Again(failure, seconds) => self.again(now, exchange.purpose, failure, seconds),
            Verdict::Redirected => self.send(now, exchange.purpose, exchange.redirects.saturating_add(1)),
            Verdict::Failed(_) if exchange.purpose == Purpose::Report => self.over(Some(false)),
            Verdict::Failed(failure) => self.finish(now, End::Failed(failure)),
            Verdict::Reported => self.over(Some(true)),
        }
    }

    /// Once more after a pause, unless that was the last try.
    fn again(&mut self, now: Duration, purpose: Purpose, failure: Failure, seconds: u32) -> State {
        self.failures = self.failures.saturating_add(1);
        let reporting = purpose == Purpose::Report;
        if reporting && self.failures >= REPORT_TRIES {
            return self.over(Some(false));
        }
        if !reporting && self.config.plan.is_over(self.failures) {
            return self.finish(now, End::Failed(failure));
        }
        let pause = self.config.plan.pause(self.failures, self.random);
        let pause = pause.max(Duration::from_secs(u64::from(seconds)));
        State::Pause { purpose, until: now.saturating_add(pause) }
    }

    /// It is decided what becomes of the download; what is left is the report, if it is wanted.
    fn finish(&mut self, now: Duration, end: End) -> State {
        self.end = Some(end);
        self.failures = 0;
        if self.notify.is_empty() {
            return self.over(None);
        }
        self.unsaved = true;
        self.exchange(now, Purpose::Report)
    }

    fn over(&mut self, reported: Option<bool>) -> State {
        self.unsaved = true;
        State::Over(Outcome { end: self.end.unwrap_or(End::Failed(Failure::Aborted)), reported })
    }

    fn request(&mut self, purpose: Purpose) -> Request<'_> {
        if purpose == Purpose::Report {
            let mut body = [0; REPORT_LEN];
            let line = self.end.and_then(|end| status_of(end).report(&mut body).ok()).unwrap_or_default();
            self.report = str::from_utf8(line).ok().and_then(|line| Text::of(&[line])).unwrap_or(Text::EMPTY);
            return Request {
                post: true,
                url: self.target.as_str(),
                accept: None,
                range: None,
                if_range: None,
                content_type: Some(REPORT),
                body: self.report.as_str().as_bytes(),
            };
        }
        let from = self.offset();
        let range = from.and_then(|from| Text::of(&["bytes=", Decimal::new(from).as_str(), "-"]));
        self.range = range.unwrap_or(Text::EMPTY);
        let validator = self.etag.non_empty().or(self.modified.non_empty());
        Request {
            post: false,
            url: self.target.as_str(),
            accept: if purpose == Purpose::First { Some(ACCEPT) } else { self.accept() },
            range: self.range.non_empty(),
            if_range: validator.filter(|_| from.is_some()),
            content_type: None,
            body: &[],
        }
    }

    /// The type, if there is only one.
    fn accept(&self) -> Option<&str> {
        self.types.non_empty().filter(|types| !types.contains(|c| c == ' '))
    }

    /// Where the stored octets end; `None` if they cannot be gone on with.
    fn offset(&self) -> Option<u32> {
        let Stored { have, total } = self.stored?;
        let same = self.size.is_none_or(|size| size == total);
        let known = !self.etag.is_empty() || !self.modified.is_empty();
        (same && known && have > 0 && have < total).then_some(have)
    }
}

/// The status that is reported of an end.
const fn status_of(end: End) -> Status {
    match end {
        End::Complete => Status::SUCCESS,
        End::Failed(failure) => failure.status(),
        End::Deferred => Status::DEVICE_ABORTED,
    }
}

fn kept<const N: usize>(text: &str) -> Result<Text<N>, SessionError> {
    Text::of(&[text]).ok_or(SessionError::TooLong)
}

fn is_http(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| starts_with(url, scheme))
}

/// Whether `text` begins with `start`, without regard to case.
fn starts_with(text: &str, start: &str) -> bool {
    text.as_bytes().get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}
