//! Short messages of GSM and its successors (3GPP TS 23.040): SMS-DELIVER, user data header, whole datagrams.
//!
//! | item | what |
//! |---|---|
//! | [`Deliver`] | the transport PDU as a value |
//! | [`UserDataHeader`], [`Concatenation`] | ports and concatenation, in 8 and 16 bits |
//! | [`Address`], [`DataCoding`] | who sent it, and what the user data is |
//! | [`Receiver`], [`Datagram`] | from PDUs to datagrams, whatever order they come in |
//! | [`Segments`] | the sender's side: from a datagram to user data |
//!
//! Text messages are not taken: what has no ports is the device's message application's.

mod address;
mod deliver;
mod receiver;
mod segments;
#[cfg(test)]
mod tests;
mod user_data;

pub use address::Address;
pub use deliver::{DataCoding, Deliver, TimeStamp, without_service_centre};
pub use receiver::{Datagram, Ignored, Outcome, Receiver, Sender};
pub use segments::{SEGMENT, Segments, USER_DATA};
pub use user_data::{Concatenation, UserDataHeader};
