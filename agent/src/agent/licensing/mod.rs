//! The license, kept, judged and renewed by the agent (`crate::license` is the cache).
//!
//! ```text
//!  license_begin ─► boot check ─► idle: time kept, dates watched ─┬─► report due, refresh due, user ─► errand over HTTP
//!                                                                 └─► file, push, tunnel ─► dispatch ─► acceptance
//! ```
//! Whatever goes wrong here is an event and nothing more: the license gates no emergency call, no provisioning, no device
//! management, no update and no license request, and neither does its storage.

use core::fmt;
use core::time::Duration;

use kedge_platform::clock::TimeOfDay;
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::license::{DeviceKey, LicenseStore, StoreFailed, Unsealer};
use kedge_protocol::license::accept::KeyStore;
use kedge_protocol::license::retry::Pace;
use kedge_protocol::license::session::URL_BUFFER;
use kedge_protocol::license::token::TOKEN_MAX;
use kedge_protocol::license::{Configuration, Op};

use super::idle::Wake;
use super::{Agent, Context, State};
use crate::error::AgentError;
use crate::event::Event;
use crate::license::{
    Boot, ByCrypto, Config, Doubt, Known, LicenseError, LicenseEvent, Licensing, Now, Place, Ports, Server,
    Terms, Trust, Trusted, Verdict, lent, sign_request,
};
use crate::store::Key;

mod configure;
mod errand;

pub(super) use errand::Errand;
use errand::What;

/// An error of the license; the storage's own reason is in its driver's log.
pub type LicenseFault = LicenseError<StoreFailed>;

/// What a device maker sets for the license.
pub struct LicenseSetup<'b> {
    /// Product, level, identity, and the like.
    pub config: Config<'b>,
    /// Where to ask while no configuration names another place.
    pub server: Server<'b>,
    /// The issuers' keys in the image.
    pub keys: &'b dyn KeyStore,
    /// The device's key, from level L2 on.
    pub key: Option<&'b mut dyn DeviceKey>,
    /// Opens sealed documents; none: they are not taken.
    pub unsealer: Option<&'b mut dyn Unsealer>,
    /// For the cookies of a transaction, `COOKIE_OCTETS` (of the protocol's session) at most; none: they are not kept.
    pub cookies: Option<&'b mut [u8]>,
    /// Where the license is kept.
    pub place: Place<'b>,
    /// The time of day, if the device has a clock.
    pub clock: Option<&'b dyn TimeOfDay>,
}

impl fmt::Debug for LicenseSetup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LicenseSetup").field("config", &self.config).field("place", &self.place).finish()
    }
}

/// How the license stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LicenseStatus {
    /// What it permits.
    pub verdict: Verdict,
    /// Its terms; [`Terms::NONE`] without one.
    pub terms: Terms,
    /// The features that may be used, as bits.
    pub features: u64,
    /// The effective time, in seconds since 1970.
    pub time: u64,
    /// What is wrong with the clock, if anything.
    pub doubt: Option<Doubt>,
    /// What the state of the license calls for.
    pub due: Option<Op>,
    /// A report is still to be delivered.
    pub report_due: bool,
}

/// When something that failed is tried again.
#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    after: Duration,
    failed: u8,
}

/// The license and what belongs to it.
pub(super) struct Wallet<'b> {
    licensing: Licensing<'b>,
    server: Server<'b>,
    image: &'b dyn KeyStore,
    trust: Trust,
    key: Option<&'b mut dyn DeviceKey>,
    unsealer: Option<&'b mut dyn Unsealer>,
    cookies: Option<&'b mut [u8]>,
    place: Place<'b>,
    known: Known,
    clock: Option<&'b dyn TimeOfDay>,
    /// What the user wants.
    wanted: Option<Op>,
    asking: Tries,
    reporting: Tries,
    pace: Pace,
}

impl fmt::Debug for Wallet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet").field("licensing", &self.licensing).field("wanted", &self.wanted).finish()
    }
}

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Takes up the license: once after [`Agent::start`], before anybody asks for a verdict. Counts the start, and goes on
    /// where a power cut was. `NoRoom` if the receive buffer is smaller than the largest document, or the send buffer than
    /// [`URL_BUFFER`]; after an error the agent works on without a license.
    pub fn license_begin<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        setup: LicenseSetup<'b>,
    ) -> Result<Result<Boot, LicenseFault>, AgentError<F::Error>> {
        let Self { desk, license, state: State::Idle(buffers), .. } = self else {
            return Err(AgentError::Misuse);
        };
        if buffers.send.len() < URL_BUFFER {
            return Ok(Err(LicenseError::NoRoom { needed: URL_BUFFER }));
        }
        let LicenseSetup { config, server, keys: image, mut key, unsealer, cookies, mut place, clock } =
            setup;
        let now = now(clock, context.now);
        let verifier = ByCrypto(context.crypto);
        let mut ports = Ports { keys: image, verifier: &verifier, key: lent(&mut key), configure: &mut () };
        let mut room = [0; Trust::RECORD];
        let record = desk.store.bytes(context.flash, Key::LicenseTrust as u8, &mut room)?;
        let trust = record.and_then(|octets| Trust::from_octets(octets, &config, &ports)).unwrap_or_default();
        let keys = Trusted { image, trust: &trust };
        ports.keys = &keys;
        let mut known = Known::default();
        let receive = &mut *buffers.receive;
        let started = place.with::<F, C::Sha256, _>(&mut known, context.flash, |store| {
            Licensing::start(config, now, store, &mut ports, receive)
        });
        let (licensing, boot) = match started.unwrap_or(Err(LicenseError::Store(StoreFailed))) {
            Ok(started) => started,
            Err(fault) => {
                context.event(&Event::License(LicenseEvent::Trouble(fault)));
                return Ok(Err(fault));
            }
        };
        let wallet = Wallet {
            licensing,
            server,
            image,
            trust,
            key,
            unsealer,
            cookies,
            place,
            known,
            clock,
            wanted: None,
            asking: Tries::default(),
            reporting: Tries::default(),
            pace: Pace::default(),
        };
        context.event(&Event::License(LicenseEvent::Found(boot)));
        let wallet = license.insert(wallet);
        if let Err(fault) = wallet.apply_again(desk, context, buffers.receive) {
            context.event(&Event::License(LicenseEvent::Trouble(fault)));
        }
        wallet.tell_changes(context);
        Ok(Ok(boot))
    }

    /// What the license permits at uptime `uptime`; `None` on a device without licensing. Never an exchange with the network.
    pub fn verdict(&self, uptime: Duration) -> Option<Verdict> {
        self.license.as_ref().map(|wallet| wallet.licensing.verdict(wallet.now(uptime)))
    }

    /// What the state of the license calls for at uptime `uptime`, if anything. The agent asks by itself.
    pub fn refresh_due(&self, uptime: Duration) -> Option<Op> {
        self.license.as_ref().and_then(|wallet| wallet.licensing.refresh_due(wallet.now(uptime)))
    }

    /// The features that the license permits at uptime `uptime`, as bits.
    pub fn license_features(&self, uptime: Duration) -> u64 {
        self.license.as_ref().map_or(0, |wallet| wallet.licensing.features(wallet.now(uptime)))
    }

    /// How the license stands at uptime `uptime`; `None` on a device without licensing.
    pub fn license_status(&self, uptime: Duration) -> Option<LicenseStatus> {
        let wallet = self.license.as_ref()?;
        let (licensing, now) = (&wallet.licensing, wallet.now(uptime));
        let reading = licensing.reading(now);
        Some(LicenseStatus {
            verdict: licensing.verdict(now),
            terms: licensing.terms(),
            features: licensing.features(now),
            time: reading.now,
            doubt: reading.doubt,
            due: licensing.refresh_due(now),
            report_due: licensing.report().is_some(),
        })
    }

    /// The user wants something of the license's server: [`Op::ACTIVATE`], [`Op::MY_ACCOUNT`], [`Op::REFRESH`] or
    /// [`Op::RELEASE`]. `false` without licensing, or if he asked less than two seconds ago.
    pub fn license_request(&mut self, uptime: Duration, op: Op) -> bool {
        let Some(wallet) = self.license.as_mut() else { return false };
        let may = wallet.pace.user(uptime);
        if may {
            wallet.wanted = Some(op);
        }
        may
    }

    /// Writes a request for `op` to the front of `out`, to be carried to the server by other means. The document that
    /// answers may come at any time, also after restarts, by [`Agent::open`]; another exported request makes it worthless.
    pub fn license_export<'o, F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        op: Op,
        out: &'o mut [u8; TOKEN_MAX],
    ) -> Result<Result<&'o [u8], LicenseFault>, AgentError<F::Error>> {
        let Some(wallet) = self.license.as_mut() else { return Err(AgentError::Misuse) };
        let mut nonce = [0; 16];
        context.entropy.fill(&mut nonce);
        self.desk.store.put_octets(context.flash, Key::LicenseNonce as u8, &nonce)?;
        let vendor = wallet.licensing.config().policy.vendor;
        Ok(wallet.with(context, |licensing, now, _, ports| {
            let request = licensing.request(op, nonce, now);
            sign_request(&request, vendor, ports, out)
        }))
    }

    /// Keeps the time of the license: at an orderly shutdown.
    pub fn license_save<F: NorFlash, C: Crypto>(&mut self, context: &mut Context<'_, F, C>) {
        if let Some(wallet) = &mut self.license {
            let saved =
                wallet.with(context, |licensing, now, store, ports| licensing.save(now, store, ports));
            tell_trouble(context, saved.err());
        }
    }

    /// Factory reset of the license: it goes, with its configuration; what keeps it from being had twice stays.
    pub fn license_reset<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let Some(wallet) = &mut self.license else { return Ok(()) };
        let reset =
            wallet.with(context, |licensing, now, store, ports| licensing.factory_reset(now, store, ports));
        tell_trouble(context, reset.err());
        for key in [Key::LicenseConfiguration, Key::LicenseNonce] {
            self.desk.store.remove(context.flash, key as u8)?;
        }
        wallet.tell_changes(context);
        Ok(())
    }

    /// The configuration that the license's server has given last, in `buf`: the service's identity and settings are the
    /// host application's.
    pub fn license_configuration<'o, F: NorFlash>(
        &self,
        flash: &mut F,
        buf: &'o mut [u8],
    ) -> Result<Option<Configuration<'o>>, AgentError<F::Error>> {
        let octets = self.desk.store.bytes(flash, Key::LicenseConfiguration as u8, buf)?;
        Ok(octets.map(Configuration::new))
    }

    /// Keeps the time of the license, and begins an errand if there is one to run.
    pub(super) fn license_errand<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        wake: &mut Wake,
    ) -> bool {
        let Some(wallet) = &mut self.license else { return false };
        let kept = wallet.with(context, |licensing, now, store, ports| licensing.tick(now, store, ports));
        tell_trouble(context, kept.err());
        wallet.tell_changes(context);
        let Some(what) = wallet.next(context.now, wake) else { return false };
        context.event(&Event::License(what.event()));
        self.enter(|buffers| State::Licensing(Errand::Calling(buffers, what)));
        true
    }
}

impl<'b> Wallet<'b> {
    fn now(&self, uptime: Duration) -> Now {
        now(self.clock, uptime)
    }

    /// Lends the license with its storage and ports.
    fn with<F: NorFlash, C: Crypto, T>(
        &mut self,
        context: &mut Context<'_, F, C>,
        run: impl FnOnce(
            &mut Licensing<'b>,
            Now,
            &mut dyn LicenseStore<Error = StoreFailed>,
            &mut Ports<'_>,
        ) -> Result<T, LicenseFault>,
    ) -> Result<T, LicenseFault> {
        let now = self.now(context.now);
        let Self { licensing, image, trust, key, place, known, .. } = self;
        let keys = Trusted { image: *image, trust };
        let verifier = ByCrypto(context.crypto);
        let mut ports = Ports { keys: &keys, verifier: &verifier, key: lent(key), configure: &mut () };
        let done = place
            .with::<F, C::Sha256, _>(known, context.flash, |store| run(licensing, now, store, &mut ports));
        done.unwrap_or(Err(LicenseError::Store(StoreFailed)))
    }

    /// Tells what has changed.
    fn tell_changes<F, C>(&mut self, context: &mut Context<'_, F, C>) {
        let now = self.now(context.now);
        self.licensing.check(now, &mut |change| {
            context.event(&Event::License(LicenseEvent::Changed(change)));
        });
    }

    /// What to ask the server for, if it is time.
    fn next(&mut self, uptime: Duration, wake: &mut Wake) -> Option<What> {
        if let Some(op) = self.wanted.take() {
            return Some(What::Ask(op));
        }
        let now = self.now(uptime);
        let report = self.licensing.report().is_some() && self.key.is_some();
        if report && wake.is_due(uptime, self.reporting.after) {
            if self.pace.timer(uptime) {
                return Some(What::Report);
            }
            self.reporting.after = self.pace.day_ends();
        }
        if let Some(op) = self.licensing.refresh_due(now)
            && wake.is_due(uptime, self.asking.after)
        {
            if self.pace.timer(uptime) {
                return Some(What::Ask(op));
            }
            self.asking.after = self.pace.day_ends();
            wake.is_due(uptime, self.asking.after);
        }
        wake.is_due(uptime, self.licensing.wakes_at(now));
        None
    }
}

/// The time at uptime `uptime`.
fn now(clock: Option<&dyn TimeOfDay>, uptime: Duration) -> Now {
    Now { uptime, rtc: clock.and_then(TimeOfDay::seconds) }
}

/// Tells of a failure, if there was one, after which everything goes on.
fn tell_trouble<F, C>(context: &mut Context<'_, F, C>, fault: Option<LicenseFault>) {
    if let Some(fault) = fault {
        context.event(&Event::License(LicenseEvent::Trouble(fault)));
    }
}
