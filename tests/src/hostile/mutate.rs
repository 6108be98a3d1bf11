//! Good input made bad: the same for every run with the same noise.
use kedge_platform_sim::random::Seeded;

/// Values at which programs stumble.
const EDGES: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFF, 0x18, 0x1A, 0x3B];

/// `seed` with one to six changes: octets, bits, runs taken out, doubled, moved in from `other` or from nowhere.
pub(super) fn mutated(seed: &[u8], other: &[u8], noise: &mut Seeded) -> Vec<u8> {
    let mut octets = seed.to_vec();
    // mostly few: many hide each other
    for _ in 0..1 + noise.below(3) * noise.below(3) {
        change(&mut octets, other, noise);
    }
    octets
}

fn change(octets: &mut Vec<u8>, other: &[u8], noise: &mut Seeded) {
    if octets.is_empty() {
        octets.push(noise.octet());
        return;
    }
    let at = noise.below(octets.len());
    let run = at..octets.len().min(at + 1 + noise.below(9));
    match noise.below(10) {
        0..=2 => octets[at] = noise.octet(),
        3 => octets[at] ^= 1 << noise.below(8),
        4 => octets[at] = EDGES[noise.below(EDGES.len())],
        5 => octets[at] = octets[at].wrapping_add(if noise.octet() & 1 == 0 { 1 } else { 0xFF }),
        6 => drop(octets.drain(run)),
        7 => {
            let doubled = octets[run].to_vec();
            octets.splice(at..at, doubled);
        }
        8 if !other.is_empty() => {
            let from = noise.below(other.len());
            let piece = &other[from..other.len().min(from + 1 + noise.below(40))];
            let end = octets.len().min(at + piece.len());
            octets.splice(at..end, piece.iter().copied());
        }
        8 => octets.push(noise.octet()),
        _ => octets[run].fill_with(|| noise.octet()),
    }
}
