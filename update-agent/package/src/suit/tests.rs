use std::vec::Vec;

use sha2::{Digest, Sha256};

use super::*;
use crate::limits::{ENVELOPE_MAX, HEADER_LEN};
use crate::{Base, Envelope, Image, KeyId, Kind, Layout, Needs, Payload, emit_envelope};

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn example(payload: u32) -> Manifest<'static> {
    Manifest {
        product: "kedge-demo",
        base: Some(Base { version: "1.0.0", image: Image { size: 70_000, sha256: [1; 32] } }),
        version: "1.1.0",
        image: Image { size: 71_000, sha256: [2; 32] },
        security_counter: 3,
        payload: Payload {
            kind: Kind::Delta,
            layout: Layout::InPlace,
            block_size: 4096,
            size: payload,
            sha256: [3; 32],
            needs: Needs::default(),
            reverse: 0,
        },
        description: "Fixes calls",
        notes: "",
    }
}

fn signature(signed: &crate::SigStructure<'_>) -> [u8; 64] {
    let hash = sha256(&signed.parts());
    core::array::from_fn(|n| hash[n % 32] ^ u8::try_from(n).unwrap())
}

fn emitted(manifest: &Manifest<'_>) -> Vec<u8> {
    let mut out = [0; 4096];
    let key_id = KeyId::new(b"k1").unwrap();
    let len = emit_suit(key_id, manifest, sha256, signature, &mut out).unwrap();
    out[..len].to_vec()
}

/// What a device checks of an envelope, with the signature of this test.
fn accepted(octets: &[u8]) -> Option<()> {
    let envelope = Envelope::parse(octets).ok()?;
    if envelope.key_id.octets() != b"k1" || signature(&envelope.signed().ok()?) != envelope.signature {
        return None;
    }
    let suit = envelope.suit()?;
    let manifest = Manifest::parse(envelope.manifest, envelope.manifest_at).ok()?;
    (suit.is_covered(sha256) && suit.agrees(&manifest).is_ok()).then_some(())
}

#[test]
fn reads_what_it_writes() {
    for payload in [900, 0xFFFF, 0x1_0000, u32::MAX] {
        let manifest = example(payload);
        let octets = emitted(&manifest);
        assert_eq!(octets[..4], *b"\xD8\x6B\xA3\x02");
        let envelope = Envelope::parse(&octets).unwrap();
        assert_eq!(Manifest::parse(envelope.manifest, envelope.manifest_at), Ok(manifest));
        let at = envelope.manifest_at - HEADER_LEN;
        assert_eq!(octets[at..at + envelope.manifest.len()], *envelope.manifest);
        assert_eq!(accepted(&octets), Some(()));
    }
}

#[test]
fn the_vendor_is_what_the_documentation_says() {
    assert_eq!(uuid(&sha256(&[b"Kedge SUIT profile 1"])), VENDOR_ID);
    assert_eq!((VENDOR_ID[6] >> 4, VENDOR_ID[8] >> 6), (8, 2), "version and variant");
}

/// The sizes that the documentation tells.
#[test]
fn it_costs_what_the_documentation_says() {
    let notes = "n".repeat(700);
    for product in ["k", "kedge-demo", "12345678901234567890123456789012"] {
        for notes in ["", &notes] {
            let manifest = Manifest { product, notes, ..example(70_000) };
            let mut own = [0; 4096];
            let len = manifest.emit(&mut own).unwrap();
            let mut plain = [0; 4096];
            let plain =
                emit_envelope(KeyId::new(b"k1").unwrap(), &own[..len], signature, &mut plain).unwrap();
            let more = emitted(&manifest).len() - plain;
            assert!((270..=280).contains(&(more - 3 * product.len())), "{product}: {more}");
        }
    }
    let notes = "n".repeat(crate::limits::NOTES_MAX);
    let description = "d".repeat(crate::limits::DESCRIPTION_MAX);
    let long = "p".repeat(crate::limits::NAME_MAX);
    let image = Image { size: u32::MAX >> 2, sha256: [2; 32] };
    let most = u32::MAX;
    let payload = Payload {
        kind: Kind::Coded,
        needs: Needs { memory: most, spare: most, state: most },
        reverse: most - 1,
        ..example(most).payload
    };
    let full = Manifest {
        product: &long,
        base: Some(Base { version: &long, image }),
        version: &long,
        image,
        security_counter: u32::MAX,
        description: &description,
        notes: &notes,
        payload,
    };
    let mut out = [0; 4096];
    let len = emit_suit(KeyId::new(&[7; 16]).unwrap(), &full, sha256, signature, &mut out).unwrap();
    assert!((1800..ENVELOPE_MAX).contains(&len), "the fullest one takes {len}");
}

#[test]
fn no_altered_bit_is_accepted() {
    let good = emitted(&example(70_000));
    for bit in 0..8 * good.len() {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(accepted(&bad), None, "bit {bit}");
    }
    for len in 0..good.len() {
        assert!(Envelope::parse(&good[..len]).is_err(), "truncated to {len}");
    }
    let long = [&good[..], &[0]].concat();
    assert!(Envelope::parse(&long).is_err());
}

/// An envelope signed rightly, but with a SUIT part that tells another story than Kedge's manifest.
#[test]
fn two_stories_are_refused() {
    let octets = emitted(&example(900));
    let envelope = Envelope::parse(&octets).unwrap();
    let suit = *envelope.suit().unwrap();
    assert_eq!(suit.agrees(&example(900)), Ok(()));
    let told = |change: fn(&mut Manifest<'static>)| {
        let mut manifest = example(900);
        change(&mut manifest);
        suit.agrees(&manifest).is_ok()
    };
    assert!(told(|m| m.version = "7"), "SUIT does not tell it");
    assert!(!told(|m| m.product = "kedge-dem0"));
    assert!(!told(|m| m.security_counter = 4));
    assert!(!told(|m| m.image.size += 1));
    assert!(!told(|m| m.image.sha256[31] ^= 1));
    assert!(!told(|m| m.payload.size += 1));
    assert!(!told(|m| m.payload.sha256[0] ^= 1));
}

#[test]
fn other_encodings_are_refused_where_they_stand() {
    let good = emitted(&example(900));
    let find = |what: &[u8]| good.windows(what.len()).position(|octets| octets == what).unwrap();
    // what is found, where in it, what it becomes, and what is wrong where
    let cases: [(&[u8], &[u8], ErrorKind, isize); 7] = [
        (b"\xD8\x6B\xA3", b"\xD9\x00\x6B\xA3", ErrorKind::Unsupported, 0),
        (b"\xD8\x6B\xA3\x02", b"\xD8\x6B\xA4\x02", ErrorKind::Unsupported, 0),
        (b"\x07\x43\x82\x03\x0F", b"\x07\x43\x82\x03\x0E", ErrorKind::Unsupported, 0),
        (b"\xA0\xF6", b"\xA0\xF7", ErrorKind::Unsupported, 0),
        (b"\x47payload", b"\x47Payload", ErrorKind::Unsupported, 0),
        (b"\x68#payload\x15", b"\x68#Payload\x15", ErrorKind::Unsupported, -1),
        (b"\x68#payload\x59", b"\x68#paylord\x59", ErrorKind::Unsupported, 0),
    ];
    for (old, new, kind, error_at) in cases {
        let at = find(old);
        let mut bad = good.clone();
        bad.splice(at..at + old.len(), new.iter().copied());
        let error = Envelope::parse(&bad).unwrap_err();
        let expected = (HEADER_LEN + at).checked_add_signed(error_at).unwrap();
        assert_eq!((error.kind, error.at), (kind, expected), "{old:x?} -> {new:x?}");
    }
    // the payload's length in more octets than it needs
    let mut bad = good.clone();
    let at = good.len() - 3;
    bad.splice(at.., *b"\x5A\x00\x00\x03\x84");
    assert_eq!(Envelope::parse(&bad).unwrap_err().kind, ErrorKind::NotDeterministic);
}

proptest::proptest! {
    #[test]
    fn any_octets_return(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = Envelope::parse(&octets);
        let _ = Envelope::parse(&[&b"\xD8\x6B\xA3\x02"[..], &octets].concat());
    }
}
