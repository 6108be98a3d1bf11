//! Base64 (RFC 4648 §4), for octets in text.

use super::cursor::is_space;
use crate::wire::{Error, ErrorKind, Reader, Writer};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How many characters `octets` octets become.
pub const fn encoded_len(octets: usize) -> usize {
    octets.div_ceil(3).saturating_mul(4)
}

/// Appends the base64 of `octets`, with padding; `NoRoom` if it does not fit.
pub fn encode(octets: &[u8], out: &mut Writer<'_>) -> Result<(), Error> {
    for group in octets.chunks(3) {
        let mut digits = group.iter().chain(&[0; 3]).map(|&octet| u32::from(octet));
        let mut next = || digits.next().unwrap_or(0);
        let word = next() << 16 | next() << 8 | next();
        for (i, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = ALPHABET.get((word >> shift & 63) as usize).copied().unwrap_or(b'=');
            out.u8(if i > group.len() { b'=' } else { digit })?;
        }
    }
    Ok(())
}

/// Appends the base64 of `octets` as it stands in URLs: `-` and `_`, without padding (RFC 4648 §5).
pub fn encode_url(octets: &[u8], out: &mut Writer<'_>) -> Result<(), Error> {
    for group in octets.chunks(3) {
        let mut digits = [0; 4];
        let mut w = Writer::new(&mut digits);
        encode(group, &mut w)?;
        for digit in w.finish().iter().take(group.len().saturating_add(1)) {
            out.u8(match digit {
                b'+' => b'-',
                b'/' => b'_',
                digit => *digit,
            })?;
        }
    }
    Ok(())
}

/// Decodes base64, in which white space does not count, into `buf`.
///
/// `BadText` at a character outside the alphabet, `BadLength` at a missing or misplaced padding, `BadValue` for bits
/// set behind the last octet, `NoRoom` if `buf` is too small (all with the offset in `text`).
pub fn decode<'b>(text: &[u8], buf: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let mut out = Writer::new(buf);
    let mut r = Reader::new(text);
    let mut group = Group::default();
    while let Some(octet) = r.peek() {
        let fault = |kind| Error::new(kind, r.at());
        if !is_space(char::from(octet)) {
            group.push(octet).map_err(fault)?;
            if group.len == 4 {
                group.finish(&mut out).map_err(fault)?;
                group = Group { over: group.padding > 0, ..Group::default() };
            }
        }
        r.u8()?;
    }
    if group.len == 0 { Ok(out.finish()) } else { Err(r.error(ErrorKind::BadLength)) }
}

/// Up to four characters.
#[derive(Default)]
struct Group {
    word: u32,
    len: usize,
    padding: usize,
    /// The group before was padded, so this one must not be.
    over: bool,
}

impl Group {
    fn push(&mut self, octet: u8) -> Result<(), ErrorKind> {
        let digit = match ALPHABET.iter().zip(0_u32..).find(|&(&known, _)| known == octet) {
            _ if self.over => return Err(ErrorKind::BadLength),
            Some((_, digit)) if self.padding == 0 => digit,
            Some(_) => return Err(ErrorKind::BadLength),
            None if octet == b'=' && self.len >= 2 => {
                self.padding = self.padding.saturating_add(1);
                0
            }
            None => return Err(if octet == b'=' { ErrorKind::BadLength } else { ErrorKind::BadText }),
        };
        self.word = self.word << 6 | digit;
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    /// Appends the octets of a full group.
    fn finish(&self, out: &mut Writer<'_>) -> Result<(), ErrorKind> {
        let [_, a, b, c] = self.word.to_be_bytes();
        let put = match (self.padding, b, c) {
            (0, _, _) => out.put(&[a, b, c]),
            (1, _, 0) => out.put(&[a, b]),
            (2, 0, 0) => out.put(&[a]),
            _ => return Err(ErrorKind::BadValue),
        };
        put.map_err(|error| error.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn encoded(octets: &[u8]) -> String {
        let mut buf = [0; 64];
        let mut out = Writer::new(&mut buf);
        encode(octets, &mut out).unwrap();
        assert_eq!(out.at(), encoded_len(octets.len()));
        String::from_utf8(out.written().to_vec()).unwrap()
    }

    /// RFC 4648 §10.
    #[test]
    fn the_vectors_of_the_standard() {
        for (text, code) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(text.as_bytes()), code);
            assert_eq!(decode(code.as_bytes(), &mut [0; 8]), Ok(text.as_bytes()));
        }
    }

    #[test]
    fn in_urls_there_is_no_padding_and_no_slash() {
        for (octets, code) in
            [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xFB\xFF\xFE", "-__-")]
        {
            let mut buf = [0; 8];
            let mut out = Writer::new(&mut buf);
            encode_url(octets, &mut out).unwrap();
            assert_eq!(out.finish(), code.as_bytes());
        }
    }

    #[test]
    fn every_octet_in_every_place_comes_back() {
        for octet in 0..=255 {
            for octets in [&[octet][..], &[0, octet], &[0xFF, 0, octet]] {
                assert_eq!(decode(encoded(octets).as_bytes(), &mut [0; 3]), Ok(octets));
            }
        }
    }

    #[test]
    fn white_space_does_not_count_and_faults_are_named() {
        assert_eq!(decode(b" Zm\r\n9v\tYg = =\n", &mut [0; 4]), Ok(&b"foob"[..]));
        for (text, kind, at) in [
            ("Zm9*", ErrorKind::BadText, 3),
            ("Zm9", ErrorKind::BadLength, 3),
            ("Z===", ErrorKind::BadLength, 1),
            ("Zg=v", ErrorKind::BadLength, 3),
            ("Zg==Zg==", ErrorKind::BadLength, 4),
            ("Zh==", ErrorKind::BadValue, 3),
            ("Zm9=", ErrorKind::BadValue, 3),
            ("Zm9vYmFy", ErrorKind::NoRoom, 7),
        ] {
            assert_eq!(decode(text.as_bytes(), &mut [0; 4]), Err(Error::new(kind, at)), "{text}");
        }
    }
}
