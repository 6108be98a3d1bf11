//! What is recognised in real images, and that nothing else than a typed error comes of broken ones.

use super::*;
use proptest::prelude::*;
use std::path::PathBuf;

/// An image of the corpus; `None`, with a reason, if the corpus is not there.
fn corpus(name: &str) -> Option<Vec<u8>> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../../../shared/corpus/firmware", name].iter().collect();
    let octets = std::fs::read(&path).ok();
    if octets.is_none() {
        println!("skipped: there is no {}", path.display());
    }
    octets
}

/// What is known about a pair of images.
struct Expected {
    name: &'static str,
    arch: Arch,
    /// The least and the most octets that are code.
    code: (u32, u32),
    /// What is to add to a place in the largest region of code for its address.
    base: u32,
    /// Some address of the RAM; 0: none is to be found.
    ram: u32,
}

/// Architectures, addresses and RAM: the corpus's own description, the chips' data sheets. How much is code: measured, and seen
/// right in a disassembly at the borders.
const CORPUS: [Expected; 11] = [
    Expected {
        name: "simba-sam3x",
        arch: Arch::Thumb,
        code: (61_000, 62_000),
        base: 0x0008_0000,
        ram: 0x2007_0000,
    },
    Expected {
        name: "mpy-microbit-dot",
        arch: Arch::Thumb,
        code: (167_000, 169_000),
        base: 0,
        ram: 0x2000_0000,
    },
    Expected { name: "mpy-microbit", arch: Arch::Thumb, code: (167_000, 179_000), base: 0, ram: 0x2000_0000 },
    Expected { name: "seabios-x86", arch: Arch::X86, code: (146_000, 150_000), base: 0x000c_0000, ram: 0 },
    Expected {
        name: "mpy-stm32f4",
        arch: Arch::Thumb,
        code: (222_000, 226_000),
        base: 0x0802_0000,
        ram: 0x2000_0000,
    },
    Expected {
        name: "mpy-esp8266",
        arch: Arch::Xtensa,
        code: (480_000, 510_000),
        base: 0x4020_0000,
        ram: 0x3fff_0000,
    },
    Expected {
        name: "uboot-rpi4",
        arch: Arch::AArch64,
        code: (475_000, 485_000),
        base: 0x0008_0000,
        ram: 0x0012_a000,
    },
    Expected {
        name: "st7789-esp32c3",
        arch: Arch::RiscV,
        code: (1_265_000, 1_266_500),
        base: 0x41fa_0000,
        ram: 0x3fc9_6000,
    },
    Expected {
        name: "st7789-esp32",
        arch: Arch::Xtensa,
        code: (1_260_000, 1_264_000),
        base: 0x4006_0000,
        ram: 0x3ffc_4000,
    },
    Expected { name: "linux-armel-zimage", arch: Arch::Arm, code: (25_000, 26_200), base: 0, ram: 0 },
    Expected {
        name: "libcrypto-arm64",
        arch: Arch::AArch64,
        code: (2_380_000, 2_385_000),
        base: 0,
        ram: 0x0045_4000,
    },
];

fn is_code(region: &Region) -> bool {
    super::span::is_code(region.arch)
}

#[test]
fn the_corpus_is_recognised() {
    for Expected { name, arch, code, base, ram: place } in CORPUS {
        let mut both = Vec::new();
        for which in ["old.bin", "new.bin"] {
            let Some(octets) = corpus(&format!("{name}/{which}")) else { return };
            let regions = regions(&octets, Hint::default());
            cover(octets.len(), &regions);
            let found = regions.iter().filter(|region| is_code(region));
            let len: u32 = found.clone().map(|region| region.len).sum();
            assert!((code.0..=code.1).contains(&len), "{name}/{which}: {len} octets of code");
            let largest = found.clone().max_by_key(|region| region.len).unwrap();
            assert_eq!((largest.arch, largest.high), (arch, 0), "{name}/{which}");
            assert_eq!(largest.address.wrapping_sub(largest.start), base, "{name}/{which}");
            let others = found.filter(|region| region.arch != arch);
            assert!(name == "seabios-x86" || others.count() == 0, "{name}/{which}");
            let inside = |(start, len): (u32, u32)| (start..start + len).contains(&place);
            assert_eq!(ram(&octets, &regions).map(inside), (place != 0).then_some(true), "{name}/{which}");
            both.push(regions);
        }
        let [old, new] = both.as_slice() else { panic!("two images") };
        let shape = |regions: &[Region]| regions.iter().map(|region| region.arch).collect::<Vec<_>>();
        assert_eq!(shape(old), shape(new), "{name}");
        let joined: (Vec<Region>, Vec<Region>) = pairs(old, new).into_iter().unzip();
        assert_eq!((&joined.0, &joined.1), (old, new), "{name}");
    }
}

/// Containers tell the truth about the same octets without the container's mark. Per mille of code and of data that must be
/// found; the code section of libcrypto holds tables, the largest of 148 KiB (constants of an elliptic curve).
#[test]
fn statistics_agree_with_containers() {
    let mille = [("libcrypto-arm64", 880, 999), ("st7789-esp32c3", 998, 990), ("st7789-esp32", 970, 990)];
    for (name, least_code, least_data) in mille {
        let Some(mut octets) = corpus(&format!("{name}/old.bin")) else { return };
        let truth = regions(&octets, Hint::default());
        octets[0] = 0;
        let found = regions(&octets, Hint::default());
        let [mut code, mut data, mut right_code, mut right_data] = [0; 4];
        for at in (0..u32::try_from(octets.len()).unwrap()).step_by(64) {
            let real = region(&truth, at);
            let right = u32::from(
                region(&found, at).arch == real.arch || !is_code(real) && !is_code(region(&found, at)),
            );
            if is_code(real) {
                (code, right_code) = (code + 1, right_code + right);
            } else {
                (data, right_data) = (data + 1, right_data + right);
            }
        }
        println!("{name}: {right_code} of {code} pieces of code, {right_data} of {data} of data");
        assert!(right_code * 1000 >= code * least_code && right_data * 1000 >= data * least_data, "{name}");
    }
}

fn region(regions: &[Region], at: u32) -> &Region {
    regions.iter().rev().find(|region| region.start <= at).unwrap()
}

/// Octets without any pattern: Marsaglia's xorshift32.
fn packed(words: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    (0..words).flat_map(|_| word().to_le_bytes()).collect()
}

#[test]
fn packed_octets_are_no_code() {
    let octets = packed(1 << 18);
    let all = Region { start: 0, len: 1 << 20, address: 0, high: 0, arch: Arch::Data };
    assert_eq!(regions(&octets, Hint::default()), [all]);
    assert_eq!(ram(&octets, &[all]), None);
}

#[test]
fn packed_octets_behind_code_are_no_code() {
    let Some(mut octets) = corpus("mpy-microbit/old.bin") else { return };
    let len = u32::try_from(octets.len()).unwrap();
    octets.extend(packed(1 << 20));
    let regions = regions(&octets, Hint::default());
    cover(octets.len(), &regions);
    assert_eq!((regions[0].arch, regions[0].address), (Arch::Thumb, 0));
    assert!(regions.iter().all(|region| region.start + region.len <= len || !is_code(region)));
}

#[test]
fn a_hint_replaces_what_is_found() {
    let Some(octets) = corpus("mpy-stm32f4/old.bin") else { return };
    let data = regions(&octets, Hint { arch: Some(Arch::Data), base: Some(0x1000) });
    assert_eq!(data, [Region { start: 0, len: 318_368, address: 0x1000, high: 0, arch: Arch::Data }]);
    let based = regions(&octets, Hint { arch: Some(Arch::Thumb), base: Some(0x0900_0000) });
    assert_eq!((based[0].arch, based[0].address), (Arch::Thumb, 0x0900_0000));
    let other = regions(&octets, Hint { arch: Some(Arch::Xtensa), base: None });
    assert_eq!(other.iter().map(|region| region.arch).collect::<Vec<_>>(), [Arch::Xtensa]);
}

#[test]
fn a_raw_image_and_its_intel_hex_are_the_same() {
    let Some(octets) = corpus("mpy-microbit/old.bin") else { return };
    let record = |octets: Vec<u8>| {
        let sum = octets.iter().fold(0_u8, |sum, octet| sum.wrapping_sub(*octet));
        let digits: Vec<String> = octets.iter().chain([&sum]).map(|octet| format!("{octet:02X}")).collect();
        format!(":{}\r\n", digits.concat())
    };
    let mut file = String::new();
    for (number, line) in octets.chunks(16).enumerate() {
        let [_, page, high, low] = u32::try_from(16 * number).unwrap().to_be_bytes();
        if (high, low) == (0, 0) {
            file += &record(vec![2, 0, 0, 4, 0, page]);
        }
        file += &record([&[u8::try_from(line.len()).unwrap(), high, low, 0], line].concat());
    }
    file += &record(vec![2, 0, 0, 4, 0x10, 0]);
    file += &record(vec![4, 0x10, 0x14, 0, 1, 2, 3, 4]);
    file += &record(vec![0, 0, 0, 1]);
    let firmware = read(file.as_bytes()).unwrap();
    assert!(firmware.octets == octets);
    assert_eq!((firmware.base, firmware.form), (Some(0), Form::Hex));
    assert_eq!(firmware.left_out, [(0x1000_1014, 4)]);
}

#[test]
fn what_is_not_a_known_form_is_taken_as_it_is() {
    let firmware = read(b"anything").unwrap();
    assert_eq!((&*firmware.octets, firmware.base, firmware.form), (&b"anything"[..], None, Form::Raw));
    assert_eq!(read(b"").unwrap_err(), Error::Empty);
}

/// In order, without a gap, none empty, not too many.
fn cover(len: usize, regions: &[Region]) {
    let mut at = 0;
    for region in regions {
        assert_eq!(region.start, at);
        assert!(region.len > 0);
        at += region.len;
    }
    assert_eq!(usize::try_from(at).unwrap(), len);
    assert!(regions.len() <= MOST_REGIONS);
}

/// Starts of files of every known kind, to be broken.
fn starts() -> impl Strategy<Value = Vec<u8>> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut zimage = words(&[0xe1a0_0000; 9]);
    zimage.extend(words(&[0x016f_2818]));
    let mut linux = vec![0; 56];
    linux.extend(b"ARM\x64");
    prop::sample::select(vec![
        vec![],
        b":1000000000".to_vec(),
        b":020000040800F2\n:04".to_vec(),
        words(&[0x0a32_4655, 0x9e5d_5157, 0, 0, 256]),
        b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x28\0\x01\0\0\0\0\0\0\0\x34\0\0\0\x34\0\0\0".to_vec(),
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0\x01\0\0\0".to_vec(),
        vec![0xe9, 2, 0, 0x20, 0, 0, 0x08, 0x40, 0, 0, 0, 0, 0, 0],
        vec![0xea, 4, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0],
        words(&[0x96f3_b83d, 0, 0x20, 64]),
        words(&[0x5619_0527, 0, 0, 0x2000_0000]),
        words(&[0xedfe_0dd0, 0x0002_0000, 0x2800_0000, 0x2800_0000, 0, 0x1100_0000, 0x1000_0000, 0, 0, 0]),
        words(&[0x2000_4000, 0x101, 0x103, 0x105]),
        zimage,
        linux,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn broken_files_are_no_trouble(
        start in starts(), rest in prop::collection::vec(any::<u8>(), 0..2048),
        broken in prop::option::of((0..64_usize, any::<u8>())), base in any::<Option<u32>>()
    ) {
        let mut file = [start, rest].concat();
        if let Some((at, value)) = broken && let Some(octet) = file.get_mut(at) {
            *octet = value;
        }
        if let Ok(firmware) = read(&file) {
            prop_assert!(!firmware.octets.is_empty() && firmware.octets.len() <= MAX_LEN);
        }
        let regions = regions(&file, Hint { arch: None, base });
        cover(file.len(), &regions);
        prop_assert_eq!(&regions, &super::regions(&file, Hint { arch: None, base }));
        let _guess = ram(&file, &regions);
        let joined = pairs(&regions, &regions);
        prop_assert!(joined.iter().all(|(old, new)| old == new));
    }
}

/// Real images, cut anywhere and with a few octets changed.
#[test]
fn damaged_images_are_no_trouble() {
    for name in ["mpy-esp8266", "uboot-rpi4", "libcrypto-arm64", "st7789-esp32"] {
        let Some(octets) = corpus(&format!("{name}/old.bin")) else { return };
        for cut in [1, 7, 8, 9, 23, 24, 33, 63, 100, 511, 1000, 4097, 65_535, 200_003] {
            let mut octets = octets[..cut].to_vec();
            cover(cut, &regions(&octets, Hint::default()));
            octets.truncate(4097);
            for at in (0..octets.len().min(128)).step_by(3) {
                octets[at] ^= 0x81;
                cover(octets.len(), &regions(&octets, Hint::default()));
                octets[at] ^= 0x81;
            }
        }
    }
}
