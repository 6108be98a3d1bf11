//! The repeated parts of messages: block ids, blocks, and pairs of octets, all borrowed from the message.
use super::body::{read_body, read_opaque};
use super::fields::{Fields, Sink, Trace};
use super::{CapRecord, Feature, MsgType, ResultCode, block_name};
use crate::wire::{Error, ErrorKind, Writer};

/// BLOCK_ID BLOCK_LEN PARAM_DATA (C.S0016 §3.3): one parameter block. Capability records have the same shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// BLOCK_ID; its meaning depends on the message type, see [`super::block_name`].
    pub id: u8,
    /// PARAM_DATA, at most 255 octets.
    pub data: &'a [u8],
}

/// At most 255 parameter blocks, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Blocks<'a> {
    count: u8,
    bytes: &'a [u8],
}

/// Builds [`Blocks`] in the caller's buffer.
#[derive(Debug)]
pub struct BlocksBuilder<'b> {
    writer: Writer<'b>,
    count: u8,
}

/// Pairs of octets, such as (BLOCK_ID, RESULT_CODE) or (FEATURE_ID, FEATURE_P_REV); at most 255.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct OctetPairs<'a>(&'a [u8]);

impl<'a> Blocks<'a> {
    /// Writes `blocks` into `out` and borrows them from there.
    pub fn build(blocks: &[Block<'_>], out: &'a mut [u8]) -> Result<Self, Error> {
        let mut builder = BlocksBuilder::new(out);
        blocks.iter().try_for_each(|block| builder.push(*block))?;
        Ok(builder.finish())
    }

    /// How many blocks.
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The blocks, in order.
    pub fn iter(&self) -> impl Iterator<Item = Block<'a>> + use<'a> {
        self.iter_at(0).map(|(_, block)| block)
    }

    /// The blocks with the offset of their PARAM_DATA, when the list starts at octet `base` of the message.
    pub fn iter_at(&self, base: usize) -> impl Iterator<Item = (usize, Block<'a>)> + use<'a> {
        let mut reader = crate::wire::Reader::with_base(self.bytes, base);
        core::iter::from_fn(move || {
            let id = reader.u8().ok()?;
            let len = reader.u8().ok()?;
            let at = reader.at();
            Some((at, Block { id, data: reader.take(usize::from(len)).ok()? }))
        })
    }

    /// Reads the count and the blocks.
    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>, listed: Listed) -> Result<Self, Error> {
        let [count, ..] = listed.names();
        let count = f.u8(count, 8)?;
        let all = f.rest()?;
        for _ in 0..count {
            read_block(f, listed)?;
        }
        Ok(Self { count, bytes: consumed(all, f)? })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.count), 8)?;
        s.octets(self.bytes.iter().copied())
    }
}

impl<'b> BlocksBuilder<'b> {
    /// No blocks yet.
    pub const fn new(out: &'b mut [u8]) -> Self {
        Self { writer: Writer::new(out), count: 0 }
    }

    /// Appends a block. On an error the builder is to be dropped.
    pub fn push(&mut self, block: Block<'_>) -> Result<(), Error> {
        let limit = Error::new(ErrorKind::LimitExceeded, self.writer.at());
        self.count = self.count.checked_add(1).ok_or(limit)?;
        self.writer.u8(block.id)?;
        self.writer.u8(u8::try_from(block.data.len()).map_err(|_| limit)?)?;
        self.writer.put(block.data)
    }

    /// The blocks.
    pub fn finish(self) -> Blocks<'b> {
        Blocks { count: self.count, bytes: self.writer.finish() }
    }
}

impl<'a> OctetPairs<'a> {
    /// Pairs that lie one after the other in `octets`; an odd octet or more than 255 pairs give `None`.
    pub const fn new(octets: &'a [u8]) -> Option<Self> {
        if octets.len().is_multiple_of(2) && octets.len() <= 510 { Some(Self(octets)) } else { None }
    }

    /// How many pairs.
    pub const fn len(&self) -> usize {
        self.0.len() / 2
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u8)> + use<'a> {
        self.0.as_chunks::<2>().0.iter().map(|[a, b]| (*a, *b))
    }

    /// The pairs as (BLOCK_ID, RESULT_CODE).
    pub fn results(&self) -> impl Iterator<Item = (u8, ResultCode)> + use<'a> {
        self.iter().map(|(id, code)| (id, ResultCode(code)))
    }

    /// Reads the count and the pairs.
    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>, listed: Listed) -> Result<Self, Error> {
        let [count, first, second] = listed.names();
        let count = f.u8(count, 8)?;
        let all = f.rest()?;
        for _ in 0..count {
            f.code(first, |v| listed.text(v))?;
            match listed {
                Listed::Features => f.u8(second, 8)?,
                _ => f.code(second, |v| ResultCode(v).name())?,
            };
        }
        Ok(Self(consumed(all, f)?))
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(self.len() as u64, 8)?;
        s.octets(self.0.iter().copied())
    }
}

impl core::fmt::Debug for Blocks<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl core::fmt::Debug for OctetPairs<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What a list is made of; decides the names its fields are shown with.
#[derive(Clone, Copy)]
pub(crate) enum Listed {
    /// Parameter blocks of a message.
    Blocks(MsgType),
    /// Results of a message's blocks.
    Results(MsgType),
    /// Capability records.
    Records,
    /// Features with their revisions.
    Features,
}

impl Listed {
    /// Names of the count, and of the first and second octet of an element.
    pub(crate) const fn names(self) -> [&'static str; 3] {
        match self {
            Self::Blocks(_) => ["NUM_BLOCKS", "BLOCK_ID", "BLOCK_LEN"],
            Self::Results(_) => ["NUM_BLOCKS", "BLOCK_ID", "RESULT_CODE"],
            Self::Records => ["NUM_CAP_RECORDS", "CAP_RECORD_TYPE", "CAP_RECORD_LEN"],
            Self::Features => ["NUM_FEATURES", "FEATURE_ID", "FEATURE_P_REV"],
        }
    }

    /// What the first octet of an element means.
    pub(crate) fn text(self, value: u8) -> Option<&'static str> {
        match self {
            Self::Blocks(msg_type) | Self::Results(msg_type) => block_name(msg_type, value),
            Self::Records => CapRecord(value).name(),
            Self::Features => Feature(value).name(),
        }
    }
}

/// Reads one block; its PARAM_DATA is looked into only when the reading is watched.
pub(crate) fn read_block<'a, T: Trace>(
    f: &mut Fields<'a, '_, T>,
    listed: Listed,
) -> Result<Block<'a>, Error> {
    let [_, id_name, len_name] = listed.names();
    let id = f.code(id_name, |v| listed.text(v))?;
    let len = f.u8(len_name, 8)?;
    read_data(f, listed, id, len)
}

/// Reads the PARAM_DATA of a block whose id and length are known.
pub(crate) fn read_data<'a, T: Trace>(
    f: &mut Fields<'a, '_, T>,
    listed: Listed,
    id: u8,
    len: u8,
) -> Result<Block<'a>, Error> {
    let at = f.at();
    let data = f.slice(usize::from(len))?;
    if T::ON && len != 0 {
        let mut inner = f.within(data, at);
        inner.open(listed.text(id).unwrap_or("block"));
        match listed {
            Listed::Blocks(msg_type) => read_body(msg_type, id, &mut inner)?,
            _ => read_opaque(&mut inner)?,
        };
        inner.finish()?;
        inner.close();
    }
    Ok(Block { id, data })
}

/// The part of `all` that `f` has moved past.
pub(crate) fn consumed<'a, T: Trace>(all: &'a [u8], f: &Fields<'a, '_, T>) -> Result<&'a [u8], Error> {
    let done = all.len().saturating_sub(f.rest()?.len());
    all.get(..done).ok_or(f.error(ErrorKind::BadLength))
}
