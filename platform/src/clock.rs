//! Time as the core sees it: handed in, never read.
//!
//! A point in time is the device's *uptime*: a [`Duration`] since some moment that means nothing, which never runs
//! backwards while the device is on, whatever happens to the time of day. Time that the device sleeps should count: the longest
//! wait is four hours, and a clock that stands still meanwhile makes it longer.

use core::time::Duration;

/// The time of day, on devices that have one. What it shows is looked at with suspicion: it may be set to anything.
pub trait TimeOfDay {
    /// Seconds since 1970-01-01T00:00:00Z; `None` while the clock is not set.
    fn seconds(&self) -> Option<u64>;
}

/// How long it is from `from` to `to`; nothing if that is not later. The standard library's subtraction checks its own result,
/// and the compiler does not always see that it cannot fail.
pub fn between(from: Duration, to: Duration) -> Duration {
    let nanos = to.as_nanos().saturating_sub(from.as_nanos());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The device's clock.
pub trait Clock {
    /// The time now.
    fn uptime(&self) -> Duration;
    /// Waits until `deadline`, never less; returns at once if that has passed. May sleep the processor.
    fn sleep_until(&mut self, deadline: Duration);
}
