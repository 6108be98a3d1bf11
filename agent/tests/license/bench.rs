//! A device with a license on simulated flash, and a server that signs whatever is wanted.

use std::time::Duration;

use kedge_agent::license::{
    Boot, Config, Configure, LicenseError, Licensing, NorError, NorStore, Now, Ports, Verdict,
};
use kedge_platform::flash::{ReadNorFlash as _, Region};
use kedge_platform::license::DeviceKey;
use kedge_platform_crypto::SoftSha256;
use kedge_platform_sim::nor::{Error, Nor};
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::envelope::{ED25519, Header, emit};
use kedge_protocol::license::{
    Claims, Configuration, KeyId, Kind, Level, License, Op, Reason, Serial, State, Verifier,
};
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519 as BY_RING, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

pub(crate) const BUILT: u64 = 1_700_000_000;
pub(crate) const START: u64 = 1_893_456_000;
pub(crate) const DAY: u64 = 86_400;
pub(crate) const SECTOR: usize = 4096;
pub(crate) const UEID: [u8; 15] = [3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 0];

pub(crate) fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed")
}

pub(crate) fn public(pair: &Ed25519KeyPair) -> [u8; 32] {
    pair.public_key().as_ref().try_into().expect("32 octets")
}

fn key_id(public: &[u8; 32]) -> KeyId {
    digest(&SHA256, public).as_ref()[..8].try_into().expect("8 octets")
}

/// Signatures by ring: cuts are tried by the ten thousand.
pub(crate) struct Ring;

impl Verifier for Ring {
    fn verify(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&BY_RING, public_key).verify(&message.concat(), signature).is_ok()
    }

    fn sha256(&self, octets: &[u8]) -> [u8; 32] {
        digest(&SHA256, octets).as_ref().try_into().expect("32 octets")
    }
}

/// What is common to all devices and servers of a test.
pub(crate) struct Issuer(Ed25519KeyPair, [u8; 32]);

impl Issuer {
    pub(crate) fn new() -> Self {
        let pair = pair(1);
        let public = public(&pair);
        Self(pair, public)
    }

    /// Signs claims.
    pub(crate) fn sign(&self, claims: &Claims<'_>) -> Vec<u8> {
        let (mut room, mut out) = ([0; 2048], [0; 2048]);
        let payload = claims.emit(&mut room).expect("room");
        let (id, name) = (key_id(&self.1), Kind::Provisioning.name("example").expect("short"));
        let header = Header { algorithm: ED25519, key_id: &id, kind: name.as_str() };
        let sign = |message: &[&[u8]]| self.0.sign(&message.concat()).as_ref().try_into().expect("64 octets");
        emit(&header, payload, sign, &mut out).expect("room").to_vec()
    }
}

impl KeyStore for Issuer {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        (*id == key_id(&self.1)).then_some(IssuerKey { key: self.1, roles: 3, issuer: "prov.example" })
    }
}

/// The device's key; with a counter it is L3.
pub(crate) struct Chip {
    pair: Ed25519KeyPair,
    seed: u8,
    pub(crate) counter: Option<u64>,
}

impl Chip {
    pub(crate) fn new(seed: u8, counter: Option<u64>) -> Self {
        Self { pair: pair(seed), seed, counter }
    }
}

impl DeviceKey for Chip {
    fn public_key(&self) -> [u8; 32] {
        public(&self.pair)
    }

    fn sign(&self, message: &[&[u8]]) -> [u8; 64] {
        self.pair.sign(&message.concat()).as_ref().try_into().expect("64 octets")
    }

    fn record_secret(&self) -> [u8; 32] {
        [self.seed; 32]
    }

    fn counter(&self) -> Option<u64> {
        self.counter
    }

    fn advance(&mut self) {
        self.counter = self.counter.map(|counter| counter + 1);
    }
}

/// The configuration that was applied last, as its octets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied(pub(crate) Vec<u8>, pub(crate) usize);

impl Configure for Applied {
    fn dry_run(&mut self, configuration: &Configuration<'_>) -> bool {
        configuration.check().is_ok()
    }

    fn apply(&mut self, configuration: &Configuration<'_>) -> bool {
        self.0 = configuration.octets().to_vec();
        self.1 += 1;
        true
    }
}

/// `{5: {"n": number}}`
pub(crate) fn configuration(number: u8) -> Vec<u8> {
    vec![0xA1, 0x05, 0xA1, 0x61, b'n', number % 24]
}

/// What is the same in all tests.
pub(crate) fn config(level: Level) -> Config<'static> {
    Config {
        policy: Policy {
            vendor: "example",
            product: "example-client",
            max_document: 1024,
            level,
            build_time: BUILT,
            allow_unsolicited: false,
            allow_eddsa: false,
        },
        ueid: &UEID,
        model: "model",
        version: "1",
        capabilities: 1,
        has_clock: true,
    }
}

/// A license to be issued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) license: License,
    pub(crate) issued_at: u64,
    pub(crate) expires: Option<u64>,
    /// Number of the configuration; `None`: without one.
    pub(crate) configuration: Option<u8>,
}

impl Order {
    pub(crate) fn trial(seq: u32, issued_at: u64) -> Self {
        let license = License {
            state: State::Trial,
            serial: Serial::new(1, seq),
            refresh_at: Some(issued_at + DAY),
            features: 0b10,
            usage_budget: Some(14 * 86_400),
            boot_budget: Some(280),
            reason: Some(Reason::FIRST_TRIAL),
            ..License::EMPTY
        };
        Self { license, issued_at, expires: Some(issued_at + 14 * DAY), configuration: Some(1) }
    }

    pub(crate) fn full(seq: u32, issued_at: u64) -> Self {
        let license = License {
            state: State::Full,
            serial: Serial::new(1, seq),
            any_service: true,
            features: 0b110,
            reason: Some(Reason::PAID),
            ..License::EMPTY
        };
        Self { license, issued_at, expires: None, configuration: Some(2) }
    }
}

impl Order {
    /// The document for the device of this identity and key, as an answer to a request with this nonce.
    pub(crate) fn document(&self, issuer: &Issuer, device: (&[u8], &[u8; 32]), nonce: [u8; 16]) -> Vec<u8> {
        let all = configuration(self.configuration.unwrap_or_default());
        let mut id = [7; 16];
        id[..4].copy_from_slice(&self.license.serial.seq.to_be_bytes());
        issuer.sign(&Claims {
            issuer: "prov.example",
            subject: Some("acct"),
            audience: "example-client",
            expires: self.expires,
            not_before: None,
            issued_at: self.issued_at,
            id: &id,
            key: Some(device.1),
            nonce: Some(&nonce),
            ueid: Some(device.0),
            license: Some(self.license),
            configuration: self.configuration.map(|_| Configuration::new(&all)),
        })
    }
}

pub(crate) type Failure = LicenseError<NorError<Error>>;
type Store<const UNIT: usize> = NorStore<Nor<UNIT, SECTOR>, SoftSha256>;

/// Everything of a device that survives a start, and what was found at the last one.
pub(crate) struct Bench<const UNIT: usize> {
    store: Store<UNIT>,
    pub(crate) chip: Chip,
    pub(crate) applied: Applied,
    pub(crate) config: Config<'static>,
    pub(crate) licensing: Option<Licensing<'static>>,
    issuer: Issuer,
    nonces: u8,
}

impl<const UNIT: usize> Bench<UNIT> {
    pub(crate) fn new(level: Level) -> Self {
        Self::on(Nor::new(4), level)
    }

    pub(crate) fn on(flash: Nor<UNIT, SECTOR>, level: Level) -> Self {
        let counter = (level == Level::Counter).then_some(0);
        Self {
            store: mounted(flash),
            chip: Chip::new(2, counter),
            applied: Applied::default(),
            config: config(level),
            licensing: None,
            issuer: Issuer::new(),
            nonces: 0,
        }
    }

    /// Another device: another identity and key.
    pub(crate) fn become_another(&mut self) {
        self.chip = Chip::new(3, self.chip.counter);
        self.config.ueid = &[3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 1];
    }

    fn with<T>(
        &mut self,
        run: impl FnOnce(
            &mut Option<Licensing<'static>>,
            Config<'static>,
            &mut Store<UNIT>,
            &mut Ports<'_>,
        ) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut ports = Ports {
            keys: &self.issuer,
            verifier: &Ring,
            key: Some(&mut self.chip),
            configure: &mut self.applied,
        };
        run(&mut self.licensing, self.config, &mut self.store, &mut ports)
    }

    pub(crate) fn flash(&mut self) -> &mut Nor<UNIT, SECTOR> {
        self.store.flash()
    }

    /// Replaces all of the flash.
    pub(crate) fn load(&mut self, image: &[u8]) {
        let mut flash = Nor::new(4);
        flash.load(0, image).expect("written");
        self.store = mounted(flash);
    }

    /// Starts the device: nothing of its RAM is left.
    pub(crate) fn start(&mut self, rtc: Option<u64>) -> Result<Boot, Failure> {
        let blank = mounted(Nor::new(4));
        self.store = mounted(core::mem::replace(&mut self.store, blank).into_flash());
        let now = Now { uptime: Duration::ZERO, rtc };
        self.with(|licensing, config, store, ports| {
            let (started, boot) = Licensing::boot(config, now, store, ports, &mut [0; 1024])?;
            *licensing = Some(started);
            Ok(boot)
        })
    }

    /// Asks, and gets what is ordered.
    pub(crate) fn contact(&mut self, order: &Order, now: Now) -> Result<State, Failure> {
        self.nonces = self.nonces.wrapping_add(1);
        let nonce = [self.nonces; 16];
        let document = self.document(order, nonce);
        self.install(&document, nonce, now)
    }

    /// The document for an order, as an answer to a request with this nonce.
    pub(crate) fn document(&self, order: &Order, nonce: [u8; 16]) -> Vec<u8> {
        order.document(&self.issuer, (self.config.ueid, &self.chip.public_key()), nonce)
    }

    /// A document comes as the answer to a request with this nonce.
    pub(crate) fn install(&mut self, document: &[u8], nonce: [u8; 16], now: Now) -> Result<State, Failure> {
        self.with(|licensing, _, store, ports| {
            let licensing = licensing.as_mut().expect("started");
            let _ = licensing.request(Op::REFRESH, nonce, now);
            let kind = Some("application/vnd.example.provisioning+cbor");
            licensing.install(document, kind, false, now, store, ports)
        })
    }

    /// A document comes without a request of now.
    pub(crate) fn install_unasked(&mut self, document: &[u8], now: Now) -> Result<State, Failure> {
        self.with(|licensing, _, store, ports| {
            let kind = Some("application/vnd.example.provisioning+cbor");
            licensing.as_mut().expect("started").install(document, kind, false, now, store, ports)
        })
    }

    pub(crate) fn tick(&mut self, now: Now) -> Result<(), Failure> {
        self.with(|licensing, _, store, ports| licensing.as_mut().expect("started").tick(now, store, ports))
    }

    pub(crate) fn save(&mut self, now: Now) -> Result<(), Failure> {
        self.with(|licensing, _, store, ports| licensing.as_mut().expect("started").save(now, store, ports))
    }

    pub(crate) fn reported(&mut self) -> Result<(), Failure> {
        self.with(|licensing, _, store, ports| licensing.as_mut().expect("started").reported(store, ports))
    }

    pub(crate) fn factory_reset(&mut self, now: Now) -> Result<(), Failure> {
        self.with(|licensing, _, store, ports| {
            licensing.as_mut().expect("started").factory_reset(now, store, ports)
        })
    }

    pub(crate) fn licensing(&self) -> &Licensing<'static> {
        self.licensing.as_ref().expect("started")
    }

    pub(crate) fn verdict(&self, now: Now) -> Verdict {
        self.licensing().verdict(now)
    }
}

fn mounted<const UNIT: usize>(flash: Nor<UNIT, SECTOR>) -> Store<UNIT> {
    let len = u32::try_from(flash.capacity()).expect("small");
    NorStore::new(flash, Region::new(0, len)).expect("geometry")
}

/// A time with a clock in order.
pub(crate) fn at(start: u64, uptime: u64) -> Now {
    Now { uptime: Duration::from_secs(uptime), rtc: Some(start + uptime) }
}
