//! Writing: backwards through the list of the profile, into the end of the buffer.
use super::{AUTHENTICATION, CLASS_PREFIX, DIGEST, INTEGRATED, MANIFEST, Value, uuid};
use crate::cbor;
use crate::envelope::{Head, protected};
use crate::limits::{ENVELOPE_MAX, KEY_ID_MAX};
use crate::{Error, ErrorKind, KeyId, Manifest, SigStructure};

/// Writes a SUIT envelope for `manifest`, up to and without its payload, which the caller appends; returns its length.
/// `sha256` hashes octets given in pieces; `sign` signs them under the name `key_id`.
pub fn emit_suit(
    key_id: KeyId<'_>,
    manifest: &Manifest<'_>,
    sha256: impl Fn(&[&[u8]]) -> [u8; 32],
    sign: impl FnOnce(&SigStructure<'_>) -> [u8; 64],
    out: &mut [u8],
) -> Result<usize, Error> {
    let mut room = [0; ENVELOPE_MAX];
    let len = manifest.emit(&mut room)?;
    let own = room.get(..len).unwrap_or_default();
    let product = manifest.product.as_bytes();
    let class_id = uuid(&sha256(&[CLASS_PREFIX, product]));
    let (image, payload) = (digest(&manifest.image.sha256), digest(&manifest.payload.sha256));
    let mut room = [0; ENVELOPE_MAX];
    let mut back = Backwards::new(&mut room);
    back.put(Head::of_len(u64::from(manifest.payload.size))?.octets())?;
    back.put(INTEGRATED)?;
    let behind = back.at;
    back.list(
        &MANIFEST,
        [&payload, own, &image, &class_id, product, product, product],
        [manifest.payload.size, manifest.image.size, manifest.security_counter],
    )?;
    // the list begins with the key 3, one octet
    let wrapped = back.out.get(back.at.saturating_add(1)..behind).unwrap_or_default();
    let signed = digest(&sha256(&[wrapped]));
    let mut room = [0; KEY_ID_MAX + 8];
    let len = protected(key_id, &mut room)?;
    let protected = room.get(..len).unwrap_or_default();
    let signature = sign(&SigStructure::new(protected, &signed)?);
    back.list(&AUTHENTICATION, [&signature, protected, &signed], [])?;
    let made = back.out.get(back.at..).unwrap_or_default();
    let room = out.len();
    let place = out.get_mut(..made.len()).ok_or(Error::new(ErrorKind::NoRoom, room))?;
    for (to, from) in place.iter_mut().zip(made) {
        *to = *from;
    }
    Ok(made.len())
}

/// `[-16, sha256]`
fn digest(sha256: &[u8; 32]) -> [u8; 36] {
    let mut octets = [0; 36];
    for (to, from) in octets.iter_mut().zip(DIGEST.iter().chain(sha256)) {
        *to = *from;
    }
    octets
}

/// Puts octets in front of those that were put before.
struct Backwards<'b> {
    out: &'b mut [u8; ENVELOPE_MAX],
    /// Where the first octet stands.
    at: usize,
}

impl<'b> Backwards<'b> {
    fn new(out: &'b mut [u8; ENVELOPE_MAX]) -> Self {
        Self { at: out.len(), out }
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), Error> {
        let full = Error::new(ErrorKind::LimitExceeded, ENVELOPE_MAX);
        let at = self.at.checked_sub(octets.len()).ok_or(full)?;
        for (to, from) in self.out.iter_mut().skip(at).zip(octets) {
            *to = *from;
        }
        self.at = at;
        Ok(())
    }

    /// Writes a part of the profile with its byte strings (but those that wrap) and numbers, last ones first.
    fn list<const S: usize, const N: usize>(
        &mut self,
        list: &[(&[u8], Value)],
        strings: [&[u8]; S],
        numbers: [u32; N],
    ) -> Result<(), Error> {
        let (mut strings, mut numbers) = (strings.into_iter(), numbers.into_iter());
        let mut ends = [0; 3];
        let mut open = 0usize;
        for (fixed, value) in list.iter().rev() {
            match value {
                Value::Number => {
                    let mut head = [0; 5];
                    let number = numbers.next().unwrap_or_default();
                    let len = cbor::write(&mut head, |e| e.u32(number).map(drop))?;
                    self.put(head.get(..len).unwrap_or_default())?;
                }
                Value::Bytes => {
                    let octets = strings.next().unwrap_or_default();
                    self.put(octets)?;
                    self.put(Head::of(octets)?.octets())?;
                }
                Value::End => {
                    ends.get_mut(open).into_iter().for_each(|end| *end = self.at);
                    open = open.saturating_add(1);
                }
                Value::Begin => {
                    open = open.saturating_sub(1);
                    let end = ends.get(open).copied().unwrap_or_default();
                    let len = u64::try_from(end.saturating_sub(self.at)).unwrap_or(u64::MAX);
                    self.put(Head::of_len(len)?.octets())?;
                }
            }
            // an end stands behind its octets, every other value too
            self.put(fixed)?;
        }
        Ok(())
    }
}
