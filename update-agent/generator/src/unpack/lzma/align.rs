//! Where the octets of a new stream were in the old one.
//!
//! Of the delta's copies only the long ones matter here, and an instruction with another operand does not matter at all: so
//! a shift is kept for as long as most of the octets that follow agree, and another is looked for where they do not.
use kedge_repack::lzma::{Token, Turn};

/// Octets that have to agree to look at a place.
const SEED: usize = 16;
/// Octets that tell whether a shift is still good, and how many of them have to agree.
const NEAR: usize = 32;
const GOOD: usize = 20;
/// Octets by which shifts are compared.
const FAR: usize = 256;
/// By how many of them a shift has to be better: what a change costs.
const GAIN: usize = 16;
/// Places that are looked at.
const PLACES: usize = 200;
/// What stands for no place.
const NOWHERE: u32 = u32::MAX;

/// The places of the old octets by their seeds.
struct Seeds<'a> {
    old: &'a [u8],
    heads: Vec<u32>,
    links: Vec<u32>,
}

impl<'a> Seeds<'a> {
    fn new(old: &'a [u8]) -> Self {
        let heads = old.len().next_power_of_two().clamp(1 << 8, 1 << 22);
        let mut seeds = Self { old, heads: vec![NOWHERE; heads], links: vec![NOWHERE; old.len()] };
        // the first places come first
        for (at, seed) in old.windows(SEED).enumerate().rev() {
            let head = seeds.head(seed);
            seeds.links[at] = seeds.heads[head];
            seeds.heads[head] = u32::try_from(at).expect("images are below 1 GiB");
        }
        seeds
    }

    fn head(&self, seed: &[u8]) -> usize {
        let hash = seed.iter().fold(0u64, |hash, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        });
        usize::try_from(hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).expect("32 bits")
            & (self.heads.len() - 1)
    }

    /// Places where the octets that `new` starts with stood.
    fn places(&self, new: &'a [u8]) -> impl Iterator<Item = usize> {
        let seed = new.get(..SEED);
        let mut next = seed.map_or(NOWHERE, |seed| self.heads[self.head(seed)]);
        let chain = std::iter::from_fn(move || {
            let at = usize::try_from(next).ok().filter(|_| next != NOWHERE)?;
            next = self.links[at];
            Some(at)
        });
        chain.take(PLACES).filter(move |at| self.old.get(*at..*at + SEED) == seed)
    }
}

/// How many of the first `len` octets agree.
fn agreeing(old: &[u8], new: &[u8], len: usize) -> usize {
    old.iter().zip(new).take(len).filter(|(old, new)| old == new).count()
}

/// For the tokens of a new stream: where the corresponding places in the old one are.
pub(super) fn turns(old: &[u8], new: &[u8], tokens: &[Token]) -> Vec<Turn> {
    let seeds = Seeds::new(old);
    let mut turns = vec![Turn::default()];
    let mut shift = 0isize;
    let mut at = 0;
    for token in tokens {
        let here = &new[at.min(new.len())..];
        let there = at.checked_add_signed(shift).and_then(|at| old.get(at..)).unwrap_or_default();
        if agreeing(there, here, NEAR) < GOOD.min(here.len()) {
            let score = |at: usize| agreeing(&old[at..], here, FAR);
            let best = seeds.places(here).map(|place| (score(place), place)).max_by_key(|(score, _)| *score);
            if let Some((score, place)) = best
                && score > agreeing(there, here, FAR) + GAIN
            {
                let now = place.cast_signed() - at.cast_signed();
                if turns.last().is_some_and(|turn| turn.run == 0) {
                    // nothing was coded with the last one
                    let before = turns.pop().map_or(0, |turn| turn.shift);
                    turns.push(Turn { shift: before.wrapping_add(by(now - shift)), run: 0 });
                } else {
                    turns.push(Turn { shift: by(now - shift), run: 0 });
                }
                shift = now;
            }
        }
        if let Some(turn) = turns.last_mut() {
            turn.run += 1;
        }
        at += usize::try_from(token.len).expect("short");
    }
    if let Some(turn) = turns.last_mut() {
        turn.run = 0;
    }
    turns
}

fn by(shift: isize) -> u32 {
    i32::try_from(shift).expect("images are below 1 GiB").cast_unsigned()
}
