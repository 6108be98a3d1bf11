//! Octets that tell where they belong.

/// What octet `at` is to hold in round `seed`. Each has a bit cleared, so that none looks erased, and octets a power of two
/// apart differ, so that one that lies in a wrong place shows.
pub(super) const fn octet(at: u64, seed: u32) -> u8 {
    let [_, _, low, ..] = mix(at, seed).to_be_bytes();
    low & 0x7F
}

/// Fills `out` with the octets from `at` on.
pub(super) fn fill(out: &mut [u8], at: u64, seed: u32) {
    out.iter_mut().zip(at..).for_each(|(octet_here, at)| *octet_here = octet(at, seed));
}

/// Two rounds of multiplying and folding (the finaliser of MurmurHash3).
const fn mix(at: u64, seed: u32) -> u64 {
    let mut word = at ^ (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    word = (word ^ (word >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    word ^ (word >> 33)
}
