//! What the emulator put into RAM: four words (octets of the old image, of the package, of the larger of both images, 0), the
//! old image, the package.

use crate::board;
use core::ptr::with_exposed_provenance;

/// An update to be applied.
pub struct Loaded {
    pub old: &'static [u8],
    pub package: &'static [u8],
    /// Octets of the larger of both images.
    pub room: u32,
}

pub fn loaded() -> Loaded {
    let words = with_exposed_provenance::<u32>(board::LOADED);
    // SAFETY: the emulator wrote these words, and as many octets behind them; nothing writes there any more.
    unsafe {
        let word = |at| words.add(at).read_volatile();
        let (old, package, room) = (word(0) as usize, word(1) as usize, word(2));
        let octets = words.add(4).cast::<u8>();
        Loaded {
            old: core::slice::from_raw_parts(octets, old),
            package: core::slice::from_raw_parts(octets.add(old), package),
            room,
        }
    }
}
