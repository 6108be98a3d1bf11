//! What comes over the air without HTTP: short messages of CDMA, and IS-683 messages by an OTASP call or data bursts.
//!
//! ```text
//!  short message ─► Receiver ─┬─ datagram to port 2948 ─► push
//!                             └─ text ─► shown, if the user waits for an activation that he dialled for
//!  OTASP call, data bursts ─► otasp_begin ─► otasp_message ─► .. ─► otasp_end ─► registration
//! ```
//! The legacy bearer carries the same messages to the same engine as an MMC document does, and what is committed takes the
//! same way from there. Nothing of it is kept over a restart but what was committed: the network begins anew.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::is683::engine::Mode;
use kedge_protocol::sms::Port;
use kedge_protocol::sms::cdma::{MAX_DATAGRAM, Received};

use super::{Agent, Context, State};
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::{Activation, Key};

impl<const PRL: usize> Agent<'_, PRL> {
    /// Takes a short message: an IS-637 transport layer message as the modem has it. Says whether it was the agent's: texts
    /// that nobody dialled for, and datagrams for other ports, belong to the device's other applications. What is malformed
    /// is shown as an event and changes nothing.
    pub fn short_message<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        message: &[u8],
    ) -> Result<bool, AgentError<F::Error>> {
        let mut buf = [0; MAX_DATAGRAM];
        let received = self.messages.receive(context.now, message, &mut buf);
        context.event(&Event::ShortMessage { octets: message, received });
        match received {
            Ok(Received::Waiting(_) | Received::Duplicate) => Ok(true),
            Ok(Received::Datagram { ports, octets, .. }) if ports.destination == Port::PUSH => {
                self.push(context, octets)?;
                Ok(true)
            }
            Ok(Received::Text { text, .. }) if self.desk.store.len(Key::Dialled as u8).is_some() => {
                // The newer of two texts counts.
                self.text = Some(super::push::shortened(text));
                Ok(true)
            }
            Ok(_) | Err(_) => Ok(false),
        }
    }

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
