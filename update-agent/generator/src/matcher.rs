//! Where the older kind of delta copies from: occurrences in a part of the old image.
use std::ops::Range;

use crate::search::Suffixes;

/// Finds where in the old image a piece of the new one occurs.
pub(crate) struct Matcher<'a> {
    old: &'a [u8],
    suffixes: Suffixes<'a>,
}

/// How many suffixes beside the best are tried when it is not allowed.
const NEIGHBOURS: usize = 32;

/// An occurrence in the old image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) at: usize,
    pub(crate) len: usize,
}

impl<'a> Matcher<'a> {
    /// Sorts the suffixes of `old`, which is at most 1 GiB.
    pub(crate) fn new(old: &'a [u8]) -> Self {
        Self { old, suffixes: Suffixes::new(old) }
    }

    pub(crate) fn old(&self) -> &'a [u8] {
        self.old
    }

    /// A long match of the front of `text` within `allowed`: the longest, unless more than [`NEIGHBOURS`] longer ones are
    /// not allowed.
    pub(crate) fn longest(&self, text: &[u8], allowed: &Range<usize>) -> Match {
        let (before, behind) = self.suffixes.around(text);
        let (one, other) = (best(allowed, before), best(allowed, behind));
        if other.len > one.len { other } else { one }
    }
}

/// The best of places in the order in which they agree ever less.
fn best(allowed: &Range<usize>, places: impl Iterator<Item = (usize, usize)>) -> Match {
    let mut best = Match::default();
    for (at, len) in places.take(NEIGHBOURS) {
        if len <= best.len {
            break;
        }
        if allowed.contains(&at) {
            let len = len.min(allowed.end - at);
            if len > best.len {
                best = Match { at, len };
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_longest_match_that_is_allowed() {
        let matcher = Matcher::new(b"the cat sat on the mat; the cat slept");
        let all = 0..37;
        assert_eq!(matcher.longest(b"the cat slew", &all), Match { at: 24, len: 11 });
        assert_eq!(matcher.longest(b"the cat slew", &(0..24)), Match { at: 0, len: 9 });
        assert_eq!(matcher.longest(b"the cat slew", &(20..30)), Match { at: 24, len: 6 });
        assert_eq!(matcher.longest(b"XYZ", &all).len, 0);
        assert_eq!(matcher.longest(b"the", &(5..5)).len, 0);
        assert_eq!(matcher.longest(b"", &all).len, 0);
    }

    #[test]
    fn an_empty_image_has_no_matches() {
        assert_eq!(Matcher::new(b"").longest(b"abc", &(0..0)).len, 0);
    }
}
