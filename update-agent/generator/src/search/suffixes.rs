//! Where in a text a pattern occurs: a suffix array with a table of its first octets.

/// The longest agreement that is looked for: beyond, one place is as good as another, and the path finds out for itself.
pub(super) const LONGEST: usize = 256;
/// Texts from here on have a table for the first 20 bits, others for the first 16: memory in proportion to the text.
const LARGE: usize = 4 << 20;

/// The suffixes of a text, in order.
pub(crate) struct Suffixes<'a> {
    text: &'a [u8],
    /// Where they start.
    order: Vec<i32>,
    /// For each value of the first bits where in `order` the suffixes from it on begin.
    buckets: Vec<u32>,
    /// How many bits that are, at most 24.
    bits: u32,
}

/// An occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) at: u32,
    pub(super) len: usize,
}

impl<'a> Suffixes<'a> {
    /// Sorts the suffixes of `text`, which is at most 1 GiB.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let construction = libsais::SuffixArrayConstruction::for_text(text).in_owned_buffer32();
        let order = construction.single_threaded().run().expect("an image fits 31-bit offsets").into_vec();
        let bits = if text.len() < LARGE { 16 } else { 20 };
        let mut buckets = vec![0u32; (1 << bits) + 1];
        for at in 0..text.len() {
            buckets[key(&text[at..], bits) + 1] += 1;
        }
        let mut sum = 0;
        for bucket in &mut buckets {
            sum += *bucket;
            *bucket = sum;
        }
        Self { text, order, buckets, bits }
    }

    /// The longest agreement with the front of `pattern`, in both directions of the order, and of equals the ones nearest
    /// to `wish`. Looks at no more than [`NEIGHBOURS`] places to each side.
    pub(super) fn longest(&self, pattern: &[u8], wish: i64) -> Option<Match> {
        let pattern = &pattern[..pattern.len().min(LONGEST)];
        let place = self.place(pattern);
        let before = place.checked_sub(1).map_or(0, |rank| self.agreement(rank, pattern));
        let behind = self.agreement(place, pattern);
        let best = before.max(behind);
        if best == 0 {
            return None;
        }
        let down =
            (0..place).rev().take(NEIGHBOURS).take_while(|rank| self.agreement(*rank, pattern) == best);
        let up = (place..self.order.len())
            .take(NEIGHBOURS)
            .take_while(|rank| self.agreement(*rank, pattern) == best);
        let starts = down.chain(up).filter_map(|rank| u32::try_from(self.order[rank]).ok());
        let at = starts.min_by_key(|at| ((i64::from(*at) - wish).unsigned_abs(), *at))?;
        Some(Match { at, len: best })
    }

    /// The suffixes to both sides of where `pattern` would stand in the order, the nearest first: where they start, and how
    /// many octets of theirs agree with it. They agree ever less.
    pub(crate) fn around<'s>(
        &'s self,
        pattern: &'s [u8],
    ) -> (impl Iterator<Item = (usize, usize)> + 's, impl Iterator<Item = (usize, usize)> + 's) {
        let place = self.place(pattern);
        let known = move |rank: usize| (self.start(rank), common(self.suffix(rank), pattern));
        ((0..place).rev().map(known), (place..self.order.len()).map(known))
    }

    /// How many suffixes are less than `pattern`.
    fn place(&self, pattern: &[u8]) -> usize {
        let first = key(pattern, self.bits);
        let (mut low, mut high) = (self.buckets[first] as usize, self.buckets[first + 1] as usize);
        let (mut low_len, mut high_len) = (0, 0);
        while low < high {
            let middle = low.midpoint(high);
            let suffix = self.suffix(middle);
            let known: usize = low_len.min(high_len);
            let len = known + common(&suffix[known..], &pattern[known..]);
            if suffix.get(len) < pattern.get(len) {
                (low, low_len) = (middle + 1, len);
            } else {
                (high, high_len) = (middle, len);
            }
        }
        low
    }

    fn agreement(&self, rank: usize, pattern: &[u8]) -> usize {
        if rank < self.order.len() { common(self.suffix(rank), pattern) } else { 0 }
    }

    fn suffix(&self, rank: usize) -> &'a [u8] {
        &self.text[self.start(rank)..]
    }

    fn start(&self, rank: usize) -> usize {
        usize::try_from(self.order[rank]).expect("suffixes start inside the text")
    }
}

/// How many equals beside the best place are looked at.
const NEIGHBOURS: usize = 12;

/// The first bits as a number that sorts as they do; a text that ends sorts as if zeros followed.
fn key(text: &[u8], bits: u32) -> usize {
    let first = (0..3).fold(0, |key, n| key << 8 | usize::from(text.get(n).copied().unwrap_or(0)));
    first >> (24 - bits)
}

/// How many octets the fronts of two texts have in common.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    let words = a.chunks_exact(8).zip(b.chunks_exact(8)).take_while(|(a, b)| a == b).count() * 8;
    words + a[words..].iter().zip(&b[words..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_occurrence_nearest_to_the_wish() {
        let suffixes = Suffixes::new(b"the cat sat on the mat; the cat slept");
        assert_eq!(suffixes.longest(b"the cat slew", 0), Some(Match { at: 24, len: 11 }));
        assert_eq!(suffixes.longest(b"the cax", 2), Some(Match { at: 0, len: 6 }));
        assert_eq!(suffixes.longest(b"the cax", 20), Some(Match { at: 24, len: 6 }));
        assert_eq!(suffixes.longest(b"XYZ", 0), None);
        assert_eq!(suffixes.longest(b"t", 36), Some(Match { at: 36, len: 1 }));
        assert_eq!(suffixes.longest(b"", 0), None);
        assert_eq!(Suffixes::new(b"").longest(b"abc", 0), None);
    }

    #[test]
    fn the_place_is_that_of_the_order() {
        for text in [&b"mississippi\0\0"[..], b"\0", b"\0\0\0\0", b"abababab", b"\xFF\xFF\xFE"] {
            let suffixes = Suffixes::new(text);
            for pattern in [&b"\0"[..], b"\0\0\0", b"", b"ab", b"b", b"iss", b"\xFF", b"\xFF\xFF\xFF", b"zz"]
            {
                let less = (0..text.len()).filter(|at| &text[*at..] < pattern).count();
                let longest = (0..text.len()).map(|at| common(&text[at..], pattern)).max().unwrap_or(0);
                if pattern.len() >= 2 {
                    assert_eq!(suffixes.place(pattern), less, "{pattern:?} in {text:?}");
                }
                let found = suffixes.longest(pattern, 0).map_or(0, |found| found.len);
                assert_eq!(found, longest, "{pattern:?} in {text:?}");
            }
        }
    }
}
