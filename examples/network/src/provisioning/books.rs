//! What the server knows of accounts, devices and documents, and keeps in its [`Ledger`].
//!
//! Everything is held in memory too: a request changes it there, and the changes are committed in one batch before the answer
//! goes out. If that fails, the books are read again, and the request has not happened. Fields are numbered: a server reads
//! the books of older ones.

use std::io;

use minicbor::{Decode, Encode};

use super::decide::{Asked, Decision, Policy};
use super::ledger::{Ledger, Table};
use super::rows::Rows;

/// Seconds of a day, and of the year in which moves are counted.
pub(super) const DAY: u64 = 86_400;
pub(super) const YEAR: u64 = 365 * DAY;

/// An account.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Account {
    /// It has paid.
    #[n(0)]
    pub paid: bool,
    /// End of its trial, once it had one.
    #[n(1)]
    pub trial_end: Option<u64>,
    /// The device that its license is on.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub device: Option<Vec<u8>>,
    /// When it was moved.
    #[n(3)]
    pub moves: Vec<u64>,
    /// Nothing is issued to it.
    #[n(4)]
    pub blocked: bool,
    /// Its license is taken away at the next contact.
    #[n(5)]
    pub withdrawn: bool,
    /// A document behind the payment was issued.
    #[n(6)]
    pub paid_told: bool,
    /// Salt and hash of its password; `None`: nobody can sign in.
    #[n(7)]
    #[cbor(with = "minicbor::bytes")]
    pub password: Option<Vec<u8>>,
    /// The money was given back: said once, in the next document.
    #[n(8)]
    pub refunded: bool,
}

/// A device.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct Device {
    /// The account it was activated for.
    #[n(0)]
    pub account: Option<String>,
    /// It had its trial.
    #[n(1)]
    pub trial_used: bool,
    /// The greatest serial that it reported to have installed: one that was only issued may have been lost on its way.
    #[n(2)]
    pub installed: (u64, u64),
    /// The greatest boot count it told since it last came without a license.
    #[n(3)]
    pub boots: u64,
    /// When it came without a license although it had installed one.
    #[n(4)]
    pub losses: Vec<u64>,
    /// How often it showed an older license, or an older boot count, than it should have.
    #[n(5)]
    pub suspicions: u32,
    /// Nothing is issued to it.
    #[n(6)]
    pub blocked: bool,
    /// As it calls itself.
    #[n(7)]
    pub model: String,
    /// When it asked last.
    #[n(8)]
    pub seen: u64,
    /// A document of client provisioning that waits for it: media type and octets.
    #[n(9)]
    pub settings: Option<Settings>,
}

/// A document of another protocol that answers a device's next refresh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Settings {
    /// Its media type.
    #[n(0)]
    pub media_type: String,
    /// Its octets.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub body: Vec<u8>,
}

/// A document that was issued.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct Issued {
    /// For this device.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub ueid: Vec<u8>,
    /// With this serial.
    #[n(1)]
    pub serial: (u64, u64),
    /// To this account.
    #[n(2)]
    pub account: String,
    /// 0 none, 1 trial, 2 full.
    #[n(3)]
    pub state: u64,
    /// Why: the numbers of section 5.
    #[n(4)]
    pub reason: u64,
    /// When.
    #[n(5)]
    pub at: u64,
    /// Until when; `None`: for good.
    #[n(6)]
    pub expires: Option<u64>,
    /// How often the device reported to have installed it.
    #[n(7)]
    pub reports: u32,
}

/// How far the server's counters are.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct Counters {
    /// Serials are `(epoch, seq)`.
    #[n(0)]
    pub(super) epoch: u64,
    #[n(1)]
    pub(super) seq: u64,
    /// Codes that were handed out.
    #[n(2)]
    pub(super) codes: u64,
}

/// A device's public key.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct DeviceKey {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(super) public: Vec<u8>,
}

/// Accounts by name, devices by identity, documents by id, keys by name.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) policy: Policy,
    ledger: Box<dyn Ledger>,
    pub(super) counters: Rows<Counters>,
    pub(super) accounts: Rows<Account>,
    pub(super) devices: Rows<Device>,
    pub(super) documents: Rows<Issued>,
    pub(super) keys: Rows<DeviceKey>,
}

/// The key of the one row of counters.
const THE_ROW: &[u8] = b"";

impl Books {
    /// Reads the books. New ones begin with `epoch`.
    pub(super) fn open(policy: Policy, ledger: Box<dyn Ledger>, epoch: u64) -> io::Result<Self> {
        let mut books = Self {
            counters: Rows::load(Table::Counters, &*ledger)?,
            accounts: Rows::load(Table::Accounts, &*ledger)?,
            devices: Rows::load(Table::Devices, &*ledger)?,
            documents: Rows::load(Table::Documents, &*ledger)?,
            keys: Rows::load(Table::Keys, &*ledger)?,
            policy,
            ledger,
        };
        if books.counters.get(THE_ROW).is_none() {
            books.counters().epoch = epoch;
            books.commit()?;
        }
        Ok(books)
    }

    /// Makes all changes permanent; if that fails, there were none.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        let Self { counters, accounts, devices, documents, keys, .. } = self;
        let changes: Vec<_> = counters
            .changes()
            .chain(accounts.changes())
            .chain(devices.changes())
            .chain(documents.changes())
            .chain(keys.changes())
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.ledger.commit(&changes) {
            self.read_again()?;
            return Err(error);
        }
        counters.settle();
        accounts.settle();
        devices.settle();
        documents.settle();
        keys.settle();
        Ok(())
    }

    fn read_again(&mut self) -> io::Result<()> {
        self.counters = Rows::load(Table::Counters, &*self.ledger)?;
        self.accounts = Rows::load(Table::Accounts, &*self.ledger)?;
        self.devices = Rows::load(Table::Devices, &*self.ledger)?;
        self.documents = Rows::load(Table::Documents, &*self.ledger)?;
        self.keys = Rows::load(Table::Keys, &*self.ledger)?;
        Ok(())
    }

    pub(super) fn counters(&mut self) -> &mut Counters {
        self.counters.edit(THE_ROW)
    }

    pub(super) fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.get(name.as_bytes())
    }

    /// The decision about a device's request, written down; `told` is the account that the user has named meanwhile, `again`
    /// says that the same request was decided before.
    pub(super) fn decide(&mut self, asked: &Asked, told: Option<&str>, again: bool, now: u64) -> Decision {
        let known = self.devices.get(&asked.ueid);
        let is_known = known.is_some();
        let mut device = known.cloned().unwrap_or_default();
        let name = told.map(str::to_owned).or_else(|| device.account.clone());
        let mut account = name.as_deref().and_then(|name| self.account(name)).cloned().unwrap_or_default();
        let owner = name.as_deref().map(|name| (name, &mut account));
        let decision = self.policy.decide(asked, &mut device, owner, again, now);
        // whoever gets nothing leaves no row
        let issues = matches!(decision, Decision::Issue(_));
        if issues || is_known {
            *self.devices.edit(&asked.ueid) = device;
        }
        if let Some(name) = name.filter(|_| issues) {
            *self.accounts.edit(name.as_bytes()) = account;
        }
        decision
    }
}
