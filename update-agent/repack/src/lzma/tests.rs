//! Streams of the program `xz` and of `.lzma` writers, taken apart and made again.
use std::io::Write;
use std::process::{Command, Stdio};
use std::vec;
use std::vec::Vec;
use std::{format, println};

use kedge_delta::bits::{Bits, Decoder, Interval, Octets, Position};
use proptest::prelude::*;

use super::*;

/// Octets, and zeros behind them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed<'a>(&'a [u8]);

impl<'a> Feed<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }
}

impl Octets for Feed<'_> {
    type Error = core::convert::Infallible;

    fn next(&mut self) -> Result<u8, Self::Error> {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
        self.0 = rest;
        Ok(first)
    }
}

/// The other direction of the recipe's coder, as plain as possible.
struct Encoder {
    interval: Interval,
    out: Vec<u8>,
}

impl Bits for Encoder {
    type Error = core::convert::Infallible;

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Self::Error> {
        self.interval = self.interval.narrowed(self.interval.split(p), bit);
        while let Some(octet) = self.interval.settled() {
            self.out.push(octet);
        }
        Ok(bit)
    }
}

/// A stream's chunks and tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Taken {
    chunks: Vec<Chunk>,
    tokens: Vec<Token>,
    turns: Vec<Turn>,
}

impl Witness for Taken {
    fn chunk(&mut self, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn token(&mut self, _: u32, token: Token) {
        self.tokens.push(token);
    }
}

/// Tells it again.
struct Told<'t> {
    chunks: core::slice::Iter<'t, Chunk>,
    tokens: core::slice::Iter<'t, Token>,
    turns: core::slice::Iter<'t, Turn>,
}

impl Taken {
    fn tell(&self) -> Told<'_> {
        Told { chunks: self.chunks.iter(), tokens: self.tokens.iter(), turns: self.turns.iter() }
    }
}

impl Script for Told<'_> {
    fn chunk(&mut self) -> Chunk {
        self.chunks.next().copied().unwrap_or_default()
    }

    fn token(&mut self) -> Token {
        self.tokens.next().copied().unwrap_or_default()
    }

    fn turn(&mut self) -> Turn {
        self.turns.next().copied().unwrap_or_default()
    }
}

/// A stream taken apart, its token count found.
#[derive(Clone, Debug)]
struct Sample {
    stream: Stream,
    packed: Vec<u8>,
    plain: Vec<u8>,
    taken: Taken,
}

fn sample(framing: Framing, packed: &[u8], len: usize) -> Sample {
    let size = |len: usize| u32::try_from(len).unwrap();
    let mut stream =
        Stream { framing, filter: Filter::None, packed: size(packed.len()), plain: size(len), tokens: 0 };
    let mut plain = vec![0; len];
    let mut taken = Taken::default();
    let extent = unpack(framing, &mut Feed(packed), &mut plain, &mut vec![0; CELLS], &mut taken).unwrap();
    assert_eq!(extent, Extent { packed: stream.packed, plain: stream.plain });
    stream.tokens = size(taken.tokens.len());
    Sample { stream, packed: packed.to_vec(), plain, taken }
}

/// All that a maker makes.
fn made<B: Bits>(
    sample: &Sample,
    bits: &mut B,
    old: Option<Decisions<'_>>,
    script: &mut impl Script,
) -> Result<Vec<u8>, Error<B::Error>> {
    let room = Room::of(&sample.stream);
    let mut words = vec![7; room.words()];
    let mut maker = Maker::new(room, &mut words)?;
    maker.start(sample.stream)?;
    let from = From { plain: &sample.plain, old };
    let mut made = Vec::new();
    let mut out = [0; 1000];
    loop {
        let n = maker.fill(bits, from, script, &mut out)?;
        made.extend(&out[..n]);
        if n < out.len() {
            return Ok(made);
        }
    }
}

/// The recipe of a stream, and that it makes the stream.
fn recipe(sample: &Sample, old: Option<Decisions<'_>>) -> Vec<u8> {
    let mut encoder = Encoder { interval: Interval::FULL, out: Vec::new() };
    let packed = made(sample, &mut encoder, old, &mut sample.taken.tell()).unwrap();
    assert!(packed == sample.packed, "what the generator makes");
    let mut recipe = encoder.out;
    recipe.extend(encoder.interval.high.to_be_bytes());
    let mut feed = Feed(&recipe);
    let mut position = Position::start(&mut feed).unwrap();
    let packed = made(sample, &mut Decoder::new(&mut position, feed), old, &mut Unknown).unwrap();
    assert!(packed == sample.packed, "what the device makes");
    recipe
}

/// The decisions of a stream.
fn decisions<'m>(sample: &Sample, words: &'m mut Vec<u32>) -> Decisions<'m> {
    let Stream { framing, plain, tokens, .. } = sample.stream;
    words.resize(Decisions::words(plain, tokens), 0);
    let mut noting = Noting::new(words, plain, tokens).unwrap();
    let mut again = vec![0; sample.plain.len()];
    unpack(framing, &mut Feed(&sample.packed), &mut again, &mut vec![0; CELLS], &mut noting).unwrap();
    noting.finish().unwrap();
    Decisions::new(words, plain, tokens).unwrap()
}

/// What the program `xz` makes of octets; `None` if there is no such program.
fn xz(arguments: &[&str], octets: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new("xz")
        .args(["--compress", "--stdout", "--threads=1"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
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

/// A raw LZMA2 stream of a preset.
fn chunks(preset: &str, octets: &[u8]) -> Option<Sample> {
    let packed = xz(&["--format=raw", &format!("--lzma2=preset={preset}")], octets)?;
    let sample = sample(Framing::Chunks, &packed, octets.len());
    assert!(sample.plain == octets);
    Some(sample)
}

/// Numbers that look like nothing.
fn noise(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 33).unwrap()
    }
}

/// Lines of words.
fn text(len: usize, seed: u64) -> Vec<u8> {
    let mut number = noise(seed);
    let mut text = Vec::new();
    while text.len() < len {
        let line = number();
        for word in 0..3 + line % 9 {
            // some words are frequent
            let word = (number() % 40).min(number() % 900) * (word % 2 + 1);
            text.extend(format!("w{:x} ", word.wrapping_mul(0x9E37_79B1) >> (word % 20)).bytes());
        }
        text.push(b'\n');
    }
    text.truncate(len);
    text
}

/// ARM code as far as its statistics go: a few sorts of words, calls to a few places.
fn code(len: usize, seed: u64) -> Vec<u8> {
    let mut number = noise(seed);
    let mut code = Vec::new();
    while code.len() < len {
        let at = u32::try_from(code.len()).unwrap();
        let word = match number() % 6 {
            0 => 0xEB00_0000 | ((number() % 50 * 0x340).wrapping_sub(at).wrapping_sub(8) >> 2) & 0x00FF_FFFF,
            1 => 0xE590_0000 | (number() % 16) << 12 | (number() % 32) << 2,
            2 => 0xE1A0_0000 | (number() % 16) << 12 | (number() % 16),
            3 => 0xE92D_4010,
            4 => 0xE8BD_8010,
            _ => 0xE350_0000 | (number() % 4),
        };
        code.extend(word.to_le_bytes());
    }
    code.truncate(len);
    code
}

/// Contents of all sorts.
fn contents() -> Vec<Vec<u8>> {
    let mut number = noise(5);
    let random: Vec<u8> = (0..90_000).map(|_| number().to_le_bytes()[0]).collect();
    vec![
        b"x".to_vec(),
        b"abcabcabcab".to_vec(),
        vec![0; 70_000],
        text(200_000, 1),
        code(100_000, 2),
        random.clone(),
        [text(40_000, 3), random, code(90_000, 4), vec![0xFF; 5000], text(40_000, 3)].concat(),
    ]
}

#[test]
fn every_preset_is_made_again() {
    for octets in contents() {
        for preset in 0..=9 {
            // the slow ones once
            for extreme in if octets.len() < 200_000 { &["", "e"][..] } else { &[""] } {
                let Some(sample) = chunks(&format!("{preset}{extreme}"), &octets) else { return };
                let recipe = recipe(&sample, None);
                // raw chunks cost nothing; the rest costs less than the stream
                assert!(
                    recipe.len() < 40 + sample.packed.len() * 6 / 10,
                    "{preset}{extreme}: {} for {}",
                    recipe.len(),
                    sample.packed.len()
                );
            }
        }
    }
}

#[test]
fn all_parameters_are_made_again() {
    let octets = [text(60_000, 7), code(60_000, 8)].concat();
    for props in
        ["lc=0,lp=0,pb=0", "lc=4,pb=4", "lc=0,lp=4,pb=2", "lc=1,lp=3,pb=1", "mode=fast,mf=hc3,nice=8"]
    {
        let arguments = ["--format=raw", &format!("--lzma2={props}")];
        let Some(packed) = xz(&arguments, &octets) else { return };
        let sample = sample(Framing::Chunks, &packed, octets.len());
        assert!(sample.plain == octets);
        recipe(&sample, None);
    }
}

#[test]
fn bare_streams_are_made_again_with_and_without_a_mark() {
    for octets in contents() {
        let Some(file) = xz(&["--format=lzma", "-6"], &octets) else { return };
        let (header, packed) = file.split_at(13);
        let props = Props::from_octet(header[0]).unwrap();
        // the program does not tell the size, so that it needs a mark
        let marked = sample(Framing::Bare { props, marked: true }, packed, octets.len());
        assert!(marked.plain == octets);
        recipe(&marked, None);
    }
    // a chunk of LZMA2 is one without
    let octets = text(30_000, 9);
    let Some(sample_of_chunks) = chunks("6", &octets) else { return };
    let [chunk, _] = sample_of_chunks.taken.chunks[..] else { panic!("more than one chunk") };
    let packed = &sample_of_chunks.packed[6..sample_of_chunks.packed.len() - 1];
    let bare = sample(Framing::Bare { props: chunk.props.unwrap(), marked: false }, packed, octets.len());
    assert!(bare.plain == octets);
    recipe(&bare, None);
}

/// With the old encoder's decisions the recipe is a small part of what it is without.
#[test]
fn the_old_decisions_tell_the_new_ones() {
    let octets = text(400_000, 11);
    let mut changed = octets.clone();
    changed.splice(100_000..100_010, *b"something that was not there");
    changed.splice(300_000..300_100, []);
    let (Some(old), Some(mut new)) = (chunks("6", &octets), chunks("6", &changed)) else { return };
    let mut words = Vec::new();
    let decisions = decisions(&old, &mut words);
    let alone = recipe(&new, None);
    // where tokens leave the places that were inserted, and those that are gone
    let mut at = 0;
    let starts: Vec<u32> = new
        .taken
        .tokens
        .iter()
        .map(|token| {
            let start = at;
            at += token.len;
            start
        })
        .collect();
    let first = u32::try_from(starts.partition_point(|at| *at < 100_028)).unwrap();
    let second = u32::try_from(starts.partition_point(|at| *at < 300_018)).unwrap();
    new.taken.turns = vec![
        Turn { shift: 0, run: first },
        Turn { shift: 18u32.wrapping_neg(), run: second - first },
        Turn { shift: 100, run: 0 },
    ];
    let told = recipe(&new, Some(decisions));
    println!("{} octets, {} with the old decisions, of {}", alone.len(), told.len(), new.packed.len());
    assert!(told.len() * 10 < alone.len() * 7, "{} of {}", told.len(), alone.len());
}

#[test]
fn filters_are_those_of_xz() {
    let arm = code(200_000, 21);
    let mut number = noise(6);
    // every filter's opcodes among octets that look like nothing
    let dense: Vec<u8> = (0..300_000)
        .map(|_| match number() % 9 {
            0..3 => [0xE8, 0xE9, 0xF0, 0xF8, 0x48, 0x94, 0x90, 0xEB][number() as usize % 8],
            3..6 => [0, 0xFF][number() as usize % 2],
            6 => [0x40, 0x7F, 0x97, 0xB0][number() as usize % 4],
            _ => number().to_le_bytes()[0],
        })
        .collect();
    let filters = [
        ("--x86", Filter::X86),
        ("--powerpc", Filter::PowerPc),
        ("--arm", Filter::Arm),
        ("--armthumb", Filter::Thumb),
        ("--sparc", Filter::Sparc),
        ("--arm64", Filter::Aarch64),
    ];
    for (option, filter) in filters {
        for octets in [&arm, &dense, &dense[..7].to_vec(), &dense[..1].to_vec()] {
            let Some(packed) = xz(&["--format=raw", option, "--lzma2=preset=1"], octets) else { return };
            let sample = sample(Framing::Chunks, &packed, octets.len());
            let mut plain = octets.clone();
            filter.run(&mut plain, Way::Apply);
            assert!(plain == sample.plain, "{option}");
            filter.run(&mut plain, Way::Undo);
            assert!(plain == *octets, "{option}");
            recipe(&sample, None);
        }
    }
    for id in 0..12 {
        assert!(Filter::from_id(id).is_none_or(|filter| filter as u64 == id));
    }
}

#[test]
fn too_little_memory_is_told() {
    let stream =
        Stream { framing: Framing::Chunks, filter: Filter::None, packed: 1, plain: 5000, tokens: 900 };
    let room = Room::of(&stream);
    let mut words = vec![0; room.words()];
    assert_eq!(Maker::new(room, &mut words[1..]).unwrap_err(), Fault::Memory { words: room.words() });
    let mut maker = Maker::new(room, &mut words).unwrap();
    assert!(maker.start(stream).is_ok());
    let larger = Stream { plain: 5001, ..stream };
    assert_eq!(maker.start(larger).unwrap_err(), Fault::Memory { words: Room::of(&larger).words() });
    // no streams take no memory
    let mut none = Maker::new(Room::default(), &mut []).unwrap();
    assert!(none.start(stream).is_err());
}

/// Any one octet of a stream changed is noticed, or makes other octets of the same number.
#[test]
fn a_changed_stream_is_no_stream_or_another() {
    let octets = text(3000, 31);
    let Some(sample) = chunks("6", &octets) else { return };
    let mut cells = vec![0; CELLS];
    let mut refused = 0;
    for at in 0..sample.packed.len() {
        let mut packed = sample.packed.clone();
        packed[at] ^= 0x10;
        let mut plain = vec![0; octets.len()];
        let mut taken = Taken::default();
        match unpack(Framing::Chunks, &mut Feed(&packed), &mut plain, &mut cells, &mut taken) {
            Ok(_) => assert_ne!(taken, sample.taken, "{at}"),
            Err(error) => {
                assert_eq!(error, Error::Fault(Fault::Stream));
                refused += 1;
            }
        }
    }
    assert!(refused > sample.packed.len() * 9 / 10, "{refused} of {}", sample.packed.len());
}

fn framing() -> impl Strategy<Value = Framing> {
    let bare = (0u8..=4, 0u8..=4, any::<bool>())
        .prop_map(|(lc, pb, marked)| Framing::Bare { props: Props { lc, lp: 4 - lc, pb }, marked });
    prop_oneof![Just(Framing::Chunks), bare]
}

proptest! {
    /// Whatever a stream says, unpacking ends, and what was unpacked can be made again.
    #[test]
    fn hostile_streams_end(
        framing in framing(),
        control in prop::sample::select(vec![0u8, 1, 2, 3, 0x80, 0xA0, 0xC0, 0xE0]),
        octets in prop::collection::vec(any::<u8>(), 0..400),
        len in 0usize..600,
    ) {
        // a header that gets further than noise does
        let head = [control, 0, 40, 0, 99, 0x5D, 0];
        let head = if framing == Framing::Chunks { &head[..] } else { &[0] };
        let packed = [head, &octets].concat();
        let mut plain = vec![0; len];
        let mut taken = Taken::default();
        let found = unpack(framing, &mut Feed(&packed), &mut plain, &mut vec![0; CELLS], &mut taken);
        if let Ok(Extent { packed: read, plain: len @ 1.. }) = found && read as usize <= packed.len() {
            recipe(&sample(framing, &packed[..read as usize], len as usize), None);
        }
    }

    /// Whatever a recipe says, making ends, with no more octets than the stream has.
    #[test]
    fn hostile_recipes_end(
        framing in framing(),
        octets in prop::collection::vec(any::<u8>(), 0..300),
        plain in prop::collection::vec(0u8..3, 0..3000),
        packed in 0u32..4000,
        with_old: bool,
    ) {
        let size = u32::try_from(plain.len()).unwrap();
        let stream = Stream { framing, filter: Filter::None, packed, plain: size, tokens: 50 };
        let sample = Sample { stream, packed: vec![], plain, taken: Taken::default() };
        let mut words = vec![0; Decisions::words(size, 50)];
        let mut noting = Noting::new(&mut words, size, 50).unwrap();
        for at in 0..size.min(50) {
            noting.token(at, Token::LITERAL);
        }
        noting.finish();
        let old = Decisions::new(&words, size, 50);
        let mut feed = Feed(&octets);
        let mut position = Position::start(&mut feed).unwrap();
        let mut bits = Decoder::new(&mut position, feed);
        match made(&sample, &mut bits, old.filter(|_| with_old), &mut Unknown) {
            Ok(made) => prop_assert_eq!(made.len(), packed as usize),
            Err(error) => prop_assert_eq!(error, Error::Fault(Fault::Stream)),
        }
    }
}
