//! Beginning a session, and what follows from its end.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::identity::HardwareId;
use kedge_protocol::iota::EndReason;
use kedge_protocol::iota::mmc::{self, Session};
use kedge_protocol::iota::session::{Config as SessionConfig, Input, Outcome, Reason};
use kedge_update_agent::Job;
use kedge_update_agent::banklog::Change;

use super::desk::Facts;
use super::talk::Talk;
use super::{After, Agent, Buffers, Context, Notice, State};
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::{Key, LastSession, Record as _, Report, Resume};
use crate::trigger::{Kind, Trigger};

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// The data call is open: begins the session.
    pub(super) fn begin_session<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
        trigger: Trigger,
    ) -> Result<(), AgentError<F::Error>> {
        let (mut domain, mut boot) = ([0; limits::RECORD], [0; limits::URL]);
        let desk = &mut self.desk;
        let identity = context.identity;
        let (esn, meid) = match identity.hardware_id() {
            HardwareId::Esn(esn) => (Some(esn), None),
            HardwareId::Meid(meid) => (None, Some(meid)),
        };
        let connection_timeout = desk.seconds(context.flash, "iota/connection-timeout", 30)?;
        let session_timeout = desk.seconds(context.flash, "iota/session-timeout", 900)?;
        let config = SessionConfig {
            start_url: &trigger.url,
            reason: match trigger.kind {
                Kind::Activation => Reason::Boot,
                Kind::Push | Kind::Invited | Kind::Document => Reason::Push,
                Kind::UpdateCheck => Reason::Fota,
                Kind::Status => Reason::Status,
            },
            make: identity.make(),
            model: identity.model(),
            version: identity.version(),
            esn,
            meid,
            trusted_domain: desk
                .setting(context.flash, "iota/trusted-domain", &mut domain)?
                .unwrap_or_default(),
            boot_url: desk.setting(context.flash, "iota/boot-url", &mut boot)?.unwrap_or_default(),
            connection_timeout,
            session_timeout,
        };
        let Buffers { receive, send } = buffers;
        let mut session = Session::new(&config, receive, send)?;
        let first = match self.document.take() {
            Some((coding, len)) if trigger.kind == Kind::Document => {
                Input::Pushed { content_type: mmc::media_type(coding), len }
            }
            _ => Input::Start,
        };
        session.handle(context.now, first)?;
        desk.begin_is683(trigger.kind.mode(), Some(trigger.kind));
        desk.staged.clear();
        desk.download = None;
        if trigger.kind != Kind::Status {
            desk.reporting = None;
        }
        self.state = State::Talking(Talk::new(session, trigger, context.now));
        Ok(())
    }

    /// The session has ended: keeps what must be kept, and decides what comes next.
    pub(super) fn session_over<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        outcome: Outcome,
    ) -> Result<(), AgentError<F::Error>> {
        let talk = match core::mem::replace(&mut self.state, State::Between) {
            State::Talking(talk) => talk,
            other => {
                self.state = other;
                return Err(AgentError::Misuse);
            }
        };
        let (facts, began) = (talk.facts, talk.began());
        let (buffers, trigger) = talk.into_parts();
        self.desk.staged.clear();
        context.event(&Event::SessionEnded { reason: outcome.reason, error: outcome.error });
        self.state = State::Hanging(buffers, After::Nothing);
        let last = LastSession {
            kind: trigger.kind as u8,
            url: &trigger.url,
            last_doc: outcome.last_doc,
            reason: outcome.reason.0,
            error: outcome.error,
            is683_committed: self.desk.engine.committed(),
            mmc_committed: outcome.mmc_committed,
            began,
        };
        self.desk.store.put(context.flash, &last)?;
        let mut after = After::Nothing;
        if is_retried(outcome) {
            self.try_again(context, trigger.kind, (outcome.reason, outcome.error))?;
        } else if trigger.kind == Kind::Status {
            self.status_over(context, outcome)?;
        } else {
            after = self.conversation_over(context, outcome, trigger.kind, facts)?;
        }
        if outcome.reboot || facts.reboot {
            after = After::Restart;
        }
        match &mut self.state {
            // Giving up may have left something to tell.
            State::Hanging(_, then) if after != After::Nothing => *then = after,
            _ => {}
        }
        Ok(())
    }

    /// The peer has ended a session that was no report, or made it impossible.
    fn conversation_over<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        outcome: Outcome,
        kind: Kind,
        facts: Facts,
    ) -> Result<After, AgentError<F::Error>> {
        let normal = outcome.reason.is_normal();
        let mut activation = self.desk.activation(context.flash)?;
        // A proper end tells that the network knows of the commit, be it of this session or of one whose end was lost.
        activation.confirmed |= normal && activation.committed;
        let mut buf = [0; 32];
        let record = activation.to_octets(&mut buf).ok_or(AgentError::Misuse)?;
        let keep = Change::put(Key::Activation as u8, record);
        let mut changes = heapless::Vec::<Change<'_>, 3>::new();
        let mut add = |change| changes.push(change).unwrap_or_default();
        add(Change::remove(Key::Resume as u8));
        if activation.committed {
            add(keep);
        }
        if kind == Kind::Invited {
            // What the user dialled for is over.
            self.dialled = None;
            add(Change::remove(Key::Dialled as u8));
        }
        self.desk.store.commit(context.flash, &changes)?;
        if facts.install && matches!(self.desk.update.job(), Job::Verified { .. }) {
            self.desk.update.order(context.flash)?;
        }
        let verified = matches!(self.desk.update.job(), Job::Verified { .. } | Job::Ordered { .. });
        Ok(match (normal, kind) {
            (false, kind) if kind.is_users() => After::Tell(Notice::Failed(u16::from(outcome.reason.0))),
            (true, Kind::UpdateCheck) if facts.download_failed => After::Tell(Notice::UpdateRefused),
            (true, Kind::UpdateCheck) if !verified => After::Tell(Notice::NoUpdate),
            _ => After::Nothing,
        })
    }

    /// A session that was to report a result has ended: after a proper end the network has it, asked for now or before, and it
    /// leaves the outbox.
    fn status_over<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        outcome: Outcome,
    ) -> Result<(), AgentError<F::Error>> {
        if !outcome.reason.is_normal() {
            return self.try_again(context, Kind::Status, (outcome.reason, outcome.error));
        }
        let Some(key) = self.desk.store.next_report() else { return Ok(()) };
        let state = self.desk.reporting.take().unwrap_or_default();
        self.desk.store.remove(context.flash, key)?;
        context.event(&Event::Reported { state });
        self.desk.collect_outcome(context)
    }

    /// The session came to nothing through no fault of its content: later again, or, after too many tries, no more.
    pub(super) fn try_again<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        kind: Kind,
        (reason, error): (EndReason, u16),
    ) -> Result<(), AgentError<F::Error>> {
        if kind == Kind::Document {
            // It is gone: the network has to push again.
            context.event(&Event::GaveUp { reason, error });
            return Ok(());
        }
        let mut buf = [0; limits::RECORD];
        let mut value = [0; limits::RECORD];
        let (key, tries, value) = if kind == Kind::Status {
            let Some(key) = self.desk.store.next_report() else { return Ok(()) };
            let Some(report) = self.desk.store.get_at::<Report<'_>, F>(context.flash, key, &mut buf)? else {
                return Ok(());
            };
            let tries = report.tries.saturating_add(1);
            (key, tries, Report { tries, ..report }.to_octets(&mut value))
        } else {
            let Some(resume) = self.desk.store.get::<Resume<'_>, F>(context.flash, &mut buf)? else {
                return Ok(());
            };
            let tries = resume.tries.saturating_add(1);
            (Key::Resume as u8, tries, Resume { tries, ..resume }.to_octets(&mut value))
        };
        let give_up = kind != Kind::Status && tries >= limits::SESSION_TRIES;
        let change = match value {
            Some(value) if !give_up => Change::put(key, value),
            _ => Change::remove(key),
        };
        self.desk.store.commit(context.flash, &[change])?;
        if give_up {
            context.event(&Event::GaveUp { reason, error });
            if kind.is_users() {
                self.tell(Notice::Failed(u16::from(reason.0)));
            }
        } else {
            let pause = context.backoff(tries);
            self.not_before = context.now.saturating_add(pause);
            context.event(&Event::RetryIn(pause));
        }
        Ok(())
    }

    /// Tells the user, as soon as the data call is closed.
    fn tell(&mut self, notice: Notice) {
        self.state = match core::mem::replace(&mut self.state, State::Between) {
            State::Idle(buffers) => State::Telling(buffers, notice),
            State::Hanging(buffers, After::Nothing) => State::Hanging(buffers, After::Tell(notice)),
            other => other,
        };
    }
}

/// Whether an end is the link's or the server's passing weakness, and not an answer.
fn is_retried(outcome: Outcome) -> bool {
    match outcome.reason {
        EndReason::NO_SERVICE | EndReason::SESSION_TIMEOUT => true,
        EndReason::HTTP => outcome.error == 0 || (500..600).contains(&outcome.error),
        _ => false,
    }
}
