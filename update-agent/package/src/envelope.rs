use crate::limits::{ENVELOPE_MAX, HEADER_LEN, KEY_ID_MAX};
use crate::suit::{self, Suit};
use crate::{Error, ErrorKind, cbor};

/// COSE tag of `COSE_Sign1` (RFC 9052 §2).
pub(crate) const SIGN1: u64 = 18;
/// COSE header parameters (RFC 9052 §3.1) and the algorithm (RFC 9053 §2.2).
const ALG: i64 = 1;
const KID: i64 = 4;
const EDDSA: i64 = -8;
/// The array head and context string of every `Sig_structure`.
const CONTEXT: &[u8] = b"\x84\x6aSignature1";
/// The empty external additional data.
const NO_AAD: &[u8] = b"\x40";

/// The name of a signing key: 1 to [`KEY_ID_MAX`] octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId<'a>(&'a [u8]);

impl<'a> KeyId<'a> {
    /// Refuses empty and too long names.
    pub fn new(octets: &'a [u8]) -> Result<Self, Error> {
        if (1..=KEY_ID_MAX).contains(&octets.len()) {
            Ok(Self(octets))
        } else {
            Err(Error::new(ErrorKind::LimitExceeded, 0))
        }
    }

    /// The name.
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }
}

/// A parsed envelope, plain (`COSE_Sign1`) or [`Suit`]; its signature is not checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Whose signature it claims to bear.
    pub key_id: KeyId<'a>,
    /// The manifest's octets.
    pub manifest: &'a [u8],
    /// Offset of the manifest in the package.
    pub manifest_at: usize,
    /// The Ed25519 signature.
    pub signature: [u8; 64],
    /// Offset of the signature in the package.
    pub signature_at: usize,
    pub(crate) protected: &'a [u8],
    pub(crate) suit: Option<Suit<'a>>,
}

impl<'a> Envelope<'a> {
    /// Reads an envelope that stands behind a package's header; offsets in errors count from the package's start.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let mut reader = cbor::Reader::new(octets, HEADER_LEN);
        if octets.len() > ENVELOPE_MAX {
            return Err(reader.error(ErrorKind::LimitExceeded));
        }
        if crate::SUIT && reader.is_tag(suit::ENVELOPE) {
            return suit::parse(reader);
        }
        reader.tag(SIGN1)?;
        reader.array_of_items(4)?;
        let protected = reader.bytes()?;
        let key_id = parse_protected(protected, reader.at().saturating_sub(protected.len()))?;
        reader.map_of(0)?;
        let manifest = reader.bytes()?;
        let manifest_at = reader.at().saturating_sub(manifest.len());
        let signature: [u8; 64] = reader.array_of()?;
        let signature_at = reader.at().saturating_sub(signature.len());
        reader.finish()?;
        Ok(Self { key_id, manifest, manifest_at, signature, signature_at, protected, suit: None })
    }

    /// The octets that the signature covers.
    pub fn signed(&self) -> Result<SigStructure<'a>, Error> {
        SigStructure::new(self.protected, self.suit().map_or(self.manifest, |suit| suit.signed))
    }

    /// What a SUIT envelope says besides; nothing for a plain one. That it [is covered](Suit::is_covered) by the
    /// signature and [agrees](Suit::agrees) with the manifest must be checked too.
    pub const fn suit(&self) -> Option<&Suit<'a>> {
        if crate::SUIT { self.suit.as_ref() } else { None }
    }
}

pub(crate) fn parse_protected(octets: &[u8], at: usize) -> Result<KeyId<'_>, Error> {
    let mut reader = cbor::Reader::new(octets, at);
    reader.map_of(2)?;
    for expected in [ALG, EDDSA, KID] {
        let at = reader.at();
        if reader.i64()? != expected {
            return Err(Error::new(ErrorKind::Unsupported, at));
        }
    }
    let at = reader.at();
    let key_id = KeyId::new(reader.bytes()?).map_err(|e| Error::new(e.kind, at))?;
    reader.finish()?;
    Ok(key_id)
}

/// Writes the protected header; returns its length.
pub(crate) fn protected(key_id: KeyId<'_>, out: &mut [u8]) -> Result<usize, Error> {
    cbor::write(out, |e| {
        e.map(2)?.i64(ALG)?.i64(EDDSA)?.i64(KID)?.bytes(key_id.octets())?;
        Ok(())
    })
}

/// What is signed, in pieces, so that nobody has to copy it together (RFC 9052 §4.4).
#[derive(Clone, Copy, Debug)]
pub struct SigStructure<'a> {
    protected: &'a [u8],
    protected_head: Head,
    payload: &'a [u8],
    payload_head: Head,
}

impl<'a> SigStructure<'a> {
    pub(crate) fn new(protected: &'a [u8], payload: &'a [u8]) -> Result<Self, Error> {
        let (protected_head, payload_head) = (Head::of(protected)?, Head::of(payload)?);
        Ok(Self { protected, protected_head, payload, payload_head })
    }

    /// The pieces in order.
    pub fn parts(&self) -> [&[u8]; 6] {
        let Self { protected, protected_head, payload, payload_head } = self;
        [CONTEXT, protected_head.octets(), protected, NO_AAD, payload_head.octets(), payload]
    }
}

/// The head of a byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    octets: [u8; 9],
    len: usize,
}

impl Head {
    pub(crate) fn of(string: &[u8]) -> Result<Self, Error> {
        Self::of_len(u64::try_from(string.len()).unwrap_or(u64::MAX))
    }

    pub(crate) fn of_len(string: u64) -> Result<Self, Error> {
        let mut octets = [0; 9];
        let len = cbor::write(&mut octets, |e| {
            e.bytes_len(string)?;
            Ok(())
        })?;
        Ok(Self { octets, len })
    }

    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

/// Writes an envelope for `manifest` signed by `sign` under the name `key_id`; returns its length.
pub fn emit_envelope(
    key_id: KeyId<'_>,
    manifest: &[u8],
    sign: impl FnOnce(&SigStructure<'_>) -> [u8; 64],
    out: &mut [u8],
) -> Result<usize, Error> {
    let mut buffer = [0; KEY_ID_MAX + 8];
    let len = protected(key_id, &mut buffer)?;
    let protected = buffer.get(..len).unwrap_or_default();
    let signature = sign(&SigStructure::new(protected, manifest)?);
    let len = cbor::write(out, |e| {
        e.tag(minicbor::data::Tag::new(SIGN1))?.array(4)?.bytes(protected)?.map(0)?.bytes(manifest)?;
        e.bytes(&signature)?;
        Ok(())
    })?;
    if len > ENVELOPE_MAX { Err(Error::new(ErrorKind::LimitExceeded, ENVELOPE_MAX)) } else { Ok(len) }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn example() -> Vec<u8> {
        let mut out = [0; 256];
        let len = emit_envelope(KeyId::new(b"k1").unwrap(), b"\xA0", |_| [7; 64], &mut out).unwrap();
        out[..len].to_vec()
    }

    #[test]
    fn reads_what_it_writes() {
        let octets = example();
        assert_eq!(octets[..17], *b"\xD2\x84\x47\xA2\x01\x27\x04\x42k1\xA0\x41\xA0\x58\x40\x07\x07");
        let envelope = Envelope::parse(&octets).unwrap();
        assert_eq!(envelope.key_id.octets(), b"k1");
        assert_eq!((envelope.manifest, envelope.manifest_at), (&b"\xA0"[..], 24));
        assert_eq!(
            envelope.signed().unwrap().parts().concat(),
            b"\x84\x6aSignature1\x47\xA2\x01\x27\x04\x42k1\x40\x41\xA0"
        );
    }

    /// Where what is replaced by what, and what is then wrong where.
    type Case<'c> = (usize, &'c [u8], &'c [u8], ErrorKind, usize);

    #[test]
    fn other_encodings_and_fields_are_refused() {
        let good = example();
        let cases: [Case<'_>; 8] = [
            (0, b"\xD2", b"", ErrorKind::BadValue, 12),
            (0, b"\xD2", b"\xD8\x12", ErrorKind::NotDeterministic, 12),
            (1, b"\x84", b"\x85", ErrorKind::BadLength, 14),
            (1, b"\x84", b"\x9F", ErrorKind::NotDeterministic, 13),
            (5, b"\x27", b"\x26", ErrorKind::Unsupported, 17),
            (10, b"\xA0", b"\xA1", ErrorKind::BadLength, 23),
            (11, b"\x41", b"\x58\x01", ErrorKind::NotDeterministic, 23),
            (13, b"\x58\x40\x07", b"\x58\x3F", ErrorKind::BadLength, 25),
        ];
        for (at, old, new, kind, error_at) in cases {
            let mut bad = good.clone();
            assert_eq!(&bad[at..at + old.len()], old);
            bad.splice(at..at + old.len(), new.iter().copied());
            assert_eq!(Envelope::parse(&bad), Err(Error::new(kind, error_at)), "{old:x?} -> {new:x?}");
        }
        let mut long = good.clone();
        long.push(0);
        assert_eq!(Envelope::parse(&long), Err(Error::new(ErrorKind::Trailing, 12 + good.len())));
        for len in 0..good.len() {
            assert!(Envelope::parse(&good[..len]).is_err(), "truncated to {len}");
        }
    }
}
