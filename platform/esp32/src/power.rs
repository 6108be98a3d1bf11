//! Restart by the chip's own reset.

use kedge_platform::power::{Power, Restart};

/// The power port.
#[derive(Clone, Copy, Debug)]
pub struct Reset;

impl Power for Reset {
    fn restart(&mut self, _: Restart) {
        now()
    }
}

/// Restarts.
pub fn now() -> ! {
    esp_hal::system::software_reset()
}
