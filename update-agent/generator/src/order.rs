//! In which order blocks are made in place, and what is saved for later.
//!
//! A block that is put into its place overwrites the old octets there, so it should be put there after every block that
//! copies from them was made. Where blocks need each other's place, the octets still needed are *saved* first, in the spare
//! sectors that are not the scratch block; what does not fit is lost: those octets are copied no more, but sent.
//!
//! There are three orders to start with: upwards, downwards, and greedily, which is always the block whose old octets are
//! needed least by those still to come, and among equals the neighbour of the last, because runs of neighbours cost nothing
//! to tell the device. In each, blocks are moved to where less is lost; the cheapest is [climbed](climb) from. What is saved
//! is saved in one go, as soon as there is need and the room is empty, with all that will be needed later and still fits.
mod climb;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// One step of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// These octets of the old image are saved, one behind the other.
    Save(Vec<Range<usize>>),
    /// This block is made and put into its place.
    Make(usize),
}

/// What each block copies from the place of each other block.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Per block: the blocks that copy from its place, and the octets they copy.
    readers: Vec<BTreeMap<usize, Vec<Range<usize>>>>,
}

impl Needs {
    /// Of so many blocks.
    pub(crate) fn new(blocks: usize) -> Self {
        Self { readers: vec![BTreeMap::new(); blocks] }
    }

    /// Notes that `target` of the new image is copied from `source` of the old, blocks being of `block` octets;
    /// `counts(reader, place)` says whether it matters.
    pub(crate) fn add(
        &mut self,
        target: Range<usize>,
        source: usize,
        block: usize,
        counts: impl Fn(usize, usize) -> bool,
    ) {
        let mut at = target.start;
        while at < target.end {
            let from = source + (at - target.start);
            let end = target.end.min((at / block + 1) * block).min(at + (from / block + 1) * block - from);
            let (reader, place) = (at / block, from / block);
            if reader != place && place < self.readers.len() && counts(reader, place) {
                self.readers[place].entry(reader).or_default().push(from..from + (end - at));
            }
            at = end;
        }
    }

    /// A plan with room for saving `room` octets, in pieces of `least` octets and more, and how many octets are lost; `climbs`
    /// says whether the order is climbed from.
    pub(crate) fn plan(&self, room: usize, least: usize, climbs: bool) -> (Vec<Step>, usize) {
        let order = climb::best(self, room, least, climbs);
        let lives = self.lives(&places(&order));
        let lost: usize = lives.iter().map(|life| life.octets.len()).sum();
        let saves = saves(&lives, room, least);
        let saved: usize = saves.values().flatten().map(Range::len).sum();
        let mut steps = Vec::with_capacity(order.len() + saves.len());
        for (place, block) in order.into_iter().enumerate() {
            steps.extend(saves.get(&place).cloned().map(Step::Save));
            steps.push(Step::Make(block));
        }
        (steps, lost - saved)
    }

    /// What is needed after it was overwritten, if the blocks are made at these places of the order.
    fn lives(&self, at: &[usize]) -> Vec<Life> {
        let mut lives = Vec::new();
        for (place, readers) in self.readers.iter().enumerate() {
            for (reader, ranges) in readers.iter().filter(|(reader, _)| at[**reader] > at[place]) {
                let life = |octets: &Range<usize>| Life {
                    octets: octets.clone(),
                    born: at[place],
                    dies: at[*reader],
                };
                lives.extend(ranges.iter().map(life));
            }
        }
        lives.sort_by_key(|life| (life.born, life.dies, life.octets.start));
        lives
    }

    /// Always the block whose old octets are needed least by those still to come.
    fn greedy(&self) -> Vec<usize> {
        let blocks = self.readers.len();
        let mut places = vec![BTreeMap::new(); blocks];
        for (place, readers) in self.readers.iter().enumerate() {
            for (reader, ranges) in readers {
                places[*reader].insert(place, octets(ranges));
            }
        }
        let sum = |readers: &BTreeMap<usize, Vec<Range<usize>>>| {
            readers.values().map(|ranges| octets(ranges)).sum()
        };
        let mut needed: Vec<usize> = self.readers.iter().map(sum).collect();
        let mut left: BTreeSet<(usize, usize)> = needed.iter().copied().zip(0..).collect();
        let mut order = Vec::with_capacity(blocks);
        let (mut last, mut up) = (0, true);
        while let Some(block) = least_needed(&left, last, up, order.is_empty()) {
            left.remove(&(needed[block], block));
            for (place, octets) in &places[block] {
                let before = (needed[*place], *place);
                needed[*place] -= octets;
                if left.remove(&before) {
                    left.insert((needed[*place], *place));
                }
            }
            (up, last) = (block > last, block);
            order.push(block);
        }
        order
    }

    /// `order` with blocks moved to where they lose less, until no single move helps.
    fn improved(&self, mut order: Vec<usize>) -> Vec<usize> {
        let neighbours = self.neighbours();
        let mut at = places(&order);
        for _ in 0..ROUNDS {
            let mut better = false;
            for block in 0..at.len() {
                if let Some(to) = better_place(&neighbours[block], &at, at[block]) {
                    order.remove(at[block]);
                    order.insert(if to > at[block] { to - 1 } else { to }, block);
                    at = places(&order);
                    better = true;
                }
            }
            if !better {
                break;
            }
        }
        order
    }

    fn neighbours(&self) -> Vec<Vec<Neighbour>> {
        let mut all: Vec<Vec<Neighbour>> = vec![Vec::new(); self.readers.len()];
        for (place, readers) in self.readers.iter().enumerate() {
            for (reader, ranges) in readers {
                let octets = octets(ranges);
                all[*reader].push(Neighbour { block: place, octets, behind: true });
                all[place].push(Neighbour { block: *reader, octets, behind: false });
            }
        }
        all
    }
}

/// The place of each block in an order.
fn places(order: &[usize]) -> Vec<usize> {
    let mut at = vec![0; order.len()];
    for (place, block) in order.iter().enumerate() {
        at[*block] = place;
    }
    at
}

/// How often the order is gone through for improvements.
const ROUNDS: usize = 20;

/// A block that should be made behind another one, or else before it, or so many octets are lost.
#[derive(Clone, Copy)]
struct Neighbour {
    block: usize,
    octets: usize,
    behind: bool,
}

/// Before which place in the order a block that stands at `now` would lose least, if that is less than now.
fn better_place(neighbours: &[Neighbour], at: &[usize], now: usize) -> Option<usize> {
    let loss = |to: usize| -> usize {
        let lost = neighbours.iter().filter(|n| if n.behind { at[n.block] < to } else { at[n.block] >= to });
        lost.map(|n| n.octets).sum()
    };
    let least = loss(now);
    if least == 0 {
        return None;
    }
    let places = neighbours.iter().flat_map(|n| [at[n.block], at[n.block] + 1]);
    let best = places.map(|to| (loss(to), to.abs_diff(now), to)).min()?;
    (best.0 < least).then_some(best.2)
}

fn octets(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(Range::len).sum()
}

/// Of the blocks needed least, a neighbour of the last one, or else the last: growth pushes code up, so going down from the
/// end usually works.
fn least_needed(left: &BTreeSet<(usize, usize)>, last: usize, up: bool, fresh: bool) -> Option<usize> {
    let &(least, _) = left.first()?;
    let (above, below) = (Some(last + 1), last.checked_sub(1));
    let neighbours = if up { [above, below] } else { [below, above] };
    let near = neighbours.into_iter().flatten().find(|at| !fresh && left.contains(&(least, *at)));
    near.or_else(|| left.range(..=(least, usize::MAX)).next_back().map(|(_, block)| *block))
}

/// Octets that are needed when they are overwritten already.
struct Life {
    octets: Range<usize>,
    /// The place in the order of the block that overwrites them.
    born: usize,
    /// The place in the order of the block that needs them.
    dies: usize,
}

/// How many lives a save is looked ahead for.
const HORIZON: usize = 2000;
/// Octets that each saved piece takes beside its own: its entry in the list.
const ENTRY: usize = 8;
/// Octets of a list beside its entries, at most: its count, and what fills it up.
const LIST: usize = 4 + 63;

/// Before which places of the order something is saved, and what. A save ends the one before it; those are chosen that
/// keep most octets altogether.
fn saves(lives: &[Life], room: usize, least: usize) -> BTreeMap<usize, Vec<Range<usize>>> {
    let room = room.saturating_sub(LIST);
    // best[i]: the most octets that lives from i on can keep, and up to which death the save at i lasts
    let mut best = vec![(0, None); lives.len() + 1];
    // of the lives from i on, as far as is looked ahead: by their deaths
    let mut deaths: Vec<(usize, usize, usize)> = Vec::new();
    let death = |i: usize, life: &Life| (life.dies, life.octets.len() + ENTRY, i);
    for (i, life) in lives.iter().enumerate().rev() {
        let new = death(i, life);
        deaths.insert(deaths.partition_point(|known| *known < new), new);
        if let Some(far) = lives.get(i + HORIZON) {
            let far = death(i + HORIZON, far);
            deaths.remove(deaths.partition_point(|known| *known < far));
        }
        best[i] = (best[i + 1].0, None);
        let (mut kept, mut next) = (0, i + 1);
        for (dies, octets, _) in &deaths {
            kept += octets;
            while lives.get(next).is_some_and(|life| life.born <= *dies) {
                next += 1;
            }
            let total = kept.min(room) + best[next].0;
            if total > best[i].0 {
                best[i] = (total, Some(*dies));
            }
            if kept >= room {
                break;
            }
        }
    }
    let mut saves = BTreeMap::new();
    let mut i = 0;
    while i < lives.len() {
        let Some(until) = best[i].1 else {
            i += 1;
            continue;
        };
        let mut left = room;
        let mut list = Vec::new();
        for life in lives[i..].iter().take(HORIZON).filter(|life| life.dies <= until) {
            let n = life.octets.len().min(left.saturating_sub(ENTRY));
            if n >= least {
                list.push(life.octets.start..life.octets.start + n);
                left -= n + ENTRY;
            }
        }
        saves.insert(lives[i].born, list);
        i = lives.partition_point(|life| life.born <= until);
    }
    saves
}
