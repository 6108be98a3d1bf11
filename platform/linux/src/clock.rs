//! The monotonic clock of the system.

use std::thread;
use std::time::{Duration, Instant};

use kedge_platform::clock::Clock;

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
