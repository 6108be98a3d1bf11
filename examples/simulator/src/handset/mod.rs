//! The simulated handset: a boot stage with the update agent, firmware with the agent, and the parts they run on.
//!
//! A *power session* is what happens between two losses of power or restarts: the boot stage (update agent, boot decision),
//! then the firmware that lies in the chosen slot, if it is one that was ever released. A *life* is a sequence of power
//! sessions until nothing is left to do.

mod air;
mod application;
mod around;
mod license;
pub mod management;
mod parts;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use kedge_agent::agent::{Agent, Buffers, GsmReceiver, Kept, ManagementMemory, Memory, Messages};
use kedge_agent::config::{Config, Pri, Security};
use kedge_agent::error::AgentError;
use kedge_agent::event::Events;
use kedge_agent::feature::Feature;
use kedge_agent::objects::{Access, Form, Stored};
use kedge_agent::runner::{Board, Pause, Ports};
use kedge_agent::store::Nam;
use kedge_generator::image::MOST_REGIONS;
use kedge_network::Operator;
use kedge_platform::clock::Clock as _;
use kedge_platform::flash::{ErrorType, Region};
use kedge_platform::http::Connection;
use kedge_platform::identity::HardwareId;
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::clock::Clock;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::{Error as NorError, Nor};
use kedge_platform_sim::power::Power;
use kedge_platform_sim::radio::Radio;
use kedge_platform_sim::random::Seeded;
use kedge_platform_sim::ui::Ui;
use kedge_protocol::is683::engine::{Capability, Carried, Engine, PacketDataCapability};
use kedge_protocol::is683::packet_data::{MobileIpCapability, SimpleIpCapability};
use kedge_protocol::license::Op;
use kedge_protocol::sms::cdma::Receiver;
use kedge_update_agent::{
    Applier, BootDecision, Device, Error as UpdateError, Key, Layout, Mode, Progress, Slot, Update,
    WORDS_SMALL, Workspace,
};

use crate::feed::Feed;
use air::Air;
pub use air::{Fading, Lost};
pub use application::works;
use around::Around;
pub use license::{Files, Wallet};
pub use parts::{Fuse, LiveWire, Protected};

/// The memory that the boot stage lends the applier.
type Room = Workspace<{ WORDS_SMALL + 2048 }, MOST_REGIONS>;
/// Octets behind a package for the state of a decoder of that size.
const STATE: u32 = 12 << 10;

/// What its maker has registered beside the objects of the profile: `kedge simulate brew-url/own-object` sets the first.
pub static OWN_OBJECTS: [Stored; 1] =
    [Stored { name: "x/kedge-sim/ringer", access: Access::RWD, form: Form::Text(16), guarded: false }];

/// Largest preferred roaming list of the simulated handset, in octets.
pub const PRL: usize = 16 * 1024;

/// Octets of each bank of the agent's store: room for every object at its limit, a full roaming list and a commit of it.
const STORE_BANK: u32 = 64 * 1024;

/// Octets of each bank of the update journal.
const JOURNAL_BANK: u32 = 512;

/// More power sessions than this in one life are an endless loop.
const MOST_SESSIONS: usize = 200;

/// Where everything lies in the handset's flash.
#[derive(Clone, Copy, Debug)]
pub struct FlashMap {
    /// The update agent's regions.
    pub update: Layout,
    /// The agent's store.
    pub store: Region,
    /// Octets in all.
    pub len: u32,
}

impl FlashMap {
    /// A map for images of `image` and packages of `package` octets, on sectors of `sector` octets.
    pub fn new(sector: u32, image: u32, package: u32, in_place: bool) -> Self {
        let mut at = 0;
        let mut region = |octets: u32, banks: u32| {
            let len = octets.max(1).next_multiple_of(sector) * banks;
            let region = Region::new(at, len);
            at = region.end();
            region
        };
        let image_region = region(image, 1);
        let other = region(if in_place { 2 * sector } else { image }, 1);
        let mode = if in_place { Mode::InPlace { scratch: other } } else { Mode::Slot { standby: other } };
        let update = Layout {
            image: image_region,
            mode,
            package: region(package.next_multiple_of(sector) + 2 * STATE.next_multiple_of(sector), 1),
            journal: region(JOURNAL_BANK, 2),
        };
        Self { update, store: region(STORE_BANK, 2), len: at }
    }

    /// Names of the regions, for maps of the flash.
    pub fn regions(&self) -> [(&'static str, Region); 5] {
        let (name, other) = match self.update.mode {
            Mode::Slot { standby } => ("second slot", standby),
            Mode::InPlace { scratch } => ("scratch", scratch),
        };
        [
            ("image", self.update.image),
            (name, other),
            ("package", self.update.package),
            ("journal", self.update.journal),
            ("store", self.store),
        ]
    }
}

/// A firmware that was released: what the simulated processor can run.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// Its version.
    pub version: String,
    /// Its octets.
    pub image: Vec<u8>,
}

/// The model of the simulated handset.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its product name in packages.
    pub product: &'static str,
    /// Where everything lies.
    pub map: FlashMap,
    /// All firmware ever released for it; the first is the one it is sold with.
    pub firmware: Vec<Firmware>,
    /// Factory settings.
    pub pri: Vec<(&'static str, String)>,
    /// Service programming code, six digits.
    pub spc: [u8; 6],
    /// The key that signs its packages: name and public key.
    pub key: (Vec<u8>, [u8; 32]),
    /// The least security counter its firmware takes.
    pub security_counter: u32,
}

/// Who watches the handset.
pub trait Watch: Events {
    /// The update agent is at work.
    fn updating(&mut self, _now: Duration, _progress: Progress) {}
    /// A power session begins; the firmware in this slot, of this version, is started.
    fn booted(&mut self, _now: Duration, _slot: Slot, _version: &str) {}
    /// The power failed in the flash operation of this number, counted over the life.
    fn power_failed(&mut self, _now: Duration, _operation: u64) {}
    /// Something else that is worth showing: what the user does elsewhere, how time passes.
    fn aside(&mut self, _feed: &Feed) {}
}

impl Watch for () {}

/// How long a power session goes on with nothing but waiting.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Nobody waits longer than this for what the agent wants to do next.
    pub pause: Duration,
    /// Nor after so many pauses.
    pub pauses: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self { pause: Duration::MAX, pauses: 100 }
    }
}

/// What the user does in a power session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// The activation button.
    Activate,
    /// "Check for software update".
    CheckForUpdate,
    /// Nothing: the short messages that wait arrive.
    Receive,
    /// The digits of a star code, and the call key.
    Dial(&'static str),
    /// The icon of a feature.
    Open(Feature),
    /// The menu that chooses between the phone's two numbers.
    SelectNam(Nam),
    /// The license's menu: the server is asked for this.
    License(Op),
    /// The same, but the request is written to a file.
    Export(Op),
    /// Nothing: the network acts.
    Nothing,
}

/// The types of its parts.
#[derive(Debug)]
pub struct SimBoard<H, const W: usize, const E: usize>(core::marker::PhantomData<H>);

impl<H: Connection, const W: usize, const E: usize> Board for SimBoard<H, W, E> {
    type Flash = Protected<Nor<W, E>>;
    type Crypto = SoftCrypto;
    type Identity = Identity;
    type Entropy = Seeded;
    type Clock = Clock;
    type Http = H;
    type Radio = Radio;
    type Ui = Ui;
    type Power = Power;
}

/// The handset.
pub struct Handset<H: Connection, const W: usize, const E: usize> {
    /// Its parts.
    pub ports: Ports<SimBoard<H, W, E>>,
    model: Model,
    fuse: Fuse,
    /// The radio network that it is in reach of.
    network: Arc<Mutex<Operator>>,
    receive: Vec<u8>,
    send: Vec<u8>,
    engine: Box<Engine<PRL>>,
    /// Short messages that wait in the network: those of one group arrive before the handset does anything else.
    pub inbox: Vec<Vec<Vec<u8>>>,
    messages: Box<Receiver>,
    /// What the radio loses.
    pub fading: Fading,
    /// How long its user waits for it.
    pub patience: Patience,
    /// Its license; most are sold without.
    pub wallet: Option<Wallet>,
    tree: Vec<u8>,
    work: Vec<u8>,
    texts: Vec<u8>,
    kept: Box<Kept>,
}

type FlashError<const W: usize, const E: usize> = <Nor<W, E> as ErrorType>::Error;

/// How a power session ended.
enum Ended {
    Idle,
    Restarted,
    PowerLost,
}

impl<H: Connection, const W: usize, const E: usize> Handset<H, W, E> {
    /// A handset as it is sold: the first firmware in its slot, everything else blank.
    pub fn new(
        model: Model,
        id: HardwareId,
        clock: Clock,
        http: H,
        (fuse, network): (Fuse, Arc<Mutex<Operator>>),
        seed: u64,
    ) -> anyhow::Result<Self> {
        let sectors = model.map.len as usize / E;
        let mut nor = Nor::<W, E>::new(sectors).with_seed(seed);
        let first = model.firmware.first().ok_or_else(|| anyhow!("no firmware"))?;
        load(&mut nor, &model, first)?;
        let identity =
            Identity::new(id, "Kedge", "Sim-1", &first.version).map_err(|_| anyhow!("identity"))?;
        let ports = Ports {
            flash: Protected::new(nor, fuse.clone()),
            crypto: SoftCrypto,
            identity,
            entropy: Seeded::new(seed ^ 0x0E17),
            clock,
            http,
            radio: Radio::new(),
            ui: Ui::saying(kedge_platform::ui::Answer::Yes),
            power: Power::new(),
        };
        Ok(Self {
            ports,
            model,
            fuse,
            network,
            receive: vec![0; 24 * 1024],
            send: vec![0; 8 * 1024],
            engine: Box::new(Engine::new()),
            inbox: Vec::new(),
            messages: Box::default(),
            fading: Fading::default(),
            patience: Patience::default(),
            wallet: None,
            tree: vec![0; 4 * 1024],
            work: vec![0; 4 * 1024],
            texts: vec![0; 2 * 1024],
            kept: Box::new(Kept::EMPTY),
        })
    }

    /// The flash device.
    pub fn nor(&mut self) -> &mut Nor<W, E> {
        self.ports.flash.inner()
    }

    /// Loses everything but the firmware it is sold with.
    pub fn lose_storage(&mut self) -> anyhow::Result<()> {
        let first = self.model.firmware.first().ok_or_else(|| anyhow!("no firmware"))?;
        let nor = self.ports.flash.inner();
        nor.load(0, &vec![0xFF; self.model.map.len as usize]).map_err(|e| anyhow!("{e}"))?;
        load(nor, &self.model, first)
    }

    /// The model it is one of.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Lives until nothing is left to do: boots, does what the user presses, waits, restarts, comes back after losses of
    /// power. `press` is pressed in the first power session that comes far enough.
    pub fn live(&mut self, press: Option<Press>, watch: &mut dyn Watch) -> anyhow::Result<()> {
        let mut press = press;
        for _ in 0..MOST_SESSIONS {
            match self.power_session(&mut press, watch)? {
                Ended::Idle => return Ok(()),
                Ended::Restarted => {}
                Ended::PowerLost => {
                    let operations = self.nor().work().operations();
                    watch.power_failed(self.ports.clock.uptime(), operations.saturating_sub(1));
                    self.nor().power_on();
                    self.fuse.reset();
                    self.ports.radio.drop_data_call();
                }
            }
        }
        bail!("still busy after {MOST_SESSIONS} power sessions")
    }

    /// One power session.
    fn power_session(&mut self, press: &mut Option<Press>, watch: &mut dyn Watch) -> anyhow::Result<Ended> {
        let booted = match self.boot(watch) {
            Err(UpdateError::Flash(NorError::PowerLost)) => return Ok(Ended::PowerLost),
            Err(e) => bail!("boot stage: {e}"),
            Ok(slot) => slot,
        };
        let version = self.version_in(booted).context("what the boot stage chose")?;
        self.ports.identity.set_version(&version).map_err(|_| anyhow!("version {version:?}"))?;
        watch.booted(self.ports.clock.uptime(), booted, &version);
        match self.run_firmware(press, watch) {
            _ if !self.fuse.is_whole() => Ok(Ended::PowerLost),
            Ok(Pause::Idle(_)) => Ok(Ended::Idle),
            Ok(Pause::Restarted(_)) => Ok(Ended::Restarted),
            Err(e) => Err(anyhow!("agent: {e}")),
        }
    }

    /// The boot stage: goes on with an update if there is one, and decides which slot to start.
    fn boot(&mut self, watch: &mut dyn Watch) -> Result<Slot, UpdateError<FlashError<W, E>>> {
        let keys = [Key { id: &self.model.key.0, public: self.model.key.1 }];
        let device = device(&self.model, &keys);
        let Ports { flash, crypto, clock, .. } = &mut self.ports;
        let mut update = Update::mount(flash, self.model.map.update)?;
        loop {
            match update.boot(flash)? {
                BootDecision::Run(slot) => return Ok(slot),
                BootDecision::Broken => return Err(UpdateError::JournalDamaged),
                BootDecision::Update => {}
            }
            let mut room = Box::new(Room::new());
            let mut applier = Applier::resume(&mut update, flash, &device, crypto, room.lend())?;
            loop {
                let progress = applier.step(flash)?;
                clock.advance(Duration::from_millis(20));
                watch.updating(clock.uptime(), progress);
                if matches!(progress, Progress::Complete | Progress::Ended(_)) {
                    break;
                }
            }
        }
    }

    /// The version of the firmware that lies in a slot; an error if it is none that was ever released, whole.
    pub fn version_in(&mut self, slot: Slot) -> anyhow::Result<String> {
        let region = self.model.map.update.slot(slot);
        let content = self.ports.flash.inner().dump();
        let content = &content[region.start as usize..region.end() as usize];
        let whole = self.model.firmware.iter().find(|f| content.starts_with(&f.image));
        whole.map(|f| f.version.clone()).ok_or_else(|| anyhow!("no released firmware lies in {slot:?} slot"))
    }

    fn run_firmware(
        &mut self,
        press: &mut Option<Press>,
        watch: &mut dyn Watch,
    ) -> Result<Pause, AgentError<FlashError<W, E>>> {
        let keys = [Key { id: &self.model.key.0, public: self.model.key.1 }];
        let objects: Vec<_> = self.model.pri.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let config = Config {
            store: self.model.map.store,
            update: self.model.map.update,
            device: device(&self.model, &keys),
            pri: Pri { objects: &objects, spc: self.model.spc },
            capability: capability(),
            objects: &OWN_OBJECTS,
        };
        let (mut lent, papers) = self.wallet.as_mut().map(Wallet::lend).unzip();
        let buffers = Buffers { receive: &mut self.receive, send: &mut self.send };
        // It has a modem for either bearer.
        let mut gsm = Box::<GsmReceiver>::default();
        let messages = Messages { cdma: Some(&mut self.messages), gsm: Some(&mut gsm) };
        let memory = Memory { buffers, engine: &mut self.engine, messages };
        let ports = &mut self.ports;
        let air = Air { network: &self.network, fuse: &self.fuse, fading: &mut self.fading };
        let mut agent = Agent::<PRL>::start(config, memory, &mut ports.context(&mut *watch))?;
        agent.set_security(Security {
            power: Some(kedge_platform_crypto::a_key::power),
            auth_otapa: Some(&|rand: u32| Some(kedge_network::stand_in_for_cave(rand))),
        });
        let management = ManagementMemory {
            tree: &mut self.tree,
            work: &mut self.work,
            texts: &mut self.texts,
            kept: &mut self.kept,
        };
        agent.attach_management(management::setup(), management);
        if let Some(lent) = &mut lent {
            lent.begin(&mut agent, &mut ports.context(&mut *watch))?;
        }
        let mut around = Around { air, papers, groups: self.inbox.iter(), patience: self.patience };
        let ended = around.go(&mut agent, ports, press, watch);
        let standing = agent.license_status(ports.clock.uptime());
        if let Some(papers) = around.papers {
            *papers.standing = standing;
        }
        ended
    }
}

/// Puts a firmware into the slot that a handset is sold with.
fn load<const W: usize, const E: usize>(
    nor: &mut Nor<W, E>,
    model: &Model,
    firmware: &Firmware,
) -> anyhow::Result<()> {
    nor.load(model.map.update.image.start, &firmware.image).map_err(|e| anyhow!("{e}"))
}

fn device<'d>(model: &Model, keys: &'d [Key<'d>]) -> Device<'d> {
    Device {
        product: model.product,
        version: None,
        security_counter: model.security_counter,
        keys,
        // More than the power cuts a sweep nests, so that they cannot use up the trial.
        trial_attempts: 6,
        memory: Room::MEMORY,
    }
}

/// What the simulated handset tells of itself by IS-683.
pub(crate) fn capability() -> Capability {
    Capability {
        firmware_rev: 0x0102,
        model: 42,
        band_mode: 0x60,
        max_prl_size: u16::try_from(PRL).unwrap_or(u16::MAX),
        extended_prl: true,
        max_sid_nid: 20,
        scm: 0x6A,
        packet_data: Some(PacketDataCapability {
            simple_ip: SimpleIpCapability {
                max_num_nai: 2,
                max_nai_length: 72,
                max_ss_length: 16,
                auth_algorithm: 0x80,
            },
            mobile_ip: MobileIpCapability {
                max_num_nai: 2,
                max_nai_length: 72,
                mn_aaa: (16, 0x80),
                mn_ha: (16, 0x80),
            },
        }),
        // Its operator asks for DATA_P_REV 2.
        carried: Carried { ehrpd: false, ..Carried::ALL },
        ..Capability::PLAIN
    }
}
