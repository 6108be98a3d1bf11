//! Whether a downloaded block may be staged: its layout, and the limits of this device.
use super::assembly::Assembly;
use super::phone::{Capability, PacketDataCapability, Shelf};
use super::refusal_of;
use crate::is683::body::{Known, check_body};
use crate::is683::mms::MmsUris;
use crate::is683::nam::{CdmaAnalogNam, CdmaNam, MAX_PAIRS, Pairs};
use crate::is683::packet_data::{MobileIpProfile, SimpleIpProfile};
use crate::is683::prl::PrlFormat;
use crate::is683::sspr::Segment;
use crate::is683::system_tag::HomeTag;
use crate::is683::{
    Block, Family, MmssBlockId, MsgType, NamBlockId, PacketDataDownloadBlockId, PuzlDownloadBlockId,
    ResultCode, SegmentResult, SsprDownloadBlockId, SystemTagDownloadBlockId,
};
use crate::wire::Error;

/// Why `block` is refused; `None` if it may be staged.
pub(super) fn check(capability: &Capability, family: Family, block: Block<'_>) -> Option<ResultCode> {
    let checked = match (family, &capability.packet_data) {
        (Family::Nam, _) => check_nam(capability, block),
        (Family::PacketData, Some(limits)) => check_packet_data(limits, block),
        (Family::Mms, _) => check_mms(capability, block),
        (Family::Mmd | Family::Mmss, _) => {
            return check_carried(capability, family.into(), block.id);
        }
        (Family::PacketData, None) => return Some(ResultCode::BLOCK_NOT_SUPPORTED),
    };
    match checked {
        Ok(ResultCode::ACCEPTED) => None,
        Ok(refused) => Some(refused),
        Err(e) => Some(refusal_of(e)),
    }
}

/// Why a block that is only kept is refused: the device does not keep its kind, or its number is none that is downloaded whole.
pub(super) fn check_carried(capability: &Capability, shelf: Shelf, id: u8) -> Option<ResultCode> {
    let whole = match shelf {
        Shelf::Puzl => PuzlDownloadBlockId(id).name().is_some(),
        Shelf::SystemTag => id == SystemTagDownloadBlockId::HOME.0,
        Shelf::Family(Family::Mmd | Family::Mms) => id == 0,
        Shelf::Family(Family::Mmss) => MmssBlockId(id).name().is_some(),
        Shelf::Family(Family::Nam) => id == NamBlockId::EHRPD_IMSI.0,
        Shelf::Family(Family::PacketData) => false,
    };
    let kept = whole && capability.carried.holds(shelf);
    (!kept).then_some(ResultCode::BLOCK_NOT_SUPPORTED)
}

fn check_nam(capability: &Capability, block: Block<'_>) -> Result<ResultCode, Error> {
    let max = usize::from(capability.max_sid_nid).min(MAX_PAIRS);
    let fits = |pairs: Pairs<'_>| {
        if pairs.len() > max { ResultCode::SID_NID_LENGTH_MISMATCH } else { ResultCode::ACCEPTED }
    };
    match NamBlockId(block.id) {
        NamBlockId::CDMA_ANALOG_NAM => Ok(fits(CdmaAnalogNam::parse(block.data, 0)?.pairs)),
        NamBlockId::CDMA_NAM => Ok(fits(CdmaNam::parse(block.data, 0)?.pairs)),
        NamBlockId::EHRPD_IMSI => {
            Ok(check_carried(capability, Family::Nam.into(), block.id).unwrap_or(ResultCode::ACCEPTED))
        }
        _ => match check_body(MsgType::DOWNLOAD, block.id, block.data, 0)? {
            Known::Layout => Ok(ResultCode::ACCEPTED),
            Known::Opaque => Ok(ResultCode::BLOCK_NOT_SUPPORTED),
        },
    }
}

fn check_packet_data(limits: &PacketDataCapability, block: Block<'_>) -> Result<ResultCode, Error> {
    match PacketDataDownloadBlockId(block.id) {
        PacketDataDownloadBlockId::SIMPLE_IP_PROFILE => {
            let profile = SimpleIpProfile::parse(block.data, 0)?;
            let limit = &limits.simple_ip;
            Ok(if profile.iter().count() > usize::from(limit.max_num_nai) {
                ResultCode::SIP_MAX_NUM_NAI
            } else if profile.iter().any(|entry| entry.nai.len() > usize::from(limit.max_nai_length)) {
                ResultCode::SIP_MAX_NAI_LENGTH
            } else {
                ResultCode::ACCEPTED
            })
        }
        PacketDataDownloadBlockId::MOBILE_IP_PROFILE => {
            let profile = MobileIpProfile::parse(block.data, 0)?;
            let limit = &limits.mobile_ip;
            Ok(if profile.iter().count() > usize::from(limit.max_num_nai) {
                ResultCode::MIP_MAX_NUM_NAI
            } else if profile.iter().any(|entry| entry.nai.len() > usize::from(limit.max_nai_length)) {
                ResultCode::MIP_MAX_NAI_LENGTH
            } else {
                ResultCode::ACCEPTED
            })
        }
        PacketDataDownloadBlockId::OPERATION_MODE => {
            let mode = check_body(MsgType::PACKET_DATA_DOWNLOAD, block.id, block.data, 0);
            Ok(match mode.map_err(refusal_of) {
                Ok(_) => ResultCode::ACCEPTED,
                Err(ResultCode::INVALID_PARAMETER) => ResultCode::OPERATION_MODE_MISMATCH,
                Err(refused) => refused,
            })
        }
        id if id.name().is_some() => {
            check_body(MsgType::PACKET_DATA_DOWNLOAD, block.id, block.data, 0).map(|_| ResultCode::ACCEPTED)
        }
        _ => Ok(ResultCode::BLOCK_NOT_SUPPORTED),
    }
}

fn check_mms(capability: &Capability, block: Block<'_>) -> Result<ResultCode, Error> {
    if let Some(refused) = check_carried(capability, Family::Mms.into(), block.id) {
        return Ok(refused);
    }
    let legal = MmsUris::parse(block.data, 0)?.iter().all(|entry| entry.is_legal());
    Ok(if legal { ResultCode::ACCEPTED } else { ResultCode::INVALID_MMS_URI })
}

/// Why a system tag is refused; `None` if it may be staged.
pub(super) fn check_tag(capability: &Capability, block: Block<'_>) -> Option<ResultCode> {
    let refused = check_carried(capability, Shelf::SystemTag, block.id);
    refused.or_else(|| match HomeTag::parse(block.data, 0) {
        Ok(tag) => (!tag.is_known()).then_some(ResultCode::SYSTEM_TAG_FORMAT_MISMATCH),
        Err(e) => Some(refusal_of(e)),
    })
}

/// Takes a segment of a roaming list.
pub(super) fn segment<const PRL: usize>(
    assembly: &mut Assembly<PRL>,
    block: Block<'_>,
    max: usize,
    extended: bool,
) -> SegmentResult {
    let format = match SsprDownloadBlockId(block.id) {
        SsprDownloadBlockId::PRL => Some(PrlFormat::Classic),
        SsprDownloadBlockId::EXTENDED_PRL if extended => Some(PrlFormat::Extended),
        _ => None,
    };
    let result = match (format, Segment::parse(block.data, 0)) {
        (None, _) => ResultCode::BLOCK_NOT_SUPPORTED,
        (Some(_), Err(e)) => refusal_of(e),
        (Some(format), Ok(segment)) => assembly.take(format, &segment, max),
    };
    segment_result(MsgType::SSPR_DOWNLOAD, block, result)
}

/// A result with the offset and size that the block carries; 0 and 0 if they cannot be read.
pub(super) fn segment_result(msg_type: MsgType, block: Block<'_>, result: ResultCode) -> SegmentResult {
    let place = || {
        let segment = Segment::parse(block.data, 0).ok()?;
        Some((segment.offset, u8::try_from(segment.data.len()).ok()?))
    };
    let segmented = SegmentResult::is_segmented(msg_type, block.id);
    SegmentResult { id: block.id, result, segment: segmented.then(|| place().unwrap_or((0, 0))) }
}
