//! Forward messages: what the network asks (C.S0016 §3.3; layouts in the order of OTASP_MSG_TYPE).
use super::fields::{Fields, Show, Silent, Sink, Trace, measure};
use super::lists::{Listed, read_block};
use super::{Block, Blocks, CapRecord, Direction, Family, Fresh, Message, MsgType, Packet, block_name};
use crate::wire::{BitWriter, Error, ErrorKind};

/// A request. What a field's width cannot hold is refused when it is written (`BadValue`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forward<'a> {
    /// 0x00, 0x0D, 0x11, 0x16, 0x18: read blocks.
    ConfigurationRequest {
        /// Which kind of blocks.
        family: Family,
        /// BLOCK_IDs, at most 255.
        ids: &'a [u8],
    },
    /// 0x01, 0x0E, 0x12, 0x17, 0x19: stage blocks.
    DownloadRequest {
        /// Which kind of blocks.
        family: Family,
        /// The blocks.
        blocks: Blocks<'a>,
        /// Secure Mode.
        fresh: Option<Fresh>,
    },
    /// 0x02: begin a key exchange.
    MsKeyRequest {
        /// Revision; below 3 the parameters travel with it, from 3 on the standard fixes them.
        a_key_p_rev: u8,
        /// PARAM_P and PARAM_G; present exactly when the revision is below 3.
        parameters: Option<(&'a [u8], &'a [u8])>,
    },
    /// 0x03: the network's public value.
    KeyGenerationRequest {
        /// BS_RESULT.
        bs_result: &'a [u8],
    },
    /// 0x04: try the new key.
    ReAuthenticateRequest {
        /// RAND.
        rand: u32,
    },
    /// 0x05: make everything staged permanent.
    CommitRequest,
    /// 0x06: what can the handset do; with a query the answer is the extended one.
    ProtocolCapabilityRequest(Option<CapabilityQuery<'a>>),
    /// 0x07: read the roaming list.
    SsprConfigurationRequest(SsprRequest),
    /// 0x08: stage a segment of a roaming list.
    SsprDownloadRequest {
        /// The block with the segment.
        block: Block<'a>,
        /// Secure Mode.
        fresh: Option<Fresh>,
    },
    /// 0x09: service programming code, SPASM.
    ValidationRequest(Blocks<'a>),
    /// 0x0A: begin or end a network-initiated session.
    OtapaRequest {
        /// Begin.
        start: bool,
    },
    /// 0x0B: read the user zone list.
    PuzlConfigurationRequest {
        /// BLOCK_ID.
        id: u8,
        /// What belongs to it (layout unknown).
        data: &'a [u8],
    },
    /// 0x0C: change the user zone list.
    PuzlDownloadRequest {
        /// The blocks (layouts unknown).
        blocks: Blocks<'a>,
        /// Secure Mode.
        fresh: Option<Fresh>,
    },
    /// 0x0F: begin or end encrypted parameters.
    SecureModeRequest {
        /// KEY_IN_USE, 4 bits: 0 from SSD, 1 from the 3G root key.
        security: u8,
        /// RAND_SM; present when it begins.
        rand_sm: Option<u64>,
    },
    /// 0x13: read system tags.
    SystemTagConfigurationRequest {
        /// BLOCK_ID.
        id: u8,
        /// Which part of a list; the sources disagree for which blocks it is present.
        range: Option<Range>,
    },
    /// 0x14: stage a system tag.
    SystemTagDownloadRequest(Block<'a>),
    /// 0x15: derive service keys.
    ServiceKeyGenerationRequest {
        /// KEY_ID bit map: bit 15 IMS root key, 14 BCMCS, 13 WLAN.
        key_ids: u16,
    },
}

/// What an extended Protocol Capability Request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilityQuery<'a> {
    /// The network's OTASP_P_REV.
    pub otasp_p_rev: u8,
    /// CAP_RECORD_TYPEs, at most 255.
    pub records: &'a [u8],
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// REQUEST_OFFSET.
    pub offset: u16,
    /// REQUEST_MAX_SIZE.
    pub max_size: u8,
}

/// What an SSPR Configuration Request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SsprRequest {
    /// Block 0.
    Dimensions,
    /// Block 1.
    Prl(Range),
    /// Block 2.
    ExtendedDimensions,
    /// Any other block id.
    Other(u8),
}

impl SsprRequest {
    /// The BLOCK_ID.
    pub const fn id(self) -> u8 {
        match self {
            Self::Dimensions => 0,
            Self::Prl(_) => 1,
            Self::ExtendedDimensions => 2,
            Self::Other(id) => id,
        }
    }
}

impl<'a> Forward<'a> {
    /// Reads a forward message; a packet of the other direction is `Unsupported`.
    pub fn parse(packet: &Packet<&'a [u8]>) -> Result<Self, Error> {
        match super::packet::read_message(packet, &mut Silent)? {
            Message::Forward(message) => Ok(message),
            Message::Reverse(_) => Err(Error::new(ErrorKind::Unsupported, 0)),
        }
    }

    /// Octets that [`Forward::emit`] writes; 0 for a value it refuses.
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
            Self::ConfigurationRequest { family, .. } => family.configuration(),
            Self::DownloadRequest { family, .. } => family.download(),
            Self::MsKeyRequest { .. } => MsgType::MS_KEY,
            Self::KeyGenerationRequest { .. } => MsgType::KEY_GENERATION,
            Self::ReAuthenticateRequest { .. } => MsgType::RE_AUTHENTICATE,
            Self::CommitRequest => MsgType::COMMIT,
            Self::ProtocolCapabilityRequest(_) => MsgType::PROTOCOL_CAPABILITY,
            Self::SsprConfigurationRequest(_) => MsgType::SSPR_CONFIGURATION,
            Self::SsprDownloadRequest { .. } => MsgType::SSPR_DOWNLOAD,
            Self::ValidationRequest(_) => MsgType::VALIDATION,
            Self::OtapaRequest { .. } => MsgType::OTAPA,
            Self::PuzlConfigurationRequest { .. } => MsgType::PUZL_CONFIGURATION,
            Self::PuzlDownloadRequest { .. } => MsgType::PUZL_DOWNLOAD,
            Self::SecureModeRequest { .. } => MsgType::SECURE_MODE,
            Self::SystemTagConfigurationRequest { .. } => MsgType::SYSTEM_TAG_CONFIGURATION,
            Self::SystemTagDownloadRequest(_) => MsgType::SYSTEM_TAG_DOWNLOAD,
            Self::ServiceKeyGenerationRequest { .. } => MsgType::SERVICE_KEY_GENERATION,
        }
    }

    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let unknown = f.error(ErrorKind::Unsupported);
        let msg_type = MsgType(f.code("OTASP_MSG_TYPE", |v| MsgType(v).name())?);
        Ok(match msg_type {
            MsgType::CONFIGURATION => Self::read_configuration(f, Family::Nam)?,
            MsgType::PACKET_DATA_CONFIGURATION => Self::read_configuration(f, Family::PacketData)?,
            MsgType::MMD_CONFIGURATION => Self::read_configuration(f, Family::Mmd)?,
            MsgType::MMS_CONFIGURATION => Self::read_configuration(f, Family::Mms)?,
            MsgType::MMSS_CONFIGURATION => Self::read_configuration(f, Family::Mmss)?,
            MsgType::DOWNLOAD => Self::read_download(f, Family::Nam)?,
            MsgType::PACKET_DATA_DOWNLOAD => Self::read_download(f, Family::PacketData)?,
            MsgType::MMD_DOWNLOAD => Self::read_download(f, Family::Mmd)?,
            MsgType::MMS_DOWNLOAD => Self::read_download(f, Family::Mms)?,
            MsgType::MMSS_DOWNLOAD => Self::read_download(f, Family::Mmss)?,
            MsgType::PUZL_DOWNLOAD => {
                let blocks = Blocks::read(f, Listed::Blocks(msg_type))?;
                Self::PuzlDownloadRequest { blocks, fresh: Fresh::read(f)? }
            }
            MsgType::COMMIT => Self::CommitRequest,
            MsgType::PROTOCOL_CAPABILITY => Self::read_capability(f)?,
            MsgType::SSPR_CONFIGURATION => Self::SsprConfigurationRequest(SsprRequest::read(f)?),
            MsgType::SSPR_DOWNLOAD => {
                let block = read_block(f, Listed::Blocks(msg_type))?;
                Self::SsprDownloadRequest { block, fresh: Fresh::read(f)? }
            }
            MsgType::VALIDATION => Self::ValidationRequest(Blocks::read(f, Listed::Blocks(msg_type))?),
            MsgType::OTAPA => {
                let start = f.flag("START_STOP")?;
                f.reserved(7)?;
                Self::OtapaRequest { start }
            }
            MsgType::PUZL_CONFIGURATION => {
                let id = f.code("BLOCK_ID", |v| block_name(msg_type, v))?;
                let octets = f.left() / 8;
                Self::PuzlConfigurationRequest { id, data: f.shown_slice("DATA", octets)? }
            }
            MsgType::SYSTEM_TAG_CONFIGURATION => {
                let id = f.code("BLOCK_ID", |v| block_name(msg_type, v))?;
                let range = if f.left() == 0 { None } else { Some(Range::read(f)?) };
                Self::SystemTagConfigurationRequest { id, range }
            }
            MsgType::SYSTEM_TAG_DOWNLOAD => {
                Self::SystemTagDownloadRequest(read_block(f, Listed::Blocks(msg_type))?)
            }
            MsgType::MS_KEY
            | MsgType::KEY_GENERATION
            | MsgType::RE_AUTHENTICATE
            | MsgType::SECURE_MODE
            | MsgType::SERVICE_KEY_GENERATION => Self::read_key_message(f, msg_type)?,
            _ => return Err(unknown),
        })
    }

    fn read_configuration<T: Trace>(f: &mut Fields<'a, '_, T>, family: Family) -> Result<Self, Error> {
        let ids = read_ids(f, "NUM_BLOCKS", "BLOCK_ID", |v| block_name(family.configuration(), v))?;
        Ok(Self::ConfigurationRequest { family, ids })
    }

    fn read_download<T: Trace>(f: &mut Fields<'a, '_, T>, family: Family) -> Result<Self, Error> {
        let blocks = Blocks::read(f, Listed::Blocks(family.download()))?;
        Ok(Self::DownloadRequest { family, blocks, fresh: Fresh::read(f)? })
    }

    fn read_capability<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        if f.left() == 0 {
            return Ok(Self::ProtocolCapabilityRequest(None));
        }
        let otasp_p_rev = f.u8("OTASP_P_REV", 8)?;
        let records = read_ids(f, "NUM_CAP_RECORDS", "CAP_RECORD_TYPE", |v| CapRecord(v).name())?;
        Ok(Self::ProtocolCapabilityRequest(Some(CapabilityQuery { otasp_p_rev, records })))
    }

    /// The messages of the key exchange and of Secure Mode.
    fn read_key_message<T: Trace>(f: &mut Fields<'a, '_, T>, msg_type: MsgType) -> Result<Self, Error> {
        Ok(match msg_type {
            MsgType::MS_KEY => {
                let a_key_p_rev = f.u8("A_KEY_P_REV", 8)?;
                let parameters = if a_key_p_rev < FIXED_PARAMETERS {
                    let p = read_counted(f, "PARAM_P_LEN", "PARAM_P")?;
                    Some((p, read_counted(f, "PARAM_G_LEN", "PARAM_G")?))
                } else {
                    None
                };
                Self::MsKeyRequest { a_key_p_rev, parameters }
            }
            MsgType::KEY_GENERATION => {
                Self::KeyGenerationRequest { bs_result: read_counted(f, "BS_RESULT_LEN", "BS_RESULT")? }
            }
            MsgType::RE_AUTHENTICATE => Self::ReAuthenticateRequest { rand: f.u32("RAND", 32, Show::Hex)? },
            MsgType::SECURE_MODE => {
                let start = f.flag("START_STOP")?;
                let security = f.u8("SECURITY", 4)?;
                f.reserved(3)?;
                let rand_sm = if start { Some(f.take("RAND_SM", 64, |_| Show::Hex)?) } else { None };
                Self::SecureModeRequest { security, rand_sm }
            }
            _ => {
                let key_ids = f.take("KEY_ID", 16, |_| Show::Hex)?;
                Self::ServiceKeyGenerationRequest { key_ids: u16::try_from(key_ids).unwrap_or(u16::MAX) }
            }
        })
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.msg_type().0), 8)?;
        match *self {
            Self::CommitRequest | Self::ProtocolCapabilityRequest(None) => Ok(()),
            Self::ConfigurationRequest { ids, .. } => s.counted(ids),
            Self::DownloadRequest { blocks, fresh, .. } | Self::PuzlDownloadRequest { blocks, fresh } => {
                blocks.write(s)?;
                write_fresh(s, fresh)
            }
            Self::ValidationRequest(blocks) => blocks.write(s),
            Self::ProtocolCapabilityRequest(Some(query)) => {
                s.put(u64::from(query.otasp_p_rev), 8)?;
                s.counted(query.records)
            }
            Self::SsprConfigurationRequest(request) => request.write(s),
            Self::SsprDownloadRequest { block, fresh } => {
                write_block(s, block)?;
                write_fresh(s, fresh)
            }
            Self::SystemTagDownloadRequest(block) => write_block(s, block),
            Self::OtapaRequest { start } => s.put(u64::from(start) << 7, 8),
            Self::PuzlConfigurationRequest { id, data } => {
                s.put(u64::from(id), 8)?;
                s.octets(data.iter().copied())
            }
            Self::SystemTagConfigurationRequest { id, range } => {
                s.put(u64::from(id), 8)?;
                range.map_or(Ok(()), |range| range.write(s))
            }
            _ => self.write_key_message(s),
        }
    }

    fn write_key_message(&self, s: &mut impl Sink) -> Result<(), Error> {
        match *self {
            Self::MsKeyRequest { a_key_p_rev, parameters } => {
                if parameters.is_some() != (a_key_p_rev < FIXED_PARAMETERS) {
                    return Err(s.refuse(ErrorKind::BadValue));
                }
                s.put(u64::from(a_key_p_rev), 8)?;
                parameters.map_or(Ok(()), |(p, g)| s.counted(p).and_then(|()| s.counted(g)))
            }
            Self::KeyGenerationRequest { bs_result } => s.counted(bs_result),
            Self::ReAuthenticateRequest { rand } => s.put(u64::from(rand), 32),
            Self::SecureModeRequest { security, rand_sm } => {
                s.put(u64::from(rand_sm.is_some()), 1)?;
                s.put(u64::from(security), 4)?;
                s.put(0, 3)?;
                rand_sm.map_or(Ok(()), |rand| s.put(rand, 64))
            }
            Self::ServiceKeyGenerationRequest { key_ids } => s.put(u64::from(key_ids), 16),
            // Every other message is written above.
            _ => Err(s.refuse(ErrorKind::Unsupported)),
        }
    }
}

/// From this A_KEY_P_REV on the key exchange parameters are fixed and do not travel.
const FIXED_PARAMETERS: u8 = 3;

impl SsprRequest {
    fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        Ok(match f.code("BLOCK_ID", |v| block_name(MsgType::SSPR_CONFIGURATION, v))? {
            0 => Self::Dimensions,
            1 => Self::Prl(Range::read(f)?),
            2 => Self::ExtendedDimensions,
            id => Self::Other(id),
        })
    }

    fn write(self, s: &mut impl Sink) -> Result<(), Error> {
        if matches!(self, Self::Other(0..=2)) {
            return Err(s.refuse(ErrorKind::BadValue));
        }
        s.put(u64::from(self.id()), 8)?;
        match self {
            Self::Prl(range) => range.write(s),
            _ => Ok(()),
        }
    }
}

impl Range {
    fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        Ok(Self { offset: f.u16("REQUEST_OFFSET", 16)?, max_size: f.u8("REQUEST_MAX_SIZE", 8)? })
    }

    fn write(self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.offset), 16)?;
        s.put(u64::from(self.max_size), 8)
    }
}

impl core::fmt::Display for Forward<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        super::dump::explain_value(Direction::Forward, f, |out| self.emit(out))
    }
}

fn read_ids<'a, T: Trace>(
    f: &mut Fields<'a, '_, T>,
    count: &'static str,
    name: &'static str,
    text: impl Fn(u8) -> Option<&'static str>,
) -> Result<&'a [u8], Error> {
    let count = f.u8(count, 8)?;
    let all = f.rest()?;
    for _ in 0..count {
        f.code(name, &text)?;
    }
    super::lists::consumed(all, f)
}

pub(crate) fn read_counted<'a, T: Trace>(
    f: &mut Fields<'a, '_, T>,
    len: &'static str,
    name: &'static str,
) -> Result<&'a [u8], Error> {
    let len = f.u8(len, 8)?;
    f.shown_slice(name, usize::from(len))
}

pub(crate) fn write_block(s: &mut impl Sink, block: Block<'_>) -> Result<(), Error> {
    s.put(u64::from(block.id), 8)?;
    s.counted(block.data)
}

pub(crate) fn write_fresh(s: &mut impl Sink, fresh: Option<Fresh>) -> Result<(), Error> {
    let (value, bits) = Fresh::bits(fresh);
    s.put(value, bits)
}
