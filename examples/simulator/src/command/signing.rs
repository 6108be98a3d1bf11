//! Who signs a package, and whom a check trusts.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use kedge_generator::Signer;
use kedge_platform::crypto::Sha256;
use kedge_platform_crypto::SoftSha256;
use kedge_protocol::xml::base64;

use super::{Surroundings, input};

/// Octets of a key name that is made from the key.
const ID_LEN: usize = 8;
/// Octets of an Ed25519 public key.
const PUBLIC_LEN: usize = 32;
/// What stands before them in a `SubjectPublicKeyInfo` (RFC 8410 §4).
const SPKI_HEAD: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// The key that signs.
#[derive(Args, Clone, Debug)]
pub(super) struct Signing {
    /// An Ed25519 private key, PKCS #8 as PEM or DER [default: the published test key, for tests only]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The name that devices know the key by [default: the front of the SHA-256 of the public key]
    #[arg(long, value_name = "NAME", requires = "key")]
    key_id: Option<String>,
}

impl Signing {
    /// The signer; that it is the test key is told.
    pub(super) fn signer(&self, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Signer> {
        let Some(path) = &self.key else {
            writeln!(surroundings.err, "kedge: signed with the published test key: for tests only")?;
            return Ok(Signer::test_key());
        };
        let der = private_key(path)?;
        let named = |id: &[u8]| Signer::from_pkcs8(&der, id).with_context(|| path.display().to_string());
        if let Some(id) = &self.key_id {
            return named(id.as_bytes());
        }
        let mut hash = SoftSha256::default();
        hash.update(&named(b"unnamed")?.public_key());
        named(&hash.finish()[..ID_LEN])
    }
}

/// The key that is trusted.
#[derive(Args, Clone, Debug)]
pub(super) struct Trust {
    /// Trust the key whose private half is in this file, PKCS #8 as PEM or DER [default: the test key]
    #[arg(long, value_name = "FILE", conflicts_with = "key_public")]
    key: Option<PathBuf>,
    /// Trust this Ed25519 public key: 64 hexadecimal digits, or a file with them, with its 32 octets, or with a
    /// `SubjectPublicKeyInfo` as PEM or DER
    #[arg(long, value_name = "FILE|HEX")]
    key_public: Option<String>,
}

impl Trust {
    /// The public key that a package signed under the name `id` is checked with; `None`: nobody known has that name.
    pub(super) fn public_key(&self, id: &[u8]) -> anyhow::Result<Option<[u8; PUBLIC_LEN]>> {
        if let Some(path) = &self.key {
            let signer = Signer::from_pkcs8(&private_key(path)?, id);
            return Ok(Some(signer.with_context(|| path.display().to_string())?.public_key()));
        }
        if let Some(source) = &self.key_public {
            return public_key(source).map(Some);
        }
        let test = Signer::test_key();
        Ok((test.id() == id).then(|| test.public_key()))
    }
}

fn private_key(path: &Path) -> anyhow::Result<Vec<u8>> {
    let octets = input::file(path)?;
    unarmoured(&octets).with_context(|| path.display().to_string())
}

fn public_key(source: &str) -> anyhow::Result<[u8; PUBLIC_LEN]> {
    let octets = unarmoured(&input::octets(source)?)?;
    let key = octets.strip_prefix(&SPKI_HEAD).unwrap_or(&octets);
    match key.try_into() {
        Ok(key) => Ok(key),
        Err(_) => bail!("{source}: no Ed25519 public key: it has {} octets, not {PUBLIC_LEN}", key.len()),
    }
}

/// The octets in a PEM file (RFC 7468); a file that is none as it is.
fn unarmoured(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let Some(text) = std::str::from_utf8(file).ok().filter(|text| text.starts_with("-----BEGIN ")) else {
        return Ok(file.to_vec());
    };
    let inside: String = text.lines().skip(1).take_while(|line| !line.starts_with('-')).collect();
    ensure!(text.trim_end().ends_with("-----"), "the PEM text has no end");
    let mut octets = vec![0; inside.len()];
    let len = base64::decode(inside.as_bytes(), &mut octets).context("no base64 in the PEM text")?.len();
    octets.truncate(len);
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys_are_taken_in_every_form() {
        let key = Signer::test_key().public_key();
        let hexadecimal = crate::hex::encode(&key);
        assert_eq!(public_key(&hexadecimal).unwrap(), key);
        let spki = crate::hex::encode(&[&SPKI_HEAD[..], &key].concat());
        assert_eq!(public_key(&spki).unwrap(), key);
        assert!(public_key(&hexadecimal[2..]).unwrap_err().to_string().contains("31 octets"));
    }

    #[test]
    fn pem_is_taken_apart() {
        let pem = b"-----BEGIN PUBLIC KEY-----\nAQID\nBA==\n-----END PUBLIC KEY-----\n";
        assert_eq!(unarmoured(pem).unwrap(), [1, 2, 3, 4]);
        assert_eq!(unarmoured(b"\x30\x2a").unwrap(), b"\x30\x2a");
        assert!(unarmoured(&pem[..40]).is_err());
        assert!(unarmoured(b"-----BEGIN X-----\n%%\n-----END X-----").is_err());
    }
}
