//! The memory that the streams of both images take.
use super::archive::Archiving;
use super::remake::Room;
use super::token::CELLS;

/// What the streams of both images take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Of the new image: the most of each.
    pub room: Room,
    /// Old streams whose decisions are noted.
    pub streams: u32,
    /// Words of these notes.
    pub notes: u32,
}

impl Needs {
    /// Words of memory.
    pub fn words(&self) -> usize {
        let plain = usize::try_from(self.room.plain.div_ceil(4)).unwrap_or(usize::MAX);
        let notes = Archiving::words(self.streams, self.notes);
        self.room.words().saturating_add(plain).saturating_add(notes).saturating_add(self.cells())
    }

    /// Words to unpack with.
    pub(super) const fn cells(&self) -> usize {
        if self.streams == 0 { 0 } else { CELLS.div_ceil(2) }
    }
}
