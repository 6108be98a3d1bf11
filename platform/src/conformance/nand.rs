//! NAND flash: the rules of [`crate::nand`] that can be seen without cutting the power.

use super::finding::{Evidence, Fault};
use super::{Checked, Report, make, pattern};
use crate::nand::{Geometry, NandError as _, NandErrorKind, NandFlash, PageAddress};

/// The name of the port in findings.
const PORT: &str = "NAND flash";
/// Longest page.
const PAGE_MAX: usize = 4096;
/// Spare octets that are looked at.
const SPARE_MAX: usize = 64;
const ERASED: u8 = 0xFF;

/// Goes through the rules in block `lent` and the one behind it, which must both be good and are left erased. `buffer` takes
/// two pages. `seed` should be another one in each run.
pub fn nand<N: NandFlash>(nand: &mut N, lent: u32, buffer: &mut [u8], seed: u32, report: &mut impl Report) {
    let mut bench = match Bench::new(nand, lent, buffer, seed) {
        Ok(bench) => bench,
        Err(fault) => return make(report, PORT, "geometry", Err(fault)),
    };
    make(report, PORT, "bounds", bench.bounds());
    make(report, PORT, "erasing", bench.erasing());
    make(report, PORT, "programming", bench.programming());
    make(report, PORT, "fresh reads", bench.fresh_reads());
    make(report, PORT, "read-back", bench.twice());
    make(report, PORT, "bad blocks", bench.bad_blocks());
    make(report, PORT, "leaving", bench.erase_both());
}

struct Bench<'n, N> {
    nand: &'n mut N,
    shape: Geometry,
    lent: u32,
    /// What is written.
    write: &'n mut [u8],
    /// What is read.
    read: &'n mut [u8],
    seed: u32,
}

impl<'n, N: NandFlash> Bench<'n, N> {
    fn new(nand: &'n mut N, lent: u32, buffer: &'n mut [u8], seed: u32) -> Result<Self, (Fault, Evidence)> {
        let shape = nand.geometry();
        let page = shape.page.is_power_of_two() && (512..=PAGE_MAX).contains(&shape.page);
        if !page || shape.spare == 0 || shape.pages_per_block == 0 || shape.blocks == 0 {
            return Err((Fault::NandShape, Evidence::Number(shape.page as u64)));
        }
        let pages = buffer.split_at_mut_checked(shape.page);
        let pages = pages.and_then(|(write, rest)| Some((write, rest.get_mut(..shape.page)?)));
        let behind = lent.checked_add(1).filter(|block| *block < shape.blocks);
        let (Some((write, read)), Some(_)) = (pages, behind) else {
            return Err((Fault::Lent, Evidence::Number(lent.into())));
        };
        Ok(Self { nand, shape, lent, write, read, seed })
    }

    /// Pages and blocks that the part does not have, and pages of another length, are refused.
    fn bounds(&mut self) -> Checked {
        let none = PageAddress { block: self.shape.blocks, page: 0 };
        misuse(none, self.nand.read_page(none, self.read, &mut []).map(drop))?;
        misuse(none, self.nand.erase_block(none.block))?;
        let behind = PageAddress { block: self.lent, page: self.shape.pages_per_block };
        misuse(behind, self.nand.read_page(behind, self.read, &mut []).map(drop))?;
        misuse(behind, self.nand.program_page(behind, self.write, &[]))?;
        let first = self.at(0, 0);
        let short = self.write.get(1..).unwrap_or_default();
        misuse(first, self.nand.program_page(first, short, &[]))
    }

    /// Erasing takes the whole block, and no other.
    fn erasing(&mut self) -> Checked {
        self.erase_both()?;
        let last = self.shape.pages_per_block.saturating_sub(1);
        for block in [0, 1] {
            for page in self.marks() {
                self.program(self.at(block, page))?;
            }
        }
        self.erase(0)?;
        for page in 0..=last {
            self.expect_blank(self.at(0, page), Fault::ErasedLess)?;
        }
        for page in self.marks() {
            self.expect(self.at(1, page), Fault::ErasedMore)?;
        }
        Ok(())
    }

    /// The pages that are marked, in the order in which a block is programmed.
    fn marks(&self) -> impl Iterator<Item = u32> + use<N> {
        let pages = self.shape.pages_per_block;
        let last = pages.saturating_sub(1);
        (0..pages).filter(move |page| *page == 0 || *page == last || page.is_power_of_two())
    }

    /// Pages keep data and spare octets; those not programmed are blank.
    fn programming(&mut self) -> Checked {
        self.erase_both()?;
        let (first, second) = (self.at(0, 0), self.at(0, 1));
        self.program(first)?;
        self.expect(first, Fault::NotKept)?;
        if self.shape.pages_per_block > 1 {
            self.expect_blank(second, Fault::NotBlank)?;
            self.program(second)?;
            self.expect(second, Fault::NotKept)?;
            self.expect(first, Fault::Spilled)?;
        }
        self.expect_blank(self.at(1, 0), Fault::Spilled)
    }

    /// A read shows the last erase or program, also where the same page was read before it.
    fn fresh_reads(&mut self) -> Checked {
        let at = self.at(0, 0);
        let stale = |found: (Fault, Evidence)| (Fault::Stale, found.1);
        for round in 0..2 {
            self.seed = self.seed.wrapping_add(round);
            self.erase(0)?;
            self.expect_blank(at, Fault::NotBlank).map_err(stale)?;
            self.program(at)?;
            self.expect(at, Fault::NotKept).map_err(stale)?;
        }
        self.erase(0)
    }

    /// A second program of a page is refused, or at least does not pass for done.
    fn twice(&mut self) -> Checked {
        self.erase(0)?;
        let at = self.at(0, 0);
        self.program(at)?;
        self.write.iter_mut().for_each(|octet| *octet = !*octet);
        if self.nand.program_page(at, self.write, &[]).is_err() {
            return self.erase(0);
        }
        let read = self.nand.read_page(at, self.read, &mut []);
        read.map_err(|error| (Fault::NoReadBack, Evidence::PageRefused(at, error.kind())))?;
        let wrong =
            self.read.iter().zip(self.write.iter()).zip(0..).find(|((read, wanted), _)| read != wanted);
        Err(match wrong {
            Some(((read, expected), octet)) => {
                (Fault::NoReadBack, Evidence::Page { at, octet, expected: *expected, read: *read })
            }
            None => (Fault::ErasesInWrite, Evidence::Page { at, octet: 0, expected: 0, read: 0 }),
        })
    }

    /// The lent blocks are good; one that is bad, if the part has one, is not erased.
    fn bad_blocks(&mut self) -> Checked {
        for block in 0..self.shape.blocks {
            let at = PageAddress { block, page: 0 };
            let bad = self.nand.is_bad(block);
            let bad = bad.map_err(|error| (Fault::Failed, Evidence::PageRefused(at, error.kind())))?;
            if bad && (block == self.lent || Some(block) == self.lent.checked_add(1)) {
                return Err((Fault::Lent, Evidence::Number(block.into())));
            }
            if bad && self.nand.erase_block(block).is_ok() {
                return Err((Fault::BadBlockTouched, Evidence::Number(block.into())));
            }
        }
        Ok(())
    }

    fn at(&self, block: u32, page: u32) -> PageAddress {
        PageAddress { block: self.lent.saturating_add(block), page }
    }

    fn erase(&mut self, block: u32) -> Checked {
        let at = self.at(block, 0);
        let erased = self.nand.erase_block(at.block);
        erased.map_err(|error| (Fault::Failed, Evidence::PageRefused(at, error.kind())))
    }

    fn erase_both(&mut self) -> Checked {
        self.erase(0)?;
        self.erase(1)
    }

    fn program(&mut self, at: PageAddress) -> Checked {
        pattern::fill(self.write, place(at), self.seed);
        let mut spare = [0; SPARE_MAX];
        let spare = spare.get_mut(..self.spare()).unwrap_or_default();
        pattern::fill(spare, !place(at), self.seed);
        let programmed = self.nand.program_page(at, self.write, spare);
        programmed.map_err(|error| (Fault::Failed, Evidence::PageRefused(at, error.kind())))
    }

    /// Spare octets that are used.
    fn spare(&self) -> usize {
        self.shape.spare.min(SPARE_MAX)
    }

    fn expect(&mut self, at: PageAddress, fault: Fault) -> Checked {
        let seed = self.seed;
        let spare = move |octet: u64| pattern::octet((!place(at)).wrapping_add(octet), seed);
        self.look(at, move |octet| pattern::octet(place(at).wrapping_add(octet), seed), spare, fault)
    }

    fn expect_blank(&mut self, at: PageAddress, fault: Fault) -> Checked {
        self.look(at, |_| ERASED, |_| ERASED, fault)
    }

    fn look(
        &mut self,
        at: PageAddress,
        data: impl Fn(u64) -> u8,
        spare: impl Fn(u64) -> u8,
        fault: Fault,
    ) -> Checked {
        let mut beside = [0; SPARE_MAX];
        let beside = beside.get_mut(..self.spare()).unwrap_or_default();
        let read = self.nand.read_page(at, self.read, beside);
        read.map_err(|error| (Fault::Failed, Evidence::PageRefused(at, error.kind())))?;
        let data = self.read.iter().zip((0..).map(data));
        let all = data.chain(beside.iter().zip((0..).map(spare)));
        match all.zip(0..).find(|((read, expected), _)| *read != expected) {
            Some(((read, expected), octet)) => {
                Err((fault, Evidence::Page { at, octet, expected, read: *read }))
            }
            None => Ok(()),
        }
    }
}

/// Where the octets of a page begin in the pattern: far enough from those of the next.
const fn place(at: PageAddress) -> u64 {
    (at.block as u64) << 40 | (at.page as u64) << 16
}

/// A call against the rules: refused as misuse.
fn misuse<E: crate::nand::NandError>(at: PageAddress, result: Result<(), E>) -> Checked {
    match result.map_err(|error| error.kind()) {
        Err(NandErrorKind::Misuse) => Ok(()),
        Err(kind) => Err((Fault::OtherError, Evidence::PageRefused(at, kind))),
        Ok(()) => Err((Fault::Accepted, Evidence::PageRefused(at, NandErrorKind::Misuse))),
    }
}
