//! The provisioning server: who may use the product, decided by the table of section 9, told in signed documents.
//!
//! ```text
//!  GET  /v1/entry?t=token ─► decision ─► 302 /v1/download?d=..   the document, signed
//!                                     ─► 302 /v1/device?c=..     user-action: a code for sign-up or payment
//!                                     ─► 302 /activate, /pay or /account: pages, for a device with a browser
//!                                     ─► 200 client provisioning, if a document of that waits for the device
//!                                     ─► 403 problem details; 503 with Retry-After
//!  GET  /v1/poll?c=..     ─► 202 until the user has acted, then as above
//!  POST /v1/entry/ack     ─► 200, also for a repeat
//!  POST /v1/offline       ─► the same as an entry, for a request that came by file
//! ```
//! A request is a signed token, or, at levels L0 and L1, plain parameters. Pages are for people. `SERVER.md` tells how
//! to run it.
//!
//! No sockets, no clock, and no random source but for sealed documents: the same requests at the same times get the same
//! octets. Books are kept in a [`Ledger`], committed before an answer goes out; requests under way are in memory.

mod books;
mod decide;
mod ledger;
mod pages;
mod papers;
mod rows;
mod seal;
mod secret;
mod tickets;
mod visitor;

use std::io;

use kedge_platform_sim::bearer::{Request, Response};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

pub use self::books::{Account, Device, Issued, Settings};
use self::books::{Books, DeviceKey};
pub use self::decide::Policy;
use self::decide::{Asked, Decision, Grant, capability, problem};
pub use self::ledger::{Change, Database, InMemory, Ledger, Table};
use self::pages::Desk;
use self::papers::Paper;
use self::secret::Secret;
use self::tickets::{LIFETIME, Ticket, Tickets};
pub use self::visitor::Visitor;
use crate::http::{Target, finish, status};

/// Its host.
pub const PROVISIONING_HOST: &str = "prov.operator.example";
/// Where requests enter.
pub const ENTRY_URL: &str = "https://prov.operator.example/v1/entry";
const ENTRY_PATH: &str = "/v1/entry";
/// How long a busy server asks for, in seconds.
const BUSY: u32 = 30;

/// The texts that clients and server agree on.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The vendor in the media types.
    pub vendor: &'static str,
    /// The product.
    pub product: &'static str,
    /// The issuer of the documents.
    pub issuer: &'static str,
}

/// Where the server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Scheme, host and port, as in the addresses that are shown to users.
    pub origin: String,
    /// Answer over http too: for test networks.
    pub http: bool,
}

impl Default for Site {
    /// The simulated operator's host, over https only.
    fn default() -> Self {
        Self { origin: format!("https://{PROVISIONING_HOST}"), http: false }
    }
}

impl Site {
    /// Host, port and path of the entry.
    fn entry(&self) -> (&str, u16, &'static str) {
        let (scheme, authority) = self.origin.split_once("://").unwrap_or(("https", &self.origin));
        let usual = if scheme == "http" { 80 } else { 443 };
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        (host, port.parse().unwrap_or(usual), ENTRY_PATH)
    }
}

/// The server.
#[derive(Debug)]
pub struct Provisioning {
    names: Names,
    pair: Ed25519KeyPair,
    site: Site,
    books: Books,
    tickets: Tickets,
    secret: Secret,
    desk: Desk,
    busy: bool,
}

impl Provisioning {
    /// A server without customers that signs with the test key of this seed and forgets everything at its end.
    ///
    /// # Panics
    ///
    /// Never: every seed is one, and books in memory can be opened.
    pub fn new(names: Names, policy: Policy, seed: [u8; 32]) -> Self {
        Self::open(names, policy, seed, Box::new(InMemory::default()), 1).expect("books in memory")
    }

    /// A server with these books. New ones begin with the serial `(epoch, 1)`: above every serial of books that were lost.
    ///
    /// # Panics
    ///
    /// Never: every seed is one.
    pub fn open(
        names: Names,
        policy: Policy,
        seed: [u8; 32],
        ledger: Box<dyn Ledger>,
        epoch: u64,
    ) -> io::Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed of 32 octets");
        Ok(Self {
            names,
            pair,
            site: Site::default(),
            books: Books::open(policy, ledger, epoch)?,
            tickets: Tickets::default(),
            secret: Secret::new(&seed),
            desk: Desk::default(),
            busy: false,
        })
    }

    /// It is reached at another place from now on.
    pub fn move_to(&mut self, site: Site) {
        self.site = site;
    }

    /// The same server with a secret for codes, forms and sessions that nobody knows; without, they follow from the seed.
    #[must_use]
    pub fn with_secret(self, secret: &[u8; 32]) -> Self {
        Self { secret: Secret::new(secret), ..self }
    }

    /// The same server with an administration page behind this password; without, there is none.
    #[must_use]
    pub fn with_administration(mut self, password: &str) -> Self {
        self.desk.open_administration(&self.secret, password);
        self
    }

    /// The key that devices must trust.
    pub fn public_key(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// A device leaves the factory with this public key.
    pub fn register(&mut self, public_key: &[u8]) {
        *self.books.keys.edit(&papers::key_id(public_key)) = DeviceKey { public: public_key.to_vec() };
    }

    /// The user enters a code and names an account. `false`: no such code.
    pub fn sign_up(&mut self, code: &str, account: &str, now: u64) -> bool {
        let Some(ticket) = self.tickets.edit(code, now) else { return false };
        (ticket.account, ticket.acted) = (Some(account.to_owned()), true);
        true
    }

    /// The user enters a code and pays for the device's account. `false`: no such code, or nobody's device.
    pub fn pay(&mut self, code: &str, now: u64) -> bool {
        let Some(name) = self.owner(code, now) else { return false };
        let account = self.books.accounts.edit(name.as_bytes());
        (account.paid, account.refunded) = (true, false);
        self.done(code, now)
    }

    /// The user has seen enough of the account. `false`: no such code, or nobody's device.
    pub fn done(&mut self, code: &str, now: u64) -> bool {
        let owner = self.owner(code, now);
        let ticket = self.tickets.edit(code, now).filter(|_| owner.is_some());
        ticket.map(|ticket| (ticket.account, ticket.acted) = (owner, true)).is_some()
    }

    /// The account that a code is about.
    fn owner(&self, code: &str, now: u64) -> Option<String> {
        let ticket = self.tickets.get(code, now)?;
        let known = || self.books.devices.get(&ticket.asked.ueid).and_then(|device| device.account.clone());
        ticket.account.clone().or_else(known)
    }

    /// An account, to be looked at or changed as the operator's staff does.
    pub fn account(&mut self, name: &str) -> &mut Account {
        self.books.accounts.edit(name.as_bytes())
    }

    /// The operator's staff gives an account this password; a new one is opened.
    pub fn open_account(&mut self, name: &str, password: &str) {
        let password = self.secret.password(name, password);
        self.account(name).password = Some(password);
    }

    /// A device, if it is known.
    pub fn device(&self, ueid: &[u8]) -> Option<&Device> {
        self.books.devices.get(ueid)
    }

    /// Another document waits for a device: it answers its next refresh, and the license is not concerned.
    pub fn send_settings(&mut self, ueid: &[u8], settings: Settings) {
        self.books.devices.edit(ueid).settings = Some(settings);
    }

    /// The server's memory is lost, all but what identifies devices and customers: serials go on in a new epoch (row 10).
    pub fn lose_serials(&mut self) {
        let counters = self.books.counters();
        (counters.epoch, counters.seq) = (counters.epoch + 1, 0);
    }

    /// Whether it is too busy to decide.
    pub fn set_busy(&mut self, busy: bool) {
        self.busy = busy;
    }

    /// How often each document was reported that was, and how many were issued.
    pub fn reports(&self) -> (Vec<u32>, usize) {
        let documents = self.books.documents.iter().map(|(_, issued)| issued.reports);
        (documents.filter(|count| *count > 0).collect(), self.books.documents.len())
    }

    /// All documents that were issued.
    pub fn documents(&self) -> impl Iterator<Item = &Issued> {
        self.books.documents.iter().map(|(_, issued)| issued)
    }

    /// Answers one request; `now` in seconds since 1970. What it changes is permanent before this returns.
    pub fn exchange(&mut self, now: u64, request: &Request) -> Response {
        let own = Target::parse(&self.site.origin).map(|own| own.host.to_owned());
        let target = Target::parse(&request.url)
            .filter(|target| (target.tls || self.site.http) && own.as_deref() == Some(target.host));
        let Some(target) = target else { return finish(status(404)) };
        let (path, query) = target.path.split_once('?').unwrap_or((target.path, ""));
        let response = match (request.method.as_str(), path) {
            ("GET", ENTRY_PATH) => self.entry(query, request, now),
            ("POST", "/v1/offline") => self.offline(&request.body, request, now),
            ("GET", "/v1/device") => self.device_page(query, now),
            ("GET", "/v1/poll") => self.poll(query, now),
            ("GET", "/v1/download") => self.download(query, now),
            ("POST", "/v1/entry/ack") => self.acknowledge(&request.body),
            _ => self.page(path, query, request, now),
        };
        match self.books.commit() {
            Ok(()) => finish(response),
            // what was decided has not happened
            Err(_) => finish(later()),
        }
    }

    fn entry(&mut self, query: &str, request: &Request, now: u64) -> Response {
        if self.busy {
            return later();
        }
        let accept = request.header("Accept").unwrap_or_default();
        let opened = match parameter(query, "t") {
            Some(token) => unbase64(&token).and_then(|token| self.read_token(&token)),
            None => plain(query, accept).map(|asked| (Vec::new(), asked)),
        };
        let Some((key, asked)) = opened else { return refuse(problem::BAD_TOKEN, false) };
        let browser = asked.has(capability::BROWSER) && accept.contains("text/html");
        self.answer(ticket(asked, key, browser), now)
    }

    /// A request that came by file.
    fn offline(&mut self, token: &[u8], request: &Request, now: u64) -> Response {
        let browser = request.header("Accept").is_some_and(|accept| accept.contains("text/html"));
        match self.read_token(token) {
            Some((key, asked)) => self.answer(ticket(asked, key, browser), now),
            None => refuse(problem::BAD_TOKEN, browser),
        }
    }

    fn read_token(&self, token: &[u8]) -> Option<(Vec<u8>, Asked)> {
        let (key, value) = self.open_signed(token, "provreq")?;
        Some((key, papers::asked(&value)?))
    }

    /// Decides, and leads on.
    fn answer(&mut self, mut ticket: Ticket, now: u64) -> Response {
        if let Some(settings) = self.settings_for(&ticket.asked) {
            return typed(200, &settings.media_type, settings.body);
        }
        let account = ticket.account.clone();
        let decision = self.books.decide(&ticket.asked, account.as_deref(), ticket.again, now);
        (ticket.again, ticket.acted, ticket.until) = (true, false, now + LIFETIME);
        match decision {
            Decision::Refuse(code) => refuse(code, ticket.browser),
            Decision::Issue(grant) => self.issue(&grant, ticket, now),
            Decision::SignUp => self.lead(ticket, "/activate", problem::ACCOUNT_MISMATCH, now),
            Decision::Pay => self.lead(ticket, "/pay", problem::PAYMENT_REQUIRED, now),
            Decision::Account => self.lead(ticket, "/account", problem::ACCOUNT_MISMATCH, now),
        }
    }

    /// Leads the user to a page: in the device's browser, or with a code on any other; a device that can do neither has a
    /// problem.
    fn lead(&mut self, ticket: Ticket, page: &str, otherwise: u64, now: u64) -> Response {
        let location = match (ticket.browser, ticket.asked.has(capability::USER_ACTION)) {
            (true, _) => page,
            (false, true) => "/v1/device",
            (false, false) => return refuse(otherwise, false),
        };
        let code = self.code();
        let location = format!("{location}?c={code}");
        let location = if ticket.browser { location } else { format!("{location}&p={}", &page[1..]) };
        self.tickets.put(code, ticket, now);
        status(302).with_header("Location", &location)
    }

    fn issue(&mut self, grant: &Grant, mut ticket: Ticket, now: u64) -> Response {
        let counters = self.books.counters();
        counters.seq += 1;
        let serial = (counters.epoch, counters.seq);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&serial.0.to_be_bytes());
        id[8..].copy_from_slice(&serial.1.to_be_bytes());
        let known = self.books.devices.get(&ticket.asked.ueid).and_then(|device| device.account.clone());
        let account = ticket.account.clone().or(known).unwrap_or_else(|| "released".to_owned());
        let paper = Paper {
            issuer: self.names.issuer,
            account: &account,
            product: self.names.product,
            vendor: self.names.vendor,
            now,
            id,
            device_key: &ticket.key,
            asked: &ticket.asked,
            serial,
            entry: self.site.entry(),
        };
        let Some(document) = paper.sign(grant, &self.pair) else { return status(500) };
        *self.books.documents.edit(&id) = Issued {
            ueid: ticket.asked.ueid.clone(),
            serial,
            account,
            state: grant.state,
            reason: grant.reason,
            at: now,
            expires: grant.expires,
            reports: 0,
        };
        let receiver = ticket.asked.ephemeral.as_ref().filter(|_| ticket.asked.has(capability::SEALED));
        ticket.document = Some(match receiver {
            None => (self.media_type("provisioning"), document),
            Some(key) => match seal::seal(&document, &ticket.asked.nonce, key) {
                Some(sealed) => (self.media_type("sealed"), sealed),
                None => return refuse(problem::BAD_TOKEN, ticket.browser),
            },
        });
        let code = self.code();
        let location = format!("/v1/download?d={code}");
        self.tickets.put(code, ticket, now);
        status(302).with_header("Location", &location)
    }

    /// What waits for the device, if it refreshes.
    fn settings_for(&mut self, asked: &Asked) -> Option<Settings> {
        const REFRESH: u64 = 3;
        let waiting = self.books.devices.get(&asked.ueid)?.settings.is_some();
        if asked.op == REFRESH && waiting {
            self.books.devices.edit(&asked.ueid).settings.take()
        } else {
            None
        }
    }

    fn device_page(&self, query: &str, now: u64) -> Response {
        let code = parameter(query, "c").filter(|code| self.tickets.get(code, now).is_some());
        let (page, text) = match parameter(query, "p").as_deref() {
            Some("activate") => ("activate", "Sign up, or sign in, to use this device."),
            Some("pay") => ("pay", "The trial is over. Buy a license to go on."),
            Some("account") => ("account", "See your account."),
            _ => return status(404),
        };
        let Some(code) = code else { return status(404) };
        let url = format!("{}/{page}", self.site.origin);
        let body = papers::user_action(&url, &code, LIFETIME, &format!("/v1/poll?c={code}"), text);
        typed(200, &self.media_type("user-action"), body)
    }

    fn poll(&mut self, query: &str, now: u64) -> Response {
        let Some(code) = parameter(query, "c") else { return status(404) };
        match self.tickets.get(&code, now) {
            Some(ticket) if !ticket.acted => status(202),
            Some(_) => match self.tickets.take(&code, now) {
                Some(ticket) => self.answer(ticket, now),
                None => status(410),
            },
            None => status(410),
        }
    }

    fn download(&mut self, query: &str, now: u64) -> Response {
        let ticket = parameter(query, "d").and_then(|code| self.tickets.take(&code, now));
        match ticket.and_then(|ticket| ticket.document) {
            Some((media_type, document)) => typed(200, &media_type, document)
                .with_header("Content-Disposition", "attachment; filename=\"license.prv\""),
            None => status(410),
        }
    }

    fn acknowledge(&mut self, body: &[u8]) -> Response {
        let report = self.open_signed(body, "provack").and_then(|(_, value)| papers::reported(&value));
        match report {
            Some((id, 0)) => self.installed(&id),
            _ => status(400),
        }
    }

    /// A device has installed a document.
    fn installed(&mut self, id: &[u8]) -> Response {
        if self.books.documents.get(id).is_none() {
            return status(400);
        }
        let issued = self.books.documents.edit(id);
        issued.reports += 1;
        let device = self.books.devices.edit(&issued.ueid);
        device.installed = device.installed.max(issued.serial);
        status(200)
    }

    /// A signed thing of a known device: its key, and what it says.
    fn open_signed(&self, octets: &[u8], kind: &str) -> Option<(Vec<u8>, coset::cbor::value::Value)> {
        let found = core::cell::RefCell::new(Vec::new());
        let find = |id: &[u8]| {
            let key = self.books.keys.get(id)?.public.clone();
            found.borrow_mut().clone_from(&key);
            Some(key)
        };
        let value = papers::open(octets, self.names.vendor, kind, find)?;
        Some((found.into_inner(), value))
    }

    /// A code that was never used before.
    fn code(&mut self) -> String {
        let counters = self.books.counters();
        counters.codes += 1;
        self.secret.code(counters.codes)
    }

    fn media_type(&self, kind: &str) -> String {
        format!("application/vnd.{}.{kind}+cbor", self.names.vendor)
    }
}

/// A new request.
fn ticket(asked: Asked, key: Vec<u8>, browser: bool) -> Ticket {
    Ticket { asked, key, account: None, acted: false, again: false, browser, document: None, until: 0 }
}

/// A request in plain parameters (section 4.1): levels L0 and L1. What the device can do, its Accept tells.
fn plain(query: &str, accept: &str) -> Option<Asked> {
    let value = |name| parameter(query, name);
    let octets = |name| value(name).and_then(|text| unbase64(&text));
    let held = value("q")?;
    let (epoch, seq) = held.split_once('.')?;
    let able = |text: &str, capability: u64| if accept.contains(text) { capability } else { 0 };
    Some(Asked {
        op: value("op")?.parse().ok()?,
        ueid: octets("d").filter(|ueid| (7..=33).contains(&ueid.len()))?,
        nonce: octets("n").filter(|nonce| nonce.len() == 16)?,
        boots: None,
        held: (epoch.parse().ok()?, seq.parse().ok()?),
        capabilities: capability::IDENTITY_LEVEL
            | able("user-action", capability::USER_ACTION)
            | able("text/html", capability::BROWSER),
        model: value("m").unwrap_or_default(),
        version: value("c").unwrap_or_default(),
        ephemeral: None,
    })
}

/// Busy, or the books cannot be written: try again.
fn later() -> Response {
    refuse_as(503, problem::BUSY).with_header("Retry-After", &BUSY.to_string())
}

/// A problem, told to the device, or to the user at its browser.
fn refuse(code: u64, browser: bool) -> Response {
    if browser { pages::problem(papers::title(code)) } else { refuse_as(403, code) }
}

fn refuse_as(status: u16, code: u64) -> Response {
    typed(status, "application/concise-problem-details+cbor", papers::problem(code))
}

fn typed(code: u16, media_type: &str, body: Vec<u8>) -> Response {
    status(code).with_header("Cache-Control", "no-store").with_body(media_type, body)
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

/// Base64 of URLs, without padding (RFC 4648 §5).
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let standard: String = text
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let padded = format!("{standard}{}", "=".repeat((4 - standard.len() % 4) % 4));
    let mut room = vec![0; padded.len()];
    kedge_protocol::xml::base64::decode(padded.as_bytes(), &mut room).ok().map(<[u8]>::to_vec)
}
