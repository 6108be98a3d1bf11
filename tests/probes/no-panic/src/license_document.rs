//! protocol: license documents alone, parsed, verified and judged, as a device does with one that came and at each start. With
//! fake cryptography, or with what a device without an accelerator takes.

#[cfg(not(feature = "license-document-signed"))]
use crate::crypto::Fake as Cryptography;
use crate::opaque::{any, octets, text, used};
use kedge_platform::crypto::{Crypto, Sha256};
#[cfg(feature = "license-document-signed")]
use kedge_platform_crypto::SoftCrypto as Cryptography;
use kedge_protocol::license::accept::{Acceptance, Accepted, Device, IssuerKey, KeyStore, Policy, Situation};
use kedge_protocol::license::limits::MAX_DOCUMENT;
use kedge_protocol::license::verdict::{Facts, Terms, verdict};
use kedge_protocol::license::{KeyId, Level, Serial, State, Verifier};

/// Keys of which nothing is known.
struct Keys;

impl KeyStore for Keys {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        used(id);
        any(Some(IssuerKey { key: [0; 32], roles: 3, issuer: text() }))
    }
}

struct Checks;

impl Verifier for Checks {
    fn verify(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
        Cryptography.verify_ed25519(public_key, message, signature)
    }

    fn sha256(&self, octets: &[u8]) -> [u8; 32] {
        let mut hash = <Cryptography as Crypto>::Sha256::default();
        hash.update(octets);
        hash.finish()
    }
}

#[inline(never)]
pub fn run() {
    let room = crate::room!(MAX_DOCUMENT);
    let policy = Policy {
        vendor: text(),
        product: text(),
        max_document: MAX_DOCUMENT,
        level: any(Level::Key),
        build_time: any(1),
        allow_unsolicited: any(false),
        allow_eddsa: any(false),
    };
    let (key, nonce) = (any([0; 32]), any([0; 16]));
    let acceptance =
        Acceptance { policy, device: Device { ueid: octets(), key: any(Some(&key)) }, keys: &Keys, verifier: &Checks };
    let situation = Situation {
        nonce: any(Some(&nonce)),
        in_session: any(false),
        floor: any(Serial::NONE),
        held: any(Some((State::Trial, [0; 32]))),
        auth_floor: any(1),
        now: any(1),
        has_clock: any(true),
    };
    let document = room.get(..any(1)).unwrap_or_default();
    let accepted = acceptance.accept(document, any(Some(text())), &situation, &mut |all| used(all.check()).is_ok());
    let terms = match used(accepted) {
        Ok(Accepted::New(claims) | Accepted::AlreadyInstalled(claims)) => Terms::of(&claims),
        Err(_) => acceptance.verify(document).ok().and_then(|claims| Terms::of(&claims)),
    };
    used(verdict(&terms.unwrap_or(Terms::NONE), &any(Facts::default())));
}
