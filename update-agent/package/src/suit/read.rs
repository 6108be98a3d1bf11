//! Reading: forwards through the list of the profile.
use super::{AUTHENTICATION, Described, INTEGRATED, MANIFEST, Suit, Value};
use crate::cbor::Reader;
use crate::envelope::{Head, parse_protected};
use crate::{Envelope, Error, ErrorKind};

/// Byte strings that are open at the same time: the manifest, its common part, the shared sequence.
const DEPTH: usize = 3;

/// A byte string and the offset of its content in the package.
#[derive(Clone, Copy, Default)]
struct Found<'a> {
    octets: &'a [u8],
    at: usize,
}

/// Reads an envelope up to its payload; the tag was seen, but not read.
pub(crate) fn parse(mut reader: Reader<'_>) -> Result<Envelope<'_>, Error> {
    let mut strings = [Found::default(); 16];
    let mut numbers = [0; 3];
    let (mut next_string, mut next_number) = (strings.iter_mut(), numbers.iter_mut());
    let mut ends = [0; DEPTH];
    let mut open = 0usize;
    for (fixed, value) in AUTHENTICATION.iter().chain(&MANIFEST) {
        reader.literal(fixed)?;
        match value {
            Value::Number => {
                let number = reader.u32()?;
                next_number.next().into_iter().for_each(|place| *place = number);
            }
            Value::Bytes | Value::Begin => {
                let octets = reader.bytes()?;
                let found = Found { octets, at: reader.at().saturating_sub(octets.len()) };
                next_string.next().into_iter().for_each(|place| *place = found);
                if let Value::Begin = value {
                    let end = reader.back(octets.len());
                    ends.get_mut(open).into_iter().for_each(|place| *place = end);
                    open = open.saturating_add(1);
                }
            }
            Value::End => {
                open = open.saturating_sub(1);
                if ends.get(open) != Some(&reader.at()) {
                    return Err(reader.error(ErrorKind::BadLength));
                }
            }
        }
    }
    reader.literal(INTEGRATED)?;
    let payload_len = payload_head(&reader)?;
    let [_, signed, _, protected, signature, manifest, _, product, product_1, product_2, ..] = strings;
    let [.., class_id, image, _, own, payload] = strings;
    let [sequence, image_size, payload_size] = numbers;
    for other in [product_1, product_2] {
        if other.octets != product.octets {
            return Err(Error::new(ErrorKind::Unsupported, other.at));
        }
    }
    let suit = Suit {
        signed: signed.octets,
        manifest: manifest.octets,
        sequence,
        product: product.octets,
        class_id: class_id.octets,
        image: Described { digest: image.octets, size: image_size },
        payload: Described { digest: payload.octets, size: payload_size },
        payload_len,
    };
    let bad_length = Error::new(ErrorKind::BadLength, signature.at);
    Ok(Envelope {
        key_id: parse_protected(protected.octets, protected.at)?,
        manifest: own.octets,
        manifest_at: own.at,
        signature: signature.octets.try_into().map_err(|_| bad_length)?,
        signature_at: signature.at,
        protected: protected.octets,
        suit: Some(suit),
    })
}

/// The head of the payload's byte string, which ends the envelope.
fn payload_head(reader: &Reader<'_>) -> Result<u32, Error> {
    let rest = reader.rest();
    let len = match *rest {
        [initial @ 0x40..=0x57] => u32::from(initial & 0x1F),
        [0x58, len] => u32::from(len),
        [0x59, a, b] => u32::from(u16::from_be_bytes([a, b])),
        [0x5A, a, b, c, d] => u32::from_be_bytes([a, b, c, d]),
        _ => return Err(reader.error(ErrorKind::BadLength)),
    };
    if Head::of_len(u64::from(len))?.octets() == rest {
        Ok(len)
    } else {
        Err(reader.error(ErrorKind::NotDeterministic))
    }
}
