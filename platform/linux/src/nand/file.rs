//! A file that stands for a NAND part.
//!
//! ```text
//!  ┌──────┬──────┬───────┬──────┬──────┬───────┬──
//!  │ data │ mark │ spare │ data │ mark │ spare │ ..     page by page, block by block
//!  └──────┴──────┴───────┴──────┴──────┴───────┴──
//!             2                     2
//! ```
//! The two octets behind the data are the bad-block mark, as in parts with large pages: FF FF in the first page of a good
//! block. That is the order in which `nanddump --oob` writes a part.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use kedge_platform::nand::{Ecc, Geometry, NandFlash, PageAddress};

use super::{Error, admit};

/// Octets of the mark.
const MARK: usize = 2;

/// A NAND part in a file. Every operation is on the disk when it returns.
#[derive(Debug)]
pub struct FileNand {
    file: File,
    geometry: Geometry,
}

impl FileNand {
    /// Makes the file of an erased part without bad blocks; refused if there is one.
    pub fn create(path: &Path, geometry: Geometry) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        let erased = vec![0xFF; Self::record(&geometry) * geometry.pages_per_block as usize];
        for block in 0..geometry.blocks {
            file.write_all_at(&erased, u64::from(block) * erased.len() as u64)?;
        }
        file.sync_all()?;
        Ok(Self { file, geometry })
    }

    /// Opens the file of a part of this shape.
    pub fn open(path: &Path, geometry: Geometry) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let pages = u64::from(geometry.blocks) * u64::from(geometry.pages_per_block);
        if file.metadata()?.len() != pages * Self::record(&geometry) as u64 {
            return Err(Error::NotNand);
        }
        Ok(Self { file, geometry })
    }

    /// Octets of a page with its spare area.
    fn record(geometry: &Geometry) -> usize {
        geometry.page + MARK + geometry.spare
    }

    fn offset(&self, at: PageAddress) -> u64 {
        let page = u64::from(at.block) * u64::from(self.geometry.pages_per_block) + u64::from(at.page);
        page * Self::record(&self.geometry) as u64
    }

    fn block_start(&self, block: u32) -> Result<u64, Error> {
        let at = PageAddress { block, page: 0 };
        admit(&self.geometry, at, 0, 0)?;
        Ok(self.offset(at))
    }

    /// Whether the page reads as erased, its mark apart.
    fn is_erased(&self, at: PageAddress) -> io::Result<bool> {
        let mut page = vec![0; Self::record(&self.geometry)];
        self.file.read_exact_at(&mut page, self.offset(at))?;
        let len = self.geometry.page;
        Ok(page[..len].iter().chain(&page[len + MARK..]).all(|octet| *octet == 0xFF))
    }

    fn refuse_bad(&mut self, block: u32) -> Result<(), Error> {
        if self.is_bad(block)? { Err(Error::MarkedBad(block)) } else { Ok(()) }
    }
}

impl NandFlash for FileNand {
    type Error = Error;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read_page(&mut self, at: PageAddress, data: &mut [u8], spare: &mut [u8]) -> Result<Ecc, Error> {
        admit(&self.geometry, at, data.len(), spare.len())?;
        let offset = self.offset(at);
        self.file.read_exact_at(data, offset)?;
        self.file.read_exact_at(spare, offset + (self.geometry.page + MARK) as u64)?;
        Ok(Ecc::Clean)
    }

    fn program_page(&mut self, at: PageAddress, data: &[u8], spare: &[u8]) -> Result<(), Error> {
        admit(&self.geometry, at, data.len(), spare.len())?;
        if data.is_empty() {
            return Err(Error::OutOfBounds);
        }
        self.refuse_bad(at.block)?;
        for page in at.page..self.geometry.pages_per_block {
            if !self.is_erased(PageAddress { page, ..at })? {
                return Err(Error::Order(at));
            }
        }
        let offset = self.offset(at);
        self.file.write_all_at(data, offset)?;
        self.file.write_all_at(spare, offset + (self.geometry.page + MARK) as u64)?;
        Ok(self.file.sync_data()?)
    }

    fn erase_block(&mut self, block: u32) -> Result<(), Error> {
        let start = self.block_start(block)?;
        self.refuse_bad(block)?;
        let erased = vec![0xFF; Self::record(&self.geometry) * self.geometry.pages_per_block as usize];
        self.file.write_all_at(&erased, start)?;
        Ok(self.file.sync_data()?)
    }

    fn is_bad(&mut self, block: u32) -> Result<bool, Error> {
        let mut mark = [0; MARK];
        let start = self.block_start(block)?;
        self.file.read_exact_at(&mut mark, start + self.geometry.page as u64)?;
        Ok(mark != [0xFF; MARK])
    }

    fn mark_bad(&mut self, block: u32) -> Result<(), Error> {
        let start = self.block_start(block)?;
        self.file.write_all_at(&[0; MARK], start + self.geometry.page as u64)?;
        Ok(self.file.sync_data()?)
    }
}
