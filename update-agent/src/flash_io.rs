//! Reading at any offset, writing whole units, hashing: what every part does with the flash.
use kedge_package::{BLOCK_CHECK, Input};
use kedge_platform::crypto::Sha256;
use kedge_platform::flash::{NorFlash, ReadNorFlash, Region};

use crate::banklog::MAX_UNIT;

/// Octets moved in one piece: a multiple of every write and read unit, small enough for any stack.
pub(crate) const CHUNK: usize = 256;

/// Reads at any offset, whatever the device's read unit is.
pub(crate) fn read<F: ReadNorFlash>(flash: &mut F, at: u32, out: &mut [u8]) -> Result<(), F::Error> {
    if F::READ_SIZE == 1 {
        return flash.read(at, out);
    }
    let unit = u32::try_from(F::READ_SIZE).unwrap_or(u32::MAX);
    let mut buffer = [0; MAX_UNIT];
    let (mut at, mut rest) = (at, out);
    while !rest.is_empty() {
        let skip = at.checked_rem(unit).unwrap_or_default();
        let aligned = buffer.get_mut(..F::READ_SIZE).unwrap_or_default();
        flash.read(at.saturating_sub(skip), aligned)?;
        let fresh = aligned.iter().skip(usize::try_from(skip).unwrap_or_default());
        let n = rest.iter_mut().zip(fresh).map(|(to, from)| *to = *from).count();
        rest = rest.get_mut(n.max(1)..).unwrap_or_default();
        at = at.saturating_add(u32::try_from(n).unwrap_or_default());
    }
    Ok(())
}

/// Erases the sectors of `len` octets from `at` on, which is the start of a sector in `region`.
pub(crate) fn erase<F: NorFlash>(flash: &mut F, region: Region, at: u32, len: u32) -> Result<(), F::Error> {
    let len = len.checked_next_multiple_of(region.sector_on::<F>()).unwrap_or(u32::MAX);
    flash.erase(at, at.saturating_add(len))
}

/// How many sectors of `region` `len` octets take.
pub(crate) fn sectors<F: NorFlash>(region: Region, len: u32) -> u32 {
    len.div_ceil(region.sector_on::<F>().max(1))
}

/// How many octets are programmed for `len` octets: whole units.
pub(crate) fn padded<F: NorFlash>(len: u32) -> u32 {
    let unit = u32::try_from(F::WRITE_SIZE).unwrap_or(u32::MAX);
    len.checked_next_multiple_of(unit).unwrap_or(len)
}

/// Writes the first `n` octets of `buffer` at `at`, filled up to a whole unit with octets FF.
pub(crate) fn write_padded<F: NorFlash, const N: usize>(
    flash: &mut F,
    at: u32,
    buffer: &mut [u8; N],
    n: usize,
) -> Result<(), F::Error> {
    let padded = n.checked_next_multiple_of(F::WRITE_SIZE).unwrap_or(n);
    if let Some(padding) = buffer.get_mut(n..padded) {
        padding.fill(0xFF);
    }
    flash.write(at, buffer.get(..padded).unwrap_or_default())
}

/// Calls `each` with the octets of `len` octets from `at` on, in pieces.
pub(crate) fn for_each_piece<F: ReadNorFlash, E: From<F::Error>>(
    flash: &mut F,
    at: u32,
    len: u32,
    mut each: impl FnMut(&mut F, u32, &mut [u8; CHUNK], usize) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = [0; CHUNK];
    let mut done = 0u32;
    while done < len {
        let n = usize::try_from(len.saturating_sub(done)).unwrap_or(CHUNK).min(CHUNK);
        read(flash, at.saturating_add(done), buffer.get_mut(..n).unwrap_or_default())?;
        each(flash, done, &mut buffer, n)?;
        done = done.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    }
    Ok(())
}

/// The CRC-32 of `len` octets from `at` on.
pub(crate) fn check<F: ReadNorFlash>(flash: &mut F, at: u32, len: u32) -> Result<u32, F::Error> {
    let mut crc = BLOCK_CHECK.digest();
    for_each_piece(flash, at, len, |_, _, buffer, n| {
        crc.update(buffer.get(..n).unwrap_or_default());
        Ok(())
    })?;
    Ok(crc.finalize())
}

/// A SHA-256 over a part of the flash, computed in bounded steps.
pub(crate) struct Hashing<S> {
    hash: S,
    at: u32,
    left: u32,
}

/// Octets hashed in one step.
const STEP: u32 = 4096;

impl<S: Sha256> Hashing<S> {
    pub(crate) fn new(at: u32, len: u32) -> Self {
        Self { hash: S::default(), at, left: len }
    }

    pub(crate) const fn left(&self) -> u32 {
        self.left
    }

    /// Hashes some more octets; true when there are none left.
    pub(crate) fn step<F: ReadNorFlash>(&mut self, flash: &mut F) -> Result<bool, F::Error> {
        let n = self.left.min(STEP);
        for_each_piece(flash, self.at, n, |_, _, buffer, n| {
            self.hash.update(buffer.get(..n).unwrap_or_default());
            Ok(())
        })?;
        self.at = self.at.saturating_add(n);
        self.left = self.left.saturating_sub(n);
        Ok(self.left == 0)
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.hash.finish()
    }
}

/// The stored package and the image it changes, as the package crate reads them.
pub(crate) struct Stored<'f, F> {
    pub(crate) flash: &'f mut F,
    pub(crate) package: Region,
    /// None: only the package is looked at, the image reads as zeros.
    pub(crate) image: Option<Region>,
}

impl<F: ReadNorFlash> Input for Stored<'_, F> {
    type Error = F::Error;

    fn package(&mut self, at: u32, out: &mut [u8]) -> Result<(), F::Error> {
        read(self.flash, self.package.start.saturating_add(at), out)
    }

    fn image(&mut self, at: u32, out: &mut [u8]) -> Result<(), F::Error> {
        if let Some(image) = self.image {
            return read(self.flash, image.start.saturating_add(at), out);
        }
        out.fill(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kedge_platform::flash::ErrorType;
    use kedge_platform_sim::nor::{Error, Nor};

    use super::*;

    /// A part that only reads whole, aligned words.
    struct Words(Nor<4, 256>);

    impl ErrorType for Words {
        type Error = Error;
    }

    impl ReadNorFlash for Words {
        const READ_SIZE: usize = 4;

        fn read(&mut self, at: u32, out: &mut [u8]) -> Result<(), Error> {
            assert!(at.is_multiple_of(4) && out.len().is_multiple_of(4), "unaligned read");
            self.0.read(at, out)
        }

        fn capacity(&self) -> usize {
            self.0.capacity()
        }
    }

    #[test]
    fn any_octet_of_a_part_with_large_read_units_can_be_read() {
        let mut flash = Nor::new(1);
        let content: std::vec::Vec<u8> = (0..=255).collect();
        flash.load(0, &content).unwrap();
        let mut flash = Words(flash);
        for at in 0..20_u8 {
            for len in 0..20 {
                let mut out = [0xEE; 20];
                read(&mut flash, u32::from(at), &mut out[..len]).unwrap();
                let expected: std::vec::Vec<u8> = (at..).take(len).collect();
                assert_eq!(out[..len], expected);
                assert!(out[len..].iter().all(|octet| *octet == 0xEE));
            }
        }
    }
}
