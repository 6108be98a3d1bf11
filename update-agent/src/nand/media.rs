//! The part itself, one page of it in RAM, and where in a block an octet is found.

use kedge_platform::nand::{Ecc, Geometry, NandError, NandErrorKind, NandFlash, PageAddress};

use super::Error;
use super::tag::{self, Run, SPARE_MAX, TAG_LEN, Tag};

/// Blocks that are remembered to need a refresh; others will be noticed again.
const WORN_MAX: usize = 4;

/// A part with the page read last.
#[derive(Debug)]
pub(super) struct Media<'b, N> {
    pub(super) nand: N,
    pub(super) geometry: Geometry,
    /// One page.
    cache: &'b mut [u8],
    /// What is in `cache`, if that is a page that read well.
    cached: Option<Cached>,
    /// Corrected bits in a codeword from which on a block is refreshed.
    refresh_from: u32,
    worn: [Option<u16>; WORN_MAX],
}

#[derive(Clone, Copy, Debug)]
struct Cached {
    at: PageAddress,
    logical: u16,
    run: Run,
}

/// A logical block to be searched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Searched {
    /// Where it is.
    pub(super) block: u32,
    pub(super) logical: u16,
    /// Octets.
    pub(super) size: u32,
    /// If the page programmed last cannot be read, it counts as never programmed.
    pub(super) may_be_torn: bool,
}

/// What was found where an octet should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The page that has it is in RAM and holds this run.
    Run(Run),
    /// It was not written, nor were those behind it up to here.
    Blank { until: u32 },
}

impl<'b, N: NandFlash> Media<'b, N> {
    /// `cache` is one page.
    pub(super) fn new(nand: N, cache: &'b mut [u8], refresh_from: u32) -> Self {
        let geometry = nand.geometry();
        Self { nand, geometry, cache, cached: None, refresh_from, worn: [None; WORN_MAX] }
    }

    /// The page in RAM: what [`Media::load`] or [`Media::read_plain`] brought.
    pub(super) fn page(&self) -> &[u8] {
        self.cache
    }

    /// The page in RAM, to be filled with something else.
    pub(super) fn page_mut(&mut self) -> &mut [u8] {
        self.cached = None;
        self.cache
    }

    /// Takes a logical block that needs a refresh.
    pub(super) fn take_worn(&mut self) -> Option<u16> {
        self.worn.iter_mut().find_map(Option::take)
    }

    /// The block was moved: its pages are fresh.
    pub(super) fn forget_worn(&mut self, logical: u16) {
        for place in self.worn.iter_mut().filter(|worn| **worn == Some(logical)) {
            *place = None;
        }
    }

    /// What a page of block `logical` says it is; its data is not looked at.
    fn tag(&mut self, at: PageAddress, logical: u16) -> Result<Tag, Error<N::Error>> {
        let mut spare = [0; SPARE_MAX];
        let spare = spare.get_mut(..self.spare_len()).unwrap_or_default();
        match self.nand.read_page(at, &mut [], spare) {
            Ok(_) => Ok(Tag::parse(spare, logical)),
            Err(error) if error.kind() == NandErrorKind::Uncorrectable => Ok(Tag::Unreadable),
            Err(error) => Err(Error::Nand(error)),
        }
    }

    /// Brings a page of block `logical` to RAM.
    pub(super) fn load(&mut self, at: PageAddress, logical: u16) -> Result<Tag, Error<N::Error>> {
        let mut spare = [0; SPARE_MAX];
        let spare = spare.get_mut(..self.spare_len()).unwrap_or_default();
        let Some(ecc) = self.read_whole(at, spare)? else { return Ok(Tag::Unreadable) };
        let tag = Tag::parse(spare, logical);
        let Tag::Run(run, check) = tag else { return Ok(tag) };
        let fits = usize::try_from(run.len).is_ok_and(|len| len <= self.cache.len());
        if !fits || tag::data_check(run, logical, self.cache) != check {
            return Ok(Tag::Unreadable);
        }
        self.cached = Some(Cached { at, logical, run });
        if ecc.bits() >= self.refresh_from
            && !self.worn.contains(&Some(logical))
            && let Some(free) = self.worn.iter_mut().find(|free| free.is_none())
        {
            *free = Some(logical);
        }
        Ok(tag)
    }

    /// Brings a page without a tag to RAM; false if it cannot be corrected.
    pub(super) fn read_plain(&mut self, at: PageAddress) -> Result<bool, Error<N::Error>> {
        Ok(self.read_whole(at, &mut [])?.is_some())
    }

    fn read_whole(&mut self, at: PageAddress, spare: &mut [u8]) -> Result<Option<Ecc>, Error<N::Error>> {
        self.cached = None;
        match self.nand.read_page(at, self.cache, spare) {
            Ok(ecc) => Ok(Some(ecc)),
            Err(error) if error.kind() == NandErrorKind::Uncorrectable => Ok(None),
            Err(error) => Err(Error::Nand(error)),
        }
    }

    /// Programs a page of block `logical` that holds `run`, the beginning of `data`, which is one page; false if the block
    /// has gone bad.
    pub(super) fn program(
        &mut self,
        at: PageAddress,
        logical: u16,
        run: Run,
        data: &[u8],
    ) -> Result<bool, Error<N::Error>> {
        self.forget(at.block);
        let spare = tag::emit(run, logical, data);
        let spare = spare.get(..self.spare_len()).unwrap_or_default();
        succeeded(self.nand.program_page(at, data, spare))
    }

    /// Programs the page in RAM, which holds `run`, as a page of block `logical`; false if the block has gone bad.
    pub(super) fn program_loaded(
        &mut self,
        at: PageAddress,
        logical: u16,
        run: Run,
    ) -> Result<bool, Error<N::Error>> {
        self.cached = None;
        let spare = tag::emit(run, logical, self.cache);
        let spare = spare.get(..self.spare_len()).unwrap_or_default();
        succeeded(self.nand.program_page(at, self.cache, spare))
    }

    /// Programs the page in RAM without a tag; false if the block has gone bad.
    pub(super) fn program_plain(&mut self, at: PageAddress) -> Result<bool, Error<N::Error>> {
        self.cached = None;
        succeeded(self.nand.program_page(at, self.cache, &[]))
    }

    /// Erases a block; false if it has gone bad.
    pub(super) fn erase(&mut self, block: u32) -> Result<bool, Error<N::Error>> {
        self.forget(block);
        succeeded(self.nand.erase_block(block))
    }

    pub(super) fn is_bad(&mut self, block: u32) -> Result<bool, Error<N::Error>> {
        self.nand.is_bad(block).map_err(Error::Nand)
    }

    pub(super) fn mark_bad(&mut self, block: u32) -> Result<(), Error<N::Error>> {
        self.nand.mark_bad(block).map_err(Error::Nand)
    }

    /// How many pages of a block, from the first on, are not blank.
    pub(super) fn programmed(&mut self, block: u32, logical: u16) -> Result<u32, Error<N::Error>> {
        for page in 0..self.geometry.pages_per_block {
            if self.tag(PageAddress { block, page }, logical)? == Tag::Blank {
                return Ok(page);
            }
        }
        Ok(self.geometry.pages_per_block)
    }

    /// Looks for octet `at` of a block. Where a page should follow from the one in RAM or from the offset it is looked at
    /// first; then all tags.
    pub(super) fn find(&mut self, place: Searched, at: u32) -> Result<Found, Error<N::Error>> {
        let Searched { block, logical, .. } = place;
        let near = match self.cached {
            Some(cached) if cached.at.block == block && cached.logical == logical => {
                if cached.run.covers(at) {
                    return Ok(Found::Run(cached.run));
                }
                at.checked_sub(cached.run.start).map(|ahead| cached.at.page.saturating_add(self.pages(ahead)))
            }
            _ => None,
        };
        let straight = self.pages(at);
        for page in [near, Some(straight).filter(|page| near != Some(*page))].into_iter().flatten() {
            if page < self.geometry.pages_per_block
                && let Tag::Run(run, _) = self.load(PageAddress { block, page }, logical)?
                && run.covers(at)
            {
                return Ok(Found::Run(run));
            }
        }
        self.search(place, at)
    }

    /// Looks at all tags. An octet is blank if no page has it; if one has it that cannot be corrected, or may have it since
    /// its tag is gone too, that is an error. A block without a single good tag is one whose first program or whose erase
    /// was cut off: blank.
    fn search(&mut self, searched: Searched, at: u32) -> Result<Found, Error<N::Error>> {
        let Searched { block, logical, size, may_be_torn } = searched;
        let (mut lost, mut last, mut any, mut until) = (None, None, false, size);
        for page in 0..self.geometry.pages_per_block {
            let place = PageAddress { block, page };
            match self.tag(place, logical)? {
                Tag::Blank => break,
                Tag::Unreadable => lost = lost.or(Some(place)),
                Tag::Run(run, _) => {
                    any = true;
                    if run.start > at {
                        until = until.min(run.start);
                    } else if run.covers(at) {
                        match self.load(place, logical)? {
                            Tag::Run(run, _) if run.covers(at) => return Ok(Found::Run(run)),
                            _ => lost = lost.or(Some(place)),
                        }
                    }
                }
            }
            last = Some(place);
        }
        match lost {
            Some(place) if any && !(may_be_torn && lost == last) => Err(Error::Uncorrectable(place)),
            _ => Ok(Found::Blank { until }),
        }
    }

    /// Whole pages in `octets`.
    fn pages(&self, octets: u32) -> u32 {
        let page = u32::try_from(self.geometry.page).unwrap_or(u32::MAX);
        octets.checked_div(page).unwrap_or_default()
    }

    /// Spare octets that are used: whole tags.
    fn spare_len(&self) -> usize {
        let spare = self.geometry.spare.min(SPARE_MAX);
        spare.saturating_sub(spare.checked_rem(TAG_LEN).unwrap_or_default())
    }

    fn forget(&mut self, block: u32) {
        if self.cached.is_some_and(|cached| cached.at.block == block) {
            self.cached = None;
        }
    }
}

/// False if the operation failed because the block has gone bad.
fn succeeded<E: NandError>(done: Result<(), E>) -> Result<bool, Error<E>> {
    match done {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            NandErrorKind::ProgramFailed | NandErrorKind::EraseFailed => Ok(false),
            _ => Err(Error::Nand(error)),
        },
    }
}
