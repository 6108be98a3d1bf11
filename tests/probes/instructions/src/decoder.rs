//! The decoder alone: all of the new image from a package's payload, without flash, checks and journal.

use crate::loaded::loaded;
use crate::{board, update};
use core::convert::Infallible;
use kedge_delta::plan::Step;
use kedge_delta::rebuild::{Error, Input, Outline, Rebuild};
use kedge_package::limits::HEADER_LEN;
use kedge_package::{Envelope, Header, Layout, Manifest};

/// What was decoded.
pub struct Decoded {
    /// Octets of the new image.
    pub octets: u32,
    pub instructions: u64,
}

struct Octets {
    payload: &'static [u8],
    old: &'static [u8],
}

impl Input for Octets {
    type Error = Infallible;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.payload[at as usize..at as usize + out.len()]);
        Ok(())
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.old[at as usize..at as usize + out.len()]);
        Ok(())
    }

    /// Nothing is overwritten here.
    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), Infallible> {
        self.old(at, out)
    }
}

/// Decodes; none if it is no coded delta, or not a good one.
pub fn run() -> Option<Decoded> {
    let loaded = loaded();
    let header = Header::parse(loaded.package.first_chunk()?).ok()?;
    let (envelope, payload) =
        loaded.package.get(HEADER_LEN..)?.split_at_checked(usize::from(header.envelope))?;
    let envelope = Envelope::parse(envelope).ok()?;
    let manifest = Manifest::parse(envelope.manifest, envelope.manifest_at).ok()?;
    let outline = Outline {
        payload: manifest.payload.size,
        old_size: manifest.base?.image.size,
        new_size: manifest.image.size,
        block: manifest.payload.block_size,
        in_place: manifest.payload.layout == Layout::InPlace,
    };
    let start = board::instructions();
    let octets = decode(outline, &mut Octets { payload, old: loaded.old }).ok()?;
    (octets > 0).then(|| Decoded { octets: manifest.image.size, instructions: board::instructions() - start })
}

#[inline(never)]
fn decode(outline: Outline, input: &mut Octets) -> Result<u32, Error<Infallible>> {
    let memory = update::memory();
    let mut rebuild = Rebuild::open(outline, memory.words, memory.regions, input)?;
    let mut buffer = [0; 256];
    let (mut blocks, mut octets) = (0, 0);
    while blocks < outline.blocks() {
        match rebuild.step(input)? {
            Step::Save(_) => while rebuild.piece(input)?.is_some() {},
            Step::Keep(_) => blocks += 1,
            Step::Make(block) => {
                loop {
                    let n = rebuild.fill(input, &mut buffer)?;
                    octets += n as u32;
                    if n < buffer.len() {
                        break;
                    }
                }
                rebuild.placed(block);
                blocks += 1;
            }
        }
    }
    Ok(octets)
}
