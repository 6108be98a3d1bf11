//! What the proof must refuse: run by `cargo xtask no-panic --self-test`.

use crate::opaque::{octets, used};

#[inline(never)]
pub fn run() {
    #[cfg(feature = "fault-index")]
    used(octets()[3]);
    #[cfg(feature = "fault-copy")]
    {
        let mut target = [0_u8; 8];
        if let (Some(to), Some(from)) = (target.get_mut(..octets().len() / 2), octets().get(1..)) {
            to.copy_from_slice(from);
        }
        used(target);
    }
}
