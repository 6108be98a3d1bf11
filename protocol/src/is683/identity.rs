//! Who the device is and where it is at home: ESN, MEID, SID, NID, PRL id.
use super::debug_as_display;
use core::fmt;

/// Electronic serial number: 8 bits of manufacturer, 24 bits of serial.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Esn(pub u32);

/// Mobile equipment identifier, 56 bits, in the order it is printed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Meid(pub [u8; 7]);

/// The hardware identity of a handset: either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HardwareId {
    /// An ESN device.
    Esn(Esn),
    /// A MEID device.
    Meid(Meid),
}

/// System identifier, 15 bits; 0 is the wildcard of roaming lists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid(u16);

/// Network identifier: 0 is the base network, 0xFFFF any network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nid(pub u16);

/// PR_LIST_ID: which list the operator gave.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrlId(pub u16);

impl Esn {
    /// The pseudo-ESN of a MEID device: 0x80 and the last 24 bits of the SHA-1 digest over the seven MEID octets
    /// (C.S0072). The caller supplies `sha1`.
    pub fn pseudo(meid: Meid, sha1: impl FnOnce(&[u8; 7]) -> [u8; 20]) -> Self {
        let [.., a, b, c] = sha1(&meid.0);
        Self(u32::from_be_bytes([0x80, a, b, c]))
    }
}

impl Meid {
    /// From 14 hexadecimal digits.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut octets = [0; 7];
        let pairs = digits.as_bytes().chunks(2);
        if digits.len() != 14 {
            return None;
        }
        for (octet, pair) in octets.iter_mut().zip(pairs) {
            for digit in pair {
                let nibble = char::from(*digit).to_digit(16).and_then(|d| u8::try_from(d).ok())?;
                *octet = *octet << 4 | nibble;
            }
        }
        Some(Self(octets))
    }
}

impl Sid {
    /// A system identifier of at most 15 bits.
    pub const fn new(value: u16) -> Option<Self> {
        if value < 1 << 15 { Some(Self(value)) } else { None }
    }

    /// The low 15 bits of `value`.
    pub(crate) const fn masked(value: u16) -> Self {
        Self(value & 0x7FFF)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Nid {
    /// Any network of the system.
    pub const ANY: Self = Self(0xFFFF);
}

impl fmt::Display for Esn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl fmt::Display for Meid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Nid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PrlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

debug_as_display!(Esn Meid Sid Nid PrlId);

#[cfg(test)]
mod tests {
    use super::*;
    use sha1::{Digest as _, Sha1};
    use std::string::ToString;

    #[test]
    fn pseudo_esn_of_the_fact_sheet() {
        for (meid, esn) in
            [("AF0123450ABCDE", "8016B128"), ("FF000001123456", "800737E1"), ("A1000000DEADBE", "80B02913")]
        {
            let pseudo = Esn::pseudo(Meid::from_hex(meid).unwrap(), |octets| Sha1::digest(octets).into());
            assert_eq!(pseudo.to_string(), esn);
        }
    }

    #[test]
    fn meid_is_fourteen_hex_digits() {
        assert_eq!(Meid::from_hex("a1000000deadbe").unwrap().to_string(), "A1000000DEADBE");
        assert_eq!((Meid::from_hex("A1000000DEADB"), Meid::from_hex("A1000000DEADBG")), (None, None));
    }

    #[test]
    fn sid_has_fifteen_bits() {
        assert_eq!((Sid::new(0x7FFF).map(Sid::get), Sid::new(0x8000)), (Some(0x7FFF), None));
    }
}
