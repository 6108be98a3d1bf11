//! The service: life after life of the agent, each from what the flash holds.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use kedge_agent::agent::{Agent, Buffers, Memory, Messages};
use kedge_agent::config::{Config as AgentConfig, Pri};
use kedge_agent::dispatch::{Content, Origin};
use kedge_agent::runner::{Pause, Ports, run};
use kedge_agent::store::OUTBOX;
use kedge_platform::clock::Clock as _;
use kedge_platform::identity::Identity as _;
use kedge_platform::ui::{Answer, Prompt, Ui};
use kedge_protocol::is683::engine::{Capability, Engine};
use kedge_update_agent::{Device, Job, Key};

use crate::config::Config;
use crate::connections::HandOver;
use crate::door::{Door, Order};
use crate::hand_over::{self, Room, Then};
use crate::license::{self, License, Parts};
use crate::machine::{self, FlashMap, Machine};
use crate::protocol::{self, Activation, Doing, Question};
use crate::watch::{Journal, Shared};

/// Largest preferred roaming list, in octets.
const PRL: usize = 16 << 10;
/// Largest body of an answer: the conformance minimum.
const RECEIVE: usize = 128 << 10;
/// Largest answer to a server.
const SEND: usize = 8 << 10;
/// How long the service waits before it tries again what failed by the machine's fault; an order ends the wait.
const RECOVERY: Duration = Duration::from_secs(60);
/// How long a restart of the machine may take before it is ordered again.
const RESTART_TIME: Duration = Duration::from_secs(600);
/// How long a question of the network waits within a session.
const QUESTION_TIME: Duration = Duration::from_secs(300);
/// Starts of a new image until it counts as failed.
const TRIAL_ATTEMPTS: u8 = 3;

/// Serves until it is told to stop, which ends the process. Returns only if it cannot start: nothing is left half way then
/// but files, whole.
pub fn serve(config: &Config) -> anyhow::Result<Infallible> {
    crate::door::bear_file_limits()?;
    let shared = Shared::default();
    shared.tell(|status| config.identity.version().clone_into(&mut status.version));
    let (orders, receiver) = channel();
    let (flash, map) = machine::open(config, &shared)?;
    let door = Door::open(&config.socket, shared.clone(), orders)?;
    let user =
        User { orders: receiver, backlog: VecDeque::new(), always: config.always, shared: shared.clone() };
    let mut ports = machine::ports(config, flash, user)?;
    let license = config.license.as_ref();
    let mut license = license.map(|license| Parts::open(license, &config.directory)).transpose()?;
    std::thread::Builder::new().name("door".to_owned()).spawn(move || door.attend())?;
    log::info!("kedge-agentd {} listens at {}", env!("CARGO_PKG_VERSION"), config.socket.display());
    loop {
        let Err(error) = live(config, map, &mut ports, license.as_mut(), &shared) else { continue };
        let text = format!("{error:#}");
        log::error!("{text}; again in {} s", RECOVERY.as_secs());
        shared.tell(|status| (status.doing, status.trouble) = (Doing::InTrouble, Some(text)));
        ports.ui.pause(RECOVERY);
        ports.flash.take_up();
    }
}

/// One life: up to a restart of the agent, or trouble.
fn live(
    config: &Config,
    map: FlashMap,
    ports: &mut Ports<Machine>,
    license: Option<&mut Parts>,
    shared: &Shared,
) -> anyhow::Result<()> {
    let keys = config.update.iter().flat_map(|update| &update.keys);
    let keys: Vec<_> = keys.map(|(name, public)| Key { id: name.as_bytes(), public: *public }).collect();
    let device = Device {
        product: config.update.as_ref().map_or("", |update| &update.product),
        version: Some(config.identity.version()),
        security_counter: config.update.as_ref().map_or(0, |update| update.security_counter),
        keys: &keys,
        trial_attempts: TRIAL_ATTEMPTS,
        memory: Room::MEMORY,
    };
    shared.tell(|status| status.doing = Doing::Starting);
    if let Some(update) = &config.update
        && hand_over::follow(config, update, &mut ports.flash, map, &device, shared)? == Then::Restarting
    {
        ports.ui.pause(RESTART_TIME);
        return Ok(());
    }
    let objects: Vec<_> = config.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let agent_config = AgentConfig {
        store: map.store,
        update: map.update,
        device,
        pri: Pri { objects: &objects, spc: config.spc },
        capability: capability(),
        objects: &[],
    };
    let (mut receive, mut send) = (vec![0; RECEIVE], vec![0; SEND]);
    let mut engine = Box::new(Engine::new());
    let buffers = Buffers { receive: &mut receive, send: &mut send };
    let mut messages = Box::default();
    let memory = Memory { buffers, engine: &mut engine, messages: Messages::cdma(&mut messages) };
    let hosts = config.license.as_ref().map(License::hosts).unwrap_or_default();
    let ueid = license::ueid(config.identity.hardware_id());
    let mut connections = config.connections.as_ref().map(HandOver::new);
    let mut journal = Journal(shared.clone());
    let mut agent = Agent::<PRL>::start(agent_config, memory, &mut ports.context(&mut journal))
        .map_err(|error| anyhow!("{error}"))?;
    if let (Some(license), Some(parts)) = (&config.license, license) {
        let setup = license.setup(&config.identity, &ueid, &hosts, parts);
        let begun = agent.license_begin(&mut ports.context(&mut journal), setup);
        if let Err(fault) = begun.map_err(|error| anyhow!("{error}"))? {
            // everything else works without
            log::error!("license: {fault}");
        }
    }
    loop {
        let paused = run(&mut agent, ports, &mut journal).map_err(|error| anyhow!("{error}"))?;
        // connections and what they hold are not kept while nothing happens
        ports.http = machine::client(config);
        if let Some(connections) = &mut connections {
            connections.follow(agent.store(), &mut ports.flash, shared);
        }
        let Pause::Idle(until) = paused else { return Ok(()) };
        tell(&agent, ports, shared)?;
        let wait = until.map(|until| until.saturating_sub(ports.clock.uptime()));
        shared.acts_at(wait.and_then(|wait| Instant::now().checked_add(wait)));
        let order = ports.ui.next(wait);
        shared.acts_at(None);
        let mut context = ports.context(&mut journal);
        let taken = match order {
            Some(Order::Activate) => agent.activate(&mut context).map(drop),
            Some(Order::CheckUpdate) => agent.check_for_update(&mut context).map(drop),
            Some(Order::License(op)) => {
                if !agent.license_request(context.now, op) {
                    log::warn!("license: asked too often");
                }
                Ok(())
            }
            Some(Order::Open(document)) => {
                let content = Content { media_type: &document.0, origin: Origin::File, body: &document.1 };
                agent.open(&mut context, &content).map(|taken| {
                    let text = taken.map_or_else(|why| format!("refused: {why}"), |()| "taken".to_owned());
                    shared.tell(|status| status.file = Some(text));
                })
            }
            Some(Order::Answer(_)) | None => Ok(()),
        };
        taken.map_err(|error| anyhow!("{error}"))?;
    }
}

/// The agent is idle: how things stand.
fn tell(agent: &Agent<'_, PRL>, ports: &mut Ports<Machine>, shared: &Shared) -> anyhow::Result<()> {
    let done = agent.activation(&mut ports.flash).map_err(|error| anyhow!("{error}"))?;
    let reports = OUTBOX.filter(|key| agent.store().len(*key).is_some()).count();
    let update = match agent.update().job() {
        Job::Idle => "idle".to_owned(),
        Job::Receiving { size, received } | Job::Opening { size, received } => {
            format!("receiving, {received} of {size} octets")
        }
        Job::Verified { .. } => "a package waits to be installed".to_owned(),
        Job::Ordered { .. } | Job::Applying { .. } | Job::Streaming { .. } => "being made".to_owned(),
        Job::Trial { .. } => "on trial".to_owned(),
        Job::Reverting { .. } => "going back".to_owned(),
    };
    let license = agent.license_status(ports.clock.uptime()).map(|license| protocol::License {
        verdict: license.verdict.to_string(),
        state: license.terms.state.to_string(),
        serial: license.terms.serial.to_string(),
        expires: license.terms.expires,
        features: license.features,
        time: license.time,
        due: license.due.map(|op| op.to_string()),
        report_due: license.report_due,
    });
    shared.tell(|status| {
        status.license = license;
        (status.doing, status.update, status.reports, status.trouble) = (Doing::Idle, update, reports, None);
        status.activation =
            Activation { committed: done.committed, confirmed: done.confirmed, registered: done.registered };
    });
    Ok(())
}

/// The user, at the other end of the socket.
#[derive(Debug)]
pub(crate) struct User {
    orders: Receiver<Order>,
    /// Orders that came while an answer was waited for.
    backlog: VecDeque<Order>,
    /// Updates are installed without asking.
    always: bool,
    shared: Shared,
}

impl User {
    /// The next order; none when the time is over.
    fn next(&mut self, wait: Option<Duration>) -> Option<Order> {
        if let Some(order) = self.backlog.pop_front() {
            return Some(order);
        }
        match wait {
            Some(wait) => match self.orders.recv_timeout(wait) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => ended(),
            },
            None => Some(self.orders.recv().unwrap_or_else(|_| ended())),
        }
    }

    /// Waits for so long, or for an order, which is kept.
    pub(crate) fn pause(&mut self, wait: Duration) {
        if let Some(order) = self.next(Some(wait)) {
            self.backlog.push_front(order);
        }
    }

    /// Asks, and waits for the answer.
    fn ask(&mut self, question: Question, wait: Option<Duration>) -> Answer {
        log::info!("question: {question:?}");
        self.shared.tell(|status| (status.doing, status.question) = (Doing::Asking, Some(question)));
        let until = wait.and_then(|wait| Instant::now().checked_add(wait));
        let answer = loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let order = match left {
                None => self.orders.recv().ok(),
                Some(left) => self.orders.recv_timeout(left).ok(),
            };
            match order {
                Some(Order::Answer(answer)) => break answer,
                Some(other) => self.backlog.push_back(other),
                None => break Answer::Later,
            }
        };
        self.shared.tell(|status| (status.doing, status.question) = (Doing::Session, None));
        log::info!("answer: {answer:?}");
        answer
    }
}

/// The door is gone, and with it everybody who could want something: it ends the process itself.
fn ended() -> ! {
    loop {
        std::thread::park();
    }
}

impl Ui for User {
    /// The notes and the disclaimer belong to the question before them: who installs an update wants it.
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer {
        match prompt {
            Prompt::InstallUpdate { version } if !self.always => {
                self.ask(Question::Install { version: version.to_owned() }, None)
            }
            Prompt::Confirm(text) if !self.always => {
                self.ask(Question::Network { text: text.to_owned() }, Some(QUESTION_TIME))
            }
            Prompt::ApplySettings { summary } => self
                .ask(Question::Network { text: format!("apply settings: {summary}") }, Some(QUESTION_TIME)),
            Prompt::ActivateFeature { feature } => {
                self.ask(Question::Network { text: format!("activate {feature}?") }, Some(QUESTION_TIME))
            }
            // There is no way to type or choose anything.
            Prompt::EnterPin { .. } | Prompt::EnterText { .. } | Prompt::Choose { .. } => Answer::Later,
            Prompt::ReleaseNotes { description, notes } => {
                log::info!("{description}: {notes}");
                Answer::Yes
            }
            told => {
                log::info!("user told: {told:?}");
                Answer::Yes
            }
        }
    }
}

/// What the machine tells of itself by IS-683: nothing of a modem, whose own driver knows it.
fn capability() -> Capability {
    Capability {
        firmware_rev: 1,
        max_prl_size: u16::try_from(PRL).unwrap_or(u16::MAX),
        extended_prl: true,
        max_sid_nid: 20,
        ..Capability::PLAIN
    }
}
