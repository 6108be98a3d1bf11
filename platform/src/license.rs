//! Where a license is kept, and what binds it to the device.
//!
//! On NOR flash the agent brings its own [`LicenseStore`]; on Linux `kedge-platform-linux` has one of files. A device with
//! other storage implements the trait: what a call has written is permanent when it returns, and a power cut during a call
//! leaves what was there before, or what was to be written, and never touches the other slot.

use core::fmt;

/// One of the two places for documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Slot {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Counts documents: the higher one is the newer.
    pub generation: u32,
    /// Octets of the document.
    pub len: usize,
    /// Its writing was finished. One that is whole but not committed counts if the journal names it: a power cut may have
    /// struck the commitment alone.
    pub committed: bool,
}

/// Octets of a journal record.
pub const RECORD: usize = 32;

/// A journal record. Whether it counts, its owner decides by the check value inside.
pub type Record = [u8; RECORD];

/// Two documents and a journal.
pub trait LicenseStore {
    /// What can go wrong.
    type Error: fmt::Debug;

    /// Reads the document in `slot` to the front of `out`. `None` if there is none that is whole.
    fn document(&mut self, slot: Slot, out: &mut [u8]) -> Result<Option<Stored>, Self::Error>;

    /// Replaces what is in `slot`.
    fn put_document(&mut self, slot: Slot, generation: u32, document: &[u8]) -> Result<(), Self::Error>;

    /// Removes both documents.
    fn discard_documents(&mut self) -> Result<(), Self::Error>;

    /// Calls `each` with the records of the journal, oldest first. Some may be unfinished or from another time.
    fn records(&mut self, each: &mut dyn FnMut(&Record)) -> Result<(), Self::Error>;

    /// Appends `record`. If that takes a new beginning, the records `keep` are all that is kept of the old ones.
    fn append(&mut self, record: &Record, keep: &[Record]) -> Result<(), Self::Error>;
}

/// A store failed. Its driver's own log tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFailed;

impl fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the license storage failed")
    }
}

impl core::error::Error for StoreFailed {}

/// Opens sealed documents: an X25519 key for each request, HKDF-SHA-256 and ChaCha20-Poly1305 (RFC 7748, 5869, 8439).
pub trait Unsealer {
    /// A new key pair, in place of the one before: its public key. `None` if that is not possible now.
    fn renew(&mut self) -> Option<[u8; 32]>;

    /// Decrypts what was sealed for the last [`Unsealer::renew`], whose key pair is forgotten by that. `sealed` is ciphertext
    /// and tag; the text takes its place, and its length is returned. `None` if it was not made for that key pair, or with
    /// other values.
    fn open(&mut self, seal: &Seal<'_>, sealed: &mut [u8]) -> Option<usize>;
}

/// What a document was sealed with.
#[derive(Clone, Copy, Debug)]
pub struct Seal<'a> {
    /// The other side's ephemeral public key.
    pub ephemeral: &'a [u8; 32],
    /// Salt of the key derivation.
    pub salt: &'a [u8; 16],
    /// Info of the key derivation.
    pub info: &'a [u8],
    /// The initialization vector.
    pub iv: &'a [u8; 12],
    /// What is authenticated besides.
    pub associated: &'a [u8],
}

/// The secrets of a device (levels L2 and L3 of the license specification).
pub trait DeviceKey {
    /// The public key.
    fn public_key(&self) -> [u8; 32];

    /// Signs the pieces of a message (Ed25519, RFC 8032).
    fn sign(&self, message: &[&[u8]]) -> [u8; 64];

    /// A secret for check values of records, derived from a hardware key or kept beside the signing key.
    fn record_secret(&self) -> [u8; 32];

    /// A counter in hardware that only goes up; `None` on a device without one (L2).
    fn counter(&self) -> Option<u64> {
        None
    }

    /// Counts up by one.
    fn advance(&mut self) {}
}
