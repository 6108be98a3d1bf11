//! A handset and an operator, set up for one scenario, played as often as wanted.
//!
//! [`Prepared`] does the costly part once (packages are generated and signed); each [`Prepared::play`] starts from a fresh
//! copy of everything, with its own power cuts and link faults. Over loopback the same operator stands behind real servers
//! and the handset uses the HTTP client of Linux devices; in process it is called directly, in virtual time.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{anyhow, bail};
use kedge_agent::event::{Event, Events};
use kedge_agent::store::{Activation, Key, OUTBOX, Store};
use kedge_generator::{Installed, Release, Signer, Target, delta, full};
use kedge_network::{
    ACTIVATION_URL, Account, FOTA_URL, HOSTS, InProcess, Offer, Operator, Profile, Running, Subscriber,
    TRUSTED_DOMAIN, Transaction, serve,
};
use kedge_package::Layout as PackageLayout;
use kedge_platform::clock::Clock as _;
use kedge_platform::http::Connection;
use kedge_platform::identity::Identity as _;
use kedge_platform::ui::{Answer, Pin};
use kedge_platform_linux::http::{HttpClient, Options as HttpOptions};
use kedge_platform_sim::bearer::{Bearer, Fault, Faulty};
use kedge_platform_sim::clock::Clock;
use kedge_platform_sim::nor::{Cut, Kind};
use kedge_platform_sim::radio::Registration;
use kedge_platform_sim::random::Seeded;
use kedge_platform_sim::ui::{PromptKind, Shown};
use kedge_protocol::is683::Spc;
use kedge_protocol::is683::prl::crc16;
use kedge_protocol::wire::Writer;
use kedge_update_agent::{Job, Progress, Slot, Update};

use crate::handset::{Firmware, FlashMap, Fuse, Handset, LiveWire, Model, Watch};
use crate::scenario::{Descriptor, Package, Scenario, Setup};

/// The product name of the simulated handset.
const PRODUCT: &str = "kedge-sim-1";

/// The security counter of what the simulated handset is sold with.
const SECURITY_COUNTER: u32 = 3;

/// The versions of the firmware pair.
pub const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

/// What an exchange with the network takes on the handset's clock.
const LATENCY: Duration = Duration::from_millis(120);

/// Presses after which a user whose handset lost its power at the wrong moment gives up.
const PRESSES: usize = 8;

/// An old and a new firmware image.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What the handset is sold with.
    pub old: Vec<u8>,
    /// What it must become.
    pub new: Vec<u8>,
}

/// What fails during a play.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// Power cuts: the first counts flash operations from the beginning, each further one from the return of the power.
    pub cuts: Vec<(u64, Cut)>,
    /// Link faults by the number of the exchange, besides those of the scenario.
    pub link: Vec<(u64, Fault)>,
}

/// What can be seen when all is over.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The operator's account of the handset.
    pub account: Account,
    /// The update transaction, if one was opened.
    pub transaction: Option<Transaction>,
    /// How often the repository was asked for a package.
    pub package_requests: u32,
    /// How many of its answers were partial.
    pub partial: u32,
    /// What was reported of downloads behind a descriptor.
    pub download_reports: Vec<String>,
    /// What the user was shown and answered.
    pub shown: Vec<Shown>,
    /// The version that runs.
    pub version: String,
    /// The versions of the pair.
    pub versions: [&'static str; 2],
    /// How far the handset's activation came.
    pub activation: Activation,
    /// The committed number assignment, block after block.
    pub nam: Vec<u8>,
    /// The committed roaming list.
    pub prl: Vec<u8>,
    /// The settings of client provisioning, one object each, sorted.
    pub settings: Vec<Vec<u8>>,
    /// What the radio is registered with.
    pub registration: Option<Registration>,
    /// Reports that wait in the outbox.
    pub reports_left: usize,
    /// No trial is under way.
    pub confirmed: bool,
    /// Erase operations in the regions that hold firmware.
    pub image_erases: u64,
    /// Flash operations in all.
    pub operations: u64,
    /// Sectors erased in all.
    pub erases: u64,
    /// Exchanges with the operator's servers.
    pub exchanges: u64,
    /// How often each sector was erased.
    pub wear: Vec<u32>,
    /// The handset's uptime at the end.
    pub took: Duration,
    /// Rules that the handset broke: of the protocols, the flash, the bearer.
    pub violations: Vec<String>,
}

/// A scenario with everything that is made once.
#[derive(Clone)]
pub struct Prepared {
    scenario: &'static Scenario,
    setup: Setup,
    model: Model,
    operator: Operator,
    seed: u64,
    /// Octets of the package that is offered.
    pub package_len: usize,
}

impl Prepared {
    /// Sets up `scenario` for handsets with sectors of `sector` octets.
    pub fn new(scenario: &'static Scenario, pair: &Pair, sector: u32, seed: u64) -> anyhow::Result<Self> {
        let setup = scenario.setup();
        let package = setup.package.map(|kind| package(kind, pair, sector, setup.in_place)).transpose()?;
        let package_len = package.as_ref().map_or(0, Vec::len);
        let image = octets(pair.old.len().max(pair.new.len()))?;
        let map = FlashMap::new(sector, image, octets(package_len)?, setup.in_place);
        let signer = Signer::test_key();
        let firmware =
            |n: usize, image: &[u8]| Firmware { version: VERSIONS[n].to_owned(), image: image.to_vec() };
        let model = Model {
            product: PRODUCT,
            map,
            firmware: vec![firmware(0, &pair.old), firmware(1, &pair.new)],
            pri: vec![
                ("iota/boot-url", ACTIVATION_URL.to_owned()),
                ("iota/boot-nai", "provisioning@operator.example".to_owned()),
                ("iota/trusted-domain", TRUSTED_DOMAIN.to_owned()),
                ("x/kedge/fota-url", FOTA_URL.to_owned()),
            ],
            spc: setup.spc.0,
            key: (signer.id().to_vec(), signer.public_key()),
            security_counter: SECURITY_COUNTER,
        };
        let operator = operator(&setup, package, seed)?;
        Ok(Self { scenario, setup, model, operator, seed, package_len })
    }

    /// The scenario.
    pub const fn scenario(&self) -> &'static Scenario {
        self.scenario
    }

    /// The model of its handset.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Plays it in process, on flash with write units of `W` and sectors of `E` octets. The error says that the scenario
    /// went wrong, or could not be played.
    pub fn play<const W: usize, const E: usize>(
        &self,
        trouble: &Trouble,
        watch: &mut dyn Watch,
    ) -> anyhow::Result<Facts> {
        let clock = Clock::new();
        let fuse = Fuse::default();
        let shared = Arc::new(Mutex::new(self.operator.clone()));
        let wire = LiveWire::new(InProcess::new(Arc::clone(&shared), clock.clone()), fuse.clone());
        let faults = self.setup.link.iter().chain(&trouble.link).copied();
        let bearer = Bearer::new(wire).with_latency(clock.clone(), LATENCY).with_faults(faults);
        let mut handset =
            Handset::<_, W, E>::new(self.model.clone(), self.setup.hardware, clock, bearer, fuse, self.seed)?;
        let mut facts = self.run(&mut handset, &shared, &trouble.cuts, watch)?;
        let bearer: &mut Faulty<Bearer<LiveWire>> = &mut handset.ports.http;
        facts.exchanges = bearer.started();
        facts.violations.extend(bearer.inner().misuses().iter().map(|e| format!("bearer: {e}")));
        self.judge(facts)
    }

    /// Plays it over loopback, with the HTTP client of Linux devices against real servers.
    pub fn play_over_http<const W: usize, const E: usize>(
        &self,
        watch: &mut dyn Watch,
    ) -> anyhow::Result<Facts> {
        let shared = Arc::new(Mutex::new(self.operator.clone()));
        let running = serve(Arc::clone(&shared), None)?;
        let http = Faulty::new(HttpClient::new(http_options(&running)?), self.setup.link.iter().copied());
        let (clock, fuse) = (Clock::new(), Fuse::default());
        let mut handset = Handset::<_, W, E>::new(
            self.model.clone(),
            self.setup.hardware,
            clock.clone(),
            http,
            fuse,
            self.seed,
        )?;
        let mut watch = Ticking { watch, clock };
        let mut facts = self.run(&mut handset, &shared, &[], &mut watch)?;
        facts.exchanges = handset.ports.http.started();
        self.judge(facts)
    }

    fn judge(&self, facts: Facts) -> anyhow::Result<Facts> {
        if let Some(violation) = facts.violations.first() {
            bail!("{} violations, the first: {violation}", facts.violations.len());
        }
        (self.scenario.check)(&facts).map_err(|why| anyhow!(why))?;
        Ok(facts)
    }

    /// Lets the handset live until the scenario has come to its end, pressing again where a cut came before the press was
    /// kept.
    fn run<H: Connection, const W: usize, const E: usize>(
        &self,
        handset: &mut Handset<H, W, E>,
        operator: &Arc<Mutex<Operator>>,
        cuts: &[(u64, Cut)],
        watch: &mut dyn Watch,
    ) -> anyhow::Result<Facts> {
        if self.setup.prl_current {
            // An earlier life: activated, and then given to a new subscriber with the same roaming list.
            handset.live(Some(self.setup.press), &mut ())?;
            *operator.lock().unwrap_or_else(PoisonError::into_inner) = self.operator.clone();
            handset.forget_activation()?;
        }
        for (kind, answer) in &self.setup.answers {
            handset.ports.ui.answer_once(*kind, *answer);
        }
        if let Some(pin) = self.setup.pin.as_deref().and_then(Pin::new) {
            handset.ports.ui.answer_always(PromptKind::EnterPin, Answer::Pin(pin));
        }
        handset.ports.identity.insert_card(kedge_network::provisioning::IMSI);
        handset.inbox.clone_from(&self.setup.messages);
        handset.nor().power_on();
        handset.watch_images();
        for (operation, cut) in cuts {
            handset.nor().cut_at(*operation, *cut);
        }
        let mut registrations = 0;
        let mut facts = None;
        for _ in 0..PRESSES {
            handset.live(Some(self.setup.press), watch)?;
            let clock = handset.ports.clock.uptime();
            if handset.ports.radio.registrations() > registrations {
                registrations = handset.ports.radio.registrations();
                let mut operator = operator.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(r) = handset.ports.radio.registration() {
                    operator.register(clock, handset.ports.identity.hardware_id(), &r.nam, &r.prl);
                }
            }
            let seen = facts_of(handset, operator)?;
            let done = cuts.is_empty() || (self.scenario.check)(&seen).is_ok();
            facts = Some(seen);
            if done {
                break;
            }
        }
        facts.ok_or_else(|| anyhow!("nothing was pressed"))
    }
}

/// What can be seen now.
fn facts_of<H: Connection, const W: usize, const E: usize>(
    handset: &mut Handset<H, W, E>,
    operator: &Arc<Mutex<Operator>>,
) -> anyhow::Result<Facts> {
    let version = handset.ports.identity.version().to_owned();
    let map = handset.model().map;
    let id = handset.ports.identity.hardware_id();
    let took = handset.ports.clock.uptime();
    let image_erases = handset.image_erases();
    let flash = &mut handset.ports.flash;
    let (store, _) = Store::open(flash, map.store, id).map_err(|e| anyhow!("{e}"))?;
    let update = Update::mount(flash, map.update).map_err(|e| anyhow!("{e}"))?;
    let mut buf = vec![0; 8192];
    let activation = store.get::<Activation, _>(flash, &mut buf).map_err(|e| anyhow!("{e}"))?;
    let nam = kedge_agent::store::nam(&store, flash, &mut buf).unwrap_or_default().to_vec();
    let prl = store.bytes(flash, Key::Prl as u8, &mut buf).map_err(|e| anyhow!("{e}"))?;
    let prl = prl.unwrap_or_default().to_vec();
    let mut settings = Vec::new();
    kedge_agent::store::settings(&store, flash, |_, object| {
        let mut octets = vec![0; object.buffer_len()];
        let whole = object.write(&mut Writer::new(&mut octets)).is_ok();
        settings.push(octets);
        whole
    })
    .map_err(|e| anyhow!("{e}"))?;
    settings.sort();
    let reports_left = OUTBOX.filter(|key| store.len(*key).is_some()).count();
    let operator = operator.lock().unwrap_or_else(PoisonError::into_inner);
    let mut violations: Vec<_> = operator.violations().iter().map(ToString::to_string).collect();
    let nor = handset.nor();
    violations.extend(nor.misuses().iter().map(|m| format!("flash: {m:?}")));
    Ok(Facts {
        account: operator.account(id).cloned().ok_or_else(|| anyhow!("no account"))?,
        transaction: operator.transaction(1).cloned(),
        package_requests: operator.clone().repository().requests(),
        partial: operator.clone().repository().partial(),
        download_reports: operator.clone().repository().reports().to_vec(),
        version,
        versions: VERSIONS,
        activation: activation.unwrap_or_default(),
        nam,
        prl,
        settings,
        reports_left,
        confirmed: !matches!(update.job(), Job::Trial { .. }) && update.outcome().is_none(),
        image_erases,
        operations: nor.work().operations(),
        erases: nor.work().erases,
        exchanges: 0,
        wear: nor.wear().to_vec(),
        took,
        violations,
        shown: handset.ports.ui.shown().to_vec(),
        registration: handset.ports.radio.registration().cloned(),
    })
}

impl<H: Connection, const W: usize, const E: usize> Handset<H, W, E> {
    /// The service menu's "new subscriber": the activation counts as never done, settings stay.
    fn forget_activation(&mut self) -> anyhow::Result<()> {
        let (region, id) = (self.model().map.store, self.ports.identity.hardware_id());
        let (mut store, _) = Store::open(&mut self.ports.flash, region, id).map_err(|e| anyhow!("{e}"))?;
        store.remove(&mut self.ports.flash, Key::Activation as u8).map_err(|e| anyhow!("{e}"))
    }

    /// Counts erases of the firmware's regions from now on.
    fn watch_images(&mut self) {
        let nor = self.nor().clone().with_trace();
        *self.nor() = nor;
    }

    fn image_erases(&mut self) -> u64 {
        let map = self.model().map;
        let slots = [map.update.slot(Slot::First), map.update.slot(Slot::Second)];
        let erases = self.nor().trace().iter().filter(|op| op.kind == Kind::Erase);
        erases.filter(|op| slots.iter().any(|s| (s.start..s.end()).contains(&op.offset))).count() as u64
    }
}

/// Lets the handset's clock run while real servers are asked: by the same time for each exchange, so that a seed gives the
/// same run.
struct Ticking<'w> {
    watch: &'w mut dyn Watch,
    clock: Clock,
}

impl Events for Ticking<'_> {
    fn event(&mut self, now: Duration, event: &Event<'_>) {
        if let Event::Request { .. } = event {
            self.clock.advance(LATENCY);
        }
        self.watch.event(now, event);
    }
}

impl Watch for Ticking<'_> {
    fn updating(&mut self, now: Duration, progress: Progress) {
        self.watch.updating(now, progress);
    }

    fn booted(&mut self, now: Duration, slot: Slot, version: &str) {
        self.watch.booted(now, slot, version);
    }

    fn power_failed(&mut self, now: Duration, operation: u64) {
        self.watch.power_failed(now, operation);
    }
}

fn http_options(running: &Running) -> anyhow::Result<HttpOptions> {
    let mut options = HttpOptions::new(Duration::from_secs(10)).trust_only(&running.ca_pem)?.without_dns();
    for host in HOSTS {
        options = options.resolve(host, 80, running.http).resolve(host, 443, running.https);
    }
    Ok(options)
}

fn operator(setup: &Setup, package: Option<Vec<u8>>, seed: u64) -> anyhow::Result<Operator> {
    let mut config = setup.operator.clone();
    config.seed = u32::try_from(seed & 0xFFFF_FFFF)?;
    let mut operator = Operator::new(config);
    let mut profile = Profile::new(setup.hardware, Subscriber::sample(), roaming_list(seed));
    profile.ask_capability = setup.ask_capability;
    profile.compare_prl = setup.prl_current;
    profile.messages_per_document = if setup.multipart { 4 } else { 1 };
    if setup.spc.1 {
        profile.spc = Spc::new(core::str::from_utf8(&setup.spc.0)?);
    }
    operator.subscribe(profile, setup.account)?;
    if let Some(package) = package {
        let repository = operator.repository();
        let package_url = match setup.descriptor {
            Descriptor::None => repository.offer("update.kdgp", package),
            Descriptor::True => {
                let size = package.len();
                repository.describe("update.kdgp", package, size)
            }
            Descriptor::WrongSize => {
                let size = package.len() + 1;
                repository.describe("update.kdgp", package, size)
            }
        };
        operator.offer_update(Offer {
            hardware: setup.hardware,
            make: "Kedge".to_owned(),
            model: "Sim-1".to_owned(),
            from: VERSIONS[0].to_owned(),
            to: VERSIONS[1].to_owned(),
            package_url,
        })?;
        operator.repository().play(setup.repository.iter().copied());
    }
    Ok(operator)
}

/// The package of that kind for handsets with sectors of `sector` octets.
fn package(kind: Package, pair: &Pair, sector: u32, in_place: bool) -> anyhow::Result<Vec<u8>> {
    let release = Release {
        product: PRODUCT,
        version: VERSIONS[1],
        security_counter: if kind == Package::Downgrade { SECURITY_COUNTER - 1 } else { SECURITY_COUNTER },
        description: "Maintenance release",
        notes: "Faster start.\nFixes an alarm that did not ring.",
        image: &pair.new,
    };
    let layout = if in_place { PackageLayout::InPlace } else { PackageLayout::Slot };
    let target = Target { layout, block_size: sector.max(256) };
    let installed = Installed { version: VERSIONS[0], image: &pair.old };
    let signer = Signer::test_key();
    Ok(match kind {
        Package::Delta | Package::Downgrade => delta(&release, &installed, target, &signer)?,
        Package::Full => full(&release, Some(&installed), target, &signer)?,
        Package::UnknownKey => {
            delta(&release, &installed, target, &Signer::from_seed(&[7; 32], b"stranger")?)?
        }
        Package::BadSignature => {
            let mut package = delta(&release, &installed, target, &signer)?;
            let header = kedge_package::limits::HEADER_LEN;
            let envelope = usize::from(u16::from_be_bytes([package[6], package[7]]));
            // The signature is what the envelope ends with.
            package[header + envelope - 1] ^= 1;
            package
        }
        Package::OtherBase => {
            let mut other = pair.old.clone();
            if let Some(octet) = other.first_mut() {
                *octet ^= 1;
            }
            delta(&release, &Installed { image: &other, ..installed }, target, &signer)?
        }
    })
}

/// A classic roaming list (C.S0016 3.5.5) of some records, its identity drawn from the seed.
fn roaming_list(seed: u64) -> Vec<u8> {
    let id = Seeded::new(seed).word() & 0xFFFF | 1;
    let systems = 24_u64;
    let mut bits = String::new();
    let mut put = |value: u64, n: usize| {
        let _ = write!(bits, "{value:0n$b}");
    };
    put(0, 16);
    put(id, 16);
    for (value, n) in [(1, 1), (0, 8), (2, 9), (systems, 14)] {
        put(value, n);
    }
    // Cellular CDMA, system A or B, primary channel; PCS CDMA, blocks A and B.
    for (value, n) in [(2, 4), (3, 2), (1, 2), (5, 4), (2, 3), (0, 3), (1, 3)] {
        put(value, n);
    }
    for system in 0..systems {
        let last = system + 1 == systems;
        // SID, no NID, preferred, GEO, PRI, acquisition index, indicator off.
        for (value, n) in [
            (4139 + system, 15),
            (0, 2),
            (1, 1),
            (u64::from(system > 0), 1),
            (u64::from(!last), 1),
            (system & 1, 9),
            (1, 8),
        ] {
            put(value, n);
        }
    }
    while !bits.len().is_multiple_of(8) {
        bits.push('0');
    }
    let mut list: Vec<u8> =
        bits.as_bytes().chunks(8).map(|octet| octet.iter().fold(0, |v, bit| v << 1 | (bit & 1))).collect();
    let size = u16::try_from(list.len() + 2).unwrap_or(u16::MAX);
    list[..2].copy_from_slice(&size.to_be_bytes());
    let crc = crc16(&list);
    list.extend_from_slice(&crc.to_be_bytes());
    list
}

fn octets(n: usize) -> anyhow::Result<u32> {
    u32::try_from(n).map_err(|_| anyhow!("an image of {n} octets does not fit the simulated flash"))
}
