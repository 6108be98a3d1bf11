//! From an order to cheaper ones: runs of blocks are moved, as long as the payload is expected to become smaller.
//!
//! Octets that are needed behind the step that overwrites them cost nothing while they fit in what is saved, and what fits
//! depends on all of the order; so each move is judged by going through the whole plan.
use super::{Life, Needs, octets, places, saves};

/// What things take in the payload, in twentieths of an octet. An octet that is lost is often found elsewhere.
mod price {
    pub(super) const LOST: usize = 9;
    pub(super) const SAVE: usize = 60;
    pub(super) const PIECE: usize = 60;
    pub(super) const JUMP: usize = 60;
    /// A move has to gain more than this.
    pub(super) const MOVE: usize = 10;
}

/// How many blocks are moved at a time.
const RUNS: [usize; 7] = [1, 2, 3, 4, 8, 16, 32];
/// So many needs, the greatest first, are tried to be met.
const TRIED: usize = 40;
/// The work that is done at most, which bounds the time: what one order takes is the number of its blocks, and this much for
/// each stretch of octets that is needed late.
const BUDGET: usize = 300_000_000;
const LOOKS: usize = 256;

/// The cheapest order that is found, with room for saving `room` octets in pieces of `least` octets and more: the cheapest of
/// those to start with, unless it `climbs` from there.
pub(super) fn best(needs: &Needs, room: usize, least: usize, climbs: bool) -> Vec<usize> {
    let upwards: Vec<usize> = (0..needs.readers.len()).collect();
    let downwards = upwards.iter().rev().copied().collect();
    let starts = [needs.greedy(), upwards, downwards].map(|order| needs.improved(order));
    let mut climber = Climber { needs, room, least, left: BUDGET };
    let priced = starts.map(|order| (climber.price(&order), order));
    let cheapest = priced.into_iter().min_by_key(|(price, _)| *price);
    let climbed = |(price, order)| if climbs { climber.climb(order, price) } else { order };
    cheapest.map(climbed).unwrap_or_default()
}

struct Climber<'a> {
    needs: &'a Needs,
    room: usize,
    least: usize,
    /// What is left of the [`BUDGET`].
    left: usize,
}

/// A run of blocks, and the block before or behind which it is to be made.
struct Move {
    first: usize,
    len: usize,
    target: usize,
    before: bool,
}

impl Climber<'_> {
    /// What an order takes in the payload.
    fn price(&mut self, order: &[usize]) -> usize {
        let lives = self.needs.lives(&places(order));
        self.left = self.left.saturating_sub(order.len() + lives.len() * LOOKS);
        let lost: usize = lives.iter().map(|life: &Life| life.octets.len()).sum();
        let saves = saves(&lives, self.room, self.least);
        let pieces: usize = saves.values().map(Vec::len).sum();
        let saved: usize = saves.values().flatten().map(std::ops::Range::len).sum();
        let jumps = order.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) != 1).count();
        (lost - saved) * price::LOST + saves.len() * price::SAVE + pieces * price::PIECE + jumps * price::JUMP
    }

    /// Moves blocks until no move helps, or the budget is used up.
    fn climb(&mut self, mut order: Vec<usize>, mut price: usize) -> Vec<usize> {
        loop {
            let before = price;
            for (reader, place) in self.late(&order) {
                let at = places(&order);
                if at[reader] < at[place] {
                    continue;
                }
                let moves = RUNS.into_iter().flat_map(|len| moves(reader, place, len));
                for to_try in moves {
                    if self.left == 0 {
                        return order;
                    }
                    let Some(moved) = to_try.of(&order) else { continue };
                    let now = self.price(&moved);
                    if now + price::MOVE < price {
                        (order, price) = (moved, now);
                        break;
                    }
                }
            }
            if price == before {
                return order;
            }
        }
    }

    /// Blocks that are made when a block whose place they need has been, where most octets are needed first.
    fn late(&self, order: &[usize]) -> Vec<(usize, usize)> {
        let at = places(order);
        let mut late = Vec::new();
        for (place, readers) in self.needs.readers.iter().enumerate() {
            let behind = readers.iter().filter(|(reader, _)| at[**reader] > at[place]);
            late.extend(behind.map(|(reader, ranges)| (octets(ranges), *reader, place)));
        }
        late.sort_unstable_by(|one, other| other.cmp(one));
        late.into_iter().take(TRIED).map(|(_, reader, place)| (reader, place)).collect()
    }
}

/// The moves of `len` blocks that make `reader` before `place` is overwritten.
fn moves(reader: usize, place: usize, len: usize) -> impl Iterator<Item = Move> {
    let forth = [(reader, place, true), (place, reader, false)];
    forth.into_iter().flat_map(move |(block, target, before)| {
        let firsts = [Some(block), (block + 1).checked_sub(len).filter(|first| *first < block)];
        firsts.into_iter().flatten().map(move |first| Move { first, len, target, before })
    })
}

impl Move {
    /// The order after it; `None` if there are no such blocks to be moved there.
    fn of(&self, order: &[usize]) -> Option<Vec<usize>> {
        let run = self.first..self.first + self.len;
        if run.contains(&self.target) || run.end > order.len() {
            return None;
        }
        let (moved, rest): (Vec<usize>, Vec<usize>) = order.iter().partition(|block| run.contains(block));
        let at = rest.iter().position(|block| *block == self.target)? + usize::from(!self.before);
        let (front, behind) = rest.split_at(at);
        Some([front, &moved, behind].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BLOCK: usize = 100;

    prop_compose! {
        fn needs()(blocks in 2usize..12, copies in prop::collection::vec((0usize..1200, 0usize..1200, 1usize..90), 0..20)) -> Needs {
            let mut needs = Needs::new(blocks);
            let len = blocks * BLOCK;
            for (at, from, octets) in copies {
                let (at, from) = (at % len, from % len);
                needs.add(at..(at + octets).min(len), from, BLOCK, |_, _| true);
            }
            needs
        }
    }

    proptest! {
        #[test]
        fn every_block_stands_in_it_once_and_no_start_is_cheaper(needs in needs(), room in 80usize..300) {
            let found = best(&needs, room, 10, true);
            let mut blocks = found.clone();
            blocks.sort_unstable();
            prop_assert_eq!(blocks, (0..needs.readers.len()).collect::<Vec<_>>());
            let mut climber = Climber { needs: &needs, room, least: 10, left: BUDGET };
            let price = climber.price(&found);
            let greedy = needs.improved(needs.greedy());
            prop_assert!(price <= climber.price(&greedy));
        }
    }

    /// Two blocks need a little of each other's place, and a third much of both: what fits is saved, and the third comes first.
    #[test]
    fn what_fits_in_the_room_is_no_loss() {
        let mut needs = Needs::new(3);
        needs.add(0..60, 100, BLOCK, |_, _| true);
        needs.add(100..180, 0, BLOCK, |_, _| true);
        needs.add(200..290, 5, BLOCK, |_, _| true);
        let (steps, lost) = needs.plan(200, 10, true);
        assert_eq!(lost, 0, "{steps:?}");
        let (_, lost) = needs.plan(80, 10, true);
        assert!(lost > 0 && lost <= 60, "{lost}");
    }

    #[test]
    fn a_run_goes_to_its_target_as_a_whole() {
        let order = [3, 0, 4, 1, 2];
        let moved = |first, len, target, before| Move { first, len, target, before }.of(&order);
        assert_eq!(moved(0, 2, 3, true), Some(vec![0, 1, 3, 4, 2]));
        assert_eq!(moved(3, 2, 1, false), Some(vec![0, 1, 3, 4, 2]));
        assert_eq!(moved(3, 2, 4, false), None);
        assert_eq!(moved(4, 2, 1, false), None);
    }
}
