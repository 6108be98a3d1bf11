//! NOR flash: the rules of [`crate::flash`], one by one.
//!
//! The kit writes into the lent sectors only. Beyond them it reads, and it programs octets FF behind the end of the device,
//! which must be refused; a driver that wraps around there changes nothing by it on parts without error-correcting codes.

use super::finding::{Call, Evidence, Fault};
use super::{Checked, Report, make, pattern};
use crate::flash::{NorFlash, NorFlashError as _, Region};

/// The name of the port in findings.
const PORT: &str = "NOR flash";
/// Largest write unit: that of the update agent's journal.
const UNIT_MAX: u32 = 64;
/// Octets written or read at once: more than a common program page (256), so that one wraps if the driver lets it.
const PIECE: usize = 512;
/// Octets compared to find mirrored places: as many as no chance makes equal.
const MIRROR: usize = 16;
const ERASED: u8 = 0xFF;

/// Goes through all rules but those of [`nor_twice`] and [`nor_find`], in three sectors at the start of `lent`. They are
/// left erased. `seed` should be another one in each run, so that nothing left by the last one can pass for written now.
pub fn nor<F: NorFlash>(flash: &mut F, lent: Region, seed: u32, report: &mut impl Report) {
    let mut bench = match Bench::new(flash, lent, 3, seed) {
        Ok(bench) => bench,
        Err(fault) => return make(report, PORT, "geometry", Err(fault)),
    };
    make(report, PORT, "geometry", bench.bounds());
    make(report, PORT, "erasing", bench.erasing());
    make(report, PORT, "programming", bench.programming());
    make(report, PORT, "alignment", bench.alignment());
    make(report, PORT, "reading", bench.reading());
    make(report, PORT, "fresh reads", bench.fresh_reads());
    make(report, PORT, "size of the part", bench.size());
    make(report, PORT, "leaving", bench.erase(0, 3));
}

/// What the driver does about a unit that is programmed twice, in the first sector of `lent`, which is left erased. Kedge
/// never does that; but a driver that notices nothing notices a worn cell or a lost supply voltage just as little. Not for
/// parts where reading such a unit is a bus fault (error-correcting codes without a readable status).
pub fn nor_twice<F: NorFlash>(flash: &mut F, lent: Region, seed: u32, report: &mut impl Report) {
    match Bench::new(flash, lent, 1, seed) {
        Ok(mut bench) => make(report, PORT, "read-back", bench.twice()),
        Err(fault) => make(report, PORT, "geometry", Err(fault)),
    }
}

/// Leaves a sign in the first sector of `lent`. Cut the power, or restart the device, as soon as this has returned, and call
/// [`nor_find`] with the same `seed` after it.
pub fn nor_leave<F: NorFlash>(flash: &mut F, lent: Region, seed: u32, report: &mut impl Report) {
    match Bench::new(flash, lent, 1, seed) {
        Ok(mut bench) => make(report, PORT, "leaving a sign", bench.leave()),
        Err(fault) => make(report, PORT, "geometry", Err(fault)),
    }
}

/// Looks for the sign of [`nor_leave`]: what was written is still there, and what was erased is erased.
pub fn nor_find<F: NorFlash>(flash: &mut F, lent: Region, seed: u32, report: &mut impl Report) {
    match Bench::new(flash, lent, 1, seed) {
        Ok(mut bench) => make(report, PORT, "finding the sign", bench.find()),
        Err(fault) => make(report, PORT, "geometry", Err(fault)),
    }
}

/// A driver and the lent sectors.
struct Bench<'f, F> {
    flash: &'f mut F,
    start: u32,
    sector: u32,
    unit: u32,
    capacity: u32,
    seed: u32,
}

impl<'f, F: NorFlash> Bench<'f, F> {
    /// Refuses sizes that cannot be, and a lent region that does not do.
    fn new(flash: &'f mut F, lent: Region, sectors: u32, seed: u32) -> Result<Self, (Fault, Evidence)> {
        let [read, unit, erase] = [F::READ_SIZE, F::WRITE_SIZE, F::ERASE_SIZE].map(small);
        let powers = [read, unit, erase].iter().all(|size| size.is_power_of_two());
        if !powers || read > unit || unit > erase || unit > UNIT_MAX {
            let wrong = [read, unit, erase].into_iter().find(|size| !size.is_power_of_two()).unwrap_or(unit);
            return Err((Fault::UnitSizes, Evidence::Number(wrong.into())));
        }
        let capacity = small(flash.capacity());
        if capacity == 0 || capacity.checked_rem(erase) != Some(0) {
            return Err((Fault::Capacity, Evidence::Number(capacity.into())));
        }
        let sector = lent.sector_on::<F>();
        let whole = |octets: u32| octets.checked_rem(sector) == Some(0);
        let room = sector.checked_mul(sectors).is_some_and(|needed| lent.len >= needed);
        let inside = lent.start.checked_add(lent.len).is_some_and(|end| end <= capacity);
        if !sector.is_power_of_two() || sector < erase || !whole(lent.start) || !room || !inside {
            return Err((Fault::Lent, Evidence::Number(lent.len.into())));
        }
        Ok(Self { flash, start: lent.start, sector, unit, capacity, seed })
    }

    /// Nothing behind the end is read, programmed or erased.
    fn bounds(&mut self) -> Checked {
        let blank = [ERASED; UNIT_MAX as usize];
        let unit = blank.get(..usize::try_from(self.unit).unwrap_or_default()).unwrap_or_default();
        let last = self.capacity.saturating_sub(self.unit);
        self.read_piece(last, unit.len()).map(drop)?;
        let (end, len) = (self.capacity, self.unit);
        let mut buffer = [0; PIECE];
        let half = buffer.get_mut(..unit.len()).unwrap_or_default();
        let read = self.flash.read(end, half);
        refused(read, Call::Read { at: end, len }, super::Kind::OutOfBounds)?;
        let written = self.flash.write(end, unit);
        refused(written, Call::Write { at: end, len }, super::Kind::OutOfBounds)?;
        let (from, to) = (self.place(1), self.place(0));
        match self.flash.erase(from, to) {
            Ok(()) => Err((Fault::Accepted, Evidence::Call(Call::Erase { from, to }))),
            Err(_) => Ok(()),
        }
    }

    /// An erase takes its sector, all of it, and nothing else.
    fn erasing(&mut self) -> Checked {
        self.erase(0, 3)?;
        self.expect_erased(0, 3, Fault::ErasedLess)?;
        for sector in 0..3 {
            for place in self.marks() {
                self.program(self.place(sector).saturating_add(place), self.unit)?;
            }
        }
        self.erase(1, 2)?;
        self.expect_erased(1, 2, Fault::ErasedLess)?;
        let after = Call::Erase { from: self.place(1), to: self.place(2) };
        for sector in [0, 2] {
            for place in self.marks() {
                let at = self.place(sector).saturating_add(place);
                self.expect_written(at, self.unit, after, Fault::ErasedMore)?;
            }
        }
        self.erase(0, 1)?;
        self.expect_erased(0, 1, Fault::ErasedLess)
    }

    /// Offsets in a sector at which units are marked: both ends, and what lies before and behind each power of two.
    fn marks(&self) -> impl Iterator<Item = u32> + use<F> {
        let (unit, sector) = (self.unit, self.sector);
        let powers = || (0..u32::BITS).map(|bit| 1_u32 << bit);
        let behind = powers().filter(move |n| *n >= unit && *n < sector);
        // those before the first two powers are marked already
        let before = powers().filter(move |n| *n >= unit.saturating_mul(4) && *n <= sector);
        core::iter::once(0).chain(behind).chain(before.map(move |n| n.saturating_sub(unit)))
    }

    /// Units are programmed one by one in any order, and in long runs over pages and sectors; nothing beside them changes.
    fn programming(&mut self) -> Checked {
        self.erase(0, 3)?;
        let (unit, sector) = (self.unit, self.sector);
        let border = self.place(1);
        let units = |n: u32| unit.saturating_mul(n);
        // single units: forwards, with a gap, and then the one in the gap, whose neighbours are both programmed
        let singles = [0, 3, 5, 4].map(units).into_iter().filter(|at| *at < sector);
        let third = self.place(2);
        let singles = singles.map(|at| (third.saturating_add(at), unit));
        // a run that begins in the middle of a program page, and one that ends a sector and begins the next
        let long = small(PIECE).min(sector.saturating_sub(units(2)));
        let runs = [(self.place(0).saturating_add(unit), long), (border.saturating_sub(unit), units(2))];
        let plan = singles.chain(runs);
        let mut done: [(u32, u32); 6] = [(0, 0); 6];
        for (slot, (at, len)) in done.iter_mut().zip(plan) {
            self.program(at, len)?;
            *slot = (at, len);
        }
        let after = done.iter().rfind(|(_, len)| *len > 0).copied().unwrap_or_default();
        let after = Call::Write { at: after.0, len: after.1 };
        for (at, len) in done {
            self.expect_written(at, len, after, Fault::NotKept)?;
        }
        let seed = self.seed;
        let written = |at: u32| done.iter().any(|(start, len)| at.wrapping_sub(*start) < *len);
        let expected = |at: u32| if written(at) { pattern::octet(at.into(), seed) } else { ERASED };
        self.expect(self.place(0), sector.saturating_mul(3), expected, after, Fault::Spilled)
    }

    /// What is not whole units or sectors is refused, and changes nothing.
    fn alignment(&mut self) -> Checked {
        self.erase(0, 2)?;
        let (start, unit, sector) = (self.place(0), self.unit, self.sector);
        let zeros = [0; 2 * UNIT_MAX as usize];
        if unit > 1 {
            let short = unit.saturating_sub(1);
            let half = unit.checked_div(2).unwrap_or_default();
            for (at, len) in [
                (start.saturating_add(1), unit),
                (start, short),
                (start.saturating_add(half), unit),
                (start, unit.saturating_add(1)),
            ] {
                let octets = usize::try_from(len).ok().and_then(|len| zeros.get(..len)).unwrap_or_default();
                let written = self.flash.write(at, octets);
                refused(written, Call::Write { at, len }, super::Kind::NotAligned)?;
            }
        }
        // one octet, half a sector: neither the beginning nor the end of an erase may lie within a sector
        let half = sector.checked_div(2).unwrap_or_default();
        for inside in [1, half].into_iter().filter(|n| *n > 0 && *n < sector) {
            for (from, to) in [
                (start.saturating_add(inside), start.saturating_add(sector)),
                (start, start.saturating_add(inside)),
            ] {
                let erased = self.flash.erase(from, to);
                refused(erased, Call::Erase { from, to }, super::Kind::NotAligned)?;
            }
        }
        self.expect_erased(0, 2, Fault::Spilled)
    }

    /// Any part can be read, from any read unit on, over sectors too.
    fn reading(&mut self) -> Checked {
        self.erase(0, 2)?;
        let border = self.place(1);
        let around = self.unit.saturating_mul(2).max(UNIT_MAX).min(self.sector);
        let (first, len) = (border.saturating_sub(around), around.saturating_mul(2));
        self.write(first, len)?;
        let step = small(F::READ_SIZE);
        let lengths = [1, 2, 3, 7, 16].map(|n: u32| n.saturating_mul(step));
        let after = Call::Write { at: first, len };
        for read in lengths.into_iter().filter(|n| *n < len) {
            let places = [0, 1, 2, 3].map(|n: u32| n.saturating_mul(step));
            for from in
                places.map(|n| first.saturating_add(n)).into_iter().chain([border.saturating_sub(step)])
            {
                if from.saturating_add(read) <= first.saturating_add(len) {
                    self.expect_written(from, read, after, Fault::NotKept)?;
                }
            }
        }
        Ok(())
    }

    /// A read shows the last erase or program, also where the same place was read before it.
    fn fresh_reads(&mut self) -> Checked {
        let (at, len) = (self.place(0), self.unit.max(UNIT_MAX).min(self.sector));
        let whole = Call::Erase { from: at, to: self.place(1) };
        self.erase(0, 1)?;
        let mut before = ERASED_ROUND;
        for round in [Some(self.seed), None, Some(self.seed.wrapping_add(1)), None] {
            let after = if let Some(seed) = round {
                self.write_as(at, len, seed)?;
                Call::Write { at, len }
            } else {
                self.erase(0, 1)?;
                whole
            };
            let stale = |at: u32| content(at, before);
            // one octet, the unit, and more than that: caches differ in what they hold
            for len in [small(F::READ_SIZE), self.unit, len] {
                self.look(at, len, |at| content(at, round), after, Fault::NotKept).map_err(|found| {
                    match found {
                        (_, Evidence::Octet { at, read, .. }) if read == stale(at) => (Fault::Stale, found.1),
                        other => other,
                    }
                })?;
            }
            before = round;
        }
        Ok(())
    }

    /// The part is as large as the driver says: nothing written here shows elsewhere.
    fn size(&mut self) -> Checked {
        let (here, sector) = (self.place(0), self.sector);
        let len = small(MIRROR).max(self.unit).min(self.sector);
        self.erase(0, 1)?;
        self.write(here, len)?;
        let mut suspect = None;
        for distance in (0..u32::BITS).map(|bit| 1_u32 << bit).filter(move |n| *n >= sector) {
            for there in [here.checked_add(distance), here.checked_sub(distance)].into_iter().flatten() {
                let inside = there.checked_add(len).is_some_and(|end| end <= self.capacity);
                let lent = there >= here && there < self.place(3);
                if inside && !lent && self.shows(there, here, len)? {
                    suspect = suspect.or(Some(there));
                }
            }
        }
        // Only a mirror also changes with it.
        self.erase(0, 1)?;
        match suspect {
            Some(there) if !self.shows(there, here, len)? => {
                let (expected, read) = (ERASED, pattern::octet(here.into(), self.seed));
                let after = Call::Write { at: here, len };
                Err((Fault::Mirrored, Evidence::Octet { after, at: there, expected, read }))
            }
            _ => Ok(()),
        }
    }

    /// Whether `there` reads as what was programmed `here`.
    fn shows(&mut self, there: u32, here: u32, len: u32) -> Result<bool, (Fault, Evidence)> {
        let octets = self.read_piece(there, usize::try_from(len).unwrap_or_default())?;
        let seed = self.seed;
        let len = usize::try_from(len).unwrap_or_default();
        Ok(octets
            .iter()
            .take(len)
            .zip(u64::from(here)..)
            .all(|(octet, at)| *octet == pattern::octet(at, seed)))
    }

    /// A second program of a unit is refused, or at least does not pass for done.
    fn twice(&mut self) -> Checked {
        self.erase(0, 1)?;
        let (at, len) = (self.place(0), self.unit);
        self.write(at, len)?;
        let mut other = [0; UNIT_MAX as usize];
        pattern::fill(&mut other, at.into(), self.seed);
        // every bit the other way: some would have to be set
        for octet in &mut other {
            *octet = !*octet;
        }
        let other = usize::try_from(len).ok().and_then(|len| other.get(..len)).unwrap_or_default();
        let after = Call::Write { at, len };
        if self.flash.write(at, other).is_ok() {
            let read = self.read_piece(at, other.len())?;
            let wrong = read.iter().zip(other).zip(at..).find(|((read, wanted), _)| read != wanted);
            let ((read, wanted), at) = wrong.unwrap_or(((&ERASED, &ERASED), at));
            let fault = if wrong.is_some() { Fault::NoReadBack } else { Fault::ErasesInWrite };
            let evidence = Evidence::Octet { after, at, expected: *wanted, read: *read };
            let evidence = if wrong.is_some() { evidence } else { Evidence::Call(after) };
            return Err((fault, evidence));
        }
        self.erase(0, 1)
    }

    fn leave(&mut self) -> Checked {
        self.erase(0, 1)?;
        self.write(self.place(0), self.sign())
    }

    fn find(&mut self) -> Checked {
        let (at, len) = (self.place(0), self.sign());
        let after = Call::Write { at, len };
        self.expect_written(at, len, after, Fault::Forgotten)?;
        let behind = self.sector.saturating_sub(len);
        self.expect(at.saturating_add(len), behind, |_| ERASED, after, Fault::Forgotten)
    }

    /// Octets of the sign: half a sector, at most.
    fn sign(&self) -> u32 {
        self.sector.checked_div(2).unwrap_or_default().max(self.unit)
    }

    /// Offset of a lent sector.
    fn place(&self, sector: u32) -> u32 {
        self.start.saturating_add(self.sector.saturating_mul(sector))
    }

    /// Erases lent sectors.
    fn erase(&mut self, from: u32, to: u32) -> Checked {
        let (from, to) = (self.place(from), self.place(to));
        self.flash.erase(from, to).map_err(|error| {
            (Fault::Failed, Evidence::Refused(Call::Erase { from, to }, error.kind().into()))
        })
    }

    fn write(&mut self, at: u32, len: u32) -> Checked {
        self.write_as(at, len, self.seed)
    }

    /// Writes to a sector where other units were written before.
    fn program(&mut self, at: u32, len: u32) -> Checked {
        self.write(at, len).map_err(|(_, evidence)| (Fault::ProgramsMore, evidence))
    }

    /// Writes the octets of a round, at most a piece at once.
    fn write_as(&mut self, at: u32, len: u32, seed: u32) -> Checked {
        let mut buffer = [0; PIECE];
        for (at, len) in pieces(at, len) {
            let octets = usize::try_from(len).ok().and_then(|len| buffer.get_mut(..len)).unwrap_or_default();
            pattern::fill(octets, at.into(), seed);
            let written = self.flash.write(at, octets);
            written.map_err(|error| {
                (Fault::Failed, Evidence::Refused(Call::Write { at, len }, error.kind().into()))
            })?;
        }
        Ok(())
    }

    /// Reads at most a piece, in whole read units; what is behind `len` is 0.
    fn read_piece(&mut self, at: u32, len: usize) -> Result<[u8; PIECE], (Fault, Evidence)> {
        let mut buffer = [0; PIECE];
        let octets = buffer.get_mut(..len).unwrap_or_default();
        let read = self.flash.read(at, octets);
        let call = Call::Read { at, len: small(len) };
        read.map_err(|error| (Fault::Failed, Evidence::Refused(call, error.kind().into())))?;
        Ok(buffer)
    }

    fn expect_erased(&mut self, from: u32, to: u32, fault: Fault) -> Checked {
        let (from, to) = (self.place(from), self.place(to));
        let after = Call::Erase { from, to };
        self.expect(from, to.saturating_sub(from), |_| ERASED, after, fault)
    }

    fn expect_written(&mut self, at: u32, len: u32, after: Call, fault: Fault) -> Checked {
        let seed = self.seed;
        self.expect(at, len, |at| pattern::octet(at.into(), seed), after, fault)
    }

    fn expect(
        &mut self,
        at: u32,
        len: u32,
        expected: impl Fn(u32) -> u8,
        after: Call,
        fault: Fault,
    ) -> Checked {
        pieces(at, len).try_for_each(|(at, len)| self.look(at, len, &expected, after, fault))
    }

    /// Compares one piece.
    fn look(
        &mut self,
        at: u32,
        len: u32,
        expected: impl Fn(u32) -> u8,
        after: Call,
        fault: Fault,
    ) -> Checked {
        let len = usize::try_from(len).unwrap_or_default();
        let octets = self.read_piece(at, len)?;
        for (read, at) in octets.iter().take(len).zip(at..) {
            let expected = expected(at);
            if *read != expected {
                return Err((fault, Evidence::Octet { after, at, expected, read: *read }));
            }
        }
        Ok(())
    }
}

/// A round in which the place is erased.
const ERASED_ROUND: Option<u32> = None;

/// What `at` holds in a round.
const fn content(at: u32, round: Option<u32>) -> u8 {
    match round {
        Some(seed) => pattern::octet(at as u64, seed),
        None => ERASED,
    }
}

/// A range in pieces.
fn pieces(at: u32, len: u32) -> impl Iterator<Item = (u32, u32)> {
    let end = at.saturating_add(len);
    let starts = (at..end).step_by(PIECE);
    starts.map(move |start| (start, small(PIECE).min(end.saturating_sub(start))))
}

/// A call against the rules: refused, and by the error that says why.
fn refused<E: crate::flash::NorFlashError>(result: Result<(), E>, call: Call, must: super::Kind) -> Checked {
    match result {
        Ok(()) => Err((Fault::Accepted, Evidence::Call(call))),
        Err(error) if super::Kind::from(error.kind()) == must => Ok(()),
        Err(error) => Err((Fault::OtherError, Evidence::Refused(call, error.kind().into()))),
    }
}

fn small(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}
