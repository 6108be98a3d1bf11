use kedge_package::KeyId;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::Error;

/// A signing key and its name.
#[derive(Debug)]
pub struct Signer {
    key: Ed25519KeyPair,
    id: Vec<u8>,
}

/// The seed of the test key: published, so nothing that matters may trust it.
const TEST_SEED: &[u8; 32] = b"kedge test key, not for products";

impl Signer {
    /// The key in a PKCS #8 file (DER, as `openssl genpkey -algorithm ed25519 -outform DER` writes it), under a name that
    /// devices know it by.
    ///
    /// # Errors
    ///
    /// [`Error::Key`].
    pub fn from_pkcs8(der: &[u8], id: &[u8]) -> Result<Self, Error> {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| Error::Key)?;
        Self::new(key, id)
    }

    /// The key made from a 32-octet seed.
    ///
    /// # Errors
    ///
    /// [`Error::Key`].
    pub fn from_seed(seed: &[u8; 32], id: &[u8]) -> Result<Self, Error> {
        Self::new(Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::Key)?, id)
    }

    /// The test key, named `kedge-test`. Its private half is in this source: simulators and tests trust it, products must
    /// not.
    ///
    /// # Panics
    ///
    /// Never: the seed is a constant.
    pub fn test_key() -> Self {
        Self::from_seed(TEST_SEED, b"kedge-test").expect("any 32 octets are a seed")
    }

    fn new(key: Ed25519KeyPair, id: &[u8]) -> Result<Self, Error> {
        KeyId::new(id).map_err(|_| Error::Key)?;
        Ok(Self { key, id: id.to_vec() })
    }

    /// The name devices know the key by.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The public key, for the key table of a device.
    ///
    /// # Panics
    ///
    /// Never: Ed25519 keys have 32 octets.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.public_key().as_ref().try_into().expect("Ed25519 keys have 32 octets")
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.key.sign(message).as_ref());
        signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_files_and_seeds() {
        // PKCS #8 version 1 (RFC 8410 §7) around the test seed
        let der =
            [b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", &TEST_SEED[..]].concat();
        let signer = Signer::from_pkcs8(&der, b"file").unwrap();
        assert_eq!(signer.public_key(), Signer::test_key().public_key());
        assert_eq!(signer.sign(b"x"), Signer::test_key().sign(b"x"));
        assert!(matches!(Signer::from_pkcs8(&der[1..], b"file"), Err(Error::Key)));
        assert!(matches!(Signer::from_pkcs8(&der, b""), Err(Error::Key)));
        assert!(matches!(Signer::from_seed(TEST_SEED, &[0; 17]), Err(Error::Key)));
    }
}
