//! Octets that nothing predicts: bit by bit, five contexts mixed.
use super::{Made, Model};
use crate::arch::Arch;
use crate::bits::Bits;
use crate::predict::{coarse, logit, mix, probability, train};
use crate::{salt, salted, slot};

/// Contexts of an octet.
pub(super) const INPUTS: usize = 5;
/// The weight sets of literals: by the place in a word.
pub(super) const LITERAL_SETS: usize = 4;
/// All weight sets; behind the literals', those of units: by the place, by their length, and by whether they refer.
pub(super) const SETS: usize = LITERAL_SETS + 16;
/// Which share of the counters each context has, in `SHARES`: the second half of the contexts is more alike.
const SHARE: [usize; INPUTS] = [2, 2, 1, 1, 1];
const SHARES: usize = 7;

/// What tells the contexts of an octet apart.
static SALTS: [u32; INPUTS] = [salt(100), salt(101), salt(102), salt(103), salt(104)];

/// What a fresh weight is.
pub(super) const WEIGHT: i32 = 18000;
/// How fast weights move.
const RATE: i32 = 30;
/// The memory of a counter, in bits.
const LIMIT: u16 = 9;
/// The least and the most probable: an octet is never certain.
pub(super) const P_MIN: u32 = 32;
const P_MAX: u32 = 65536 - P_MIN;

/// How much a counter is believed that has seen so many bits, in sixteenths.
static BELIEF: [i32; 16] = [0, 8, 11, 12, 13, 14, 14, 15, 15, 15, 16, 16, 16, 16, 16, 16];

/// Octets that stand in no copy, at most four of them.
#[derive(Clone, Copy, Debug)]
pub struct Literal<'a> {
    /// What stands around them.
    pub arch: Arch,
    /// The address of the first.
    pub address: u32,
    /// The old octets behind those that the copy before took, as many as are to be coded, at most four.
    pub left: &'a [u8],
    /// The old octets that would stand here if the copy behind began earlier, as many.
    pub right: &'a [u8],
}

/// The counters of each context.
fn parts(cells: &mut [u16]) -> [&mut [u16]; INPUTS] {
    let share = cells.len() / SHARES;
    let mut rest = cells;
    SHARE.map(|shares| rest.split_off_mut(..share.wrapping_mul(shares)).unwrap_or_default())
}

impl Model<'_> {
    /// Codes an octet in `contexts`.
    pub(super) fn octet<B: Bits>(
        &mut self,
        bits: &mut B,
        set: usize,
        contexts: [u32; INPUTS],
        octet: u8,
    ) -> Result<u8, B::Error> {
        let set = if set < self.octet_weights.len() { set } else { set & (LITERAL_SETS - 1) };
        let weights = self.octet_weights.get_mut(set).map_or(&mut [][..], |set| set.as_mut_slice());
        let mut parts = parts(self.octets);
        let mut hashes = [0; INPUTS];
        for ((hashed, context), salt) in hashes.iter_mut().zip(contexts).zip(&SALTS) {
            *hashed = salted(context, *salt);
        }
        let mut node = 1u32;
        let mut left = octet;
        for _ in 0..8 {
            let turn = node.wrapping_mul(0x2545_F491);
            let mut chosen = [const { None }; INPUTS];
            let mut logits = [0; INPUTS];
            let inputs = chosen.iter_mut().zip(&mut logits).zip(&hashes);
            for (((chosen, weighed), hashed), part) in inputs.zip(&mut parts) {
                let place = slot((hashed ^ turn).wrapping_mul(0x9E37_79B1), part.len());
                let Some(cell) = part.get_mut(place) else { continue };
                let belief = BELIEF.get(coarse::seen(*cell) as usize).copied().unwrap_or(0);
                *weighed = logit(coarse::p(*cell)).wrapping_mul(belief) >> 4;
                *chosen = Some(cell);
            }
            let p = probability(mix(weights, &logits)).clamp(P_MIN, P_MAX);
            let bit = bits.bit(p, left & 0x80 != 0)?;
            train(weights, &logits, p, bit, RATE);
            for cell in chosen.iter_mut().flatten() {
                coarse::learn(cell, bit, LIMIT);
            }
            node = node << 1 | u32::from(bit);
            left <<= 1;
        }
        let [made, ..] = node.to_le_bytes();
        Ok(made)
    }

    /// Codes octets up to the next border of an instruction, at most as many as `literal.left` has. Those of an instruction
    /// of ARM are coded from the last to the first, as the last says most about what it does.
    pub fn literal<B: Bits>(
        &mut self,
        bits: &mut B,
        literal: &Literal<'_>,
        actual: [u8; 8],
    ) -> Result<Made, B::Error> {
        let (size, reversed) = match literal.arch {
            Arch::Thumb => (2u32, true),
            Arch::AArch64 | Arch::Arm => (4, true),
            _ => (1, false),
        };
        let to_border = size.wrapping_sub(literal.address & size.wrapping_sub(1));
        let len = literal.left.len().min(to_border as usize);
        let mut made = Made { octets: [0; 8], len: u8::try_from(len).unwrap_or(4) };
        let recent = self.state.recent;
        let mut done = 0u32;
        for (j, from_end) in (0u32..).zip((0..len).rev()) {
            let i = if reversed { from_end } else { j as usize };
            let octet = |octets: &[u8]| u32::from(octets.get(i).copied().unwrap_or(0));
            let (left, right) = (octet(literal.left), octet(literal.right));
            let at = literal.address.wrapping_add(u32::try_from(i).unwrap_or(0)) & 3;
            let near = if j == 0 { recent & 0xFF } else { done & 0xFF };
            let far = match (j, size) {
                (0, 1) | (1, _) => recent >> 8 & 0xFF,
                (0, _) => recent >> 16 & 0xFF,
                _ => done >> 8 & 0xFF,
            };
            let place = at | j << 2;
            let contexts = [
                place << 8,
                near | place << 8 | 1 << 20,
                near | far << 8 | (place & 1) << 16 | 1 << 21,
                left | place << 8 | 1 << 22,
                right | near << 8 | 1 << 23,
            ];
            let known = actual.get(i).copied().unwrap_or(0);
            let coded = self.octet(bits, at as usize, contexts, known)?;
            if let Some(slot) = made.octets.get_mut(i) {
                *slot = coded;
            }
            done = done << 8 | u32::from(coded);
        }
        self.note(&made);
        Ok(made)
    }
}
