/// A number as decimal digits without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: [u8; 10],
    zeros: usize,
}

impl Decimal {
    /// The digits of `number`.
    pub fn new(number: u32) -> Self {
        let mut rest = number;
        let mut digits = [b'0'; 10];
        for digit in digits.iter_mut().rev() {
            *digit = u8::try_from(rest % 10).unwrap_or_default().wrapping_add(b'0');
            rest /= 10;
        }
        let zeros = digits.iter().take(9).take_while(|&&digit| digit == b'0').count();
        Self { digits, zeros }
    }

    /// The number that `text` spells, 0 to 4,294,967,295, without sign, space or leading zero.
    pub fn parse(text: &str) -> Option<u32> {
        if text.is_empty() || (text.len() > 1 && text.starts_with('0')) {
            return None;
        }
        text.bytes().try_fold(0_u32, |number, octet| {
            let digit = char::from(octet).to_digit(10)?;
            number.checked_mul(10)?.checked_add(digit)
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.digits.get(self.zeros..).and_then(|digits| str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive() {
        for number in (0..=u32::from(u16::MAX)).chain((16..32).map(|bit| 1 << bit)).chain([u32::MAX]) {
            assert_eq!(Decimal::parse(Decimal::new(number).as_str()), Some(number));
        }
        assert_eq!(Decimal::new(0).as_str(), "0");
        assert_eq!(Decimal::new(1203).as_str(), "1203");
        for text in ["", "00", "01", "+1", " 1", "4294967296", "9999999999", "1x", "\u{661}"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
