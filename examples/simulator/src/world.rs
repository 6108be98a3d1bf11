//! A handset and an operator, set up for one scenario, played as often as wanted.
//!
//! [`Prepared`] does the costly part once (packages are generated and signed); each [`Prepared::play`] starts from a fresh
//! copy of everything, with its own power cuts and link faults. Over loopback the same operator stands behind real servers
//! and the handset uses the HTTP client of Linux devices; in process it is called directly, in virtual time.

mod facts;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{anyhow, bail};
use kedge_agent::event::{Event, Events};
use kedge_agent::feature::Feature;
use kedge_agent::objects::{Object, key_of};
use kedge_agent::store::{ALERTS, Activation, FEATURE_NAIS, Key, Nam, Nams, OUTBOX, Store};
use kedge_generator::{Installed, Release, Signer, Target, delta, full};
use kedge_network::{
    ACTIVATION_URL, Coding, DmOrder, FOTA_URL, HOSTS, InProcess, Managed, Offer, Operator, Profile, Running,
    Subscriber, TRUSTED_DOMAIN, Task, feature_url, serve,
};
use kedge_package::Layout as PackageLayout;
use kedge_platform::flash::NorFlash;
use kedge_platform::identity::Identity as _;
use kedge_platform::ui::{Answer, Pin};
use kedge_platform_linux::http::{HttpClient, Options as HttpOptions};
use kedge_platform_sim::bearer::{Bearer, Fault, Faulty};
use kedge_platform_sim::clock::Clock;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::radio::{Event as RadioEvent, Radio};
use kedge_platform_sim::random::Seeded;
use kedge_platform_sim::ui::PromptKind;
use kedge_protocol::is683::engine::Shelf;
use kedge_protocol::is683::prl::{
    AcqBody, AcqType, AcquisitionRecord, Draft, Numbers, PrlFormat, SystemId, SystemRecord,
};
use kedge_protocol::is683::{Family, Nid, PrlId, Sid, Spc};
use kedge_protocol::wire::Writer;
use kedge_update_agent::{Job, Progress, Slot, Update};

use crate::device::Device;
use crate::feed::Feed;
use crate::handset::{
    Fading, Firmware, FlashMap, Fuse, Handset, LiveWire, Lost, Model, OWN_OBJECTS, PRL, Press, Watch, works,
};
use crate::scenario::{Before, Descriptor, Package, Script, Setup, Wanted};

pub use facts::Facts;

/// A product, as packages and the operator know it.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Its name in packages.
    pub name: &'static str,
    /// What its devices say of themselves: make and model.
    pub model: [&'static str; 2],
    /// The versions of the firmware pair.
    pub versions: [&'static str; 2],
    /// The security counter of what it is sold with.
    pub security_counter: u32,
}

impl Product {
    /// The simulated handset.
    pub const SIMULATED: Self =
        Self { name: "kedge-sim-1", model: ["Kedge", "Sim-1"], versions: VERSIONS, security_counter: 3 };
}

/// The versions of the simulated handset's firmware pair.
pub const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

/// What an exchange with the network takes on the handset's clock.
const LATENCY: Duration = Duration::from_millis(120);

/// The BREW URL that the operator sets.
pub const BREW_URL: &str = "http://brew.operator.example/catalog";

/// The value that the operator gives the handset maker's own object.
pub const OWN_VALUE: &str = "quiet";

/// A SimpleIP profile: one network access identifier, as a test card has it.
const SIMPLE_IP_PROFILE: &[u8] = b"\x10\x141234567890@rs3g.com \x10";

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
    /// Messages of the radio that are lost, counted from the beginning of the scenario.
    pub radio: Vec<Lost>,
}

/// A scenario with everything that is made once.
#[derive(Clone)]
pub struct Prepared {
    scenario: &'static Script,
    setup: Setup,
    model: Model,
    product: Product,
    operator: Operator,
    seed: u64,
    /// Octets of the package that is offered.
    pub package_len: usize,
}

impl Prepared {
    /// Sets up `scenario` for simulated handsets with sectors of `sector` octets.
    pub fn new(scenario: &'static Script, pair: &Pair, sector: u32, seed: u64) -> anyhow::Result<Self> {
        let image = octets(pair.old.len().max(pair.new.len()))?;
        let map = |package, in_place| FlashMap::new(sector, image, package, in_place);
        Self::of(scenario, (Product::SIMULATED, &map), pair, sector, seed)
    }

    /// The same for another product; `map` tells where everything lies in its flash, given the octets of the package and
    /// whether images are rewritten in place.
    pub fn of(
        scenario: &'static Script,
        (product, map): (Product, &dyn Fn(u32, bool) -> FlashMap),
        pair: &Pair,
        sector: u32,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let setup = scenario.setup();
        let package = setup.package.map(|kind| package(kind, &product, pair, (sector, setup.in_place)));
        let package = package.transpose()?;
        let package_len = package.as_ref().map_or(0, Vec::len);
        let map = map(octets(package_len)?, setup.in_place);
        let signer = Signer::test_key();
        let firmware = |n: usize, image: &[u8]| Firmware {
            version: product.versions[n].to_owned(),
            image: image.to_vec(),
        };
        let model = Model {
            product: product.name,
            map,
            firmware: vec![firmware(0, &pair.old), firmware(1, &pair.new)],
            pri: vec![
                ("iota/boot-url", ACTIVATION_URL.to_owned()),
                ("iota/boot-nai", "provisioning@operator.example".to_owned()),
                ("iota/trusted-domain", TRUSTED_DOMAIN.to_owned()),
                ("x/kedge/fota-url", FOTA_URL.to_owned()),
                ("x/kedge/gateway-errors", kedge_network::NOT_PROVISIONED.to_string()),
            ]
            .into_iter()
            .chain(Feature::ALL.map(|feature| (feature.bootstrap(), feature_url(feature.name()))))
            .collect(),
            spc: setup.spc.0,
            key: (signer.id().to_vec(), signer.public_key()),
            security_counter: product.security_counter,
        };
        let mut model = model;
        if setup.no_fota_url {
            model.pri.retain(|(name, _)| *name != "x/kedge/fota-url");
        }
        let operator = operator(&setup, &product, package, seed)?;
        Ok(Self { scenario, setup, model, product, operator, seed, package_len })
    }

    /// The same with the operator's documents in another coding.
    #[must_use]
    pub fn speaking(mut self, coding: Coding) -> Self {
        self.operator.speak(coding);
        self
    }

    /// The scenario.
    pub const fn scenario(&self) -> &'static Script {
        self.scenario
    }

    /// How the world is when it begins.
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The network as it is before the scenario.
    pub const fn operator(&self) -> &Operator {
        &self.operator
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
        let world = (fuse, Arc::clone(&shared));
        let mut handset = Handset::<_, W, E>::new(
            self.model.clone(),
            self.setup.hardware,
            clock,
            bearer,
            world,
            self.seed,
        )?;
        let mut facts = self.play_on(&mut handset, &shared, trouble, watch)?;
        let bearer: &mut Faulty<Bearer<LiveWire<InProcess>>> = &mut handset.ports.http;
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
            (fuse, Arc::clone(&shared)),
            self.seed,
        )?;
        let mut watch = Ticking { watch, clock };
        let mut facts = self.play_on(&mut handset, &shared, &Trouble::default(), &mut watch)?;
        facts.exchanges = handset.ports.http.started();
        self.judge(facts)
    }

    /// Whether that is how it must end; the error says what is not.
    pub fn judge(&self, facts: Facts) -> anyhow::Result<Facts> {
        if let Some(violation) = facts.violations.first() {
            bail!("{} violations, the first: {violation}", facts.violations.len());
        }
        self.scenario.check(&facts).map_err(|why| anyhow!(why))?;
        Ok(facts)
    }

    /// Plays it on `device`, which is connected to `operator`, with what goes wrong besides. The facts are not judged yet: [`Self::judge`].
    pub fn play_on<D: Device>(
        &self,
        device: &mut D,
        operator: &Arc<Mutex<Operator>>,
        trouble: &Trouble,
        watch: &mut dyn Watch,
    ) -> anyhow::Result<Facts> {
        let Trouble { cuts, radio, .. } = trouble;
        self.earlier_life(device, operator)?;
        let (before, shown) = (device.radio().registrations(), device.user().shown().len());
        let calls = calls(device.radio()).len();
        for (kind, answer) in &self.setup.answers {
            device.user().answer_once(*kind, *answer);
        }
        for (kind, answer) in &self.setup.always {
            device.user().answer_always(*kind, *answer);
        }
        if let Some(pin) = self.setup.pin.as_deref().and_then(Pin::new) {
            device.user().answer_always(PromptKind::EnterPin, Answer::Pin(pin));
        }
        device.identity().insert_card(kedge_network::client_provisioning::IMSI);
        device.deliver(&self.setup.messages);
        device.begin(trouble);
        let calm = cuts.is_empty() && radio.is_empty() && !device.is_cut();
        let mut registrations = before;
        let mut facts = None;
        for _ in 0..PRESSES {
            device.live(Some(self.setup.press), watch)?;
            if device.radio().registrations() > registrations {
                registrations = device.radio().registrations();
                register(device, operator);
            }
            let feature = if let Press::Open(feature) = self.setup.press { Some(feature) } else { None };
            let mut seen = facts_of(device, &self.product, operator, feature)?;
            seen.shown.drain(..shown);
            seen.calls.drain(..calls);
            seen.registrations -= before;
            seen.fading = device.fading();
            let once = calm && self.setup.operator.lost_pages == 0;
            let done = once || self.scenario.check(&seen).is_ok();
            facts = Some(seen);
            if done {
                break;
            }
        }
        facts.ok_or_else(|| anyhow!("nothing was pressed"))
    }

    /// What happened to the device before the scenario begins, and what the network wants of it then.
    fn earlier_life<D: Device>(&self, device: &mut D, operator: &Arc<Mutex<Operator>>) -> anyhow::Result<()> {
        match self.setup.before {
            Before::Nothing => {}
            Before::SameList => {
                device.live(Some(Press::Activate), &mut ())?;
                *lock(operator) = self.operator.clone();
                forget_activation(device)?;
            }
            Before::Activated => {
                device.live(Some(Press::Activate), &mut ())?;
                register(device, operator);
            }
            Before::SecondNumber => {
                device.live(Some(Press::Activate), &mut ())?;
                *lock(operator) = self.operator.clone();
                device.live(Some(Press::SelectNam(Nam::Second)), &mut ())?;
            }
            Before::OtherPhone(hardware) => {
                let mine = device.identity().clone();
                let (make, model, version) = (mine.make(), mine.model(), mine.version());
                *device.identity() = Identity::new(hardware, make, model, version)?;
                device.live(Some(Press::Activate), &mut ())?;
                register(device, operator);
                *device.identity() = mine;
            }
        }
        if self.setup.protected || self.setup.otapa_off {
            protect(device, self.setup.protected, self.setup.otapa_off)?;
        }
        if let Some(hardware) = self.setup.moved_to {
            lock(operator).change_hardware(self.setup.owner(), hardware);
        }
        if let Some(wanted) = self.setup.wanted {
            let task = match wanted {
                Wanted::RoamingList => Task::RoamingList(roaming_list(self.seed ^ 1, self.setup.systems)?),
                Wanted::BrewUrl => Task::BrewUrl(BREW_URL.to_owned()),
                Wanted::OwnObject => Task::Object(OWN_OBJECTS[0].name, OWN_VALUE.to_owned()),
            };
            lock(operator).send_for(self.setup.hardware, task);
        }
        if let Some(task) = &self.setup.managed {
            let task = match task {
                Managed::RoamingList(_) => {
                    Managed::RoamingList(roaming_list(self.seed ^ 1, self.setup.systems)?)
                }
                task => task.clone(),
            };
            lock(operator).manage(self.setup.hardware, task);
        }
        Ok(())
    }
}

/// Tells the operator what the radio has registered with.
fn register<D: Device>(device: &mut D, operator: &Arc<Mutex<Operator>>) {
    let (now, id) = (device.uptime(), device.identity().hardware_id());
    if let Some(r) = device.radio().registration() {
        lock(operator).register(now, id, &r.nam, &r.prl);
    }
}

/// The service menu's "new subscriber": the activation counts as never done, settings stay.
fn forget_activation<D: Device>(device: &mut D) -> anyhow::Result<()> {
    let (region, id) = (device.map().store, device.identity().hardware_id());
    let (mut store, _) = Store::open(device.flash(), region, id).map_err(|e| anyhow!("{e}"))?;
    store.remove(device.flash(), Key::Activation as u8).map_err(|e| anyhow!("{e}"))
}

fn lock(operator: &Arc<Mutex<Operator>>) -> MutexGuard<'_, Operator> {
    operator.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The NAI of every data call so far.
fn calls(radio: &Radio) -> Vec<String> {
    let nai = |event: &RadioEvent| match event {
        RadioEvent::Opened(nai) => Some(nai.clone()),
        _ => None,
    };
    radio.events().iter().filter_map(nai).collect()
}

/// What can be seen now.
fn facts_of<D: Device>(
    device: &mut D,
    product: &Product,
    operator: &Arc<Mutex<Operator>>,
    feature: Option<Feature>,
) -> anyhow::Result<Facts> {
    let version = device.identity().version().to_owned();
    let map = device.map();
    let id = device.identity().hardware_id();
    let took = device.uptime();
    let work = device.work();
    let (registrations, registration) =
        (device.radio().registrations(), device.radio().registration().cloned());
    let (shown, calls) = (device.user().shown().to_vec(), calls(device.radio()));
    let flash = device.flash();
    let (store, _) = Store::open(flash, map.store, id).map_err(|e| anyhow!("{e}"))?;
    let update = Update::mount(flash, map.update).map_err(|e| anyhow!("{e}"))?;
    let mut buf = vec![0; PRL + 4096];
    let activation = store.get::<Activation, _>(flash, &mut buf).map_err(|e| anyhow!("{e}"))?;
    let nam = kedge_agent::store::nam(&store, flash, &mut buf).unwrap_or_default().to_vec();
    let active = Nams::load(&store, flash).map_err(|e| anyhow!("{e}"))?.active();
    let other = if active == Nam::First { Nam::Second } else { Nam::First };
    let other_nam =
        kedge_agent::store::nam_blocks(&store, flash, other, &mut buf).unwrap_or_default().to_vec();
    let a_key = kedge_agent::store::a_key(&store, flash, active);
    let shelves = [Shelf::Family(Family::PacketData), Shelf::Puzl];
    let places = shelves.into_iter().flat_map(|shelf| (0..=12).map(move |id| (shelf, id)));
    let blocks = places
        .filter_map(|place| {
            let data = kedge_agent::store::block(&store, flash, place, &mut buf)?;
            Some((place.0, place.1, data.to_vec()))
        })
        .collect();
    let mut history = Vec::new();
    kedge_agent::store::history(&store, flash, |past| history.push(past.to_string()))
        .map_err(|e| anyhow!("{e}"))?;
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
    let brew_url = key_of("phn/brew-url").map(|key| store.bytes(flash, key, &mut buf)).transpose();
    let brew_url = brew_url.map_err(|e| anyhow!("{e}"))?.flatten().unwrap_or_default();
    let brew_url = String::from_utf8_lossy(brew_url).into_owned();
    let place = feature.map(|feature| FEATURE_NAIS.start() + feature as u8);
    let nai = place.map(|key| store.bytes(flash, key, &mut buf)).transpose().map_err(|e| anyhow!("{e}"))?;
    let nai = nai.flatten().map(|nai| String::from_utf8_lossy(nai).into_owned());
    let own = match Object::find(OWN_OBJECTS[0].name, &OWN_OBJECTS) {
        Some(Object::Stored(_, key)) => store.bytes(flash, key, &mut buf).map_err(|e| anyhow!("{e}"))?,
        _ => None,
    };
    let own_object = String::from_utf8_lossy(own.unwrap_or_default()).into_owned();
    let reports_left = OUTBOX.chain(ALERTS).filter(|key| store.len(*key).is_some()).count();
    let operator = lock(operator);
    let mut violations: Vec<_> = operator.violations().iter().map(ToString::to_string).collect();
    violations.extend(work.misuses.iter().map(|misuse| format!("flash: {misuse}")));
    Ok(Facts {
        account: operator
            .account(id)
            .or(operator.accounts().first())
            .cloned()
            .ok_or_else(|| anyhow!("no account"))?,
        errand: operator.errand(1).cloned(),
        management: operator.management(1).cloned(),
        told: told(&operator),
        tree: tree(&store, flash)?,
        brew_url,
        own_object,
        registrations,
        transaction: operator.transaction(1).cloned(),
        package_requests: operator.clone().repository().requests(),
        partial: operator.clone().repository().partial(),
        download_reports: operator.clone().repository().reports().to_vec(),
        version,
        versions: product.versions,
        activation: activation.unwrap_or_default(),
        nam,
        other_nam,
        a_key,
        blocks,
        history,
        prl,
        settings,
        reports_left,
        confirmed: !matches!(update.job(), Job::Trial { .. }) && update.outcome().is_none(),
        image_erases: work.image_erases,
        operations: work.operations,
        erases: work.erases,
        exchanges: 0,
        wear: work.wear,
        fading: Fading::default(),
        took,
        violations,
        order: feature.and_then(|feature| operator.feature_order(id, feature.name())).cloned(),
        feature_active: nai.is_some(),
        feature_works: feature.is_some_and(|f| works(&operator, id, f, nai.as_deref()).is_ok()),
        calls,
        shown,
        registration,
    })
}

/// What the management server's questions to the user came to.
fn told(operator: &Operator) -> Vec<Vec<String>> {
    let answers = operator.managed().iter().flat_map(|held| &held.answers);
    let questions = answers.filter(|(say, _)| matches!(say.order, DmOrder::Alert(..)));
    questions.map(|(_, answer)| answer.texts.clone()).collect()
}

/// The image of the management tree, as the store has it.
fn tree<F: NorFlash>(store: &Store, flash: &mut F) -> anyhow::Result<Vec<u8>> {
    let mut image = vec![0; store.len(Key::Tree as u8).unwrap_or_default()];
    store.bytes(flash, Key::Tree as u8, &mut image).map_err(|e| anyhow!("{e}"))?;
    Ok(image)
}

/// The service menu: whether SPASM protects the number assignment, and whether the network may begin by itself.
fn protect<D: Device>(device: &mut D, protected: bool, otapa_off: bool) -> anyhow::Result<()> {
    let (region, id) = (device.map().store, device.identity().hardware_id());
    let flash = device.flash();
    let (mut store, _) = Store::open(flash, region, id).map_err(|e| anyhow!("{e}"))?;
    let nams = Nams { otapa_off, ..Nams::load(&store, flash).map_err(|e| anyhow!("{e}"))? };
    store.put(flash, &nams.with_lock(protected)).map_err(|e| anyhow!("{e}"))
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

    fn aside(&mut self, feed: &Feed) {
        self.watch.aside(feed);
    }
}

fn http_options(running: &Running) -> anyhow::Result<HttpOptions> {
    let mut options = HttpOptions::new(Duration::from_secs(10)).trust_only(&running.ca_pem)?.without_dns();
    for host in HOSTS {
        options = options.resolve(host, 80, running.http).resolve(host, 443, running.https);
    }
    Ok(options)
}

fn operator(
    setup: &Setup,
    product: &Product,
    package: Option<Vec<u8>>,
    seed: u64,
) -> anyhow::Result<Operator> {
    let mut config = setup.operator.clone();
    config.seed = u32::try_from(seed & 0xFFFF_FFFF)?;
    let mut operator = Operator::new(config);
    let list = roaming_list(seed, setup.systems)?;
    let mut profile = Profile::new(setup.owner(), Subscriber::sample(), list);
    profile.ask_capability = setup.ask_capability;
    profile.compare_prl = setup.before == Before::SameList;
    profile.messages_per_document = if setup.multipart { 4 } else { 1 };
    profile.segment = setup.segment;
    profile.a_key = setup.a_key;
    profile.auth_otapa = setup.can_sign.then_some(kedge_network::stand_in_for_cave);
    if setup.more_blocks {
        profile.packet_data = vec![(0, vec![0x40]), (1, SIMPLE_IP_PROFILE.to_vec())];
        profile.zones = vec![(0, vec![0x12, 0x34, 0x56]), (3, vec![0x01])];
    }
    if setup.spc.1 {
        profile.spc = Spc::new(core::str::from_utf8(&setup.operator_spc.unwrap_or(setup.spc.0))?);
    }
    operator.subscribe(profile, setup.account)?;
    if setup.deactivated {
        operator.deactivate(setup.owner());
    }
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
            make: product.model[0].to_owned(),
            model: product.model[1].to_owned(),
            from: product.versions[0].to_owned(),
            to: product.versions[1].to_owned(),
            package_url,
        })?;
        operator.repository().play(setup.repository.iter().copied());
    }
    Ok(operator)
}

/// The package of that kind for handsets with sectors of `sector` octets.
fn package(
    kind: Package,
    product: &Product,
    pair: &Pair,
    (sector, in_place): (u32, bool),
) -> anyhow::Result<Vec<u8>> {
    let lowered = u32::from(kind == Package::Downgrade);
    let release = Release {
        product: product.name,
        version: product.versions[1],
        security_counter: product.security_counter - lowered,
        description: "Maintenance release",
        notes: "Faster start.\nFixes an alarm that did not ring.",
        image: &pair.new,
    };
    let layout = if in_place { PackageLayout::InPlace } else { PackageLayout::Slot };
    let target = Target { layout, block_size: sector.max(256) };
    let installed = Installed { version: product.versions[0], image: &pair.old };
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

/// A classic roaming list (C.S0016 3.5.5) with this many systems, its identity drawn from the seed.
fn roaming_list(seed: u64, systems: u16) -> anyhow::Result<Vec<u8>> {
    let id = PrlId(u16::try_from(Seeded::new(seed).word() & 0xFFFF)? | 1);
    let mut blocks = [0; 1];
    let acquisitions = [
        // System A or B, primary channel; blocks A and B.
        AcquisitionRecord { acq_type: AcqType::CELLULAR_CDMA_STANDARD, body: AcqBody::Standard(3, 1) },
        AcquisitionRecord {
            acq_type: AcqType::PCS_BLOCKS,
            body: AcqBody::Numbers(Numbers::pack(AcqType::PCS_BLOCKS, &[0, 1], &mut blocks)?),
        },
    ];
    let system = |n: u16| {
        let sid = Sid::new(4139 + n).ok_or_else(|| anyhow!("too many systems"))?;
        Ok(SystemRecord {
            id: SystemId::Cdma(sid, Nid::ANY),
            preferred: true,
            same_area: n > 0,
            more_desirable: n + 1 < systems,
            acq_index: n & 1,
            roam_ind: Some(1),
            association: None,
        })
    };
    let systems = (0..systems).map(system).collect::<anyhow::Result<Vec<_>>>()?;
    let (format, subnets) = (PrlFormat::Classic, &[][..]);
    let draft = Draft {
        format,
        id,
        pref_only: true,
        def_roam_ind: 0,
        acquisitions: &acquisitions,
        subnets,
        systems: &systems,
    };
    Ok(draft.emit(&mut vec![0; PRL])?.to_vec())
}

fn octets(n: usize) -> anyhow::Result<u32> {
    u32::try_from(n).map_err(|_| anyhow!("an image of {n} octets does not fit the simulated flash"))
}
