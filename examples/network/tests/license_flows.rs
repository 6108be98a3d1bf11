//! The scenarios of section 10 of the license specification: a device on simulated flash in virtual time, its HTTP port, and
//! the provisioning server. Each is played to its end state.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use kedge_agent::license::runner::{Line, Server, Watch};
use kedge_agent::license::{Boot, Config, Configure, Licensing, NorStore, Now, Ports, Verdict};
use kedge_network::provisioning::{ENTRY_URL, Names, PROVISIONING_HOST, Policy as Terms, Provisioning};
use kedge_platform::clock::Clock as _;
use kedge_platform::entropy::Entropy as _;
use kedge_platform::flash::Region;
use kedge_platform::license::DeviceKey;
use kedge_platform_crypto::SoftSha256;
use kedge_platform_sim::bearer::{Bearer, Request, Response, Server as Peer};
use kedge_platform_sim::clock::Clock;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::answer::{ProblemCode, UserAction};
use kedge_protocol::license::session::{self, Outcome, URL_BUFFER};
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::verdict::Denial;
use kedge_protocol::license::{Code, Configuration, KeyId, Level, Op, State, Verifier};
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

const NAMES: Names = Names { vendor: "example", product: "example-client", issuer: "prov.example" };
const START: u64 = 1_893_456_000;
const DAY: u64 = 86_400;
type Flash = Nor<4, 4096>;

struct Ring;

impl Verifier for Ring {
    fn verify(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, public_key).verify(&message.concat(), signature).is_ok()
    }

    fn sha256(&self, octets: &[u8]) -> [u8; 32] {
        digest(&SHA256, octets).as_ref().try_into().expect("32 octets")
    }
}

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

/// Takes every configuration, and counts.
#[derive(Default)]
struct Settings(usize);

impl Configure for Settings {
    fn dry_run(&mut self, configuration: &Configuration<'_>) -> bool {
        configuration.check().is_ok()
    }

    fn apply(&mut self, _: &Configuration<'_>) -> bool {
        self.0 += 1;
        true
    }
}

/// What goes wrong between device and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    None,
    /// This bit of each document is turned on its way.
    Bit(usize),
    /// Reports are lost.
    NoReports,
}

/// The server as the other end of the line, with the truth about the time.
#[derive(Clone)]
struct Net {
    server: Rc<RefCell<Provisioning>>,
    truth: Rc<RefCell<u64>>,
    clock: Clock,
    trouble: Rc<RefCell<Trouble>>,
    /// The last document that went by.
    document: Rc<RefCell<Vec<u8>>>,
}

impl Net {
    fn new(terms: Terms) -> Self {
        let server = Provisioning::new(NAMES, terms, [1; 32]);
        Self {
            server: Rc::new(RefCell::new(server)),
            truth: Rc::new(RefCell::new(START)),
            clock: Clock::new(),
            trouble: Rc::new(RefCell::new(Trouble::None)),
            document: Rc::default(),
        }
    }

    fn now(&self) -> u64 {
        *self.truth.borrow() + self.clock.uptime().as_secs()
    }

    fn wait(&self, days: u64) {
        *self.truth.borrow_mut() += days * DAY;
    }
}

impl Peer for Net {
    fn exchange(&mut self, request: &Request) -> Response {
        let trouble = *self.trouble.borrow();
        if trouble == Trouble::NoReports && request.method == "POST" {
            return Response::new(503).with_header("Content-Length", "0");
        }
        let mut response = self.server.borrow_mut().exchange(self.now(), request);
        if response.header("Content-Type") == Some("application/vnd.example.provisioning+cbor") {
            self.document.borrow_mut().clone_from(&response.body);
            if let Trouble::Bit(bit) = trouble {
                let len = response.body.len();
                response.body[bit / 8 % len] ^= 1 << (bit % 8);
            }
        }
        response
    }
}

/// What the user does when shown a code.
#[derive(Clone, Copy)]
struct User<'u> {
    net: &'u Net,
    account: &'u str,
    pays: bool,
}

impl Watch for User<'_> {
    fn show(&mut self, action: &UserAction<'_>) {
        let (mut server, now) = (self.net.server.borrow_mut(), self.net.now());
        assert!(action.url.contains(PROVISIONING_HOST));
        let done = if action.url.ends_with("/pay") {
            self.pays && server.pay(action.code, now)
        } else if action.url.ends_with("/account") {
            server.done(action.code, now)
        } else {
            server.sign_up(action.code, self.account, now)
        };
        assert!(done || !self.pays, "the code is good: {}", action.code);
    }

    fn browse(&mut self, url: &str) {
        panic!("no browser: {url}");
    }

    fn dispatch(&mut self, media_type: &str, _: &[u8]) {
        panic!("nothing to dispatch: {media_type}");
    }
}

struct Handset {
    net: Net,
    store: NorStore<Flash, SoftSha256>,
    chip: Chip,
    trusted: Trusted,
    ueid: &'static [u8],
    settings: Settings,
    entropy: Seeded,
    licensing: Option<Licensing<'static>>,
    /// What its clock is wrong by.
    offset: i64,
}

const PLACE: Region = Region::new(0, 4 * 4096);

impl Handset {
    fn new(net: &Net, seed: u8, ueid: &'static [u8]) -> Self {
        let chip = Chip(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed"));
        net.server.borrow_mut().register(&chip.public_key());
        let trusted = Trusted(net.server.borrow().public_key().try_into().expect("32 octets"));
        let mut handset = Self {
            net: net.clone(),
            store: NorStore::new(Nor::new(4), PLACE).expect("geometry"),
            chip,
            trusted,
            ueid,
            settings: Settings::default(),
            entropy: Seeded::new(seed.into()),
            licensing: None,
            offset: 0,
        };
        assert_eq!(handset.start(), Some(Boot::Nothing));
        handset
    }

    fn with_flash(&mut self, flash: Flash) {
        self.store = NorStore::new(flash, PLACE).expect("geometry");
    }

    fn flash(&mut self) -> Flash {
        self.store.flash().clone()
    }

    fn now(&self) -> Now {
        let rtc = self.net.now().saturating_add_signed(self.offset);
        Now { uptime: self.net.clock.uptime(), rtc: Some(rtc) }
    }

    /// Starts; `None` if the power fails meanwhile.
    fn start(&mut self) -> Option<Boot> {
        let mut flash = self.flash();
        flash.power_on();
        self.with_flash(flash);
        let config = Config {
            policy: Policy {
                vendor: NAMES.vendor,
                product: NAMES.product,
                max_document: 2048,
                level: Level::Key,
                build_time: 1_700_000_000,
                allow_unsolicited: false,
                allow_eddsa: false,
            },
            ueid: self.ueid,
            model: "model",
            version: "1",
            capabilities: 1,
            has_clock: true,
        };
        let now = self.now();
        let mut ports = Ports {
            keys: &self.trusted,
            verifier: &Ring,
            key: Some(&mut self.chip),
            configure: &mut self.settings,
        };
        let booted = Licensing::boot(config, now, &mut self.store, &mut ports, &mut [0; 2048]);
        let (licensing, boot) = booted.ok()?;
        self.licensing = Some(licensing);
        Some(boot)
    }

    /// Asks for `op`; `None` if the power fails meanwhile.
    fn ask(&mut self, op: Op, account: &str, pays: bool) -> Option<Outcome> {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce);
        let (net, offset) = (self.net.clone(), self.offset);
        let rtc = || Some(net.now().saturating_add_signed(offset));
        let mut user = User { net: &net, account, pays };
        let mut http = Bearer::new(net.clone());
        let mut clock = net.clock.clone();
        let mut line = Line {
            store: &mut self.store,
            http: &mut http,
            clock: &mut clock,
            rtc: &rtc,
            receive: &mut [0; 2048],
            urls: &mut [0; URL_BUFFER],
            unsealer: None,
            cookies: &mut [],
            watch: &mut user,
        };
        let server = Server {
            entry: ENTRY_URL,
            session: session::Config {
                vendor: NAMES.vendor,
                user_agent: "example-client/1",
                language: None,
                allowed: Allowed { hosts: &[PROVISIONING_HOST], http: false },
                browser: false,
            },
        };
        let mut ports = Ports {
            keys: &self.trusted,
            verifier: &Ring,
            key: Some(&mut self.chip),
            configure: &mut self.settings,
        };
        let licensing = self.licensing.as_mut().expect("started");
        let outcome = line.transact(licensing, op, nonce, &server, &mut ports).ok();
        assert!(http.misuses().is_empty(), "{:?}", http.misuses());
        outcome
    }

    fn activate(&mut self, account: &str) -> Option<Outcome> {
        self.ask(Op::ACTIVATE, account, true)
    }

    fn verdict(&self) -> Verdict {
        self.licensing.as_ref().expect("started").verdict(self.now())
    }

    fn state(&self) -> State {
        self.licensing.as_ref().expect("started").terms().state
    }

    fn end(&self) -> Option<u64> {
        self.licensing.as_ref().expect("started").terms().expires
    }
}

const A: &[u8] = &[3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 0];
const B: &[u8] = &[3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 1];

#[allow(clippy::unnecessary_wraps, reason = "compared with an outcome that a power cut may prevent")]
fn installed(state: State) -> Option<Outcome> {
    Some(Outcome::Installed { state, reported: true })
}

#[allow(clippy::unnecessary_wraps, reason = "as above")]
fn problem(code: ProblemCode) -> Option<Outcome> {
    Some(Outcome::Problem { code: Some(code), status: 403, retry_after: None })
}

#[test]
fn license_trial() {
    let net = Net::new(Terms::default());
    let mut a = Handset::new(&net, 2, A);
    assert_eq!(a.licensing.as_ref().expect("started").refresh_due(a.now()), Some(Op::ACTIVATE));
    assert_eq!(a.activate("alice"), installed(State::Trial));
    assert_eq!((a.verdict(), a.settings.0), (Verdict::Allowed, 1));
    assert_eq!(net.server.borrow().reports(), (vec![1], 1));
    net.wait(14);
    assert_eq!(a.start(), Some(Boot::Whole));
    assert_eq!(a.verdict(), Verdict::Denied(Denial::Expired));
}

#[test]
fn license_purchase() {
    let net = Net::new(Terms::default());
    let mut a = Handset::new(&net, 2, A);
    a.activate("alice");
    net.wait(13);
    a.start();
    assert_eq!(a.verdict(), Verdict::RefreshDue);
    assert_eq!(a.ask(Op::REFRESH, "alice", true), installed(State::Trial), "the trial still runs");
    net.wait(2);
    a.start();
    assert_eq!(a.ask(Op::REFRESH, "alice", false), Some(Outcome::TimedOut), "the user does not pay");
    assert_eq!(a.verdict(), Verdict::Denied(Denial::Expired));
    assert_eq!(a.ask(Op::REFRESH, "alice", true), installed(State::Full));
    assert_eq!((a.verdict(), a.end()), (Verdict::Allowed, None));
    let terms = a.licensing.as_ref().expect("started").terms();
    assert!(terms.any_service, "usable with any service provider");
    net.wait(5000);
    a.start();
    assert_eq!(a.verdict(), Verdict::Allowed);
}

#[test]
fn license_reinstall() {
    let net = Net::new(Terms::default());
    let mut a = Handset::new(&net, 2, A);
    a.activate("alice");
    let end = a.end();
    net.wait(3);
    a.with_flash(Nor::new(4));
    assert_eq!(a.start(), Some(Boot::Nothing));
    assert_eq!(a.verdict(), Verdict::Denied(Denial::Unknown));
    assert_eq!(a.activate("nobody is asked"), installed(State::Trial));
    assert_eq!(a.end(), end, "the same end date");
    // ten times a year, and no more
    let mut outcome = None;
    for _ in 0..10 {
        a.with_flash(Nor::new(4));
        a.start();
        outcome = a.activate("alice");
    }
    assert_eq!(outcome, problem(ProblemCode::BLOCKED));
    // row 10: the server's serials are lost, a new epoch begins above every floor
    net.wait(366);
    net.server.borrow_mut().account("alice").paid = true;
    net.server.borrow_mut().lose_serials();
    assert_eq!(a.activate("alice"), installed(State::Full));
    assert_eq!(a.licensing.as_ref().expect("started").floor().epoch, 2);
}

#[test]
fn license_transfer() {
    for lease in [None, Some((90, 60, 7))] {
        let net = Net::new(Terms { lease, ..Terms::default() });
        let (mut a, mut b) = (Handset::new(&net, 2, A), Handset::new(&net, 3, B));
        net.server.borrow_mut().account("alice").paid = true;
        assert_eq!(a.activate("alice"), installed(State::Full));
        assert_eq!(b.activate("alice"), installed(State::Full));
        assert_eq!(net.server.borrow_mut().account("alice").moves.len(), 1);
        assert!(a.verdict().permits(), "the old installation keeps working");
        net.wait(61);
        a.start();
        let refreshed = a.ask(Op::REFRESH, "alice", true);
        if lease.is_none() {
            assert_eq!((refreshed, a.verdict()), (installed(State::Full), Verdict::Allowed));
        } else {
            assert_eq!(refreshed, problem(ProblemCode::ACCOUNT_MISMATCH));
            assert_eq!(a.verdict(), Verdict::RefreshDue, "until its lease ends");
            net.wait(40);
            a.start();
            assert_eq!(a.verdict(), Verdict::Denied(Denial::Expired));
        }
    }
}

#[test]
fn license_abuse() {
    let net = Net::new(Terms::default());
    let mut a = Handset::new(&net, 2, A);
    a.activate("alice");
    a.with_flash(Nor::new(4));
    a.start();
    net.server.borrow_mut().account("mallory");
    // the device belongs to alice: the server does not ask again, so the other account is named by release and sign-up
    assert_eq!(a.ask(Op::RELEASE, "alice", true), installed(State::Unknown));
    assert_eq!(a.activate("mallory"), problem(ProblemCode::TRIAL_USED));
    assert_eq!(a.state(), State::Unknown);
    // the fourth move in a year
    let (mut one, mut two) = (Handset::new(&net, 4, A), Handset::new(&net, 5, B));
    net.server.borrow_mut().account("bob").paid = true;
    let mut last = one.activate("bob");
    for n in 0..4 {
        let device = if n % 2 == 0 { &mut two } else { &mut one };
        last = device.activate("bob");
        if n < 3 {
            assert_eq!(last, installed(State::Full), "move {n}");
        }
    }
    assert_eq!(last, problem(ProblemCode::MOVES_EXHAUSTED));
    // blocked, and withdrawn
    net.server.borrow_mut().account("bob").blocked = true;
    assert_eq!(two.ask(Op::REFRESH, "bob", true), problem(ProblemCode::BLOCKED));
    assert!(two.verdict().permits(), "an unsigned answer takes nothing away");
    net.server.borrow_mut().account("bob").withdrawn = true;
    assert_eq!(two.ask(Op::REFRESH, "bob", true), installed(State::Unknown));
    assert_eq!(two.verdict(), Verdict::Denied(Denial::Unknown));
}

#[test]
fn license_clock() {
    let net = Net::new(Terms { lease: Some((90, 60, 7)), ..Terms::default() });
    net.server.borrow_mut().account("alice").paid = true;
    let days = |n: i64| n * 86_400;
    for offset in [-days(30), days(8 * 365), -days(9000)] {
        let mut a = Handset::new(&net, 2, A);
        a.with_flash(Nor::new(4));
        a.start();
        a.activate("alice");
        net.wait(10);
        a.offset = offset;
        a.start();
        let forward = offset > 0;
        assert_eq!(a.verdict().permits(), !forward, "{offset}");
        // one contact, with the clock as wrong as it was
        assert_eq!(a.ask(Op::REFRESH, "alice", true), installed(State::Full));
        assert_eq!(a.verdict(), Verdict::Allowed, "{offset}");
        a.start();
        assert_eq!(a.verdict(), Verdict::Allowed, "{offset}, over a start");
    }
}

#[test]
fn license_clone() {
    let net = Net::new(Terms::default());
    let mut a = Handset::new(&net, 2, A);
    a.activate("alice");
    let older = a.flash();
    // A's image on B
    let mut b = Handset::new(&net, 3, B);
    b.with_flash(a.flash());
    assert_eq!(b.start(), Some(Boot::Foreign));
    assert_eq!(b.verdict(), Verdict::Denied(Denial::Unknown));
    // an older image of A on A: accepted until the server has seen it twice
    assert_eq!(a.ask(Op::REFRESH, "alice", true), installed(State::Trial));
    a.with_flash(older.clone());
    a.start();
    assert!(a.verdict().permits());
    assert_eq!(a.ask(Op::REFRESH, "alice", true), installed(State::Trial), "once");
    a.with_flash(older);
    a.start();
    assert_eq!(a.ask(Op::REFRESH, "alice", true), problem(ProblemCode::BLOCKED));
    assert_eq!(net.server.borrow().device(A).expect("known").suspicions, 2);
}

#[test]
fn license_forged() {
    let net = Net::new(Terms::default());
    let mut a = Handset::new(&net, 2, A);
    a.activate("alice");
    net.server.borrow_mut().account("alice").paid = true;
    let before = a.flash().dump();
    let len = net.document.borrow().len();
    let mut codes = std::collections::BTreeSet::new();
    for bit in (0..len * 8).step_by(23) {
        *net.trouble.borrow_mut() = Trouble::Bit(bit);
        match a.ask(Op::REFRESH, "alice", true) {
            Some(Outcome::Refused(refusal)) => _ = codes.insert(refusal.code),
            other => panic!("bit {bit}: {other:?}"),
        }
    }
    assert!(codes.contains(&Code::BadSignature) && codes.contains(&Code::Malformed), "{codes:?}");
    assert_eq!(a.flash().dump()[..2 * 4096], before[..2 * 4096], "no document was written");
    *net.trouble.borrow_mut() = Trouble::None;
    assert_eq!(a.ask(Op::MY_ACCOUNT, "alice", true), installed(State::Full), "my-account");
}

#[test]
fn license_powercut() {
    let mut cases = 0;
    for step in ["license-trial", "license-purchase"] {
        let mut at = 0;
        loop {
            let net = Net::new(Terms::default());
            let mut a = Handset::new(&net, 2, A);
            if step == "license-purchase" {
                a.activate("alice");
                net.server.borrow_mut().account("alice").paid = true;
            }
            let old = a.state();
            let mut flash = a.flash();
            flash.power_on();
            flash.cut_at(at, Cut::Torn { seed: at });
            a.with_flash(flash);
            let outcome = a.activate("alice");
            let new = if step == "license-trial" { State::Trial } else { State::Full };
            if outcome.is_some() {
                assert_eq!(outcome, installed(new));
                break;
            }
            a.start().expect("starts");
            assert!(a.state() == old || a.state() == new, "{step} {at}: old or new");
            let outcome = a.activate("alice");
            assert_eq!(outcome, installed(new), "{step} {at}");
            cases += 1;
            at += 1;
        }
    }
    println!("{cases} cuts in license-trial and license-purchase, old or new each time");
    assert!(cases > 20);
}

#[test]
fn reports_are_delivered_once_for_each_document() {
    let net = Net::new(Terms::default());
    let mut a = Handset::new(&net, 2, A);
    *net.trouble.borrow_mut() = Trouble::NoReports;
    assert_eq!(a.activate("alice"), Some(Outcome::Installed { state: State::Trial, reported: false }));
    a.start();
    assert!(a.verdict().permits());
    assert!(matches!(a.ask(Op::REFRESH, "alice", true), Some(Outcome::Http { status: 503, .. })));
    *net.trouble.borrow_mut() = Trouble::None;
    a.start();
    assert_eq!(a.ask(Op::REFRESH, "alice", true), installed(State::Trial));
    let (counts, issued) = net.server.borrow().reports();
    assert_eq!((counts, issued), (vec![1, 1], 2));
    assert!(net.clock.uptime() < Duration::from_secs(3600));
}
