//! Five families of messages have the same layouts and differ in their type: NAM, 3GPD, MMD, MMS, MMSS.
use super::fields::{Fields, Sink, Trace};
use super::lists::{Listed, consumed, read_block};
use super::{Block, Blocks, MsgType, ResultCode};
use crate::wire::{Error, ErrorKind, Writer};

/// A family of block lists with a Configuration and a Download message each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Number assignment module.
    Nam,
    /// Packet data (3GPD).
    PacketData,
    /// Multimedia domain.
    Mmd,
    /// Multimedia messaging.
    Mms,
    /// Multimode system selection (revision D). That its messages are laid out like those of the others is assumed.
    Mmss,
}

/// Whether the Configuration Response of a family carries each RESULT_CODE behind its block (`true`) or all of them behind
/// all blocks. NAM: behind all (two sources). 3GPD and MMD: behind each (one source). MMS: the sources disagree; `true`
/// follows the one written against the published revision. MMSS: no source, taken like MMS. With one block in the message both are the same.
pub const fn result_codes_inside(family: Family) -> bool {
    !matches!(family, Family::Nam)
}

/// Blocks with a result each, as a Configuration Response carries them.
#[derive(Clone, Copy)]
pub struct Answers<'a>(Layout<'a>);

#[derive(Clone, Copy)]
enum Layout<'a> {
    /// Blocks, and their results in the same order.
    Apart(Blocks<'a>, &'a [u8]),
    /// Blocks with a result octet behind each.
    Inside(u8, &'a [u8]),
}

impl Family {
    /// Type of the Configuration messages.
    pub const fn configuration(self) -> MsgType {
        match self {
            Self::Nam => MsgType::CONFIGURATION,
            Self::PacketData => MsgType::PACKET_DATA_CONFIGURATION,
            Self::Mmd => MsgType::MMD_CONFIGURATION,
            Self::Mms => MsgType::MMS_CONFIGURATION,
            Self::Mmss => MsgType::MMSS_CONFIGURATION,
        }
    }

    /// Type of the Download messages.
    pub const fn download(self) -> MsgType {
        match self {
            Self::Nam => MsgType::DOWNLOAD,
            Self::PacketData => MsgType::PACKET_DATA_DOWNLOAD,
            Self::Mmd => MsgType::MMD_DOWNLOAD,
            Self::Mms => MsgType::MMS_DOWNLOAD,
            Self::Mmss => MsgType::MMSS_DOWNLOAD,
        }
    }
}

impl<'a> Answers<'a> {
    /// `blocks` with `results`, one RESULT_CODE octet per block; `None` if their numbers differ.
    pub fn new(blocks: Blocks<'a>, results: &'a [u8]) -> Option<Self> {
        (blocks.len() == results.len()).then_some(Self(Layout::Apart(blocks, results)))
    }

    /// How many blocks.
    pub fn len(&self) -> usize {
        match self.0 {
            Layout::Apart(blocks, _) => blocks.len(),
            Layout::Inside(count, _) => usize::from(count),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The blocks with their results, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Block<'a>, ResultCode)> + use<'a> {
        let (apart, results, inside) = match self.0 {
            Layout::Apart(blocks, results) => (blocks, results, &[][..]),
            Layout::Inside(_, bytes) => (Blocks::default(), &[][..], bytes),
        };
        let mut reader = crate::wire::Reader::new(inside);
        let inside = core::iter::from_fn(move || {
            let id = reader.u8().ok()?;
            let len = reader.u8().ok()?;
            let data = reader.take(usize::from(len)).ok()?;
            Some((Block { id, data }, ResultCode(reader.u8().ok()?)))
        });
        apart.iter().zip(results.iter().map(|code| ResultCode(*code))).chain(inside)
    }

    pub(crate) fn read<T: Trace>(
        f: &mut Fields<'a, '_, T>,
        msg_type: MsgType,
        inside: bool,
    ) -> Result<Self, Error> {
        let listed = Listed::Blocks(msg_type);
        if inside {
            let count = f.u8("NUM_BLOCKS", 8)?;
            let all = f.rest()?;
            for _ in 0..count {
                read_block(f, listed)?;
                read_result(f)?;
            }
            return Ok(Self(Layout::Inside(count, consumed(all, f)?)));
        }
        let blocks = Blocks::read(f, listed)?;
        let all = f.rest()?;
        for _ in 0..blocks.len() {
            read_result(f)?;
        }
        Ok(Self(Layout::Apart(blocks, consumed(all, f)?)))
    }

    pub(crate) fn write(&self, s: &mut impl Sink, inside: bool) -> Result<(), Error> {
        let limit = s.refuse(ErrorKind::LimitExceeded);
        s.put(u64::from(u8::try_from(self.len()).map_err(|_| limit)?), 8)?;
        for (block, result) in self.iter() {
            s.put(u64::from(block.id), 8)?;
            s.counted(block.data)?;
            if inside {
                s.put(u64::from(result.0), 8)?;
            }
        }
        if inside { Ok(()) } else { s.octets(self.iter().map(|(_, result)| result.0)) }
    }
}

impl PartialEq for Answers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Answers<'_> {}

impl core::fmt::Debug for Answers<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Writes the answers of a Configuration Response one by one, straight into the message.
pub(crate) struct AnswersWriter<'b, 'r> {
    writer: Writer<'b>,
    inside: bool,
    /// Result codes that have to wait until all blocks are written.
    results: Writer<'r>,
}

impl<'b, 'r> AnswersWriter<'b, 'r> {
    /// Begins a Configuration Response with `count` answers; `results` has room for one octet each.
    pub(crate) fn new(
        family: Family,
        count: u8,
        out: &'b mut [u8],
        results: &'r mut [u8],
    ) -> Result<Self, Error> {
        let mut writer = Writer::new(out);
        writer.put(&[family.configuration().0, count])?;
        Ok(Self { writer, inside: result_codes_inside(family), results: Writer::new(results) })
    }

    /// Appends the answer for the next block.
    pub(crate) fn push(&mut self, block: Block<'_>, result: ResultCode) -> Result<(), Error> {
        let limit = Error::new(ErrorKind::LimitExceeded, self.writer.at());
        self.writer.put(&[block.id, u8::try_from(block.data.len()).map_err(|_| limit)?])?;
        self.writer.put(block.data)?;
        if self.inside { self.writer.u8(result.0) } else { self.results.u8(result.0) }
    }

    /// Ends the message, without FRESH.
    pub(crate) fn finish(mut self) -> Result<&'b [u8], Error> {
        self.writer.put(self.results.written())?;
        self.writer.u8(0)?;
        Ok(self.writer.finish())
    }
}

pub(crate) fn read_result<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<ResultCode, Error> {
    f.code("RESULT_CODE", |v| ResultCode(v).name()).map(ResultCode)
}
