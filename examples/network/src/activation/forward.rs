//! The forward messages of an activation, in the order of its script, each with the answer it is owed.

use super::expect::Expect;
use crate::account::{Profile, ProfileError, Subscriber};
use crate::authentication;
use crate::log::Step;
use kedge_protocol::is683::nam::{Access, CdmaAnalogNam, Imsi, ImsiClass, Pairs};
use kedge_protocol::is683::sspr::{MAX_SEGMENT, Segment};
use kedge_protocol::is683::validation::Spasm;
use kedge_protocol::is683::{
    Block, Blocks, CapRecord, CapabilityQuery, Family, Forward, Imsi1112, MAX_MESSAGE, Mcc, Mdn, Min,
    MsgType, NamBlockId, Nid, Sid, Spc, SsprDownloadBlockId, SsprRequest, ValidationBlockId,
};

const FIRST: Step = Step::one_button(1);
const NAM: Step = Step::one_button(2);
const NAM_ANSWER: Step = Step::one_button(3);
const LIST: Step = Step::one_button(4);
const COMMIT: Step = Step::one_button(5);

/// What an activation needs: NAM download, classic SSPR, service programming lock (`is683.md` §6).
const NEEDED: &[(u8, u8)] = &[(0, 2), (2, 1), (3, 1)];
/// `OTASP_P_REV` of the operator's requests for capability records.
const OTASP_P_REV: u8 = 4;

/// One message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) message: Vec<u8>,
    pub(crate) expect: Expect,
    pub(crate) step: Step,
    pub(crate) answered_in: Step,
    pub(crate) meaning: String,
    /// Nothing else in its document: what follows depends on the answer.
    pub(crate) alone: bool,
}

impl Ask {
    fn new(message: &Forward<'_>, expect: Expect, step: Step, meaning: &str) -> Result<Self, ProfileError> {
        let mut buf = [0; MAX_MESSAGE];
        let message = message.emit(&mut buf)?.to_vec();
        Ok(Self { message, expect, step, answered_in: step, meaning: meaning.to_owned(), alone: true })
    }
}

/// Everything the profile calls for, in order.
pub(crate) fn plan(profile: &Profile) -> Result<Vec<Ask>, ProfileError> {
    let mut plan = Vec::new();
    if profile.ask_capability {
        let request = Forward::ProtocolCapabilityRequest(None);
        plan.push(Ask::new(&request, Expect::Capability(NEEDED), FIRST, "Protocol Capability Request")?);
    }
    if let Some(spc) = &profile.spc {
        plan.push(verify_spc(spc)?);
    }
    if profile.a_key {
        plan.extend(key_exchange()?);
    }
    plan.push(download_nam(&profile.subscriber)?);
    if !profile.packet_data.is_empty() {
        let meaning = "Download Request, packet data";
        plan.push(listed(&profile.packet_data, MsgType::PACKET_DATA_DOWNLOAD, meaning)?);
    }
    if !profile.zones.is_empty() {
        plan.push(listed(&profile.zones, MsgType::PUZL_DOWNLOAD, "PUZL Download Request")?);
    }
    if profile.compare_prl {
        plan.push(dimensions(0)?);
    }
    let id = if profile.extended_prl { SsprDownloadBlockId::EXTENDED_PRL } else { SsprDownloadBlockId::PRL };
    plan.extend(segments(&profile.prl, id, profile.segment)?);
    plan.push(Ask::new(&Forward::CommitRequest, Expect::Commit, COMMIT, "Commit Request")?);
    Ok(plan)
}

/// A roaming list update that the network begins by itself: [SPC] and the list between OTAPA start and stop.
pub(crate) fn update_plan(profile: &Profile, prl: &[u8]) -> Result<Vec<Ask>, ProfileError> {
    let step = |ask: Ask, step| Ask { step, answered_in: step, alone: true, ..ask };
    let otapa = |start, number| {
        let meaning = if start { "OTAPA Request, start" } else { "OTAPA Request, stop" };
        Ask::new(&Forward::OtapaRequest { start }, Expect::Otapa, Step::prl_update(number), meaning)
    };
    let mut plan = vec![otapa(true, 3)?];
    if let Some(spc) = &profile.spc {
        plan.push(step(verify_spc(spc)?, Step::prl_update(3)));
    }
    plan.push(step(dimensions(0)?, Step::prl_update(4)));
    let id = if profile.extended_prl { SsprDownloadBlockId::EXTENDED_PRL } else { SsprDownloadBlockId::PRL };
    plan.extend(segments(prl, id, profile.segment)?.into_iter().map(|ask| step(ask, Step::prl_update(4))));
    let commit = Ask::new(&Forward::CommitRequest, Expect::Commit, Step::prl_update(5), "Commit Request")?;
    plan.push(commit);
    plan.push(otapa(false, 6)?);
    Ok(plan)
}

/// What the activation server asks over the air when a star code was dialled.
pub(crate) fn star_code_plan() -> Result<Vec<Ask>, ProfileError> {
    let request = Forward::ProtocolCapabilityRequest(None);
    let step = Step::star_code(1);
    Ok(vec![Ask::new(&request, Expect::Capability(NEEDED), step, "Protocol Capability Request")?])
}

/// Asks for the MEID, as nothing else tells who calls.
pub(super) fn capability_with_meid() -> Result<Ask, ProfileError> {
    let query = CapabilityQuery { otasp_p_rev: OTASP_P_REV, records: &[CapRecord::MEID.0] };
    let request = Forward::ProtocolCapabilityRequest(Some(query));
    Ask::new(&request, Expect::Meid, FIRST, "Protocol Capability Request for the MEID")
}

/// Asks which roaming list the device has; block id 0 for a classic, 2 for any list.
pub(crate) fn dimensions(block: u8) -> Result<Ask, ProfileError> {
    let request = if block == 0 { SsprRequest::Dimensions } else { SsprRequest::ExtendedDimensions };
    let request = Forward::SsprConfigurationRequest(request);
    Ask::new(&request, Expect::Dimensions(block), LIST, "SSPR Configuration Request, dimensions")
}

/// `PR_LIST_ID` of a list.
pub(crate) fn list_id(prl: &[u8]) -> Option<u16> {
    prl.get(2..4).and_then(|id| id.try_into().ok()).map(u16::from_be_bytes)
}

/// The subscriber's NAM as blocks one behind the other, each `BLOCK_ID BLOCK_LEN PARAM_DATA`.
pub(crate) fn nam_blocks(subscriber: &Subscriber) -> Result<Vec<u8>, ProfileError> {
    let mut blocks = Vec::new();
    for (id, data) in blocks_of(subscriber)? {
        blocks.extend([id, length(&data)?]);
        blocks.extend(data);
    }
    Ok(blocks)
}

/// The two requests of the A-key exchange.
fn key_exchange() -> Result<[Ask; 2], ProfileError> {
    let ms_key = Forward::MsKeyRequest { a_key_p_rev: 2, parameters: Some(authentication::PARAMETERS) };
    let bs_result = authentication::bs_result();
    let generation = Forward::KeyGenerationRequest { bs_result: &bs_result };
    Ok([
        Ask::new(&ms_key, Expect::MsKey, NAM, "MS Key Request")?,
        Ask::new(&generation, Expect::KeyGeneration, NAM, "Key Generation Request")?,
    ])
}

/// The network proves itself to a protected number assignment, which stays protected.
pub(crate) fn validate_spasm(auth_otapa: u32) -> Result<Ask, ProfileError> {
    let id = ValidationBlockId::VALIDATE_SPASM.0;
    let (mut octets, mut buf) = ([0; 3], [0; 8]);
    let spasm = Spasm { auth_otapa: Some(auth_otapa), nam_lock: true };
    let blocks = Blocks::build(&[Block { id, data: spasm.emit(&mut octets)? }], &mut buf)?;
    let (expect, step) = (Expect::Blocks(0x09, vec![id]), Step::prl_update(3));
    Ask::new(&Forward::ValidationRequest(blocks), expect, step, "Validation Request, SPASM")
}

fn verify_spc(spc: &Spc) -> Result<Ask, ProfileError> {
    let id = ValidationBlockId::VERIFY_SPC.0;
    let (mut digits, mut buf) = ([0; 3], [0; 8]);
    let blocks = Blocks::build(&[Block { id, data: spc.emit(&mut digits)? }], &mut buf)?;
    let expect = Expect::Blocks(0x09, vec![id]);
    Ask::new(&Forward::ValidationRequest(blocks), expect, NAM, "Validation Request, SPC")
}

fn download_nam(subscriber: &Subscriber) -> Result<Ask, ProfileError> {
    let owned = blocks_of(subscriber)?;
    let blocks: Vec<Block<'_>> = owned.iter().map(|(id, data)| Block { id: *id, data }).collect();
    let expect = Expect::Blocks(0x01, owned.iter().map(|(id, _)| *id).collect());
    let mut buf = [0; MAX_MESSAGE];
    let blocks = Blocks::build(&blocks, &mut buf)?;
    let request = Forward::DownloadRequest { family: Family::Nam, blocks, fresh: None };
    let meaning = if owned.len() > 1 { "Download Request, NAM and MDN" } else { "Download Request, NAM" };
    let ask = Ask::new(&request, expect, NAM, meaning)?;
    Ok(Ask { answered_in: NAM_ANSWER, alone: false, ..ask })
}

/// The blocks of a 3GPD or PUZL Download Request.
fn listed(owned: &[(u8, Vec<u8>)], kind: MsgType, meaning: &str) -> Result<Ask, ProfileError> {
    let blocks: Vec<Block<'_>> = owned.iter().map(|(id, data)| Block { id: *id, data }).collect();
    let ids = owned.iter().map(|(id, _)| *id).collect();
    let mut buf = [0; MAX_MESSAGE];
    let blocks = Blocks::build(&blocks, &mut buf)?;
    let (request, expect) = if kind == MsgType::PUZL_DOWNLOAD {
        (Forward::PuzlDownloadRequest { blocks, fresh: None }, Expect::Zones(ids))
    } else {
        let request = Forward::DownloadRequest { family: Family::PacketData, blocks, fresh: None };
        (request, Expect::Blocks(kind.0, ids))
    };
    let ask = Ask::new(&request, expect, NAM, meaning)?;
    Ok(Ask { answered_in: NAM_ANSWER, alone: false, ..ask })
}

fn segments(
    prl: &[u8],
    SsprDownloadBlockId(id): SsprDownloadBlockId,
    size: u8,
) -> Result<Vec<Ask>, ProfileError> {
    let size = usize::from(size).clamp(1, MAX_SEGMENT);
    let count = prl.len().div_ceil(size);
    let segment = |(index, data): (usize, &[u8])| {
        let offset = u16::try_from(index * size).map_err(|_| ProfileError::TooLong)?;
        let mut buf = [0; 255];
        let segment = Segment { last: index + 1 == count, offset, data };
        let block = Block { id, data: segment.emit(&mut buf)? };
        let request = Forward::SsprDownloadRequest { block, fresh: None };
        let expect = Expect::Segment { block: id, offset, size: length(data)? };
        let meaning = format!("SSPR Download Request, segment {} of {count}", index + 1);
        Ok(Ask { alone: false, ..Ask::new(&request, expect, LIST, &meaning)? })
    };
    prl.chunks(size).enumerate().map(segment).collect()
}

/// The blocks of a Download Request: id and PARAM_DATA.
fn blocks_of(subscriber: &Subscriber) -> Result<Vec<(u8, Vec<u8>)>, ProfileError> {
    let number = ProfileError::Number;
    let home_sid = Sid::new(subscriber.home_sid).ok_or(number)?;
    let pairs = [(home_sid, Nid(subscriber.home_nid))];
    let nam = CdmaAnalogNam {
        first_chp: subscriber.first_chp,
        home_sid,
        ex: false,
        imsi: Imsi {
            class: ImsiClass::Class0,
            mcc: Mcc::new(&subscriber.mcc).ok_or(number)?,
            imsi_11_12: Imsi1112::new(&subscriber.imsi_11_12).ok_or(number)?,
            imsi_s: Min::new(&subscriber.min).ok_or(number)?,
        },
        access: Access {
            accolc: subscriber.accolc,
            local_control: false,
            mob_term_home: true,
            mob_term_for_sid: true,
            mob_term_for_nid: true,
        },
        pairs: Pairs::new(&pairs),
    };
    let mut buf = [0; 255];
    let mut blocks = vec![(NamBlockId::CDMA_ANALOG_NAM.0, nam.emit(&mut buf)?.to_vec())];
    if let Some(digits) = &subscriber.mdn {
        let mdn = Mdn::new(digits).ok_or(number)?;
        blocks.push((NamBlockId::MDN.0, mdn.emit(&mut buf)?.to_vec()));
    }
    Ok(blocks)
}

fn length(data: &[u8]) -> Result<u8, ProfileError> {
    u8::try_from(data.len()).map_err(|_| ProfileError::TooLong)
}
