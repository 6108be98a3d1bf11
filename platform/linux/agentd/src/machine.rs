//! The ports of a Linux machine, put together as the agent wants them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use kedge_agent::runner::{Board, Ports};
use kedge_platform::flash::{ErrorType, NorFlash, ReadNorFlash, Region};
use kedge_platform::power::{Power, Restart};
use kedge_platform::radio::{Radio, RadioError};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_linux::clock::SystemClock;
use kedge_platform_linux::entropy::SystemEntropy;
use kedge_platform_linux::http::HttpClient;
use kedge_platform_linux::identity::MachineIdentity;
use kedge_platform_linux::nor::{Error, FileNor, SECTOR, Sync};
use kedge_update_agent::{Layout, Mode};

use crate::config::Config;
use crate::service::User;
use crate::watch::Shared;

/// Octets of the update journal: two banks, far more than a record, so that each sector is seldom erased.
const JOURNAL: u32 = 8 * SECTOR;
/// Octets of the store: two banks, each with room for every object at its limit, a roaming list of 16 KiB, and a commit.
const STORE: u32 = 32 * SECTOR;
/// Three sectors that stand for slots and package on a machine whose firmware is not updated: packages do not fit.
const NO_UPDATE: u32 = 3 * SECTOR;

/// How long the files may still be another's at the start.
const LET_GO: Duration = Duration::from_secs(1);

/// The types of the ports.
#[derive(Debug)]
pub(crate) struct Machine;

impl Board for Machine {
    type Flash = Guarded;
    type Crypto = SoftCrypto;
    type Identity = MachineIdentity;
    type Entropy = SystemEntropy;
    type Clock = SystemClock;
    type Http = HttpClient;
    type Radio = Network;
    type Ui = User;
    type Power = Restarts;
}

/// Where everything lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlashMap {
    pub(crate) update: Layout,
    pub(crate) store: Region,
}

/// Opens the files, and makes those that are missing. Where another process has them, it is given a moment: a service that
/// was killed while it called a hook leaves a process that is about to let them go.
pub(crate) fn open(config: &Config, shared: &Shared) -> anyhow::Result<(Guarded, FlashMap)> {
    let until = Instant::now() + LET_GO;
    loop {
        match open_now(config, shared) {
            Err(error) if error.downcast_ref() == Some(&Error::InUse) && Instant::now() < until => {
                std::thread::sleep(LET_GO / 20);
            }
            opened => return opened,
        }
    }
}

fn open_now(config: &Config, shared: &Shared) -> anyhow::Result<(Guarded, FlashMap)> {
    let mut nor = FileNor::new();
    let state_file = config.directory.join("state");
    let state = nor
        .add_file(&state_file, JOURNAL + STORE + NO_UPDATE, Sync::AtOnce)
        .with_context(|| format!("state file {}", state_file.display()))?;
    let store = Region::new(state.start + JOURNAL, STORE);
    let sector = |n: u32| Region::new(store.end() + n * SECTOR, SECTOR);
    let journal = Region::new(state.start, JOURNAL);
    let update = match &config.update {
        None => {
            Layout { image: sector(0), mode: Mode::Slot { standby: sector(1) }, package: sector(2), journal }
        }
        Some(update) => {
            let package_file = config.directory.join("package");
            let package = nor
                .add_file(&package_file, update.package, Sync::InOrder)
                .with_context(|| format!("package file {}", package_file.display()))?;
            let mut slot = |path: &Path| {
                nor.add_existing(path, Sync::InOrder).with_context(|| format!("slot {}", path.display()))
            };
            let (image, standby) = (slot(&update.slots[0].1)?, slot(&update.slots[1].1)?);
            Layout { image, mode: Mode::Slot { standby }, package, journal }
        }
    };
    Ok((Guarded { nor, shared: shared.clone() }, FlashMap { update, store }))
}

/// The ports, with the flash that was opened.
pub(crate) fn ports(config: &Config, flash: Guarded, user: User) -> anyhow::Result<Ports<Machine>> {
    Ok(Ports {
        flash,
        crypto: SoftCrypto,
        identity: config.identity.clone(),
        entropy: SystemEntropy::open()?,
        clock: SystemClock::new(),
        http: client(config),
        radio: Network,
        ui: user,
        power: Restarts,
    })
}

/// A client without connections.
pub(crate) fn client(config: &Config) -> HttpClient {
    HttpClient::new(config.http.clone())
}

/// The files, changed only while the gate is held.
#[derive(Debug)]
pub(crate) struct Guarded {
    nor: FileNor,
    shared: Shared,
}

impl Guarded {
    /// After trouble: whatever the files hold counts.
    pub(crate) fn take_up(&mut self) {
        self.nor.take_up();
    }
}

impl ErrorType for Guarded {
    type Error = Error;
}

impl ReadNorFlash for Guarded {
    const READ_SIZE: usize = FileNor::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        self.nor.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.nor.capacity()
    }
}

impl NorFlash for Guarded {
    const WRITE_SIZE: usize = FileNor::WRITE_SIZE;
    const ERASE_SIZE: usize = FileNor::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        let _gate = self.shared.gate();
        self.nor.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        let _gate = self.shared.gate();
        self.nor.write(offset, bytes)
    }
}

/// The machine is on the network by other means; what the network assigned is in the store, for a modem's own driver.
#[derive(Debug)]
pub(crate) struct Network;

impl Radio for Network {
    fn open_data_call(&mut self, _: &str) -> Result<(), RadioError> {
        Ok(())
    }

    fn close_data_call(&mut self) {}

    fn register(&mut self, _: &[u8], _: &[u8]) -> Result<(), RadioError> {
        Ok(())
    }
}

/// The service begins anew from the flash, which takes the place of a restart; the machine is restarted where the boot loader
/// has to act.
#[derive(Debug)]
pub(crate) struct Restarts;

impl Power for Restarts {
    fn restart(&mut self, _: Restart) {}
}
