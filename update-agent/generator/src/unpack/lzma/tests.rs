//! Streams in images: found, and their recipes.
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use kedge_delta::bits::{Decoder, Position};
use kedge_repack::lzma::{Decisions, Filter, Framing, From, Maker, Room, Unknown};

use super::{Feed, Found, find};
use crate::coder::Encoder;

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

/// The recipe of a stream, which the device's code makes the stream of.
fn recipe(found: &Found, image: &[u8], old: Option<&Found>) -> Vec<u8> {
    let packed = &image[found.at..found.end()];
    let room = Room::of(&found.stream);
    let mut words = vec![0; room.words()];
    let mut maker = Maker::new(room, &mut words).unwrap();
    let mut encoder = Encoder::new();
    assert!(found.code(&mut maker, &mut encoder, packed, old), "it can be made again");
    let recipe = encoder.finish();
    let notes = old.map(Found::notes).unwrap_or_default();
    let old = old.and_then(|old| Decisions::new(&notes, old.stream.plain, old.stream.tokens));
    let mut feed = Feed(recipe.iter());
    let mut position = Position::start(&mut feed).unwrap();
    let mut bits = Decoder::new(&mut position, feed);
    let plain = found.filtered();
    let mut made = vec![0; packed.len() + 1];
    maker.start(found.stream).unwrap();
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
            found.iter().filter(|found| (start..start + len).contains(&found.at)).collect();
        let held: Vec<u8> = here.iter().flat_map(|found| found.plain.clone()).collect();
        assert!(held == plain, "{arguments:?}");
        assert_eq!(here.len(), if arguments[0].starts_with("--block") { 4 } else { 1 }, "{arguments:?}");
        for found in here {
            recipe(found, &image, None);
        }
    }
    assert_eq!(found.len(), 9);
    assert_eq!(found[1].stream.filter, Filter::Arm);
    assert!(matches!(found[7].stream.framing, Framing::Bare { marked: true, .. }));
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

/// The kernel pair: the decisions of the new stream's 1.96 million tokens.
#[test]
fn the_decisions_of_a_kernel_take_a_twentieth_of_its_stream() {
    let corpus =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/firmware/linux-armel-zimage");
    let [old, new] = ["old.bin", "new.bin"].map(|name| std::fs::read(corpus.join(name)));
    let (Ok(old), Ok(new)) = (old, new) else {
        println!("skipped: there is no corpus");
        return;
    };
    let [old_found, new_found] = [find(&old), find(&new)];
    let ([old_stream], [new_stream]) = (&old_found[..], &new_found[..]) else {
        panic!("{} and {} streams", old_found.len(), new_found.len());
    };
    assert_eq!((new_stream.at, new_stream.plain.len()), (26_213, 7_926_468));
    let recipe = recipe(new_stream, &new, Some(old_stream));
    println!("{} octets for the decisions of {}", recipe.len(), new_stream.stream.packed);
    assert!(recipe.len() * 20 < new_stream.stream.packed as usize, "{}", recipe.len());
}
