//! Firmware updates that a management server commands (OMA-TS-DM_FUMO): the package is fetched in a data call of its own, and
//! the result of the operation is told once.
//!
//! ```text
//!  Exec (in a session) ─► Operation: 30 ─► fetch ─► 50 ─► (Exec Update) ─► 60 ─► asked ─► restart ─► outcome ─► 80 | 100
//!                                            └─► 20                        └─► no: 70, 80
//! ```
//! The record of the operation and the alert that tells its result are one commit, so a result is never lost and never told
//! twice by this side. The outcome of an update stays in the update agent's journal until that commit is made.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::dlota::Failure as DownloadFailure;
use kedge_protocol::fumo::{
    Action, Event as Step, MAX_DEFERRALS, Memo, ResultCode, State as Fumo, download_failed,
};
use kedge_protocol::scomo;
use kedge_protocol::wire::Decimal;
use kedge_update_agent::banklog::Change;
use kedge_update_agent::{Failure, Job, Outcome, Refusal, UpdateResult};

use super::super::desk::Desk;
use super::super::download::{Download, Next, Why};
use super::super::{After, Agent, Buffers, Context, State};
use super::later;
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::{Alert, Consent, Key, Operation, Record as _};

/// The node that the results are about.
pub(super) const SOURCE: &str = "./FUMO";
/// What becomes of a package that is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Installing {
    /// No management server has to do with it: the user decides.
    Free,
    /// It waits for a server's command: nobody is asked.
    Held,
    /// A server has commanded it, and the user may decline or defer.
    Commanded,
    /// A server has commanded it, and the user may only defer.
    Mandatory,
    /// The user has deferred it as often as he may.
    Overdue,
}

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// The data call is open: fetches the package that a server wants.
    pub(super) fn begin_fetching<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
    ) -> Result<(), AgentError<F::Error>> {
        // The buffers must find back whatever happens.
        self.state = State::Hanging(buffers, After::Nothing);
        let (machine, components) = (self.desk.machine(context.flash)?, self.desk.components(context.flash)?);
        let pending = (machine.pending(), components.pending());
        let ((Action::Download(url), _) | (_, scomo::Action::Download(url))) = pending else { return Ok(()) };
        if !Download::start(&mut self.desk, context, url, false)? {
            return self.fetched(context, None);
        }
        self.state = match core::mem::replace(&mut self.state, State::Between) {
            State::Hanging(buffers, _) => State::Fetching(buffers),
            other => other,
        };
        Ok(())
    }

    /// Goes on with the package that is being fetched, until the device has something to do or it is over.
    pub(in super::super) fn pump_fetching<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        if !matches!(self.state, State::Fetching(_)) {
            return Ok(());
        }
        let (download, mut tools) = self.desk.downloading().ok_or(AgentError::Misuse)?;
        let Next::Over(why) = download.pump(&mut tools, context)? else { return Ok(()) };
        let failed = why.map(|why| (why, download.refusal()));
        self.desk.download = None;
        self.state = match core::mem::replace(&mut self.state, State::Between) {
            State::Fetching(buffers) => State::Hanging(buffers, After::Nothing),
            other => other,
        };
        self.fetched(context, failed)
    }

    /// The package is here and verified, or why not.
    fn fetched<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        failed: Option<(Why, Option<Refusal>)>,
    ) -> Result<(), AgentError<F::Error>> {
        if self.desk.machine(context.flash)?.state() != Fumo::DOWNLOADING {
            return self.component_fetched(context, failed);
        }
        let result = failed.map(|failed| match failed {
            (Why::Failed(DownloadFailure::Refused), Some(refusal)) => refused(refusal),
            (Why::Failed(failure), _) => download_failed(failure),
            (Why::Busy | Why::Deferred, _) => ResultCode::CLIENT_ERROR,
        });
        let steps = match result {
            None => [Some(Step::Downloaded), Some(Step::Accepted)],
            Some(result) => [Some(Step::DownloadFailed(result)), None],
        };
        let told = self.desk.step(context, steps.into_iter().flatten(), None)?;
        if !told && let Some(dm) = &mut self.dm {
            dm.fetch_after = later(context, dm.fetch_after.1);
        }
        Ok(())
    }

    /// What becomes of the package that is verified.
    pub(in super::super) fn installing<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Installing, AgentError<F::Error>> {
        match self.desk.machine(context.flash)?.state() {
            Fumo::READY | Fumo::DOWNLOADING => return Ok(Installing::Held),
            Fumo::UPDATING => {}
            Fumo::FAILED_WITH_DATA => {
                // The user has declined; the package goes, and then the state says so.
                self.desk.update.abandon(context.flash)?;
                self.desk.step(context, [Step::CleanedUp].into_iter(), None)?;
                return Ok(Installing::Held);
            }
            _ => return self.desk.installing_component(context.flash),
        }
        let Some(dm) = &mut self.dm else { return Ok(Installing::Commanded) };
        let nodes = dm.nodes(&self.desk.store, context.flash)?;
        let most = nodes.text(MAX_DEFERRALS).and_then(Decimal::parse);
        let Some(most) = most else { return Ok(Installing::Commanded) };
        let consent = self.desk.store.get::<Consent, F>(context.flash, &mut [0; 16])?.unwrap_or_default();
        Ok(if u32::from(consent.deferrals) >= most { Installing::Overdue } else { Installing::Mandatory })
    }

    /// The user does not want the update that a server commanded.
    pub(in super::super) fn declined<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        if self.desk.machine(context.flash)?.state() != Fumo::UPDATING {
            return self.component_declined(context);
        }
        let step = Step::Updated { result: ResultCode::USER_CANCELLED, kept: true };
        self.desk.step(context, [step].into_iter(), None).map(|_| ())
    }
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// Whether a server has commanded a package to be fetched.
    pub(super) fn is_package_wanted<F: NorFlash>(&self, flash: &mut F) -> Result<bool, AgentError<F::Error>> {
        let is_known = self.store.len(Key::Operation as u8).is_some();
        let is_firmware = is_known && self.machine(flash)?.state() == Fumo::DOWNLOADING;
        Ok(is_firmware || self.is_component_wanted(flash)?)
    }

    /// Whether a server has commanded something that is not over.
    pub(super) fn is_update_under_way<F: NorFlash>(
        &self,
        flash: &mut F,
    ) -> Result<bool, AgentError<F::Error>> {
        let state = self.machine(flash)?.state();
        Ok(state != Fumo::IDLE && !state.is_final())
    }

    /// The package of an update that a server commanded is gone without a result: that is one, too. Says whether there is one to tell.
    pub(in super::super) fn notice_loss<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<bool, AgentError<F::Error>> {
        let is_lost = self.store.len(Key::Operation as u8).is_some()
            && matches!(self.update.job(), Job::Idle)
            && self.update.outcome().is_none()
            && self.machine(context.flash)?.state() == Fumo::UPDATING;
        if is_lost {
            let step = Step::Updated { result: ResultCode::UPDATE_FAILED, kept: false };
            return self.step(context, [step].into_iter(), None);
        }
        Ok(false)
    }

    /// Takes the outcome of an update out of the journal if a management server commanded it, and keeps what it is told.
    /// `false`: no server has to do with it. Without room for the alert it stays in the journal until there is.
    pub(in super::super) fn collect_for_server<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        outcome: &Outcome,
    ) -> Result<bool, AgentError<F::Error>> {
        match self.is_outcome_of_component(context.flash, outcome.package)? {
            // It stays in the journal until it is recorded in the tree.
            Some(true) => return Ok(true),
            Some(false) => {}
            None => {
                self.update.clear_outcome(context.flash)?;
                return Ok(true);
            }
        }
        let mut buf = [0; limits::RECORD];
        let Some(known) = self.store.get::<Operation<'_>, F>(context.flash, &mut buf)? else {
            return Ok(false);
        };
        let is_old = known.told == Some(outcome.package.0);
        if !is_old {
            if Fumo(known.state) != Fumo::UPDATING {
                return Ok(false);
            }
            let step = Step::Updated { result: result_of(outcome.result), kept: false };
            if !self.step(context, [step].into_iter(), Some(outcome.package.0))? {
                return Ok(true);
            }
        }
        self.update.clear_outcome(context.flash)?;
        Ok(true)
    }

    /// Tells the machine what happened, and keeps what came of it: its state and, if an operation has ended, the alert for the
    /// server, in one commit. `false`: there is no room for the alert, and nothing has happened.
    fn step<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        steps: impl Iterator<Item = Step<'static>>,
        package: Option<[u8; 16]>,
    ) -> Result<bool, AgentError<F::Error>> {
        let mut machine = self.machine(context.flash)?;
        let (mut alert, mut record) = ([0; limits::ALERT], [0; limits::RECORD]);
        let mut report: Option<(&[u8], ResultCode)> = None;
        let mut room = Some(alert.as_mut_slice());
        for step in steps {
            // What cannot be in this state has happened before.
            let Ok(Action::Report(done)) = machine.handle(step) else { continue };
            let data = Decimal::new(u32::from(done.result.0));
            let told = Alert {
                server: done.server,
                correlator: done.correlator,
                source: Some(SOURCE),
                kind: done.operation.alert_type(),
                format: "int",
                mark: Some(done.mark()),
                data: data.as_str(),
            };
            let result = done.result;
            report = room.take().and_then(|room| told.to_octets(room)).map(|octets| (octets, result));
        }
        let memo: Memo<'_> = machine.memo();
        let mut changes = heapless::Vec::<Change<'_>, 4>::new();
        let mut add = |change| changes.push(change).unwrap_or_default();
        if let Some((octets, _)) = report {
            let Some(key) = self.store.free_alert() else { return Ok(false) };
            add(Change::put(key, octets));
        }
        let told = package.or(self.told(context.flash)?);
        let operation = Operation::of(&memo, told);
        let state = memo.state;
        let value =
            operation.to_octets(&mut record).ok_or(AgentError::Config("firmware update operation"))?;
        add(Change::put(Key::Operation as u8, value));
        if state.is_final() {
            add(Change::remove(Key::Consent as u8));
            add(Change::remove(Key::Fetch as u8));
        }
        self.store.commit(context.flash, &changes)?;
        context.event(&Event::Operation(state));
        if let Some((_, result)) = report {
            context.event(&Event::AlertQueued(result));
        }
        Ok(true)
    }

    /// The package whose result was told last.
    fn told<F: NorFlash>(&self, flash: &mut F) -> Result<Option<[u8; 16]>, AgentError<F::Error>> {
        let mut buf = [0; limits::RECORD];
        Ok(self.store.get::<Operation<'_>, F>(flash, &mut buf)?.and_then(|known| known.told))
    }
}

/// What a server is told of an update (`fumo-dlota.md` 1.4, its suggestion).
pub(super) const fn result_of(result: UpdateResult) -> ResultCode {
    match result {
        UpdateResult::Installed => ResultCode::SUCCESS,
        UpdateResult::Refused(refusal) => refused(refusal),
        UpdateResult::Failed(Failure::PackageChanged | Failure::BadBlock | Failure::WrongBlock) => {
            ResultCode::CORRUPTED
        }
        _ => ResultCode::UPDATE_FAILED,
    }
}

/// What a server is told of a package that is refused.
pub(super) const fn refused(refusal: Refusal) -> ResultCode {
    match refusal {
        Refusal::Malformed { .. } | Refusal::WrongSize | Refusal::BadPayload => ResultCode::CORRUPTED,
        Refusal::UnknownKey | Refusal::BadSignature => ResultCode::NOT_VALIDATED,
        Refusal::OtherProduct | Refusal::OtherVersion | Refusal::OtherImage => ResultCode::MISMATCH,
        Refusal::ImageTooLarge | Refusal::Memory { .. } | Refusal::Spare { .. } | Refusal::State { .. } => {
            ResultCode::NO_ROOM_TO_UPDATE
        }
        _ => ResultCode::NOT_ACCEPTABLE,
    }
}
