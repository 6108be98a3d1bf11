//! The ways on which positions can be reached, sharing what they have in common.

/// A place where the way changed to another shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// Offset in the new image from which on it holds.
    pub(super) at: u32,
    /// How far behind its place in the new image the source is; none for a literal.
    pub(super) shift: Option<i32>,
    parent: u32,
}

/// All turns that a way still goes through.
pub(super) struct Arena {
    turns: Vec<Turn>,
    /// When to look for turns that are no longer needed.
    sweep_at: usize,
}

/// The parent of the first turn of a way.
const NONE: u32 = u32::MAX;
/// Fewer turns than this are not worth a sweep.
const FEW: usize = 1 << 16;

impl Arena {
    /// The way that starts with a literal, whose turn is number 0.
    pub(super) fn new() -> Self {
        Self { turns: vec![Turn { at: 0, shift: None, parent: NONE }], sweep_at: FEW }
    }

    /// Adds a turn to the way that ends with the turn `parent`; its number.
    pub(super) fn turn(&mut self, at: u32, shift: Option<i32>, parent: u32) -> u32 {
        let number = super::small(self.turns.len());
        self.turns.push(Turn { at, shift, parent });
        number
    }

    /// Drops all turns but those of the ways that end with one of `ends`, if that is due; the numbers in `ends` change.
    pub(super) fn tidy<'e>(&mut self, ends: impl Iterator<Item = &'e mut u32>) {
        if self.turns.len() < self.sweep_at {
            return;
        }
        let mut numbers = vec![NONE; self.turns.len()];
        let ends: Vec<&mut u32> = ends.collect();
        for end in &ends {
            numbers[**end as usize] = 0;
        }
        // parents come before their children
        for n in (1..self.turns.len()).rev() {
            if numbers[n] != NONE {
                numbers[self.turns[n].parent as usize] = 0;
            }
        }
        let mut kept = 0u32;
        for n in 0..self.turns.len() {
            if numbers[n] == NONE {
                continue;
            }
            let turn = self.turns[n];
            let parent = if turn.parent == NONE { NONE } else { numbers[turn.parent as usize] };
            self.turns[kept as usize] = Turn { parent, ..turn };
            numbers[n] = kept;
            kept += 1;
        }
        self.turns.truncate(kept as usize);
        for end in ends {
            *end = numbers[*end as usize];
        }
        self.sweep_at = FEW.max(2 * self.turns.len());
    }

    /// The turns of the way that ends with `end`, the first first.
    pub(super) fn way(&self, end: u32) -> Vec<Turn> {
        let mut way = Vec::new();
        let mut number = end;
        while let Some(turn) = self.turns.get(number as usize) {
            way.push(*turn);
            number = turn.parent;
        }
        way.reverse();
        way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidying_keeps_the_ways_that_are_asked_for() {
        let mut arena = Arena::new();
        let (mut one, mut other, mut tidied) = (0, 0, 0);
        for at in 1..=50_000 {
            one = arena.turn(at, Some(1), one);
            if at % 1000 == 0 {
                other = arena.turn(at, Some(2), one);
            }
            let dead = arena.turn(at, None, one);
            assert!(dead > one);
            if at % 64 == 0 {
                one = arena.turn(at, None, other);
            }
            if at % 10_000 == 0 {
                let before = [one, other].map(|end| places(&arena, end));
                arena.sweep_at = 0;
                arena.tidy([&mut one, &mut other].into_iter());
                assert_eq!([one, other].map(|end| places(&arena, end)), before);
                assert!(arena.turns.len() <= before[0].len() + before[1].len());
                tidied += 1;
            }
        }
        assert_eq!(tidied, 5);
    }

    #[test]
    fn few_turns_are_left_alone() {
        let mut arena = Arena::new();
        let mut end = arena.turn(1, Some(1), 0);
        arena.turn(2, None, end);
        arena.tidy([&mut end].into_iter());
        assert_eq!((arena.turns.len(), end), (3, 1));
    }

    fn places(arena: &Arena, end: u32) -> Vec<(u32, Option<i32>)> {
        arena.way(end).iter().map(|turn| (turn.at, turn.shift)).collect()
    }
}
