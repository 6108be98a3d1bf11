//! From two images to a delta payload.
//!
//! Each block is made for itself. First *anchors* are found: places where a long piece of the block occurs in the old
//! image, and not at the place where the anchor before it would have gone on anyway. Then each anchor grows to both sides
//! while more octets agree than differ; what stays uncovered is literal.
use std::ops::Range;

use kedge_package::ops::{put_differ, put_fill, put_literal};
use kedge_package::{BLOCK_CHECK, Layout, Order, write_table};

use crate::matcher::Matcher;

/// The shortest piece that starts an anchor: its op costs about four octets.
const ANCHOR: usize = 8;
/// How many more octets an anchor must get right than going on as before would.
const GAIN: usize = 8;
/// The shortest run of one octet that pays for a fill of its own.
const FILL: usize = 5;

/// A delta payload that makes `new` from `old`, whose matcher is given.
pub(crate) fn payload(matcher: &Matcher<'_>, new: &[u8], layout: Layout, block_size: usize) -> Vec<u8> {
    let ascending = in_order(matcher, new, layout, block_size, Order::Ascending);
    if layout == Layout::Slot {
        return ascending;
    }
    let descending = in_order(matcher, new, layout, block_size, Order::Descending);
    if descending.len() < ascending.len() { descending } else { ascending }
}

fn in_order(matcher: &Matcher<'_>, new: &[u8], layout: Layout, block_size: usize, order: Order) -> Vec<u8> {
    let old = matcher.old();
    let mut streams = Vec::new();
    let mut table = Vec::new();
    let mut shift = 0;
    for (n, block) in new.chunks(block_size).enumerate() {
        let start = n * block_size;
        let end = start + block.len();
        let allowed = match (layout, order) {
            (Layout::Slot, _) => 0..old.len(),
            (Layout::InPlace, Order::Ascending) => start.min(old.len())..old.len(),
            (Layout::InPlace, Order::Descending) => 0..end.min(old.len()),
        };
        let before = streams.len();
        if old.get(start..end) != Some(block) {
            let copies = copies(matcher, new, start..end, &allowed, shift);
            if let Some(last) = copies.last() {
                shift = last.shift;
            }
            write_stream(&mut streams, old, new, start..end, &copies);
        }
        table.push((small(streams.len() - before), BLOCK_CHECK.checksum(block)));
    }
    let mut payload = Vec::new();
    write_table(&mut payload, order, table.into_iter());
    payload.extend(streams);
    payload
}

/// Octets of the new image that are copied from the old image, with differences.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Copy {
    at: Range<usize>,
    /// How far behind its place in the new image the source is.
    shift: isize,
}

impl Copy {
    /// Whether old and new image agree at this shift, for each of `places` in the new image, up to the first whose source
    /// is not allowed.
    fn agreements<'a>(
        &self,
        old: &'a [u8],
        new: &'a [u8],
        allowed: &'a Range<usize>,
        places: impl Iterator<Item = usize> + 'a,
    ) -> impl Iterator<Item = bool> + 'a {
        let shift = self.shift;
        places.map_while(move |at| {
            let source = at.checked_add_signed(shift).filter(|source| allowed.contains(source))?;
            Some(old[source] == new[at])
        })
    }
}

/// The copies that make up `block`, in order and not overlapping.
fn copies(
    matcher: &Matcher<'_>,
    new: &[u8],
    block: Range<usize>,
    allowed: &Range<usize>,
    shift: isize,
) -> Vec<Copy> {
    let mut anchors = anchors(matcher, new, block.clone(), allowed, shift);
    let old = matcher.old();
    for n in 0..anchors.len() {
        // between this anchor and the next (or the end)
        let gap = anchors[n].at.end..anchors.get(n + 1).map_or(block.end, |next| next.at.start);
        let forward = growth(anchors[n].agreements(old, new, allowed, gap.clone()));
        let backward = anchors
            .get(n + 1)
            .map_or(0, |next| growth(next.agreements(old, new, allowed, gap.clone().rev())));
        let border = if forward + backward <= gap.len() {
            anchors[n].at.end += forward;
            if let Some(next) = anchors.get_mut(n + 1) {
                next.at.start -= backward;
            }
            continue;
        } else {
            best_border(
                &anchors[n],
                &anchors[n + 1],
                old,
                new,
                allowed,
                gap.end - backward..gap.start + forward,
            )
        };
        anchors[n].at.end = border;
        anchors[n + 1].at.start = border;
    }
    anchors.retain(|copy| !copy.at.is_empty());
    anchors
}

/// The places in `block` from which on the old image at another shift is clearly better. The first is the shift of the
/// block before, as long as its source is allowed.
fn anchors(
    matcher: &Matcher<'_>,
    new: &[u8],
    block: Range<usize>,
    allowed: &Range<usize>,
    shift: isize,
) -> Vec<Copy> {
    let mut anchors = vec![Copy { at: block.start..block.start, shift }];
    let mut at = block.start;
    while at < block.end {
        let found = matcher.longest(&new[at..block.end], allowed);
        if found.len < ANCHOR {
            at += 1;
            continue;
        }
        let last = anchors.last_mut().expect("it starts with one");
        let places = at..at + found.len;
        let going_on =
            last.agreements(matcher.old(), new, allowed, places.clone()).filter(|agrees| *agrees).count();
        if going_on + GAIN > found.len {
            at += found.len.saturating_sub(GAIN).max(1);
        } else {
            anchors.push(Copy { at: places.clone(), shift: found.at.cast_signed() - at.cast_signed() });
            at = places.end;
        }
    }
    anchors
}

/// How far a copy should grow over places of which it is told whether they agree: to where agreements outnumber
/// differences the most.
fn growth(agreements: impl Iterator<Item = bool>) -> usize {
    let (mut score, mut best, mut len) = (0isize, 0isize, 0);
    for (n, agrees) in agreements.enumerate() {
        score += if agrees { 1 } else { -1 };
        if score > best {
            (best, len) = (score, n + 1);
        }
    }
    len
}

/// Where in `both` the first copy should end and the second begin.
fn best_border(
    first: &Copy,
    second: &Copy,
    old: &[u8],
    new: &[u8],
    allowed: &Range<usize>,
    both: Range<usize>,
) -> usize {
    let first = first.agreements(old, new, allowed, both.clone());
    let second = second.agreements(old, new, allowed, both.clone());
    let (mut score, mut best, mut border) = (0isize, 0isize, both.start);
    for (at, (first, second)) in both.zip(first.zip(second)) {
        score += isize::from(first) - isize::from(second);
        if score > best {
            (best, border) = (score, at + 1);
        }
    }
    border
}

fn write_stream(stream: &mut Vec<u8>, old: &[u8], new: &[u8], block: Range<usize>, copies: &[Copy]) {
    let mut at = block.start;
    let mut expected = block.start;
    for copy in copies {
        write_literal(stream, &new[at..copy.at.start]);
        expected += copy.at.start - at;
        let source = copy.at.start.checked_add_signed(copy.shift).expect("copies come from inside");
        let distance =
            i32::try_from(source.cast_signed() - expected.cast_signed()).expect("images are below 1 GiB");
        let pairs = new[copy.at.clone()].iter().zip(&old[source..source + copy.at.len()]);
        let differences: Vec<u8> = pairs.map(|(new, old)| new.wrapping_sub(*old)).collect();
        put_differ(stream, &differences, distance);
        expected = source + copy.at.len();
        at = copy.at.end;
    }
    write_literal(stream, &new[at..block.end]);
}

fn write_literal(stream: &mut Vec<u8>, octets: &[u8]) {
    let mut literal = 0;
    let mut at = 0;
    for run in octets.chunk_by(|a, b| a == b) {
        if run.len() >= FILL {
            put_literal(stream, &octets[literal..at]);
            put_fill(stream, run.len(), run[0]);
            literal = at + run.len();
        }
        at += run.len();
    }
    put_literal(stream, &octets[literal..]);
}

fn small(n: usize) -> u32 {
    u32::try_from(n).expect("images are below 1 GiB")
}
