//! The visitor location register: who is registered, with which numbers.

use kedge_platform::identity::HardwareId;

/// A registered device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VlrEntry {
    /// The device.
    pub hardware: HardwareId,
    /// The number assignment it registered with: NAM parameter blocks, each `BLOCK_ID BLOCK_LEN PARAM_DATA`.
    pub nam: Vec<u8>,
    /// Its preferred roaming list; empty if it has none.
    pub prl: Vec<u8>,
}

/// The register. A device has one entry; a new registration replaces it.
#[derive(Clone, Debug, Default)]
pub struct Vlr {
    entries: Vec<VlrEntry>,
    replaced: u32,
}

impl Vlr {
    /// The entry of a device.
    pub fn entry(&self, hardware: HardwareId) -> Option<&VlrEntry> {
        self.entries.iter().find(|entry| entry.hardware == hardware)
    }

    /// How many devices are registered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How often a registration replaced an older one of the same device.
    pub fn replaced(&self) -> u32 {
        self.replaced
    }

    pub(crate) fn register(&mut self, entry: VlrEntry) {
        match self.entries.iter_mut().find(|old| old.hardware == entry.hardware) {
            Some(old) => {
                *old = entry;
                self.replaced += 1;
            }
            None => self.entries.push(entry),
        }
    }
}
