//! Flash of which some regions are kept encrypted by address.
//!
//! ```text
//!   Update, Applier          plain octets
//!        │  NorFlash
//!   ┌────▼──────────────┐
//!   │ Encrypted         │ ── FlashCipher: AES-XTS in software, an engine of the chip
//!   └────┬──────────────┘
//!        │  NorFlash
//!      driver                ciphertext in the listed regions, anything else as it is
//! ```
//! The regions to list are those that hold octets of an image: both slots; in place the image, the scratch region *and the
//! package region*, behind whose package blocks of the new image are made too if there is room. In slots the package may be
//! listed, if nobody shall learn from it either. A block that is made elsewhere stands there under that place's addresses;
//! copying it to the image decrypts it and encrypts it anew. The journal is not listed:
//! it holds no secret, and a boot loader that is the OEM's reads trailers and `otadata` as its own flash driver does, so what
//! it decides from stays out too.
//!
//! # What it costs
//!
//! Nothing in the package and nothing on the flash: ciphertext has the length of its octets. Time: each octet read or written
//! passes the cipher once. RAM: 256 octets of stack while writing. A write unit is at least [`UNIT`] octets, for the whole
//! device, since the trait knows one only; partial units are refused ([`EncryptedError::NotAligned`]).
//!
//! # Power cuts
//!
//! Through a cipher, erased flash reads as noise, and so does a torn unit, wherever the tear is. The update agent never asks
//! whether flash is blank: it erases what no journal record vouches for, and trusts what one does. Repeating a step writes
//! the same ciphertext again, so a record vouches for it as for plain octets.
//!
//! On NAND the wrapper stands above the [`nand::Volume`](crate::nand::Volume), whose offsets then are the cipher's.
//!
//! The old image must have been encrypted to its last octet when the device was made, blank areas inside it included.
use core::fmt;

use kedge_platform::cipher::{FlashCipher, UNIT};
use kedge_platform::flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, Region};

use crate::LayoutError;
use crate::banklog::MAX_UNIT;
use crate::flash_io::CHUNK;

/// A flash device whose listed regions go through a cipher. See the [module](self).
#[derive(Debug)]
pub struct Encrypted<'r, F, C> {
    flash: F,
    cipher: C,
    regions: &'r [Region],
}

/// Why an operation on [`Encrypted`] flash failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptedError<F, C> {
    /// The flash driver failed.
    Flash(F),
    /// The cipher failed; nothing was written with what it left.
    Cipher(C),
    /// The range reaches beyond the device.
    OutOfBounds,
    /// Offset or length is not a multiple of the write unit, which is at least a cipher unit.
    NotAligned,
}

impl<F: fmt::Debug, C: fmt::Debug> fmt::Display for EncryptedError<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "flash: {error:?}"),
            Self::Cipher(error) => write!(f, "cipher: {error:?}"),
            Self::OutOfBounds => f.write_str("outside the flash"),
            Self::NotAligned => f.write_str("not whole units of the cipher and the flash"),
        }
    }
}

impl<F: fmt::Debug, C: fmt::Debug> core::error::Error for EncryptedError<F, C> {}

impl<F: NorFlashError, C: fmt::Debug> NorFlashError for EncryptedError<F, C> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Flash(error) => error.kind(),
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::Cipher(_) => NorFlashErrorKind::Other,
        }
    }
}

impl<'r, F: NorFlash, C: FlashCipher> Encrypted<'r, F, C> {
    /// Puts `cipher` before `regions` of `flash`. [`LayoutError::Geometry`] if a read or write unit is none that the update
    /// agent supports, [`LayoutError::Region`] if a region is not whole units of the device.
    pub fn new(flash: F, cipher: C, regions: &'r [Region]) -> Result<Self, LayoutError> {
        let supported = |unit: usize| unit.is_power_of_two() && unit <= MAX_UNIT;
        if !supported(F::READ_SIZE) || !supported(F::WRITE_SIZE) {
            return Err(LayoutError::Geometry);
        }
        let capacity = u32::try_from(flash.capacity()).unwrap_or(u32::MAX);
        let whole = |n: u32| is_whole(n, Self::WRITE_SIZE) && is_whole(n, F::READ_SIZE);
        for region in regions {
            let end = region.start.checked_add(region.len);
            if !whole(region.start) || !whole(region.len) || end.is_none_or(|end| end > capacity) {
                return Err(LayoutError::Region(*region));
            }
        }
        Ok(Self { flash, cipher, regions })
    }

    /// The device behind the cipher.
    pub fn flash(&mut self) -> &mut F {
        &mut self.flash
    }

    /// How far from `at` on, but at most `len` octets, it goes on alike, and whether that is encrypted.
    fn stretch(&self, at: u32, len: usize) -> (usize, bool) {
        let inside = |region: &&Region| region.start <= at && at < region.end();
        let (border, encrypted) = if let Some(region) = self.regions.iter().find(inside) {
            (region.end(), true)
        } else {
            let ahead = self.regions.iter().map(|region| region.start).filter(|start| *start > at);
            (ahead.min().unwrap_or(u32::MAX), false)
        };
        let until = usize::try_from(border.saturating_sub(at)).unwrap_or(usize::MAX);
        (until.min(len), encrypted)
    }

    /// Reads octets of an encrypted region.
    fn read_encrypted(&mut self, at: u32, out: &mut [u8]) -> Result<(), <Self as ErrorType>::Error> {
        let (mut at, mut rest) = (at, out);
        while !rest.is_empty() {
            let skip = at.checked_rem(UNIT_OCTETS).unwrap_or_default();
            let whole = rest.len().saturating_sub(rest.len().checked_rem(UNIT).unwrap_or_default());
            let n = if skip == 0 && whole > 0 {
                let units = rest.get_mut(..whole).unwrap_or_default();
                self.flash.read(at, units).map_err(EncryptedError::Flash)?;
                self.cipher.decrypt(at, units).map_err(EncryptedError::Cipher)?;
                whole
            } else {
                let mut unit = [0; UNIT];
                let start = at.saturating_sub(skip);
                self.flash.read(start, &mut unit).map_err(EncryptedError::Flash)?;
                self.cipher.decrypt(start, &mut unit).map_err(EncryptedError::Cipher)?;
                let fresh = unit.iter().skip(usize::try_from(skip).unwrap_or(UNIT));
                rest.iter_mut().zip(fresh).map(|(to, from)| *to = *from).count()
            };
            rest = rest.get_mut(n.max(1)..).unwrap_or_default();
            at = at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    /// Writes whole units to an encrypted region.
    fn write_encrypted(&mut self, at: u32, octets: &[u8]) -> Result<(), <Self as ErrorType>::Error> {
        let mut buffer = [0; CHUNK];
        let mut at = at;
        // a chunk is whole write units of every size that `new` takes
        for piece in octets.chunks(CHUNK) {
            let sealed = buffer.get_mut(..piece.len()).unwrap_or_default();
            for (to, from) in sealed.iter_mut().zip(piece) {
                *to = *from;
            }
            self.cipher.encrypt(at, sealed).map_err(EncryptedError::Cipher)?;
            self.flash.write(at, sealed).map_err(EncryptedError::Flash)?;
            at = at.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    /// Whether `len` octets at `at` are on the device.
    fn bounds_check(&self, at: u32, len: usize) -> Result<(), <Self as ErrorType>::Error> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        match self.flash.capacity().checked_sub(at) {
            Some(room) if len <= room => Ok(()),
            _ => Err(EncryptedError::OutOfBounds),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "16")]
const UNIT_OCTETS: u32 = UNIT as u32;

fn is_whole(n: u32, unit: usize) -> bool {
    u32::try_from(unit).is_ok_and(|unit| n.checked_rem(unit) == Some(0))
}

impl<F: NorFlash, C: FlashCipher> ErrorType for Encrypted<'_, F, C> {
    type Error = EncryptedError<F::Error, C::Error>;
}

impl<F: NorFlash, C: FlashCipher> ReadNorFlash for Encrypted<'_, F, C> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.bounds_check(offset, bytes.len())?;
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (n, encrypted) = self.stretch(at, rest.len());
            let Some((piece, behind)) = rest.split_at_mut_checked(n.max(1)) else { return Ok(()) };
            if encrypted {
                self.read_encrypted(at, piece)?;
            } else {
                self.flash.read(at, piece).map_err(EncryptedError::Flash)?;
            }
            rest = behind;
            at = at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl<F: NorFlash, C: FlashCipher> NorFlash for Encrypted<'_, F, C> {
    const WRITE_SIZE: usize = if F::WRITE_SIZE > UNIT { F::WRITE_SIZE } else { UNIT };
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.flash.erase(from, to).map_err(EncryptedError::Flash)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.bounds_check(offset, bytes.len())?;
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if !is_whole(offset, Self::WRITE_SIZE) || !is_whole(len, Self::WRITE_SIZE) {
            return Err(EncryptedError::NotAligned);
        }
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (n, encrypted) = self.stretch(at, rest.len());
            let Some((piece, behind)) = rest.split_at_checked(n.max(1)) else { return Ok(()) };
            if encrypted {
                self.write_encrypted(at, piece)?;
            } else {
                self.flash.write(at, piece).map_err(EncryptedError::Flash)?;
            }
            rest = behind;
            at = at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use kedge_platform_sim::nor::Nor;

    use super::*;

    /// Adds to each octet a value that its offset and its unit's first octet decide; fails at one offset.
    #[derive(Clone, Copy)]
    struct Toy {
        fails_at: u32,
    }

    fn pad(at: u32) -> u8 {
        at.wrapping_mul(0x9E37_79B1).to_be_bytes()[0] | 1
    }

    impl Toy {
        fn each(self, at: u32, octets: &mut [u8], change: fn(u8, u8) -> u8) -> Result<(), u32> {
            assert!(at.is_multiple_of(16) && octets.len().is_multiple_of(16), "whole units");
            for (at, octet) in (at..).zip(octets) {
                if at == self.fails_at {
                    return Err(at);
                }
                *octet = change(*octet, pad(at));
            }
            Ok(())
        }
    }

    impl FlashCipher for Toy {
        type Error = u32;

        fn encrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), u32> {
            self.each(at, octets, u8::wrapping_add)
        }

        fn decrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), u32> {
            self.each(at, octets, u8::wrapping_sub)
        }
    }

    const TOY: Toy = Toy { fails_at: u32::MAX };
    /// The second sector, and the fourth with the fifth.
    const REGIONS: [Region; 2] = [Region::new(768, 512), Region::new(256, 256)];

    fn octets(len: u32) -> Vec<u8> {
        (0..len).map(|at| at.wrapping_mul(7).to_le_bytes()[0]).collect()
    }

    #[test]
    fn listed_regions_are_ciphertext_and_others_are_not() {
        let mut part = Nor::<4, 256>::new(6);
        let mut flash = Encrypted::new(&mut part, TOY, &REGIONS).unwrap();
        let all = octets(6 * 256);
        flash.write(0, &all).unwrap();
        for at in 0..6 * 256 {
            for len in [1, 2, 15, 16, 17, 40, 300] {
                let Some(expected) = all.get(at..at + len) else { continue };
                let mut found = std::vec![0; len];
                flash.read(u32::try_from(at).unwrap(), &mut found).unwrap();
                assert!(found == expected, "{len} octets at {at}");
            }
        }
        assert_eq!(flash.flash().misuses(), []);
        for (at, (stored, plain)) in (0..).zip(part.dump().into_iter().zip(all)) {
            let secret = (256..512).contains(&at) || (768..1280).contains(&at);
            let expected = if secret { plain.wrapping_add(pad(at)) } else { plain };
            assert_eq!(stored, expected, "octet {at}");
        }
    }

    #[test]
    fn what_is_no_whole_unit_is_refused() {
        let mut part = Nor::<4, 256>::new(6);
        let mut flash = Encrypted::new(&mut part, TOY, &REGIONS).unwrap();
        for (at, len) in [(260, 16), (256, 4), (0, 12), (8, 16)] {
            assert_eq!(flash.write(at, &octets(len)), Err(EncryptedError::NotAligned), "{len} at {at}");
        }
        assert_eq!(flash.write(6 * 256 - 16, &[0; 32]), Err(EncryptedError::OutOfBounds));
        assert_eq!(flash.read(6 * 256 - 1, &mut [0; 2]), Err(EncryptedError::OutOfBounds));
        assert!(matches!(flash.erase(256, 300), Err(EncryptedError::Flash(_))));
        assert_eq!(flash.flash().work().operations(), 0, "nothing was written");
        let refused = |regions: &[Region]| Encrypted::new(Nor::<32, 256>::new(6), TOY, regions).err();
        let odd = Region::new(256, 48);
        assert_eq!(refused(&[REGIONS[0], odd]), Some(LayoutError::Region(odd)));
        let beyond = Region::new(1280, 512);
        assert_eq!(refused(&[beyond]), Some(LayoutError::Region(beyond)));
        assert_eq!(Encrypted::new(Nor::<128, 256>::new(6), TOY, &[]).err(), Some(LayoutError::Geometry));
        assert_eq!(Encrypted::<Nor<32, 256>, Toy>::WRITE_SIZE, 32);
    }

    #[test]
    fn a_cipher_that_fails_is_told_and_nothing_is_written() {
        let mut part = Nor::<4, 256>::new(6);
        let mut flash = Encrypted::new(&mut part, Toy { fails_at: 1030 }, &REGIONS).unwrap();
        assert_eq!(flash.write(768, &octets(512)), Err(EncryptedError::Cipher(1030)));
        assert_eq!(flash.flash().work().units, 64, "the 256 octets before");
        assert_eq!(flash.read(1029, &mut [0; 2]), Err(EncryptedError::Cipher(1030)));
        assert_eq!(flash.read(1040, &mut [0; 2]), Ok(()));
    }
}
