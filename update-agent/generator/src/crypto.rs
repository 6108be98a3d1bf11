use kedge_platform::crypto::{Crypto, Sha256};
use ring::digest;
use ring::signature::{ED25519, UnparsedPublicKey};

/// The crypto port over `ring`, for the rehearsal on the desk. It does not refuse keys of small order; devices use
/// something that does.
#[derive(Clone, Copy, Debug, Default)]
pub struct RingCrypto;

/// A SHA-256 computation in progress.
#[derive(Clone)]
pub struct RingSha256(digest::Context);

impl Default for RingSha256 {
    fn default() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

impl Sha256 for RingSha256 {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finish(self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        hash
    }
}

impl Crypto for RingCrypto {
    type Sha256 = RingSha256;

    fn verify_ed25519(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, public_key).verify(&message.concat(), signature).is_ok()
    }
}

/// The SHA-256 of `data`.
pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = RingSha256::default();
    hash.update(data);
    hash.finish()
}
