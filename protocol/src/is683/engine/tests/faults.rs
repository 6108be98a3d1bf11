//! What a network may send that is wrong: each has its code or its error, and everything stored and staged stays as it was.
use super::*;

/// A handset with a committed number assignment and list, whose session has staged another directory number.
fn in_use() -> (Session, Handset) {
    let mut session = Session::new(Handset::new());
    for message in [NAM_MDN_IMSI, PRL_WHOLE, "05"] {
        session.send(message);
    }
    let stored = session.phone.clone();
    session.expect(&[("0101 01 01 1a 00", "01010100")]);
    (session, stored)
}

#[test]
fn wrong_requests_have_their_codes_and_change_nothing() {
    // (request, answer; `None`: there is none, because the request cannot be read)
    let cases: [(&str, Option<&str>); 24] = [
        // unknown message types, that of a reverse message among them
        ("1a", None),
        ("ff0101", None),
        ("10", None),
        // reverse messages
        ("0500", None),
        ("0901000b", None),
        ("0a0000", None),
        ("080000000012", None),
        // blocks that end too early, too many of them, too few
        ("0101001123640ac068", None),
        ("0102 01 01 1a 00", None),
        ("0101 01 01 1a 01 01 1a 00", None),
        ("0901", None),
        // lengths that contradict what they measure: CDMA/Analog NAM, directory number, IMSI_T, SPC, list segment
        ("0101 00 0c 23640ac068e36f00c4721dc0 00", Some("01010002")),
        ("0101 01 02 1a00 00", Some("01010102")),
        ("0101 03 06 03440b780623 00", Some("01010302")),
        ("0901 00 02 0000", Some("09010002")),
        ("0800 0c 0100 00090280005000006edb 00", Some("080002000000")),
        // octets behind the end
        ("0101 01 01 1a 00 00", None),
        ("0600", None),
        ("0901 00 03 000000 00", None),
        // values that cannot be: a digit 0, an MCC of 1023, an operation mode of 3
        ("0101 01 01 10 00", Some("01010104")),
        ("0101 03 07 0fffffffffffff 00", Some("01010304")),
        ("0e01 00 01 c0 00", Some("0e010012")),
        // blocks that no handset has
        ("0101 70 01 07 00", Some("01017007")),
        ("0802 00 00", Some("080207000000")),
    ];
    for (request, answer) in cases {
        let (mut session, stored) = in_use();
        let answered = session.try_send(request);
        match answer {
            Some(answer) => assert_eq!(answered.as_deref(), Ok(answer), "{request}"),
            None => assert!(matches!(answered, Err(EngineError::Unreadable(_))), "{request}: {answered:?}"),
        }
        assert_eq!(session.phone, stored, "{request}");
        // What was staged before is still staged, and is all that a Commit finds.
        session.expect(&[("05", "0500")]);
        let mut expected = stored.blocks.clone();
        expected.insert((0, 1), vec![0x1A]);
        assert_eq!((session.phone.blocks, session.phone.prl), (expected, stored.prl), "{request}");
    }
}

/// The same block twice in a message, as in two messages: each is accepted, and the later counts.
#[test]
fn of_a_block_that_comes_twice_the_later_counts() {
    let (mut session, _) = in_use();
    session.expect(&[("0102 01 01 1b 01 01 1c 00", "010201000100"), ("05", "0500")]);
    assert_eq!(session.phone.blocks[&(0, 1)], [0x1C]);
}

/// Segments that overlap what is here with other octets, and a list that goes on for ever.
#[test]
fn segments_that_overlap_or_never_end_are_refused() {
    let (mut session, stored) = in_use();
    session.expect(&[
        (PRL_FIRST, "08000000000a"),
        // five octets inside it, the same and others; an overlap of its end
        ("0800 09 00 0005 05 0040012100 00", "08000000 0505"),
        ("0800 09 00 0005 05 ffffffffff 00", "08000400 0505"),
        ("0800 08 00 0008 04 21000280 00", "08000400 0804"),
        (PRL_LAST, "080000000a08"),
    ]);
    let (mut session, _) = in_use();
    // No segment is the last one. The buffer of this engine has 256 octets.
    for offset in (0..256).step_by(32) {
        let segment = format!("0800 24 00 {offset:04x} 20 {} 00", "00".repeat(32));
        session.expect(&[(&segment, &format!("080000{offset:04x}20"))]);
    }
    session.expect(&[("0800 05 00 0100 01 00 00", "0800080100 01"), ("05", "0508")]);
    assert_eq!(session.phone, stored, "nothing is committed while a list is incomplete");
}
