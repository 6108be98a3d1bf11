//! Documents that only the device can read (section 4.4): the signed document inside a COSE_Encrypt0.
//!
//! The specification does not say where the server's ephemeral key and the initialization vector stand: in the protected
//! header, `{1: 24, 5: iv, -1: {1: 1, -1: 4, -2: key}}`, as devices of this project have it. This alone needs random numbers.

use coset::cbor::value::Value;
use coset::{
    CoseEncrypt0Builder, Header, Label, RegisteredLabelWithPrivate, TaggedCborSerializable as _,
    iana::Algorithm,
};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::papers::{AAD, int, map};

/// What the key is derived for.
const INFO: &[u8] = b"provlic-v1 sealed";
/// COSE's number of X25519.
const CURVE: i64 = 4;

/// Seals `document` for the ephemeral key `receiver` of the request with this nonce; `None`: that is no key.
pub(super) fn seal(document: &[u8], nonce: &[u8], receiver: &[u8]) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let private = EphemeralPrivateKey::generate(&X25519, &random).ok()?;
    let public = private.compute_public_key().ok()?.as_ref().to_vec();
    let mut iv = [0; 12];
    random.fill(&mut iv).ok()?;
    let peer = UnparsedPublicKey::new(&X25519, receiver);
    let derive = |shared: &[u8]| {
        let secret = Salt::new(HKDF_SHA256, nonce).extract(shared);
        secret.expand(&[INFO], &CHACHA20_POLY1305).map(|okm| LessSafeKey::new(UnboundKey::from(okm)))
    };
    let key = agree_ephemeral(private, &peer, derive).ok()?.ok()?;
    let named = map([(1, int(1)), (-1, Value::from(CURVE)), (-2, Value::Bytes(public))]);
    let header = Header {
        alg: Some(RegisteredLabelWithPrivate::Assigned(Algorithm::ChaCha20Poly1305)),
        iv: iv.to_vec(),
        rest: vec![(Label::Int(-1), named)],
        ..Header::default()
    };
    let encrypt = |plain: &[u8], associated: &[u8]| {
        let mut octets = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key(iv);
        key.seal_in_place_append_tag(nonce, Aad::from(associated), &mut octets).map(|()| octets)
    };
    let sealed = CoseEncrypt0Builder::new().protected(header).try_create_ciphertext(document, AAD, encrypt);
    sealed.ok()?.build().to_tagged_vec().ok()
}
