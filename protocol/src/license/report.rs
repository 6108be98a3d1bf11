//! The report of what became of a document (section 4.5), exactly once for each.

use super::token::frame;
use super::{KeyId, Kind, Serial};
use crate::cbor::Encoder;
use crate::wire::Error;

/// Key of what the device says for itself.
const OWN: i64 = -70_003;
const PAYLOAD_MAX: usize = 80;
/// Longest report, in octets.
pub const REPORT_MAX: usize = 288;

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The document's id.
    pub id: [u8; 16],
    /// The nonce that it echoed; `None` for one that came unasked.
    pub nonce: Option<[u8; 16]>,
    /// 0: installed.
    pub result: u8,
    /// The serial held now.
    pub serial: Serial,
}

impl Report {
    /// Writes the report, signed under the name `key_id`, to the front of `out`.
    pub fn emit<'o>(
        &self,
        vendor: &str,
        key_id: &KeyId,
        sign: impl FnOnce(&[&[u8]]) -> [u8; 64],
        out: &'o mut [u8],
    ) -> Result<&'o [u8], Error> {
        let mut room = [0; PAYLOAD_MAX];
        let mut e = Encoder::new(&mut room);
        e.map(2_u64.saturating_add(self.nonce.is_some().into()))?.unsigned(7)?.bytes(&self.id)?;
        if let Some(nonce) = &self.nonce {
            e.unsigned(10)?.bytes(nonce)?;
        }
        e.integer(OWN)?.map(2)?.unsigned(2)?;
        self.serial.emit(&mut e)?;
        e.unsigned(20)?.unsigned(self.result.into())?;
        frame(Kind::Report, vendor, *key_id, e.finish(), sign, out)
    }
}
