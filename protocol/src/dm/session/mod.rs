//! The client's side of a management session (`oma-dm.md` sections 1.1, 4, 5, 8).
//!
//! ```text
//!            Start                 lost answer: the same message again
//!   Idle ──────────► Exchange ◄──────────────────────────────┐
//!                     │  ▲  └────────────────────────────────┘
//!           a message │  │ answer complete, or as much of it as fits
//!                     ▼  │
//!                   (run: commands executed and answered) ── user alert ──► Asking ── Answered ──┐
//!                     │        ▲─────────────────────────────────────────────────────────────────┘
//!                     │ nothing to answer, abort, no trust, storage fails
//!                     ▼
//!                   Over ◄── time up, no link, another HTTP status, unreadable body, from every state
//! ```
//! Nothing here does I/O. Contract: one [`Session::handle`], then [`Session::poll`] until it returns [`Output::Wait`] or
//! [`Output::End`]. `now` is the device's uptime. Whatever the server sends ends at worst the session ([`Outcome`]); an
//! error of `handle` means that the *caller* broke the order, and changes nothing.
//!
//! Points that the specification leaves open are decided so:
//! - Commands are executed in the order of the message, and each item is answered by a Status of its own.
//! - A message of the server whose MsgID was looked at before is answered by the same octets again, and never executed
//!   again. An answer that is lost is fetched by the same request again, at most twice.
//! - While an answer takes several messages, the server's messages in between may only ask for more; commands in them
//!   are answered 500 and not executed.
//! - Credentials are asked for by the server before it executes anything, so only package 1 is repeated for them; a
//!   challenge later ends the session.
//! - What the user says after the time of a question counts as no answer.
//! - In an Atomic, Get, Exec, another Atomic, and questions whose answer is data are failures.
//! - A server whose account has no credentials is taken for whom TLS has shown it to be.
//!
//! Buffers: `rx` takes messages, and must have room for one in between while another is being answered
//! ([`INTERIM`]); what is left is announced as MaxMsgSize. `tx` takes the answer. `work` takes texts that a
//! document has in several pieces (a quarter each for a command's head and for an item, which in XML bounds data with
//! references) and values (half of it, which bounds what a Get can tell).

mod io;
mod link;
mod prompt;
mod run;
mod survey;
mod value;

use core::time::Duration;

pub use io::{Account, Config, End, Initiator, Input, Notice, Outcome, Output, Reply, Request, SessionError};
pub use prompt::{Answer, InputType, Options, Prompt};

use self::link::{Link, Refs};
use self::prompt::{Kept, check, text_of};
use self::run::{Hands, Run, Stop};
use self::survey::{Survey, Trust, note_authenticated, note_sizes, server_trust, survey};
use self::value::{Incoming, Work};
use super::auth::{Crypto, Digest};
use super::limits::{INTERIM, MAX_CHALLENGES, MAX_ECHOES, MAX_REPEATS, MAX_URI};
use super::{Caller, Tree};
use crate::mime::MediaType;
use crate::syncml::{
    AlertCode, Code, CommandWriter, Dialect, Element, Format, Head, Item, Mark, Message, Verb, Writer,
    coding_of, media_type,
};
use crate::wire::{self, Decimal, Error, ErrorKind, Text};

/// Smallest transmit buffer: package 1 of a device with short names.
const MIN_TX: usize = 1024;
/// Smallest receive buffer: a message of some commands, and one in between.
const MIN_RX: usize = 1024 + INTERIM;
/// Smallest work space.
const MIN_WORK: usize = 512;

/// What a session remembers between two inputs. It lies in its owner's memory, so that a session which waits needs neither
/// its buffers' borrow nor its configuration's.
#[derive(Debug)]
pub struct Conversation {
    link: Link,
    /// Uptime at which the session ends; set when it starts.
    end: Duration,
    /// Octets of the message in the transmit buffer, and its digest.
    sent: usize,
    mac: Option<Digest>,
    /// Whether that message is package 1, which is repeated with other credentials.
    setup: bool,
    echoes: u8,
    run: Option<Run>,
    /// The message that a run writes.
    draft: Option<Mark>,
    fresh: u32,
    incoming: Option<Incoming>,
    state: State,
}

impl Conversation {
    /// None yet: [`Session::new`] begins one here.
    pub const NONE: Self = Self {
        link: Link::NONE,
        end: Duration::MAX,
        sent: 0,
        mac: None,
        setup: true,
        echoes: 0,
        run: None,
        draft: None,
        fresh: 0,
        incoming: None,
        state: State::Idle,
    };

    /// How the session ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        if let State::Over(end) = self.state { Some(self.ended(end)) } else { None }
    }

    fn ended(&self, end: End) -> Outcome {
        let link = &self.link;
        Outcome {
            end,
            acknowledged: link.acknowledged,
            client_nonce: link.client_nonce,
            server_nonce: link.next_server_nonce.filter(|_| link.server_known).unwrap_or(link.server_nonce),
            scheme: link.scheme,
        }
    }
}

/// A session in progress; see the [module](self) for its states.
#[derive(Debug)]
pub struct Session<'b> {
    rx: &'b mut [u8],
    tx: &'b mut [u8],
    work: &'b mut [u8],
    config: Config<'b>,
    own: &'b mut Conversation,
}

/// One variant per state of the diagram.
#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// A request waits for its answer; `to_send` if it is still to be handed out.
    Exchange {
        to_send: bool,
        due: Duration,
        repeats: u8,
    },
    /// The user is asked; `to_issue` if the question is still to be handed out.
    Asking {
        to_issue: bool,
        due: Duration,
    },
    /// The abort is on its way; its answer does not matter.
    Parting {
        to_send: bool,
        due: Duration,
        end: End,
    },
    Over(End),
}

impl<'b> Session<'b> {
    /// Prepares a session in `own`. Texts of `config` that are too long are `BadConfig`, buffers that are too small `NoRoom`.
    pub fn new(
        config: &Config<'b>,
        own: &'b mut Conversation,
        rx: &'b mut [u8],
        tx: &'b mut [u8],
        work: &'b mut [u8],
    ) -> Result<Self, SessionError> {
        for (len, needed) in [(rx.len(), MIN_RX), (tx.len(), MIN_TX), (work.len(), MIN_WORK)] {
            if len < needed {
                return Err(SessionError::NoRoom { needed });
            }
        }
        own.link.begin(config)?;
        own.end = Duration::MAX;
        own.sent = 0;
        own.mac = None;
        own.setup = true;
        own.echoes = 0;
        own.run = None;
        own.draft = None;
        own.fresh = 0;
        own.incoming = None;
        own.state = State::Idle;
        Ok(Self::resume(config, own, rx, tx, work))
    }

    /// Goes on with the session in `own`: with the configuration that it began with, the same buffers, and in them what was
    /// there after its last call. What is in `work` does not matter.
    pub const fn resume(
        config: &Config<'b>,
        own: &'b mut Conversation,
        rx: &'b mut [u8],
        tx: &'b mut [u8],
        work: &'b mut [u8],
    ) -> Self {
        Self { rx, tx, work, config: *config, own }
    }

    /// Where the body of an answer goes before it is announced by [`Input::Reply`]. Its length is the largest body that
    /// is taken now.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        let Self { rx, tx, work, config, own } = self;
        Session { rx, tx, work, config: *config, own }.into_receive_buffer()
    }

    /// The same, in the borrow of the buffers.
    pub fn into_receive_buffer(self) -> &'b mut [u8] {
        let start = self.interim_start();
        let end = if start == 0 { self.capacity() } else { self.rx.len() };
        self.rx.get_mut(start..end).unwrap_or_default()
    }

    /// Takes what happened. `Misuse` if it makes no sense in this state, which then is unchanged.
    pub fn handle(
        &mut self,
        now: Duration,
        input: Input<'_>,
        tree: &mut Tree<'_, '_>,
        crypto: &mut dyn Crypto,
    ) -> Result<(), SessionError> {
        let next = match (self.own.state, input) {
            (State::Parting { to_send: false, end, .. }, Input::Reply(_) | Input::LinkDown) => Err(end),
            (State::Parting { due, end, .. }, Input::Tick) if now >= due => Err(end),
            (State::Idle, Input::Start) => {
                self.own.end = now.saturating_add(self.config.session_timeout);
                self.package_1(now, None, tree, crypto)
            }
            (State::Idle | State::Asking { .. }, Input::LinkDown) | (State::Idle, Input::Tick) => {
                return Ok(());
            }
            (State::Exchange { .. } | State::Asking { .. }, Input::Abort) => {
                self.abort(now, End::ClientAborted, tree, crypto)
            }
            (State::Idle, Input::Abort) => Err(End::ClientAborted),
            (State::Exchange { .. } | State::Asking { .. }, _) if now >= self.own.end => Err(End::Timeout),
            (State::Exchange { to_send: false, .. }, Input::Reply(reply)) => {
                self.reply(now, &reply, tree, crypto)
            }
            (State::Exchange { repeats, .. }, Input::LinkDown) => self.repeat(now, repeats, End::NoLink),
            (State::Exchange { due, repeats, .. }, Input::Tick) if now >= due => {
                self.repeat(now, repeats, End::Http(0))
            }
            (State::Asking { due, .. }, Input::Tick) if now >= due => {
                self.answered(now, &Answer::TimedOut, tree, crypto)
            }
            (State::Asking { to_issue: false, due }, Input::Answered(answer)) => {
                let answer = if now < due { answer } else { Answer::TimedOut };
                self.answered(now, &answer, tree, crypto)
            }
            // They may come at any time, and here they change nothing.
            (_, Input::Tick | Input::LinkDown) | (State::Over(_) | State::Parting { .. }, Input::Abort) => {
                return Ok(());
            }
            _ => return Err(SessionError::Misuse),
        };
        self.own.state = next.unwrap_or_else(|end| self.over(end, tree));
        Ok(())
    }

    /// What to do now. Timers are the business of [`Input::Tick`].
    pub fn poll(&mut self) -> Output<'_> {
        let Self { rx, tx, work, config, own } = self;
        Session { rx, tx, work, config: *config, own }.into_output()
    }

    /// The same, in the borrow of the buffers: for who resumes a session for every call.
    pub fn into_output(self) -> Output<'b> {
        match &mut self.own.state {
            State::Idle => Output::Wait(Duration::MAX),
            State::Exchange { to_send, due, .. } | State::Parting { to_send, due, .. } if *to_send => {
                *to_send = false;
                let due = *due;
                Output::Send(self.into_request(due))
            }
            State::Exchange { due, .. } | State::Parting { due, .. } => {
                Output::Wait((*due).min(self.own.end))
            }
            State::Asking { to_issue, due } => {
                let due = (*due).min(self.own.end);
                if !core::mem::take(to_issue) {
                    return Output::Wait(due);
                }
                self.into_prompt().map_or(Output::Wait(due), Output::Ask)
            }
            State::Over(end) => {
                let end = *end;
                Output::End(self.own.ended(end))
            }
        }
    }

    /// Notices that the server took so far, one bit each: what a journal should know at once.
    pub const fn acknowledged(&self) -> u32 {
        self.own.link.acknowledged
    }

    fn over(&mut self, end: End, tree: &mut Tree<'_, '_>) -> State {
        self.own.incoming = None;
        tree.drop_pieces();
        if tree.is_dirty() {
            // What was not committed was not promised to anybody; a storage that fails here fails again at the next use.
            let _ = tree.roll_back();
        }
        State::Over(end)
    }

    fn capacity(&self) -> usize {
        self.rx.len().saturating_sub(INTERIM)
    }

    /// Where the next message goes: behind the one that is being answered.
    fn interim_start(&self) -> usize {
        self.own.run.as_ref().map_or(0, |run| run.len)
    }

    fn into_request(self, deadline: Duration) -> Request<'b> {
        let Self { tx, config, own, .. } = self;
        let own: &'b Conversation = own;
        let name = config.account.client.map_or("", |client| client.name);
        Request {
            url: own.link.url.as_str(),
            content_type: media_type(config.coding),
            mac: own.mac.as_ref().map(|mac| (name, mac.as_str())),
            body: tx.get(..own.sent).unwrap_or_default(),
            deadline,
        }
    }

    fn repeat(&self, now: Duration, repeats: u8, lost: End) -> Result<State, End> {
        if repeats >= MAX_REPEATS {
            return Err(lost);
        }
        Ok(self.exchange(now, repeats.saturating_add(1)))
    }

    fn exchange(&self, now: Duration, repeats: u8) -> State {
        let due = now.saturating_add(self.config.exchange_timeout).min(self.own.end);
        State::Exchange { to_send: true, due, repeats }
    }

    /// Ends the message that is being written and hands it out.
    fn dispatch(&mut self, now: Duration, is_final: bool, crypto: &mut dyn Crypto) -> Result<State, End> {
        let mark = self.own.draft.take().ok_or(End::NoRoom)?;
        let room = self.own.link.bounded(self.tx);
        let written = Writer::resume(room, &mark).and_then(|writer| writer.finish(is_final));
        let body = written.map_err(end_of)?;
        self.own.mac = self.own.link.mac(&self.config, body, crypto);
        self.own.sent = body.len();
        Ok(self.exchange(now, 0))
    }

    /// Adds commands to the message that is being written.
    fn write(
        &mut self,
        commands: impl FnOnce(&Config<'_>, &mut Link, &mut Writer<'_>) -> Result<(), Error>,
    ) -> Result<(), End> {
        let mark = self.own.draft.as_mut().ok_or(End::NoRoom)?;
        let room = self.own.link.bounded(self.tx);
        let mut writer = Writer::resume(room, mark).map_err(end_of)?;
        commands(&self.config, &mut self.own.link, &mut writer).map_err(end_of)?;
        *mark = writer.mark();
        Ok(())
    }

    fn open(&mut self, crypto: &mut dyn Crypto) -> Result<(), End> {
        let capacity = self.capacity();
        self.own.draft = Some(self.own.link.open(&self.config, self.tx, capacity, crypto).map_err(end_of)?);
        Ok(())
    }

    /// Package 1: the alert, notices, DevInfo; in front the Status of a header that asked for other credentials.
    fn package_1(
        &mut self,
        now: Duration,
        server: Option<(&str, Trust)>,
        tree: &mut Tree<'_, '_>,
        crypto: &mut dyn Crypto,
    ) -> Result<State, End> {
        self.own.setup = true;
        self.open(crypto)?;
        if let Some((server, Trust { code, chal })) = server {
            self.write(|config, link, writer| link.header_status(config, writer, server, code, chal))?;
        }
        self.write(|config, link, writer| link.alerts(config, writer))?;
        let (value, _) = self.work.split_at_mut_checked(self.work.len() / 2).unwrap_or_default();
        let mark = self.own.draft.as_mut().ok_or(End::NoRoom)?;
        let mut writer = Writer::resume(self.own.link.bounded(self.tx), mark).map_err(end_of)?;
        dev_info(&mut self.own.link, &mut writer, tree, value).map_err(end_of)?;
        *mark = writer.mark();
        self.dispatch(now, true, crypto)
    }

    /// Alert 1223: nobody needs to answer it.
    fn abort(
        &mut self,
        now: Duration,
        end: End,
        tree: &mut Tree<'_, '_>,
        crypto: &mut dyn Crypto,
    ) -> Result<State, End> {
        let _ = tree;
        self.own.run = None;
        self.open(crypto)?;
        self.write(|_, link, writer| {
            writer.command(&Head::alert(link.next_id().as_str(), AlertCode::ABORT))?.end()
        })?;
        match self.dispatch(now, true, crypto)? {
            State::Exchange { to_send, due, .. } => Ok(State::Parting { to_send, due, end }),
            other => Ok(other),
        }
    }

    fn reply(
        &mut self,
        now: Duration,
        reply: &Reply<'_>,
        tree: &mut Tree<'_, '_>,
        crypto: &mut dyn Crypto,
    ) -> Result<State, End> {
        if reply.status != 200 {
            return Err(End::Http(reply.status));
        }
        let start = self.interim_start();
        let bytes = start.checked_add(reply.len).and_then(|end| self.rx.get(start..end));
        let too_large = End::Unreadable(Error::new(ErrorKind::LimitExceeded, self.rx.len()));
        let len = bytes.ok_or(too_large)?.len();
        let coding =
            reply.content_type.and_then(|text| MediaType::parse(text).ok()).as_ref().and_then(coding_of);
        if coding != Some(self.config.coding) {
            return Err(End::Unreadable(Error::new(ErrorKind::Unsupported, 0)));
        }
        self.message(now, start, len, reply.mac, tree, crypto)
    }

    /// A message has arrived: checked as a whole, judged, then executed and answered.
    fn message(
        &mut self,
        now: Duration,
        start: usize,
        len: usize,
        mac: Option<&str>,
        tree: &mut Tree<'_, '_>,
        crypto: &mut dyn Crypto,
    ) -> Result<State, End> {
        let coding = self.config.coding;
        let end = start.saturating_add(len);
        let bytes = self.rx.get(start..end).unwrap_or_default();
        let message = Message::check(coding, bytes, self.work).map_err(End::Unreadable)?;
        let (head, other) = self.work.split_at_mut_checked(self.work.len() / 2).unwrap_or_default();
        let header = message.header(head).map_err(End::Unreadable)?;
        if header.session != self.own.link.session() {
            return Err(End::Stranger);
        }
        if header.message == self.own.link.server_message.as_str() && !header.message.is_empty() {
            return self.echo(now);
        }
        self.own.echoes = 0;
        let server_message = Text::of(&[header.message]);
        self.own.link.server_message =
            server_message.ok_or(End::Unreadable(Error::new(ErrorKind::LimitExceeded, start)))?;
        if let Some(url) = header.respond_to {
            let too_long = End::Unreadable(Error::new(ErrorKind::LimitExceeded, start));
            self.own.link.url = Text::of(&[url]).filter(|url| !url.is_empty()).ok_or(too_long)?;
        }
        note_sizes(&mut self.own.link, &header);
        let survey = survey(&self.config, &mut self.own.link, &message, other).map_err(End::Unreadable)?;
        if survey.aborted {
            return Err(End::ServerAborted);
        }
        let server: Text<MAX_URI> = Text::of(&[header.source.uri]).unwrap_or(Text::EMPTY);
        let trust = server_trust(&self.config, &mut self.own.link, &header, mac, bytes, crypto);
        let message = (len, message.is_final());
        self.judge(now, &survey, trust, &server, message, tree, crypto)
    }

    #[expect(clippy::too_many_arguments, reason = "what was found out about a message, in one place")]
    fn judge(
        &mut self,
        now: Duration,
        survey: &Survey,
        trust: Trust,
        server: &Text<MAX_URI>,
        (len, is_final): (usize, bool),
        tree: &mut Tree<'_, '_>,
        crypto: &mut dyn Crypto,
    ) -> Result<State, End> {
        let server = server.as_str();
        if let Some(code @ (Code::INVALID_CREDENTIALS | Code::MISSING_CREDENTIALS)) = survey.header {
            self.accept_challenge(survey)?;
            let _ = code;
            return self.package_1(now, Some((server, trust)), tree, crypto);
        }
        if let Some(code) = survey.header.filter(|code| !code.is_success()) {
            let old = self.own.setup
                && self.own.link.dialect == Dialect::V1_2
                && matches!(code, Code::VERSION | Code::NOT_SUPPORTED | Code::BAD_REQUEST);
            if !old {
                return Err(End::Refused(code));
            }
            self.own.link.dialect = Dialect::V1_1;
            return self.package_1(now, None, tree, crypto);
        }
        note_authenticated(&mut self.own.link, survey);
        self.own.setup = false;
        if !survey.has_commands && is_final && self.own.run.is_none() {
            let known = trust.code.is_success();
            return Err(if known { End::Done } else { End::ServerNotAuthenticated });
        }
        if !trust.code.is_success() {
            self.own.link.challenging = self.own.link.challenging.saturating_add(1);
            if self.own.link.challenging > MAX_CHALLENGES {
                return Err(End::ServerNotAuthenticated);
            }
        }
        self.open(crypto)?;
        self.write(|config, link, writer| {
            link.header_status(config, writer, server, trust.code, trust.chal)
        })?;
        let refuse = (!trust.code.is_success()).then_some(trust.code);
        if self.own.run.is_some() {
            self.answer_interim(len)?;
        } else {
            let message = self.own.link.server_message;
            self.own.run = Some(Run::new(len, message.as_str(), is_final, refuse));
        }
        self.own.fresh = self.own.link.command();
        self.go_on(now, tree, crypto)
    }

    /// The message that was answered comes again: so does the answer.
    fn echo(&mut self, now: Duration) -> Result<State, End> {
        if self.own.echoes >= MAX_ECHOES {
            return Err(End::Loop);
        }
        self.own.echoes = self.own.echoes.saturating_add(1);
        Ok(self.exchange(now, 0))
    }

    /// The server wants credentials, or other ones.
    fn accept_challenge(&mut self, survey: &Survey) -> Result<(), End> {
        let (scheme, nonce) = survey.challenge.ok_or(End::NotAuthenticated)?;
        self.own.link.challenged = self.own.link.challenged.saturating_add(1);
        let able = self.own.setup && self.config.account.client.is_some();
        if !able || scheme.is_none() || self.own.link.challenged > MAX_CHALLENGES {
            return Err(End::NotAuthenticated);
        }
        self.own.link.scheme = scheme;
        self.own.link.authenticated = false;
        self.own.link.client_nonce = nonce.unwrap_or(self.own.link.client_nonce);
        Ok(())
    }

    /// Answers a message that only asks for the rest of an answer.
    fn answer_interim(&mut self, len: usize) -> Result<(), End> {
        let start = self.interim_start();
        let bytes = self.rx.get(start..start.saturating_add(len)).unwrap_or_default();
        let message = Message::of_checked(self.config.coding, bytes);
        let mut body = message.body().map_err(End::Unreadable)?;
        let mark = self.own.draft.as_mut().ok_or(End::NoRoom)?;
        let mut writer = Writer::resume(self.own.link.bounded(self.tx), mark).map_err(end_of)?;
        while let Some(element) = body.next(self.work).map_err(End::Unreadable)? {
            let (Element::Command(head, _) | Element::Begin(head)) = element else { continue };
            if matches!(head.verb, Verb::Status | Verb::Results) {
                continue;
            }
            let next = head.alert_code() == Some(AlertCode::NEXT_MESSAGE);
            let code = if next { Code::OK } else { Code::FAILED };
            let (id, name) = (if head.id.is_empty() { "0" } else { head.id }, head.name);
            let name = if name.is_empty() { "Unknown" } else { name };
            let refs = Refs { message: self.own.link.server_message.as_str(), id, cmd: name };
            let number = Decimal::new(self.own.link.command().saturating_add(1));
            let status = Head::status(number.as_str(), refs.message, refs.id, refs.cmd, code);
            writer.command(&status).and_then(CommandWriter::end).map_err(end_of)?;
            self.own.link.set_command(self.own.link.command().saturating_add(1));
        }
        *mark = writer.mark();
        Ok(())
    }

    /// Runs on until there is something to send or to ask.
    fn go_on(
        &mut self,
        now: Duration,
        tree: &mut Tree<'_, '_>,
        crypto: &mut dyn Crypto,
    ) -> Result<State, End> {
        let mut run = self.own.run.take().ok_or(End::NoRoom)?;
        let stop = self.advance(&mut run, tree)?;
        match stop {
            Stop::Ask => {
                self.own.run = Some(run);
                let due = self.patience(now);
                Ok(State::Asking { to_issue: true, due })
            }
            Stop::Full => {
                self.own.run = Some(run);
                settle(&run, tree)?;
                self.dispatch(now, false, crypto)
            }
            Stop::Done => {
                settle(&run, tree)?;
                if !run.is_final {
                    self.write(|_, link, writer| {
                        let id = link.next_id();
                        writer.command(&Head::alert(id.as_str(), AlertCode::NEXT_MESSAGE))?.end()
                    })?;
                }
                self.dispatch(now, run.is_final, crypto)
            }
        }
    }

    fn advance(&mut self, run: &mut Run, tree: &mut Tree<'_, '_>) -> Result<Stop, End> {
        let bytes = self.rx.get(..run.len).unwrap_or_default();
        let message = Message::of_checked(self.config.coding, bytes);
        let mut hands = Hands {
            config: &self.config,
            link: &mut self.own.link,
            tx: self.tx,
            draft: self.own.draft.as_mut().ok_or(End::NoRoom)?,
            work: Work::split(self.work),
            incoming: &mut self.own.incoming,
            tree,
            fresh: self.own.fresh,
            in_atomic: false,
        };
        run.advance(&message, &mut hands)
    }

    /// How long the user may take.
    fn patience(&mut self, now: Duration) -> Duration {
        let limit = self.config.prompt_timeout;
        let wait = self.prompt().map_or(limit, |prompt| prompt.options.max_display.unwrap_or(limit));
        now.saturating_add(wait)
    }

    /// The question at hand.
    fn prompt(&mut self) -> Option<Prompt<'_>> {
        let Self { rx, tx, work, config, own } = self;
        Session { rx, tx, work, config: *config, own }.into_prompt()
    }

    fn into_prompt(self) -> Option<Prompt<'b>> {
        let Self { rx, work, config, own, .. } = self;
        let run = own.run.as_ref()?;
        let bytes = rx.get(..run.len)?;
        let message = Message::of_checked(config.coding, bytes);
        let Work { head, item, value } = Work::split(work);
        let (head, parts) = run.alert(&message, head)?;
        let code = head.alert_code()?;
        let mut count = 0_usize;
        let mut counting = parts.clone();
        while counting.item(&mut *value).ok().flatten().is_some() {
            count = count.saturating_add(1);
        }
        let choices = check(code, count).ok()?;
        let mut reading = parts.clone();
        let options = reading.item(item).ok().flatten().as_ref().and_then(text_of)?;
        let text = reading.item(value).ok().flatten().as_ref().and_then(text_of)?;
        Some(Prompt { code, options: Options::parse(options), text, choices, parts })
    }

    fn answered(
        &mut self,
        now: Duration,
        answer: &Answer<'_>,
        tree: &mut Tree<'_, '_>,
        crypto: &mut dyn Crypto,
    ) -> Result<State, End> {
        let kept = match self.prompt() {
            Some(prompt) => Kept::new(prompt.code, &prompt.options, prompt.choices, answer),
            None => Kept::of(Code::FAILED),
        };
        if let Some(run) = &mut self.own.run {
            run.set_answer(kept);
        }
        self.go_on(now, tree, crypto)
    }
}

/// What is about to be told as done must be permanent. Within an Atomic that is seen to at its end.
fn settle(run: &Run, tree: &mut Tree<'_, '_>) -> Result<(), End> {
    if run.refuse.is_some() {
        return Ok(());
    }
    tree.commit().map_err(End::Storage)
}

/// `Replace` of every leaf of DevInfo (`oma-dm.md` section 4.1).
fn dev_info(
    link: &mut Link,
    writer: &mut Writer<'_>,
    tree: &mut Tree<'_, '_>,
    value: &mut [u8],
) -> Result<(), Error> {
    const ROOT: &str = "DevInfo";
    let id = link.next_id();
    let head = Head::new(Verb::Replace, id.as_str());
    let mut command = writer.command(&head)?;
    let mut last = Text::<MAX_URI>::of(&[ROOT]).unwrap_or(Text::EMPTY);
    loop {
        let mut buffer = [0; MAX_URI];
        let Some(path) = tree.following(Caller::Device, ROOT, last.as_str(), &mut buffer) else { break };
        last = Text::of(&[path]).unwrap_or(Text::EMPTY);
        let mut out = wire::Writer::new(&mut *value);
        let format = tree.get(Caller::Device, path, &mut out);
        if format.is_ok_and(|format| format != Format::Node)
            && let Ok(text) = str::from_utf8(out.written())
        {
            let uri = Text::<{ MAX_URI + 2 }>::of(&["./", path]).unwrap_or(Text::EMPTY);
            command = command.item(&Item::source(uri.as_str()).text(text))?;
        }
    }
    command.end()
}

/// What a fault of the writer means.
fn end_of(error: Error) -> End {
    match error.kind {
        ErrorKind::NoRoom => End::NoRoom,
        _ => End::Unreadable(error),
    }
}
