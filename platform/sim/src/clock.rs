//! Virtual time: it passes only when someone sleeps or something is said to take time.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kedge_platform::clock;

/// A virtual clock that starts at zero.
///
/// Clones show the same time, so that the simulated network and the simulated device can share it. It reaches 584 years
/// and stands still there.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    nanoseconds: Arc<AtomicU64>,
}

impl Clock {
    /// A clock at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that shows the same time now and then goes on alone.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { nanoseconds: Arc::new(AtomicU64::new(self.nanoseconds.load(Ordering::Relaxed))) }
    }

    /// Lets `duration` pass: the cost of something that happened.
    pub fn advance(&self, duration: Duration) {
        let passed = self.nanoseconds.load(Ordering::Relaxed);
        self.nanoseconds.store(passed.saturating_add(nanoseconds(duration)), Ordering::Relaxed);
    }
}

impl clock::Clock for Clock {
    fn uptime(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }

    fn sleep_until(&mut self, deadline: Duration) {
        self.nanoseconds.fetch_max(nanoseconds(deadline), Ordering::Relaxed);
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use kedge_platform::clock::Clock as _;

    use super::*;

    #[test]
    fn time_passes_by_sleep_and_by_cost_only() {
        let mut clock = Clock::new();
        let shared = clock.clone();
        assert_eq!(clock.uptime(), Duration::ZERO);
        clock.sleep_until(Duration::from_secs(2));
        clock.advance(Duration::from_millis(5));
        assert_eq!(shared.uptime(), Duration::from_millis(2005));
        clock.sleep_until(Duration::from_secs(1));
        assert_eq!(clock.uptime(), Duration::from_millis(2005), "never backwards");
        clock.advance(Duration::MAX);
        assert_eq!(clock.uptime(), Duration::from_nanos(u64::MAX));
    }
}
