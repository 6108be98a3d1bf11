//! Yes or no: four contexts, mixed.
use super::Model;
use crate::bits::Bits;
use crate::predict::{fine, logit, mix, probability, train};
use crate::{salt, salted, slot};

/// Contexts of a flag.
pub(super) const INPUTS: usize = 4;
/// The weight sets of "the unit is as predicted": by how it was predicted, before and after a run of right ones.
pub(super) const HIT_SETS: usize = 14;
/// All weight sets.
pub(super) const SETS: usize = HIT_SETS + 6;

/// A flag of a unit that is not as predicted: its weight set, and a part of its contexts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flag {
    /// The unit is as in the old image.
    Old = 14,
    /// The address is near the predicted one.
    Near = 15,
    /// ... and by as much off as the last one.
    SameShift = 16,
    /// The octet is as predicted, and so were all before in the unit.
    FirstOctet = 17,
    /// The octet is as predicted, but one before was not.
    MoreOctet = 18,
    /// The word is a little above the last pointer.
    Ascending = 19,
}

/// What a fresh counter expects: most units are as predicted.
pub(super) const START: u16 = 50000;
/// What a fresh weight is: the four together a little more than one, as contexts that agree are surer than each alone.
pub(super) const WEIGHT: i32 = 18000;
/// How fast weights move.
const RATE: i32 = 70;
/// The memory of the counters of "as predicted", in flags.
const HIT_LIMIT: u32 = 30;
/// The memory of the other counters: what is seldom changes more.
const LIMIT: u32 = 20;

impl Model<'_> {
    /// Codes whether a unit is as predicted.
    pub(super) fn hit<B: Bits>(
        &mut self,
        bits: &mut B,
        set: usize,
        contexts: [u32; INPUTS],
        bit: bool,
    ) -> Result<bool, B::Error> {
        let weights = self.flag_weights.get_mut(set).map_or(&mut [][..], |set| set.as_mut_slice());
        flag(bits, self.hits, weights, contexts, bit, HIT_LIMIT)
    }

    /// Codes one of the other flags.
    pub(super) fn flag<B: Bits>(
        &mut self,
        bits: &mut B,
        which: Flag,
        contexts: [u32; INPUTS],
        bit: bool,
    ) -> Result<bool, B::Error> {
        let weights = self.flag_weights.get_mut(which as usize).map_or(&mut [][..], |set| set.as_mut_slice());
        flag(bits, self.misses, weights, contexts, bit, LIMIT)
    }
}

/// What tells the contexts of a flag apart.
static SALTS: [u32; INPUTS] = [salt(1), salt(2), salt(3), salt(4)];

/// Codes `bit` with the counters that `contexts` choose among `cells`, each context in a part of its own.
fn flag<B: Bits>(
    bits: &mut B,
    cells: &mut [u32],
    weights: &mut [i32],
    contexts: [u32; INPUTS],
    bit: bool,
    limit: u32,
) -> Result<bool, B::Error> {
    let part = (cells.len() / INPUTS).max(1);
    let mut chosen = [const { None }; INPUTS];
    let mut logits = [logit(fine::p(fine::new(START))); INPUTS];
    let inputs = chosen.iter_mut().zip(&mut logits).zip(contexts.iter().zip(&SALTS));
    for (((chosen, logit_of), (context, salt)), cells) in inputs.zip(cells.chunks_exact_mut(part)) {
        let Some(cell) = cells.get_mut(slot(salted(*context, *salt), part)) else { continue };
        *logit_of = logit(fine::p(*cell));
        *chosen = Some(cell);
    }
    let p = probability(mix(weights, &logits));
    let bit = bits.bit(p, bit)?;
    train(weights, &logits, p, bit, RATE);
    for cell in chosen.iter_mut().flatten() {
        fine::learn(cell, bit, limit);
    }
    Ok(bit)
}
