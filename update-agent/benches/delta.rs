//! `cargo bench -p kedge-update-agent`: how small coded deltas are and how fast they decode, over the firmware pairs of the
//! developer set (or those named as arguments), in place, small profile. What is measured against, bsdiff and xz, is run
//! beside it on the same pairs, so ratios do not depend on the machine. All other peers: `kedge delta compare --corpus`.

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use kedge_delta::map::Region;
use kedge_delta::plan::Step;
use kedge_delta::rebuild::{Input, Outline, Rebuild};
use kedge_generator::image::MOST_REGIONS;
use kedge_generator::{Carried, Coding, Installed, Layout, Made, Release, Signer, Target, create};

mod corpus;

use corpus::{Pair, cell, geometric_mean, pairs};

/// A sector of most NOR parts.
const BLOCK: u32 = 4096;
/// A decoder is run until so much time has passed, and at least once.
const ENOUGH: Duration = Duration::from_millis(500);

fn main() {
    // `cargo test --benches` starts this too
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("skipped: only cargo bench runs this");
        return;
    }
    let Some(pairs) = pairs() else { return };
    for program in ["bsdiff", "bspatch", "xz"].into_iter().filter(|program| !is_installed(program)) {
        println!("{program} is not installed (tests/peers/install.sh): its columns stay empty");
    }
    println!(
        "{:20} {:>9} {:>9} {:>9} {:>9}  {:>8} {:>8}  {:>7} {:>9} {:>9}",
        "in place, small", "new", "kedge", "bsdiff", "xz", "/ bsdiff", "/ xz", "make s", "MB/s", "/ bspatch"
    );
    let place = std::env::temp_dir().join(format!("kedge-bench-{}", std::process::id()));
    fs::create_dir_all(&place).expect("the temporary directory can be written");
    let rows: Vec<Row> = pairs.iter().map(|pair| row(pair, &place)).collect();
    let mean = |of: fn(&Row) -> Option<f64>| cell(geometric_mean(rows.iter().filter_map(of)));
    println!(
        "{:20} {:>9} {:>9} {:>9} {:>9}  {:>8} {:>8}  {:>7.1} {:>9} {:>9}",
        "geometric mean",
        "",
        "",
        "",
        "",
        mean(|row| row.to_bsdiff),
        mean(|row| row.to_xz),
        rows.iter().map(|row| row.seconds).sum::<f64>(),
        mean(|row| Some(row.speed)),
        mean(|row| row.to_bspatch)
    );
    for (name, level) in [("mpy-stm32f4", 6), ("uboot-rpi4", 9)] {
        if let Some(pair) = pairs.iter().find(|pair| pair.name == name) {
            compressed(pair, level);
        }
    }
    if let Some(pair) = pairs.iter().find(|pair| pair.name == "linux-armel-zimage") {
        kernel(pair);
    }
    let _ = fs::remove_dir_all(place);
}

/// Parts of an image that are compressed in it: where each begins and ends, in sixteenths, and whether the container is gzip's or zlib's.
const PACKED: [(usize, usize, bool); 3] = [(1, 5, true), (6, 9, false), (10, 15, true)];
/// RAM of a Linux device.
const PLENTY: u32 = 64 << 20;

/// A pair with parts of both images compressed, in a slot: its delta, and that of the same images unpacked.
fn compressed(pair: &Pair, level: u32) {
    let pack = |image: &[u8]| {
        let mut packed = Vec::new();
        let mut end = 0;
        for (from, to, gzip) in PACKED {
            let part = image.len() / 16 * from..image.len() / 16 * to;
            packed.extend(&image[end..part.start]);
            end = part.end;
            packed.extend(stream(&image[part], level, gzip));
        }
        packed.extend(&image[end..]);
        packed
    };
    let (old, new) = (pack(&pair.old), pack(&pair.new));
    let packed = Pair { name: pair.name.clone(), folder: pair.folder.clone(), old, new };
    let make = |pair: &Pair, ram| make_for(pair, Layout::Slot, ram).report.payload;
    let (unpacked, as_octets) = (make(pair, 128 << 10), make(&packed, 128 << 10));
    let start = Instant::now();
    let made = make_for(&packed, Layout::Slot, PLENTY);
    println!(
        "{:20} {:>9} {:>9} of streams of level {level}, made again with {} KiB of RAM; unpacked {unpacked}: {:.3}; as octets \
         {as_octets}; {:.1} s",
        format!("{} compressed", pair.name),
        packed.new.len(),
        made.report.payload,
        made.report.needs.memory >> 10,
        mega(made.report.payload) / mega(unpacked),
        start.elapsed().as_secs_f64()
    );
}

/// A kernel compressed by xz, into a slot of a Linux device.
fn kernel(pair: &Pair) {
    let start = Instant::now();
    let made = make_for(pair, Layout::Slot, PLENTY);
    let decisions = made.report.streams.iter().find_map(|stream| match stream.carried {
        Carried::Decided(octets) => Some(octets),
        _ => None,
    });
    println!(
        "{:20} {:>9} {:>9}, {} of them the decisions of xz's encoder, made again with {} KiB of RAM; {:.1} s",
        format!("{} in a slot", pair.name),
        pair.new.len(),
        made.report.payload,
        decisions.unwrap_or(0),
        made.report.needs.memory >> 10,
        start.elapsed().as_secs_f64()
    );
}

/// A part compressed by zlib.
fn stream(part: &[u8], level: u32, gzip: bool) -> Vec<u8> {
    let level = Compression::new(level);
    if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), level);
        encoder.write_all(part).and_then(|()| encoder.finish()).expect("memory takes everything")
    } else {
        let mut encoder = ZlibEncoder::new(Vec::new(), level);
        encoder.write_all(part).and_then(|()| encoder.finish()).expect("memory takes everything")
    }
}

/// What came out for a pair.
struct Row {
    to_bsdiff: Option<f64>,
    to_xz: Option<f64>,
    seconds: f64,
    /// Of the decoder, in 10^6 octets of the new image a second.
    speed: f64,
    to_bspatch: Option<f64>,
}

fn row(pair: &Pair, place: &Path) -> Row {
    let start = Instant::now();
    let Made { package, report } = make(pair);
    let seconds = start.elapsed().as_secs_f64();
    let payload = &package[package.len() - report.payload..];
    let speed = mega(pair.new.len()) / decode_seconds(pair, payload, report.needs.memory);
    let bsdiff = bsdiff(pair, place);
    let xz = output_len(Command::new("xz").args(["-9e", "-k", "-c"]).arg(pair.folder.join("new.bin")));
    let share = |other: Option<usize>| other.map(|other| mega(payload.len()) / mega(other));
    let row = Row {
        to_bsdiff: share(bsdiff.map(|(bytes, _)| bytes)),
        to_xz: share(xz),
        seconds,
        speed,
        to_bspatch: bsdiff.map(|(_, seconds)| speed / (mega(pair.new.len()) / seconds)),
    };
    let bytes = |bytes: Option<usize>| bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
    println!(
        "{:20} {:>9} {:>9} {:>9} {:>9}  {:>8} {:>8}  {:>7.1} {:>9.2} {:>9}",
        pair.name,
        pair.new.len(),
        payload.len(),
        bytes(bsdiff.map(|(bytes, _)| bytes)),
        bytes(xz),
        cell(row.to_bsdiff),
        cell(row.to_xz),
        row.seconds,
        row.speed,
        cell(row.to_bspatch)
    );
    row
}

fn make(pair: &Pair) -> Made {
    make_for(pair, Layout::InPlace, Coding::default().ram)
}

fn make_for(pair: &Pair, layout: Layout, ram: u32) -> Made {
    let release = Release {
        product: "bench",
        version: "2",
        security_counter: 0,
        description: "",
        notes: "",
        image: &pair.new,
    };
    let installed = Installed { version: "1", image: &pair.old };
    let target = Target { layout, block_size: BLOCK };
    let coding = Coding { ram, ..Coding::default() };
    create(&release, &installed, target, &coding, &Signer::test_key()).expect("a package is made")
}

/// How long the device's decoder takes for the whole image, from RAM to RAM.
fn decode_seconds(pair: &Pair, payload: &[u8], memory: u32) -> f64 {
    let small = |len: usize| u32::try_from(len).expect("images are below 1 GiB");
    let outline = Outline {
        payload: small(payload.len()),
        old_size: small(pair.old.len()),
        new_size: small(pair.new.len()),
        block: BLOCK,
        in_place: true,
    };
    let mut words = vec![0; memory.div_ceil(4) as usize];
    let mut regions = [Region::BLANK; MOST_REGIONS];
    let mut input = Ram { payload, old: &pair.old };
    let (start, mut runs) = (Instant::now(), 0_u32);
    while runs == 0 || start.elapsed() < ENOUGH {
        let mut rebuild = Rebuild::open(outline, &mut words, &mut regions, &mut input)
            .expect("a package that was rehearsed");
        assert!(
            black_box(decode(&mut rebuild, &mut input, &pair.old)) == pair.new,
            "{} comes out wrong",
            pair.name
        );
        runs += 1;
    }
    start.elapsed().as_secs_f64() / f64::from(runs)
}

fn decode(rebuild: &mut Rebuild<'_>, input: &mut Ram<'_>, old: &[u8]) -> Vec<u8> {
    let outline = *rebuild.outline();
    let mut new = vec![0; outline.new_size as usize];
    let mut left = outline.blocks();
    while left > 0 {
        let step = rebuild.step(input).expect("a package that was rehearsed");
        let (Step::Make(block) | Step::Keep(block)) = step else {
            while rebuild.piece(input).expect("a package that was rehearsed").is_some() {}
            continue;
        };
        let (start, len) = outline.extent(block);
        let place = start as usize..(start + len) as usize;
        match step {
            Step::Make(_) => {
                rebuild.fill(input, &mut new[place]).expect("a package that was rehearsed");
                rebuild.placed(block);
            }
            _ => new[place.clone()].copy_from_slice(&old[place]),
        }
        left -= 1;
    }
    new
}

/// Payload and old image; the old image stays whole.
struct Ram<'a> {
    payload: &'a [u8],
    old: &'a [u8],
}

impl Input for Ram<'_> {
    type Error = std::convert::Infallible;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.payload[at as usize..][..out.len()]);
        Ok(())
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.old[at as usize..][..out.len()]);
        Ok(())
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        self.old(at, out)
    }
}

/// The size of a patch of bsdiff, and the seconds that bspatch takes for it; `None`: not installed.
fn bsdiff(pair: &Pair, place: &Path) -> Option<(usize, f64)> {
    let (patch, made) = (place.join("patch"), place.join("made"));
    let old = pair.folder.join("old.bin");
    let done = Command::new("bsdiff").arg(&old).arg(pair.folder.join("new.bin")).arg(&patch).status().ok()?;
    let start = Instant::now();
    let applied = Command::new("bspatch").arg(&old).arg(&made).arg(&patch).status().ok()?;
    let seconds = start.elapsed().as_secs_f64();
    let right = done.success() && applied.success() && fs::read(&made).ok()? == pair.new;
    assert!(right, "bsdiff makes another {}", pair.name);
    Some((usize::try_from(fs::metadata(&patch).ok()?.len()).ok()?, seconds))
}

fn output_len(command: &mut Command) -> Option<usize> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then_some(output.stdout.len())
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|place| place.join(program).is_file())
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn mega(octets: usize) -> f64 {
    octets as f64 / 1e6
}
