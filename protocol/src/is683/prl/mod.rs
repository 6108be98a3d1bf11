//! Preferred roaming lists (C.S0016 §3.5.5): which systems a phone looks for, in which order.
//!
//! [`Prl::parse`] checks length, check value and the whole structure once; the records are then read by iterators that
//! keep nothing in memory. [`check_in_place`] checks the same of a list that is not in RAM; [`Draft`] makes lists.
//!
//! ```text
//! classic   SIZE ID | PREF_ONLY DEF_ROAM_IND NUM_ACQ NUM_SYS | acquisition.. | system.. | padding | CRC
//! extended  SIZE ID P_REV | PREF_ONLY DEF_ROAM_IND NUM_ACQ NUM_SUBNET NUM_SYS | acquisition.. | subnet.. | system.. | CRC
//! ```
//! In a classic list records are bit-packed without lengths, so an unknown record type makes the rest unreadable and the
//! list is refused; in an extended list unknown types are skipped by their length.

mod acquisition;
mod crc;
mod draft;
mod scan;
mod subnet;
mod system;
#[cfg(test)]
mod tests;

pub use acquisition::{AcqBody, AcqType, AcquisitionRecord, Numbers};
pub use crc::crc16;
pub use draft::Draft;
pub use scan::check_in_place;
pub use subnet::{BitString, Entries, Entry};
pub use system::{Association, SystemId, SystemRecord};

use super::PrlId;
use super::fields::{Cursor, Fields, Show, Silent, Trace, read_again};
use crate::wire::{Error, ErrorKind};

/// Which of the two list formats; also decides the download block id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrlFormat {
    /// SSPR_P_REV 1.
    Classic,
    /// SSPR_P_REV 3.
    Extended,
}

/// What a list says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrlHeader {
    /// Format.
    pub format: PrlFormat,
    /// PR_LIST_SIZE: octets of the whole list.
    pub size: u16,
    /// PR_LIST_ID.
    pub id: PrlId,
    /// PREF_ONLY: use no other systems.
    pub pref_only: bool,
    /// DEF_ROAM_IND: what to display on systems that are not listed.
    pub def_roam_ind: u8,
    /// Acquisition records.
    pub num_acq_recs: u16,
    /// Common subnet records; 0 in a classic list.
    pub num_subnet_recs: u16,
    /// System records.
    pub num_sys_recs: u16,
}

/// A list whose length, check value and structure are right.
#[derive(Clone, Copy, Debug)]
pub struct Prl<'a> {
    header: PrlHeader,
    acquisition: Cursor<'a>,
    subnet: Cursor<'a>,
    system: Cursor<'a>,
}

/// Why a list is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrlError {
    /// PR_LIST_SIZE is not the number of octets there are.
    Length,
    /// The check value is wrong.
    Crc,
    /// A record is wrong or points outside its table.
    Structure(Error),
}

impl core::fmt::Display for PrlError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length => f.write_str("list length wrong"),
            Self::Crc => f.write_str("list check value wrong"),
            Self::Structure(e) => write!(f, "list structure: {e}"),
        }
    }
}

impl core::error::Error for PrlError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Structure(e) => Some(e),
            _ => None,
        }
    }
}

impl<'a> Prl<'a> {
    /// Checks a whole list, CRC included.
    pub fn parse(format: PrlFormat, bytes: &'a [u8]) -> Result<Self, PrlError> {
        let size = bytes.first_chunk::<2>().map(|size| u16::from_be_bytes(*size)).ok_or(PrlError::Length)?;
        if usize::from(size) != bytes.len() {
            return Err(PrlError::Length);
        }
        let (body, crc) = bytes.split_last_chunk::<2>().ok_or(PrlError::Length)?;
        if crc16(body) != u16::from_be_bytes(*crc) {
            return Err(PrlError::Crc);
        }
        let mut silent = Silent;
        read_prl(format, bytes, &mut Fields::new(bytes, 0, &mut silent)).map_err(PrlError::Structure)
    }

    /// What the list says of itself.
    pub const fn header(&self) -> PrlHeader {
        self.header
    }

    /// Where to look: the acquisition table.
    pub fn acquisitions(&self) -> impl Iterator<Item = AcquisitionRecord<'a>> + use<'a> {
        let format = self.header.format;
        read_again(self.acquisition, self.header.num_acq_recs, move |f| AcquisitionRecord::read(format, f))
    }

    /// The common parts of subnet addresses; empty in a classic list.
    pub fn subnets(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        read_again(self.subnet, self.header.num_subnet_recs, read_subnet)
    }

    /// What to use: the system table.
    pub fn systems(&self) -> impl Iterator<Item = SystemRecord<'a>> + use<'a> {
        let format = self.header.format;
        read_again(self.system, self.header.num_sys_recs, move |f| SystemRecord::read(format, f))
    }
}

/// Reads a whole list; the check value is shown, not judged.
pub(crate) fn read_prl<'a, T: Trace>(
    format: PrlFormat,
    bytes: &'a [u8],
    f: &mut Fields<'a, '_, T>,
) -> Result<Prl<'a>, Error> {
    let header = PrlHeader::read(format, f)?;
    let acquisition = f.cursor();
    for _ in 0..header.num_acq_recs {
        AcquisitionRecord::read(format, f)?;
    }
    let (subnet, subnet_bits) = (f.cursor(), f.left());
    for _ in 0..header.num_subnet_recs {
        read_subnet(f)?;
    }
    let subnet_octets = subnet_bits.saturating_sub(f.left()) / 8;
    let system = f.cursor();
    for _ in 0..header.num_sys_recs {
        let refuse = f.error(ErrorKind::BadValue);
        SystemRecord::read(format, f)?.check(header.num_acq_recs, subnet_octets).ok_or(refuse)?;
    }
    let padding = u32::try_from(f.left() & 7).unwrap_or(0);
    f.reserved(padding)?;
    let right = bytes.split_last_chunk::<2>().map(|(body, _)| u64::from(crc16(body)));
    f.take("PR_LIST_CRC", 16, |crc| Show::Text(Some(if Some(crc) == right { "right" } else { "wrong" })))?;
    if f.left() == 0 {
        Ok(Prl { header, acquisition, subnet, system })
    } else {
        Err(f.error(ErrorKind::Trailing))
    }
}

impl PrlHeader {
    fn read<T: Trace>(format: PrlFormat, f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let size = f.u16("PR_LIST_SIZE", 16)?;
        let id = PrlId(f.u16("PR_LIST_ID", 16)?);
        if format == PrlFormat::Extended {
            let refuse = f.error(ErrorKind::Unsupported);
            if f.u8("CUR_SSPR_P_REV", 8)? != 3 {
                return Err(refuse);
            }
        }
        let pref_only = f.flag("PREF_ONLY")?;
        let def_roam_ind = f.u8("DEF_ROAM_IND", 8)?;
        let num_acq_recs = f.u16("NUM_ACQ_RECS", 9)?;
        let num_subnet_recs =
            if format == PrlFormat::Extended { f.u16("NUM_COMMON_SUBNET_RECS", 9)? } else { 0 };
        let num_sys_recs = f.u16("NUM_SYS_RECS", 14)?;
        if format == PrlFormat::Extended {
            f.reserved(7)?;
        }
        Ok(Self { format, size, id, pref_only, def_roam_ind, num_acq_recs, num_subnet_recs, num_sys_recs })
    }
}

fn read_subnet<'a, T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<&'a [u8], Error> {
    f.reserved(4)?;
    let octets = f.u8("SUBNET_COMMON_LENGTH", 4)?;
    f.shown_slice("SUBNET_COMMON", usize::from(octets))
}
