//! One management session: between the protocol's session, the tree, and the agent's one thing at a time.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::ui::Answer;
use kedge_protocol::dm::auth::MAC_HEADER;
use kedge_protocol::dm::limits::MAX_URI;
use kedge_protocol::dm::objects::{ACCOUNTS, Accounts};
use kedge_protocol::dm::session::{
    self, End, Input, Outcome, Output as SessionOutput, Reply, Session, SessionError,
};
use kedge_protocol::iota::EndReason;
use kedge_protocol::wire::Writer;
use kedge_update_agent::banklog::Change;

use super::super::desk::Desk;
use super::super::{After, Agent, Buffers, Context, Done, Head, HttpRequest, Notice, Output, State};
use super::held::{Answering, Doing, MOST_ALERTS, Running, Terms};
use super::tree::Way;
use super::{Dm, later, question};
use crate::error::AgentError;
use crate::event::{Event, LinkError};
use crate::limits;
use crate::store::{ALERTS, Alert, Record as _, Wish};

/// Whether an alert counts as delivered when a session came to its end although the server did not accept it: the
/// specification does not say what a refusal means, and a server that refused once refuses again (`fumo-dlota.md` 1.3, from
/// memory).
const REFUSED_IS_DELIVERED: bool = true;

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// The data call is open: begins the session that is wanted.
    pub(super) fn begin_management_session<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
    ) -> Result<(), AgentError<F::Error>> {
        // The buffers must find back whatever happens.
        self.state = State::Hanging(buffers, After::Nothing);
        let (Some(dm), State::Hanging(buffers, _)) = (&mut self.dm, &mut self.state) else {
            return Err(AgentError::Misuse);
        };
        dm.prepare(&mut self.desk, context)?;
        if dm.begin(&mut self.desk, context, buffers)? {
            self.state = match core::mem::replace(&mut self.state, State::Between) {
                State::Hanging(buffers, _) => State::Managing(buffers),
                other => other,
            };
        }
        Ok(())
    }

    /// Ends the session if it is over.
    pub(in super::super) fn pump_management<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let (Some(dm), State::Managing(_)) = (&mut self.dm, &self.state) else { return Ok(()) };
        let Some(outcome) = dm.memory.kept.conversation.outcome() else { return Ok(()) };
        context.event(&Event::ManagementEnded(outcome.end));
        let bits =
            if outcome.end == End::Done && REFUSED_IS_DELIVERED { u32::MAX } else { outcome.acknowledged };
        dm.delivered(&mut self.desk, context, bits)?;
        dm.keep_nonces(&mut self.desk, context, &outcome)?;
        dm.running.clear(dm.memory.texts);
        let for_user = self.is_for_user(context.flash)?;
        let after = self.after_management(context, &outcome, for_user)?;
        self.state = match core::mem::replace(&mut self.state, State::Between) {
            State::Managing(buffers) => State::Hanging(buffers, after),
            other => other,
        };
        Ok(())
    }

    /// What becomes of the wish, and what the user is told.
    fn after_management<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        outcome: &Outcome,
        for_user: bool,
    ) -> Result<After, AgentError<F::Error>> {
        if is_passing(outcome.end) {
            self.session_lost(context)?;
            return Ok(After::Nothing);
        }
        self.drop_wish(context.flash)?;
        let done = outcome.end == End::Done;
        if let Some(dm) = &mut self.dm {
            // Alerts that such a server does not take are tried again, but not at once.
            let pause = if done { core::time::Duration::ZERO } else { limits::ASK_AGAIN };
            dm.session_after = (context.now.saturating_add(pause), 0);
        }
        Ok(match (for_user, done) {
            (true, true) if self.desk.is_at_rest(context.flash)? => After::Tell(Notice::NoUpdate),
            (true, false) => After::Tell(Notice::Failed(u16::from(EndReason::HTTP.0))),
            _ => After::Nothing,
        })
    }

    /// A session came to nothing through no fault of its content: later again, or, after too many tries, no more. Alerts wait
    /// for as long as it takes.
    pub(super) fn session_lost<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let Some(dm) = &mut self.dm else { return Ok(()) };
        dm.session_after = later(context, dm.session_after.1);
        let mut buf = [0; limits::RECORD];
        let Some(wish) = self.desk.store.get::<Wish<'_>, F>(context.flash, &mut buf)? else { return Ok(()) };
        let tries = wish.tries.saturating_add(1);
        if tries < limits::SESSION_TRIES {
            return Ok(self.desk.store.put(context.flash, &Wish { tries, ..wish })?);
        }
        context.event(&Event::GaveUp { reason: EndReason::NO_SERVICE, error: 0 });
        self.drop_wish(context.flash)
    }
}

impl Dm<'_> {
    /// Begins the session that is wanted; `false` if there is no account for it, and then nothing is wanted any more.
    fn begin<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        buffers: &mut Buffers<'_>,
    ) -> Result<bool, AgentError<F::Error>> {
        let (mut record, mut other) = ([0; limits::RECORD], [0; limits::ALERT]);
        let wish = desk.store.get::<Wish<'_>, F>(context.flash, &mut record)?;
        let server = match wish {
            Some(wish) => wish.server,
            None => first_alert(desk, context.flash, &mut other)?,
        };
        let number = wish.map(|wish| wish.session).filter(|number| *number > 0);
        let drawn = u16::from_be_bytes([context.random(), context.random()]).max(1);
        let (session, notified) = (number.unwrap_or(drawn), wish.is_some_and(|wish| wish.notified));
        let found = self.with_tree(desk, context, Way::Open, |tree, spare, _| {
            let (mut path, mut name) = ([0; MAX_URI], [0; MAX_URI]);
            let root = match server {
                "" => first_account(tree.nodes(), &mut name)?,
                server => Accounts::find(tree.nodes(), server, &mut path)?,
            };
            let settings = Accounts::read(tree.nodes(), root)?;
            let terms = Terms { device: spare.device, session, notified };
            spare.running.begin(&settings, &terms, spare.texts)
        })?;
        if found.is_none() {
            context.event(&Event::ManagementImpossible { server });
            Self::forget(desk, context.flash, server)?;
            return Ok(false);
        }
        self.gather_alerts(desk, context.flash)?;
        self.memory.kept.tunnelling.reset();
        desk.staged.clear();
        let server = self.running.server(self.memory.texts);
        context.events.event(context.now, &Event::ManagementStarted { server, session, notified });
        self.drive(desk, context, buffers, true, Input::Start)?;
        Ok(true)
    }

    /// Without an account nobody can be told anything.
    fn forget<F: NorFlash, const PRL: usize>(
        desk: &mut Desk<'_, PRL>,
        flash: &mut F,
        server: &str,
    ) -> Result<(), AgentError<F::Error>> {
        let mut changes = heapless::Vec::<Change<'_>, { MOST_ALERTS + 1 }>::new();
        let mut buf = [0; limits::ALERT];
        for key in ALERTS {
            let alert = desk.store.get_at::<Alert<'_>, F>(flash, key, &mut buf)?;
            if alert.is_some_and(|alert| alert.server == server) {
                changes.push(Change::remove(key)).unwrap_or_default();
            }
        }
        changes.push(Change::remove(crate::store::Key::Wish as u8)).unwrap_or_default();
        Ok(desk.store.commit(flash, &changes)?)
    }

    /// Puts the alerts for the session's server behind its account, as many as there is room for.
    fn gather_alerts<F: NorFlash, const PRL: usize>(
        &mut self,
        desk: &Desk<'_, PRL>,
        flash: &mut F,
    ) -> Result<(), AgentError<F::Error>> {
        let mut buf = [0; limits::ALERT];
        for key in ALERTS {
            let Some(octets) = desk.store.bytes(flash, key, &mut buf)? else { continue };
            let server = self.running.server(self.memory.texts);
            let is_its = Alert::from_octets(octets)
                .is_some_and(|alert| alert.server.is_empty() || alert.server == server);
            let mut room = Writer::new(self.running.room(self.memory.texts));
            if is_its && room.put(octets).is_ok() {
                self.running.add(key, octets.len());
            }
        }
        Ok(())
    }

    /// Gives the session what happened.
    fn drive<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        buffers: &mut Buffers<'_>,
        is_new: bool,
        input: Input<'_>,
    ) -> Result<(), AgentError<F::Error>> {
        let (coding, now) = (self.setup.coding, context.now);
        let taken = self.with_tree(desk, context, Way::Resume, |tree, spare, crypto| {
            let texts = &*spare.texts;
            let notices = spare.running.notices(texts);
            let config = spare.running.config(texts, &notices, coding).ok_or(SessionError::BadConfig)?;
            let (own, rx, tx) = (spare.conversation, &mut *buffers.receive, &mut *buffers.send);
            let mut session = if is_new {
                Session::new(&config, own, rx, tx, spare.work)?
            } else {
                Session::resume(&config, own, rx, tx, spare.work)
            };
            session.handle(now, input, tree, crypto)?;
            Ok::<_, SessionError>(session.acknowledged())
        })??;
        self.hand_over(desk, context)?;
        self.delivered(desk, context, taken)
    }

    /// The server has taken these alerts: they are not told again.
    fn delivered<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        bits: u32,
    ) -> Result<(), AgentError<F::Error>> {
        let news = bits & !self.running.taken;
        let mut changes = heapless::Vec::<Change<'_>, MOST_ALERTS>::new();
        for key in self.running.keys(news) {
            changes.push(Change::remove(key)).unwrap_or_default();
        }
        if changes.is_empty() {
            return Ok(());
        }
        desk.store.commit(context.flash, &changes)?;
        for _ in &changes {
            context.event(&Event::AlertDelivered);
        }
        self.running.taken |= news;
        Ok(())
    }

    /// What the device has to do.
    pub(in super::super) fn output<'o, F, C, const PRL: usize>(
        &'o mut self,
        desk: &'o mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        buffers: &'o mut Buffers<'_>,
    ) -> Output<'o> {
        let now = context.now;
        let Self { setup, memory, running, .. } = self;
        let Running { doing, .. } = running;
        let mut next = core::mem::take(doing);
        let config = running.config(memory.texts, &[], setup.coding);
        let Some(config) = config else { return Output::Wait(now) };
        let own = &mut memory.kept.conversation;
        let session = Session::resume(&config, own, buffers.receive, buffers.send, memory.work);
        let output = match session.into_output() {
            SessionOutput::Send(request) => {
                next = Doing::Exchange(Answering::default());
                context.http(http_request(&request, &mut desk.answer))
            }
            SessionOutput::Ask(prompt) => {
                let code = prompt.code;
                if let Some(prompt) = question::asked(&prompt, &mut desk.answer) {
                    next = Doing::Asking(code);
                    context.event(&Event::Prompted(prompt));
                    Output::Ask(prompt)
                } else {
                    next = Doing::Unaskable;
                    Output::Wait(now)
                }
            }
            SessionOutput::Wait(until) => Output::Wait(until),
            SessionOutput::End(_) => Output::Wait(now),
        };
        running.doing = next;
        output
    }

    /// Takes an answer's head; an inner error abandons it.
    pub(in super::super) fn head(
        &mut self,
        buffers: &mut Buffers<'_>,
        head: &Head<'_>,
    ) -> Option<Result<(), LinkError>> {
        let announced = head.content_length.and_then(|n| usize::try_from(n).ok());
        let room = self.receive_buffer(buffers)?.len();
        let Doing::Exchange(answering) = &mut self.running.doing else { return None };
        answering.status = head.status;
        // What is too long to keep is no type or digest that the session could take.
        let _ = answering.content_type.push_str(head.content_type.unwrap_or_default());
        let _ = answering.mac.push_str(head.mac.unwrap_or_default());
        if announced.is_some_and(|n| n > room) {
            answering.len = usize::MAX;
            return Some(Err(LinkError::TooLarge));
        }
        Some(Ok(()))
    }

    /// Takes a part of an answer's body; an inner error abandons the rest.
    pub(in super::super) fn body(
        &mut self,
        buffers: &mut Buffers<'_>,
        part: &[u8],
    ) -> Option<Result<(), LinkError>> {
        let Doing::Exchange(answering) = &self.running.doing else { return None };
        let len = answering.len;
        let free = self.receive_buffer(buffers)?.get_mut(len..).unwrap_or_default();
        let fits =
            free.get_mut(..part.len()).map(|to| to.iter_mut().zip(part).for_each(|(to, from)| *to = *from));
        let Doing::Exchange(answering) = &mut self.running.doing else { return None };
        answering.len = if fits.is_some() { len.saturating_add(part.len()) } else { usize::MAX };
        Some(fits.ok_or(LinkError::TooLarge))
    }

    fn receive_buffer<'o>(&'o mut self, buffers: &'o mut Buffers<'_>) -> Option<&'o mut [u8]> {
        let config = self.running.config(self.memory.texts, &[], self.setup.coding)?;
        let own = &mut self.memory.kept.conversation;
        Some(
            Session::resume(&config, own, buffers.receive, buffers.send, self.memory.work)
                .into_receive_buffer(),
        )
    }

    /// The device has done what [`Self::output`] told.
    pub(in super::super) fn done<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        buffers: &mut Buffers<'_>,
        done: Done,
    ) -> Result<(), AgentError<F::Error>> {
        match done {
            Done::HttpEnded(ended) => self.exchanged(desk, context, buffers, ended),
            Done::Answered(answer) => {
                context.event(&Event::Answered(answer));
                self.answered(desk, context, buffers, answer)
            }
            Done::Waited => self.waited(desk, context, buffers),
            _ => Err(AgentError::Misuse),
        }
    }

    /// The exchange has ended.
    fn exchanged<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        buffers: &mut Buffers<'_>,
        ended: Result<(), LinkError>,
    ) -> Result<(), AgentError<F::Error>> {
        if let Err(why) = ended {
            context.event(&Event::LinkDown(why));
        }
        let answering = match core::mem::take(&mut self.running.doing) {
            Doing::Exchange(answering) => answering,
            other => {
                self.running.doing = other;
                return Err(AgentError::Misuse);
            }
        };
        // A body over the limit was not read to its end; the session judges its length.
        if ended.is_err() && answering.len != usize::MAX {
            return self.drive(desk, context, buffers, false, Input::LinkDown);
        }
        let (status, content_type) = (answering.status, answering.content_type.as_str());
        let body = self.receive_buffer(buffers).and_then(|buffer| buffer.get(..answering.len));
        context.event(&Event::Reply { status, content_type, location: "", body: body.unwrap_or_default() });
        let reply = Reply {
            status,
            content_type: Some(content_type).filter(|text| !text.is_empty()),
            mac: Some(answering.mac.as_str()).filter(|text| !text.is_empty()),
            len: answering.len,
        };
        self.drive(desk, context, buffers, false, Input::Reply(reply))
    }

    /// The user has answered what the server asked.
    fn answered<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        buffers: &mut Buffers<'_>,
        answer: Answer,
    ) -> Result<(), AgentError<F::Error>> {
        let Doing::Asking(code) = core::mem::take(&mut self.running.doing) else {
            return Err(AgentError::Misuse);
        };
        self.drive(desk, context, buffers, false, Input::Answered(question::answered(code, &answer)))
    }

    /// Time has passed.
    fn waited<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        buffers: &mut Buffers<'_>,
    ) -> Result<(), AgentError<F::Error>> {
        let input = match self.running.doing {
            Doing::Unaskable => {
                self.running.doing = Doing::Session;
                Input::Answered(session::Answer::TimedOut)
            }
            // The user or the server may still have time.
            _ => Input::Tick,
        };
        self.drive(desk, context, buffers, false, input)
    }
}

/// The server of the first alert that waits.
fn first_alert<'o, F: NorFlash, const PRL: usize>(
    desk: &Desk<'_, PRL>,
    flash: &mut F,
    out: &'o mut [u8],
) -> Result<&'o str, AgentError<F::Error>> {
    let Some(key) = ALERTS.into_iter().find(|key| desk.store.len(*key).is_some()) else { return Ok("") };
    Ok(desk.store.get_at::<Alert<'_>, F>(flash, key, out)?.map_or("", |alert| alert.server))
}

/// The path of the first account.
fn first_account<'o>(nodes: &kedge_protocol::dm::Nodes<'_>, out: &'o mut [u8]) -> Option<&'o str> {
    let mut w = Writer::new(out);
    let name = nodes.names(ACCOUNTS).next()?;
    for part in [ACCOUNTS, "/", name] {
        w.put(part.as_bytes()).ok()?;
    }
    core::str::from_utf8(w.finish()).ok()
}

/// The request as the device sends it; the header of the digest is made in `out`.
fn http_request<'o>(request: &session::Request<'o>, out: &'o mut [u8]) -> HttpRequest<'o> {
    let mut headers = heapless::Vec::new();
    // As many as there is room for.
    let mut add = |name, value| headers.push((name, value)).unwrap_or_default();
    add("Content-Type", request.content_type);
    add("Accept", request.content_type);
    add("Accept-Charset", "utf-8");
    if let Some((name, digest)) = request.mac {
        let mut w = Writer::new(out);
        let parts = ["algorithm=MD5, username=\"", name, "\", mac=", digest];
        if parts.iter().try_for_each(|part| w.put(part.as_bytes())).is_ok() {
            add(MAC_HEADER, core::str::from_utf8(w.finish()).unwrap_or_default());
        }
    }
    HttpRequest { post: true, url: request.url, headers, body: request.body }
}

/// Whether the same session may come to its end another time.
const fn is_passing(end: End) -> bool {
    matches!(end, End::NoLink | End::Timeout | End::Http(0 | 500..=599) | End::ServerAborted)
}
