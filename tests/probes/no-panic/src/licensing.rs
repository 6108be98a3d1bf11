//! agent: its life with a license, on ports that answer anything.

use crate::flash::Failed;
use crate::opaque::{any, octets, text, used};
use crate::ports::Unknown;
use core::time::Duration;
use kedge_agent::agent::{Agent, LicenseSetup};
use kedge_agent::dispatch::{Content, Origin};
use kedge_agent::error::AgentError;
use kedge_agent::license::{self, Place, Server};
use kedge_agent::runner::{self, Ports};
use kedge_platform::clock::TimeOfDay;
use kedge_platform::flash::Region;
use kedge_platform::license::{DeviceKey, Seal, Unsealer};
use kedge_protocol::is683::engine::DEFAULT_PRL;
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::limits::MAX_DOCUMENT;
use kedge_protocol::license::token::TOKEN_MAX;
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{KeyId, Level, Op, session};

/// Keys, clock and secrets of which nothing is known.
struct Nothing;

impl KeyStore for Nothing {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        used(id);
        any(Some(IssuerKey { key: [0; 32], roles: 7, issuer: text() }))
    }
}

impl TimeOfDay for Nothing {
    fn seconds(&self) -> Option<u64> {
        any(Some(1))
    }
}

impl DeviceKey for Nothing {
    fn public_key(&self) -> [u8; 32] {
        any([0; 32])
    }

    fn sign(&self, message: &[&[u8]]) -> [u8; 64] {
        used(message);
        any([0; 64])
    }

    fn record_secret(&self) -> [u8; 32] {
        any([0; 32])
    }

    fn counter(&self) -> Option<u64> {
        any(Some(1))
    }
}

impl Unsealer for Nothing {
    fn renew(&mut self) -> Option<[u8; 32]> {
        any(Some([0; 32]))
    }

    fn open(&mut self, seal: &Seal<'_>, sealed: &mut [u8]) -> Option<usize> {
        used((seal.iv, seal.associated, sealed));
        any(Some(1))
    }
}

#[inline(never)]
pub fn run() {
    used(crate::agent::with_agent(live)).ok();
}

#[inline(never)]
fn live(agent: &mut Agent<'_, DEFAULT_PRL>, ports: &mut Ports<Unknown>) -> Result<(), AgentError<Failed>> {
    let policy = Policy {
        vendor: text(),
        product: text(),
        max_document: MAX_DOCUMENT,
        level: any(Level::Counter),
        build_time: any(1),
        allow_unsolicited: any(false),
        allow_eddsa: any(false),
    };
    let config = license::Config {
        policy,
        ueid: octets(),
        model: text(),
        version: text(),
        capabilities: any(1),
        has_clock: any(true),
    };
    let session = session::Config {
        vendor: text(),
        user_agent: text(),
        language: any(Some(text())),
        allowed: Allowed { hosts: any(&["a.example"][..]), http: any(false) },
        browser: any(true),
    };
    let [key] = crate::room!(Nothing, [Nothing; 1]);
    let [unsealer] = crate::room!(Nothing, [Nothing; 1]);
    let setup = LicenseSetup {
        config,
        server: Server { entry: text(), session },
        keys: &Nothing,
        key: any(Some(key)),
        unsealer: any(Some(unsealer)),
        cookies: any(Some(crate::room!(session::COOKIE_OCTETS))),
        place: Place::Flash(Region::new(any(0), any(16_384))),
        clock: any(Some(&Nothing)),
    };
    used(agent.license_begin(&mut ports.context(&mut ()), setup))?.ok();
    while any(true) {
        let now = any(Duration::ZERO);
        used((agent.verdict(now), agent.refresh_due(now), agent.license_features(now), agent.license_status(now)));
        match any(0_u8) {
            0 => _ = used(agent.license_request(now, Op::MY_ACCOUNT)),
            1 => {
                let content = Content { media_type: text(), origin: any(Origin::File), body: octets() };
                _ = used(agent.open(&mut ports.context(&mut ()), &content))?;
            }
            2 => {
                let [room] = crate::room!([u8; TOKEN_MAX], [[0; TOKEN_MAX]; 1]);
                _ = used(agent.license_export(&mut ports.context(&mut ()), Op::ACTIVATE, room))?;
            }
            3 => agent.license_save(&mut ports.context(&mut ())),
            4 => agent.license_reset(&mut ports.context(&mut ()))?,
            5 => _ = used(agent.license_configuration(&mut ports.flash, crate::room!(MAX_DOCUMENT)))?,
            _ => _ = used(runner::run(agent, ports, &mut ())?),
        }
    }
    Ok(())
}
