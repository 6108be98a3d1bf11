//! Cryptography in software, its instructions counted apart.

use crate::count::{Of, during};
use kedge_platform::crypto::{Crypto, Sha256};
use kedge_platform_crypto::{SoftCrypto, SoftSha256};

pub struct Counted;

#[derive(Default)]
pub struct CountedHash(SoftSha256);

impl Crypto for Counted {
    type Sha256 = CountedHash;

    fn verify_ed25519(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
        during(Of::Signature, || SoftCrypto.verify_ed25519(public_key, message, signature))
    }
}

impl Sha256 for CountedHash {
    fn update(&mut self, data: &[u8]) {
        during(Of::Hash, || self.0.update(data));
    }

    fn finish(self) -> [u8; 32] {
        during(Of::Hash, || self.0.finish())
    }
}
