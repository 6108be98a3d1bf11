//! The license of this device: kept through power cuts, judged against clocks that lie, bound to the hardware.
//!
//! ```text
//!  start ─► boot ─► verdict, as often as asked          acceptance ─► slot ─► journal ─► apply ─► journal
//!             │                                              ▲
//!             └─► request (token, nonce) ─► session ─► document          tick: time saved every six hours
//! ```
//! [`Licensing`] is the cache of the specification's sections 7 and 8. It holds no document: what judging takes is
//! [`Terms`], a few words; documents pass through the buffers of the session. Storage is a
//! [`LicenseStore`]: [`NorStore`] here, files on Linux.
//!
//! Nothing in this crate asks for a verdict before emergency calls, provisioning, device management, firmware updates or
//! license requests; those work without any license. What a verdict gates is the host application's affair.
//!
//! Order of an installation: slot, with its commit word; the journal, where the document counts from then on with its
//! floor, time and budgets; the configuration, which can be applied again; the journal, that it is applied. A power cut
//! leaves the old license or the new one; [`Licensing::boot`] goes on where it was.

mod boot;
mod event;
mod install;
mod nor;
mod place;
mod record;
mod request;
pub mod runner;
mod trust;
mod unseal;

use core::fmt;
use core::time::Duration;

pub use event::LicenseEvent;
pub(crate) use install::lent;
use kedge_platform::crypto::{Crypto, Sha256};
use kedge_platform::license::{DeviceKey, LicenseStore, Slot};
use kedge_protocol::license::accept::{KeyStore, Policy};
use kedge_protocol::license::limits::{NONCE_LIFE, SAVE_EVERY, STORAGE_GRACE};
use kedge_protocol::license::report::Report;
pub use kedge_protocol::license::time::Doubt;
use kedge_protocol::license::time::{Reading, Timekeeper};
use kedge_protocol::license::token::{Request, capabilities};
use kedge_protocol::license::verdict::{Denial, Facts, verdict};
pub use kedge_protocol::license::verdict::{Terms, Verdict};
use kedge_protocol::license::{Configuration, KeyId, Level, Op, Refusal, Serial, State, Verifier, retry};
pub use nor::{Known, NorError, NorStore, SECTORS_MAX};
pub use place::{Place, Plain};
use record::{APPLIED, Entry, Kind, REFUTED, REPORT_DUE, Seal};
pub(crate) use request::misfit;
pub use request::{Server, entry, retry_in, sign_request, signed_report};
pub use trust::{Trust, TrustFull, Trusted};
pub(crate) use unseal::unseal;

/// The time at a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Since the device started.
    pub uptime: Duration,
    /// What the clock shows, in seconds since 1970; `None`: no clock, or not set.
    pub rtc: Option<u64>,
}

/// What the device maker decides.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// Vendor, product, level, and the like.
    pub policy: Policy<'a>,
    /// The device's identity (RFC 9711 form).
    pub ueid: &'a [u8],
    /// Model, as in requests.
    pub model: &'a str,
    /// The client's version.
    pub version: &'a str,
    /// What it can do; see [`capabilities`]. The level is added.
    pub capabilities: u32,
    /// Whether it has a clock at all.
    pub has_clock: bool,
}

/// Where configurations go.
pub trait Configure {
    /// Whether everything in it can be applied; nothing is changed.
    fn dry_run(&mut self, configuration: &Configuration<'_>) -> bool;
    /// Applies it; the same one may come again after a power cut. `false`: it could not be, and will be tried at the next
    /// start.
    fn apply(&mut self, configuration: &Configuration<'_>) -> bool;
}

/// The ports, lent for one call.
pub struct Ports<'c> {
    /// The keys that are trusted.
    pub keys: &'c dyn KeyStore,
    /// Signatures and hashes; [`ByCrypto`] makes one of the crypto port.
    pub verifier: &'c dyn Verifier,
    /// The device's key, from L2 on.
    pub key: Option<&'c mut dyn DeviceKey>,
    /// Where configurations go.
    pub configure: &'c mut dyn Configure,
}

/// The crypto port as the acceptance's verifier.
#[derive(Clone, Copy, Debug)]
pub struct ByCrypto<'c, C>(pub &'c C);

impl<C: Crypto> Verifier for ByCrypto<'_, C> {
    fn verify(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
        self.0.verify_ed25519(public_key, message, signature)
    }

    fn sha256(&self, octets: &[u8]) -> [u8; 32] {
        let mut hash = C::Sha256::default();
        hash.update(octets);
        hash.finish()
    }
}

/// Why a document is not installed, or the cache does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LicenseError<E> {
    /// The document was refused; nothing has changed.
    Refused(Refusal),
    /// The storage failed. What the license is now, the next start will tell.
    Store(E),
    /// A buffer is too small, or texts of the configuration are too long.
    NoRoom {
        /// Octets that the buffer must have at least.
        needed: usize,
    },
    /// The device key that the level, or a signed request, requires is missing.
    NoKey,
    /// The server's URL is not one that requests may go to, or a text for its headers is not legal.
    BadServer,
}

impl<E: fmt::Debug> fmt::Display for LicenseError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "document refused: {refusal}"),
            Self::Store(e) => write!(f, "license storage: {e:?}"),
            Self::NoRoom { needed } => write!(f, "buffer too small, {needed} octets needed"),
            Self::NoKey => f.write_str("there is no device key"),
            Self::BadServer => f.write_str("the server's URL or a header text is not legal"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for LicenseError<E> {}

impl<E> From<Refusal> for LicenseError<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What a start found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// No document.
    Nothing,
    /// The newest document that was ever accepted.
    Whole,
    /// A document that a power cut had nearly kept from counting; it counts.
    Recovered,
    /// An older document: the newest is damaged.
    StandIn,
    /// A document of another device: cloned storage. It is kept for diagnosis.
    Foreign,
}

/// What has changed; for the user interface and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The verdict is another one than at the last [`Licensing::check`].
    Verdict {
        /// The one before; `None` at first.
        from: Option<Verdict>,
        /// The one now.
        to: Verdict,
    },
    /// The clock is doubted for this, or, `None`, no longer.
    Clock(Option<Doubt>),
}

/// The outstanding request.
#[derive(Clone, Copy, Debug)]
struct Outstanding {
    nonce: [u8; 16],
    since: Duration,
}

impl Outstanding {
    fn is_good(&self, now: Now) -> bool {
        now.uptime < self.since.saturating_add(NONCE_LIFE)
    }
}

/// The document that counts, without its octets.
#[derive(Clone, Copy, Debug)]
struct Held {
    slot: Slot,
    generation: u32,
    digest: [u8; 32],
    terms: Terms,
    id: [u8; 16],
    nonce: Option<[u8; 16]>,
    foreign: bool,
}

/// The latest record of each kind.
#[derive(Clone, Copy, Debug)]
struct Journal {
    state: Entry,
    installed: Option<Entry>,
    stand_in: Option<Entry>,
}

/// The license of this device; see the [module](self).
#[derive(Clone, Debug)]
pub struct Licensing<'a> {
    config: Config<'a>,
    time: Timekeeper,
    /// Uptime of the last record with the time.
    saved: Duration,
    journal: Journal,
    held: Option<Held>,
    /// The held document is older than the floor.
    below_floor: bool,
    outstanding: Option<Outstanding>,
    /// What was told last.
    told: (Option<Verdict>, Option<Doubt>),
}

impl<'a> Licensing<'a> {
    /// What the license permits now. Never an exchange with the network.
    pub fn verdict(&self, now: Now) -> Verdict {
        let facts = self.facts(now);
        verdict(&self.terms(), &facts)
    }

    /// The terms of the license that is held; [`Terms::NONE`] for none, or that of another device.
    pub fn terms(&self) -> Terms {
        self.held.filter(|held| !held.foreign).map_or(Terms::NONE, |held| held.terms)
    }

    /// The features that may be used now, as bits: those of the license while its verdict permits, else none.
    pub fn features(&self, now: Now) -> u64 {
        if self.verdict(now).permits() { self.terms().features } else { 0 }
    }

    /// Whether the license state calls for a request now, and of what kind: operation 1 without a license, else 3. The
    /// refresh date is spread over the fleet. A license that was given back or withdrawn calls for none: a signed document
    /// says so, and whether there is to be another one is the user's affair.
    pub fn refresh_due(&self, now: Now) -> Option<Op> {
        let terms = self.terms();
        let reading = self.reading(now);
        match self.verdict(now) {
            Verdict::Denied(Denial::Unknown) if terms.state == State::Unknown => {
                let is_said = self.held.is_some_and(|held| !held.foreign);
                (!is_said).then_some(Op::ACTIVATE)
            }
            Verdict::RefreshDue => {
                let at = terms.refresh_at.unwrap_or_default();
                let due = retry::refresh_at(terms.issued_at, at, retry::spread_of(self.config.ueid));
                (reading.now >= due || reading.doubt.is_some()).then_some(Op::REFRESH)
            }
            Verdict::Allowed => reading.doubt.map(|_| Op::REFRESH),
            _ => Some(Op::REFRESH),
        }
    }

    /// The uptime at which [`Self::tick`], [`Self::check`] and [`Self::refresh_due`] are to be asked again at the latest: the
    /// time is to be kept, or a date of the license comes.
    pub fn wakes_at(&self, now: Now) -> Duration {
        let terms = self.terms();
        let (facts, time) = (self.facts(now), self.reading(now).now);
        let due = terms
            .refresh_at
            .map(|at| retry::refresh_at(terms.issued_at, at, retry::spread_of(self.config.ueid)));
        let grace_ends = terms.expires.map(|end| end.saturating_add(terms.grace.into()));
        let dates = [terms.refresh_at, due, terms.expires, grace_ends].into_iter().flatten();
        let until_date = dates.filter(|date| *date > time).map(|date| date.saturating_sub(time));
        let budget = terms.usage_budget.map(|budget| u64::from(budget.saturating_sub(facts.usage)));
        let next = until_date.chain(budget.filter(|left| *left > 0)).min();
        let date =
            next.map_or(Duration::MAX, |seconds| now.uptime.saturating_add(Duration::from_secs(seconds)));
        date.min(self.saved.saturating_add(SAVE_EVERY))
    }

    /// What has changed since the last call, of which there may be two.
    pub fn check(&mut self, now: Now, each: &mut dyn FnMut(Change)) {
        let (verdict, doubt) = (self.verdict(now), self.reading(now).doubt);
        let (told, doubted) = self.told;
        if told != Some(verdict) {
            each(Change::Verdict { from: told, to: verdict });
        }
        if doubted != doubt {
            each(Change::Clock(doubt));
        }
        self.told = (Some(verdict), doubt);
    }

    /// The effective time, and what is thought of the clock.
    pub fn reading(&self, now: Now) -> Reading {
        self.time.read(now.uptime, now.rtc.filter(|_| self.config.has_clock))
    }

    /// Starts of the device so far.
    pub const fn boots(&self) -> u32 {
        self.journal.state.boots
    }

    /// The greatest serial that was ever accepted.
    pub const fn floor(&self) -> Serial {
        self.journal.state.serial
    }

    /// What the device maker decided.
    pub const fn config(&self) -> &Config<'a> {
        &self.config
    }

    /// Keeps the time if it is due: call it from time to time, at least every six hours.
    pub fn tick<S: LicenseStore + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
    ) -> Result<(), LicenseError<S::Error>> {
        if now.uptime < self.saved.saturating_add(SAVE_EVERY) {
            return Ok(());
        }
        self.save(now, store, ports)
    }

    /// Keeps the time now: at an orderly shutdown.
    pub fn save<S: LicenseStore + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
    ) -> Result<(), LicenseError<S::Error>> {
        let floors = self.time.save(now.uptime, now.rtc.filter(|_| self.config.has_clock));
        let flags = self.journal.state.flags & !REFUTED | if floors.refuted { REFUTED } else { 0 };
        let usage = self.usage(now);
        let state = Entry { time: floors.soft, usage, flags, ..self.journal.state };
        self.saved = now.uptime;
        let seal = seal(&self.config, ports)?;
        self.append(state, store, &seal)
    }

    /// A request for `op` with a new nonce, which makes that of an earlier request worthless.
    pub fn request(&mut self, op: Op, nonce: [u8; 16], now: Now) -> Request<'_> {
        self.outstanding = Some(Outstanding { nonce, since: now.uptime });
        let terms = self.terms();
        let has_clock = self.config.has_clock && now.rtc.is_some();
        let clock = if has_clock { 0 } else { capabilities::NO_CLOCK };
        let survived = self.journal.state.serial;
        Request {
            issued_at: if has_clock { self.reading(now).now } else { 0 },
            nonce: self.outstanding.as_ref().map_or(&[0; 16], |outstanding| &outstanding.nonce),
            ueid: self.config.ueid,
            uptime: now.uptime.as_secs(),
            boots: self.journal.state.boots,
            op,
            held: if terms.state == State::Unknown { Serial::NONE } else { terms.serial },
            state: terms.state,
            model: self.config.model,
            version: self.config.version,
            capabilities: self.config.capabilities | clock | capabilities::level(self.config.policy.level),
            account: None,
            ephemeral: None,
            floor: (survived > Serial::NONE).then_some(survived),
        }
    }

    /// Whether a request waits for its answer, and its nonce is still good.
    pub fn is_asking(&self, now: Now) -> bool {
        self.nonce(now).is_some()
    }

    /// The nonce of the request that waits for its answer.
    pub fn nonce(&self, now: Now) -> Option<[u8; 16]> {
        self.outstanding.filter(|outstanding| outstanding.is_good(now)).map(|outstanding| outstanding.nonce)
    }

    /// A nonce that is good after a restart, for a request that travels by file: the device maker keeps it.
    pub fn restore_nonce(&mut self, nonce: [u8; 16], now: Now) {
        self.outstanding = Some(Outstanding { nonce, since: now.uptime });
    }

    /// What is still to be reported.
    pub fn report(&self) -> Option<Report> {
        let due = self.journal.state.flags & REPORT_DUE != 0 && !self.below_floor;
        let held = self.held.filter(|held| due && !held.foreign)?;
        Some(Report { id: held.id, nonce: held.nonce, result: 0, serial: held.terms.serial })
    }

    /// The server has the report.
    pub fn reported<S: LicenseStore + ?Sized>(
        &mut self,
        store: &mut S,
        ports: &mut Ports<'_>,
    ) -> Result<(), LicenseError<S::Error>> {
        if self.journal.state.flags & REPORT_DUE == 0 {
            return Ok(());
        }
        let seal = seal(&self.config, ports)?;
        self.append(
            Entry { flags: self.journal.state.flags & !REPORT_DUE, ..self.journal.state },
            store,
            &seal,
        )
    }

    /// Factory reset: document and journal go, but floor, boot count and time stay.
    pub fn factory_reset<S: LicenseStore + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
    ) -> Result<(), LicenseError<S::Error>> {
        let seal = seal(&self.config, ports)?;
        let usage = self.usage(now);
        self.append(
            Entry { usage, flags: self.journal.state.flags & REFUTED | APPLIED, ..self.journal.state },
            store,
            &seal,
        )?;
        store.discard_documents().map_err(LicenseError::Store)?;
        (self.held, self.outstanding, self.below_floor) = (None, None, false);
        Ok(())
    }

    /// Writes a record; the latest ones of all kinds go along if the store has to begin anew.
    fn append<S: LicenseStore + ?Sized>(
        &mut self,
        entry: Entry,
        store: &mut S,
        seal: &Seal<'_>,
    ) -> Result<(), LicenseError<S::Error>> {
        let Journal { state, installed, stand_in } = self.journal;
        let mut keep = [[0; _]; 3];
        let latest = [installed, stand_in, Some(state)];
        let mut count = 0_usize;
        for (to, from) in keep.iter_mut().zip(latest.into_iter().flatten()) {
            *to = from.to_record(seal);
            count = count.saturating_add(1);
        }
        let keep = keep.get(..count).unwrap_or_default();
        store.append(&entry.to_record(seal), keep).map_err(LicenseError::Store)?;
        match entry.kind {
            Kind::State => self.journal.state = entry,
            Kind::Installed => self.journal.installed = Some(entry),
            Kind::StandIn => self.journal.stand_in = Some(entry),
        }
        Ok(())
    }

    /// What the verdict depends on besides the terms.
    fn facts(&self, now: Now) -> Facts {
        let usage = self.usage(now);
        let serial = self.terms().serial;
        let installed = self.journal.installed.filter(|installed| installed.serial == serial);
        let (usage_before, boots_before) =
            installed.map_or((0, 0), |installed| (installed.usage, installed.boots));
        let stand_in = self.below_floor.then(|| {
            let began = self.journal.stand_in.filter(|entry| entry.serial == self.floor());
            began.is_some_and(|began| usage.saturating_sub(began.usage) < STORAGE_GRACE)
        });
        Facts {
            now: self.reading(now).now,
            has_clock: self.config.has_clock && now.rtc.is_some(),
            usage: usage.saturating_sub(usage_before),
            boots: self.journal.state.boots.saturating_sub(boots_before),
            stand_in,
        }
    }

    /// Powered-on seconds of the device's life: those of the last record, and since.
    fn usage(&self, now: Now) -> u32 {
        let since = now.uptime.as_secs().saturating_sub(self.saved.as_secs());
        self.journal.state.usage.saturating_add(u32::try_from(since).unwrap_or(u32::MAX))
    }
}

/// How records are sealed at present.
fn seal<'c, E>(config: &Config<'_>, ports: &Ports<'c>) -> Result<Seal<'c>, LicenseError<E>> {
    sealed(config, ports, 0)
}

/// How they will be when the next document counts.
fn seal_of_next<'c, E>(config: &Config<'_>, ports: &Ports<'c>) -> Result<Seal<'c>, LicenseError<E>> {
    sealed(config, ports, 1)
}

fn sealed<'c, E>(config: &Config<'_>, ports: &Ports<'c>, ahead: u64) -> Result<Seal<'c>, LicenseError<E>> {
    if config.policy.level < Level::Key {
        return Ok(Seal::Check);
    }
    let key = ports.key.as_ref().ok_or(LicenseError::NoKey)?;
    let counter = key.counter().map_or(0, |counter| counter.saturating_add(ahead));
    Ok(Seal::Mac { secret: key.record_secret(), counter, verifier: ports.verifier })
}

/// For devices that have nothing to configure: a document with a configuration is refused.
impl Configure for () {
    fn dry_run(&mut self, _: &Configuration<'_>) -> bool {
        false
    }

    fn apply(&mut self, _: &Configuration<'_>) -> bool {
        false
    }
}

/// The name of a key.
pub fn key_id(public_key: &[u8; 32], verifier: &dyn Verifier) -> KeyId {
    verifier.sha256(public_key).first_chunk().copied().unwrap_or_default()
}
