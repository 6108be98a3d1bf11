//! The signed frame, COSE_Sign1 (RFC 9052 §4.2), shared by documents, request tokens and reports.
//!
//! `18([protected, {}, payload, signature])`, where the protected header has exactly the labels 1 (algorithm), 4 (key id)
//! and 16 (what kind of thing it is, RFC 9596). What is signed is `["Signature1", protected, 'provlic-v1', payload]`.

use super::{Code, Refusal};
use crate::cbor::{Decoder, Encoder, string_len};
use crate::wire::{Error, ErrorKind};

/// Says what protocol a signature is for; a signature of any other never fits.
pub const EXTERNAL_AAD: &[u8] = b"provlic-v1";
/// Algorithm Ed25519 (RFC 9864).
pub const ED25519: i64 = -19;
/// Algorithm EdDSA, deprecated since.
pub const EDDSA: i64 = -8;

/// CBOR tag of a COSE_Sign1.
const SIGN1: u64 = 18;
/// Longest protected header: map, three labels, algorithm, key id, and a type of 127 octets.
const PROTECTED_MAX: usize = 144;
/// `["Signature1",`, for an array of four.
const CONTEXT: &[u8] = b"\x84\x6ASignature1";
/// Longest head of a string.
const HEAD: usize = 9;

/// The name of a key: the first 8 octets of the SHA-256 of the public key.
pub type KeyId = [u8; 8];

/// Says whether signatures and hashes are right.
pub trait Verifier {
    /// Whether `signature` over the pieces of `message`, one behind the other, was made with the key behind `public_key`
    /// (Ed25519, RFC 8032). Must refuse non-canonical signatures and keys of small order.
    fn verify(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool;
    /// The SHA-256 of `octets`.
    fn sha256(&self, octets: &[u8]) -> [u8; 32];
}

/// A signed frame, taken apart but not believed.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The protected header, as signed.
    pub protected: &'a [u8],
    /// The payload, as signed.
    pub payload: &'a [u8],
    /// The signature.
    pub signature: &'a [u8; 64],
    protected_at: usize,
    payload_at: usize,
}

/// The protected header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Label 1.
    pub algorithm: i64,
    /// Label 4.
    pub key_id: &'a KeyId,
    /// Label 16.
    pub kind: &'a str,
}

impl<'a> Envelope<'a> {
    /// Step 2: tag, array of four, protected header as a byte string, empty unprotected header, payload, signature of 64
    /// octets, and nothing behind.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let mut d = Decoder::new(octets);
        d.tag(SIGN1)?;
        d.array_with(4)?;
        let protected = d.bytes()?;
        let protected_at = d.at().saturating_sub(protected.len());
        let unprotected = d.error(ErrorKind::BadLength);
        if d.map()? != 0 {
            return Err(unprotected);
        }
        let payload = d.bytes()?;
        let payload_at = d.at().saturating_sub(payload.len());
        let signature = d.array_of::<64>()?;
        d.finish()?;
        Ok(Self { protected, payload, signature, protected_at, payload_at })
    }

    /// Step 3: the protected header, which must have exactly the three labels.
    pub fn header(&self) -> Result<Header<'a>, Error> {
        let mut d = Decoder::with_base(self.protected, self.protected_at);
        let wrong = d.error(ErrorKind::BadLength);
        if d.map()? != 3 {
            return Err(wrong);
        }
        label(&mut d, 1)?;
        let algorithm = d.integer()?;
        label(&mut d, 4)?;
        let key_id = d.array_of()?;
        label(&mut d, 16)?;
        let kind = d.text()?;
        d.finish()?;
        Ok(Header { algorithm, key_id, kind })
    }

    /// Step 6.
    pub fn is_signed_by(&self, public_key: &[u8; 32], verifier: &dyn Verifier) -> bool {
        let (mut head, mut middle) = ([0; HEAD], [0; HEAD + EXTERNAL_AAD.len() + 1]);
        let Some((head, middle)) = signed_parts(self.protected, self.payload, &mut head, &mut middle) else {
            return false;
        };
        let message = [CONTEXT, head, self.protected, middle, self.payload];
        verifier.verify(public_key, &message, self.signature)
    }

    /// Where the payload begins in the frame.
    pub const fn payload_at(&self) -> usize {
        self.payload_at
    }
}

/// A label that must come next.
fn label(d: &mut Decoder<'_>, expected: u64) -> Result<(), Error> {
    let wrong = d.error(ErrorKind::BadValue);
    if d.unsigned()? == expected { Ok(()) } else { Err(wrong) }
}

/// The heads between the parts of what is signed: before the protected header; behind it, with the external data, up to
/// the payload.
fn signed_parts<'o>(
    protected: &[u8],
    payload: &[u8],
    head: &'o mut [u8; HEAD],
    middle: &'o mut [u8; HEAD + EXTERNAL_AAD.len() + 1],
) -> Option<(&'o [u8], &'o [u8])> {
    let mut before = Encoder::new(head);
    before.bytes_head(protected.len()).ok()?;
    let mut behind = Encoder::new(middle);
    behind.bytes(EXTERNAL_AAD).ok()?.bytes_head(payload.len()).ok()?;
    Some((before.finish(), behind.finish()))
}

/// Writes a signed frame for `payload` to the front of `out`; `sign` signs the pieces of its message.
pub fn emit<'o>(
    header: &Header<'_>,
    payload: &[u8],
    sign: impl FnOnce(&[&[u8]]) -> [u8; 64],
    out: &'o mut [u8],
) -> Result<&'o [u8], Error> {
    let no_room = Error::new(ErrorKind::NoRoom, 0);
    let mut room = [0; PROTECTED_MAX];
    let mut protected = Encoder::new(&mut room);
    protected.map(3)?.unsigned(1)?.integer(header.algorithm)?.unsigned(4)?.bytes(header.key_id)?;
    protected.unsigned(16)?.text(header.kind)?;
    let protected = protected.finish();
    let (mut head, mut middle) = ([0; HEAD], [0; HEAD + EXTERNAL_AAD.len() + 1]);
    let (head, middle) = signed_parts(protected, payload, &mut head, &mut middle).ok_or(no_room)?;
    let signature = sign(&[CONTEXT, head, protected, middle, payload]);
    let mut frame = Encoder::new(out);
    frame.tag(SIGN1)?.array(4)?.bytes(protected)?.map(0)?.bytes(payload)?.bytes(&signature)?;
    Ok(frame.finish())
}

/// Octets of a frame around a payload of `payload` octets of a kind whose name has `kind` octets.
pub fn frame_len(kind: usize, payload: usize) -> usize {
    // map, label and algorithm, label and key id, label
    let protected = string_len(kind).saturating_add(14);
    string_len(protected).saturating_add(string_len(payload)).saturating_add(string_len(64)).saturating_add(3)
}

impl Refusal {
    /// A failure of reading at `step`.
    pub(super) const fn unreadable(code: Code, step: u8, error: Error) -> Self {
        Self::new(code, step, error.at)
    }
}
