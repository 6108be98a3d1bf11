//! Places of the old image that a copy could start from.
use super::small;
use super::suffixes::Suffixes;
use super::sweep::Mark;

/// That `at` in the new image looks like `from` in the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) at: u32,
    pub(super) from: u32,
}

/// What is compared.
pub(super) struct Look<'a> {
    /// The old octets, as they are or masked.
    pub(super) suffixes: &'a Suffixes<'a>,
    /// The old octets again.
    pub(super) old: &'a [u8],
    /// The new octets, likewise.
    pub(super) new: &'a [u8],
    /// The units of the new image, if copies of interest start only with them.
    pub(super) starts: Option<&'a [Mark]>,
    /// The shortest agreement of interest.
    pub(super) least: usize,
}

/// In an agreement that goes on for so long ...
const SURE: usize = 40;
/// ... only every so many places a longer one is looked for.
const STRIDE: usize = 16;
/// How far before an agreement its copy may have started.
const BACK: usize = 96;
/// Octets that must be gained for that.
const BACK_GAIN: i32 = 6;

/// The candidates for the new octets `from..to`, in order. Cutting an image in two gives the same as two images would.
pub(super) fn candidates(look: &Look<'_>, from: usize, to: usize) -> Vec<Candidate> {
    let mut found = Vec::new();
    // the agreement that the last candidate started: how much of it is left, and its distance from new to old
    let (mut left, mut shift) = (0usize, 0i64);
    for at in from..to {
        let off =
            if left > SURE { at % STRIDE != 0 } else { look.starts.is_some_and(|marks| !marks[at].starts()) };
        if !off {
            let place = i64::from(small(at));
            let best = look.suffixes.longest(&look.new[at..], place + shift);
            if let Some(best) = best.filter(|best| best.len >= look.least && best.len > left) {
                let candidate = Candidate { at: small(at), from: best.at };
                left = best.len;
                if i64::from(best.at) - place != shift {
                    shift = i64::from(best.at) - place;
                    found.extend(earlier(look, from, candidate));
                }
                found.push(candidate);
            }
        }
        left = left.saturating_sub(1);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Where before a candidate its copy would better start, if that pays.
fn earlier(look: &Look<'_>, from: usize, candidate: Candidate) -> Option<Candidate> {
    let (at, source) = (candidate.at as usize, candidate.from as usize);
    let room = BACK.min(at - from).min(source);
    let (mut score, mut best, mut back) = (0, BACK_GAIN - 1, 0);
    for n in 1..=room {
        score += if look.new[at - n] == look.old[source - n] { 1 } else { -2 };
        if score > best {
            (best, back) = (score, n);
        }
    }
    (back > 0).then(|| Candidate { at: small(at - back), from: small(source - back) })
}
