use crate::wire::{Error, ErrorKind, Reader, Writer};

/// Octets of the longest address: 20 digits.
const OCTETS: usize = 10;
/// The type of number "alphanumeric": 7-bit characters instead of digits.
const ALPHANUMERIC: u8 = 5;
/// The digits by their codes; the last is the filler.
const DIGITS: &[u8; 16] = b"0123456789*#abc?";

/// Who sent a message: an address in the form of TS 23.040 section 9.1.2.5.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// Type of number and numbering plan; 0x91 is an international telephone number.
    kind: u8,
    /// How many half octets count.
    len: u8,
    octets: [u8; OCTETS],
}

impl Address {
    /// An international telephone number: decimal digits, at most 20; `None` for anything else.
    pub fn international(digits: &str) -> Option<Self> {
        let len = u8::try_from(digits.len()).ok()?;
        let mut address = Self { kind: 0x91, len, octets: [0; OCTETS] };
        let mut values = digits.bytes();
        for octet in address.octets.iter_mut().take(usize::from(len).div_ceil(2)) {
            let low = digit(values.next()?)?;
            let high = values.next().map_or(Some(0xF), digit)?;
            *octet = high << 4 | low;
        }
        values.next().is_none().then_some(address)
    }

    /// `length in half octets, type, digits`.
    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let start = *input;
        let len = input.u8()?;
        let kind = input.u8()?;
        let mut octets = [0; OCTETS];
        let used = usize::from(len).div_ceil(2);
        if used > OCTETS {
            return Err(start.error(ErrorKind::BadLength));
        }
        for (to, from) in octets.iter_mut().zip(input.take(used)?) {
            *to = *from;
        }
        Ok(Self { kind, len, octets })
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        out.u8(self.len)?;
        out.u8(self.kind)?;
        out.put(self.used())
    }

    pub(super) const fn buffer_len(&self) -> usize {
        self.used_len().saturating_add(2)
    }

    const fn used_len(&self) -> usize {
        (self.len as usize).div_ceil(2)
    }

    fn used(&self) -> &[u8] {
        self.octets.get(..self.used_len()).unwrap_or_default()
    }

    const fn is_alphanumeric(&self) -> bool {
        self.kind >> 4 & 7 == ALPHANUMERIC
    }
}

fn digit(octet: u8) -> Option<u8> {
    octet.is_ascii_digit().then(|| octet.wrapping_sub(b'0'))
}

/// The digits, with `+` before an international number. Of an alphanumeric address the letters and digits; other
/// characters of the 7-bit alphabet appear as `?`.
impl core::fmt::Display for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use core::fmt::Write as _;
        let halves = self.used().iter().flat_map(|octet| [octet & 0xF, octet >> 4]);
        if !self.is_alphanumeric() {
            if self.kind >> 4 & 7 == 1 {
                f.write_char('+')?;
            }
            let digits = halves.take(usize::from(self.len));
            return digits
                .filter_map(|half| DIGITS.get(usize::from(half)))
                .try_for_each(|&digit| f.write_char(char::from(digit)));
        }
        let bits = u128::from_le_bytes(core::array::from_fn(|n| self.octets.get(n).copied().unwrap_or(0)));
        let characters = usize::from(self.len).saturating_mul(4).checked_div(7).unwrap_or(0);
        (0..characters).try_for_each(|n| {
            let septet = (bits >> n.saturating_mul(7).min(127)) & 0x7F;
            let shown = u8::try_from(septet).unwrap_or(0);
            f.write_char(if shown.is_ascii_alphanumeric() || shown == b' ' { char::from(shown) } else { '?' })
        })
    }
}

impl core::fmt::Debug for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Address({self})")
    }
}
