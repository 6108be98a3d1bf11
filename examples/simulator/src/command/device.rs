//! `kedge device`: the agent on this machine, over real HTTP, against any management server; every message is shown.
//!
//! What lasts is in one file (`--state`), as on a device: the tree, what is under way, alerts that were not told yet. Firmware
//! is not updated here: a package that the server commands is fetched and judged, and the server is told of the result.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use kedge_agent::agent::{Agent, Buffers, Kept, Management, ManagementMemory, Memory, Messages};
use kedge_agent::config::{Config, Pri};
use kedge_agent::event::{Event, Events};
use kedge_agent::runner::{Board, Pause, Ports, run as run_agent};
use kedge_network::{Config as OperatorConfig, DM_HOST, DM_URL, DmScript, Operator, Running, serve};
use kedge_platform::flash::Region;
use kedge_platform::identity::HardwareId;
use kedge_platform::power::{Power, Restart};
use kedge_platform::radio::{Radio, RadioError};
use kedge_platform::ui::{Answer, Prompt, Ui};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_linux::clock::SystemClock;
use kedge_platform_linux::entropy::SystemEntropy;
use kedge_platform_linux::http::{HttpClient, Options};
use kedge_platform_linux::identity::MachineIdentity;
use kedge_platform_linux::nor::{FileNor, SECTOR, Sync};
use kedge_protocol::dm::account::{
    Address, AddressType, Credentials, DmAccountSettings, Hidden, Level, MAX_ADDRESSES, Scheme,
};
use kedge_protocol::dm::session::End;
use kedge_protocol::is683::Engine;
use kedge_protocol::mime::MediaType;
use kedge_protocol::syncml;
use kedge_protocol::wap::Coding;
use kedge_update_agent::{Device as PackageDevice, Layout, Mode};

use super::{Exit, Surroundings};

/// Octets of the journal, of the store and of the largest package, in sectors.
const JOURNAL: u32 = 8 * SECTOR;
const STORE: u32 = 32 * SECTOR;
const PACKAGE: u32 = 1024 * SECTOR;
/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// After so many pauses nobody waits any more.
const MOST_PAUSES: usize = 4;

#[derive(Args, Clone, Debug)]
pub(super) struct Device {
    /// The address of the management server
    #[arg(long, value_name = "URL", required_unless_present = "script")]
    server: Option<String>,
    /// Instead of a server elsewhere, play this script of a test case on loopback, and judge what the device does
    #[arg(long, value_name = "FILE", conflicts_with_all = ["server", "ca"])]
    script: Option<PathBuf>,
    /// Its identifier
    #[arg(long, value_name = "ID", default_value = "server")]
    server_id: String,
    /// The name of this device at the server
    #[arg(long, value_name = "NAME", requires = "password")]
    user: Option<String>,
    /// The password of this device
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
    /// The password with which the server has to prove itself; without it, it is taken for whom TLS has shown it to be
    #[arg(long, value_name = "PASSWORD")]
    server_password: Option<String>,
    /// How both prove themselves
    #[arg(long, value_enum, default_value_t = Proof::Md5)]
    auth: Proof,
    /// Send XML instead of WBXML
    #[arg(long)]
    xml: bool,
    /// Tell the server that the user looks for an update
    #[arg(long)]
    check_for_update: bool,
    /// Answer questions of the server with yes, instead of not at all
    #[arg(long)]
    yes: bool,
    /// Where what lasts is kept; without it nothing does
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Certificate authorities to trust instead of the usual ones, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The electronic serial number, in hexadecimal digits
    #[arg(long, value_name = "HEX", default_value = "80B02913", value_parser = esn)]
    esn: u32,
    /// The maker, the model and the version of the firmware
    #[arg(long, num_args = 3, value_names = ["MAKE", "MODEL", "VERSION"])]
    identity: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Proof {
    Basic,
    Md5,
    Hmac,
}

fn esn(text: &str) -> Result<u32, std::num::ParseIntError> {
    u32::from_str_radix(text, 16)
}

pub(super) fn run(arguments: &Device, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let passing = std::env::temp_dir().join(format!("kedge-device-{}.state", std::process::id()));
    let state = arguments.state.clone().unwrap_or_else(|| passing.clone());
    let mut shown = Shown { out: surroundings.out, ended: None, failed: None };
    let script = arguments.script.as_deref().map(Script::serve).transpose()?;
    let held = hold(arguments, script.as_ref(), &state, &mut shown);
    if arguments.state.is_none() {
        // It may never have been made.
        let _ = std::fs::remove_file(&passing);
    }
    held?;
    if let Some(error) = shown.failed {
        return Err(error.into());
    }
    let ended = shown.ended;
    if let Some(script) = script
        && !script.judge(surroundings.out)?
    {
        return Ok(Exit::Failed);
    }
    match ended {
        Some(End::Done) => Ok(Exit::Passed),
        Some(end) => {
            writeln!(surroundings.err, "kedge: the session ended: {end:?}")?;
            Ok(Exit::Failed)
        }
        None => {
            writeln!(surroundings.err, "kedge: no session was held")?;
            Ok(Exit::Failed)
        }
    }
}

/// Holds the session, and does what follows from it.
fn hold(
    arguments: &Device,
    script: Option<&Script>,
    state: &Path,
    shown: &mut Shown<'_>,
) -> anyhow::Result<()> {
    let mut flash = FileNor::new();
    let file = flash
        .add_file(state, JOURNAL + STORE + PACKAGE + 2 * SECTOR, Sync::InOrder)
        .with_context(|| format!("{}", state.display()))?;
    let region = |start, len| Region::new(file.start + start, len);
    let slots = JOURNAL + STORE + PACKAGE;
    let update = Layout {
        image: region(slots, SECTOR),
        mode: Mode::Slot { standby: region(slots + SECTOR, SECTOR) },
        package: region(JOURNAL + STORE, PACKAGE),
        journal: region(0, JOURNAL),
    };
    let mut ports = ports(arguments, script, flash)?;
    let config = Config {
        store: region(JOURNAL, STORE),
        update,
        device: PackageDevice {
            product: "kedge-device",
            version: None,
            security_counter: 0,
            keys: &[],
            trial_attempts: 1,
            memory: 0,
        },
        pri: Pri { objects: &[], spc: *b"000000" },
        capability: crate::handset::capability(),
        objects: &[],
    };
    let account = account(arguments);
    let setup = Management {
        language: "en",
        device_type: "desktop",
        oem: "Kedge",
        software: env!("CARGO_PKG_VERSION"),
        hardware: std::env::consts::ARCH,
        accounts: &[account],
        bootstrap: &[],
        bootstrap_by_push: false,
        root_acl: "Add=*&Delete=*&Exec=*&Get=*&Replace=*",
        coding: if arguments.xml { Coding::Xml } else { Coding::Wbxml },
    };
    let (mut receive, mut send, mut tree, mut work, mut texts) =
        (vec![0; 64 << 10], vec![0; 16 << 10], vec![0; 16 << 10], vec![0; 16 << 10], vec![0; 4 << 10]);
    let (mut engine, mut kept) = (Box::new(Engine::<0>::new()), Box::new(Kept::EMPTY));
    let buffers = Buffers { receive: &mut receive, send: &mut send };
    // Its network is the computer's: no short messages.
    let messages = Messages { cdma: None, gsm: None };
    let memory = Memory { buffers, engine: &mut engine, messages };
    let mut agent = Agent::<0>::start(config, memory, &mut ports.context(shown))?;
    let memory = ManagementMemory { tree: &mut tree, work: &mut work, texts: &mut texts, kept: &mut kept };
    agent.attach_management(setup, memory);
    if arguments.check_for_update {
        agent.check_for_update(&mut ports.context(shown))?;
    } else {
        agent.manage(&mut ports.context(shown), Some(&arguments.server_id))?;
    }
    for _ in 0..MOST_PAUSES {
        match run_agent(&mut agent, &mut ports, shown)? {
            Pause::Idle(Some(until)) if shown.ended.is_none_or(|end| end != End::Done) => {
                let now = kedge_platform::clock::Clock::uptime(&ports.clock);
                std::thread::sleep(until.saturating_sub(now));
            }
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// The server, as an account of the tree.
fn account(arguments: &Device) -> DmAccountSettings<'_> {
    let scheme = match arguments.auth {
        Proof::Basic => Scheme::Basic,
        Proof::Md5 => Scheme::Digest,
        Proof::Hmac => Scheme::Hmac,
    };
    let client = arguments.user.as_deref().zip(arguments.password.as_deref());
    let mut addresses = [None; MAX_ADDRESSES];
    let address = arguments.server.as_deref().unwrap_or(DM_URL);
    addresses[0] = Some(Address { address, kind: AddressType::Uri, port: None });
    DmAccountSettings {
        server: &arguments.server_id,
        preferred: client.map(|_| scheme),
        addresses,
        credentials: [
            client.map(|(name, secret)| credentials(Level::Client, scheme, name, secret)),
            arguments
                .server_password
                .as_deref()
                .map(|secret| credentials(Level::Server, scheme, &arguments.server_id, secret)),
            None,
        ],
        ..DmAccountSettings::default()
    }
}

fn credentials<'a>(level: Level, scheme: Scheme, name: &'a str, secret: &'a str) -> Credentials<'a> {
    Credentials { level, scheme, name, secret: Hidden(secret.as_bytes()), data: Hidden(&[]) }
}

fn ports(arguments: &Device, script: Option<&Script>, flash: FileNor) -> anyhow::Result<Ports<Desktop>> {
    let mut options = match script {
        Some(script) => script.options()?,
        None => Options::new(TIMEOUT),
    };
    if let Some(file) = &arguments.ca {
        let pem = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        options = options.trust_only(&pem)?;
    }
    let [make, model, version] = match arguments.identity.as_deref() {
        Some([make, model, version]) => [make, model, version].map(String::as_str),
        Some(_) => bail!("--identity needs three words"),
        None => ["Kedge", "Desktop", env!("CARGO_PKG_VERSION")],
    };
    Ok(Ports {
        flash,
        crypto: SoftCrypto,
        identity: MachineIdentity::new(HardwareId::Esn(arguments.esn), make, model, version)?,
        entropy: SystemEntropy::open()?,
        clock: SystemClock::new(),
        http: HttpClient::new(options),
        radio: Network,
        ui: User { answer: if arguments.yes { Answer::Yes } else { Answer::Later } },
        power: Stays,
    })
}

/// A script of a test case, played by real servers on loopback.
struct Script {
    running: Running,
}

impl Script {
    fn serve(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        let script = DmScript::parse(&text).with_context(|| format!("{}", file.display()))?;
        let mut operator = Operator::new(OperatorConfig::default());
        operator.play_script(script);
        Ok(Self { running: serve(Arc::new(Mutex::new(operator)), None)? })
    }

    fn options(&self) -> anyhow::Result<Options> {
        let options = Options::new(TIMEOUT).trust_only(&self.running.ca_pem)?.without_dns();
        Ok(options.resolve(DM_HOST, 443, self.running.https))
    }

    /// Says what the device did other than the script wants; whether it did nothing of the kind.
    fn judge(&self, out: &mut dyn std::io::Write) -> anyhow::Result<bool> {
        let operator = self.running.operator.lock().unwrap_or_else(PoisonError::into_inner);
        let mut good = !operator.managed().is_empty();
        for held in operator.managed() {
            good &= held.complete && held.violations.is_empty();
            for violation in &held.violations {
                writeln!(out, "script: {violation}")?;
            }
            if !held.complete {
                writeln!(out, "script: the session did not come to its end")?;
            }
        }
        writeln!(out, "script: {}", if good { "passed" } else { "failed" })?;
        Ok(good)
    }
}

/// This machine.
struct Desktop;

impl Board for Desktop {
    type Flash = FileNor;
    type Crypto = SoftCrypto;
    type Identity = MachineIdentity;
    type Entropy = SystemEntropy;
    type Clock = SystemClock;
    type Http = HttpClient;
    type Radio = Network;
    type Ui = User;
    type Power = Stays;
}

/// The machine is on the network by other means.
struct Network;

impl Radio for Network {
    fn open_data_call(&mut self, _: &str) -> Result<(), RadioError> {
        Ok(())
    }

    fn close_data_call(&mut self) {}

    fn register(&mut self, _: &[u8], _: &[u8]) -> Result<(), RadioError> {
        Ok(())
    }
}

/// Who sits before it.
struct User {
    answer: Answer,
}

impl Ui for User {
    fn prompt(&mut self, _: Prompt<'_>) -> Answer {
        self.answer
    }
}

/// It is not restarted.
struct Stays;

impl Power for Stays {
    fn restart(&mut self, _: Restart) {}
}

/// Shows what happens.
struct Shown<'w> {
    out: &'w mut dyn std::io::Write,
    /// How the last session ended.
    ended: Option<End>,
    failed: Option<std::io::Error>,
}

impl Shown<'_> {
    fn line(&mut self, text: &str) {
        if let Err(error) = writeln!(self.out, "{text}") {
            self.failed = self.failed.take().or(Some(error));
        }
    }

    /// A message, decoded if it is one of management.
    fn body(&mut self, content_type: &str, octets: &[u8]) {
        let coding = MediaType::parse(content_type).ok().as_ref().and_then(syncml::coding_of);
        let mut text = String::new();
        match coding.map(|coding| syncml::dump(coding, octets, &mut text)) {
            // Writing to a text does not fail; a broken message is shown up to its fault.
            Some(_) => self.line(text.trim_end()),
            None if octets.is_empty() => {}
            None => self.line(&format!("({} octets)", octets.len())),
        }
    }
}

impl Events for Shown<'_> {
    fn event(&mut self, now: Duration, event: &Event<'_>) {
        let at = now.as_secs_f64();
        match *event {
            Event::Request { method, url, headers, body } => {
                self.line(&format!("\n[{at:.3}] -> {method} {url}"));
                let named = headers.iter().find(|(name, _)| *name == "Content-Type");
                self.body(named.map_or("", |(_, value)| value), body);
            }
            Event::Reply { status, content_type, body, .. } => {
                self.line(&format!("\n[{at:.3}] <- {status}"));
                self.body(content_type, body);
            }
            Event::ManagementEnded(end) => {
                self.ended = Some(end);
                self.line(&format!("\n[{at:.3}] the session ended: {end:?}"));
            }
            Event::LinkDown(_)
            | Event::RetryIn(_)
            | Event::ManagementStarted { .. }
            | Event::ManagementImpossible { .. }
            | Event::Operation(_)
            | Event::AlertQueued(_)
            | Event::AlertDelivered
            | Event::PackageRefused(_)
            | Event::Prompted(_) => self.line(&format!("[{at:.3}] {event:?}")),
            _ => {}
        }
    }
}
