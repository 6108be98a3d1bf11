//! The first timer of `mps2-an386` (CMSDK APB timer) as a counter of instructions.
//!
//! With `-icount shift=0` an instruction takes a nanosecond of the board's time, and a timer at 25 MHz counts 40 of them.

use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};

/// Registers of the timer: control, value (counts down), reload.
const CONTROL: usize = 0x4000_0000;
const VALUE: usize = 0x4000_0004;
const RELOAD: usize = 0x4000_0008;
/// Instructions in one tick.
const TICK: u64 = 40;

/// Begins to count.
pub fn start() {
    // SAFETY: the timer's registers, which nothing else uses.
    unsafe {
        with_exposed_provenance_mut::<u32>(RELOAD).write_volatile(u32::MAX);
        with_exposed_provenance_mut::<u32>(VALUE).write_volatile(u32::MAX);
        with_exposed_provenance_mut::<u32>(CONTROL).write_volatile(1);
    }
}

/// Instructions so far, to 40.
pub fn instructions() -> u64 {
    // SAFETY: reading the timer has no effect.
    let left = unsafe { with_exposed_provenance::<u32>(VALUE).read_volatile() };
    u64::from(u32::MAX - left) * TICK
}
