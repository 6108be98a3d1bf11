/// PR_LIST_CRC (C.S0016 §3.5.5.1): polynomial 0x1021, start 0xFFFF, not reflected, inverted at the end; computed over
/// all octets of a list but the last two.
pub fn crc16(octets: &[u8]) -> u16 {
    let mut crc = Crc::new();
    crc.add(octets);
    crc.value()
}

/// The same, of octets that come in parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crc(u16);

impl Crc {
    pub(super) const fn new() -> Self {
        Self(0xFFFF)
    }

    pub(super) fn add(&mut self, octets: &[u8]) {
        self.0 = octets.iter().fold(self.0, |crc, octet| {
            (0..8).fold(crc ^ u16::from(*octet) << 8, |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            })
        });
    }

    pub(super) const fn value(self) -> u16 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn check_value() {
        assert_eq!(super::crc16(b"123456789"), 0xD64E);
    }
}
