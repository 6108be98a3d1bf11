//! NAND flash as the NOR flash that the update agent is written for.
//!
//! ```text
//!   Update, Applier, BankLog              offsets in a volume, units of 16 octets, blocks erased whole
//!        │  NorFlash
//!   ┌────▼──────────────────────────────────────────────────────────────┐
//!   │ Volume     gathers writes into pages, finds octets by page tags   │
//!   │  ├ Table   logical block ──► physical block     (RAM: 2 octets a  │
//!   │  │                                               reserve block)   │
//!   │  ├ Ring    the table on flash, twice                              │
//!   │  └ Media   one page in RAM, bad blocks and wrong bits told apart  │
//!   └────┬──────────────────────────────────────────────────────────────┘
//!        │  NandFlash
//!      driver                             pages, blocks, bad-block marks
//! ```
//! # How octets become pages
//!
//! A block is a list of pages in the order they were programmed, and each page says in its spare area which octets of the
//! block it holds (`tag.rs`). So a block may be written in any order (the journal's header comes last), in pieces of any
//! size, and pages are still programmed in ascending order and once each. Pieces that follow each other share a page. When
//! a block's pages run out before its octets do, the volume packs it: the octets move, closer together, to another block,
//! and the new ones with them. A page whose spare area holds no zeros, or the two that may have flipped, is blank, whatever
//! those octets would mean as a tag; the pages behind the first blank one are blank too.
//!
//! # When octets are safe
//!
//! - A write is on the flash when it returns, in a page of its own. That is the contract of [`kedge_platform::flash`].
//! - In the regions listed as *streams* (images, scratch, package) a piece that fills no page waits in RAM. Nothing later
//!   reaches the flash before it: any write elsewhere, erase or reading of it programs it first. So when a journal record
//!   counts, all that was written before it is there. [`Volume::flush`] does the same on demand.
//! - A page that the power failed on reads as blank or as what was written, and in a stream as an error, until its block is
//!   erased. A volume never appends to a block that it did not erase since it was mounted; it moves such a block first.
//!
//! # Bad blocks and wrong bits
//!
//! - A block that fails in a program or erase is replaced from the reserve, its earlier pages are copied, the table is stored,
//!   then the block is marked bad. The caller notices nothing, until there is [nothing left](Error::NoSpare).
//! - A page with many corrected bits ([`Options::refresh_from`]) is remembered; [`Volume::refresh`] moves its block. The
//!   boot stage or the agent calls it when there is time.
//! - What cannot be corrected is [`Error::Uncorrectable`], with the place. Outside the streams the page that a block got last
//!   is the exception: whether the power failed on it or it has rotted since, nobody can tell, and a journal must not be
//!   locked out by it. It reads as blank.
//!
//! RAM: two pages lent by the caller, and the [`Volume`]: at most 400 octets and two for each block in reserve. Wear: a journal
//! of the update agent costs an erase for every five or six commits on common parts (each is three writes, so three pages),
//! spread over its own blocks and the reserve.
//!
//! A volume is formatted once, in the factory, around bad blocks wherever they are; it never guesses later. Mounting only
//! reads; a session that writes erases the blocks of the table once.

mod error;
mod media;
mod moving;
mod ring;
mod table;
mod tag;
#[cfg(test)]
mod tests;

pub use error::Error;
use kedge_platform::flash::{ErrorType, NorFlash, ReadNorFlash, Region};
use kedge_platform::nand::{NandFlash, PageAddress};

use self::media::{Found, Media, Searched};
use self::moving::How;
use self::ring::Ring;
use self::table::{LOGICAL_MAX, Table};
use self::tag::{Run, TAG_LEN};

/// Octets of a write unit.
pub const UNIT: usize = 16;

/// Blocks at the start of the part that hold the table: two copies, one to be written, three that may be bad.
pub const RING_BLOCKS: u32 = 6;

/// Blocks that can be written to without moving them, since they were erased in this session: journal, store, image, scratch
/// and package of an update, and one more.
const OPEN_BLOCKS: usize = 6;

/// How a volume behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Regions whose writes may wait in RAM until they fill a page; see the [module](self). Those of images, scratch and
    /// package; never a journal or store.
    pub streams: &'a [Region],
    /// Corrected bits in a codeword from which on a block is moved by [`Volume::refresh`]: about two thirds of what the code
    /// corrects.
    pub refresh_from: u32,
}

/// A part with bad blocks and wrong bits, as flash without: [`NorFlash`] with units of [`UNIT`] octets and blocks of `ERASE`,
/// of which `RESERVE` more than the volume shows stand by to replace bad ones (makers promise that at most 2 % go bad).
///
/// `ERASE` is the data of one block of the part.
#[derive(Debug)]
pub struct Volume<'b, N, const ERASE: usize, const RESERVE: usize> {
    media: Media<'b, N>,
    ring: Ring,
    table: Table<RESERVE>,
    logical: u16,
    streams: &'b [Region],
    /// One page.
    gather: &'b mut [u8],
    pending: Option<Pending>,
    open: [Option<Open>; OPEN_BLOCKS],
    /// Which place in `open` is given away next.
    eldest: usize,
    /// Where in the reserve the search for a free block goes on.
    rotor: usize,
    /// The table on flash is the only one and this session's.
    claimed: bool,
    /// The flash may hold another table than the one in RAM, or lack octets that were taken.
    in_doubt: bool,
}

/// Octets in `gather` that are not programmed.
#[derive(Clone, Copy, Debug)]
struct Pending {
    logical: u16,
    run: Run,
}

/// A block that can be appended to.
#[derive(Clone, Copy, Debug)]
struct Open {
    logical: u16,
    block: u32,
    /// The page to be programmed next.
    next: u32,
    /// Behind the last octet written.
    high: u32,
}

impl Open {
    /// The block as one of `size` octets to be searched; this session has programmed all its pages.
    const fn searched(self, size: u32) -> Searched {
        Searched { block: self.block, logical: self.logical, size, may_be_torn: false }
    }
}

impl<'b, N: NandFlash, const ERASE: usize, const RESERVE: usize> Volume<'b, N, ERASE, RESERVE> {
    /// Reads the table of a part that was formatted; writes nothing. `buffer` must hold two pages.
    pub fn mount(nand: N, options: Options<'b>, buffer: &'b mut [u8]) -> Result<Self, Error<N::Error>> {
        let (mut media, gather, logical) = Self::check(nand, &options, buffer)?;
        let (ring, table) = Ring::load(&mut media, logical)?.ok_or(Error::NoTable)?;
        Ok(Self::with(media, ring, table, logical, &options, gather))
    }

    /// Makes a new table, around the blocks that are marked bad. What the blocks hold is left alone; a block at home keeps it.
    /// If the power fails meanwhile, format again.
    pub fn format(nand: N, options: Options<'b>, buffer: &'b mut [u8]) -> Result<Self, Error<N::Error>> {
        let (mut media, gather, logical) = Self::check(nand, &options, buffer)?;
        let ring = match Ring::load::<N, RESERVE>(&mut media, logical)? {
            Some((ring, _)) => ring,
            None => Ring::blank(&mut media)?,
        };
        let mut table = Table::new(logical);
        for slot in 0..RESERVE {
            let block = table.block_at(slot);
            if media.is_bad(block)? {
                table.retire(block);
            }
        }
        let mut slots = 0..RESERVE;
        for number in 0..logical {
            if media.is_bad(Table::<RESERVE>::home(number))? {
                let free = slots.find(|slot| table.is_free(*slot)).ok_or(Error::NoSpare)?;
                table.assign(number, table.block_at(free));
            }
        }
        let mut volume = Self::with(media, ring, table, logical, &options, gather);
        volume.prepare()?;
        Ok(volume)
    }

    /// Octets that `buffer` must have for a part with pages of `page` octets.
    pub const fn buffer_len(page: usize) -> usize {
        page.saturating_mul(2)
    }

    /// How many blocks of the reserve are free.
    pub fn spares(&self) -> usize {
        self.table.free()
    }

    /// The driver.
    pub fn nand(&mut self) -> &mut N {
        &mut self.media.nand
    }

    /// Programs what waits in RAM. If that fails, nothing more is written until the volume is mounted again: it would come
    /// before what is lost.
    pub fn flush(&mut self) -> Result<(), Error<N::Error>> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let programmed = self.program(pending);
        self.in_doubt |= programmed.is_err();
        programmed
    }

    fn program(&mut self, pending: Pending) -> Result<(), Error<N::Error>> {
        loop {
            let open = self.open(pending.logical)?;
            let at = PageAddress { block: open.block, page: open.next };
            self.close(open.logical);
            if self.media.program(at, open.logical, pending.run, self.gather)? {
                let (next, high) = (open.next.saturating_add(1), open.high.max(pending.run.end()));
                self.reopen_as(Open { next, high, ..open });
                return Ok(());
            }
            self.replace(open)?;
        }
    }

    /// Moves one block whose pages had many corrected bits when they were read; false if none is known.
    pub fn refresh(&mut self) -> Result<bool, Error<N::Error>> {
        let Some(logical) = self.media.take_worn() else { return Ok(false) };
        self.prepare()?;
        self.flush()?;
        let from = match self.opened(logical) {
            Some(open) => open,
            None => self.as_found(logical)?,
        };
        self.close(logical);
        self.relocate(from, How::PageByPage)?;
        Ok(true)
    }

    /// Checks the part against the constants, and divides the buffer: media, gather, number of logical blocks.
    #[expect(clippy::type_complexity, reason = "three parts, taken apart at once")]
    fn check(
        nand: N,
        options: &Options<'b>,
        buffer: &'b mut [u8],
    ) -> Result<(Media<'b, N>, &'b mut [u8], u16), Error<N::Error>> {
        let geometry = nand.geometry();
        let logical = geometry.blocks.checked_sub(RING_BLOCKS).and_then(|n| {
            n.checked_sub(u32::try_from(RESERVE).ok()?).filter(|n| (1..=LOGICAL_MAX).contains(n))
        });
        let octets = u64::try_from(ERASE).unwrap_or(u64::MAX).saturating_mul(u64::from(geometry.blocks));
        let page_suits = geometry.page.is_power_of_two()
            && (512..=4096).contains(&geometry.page)
            && Table::<RESERVE>::OCTETS <= geometry.page
            && geometry.spare >= TAG_LEN;
        // tags count up to 65,536 units; offsets in a volume are 32 bits
        let block_suits = geometry.block() == ERASE
            && ERASE.checked_div(UNIT).is_some_and(|units| units <= 0x1_0000)
            && u32::try_from(octets).is_ok();
        let logical = logical.and_then(|n| u16::try_from(n).ok()).filter(|_| page_suits && block_suits);
        let logical = logical.ok_or(Error::Geometry)?;
        let needed = Self::buffer_len(geometry.page);
        let pages = buffer.get_mut(..needed).and_then(|pages| pages.split_at_mut_checked(geometry.page));
        let (cache, gather) = pages.ok_or(Error::Buffer { needed })?;
        Ok((Media::new(nand, cache, options.refresh_from), gather, logical))
    }

    fn with(
        media: Media<'b, N>,
        ring: Ring,
        table: Table<RESERVE>,
        logical: u16,
        options: &Options<'b>,
        gather: &'b mut [u8],
    ) -> Self {
        Self {
            media,
            ring,
            table,
            logical,
            streams: options.streams,
            gather,
            pending: None,
            open: [None; OPEN_BLOCKS],
            eldest: 0,
            rotor: 0,
            claimed: false,
            in_doubt: false,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "checked before")]
    const BLOCK: u32 = if ERASE <= 0x10_0000 { ERASE as u32 } else { 0 };

    /// Bounds and alignment of `len` octets at `offset`.
    fn admit(&self, offset: u32, len: usize, align: usize) -> Result<(), Error<N::Error>> {
        let end = u32::try_from(len).ok().and_then(|len| offset.checked_add(len));
        let capacity = u32::from(self.logical).saturating_mul(Self::BLOCK);
        if end.is_none_or(|end| end > capacity) {
            return Err(Error::OutOfBounds);
        }
        let aligned = |n: usize| n.checked_rem(align) == Some(0);
        if aligned(len) && aligned(usize::try_from(offset).unwrap_or(1)) {
            Ok(())
        } else {
            Err(Error::NotAligned)
        }
    }

    /// Logical block and octet in it.
    fn place(offset: u32) -> (u16, u32) {
        let block = offset.checked_div(Self::BLOCK).and_then(|n| u16::try_from(n).ok());
        (block.unwrap_or(u16::MAX), offset.checked_rem(Self::BLOCK).unwrap_or_default())
    }

    /// How many of `len` octets at octet `start` of a block are in that block.
    fn in_block(start: u32, len: usize) -> usize {
        usize::try_from(Self::BLOCK.saturating_sub(start)).unwrap_or(usize::MAX).min(len)
    }

    fn is_stream(&self, offset: u32, len: usize) -> bool {
        let end = offset.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        self.streams.iter().any(|stream| stream.start <= offset && end <= stream.end())
    }

    /// Takes octets of one block into `gather`, and programs each page that they fill.
    fn gather(&mut self, logical: u16, start: u32, octets: &[u8]) -> Result<(), Error<N::Error>> {
        let (mut start, mut rest) = (start, octets);
        while !rest.is_empty() {
            let fill = match self.pending {
                Some(p) if p.logical == logical && p.run.end() == start => p.run.len,
                Some(_) => {
                    self.flush()?;
                    continue;
                }
                None => 0,
            };
            let open = self.unwritten(logical, start, rest.len())?;
            if fill == 0 && open.next >= self.media.geometry.pages_per_block {
                self.close(logical);
                return self.relocate(open, How::Packed { start, octets: rest }).map(drop);
            }
            let free = self.gather.iter_mut().skip(usize::try_from(fill).unwrap_or(usize::MAX));
            let n = free.zip(rest).map(|(to, from)| *to = *from).count();
            rest = rest.get(n..).unwrap_or_default();
            let n = u32::try_from(n).unwrap_or(u32::MAX);
            let run = Run { start: start.saturating_sub(fill), len: fill.saturating_add(n) };
            self.pending = Some(Pending { logical, run });
            start = start.saturating_add(n);
            if usize::try_from(run.len).is_ok_and(|len| len >= self.gather.len()) {
                self.flush()?;
            } else {
                self.pad(run.len);
            }
        }
        Ok(())
    }

    /// Makes `gather` blank behind its first `len` octets.
    fn pad(&mut self, len: u32) {
        let behind = usize::try_from(len).ok().and_then(|len| self.gather.get_mut(len..));
        behind.unwrap_or_default().fill(0xFF);
    }

    /// The block, opened, if nothing was written to `len` octets at `start`.
    fn unwritten(&mut self, logical: u16, start: u32, len: usize) -> Result<Open, Error<N::Error>> {
        let open = self.open(logical)?;
        let end = start.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        if start < open.high {
            match self.media.find(open.searched(Self::BLOCK), start)? {
                Found::Blank { until } if until >= end => {}
                _ => return Err(Error::Written { at: Self::offset(logical, start) }),
            }
        }
        Ok(open)
    }

    fn offset(logical: u16, start: u32) -> u32 {
        u32::from(logical).saturating_mul(Self::BLOCK).saturating_add(start)
    }

    /// Reads octets of one block.
    fn read_in(&mut self, logical: u16, start: u32, out: &mut [u8]) -> Result<(), Error<N::Error>> {
        let may_be_torn = !self.is_stream(Self::offset(logical, 0), ERASE);
        let block = self.table.block_of(logical);
        let place = Searched { block, logical, size: Self::BLOCK, may_be_torn };
        let (mut at, mut rest) = (start, out);
        while !rest.is_empty() {
            let n = match self.media.find(place, at)? {
                Found::Run(run) => {
                    let skip = usize::try_from(at.saturating_sub(run.start)).unwrap_or(usize::MAX);
                    let len = usize::try_from(run.end().saturating_sub(at)).unwrap_or_default();
                    let octets = self.media.page().iter().skip(skip).take(len);
                    rest.iter_mut().zip(octets).map(|(to, from)| *to = *from).count()
                }
                Found::Blank { until } => {
                    let len = usize::try_from(until.saturating_sub(at)).unwrap_or_default();
                    rest.iter_mut().take(len).map(|to| *to = 0xFF).count()
                }
            };
            // a run covers the octet asked for, and blank goes on behind it: n is not 0
            rest = rest.get_mut(n.max(1)..).unwrap_or_default();
            at = at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    /// Programs what waits in RAM if it is among `len` octets at `start` of a block.
    fn flush_if_in(&mut self, logical: u16, start: u32, len: usize) -> Result<(), Error<N::Error>> {
        let end = start.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        match self.pending {
            Some(p) if p.logical == logical && p.run.start < end && start < p.run.end() => self.flush(),
            _ => Ok(()),
        }
    }

    /// Before the flash is changed: the first time in a session, the table becomes the only one.
    fn prepare(&mut self) -> Result<(), Error<N::Error>> {
        if self.in_doubt {
            return Err(Error::MountAgain);
        }
        if !self.claimed {
            self.in_doubt = true;
            self.ring.claim(&mut self.media, &self.table)?;
            (self.in_doubt, self.claimed) = (false, true);
        }
        Ok(())
    }
}

impl<N: NandFlash, const ERASE: usize, const RESERVE: usize> ErrorType for Volume<'_, N, ERASE, RESERVE> {
    type Error = Error<N::Error>;
}

impl<N: NandFlash, const ERASE: usize, const RESERVE: usize> ReadNorFlash for Volume<'_, N, ERASE, RESERVE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.admit(offset, bytes.len(), 1)?;
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (logical, start) = Self::place(at);
            let n = Self::in_block(start, rest.len());
            let Some((piece, behind)) = rest.split_at_mut_checked(n) else { return Err(Error::OutOfBounds) };
            self.flush_if_in(logical, start, n)?;
            self.read_in(logical, start, piece)?;
            rest = behind;
            at = at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        usize::from(self.logical).saturating_mul(ERASE)
    }
}

impl<N: NandFlash, const ERASE: usize, const RESERVE: usize> NorFlash for Volume<'_, N, ERASE, RESERVE> {
    const WRITE_SIZE: usize = UNIT;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let len = usize::try_from(to.checked_sub(from).ok_or(Error::OutOfBounds)?).unwrap_or(usize::MAX);
        self.admit(from, len, ERASE)?;
        self.prepare()?;
        let (first, behind) = (Self::place(from).0, Self::place(to).0);
        for logical in first..behind {
            if self.pending.is_some_and(|p| p.logical == logical) {
                self.pending = None;
            }
            self.flush()?;
            self.erase_block(logical)?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.admit(offset, bytes.len(), UNIT)?;
        self.prepare()?;
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (logical, start) = Self::place(at);
            let n = Self::in_block(start, rest.len());
            let Some((piece, behind)) = rest.split_at_checked(n) else { return Err(Error::OutOfBounds) };
            self.gather(logical, start, piece)?;
            rest = behind;
            at = at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        }
        if self.is_stream(offset, bytes.len()) { Ok(()) } else { self.flush() }
    }
}
