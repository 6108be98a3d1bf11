//! Streams of real encoders, taken apart and made again.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::*;
use crate::unpack::zlib::{Parameters, zlib};

fn numbers(mut seed: u64) -> impl FnMut() -> u32 {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 33).unwrap()
    }
}

/// Contents of every kind: their name and their octets.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let mut number = numbers(1);
    let words: Vec<String> = (0..400)
        .map(|_| {
            (0..2 + number() % 9).map(|_| char::from(b'a' + u8::try_from(number() % 26).unwrap())).collect()
        })
        .collect();
    let mut text = String::new();
    while text.len() < 80_000 {
        let (a, b) = (number() as usize % words.len(), number() as usize % words.len());
        text.push_str(&words[a.min(b)]);
        text.push(if number().is_multiple_of(12) { '\n' } else { ' ' });
    }
    let mut code = Vec::new();
    while code.len() < 60_000 {
        let register = number() & 7;
        let opcode = [0x4601, 0x6800, 0xF7FF_FFFE, 0x2000, 0xB510, 0xBD10, 0x4770][number() as usize % 7];
        code.extend((opcode | register << 3 | (number() & 3) << 16).to_le_bytes());
    }
    let random: Vec<u8> = (0..150_000).map(|_| number().to_le_bytes()[1]).collect();
    let runs: Vec<u8> =
        (0..100).flat_map(|_| vec![number().to_le_bytes()[1] & 3; 1 + number() as usize % 90]).collect();
    let few: Vec<u8> = (0..4000).map(|_| number().to_le_bytes()[1] & 1).collect();
    let mixed = [&text.as_bytes()[..30_000], &random[..40_000], &code[..30_000], &random[..20_000]].concat();
    // copies from about as far away as the window reaches
    let far: Vec<u8> =
        random[..32_600].iter().chain(&random[..32_600]).chain(&random[100..400]).copied().collect();
    vec![
        ("nothing", Vec::new()),
        ("one octet", vec![0x41]),
        ("two octets", vec![0x41, 0x41]),
        ("a word", b"abcabcabcabc".to_vec()),
        ("small text", text.as_bytes()[..3000].to_vec()),
        ("text", text.into_bytes()),
        ("code", code),
        ("random", random),
        ("runs", runs),
        ("few", few),
        ("mixed", mixed),
        ("same", vec![7; 66_000]),
        ("far", far),
    ]
}

/// Does the same with every content, some at a time.
fn with_contents(each: impl Fn(&str, &[u8]) + Sync) {
    crate::unpack::in_parallel(contents(), |(name, plain)| each(name, &plain));
}

/// Takes a stream apart and makes it again; returns what the corrections take, in octets.
fn again(what: &str, plain: &[u8], stream: &[u8]) -> usize {
    let parsed = Parsed::read(stream, plain.len()).unwrap_or_else(|| panic!("{what}: is no stream"));
    assert_eq!(parsed.len, stream.len(), "{what}");
    assert!(parsed.plain == plain, "{what}: other plain octets");
    let recipe = Recipe::find(&parsed, stream, 15).unwrap_or_else(|| panic!("{what}: cannot be made again"));
    decode(what, &parsed, &recipe, stream);
    recipe.cost
}

/// The device's side: only the recipe and the plain octets are known.
struct Reader<'a> {
    decoder: kedge_delta::bits::Decoder<'a, Feed<'a>>,
    plain: &'a [u8],
}

impl Bits for Reader<'_> {
    type Error = Infallible;

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Infallible> {
        self.decoder.bit(p, bit)
    }
}

impl Side for Reader<'_> {
    fn plain(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let (front, rest) = self.plain.split_at(out.len());
        out.copy_from_slice(front);
        self.plain = rest;
        Ok(())
    }
}

fn decode(what: &str, parsed: &Parsed, recipe: &Recipe, stream: &[u8]) {
    let mut words = vec![0; correct::WORDS];
    let mut model = Model::new(&mut words).unwrap();
    let mut bits = Encoder::new();
    model.manner(&mut bits, recipe.manner).unwrap();
    recipe.code(parsed, &mut bits, &mut model);
    let octets = bits.finish();
    model.reset();
    let mut feed = Feed(&octets);
    let mut position = kedge_delta::bits::Position::start(&mut feed).unwrap();
    let decoder = kedge_delta::bits::Decoder::new(&mut position, feed);
    let mut reader = Reader { decoder, plain: &parsed.plain };
    let manner = model.manner(&mut reader, Manner::zlib(6, 8)).unwrap();
    assert_eq!(manner, recipe.manner, "{what}");
    let plain = small(parsed.plain.len());
    let room = Room::new(&manner, plain);
    let mut words = vec![0; room.words()];
    let mut maker = Maker::new(room, &mut words).unwrap();
    maker.start(manner, plain).unwrap();
    let mut made: Vec<u8> = Vec::new();
    let mut out = [0; 37];
    loop {
        let n =
            maker.fill(&mut reader, &mut model, &mut out).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        made.extend(&out[..n]);
        if n < out.len() {
            break;
        }
    }
    assert!(made == stream, "{what}: the device makes another stream");
    assert!(maker.is_over() && reader.plain.is_empty(), "{what}");
}

/// More corrections than this are some; flags of what is right take this much.
const NONE: usize = 16;

/// zlib's streams need no corrections.
#[test]
fn zlib_is_imitated_at_every_level() {
    with_contents(|name, plain| {
        for level in 0..=9 {
            for memory in [8, 9].into_iter().take(if [1, 4, 6, 9].contains(&level) { 2 } else { 1 }) {
                let what = format!("{name}, level {level}, memory {memory}");
                let stream = zlib(plain, Parameters { level, memory, ..Parameters::default() });
                let cost = again(&what, plain, &stream);
                assert!(cost <= NONE, "{what}: {cost} octets of corrections for {}", stream.len());
            }
        }
    });
}

/// Smaller windows, smaller hash tables and blocks, and the strategy of PNG.
#[test]
fn zlibs_other_parameters_are_imitated_too() {
    with_contents(|name, plain| {
        if plain.len() > 100_000 {
            return;
        }
        for memory in [1, 2, 4, 7] {
            let what = format!("{name}, memory {memory}");
            let stream = zlib(plain, Parameters { memory, ..Parameters::default() });
            let cost = again(&what, plain, &stream);
            // the number of a small stream's only block is not known
            assert!(
                cost <= 40 + stream.len() / 50,
                "{what}: {cost} octets of corrections for {}",
                stream.len()
            );
        }
        for window_bits in [9, 12, 14] {
            let what = format!("{name}, window of 2^{window_bits}");
            let stream = zlib(plain, Parameters { window_bits, ..Parameters::default() });
            let parsed = Parsed::read(&stream, plain.len()).unwrap();
            let recipe = Recipe::find(&parsed, &stream, u8::try_from(window_bits).unwrap()).unwrap();
            decode(&what, &parsed, &recipe, &stream);
            assert!(recipe.cost <= NONE, "{what}: {} octets of corrections", recipe.cost);
        }
        let stream = zlib(plain, Parameters { strategy: libz_sys::Z_FILTERED, ..Parameters::default() });
        let cost = again(name, plain, &stream);
        assert!(cost <= NONE, "{name}, filtered: {cost} octets of corrections for {}", stream.len());
    });
}

/// What cannot be foreseen is corrected, whatever it is.
#[test]
fn flushed_streams_and_other_strategies_are_corrected() {
    with_contents(|name, plain| {
        if plain.len() > 100_000 {
            return;
        }
        for flush in [libz_sys::Z_PARTIAL_FLUSH, libz_sys::Z_SYNC_FLUSH, libz_sys::Z_FULL_FLUSH] {
            let stream = zlib(plain, Parameters { piece: 5000, flush, ..Parameters::default() });
            again(&format!("{name}, flush {flush}"), plain, &stream);
        }
        for strategy in [libz_sys::Z_HUFFMAN_ONLY, libz_sys::Z_RLE, libz_sys::Z_FIXED] {
            let stream = zlib(plain, Parameters { strategy, ..Parameters::default() });
            again(&format!("{name}, strategy {strategy}"), plain, &stream);
        }
    });
}

/// Other encoders decide otherwise: their streams come out right all the same, for a price.
#[test]
fn other_encoders_are_corrected() {
    let prices = Mutex::new((0, 0));
    with_contents(|name, plain| {
        if plain.len() > 100_000 {
            return;
        }
        let try_it = |what: String, stream: &[u8]| {
            let cost = again(&what, plain, stream);
            let mut prices = prices.lock().unwrap();
            *prices = (prices.0 + cost, prices.1 + stream.len());
        };
        for level in [1, 6] {
            let stream = miniz_oxide::deflate::compress_to_vec(plain, level);
            try_it(format!("{name}, miniz {level}"), &stream);
        }
        for level in [1, 6, 12] {
            let mut encoder = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(level).unwrap());
            let mut out = vec![0; encoder.deflate_compress_bound(plain.len())];
            let len = encoder.deflate_compress(plain, &mut out).unwrap();
            try_it(format!("{name}, libdeflate {level}"), &out[..len]);
        }
    });
    let (cost, len) = prices.into_inner().unwrap();
    assert!(cost < len / 3, "{cost} octets of corrections for {len}");
}

/// The program gzip ends blocks in its own way.
#[test]
fn the_program_gzip_is_imitated() {
    if Command::new("gzip").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: the program gzip is not installed");
        return;
    }
    with_contents(|name, plain| {
        for level in [1, 3, 4, 6, 9] {
            let what = format!("{name}, gzip -{level}");
            let file = gzip(plain, level);
            let stream = &file[10..file.len() - 8];
            let cost = again(&what, plain, stream);
            assert!(cost <= NONE, "{what}: {cost} octets of corrections for {}", stream.len());
        }
    });
}

fn gzip(plain: &[u8], level: i32) -> Vec<u8> {
    let mut gzip = Command::new("gzip")
        .args(["-c", "-n", &format!("-{level}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let plain = plain.to_vec();
    let feeder = std::thread::spawn(move || input.write_all(&plain).unwrap());
    let output = gzip.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(output.status.success());
    output.stdout
}
