//! Numbers on the command line: addresses, octets of RAM, the geometry of a flash.

use std::str::FromStr;

/// The largest program unit that the update agent knows (`platform::flash`).
const WRITE_MAX: u32 = 32;
/// In place: a block to be made, and a place to save what is needed later.
const SPARE_MIN: u32 = 2;
/// Octets written in one go to a slot, unless sectors are larger: a large block costs nothing there.
const SLOT_BLOCK: u32 = 64 << 10;

/// A 32-bit address: decimal, or hexadecimal behind `0x`.
pub(super) fn address(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| format!("not a 32-bit address: {error}"))
}

/// Octets: a number, perhaps with KiB or MiB behind it.
pub(super) fn octets(text: &str) -> Result<u32, String> {
    let units = [("KiB", 10), ("MiB", 20), ("K", 10), ("M", 20)];
    let unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    let number: u32 =
        digits.trim_end().parse().map_err(|error| format!("not a number of octets: {error}"))?;
    number.checked_mul(1 << shift).ok_or_else(|| "more than 4 GiB".to_owned())
}

/// What flash the devices have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Octets of an erase sector: a power of two from 256 on.
    pub(super) sector: u32,
    /// Octets of a program unit: a power of two up to 32.
    pub(super) write: u32,
    /// Spare sectors beside the image, in place.
    pub(super) spare: u32,
}

impl Default for Geometry {
    fn default() -> Self {
        Self { sector: 4096, write: 16, spare: SPARE_MIN }
    }
}

impl Geometry {
    /// The block of a package for such a flash.
    pub(super) fn block(self, in_place: bool) -> u32 {
        if in_place { self.sector } else { self.sector.max(SLOT_BLOCK) }
    }
}

impl FromStr for Geometry {
    type Err = String;

    /// `sector=4096,write=16,spare=2`, in any order, with the defaults for what is left out.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut geometry = Self::default();
        for field in text.split(',') {
            let (name, value) =
                field.split_once('=').ok_or_else(|| format!("{field:?} is not like sector=4096"))?;
            match name.trim() {
                "sector" => geometry.sector = octets(value)?,
                "write" => geometry.write = octets(value)?,
                "spare" => {
                    geometry.spare =
                        value.parse().map_err(|error| format!("not a number of sectors: {error}"))?;
                }
                other => return Err(format!("{other:?} is none of sector, write, spare")),
            }
        }
        geometry.check()
    }
}

impl Geometry {
    fn check(self) -> Result<Self, String> {
        use kedge_package::limits::{BLOCK_MAX, BLOCK_MIN};
        let Self { sector, write, spare } = self;
        if !sector.is_power_of_two() || !(BLOCK_MIN..=BLOCK_MAX).contains(&sector) {
            return Err(format!(
                "a sector of {sector} octets: must be a power of two from {BLOCK_MIN} to {BLOCK_MAX}"
            ));
        }
        if !write.is_power_of_two() || write > WRITE_MAX {
            return Err(format!(
                "a program unit of {write} octets: must be a power of two up to {WRITE_MAX}"
            ));
        }
        if spare < SPARE_MIN {
            return Err(format!("{spare} spare sectors: an update in place needs at least {SPARE_MIN}"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometries_are_read_and_refused() {
        let geometry = |text: &str| text.parse::<Geometry>();
        assert_eq!(geometry("sector=8KiB,spare=3"), Ok(Geometry { sector: 8192, write: 16, spare: 3 }));
        assert_eq!(geometry("write=32,sector=256"), Ok(Geometry { sector: 256, write: 32, spare: 2 }));
        for (text, expected) in [
            ("sector", "not like"),
            ("sector=", "not a number"),
            ("page=1", "none of"),
            ("sector=5000", "power of two"),
            ("sector=2MiB", "power of two"),
            ("write=64", "up to 32"),
            ("write=0", "up to 32"),
            ("spare=1", "at least 2"),
            ("sector=99999MiB", "more than 4 GiB"),
        ] {
            let error = geometry(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn numbers_have_units_and_bases() {
        assert_eq!(octets("16KiB"), Ok(16384));
        assert_eq!(octets("16 K"), Ok(16384));
        assert_eq!(octets("5000"), Ok(5000));
        assert!(octets("-1").is_err());
        assert_eq!(address("0x08000000"), Ok(0x0800_0000));
        assert_eq!(address("4096"), Ok(4096));
        assert!(address("0x").is_err() && address("0x100000000").is_err());
    }

    #[test]
    fn a_block_is_a_sector_in_place_and_at_least_64_kib_in_a_slot() {
        let geometry = Geometry::default();
        assert_eq!((geometry.block(true), geometry.block(false)), (4096, 65536));
        assert_eq!(Geometry { sector: 1 << 17, ..geometry }.block(false), 1 << 17);
    }
}
