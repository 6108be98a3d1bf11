//! A list checked where it lies, in one pass, without a copy of it.
use super::crc::Crc;
use super::{AcquisitionRecord, PrlError, PrlFormat, PrlHeader, SystemRecord, read_subnet};
use crate::is683::fields::{Fields, Silent};
use crate::wire::{Error, ErrorKind, Reader};

/// Octets that no record is longer than: an extended acquisition record has 2 and up to 255, behind up to 7 bits of the one
/// before.
const LONGEST: usize = 258;

/// Octets of the window: twice that, so that it is moved along only once in several records.
const WINDOW: usize = 2 * LONGEST;

/// Octets of the check value.
const CRC: usize = 2;

/// Checks a list of `len` octets just as [`super::Prl::parse`] does. `read` gives octets from an offset on and says how many;
/// each octet is asked for once, front to back.
pub fn check_in_place(
    format: PrlFormat,
    len: usize,
    read: impl FnMut(usize, &mut [u8]) -> usize,
) -> Result<PrlHeader, PrlError> {
    let body = len.checked_sub(CRC).ok_or(PrlError::Length)?;
    let mut window =
        Window { read, body, octets: [0; WINDOW], start: 0, held: 0, bit: 0, crc: Crc::new(), broken: false };
    let mut size = [0; 2];
    window.fill();
    size.iter_mut().zip(&window.octets).for_each(|(to, from)| *to = *from);
    if usize::from(u16::from_be_bytes(size)) != len || window.broken {
        return Err(PrlError::Length);
    }
    let structure = window.list(format);
    // The check value decides first, as it does for a list that is parsed.
    let right = window.drain();
    if window.broken {
        return Err(PrlError::Length);
    }
    if !right {
        return Err(PrlError::Crc);
    }
    structure.map_err(PrlError::Structure)
}

/// The part of the list that is looked at.
struct Window<R> {
    read: R,
    /// Octets of the list before its check value.
    body: usize,
    octets: [u8; WINDOW],
    /// Offset of the first octet in the window.
    start: usize,
    /// Octets in the window.
    held: usize,
    /// The next bit to look at, from the start of the window.
    bit: usize,
    crc: Crc,
    /// The source gave fewer octets than there should be.
    broken: bool,
}

impl<R: FnMut(usize, &mut [u8]) -> usize> Window<R> {
    fn list(&mut self, format: PrlFormat) -> Result<PrlHeader, Error> {
        let header = self.next(|f| PrlHeader::read(format, f))?;
        for _ in 0..header.num_acq_recs {
            self.next(|f| AcquisitionRecord::read(format, f).map(drop))?;
        }
        let before = self.at_bit();
        for _ in 0..header.num_subnet_recs {
            self.next(|f| read_subnet(f).map(drop))?;
        }
        let subnet_octets = self.at_bit().saturating_sub(before) / 8;
        for _ in 0..header.num_sys_recs {
            self.next(|f| {
                let refuse = f.error(ErrorKind::BadValue);
                SystemRecord::read(format, f)?.check(header.num_acq_recs, subnet_octets).ok_or(refuse)
            })?;
        }
        let at = self.at_bit().div_ceil(8);
        if at == self.body { Ok(header) } else { Err(Error::new(ErrorKind::Trailing, at)) }
    }

    /// Reads one record with the reader that lists in RAM are read with.
    fn next<T>(
        &mut self,
        record: impl FnOnce(&mut Fields<'_, '_, Silent>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.held.saturating_sub(self.bit / 8) < LONGEST {
            self.fill();
        }
        let at = self.bit / 8;
        let octets = self.octets.get(at..self.held).unwrap_or_default();
        let mut silent = Silent;
        let mut fields = Fields::new(octets, self.start.saturating_add(at), &mut silent);
        fields.reserved(u32::try_from(self.bit & 7).unwrap_or(0))?;
        let before = fields.left();
        let read = record(&mut fields)?;
        self.bit = self.bit.saturating_add(before.saturating_sub(fields.left()));
        Ok(read)
    }

    /// The next bit, from the start of the list.
    fn at_bit(&self) -> usize {
        self.start.saturating_mul(8).saturating_add(self.bit)
    }

    /// Moves the window along, so that it begins with the next bit, and fills it.
    fn fill(&mut self) {
        let done = (self.bit / 8).min(self.held);
        for to in 0..self.held.saturating_sub(done) {
            let moved = self.octets.get(to.saturating_add(done)).copied().unwrap_or(0);
            if let Some(octet) = self.octets.get_mut(to) {
                *octet = moved;
            }
        }
        self.held = self.held.saturating_sub(done);
        self.start = self.start.saturating_add(done);
        self.bit &= 7;
        let at = self.start.saturating_add(self.held);
        let wanted = self.body.saturating_sub(at).min(WINDOW.saturating_sub(self.held));
        let free = self.octets.get_mut(self.held..).unwrap_or_default();
        let free = free.get_mut(..wanted).unwrap_or_default();
        self.broken |= (self.read)(at, free) != wanted;
        self.crc.add(free);
        self.held = self.held.saturating_add(wanted);
    }

    /// Reads what is left; whether the check value is right.
    fn drain(&mut self) -> bool {
        while self.start.saturating_add(self.held) < self.body && !self.broken {
            self.bit = self.held.saturating_mul(8);
            self.fill();
        }
        let mut crc = [0; CRC];
        self.broken |= (self.read)(self.body, &mut crc) != CRC;
        Reader::new(&crc).u16() == Ok(self.crc.value())
    }
}
