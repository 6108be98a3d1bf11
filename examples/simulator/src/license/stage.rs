//! Devices, provisioning server, user and time, set up for one license flow.
//!
//! Two devices, A and B, share the uptime of one clock; the truth about the date is the stage's, and each device's clock may
//! be wrong by an offset. When the power of a device fails, it is started again and asks again, as its user would.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use kedge_agent::license::{Boot, LicenseError, NorError, Now, Verdict};
use kedge_network::provisioning::{ENTRY_URL, PROVISIONING_HOST, Policy, Provisioning, Visitor};
use kedge_network::{Operator, Request, Response, Running, Service};
use kedge_platform::clock::Clock as _;
use kedge_platform::entropy::Entropy as _;
use kedge_platform::http::Connection;
use kedge_platform_linux::http::{HttpClient, Options as HttpOptions};
use kedge_platform_sim::bearer::{Bearer, Fault, Faulty, Server};
use kedge_platform_sim::clock::Clock;
use kedge_platform_sim::nor::{Cut, Error as FlashError, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::token::capabilities;
use kedge_protocol::license::{Op, State};

use super::device::{Licensed, Profile, Way};
use super::picture::{Drawing, Picture, Tap};
use super::{ISSUER_SEED, NAMES, explain};
use crate::feed::Lane;

/// The flash of a simulated device: four sectors, write units of four octets.
pub type Flash = Nor<4, 4096>;
/// The end of a start that failed: the power, or something else.
type Failed = LicenseError<NorError<FlashError>>;

/// When the flows begin, in seconds since 1970.
pub const START: u64 = 1_893_456_000;
/// Seconds of a day.
pub const DAY: u64 = 86_400;
/// What an exchange takes on the devices' clock.
const LATENCY: Duration = Duration::from_millis(120);
/// How often a device whose power failed, or whose link was cut, asks again.
const TRIES: usize = 6;
/// The password that users of the flows have.
pub(super) const PASSWORD: &str = "correct horse";

/// Changes documents on their way; `None`: leaves this response as it is.
pub type Forger = Box<dyn FnMut(&Response) -> Option<Response> + Send>;

/// The two devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The one that most flows are about; its power can be cut.
    A,
    /// The other one.
    B,
}

/// What the user does when a page is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The account that is named at sign-up.
    pub account: &'static str,
    /// The number of the card that is paid with; `None`: nothing is paid.
    pub card: Option<&'static str>,
}

/// A user who pays.
pub const ALICE: User = User { account: "alice", card: Some("4242 4242 4242 4242") };

/// A connection that faults can be played on.
pub trait Link: Connection<Error: Clone> {}

impl<C: Connection<Error: Clone>> Link for C {}

/// The server as everybody reaches it, with the truth about the time.
#[derive(Clone)]
pub struct Net {
    server: Arc<Mutex<Provisioning>>,
    base: Arc<AtomicU64>,
    clock: Clock,
    tap: Tap,
    forger: Arc<Mutex<Option<Forger>>>,
}

impl Net {
    fn new(policy: Policy) -> Self {
        let server = Provisioning::new(NAMES, policy, ISSUER_SEED);
        Self {
            server: Arc::new(Mutex::new(server)),
            base: Arc::new(AtomicU64::new(START)),
            clock: Clock::new(),
            tap: Tap::default(),
            forger: Arc::default(),
        }
    }

    /// The date, in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.base.load(Ordering::Relaxed) + self.clock.uptime().as_secs()
    }

    /// The server, for its staff and for what a flow wants to know.
    pub fn server(&self) -> MutexGuard<'_, Provisioning> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Responses are changed on their way from now on, or no longer.
    pub fn forge(&self, forger: Option<Forger>) {
        *self.forger.lock().unwrap_or_else(PoisonError::into_inner) = forger;
    }
}

/// The server, called in process; a forged response is what the device gets.
impl Server for Net {
    fn exchange(&mut self, request: &Request) -> Response {
        let now = self.now();
        let mut response = self.server().exchange(now, request);
        let mut forger = self.forger.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(forged) = forger.as_mut().and_then(|forger| forger(&response)) {
            response = forged;
        }
        let seen = (request.clone(), response.clone());
        self.tap.lock().unwrap_or_else(PoisonError::into_inner).push_back(seen);
        response
    }
}

/// The profiles of both devices; the stage borrows them.
pub struct Profiles([Profile; 2]);

impl Profiles {
    /// Two devices that come from the factory; with `browser` they have one.
    pub fn new(browser: bool) -> Self {
        let issuer_key = Provisioning::new(NAMES, Policy::default(), ISSUER_SEED).public_key();
        let profile = |last: u8| Profile {
            names: NAMES,
            ueid: vec![3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, last],
            seed: [last + 2; 32],
            model: format!("Kedge Sim-1 {}", if last == 0 { 'A' } else { 'B' }),
            capabilities: if browser { capabilities::BROWSER } else { capabilities::USER_ACTION },
            issuer_key: issuer_key.as_slice().try_into().unwrap_or_default(),
            entry: ENTRY_URL.to_owned(),
            hosts: vec![PROVISIONING_HOST.to_owned()],
            http: false,
            sealed: false,
        };
        Self([profile(0), profile(1)])
    }

    /// A device's.
    pub const fn of(&self, who: Who) -> &Profile {
        &self.0[who as usize]
    }
}

/// One flow's world; see the [module](self). `C` is the way to the server.
pub struct Stage<'p, 'o, C: Link> {
    /// The server and the time.
    pub net: Net,
    /// Where it is drawn.
    pub picture: Picture<'o>,
    profiles: &'p Profiles,
    http: Faulty<C>,
    phones: [Phone<'p>; 2],
    /// Nothing is lost on the line, and no power fails.
    pub undisturbed: bool,
    /// Keeps real servers running.
    _running: Option<Running>,
}

struct Phone<'p> {
    device: Option<Licensed<'p, Flash>>,
    /// While it is off.
    flash: Option<Flash>,
    entropy: Seeded,
    /// What its clock is wrong by, in seconds; `None`: it is not set.
    offset: Option<i64>,
    /// Where its browser went on.
    browsed: Option<String>,
}

/// What goes wrong in a play.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// The power of device A fails in this flash operation.
    pub cut: Option<(u64, Cut)>,
    /// Link faults by the number of the exchange.
    pub link: Vec<(u64, Fault)>,
}

impl<'p, 'o> Stage<'p, 'o, Bearer<Net>> {
    /// In process, in virtual time.
    pub fn in_process(
        policy: Policy,
        profiles: &'p Profiles,
        trouble: &Trouble,
        observer: &'o mut dyn crate::feed::Observer,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let net = Net::new(policy);
        let bearer = Bearer::new(net.clone()).with_latency(net.clock.clone(), LATENCY);
        Self::new(net, bearer, None, profiles, trouble, observer, seed)
    }
}

impl<'p, 'o> Stage<'p, 'o, HttpClient> {
    /// Over loopback: real servers, and the HTTP client of Linux devices.
    pub fn over_http(
        policy: Policy,
        profiles: &'p Profiles,
        observer: &'o mut dyn crate::feed::Observer,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let net = Net::new(policy);
        let (served, truth) = (net.clone(), net.clone());
        let service = Service {
            provisioning: Some((Arc::clone(&net.server), Box::new(move || truth.now()))),
            watcher: Some(Box::new(move |request, response| {
                let seen = (request.clone(), response.clone());
                served.tap.lock().unwrap_or_else(PoisonError::into_inner).push_back(seen);
            })),
            ..Service::new(Arc::new(Mutex::new(Operator::default())))
        };
        let running = service.start()?;
        let options = HttpOptions::new(Duration::from_secs(10)).trust_only(&running.ca_pem)?.without_dns();
        let options = options.resolve(PROVISIONING_HOST, 443, running.https);
        Self::new(net, HttpClient::new(options), Some(running), profiles, &Trouble::default(), observer, seed)
    }
}

impl<'p, 'o, C: Link> Stage<'p, 'o, C> {
    fn new(
        net: Net,
        http: C,
        running: Option<Running>,
        profiles: &'p Profiles,
        trouble: &Trouble,
        observer: &'o mut dyn crate::feed::Observer,
        seed: u64,
    ) -> anyhow::Result<Self> {
        for who in [Who::A, Who::B] {
            net.server().register(&profiles.of(who).public_key());
        }
        let phone = |purpose: u64| Phone {
            device: None,
            flash: Some(Nor::new(4).with_seed(seed)),
            entropy: Seeded::for_purpose(seed, purpose),
            offset: Some(0),
            browsed: None,
        };
        let picture = Picture::new(observer, Arc::clone(&net.tap));
        let http = Faulty::new(http, trouble.link.iter().copied());
        let phones = [phone(1), phone(2)];
        let undisturbed = trouble.cut.is_none() && trouble.link.is_empty();
        let mut stage = Self { net, picture, profiles, http, phones, undisturbed, _running: running };
        if let (Some((operation, cut)), Some(flash)) = (trouble.cut, &mut stage.phones[0].flash) {
            flash.cut_at(operation, cut);
        }
        for who in [Who::A, Who::B] {
            stage.start(who)?;
        }
        Ok(stage)
    }

    /// Days pass while the devices are off; device by device they are started again.
    pub fn wait(&mut self, days: u64) -> anyhow::Result<()> {
        self.net.base.fetch_add(days * DAY, Ordering::Relaxed);
        self.note(Lane::Handset, format!("{days} days pass"));
        self.start(Who::A).map(drop)?;
        self.start(Who::B).map(drop)
    }

    /// The clock of a device is wrong by so many days from now on, or, `None`, not set.
    pub fn set_clock(&mut self, who: Who, days: Option<i64>) {
        self.phones[who as usize].offset = days.map(|days| days * 86_400);
    }

    /// What a device knows of the time.
    pub fn now(&self, who: Who) -> Now {
        let offset = self.phones[who as usize].offset;
        let rtc = offset.map(|offset| self.net.now().saturating_add_signed(offset));
        Now { uptime: self.net.clock.uptime(), rtc }
    }

    /// Starts a device, anew if it is on.
    pub fn start(&mut self, who: Who) -> anyhow::Result<Boot> {
        let now = self.now(who);
        for _ in 0..TRIES {
            let flash = self.off(who)?;
            match Licensed::start(self.profiles.of(who), flash, now) {
                Ok((device, boot)) => {
                    self.phones[who as usize].device = Some(device);
                    return Ok(boot);
                }
                Err((error, flash)) => {
                    let mut flash = flash.ok_or_else(|| anyhow!("the device does not start: {error}"))?;
                    self.power_is_back(&error, &mut flash)?;
                    self.phones[who as usize].flash = Some(flash);
                }
            }
        }
        bail!("device {who:?} does not start")
    }

    /// Switches a device off: its flash, on.
    fn off(&mut self, who: Who) -> anyhow::Result<Flash> {
        let phone = &mut self.phones[who as usize];
        let flash = phone.device.take().map(Licensed::into_flash).or(phone.flash.take());
        flash.context("a device without flash")
    }

    /// If it was the power that failed, switches it on again; else that is the end.
    fn power_is_back(&mut self, error: &Failed, flash: &mut Flash) -> anyhow::Result<()> {
        ensure!(
            matches!(error, LicenseError::Store(NorError::Flash(FlashError::PowerLost))),
            "the license cache fails: {error}"
        );
        let operation = flash.work().operations();
        self.picture.power_cut(self.net.clock.uptime(), operation);
        flash.power_on();
        Ok(())
    }

    /// The device's flash as it is now, for a copy of it.
    pub fn copy_of_flash(&mut self, who: Who) -> anyhow::Result<Flash> {
        let mut flash = self.device(who)?.flash().clone();
        flash.clear_cuts();
        Ok(flash)
    }

    /// Puts another flash image into a device, and starts it.
    pub fn replace_flash(&mut self, who: Who, flash: Flash) -> anyhow::Result<Boot> {
        self.off(who)?;
        self.phones[who as usize].flash = Some(flash);
        self.start(who)
    }

    /// A device that is on.
    pub fn device(&mut self, who: Who) -> anyhow::Result<&mut Licensed<'p, Flash>> {
        self.phones[who as usize].device.as_mut().context("the device is off")
    }

    /// What its license permits now.
    pub fn verdict(&mut self, who: Who) -> anyhow::Result<Verdict> {
        let now = self.now(who);
        Ok(self.device(who)?.licensing().verdict(now))
    }

    /// A new nonce.
    pub fn nonce(&mut self, who: Who) -> [u8; 16] {
        let mut nonce = [0; 16];
        self.phones[who as usize].entropy.fill(&mut nonce);
        nonce
    }

    /// The device asks for `op`, and again if its power or the link failed meanwhile.
    pub fn ask(&mut self, who: Who, op: Op, user: User) -> anyhow::Result<Outcome> {
        for _ in 0..TRIES {
            self.picture.begin(op);
            match self.once(who, op, user) {
                Ok(Outcome::LinkDown | Outcome::Http { .. }) if !self.undisturbed => {
                    self.note(Lane::Handset, "the link failed: asks again");
                }
                Ok(Outcome::Installed { state, reported: false }) if !self.undisturbed => {
                    return self.report_late(who, state);
                }
                Ok(outcome) => {
                    self.tell(who, &outcome)?;
                    return Ok(outcome);
                }
                Err(error) => {
                    let mut flash = self.off(who)?;
                    self.power_is_back(&error, &mut flash)?;
                    self.phones[who as usize].flash = Some(flash);
                    self.start(who)?;
                }
            }
        }
        bail!("device {who:?} gets no answer")
    }

    /// The report that was lost, once more.
    fn report_late(&mut self, who: Who, state: State) -> anyhow::Result<Outcome> {
        for _ in 0..TRIES {
            let (net, offset) = (self.net.clone(), self.phones[who as usize].offset);
            let rtc = || offset.map(|offset| net.now().saturating_add_signed(offset));
            let clock = self.net.clock.clone();
            let uptime = move || clock.uptime();
            let mut drawing = Drawing {
                picture: &mut self.picture,
                now: &uptime,
                user: &mut |_, _| String::new(),
                browsed: None,
            };
            let device = self.phones[who as usize].device.as_mut().context("the device is off")?;
            let mut clock = self.net.clock.clone();
            let way = Way { http: &mut self.http, clock: &mut clock, rtc: &rtc, watch: &mut drawing };
            match device.report(way) {
                Ok(None | Some(Outcome::Reported)) => {
                    return Ok(Outcome::Installed { state, reported: true });
                }
                Ok(Some(_)) => {}
                Err(error) => bail!("the report fails: {error}"),
            }
        }
        bail!("the report of device {who:?} does not arrive")
    }

    fn once(&mut self, who: Who, op: Op, user: User) -> Result<Outcome, Failed> {
        let nonce = self.nonce(who);
        let (net, offset) = (self.net.clone(), self.phones[who as usize].offset);
        let rtc = || offset.map(|offset| net.now().saturating_add_signed(offset));
        let clock = self.net.clock.clone();
        let uptime = move || clock.uptime();
        let mut acting = |url: &str, code: &str| acts(&net, user, url, code);
        let mut drawing =
            Drawing { picture: &mut self.picture, now: &uptime, user: &mut acting, browsed: None };
        let phone = &mut self.phones[who as usize];
        let Some(device) = phone.device.as_mut() else { return Ok(Outcome::Aborted) };
        let mut clock = self.net.clock.clone();
        let way = Way { http: &mut self.http, clock: &mut clock, rtc: &rtc, watch: &mut drawing };
        let outcome = device.ask(op, nonce, way);
        phone.browsed = drawing.browsed;
        self.picture.catch_up(self.net.clock.uptime());
        outcome
    }

    fn tell(&mut self, who: Who, outcome: &Outcome) -> anyhow::Result<()> {
        let text = match outcome {
            Outcome::Installed { .. } => {
                let terms = self.device(who)?.licensing().terms();
                format!("device {who:?} holds: {}; {}", explain::terms(&terms), self.verdict(who)?)
            }
            Outcome::Refused(refusal) => {
                format!("device {who:?} refuses the document: {}", explain::told(refusal))
            }
            Outcome::Problem { code: Some(code), .. } => format!("device {who:?} is told: {code}"),
            other => format!("device {who:?}: {other:?}"),
        };
        self.note(Lane::Handset, text);
        Ok(())
    }

    /// Installs a document that came by file; `nonce` is that of the request, if the device was off since.
    pub fn install(&mut self, who: Who, document: &[u8], nonce: Option<[u8; 16]>) -> anyhow::Result<Outcome> {
        let media_type = format!("application/vnd.{}.provisioning+cbor", NAMES.vendor);
        for _ in 0..TRIES {
            let now = self.now(who);
            let device = self.device(who)?;
            if let Some(nonce) = nonce {
                device.restore_nonce(nonce, now);
            }
            let outcome = match device.install(document, &media_type, now) {
                Ok(state) => Outcome::Installed { state, reported: false },
                Err(LicenseError::Refused(refusal)) => Outcome::Refused(refusal),
                Err(error) => {
                    let mut flash = self.off(who)?;
                    self.power_is_back(&error, &mut flash)?;
                    self.phones[who as usize].flash = Some(flash);
                    self.start(who)?;
                    continue;
                }
            };
            self.tell(who, &outcome)?;
            return Ok(outcome);
        }
        bail!("device {who:?} does not install the document")
    }

    /// The operator's staff opens an account that has paid, with the password that users of the flows have.
    pub fn open_account(&mut self, name: &str) {
        self.note(Lane::Network, format!("the account {name} has paid"));
        let mut server = self.net.server();
        server.open_account(name, PASSWORD);
        server.account(name).paid = true;
    }

    /// Where the browser of a device went on.
    pub fn browsed(&self, who: Who) -> Option<String> {
        self.phones[who as usize].browsed.clone()
    }

    /// The user at the device's browser fills the form of the page `page` and sends it to `action`: what comes back.
    pub fn browser(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Response {
        let now = self.net.now();
        let response = Visitor::new().fill(&mut self.net.server(), now, page, action, fields);
        let text = format!("fills the form of {}", page.split('?').next().unwrap_or_default());
        self.picture.arrow(
            self.net.clock.uptime(),
            Lane::User,
            Lane::Network,
            text,
            &format!("POST {action}"),
        );
        response
    }

    /// A note at a lane.
    pub fn note(&mut self, lane: Lane, text: impl Into<String>) {
        self.picture.note(self.net.clock.uptime(), lane, text);
    }

    /// What the flow has cost: flash operations and erases of device A, its wear, and the time.
    pub fn costs(&mut self) -> anyhow::Result<(u64, u64, Vec<u32>, Duration)> {
        let uptime = self.net.clock.uptime();
        let flash = self.device(Who::A)?.flash();
        Ok((flash.work().operations(), flash.work().erases, flash.wear().to_vec(), uptime))
    }

    /// Requests so far.
    pub fn exchanges(&self) -> u64 {
        self.http.started()
    }

    /// Rules of the flash that a device broke.
    pub fn misuses(&mut self) -> anyhow::Result<Vec<String>> {
        let mut all = Vec::new();
        for who in [Who::A, Who::B] {
            all.extend(self.device(who)?.flash().misuses().iter().map(|misuse| format!("flash: {misuse:?}")));
        }
        Ok(all)
    }
}

/// What the user does at another computer, in words; empty: nothing.
fn acts(net: &Net, user: User, url: &str, code: &str) -> String {
    let (mut visitor, mut server, now) = (Visitor::new(), net.server(), net.now());
    let page = format!("/{}", url.rsplit('/').next().unwrap_or_default());
    let mut fields = vec![("code", code)];
    let done = match (page.as_str(), user.card) {
        ("/activate", _) => {
            fields.extend([("account", user.account), ("password", PASSWORD)]);
            format!("enters the code and signs in as {}", user.account)
        }
        ("/pay", Some(card)) => {
            fields.extend([("holder", "A. Liddell"), ("card", card)]);
            "enters the code and pays".to_owned()
        }
        ("/account", _) => "enters the code, looks at the account, and is done".to_owned(),
        _ => return String::new(),
    };
    let shown = visitor.fill(&mut server, now, &format!("{page}?c={code}"), &page, &fields);
    let refused = shown.status != 200 || String::from_utf8_lossy(&shown.body).contains("id=\"wrong\"");
    if refused { String::new() } else { done }
}
