//! `kedge prl`: lists shown, checked and made.

mod sample;

use kedge::command::Exit;
use sample::kedge;

/// `is683.md` 12.5: a classic list, the same with a wrong check value, an extended list of a real card profile.
const CLASSIC: &str = "001200008000400121000280005000006EDB";
const WRONG: &str = "001200000000400121000280005000006EDB";
const CARD: &str = "00810000030001800004000A040164030B0B04016403F50A040A5808190B040A580C970A0231130B0230C871C0020010\
    1F0100C8FFFF00800038E0080000800071E01200101F0100C8FFFF00800038E0180000800071C02200101F0100C8FFFF\
    00808038E0280000808071E00200101F0100C8FFFF00808038E008000080802B6B";

fn scratch(name: &str) -> String {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).display().to_string()
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

#[test]
fn lists_are_shown_as_tables() {
    let answer = kedge(&["prl", "show", CLASSIC]);
    assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""));
    for part in ["classic roaming list 0, 18 octets", "system A, primary channel", "SID 1 NID 0"] {
        assert!(answer.out.contains(part), "{part:?} is not in\n{}", answer.out);
    }
    let answer = kedge(&["prl", "show", CARD]);
    assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""));
    for part in [
        "extended roaming list 0, 129 octets",
        "generic HRPD",
        "0:356 0:1013",
        "001/01, SID 200 NID 65535",
        "HRPD, any subnet",
    ] {
        assert!(answer.out.contains(part), "{part:?} is not in\n{}", answer.out);
    }
}

#[test]
fn lists_are_checked() {
    let answer = kedge(&["prl", "check", CARD]);
    assert_eq!(answer.exit, Exit::Passed, "{}", answer.err);
    assert_eq!(
        answer.out,
        "extended list 0, 129 octets: 6 acquisition records, 8 systems, check value right\n"
    );
    for (list, more, why) in [
        (WRONG, &[][..], "kedge: broken roaming list of 18 octets: list check value wrong\n"),
        (&CLASSIC[..34], &[], "kedge: broken roaming list of 17 octets: list length wrong\n"),
        (CARD, &["--max", "100"], "kedge: the list has 129 octets, 100 are allowed\n"),
        (CARD, &["--format", "classic"], "kedge: broken roaming list of 129 octets: list structure: "),
    ] {
        let answer = kedge(&[&["prl", "check", list], more].concat());
        assert_eq!((answer.exit, answer.out.as_str()), (Exit::Failed, ""), "{list}");
        assert!(answer.err.starts_with(why), "{list}: {}", answer.err);
    }
}

/// What `show --text` writes, `make` takes; the list is the same, octet for octet.
#[test]
fn a_list_survives_its_text() {
    let (text, list) = (scratch("card.txt"), scratch("card.prl"));
    let answer = kedge(&["prl", "show", "--text", CARD]);
    assert_eq!(answer.exit, Exit::Passed, "{}", answer.err);
    std::fs::write(&text, &answer.out).unwrap();
    let made = kedge(&["prl", "make", &text, "-o", &list]);
    assert_eq!(made.exit, Exit::Passed, "{}", made.err);
    assert_eq!(std::fs::read(&list).unwrap(), octets(CARD));
}

const EVERYTHING: &str = "
format extended   # every kind of record
id 4711
pref-only no
default-roam 5
acq analog A
acq cdma any either
acq cdma-channels 283 384
acq cdma-preferred B
acq pcs-blocks A F any
acq pcs-channels 25 2047
acq jtacs A secondary
acq jtacs-channels 76
acq 2ghz-channels 100
acq 1x 0:356 31:2047
acq hrpd 1:600
acq type 15 00ff10
acq type 16
subnet 0a0b0c
subnet ff
sys sid 4139 acq 0 roam 1 pri
sys sid 1 nid 7 acq 1 forbidden geo
sys hrpd /0 acq 2 roam 0
sys hrpd aabbccddeeff001180/65 common 4 acq 10 roam 2 geo tag 3 pn data
sys mcc 310 mnc 00 subtype 0 acq 3 roam 0
sys mcc 310 mnc 410 subtype 1 of 200 of 65535 acq 3 roam 0
sys mcc 001 mnc 01 subtype 2 of 200:65535 acq 3 roam 64 tag 0
sys mcc 001 mnc 01 subtype 3 of 80/1 of a0b0/12 acq 3 forbidden
sys raw 2a80000000
";

#[test]
fn every_kind_of_record_is_made_and_shown_again() {
    let (text, again, list) = (scratch("all.txt"), scratch("again.txt"), scratch("all.prl"));
    std::fs::write(&text, EVERYTHING).unwrap();
    let made = kedge(&["prl", "make", &text, "-o", &list]);
    assert_eq!(made.exit, Exit::Passed, "{}", made.err);
    let shown = kedge(&["prl", "show", "--text", &list]);
    let plain = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap().trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    assert_eq!(plain(&shown.out), plain(EVERYTHING));
    std::fs::write(&again, &shown.out).unwrap();
    let first = std::fs::read(&list).unwrap();
    assert_eq!(kedge(&["prl", "make", &again, "-o", &list]).exit, Exit::Passed);
    assert_eq!(std::fs::read(&list).unwrap(), first);
    assert_eq!(kedge(&["prl", "check", &list]).exit, Exit::Passed);
    assert_eq!(kedge(&["prl", "show", &list]).exit, Exit::Passed);
}

#[test]
fn wrong_texts_are_told_by_their_line() {
    let text = scratch("wrong.txt");
    for (line, why) in [
        ("acq cdma A", "line 5: a word is missing"),
        ("acq cdma A primary more", "line 5: unexpected word \"more\""),
        ("acq morse A", "line 5: unknown type \"morse\""),
        ("acq 1x 32:0", "line 5: 32:0 is no band class and channel"),
        ("id 2", "line 5: said twice"),
        ("sys acq 0 roam 0", "line 5: a system is named by sid, hrpd, mcc or raw"),
        ("sys sid 1 acq 0", "line 5: a system has a roaming indicator, or is forbidden"),
        ("sys sid 32768 acq 0 roam 0", "line 5: a SID has 15 bits"),
        ("sys sid 1 acq 0 roam 0", "list structure"),
        ("colour red", "line 5: unknown word \"colour\""),
    ] {
        std::fs::write(&text, format!("format classic\nid 1\npref-only yes\ndefault-roam 0\n{line}\n"))
            .unwrap();
        let made = kedge(&["prl", "make", &text, "-o", &scratch("wrong.prl")]);
        assert_eq!(made.exit, Exit::Usage, "{line}");
        assert!(made.err.contains(why), "{line}: {}", made.err);
    }
}
