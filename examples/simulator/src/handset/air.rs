//! The radio side of the handset: short messages, calls and data bursts, from the operator's air to the agent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kedge_agent::agent::{Agent, Bearer, Context};
use kedge_agent::error::AgentError;
use kedge_network::Operator;
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::is683::engine::Mode;
use kedge_protocol::sms::cdma::MAX_DATAGRAM;

use super::Fuse;

/// A message of the radio that does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The short message of this number, from 0.
    ShortMessage(u64),
    /// The network's message in the exchange of this number over a call or by data bursts, from 0. The network sends it again.
    Forward(u64),
    /// The handset's answer in it: the network sends its message again, and the handset gets it twice.
    Reverse(u64),
}

/// What is lost on the way, and what was sent so far.
#[derive(Clone, Debug, Default)]
pub struct Fading {
    /// What is lost.
    pub lost: Vec<Lost>,
    /// Short messages sent so far.
    pub short_messages: u64,
    /// Messages of the network in calls and data bursts so far, repeats counted.
    pub exchanges: u64,
}

impl Fading {
    fn short_message_arrives(&mut self) -> bool {
        self.short_messages += 1;
        !self.lost.contains(&Lost::ShortMessage(self.short_messages - 1))
    }
}

/// The radio as the agent's surroundings have it.
pub(super) struct Air<'a> {
    pub(super) network: &'a Arc<Mutex<Operator>>,
    pub(super) fuse: &'a Fuse,
    pub(super) fading: &'a mut Fading,
}

impl Air<'_> {
    /// Hands in what the network sends now.
    pub(super) fn listen<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        agent: &mut Agent<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let (now, id) = (context.now, context.identity.hardware_id());
        let messages = self.network().messages(now, id);
        let mut datagram = [0; MAX_DATAGRAM];
        for message in &messages {
            if self.fading.short_message_arrives() {
                agent.message(context, Bearer::Cdma, message, &mut datagram)?;
            }
        }
        let burst = self.network().burst(now, id);
        if let Some(first) = burst
            && agent.otasp_begin(context, Mode::NetworkInitiated)?
        {
            self.talk(agent, context, Some(first));
            agent.otasp_end(context)?;
        }
        Ok(())
    }

    /// The user dials: an OTASP call, from its set-up to its release.
    pub(super) fn dial<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        agent: &mut Agent<'_, PRL>,
        context: &mut Context<'_, F, C>,
        digits: &str,
    ) -> Result<(), AgentError<F::Error>> {
        if agent.otasp_begin(context, Mode::UserInitiated)? {
            let first = self.network().dial(context.now, context.identity.hardware_id(), digits);
            self.talk(agent, context, first);
            agent.otasp_end(context)?;
        }
        Ok(())
    }

    /// Message by message until the network has no more, or the power fails. What is lost is sent again.
    fn talk<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        agent: &mut Agent<'_, PRL>,
        context: &mut Context<'_, F, C>,
        first: Option<Vec<u8>>,
    ) {
        let mut forward = first;
        while let Some(message) = &forward {
            let number = self.fading.exchanges;
            self.fading.exchanges += 1;
            if self.fading.lost.contains(&Lost::Forward(number)) {
                continue;
            }
            let reverse = agent.otasp_message(context, message);
            if !self.fuse.is_whole() {
                return;
            }
            if self.fading.lost.contains(&Lost::Reverse(number)) {
                continue;
            }
            forward = lock(self.network).heard(context.now, reverse);
        }
    }

    fn network(&self) -> MutexGuard<'_, Operator> {
        lock(self.network)
    }
}

fn lock(network: &Arc<Mutex<Operator>>) -> MutexGuard<'_, Operator> {
    network.lock().unwrap_or_else(PoisonError::into_inner)
}
