/// A number as decimal digits without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: [u8; 5],
    zeros: usize,
}

impl Decimal {
    /// The digits of `number`.
    pub fn new(number: u16) -> Self {
        let mut rest = number;
        let mut digits = [b'0'; 5];
        for digit in digits.iter_mut().rev() {
            *digit = u8::try_from(rest % 10).unwrap_or_default().wrapping_add(b'0');
            rest /= 10;
        }
        let zeros = digits.iter().take(4).take_while(|&&digit| digit == b'0').count();
        Self { digits, zeros }
    }

    /// The number that `text` spells, 0 to 65535, without sign, space or leading zero.
    pub fn parse(text: &str) -> Option<u16> {
        if text.is_empty() || (text.len() > 1 && text.starts_with('0')) {
            return None;
        }
        text.bytes().try_fold(0_u16, |number, octet| {
            let digit = char::from(octet).to_digit(10).and_then(|digit| u16::try_from(digit).ok())?;
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
    fn every_number_survives() {
        for number in 0..=u16::MAX {
            assert_eq!(Decimal::parse(Decimal::new(number).as_str()), Some(number));
        }
        assert_eq!(Decimal::new(0).as_str(), "0");
        assert_eq!(Decimal::new(1203).as_str(), "1203");
        for text in ["", "00", "01", "+1", " 1", "65536", "99999", "1x", "\u{661}"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
