//! Which copies the map should know.
//!
//! The map has room for so many pieces, and a piece that is copied from a place it only resembles misleads. So each copy
//! is asked how many addresses the map gets right with it, and how many it would without. What helps least leaves, round by
//! round, until all that stay help and there is room for them.
use super::addresses::Addresses;
use super::{Segment, small};

/// A reference that was copied, and so tells where what it refers to has gone.
#[derive(Clone, Copy, Debug)]
struct Vote {
    /// The old offset that it refers to.
    old: u32,
    /// The number of the reference.
    reference: usize,
    /// Where it stands in the new image.
    at: u32,
}

/// A piece the map could have.
#[derive(Clone, Copy, Debug)]
struct Piece {
    old: u32,
    /// Modulo 2^32.
    shift: u32,
    len: u32,
    /// The number of its segment.
    segment: usize,
    /// What it makes right more than wrong, if that is known.
    gain: Option<i64>,
}

/// For each segment whether its copy should be in a map that has room for `room` pieces.
pub(super) fn worthy(addresses: &Addresses<'_>, segments: &[Segment], room: usize) -> Vec<bool> {
    let votes = votes(addresses, segments);
    let mut pieces = all(segments);
    loop {
        rate(&mut pieces, &votes, addresses);
        let before = pieces.len();
        // not all at once: what is left decides anew who helps
        let excess = before.saturating_sub(room).min(1 + before / 8);
        drop_least(&mut pieces, excess);
        if pieces.len() == before {
            break;
        }
    }
    let mut worthy = vec![false; segments.len()];
    for piece in pieces {
        worthy[piece.segment] = true;
    }
    worthy
}

/// A piece that no address speaks for or against is of use from this length on, since what is in it is surer.
const LONG: u32 = 10;

/// The references in the copies, in the order of what they refer to.
fn votes(addresses: &Addresses<'_>, segments: &[Segment]) -> Vec<Vote> {
    let mut votes = Vec::new();
    addresses.walk(segments, |reference, at| {
        let target = addresses.references[reference].target;
        if let Some(old) = addresses.regions.old_offset(target) {
            votes.push(Vote { old, reference, at });
        }
    });
    votes.sort_unstable_by_key(|vote| (vote.old, vote.at));
    votes
}

/// All copies, in the order of the old image.
fn all(segments: &[Segment]) -> Vec<Piece> {
    let mut at = 0u32;
    let mut pieces = Vec::with_capacity(segments.len());
    for (n, segment) in segments.iter().enumerate().filter(|(_, segment)| segment.literal + segment.copy > 0)
    {
        at += segment.literal;
        if segment.copy > 0 {
            pieces.push(Piece {
                old: segment.source,
                shift: at.wrapping_sub(segment.source),
                len: segment.copy,
                segment: n,
                gain: None,
            });
        }
        at += segment.copy;
    }
    pieces.sort_by_key(|piece| (piece.old, piece.segment));
    pieces
}

/// How well each piece does beside the others: against the one before it, which would stand in for it.
fn rate(pieces: &mut [Piece], votes: &[Vote], addresses: &Addresses<'_>) {
    let mut before = None;
    for n in 0..pieces.len() {
        let end = pieces.get(n + 1).map_or(u32::MAX, |next| next.old);
        let piece = &mut pieces[n];
        if piece.gain.is_none() {
            let from = votes.partition_point(|vote| vote.old < piece.old);
            let to = votes.partition_point(|vote| vote.old < end);
            let right = |shift| {
                let right = |vote: &&Vote| addresses.right(vote.reference, vote.at, shift);
                i64::from(small(votes[from..to].iter().filter(right).count()))
            };
            piece.gain = Some(right(Some(piece.shift)) - right(before) - i64::from(piece.len < LONG));
        }
        before = Some(piece.shift);
    }
}

/// Drops the `excess` pieces that help least, and what is no help at all, but of two that stand side by side only one.
fn drop_least(pieces: &mut Vec<Piece>, excess: usize) {
    let mut order: Vec<_> = pieces.iter().enumerate().map(|(n, piece)| (piece.gain, piece.len, n)).collect();
    order.sort_unstable();
    // one place before the first, one behind the last
    let mut dropped = vec![false; pieces.len() + 2];
    let mut count = 0;
    for (gain, _, n) in order {
        if count >= excess && gain >= Some(0) {
            break;
        }
        if dropped[n] || dropped[n + 2] {
            continue;
        }
        dropped[n + 1] = true;
        count += 1;
        // its neighbours have to be rated anew
        for neighbour in [n.checked_sub(1), Some(n + 1)].into_iter().flatten() {
            if let Some(piece) = pieces.get_mut(neighbour) {
                piece.gain = None;
            }
        }
    }
    let mut dropped = dropped.into_iter().skip(1);
    pieces.retain(|_| dropped.next() == Some(false));
}
