//! Pairs of images: made up, one for each thing that can happen to a block, and windows of real firmware.
use std::path::Path;

use kedge_platform_sim::random::Seeded;

use crate::update::image_pair;

/// An old image and a new one.
pub(super) type Images = (Vec<u8>, Vec<u8>);

/// Where a pair comes from.
#[derive(Clone, Copy, Debug)]
pub enum Pair {
    /// It is made up, for blocks of a size.
    MadeUp(&'static str, fn(usize) -> Images),
    /// It is a window of a pair of the corpus, by its folder.
    Firmware(&'static str),
}

/// All pairs; the order is part of the case numbers.
pub const PAIRS: [Pair; MADE_UP + 11] = [
    Pair::MadeUp("a bit of everything", |block| image_pair(4 * block - block / 3, block, 7)),
    Pair::MadeUp("functions in another order", reordered),
    Pair::MadeUp("turned round", |block| turned(4 * block + block / 5, block + block / 3)),
    Pair::MadeUp("moved back by a few octets", |block| turned(4 * block, 4 * block - 12)),
    Pair::MadeUp("grown at the front", grown),
    Pair::MadeUp("shrunk", |block| swap(grown(block))),
    Pair::MadeUp("one block of many changed", one_changed),
    Pair::MadeUp("nothing in common", |block| (code(3 * block, 11), code(3 * block + 7, 12))),
    Pair::Firmware("libcrypto-arm64"),
    Pair::Firmware("linux-armel-zimage"),
    Pair::Firmware("mpy-esp8266"),
    Pair::Firmware("mpy-microbit"),
    Pair::Firmware("mpy-microbit-dot"),
    Pair::Firmware("mpy-stm32f4"),
    Pair::Firmware("seabios-x86"),
    Pair::Firmware("simba-sam3x"),
    Pair::Firmware("st7789-esp32"),
    Pair::Firmware("st7789-esp32c3"),
    Pair::Firmware("uboot-rpi4"),
];

/// How many of [`PAIRS`] are made up; they come first.
pub(super) const MADE_UP: usize = 8;

/// Windows of real firmware are at least so long.
const WINDOW_MIN: usize = 6 << 10;
/// And at most.
const WINDOW_MAX: usize = 24 << 10;
/// Octets that tell where in the new image the window begins.
const LANDMARK: usize = 24;

impl Pair {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MadeUp(name, _) | Self::Firmware(name) => name,
        }
    }

    /// Its images, for blocks of `block` octets. None if the corpus is not there: it stands beside the workspace.
    pub fn images(&self, block: usize) -> Option<Images> {
        match self {
            Self::MadeUp(_, make) => Some(make(block)),
            Self::Firmware(name) => {
                let folder =
                    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/firmware").join(name);
                let read = |file| std::fs::read(folder.join(file)).ok();
                Some(window(&read("old.bin")?, &read("new.bin")?, block))
            }
        }
    }
}

/// Octets somewhat like code: every fourth is an opcode, and some words come again and again.
fn code(len: usize, seed: u64) -> Vec<u8> {
    let mut noise = Seeded::new(seed);
    let common: Vec<[u8; 4]> = (0..16).map(|_| noise.word().to_le_bytes()[..4].try_into().unwrap()).collect();
    let mut words = || match noise.below(4) {
        0 => common[noise.below(common.len())],
        _ => [noise.octet() & 0x3F, noise.octet(), noise.octet() & 3, 0xE5],
    };
    (0..len.div_ceil(4)).flat_map(|_| words()).take(len).collect()
}

/// Functions of different lengths, the same ones in both images, each time in another order: most of what a block is made
/// of was overwritten before unless it was saved.
fn reordered(block: usize) -> Images {
    let old = code(4 * block + block / 2, 3);
    let mut functions: Vec<&[u8]> = Vec::new();
    let (mut rest, mut noise) = (&old[..], Seeded::new(4));
    while !rest.is_empty() {
        let (function, behind) = rest.split_at((block / 4 + noise.below(block / 2)).min(rest.len()));
        functions.push(function);
        rest = behind;
    }
    for n in (1..functions.len()).rev() {
        functions.swap(n, noise.below(n + 1));
    }
    let new = functions.concat();
    (old, new)
}

/// The new image begins `by` octets into the old one, whose first ones are its last.
fn turned(len: usize, by: usize) -> Images {
    let old = code(len, 5);
    let mut new = old.clone();
    new.rotate_left(by);
    (old, new)
}

/// More than a block is put in front.
fn grown(block: usize) -> Images {
    let old = code(3 * block - 20, 8);
    let mut new = code(block + block / 2, 9);
    new.extend_from_slice(&old);
    (old, new)
}

fn swap((old, new): Images) -> Images {
    (new, old)
}

/// Most blocks stay as they are.
fn one_changed(block: usize) -> Images {
    let old = code(6 * block, 6);
    let mut new = old.clone();
    for octet in &mut new[3 * block + 10..3 * block + 30] {
        *octet ^= 0x11;
    }
    (old, new)
}

/// As many whole blocks of both images as are allowed, around the first difference behind the middle; the new window begins
/// where the old one's first octets stand now.
fn window(old: &[u8], new: &[u8], block: usize) -> Images {
    let len = (4 * block).next_multiple_of(block).clamp(WINDOW_MIN, WINDOW_MAX);
    let middle = old.len().min(new.len()) / 2;
    let differs = old[middle..].iter().zip(&new[middle..]).position(|(old, new)| old != new);
    let start = (middle + differs.unwrap_or(0)).saturating_sub(len / 4) & !3;
    let landmark = &old[start..start + LANDMARK];
    let around = start.saturating_sub(64 << 10);
    let found = new[around..].windows(LANDMARK).take(128 << 10).position(|octets| octets == landmark);
    let new_start = found.map_or(start, |at| around + at);
    let piece = |image: &[u8], start: usize| image[start..image.len().min(start + len)].to_vec();
    (piece(old, start), piece(new, new_start))
}
