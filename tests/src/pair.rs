//! A small firmware pair for sweeps: few enough sectors that every flash operation can be cut.

/// Two images, old and new, of some 3 KiB that differ like a release: a piece inserted, one removed, some octets changed.
pub fn small_pair() -> (Vec<u8>, Vec<u8>) {
    let mut word = 0x2545_F491_u32;
    let old: Vec<u8> = (0..3000_u32)
        .map(|n| {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Runs of similar octets, as in code and tables.
            (if n % 7 < 3 { n / 64 } else { word >> 24 }).to_le_bytes()[0]
        })
        .collect();
    let mut new = old.clone();
    new.splice(700..700, (0..150_u8).map(|n| n ^ 0x5A));
    new.drain(2000..2080);
    for at in (100..new.len()).step_by(531) {
        new[at] = new[at].wrapping_add(4);
    }
    (old, new)
}
