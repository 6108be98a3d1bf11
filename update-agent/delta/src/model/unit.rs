//! Units of a copy: what they should be, and what they are.
use super::flag::{Flag, HIT_SETS};
use super::octet::LITERAL_SETS;
use super::{Made, Model, flag};
use crate::arch::{self, Arch, Form, Place, Reference, Unit, Window};
use crate::bits::Bits;
use crate::hash;
use crate::map::{Map, Regions};

/// Where a unit stands.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    /// The octets of the old image around it.
    pub window: Window<'a>,
    /// Its place in the old image.
    pub old: Place,
    /// Its place in the new image, with the architecture of the old one.
    pub new: Place,
    /// The octets from the start of the copy to it, and from it to the end of the copy.
    pub edge: (u32, u32),
}

/// What is known of both images.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What stands where.
    pub regions: &'a Regions<'a>,
    /// What went where.
    pub map: &'a Map<'a>,
}

/// How a unit was predicted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Via {
    /// As it was: it refers to nothing.
    None = 0,
    /// A piece of the map holds its address.
    Map = 1,
    /// Its address was learned.
    Learned = 2,
    /// By an address near it that was learned.
    Near = 3,
    /// By a piece of the map near its address.
    Beside = 4,
    /// It refers to an address of which nothing is known.
    Unknown = 5,
    /// It refers to nothing, but the same unit was changed before.
    Again = 6,
}

/// How many ways to predict there are: as many weight sets.
const VIAS: u32 = 7;
const _: () = assert!(2 * VIAS as usize == HIT_SETS);

/// Forms from here on are words in all architectures ([`Form::kind`]).
const WORDS: u8 = 16;
/// The longest unit whose change is learned as a whole: it has to fit into a word.
const LEARNED_LEN: usize = 4;
/// The greatest miss of an address, in steps of its form, that is coded as such.
const REACH: u32 = 4096;
/// How far above the last pointer one may be to be coded as such.
const ASCENT_MAX: u32 = 512;
/// After so many units as predicted in a row the next weight set is used.
const LONG_RUN: u32 = 8;

/// Where numbers differ in their meaning: the first context of each.
mod meaning {
    /// By how much an address is off: from here on, by form.
    pub(super) const SHIFT: u32 = 16;
    /// How far a pointer is above the last.
    pub(super) const ASCENT: u32 = 700;
}

/// A unit and what it should be.
struct Prediction {
    class: u8,
    len: usize,
    reference: Option<Reference>,
    old: [u8; 8],
    /// A hash of its old octets.
    old_hash: u32,
    octets: [u8; 8],
    via: Via,
    /// The prediction is not the old octets.
    differs: bool,
    target: u32,
}

impl Prediction {
    /// Whether the unit's octets are these.
    fn is(&self, octets: [u8; 8], actual: [u8; 8]) -> bool {
        octets.iter().zip(actual).take(self.len).all(|(a, b)| *a == b)
    }

    /// The old octets with another address.
    fn with(&self, at: &Place, form: Form, target: u32) -> Option<[u8; 8]> {
        let mut made = self.old;
        arch::emit(at, form, made.get_mut(..self.len)?, target).then_some(made)
    }
}

impl Model<'_> {
    /// Codes one unit of a copy. `actual` are its octets in the new image and more; a decoder gives what it likes.
    pub fn unit<B: Bits>(
        &mut self,
        bits: &mut B,
        spot: &Spot<'_>,
        known: &Known<'_>,
        actual: [u8; 8],
    ) -> Result<Made, B::Error> {
        let p = self.predict(spot, known);
        let (class, via) = (u32::from(p.class), p.via as u32);
        let differs = u32::from(p.differs);
        let kind = class | via << 6 | differs << 9;
        let (from_start, to_end) = spot.edge;
        let contexts = [
            kind | size(self.state.run).min(10) << 10,
            hash(p.old_hash, via | differs << 4),
            (self.state.outcomes & 15) | differs << 8 | via << 9 | self.state.last_class << 13 | 1 << 23,
            kind | size(from_start).min(7) << 10 | size(to_end).min(7) << 13 | 1 << 24,
        ];
        let set = if self.state.run < LONG_RUN { via.wrapping_add(VIAS) } else { via };
        let hit = self.hit(bits, set as usize, contexts, p.is(p.octets, actual))?;
        let octets = if hit { p.octets } else { self.missed(bits, &p, &spot.new, actual)? };
        self.state.outcomes = self.state.outcomes << 1 | u32::from(hit);
        self.state.run = if hit { self.state.run.saturating_add(1) } else { 0 };
        self.state.last_class = class;
        if let Some(history) = self.history.get_mut(usize::from(p.class)) {
            *history = *history << 1 | u8::from(hit);
        }
        let made = Made { octets, len: u8::try_from(p.len).unwrap_or(1) };
        self.note(&made);
        self.learn(&p, &spot.new, &made);
        Ok(made)
    }

    /// The last outcomes of units of this class, the last lowest.
    fn history(&self, p: &Prediction) -> u32 {
        u32::from(self.history.get(usize::from(p.class)).copied().unwrap_or(u8::MAX))
    }

    fn predict(&self, spot: &Spot<'_>, known: &Known<'_>) -> Prediction {
        let Unit { len, class, reference } =
            arch::unit(&spot.old, &spot.window, |word| known.regions.is_place(word));
        let len = usize::from(len).clamp(1, 8).min(spot.window.ahead.len());
        let mut old = [0; 8];
        for (to, from) in old.iter_mut().zip(spot.window.ahead).take(len) {
            *to = *from;
        }
        let old_hash = hash(half(old, 0), half(old, 32));
        let (via, target, differs) = (Via::None, 0, false);
        let mut p = Prediction { class, len, reference, old, old_hash, octets: old, via, differs, target };
        match reference {
            Some(reference) => self.predict_address(&mut p, reference, &spot.new, known),
            None => self.predict_change(&mut p),
        }
        p.differs = p.octets != p.old;
        p
    }

    /// What becomes of a unit that refers to an address.
    fn predict_address(&self, p: &mut Prediction, reference: Reference, at: &Place, known: &Known<'_>) {
        (p.via, p.target) = self.target(reference.target, known);
        if let Some(octets) = p.with(at, reference.form, p.target) {
            p.octets = octets;
            return;
        }
        p.via = Via::Unknown;
        if let Some(octets) = p.with(at, reference.form, reference.target) {
            p.octets = octets;
            p.target = reference.target;
        }
    }

    /// What becomes of a unit that refers to none: what became of the same unit before.
    fn predict_change(&self, p: &mut Prediction) {
        let learns = (2..=LEARNED_LEN).contains(&p.len);
        let Some((new, _)) = self.learned.get(p.old_hash).filter(|_| learns) else { return };
        for (to, from) in p.octets.iter_mut().zip(new.to_le_bytes()).take(p.len) {
            *to = from;
        }
        if p.octets != p.old {
            p.via = Via::Again;
        }
    }

    /// Where an address of the old image went.
    fn target(&self, old: u32, known: &Known<'_>) -> (Via, u32) {
        let mapped = known.regions.old_offset(old).and_then(|offset| known.map.new_offset(offset));
        // A piece that holds the address is believed more than what was learned just once.
        let surely = matches!(mapped, Some((_, true)));
        let learned = self.learned.get(old).filter(|(_, sure)| *sure > 0 || !surely);
        match (learned, mapped) {
            (Some((new, _)), _) => (Via::Learned, new),
            (None, Some((new, true))) => (Via::Map, known.regions.new_address(new)),
            (None, Some((new, false))) => (Via::Beside, known.regions.new_address(new)),
            (None, None) => match self.learned.near(old) {
                Some(shift) => (Via::Near, old.wrapping_add(shift)),
                None => (Via::Unknown, old),
            },
        }
    }

    /// Codes a unit that is not as predicted.
    fn missed<B: Bits>(
        &mut self,
        bits: &mut B,
        p: &Prediction,
        at: &Place,
        actual: [u8; 8],
    ) -> Result<[u8; 8], B::Error> {
        if p.differs && self.flag(bits, Flag::Old, self.contexts(p, 1), p.is(p.old, actual))? {
            return Ok(p.old);
        }
        if let Some(reference) = p.reference
            && let Some(made) = self.other_address(bits, p, at, reference.form, actual)?
        {
            return Ok(made);
        }
        self.other_octets(bits, p, at.arch, actual)
    }

    /// The contexts of a flag of a unit that is not as predicted; `flag` tells them apart.
    fn contexts(&self, p: &Prediction, flag: u32) -> [u32; flag::INPUTS] {
        let (class, via) = (u32::from(p.class), p.via as u32);
        [
            flag | class << 4 | via << 10,
            flag | (self.state.outcomes & 0x7F) << 5 | via << 12 | 1 << 25,
            flag | (self.history(p) & 0x7F) << 5 | class << 12 | 1 << 26,
            flag | class << 4 | 1 << 28,
        ]
    }

    /// Codes another address, if it is one that is coded as such.
    fn other_address<B: Bits>(
        &mut self,
        bits: &mut B,
        p: &Prediction,
        at: &Place,
        form: Form,
        actual: [u8; 8],
    ) -> Result<Option<[u8; 8]>, B::Error> {
        let scale = u32::from(arch::scale(at.arch, form));
        let octets = actual.get(..p.len).unwrap_or_default();
        let real = arch::read(at, form, octets, p.target)
            .filter(|real| p.with(at, form, *real).is_some_and(|made| p.is(made, actual)));
        let off = real.unwrap_or(0).wrapping_sub(p.target).cast_signed() >> scale;
        let shift = off.cast_unsigned();
        let fits = real == Some(p.target.wrapping_add(shift << scale)) && off.unsigned_abs() < REACH;
        if form.kind >= WORDS {
            let ascent = real.unwrap_or(0).wrapping_sub(self.state.last_pointer);
            let ascends = real.is_some() && ascent < ASCENT_MAX && !(fits && shift == self.state.last_shift);
            if self.flag(bits, Flag::Ascending, self.contexts(p, 9), ascends)? {
                let ascent = self.numbers.number(bits, meaning::ASCENT, ascent)?;
                let target = self.state.last_pointer.wrapping_add(ascent);
                return Ok(Some(p.with(at, form, target).unwrap_or(p.old)));
            }
        }
        if !self.flag(bits, Flag::Near, self.contexts(p, 2), fits)? {
            return Ok(None);
        }
        let same = shift == self.state.last_shift;
        if !self.flag(bits, Flag::SameShift, self.contexts(p, 3), same)? {
            let context = meaning::SHIFT.wrapping_add(u32::from(form.kind));
            self.state.last_shift = self.numbers.signed(bits, context, shift)?;
        }
        let target = p.target.wrapping_add(self.state.last_shift << scale);
        Ok(Some(p.with(at, form, target).unwrap_or(p.old)))
    }

    /// Codes the octets one by one: whether each is as predicted, and if not, which it is. Instructions of ARM go from the
    /// last octet to the first, as the last says most about what they do.
    fn other_octets<B: Bits>(
        &mut self,
        bits: &mut B,
        p: &Prediction,
        arch: Arch,
        actual: [u8; 8],
    ) -> Result<[u8; 8], B::Error> {
        let reversed = matches!(arch, Arch::Thumb | Arch::Arm | Arch::AArch64);
        let mut made = p.octets;
        let mut so_far = SoFar::default();
        for (forward, backward) in (0..p.len).zip((0..p.len).rev()) {
            let i = if reversed { backward } else { forward };
            let (Some(octet), Some(actual)) = (made.get_mut(i), actual.get(i)) else { continue };
            // Something has to differ: the last octet, if none before did.
            let certain = so_far.differed == 0 && backward == 0;
            if certain || !self.same_octet(bits, p, i, so_far, *octet, *actual)? {
                so_far.differed |= 1u32.wrapping_shl(u32::try_from(i).unwrap_or(0));
                *octet = self.other_octet(bits, p, i, so_far, *octet, *actual)?;
            }
            so_far.done = so_far.done << 8 | u32::from(*octet) | 1 << 31;
        }
        self.state.mask = so_far.differed & 15;
        Ok(made)
    }

    /// Codes whether octet `i` is as predicted.
    fn same_octet<B: Bits>(
        &mut self,
        bits: &mut B,
        p: &Prediction,
        i: usize,
        so_far: SoFar,
        predicted: u8,
        actual: u8,
    ) -> Result<bool, B::Error> {
        let SoFar { differed, done } = so_far;
        let (at, len) = (u32::try_from(i).unwrap_or(0), u32::try_from(p.len).unwrap_or(0));
        let (class, n) = (u32::from(p.class), at.wrapping_add(4));
        let contexts = [
            n | class << 4 | differed << 12,
            n | len << 4 | differed << 12 | self.state.mask << 20,
            hash(n | u32::from(predicted) << 8, differed),
            hash(n | differed << 4, done),
        ];
        let which = if differed == 0 { Flag::FirstOctet } else { Flag::MoreOctet };
        self.flag(bits, which, contexts, actual == predicted)
    }

    /// Codes octet `i`, which is not as predicted.
    fn other_octet<B: Bits>(
        &mut self,
        bits: &mut B,
        p: &Prediction,
        i: usize,
        so_far: SoFar,
        predicted: u8,
        actual: u8,
    ) -> Result<u8, B::Error> {
        let SoFar { differed, done } = so_far;
        let (class, predicted) = (u32::from(p.class), u32::from(predicted));
        let base = 1 << 28 | u32::try_from(i).unwrap_or(0) << 16;
        let contexts = [
            base | differed << 8 | 1 << 25,
            base | predicted | class << 8,
            hash(base | class << 8, done),
            hash(base | 9, done),
            hash(base | predicted, differed),
        ];
        let set = match (p.len > 2, p.reference.is_some()) {
            (false, false) => LITERAL_SETS,
            (true, false) => LITERAL_SETS + 4,
            (false, true) => LITERAL_SETS + 8,
            (true, true) => LITERAL_SETS + 12,
        };
        self.octet(bits, set | i & 3, contexts, actual)
    }

    /// Notes what became of a unit, if that was not to be known.
    fn learn(&mut self, p: &Prediction, at: &Place, made: &Made) {
        let Some(reference) = p.reference else {
            if (2..=LEARNED_LEN).contains(&p.len) {
                self.learned.note(p.old_hash, half(made.octets, 0), made.octets != p.old);
            }
            return;
        };
        let Some(real) = arch::read(at, reference.form, made.as_slice(), p.target) else { return };
        if reference.form.kind >= WORDS {
            self.state.last_pointer = real;
        }
        let unsure = matches!(p.via, Via::Near | Via::Unknown | Via::Beside);
        self.learned.note(reference.target, real, unsure || real != p.target);
    }
}

/// What was coded of a unit whose octets are coded one by one.
#[derive(Clone, Copy, Default)]
struct SoFar {
    /// Which octets were not as predicted, one bit for each.
    differed: u32,
    /// The last octets, the last lowest, and that there were any.
    done: u32,
}

/// Four octets from bit `from` on.
fn half(octets: [u8; 8], from: u32) -> u32 {
    let half = u64::from_le_bytes(octets).wrapping_shr(from) & u64::from(u32::MAX);
    u32::try_from(half).unwrap_or(0)
}

/// The digits of a number.
fn size(n: u32) -> u32 {
    u32::BITS.wrapping_sub(n.leading_zeros())
}
