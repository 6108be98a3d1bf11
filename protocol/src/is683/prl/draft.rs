//! Roaming lists being made: for test lists and for networks.
use super::crc::crc16;
use super::{AcquisitionRecord, PrlFormat, SystemRecord};
use crate::is683::PrlId;
use crate::is683::fields::{Sink, measure_bits};
use crate::wire::{BitWriter, Error, ErrorKind};

/// A roaming list as values. [`super::Prl::parse`] reads what [`Draft::emit`] writes, provided that every index lies in its
/// table; the size, the counts and the check value are made here. A NID of 0 or 65535 is written in its short form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft<'a> {
    /// Format.
    pub format: PrlFormat,
    /// PR_LIST_ID.
    pub id: PrlId,
    /// PREF_ONLY.
    pub pref_only: bool,
    /// DEF_ROAM_IND.
    pub def_roam_ind: u8,
    /// The acquisition table.
    pub acquisitions: &'a [AcquisitionRecord<'a>],
    /// The common subnet table: at most 15 octets each. Extended lists only.
    pub subnets: &'a [&'a [u8]],
    /// The system table.
    pub systems: &'a [SystemRecord<'a>],
}

/// Octets of the check value.
const CRC: usize = 2;

impl Draft<'_> {
    /// Octets of the list; 0 for a list that [`Self::emit`] refuses.
    pub fn buffer_len(&self) -> usize {
        measure_bits(|counter| self.write(0, counter)).map_or(0, |bits| bits.div_ceil(8).saturating_add(CRC))
    }

    /// Writes the list and returns it; refuses records that the format does not have (`Unsupported`), values that their field
    /// cannot hold (`BadValue`), and a list of more than 65,535 octets or too many records (`LimitExceeded`).
    pub fn emit<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let body = measure_bits(|counter| self.write(0, counter))?.div_ceil(8);
        let len = body.saturating_add(CRC);
        let size = u16::try_from(len).map_err(|_| Error::new(ErrorKind::LimitExceeded, 0))?;
        let no_room = Error::new(ErrorKind::NoRoom, out.len());
        let (octets, behind) = out.split_at_mut_checked(body).ok_or(no_room)?;
        let mut bits = BitWriter::new(octets);
        self.write(size.into(), &mut bits)?;
        let crc = crc16(bits.finish()?);
        *behind.first_chunk_mut::<CRC>().ok_or(no_room)? = crc.to_be_bytes();
        out.get(..len).ok_or(no_room)
    }

    fn write<S: Sink>(&self, size: u64, sink: &mut S) -> Result<(), Error> {
        let extended = self.format == PrlFormat::Extended;
        if !extended && !self.subnets.is_empty() {
            return Err(sink.refuse(ErrorKind::Unsupported));
        }
        sink.put(size, 16)?;
        sink.put(self.id.0.into(), 16)?;
        if extended {
            sink.put(3, 8)?;
        }
        sink.put(self.pref_only.into(), 1)?;
        sink.put(self.def_roam_ind.into(), 8)?;
        count(self.acquisitions.len(), 9, sink)?;
        if extended {
            count(self.subnets.len(), 9, sink)?;
        }
        count(self.systems.len(), 14, sink)?;
        if extended {
            sink.put(0, 7)?;
        }
        self.acquisitions.iter().try_for_each(|record| record.write(self.format, sink))?;
        for subnet in self.subnets {
            sink.put(0, 4)?;
            count(subnet.len(), 4, sink)?;
            sink.octets(subnet.iter().copied())?;
        }
        self.systems.iter().try_for_each(|record| record.write(self.format, sink))
    }
}

fn count<S: Sink>(n: usize, width: u32, sink: &mut S) -> Result<(), Error> {
    sink.put(n as u64, width).map_err(|e| match e.kind {
        ErrorKind::BadValue => Error::new(ErrorKind::LimitExceeded, e.at),
        _ => e,
    })
}
