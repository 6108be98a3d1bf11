//! Uptime: the machine's timer, which runs at 10 MHz from power-on.

use core::time::Duration;
use kedge_platform::clock;

/// The low and the high word of `mtime`.
const LOW: usize = 0x0200_BFF8;
const HIGH: usize = 0x0200_BFFC;
/// Its ticks per microsecond.
const TICKS: u64 = 10;

/// The clock, and how far it was put forward: nobody waits four hours for a user who said "later".
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    skipped: Duration,
}

impl Clock {
    /// Puts the clock forward to `uptime`; does nothing if that has passed.
    pub fn skip_to(&mut self, uptime: Duration) {
        self.skipped += uptime.saturating_sub(clock::Clock::uptime(self));
    }
}

impl clock::Clock for Clock {
    fn uptime(&self) -> Duration {
        since_power_on() + self.skipped
    }

    fn sleep_until(&mut self, deadline: Duration) {
        while self.uptime() < deadline {
            core::hint::spin_loop();
        }
    }
}

/// The time since power-on, as it is.
pub fn since_power_on() -> Duration {
    loop {
        let (high, low, again) = (word(HIGH), word(LOW), word(HIGH));
        if high == again {
            return Duration::from_micros((u64::from(high) << 32 | u64::from(low)) / TICKS);
        }
    }
}

fn word(address: usize) -> u32 {
    // SAFETY: one of the two words of the machine's timer, readable at any time without effect.
    unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() }
}
