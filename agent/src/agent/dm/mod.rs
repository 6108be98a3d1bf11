//! Device management: sessions with management servers, the tree in the store, and firmware updates that a server commands.
//!
//! ```text
//!  notification ─► proved ─┐                            ┌─► tree: image ─► store   (one record, replaced as a whole)
//!  user, timer ────────────┼─► Wish (store) ─► session ─┤
//!  Alerts (store) ─────────┘        ▲                   └─► FUMO: Operation (store) ─► fetch ─► ask ─► restart ─┐
//!                                   └──────────────── Alert: the result, told once ◄────────────────────────────┘
//!  SCOMO: Software (store) ─► as FUMO, and what is installed is recorded in the tree
//! ```
//! Everything that must outlive a restart is in the store before it is acted on or answered: what a session is wanted for, the
//! operation of the firmware update object, the alerts that a server was not told yet. Between two inputs of a session its
//! memory lies with the agent's owner ([`Kept`]); tree and session are made anew around it for every call, because the flash
//! is lent for one call only.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::dm::Paused;
use kedge_protocol::dm::account::DmAccountSettings;
use kedge_protocol::dm::notification::Guard;
use kedge_protocol::dm::session::Conversation;
use kedge_protocol::fumo::{Machine, Staged, USER_REQUEST};
use kedge_protocol::scomo;
use kedge_protocol::wap::Coding;
use kedge_update_agent::banklog::Change;

use super::{Agent, Buffers, Context};
use crate::error::AgentError;
use crate::store::{ALERTS, Alert, Key, Record as _, Wish};
use crate::trigger::Accepted;

mod accounts;
pub(super) mod bootstrap;
mod firmware;
mod held;
mod notified;
mod objects;
mod question;
mod session;
mod software;
mod tree;

pub(super) use firmware::Installing;

/// What a device maker sets for device management.
#[derive(Clone, Copy, Debug)]
pub struct Management<'c> {
    /// The language, a tag as `en` or `en-US`.
    pub language: &'c str,
    /// What kind of device it is.
    pub device_type: &'c str,
    /// Who put it together, where that is not the manufacturer.
    pub oem: &'c str,
    /// The version of the software on top of the firmware.
    pub software: &'c str,
    /// The version of the hardware.
    pub hardware: &'c str,
    /// The servers known from the factory on. The server of a session that nobody named is the first account of the tree.
    pub accounts: &'c [DmAccountSettings<'c>],
    /// Documents of bootstrap by the DM profile, in WBXML, that are processed when the tree is made: servers known from the
    /// factory on, beside [`Self::accounts`].
    pub bootstrap: &'c [&'c [u8]],
    /// Whether a push may bring a server, or change one, at all.
    pub bootstrap_by_push: bool,
    /// Who may do what where nothing else is said, for example `Add=*&Get=*` (OMA-TS-DM_TND, ACL of the root). It counts when
    /// the tree is made, later the servers may change it.
    pub root_acl: &'c str,
    /// How messages are coded.
    pub coding: Coding,
}

/// The memory of device management, besides the agent's buffers.
#[derive(Debug)]
pub struct ManagementMemory<'b> {
    /// The tree's image: bounds everything the tree can keep. At least 1 KiB; 64 nodes take about 4 KiB.
    pub tree: &'b mut [u8],
    /// Work space of a session: half of it bounds the value of a node that a server can ask for. At least 512 octets, and 2 KiB
    /// for bootstrap by the DM profile.
    pub work: &'b mut [u8],
    /// The account of a session and what the server is told: at least 1 KiB.
    pub texts: &'b mut [u8],
    /// What is kept between two inputs.
    pub kept: &'b mut Kept,
}

/// What device management keeps in RAM between two inputs; it is too large to be moved about.
#[derive(Debug)]
pub struct Kept {
    conversation: Conversation,
    tree: Paused,
    machine: Machine,
    staged: Staged,
    component: scomo::Machine,
    begun: scomo::Staged,
    tunnelling: objects::Tunnelling,
}

impl Kept {
    /// Nothing yet.
    pub const EMPTY: Self = Self {
        conversation: Conversation::NONE,
        tree: Paused::EMPTY,
        machine: Machine::IDLE,
        staged: Staged::NOTHING,
        component: scomo::Machine::IDLE,
        begun: scomo::Staged::NOTHING,
        tunnelling: objects::Tunnelling::EMPTY,
    };
}

/// Device management of an agent.
#[derive(Debug)]
pub(super) struct Dm<'b> {
    setup: Management<'b>,
    memory: ManagementMemory<'b>,
    guard: Guard,
    /// The session being held.
    running: held::Running,
    /// No session is begun before this uptime, and how often in a row one failed.
    session_after: (Duration, u8),
    /// No package is fetched before this uptime, and how often in a row the data call failed.
    fetch_after: (Duration, u8),
}

/// What a data call is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// A session.
    Session,
    /// The package that a server wants the device to fetch.
    Package,
}

/// What device management wants to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing, or nothing before this uptime.
    Nothing(Option<Duration>),
    /// Open a data call.
    Go(Errand),
    /// Tell the user that there will be a session, or ask.
    Ask {
        /// A question, else a notice.
        confirm: bool,
    },
}

impl<'b> Dm<'b> {
    fn new(setup: Management<'b>, memory: ManagementMemory<'b>) -> Self {
        Self {
            setup,
            memory,
            guard: Guard::new(),
            running: held::Running::default(),
            session_after: (Duration::ZERO, 0),
            fetch_after: (Duration::ZERO, 0),
        }
    }
}

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Gives the agent what device management needs. Without it the agent holds no management sessions; what its store holds
    /// of them stays there.
    pub fn attach_management(&mut self, setup: Management<'b>, memory: ManagementMemory<'b>) {
        self.dm = Some(Dm::new(setup, memory));
    }

    /// Wants a session with this management server, named by its ServerID, or with the first account: a timer, the user or
    /// another part of the device asks for it. It is held as soon as nothing else runs, also after a restart.
    pub fn manage<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        server: Option<&str>,
    ) -> Result<Accepted, AgentError<F::Error>> {
        let wish = Wish {
            server: server.unwrap_or_default(),
            session: 0,
            notified: false,
            ui: 0,
            for_user: false,
            tries: 0,
        };
        self.wish(context, &wish)
    }

    /// Tells a management server of an event, by a generic alert in a session of its own: exactly once, also across restarts.
    /// Refused while as many wait as there is room for.
    pub fn alert<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        alert: &Alert<'_>,
    ) -> Result<Accepted, AgentError<F::Error>> {
        let Some(key) = self.desk.store.free_alert() else { return Ok(Accepted::Refused) };
        let mut buf = [0; crate::limits::ALERT];
        let value = alert.to_octets(&mut buf).ok_or(AgentError::Config("alert"))?;
        self.desk.store.put_octets(context.flash, key, value)?;
        Ok(Accepted::Queued)
    }

    /// The user looks for an update: the first server is told, and may command one in the same session.
    pub(super) fn ask_for_update<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Accepted, AgentError<F::Error>> {
        let wish = Wish { server: "", session: 0, notified: false, ui: 0, for_user: true, tries: 0 };
        let alert = Alert {
            server: "",
            correlator: None,
            source: Some(firmware::SOURCE),
            kind: USER_REQUEST,
            format: "chr",
            mark: None,
            data: "",
        };
        if self.desk.store.len(Key::Wish as u8).is_some() {
            return Ok(Accepted::Merged);
        }
        let (mut wished, mut told) = ([0; crate::limits::RECORD], [0; crate::limits::ALERT]);
        let Some(key) = self.desk.store.free_alert() else { return Ok(Accepted::Refused) };
        let (Some(wished), Some(told)) = (wish.to_octets(&mut wished), alert.to_octets(&mut told)) else {
            return Err(AgentError::Misuse);
        };
        let changes = [Change::put(Key::Wish as u8, wished), Change::put(key, told)];
        self.desk.store.commit(context.flash, &changes)?;
        if let Some(dm) = &mut self.dm {
            dm.session_after = (Duration::ZERO, 0);
        }
        Ok(Accepted::Queued)
    }

    /// Keeps the wish for a session. One wish is kept: one that repeats is merged, a notification replaces what was wanted.
    fn wish<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        wish: &Wish<'_>,
    ) -> Result<Accepted, AgentError<F::Error>> {
        let mut buf = [0; crate::limits::RECORD];
        if self.desk.store.get::<Wish<'_>, F>(context.flash, &mut buf)?.is_some() && !wish.notified {
            return Ok(Accepted::Merged);
        }
        self.desk.store.put(context.flash, wish)?;
        if let Some(dm) = &mut self.dm {
            dm.session_after = (Duration::ZERO, 0);
        }
        Ok(Accepted::Queued)
    }

    /// What device management wants to be done, when nothing else is.
    pub(super) fn management<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Next, AgentError<F::Error>> {
        self.pursue_software(context)?;
        let Some(dm) = &mut self.dm else { return Ok(Next::Nothing(None)) };
        let now = context.now;
        let store = &self.desk.store;
        let mut buf = [0; crate::limits::RECORD];
        let wish = store.get::<Wish<'_>, F>(context.flash, &mut buf)?;
        if let Some(wish) = wish
            && wish.ui > 0
        {
            return Ok(Next::Ask { confirm: wish.ui > 1 });
        }
        let mut wake: Option<Duration> = None;
        let mut due = |at: Duration| {
            if now < at {
                wake = Some(wake.map_or(at, |earlier| earlier.min(at)));
            }
            now >= at
        };
        let alerts = ALERTS.into_iter().any(|key| store.len(key).is_some());
        if (wish.is_some() || alerts) && due(dm.session_after.0) {
            return Ok(Next::Go(Errand::Session));
        }
        if self.desk.is_package_wanted(context.flash)? && due(dm.fetch_after.0) {
            return Ok(Next::Go(Errand::Package));
        }
        Ok(Next::Nothing(wake))
    }

    /// The data call is open.
    pub(super) fn attached<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
        errand: Errand,
    ) -> Result<(), AgentError<F::Error>> {
        match errand {
            Errand::Session => self.begin_management_session(context, buffers),
            Errand::Package => self.begin_fetching(context, buffers),
        }
    }

    /// The data call could not be opened.
    pub(super) fn not_attached<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        errand: Errand,
    ) -> Result<(), AgentError<F::Error>> {
        match errand {
            Errand::Session => self.session_lost(context),
            Errand::Package => {
                if let Some(dm) = &mut self.dm {
                    dm.fetch_after = later(context, dm.fetch_after.1);
                }
                Ok(())
            }
        }
    }

    /// Whether the wish that is kept has a user who waits for its end.
    fn is_for_user<F: NorFlash>(&self, flash: &mut F) -> Result<bool, AgentError<F::Error>> {
        let mut buf = [0; crate::limits::RECORD];
        let wish = self.desk.store.get::<Wish<'_>, F>(flash, &mut buf)?;
        Ok(wish.is_some_and(|wish| wish.for_user))
    }

    /// Forgets the wish that is kept.
    fn drop_wish<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), AgentError<F::Error>> {
        Ok(self.desk.store.remove(flash, Key::Wish as u8)?)
    }
}

/// When to try again after one more failure, and how many there were then.
fn later<F, C>(context: &mut Context<'_, F, C>, failures: u8) -> (Duration, u8) {
    let failures = failures.saturating_add(1);
    let pause = context.backoff(failures);
    context.event(&crate::event::Event::RetryIn(pause));
    (context.now.saturating_add(pause), failures)
}
