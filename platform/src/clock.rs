//! Time as the core sees it: handed in, never read.
//!
//! A point in time is the device's *uptime*: a [`Duration`] since some moment that means nothing, which never runs
//! backwards while the device is on.

use core::time::Duration;

/// The device's clock.
pub trait Clock {
    /// The time now.
    fn uptime(&self) -> Duration;
    /// Waits until `deadline`; may sleep the processor.
    fn sleep_until(&mut self, deadline: Duration);
}
