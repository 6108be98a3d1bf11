//! Short messages as a bearer: from transport PDUs to whole datagrams with their ports.
//!
//! ```text
//! SMS-DELIVER ─► user data header ─► ports ─┐
//!                └ concatenation ─┐         │
//! CDMA message ─► teleservice ────┴► Reassembly ─► Datagram { from, ports, payload } ─► WSP push | raw port delivery
//! ```
//! | item | what |
//! |---|---|
//! | [`gsm`] | SMS-DELIVER, its user data header, the receiver of datagrams, and the sender's side |
//! | [`cdma`] | IS-637 point-to-point messages, the WAP teleservice, texts, data bursts |
//! | [`Reassembly`] | segments in any order to datagrams, in bounded memory and time; knows no bearer |
//! | [`Port`], [`Ports`] | where a datagram goes |
//!
//! A short message proves nothing about who sent it: the originating address is a claim of the network it came from.

pub mod cdma;
pub mod gsm;
mod port;
mod reassembly;

pub use port::{Port, Ports};
pub use reassembly::{Counts, LIFETIME, Progress, Reassembly, Refused, Segment};
