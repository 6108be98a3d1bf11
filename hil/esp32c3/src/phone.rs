//! The device: its ports put together, and the agent's life between two restarts.

use crate::button::{Button, Press};
use crate::product::{self, DEVICE};
use crate::update;
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;
use esp_println::println;
use kedge_agent::agent::{Agent, Buffers, Kept, ManagementMemory, Memory, Messages};
use kedge_agent::config::Config;
use kedge_agent::error::AgentError;
use kedge_agent::event::{Event, Events};
use kedge_agent::runner::{Board, Pause, Ports, run};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_esp32::clock::{Calendar, Uptime};
use kedge_platform_esp32::entropy::Noise;
use kedge_platform_esp32::flash::{Flash, FlashError};
use kedge_platform_esp32::identity::Chip;
use kedge_platform_esp32::power::{self, Reset};
use kedge_platform_esp32::slots::{Map, TableError};
use kedge_platform_esp32::wifi::{Air, Wifi, WifiError};
use kedge_platform_net::Http;
use kedge_platform_net::tls::{self, Means, Tls};
use kedge_protocol::is683::Engine;
use kedge_protocol::wire::Slot;
use static_cell::ConstStaticCell;

/// Largest roaming list: a device without a cellular modem has use for none, and keeps small ones.
pub const PRL: usize = 2 * 1024;
/// Largest body that is taken, and largest answer.
const RECEIVE: usize = 16 * 1024;
const SEND: usize = 4 * 1024;
/// Device management: the tree, the largest value twice, accounts.
const TREE: usize = 4 * 1024;
const WORK: usize = 4 * 1024;
const TEXTS: usize = 1024;

/// What the device is made of.
pub struct Phone {
    pub flash: Flash,
    pub radio: Wifi,
    /// For the agent and for TLS.
    pub entropy: [Noise; 2],
    pub air: Air,
    pub calendar: &'static Calendar,
    pub button: Button,
}

/// The types of the ports.
pub struct Esp32;

impl Board for Esp32 {
    type Flash = Flash;
    type Crypto = SoftCrypto;
    type Identity = Chip;
    type Entropy = Noise;
    type Clock = Uptime;
    type Http = Http<Tls<Air, SoftCrypto, Noise, &'static Calendar>>;
    type Radio = Wifi;
    type Ui = Button;
    type Power = Reset;
}

/// Why the device cannot go on.
#[derive(Debug)]
pub enum Stop {
    /// The radio could not be switched on.
    Radio(WifiError),
    /// The generator has no noise.
    NoNoise,
    /// The network, or memory, is taken twice.
    Taken,
    /// The partition table.
    Table(TableError),
    /// Journal and boot loader.
    Update(update::Broken),
    /// The agent.
    Agent(AgentError<FlashError>),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Radio(why) => write!(f, "radio: {why:?}"),
            Self::NoNoise => f.write_str("the generator has no noise"),
            Self::Taken => f.write_str("something there is one of was taken twice"),
            Self::Table(why) => write!(f, "{why}"),
            Self::Update(why) => write!(f, "{why}"),
            Self::Agent(why) => write!(f, "agent: {why:?}"),
        }
    }
}

impl From<AgentError<FlashError>> for Stop {
    fn from(error: AgentError<FlashError>) -> Self {
        Self::Agent(error)
    }
}

/// What is too large for the stack, or must outlive it; zeros apart from the rest, which takes flash for what it begins with.
struct Zeros {
    receive: [u8; RECEIVE],
    send: [u8; SEND],
    tree: [u8; TREE],
    work: [u8; WORK],
    texts: [u8; TEXTS],
}

static ZEROS: ConstStaticCell<Zeros> = ConstStaticCell::new(Zeros {
    receive: [0; RECEIVE],
    send: [0; SEND],
    tree: [0; TREE],
    work: [0; WORK],
    texts: [0; TEXTS],
});
static TLS: ConstStaticCell<tls::Memory> = ConstStaticCell::new(tls::Memory::new());
static ENGINE: ConstStaticCell<Engine<PRL>> = ConstStaticCell::new(Engine::new());
static KEPT: ConstStaticCell<Kept> = ConstStaticCell::new(Kept::EMPTY);

/// Lives until the device restarts.
pub fn live(phone: Phone) -> Result<Infallible, Stop> {
    let Phone { mut flash, radio, entropy, air, calendar, button } = phone;
    let map = Map::read(&mut flash).map_err(Stop::Table)?;
    update::follow(&mut flash, &map).map_err(Stop::Update)?;
    let Zeros { receive, send, tree, work, texts } = ZEROS.try_take().ok_or(Stop::Taken)?;
    let (tls, engine) = TLS.try_take().zip(ENGINE.try_take()).ok_or(Stop::Taken)?;
    let kept = KEPT.try_take().ok_or(Stop::Taken)?;
    let [ports_noise, tls_noise] = entropy;
    let means = Means { crypto: SoftCrypto, entropy: tls_noise, time: calendar, roots: product::ROOTS };
    let mut ports = Ports::<Esp32> {
        flash,
        crypto: SoftCrypto,
        identity: Chip { make: product::MAKE, model: product::MODEL, version: crate::VERSION },
        entropy: ports_noise,
        clock: Uptime,
        http: Http::new(Tls::new(air, tls, means)),
        radio,
        ui: button,
        power: Reset,
    };
    let config = Config {
        store: map.store,
        update: map.update,
        device: DEVICE,
        pri: product::PRI,
        capability: product::CAPABILITY,
        objects: &[],
    };
    let buffers = Buffers { receive, send };
    // no modem for short messages of either kind
    let memory = Memory { buffers, engine, messages: Messages { cdma: None, gsm: None } };
    // on the stack, of which it takes 10 KB: it holds ports that no static may
    let mut place = Slot::Empty;
    let agent = Agent::<PRL>::start_in(&mut place, config, memory, &mut ports.context(&mut Log))?;
    agent.attach_management(product::MANAGEMENT, ManagementMemory { tree, work, texts, kept });
    loop {
        let until = match run(agent, &mut ports, &mut Log)? {
            Pause::Restarted(_) => power::now(),
            Pause::Idle(until) => until,
        };
        match ports.ui.wait(until) {
            Some(Press::Short) => _ = agent.activate(&mut ports.context(&mut Log))?,
            Some(Press::Long) => _ = agent.check_for_update(&mut ports.context(&mut Log))?,
            None => {}
        }
    }
}

/// The events that are worth a line.
struct Log;

impl Events for Log {
    fn event(&mut self, now: Duration, event: &Event<'_>) {
        let now = now.as_millis();
        match event {
            Event::Request { method, url, .. } => println!("{now} {method} {url}"),
            Event::Reply { status, .. } => println!("{now} answer {status}"),
            Event::LinkDown(why) => println!("{now} link {why:?}"),
            Event::Committed(what) => println!("{now} committed {what:?}"),
            Event::SessionEnded { reason, error } => println!("{now} session ended: {reason}, {error}"),
            Event::GaveUp { reason, error } => println!("{now} gave up: {reason}, {error}"),
            Event::PackageVerified { version, len } => {
                println!("{now} package of {len} octets leads to {version}");
            }
            Event::PackageRefused(why) => println!("{now} package refused: {why}"),
            Event::Reported { state } => println!("{now} reported {state}"),
            _ => {}
        }
    }
}
