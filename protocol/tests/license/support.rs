//! Keys, vectors, and the ports over ring.

use std::path::Path;

use kedge_protocol::license::accept::{Acceptance, Device, IssuerKey, Policy, Situation};
use kedge_protocol::license::envelope::{self, Header};
use kedge_protocol::license::{Claims, KeyId, Kind, Level, Serial, State, Verifier};
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

pub(crate) const NOW: u64 = 1_893_456_000;
pub(crate) const UEID: [u8; 15] = [3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 0];
pub(crate) const NONCE: [u8; 16] =
    [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F];
pub(crate) const TYPE: &str = "application/vnd.example.provisioning+cbor";
/// When the image was built.
pub(crate) const BUILT: u64 = 1_700_000_000;

/// The secrets of RFC 8032 section 7.1: test 1 issues, test 2 is the device, test 3 configures and changes trust.
const SECRETS: [&str; 3] = [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
];

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

pub(crate) fn pair(number: usize) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&unhex(SECRETS[number])).expect("a seed")
}

pub(crate) fn public(number: usize) -> [u8; 32] {
    pair(number).public_key().as_ref().try_into().expect("32 octets")
}

pub(crate) fn key_id(number: usize) -> KeyId {
    digest(&SHA256, &public(number)).as_ref()[..8].try_into().expect("8 octets")
}

pub(crate) fn sign(number: usize, message: &[&[u8]]) -> [u8; 64] {
    pair(number).sign(&message.concat()).as_ref().try_into().expect("64 octets")
}

/// Signs claims as a document.
pub(crate) fn document(claims: &Claims<'_>, key: usize) -> Vec<u8> {
    let mut room = [0; 4096];
    let payload = claims.emit(&mut room).expect("room");
    signed(payload, key)
}

/// Signs a payload as a document.
pub(crate) fn signed(payload: &[u8], key: usize) -> Vec<u8> {
    let id = key_id(key);
    let name = Kind::Provisioning.name("example").expect("short");
    let header = Header { algorithm: envelope::ED25519, key_id: &id, kind: name.as_str() };
    let mut room = [0; 4096];
    envelope::emit(&header, payload, |message| sign(key, message), &mut room).expect("room").to_vec()
}

pub(crate) struct Ring;

impl Verifier for Ring {
    fn verify(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, public_key).verify(&message.concat(), signature).is_ok()
    }

    fn sha256(&self, octets: &[u8]) -> [u8; 32] {
        digest(&SHA256, octets).as_ref().try_into().expect("32 octets")
    }
}

pub(crate) fn keys() -> [(KeyId, IssuerKey<'static>); 2] {
    let key =
        |number, roles| (key_id(number), IssuerKey { key: public(number), roles, issuer: "prov.example" });
    [key(0, 3), key(2, 6)]
}

pub(crate) fn policy() -> Policy<'static> {
    Policy {
        vendor: "example",
        product: "example-client",
        max_document: 3584,
        level: Level::Key,
        build_time: BUILT,
        allow_unsolicited: false,
        allow_eddsa: false,
    }
}

/// Calls `with` with an acceptance by `policy`.
pub(crate) fn acceptance<T>(policy: Policy<'_>, with: impl FnOnce(&Acceptance<'_>) -> T) -> T {
    let (keys, key) = (keys(), public(1));
    let device = Device { ueid: &UEID, key: Some(&key) };
    with(&Acceptance { policy, device, keys: &KeyList(keys), verifier: &Ring })
}

/// A list of a fixed length as a key store.
pub(crate) struct KeyList<const N: usize>(pub(crate) [(KeyId, IssuerKey<'static>); N]);

impl<const N: usize> kedge_protocol::license::accept::KeyStore for KeyList<N> {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        self.0[..].find(id)
    }
}

/// Trial (1,6) is held, the request with the nonce is outstanding.
pub(crate) fn situation() -> Situation<'static> {
    Situation {
        nonce: Some(&NONCE),
        in_session: false,
        floor: Serial::new(1, 6),
        held: Some((State::Trial, [0; 32])),
        auth_floor: BUILT,
        now: NOW,
        has_clock: true,
    }
}

/// Name, expected code, and octets of each vector.
pub(crate) fn vectors() -> Vec<(String, String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/license/documents.txt");
    let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            let mut next = || words.next().expect("three words");
            (next(), next(), unhex(&next()))
        })
        .collect()
}

pub(crate) fn vector(name: &str) -> Vec<u8> {
    vectors().into_iter().find(|(known, ..)| known == name).expect("a vector of that name").2
}
