use super::{Region, regions::absorb};
use kedge_delta::arch::Arch;

/// Which region of the new image each region of the old one has become: in order, at most as many as either image has, all
/// octets of both images covered, the same architecture and upper half in both of a pair. What has no counterpart goes to a
/// neighbour.
///
/// If nothing agrees, one pair is left, which is data.
pub fn pairs(old: &[Region], new: &[Region]) -> Vec<(Region, Region)> {
    let matched = align(old, new);
    let (kept_old, kept_new): (Vec<usize>, Vec<usize>) = matched.into_iter().unzip();
    let (old, new) = (keep(old, &kept_old), keep(new, &kept_new));
    let pair = |(old, new): (Region, Region)| {
        if old.arch == new.arch && old.high == new.high {
            return (old, new);
        }
        (Region { arch: Arch::Data, ..old }, Region { arch: Arch::Data, high: old.high, ..new })
    };
    old.into_iter().zip(new).map(pair).collect()
}

/// The regions at the places `kept`, or else the largest, with the others' octets: the smallest go first.
fn keep(regions: &[Region], kept: &[usize]) -> Vec<Region> {
    let largest = (0..regions.len()).max_by_key(|at| regions.get(*at).map(|region| region.len));
    let largest = if kept.is_empty() { largest } else { None };
    let mut stays: Vec<bool> =
        (0..regions.len()).map(|at| kept.contains(&at) || Some(at) == largest).collect();
    let mut rest = regions.to_vec();
    let smallest = |rest: &[Region], stays: &[bool]| {
        let going = rest.iter().zip(stays).enumerate().filter(|(_, (_, stays))| !**stays);
        going.min_by_key(|(_, (region, _))| region.len).map(|(at, _)| at)
    };
    while let Some(at) = smallest(&rest, &stays) {
        stays.remove(at);
        absorb(&mut rest, at);
    }
    rest
}

/// The places of regions that belong together: the common subsequence with the most octets.
fn align(old: &[Region], new: &[Region]) -> Vec<(usize, usize)> {
    let mut best = vec![vec![0_u64; new.len() + 1]; old.len() + 1];
    let at = |best: &[Vec<u64>], i: usize, j: usize| {
        best.get(i).and_then(|row| row.get(j)).copied().unwrap_or_default()
    };
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let paired = alike(one, other).map_or(0, |alike| alike + at(&best, i + 1, j + 1));
            let value = paired.max(at(&best, i + 1, j)).max(at(&best, i, j + 1));
            if let Some(place) = best.get_mut(i).and_then(|row| row.get_mut(j)) {
                *place = value;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while let (Some(one), Some(other)) = (old.get(i), new.get(j)) {
        let here = at(&best, i, j);
        if alike(one, other).is_some_and(|alike| alike + at(&best, i + 1, j + 1) == here) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&best, i + 1, j) == here {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// How much speaks for two regions being the same: their common size, twice if their addresses are near each other.
fn alike(old: &Region, new: &Region) -> Option<u64> {
    const NEAR: u32 = 1 << 20;
    let size = u64::from(old.len.min(new.len));
    let same = old.arch == new.arch && old.high == new.high;
    same.then_some(if old.address.abs_diff(new.address) < NEAR { 2 * size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(parts: &[(u32, u32, Arch)]) -> Vec<Region> {
        let mut start = 0;
        let region = |(len, address, arch): &(u32, u32, Arch)| {
            start += len;
            Region { start: start - len, len: *len, address: *address, high: 0, arch: *arch }
        };
        parts.iter().map(region).collect()
    }

    fn lens(pairs: &[(Region, Region)]) -> Vec<(u32, u32, Arch)> {
        pairs.iter().map(|(old, new)| (old.len, new.len, new.arch)).collect()
    }

    #[test]
    fn regions_find_their_counterparts() {
        let old = list(&[(100, 0, Arch::Thumb), (50, 100, Arch::Data)]);
        let new = list(&[(110, 0, Arch::Thumb), (40, 110, Arch::Data)]);
        assert_eq!(lens(&pairs(&old, &new)), [(100, 110, Arch::Thumb), (50, 40, Arch::Data)]);
        let new =
            list(&[(60, 0, Arch::Thumb), (9, 60, Arch::Data), (41, 69, Arch::Thumb), (40, 110, Arch::Data)]);
        assert_eq!(lens(&pairs(&old, &new)), [(100, 110, Arch::Thumb), (50, 40, Arch::Data)]);
        assert_eq!(lens(&pairs(&new, &old)), [(110, 100, Arch::Thumb), (40, 50, Arch::Data)]);
    }

    #[test]
    fn addresses_decide_between_equals() {
        let old = list(&[(100, 0x3ff0_0000, Arch::Data), (100, 0x5000_0000, Arch::Data)]);
        let new = list(&[(100, 0x5000_0000, Arch::Data)]);
        let pairs = pairs(&old, &new);
        assert_eq!(lens(&pairs), [(200, 100, Arch::Data)]);
        assert_eq!(pairs[0].0.address, 0x5000_0000 - 100);
    }

    #[test]
    fn nothing_in_common_is_data() {
        let old = list(&[(10, 0x100, Arch::Thumb), (30, 0x110, Arch::Arm)]);
        let new = list(&[(25, 0, Arch::RiscV)]);
        let pairs = pairs(&old, &new);
        assert_eq!(lens(&pairs), [(40, 25, Arch::Data)]);
        assert_eq!(pairs[0].0.start, 0);
        assert!(super::pairs(&[], &new).is_empty());
    }
}
