//! Making a slot from a delta of unpacked content ([`kedge_repack::remake`]).
//!
//! Everything is in RAM: after a power cut the streams of the old image are unpacked again, and the delta is gone through
//! from its start, without writing, up to where the journal stands.
use kedge_delta::rebuild::{self, Fault, Outline};
use kedge_package::Payload;
use kedge_platform::flash::NorFlash;
use kedge_repack::remake::{self, Remake};

use crate::coded::{Ground, Made, Memory, write_block};
use crate::flash_io::CHUNK;

/// A delta of unpacked content at work.
pub(crate) struct Unpacked<'m> {
    remake: Remake<'m>,
    ground: Ground,
}

impl<'m> Unpacked<'m> {
    /// Unpacks the old streams and goes through the plan of the delta.
    pub(crate) fn open<F: NorFlash>(
        flash: &mut F,
        payload: &Payload,
        sizes: (u32, u32),
        ground: Ground,
        memory: Memory<'m>,
    ) -> Result<Self, rebuild::Error<F::Error>> {
        let outline = Outline {
            payload: payload.size,
            old_size: sizes.0,
            new_size: sizes.1,
            block: payload.block_size,
            in_place: false,
        };
        let Memory { words, regions } = memory;
        let remake = Remake::open(outline, words, regions, &mut ground.input(flash)).map_err(known)?;
        Ok(Self { remake, ground })
    }

    /// Goes back to the start.
    pub(crate) fn restart<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), rebuild::Error<F::Error>> {
        self.remake.restart(&mut self.ground.input(flash)).map_err(known)
    }

    /// Makes a block without writing it.
    pub(crate) fn rehearse<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), rebuild::Error<F::Error>> {
        let (_, mut left) = self.next();
        let mut buffer = [0; CHUNK];
        while left > 0 {
            let n = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let out = buffer.get_mut(..n).unwrap_or_default();
            self.remake.fill(&mut self.ground.input(flash), out).map_err(known)?;
            left = left.saturating_sub(u32::try_from(n).unwrap_or(left));
        }
        Ok(())
    }

    /// Makes the next block in its place.
    pub(crate) fn make<F: NorFlash>(&mut self, flash: &mut F) -> Made<(), F> {
        let (start, len) = self.next();
        let Self { remake, ground } = self;
        let target = ground.new.start.saturating_add(start);
        write_block(flash, ground.new, target, len, |flash, out| {
            remake.fill(&mut ground.input(flash), out).map_err(known)?;
            Ok(out.len())
        })
    }

    /// Where the next block starts, and its octets.
    fn next(&self) -> (u32, u32) {
        let outline = self.remake.outline();
        let block = self.remake.made().checked_div(outline.block).unwrap_or(0);
        outline.extent(block)
    }
}

/// The same fault as one of a coded delta, which is what it is refused as.
fn known<E>(error: remake::Error<E>) -> rebuild::Error<E> {
    match error {
        remake::Error::Input(error) => rebuild::Error::Input(error),
        remake::Error::Fault(remake::Fault::Memory { words }) => Fault::Memory { words }.into(),
        remake::Error::Fault(remake::Fault::Delta(fault)) => fault.into(),
        remake::Error::Fault(_) => Fault::Segment.into(),
    }
}
