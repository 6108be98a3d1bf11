//! The license: what the agent is given of it, if the board's straps name an issuer. The texts are those of the simulated
//! operator, and the device's key is no secret.

use kedge_agent::agent::LicenseSetup;
use kedge_agent::license::{self, ByCrypto, LicenseEvent, Place, Server, key_id};
use kedge_platform::clock::TimeOfDay;
use kedge_platform_crypto::{SoftCrypto, SoftKey};
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::session::{self, COOKIE_OCTETS};
use kedge_protocol::license::token::capabilities;
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{KeyId, Level, roles};
use virt::clock::since_power_on;
use virt::{Straps, product, say};

/// Largest document.
const DOCUMENT: usize = 4096;

/// What must outlive the agent.
pub struct Parts {
    issuer: Issuer,
    clock: Time,
    key: SoftKey,
    cookies: [u8; COOKIE_OCTETS],
}

/// Whom the device trusts.
struct Issuer([u8; 32]);

/// What the clock showed at power-on, in seconds since 1970.
struct Time(u64);

impl Parts {
    /// Of this board; `None`: it has no license.
    pub fn of(straps: &Straps) -> Option<Self> {
        Some(Self {
            issuer: Issuer(straps.issuer?),
            clock: Time(straps.time),
            key: SoftKey::new(&product::DEVICE_SEED, product::DEVICE_SEED),
            cookies: [0; COOKIE_OCTETS],
        })
    }

    /// What the agent is given.
    pub fn setup(&mut self) -> LicenseSetup<'_> {
        let Self { issuer, clock, key, cookies } = self;
        let [vendor, product, _] = product::LICENSED;
        let policy = Policy {
            vendor,
            product,
            max_document: DOCUMENT,
            level: Level::Key,
            build_time: product::BUILT,
            allow_unsolicited: false,
            allow_eddsa: false,
        };
        let config = license::Config {
            policy,
            ueid: &product::UEID,
            model: product::MODEL,
            version: crate::VERSION,
            capabilities: capabilities::USER_ACTION,
            has_clock: true,
        };
        let session = session::Config {
            vendor,
            user_agent: product,
            language: None,
            allowed: Allowed { hosts: &["prov.operator.example"], http: false },
            browser: false,
        };
        LicenseSetup {
            config,
            server: Server { entry: "https://prov.operator.example/v1/entry", session },
            keys: issuer,
            key: Some(key),
            unsealer: None,
            cookies: Some(cookies),
            place: Place::Flash(product::LICENSE),
            clock: Some(clock),
        }
    }
}

impl KeyStore for Issuer {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        let known = key_id(&self.0, &ByCrypto(&SoftCrypto)) == *id;
        let roles = roles::LICENSE | roles::CONFIGURATION;
        known.then_some(IssuerKey { key: self.0, roles, issuer: product::LICENSED[2] })
    }
}

impl TimeOfDay for Time {
    fn seconds(&self) -> Option<u64> {
        Some(self.0.saturating_add(since_power_on().as_secs()))
    }
}

/// What the host wants to know of it, and the user.
pub fn tell(event: &LicenseEvent<'_>) {
    match event {
        LicenseEvent::Found(found) => say!("license {found:?}"),
        LicenseEvent::Changed(license::Change::Verdict { to, .. }) => say!("verdict {to}"),
        LicenseEvent::Document(Ok(state)) => say!("installed {state}"),
        LicenseEvent::Document(Err(why)) => say!("refused {why}"),
        LicenseEvent::Ended(outcome) => say!("license session: {outcome:?}"),
        LicenseEvent::Trouble(fault) => say!("license trouble: {fault}"),
        _ => {}
    }
}
