use super::*;
use crate::unpack::zlib::{Parameters, zlib};

fn sum(kind: Check, plain: &[u8]) -> Vec<u8> {
    let mut sum = Checksum::new(kind);
    sum.update(plain);
    (0..).map_while(|at| sum.octet(at)).collect()
}

fn content() -> Vec<u8> {
    (0..500_u32).flat_map(|n| format!("line {}\n", n * n % 91).into_bytes()).collect()
}

fn found(image: &[u8]) -> Vec<(Format, Range<usize>)> {
    streams(image, 1 << 20).into_iter().map(|found| (found.format, found.range())).collect()
}

#[test]
fn check_values_are_the_published_ones() {
    // RFC 1950 and RFC 1952 give the sums; these are those of "123456789"
    assert_eq!(sum(Check::Crc, b"123456789"), [0x26, 0x39, 0xF4, 0xCB, 9, 0, 0, 0]);
    assert_eq!(sum(Check::Adler, b"123456789"), [0x09, 0x1E, 0x01, 0xDE]);
    assert_eq!(sum(Check::Adler, &[0xFF; 6000]), {
        let (one, two) = std::iter::repeat_n(0xFF_u64, 6000).fold((1, 0), |(one, two), octet| {
            let one = (one + octet) % 65521;
            (one, (two + one) % 65521)
        });
        u32::try_from(two << 16 | one).unwrap().to_be_bytes()
    });
    assert_eq!(sum(Check::None, b"123456789"), []);
}

#[test]
fn gzip_files_with_every_field_are_found() {
    let plain = content();
    let body = zlib(&plain, Parameters::default());
    for flags in 0..0x20_u8 {
        let mut image = vec![0xEE; 50];
        image.extend([0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 0, 3]);
        if flags & 4 != 0 {
            image.extend([3, 0, 1, 2, 3]);
        }
        if flags & 8 != 0 {
            image.extend(b"name\0");
        }
        if flags & 16 != 0 {
            image.extend(b"what it is\0");
        }
        if flags & 2 != 0 {
            image.extend([5, 6]);
        }
        let start = image.len();
        image.extend(&body);
        image.extend(sum(Check::Crc, &plain));
        let end = image.len();
        image.extend([0xEE; 50]);
        assert_eq!(found(&image), [(Format::Gzip, start..end)], "{flags:x}");
    }
}

#[test]
fn zlib_streams_are_found_with_their_window() {
    let plain = content();
    for window_bits in 9..=15 {
        let body = zlib(&plain, Parameters { window_bits, ..Parameters::default() });
        let method = u8::try_from((window_bits - 8) << 4 | 8).unwrap();
        let flags = (0..31).find(|flags| u16::from_be_bytes([method, *flags]).is_multiple_of(31)).unwrap();
        let image = [&[1, 2, 3, method, flags][..], &body, &sum(Check::Adler, &plain), &[9; 9]].concat();
        let streams = streams(&image, 1 << 20);
        assert_eq!(streams.len(), 1, "{window_bits}");
        let Content::Deflate { window_bits: found, .. } = streams[0].content else {
            panic!("of another sort")
        };
        assert_eq!(i32::from(found), window_bits);
        assert_eq!(streams[0].range(), 5..image.len() - 9);
        assert_eq!(streams[0].plain(), plain);
    }
}

#[test]
fn entries_of_zip_archives_are_found() {
    let plain = content();
    let body = zlib(&plain, Parameters::default());
    let crc = sum(Check::Crc, &plain);
    let mut image = b"PK\x03\x04\x14\0\0\0\x08\0\x12\x34\x56\x78".to_vec();
    image.extend(&crc[..4]);
    image.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    image.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
    image.extend([4, 0, 2, 0]);
    image.extend(b"a.js\x01\x02");
    let start = image.len();
    image.extend(&body);
    let end = image.len();
    image.extend([0; 30]);
    assert_eq!(found(&image), [(Format::Zip, start..end)]);
    // sizes that stand behind the entry, and encryption
    for flag in [8, 1] {
        let mut other = image.clone();
        other[6] |= flag;
        assert_eq!(found(&other), []);
    }
}

#[test]
fn what_only_looks_like_a_stream_is_not_found() {
    let plain = content();
    let good = [&[0x78, 0x9C][..], &zlib(&plain, Parameters::default()), &sum(Check::Adler, &plain)].concat();
    assert_eq!(found(&good).len(), 1);
    for at in (2..good.len()).step_by(5) {
        let mut broken = good.clone();
        broken[at] ^= 4;
        assert_eq!(found(&broken), [], "octet {at}");
    }
    assert_eq!(found(&good[..good.len() - 1]), []);
    assert!(streams(&good, plain.len() - 1).is_empty(), "it holds more than is allowed");
    let noise: Vec<u8> =
        (0..200_000_u32).map(|n| (n.wrapping_mul(0x9E37_79B1) >> 13).to_le_bytes()[0]).collect();
    assert_eq!(found(&noise), []);
}
