//! Restart and power-off, by the machine's test device.

/// The test device.
const DEVICE: usize = 0x0010_0000;

/// Orders it takes.
const OFF: u32 = 0x5555;
const FAILED: u32 = 0x3333;
const RESET: u32 = 0x7777;

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well: the machine is switched off.
    Off,
    /// Something failed, as the console says: it is switched off, and the emulator ends with 1.
    Failed,
    /// It starts again, boot stage first.
    Restart,
}

/// Does it.
pub fn leave(exit: Exit) -> ! {
    let order = match exit {
        Exit::Off => OFF,
        Exit::Failed => FAILED | 1 << 16,
        Exit::Restart => RESET,
    };
    // SAFETY: the register of the test device; the machine stops here, nothing that exists is touched.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(DEVICE).write_volatile(order) }
    stand_still()
}

/// Does nothing more: the power is about to go.
pub fn stand_still() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
