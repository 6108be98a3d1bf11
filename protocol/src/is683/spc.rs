//! The service programming code: six digits that open the programming lock.
use super::fields::{Fields, Show, Sink, Trace, block_codec};
use crate::wire::{Error, ErrorKind};

/// Whether the first digit of a pair travels in the high nibble. The sources disagree (one packs "123456" as 12 34 56, the
/// other prints that as 214365); the standard's rule that the most significant bit goes first favours `true`.
pub const SPC_HIGH_NIBBLE_FIRST: bool = true;

/// A service programming code. Prints nothing of itself, is compared without an early exit and is overwritten when dropped.
#[derive(Clone)]
pub struct Spc([u8; 6]);

impl Spc {
    /// From six decimal digits.
    pub fn new(digits: &str) -> Option<Self> {
        let digits: [u8; 6] = digits.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then(|| Self(digits.map(|d| d & 0xF)))
    }

    /// The factory default 000000, with which the lock is open.
    pub const fn factory() -> Self {
        Self([0; 6])
    }

    /// Whether this is the factory default.
    pub fn is_factory(&self) -> bool {
        *self == Self::factory()
    }

    /// The digits (0..=9), for the store that keeps them.
    pub const fn digits(&self) -> &[u8; 6] {
        &self.0
    }

    /// From stored digits (0..=9).
    pub fn from_digits(digits: [u8; 6]) -> Option<Self> {
        digits.iter().all(|d| *d <= 9).then_some(Self(digits))
    }

    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let mut digits = [0; 6];
        let refuse = f.error(ErrorKind::BadValue);
        let value = f.take("SPC", 24, |_| Show::Secret)?;
        for (shift, digit) in [20, 16, 12, 8, 4, 0_u32].iter().zip(digits.iter_mut()) {
            *digit = u8::try_from(value >> (shift & 31) & 0xF).unwrap_or(u8::MAX);
        }
        Self::from_digits(in_wire_order(digits)).ok_or(refuse)
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        in_wire_order(self.0).iter().try_for_each(|d| s.put(u64::from(*d), 4))
    }
}

block_codec!(Spc);

/// Digits in the order of their nibbles; its own inverse.
fn in_wire_order(mut digits: [u8; 6]) -> [u8; 6] {
    if !SPC_HIGH_NIBBLE_FIRST {
        digits.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
    }
    digits
}

impl PartialEq for Spc {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl Eq for Spc {}

impl Drop for Spc {
    fn drop(&mut self) {
        self.0 = [0; 6];
        // Without a use afterwards the compiler may leave the store out.
        core::hint::black_box(&self.0);
    }
}

impl core::fmt::Debug for Spc {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Spc(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn travels_most_significant_digit_first_and_prints_nothing() {
        let spc = Spc::new("123456").unwrap();
        let mut buf = [0; 3];
        assert_eq!(spc.emit(&mut buf).unwrap(), [0x12, 0x34, 0x56]);
        assert_eq!(Spc::parse(&buf, 0).unwrap(), spc);
        assert_eq!(std::format!("{spc:?}"), "Spc(..)");
        assert!(Spc::new("000000").unwrap().is_factory() && !spc.is_factory());
    }

    #[test]
    fn refuses_what_is_no_code() {
        assert_eq!((Spc::new("12345"), Spc::new("12345a"), Spc::from_digits([10; 6])), (None, None, None));
        assert_eq!(Spc::parse(&[0x12, 0x3A, 0x56], 7), Err(Error::new(ErrorKind::BadValue, 7)));
        assert_eq!(Spc::parse(&[0x12, 0x34], 7), Err(Error::new(ErrorKind::Truncated, 7)));
        assert_eq!(Spc::parse(&[0; 4], 7), Err(Error::new(ErrorKind::Trailing, 10)));
    }
}
