//! Where the agent keeps the license: in its own flash, or in a store of the device's own.

use core::fmt;

use kedge_platform::crypto::Sha256;
use kedge_platform::flash::{NorFlash, Region};
use kedge_platform::license::{LicenseStore, Record, Slot, StoreFailed, Stored};

use super::nor::{Known, NorStore};

/// Where the license is kept.
pub enum Place<'b> {
    /// In four sectors of the agent's flash.
    Flash(Region),
    /// In a store of its own, of files for instance; [`Plain`] makes one of any store.
    Own(&'b mut dyn LicenseStore<Error = StoreFailed>),
}

impl fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(region) => f.debug_tuple("Flash").field(region).finish(),
            Self::Own(_) => f.write_str("Own"),
        }
    }
}

impl Place<'_> {
    /// Lends the store; `known` is what it knew before, in this power session.
    pub(crate) fn with<F: NorFlash, H: Sha256, T>(
        &mut self,
        known: &mut Known,
        flash: &mut F,
        run: impl FnOnce(&mut dyn LicenseStore<Error = StoreFailed>) -> T,
    ) -> Result<T, StoreFailed> {
        match self {
            Self::Own(store) => Ok(run(&mut **store)),
            Self::Flash(region) => {
                let store = NorStore::<_, H>::resume(&mut *flash, *region, *known);
                let mut store = Plain(store.map_err(|_| StoreFailed)?);
                let done = run(&mut store);
                *known = store.0.known();
                Ok(done)
            }
        }
    }
}

/// A store whose failures are told without their reason.
#[derive(Debug)]
pub struct Plain<S>(pub S);

impl<S: LicenseStore> LicenseStore for Plain<S> {
    type Error = StoreFailed;

    fn document(&mut self, slot: Slot, out: &mut [u8]) -> Result<Option<Stored>, StoreFailed> {
        self.0.document(slot, out).map_err(|_| StoreFailed)
    }

    fn put_document(&mut self, slot: Slot, generation: u32, document: &[u8]) -> Result<(), StoreFailed> {
        self.0.put_document(slot, generation, document).map_err(|_| StoreFailed)
    }

    fn discard_documents(&mut self) -> Result<(), StoreFailed> {
        self.0.discard_documents().map_err(|_| StoreFailed)
    }

    fn records(&mut self, each: &mut dyn FnMut(&Record)) -> Result<(), StoreFailed> {
        self.0.records(each).map_err(|_| StoreFailed)
    }

    fn append(&mut self, record: &Record, keep: &[Record]) -> Result<(), StoreFailed> {
        self.0.append(record, keep).map_err(|_| StoreFailed)
    }
}
