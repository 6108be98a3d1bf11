//! Units without an address that change in the same way in several places: the device learns them.
use std::collections::BTreeMap;

use super::Segment;
use super::sweep::Mark;

/// The longest unit of which the device learns how it changes.
const LONGEST: usize = 4;
/// The shortest.
const SHORTEST: usize = 2;
/// How often a change must be seen.
const OFTEN: u32 = 2;

/// The changes that were seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// Units before and after, in order.
    known: Vec<(Unit, Unit)>,
}

/// The octets of a unit, with zeros behind them, and how many they are.
type Unit = ([u8; LONGEST], usize);

impl Changes {
    /// The changes in the copies of some segments.
    pub(super) fn new(old: &[u8], new: &[u8], marks: &[Mark], segments: &[Segment]) -> Self {
        let mut seen: BTreeMap<(Unit, Unit), u32> = BTreeMap::new();
        let mut at = 0usize;
        for segment in segments {
            at += segment.literal as usize;
            let mut from = segment.source as usize;
            let end = from + segment.copy as usize;
            while from < end {
                let len = len(marks, from).min(end - from);
                if old[from..from + len] != new[at..at + len]
                    && !marks[from].refers()
                    && let Some(units) = unit(&old[from..from + len]).zip(unit(&new[at..at + len]))
                {
                    *seen.entry(units).or_default() += 1;
                }
                from += len;
                at += len;
            }
        }
        Self {
            known: seen.into_iter().filter(|(_, count)| *count >= OFTEN).map(|(units, _)| units).collect(),
        }
    }

    /// The octets of the old unit at `from`, if it became the new octets at `at` in other places too.
    pub(super) fn again(
        &self,
        old: &[u8],
        new: &[u8],
        marks: &[Mark],
        from: usize,
        at: usize,
    ) -> Option<usize> {
        if self.known.is_empty() {
            return None;
        }
        let len = len(marks, from);
        let (before, after) = (&old[from..from + len], new.get(at..at + len)?);
        let units = unit(before).zip(unit(after).filter(|_| before != after))?;
        self.known.binary_search(&units).is_ok().then_some(len)
    }
}

/// How far it is from `from` to the next unit.
fn len(marks: &[Mark], from: usize) -> usize {
    1 + marks[from + 1..].iter().take_while(|mark| !mark.starts()).count()
}

fn unit(octets: &[u8]) -> Option<Unit> {
    let mut unit = [0; LONGEST];
    unit.get_mut(..octets.len())?.copy_from_slice(octets);
    (octets.len() >= SHORTEST).then_some((unit, octets.len()))
}

#[cfg(test)]
mod tests {
    use kedge_delta::arch::Arch;
    use kedge_delta::map::{Region, Regions};

    use super::*;
    use crate::search::sweep::{Side, sweep};

    #[test]
    fn only_what_changed_twice_in_the_same_way_is_known() {
        let old = [[1u8, 2, 3, 4], [9, 9, 9, 9], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4]].concat();
        let new = [[1u8, 2, 3, 7], [9, 9, 9, 9], [1, 2, 3, 7], [5, 6, 7, 9], [1, 2, 3, 4]].concat();
        let list = [Region {
            old_start: 0,
            new_start: 0,
            old_address: 0,
            new_address: 0,
            high: 0,
            arch: Arch::Data,
        }];
        let regions = Regions { list: &list, old_size: 20, new_size: 20, ram: (0, 0) };
        let (marks, _) = sweep(&old, &regions, Side::Old);
        let again = |segments: &[Segment], from, at| {
            Changes::new(&old, &new, &marks, segments).again(&old, &new, &marks, from, at)
        };
        let whole = [Segment { literal: 0, copy: 20, source: 0 }];
        assert_eq!(again(&whole, 0, 0), Some(4));
        assert_eq!(again(&whole, 16, 8), Some(4));
        // unchanged, changed once, changed in another way, beyond the end
        assert_eq!(again(&whole, 4, 4), None);
        assert_eq!(again(&whole, 12, 12), None);
        assert_eq!(again(&whole, 0, 4), None);
        assert_eq!(again(&whole, 0, 18), None);
        // seen only in the literal, or only once
        assert_eq!(again(&[Segment { literal: 8, copy: 12, source: 8 }], 0, 0), None);
        assert_eq!(again(&[], 0, 0), None);
    }
}
