//! QEMU's `virt` as an RV32IMC, with 32 MiB of RAM. With `-icount shift=0` its counter of instructions is exact.

use riscv_rt::entry;

/// Where the emulator loads what is to be applied.
pub const LOADED: usize = 0x8040_0000;
/// Where the flash begins, and its octets.
pub const FLASH: (usize, usize) = (0x8080_0000, 10 << 20);

#[entry]
fn main() -> ! {
    crate::run()
}

/// Instructions so far.
pub fn instructions() -> u64 {
    riscv::register::minstret::read64()
}
