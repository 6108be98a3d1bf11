//! A device's license client: its key and identity, its place on flash, and the sessions with the server.

use kedge_agent::license::runner::{Line, Server, Watch};
use kedge_agent::license::{
    Boot, ByCrypto, Config, Configure, LicenseError, Licensing, NorError, NorStore, Now, Ports, key_id,
};
use kedge_network::provisioning::Names;
use kedge_platform::clock::Clock;
use kedge_platform::flash::{ErrorType, NorFlash, Region};
use kedge_platform::http::Connection;
use kedge_platform::license::{DeviceKey, Unsealer};
use kedge_platform_crypto::{SoftCrypto, SoftSha256};
use kedge_platform_linux::license::RingUnsealer;
use kedge_protocol::license::accept::{Acceptance, Device, IssuerKey, KeyStore, Policy};
use kedge_protocol::license::session::{self, COOKIE_OCTETS, Outcome, URL_BUFFER};
use kedge_protocol::license::token::{TOKEN_MAX, capabilities};
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{Configuration, KeyId, Level, Op, Part, State, Verifier, roles};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::{BUILD_TIME, MAX_DOCUMENT};

/// Octets of a license's place: two documents, two halves of the journal.
pub const PLACE: u32 = 4 * 4096;

/// What a device is, and whom it trusts.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The texts that it and its server agree on.
    pub names: Names,
    /// Its identity (RFC 9711 form).
    pub ueid: Vec<u8>,
    /// The seed of its key. On the desk it lies in a file: what protects it is the file's mode.
    pub seed: [u8; 32],
    /// Its model.
    pub model: String,
    /// What it can do; see [`kedge_protocol::license::token::capabilities`].
    pub capabilities: u32,
    /// The server's public key.
    pub issuer_key: [u8; 32],
    /// Where requests enter.
    pub entry: String,
    /// Hosts that redirects may lead to.
    pub hosts: Vec<String>,
    /// Whether http is allowed: test networks.
    pub http: bool,
    /// Whether sealed documents are asked for, which nobody on the way can read.
    pub sealed: bool,
}

/// What can go wrong: refusals, flash, buffers.
pub type Error<F> = LicenseError<NorError<F>>;
/// A device that has started and what it found, or why not, and the flash if it is still there.
pub type Started<'p, F> = Result<(Licensed<'p, F>, Boot), (Error<<F as ErrorType>::Error>, Option<F>)>;

/// A device and its license on the flash `F`.
#[derive(Debug)]
pub struct Licensed<'p, F: NorFlash> {
    profile: &'p Profile,
    store: NorStore<F, SoftSha256>,
    key: Key,
    unsealer: RingUnsealer,
    configured: Configured,
    licensing: Licensing<'p>,
}

impl<'p, F: NorFlash> Licensed<'p, F> {
    /// Starts the device: what it found on `flash`, which comes back if the start fails.
    pub fn start(profile: &'p Profile, flash: F, now: Now) -> Started<'p, F> {
        let mut key = Key::of(&profile.seed);
        let mut configured = Configured::default();
        let store = NorStore::new(flash, Region::new(0, PLACE));
        let mut store = store.map_err(|error| (LicenseError::Store(error), None))?;
        let trusted = Trusted(profile);
        let mut ports = ports(&trusted, &mut key, &mut configured);
        let booted = Licensing::boot(config(profile), now, &mut store, &mut ports, &mut [0; MAX_DOCUMENT]);
        match booted {
            Ok((licensing, boot)) => {
                let unsealer = RingUnsealer::new();
                Ok((Self { profile, store, key, unsealer, configured, licensing }, boot))
            }
            Err(error) => Err((error, Some(store.into_flash()))),
        }
    }

    /// The cache: verdict, terms, what is due.
    pub const fn licensing(&self) -> &Licensing<'p> {
        &self.licensing
    }

    /// How often a configuration was applied since the start.
    pub const fn configured(&self) -> &Configured {
        &self.configured
    }

    /// The public key that the server must know.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.public_key()
    }

    /// The flash.
    pub const fn flash(&mut self) -> &mut F {
        self.store.flash()
    }

    /// Ends the device; what stays is its flash.
    pub fn into_flash(self) -> F {
        self.store.into_flash()
    }

    /// Asks the server for `op`, installs the document that answers, and reports.
    pub fn ask<C: Connection, T: Clock>(
        &mut self,
        op: Op,
        nonce: [u8; 16],
        way: Way<'_, C, T>,
    ) -> Result<Outcome, Error<F::Error>> {
        self.talk(way, |line, licensing, server, ports| line.transact(licensing, op, nonce, server, ports))
    }

    /// Delivers the report that is due; `None` if none is.
    pub fn report<C: Connection, T: Clock>(
        &mut self,
        way: Way<'_, C, T>,
    ) -> Result<Option<Outcome>, Error<F::Error>> {
        self.talk(way, |line, licensing, server, ports| line.report(licensing, server, ports))
    }

    fn talk<C: Connection, T: Clock, R>(
        &mut self,
        way: Way<'_, C, T>,
        what: impl FnOnce(
            &mut Line<'_, NorStore<F, SoftSha256>, C, T>,
            &mut Licensing<'p>,
            &Server<'_>,
            &mut Ports<'_>,
        ) -> R,
    ) -> R {
        let Self { profile, store, key, unsealer, configured, licensing } = self;
        let Way { http, clock, rtc, watch } = way;
        let hosts: Vec<&str> = profile.hosts.iter().map(String::as_str).collect();
        let (agent, allowed) = (profile.user_agent(), Allowed { hosts: &hosts, http: profile.http });
        let server = Server { entry: &profile.entry, session: session(profile, &agent, allowed) };
        let (mut receive, mut urls) = ([0; MAX_DOCUMENT], [0; URL_BUFFER]);
        let mut cookies = [0; COOKIE_OCTETS];
        let (receive, urls, cookies) = (&mut receive[..], &mut urls[..], &mut cookies[..]);
        let unsealer = profile.sealed.then_some(unsealer as &mut dyn Unsealer);
        let mut line = Line { store, http, clock, rtc, receive, urls, unsealer, cookies, watch };
        let trusted = Trusted(profile);
        what(&mut line, licensing, &server, &mut ports(&trusted, key, configured))
    }

    /// The signed request for `op`, to be carried to the server by file. Its nonce must be given back by
    /// [`Self::restore_nonce`] before the answer is installed after a restart.
    pub fn request(&mut self, op: Op, nonce: [u8; 16], now: Now) -> Vec<u8> {
        let id = key_id(&self.key.public_key(), &ByCrypto(&SoftCrypto));
        let request = self.licensing.request(op, nonce, now);
        let mut room = [0; TOKEN_MAX];
        let key = &self.key;
        let token = request.emit(self.profile.names.vendor, &id, |message| key.sign(message), &mut room);
        token.map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// A nonce of an earlier start.
    pub fn restore_nonce(&mut self, nonce: [u8; 16], now: Now) {
        self.licensing.restore_nonce(nonce, now);
    }

    /// Accepts and installs a document that came by file.
    pub fn install(&mut self, document: &[u8], media_type: &str, now: Now) -> Result<State, Error<F::Error>> {
        let Self { profile, store, key, configured, licensing, .. } = self;
        let trusted = Trusted(profile);
        let mut ports = ports(&trusted, key, configured);
        licensing.install(document, Some(media_type), false, now, store, &mut ports)
    }

    /// Keeps the time: at an orderly end.
    pub fn save(&mut self, now: Now) -> Result<(), Error<F::Error>> {
        let Self { profile, store, key, configured, licensing, .. } = self;
        let trusted = Trusted(profile);
        licensing.save(now, store, &mut ports(&trusted, key, configured))
    }
}

/// The way to the server, and who is told what happens on it.
pub struct Way<'w, C, T> {
    /// The connection.
    pub http: &'w mut C,
    /// The time.
    pub clock: &'w mut T,
    /// What the device's clock shows, in seconds since 1970.
    pub rtc: &'w dyn Fn() -> Option<u64>,
    /// Who is told.
    pub watch: &'w mut dyn Watch,
}

impl Profile {
    /// The public key that the server must know.
    pub fn public_key(&self) -> [u8; 32] {
        Key::of(&self.seed).public_key()
    }

    /// What it calls itself in requests.
    pub fn user_agent(&self) -> String {
        format!("{}/{}", self.names.product, env!("CARGO_PKG_VERSION"))
    }

    /// Runs `what` with the acceptance that this device does.
    pub fn with_acceptance<R>(&self, what: impl FnOnce(&Acceptance<'_>) -> R) -> R {
        let (key, trusted) = (self.public_key(), Trusted(self));
        let device = Device { ueid: &self.ueid, key: Some(&key) };
        let verifier = ByCrypto(&SoftCrypto);
        what(&Acceptance { policy: config(self).policy, device, keys: &trusted, verifier: &verifier })
    }
}

/// What the device's maker sets.
pub(crate) fn config(profile: &Profile) -> Config<'_> {
    Config {
        policy: Policy {
            vendor: profile.names.vendor,
            product: profile.names.product,
            max_document: MAX_DOCUMENT,
            level: Level::Key,
            build_time: BUILD_TIME,
            allow_unsolicited: false,
            allow_eddsa: false,
        },
        ueid: &profile.ueid,
        model: &profile.model,
        version: env!("CARGO_PKG_VERSION"),
        capabilities: profile.capabilities,
        has_clock: true,
    }
}

/// What sessions with the server go by.
pub(crate) fn session<'c>(
    profile: &'c Profile,
    user_agent: &'c str,
    allowed: Allowed<'c>,
) -> session::Config<'c> {
    session::Config {
        vendor: profile.names.vendor,
        user_agent,
        language: None,
        allowed,
        browser: profile.capabilities & capabilities::BROWSER != 0,
    }
}

fn ports<'c>(trusted: &'c Trusted<'_>, key: &'c mut Key, configured: &'c mut Configured) -> Ports<'c> {
    Ports { keys: trusted, verifier: &ByCrypto(&SoftCrypto), key: Some(key), configure: configured }
}

/// The one issuer that a device on the desk trusts.
pub(crate) struct Trusted<'p>(pub(crate) &'p Profile);

impl KeyStore for Trusted<'_> {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        let Profile { issuer_key, names, .. } = self.0;
        let known = key_id(issuer_key, &ByCrypto(&SoftCrypto)) == *id;
        let roles = roles::LICENSE | roles::CONFIGURATION;
        known.then_some(IssuerKey { key: *issuer_key, roles, issuer: names.issuer })
    }
}

/// A device key in software (ring).
#[derive(Debug)]
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    secret: [u8; 32],
}

impl Key {
    #[expect(clippy::expect_used, reason = "every 32 octets are a seed")]
    pub(crate) fn of(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed of 32 octets");
        let secret = ByCrypto(&SoftCrypto).sha256(&[b"records".as_slice(), seed].concat());
        Self { pair, secret }
    }
}

impl DeviceKey for Key {
    fn public_key(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap_or_default()
    }

    fn sign(&self, message: &[&[u8]]) -> [u8; 64] {
        self.pair.sign(&message.concat()).as_ref().try_into().unwrap_or([0; 64])
    }

    fn record_secret(&self) -> [u8; 32] {
        self.secret
    }
}

/// Where configurations go on the desk: the last one is kept as text.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    /// How often one was applied.
    pub times: usize,
    /// What the last one said, a line each.
    pub parts: Vec<String>,
}

impl Configure for Configured {
    fn dry_run(&mut self, configuration: &Configuration<'_>) -> bool {
        configuration.check().is_ok()
    }

    fn apply(&mut self, configuration: &Configuration<'_>) -> bool {
        self.times += 1;
        self.parts = parts(configuration);
        true
    }
}

/// What a configuration says, a line each; secrets are left out.
pub fn parts(configuration: &Configuration<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let said = configuration.visit(&mut |part| {
        lines.push(match part {
            Part::Endpoint(end) => format!("entry: {}:{}{}", end.host, end.port, end.path),
            Part::Identity(identity) => format!("service identity: {identity:?}"),
            Part::Embedded(inner) => format!("embedded: {}, {} octets", inner.media_type, inner.body.len()),
            Part::Trust(_) => "trust update".to_owned(),
            Part::Setting(name, value) => format!("setting {name} = {value:?}"),
        });
        Ok(())
    });
    lines.extend(said.err().map(|error| format!("unreadable: {error:?}")));
    lines
}
