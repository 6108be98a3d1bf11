//! protocol: what a CDMA handset of the smallest kind calls beside the IS-683 engine: sessions in WBXML with one IS-683 message
//! a document, and the pushes that start them.

use crate::opaque::used;
use crate::session;

/// Octets received: a document with the largest parameter block, and as much work space.
const RECEIVE: usize = 2048;
/// Octets sent: the answer to as many commands as that may hold.
const SEND: usize = 1536;

#[inline(never)]
pub fn run() {
    used(session::push()).ok();
    used(session::converse(crate::room!(RECEIVE), crate::room!(SEND))).ok();
}
