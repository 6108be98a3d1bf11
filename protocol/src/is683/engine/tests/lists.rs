//! Roaming lists: segments, repeats, wrong ones, and what is reported of the committed one.
use super::*;

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
