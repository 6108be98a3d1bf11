//! Which number assignment the phone uses, and what the network may do by itself.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_update_agent::banklog::Change;

use super::{Agent, Context, State};
use crate::config::Security;
use crate::error::AgentError;
use crate::store::{Activation, Key, Nam, Nams, Record as _};

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Sets what the device can do of the security procedures. Without it there are none: the key exchange is refused and not
    /// advertised, and nobody can prove himself to a protected number assignment.
    pub const fn set_security(&mut self, security: Security<'b>) {
        self.desk.security = security;
    }

    /// The number assignment that is used.
    pub fn nam<F: NorFlash>(&self, flash: &mut F) -> Result<Nam, AgentError<F::Error>> {
        Ok(Nams::load(&self.desk.store, flash)?.active())
    }

    /// Uses another number assignment from now on: what is programmed goes there, and the radio registers with it if it holds
    /// anything. Says whether it is so; `false` while the agent does something else, or has a session to resume.
    pub fn select_nam<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        nam: Nam,
    ) -> Result<bool, AgentError<F::Error>> {
        let store = &mut self.desk.store;
        let nams = Nams::load(store, context.flash)?;
        if nams.active() == nam {
            return Ok(true);
        }
        if !matches!(self.state, State::Idle(_)) || store.len(Key::Resume as u8).is_some() {
            return Ok(false);
        }
        let programmed = nam.is_programmed(store);
        let activation = Activation {
            committed: programmed,
            confirmed: programmed,
            registered: false,
            silent: Some(true),
        };
        let (mut chosen, mut progress) = ([0; 16], [0; 24]);
        let chosen = nams.with_active(nam).to_octets(&mut chosen).ok_or(AgentError::Misuse)?;
        let progress = activation.to_octets(&mut progress).ok_or(AgentError::Misuse)?;
        let changes = [Change::put(Key::Nams as u8, chosen), Change::put(Key::Activation as u8, progress)];
        store.commit(context.flash, &changes)?;
        Ok(true)
    }

    /// Whether the network may begin parameter administration (OTAPA); it may unless this was called with `false`.
    pub fn allow_otapa<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        allowed: bool,
    ) -> Result<(), AgentError<F::Error>> {
        let store = &mut self.desk.store;
        let nams = Nams::load(store, context.flash)?;
        if nams.otapa_off == allowed {
            store.put(context.flash, &Nams { otapa_off: !allowed, ..nams })?;
        }
        Ok(())
    }
}
