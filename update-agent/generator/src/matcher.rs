use std::ops::Range;

/// Finds where in the old image a piece of the new one occurs.
pub(crate) struct Matcher<'a> {
    old: &'a [u8],
    /// The starts of all suffixes of `old`, in the order of the suffixes.
    order: Vec<i32>,
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
        let construction = libsais::SuffixArrayConstruction::for_text(old).in_owned_buffer32();
        let order = construction.single_threaded().run().expect("an image fits 31-bit offsets").into_vec();
        Self { old, order }
    }

    pub(crate) fn old(&self) -> &'a [u8] {
        self.old
    }

    /// A long match of the front of `text` within `allowed`: the longest, unless more than [`NEIGHBOURS`] longer ones are
    /// not allowed.
    pub(crate) fn longest(&self, text: &[u8], allowed: &Range<usize>) -> Match {
        let place = self.order.partition_point(|at| self.suffix(*at) < text);
        let (before, behind) = self.order.split_at(place);
        let one = self.best(text, allowed, before.iter().rev());
        let other = self.best(text, allowed, behind.iter());
        if other.len > one.len { other } else { one }
    }

    fn best<'s>(&self, text: &[u8], allowed: &Range<usize>, order: impl Iterator<Item = &'s i32>) -> Match {
        let mut best = Match::default();
        for at in order.take(NEIGHBOURS) {
            let len = common(self.suffix(*at), text);
            if len <= best.len {
                break;
            }
            let at = offset(*at);
            if allowed.contains(&at) {
                let len = len.min(allowed.end - at);
                if len > best.len {
                    best = Match { at, len };
                }
            }
        }
        best
    }

    fn suffix(&self, at: i32) -> &'a [u8] {
        &self.old[offset(at)..]
    }
}

fn offset(at: i32) -> usize {
    usize::try_from(at).expect("suffixes start inside the text")
}

/// How many octets the fronts of two texts have in common.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
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
