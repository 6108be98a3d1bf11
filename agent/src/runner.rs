//! The loop between the agent and the device's slow ports: the only code here that waits.
//!
//! A device with an event loop of its own does not need it: it polls the [`Agent`] and answers each [`Output`] itself.

use core::time::Duration;

use kedge_platform::clock::Clock;
use kedge_platform::crypto::Crypto;
use kedge_platform::entropy::Entropy;
use kedge_platform::flash::NorFlash;
use kedge_platform::http::{Connection, ErrorKind, Method, Read};
use kedge_platform::identity::Identity;
use kedge_platform::power::{Power, Restart};
use kedge_platform::radio::Radio;
use kedge_platform::ui::Ui;

use crate::agent::{Agent, Context, Done, Head, Output};
use crate::error::AgentError;
use crate::event::{Events, LinkError};
use crate::limits;

/// The types of a device's ports.
pub trait Board {
    /// Flash.
    type Flash: NorFlash;
    /// Cryptography.
    type Crypto: Crypto;
    /// Identity.
    type Identity: Identity;
    /// Random octets.
    type Entropy: Entropy;
    /// Time.
    type Clock: Clock;
    /// HTTP.
    type Http: Connection;
    /// The modem.
    type Radio: Radio;
    /// The user.
    type Ui: Ui;
    /// Restarting.
    type Power: Power;
}

/// A device's ports.
#[allow(missing_docs, reason = "each field is the port of its type")]
pub struct Ports<B: Board> {
    pub flash: B::Flash,
    pub crypto: B::Crypto,
    pub identity: B::Identity,
    pub entropy: B::Entropy,
    pub clock: B::Clock,
    pub http: B::Http,
    pub radio: B::Radio,
    pub ui: B::Ui,
    pub power: B::Power,
}

impl<B: Board> Ports<B> {
    /// What the agent is lent for one call.
    pub fn context<'c>(&'c mut self, events: &'c mut dyn Events) -> Context<'c, B::Flash, B::Crypto> {
        Context {
            now: self.clock.uptime(),
            flash: &mut self.flash,
            crypto: &self.crypto,
            identity: &self.identity,
            entropy: &mut self.entropy,
            events,
        }
    }
}

/// Why [`run`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Nothing to do until a trigger arrives or the uptime reaches this, if ever.
    Idle(Option<Duration>),
    /// The device was told to restart; the agent must be made anew from flash.
    Restarted(Restart),
}

/// Does what there is to do, and returns when there is nothing more, or when the device was restarted.
pub fn run<B: Board, const PRL: usize>(
    agent: &mut Agent<'_, PRL>,
    ports: &mut Ports<B>,
    events: &mut dyn Events,
) -> Result<Pause, AgentError<<B::Flash as kedge_platform::flash::ErrorType>::Error>> {
    loop {
        let Ports { flash, crypto, identity, entropy, clock, .. } = ports;
        let mut context = Context { now: clock.uptime(), flash, crypto, identity, entropy, events };
        let (mut link, mut followed) = ([0; limits::URL], None);
        let done = match agent.poll(&mut context)? {
            Output::OpenCall { nai } => Done::CallOpened(ports.radio.open_data_call(nai)),
            Output::CloseCall => {
                ports.radio.close_data_call();
                Done::CallClosed
            }
            Output::Register { nam, prl } => Done::Registered(ports.radio.register(nam, prl)),
            Output::Ask(prompt) => Done::Answered(ports.ui.prompt(prompt)),
            Output::Browse(page) => {
                followed = ports.ui.browse(page, &mut link);
                Done::Browsed
            }
            Output::Http(request) => Done::HttpEnded(start(&mut ports.http, &request)),
            Output::Wait(deadline) => {
                ports.clock.sleep_until(deadline);
                Done::Waited
            }
            Output::Restart(why) => {
                ports.power.restart(why);
                return Ok(Pause::Restarted(why));
            }
            Output::Idle(until) => return Ok(Pause::Idle(until)),
        };
        if let Some(link) = followed.and_then(|len| core::str::from_utf8(link.get(..len)?).ok()) {
            agent.follow(&mut ports.context(events), link)?;
        }
        // A request that went out well still has its answer to come.
        let done = match done {
            Done::HttpEnded(Ok(())) => Done::HttpEnded(receive(agent, ports, events)?),
            other => other,
        };
        agent.done(&mut ports.context(events), done)?;
    }
}

/// Sends a request up to the point where the answer can be read.
fn start<H: Connection>(http: &mut H, request: &crate::agent::HttpRequest<'_>) -> Result<(), LinkError> {
    let mut digits = heapless::String::<10>::new();
    let mut headers = heapless::Vec::<(&str, &str), 12>::new();
    headers.extend_from_slice(&request.headers).map_err(|_| LinkError::TooLarge)?;
    if request.post {
        use core::fmt::Write as _;
        write!(digits, "{}", request.body.len()).map_err(|_| LinkError::TooLarge)?;
        headers.push(("Content-Length", &digits)).map_err(|_| LinkError::TooLarge)?;
    }
    let method = if request.post { Method::Post } else { Method::Get };
    http.initiate_request(method, request.url, &headers).map_err(|e| link_error(&e))?;
    let mut rest = request.body;
    while !rest.is_empty() {
        match http.write(rest).map_err(|e| link_error(&e))? {
            0 => return Err(LinkError::Broken),
            n => rest = rest.get(n..).unwrap_or_default(),
        }
    }
    http.flush().map_err(|e| link_error(&e))?;
    http.initiate_response().map_err(|e| link_error(&e))
}

/// Reads the answer into the agent. The outer error is the agent's own, the inner one that of the link.
#[allow(clippy::type_complexity, reason = "the two errors are told apart in the text above")]
fn receive<B: Board, const PRL: usize>(
    agent: &mut Agent<'_, PRL>,
    ports: &mut Ports<B>,
    events: &mut dyn Events,
) -> Result<Result<(), LinkError>, AgentError<<B::Flash as kedge_platform::flash::ErrorType>::Error>> {
    let status = kedge_platform::http::Status::status(&ports.http);
    let Ports { http, flash, crypto, identity, entropy, clock, .. } = ports;
    let (headers, body) = http.split();
    let head = Head::read(status, headers);
    let mut context = Context { now: clock.uptime(), flash, crypto, identity, entropy, events };
    if let Err(refused) = agent.reply_head(&mut context, &head)? {
        return Ok(Err(refused));
    }
    let mut buf = [0; 1024];
    loop {
        let n = match body.read(&mut buf) {
            Ok(0) => return Ok(Ok(())),
            Ok(n) => n,
            Err(e) => return Ok(Err(link_error(&e))),
        };
        context.now = clock.uptime();
        let part = buf.get(..n).unwrap_or_default();
        if let Err(refused) = agent.reply_body(&mut context, part)? {
            return Ok(Err(refused));
        }
    }
}

fn link_error<E: kedge_platform::http::Error>(error: &E) -> LinkError {
    match error.kind() {
        ErrorKind::TimedOut => LinkError::TimedOut,
        _ => LinkError::Broken,
    }
}
