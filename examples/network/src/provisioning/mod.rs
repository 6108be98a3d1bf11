//! The provisioning server: who may use the product, decided by the table of section 9, told in signed documents.
//!
//! ```text
//!  GET  /v1/entry?t=token ─► decision ─► 302 /v1/download?d=..   the document, signed
//!                                     ─► 302 /v1/device?c=..     user-action: a code for sign-up or payment
//!                                     ─► 403 problem details
//!  GET  /v1/poll?c=..     ─► 202 until the user has acted, then as above
//!  POST /v1/entry/ack     ─► 200, also for a repeat
//! ```
//! Row 8 of the table compares with what a device reported, not with what was issued: else two documents lost on their way
//! would block it.
//!
//! No sockets, no clock, no random source. The user's part, what a page would do, are [`Provisioning::sign_up`] and
//! [`Provisioning::pay`]. Books are kept in memory; there are no pages yet.

mod books;
mod papers;

use std::collections::BTreeMap;

use kedge_platform_sim::bearer::{Request, Response};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

pub use self::books::{Account, Device, Policy};
use self::books::{Asked, Books, Decision, problem};
use self::papers::Paper;
use crate::http::{Target, finish, status};

/// Its host.
pub const PROVISIONING_HOST: &str = "prov.operator.example";
/// Where requests enter.
pub const ENTRY_URL: &str = "https://prov.operator.example/v1/entry";
const ENTRY_PATH: &str = "/v1/entry";

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

/// The server.
#[derive(Debug)]
pub struct Provisioning {
    names: Names,
    pair: Ed25519KeyPair,
    books: Books,
    /// Public keys of devices by their names, as the factory registered them.
    keys: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Requests that wait for their user, by code; and documents that wait for their download.
    tickets: BTreeMap<String, Ticket>,
    epoch: u64,
    seq: u64,
    /// Documents that were reported, by id, with how often.
    reports: BTreeMap<Vec<u8>, u32>,
    /// Documents that were issued, by id.
    issued: BTreeMap<Vec<u8>, Issued>,
}

/// For which device a document was issued, and with what serial.
type Issued = (Vec<u8>, (u64, u64));

#[derive(Clone, Debug)]
struct Ticket {
    asked: Asked,
    key: Vec<u8>,
    account: Option<String>,
    document: Option<Vec<u8>>,
}

impl Provisioning {
    /// A server without customers that signs with the test key of this seed.
    ///
    /// # Panics
    ///
    /// Never: every seed is one.
    pub fn new(names: Names, policy: Policy, seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed of 32 octets");
        Self {
            names,
            pair,
            books: Books { policy, ..Books::default() },
            keys: BTreeMap::new(),
            tickets: BTreeMap::new(),
            epoch: 1,
            seq: 0,
            reports: BTreeMap::new(),
            issued: BTreeMap::new(),
        }
    }

    /// The key that devices must trust.
    pub fn public_key(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// A device leaves the factory with this public key.
    pub fn register(&mut self, public_key: &[u8]) {
        self.keys.insert(papers::key_id(public_key), public_key.to_vec());
    }

    /// The user enters a code and names an account. `false`: no such code.
    pub fn sign_up(&mut self, code: &str, account: &str) -> bool {
        let Some(ticket) = self.tickets.get_mut(code) else { return false };
        ticket.account = Some(account.to_owned());
        true
    }

    /// The user enters a code and pays for the device's account. `false`: no such code, or nobody's device.
    pub fn pay(&mut self, code: &str) -> bool {
        let Some(ticket) = self.tickets.get_mut(code) else { return false };
        let known = self.books.devices.get(&ticket.asked.ueid).and_then(|device| device.account.clone());
        let Some(name) = ticket.account.clone().or(known) else { return false };
        self.books.accounts.entry(name.clone()).or_default().paid = true;
        ticket.account = Some(name);
        true
    }

    /// An account, to be looked at or changed as the operator's staff does.
    pub fn account(&mut self, name: &str) -> &mut Account {
        self.books.accounts.entry(name.to_owned()).or_default()
    }

    /// A device, if it is known.
    pub fn device(&self, ueid: &[u8]) -> Option<&Device> {
        self.books.devices.get(ueid)
    }

    /// The server's memory is lost, all but what identifies devices and customers: serials go on in a new epoch (row 10).
    pub fn lose_serials(&mut self) {
        (self.epoch, self.seq) = (self.epoch + 1, 0);
    }

    /// How often each document was reported, and how many were issued.
    pub fn reports(&self) -> (Vec<u32>, usize) {
        (self.reports.values().copied().collect(), self.issued.len())
    }

    /// Answers one request; `now` in seconds since 1970.
    pub fn exchange(&mut self, now: u64, request: &Request) -> Response {
        let target =
            Target::parse(&request.url).filter(|target| target.tls && target.host == PROVISIONING_HOST);
        let Some(target) = target else { return finish(status(404)) };
        let (path, query) = target.path.split_once('?').unwrap_or((target.path, ""));
        let response = match (request.method.as_str(), path) {
            ("GET", ENTRY_PATH) => self.entry(query, now),
            ("GET", "/v1/device") => self.device_page(query),
            ("GET", "/v1/poll") => self.poll(query, now),
            ("GET", "/v1/download") => self.download(query),
            ("POST", "/v1/entry/ack") => self.acknowledge(&request.body),
            _ => status(404),
        };
        finish(response)
    }

    fn entry(&mut self, query: &str, now: u64) -> Response {
        let token = parameter(query, "t").and_then(unbase64);
        let opened = token.as_deref().and_then(|token| self.open(token, "provreq"));
        let Some((key, value)) = opened else { return refuse(problem::BAD_TOKEN) };
        let Some(asked) = papers::asked(&value) else { return refuse(problem::BAD_TOKEN) };
        self.answer(Ticket { asked, key, account: None, document: None }, now)
    }

    /// Decides, and leads on.
    fn answer(&mut self, mut ticket: Ticket, now: u64) -> Response {
        let account = ticket.account.clone();
        match self.books.decide(&ticket.asked, account.as_deref(), now) {
            Decision::Refuse(code) => refuse(code),
            decision @ (Decision::SignUp | Decision::Pay) => {
                let code = self.code(if decision == Decision::Pay { "PAY" } else { "NEW" });
                let location = format!("/v1/device?c={code}");
                self.tickets.insert(code, ticket);
                status(302).with_header("Location", &location)
            }
            Decision::Issue(grant) => {
                self.seq += 1;
                let serial = (self.epoch, self.seq);
                let mut id = [0; 16];
                id[..8].copy_from_slice(&self.epoch.to_be_bytes());
                id[8..].copy_from_slice(&self.seq.to_be_bytes());
                let known = self.books.devices.entry(ticket.asked.ueid.clone()).or_default();
                let name = account.or_else(|| known.account.clone()).unwrap_or_else(|| "released".to_owned());
                let paper = Paper {
                    issuer: self.names.issuer,
                    account: &name,
                    product: self.names.product,
                    vendor: self.names.vendor,
                    now,
                    id,
                    device_key: &ticket.key,
                    asked: &ticket.asked,
                    serial,
                    entry: (PROVISIONING_HOST, ENTRY_PATH),
                };
                let Some(document) = paper.sign(&grant, &self.pair) else { return status(500) };
                self.issued.insert(id.to_vec(), (ticket.asked.ueid.clone(), serial));
                ticket.document = Some(document);
                let code = self.code("DOC");
                let location = format!("/v1/download?d={code}");
                self.tickets.insert(code, ticket);
                status(302).with_header("Location", &location)
            }
        }
    }

    fn device_page(&self, query: &str) -> Response {
        let code = parameter(query, "c").filter(|code| self.tickets.contains_key(*code));
        let Some(code) = code else { return status(404) };
        let body = papers::user_action(
            &format!("https://{PROVISIONING_HOST}/device"),
            code,
            &format!("/v1/poll?c={code}"),
        );
        typed(200, &format!("application/vnd.{}.user-action+cbor", self.names.vendor), body)
    }

    fn poll(&mut self, query: &str, now: u64) -> Response {
        let Some(code) = parameter(query, "c") else { return status(404) };
        match self.tickets.get(code) {
            None => status(410),
            Some(ticket) if ticket.account.is_none() => status(202),
            Some(_) => match self.tickets.remove(code) {
                Some(ticket) => self.answer(ticket, now),
                None => status(410),
            },
        }
    }

    fn download(&mut self, query: &str) -> Response {
        let ticket = parameter(query, "d").and_then(|code| self.tickets.remove(code));
        match ticket.and_then(|ticket| ticket.document) {
            Some(document) => {
                typed(200, &format!("application/vnd.{}.provisioning+cbor", self.names.vendor), document)
            }
            None => status(410),
        }
    }

    fn acknowledge(&mut self, body: &[u8]) -> Response {
        let report = self.open(body, "provack").and_then(|(_, value)| papers::reported(&value));
        match report {
            Some((id, 0)) => self.installed(id),
            _ => status(400),
        }
    }

    /// A device has installed a document.
    fn installed(&mut self, id: Vec<u8>) -> Response {
        let Some((ueid, serial)) = self.issued.get(&id) else { return status(400) };
        let device = self.books.devices.entry(ueid.clone()).or_default();
        device.installed = device.installed.max(*serial);
        *self.reports.entry(id).or_default() += 1;
        status(200)
    }

    /// A signed thing of a known device: its key, and what it says.
    fn open(&self, octets: &[u8], kind: &str) -> Option<(Vec<u8>, coset::cbor::value::Value)> {
        let found = core::cell::RefCell::new(Vec::new());
        let find = |id: &[u8]| {
            let key = self.keys.get(id)?.clone();
            found.borrow_mut().clone_from(&key);
            Some(key)
        };
        let value = papers::open(octets, self.names.vendor, kind, find)?;
        Some((found.into_inner(), value))
    }

    /// A code that was never used before.
    fn code(&self, kind: &str) -> String {
        let free = (1_u32..).map(|n| format!("{kind}-{n:04}-{}-{}", self.epoch, self.seq));
        let mut free = free.filter(|code| !self.tickets.contains_key(code));
        free.next().unwrap_or_default()
    }
}

fn refuse(code: u64) -> Response {
    typed(403, "application/concise-problem-details+cbor", papers::problem(code))
}

fn typed(code: u16, media_type: &str, body: Vec<u8>) -> Response {
    let mut response = status(code).with_header("Content-Type", media_type);
    response.body = body;
    response
}

fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

/// Base64 of URLs, without padding (RFC 4648 §5).
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let standard: String = text
        .chars()
        .map(|c| {
            if c == '-' {
                '+'
            } else if c == '_' {
                '/'
            } else {
                c
            }
        })
        .collect();
    let padded = format!("{standard}{}", "=".repeat((4 - standard.len() % 4) % 4));
    let mut room = vec![0; padded.len()];
    kedge_protocol::xml::base64::decode(padded.as_bytes(), &mut room).ok().map(<[u8]>::to_vec)
}
