//! A device's key pair in software, for devices without a secure element.

use core::fmt;

use kedge_platform::license::DeviceKey;
use salty::Keypair;

/// Octets of the longest message that is signed: a request for a license, of 640 octets with its context. Anything longer
/// gets a signature of zeros, which nobody accepts.
pub const MESSAGE_MAX: usize = 704;

/// An Ed25519 key pair (RFC 8032) and a secret for check values, from seeds that the device keeps where nobody else reads
/// them. Salty does the signing, which takes messages in one piece.
///
/// ```
/// use kedge_platform::license::DeviceKey;
/// use kedge_platform_crypto::{SoftKey, ed25519};
///
/// let key = SoftKey::new(&[7; 32], [8; 32]);
/// let signature = key.sign(&[b"in two", b" pieces"]);
/// assert!(ed25519::verify(&key.public_key(), &[b"in two pieces"], &signature));
/// ```
pub struct SoftKey {
    pair: Keypair,
    record_secret: [u8; 32],
}

impl SoftKey {
    /// The key pair of this seed, and the secret for check values of records.
    pub fn new(seed: &[u8; 32], record_secret: [u8; 32]) -> Self {
        Self { pair: Keypair::from(seed), record_secret }
    }
}

impl fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftKey")
    }
}

impl DeviceKey for SoftKey {
    fn public_key(&self) -> [u8; 32] {
        self.pair.public.to_bytes()
    }

    fn sign(&self, message: &[&[u8]]) -> [u8; 64] {
        let mut room = [0; MESSAGE_MAX];
        let len = message.iter().fold(0_usize, |len, piece| len.saturating_add(piece.len()));
        let Some(whole) = room.get_mut(..len) else { return [0; 64] };
        let octets = message.iter().flat_map(|piece| piece.iter());
        whole.iter_mut().zip(octets).for_each(|(to, octet)| *to = *octet);
        self.pair.sign(whole).to_bytes()
    }

    fn record_secret(&self) -> [u8; 32] {
        self.record_secret
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    #[test]
    fn it_signs_as_dalek_does() {
        for len in [0, 1, 31, 32, 33, 640, MESSAGE_MAX] {
            let seed = [u8::try_from(len % 251).unwrap(); 32];
            let message = std::vec![0xA5; len];
            let (key, other) = (SoftKey::new(&seed, [0; 32]), SigningKey::from_bytes(&seed));
            assert_eq!(key.public_key(), other.verifying_key().to_bytes());
            let (head, tail) = message.split_at(len / 3);
            assert_eq!(key.sign(&[head, &[], tail]), other.sign(&message).to_bytes(), "{len} octets");
        }
    }

    #[test]
    fn what_is_too_long_gets_a_signature_that_nobody_accepts() {
        let key = SoftKey::new(&[1; 32], [0; 32]);
        let message = [0; MESSAGE_MAX + 1];
        let signature = key.sign(&[&message]);
        assert!(!crate::ed25519::verify(&key.public_key(), &[&message], &signature));
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(std::format!("{:?}", SoftKey::new(&[1; 32], [2; 32])), "SoftKey");
    }
}
