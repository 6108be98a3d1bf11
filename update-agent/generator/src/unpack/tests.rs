use kedge_package::Kind;
use kedge_repack::recipe::{Check, Checksum};

use super::zlib::{Parameters, zlib};
use super::{Carried, Format, Stream};
use crate::{Coding, Installed, Layout, Made, Release, Signer, Target, create};

fn numbers(mut seed: u64) -> impl FnMut() -> u32 {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 33).unwrap()
    }
}

/// Text of so many octets.
fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut number = numbers(seed);
    let words: Vec<String> = (0..300)
        .map(|_| {
            (0..2 + number() % 9).map(|_| char::from(b'a' + u8::try_from(number() % 26).unwrap())).collect()
        })
        .collect();
    let mut text = String::new();
    while text.len() < len {
        let (a, b) = (number() as usize % words.len(), number() as usize % words.len());
        text.push_str(&words[a.min(b)]);
        text.push(' ');
    }
    text.truncate(len);
    text.into_bytes()
}

fn check(kind: Check, plain: &[u8]) -> Vec<u8> {
    let mut sum = Checksum::new(kind);
    sum.update(plain);
    (0..).map_while(|at| sum.octet(at)).collect()
}

fn with_zlib_header(plain: &[u8], parameters: Parameters) -> Vec<u8> {
    let body = zlib(plain, parameters);
    [&[0x78, 0x9C][..], &body, &check(Check::Adler, plain)].concat()
}

fn with_gzip_header(plain: &[u8], parameters: Parameters) -> Vec<u8> {
    let body = zlib(plain, parameters);
    [&b"\x1F\x8B\x08\x08\x01\x02\x03\x04\x00\x03name\0"[..], &body, &check(Check::Crc, plain)].concat()
}

fn made(old: &[u8], new: &[u8], layout: Layout, ram: u32) -> Made {
    let release = Release {
        product: "test",
        version: "2",
        security_counter: 0,
        description: "",
        notes: "",
        image: new,
    };
    let installed = Installed { version: "1", image: old };
    let target = Target { layout, block_size: 4096 };
    let coding = Coding { ram, ..Coding::default() };
    create(&release, &installed, target, &coding, &Signer::test_key()).unwrap()
}

/// Two releases with streams in them, and the same with what the streams hold.
fn pair() -> [(Vec<u8>, Vec<u8>); 2] {
    let code = text(9, 20_000);
    let level = |level| Parameters { level, ..Parameters::default() };
    let build = |change: &str| {
        let changed = |seed, len, at: usize| {
            let mut plain = text(seed, len);
            plain.splice(at..at, change.bytes());
            plain
        };
        let (one, two, three) = (changed(1, 30_000, 700), changed(2, 90_000, 40_000), text(3, 10_000));
        let streams = [
            with_zlib_header(&one, level(1)),
            with_gzip_header(&two, level(6)),
            with_zlib_header(&three, level(6)),
        ];
        let packed =
            [&code[..9000], &streams[0], &code[9000..9100], &streams[1], &streams[2], &code[9100..]].concat();
        let plain = [&code[..9000], &one, &code[9000..9100], &two, &three, &code[9100..]].concat();
        (packed, plain)
    };
    let (old, new) = (build("before"), build("afterwards, longer"));
    [(old.0, new.0), (old.1, new.1)]
}

#[test]
fn a_delta_of_streams_is_about_as_small_as_one_of_their_content() {
    let [(old, new), (plain_old, plain_new)] = pair();
    let packed = made(&old, &new, Layout::Slot, 1 << 20).report;
    let plain = made(&plain_old, &plain_new, Layout::Slot, 1 << 20).report;
    assert!(packed.payload <= plain.payload + 80, "{} for {}", packed.payload, plain.payload);
    let carried = |stream: &Stream| (stream.is_new, stream.format, stream.carried);
    let list: Vec<_> = packed.streams.iter().map(carried).collect();
    assert!(
        matches!(
            list[..],
            [
                (false, Format::Zlib, Carried::Unpacked),
                (false, Format::Gzip, Carried::Unpacked),
                (false, Format::Zlib, Carried::Same),
                (true, Format::Zlib, Carried::Remade(one, ..=16)),
                (true, Format::Gzip, Carried::Remade(six, ..=16)),
                (true, Format::Zlib, Carried::Same),
            ] if one.level == 1 && six.level == 6
        ),
        "{list:?}"
    );
}

#[test]
fn without_memory_or_in_place_streams_are_carried_as_they_are() {
    let [(old, new), _] = pair();
    let small = made(&old, &new, Layout::Slot, 16 << 10);
    let kinds: Vec<Carried> = small.report.streams.iter().map(|stream| stream.carried).collect();
    assert_eq!(kinds.iter().filter(|carried| **carried == Carried::Memory).count(), 4, "{kinds:?}");
    let in_place = made(&old, &new, Layout::InPlace, 1 << 20);
    let kinds = in_place.report.streams.iter().map(|stream| stream.carried);
    assert!(kinds.clone().all(|carried| matches!(carried, Carried::Same | Carried::InPlace)));
    assert_eq!(kinds.filter(|carried| *carried == Carried::InPlace).count(), 4);
}

#[test]
fn the_kind_is_told_by_the_manifest() {
    let [(old, new), _] = pair();
    let Made { package, report } = made(&old, &new, Layout::Slot, 1 << 20);
    let manifest = crate::check::read_manifest(&package).unwrap();
    assert_eq!(manifest.payload.kind, Kind::Unpacked);
    assert_eq!(manifest.payload.needs, report.needs);
    assert!(report.needs.memory <= 1 << 20);
}
