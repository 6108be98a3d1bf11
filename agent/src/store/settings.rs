//! The settings of client provisioning: one object in each record.

use kedge_platform::flash::NorFlash;
use kedge_protocol::cp::{Key, Kind, Known, OBJECT, Object, ParmName};

use super::{Contexts, SETTINGS, Source, Store, StoreError};

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

/// What is stored, as a new document sees it: the context of its source.
#[derive(Debug)]
pub struct StoredSettings<'s, F: NorFlash> {
    store: &'s Store,
    flash: &'s mut F,
    /// Where the document comes from.
    pub source: Source,
    /// Whose settings are where.
    pub contexts: Contexts,
    /// The first error of the store; what came after it counts as not there.
    pub error: Option<StoreError<F::Error>>,
}

impl<'s, F: NorFlash> StoredSettings<'s, F> {
    /// The settings of this store, for a document of this source.
    pub fn new(store: &'s Store, flash: &'s mut F, source: Source) -> Self {
        let (contexts, error) = match store.get::<Contexts, F>(flash, &mut [0; Contexts::MAX]) {
            Ok(contexts) => (contexts.unwrap_or_default(), None),
            Err(error) => (Contexts::default(), Some(error)),
        };
        Self { store, flash, source, contexts, error }
    }

    /// Whether there is a record with this key.
    pub fn has_record(&self, key: u8) -> bool {
        self.store.len(key).is_some()
    }

    /// The record of the first object in the context of the source that is `wanted`.
    pub fn find(&mut self, wanted: impl Fn(&Object<'_>) -> bool) -> Option<u8> {
        let (contexts, source) = (self.contexts, self.source);
        self.first(|key, object| contexts.is_open_to(source, key) && wanted(object))
    }

    /// Whether another source has closed the device: the source of the document has no context, and there can be no more of
    /// them (BOOTSTRAP with CONTEXT-ALLOW 0).
    pub fn is_closed(&mut self) -> bool {
        let contexts = self.contexts;
        let closes = |object: &Object<'_>| object.parm(ParmName::ContextAllow) == Some(CLOSED);
        !contexts.has(self.source)
            && self.first(|key, object| contexts.owner(key).is_some() && closes(object)).is_some()
    }

    fn first(&mut self, wanted: impl Fn(u8, &Object<'_>) -> bool) -> Option<u8> {
        let mut found = None;
        let done = settings(self.store, self.flash, |key, object| {
            if wanted(key, &object) {
                found = Some(key);
            }
            found.is_none()
        });
        self.error = self.error.take().or(done.err());
        found
    }
}

/// The value of CONTEXT-ALLOW that allows no context beside the one that says so. The fact sheet knows the parm and not its
/// values (from memory: how many more there may be); every other value counts as leave.
const CLOSED: &str = "0";

impl<F: NorFlash> Known for StoredSettings<'_, F> {
    fn has(&mut self, kind: Kind, id: &str) -> bool {
        self.find(|object| object.kind() == kind && object.key().is_some_and(|key| key.answers_to(id)))
            .is_some()
    }

    fn is_foreign(&mut self, key: &Key<'_>) -> bool {
        // Each context has a BOOTSTRAP and an identity of its own.
        if matches!(key.kind, Kind::Bootstrap | Kind::ClientIdentity) {
            return false;
        }
        let (contexts, source) = (self.contexts, self.source);
        self.first(|slot, object| !contexts.is_open_to(source, slot) && object.key().as_ref() == Some(key))
            .is_some()
    }
}
