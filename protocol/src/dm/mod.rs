//! OMA device management 1.2.1 and 1.1.2: what stands around its messages.
//!
//! | item | what |
//! |---|---|
//! | [`notification`] | package 0: the push that asks for a session, its proof, replays and floods |
//! | [`bootstrap`] | how the first account comes to the device, and who may replace it |
//! | [`account`] | the account of a server, as it is kept and as the account object shows it |

pub mod account;
pub mod bootstrap;
pub mod notification;
