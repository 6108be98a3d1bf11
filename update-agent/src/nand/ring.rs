//! Where the table of blocks is kept: twice, in two of the first blocks, so that neither a power cut nor a bad page
//! loses it.
//!
//! ```text
//!  block 0        block 1        block 2        block 3
//!  ┌───────────┐  ┌───────────┐  ┌───────────┐  ┌───────────┐
//!  │ table 7   │  │ table 7   │  │ table 6   │  │ (erased   │
//!  │ table 8   │  │ table 8   │  │           │  │  next)    │
//!  │ ..        │  │ ..        │  │           │  │           │
//!  └───────────┘  └───────────┘  └───────────┘  └───────────┘
//! ```
//! Storing a table programs the next page of one block, then the same in another. What a power cut may have torn reads
//! well today and not tomorrow, or the other way round; so
//!
//! 1. mounting takes the newest table that reads well, and writes nothing. Nobody has acted on a table whose storing was cut
//!    off, so it may count or not;
//! 2. before a session changes anything, it *claims* the ring: it stores its table twice, in blocks that it has erased
//!    itself, and then erases all others. From then on there is no other table, torn or whole. It appends to its own blocks
//!    only;
//! 3. a table is *certain* if a page stands behind it in its block, or its other copy is there: then its program was
//!    finished. To be erased is whichever block holds nothing certain, else the oldest, never the only one with a certain
//!    table. What mounting has taken is in RAM.

use kedge_platform::nand::{NandFlash, PageAddress};

use super::media::Media;
use super::table::Table;
use super::{Error, RING_BLOCKS};

const BLOCKS: usize = RING_BLOCKS as usize;
/// How often a table is stored.
const COPIES: u8 = 2;

/// The blocks of the ring and what stands in them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    sequence: u32,
    holdings: [Holding; BLOCKS],
    /// Where each copy goes next, once this session has blocks of its own.
    next: [Option<PageAddress>; COPIES as usize],
}

/// What a block of the ring holds.
#[derive(Clone, Copy, Debug, Default)]
struct Holding {
    /// It went bad, or came so.
    bad: bool,
    /// A table in it is certain (rule 2).
    certain: bool,
    /// The newest of its tables; 0 without one.
    sequence: u32,
    /// Which copy that is.
    copy: u8,
}

impl Ring {
    /// Reads the ring and the newest table; none if there is no table for `logical` blocks.
    pub(super) fn load<N: NandFlash, const RESERVE: usize>(
        media: &mut Media<'_, N>,
        logical: u16,
    ) -> Result<Option<(Self, Table<RESERVE>)>, Error<N::Error>> {
        let mut ring = Self::blank(media)?;
        let mut newest: Option<Table<RESERVE>> = None;
        for (block, holding) in (0..).zip(&mut ring.holdings) {
            for page in 0..media.geometry.pages_per_block {
                let readable = media.read_plain(PageAddress { block, page })?;
                if readable && is_blank(media.page()) {
                    break;
                }
                holding.certain |= holding.sequence > 0;
                let found = if readable { Table::parse(media.page(), logical) } else { None };
                if let Some((sequence, copy, table)) = found {
                    (holding.sequence, holding.copy) = (sequence, copy);
                    if sequence > ring.sequence {
                        (ring.sequence, newest) = (sequence, Some(table));
                    }
                }
            }
        }
        let holdings = ring.holdings;
        for holding in &mut ring.holdings {
            holding.certain |=
                holdings.iter().any(|other| other.sequence == holding.sequence && other.copy != holding.copy);
        }
        Ok(newest.map(|table| (ring, table)))
    }

    /// A ring without tables.
    pub(super) fn blank<N: NandFlash>(media: &mut Media<'_, N>) -> Result<Self, Error<N::Error>> {
        let mut holdings = [Holding::default(); BLOCKS];
        for (block, holding) in (0..).zip(&mut holdings) {
            holding.bad = media.is_bad(block)?;
        }
        Ok(Self { sequence: 0, holdings, next: [None; COPIES as usize] })
    }

    /// Makes the table the only one (rule 2).
    pub(super) fn claim<N: NandFlash, const RESERVE: usize>(
        &mut self,
        media: &mut Media<'_, N>,
        table: &Table<RESERVE>,
    ) -> Result<(), Error<N::Error>> {
        self.store(media, table)?;
        for block in 0..RING_BLOCKS {
            if !self.is_in_use(block) && !self.holding(block).bad {
                self.hold(block, Holding::default());
                if !media.erase(block)? {
                    self.give_up(media, block)?;
                }
            }
        }
        Ok(())
    }

    /// Stores the table; when this returns, it counts.
    pub(super) fn store<N: NandFlash, const RESERVE: usize>(
        &mut self,
        media: &mut Media<'_, N>,
        table: &Table<RESERVE>,
    ) -> Result<(), Error<N::Error>> {
        self.sequence = self.sequence.saturating_add(1);
        for copy in 0..COPIES {
            while !self.store_copy(media, table, copy)? {}
        }
        Ok(())
    }

    /// Stores one copy; false if the block went bad over it, so that another must be tried.
    fn store_copy<N: NandFlash, const RESERVE: usize>(
        &mut self,
        media: &mut Media<'_, N>,
        table: &Table<RESERVE>,
        copy: u8,
    ) -> Result<bool, Error<N::Error>> {
        let own = self.next.get_mut(usize::from(copy)).and_then(Option::take);
        let at = if let Some(at) = own.filter(|at| at.page < media.geometry.pages_per_block) {
            at
        } else {
            let block = self.victim().ok_or(Error::NoSpare)?;
            self.hold(block, Holding::default());
            if !media.erase(block)? {
                return self.give_up(media, block);
            }
            PageAddress { block, page: 0 }
        };
        table.emit(self.sequence, copy, media.page_mut());
        if !media.program_plain(at)? {
            return self.give_up(media, at.block);
        }
        self.hold(at.block, Holding { bad: false, certain: true, sequence: self.sequence, copy });
        if let Some(next) = self.next.get_mut(usize::from(copy)) {
            *next = Some(PageAddress { block: at.block, page: at.page.saturating_add(1) });
        }
        Ok(true)
    }

    /// The block to be erased next (rule 3).
    fn victim(&self) -> Option<u32> {
        let certain = self.holdings.iter().filter(|holding| holding.certain).count();
        (0..)
            .zip(&self.holdings)
            .filter(|(block, holding)| !holding.bad && !self.is_in_use(*block))
            .filter(|(_, holding)| !holding.certain || certain > 1)
            .min_by_key(|(_, holding)| (holding.certain, holding.sequence))
            .map(|(block, _)| block)
    }

    fn is_in_use(&self, block: u32) -> bool {
        self.next.iter().flatten().any(|at| at.block == block)
    }

    /// The block is not written to again; what is in it stays.
    fn give_up<N: NandFlash>(
        &mut self,
        media: &mut Media<'_, N>,
        block: u32,
    ) -> Result<bool, Error<N::Error>> {
        self.hold(block, Holding { bad: true, ..self.holding(block) });
        media.mark_bad(block)?;
        Ok(false)
    }

    fn holding(&self, block: u32) -> Holding {
        let block = usize::try_from(block).unwrap_or(usize::MAX);
        self.holdings.get(block).copied().unwrap_or_default()
    }

    fn hold(&mut self, block: u32, holding: Holding) {
        if let Some(place) = usize::try_from(block).ok().and_then(|block| self.holdings.get_mut(block)) {
            *place = holding;
        }
    }
}

/// Whether a page reads as one that was never programmed: no table starts with octets FF.
fn is_blank(page: &[u8]) -> bool {
    page.iter().take(4).all(|octet| *octet == 0xFF)
}
