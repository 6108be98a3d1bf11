//! Software components that a management server commands (OMA SCOMO 1.0), on the update agent: a package is delivered into its
//! inbox, by a download or in the tree, and installed as a firmware update is.
//!
//! ```text
//!  Exec (in a session) ─► Software: 1 ─► fetch ─► 3 ─► asked ─► restart ─► outcome ─► tree ─► alert, 0
//!                                          └─► delivered (Download) ─► Install ─┘
//! ```
//! What the update agent installs is what the processor runs. So it is active as soon as it is installed, and can be neither
//! deactivated nor removed: those operations end as not implemented, and so do the ones that install without activating. One
//! package is held at a time; installing one that another has replaced fails.
//!
//! An operation that has ended is recorded in the tree first; the alert for the server and the machine at rest are one commit
//! after it. Cut between the two, the same is recorded once more. The outcome of an installation stays in the update agent's
//! journal until then.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::dlota::Failure;
use kedge_protocol::scomo::{
    Action, COMPLETE, Completion, Event as Happened, Folder, Machine, Operation, ResultCode, Step,
    download_failed, installed, record,
};
use kedge_update_agent::banklog::Change;
use kedge_update_agent::{Job, PackageId};

use super::super::desk::Desk;
use super::super::download::Why;
use super::super::{Agent, Context};
use super::firmware::{Installing, refused, result_of};
use super::later;
use super::tree::Way;
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::{Alert, Key, Record as _, Software};

impl<const PRL: usize> Agent<'_, PRL> {
    /// Does what can be done at once of what a server has commanded, and ends what has come to its end.
    pub(super) fn pursue_software<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        if self.dm.is_none() || self.desk.store.len(Key::Software as u8).is_none() {
            return Ok(());
        }
        let machine = self.desk.components(context.flash)?;
        let Action::Do(operation, _) = machine.pending() else { return Ok(()) };
        let happened = match operation {
            Operation::RemovePackage => self.desk.remove_package(context, &machine)?,
            operation if is_installation(operation) => self.desk.installation(context, &machine)?,
            _ => Some(Happened::Failed { result: ResultCode::NOT_IMPLEMENTED, kept: true }),
        };
        match happened {
            Some(happened) => self.component_step(context, &[happened]).map(drop),
            None => Ok(()),
        }
    }

    /// The package of a component is here and verified, or why not.
    pub(super) fn component_fetched<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        failed: Option<(Why, Option<kedge_update_agent::Refusal>)>,
    ) -> Result<(), AgentError<F::Error>> {
        let done = match failed {
            None => self.component_step(context, &[Happened::Downloaded, Happened::Accepted])?,
            Some((why, refusal)) => {
                let result = match (why, refusal) {
                    (Why::Failed(Failure::Refused), Some(refusal)) => installed(refused(refusal)),
                    (Why::Failed(failure), _) => download_failed(failure),
                    (Why::Busy | Why::Deferred, _) => ResultCode::CLIENT_ERROR,
                };
                self.component_step(context, &[Happened::Failed { result, kept: false }])?
            }
        };
        if !done && let Some(dm) = &mut self.dm {
            dm.fetch_after = later(context, dm.fetch_after.1);
        }
        Ok(())
    }

    /// The user does not want what a server has commanded to be installed.
    pub(super) fn component_declined<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let declined = Happened::Failed { result: ResultCode::USER_CANCELLED, kept: true };
        self.component_step(context, &[declined]).map(drop)
    }

    /// Tells the machine what happened, and keeps what came of it. `false`: there is no room for the alert that ends the
    /// operation, and nothing has happened.
    fn component_step<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        happened: &[Happened<'_>],
    ) -> Result<bool, AgentError<F::Error>> {
        let mut machine = self.desk.components(context.flash)?;
        let mut done = None;
        for event in happened {
            // What cannot be in this state has happened before.
            if let Ok(Action::Report(completion)) = machine.handle(*event) {
                done = Some(completion);
            }
        }
        if let (Some(done), Some(dm)) = (&done, &mut self.dm) {
            if self.desk.store.free_alert().is_none() {
                return Ok(false);
            }
            dm.with_tree(&mut self.desk, context, Way::Open, |tree, _, _| {
                if record(tree, done).is_err() || tree.commit().is_err() {
                    // There is no room in the tree: the server is told the result all the same. A storage that failed fails
                    // again at the next use.
                    let _ = tree.roll_back();
                }
            })?;
        }
        self.desk.keep_components(context, &machine, done.as_ref())?;
        Ok(true)
    }
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// The software component object's machine, as the store has it.
    pub(super) fn components<F: NorFlash>(&self, flash: &mut F) -> Result<Machine, AgentError<F::Error>> {
        let mut buf = [0; limits::SOFTWARE];
        let known = self.store.get::<Software<'_>, F>(flash, &mut buf)?.unwrap_or_default();
        Machine::resume(&known.memo()).map_err(|_| AgentError::Config("software component operation"))
    }

    /// Whether a package is to be fetched for a component: not while the package of a firmware update is in the inbox.
    pub(super) fn is_component_wanted<F: NorFlash>(
        &self,
        flash: &mut F,
    ) -> Result<bool, AgentError<F::Error>> {
        let is_known = self.store.len(Key::Software as u8).is_some();
        Ok(is_known
            && matches!(self.components(flash)?.pending(), Action::Download(_))
            && !self.is_update_under_way(flash)?)
    }

    /// Whether no server has commanded anything that is not over.
    pub(super) fn is_at_rest<F: NorFlash>(&self, flash: &mut F) -> Result<bool, AgentError<F::Error>> {
        Ok(self.components(flash)?.under_way().is_none() && !self.is_update_under_way(flash)?)
    }

    /// What becomes of a verified package with which no firmware update has to do.
    pub(super) fn installing_component<F: NorFlash>(
        &self,
        flash: &mut F,
    ) -> Result<Installing, AgentError<F::Error>> {
        let mut buf = [0; limits::SOFTWARE];
        let Some(known) = self.store.get::<Software<'_>, F>(flash, &mut buf)? else {
            return Ok(Installing::Free);
        };
        let is_its = self.package().is_some_and(|package| known.package == Some(package.0));
        let under_way =
            Operation::from_number(known.operation).filter(|_| known.step == Step::Working.number());
        Ok(match under_way {
            Some(operation) if is_installation(operation) && is_its => Installing::Commanded,
            _ if is_its || known.step == Step::Downloading.number() => Installing::Held,
            _ => Installing::Free,
        })
    }

    /// Whether the outcome of an update belongs to a component, and stays in the journal until that is recorded in the tree;
    /// `None`: it was told before.
    pub(super) fn is_outcome_of_component<F: NorFlash>(
        &self,
        flash: &mut F,
        package: PackageId,
    ) -> Result<Option<bool>, AgentError<F::Error>> {
        let mut buf = [0; limits::SOFTWARE];
        let known = self.store.get::<Software<'_>, F>(flash, &mut buf)?.unwrap_or_default();
        if known.told == Some(package.0) {
            return Ok(None);
        }
        Ok(Some(known.package == Some(package.0) && known.step == Step::Working.number()))
    }

    /// The package that waits in the inbox, verified.
    fn package(&self) -> Option<PackageId> {
        if let Job::Verified { package, .. } = self.update.job() { Some(package) } else { None }
    }

    /// Drops the package of an item, if it is the one that is held.
    fn remove_package<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        machine: &Machine,
    ) -> Result<Option<Happened<'static>>, AgentError<F::Error>> {
        if self.is_held(context.flash, machine)? {
            self.update.abandon(context.flash)?;
        }
        Ok(Some(Happened::Done))
    }

    /// How the installation of an item has ended; `None`: not yet.
    fn installation<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        machine: &Machine,
    ) -> Result<Option<Happened<'static>>, AgentError<F::Error>> {
        if let Some(outcome) = self.update.outcome() {
            let result = installed(result_of(outcome.result));
            return Ok(Some(if result.is_success() {
                Happened::Done
            } else {
                Happened::Failed { result, kept: false }
            }));
        }
        let is_under_way = match self.update.job() {
            Job::Idle | Job::Receiving { .. } | Job::Opening { .. } => false,
            Job::Verified { .. } => self.is_held(context.flash, machine)?,
            _ => true,
        };
        let gone = Happened::Failed { result: ResultCode::INSTALL_FAILED, kept: false };
        Ok((!is_under_way).then_some(gone))
    }

    /// Whether the verified package is that of the item that the machine's operation is about.
    fn is_held<F: NorFlash>(&self, flash: &mut F, machine: &Machine) -> Result<bool, AgentError<F::Error>> {
        let mut buf = [0; limits::SOFTWARE];
        let known = self.store.get::<Software<'_>, F>(flash, &mut buf)?.unwrap_or_default();
        let name = machine.under_way().map(|(_, _, name)| name);
        let is_its = self.package().is_some_and(|package| known.package == Some(package.0));
        Ok(is_its && name == Some(known.held))
    }

    /// Keeps the machine and, if an operation has ended, the alert for its server, in one commit; then the outcome behind it is
    /// done with.
    fn keep_components<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        machine: &Machine,
        done: Option<&Completion>,
    ) -> Result<(), AgentError<F::Error>> {
        let (mut before, mut record) = ([0; limits::SOFTWARE], [0; limits::SOFTWARE]);
        let known = self.store.get::<Software<'_>, F>(context.flash, &mut before)?.unwrap_or_default();
        let (told, package) = (self.update.outcome().map(|outcome| outcome.package), self.package());
        let memo = machine.memo();
        let held = match (package, machine.under_way(), done) {
            (None, ..) => "",
            // What was fetched is held from then on.
            (Some(_), Some((_, Step::Working, name)), _) if !memo.url.is_empty() => name,
            (Some(_), _, Some(done)) if done.operation.folder() == Folder::Download => done.name(),
            _ => known.held,
        };
        let software = Software {
            told: told.map(|told| told.0).or(known.told),
            held,
            package: package.map(|package| package.0),
            ..Software::of(&memo)
        };
        let mut alert = [0; limits::ALERT];
        let alert =
            done.map(|done| told_by(done, &mut alert).ok_or(AgentError::Config("alert"))).transpose()?;
        let mut changes = heapless::Vec::<Change<'_>, 4>::new();
        let mut add = |change| changes.push(change).unwrap_or_default();
        if let (Some(octets), Some(key)) = (alert, self.store.free_alert()) {
            add(Change::put(key, octets));
        }
        let value = software.to_octets(&mut record);
        add(Change::put(
            Key::Software as u8,
            value.ok_or(AgentError::Config("software component operation"))?,
        ));
        if done.is_some() {
            add(Change::remove(Key::Consent as u8));
            add(Change::remove(Key::Fetch as u8));
        }
        self.store.commit(context.flash, &changes)?;
        if let Some(done) = done {
            context.event(&Event::ComponentQueued(done.result));
        }
        if told.is_some() {
            self.update.clear_outcome(context.flash)?;
        }
        Ok(())
    }
}

/// Whether an operation installs and activates: what the update agent can do.
const fn is_installation(operation: Operation) -> bool {
    operation.activates() && !matches!(operation.folder(), Folder::Deployed)
}

/// The alert that ends an operation, written to `out`.
fn told_by<'o>(done: &Completion, out: &'o mut [u8]) -> Option<&'o [u8]> {
    let (mut source, mut data) = ([0; Completion::SOURCE], [0; Completion::DATA]);
    let alert = Alert {
        server: done.server(),
        correlator: done.correlator(),
        source: done.source(&mut source),
        kind: COMPLETE,
        format: "xml",
        mark: Some(done.mark()),
        data: done.data(&mut data)?,
    };
    alert.to_octets(out)
}
