//! The cheapest division of an image into runs of one state each, given what each window is worth in each state (Viterbi).

use std::ops::Range;

/// Octets of a window.
pub(super) const WINDOW: usize = 256;

/// The runs, in order and without a gap, that have the greatest sum of `scores[state][window]` less `penalty` for every change.
/// All states have the same number of windows.
pub(super) fn runs(scores: &[Vec<i32>], penalty: i32) -> Vec<(Range<usize>, usize)> {
    let windows = scores.first().map_or(0, Vec::len);
    let mut sums = vec![0_i64; scores.len()];
    let mut from = Vec::with_capacity(windows);
    for window in 0..windows {
        let (best, top) = greatest(&sums);
        let mut origin = Vec::with_capacity(scores.len());
        for (state, (sum, scores)) in sums.iter_mut().zip(scores).enumerate() {
            let change = top - i64::from(penalty);
            origin.push(if change > *sum { best } else { state });
            *sum = change.max(*sum) + scores.get(window).map_or(0, |score| i64::from(*score));
        }
        from.push(origin);
    }
    let (mut state, _) = greatest(&sums);
    let mut runs: Vec<(Range<usize>, usize)> = Vec::new();
    for (window, origin) in from.iter().enumerate().rev() {
        match runs.last_mut() {
            Some((range, same)) if *same == state => range.start = window,
            _ => runs.push((window..window + 1, state)),
        }
        state = origin.get(state).copied().unwrap_or(state);
    }
    runs.reverse();
    runs
}

/// The first of the greatest.
fn greatest(sums: &[i64]) -> (usize, i64) {
    let best = sums.iter().copied().enumerate().max_by_key(|(at, sum)| (*sum, usize::MAX - at));
    best.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_has_to_be_worth_its_price() {
        let scores = [vec![0; 6], vec![5, 5, -1, 5, -20, -20]];
        assert_eq!(runs(&scores, 10), [(0..4, 1), (4..6, 0)]);
        assert_eq!(runs(&scores, 100), [(0..6, 0)]);
        assert_eq!(runs(&scores, 0), [(0..2, 1), (2..3, 0), (3..4, 1), (4..6, 0)]);
        assert_eq!(runs(&[], 1), []);
    }

    proptest! {
        #[test]
        fn no_other_division_is_worth_more(
            scores in prop::collection::vec(prop::array::uniform3(-20..20_i32), 1..8), penalty in 0..40_i32
        ) {
            let by_state: Vec<Vec<i32>> = (0..3).map(|state| scores.iter().map(|window| window[state]).collect()).collect();
            let worth = |states: &[usize]| {
                let sum: i32 = states.iter().zip(&scores).map(|(state, window)| window[*state]).sum();
                sum - penalty * i32::try_from(states.windows(2).filter(|pair| pair[0] != pair[1]).count()).unwrap()
            };
            let found: Vec<usize> = runs(&by_state, penalty).into_iter().flat_map(|(range, state)| range.map(move |_| state)).collect();
            prop_assert_eq!(found.len(), scores.len());
            for code in 0..3_usize.pow(u32::try_from(scores.len()).unwrap()) {
                let other: Vec<usize> = (0..scores.len()).map(|at| code / 3_usize.pow(u32::try_from(at).unwrap()) % 3).collect();
                prop_assert!(worth(&found) >= worth(&other));
            }
        }
    }
}
