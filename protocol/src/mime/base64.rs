//! Base64 (RFC 4648 section 4), strict: padding is required, unused bits are zero, white space between the
//! characters is ignored (RFC 2045 section 6.8), everything else is refused.

use crate::wire::{Error, ErrorKind, Writer};

/// Decodes characters as they come, so that the text may arrive in fragments.
///
/// An error leaves the decoder unusable; make a new one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    group: u32,
    sextets: u8,
    padding: u8,
}

/// The one to three octets of a completed group of four characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octets {
    octets: [u8; 3],
    padding: u8,
}

impl Octets {
    /// The octets.
    pub fn as_slice(&self) -> &[u8] {
        let used = self.octets.len().saturating_sub(usize::from(self.padding));
        self.octets.get(..used).unwrap_or_default()
    }
}

impl Decoder {
    /// A decoder before the first character.
    pub const fn new() -> Self {
        Self { group: 0, sextets: 0, padding: 0 }
    }

    /// Takes one character; returns octets when it completes a group.
    ///
    /// Refuses characters outside the alphabet, padding in the wrong place, and text after padding (`BadValue`).
    pub fn push(&mut self, character: u8) -> Result<Option<Octets>, ErrorKind> {
        if matches!(character, b' ' | b'\t' | b'\r' | b'\n') {
            return Ok(None);
        }
        let value = if character == b'=' {
            if self.sextets < 2 || self.padding >= 2 {
                return Err(ErrorKind::BadValue);
            }
            self.padding = self.padding.saturating_add(1);
            0
        } else if self.padding > 0 {
            return Err(ErrorKind::BadValue);
        } else {
            sextet(character).ok_or(ErrorKind::BadValue)?
        };
        self.group = self.group << 6 | u32::from(value);
        self.sextets = self.sextets.saturating_add(1);
        if self.sextets == 4 { self.complete().map(Some) } else { Ok(None) }
    }

    /// Whether the text may end here, which is after a whole number of groups.
    pub fn finish(self) -> Result<(), ErrorKind> {
        if self.sextets == 0 { Ok(()) } else { Err(ErrorKind::Truncated) }
    }

    fn complete(&mut self) -> Result<Octets, ErrorKind> {
        let [_, a, b, c] = self.group.to_be_bytes();
        let unused_bits = match self.padding {
            0 => 0,
            1 => c,
            _ => b | c,
        };
        if unused_bits != 0 {
            return Err(ErrorKind::BadValue);
        }
        let octets = Octets { octets: [a, b, c], padding: self.padding };
        self.group = 0;
        self.sextets = 0;
        // `padding` stays, so that text after it is refused.
        Ok(octets)
    }
}

/// Decodes `text` to `out`; errors count octets of `text`, but `NoRoom` those of the output.
pub fn decode(text: &[u8], out: &mut Writer<'_>) -> Result<(), Error> {
    let mut decoder = Decoder::new();
    for (at, &character) in text.iter().enumerate() {
        if let Some(octets) = decoder.push(character).map_err(|kind| Error::new(kind, at))? {
            out.put(octets.as_slice())?;
        }
    }
    decoder.finish().map_err(|kind| Error::new(kind, text.len()))
}

/// Decodes the text in `buffer` to its front and returns how many octets it became; on error the content of
/// `buffer` is unspecified.
pub fn decode_in_place(buffer: &mut [u8]) -> Result<usize, Error> {
    let mut decoder = Decoder::new();
    let mut written = 0_usize;
    for at in 0..buffer.len() {
        let character = buffer.get(at).copied().unwrap_or_default();
        if let Some(octets) = decoder.push(character).map_err(|kind| Error::new(kind, at))? {
            // At most three octets replace at least four characters: the target was read already.
            for &octet in octets.as_slice() {
                if let Some(target) = buffer.get_mut(written) {
                    *target = octet;
                }
                written = written.saturating_add(1);
            }
        }
    }
    decoder.finish().map_err(|kind| Error::new(kind, buffer.len()))?;
    Ok(written)
}

/// How many characters `octets` octets become, with padding.
pub const fn encoded_len(octets: usize) -> usize {
    octets.div_ceil(3).saturating_mul(4)
}

/// The characters for `octets`, four at a time.
pub fn groups(octets: &[u8]) -> impl Iterator<Item = [u8; 4]> + '_ {
    octets.chunks(3).map(|chunk| {
        let mut it = chunk.iter().copied();
        let (a, b, c) = (it.next().unwrap_or_default(), it.next(), it.next());
        let group = u32::from_be_bytes([0, a, b.unwrap_or_default(), c.unwrap_or_default()]);
        [
            character(group >> 18),
            character(group >> 12),
            if b.is_some() { character(group >> 6) } else { b'=' },
            if c.is_some() { character(group) } else { b'=' },
        ]
    })
}

/// Writes the characters for `octets`.
pub fn encode(octets: &[u8], out: &mut Writer<'_>) -> Result<(), Error> {
    groups(octets).try_for_each(|group| out.put(&group))
}

fn sextet(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(character.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(character.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn character(sextet: u32) -> u8 {
    let value = (sextet & 0x3F) as u8;
    match value {
        0..=25 => value.wrapping_add(b'A'),
        26..=51 => value.wrapping_sub(26).wrapping_add(b'a'),
        52..=61 => value.wrapping_sub(52).wrapping_add(b'0'),
        62 => b'+',
        _ => b'/',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn decoded(text: &str) -> Result<Vec<u8>, Error> {
        let mut out = [0; 64];
        let mut w = Writer::new(&mut out);
        decode(text.as_bytes(), &mut w)?;
        Ok(w.finish().to_vec())
    }

    #[test]
    fn vectors_of_rfc_4648() {
        for (octets, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(decoded(text).unwrap(), octets.as_bytes(), "{text}");
            let mut out = [0; 16];
            let mut w = Writer::new(&mut out);
            encode(octets.as_bytes(), &mut w).unwrap();
            assert_eq!(w.finish(), text.as_bytes());
            assert_eq!(encoded_len(octets.len()), text.len());
        }
    }

    #[test]
    fn white_space_is_ignored_and_the_rest_is_strict() {
        assert_eq!(decoded(" Z m\r\n9\tv ").unwrap(), b"foo");
        let bad = [
            ("Zg=", ErrorKind::Truncated),
            ("Zg", ErrorKind::Truncated),
            ("Zh==", ErrorKind::BadValue), // unused bits set
            ("Zm9=", ErrorKind::BadValue),
            ("=Zg=", ErrorKind::BadValue),
            ("Z===", ErrorKind::BadValue),
            ("Zg==Zg==", ErrorKind::BadValue),
            ("Zg=a", ErrorKind::BadValue),
            ("Zg===", ErrorKind::BadValue),
            ("Zm-v", ErrorKind::BadValue),
        ];
        for (text, kind) in bad {
            assert_eq!(decoded(text).map_err(|e| e.kind), Err(kind), "{text}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(octets: Vec<u8>) {
            let mut text = std::vec![0; encoded_len(octets.len())];
            let mut w = Writer::new(&mut text);
            encode(&octets, &mut w).unwrap();
            prop_assert_eq!(w.at(), encoded_len(octets.len()));
            let n = decode_in_place(&mut text).unwrap();
            prop_assert_eq!(&text[..n], &octets[..]);
        }

        #[test]
        fn both_decoders_agree_on_anything(mut text in proptest::collection::vec(0x20_u8..0x7F, 0..40)) {
            let mut out = [0; 64];
            let mut w = Writer::new(&mut out);
            let streamed = decode(&text, &mut w).map(|()| w.finish().to_vec());
            let placed = decode_in_place(&mut text).map(|n| text[..n].to_vec());
            prop_assert_eq!(streamed, placed);
        }
    }
}
