//! `kedge_package::dump`: what a package holds, with offsets, and broken ones up to the fault.
use kedge_generator::Layout;
use kedge_package::{Error, ErrorKind, dump};
use kedge_tests::update::{Case, Content, image_pair};
use proptest::prelude::*;

fn package(content: Content) -> Vec<u8> {
    let (old, new) = image_pair(900, 256, 11);
    Case::new(&old, &new, content, Layout::InPlace, 256, 256).package
}

fn shown(package: &[u8]) -> (String, Result<(), Error>) {
    let mut text = String::new();
    let fault = dump(package, &mut text);
    (text, fault)
}

#[test]
fn a_delta_is_shown_to_its_last_op() {
    let (text, fault) = shown(&package(Content::Plain));
    assert_eq!(fault, Ok(()));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "000000  header: envelope 240 octets, payload 120 octets");
    assert_eq!(lines[1], "00000c  envelope: COSE_Sign1, EdDSA, key id 6b656467652d74657374");
    assert_eq!(lines[2], "000022    1 product: \"kedge-test\"");
    assert_eq!(lines[13], "00008c    12 payload size: 120");
    assert!(lines[17].starts_with("0000bc  signature "), "{}", lines[17]);
    assert_eq!(
        lines[18..],
        [
            "0000fc  payload: Delta, 4 blocks, Descending",
            "000118    block 3: image 0x300 +164, crc 3419f708, from 0x0..0x384",
            "000166      0x300 copy 164 from 0x2e0, 5 changed in 6 runs",
            "000110    block 2: image 0x200 +256, crc e21881fe, from 0x0..0x300",
            "000154      0x200 copy 256 from 0x1e0, 7 changed in 8 runs",
            "000108    block 1: image 0x100 +256, crc f383a829, from 0x0..0x200",
            "000124      0x100 copy 85 from 0x100",
            "000127      0x155 literal 32",
            "000148      0x175 copy 139 from 0x155, 3 changed in 4 runs",
            "000100    block 0: image 0x0 +256, unchanged",
        ]
    );
}

#[test]
fn a_full_image_is_shown_by_its_blocks() {
    let package = package(Content::Full);
    let (text, fault) = shown(&package);
    assert_eq!(fault, Ok(()));
    assert!(text.contains("payload: Full, 4 blocks, Ascending"), "{text}");
    assert!(text.ends_with("  block 3: image 0x300 +164, stored\n"), "{text}");
    let (same, fault) = shown(&[&package[..], &[0]].concat());
    assert_eq!((same, fault), (text, Err(Error::new(ErrorKind::Trailing, package.len()))));
}

#[test]
fn a_truncated_package_is_shown_up_to_the_fault() {
    for content in [Content::Full, Content::Delta] {
        let package = package(content);
        let whole = shown(&package).0;
        for len in 0..package.len() {
            let (text, fault) = shown(&package[..len]);
            let error = fault.expect_err("it is truncated");
            assert!(error.at <= len, "{len}: {error}");
            assert!(whole.starts_with(&text), "{len}: {text}");
        }
    }
}

proptest! {
    /// Altered packages and other octets: shown as far as they make sense, the fault inside them.
    #[test]
    fn any_octets_are_shown(
        full: bool,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        noise in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut package = package(if full { Content::Full } else { Content::Delta });
        for (at, value) in changes {
            let at = at.index(package.len());
            package[at] = value;
        }
        for octets in [&package[..], &noise] {
            if let (_, Err(error)) = shown(octets) {
                prop_assert!(error.at <= octets.len(), "{}", error);
            }
        }
    }
}
