//! The settings of client provisioning: one object in each record.

use kedge_platform::flash::NorFlash;
use kedge_protocol::cp::{Kind, Known, OBJECT, Object};

use super::{SETTINGS, Store, StoreError};

/// Hands out every stored object, in no particular order, until `each` returns `false`.
pub fn settings<F: NorFlash>(
    store: &Store,
    flash: &mut F,
    mut each: impl FnMut(u8, Object<'_>) -> bool,
) -> Result<(), StoreError<F::Error>> {
    let mut buf = [0; OBJECT];
    for key in SETTINGS {
        let Some(octets) = store.bytes(flash, key, &mut buf)? else { continue };
        let object = Object::from_octets(octets).map_err(|_| StoreError::BadRecord(key))?;
        if !each(key, object) {
            break;
        }
    }
    Ok(())
}

/// What is stored, as a new document sees it.
#[derive(Debug)]
pub struct StoredSettings<'s, F: NorFlash> {
    store: &'s Store,
    flash: &'s mut F,
    /// The first error of the store; what came after it counts as not there.
    pub error: Option<StoreError<F::Error>>,
}

impl<'s, F: NorFlash> StoredSettings<'s, F> {
    /// The settings of this store.
    pub const fn new(store: &'s Store, flash: &'s mut F) -> Self {
        Self { store, flash, error: None }
    }

    /// Whether there is a record with this key.
    pub fn has_record(&self, key: u8) -> bool {
        self.store.len(key).is_some()
    }

    /// The record of the first object that is `wanted`.
    pub fn find(&mut self, wanted: impl Fn(&Object<'_>) -> bool) -> Option<u8> {
        let mut found = None;
        let done = settings(self.store, self.flash, |key, object| {
            if wanted(&object) {
                found = Some(key);
            }
            found.is_none()
        });
        self.error = self.error.take().or(done.err());
        found
    }
}

impl<F: NorFlash> Known for StoredSettings<'_, F> {
    fn has(&mut self, kind: Kind, id: &str) -> bool {
        self.find(|object| object.kind() == kind && object.key().is_some_and(|key| key.answers_to(id)))
            .is_some()
    }
}
