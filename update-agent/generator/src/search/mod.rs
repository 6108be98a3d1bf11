//! Finds how the new image is best put together from the old one.
//!
//! ```text
//!  old, new ──► sweep ──► suffixes (as they are, and with addresses masked out) ──► candidates ──► path ──► segments
//!                                                                                       ▲    map    │
//!                                                                                       └───────────┘  the next pass
//! ```
//! The first pass does not know where addresses go. The segments it finds are a map, with which the next pass knows what
//! the device can predict, and so what a copy really costs.
mod addresses;
mod arena;
mod candidates;
mod changes;
mod path;
mod pieces;
mod prices;
mod suffixes;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kedge_delta::map::{Map, Regions};

use addresses::Addresses;
use candidates::{Candidate, Look, candidates};
use changes::Changes;
pub(crate) use prices::Prices;
pub(crate) use suffixes::Suffixes;
use sweep::{Mark, Reference, Side, references, sweep};

/// `literal` octets of their own, then `copy` octets from offset `source` of the old image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) literal: u32,
    pub(crate) copy: u32,
    pub(crate) source: u32,
}

/// What a pass learns from the last one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Last<'a> {
    pub(crate) map: &'a Map<'a>,
    pub(crate) segments: &'a [Segment],
}

/// Two images, and where they are alike.
pub(crate) struct Search<'a> {
    old: &'a [u8],
    new: &'a [u8],
    regions: &'a Regions<'a>,
    marks: Vec<Mark>,
    references: Vec<Reference>,
    candidates: Vec<Candidate>,
}

/// Octets whose candidates are looked for in one go. Not to be tuned to the machine: the result depends on it.
const CHUNK: usize = 1 << 17;
/// The shortest agreement that may start a copy.
const LEAST: usize = 4;
/// Likewise of masked octets, of which some always agree.
const LEAST_MASKED: usize = 4;
/// Threads. The result does not depend on it, but the memory does.
const THREADS: usize = 2;

impl<'a> Search<'a> {
    /// Looks for what the images, of at most 1 GiB, have in common. `progress(done, total)` is told how far that is.
    pub(crate) fn new(
        old: &'a [u8],
        new: &'a [u8],
        regions: &'a Regions<'a>,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Self {
        let ((marks, old_masked), (new_marks, new_masked)) =
            both(|| sweep(old, regions, Side::Old), || sweep(new, regions, Side::New));
        let (suffixes, suffixes_masked) = both(|| Suffixes::new(old), || Suffixes::new(&old_masked));
        let plain = Look { suffixes: &suffixes, old, new, starts: None, least: LEAST };
        let masked = Look {
            suffixes: &suffixes_masked,
            old: &old_masked,
            new: &new_masked,
            starts: Some(&new_marks),
            least: LEAST_MASKED,
        };
        let candidates = all_candidates(&[plain, masked], new.len(), progress);
        let references = references(old, regions, &marks);
        Self { old, new, regions, marks, references, candidates }
    }

    /// The segments that make up the new image, in order; without a result of the `last` pass it is the first.
    /// `allowed(new offset, old offset)` tells whether the old octet is still there when the new one is made.
    pub(crate) fn segments(
        &self,
        last: Option<Last<'_>>,
        prices: &Prices,
        allowed: &(dyn Fn(u32, u32) -> bool + Sync),
    ) -> Vec<Segment> {
        self.counted(last, prices, allowed, &mut 0)
    }

    /// How far into a unit of the old image an offset points; 0 at its start.
    pub(crate) fn unit_offset(&self, at: u32) -> u32 {
        let units = self.marks.iter().take(at as usize + 1).rev();
        small(units.take_while(|mark| !mark.starts()).count())
    }

    /// For each segment whether its copy should be in the map, which has room for `room` pieces.
    pub(crate) fn worthy(&self, segments: &[Segment], room: usize) -> Vec<bool> {
        let addresses = Addresses::new(&self.references, self.old, self.new, self.regions, None);
        pieces::worthy(&addresses, segments, room)
    }

    fn counted(
        &self,
        last: Option<Last<'_>>,
        prices: &Prices,
        allowed: &(dyn Fn(u32, u32) -> bool + Sync),
        steps: &mut u64,
    ) -> Vec<Segment> {
        let Self { old, new, marks, candidates, .. } = self;
        let changes = last.map_or_else(Changes::default, |last| Changes::new(old, new, marks, last.segments));
        let last = last.map(|last| (last.map, last.segments));
        let addresses = Addresses::new(&self.references, self.old, self.new, self.regions, last);
        let ground = path::Ground { old, new, marks, candidates, addresses, changes, allowed };
        path::segments(&ground, prices, steps)
    }
}

/// The candidates of all looks, in order.
fn all_candidates(looks: &[Look<'_>], len: usize, progress: &(dyn Fn(u64, u64) + Sync)) -> Vec<Candidate> {
    let chunks = len.div_ceil(CHUNK);
    let jobs = chunks * looks.len();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let found = Mutex::new(Vec::new());
    let work = || {
        while let Some((look, chunk)) = job(next.fetch_add(1, Ordering::Relaxed), looks, chunks) {
            let list = candidates(look, chunk * CHUNK, len.min((chunk + 1) * CHUNK));
            found.lock().expect("no thread panics").extend(list);
            progress(1 + done.fetch_add(1, Ordering::Relaxed) as u64, jobs as u64);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().expect("no thread panics");
    found.sort_unstable();
    found.dedup();
    found
}

fn job<'l, 'a>(n: usize, looks: &'l [Look<'a>], chunks: usize) -> Option<(&'l Look<'a>, usize)> {
    Some((looks.get(n.checked_div(chunks)?)?, n.checked_rem(chunks)?))
}

/// Does two things at the same time.
pub(crate) fn both<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().expect("the other thread does not panic either"), other)
    })
}

fn small(n: usize) -> u32 {
    u32::try_from(n).expect("images are below 1 GiB")
}
