//! A delta written here is rebuilt, also over an interruption; anything else ends in bounded work, without a panic.
use super::{Error, Input, Outline, Rebuild};
use crate::arch::Arch;
use crate::bits::Bits;
use crate::bits::tests::Encoder;
use crate::map::{Map, Region, Regions};
use crate::model::{Model, Sizes};
use crate::numbers::Numbers;
use crate::plan::{self, Cursor, HEAD_COUNTERS, Head, Segment, Step};
use crate::walk::{Done, Old, Walk};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

const LEAST: u32 = 10;
const SIZES: Sizes = Sizes { flags: 60, octets: 150, numbers: 60, learned: 20, pieces: 500 };

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

fn part(octets: &[u8], at: u32, len: usize) -> Option<&[u8]> {
    octets.get(at as usize..at as usize + len)
}

/// A delta: what is done, and what comes out.
#[derive(Clone, Debug)]
struct Case {
    old: Vec<u8>,
    new: Vec<u8>,
    outline: Outline,
    arch: Arch,
    /// Blocks in their order, none for those that stay as they are.
    blocks: Vec<(u32, Option<Vec<Segment>>)>,
    /// The octets that the first copy of a block takes from the end of the block before, where that can be.
    early: u32,
}

/// An encoder with the old image beside it.
struct Pen<'a> {
    bits: Encoder,
    old: &'a [u8],
}

impl Bits for Pen<'_> {
    type Error = ();

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, ()> {
        self.bits.bit(p, bit)
    }
}

impl Old for Pen<'_> {
    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), ()> {
        out.copy_from_slice(part(self.old, at, out.len()).unwrap());
        Ok(())
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), ()> {
        self.old(at, out)
    }
}

/// A plan with its head and one region.
fn plan_head(ram: (u32, u32), region: Region) -> Encoder {
    let mut cells = [0; HEAD_COUNTERS];
    let mut numbers = Numbers::new(&mut cells);
    numbers.reset();
    let mut plan = Encoder::new();
    plan::head(&mut numbers, &mut plan, Head { sizes: SIZES, least: LEAST, ram, regions: 1 }).unwrap();
    plan::region(&mut numbers, &mut plan, None, region).unwrap();
    plan
}

fn payload(plan: Encoder, content: Encoder) -> Vec<u8> {
    let (plan, content) = (plan.finish(), content.finish());
    let len = u8::try_from(plan.len() & 0x7F).unwrap();
    let more = u8::try_from(plan.len() >> 7).unwrap();
    [vec![len | 0x80, more], plan, content].concat()
}

/// What is said to a plan that was put together by hand, in place in blocks of 200 octets, old and new image of the same size.
fn opened(
    blocks: u32,
    write: impl FnOnce(&mut Cursor, &mut Numbers<'_>, &mut Encoder),
) -> Outcome<super::Needs> {
    let mut cells = vec![0; SIZES.plan()];
    let mut numbers = Numbers::new(&mut cells);
    numbers.reset();
    let mut plan = plan_head((0, 0), Region::BLANK);
    let mut cursor = Cursor::START;
    write(&mut cursor, &mut numbers, &mut plan);
    let payload = payload(plan, Encoder::new());
    let size = blocks * 200;
    let outline =
        Outline { payload: small(payload.len()), old_size: size, new_size: size, block: 200, in_place: true };
    let mut device = Device {
        payload: &payload,
        image: vec![0; size as usize],
        saved: vec![],
        read: 0,
        arrived: usize::MAX,
    };
    let mut memory = Memory::new(&outline);
    Rebuild::open(outline, &mut memory.words, &mut memory.regions, &mut device).map(|made| made.needs())
}

impl Case {
    fn region(&self) -> Region {
        Region { old_address: 0x800_0000, new_address: 0x801_0000, arch: self.arch, ..Region::BLANK }
    }

    /// The map, put together as the device does.
    fn fill(&self, map: &mut Map<'_>) {
        for (block, segments) in &self.blocks {
            let (mut at, len) = self.outline.extent(*block);
            for segment in segments.iter().flatten() {
                at += segment.literal;
                assert!(!segment.mapped || map.add(segment.source, segment.copy, at));
                at += segment.copy;
            }
            assert!(segments.is_some() || len < LEAST || map.add(at, len, at));
        }
    }

    /// The payload.
    fn written(&self) -> Vec<u8> {
        let mut memory = vec![0; SIZES.words()];
        let (model, mut map) = Model::new(&mut memory, SIZES).unwrap();
        self.fill(&mut map);
        let list = [self.region()];
        let (old_size, new_size) = (self.outline.old_size, self.outline.new_size);
        let regions = Regions { list: &list, old_size, new_size, ram: (0x2000_0000, 0x1000) };
        let mut bits = vec![0; Done::words(self.outline.blocks())];
        let done = Done::new(&mut bits, if self.outline.in_place { self.outline.block } else { 0 });
        let mut walk = Walk::new(model, map, regions, done);
        let mut plan = plan_head(regions.ram, self.region());
        let mut cells = vec![0; SIZES.plan()];
        let mut numbers = Numbers::new(&mut cells);
        numbers.reset();
        let mut content = Pen { bits: Encoder::new(), old: &self.old };
        let mut cursor = Cursor::START;
        if self.outline.in_place {
            self.write_save(&mut cursor, &mut numbers, &mut plan);
        }
        for (place, (block, segments)) in self.blocks.iter().enumerate() {
            let step = if segments.is_some() { Step::Make(*block) } else { Step::Keep(*block) };
            cursor.step(&mut numbers, &mut plan, self.outline.block, step).unwrap();
            let Some(segments) = segments else { continue };
            let (start, mut left) = self.outline.extent(*block);
            let (lead, _) = walk.enter(*block, (start, start + left));
            let mut early = if cursor.goes_down() && lead.len == 0 { self.early(place) } else { 0 };
            for segment in segments {
                let expected = cursor.expected();
                let segment = Segment { early: core::mem::take(&mut early), ..*segment };
                cursor.segment(&mut numbers, &mut plan, self.outline.block, left, LEAST, segment).unwrap();
                left -= segment.literal + segment.copy;
                walk.start(segment, expected, left == 0);
                loop {
                    let mut actual = [0; 8];
                    for (to, from) in actual.iter_mut().zip(&self.new[walk.at() as usize..]) {
                        *to = *from;
                    }
                    if walk.code(&mut content, actual).unwrap().is_none() {
                        break;
                    }
                }
            }
            if self.outline.in_place {
                walk.done.set(*block);
            }
        }
        payload(plan, content.bits)
    }

    /// How much of the block that is made next is made with the one at a place of the order.
    fn early(&self, place: usize) -> u32 {
        let (block, segments) = &self.blocks[place];
        let next = self.blocks.get(place + 1).filter(|(next, _)| next + 1 == *block);
        let last = next.and_then(|(_, segments)| segments.as_ref()?.last());
        let first =
            segments.as_ref().and_then(|segments| segments.first()).filter(|first| first.literal == 0);
        let (Some(first), Some(last)) = (first, last) else { return 0 };
        if first.copy > 0 { self.early.min(first.source).min(last.literal + last.copy) } else { 0 }
    }

    /// Saves all that is copied, first of all.
    fn write_save(&self, cursor: &mut Cursor, numbers: &mut Numbers<'_>, plan: &mut Encoder) {
        let blocks = self.blocks.iter().filter_map(|(_, segments)| segments.as_ref());
        let pieces: Vec<_> = blocks
            .flat_map(|segments| {
                let early = |place| if place == 0 { self.early } else { 0 };
                segments.iter().enumerate().filter(|(_, segment)| segment.copy > 0).map(
                    move |(place, segment)| {
                        let early = early(place).min(segment.source);
                        (segment.source - early, segment.copy + early)
                    },
                )
            })
            .collect();
        cursor.step(numbers, plan, self.outline.block, Step::Save(small(pieces.len()))).unwrap();
        let mut end = 0;
        for piece in pieces {
            Cursor::piece(numbers, plan, end, piece).unwrap();
            end = piece.0 + piece.1;
        }
    }
}

/// A device, its flash in RAM.
struct Device<'a> {
    payload: &'a [u8],
    image: Vec<u8>,
    saved: Vec<(u32, Vec<u8>)>,
    /// Octets read so far.
    read: usize,
    /// Octets of the payload that are there.
    arrived: usize,
}

impl Input for Device<'_> {
    type Error = &'static str;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        self.read += out.len();
        assert!(at as usize + out.len() <= self.arrived, "what has not arrived is not read");
        out.copy_from_slice(part(self.payload, at, out.len()).expect("within the payload"));
        Ok(())
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        self.read += out.len();
        out.copy_from_slice(part(&self.image, at, out.len()).expect("within the old image"));
        Ok(())
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        self.read += out.len();
        for (octet, at) in out.iter_mut().zip(at..) {
            let piece = self.saved.iter().find(|(start, piece)| at.wrapping_sub(*start) < small(piece.len()));
            *octet = piece.map(|(start, piece)| piece[(at - start) as usize]).ok_or("never saved")?;
        }
        Ok(())
    }
}

/// The memory that is lent.
struct Memory {
    words: Vec<u32>,
    regions: [Region; 4],
}

impl Memory {
    fn new(outline: &Outline) -> Self {
        Self { words: vec![0xDEAD_BEEF; outline.words(SIZES)], regions: [Region::BLANK; 4] }
    }
}

type Outcome<T> = Result<T, Error<&'static str>>;

impl<'a> Device<'a> {
    fn new(case: &Case, payload: &'a [u8]) -> Self {
        Self { payload, image: case.old.clone(), saved: vec![], read: 0, arrived: payload.len() }
    }

    /// Goes through steps until a block is done; its number and the octets that were made.
    fn block(&mut self, rebuild: &mut Rebuild<'_>) -> Outcome<(u32, Option<Vec<u8>>)> {
        loop {
            match rebuild.step(self)? {
                Step::Save(_) => {
                    let mut saved = vec![];
                    while let Some((at, len)) = rebuild.piece(self)? {
                        saved.push((at, part(&self.image, at, len as usize).unwrap().to_vec()));
                    }
                    self.saved = saved;
                }
                Step::Keep(block) => return Ok((block, None)),
                Step::Make(block) => {
                    let mut octets = vec![];
                    let mut piece = [0; 100];
                    loop {
                        let n = rebuild.fill(self, &mut piece)?;
                        octets.extend_from_slice(&piece[..n]);
                        if n < piece.len() {
                            break;
                        }
                    }
                    assert_eq!(small(octets.len()), rebuild.outline().extent(block).1);
                    return Ok((block, Some(octets)));
                }
            }
        }
    }

    /// Puts a block where it belongs.
    fn place(&mut self, rebuild: &mut Rebuild<'_>, new: &mut [u8], block: u32, octets: Option<Vec<u8>>) {
        let (start, len) = rebuild.outline().extent(block);
        let place = start as usize..(start + len) as usize;
        let Some(octets) = octets else {
            new[place.clone()].copy_from_slice(&self.image[place]);
            return;
        };
        new[place.clone()].copy_from_slice(&octets);
        if rebuild.outline().in_place {
            self.image[place].copy_from_slice(&octets);
        }
        rebuild.placed(block);
    }

    /// The new image; when `stop` blocks are done, the power fails before the next is placed.
    fn rebuilt(&mut self, outline: Outline, stop: u32) -> Outcome<Vec<u8>> {
        let mut new = vec![0; outline.new_size as usize];
        let mut memory = Memory::new(&outline);
        let mut rebuild = Rebuild::open(outline, &mut memory.words, &mut memory.regions, self)?;
        let mut after;
        for done in 0..outline.blocks() {
            let (block, octets) = self.block(&mut rebuild)?;
            if done == stop && octets.is_some() {
                let mut kept: Vec<u32> = vec![];
                rebuild
                    .keep(|words| {
                        kept.extend_from_slice(words);
                        Ok::<_, ()>(())
                    })
                    .unwrap();
                assert_eq!(kept.len(), Rebuild::kept_words(rebuild.sizes()));
                after = Memory::new(&outline);
                rebuild = Rebuild::open(outline, &mut after.words, &mut after.regions, self)?;
                let mut ready = vec![];
                rebuild.skip(self, done, 1, |block| ready.push(block))?;
                assert_eq!(ready, [block]);
                let mut kept = kept.into_iter();
                rebuild.go_on(self, |_, words| {
                    words.fill_with(|| kept.next().unwrap());
                    Ok(())
                })?;
                assert_eq!(kept.next(), None);
            }
            self.place(&mut rebuild, &mut new, block, octets);
        }
        Ok(new)
    }

    /// The new image in a slot, while the content arrives in pieces of so many octets.
    fn streamed(&mut self, outline: Outline, piece: usize) -> Outcome<Vec<u8>> {
        let mut memory = Memory::new(&outline);
        let plan_end = super::plan_end(self.payload.get(..5).unwrap_or(self.payload), outline.payload)?;
        self.arrived = plan_end.unwrap_or(0) as usize;
        let mut rebuild = Rebuild::open(outline, &mut memory.words, &mut memory.regions, self)?;
        let mut new = vec![];
        for _ in 0..outline.blocks() {
            let step = rebuild.step(self)?;
            let (Step::Make(block) | Step::Keep(block)) = step else {
                return Err(super::Fault::Order.into());
            };
            let (start, len) = outline.extent(block);
            let end = (start + len) as usize;
            if matches!(step, Step::Keep(_)) {
                new.extend_from_slice(&self.image[start as usize..end]);
            }
            while new.len() < end {
                rebuild.arrived(small(self.arrived));
                let mut octets = vec![0; (end - new.len()).min(50)];
                let n = rebuild.fill(self, &mut octets)?;
                new.extend_from_slice(&octets[..n]);
                if n < octets.len() {
                    assert!(self.arrived < self.payload.len(), "stops only where octets are missing");
                    self.arrived = self.payload.len().min(self.arrived + piece);
                }
            }
        }
        Ok(new)
    }
}

const NEVER: u32 = u32::MAX;

prop_compose! {
    /// What one block is made of; sizes are cut to fit later. None: it stays.
    fn recipe()(stays in 0u8..5, of in prop::collection::vec((0u32..12, 1u32..90, any::<u16>(), any::<bool>()), 1..8)) -> Option<Vec<(u32, u32, u16, bool)>> {
        (stays > 0).then_some(of)
    }
}

prop_compose! {
    fn case()(
        old in prop::collection::vec(any::<u8>(), 200..1500),
        noise in prop::collection::vec(any::<u8>(), 40),
        block in 40u32..300,
        in_place: bool,
        down: bool,
        arch in 0u32..12,
        recipes in prop::collection::vec(recipe(), 1..8),
        early in 0u32..8,
    ) -> Case {
        let old_size = small(old.len());
        // what is saved, with the octets of units over a border, may be no more than the old image
        let new_size = (small(recipes.len()) * block).min(old_size - 8 * 7);
        let outline = Outline { payload: 0, old_size, new_size, block, in_place };
        let mut new = old[..new_size as usize].to_vec();
        let mut noise = noise.into_iter().cycle();
        let mut blocks = vec![];
        for (index, recipe) in (0..outline.blocks()).zip(recipes) {
            let (mut at, mut left) = outline.extent(index);
            let Some(recipe) = recipe else {
                blocks.push((index, None));
                continue;
            };
            let mut segments = vec![];
            for (literal, copy, source, mapped) in recipe.into_iter().chain([(NEVER, 0, 0, false)]) {
                let literal = literal.min(left);
                let copy = copy.min(left - literal);
                if literal + copy == 0 {
                    continue;
                }
                let source = if copy == 0 { 0 } else { u32::from(source) % (old_size - copy + 1) };
                segments.push(Segment { literal, copy, source, mapped: mapped && copy >= LEAST, early: 0 });
                for octet in &mut new[at as usize..(at + literal) as usize] {
                    *octet = noise.next().unwrap();
                }
                at += literal;
                for (octet, from) in new[at as usize..(at + copy) as usize].iter_mut().zip(&old[source as usize..]) {
                    *octet = *from ^ u8::from(noise.next().unwrap() < 20);
                }
                at += copy;
                left -= literal + copy;
            }
            blocks.push((index, Some(segments)));
        }
        if in_place && down {
            blocks.reverse();
        }
        let arch = Arch::from_number(arch);
        Case { old, new, outline, arch, blocks, early }
    }
}

/// Whether the work is in proportion: at most 64 octets are read for each that is made, and the payload a few times.
fn is_bounded(device: &Device<'_>, outline: &Outline) -> bool {
    device.read <= 64 * outline.new_size as usize + 8 * (device.payload.len() + 64)
}

proptest! {
    #[test]
    fn a_delta_is_rebuilt_over_any_interruption(case in case(), stop in 0u32..8) {
        let payload = case.written();
        let outline = Outline { payload: small(payload.len()), ..case.outline };
        let mut device = Device::new(&case, &payload);
        prop_assert_eq!(&device.rebuilt(outline, NEVER).unwrap(), &case.new);
        prop_assert!(is_bounded(&device, &outline), "{} octets read", device.read);
        let mut device = Device::new(&case, &payload);
        prop_assert_eq!(&device.rebuilt(outline, stop).unwrap(), &case.new);
    }

    #[test]
    fn a_delta_is_rebuilt_while_it_arrives(case in case(), piece in 1usize..200, damage in prop::option::of((any::<u16>(), 1u8..))) {
        let slot = Outline { in_place: false, ..case.outline };
        let mut blocks = case.blocks.clone();
        blocks.sort_by_key(|(block, _)| *block);
        let case = Case { outline: slot, blocks, ..case };
        let mut payload = case.written();
        let outline = Outline { payload: small(payload.len()), ..slot };
        let mut device = Device::new(&case, &payload);
        prop_assert_eq!(&device.streamed(outline, piece).unwrap(), &case.new);
        if let Some((at, change)) = damage {
            let at = usize::from(at) % payload.len();
            payload[at] ^= change;
            // never more is read than has arrived
            Device::new(&case, &payload).streamed(outline, piece).ok();
        }
    }

    #[test]
    fn a_damaged_delta_is_an_error_or_another_image(case in case(), damage in prop::collection::vec((any::<u16>(), 1u8..), 1..4), cut in 0usize..40) {
        let mut payload = case.written();
        payload.truncate(payload.len().saturating_sub(cut.saturating_sub(10)).max(1));
        for (at, change) in damage {
            let at = usize::from(at) % payload.len();
            payload[at] ^= change;
        }
        let outline = Outline { payload: small(payload.len()), ..case.outline };
        let mut device = Device::new(&case, &payload);
        if let Ok(new) = device.rebuilt(outline, NEVER) {
            prop_assert_eq!(new.len(), case.new.len());
        }
        prop_assert!(is_bounded(&device, &outline), "{} octets read", device.read);
    }

    #[test]
    fn random_octets_are_an_error_or_an_image(case in case(), payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let outline = Outline { payload: small(payload.len()), ..case.outline };
        let mut device = Device::new(&case, &payload);
        device.rebuilt(outline, NEVER).ok();
        prop_assert!(is_bounded(&device, &outline), "{} octets read", device.read);
    }

    #[test]
    fn a_state_that_was_not_kept_here_is_an_error_or_an_image(
        case in case(),
        passed in 0u32..6,
        owed in 0u32..3,
        words in prop::collection::vec(any::<u32>(), 99),
    ) {
        let payload = case.written();
        let outline = Outline { payload: small(payload.len()), ..case.outline };
        let mut device = Device::new(&case, &payload);
        let mut memory = Memory::new(&outline);
        let mut rebuild = Rebuild::open(outline, &mut memory.words, &mut memory.regions, &mut device).unwrap();
        let mut words = [passed, owed].into_iter().chain(words.into_iter().cycle());
        let state = rebuild.go_on(&mut device, |_, out| { out.fill_with(|| words.next().unwrap()); Ok(()) });
        prop_assert_eq!(state.is_ok(), passed <= outline.blocks() && owed <= rebuild.needs().pieces);
        for _ in 0..outline.blocks() {
            if device.block(&mut rebuild).is_err() {
                break;
            }
        }
        prop_assert!(is_bounded(&device, &outline), "{} octets read", device.read);
    }
}

#[test]
fn too_little_memory_is_told_with_the_missing_amount() {
    let old = vec![5; 400];
    let outline = Outline { payload: 0, old_size: 400, new_size: 400, block: 200, in_place: false };
    let blocks = vec![(0, None), (1, None)];
    let case = Case { old: old.clone(), new: old, outline, arch: Arch::Data, blocks, early: 0 };
    let payload = case.written();
    let outline = Outline { payload: small(payload.len()), ..outline };
    let mut device = Device::new(&case, &payload);
    let mut memory = Memory::new(&outline);
    let short = &mut memory.words[3..];
    let error = Rebuild::open(outline, short, &mut memory.regions, &mut device).map(|_| ());
    assert_eq!(error, Err(Error::Fault(super::Fault::Memory { words: 3 })));
    let error = Rebuild::open(outline, &mut memory.words, &mut [], &mut device).map(|_| ());
    assert_eq!(error, Err(Error::Fault(super::Fault::Regions)));
}

/// Saves all of the old image before each block.
fn saving_everything(blocks: u32) -> impl FnOnce(&mut Cursor, &mut Numbers<'_>, &mut Encoder) {
    move |cursor, numbers, plan| {
        for block in 0..blocks {
            cursor.step(numbers, plan, 200, Step::Save(1)).unwrap();
            Cursor::piece(numbers, plan, 0, (0, blocks * 200)).unwrap();
            cursor.step(numbers, plan, 200, Step::Keep(block)).unwrap();
        }
    }
}

#[test]
fn a_plan_that_saves_everything_again_and_again_is_refused() {
    let most = u32::try_from(super::SAVED_MOST).unwrap() * 2;
    // the octets of the pieces' entries are what is too much
    assert_eq!(opened(most, saving_everything(most)).map(|_| ()), Err(Error::Fault(super::Fault::Work)));
    let needs = opened(most - 1, saving_everything(most - 1)).unwrap();
    assert_eq!((needs.saves, needs.octets), (most - 1, (most - 1) * 200 + super::PIECE));
}

#[test]
fn a_plan_that_has_octets_looked_for_again_and_again_is_refused() {
    let plan = |pieces: u32| {
        move |cursor: &mut Cursor, numbers: &mut Numbers<'_>, plan: &mut Encoder| {
            cursor.step(numbers, plan, 200, Step::Save(pieces)).unwrap();
            for at in 0..pieces {
                Cursor::piece(numbers, plan, at, (at, 1)).unwrap();
            }
            cursor.step(numbers, plan, 200, Step::Make(0)).unwrap();
            for left in (1..=200).rev() {
                let segment = Segment { literal: 0, copy: 1, source: 0, mapped: false, early: 0 };
                cursor.segment(numbers, plan, 200, left, LEAST, segment).unwrap();
            }
        }
    };
    let most = u32::try_from(super::SEARCHED_MOST).unwrap() * 2;
    assert_eq!(opened(1, plan(most)).unwrap().pieces, most);
    assert_eq!(opened(1, plan(most + 1)).map(|_| ()), Err(Error::Fault(super::Fault::Work)));
}
