//! The SUIT envelope: the other form of a package's envelope, which tools of the IETF SUIT manifest can read
//! (draft-ietf-suit-manifest-34; RFC 9019 and 9124 for the ideas).
//!
//! A package in this form is a sequence of two CBOR items (RFC 8742): the header, which is the byte string of 11 octets
//! that its first octet `4B` announces, and one `SUIT_Envelope` with the payload inside. So `tail -c +13` makes a package
//! a SUIT envelope. To the device the envelope ends where the payload begins, in front of its last octets; the payload is
//! stored, hashed and applied as in the plain form.
//!
//! # The profile
//!
//! One encoding for one manifest; everything else is refused, so what is accepted is exactly what [`emit_suit`] writes for
//! it. `<< >>` is a byte string that holds encoded CBOR.
//! ```text
//! 107({
//!   2: << [ << [-16, SHA-256 of key 3's byte string, head included] >>,
//!           << 18([ << {1: -8, 4: key id} >>, {}, null, Ed25519 signature ]) >> ] >>,
//!   3: << {
//!     1: 1,                                    / manifest version /
//!     2: security counter,                     / manifest sequence number /
//!     3: << {
//!       2: [[product], [product, 'payload'], [product, 'manifest']],          / components 0, 1, 2 /
//!       4: << [ 12, 0,  20, {1: vendor id, 2: class id, 3: << [-16, SHA-256 of the new image] >>, 14: its size},
//!               1, 15,  2, 15 ] >>             / vendor and class must match /
//!     } >>,
//!     7: << [ 3, 15 ] >>,                      / validate: the image is the one above /
//!     20: << [ 12, 2,  20, {18: << Kedge manifest >>},  18, 2,                / write the manifest /
//!              12, 1,  20, {3: << [-16, SHA-256 of the payload] >>, 14: its size, 21: "#payload"},
//!              21, 2,  3, 15 ] >>              / fetch the payload, check it /
//!   } >>,
//!   "#payload": payload
//! })
//! ```
//! Only registered elements are used. What SUIT has no command for, making the image out of the payload, is the update
//! agent's work between *install* and *validate*; what it needs for that is component 2, the [`Manifest`] of the plain
//! form, octet for octet. Everything that SUIT says too must agree with it ([`Suit::agrees`]). The payload of a revertible
//! package is one component like any other: that its end leads back is said in component 2 only.
//!
//! The vendor id is [`VENDOR_ID`]. The class id is the UUID of version 8 (RFC 9562 §5.8) that begins as the
//! SHA-256 of "Kedge product " and the product does.
//!
//! The COSE payload is detached: the signed octets are the `Sig_structure` around `[-16, digest]`. So the digest must be
//! compared as well ([`Suit::is_covered`]); the package id is the SHA-256 of the signed octets, as in the plain form. An
//! envelope takes about 275 octets and three times the product's length more than the plain one; the fullest manifest fits
//! the same limit.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::parse;
pub use write::emit_suit;

use crate::envelope::Head;
use crate::{Error, ErrorKind, Manifest};

/// CBOR tag of a `SUIT_Envelope`.
pub(crate) const ENVELOPE: u64 = 107;

/// What stands between two runs of octets that never change.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// An unsigned integer.
    Number,
    /// A byte string.
    Bytes,
    /// A byte string that holds what follows, up to the [`Value::End`] that belongs to it.
    Begin,
    /// The end of the innermost byte string that is open.
    End,
}

/// The profile as a list: octets that never change, and the value behind them. Reading goes through it forwards, writing
/// backwards, when the lengths of what is wrapped are known. The comments tell what the value is.
static AUTHENTICATION: [(&[u8], Value); 7] = [
    (b"\xD8\x6B\xA3\x02", Value::Begin), // 107({2: authentication
    (b"\x82", Value::Bytes),             // [signed
    (b"", Value::Begin),                 // sign1
    (b"\xD2\x84", Value::Bytes),         // 18([protected
    (b"\xA0\xF6", Value::Bytes),         // {}, null, signature])
    (b"", Value::End),
    (b"", Value::End),
];

/// What follows.
static MANIFEST: [(&[u8], Value); 18] = [
    (b"\x03", Value::Begin),              // 3: manifest
    (b"\xA5\x01\x01\x02", Value::Number), // {1: 1, 2: sequence number
    (b"\x03", Value::Begin),              // 3: common
    (b"\xA2\x02\x83\x81", Value::Bytes),  // {2: [[product],
    (b"\x82", Value::Bytes),              // [product,
    (b"\x47payload\x82", Value::Bytes),   // 'payload'], [product,
    (b"\x48manifest\x04", Value::Begin),  // 'manifest'], 4: shared
    (IMAGE, Value::Bytes),                // [12, 0, 20, {1: vendor id, 2: class
    (b"\x03", Value::Bytes),              // 3: image digest
    (b"\x0E", Value::Number),             // 14: size}
    (b"\x01\x0F\x02\x0F", Value::End),    // 1, 15, 2, 15]
    (b"", Value::End),
    (b"\x07\x43\x82\x03\x0F\x14", Value::Begin), // 7: << [3, 15] >>, 20: install
    (b"\x8E\x0C\x02\x14\xA1\x12", Value::Bytes), // [12, 2, 20, {18: own}
    (b"\x12\x02\x0C\x01\x14\xA3\x03", Value::Bytes), // 18, 2, 12, 1, 20, {3: payload digest
    (b"\x0E", Value::Number),                    // 14: size
    (b"\x15\x68#payload\x15\x02\x03\x0F", Value::End), // 21: "#payload"}, 21, 2, 3, 15]
    (b"", Value::End),
];

/// What stands before the payload's byte string.
const INTEGRATED: &[u8] = b"\x68#payload";

/// What stands before every hash: `[-16,` and the head.
const DIGEST: [u8; 4] = *b"\x82\x2F\x58\x20";

/// The vendor id of this profile: the UUID of version 8 that begins as the SHA-256 of "Kedge SUIT profile 1" does.
pub const VENDOR_ID: [u8; 16] =
    [0xFB, 0x7B, 0x7D, 0xC3, 0xC0, 0xAB, 0x8F, 0x49, 0xB6, 0x38, 0xA3, 0xCF, 0xE6, 0xA3, 0x66, 0xE5];

/// `[12, 0, 20, {1: vendor id, 2:`
const IMAGE: &[u8] =
    b"\x88\x0C\x00\x14\xA4\x01\x50\xFB\x7B\x7D\xC3\xC0\xAB\x8F\x49\xB6\x38\xA3\xCF\xE6\xA3\x66\xE5\x02";

/// What a product's name is hashed behind.
const CLASS_PREFIX: &[u8] = b"Kedge product ";

/// The UUID of version 8 that begins as `hash` does.
fn uuid(hash: &[u8; 32]) -> [u8; 16] {
    let mut id: [u8; 16] = hash.first_chunk().copied().unwrap_or_default();
    for (at, keep, version) in [(6, 0x0F, 0x80), (8, 0x3F, 0x80)] {
        if let Some(octet) = id.get_mut(at) {
            *octet = *octet & keep | version;
        }
    }
    id
}

/// What a SUIT envelope says besides key id, signature and Kedge's manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suit<'a> {
    /// The signed `[-16, digest]`.
    pub(crate) signed: &'a [u8],
    manifest: &'a [u8],
    sequence: u32,
    product: &'a [u8],
    class_id: &'a [u8],
    image: Described<'a>,
    payload: Described<'a>,
    /// Octets of the integrated payload.
    payload_len: u32,
}

/// Digest and size of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Described<'a> {
    digest: &'a [u8],
    size: u32,
}

impl Described<'_> {
    fn is(&self, sha256: &[u8; 32], size: u32) -> bool {
        is_digest(self.digest, sha256) && self.size == size
    }
}

fn is_digest(digest: &[u8], sha256: &[u8; 32]) -> bool {
    digest.strip_prefix(&DIGEST) == Some(sha256)
}

impl Suit<'_> {
    /// Whether the signed digest is that of the manifest, and the class id that of the product, `sha256` being the hash of
    /// octets in pieces. Nothing of the manifest may be believed before.
    pub fn is_covered(&self, sha256: impl Fn(&[&[u8]]) -> [u8; 32]) -> bool {
        let Ok(head) = Head::of(self.manifest) else { return false };
        is_digest(self.signed, &sha256(&[head.octets(), self.manifest]))
            && uuid(&sha256(&[CLASS_PREFIX, self.product])) == *self.class_id
    }

    /// Refuses a Kedge manifest that says anything else; errors are at offset 0 of the package, for no single octet is
    /// wrong.
    pub fn agrees(&self, manifest: &Manifest<'_>) -> Result<(), Error> {
        let payload = &manifest.payload;
        let same = self.sequence == manifest.security_counter
            && self.product == manifest.product.as_bytes()
            && self.image.is(&manifest.image.sha256, manifest.image.size)
            && self.payload.is(&payload.sha256, payload.size)
            && self.payload_len == payload.size;
        if same { Ok(()) } else { Err(Error::new(ErrorKind::BadValue, 0)) }
    }
}
