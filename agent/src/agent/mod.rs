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
use kedge_protocol::is683::{Engine, Spc};
use kedge_update_agent::banklog::{Change, Mounted};
use kedge_update_agent::{Device, Job, Update};

use crate::config::Config;
use crate::error::AgentError;
use crate::event::{Event, Events, LinkError};
use crate::limits;
use crate::objects::Staged;
use crate::phone;
use crate::store::{Activation, Consent, Key, OBJECTS, Opened, Record as _, Report, Resume, Store};
use crate::trigger::{self, Accepted, Kind, Trigger};

mod consent;
mod download;
mod talk;

use talk::Talk;

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

impl<F, C> Context<'_, F, C> {
    fn event(&mut self, event: &Event<'_>) {
        self.events.event(self.now, event);
    }

    /// The pause before try number `tries`: doubling, with a random part of up to a quarter so that a fleet spreads out.
    fn backoff(&mut self, tries: u8) -> Duration {
        let doubled = limits::BACKOFF.saturating_mul(1_u32 << tries.saturating_sub(1).min(7));
        let mut random = [0];
        self.entropy.fill(&mut random);
        let [random] = random;
        let spread = (doubled.as_millis() as u64).saturating_mul(u64::from(random)) >> 10;
        doubled.saturating_add(Duration::from_millis(spread))
    }
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

/// The two buffers of a session: what is received, and what is sent. Between sessions the agent uses them for prompts and
/// registration.
#[derive(Debug)]
pub struct Buffers<'b> {
    /// The largest body that is accepted; at least 1 KiB, the conformance minimum is 128 KiB (`spec/iota.md` B1).
    pub receive: &'b mut [u8],
    /// The largest answer; at least 2 KiB.
    pub send: &'b mut [u8],
}

/// What the agent is doing.
#[derive(Debug)]
enum State<'b> {
    /// Looking for something to do.
    Idle(Buffers<'b>),
    /// The data call is being opened for this trigger.
    Calling(Buffers<'b>, Trigger),
    /// A session is held.
    Talking(Talk<'b>),
    /// The data call is being closed; then, if told so, the device restarts.
    Hanging(Buffers<'b>, Option<Restart>),
    /// The radio registers.
    Registering(Buffers<'b>),
    /// The user is shown a result; the answer does not matter.
    Telling(Buffers<'b>, Notice),
    /// The user is asked about an update.
    Asking(Buffers<'b>, consent::Question),
    /// The device is restarting.
    Restarting(Buffers<'b>, Restart),
    /// Only while a state is being replaced.
    Between,
}

/// A result the user is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    Activated,
    NoUpdate,
    Failed(u16),
}

/// The agent. `PRL` is the largest preferred roaming list in octets; it is RAM.
#[derive(Debug)]
pub struct Agent<'b, const PRL: usize> {
    config: Config<'b>,
    factory_spc: Spc,
    store: Store,
    update: Update,
    engine: Engine<PRL>,
    staged: Staged,
    triggers: trigger::Queue,
    state: State<'b>,
    /// No session is started again before this uptime.
    not_before: Duration,
    /// The user is not asked about an update before this uptime.
    ask_after: Duration,
    /// The radio is not asked to register before this uptime.
    register_after: Duration,
}

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Takes up what flash holds: opens the store, reads the update journal, confirms a new firmware (this call coming this
    /// far is the health check), and puts the result of an update into the outbox.
    pub fn start<F: NorFlash, C: Crypto>(
        config: Config<'b>,
        buffers: Buffers<'b>,
        context: &mut Context<'_, F, C>,
    ) -> Result<Self, AgentError<F::Error>> {
        if buffers.receive.len() < 1024 || buffers.send.len() < limits::IS683_MESSAGE {
            return Err(AgentError::Config("session buffers"));
        }
        let digits = core::str::from_utf8(&config.pri.spc).unwrap_or_default();
        let factory_spc = Spc::new(digits).ok_or(AgentError::Config("service programming code"))?;
        let (store, opened) = Store::open(context.flash, config.store, context.identity.hardware_id())?;
        let update = Update::mount(context.flash, config.update)?;
        context.event(&Event::Started { store: opened });
        let mut agent = Self {
            config,
            factory_spc,
            store,
            update,
            engine: Engine::new(),
            staged: Staged::new(),
            triggers: trigger::Queue::new(),
            state: State::Idle(buffers),
            not_before: Duration::ZERO,
            ask_after: Duration::ZERO,
            register_after: Duration::ZERO,
        };
        agent.update.confirm(context.flash)?;
        agent.collect_outcome(context)?;
        Ok(agent)
    }

    /// Offers a trigger; its session starts as soon as nothing else runs.
    pub fn trigger<F, C>(&mut self, context: &mut Context<'_, F, C>, trigger: Trigger) -> Accepted {
        let running = match &self.state {
            State::Calling(_, running) => Some(running),
            State::Talking(talk) => Some(talk.trigger()),
            _ => None,
        };
        let (kind, url) = (trigger.kind, trigger.url.clone());
        let accepted = self.triggers.offer(trigger, running);
        context.event(&Event::Triggered { kind, url: &url, accepted });
        accepted
    }

    /// The activation button: a session at the activation URL.
    pub fn activate<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Accepted, AgentError<F::Error>> {
        self.trigger_object(context, Kind::Activation, "iota/boot-url")
    }

    /// The user looks for a software update: a session at the URL for that.
    pub fn check_for_update<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Accepted, AgentError<F::Error>> {
        self.ask_after = Duration::ZERO;
        self.trigger_object(context, Kind::UpdateCheck, "x/kedge/fota-url")
    }

    fn trigger_object<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        kind: Kind,
        object: &'static str,
    ) -> Result<Accepted, AgentError<F::Error>> {
        let mut buf = [0; limits::URL];
        let url = self.setting(context.flash, object, &mut buf)?.ok_or(AgentError::Config(object))?;
        let trigger = Trigger::new(kind, url).ok_or(AgentError::Config(object))?;
        Ok(self.trigger(context, trigger))
    }

    /// How far activation came.
    pub fn activation<F: NorFlash>(&self, flash: &mut F) -> Result<Activation, AgentError<F::Error>> {
        Ok(self.store.get::<Activation, F>(flash, &mut [0; 32])?.unwrap_or_default())
    }

    /// The store, for reading.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The update agent's view, for reading.
    pub const fn update(&self) -> &Update {
        &self.update
    }

    /// The committed value of a text object, or its factory value.
    fn setting<'o, F: NorFlash>(
        &self,
        flash: &mut F,
        object: &str,
        buf: &'o mut [u8],
    ) -> Result<Option<&'o str>, AgentError<F::Error>>
    where
        'b: 'o,
    {
        let key = crate::objects::key_of(object).unwrap_or(OBJECTS);
        match self.store.bytes(flash, key, buf)? {
            Some(value) => Ok(core::str::from_utf8(value).ok()),
            None => Ok(self.config.pri.object(object)),
        }
    }

    /// What the update agent measures packages against.
    fn device<'d>(&self, identity: &'d dyn Identity) -> Device<'d>
    where
        'b: 'd,
    {
        Device { version: Some(identity.version()), ..self.config.device }
    }

    /// Puts the result of an update into the outbox, then takes it out of the journal. If the power fails between the two,
    /// the next start finds the same package in the outbox and puts nothing twice.
    fn collect_outcome<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let Some(outcome) = self.update.outcome() else { return Ok(()) };
        let mut buf = [0; limits::RECORD];
        let mut known = false;
        for key in crate::store::OUTBOX {
            let report = self.store.get_at::<Report<'_>, F>(context.flash, key, &mut buf)?;
            known |= report.is_some_and(|report| report.package == outcome.package.0);
        }
        let mut url = [0; limits::URL];
        let url = self.setting(context.flash, "fota/status-url", &mut url)?.unwrap_or_default();
        if !known && let Some(key) = self.store.free_report() {
            let state = crate::state::of_result(outcome.result);
            let report = Report { url, state, package: outcome.package.0, tries: 0 };
            let value = report.encode(&mut buf).ok_or(AgentError::Config("fota/status-url"))?;
            let changes = [Change::put(key, value), Change::remove(Key::Consent as u8), Change::remove(Key::Fetch as u8)];
            self.store.commit(context.flash, &changes)?;
            context.event(&Event::ReportQueued { state });
        }
        self.update.clear_outcome(context.flash)?;
        Ok(())
    }

    /// What the device must do now.
    pub fn poll<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Output<'_>, AgentError<F::Error>> {
        if let State::Idle(_) = self.state {
            let until = self.choose(context)?;
            if let State::Idle(_) = self.state {
                return Ok(Output::Idle(until));
            }
        }
        if let State::Talking(_) = self.state {
            self.talk(context)?;
        }
        self.output(context)
    }
}

impl<const PRL: usize> Agent<'_, PRL> {
    /// Leaves the idle state if there is something to do now; else says when there may be.
    fn choose<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Option<Duration>, AgentError<F::Error>> {
        let now = context.now;
        let mut wake = Wake::default();
        let activation = self.activation(context.flash)?;
        if let Some(trigger) = self.next_session(context)? {
            if !wake.is_due(now, self.not_before) {
                return Ok(wake.0);
            }
            context.event(&Event::SessionStarted { kind: trigger.kind, url: &trigger.url });
            self.enter(|buffers| State::Calling(buffers, trigger));
        } else if activation.committed && !activation.registered && wake.is_due(now, self.register_after) {
            self.enter(State::Registering);
        } else {
            match self.update.job() {
                Job::Ordered { .. } => {
                    context.event(&Event::Restarting(Restart::UpdateAgent));
                    self.enter(|buffers| State::Restarting(buffers, Restart::UpdateAgent));
                }
                Job::Verified { .. } if wake.is_due(now, self.ask_after) => {
                    self.enter(|buffers| State::Asking(buffers, consent::Question::Install));
                }
                _ => {}
            }
        }
        Ok(wake.0)
    }

    /// The session to hold next, already in the store: one that was interrupted, a report, or a new trigger.
    fn next_session<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Option<Trigger>, AgentError<F::Error>> {
        let mut buf = [0; limits::RECORD];
        if let Some(resume) = self.store.get::<Resume<'_>, F>(context.flash, &mut buf)? {
            let kind = Kind::from_number(resume.kind).unwrap_or(Kind::Push);
            return Ok(Trigger::new(kind, resume.url));
        }
        if let Some(key) = self.store.next_report() {
            let report = self.store.get_at::<Report<'_>, F>(context.flash, key, &mut buf)?;
            return Ok(report.and_then(|report| Trigger::new(Kind::Status, report.url)));
        }
        let Some(trigger) = self.triggers.take() else { return Ok(None) };
        self.store.put(context.flash, &Resume { kind: trigger.kind as u8, url: &trigger.url, tries: 0 })?;
        self.not_before = Duration::ZERO;
        Ok(Some(trigger))
    }

    /// Goes from idle to another state.
    fn enter(&mut self, next: impl FnOnce(Buffers<'_>) -> State<'_>) {
        self.state = match core::mem::replace(&mut self.state, State::Between) {
            State::Idle(buffers) => next(buffers),
            other => other,
        };
    }
}

/// The earliest time at which something waits to be done.
#[derive(Clone, Copy, Debug, Default)]
struct Wake(Option<Duration>);

impl Wake {
    /// Whether `at` has come; if not, remembers it.
    fn is_due(&mut self, now: Duration, at: Duration) -> bool {
        if now < at {
            self.0 = Some(self.0.map_or(at, |earlier| earlier.min(at)));
        }
        now >= at
    }
}
