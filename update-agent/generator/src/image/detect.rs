//! What raw octets hold: code of which architecture, and where.

use super::{
    MOST_REGIONS,
    calls::{Calls, calls},
    fields::index,
    path::{WINDOW, runs},
    texture::{Look, Texture, compare},
};
use kedge_delta::arch::Arch;
use std::ops::Range;

/// What was found in a part of an image.
pub(super) struct Found {
    /// The parts, in order, without a gap.
    pub(super) parts: Vec<(Range<usize>, Arch)>,
    /// Where functions start that are called.
    pub(super) functions: Vec<u32>,
}

/// So many calls that count show that there is code of an architecture.
const ENOUGH_CALLS: usize = 12;
/// An architecture with fewer calls than this share of the most frequent one's is taken for chance.
const SHARE: usize = 64;
/// What a call is worth, in bits, and how many count in a window.
const CALL: i32 = 24;
const MOST_CALLS: usize = 4;
/// The texture of a window counts a quarter (its octets depend on each other) and at most so many bits.
const DEPENDENCE: i32 = 4;
const MOST_TEXTURE: i32 = 64;
/// Code looks by at least one bit in so many octets more like code than like packed octets.
const LEAST_TEXTURE: i32 = 4;
/// What a change from one part to the next has to be worth, in bits.
const CHANGE: i32 = 256;
/// A window with so many calls within [`NEAR`] windows shows what code looks like.
const SURE_CALLS: usize = 3;
const NEAR: usize = 3;
/// A window without a call or a function within so many windows shows what data looks like.
const FAR: usize = 16;

/// Divides `octets` into code of some of the architectures in `among` and [`Arch::Data`].
pub(super) fn detect(octets: &[u8], among: &[Arch]) -> Found {
    let candidates = candidates(octets, among);
    let windows = octets.len().div_ceil(WINDOW);
    let counts: Vec<Vec<u16>> = candidates.iter().map(|(_, calls)| count(windows, &calls.sites)).collect();
    let functions: Vec<Vec<u16>> =
        candidates.iter().map(|(_, calls)| count(windows, &calls.functions)).collect();
    let quiet: Vec<bool> = (0..windows)
        .map(|window| counts.iter().chain(&functions).all(|counts| counts.get(window) == Some(&0)))
        .collect();
    let mut data = Texture::data();
    for window in (0..windows).filter(|window| near(&quiet, *window, FAR).iter().all(|quiet| *quiet)) {
        data.learn(octets, window);
    }
    let mut scores = vec![vec![0; windows]];
    scores.extend(counts.iter().map(|counts| score(octets, counts, &data)));

    let place = |window: usize| (window * WINDOW).min(octets.len());
    let arch = |state: usize| {
        state.checked_sub(1).and_then(|at| candidates.get(at)).map_or(Arch::Data, |(arch, _)| *arch)
    };
    let divided = divide(&scores).into_iter();
    let parts: Vec<_> =
        divided.map(|(range, state)| (place(range.start)..place(range.end), arch(state))).collect();
    let functions =
        candidates.iter().flat_map(|(arch, calls)| inside(&calls.functions, *arch, &parts)).collect();
    Found { parts, functions }
}

/// The best division that leaves room for what containers tell.
fn divide(scores: &[Vec<i32>]) -> Vec<(Range<usize>, usize)> {
    let mut change = CHANGE;
    loop {
        let runs = runs(scores, change);
        if runs.len() <= MOST_REGIONS / 2 {
            return runs;
        }
        change += change / 2;
    }
}

/// Those of the functions that stand in parts of their architecture.
fn inside(functions: &[u32], arch: Arch, parts: &[(Range<usize>, Arch)]) -> Vec<u32> {
    let right = |function: &&u32| {
        parts.iter().any(|(range, found)| *found == arch && range.contains(&index(**function)))
    };
    functions.iter().filter(right).copied().collect()
}

/// The architectures whose calls are too many for chance.
fn candidates(octets: &[u8], among: &[Arch]) -> Vec<(Arch, Calls)> {
    let wide = wide(octets);
    let possible = among.iter().filter(|arch| match arch {
        Arch::X86 => !wide || !among.contains(&Arch::X86_64),
        Arch::X86_64 => wide || !among.contains(&Arch::X86),
        _ => true,
    });
    let mut candidates: Vec<_> = possible.map(|arch| (*arch, calls(octets, *arch))).collect();
    let most = candidates.iter().map(|(_, calls)| calls.sites.len()).max().unwrap_or_default();
    candidates.retain(|(_, calls)| calls.sites.len() >= ENOUGH_CALLS.max(most / SHARE));
    candidates
}

/// Whether x86 code is for 64 bits: moves and LEA with the prefix for 64-bit operands, which is an instruction that compilers do
/// not use otherwise.
fn wide(octets: &[u8]) -> bool {
    let prefixed = |window: &&[u8]| matches!(window, [0x48 | 0x4c, 0x89 | 0x8b | 0x8d, _]);
    let plain = |window: &&[u8]| matches!(window, [0..=0x3f | 0x50..=0xff, 0x89 | 0x8b | 0x8d, _]);
    octets.windows(3).filter(prefixed).count() > octets.windows(3).filter(plain).count() / 4
}

fn count(windows: usize, places: &[u32]) -> Vec<u16> {
    let mut counts = vec![0_u16; windows];
    for place in places {
        if let Some(count) = counts.get_mut(index(*place) / WINDOW) {
            *count = count.saturating_add(1);
        }
    }
    counts
}

/// What each window is worth as code of an architecture with these calls.
fn score(octets: &[u8], counts: &[u16], data: &Texture) -> Vec<i32> {
    let mut code = Texture::code();
    let sure = |window: &usize| {
        near(counts, *window, NEAR).iter().map(|count| usize::from(*count)).sum::<usize>() >= SURE_CALLS
    };
    let sure: Vec<usize> = (0..counts.len()).filter(sure).collect();
    for window in &sure {
        code.learn(octets, *window);
    }
    let looks = compare(octets, &code, data);
    // What looks like neither (byte code, tables, packed octets) lies between: code has to look like at least half of what sure
    // code looks like.
    let (bits, known) =
        sure.iter().filter_map(|window| looks.get(*window)).fold((0_i64, 1_i64), |(bits, octets), look| {
            (bits + i64::from(look.bits), octets + i64::from(look.octets))
        });
    let score = |(calls, look): (&u16, Look)| {
        let half = i32::try_from(bits.max(0) * i64::from(look.octets) / (2 * known)).unwrap_or(i32::MAX);
        let least = look.octets / LEAST_TEXTURE;
        let packed = if look.above_packed < least { look.above_packed - least } else { i32::MAX };
        let texture = (look.bits - half).min(packed);
        let calls = i32::try_from(usize::from(*calls).min(MOST_CALLS)).unwrap_or_default();
        (texture / DEPENDENCE).clamp(-MOST_TEXTURE, MOST_TEXTURE) + calls * CALL
    };
    counts.iter().zip(looks).map(score).collect()
}

/// The windows around one.
fn near<T>(windows: &[T], at: usize, distance: usize) -> &[T] {
    windows.get(at.saturating_sub(distance)..(at + distance + 1).min(windows.len())).unwrap_or_default()
}
