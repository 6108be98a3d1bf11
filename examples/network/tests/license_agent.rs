//! The license in the agent: a whole device, its own loop, the data call, HTTP, and the provisioning server. What the
//! scenarios of `license_flows` show for the cache, these show for the agent that owns it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use kedge_agent::agent::{Agent, Buffers, LicenseSetup, Memory};
use kedge_agent::config::{Config, Pri};
use kedge_agent::event::{Event, Events};
use kedge_agent::license::{self, Boot, LicenseEvent, Place, Server, Verdict};
use kedge_agent::runner::{Board, Pause, Ports, run};
use kedge_network::provisioning::{ENTRY_URL, Names, PROVISIONING_HOST, Policy as Terms, Provisioning};
use kedge_platform::clock::{Clock as _, TimeOfDay};
use kedge_platform::flash::Region;
use kedge_platform::identity::HardwareId;
use kedge_platform::license::DeviceKey;
use kedge_platform::ui::{Answer, Prompt, Ui};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::bearer::{Bearer, Request, Response, Server as Peer};
use kedge_platform_sim::clock::Clock;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_platform_sim::power::Power;
use kedge_platform_sim::radio::{Event as Air, Radio};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::is683;
use kedge_protocol::is683::engine::{Capability, Carried, Engine};
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::session::{self, Outcome};
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::verdict::Denial;
use kedge_protocol::license::{KeyId, Level, Op, State};
use kedge_update_agent::{Device, Layout, Mode};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

const NAMES: Names = Names { vendor: "example", product: "example-client", issuer: "prov.example" };
const START: u64 = 1_893_456_000;
const DAY: Duration = Duration::from_secs(86_400);
const UEID: &[u8] = &[3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 0];
const PRI: [(&str, &str); 2] =
    [("iota/boot-nai", "activate@example"), ("iota/trusted-domain", "example.com")];

type Flash = Nor<4, 4096>;

struct Trusted([u8; 32]);

impl KeyStore for Trusted {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        let known = digest(&SHA256, &self.0).as_ref()[..8] == *id;
        known.then_some(IssuerKey { key: self.0, roles: 3, issuer: "prov.example" })
    }
}

struct Chip(Ed25519KeyPair);

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

/// The server at the other end of the line, and what goes wrong there.
#[derive(Clone)]
struct Net {
    server: Rc<RefCell<Provisioning>>,
    clock: Clock,
    /// Answers that are lost from now on: all, or those to reports.
    down: Rc<RefCell<(bool, bool)>>,
    /// Requests that came.
    asked: Rc<RefCell<Vec<(Duration, String)>>>,
}

impl Net {
    fn new() -> Self {
        let server = Provisioning::new(NAMES, Terms::default(), [1; 32]);
        Self {
            server: Rc::new(RefCell::new(server)),
            clock: Clock::new(),
            down: Rc::default(),
            asked: Rc::default(),
        }
    }

    /// How often something with this in its URL was asked.
    fn count(&self, part: &str) -> usize {
        self.asked.borrow().iter().filter(|(_, url)| url.contains(part)).count()
    }
}

impl TimeOfDay for Net {
    fn seconds(&self) -> Option<u64> {
        Some(START + self.clock.uptime().as_secs())
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
        self.server.borrow_mut().exchange(START + now.as_secs(), request)
    }
}

/// The user: does what he is told to do elsewhere.
struct Person {
    net: Net,
    account: &'static str,
    pays: bool,
    shown: Vec<String>,
}

impl Ui for Person {
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer {
        self.shown.push(format!("{prompt:?}"));
        if let Prompt::Elsewhere { url, code, .. } = prompt {
            assert!(url.contains(PROVISIONING_HOST));
            let mut server = self.net.server.borrow_mut();
            if code.starts_with("PAY") {
                let _ = self.pays && server.pay(code);
            } else {
                assert!(server.sign_up(code, self.account));
            }
        }
        Answer::Later
    }
}

struct Parts;

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
struct Log {
    lines: Vec<String>,
    outcomes: Vec<Outcome>,
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

fn capability(hardware: is683::HardwareId) -> Capability {
    Capability {
        firmware_rev: 1,
        model: 1,
        band_mode: 0,
        max_prl_size: 1024,
        extended_prl: false,
        max_sid_nid: 4,
        scm: 0,
        mob_p_rev: 6,
        hardware,
        packet_data: None,
        carried: Carried::NONE,
    }
}

/// A device, off: what survives, and its ports.
struct Handset {
    net: Net,
    ports: Ports<Parts>,
    trusted: Trusted,
    seed: u8,
    log: Log,
}

type Life<'b> = Agent<'b, 1024>;

impl Handset {
    fn new(net: &Net, seed: u8) -> Self {
        let chip = chip(seed);
        net.server.borrow_mut().register(&chip.public_key());
        let trusted = Trusted(net.server.borrow().public_key().try_into().expect("32 octets"));
        let user = Person { net: net.clone(), account: "alice", pays: true, shown: Vec::new() };
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
    fn start<T>(&mut self, live: impl FnOnce(&mut Life<'_>, &mut Ports<Parts>, &mut Log) -> T) -> Option<T> {
        let Self { net, ports, trusted, seed, log } = self;
        ports.flash.power_on();
        let (mut receive, mut send) = (vec![0; 8192], vec![0; 8192]);
        let mut engine = Box::new(Engine::<1024>::new());
        let mut messages = Box::default();
        let mut chip = chip(*seed);
        let buffers = Buffers { receive: &mut receive, send: &mut send };
        let memory = Memory { buffers, engine: &mut engine, messages: &mut messages };
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
        let config = Config { store: region(8, 8), update, device, pri, capability, objects: &[] };
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
            place: Place::Flash(region(16, 4)),
            clock: Some(net),
        };
        agent.license_begin(&mut ports.context(log), setup).ok()?.ok()?;
        Some(live(&mut agent, ports, log))
    }

    /// A start in which the agent does what it wants to do; how the license stands then.
    fn live(&mut self) -> Option<(Verdict, State)> {
        self.start(|agent, ports, log| {
            go(agent, ports, log)?;
            let status = agent.license_status(ports.clock.uptime())?;
            // trouble with the license stops nothing, so that a power cut may have gone unnoticed
            ports.flash.is_on().then_some((status.verdict, status.terms.state))
        })?
    }
}

fn chip(seed: u8) -> Chip {
    Chip(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed"))
}

/// Runs until nothing is to be done; the time until which. `None`: the power failed.
fn go(agent: &mut Life<'_>, ports: &mut Ports<Parts>, log: &mut Log) -> Option<Option<Duration>> {
    match run(agent, ports, log).ok()? {
        Pause::Idle(until) => Some(until),
        Pause::Restarted(why) => panic!("no reason to restart: {why:?}"),
    }
}

#[test]
fn a_device_gets_its_trial_by_itself_and_then_buys() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Trial)));
    let Log { lines, outcomes } = core::mem::take(&mut handset.log);
    assert_eq!(lines[0], format!("Found({:?})", Boot::Nothing));
    assert!(lines.iter().any(|line| line.starts_with("Elsewhere")), "the user signed up: {lines:?}");
    assert_eq!(outcomes, [Outcome::Installed { state: State::Trial, reported: true }]);
    assert_eq!(net.server.borrow().reports(), (vec![1], 1));
    let calls: Vec<_> =
        handset.ports.radio.events().iter().map(|air| matches!(air, Air::Opened(_))).collect();
    assert_eq!(calls, [true, false], "one call, opened and closed");

    // the refresh date comes; nobody touches the device
    let reached = handset.start(|agent, ports, log| {
        for _ in 0..200 {
            let Some(until) = go(agent, ports, log)? else { return Some(agent.verdict(Duration::MAX)) };
            ports.clock.sleep_until(until);
            if net.clock.uptime() > 15 * DAY {
                break;
            }
        }
        go(agent, ports, log)?;
        Some(agent.verdict(ports.clock.uptime()))
    });
    assert_eq!(reached, Some(Some(Some(Verdict::Allowed))), "paid when the trial was over");
    let last = handset.log.outcomes.last().copied();
    assert_eq!(last, Some(Outcome::Installed { state: State::Full, reported: true }));
    assert!(handset.log.outcomes.len() < 24 * 15, "not more often than once an hour");
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Full)), "after a restart too");
}

#[test]
fn a_report_that_was_lost_is_delivered_later_and_once() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    net.down.borrow_mut().1 = true;
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Trial)));
    assert_eq!(net.server.borrow().reports(), (vec![], 1));
    assert!(
        handset.start(|agent, _, _| agent.license_status(Duration::ZERO).is_some_and(|s| s.report_due))
            == Some(true)
    );
    net.down.borrow_mut().1 = false;
    handset.live().expect("power");
    assert_eq!(net.server.borrow().reports(), (vec![1], 1));
    handset.live().expect("power");
    assert_eq!(net.count("/ack"), 2, "one that was lost, one that was not");
}

#[test]
fn a_server_that_is_down_is_not_flooded_and_takes_nothing_away() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    net.down.borrow_mut().0 = true;
    let asked = handset.start(|agent, ports, log| {
        for _ in 0..200 {
            let Some(until) = go(agent, ports, log)? else { return None };
            ports.clock.sleep_until(until);
            if net.clock.uptime() > 2 * DAY {
                break;
            }
        }
        Some(net.asked.borrow().len())
    });
    let asked = asked.flatten().expect("power");
    assert!((10..=48).contains(&asked), "{asked} requests in two days");
    net.down.borrow_mut().0 = false;
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Trial)));
    net.down.borrow_mut().0 = true;
    let still = handset.start(|agent, ports, log| {
        assert!(agent.license_request(ports.clock.uptime(), Op::MY_ACCOUNT));
        assert!(!agent.license_request(ports.clock.uptime(), Op::MY_ACCOUNT), "once in two seconds");
        go(agent, ports, log)?;
        agent.verdict(ports.clock.uptime())
    });
    assert_eq!(still, Some(Some(Verdict::Allowed)));
    assert!(matches!(handset.log.outcomes.last(), Some(Outcome::Http { status: 503, .. })));
}

#[test]
fn who_does_not_pay_is_denied_and_may_pay_later() {
    let net = Net::new();
    let mut handset = Handset::new(&net, 2);
    handset.live().expect("power");
    handset.ports.ui.pays = false;
    net.clock.advance(15 * DAY);
    assert_eq!(handset.live(), Some((Verdict::Denied(Denial::Expired), State::Trial)));
    assert_eq!(handset.log.outcomes.last(), Some(&Outcome::TimedOut));
    handset.ports.ui.pays = true;
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Full)));
}

/// The power is cut in flash operation after flash operation of the first start, at several places inside each: the device
/// always ends with one trial, reported once.
#[test]
fn the_power_may_fail_anywhere() {
    let clean = {
        let mut handset = Handset::new(&Net::new(), 2);
        handset.live().expect("power");
        handset.ports.flash.work().operations()
    };
    let mut cases = 0;
    for at in 0..clean {
        let cuts = [Cut::Before, Cut::After, Cut::Torn { seed: at }, Cut::TornAt { octet: 5, seed: at }];
        for cut in cuts {
            let net = Net::new();
            let mut handset = Handset::new(&net, 2);
            handset.ports.flash.cut_at(at, cut);
            let ended = (0..4).find_map(|_| handset.live());
            assert_eq!(ended, Some((Verdict::Allowed, State::Trial)), "{at} {cut:?}");
            // what was left to report is reported by the next start at the latest
            handset.live().expect("power");
            let server = net.server.borrow();
            let (reported, issued) = server.reports();
            assert!(
                !reported.is_empty() && reported.len() <= issued,
                "{at} {cut:?}: {reported:?} of {issued}"
            );
            assert!(handset.ports.flash.misuses().is_empty(), "{:?}", handset.ports.flash.misuses());
            cases += 1;
        }
    }
    println!("{cases} cases with the power cut, 0 violations");
    assert!(cases > 100, "{cases}");
}
