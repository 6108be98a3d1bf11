//! Where things are on the flash, by the partition table that lies there, and which of the two slots runs.
//!
//! | partition | type | for |
//! |---|---|---|
//! | `ota_0`, `ota_1` | app | the slots |
//! | `otadata` | data, ota | the boot loader's decision |
//! | `package` | data | the update as it comes in |
//! | `journal` | data | the update agent's journal |
//! | `store` | data | the agent's records |
//!
//! The boot loader is ESP-IDF's, with `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`: without it a new image has no trial.

use core::fmt;

use esp_bootloader_esp_idf::partitions::{
    AppPartitionSubType, PartitionEntry, PartitionType, read_partition_table,
};
use kedge_platform::flash::Region;
use kedge_update_agent::handover::otadata::OtaData;
use kedge_update_agent::{Layout, Mode, Slot};

use crate::flash::Flash;

/// Octets of the largest partition table.
const TABLE: usize = 0xC00;
/// Slots of the table.
const SLOTS: u8 = 2;

/// What is wrong with the partition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// There is none that can be read.
    Unreadable,
    /// This partition is missing.
    Missing(&'static str),
    /// What runs lies in neither slot.
    RunsElsewhere,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("no partition table"),
            Self::Missing(name) => write!(f, "no partition {name}"),
            Self::RunsElsewhere => f.write_str("what runs lies in neither ota_0 nor ota_1"),
        }
    }
}

impl core::error::Error for TableError {}

/// Where everything is, and which slot runs.
#[derive(Clone, Copy, Debug)]
pub struct Map {
    /// For the update agent.
    pub update: Layout,
    /// For the agent's store.
    pub store: Region,
    /// The slot that runs.
    pub runs: Slot,
    otadata: Region,
}

impl Map {
    /// Reads the table.
    pub fn read(flash: &mut Flash) -> Result<Self, TableError> {
        let mut octets = [0; TABLE];
        let table = read_partition_table(flash.driver(), &mut octets).map_err(|_| TableError::Unreadable)?;
        let region = |entry: PartitionEntry| Region::new(entry.offset(), entry.len());
        let named = |name: &'static str| {
            let found = table.iter().find(|entry| entry.label_as_str() == name);
            found.map(region).ok_or(TableError::Missing(name))
        };
        let runs = match table.booted_partition() {
            Ok(Some(entry)) => match entry.partition_type() {
                PartitionType::App(AppPartitionSubType::Ota0) => Slot::First,
                PartitionType::App(AppPartitionSubType::Ota1) => Slot::Second,
                _ => return Err(TableError::RunsElsewhere),
            },
            _ => return Err(TableError::RunsElsewhere),
        };
        let update = Layout {
            image: named("ota_0")?,
            mode: Mode::Slot { standby: named("ota_1")? },
            package: named("package")?,
            journal: named("journal")?,
        };
        Ok(Self { update, store: named("store")?, runs, otadata: named("otadata")? })
    }

    /// The boot loader, told of the slot that does not run according to the journal.
    pub const fn loader(&self, active: Slot) -> OtaData {
        let target = match active {
            Slot::First => 1,
            Slot::Second => 0,
        };
        OtaData { partition: self.otadata, slots: SLOTS, target }
    }
}
