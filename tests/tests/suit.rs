//! Packages with a SUIT envelope: a device takes them as it takes plain ones, refuses every altered octet of their
//! envelope, and tools that know nothing of Kedge read them (`tests/suit/read.py`, tools from PyPI; point `KEDGE_PYTHON`
//! at an interpreter that has them).
use std::process::Command;

use kedge_generator::{Layout, Signer, suit, suit_envelope};
use kedge_package::limits::HEADER_LEN;
use kedge_package::{Header, Layout as PackageLayout};
use kedge_platform_sim::nor::Nor;
use kedge_tests::figure;
use kedge_tests::life::Life;
use kedge_tests::update::{Case, Content, image_pair};
use kedge_update_agent::{Error, Progress, Refusal, Update, UpdateResult};

type Flash = Nor<8, 256>;

/// A case whose package has a SUIT envelope.
fn case(content: Content, layout: PackageLayout) -> Case {
    let (old, new) = image_pair(1200, 256, 11);
    let plain = Case::new(&old, &new, content, layout, 256, 256);
    let package = suit(&plain.package, &Signer::test_key()).unwrap();
    // a CBOR sequence: a byte string of 11 octets, which is the header, and tag 107
    assert_eq!((usize::from(package[0] & 0x1F) + 1, package[0] >> 5), (HEADER_LEN, 2));
    assert_eq!(&package[HEADER_LEN..HEADER_LEN + 2], b"\xD8\x6B");
    Case::with_package(&old, &new, package, layout, 256, 256)
}

#[test]
fn a_device_takes_it_as_a_plain_one() {
    for (content, layout) in [
        (Content::Full, Layout::Slot),
        (Content::Delta, Layout::Slot),
        (Content::Full, Layout::InPlace),
        (Content::Delta, Layout::InPlace),
    ] {
        let case = case(content, layout);
        let mut life = Life::new(case.device::<4, 256>(1));
        life.finish(&case).unwrap_or_else(|what| panic!("{content:?}, {layout:?}: {what}"));
    }
}

#[test]
fn every_altered_octet_of_the_envelope_is_refused_before_anything_is_erased() {
    let good = case(Content::Delta, Layout::Slot);
    let header = Header::parse(good.package.first_chunk().unwrap()).unwrap();
    for at in 0..HEADER_LEN + usize::from(header.envelope) {
        let mut bad = good.clone();
        bad.package[at] ^= 1 << (at % 8);
        let mut flash: Flash = bad.device(1);
        let mut update = Update::mount(&mut flash, bad.layout).unwrap();
        let before = flash.dump()[..bad.layout.package.start as usize].to_vec();
        let refused = bad.receive(&mut update, &mut flash, 1000);
        assert!(matches!(refused, Err(Error::Refused(_))), "octet {at}: {refused:?}");
        assert_eq!(flash.dump()[..bad.layout.package.start as usize], before, "octet {at}");
    }
}

/// The manifest changes on the flash between the order and the restart; the signed digest does not.
#[test]
fn a_manifest_that_changes_after_the_check_is_not_applied() {
    let case = case(Content::Delta, Layout::Slot);
    let mut flash: Flash = case.device(1);
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    case.receive(&mut update, &mut flash, 1000).unwrap();
    let mut other = case.package.clone();
    // the version it installs, which SUIT's own fields do not tell
    let at = other.windows(3).position(|octets| octets == b"\x03\x612").expect("the version is there");
    other[at + 2] = b'3';
    flash.load(case.layout.package.start, &other).unwrap();
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    let ended = case.apply(&mut update, &mut flash);
    match ended {
        Ok(Progress::Ended(outcome)) => {
            assert_eq!(outcome.result, UpdateResult::Refused(Refusal::BadSignature));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_tools_read_it() {
    let case = case(Content::Delta, Layout::InPlace);
    let python = std::env::var_os("KEDGE_PYTHON").unwrap_or_else(|| "python3".into());
    let path = std::env::temp_dir().join(format!("kedge-{}.suit", std::process::id()));
    std::fs::write(&path, suit_envelope(&case.package).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/suit/read.py");
    let key = Signer::test_key().public_key().map(|octet| format!("{octet:02x}")).concat();
    let output = Command::new(&python).arg(script).arg(&path).arg(key).output();
    std::fs::remove_file(&path).unwrap();
    let Ok(output) = output else {
        figure!("skipped: there is no python3 (or KEDGE_PYTHON)");
        return;
    };
    let printed = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(3) {
        figure!("skipped: {printed}(pip install cbor2 pycose taylor-suit, or KEDGE_PYTHON)");
        return;
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{complaints}");
    for line in printed.lines().filter(|line| line.starts_with("ok ")) {
        figure!("SUIT: {}", &line[3..]);
    }
}
