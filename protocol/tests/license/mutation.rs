//! No change of a document is accepted.
//!
//! `cargo test` tries a fixed sample. The long run:
//! `KEDGE_LICENSE_MUTATIONS=1000000 cargo test --release -p kedge-protocol --test license mutation -- --nocapture`

use kedge_protocol::license::Code;
use std::collections::BTreeMap;

use super::support::{TYPE, acceptance, policy, situation, vectors};

/// How many are tried without being told.
const SAMPLE: u64 = 40_000;

/// A small generator (xorshift64*), the same each time.
struct Noise(u64);

impl Noise {
    fn word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.word() % n as u64).expect("small")
    }

    fn octet(&mut self) -> u8 {
        self.word().to_be_bytes()[0]
    }
}

/// One to four changes: bits, octets, cuts, insertions, doubled and exchanged pieces, pieces of another document.
fn mutate(octets: &mut Vec<u8>, others: &[Vec<u8>], noise: &mut Noise) {
    for _ in 0..=noise.below(4) {
        if octets.is_empty() {
            return;
        }
        let at = noise.below(octets.len());
        let len = 1 + noise.below(16.min(octets.len() - at));
        match noise.below(8) {
            0 | 1 => octets[at] ^= 1 << noise.below(8),
            2 => octets[at] = noise.octet(),
            3 => drop(octets.drain(at..at + len)),
            4 => octets.insert(at, noise.octet()),
            5 => {
                let piece = octets[at..at + len].to_vec();
                let to = noise.below(octets.len());
                octets.splice(to..to, piece);
            }
            6 => octets.truncate(at),
            _ => {
                let other = &others[noise.below(others.len())];
                let from = noise.below(other.len());
                let piece = other[from..other.len().min(from + len)].to_vec();
                let end = octets.len().min(at + piece.len());
                octets.splice(at..end, piece);
            }
        }
    }
}

#[test]
fn no_mutation_is_accepted() {
    let asked = std::env::var("KEDGE_LICENSE_MUTATIONS").ok().and_then(|text| text.parse().ok());
    let wanted = asked.unwrap_or(SAMPLE);
    let good: Vec<Vec<u8>> =
        vectors().into_iter().filter(|(_, code, _)| code == "ok").map(|(.., octets)| octets).collect();
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut codes: BTreeMap<Code, u64> = BTreeMap::new();
    let mut tried = 0;
    acceptance(policy(), |a| {
        while tried < wanted {
            let mut octets = good[noise.below(good.len())].clone();
            mutate(&mut octets, &good, &mut noise);
            if good.contains(&octets) {
                continue;
            }
            tried += 1;
            match a.accept(&octets, Some(TYPE), &situation(), &mut |_| true) {
                Ok(_) => panic!("number {tried} was accepted: {octets:02X?}"),
                Err(refusal) => *codes.entry(refusal.code).or_default() += 1,
            }
        }
    });
    println!("{tried} mutated documents, none accepted: {codes:?}");
    assert!(codes.len() >= 6, "they reach many steps: {codes:?}");
}
