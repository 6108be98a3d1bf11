//! Where every piece of the old image went, and what addresses mean.
use crate::arch::{Arch, Place};
use core::mem;

/// A stretch of the image that is understood in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Offset of its first octet in the old image.
    pub old_start: u32,
    /// Offset of its first octet in the new image.
    pub new_start: u32,
    /// The address of its first octet in the old image.
    pub old_address: u32,
    /// The address of its first octet in the new image.
    pub new_address: u32,
    /// The upper half of its addresses.
    pub high: u32,
    /// What stands there.
    pub arch: Arch,
}

impl Region {
    /// A region to be overwritten: the whole of both images, without instructions.
    pub const BLANK: Self =
        Self { old_start: 0, new_start: 0, old_address: 0, new_address: 0, high: 0, arch: Arch::Data };
}

/// The regions of both images, in ascending order, the first at offset 0.
#[derive(Clone, Copy, Debug)]
pub struct Regions<'m> {
    /// The regions.
    pub list: &'m [Region],
    /// Octets of the old image.
    pub old_size: u32,
    /// Octets of the new image.
    pub new_size: u32,
    /// The first address of the RAM and its octets.
    pub ram: (u32, u32),
}

const NOWHERE: Place = Place { arch: Arch::Data, address: 0, origin: 0, high: 0 };

impl Regions<'_> {
    /// The region of an offset in the old image.
    pub fn at_old(&self, offset: u32) -> Option<&Region> {
        self.list.iter().rev().find(|region| region.old_start <= offset)
    }

    /// The region of an offset in the new image.
    pub fn at_new(&self, offset: u32) -> Option<&Region> {
        self.list.iter().rev().find(|region| region.new_start <= offset)
    }

    /// The address of an offset in the new image.
    pub fn new_address(&self, offset: u32) -> u32 {
        self.at_new(offset)
            .map_or(offset, |region| region.new_address.wrapping_add(offset.wrapping_sub(region.new_start)))
    }

    /// Where an octet of the old image stands.
    pub fn old_place(&self, offset: u32) -> Place {
        let place = |region: &Region| Place {
            arch: region.arch,
            address: region.old_address.wrapping_add(offset.wrapping_sub(region.old_start)),
            origin: region.old_address,
            high: region.high,
        };
        self.at_old(offset).map_or(NOWHERE, place)
    }

    /// Where an octet of the new image stands.
    pub fn new_place(&self, offset: u32) -> Place {
        let place = |region: &Region| Place {
            arch: region.arch,
            address: region.new_address.wrapping_add(offset.wrapping_sub(region.new_start)),
            origin: region.new_address,
            high: region.high,
        };
        self.at_new(offset).map_or(NOWHERE, place)
    }

    /// The offset in the old image of an address.
    pub fn old_offset(&self, address: u32) -> Option<u32> {
        let mut end = self.old_size;
        for region in self.list.iter().rev() {
            let offset = address.wrapping_sub(region.old_address);
            if offset < end.wrapping_sub(region.old_start) {
                return Some(region.old_start.wrapping_add(offset));
            }
            end = region.old_start;
        }
        None
    }

    /// Whether a word of this value may be a pointer.
    #[inline(never)] // asked for in many places
    pub fn is_place(&self, word: u32) -> bool {
        word.wrapping_sub(self.ram.0) < self.ram.1 || self.old_offset(word).is_some()
    }
}

/// `len` octets of the old image from `old` on went `shift` octets up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// Offset in the old image.
    pub old: u32,
    /// Its octets.
    pub len: u32,
    /// How much to add for the offset in the new image (modulo 2^32).
    pub shift: u32,
}

/// The map from offsets in the old image to offsets in the new one.
#[derive(Debug)]
pub struct Map<'m> {
    /// The fields of a [`Piece`], in their order.
    pieces: &'m mut [[u32; 3]],
    len: usize,
}

/// How many pieces before a place are looked at for one that holds it.
const LOOK_BACK: usize = 8;

impl From<[u32; 3]> for Piece {
    fn from([old, len, shift]: [u32; 3]) -> Self {
        Self { old, len, shift }
    }
}

impl From<Piece> for [u32; 3] {
    fn from(piece: Piece) -> Self {
        [piece.old, piece.len, piece.shift]
    }
}

impl<'m> Map<'m> {
    /// An empty map with room for as many pieces as the slice has.
    pub const fn new(pieces: &'m mut [[u32; 3]]) -> Self {
        Self { pieces, len: 0 }
    }

    /// The map that left its first `len` pieces in the slice; `None` if the slice is shorter.
    pub fn resume(pieces: &'m mut [[u32; 3]], len: usize) -> Option<Self> {
        (len <= pieces.len()).then_some(Self { pieces, len })
    }

    /// How many pieces it holds.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn place(&self, old: u32) -> usize {
        self.pieces.get(..self.len).unwrap_or_default().partition_point(|[start, ..]| *start <= old)
    }

    /// Notes that `len` old octets from `old` on went to `new`; false if there is no room. Pieces that touch and went equally
    /// far become one.
    pub fn add(&mut self, old: u32, len: u32, new: u32) -> bool {
        let piece = Piece { old, len, shift: new.wrapping_sub(old) };
        let at = self.place(old);
        let before = at.checked_sub(1).filter(|at| self.join(*at, piece));
        if let Some(before) = before {
            let joined = self.pieces.get(at).copied().map(Piece::from);
            if joined.is_some_and(|behind| at < self.len && self.join(before, behind)) {
                self.remove(at);
            }
            return true;
        }
        if at < self.len && self.join(at, piece) {
            return true;
        }
        self.insert(at, piece)
    }

    /// Puts a piece in front of the one at a place; false if there is no room.
    fn insert(&mut self, at: usize, piece: Piece) -> bool {
        let Some(list) = self.pieces.get_mut(at..self.len.wrapping_add(1)) else { return false };
        let mut carried = piece.into();
        for slot in list {
            mem::swap(slot, &mut carried);
        }
        self.len = self.len.wrapping_add(1);
        true
    }

    /// Takes the piece at a place out.
    fn remove(&mut self, at: usize) {
        let Some(list) = self.pieces.get_mut(at..self.len) else { return };
        let mut carried = [0; 3];
        for slot in list.iter_mut().rev() {
            mem::swap(slot, &mut carried);
        }
        self.len = self.len.saturating_sub(1);
    }

    /// Makes the piece at a place hold `piece` too, if they touch and went equally far.
    fn join(&mut self, at: usize, piece: Piece) -> bool {
        let Some(slot) = self.pieces.get_mut(at) else { return false };
        let known = Piece::from(*slot);
        let (first, last) = if known.old <= piece.old { (known, piece) } else { (piece, known) };
        let apart = last.old.wrapping_sub(first.old);
        let touch = first.shift == last.shift && apart <= first.len;
        if touch {
            *slot = Piece { len: first.len.max(apart.wrapping_add(last.len)), ..first }.into();
        }
        touch
    }

    /// Where the octet at `old` went, and whether a piece holds it.
    pub fn new_offset(&self, old: u32) -> Option<(u32, bool)> {
        let at = self.place(old);
        let list = self.pieces.get(at.saturating_sub(LOOK_BACK)..at)?;
        let pieces = || list.iter().map(|piece| Piece::from(*piece));
        let inside =
            pieces().filter(|piece| old.wrapping_sub(piece.old) < piece.len).max_by_key(|piece| piece.len);
        let (piece, inside) = match inside {
            Some(piece) => (piece, true),
            None => (pieces().max_by_key(|piece| piece.old.wrapping_add(piece.len))?, false),
        };
        Some((old.wrapping_add(piece.shift), inside))
    }
}

#[cfg(test)]
mod tests {
    use super::{LOOK_BACK, Map, Piece, Region, Regions};
    use crate::arch::Arch;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// Old offset, length, new offset.
    type Copied = (u32, u32, u32);

    fn pieces(map: &Map<'_>) -> Vec<Piece> {
        map.pieces[..map.len()].iter().map(|piece| Piece::from(*piece)).collect()
    }

    /// Where the octet at `old` went according to the copies: everywhere that one of them put it.
    fn places(copies: &[Copied], old: u32) -> Vec<u32> {
        let holds = copies.iter().filter(|(from, len, _)| (*from..from + len).contains(&old));
        holds.map(|(from, _, to)| to + (old - from)).collect()
    }

    prop_compose! {
        /// Copies, some of which go on where the one before ended.
        fn copies()(of in prop::collection::vec((0u32..600, 1u32..60, 0u32..600, any::<bool>()), 0..30)) -> Vec<Copied> {
            let mut copies: Vec<Copied> = vec![];
            for (from, len, to, onward) in of {
                copies.push(match copies.last() {
                    Some((from, last, to)) if onward => (from + last, len, to + last),
                    _ => (from, len, to),
                });
            }
            copies
        }
    }

    proptest! {
        #[test]
        fn the_map_says_of_every_octet_where_a_copy_put_it(copies in copies()) {
            let mut memory = [[0; 3]; 30];
            let mut map = Map::new(&mut memory);
            for (from, len, to) in &copies {
                prop_assert!(map.add(*from, *len, *to));
            }
            prop_assert!(pieces(&map).is_sorted_by_key(|piece| piece.old));
            let first = copies.iter().map(|(from, ..)| *from).min();
            for old in 0..2500 {
                let places = places(&copies, old);
                match map.new_offset(old) {
                    Some((new, true)) => prop_assert!(places.contains(&new), "{old} to {new}"),
                    Some((_, false)) => prop_assert!(places.is_empty() || map.len() > LOOK_BACK, "{old}"),
                    None => prop_assert!(first.is_none_or(|first| old < first), "{old}"),
                }
            }
        }

        #[test]
        fn pieces_that_touch_become_one_in_any_order(cuts in prop::collection::btree_set(1u32..500, 0..12), shuffle in prop::collection::vec(any::<u32>(), 13)) {
            let ends: Vec<u32> = cuts.iter().copied().chain([500]).collect();
            let starts = [0].into_iter().chain(cuts.iter().copied());
            let mut parts: Vec<_> = starts.zip(ends).zip(shuffle).collect();
            parts.sort_by_key(|(_, place)| *place);
            let mut memory = [[0; 3]; 13];
            let mut map = Map::new(&mut memory);
            for ((start, end), _) in parts {
                prop_assert!(map.add(start, end - start, start + 77));
            }
            prop_assert_eq!(pieces(&map), [Piece { old: 0, len: 500, shift: 77 }]);
        }

        #[test]
        fn a_full_map_refuses_and_stays_as_it_was(room in 0usize..8) {
            let mut memory = vec![[0; 3]; room];
            let mut map = Map::new(&mut memory);
            for n in 0..room {
                let n = u32::try_from(n).unwrap();
                prop_assert!(map.add(1000 - 100 * n, 10, n));
            }
            let before = pieces(&map);
            prop_assert!(!map.add(5, 10, 5));
            prop_assert_eq!(pieces(&map), before.clone());
            // what joins a piece needs no room
            if room > 0 {
                prop_assert!(map.add(1010, 5, 10));
                prop_assert_eq!(map.len(), room);
            }
        }
    }

    #[test]
    fn a_map_is_taken_up_with_as_many_pieces_as_the_memory_has() {
        let mut memory = [[1, 2, 3]; 4];
        assert!(Map::resume(&mut memory, 5).is_none());
        let map = Map::resume(&mut memory, 4).unwrap();
        assert_eq!(map.len(), 4);
        assert_eq!(map.new_offset(2), Some((5, true)));
    }

    #[test]
    fn addresses_and_offsets_of_both_images() {
        let region = |old_start, new_start, old_address, new_address| Region {
            old_start,
            new_start,
            old_address,
            new_address,
            high: 9,
            arch: Arch::Thumb,
        };
        let list = [region(0, 0, 0x1000, 0x2000), region(100, 120, 0x8000, 0x9000)];
        let regions = Regions { list: &list, old_size: 150, new_size: 200, ram: (0x2000_0000, 16) };
        assert_eq!(regions.new_address(119), 0x2000 + 119);
        assert_eq!(regions.new_address(121), 0x9001);
        assert_eq!(regions.old_place(101).address, 0x8001);
        assert_eq!(regions.new_place(121).origin, 0x9000);
        for offset in 0..150 {
            assert_eq!(regions.old_offset(regions.old_place(offset).address), Some(offset));
        }
        // behind the end of each region, and before the first
        for address in [0xFFF, 0x1000 + 100, 0x8000 + 50, 0] {
            assert_eq!(regions.old_offset(address), None, "{address:x}");
        }
        assert!(regions.is_place(0x2000_000F) && !regions.is_place(0x2000_0010) && regions.is_place(0x8000));
    }
}
