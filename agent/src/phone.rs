//! The store as the IS-683 engine sees it.

use core::cell::RefCell;

use kedge_platform::flash::NorFlash;
use kedge_protocol::is683::engine::{Capability, Mode, Phone, PrlInfo, Shelf, Staged, StoreFailed};
use kedge_protocol::is683::sspr::Records;
use kedge_protocol::is683::{Esn, Family, HardwareId, Meid, PrlId, Spc};
use kedge_update_agent::banklog::Change;

use crate::store::{Activation, BLOCKS, Key, Prl, Record as _, Store};

/// The committed settings, and the way to commit new ones, for the time of one message.
pub(crate) struct StoredPhone<'s, F> {
    store: &'s mut Store,
    /// The engine reads through `&self`; the flash driver wants `&mut`.
    flash: RefCell<&'s mut F>,
    capability: Capability,
    factory_spc: Spc,
    mode: Mode,
}

impl<'s, F: NorFlash> StoredPhone<'s, F> {
    pub(crate) fn new(
        store: &'s mut Store,
        flash: &'s mut F,
        capability: Capability,
        (factory_spc, mode): (&Spc, Mode),
    ) -> Self {
        Self { store, flash: RefCell::new(flash), capability, factory_spc: factory_spc.clone(), mode }
    }

    fn read<'o>(&self, key: u8, out: &'o mut [u8]) -> Option<&'o [u8]> {
        let mut flash = self.flash.try_borrow_mut().ok()?;
        self.store.bytes(&mut **flash, key, out).ok()?
    }
}

/// The key of a parameter block; `None` if blocks of that kind are not kept.
pub(crate) fn block_key(shelf: impl Into<Shelf>, id: u8) -> Option<u8> {
    let place = match (shelf.into(), id) {
        (Shelf::Family(Family::Nam), 0..=3) => id,
        (Shelf::Family(Family::PacketData), 0..=12) => id.checked_add(4)?,
        (Shelf::Family(Family::Mmd), 0) => 17,
        (Shelf::Family(Family::Mms), 0) => 18,
        (Shelf::Puzl, 0..=3) => id.checked_add(19)?,
        (Shelf::SystemTag, 0) => 23,
        _ => return None,
    };
    BLOCKS.checked_add(place)
}

impl<F: NorFlash> Phone for StoredPhone<'_, F> {
    fn spc(&self) -> Spc {
        let stored =
            self.read(Key::Spc as u8, &mut [0; 6]).and_then(|digits| <[u8; 6]>::try_from(digits).ok());
        stored.and_then(Spc::from_digits).unwrap_or_else(|| self.factory_spc.clone())
    }

    fn spc_failures(&self) -> u8 {
        self.read(Key::SpcFailures as u8, &mut [0]).and_then(<[u8]>::first).copied().unwrap_or(0)
    }

    fn set_spc_failures(&mut self, failures: u8) -> Result<(), StoreFailed> {
        let flash = self.flash.get_mut();
        self.store
            .commit(&mut **flash, &[Change::put(Key::SpcFailures as u8, &[failures])])
            .map_err(|_| StoreFailed)
    }

    fn nam_block(&self, id: u8, out: &mut [u8]) -> Option<usize> {
        self.read(block_key(Family::Nam, id)?, out).map(<[u8]>::len)
    }

    fn packet_data_block(&self, id: u8, out: &mut [u8]) -> Option<usize> {
        self.read(block_key(Family::PacketData, id)?, out).map(<[u8]>::len)
    }

    fn carried_block(&self, shelf: Shelf, id: u8, out: &mut [u8]) -> Option<usize> {
        self.read(block_key(shelf, id)?, out).map(<[u8]>::len)
    }

    fn prl(&self) -> PrlInfo {
        let mut buf = [0; 32];
        let stored = self.read(Key::PrlInfo as u8, &mut buf).and_then(Prl::from_octets);
        stored.map_or(PrlInfo::NONE, |prl| {
            let (acquisition, system) = (prl.acquisition, prl.system);
            let records = match prl.subnet {
                None => Records::Classic { acquisition, system },
                Some(subnet) => Records::Extended { acquisition, subnet, system },
            };
            PrlInfo { size: prl.size, id: PrlId(prl.id), records }
        })
    }

    fn read_prl(&self, offset: u16, out: &mut [u8]) -> usize {
        let Ok(mut flash) = self.flash.try_borrow_mut() else { return 0 };
        self.store.part(&mut **flash, Key::Prl as u8, usize::from(offset), out)
    }

    fn capability(&self) -> Capability {
        self.capability
    }

    fn allow_spc_change(&self) -> bool {
        // The user is not asked: a server that has unlocked the phone may lock it anew.
        true
    }

    fn commit(&mut self, staged: &Staged<'_>) -> Result<(), StoreFailed> {
        let (mut activation, mut prl) = ([0; 24], [0; 32]);
        let silent = Some(self.mode == Mode::NetworkInitiated);
        let progress = Activation { committed: true, confirmed: false, registered: false, silent };
        let mut changes = heapless::Vec::<Change<'_>, 24>::new();
        let mut add = |change| changes.push(change).map_err(|_| StoreFailed);
        for (shelf, block) in staged.blocks() {
            add(Change::put(block_key(shelf, block.id).ok_or(StoreFailed)?, block.data))?;
        }
        if let Some((info, octets)) = staged.prl() {
            let record = prl_record(&info).to_octets(&mut prl).ok_or(StoreFailed)?;
            add(Change::put(Key::PrlInfo as u8, record))?;
            add(Change::put(Key::Prl as u8, octets))?;
        }
        if let Some(spc) = staged.spc() {
            add(Change::put(Key::Spc as u8, spc.digits()))?;
        }
        add(Change::put(Key::Activation as u8, progress.to_octets(&mut activation).ok_or(StoreFailed)?))?;
        self.store.commit(&mut **self.flash.get_mut(), &changes).map_err(|_| StoreFailed)
    }
}

const fn prl_record(info: &PrlInfo) -> Prl {
    let (acquisition, system, subnet) = match info.records {
        Records::Classic { acquisition, system } => (acquisition, system, None),
        Records::Extended { acquisition, subnet, system } => (acquisition, system, Some(subnet)),
    };
    Prl { id: info.id.0, size: info.size, acquisition, system, subnet }
}

/// The identity as IS-683 has it.
pub(crate) const fn hardware_id(id: kedge_platform::identity::HardwareId) -> HardwareId {
    match id {
        kedge_platform::identity::HardwareId::Esn(esn) => HardwareId::Esn(Esn(esn)),
        kedge_platform::identity::HardwareId::Meid(meid) => HardwareId::Meid(Meid(meid)),
    }
}
