//! The modem: data call and network registration.

/// Why the modem could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RadioError {
    /// No network in reach.
    NoService,
    /// The network refused.
    Refused,
    /// A voice or data call is in the way.
    Busy,
}

/// What Kedge needs of a modem.
pub trait Radio {
    /// Opens the data call with this network access identifier; succeeds if it is open already.
    fn open_data_call(&mut self, nai: &str) -> Result<(), RadioError>;
    /// Closes the data call; nothing happens if there is none.
    fn close_data_call(&mut self);
    /// Registers with the given number assignment: the committed NAM parameter blocks, each `BLOCK_ID BLOCK_LEN
    /// PARAM_DATA` as in an IS-683 Download Request, and the preferred roaming list (empty: none).
    fn register(&mut self, nam: &[u8], prl: &[u8]) -> Result<(), RadioError>;
}
