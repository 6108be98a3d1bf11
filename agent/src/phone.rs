//! The store as the IS-683 engine sees it.

use core::cell::RefCell;

use kedge_platform::entropy::Entropy;
use kedge_platform::flash::NorFlash;
use kedge_protocol::is683::engine::{Capability, Mode, Phone, Power, PrlInfo, Shelf, Staged, StoreFailed};
use kedge_protocol::is683::sspr::Records;
use kedge_protocol::is683::{Esn, Family, HardwareId, Meid, PrlId, Spc};
use kedge_update_agent::banklog::Change;

use crate::config::Security;
use crate::store::{Activation, HISTORY, Key, Nams, PAST, Past, Prl, Record as _, Store, block_key};
use crate::trigger::Kind;

/// The committed settings, and the way to commit new ones, for the time of one message.
pub(crate) struct StoredPhone<'s, F> {
    store: &'s mut Store,
    /// The engine reads through `&self`; the flash driver wants `&mut`.
    flash: RefCell<&'s mut F>,
    entropy: &'s mut dyn Entropy,
    capability: Capability,
    terms: Terms<'s>,
}

/// What the phone was given once and for all, and the session it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'s> {
    pub(crate) factory_spc: &'s Spc,
    pub(crate) security: Security<'s>,
    pub(crate) session: Programming,
}

/// The session in which the settings are programmed, for what is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Programming {
    /// Who began it.
    pub(crate) mode: Mode,
    /// Why it is held; `None`: over the legacy bearer.
    pub(crate) kind: Option<Kind>,
}

impl<'s, F: NorFlash> StoredPhone<'s, F> {
    pub(crate) fn new(
        store: &'s mut Store,
        flash: &'s mut F,
        entropy: &'s mut dyn Entropy,
        capability: Capability,
        terms: Terms<'s>,
    ) -> Self {
        Self { store, flash: RefCell::new(flash), entropy, capability, terms }
    }

    /// Which number assignment is used. What cannot be read counts as protected: nobody gets past a record that is broken.
    fn nams(&self) -> Nams {
        let unreadable = Nams { second: false, locked: u8::MAX, otapa_off: true };
        let Ok(mut flash) = self.flash.try_borrow_mut() else { return unreadable };
        Nams::load(self.store, &mut **flash).unwrap_or(unreadable)
    }

    fn block(&self, shelf: impl Into<Shelf>, id: u8, out: &mut [u8]) -> Option<usize> {
        self.read(block_key(self.nams().active(), shelf, id)?, out).map(<[u8]>::len)
    }

    /// The number of the last commit in the history.
    fn last_commit(&self) -> u32 {
        let mut buf = [0; PAST];
        HISTORY.fold(0, |last, key| {
            let past = self.read(key, &mut buf).and_then(Past::from_octets).map_or(0, |past| past.number);
            last.max(past)
        })
    }

    fn read<'o>(&self, key: u8, out: &'o mut [u8]) -> Option<&'o [u8]> {
        let mut flash = self.flash.try_borrow_mut().ok()?;
        self.store.bytes(&mut **flash, key, out).ok()?
    }
}

/// Most records that a commit changes: every block of one number assignment, its A-key and its protection, the roaming list and
/// what it is, the service programming code, the activation and the history.
const MOST_CHANGES: usize = 38;

impl<F: NorFlash> Phone for StoredPhone<'_, F> {
    fn spc(&self) -> Spc {
        let stored =
            self.read(Key::Spc as u8, &mut [0; 6]).and_then(|digits| <[u8; 6]>::try_from(digits).ok());
        stored.and_then(Spc::from_digits).unwrap_or_else(|| self.terms.factory_spc.clone())
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
        self.block(Family::Nam, id, out)
    }

    fn packet_data_block(&self, id: u8, out: &mut [u8]) -> Option<usize> {
        self.block(Family::PacketData, id, out)
    }

    fn carried_block(&self, shelf: Shelf, id: u8, out: &mut [u8]) -> Option<usize> {
        self.block(shelf, id, out)
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

    fn power(&self) -> Option<Power> {
        self.terms.security.power
    }

    fn random(&mut self, out: &mut [u8]) {
        self.entropy.fill(out);
    }

    fn otapa_enabled(&self) -> bool {
        !self.nams().otapa_off
    }

    fn has_spasm(&self) -> bool {
        self.terms.security.auth_otapa.is_some()
    }

    fn otapa_challenge(&mut self) -> Option<u32> {
        self.nams().is_locked().then(|| {
            let mut challenge = [0; 4];
            self.entropy.fill(&mut challenge);
            u32::from_be_bytes(challenge)
        })
    }

    fn check_auth_otapa(&self, rand_otapa: u32, auth_otapa: u32) -> bool {
        self.terms.security.auth_otapa.and_then(|own| own.auth_otapa(rand_otapa)) == Some(auth_otapa)
    }

    fn commit(&mut self, staged: &Staged<'_>) -> Result<(), StoreFailed> {
        let (mut activation, mut prl, mut protection) = ([0; 24], [0; 32], [0; 16]);
        let nams = Nams::load(self.store, &mut **self.flash.get_mut()).map_err(|_| StoreFailed)?;
        let silent = self.terms.session.mode == Mode::NetworkInitiated;
        let progress =
            Activation { committed: true, confirmed: false, registered: false, silent: Some(silent) };
        let number = self.last_commit().saturating_add(1);
        let (mut keys, mut past) = (heapless::Vec::<u8, MOST_CHANGES>::new(), [0; PAST]);
        let mut changes = heapless::Vec::<Change<'_>, MOST_CHANGES>::new();
        let mut add = |change| changes.push(change).map_err(|_| StoreFailed);
        for (shelf, block) in staged.blocks() {
            let key = block_key(nams.active(), shelf, block.id).ok_or(StoreFailed)?;
            add(Change::put(key, block.data))?;
            keys.push(key).map_err(|_| StoreFailed)?;
        }
        if let Some((info, octets)) = staged.prl() {
            let record = prl_record(&info).to_octets(&mut prl).ok_or(StoreFailed)?;
            add(Change::put(Key::PrlInfo as u8, record))?;
            add(Change::put(Key::Prl as u8, octets))?;
        }
        if let Some(spc) = staged.spc() {
            add(Change::put(Key::Spc as u8, spc.digits()))?;
        }
        if let Some(key) = staged.a_key() {
            add(Change::put(nams.active().a_key(), key.octets()))?;
        }
        if let Some(lock) = staged.nam_lock() {
            let record = nams.with_lock(lock).to_octets(&mut protection).ok_or(StoreFailed)?;
            add(Change::put(Key::Nams as u8, record))?;
        }
        let record = Past {
            number,
            kind: self.terms.session.kind.map(|kind| kind as u8),
            silent,
            keys: &keys,
            prl: staged.prl().map(|(info, _)| info.id.0),
            spc: staged.spc().is_some(),
            nam_lock: staged.nam_lock(),
            a_key: staged.a_key().map(|_| true),
        };
        let record = record.to_octets(&mut past).ok_or(StoreFailed)?;
        add(Change::put(crate::store::history_key(number), record))?;
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
