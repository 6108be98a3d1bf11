//! One IOTA session: between the protocol's state machine, the objects, the IS-683 engine and the download.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::ui::{Answer, Prompt};
use kedge_protocol::iota::ResultCode;
use kedge_protocol::iota::mmc::Verb;
use kedge_protocol::iota::session::{
    Command, CommandResult, Input, Outcome, Output as SessionOutput, Reply, Session, Value,
};

use super::commands::Commands;
use super::download::{Download, Next};
use super::{Buffers, Context, Head, HttpRequest, Output};
use crate::error::AgentError;
use crate::event::{Event, LinkError};
use crate::limits;
use crate::trigger::Trigger;

/// What the session waits for.
#[derive(Debug)]
enum Doing {
    /// Nothing: the session machine says what comes next.
    Session,
    /// The answer to its request.
    Exchange(Answering),
    /// The user.
    Asking {
        /// A question, else a notice.
        confirm: bool,
    },
    /// A package, for an `exec` of `fota/download`.
    Download(Download),
    /// It is over.
    Over,
}

/// The answer that is being received.
#[derive(Debug, Default)]
struct Answering {
    status: u16,
    content_type: heapless::String<{ limits::CONTENT_TYPE }>,
    location: heapless::String<{ limits::URL }>,
    retry_after: Option<u32>,
    len: usize,
}

/// A session and what belongs to it.
#[derive(Debug)]
pub(super) struct Talk<'b> {
    session: Session<'b>,
    trigger: Trigger,
    doing: Doing,
    /// The document that is being executed came over TLS.
    authenticated: bool,
    /// `fota/state` was read.
    pub(super) state_read: bool,
    /// `dev/reboot` or `fota/install` was executed.
    pub(super) wants: Wants,
}

/// What commands asked for after the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wants {
    /// Restart.
    pub(super) reboot: bool,
    /// Install the package without asking.
    pub(super) install: bool,
}

/// Where the session stands after it was pumped.
pub(super) enum Pumped {
    /// The device has something to do: [`Talk::output`] says what.
    Outside,
    /// The session is over.
    Over(Outcome),
}

impl<'b> Talk<'b> {
    pub(super) const fn new(session: Session<'b>, trigger: Trigger) -> Self {
        let wants = Wants { reboot: false, install: false };
        Self { session, trigger, doing: Doing::Session, authenticated: false, state_read: false, wants }
    }

    pub(super) const fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    /// The buffers back, and what the session was about.
    pub(super) fn into_parts(self) -> (Buffers<'b>, Trigger) {
        let (receive, send) = self.session.into_buffers();
        (Buffers { receive, send }, self.trigger)
    }

    /// Executes commands until the device has something to do, or the session is over.
    pub(super) fn pump<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<Pumped, AgentError<F::Error>> {
        while let Doing::Session = self.doing {
            let (executed, id) = match self.session.poll(context.now) {
                SessionOutput::Send(_) | SessionOutput::Wait(_) => return Ok(Pumped::Outside),
                SessionOutput::End(outcome) => return Ok(Pumped::Over(outcome)),
                SessionOutput::Execute(command) => {
                    self.state_read |= command.verb == Verb::Read && command.object == Some("fota/state");
                    let mut commands = desk.commands(self.authenticated, &mut self.wants);
                    let executed = commands.execute(context, &command);
                    if let Some(code) = executed.code() {
                        show(context, &command, code);
                    }
                    (executed, command.id)
                }
            };
            let answer = |len| desk.answer.get(..len).unwrap_or_default();
            let (code, value) = match executed {
                Executed::Done(code) => (code, None),
                Executed::Text(len) => {
                    (ResultCode::SUCCESS, core::str::from_utf8(answer(len)).ok().map(Value::Text))
                }
                Executed::Data(len) => (ResultCode::SUCCESS, Some(Value::Data(answer(len)))),
                Executed::Ask { confirm } => {
                    self.doing = Doing::Asking { confirm };
                    return Ok(Pumped::Outside);
                }
                Executed::Download(len) => {
                    let url = core::str::from_utf8(answer(len)).unwrap_or_default();
                    let download = Download::start(desk.store, context.flash, url)?;
                    self.doing = Doing::Download(id, download);
                    return Ok(Pumped::Outside);
                }
            };
            self.session.handle(context.now, Input::Done(CommandResult { code, value }))?;
        }
        Ok(Pumped::Outside)
    }

    /// What the device has to do.
    pub(super) fn output<F: NorFlash, C: Crypto>(
        &mut self,
        update: &Update,
        context: &mut Context<'_, F, C>,
    ) -> Output<'_> {
        let now = context.now;
        match &mut self.doing {
            Doing::Download(_, download) => match download.poll(now, update) {
                Ok(request) => {
                    context.request(&request);
                    Output::Http(request)
                }
                Err(until) => Output::Wait(until),
            },
            Doing::Asking { confirm } => match self.session.poll(now) {
                SessionOutput::Execute(Command { value: Some(Value::Text(text)), .. }) => {
                    let prompt = if *confirm { Prompt::Confirm(text) } else { Prompt::Notice(text) };
                    context.event(&Event::Prompted(prompt));
                    Output::Ask(prompt)
                }
                _ => Output::Wait(now),
            },
            Doing::Session | Doing::Exchange(_) => match self.session.poll(now) {
                SessionOutput::Send(request) => {
                    self.doing = Doing::Exchange(Answering::default());
                    self.authenticated = request.url.starts_with("https://");
                    let post = request.method == Method::Post;
                    let request = HttpRequest { post, url: request.url, headers: request.headers, body: request.body };
                    context.request(&request);
                    Output::Http(request)
                }
                SessionOutput::Wait(until) => Output::Wait(until),
                SessionOutput::Execute(_) | SessionOutput::End(_) => Output::Wait(now),
            },
        }
    }

    /// Takes an answer's head; an inner error abandons it.
    pub(super) fn head<F: NorFlash, C: Crypto>(
        &mut self,
        desk: &mut Desk<'_, impl Sized>,
        context: &mut Context<'_, F, C>,
        head: &Head<'_>,
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        todo!()
    }
}
