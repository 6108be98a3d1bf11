//! QEMU's `mps2-an386`: a Cortex-M4 with 16 MiB of RAM beside its two static ones.

use cortex_m_rt::entry;

mod timer;

pub use timer::instructions;

/// Where the emulator loads what is to be applied: the large RAM.
pub const LOADED: usize = 0x2100_0000;
/// Where the flash begins, and its octets.
pub const FLASH: (usize, usize) = (0x2140_0000, 10 << 20);

#[entry]
fn main() -> ! {
    timer::start();
    crate::run()
}
