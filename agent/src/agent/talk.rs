//! One IOTA session: between the protocol's state machine, the objects, the IS-683 engine and the download.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::ui::{Answer, Prompt};
use kedge_protocol::dlota::Failure;
use kedge_protocol::iota::ResultCode;
use kedge_protocol::iota::mmc::Session;
use kedge_protocol::iota::session::{
    Command, CommandResult, Input, Method, Outcome, Output as SessionOutput, Reply, Value,
};

use super::answer::Answering;
use super::desk::{Desk, Executed, Facts};
use super::download::{Download, Next, Why};
use super::{Buffers, Context, Done, Head, HttpRequest, Output};
use crate::error::AgentError;
use crate::event::{Event, LinkError};
use crate::limits;
use crate::trigger::{Kind, Trigger};

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
    /// A package; the download is in the desk.
    Download,
}

/// A session and what belongs to it.
#[derive(Debug)]
pub(super) struct Talk<'b> {
    session: Session<'b>,
    trigger: Trigger,
    /// When it began.
    began: Duration,
    doing: Doing,
    pub(super) facts: Facts,
}

/// Where the session stands after it was pumped.
pub(super) enum Pumped {
    /// The device has something to do: [`Talk::output`] says what.
    Outside,
    /// The session is over.
    Over(Outcome),
}

impl<'b> Talk<'b> {
    pub(super) fn new(session: Session<'b>, trigger: Trigger, began: Duration) -> Self {
        let facts = Facts { pushed: trigger.kind == Kind::Document, ..Facts::default() };
        Self { session, trigger, began, doing: Doing::Session, facts }
    }

    pub(super) const fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    /// When the session began, in seconds since the device was switched on.
    pub(super) fn began(&self) -> Option<u32> {
        u32::try_from(self.began.as_secs()).ok()
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
        loop {
            match &self.doing {
                Doing::Session => {}
                Doing::Download => {
                    let (download, mut tools) = desk.downloading().ok_or(AgentError::Misuse)?;
                    match download.pump(&mut tools, context)? {
                        Next::Outside => return Ok(Pumped::Outside),
                        Next::Over(why) => {
                            desk.download = None;
                            self.downloaded(context, why)?;
                        }
                    }
                }
                Doing::Exchange(_) | Doing::Asking { .. } => return Ok(Pumped::Outside),
            }
            let executed = match self.session.poll(context.now) {
                SessionOutput::Send(_) | SessionOutput::Wait(_) => return Ok(Pumped::Outside),
                SessionOutput::End(outcome) => return Ok(Pumped::Over(outcome)),
                SessionOutput::Execute(command) => {
                    let executed = desk.execute(context, &command, &mut self.facts);
                    if let Some(code) = executed.code() {
                        show(context, &command, code);
                    }
                    executed
                }
            };
            let answer = |len| desk.answer.get(..len).unwrap_or_default();
            let text = |len| core::str::from_utf8(answer(len)).unwrap_or_default();
            let (code, value) = match executed {
                Executed::Done(code) => (code, None),
                Executed::Text(len) => (ResultCode::SUCCESS, Some(Value::Text(text(len)))),
                Executed::Data(len) => (ResultCode::SUCCESS, Some(Value::Data(answer(len)))),
                Executed::Ask { confirm } => {
                    self.doing = Doing::Asking { confirm };
                    return Ok(Pumped::Outside);
                }
                Executed::Download(len) => {
                    // The desk is about to be used for other things than this URL.
                    let mut url = heapless::String::<{ limits::URL }>::new();
                    url.push_str(text(len)).map_err(|_| AgentError::Config("package URL"))?;
                    if Download::start(desk, context, &url, self.trigger.kind.is_users())? {
                        self.doing = Doing::Download;
                        continue;
                    }
                    (ResultCode::SUCCESS, None)
                }
            };
            self.session.handle(context.now, Input::Done(CommandResult { code, value }))?;
        }
    }

    /// A download has ended.
    fn downloaded<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        why: Option<Why>,
    ) -> Result<(), AgentError<F::Error>> {
        self.doing = Doing::Session;
        self.facts.download_failed = why.is_some();
        self.command_done(context, why.map_or(ResultCode::SUCCESS, code_of))
    }

    /// What the device has to do.
    pub(super) fn output<'o, F: NorFlash, C: Crypto, const PRL: usize>(
        &'o mut self,
        desk: &'o mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Output<'o> {
        let now = context.now;
        if let Doing::Download = self.doing {
            return match desk.downloading() {
                Some((download, _)) => download.output(context),
                None => Output::Wait(now),
            };
        }
        if self.session.outstanding().is_none() {
            return match self.session.poll(now) {
                SessionOutput::Wait(until) => Output::Wait(until),
                _ => Output::Wait(now),
            };
        }
        match self.session.outstanding() {
            Some(SessionOutput::Send(request)) => {
                self.doing = Doing::Exchange(Answering::default());
                self.facts.authenticated = request.url.starts_with("https://");
                self.facts.pushed = false;
                context.http(HttpRequest {
                    post: request.method == Method::Post,
                    url: request.url,
                    headers: heapless::Vec::from_slice(request.headers.as_slice()).unwrap_or_default(),
                    body: request.body,
                })
            }
            Some(SessionOutput::Execute(Command { value: Some(Value::Text(text)), .. })) => {
                let confirm = matches!(self.doing, Doing::Asking { confirm: true });
                let prompt = if confirm { Prompt::Confirm(text) } else { Prompt::Notice(text) };
                context.event(&Event::Prompted(prompt));
                Output::Ask(prompt)
            }
            _ => Output::Wait(now),
        }
    }

    /// Takes an answer's head; an inner error abandons it.
    pub(super) fn head<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        head: &Head<'_>,
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        match &mut self.doing {
            Doing::Download => desk.fetch_head(context, head),
            Doing::Exchange(answering) => {
                let room = self.session.receive_buffer().len();
                Ok(answering.head(head, room))
            }
            Doing::Session | Doing::Asking { .. } => Err(AgentError::Misuse),
        }
    }

    /// Takes a part of an answer's body; an inner error abandons the rest.
    pub(super) fn body<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        part: &[u8],
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        match &mut self.doing {
            Doing::Download => desk.fetch_body(context, part),
            Doing::Exchange(answering) => Ok(answering.part(self.session.receive_buffer(), part)),
            Doing::Session | Doing::Asking { .. } => Err(AgentError::Misuse),
        }
    }

    /// The exchange has ended.
    pub(super) fn exchanged<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        ended: Result<(), LinkError>,
    ) -> Result<(), AgentError<F::Error>> {
        if let Doing::Download = self.doing {
            return desk.fetch_done(context, Done::HttpEnded(ended));
        }
        if let Err(why) = ended {
            context.event(&Event::LinkDown(why));
        }
        match core::mem::replace(&mut self.doing, Doing::Session) {
            Doing::Exchange(answering) => self.replied(context, &answering, ended),
            other => {
                self.doing = other;
                Err(AgentError::Misuse)
            }
        }
    }

    fn replied<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        answering: &Answering,
        ended: Result<(), LinkError>,
    ) -> Result<(), AgentError<F::Error>> {
        // A body over the limit was not read to its end; the session judges its length.
        let input = if ended.is_err() && answering.len != usize::MAX {
            Input::LinkDown
        } else {
            let body = self.session.receive_buffer().get(..answering.len).unwrap_or_default();
            context.event(&answering.event(body));
            Input::Reply(Reply {
                status: answering.status,
                content_type: Some(answering.content_type.as_str()).filter(|t| !t.is_empty()),
                location: Some(answering.location.as_str()).filter(|t| !t.is_empty()),
                retry_after: answering.retry_after,
                len: answering.len,
            })
        };
        Ok(self.session.handle(context.now, input)?)
    }

    /// The user has answered a `display`, or the offer of a download.
    pub(super) fn answered<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        answer: Answer,
    ) -> Result<(), AgentError<F::Error>> {
        if let Doing::Download = self.doing {
            return desk.fetch_done(context, Done::Answered(answer));
        }
        let Doing::Asking { confirm } = self.doing else { return Err(AgentError::Misuse) };
        self.doing = Doing::Session;
        let denied = confirm && answer != Answer::Yes;
        self.command_done(context, if denied { ResultCode::USER_DENIED } else { ResultCode::SUCCESS })
    }

    /// A command that took its time is done.
    fn command_done<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        code: ResultCode,
    ) -> Result<(), AgentError<F::Error>> {
        if let Some(SessionOutput::Execute(command)) = self.session.outstanding() {
            show(context, &command, code);
        }
        Ok(self.session.handle(context.now, Input::Done(CommandResult { code, value: None }))?)
    }

    /// Time has passed.
    pub(super) fn waited<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        match self.doing {
            Doing::Download => Ok(()),
            _ => Ok(self.session.handle(context.now, Input::Tick)?),
        }
    }
}

/// The result of `fota/download`.
const fn code_of(why: Why) -> ResultCode {
    match why {
        Why::Busy => ResultCode::DEVICE_BUSY,
        Why::Deferred | Why::Failed(Failure::UserCancelled) => ResultCode::USER_DENIED,
        Why::Failed(Failure::NoRoom) => ResultCode::TOO_BIG,
        Why::Failed(
            Failure::Refused | Failure::Mismatch | Failure::Type | Failure::Descriptor | Failure::Version,
        ) => ResultCode::INVALID_CONTENT,
        Why::Failed(_) => ResultCode::DOWNLOAD_FAILED,
    }
}

fn show<F, C>(context: &mut Context<'_, F, C>, command: &Command<'_>, code: ResultCode) {
    let (id, verb, object) = (command.id, command.verb.name(), command.object.unwrap_or_default());
    context.event(&Event::Command { id, verb, object, code });
}
