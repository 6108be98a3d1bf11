//! IS-683 / 3GPP2 C.S0016: over-the-air service provisioning of CDMA handsets.
//!
//! ```text
//!  bytes ──► Packet (view) ──► Forward / Reverse (values) ──► Blocks ──► nam, validation, sspr, packet_data, prl
//!               │
//!               └─► Engine: a request in, the response out; stages, then commits through the Phone port
//! ```
//! The same OTASP_MSG_TYPE numbers a request and its response, so every decoder is told the [`Direction`]. All fields
//! are packed most significant bit first. What the sources leave open stands behind one named constant each, listed in
//! `DEVIATIONS.md`. The octets are the same over every bearer: Data Bursts, or the documents of [`crate::iota`].
//!
//! ```
//! use kedge_protocol::is683::{Direction, Forward, Packet};
//! let packet = Packet::new_checked(Direction::Forward, &[0x05][..])?;
//! assert_eq!(Forward::parse(&packet)?, Forward::CommitRequest);
//! # Ok::<(), kedge_protocol::wire::Error>(())
//! ```

mod block_id;
mod body;
mod codes;
mod digits;
mod dump;
pub mod engine;
mod family;
mod fields;
mod forward;
mod identity;
mod lists;
pub mod mms;
pub mod nam;
mod packet;
pub mod packet_data;
pub mod prl;
mod reverse;
mod spc;
pub mod sspr;
pub mod system_tag;
pub mod validation;

#[cfg(test)]
mod tests;

pub use block_id::{
    MmsBlockId, MmssBlockId, NamBlockId, PacketDataConfigurationBlockId, PacketDataDownloadBlockId,
    PuzlConfigurationBlockId, PuzlDownloadBlockId, SsprConfigurationBlockId, SsprDownloadBlockId,
    SystemTagConfigurationBlockId, SystemTagDownloadBlockId, ValidationBlockId, block_name,
};
pub use codes::{CapRecord, Direction, Feature, MsgType, ResultCode};
pub use digits::{Imsi1112, Mcc, Mdn, Min};
pub use dump::dump;
pub use engine::{Engine, EngineError};
pub use family::{Answers, Family, result_codes_inside};
pub use fields::OctetString;
pub use forward::{CapabilityQuery, Forward, Range, SsprRequest};
pub use identity::{Esn, HardwareId, Meid, Nid, PrlId, Sid};
pub use lists::{Block, Blocks, BlocksBuilder, OctetPairs};
pub use packet::{Fresh, Message, Packet};
pub use reverse::{PuzlResult, PuzlResults, Reverse, SegmentResult};
pub use spc::{SPC_HIGH_NIBBLE_FIRST, Spc};

/// Octets of the longest message taken or made; the largest real ones (a Configuration Response with all NAM blocks, a
/// 3GPD Download with three profiles) are well below 1 KiB.
pub const MAX_MESSAGE: usize = 2048;

/// Gives types whose `Display` is unambiguous the same text in `Debug`, behind their name.
macro_rules! debug_as_display {
    ($($name:ident)*) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )*};
}
use debug_as_display;
