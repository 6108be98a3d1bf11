//! The clock of the benches.

use std::ffi::{c_int, c_long};

#[allow(unsafe_code, reason = "a C function is called")]
unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut c_long) -> c_int;
}

/// Processor time of this program: what else runs on the machine does not count.
#[allow(unsafe_code, reason = "the standard library has no such clock")]
pub(crate) fn seconds() -> f64 {
    const PROCESS: c_int = 2;
    let mut time: [c_long; 2] = [0; 2];
    // SAFETY: a timespec is two longs here.
    unsafe { clock_gettime(PROCESS, time.as_mut_ptr()) };
    #[expect(clippy::cast_precision_loss, reason = "seconds and billionths of one")]
    let [whole, billionths] = time.map(|part| part as f64);
    whole + billionths / 1e9
}
