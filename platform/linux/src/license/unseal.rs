//! Sealed documents opened by ring.

use core::fmt;

use kedge_platform::license::{Seal, Unsealer};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::SystemRandom;

/// Holds one key pair, for the request that waits for its answer.
#[derive(Default)]
pub struct RingUnsealer {
    pair: Option<EphemeralPrivateKey>,
}

impl fmt::Debug for RingUnsealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingUnsealer(has a key: {})", self.pair.is_some())
    }
}

impl RingUnsealer {
    /// Without a key pair.
    pub const fn new() -> Self {
        Self { pair: None }
    }
}

impl Unsealer for RingUnsealer {
    fn renew(&mut self) -> Option<[u8; 32]> {
        self.pair = None;
        let pair = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).ok()?;
        let public = pair.compute_public_key().ok()?.as_ref().try_into().ok()?;
        self.pair = Some(pair);
        Some(public)
    }

    fn open(&mut self, seal: &Seal<'_>, sealed: &mut [u8]) -> Option<usize> {
        let key = key(self.pair.take()?, seal)?;
        let nonce = Nonce::assume_unique_for_key(*seal.iv);
        key.open_in_place(nonce, Aad::from(seal.associated), sealed).ok().map(|text| text.len())
    }
}

/// The key that both sides have.
fn key(pair: EphemeralPrivateKey, seal: &Seal<'_>) -> Option<LessSafeKey> {
    let peer = UnparsedPublicKey::new(&X25519, seal.ephemeral);
    let key = agree_ephemeral(pair, &peer, |shared| {
        let secret = Salt::new(HKDF_SHA256, seal.salt).extract(shared);
        let mut octets = [0; 32];
        let info = [seal.info];
        secret.expand(&info, Octets).and_then(|okm| okm.fill(&mut octets)).ok()?;
        UnboundKey::new(&CHACHA20_POLY1305, &octets).ok()
    });
    key.ok().flatten().map(LessSafeKey::new)
}

/// 32 octets of derived key.
struct Octets;

impl KeyType for Octets {
    fn len(&self) -> usize {
        32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_for_it_is_opened_once() {
        let mut device = RingUnsealer::new();
        let random = SystemRandom::new();
        let seal = Seal {
            ephemeral: &[0; 32],
            salt: &[1; 16],
            info: b"info",
            iv: &[2; 12],
            associated: b"associated",
        };
        assert_eq!(device.open(&seal, &mut [0; 32]), None, "nothing was asked");
        let sealed_for = |device: &mut RingUnsealer| {
            let to = device.renew().expect("random octets");
            let server = EphemeralPrivateKey::generate(&X25519, &random).expect("random octets");
            let public: [u8; 32] =
                server.compute_public_key().expect("a key").as_ref().try_into().expect("32");
            let key = key(server, &Seal { ephemeral: &to, ..seal }).expect("a key");
            let mut octets = b"document".to_vec();
            let nonce = Nonce::assume_unique_for_key(*seal.iv);
            key.seal_in_place_append_tag(nonce, Aad::from(seal.associated), &mut octets).expect("sealed");
            (public, octets)
        };
        let (public, octets) = sealed_for(&mut device);
        let seal = Seal { ephemeral: &public, ..seal };
        let mut text = octets.clone();
        assert_eq!(device.open(&seal, &mut text), Some(8));
        assert_eq!(&text[..8], b"document");
        assert_eq!(device.open(&seal, &mut octets.clone()), None, "once");
        for change in 0..5 {
            let (public, mut octets) = sealed_for(&mut device);
            let other = [9; 32];
            let seal = Seal { ephemeral: &public, ..seal };
            let seal = match change {
                0 => Seal { ephemeral: &other, ..seal },
                1 => Seal { salt: &[9; 16], ..seal },
                2 => Seal { info: b"other", ..seal },
                3 => Seal { associated: b"other", ..seal },
                _ => {
                    octets[3] ^= 1;
                    seal
                }
            };
            assert_eq!(device.open(&seal, &mut octets), None, "{change}");
        }
    }
}
