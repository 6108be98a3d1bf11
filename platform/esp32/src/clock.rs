//! Uptime by the system timer; the time of day by the RTC, which keeps it over restarts but not without power.

use core::time::Duration;

use esp_hal::rtc_cntl::Rtc;
use esp_hal::time::{Duration as Ticks, Instant};
use esp_rtos::CurrentThreadHandle;
use kedge_platform::clock::{Clock, TimeOfDay};

/// The uptime.
pub fn uptime() -> Duration {
    Duration::from_micros(Instant::now().duration_since_epoch().as_micros())
}

/// The clock port. While it waits, the radio's own threads go on.
#[derive(Clone, Copy, Debug)]
pub struct Uptime;

impl Clock for Uptime {
    fn uptime(&self) -> Duration {
        uptime()
    }

    fn sleep_until(&mut self, deadline: Duration) {
        while let Some(left) = deadline.checked_sub(uptime()).filter(|left| !left.is_zero()) {
            sleep(left);
        }
    }
}

/// Lets the other threads run for so long.
pub fn sleep(time: Duration) {
    // a microsecond more than none, so that a wait comes to its end
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 2).saturating_add(1);
    CurrentThreadHandle::get().delay(Ticks::from_micros(micros));
}

/// The earliest time that counts as set: 2025-01-01. The RTC begins with 1970 when the power comes.
const EARLIEST: u64 = 1_735_689_600;
const MICROS: u64 = 1_000_000;

/// The time of day.
pub struct Calendar(Rtc<'static>);

impl Calendar {
    /// The RTC as it is.
    pub const fn new(rtc: Rtc<'static>) -> Self {
        Self(rtc)
    }

    /// Sets it, in seconds since 1970.
    pub fn set(&self, seconds: u64) {
        self.0.set_current_time_us(seconds.saturating_mul(MICROS));
    }
}

impl TimeOfDay for &Calendar {
    fn seconds(&self) -> Option<u64> {
        Some(self.0.current_time_us() / MICROS).filter(|seconds| *seconds >= EARLIEST)
    }
}
