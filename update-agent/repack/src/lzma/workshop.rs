//! All that the streams of an image take, with its memory.
use kedge_delta::bits::{Bits, Octets};

use super::Fault;
use super::archive::{Archive, Archiving};
use super::filter::Way;
use super::needs::Needs;
use super::remake::{From, Maker, Unknown};
use super::stream::{Error, Extent, Stream, unpack};

/// A [`Workshop`] in which old streams are being unpacked.
#[derive(Debug)]
pub struct Opening<'m> {
    maker: Maker<'m>,
    plain: &'m mut [u8],
    cells: &'m mut [u16],
    archiving: Archiving<'m>,
}

/// Makes the streams of a new image.
#[derive(Debug)]
pub struct Workshop<'m> {
    maker: Maker<'m>,
    plain: &'m mut [u8],
    /// Octets of the stream at hand.
    held: usize,
    archive: Archive<'m>,
    /// The old stream that it resembles.
    like: Option<u32>,
}

impl<'m> Opening<'m> {
    /// Takes memory: [`Needs::words`], else [`Fault::Memory`].
    pub fn new(needs: &Needs, words: &'m mut [u32]) -> Result<Self, Fault> {
        let short = Fault::Memory { words: needs.words() };
        let (part, rest) = words.split_at_mut_checked(needs.room.words()).ok_or(short)?;
        let maker = Maker::new(needs.room, part)?;
        let plain = usize::try_from(needs.room.plain.div_ceil(4)).ok();
        let (plain, rest) = plain.and_then(|plain| rest.split_at_mut_checked(plain)).ok_or(short)?;
        let (cells, rest) = rest.split_at_mut_checked(needs.cells()).ok_or(short)?;
        let archiving = Archiving::new(rest, needs.streams, needs.notes).ok_or(short)?;
        let plain = bytemuck::try_cast_slice_mut(plain).unwrap_or_default();
        let cells = bytemuck::try_cast_slice_mut(cells).unwrap_or_default();
        Ok(Self { maker, plain, cells, archiving })
    }

    /// Unpacks an old stream into `plain` and notes its decisions.
    pub fn unpack<O: Octets>(
        &mut self,
        stream: &Stream,
        octets: &mut O,
        plain: &mut [u8],
    ) -> Result<(), Error<O::Error>> {
        let mut noting = self.archiving.next(stream.plain, stream.tokens).ok_or(Fault::Stream)?;
        let extent = unpack(stream.framing, octets, plain, self.cells, &mut noting)?;
        if extent != (Extent { packed: stream.packed, plain: stream.plain }) {
            return Err(Fault::Stream.into());
        }
        noting.finish().ok_or(Fault::Stream)?;
        stream.filter.run(plain, Way::Undo);
        Ok(())
    }

    /// All old streams are unpacked.
    pub fn finish(self) -> Workshop<'m> {
        let Self { maker, plain, archiving, .. } = self;
        Workshop { maker, plain, held: 0, archive: archiving.finish(), like: None }
    }
}

impl Workshop<'_> {
    /// Begins a stream; its octets are to be put into what is returned, and then [`filter`](Self::filter)ed. `like` is the
    /// number of the old stream that it resembles.
    pub fn start(&mut self, stream: &Stream, like: Option<u32>) -> Result<&mut [u8], Fault> {
        self.maker.start(*stream)?;
        self.like = like;
        self.held = usize::try_from(stream.plain).unwrap_or(usize::MAX);
        self.plain.get_mut(..self.held).ok_or(Fault::Stream)
    }

    /// Filters the octets, which are all there.
    pub fn filter(&mut self, stream: &Stream) {
        stream.filter.run(self.plain.get_mut(..self.held).unwrap_or_default(), Way::Apply);
    }

    /// Fills `out` with the next octets of the stream and returns how many; less than `out` holds only at the end.
    pub fn fill<B: Bits>(&mut self, bits: &mut B, out: &mut [u8]) -> Result<usize, Error<B::Error>> {
        let plain = self.plain.get(..self.held).unwrap_or_default();
        let old = match self.like {
            Some(number) => Some(self.archive.get(number).ok_or(Fault::Stream)?),
            None => None,
        };
        self.maker.fill(bits, From { plain, old }, &mut Unknown, out)
    }
}
