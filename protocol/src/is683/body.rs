//! Which layout the PARAM_DATA of a block has: one table for checking what was downloaded and for showing any block.
use super::fields::{Fields, Silent, Trace};
use super::mms::MmsUris;
use super::nam::{CdmaAnalogNam, CdmaAnalogNamConfiguration, CdmaNam, CdmaNamConfiguration, ImsiT};
use super::packet_data::{
    HrpdProfile, MobileIpCapability, MobileIpProfile, OperationMode, SimpleIpCapability, SimpleIpProfile,
};
use super::prl::{PrlFormat, read_prl};
use super::sspr::{Dimensions, ExtendedDimensions, Segment};
use super::system_tag::{HomeTag, HomeTagConfiguration};
use super::validation::Spasm;
use super::{Mdn, MsgType, Spc};
use crate::wire::Error;

/// What is known of a block's layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Its fields were read and are legal.
    Layout,
    /// Its layout is not known, or only from memory: taken as octets.
    Opaque,
}

/// Checks PARAM_DATA, which lies at octet `at`, against the layout of its block.
pub(crate) fn check_body(msg_type: MsgType, id: u8, data: &[u8], at: usize) -> Result<Known, Error> {
    let mut silent = Silent;
    let mut fields = Fields::new(data, at, &mut silent);
    let known = read_body(msg_type, id, &mut fields)?;
    fields.finish()?;
    Ok(known)
}

/// Reads PARAM_DATA by the layout of its block. Blocks travel with their data in one direction only, so the message type
/// decides.
pub(crate) fn read_body<T: Trace>(
    msg_type: MsgType,
    id: u8,
    f: &mut Fields<'_, '_, T>,
) -> Result<Known, Error> {
    match (msg_type, id) {
        (MsgType::DOWNLOAD, 0) => CdmaAnalogNam::read(f).map(drop),
        (MsgType::CONFIGURATION, 0) => CdmaAnalogNamConfiguration::read(f).map(drop),
        (MsgType::DOWNLOAD | MsgType::CONFIGURATION, 1) => Mdn::read(f).map(drop),
        (MsgType::DOWNLOAD, 2) => CdmaNam::read(f).map(drop),
        (MsgType::CONFIGURATION, 2) => CdmaNamConfiguration::read(f).map(drop),
        (MsgType::DOWNLOAD | MsgType::CONFIGURATION, 3) => ImsiT::read(f).map(drop),
        (MsgType::VALIDATION, 0 | 1) => Spc::read(f).map(drop),
        (MsgType::VALIDATION, 2) => Spasm::read(f).map(drop),
        (MsgType::SSPR_CONFIGURATION, 0) => Dimensions::read(f).map(drop),
        (MsgType::SSPR_CONFIGURATION, 2) => ExtendedDimensions::read(f).map(drop),
        (MsgType::SSPR_CONFIGURATION, 1) => Segment::read(f).map(drop),
        (MsgType::SSPR_DOWNLOAD, 0) => read_segment(f, PrlFormat::Classic),
        (MsgType::SSPR_DOWNLOAD, 1) => read_segment(f, PrlFormat::Extended),
        (MsgType::PACKET_DATA_DOWNLOAD, 0) | (MsgType::PACKET_DATA_CONFIGURATION, 1) => {
            OperationMode::read(f).map(drop)
        }
        (MsgType::PACKET_DATA_CONFIGURATION, 2) => SimpleIpCapability::read(f).map(drop),
        (MsgType::PACKET_DATA_CONFIGURATION, 3) => MobileIpCapability::read(f).map(drop),
        (MsgType::PACKET_DATA_DOWNLOAD, 1) | (MsgType::PACKET_DATA_CONFIGURATION, 4) => {
            SimpleIpProfile::read(f).map(drop)
        }
        (MsgType::PACKET_DATA_DOWNLOAD, 2) | (MsgType::PACKET_DATA_CONFIGURATION, 5) => {
            MobileIpProfile::read(f).map(drop)
        }
        (MsgType::PACKET_DATA_DOWNLOAD, 11) | (MsgType::PACKET_DATA_CONFIGURATION, 12) => {
            HrpdProfile::read(f).map(drop)
        }
        (MsgType::MMS_DOWNLOAD | MsgType::MMS_CONFIGURATION, 0) => MmsUris::read(f).map(drop),
        (MsgType::SYSTEM_TAG_DOWNLOAD, 0) => HomeTag::read(f).map(drop),
        (MsgType::SYSTEM_TAG_CONFIGURATION, 0) => HomeTagConfiguration::read(f).map(drop),
        // Shared secrets, whose layout is known from memory only.
        (MsgType::PACKET_DATA_DOWNLOAD, 8..=10 | 12) | (MsgType::PACKET_DATA_CONFIGURATION, 8..=10 | 13) => {
            let octets = f.left() / 8;
            f.secret("PARAM_DATA", octets)?;
            return Ok(Known::Opaque);
        }
        _ => return read_opaque(f),
    }?;
    Ok(Known::Layout)
}

/// Reads a segment; one that holds a whole list is looked into when the reading is watched.
fn read_segment<T: Trace>(f: &mut Fields<'_, '_, T>, format: PrlFormat) -> Result<(), Error> {
    let segment = Segment::read(f)?;
    if T::ON && segment.last && segment.offset == 0 {
        let at = f.at().saturating_sub(segment.data.len());
        read_prl(format, segment.data, &mut f.within(segment.data, at))?;
    }
    Ok(())
}

/// Reads everything that is left as octets.
pub(crate) fn read_opaque<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Known, Error> {
    let octets = f.left() / 8;
    f.octets("PARAM_DATA", octets)?;
    Ok(Known::Opaque)
}
