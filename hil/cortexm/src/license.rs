//! The license: looked at in every start, asked for and installed by file, over the console.

#[cfg(feature = "v2")]
use kedge_agent::license::Terms;
use kedge_agent::license::{
    Boot, ByCrypto, Config, Configure, LicenseError, Licensing, NorError, NorStore, Now, Ports, key_id,
    sign_request,
};
use kedge_platform::entropy::Entropy;
use kedge_platform_crypto::{SoftCrypto, SoftKey, SoftSha256};
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::token::{TOKEN_MAX, capabilities};
use kedge_protocol::license::{Configuration, KeyId, Level, Op, State, roles};
use observed::seeded::Seeded;

use crate::board::{Straps, uptime};
use crate::flash::{FlashError, Nor};
use crate::product::{self, LICENSED};

/// Largest document.
pub const DOCUMENT: usize = 1024;
/// The media type of documents.
const MEDIA_TYPE: &str = "application/vnd.example.provisioning+cbor";

/// How it fails here.
pub type Fault = LicenseError<NorError<FlashError>>;

/// The cache, with what it needs.
pub struct License {
    licensing: Licensing<'static>,
    store: NorStore<Nor, SoftSha256>,
    key: SoftKey,
    issuer: Issuer,
    entropy: Seeded,
    time: Option<u64>,
}

/// Whom the device trusts.
struct Issuer([u8; 32]);

/// The board has no settings that a license could bring.
struct NoSettings;

impl License {
    /// Starts with what lies in flash. The key is made before: a product keeps both halves of it.
    pub fn begin(straps: &Straps, mut key: SoftKey, version: &'static str) -> Result<(Self, Boot), Fault> {
        let issuer = Issuer(straps.issuer);
        let mut store = NorStore::new(Nor::new(straps.cut), product::LICENSE).map_err(LicenseError::Store)?;
        let verifier = ByCrypto(&SoftCrypto);
        let mut ports =
            Ports { keys: &issuer, verifier: &verifier, key: Some(&mut key), configure: &mut NoSettings };
        let now = at(straps.time);
        let (licensing, boot) =
            Licensing::boot(config(version), now, &mut store, &mut ports, &mut [0; DOCUMENT])?;
        let entropy = Seeded::new(straps.seed);
        Ok((Self { licensing, store, key, issuer, entropy, time: straps.time }, boot))
    }

    /// The key of this device.
    pub fn device_key() -> SoftKey {
        SoftKey::new(&product::DEVICE_SEED, product::DEVICE_SEED)
    }

    /// What it permits, in words.
    pub fn verdict(&self) -> impl core::fmt::Display {
        self.licensing.verdict(at(self.time))
    }

    /// What is held.
    #[cfg(feature = "v2")]
    pub fn terms(&self) -> Terms {
        self.licensing.terms()
    }

    /// The signed request for a license, to be carried to the server.
    pub fn request<'o>(&mut self, out: &'o mut [u8; TOKEN_MAX]) -> Result<&'o [u8], Fault> {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce);
        let Self { licensing, key, issuer, time, .. } = self;
        let verifier = ByCrypto(&SoftCrypto);
        let request = licensing.request(Op::ACTIVATE, nonce, at(*time));
        let ports = Ports { keys: issuer, verifier: &verifier, key: Some(key), configure: &mut NoSettings };
        sign_request(&request, LICENSED[0], &ports, out)
    }

    /// Accepts and installs the document that answers.
    pub fn install(&mut self, document: &[u8]) -> Result<State, Fault> {
        let Self { licensing, store, key, issuer, time, .. } = self;
        let verifier = ByCrypto(&SoftCrypto);
        let mut ports =
            Ports { keys: issuer, verifier: &verifier, key: Some(key), configure: &mut NoSettings };
        licensing.install(document, Some(MEDIA_TYPE), false, at(*time), store, &mut ports)
    }
}

impl KeyStore for Issuer {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        let known = key_id(&self.0, &ByCrypto(&SoftCrypto)) == *id;
        let roles = roles::LICENSE | roles::CONFIGURATION;
        known.then_some(IssuerKey { key: self.0, roles, issuer: LICENSED[2] })
    }
}

impl Configure for NoSettings {
    fn dry_run(&mut self, configuration: &Configuration<'_>) -> bool {
        configuration.check().is_ok()
    }

    fn apply(&mut self, _: &Configuration<'_>) -> bool {
        true
    }
}

fn config(version: &'static str) -> Config<'static> {
    Config {
        policy: Policy {
            vendor: LICENSED[0],
            product: LICENSED[1],
            max_document: DOCUMENT,
            level: Level::Key,
            build_time: product::BUILT,
            allow_unsolicited: false,
            allow_eddsa: false,
        },
        ueid: &product::UEID,
        model: product::MODEL,
        version,
        capabilities: capabilities::USER_ACTION,
        has_clock: true,
    }
}

/// The time, if the clock showed `time` at power-on.
fn at(time: Option<u64>) -> Now {
    let uptime = uptime();
    Now { uptime, rtc: time.map(|time| time.saturating_add(uptime.as_secs())) }
}
