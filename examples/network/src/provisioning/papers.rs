//! Tokens and reports read, documents signed: by coset and ring, not by the device's codec, so that each checks the other.

use coset::cbor::value::Value;
use coset::iana::{Algorithm, EnumI64 as _};
use coset::{
    CborSerializable as _, CoseSign1, CoseSign1Builder, Header, RegisteredLabelWithPrivate,
    TaggedCborSerializable as _,
};
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::decide::{Asked, Grant, capability, problem};

/// What every signature of the protocol also covers.
pub(super) const AAD: &[u8] = b"provlic-v1";
/// The number of Ed25519 in COSE (RFC 9864).
const ALGORITHM: i64 = -19;
/// Label `typ` (RFC 9596).
const TYP: i64 = 16;
/// Keys of our own claims.
const LICENSE: i64 = -70_001;
const CONFIGURATION: i64 = -70_002;
const OWN: i64 = -70_003;

/// The name of a key.
pub(super) fn key_id(public: &[u8]) -> Vec<u8> {
    digest(&SHA256, public).as_ref().iter().take(8).copied().collect()
}

/// Reads a signed thing of the type `application/vnd.<vendor>.<kind>+cbor` whose key `find` knows by its name; its payload
/// as a map.
pub(super) fn open(
    octets: &[u8],
    vendor: &str,
    kind: &str,
    find: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Option<Value> {
    let signed = CoseSign1::from_tagged_slice(octets).ok()?;
    let header = &signed.protected.header;
    let algorithm = RegisteredLabelWithPrivate::Assigned(Algorithm::from_i64(ALGORITHM)?);
    let name = Value::Text(format!("application/vnd.{vendor}.{kind}+cbor"));
    let typed = header.rest.iter().any(|(label, value)| *label == coset::Label::Int(TYP) && *value == name);
    let key = find(&header.key_id).filter(|_| typed && header.alg == Some(algorithm))?;
    let verify =
        |signature: &[u8], message: &[u8]| UnparsedPublicKey::new(&ED25519, &key).verify(message, signature);
    signed.verify_signature(AAD, verify).ok()?;
    Value::from_slice(&signed.payload?).ok()
}

/// The value of an integer key.
fn get(map: &Value, key: i64) -> Option<&Value> {
    map.as_map()?.iter().find(|(known, _)| *known == Value::from(key)).map(|(_, value)| value)
}

fn number(map: &Value, key: i64) -> Option<u64> {
    u64::try_from(get(map, key)?.as_integer()?).ok()
}

fn text(map: &Value, key: i64) -> Option<String> {
    get(map, key)?.as_text().map(str::to_owned)
}

fn pair(value: &Value) -> Option<(u64, u64)> {
    let numbers: Vec<u64> =
        value.as_array()?.iter().filter_map(|item| u64::try_from(item.as_integer()?).ok()).collect();
    (numbers.len() == 2).then(|| (numbers[0], numbers[1]))
}

/// What a request token says.
pub(super) fn asked(token: &Value) -> Option<Asked> {
    let own = get(token, OWN)?;
    Some(Asked {
        op: number(own, 1)?,
        ueid: get(token, 256)?.as_bytes()?.clone(),
        nonce: get(token, 10)?.as_bytes()?.clone(),
        boots: Some(number(token, 267)?),
        held: pair(get(own, 2)?)?,
        capabilities: number(own, 6)?,
        model: text(own, 4)?,
        version: text(own, 5)?,
        ephemeral: get(own, 8).and_then(Value::as_bytes).cloned(),
    })
}

/// What a report says: the document, and the result.
pub(super) fn reported(report: &Value) -> Option<(Vec<u8>, u64)> {
    Some((get(report, 7)?.as_bytes()?.clone(), number(get(report, OWN)?, 20)?))
}

/// What a document says besides its license.
pub(super) struct Paper<'a> {
    pub(super) issuer: &'a str,
    pub(super) account: &'a str,
    pub(super) product: &'a str,
    pub(super) vendor: &'a str,
    pub(super) now: u64,
    pub(super) id: [u8; 16],
    pub(super) device_key: &'a [u8],
    pub(super) asked: &'a Asked,
    pub(super) serial: (u64, u64),
    /// Host, port and path of the entry.
    pub(super) entry: (&'a str, u16, &'a str),
}

impl Paper<'_> {
    /// Signs the document with a license.
    pub(super) fn sign(&self, grant: &Grant, pair: &Ed25519KeyPair) -> Option<Vec<u8>> {
        let key = self.device_key.to_vec();
        let signs = !key.is_empty();
        let confirmation = map([(1, int(1)), (-1, int(6)), (-2, Value::Bytes(key))]);
        let mut claims = vec![
            (1, Value::from(self.issuer)),
            (2, Value::from(self.account)),
            (3, Value::from(self.product)),
            (6, int(self.now)),
            (7, Value::Bytes(self.id.to_vec())),
            (10, Value::Bytes(self.asked.nonce.clone())),
            (256, Value::Bytes(self.asked.ueid.clone())),
            (LICENSE, self.license(grant)),
        ];
        claims.extend(grant.expires.map(|end| (4, int(end))));
        claims.extend(signs.then(|| (8, map([(1, confirmation)]))));
        if grant.state > 0 {
            let (host, port, path) = self.entry;
            let endpoint = map([(1, Value::from(host)), (2, int(port.into())), (3, Value::from(path))]);
            claims.push((CONFIGURATION, map([(1, endpoint)])));
        }
        let payload = map(claims).to_vec().ok()?;
        let typ = Value::from(format!("application/vnd.{}.provisioning+cbor", self.vendor));
        let header = Header {
            alg: Some(RegisteredLabelWithPrivate::Assigned(Algorithm::from_i64(ALGORITHM)?)),
            key_id: key_id(pair.public_key().as_ref()),
            rest: vec![(coset::Label::Int(TYP), typ)],
            ..Header::default()
        };
        let signed = CoseSign1Builder::new().protected(header).payload(payload);
        signed
            .create_signature(AAD, |message| pair.sign(message).as_ref().to_vec())
            .build()
            .to_tagged_vec()
            .ok()
    }

    fn license(&self, grant: &Grant) -> Value {
        let (epoch, seq) = self.serial;
        let serial = Value::Array(vec![int(epoch), int(seq)]);
        let mut pairs = vec![(1, int(grant.state)), (2, serial), (9, int(grant.reason))];
        pairs.extend(grant.refresh_at.map(|at| (3, int(at))));
        pairs.extend((grant.grace > 0).then(|| (4, int(grant.grace))));
        pairs.extend((grant.state == 2).then(|| (5, int(1))));
        pairs.extend((grant.state > 0).then(|| (6, Value::Array(vec![int(1)]))));
        pairs.extend(grant.usage.map(|seconds| (7, int(seconds))));
        // no clock: twenty starts a day (section 7.2)
        let clockless = self.asked.has(capability::NO_CLOCK);
        let boots = grant.usage.filter(|_| clockless).map(|seconds| seconds.div_ceil(86_400) * 20);
        pairs.extend(boots.map(|boots| (8, int(boots))));
        map(pairs)
    }
}

/// A user-action answer (section 4.4).
pub(super) fn user_action(url: &str, code: &str, lifetime: u64, poll_url: &str, text: &str) -> Vec<u8> {
    let pairs = [
        (1, Value::from(url)),
        (2, Value::from(code)),
        (3, int(5)),
        (4, int(lifetime)),
        (5, Value::from(poll_url)),
        (6, Value::from(text)),
    ];
    map(pairs).to_vec().unwrap_or_default()
}

/// Concise problem details (RFC 9290) with our code.
pub(super) fn problem(code: u64) -> Vec<u8> {
    map([(-1, Value::from(title(code))), (OWN, int(code))]).to_vec().unwrap_or_default()
}

/// What a problem code means, for people.
pub(super) const fn title(code: u64) -> &'static str {
    match code {
        problem::TRIAL_USED => "This device had its trial already.",
        problem::ACCOUNT_MISMATCH => "This device does not belong to that account.",
        problem::MOVES_EXHAUSTED => "The license was moved too often.",
        problem::PAYMENT_REQUIRED => "The license has to be paid first.",
        problem::BLOCKED => "The account or the device is blocked.",
        problem::BUSY => "The server is busy.",
        problem::BAD_TOKEN => "The request is not in order.",
        problem::CLIENT_TOO_OLD => "The client is too old.",
        problem::LEVEL_TOO_LOW => "The device cannot keep a license well enough.",
        _ => "The request was refused.",
    }
}

pub(super) fn int(number: u64) -> Value {
    Value::from(number)
}

/// A map in the deterministic order: unsigned keys ascend, negative ones behind them descend.
pub(super) fn map(pairs: impl IntoIterator<Item = (i64, Value)>) -> Value {
    let mut pairs: Vec<(i64, Value)> = pairs.into_iter().collect();
    pairs.sort_by_key(|(key, _)| (*key < 0, key.unsigned_abs()));
    Value::Map(pairs.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}
