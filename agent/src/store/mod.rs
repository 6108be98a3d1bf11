//! What the agent keeps across restarts: typed records on a [`BankLog`], changed in transactions.
//!
//! Staged data lives in RAM with whoever stages it (the IS-683 engine, the MMC objects); nothing is in flash before the
//! commit, and one commit of the log makes everything permanent together.
//!
//! | key | record | form |
//! |---|---|---|
//! | 0 | [`Meta`] | CBOR |
//! | 1 | [`Activation`] | CBOR |
//! | 2 | [`Resume`]: the session that was running | CBOR |
//! | 3 | [`Consent`]: how the user answered about the update that waits | CBOR |
//! | 4..=7 | [`Report`]: the outbox, results to be reported exactly once | CBOR |
//! | 8 | service programming code | 3 octets, IS-683 form |
//! | 9 | count of wrong service programming codes | 1 octet |
//! | 10 | preferred roaming list | IS-683 form |
//! | 11 | [`Prl`]: what that list is | CBOR |
//! | 12 | [`Fetch`]: the package that is being downloaded | CBOR |
//! | 16..=39 | IS-683 parameter blocks: message family and block id, then PARAM_DATA | octets |
//! | 40..=79 | MMC objects by their place in the object table | octets |
//! | 80 | the management tree's image | [`kedge_protocol::dm::Nodes`] |
//! | 81 | [`Operation`]: what the firmware update object does | CBOR |
//! | 82 | [`Wish`]: the management session to hold | CBOR |
//! | 83 | settings came that may hold the accounts of management servers | empty |
//! | 84..=87 | [`Alert`]: events that servers are still to be told | CBOR |
//! | 88 | [`Software`]: what the software component object does | CBOR |
//! | 89 | the user is still to be told that the settings which he wanted are in use | empty |
//! | 90 | the factory's documents of bootstrap are still to be processed | empty |
//! | 91 | which document of bootstrap the smart card brought last, as an MD5 digest | 16 octets |
//! | 128 | [`Pending`]: the provisioning document that waits for the user | CBOR |
//! | 129 | that document | as it came |
//! | 130 | [`Enrolment`]: the feature that is being activated | CBOR |
//! | 131..=135 | the NAI of each feature that is activated; empty: the usual one | text |
//! | 136 | [`Contexts`]: whose settings are where | CBOR |
//! | 137..=159 | settings: objects of client provisioning | [`kedge_protocol::cp::Object`] |
//! | 160 | the user dialled a star code, and the push that follows has not done its work yet | empty |
//! | 161 | home system tag | octets |
//! | 162, 163 | A-key of each number assignment | 8 octets |
//! | 164, 165 | IMSI for eHRPD of each number assignment | octets |
//! | 166 | [`Nams`]: which number assignment is used | CBOR |
//! | 167 | [`LastSession`]: how the last IOTA session ended | CBOR |
//! | 168..=175 | [`Past`]: the last IS-683 commits | CBOR |
//! | 176..=179 | NAM blocks of the second number assignment | octets |
//! | 180..=183 | MMSS blocks | octets |
//! | 192 | configuration of the license's server ([`kedge_protocol::license::Configuration`]) | as it came |
//! | 193 | keys that license documents have added or taken away ([`crate::license::Trust`]) | octets |
//! | 194 | nonce of the license request that was exported | 16 octets |

mod blocks;
mod contexts;
mod history;
mod management;
mod records;
mod settings;

use core::fmt;

pub(crate) use blocks::block_key;
pub use blocks::{BLOCKS, Nam, Nams, SYSTEM_TAG, a_key, block, nam, nam_blocks};
pub use contexts::{Contexts, Source};
pub(crate) use history::history_key;
pub use history::{HISTORY, LastSession, PAST, Past, history};
use kedge_platform::flash::{NorFlash, Region};
use kedge_platform::identity::HardwareId;
use kedge_update_agent::banklog::{BankLog, Change, LogError, Mounted};
pub use management::{ALERTS, Alert, Operation, Software, Wish};
pub use records::{Activation, Consent, Enrolment, Fetch, Meta, Pending, Prl, Record, Report, Resume};
pub use settings::{StoredSettings, settings};

use crate::limits;

/// Number of records the log has room for.
pub const KEYS: usize = 196;

/// Records of fixed meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Key {
    /// [`Meta`].
    Meta = 0,
    /// [`Activation`].
    Activation = 1,
    /// [`Resume`].
    Resume = 2,
    /// [`Consent`].
    Consent = 3,
    /// The service programming code.
    Spc = 8,
    /// How many wrong service programming codes were tried.
    SpcFailures = 9,
    /// The preferred roaming list.
    Prl = 10,
    /// [`Prl`].
    PrlInfo = 11,
    /// [`Fetch`].
    Fetch = 12,
    /// The management tree's image.
    Tree = 80,
    /// [`Operation`].
    Operation = 81,
    /// [`Wish`].
    Wish = 82,
    /// Accounts of management servers are to be looked for among the settings.
    NewAccounts = 83,
    /// [`Software`].
    Software = 88,
    /// The user is still to be told that settings are in use.
    Untold = 89,
    /// The factory's documents of bootstrap are still to be processed.
    FactoryBootstrap = 90,
    /// Which document of bootstrap the smart card brought last.
    Card = 91,
    /// [`Pending`].
    Pending = 128,
    /// The provisioning document that waits.
    PendingDocument = 129,
    /// [`Enrolment`].
    Enrolment = 130,
    /// [`Contexts`].
    Contexts = 136,
    /// The user dialled a star code.
    Dialled = 160,
    /// [`Nams`].
    Nams = 166,
    /// [`LastSession`].
    LastSession = 167,
    /// The configuration of the license's server.
    LicenseConfiguration = 192,
    /// Keys that license documents have added or taken away.
    LicenseTrust = 193,
    /// The nonce of the license request that was exported.
    LicenseNonce = 194,
}

/// Keys of the outbox, oldest first use.
pub const OUTBOX: core::ops::RangeInclusive<u8> = 4..=7;
/// First key of the MMC objects.
pub const OBJECTS: u8 = 40;
/// Keys of the settings of client provisioning.
pub const SETTINGS: core::ops::RangeInclusive<u8> = 137..=159;
/// Keys of the NAIs of features, in the order of [`crate::feature::Feature::ALL`].
pub const FEATURE_NAIS: core::ops::RangeInclusive<u8> = 131..=135;

/// The version of the records; a store of a later version is not touched.
pub const SCHEMA: u16 = 1;

/// Why the store could not be opened, read or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError<E> {
    /// The log below.
    Log(LogError<E>),
    /// A record reads well but does not mean anything: its key.
    BadRecord(u8),
    /// The records were written by a later version of this software.
    LaterSchema(u16),
}

impl<E> From<LogError<E>> for StoreError<E> {
    fn from(e: LogError<E>) -> Self {
        Self::Log(e)
    }
}

impl<E: fmt::Debug> fmt::Display for StoreError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(e) => write!(f, "store: {e}"),
            Self::BadRecord(key) => write!(f, "store: record {key} has no meaning"),
            Self::LaterSchema(v) => write!(f, "store: written by a later version (schema {v})"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for StoreError<E> {}

/// What opening the store found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Nothing: a new device, or one whose storage was replaced.
    New,
    /// Records of this device.
    Own,
    /// Records of this device; the last commit had been interrupted and now counts wholly or not at all.
    Recovered,
    /// Records bound to another hardware identity (cloned storage): activation, license, A-keys and everything pending
    /// count as unknown and were removed; settings stay.
    Foreign,
}

/// The agent's records.
#[derive(Clone, Debug)]
pub struct Store {
    log: BankLog<KEYS>,
}

impl Store {
    /// Opens the store in `region` for the device `id`.
    pub fn open<F: NorFlash>(
        flash: &mut F,
        region: Region,
        id: HardwareId,
    ) -> Result<(Self, Opened), StoreError<F::Error>> {
        let (log, mounted) = BankLog::mount(flash, region)?;
        let mut store = Self { log };
        let binding = Meta::binding_of(id);
        let mut buf = [0; limits::RECORD];
        let opened = match store.get::<Meta, F>(flash, &mut buf)? {
            Some(meta) if meta.schema > SCHEMA => return Err(StoreError::LaterSchema(meta.schema)),
            Some(meta) if meta.binding == binding => {
                if mounted == Mounted::Recovered {
                    Opened::Recovered
                } else {
                    Opened::Own
                }
            }
            Some(_) => {
                store.adopt(flash, binding)?;
                Opened::Foreign
            }
            None => {
                store.adopt(flash, binding)?;
                Opened::New
            }
        };
        Ok((store, opened))
    }

    /// Opens the store in `region` to look at it, whatever device it is bound to; `None` if there is none.
    pub fn look<F: NorFlash>(flash: &mut F, region: Region) -> Result<Option<Self>, StoreError<F::Error>> {
        let (log, _) = BankLog::mount(flash, region)?;
        Ok(log.len(Key::Meta as u8).map(|_| Self { log }))
    }

    /// Gives up a store whose flash is damaged ([`LogError::DamagedBank`]): every record is lost, factory settings count.
    /// Whether that is better than a device that is not managed, the device maker decides.
    pub fn format<F: NorFlash>(flash: &mut F, region: Region) -> Result<(), StoreError<F::Error>> {
        BankLog::<KEYS>::format(flash, region)?;
        Ok(())
    }

    /// Binds the store to a device and drops what must not travel to another one.
    fn adopt<F: NorFlash>(&mut self, flash: &mut F, binding: [u8; 8]) -> Result<(), StoreError<F::Error>> {
        let mut buf = [0; 32];
        let meta = Meta { schema: SCHEMA, binding };
        let value = meta.to_octets(&mut buf).ok_or(StoreError::BadRecord(Key::Meta as u8))?;
        let mut changes = heapless::Vec::<Change<'_>, 40>::new();
        let mut add = |change| changes.push(change).unwrap_or_default();
        add(Change::put(Key::Meta as u8, value));
        let foreign = [
            Key::Activation,
            Key::Resume,
            Key::Consent,
            Key::Fetch,
            Key::Pending,
            Key::PendingDocument,
            Key::Enrolment,
            Key::Dialled,
            Key::Tree,
            Key::Operation,
            Key::Wish,
            Key::NewAccounts,
            Key::Software,
            Key::Untold,
            Key::FactoryBootstrap,
            Key::Card,
            Key::LicenseConfiguration,
            Key::LicenseTrust,
            Key::LicenseNonce,
        ];
        for key in foreign {
            add(Change::remove(key as u8));
        }
        for key in OUTBOX.chain(FEATURE_NAIS).chain(ALERTS).chain(Nam::ALL.map(Nam::a_key)) {
            add(Change::remove(key));
        }
        self.commit(flash, &changes)
    }

    /// The record of type `R`, `None` if there is none. It borrows from `buf`.
    pub fn get<'b, R: Record<'b>, F: NorFlash>(
        &self,
        flash: &mut F,
        buf: &'b mut [u8],
    ) -> Result<Option<R>, StoreError<F::Error>> {
        self.get_at(flash, R::KEY, buf)
    }

    /// The record of type `R` at a key of its range (the outbox has several).
    pub fn get_at<'b, R: Record<'b>, F: NorFlash>(
        &self,
        flash: &mut F,
        key: u8,
        buf: &'b mut [u8],
    ) -> Result<Option<R>, StoreError<F::Error>> {
        match self.log.read(flash, key, buf)? {
            None => Ok(None),
            Some(bytes) => R::from_octets(bytes).map(Some).ok_or(StoreError::BadRecord(key)),
        }
    }

    /// The octets of record `key`, `None` if there is none.
    pub fn bytes<'b, F: NorFlash>(
        &self,
        flash: &mut F,
        key: u8,
        buf: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, StoreError<F::Error>> {
        Ok(self.log.read(flash, key, buf)?)
    }

    /// Octets of record `key` from `offset` on; returns how many there were, 0 also if they could not be read.
    pub fn part<F: NorFlash>(&self, flash: &mut F, key: u8, offset: usize, out: &mut [u8]) -> usize {
        self.log.read_part(flash, key, offset, out).unwrap_or(0)
    }

    /// The length of record `key` in octets, `None` if there is none.
    pub fn len(&self, key: u8) -> Option<usize> {
        self.log.len(key)
    }

    /// Whether there is no record at all.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// A key of the outbox that is free.
    pub fn free_report(&self) -> Option<u8> {
        OUTBOX.into_iter().find(|key| self.len(*key).is_none())
    }

    /// The first key of the outbox that holds a report.
    pub fn next_report(&self) -> Option<u8> {
        OUTBOX.into_iter().find(|key| self.len(*key).is_some())
    }

    /// A place for an alert that is free.
    pub fn free_alert(&self) -> Option<u8> {
        ALERTS.into_iter().find(|key| self.len(*key).is_none())
    }

    /// Makes all `changes` at once, or none.
    pub fn commit<F: NorFlash>(
        &mut self,
        flash: &mut F,
        changes: &[Change<'_>],
    ) -> Result<(), StoreError<F::Error>> {
        Ok(self.log.commit(flash, changes)?)
    }

    /// Replaces one record.
    pub fn put<'b, R: Record<'b>, F: NorFlash>(
        &mut self,
        flash: &mut F,
        record: &R,
    ) -> Result<(), StoreError<F::Error>> {
        self.put_in(flash, record, &mut [0; limits::RECORD])
    }

    /// The same for a record that may be larger than [`limits::RECORD`]; its octets are made in `buf`.
    pub fn put_in<'b, R: Record<'b>, F: NorFlash>(
        &mut self,
        flash: &mut F,
        record: &R,
        buf: &mut [u8],
    ) -> Result<(), StoreError<F::Error>> {
        let value = record.to_octets(buf).ok_or(StoreError::BadRecord(R::KEY))?;
        self.commit(flash, &[Change::put(R::KEY, value)])
    }

    /// Sets one record of octets.
    pub fn put_octets<F: NorFlash>(
        &mut self,
        flash: &mut F,
        key: u8,
        octets: &[u8],
    ) -> Result<(), StoreError<F::Error>> {
        self.commit(flash, &[Change::put(key, octets)])
    }

    /// Removes one record, if it is there.
    pub fn remove<F: NorFlash>(&mut self, flash: &mut F, key: u8) -> Result<(), StoreError<F::Error>> {
        if self.len(key).is_none() { Ok(()) } else { self.commit(flash, &[Change::remove(key)]) }
    }
}
