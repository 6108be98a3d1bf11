//! What is coded here is rebuilt by the device's own code.
use kedge_delta::arch::{self, Arch};
use kedge_delta::rebuild::{Input, Outline, Rebuild};

use super::*;

/// A device that overwrites its image.
struct Flash<'a> {
    payload: &'a [u8],
    image: Vec<u8>,
    saved: Vec<(u32, Vec<u8>)>,
}

impl Input for Flash<'_> {
    type Error = &'static str;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(
            self.payload.get(at as usize..at as usize + out.len()).ok_or("beyond the payload")?,
        );
        Ok(())
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(self.image.get(at as usize..at as usize + out.len()).ok_or("beyond the image")?);
        Ok(())
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        for (octet, at) in out.iter_mut().zip(at..) {
            let piece = self.saved.iter().find(|(start, piece)| at.wrapping_sub(*start) < small(piece.len()));
            let (start, piece) = piece.ok_or("not saved")?;
            *octet = piece[(at - start) as usize];
        }
        Ok(())
    }
}

fn rebuilt(old: &[u8], new: &[u8], options: &Options, coded: &Coded) -> Vec<u8> {
    let outline = Outline {
        payload: small(coded.payload.len()),
        old_size: small(old.len()),
        new_size: small(new.len()),
        block: small(options.block),
        in_place: options.in_place,
    };
    let mut image = old.to_vec();
    image.resize(old.len().max(new.len()), 0xFF);
    let mut flash = Flash { payload: &coded.payload, image, saved: Vec::new() };
    let mut words = vec![0; outline.words(options.sizes)];
    let mut regions = vec![coded.regions[0]; coded.regions.len()];
    let mut rebuild = Rebuild::open(outline, &mut words, &mut regions, &mut flash).unwrap();
    let mut made = vec![0; new.len()];
    for _ in 0..outline.blocks() {
        let block = loop {
            match rebuild.step(&mut flash).unwrap() {
                Step::Save(_) => {
                    let mut saved = Vec::new();
                    while let Some((at, len)) = rebuild.piece(&mut flash).unwrap() {
                        saved.push((at, flash.image[at as usize..(at + len) as usize].to_vec()));
                    }
                    flash.saved = saved;
                }
                step => break step,
            }
        };
        let (Step::Make(index) | Step::Keep(index)) = block else { panic!() };
        let (start, len) = outline.extent(index);
        let place = start as usize..(start + len) as usize;
        if block == Step::Make(index) {
            let mut octets = vec![0; len as usize + 1];
            for piece in octets.chunks_mut(100) {
                if rebuild.fill(&mut flash, piece).unwrap() < piece.len() {
                    break;
                }
            }
            made[place.clone()].copy_from_slice(&octets[..len as usize]);
            if options.in_place {
                flash.image[place].copy_from_slice(&octets[..len as usize]);
                rebuild.placed(index);
            }
        } else {
            made[place.clone()].copy_from_slice(&old[place]);
        }
    }
    made
}

/// Functions of a made-up machine: Thumb calls between them, pointers to them, and something of their own.
fn image(seed: u32, functions: &[(u32, usize)]) -> Vec<u8> {
    let mut starts = std::collections::BTreeMap::new();
    let mut at = 0;
    for (id, len) in functions {
        starts.insert(*id, at);
        at += len;
    }
    let mut image = Vec::new();
    for (id, len) in functions {
        let mut state = id.wrapping_mul(0x9E37_79B9) ^ seed;
        let start = image.len();
        while image.len() < start + len {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let to = starts.values().nth(state as usize >> 8 & 7).copied().unwrap_or(0);
            if state >> 28 == 0 && start + len - image.len() >= 4 {
                let mut call = [0x00, 0xF0, 0x00, 0xF8];
                let place =
                    arch::Place { arch: Arch::Thumb, address: small(image.len()), origin: 0, high: 0 };
                let window = arch::Window { behind: &[], ahead: &call, address: place.address };
                if let Some(reference) = arch::unit(&place, &window, |_| false).reference {
                    arch::emit(&place, reference.form, &mut call, small(to));
                }
                image.extend(call);
            } else {
                image.extend(u16::try_from(state >> 16 & 0x5FFF).unwrap_or(0).to_le_bytes());
            }
        }
    }
    image
}

/// Pairs of images: grown in the middle, functions in another order, shrunk, turned around, and all the same.
fn pairs() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let ids: Vec<(u32, usize)> = (0..40).map(|id| (id, 200 + 2 * (id as usize * 37 % 190))).collect();
    let old = image(1, &ids);
    let mut grown = ids.clone();
    grown.insert(20, (99, 600));
    let mut moved = ids.clone();
    moved.swap(3, 33);
    moved.rotate_left(7);
    let shrunk: Vec<(u32, usize)> = ids.iter().copied().filter(|(id, _)| id % 9 != 4).collect();
    let turned: Vec<(u32, usize)> = ids.iter().rev().copied().collect();
    vec![
        ("grown", old.clone(), image(1, &grown)),
        ("moved", old.clone(), image(1, &moved)),
        ("shrunk", old.clone(), image(1, &shrunk)),
        ("turned", old.clone(), image(1, &turned)),
        ("same", old.clone(), old.clone()),
        ("other", old.clone(), image(2, &ids)),
        ("from nothing much", vec![7], old.clone()),
        ("to nothing much", old, vec![7]),
    ]
}

#[test]
fn the_device_rebuilds_what_was_coded() {
    let mut saves = 0;
    for (name, old, new) in pairs() {
        for sizes in [Sizes::TINY, Sizes::SMALL, Sizes::LARGE] {
            for (in_place, block, room) in
                [(false, 4096, 0), (true, 256, 256), (true, 1024, 3072), (true, 4096, 0)]
            {
                let options = Options { in_place, block, room, sizes, hint: Hint::default() };
                let coded = encode(&old, &new, &options, &|_, _| {});
                assert!(rebuilt(&old, &new, &options, &coded) == new, "{name} {options:?}");
                assert_eq!(
                    coded.payload,
                    encode(&old, &new, &options, &|_, _| {}).payload,
                    "not the same again"
                );
                assert!(coded.payload.len() < new.len() + new.len() / 8 + 600, "{name} {options:?}");
                saves += coded.saves;
            }
        }
    }
    assert!(saves > 0, "nothing was ever saved");
}
