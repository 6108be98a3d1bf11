/// CRC-32 (IEEE 802.3: polynomial 0x04C11DB7 reflected, initial value and final inversion all ones), four bits at a time:
/// a 64-octet table is fast enough beside flash programming.
#[derive(Clone, Copy, Debug)]
pub struct Crc32(u32);

const POLYNOMIAL: u32 = 0xEDB8_8320;

/// What four bits that leave the register put back into it.
const fn back(nibble: u32) -> u32 {
    let mut value = nibble;
    let mut bit = 0_u8;
    while bit < 4 {
        value = if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 };
        bit = bit.wrapping_add(1);
    }
    value
}

const TABLE: [u32; 16] = [
    back(0),
    back(1),
    back(2),
    back(3),
    back(4),
    back(5),
    back(6),
    back(7),
    back(8),
    back(9),
    back(10),
    back(11),
    back(12),
    back(13),
    back(14),
    back(15),
];

impl Default for Crc32 {
    fn default() -> Self {
        Self::new()
    }
}

impl Crc32 {
    /// The check of nothing.
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Adds `data`.
    pub fn update(&mut self, data: &[u8]) {
        for &octet in data {
            self.0 ^= u32::from(octet);
            for _ in 0..2 {
                let [low, ..] = self.0.to_le_bytes();
                self.0 = self.0 >> 4 ^ TABLE.get(usize::from(low & 15)).copied().unwrap_or_default();
            }
        }
    }

    /// The check value of all data so far.
    pub const fn value(self) -> u32 {
        !self.0
    }

    /// The check value of `data`.
    pub fn of(data: &[u8]) -> u32 {
        let mut crc = Self::new();
        crc.update(data);
        crc.value()
    }
}

#[cfg(test)]
mod tests {
    use super::Crc32;

    #[test]
    fn catalogue_check_value() {
        assert_eq!(Crc32::of(b"123456789"), 0xCBF4_3926);
        assert_eq!(Crc32::of(b""), 0);
    }
}
