//! What the engine asks of the phone: what is stored, what it can do, and one commit that is all or nothing.
use super::key_exchange::{AKey, Power};
use crate::is683::packet_data::{MobileIpCapability, SimpleIpCapability};
use crate::is683::prl::{PrlFormat, PrlHeader};
use crate::is683::sspr::Records;
use crate::is683::{Block, Esn, Family, HardwareId, PrlId, Spc};

/// The store could not do it; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFailed;

impl core::fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("store failed, nothing changed")
    }
}

impl core::error::Error for StoreFailed {}

/// What is stored, and the commit; implemented by the agent's store.
pub trait Phone {
    /// The committed service programming code.
    fn spc(&self) -> Spc;

    /// Wrong codes since the last right one.
    fn spc_failures(&self) -> u8;

    /// Keeps the number of wrong codes; it survives restarts.
    fn set_spc_failures(&mut self, failures: u8) -> Result<(), StoreFailed>;

    /// PARAM_DATA of a NAM block in its download form as it is committed, written into `out` (255 octets).
    fn nam_block(&self, id: u8, out: &mut [u8]) -> Option<usize>;

    /// PARAM_DATA of a 3GPD block by its download number as it is committed. Never asked for shared secrets.
    fn packet_data_block(&self, _id: u8, _out: &mut [u8]) -> Option<usize> {
        None
    }

    /// PARAM_DATA of a block that is kept as octets (see [`Carried`]), by its download number, as it is committed.
    fn carried_block(&self, _shelf: Shelf, _id: u8, _out: &mut [u8]) -> Option<usize> {
        None
    }

    /// The committed roaming list.
    fn prl(&self) -> PrlInfo;

    /// Octets of the committed roaming list from `offset` on; how many were written into `out`.
    fn read_prl(&self, offset: u16, out: &mut [u8]) -> usize;

    /// What the device is and can do.
    fn capability(&self) -> Capability;

    /// Whether the local user lets the network change the service programming code.
    fn allow_spc_change(&self) -> bool;

    /// The arithmetic of the A-key exchange; a device without answers its messages with [`super::NO_KEY_EXCHANGE`] and does
    /// not advertise it.
    fn power(&self) -> Option<Power> {
        None
    }

    /// Random octets, fit for keys; only asked where there is [`Phone::power`].
    fn random(&mut self, _out: &mut [u8]) {}

    /// Whether the network may begin sessions by itself (OTAPA); the local user decides.
    fn otapa_enabled(&self) -> bool {
        true
    }

    /// Whether SPASM works here: the device holds a key and computes AUTH_OTAPA (the CAVE algorithm is not public).
    fn has_spasm(&self) -> bool {
        false
    }

    /// A fresh RAND_OTAPA if SPASM protects the active NAM (NAM_LOCK is set), `None` if it does not. A device that can no
    /// longer check the answer gives one too.
    fn otapa_challenge(&mut self) -> Option<u32> {
        None
    }

    /// Whether `auth_otapa` (18 bits) is the right answer to `rand_otapa`.
    fn check_auth_otapa(&self, _rand_otapa: u32, _auth_otapa: u32) -> bool {
        false
    }

    /// Makes everything staged permanent, or nothing of it, also when the power fails on the way.
    fn commit(&mut self, staged: &Staged<'_>) -> Result<(), StoreFailed>;
}

/// What the device is and can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// MOB_FIRM_REV.
    pub firmware_rev: u16,
    /// MOB_MODEL.
    pub model: u8,
    /// BAND_MODE_CAP: from the top bit BC0 analog, BC0, BC1, BC3, BC6 CDMA.
    pub band_mode: u8,
    /// MAX_PR_LIST_SIZE; the engine's own buffer may allow less.
    pub max_prl_size: u16,
    /// Whether extended roaming lists are understood.
    pub extended_prl: bool,
    /// MAX_SID_NID; at most [`crate::is683::nam::MAX_PAIRS`] are used.
    pub max_sid_nid: u8,
    /// Station class mark; bit 5 says slotted mode.
    pub scm: u8,
    /// MOB_P_REV.
    pub mob_p_rev: u8,
    /// ESN or MEID.
    pub hardware: HardwareId,
    /// Limits of packet data; `None` for a device without.
    pub packet_data: Option<PacketDataCapability>,
    /// What is kept as octets.
    pub carried: Carried,
}

impl Capability {
    /// A phone without anything special, to start from; its hardware is electronic serial number 0.
    pub const PLAIN: Self = Self {
        firmware_rev: 0,
        model: 0,
        band_mode: 0,
        max_prl_size: 0,
        extended_prl: false,
        max_sid_nid: 1,
        scm: 0,
        mob_p_rev: 6,
        hardware: HardwareId::Esn(Esn(0)),
        packet_data: None,
        carried: Carried::NONE,
    };
}

/// Of what the device keeps blocks as octets: no public source describes them, so that nothing in them can be checked, and
/// what is reported back is what was downloaded. What is not kept is answered 0x07 and not advertised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent families")]
pub struct Carried {
    /// Preferred user zones. The last block of each number is kept; whether zones are inserted or deleted by it is for the
    /// device's other software to know.
    pub puzl: bool,
    /// Multimedia domain.
    pub mmd: bool,
    /// Multimedia messaging; its addresses have a known layout, which is not judged here either.
    pub mms: bool,
    /// Multimode system selection, whose message numbers are assumed.
    pub mmss: bool,
    /// The IMSI for eHRPD, a NAM block whose number is assumed.
    pub ehrpd: bool,
    /// The home system tag. Tag lists come in segments of unknown layout, and are not kept.
    pub system_tag: bool,
}

impl Carried {
    /// Nothing.
    pub const NONE: Self =
        Self { puzl: false, mmd: false, mms: false, mmss: false, ehrpd: false, system_tag: false };
    /// All of it.
    pub const ALL: Self =
        Self { puzl: true, mmd: true, mms: true, mmss: true, ehrpd: true, system_tag: true };

    /// Whether blocks of a family are kept.
    pub(super) const fn holds(self, shelf: Shelf) -> bool {
        match shelf {
            Shelf::Family(Family::Mmd) => self.mmd,
            Shelf::Family(Family::Mms) => self.mms,
            Shelf::Family(Family::Mmss) => self.mmss,
            // Of the NAM, one block; the others are understood.
            Shelf::Family(Family::Nam) => self.ehrpd,
            Shelf::Family(Family::PacketData) => false,
            Shelf::Puzl => self.puzl,
            Shelf::SystemTag => self.system_tag,
        }
    }
}

/// Where a block is kept: a family of messages, or one of the two kinds of blocks whose messages have layouts of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// NAM, 3GPD, MMD, MMS, MMSS.
    Family(Family),
    /// Preferred user zones.
    Puzl,
    /// System tags.
    SystemTag,
}

impl Shelf {
    pub(super) const ALL: [Self; 7] = [
        Self::Family(Family::Nam),
        Self::Family(Family::PacketData),
        Self::Family(Family::Mmd),
        Self::Family(Family::Mms),
        Self::Family(Family::Mmss),
        Self::Puzl,
        Self::SystemTag,
    ];

    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Family(Family::Nam) => 0,
            Self::Family(Family::PacketData) => 1,
            Self::Family(Family::Mmd) => 2,
            Self::Family(Family::Mms) => 3,
            Self::Puzl => 4,
            Self::SystemTag => 5,
            Self::Family(Family::Mmss) => 6,
        }
    }
}

impl From<Family> for Shelf {
    fn from(family: Family) -> Self {
        Self::Family(family)
    }
}

/// Limits of the packet data profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketDataCapability {
    /// SimpleIP.
    pub simple_ip: SimpleIpCapability,
    /// MobileIP.
    pub mobile_ip: MobileIpCapability,
}

/// What a stored roaming list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrlInfo {
    /// Octets; 0 means there is none.
    pub size: u16,
    /// PR_LIST_ID.
    pub id: PrlId,
    /// Format and record counts.
    pub records: Records,
}

impl PrlInfo {
    /// No list.
    pub const NONE: Self =
        Self { size: 0, id: PrlId(0), records: Records::Classic { acquisition: 0, system: 0 } };

    /// The list's format.
    pub const fn format(&self) -> PrlFormat {
        match self.records {
            Records::Classic { .. } => PrlFormat::Classic,
            Records::Extended { .. } => PrlFormat::Extended,
        }
    }
}

impl From<PrlHeader> for PrlInfo {
    fn from(header: PrlHeader) -> Self {
        let (acquisition, system) = (header.num_acq_recs, header.num_sys_recs);
        let records = match header.format {
            PrlFormat::Classic => Records::Classic { acquisition, system },
            PrlFormat::Extended => Records::Extended { acquisition, subnet: header.num_subnet_recs, system },
        };
        Self { size: header.size, id: header.id, records }
    }
}

/// Everything a session has staged, for the commit.
#[derive(Debug)]
pub struct Staged<'a> {
    pub(super) blocks: &'a super::stage::Stage,
    pub(super) prl: Option<(PrlInfo, &'a [u8])>,
    pub(super) spc: Option<&'a Spc>,
    pub(super) nam_lock: Option<bool>,
    pub(super) a_key: Option<&'a AKey>,
}

impl<'a> Staged<'a> {
    /// The blocks, by shelf and download number; each at most once. NAM blocks are in download form.
    pub fn blocks(&self) -> impl Iterator<Item = (Shelf, Block<'a>)> + use<'a> {
        self.blocks.iter()
    }

    /// PARAM_DATA of one block.
    pub fn block(&self, shelf: impl Into<Shelf>, id: u8) -> Option<&'a [u8]> {
        let shelf = shelf.into();
        self.blocks().find(|(s, block)| *s == shelf && block.id == id).map(|(_, block)| block.data)
    }

    /// The roaming list, checked as a whole.
    pub const fn prl(&self) -> Option<(PrlInfo, &'a [u8])> {
        self.prl
    }

    /// The new service programming code.
    pub const fn spc(&self) -> Option<&'a Spc> {
        self.spc
    }

    /// The new NAM_LOCK.
    pub const fn nam_lock(&self) -> Option<bool> {
        self.nam_lock
    }

    /// The new A-key.
    pub const fn a_key(&self) -> Option<&'a AKey> {
        self.a_key
    }
}
