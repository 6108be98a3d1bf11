//! One conversation with the license's server, over the agent's data call and HTTP.
//!
//! ```text
//!  Calling ─► call is up ─► Talking: request ─► redirects ─► answer ─► document ─► report ─► over ─► the call is closed
//!     └─ no call: later again
//! ```

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::radio::RadioError;
use kedge_platform::ui::Prompt;
use kedge_protocol::license::limits::{MAX_URL, NEXT_REFRESH};
use kedge_protocol::license::report::REPORT_MAX;
use kedge_protocol::license::session::{Input, Method, Outcome, Output as SessionOutput, Reply, Session};
use kedge_protocol::license::{Op, Refusal};

use super::{LicenseFault, Tries, Wallet};
use crate::agent::desk::Desk;
use crate::agent::{After, Agent, Buffers, Context, Head, HttpRequest, Output, State};
use crate::dispatch::{Content, Origin};
use crate::error::AgentError;
use crate::event::{Event, LinkError};
use crate::license::{LicenseError, LicenseEvent, entry, misfit, retry_in, signed_report, unseal};
use crate::limits;

/// What an errand is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum What {
    /// To deliver a report that is due.
    Report,
    /// To ask for this.
    Ask(Op),
}

impl What {
    pub(super) const fn event(self) -> LicenseEvent<'static> {
        match self {
            Self::Report => LicenseEvent::Reporting,
            Self::Ask(op) => LicenseEvent::Asked { op },
        }
    }
}

/// An errand and how far it is.
#[derive(Debug)]
pub(in crate::agent) enum Errand<'b> {
    /// The data call is being opened.
    Calling(Buffers<'b>, What),
    /// The conversation is held.
    Talking(Conversation<'b>),
}

/// A session and the answer that is being received.
#[derive(Debug)]
pub(in crate::agent) struct Conversation<'b> {
    session: Session<'b>,
    what: What,
    exchange: Exchange,
    /// Octets of the largest body.
    most: usize,
    /// The answer at hand came over TLS.
    authenticated: bool,
}

/// An exchange.
#[derive(Debug)]
enum Exchange {
    /// None is under way.
    None,
    /// The answer is being waited for, or received.
    Answer(Answer),
    /// It was a redirect, which the session has taken; its body does not matter.
    Redirected,
}

/// An answer.
#[derive(Debug, Default)]
struct Answer {
    status: u16,
    content_type: heapless::String<{ limits::CONTENT_TYPE }>,
    encoded: bool,
    retry_after: Option<u32>,
    len: usize,
}

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// The data call for an errand is open, or not.
    pub(in crate::agent) fn license_called<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        (buffers, what): (Buffers<'b>, What),
        opened: Result<(), RadioError>,
    ) -> Result<(), AgentError<F::Error>> {
        context.event(&Event::DataCall(opened));
        let Some(wallet) = self.license.as_mut() else {
            self.state = State::Idle(buffers);
            return Err(AgentError::Misuse);
        };
        if opened.is_err() {
            wallet.failed(context, what, &Outcome::LinkDown);
            self.state = State::Idle(buffers);
            return Ok(());
        }
        self.state = match Conversation::begin(wallet, &self.desk, context, buffers, what) {
            Ok(conversation) => State::Licensing(Errand::Talking(conversation)),
            Err((buffers, fault)) => {
                context.event(&Event::License(LicenseEvent::Trouble(fault)));
                wallet.failed(context, what, &Outcome::BadAnswer);
                State::Hanging(buffers, After::Nothing)
            }
        };
        Ok(())
    }

    /// Goes on with an errand until the device has something to do.
    pub(in crate::agent) fn license_pump<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let others_wait = !self.triggers.is_empty() || self.text.is_some() || self.invitation.is_some();
        let Self { desk, license, state: State::Licensing(Errand::Talking(talk)), .. } = self else {
            return Ok(());
        };
        if others_wait && talk.is_waiting() {
            // what the license waits for may take half an hour: it comes back
            talk.session.handle(context.now, Input::Abort).unwrap_or_default();
        }
        let Some(outcome) = license.as_mut().and_then(|wallet| talk.pump(wallet, desk, context)) else {
            return Ok(());
        };
        context.event(&Event::License(LicenseEvent::Ended(outcome)));
        let State::Licensing(Errand::Talking(talk)) = core::mem::replace(&mut self.state, State::Between)
        else {
            return Err(AgentError::Misuse);
        };
        let (what, mut session) = (talk.what, talk.session);
        let cookies = session.forget_cookies();
        let (receive, send) = session.into_buffers();
        self.state = State::Hanging(Buffers { receive, send }, After::Nothing);
        if let Some(wallet) = self.license.as_mut() {
            wallet.cookies = cookies;
            match outcome {
                Outcome::Installed { reported, .. } => {
                    if reported {
                        wallet.reported(context);
                    } else {
                        wallet.failed(context, What::Report, &Outcome::LinkDown);
                    }
                    wallet.rest(context);
                }
                Outcome::Reported => {
                    wallet.reported(context);
                    wallet.reporting = Tries::default();
                }
                _ => wallet.failed(context, what, &outcome),
            }
        }
        Ok(())
    }
}

impl<'b> Conversation<'b> {
    /// Begins; gives the buffers back if that is not possible.
    fn begin<F: NorFlash, C: Crypto, const PRL: usize>(
        wallet: &mut Wallet<'b>,
        desk: &Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        Buffers { receive, send }: Buffers<'b>,
        what: What,
    ) -> Result<Self, (Buffers<'b>, LicenseFault)> {
        let server = wallet.entry_url(desk, context.flash, receive);
        let config = wallet.server.session;
        let most = wallet.licensing.config().policy.max_document;
        let mut nonce = [0; 16];
        context.entropy.fill(&mut nonce);
        let uptime = context.now;
        let session = match what {
            What::Report => {
                let mut room = [0; REPORT_MAX];
                let made = wallet.with(context, |licensing, _, _, ports| {
                    Ok(signed_report(licensing, ports, &mut room).len())
                });
                let report = made.ok().and_then(|len| room.get(..len)).unwrap_or_default();
                Session::report(config, &server, report, uptime, receive, send)
            }
            What::Ask(op) => {
                let mut room = [0; MAX_URL];
                // what a browser downloads comes back as a file, and files are not unsealed
                let unsealer = wallet.unsealer.as_mut().filter(|_| !config.browser);
                let ephemeral = unsealer.and_then(|unsealer| unsealer.renew());
                let ephemeral = ephemeral.as_ref();
                let made = wallet.with(context, |licensing, now, _, ports| {
                    entry(licensing, (op, nonce, ephemeral), now, &server, ports, &mut room)
                });
                match made {
                    Ok(url) => Session::request(config, url, uptime, receive, send),
                    Err(fault) => return Err((Buffers { receive, send }, fault)),
                }
            }
        };
        match session {
            Ok(mut session) => {
                if let Some(room) = wallet.cookies.take() {
                    session.keep_cookies(room);
                }
                Ok(Self { session, what, exchange: Exchange::None, most, authenticated: false })
            }
            Err((error, (receive, send))) => Err((Buffers { receive, send }, misfit(error))),
        }
    }

    /// Goes on until the device has something to do (`None`), or to the end.
    fn pump<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        wallet: &mut Wallet<'_>,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Option<Outcome> {
        if !matches!(self.exchange, Exchange::None) {
            return None;
        }
        loop {
            // In no state is a tick misuse.
            self.session.handle(context.now, Input::Tick).unwrap_or_default();
            match self.session.peek() {
                SessionOutput::Install { .. }
                | SessionOutput::Unseal { .. }
                | SessionOutput::Dispatch { .. } => {}
                SessionOutput::End(outcome) => return Some(outcome),
                _ => return None,
            }
            let mut room = [0; REPORT_MAX];
            let input = match self.session.poll(context.now) {
                SessionOutput::Install { media_type, document } => {
                    let taken = wallet.take(desk, context, (media_type, document), false);
                    match taken {
                        Ok(state) => {
                            let made = wallet.with(context, |licensing, _, _, ports| {
                                Ok(signed_report(licensing, ports, &mut room).len())
                            });
                            let report = made.ok().and_then(|len| room.get(..len)).unwrap_or_default();
                            Input::Installed { state, report }
                        }
                        Err(LicenseError::Refused(refusal)) => Input::Refused(refusal),
                        Err(_) => Input::Refused(Refusal::STORAGE),
                    }
                }
                SessionOutput::Unseal { sealed } => {
                    let len = sealed.len();
                    let now = wallet.now(context.now);
                    let nonce = wallet.licensing.nonce(now);
                    match unseal(&mut wallet.unsealer, nonce, self.session.receive_buffer().get_mut(..len)) {
                        Ok(content) => Input::Unsealed { at: content.start, len: content.len() },
                        Err(refusal) => Input::Refused(refusal),
                    }
                }
                SessionOutput::Dispatch { media_type, body } => {
                    let origin = Origin::Http { authenticated: self.authenticated };
                    // what becomes of it is told by an event; that the store fails, by the next one who needs it
                    let _ = desk.take_content(context, &Content { media_type, origin, body });
                    Input::Tick
                }
                _ => Input::Tick,
            };
            // It answers what was just handed out.
            self.session.handle(context.now, input).unwrap_or_default();
        }
    }

    /// Whether it waits for the user to do something elsewhere.
    fn is_waiting(&self) -> bool {
        matches!((&self.exchange, self.session.peek()), (Exchange::None, SessionOutput::Wait(_)))
    }

    /// What the device has to do. While the user has something to do elsewhere, that is nothing: triggers go before.
    pub(in crate::agent) fn output<F, C>(&mut self, context: &mut Context<'_, F, C>) -> Output<'_> {
        let now = context.now;
        match self.session.poll(now) {
            SessionOutput::Send(request) => {
                self.exchange = Exchange::Answer(Answer::default());
                self.authenticated = request.url.starts_with("https:");
                let mut headers = heapless::Vec::new();
                let pairs = [
                    ("Accept", Some(request.accept)),
                    ("User-Agent", Some(request.user_agent)),
                    ("Accept-Language", request.language),
                    ("Cookie", request.cookies),
                    ("Content-Type", request.content_type),
                ];
                for (name, value) in pairs {
                    if let Some(value) = value {
                        // five fit
                        headers.push((name, value)).unwrap_or_default();
                    }
                }
                let post = request.method == Method::Post;
                let shown = without_query(request.url);
                let method = if post { "POST" } else { "GET" };
                context.event(&Event::Request { method, url: shown, headers: &headers, body: request.body });
                Output::Http(HttpRequest { post, url: request.url, headers, body: request.body })
            }
            SessionOutput::Show(action) => {
                let (url, code, text) = (action.url, action.code, action.text.unwrap_or_default());
                context.event(&Event::License(LicenseEvent::Elsewhere { url, code }));
                Output::Ask(Prompt::Elsewhere { url, code, text })
            }
            SessionOutput::Browse(url) => {
                context.event(&Event::License(LicenseEvent::Elsewhere { url, code: "" }));
                Output::Ask(Prompt::Browse { url })
            }
            SessionOutput::Wait(until) => Output::Idle(Some(until)),
            _ => Output::Idle(Some(now)),
        }
    }

    /// Takes an answer's head; an inner error abandons it. A redirect goes to the session at once: its URL may be longer than
    /// what is kept.
    pub(in crate::agent) fn head<F, C>(
        &mut self,
        context: &mut Context<'_, F, C>,
        head: &Head<'_>,
    ) -> Option<Result<(), LinkError>> {
        let Exchange::Answer(answer) = &mut self.exchange else { return None };
        for cookie in head.set_cookie.unwrap_or_default().split(|c| c == '\n') {
            self.session.cookie(cookie);
        }
        if (300..400).contains(&head.status) {
            let (status, location) = (head.status, head.location);
            let shown = without_query(location.unwrap_or_default());
            context.event(&Event::Reply { status, content_type: "", location: shown, body: &[] });
            let reply =
                Reply { status, content_type: None, encoded: false, location, retry_after: None, len: 0 };
            self.session.handle(context.now, Input::Reply(reply)).unwrap_or_default();
            self.exchange = Exchange::Redirected;
            return Some(Ok(()));
        }
        let announced = head.content_length.map_or(0, |len| usize::try_from(len).unwrap_or(usize::MAX));
        *answer = Answer {
            status: head.status,
            // what is too long to keep is no type that the session could take
            content_type: heapless::String::try_from(head.content_type.unwrap_or_default())
                .unwrap_or_default(),
            encoded: head.encoded,
            retry_after: head.retry_after,
            len: if announced > self.most { usize::MAX } else { 0 },
        };
        Some(if announced > self.most { Err(LinkError::TooLarge) } else { Ok(()) })
    }

    /// Takes a part of an answer's body; an inner error abandons the rest.
    pub(in crate::agent) fn body(&mut self, part: &[u8]) -> Option<Result<(), LinkError>> {
        let answer = match &mut self.exchange {
            Exchange::None => return None,
            Exchange::Redirected => return Some(Ok(())),
            Exchange::Answer(answer) => answer,
        };
        let room = self.session.receive_buffer();
        let most = self.most.min(room.len());
        let free = room.get_mut(answer.len..most).unwrap_or_default();
        let Some(to) = free.get_mut(..part.len()) else {
            answer.len = usize::MAX;
            return Some(Err(LinkError::TooLarge));
        };
        to.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        answer.len = answer.len.saturating_add(part.len());
        Some(Ok(()))
    }

    /// The exchange has ended; `None` if there was none.
    pub(in crate::agent) fn exchanged<F, C>(
        &mut self,
        context: &mut Context<'_, F, C>,
        ended: Result<(), LinkError>,
    ) -> Option<()> {
        if let Err(why) = ended {
            context.event(&Event::LinkDown(why));
        }
        let answer = match core::mem::replace(&mut self.exchange, Exchange::None) {
            Exchange::None => return None,
            Exchange::Redirected => return Some(()),
            Exchange::Answer(answer) => answer,
        };
        let Answer { status, content_type, encoded, retry_after, len } = answer;
        // A body over the limit was not read to its end; the session judges its length.
        let lost = ended.is_err() && len != usize::MAX;
        let input = if lost {
            Input::LinkDown
        } else {
            let body = self.session.receive_buffer().get(..len).unwrap_or_default();
            context.event(&Event::Reply { status, content_type: &content_type, location: "", body });
            let content_type = Some(content_type.as_str()).filter(|text| !text.is_empty());
            Input::Reply(Reply { status, content_type, encoded, location: None, retry_after, len })
        };
        self.session.handle(context.now, input).ok()
    }
}

/// A URL as far as it may be logged: the query holds what should not be.
fn without_query(url: &str) -> &str {
    url.split(|c| c == '?').next().unwrap_or_default()
}

impl Wallet<'_> {
    /// A document was installed. What calls for another one all the same, like a clock that stays wrong, would not be mended
    /// by asking at once: that waits for a day.
    fn rest<F, C>(&mut self, context: &mut Context<'_, F, C>) {
        self.asking = Tries::default();
        if self.licensing.refresh_due(self.now(context.now)).is_some() {
            self.asking.after = context.now.saturating_add(NEXT_REFRESH);
            context.event(&Event::RetryIn(NEXT_REFRESH));
        }
    }

    /// An errand came to nothing: when it is tried again.
    fn failed<F, C>(&mut self, context: &mut Context<'_, F, C>, what: What, outcome: &Outcome) {
        let random = context.random();
        let tries = match what {
            What::Report => &mut self.reporting,
            What::Ask(_) => &mut self.asking,
        };
        tries.failed = tries.failed.saturating_add(1);
        let pause = retry_in(outcome, tries.failed, random).unwrap_or(NEXT_REFRESH);
        if *outcome == Outcome::NothingToDo {
            tries.failed = 0;
        }
        tries.after = context.now.saturating_add(pause);
        context.event(&Event::RetryIn(pause));
    }
}
