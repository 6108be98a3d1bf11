//! Firmware update transactions: one device, one package, one final report.

use kedge_platform::identity::HardwareId;

/// Values of `fota/state` with which an update ends (FUMO 1.0 §10.2, `fumo-dlota.md` §1.1).
pub mod state {
    /// The download failed.
    pub const DOWNLOAD_FAILED: u16 = 20;
    /// The update failed; the package is still there.
    pub const FAILED_HAVE_DATA: u16 = 70;
    /// The update failed; the package is gone.
    pub const FAILED_NO_DATA: u16 = 80;
    /// The update succeeded; the package is still there.
    pub const SUCCESSFUL_HAVE_DATA: u16 = 90;
    /// The update succeeded; the package is gone.
    pub const SUCCESSFUL_NO_DATA: u16 = 100;
}

/// Octets that `fota/package-url` and `fota/status-url` can hold (profile B4).
pub(crate) const PACKAGE_URL_LIMIT: usize = 255;

/// A package address is no absolute http or https URL, or is longer than 255 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfitUrl;

impl core::fmt::Display for UnfitUrl {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the package address is not a URL of at most 255 octets")
    }
}

impl core::error::Error for UnfitUrl {}

/// What an update is offered to, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The device.
    pub hardware: HardwareId,
    /// Its manufacturer.
    pub make: String,
    /// Its model.
    pub model: String,
    /// The version it has.
    pub from: String,
    /// The version the package leads to.
    pub to: String,
    /// Where the package is; at most 255 octets.
    pub package_url: String,
}

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionState {
    /// Waits for the device.
    Pending,
    /// The device has the package and the status URL.
    Delivered,
    /// The device reported this `fota/state`.
    Reported(u16),
}

/// A transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// What is offered.
    pub offer: Offer,
    /// How far it has come.
    pub state: TransactionState,
    /// Result codes of `fota/download`, in the order they were reported.
    pub downloads: Vec<u16>,
    /// Final reports that were taken: at most one is right.
    pub reports: u32,
    /// The same report again, after its answer was lost.
    pub repeated_reports: u32,
}

impl Transaction {
    pub(crate) fn new(offer: Offer) -> Self {
        Self {
            offer,
            state: TransactionState::Pending,
            downloads: Vec::new(),
            reports: 0,
            repeated_reports: 0,
        }
    }

    /// Whether the package may still be asked for.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.state, TransactionState::Reported(_))
    }
}
