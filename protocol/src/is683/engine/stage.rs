//! Blocks waiting for the commit, in one fixed buffer: family, id, length, data; the last one of a kind counts.
use super::phone::Shelf;
use crate::is683::Block;

use crate::wire::{Reader, Writer};

/// Octets for staged blocks. All NAM blocks of a phone with 61 pairs take 372, two full packet data profiles 516; what
/// does not fit is refused with "rejected, unknown reason".
pub const STAGE_OCTETS: usize = 1024;

/// Octets before the data of a staged block.
const HEAD: usize = 3;

/// Blocks waiting for the commit.
pub(super) struct Stage {
    octets: [u8; STAGE_OCTETS],
    used: usize,
}

/// The stage is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Stage {
    pub(super) const fn new() -> Self {
        Self { octets: [0; STAGE_OCTETS], used: 0 }
    }

    /// Forgets everything, and overwrites it: shared secrets may be among it.
    pub(super) fn clear(&mut self) {
        self.octets.fill(0);
        self.used = 0;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Stages `block`, in place of an earlier one of the same kind; changes nothing if it does not fit.
    pub(super) fn put(&mut self, shelf: impl Into<Shelf>, block: Block<'_>) -> Result<(), Full> {
        let shelf = shelf.into();
        let earlier = self.find(shelf, block.id);
        let freed = earlier.map_or(0, |(_, octets)| octets);
        let needed = HEAD.saturating_add(block.data.len());
        if self.used.saturating_sub(freed).saturating_add(needed) > STAGE_OCTETS {
            return Err(Full);
        }
        if let Some((at, octets)) = earlier {
            self.remove(at, octets);
        }
        let mut writer = Writer::new(self.octets.get_mut(self.used..).ok_or(Full)?);
        let length = u8::try_from(block.data.len()).map_err(|_| Full)?;
        writer.put(&[shelf.number(), block.id, length]).map_err(|_| Full)?;
        writer.put(block.data).map_err(|_| Full)?;
        self.used = self.used.saturating_add(writer.at());
        Ok(())
    }

    /// The staged blocks.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Shelf, Block<'_>)> {
        let mut reader = Reader::new(self.octets.get(..self.used).unwrap_or_default());
        core::iter::from_fn(move || read(&mut reader))
    }

    /// Where a staged block lies, and how many octets it takes.
    fn find(&self, shelf: Shelf, id: u8) -> Option<(usize, usize)> {
        let mut reader = Reader::new(self.octets.get(..self.used)?);
        loop {
            let at = reader.at();
            let (found, block) = read(&mut reader)?;
            if found == shelf && block.id == id {
                return Some((at, reader.at().saturating_sub(at)));
            }
        }
    }

    fn remove(&mut self, at: usize, octets: usize) {
        for to in at..self.used.saturating_sub(octets) {
            let moved = self.octets.get(to.saturating_add(octets)).copied().unwrap_or(0);
            if let Some(octet) = self.octets.get_mut(to) {
                *octet = moved;
            }
        }
        self.used = self.used.saturating_sub(octets);
    }
}

impl core::fmt::Debug for Stage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Kinds only: the data may hold secrets.
        f.debug_list().entries(self.iter().map(|(shelf, block)| (shelf, block.id, block.data.len()))).finish()
    }
}

fn read<'a>(reader: &mut Reader<'a>) -> Option<(Shelf, Block<'a>)> {
    let [shelf, id, length] = reader.array().ok()?;
    let shelf = Shelf::ALL.into_iter().find(|known| known.number() == shelf)?;
    Some((shelf, Block { id, data: reader.take(usize::from(length)).ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::is683::Family;
    use std::vec::Vec;

    #[test]
    fn the_last_one_of_a_kind_counts_and_nothing_changes_when_full() {
        let mut stage = Stage::new();
        let data = [7; 255];
        for (family, id, n) in
            [(Family::Nam, 0, 13), (Family::PacketData, 0, 1), (Family::Nam, 1, 6), (Family::Nam, 0, 17)]
        {
            stage.put(family, Block { id, data: &data[..n] }).unwrap();
        }
        let kinds = |stage: &Stage| stage.iter().map(|(f, b)| (f, b.id, b.data.len())).collect::<Vec<_>>();
        let expected = [(Family::PacketData, 0, 1), (Family::Nam, 1, 6), (Family::Nam, 0, 17)]
            .map(|(f, id, n)| (Shelf::from(f), id, n));
        assert_eq!(kinds(&stage), expected);
        for id in 10..13 {
            stage.put(Family::PacketData, Block { id, data: &data }).unwrap();
        }
        let before = kinds(&stage);
        assert_eq!(stage.put(Family::PacketData, Block { id: 20, data: &data }), Err(Full));
        assert_eq!(kinds(&stage), before);
        stage.put(Family::PacketData, Block { id: 11, data: &data }).unwrap();
        assert_eq!(stage.iter().count(), 6);
        stage.clear();
        assert!(stage.is_empty() && stage.octets.iter().all(|b| *b == 0));
    }
}
