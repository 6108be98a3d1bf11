//! IS-683 messages that come over the air without HTTP: by an OTASP call or data bursts.
//!
//! ```text
//!  OTASP call, data bursts ─► otasp_begin ─► otasp_message ─► .. ─► otasp_end ─► registration
//! ```
//! The legacy bearer carries the same messages to the same engine as an MMC document does, and what is committed takes the
//! same way from there. Nothing of it is kept over a restart but what was committed: the network begins anew.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::is683::engine::Mode;

use super::{Agent, Context, State};
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::{Activation, Key};

impl<const PRL: usize> Agent<'_, PRL> {
    /// An OTASP call is up, or the first data burst of the network has come. Says whether the agent goes along: not while it
    /// does something else. With [`Mode::UserInitiated`] the user has dialled for an activation, and what follows by push is
    /// his too, for [`limits::DIALLED`].
    pub fn otasp_begin<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        mode: Mode,
    ) -> Result<bool, AgentError<F::Error>> {
        if !matches!(self.state, State::Idle(_)) {
            return Ok(false);
        }
        if mode == Mode::UserInitiated {
            self.desk.store.put_octets(context.flash, Key::Dialled as u8, &[])?;
            self.dialled = Some(context.now.saturating_add(limits::DIALLED));
        }
        context.event(&Event::OtaspBegun(mode));
        self.desk.begin_is683(mode, None);
        let until = context.now.saturating_add(limits::OTASP);
        self.enter(|buffers| State::Programming(buffers, until));
        Ok(true)
    }

    /// Takes a forward message of the call; the reverse message to send back, if there is one. Outside a call there is none.
    pub fn otasp_message<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        forward: &[u8],
    ) -> Option<&[u8]> {
        let State::Programming(_, until) = &mut self.state else { return None };
        *until = context.now.saturating_add(limits::OTASP);
        let len = self.desk.program(context, forward)?;
        self.desk.answer.get(..len)
    }

    /// The call was released: what was staged and not committed is dropped, and what was committed is used.
    pub fn otasp_end<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        if !matches!(self.state, State::Programming(..)) {
            return Ok(());
        }
        let committed = self.desk.engine.committed();
        context.event(&Event::OtaspEnded { committed });
        self.desk.begin_is683(Mode::UserInitiated, None);
        self.state = match core::mem::replace(&mut self.state, State::Between) {
            State::Programming(buffers, _) => State::Idle(buffers),
            other => other,
        };
        if committed {
            // The network has heard the Commit Response before it released the call.
            let activation = self.desk.activation(context.flash)?;
            self.desk.store.put(context.flash, &Activation { confirmed: true, ..activation })?;
        }
        Ok(())
    }

    /// The time at which a call that the network forgot is over, while there is one.
    pub(super) fn otasp_until<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<Option<Duration>, AgentError<F::Error>> {
        match self.state {
            State::Programming(_, until) if context.now < until => Ok(Some(until)),
            State::Programming(..) => self.otasp_end(context).map(|()| None),
            _ => Ok(None),
        }
    }
}
