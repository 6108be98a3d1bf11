//! Streams in images: found, and their recipes.
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use kedge_delta::bits::{Decoder, Position};
use kedge_repack::lzma::{Decisions, Filter, Framing, From, Maker, Room, Unknown};

use super::{Feed, Parsed};
use crate::coder::Encoder;
use crate::unpack::Carried;
use crate::unpack::find::{Found, streams};
use crate::{Coding, Installed, Layout, Release, Signer, Target, create};

/// What the program `xz` makes of octets; `None` if there is no such program.
fn xz(arguments: &[&str], octets: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new("xz")
        .args(["--compress", "--stdout"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: there is no program xz");
        return None;
    };
    let mut input = child.stdin.take().unwrap();
    let octets = octets.to_vec();
    let feeder = std::thread::spawn(move || input.write_all(&octets));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success(), "xz {arguments:?}");
    Some(output.stdout)
}

/// Words in an order that never comes again, but for the words.
fn text(len: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for n in 0u32.. {
        let word = n.wrapping_mul(n).wrapping_mul(0x9E37_79B1) >> 25;
        text.extend(format!("{} ", word.wrapping_mul(0x85EB_CA77)).bytes());
        if text.len() >= len {
            break;
        }
    }
    text.truncate(len);
    text
}

/// All streams.
fn find(image: &[u8]) -> Vec<Found> {
    streams(image, 1 << 28)
}

/// The recipe of a stream, which the device's code makes the stream of.
fn recipe(found: &Found, image: &[u8], old: Option<&Found>) -> Vec<u8> {
    let packed = &image[found.body.clone()];
    let parsed = found.lzma().unwrap();
    let room = Room::of(&parsed.stream);
    let mut words = vec![0; room.words()];
    let mut maker = Maker::new(room, &mut words).unwrap();
    let mut encoder = Encoder::new();
    let old = old.and_then(Found::lzma);
    parsed.code(&mut maker, &mut encoder, packed, old);
    let recipe = encoder.finish();
    let notes = old.map(Parsed::notes).unwrap_or_default();
    let old = old.and_then(|old| Decisions::new(&notes, old.stream.plain, old.stream.tokens));
    let mut feed = Feed(recipe.iter());
    let mut position = Position::start(&mut feed).unwrap();
    let mut bits = Decoder::new(&mut position, feed);
    let plain = parsed.filtered();
    let mut made = vec![0; packed.len() + 1];
    maker.start(parsed.stream).unwrap();
    let n = maker.fill(&mut bits, From { plain: &plain, old }, &mut Unknown, &mut made).unwrap();
    assert!(made[..n] == *packed);
    recipe
}

#[test]
fn streams_are_found_wherever_they_are() {
    let plain = text(200_000);
    let settings: [&[&str]; 6] = [
        &["-6"],
        &["--check=sha256", "--arm", "--lzma2=preset=1"],
        &["--block-size=50000", "--check=crc32", "-0"],
        &["--check=none", "--x86", "--lzma2=preset=6"],
        &["--format=lzma", "-3"],
        &["--format=lzma", "--lzma1=lc=0,lp=2,pb=0,dict=1536KiB"],
    ];
    // noise before, between and behind, with what headers start with in it
    let mut image = [b"\xFD7zXZ\0 but not really", &[0x5D, 0, 0, 1, 0][..], &[7; 100]].concat();
    let mut expected = Vec::new();
    for arguments in settings {
        let Some(file) = xz(arguments, &plain) else { return };
        expected.push((image.len(), file.len(), arguments));
        image.extend(file);
        image.extend([0x5D, 0xFD, 0x37]);
    }
    let found = find(&image);
    for (start, len, arguments) in expected {
        let here: Vec<&Found> =
            found.iter().filter(|found| (start..start + len).contains(&found.body.start)).collect();
        let held: Vec<u8> = here.iter().flat_map(|found| found.plain().to_vec()).collect();
        assert!(held == plain, "{arguments:?}");
        assert_eq!(here.len(), if arguments[0].starts_with("--block") { 4 } else { 1 }, "{arguments:?}");
        for found in here {
            recipe(found, &image, None);
        }
    }
    assert_eq!(found.len(), 9);
    assert_eq!(found[1].lzma().unwrap().stream.filter, Filter::Arm);
    assert!(matches!(found[7].lzma().unwrap().stream.framing, Framing::Bare { marked: true, .. }));
}

#[test]
fn what_cannot_be_undone_is_left_alone() {
    let plain = text(5000);
    for arguments in [&["--delta=dist=4", "--lzma2=preset=1"][..], &["--x86", "--arm", "--lzma2=preset=1"]] {
        let Some(file) = xz(arguments, &plain) else { return };
        assert_eq!(find(&file).len(), 0, "{arguments:?}");
    }
    let Some(mut file) = xz(&["-6"], &plain) else { return };
    assert_eq!(find(&file).len(), 1);
    file.truncate(file.len() / 2);
    assert_eq!(find(&file).len(), 0, "its end is missing");
}

/// The kernel pair, on the flash model: octets of every peer are above 2.6 million. The wish is a quarter of them.
#[test]
fn a_kernel_takes_a_ninth_of_what_it_takes_compressed() {
    let corpus =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/firmware/linux-armel-zimage");
    let [old, new] = ["old.bin", "new.bin"].map(|name| std::fs::read(corpus.join(name)));
    let (Ok(old), Ok(new)) = (old, new) else {
        println!("skipped: there is no corpus");
        return;
    };
    let release = Release {
        product: "test",
        version: "2",
        security_counter: 0,
        description: "",
        notes: "",
        image: &new,
    };
    let installed = Installed { version: "1", image: &old };
    let target = Target { layout: Layout::Slot, block_size: 1 << 16 };
    let coding = Coding { ram: 64 << 20, ..Coding::default() };
    let made = create(&release, &installed, target, &coding, &Signer::test_key()).unwrap();
    let carried: Vec<_> =
        made.report.streams.iter().map(|stream| (stream.start, stream.plain, stream.carried)).collect();
    println!(
        "{} octets of payload, {} of memory; {carried:?}",
        made.report.payload, made.report.needs.memory
    );
    let [(26_213, 7_926_084, Carried::Unpacked), (26_213, 7_926_468, Carried::Decided(decisions))] =
        carried[..]
    else {
        panic!("{carried:?}");
    };
    assert!(decisions * 19 < new.len(), "{decisions}");
    assert!(made.report.payload * 9 < new.len(), "{}", made.report.payload);
    assert!(made.report.needs.memory <= coding.ram);
}
