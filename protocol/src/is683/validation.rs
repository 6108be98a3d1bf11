//! Validation blocks beside the service programming code (C.S0016 §3.3.2.3): SPASM, the network's proof of itself.
use super::fields::{Fields, Show, Sink, Trace, block_codec};
use crate::wire::Error;

/// Block 2: Validate SPASM. One octet without a signature, three with one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Spasm {
    /// AUTH_OTAPA, the network's 18-bit signature over RAND_OTAPA.
    pub auth_otapa: Option<u32>,
    /// NAM_LOCK: whether network-initiated changes of the NAM need a signature from the next Commit on.
    pub nam_lock: bool,
}

impl Spasm {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let signed = f.flag("AUTH_OTAPA_IND")?;
        let auth_otapa = if signed { Some(f.u32("AUTH_OTAPA", 18, Show::Secret)?) } else { None };
        Ok(Self { auth_otapa, nam_lock: f.flag("NAM_LOCK")? })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.auth_otapa.is_some()), 1)?;
        if let Some(auth) = self.auth_otapa {
            s.put(u64::from(auth), 18)?;
        }
        s.put(u64::from(self.nam_lock), 1)
    }
}

block_codec!(Spasm);

impl core::fmt::Debug for Spasm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let signed = self.auth_otapa.is_some();
        f.debug_struct("Spasm")
            .field("signed", &signed)
            .field("nam_lock", &self.nam_lock)
            .finish_non_exhaustive()
    }
}
