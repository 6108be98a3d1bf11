//! The standard objects (OMA-TS-DM_StdObj; `oma-dm.md` section 11).
//!
//! | item | object |
//! |---|---|
//! | [`DevInfo`], [`DevDetail`] | what the device is |
//! | [`Accounts`] | the accounts of servers, in the layout of 1.2 and that of 1.1 |
//!
//! The firmware update object is [`crate::fumo::Fumo`].

mod accounts;
mod device;
#[cfg(test)]
mod tests;

pub use accounts::{ACCOUNTS, ACCOUNTS_1_1, Accounts};
pub use device::{DevDetail, DevInfo, DeviceFacts};
