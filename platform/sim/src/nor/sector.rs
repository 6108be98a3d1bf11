//! One erase sector: its cells, which units are programmed, and what a power cut left in it.

use super::error::Error;
use crate::cut::{Density, Tear};
use crate::random::Seeded;

/// A sector of `content.len()` octets, in units of the device's write size.
#[derive(Clone, Debug)]
pub(super) struct Sector {
    content: Box<[u8]>,
    programmed: Units,
    scar: Option<Box<Scar>>,
}

/// What a power cut left behind, until the sector is erased.
#[derive(Clone, Debug)]
struct Scar {
    /// Bits that read at random, for each octet.
    unstable: Box<[u8]>,
    /// Units whose content is neither what it was nor what it should become: the error-correcting code fails.
    broken: Units,
    /// Whether it was an erase that was cut.
    half_erased: bool,
}

impl Sector {
    /// An erased sector of `len` octets in units of `unit`.
    pub(super) fn erased(len: usize, unit: usize, erased: u8) -> Self {
        Self { content: vec![erased; len].into(), programmed: Units::new(len / unit), scar: None }
    }

    /// The cells, unstable ones in their present leaning.
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Whether the power failed in an operation on this sector since its last complete erase.
    pub(super) fn is_scarred(&self) -> bool {
        self.scar.is_some()
    }

    /// Writes content as a gang programmer does: blank units stay unprogrammed.
    pub(super) fn load(&mut self, bytes: &[u8], unit: usize, erased: u8) {
        for (index, chunk) in bytes.chunks(unit).enumerate() {
            if chunk.iter().any(|octet| *octet != erased) {
                self.content[index * unit..][..chunk.len()].copy_from_slice(chunk);
                self.programmed.add(index);
            }
        }
    }

    /// Reads from `offset` into `out`; unstable bits are drawn anew. With `ecc`, a broken unit is an error, named by the
    /// octet in the sector where it starts.
    pub(super) fn read(
        &self,
        offset: usize,
        out: &mut [u8],
        unit: usize,
        ecc: bool,
        noise: &mut Seeded,
    ) -> Result<(), usize> {
        let end = offset + out.len();
        out.copy_from_slice(&self.content[offset..end]);
        let Some(scar) = &self.scar else { return Ok(()) };
        if ecc {
            let units = offset / unit..end.div_ceil(unit);
            return units
                .into_iter()
                .find(|index| scar.broken.has(*index))
                .map_or(Ok(()), |index| Err(index * unit));
        }
        for (octet, unstable) in out.iter_mut().zip(&scar.unstable[offset..end]) {
            if *unstable != 0 {
                *octet ^= unstable & noise.octet();
            }
        }
        Ok(())
    }

    /// Whether `bytes` may be programmed at `offset`; the error names octets within the sector.
    pub(super) fn may_program(
        &self,
        offset: usize,
        bytes: &[u8],
        unit: usize,
        erased: u8,
    ) -> Result<(), Error> {
        let half_erased = self.scar.as_ref().is_some_and(|scar| scar.half_erased);
        for (index, new) in (offset / unit..).zip(bytes.chunks(unit)) {
            // A sector is at most 2^32 octets, as offsets in the port are 32 bits.
            let at = u32::try_from(index * unit).unwrap_or(u32::MAX);
            if half_erased {
                return Err(Error::HalfErased { at });
            }
            if self.programmed.has(index) {
                let old = &self.content[index * unit..][..unit];
                let sets_bits = old.iter().zip(new).any(|(old, new)| (old ^ new) & (old ^ erased) != 0);
                return Err(if sets_bits { Error::WouldSetBits { at } } else { Error::Reprogrammed { at } });
            }
        }
        Ok(())
    }

    /// Programs whole units.
    pub(super) fn program(&mut self, offset: usize, bytes: &[u8], unit: usize) {
        self.content[offset..][..bytes.len()].copy_from_slice(bytes);
        for index in offset / unit..(offset + bytes.len()) / unit {
            self.programmed.add(index);
        }
    }

    /// Programs the one unit at `offset` until the power fails: every bit that should change has changed, or has not, or
    /// cannot be told.
    pub(super) fn tear_unit(&mut self, offset: usize, bytes: &[u8], tear: &mut Tear) {
        let unit = bytes.len();
        let at_work = tear.octet % unit;
        let changed = match (tear.named, tear.noise.below(4)) {
            (true, _) | (false, 0) => Progress::UpTo(at_work),
            (false, 1) => Progress::Scattered,
            (false, 2) => Progress::Nothing,
            (false, _) => Progress::Everything,
        };
        let density = tear.density();
        let scar = self.scar.get_or_insert_with(|| Box::new(Scar::new(self.content.len(), unit)));
        let cells = &mut self.content[offset..][..unit];
        let old = cells.to_vec();
        for (index, ((cell, new), unstable)) in
            cells.iter_mut().zip(bytes).zip(&mut scar.unstable[offset..]).enumerate()
        {
            let differ = *cell ^ new;
            *cell ^= differ & changed.mask(index, &mut tear.noise);
            *unstable = differ & density.mask(&mut tear.noise);
        }
        let whole = *cells == *old || *cells == *bytes;
        if !whole || scar.unstable[offset..][..unit].iter().any(|mask| *mask != 0) {
            scar.broken.add(offset / unit);
        }
        self.programmed.add(offset / unit);
    }

    /// Erases until the power fails. Parts program a sector before they erase it, so a cell may hold its old value, be
    /// programmed or be erased, or be unstable.
    pub(super) fn tear_erase(&mut self, unit: usize, erased: u8, tear: &mut Tear) {
        let look = match (tear.named, tear.noise.below(5)) {
            (true, _) | (false, 0) => Progress::UpTo(tear.octet),
            (false, 1) => Progress::Scattered,
            (false, 2) => Progress::Nothing,
            _ => Progress::Everything,
        };
        let preprogrammed = !tear.named && tear.noise.below(3) == 0;
        let density = tear.density();
        let old = self.content.clone();
        let mut scar = Scar::new(old.len(), unit);
        scar.half_erased = true;
        for (index, (cell, unstable)) in self.content.iter_mut().zip(&mut scar.unstable).enumerate() {
            let start = if preprogrammed { !erased } else { *cell };
            let reached = look.mask(index, &mut tear.noise);
            *cell = (start & !reached) | (erased & reached);
            *unstable = density.mask(&mut tear.noise);
        }
        for (index, cells) in self.content.chunks(unit).enumerate() {
            let span = index * unit..index * unit + cells.len();
            let whole = *cells == old[span.clone()] || cells.iter().all(|cell| *cell == erased);
            if !whole || scar.unstable[span].iter().any(|mask| *mask != 0) {
                scar.broken.add(index);
            }
        }
        self.scar = Some(Box::new(scar));
    }
}

impl Scar {
    fn new(len: usize, unit: usize) -> Self {
        Self { unstable: vec![0; len].into(), broken: Units::new(len / unit), half_erased: false }
    }
}

/// Which bits of a torn operation have reached their new value.
enum Progress {
    Nothing,
    UpTo(usize),
    Scattered,
    Everything,
}

impl Progress {
    /// The bits of the octet with this index that have changed.
    fn mask(&self, index: usize, noise: &mut Seeded) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::UpTo(at_work) if index < *at_work => 0xFF,
            Self::UpTo(at_work) if index > *at_work => 0,
            Self::UpTo(_) | Self::Scattered => Density::Half.mask(noise),
            Self::Everything => 0xFF,
        }
    }
}

/// A set of the units of a sector.
#[derive(Clone, Debug)]
struct Units(Box<[u64]>);

impl Units {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    fn add(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn has(&self, index: usize) -> bool {
        self.0[index / 64] & (1 << (index % 64)) != 0
    }
}
