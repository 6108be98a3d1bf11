//! System records: which systems to use, in which order, and what to display on them.
use super::PrlFormat;
use super::subnet::{BitString, Entries};
use crate::is683::fields::{Fields, Show, Sink, Trace, measure_bits};
use crate::is683::{Nid, Sid};
use crate::wire::{Error, ErrorKind};

/// One system record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemRecord<'a> {
    /// Which system.
    pub id: SystemId<'a>,
    /// PREF_NEG: allowed (`true`) or forbidden.
    pub preferred: bool,
    /// GEO: same area as the record before.
    pub same_area: bool,
    /// PRI: more desirable than the record behind.
    pub more_desirable: bool,
    /// Which acquisition record finds it.
    pub acq_index: u16,
    /// ROAM_IND, of allowed systems.
    pub roam_ind: Option<u8>,
    /// Which records belong together (extended list).
    pub association: Option<Association>,
}

/// Which system a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemId<'a> {
    /// cdma2000 1x: SID, and NID ([`Nid::ANY`] when the record names none).
    Cdma(Sid, Nid),
    /// HRPD: the subnet's low bits, and the offset of its common part in the subnet table.
    Hrpd {
        /// SUBNET_LSB; none: any subnet.
        lsb: BitString<'a>,
        /// SUBNET_COMMON_OFFSET.
        common_offset: Option<u16>,
    },
    /// By country and network code, in BCD.
    MccMnc {
        /// SUBTYPE.
        subtype: u8,
        /// Three digits.
        mcc: u16,
        /// Two digits and F, or three.
        mnc: u16,
        /// The systems of that network that are meant; none: all of them.
        entries: Entries<'a>,
    },
    /// Another SYS_RECORD_TYPE (obsolete or newer): the whole record as octets.
    Other(u8, &'a [u8]),
}

/// ASSOCIATION_TAG and what it joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Association {
    /// The tag.
    pub tag: u8,
    /// PN_ASSOCIATION.
    pub pn: bool,
    /// DATA_ASSOCIATION.
    pub data: bool,
}

impl<'a> SystemRecord<'a> {
    pub(super) fn read<T: Trace>(format: PrlFormat, f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        match format {
            PrlFormat::Classic => Self::read_classic(f),
            PrlFormat::Extended => Self::read_extended(f),
        }
    }

    /// Whether every index lies in its table: acquisition records, octets of the common subnet table.
    pub(super) fn check(&self, acquisitions: u16, subnet_octets: usize) -> Option<()> {
        let subnet = match self.id {
            SystemId::Hrpd { common_offset: Some(offset), .. } => usize::from(offset) < subnet_octets,
            _ => true,
        };
        // A record of an unknown type has no fields to judge.
        let unknown = matches!(self.id, SystemId::Other(..));
        (unknown || subnet && self.acq_index < acquisitions).then_some(())
    }

    fn read_classic<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let sid = Sid::masked(f.u16("SID", 15)?);
        let incl = read_nid_incl(f)?;
        let nid = read_nid(f, incl)?;
        let preferred = f.flag("PREF_NEG")?;
        let same_area = f.flag("GEO")?;
        let more_desirable = preferred && f.flag("PRI")?;
        let acq_index = f.u16("ACQ_INDEX", 9)?;
        let roam_ind = if preferred { Some(f.u8("ROAM_IND", 8)?) } else { None };
        let id = SystemId::Cdma(sid, nid);
        Ok(Self { id, preferred, same_area, more_desirable, acq_index, roam_ind, association: None })
    }

    fn read_extended<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let (at, short) = (f.at(), f.error(ErrorKind::BadLength));
        // The length is the record's own first field, so it is looked at before the record is cut out.
        let length = usize::from(f.peek_octet().ok_or(f.error(ErrorKind::Truncated))? >> 3);
        let octets = f.slice(length)?;
        let mut f = f.within(octets, at);
        f.u8("SYS_RECORD_LENGTH", 5).map_err(|_| short)?;
        let kind = f.u8("SYS_RECORD_TYPE", 4)?;
        let preferred = f.flag("PREF_NEG")?;
        let same_area = f.flag("GEO")?;
        let more_desirable = f.flag("PRI")?;
        let acq_index = f.u16("ACQ_INDEX", 9)?;
        let id = match kind {
            0 => read_cdma(&mut f)?,
            1 => read_hrpd(&mut f)?,
            3 => read_mcc_mnc(&mut f)?,
            _ => {
                let id = SystemId::Other(kind, octets);
                return Ok(Self {
                    id,
                    preferred,
                    same_area,
                    more_desirable,
                    acq_index,
                    roam_ind: None,
                    association: None,
                });
            }
        };
        let roam_ind = if preferred { Some(f.u8("ROAM_IND", 8)?) } else { None };
        let association = if f.flag("ASSOCIATION_INC")? {
            Some(Association {
                tag: f.u8("ASSOCIATION_TAG", 8)?,
                pn: f.flag("PN_ASSOCIATION")?,
                data: f.flag("DATA_ASSOCIATION")?,
            })
        } else {
            None
        };
        Ok(Self { id, preferred, same_area, more_desirable, acq_index, roam_ind, association })
    }
}

/// NID_INCL: 0 any network, 1 the NID follows, 2 network 0; 3 is reserved, and what would follow it is not known.
fn read_nid_incl<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<u8, Error> {
    let refuse = f.error(ErrorKind::BadValue);
    f.u8("NID_INCL", 2).and_then(|incl| if incl == 3 { Err(refuse) } else { Ok(incl) })
}

fn read_nid<T: Trace>(f: &mut Fields<'_, '_, T>, incl: u8) -> Result<Nid, Error> {
    match incl {
        0 => Ok(Nid::ANY),
        1 => f.u16("NID", 16).map(Nid),
        _ => Ok(Nid(0)),
    }
}

fn read_cdma<'a, T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<SystemId<'a>, Error> {
    f.reserved(1)?;
    let incl = read_nid_incl(f)?;
    let sid = Sid::masked(f.u16("SID", 15)?);
    Ok(SystemId::Cdma(sid, read_nid(f, incl)?))
}

fn read_hrpd<'a, T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<SystemId<'a>, Error> {
    f.reserved(3)?;
    let common = f.flag("SUBNET_COMMON_INCLUDED")?;
    let length = f.u8("SUBNET_LSB_LENGTH", 7)?;
    let lsb = BitString::read(f, "SUBNET_LSB", length)?;
    let common_offset = if common { Some(f.u16("SUBNET_COMMON_OFFSET", 12)?) } else { None };
    Ok(SystemId::Hrpd { lsb, common_offset })
}

fn read_mcc_mnc<'a, T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<SystemId<'a>, Error> {
    let subtype = f.u8("SYS_RECORD_SUBTYPE", 3)?;
    let bcd = |v: u64| u16::try_from(v).unwrap_or(u16::MAX);
    let mcc = f.take("MCC", 12, |_| Show::Hex).map(bcd)?;
    let mnc = f.take("MNC", 12, |_| Show::Hex).map(bcd)?;
    let entries = Entries::read(f, subtype)?;
    Ok(SystemId::MccMnc { subtype, mcc, mnc, entries })
}

impl SystemRecord<'_> {
    pub(super) fn write<S: Sink>(&self, format: PrlFormat, sink: &mut S) -> Result<(), Error> {
        match (format, self.id) {
            (PrlFormat::Classic, SystemId::Cdma(sid, nid)) => self.write_classic(sid, nid, sink),
            (PrlFormat::Classic, _) => Err(sink.refuse(ErrorKind::Unsupported)),
            (PrlFormat::Extended, SystemId::Other(_, octets)) => sink.octets(octets.iter().copied()),
            (PrlFormat::Extended, _) => {
                let bits = measure_bits(|counter| self.write_extended(0, counter))?;
                let octets = bits.div_ceil(8);
                self.write_extended(octets as u64, sink)?;
                let padding = octets.saturating_mul(8).saturating_sub(bits);
                (0..padding).try_for_each(|_| sink.put(0, 1))
            }
        }
    }

    fn write_classic<S: Sink>(&self, sid: Sid, nid: Nid, sink: &mut S) -> Result<(), Error> {
        sink.put(sid.get().into(), 15)?;
        write_nid(nid, sink)?;
        sink.put(self.preferred.into(), 1)?;
        sink.put(self.same_area.into(), 1)?;
        if self.preferred {
            sink.put(self.more_desirable.into(), 1)?;
        } else if self.more_desirable {
            // A forbidden system of a classic list has no place for it.
            return Err(sink.refuse(ErrorKind::BadValue));
        }
        sink.put(self.acq_index.into(), 9)?;
        self.write_roam_ind(sink)
    }

    /// ROAM_IND stands in allowed systems, and only there.
    fn write_roam_ind<S: Sink>(&self, sink: &mut S) -> Result<(), Error> {
        match (self.preferred, self.roam_ind) {
            (true, Some(roam_ind)) => sink.put(roam_ind.into(), 8),
            (false, None) => Ok(()),
            _ => Err(sink.refuse(ErrorKind::BadValue)),
        }
    }

    fn write_extended<S: Sink>(&self, octets: u64, sink: &mut S) -> Result<(), Error> {
        let kind = match self.id {
            SystemId::Cdma(..) => 0,
            SystemId::Hrpd { .. } => 1,
            SystemId::MccMnc { .. } => 3,
            SystemId::Other(..) => return Err(sink.refuse(ErrorKind::Unsupported)),
        };
        sink.put(octets, 5)?;
        sink.put(kind, 4)?;
        for flag in [self.preferred, self.same_area, self.more_desirable] {
            sink.put(flag.into(), 1)?;
        }
        sink.put(self.acq_index.into(), 9)?;
        match self.id {
            SystemId::Cdma(sid, nid) => {
                sink.put(0, 1)?;
                write_extended_nid(sid, nid, sink)?;
            }
            SystemId::Hrpd { lsb, common_offset } => {
                sink.put(0, 3)?;
                sink.put(common_offset.is_some().into(), 1)?;
                sink.put(lsb.len().into(), 7)?;
                lsb.write(sink)?;
                if let Some(offset) = common_offset {
                    sink.put(offset.into(), 12)?;
                }
            }
            SystemId::MccMnc { subtype, mcc, mnc, entries } => {
                sink.put(subtype.into(), 3)?;
                sink.put(mcc.into(), 12)?;
                sink.put(mnc.into(), 12)?;
                entries.write(subtype, sink)?;
            }
            SystemId::Other(..) => {}
        }
        self.write_roam_ind(sink)?;
        sink.put(self.association.is_some().into(), 1)?;
        if let Some(association) = self.association {
            sink.put(association.tag.into(), 8)?;
            sink.put(association.pn.into(), 1)?;
            sink.put(association.data.into(), 1)?;
        }
        Ok(())
    }
}

/// NID_INCL, and the NID if that does not say it.
fn write_nid<S: Sink>(nid: Nid, sink: &mut S) -> Result<(), Error> {
    sink.put(nid_incl(nid), 2)?;
    write_nid_value(nid, sink)
}

/// The same in an extended list, where the SID stands in between.
fn write_extended_nid<S: Sink>(sid: Sid, nid: Nid, sink: &mut S) -> Result<(), Error> {
    sink.put(nid_incl(nid), 2)?;
    sink.put(sid.get().into(), 15)?;
    write_nid_value(nid, sink)
}

const fn nid_incl(nid: Nid) -> u64 {
    match nid {
        Nid::ANY => 0,
        Nid(0) => 2,
        _ => 1,
    }
}

fn write_nid_value<S: Sink>(nid: Nid, sink: &mut S) -> Result<(), Error> {
    if nid_incl(nid) == 1 { sink.put(nid.0.into(), 16) } else { Ok(()) }
}
