//! The device: its ports put together, and the agent's life between two restarts.

use crate::console::{self, Next};
use crate::license;
use crate::management::{self, TEXTS, TREE, WORK};
use crate::modem::Modem;
use crate::user::User;
use core::time::Duration;
use kedge_agent::agent::{Agent, Buffers, GsmReceiver, Kept, ManagementMemory, Memory, Messages};
use kedge_agent::config::{Config, Pri};
use kedge_agent::error::AgentError;
use kedge_agent::event::{Event, Events};
use kedge_agent::runner::{Board, Pause, Ports, run};
use kedge_platform::identity::{HardwareId, Identity};
use kedge_platform::power::{Power, Restart};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_net::Http;
use kedge_protocol::is683::engine::{Capability, Carried, Engine, PacketDataCapability};
use kedge_protocol::is683::packet_data::{MobileIpCapability, SimpleIpCapability};
use kedge_protocol::sms;
use observed::seeded::Seeded;
use virt::cfi_nor::{CfiError, CfiNor};
use virt::clock::Clock;
use virt::network::{self, Network};
use virt::power::Exit;
use virt::{Straps, product, say};

/// Largest roaming list.
pub const PRL: usize = 16 * 1024;
/// Largest body that is taken, and largest answer.
const RECEIVE: usize = 24 * 1024;
const SEND: usize = 8 * 1024;

/// Factory settings; the last names the server that is asked for updates.
const PRI: &[(&str, &str)] = &[
    ("iota/boot-url", "http://boot.operator.example/activate"),
    ("iota/boot-nai", "provisioning@operator.example"),
    ("iota/trusted-domain", "operator.example"),
    ("x/kedge/fota-url", "https://fota.operator.example/check"),
];

/// Those of this device.
fn factory(straps: &Straps) -> &'static [(&'static str, &'static str)] {
    match PRI {
        [others @ .., _] if straps.managed_updates => others,
        all => all,
    }
}

/// The agent of this device.
pub type Phone<'b> = Agent<'b, PRL>;
/// How the agent fails here.
pub type Failure = AgentError<CfiError>;

/// The types of the ports.
pub struct Virt;

impl Board for Virt {
    type Flash = CfiNor;
    type Crypto = SoftCrypto;
    type Identity = Who;
    type Entropy = Seeded;
    type Clock = Clock;
    type Http = Http<Network>;
    type Radio = Modem;
    type Ui = User;
    type Power = Restarts;
}

/// Lives until the device restarts or is switched off.
pub fn live(straps: &Straps) -> Exit {
    match try_live(straps) {
        Ok(exit) => exit,
        Err(Stop::NoNetwork(why)) => {
            say!("network: {why:?}");
            Exit::Failed
        }
        Err(Stop::Agent(error)) => {
            say!("agent: {error:?}");
            Exit::Failed
        }
    }
}

/// Why it cannot go on.
enum Stop {
    NoNetwork(network::Broken),
    Agent(Failure),
}

impl From<Failure> for Stop {
    fn from(error: Failure) -> Self {
        Self::Agent(error)
    }
}

fn try_live(straps: &Straps) -> Result<Exit, Stop> {
    // SAFETY: the only one as long as this program runs; it is entered once.
    let flash = unsafe { CfiNor::new() }.with_fuse(straps.cut);
    let hosts = (straps.http, straps.https);
    let network = Network::start(network_memory(), hosts, straps.seed).map_err(Stop::NoNetwork)?;
    let mut ports = Ports::<Virt> {
        flash,
        crypto: SoftCrypto,
        identity: Who(*straps),
        entropy: Seeded::new(straps.seed),
        clock: Clock::default(),
        http: Http::new(network),
        radio: Modem,
        ui: User,
        power: Restarts,
    };
    let config = Config {
        store: product::STORE,
        update: product::layout(straps.in_place),
        device: product::device(),
        pri: Pri { objects: factory(straps), spc: straps.spc },
        capability: capability(),
        objects: &[],
    };
    let (mut receive, mut send) = ([0; RECEIVE], [0; SEND]);
    // It has a modem for either bearer.
    let (mut cdma, mut gsm) = (sms::cdma::Receiver::new(), GsmReceiver::new());
    let messages = Messages { cdma: Some(&mut cdma), gsm: Some(&mut gsm) };
    let mut engine = Engine::<PRL>::new();
    let buffers = Buffers { receive: &mut receive, send: &mut send };
    let memory = Memory { buffers, engine: &mut engine, messages };
    let (mut tree, mut work, mut texts, mut kept) = ([0; TREE], [0; WORK], [0; TEXTS], Kept::EMPTY);
    let management =
        ManagementMemory { tree: &mut tree, work: &mut work, texts: &mut texts, kept: &mut kept };
    let mut licensed = license::Parts::of(straps);
    let mut agent = Agent::start(config, memory, &mut ports.context(&mut Log))?;
    agent.attach_management(management::SETUP, management);
    if let Some(parts) = &mut licensed {
        let begun = agent.license_begin(&mut ports.context(&mut Log), parts.setup())?;
        if let Err(fault) = begun {
            say!("license trouble: {fault}");
        }
    }
    loop {
        match run(&mut agent, &mut ports, &mut Log)? {
            Pause::Restarted(why) => {
                say!("restart {why:?}");
                return Ok(Exit::Restart);
            }
            Pause::Idle(until) => {
                match until {
                    Some(until) => say!("idle {}", until.as_millis()),
                    None => say!("idle -"),
                }
                match console::command(&mut agent, &mut ports)? {
                    Next::GoOn => {}
                    Next::Skip => ports.clock.skip_to(until.unwrap_or_default()),
                    Next::Leave(exit) => return Ok(exit),
                }
            }
        }
    }
}

/// The memory of the network, which must outlive everything.
fn network_memory() -> &'static mut network::Memory {
    static mut MEMORY: network::Memory = network::Memory::new();
    // SAFETY: called once, in the only thread there is.
    unsafe { &mut *(&raw mut MEMORY) }
}

/// Who the device is.
pub struct Who(Straps);

impl Identity for Who {
    fn hardware_id(&self) -> HardwareId {
        self.0.hardware
    }

    fn make(&self) -> &str {
        product::MAKE
    }

    fn model(&self) -> &str {
        product::MODEL
    }

    fn version(&self) -> &str {
        crate::VERSION
    }

    fn subscriber(&self) -> Option<&str> {
        self.0.card()
    }
}

/// Restarts when the agent has let go of everything: [`live`] returns, and the program leaves.
pub struct Restarts;

impl Power for Restarts {
    fn restart(&mut self, _: Restart) {}
}

/// The events that are worth a line.
pub struct Log;

impl Events for Log {
    fn event(&mut self, now: Duration, event: &Event<'_>) {
        let now = now.as_millis();
        match event {
            Event::Request { method, url, .. } => say!("{now} {method} {url}"),
            Event::Reply { status, .. } => say!("{now} answer {status}"),
            Event::LinkDown(why) => say!("{now} link {why:?}"),
            Event::Committed(what) => say!("{now} committed {what:?}"),
            Event::SessionEnded { reason, error } => say!("{now} session ended: {reason}, {error}"),
            Event::GaveUp { reason, error } => say!("{now} gave up: {reason}, {error}"),
            Event::PackageVerified { version, len } => {
                say!("{now} package of {len} octets leads to {version}")
            }
            Event::PackageRefused(why) => say!("{now} package refused: {why}"),
            Event::License(license) => license::tell(license),
            Event::Reported { state } => say!("{now} reported {state}"),
            _ => {}
        }
    }
}

/// What the device tells of itself by IS-683.
fn capability() -> Capability {
    Capability {
        firmware_rev: 0x0102,
        model: 43,
        band_mode: 0x60,
        max_prl_size: PRL as u16,
        extended_prl: true,
        max_sid_nid: 20,
        scm: 0x6A,
        mob_p_rev: 6,
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
