//! Reverse messages: what the handset answers (C.S0016 §3.5; layouts in the order of OTASP_MSG_TYPE).
use super::family::{read_result, result_codes_inside};
use super::fields::{Cursor, Fields, Show, Silent, Sink, Trace, measure, read_again};
use super::forward::{read_counted, write_fresh};
use super::lists::{Listed, consumed, read_data};
use super::{
    Answers, Block, Blocks, Direction, Family, Fresh, Message, MsgType, OctetPairs, Packet, ResultCode,
    block_name,
};
use crate::wire::{BitWriter, Error, ErrorKind};

/// A response. What a field's width cannot hold is refused when it is written (`BadValue`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reverse<'a> {
    /// 0x00, 0x0D, 0x11, 0x16: blocks as they are stored.
    ConfigurationResponse {
        /// Which kind of blocks.
        family: Family,
        /// Each block asked for, with its result.
        answers: Answers<'a>,
        /// Secure Mode.
        fresh: Option<Fresh>,
    },
    /// 0x01, 0x0E, 0x12, 0x17: what became of the blocks.
    DownloadResponse {
        /// Which kind of blocks.
        family: Family,
        /// (BLOCK_ID, RESULT_CODE).
        results: OctetPairs<'a>,
    },
    /// 0x02.
    MsKeyResponse(ResultCode),
    /// 0x03.
    KeyGenerationResponse {
        /// Whether a key was made.
        result: ResultCode,
        /// MS_RESULT, the handset's public value.
        ms_result: &'a [u8],
    },
    /// 0x04.
    ReAuthenticateResponse {
        /// AUTHR, 18 bits.
        authr: u32,
        /// RANDC.
        randc: u8,
        /// COUNT, 6 bits.
        count: u8,
        /// AUTH_DATA, 24 bits.
        auth_data: u32,
    },
    /// 0x05.
    CommitResponse(ResultCode),
    /// 0x06: answer to a request without a query.
    ProtocolCapabilityResponse {
        /// MOB_FIRM_REV.
        firmware_rev: u16,
        /// MOB_MODEL.
        model: u8,
        /// (FEATURE_ID, FEATURE_P_REV).
        features: OctetPairs<'a>,
        /// BAND_MODE_CAP.
        band_mode: u8,
        /// Further additional fields, at most 254 octets.
        additional: &'a [u8],
    },
    /// 0x07.
    SsprConfigurationResponse {
        /// Result of the block.
        result: ResultCode,
        /// The block; empty when refused.
        block: Block<'a>,
        /// Secure Mode.
        fresh: Option<Fresh>,
    },
    /// 0x08.
    SsprDownloadResponse(SegmentResult),
    /// 0x09: (BLOCK_ID, RESULT_CODE).
    ValidationResponse(OctetPairs<'a>),
    /// 0x0A.
    OtapaResponse {
        /// Whether the session is begun or ended.
        result: ResultCode,
        /// RAND_OTAPA; present exactly when SPASM protects the active NAM.
        rand_otapa: Option<u32>,
    },
    /// 0x0B.
    PuzlConfigurationResponse {
        /// Result of the block.
        result: ResultCode,
        /// The block; empty when refused.
        block: Block<'a>,
        /// Secure Mode.
        fresh: Option<Fresh>,
    },
    /// 0x0C.
    PuzlDownloadResponse(PuzlResults<'a>),
    /// 0x0F.
    SecureModeResponse(ResultCode),
    /// 0x10: answer to a Protocol Capability Request with a query.
    ExtendedProtocolCapabilityResponse {
        /// OTASP_MOB_P_REV.
        otasp_mob_p_rev: u8,
        /// MOB_FIRM_REV.
        firmware_rev: u16,
        /// MOB_MODEL.
        model: u8,
        /// (FEATURE_ID, FEATURE_P_REV).
        features: OctetPairs<'a>,
        /// The records asked for that the handset has.
        records: Blocks<'a>,
    },
    /// 0x13.
    SystemTagConfigurationResponse {
        /// Result of the block.
        result: ResultCode,
        /// The block; empty when refused.
        block: Block<'a>,
    },
    /// 0x14.
    SystemTagDownloadResponse(SegmentResult),
    /// 0x15.
    ServiceKeyGenerationResponse(ResultCode),
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentResult {
    /// BLOCK_ID.
    pub id: u8,
    /// RESULT_CODE.
    pub result: ResultCode,
    /// SEGMENT_OFFSET and SEGMENT_SIZE as received; always present in the SSPR Download
    /// Response, and for system tags exactly for the blocks 1 to 3, which come in segments.
    pub segment: Option<(u16, u8)>,
}

/// Results of a PUZL Download, each with the user zone it is about where there is one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PuzlResults<'a> {
    count: u8,
    bytes: &'a [u8],
}

/// One result of a PUZL Download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PuzlResult {
    /// BLOCK_ID.
    pub id: u8,
    /// RESULT_CODE.
    pub result: ResultCode,
    /// UZ_ID and UZ_SID (15 bits).
    pub zone: Option<(u16, u16)>,
}

impl<'a> Reverse<'a> {
    /// Reads a reverse message; a packet of the other direction is `Unsupported`.
    pub fn parse(packet: &Packet<&'a [u8]>) -> Result<Self, Error> {
        match super::packet::read_message(packet, &mut Silent)? {
            Message::Reverse(message) => Ok(message),
            Message::Forward(_) => Err(Error::new(ErrorKind::Unsupported, 0)),
        }
    }

    /// Octets that [`Reverse::emit`] writes; 0 for a value it refuses.
    pub fn buffer_len(&self) -> usize {
        measure(|sink| self.write(sink))
    }

    /// Writes the message.
    pub fn emit<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut writer = BitWriter::new(out);
        self.write(&mut writer)?;
        writer.finish()
    }

    /// OTASP_MSG_TYPE.
    pub const fn msg_type(&self) -> MsgType {
        match self {
            Self::ConfigurationResponse { family, .. } => family.configuration(),
            Self::DownloadResponse { family, .. } => family.download(),
            Self::MsKeyResponse(_) => MsgType::MS_KEY,
            Self::KeyGenerationResponse { .. } => MsgType::KEY_GENERATION,
            Self::ReAuthenticateResponse { .. } => MsgType::RE_AUTHENTICATE,
            Self::CommitResponse(_) => MsgType::COMMIT,
            Self::ProtocolCapabilityResponse { .. } => MsgType::PROTOCOL_CAPABILITY,
            Self::SsprConfigurationResponse { .. } => MsgType::SSPR_CONFIGURATION,
            Self::SsprDownloadResponse(_) => MsgType::SSPR_DOWNLOAD,
            Self::ValidationResponse(_) => MsgType::VALIDATION,
            Self::OtapaResponse { .. } => MsgType::OTAPA,
            Self::PuzlConfigurationResponse { .. } => MsgType::PUZL_CONFIGURATION,
            Self::PuzlDownloadResponse(_) => MsgType::PUZL_DOWNLOAD,
            Self::SecureModeResponse(_) => MsgType::SECURE_MODE,
            Self::ExtendedProtocolCapabilityResponse { .. } => MsgType::EXTENDED_PROTOCOL_CAPABILITY,
            Self::SystemTagConfigurationResponse { .. } => MsgType::SYSTEM_TAG_CONFIGURATION,
            Self::SystemTagDownloadResponse(_) => MsgType::SYSTEM_TAG_DOWNLOAD,
            Self::ServiceKeyGenerationResponse(_) => MsgType::SERVICE_KEY_GENERATION,
        }
    }

    /// Reads a whole message. Where the place of the result codes is disputed, the reading that takes the message
    /// exactly counts; the one we write is tried first.
    pub(crate) fn read_whole<T: Trace>(bytes: &'a [u8], trace: &mut T) -> Result<Self, Error> {
        let other = match bytes.first().map(|b| MsgType(*b)) {
            Some(
                MsgType::PACKET_DATA_CONFIGURATION
                | MsgType::MMD_CONFIGURATION
                | MsgType::MMS_CONFIGURATION
                | MsgType::MMSS_CONFIGURATION,
            ) => {
                Self::read_as(bytes, &mut Silent, false).is_err()
                    && Self::read_as(bytes, &mut Silent, true).is_ok()
            }
            _ => false,
        };
        Self::read_as(bytes, trace, other)
    }

    fn read_as<T: Trace>(bytes: &'a [u8], trace: &mut T, other_layout: bool) -> Result<Self, Error> {
        let mut f = Fields::new(bytes, 0, trace);
        let message = Self::read(&mut f, other_layout)?;
        f.finish()?;
        Ok(message)
    }

    fn read<T: Trace>(f: &mut Fields<'a, '_, T>, other_layout: bool) -> Result<Self, Error> {
        let unknown = f.error(ErrorKind::Unsupported);
        let msg_type = MsgType(f.code("OTASP_MSG_TYPE", |v| MsgType(v).name())?);
        let configuration =
            |f: &mut Fields<'a, '_, T>, family| Self::read_configuration(f, family, other_layout);
        Ok(match msg_type {
            MsgType::CONFIGURATION => configuration(f, Family::Nam)?,
            MsgType::PACKET_DATA_CONFIGURATION => configuration(f, Family::PacketData)?,
            MsgType::MMD_CONFIGURATION => configuration(f, Family::Mmd)?,
            MsgType::MMS_CONFIGURATION => configuration(f, Family::Mms)?,
            MsgType::MMSS_CONFIGURATION => configuration(f, Family::Mmss)?,
            MsgType::DOWNLOAD => Self::read_download(f, Family::Nam)?,
            MsgType::PACKET_DATA_DOWNLOAD => Self::read_download(f, Family::PacketData)?,
            MsgType::MMD_DOWNLOAD => Self::read_download(f, Family::Mmd)?,
            MsgType::MMS_DOWNLOAD => Self::read_download(f, Family::Mms)?,
            MsgType::MMSS_DOWNLOAD => Self::read_download(f, Family::Mmss)?,
            MsgType::VALIDATION => Self::ValidationResponse(OctetPairs::read(f, Listed::Results(msg_type))?),
            MsgType::MS_KEY => Self::MsKeyResponse(read_result(f)?),
            MsgType::COMMIT => Self::CommitResponse(read_result(f)?),
            MsgType::SECURE_MODE => Self::SecureModeResponse(read_result(f)?),
            MsgType::SERVICE_KEY_GENERATION => Self::ServiceKeyGenerationResponse(read_result(f)?),
            MsgType::SSPR_CONFIGURATION => {
                let (block, result) = read_answer(f, msg_type)?;
                Self::SsprConfigurationResponse { result, block, fresh: Fresh::read(f)? }
            }
            MsgType::PUZL_CONFIGURATION => {
                let (block, result) = read_answer(f, msg_type)?;
                Self::PuzlConfigurationResponse { result, block, fresh: Fresh::read(f)? }
            }
            MsgType::SYSTEM_TAG_CONFIGURATION => {
                let (block, result) = read_answer(f, msg_type)?;
                Self::SystemTagConfigurationResponse { result, block }
            }
            MsgType::SSPR_DOWNLOAD => Self::SsprDownloadResponse(SegmentResult::read(f, msg_type)?),
            MsgType::SYSTEM_TAG_DOWNLOAD => {
                Self::SystemTagDownloadResponse(SegmentResult::read(f, msg_type)?)
            }
            MsgType::PUZL_DOWNLOAD => Self::PuzlDownloadResponse(PuzlResults::read(f)?),
            _ => Self::read_single(f, msg_type, unknown)?,
        })
    }

    fn read_configuration<T: Trace>(
        f: &mut Fields<'a, '_, T>,
        family: Family,
        other_layout: bool,
    ) -> Result<Self, Error> {
        let inside = result_codes_inside(family) != other_layout;
        let answers = Answers::read(f, family.configuration(), inside)?;
        Ok(Self::ConfigurationResponse { family, answers, fresh: Fresh::read(f)? })
    }

    fn read_download<T: Trace>(f: &mut Fields<'a, '_, T>, family: Family) -> Result<Self, Error> {
        Ok(Self::DownloadResponse {
            family,
            results: OctetPairs::read(f, Listed::Results(family.download()))?,
        })
    }

    /// Messages whose layout no other message shares.
    fn read_single<T: Trace>(
        f: &mut Fields<'a, '_, T>,
        msg_type: MsgType,
        unknown: Error,
    ) -> Result<Self, Error> {
        Ok(match msg_type {
            MsgType::KEY_GENERATION => {
                let result = read_result(f)?;
                Self::KeyGenerationResponse {
                    result,
                    ms_result: read_counted(f, "MS_RESULT_LEN", "MS_RESULT")?,
                }
            }
            MsgType::RE_AUTHENTICATE => Self::ReAuthenticateResponse {
                authr: f.u32("AUTHR", 18, Show::Hex)?,
                randc: f.u8("RANDC", 8)?,
                count: f.u8("COUNT", 6)?,
                auth_data: f.u32("AUTH_DATA", 24, Show::Hex)?,
            },
            MsgType::PROTOCOL_CAPABILITY => {
                let (firmware_rev, model) = read_model(f)?;
                let features = OctetPairs::read(f, Listed::Features)?;
                let refuse = f.error(ErrorKind::BadLength);
                let rest = f.u8("ADD_LENGTH", 8)?.checked_sub(1).ok_or(refuse)?;
                let band_mode = f.take("BAND_MODE_CAP", 8, |_| Show::Hex)?;
                let additional = f.shown_slice("ADDITIONAL", usize::from(rest))?;
                let band_mode = u8::try_from(band_mode).unwrap_or(u8::MAX);
                Self::ProtocolCapabilityResponse { firmware_rev, model, features, band_mode, additional }
            }
            MsgType::OTAPA => {
                let result = read_result(f)?;
                f.reserved(7)?;
                let locked = f.flag("NAM_LOCK_IND")?;
                let rand_otapa = if locked { Some(f.u32("RAND_OTAPA", 32, Show::Hex)?) } else { None };
                Self::OtapaResponse { result, rand_otapa }
            }
            MsgType::EXTENDED_PROTOCOL_CAPABILITY => {
                let otasp_mob_p_rev = f.u8("OTASP_MOB_P_REV", 8)?;
                let (firmware_rev, model) = read_model(f)?;
                let features = OctetPairs::read(f, Listed::Features)?;
                let records = Blocks::read(f, Listed::Records)?;
                Self::ExtendedProtocolCapabilityResponse {
                    otasp_mob_p_rev,
                    firmware_rev,
                    model,
                    features,
                    records,
                }
            }
            _ => return Err(unknown),
        })
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.msg_type().0), 8)?;
        match *self {
            Self::ConfigurationResponse { family, answers, fresh } => {
                answers.write(s, result_codes_inside(family))?;
                write_fresh(s, fresh)
            }
            Self::DownloadResponse { results, .. } | Self::ValidationResponse(results) => results.write(s),
            Self::MsKeyResponse(result)
            | Self::CommitResponse(result)
            | Self::SecureModeResponse(result)
            | Self::ServiceKeyGenerationResponse(result) => s.put(u64::from(result.0), 8),
            Self::SsprConfigurationResponse { result, block, fresh }
            | Self::PuzlConfigurationResponse { result, block, fresh } => {
                write_answer(s, result, block)?;
                write_fresh(s, fresh)
            }
            Self::SystemTagConfigurationResponse { result, block } => write_answer(s, result, block),
            Self::SsprDownloadResponse(result) => result.write(s, MsgType::SSPR_DOWNLOAD),
            Self::SystemTagDownloadResponse(result) => result.write(s, MsgType::SYSTEM_TAG_DOWNLOAD),
            Self::PuzlDownloadResponse(results) => {
                s.put(u64::from(results.count), 8)?;
                s.octets(results.bytes.iter().copied())
            }
            _ => self.write_single(s),
        }
    }

    fn write_single(&self, s: &mut impl Sink) -> Result<(), Error> {
        match *self {
            Self::KeyGenerationResponse { result, ms_result } => {
                s.put(u64::from(result.0), 8)?;
                s.counted(ms_result)
            }
            Self::ReAuthenticateResponse { authr, randc, count, auth_data } => {
                s.put(u64::from(authr), 18)?;
                s.put(u64::from(randc), 8)?;
                s.put(u64::from(count), 6)?;
                s.put(u64::from(auth_data), 24)
            }
            Self::ProtocolCapabilityResponse { firmware_rev, model, features, band_mode, additional } => {
                write_model(s, firmware_rev, model)?;
                features.write(s)?;
                let length = u8::try_from(additional.len()).ok().and_then(|n| n.checked_add(1));
                s.put(u64::from(length.ok_or(s.refuse(ErrorKind::LimitExceeded))?), 8)?;
                s.put(u64::from(band_mode), 8)?;
                s.octets(additional.iter().copied())
            }
            Self::OtapaResponse { result, rand_otapa } => {
                s.put(u64::from(result.0), 8)?;
                s.put(u64::from(rand_otapa.is_some()), 8)?;
                rand_otapa.map_or(Ok(()), |rand| s.put(u64::from(rand), 32))
            }
            Self::ExtendedProtocolCapabilityResponse {
                otasp_mob_p_rev,
                firmware_rev,
                model,
                features,
                records,
            } => {
                s.put(u64::from(otasp_mob_p_rev), 8)?;
                write_model(s, firmware_rev, model)?;
                features.write(s)?;
                records.write(s)
            }
            // Every other message is written above.
            _ => Err(s.refuse(ErrorKind::Unsupported)),
        }
    }
}

impl SegmentResult {
    /// Whether results of block `id` name a segment.
    pub(crate) fn is_segmented(msg_type: MsgType, id: u8) -> bool {
        match msg_type {
            MsgType::SYSTEM_TAG_DOWNLOAD => (1..=3).contains(&id),
            _ => true,
        }
    }

    fn read<T: Trace>(f: &mut Fields<'_, '_, T>, msg_type: MsgType) -> Result<Self, Error> {
        let id = f.code("BLOCK_ID", |v| block_name(msg_type, v))?;
        let result = read_result(f)?;
        let segment = if Self::is_segmented(msg_type, id) {
            Some((f.u16("SEGMENT_OFFSET", 16)?, f.u8("SEGMENT_SIZE", 8)?))
        } else {
            None
        };
        Ok(Self { id, result, segment })
    }

    fn write(self, s: &mut impl Sink, msg_type: MsgType) -> Result<(), Error> {
        if self.segment.is_some() != Self::is_segmented(msg_type, self.id) {
            return Err(s.refuse(ErrorKind::BadValue));
        }
        s.put(u64::from(self.id), 8)?;
        s.put(u64::from(self.result.0), 8)?;
        self.segment.map_or(Ok(()), |(offset, size)| {
            s.put(u64::from(offset), 16)?;
            s.put(u64::from(size), 8)
        })
    }
}

impl<'a> PuzlResults<'a> {
    /// Writes `results` into `out` and borrows them from there.
    pub fn build(results: &[PuzlResult], out: &'a mut [u8]) -> Result<Self, Error> {
        let mut writer = BitWriter::new(out);
        let limit = Error::new(ErrorKind::LimitExceeded, 0);
        let count = u8::try_from(results.len()).map_err(|_| limit)?;
        for entry in results {
            writer.put(u64::from(entry.id), 8)?;
            writer.put(u64::from(entry.result.0), 8)?;
            match entry.zone {
                None => writer.put(0, 8)?,
                Some((zone, sid)) => {
                    writer.flag(true)?;
                    writer.put(u64::from(zone), 16)?;
                    writer.put(u64::from(sid), 15)?;
                }
            }
        }
        Ok(Self { count, bytes: writer.finish()? })
    }

    /// The results, in order.
    pub fn iter(&self) -> impl Iterator<Item = PuzlResult> + use<'a> {
        read_again(Cursor::new(self.bytes), u16::from(self.count), PuzlResult::read)
    }

    fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let count = f.u8("NUM_BLOCKS", 8)?;
        let all = f.rest()?;
        for _ in 0..count {
            PuzlResult::read(f)?;
        }
        Ok(Self { count, bytes: consumed(all, f)? })
    }
}

impl PuzlResult {
    fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let id = f.code("BLOCK_ID", |v| block_name(MsgType::PUZL_DOWNLOAD, v))?;
        let result = read_result(f)?;
        let zone = if f.flag("IDENTIFIERS_PRESENT")? {
            Some((f.u16("UZ_ID", 16)?, f.u16("UZ_SID", 15)?))
        } else {
            f.reserved(7)?;
            None
        };
        Ok(Self { id, result, zone })
    }
}

impl core::fmt::Debug for PuzlResults<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl core::fmt::Display for Reverse<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        super::dump::explain_value(Direction::Reverse, f, |out| self.emit(out))
    }
}

/// BLOCK_ID, RESULT_CODE, BLOCK_LEN, PARAM_DATA.
fn read_answer<'a, T: Trace>(
    f: &mut Fields<'a, '_, T>,
    msg_type: MsgType,
) -> Result<(Block<'a>, ResultCode), Error> {
    let id = f.code("BLOCK_ID", |v| block_name(msg_type, v))?;
    let result = read_result(f)?;
    let len = f.u8("BLOCK_LEN", 8)?;
    Ok((read_data(f, Listed::Blocks(msg_type), id, len)?, result))
}

fn write_answer(s: &mut impl Sink, result: ResultCode, block: Block<'_>) -> Result<(), Error> {
    s.put(u64::from(block.id), 8)?;
    s.put(u64::from(result.0), 8)?;
    s.counted(block.data)
}

fn read_model<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<(u16, u8), Error> {
    let firmware_rev = f.take("MOB_FIRM_REV", 16, |_| Show::Hex)?;
    Ok((u16::try_from(firmware_rev).unwrap_or(u16::MAX), f.u8("MOB_MODEL", 8)?))
}

fn write_model(s: &mut impl Sink, firmware_rev: u16, model: u8) -> Result<(), Error> {
    s.put(u64::from(firmware_rev), 16)?;
    s.put(u64::from(model), 8)
}
