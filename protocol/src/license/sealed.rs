//! Sealed documents (section 4.4): a signed document inside a COSE_Encrypt0 (RFC 9052 §5.2), for ways on which secrets could
//! be read: browsers, folders of downloads.
//!
//! `16([protected, {}, ciphertext])`, ChaCha20-Poly1305 (RFC 8439) with the tag at the end. The key is HKDF-SHA-256 (RFC 5869)
//! of the X25519 agreement between the request's ephemeral key and the server's, with the request's nonce as salt and
//! [`INFO`] as info. What is authenticated besides is `["Encrypt0", protected, 'provlic-v1']`.
//!
//! The specification does not say where the server's ephemeral key and the initialization vector stand. Ours: in the protected
//! header, `{1: 24, 5: iv, -1: {1: 1, -1: 4, -2: key}}`, under the labels that COSE has for them.

use super::envelope::EXTERNAL_AAD;
use crate::cbor::{Decoder, Encoder};
use crate::wire::{Error, ErrorKind};

/// Info of the key derivation.
pub const INFO: &[u8] = b"provlic-v1 sealed";
/// Octets of the authentication tag at the end of the ciphertext.
pub const TAG: usize = 16;
/// Octets of what is authenticated besides.
pub const ASSOCIATED: usize = 82;

/// CBOR tag of a COSE_Encrypt0.
const ENCRYPT0: u64 = 16;
/// Octets of the protected header.
const PROTECTED: usize = 59;
/// COSE's number of ChaCha20-Poly1305.
const CHACHA20_POLY1305: i64 = 24;
/// COSE's number of X25519.
const X25519: i64 = 4;

/// What a sealed document says before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The server's ephemeral X25519 key.
    pub ephemeral: [u8; 32],
    /// The initialization vector.
    pub iv: [u8; 12],
    /// Where the ciphertext with its tag stands.
    pub content: core::ops::Range<usize>,
}

impl Sealed {
    /// Reads the frame; nothing is decrypted.
    pub fn parse(octets: &[u8]) -> Result<Self, Error> {
        let mut d = Decoder::new(octets);
        d.tag(ENCRYPT0)?;
        d.array_with(3)?;
        let header = d.bytes()?;
        let at = d.at().saturating_sub(header.len());
        let (ephemeral, iv) = protected(header, at)?;
        let bad = d.error(ErrorKind::BadValue);
        if d.map()? != 0 {
            return Err(bad);
        }
        let short = d.error(ErrorKind::Truncated);
        let content = d.bytes()?;
        let end = d.at();
        d.finish()?;
        if content.len() < TAG {
            return Err(short);
        }
        Ok(Self { ephemeral, iv, content: end.saturating_sub(content.len())..end })
    }

    /// What is authenticated besides the ciphertext.
    pub fn associated(&self) -> [u8; ASSOCIATED] {
        let (mut header, mut all) = ([0; PROTECTED], [0; ASSOCIATED]);
        let mut e = Encoder::new(&mut all);
        // both have the room for it, and no other length
        let written = emit_protected(&self.ephemeral, &self.iv, &mut header).and_then(|header| {
            e.array(3)?.text("Encrypt0")?.bytes(header)?.bytes(EXTERNAL_AAD)?;
            Ok(())
        });
        written.unwrap_or_default();
        all
    }

    /// Writes the frame up to the ciphertext of `len` octets, which stands behind it, to the front of `out`.
    pub fn emit<'o>(
        ephemeral: &[u8; 32],
        iv: &[u8; 12],
        len: usize,
        out: &'o mut [u8],
    ) -> Result<&'o [u8], Error> {
        let mut header = [0; PROTECTED];
        let header = emit_protected(ephemeral, iv, &mut header)?;
        let mut e = Encoder::new(out);
        e.tag(ENCRYPT0)?.array(3)?.bytes(header)?.map(0)?.bytes_head(len)?;
        Ok(e.finish())
    }
}

/// Key and vector of the protected header, which is exactly the one that is written.
fn protected(header: &[u8], at: usize) -> Result<([u8; 32], [u8; 12]), Error> {
    let mut d = Decoder::with_base(header, at);
    let bad = d.error(ErrorKind::BadValue);
    let iv_at = header.get(6..).and_then(<[u8]>::first_chunk::<12>);
    let (iv, key) = iv_at.zip(header.last_chunk::<32>()).ok_or(bad)?;
    d.skip()?;
    d.finish()?;
    let mut same = [0; PROTECTED];
    if emit_protected(key, iv, &mut same)? == header { Ok((*key, *iv)) } else { Err(bad) }
}

fn emit_protected<'o>(
    key: &[u8; 32],
    iv: &[u8; 12],
    out: &'o mut [u8; PROTECTED],
) -> Result<&'o [u8], Error> {
    let mut e = Encoder::new(out);
    e.map(3)?.unsigned(1)?.integer(CHACHA20_POLY1305)?.unsigned(5)?.bytes(iv)?;
    e.integer(-1)?.map(3)?.unsigned(1)?.unsigned(1)?.integer(-1)?.integer(X25519)?.integer(-2)?.bytes(key)?;
    Ok(e.finish())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn frame(content: &[u8]) -> Vec<u8> {
        let mut out = [0; 128];
        let head = Sealed::emit(&[7; 32], &[9; 12], content.len(), &mut out).unwrap();
        [head, content].concat()
    }

    #[test]
    fn a_frame_comes_back() {
        let octets = frame(&[1; 40]);
        let sealed = Sealed::parse(&octets).unwrap();
        assert_eq!((sealed.ephemeral, sealed.iv), ([7; 32], [9; 12]));
        assert_eq!(octets[sealed.content.clone()], [1; 40]);
        let associated = sealed.associated();
        assert!(associated.starts_with(b"\x83\x68Encrypt0\x58\x3B\xA3\x01\x18\x18\x05\x4C"));
        assert!(associated.ends_with(b"\x07\x4Aprovlic-v1"));
    }

    #[test]
    fn every_other_frame_is_refused() {
        let octets = frame(&[1; 16]);
        assert!(Sealed::parse(&frame(&[1; 15])).is_err(), "no room for a tag");
        for len in 0..octets.len() {
            assert!(Sealed::parse(&octets[..len]).is_err(), "{len}");
        }
        assert!(Sealed::parse(&[&octets[..], &[0]].concat()).is_err(), "one more");
        let sealed = Sealed::parse(&octets).unwrap();
        for at in 0..octets.len() {
            for bit in 0..8 {
                let mut turned = octets.clone();
                turned[at] ^= 1 << bit;
                let same_shape = Sealed::parse(&turned).is_ok_and(|found| {
                    // a key, a vector and a ciphertext may be anything
                    found.ephemeral == sealed.ephemeral && found.iv == sealed.iv && at < sealed.content.start
                });
                assert!(!same_shape, "{at} {bit}");
            }
        }
    }
}
