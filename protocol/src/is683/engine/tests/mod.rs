//! The session: the harness, the one-button order, and what a commit leaves. The rest by subject.
use super::*;
use crate::is683::packet_data::{MobileIpCapability, SimpleIpCapability};
use crate::is683::prl::{Prl, PrlFormat};
use crate::is683::{Esn, HardwareId, Message, Spc};
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

mod blocks;
mod faults;
mod keys;
mod lists;
mod locks;
mod states;

/// A phone in RAM.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a test double")]
#[derive(Clone, Debug, PartialEq)]
struct Handset {
    blocks: BTreeMap<(u8, u8), Vec<u8>>,
    prl: Option<(PrlFormat, Vec<u8>)>,
    spc: String,
    failures: u8,
    nam_lock: bool,
    allow_spc_change: bool,
    broken: bool,
    spasm: bool,
    otapa_enabled: bool,
    key_exchange: bool,
    /// What [`Phone::random`] gives.
    random: Vec<u8>,
    a_key: Option<String>,
    capability: Capability,
    commits: usize,
}

impl Handset {
    fn new() -> Self {
        let simple_ip = SimpleIpCapability {
            max_num_nai: 2,
            max_nai_length: 72,
            max_ss_length: 16,
            auth_algorithm: 0x80,
        };
        let mobile_ip =
            MobileIpCapability { max_num_nai: 2, max_nai_length: 72, mn_aaa: (16, 0x80), mn_ha: (16, 0x80) };
        Self {
            blocks: BTreeMap::new(),
            prl: None,
            spc: "000000".to_string(),
            failures: 0,
            nam_lock: false,
            allow_spc_change: true,
            broken: false,
            spasm: false,
            otapa_enabled: true,
            key_exchange: false,
            random: Vec::new(),
            a_key: None,
            capability: Capability {
                firmware_rev: 0x0102,
                model: 42,
                band_mode: 0x60,
                max_prl_size: 8192,
                extended_prl: true,
                max_sid_nid: 20,
                scm: 0x6A,
                mob_p_rev: 6,
                hardware: HardwareId::Esn(Esn(0x8016_B128)),
                packet_data: Some(PacketDataCapability { simple_ip, mobile_ip }),
                carried: Carried::NONE,
            },
            commits: 0,
        }
    }

    fn locked(spc: &str) -> Self {
        Self { spc: spc.to_string(), ..Self::new() }
    }

    fn block(&self, family: u8, id: u8, out: &mut [u8]) -> Option<usize> {
        let data = self.blocks.get(&(family, id))?;
        out[..data.len()].copy_from_slice(data);
        Some(data.len())
    }
}

impl Phone for Handset {
    fn spc(&self) -> Spc {
        Spc::new(&self.spc).unwrap()
    }

    fn spc_failures(&self) -> u8 {
        self.failures
    }

    fn set_spc_failures(&mut self, failures: u8) -> Result<(), StoreFailed> {
        if self.broken {
            return Err(StoreFailed);
        }
        self.failures = failures;
        Ok(())
    }

    fn nam_block(&self, id: u8, out: &mut [u8]) -> Option<usize> {
        self.block(0, id, out)
    }

    fn packet_data_block(&self, id: u8, out: &mut [u8]) -> Option<usize> {
        self.block(1, id, out)
    }

    fn carried_block(&self, shelf: Shelf, id: u8, out: &mut [u8]) -> Option<usize> {
        self.block(shelf.number(), id, out)
    }

    fn prl(&self) -> PrlInfo {
        let header = self.prl.as_ref().map(|(format, bytes)| Prl::parse(*format, bytes).unwrap().header());
        header.map_or(PrlInfo::NONE, PrlInfo::from)
    }

    fn read_prl(&self, offset: u16, out: &mut [u8]) -> usize {
        let Some((_, list)) = &self.prl else { return 0 };
        let rest = &list[usize::from(offset)..];
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        n
    }

    fn capability(&self) -> Capability {
        self.capability
    }

    fn allow_spc_change(&self) -> bool {
        self.allow_spc_change
    }

    fn power(&self) -> Option<Power> {
        self.key_exchange.then_some(keys::power as Power)
    }

    fn random(&mut self, out: &mut [u8]) {
        out.iter_mut().zip(&self.random).for_each(|(to, from)| *to = *from);
    }

    fn otapa_enabled(&self) -> bool {
        self.otapa_enabled
    }

    fn has_spasm(&self) -> bool {
        self.spasm
    }

    fn otapa_challenge(&mut self) -> Option<u32> {
        self.nam_lock.then_some(0xDEAD_BEEF)
    }

    fn check_auth_otapa(&self, rand_otapa: u32, auth_otapa: u32) -> bool {
        (rand_otapa, auth_otapa) == (0xDEAD_BEEF, 0x2_ABCD)
    }

    fn commit(&mut self, staged: &Staged<'_>) -> Result<(), StoreFailed> {
        if self.broken {
            return Err(StoreFailed);
        }
        for (shelf, block) in staged.blocks() {
            assert_eq!(staged.block(shelf, block.id), Some(block.data));
            self.blocks.insert((shelf.number(), block.id), block.data.to_vec());
        }
        if let Some((info, bytes)) = staged.prl() {
            self.prl = Some((info.format(), bytes.to_vec()));
        }
        if let Some(spc) = staged.spc() {
            self.spc = spc.digits().iter().map(u8::to_string).collect();
        }
        if let Some(key) = staged.a_key() {
            self.a_key = Some(to_hex(key.octets()));
        }
        self.nam_lock = staged.nam_lock().unwrap_or(self.nam_lock);
        self.commits += 1;
        Ok(())
    }
}

/// A handset with its engine; messages in hex, as the fact sheet prints them.
struct Session {
    engine: Engine<256>,
    phone: Handset,
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, b| format!("{text}{b:02x}"))
}

impl Session {
    fn new(phone: Handset) -> Self {
        Self { engine: Engine::new(), phone }
    }

    fn network_initiated(phone: Handset) -> Self {
        let mut session = Self::new(phone);
        session.engine.begin(Mode::NetworkInitiated);
        session
    }

    fn try_send(&mut self, hex: &str) -> Result<String, EngineError> {
        let mut out = [0xEE; MAX_MESSAGE];
        let response = self.engine.handle(&mut self.phone, &unhex(hex), &mut out)?;
        let packet = Packet::new_checked(Direction::Reverse, response).unwrap();
        Message::parse(&packet).unwrap_or_else(|e| panic!("{hex} answered with {response:02x?}: {e}"));
        Ok(to_hex(response))
    }

    fn send(&mut self, hex: &str) -> String {
        self.try_send(hex).unwrap_or_else(|e| panic!("{hex}: {e}"))
    }

    /// Sends requests and compares the answers; spaces are for the reader.
    fn expect(&mut self, exchanges: &[(&str, &str)]) {
        for (request, response) in exchanges {
            let response = response.replace(' ', "");
            assert_eq!(self.send(request), response, "answer to {request}");
        }
    }
}

const NAM: &str = "0101001123640ac068e36f00c4721dc04815ffff8000";
const NAM_MDN_IMSI: &str = "0103020d03471b78062390ee0240affffc0106a55512345670030703440b7806239000";
const PRL_WHOLE: &str = "08001601000012001200008000400121000280005000006edb00";
const PRL_FIRST: &str = "08000e0000000a0012000080004001210000";
const PRL_LAST: &str = "08000c01000a080280005000006edb00";
/// The list of TS.48 as printed: PREF_ONLY was cleared without a new check value.
const PRL_BAD_CRC: &str = "08001601000012001200000000400121000280005000006edb00";

#[test]
fn one_button_order() {
    let mut session = Session::new(Handset::new());
    session.expect(&[
        ("06", "06 0102 2a 06 0002 0201 0203 0301 0401 0603 01 60"),
        (NAM, "01010000"),
        (NAM_MDN_IMSI, "0103020001000300"),
        (PRL_FIRST, "08000000000a"),
        (PRL_LAST, "080000000a08"),
    ]);
    let progress = session.engine.progress();
    assert!(progress.nam_staged && progress.mdn_staged && progress.imsi_staged && progress.prl_staged);
    assert_eq!((progress.prl_received, progress.committed), (18, false));
    assert_eq!(session.phone, Handset::new(), "nothing is stored before the commit");
    session.expect(&[("05", "0500")]);
    assert!(session.engine.committed());
    assert_eq!(session.phone.blocks.len(), 4);
    assert_eq!(session.phone.blocks[&(0, 0)], unhex("23640ac068e36f00c4721dc04815ffff80"));
    assert_eq!(session.phone.prl.as_ref().unwrap().1.len(), 18);
    let after = session.phone.clone();
    session.expect(&[("05", "0500")]);
    assert_eq!(session.phone, after, "a repeated commit stores nothing twice");
}

#[test]
fn a_failed_commit_changes_nothing_and_may_be_repeated() {
    let mut session = Session::new(Handset::new());
    session.send(NAM);
    session.send(PRL_WHOLE);
    session.phone.broken = true;
    let before = session.phone.clone();
    session.expect(&[("05", "0501"), ("05", "0501")]);
    assert_eq!((session.phone.clone(), session.engine.committed()), (before, false));
    session.phone.broken = false;
    session.expect(&[("05", "0500")]);
    assert_eq!((session.phone.blocks.len(), session.phone.commits, session.engine.committed()), (1, 1, true));
}

#[test]
fn a_session_without_commit_leaves_nothing() {
    let mut session = Session::new(Handset::new());
    session.send(NAM);
    session.send(PRL_WHOLE);
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[("05", "0500")]);
    assert_eq!((session.phone, session.engine.committed()), (Handset::new(), false));
}

#[test]
fn what_cannot_be_answered_is_an_error_and_changes_nothing() {
    let mut session = Session::new(Handset::new());
    let mut out = [0; MAX_MESSAGE];
    let unreadable = |kind, at| EngineError::Unreadable(Error::new(kind, at));
    for (request, error) in [
        (vec![], unreadable(ErrorKind::Truncated, 0)),
        (vec![0x1A], unreadable(ErrorKind::Unsupported, 0)),
        (vec![0x10], unreadable(ErrorKind::Unsupported, 0)),
        (unhex("01010011"), unreadable(ErrorKind::Truncated, 4)),
        (unhex("0500"), unreadable(ErrorKind::Trailing, 1)),
        (vec![0; MAX_MESSAGE + 1], unreadable(ErrorKind::LimitExceeded, MAX_MESSAGE)),
        (unhex("0401020304"), EngineError::Unanswerable(MsgType::RE_AUTHENTICATE)),
    ] {
        let result = session.engine.handle(&mut session.phone, &request, &mut out).map(<[u8]>::to_vec);
        assert_eq!(result, Err(error), "{request:02x?}");
    }
    let small =
        session.engine.handle(&mut session.phone, &unhex(NAM), &mut out[..MIN_OUTPUT - 1]).map(<[u8]>::len);
    assert_eq!(small, Err(EngineError::NoRoom { needed: MIN_OUTPUT }));
    assert!(!session.engine.progress().nam_staged);
    // The longest answer to a request of one message: 255 results fit the smallest buffer.
    let mut many = vec![0x0E, 255];
    (0..255).for_each(|_| many.extend([0x80, 0]));
    many.push(0);
    let answer = session.engine.handle(&mut session.phone, &many, &mut out[..MIN_OUTPUT]).unwrap();
    assert_eq!(answer.len(), MIN_OUTPUT);
}

#[test]
fn a_configuration_that_does_not_fit_is_refused_whole() {
    let mut session = Session::new(Handset::new());
    session.send(NAM);
    session.send("05");
    let mut request = vec![0, 255];
    request.resize(257, 0);
    let mut out = [0; 4096];
    let answer = session.engine.handle(&mut session.phone, &request, &mut out).map(<[u8]>::len);
    assert_eq!(answer, Err(EngineError::NoRoom { needed: MAX_MESSAGE }));
}
