//! Restarting the device.

/// Why the device restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// To use newly committed settings.
    Settings,
    /// Into the update agent, which finds its orders in flash.
    UpdateAgent,
}

/// Restarts the device.
pub trait Power {
    /// Restarts. On a real device this does not return; where it does, the caller must drop all state and start again
    /// from flash.
    fn restart(&mut self, why: Restart);
}
