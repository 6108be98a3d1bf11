//! update-agent/delta: a coded delta taken up, gone through, kept and gone on with, on octets of which nothing is known.

use crate::opaque::{any, used};
use kedge_delta::map::Region;
use kedge_delta::model::Sizes;
use kedge_delta::plan::Step;
use kedge_delta::rebuild::{Error, Input, Outline, Rebuild};

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

/// The memory of the small profile, one step up to the next round number.
const WORDS: usize = (Sizes::SMALL.words() + 512).next_multiple_of(256);

#[inline(never)]
fn life() -> Result<(), Error<u8>> {
    let input = &mut Unknown;
    let outline = Outline {
        payload: any(9000),
        old_size: any(1 << 17),
        new_size: any(1 << 17),
        block: any(4096),
        in_place: any(true),
    };
    let words = crate::room!(u32, [0; WORDS]);
    let regions = crate::room!(Region, [Region::BLANK; 16]);
    let mut rebuild = Rebuild::open(outline, words, regions, input)?;
    used((rebuild.needs(), rebuild.sizes(), Rebuild::kept_words(rebuild.sizes())));
    if any(true) {
        rebuild.skip(input, any(3), any(2), |block| _ = used(Some(block)))?;
        rebuild.go_on(input, |input, words| {
            used(words);
            input.read(any(0), &mut [])
        })?;
    }
    let block = crate::room!(256);
    while any(true) {
        match rebuild.step(input)? {
            Step::Make(at) => {
                while used(rebuild.fill(input, block)?) > 0 {}
                rebuild.placed(at);
            }
            Step::Keep(_) => {}
            Step::Save(_) => while used(rebuild.piece(input)?).is_some() {},
        }
        rebuild
            .keep(|words| {
                used(words);
                any(Ok(()))
            })
            .map_err(Error::Input)?;
    }
    rebuild.restart();
    Ok(())
}
