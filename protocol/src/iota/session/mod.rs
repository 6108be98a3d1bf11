//! The IOTA session (`iota.md` B6, B7): one GET, then a POST for every document, until the server ends it.
//!
//! ```text
//!                     503, once per request
//!                   ┌───── Pause ◄─────┐
//!            Start  ▼                  │      204, empty 200, other status,
//!   Idle ──────► Exchange ─────────────┴───── no trust, bad body, no answer ──┐
//!     │            │   ▲  ▲ │ redirect; POST again after a lost answer,       │
//!     │            │   │  └─┘ or when its document comes once more            │
//!     │   document │   │ all commands done: POST                              ▼
//!     │            ▼   │                                                     Over
//!     └─────────► Execute ─────────────────── disconnect ─────────────────────▲
//!       Pushed     │   ▲                                                      │
//!                  └───┘ Done: next command        Abort, session timeout ────┘ from every state
//! ```
//! Nothing here does I/O. Contract: one [`Session::handle`], then [`Session::poll`] until it returns
//! [`Output::Wait`] or [`Output::End`]. `now` is the device's uptime. Whatever the server sends ends at worst the session
//! ([`Outcome`]); an error of `handle` means that the *caller* broke the order, and changes nothing.
//!
//! Points that `iota.md` leaves open are decided so:
//! - `disconnect` ends the session at once: results of earlier commands in the same document are not sent, since nothing
//!   could answer them. After a failure with `onerror="stop"` it is not executed, and the results are sent.
//! - A GET is not repeated here: whoever runs sessions starts a new one. Lost: [`EndReason::NO_SERVICE`]; no answer in
//!   time: [`EndReason::HTTP`] with error 0. The same for a POST after its repeats.
//! - A document under another session token, or a document number that is neither the last nor the next, is
//!   [`EndReason::MMC`] with [`ResultCode::NEW_DOC_ARRIVED`]. The first number is 1.
//! - A Location that begins with a slash is taken relative to the URL that answered.
//!
//! Buffers: the last [`Codec::SCRATCH`] octets of `rx`, but not more than its half, are work space, the rest takes the body, so a
//! body that is as large as all of that still works, but its base64 values then come back as `TOO_BIG`. `tx` takes the answer; a
//! result whose value does not fit it is reported as `TOO_BIG` too. [`limits`](super::limits) is what a server may rely on
//! (`iota.md` B1); a device whose buffers are smaller takes less: a document whose texts do not fit the work space, or with
//! more commands than `tx` has room for results, ends the session with [`ResultCode::TOO_BIG`] before any is executed. For IS-683
//! messages one by one, a roaming list in segments included, 2 KiB and 1 KiB do.

mod answer;
mod io;
mod received;
#[cfg(test)]
mod tests;

use core::time::Duration;

use self::answer::{Answers, Body, Form, min_room};
pub use self::io::{
    Command, CommandResult, Config, Headers, Input, Method, Outcome, Output, Reason, Reply, Request,
    SessionError, Value,
};
use self::received::{Ending, Received, ending, is_reference};
use super::limits::{
    MAX_DOMAIN, MAX_ECHOES, MAX_IDENTITY, MAX_REDIRECTS, MAX_REPEATS, MAX_RETRY_AFTER, MAX_SESSION, MAX_URL,
};
use super::{Checked, Codec, EndReason, IS683_OBJECT, OnError, ResultCode, TrustedDomain, Verb, resolve};
use crate::wire::{Text, hex};

/// Smallest receive buffer: an IS-683 message with the largest parameter block and what MMC adds, twice, once as body and once
/// as work space.
const MIN_RECEIVE: usize = 1024;
/// How many commands a document may have that a session with the smallest send buffer takes.
const MIN_COMMANDS: usize = 8;

/// What a session ends with that the server is not to blame for.
const INTERNAL: Ending = ending(EndReason::INTERNAL, ResultCode::UNKNOWN_ERROR);

/// A session in progress; see the [module](self) for its states. It speaks the vocabulary `C`, of which it knows only what
/// [`Codec`] says; [`super::mmc::Session`] is the one to use.
#[derive(Debug)]
pub struct Session<'b, C> {
    rx: &'b mut [u8],
    tx: &'b mut [u8],
    device: Device,
    connection_timeout: Duration,
    /// The session timeout.
    patience: Duration,
    /// Uptime at which the session ends; set when it starts.
    end: Duration,
    url: Text<MAX_URL>,
    token: Text<MAX_SESSION>,
    last_doc: u16,
    echoes: u8,
    answer: Option<Body>,
    foreign: bool,
    mmc_committed: bool,
    state: State,
    /// What [`State::Execute`] works on. It lies beside the state, which is taken out and put back with every input.
    document: Option<Document<C>>,
}

/// What does not change.
#[derive(Debug)]
struct Device {
    user_agent: Text<{ 3 * MAX_IDENTITY + 2 }>,
    esn: Text<8>,
    meid: Text<14>,
    reason: Reason,
    trusted: Text<MAX_URL>,
    subdomains: bool,
}

/// One variant per state of the diagram.
#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    Exchange(Exchange),
    Pause { exchange: Exchange, until: Duration },
    Execute(Execute),
    Over(Outcome),
}

/// What becomes of an input.
#[derive(Clone, Copy)]
enum Verdict {
    Take,
    Ignore,
    Misuse,
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    method: Method,
    /// Whether it is still to be handed out.
    to_send: bool,
    due: Duration,
    redirects: u8,
    repeats: u8,
    paused: bool,
}

/// A document, and the answer that grows as its commands are executed.
#[derive(Clone, Copy, Debug)]
struct Document<C> {
    received: Received<C>,
    answers: Answers<C>,
}

/// A document's commands are executed one after the other.
#[derive(Clone, Copy, Debug)]
struct Execute {
    /// The command at hand, counted from 0.
    number: usize,
    /// Whether it is still to be handed out.
    to_issue: bool,
    /// A command failed and said stop.
    stopped: bool,
}

/// The command at hand, without its value.
#[derive(Clone, Copy, Debug)]
struct Pending {
    id: u16,
    verb: Verb,
    on_error: OnError,
    reboot: bool,
    form: Form,
}

impl<'b, C: Codec> Session<'b, C> {
    /// Prepares a session; `config` is copied.
    ///
    /// `rx` must have room for the largest body wanted and [`Codec::SCRATCH`] more, at least 1 KiB; `tx` for the answer to the
    /// largest document wanted, at least of 8 commands. For MMC that is 704 octets, and 4736 for the 64 commands that a server
    /// may send. Texts of `config` that are too long or illegal are `BadConfig`.
    pub fn new(config: &Config<'_>, rx: &'b mut [u8], tx: &'b mut [u8]) -> Result<Self, SessionError> {
        for (len, needed) in [(rx.len(), MIN_RECEIVE), (tx.len(), min_room::<C>(MIN_COMMANDS))] {
            if len < needed {
                return Err(SessionError::NoRoom { needed });
            }
        }
        Ok(Self {
            rx,
            tx,
            device: Device::new(config)?,
            connection_timeout: config.connection_timeout,
            patience: config.session_timeout,
            end: Duration::MAX,
            url: Text::of(&[config.start_url]).ok_or(SessionError::BadConfig)?,
            token: Text::EMPTY,
            last_doc: 0,
            echoes: 0,
            answer: None,
            foreign: false,
            mmc_committed: false,
            state: State::Idle,
            document: None,
        })
    }

    /// Where the body of an answer, or a pushed document, goes before it is announced by [`Input::Reply`] or
    /// [`Input::Pushed`]. Its length is the largest body that is taken. The content is lost; so do not ask for it while
    /// a command is executed.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        let capacity = Received::<C>::capacity(self.rx.len());
        self.rx.get_mut(..capacity).unwrap_or_default()
    }

    /// Whether a document announced another vocabulary, so that the server may mean something else: for MMC the registered
    /// 3GPP2 type (`iota.md` B5: worth a line in the log).
    pub const fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Takes what happened. `Misuse` if it makes no sense in this state, which then is unchanged.
    pub fn handle(&mut self, now: Duration, input: Input<'_>) -> Result<(), SessionError> {
        match self.verdict(&input) {
            Verdict::Take => {}
            Verdict::Ignore => return Ok(()),
            Verdict::Misuse => return Err(SessionError::Misuse),
        }
        if let Input::Done(result) = &input {
            // What is done is done, even if the time is up.
            self.note_commit(result);
        }
        let next = if now >= self.end {
            Err(ending(EndReason::SESSION_TIMEOUT, ResultCode::TIMEOUT))
        } else {
            self.take(now, input)
        };
        self.state = next.unwrap_or_else(|ending| self.over(ending, false));
        Ok(())
    }

    /// Which inputs each state takes.
    const fn verdict(&self, input: &Input<'_>) -> Verdict {
        match (&self.state, input) {
            (State::Over(_), Input::LinkDown | Input::Tick | Input::Abort) => Verdict::Ignore,
            (State::Over(_), _) => Verdict::Misuse,
            (_, Input::Tick | Input::Abort)
            | (State::Idle, Input::Start | Input::Pushed { .. })
            | (State::Exchange(Exchange { to_send: false, .. }), Input::Reply(_))
            | (State::Exchange(_), Input::LinkDown)
            | (State::Execute(Execute { to_issue: false, .. }), Input::Done(_)) => Verdict::Take,
            (_, Input::LinkDown) => Verdict::Ignore,
            _ => Verdict::Misuse,
        }
    }

    /// The next state, after an input that the state takes.
    fn take(&mut self, now: Duration, input: Input<'_>) -> Result<State, Ending> {
        match (self.state, input) {
            (_, Input::Abort) => Err(ending(EndReason::CLIENT_ABORT, ResultCode::ABORT)),
            (_, Input::Start) => self.start(now),
            (_, Input::Pushed { content_type, len }) => {
                self.end = now.saturating_add(self.patience);
                self.url = Text::EMPTY;
                self.document(now, Some(content_type), len)
            }
            (State::Exchange(exchange), Input::Reply(reply)) => self.reply(now, exchange, &reply),
            (State::Exchange(exchange), Input::LinkDown) => {
                self.repeat(now, exchange, ending(EndReason::NO_SERVICE, ResultCode::SUCCESS))
            }
            (State::Execute(execute), Input::Done(result)) => self.done(now, execute, &result),
            (state, _) => self.tick(now, state),
        }
    }

    /// What to do now. Before anything else it does what [`Input::Tick`] does.
    pub fn poll(&mut self, now: Duration) -> Output<'_> {
        // In no state is a tick misuse.
        let _ = self.handle(now, Input::Tick);
        match &mut self.state {
            State::Idle => Output::Wait(Duration::MAX),
            State::Exchange(exchange) if exchange.to_send => {
                exchange.to_send = false;
                let exchange = *exchange;
                Output::Send(self.request(&exchange))
            }
            State::Exchange(exchange) => Output::Wait(exchange.due.min(self.end)),
            State::Pause { until, .. } => Output::Wait((*until).min(self.end)),
            State::Execute(execute) if execute.to_issue => {
                execute.to_issue = false;
                let number = execute.number;
                match self.document.as_ref().map(|document| document.received.fetch(self.rx, number)) {
                    Some(Ok(command)) => Output::Execute(command),
                    // It was fetched before, when it became the one at hand.
                    Some(Err(_)) | None => Output::Wait(self.end),
                }
            }
            State::Execute(_) => Output::Wait(self.end),
            State::Over(outcome) => Output::End(*outcome),
        }
    }

    /// What [`Session::poll`] handed out and still waits for, once more: for callers that could not keep the borrow.
    /// `None` if it waits for neither an answer nor a result.
    pub fn outstanding(&mut self) -> Option<Output<'_>> {
        match self.state {
            State::Exchange(exchange) if !exchange.to_send => Some(Output::Send(self.request(&exchange))),
            State::Execute(Execute { number, to_issue: false, .. }) => {
                self.document.as_ref()?.received.fetch(self.rx, number).ok().map(Output::Execute)
            }
            _ => None,
        }
    }

    /// Ends the borrow of the two buffers: receive and transmit.
    pub fn into_buffers(self) -> (&'b mut [u8], &'b mut [u8]) {
        (self.rx, self.tx)
    }

    fn start(&mut self, now: Duration) -> Result<State, Ending> {
        self.end = now.saturating_add(self.patience);
        self.trust(self.url.as_str())?;
        Ok(self.exchange(now, Method::Get))
    }

    fn exchange(&self, now: Duration, method: Method) -> State {
        let due = self.due(now);
        State::Exchange(Exchange { method, to_send: true, due, redirects: 0, repeats: 0, paused: false })
    }

    fn due(&self, now: Duration) -> Duration {
        now.saturating_add(self.connection_timeout).min(self.end)
    }

    fn trust(&self, url: &str) -> Result<(), Ending> {
        let trusted = TrustedDomain::from_parts(self.device.trusted.as_str(), self.device.subdomains);
        if trusted.allows(url) {
            Ok(())
        } else {
            Err(ending(EndReason::NOT_TRUSTED_DOMAIN, ResultCode::NOT_TRUSTED))
        }
    }

    /// The timers of each state; the session's own was seen to before.
    fn tick(&mut self, now: Duration, state: State) -> Result<State, Ending> {
        match state {
            State::Exchange(exchange) if now >= exchange.due => {
                self.repeat(now, exchange, (EndReason::HTTP, 0))
            }
            State::Pause { exchange, until } if now >= until => {
                Ok(State::Exchange(Exchange { to_send: true, due: self.due(now), ..exchange }))
            }
            _ => Ok(state),
        }
    }

    /// The answer is lost: a POST is repeated as it was, twice (B6.5).
    fn repeat(&self, now: Duration, exchange: Exchange, lost: Ending) -> Result<State, Ending> {
        if exchange.method == Method::Get || exchange.repeats >= MAX_REPEATS {
            return Err(lost);
        }
        let repeats = exchange.repeats.saturating_add(1);
        Ok(State::Exchange(Exchange { to_send: true, due: self.due(now), repeats, ..exchange }))
    }

    /// B6.2, B6.3
    fn reply(&mut self, now: Duration, exchange: Exchange, reply: &Reply<'_>) -> Result<State, Ending> {
        let refused = Err((EndReason::HTTP, reply.status));
        match (reply.status, exchange.method) {
            (200, _) if reply.len > 0 => self.document(now, reply.content_type, reply.len),
            (200 | 204, _) => Err(ending(EndReason::SUCCESS, ResultCode::SUCCESS)),
            (301 | 302 | 303 | 307 | 308, Method::Get) | (307 | 308, Method::Post) => match reply.location {
                Some(location) if exchange.redirects < MAX_REDIRECTS => {
                    self.redirect(now, exchange, location)
                }
                _ => refused,
            },
            (503, _) => match reply.retry_after {
                Some(seconds) if seconds <= MAX_RETRY_AFTER && !exchange.paused => {
                    let until = now.saturating_add(Duration::from_secs(u64::from(seconds)));
                    Ok(State::Pause { exchange: Exchange { paused: true, ..exchange }, until })
                }
                _ => refused,
            },
            _ => refused,
        }
    }

    fn redirect(&mut self, now: Duration, exchange: Exchange, location: &str) -> Result<State, Ending> {
        let mut storage = [0; MAX_URL];
        let too_long = ending(EndReason::HTTP, ResultCode::TOO_BIG);
        let url = resolve(self.url.as_str(), location, &mut storage).ok_or(too_long)?;
        self.trust(url)?;
        self.url = Text::of(&[url]).ok_or(too_long)?;
        let redirects = exchange.redirects.saturating_add(1);
        Ok(State::Exchange(Exchange { to_send: true, due: self.due(now), redirects, ..exchange }))
    }

    /// A body has arrived: checked as a whole, judged by its number, then executed or answered from memory.
    fn document(&mut self, now: Duration, content_type: Option<&str>, len: usize) -> Result<State, Ending> {
        let received = Received::locate(content_type, self.rx, len)?;
        let checked = received.check(self.rx).map_err(|fault| ending(fault.reason(), fault.code()))?;
        let Checked { session, doc, next, commands, foreign } = checked;
        let other = Err(ending(EndReason::MMC, ResultCode::NEW_DOC_ARRIVED));
        if !self.token.is_empty() && self.token.as_str() != session {
            return other;
        }
        if doc == self.last_doc && self.answer.is_some() {
            return self.echo(now);
        }
        if self.last_doc.checked_add(1) != Some(doc) {
            return other;
        }
        if self.tx.len() < min_room::<C>(commands) {
            return Err(ending(EndReason::MMC, ResultCode::TOO_BIG));
        }
        let bad = ending(EndReason::MMC, ResultCode::BAD_VALUE);
        let token = Text::of(&[session]).ok_or(bad)?;
        let next = match next {
            Some(next) => Text::of(&[next]).ok_or(ending(EndReason::MMC, ResultCode::TOO_BIG))?,
            None if self.url.is_empty() => return Err(bad),
            None => self.url,
        };
        self.trust(next.as_str())?;
        (self.url, self.token, self.last_doc, self.echoes, self.answer) = (next, token, doc, 0, None);
        self.foreign |= foreign;
        let answers = Answers::new(received.coding(), commands);
        self.document = Some(Document { received, answers });
        self.advance(now, Execute { number: 0, to_issue: false, stopped: false })
    }

    /// The document that was answered comes again: so does the answer (B6.5).
    fn echo(&mut self, now: Duration) -> Result<State, Ending> {
        if self.echoes >= MAX_ECHOES {
            return Err(ending(EndReason::MMC, ResultCode::ABORT));
        }
        self.echoes = self.echoes.saturating_add(1);
        Ok(self.exchange(now, Method::Post))
    }

    /// Takes commands, beginning with the one at hand, until one is to be executed outside or all are done.
    fn advance(&mut self, now: Duration, mut execute: Execute) -> Result<State, Ending> {
        while let Some(command) = self.pending(&execute) {
            if command.verb == Verb::Disconnect {
                if !execute.stopped {
                    return Ok(self.over(ending(EndReason::DISCONNECT, ResultCode::SUCCESS), command.reboot));
                }
            } else {
                let code = if execute.stopped {
                    ResultCode::NOT_EXECUTED
                } else if command.verb == Verb::Unknown {
                    ResultCode::UNKNOWN_COMMAND
                } else {
                    let fetched =
                        self.document.as_ref().ok_or(INTERNAL)?.received.fetch(self.rx, execute.number);
                    match fetched {
                        Ok(_) => return Ok(State::Execute(Execute { to_issue: true, ..execute })),
                        Err(code) => code,
                    }
                };
                self.note(&mut execute, command, CommandResult { code, value: None })?;
            }
            execute.number = execute.number.saturating_add(1);
        }
        let answers = &self.document.as_ref().ok_or(INTERNAL)?.answers;
        let body = answers.compose(self.tx, self.token.as_str(), self.last_doc);
        self.answer = Some(body.map_err(|_| INTERNAL)?);
        Ok(self.exchange(now, Method::Post))
    }

    /// The command at hand; `None` behind the last.
    fn pending(&mut self, execute: &Execute) -> Option<Pending> {
        let command = self.document.as_ref()?.received.outline(self.rx, execute.number)?;
        let is683 = command.verb == Verb::Exec && command.object == Some(IS683_OBJECT);
        let form = Form { by_reference: is_reference(&command), is683 };
        let (id, verb, on_error, reboot) = (command.id, command.verb, command.on_error, command.reboot);
        Some(Pending { id, verb, on_error, reboot, form })
    }

    /// Notes the result of a command for the answer.
    fn note(
        &mut self,
        execute: &mut Execute,
        command: Pending,
        result: CommandResult<'_>,
    ) -> Result<(), Ending> {
        if result.code != ResultCode::SUCCESS && command.on_error == OnError::Stop {
            execute.stopped = true;
        }
        let answers = &mut self.document.as_mut().ok_or(INTERNAL)?.answers;
        let noted = answers.push(self.tx, command.id, result.code, result.value, command.form);
        noted.map_err(|_| INTERNAL)
    }

    fn note_commit(&mut self, result: &CommandResult<'_>) {
        if let State::Execute(execute) = self.state
            && result.code == ResultCode::SUCCESS
            && self.pending(&execute).is_some_and(|command| command.verb == Verb::Commit)
        {
            self.mmc_committed = true;
        }
    }

    fn done(
        &mut self,
        now: Duration,
        mut execute: Execute,
        result: &CommandResult<'_>,
    ) -> Result<State, Ending> {
        if let Some(command) = self.pending(&execute) {
            self.note(&mut execute, command, *result)?;
        }
        execute.number = execute.number.saturating_add(1);
        self.advance(now, execute)
    }

    fn over(&self, (reason, error): Ending, reboot: bool) -> State {
        let (last_doc, mmc_committed) = (self.last_doc, self.mmc_committed);
        State::Over(Outcome { reason, error, last_doc, mmc_committed, reboot })
    }

    /// B6.1, B6.4
    fn request(&self, exchange: &Exchange) -> Request<'_> {
        let device = &self.device;
        let (last, body): (_, &[u8]) = match (exchange.method, &self.answer) {
            (Method::Post, Some(body)) => {
                let octets = self.tx.get(body.start..body.end).unwrap_or_default();
                (("Content-Type", Some(body.content_type.as_str())), octets)
            }
            _ => (("X-IOTA-Reason", Some(device.reason.as_str())), &[]),
        };
        let headers = Headers::new([
            ("Accept", Some(C::ACCEPT)),
            ("User-Agent", Some(device.user_agent.as_str())),
            ("X-IOTA-Version", Some("1")),
            ("X-IOTA-ESN", device.esn.non_empty()),
            ("X-IOTA-MEID", device.meid.non_empty()),
            last,
        ]);
        Request { method: exchange.method, url: self.url.as_str(), headers, body, deadline: exchange.due }
    }
}

impl Device {
    fn new(config: &Config<'_>) -> Result<Self, SessionError> {
        let printable = |text: &str| text.bytes().all(|octet| octet == b' ' || octet.is_ascii_graphic());
        let names = [config.make, config.model, config.version];
        let good = names.into_iter().all(|text| text.len() <= MAX_IDENTITY && printable(text));
        if !good || config.trusted_domain.len() > MAX_DOMAIN {
            return Err(SessionError::BadConfig);
        }
        let trust = TrustedDomain::new(config.trusted_domain, config.boot_url);
        let [make, model, version] = names;
        Ok(Self {
            user_agent: Text::of(&[make, " ", model, "/", version]).ok_or(SessionError::BadConfig)?,
            esn: config.esn.map_or(Text::EMPTY, |esn| hex(&esn.to_be_bytes())),
            meid: config.meid.map_or(Text::EMPTY, |meid| hex(&meid)),
            reason: config.reason,
            trusted: Text::of(&[trust.as_str()]).ok_or(SessionError::BadConfig)?,
            subdomains: trust.covers_subdomains(),
        })
    }
}
