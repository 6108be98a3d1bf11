use crate::wire::{Error, ErrorKind};

/// Longest boundary that RFC 2046 section 5.1.1 allows.
pub const MAX_BOUNDARY: usize = 70;
/// Length of the boundaries that [`Boundary::avoiding`] makes.
pub const OWN_BOUNDARY: usize = 10;

/// The text that separates the parts of a multipart body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary<'a> {
    text: &'a str,
}

impl<'a> Boundary<'a> {
    /// Takes a given boundary; refuses one of 0 or more than 70 characters (`BadLength`) and one with characters
    /// outside `[A-Za-z0-9'()+_,./:=?-]` and inner space (`BadValue`).
    pub fn new(text: &'a str) -> Result<Self, Error> {
        if text.is_empty() || text.len() > MAX_BOUNDARY {
            return Err(Error::new(ErrorKind::BadLength, 0));
        }
        let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&octet);
        if let Some(at) = text.bytes().position(|octet| !legal(octet)) {
            return Err(Error::new(ErrorKind::BadValue, at));
        }
        if text.ends_with(' ') {
            return Err(Error::new(ErrorKind::BadValue, text.len().saturating_sub(1)));
        }
        Ok(Self { text })
    }

    /// Makes a boundary in `storage` that none of `contents` contains.
    ///
    /// There are 65,536 candidates, so only contents of more than half a mebibyte made for the purpose contain all
    /// of them; then the error is `LimitExceeded`.
    pub fn avoiding<'c>(
        contents: impl Iterator<Item = &'c [u8]> + Clone,
        storage: &'a mut [u8; OWN_BOUNDARY],
    ) -> Result<Self, Error> {
        let occurs = move |text: &[u8; OWN_BOUNDARY]| {
            contents.clone().any(|content| content.windows(OWN_BOUNDARY).any(|window| window == text))
        };
        for number in 0..=u16::MAX {
            *storage = candidate(number);
            if !occurs(storage) {
                let text = str::from_utf8(storage).map_err(|_| Error::new(ErrorKind::BadText, 0))?;
                return Ok(Self { text });
            }
        }
        Err(Error::new(ErrorKind::LimitExceeded, 0))
    }

    /// The text, without the leading hyphens.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// Whether the text must stand in quotes as a parameter value.
    pub(super) fn needs_quotes(&self) -> bool {
        self.text.bytes().any(|octet| b"(),/:=? ".contains(&octet))
    }
}

fn candidate(number: u16) -> [u8; OWN_BOUNDARY] {
    let digit = |shift: u32| {
        let nibble = (number >> shift & 0xF) as u8;
        if nibble < 10 { nibble.wrapping_add(b'0') } else { nibble.wrapping_sub(10).wrapping_add(b'a') }
    };
    [b'k', b'e', b'd', b'g', b'e', b'-', digit(12), digit(8), digit(4), digit(0)]
}
