use crate::limits::{ENVELOPE_MAX, HEADER_LEN};
use crate::{Error, ErrorKind};

const MAGIC: [u8; 4] = *b"KDGP";
const VERSION: u8 = 1;

/// The first 12 octets of a package: how long its two parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Octets of the envelope, 1 to [`ENVELOPE_MAX`].
    pub envelope: u16,
    /// Octets of the payload.
    pub payload: u32,
}

impl Header {
    /// Reads a header; refuses other formats, versions and impossible lengths.
    pub fn parse(octets: &[u8; HEADER_LEN]) -> Result<Self, Error> {
        let [m0, m1, m2, m3, version, reserved, e0, e1, p0, p1, p2, p3] = *octets;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(Error::new(ErrorKind::NotAPackage, 0));
        }
        if version != VERSION {
            return Err(Error::new(ErrorKind::Unsupported, 4));
        }
        if reserved != 0 {
            return Err(Error::new(ErrorKind::BadValue, 5));
        }
        let header =
            Self { envelope: u16::from_be_bytes([e0, e1]), payload: u32::from_be_bytes([p0, p1, p2, p3]) };
        if usize::from(header.envelope) > ENVELOPE_MAX || header.envelope == 0 {
            return Err(Error::new(ErrorKind::LimitExceeded, 6));
        }
        if header.total().is_none() {
            return Err(Error::new(ErrorKind::LimitExceeded, 8));
        }
        Ok(header)
    }

    /// The header as octets.
    pub fn emit(self) -> [u8; HEADER_LEN] {
        let [m0, m1, m2, m3] = MAGIC;
        let [e0, e1] = self.envelope.to_be_bytes();
        let [p0, p1, p2, p3] = self.payload.to_be_bytes();
        [m0, m1, m2, m3, VERSION, 0, e0, e1, p0, p1, p2, p3]
    }

    /// Offset of the payload in the package.
    pub fn payload_at(self) -> u32 {
        // 12 and 16 bits: never near the end of 32
        u32::from(self.envelope).wrapping_add(12)
    }

    /// Octets of the whole package; none when they do not fit 32 bits.
    pub fn total(self) -> Option<u32> {
        self.payload_at().checked_add(self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_altered_bit_is_refused_or_seen() {
        let header = Header { envelope: 300, payload: 70_000 };
        let good = header.emit();
        assert_eq!(good, *b"KDGP\x01\x00\x01\x2c\x00\x01\x11\x70");
        assert_eq!(Header::parse(&good), Ok(header));
        for bit in 0..96 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(Header::parse(&bad), Ok(header), "bit {bit}");
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for (envelope, payload, at) in [(0, 1, 6), (2049, 1, 6), (16, u32::MAX, 8)] {
            let octets = Header { envelope, payload }.emit();
            assert_eq!(Header::parse(&octets), Err(Error::new(ErrorKind::LimitExceeded, at)));
        }
    }
}
