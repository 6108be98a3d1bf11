//! The objects of every device: the standard ones (OMA-TS-DM_StdObj; `oma-dm.md` section 11), and the project's own.
//!
//! | item | object |
//! |---|---|
//! | [`DevInfo`], [`DevDetail`] | what the device is |
//! | [`Accounts`] | the accounts of servers, in the layout of 1.2 and that of 1.1 |
//! | [`Inbox`] | where servers put whole objects |
//! | [`Tunnel`] | content of other protocols, handed to the device's dispatcher |
//! | [`Cdma`] | what the network programmed by IS-683, to be read |
//! | [`Settings`] | addresses that a server may set: BREW, firmware updates, features |
//!
//! The firmware update object is [`crate::fumo::Fumo`], that of software components [`crate::scomo::Scomo`].

mod accounts;
mod cdma;
mod device;
mod inbox;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod tunnel;

pub use accounts::{ACCOUNTS, ACCOUNTS_1_1, Accounts};
pub use cdma::{Block, Cdma, Programmed};
pub use device::{DevDetail, DevInfo, DeviceFacts};
pub use inbox::Inbox;
pub use settings::{Feature, Setting, Settings, SettingsPort};
pub use tunnel::{Delivered, Dispatch, Passage, Tunnel};
