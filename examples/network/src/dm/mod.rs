//! OMA device management, the server's side: strict about what it hears, and able to misbehave by script.
//!
//! It is written from the fact sheet: documents are read and written as trees of elements, and checked against the order of
//! the document type, without the device's codec and session. Only the readers and writers of WBXML and XML are shared.

mod credentials;
mod dtd;
mod element;
mod fault;
mod message;
pub(crate) mod notification;
mod order;
mod script;
mod server;
mod session;

pub use credentials::{DmCredentials, DmScheme};
pub use fault::DmFault;
pub use message::DmEvent;
pub use order::{DmAnswer, DmOrder, DmSay, DmValue};
pub use script::{DmPackage, DmScript, DmScriptError};
pub use server::{DmBoxed, DmConversation, DmHeld, DmServer};
pub use session::{DmRule, DmViolation};
