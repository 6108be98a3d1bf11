//! Time as the core sees it: handed in, never read.

use core::ops::Add;
use core::time::Duration;

/// Milliseconds of a clock that never runs backwards while the device is on; its zero means nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub u64);

impl Instant {
    /// The time from `earlier` to here, zero if it lies in the future.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// The device's clock.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Instant;
    /// Waits until `deadline`; may sleep the processor.
    fn sleep_until(&mut self, deadline: Instant);
}
