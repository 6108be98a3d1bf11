//! Where raw octets stand: the load address for which most words are the addresses of functions and strings.

use super::{fields::le32, vectors::Vectors};
use kedge_delta::arch::Arch;
use std::ops::RangeInclusive;

/// Load addresses are multiples of this; headers in front of an image (MCUboot's is the smallest in use) are not.
const ALIGNMENT: u32 = 0x100;
/// A text of fewer characters may be chance.
const TEXT: usize = 6;
/// So many words and places take part, evenly chosen.
const MOST_WORDS: usize = 1 << 14;
const MOST_PLACES: usize = 1 << 12;
/// So many words are looked at.
const MOST_SEEN: usize = 1 << 18;
/// An address is believed with so many voters (fewer if vectors bound it), and so many times the next one's.
const ENOUGH: usize = 24;
const ENOUGH_WITH_VECTORS: usize = 6;
const LEAD: usize = 2;

/// The address of the first octet. `functions` are where functions start, `arch` is what most of the code is.
pub(super) fn address(octets: &[u8], functions: &[u32], arch: Arch) -> Option<u64> {
    let mut places: Vec<u32> = thin(functions.to_vec(), MOST_PLACES);
    places.extend(thin(texts(octets), MOST_PLACES));
    let (high, words) = words(octets, arch);
    let vectors = if arch == Arch::Thumb { Vectors::find(octets) } else { None };
    let allowed = vectors.map_or(0..=u32::MAX, |vectors| vectors.addresses(octets.len()));
    let enough = if vectors.is_some() { ENOUGH_WITH_VECTORS } else { ENOUGH };
    let voted = vote(octets.len(), &thin(words, MOST_WORDS), places, &allowed, enough);
    let low = voted.or_else(|| vectors.map(|_| roundest(&allowed)))?;
    Some(u64::from(high) << 32 | u64::from(low))
}

/// The words that may be addresses, each once, and the upper halves that they share.
fn words(octets: &[u8], arch: Arch) -> (u32, Vec<u32>) {
    let step = match arch {
        Arch::AArch64 | Arch::X86_64 => 8,
        Arch::X86 | Arch::X86_16 => 1, // inside instructions, anywhere
        _ => 4,
    };
    let step = step * (octets.len() / step).div_ceil(MOST_SEEN).max(1);
    let places = (0..octets.len()).step_by(step);
    let mut high = 0;
    let mut words: Vec<u32> = if matches!(arch, Arch::AArch64 | Arch::X86_64) {
        let words: Vec<(u32, u32)> =
            places.filter_map(|at| Some((le32(octets, at)?, le32(octets, at + 4)?))).collect();
        high = upper(words.iter().map(|(_, high)| *high));
        words.into_iter().filter(|(_, upper)| *upper == high).map(|(low, _)| low).collect()
    } else {
        places.filter_map(|at| le32(octets, at)).collect()
    };
    if arch == Arch::Thumb {
        let even = words.iter().map(|word| word & !1).collect::<Vec<u32>>(); // the address of a function is odd
        words.extend(even);
    }
    words.sort_unstable();
    words.dedup();
    words.retain(|word| *word != 0);
    (high, words)
}

/// The upper half of addresses: the kernel's, if many words have it, else none.
fn upper(halves: impl Iterator<Item = u32>) -> u32 {
    let mut halves: Vec<u32> =
        halves.filter(|half| (0xffff_0000..0xffff_ffff).contains(half) || *half == 0).collect();
    halves.sort_unstable();
    let longest =
        halves.chunk_by(|one, next| one == next).max_by_key(|run| (run.len(), run.first() == Some(&0)));
    longest.and_then(<[u32]>::first).copied().unwrap_or_default()
}

/// Where texts start that end with a zero.
fn texts(octets: &[u8]) -> Vec<u32> {
    let mut texts = Vec::new();
    let mut at = 0;
    for part in octets.split(|octet| *octet == 0) {
        if part.len() >= TEXT && part.iter().all(|octet| matches!(octet, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
        {
            texts.extend(u32::try_from(at));
        }
        at += part.len() + 1;
    }
    texts
}

/// The allowed address for which most of the words are places.
fn vote(
    len: usize,
    words: &[u32],
    mut places: Vec<u32>,
    allowed: &RangeInclusive<u32>,
    enough: usize,
) -> Option<u32> {
    places.sort_by_key(|place| (place % ALIGNMENT, *place));
    let mut votes = Vec::new();
    for word in words {
        let class = word % ALIGNMENT;
        let start = places.partition_point(|place| place % ALIGNMENT < class);
        let alike =
            places.get(start..).unwrap_or_default().iter().take_while(|place| *place % ALIGNMENT == class);
        votes.extend(alike.filter_map(|place| word.checked_sub(*place)));
    }
    votes.retain(|address| {
        allowed.contains(address)
            && usize::try_from(u32::MAX - address).is_ok_and(|room| room >= len.saturating_sub(1))
    });
    votes.sort_unstable();
    let mut tally: Vec<(usize, u32)> =
        votes.chunk_by(|one, next| one == next).filter_map(|run| Some((run.len(), *run.first()?))).collect();
    tally.sort_unstable_by_key(|(times, address)| (std::cmp::Reverse(*times), *address));
    let (times, address) = *tally.first()?;
    let next = tally.get(1).map_or(0, |(times, _)| *times);
    (times >= enough && times >= LEAD * next).then_some(address)
}

/// The address in a range with the most zeros at its end.
fn roundest(range: &RangeInclusive<u32>) -> u32 {
    let mut address = *range.end();
    while let rounder = address & address.wrapping_sub(1)
        && rounder != address
        && range.contains(&rounder)
    {
        address = rounder;
    }
    address
}

/// At most `most` of a list, evenly chosen.
fn thin<T: Copy>(list: Vec<T>, most: usize) -> Vec<T> {
    let step = list.len().div_ceil(most).max(1);
    if step == 1 { list } else { list.into_iter().step_by(step).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roundest_address() {
        assert_eq!(roundest(&(0x0005_ee01..=0x0008_044c)), 0x0008_0000);
        assert_eq!(roundest(&(0..=0x0001_8de8)), 0);
        assert_eq!(roundest(&(7..=7)), 7);
    }

    #[test]
    fn pointers_to_texts_tell_the_address() {
        let mut octets = Vec::new();
        let mut starts = Vec::new();
        for number in 0..64_u32 {
            starts.push(u32::try_from(octets.len()).unwrap());
            octets.extend_from_slice(format!("message number {}\0", number * number).as_bytes());
        }
        octets.resize(octets.len().next_multiple_of(4), 0);
        octets.extend(starts.iter().flat_map(|start| (0x0804_1200 + start).to_le_bytes()));
        assert_eq!(address(&octets, &[], Arch::Thumb), Some(0x0804_1200));
        let wide: Vec<u8> = starts
            .iter()
            .flat_map(|start| (0xffff_8000_0800_0000 + u64::from(*start)).to_le_bytes())
            .collect();
        octets.resize(octets.len().next_multiple_of(8), 0);
        octets.extend(wide.repeat(2));
        assert_eq!(address(&octets, &[], Arch::AArch64), Some(0xffff_8000_0800_0000));
        assert_eq!(address(&octets[..256], &[], Arch::Thumb), None);
    }
}
