//! Short messages of CDMA: IS-637 (C.S0015), and what the WAP teleservice makes of them.
//!
//! ```text
//!  transport message ─► bearer data ─┬─ teleservice 4100 ─► WDP segment ─► Reassembly ─► Datagram { from, ports, octets }
//!  type, TLVs           TLVs, bits   └─ teleservice 4098 ─► Text { from, text }
//!  data burst of type 4 ─► the octets are one IS-683 message
//! ```
//! [`Receiver`] is the device's side of all that; [`Outgoing`] the sender's, for tests and simulated networks. User data
//! begins 13 bits into its parameter, so its octets are never aligned ([`UserData`]).
//!
//! What is of no use here is skipped by its length, as the standard wants: time stamps, priorities, sub-addresses, display
//! modes. A user data header (HEADER_IND) belongs to enhanced messaging; WAP segments never have one, and are refused with
//! one.

mod address;
mod bearer_data;
mod codes;
mod outgoing;
mod receiver;
#[cfg(test)]
mod tests;
mod transport;
mod user_data;
mod wdp;

pub use address::{Address, MAX_DIGITS};
pub use bearer_data::BearerData;
pub use codes::{BurstType, Encoding, MessageType, Teleservice};
pub use outgoing::{MAX_MESSAGE, Outgoing};
pub use receiver::{Cells, MAX_DATAGRAM, Received, Receiver, RefusedMessage};
pub use transport::Message;
pub use user_data::UserData;
pub use wdp::{MAX_SEGMENT, Segment};
