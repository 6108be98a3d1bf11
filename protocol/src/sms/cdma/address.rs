use core::fmt;

use crate::wire::{BitReader, BitWriter, Error, ErrorKind};

/// Most characters of an address kept: an international number has 15 digits, an address of a data network may be longer.
/// A longer one is refused; the field could say 255.
pub const MAX_DIGITS: usize = 32;

/// Digits as they are coded in fields of four bits, from 1 on: '0' is 10 (C.S0015 table 2.7.1.3.2.4-4).
const DIGITS: &[u8; 12] = b"1234567890*#";

/// An originating or destination address, as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    chars: [u8; MAX_DIGITS],
    len: usize,
}

impl Address {
    /// No address: the field was not there.
    pub const NONE: Self = Self { chars: [0; MAX_DIGITS], len: 0 };

    /// A telephone number: digits, `*` and `#`. `None` for anything else, or for more than [`MAX_DIGITS`].
    pub fn new(digits: &str) -> Option<Self> {
        let known = digits.bytes().all(|c| DIGITS.contains(&c));
        if known { Self::of(digits.bytes()) } else { None }
    }

    /// The characters; octets that are not ASCII are shown as `?`.
    pub fn as_str(&self) -> &str {
        self.chars.get(..self.len).and_then(|chars| core::str::from_utf8(chars).ok()).unwrap_or_default()
    }

    fn of(chars: impl Iterator<Item = u8>) -> Option<Self> {
        let mut address = Self::NONE;
        for c in chars {
            *address.chars.get_mut(address.len)? = if c.is_ascii_graphic() { c } else { b'?' };
            address.len = address.len.saturating_add(1);
        }
        Some(address)
    }

    /// Reads the value of an address parameter: DIGIT_MODE 1, NUMBER_MODE 1, then in digit mode 1 NUMBER_TYPE 3 and, of a
    /// telephone number, NUMBER_PLAN 4; NUM_FIELDS 8, CHAR 4 or 8 each.
    pub(super) fn parse(value: &[u8], at: usize) -> Result<Self, Error> {
        let mut bits = BitReader::new(value, at);
        let (ascii, data_network) = (bits.flag()?, bits.flag()?);
        if ascii {
            bits.take(if data_network { 3 } else { 7 })?;
        }
        let count = bits.u8(8)?;
        let mut address = Self::NONE;
        for _ in 0..count {
            let refuse = bits.error(ErrorKind::BadValue);
            let c = if ascii {
                bits.u8(8)?
            } else {
                let code = usize::from(bits.u8(4)?).checked_sub(1);
                code.and_then(|place| DIGITS.get(place)).copied().ok_or(refuse)?
            };
            let full = bits.error(ErrorKind::LimitExceeded);
            *address.chars.get_mut(address.len).ok_or(full)? = if c.is_ascii_graphic() { c } else { b'?' };
            address.len = address.len.saturating_add(1);
        }
        bits.finish_padded()?;
        Ok(address)
    }

    /// Writes the value in fields of four bits.
    pub(super) fn emit<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut bits = BitWriter::new(out);
        bits.put(0, 2)?;
        bits.put(self.len as u64, 8)?;
        for c in self.as_str().bytes() {
            let refuse = Error::new(ErrorKind::BadValue, bits.bits() >> 3);
            let code = DIGITS.iter().position(|digit| *digit == c).ok_or(refuse)?;
            bits.put((code as u64).wrapping_add(1), 4)?;
        }
        bits.finish()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}
