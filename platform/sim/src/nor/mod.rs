//! NOR flash, stricter than any real part, with power cuts inside operations.
//!
//! [`Nor<WRITE, ERASE>`](Nor) implements [`NorFlash`] with write units of `WRITE` octets and sectors of `ERASE` octets; any
//! octet can be read. A part with sectors of different sizes is made by [`Nor::mixed`]; it erases whole sectors only, each of
//! which is an operation of its own. The model holds its user to the power-loss contract in [`kedge_platform::flash`]:
//!
//! - A unit is programmed once between two erases, even with all bits left erased. Anything else is refused, changes
//!   nothing and is remembered in [`Nor::misuses`].
//! - A [`Cut`] strikes before, inside or after an operation. Inside a program, the units before the one at work are
//!   programmed, those behind are untouched, and the one at work may read as anything between old and new. Inside an
//!   erase, every cell may be old, programmed, erased or unstable, and the sector takes no programming until it is erased
//!   again, even if it looks erased. Unstable bits are drawn anew on every read.
//! - After a cut every call fails with [`Error::PowerLost`] until [`Nor::power_on`].
//! - With [`Nor::with_ecc`], a torn unit is [`Error::Unreadable`] until its sector is erased, unless it happens to hold
//!   exactly the old or exactly the new content.
//!
//! A clone is a snapshot and shares sectors with its original until one of them changes, so that a sweep of many
//! thousand cuts starts each case from a clone. Clones of one device that are used alike behave alike.
//!
//! ```
//! use kedge_platform::flash::{NorFlash, ReadNorFlash};
//! use kedge_platform_sim::nor::{Cut, Error, Nor};
//!
//! let mut flash = Nor::<4, 4096>::new(2);
//! flash.write(0, b"sure").unwrap();
//! flash.cut_at(1, Cut::Torn { seed: 7 });
//! assert_eq!(flash.write(4, b"torn"), Err(Error::PowerLost));
//! flash.power_on();
//! let mut unit = [0; 4];
//! flash.read(0, &mut unit).unwrap();
//! assert_eq!(&unit, b"sure");
//! assert!(flash.misuses().is_empty());
//! ```

mod error;
mod map;
mod sector;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use error::{Error, Kind, Misuse, Operation};
use kedge_platform::flash::{ErrorType, NorFlash, ReadNorFlash, Sectors};

use self::map::Map;
use self::sector::Sector;
pub use crate::cut::Cut;
use crate::cut::{Power, Tear};
use crate::random::Seeded;

/// How much a device has done since it was made. A write call is one program operation; an erase call is one erase
/// operation for each sector. Cut operations count, refused ones do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Program operations.
    pub programs: u64,
    /// Units programmed; the wear and the time of a program operation go with these.
    pub units: u64,
    /// Sectors erased.
    pub erases: u64,
}

impl Work {
    /// Program and erase operations together: what cuts are counted in.
    pub const fn operations(self) -> u64 {
        self.programs + self.erases
    }
}

/// A simulated NOR flash device with write units of `WRITE` and sectors of `ERASE` octets, or larger ones too.
///
/// `ERASE` must be a multiple of `WRITE`, which the compiler checks. See the [module](self) for the rules.
#[derive(Clone, Debug)]
pub struct Nor<const WRITE: usize, const ERASE: usize> {
    sectors: Vec<Arc<Sector>>,
    map: Map<ERASE>,
    wear: Vec<u32>,
    erased: u8,
    ecc: bool,
    power: Power,
    noise: Seeded,
    work: Work,
    trace: Option<Vec<Operation>>,
    misuses: Vec<Misuse>,
}

impl<const WRITE: usize, const ERASE: usize> Nor<WRITE, ERASE> {
    /// An erased, unworn device of `sectors` sectors, switched on.
    ///
    /// # Panics
    ///
    /// If the device would be larger than the port's 32-bit offsets reach.
    pub fn new(sectors: usize) -> Self {
        const { assert!(WRITE > 0 && ERASE > 0 && ERASE.is_multiple_of(WRITE), "sectors are whole units") };
        assert!(u32::try_from(sectors * ERASE).is_ok(), "offsets are 32 bits");
        let blank = Arc::new(Sector::erased(ERASE, WRITE, 0xFF));
        Self::with_map(Map::Equal, vec![blank; sectors])
    }

    /// The same with sectors of different sizes, of which `ERASE` is the smallest.
    ///
    /// # Panics
    ///
    /// If a sector is not whole units, or smaller than `ERASE`.
    pub fn mixed(sectors: Sectors<'_>) -> Self {
        assert_eq!(sectors.0.iter().map(|run| run.size as usize).min(), Some(ERASE), "the smallest sector");
        let map: Map<ERASE> = Map::mixed(sectors, WRITE);
        let count = sectors.0.iter().map(|run| run.count as usize).sum();
        let blank = |sector| Arc::new(Sector::erased(map.len(sector), WRITE, 0xFF));
        let blank = (0..count).map(blank).collect();
        Self::with_map(map, blank)
    }

    fn with_map(map: Map<ERASE>, sectors: Vec<Arc<Sector>>) -> Self {
        Self {
            map,
            wear: vec![0; sectors.len()],
            sectors,
            erased: 0xFF,
            ecc: false,
            power: Power::new(),
            noise: Seeded::new(0),
            work: Work::default(),
            trace: None,
            misuses: Vec::new(),
        }
    }

    /// Draws unstable bits from this seed; 0 without it.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.noise = Seeded::new(seed);
        self
    }

    /// Makes torn units fail on reading, as parts with error-correcting codes do.
    #[must_use]
    pub fn with_ecc(mut self) -> Self {
        self.ecc = true;
        self
    }

    /// Lists every operation from now on for [`Nor::trace`].
    #[must_use]
    pub fn with_trace(mut self) -> Self {
        self.trace = Some(Vec::new());
        self
    }

    /// Makes erased cells read as `octet` instead of 0xFF, and erases everything. 0x00 is the other value found in the
    /// field; the port's trait promises ones, so this serves tests of code that does not rely on it.
    #[must_use]
    pub fn with_erased(mut self, octet: u8) -> Self {
        self.erased = octet;
        for sector in 0..self.sectors.len() {
            self.sectors[sector] = self.blank(sector);
        }
        self
    }

    /// Lets the power fail in the operation with this number, counted from 0 at a power-on.
    ///
    /// Cuts are used up in the order they were added. The first counts from the last power-on (or from the making of the
    /// device); each further one from the [`Nor::power_on`] that follows the cut before it, so that it strikes during the
    /// recovery. A cut whose operation has passed already strikes the next one.
    pub fn cut_at(&mut self, operation: u64, cut: Cut) {
        self.power.cut_at(operation, cut);
    }

    /// Forgets the cuts that have not struck.
    pub fn clear_cuts(&mut self) {
        self.power.clear_cuts();
    }

    /// How many cuts have not struck yet.
    pub fn cuts_left(&self) -> usize {
        self.power.cuts_left()
    }

    /// Switches the power off between operations.
    pub fn power_off(&mut self) {
        self.power.switch_off();
    }

    /// Switches the power on and counts operations from 0 again; it ends a power cut.
    pub fn power_on(&mut self) {
        self.power.switch_on();
    }

    /// Whether the power is on.
    pub fn is_on(&self) -> bool {
        self.power.is_on()
    }

    /// What was done since the device was made.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Operations since the last power-on: the number a cut needs to strike the next one.
    pub fn operations_since_power_on(&self) -> u64 {
        self.power.operations()
    }

    /// Erases of each sector since the device was made, cut ones included.
    pub fn wear(&self) -> &[u32] {
        &self.wear
    }

    /// Everything that was refused as a mistake of the caller; a right program leaves this empty.
    pub fn misuses(&self) -> &[Misuse] {
        &self.misuses
    }

    /// The operations since [`Nor::with_trace`], cut ones included; empty without it.
    pub fn trace(&self) -> &[Operation] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// Whether the power failed in an operation on this sector since its last complete erase.
    pub fn is_scarred(&self, sector: usize) -> bool {
        self.sectors.get(sector).is_some_and(|sector| sector.is_scarred())
    }

    /// The whole content as it would read without noise: unstable cells show one of their values.
    pub fn dump(&self) -> Vec<u8> {
        self.sectors.iter().flat_map(|sector| sector.content()).copied().collect()
    }

    /// Puts content in place as a gang programmer does, outside of all counting: erases the sectors that `bytes` touches
    /// and programs it, leaving blank units unprogrammed.
    ///
    /// # Errors
    ///
    /// [`Error::NotAligned`] unless `offset` is the start of a sector; [`Error::OutOfBounds`] if the content does not fit.
    /// Nothing is changed then.
    pub fn load(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        let offset = offset as usize;
        if !self.map.is_border(offset) {
            return Err(Error::NotAligned);
        }
        if self.capacity().checked_sub(offset).is_none_or(|room| room < bytes.len()) {
            return Err(Error::OutOfBounds);
        }
        for (sector, _, piece) in self.map.clone().pieces(offset, bytes) {
            self.sectors[sector] = self.blank(sector);
            Arc::make_mut(&mut self.sectors[sector]).load(piece, WRITE, self.erased);
        }
        Ok(())
    }

    /// Refuses `operation`, and remembers it if the caller is to blame.
    fn refuse(&mut self, operation: Operation, error: Error) -> Error {
        if error.is_misuse() {
            self.misuses.push(Misuse { operation, error, after: self.work.operations() });
        }
        error
    }

    /// Power, bounds and alignment of `operation` in blocks of `align`.
    fn admit(&mut self, operation: Operation, align: usize) -> Result<(), Error> {
        let (offset, len) = (operation.offset as usize, operation.len as usize);
        if !self.power.is_on() {
            Err(Error::PowerLost)
        } else if self.capacity().checked_sub(offset).is_none_or(|room| room < len) {
            Err(self.refuse(operation, Error::OutOfBounds))
        } else if !offset.is_multiple_of(align) || !len.is_multiple_of(align) {
            Err(self.refuse(operation, Error::NotAligned))
        } else {
            Ok(())
        }
    }

    /// Counts an operation; tells whether the power fails in it.
    fn begin(&mut self, operation: Operation) -> Option<Cut> {
        if let Some(trace) = &mut self.trace {
            trace.push(operation);
        }
        match operation.kind {
            Kind::Read => {}
            Kind::Program => self.work.programs += 1,
            Kind::Erase => self.work.erases += 1,
        }
        self.power.spend()
    }

    /// Whether every unit of `bytes` at `offset` may be programmed.
    fn may_program(&self, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        self.map.pieces(offset, bytes).try_for_each(|(sector, start, piece)| {
            self.sectors[sector].may_program(start, piece, WRITE, self.erased).map_err(|error| {
                let base = small(self.map.start(sector));
                match error {
                    Error::Reprogrammed { at } => Error::Reprogrammed { at: base + at },
                    Error::WouldSetBits { at } => Error::WouldSetBits { at: base + at },
                    Error::HalfErased { at } => Error::HalfErased { at: base + at },
                    other => other,
                }
            })
        })
    }

    /// Programs whole units, over any number of sectors.
    fn program(&mut self, offset: usize, bytes: &[u8]) {
        for (sector, start, piece) in self.map.clone().pieces(offset, bytes) {
            Arc::make_mut(&mut self.sectors[sector]).program(start, piece, WRITE);
        }
        self.work.units += (bytes.len() / WRITE) as u64;
    }

    /// Programs the units before the tear, and tears the one at work.
    fn tear_program(&mut self, offset: usize, bytes: &[u8], mut tear: Tear) {
        let whole = tear.octet / WRITE * WRITE;
        self.program(offset, &bytes[..whole]);
        let (sector, start) = self.map.locate(offset + whole);
        let sector = Arc::make_mut(&mut self.sectors[sector]);
        sector.tear_unit(start, &bytes[whole..whole + WRITE], &mut tear);
        self.work.units += 1;
    }

    /// Erases one sector, or as much of it as the power lasts.
    fn erase_sector(&mut self, sector: usize) -> Result<(), Error> {
        let (start, len) = (self.map.start(sector), self.map.len(sector));
        let operation = Operation { kind: Kind::Erase, offset: small(start), len: small(len) };
        let cut = self.begin(operation);
        if cut != Some(Cut::Before) {
            self.wear[sector] = self.wear[sector].saturating_add(1);
            match cut.and_then(|cut| Tear::new(cut, len)) {
                Some(mut tear) => {
                    Arc::make_mut(&mut self.sectors[sector]).tear_erase(WRITE, self.erased, &mut tear);
                }
                None => self.sectors[sector] = self.blank(sector),
            }
        }
        cut.map_or(Ok(()), |_| Err(Error::PowerLost))
    }

    /// The sector as it is when erased.
    fn blank(&self, sector: usize) -> Arc<Sector> {
        Arc::new(Sector::erased(self.map.len(sector), WRITE, self.erased))
    }
}

impl<const WRITE: usize, const ERASE: usize> ErrorType for Nor<WRITE, ERASE> {
    type Error = Error;
}

impl<const WRITE: usize, const ERASE: usize> ReadNorFlash for Nor<WRITE, ERASE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        self.admit(Operation { kind: Kind::Read, offset, len: small(bytes.len()) }, 1)?;
        let (mut at, mut rest) = (offset as usize, bytes);
        while !rest.is_empty() {
            let (sector, start) = self.map.locate(at);
            let len = rest.len().min(self.map.len(sector) - start);
            let (piece, behind) = rest.split_at_mut(len);
            self.sectors[sector]
                .read(start, piece, WRITE, self.ecc, &mut self.noise)
                .map_err(|broken| Error::Unreadable { at: small(at - start + broken) })?;
            (at, rest) = (at + len, behind);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.map.start(self.sectors.len())
    }
}

impl<const WRITE: usize, const ERASE: usize> NorFlash for Nor<WRITE, ERASE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        // A range that ends before it starts is out of bounds; no device has this many octets.
        let len = to.checked_sub(from).unwrap_or(u32::MAX);
        let operation = Operation { kind: Kind::Erase, offset: from, len };
        self.admit(operation, 1)?;
        let (first, behind) = (from as usize, to as usize);
        if !self.map.is_border(first) || !self.map.is_border(behind) {
            return Err(self.refuse(operation, Error::NotAligned));
        }
        let sectors = self.map.locate(first).0..self.map.locate(behind).0;
        sectors.into_iter().try_for_each(|sector| self.erase_sector(sector))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        let operation = Operation { kind: Kind::Program, offset, len: small(bytes.len()) };
        self.admit(operation, WRITE)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let at = offset as usize;
        self.may_program(at, bytes).map_err(|error| self.refuse(operation, error))?;
        let cut = self.begin(operation);
        match cut.and_then(|cut| Tear::new(cut, bytes.len())) {
            Some(tear) => self.tear_program(at, bytes, tear),
            None if cut == Some(Cut::Before) => {}
            None => self.program(at, bytes),
        }
        cut.map_or(Ok(()), |_| Err(Error::PowerLost))
    }
}

/// An offset or length as the port's type. Those within the device fit, by the constructor; a longer one that a caller
/// asks for is out of bounds either way.
fn small(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}
