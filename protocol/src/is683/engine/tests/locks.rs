//! Who may program: the service programming lock, the order of a network-initiated session, SPASM.
use super::*;

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
    // A device that has lost its key still asks, and takes no answer.
    session.phone.spasm = false;
    session.engine.begin(Mode::NetworkInitiated);
    session.expect(&[("0a80", "0a0001deadbeef"), ("09010203d579b0", "09010207"), (NAM, "0101000a")]);
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[("0901020140", "0901020e"), (NAM, "01010000")]);
}

#[test]
fn wrong_signatures_are_looked_at_a_few_times() {
    let mut phone = Handset::new();
    (phone.spasm, phone.nam_lock) = (true, true);
    let mut session = Session::network_initiated(phone);
    session.expect(&[("0a80", "0a0001deadbeef")]);
    for _ in 0..SPASM_TRIES {
        session.expect(&[("09010203d57990", "0901020d")]);
    }
    // The right one comes too late.
    session.expect(&[("09010203d579b0", "0901020d"), (NAM, "0101000a"), ("0a80", "0a0001deadbeef")]);
    session.engine.begin(Mode::NetworkInitiated);
    session.expect(&[("0a80", "0a0001deadbeef"), ("09010203d579b0", "09010200"), (NAM, "01010000")]);
}

#[test]
fn a_user_may_keep_the_network_from_beginning() {
    let mut phone = Handset::new();
    phone.otapa_enabled = false;
    let mut session = Session::network_initiated(phone);
    session.expect(&[("0a80", "0a0100"), (PRL_WHOLE, "080006000012"), ("0a00", "0a0600")]);
    // What he begins himself is not touched by it.
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[(PRL_WHOLE, "080000000012")]);
}
