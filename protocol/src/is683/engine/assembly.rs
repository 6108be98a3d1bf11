//! A roaming list being put together from its segments.
//!
//! ```text
//!  empty ──offset 0──► partial ──next──► partial ──last, checks pass──► complete
//!    ▲                    │ checks fail, block id changed                  │
//!    └────────────────────┴────────────── commit ──────────────────────────┘
//! ```
//! A segment continues the one before it. A repeated one (its octets are already here, unchanged) is accepted again,
//! because requests are repeated when an answer is lost; a segment at offset 0 may always start anew.
use super::phone::PrlInfo;
use crate::is683::ResultCode;
use crate::is683::prl::{Prl, PrlError, PrlFormat};
use crate::is683::sspr::Segment;
use crate::wire::{Slot, Writer};

/// Result of a segment that neither continues the list nor repeats a part of it. No source tells the code; the offset is
/// then a parameter that cannot be right.
pub const SEGMENT_OUT_OF_ORDER: ResultCode = ResultCode::INVALID_PARAMETER;

/// Result of a list whose records are wrong although its check value is right. No source tells the code.
pub const PRL_STRUCTURE: ResultCode = ResultCode::INVALID_PARAMETER;

/// The list so far.
pub(super) struct Assembly<const PRL: usize> {
    octets: [u8; PRL],
    /// Octets of the list that are here.
    received: usize,
    /// Where the segment before ended.
    cursor: usize,
    format: PrlFormat,
    complete: Slot<PrlInfo>,
}

impl<const PRL: usize> core::fmt::Debug for Assembly<PRL> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut shown = f.debug_struct("Assembly");
        shown
            .field("format", &self.format)
            .field("received", &self.received)
            .field("complete", &self.complete);
        shown.finish_non_exhaustive()
    }
}

impl<const PRL: usize> Assembly<PRL> {
    pub(super) const fn new() -> Self {
        Self { octets: [0; PRL], received: 0, cursor: 0, format: PrlFormat::Classic, complete: Slot::Empty }
    }

    pub(super) fn clear(&mut self) {
        (self.received, self.cursor, self.complete) = (0, 0, Slot::Empty);
    }

    /// Whether segments are still missing.
    pub(super) const fn is_partial(&self) -> bool {
        self.received != 0 && self.complete.is_empty()
    }

    /// Octets of the list that are here.
    pub(super) const fn received(&self) -> usize {
        self.received
    }

    /// The whole list.
    pub(super) fn complete(&self) -> Option<(PrlInfo, &[u8])> {
        Some((self.complete.get()?, self.octets.get(..self.received)?))
    }

    /// Takes a segment of a list of `format` that may have at most `max` octets.
    pub(super) fn take(&mut self, format: PrlFormat, segment: &Segment<'_>, max: usize) -> ResultCode {
        if self.is_partial() && format != self.format {
            self.clear();
            return ResultCode::UNEXPECTED_PRL_BLOCK_CHANGE;
        }
        let (start, end) = (usize::from(segment.offset), segment.end());
        if end > max.min(PRL) {
            return ResultCode::PRL_LENGTH_MISMATCH;
        }
        let here = self.octets.get(start..end.min(self.received)).unwrap_or_default();
        let repeated = format == self.format && here == segment.data && end <= self.received;
        let whole = !self.complete.is_empty() && self.cursor == self.received;
        let continues = format == self.format && start == self.cursor && !whole;
        if !repeated && !continues && start != 0 {
            return SEGMENT_OUT_OF_ORDER;
        }
        if !repeated {
            let target = self.octets.get_mut(start..).unwrap_or_default();
            if Writer::new(target).put(segment.data).is_err() {
                return ResultCode::PRL_LENGTH_MISMATCH;
            }
            (self.received, self.format, self.complete) = (end, format, Slot::Empty);
        }
        self.cursor = end;
        if segment.last { self.finish(end) } else { ResultCode::ACCEPTED }
    }

    /// Checks the list, which ends at `end`; a wrong one is dropped.
    fn finish(&mut self, end: usize) -> ResultCode {
        let list = self.octets.get(..end).unwrap_or_default();
        let result = match Prl::parse(self.format, list) {
            Ok(prl) => {
                (self.received, self.complete) = (end, Slot::Held(prl.header().into()));
                return ResultCode::ACCEPTED;
            }
            Err(PrlError::Length) => ResultCode::PRL_LENGTH_MISMATCH,
            Err(PrlError::Crc) => ResultCode::CRC_ERROR,
            Err(PrlError::Structure(_)) => PRL_STRUCTURE,
        };
        self.clear();
        result
    }
}
