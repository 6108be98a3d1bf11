//! Recipes: which streams an image holds, and how they are made again.
//!
//! ```text
//!  head │ old stream, .. │ new stream, its corrections │ new stream, its corrections │ ..
//! ```
//! All of it is one stream of adaptively coded numbers and flags, read from front to end in both directions. Streams do not
//! overlap and stand in the order of their image; each says how many octets of the image stand before it and behind the
//! last. What is no stream stays as it is in both images.
use kedge_delta::bits::Bits;

use crate::deflate::correct::Model;
use crate::deflate::make::Room;
use crate::deflate::{Fault, Manner, chains};
use crate::lzma::{self, Filter, Framing, Props};

/// The most streams that an image may have: each takes some octets of a recipe, but memory for a table.
pub const STREAMS_MAX: u32 = 1 << 14;

/// Places in an expanded image at which streams start, so that what is in them stands as it does in memory: instructions at
/// multiples of their size, and much content at a multiple of what load addresses are multiples of. What fills the place up
/// before costs next to nothing.
const PLACES: [(u32, u32); 2] = [(MUCH, 256), (0, 4)];
/// Streams that hold so much are likely programs of their own.
const MUCH: u32 = 1 << 16;

/// The next place at or behind `at` for a stream that holds `plain` octets, if no more than `most` may be filled up; `None`
/// if there is none below 2^32.
pub fn place(at: u32, plain: u32, most: u32) -> Option<u32> {
    let fits = PLACES.iter().find(|(least, step)| plain >= *least && most >= *step);
    fits.map_or(Some(at), |(_, step)| at.checked_next_multiple_of(*step))
}

/// What is known before the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Streams of the old image that are unpacked.
    pub old: u32,
    /// The sum of their plain octets.
    pub plain: u32,
    /// Streams of the new image that are made again.
    pub new: u32,
    /// Octets of the new image with these streams unpacked.
    pub expanded: u32,
    /// The memory that making those of DEFLATE takes.
    pub room: Room,
    /// The memory that those of LZMA take.
    pub lzma: lzma::Needs,
}

/// A stream of the old image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Old {
    /// Octets between the last stream and this one.
    pub gap: u32,
    /// Octets of the stream, and the check value behind it.
    pub len: u32,
    /// Octets that it holds.
    pub plain: u32,
    /// It is one of LZMA.
    pub lzma: Option<Lzma>,
}

impl Old {
    /// Where it starts in the expanded image, the last one having ended at `end`. What fills the place up are octets of the
    /// stream as it is in the image, so they are no more than it has.
    pub fn start(&self, end: u32) -> Option<u32> {
        place(end.checked_add(self.gap)?, self.plain, self.len)
    }
}

/// What is told of an LZMA stream beside its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lzma {
    /// How it is cut.
    pub framing: Framing,
    /// What was done with its octets before.
    pub filter: Filter,
    /// Its tokens.
    pub tokens: u32,
}

impl Lzma {
    /// The stream with its sizes.
    pub const fn stream(self, packed: u32, plain: u32) -> lzma::Stream {
        let Self { framing, filter, tokens } = self;
        lzma::Stream { framing, filter, packed, plain, tokens }
    }
}

impl From<lzma::Stream> for Lzma {
    fn from(stream: lzma::Stream) -> Self {
        let lzma::Stream { framing, filter, tokens, .. } = stream;
        Self { framing, filter, tokens }
    }
}

/// A stream of the new image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct New {
    /// Octets between the last stream and this one.
    pub gap: u32,
    /// Octets that it holds.
    pub plain: u32,
    /// How it is made.
    pub coder: Coder,
}

impl New {
    /// Where it starts in the expanded image, the last one having ended at `end`. What fills the place up may be anything.
    pub fn start(&self, end: u32) -> Option<u32> {
        place(end.checked_add(self.gap)?, self.plain, u32::MAX)
    }
}

/// How a stream of the new image is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coder {
    /// As an encoder of DEFLATE does.
    Deflate {
        /// What is made behind it.
        check: Check,
        /// Its encoder.
        manner: Manner,
    },
    /// From the decisions of an encoder of LZMA.
    Lzma {
        /// The stream.
        stream: lzma::Stream,
        /// The number, among those of LZMA, of the old stream that it resembles.
        like: Option<u32>,
    },
}

/// A check value behind a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Nothing.
    #[default]
    None,
    /// zlib's: Adler-32, big-endian.
    Adler,
    /// gzip's: CRC-32 and length, little-endian.
    Crc,
}

impl Check {
    /// Octets that it takes.
    pub const fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::Adler => 4,
            Self::Crc => 8,
        }
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::None)
    }
}

/// The sorts of numbers; those below 8 belong to the parameters of encoders.
mod sort {
    pub(super) const COUNT: u32 = 8;
    pub(super) const ROOM: u32 = 9;
    pub(super) const GAP: u32 = 10;
    pub(super) const LEN: u32 = 11;
    pub(super) const PLAIN: u32 = 12;
    pub(super) const CHECK: u32 = 13;
    pub(super) const FRAMING: u32 = 14;
    pub(super) const FILTER: u32 = 15;
    pub(super) const LIKE: u32 = 16;
    pub(super) const LZMA: u32 = 17;
}

/// Codes the head.
pub fn head<B: Bits>(model: &mut Model<'_>, bits: &mut B, head: Head) -> Result<Head, B::Error> {
    let old = model.number(bits, sort::COUNT, head.old)?;
    let plain = model.number(bits, sort::PLAIN, head.plain)?;
    let new = model.number(bits, sort::COUNT, head.new)?;
    let expanded = model.number(bits, sort::PLAIN, head.expanded)?;
    let tokens = model.number(bits, sort::ROOM, head.room.tokens)?;
    let chains::Room { ring, positions, lists } = head.room.window;
    let ring = model.number(bits, sort::ROOM, ring)?;
    let positions = model.number(bits, sort::ROOM, positions)?;
    let lists = model.number(bits, sort::ROOM, lists)?;
    let room = Room { tokens, window: chains::Room { ring, positions, lists } };
    let lzma::Needs { room: most, streams, notes } = head.lzma;
    let lzma_plain = model.number(bits, sort::LZMA, most.plain)?;
    let lzma_tokens = model.number(bits, sort::LZMA, most.tokens)?;
    let streams = model.number(bits, sort::LZMA, streams)?;
    let notes = model.number(bits, sort::LZMA, notes)?;
    let most = lzma::Room { plain: lzma_plain, tokens: lzma_tokens };
    Ok(Head { old, plain, new, expanded, room, lzma: lzma::Needs { room: most, streams, notes } })
}

/// The number that stands for LZMA among the checks of DEFLATE.
const LZMA: u32 = 3;

/// Codes what is told of an LZMA stream.
fn lzma<B: Bits>(model: &mut Model<'_>, bits: &mut B, of: Option<Lzma>) -> Result<Lzma, B::Error> {
    let Lzma { framing, filter, tokens } =
        of.unwrap_or(Lzma { framing: Framing::Chunks, filter: Filter::None, tokens: 0 });
    let number = match framing {
        Framing::Chunks => 0,
        Framing::Bare { props, marked } => {
            (u32::from(props.to_octet()) << 1 | u32::from(marked)).wrapping_add(1)
        }
    };
    // what there is not is coded by nobody; it becomes something that fits no stream
    let framing = match model.number(bits, sort::FRAMING, number)?.checked_sub(1) {
        None => Framing::Chunks,
        Some(number) => {
            let props = u8::try_from(number >> 1).ok().and_then(Props::from_octet).unwrap_or_default();
            Framing::Bare { props, marked: number & 1 == 1 }
        }
    };
    let filter = model.number(bits, sort::FILTER, filter as u32)?;
    let filter = Filter::from_id(u64::from(filter)).unwrap_or_default();
    let tokens = model.number(bits, sort::ROOM, tokens)?;
    Ok(Lzma { framing, filter, tokens })
}

/// Codes a stream of the old image.
pub fn old<B: Bits>(model: &mut Model<'_>, bits: &mut B, stream: Old) -> Result<Old, B::Error> {
    let gap = model.number(bits, sort::GAP, stream.gap)?;
    let len = model.number(bits, sort::LEN, stream.len)?;
    let plain = model.number(bits, sort::PLAIN, stream.plain)?;
    let is_lzma = model.number(bits, sort::CHECK, if stream.lzma.is_some() { LZMA } else { 0 })? == LZMA;
    let lzma = if is_lzma { Some(lzma(model, bits, stream.lzma)?) } else { None };
    Ok(Old { gap, len, plain, lzma })
}

/// Codes a stream of the new image; its corrections come behind it.
pub fn new<B: Bits>(model: &mut Model<'_>, bits: &mut B, stream: New) -> Result<New, B::Error> {
    let gap = model.number(bits, sort::GAP, stream.gap)?;
    let plain = model.number(bits, sort::PLAIN, stream.plain)?;
    let (number, manner, of) = match stream.coder {
        Coder::Deflate { check, manner } => (check as u32, manner, None),
        Coder::Lzma { stream, like } => (LZMA, Manner::zlib(0, 1), Some((stream, like))),
    };
    let check = match model.number(bits, sort::CHECK, number)? {
        0 => Check::None,
        1 => Check::Adler,
        2 => Check::Crc,
        _ => {
            let (of, like) = of.unwrap_or((lzma::Stream::NONE, None));
            let lzma = lzma(model, bits, Some(of.into()))?;
            let packed = model.number(bits, sort::LEN, of.packed)?;
            let like = like.map_or(0, |number| number.saturating_add(1));
            let like = model.number(bits, sort::LIKE, like)?.checked_sub(1);
            let stream = lzma.stream(packed, plain);
            return Ok(New { gap, plain, coder: Coder::Lzma { stream, like } });
        }
    };
    let manner = model.manner(bits, manner)?;
    Ok(New { gap, plain, coder: Coder::Deflate { check, manner } })
}

/// Computes check values.
#[derive(Clone, Copy, Debug)]
pub struct Checksum {
    kind: Check,
    /// Adler-32's two sums, or the CRC-32 so far.
    state: (u32, u32),
    len: u32,
}

/// Adler-32 counts modulo this prime.
const ADLER: u32 = 65521;
/// The polynomial of CRC-32, its lowest power first.
const CRC: u32 = 0xEDB8_8320;

impl Checksum {
    /// Of nothing yet.
    pub const fn new(kind: Check) -> Self {
        Self { kind, state: if let Check::Crc = kind { (u32::MAX, 0) } else { (1, 0) }, len: 0 }
    }

    /// Adds octets.
    pub fn update(&mut self, octets: &[u8]) {
        let (mut one, mut two) = self.state;
        match self.kind {
            Check::None => return,
            Check::Adler => {
                for octet in octets {
                    one = one.wrapping_add(u32::from(*octet));
                    one = one.checked_sub(ADLER).unwrap_or(one);
                    two = two.wrapping_add(one);
                    two = two.checked_sub(ADLER).unwrap_or(two);
                }
            }
            Check::Crc => {
                for octet in octets {
                    one ^= u32::from(*octet);
                    for _ in 0..8 {
                        one = one >> 1 ^ (CRC & (one & 1).wrapping_neg());
                    }
                }
            }
        }
        self.state = (one, two);
        self.len = self.len.wrapping_add(u32::try_from(octets.len()).unwrap_or(0));
    }

    /// The octet number `at` of the check value; none behind its end.
    pub fn octet(&self, at: usize) -> Option<u8> {
        let (one, two) = self.state;
        match self.kind {
            Check::None => None,
            Check::Adler => (two << 16 | one).to_be_bytes().get(at).copied(),
            Check::Crc => {
                let all = u64::from(self.len) << 32 | u64::from(!one);
                all.to_le_bytes().get(at).copied()
            }
        }
    }
}

/// Where the streams of an old image stand, and what they hold: the old image as if they were not compressed.
#[derive(Clone, Copy, Debug)]
pub struct Expansion<'m> {
    /// Per stream: its offset in the expanded image, the first offset behind it, where its plain octets stand among all, and
    /// what has to be added to offsets behind it to get those of the image, modulo 2^32.
    table: &'m [u32],
    plain: &'m [u8],
}

/// Words of an entry.
const ENTRY: usize = 4;

/// A piece of an expanded image: so many octets of the image from an offset on, or plain octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'m> {
    /// Octets of the image.
    Image(u32, u32),
    /// Octets of a stream.
    Plain(&'m [u8]),
}

/// Builds an [`Expansion`].
#[derive(Debug)]
pub struct Expanding<'m> {
    table: &'m mut [u32],
    plain: &'m mut [u8],
    count: usize,
    used: usize,
    /// The ends of the last stream in both images.
    image: u32,
    expanded: u32,
}

impl<'m> Expanding<'m> {
    /// Words of memory for what a head tells.
    pub fn words(head: &Head) -> usize {
        let table = usize::try_from(head.old).unwrap_or(usize::MAX).saturating_mul(ENTRY);
        table.saturating_add(usize::try_from(head.plain.div_ceil(4)).unwrap_or(usize::MAX))
    }

    /// Nothing yet, in these words.
    pub fn new(head: &Head, words: &'m mut [u32]) -> Result<Self, Fault> {
        let short = Fault::Memory { words: Self::words(head) };
        let table = usize::try_from(head.old.min(STREAMS_MAX)).unwrap_or(0).saturating_mul(ENTRY);
        let (table, plain) = words.split_at_mut_checked(table).ok_or(short)?;
        let plain: &mut [u8] = bytemuck::try_cast_slice_mut(plain).unwrap_or_default();
        let plain = usize::try_from(head.plain).ok().and_then(|len| plain.get_mut(..len)).ok_or(short)?;
        Ok(Self { table, plain, count: 0, used: 0, image: 0, expanded: 0 })
    }

    /// The offset of the next stream, and the place for what it holds.
    pub fn next(&mut self, stream: &Old) -> Result<(u32, &mut [u8]), Fault> {
        let at = self.image.checked_add(stream.gap).ok_or(Fault::Size)?;
        let len = usize::try_from(stream.plain).unwrap_or(usize::MAX);
        let place = self.plain.get_mut(self.used..).and_then(|rest| rest.get_mut(..len));
        Ok((at, place.ok_or(Fault::Size)?))
    }

    /// The stream is unpacked.
    pub fn push(&mut self, stream: &Old) -> Result<(), Fault> {
        let start = stream.start(self.expanded).ok_or(Fault::Size)?;
        let end = start.checked_add(stream.plain).ok_or(Fault::Size)?;
        let image = self.image.checked_add(stream.gap).and_then(|at| at.checked_add(stream.len));
        self.image = image.ok_or(Fault::Size)?;
        self.expanded = end;
        let entry = [start, end, u32::try_from(self.used).unwrap_or(0), self.image.wrapping_sub(end)];
        let (entries, _) = self.table.as_chunks_mut::<ENTRY>();
        *entries.get_mut(self.count).ok_or(Fault::Size)? = entry;
        self.count = self.count.saturating_add(1);
        self.used = self.used.saturating_add(usize::try_from(stream.plain).unwrap_or(usize::MAX));
        Ok(())
    }

    /// The expansion, and how many octets an image of `size` octets has with it.
    pub fn finish(self, size: u32) -> Result<(Expansion<'m>, u32), Fault> {
        let behind = size.checked_sub(self.image).ok_or(Fault::Size)?;
        let expanded = self.expanded.checked_add(behind).ok_or(Fault::Size)?;
        let table = self.table.get(..self.count.saturating_mul(ENTRY)).unwrap_or_default();
        Ok((Expansion { table, plain: self.plain }, expanded))
    }
}

impl<'m> Expansion<'m> {
    /// The number of streams that start at or before `at`.
    fn before(&self, at: u32) -> usize {
        let (entries, _) = self.table.as_chunks::<ENTRY>();
        entries.partition_point(|[start, ..]| *start <= at)
    }

    /// What stands at `at` of the expanded image: at most `most` octets of it.
    pub fn piece(&self, at: u32, most: u32) -> Piece<'m> {
        let (entries, _) = self.table.as_chunks::<ENTRY>();
        let number = self.before(at);
        let last = number.checked_sub(1).and_then(|last| entries.get(last));
        let room = match entries.get(number) {
            Some([start, ..]) => start.wrapping_sub(at).min(most),
            None => most,
        };
        let Some([start, end, plain, shift]) = last else { return Piece::Image(at, room) };
        if at >= *end {
            return Piece::Image(at.wrapping_add(*shift), room);
        }
        let from = plain.wrapping_add(at.wrapping_sub(*start));
        let len = end.wrapping_sub(at).min(most);
        let (from, len) = (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(len).unwrap_or(0));
        Piece::Plain(self.plain.get(from..).and_then(|rest| rest.get(..len)).unwrap_or_default())
    }
}
