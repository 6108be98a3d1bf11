//! A whole device with a license, and a network that answers it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use kedge_agent::agent::{Agent, Buffers, LicenseSetup, Memory, Messages};
use kedge_agent::config::{Config, Pri};
use kedge_agent::event::{Event, Events};
use kedge_agent::license::{self, LicenseEvent, Place, Server, Verdict};
use kedge_agent::runner::{Board, Pause, Ports, run};
use kedge_network::provisioning::{ENTRY_URL, Names, PROVISIONING_HOST, Policy as Terms, Provisioning};
use kedge_platform::clock::{Clock as _, TimeOfDay};
use kedge_platform::flash::Region;
use kedge_platform::identity::HardwareId;
use kedge_platform::license::DeviceKey;
use kedge_platform::ui::{Answer, Prompt, Ui};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_linux::license::RingUnsealer;
use kedge_platform_sim::bearer::{Bearer, Request, Response, Server as Peer};
use kedge_platform_sim::clock::Clock;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::Nor;
use kedge_platform_sim::power::Power;
use kedge_platform_sim::radio::Radio;
use kedge_platform_sim::random::Seeded;
use kedge_protocol::is683::engine::{Capability, Engine};
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::session::{self, Outcome};
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{KeyId, Level, State};
use kedge_update_agent::{Device, Layout, Mode};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

pub(crate) const NAMES: Names =
    Names { vendor: "example", product: "example-client", issuer: "prov.example" };
pub(crate) const START: u64 = 1_893_456_000;
/// How often the server wants to be asked while the user does something.
pub(crate) const POLL: Duration = Duration::from_secs(5);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const UEID: &[u8] = &[3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 0];
const PRI: [(&str, &str); 3] = [
    ("iota/boot-url", "http://prov.example.com/boot"),
    ("iota/boot-nai", "activate@example"),
    ("iota/trusted-domain", "example.com"),
];

pub(crate) type Flash = Nor<4, 4096>;

struct Trusted([u8; 32]);

impl KeyStore for Trusted {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        let known = digest(&SHA256, &self.0).as_ref()[..8] == *id;
        known.then_some(IssuerKey { key: self.0, roles: 7, issuer: "prov.example" })
    }
}

pub(crate) struct Chip(Ed25519KeyPair);

impl DeviceKey for Chip {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().expect("32 octets")
    }

    fn sign(&self, message: &[&[u8]]) -> [u8; 64] {
        self.0.sign(&message.concat()).as_ref().try_into().expect("64 octets")
    }

    fn record_secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// Answers requests in the place of the server.
pub(crate) type Stand = Box<dyn FnMut(&Request) -> Response>;

/// The server at the other end of the line, and what goes wrong there.
#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) server: Rc<RefCell<Provisioning>>,
    pub(crate) clock: Clock,
    /// Answers that are lost from now on: all, or those to reports.
    pub(crate) down: Rc<RefCell<(bool, bool)>>,
    /// What answers in the server's place, if anything.
    pub(crate) answer: Rc<RefCell<Option<Stand>>>,
    /// What the device's clock is wrong by, in seconds.
    pub(crate) wrong: Rc<Cell<i64>>,
    /// Requests that came.
    pub(crate) asked: Rc<RefCell<Vec<(Duration, String)>>>,
}

impl Net {
    pub(crate) fn new() -> Self {
        let server = Provisioning::new(NAMES, Terms::default(), [1; 32]);
        Self {
            server: Rc::new(RefCell::new(server)),
            clock: Clock::new(),
            down: Rc::default(),
            answer: Rc::default(),
            wrong: Rc::default(),
            asked: Rc::default(),
        }
    }

    /// Seconds since 1970.
    fn now(&self) -> u64 {
        START + self.clock.uptime().as_secs()
    }

    /// How often something with this in its URL was asked.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.asked.borrow().iter().filter(|(_, url)| url.contains(part)).count()
    }
}

impl TimeOfDay for Net {
    fn seconds(&self) -> Option<u64> {
        Some(self.now().saturating_add_signed(self.wrong.get()))
    }
}

impl Peer for Net {
    fn exchange(&mut self, request: &Request) -> Response {
        let now = self.clock.uptime();
        self.asked.borrow_mut().push((now, request.url.clone()));
        let (all, reports) = *self.down.borrow();
        if all || (reports && request.method == "POST") {
            return Response::new(503).with_header("Content-Length", "0");
        }
        if let Some(answer) = self.answer.borrow_mut().as_mut() {
            return answer(request);
        }
        self.server.borrow_mut().exchange(START + now.as_secs(), request)
    }
}

/// The user: does what he is told to do elsewhere.
pub(crate) struct Person {
    net: Net,
    account: &'static str,
    pub(crate) pays: bool,
    /// Does nothing of what he is told.
    pub(crate) idle: bool,
    pub(crate) shown: Vec<String>,
}

impl Ui for Person {
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer {
        self.shown.push(format!("{prompt:?}"));
        if let Prompt::Elsewhere { url, code, .. } = prompt {
            assert!(url.contains(PROVISIONING_HOST));
            if self.idle {
                return Answer::Later;
            }
            let (mut server, now) = (self.net.server.borrow_mut(), self.net.now());
            if url.ends_with("/pay") {
                let _ = self.pays && server.pay(code, now);
            } else if url.ends_with("/account") {
                assert!(server.done(code, now));
            } else {
                assert!(server.sign_up(code, self.account, now));
            }
        }
        Answer::Later
    }
}

pub(crate) struct Parts;

impl Board for Parts {
    type Flash = Flash;
    type Crypto = SoftCrypto;
    type Identity = Identity;
    type Entropy = Seeded;
    type Clock = Clock;
    type Http = Bearer<Net>;
    type Radio = Radio;
    type Ui = Person;
    type Power = Power;
}

/// The license events, as text.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) lines: Vec<String>,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Events for Log {
    fn event(&mut self, _: Duration, event: &Event<'_>) {
        if let Event::License(event) = event {
            self.lines.push(format!("{event:?}"));
            if let LicenseEvent::Ended(outcome) = event {
                self.outcomes.push(*outcome);
            }
        }
        if let Event::Request { url, .. } = event {
            assert!(!url.contains('?'), "tokens are not logged: {url}");
        }
    }
}

fn capability() -> Capability {
    Capability { firmware_rev: 1, model: 1, max_prl_size: 1024, max_sid_nid: 4, ..Capability::PLAIN }
}

/// A device, off: what survives, and its ports.
pub(crate) struct Handset {
    net: Net,
    pub(crate) ports: Ports<Parts>,
    trusted: Trusted,
    seed: u8,
    pub(crate) log: Log,
}

pub(crate) type Life<'b> = Agent<'b, 1024>;

impl Handset {
    pub(crate) fn new(net: &Net, seed: u8) -> Self {
        let chip = chip(seed);
        net.server.borrow_mut().register(&chip.public_key());
        let trusted = Trusted(net.server.borrow().public_key().try_into().expect("32 octets"));
        let user = Person { net: net.clone(), account: "alice", pays: true, idle: false, shown: Vec::new() };
        let ports = Ports {
            flash: Nor::new(20),
            crypto: SoftCrypto,
            identity: Identity::new(HardwareId::Esn(1), "Make", "Model", "1").expect("legal"),
            entropy: Seeded::new(seed.into()),
            clock: net.clock.clone(),
            http: Bearer::new(net.clone()),
            radio: Radio::new(),
            ui: user,
            power: Power::new(),
        };
        Self { net: net.clone(), ports, trusted, seed, log: Log::default() }
    }

    /// Starts, lets `live` happen, and switches off. `None` if the power fails before that.
    pub(crate) fn start<T>(
        &mut self,
        live: impl FnOnce(&mut Life<'_>, &mut Ports<Parts>, &mut Log) -> T,
    ) -> Option<T> {
        let Self { net, ports, trusted, seed, log } = self;
        ports.flash.power_on();
        let (mut receive, mut send) = (vec![0; 8192], vec![0; 8192]);
        let mut engine = Box::new(Engine::<1024>::new());
        let mut messages = Box::default();
        let mut chip = chip(*seed);
        let mut unsealer = RingUnsealer::new();
        let buffers = Buffers { receive: &mut receive, send: &mut send };
        let memory = Memory { buffers, engine: &mut engine, messages: Messages::cdma(&mut messages) };
        let region = |sector: u32, sectors: u32| Region::new(sector * 4096, sectors * 4096);
        let update = Layout {
            image: region(0, 1),
            mode: Mode::InPlace { scratch: region(1, 1) },
            package: region(2, 2),
            journal: region(4, 2),
        };
        let device = Device {
            product: "p",
            version: None,
            security_counter: 0,
            keys: &[],
            trial_attempts: 1,
            memory: 0,
        };
        let pri = Pri { objects: &PRI, spc: *b"000000" };
        let config =
            Config { store: region(8, 8), update, device, pri, capability: capability(), objects: &[] };
        let mut agent = Agent::start(config, memory, &mut ports.context(log)).ok()?;
        let setup = LicenseSetup {
            config: license::Config {
                policy: Policy {
                    vendor: NAMES.vendor,
                    product: NAMES.product,
                    max_document: 2048,
                    level: Level::Key,
                    build_time: 1_700_000_000,
                    allow_unsolicited: false,
                    allow_eddsa: false,
                },
                ueid: UEID,
                model: "model",
                version: "1",
                capabilities: 1,
                has_clock: true,
            },
            server: Server {
                entry: ENTRY_URL,
                session: session::Config {
                    vendor: NAMES.vendor,
                    user_agent: "example-client/1",
                    language: None,
                    allowed: Allowed { hosts: &[PROVISIONING_HOST], http: false },
                    browser: false,
                },
            },
            keys: trusted,
            key: Some(&mut chip),
            unsealer: Some(&mut unsealer),
            cookies: None,
            place: Place::Flash(region(16, 4)),
            clock: Some(net),
        };
        agent.license_begin(&mut ports.context(log), setup).ok()?.ok()?;
        Some(live(&mut agent, ports, log))
    }

    /// A start in which the agent does what it wants to do; how the license stands then.
    pub(crate) fn live(&mut self) -> Option<(Verdict, State)> {
        self.start(|agent, ports, log| {
            go(agent, ports, log)?;
            let status = agent.license_status(ports.clock.uptime())?;
            // trouble with the license stops nothing, so that a power cut may have gone unnoticed
            ports.flash.is_on().then_some((status.verdict, status.terms.state))
        })?
    }
}

pub(crate) fn chip(seed: u8) -> Chip {
    Chip(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed"))
}

/// Runs until nothing is to be done for longer than between two polls; the time until which. `None`: the power failed.
#[expect(clippy::option_option, reason = "no more power, or nothing more to do")]
pub(crate) fn go(agent: &mut Life<'_>, ports: &mut Ports<Parts>, log: &mut Log) -> Option<Option<Duration>> {
    loop {
        match run(agent, ports, log).ok()? {
            Pause::Idle(Some(until)) if until <= ports.clock.uptime() + POLL => {
                ports.clock.sleep_until(until);
            }
            Pause::Idle(until) => return Some(until),
            Pause::Restarted(why) => panic!("no reason to restart: {why:?}"),
        }
    }
}
