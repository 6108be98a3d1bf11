//! IOTA: provisioning of a handset over HTTP by mobile management command (MMC) documents.
//!
//! The vocabulary and the HTTP binding are the project's *MMC profile 1* (`iota.md` part B), not the 3GPP2
//! document type, whose tokens are not public. Everything that depends on the vocabulary is in [`mmc`], behind [`Codec`]:
//! a session speaks whatever implements that.
//!
//! | item | what |
//! |---|---|
//! | [`Codec`] | how documents are written: what another vocabulary has to offer |
//! | [`mmc`] | the one there is: documents as values, one codec for WBXML and XML |
//! | [`session`] | the conversation: GET, then POST after POST until the server ends it |
//! | [`TrustedDomain`] | which URLs a session may use |
//! | [`trigger`] | which pushes may start one |
//! | [`ResultCode`], [`EndReason`] | what travels in results, and why a session ended |
//! | [`limits`] | every bound, with its reason |

mod codec;
mod codes;
mod command;
mod fault;
pub mod limits;
pub mod mmc;
pub mod session;
pub mod trigger;
mod trust;

pub use codec::{Checked, Codec, ResultWriter};
pub use codes::{EndReason, ResultCode};
pub use command::{Answer, Command, Content, OnError, Verb};
pub use fault::Fault;
pub use trust::{TrustedDomain, resolve};

/// Media type of a forward IS-683 message (`iota.md` B1).
pub const IS683: &str = "application/x-is683";
/// Media type of a reverse IS-683 message (`iota.md` B1).
pub const IS683_RESPONSE: &str = "application/x-is683-response";
/// The object that takes IS-683 messages (`iota.md` B4).
pub const IS683_OBJECT: &str = "is683/msg";
