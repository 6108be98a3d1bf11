//! Fetching a package into the update agent's inbox, within a session: [`kedge_protocol::dlota`] decides, this stores.
//!
//! What a server names may be the package itself or a descriptor of it. The package is checked (signature, hashes, fit) when it
//! is whole, before anything is reported.

use core::time::Duration;

use kedge_platform::clock::between;
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::ui::{Answer, Prompt};
use kedge_protocol::dlota::Failure;
use kedge_protocol::dlota::session::{
    Choice, Config, End, Head as DownloadHead, Input, Output as DownloadOutput, Session, SessionError,
    Stored, Take,
};
use kedge_update_agent::banklog::Change;
use kedge_update_agent::{Device, Error as UpdateError, Job, Refusal, Update};

use super::desk::Desk;
use super::{Context, Done, Head, HttpRequest, MAX_HEADERS, Output};
use crate::error::AgentError;
use crate::event::{Event, LinkError};
use crate::limits;
use crate::store::{Fetch, Key, Record as _, Store};

/// The media types of packages that a descriptor may offer.
const ACCEPTED: &[&str] = &["application/octet-stream", "application/vnd.kedge.package"];

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The device has something to do: [`Download::output`].
    Outside,
    /// The download is over; why, unless the package is there and verified.
    Over(Option<Why>),
}

/// Why there is no package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The download failed.
    Failed(Failure),
    /// The update agent has other work.
    Busy,
    /// The user wants to be asked again.
    Deferred,
}

/// What a download works with, besides its own state: it stays where it is, in the desk, since it is too large to be moved.
pub(super) struct Tools<'d> {
    update: &'d mut Update,
    store: &'d mut Store,
    /// Takes a descriptor and its texts, and the envelope of a package.
    work: &'d mut [u8],
    device: Device<'d>,
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// The download under way and what it works with; `None` if there is none.
    pub(super) fn downloading(&mut self) -> Option<(&mut Download, Tools<'_>)> {
        let Self { download, update, store, answer, config, .. } = self;
        let tools = Tools { update, store, work: answer.as_mut_slice(), device: config.device };
        download.as_mut().map(|download| (download, tools))
    }

    /// The device has done what the download told it.
    pub(super) fn fetch_done<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        done: Done,
    ) -> Result<(), AgentError<F::Error>> {
        let (download, mut tools) = self.downloading().ok_or(AgentError::Misuse)?;
        match done {
            Done::HttpEnded(ended) => {
                if let Err(why) = ended {
                    context.event(&Event::LinkDown(why));
                }
                download.ended(&mut tools, context, ended)
            }
            Done::Answered(answer) => Ok(download.answered(context, answer)?),
            Done::Waited => Ok(()),
            _ => Err(AgentError::Misuse),
        }
    }

    /// Takes the head of an answer of the download; an inner error abandons it.
    pub(super) fn fetch_head<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        head: &Head<'_>,
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        let (download, mut tools) = self.downloading().ok_or(AgentError::Misuse)?;
        let content_type = head.content_type.unwrap_or_default();
        context.event(&Event::Reply { status: head.status, content_type, location: "", body: &[] });
        download.head(&mut tools, context, head)
    }

    /// Takes a part of the body; an inner error abandons the rest.
    pub(super) fn fetch_body<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        part: &[u8],
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        let (download, mut tools) = self.downloading().ok_or(AgentError::Misuse)?;
        download.body(&mut tools, context, part)
    }
}

/// A download under way.
#[derive(Debug)]
pub(super) struct Download {
    session: Session<'static>,
    /// Octets of the descriptor that is being read.
    descriptor: Option<usize>,
    busy: bool,
    /// Why the package was refused that was fetched last.
    refusal: Option<Refusal>,
}

impl Download {
    /// Begins, or goes on with what an earlier session left in flash from the same place. Returns false if that is the
    /// whole package, verified: a session that was lost after the download does not cost another one. The user is asked
    /// about what a descriptor offers if `confirm` says so.
    pub(super) fn start<F: NorFlash, C: Crypto, const PRL: usize>(
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        url: &str,
        confirm: bool,
    ) -> Result<bool, AgentError<F::Error>> {
        let config = Config {
            accepts: ACCEPTED,
            room: desk.config.update.package.len,
            confirm,
            plan: limits::RETRIES,
            patience: limits::DOWNLOAD_PATIENCE,
        };
        let mut buf = [0; limits::FETCH];
        let fetch = desk.store.get::<Fetch<'_>, F>(context.flash, &mut buf)?;
        let memo = fetch.map(|fetch| fetch.memo()).filter(|memo| memo.url == url);
        let session = match memo {
            Some(memo) if memo.status == 0 && memo.notify.is_empty() && is_verified(&desk.update) => {
                return Ok(false);
            }
            Some(memo) => Session::resume(&config, &memo, stored(&desk.update)),
            None => Session::new(&config, url),
        };
        let session = session.map_err(|_| AgentError::Config("package URL"))?;
        let download = desk.download.insert(Self { session, descriptor: None, busy: false, refusal: None });
        download.session.handle(context.now, Input::Start)?;
        Ok(true)
    }

    /// Why the package was refused, if it was.
    pub(super) const fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Does what can be done at once, until the device has something to do or the download is over.
    pub(super) fn pump<F: NorFlash, C: Crypto>(
        &mut self,
        tools: &mut Tools<'_>,
        context: &mut Context<'_, F, C>,
    ) -> Result<Next, AgentError<F::Error>> {
        loop {
            let outcome = match self.session.poll(context.now) {
                DownloadOutput::Send(_) | DownloadOutput::Confirm(_) => None,
                DownloadOutput::Wait(until) => {
                    if self.session.outstanding().is_none() && until < Duration::MAX {
                        context.event(&Event::RetryIn(between(context.now, until)));
                    }
                    None
                }
                DownloadOutput::Check => {
                    let refused = if is_verified(tools.update) { None } else { verify(tools, context)? };
                    self.refusal = refused;
                    let accepted = refused.is_none();
                    self.session.handle(context.now, Input::Checked(accepted))?;
                    continue;
                }
                DownloadOutput::End(outcome) => Some(outcome.end),
            };
            self.save(tools, context)?;
            let Some(end) = outcome else { return Ok(Next::Outside) };
            let why = match end {
                End::Complete => None,
                End::Failed(Failure::Aborted) if self.busy => Some(Why::Busy),
                End::Failed(failure) => Some(Why::Failed(failure)),
                End::Deferred => Some(Why::Deferred),
            };
            if let Some(Why::Failed(failure)) = why
                && !is_passing(failure)
            {
                tools.store.remove(context.flash, Key::Fetch as u8)?;
            }
            return Ok(Next::Over(why));
        }
    }

    /// What the device has to do.
    pub(super) fn output<F: NorFlash, C: Crypto>(&mut self, context: &mut Context<'_, F, C>) -> Output<'_> {
        if self.session.outstanding().is_none() {
            return match self.session.poll(context.now) {
                DownloadOutput::Wait(until) => Output::Wait(until),
                _ => Output::Wait(context.now),
            };
        }
        match self.session.outstanding() {
            Some(DownloadOutput::Send(request)) => {
                let mut headers = heapless::Vec::<(&str, &str), MAX_HEADERS>::new();
                let named = [
                    ("Accept", request.accept),
                    ("Range", request.range),
                    ("If-Range", request.if_range),
                    ("Content-Type", request.content_type),
                ];
                for (name, value) in named {
                    // Four fit.
                    let _ = value.map(|value| headers.push((name, value)));
                }
                context.http(HttpRequest {
                    post: request.post,
                    url: request.url,
                    headers,
                    body: request.body,
                })
            }
            Some(DownloadOutput::Confirm(offer)) => {
                let text = if offer.name.is_empty() { offer.description } else { offer.name };
                let prompt = Prompt::Confirm(text);
                context.event(&Event::Prompted(prompt));
                Output::Ask(prompt)
            }
            _ => Output::Wait(context.now),
        }
    }

    /// Judges an answer's head; an inner error abandons it.
    pub(super) fn head<F: NorFlash, C: Crypto>(
        &mut self,
        tools: &mut Tools<'_>,
        context: &mut Context<'_, F, C>,
        head: &Head<'_>,
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        let restarted = stored(tools.update).is_some_and(|stored| stored.have > 0);
        let take = self.session.head(&DownloadHead {
            status: head.status,
            content_type: head.content_type,
            content_length: head.content_length,
            content_range: head.content_range,
            etag: head.etag,
            modified: head.modified,
            date: head.date,
            location: head.location,
            retry_after: head.retry_after,
        })?;
        let wanted = match take {
            Take::Rest => true,
            Take::Nothing => false,
            Take::Descriptor => {
                self.descriptor = Some(0);
                true
            }
            Take::Object(size) => {
                if restarted {
                    context.event(&Event::DownloadRestarted);
                }
                self.begin(tools, context, size)?
            }
        };
        Ok(if wanted { Ok(()) } else { Err(LinkError::Abandoned) })
    }

    /// Makes ready for a whole package: what is stored goes first, then the record is kept.
    fn begin<F: NorFlash, C: Crypto>(
        &mut self,
        tools: &mut Tools<'_>,
        context: &mut Context<'_, F, C>,
        size: u32,
    ) -> Result<bool, AgentError<F::Error>> {
        let failure = match tools.update.begin(context.flash, size) {
            Ok(()) => {
                self.save(tools, context)?;
                return Ok(true);
            }
            Err(UpdateError::TooLarge { .. }) => Failure::NoRoom,
            Err(UpdateError::OutcomePending | UpdateError::NotNow) => {
                self.busy = true;
                Failure::Aborted
            }
            Err(e) => return Err(e.into()),
        };
        self.session.handle(context.now, Input::NotStored(failure))?;
        Ok(false)
    }

    /// Takes a part of the body; an inner error abandons the rest.
    pub(super) fn body<F: NorFlash, C: Crypto>(
        &mut self,
        tools: &mut Tools<'_>,
        context: &mut Context<'_, F, C>,
        part: &[u8],
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        if let Some(len) = &mut self.descriptor {
            // The other half takes its texts.
            let room = tools.work.len().checked_div(2).unwrap_or_default();
            let free = tools.work.get_mut(..room).and_then(|half| half.get_mut(*len..)).unwrap_or_default();
            let Some(to) = free.get_mut(..part.len()) else { return Ok(Err(LinkError::TooLarge)) };
            to.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            *len = len.saturating_add(part.len());
            return Ok(Ok(()));
        }
        match tools.update.write(context.flash, part) {
            Ok(()) => {}
            Err(UpdateError::TooLarge { .. }) => return Ok(Err(LinkError::TooLarge)),
            Err(UpdateError::NotNow) => return Err(AgentError::Misuse),
            Err(e) => return Err(e.into()),
        }
        if let Some((have, total)) = tools.update.resume() {
            context.event(&Event::Downloading { have, total });
        }
        Ok(Ok(()))
    }

    /// The exchange has ended: with the body's end, or because the link broke or was abandoned.
    pub(super) fn ended<F: NorFlash, C: Crypto>(
        &mut self,
        tools: &mut Tools<'_>,
        context: &mut Context<'_, F, C>,
        ended: Result<(), LinkError>,
    ) -> Result<(), AgentError<F::Error>> {
        let half = tools.work.len().checked_div(2).unwrap_or_default();
        // A descriptor that is too large is read as far as it fits, and is malformed.
        if let (Some(len), Ok(()) | Err(LinkError::TooLarge), Some((body, scratch))) =
            (self.descriptor.take(), ended, tools.work.split_at_mut_checked(half))
        {
            let body = body.get(..len).unwrap_or_default();
            context.event(&Event::Descriptor { body });
            return Ok(self.session.descriptor(context.now, body, scratch)?);
        }
        let input = Input::Ended { stored: stored(tools.update), random: context.random() };
        Ok(self.session.handle(context.now, input)?)
    }

    /// The user has answered about an offer.
    pub(super) fn answered<F, C>(
        &mut self,
        context: &mut Context<'_, F, C>,
        answer: Answer,
    ) -> Result<(), SessionError> {
        let choice = match answer {
            Answer::Yes => Choice::Yes,
            Answer::No => Choice::No,
            Answer::Later | Answer::Pin(_) | Answer::Text(_) | Answer::Chosen(_) => Choice::Later,
        };
        self.session.handle(context.now, Input::Answered(choice))
    }

    /// Keeps what must survive a restart.
    fn save<F: NorFlash, C: Crypto>(
        &mut self,
        tools: &mut Tools<'_>,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        if !self.session.unsaved() {
            return Ok(());
        }
        let mut buf = [0; limits::FETCH];
        let record = Fetch::of(&self.session.memo());
        let record = record.to_octets(&mut buf).ok_or(AgentError::Config("package URL"))?;
        Ok(tools.store.commit(context.flash, &[Change::put(Key::Fetch as u8, record)])?)
    }
}

/// Whether the same download may succeed another time.
const fn is_passing(failure: Failure) -> bool {
    match failure {
        Failure::LinkDown | Failure::TimedOut | Failure::Aborted => true,
        Failure::Http(status) => status >= 500,
        _ => false,
    }
}

fn is_verified(update: &Update) -> bool {
    matches!(update.job(), Job::Verified { .. })
}

/// What the update agent holds of the package.
const fn stored(update: &Update) -> Option<Stored> {
    match (update.job(), update.resume()) {
        (Job::Verified { size, .. }, _) => Some(Stored { have: size, total: size }),
        (_, Some((have, total))) => Some(Stored { have, total }),
        _ => None,
    }
}

/// Verifies the package that is complete; why it is refused, if it is.
fn verify<F: NorFlash, C: Crypto>(
    tools: &mut Tools<'_>,
    context: &mut Context<'_, F, C>,
) -> Result<Option<Refusal>, AgentError<F::Error>> {
    let Tools { update, work, .. } = tools;
    let device = Device { version: Some(context.identity.version()), ..tools.device };
    match update.verify(context.flash, &device, context.crypto, work) {
        Ok(()) => {
            let len = if let Job::Verified { size, .. } = update.job() { size } else { 0 };
            let manifest = update.manifest(context.flash, work)?;
            let event = Event::PackageVerified { version: manifest.version, len };
            context.events.event(context.now, &event);
            Ok(None)
        }
        Err(UpdateError::Refused(refusal)) => {
            context.event(&Event::PackageRefused(refusal));
            Ok(Some(refusal))
        }
        Err(e) => Err(e.into()),
    }
}
