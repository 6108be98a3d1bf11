//! Devices as the server sees them: tokens made with coset, answers taken apart with coset.
#![allow(dead_code, reason = "each test uses a part")]

use coset::cbor::value::Value;
use coset::iana::{Algorithm, EnumI64 as _};
use coset::{
    CborSerializable as _, CoseSign1, CoseSign1Builder, Header, Label, RegisteredLabelWithPrivate,
    TaggedCborSerializable as _,
};
use kedge_network::provisioning::{InMemory, Ledger, Names, Policy, Provisioning};
use kedge_network::{Request, Response};
use kedge_protocol::wire::Writer;
use kedge_protocol::xml::base64;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

pub(crate) const NAMES: Names =
    Names { vendor: "example", product: "example-client", issuer: "prov.example" };
pub(crate) const START: u64 = 1_893_456_000;
pub(crate) const DAY: u64 = 86_400;
const SITE: &str = "https://prov.operator.example";

/// What a device gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Document {
        state: u64,
        reason: u64,
        end: Option<u64>,
    },
    Action {
        page: String,
        code: String,
    },
    Problem(u64),
    /// Busy, with Retry-After.
    Later(u64),
    Other(String, Vec<u8>),
    Http(u16),
}

/// A device's side.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) ueid: Vec<u8>,
    pub(crate) seed: [u8; 32],
    pub(crate) boots: u64,
    pub(crate) held: (u64, u64),
    pub(crate) capabilities: u64,
    pub(crate) version: String,
    /// Its ephemeral key, if it takes sealed documents.
    pub(crate) ephemeral: Option<Vec<u8>>,
    /// Serial and id of the last document.
    pub(crate) issued: (u64, u64),
    pub(crate) id: Vec<u8>,
}

impl Device {
    /// Its storage is lost.
    pub(crate) fn forget(&mut self) {
        (self.held, self.boots) = ((0, 0), 1);
    }

    pub(crate) fn public_key(&self) -> Vec<u8> {
        self.pair().public_key().as_ref().to_vec()
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&self.seed).unwrap()
    }

    fn sign(&self, kind: &str, payload: &Value) -> Vec<u8> {
        let pair = self.pair();
        let header = Header {
            alg: Some(RegisteredLabelWithPrivate::Assigned(Algorithm::from_i64(-19).unwrap())),
            key_id: digest(&SHA256, pair.public_key().as_ref()).as_ref()[..8].to_vec(),
            rest: vec![(Label::Int(16), Value::from(format!("application/vnd.example.{kind}+cbor")))],
            ..Header::default()
        };
        CoseSign1Builder::new()
            .protected(header)
            .payload(payload.clone().to_vec().unwrap())
            .create_signature(b"provlic-v1", |message| pair.sign(message).as_ref().to_vec())
            .build()
            .to_tagged_vec()
            .unwrap()
    }

    /// The request token for `op`.
    pub(crate) fn token(&self, op: u64) -> Vec<u8> {
        let mut own = vec![
            (1, Value::from(op)),
            (2, serial(self.held)),
            (3, Value::from(0)),
            (4, Value::from("Test device")),
            (5, Value::from(self.version.as_str())),
            (6, Value::from(self.capabilities)),
        ];
        own.extend(self.ephemeral.clone().map(|key| (8, Value::Bytes(key))));
        let payload = map([
            (6, Value::from(START)),
            (10, Value::Bytes(vec![7; 16])),
            (256, Value::Bytes(self.ueid.clone())),
            (261, Value::from(5)),
            (267, Value::from(self.boots)),
            (-70_003, map(own)),
        ]);
        self.sign("provreq", &payload)
    }
}

/// The server, and the time.
pub(crate) struct Desk {
    pub(crate) server: Provisioning,
    pub(crate) now: u64,
}

impl Desk {
    pub(crate) fn new(policy: Policy) -> Self {
        Self::with(policy, Box::new(InMemory::default()), 1)
    }

    pub(crate) fn with(policy: Policy, ledger: Box<dyn Ledger>, epoch: u64) -> Self {
        Self { server: Provisioning::open(NAMES, policy, [1; 32], ledger, epoch).unwrap(), now: START }
    }

    pub(crate) fn wait(&mut self, days: u64) {
        self.now += days * DAY;
    }

    #[expect(clippy::unused_self, reason = "devices come from a desk")]
    pub(crate) fn stranger(&self, number: u8) -> Device {
        Device {
            ueid: vec![1, number, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
            seed: [number; 32],
            boots: 1,
            held: (0, 0),
            capabilities: 1 | 2 << 8,
            version: "2.0".to_owned(),
            ephemeral: None,
            issued: (0, 0),
            id: Vec::new(),
        }
    }

    /// A device from the factory.
    pub(crate) fn device(&mut self, number: u8) -> Device {
        let device = self.stranger(number);
        self.server.register(device.pair().public_key().as_ref());
        device
    }

    /// One that was activated for the account.
    pub(crate) fn activated(&mut self, number: u8, account: &str) -> Device {
        let mut device = self.device(number);
        let answer = self.ask_as(&mut device, 1, account);
        assert!(matches!(answer, Answer::Document { .. }), "{answer:?}");
        device
    }

    /// The device asks; a document is installed and reported.
    pub(crate) fn ask(&mut self, device: &mut Device, op: u64) -> Answer {
        let entry = format!("/v1/entry?v=1&op={op}&t={}", base64_url(&device.token(op)));
        let response = self.follow(&entry);
        self.take(device, response, true)
    }

    /// The same, and the user names the account if asked.
    pub(crate) fn ask_as(&mut self, device: &mut Device, op: u64, account: &str) -> Answer {
        match self.ask(device, op) {
            Answer::Action { page, code } if page == "activate" => {
                assert!(self.server.sign_up(&code, account, self.now));
                self.poll(device, &code)
            }
            other => other,
        }
    }

    pub(crate) fn poll(&mut self, device: &mut Device, code: &str) -> Answer {
        let response = self.follow(&format!("/v1/poll?c={code}"));
        self.take(device, response, true)
    }

    /// The report is lost.
    pub(crate) fn poll_unreported(&mut self, device: &mut Device, code: &str) -> Answer {
        let response = self.follow(&format!("/v1/poll?c={code}"));
        self.take(device, response, false)
    }

    /// Reports that the device's last document is installed: the status.
    pub(crate) fn report(&mut self, device: &Device) -> u16 {
        let own = map([(2, serial(device.held)), (20, Value::from(0))]);
        let report =
            map([(7, Value::Bytes(device.id.clone())), (10, Value::Bytes(vec![7; 16])), (-70_003, own)]);
        let body = device.sign("provack", &report);
        self.exchange("POST", "/v1/entry/ack", body).status
    }

    /// What a plain request gets.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        let response = self.follow(path);
        let mut nobody = self.stranger(0);
        self.take(&mut nobody, response, false)
    }

    pub(crate) fn exchange(&mut self, method: &str, path: &str, body: Vec<u8>) -> Response {
        let accept =
            "application/vnd.example.provisioning+cbor, application/vnd.example.user-action+cbor;q=0.9";
        let headers = vec![("Accept".to_owned(), accept.to_owned())];
        let request = Request { method: method.to_owned(), url: format!("{SITE}{path}"), headers, body };
        self.server.exchange(self.now, &request)
    }

    fn follow(&mut self, path: &str) -> Response {
        let mut response = self.exchange("GET", path, Vec::new());
        while let Some(location) = response.header("Location") {
            let location = location.to_owned();
            response = self.exchange("GET", &location, Vec::new());
        }
        response
    }

    fn take(&mut self, device: &mut Device, response: Response, reports: bool) -> Answer {
        let kind = response.header("Content-Type").unwrap_or_default().to_owned();
        let body = || Value::from_slice(&response.body).unwrap();
        match (response.status, kind.as_str()) {
            (200, "application/vnd.example.provisioning+cbor") => {
                let signed = CoseSign1::from_tagged_slice(&response.body).unwrap();
                let claims = Value::from_slice(&signed.payload.unwrap()).unwrap();
                let license = find(&claims, -70_001).unwrap();
                let (state, reason) = (number(license, 1).unwrap(), number(license, 9).unwrap());
                device.issued = pair(find(license, 2).unwrap());
                device.id.clone_from(find(&claims, 7).unwrap().as_bytes().unwrap());
                if reports {
                    device.held = if state == 0 { (0, 0) } else { device.issued };
                    assert_eq!(self.report(device), 200);
                }
                Answer::Document { state, reason, end: number(&claims, 4) }
            }
            (200, "application/vnd.example.user-action+cbor") => {
                let action = body();
                let url = find(&action, 1).unwrap().as_text().unwrap();
                let page = url.strip_prefix(SITE).unwrap().trim_start_matches('/').to_owned();
                Answer::Action { page, code: find(&action, 2).unwrap().as_text().unwrap().to_owned() }
            }
            (503, "application/concise-problem-details+cbor") => {
                assert_eq!(number(&body(), -70_003), Some(7));
                Answer::Later(response.header("Retry-After").unwrap().parse().unwrap())
            }
            (403, "application/concise-problem-details+cbor") => {
                Answer::Problem(number(&body(), -70_003).unwrap())
            }
            (200, _) => Answer::Other(kind, response.body),
            (status, _) => Answer::Http(status),
        }
    }
}

fn map(pairs: impl IntoIterator<Item = (i64, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

fn serial((epoch, seq): (u64, u64)) -> Value {
    Value::Array(vec![Value::from(epoch), Value::from(seq)])
}

fn find(map: &Value, key: i64) -> Option<&Value> {
    map.as_map()?.iter().find(|(known, _)| *known == Value::from(key)).map(|(_, value)| value)
}

fn number(map: &Value, key: i64) -> Option<u64> {
    u64::try_from(find(map, key)?.as_integer()?).ok()
}

fn pair(value: &Value) -> (u64, u64) {
    let numbers: Vec<u64> =
        value.as_array().unwrap().iter().map(|n| u64::try_from(n.as_integer().unwrap()).unwrap()).collect();
    (numbers[0], numbers[1])
}

pub(crate) fn base64_url(octets: &[u8]) -> String {
    let mut room = vec![0; octets.len() * 2];
    let mut w = Writer::new(&mut room);
    base64::encode_url(octets, &mut w).unwrap();
    String::from_utf8(w.finish().to_vec()).unwrap()
}

pub(crate) fn hexadecimal(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap();
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}
