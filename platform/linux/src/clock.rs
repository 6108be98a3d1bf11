//! The clocks of the system: the monotonic one, and the time of day.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use kedge_platform::clock::{Clock, TimeOfDay};

/// Uptime since the clock was made.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock that starts at zero now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn uptime(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep_until(&mut self, deadline: Duration) {
        thread::sleep(deadline.saturating_sub(self.uptime()));
    }
}

/// The system's time of day: as good as who sets it.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl TimeOfDay for WallClock {
    fn seconds(&self) -> Option<u64> {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_ends_after_the_deadline_and_at_once_when_it_is_past() {
        let mut clock = SystemClock::new();
        let deadline = clock.uptime() + Duration::from_millis(20);
        clock.sleep_until(deadline);
        let woken = clock.uptime();
        assert!(woken >= deadline);
        clock.sleep_until(Duration::ZERO);
        assert!(clock.uptime() >= woken, "never backwards");
    }
}
