//! Laws of the codec: what is written reads back as it was, writing takes exactly the octets it announces, and reading
//! takes any octets. Values are made by `proptest` from the whole range each field allows.
use super::nam::{
    Access, CdmaAnalogNam, CdmaAnalogNamConfiguration, CdmaNam, CdmaNamConfiguration, Imsi, ImsiClass, ImsiT,
    MAX_PAIRS, Pairs,
};
use super::packet_data::{
    Association, HrpdProfile, MobileIpCapability, MobileIpEntry, MobileIpProfile, OperationMode, RetryInfo,
    SimpleIpCapability, SimpleIpEntry, SimpleIpProfile,
};
use super::prl::{Prl, PrlFormat};
use super::sspr::{Dimensions, ExtendedDimensions, Records, Segment};
use super::validation::Spasm;
use super::*;
use crate::wire::{Error, ErrorKind};
use proptest::collection::vec;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// The law for a message: reads back equal, is exactly as long as announced, and no shorter buffer takes it.
fn check_message(direction: Direction, message: &Message<'_>) -> Result<(), TestCaseError> {
    let mut buf = [0xA5; MAX_MESSAGE];
    let bytes = message.emit(&mut buf).map_err(|e| TestCaseError::fail(std::format!("{message:?}: {e}")))?;
    prop_assert_eq!(bytes.len(), message.buffer_len());
    let packet = Packet::new_checked(direction, bytes).unwrap();
    prop_assert_eq!(&Message::parse(&packet).unwrap(), message);
    let mut text = String::new();
    let shown = dump(direction, bytes, &mut text);
    // Blocks of random octets may be broken inside; the message itself is not.
    prop_assert!(shown.is_ok() || text.contains("!! "), "{}", text);
    let mut short = [0; MAX_MESSAGE];
    let short = &mut short[..bytes.len() - 1];
    prop_assert_eq!(message.emit(short).unwrap_err().kind, ErrorKind::NoRoom);
    Ok(())
}

/// The law for a block, as a macro because the types share no trait.
macro_rules! check_block {
    ($type:ty, $value:expr) => {{
        let value = $value;
        let mut buf = [0xA5; 1024];
        let bytes = value.emit(&mut buf).unwrap();
        prop_assert_eq!(bytes.len(), value.buffer_len());
        prop_assert_eq!(&<$type>::parse(bytes, 0).unwrap(), &value);
        let mut short = [0; 1024];
        let short = &mut short[..bytes.len() - 1];
        prop_assert_eq!(value.emit(short).unwrap_err().kind, ErrorKind::NoRoom);
        // One octet more is refused, one less too: the length of a block is part of it.
        let mut long = bytes.to_vec();
        long.push(0);
        prop_assert!(<$type>::parse(&long, 0).is_err());
        prop_assert!(<$type>::parse(&bytes[..bytes.len() - 1], 0).is_err());
    }};
}

fn octets(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=max)
}

fn fresh() -> impl Strategy<Value = Option<Fresh>> {
    proptest::option::of((0..1_u16 << 15).prop_map(|v| Fresh::new(v).unwrap()))
}

fn families() -> impl Strategy<Value = Family> {
    prop_oneof![
        Just(Family::Nam),
        Just(Family::PacketData),
        Just(Family::Mmd),
        Just(Family::Mms),
        Just(Family::Mmss)
    ]
}

fn blocks() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    vec((any::<u8>(), octets(40)), 0..12)
}

fn build<'b>(blocks: &[(u8, Vec<u8>)], buf: &'b mut [u8]) -> Blocks<'b> {
    let blocks: Vec<_> = blocks.iter().map(|(id, data)| Block { id: *id, data }).collect();
    Blocks::build(&blocks, buf).unwrap()
}

fn imsi() -> impl Strategy<Value = Imsi> {
    (proptest::option::of(0..8_u8), 0..=999_u16, 0..=99_u8, "[0-9]{10}").prop_map(|(class, mcc, two, ten)| {
        Imsi {
            class: class.map_or(ImsiClass::Class0, ImsiClass::Class1),
            mcc: Mcc::from_code(mcc).unwrap(),
            imsi_11_12: Imsi1112::from_code(two).unwrap(),
            imsi_s: Min::new(&ten).unwrap(),
        }
    })
}

fn access() -> impl Strategy<Value = Access> {
    (0..16_u8, any::<[bool; 4]>()).prop_map(|(accolc, [a, b, c, d])| Access {
        accolc,
        local_control: a,
        mob_term_home: b,
        mob_term_for_sid: c,
        mob_term_for_nid: d,
    })
}

fn sid_nid(max: usize) -> impl Strategy<Value = Vec<(Sid, Nid)>> {
    vec((0..1_u16 << 15, any::<u16>()).prop_map(|(sid, nid)| (Sid::new(sid).unwrap(), Nid(nid))), 0..=max)
}

fn association() -> impl Strategy<Value = Association> {
    (0..16_u8, any::<Option<u32>>()).prop_map(|(algorithm, spi)| Association { algorithm, spi })
}

proptest! {
    #[test]
    fn family_messages(family in families(), ids in octets(255), list in blocks(), fresh in fresh(), codes in octets(12)) {
        let mut buf = [0; 1024];
        let blocks = build(&list, &mut buf);
        check_message(Direction::Forward, &Message::Forward(Forward::ConfigurationRequest { family, ids: &ids }))?;
        check_message(Direction::Forward, &Message::Forward(Forward::DownloadRequest { family, blocks, fresh }))?;
        let pairs: Vec<u8> = list.iter().zip(codes.iter().cycle()).flat_map(|((id, _), code)| [*id, *code]).collect();
        let results = OctetPairs::new(&pairs).unwrap();
        check_message(Direction::Reverse, &Message::Reverse(Reverse::DownloadResponse { family, results }))?;
        check_message(Direction::Reverse, &Message::Reverse(Reverse::ValidationResponse(results)))?;
        let codes: Vec<u8> = list.iter().map(|(id, _)| id ^ 0x5A).collect();
        let answers = Answers::new(blocks, &codes).unwrap();
        // Several blocks may by accident also read the other way; with the layout that is written it reads exactly.
        let message = Reverse::ConfigurationResponse { family, answers, fresh };
        check_message(Direction::Reverse, &Message::Reverse(message))?;
    }

    #[test]
    fn forward_messages_of_their_own(
        list in blocks(), fresh in fresh(), id: u8, data in octets(255), other in octets(255), rand: u32, wide: u64,
        range: (u16, u8), rev: u8, start: bool, security in 0..16_u8, key_ids: u16,
    ) {
        let mut buf = [0; 1024];
        let blocks = build(&list, &mut buf);
        let range = Range { offset: range.0, max_size: range.1 };
        let block = Block { id, data: &data };
        let parameters = (rev < 3).then_some((&data[..], &other[..]));
        let wanted = match id % 4 {
            0 => SsprRequest::Dimensions,
            1 => SsprRequest::Prl(range),
            2 => SsprRequest::ExtendedDimensions,
            _ => SsprRequest::Other(id.max(3)),
        };
        for message in [
            Forward::MsKeyRequest { a_key_p_rev: rev, parameters },
            Forward::KeyGenerationRequest { bs_result: &data },
            Forward::ReAuthenticateRequest { rand },
            Forward::CommitRequest,
            Forward::ProtocolCapabilityRequest(None),
            Forward::ProtocolCapabilityRequest(Some(CapabilityQuery { otasp_p_rev: rev, records: &data })),
            Forward::SsprConfigurationRequest(wanted),
            Forward::SsprDownloadRequest { block, fresh },
            Forward::ValidationRequest(blocks),
            Forward::OtapaRequest { start },
            Forward::PuzlConfigurationRequest { id, data: &data },
            Forward::PuzlDownloadRequest { blocks, fresh },
            Forward::SecureModeRequest { security, rand_sm: start.then_some(wide) },
            Forward::SystemTagConfigurationRequest { id, range: start.then_some(range) },
            Forward::SystemTagDownloadRequest(block),
            Forward::ServiceKeyGenerationRequest { key_ids },
        ] {
            check_message(Direction::Forward, &Message::Forward(message))?;
        }
    }

    #[test]
    fn reverse_messages_of_their_own(
        list in blocks(), fresh in fresh(), id: u8, code: u8, data in octets(254), numbers: (u16, u8, u8),
        authr in 0..1_u32 << 18, randc: u8, count in 0..64_u8, auth_data in 0..1_u32 << 24, rand: Option<u32>,
        zones in vec((any::<u8>(), any::<u8>(), proptest::option::of((any::<u16>(), 0..1_u16 << 15))), 0..20),
    ) {
        let mut buf = [0; 1024];
        let records = build(&list, &mut buf);
        let pairs: Vec<u8> = list.iter().flat_map(|(id, data)| [*id, id ^ u8::from(data.is_empty())]).collect();
        let features = OctetPairs::new(&pairs).unwrap();
        let (firmware_rev, model, band_mode) = numbers;
        let (result, block) = (ResultCode(code), Block { id, data: &data });
        let zones: Vec<_> =
            zones.into_iter().map(|(id, code, zone)| PuzlResult { id, result: ResultCode(code), zone }).collect();
        let mut zone_buf = [0; 128];
        let zone_list = PuzlResults::build(&zones, &mut zone_buf).unwrap();
        prop_assert!(zone_list.iter().eq(zones.iter().copied()));
        let segment = Some((firmware_rev, model));
        let tag_segment = segment.filter(|_| (1..=3).contains(&id));
        for message in [
            Reverse::MsKeyResponse(result),
            Reverse::KeyGenerationResponse { result, ms_result: &data },
            Reverse::ReAuthenticateResponse { authr, randc, count, auth_data },
            Reverse::CommitResponse(result),
            Reverse::ProtocolCapabilityResponse { firmware_rev, model, features, band_mode, additional: &data },
            Reverse::SsprConfigurationResponse { result, block, fresh },
            Reverse::SsprDownloadResponse(SegmentResult { id, result, segment }),
            Reverse::OtapaResponse { result, rand_otapa: rand },
            Reverse::PuzlConfigurationResponse { result, block, fresh },
            Reverse::PuzlDownloadResponse(zone_list),
            Reverse::SecureModeResponse(result),
            Reverse::ExtendedProtocolCapabilityResponse {
                otasp_mob_p_rev: code, firmware_rev, model, features, records,
            },
            Reverse::SystemTagConfigurationResponse { result, block },
            Reverse::SystemTagDownloadResponse(SegmentResult { id, result, segment: tag_segment }),
            Reverse::ServiceKeyGenerationResponse(result),
        ] {
            check_message(Direction::Reverse, &Message::Reverse(message))?;
        }
    }

    #[test]
    fn nam_blocks(
        head in (0..1_u16 << 11, 0..1_u16 << 15, any::<bool>()), imsi in imsi(), access in access(),
        list in sid_nid(MAX_PAIRS), can: (u8, u8, u8, bool), mdn in "[0-9*#]{0,15}",
    ) {
        let (first_chp, home_sid, ex) = head;
        let (scm, mob_p_rev, max_sid_nid, slotted_mode) = can;
        let pairs = Pairs::new(&list);
        let nam = CdmaAnalogNam { first_chp, home_sid: Sid::new(home_sid).unwrap(), ex, imsi, access, pairs };
        check_block!(CdmaAnalogNam<'_>, nam);
        check_block!(CdmaAnalogNamConfiguration<'_>, CdmaAnalogNamConfiguration { nam, scm, mob_p_rev, max_sid_nid });
        let nam = CdmaNam { imsi, access, pairs };
        check_block!(CdmaNam<'_>, nam);
        let configuration = CdmaNamConfiguration { nam, slotted_mode, mob_p_rev, max_sid_nid };
        check_block!(CdmaNamConfiguration<'_>, configuration);
        check_block!(ImsiT, ImsiT(imsi));
        check_block!(Mdn, Mdn::new(&mdn).unwrap());
    }

    #[test]
    fn other_blocks(
        spc in "[0-9]{6}", auth in proptest::option::of(0..1_u32 << 18), nam_lock: bool, sizes: (u16, u16, u16),
        counts in (0..512_u16, 0..512_u16, 0..1_u16 << 14), last: bool, data in octets(sspr::MAX_SEGMENT), mode in 0..3_u8,
        limits in (0..16_u8, any::<u8>(), 0..32_u8, any::<u8>(), 0..32_u8, any::<u8>()),
    ) {
        check_block!(Spc, Spc::new(&spc).unwrap());
        check_block!(Spasm, Spasm { auth_otapa: auth, nam_lock });
        let (max_pr_list_size, cur_pr_list_size, id) = sizes;
        let (num_acq_recs, subnet, num_sys_recs) = counts;
        let pr_list_id = PrlId(id);
        check_block!(
            Dimensions,
            Dimensions { max_pr_list_size, cur_pr_list_size, pr_list_id, num_acq_recs, num_sys_recs }
        );
        for records in [
            Records::Classic { acquisition: num_acq_recs, system: num_sys_recs },
            Records::Extended { acquisition: num_acq_recs, subnet, system: num_sys_recs },
        ] {
            let dimensions = ExtendedDimensions { max_pr_list_size, cur_pr_list_size, pr_list_id, records };
            check_block!(ExtendedDimensions, dimensions);
        }
        check_block!(Segment<'_>, Segment { last, offset: id, data: &data });
        check_block!(OperationMode, OperationMode(mode));
        let (max_num_nai, max_nai_length, max_ss_length, auth_algorithm, ha_length, ha_algorithm) = limits;
        check_block!(
            SimpleIpCapability,
            SimpleIpCapability { max_num_nai, max_nai_length, max_ss_length, auth_algorithm }
        );
        let mn_aaa = (max_ss_length, auth_algorithm);
        let mn_ha = (ha_length, ha_algorithm);
        check_block!(MobileIpCapability, MobileIpCapability { max_num_nai, max_nai_length, mn_aaa, mn_ha });
    }

    #[test]
    fn packet_data_profiles(
        entries in vec((0..16_u8, octets(30), 0..16_u8), 0..=15),
        mobile in vec((0..16_u8, octets(12), any::<bool>(), any::<[u32; 3]>(), association(), association()), 0..=15),
        retry in proptest::option::of((0..4_u8, 0..8_u8, 0..64_u8)),
    ) {
        let simple: Vec<_> = entries
            .iter()
            .map(|(index, nai, auth_algorithm)| SimpleIpEntry {
                index: *index,
                nai: OctetString::new(nai),
                auth_algorithm: *auth_algorithm,
            })
            .collect();
        check_block!(SimpleIpProfile<'_>, SimpleIpProfile::new(&simple));
        if let Some(entry) = simple.first() {
            check_block!(HrpdProfile<'_>, HrpdProfile { nai: entry.nai, auth_algorithm: entry.auth_algorithm });
        }
        let mobile: Vec<_> = mobile
            .iter()
            .map(|(index, nai, t_bit, [home_addr, primary_ha, secondary_ha], mn_aaa, mn_ha)| MobileIpEntry {
                index: *index,
                nai: OctetString::new(nai),
                t_bit: *t_bit,
                home_addr: *home_addr,
                primary_ha: *primary_ha,
                secondary_ha: *secondary_ha,
                mn_aaa: *mn_aaa,
                mn_ha: *mn_ha,
            })
            .collect();
        let retry = retry.map(|(max_num_retry, first_retry_timeout, rereg_threshold)| RetryInfo {
            max_num_retry,
            first_retry_timeout,
            rereg_threshold,
        });
        check_block!(MobileIpProfile<'_>, MobileIpProfile::new(retry, &mobile));
    }

    #[test]
    fn any_octets_are_read(bytes in octets(300), forward: bool, msg_type in 0..0x20_u8) {
        let direction = if forward { Direction::Forward } else { Direction::Reverse };
        let mut bytes = bytes;
        bytes.insert(0, msg_type);
        let packet = Packet::new_checked(direction, &bytes[..]).unwrap();
        let parsed = Message::parse(&packet);
        let (mut text, line) = (String::new(), packet.to_string());
        let dumped = dump(direction, &bytes, &mut text);
        prop_assert!(line.contains(direction.suffix()));
        match parsed {
            Ok(message) => {
                // What was taken is legal, so it can be written, and then reads back the same.
                let mut buf = [0; MAX_MESSAGE];
                let again = message.emit(&mut buf).unwrap();
                let packet = Packet::new_checked(direction, again).unwrap();
                prop_assert_eq!(Message::parse(&packet).unwrap(), message);
            }
            // The dump runs the same reader, so it finds the same fault or one inside a block before it.
            Err(e) => prop_assert!(dumped.unwrap_err().at <= e.at),
        }
        for format in [PrlFormat::Classic, PrlFormat::Extended] {
            prop_assert!(Prl::parse(format, &bytes).is_err());
        }
    }

    #[test]
    fn any_list_with_a_right_check_value_is_read(bytes in octets(200), extended: bool) {
        let mut list = std::vec![0, 0];
        list.extend(bytes);
        if extended && list.len() > 4 {
            list[4] = 3;
        }
        let size = u16::try_from(list.len() + 2).unwrap();
        list[..2].copy_from_slice(&size.to_be_bytes());
        list.extend(prl::crc16(&list).to_be_bytes());
        let format = if extended { PrlFormat::Extended } else { PrlFormat::Classic };
        if let Ok(prl) = Prl::parse(format, &list) {
            let header = prl.header();
            prop_assert_eq!(prl.acquisitions().count(), usize::from(header.num_acq_recs));
            prop_assert_eq!(prl.subnets().count(), usize::from(header.num_subnet_recs));
            prop_assert_eq!(prl.systems().count(), usize::from(header.num_sys_recs));
        }
    }
}

#[test]
fn values_that_are_not_legal_are_not_written() {
    let mut buf = [0; MAX_MESSAGE];
    let long = [0; 256];
    let refused = |e: Error, kind| assert_eq!(e.kind, kind);
    let wrong_parameters = Forward::MsKeyRequest { a_key_p_rev: 3, parameters: Some((&[], &[])) };
    refused(wrong_parameters.emit(&mut buf).unwrap_err(), ErrorKind::BadValue);
    assert_eq!(wrong_parameters.buffer_len(), 0);
    let no_range = Forward::SsprConfigurationRequest(SsprRequest::Other(1));
    refused(no_range.emit(&mut buf).unwrap_err(), ErrorKind::BadValue);
    let ids = Forward::ConfigurationRequest { family: Family::Nam, ids: &long };
    refused(ids.emit(&mut buf).unwrap_err(), ErrorKind::LimitExceeded);
    let block = Block { id: 0, data: &long };
    refused(Blocks::build(&[block], &mut buf).unwrap_err(), ErrorKind::LimitExceeded);
    let result = SegmentResult { id: 0, result: ResultCode::ACCEPTED, segment: None };
    refused(Reverse::SsprDownloadResponse(result).emit(&mut buf).unwrap_err(), ErrorKind::BadValue);
    refused(OperationMode(3).emit(&mut buf).unwrap_err(), ErrorKind::BadValue);
    let authr = Reverse::ReAuthenticateResponse { authr: 1 << 18, randc: 0, count: 0, auth_data: 0 };
    refused(authr.emit(&mut buf).unwrap_err(), ErrorKind::BadValue);
    let pair = (Sid::new(1).unwrap(), Nid::ANY);
    let pairs = [pair; MAX_PAIRS + 1];
    let imsi = Imsi {
        class: ImsiClass::Class0,
        mcc: Mcc::new("310").unwrap(),
        imsi_11_12: Imsi1112::new("00").unwrap(),
        imsi_s: Min::new("5551234567").unwrap(),
    };
    let access = Access {
        accolc: 0,
        local_control: false,
        mob_term_home: true,
        mob_term_for_sid: true,
        mob_term_for_nid: true,
    };
    let nam = CdmaNam { imsi, access, pairs: Pairs::new(&pairs) };
    refused(nam.emit(&mut buf).unwrap_err(), ErrorKind::LimitExceeded);
    assert_eq!(
        (Answers::new(Blocks::default(), &[0]), OctetPairs::new(&[1]), Fresh::new(1 << 15)),
        (None, None, None)
    );
}

/// Fact sheet §14, item 2: readers try both places of the result codes.
#[test]
fn result_codes_are_found_in_either_place() {
    // Two MMS blocks of one octet, results behind all blocks, and FRESH: not readable with results inside.
    let apart = [0x16, 2, 0, 1, 0xAA, 1, 1, 0xBB, 0x00, 0x2C, 0];
    let inside = [0x16, 2, 0, 1, 0xAA, 0x00, 1, 1, 0xBB, 0x2C, 0];
    for bytes in [apart, inside] {
        let packet = Packet::new_checked(Direction::Reverse, &bytes[..]).unwrap();
        let Reverse::ConfigurationResponse { family, answers, fresh } = Reverse::parse(&packet).unwrap()
        else {
            panic!("{packet}");
        };
        let results: Vec<_> =
            answers.iter().map(|(block, result)| (block.id, block.data[0], result)).collect();
        let expected = [(0, 0xAA, ResultCode::ACCEPTED), (1, 0xBB, ResultCode::NUM_MMS_URI_MISMATCH)];
        assert_eq!((family, &results[..], fresh), (Family::Mms, &expected[..], None));
    }
}

/// Tolerated: a message marked "F" without the trailer, as handsets and networks before Secure Mode send it.
#[test]
fn the_fresh_trailer_may_be_absent() {
    let with = [0x01, 1, 1, 1, 0x00, 0];
    let packet = |bytes| Packet::new_checked(Direction::Forward, bytes).unwrap();
    let long = Forward::parse(&packet(&with[..])).unwrap();
    let short = Forward::parse(&packet(&with[..5])).unwrap();
    assert_eq!(long, short);
    let mut buf = [0; 8];
    assert_eq!(short.emit(&mut buf).unwrap(), with, "always written");
}
