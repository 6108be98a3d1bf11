//! The configuration of a device.

use core::ffi::c_char;

use kedge_agent::config::{Config, Pri};
use kedge_platform::flash::Region;
use kedge_protocol::is683::engine::{Capability, Carried};
use kedge_update_agent::{Device, Key, Layout, Mode};

use crate::boot::Room;
use crate::status::KedgeStatus;
use crate::text::{octets, table, text};

/// Most keys that may sign packages.
pub const KEDGE_MAX_KEYS: usize = 8;

/// Most factory settings.
pub const KEDGE_MAX_SETTINGS: usize = 32;

/// A part of the flash: whole sectors.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeRegion {
    /// Offset of its first octet.
    pub start: u32,
    /// Its octets.
    pub len: u32,
    /// The sector size in it; 0: that of the flash port.
    pub sector: u32,
}

impl From<KedgeRegion> for Region {
    fn from(region: KedgeRegion) -> Self {
        Self { start: region.start, len: region.len, sector: region.sector }
    }
}

/// A key that may sign packages.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeKey {
    /// Its name in the packages.
    pub id: *const u8,
    /// Octets of the name.
    pub id_len: usize,
    /// The Ed25519 public key.
    pub public_key: [u8; 32],
}

/// A factory setting: the value of an object.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeSetting {
    /// The name: `iota/boot-url`, `iota/boot-nai` and `iota/trusted-domain` are needed for activation, `x/kedge/fota-url` for
    /// updates.
    pub name: *const c_char,
    /// The value.
    pub value: *const c_char,
}

/// Where everything is in flash, and what updates are measured against. All regions are whole sectors and none overlap.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeUpdateConfig {
    /// The firmware image; with two slots the first of them.
    pub image: KedgeRegion,
    /// Whether there is one slot, rewritten in place; else there are two.
    pub in_place: bool,
    /// In place the scratch area, at least one block of the packages; else the second slot.
    pub other: KedgeRegion,
    /// The package, as it is received.
    pub package: KedgeRegion,
    /// The update journal: an even number of sectors.
    pub journal: KedgeRegion,
    /// The product that packages must name.
    pub product: *const c_char,
    /// The least security counter taken.
    pub security_counter: u32,
    /// Whose packages are taken.
    pub keys: *const KedgeKey,
    /// How many keys there are; at most `KEDGE_MAX_KEYS`.
    pub key_count: usize,
    /// How many starts a new image gets to be confirmed.
    pub trial_attempts: u8,
}

/// What the phone reports of itself by IS-683.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeCapability {
    /// MOB_FIRM_REV.
    pub firmware_rev: u16,
    /// MOB_MODEL.
    pub model: u8,
    /// BAND_MODE_CAP.
    pub band_mode: u8,
    /// MAX_PR_LIST_SIZE; at most `KEDGE_PRL_ROOM`.
    pub max_prl_size: u16,
    /// Whether extended roaming lists are understood.
    pub extended_prl: bool,
    /// MAX_SID_NID.
    pub max_sid_nid: u8,
    /// Station class mark.
    pub scm: u8,
    /// MOB_P_REV.
    pub mob_p_rev: u8,
    /// Whether blocks that no public source describes are kept as octets, for the device's other software.
    pub keeps_unknown_blocks: bool,
}

impl From<KedgeCapability> for Capability {
    fn from(c: KedgeCapability) -> Self {
        Self {
            firmware_rev: c.firmware_rev,
            model: c.model,
            band_mode: c.band_mode,
            max_prl_size: c.max_prl_size,
            extended_prl: c.extended_prl,
            max_sid_nid: c.max_sid_nid,
            scm: c.scm,
            mob_p_rev: c.mob_p_rev,
            carried: if c.keeps_unknown_blocks { Carried::ALL } else { Carried::NONE },
            ..Self::PLAIN
        }
    }
}

/// The configuration of a device. Texts and tables must stay where they are while the agent lives.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeConfig {
    /// Where the store is: two banks of whole sectors.
    pub store: KedgeRegion,
    /// Updates.
    pub update: KedgeUpdateConfig,
    /// Factory settings.
    pub settings: *const KedgeSetting,
    /// How many there are; at most `KEDGE_MAX_SETTINGS`.
    pub setting_count: usize,
    /// The service programming code: six digits, not ended by a zero; `000000` leaves the phone unlocked.
    pub spc: [u8; 6],
    /// IS-683.
    pub capability: KedgeCapability,
}

/// The tables of a configuration in the agent's own form.
#[derive(Debug)]
pub(crate) struct Tables {
    keys: heapless::Vec<Key<'static>, KEDGE_MAX_KEYS>,
    settings: heapless::Vec<(&'static str, &'static str), KEDGE_MAX_SETTINGS>,
    product: &'static str,
}

impl Tables {
    /// # Safety
    /// Texts and tables of `config` are what [`KedgeConfig`] says, for as long as the result is used.
    pub(crate) unsafe fn read(config: &KedgeConfig) -> Result<Self, KedgeStatus> {
        // SAFETY: as the caller promises.
        let mut tables = unsafe { Self::of_update(&config.update) }?;
        // SAFETY: as the caller promises.
        let settings = unsafe { table(config.settings, config.setting_count) }.ok_or(KedgeStatus::Pointer)?;
        for setting in settings {
            // SAFETY: as the caller promises.
            let (name, value) = unsafe { (text(setting.name), text(setting.value)) };
            let (Some(name), Some(value)) = (name, value) else { return Err(KedgeStatus::Text) };
            tables.settings.push((name, value)).map_err(|_| KedgeStatus::TooMany)?;
        }
        Ok(tables)
    }

    /// What a boot stage needs.
    ///
    /// # Safety
    /// As for [`Tables::read`].
    pub(crate) unsafe fn of_update(config: &KedgeUpdateConfig) -> Result<Self, KedgeStatus> {
        // SAFETY: as the caller promises.
        let product = unsafe { text(config.product) }.ok_or(KedgeStatus::Text)?;
        // SAFETY: as the caller promises.
        let given = unsafe { table(config.keys, config.key_count) }.ok_or(KedgeStatus::Pointer)?;
        let mut keys = heapless::Vec::new();
        for key in given {
            // SAFETY: as the caller promises.
            let id = unsafe { octets(key.id, key.id_len) }.ok_or(KedgeStatus::Pointer)?;
            keys.push(Key { id, public: key.public_key }).map_err(|_| KedgeStatus::TooMany)?;
        }
        Ok(Self { keys, settings: heapless::Vec::new(), product })
    }

    /// The agent's configuration, from the configuration these tables were read from.
    pub(crate) fn config(&'static self, config: &KedgeConfig, version: &'static str) -> Config<'static> {
        Config {
            store: config.store.into(),
            update: layout(&config.update),
            device: self.device(&config.update, Some(version)),
            pri: Pri { objects: &self.settings, spc: config.spc },
            capability: config.capability.into(),
            objects: &[],
        }
    }

    /// What packages are measured against, with the memory that `kedge_boot` is lent.
    pub(crate) fn device(&self, config: &KedgeUpdateConfig, version: Option<&'static str>) -> Device<'_> {
        Device {
            product: self.product,
            version,
            security_counter: config.security_counter,
            keys: &self.keys,
            trial_attempts: config.trial_attempts,
            memory: Room::MEMORY,
        }
    }
}

pub(crate) fn layout(config: &KedgeUpdateConfig) -> Layout {
    let other = config.other.into();
    Layout {
        image: config.image.into(),
        mode: if config.in_place { Mode::InPlace { scratch: other } } else { Mode::Slot { standby: other } },
        package: config.package.into(),
        journal: config.journal.into(),
    }
}
