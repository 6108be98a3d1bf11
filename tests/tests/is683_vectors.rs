//! Every message vector of the IS-683 fact sheet: read, written back bit by bit, measured, and explained.
//!
//! `vectors/is683/NAME.txt` holds `direction:`, `origin:`, `hex:` and, behind `text:`, the golden explanation; with
//! `KEDGE_BLESS=1` in the environment the explanations are written anew, to be read in the diff.
use kedge_protocol::is683::nam::MAX_PAIRS;
use kedge_protocol::is683::packet_data::{
    HrpdProfile, MobileIpCapability, MobileIpProfile, RetryInfo, SimpleIpCapability, SimpleIpProfile,
};
use kedge_protocol::is683::prl::{
    AcqBody, AcqType, BitString, Entries, Entry, Prl, PrlError, PrlFormat, SystemId, check_in_place,
};
use kedge_protocol::is683::{Direction, Forward, Message, Nid, Packet, PrlId, Reverse, Sid, dump};
use std::fs;
use std::path::{Path, PathBuf};

struct Vector {
    path: PathBuf,
    direction: Direction,
    origin: String,
    bytes: Vec<u8>,
    text: String,
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    assert_eq!(digits.len() % 2, 0, "{text}");
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/is683");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| read_vector(path)).collect()
}

fn read_vector(path: &Path) -> Vector {
    let content = fs::read_to_string(path).unwrap();
    let field = |name: &str| {
        let line = content.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("{} lacks {name}", path.display())).to_owned()
    };
    let direction = match field("direction").as_str() {
        "forward" => Direction::Forward,
        "reverse" => Direction::Reverse,
        other => panic!("{}: direction {other}", path.display()),
    };
    let text =
        content.split_once("\ntext:\n").map(|(_, text)| text.trim_end().to_owned()).unwrap_or_default();
    Vector { path: path.to_owned(), direction, origin: field("origin"), bytes: unhex(&field("hex")), text }
}

impl Vector {
    /// The one-line explanation and the field dump, as the golden text holds them.
    fn explain(&self) -> String {
        let packet = Packet::new_checked(self.direction, &self.bytes[..]).unwrap();
        let mut text = format!("{packet}\n\n");
        dump(self.direction, &self.bytes, &mut text)
            .unwrap_or_else(|e| panic!("{}: {e}", self.path.display()));
        text.trim_end().to_owned()
    }

    fn bless(&self) {
        let direction = if self.direction == Direction::Forward { "forward" } else { "reverse" };
        let hex: String = self.bytes.iter().fold(String::new(), |text, b| format!("{text}{b:02x}"));
        let text = self.explain();
        let content = format!("direction: {direction}\norigin: {}\nhex: {hex}\ntext:\n{text}\n", self.origin);
        fs::write(&self.path, content).unwrap();
    }
}

#[test]
fn messages_round_trip_bit_by_bit() {
    let vectors = vectors();
    for vector in &vectors {
        let name = vector.path.display();
        let packet = Packet::new_checked(vector.direction, &vector.bytes[..]).unwrap();
        let message = Message::parse(&packet).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut buf = [0xAA; 512];
        assert_eq!(message.emit(&mut buf).unwrap(), vector.bytes, "{name}");
        assert_eq!(message.buffer_len(), vector.bytes.len(), "{name}");
    }
    kedge_tests::figure!("{} IS-683 message vectors round-trip", vectors.len());
    assert!(vectors.len() >= 42, "vectors are missing: {}", vectors.len());
}

#[test]
fn messages_are_explained() {
    let bless = std::env::var_os("KEDGE_BLESS").is_some();
    for vector in vectors() {
        if bless {
            vector.bless();
        } else {
            assert_eq!(vector.explain(), vector.text, "{}", vector.path.display());
        }
    }
}

#[test]
fn values_explain_themselves_like_their_bytes() {
    for vector in vectors() {
        let packet = Packet::new_checked(vector.direction, &vector.bytes[..]).unwrap();
        let explained = match Message::parse(&packet).unwrap() {
            Message::Forward(message) => message.to_string(),
            Message::Reverse(message) => message.to_string(),
        };
        assert_eq!(explained, packet.to_string());
    }
}

#[test]
fn every_shorter_message_is_refused_or_another_message() {
    for vector in vectors() {
        for n in 1..vector.bytes.len() {
            let packet = Packet::new_checked(vector.direction, &vector.bytes[..n]).unwrap();
            let Ok(message) = Message::parse(&packet) else { continue };
            // The FRESH trailer and the capability query may be absent; a request's free data may be shorter.
            let mut buf = [0; 512];
            let again = message.emit(&mut buf).unwrap();
            assert_eq!(again[..n], vector.bytes[..n], "{} cut to {n}", vector.path.display());
            assert!(again.len() <= n + 1, "{} cut to {n}", vector.path.display());
        }
    }
}

#[test]
fn a_dump_of_a_broken_message_ends_at_the_fault() {
    let mut text = String::new();
    let fault = dump(Direction::Forward, &unhex("0101001123640ac068"), &mut text).unwrap_err();
    assert_eq!(fault.to_string(), "input ends inside a field at octet 4");
    let expected = "\
Download Request
    0.0   8  OTASP_MSG_TYPE = 1 (Download)
    1.0   8  NUM_BLOCKS = 1
    2.0   8  BLOCK_ID = 0 (CDMA/Analog NAM)
    3.0   8  BLOCK_LEN = 17
!! input ends inside a field at octet 4
    4         23 64 0a c0 68
";
    assert_eq!(text, expected);
    text.clear();
    // A fault inside a block: the first digit of the directory number is 0, which is no digit.
    let fault = dump(Direction::Forward, &unhex("0101010220" /* N_DIGITS 2 */), &mut text).unwrap_err();
    assert_eq!(fault.at, 4, "{text}");
    text.clear();
    let fault = dump(Direction::Reverse, &[0x55, 1, 2], &mut text).unwrap_err();
    assert_eq!((fault.to_string().as_str(), text.lines().count()), ("not supported at octet 0", 4), "{text}");
    assert_eq!(dump(Direction::Reverse, &[], &mut text).unwrap_err().at, 0);
}

#[test]
fn secrets_are_not_shown() {
    let bytes = unhex("090200030000000103123456");
    let packet = Packet::new_checked(Direction::Forward, &bytes[..]).unwrap();
    assert_eq!(
        packet.to_string(),
        "Validation Request: NUM_BLOCKS 2, BLOCK_ID 0 (Verify SPC), BLOCK_LEN 3, Verify SPC {SPC (secret)}, \
         BLOCK_ID 1 (Change SPC), BLOCK_LEN 3, Change SPC {SPC (secret)}"
    );
}

/// Fact sheet §4.4: values of a real card profile.
#[test]
fn packet_data_blocks_of_a_real_card() {
    let mut buf = [0; 64];
    let bytes = unhex("15084000");
    let block = SimpleIpCapability::parse(&bytes, 0).unwrap();
    let expected =
        SimpleIpCapability { max_num_nai: 1, max_nai_length: 80, max_ss_length: 16, auth_algorithm: 0x80 };
    assert_eq!((block, block.emit(&mut buf).unwrap()), (expected, &bytes[..]));

    let bytes = unhex("1508404200");
    let block = MobileIpCapability::parse(&bytes, 0).unwrap();
    let expected =
        MobileIpCapability { max_num_nai: 1, max_nai_length: 80, mn_aaa: (16, 0x80), mn_ha: (16, 0x80) };
    assert_eq!((block, block.emit(&mut buf).unwrap()), (expected, &bytes[..]));

    let bytes = unhex("1014313233343536373839304072733367 2E636F6D2010");
    let block = SimpleIpProfile::parse(&bytes, 0).unwrap();
    let entry = block.iter().next().unwrap();
    assert_eq!((block.iter().count(), entry.index, entry.auth_algorithm), (1, 0, 1));
    assert_eq!(entry.nai.to_string(), "1234567890@rs3g.com ");
    assert_eq!((block.emit(&mut buf).unwrap(), block.buffer_len()), (&bytes[..], bytes.len()));

    let bytes =
        unhex("CC010133132333435363738393040727333672E636F6D800000007FFFFFFFFFFFFFFF8C00000008600000258");
    let block = MobileIpProfile::parse(&bytes, 0).unwrap();
    let entry = block.iter().next().unwrap();
    assert_eq!(block.retry, Some(RetryInfo { max_num_retry: 2, first_retry_timeout: 3, rereg_threshold: 0 }));
    assert_eq!(entry.nai.to_string(), "1234567890@rs3g.com");
    assert_eq!(
        (entry.t_bit, entry.home_addr, entry.primary_ha, entry.secondary_ha),
        (true, 0, u32::MAX, u32::MAX)
    );
    assert_eq!((entry.mn_aaa.algorithm, entry.mn_aaa.spi, entry.mn_ha.spi), (1, Some(2), Some(300)));
    assert_eq!((block.emit(&mut buf).unwrap(), block.buffer_len()), (&bytes[..], bytes.len()));

    let bytes = unhex("0B6162634078797A2E636F6D10");
    let block = HrpdProfile::parse(&bytes, 0).unwrap();
    assert_eq!((block.nai.to_string().as_str(), block.auth_algorithm), ("abc@xyz.com", 1));
    assert_eq!(block.emit(&mut buf).unwrap(), &bytes[..]);
}

const CLASSIC: &str = "001200008000400121000280005000006EDB";
const CLASSIC_BAD_CRC: &str = "001200000000400121000280005000006EDB";
const EXTENDED: &str = "008100000300018000 04000A040164030B 0B04016403F50A04 0A5808190B040A58 0C970A0231130B02 \
    30C871C00200101F 0100C8FFFF008000 38E0080000800071 E01200101F0100C8 FFFF00800038E018 0000800071C02200 \
    101F0100C8FFFF00 808038E028000080 8071E00200101F01 00C8FFFF00808038 E008000080802B6B";

/// Fact sheet §12.5.
#[test]
fn classic_roaming_list() {
    let bytes = unhex(CLASSIC);
    let prl = Prl::parse(PrlFormat::Classic, &bytes).unwrap();
    let header = prl.header();
    assert_eq!((header.size, header.id, header.pref_only, header.def_roam_ind), (18, PrlId(0), true, 0));
    let acquisition: Vec<_> = prl.acquisitions().collect();
    assert_eq!((acquisition.len(), acquisition[0].acq_type), (1, AcqType::CELLULAR_CDMA_STANDARD));
    assert_eq!(acquisition[0].body, AcqBody::Standard(0, 1));
    let systems: Vec<_> = prl.systems().collect();
    assert_eq!((systems.len(), systems[0].id), (1, SystemId::Cdma(Sid::new(1).unwrap(), Nid(0))));
    assert!(systems[0].preferred && !systems[0].same_area && systems[0].more_desirable);
    assert_eq!((systems[0].acq_index, systems[0].roam_ind), (0, Some(0)));
    assert_eq!(prl.subnets().count(), 0);
}

/// Fact sheet §12.5: the list of TS.48 as printed has a wrong check value.
#[test]
fn roaming_list_faults() {
    let bytes = unhex(CLASSIC_BAD_CRC);
    assert_eq!(Prl::parse(PrlFormat::Classic, &bytes).unwrap_err(), PrlError::Crc);
    let bytes = unhex(CLASSIC);
    for n in 0..bytes.len() {
        assert_eq!(Prl::parse(PrlFormat::Classic, &bytes[..n]).unwrap_err(), PrlError::Length);
    }
    // The system record points at acquisition record 1 of 1, with a right check value.
    assert!(matches!(wrong_index(&bytes), Err(PrlError::Structure(_))));
}

/// Sets the low bit of ACQ_INDEX in the classic vector and renews the check value.
fn wrong_index(list: &[u8]) -> Result<(), PrlError> {
    let mut list = list.to_vec();
    // Header 64 bits, acquisition record 8, SID 15, NID_INCL 2, NID 16, three flags, then nine bits of index.
    let bit = 64 + 8 + 15 + 2 + 16 + 3 + 8;
    list[bit / 8] |= 0x80 >> (bit % 8);
    let end = list.len() - 2;
    let crc = kedge_protocol::is683::prl::crc16(&list[..end]).to_be_bytes();
    list[end..].copy_from_slice(&crc);
    Prl::parse(PrlFormat::Classic, &list).map(|_| ())
}

/// Fact sheet §12.5: the extended list of TS.48.
#[test]
fn extended_roaming_list() {
    let bytes = unhex(EXTENDED);
    assert_eq!(bytes.len(), 129);
    let prl = Prl::parse(PrlFormat::Extended, &bytes).unwrap();
    let acquisition: Vec<_> = prl
        .acquisitions()
        .map(|record| {
            let AcqBody::Numbers(numbers) = record.body else { panic!("{record:?}") };
            let channels: Vec<_> = numbers.iter().map(|n| (n >> 11, n & 0x7FF)).collect();
            (record.acq_type, channels)
        })
        .collect();
    let (cdma, hrpd) = (AcqType::GENERIC_1X, AcqType::GENERIC_HRPD);
    let expected = [
        (cdma, vec![(0, 356), (0, 779)]),
        (hrpd, vec![(0, 356), (0, 1013)]),
        (cdma, vec![(1, 600), (1, 25)]),
        (hrpd, vec![(1, 600), (1, 1175)]),
        (cdma, vec![(6, 275)]),
        (hrpd, vec![(6, 200)]),
    ];
    assert_eq!(acquisition, expected);
    let systems: Vec<_> = prl.systems().collect();
    assert_eq!((systems.len(), prl.subnets().count()), (8, 0));
    for (n, system) in systems.iter().enumerate() {
        let mut buf = [0; 8];
        let entries = Entries::pack(2, &[Entry::SidNid(200, 65535)], &mut buf).unwrap();
        let expected = if n % 2 == 0 {
            SystemId::MccMnc { subtype: 2, mcc: 0x001, mnc: 0x01F, entries }
        } else {
            SystemId::Hrpd { lsb: BitString::new(&[], 0).unwrap(), common_offset: None }
        };
        assert_eq!(system.id, expected, "system {n}");
        assert!(system.preferred && system.association.is_some_and(|a| a.tag <= 1), "system {n}");
    }
    assert!(matches!(Prl::parse(PrlFormat::Classic, &bytes), Err(PrlError::Structure(_))));
}

#[test]
fn a_flipped_bit_in_a_roaming_list_is_noticed() {
    for (format, list) in [(PrlFormat::Classic, CLASSIC), (PrlFormat::Extended, EXTENDED)] {
        let bytes = unhex(list);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 0x80 >> (bit % 8);
            assert!(Prl::parse(format, &bad).is_err(), "bit {bit}");
            let in_place = check_in_place(format, bad.len(), |at, out| {
                out.copy_from_slice(&bad[at..at + out.len()]);
                out.len()
            });
            assert!(in_place.is_err(), "bit {bit}, in place");
        }
    }
}

#[test]
fn directions_are_not_mixed_up() {
    let bytes = unhex("0101010600");
    let packet = Packet::new_checked(Direction::Reverse, &bytes[..]).unwrap();
    assert!(Forward::parse(&packet).is_err());
    let commit = Packet::new_checked(Direction::Forward, &[5][..]).unwrap();
    assert_eq!(Forward::parse(&commit), Ok(Forward::CommitRequest));
    assert!(Reverse::parse(&commit).is_err());
    // 61 pairs are the most whose configuration form fits one block.
    assert_eq!((255 * 8 - 122) / 31, MAX_PAIRS);
}
