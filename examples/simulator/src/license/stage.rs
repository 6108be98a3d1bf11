//! Devices, provisioning server, user and time, set up for one license flow.
//!
//! Two simulated [handsets](crate::handset), A and B, share the uptime of one clock; the truth about the date is the stage's,
//! and each device's clock may be wrong. A device is on while something is asked of it; in between no network is in reach, so
//! that what its license permits can be looked at. It asks for a license by itself when the license calls for it, else its
//! user presses the button. When the power of a device fails, it is started again, and the user presses again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use kedge_agent::agent::LicenseStatus;
use kedge_agent::license::Verdict;
use kedge_agent::store::{Key, Store};
use kedge_network::provisioning::{ENTRY_URL, PROVISIONING_HOST, Policy, Provisioning, Visitor};
use kedge_network::{ACTIVATION_URL, Operator, Response, Running, Service, TRUSTED_DOMAIN};
use kedge_platform::clock::Clock as _;
use kedge_platform::flash::Region;
use kedge_platform::http::Connection;
use kedge_platform::identity::{HardwareId, Identity as _};
use kedge_platform_linux::http::{HttpClient, Options as HttpOptions};
use kedge_platform_sim::bearer::{Bearer, Fault, Faulty, Server};
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::token::capabilities;
use kedge_protocol::license::{Code, Configuration, Op, State};

use super::device::{PLACE, Profile, parts};
use super::net::{Calendar, Net};
use super::user::{ALICE, Onlooker, PASSWORD, Seen, User, opened};
use super::{ISSUER_SEED, MAX_DOCUMENT, NAMES, explain};
use crate::feed::{Arrow, Feed, Lane, Note};
use crate::handset::{Firmware, FlashMap, Fuse, Handset, LiveWire, Model, Patience, Press, Wallet, Watch};

/// The flash of a simulated device: write units of four octets, sectors of 4 KiB.
pub type Flash = Nor<4, { SECTOR as usize }>;

/// Octets of an erase sector.
pub(super) const SECTOR: u32 = 4096;
/// What an exchange takes on the devices' clock.
const LATENCY: Duration = Duration::from_millis(120);
/// How often a user whose device lost its power, or whose link was cut, presses again.
const TRIES: usize = 6;
/// A device waits for the user as long as the server lets it, asking every five seconds; for nothing else as long.
const PATIENCE: Patience = Patience { pause: Duration::from_secs(10), pauses: 400 };
/// The firmware of the devices: nothing updates it here, so that one sector of it is enough.
const FIRMWARE: [u8; 256] = [0x5A; 256];

/// The two devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The one that most flows are about; its power can be cut.
    A,
    /// The other one.
    B,
}

/// A connection that faults can be played on.
pub trait Link: Connection<Error: Clone> {
    /// Rules of HTTP that the device broke, as far as the connection looks at them.
    fn misuses(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Link for HttpClient {}

impl<S: Server> Link for Bearer<S> {
    fn misuses(&self) -> Vec<String> {
        self.misuses().iter().map(|misuse| format!("bearer: {misuse}")).collect()
    }
}

/// One flow's world; see the [module](self). `C` is the way to the server.
pub struct Stage<'o, C: Link> {
    /// The server and the time.
    pub net: Net,
    watch: &'o mut dyn Watch,
    phones: [Phone<C>; 2],
    /// Nothing is lost on the line, and no power fails.
    pub undisturbed: bool,
    /// Keeps real servers running.
    _running: Option<Running>,
    /// The device that was on last.
    last: Option<Who>,
    /// Where a browser of a device went on last.
    pub browsed: Option<String>,
}

struct Phone<C: Link> {
    handset: Handset<Faulty<C>, 4, { SECTOR as usize }>,
    fuse: Fuse,
}

/// What goes wrong in a play.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// The power of device A fails in this flash operation.
    pub cut: Option<(u64, Cut)>,
    /// Link faults by the number of the exchange, of either device.
    pub link: Vec<(u64, Fault)>,
}

/// How the devices are made, and what goes wrong with them.
#[derive(Clone)]
pub struct Plan<'t> {
    /// What the operator sets.
    pub policy: Policy,
    /// The devices have a browser.
    pub browser: bool,
    /// What goes wrong.
    pub trouble: &'t Trouble,
    /// Where everything random comes from.
    pub seed: u64,
}

impl<'o> Stage<'o, Bearer<LiveWire<Net>>> {
    /// In process, in virtual time.
    pub fn in_process(plan: &Plan<'_>, watch: &'o mut dyn Watch) -> anyhow::Result<Self> {
        let net = Net::new(plan.policy.clone());
        let server = net.clone();
        let bearer = move |fuse: &Fuse| {
            let wire = LiveWire::new(server.clone(), fuse.clone());
            Ok(Bearer::new(wire).with_latency(server.clock().clone(), LATENCY))
        };
        Self::new(net, bearer, None, plan, watch)
    }
}

impl<'o> Stage<'o, HttpClient> {
    /// Over loopback: real servers, and the HTTP client of Linux devices.
    pub fn over_http(plan: &Plan<'_>, watch: &'o mut dyn Watch) -> anyhow::Result<Self> {
        let net = Net::new(plan.policy.clone());
        let truth = net.clone();
        let service = Service {
            provisioning: Some((net.shared(), Box::new(move || truth.now()))),
            ..Service::new(Arc::new(Mutex::new(Operator::default())))
        };
        let running = service.start()?;
        let (authority, https) = (running.ca_pem.clone(), running.https);
        let client = move |_: &Fuse| {
            let options = HttpOptions::new(Duration::from_secs(10)).trust_only(&authority)?.without_dns();
            Ok(HttpClient::new(options.resolve(PROVISIONING_HOST, 443, https)))
        };
        Self::new(net, client, Some(running), plan, watch)
    }
}

impl<'o, C: Link> Stage<'o, C> {
    fn new(
        net: Net,
        way: impl Fn(&Fuse) -> anyhow::Result<C>,
        running: Option<Running>,
        plan: &Plan<'_>,
        watch: &'o mut dyn Watch,
    ) -> anyhow::Result<Self> {
        let phones = [phone(Who::A, &net, &way, plan)?, phone(Who::B, &net, &way, plan)?];
        let undisturbed = plan.trouble.cut.is_none() && plan.trouble.link.is_empty();
        let mut stage =
            Self { net, watch, phones, undisturbed, _running: running, last: None, browsed: None };
        if let Some((operation, cut)) = plan.trouble.cut {
            stage.phones[0].handset.nor().cut_at(operation, cut);
        }
        for who in [Who::A, Who::B] {
            stage.start(who)?;
        }
        Ok(stage)
    }

    /// Days pass while the devices are off; device by device they are started again.
    pub fn wait(&mut self, days: u64) -> anyhow::Result<()> {
        self.net.skip(days);
        self.note(Lane::Handset, format!("{days} days pass"));
        self.start(Who::A)?;
        self.start(Who::B)
    }

    /// The clock of a device is wrong by so many days from now on, or, `None`, not set.
    pub fn set_clock(&mut self, who: Who, days: Option<i64>) {
        let net = self.net.clone();
        if let Some(wallet) = &mut self.phones[who as usize].handset.wallet {
            wallet.clock = Box::new(Calendar { net, days });
        }
    }

    /// Starts a device, out of reach of any network.
    pub fn start(&mut self, who: Who) -> anyhow::Result<()> {
        self.live(who, false, None, ALICE).map(drop)
    }

    /// Lets a device live until nothing is left to do.
    fn live(&mut self, who: Who, in_reach: bool, press: Option<Press>, user: User) -> anyhow::Result<Seen> {
        if self.last.replace(who) != Some(who) {
            self.note(Lane::Handset, format!("device {who:?} is on"));
        }
        let Phone { handset, fuse } = &mut self.phones[who as usize];
        handset.ports.radio.set_in_reach(in_reach);
        let files = handset.wallet.as_ref().map(|wallet| wallet.files.clone()).unwrap_or_default();
        let (net, fuse) = (self.net.clone(), fuse.clone());
        let mut onlooker =
            Onlooker { watch: &mut *self.watch, net, user, fuse, files, seen: Seen::default() };
        handset.live(press, &mut onlooker)?;
        let seen = onlooker.seen;
        self.browsed = seen.browsed.clone().or(self.browsed.take());
        Ok(seen)
    }

    /// How the license of a device stood when it was last on.
    pub fn standing(&self, who: Who) -> anyhow::Result<LicenseStatus> {
        let wallet = self.phones[who as usize].handset.wallet.as_ref();
        wallet.and_then(|wallet| wallet.standing).context("a device without a license")
    }

    /// What the server has configured in a device last, a line for each part; `None`: nothing yet.
    pub fn configuration(&mut self, who: Who) -> anyhow::Result<Option<Vec<String>>> {
        let handset = &mut self.phones[who as usize].handset;
        let (region, id) = (handset.model().map.store, handset.ports.identity.hardware_id());
        let flash = &mut handset.ports.flash;
        let (store, _) = Store::open(flash, region, id).map_err(|error| anyhow!("{error}"))?;
        let mut room = vec![0; MAX_DOCUMENT];
        let kept = store.bytes(flash, Key::LicenseConfiguration as u8, &mut room);
        let kept = kept.map_err(|error| anyhow!("{error}"))?;
        Ok(kept.map(|octets| parts(&Configuration::new(octets))))
    }

    /// What it permitted.
    pub fn verdict(&self, who: Who) -> anyhow::Result<Verdict> {
        Ok(self.standing(who)?.verdict)
    }

    /// A device's flash as it is now, for a copy of it.
    pub fn copy_of_flash(&mut self, who: Who) -> Flash {
        let mut flash = self.phones[who as usize].handset.nor().clone();
        flash.clear_cuts();
        flash
    }

    /// Puts another flash image into a device, and starts it.
    pub fn replace_flash(&mut self, who: Who, flash: Flash) -> anyhow::Result<()> {
        *self.phones[who as usize].handset.nor() = flash;
        self.start(who)
    }

    /// A device loses everything but its firmware, and is started.
    pub fn lose_storage(&mut self, who: Who) -> anyhow::Result<()> {
        self.note(Lane::Handset, format!("device {who:?} loses its storage"));
        self.phones[who as usize].handset.lose_storage()?;
        self.start(who)
    }

    /// A device asks for `op`, and again if its power or the link failed meanwhile: by itself, if its license calls for that,
    /// else because the user wants it.
    pub fn ask(&mut self, who: Who, op: Op, user: User) -> anyhow::Result<Outcome> {
        for _ in 0..TRIES {
            let is_due = self.standing(who)?.due == Some(op);
            if !is_due {
                self.arrow(Lane::User, Lane::Handset, format!("device {who:?}: asks for {op}"));
            }
            let seen = self.live(who, true, (!is_due).then_some(Press::License(op)), user)?;
            match seen.outcome(op) {
                outcome if !self.undisturbed && came_to_nothing(outcome, seen.browsed.is_some()) => {
                    self.note(Lane::Handset, "that came to nothing: once more".to_owned());
                }
                Some(Outcome::Installed { state, .. }) => return self.reports(who, state),
                Some(outcome) => return Ok(outcome),
                None => bail!("device {who:?} did not ask for {op}"),
            }
        }
        bail!("device {who:?} gets no answer")
    }

    /// The report of a document that was installed, if it is still due.
    fn reports(&mut self, who: Who, state: State) -> anyhow::Result<Outcome> {
        for _ in 0..TRIES {
            let standing = self.standing(who)?;
            if !standing.report_due {
                let held = explain::terms(&standing.terms);
                self.note(Lane::Handset, format!("device {who:?} holds: {held}; {}", standing.verdict));
                return Ok(Outcome::Installed { state, reported: true });
            }
            ensure!(!self.undisturbed, "device {who:?} keeps its report");
            self.live(who, true, None, ALICE)?;
        }
        bail!("the report of device {who:?} does not arrive")
    }

    /// A request of a device that is written to a file.
    pub fn request(&mut self, who: Who, op: Op) -> anyhow::Result<Vec<u8>> {
        for _ in 0..TRIES {
            self.live(who, false, Some(Press::Export(op)), ALICE)?;
            let wallet = self.phones[who as usize].handset.wallet.as_mut();
            let written = wallet.map(|wallet| core::mem::take(&mut wallet.exported)).unwrap_or_default();
            if !written.is_empty() {
                self.note(Lane::Handset, format!("writes a request of {} octets to a file", written.len()));
                return Ok(written);
            }
        }
        bail!("device {who:?} writes no request")
    }

    /// The server's answer to a request that was brought by file.
    pub fn answer(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        let text = super::base64_url(request);
        let answer = self.browser("/offline", "/offline", &[("request", &text)]);
        let kind = answer.header("Content-Type").unwrap_or_default();
        ensure!(kind.ends_with(".provisioning+cbor"), "the server answers with {kind}");
        Ok(answer.body)
    }

    /// A device opens a document that came by file, out of reach of any network.
    pub fn open(&mut self, who: Who, document: &[u8]) -> anyhow::Result<Outcome> {
        self.note(Lane::User, "carries the answer back by file".to_owned());
        for _ in 0..TRIES {
            if let Some(wallet) = &self.phones[who as usize].handset.wallet {
                wallet.files.put(document.to_vec());
            }
            let seen = self.live(who, false, None, ALICE)?;
            if let Some(document) = seen.documents.last() {
                return Ok(opened(document));
            }
            // the power failed: it may have been installed all the same
        }
        bail!("device {who:?} does not open the document")
    }

    /// The operator's staff opens an account that has paid, with the password that users of the flows have.
    pub fn open_account(&mut self, name: &str) {
        self.note(Lane::Network, format!("the account {name} has paid"));
        let mut server = self.net.server();
        server.open_account(name, PASSWORD);
        server.account(name).paid = true;
    }

    /// Somebody fills the form of the page `page` and sends it to `action`: what comes back.
    pub fn browser(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Response {
        let now = self.net.now();
        let response = Visitor::new().fill(&mut self.net.server(), now, page, action, fields);
        let page = page.split('?').next().unwrap_or_default();
        self.arrow(Lane::User, Lane::Network, format!("fills the form of {page}"));
        response
    }

    /// A note at a lane.
    pub fn note(&mut self, lane: Lane, text: String) {
        let at_ms = self.ms();
        self.watch.aside(&Feed::Note(Note { at_ms, lane, step: None, text }));
    }

    /// Something between two parties that is no message of a device.
    fn arrow(&mut self, from: Lane, to: Lane, text: String) {
        let (at_ms, title, decoded, hex) = (self.ms(), String::new(), String::new(), String::new());
        self.watch.aside(&Feed::Arrow(Arrow { at_ms, from, to, step: None, text, title, decoded, hex }));
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.net.clock().uptime().as_millis()).unwrap_or(u64::MAX)
    }

    /// What the flow has cost.
    pub fn costs(&mut self) -> Costs {
        let took = self.net.clock().uptime();
        let exchanges = self.phones.iter().map(|phone| phone.handset.ports.http.started()).sum();
        let handset = &mut self.phones[0].handset;
        let map = handset.model().map;
        let place = Region::new(map.len - PLACE, PLACE);
        let nor = handset.nor();
        Costs {
            operations: nor.work().operations(),
            erases: nor.work().erases,
            wear: nor.wear().to_vec(),
            regions: map.regions().into_iter().chain([("license", place)]).collect(),
            exchanges,
            took,
        }
    }

    /// The public key of a device.
    pub fn public_key(&self, who: Who) -> [u8; 32] {
        profile(who, false).public_key()
    }

    /// Rules of flash and HTTP that a device broke.
    pub fn misuses(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        for Phone { handset, .. } in &mut self.phones {
            all.extend(handset.nor().misuses().iter().map(|misuse| format!("flash: {misuse:?}")));
            all.extend(handset.ports.http.inner().misuses());
        }
        all
    }
}

/// Whether the user presses again: the link or the power failed, or, with the power, the nonce was forgotten that a download of
/// the browser was to answer.
fn came_to_nothing(outcome: Option<Outcome>, browsed: bool) -> bool {
    match outcome {
        None | Some(Outcome::LinkDown | Outcome::Http { .. } | Outcome::HandedOver | Outcome::Aborted) => {
            true
        }
        Some(Outcome::Refused(refusal)) => browsed && refusal.code == Code::StaleNonce,
        _ => false,
    }
}

/// What a flow has cost.
#[derive(Clone, Debug)]
pub struct Costs {
    /// Flash operations of device A.
    pub operations: u64,
    /// Sectors that it erased.
    pub erases: u64,
    /// How often each of them was.
    pub wear: Vec<u32>,
    /// What lies where in its flash.
    pub regions: Vec<(&'static str, Region)>,
    /// Exchanges of both devices.
    pub exchanges: u64,
    /// How long the devices were on.
    pub took: Duration,
}

fn phone<C: Link>(
    who: Who,
    net: &Net,
    way: &impl Fn(&Fuse) -> anyhow::Result<C>,
    plan: &Plan<'_>,
) -> anyhow::Result<Phone<C>> {
    let profile = profile(who, plan.browser);
    net.server().register(&profile.public_key());
    let fuse = Fuse::default();
    let http = Faulty::new(way(&fuse)?, plan.trouble.link.iter().copied());
    let operator = Arc::new(Mutex::new(Operator::default()));
    let mut map = FlashMap::new(SECTOR, SECTOR, SECTOR, false);
    let start = map.len;
    map.len += PLACE;
    let model = Model {
        product: "kedge-sim-1",
        map,
        firmware: vec![Firmware { version: "1.0.0".to_owned(), image: FIRMWARE.to_vec() }],
        pri: vec![
            ("iota/boot-url", ACTIVATION_URL.to_owned()),
            ("iota/boot-nai", "provisioning@operator.example".to_owned()),
            ("iota/trusted-domain", TRUSTED_DOMAIN.to_owned()),
        ],
        spc: *b"000000",
        key: (Vec::new(), [0; 32]),
        security_counter: 0,
    };
    let hardware = HardwareId::Esn(0x80B0_2913 + who as u32);
    let seed = plan.seed.wrapping_add(who as u64);
    let clock = net.clock().clone();
    let mut handset = Handset::new(model, hardware, clock, http, (fuse.clone(), operator), seed)?;
    handset.patience = PATIENCE;
    let clock = Calendar { net: net.clone(), days: Some(0) };
    handset.wallet = Some(Wallet::new(profile, Box::new(clock), start));
    Ok(Phone { handset, fuse })
}

/// A device that comes from the factory.
fn profile(who: Who, browser: bool) -> Profile {
    let issuer_key = Provisioning::new(NAMES, Policy::default(), ISSUER_SEED).public_key();
    let last = who as u8;
    Profile {
        names: NAMES,
        ueid: vec![3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, last],
        seed: [last + 2; 32],
        model: format!("Kedge Sim-1 {who:?}"),
        capabilities: if browser { capabilities::BROWSER } else { capabilities::USER_ACTION },
        issuer_key: issuer_key.as_slice().try_into().unwrap_or_default(),
        entry: ENTRY_URL.to_owned(),
        hosts: vec![PROVISIONING_HOST.to_owned()],
        http: false,
        sealed: false,
    }
}
