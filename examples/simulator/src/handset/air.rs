//! The radio side of the handset: short messages, calls and data bursts, from the operator's air to the agent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kedge_agent::agent::{Agent, Context};
use kedge_agent::error::AgentError;
use kedge_network::Operator;
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::is683::engine::Mode;

use super::Fuse;

/// Hands in what the network sends now.
pub(super) fn listen<F: NorFlash, C: Crypto, const PRL: usize>(
    agent: &mut Agent<'_, PRL>,
    context: &mut Context<'_, F, C>,
    (network, fuse): (&Arc<Mutex<Operator>>, &Fuse),
) -> Result<(), AgentError<F::Error>> {
    let (now, id) = (context.now, context.identity.hardware_id());
    let messages = lock(network).messages(now, id);
    for message in &messages {
        agent.short_message(context, message)?;
    }
    let burst = lock(network).burst(now, id);
    if let Some(first) = burst
        && agent.otasp_begin(context, Mode::NetworkInitiated)?
    {
        talk(agent, context, (network, fuse), Some(first));
        agent.otasp_end(context)?;
    }
    Ok(())
}

/// The user dials: an OTASP call, from its set-up to its release.
pub(super) fn dial<F: NorFlash, C: Crypto, const PRL: usize>(
    agent: &mut Agent<'_, PRL>,
    context: &mut Context<'_, F, C>,
    (network, fuse): (&Arc<Mutex<Operator>>, &Fuse),
    digits: &str,
) -> Result<(), AgentError<F::Error>> {
    if agent.otasp_begin(context, Mode::UserInitiated)? {
        let first = lock(network).dial(context.now, context.identity.hardware_id(), digits);
        talk(agent, context, (network, fuse), first);
        agent.otasp_end(context)?;
    }
    Ok(())
}

/// Message by message until the network has no more, or the power fails.
fn talk<F: NorFlash, C: Crypto, const PRL: usize>(
    agent: &mut Agent<'_, PRL>,
    context: &mut Context<'_, F, C>,
    (network, fuse): (&Arc<Mutex<Operator>>, &Fuse),
    first: Option<Vec<u8>>,
) {
    let mut forward = first;
    while let Some(message) = forward {
        let reverse = agent.otasp_message(context, &message);
        if !fuse.is_whole() {
            return;
        }
        forward = lock(network).heard(context.now, reverse);
    }
}

fn lock(network: &Arc<Mutex<Operator>>) -> MutexGuard<'_, Operator> {
    network.lock().unwrap_or_else(PoisonError::into_inner)
}
