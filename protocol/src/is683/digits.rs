//! Decimal numbers as C.S0016 packs them: a '0' counts as ten, so that all-zero bits stay free.
use super::debug_as_display;
use core::fmt;

/// A mobile country code, 10 bits on the wire: 100·d1 + 10·d2 + d3 − 111 with '0' as 10.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mcc(u16);

/// IMSI_11_12, the two digits before the last ten; 7 bits on the wire: 10·d12 + d11 − 11 with '0' as 10.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Imsi1112(u8);

/// IMSI_S, the last ten digits of the IMSI, which is the MIN; 34 bits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Min([u8; 10]);

/// A mobile directory number: what others dial. At most 15 digits, `*` and `#` (N_DIGITS is 4 bits wide).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mdn {
    digits: [u8; 15],
    len: u8,
}

/// Value of a decimal digit in these codes: '0' is ten.
const fn weight(digit: u8) -> u16 {
    match digit {
        b'1'..=b'9' => digit.wrapping_sub(b'0') as u16,
        _ => 10,
    }
}

/// The digit whose weight is `1 + n % 10`.
fn digit_of(n: u16) -> u8 {
    b"1234567890".get(usize::from(n % 10)).copied().unwrap_or(b'0')
}

/// Three digits as 0..=999.
fn pack3([a, b, c]: [u8; 3]) -> u16 {
    // Weights are at most 10, so the sum is at most 1110 and at least 111.
    (weight(a).wrapping_mul(100))
        .wrapping_add(weight(b).wrapping_mul(10))
        .wrapping_add(weight(c))
        .wrapping_sub(111)
}

/// The inverse of [`pack3`]; values above 999 are no digits.
fn unpack3(value: u16) -> Option<[u8; 3]> {
    (value <= 999).then(|| [digit_of(value / 100), digit_of(value / 10), digit_of(value)])
}

fn decimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: [u8; N] = text.as_bytes().try_into().ok()?;
    digits.iter().all(u8::is_ascii_digit).then_some(digits)
}

impl Mcc {
    /// From three digits.
    pub fn new(digits: &str) -> Option<Self> {
        decimal(digits).map(|d| Self(pack3(d)))
    }

    /// From the wire; above 999 is no country code.
    pub fn from_code(code: u16) -> Option<Self> {
        (code <= 999).then_some(Self(code))
    }

    /// As on the wire.
    pub const fn code(self) -> u16 {
        self.0
    }
}

impl Imsi1112 {
    /// From two digits as written (IMSI digits 12 and 11).
    pub fn new(digits: &str) -> Option<Self> {
        let [d12, d11] = decimal(digits)?;
        u8::try_from(weight(d12).wrapping_mul(10).wrapping_add(weight(d11)).wrapping_sub(11)).ok().map(Self)
    }

    /// From the wire; above 99 is no pair of digits.
    pub fn from_code(code: u8) -> Option<Self> {
        (code <= 99).then_some(Self(code))
    }

    /// As on the wire.
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl Min {
    /// From ten digits.
    pub fn new(digits: &str) -> Option<Self> {
        decimal(digits).map(Self)
    }

    /// From the wire: IMSI_S2 (10 bits), then IMSI_S1 as 10, 4 and 10 bits.
    pub fn from_code(code: u64) -> Option<Self> {
        let field = |shift: u32, mask: u64| u16::try_from(code >> shift & mask).unwrap_or(u16::MAX);
        let (s2, hundreds) = (unpack3(field(24, 0x3FF))?, unpack3(field(14, 0x3FF))?);
        let thousands = field(10, 0xF);
        let seventh = (1..=10).contains(&thousands).then(|| digit_of(thousands.wrapping_sub(1)))?;
        let last = unpack3(field(0, 0x3FF))?;
        let digits = s2.into_iter().chain(hundreds).chain([seventh]).chain(last);
        let mut min = [b'0'; 10];
        for (to, digit) in min.iter_mut().zip(digits) {
            *to = digit;
        }
        (code >> 34 == 0).then_some(Self(min))
    }

    /// As on the wire.
    pub fn code(self) -> u64 {
        // Groups of three digits, the seventh digit in between.
        let [s2 @ .., _, _, _, _, _, _, _] = self.0;
        let [_, _, _, hundreds @ .., _, _, _, _] = self.0;
        let [_, _, _, _, _, _, seventh, last @ ..] = self.0;
        u64::from(pack3(s2)) << 24
            | u64::from(pack3(hundreds)) << 14
            | u64::from(weight(seventh)) << 10
            | u64::from(pack3(last))
    }

    /// The last digit, which is also a normal phone's access overload class.
    pub fn last_digit(self) -> u8 {
        let [.., last] = self.0;
        last.wrapping_sub(b'0')
    }
}

impl Mdn {
    /// No digits.
    pub(crate) const EMPTY: Self = Self { digits: [0; 15], len: 0 };

    /// From digits, `*` and `#`; at most 15.
    pub fn new(digits: &str) -> Option<Self> {
        let mut mdn = Self::EMPTY;
        for digit in digits.bytes() {
            mdn.push(Self::code_of(digit)?)?;
        }
        Some(mdn)
    }

    /// Appends one digit as on the wire (1..=12); `None` for another code or a sixteenth digit.
    pub fn push(&mut self, code: u8) -> Option<()> {
        let digit = Self::digit_of_code(code)?;
        *self.digits.get_mut(usize::from(self.len))? = digit;
        self.len = self.len.wrapping_add(1);
        Some(())
    }

    /// The digits in ASCII.
    pub fn as_str(&self) -> &str {
        let digits = self.digits.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(digits).unwrap_or_default()
    }

    /// The digits as on the wire: '1'..'9' = 1..9, '0' = 10, '*' = 11, '#' = 12.
    pub fn codes(&self) -> impl ExactSizeIterator<Item = u8> + '_ {
        self.as_str().bytes().map(|d| Self::code_of(d).unwrap_or(0))
    }

    /// The digit that `code` stands for.
    pub(crate) fn digit_of_code(code: u8) -> Option<u8> {
        code.checked_sub(1).and_then(|n| b"1234567890*#".get(usize::from(n))).copied()
    }

    fn code_of(digit: u8) -> Option<u8> {
        match digit {
            b'1'..=b'9' => Some(digit.wrapping_sub(b'0')),
            b'0' => Some(10),
            b'*' => Some(11),
            b'#' => Some(12),
            _ => None,
        }
    }
}

impl fmt::Display for Mcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unpack3(self.0).unwrap_or_default().iter().try_for_each(|d| fmt::Write::write_char(f, char::from(*d)))
    }
}

impl fmt::Display for Imsi1112 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u16::from(self.0);
        [digit_of(code / 10), digit_of(code)]
            .iter()
            .try_for_each(|d| fmt::Write::write_char(f, char::from(*d)))
    }
}

impl fmt::Display for Min {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Display for Mdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

debug_as_display!(Mcc Imsi1112 Min Mdn);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn values_of_the_fact_sheet() {
        assert_eq!(Mcc::new("310").map(Mcc::code), Some(209));
        assert_eq!(Mcc::new("001").map(Mcc::code), Some(990));
        assert_eq!(Imsi1112::new("00").map(Imsi1112::code), Some(99));
        assert_eq!(Imsi1112::new("63").map(Imsi1112::code), Some(52));
        // "12" = 1 is the sheet's value: 10 * 1 + 2 - 11.
        assert_eq!(Imsi1112::new("12").map(Imsi1112::code), Some(1));
        for (digits, code) in [
            ("5551234567", 0x1_BC03_11C8),
            ("2095550000", 0x0_C66F_2BE7),
            ("3214567890", 0x0_D256_5F15),
            ("0101234560", 0x3_8D03_11CB),
        ] {
            assert_eq!(Min::new(digits).map(Min::code), Some(code), "{digits}");
            assert_eq!(Min::from_code(code).unwrap().to_string(), digits);
        }
    }

    #[test]
    fn refuses_what_is_no_digit() {
        assert_eq!((Mcc::new("31"), Mcc::new("31a"), Mcc::from_code(1000)), (None, None, None));
        assert_eq!(
            (Min::new("555123456"), Min::from_code(0x3FF << 24 | 1 << 10), Min::from_code(0)),
            (None, None, None)
        );
        assert_eq!((Min::from_code(11 << 10), Min::from_code(1 << 34 | 1 << 10)), (None, None));
        assert_eq!((Mdn::new("1234567890123456"), Mdn::new("12x")), (None, None));
        let mut mdn = Mdn::new("1").unwrap();
        assert_eq!((mdn.push(0), mdn.push(13)), (None, None));
        assert_eq!(mdn.as_str(), "1");
    }

    proptest! {
        #[test]
        fn codes_and_digits_are_inverse(mcc in 0..=999_u16, imsi in 0..=99_u8, min in "[0-9]{10}", mdn in "[0-9*#]{0,15}") {
            let digits = Mcc::from_code(mcc).unwrap().to_string();
            prop_assert_eq!(Mcc::new(&digits).map(Mcc::code), Some(mcc));
            let digits = Imsi1112::from_code(imsi).unwrap().to_string();
            prop_assert_eq!(Imsi1112::new(&digits).map(Imsi1112::code), Some(imsi));
            let value = Min::new(&min).unwrap();
            prop_assert_eq!(Min::from_code(value.code()), Some(value));
            let value = Mdn::new(&mdn).unwrap();
            let mut again = Mdn::new("").unwrap();
            for code in value.codes() {
                again.push(code).unwrap();
            }
            prop_assert_eq!(again.as_str(), mdn);
        }
    }
}
