//! What stands in the spare area of a page: which octets of its logical block the page holds.
//!
//! | offset | octets | field (integers little-endian) |
//! |---:|---:|---|
//! | 0 | 2 | first octet in the logical block, in write units |
//! | 2 | 1 | write units, less one |
//! | 3 | 1 | CRC-8 (polynomial 07) of the three octets before and the number of the logical block |
//! | 4 | 4 | CRC-32 of the number of the logical block, offset, length and data |
//!
//! The tag is repeated up to three times, as often as the spare area has room: the error-correcting code may not cover it.
//! The CRC-32 finds a torn page that the code lets pass.
//!
//! Whether a page is blank is asked before anything is read from a tag. A CRC-8 of eight bits fits octets FF for one block
//! in 256, so a blank page would else pass for one that holds something there. The other way round, a tag has so few zeros
//! only if 30 of the 32 bits of its CRC-32 are ones, and only for an offset near the end of a block of 1 MiB.

use crc::{CRC_8_SMBUS, Crc, NoTable};

use super::UNIT;

/// Octets of a tag.
pub(super) const TAG_LEN: usize = 8;
/// How often it is repeated at most.
const COPIES: usize = 3;
/// Octets of spare area used at most.
pub(super) const SPARE_MAX: usize = TAG_LEN * COPIES;
/// Bits that may have flipped in the spare area of a page that was never programmed.
const BLANK_FLIPS: u32 = 2;

const TAG_CHECK: Crc<u8, NoTable> = Crc::<u8, NoTable>::new(&CRC_8_SMBUS);

/// A run of octets in a logical block: whole write units, at most a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Run {
    pub(super) const fn end(self) -> u32 {
        self.start.saturating_add(self.len)
    }

    pub(super) const fn covers(self, at: u32) -> bool {
        self.start <= at && at < self.end()
    }
}

/// What a page says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// Not programmed since the last erase, or by a program that was cut off early.
    Blank,
    /// It holds these octets; their CRC-32.
    Run(Run, u32),
    /// It was programmed, but does not read well.
    Unreadable,
}

impl Tag {
    /// The tag of a page of block `logical` as it stands in `spare`, which is a whole number of tags.
    pub(super) fn parse(spare: &[u8], logical: u16) -> Self {
        let zeros = spare.iter().fold(0u32, |sum, octet| sum.saturating_add(octet.count_zeros()));
        if zeros <= BLANK_FLIPS {
            return Self::Blank;
        }
        for octets in spare.chunks_exact(TAG_LEN) {
            let Ok([s0, s1, units, check, crc @ ..]) = <[u8; TAG_LEN]>::try_from(octets) else { continue };
            if check == tag_check([s0, s1], units, logical) {
                let start = u32::from(u16::from_le_bytes([s0, s1])).saturating_mul(UNIT_OCTETS);
                let len = u32::from(units).saturating_add(1).saturating_mul(UNIT_OCTETS);
                return Self::Run(Run { start, len }, u32::from_le_bytes(crc));
            }
        }
        Self::Unreadable
    }
}

/// The spare octets of a page of block `logical` that holds `run`, the beginning of `data`.
pub(super) fn emit(run: Run, logical: u16, data: &[u8]) -> [u8; SPARE_MAX] {
    let start = u16::try_from(run.start.checked_div(UNIT_OCTETS).unwrap_or_default()).unwrap_or(u16::MAX);
    let units = run.len.checked_div(UNIT_OCTETS).unwrap_or_default().saturating_sub(1);
    let units = u8::try_from(units).unwrap_or(u8::MAX);
    let [s0, s1] = start.to_le_bytes();
    let [c0, c1, c2, c3] = data_check(run, logical, data).to_le_bytes();
    let tag = [s0, s1, units, tag_check([s0, s1], units, logical), c0, c1, c2, c3];
    let mut spare = [0xFF; SPARE_MAX];
    for (to, from) in spare.iter_mut().zip(tag.iter().cycle()) {
        *to = *from;
    }
    spare
}

/// The CRC-32 of a page of block `logical` that holds `run`, the beginning of `data`.
pub(super) fn data_check(run: Run, logical: u16, data: &[u8]) -> u32 {
    let mut crc = kedge_package::BLOCK_CHECK.digest();
    crc.update(&logical.to_le_bytes());
    crc.update(&run.start.to_le_bytes());
    crc.update(&run.len.to_le_bytes());
    crc.update(data.get(..usize::try_from(run.len).unwrap_or(usize::MAX)).unwrap_or_default());
    crc.finalize()
}

#[expect(clippy::cast_possible_truncation, reason = "16")]
const UNIT_OCTETS: u32 = UNIT as u32;

fn tag_check(start: [u8; 2], units: u8, logical: u16) -> u8 {
    let ([s0, s1], [l0, l1]) = (start, logical.to_le_bytes());
    TAG_CHECK.checksum(&[s0, s1, units, l0, l1])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: [u8; 64] = [0x3C; 64];

    #[test]
    fn a_tag_reads_as_written_from_any_good_copy() {
        for run in [Run { start: 0, len: 16 }, Run { start: 0xFFFF0, len: 4096 }, Run { start: 512, len: 64 }]
        {
            let spare = emit(run, 7, &DATA);
            let good = Tag::Run(run, data_check(run, 7, &DATA));
            assert_eq!(Tag::parse(&spare[..8], 7), good);
            assert_eq!(Tag::parse(&spare, 7), good);
            let mut worn = spare;
            worn[1] ^= 4;
            worn[11] ^= 1;
            assert_eq!(Tag::parse(&worn, 7), good, "the third copy is whole");
            assert_eq!(Tag::parse(&worn[..16], 7), Tag::Unreadable);
            assert_eq!(Tag::parse(&spare, 8), Tag::Unreadable, "another block's");
        }
    }

    #[test]
    fn every_flip_of_one_or_two_bits_is_noticed() {
        let spare = emit(Run { start: 4096, len: 2048 }, 3, &DATA);
        for first in 0..32 {
            for second in first..32 {
                let mut worn = spare;
                worn[first / 8] ^= 1 << (first % 8);
                if second != first {
                    worn[second / 8] ^= 1 << (second % 8);
                }
                assert_eq!(Tag::parse(&worn[..8], 3), Tag::Unreadable, "{first} {second}");
            }
        }
    }

    #[test]
    fn blank_is_blank_with_a_flipped_bit_too() {
        let mut spare = [0xFF; SPARE_MAX];
        assert_eq!(Tag::parse(&spare, 1), Tag::Blank);
        spare[9] = 0xEF;
        assert_eq!(Tag::parse(&spare, 1), Tag::Blank);
        spare[10] = 0;
        assert_eq!(Tag::parse(&spare, 1), Tag::Unreadable);
    }

    /// A CRC-8 of octets FF is FF for some of them, block 23 the first.
    #[test]
    fn blank_is_blank_for_every_block() {
        for logical in 0..=u16::MAX {
            for copies in 1..=COPIES {
                let mut spare = [0xFF; SPARE_MAX];
                let spare = &mut spare[..copies * TAG_LEN];
                assert_eq!(Tag::parse(spare, logical), Tag::Blank, "block {logical}");
                for bit in 0..32 {
                    spare[bit / 8] ^= 1 << (bit % 8);
                    assert_eq!(Tag::parse(spare, logical), Tag::Blank, "block {logical}, bit {bit} flipped");
                    spare[bit / 8] ^= 1 << (bit % 8);
                }
            }
        }
    }

    /// Every place in the largest block, with the fewest zeros, that a run of the largest page can have.
    #[test]
    fn no_run_looks_blank() {
        for logical in [0, 23, 0xFEFF] {
            for unit in (0..=0xFF00_u32).filter(|unit| unit.count_ones() >= 13) {
                let run = Run { start: unit * UNIT_OCTETS, len: 4096 };
                let spare = emit(run, logical, &[0x5A; 4096]);
                let expected = Tag::Run(run, data_check(run, logical, &[0x5A; 4096]));
                assert_eq!(Tag::parse(&spare[..TAG_LEN], logical), expected);
            }
        }
    }
}
