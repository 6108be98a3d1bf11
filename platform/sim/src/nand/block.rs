//! One erase block: what its pages read like, how often they were programmed, and what a power cut left in them.

use std::sync::Arc;

use kedge_platform::nand::Ecc;

use crate::random::Seeded;

/// Octets of data that one codeword of the error-correcting code protects.
const CODEWORD: usize = 512;

/// What a page reads like: data, then spare.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Look {
    Blank,
    Content(Arc<[u8]>),
    /// More wrong bits than any code corrects.
    Broken,
}

#[derive(Clone, Debug)]
struct Page {
    /// One look for a steady page; of several, one is drawn on each read.
    looks: Vec<Look>,
    /// Programs since the last erase.
    programs: u32,
    /// Which codewords of data were programmed, one bit each; the spare area is one more.
    codewords: u16,
    /// Bits that have flipped, counted from the first of the data.
    flips: Vec<usize>,
}

impl Page {
    const ERASED: Self = Self { looks: Vec::new(), programs: 0, codewords: 0, flips: Vec::new() };
}

/// A block of pages.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pages: Vec<Page>,
    /// The last erase was cut off.
    pub(super) half_erased: bool,
    /// A program or an erase has failed.
    pub(super) gone_bad: bool,
    /// Page reads since the last erase.
    pub(super) reads: u64,
}

/// Why a page may not be programmed.
pub(super) enum Refusal {
    Order,
    TooOften,
    Codeword,
}

impl Block {
    pub(super) fn erased(pages: u32) -> Self {
        let pages = vec![Page::ERASED; pages as usize];
        Self { pages, half_erased: false, gone_bad: false, reads: 0 }
    }

    /// Reads a page; None if it has more than `strength` wrong bits in a codeword. The code does not cover the spare area,
    /// which the port allows.
    pub(super) fn read(
        &self,
        page: usize,
        data: &mut [u8],
        spare: &mut [u8],
        page_len: usize,
        strength: u32,
        noise: &mut Seeded,
    ) -> Option<Ecc> {
        let page = &self.pages[page];
        let look = match page.looks.len() {
            0 | 1 => page.looks.first(),
            count => page.looks.get(noise.below(count)),
        };
        match look.unwrap_or(&Look::Blank) {
            Look::Broken if !data.is_empty() => return None,
            Look::Broken => spare.fill_with(|| noise.octet()),
            Look::Blank => {
                data.fill(0xFF);
                spare.fill(0xFF);
            }
            Look::Content(content) => {
                data.copy_from_slice(&content[..data.len()]);
                spare.copy_from_slice(&content[page_len..page_len + spare.len()]);
            }
        }
        for flip in page.flips.iter().filter(|flip| **flip / 8 >= page_len) {
            if let Some(octet) = spare.get_mut(flip / 8 - page_len) {
                *octet ^= 1 << (flip % 8);
            }
        }
        let wrong = |codeword: usize| {
            page.flips
                .iter()
                .filter(|flip| **flip / 8 < page_len && **flip / 8 / CODEWORD == codeword)
                .count()
        };
        let most = (0..data.len().div_ceil(CODEWORD)).map(wrong).max().unwrap_or(0);
        match u32::try_from(most).unwrap_or(u32::MAX) {
            0 => Some(Ecc::Clean),
            bits if bits <= strength => Some(Ecc::Corrected(bits)),
            _ => None,
        }
    }

    /// Whether `data` and `spare` may be programmed.
    pub(super) fn may_program(
        &self,
        at: usize,
        data: &[u8],
        spare: &[u8],
        limit: u32,
    ) -> Result<(), Refusal> {
        if self.pages[at + 1..].iter().any(|page| page.programs > 0) {
            return Err(Refusal::Order);
        }
        let page = &self.pages[at];
        if page.programs >= limit {
            return Err(Refusal::TooOften);
        }
        if page.codewords & codewords(data, spare) != 0 { Err(Refusal::Codeword) } else { Ok(()) }
    }

    /// Programs a page; a partial one adds to what is there.
    pub(super) fn program(&mut self, at: usize, data: &[u8], spare: &[u8], spare_len: usize) {
        let page = &mut self.pages[at];
        let content = merged(page, data, spare, spare_len);
        page.looks = vec![Look::Content(content)];
        page.programs += 1;
        page.codewords |= codewords(data, spare);
    }

    /// Programs a page until the power fails.
    pub(super) fn tear_program(
        &mut self,
        at: usize,
        data: &[u8],
        spare: &[u8],
        spare_len: usize,
        octet: usize,
        noise: &mut Seeded,
    ) {
        let page = &mut self.pages[at];
        let new = merged(page, data, spare, spare_len);
        let mixed = mix(&new, octet, noise);
        let (old, new) = (page.looks.first().cloned().unwrap_or(Look::Blank), Look::Content(new));
        page.looks = match noise.below(8) {
            0 => vec![old],
            1 => vec![new],
            2 | 3 => vec![Look::Broken],
            4 => vec![Look::Content(mixed)],
            5 => vec![new, Look::Broken],
            6 => vec![old, new],
            _ => vec![old, new, Look::Broken, Look::Content(mixed)],
        };
        page.programs += 1;
        page.codewords |= codewords(data, spare);
    }

    /// Programming this page failed: it is lost, the others stay.
    pub(super) fn fail_program(&mut self, at: usize) {
        let page = &mut self.pages[at];
        page.looks = vec![Look::Broken];
        page.programs += 1;
        self.gone_bad = true;
    }

    /// Erases until the power fails, or the block does.
    pub(super) fn tear_erase(&mut self, page_len: usize, noise: &mut Seeded) {
        self.half_erased = true;
        let look = noise.below(4);
        for page in &mut self.pages {
            let old = page.looks.first().cloned().unwrap_or(Look::Blank);
            let mixed = match &old {
                Look::Content(content) => Look::Content(mix(content, noise.below(page_len), noise)),
                _ => Look::Broken,
            };
            page.looks = match (look, noise.below(4)) {
                (0, _) => vec![old],
                (1, _) | (2, 0) => vec![Look::Blank],
                (2, 1) => vec![Look::Broken],
                (2, 2) => vec![mixed],
                _ => vec![old, Look::Blank, Look::Broken, mixed],
            };
        }
    }

    /// Flips a bit of a page, for good or until it is flipped again.
    pub(super) fn flip(&mut self, at: usize, bit: usize) {
        let flips = &mut self.pages[at].flips;
        match flips.iter().position(|flip| *flip == bit) {
            Some(index) => _ = flips.swap_remove(index),
            None => flips.push(bit),
        }
    }

    /// The page with this index among those that are programmed, counted round and round.
    pub(super) fn programmed(&self, index: usize) -> Option<usize> {
        let count = self.pages.iter().filter(|page| page.programs > 0).count();
        let index = index.checked_rem(count)?;
        self.pages.iter().enumerate().filter(|(_, page)| page.programs > 0).map(|(at, _)| at).nth(index)
    }
}

/// Which codewords hold anything but erased octets; the spare area is bit 15.
fn codewords(data: &[u8], spare: &[u8]) -> u16 {
    let used = |octets: &[u8]| u16::from(octets.iter().any(|octet| *octet != 0xFF));
    let data = data.chunks(CODEWORD).enumerate().map(|(index, octets)| used(octets) << index);
    data.fold(used(spare) << 15, |all, one| all | one)
}

/// What the page holds after programming: bits only clear.
fn merged(page: &Page, data: &[u8], spare: &[u8], spare_len: usize) -> Arc<[u8]> {
    let mut content = vec![0xFF; data.len() + spare_len];
    content[..data.len()].copy_from_slice(data);
    content[data.len()..][..spare.len()].copy_from_slice(spare);
    if let Some(Look::Content(old)) = page.looks.first() {
        for (octet, old) in content.iter_mut().zip(old.iter()) {
            *octet &= old;
        }
    }
    content.into()
}

/// Something between erased and `content`: whole up to `octet`, or scattered bits.
fn mix(content: &[u8], octet: usize, noise: &mut Seeded) -> Arc<[u8]> {
    let scattered = noise.below(2) == 0;
    let mut mixed = content.to_vec();
    for (index, cell) in mixed.iter_mut().enumerate() {
        if scattered {
            *cell |= noise.octet();
        } else if index >= octet {
            *cell = 0xFF;
        }
    }
    mixed.into()
}
