//! What to do next, when nothing is being done.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::power::Restart;
use kedge_platform::radio::RadioError;
use kedge_update_agent::Job;
use kedge_update_agent::banklog::Change;

use super::consent::{Question, Verdict};
use super::desk::Desk;
use super::dm::{self, Installing};
use super::provision::Waiting;
use super::{Agent, Buffers, Context, Notice, State};
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::{Activation, Consent, Key, OUTBOX, Record as _, Report, Resume};
use crate::trigger::{Kind, Trigger};

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Leaves the idle state if there is something to do now; else says when there may be.
    pub(super) fn choose<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Option<Duration>, AgentError<F::Error>> {
        let now = context.now;
        let mut wake = Wake::default();
        let activation = self.desk.activation(context.flash)?;
        // First, because a session may end with a restart, which would lose it.
        if self.text.is_some() {
            self.enter(State::Reading);
            return Ok(None);
        }
        if let Some(trigger) = self.next_session(context)? {
            if wake.is_due(now, self.not_before) {
                context.event(&Event::SessionStarted { kind: trigger.kind, url: &trigger.url });
                self.enter(|buffers| State::Calling(buffers, trigger));
            }
            return Ok(wake.0);
        }
        match self.management(context)? {
            dm::Next::Nothing(None) => {}
            dm::Next::Nothing(Some(until)) => _ = wake.is_due(now, until),
            dm::Next::Go(errand) => {
                self.enter(|buffers| State::Attaching(buffers, errand));
                return Ok(None);
            }
            dm::Next::Ask { confirm } => {
                self.enter(|buffers| State::Agreeing(buffers, confirm));
                return Ok(None);
            }
        }
        if activation.committed && !activation.registered && wake.is_due(now, self.register_after.0) {
            self.enter(State::Registering);
            return Ok(None);
        }
        if self.license_errand(context, &mut wake) {
            return Ok(None);
        }
        if self.invitation.is_some() {
            self.enter(State::Inviting);
            return Ok(None);
        }
        // The power failed before it could be told.
        if self.desk.store.len(Key::Untold as u8).is_some() {
            self.enter(|buffers| State::Telling(buffers, Notice::SettingsApplied));
            return Ok(None);
        }
        if self.desk.store.len(Key::Pending as u8).is_some()
            && wake.is_due(now, self.provision_after)
            && let State::Idle(buffers) = &mut self.state
            && let Some(question) = self.desk.waiting_settings(context, buffers.receive)?
        {
            match question {
                Waiting::Ask(question) => self.enter(|buffers| State::Provisioning(buffers, question)),
                Waiting::Refused => self.enter(|buffers| State::Telling(buffers, Notice::SettingsRefused)),
            }
            return Ok(None);
        }
        if self.enrolling(context, |at| wake.is_due(now, at))? {
            return Ok(None);
        }
        if self.dialled.is_some_and(|until| wake.is_due(now, until)) {
            self.dialled = None;
            self.desk.store.remove(context.flash, Key::Dialled as u8)?;
        }
        match self.desk.update.job() {
            Job::Ordered { .. } => self.hand_over(context),
            Job::Verified { .. } if wake.is_due(now, self.ask_after) => match self.installing(context)? {
                Installing::Free | Installing::Commanded | Installing::Mandatory => {
                    self.enter(|buffers| State::Asking(buffers, Question::Install));
                }
                Installing::Overdue => {
                    self.desk.update.order(context.flash)?;
                    self.hand_over(context);
                }
                Installing::Held => {}
            },
            _ => {
                if self.desk.notice_loss(context)? {
                    // There is a result to be told.
                    wake.0 = Some(now);
                }
            }
        }
        Ok(wake.0)
    }

    /// Restarts into the update agent.
    fn hand_over<F: NorFlash, C: Crypto>(&mut self, context: &mut Context<'_, F, C>) {
        context.event(&Event::Restarting(Restart::UpdateAgent));
        self.enter(|_| State::Restarting(Restart::UpdateAgent));
    }

    /// The session to hold next, already in the store: one that was interrupted, a report, or a new trigger.
    fn next_session<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Option<Trigger>, AgentError<F::Error>> {
        let mut buf = [0; limits::RECORD];
        if let Some(resume) = self.desk.store.get::<Resume<'_>, F>(context.flash, &mut buf)? {
            let kind = Kind::from_number(resume.kind).unwrap_or(Kind::Push);
            return Ok(Trigger::new(kind, resume.url));
        }
        if let Some(key) = self.desk.store.next_report() {
            let report = self.desk.store.get_at::<Report<'_>, F>(context.flash, key, &mut buf)?;
            self.desk.reporting = report.map(|report| report.state);
            return Ok(report.and_then(|report| Trigger::new(Kind::Status, report.url)));
        }
        let Some(trigger) = self.triggers.take() else { return Ok(None) };
        let resume = Resume { kind: trigger.kind as u8, url: &trigger.url, tries: 0 };
        self.desk.store.put(context.flash, &resume)?;
        self.not_before = Duration::ZERO;
        Ok(Some(trigger))
    }

    /// Goes from idle to another state.
    pub(super) fn enter(&mut self, next: impl FnOnce(Buffers<'b>) -> State<'b>) {
        self.state = match core::mem::replace(&mut self.state, State::Between) {
            State::Idle(buffers) => next(buffers),
            other => other,
        };
    }

    /// The radio has registered, or not.
    pub(super) fn registered<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
        result: Result<(), RadioError>,
    ) -> Result<(), AgentError<F::Error>> {
        context.event(&Event::Registered(result));
        if result.is_ok() {
            let activation = self.desk.activation(context.flash)?;
            self.desk.store.put(context.flash, &Activation { registered: true, ..activation })?;
            self.state = if activation.silent == Some(true) {
                State::Idle(buffers)
            } else {
                State::Telling(buffers, Notice::Activated)
            };
        } else {
            let tries = self.register_after.1.saturating_add(1);
            let pause = context.backoff(tries);
            self.register_after = (context.now.saturating_add(pause), tries);
            self.state = State::Idle(buffers);
        }
        Ok(())
    }

    /// The user has answered about the update.
    pub(super) fn consented<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
        verdict: Verdict,
    ) -> Result<(), AgentError<F::Error>> {
        let verdict = match verdict {
            Verdict::Decline if self.installing(context)? == Installing::Commanded => {
                self.state = State::Idle(buffers);
                return self.declined(context);
            }
            Verdict::Decline => Verdict::Defer,
            verdict => verdict,
        };
        self.state = match verdict {
            Verdict::Ask(question) => State::Asking(buffers, question),
            Verdict::Install => {
                self.state = State::Idle(buffers);
                return Ok(self.desk.update.order(context.flash)?);
            }
            Verdict::Defer | Verdict::Decline => {
                self.ask_after = context.now.saturating_add(limits::ASK_AGAIN);
                State::Idle(buffers)
            }
        };
        if verdict == Verdict::Defer {
            let consent = self.desk.store.get::<Consent, F>(context.flash, &mut [0; 16])?.unwrap_or_default();
            let deferrals = consent.deferrals.saturating_add(1);
            self.desk.store.put(context.flash, &Consent { deferrals })?;
        }
        Ok(())
    }
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// How far activation came.
    pub(super) fn activation<F: NorFlash>(&self, flash: &mut F) -> Result<Activation, AgentError<F::Error>> {
        Ok(self.store.get::<Activation, F>(flash, &mut [0; 32])?.unwrap_or_default())
    }

    /// Puts the result of an update into the outbox, then takes it out of the journal. If the power fails between the two,
    /// the next start finds the same package in the outbox and puts nothing twice. A full outbox keeps it in the journal
    /// until there is room; without a URL there is nobody to report to.
    pub(super) fn collect_outcome<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let Some(outcome) = self.update.outcome() else { return Ok(()) };
        if self.collect_for_server(context, &outcome)? {
            return Ok(());
        }
        let mut buf = [0; limits::RECORD];
        let mut known = false;
        for key in OUTBOX {
            let report = self.store.get_at::<Report<'_>, F>(context.flash, key, &mut buf)?;
            known |= report.is_some_and(|report| report.package == outcome.package.0);
        }
        let mut url = [0; limits::URL];
        let url = self.setting(context.flash, "fota/status-url", &mut url)?.unwrap_or_default();
        if !known && !url.is_empty() {
            let Some(key) = self.store.free_report() else { return Ok(()) };
            let state = crate::state::of_result(outcome.result);
            let report = Report { url, state, package: outcome.package.0, tries: 0 };
            let value = report.to_octets(&mut buf).ok_or(AgentError::Config("fota/status-url"))?;
            let (consent, fetch) = (Change::remove(Key::Consent as u8), Change::remove(Key::Fetch as u8));
            self.store.commit(context.flash, &[Change::put(key, value), consent, fetch])?;
            context.event(&Event::ReportQueued { state });
        }
        Ok(self.update.clear_outcome(context.flash)?)
    }
}

/// The earliest time at which something waits to be done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wake(Option<Duration>);

impl Wake {
    /// Whether `at` has come; if not, remembers it.
    pub(super) fn is_due(&mut self, now: Duration, at: Duration) -> bool {
        if now < at {
            self.0 = Some(self.0.map_or(at, |earlier| earlier.min(at)));
        }
        now >= at
    }
}
