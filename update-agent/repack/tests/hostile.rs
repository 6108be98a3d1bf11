//! Streams, recipes and payloads of which nothing is right: whatever they say, everything ends, in bounded memory.
use std::convert::Infallible;

use kedge_delta::bits::{Bits, Decoder, Octets, Position};
use kedge_delta::map::Region;
use kedge_delta::rebuild::{Input, Outline};
use kedge_repack::deflate::correct::{self, Model, Side};
use kedge_repack::deflate::inflate::{self, Plain, inflate};
use kedge_repack::deflate::make::{Maker, Room};
use kedge_repack::deflate::{Fault, Manner};
use kedge_repack::remake::{self, Remake};
use proptest::prelude::*;

/// Octets with zeros behind them.
struct Feed<'a>(&'a [u8]);

impl Octets for Feed<'_> {
    type Error = Infallible;

    fn next(&mut self) -> Result<u8, Infallible> {
        let (octet, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        Ok(*octet)
    }
}

struct Reader<'a>(Decoder<'a, Feed<'a>>, u8);

impl Bits for Reader<'_> {
    type Error = Infallible;

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Infallible> {
        self.0.bit(p, bit)
    }
}

impl Side for Reader<'_> {
    fn plain(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for octet in out {
            self.1 = self.1.wrapping_mul(5).wrapping_add(3) & 0x1F;
            *octet = self.1;
        }
        Ok(())
    }
}

struct Ram<'a> {
    payload: &'a [u8],
    old: &'a [u8],
}

fn copy(from: &[u8], at: u32, out: &mut [u8]) -> Result<(), ()> {
    let octets = from.get(at as usize..).and_then(|rest| rest.get(..out.len())).ok_or(())?;
    out.copy_from_slice(octets);
    Ok(())
}

impl Input for Ram<'_> {
    type Error = ();

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), ()> {
        copy(self.payload, at, out)
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), ()> {
        copy(self.old, at, out)
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), ()> {
        copy(self.old, at, out)
    }
}

prop_compose! {
    /// Encoders of every sort.
    fn manners()(
        level in 0u8..=9,
        kind in 0u8..4,
        window_bits in 9u8..=15,
        hash_bits in 8u8..=16,
        limit in 1u32..40_000,
        tokens in 0u32..40_000,
        stored in 0u32..=1 << 16,
    ) -> Manner {
        let (filtered, gzip) = (kind & 1 == 1, kind & 2 == 2);
        Manner { level, filtered, gzip, window_bits, hash_bits, limit, tokens, stored }
    }
}

proptest! {
    #[test]
    fn any_octets_are_a_stream_or_refused(
        octets in prop::collection::vec(any::<u8>(), 0..400),
        kind in 0u8..3,
        room in 0usize..2000,
    ) {
        let mut octets = octets;
        if let Some(first) = octets.first_mut() {
            *first = *first & !7 | kind << 1 | 1;
        }
        let mut words = [0; inflate::WORDS];
        let mut out = vec![0; room];
        let mut plain = Plain::new(&mut out);
        let limit = u32::try_from(octets.len()).unwrap();
        if let Ok(used) = inflate(&mut Feed(&octets), limit, &mut words, &mut plain) {
            prop_assert!(used <= limit && plain.len() <= room);
        }
    }

    #[test]
    fn any_recipe_makes_a_stream_or_is_refused(
        manner in manners(),
        plain in 0u32..70_000,
        octets in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let room = Room::new(&manner, plain);
        let mut words = vec![0xABAB_ABAB; room.words()];
        let mut maker = Maker::new(room, &mut words).unwrap();
        maker.start(manner, plain).unwrap();
        let mut cells = vec![0; correct::WORDS];
        let mut model = Model::new(&mut cells).unwrap();
        let mut feed = Feed(&octets);
        let mut position = Position::start(&mut feed).unwrap();
        let mut reader = Reader(Decoder::new(&mut position, feed), 1);
        let mut out = [0; 512];
        // raw blocks without an octet may come for as long as the recipe has some; each token or octet takes at most 48 bits
        let most = 6 * plain as usize + 400 * 600 + 2000;
        let mut made = 0;
        while let Ok(n) = maker.fill(&mut reader, &mut model, &mut out) {
            made += n;
            if n < out.len() || made > most {
                break;
            }
        }
        prop_assert!(maker.done() <= plain);
    }

    #[test]
    fn any_payload_is_refused_or_makes_an_image(
        payload in prop::collection::vec(any::<u8>(), 1..500),
        old in prop::collection::vec(any::<u8>(), 0..500),
        new_size in 1u32..5000,
        words in 0usize..20_000,
    ) {
        let small = |n: usize| u32::try_from(n).unwrap();
        let outline =
            Outline { payload: small(payload.len()), old_size: small(old.len()), new_size, block: 512, in_place: false };
        let mut words = vec![0; words];
        let mut regions = [Region::BLANK; 8];
        let mut input = Ram { payload: &payload, old: &old };
        let _ = remake::contents(outline, &mut [0; correct::WORDS], &mut input);
        if let Ok(mut remake) = Remake::open(outline, &mut words, &mut regions, &mut input) {
            let mut out = vec![0; new_size as usize];
            let first = remake.fill(&mut input, &mut out);
            if remake.restart(&mut input).is_ok() {
                let mut again = vec![0; new_size as usize];
                prop_assert_eq!(remake.fill(&mut input, &mut again), first);
                if first.is_ok() {
                    prop_assert_eq!(out, again);
                }
            }
        }
    }
}

#[test]
fn too_little_memory_is_told() {
    let manner = Manner::zlib(6, 8);
    let room = Room::new(&manner, 100_000);
    let mut words = vec![0; room.words() - 1];
    assert_eq!(
        Maker::new(room, &mut words).err().map(|fault| matches!(fault, Fault::Memory { .. })),
        Some(true)
    );
    let mut words = vec![0; room.words()];
    let mut maker = Maker::new(room, &mut words).unwrap();
    assert!(matches!(maker.start(Manner::zlib(6, 9), 100_000), Err(Fault::Memory { .. })));
    assert_eq!(maker.start(Manner { hash_bits: 17, ..manner }, 5), Err(Fault::Manner));
}
