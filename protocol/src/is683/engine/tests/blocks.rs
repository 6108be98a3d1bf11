//! Parameter blocks and capabilities: checked, read back in their own form, carried as octets.
use super::*;
use crate::is683::Meid;

#[test]
fn blocks_that_nobody_describes_and_addresses_are_carried_and_reported() {
    let mut session = Session::new(Handset::new());
    session.phone.capability.carried = Carried::ALL;
    // MMD, MMS, two user zone blocks, the home system tag; then what is not kept: unknown numbers, tag lists.
    for (request, response) in [
        ("120100 03 aabbcc 00", "1201 0000"),
        ("1701 00 09 1007687474703a2f2f 00", "1701 0000"),
        ("0c02 00 02 1234 03 01 56 00", "0c02 00 00 00 03 00 00"),
        ("1400 07 004548454c4c4f", "1400 00"),
        ("1902 00 02 abcd 03 01 ef 00", "1902 00 00 03 00"),
        ("0101 04 03 010203 00", "0101 04 00"),
        // An address that is cut, one that is none, another number.
        ("1701 00 01 10 00", "1701 00 02"),
        ("1701 00 03 10010a 00", "1701 00 2e"),
        ("1701 01 00 00", "1701 01 07"),
        // A tag that is cut, one in an unknown encoding.
        ("1400 06 004548454c4c", "1400 02"),
        ("1400 02 0060", "1400 2b"),
        ("1201 01 00 00", "1201 01 07"),
        ("1901 04 00 00", "1901 04 07"),
        ("0101 05 01 00 00", "0101 05 07"),
        ("0c01 07 00 00", "0c01 07 07 00"),
        ("1401 06 00 0000 02 1234", "1401 07 0000 02"),
    ] {
        assert_eq!(session.send(request), response.replace(' ', ""), "{request}");
    }
    assert_eq!(session.phone.commits, 0);
    assert_eq!(session.send("05"), "0500");
    assert_eq!(session.phone.blocks.len(), 8);
    for (request, response) in [
        ("1101 00", "1101 00 03 aabbcc 00 00"),
        ("1601 00", "1601 00 09 1007687474703a2f2f 00 00"),
        ("1802 00 03", "1802 00 02 abcd 00 03 01 ef 00 00"),
        ("1801 01", "1801 01 00 01 00"),
        ("0001 04", "0001 04 03 010203 00 00"),
        ("0b02", "0b02 00 02 1234 00"),
        ("0b01", "0b01 00 01 56 00"),
        ("0b00", "0b00 07 00 00"),
        ("1300", "1300 00 07 004548454c4c4f"),
        ("1302 0000 ff", "1302 07 00"),
    ] {
        assert_eq!(session.send(request), response.replace(' ', ""), "{request}");
    }
    // All of it is advertised: PUZL 2, MMD 1, system tag 1, MMS 1, MMSS 1, NAM 3.
    let capability = session.send("06");
    for feature in ["0003", "0502", "0801", "0901", "0a01", "0b01"] {
        assert!(capability.contains(feature), "{capability} lacks {feature}");
    }
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
