//! The session: the one-button order, the lock, segments, what a failed commit leaves, and every state against every
//! message type.
use super::*;
use crate::is683::packet_data::{MobileIpCapability, SimpleIpCapability};
use crate::is683::prl::{Prl, PrlFormat};
use crate::is683::{Esn, HardwareId, Meid, Message, Spc};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

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
fn blocks_that_nobody_describes_are_carried_and_reported() {
    let mut session = Session::new(Handset::new());
    session.phone.capability.carried = Carried::ALL;
    // MMD, MMS, two user zone blocks, the home system tag; then what is not kept: unknown numbers, tag lists.
    for (request, response) in [
        ("120100 03 aabbcc 00", "1201 0000"),
        ("1701 00 09 1007687474703a2f2f 00", "1701 0000"),
        ("0c02 00 02 1234 03 01 56 00", "0c02 00 00 00 03 00 00"),
        ("1400 07 004548454c4c4f", "1400 00"),
        ("1201 01 00 00", "1201 01 07"),
        ("0c01 07 00 00", "0c01 07 07 00"),
        ("1401 06 00 0000 02 1234", "1401 07 0000 02"),
    ] {
        assert_eq!(session.send(request), response.replace(' ', ""), "{request}");
    }
    assert_eq!(session.phone.commits, 0);
    assert_eq!(session.send("05"), "0500");
    assert_eq!(session.phone.blocks.len(), 5);
    for (request, response) in [
        ("1101 00", "1101 00 03 aabbcc 00 00"),
        ("1601 00", "1601 00 09 1007687474703a2f2f 00 00"),
        ("0b02", "0b02 00 02 1234 00"),
        ("0b01", "0b01 00 01 56 00"),
        ("0b00", "0b00 07 00 00"),
        ("1300", "1300 00 07 004548454c4c4f"),
        ("1302 0000 ff", "1302 07 00"),
    ] {
        assert_eq!(session.send(request), response.replace(' ', ""), "{request}");
    }
    // All of it is advertised: PUZL 2, MMD 1, system tag 1, MMS 1.
    let capability = session.send("06");
    for feature in ["0502", "0801", "0901", "0a01"] {
        assert!(capability.contains(feature), "{capability} lacks {feature}");
    }
}

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
fn configuration_is_read_back_in_its_own_form() {
    let mut session = Session::new(Handset::new());
    for message in [NAM, NAM_MDN_IMSI, "05"] {
        session.send(message);
    }
    session.expect(&[(
        "000400010203",
        "0004001423640acd40c068e36f00c4721dc5004815ffff800106a555123456700210200603471b78062390ee280240affffc0307\
         03440b780623900000000000",
    )]);
    // Unknown block, and a known one that is empty.
    session.phone.blocks.remove(&(0, 1));
    session.expect(&[("00020401", "0002 0400 0100 07 01 00")]);
}

#[test]
fn roaming_list_is_read_back() {
    let mut session = Session::new(Handset::new());
    // No list: current size 0, and the 256 octets this engine holds.
    session.expect(&[("0700", "0700000901000000000000000000"), ("0701000020", "070100040100000000")]);
    session.send(PRL_WHOLE);
    session.send("05");
    session.expect(&[
        ("0700", "0700000901000012000000400100"),
        ("0702", "0702000a01000012000001004001 00"),
        ("070100000a", "0701000e0000000a0012000080004001210000"),
        ("0701000aff", "0701000c01000a080280005000006edb00"),
        ("07010013ff", "0701040000"),
        ("0709", "0709070000"),
    ]);
}

#[test]
fn extended_list_answers_the_classic_question_with_a_format_mismatch() {
    let list = unhex(
        "00810000030001800004000A040164030B0B04016403F50A040A5808190B040A580C970A0231130B0230C871C00200101F0100C8FFFF0\
         0800038E0080000800071E01200101F0100C8FFFF00800038E0180000800071C02200101F0100C8FFFF00808038E0280000808071E0\
         0200101F0100C8FFFF00808038E008000080802B6B",
    );
    let hex = to_hex(&list);
    let download = format!("080185010000 81{hex}00");
    let mut session = Session::new(Handset::new());
    session.expect(&[(&download, "080100000081"), ("05", "0500"), ("0700", "0700230000")]);
    let answer = session.send("0702");
    let packet = unhex(&answer);
    let Reverse::SsprConfigurationResponse { result, block, .. } =
        Reverse::parse(&Packet::new_checked(Direction::Reverse, &packet[..]).unwrap()).unwrap()
    else {
        panic!("{answer}");
    };
    let dimensions = crate::is683::sspr::ExtendedDimensions::parse(block.data, 0).unwrap();
    let records = crate::is683::sspr::Records::Extended { acquisition: 6, subnet: 0, system: 8 };
    assert_eq!(
        (result, dimensions.cur_pr_list_size, dimensions.records),
        (ResultCode::ACCEPTED, 129, records)
    );
    session.phone.capability.extended_prl = false;
    session.expect(&[(&download, "080107000081")]);
}

#[test]
fn lock_opens_with_the_right_code_only() {
    let mut session = Session::new(Handset::locked("123456"));
    session.expect(&[
        (NAM, "0101000a"),
        (PRL_WHOLE, "08000a000012"),
        ("000400010203", "000400000100020003000a0a0a0a00"),
        ("0d0105", "0d0105000a00"),
        ("0700", "07000a0000"),
        ("05", "050a"),
        ("0203", "020a"),
        ("09010103654321", "0901010a"),
        ("09010003999999", "0901000b"),
        ("090200039999990103654321", "0902000b010a"),
        ("09010003123456", "09010000"),
        (NAM, "01010000"),
        ("09010103654321", "09010100"),
        ("05", "0500"),
        // The session stays open under the new code.
        (NAM, "01010000"),
    ]);
    assert_eq!((session.phone.spc.as_str(), session.phone.failures), ("654321", 0));
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[(NAM, "0101000a"), ("09010003123456", "0901000b"), ("09010003654321", "09010000")]);
}

#[test]
fn factory_code_leaves_the_lock_open_until_the_session_ends() {
    let mut session = Session::new(Handset::new());
    session.expect(&[("090200030000000103123456", "090200000100"), ("05", "0500"), (NAM, "01010000")]);
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[(NAM, "0101000a")]);
    session.phone.allow_spc_change = false;
    session.expect(&[("0902 00 03 123456 01 03 000000", "09020000010c")]);
    // In an open session the blocks behind a failed one are refused without a better reason.
    session.send("09010003123456");
    session.expect(&[("0902 01 03 000000 02 03 d579b0", "0902 01 0c 02 01")]);
}

#[test]
fn wrong_codes_shut_the_lock_for_the_session_and_are_remembered() {
    let mut session = Session::new(Handset::locked("123456"));
    for n in 1..=SPC_TRIES {
        session.expect(&[("09010003000000", "0901000b")]);
        assert_eq!(session.phone.failures, n);
    }
    assert!(session.engine.progress().spc_tries_exceeded);
    session.expect(&[("09010003123456", "0901000b"), ("05", "050a")]);
    assert_eq!(session.phone.failures, SPC_TRIES, "what is not tried is not counted");
    // A later session has one try.
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[("09010003000000", "0901000b"), ("09010003123456", "0901000b")]);
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[("09010003123456", "09010000"), (NAM, "01010000")]);
    assert_eq!(session.phone.failures, 0);
    // A digit that is none counts as a wrong code; a wrong size does not.
    session.expect(&[("0901000300000a", "0901000b"), ("090100020000", "09010002")]);
    assert_eq!(session.phone.failures, 1);
}

#[test]
fn a_try_that_cannot_be_counted_is_the_last() {
    let mut session = Session::new(Handset::locked("123456"));
    session.phone.broken = true;
    session.expect(&[("09010003000000", "0901000b"), ("09010003123456", "0901000b")]);
}

#[test]
fn segments_may_be_repeated_but_not_skipped() {
    let mut session = Session::new(Handset::new());
    session.expect(&[
        (PRL_LAST, "080004000a08"),
        (PRL_FIRST, "08000000000a"),
        (PRL_FIRST, "08000000000a"),
        ("05", "0508"),
        (PRL_LAST, "080000000a08"),
        (PRL_LAST, "080000000a08"),
        (PRL_FIRST, "08000000000a"),
        ("05", "0500"),
    ]);
    assert_eq!(session.phone.prl.as_ref().unwrap().1.len(), 18);
    // A hole, and a segment of the wrong size behind the end.
    session.expect(&[
        (PRL_FIRST, "08000000000a"),
        ("08000601000b02abcd00", "080004000b02"),
        (PRL_LAST, "080000000a08"),
        ("08000500 0012 01ff00", "080004001201"),
    ]);
}

#[test]
fn a_changed_block_id_drops_the_list() {
    let mut session = Session::new(Handset::new());
    session.expect(&[
        (PRL_FIRST, "08000000000a"),
        ("08010c01000a080280005000006edb00", "080122000a08"),
        (PRL_LAST, "080004000a08"),
        ("05", "0500"),
    ]);
    assert_eq!(session.phone, Handset::new());
}

#[test]
fn wrong_lists_are_refused_and_dropped() {
    let mut session = Session::new(Handset::new());
    let structure = {
        // A system record that points behind the acquisition table, with a right check value.
        let mut list = unhex("00120000800040012100028000500000");
        list[14] |= 0x08;
        let crc = crate::is683::prl::crc16(&list).to_be_bytes();
        list.extend(crc);
        let hex = to_hex(&list);
        format!("080016010000 12{hex}00")
    };
    session.expect(&[
        (PRL_BAD_CRC, "080009000012"),
        // PR_LIST_SIZE 19 of 18 octets.
        ("08001601000012001300008000400121000280005000006edb00", "080008000012"),
        (&structure, "080004000012"),
        // Longer than this engine's buffer.
        ("08000601 0100 02abcd00", "080008010002"),
        // Segments that contradict their block: SEGMENT_SIZE 9 of 8 octets, and none at all.
        ("08000c01000a090280005000006edb00", "080002000000"),
        ("08000000", "080002000000"),
        ("08020000", "080207000000"),
        ("05", "0500"),
    ]);
    assert_eq!(session.phone, Handset::new());
    assert!(!session.engine.committed());
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
fn blocks_are_judged_one_by_one() {
    let mut session = Session::new(Handset::new());
    session.expect(&[
        ("0102 01 06 a55512345670 07 00 00", "010201000707"),
        ("0101000c23640ac068e36f00c4721dc000", "01010002"),
        ("0101 03 07 0fffffffffffff 00", "01010304"),
        // 21 pairs, and this phone stores 20.
        (&too_many_pairs(), "01010205"),
        ("05", "0500"),
    ]);
    assert_eq!(session.phone.blocks.keys().collect::<Vec<_>>(), [&(0, 1)]);
}

/// A CDMA NAM block with 21 SID/NID pairs.
fn too_many_pairs() -> String {
    let mut block = unhex("03471b78062390ee2a");
    block.resize((71_usize + 31 * 21).div_ceil(8), 0);
    let hex = to_hex(&block);
    format!("010102{:02x}{hex}00", block.len())
}

#[test]
fn packet_data_is_checked_against_the_limits_of_the_device() {
    let download = "0e03000180011710143132333435363738393040727333672e636f6d2010022ccc010133132333435363738393040727333672e6\
                    36f6d800000007fffffffffffffff8c0000000860000025800";
    let mut session = Session::new(Handset::new());
    session.expect(&[(download, "0e03000001000200"), ("05", "0500")]);
    session.expect(&[(
        "0d0105",
        "0d01052ccc010133132333435363738393040727333672e636f6d800000007fffffffffffffff8c000000086000002580000",
    )]);
    session.expect(&[("0d020208", "0d02 02 04 24884000 00 08 00 07 00")]);
    session.phone.capability.packet_data = Some(PacketDataCapability {
        simple_ip: SimpleIpCapability {
            max_num_nai: 1,
            max_nai_length: 19,
            max_ss_length: 0,
            auth_algorithm: 0,
        },
        mobile_ip: MobileIpCapability { max_num_nai: 0, max_nai_length: 72, mn_aaa: (0, 0), mn_ha: (0, 0) },
    });
    session.expect(&[
        (download, "0e03000001140215"),
        // Operation mode 3 is reserved; secrets are staged as octets and never given out.
        ("0e02 00 01 c0 08 02 1234 00", "0e0200120800"),
        ("0e01 05 00 00", "0e010507"),
        ("05", "0500"),
        ("0d0108", "0d0108000700"),
    ]);
    assert_eq!(session.phone.blocks[&(1, 8)], [0x12, 0x34]);
    session.phone.capability.packet_data = None;
    session.expect(&[
        (download, "0e03000701070207"),
        ("0d0105", "0d0105000700"),
        ("06", "0601022a05000202010203030104010160"),
    ]);
}

#[test]
fn meid_device_names_itself_when_asked() {
    let mut session = Session::new(Handset::new());
    session.expect(&[("0604020002", "10 04 0102 2a 06 0002 0201 0203 0301 0401 0603 00")]);
    session.phone.capability.hardware = HardwareId::Meid(Meid::from_hex("A1000000DEADBE").unwrap());
    session.expect(&[
        ("0604020002", "10 04 0102 2a 06 0002 0201 0203 0301 0401 0603 01 02 07 a1000000deadbe"),
        ("06040100", "100401022a0600020201020303010401060300"),
    ]);
}

#[test]
fn network_initiated_order() {
    let mut session = Session::network_initiated(Handset::new());
    session.expect(&[
        ("0a00", "0a0600"),
        (PRL_WHOLE, "080006000012"),
        ("0a80", "0a0000"),
        ("0a80", "0a0000"),
        (PRL_WHOLE, "080000000012"),
        ("05", "0500"),
        (NAM, "01010000"),
        ("0a00", "0a0000"),
        ("0a00", "0a0000"),
        ("05", "0506"),
        ("0a80", "0a0600"),
    ]);
    assert_eq!(
        (session.phone.prl.is_some(), session.phone.blocks.len()),
        (true, 0),
        "stop drops what was not committed"
    );
}

#[test]
fn spasm_protects_the_nam() {
    let mut phone = Handset::new();
    // Without a key in the device there is no SPASM, and NAM_LOCK cannot be set.
    let mut session = Session::network_initiated(phone.clone());
    session.expect(&[("0a80", "0a0000"), ("0901020140", "09010207")]);
    phone.spasm = true;
    let mut session = Session::network_initiated(phone);
    session.expect(&[("0a80", "0a0000"), ("0901020140", "09010200"), ("05", "0500")]);
    assert!(session.phone.nam_lock);
    session.engine.begin(Mode::NetworkInitiated);
    session.expect(&[
        ("0a80", "0a0001deadbeef"),
        (NAM, "0101000a"),
        ("0901020140", "0901020d"),
        ("09010203d57990", "0901020d"),
        (NAM, "0101000a"),
        ("09010203d579b0", "09010200"),
        (NAM, "01010000"),
    ]);
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[("0901020140", "0901020e"), (NAM, "01010000")]);
}

#[test]
fn what_cannot_be_answered_is_an_error_and_changes_nothing() {
    let mut session = Session::new(Handset::new());
    let mut out = [0; MAX_MESSAGE];
    let unreadable = |kind, at| EngineError::Unreadable(Error::new(kind, at));
    for (request, error) in [
        (vec![], unreadable(ErrorKind::Truncated, 0)),
        (vec![0x18], unreadable(ErrorKind::Unsupported, 0)),
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

/// A request of each type, and how the answer of a state that lets it pass begins; `None` where there is no answer.
const REQUESTS: [(&str, Option<&str>); 25] = [
    ("000101", Some("0001010001")),
    (NAM, Some("01010000")),
    ("0203", Some("0203")),
    ("030101", Some("030300")),
    ("0401020304", None),
    ("05", Some("0500")),
    ("06", Some("0601022a")),
    ("0700", Some("070000")),
    (PRL_WHOLE, Some("080000")),
    ("09010003000000", Some("0901000")),
    ("0a80", Some("0a00")),
    ("0b00", Some("0b0007")),
    ("0c01000000", Some("0c010007")),
    ("0d0105", Some("0d01050001")),
    ("0e0100018000", Some("0e010000")),
    ("0f00", Some("0f03")),
    ("10", None),
    ("110100", Some("1101000007")),
    ("1201000000", Some("12010007")),
    ("1300", Some("130007")),
    ("14000700000000000000", Some("140007")),
    ("158000", Some("1503")),
    ("160100", Some("1601000007")),
    ("1701000000", Some("17010007")),
    ("18", None),
];

/// Where the RESULT_CODE stands in the answers to [`REQUESTS`]; `None` where the answer has none.
fn result_of(answer: &str) -> Option<u8> {
    let bytes = unhex(answer);
    let at = match bytes[0] {
        0x00 | 0x0D | 0x11 | 0x16 => 4,
        0x01 | 0x09 | 0x0C | 0x0E | 0x12 | 0x17 => 3,
        0x07 | 0x08 | 0x0B | 0x13 | 0x14 => 2,
        0x06 => return None,
        _ => 1,
    };
    Some(bytes[at])
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    User,
    UserLocked,
    Waiting,
    Started,
    StartedLocked,
    Unproven,
    Stopped,
}

fn session_in(state: State) -> Session {
    let spc = if matches!(state, State::UserLocked | State::StartedLocked) { "123456" } else { "000000" };
    let mut phone = Handset::locked(spc);
    (phone.spasm, phone.nam_lock) = (true, state == State::Unproven);
    let mut session = match state {
        State::User | State::UserLocked => Session::new(phone),
        _ => Session::network_initiated(phone),
    };
    match state {
        State::Started | State::StartedLocked | State::Unproven => drop(session.send("0a80")),
        State::Stopped => {
            session.send("0a80");
            session.send("0a00");
        }
        _ => {}
    }
    session
}

/// The code with which `state` refuses a message of `msg_type`; `None` if it lets it pass.
fn refused_in(state: State, msg_type: u8) -> Option<u8> {
    let locked = matches!(state, State::UserLocked | State::StartedLocked);
    match (state, msg_type) {
        (State::User | State::UserLocked | State::Stopped, 0x0A) => Some(0x06),
        (_, 0x06 | 0x0A) => None,
        (State::Waiting | State::Stopped, _) => Some(0x06),
        (_, 0x09) => locked.then_some(0x0B),
        _ => (locked || state == State::Unproven).then_some(0x0A),
    }
}

#[test]
fn every_state_meets_every_message_type() {
    let states = [
        State::User,
        State::UserLocked,
        State::Waiting,
        State::Started,
        State::StartedLocked,
        State::Unproven,
        State::Stopped,
    ];
    let mut pairs = 0;
    for state in states {
        for (msg_type, (request, passed)) in REQUESTS.iter().enumerate() {
            let msg_type = u8::try_from(msg_type).unwrap();
            assert_eq!(unhex(request)[0], msg_type, "the table has one request per type, in order");
            let mut session = session_in(state);
            let before = session.phone.clone();
            let answer = session.try_send(request);
            match (passed, refused_in(state, msg_type)) {
                (None, _) => assert!(answer.is_err(), "{state:?} {request}: {answer:?}"),
                (Some(_), Some(code)) => {
                    let answer = answer.unwrap();
                    assert_eq!(result_of(&answer), Some(code), "{state:?} {request}: {answer}");
                    let progress = session.engine.progress();
                    assert!(!progress.nam_staged && !progress.prl_staged && !progress.committed);
                    assert_eq!(session.phone.blocks, before.blocks);
                }
                (Some(begin), None) => {
                    let answer = answer.unwrap();
                    assert!(
                        answer.starts_with(begin),
                        "{state:?} {request}: {answer} should begin with {begin}"
                    );
                }
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, 7 * 25);
}

proptest! {
    /// Whatever comes, in whatever order: no panic, answers can be read, and nothing is stored but by a Commit.
    #[test]
    fn any_sequence_of_requests(
        picks in proptest::collection::vec((0..REQUESTS.len(), any::<u16>(), 0..4_u8, any::<u8>()), 1..40),
        network: bool, locked: bool,
    ) {
        let phone = if locked { Handset::locked("123456") } else { Handset::new() };
        let mut session = if network { Session::network_initiated(phone) } else { Session::new(phone) };
        for (pick, place, change, value) in picks {
            let mut request = unhex(REQUESTS[pick].0);
            let at = usize::from(place) % request.len();
            match change {
                0 => request[at] = value,
                1 => request.truncate(at),
                2 => request.insert(at, value),
                _ => {}
            }
            let before = session.phone.clone();
            let is_commit = request == [0x05];
            let mut out = [0; MAX_MESSAGE];
            if let Ok(response) = session.engine.handle(&mut session.phone, &request, &mut out) {
                let extended = (request[0], response[0]) == (0x06, 0x10);
                prop_assert!(extended || response[0] == request[0], "request and response share their type");
                let packet = Packet::new_checked(Direction::Reverse, response).unwrap();
                prop_assert!(Message::parse(&packet).is_ok(), "{:02x?} answered {:02x?}", request, response);
            }
            let failures = session.phone.failures;
            if !is_commit {
                prop_assert_eq!(&session.phone, &Handset { failures, ..before });
            }
        }
    }
}
