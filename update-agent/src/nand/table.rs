//! Which physical block stands for which logical one.
//!
//! ```text
//!  physical   0 .. 5        6 .. 6+n-1                6+n .. 6+n+RESERVE-1
//!            ┌────────────┬────────────────────────┬──────────────────────┐
//!            │ tables     │ homes of the n logical │ reserve              │
//!            │ (ring)     │ blocks, in order       │                      │
//!            └────────────┴────────────────────────┴──────────────────────┘
//! ```
//! A logical block is at home, unless a block of the reserve is assigned to it.
//!
//! | offset | octets | field of a stored table (integers little-endian) |
//! |---:|---:|---|
//! | 0 | 4 | magic, `4B 4E 42 31` ("KNB1") |
//! | 4 | 4 | sequence number |
//! | 8 | 2 | logical blocks |
//! | 10 | 2 | blocks in reserve |
//! | 12 | 1 | 0 in the copy written first, 1 in the other |
//! | 13 | 1 | reserved, 0 |
//! | 14 | 2 × reserve | logical block it is assigned to; FFFF free, FFFE bad |
//! | | 4 | CRC-32 of all before |

use super::RING_BLOCKS;

const MAGIC: [u8; 4] = *b"KNB1";
const FREE: u16 = 0xFFFF;
const BAD: u16 = 0xFFFE;
/// Most logical blocks: the numbers above have other meanings.
pub(super) const LOGICAL_MAX: u32 = 0xFF00;
const HEAD: usize = 14;
const CHECK: usize = 4;

/// The assignments of the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table<const RESERVE: usize> {
    logical: u16,
    slots: [u16; RESERVE],
}

impl<const RESERVE: usize> Table<RESERVE> {
    /// Octets of a stored table.
    pub(super) const OCTETS: usize = HEAD.saturating_add(RESERVE.saturating_mul(2)).saturating_add(CHECK);

    /// All of `logical` blocks at home.
    pub(super) const fn new(logical: u16) -> Self {
        Self { logical, slots: [FREE; RESERVE] }
    }

    /// Where a logical block belongs.
    pub(super) fn home(logical: u16) -> u32 {
        RING_BLOCKS.saturating_add(u32::from(logical))
    }

    /// Where a logical block is.
    pub(super) fn block_of(&self, logical: u16) -> u32 {
        match self.slots.iter().position(|slot| *slot == logical) {
            Some(slot) => self.block_at(slot),
            None => Self::home(logical),
        }
    }

    /// The physical block of a place in the reserve.
    pub(super) fn block_at(&self, slot: usize) -> u32 {
        Self::home(self.logical).saturating_add(u32::try_from(slot).unwrap_or(u32::MAX))
    }

    pub(super) fn is_free(&self, slot: usize) -> bool {
        self.slots.get(slot) == Some(&FREE)
    }

    /// The logical block that a place in the reserve is assigned to.
    pub(super) fn guest(&self, slot: usize) -> Option<u16> {
        self.slots.get(slot).copied().filter(|guest| *guest < self.logical)
    }

    /// How many blocks of the reserve are free.
    pub(super) fn free(&self) -> usize {
        self.slots.iter().filter(|slot| **slot == FREE).count()
    }

    /// Lets `block`, its home or one of the reserve, stand for `logical`; what did before is free.
    pub(super) fn assign(&mut self, logical: u16, block: u32) {
        for slot in self.slots.iter_mut().filter(|slot| **slot == logical) {
            *slot = FREE;
        }
        self.set(block, logical);
    }

    /// Never uses `block` of the reserve again; that a home is bad, its mark says.
    pub(super) fn retire(&mut self, block: u32) {
        self.set(block, BAD);
    }

    fn set(&mut self, block: u32, value: u16) {
        let slot = block.checked_sub(Self::home(self.logical)).and_then(|slot| usize::try_from(slot).ok());
        if let Some(slot) = slot.and_then(|slot| self.slots.get_mut(slot)) {
            *slot = value;
        }
    }

    /// Writes the table to the front of `page`, and fills it up with octets FF.
    pub(super) fn emit(&self, sequence: u32, copy: u8, page: &mut [u8]) {
        let [l0, l1] = self.logical.to_le_bytes();
        let [r0, r1] = u16::try_from(RESERVE).unwrap_or(u16::MAX).to_le_bytes();
        let slots = self.slots.iter().flat_map(|slot| slot.to_le_bytes());
        let octets =
            MAGIC.into_iter().chain(sequence.to_le_bytes()).chain([l0, l1, r0, r1, copy, 0]).chain(slots);
        page.fill(0xFF);
        for (to, from) in page.iter_mut().zip(octets) {
            *to = from;
        }
        let Some((front, behind)) = page.split_at_mut_checked(Self::OCTETS.saturating_sub(CHECK)) else {
            return;
        };
        let crc = kedge_package::BLOCK_CHECK.checksum(front).to_le_bytes();
        for (to, from) in behind.iter_mut().zip(crc) {
            *to = from;
        }
    }

    /// Sequence number, copy and table in `page`, if it has one for `logical` blocks.
    pub(super) fn parse(page: &[u8], logical: u16) -> Option<(u32, u8, Self)> {
        let (front, behind) = page.split_at_checked(Self::OCTETS.saturating_sub(CHECK))?;
        let crc = u32::from_le_bytes(*behind.first_chunk()?);
        let (head, entries) = front.split_first_chunk::<HEAD>()?;
        let [m0, m1, m2, m3, s0, s1, s2, s3, l0, l1, r0, r1, copy, reserved] = *head;
        let good = [m0, m1, m2, m3] == MAGIC
            && u16::from_le_bytes([l0, l1]) == logical
            && usize::from(u16::from_le_bytes([r0, r1])) == RESERVE
            && reserved == 0
            && kedge_package::BLOCK_CHECK.checksum(front) == crc;
        if !good {
            return None;
        }
        let mut table = Self::new(logical);
        for (slot, octets) in table.slots.iter_mut().zip(entries.as_chunks().0) {
            *slot = u16::from_le_bytes(*octets);
        }
        Some((u32::from_le_bytes([s0, s1, s2, s3]), copy, table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_written_and_any_change_is_noticed() {
        let mut table = Table::<5>::new(20);
        table.assign(3, 26);
        table.assign(7, 28);
        table.retire(27);
        let mut page = [0; 64];
        table.emit(9, 1, &mut page);
        assert_eq!(Table::parse(&page, 20), Some((9, 1, table)));
        assert_eq!(Table::<5>::parse(&page, 21), None);
        assert_eq!(Table::<4>::parse(&page, 20), None);
        for bit in 0..Table::<5>::OCTETS * 8 {
            let mut bad = page;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Table::<5>::parse(&bad, 20), None, "bit {bit}");
        }
    }

    #[test]
    fn assignments_move() {
        let mut table = Table::<3>::new(10);
        assert_eq!((table.block_of(0), table.block_of(9), table.free()), (6, 15, 3));
        table.assign(9, 17);
        assert_eq!((table.block_of(9), table.free()), (17, 2));
        table.assign(9, 18);
        assert_eq!((table.block_of(9), table.free(), table.is_free(1)), (18, 2, true));
        table.assign(9, 15);
        assert_eq!((table.block_of(9), table.free()), (15, 3));
        table.retire(16);
        table.retire(7);
        assert_eq!((table.free(), table.is_free(0), table.block_of(1)), (2, false, 7));
    }
}
