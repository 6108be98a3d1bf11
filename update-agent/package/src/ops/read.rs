use super::{DIFFERENCES_MAX, UNCHANGED_MAX, code};
use crate::limits::REPEAT_MAX;
use crate::{Error, ErrorKind, Input, ReadError};

/// One op, without the octets that follow it in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `len` octets from the stream.
    Literal {
        /// Octets made.
        len: u32,
    },
    /// `len` times `value`.
    Fill {
        /// Octets made.
        len: u32,
        /// The octet.
        value: u8,
    },
    /// `len` octets of the old image from `source` on.
    Copy {
        /// Octets made.
        len: u32,
        /// Offset in the old image.
        source: u32,
    },
    /// The same, with differences added: runs follow.
    Differ {
        /// Octets made.
        len: u32,
        /// Offset in the old image.
        source: u32,
    },
}

impl Op {
    /// How many octets it makes.
    pub const fn len(self) -> u32 {
        match self {
            Self::Literal { len }
            | Self::Fill { len, .. }
            | Self::Copy { len, .. }
            | Self::Differ { len, .. } => len,
        }
    }

    /// Whether it makes nothing; no op does.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// One run of an [`Op::Differ`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Octets copied as they are.
    pub unchanged: u32,
    /// Differences added to the octets after them.
    pub differences: u32,
    /// Whether they are those of the run before; else they follow in the stream.
    pub repeated: bool,
}

/// How many octets of the stream are read ahead: less makes flash reads slow, more costs stack.
const AHEAD: usize = 32;

/// Reads the ops of one block front to back. What belongs to an op (literal octets, runs, differences) must be read
/// before the next op.
#[derive(Clone, Debug)]
pub struct OpReader {
    /// Package offset of the next octet.
    at: u32,
    end: u32,
    ahead: [u8; AHEAD],
    /// Package offset of `ahead`, and how much of it is filled.
    ahead_at: u32,
    ahead_len: u32,
    /// Octets of the block not made yet.
    left: u32,
    expected: u32,
    /// First octet of the old image that may be used, and the one behind the last.
    sources: (u32, u32),
    /// The differences of the last run, if they can be repeated.
    last: [u8; REPEAT_MAX],
    last_len: u32,
}

impl OpReader {
    /// A reader of the `stream` (package offsets of its first octet and behind its last) of a block that starts at
    /// offset `start` of the image, is `len` octets long and may use the octets `sources` of the old image.
    pub const fn new(stream: (u32, u32), start: u32, len: u32, sources: (u32, u32)) -> Self {
        let (at, end) = stream;
        Self {
            at,
            end,
            ahead: [0; AHEAD],
            ahead_at: at,
            ahead_len: 0,
            left: len,
            expected: start,
            sources,
            last: [0; REPEAT_MAX],
            last_len: 0,
        }
    }

    /// Package offset of the next octet.
    pub const fn at(&self) -> u32 {
        self.at
    }

    /// The next op, or none when the block is full; then the stream must be used up.
    pub fn op<I: Input>(&mut self, input: &mut I) -> Result<Option<Op>, ReadError<I::Error>> {
        let at = self.at;
        if self.left == 0 {
            return if at == self.end { Ok(None) } else { Err(error(ErrorKind::Trailing, at)) };
        }
        let word = self.varint(input)?;
        let len = (word >> 2).saturating_add(1);
        self.left = self.left.checked_sub(len).ok_or(error(ErrorKind::BadLength, at))?;
        let expected = self.expected;
        self.expected = expected.wrapping_add(len);
        let op = match word & 3 {
            code::LITERAL => Op::Literal { len },
            code::FILL => Op::Fill { len, value: self.octet(input)? },
            copy => {
                let source = self.source(input, expected, len)?;
                self.last_len = 0;
                if copy == code::COPY { Op::Copy { len, source } } else { Op::Differ { len, source } }
            }
        };
        Ok(Some(op))
    }

    /// The next run of an [`Op::Differ`] that still has to make `left` octets.
    pub fn run<I: Input>(&mut self, input: &mut I, left: u32) -> Result<Run, ReadError<I::Error>> {
        let at = self.at;
        let head = self.octet(input)?;
        let (unchanged, few) = (head >> 3, head & 7);
        let mut run =
            Run { unchanged: u32::from(unchanged), differences: u32::from(few), repeated: few == 0 };
        if unchanged == UNCHANGED_MAX {
            run.unchanged = self.varint(input)?.saturating_add(run.unchanged);
        }
        let changing = left.checked_sub(run.unchanged).ok_or(error(ErrorKind::BadLength, at))?;
        if few == DIFFERENCES_MAX {
            run.differences = self.varint(input)?.saturating_add(run.differences);
        }
        if run.repeated && changing > 0 {
            run.differences = self.last_len;
        }
        if run.differences > changing || (run.differences == 0 && changing > 0) {
            return Err(error(ErrorKind::BadLength, at));
        }
        if !run.repeated {
            self.last_len = 0;
        }
        Ok(run)
    }

    /// Fills `out` with the next octets of the stream: literals.
    pub fn octets<I: Input>(&mut self, input: &mut I, out: &mut [u8]) -> Result<(), ReadError<I::Error>> {
        let end =
            u32::try_from(out.len()).ok().and_then(|n| self.at.checked_add(n)).filter(|end| *end <= self.end);
        let end = end.ok_or(error(ErrorKind::Truncated, self.at))?;
        input.package(self.at, out).map_err(ReadError::Input)?;
        self.at = end;
        Ok(())
    }

    /// Difference number `n` of `run`.
    pub fn difference<I: Input>(
        &mut self,
        input: &mut I,
        run: Run,
        n: u32,
    ) -> Result<u8, ReadError<I::Error>> {
        let slot = usize::try_from(n).ok().and_then(|n| self.last.get_mut(n));
        if run.repeated {
            return Ok(slot.copied().unwrap_or_default());
        }
        let value = self.octet(input)?;
        let slot = usize::try_from(n).ok().and_then(|n| self.last.get_mut(n));
        self.last_len = match slot {
            Some(slot) => {
                *slot = value;
                n.saturating_add(1)
            }
            None => 0,
        };
        Ok(value)
    }

    /// Passes over the next `n` octets of the stream.
    pub fn skip<E>(&mut self, n: u32) -> Result<(), ReadError<E>> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.end);
        self.at = end.ok_or(error(ErrorKind::Truncated, self.at))?;
        Ok(())
    }

    fn source<I: Input>(
        &mut self,
        input: &mut I,
        expected: u32,
        len: u32,
    ) -> Result<u32, ReadError<I::Error>> {
        let at = self.at;
        let word = self.varint(input)?;
        let distance = (word >> 1).cast_signed() ^ (word & 1).cast_signed().wrapping_neg();
        let (first, behind) = self.sources;
        let source = expected.checked_add_signed(distance).filter(|source| *source >= first);
        let source = source.ok_or(error(ErrorKind::BadSource, at))?;
        let end =
            source.checked_add(len).filter(|end| *end <= behind).ok_or(error(ErrorKind::BadSource, at))?;
        self.expected = end;
        Ok(source)
    }

    fn varint<I: Input>(&mut self, input: &mut I) -> Result<u32, ReadError<I::Error>> {
        let at = self.at;
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let octet = self.octet(input)?;
            let group = u32::from(octet & 0x7F);
            let placed = group << shift;
            if placed >> shift != group {
                break;
            }
            value |= placed;
            if octet & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(error(ErrorKind::BadValue, at))
    }

    fn octet<I: Input>(&mut self, input: &mut I) -> Result<u8, ReadError<I::Error>> {
        let mut ahead = self.at.wrapping_sub(self.ahead_at);
        if ahead >= self.ahead_len {
            let left = self.end.saturating_sub(self.at);
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(AHEAD);
            let buffer = self.ahead.get_mut(..room).unwrap_or_default();
            self.ahead_len = 0;
            input.package(self.at, buffer).map_err(ReadError::Input)?;
            self.ahead_at = self.at;
            self.ahead_len = u32::try_from(room).unwrap_or_default();
            ahead = 0;
        }
        let octet = usize::try_from(ahead).ok().and_then(|ahead| self.ahead.get(ahead));
        let octet = octet.filter(|_| self.at < self.end).ok_or(error(ErrorKind::Truncated, self.at))?;
        self.at = self.at.wrapping_add(1);
        Ok(*octet)
    }
}

fn error<E>(kind: ErrorKind, at: u32) -> ReadError<E> {
    ReadError::Format(Error::new(kind, usize::try_from(at).unwrap_or(usize::MAX)))
}
