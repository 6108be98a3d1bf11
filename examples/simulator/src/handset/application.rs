//! The applications of the handset: each uses its feature through the operator's gateway.

use std::sync::{Arc, Mutex, PoisonError};

use kedge_agent::agent::{Agent, Context};
use kedge_agent::error::AgentError;
use kedge_agent::feature::{Feature, Service, ServiceError};
use kedge_network::Operator;
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::identity::HardwareId;

/// The user opens a feature: what the gateway says goes to the agent, if it is an error.
pub(super) fn open<F: NorFlash, C: Crypto, const PRL: usize>(
    agent: &mut Agent<'_, PRL>,
    context: &mut Context<'_, F, C>,
    network: &Arc<Mutex<Operator>>,
    feature: Feature,
) -> Result<(), AgentError<F::Error>> {
    let mut nai = [0; kedge_agent::limits::URL];
    let nai = agent.feature_nai(context.flash, feature, &mut nai)?;
    let (id, answer) = (context.identity.hardware_id(), network.lock());
    let answer = works(&answer.unwrap_or_else(PoisonError::into_inner), id, feature, nai);
    if let Err(code) = answer {
        agent.service_failed(context, feature, ServiceError { service: Service::Gateway, code })?;
    }
    Ok(())
}

/// What the gateway says to a device that uses the feature with this NAI.
///
/// # Errors
/// The gateway's code.
pub fn works(network: &Operator, id: HardwareId, feature: Feature, nai: Option<&str>) -> Result<(), u16> {
    network.use_feature(id, feature.name(), nai)
}
