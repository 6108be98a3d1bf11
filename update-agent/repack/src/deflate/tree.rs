//! Code lengths as zlib gives them: Huffman's tree with its order among equals, and its way to shorten codes that are too
//! long.
//!
//! Nodes wait in a heap, the rarest first, among equals the flattest; the two first become one, until one is left. Leaves
//! are numbered by their symbol, inner nodes behind them. Too long codes are cut to the limit; for every two that were, one
//! leaf of the longest code that has room below the limit moves down and takes one of them beside it. Then lengths are
//! given out again, the longest to the nodes that were joined first.
use super::{CODE_MAX, LITERALS, at, change, put};

/// Nodes of the largest tree: a leaf for each symbol, and one node less to join them.
const NODES: usize = 2 * LITERALS;

/// Memory for making trees.
#[derive(Debug)]
pub struct Forest<'m> {
    /// Per node: how often it occurs.
    weights: &'m mut [u32],
    /// Per node: what it hangs on.
    parents: &'m mut [u16],
    /// The heap in front, the nodes in the order in which they were joined at the end.
    heap: &'m mut [u16],
    /// Per node: how many levels are below it.
    heights: &'m mut [u8],
}

/// Words of memory that a forest takes.
pub const WORDS: usize = NODES + NODES / 2 + HEAP / 2 + NODES / 4;
/// Places of the heap, the first of which stays empty.
const HEAP: usize = NODES + 2;

impl<'m> Forest<'m> {
    /// Works in these words, [`WORDS`] of them.
    pub fn new(words: &'m mut [u32]) -> Option<Self> {
        let (weights, rest) = words.split_at_mut_checked(NODES)?;
        let (parents, rest) = rest.split_at_mut_checked(NODES / 2)?;
        let (heap, rest) = rest.split_at_mut_checked(HEAP / 2)?;
        let (heights, _) = rest.split_at_mut_checked(NODES / 4)?;
        Some(Self {
            weights,
            parents: bytemuck::try_cast_slice_mut(parents).ok()?,
            heap: bytemuck::try_cast_slice_mut(heap).ok()?,
            heights: bytemuck::try_cast_slice_mut(heights).ok()?,
        })
    }

    /// The code lengths, at most `limit`, of symbols that occur so often; returns how many symbols have to be sent. A code
    /// of less than two symbols gets more, as zlib does.
    pub fn lengths(&mut self, counts: &[u32], limit: u8, lengths: &mut [u8]) -> usize {
        lengths.fill(0);
        let leaves = counts.len().min(LITERALS);
        let (mut len, mut codes) = (0usize, 0usize);
        for (symbol, count) in counts.iter().enumerate().take(leaves).filter(|(_, count)| **count > 0) {
            len = len.wrapping_add(1);
            self.leaf(len, symbol, *count);
            codes = symbol.wrapping_add(1);
        }
        while len < 2 {
            let symbol = if codes < 3 { codes } else { 0 };
            codes = codes.max(symbol.wrapping_add(1));
            len = len.wrapping_add(1);
            self.leaf(len, symbol, 1);
        }
        for place in (1..=len / 2).rev() {
            self.sink(place, len);
        }
        let joined = self.join(leaves, len);
        self.depths(leaves, joined, limit, lengths);
        codes
    }

    fn leaf(&mut self, place: usize, symbol: usize, count: u32) {
        put(self.heap, place, u16::try_from(symbol).unwrap_or(0));
        put(self.weights, symbol, count);
        put(self.heights, symbol, 0);
    }

    /// Joins all nodes of the heap; returns where the list of joined nodes starts, the root first.
    fn join(&mut self, leaves: usize, mut len: usize) -> usize {
        let mut start = NODES;
        let mut node = leaves;
        while len >= 2 {
            let rare = self.node(1);
            put(self.heap, 1, at(self.heap, len));
            len = len.wrapping_sub(1);
            self.sink(1, len);
            let next = self.node(1);
            let joined = u16::try_from(node).unwrap_or(0);
            for child in [rare, next] {
                start = start.saturating_sub(1);
                put(self.heap, start, u16::try_from(child).unwrap_or(0));
                put(self.parents, child, joined);
            }
            let weight = at::<u32>(self.weights, rare).wrapping_add(at(self.weights, next));
            put(self.weights, node, weight);
            let height = at::<u8>(self.heights, rare).max(at(self.heights, next));
            put(self.heights, node, height.wrapping_add(1));
            put(self.heap, 1, joined);
            node = node.wrapping_add(1);
            self.sink(1, len);
        }
        start = start.saturating_sub(1);
        put(self.heap, start, at(self.heap, 1));
        start
    }

    /// Gives every leaf its length.
    fn depths(&mut self, leaves: usize, start: usize, limit: u8, lengths: &mut [u8]) {
        let mut counts = [0u16; CODE_MAX as usize + 1];
        let mut over = 0i32;
        // from here on a node's height is its depth
        put(self.heights, self.node(start), 0);
        for place in start.wrapping_add(1)..NODES {
            let node = self.node(place);
            let mut depth = self.depth(usize::from(at::<u16>(self.parents, node))).wrapping_add(1);
            if depth > limit {
                depth = limit;
                over = over.wrapping_add(1);
            }
            put(self.heights, node, depth);
            if node < leaves {
                put(lengths, node, depth);
                let place = usize::from(depth);
                change(&mut counts, place, |count: u16| count.wrapping_add(1));
            }
        }
        if over > 0 {
            shorten(&mut counts, limit, over);
            self.give_out(&counts, leaves, limit, lengths);
        }
    }

    fn depth(&self, node: usize) -> u8 {
        at(self.heights, node)
    }

    /// Gives out the lengths of `counts`, the longest to the leaves at the end of the list.
    fn give_out(&self, counts: &[u16], leaves: usize, limit: u8, lengths: &mut [u8]) {
        let joined = self.heap.get(..NODES).unwrap_or_default();
        let mut rarest = joined.iter().rev().map(|node| usize::from(*node)).filter(|node| *node < leaves);
        for length in (1..=limit).rev() {
            for _ in 0..at::<u16>(counts, usize::from(length)) {
                let Some(leaf) = rarest.next() else { return };
                put(lengths, leaf, length);
            }
        }
    }

    fn node(&self, place: usize) -> usize {
        usize::from(at::<u16>(self.heap, place))
    }

    /// Moves the node at `place` down to where it belongs.
    fn sink(&mut self, place: usize, len: usize) {
        let moved = self.node(place);
        let mut place = place;
        loop {
            let mut below = place.wrapping_mul(2);
            if below > len {
                break;
            }
            if below < len && self.is_before(self.node(below.wrapping_add(1)), self.node(below)) {
                below = below.wrapping_add(1);
            }
            if self.is_before(moved, self.node(below)) {
                break;
            }
            put(self.heap, place, at(self.heap, below));
            place = below;
        }
        put(self.heap, place, u16::try_from(moved).unwrap_or(0));
    }

    fn is_before(&self, one: usize, other: usize) -> bool {
        let key = |node| (at::<u32>(self.weights, node), at::<u8>(self.heights, node));
        key(one) <= key(other)
    }
}

/// Makes room for `over` codes that were cut to `limit`.
fn shorten(counts: &mut [u16], limit: u8, over: i32) {
    let limit = usize::from(limit);
    let mut over = over;
    while over > 0 {
        let fit = (1..limit).rev().find(|length| at::<u16>(counts, *length) > 0);
        let Some(length) = fit else { return };
        change(counts, length, |count| count.wrapping_sub(1));
        let below = length.wrapping_add(1);
        change(counts, below, |count| count.wrapping_add(2));
        change(counts, limit, |count| count.wrapping_sub(1));
        over = over.wrapping_sub(2);
    }
}
