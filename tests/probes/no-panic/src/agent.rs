//! agent: its life between two restarts, with every protocol, on ports that answer anything.

use crate::capability::capability;
use crate::flash::Failed;
use crate::opaque::{any, octets, text, used};
use crate::ports::{Unknown, ports};
use kedge_agent::agent::{
    Agent, Bearer, Buffers, Kept, Management, ManagementMemory, Memory, Messages,
};
use kedge_agent::config::{Config, Pri, Security};
use kedge_agent::dispatch::{self, Content, Origin};
use kedge_agent::error::AgentError;
use kedge_agent::feature::{Feature, Service, ServiceError};
use kedge_agent::runner::{self, Ports};
use kedge_agent::settings;
use kedge_agent::store::Nam;
use kedge_agent::trigger::{Kind, Trigger};
use kedge_agent::store::Alert;
use kedge_platform::flash::Region;
use kedge_protocol::cp::Object;
use kedge_protocol::cp::model::{AppId, Application};
use kedge_protocol::is683::Engine;
use kedge_protocol::is683::engine::DEFAULT_PRL;
use kedge_protocol::is683::engine::Mode;
use kedge_protocol::mime::MediaType;
use kedge_protocol::sms::cdma::{MAX_DATAGRAM, Receiver};
use kedge_protocol::wap::{Coding, Date};
use kedge_protocol::wire::Slot;
use kedge_update_agent::Device;

/// The engine that the agent is lent.
type Lent = Engine<DEFAULT_PRL>;
/// Where the agent is.
type Place = Slot<Agent<'static, DEFAULT_PRL>>;

#[inline(never)]
pub fn run() {
    // the part `licensing` has a life of its own
    if cfg!(not(feature = "licensing")) {
        used(with_agent(live)).ok();
    }
    if let Ok(media_type) = MediaType::parse(text()) {
        used(dispatch::handler(&media_type, any(dispatch::Origin::Push))).ok();
    }
}

/// Starts the agent, and lets `live` be its life.
#[inline(never)]
pub fn with_agent(
    live: impl FnOnce(&mut Agent<'_, DEFAULT_PRL>, &mut Ports<Unknown>) -> Result<(), AgentError<Failed>>,
) -> Result<(), AgentError<Failed>> {
    let mut ports = ports();
    let device = Device { product: text(), version: None, security_counter: any(1), keys: any(&[]), trial_attempts: any(3), memory: any(1) };
    let config = Config {
        store: Region::new(any(0), any(65536)),
        update: crate::update::layout(),
        device,
        pri: Pri { objects: any(&[("iota/boot-url", "")]), spc: any(*b"000000") },
        capability: capability(),
        objects: any(&[]),
    };
    let buffers = Buffers { receive: crate::room!(128 * 1024), send: crate::room!(8 * 1024) };
    let [engine] = crate::room!(Lent, [const { Engine::new() }; 1]);
    let [messages] = crate::room!(Receiver, [const { Receiver::new() }; 1]);
    // A device has one kind of modem; the code for the other is here all the same.
    let messages = Messages { cdma: Some(messages), gsm: any(None) };
    let memory = Memory { buffers, engine, messages };
    let [place] = crate::room!(Place, [const { Slot::Empty }; 1]);
    let agent = Agent::start_in(place, config, memory, &mut ports.context(&mut ()))?;
    let [kept] = crate::room!(Kept, [const { Kept::EMPTY }; 1]);
    let setup = Management {
        language: text(),
        device_type: text(),
        oem: text(),
        software: text(),
        hardware: text(),
        accounts: any(&[]),
        bootstrap: any(&[]),
        bootstrap_by_push: any(true),
        root_acl: text(),
        coding: any(Coding::Wbxml),
    };
    let (tree, work, texts) = (crate::room!(4096), crate::room!(2048), crate::room!(2048));
    agent.attach_management(setup, ManagementMemory { tree, work, texts, kept });
    live(agent, &mut ports)
}

#[inline(never)]
fn live(agent: &mut Agent<'_, DEFAULT_PRL>, ports: &mut Ports<Unknown>) -> Result<(), AgentError<Failed>> {
    let datagram = crate::room!(MAX_DATAGRAM);
    while any(true) {
        match any(0_u8) {
            0 => _ = used(agent.activate(&mut ports.context(&mut ()))).ok(),
            1 => _ = used(agent.check_for_update(&mut ports.context(&mut ()))).ok(),
            2 => used(agent.push(&mut ports.context(&mut ()), octets()))?,
            3 => {
                if let Some(trigger) = Trigger::new(any(Kind::Push), text()) {
                    used(agent.trigger(&mut ports.context(&mut ()), trigger));
                }
            }
            4 => {
                let bearer = any(Bearer::Cdma);
                used(agent.message(&mut ports.context(&mut ()), bearer, octets(), &mut *datagram))?;
            }
            5 => {
                let mode = if any(true) { Mode::UserInitiated } else { Mode::NetworkInitiated };
                used(agent.otasp_begin(&mut ports.context(&mut ()), mode))?;
            }
            6 => _ = used(agent.otasp_message(&mut ports.context(&mut ()), octets())),
            7 => used(agent.otasp_end(&mut ports.context(&mut ())))?,
            8 => _ = used(agent.select_nam(&mut ports.context(&mut ()), any(Nam::Second)))?,
            9 => used(agent.allow_otapa(&mut ports.context(&mut ()), any(true)))?,
            10 => agent.set_security(any(Security { power: Some(|_, _, _| any(None)), auth_otapa: Some(&|_: u32| any(None)) })),
            11 => _ = used(agent.manage(&mut ports.context(&mut ()), any(Some(text()))))?,
            12 => _ = used(agent.alert(&mut ports.context(&mut ()), &alert()))?,
            13 => {
                let (service, feature) = (any(Service::Gateway), any(Feature::MobileWeb));
                let error = ServiceError { service, code: any(1) };
                used(agent.service_failed(&mut ports.context(&mut ()), feature, error))?;
                used(agent.feature_nai(&mut ports.flash, feature, &mut [0; 64]))?;
            }
            14 => {
                let content = Content { media_type: text(), origin: any(Origin::File), body: octets() };
                used(agent.open(&mut ports.context(&mut ()), &content))?.ok();
            }
            15 => agent.time_of_day(any(Date::new(2026, 1, 1, 0, 0, 0)).ok_or(AgentError::Misuse)?),
            16 => {
                used(settings::hand_over(agent.store(), &mut ports.flash, &mut Unknown)).ok();
                used(settings::applications(agent.store(), &mut ports.flash, AppId(text()), |own| _ = used(own)))
                    .ok();
                if let Some(own) = Object::from_octets(octets()).ok().and_then(Application::of) {
                    let (host, port) = (any(Some(text())), any(Some(80)));
                    used(settings::networks(agent.store(), &mut ports.flash, &own, (host, port), |n| _ = used(n)))
                        .ok();
                }
            }
            17 => _ = used(agent.smart_card(&mut ports.context(&mut ()), octets()))?,
            _ => _ = used(runner::run(agent, ports, &mut ())?),
        }
    }
    Ok(())
}

fn alert() -> Alert<'static> {
    Alert {
        server: text(),
        correlator: any(Some(text())),
        source: any(Some(text())),
        kind: text(),
        format: text(),
        mark: any(None),
        data: text(),
    }
}
