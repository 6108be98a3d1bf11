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
use kedge_platform::ui::{Answer, Page, Prompt};
use kedge_protocol::dm::auth::MAC_HEADER;
use kedge_protocol::iota::EndReason;
use kedge_protocol::is683::engine::Mode;
use kedge_protocol::is683::{Engine, Spc};
use kedge_protocol::wap::{Coding, Shelf};
use kedge_protocol::wire::Slot;
use kedge_update_agent::Update;

use crate::config::{Config, Security};
use crate::error::AgentError;
use crate::event::{Event, Events, LinkError};
use crate::feature::{Feature, RESULT};
use crate::limits;
use crate::objects::Staged;
use crate::phone::Programming;
use crate::store::{Activation, Key, Store};
use crate::trigger::{self, Accepted, Kind, Trigger};

mod air;
mod answer;
mod commit;
mod consent;
mod desk;
mod dm;
mod download;
mod enrol;
mod feature;
mod flood;
mod idle;
mod licensing;
mod message;
mod nam;
mod over;
mod provision;
mod push;
mod talk;

use desk::Desk;
use dm::Dm;
pub use dm::{Kept, Management, ManagementMemory};
use licensing::{Errand, Wallet};
pub use licensing::{LicenseFault, LicenseSetup, LicenseStatus};
pub use message::{Arrived, Bearer, Contents, GsmReceiver, Messages, Unusable};
use talk::{Pumped, Talk};

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

    /// Shows a request, and hands it out.
    fn http<'r>(&mut self, request: HttpRequest<'r>) -> Output<'r> {
        let method = if request.post { "POST" } else { "GET" };
        self.event(&Event::Request {
            method,
            url: request.url,
            headers: &request.headers,
            body: request.body,
        });
        Output::Http(request)
    }

    /// A random octet, for pauses.
    fn random(&mut self) -> u8 {
        let mut random = [0];
        self.entropy.fill(&mut random);
        let [random] = random;
        random
    }

    /// The pause after so many failed tries.
    fn backoff(&mut self, tries: u8) -> Duration {
        limits::RETRIES.pause(tries, self.random())
    }
}

/// Most headers of a request, `Content-Length` not counted.
pub const MAX_HEADERS: usize = 8;

/// An HTTP request to be sent.
#[derive(Clone, Debug)]
pub struct HttpRequest<'a> {
    /// POST, else GET.
    pub post: bool,
    /// Absolute URL.
    pub url: &'a str,
    /// Header names and values, without `Content-Length`.
    pub headers: heapless::Vec<(&'a str, &'a str), MAX_HEADERS>,
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
    /// `Last-Modified`.
    pub modified: Option<&'h str>,
    /// `Date`.
    pub date: Option<&'h str>,
    /// `Location`.
    pub location: Option<&'h str>,
    /// `Set-Cookie`; several of them a line each.
    pub set_cookie: Option<&'h str>,
    /// The digest of a management server (`x-syncml-hmac`).
    pub mac: Option<&'h str>,
    /// `Retry-After` in seconds; dates are not understood.
    pub retry_after: Option<u32>,
    /// [`crate::feature::RESULT`].
    pub result: Option<u16>,
    /// Whether there is a `Content-Encoding`.
    pub encoded: bool,
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
            modified: headers.header("Last-Modified"),
            date: headers.header("Date"),
            location: headers.header("Location"),
            set_cookie: headers.header("Set-Cookie"),
            mac: headers.header(MAC_HEADER),
            retry_after: number("Retry-After").and_then(|n| u32::try_from(n).ok()),
            result: number(RESULT).and_then(|n| u16::try_from(n).ok()),
            encoded: headers.header("Content-Encoding").is_some(),
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
    /// Show this page in the browser, hand in the link that the user follows by [`Agent::follow`], then answer
    /// [`Done::Browsed`].
    Browse(Page<'a>),
    /// Register with this number assignment and roaming list: the one of the phone's two that is used.
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
    /// The page: a link was handed in, or the user has left it.
    Browsed,
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

/// The memory of an agent that is too large to be moved about.
#[derive(Debug)]
pub struct Memory<'b, const PRL: usize> {
    /// The session's buffers.
    pub buffers: Buffers<'b>,
    /// The IS-683 engine, with its buffer for a roaming list of at most `PRL` octets.
    pub engine: &'b mut Engine<PRL>,
    /// Where the parts of short messages wait for each other.
    pub messages: Messages<'b>,
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
    /// The data call is being opened for device management.
    Attaching(Buffers<'b>, dm::Errand),
    /// A management session is held.
    Managing(Buffers<'b>),
    /// A package is fetched that a management server wants.
    Fetching(Buffers<'b>),
    /// The user is asked about a management session, or only told.
    Agreeing(Buffers<'b>, bool),
    /// The data call is being closed.
    Hanging(Buffers<'b>, After),
    /// The radio registers.
    Registering(Buffers<'b>),
    /// The user is shown a result; the answer does not matter.
    Telling(Buffers<'b>, Notice),
    /// The user is asked whether to follow a service indication.
    Inviting(Buffers<'b>),
    /// The user is asked about settings that came.
    Provisioning(Buffers<'b>, provision::Question),
    /// A feature is being activated.
    Enrolling(enrol::Enrol<'b>),
    /// The user is shown a text that came by short message.
    Reading(Buffers<'b>),
    /// An OTASP call is up; without another message it is over at this uptime.
    Programming(Buffers<'b>, Duration),
    /// The user is asked about an update.
    Asking(Buffers<'b>, consent::Question),
    /// The license's server is being asked.
    Licensing(Errand<'b>),
    /// The device is restarting.
    Restarting(Restart),
    /// Only while a state is being replaced.
    Between,
}

/// What comes after a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Nothing,
    Tell(Notice),
    Restart,
}

/// A result the user is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    Activated,
    NoUpdate,
    UpdateRefused,
    Failed(u16),
    SettingsApplied,
    SettingsRefused,
}

impl Notice {
    const fn prompt(self) -> Prompt<'static> {
        match self {
            Self::Activated => Prompt::Activated,
            Self::NoUpdate => Prompt::NoUpdate,
            Self::UpdateRefused => Prompt::UpdateRefused,
            Self::Failed(code) => Prompt::Failed(code),
            Self::SettingsApplied => Prompt::SettingsApplied,
            Self::SettingsRefused => Prompt::SettingsRefused,
        }
    }
}

/// The agent. `PRL` is the largest preferred roaming list in octets.
#[derive(Debug)]
pub struct Agent<'b, const PRL: usize> {
    desk: Desk<'b, PRL>,
    triggers: trigger::Queue,
    state: State<'b>,
    /// No session is started again before this uptime.
    not_before: Duration,
    /// The user is not asked about an update before this uptime.
    ask_after: Duration,
    /// The user is not asked about settings before this uptime.
    provision_after: Duration,
    /// The radio is not asked to register before this uptime, and how often it refused.
    register_after: (Duration, u8),
    /// The pushes that came.
    flood: flood::Flood,
    /// A document that was pushed: how it is coded and how long it is. It is in the receive buffer while the call is opened.
    document: Option<(Coding, usize)>,
    /// A service indication that the user has not answered.
    invitation: Option<push::Invitation>,
    /// A feature that the user has opened and does not have.
    offered: Option<Feature>,
    /// An activation of a feature does not go on before this uptime.
    enrol_after: Duration,
    /// A text that the user has not seen.
    text: Option<heapless::String<{ limits::INVITATION }>>,
    /// Device management, if the device has it.
    dm: Option<Dm<'b>>,
    /// The user has dialled for an activation: until when pushes are his.
    dialled: Option<Duration>,
    messages: Messages<'b>,
    /// The license; `None` on a device without licensing.
    license: Option<Wallet<'b>>,
}

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Takes up what flash holds: opens the store, reads the update journal, confirms a new firmware (this call coming this
    /// far is the health check), and puts the result of an update into the outbox.
    ///
    /// For programs with a large stack: an agent is some 10 KB. Others have a place for it: [`Self::start_in`].
    pub fn start<F: NorFlash, C: Crypto>(
        config: Config<'b>,
        memory: Memory<'b, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<Self, AgentError<F::Error>> {
        let mut place = Slot::Empty;
        Self::start_in(&mut place, config, memory, context)?;
        match place {
            Slot::Held(agent) => Ok(agent),
            Slot::Empty => Err(AgentError::Misuse),
        }
    }

    /// The same in a place of the caller's, static memory for example; what was there before is gone.
    #[inline(never)] // its stack is free again when the agent runs
    pub fn start_in<'p, F: NorFlash, C: Crypto>(
        place: &'p mut Slot<Self>,
        config: Config<'b>,
        memory: Memory<'b, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<&'p mut Self, AgentError<F::Error>> {
        let digits = core::str::from_utf8(&config.pri.spc).unwrap_or_default();
        let factory_spc = Spc::new(digits).ok_or(AgentError::Config("service programming code"))?;
        let (store, opened) = Store::open(context.flash, config.store, context.identity.hardware_id())?;
        let update = Update::mount(context.flash, config.update)?;
        context.event(&Event::Started { store: opened });
        Self::put(place, config, memory, factory_spc, store, update);
        let agent = place.as_mut().ok_or(AgentError::Misuse)?;
        if agent.desk.store.len(Key::Dialled as u8).is_some() {
            agent.dialled = Some(context.now.saturating_add(limits::DIALLED));
        }
        agent.desk.update.confirm(context.flash)?;
        agent.desk.collect_outcome(context)?;
        Ok(agent)
    }

    /// An idle agent. A function of its own, so that whatever is copied here is off the stack when the work begins.
    #[inline(never)]
    fn put(
        place: &mut Slot<Self>,
        config: Config<'b>,
        memory: Memory<'b, PRL>,
        factory_spc: Spc,
        store: Store,
        update: Update,
    ) {
        let desk = Desk {
            config,
            factory_spc,
            security: Security::default(),
            store,
            update,
            engine: memory.engine,
            programming: Programming { mode: Mode::UserInitiated, kind: None },
            staged: Staged::new(),
            reporting: None,
            date: None,
            shelf: Shelf::new(),
            download: None,
            answer: [0; desk::ANSWER],
        };
        *place = Slot::Held(Self {
            desk,
            triggers: trigger::Queue::new(),
            state: State::Idle(memory.buffers),
            not_before: Duration::ZERO,
            ask_after: Duration::ZERO,
            provision_after: Duration::ZERO,
            register_after: (Duration::ZERO, 0),
            flood: flood::Flood::new(),
            document: None,
            invitation: None,
            offered: None,
            enrol_after: Duration::ZERO,
            text: None,
            dm: None,
            dialled: None,
            messages: memory.messages,
            license: None,
        });
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

    /// The user looks for a software update: a session at the URL for that, or, if there is none, with the management server
    /// of the first account. A package that waits is asked about again.
    pub fn check_for_update<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Accepted, AgentError<F::Error>> {
        self.ask_after = Duration::ZERO;
        let mut buf = [0; limits::URL];
        let url = self.desk.setting(context.flash, "x/kedge/fota-url", &mut buf)?;
        if self.dm.is_some() && url.is_none_or(str::is_empty) {
            return self.ask_for_update(context);
        }
        self.trigger_object(context, Kind::UpdateCheck, "x/kedge/fota-url")
    }

    fn trigger_object<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        kind: Kind,
        object: &'static str,
    ) -> Result<Accepted, AgentError<F::Error>> {
        let mut buf = [0; limits::URL];
        let url = self.desk.setting(context.flash, object, &mut buf)?.ok_or(AgentError::Config(object))?;
        let trigger = Trigger::new(kind, url).ok_or(AgentError::Config(object))?;
        Ok(self.trigger(context, trigger))
    }

    /// How far activation came.
    pub fn activation<F: NorFlash>(&self, flash: &mut F) -> Result<Activation, AgentError<F::Error>> {
        self.desk.activation(flash)
    }

    /// The store, for reading.
    pub const fn store(&self) -> &Store {
        &self.desk.store
    }

    /// The update agent's view, for reading.
    pub const fn update(&self) -> &Update {
        &self.desk.update
    }

    /// What the device must do now.
    pub fn poll<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Output<'_>, AgentError<F::Error>> {
        if let State::Talking(talk) = &mut self.state
            && let Pumped::Over(outcome) = talk.pump(&mut self.desk, context)?
        {
            self.session_over(context, outcome)?;
        }
        self.pump_management(context)?;
        self.pump_fetching(context)?;
        self.license_pump(context)?;
        let mut until = self.otasp_until(context)?;
        if let State::Idle(_) = self.state {
            until = self.choose(context)?;
        }
        match &mut self.state {
            State::Idle(_) | State::Programming(..) | State::Between => Ok(Output::Idle(until)),
            State::Licensing(Errand::Talking(talk)) => Ok(talk.output(context)),
            State::Calling(buffers, _)
            | State::Attaching(buffers, _)
            | State::Licensing(Errand::Calling(buffers, _)) => {
                let nai = self.desk.setting(context.flash, "iota/boot-nai", buffers.send)?;
                Ok(Output::OpenCall { nai: nai.unwrap_or_default() })
            }
            State::Talking(talk) => Ok(talk.output(&mut self.desk, context)),
            State::Managing(buffers) => match &mut self.dm {
                Some(dm) => Ok(dm.output(&mut self.desk, context, buffers)),
                None => Err(AgentError::Misuse),
            },
            State::Fetching(_) => match self.desk.downloading() {
                Some((download, _)) => Ok(download.output(context)),
                None => Err(AgentError::Misuse),
            },
            State::Agreeing(buffers, confirm) => {
                let prompt = self.desk.management_prompt(context.flash, *confirm, buffers.send)?;
                context.events.event(context.now, &Event::Prompted(prompt));
                Ok(Output::Ask(prompt))
            }
            State::Hanging(..) => Ok(Output::CloseCall),
            State::Registering(buffers) => {
                let nam = crate::store::nam(&self.desk.store, context.flash, buffers.send);
                let prl = self.desk.store.bytes(context.flash, Key::Prl as u8, buffers.receive)?;
                Ok(Output::Register { nam: nam.unwrap_or_default(), prl: prl.unwrap_or_default() })
            }
            State::Telling(_, notice) => {
                let prompt = notice.prompt();
                context.event(&Event::Prompted(prompt));
                Ok(Output::Ask(prompt))
            }
            State::Inviting(_) => {
                let text = self.invitation.as_ref().map_or("", |invitation| invitation.text.as_str());
                let prompt = Prompt::Confirm(text);
                context.event(&Event::Prompted(prompt));
                Ok(Output::Ask(prompt))
            }
            State::Provisioning(buffers, question) => {
                let prompt = question.prompt(&mut self.desk, context.flash, buffers)?;
                context.events.event(context.now, &Event::Prompted(prompt));
                Ok(Output::Ask(prompt))
            }
            State::Enrolling(enrol) => enrol.output(&self.desk, context),
            State::Reading(_) => {
                let prompt = Prompt::Notice(self.text.as_deref().unwrap_or_default());
                context.event(&Event::Prompted(prompt));
                Ok(Output::Ask(prompt))
            }
            State::Asking(buffers, question) => {
                let prompt = question.prompt(&self.desk.update, context, buffers.receive)?;
                context.events.event(context.now, &Event::Prompted(prompt));
                Ok(Output::Ask(prompt))
            }
            State::Restarting(why) => Ok(Output::Restart(*why)),
        }
    }

    /// The device has done what [`Agent::poll`] told.
    pub fn done<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        done: Done,
    ) -> Result<(), AgentError<F::Error>> {
        // The largest states stay where they are.
        match &mut self.state {
            State::Talking(talk) => {
                return match done {
                    Done::HttpEnded(ended) => talk.exchanged(&mut self.desk, context, ended),
                    Done::Answered(answer) => {
                        context.event(&Event::Answered(answer));
                        talk.answered(&mut self.desk, context, answer)
                    }
                    Done::Waited => talk.waited(context),
                    _ => Err(AgentError::Misuse),
                };
            }
            State::Licensing(Errand::Talking(talk)) => {
                let taken = match done {
                    Done::HttpEnded(ended) => talk.exchanged(context, ended),
                    Done::Answered(_) => Some(()),
                    _ => None,
                };
                return taken.ok_or(AgentError::Misuse);
            }
            State::Managing(buffers) => {
                let dm = self.dm.as_mut().ok_or(AgentError::Misuse)?;
                return dm.done(&mut self.desk, context, buffers, done);
            }
            _ => {}
        }
        match (core::mem::replace(&mut self.state, State::Between), done) {
            (State::Calling(buffers, trigger), Done::CallOpened(result)) => {
                context.event(&Event::DataCall(result));
                if result.is_ok() {
                    return self.begin_session(context, buffers, trigger);
                }
                self.state = State::Idle(buffers);
                self.try_again(context, trigger.kind, (EndReason::NO_SERVICE, 0))
            }
            (State::Attaching(buffers, errand), Done::CallOpened(result)) => {
                context.event(&Event::DataCall(result));
                if result.is_ok() {
                    return self.attached(context, buffers, errand);
                }
                self.state = State::Idle(buffers);
                self.not_attached(context, errand)
            }
            (State::Fetching(buffers), done) => {
                self.state = State::Fetching(buffers);
                self.desk.fetch_done(context, done)
            }
            (State::Agreeing(buffers, confirm), Done::Answered(answer)) => {
                context.event(&Event::Answered(answer));
                self.agreed(context, buffers, (confirm, answer))
            }
            (State::Licensing(Errand::Calling(buffers, what)), Done::CallOpened(result)) => {
                self.license_called(context, (buffers, what), result)
            }
            (State::Hanging(buffers, after), Done::CallClosed) => {
                context.event(&Event::DataCallClosed);
                self.state = match after {
                    After::Nothing => State::Idle(buffers),
                    After::Tell(notice) => State::Telling(buffers, notice),
                    After::Restart => {
                        context.event(&Event::Restarting(Restart::Settings));
                        State::Restarting(Restart::Settings)
                    }
                };
                Ok(())
            }
            (State::Registering(buffers), Done::Registered(result)) => {
                self.registered(context, buffers, result)
            }
            (State::Telling(buffers, notice), Done::Answered(_)) => {
                self.state = State::Idle(buffers);
                if notice == Notice::SettingsApplied {
                    self.desk.store.remove(context.flash, Key::Untold as u8)?;
                }
                Ok(())
            }
            (State::Reading(buffers), Done::Answered(_)) => {
                self.text = None;
                self.state = State::Idle(buffers);
                Ok(())
            }
            (State::Inviting(buffers), Done::Answered(answer)) => {
                context.event(&Event::Answered(answer));
                self.invited(context, buffers, answer);
                Ok(())
            }
            (State::Provisioning(buffers, question), Done::Answered(answer)) => {
                context.event(&Event::Answered(answer));
                self.provisioned(context, buffers, question, answer)
            }
            (State::Enrolling(enrol), done) => self.enrolled(context, enrol, done),
            (State::Asking(buffers, question), Done::Answered(answer)) => {
                context.event(&Event::Answered(answer));
                self.consented(context, buffers, question.answered(answer))
            }
            (state, _) => {
                self.state = state;
                Err(AgentError::Misuse)
            }
        }
    }

    /// Hands in the head of an answer. The inner error tells the device to drop the connection and to answer
    /// [`Done::HttpEnded`] with it.
    pub fn reply_head<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        head: &Head<'_>,
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        match &mut self.state {
            State::Talking(talk) => talk.head(&mut self.desk, context, head),
            State::Enrolling(enrol) => enrol.head(head).ok_or(AgentError::Misuse),
            State::Managing(buffers) => {
                let dm = self.dm.as_mut().ok_or(AgentError::Misuse)?;
                dm.head(buffers, head).ok_or(AgentError::Misuse)
            }
            State::Fetching(_) => self.desk.fetch_head(context, head),
            State::Licensing(Errand::Talking(talk)) => talk.head(context, head).ok_or(AgentError::Misuse),
            _ => Err(AgentError::Misuse),
        }
    }

    /// Hands in a part of the body of an answer. The inner error is as with [`Agent::reply_head`].
    pub fn reply_body<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        part: &[u8],
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        match &mut self.state {
            State::Talking(talk) => talk.body(&mut self.desk, context, part),
            State::Enrolling(enrol) => enrol.body(part).ok_or(AgentError::Misuse),
            State::Managing(buffers) => {
                let dm = self.dm.as_mut().ok_or(AgentError::Misuse)?;
                dm.body(buffers, part).ok_or(AgentError::Misuse)
            }
            State::Fetching(_) => self.desk.fetch_body(context, part),
            State::Licensing(Errand::Talking(talk)) => talk.body(part).ok_or(AgentError::Misuse),
            _ => Err(AgentError::Misuse),
        }
    }
}
