//! update-agent/repack: streams of an unknown old image unpacked, those of a new one made again, by an unknown payload.

use crate::opaque::{any, used};
use kedge_delta::map::Region;
use kedge_delta::rebuild::{Input, Outline};
use kedge_repack::remake::{self, Error, Remake};

/// Flash of unknown content that may fail.
struct Unknown;

impl Unknown {
    #[inline(never)]
    fn read(&mut self, at: u32, out: &mut [u8]) -> Result<(), u8> {
        used((at, out));
        any(Ok(()))
    }
}

impl Input for Unknown {
    type Error = u8;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), u8> {
        self.read(at, out)
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), u8> {
        self.read(at, out)
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), u8> {
        self.read(at, out)
    }
}

#[inline(never)]
pub fn run() {
    used(life()).ok();
}

/// Tables of the small profile, a stream of zlib's with its window of 32 KiB, and the same much of old content.
const WORDS: usize = 56 << 10;

#[inline(never)]
fn life() -> Result<(), Error<u8>> {
    let input = &mut Unknown;
    let outline = Outline {
        payload: any(9000),
        old_size: any(1 << 17),
        new_size: any(1 << 17),
        block: any(4096),
        in_place: any(false),
    };
    let words = crate::room!(u32, [0; WORDS]);
    let regions = crate::room!(Region, [Region::BLANK; 16]);
    used(remake::contents(outline, words, input)?.delta_at);
    let mut remake = Remake::open(outline, words, regions, input)?;
    used((remake.head().plain, remake.made(), remake.outline().block));
    let block = crate::room!(256);
    while any(true) {
        let len = any(256);
        remake.fill(input, block.get_mut(..len).unwrap_or_default())?;
        used(&block);
    }
    remake.restart(input)
}
