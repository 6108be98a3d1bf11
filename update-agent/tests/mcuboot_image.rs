//! MCUboot images: made by hand for each fault, and by MCUboot's own `imgtool` (PyPI) where it is installed. Point
//! `KEDGE_IMGTOOL` at it if it is not on the path.
use std::path::Path;
use std::process::Command;

use kedge_platform::crypto::Sha256;
use kedge_platform::flash::Region;
use kedge_platform_crypto::{SoftCrypto, SoftSha256};
use kedge_platform_sim::nor::Nor;
use kedge_update_agent::handover::mcuboot::{
    Checking, Flag, ImageInfo, Magic, MaxAlign, SwapType, Trailer, Version, WrongImage, next_swap,
};

type Flash = Nor<8, 4096>;
type Fault = WrongImage<kedge_platform_sim::nor::Error>;
const SLOT: Region = Region::new(4096, 5 * 4096);

/// Checks `octets` as the content of a slot.
fn check(octets: &[u8]) -> Result<ImageInfo, Fault> {
    let mut flash = Flash::new(8);
    flash.load(SLOT.start, octets).unwrap();
    let mut checking = Checking::<SoftCrypto>::begin(&mut flash, SLOT)?;
    loop {
        if let Some(info) = checking.step(&mut flash)? {
            return Ok(info);
        }
    }
}

fn tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).unwrap();
    [&kind.to_le_bytes()[..], &len.to_le_bytes(), value].concat()
}

fn area(magic: u16, tlvs: &[Vec<u8>]) -> Vec<u8> {
    let body = tlvs.concat();
    let len = u16::try_from(body.len() + 4).unwrap();
    [&magic.to_le_bytes()[..], &len.to_le_bytes(), &body].concat()
}

/// An image of 5000 octets of firmware behind a header of 64, with a security counter.
fn image() -> Vec<u8> {
    let protected = area(0x6908, &[tlv(0x50, &9u32.to_le_bytes())]);
    let mut octets = Vec::new();
    octets.extend(0x96F3_B83D_u32.to_le_bytes());
    octets.extend([0; 4]);
    octets.extend(64u16.to_le_bytes());
    octets.extend(u16::try_from(protected.len()).unwrap().to_le_bytes());
    octets.extend(5000u32.to_le_bytes());
    octets.extend([0; 4]);
    octets.extend([1, 2, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
    octets.resize(64, 0);
    octets.extend((0..5000u32).map(|n| n.to_le_bytes()[0] ^ 0x5A));
    octets.extend(protected);
    let mut hash = SoftSha256::default();
    hash.update(&octets);
    octets.extend(area(0x6907, &[tlv(0x01, &[7; 32]), tlv(0x10, &hash.finish())]));
    octets
}

#[test]
fn a_right_image_is_taken_and_described() {
    let octets = image();
    let info = check(&octets).unwrap();
    assert_eq!(info.version, Version { major: 1, minor: 2, revision: 3, build: 4 });
    assert_eq!(info.version.to_string(), "1.2.3+4");
    assert_eq!((info.security_counter, info.size as usize), (Some(9), octets.len()));
}

#[test]
fn every_altered_octet_that_the_hash_covers_is_found() {
    let good = image();
    let tlvs = 64 + 5000 + 12;
    for at in (0..tlvs).chain(good.len() - 32..good.len()) {
        if (100..5000).contains(&at) && at % 97 != 0 {
            continue;
        }
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let found = check(&bad);
        assert!(found.is_err(), "octet {at}: {found:?}");
    }
}

#[test]
fn each_fault_has_its_name() {
    let good = image();
    let tlvs = 64 + 5000 + 12;
    let changed = |at: usize, octets: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + octets.len()].copy_from_slice(octets);
        check(&bad).unwrap_err()
    };
    let at = |offset: usize| WrongImage::Tlvs { at: u32::try_from(offset).unwrap() };
    assert_eq!(changed(0, &[0]), WrongImage::Header);
    assert_eq!(changed(8, &[31, 0]), WrongImage::Header);
    assert_eq!(changed(16, &[4]), WrongImage::NotPlain);
    assert_eq!(changed(16, &[0, 2]), WrongImage::NotPlain);
    assert_eq!(changed(12, &[0xFF; 4]), WrongImage::TooLong);
    assert_eq!(changed(12, &[0, 0x50, 0, 0]), WrongImage::TooLong);
    assert_eq!(changed(64 + 5000, &[7]), at(64 + 5000));
    assert_eq!(changed(10, &[13]), at(64 + 5000));
    assert_eq!(changed(tlvs, &[8]), at(tlvs));
    assert_eq!(changed(tlvs + 2, &[3, 0]), at(tlvs));
    assert_eq!(changed(tlvs + 2, &[0xFF, 0xFF]), WrongImage::TooLong);
    assert_eq!(changed(tlvs + 6, &[0xFF, 0]), at(tlvs + 4));
    assert_eq!(changed(tlvs + 4 + 36, &[0x11]), WrongImage::NoHash);
    assert_eq!(changed(80, &[0, 0, 0]), WrongImage::WrongHash);
    assert_eq!(check(&[0xFF; 4096]), Err(WrongImage::Header));
}

/// The tool, or nothing after telling why the test is skipped.
fn imgtool() -> Option<std::ffi::OsString> {
    let tool = std::env::var_os("KEDGE_IMGTOOL").unwrap_or_else(|| "imgtool".into());
    match Command::new(&tool).arg("version").output() {
        Ok(output) if output.status.success() => Some(tool),
        _ => {
            println!("skipped: imgtool is not installed (pip install imgtool, or KEDGE_IMGTOOL)");
            None
        }
    }
}

fn run(tool: &std::ffi::OsStr, dir: &Path, arguments: &[&str]) {
    let output = Command::new(tool).current_dir(dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_imgtool_makes_reads_as_it_was_told() {
    let Some(tool) = imgtool() else { return };
    let dir = std::env::temp_dir().join(format!("kedge-imgtool-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let firmware: Vec<u8> = (0..6000u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    std::fs::write(dir.join("firmware.bin"), firmware).unwrap();
    run(&tool, &dir, &["keygen", "-t", "ed25519", "-k", "key.pem"]);
    let mut read = 0;
    for (align, max) in [("8", MaxAlign::A8), ("16", MaxAlign::A16), ("32", MaxAlign::A32)] {
        for (pad, swap) in [("--pad", SwapType::Test), ("--confirm", SwapType::Permanent)] {
            for counter in [None, Some(77)] {
                for key in [None, Some("key.pem")] {
                    let counter_text = counter.map(|n: u32| n.to_string());
                    let mut arguments = vec!["sign", "--align", align, "-v", "3.4.500+60000", "-H", "0x100"];
                    arguments.extend(["--pad-header", "-S", "20480", "-M", "5", "--sha", "256", pad]);
                    arguments.extend(counter_text.iter().flat_map(|n| ["-s", n]));
                    arguments.extend(key.iter().flat_map(|key| ["-k", *key]));
                    arguments.extend(["firmware.bin", "signed.bin"]);
                    run(&tool, &dir, &arguments);
                    let slot = std::fs::read(dir.join("signed.bin")).unwrap();
                    let info = check(&slot).unwrap();
                    let version = Version { major: 3, minor: 4, revision: 500, build: 60000 };
                    assert_eq!((info.version, info.security_counter), (version, counter));
                    let size = info.size as usize;
                    assert!(size > 6256 && slot[size..].iter().take(1000).all(|octet| *octet == 0xFF));
                    let mut flash = Flash::new(8);
                    flash.load(SLOT.start, &slot).unwrap();
                    let trailer = Trailer::read(&mut flash, SLOT, max);
                    assert_eq!((trailer.magic, trailer.copy_done), (Magic::Good, Flag::Unset));
                    assert_eq!(next_swap(&Trailer::BLANK, &trailer), swap, "{arguments:?}");
                    read += 1;
                }
            }
        }
    }
    std::fs::remove_dir_all(&dir).unwrap();
    println!("imgtool: {read} images read as it was told");
    assert_eq!(read, 24);
}
