//! Answers made from what is committed: configuration blocks, dimensions and segments of the roaming list, capabilities.
use super::key_exchange::A_KEY_P_REV;
use super::phone::{Capability, Phone, Shelf};
use super::{EngineError, emit, no_room};
use crate::is683::family::AnswersWriter;
use crate::is683::nam::{
    CdmaAnalogNam, CdmaAnalogNamConfiguration, CdmaNam, CdmaNamConfiguration, MAX_PAIRS,
};
use crate::is683::sspr::{Dimensions, ExtendedDimensions, MAX_SEGMENT, Records, Segment};
use crate::is683::{
    Block, Blocks, CapRecord, CapabilityQuery, Family, Feature, HardwareId, MmssBlockId, MsgType, NamBlockId,
    OctetPairs, PacketDataConfigurationBlockId as PacketData, PacketDataDownloadBlockId,
    PuzlConfigurationBlockId, PuzlDownloadBlockId, Range, ResultCode, Reverse, SsprRequest,
};
use crate::wire::{Error, Writer};

/// OTASP_MOB_P_REV of the extended capability: the value the fact sheet's vector carries; its meaning was not found.
pub const OTASP_MOB_P_REV: u8 = 4;

/// Result of a block that this device has, but nothing is stored in. No source tells the code.
pub const NOTHING_STORED: ResultCode = ResultCode::REJECTED;

/// PARAM_DATA is at most 255 octets.
type Data = [u8; 255];

/// Configuration Response: every block asked for, as it is committed.
pub(super) fn configuration<'o>(
    phone: &impl Phone,
    family: Family,
    ids: &[u8],
    out: &'o mut [u8],
) -> Result<&'o [u8], EngineError> {
    let capability = phone.capability();
    write_blocks(family, ids, out, |id, data| match family {
        Family::Nam => nam_block(phone, &capability, id, data),
        Family::PacketData => packet_data_block(phone, &capability, id, data),
        Family::Mmd | Family::Mms | Family::Mmss => {
            carried_block(phone, &capability, family.into(), id, data)
        }
    })
}

/// Configuration Response that refuses every block: each comes back empty.
pub(super) fn refuse_blocks<'o>(
    family: Family,
    ids: &[u8],
    code: ResultCode,
    out: &'o mut [u8],
) -> Result<&'o [u8], EngineError> {
    write_blocks(family, ids, out, |_, _| Err(code))
}

fn write_blocks<'o>(
    family: Family,
    ids: &[u8],
    out: &'o mut [u8],
    block: impl Fn(u8, &mut Data) -> Result<usize, ResultCode>,
) -> Result<&'o [u8], EngineError> {
    let count = u8::try_from(ids.len()).unwrap_or(u8::MAX);
    let mut results = [0; 255];
    let mut answers = AnswersWriter::new(family, count, out, &mut results).map_err(no_room)?;
    for id in ids {
        let mut data: Data = [0; 255];
        let (length, result) = match block(*id, &mut data) {
            Ok(length) => (length, ResultCode::ACCEPTED),
            Err(refused) => (0, refused),
        };
        let data = data.get(..length).unwrap_or_default();
        answers.push(Block { id: *id, data }, result).map_err(no_room)?;
    }
    answers.finish().map_err(no_room)
}

/// Which download block a configuration block of user zones reports: those of the same meaning by their names. Dimensions and
/// the list as a whole cannot be made of octets that nobody understands. Known from the names only.
pub const PUZL_REPORTS: [(PuzlConfigurationBlockId, PuzlDownloadBlockId); 2] = [
    (PuzlConfigurationBlockId::PRIORITIES, PuzlDownloadBlockId::PRIORITY),
    (PuzlConfigurationBlockId::USER_ZONE, PuzlDownloadBlockId::INSERT),
];

/// A block that is kept as octets, by its configuration number.
fn carried_block(
    phone: &impl Phone,
    capability: &Capability,
    shelf: Shelf,
    id: u8,
    out: &mut Data,
) -> Result<usize, ResultCode> {
    let stored = match shelf {
        Shelf::Puzl => {
            let reports = PUZL_REPORTS.iter().find(|(configuration, _)| configuration.0 == id);
            reports.map(|(_, download)| download.0)
        }
        Shelf::Family(Family::Mmss) => MmssBlockId(id).name().map(|_| id),
        // The home system tag is number 0 both ways, and so are the only blocks of MMD and MMS.
        _ => (id == 0).then_some(0),
    };
    match stored.filter(|_| capability.carried.holds(shelf)) {
        Some(id) => phone.carried_block(shelf, id, out).ok_or(NOTHING_STORED),
        None => Err(ResultCode::BLOCK_NOT_SUPPORTED),
    }
}

/// The Configuration Response of one block of user zones or system tags.
pub(super) fn carried<'o>(
    phone: &impl Phone,
    shelf: Shelf,
    id: u8,
    out: &'o mut [u8],
) -> Result<&'o [u8], EngineError> {
    let mut data: Data = [0; 255];
    let (length, result) = match carried_block(phone, &phone.capability(), shelf, id, &mut data) {
        Ok(length) => (length, ResultCode::ACCEPTED),
        Err(refused) => (0, refused),
    };
    let block = Block { id, data: data.get(..length).unwrap_or_default() };
    let response = if shelf == Shelf::SystemTag {
        Reverse::SystemTagConfigurationResponse { result, block }
    } else {
        Reverse::PuzlConfigurationResponse { result, block, fresh: None }
    };
    emit(&response, out)
}

/// A NAM block in its configuration form: the committed download form, and what the device can do.
fn nam_block(
    phone: &impl Phone,
    capability: &Capability,
    id: u8,
    out: &mut Data,
) -> Result<usize, ResultCode> {
    let known = NamBlockId(id).name().is_some();
    if !known || (NamBlockId(id) == NamBlockId::EHRPD_IMSI && !capability.carried.ehrpd) {
        return Err(ResultCode::BLOCK_NOT_SUPPORTED);
    }
    let mut stored: Data = [0; 255];
    let length = phone.nam_block(id, &mut stored).ok_or(NOTHING_STORED)?;
    let stored = stored.get(..length).ok_or(NOTHING_STORED)?;
    let max_sid_nid = capability.max_sid_nid.min(u8::try_from(MAX_PAIRS).unwrap_or(u8::MAX));
    let (scm, mob_p_rev) = (capability.scm, capability.mob_p_rev);
    let written = match NamBlockId(id) {
        NamBlockId::CDMA_ANALOG_NAM => CdmaAnalogNam::parse(stored, 0).and_then(|nam| {
            written(CdmaAnalogNamConfiguration { nam, scm, mob_p_rev, max_sid_nid }.emit(out))
        }),
        NamBlockId::CDMA_NAM => CdmaNam::parse(stored, 0).and_then(|nam| {
            let slotted_mode = scm & SCM_SLOTTED != 0;
            written(CdmaNamConfiguration { nam, slotted_mode, mob_p_rev, max_sid_nid }.emit(out))
        }),
        _ => {
            let mut writer = Writer::new(out);
            writer.put(stored).map(|()| writer.at())
        }
    };
    // Stored blocks were checked when they came; one that is broken now is reported as not there.
    written.map_err(|_| NOTHING_STORED)
}

/// Slotted mode in the station class mark (C.S0005 §2.3.3).
const SCM_SLOTTED: u8 = 0x20;

fn written(emitted: Result<&[u8], Error>) -> Result<usize, Error> {
    emitted.map(<[u8]>::len)
}

/// A 3GPD block. Shared secrets are never given out, and blocks known from memory only are not made.
fn packet_data_block(
    phone: &impl Phone,
    capability: &Capability,
    id: u8,
    out: &mut Data,
) -> Result<usize, ResultCode> {
    let limits = capability.packet_data.as_ref().ok_or(ResultCode::BLOCK_NOT_SUPPORTED)?;
    let stored = match PacketData(id) {
        PacketData::SIMPLE_IP_CAPABILITY => {
            return written(limits.simple_ip.emit(out)).map_err(|_| NOTHING_STORED);
        }
        PacketData::MOBILE_IP_CAPABILITY => {
            return written(limits.mobile_ip.emit(out)).map_err(|_| NOTHING_STORED);
        }
        PacketData::OPERATION_MODE => PacketDataDownloadBlockId::OPERATION_MODE,
        PacketData::SIMPLE_IP_PROFILE => PacketDataDownloadBlockId::SIMPLE_IP_PROFILE,
        PacketData::MOBILE_IP_PROFILE => PacketDataDownloadBlockId::MOBILE_IP_PROFILE,
        PacketData::SIMPLE_IP_STATUS => PacketDataDownloadBlockId::SIMPLE_IP_STATUS,
        PacketData::MOBILE_IP_STATUS => PacketDataDownloadBlockId::MOBILE_IP_STATUS,
        PacketData::HRPD_PROFILE => PacketDataDownloadBlockId::HRPD_PROFILE,
        _ => return Err(ResultCode::BLOCK_NOT_SUPPORTED),
    };
    phone.packet_data_block(stored.0, out).ok_or(NOTHING_STORED)
}

/// SSPR Configuration Response: dimensions or a segment of the committed list. `capacity` is the engine's buffer.
pub(super) fn sspr<'o>(
    phone: &impl Phone,
    wanted: SsprRequest,
    capacity: usize,
    out: &'o mut [u8],
) -> Result<&'o [u8], EngineError> {
    let mut data: Data = [0; 255];
    let (length, result) = match sspr_block(phone, wanted, capacity, &mut data) {
        Ok(length) => (length, ResultCode::ACCEPTED),
        Err(refused) => (0, refused),
    };
    let block = Block { id: wanted.id(), data: data.get(..length).unwrap_or_default() };
    emit(&Reverse::SsprConfigurationResponse { result, block, fresh: None }, out)
}

fn sspr_block(
    phone: &impl Phone,
    wanted: SsprRequest,
    capacity: usize,
    out: &mut Data,
) -> Result<usize, ResultCode> {
    let info = phone.prl();
    let max_pr_list_size = phone.capability().max_prl_size.min(u16::try_from(capacity).unwrap_or(u16::MAX));
    let (cur_pr_list_size, pr_list_id) = (info.size, info.id);
    let emitted = match wanted {
        SsprRequest::Dimensions => {
            let Records::Classic { acquisition: num_acq_recs, system: num_sys_recs } = info.records else {
                return Err(ResultCode::PRL_FORMAT_MISMATCH);
            };
            Dimensions { max_pr_list_size, cur_pr_list_size, pr_list_id, num_acq_recs, num_sys_recs }
                .emit(out)
        }
        SsprRequest::ExtendedDimensions => {
            let records = info.records;
            ExtendedDimensions { max_pr_list_size, cur_pr_list_size, pr_list_id, records }.emit(out)
        }
        SsprRequest::Prl(range) => return prl_segment(phone, info.size, range, out),
        SsprRequest::Other(_) => return Err(ResultCode::BLOCK_NOT_SUPPORTED),
    };
    written(emitted).map_err(|_| NOTHING_STORED)
}

fn prl_segment(phone: &impl Phone, size: u16, range: Range, out: &mut Data) -> Result<usize, ResultCode> {
    let left = size.checked_sub(range.offset).ok_or(ResultCode::INVALID_PARAMETER)?;
    let wanted = usize::from(left).min(usize::from(range.max_size)).min(MAX_SEGMENT);
    let mut octets = [0; MAX_SEGMENT];
    let data = octets.get_mut(..wanted).unwrap_or_default();
    if phone.read_prl(range.offset, data) != wanted {
        return Err(NOTHING_STORED);
    }
    let segment = Segment { last: wanted == usize::from(left), offset: range.offset, data };
    written(segment.emit(out)).map_err(|_| NOTHING_STORED)
}

/// Either Protocol Capability Response: exactly what the engine does on this device. Secure Mode and service keys, which take
/// CAVE, are never among it.
pub(super) fn capability<'o>(
    phone: &impl Phone,
    query: Option<CapabilityQuery<'_>>,
    out: &'o mut [u8],
) -> Result<&'o [u8], EngineError> {
    let capability = &phone.capability();
    let mut buffer = [0; MOST_FEATURES];
    let features = features(capability, phone.power().is_some(), &mut buffer);
    let (firmware_rev, model) = (capability.firmware_rev, capability.model);
    let Some(query) = query else {
        let band_mode = capability.band_mode;
        let response =
            Reverse::ProtocolCapabilityResponse { firmware_rev, model, features, band_mode, additional: &[] };
        return emit(&response, out);
    };
    let mut octets = [0; 16];
    let records = match capability.hardware {
        HardwareId::Meid(meid) if query.records.contains(&CapRecord::MEID.0) => {
            let record = Block { id: CapRecord::MEID.0, data: &meid.0 };
            Blocks::build(&[record], &mut octets).map_err(no_room)?
        }
        _ => Blocks::default(),
    };
    let otasp_mob_p_rev = OTASP_MOB_P_REV;
    emit(
        &Reverse::ExtendedProtocolCapabilityResponse {
            otasp_mob_p_rev,
            firmware_rev,
            model,
            features,
            records,
        },
        out,
    )
}

/// Octets of twelve features.
const MOST_FEATURES: usize = 24;

/// (FEATURE_ID, FEATURE_P_REV) of what the engine does on this device.
fn features<'b>(
    capability: &Capability,
    key_exchange: bool,
    buffer: &'b mut [u8; MOST_FEATURES],
) -> OctetPairs<'b> {
    let extended = capability.extended_prl.then_some([Feature::SSPR.0, 3]);
    let packet_data = capability.packet_data.map(|_| [Feature::PACKET_DATA.0, 3]);
    let always = [
        Some([Feature::NAM_DOWNLOAD.0, if capability.carried.ehrpd { 3 } else { 2 }]),
        key_exchange.then_some([Feature::KEY_EXCHANGE.0, A_KEY_P_REV]),
        Some([Feature::SSPR.0, 1]),
        extended,
        Some([Feature::PROGRAMMING_LOCK.0, 1]),
        Some([Feature::OTAPA.0, 1]),
        capability.carried.puzl.then_some([Feature::PUZL.0, 2]),
        packet_data,
        capability.carried.mmd.then_some([Feature::MMD.0, 1]),
        capability.carried.system_tag.then_some([Feature::SYSTEM_TAG.0, 1]),
        capability.carried.mms.then_some([Feature::MMS.0, 1]),
        capability.carried.mmss.then_some([Feature::MMSS.0, 1]),
    ];
    let octets = always.into_iter().flatten().flatten();
    let mut used: usize = 0;
    for (octet, value) in buffer.iter_mut().zip(octets) {
        *octet = value;
        used = used.saturating_add(1);
    }
    buffer.get(..used).and_then(OctetPairs::new).unwrap_or_default()
}

/// PUZL Download Response with a result for each block; it names no zone, since nobody here knows what a block says of one.
pub(super) fn zones<'o>(
    blocks: Blocks<'_>,
    mut result: impl FnMut(Block<'_>) -> ResultCode,
    out: &'o mut [u8],
) -> Result<&'o [u8], EngineError> {
    let mut write = |out: &'o mut [u8]| {
        let mut writer = Writer::new(out);
        let count = u8::try_from(blocks.len()).unwrap_or(u8::MAX);
        writer.put(&[MsgType::PUZL_DOWNLOAD.0, count])?;
        blocks.iter().try_for_each(|block| writer.put(&[block.id, result(block).0, 0]))?;
        Ok(writer.finish())
    };
    write(out).map_err(no_room)
}
