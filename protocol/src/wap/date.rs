use crate::wire::{Error, ErrorKind, Writer};

/// A moment in UTC, as service indications tell it. Later dates compare greater.
///
/// Any date that the calendar's outer limits allow: day 31 of every month, second 59 at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

/// `YYYY-MM-DDThh:mm:ssZ`, with 0 for a digit.
const PATTERN: &[u8; 20] = b"0000-00-00T00:00:00Z";

impl Date {
    /// Octets of the binary form, before trailing zero octets are dropped.
    pub const BINARY: usize = 7;
    /// Characters of the text form.
    pub const TEXT: usize = PATTERN.len();

    /// Year 0..=9999, month, day, hour, minute, second; `None` outside their ranges.
    pub fn new(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        let legal = year <= 9999
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour <= 23
            && minute <= 59
            && second <= 59;
        legal.then_some(Self { year, month, day, hour, minute, second })
    }

    /// Reads two decimal digits per octet, `YYYY MM DD hh mm ss`, trailing zero octets dropped (1 to 7 octets).
    ///
    /// `BadLength` for other lengths, `BadValue` for what is no date; offsets within `octets`.
    pub fn from_binary(octets: &[u8]) -> Result<Self, Error> {
        if octets.is_empty() || octets.len() > Self::BINARY {
            return Err(Error::new(ErrorKind::BadLength, 0));
        }
        let mut pairs = octets.iter().copied().chain(core::iter::repeat(0)).map(|octet| {
            let (tens, ones) = (octet >> 4, octet & 0xF);
            (tens <= 9 && ones <= 9).then(|| tens.wrapping_mul(10).wrapping_add(ones))
        });
        Self::from_pairs(|| pairs.next().flatten()).ok_or(Error::new(ErrorKind::BadValue, 0))
    }

    /// Writes the binary form.
    pub fn to_binary(self, out: &mut Writer<'_>) -> Result<(), Error> {
        let packed = self.digits().map(|(tens, ones)| tens << 4 | ones);
        let used = packed.iter().rposition(|&octet| octet != 0).map_or(1, |last| last.saturating_add(1));
        packed.iter().take(used).try_for_each(|&octet| out.u8(octet))
    }

    /// Reads `YYYY-MM-DDThh:mm:ssZ`; `BadValue` for anything else.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let bad = Error::new(ErrorKind::BadValue, 0);
        let fits = |(&want, got): (&u8, u8)| if want == b'0' { got.is_ascii_digit() } else { want == got };
        if text.len() != PATTERN.len() || !PATTERN.iter().zip(text.bytes()).all(fits) {
            return Err(bad);
        }
        let mut digits = text.bytes().filter(u8::is_ascii_digit).map(|digit| digit.wrapping_sub(b'0'));
        Self::from_pairs(|| {
            let (tens, ones) = (digits.next()?, digits.next()?);
            Some(tens.wrapping_mul(10).wrapping_add(ones))
        })
        .ok_or(bad)
    }

    /// The text form.
    pub fn to_text(self) -> [u8; Self::TEXT] {
        let mut digits = self.digits().into_iter().flat_map(|(tens, ones)| [tens, ones]);
        PATTERN.map(|c| if c == b'0' { digits.next().unwrap_or_default().wrapping_add(b'0') } else { c })
    }

    fn from_pairs(mut next: impl FnMut() -> Option<u8>) -> Option<Self> {
        let (century, year) = (next()?, next()?);
        let year = u16::from(century).wrapping_mul(100).wrapping_add(u16::from(year));
        Self::new(year, next()?, next()?, next()?, next()?, next()?)
    }

    /// Tens and ones of: century, year, month, day, hour, minute, second.
    fn digits(self) -> [(u8, u8); Self::BINARY] {
        let century = u8::try_from(self.year / 100).unwrap_or_default();
        let year = u8::try_from(self.year % 100).unwrap_or_default();
        [century, year, self.month, self.day, self.hour, self.minute, self.second]
            .map(|n| (n / 10 % 10, n % 10))
    }
}

impl core::fmt::Display for Date {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(str::from_utf8(&self.to_text()).unwrap_or_default())
    }
}
