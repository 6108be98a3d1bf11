//! SSPR blocks (C.S0016 §3.5.3): dimensions of the stored roaming list, and its segments.
use super::PrlId;
use super::fields::{Fields, Sink, Trace, block_codec};
use crate::wire::{Error, ErrorKind};

/// Octets of list data in one segment: BLOCK_LEN 255 minus the four octets before the data.
pub const MAX_SEGMENT: usize = 251;

/// Configuration block 0: PRL Dimensions, for a handset that stores a classic list or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// Largest list in octets.
    pub max_pr_list_size: u16,
    /// Stored list in octets; 0 means there is none.
    pub cur_pr_list_size: u16,
    /// Which list is stored.
    pub pr_list_id: PrlId,
    /// Acquisition records, 9 bits.
    pub num_acq_recs: u16,
    /// System records, 14 bits.
    pub num_sys_recs: u16,
}

/// Configuration block 2: Extended PRL Dimensions, for a list of either format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedDimensions {
    /// Largest list in octets.
    pub max_pr_list_size: u16,
    /// Stored list in octets; 0 means there is none.
    pub cur_pr_list_size: u16,
    /// Which list is stored.
    pub pr_list_id: PrlId,
    /// Records by format.
    pub records: Records,
}

/// CUR_SSPR_P_REV with the record counts that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Revision 1: classic list.
    Classic {
        /// Acquisition records, 9 bits.
        acquisition: u16,
        /// System records, 14 bits.
        system: u16,
    },
    /// Revision 3: extended list.
    Extended {
        /// Acquisition records, 9 bits.
        acquisition: u16,
        /// Common subnet records, 9 bits.
        subnet: u16,
        /// System records, 14 bits.
        system: u16,
    },
}

/// A segment of a roaming list: configuration block 1, download blocks 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Whether the list ends with this segment.
    pub last: bool,
    /// Octets of the list before this segment.
    pub offset: u16,
    /// The octets, at most [`MAX_SEGMENT`].
    pub data: &'a [u8],
}

block_codec!(Dimensions);
block_codec!(ExtendedDimensions);
block_codec!(Segment<'a>);

impl Dimensions {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let (max_pr_list_size, cur_pr_list_size, pr_list_id) = read_sizes(f)?;
        f.reserved(1)?;
        let num_acq_recs = f.u16("NUM_ACQ_RECS", 9)?;
        let num_sys_recs = f.u16("NUM_SYS_RECS", 14)?;
        Ok(Self { max_pr_list_size, cur_pr_list_size, pr_list_id, num_acq_recs, num_sys_recs })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        write_sizes(s, self.max_pr_list_size, self.cur_pr_list_size, self.pr_list_id)?;
        s.put(0, 1)?;
        s.put(u64::from(self.num_acq_recs), 9)?;
        s.put(u64::from(self.num_sys_recs), 14)
    }
}

impl ExtendedDimensions {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let (max_pr_list_size, cur_pr_list_size, pr_list_id) = read_sizes(f)?;
        let refuse = f.error(ErrorKind::Unsupported);
        let records = match f.u8("CUR_SSPR_P_REV", 8)? {
            1 => {
                f.reserved(1)?;
                let acquisition = f.u16("NUM_ACQ_RECS", 9)?;
                Records::Classic { acquisition, system: f.u16("NUM_SYS_RECS", 14)? }
            }
            3 => {
                let acquisition = f.u16("NUM_ACQ_RECS", 9)?;
                let subnet = f.u16("NUM_COMMON_SUBNET_RECS", 9)?;
                Records::Extended { acquisition, subnet, system: f.u16("NUM_SYS_RECS", 14)? }
            }
            _ => return Err(refuse),
        };
        Ok(Self { max_pr_list_size, cur_pr_list_size, pr_list_id, records })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        write_sizes(s, self.max_pr_list_size, self.cur_pr_list_size, self.pr_list_id)?;
        match self.records {
            Records::Classic { acquisition, system } => {
                s.put(1, 8)?;
                s.put(0, 1)?;
                s.put(u64::from(acquisition), 9)?;
                s.put(u64::from(system), 14)
            }
            Records::Extended { acquisition, subnet, system } => {
                s.put(3, 8)?;
                s.put(u64::from(acquisition), 9)?;
                s.put(u64::from(subnet), 9)?;
                s.put(u64::from(system), 14)
            }
        }
    }
}

impl<'a> Segment<'a> {
    /// Octets of the list up to and including this segment.
    pub fn end(&self) -> usize {
        usize::from(self.offset).saturating_add(self.data.len())
    }

    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        f.reserved(7)?;
        let last = f.flag("LAST_SEGMENT")?;
        let offset = f.u16("SEGMENT_OFFSET", 16)?;
        let size = f.u8("SEGMENT_SIZE", 8)?;
        let data = f.shown_slice("SEGMENT_DATA", usize::from(size))?;
        Ok(Self { last, offset, data })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        if self.data.len() > MAX_SEGMENT {
            return Err(s.refuse(ErrorKind::LimitExceeded));
        }
        s.put(u64::from(self.last), 8)?;
        s.put(u64::from(self.offset), 16)?;
        s.counted(self.data)
    }
}

fn read_sizes<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<(u16, u16, PrlId), Error> {
    let max = f.u16("MAX_PR_LIST_SIZE", 16)?;
    let cur = f.u16("CUR_PR_LIST_SIZE", 16)?;
    let id = f.u16("PR_LIST_ID", 16)?;
    Ok((max, cur, PrlId(id)))
}

fn write_sizes(s: &mut impl Sink, max: u16, cur: u16, id: PrlId) -> Result<(), Error> {
    s.put(u64::from(max), 16)?;
    s.put(u64::from(cur), 16)?;
    s.put(u64::from(id.0), 16)
}
